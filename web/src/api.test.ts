import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { Api, messageOf, readToken } from "./api";

beforeEach(() => sessionStorage.clear());
afterEach(() => vi.unstubAllGlobals());

it("takes the token from the address and wipes it there", () => {
  location.hash = "#token=secret";
  expect(readToken()).toBe("secret");
  expect(location.hash).toBe("");
  expect(readToken()).toBe("secret");
});

it("sends the token and reports a refusal", async () => {
  const refused = vi.fn();
  const fetched = vi.fn(async () => new Response(JSON.stringify({ error: { message: "no" } }), { status: 401 }));
  vi.stubGlobal("fetch", fetched);
  await expect(new Api("t", refused).state()).rejects.toThrow("no");
  expect(refused).toHaveBeenCalledOnce();
  const [path, init] = fetched.mock.calls[0] as unknown as [string, RequestInit];
  expect(path).toBe("/v1/admin/state");
  expect((init.headers as Record<string, string>).Authorization).toBe("Bearer t");
});

it("joins what was found and what is allowed into one sentence", () => {
  expect(messageOf({ error: { message: "n is wrong", found: "0", allowed: "1 to 100" } })).toBe("n is wrong (found 0, allowed: 1 to 100)");
  expect(messageOf(null)).toBeUndefined();
});
