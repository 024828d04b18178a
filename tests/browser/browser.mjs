// Starts the demo server and a headless Chromium for the tests and for the screenshot.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const fromWeb = createRequire(join(root, "web/package.json"));
const { chromium } = fromWeb("playwright-core");
const axeSource = readFileSync(fromWeb.resolve("axe-core/axe.min.js"), "utf8");
const startMs = 60_000;

// A link to the console with its token: FEEDMILL_CONSOLE_URL of a running server, or a demo server started here.
export async function openServer(args = []) {
  const given = process.env.FEEDMILL_CONSOLE_URL;
  if (given) return { url: given, stop: async () => {} };
  const program = process.env.FEEDMILL_DEMO_SERVER ?? join(root, "build/release/tests/console_demo_server");
  if (!existsSync(program)) throw new Error(`${program} is not there; build it (target console_demo_server) or set FEEDMILL_DEMO_SERVER`);
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  const url = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("the demo server did not say where it listens")), startMs);
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
      const line = /http:\S+/.exec(text);
      if (line && text.includes("\n")) {
        clearTimeout(timer);
        resolve(line[0]);
      }
    });
    child.on("exit", (code) => reject(new Error(`the demo server ended with ${code}`)));
  });
  const stop = () =>
    new Promise((resolve) => {
      child.removeAllListeners("exit");
      child.on("exit", resolve);
      child.kill("SIGTERM");
    });
  return { url, stop };
}

export async function openBrowser() {
  const profile = mkdtempSync(join(tmpdir(), "feedmill-browser-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    viewport: { width: 1440, height: 900 },
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  const close = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  };
  return { context, close };
}

// What axe-core finds on the page that is serious or worse: rule, how often, where first.
export async function seriousFindings(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Page.setBypassCSP", { enabled: true });
  await session.send("Runtime.evaluate", { expression: axeSource });
  const found = await page.evaluate(async () => (await window.axe.run(document, { resultTypes: ["violations"] })).violations);
  await session.detach();
  const serious = found.filter((finding) => ["serious", "critical"].includes(finding.impact));
  return serious.map((finding) => `${finding.id}, ${finding.nodes.length} times, first at ${finding.nodes[0].target.join(" ")}`);
}
