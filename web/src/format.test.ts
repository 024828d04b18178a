import { describe, expect, it } from "vitest";

import { age, count, duration, millis, mix, percent, score, until } from "./format";

describe("format", () => {
  it("shortens counts", () => {
    expect([0, 999, 9999, 12345, 1234567, 25000000].map(count)).toEqual(["0", "999", "9,999", "12.3k", "1.2M", "25M"]);
  });
  it("says durations in one unit", () => {
    expect([0.25, 3, 42, 600, 7200, 200000].map(duration)).toEqual(["250 ms", "3.0 s", "42 s", "10 min", "2 h", "2 d"]);
  });
  it("says ages against the server's clock", () => {
    expect(age("2026-01-02T00:00:00Z", "2026-01-01T22:00:00Z")).toBe("2 h ago");
    expect(age("2026-01-02T00:00:00Z", "2026-01-02T00:00:00Z")).toBe("just now");
    expect(age("2026-01-02T00:00:00Z", null)).toBe("never");
  });
  it("keeps small figures readable", () => {
    expect([0, 0.004, 0.25, 3.14, 250].map(millis)).toEqual(["0", "<0.01", "0.25", "3.1", "250"]);
    expect([0, 0.00002, 0.1234].map(score)).toEqual(["0.000", "2.0e-5", "0.123"]);
    expect([0.034, 0.5].map(percent)).toEqual(["3.4%", "50%"]);
  });
  it("mixes a name into a steady number", () => {
    expect(mix("ada")).toBe(mix("ada"));
    const firsts = Array.from({ length: 200 }, (_, i) => mix(`user-${i}`));
    expect(new Set(firsts).size).toBe(200);
  });
  it("says how far away something is", () => {
    expect(until("2026-01-02T00:00:00Z", "2026-01-02T02:30:00Z")).toBe("in 3 h");
    expect(until("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z")).toBe("now");
  });
});
