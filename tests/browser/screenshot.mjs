// Pictures of the console: node tests/browser/screenshot.mjs [FOLDER]; playground.png is the README's.
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { openBrowser, openServer } from "./browser.mjs";

const folder = process.argv[2] ?? "docs/images";
mkdirSync(folder, { recursive: true });
const server = await openServer(["--scale", "4"]);
const { context, close } = await openBrowser();
context.setDefaultTimeout(20_000);
const page = await context.newPage();
const shot = (name) => page.screenshot({ path: join(folder, `${name}.png`) });

await page.goto(server.url);
await page.locator(".card").first().waitFor();
for (const key of ["ArrowDown", "l", "ArrowDown", "Enter", "ArrowDown", "h"]) {
  await page.keyboard.press(key);
  await page.waitForTimeout(500);
}
await page.waitForTimeout(4000);
await shot("playground");
if (process.argv[3] === "all") {
  await page.keyboard.press("w");
  await page.getByText("What the models expect").waitFor();
  await page.waitForTimeout(400);
  await shot("why");
  await page.keyboard.press("Escape");
  await page.keyboard.press("n");
  await page.locator(".topic-choice").first().waitFor();
  await shot("new_user");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Light or dark" }).click();
  await page.waitForTimeout(300);
  await shot("playground_dark");
  await page.getByRole("link", { name: "Bundles" }).click();
  await page.locator(".table").waitFor();
  await shot("bundles_dark");
  await page.getByRole("button", { name: "Light or dark" }).click();
  await page.getByRole("link", { name: "Runs" }).click();
  await page.locator(".table").waitFor();
  await shot("runs");
  await page.getByRole("link", { name: "Playground" }).click();
  await page.locator(".card").first().waitFor();
  await page.setViewportSize({ width: 390, height: 840 });
  await page.waitForTimeout(400);
  await shot("phone");
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.getByRole("button", { name: "Forget the token" }).click();
  await shot("token");
}
await close();
await server.stop();
