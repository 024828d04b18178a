import { Modal } from "../modal";
import type { ActButton } from "../types";
import { keysOf, nameOf } from "./deeds";

const before: [string, string][] = [
  ["↑ ↓", "choose an item"],
  ["Enter", "open it"],
];
const after: [string, string][] = [
  ["W", "why this item"],
  ["R", "ask for the feed again"],
  ["/", "find a user"],
  ["N", "new user"],
  ["Z", "undo"],
  ["Esc", "close"],
];

function what(button: ActButton): string {
  const act = nameOf(button, false).toLowerCase();
  return button.of_author ? `${act}${button.undo ? ` or ${nameOf(button, true).toLowerCase()}` : ""} its author` : `${act} it`;
}

export function HelpDialog({ buttons, onClose }: { buttons: ActButton[]; onClose: () => void }) {
  const keys = [...before, ...[...keysOf(buttons)].map(([key, button]): [string, string] => [key.toUpperCase(), what(button)]), ...after];
  return (
    <Modal label="Keys" onClose={onClose}>
      <h2>Keys</h2>
      <dl className="keys">
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              {key.split(" ").map((part) => (
                <kbd key={part}>{part}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <button type="button" className="button wide" onClick={onClose}>
        Close
      </button>
    </Modal>
  );
}
