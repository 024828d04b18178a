import { memo } from "react";

import { Avatar } from "../avatar";
import { age, score, words } from "../format";
import { Icon, iconOf } from "../icons";
import type { ActButton, FeedItem } from "../types";
import { keysOf, nameOf, opens } from "./deeds";

export type Deed = ActButton | "why";

export interface CardProps {
  item: FeedItem;
  title?: string; // of the post, when it has one
  place: number;
  now: string;
  selected: boolean;
  buttons: ActButton[];
  done: string; // acts that were done to the item, each with a space before and after
  standing: string; // acts whose edge to the author stands, likewise
  moved: number | "new" | undefined;
  onSelect: (place: number) => void;
  onDeed: (deed: Deed, item: FeedItem) => void;
}

function MoveBadge({ moved }: { moved: number | "new" | undefined }) {
  if (moved === undefined) return null;
  if (moved === "new") return <span className="moved moved-new">new</span>;
  return (
    <span className={moved > 0 ? "moved moved-up" : "moved moved-down"} aria-label={`${Math.abs(moved)} places ${moved > 0 ? "up" : "down"}`}>
      {moved > 0 ? "▲" : "▼"} {Math.abs(moved)}
    </span>
  );
}

export const ItemCard = memo(function ItemCard({ item, title, place, now, selected, buttons, done, standing, moved, onSelect, onDeed }: CardProps) {
  const opener = buttons.find(opens);
  const keys = [...keysOf(buttons)];
  return (
    <li className="card" data-id={item.id} data-selected={selected || undefined}>
      <span className="place" aria-hidden="true">
        {place + 1}
      </span>
      <Avatar name={item.author} />
      <div className="card-body">
        <div className="card-head">
          <span className="author">{item.author}</span>
          <span className="quiet">{item.created_at ? age(now, item.created_at) : ""}</span>
          <MoveBadge moved={moved} />
          <span className="card-score" title="score">
            {score(item.score)}
          </span>
        </div>
        <button type="button" className="card-title" tabIndex={selected ? 0 : -1} onFocus={() => onSelect(place)} onClick={() => onDeed(opener ?? "why", item)}
          title="Open it (Enter)">
          <span className="post-title">{title ?? item.topic ?? item.id}</span>
          {(title || item.topic) && <span className="post-id">{item.id}</span>}
        </button>
        <p className="reason">
          <span className={`chip chip-${item.source}`}>{words(item.source)}</span>
          {title && item.topic && <span className="topic">{item.topic}</span>}
          {item.sources.length > 1 && (
            <span className="quiet" title={item.sources.slice(1).map(words).join(", ")}>
              +{item.sources.length - 1}
            </span>
          )}
          <span>{item.reason}</span>
        </p>
      </div>
      <div className="deeds">
        {buttons.filter((button) => !opens(button)).map((button) => {
          const on = (button.undo ? standing : done).includes(` ${button.act} `);
          const name = nameOf(button, on);
          const key = keys.find(([, whose]) => whose === button)?.[0];
          return (
            <button key={button.act} type="button" className={`deed deed-${button.icon}${on ? " on" : ""}`} aria-pressed={on} title={key ? `${name} (${key.toUpperCase()})` : name}
              aria-label={`${name} ${button.of_author ? item.author : title ?? item.id}`} onClick={() => onDeed(button, item)}>
              <Icon name={iconOf(button.icon, on)} filled={on && button.icon === "heart"} />
            </button>
          );
        })}
        <button type="button" className="deed deed-why" title="Why this item (W)" aria-label={`Why ${title ?? item.id}`} onClick={() => onDeed("why", item)}>
          <Icon name="why" />
        </button>
      </div>
    </li>
  );
});
