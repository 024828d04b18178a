import { expect, it } from "vitest";

import { standouts } from "./standouts";

it("names the features farthest from the page's mean first and skips what is missing or equal", () => {
  const rows = [
    [10, 1, null],
    [1, 1, 3],
    [1, 1, 4],
    [0, 1, 5],
  ];
  const found = standouts(["clicks", "same", "age"], rows, 0, 5);
  expect(found.map((feature) => feature.name)).toEqual(["clicks"]);
  expect(found[0]!.mean).toBe(3);
  expect(found[0]!.deviations).toBeGreaterThan(1.5);
  expect(standouts(["clicks", "same", "age"], rows, 3, 5).map((feature) => feature.name)).toEqual(["age", "clicks"]);
});
