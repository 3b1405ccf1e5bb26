// SPDX-License-Identifier: ISC
//
// What the journeys in a browser have in common: one Chromium, pages that are
// watched, axe, screenshots, and the other side, which can do what a browser
// cannot (see oncelink_pages.py).
//
// A journey fails by an exception, and in any case by a breach of the
// Content-Security-Policy, an error on the console or in a script, or a request
// to another host.

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

const environment = process.env;
const require = createRequire(
    join(environment.ONCELINK_NODE_MODULES, "x.js"));
const { chromium } = require("playwright-core");

export const SITE = environment.ONCELINK_URL;
export const OTHER = environment.ONCELINK_OTHER_URL;

// What tests/npm has, by its name.
export const library = name => require(name);

export const vector = name => JSON.parse(
    readFileSync(join(environment.ONCELINK_VECTORS, name), "utf8"));

// A catalogue as the page has it: common words and its own.
export function words(language, page) {
	const read = name => JSON.parse(readFileSync(join(
	    environment.ONCELINK_PAGES, "text", language, `${name}.json`),
	    "utf8"));
	return { ...read("common"), ...read(page) };
}

// The other side.

const tell = message =>
    process.stdout.write(JSON.stringify(message) + "\n");

export const note = text => tell({ note: text });

const waiting = new Map();
let asks = 0;

createInterface({ input: process.stdin }).on("line", line => {
	const reply = JSON.parse(line);
	const { resolve, reject } = waiting.get(reply.ask);
	waiting.delete(reply.ask);
	if ("failed" in reply)
		reject(new Error(reply.failed));
	else
		resolve(reply.value);
}).on("close", () => process.exit(1));

// ask("expire"), ask("request", { method: "GET", path: "/" })
export function ask(call, values = {}) {
	const number = ++asks;
	return new Promise((resolve, reject) => {
		waiting.set(number, { resolve, reject });
		tell({ ask: number, call, with: values });
	});
}

// The browser.

let browser = null;

async function open() {
	// Debian's own start script looks for things that are not needed here.
	browser ??= await chromium.launch({
		executablePath: environment.ONCELINK_BROWSER,
		chromiumSandbox: process.getuid() !== 0,
		args: ["--headless", "--disable-gpu", "--disable-quic",
			"--no-first-run", "--disable-background-networking",
			"--disable-component-update", "--disable-sync",
			"--host-resolver-rules=" +
			`MAP ${environment.ONCELINK_OTHER_NAME} 127.0.0.1`],
	});
	return browser;
}

const PHONE = { width: 360, height: 740 };
const DESKTOP = { width: 1280, height: 800 };

// What Chromium says of an answer that is an error, or of none: that is for
// the page to deal with, where it is a call.
const ANSWERS = /^Failed to load resource: /;

// Of a header that is for https alone, it says so where there is none.
const NO_HTTPS = /^The Cross-Origin-Opener-Policy header has been ignored/;

