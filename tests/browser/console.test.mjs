// The console as a person uses it, in headless Chromium. Each check is one function; the last line sums up.
import assert from "node:assert/strict";

import { openBrowser, openServer, seriousFindings } from "./browser.mjs";

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
const card = (page, id) => page.locator(`.cards > .card[data-id="${id}"]`);
const deed = (page, id, name) => card(page, id).getByRole("button", { name: new RegExp(`^${name} `) });
// What the server has been told since `sequence`, newest first.
async function arrived(page, after = 0) {
  return page.evaluate(
    async ([key, from]) => (await (await fetch(`/v1/admin/events?limit=100&after=${from}`, { headers: { Authorization: `Bearer ${key}` } })).json()).events,
    [token, after],
  );
}
const newest = async (page) => (await arrived(page))[0]?.sequence ?? 0;
const sendEvent = (page, body) => page.evaluate(async (event) => void (await fetch("/v1/track", { method: "POST", body: JSON.stringify(event) })), body);
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
  async "shows the tiles and they live"() {
    const page = await playground();
    for (const name of ["Events", "Log lag", "Lake", "Bundle", "Nightly", "Feed"]) await page.locator(`[data-tile="${name}"]`).waitFor();
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
    await page.locator(".topic").first().waitFor();
    const first = cards(page).filter({ has: page.locator(".topic") }).first();
    assert.match(await first.locator(".chip").innerText(), /\w/);
    assert.match(await first.locator(".card-score").innerText(), /\d/);
    assert.match(await first.locator(".reason").innerText(), /\w+ \w+/);
    assert.match(await first.locator(".topic").innerText(), /\w/);
    assert.match(await first.locator(".post-title").innerText(), /\w+ \w+/);
    assert.match(await first.locator(".author").innerText(), /author/);
    assert.match(await first.locator(".card-head .quiet").innerText(), /ago|just now/);
    await page.close();
  },
  async "avatars differ from name to name"() {
    const page = await playground();
    const pictures = await page.locator(".users .avatar").evaluateAll((list) => list.slice(0, 30).map((one) => one.dataset.tint + one.innerHTML));
    assert.ok(new Set(pictures).size >= 28, `${new Set(pictures).size} different ones of ${pictures.length}`);
    await page.close();
  },
  async "hiding an item takes it away for good and moves the others"() {
    const page = await playground();
    const hidden = (await ids(page))[2];
    await nextFeed(page, () => deed(page, hidden, "Hide").click());
    assert.ok(!(await ids(page)).includes(hidden));
    await page.locator(".moved").first().waitFor();
    assert.match(await page.locator(".feed-head [role=status]").innerText(), /Hid .* New feed in .* ms/);
    await nextFeed(page, () => page.keyboard.press("r"));
    assert.ok(!(await ids(page)).includes(hidden));
    await page.close();
  },
  async "a dry run sends nothing, and can be undone"() {
    const page = await playground();
    const [before, from] = [await ids(page), await newest(page)];
    await nextFeed(page, () => deed(page, before[1], "Hide").click());
    await nextFeed(page, () => deed(page, before[2], "Like").click());
    assert.ok(!(await ids(page)).includes(before[1]));
    await page.getByText("supposed, not sent").waitFor();
    await nextFeed(page, () => page.getByRole("button", { name: "Undo" }).click());
    await nextFeed(page, () => page.keyboard.press("z"));
    assert.equal(await page.locator(".undo-bar").count(), 0);
    assert.deepEqual(await ids(page), before);
    assert.deepEqual(await arrived(page, from), []);
    await page.close();
  },
  async "live, a deed is sent after a moment in which it can be undone"() {
    const page = await playground();
    await nextFeed(page, () => page.getByRole("button", { name: "Live", exact: true }).click());
    const [before, from] = [await ids(page), await newest(page)];
    await nextFeed(page, () => deed(page, before[3], "Like").click());
    await page.getByText("sent in a moment").waitFor();
    await nextFeed(page, () => page.getByRole("button", { name: "Undo" }).click());
    await page.waitForTimeout(5500);
    assert.deepEqual(await arrived(page, from), [], "what was undone was never sent");
    const liked = (await ids(page))[4];
    await nextFeed(page, () => deed(page, liked, "Like").click());
    await page.getByText(/Sent: Liked/).waitFor();
    const rows = await arrived(page, from);
    assert.deepEqual(rows.map((row) => [row.kind, row.name, JSON.parse(row.payload).post_id]), [["event", "like", liked]]);
    const left = (await ids(page))[5];
    await nextFeed(page, () => deed(page, left, "Like").click());
    await page.goto(consoleUrl + "runs"); // leaving sends what is held back
    await page.waitForFunction(([key, id]) => fetch("/v1/admin/events?limit=5", { headers: { Authorization: `Bearer ${key}` } }).then((answer) => answer.text()).then((text) => text.includes(id)), [token, left]);
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
    await page.locator(".topic").first().waitFor();
    const topics = await cards(page).locator(".topic, .post-title").allTextContents();
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
  async "the focus stays in the drawer and comes back"() {
    const page = await playground();
    const opener = cards(page).nth(2).locator(".deed-why");
    await opener.click();
    await page.getByText("What the models expect").waitFor();
    for (let i = 0; i < 6; ++i) {
      await page.keyboard.press("Tab");
      const where = await page.evaluate(() => (document.activeElement === document.body ? "the browser" : document.activeElement.closest("dialog") ? "inside" : "outside"));
      assert.notEqual(where, "outside", `after ${i + 1} tabs`);
    }
    await page.keyboard.press("Escape");
    assert.ok(await opener.evaluate((element) => element === document.activeElement), "back where it came from");
    for (const [open, close] of [["?", "Close"], ["n", "Cancel"]]) {
      await page.keyboard.press(open);
      await page.getByRole("dialog").getByRole("button", { name: close }).click();
      assert.ok(await opener.evaluate((element) => element === document.activeElement), `after ${close}`);
    }
    await page.close();
  },
  async "works by keyboard alone"() {
    const page = await playground();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    assert.equal(await cards(page).nth(2).getAttribute("data-selected"), "true");
    const liked = (await ids(page))[2];
    await nextFeed(page, () => page.keyboard.press("l"));
    await page.getByText(/^Liked /).first().waitFor();
    assert.equal(await deed(page, liked, "Like").count(), 0, "whoever likes a post has seen it");
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
    for (const name of ["Playground", "Events", "Bundles", "Runs"]) {
      await page.getByRole("link", { name, exact: true }).click();
      await page.waitForTimeout(300);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= 390, `${name} is ${wide} wide`);
    }
    await page.close();
  },
  async "on a phone the feed comes first, and the user is one tap away"() {
    const page = await playground();
    await page.setViewportSize({ width: 390, height: 800 });
    await page.locator(".side .tiles").waitFor();
    const top = (await cards(page).first().boundingBox()).y;
    assert.ok(top < 300, `the first post begins at ${top}`);
    await page.getByRole("button", { name: "Change user" }).click();
    await nextFeed(page, () => page.getByRole("dialog").getByRole("button", { name: /user-17/ }).first().click());
    assert.equal(await page.locator(".feed-head h1").innerText(), "user-17");
    await page.close();
  },
  async "what arrives is shown with its payload"() {
    const page = await fresh(`${consoleUrl}events#token=${token}`);
    await sendEvent(page, { event: "post_click", userId: "someone new", messageId: "seen-1", properties: { post_id: "post-3" } });
    await page.getByRole("button", { name: /taken.*someone new/i }).first().click();
    await page.locator(".arrival-body pre", { hasText: '"post_id": "post-3"' }).waitFor();
    await page.close();
  },
  async "what was refused is shown with the reason, beside the plan"() {
    const page = await fresh(`${consoleUrl}events#token=${token}`);
    await sendEvent(page, { event: "post_klick", userId: "someone new", properties: { post_id: "post-3" } });
    await page.getByRole("button", { name: "Refused", exact: true }).click();
    await page.getByRole("button", { name: /refused.*post_klick/i }).first().click();
    await page.locator(".arrival-reason", { hasText: "which the tracking plan has not" }).waitFor();
    await page.locator(".schema", { hasText: "events/post_klick.json" }).waitFor();
    assert.ok((await page.locator(".arrival[data-kind]").evaluateAll((list) => list.map((one) => one.dataset.kind))).every((kind) => kind === "refused"));
    await page.close();
  },
  async "lines to copy hold the key only when asked"() {
    const page = await fresh(`${consoleUrl}events#token=${token}`);
    const lines = page.getByRole("region", { name: "Send one" }).locator("pre");
    await lines.waitFor();
    assert.ok(!(await lines.innerText()).includes("write:"));
    await page.getByRole("button", { name: "Show the key" }).click();
    for (const [language, part] of [["curl", "curl -u 'write:'"], ["Node", 'writeKey: "write"'], ["Python", 'analytics.write_key = "write"'], ["Browser", 'writeKey: "write"']]) {
      await page.getByRole("button", { name: language, exact: true }).click();
      assert.ok((await lines.innerText()).includes(part), await lines.innerText());
    }
    const html = await page.evaluate(async () => (await fetch("/console/events")).text());
    assert.ok(!html.includes("write") && !html.includes("read"), "a page's HTML holds no key");
    await page.close();
  },
  async "no serious finding of axe, light and dark, wide and narrow"() {
    const found = [];
    for (const [scheme, width] of [["light", 1440], ["dark", 1440], ["light", 390], ["dark", 390]]) {
      const page = await playground();
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      await page.setViewportSize({ width, height: 900 });
      const look = async (where) => found.push(...(await seriousFindings(page)).map((finding) => `${scheme} ${width} ${where}: ${finding}`));
      await nextFeed(page, () => page.keyboard.press("h"));
      await look("playground");
      await page.keyboard.press("w");
      await page.getByText("What the models expect").waitFor();
      await look("drawer");
      await page.keyboard.press("Escape");
      await page.keyboard.press("n");
      await page.locator(".topic-choice").first().waitFor();
      await look("new user");
      await page.keyboard.press("Escape");
      for (const name of ["Events", "Bundles", "Runs"]) {
        await page.getByRole("link", { name, exact: true }).click();
        await page.locator(".arrivals, .table").first().waitFor();
        await look(name);
      }
      await page.close();
    }
    const gate = await fresh(consoleUrl);
    await gate.evaluate(() => sessionStorage.clear());
    await gate.reload();
    await gate.getByLabel("Admin token").waitFor();
    found.push(...(await seriousFindings(gate)));
    await gate.close();
    assert.deepEqual(found, []);
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
  async "what a run left out is shown, with the line that brings it in"() {
    const page = await fresh(`${consoleUrl}runs#token=${token}`);
    const box = page.getByRole("region", { name: "Left out" });
    await box.getByText("12 rows came too late").waitFor();
    await box.getByText("feedmill backfill --late --project myapp", { exact: true }).waitFor();
    await box.getByRole("button", { name: "Copy" }).click();
    await box.getByText("Copied.").waitFor();
    assert.equal(await box.count(), 1, "only the run that left something out says so");
    await page.close();
  },
  async "says so when the server is gone"() {
    const page = await playground();
    await page.route("**/v1/admin/**", (route) => route.abort());
    await page.getByText("not reachable").waitFor();
    await page.locator(".tiles[data-stale]").waitFor();
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
