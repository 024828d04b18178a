import { expect, it } from "vitest";

import { shownBy } from "./deeds";

it("shows the last word on each author, and takes back what is undone", () => {
  const acts = [
    { action: "follow", user_id: "u", author_id: "a" },
    { action: "like", user_id: "u", post_id: "p", author_id: "a" },
    { action: "unfollow", user_id: "u", author_id: "a" },
  ];
  expect(shownBy(acts).followed.get("a")).toBe(false);
  expect(shownBy(acts).liked.has("p")).toBe(true);
  expect(shownBy(acts.slice(0, 1)).followed.get("a")).toBe(true);
  expect(shownBy(acts.slice(0, 1)).liked.size).toBe(0);
});
