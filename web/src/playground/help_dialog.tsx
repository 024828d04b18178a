import { useEffect, useRef } from "react";

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
  ["Esc", "close"],
];

export function HelpDialog({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal?.();
  }, []);
  return (
    <dialog ref={dialog} className="dialog" aria-label="Keys" onClose={onClose} onClick={(event) => event.target === dialog.current && onClose()}>
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
    </dialog>
  );
}
