// What changed between two pages of a user's feed.
import type { FeedItem } from "./types";

export interface Moves {
  byId: Map<string, number | "new">; // places gained (+) or lost (-), or "new"
  up: number;
  down: number;
  added: number;
  gone: FeedItem[];
}

export function movesBetween(before: FeedItem[], after: FeedItem[]): Moves {
  const places = new Map(before.map((item, place) => [item.id, place]));
  const moves: Moves = { byId: new Map(), up: 0, down: 0, added: 0, gone: [] };
  after.forEach((item, place) => {
    const was = places.get(item.id);
    if (was === undefined) {
      moves.byId.set(item.id, "new");
      moves.added += 1;
    } else if (was !== place) {
      moves.byId.set(item.id, was - place);
      if (was > place) moves.up += 1;
      else moves.down += 1;
    }
  });
  const stays = new Set(after.map((item) => item.id));
  moves.gone = before.filter((item) => !stays.has(item.id));
  return moves;
}

export function sentence(moves: Moves): string {
  const parts = [
    moves.added && `${moves.added} new`,
    moves.up && `${moves.up} up`,
    moves.down && `${moves.down} down`,
    moves.gone.length && `${moves.gone.length} gone`,
  ].filter(Boolean);
  return parts.length ? parts.join(", ") : "nothing moved";
}
