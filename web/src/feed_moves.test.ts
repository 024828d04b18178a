import { describe, expect, it } from "vitest";

import { movesBetween, sentence } from "./feed_moves";
import type { FeedItem } from "./types";

function page(...ids: string[]): FeedItem[] {
  return ids.map((id, position) => ({ id, author: "a", score: 1, source: "fresh", sources: ["fresh"], reason: "", position, created_at: "" }));
}

describe("movesBetween", () => {
  it("finds what moved, came and went", () => {
    const moves = movesBetween(page("a", "b", "c", "d"), page("c", "a", "e", "b"));
    expect(Object.fromEntries(moves.byId)).toEqual({ c: 2, a: -1, e: "new", b: -2 });
    expect(moves.gone.map((item) => item.id)).toEqual(["d"]);
    expect(sentence(moves)).toBe("1 new, 1 up, 2 down, 1 gone");
  });
  it("says when nothing moved", () => {
    expect(sentence(movesBetween(page("a", "b"), page("a", "b")))).toBe("nothing moved");
  });
});
