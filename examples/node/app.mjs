// One round of an app's server: posts come in, a reader's feed is asked for, what was seen and clicked goes back.
import { Analytics } from "@segment/analytics-node";

const { FEEDMILL_URL: url = "http://127.0.0.1:8080", FEEDMILL_WRITE_KEY: writeKey, FEEDMILL_READ_KEY: readKey } = process.env;
if (!writeKey || !readKey) throw new Error("set FEEDMILL_WRITE_KEY and FEEDMILL_READ_KEY: feedmill key show write, feedmill key show read");

const analytics = new Analytics({ writeKey, host: url, path: "/v1/batch" });
analytics.on("error", (error) => console.error("not delivered:", error.reason ?? error));

async function feed(userId, n = 10) {
  const answer = await fetch(`${url}/v1/feed`, {
    method: "POST",
    headers: { Authorization: `Bearer ${readKey}`, "Content-Type": "application/json" },
    body: JSON.stringify({ user_id: userId, scene: "home", n }),
  });
  const body = await answer.json();
  if (!answer.ok) throw new Error(`${body.error.message}: found ${body.error.found}, allowed ${body.error.allowed}`);
  return body;
}

for (let i = 1; i <= 5; i += 1) {
  analytics.track({ userId: "bob", event: "post_create", properties: { post_id: `node-${i}`, topic: "cooking", title: `Soup of the day, no. ${i}`, text_length: 240 } });
}
analytics.identify({ userId: "ada", traits: { topics: ["cooking"] } });
await analytics.flush();

const page = await feed("ada");
console.log(`ada's feed (${page.request_id}):`);
for (const item of page.items) console.log(`  ${item.position + 1}. ${item.id} by ${item.author}: ${item.reason}`);

// The request's id and the position are what the models learn from.
for (const item of page.items) {
  analytics.track({ userId: "ada", event: "feed_impression", properties: { request_id: page.request_id, post_id: item.id, author_id: item.author, position: item.position, scene: page.scene, source: item.source } });
}
const [first] = page.items;
if (first) analytics.track({ userId: "ada", event: "post_click", properties: { request_id: page.request_id, post_id: first.id, position: 0, scene: page.scene } });
await analytics.closeAndFlush();
console.log(`sent: ${page.items.length} seen, ${first ? 1 : 0} clicked`);
