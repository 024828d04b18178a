// Segment's client for browsers in Chromium, as examples/browser has it: node browser_client.mjs NODE_FOLDER URL WRITE_KEY.
// NODE_FOLDER holds node_modules with @segment/analytics-next. Prints {"origin", "sent": [message ids], "answers": [[status, path]], "blocked": [...]}.
import { createServer } from "node:http";
import { createReadStream, existsSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const [folder, url, key] = process.argv.slice(2);
const root = fileURLToPath(new URL("../..", import.meta.url));
const { chromium } = createRequire(join(root, "web/package.json"))("playwright-core");
const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8" };
const quietMs = 3000;

// The example's page on an origin of its own.
const pages = createServer((request, response) => {
  const path = normalize(decodeURIComponent(new URL(request.url, "http://page").pathname));
  const file = path.startsWith("/node_modules/") ? join(folder, path) : join(root, "examples/browser", path === "/" ? "index.html" : path);
  if (!existsSync(file)) return response.writeHead(404).end();
  response.writeHead(200, { "Content-Type": types[extname(file)] ?? "application/octet-stream" });
  createReadStream(file).pipe(response);
});
await new Promise((resolve) => pages.listen(0, "127.0.0.1", resolve));
const origin = `http://127.0.0.1:${pages.address().port}`;

const profile = mkdtempSync(join(tmpdir(), "feedmill-browser-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
});
const page = await context.newPage();
const answers = [];
const blocked = [];
const sent = [];
page.on("response", (response) => {
  const asked = new URL(response.url());
  if (asked.origin === url) answers.push([response.status(), `${response.request().method()} ${asked.pathname.replace(key, "KEY")}`]);
});
page.on("requestfailed", (request) => blocked.push(`${request.url().replace(key, "KEY")}: ${request.failure()?.errorText}`));
page.on("request", (request) => {
  const body = request.method() === "POST" ? request.postData() : null;
  if (body) sent.push(...(JSON.parse(body).batch ?? [JSON.parse(body)]).map((message) => ({ type: message.type, messageId: message.messageId, anonymousId: message.anonymousId })));
});
await page.goto(`${origin}/?${new URLSearchParams({ url, key, user: "ada" })}`);
await page.getByRole("button", { name: "First post" }).click();
await page.getByRole("button", { name: "Second post" }).click();
await page.waitForTimeout(quietMs);
await context.close();
pages.close();
rmSync(profile, { recursive: true, force: true });
console.log(JSON.stringify({ origin, sent, answers, blocked }));
