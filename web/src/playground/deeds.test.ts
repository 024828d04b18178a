import { expect, it } from "vitest";

import type { ActButton } from "../types";
import { doneKey, keysOf, nameOf, saidOf, shownBy } from "./deeds";

const button = (act: string, more: Partial<ActButton> = {}): ActButton => ({ act, undo: "", said: "", icon: "star", shown: false, of_author: false, ...more });
const follow = button("follow", { undo: "unfollow", said: "followed", of_author: true });

it("shows the last word on each author, and takes back what is undone", () => {
  const acts = [
    { action: "follow", user_id: "u", author_id: "a" },
    { action: "like", user_id: "u", post_id: "p", author_id: "a" },
    { action: "unfollow", user_id: "u", author_id: "a" },
  ];
  expect(shownBy(acts, [follow]).edges.get("a")).toBe(false);
  expect(shownBy(acts, [follow]).done.has(doneKey("like", "p"))).toBe(true);
  expect(shownBy(acts.slice(0, 1), [follow]).edges.get("a")).toBe(true);
  expect(shownBy(acts.slice(0, 1), [follow]).done.size).toBe(0);
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
