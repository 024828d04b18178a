// Server-sent events read from a fetch, which can send the token; EventSource cannot.
export interface StreamEvent {
  id: string;
  event: string; // "message" unless the server says otherwise
  data: string;
}

// Takes the text as it comes, in pieces of any size.
export class EventStreamParser {
  private rest = "";

  feed(text: string): StreamEvent[] {
    const blocks = (this.rest + text).replaceAll("\r\n", "\n").split("\n\n");
    this.rest = blocks.pop() ?? "";
    return blocks.flatMap((block) => {
      const parsed = parseBlock(block);
      return parsed ? [parsed] : [];
    });
  }
}

// Null for a comment, which only says that the server is still there.
function parseBlock(block: string): StreamEvent | null {
  const found: StreamEvent = { id: "", event: "message", data: "" };
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const value = line.slice(colon + 1).replace(/^ /, "");
    const name = line.slice(0, colon);
    if (name === "data") data.push(value);
    if (name === "id") found.id = value;
    if (name === "event") found.event = value;
  }
  if (data.length === 0) return null;
  found.data = data.join("\n");
  return found;
}
