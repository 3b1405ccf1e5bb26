// SPDX-License-Identifier: ISC
//
// How long a browser takes: from nothing to a page on which a secret can be
// typed, and from a link's key and bytes to an envelope and back, with the
// modules of the pages.
//
//	ONCELINK_NODE_MODULES=DIRECTORY node pages.mjs SITE ROUNDS
//
// writes one JSON object: seconds of each round, by name.

import { createRequire } from "node:module";
import path from "node:path";

const [site, rounds] = process.argv.slice(2);
const { chromium } = createRequire(path.join(
    process.env.ONCELINK_NODE_MODULES, "x.js"))("playwright-core");

const SIZES = { "1 KiB": 1024, "10 MiB": 10 * 2 ** 20 };

// In a page: when the form is there, in milliseconds since it was asked for.
function watch() {
	new MutationObserver(() => {
		if (document.body?.dataset.shown === "form")
			window.usable ??= performance.now();
	}).observe(document, { attributes: true, subtree: true,
		attributeFilter: ["data-shown"] });
}

// Seconds until / is usable to a browser that has nothing of it.
async function cold(browser) {
	const context = await browser.newContext();

	try {
		const page = await context.newPage();
		await page.addInitScript(watch);
		await page.goto(site);
		await page.waitForFunction(() => window.usable);
		return await page.evaluate(() => window.usable) / 1000;
	} finally {
		await context.close();
	}
}

async function measure({ sizes, rounds }) {
	const seal = await import("../js/seal.js");
	const found = {};
	const timed = async (name, work) => {
		const began = performance.now();
		const result = await work();
		(found[name] ??= []).push((performance.now() - began) / 1000);
		return result;
	};

	for (let round = 0; round < rounds; round++) {
		for (const [name, size] of Object.entries(sizes)) {
			const data = new Uint8Array(size).fill(round);
			const key = await seal.newLinkKey();
			const envelope = await timed("seal " + name, async () =>
			    seal.seal((await seal.deriveKeys(key, null)).content,
			    { type: "text" }, data));
			const opened = await timed("open " + name, async () =>
			    seal.open((await seal.deriveKeys(key, null)).content,
			    envelope));
			if (opened.data.length !== size)
				throw new Error("not what was sealed");
		}
		await timed("PIN", async () =>
		    seal.deriveKeys(await seal.newLinkKey(), "12345"));
	}
	return found;
}

const browser = await chromium.launch({
	executablePath: process.env.ONCELINK_BROWSER ?? "/usr/bin/chromium",
	chromiumSandbox: process.getuid() !== 0,
	args: ["--headless", "--disable-gpu", "--disable-quic",
		"--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync"],
});

try {
	// The first page of a browser waits for the browser itself.
	await cold(browser);
	const times = [];
	for (let round = 0; round < rounds; round++)
		times.push(await cold(browser));
	const page = await browser.newPage();
	await page.goto(new URL("about/", site).href);
	process.stdout.write(JSON.stringify({ "cold load": times,
		...await page.evaluate(measure,
		    { sizes: SIZES, rounds: Number(rounds) }) }) + "\n");
} finally {
	await browser.close();
}
