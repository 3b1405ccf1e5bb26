// SPDX-License-Identifier: ISC
//
// One secret from hand to hand through all pages, as the README shows it; and
// the programs that look at a link before its reader does.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import {
	SITE, ask, clipboard, finish, focusOnHeading, journey, shown, visit,
	words,
} from "./browser.mjs";

const SECRET = "Network: Seaside\nPassword: marble-otter-07-sunrise";
const MESSENGERS = [
	"WhatsApp/2.23.20.0", "TelegramBot (like TwitterBot)",
	"facebookexternalhit/1.1", "Slackbot-LinkExpanding 1.0",
	"Mozilla/5.0 (compatible; BingPreview/1.0b)",
];

// As large as a phone, whatever the page has below that.
const picture = (page, name) => page.screenshot({
	path: join(process.env.ONCELINK_SCREENSHOTS, `tour-${name}.png`),
});

// The link and the receipt's of a new secret.
async function make(newPage, text, pictures = false) {
	const page = await newPage({ phone: true });
	await visit(page, "");
	await shown(page, "form");
	await page.locator("#text").pressSequentially(text);
	if (pictures)
		await picture(page, "create");
	await page.click("#make");
	await shown(page, "result");
	await focusOnHeading(page);
	if (pictures)
		await picture(page, "result");
	return { page, link: await page.innerText("#link"), receipt:
	    await page.getAttribute("#receipt", "href") };
}

async function receiptSays(newPage, receipt) {
	const page = await newPage({ phone: true });
	await visit(page, new URL(receipt, SITE).href);
	await shown(page, "secret");
	const text = await page.textContent('[data-state="secret"] h1');
	return { page, text };
}

const en = words("en", "receipt");

await journey("one secret, from hand to hand", async newPage => {
	const { page: maker, link, receipt } =
	    await make(newPage, SECRET, true);
	await maker.click("#copy-link");
	await maker.waitForFunction(word => document.querySelector(
	    "#copy-link").textContent === word, en["common.copied"]);
	assert.equal(await clipboard(maker), link);
	const { text: before } = await receiptSays(newPage, receipt);
	assert.equal(before, en["receipt.waiting.title"]);
	const reader = await newPage({ phone: true });
	await visit(reader, link);
	await shown(reader, "ready");
	await reader.focus("#ready-open");
	await reader.keyboard.press("Enter");
	await shown(reader, "shown");
	assert.equal(await reader.innerText("#secret"), SECRET);
	await picture(reader, "read");
	await reader.click("#copy");
	await reader.waitForSelector("#clipboard:not([hidden])");
	assert.equal(await clipboard(reader), SECRET);
	const [download] = await Promise.all([
		reader.waitForEvent("download"), reader.click("#save-text"),
	]);
	assert.equal(await readFile(await download.path(), "utf8"), SECRET);
	const { page, text } = await receiptSays(newPage, receipt);
	assert.equal(text, en["receipt.opened.title"]);
	await picture(page, "receipt");
});

await journey("a preview of the link, by every messenger", async newPage => {
	const { link, receipt } = await make(newPage, "not for previews");
	// A program asks for what stands before the fragment, or for all of it.
	for (const agent of MESSENGERS)
		for (const method of ["GET", "HEAD"]) {
			const path = new URL(link).pathname;
			const answer = await ask("request", { method,
				path: path.slice(new URL(SITE).pathname
				    .length - 1),
				headers: { "User-Agent": agent } });
			assert.equal(answer.status, 200);
			assert.ok(!answer.body.includes("og:"));
			assert.equal(answer.headers["x-robots-tag"],
			    "noindex");
		}
	const { text } = await receiptSays(newPage, receipt);
	assert.equal(text, en["receipt.waiting.title"]);
});

await journey("a scanner that runs the scripts, and waits, and scrolls",
	async newPage => {
		const { link, receipt } = await make(newPage, "not for scanners");
		const scanner = await newPage();
		await visit(scanner, link);
		await shown(scanner, "ready");
		// What it may do without a click: look around, go, come back.
		for (const key of ["Tab", "End", "Home", "PageDown"])
			await scanner.keyboard.press(key);
		await scanner.mouse.move(600, 400);
		await scanner.mouse.wheel(0, 2000);
		await scanner.evaluate(() => {
			dispatchEvent(new Event("focus"));
			document.dispatchEvent(new Event("visibilitychange"));
		});
		await scanner.reload();
		await shown(scanner, "ready");
		await visit(scanner, "about/");
		await scanner.goBack();
		await shown(scanner, "ready");
		assert.deepEqual(new Set(scanner.requests
		    .filter(({ method }) => method !== "GET")
		    .map(({ url }) => url.slice(SITE.length))),
		new Set(["api/v2/secrets/peek"]));
		const { text } = await receiptSays(newPage, receipt);
		assert.equal(text, en["receipt.waiting.title"]);
		// And then its reader.
		const reader = await newPage();
		await visit(reader, link);
		await shown(reader, "ready");
		await reader.click("#ready-open");
		await shown(reader, "shown");
		assert.equal(await reader.innerText("#secret"),
		    "not for scanners");
	});

await journey("a link that a mail program changed",
	async newPage => {
		const { link } = await make(newPage, "mended");
		const reader = await newPage({ quiet: /\/api\/v2\/|%23/ });
		await reader.goto(link.replace("#", "%23"));
		await shown(reader, "ready");
		await reader.click("#ready-open");
		await shown(reader, "shown");
		assert.equal(await reader.innerText("#secret"), "mended");
	});

await finish();
