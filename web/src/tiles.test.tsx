import { act } from "react";
import { createRoot } from "react-dom/client";
import { expect, it } from "vitest";

import { linePath } from "./sparkline";
import { lakeTone, lagTone, latencyTone, Tiles } from "./tiles";
import type { ServerState } from "./types";

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
  history: { events_per_s: [1, 2, 3], feeds_per_s: [], feed_p50_ms: [1, 2], feed_p99_ms: [2, 3], log_lag_records: [0, 0] },
};

it("shows the five figures of health", async () => {
  (globalThis as Record<string, unknown>).IS_REACT_ACT_ENVIRONMENT = true;
  const root = document.createElement("div");
  await act(() => createRoot(root).render(<Tiles state={state} />));
  const tiles = [...root.querySelectorAll<HTMLElement>("[data-tile]")];
  expect(tiles.map((tile) => tile.dataset.tile)).toEqual(["Events", "Log lag", "Lake", "Bundle", "Feed"]);
  expect(root.textContent).toContain("120/s");
  expect(root.textContent).toContain("01234567");
  expect(root.textContent).toContain("NDCG@10 0.432");
  expect(root.querySelectorAll("svg[role=img]").length).toBe(3);
});

it("warns by colour", () => {
  expect([lagTone(0), lagTone(5000), lagTone(50000)]).toEqual(["good", "warn", "bad"]);
  expect([latencyTone(0), latencyTone(15), latencyTone(100), latencyTone(500)]).toEqual(["idle", "good", "warn", "bad"]);
  expect([lakeTone(null), lakeTone(60), lakeTone(600), lakeTone(6000)]).toEqual(["idle", "good", "warn", "bad"]);
});

it("draws a line from edge to edge", () => {
  expect(linePath([0, 5, 10], 100, 10, 10)).toBe("M0.0 10.0L50.0 5.0L100.0 0.0");
});
