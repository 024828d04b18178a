import { expect, it } from "vitest";

import type { ActButton, FeedItem } from "../types";
import { doneKey, keysOf, nameOf, saidOf, shownBy, standsFor } from "./deeds";

const button = (act: string, more: Partial<ActButton> = {}): ActButton => ({ act, undo: "", said: "", icon: "star", shown: false, of_author: false, hides: false, ...more });
const follow = button("follow", { undo: "unfollow", said: "followed", of_author: true });

it("shows the last word on each author, and takes back what is undone", () => {
  const acts = [
    { action: "follow", user_id: "u", author_id: "a" },
    { action: "like", user_id: "u", item_id: "p", author_id: "a" },
    { action: "unfollow", user_id: "u", author_id: "a" },
  ];
  expect(shownBy(acts, [follow]).edges.get(doneKey("follow", "a"))).toBe(false);
  expect(shownBy(acts, [follow]).done.has(doneKey("like", "p"))).toBe(true);
  expect(shownBy(acts.slice(0, 1), [follow]).edges.get(doneKey("follow", "a"))).toBe(true);
  expect(shownBy(acts.slice(0, 1), [follow]).done.size).toBe(0);
});

it("keeps edges of several relations apart", () => {
  const block = button("block", { undo: "unblock", of_author: true, hides: true });
  const item = { author: "a", follows_author: true } as FeedItem;
  const after = (...names: string[]) => shownBy(names.map((action) => ({ action, user_id: "u", author_id: "a" })), [follow, block]);
  const stand = (...names: string[]) => [follow, block, button("like")].map((one) => standsFor(one, item, after(...names)));
  expect(stand()).toEqual([true, false, false]);
  expect(stand("block")).toEqual([true, true, false]);
  expect(stand("unfollow", "block", "unblock")).toEqual([false, false, false]);
});

it("names what can be done and what was done", () => {
  expect(nameOf(button("add_to_cart"), false)).toBe("Add to cart");
  expect([nameOf(follow, true), saidOf(follow, true), saidOf(follow, false)]).toEqual(["Unfollow", "Unfollow", "Followed"]);
  expect(saidOf(button("save"), false)).toBe("Save");
});

it("gives each button a key of its own", () => {
  const keys = keysOf([button("click", { icon: "eye" }), button("like"), button("link"), button("kiss"), follow]);
  expect([...keys].map(([key, { act }]) => [key, act])).toEqual([["l", "like"], ["i", "link"], ["s", "kiss"], ["f", "follow"]]);
});
