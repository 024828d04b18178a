import { expect, it } from "vitest";

import { exampleProperties, languages, snippet } from "./snippets";

const schema = {
  required: ["post_id", "dwell_ms", "kind", "open"],
  properties: {
    post_id: { type: "string" },
    dwell_ms: { type: "integer", minimum: 5 },
    kind: { type: "string", enum: ["a", "b"] },
    open: { type: "boolean" },
    scene: { type: "string" },
  },
};

it("makes the properties that a schema requires", () => {
  expect(exampleProperties(schema)).toEqual({ post_id: "post-1", dwell_ms: 5, kind: "a", open: true });
  expect(exampleProperties(null)).toEqual({});
});

it("writes the key, the server and the event in each language", () => {
  for (const language of languages) {
    const text = snippet(language, { url: "http://h:1", key: "k3y", event: "e", properties: { open: true, of: ["it's"] } });
    for (const part of ["k3y", "http://h:1", '"e"']) expect(text).toContain(part);
  }
  expect(snippet("Python", { url: "", key: "", event: "e", properties: { open: true, none: null } })).toContain('{"open": True, "none": None}');
  expect(snippet("curl", { url: "", key: "", event: "e", properties: { text: "it's" } })).toContain(`it'\\''s`);
});
