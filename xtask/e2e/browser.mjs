// Uses the dashboard in a real browser as an operator, as a developer and as a newcomer.
//
//     node browser.mjs CHROMIUM FILLED_URL ADMIN_TOKEN USER_TOKEN HOSTILE_TOKEN EMPTY_URL HOSTILE_ID NOT_UTF_8_ID SCREENSHOTS
//
// FILLED_URL is a gateway with access tokens and a filled store, EMPTY_URL one without access tokens and records. Each
// scenario prints a line. Screenshots of every view are saved, and axe-core checks each in both colour schemes and at 320 px.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [program, filled, adminToken, userToken, hostileToken, empty, hostileId, notUtf8Id, screenshots] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TIMEOUT = 30_000;
const MAX_RESPONSE = 2_000_000; // bytes of one response of the API
mkdirSync(screenshots, { recursive: true });

const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
let failed = 0;
let passed = 0;

function check(condition, message) {
  if (!condition) throw new Error(message);
}

async function scenario(name, run) {
  const started = Date.now();
  try {
    await run();
    passed += 1;
    console.log(`  ok     ${name} (${((Date.now() - started) / 1000).toFixed(2)} s)`);
  } catch (error) {
    failed += 1;
    console.log(`  FAILED ${name}\n         ${String(error.stack ?? error).replaceAll("\n", "\n         ")}`);
  }
}

/** Opens a page. Its problems are errors and policy violations that the browser reports. */
async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, timezoneId: "Europe/Berlin", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT);
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    const isExpected = /status of (401|403|404|429)/.test(message.text());
    if (message.type() === "error" && !isExpected) problems.push(message.text());
  });
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== new URL(page.url() === "about:blank" ? request.url() : page.url()).origin) problems.push(`a request to ${request.url()}`);
  });
  page.on("dialog", (dialog) => (/alert/.test(dialog.type()) && problems.push(`a dialog: ${dialog.message()}`), dialog.accept()));
  page.on("response", (response) => {
    const length = Number(response.headers()["content-length"] ?? 0);
    if (response.url().includes("/api/v1/") && length > MAX_RESPONSE) problems.push(`${length} bytes of ${response.url()}`);
  });
  return { context, page, problems, close: () => context.close() };
}

async function logIn(page, token, path = "/dashboard") {
  await page.goto(filled + path);
  await page.getByLabel("Access token").fill(token);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("navigation", { name: "Views" }).waitFor();
}

/** Waits until a view has its data. */
async function settled(page) {
  await page.locator("h1").first().waitFor();
  await page.waitForFunction(() => ![...document.querySelectorAll("[role=status]")].some((one) => one.textContent.startsWith("Loading")));
}

