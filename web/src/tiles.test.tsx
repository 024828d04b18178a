import { act } from "react";
import { createRoot } from "react-dom/client";
import { expect, it } from "vitest";

import { linePath } from "./sparkline";
import { lakeTone, lagTone, latencyTone, Tiles } from "./tiles";
import type { Nightly, ServerState } from "./types";

const state: ServerState = {
  now: "2026-01-02T00:00:00Z",
  clock_driven: false,
  version: "1",
  events_total: 12345,
  rejected_total: 2,
  events_per_s: 120,
  feeds_per_s: 3,
  feed_p50_ms: 2,
  feed_p99_ms: 7.5,
  log_lag_records: 0,
  lake_lag_records: 5,
  lake_age_s: 42,
  users: 10,
  posts: 20,
  bundle: { id: "0123456789abcdef", created_at: null, age_s: 3600, metrics: { ndcg10: 0.4321 } },
  scenes: [],
  acts: [],
  history: { events_per_s: [1, 2, 3], feeds_per_s: [], feed_p50_ms: [1, 2], feed_p99_ms: [2, 3], log_lag_records: [0, 0] },
};

async function drawn(shown: ServerState, stale = false, nightly: Nightly | null = null): Promise<HTMLElement> {
  (globalThis as Record<string, unknown>).IS_REACT_ACT_ENVIRONMENT = true;
  const root = document.createElement("div");
  await act(() => createRoot(root).render(<Tiles state={shown} nightly={nightly} stale={stale} />));
  return root;
}

it("shows the figures of health", async () => {
  const root = await drawn(state);
  const tiles = [...root.querySelectorAll<HTMLElement>("[data-tile]")];
  expect(tiles.map((tile) => tile.dataset.tile)).toEqual(["Events", "Log lag", "Lake", "Bundle", "Nightly", "Feed"]);
  expect(root.textContent).toContain("120/s");
  expect(root.textContent).toContain("01234567");
  expect(root.textContent).toContain("NDCG@10 0.432");
  expect(root.querySelectorAll("svg[role=img]").length).toBe(3);
});

it("says when the figures are of the past", async () => {
  expect((await drawn(state)).querySelector("[data-stale]")).toBeNull();
  const stale = await drawn(state, true);
  expect(stale.querySelector("[data-stale]")).not.toBeNull();
  expect(stale.textContent).toContain("does not answer");
  expect(stale.textContent).toContain("2026-01-02 00:00:00 UTC");
});

it("tells the next and the last night", async () => {
  const nightly = { at: "02:30", next: "2026-01-02T02:30:00Z", running: false, last: { id: "n1", state: "failed", started_at: "2026-01-01T02:30:00Z" }, last_error: "", left_out: [] };
  const tile = async (given: Nightly | null) => (await drawn(state, false, given)).querySelector("[data-tile=Nightly]")!;
  expect((await tile(nightly)).textContent).toContain("in 3 h");
  expect((await tile(nightly)).textContent).toContain("failed 22 h ago");
  expect((await tile(nightly)).querySelector(".dot-bad")).not.toBeNull();
  const late = { model: "dwd_user_action", text: "", late_rows: 1200, command: "feedmill backfill --late --project p" };
  const ended = { id: "n2", state: "succeeded", started_at: "2026-01-01T02:30:00Z" };
  const waiting = await tile({ ...nightly, last: ended, left_out: [late, { ...late, model: "dws_user_daily", late_rows: 7 }] });
  expect(waiting.textContent).toContain("1,200 late events wait: feedmill backfill --late");
  expect(waiting.querySelector(".dot-warn")).not.toBeNull();
  expect((await tile({ ...nightly, running: true })).textContent).toContain("runs now");
  expect((await tile({ ...nightly, at: "", next: null })).textContent).toContain("by hand");
  expect((await tile(null)).textContent).toContain("by hand");
});

it("warns by colour", () => {
  expect([lagTone(0), lagTone(5000), lagTone(50000)]).toEqual(["good", "warn", "bad"]);
  expect([latencyTone(0), latencyTone(15), latencyTone(100), latencyTone(500)]).toEqual(["idle", "good", "warn", "bad"]);
  expect([lakeTone(null, 1), lakeTone(60, 1), lakeTone(600, 1), lakeTone(6000, 1)]).toEqual(["idle", "good", "warn", "bad"]);
  expect(lakeTone(6000, 0)).toBe("good");
});

it("draws a line from edge to edge", () => {
  expect(linePath([0, 5, 10], 100, 10, 10)).toBe("M0.0 10.0L50.0 5.0L100.0 0.0");
});
