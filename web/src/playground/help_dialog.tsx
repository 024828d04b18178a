import { Modal } from "../modal";

const keys: [string, string][] = [
  ["↑ ↓", "choose an item"],
  ["Enter", "open it (a click)"],
  ["L", "like it"],
  ["F", "follow or unfollow its author"],
  ["H", "hide it"],
  ["W", "why this item"],
  ["R", "ask for the feed again"],
  ["/", "find a user"],
  ["N", "new user"],
  ["Z", "undo"],
  ["Esc", "close"],
];

export function HelpDialog({ onClose }: { onClose: () => void }) {
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
