// The head of the feed: whose it is, which scene, whether what is done is sent, and what just happened.
import { Avatar } from "../avatar";
import { Icon } from "../icons";
import type { ServerState } from "../types";
import type { FeedView, Mode } from "./use_feed";

interface Props {
  user: string;
  scenes: ServerState["scenes"] | null;
  scene: string;
  mode: Mode;
  view: FeedView;
  narrow: boolean;
  onScene: (name: string) => void;
  onMode: (mode: Mode) => void;
  onUsers: () => void;
  onSeen: () => void;
  onAsk: () => void;
  onKeys: () => void;
}

// The home feed first, the others by name.
function sorted(scenes: ServerState["scenes"] | null): ServerState["scenes"] {
  return [...(scenes ?? [{ name: "home", description: "" }])].sort((a, b) => Number(b.name === "home") - Number(a.name === "home") || a.name.localeCompare(b.name));
}

const modeWords: Record<Mode, string> = {
  dry: "Dry run: what you do is supposed, and nothing is sent or kept.",
  live: "Live: what you do is sent as this user's events, after a moment to undo it.",
};

function standing(view: FeedView): string {
  if (view.said) return view.said;
  if (!view.feed) return "Choose a user";
  return `${view.feed.items.length} items · ${view.feed.bundle ? `bundle ${view.feed.bundle.slice(0, 8)}` : "no bundle yet"}`;
}

export function FeedHead(props: Props) {
  const { user, scenes, scene, mode, view, narrow } = props;
  return (
    <header className="feed-head">
      <div className="feed-who">
        <h1>{user || "Playground"}</h1>
        {narrow && (
          <button type="button" className="button small" onClick={props.onUsers}>
            {user && <Avatar name={user} small />} Change user
          </button>
        )}
      </div>
      <div className="feed-tools">
        <div className="segments" role="group" aria-label="Scene">
          {sorted(scenes).map((known) => (
            <button key={known.name} type="button" aria-pressed={scene === known.name} title={known.description} onClick={() => props.onScene(known.name)}>
              {known.name}
            </button>
          ))}
        </div>
        <div className="segments mode" role="group" aria-label="Dry run or live" data-mode={mode}>
          {(["dry", "live"] as const).map((one) => (
            <button key={one} type="button" aria-pressed={mode === one} title={modeWords[one]} onClick={() => props.onMode(one)}>
              {one === "dry" ? "Dry run" : "Live"}
            </button>
          ))}
        </div>
        <div className="feed-more">
          <button type="button" className="button" title="Count this page as seen and ask for the next" disabled={!view.feed?.items.length} onClick={props.onSeen}>
            Seen, next
          </button>
          <button type="button" className="deed" title="Ask again (R)" aria-label="Ask again" onClick={props.onAsk}>
            <Icon name="refresh" />
          </button>
          {!narrow && (
            <button type="button" className="deed" title="Keys (?)" aria-label="Keys" onClick={props.onKeys}>
              <Icon name="keys" />
            </button>
          )}
        </div>
      </div>
      <p className="quiet" role="status" aria-live="polite">
        {standing(view)}
      </p>
      <p className={mode === "live" ? "mode-note mode-live" : "mode-note"}>{modeWords[mode]}</p>
    </header>
  );
}
