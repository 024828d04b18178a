import { expect, it } from "vitest";

import { EventStreamParser } from "./event_stream";

it("reads events from pieces of any size", () => {
  const text = 'id: 1\ndata: {"a":1}\n\n: nothing new\n\nevent: missed\ndata: {"messages":3}\n\nid: 5\ndata: one\ndata: two\n\n';
  for (const size of [1, 2, 7, 1000]) {
    const parser = new EventStreamParser();
    const events = [];
    for (let at = 0; at < text.length; at += size) events.push(...parser.feed(text.slice(at, at + size)));
    expect(events).toEqual([
      { id: "1", event: "message", data: '{"a":1}' },
      { id: "", event: "missed", data: '{"messages":3}' },
      { id: "5", event: "message", data: "one\ntwo" },
    ]);
  }
});

it("keeps what is not whole", () => {
  const parser = new EventStreamParser();
  expect(parser.feed("id: 1\ndata: half")).toEqual([]);
  expect(parser.feed(" and half\n\n")).toEqual([{ id: "1", event: "message", data: "half and half" }]);
});
