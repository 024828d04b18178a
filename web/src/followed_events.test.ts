import { expect, it } from "vitest";

import { withNewest } from "./followed_events";
import type { EventRow } from "./types";

const row = (sequence: number) => ({ sequence }) as EventRow;
const sequences = (rows: EventRow[]) => rows.map((one) => one.sequence);

it("puts what came before what was there, and keeps so many", () => {
  expect(sequences(withNewest([], [row(1), row(2)], 10))).toEqual([2, 1]);
  expect(sequences(withNewest([row(2), row(1)], [row(3), row(4)], 3))).toEqual([4, 3, 2]);
  expect(sequences(withNewest([row(2)], [], 3))).toEqual([2]);
});

it("begins anew with a server that does", () => {
  expect(sequences(withNewest([row(900), row(899)], [row(1), row(2)], 10))).toEqual([2, 1]);
});
