// Sends messages with the published Node client: node send.mjs HOST WRITE_KEY < messages.json. Prints {"errors":[...]}: what the client
// gave up on.
import { readFileSync } from 'node:fs';
import { Analytics } from '@segment/analytics-node';

const [host, writeKey] = process.argv.slice(2);
const analytics = new Analytics({ writeKey, host, path: '/v1/batch', flushAt: 3, flushInterval: 200, maxRetries: 5 });
const errors = [];
analytics.on('error', (error) => errors.push({ code: error.code, reason: String(error.reason?.message ?? error.reason) }));
for (const { type, ...message } of JSON.parse(readFileSync(0, 'utf8'))) {
  analytics[type]({ ...message, timestamp: new Date(message.timestamp) });
}
await analytics.closeAndFlush({ timeout: 20000 });
console.log(JSON.stringify({ errors }));
