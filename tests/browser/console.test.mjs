// The console as a person uses it, in headless Chromium. Each check is one function; the last line sums up.
import assert from "node:assert/strict";

import { openBrowser, openServer } from "./browser.mjs";

const server = await openServer();
const { context, close } = await openBrowser();
const base = new URL(server.url);
const token = new URLSearchParams(base.hash.slice(1)).get("token");
const consoleUrl = `${base.origin}/console/`;
context.setDefaultTimeout(15_000);

const problems = [];
async function fresh(url = server.url) {
  const page = await context.newPage();
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => message.type() === "error" && !/401|Failed to load/.test(message.text()) && problems.push(message.text()));
  page.on("request", (request) => new URL(request.url()).origin !== base.origin && problems.push(`asked elsewhere: ${request.url()}`));
  await page.goto(url);
  return page;
}
const cards = (page) => page.locator(".cards > .card");
const ids = (page) => cards(page).evaluateAll((list) => list.map((card) => card.dataset.id));
async function playground() {
  const page = await fresh();
  await cards(page).first().waitFor();
  return page;
}
// Does something and waits until the page of another request is shown.
async function nextFeed(page, deed) {
  const before = await page.locator(".cards").getAttribute("data-request");
  await deed();
  await page.waitForFunction((was) => document.querySelector(".cards")?.dataset.request !== was, before);
}