const WATCH = () => addEventListener("securitypolicyviolation", event =>
    console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`));

// A page in a browser of its own, watched.  page.requests has all that it
// sent: {method, url, headers, body}; page.problems what must not be.
//   phone, dark, language ("sv-SE"), zone: of its reader
//   clipboard: it may be read, and written, which needs no leave in browsers
//     that have windows
//   scripts: false where there are none
//   quiet: addresses (a pattern) that may fail to load
async function newPage(contexts, { phone = false, dark = false,
	language = "en-GB", zone = "Europe/Stockholm", clipboard = false,
	scripts = true, quiet = /\/api\/v2\//, ...more } = {}) {
	const context = await (await open()).newContext({
		viewport: phone ? PHONE : DESKTOP,
		hasTouch: phone, isMobile: phone,
		colorScheme: dark ? "dark" : "light",
		locale: language, timezoneId: zone,
		javaScriptEnabled: scripts, acceptDownloads: true,
		// An empty list would forbid what needs no leave.
		...(clipboard && { permissions:
		    ["clipboard-read", "clipboard-write"] }),
		...more,
	});
	const watched = { context, requests: [], problems: [] };
	contexts.push(watched);
	const hosts = [new URL(SITE).host, new URL(OTHER).host];
	context.on("request", request => {
		const url = new URL(request.url());
		watched.requests.push({ method: request.method(),
			url: url.href, headers: request.headers(),
			body: request.postDataBuffer() });
		if (!["data:", "blob:"].includes(url.protocol) &&
		    !hosts.includes(url.host))
			watched.problems.push(`asks ${url.href}`);
	});
	context.on("console", message => {
		const { url } = message.location();
		if (message.type() !== "error" ||
		    (ANSWERS.test(message.text()) && quiet.test(url)) ||
		    (NO_HTTPS.test(message.text()) && url.startsWith(OTHER)))
			return;
		watched.problems.push(
		    `console: ${message.text()} ${message.location().url}`);
	});
	context.on("weberror", error =>
	    watched.problems.push(`script: ${error.error().stack}`));
	if (scripts)
		await context.addInitScript(WATCH);
	const page = await context.newPage();
	page.setDefaultTimeout(20000);
	page.requests = watched.requests;
	page.problems = watched.problems;
	return page;
}

let ran = 0;
const chosen = environment.ONCELINK_JOURNEY;

// One way through the pages.  `walk` is given newPage, whose pages are closed
// when it ends.  ONCELINK_JOURNEY=WORD walks only those with this in their name.
export async function journey(name, walk) {
	if (chosen !== undefined && !name.includes(chosen))
		return;
	const contexts = [];
	let problem = null;
	ran++;
	try {
		await walk(options => newPage(contexts, options));
	} catch (error) {
		problem = error.stack ?? String(error);
	}
	const others = contexts.flatMap(watched => watched.problems);
	if (problem !== null || others.length > 0)
		problem = [problem ?? "", ...others].join("\n");
	tell({ journey: name, problem });
	for (const { context } of contexts)
		await context.close();
}

// The end of a program.
export async function finish() {
	await browser?.close();
	process.exit(ran > 0 ? 0 : 1);
}

// A page, once it has begun: its words are there, or it has said why not.
export async function visit(page, path, site = SITE) {
	const answer = await page.goto(new URL(path, site).href);
	await page.waitForSelector("body[data-shown], body[data-started]",
	    { state: "attached" });
	return answer;
}

// Wait for a state.
export const shown = (page, state) =>
    page.waitForSelector(`[data-state="${state}"]:not([hidden])`);

// The heading of a state has the focus: screen readers begin there.
export async function focusOnHeading(page) {
	await page.waitForFunction(() => document.activeElement?.matches(
	    "section[data-state]:not([hidden]) :is(h1, h2)"));
}

// The text on the clipboard, as who pastes it finds it; pages may not read it.
export async function clipboard(page) {
	await page.evaluate(() => {
		const area = document.createElement("textarea");
		area.id = "pasted";
		document.body.append(area);
		area.focus();
	});
	await page.keyboard.press("Control+v");
	return page.evaluate(() => {
		const area = document.getElementById("pasted");
		const { value } = area;
		area.remove();
		return value;
	});
}

const AXE = library("axe-core").source;

// axe finds nothing, in the light and in the dark, where nothing but colours is
// another.
export async function axe(page, what = "") {
	for (const [scheme, rules] of [["light", {}],
	    ["dark", { runOnly: ["color-contrast"] }]]) {
		await page.emulateMedia({ colorScheme: scheme });
		if (!await page.evaluate(() => "axe" in window))
			await page.evaluate(AXE);
		const found = await page.evaluate(async rules =>
		    (await window.axe.run({ resultTypes: ["violations"],
			...rules }))
			.violations.map(violation => `${violation.id}: ` +
			    violation.nodes.map(node => `${node.html} ` +
				node.failureSummary).join("; ")), rules);
		if (found.length > 0)
			throw new Error(`axe, ${what} ${scheme}: ` +
			    found.join("\n"));
	}
}

mkdirSync(environment.ONCELINK_SCREENSHOTS, { recursive: true });

// The states that people meet most; ONCELINK_LOOKS=all makes pictures of all.
const MAIN = new RegExp("^(create|result|request|about|missing|receipt-waiting|"
    + "read-(pin|everything|opened)|tour-.*)$");

// NAME-phone-light.png and its three siblings.
export async function screenshots(page, name) {
	if (!MAIN.test(name) && environment.ONCELINK_LOOKS !== "all")
		return;
	for (const [word, size] of [["phone", PHONE], ["desktop", DESKTOP]])
		for (const scheme of ["dark", "light"]) {
			await page.setViewportSize(size);
			await page.emulateMedia({ colorScheme: scheme });
			await page.screenshot({ fullPage: true, path: join(
			    environment.ONCELINK_SCREENSHOTS,
			    `${name}-${word}-${scheme}.png`) });
		}
}

// Milliseconds that the slowest thing takes to move for who wants no motion.
async function motion(page) {
	await page.emulateMedia({ reducedMotion: "reduce" });
	const longest = await page.evaluate(() => Math.max(
	    ...document.getAnimations().map(one =>
		Number(one.effect.getComputedTiming().activeDuration)),
	    ...[...document.querySelectorAll("*")].flatMap(one =>
		["", "::before", "::after"].flatMap(part => {
			const style = getComputedStyle(one, part);
			return `${style.animationDuration},` +
			    style.transitionDuration;
		}).join().split(",").map(time => 1000 * parseFloat(time)))));
	await page.emulateMedia({ reducedMotion: null });
	return longest;
}

// The state as it is: axe, what moves, how it looks, and that nothing is wider
// than a narrow screen; the other side is told which state it was.
// ONCELINK_INSPECT=no: the looks are another run's matter.
export async function inspect(page, name) {
	if (environment.ONCELINK_INSPECT === "no")
		return;
	await axe(page, name);
	const longest = await motion(page);
	if (!(longest <= 10))
		throw new Error(`${name}: something moves for ${longest} ms`);
	tell({ inspected: await page.evaluate(() => {
		const section =
		    document.querySelector("[data-state]:not([hidden])");
		return [document.body.dataset.page,
			section?.dataset.state ?? null,
			(section ?? document).querySelector("h1").textContent];
	}) });
	await screenshots(page, name);
	await page.setViewportSize({ width: 320, height: 640 });
	const wide = await page.evaluate(() =>
	    document.documentElement.scrollWidth - innerWidth);
	if (wide > 0)
		throw new Error(`${name}: ${wide} pixels too wide at 320`);
	await page.setViewportSize(DESKTOP);
}
