// Lines to copy that send one event of the tracking plan, in four languages.
import type { EventSchema, PropertySchema } from "./types";

export type Language = "curl" | "Node" | "Python" | "Browser";
export const languages: Language[] = ["curl", "Node", "Python", "Browser"];

export interface SnippetOf {
  url: string; // of the server, without a slash at the end
  key: string; // write key
  event: string;
  properties: Record<string, unknown>;
}

const user = "ada";

function example(name: string, schema: PropertySchema): unknown {
  if (schema.examples?.length) return schema.examples[0];
  if (schema.enum?.length) return schema.enum[0];
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === "integer" || type === "number") return Math.max(1, schema.minimum ?? 1);
  if (type === "boolean") return true;
  if (type === "array") return [];
  if (type === "object") return {};
  return name.replace(/_id$/, "") + "-1";
}

// What the schema requires, with values it allows.
export function exampleProperties(schema: EventSchema | null): Record<string, unknown> {
  const properties = schema?.properties ?? {};
  return Object.fromEntries((schema?.required ?? []).map((name) => [name, example(name, properties[name] ?? {})]));
}

// As Python writes the same value.
function python(value: unknown): string {
  if (value === true) return "True";
  if (value === false) return "False";
  if (value === null) return "None";
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (typeof value === "object") return `{${Object.entries(value as object).map(([key, inner]) => `${JSON.stringify(key)}: ${python(inner)}`).join(", ")}}`;
  return JSON.stringify(value);
}

// Inside '...' of a shell.
function quoted(text: string): string {
  return text.replaceAll("'", `'\\''`);
}

export function snippet(language: Language, { url, key, event, properties }: SnippetOf): string {
  const json = JSON.stringify(properties);
  switch (language) {
    case "curl":
      return [
        `curl -u '${quoted(key)}:' '${url}/v1/track' \\`,
        `  -H 'Content-Type: application/json' \\`,
        `  -d '${quoted(JSON.stringify({ userId: user, event, properties }))}'`,
      ].join("\n");
    case "Node":
      return [
        `// npm install @segment/analytics-node`,
        `import { Analytics } from "@segment/analytics-node";`,
        ``,
        `const analytics = new Analytics({`,
        `  writeKey: ${JSON.stringify(key)},`,
        `  host: ${JSON.stringify(url)},`,
        `  path: "/v1/batch",`,
        `});`,
        `analytics.track({ userId: "${user}", event: ${JSON.stringify(event)}, properties: ${json} });`,
        `await analytics.closeAndFlush();`,
      ].join("\n");
    case "Python":
      return [
        `# pip install segment-analytics-python`,
        `import segment.analytics as analytics`,
        ``,
        `analytics.write_key = ${JSON.stringify(key)}`,
        `analytics.host = ${JSON.stringify(url)}`,
        `analytics.track("${user}", ${JSON.stringify(event)}, ${python(properties)})`,
        `analytics.flush()`,
      ].join("\n");
    case "Browser":
      return [
        `// npm install @segment/analytics-next; the page's origin stands in [http] allowed_origins`,
        `import { AnalyticsBrowser } from "@segment/analytics-next";`,
        ``,
        `const analytics = AnalyticsBrowser.load({`,
        `  writeKey: ${JSON.stringify(key)},`,
        `  cdnURL: ${JSON.stringify(url)},`,
        `});`,
        `analytics.identify("${user}");`,
        `analytics.track(${JSON.stringify(event)}, ${json});`,
      ].join("\n");
  }
}