async function findings(page) {
  const found = await page.evaluate(`${axe}; axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })`);
  return found.violations.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.target.join(" ") + " " + (node.failureSummary ?? "")).join(" | ")}`);
}

const VIEWS = [["overview", "/dashboard"], ["sessions", "/dashboard/sessions?since=30d"], ["requests", "/dashboard/requests"], ["users", "/dashboard/users"], ["keys", "/dashboard/keys"], ["me", "/dashboard/me?since=90d"]];

await scenario("a wrong access token is refused, a right one logs in, and log-out ends the session", async () => {
  const { page, context, problems, close } = await open();
  await page.goto(filled + "/dashboard");
  await page.getByLabel("Access token").fill("aib_wrong");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("alert").waitFor();
  await page.screenshot({ path: join(screenshots, "login.png") });
  check((await findings(page)).length === 0, `axe: ${await findings(page)}`);
  await page.getByLabel("Access token").fill(`  ${adminToken}\n`);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  const [cookie] = await context.cookies();
  check(cookie.httpOnly && cookie.sameSite === "Strict" && !cookie.value.includes("aib_"), JSON.stringify(cookie));
  check(!(await page.evaluate(() => document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage }))).includes("aib"), "a script can read the credential");
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByText("You are logged out.").waitFor();
  await page.reload();
  await page.getByLabel("Access token").waitFor();
  check(problems.length === 0, problems.join("\n"));
  await close();
});

for (const [name, path] of VIEWS) {
  await scenario(`${name}: light and dark, wide and 320 px, no finding of axe-core`, async () => {
    const { page, problems, close } = await open();
    await logIn(page, adminToken, path);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      for (const width of [1280, 320]) {
        await page.setViewportSize({ width, height: 900 });
        await settled(page);
        await page.waitForTimeout(300); // a chart follows the width of the window
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        check(overflow <= 0, `${width} px: the page is ${overflow} px too wide`);
        await page.screenshot({ path: join(screenshots, `${name}-${colorScheme}-${width}.png`), fullPage: width > 320 });
        const found = await findings(page);
        check(found.length === 0, `axe, ${colorScheme}, ${width} px:\n${found.join("\n")}`);
      }
    }
    check(problems.length === 0, problems.join("\n"));
    await close();
  });
}

await scenario("filters are in the URL, the default window is not, and other views keep the filters", async () => {
  const { page, problems, close } = await open();
  await logIn(page, adminToken, "/dashboard/sessions");
  check(page.url() === filled + "/dashboard/sessions", page.url());
  await page.getByLabel("Time").selectOption("30d");
  await page.getByLabel("User").selectOption("ada");
  await page.waitForURL(/since=30d&user=ada/);
  await settled(page);
  const users = await page.locator("tbody tr td:nth-child(3)").allTextContents();
  check(users.length > 0 && users.every((user) => user === "ada"), users.join());
  await page.getByRole("link", { name: "Requests", exact: true }).click();
  await page.waitForURL(/requests\?since=30d&user=ada/);
  await page.getByLabel("Outcome").selectOption("failed");
  await settled(page);
  const outcomes = await page.locator("tbody tr td:nth-child(2)").allTextContents();
  check(outcomes.length > 0 && outcomes.every((one) => one.startsWith("failed")), outcomes.join());
  await page.goBack();
  await page.goBack();
  await page.waitForURL(/sessions\?since=30d&user=ada/);
  await page.getByRole("link", { name: "Reset" }).click();
  await page.waitForURL(filled + "/dashboard/sessions");
  check(problems.length === 0, problems.join("\n"));
  await close();
});

await scenario("pages of a list follow each other without repeating a row", async () => {
  const { page, close } = await open();
  await logIn(page, adminToken, "/dashboard/requests?since=all");
  const seen = new Set();
  for (let number = 0; number < 3; number += 1) {
    await page.locator("tbody tr").first().waitFor();
    const links = await page.locator("tbody tr th a").evaluateAll((all) => all.map((one) => one.getAttribute("href").split("?")[0]));
    check(links.length === 50 && links.every((link) => !seen.has(link)), `page ${number}: ${links.length} rows`);
    links.forEach((link) => seen.add(link));
    const first = links[0];
    await page.getByRole("link", { name: "Next page" }).click();
    await page.waitForFunction((first) => !document.querySelector(`tbody a[href^="${first}"]`), first);
    await settled(page);
  }
  await page.getByRole("link", { name: "First page" }).click();
  await page.waitForURL((url) => !url.search.includes("cursor"));
  await close();
});

await scenario("a session with 500 tool calls: search, jump to the first failure, an input in full", async () => {
  const { page, problems, close } = await open();
  await logIn(page, adminToken, "/dashboard/sessions?user=margaret&since=7d");
  await page.locator("tbody tr").first().waitFor();
  const requests = await page.locator("tbody tr td:nth-child(6)").allTextContents();
  const row = requests.findIndex((text) => Number(text.replace(",", "")) === 560);
  check(row >= 0, `no session with 560 requests: ${requests.slice(0, 20)}`);
  await page.locator("tbody tr th a").nth(row).click();
  await page.getByRole("heading", { name: "Session of margaret" }).waitFor();
  await page.locator(".step").nth(99).waitFor();
  await page.screenshot({ path: join(screenshots, "session.png") });
  const found = await findings(page);
  check(found.length === 0, `axe:\n${found.join("\n")}`);
  const input = page.locator("details.tool").first();
  await input.locator("summary").click();
  await input.locator("pre").waitFor();
  await page.getByRole("searchbox", { name: "Search in this session" }).fill("module_");
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await page.getByText(/^\d+ matches in \d+ texts, text 1$/).waitFor();
  const matches = Number(/in (\d+) texts/.exec(await page.locator(".search [role=status]").textContent())[1]);
  check(matches > 50, `${matches} texts`);
  for (let number = 0; number < 3; number += 1) await page.getByRole("button", { name: "Next" }).click();
  await page.getByText(/text 4$/).waitFor();
  await page.waitForFunction(() => document.activeElement?.id.startsWith("item-")); // an effect after the render
  await page.getByRole("button", { name: "Jump to the first failure" }).click();
  await page.waitForFunction(() => document.activeElement?.classList.contains("failed"));
  for (let number = 0; number < 6; number += 1) {
    const more = page.getByRole("button", { name: /Show more/ });
    await page.waitForFunction(() => ![...document.querySelectorAll("[role=status]")].some((one) => one.textContent.startsWith("Loading")));
    if (!(await more.isVisible())) break;
    const steps = await page.locator(".step").count();
    await more.click();
    await page.waitForFunction((steps) => document.querySelectorAll(".step").length > steps, steps);
  }
  await page.waitForFunction(() => !document.body.textContent.includes("Show more of"));
  const steps = await page.locator(".step").count();
  check(steps === 560, `${steps} steps`);
  await page.setViewportSize({ width: 320, height: 900 });
  await page.screenshot({ path: join(screenshots, "session-320.png") });
  check(problems.length === 0, problems.join("\n"));
  await close();
});

await scenario("a request shows its record, and a text of 10 MB at most 64 KiB at a time", async () => {
  const { page, problems, close } = await open();
  await logIn(page, adminToken, `/dashboard/requests/${hostileId}`);
  await page.getByRole("heading", { name: "Prompt" }).waitFor();
  await page.screenshot({ path: join(screenshots, "request-hostile.png"), fullPage: true });
  const text = await page.locator("main").innerText();
  check(text.includes("<script>alert(1)</script>") && text.includes("\\u{202e}") && text.includes("\\u{1b}"), text.slice(0, 2000));
  check((await page.locator("main script, main img, main iframe").count()) === 0, "recorded text became elements");
  const hrefs = await page.locator("main a").evaluateAll((all) => all.map((one) => one.href));
  check(hrefs.every((href) => href.startsWith(filled)), hrefs.join());
  await page.getByRole("button", { name: /Show all/ }).first().click();
  await page.getByText("Only the first 64 KiB").first().waitFor();
  const found = await findings(page);
  check(found.length === 0, `axe:\n${found.join("\n")}`);
  check(problems.length === 0, problems.join("\n"));
  await close();
});

const HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> javascript:alert(3) \u001b[31m \u202e \ufffd ";
const SHOWN = "<script>alert(1)</script><img src=x onerror=alert(2)> javascript:alert(3) \\u{1b}[31m \\u{202e} \ufffd";
const SHOWN_USER = SHOWN.replace("\\u{1b}[31m ", "");

/** Fails if recorded text in `page` became an element, or hides or reorders other text. */
async function onlyText(page, view) {
  const elements = await page.locator("main script, main img, main iframe, main object, main b, main a[href^=javascript]").count();
  check(elements === 0, `${view}: recorded text became elements`);
  const hidden = await page.evaluate(() => {
    const main = document.querySelector("main");
    const labels = [...main.querySelectorAll("[title], [aria-label]")].flatMap((one) => [one.title, one.ariaLabel ?? ""]);
    return [main.textContent, ...labels].filter((text) => /[\u001b\u202e]/.test(text)).map((text) => text.slice(0, 200));
  });
  check(hidden.length === 0, `${view}: a terminal escape or a direction mark is not made visible: ${hidden.join("\n")}`);
  check((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, `${view}: the page is too wide`);
}

await scenario("hostile records are text in every view", async () => {
  const { page, problems, close } = await open();
  const bytes = [...new TextEncoder().encode('{"model":"gpt-5","messages":[{"role":"user","content":"A<b>')];
  bytes.push(0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80, ...new TextEncoder().encode('</b>"}]}'));
  const sent = await fetch(`${filled}/openai/v1/chat/completions`, {
    method: "POST",
    headers: { Authorization: `Bearer ${adminToken}`, "Content-Type": "application/json", "User-Agent": "<img src=x onerror=alert(4)>" },
    body: new Uint8Array(bytes),
  });
  check(sent.status === 400 && (await sent.json()).error.code === "invalid_json", `a request that is not UTF-8: ${sent.status}`);
  await logIn(page, adminToken, "/dashboard");
  const views = ["", "/sessions", `/sessions/${hostileId}`, "/requests", `/requests/${hostileId}`, "/users"];
  for (const view of views) {
    await page.goto(`${filled}/dashboard${view}`);
    await page.locator("h1").first().waitFor();
    await page.locator("main", { hasText: "<script>alert(1)</script>" }).first().waitFor();
    await settled(page);
    await onlyText(page, view);
  }
  await page.goto(`${filled}/dashboard/sessions/${hostileId}`);
  await page.locator("details.tool").first().waitFor();
  for (const details of await page.locator("details").all()) await details.locator("summary").click();
  await page.locator("details.tool pre").first().waitFor();
  check((await page.locator("main script, main img").count()) === 0, "an input of a tool call became elements");
  check(problems.length === 0, problems.join("\n"));
  await close();
});

await scenario("the live tail shows a request that starts and ends", async () => {
  const { page, problems, close } = await open();
  await logIn(page, adminToken, "/dashboard/requests");
  await page.getByLabel("Live tail").check();
  await page.getByText("Live tail is on").waitFor();
  const model = `live-${Date.now()}`;
  await page.waitForResponse((response) => response.url().includes("/api/v1/live"));
  await chat(adminToken, model);
  await page.locator("tbody tr", { hasText: model }).filter({ hasText: "failed" }).waitFor();
  check(problems.length === 0, problems.join("\n"));
  await close();
});

await scenario("access tokens are created, shown once and revoked", async () => {
  const { page, problems, close } = await open();
  await logIn(page, adminToken, "/dashboard/users");
  const form = page.getByRole("form", { name: "New access token" });
  await form.getByLabel("User").fill("<b>eve</b>");
  await page.getByRole("button", { name: "Create access token" }).click();
  const shown = page.getByRole("region", { name: "New access token" });
  await shown.waitFor();
  const token = (await shown.textContent()).trim();
  const status = async () => (await fetch(`${filled}/api/v1/status`, { headers: { Authorization: `Bearer ${token}` } })).status;
  check((await status()) === 200, "the new token is refused");
  await page.getByRole("button", { name: /Revoke .* of <b>eve/ }).first().click();
  await page.locator("tbody tr", { hasText: "<b>eve</b>" }).filter({ hasText: "revoked" }).waitFor();
  for (let number = 0; number < 40 && (await status()) !== 401; number += 1) await page.waitForTimeout(100);
  check((await status()) === 401, "the revoked token is accepted");
  check(problems.length === 0, problems.join("\n"));
  await close();
});

await scenario("a user sees only own records", async () => {
  const { page, problems, close } = await open();
  await logIn(page, userToken, "/dashboard?since=90d");
  await page.getByRole("heading", { name: "Me: ada" }).waitFor();
  await settled(page);
  const links = await page.getByRole("navigation", { name: "Views" }).getByRole("link").allTextContents();
  check(links.join() === "Sessions,Requests,Me", links.join());
  await page.screenshot({ path: join(screenshots, "me-user.png"), fullPage: true });
  await page.goto(`${filled}/dashboard/requests/${hostileId}`);
  await page.getByRole("heading", { name: "No such request" }).waitFor();
  for (const path of ["totals", "sessions", "interceptions", "keys", "tokens", "live"]) {
    const status = await page.evaluate(async (path) => (await fetch(`/api/v1/${path}`)).status, path);
    check(status === 403, `${path}: ${status}`);
  }
  check(problems.length === 0, problems.join("\n"));
  await close();
});

/** Sends a chat completion through the filled gateway, and returns its status. */
async function chat(token, model) {
  const response = await fetch(`${filled}/openai/v1/chat/completions`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }] }),
  });
  await response.text();
  return response.status;
}

await scenario("a key that cools is tried again", async () => {
  const { page, problems, close } = await open();
  const first = await chat(adminToken, "gpt-5");
  check(first === 200, `the second key is used: ${first}`);
  await logIn(page, adminToken, "/dashboard/keys");
  const row = page.locator("tbody tr", { hasText: "sk-f...wser" });
  await row.filter({ hasText: "cooling: rejected by the provider" }).waitFor();
  await page.screenshot({ path: join(screenshots, "keys-cooling.png"), fullPage: true });
  const found = await findings(page);
  check(found.length === 0, `axe:\n${found.join("\n")}`);
  const rejected = async () => Number(await row.locator("td").nth(8).textContent());
  const before = await rejected();
  await page.getByRole("button", { name: "Try again now: sk-f...wser" }).click();
  await row.filter({ hasText: "valid" }).waitFor();
  check((await page.getByRole("button", { name: /Try again now/ }).count()) === 0, "the key still cools");
  check((await chat(adminToken, "gpt-5")) === 200, "the second key is used again");
  await page.getByRole("button", { name: "Refresh" }).click();
  await row.filter({ hasText: "cooling" }).waitFor();
  check((await rejected()) === before + 1, `the key was not tried again: ${before}, ${await rejected()}`);
  check(problems.length === 0, problems.join("\n"));
  await close();
});

await scenario("budgets show their spending, and users the reasons of refusals", async () => {
  const refused = await chat(userToken, "not-for-us");
  check(refused === 429, `over the budget: ${refused}`);
  const { page, problems, close } = await open();
  await logIn(page, adminToken, "/dashboard/users?since=30d");
  const budgets = page.getByRole("region", { name: "Budgets" });
  await budgets.locator("tbody tr", { hasText: "user ada" }).filter({ hasText: "$60.00" }).filter({ hasText: "%" }).waitFor();
  await page.getByRole("region", { name: "Spend of each user" }).locator("tbody tr", { hasText: "ada" }).first().waitFor();
  await page.screenshot({ path: join(screenshots, "users-budgets.png"), fullPage: true });
  await close();
  const own = await open();
  await logIn(own.page, userToken, "/dashboard/me?since=30d");
  await own.page.getByRole("region", { name: "Budgets" }).locator("tbody tr", { hasText: "ada" }).waitFor();
  const refusal = own.page.getByRole("region", { name: "Last refusals" }).locator("tbody tr").first();
  check(/model budget/.test(await refusal.textContent()), await refusal.textContent());
  await settled(own.page);
  await own.page.screenshot({ path: join(screenshots, "me-budgets.png"), fullPage: true });
  const found = await findings(own.page);
  check(found.length === 0, `axe:\n${found.join("\n")}`);
  check(problems.concat(own.problems).length === 0, problems.concat(own.problems).join("\n"));
  await own.close();
});

await scenario("hostile text is text in a user's own view: user, models, prompts, failures, budgets, refusals", async () => {
  check((await chat(hostileToken, `live-${HOSTILE}`)) === 500, "a failed request");
  check((await chat(hostileToken, "not-for-us")) === 429, "a refused request");
  const { page, problems, close } = await open();
  await logIn(page, hostileToken, "/dashboard/me");
  await page.getByRole("heading", { name: `Me: ${SHOWN_USER}` }).waitFor();
  await settled(page);
  await page.getByRole("region", { name: "Budgets" }).locator("tbody tr", { hasText: `user ${SHOWN_USER}` }).filter({ hasText: "$70.00" }).waitFor();
  await page.getByRole("region", { name: "Last refusals" }).locator("tbody tr", { hasText: "model budget" }).waitFor();
  await page.getByRole("region", { name: "Last failures" }).locator("tbody tr", { hasText: `live-${SHOWN}` }).waitFor();
  await page.locator(".legend li", { hasText: `live-${SHOWN}` }).waitFor();
  const sessions = page.getByRole("region", { name: "Latest sessions" });
  await sessions.locator("tbody tr", { hasText: SHOWN }).locator(`a[href*="${hostileId}"]`).waitFor();
  await sessions.locator("tbody tr", { hasText: "<b>\ufffd\ufffd(\ufffd\ufffd\ufffd</b>" }).locator(`a[href*="${notUtf8Id}"]`).waitFor();
  await onlyText(page, "me");
  await page.setViewportSize({ width: 320, height: 900 });
  await onlyText(page, "me, 320 px");
  await page.screenshot({ path: join(screenshots, "me-hostile.png"), fullPage: true });
  const found = await findings(page);
  check(found.length === 0, `axe:\n${found.join("\n")}`);
  check(problems.length === 0, problems.join("\n"));
  await close();
});

await scenario("hostile text is text in keys and providers: a key, the models of circuits and cooldowns", async () => {
  check((await chat(hostileToken, `live-${HOSTILE}`)) === 500, "a failed request");
  check((await chat(hostileToken, `limited-${HOSTILE}`)) === 429, "a rate limit of every key");
  const { page, problems, close } = await open();
  await logIn(page, adminToken, "/dashboard/keys");
  const keys = page.getByRole("region", { name: "Keys of openai" });
  await keys.locator("tbody tr", { hasText: "<img...(5)>" }).filter({ hasText: `limited-${SHOWN}` }).waitFor();
  await page.getByRole("button", { name: "Try again now: <img...(5)>" }).waitFor();
  await page.getByRole("region", { name: "Circuits of openai" }).locator("tbody tr", { hasText: `live-${SHOWN}` }).waitFor();
  await onlyText(page, "keys");
  await page.setViewportSize({ width: 320, height: 900 });
  await onlyText(page, "keys, 320 px");
  await page.screenshot({ path: join(screenshots, "keys-hostile.png"), fullPage: true });
  const found = await findings(page);
  check(found.length === 0, `axe:\n${found.join("\n")}`);
  check(problems.length === 0, problems.join("\n"));
  await close();
});

await scenario("text that is not UTF-8 is shown with replacements: from a provider, and from another program in the file", async () => {
  const { page, problems, close } = await open();
  check((await chat(hostileToken, "bytes-gpt-5")) === 200, "a response that is not UTF-8");
  await logIn(page, adminToken, "/dashboard/requests");
  await page.locator("tbody tr", { hasText: "bytes-gpt-5" }).filter({ hasText: "completed" }).locator("th a").click();
  await page.getByText("<b>\ufffd\ufffd(</b>").first().waitFor();
  await page.getByText("<img src=x onerror=alert(6)> \ufffd").first().waitFor();
  await onlyText(page, "a tool call that is not UTF-8");
  const replaced = "<b>\ufffd\ufffd(\ufffd\ufffd\ufffd</b>";
  for (const view of ["", "/sessions", `/sessions/${notUtf8Id}`, "/requests", `/requests/${notUtf8Id}`]) {
    await page.goto(`${filled}/dashboard${view}`);
    await page.locator("main", { hasText: replaced }).first().waitFor();
    await settled(page);
    await onlyText(page, view);
  }
  check(problems.length === 0, problems.join("\n"));
  await close();
});

await scenario("expired and unrecorded data is distinguished from data that does not match", async () => {
  const { page, problems, close } = await open();
  await logIn(page, adminToken, "/dashboard/requests?since=100d&until=70d");
  await page.getByRole("heading", { name: "Expired by retention" }).waitFor();
  await page.getByText("60 days").first().waitFor();
  await page.screenshot({ path: join(screenshots, "expired.png") });
  const millis = (Date.now() - 70 * 86400000).toString(16).padStart(12, "0");
  for (const view of ["requests", "sessions"]) {
    await page.goto(`${filled}/dashboard/${view}/${millis.slice(0, 8)}-${millis.slice(8)}-7000-8000-000000000001`);
    await page.getByRole("heading", { name: "Expired by retention" }).waitFor();
    await page.goto(`${filled}/dashboard/${view}/${hostileId.replace(/.$/, "f")}`);
    await page.getByRole("heading", { name: /No such/ }).waitFor();
  }
  await page.goto(`${filled}/dashboard/sessions?client=Cursor&since=30d`);
  await page.getByRole("heading", { name: "No session ids are recorded" }).waitFor();
  await page.screenshot({ path: join(screenshots, "no-session-ids.png") });
  await page.getByRole("link", { name: "Show the requests" }).click();
  await page.locator("tbody tr").first().waitFor();
  await page.goto(`${filled}/dashboard/requests?outcome=failed&since=30d`);
  await page.locator("tbody tr th a").first().click();
  await page.getByText("not recorded: the provider reported none").waitFor();
  await page.screenshot({ path: join(screenshots, "not-recorded.png"), fullPage: true });
  const found = await findings(page);
  check(found.length === 0, `axe:\n${found.join("\n")}`);
  check(problems.length === 0, problems.join("\n"));
  await close();
});

await scenario("the keyboard alone reaches a session", async () => {
  const { page, close } = await open();
  await logIn(page, adminToken, "/dashboard/sessions?since=30d");
  await page.locator("tbody tr").first().waitFor();
  await page.reload();
  await page.locator("tbody tr").first().waitFor();
  await page.keyboard.press("Tab");
  check((await page.evaluate(() => document.activeElement.textContent)) === "Skip to the content", "no skip link");
  await page.keyboard.press("Enter");
  check((await page.evaluate(() => document.activeElement.id)) === "main", "the skip link does not skip");
  for (let number = 0; number < 30; number += 1) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(() => Boolean(document.activeElement.closest("tbody")))) break;
  }
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: /Session of/ }).waitFor();
  check((await page.evaluate(() => document.activeElement.id)) === "main", "the focus does not follow");
  await close();
});

await scenario("an empty store shows three lines for a client, which make the first request, without a log-in", async () => {
  const { page, problems, close } = await open();
  await page.goto(empty + "/dashboard");
  await page.getByRole("heading", { name: "Nothing is recorded yet" }).waitFor();
  const lines = (await page.getByRole("region", { name: "Lines for a client" }).textContent()).split("\n");
  check(lines.length === 3 && lines[0] === `export OPENAI_BASE_URL=${empty}/openai/v1`, lines.join("\n"));
  await page.screenshot({ path: join(screenshots, "empty.png") });
  const found = await findings(page);
  check(found.length === 0, `axe:\n${found.join("\n")}`);
  await page.getByRole("main").getByRole("link", { name: "Requests" }).click();
  await page.getByText("Live tail is on").waitFor();
  const response = execFileSync("bash", ["-c", lines.join("\n")], { env: { PATH: process.env.PATH }, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  check(response.includes("chat.completion"), response);
  await page.locator("tbody tr", { hasText: "gpt-5-mini" }).filter({ hasText: "completed" }).waitFor();
  check(problems.length === 0, problems.join("\n"));
  await close();
});

await scenario("filters that match nothing say so", async () => {
  const { page, close } = await open();
  await logIn(page, adminToken, "/dashboard/requests?user=nobody");
  await page.getByRole("heading", { name: "Nothing matches" }).waitFor();
  await page.screenshot({ path: join(screenshots, "nothing-matches.png") });
  await page.getByRole("link", { name: "Show all requests" }).click();
  await page.locator("tbody tr").first().waitFor();
  await close();
});

await browser.close();
console.log(`e2e: ${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
