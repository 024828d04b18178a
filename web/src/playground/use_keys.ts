// The playground by keyboard.
import { useEffect, useRef } from "react";

import type { ActButton, FeedItem } from "../types";
import { keysOf, opens } from "./deeds";
import type { Deed } from "./item_card";

export interface Keys {
  enabled: boolean;
  items: FeedItem[];
  buttons: ActButton[];
  selected: number;
  select: (place: number) => void;
  onDeed: (deed: Deed, item: FeedItem) => void;
  onHelp: () => void;
  onNew: () => void;
  onSearch: () => void;
  onRefresh: () => void;
  onUndo: () => void;
}

export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const { enabled, items, buttons, selected, select, onDeed, ...on } = latest.current;
      const target = event.target as HTMLElement;
      if (!enabled || event.ctrlKey || event.metaKey || event.altKey) return;
      if (/^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) return;
      const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
      const item = items[selected];
      const key = event.key.toLowerCase();
      const deed = key === "w" ? "why" : keysOf(buttons).get(key);
      if (step !== undefined && items.length) {
        event.preventDefault();
        select(Math.min(items.length - 1, Math.max(0, selected + step)));
      } else if (deed && item) onDeed(deed, item);
      else if (event.key === "Enter" && item && !/^(BUTTON|A|OL)$/.test(target.tagName)) onDeed(buttons.find(opens) ?? "why", item);
      else if (event.key === "?") on.onHelp();
      else if (event.key === "n") on.onNew();
      else if (event.key === "r") on.onRefresh();
      else if (event.key === "z") on.onUndo();
      else if (event.key === "/") {
        event.preventDefault();
        on.onSearch();
      }
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
}