const checks = {
  async "asks for a token, refuses a wrong one, takes the right one"() {
    const page = await fresh(consoleUrl);
    await page.getByLabel("Admin token").fill("wrong");
    await page.getByRole("button", { name: "Open the console" }).click();
    await page.getByText("The server refused this token.").waitFor();
    await page.getByLabel("Admin token").fill(token);
    await page.keyboard.press("Enter");
    await cards(page).first().waitFor();
    await page.getByRole("button", { name: "Forget the token" }).click();
    await page.getByLabel("Admin token").waitFor();
    await page.close();
  },
  async "wipes the token from the address"() {
    const page = await playground();
    assert.equal(new URL(page.url()).hash, "");
    await page.close();
  },
  async "shows the five tiles and they live"() {
    const page = await playground();
    for (const name of ["Events", "Log lag", "Lake", "Bundle", "Feed"]) await page.locator(`[data-tile="${name}"]`).waitFor();
    await page.waitForFunction(() => document.querySelectorAll(".sparkline-line").length >= 3);
    await page.close();
  },
  async "shows a funnel with stages, counts and milliseconds"() {
    const page = await playground();
    const funnel = page.getByRole("region", { name: "Funnel" });
    for (const stage of ["recall", "filter", "rank", "rerank"]) await funnel.getByRole("rowheader", { name: stage, exact: true }).first().waitFor();
    const counts = await funnel.locator(".stage td:nth-child(2)").allTextContents();
    assert.ok(counts.every((text) => /^[\d.,kM]+$/.test(text)), counts.join());
    await page.close();
  },
  async "items carry source, score, reason, topic, author and age"() {
    const page = await playground();
    const card = cards(page).first();
    assert.match(await card.locator(".chip").innerText(), /\w/);
    assert.match(await card.locator(".card-score").innerText(), /\d/);
    assert.match(await card.locator(".reason").innerText(), /\w+ \w+/);
    assert.match(await card.locator(".topic").innerText(), /\w/);
    assert.match(await card.locator(".author").innerText(), /author/);
    assert.match(await card.locator(".card-head .quiet").innerText(), /ago|just now/);
    await page.close();
  },
  async "hiding an item takes it away for good and moves the others"() {
    const page = await playground();
    const hidden = (await ids(page))[2];
    await nextFeed(page, () => page.getByRole("button", { name: `Hide ${hidden}`, exact: true }).click());
    assert.ok(!(await ids(page)).includes(hidden));
    await page.locator(".moved").first().waitFor();
    assert.match(await page.locator(".feed-head [role=status]").innerText(), /Hid .* New feed in .* ms/);
    await nextFeed(page, () => page.keyboard.press("r"));
    assert.ok(!(await ids(page)).includes(hidden));
    await page.close();
  },
  async "following an author changes the very next feed"() {
    const page = await playground();
    await page.getByRole("button", { name: "New user" }).click();
    await nextFeed(page, () => page.getByRole("button", { name: "Show their feed" }).click());
    await nextFeed(page, () => page.getByRole("button", { name: "following", exact: true }).click());
    assert.equal(await cards(page).count(), 0);
    await page.getByText("Nothing to show here").waitFor();
    await nextFeed(page, () => page.getByRole("button", { name: "home", exact: true }).click());
    const author = await cards(page).first().locator(".author").innerText();
    await nextFeed(page, () => cards(page).first().getByRole("button", { name: `Follow ${author}` }).click());
    await page.getByText(`Followed ${author}.`).waitFor();
    await nextFeed(page, () => page.getByRole("button", { name: "following", exact: true }).click());
    await page.getByText(`You follow ${author}`).first().waitFor();
    const authors = await cards(page).locator(".author").allTextContents();
    assert.ok(authors.length > 0 && authors.every((name) => name === author), authors.join());
    await page.close();
  },
  async "a new user tells topics and gets them"() {
    const page = await playground();
    await page.keyboard.press("n");
    await page.getByRole("dialog").getByRole("button", { name: "cooking" }).click();
    await nextFeed(page, () => page.getByRole("button", { name: "Show their feed" }).click());
    const topics = await cards(page).locator(".topic").allTextContents();
    assert.ok(topics.filter((topic) => topic === "cooking").length >= 3, topics.join());
    await page.close();
  },
  async "seen items do not come again"() {
    const page = await playground();
    const seen = await ids(page);
    await nextFeed(page, () => page.getByRole("button", { name: "Seen, next" }).click());
    const next = await ids(page);
    assert.ok(next.length > 0 && next.every((id) => !seen.includes(id)));
    await page.close();
  },
  async "the drawer says why"() {
    const page = await playground();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("w");
    const drawer = page.getByRole("dialog", { name: /^Why / });
    await drawer.getByText("What the models expect").waitFor();
    for (const action of ["click", "like", "hide"]) await drawer.getByRole("rowheader", { name: action, exact: true }).waitFor();
    await drawer.getByText(/Ranked \d+, shown \d+/).waitFor();
    await page.keyboard.press("Escape");
    await drawer.waitFor({ state: "detached" });
    await page.close();
  },
  async "works by keyboard alone"() {
    const page = await playground();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    assert.equal(await cards(page).nth(2).getAttribute("data-selected"), "true");
    const liked = (await ids(page))[2];
    await nextFeed(page, () => page.keyboard.press("l"));
    await page.getByText(`Liked ${liked}.`).waitFor();
    await nextFeed(page, () => page.keyboard.press("Enter"));
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("/");
    await page.keyboard.type("user-17");
    await page.getByRole("button", { name: /user-17/ }).first().waitFor();
    await nextFeed(page, () => page.keyboard.press("Enter"));
    assert.equal(await page.locator(".feed-head h1").innerText(), "user-17");
    await page.close();
  },
  async "focus can be seen"() {
    const page = await playground();
    await page.keyboard.press("Tab");
    const width = await page.evaluate(() => getComputedStyle(document.activeElement).outlineWidth);
    assert.equal(width, "2px");
    await page.close();
  },
  async "is light and dark"() {
    const page = await playground();
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const first = await ground();
    await page.getByRole("button", { name: "Light or dark" }).click();
    assert.notEqual(await ground(), first);
    await page.getByRole("button", { name: "Light or dark" }).click();
    assert.equal(await ground(), first);
    await page.close();
  },
  async "fits a phone"() {
    const page = await playground();
    await page.setViewportSize({ width: 390, height: 800 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 390, `the page is ${wide} wide`);
    await page.close();
  },
  async "bundles are promoted after a question, and the gate says no"() {
    const page = await fresh();
    await page.getByRole("link", { name: "Bundles" }).click();
    await page.locator("tr[data-state=candidate]").getByRole("button", { name: "Promote" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Promote" }).click();
    await page.getByText("Not done: NDCG@10").waitFor();
    await page.locator("tr[data-state=candidate]").getByRole("button", { name: "Force" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Force" }).click();
    await page.getByText("Done: forced").waitFor();
    await page.locator("tr[data-state=live]", { hasText: "5e0ffc1d2a9b" }).waitFor();
    await page.getByRole("button", { name: "Roll back" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Roll back" }).click();
    await page.locator("tr[data-state=live]", { hasText: "77aa01c9be21" }).waitFor();
    await page.close();
  },
  async "runs show steps, rows and failed checks"() {
    const page = await fresh(`${consoleUrl}runs#token=${token}`);
    await page.getByText("features.samples").waitFor();
    await page.getByRole("button", { name: /failed/ }).click();
    await page.getByText("memory limit of 2 GiB reached").waitFor();
    await page.getByText(/Completeness user_id/).waitFor();
    await page.close();
  },
  async "says so when the server is gone"() {
    const page = await playground();
    await page.route("**/v1/admin/**", (route) => route.abort());
    await page.getByText("not reachable").waitFor();
    await page.keyboard.press("r");
    await page.getByRole("alert").getByText("The server does not answer.").waitFor();
    await page.close();
    problems.splice(0, problems.length, ...problems.filter((problem) => !/ERR_FAILED/.test(problem)));
  },
  async "nothing went wrong on the way, and nothing was asked elsewhere"() {
    assert.deepEqual(problems, []);
  },
};

let failed = 0;
const wanted = process.argv[2];
for (const [name, check] of Object.entries(checks)) {
  if (wanted && !name.includes(wanted)) continue;
  try {
    await check();
    console.log(`ok    ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${name}\n      ${String(error.message).split("\n").slice(0, 6).join("\n      ")}`);
  }
}
await close();
await server.stop();
const all = wanted ? Object.keys(checks).filter((name) => name.includes(wanted)).length : Object.keys(checks).length;
console.log(`${all - failed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
