// SPDX-License-Identifier: ISC
//
// Opening a secret: from the link to what was in it, and every way in which
// that ends otherwise.  Journeys with "anywhere" in their names are walked on
// several web servers.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";

import { SITE, ask, clipboard, finish, focusOnHeading, inspect, journey,
	shown, vector, visit, words } from "./browser.mjs";
import { OPEN, arrived, call, keptName, linkFragment, make, receiptPath, secretIn,
	sent, sentNothingOf } from "./maker.mjs";

const en = words("en", "read");
const TEXT = "\ufeff <b>not bold</b> &amp; Grüße 🔑\n\tline two\n\n";

const heading = (page) =>
	page.locator("section:not([hidden]) h1").textContent();

async function ends(page, name) {
	await page.waitForSelector(`body[data-end="${name}"]`);
	await shown(page, "end");
	assert.equal(await heading(page), en[`read.end.${name}`]);
	await focusOnHeading(page);
}

async function refused(page) {
	await page.waitForSelector("#pin[aria-invalid]");
	assert.equal(await page.evaluate(() => document.activeElement.id),
		"pin");
	return page.locator("#pin-error").textContent();
}

await journey("a text, anywhere", async (newPage) => {
	const secret = await make(TEXT);
	const page = await newPage({ clipboard: true });

	await visit(page, secret.path);
	await shown(page, "ready");
	await focusOnHeading(page);
	await inspect(page, "read-ready");
	// The hour that it was made for.
	const until = Date.parse(await page.locator("#ready-until time")
		.getAttribute("datetime"));
	assert.ok(Math.abs(until - Date.now() - 3600e3) < 300e3);
	// Whoever runs scripts and presses nothing uses nothing up.
	assert.equal((await call("secrets/peek", { id: secret.id })).views_left,
		1);
	assert.equal(sent(page, "secrets/open").length, 0);
	assert.ok(!(await page.content()).includes("line two"));

	await page.click(OPEN);
	await shown(page, "shown");
	await focusOnHeading(page);
	assert.equal(await secretIn(page), TEXT);
	assert.equal(await page.locator("#secret *").count(), 0);
	await arrived(page);
	assert.equal(page.url(), new URL("read/", SITE).href);
	assert.equal(await page.locator("#fate").textContent(),
		en["read.fate.erased"]);
	await inspect(page, "read-shown");
	// Nothing of it is said unasked.
	assert.equal(await page.locator("#status").textContent(), "");

	await page.click("#copy");
	await page.waitForSelector("#clipboard:not([hidden])");
	assert.equal(await clipboard(page), TEXT);
	const [download] = await Promise.all([
		page.waitForEvent("download"), page.click("#save-text"),
	]);
	assert.equal(download.suggestedFilename(), "secret.txt");
	assert.equal(await readFile(await download.path(), "utf8"), TEXT);

	assert.equal((await call("secrets/peek", { id: secret.id })).state,
		"opened");
	sentNothingOf(page, secret.fragment, secret.fragment.slice(0, 21),
		TEXT, "not bold", Buffer.from(secret.key));
});

await journey("a PIN: wrong, wrong, right, by keyboard", async (newPage) => {
	const secret = await make("open sesame", { pin: "rätt kod 7" });
	const page = await newPage();

	await visit(page, secret.path);
	await shown(page, "ready");
	assert.match(await page.locator("#pin-hint").textContent(),
		/3 tries are left/);
	await page.keyboard.press("Tab");
	await page.keyboard.press("Enter");
	assert.equal(await refused(page), en["read.pin.missing"]);
	await page.keyboard.type("fel kod 7");
	await page.keyboard.press("Enter");
	await page.waitForFunction((text) => document
		.getElementById("pin-error").textContent.includes(text), "2");
	assert.match(await refused(page), /2 tries/);
	await inspect(page, "read-pin");
	await page.locator("#pin").focus();
	await page.keyboard.press("Control+a");
	await page.keyboard.type("fel kod 8");
	await page.keyboard.press("Enter");
	await page.waitForFunction((text) => document
		.getElementById("pin-error").textContent.includes(text), "1 try");
	await page.keyboard.press("Control+a");
	// As people type it: other forms of the same letters, spaces around.
	await page.keyboard.insertText("  ra\u0308tt kod \uff17 ");
	await page.keyboard.press("Enter");
	await shown(page, "shown");
	await focusOnHeading(page);
	assert.equal(await secretIn(page), "open sesame");
	await arrived(page);
	const opens = sent(page, "secrets/open");
	assert.equal(opens.length, 3);
	assert.ok(opens.every(({ pin, gate }) => !pin && gate.length === 43));
	sentNothingOf(page, secret.fragment, "rätt kod 7", "kod 7",
		"open sesame");
	// The rest of the page is within reach of the keyboard.
	for (const id of ["secret", "copy", "hide", "save-text"]) {
		await page.keyboard.press("Tab");
		assert.equal(await page.evaluate(() =>
			document.activeElement.id), id);
	}
});

await journey("locked after three wrong PINs", async (newPage) => {
	const secret = await make("x", { pin: "right" });
	const page = await newPage();

	await visit(page, secret.path);
	await shown(page, "ready");
	for (const [pin, left] of [["a", "2 tries"], ["b", "1 try"]]) {
		await page.fill("#pin", pin);
		await page.click(OPEN);
		await page.waitForFunction((text) => document
			.getElementById("pin-error").textContent.includes(text),
		left);
	}
	await page.fill("#pin", "c");
	await page.click(OPEN);
	await ends(page, "locked");
	await inspect(page, "read-locked");
	await page.reload();
	await ends(page, "locked");
	assert.equal(await page.locator("#retry").isVisible(), false);
});

await journey("a file of 10 MiB, byte for byte, anywhere", async (newPage) => {
	const data = randomBytes(10 * 1024 * 1024);
	const secret = await make(data, { header: { type: "file",
		name: "photo of the safe.jpg", mime: "image/jpeg" } });
	const page = await newPage();

	await visit(page, secret.path);
	await shown(page, "ready");
	assert.match(await page.locator("#ready-size").textContent(), /10 MB/);
	await page.evaluate(() => {
		window.seen = [];
		new MutationObserver(() => window.seen.push(
			document.getElementById("working-bar").value))
			.observe(document.getElementById("working-bar"),
				{ attributes: true });
	});
	await page.click(OPEN);
	await shown(page, "shown");
	assert.equal(await heading(page), en["read.shown.file"]);
	const seen = await page.evaluate(() => window.seen);
	assert.ok(seen.some((value) => value > 0 && value < 1) &&
		seen.at(-1) === 1, `${seen}`);
	await inspect(page, "read-file");
	// Until it is saved, the server keeps it.
	assert.equal(sent(page, "secrets/ack").length, 0);
	const [download] = await Promise.all([
		page.waitForEvent("download"), page.click("#save"),
	]);
	assert.equal(download.suggestedFilename(), "photo of the safe.jpg");
	assert.ok(data.equals(await readFile(await download.path())));
	await arrived(page);
	assert.equal(await page.locator("#saved").textContent(),
		en["read.shown.saved"]);
	assert.equal((await call("secrets/peek", { id: secret.id })).state,
		"opened");
});

await journey("a file that nobody saves", async (newPage) => {
	const secret = await make("data", { header: { type: "file",
		name: "x.txt", mime: "text/plain" } });
	const page = await newPage();

	await page.clock.install();
	await visit(page, secret.path);
	await shown(page, "ready");
	await page.click(OPEN);
	await shown(page, "shown");
	await page.clock.runFor(20000);
	assert.equal(sent(page, "secrets/ack").length, 0);
	// Half of the claim's sixty seconds.
	await page.clock.runFor(11000);
	await arrived(page);
	assert.equal(sent(page, "secrets/ack").length, 1);
	await page.click("#save");
	await page.waitForSelector("#saved:not([hidden])");
	assert.equal(sent(page, "secrets/ack").length, 1);
});

await journey("a name and a type that lie", async (newPage) => {
	const { link_fragment: fragment, envelope_base64: envelope } =
		vector("envelope-v2.json").valid
			.find(({ name }) => name.includes("bidi"));
	const page = await newPage();

	// The vector's envelope under the vector's own link.
	await page.route("**/secrets/peek", (route) => route.fulfill({
		contentType: "application/json", body: JSON.stringify({
			kind: "v2", expires_at: "2040-01-01T00:00:00Z",
			bytes: 541, views_left: 1, attempts_left: 3,
			gate: false, claimed: false, view_button: false,
			captcha: null }),
	}));
	await page.route("**/secrets/open", (route) => route.fulfill({
		contentType: "application/vnd.oncelink.frame",
		body: Buffer.concat([Buffer.from(JSON.stringify({
			kind: "v2", views_left: 0, message: null,
			claim_until: "2040-01-01T00:00:00Z" }) + "\n"),
		Buffer.from(envelope, "base64")]),
	}));
	await visit(page, "read/#" + fragment);
	await shown(page, "ready");
	await page.click(OPEN);
	await shown(page, "shown");
	assert.equal(await page.locator("bdi#file-name").textContent(),
		"exe.txt");
	const [download] = await Promise.all([
		page.waitForEvent("download"), page.click("#save"),
	]);
	assert.equal(download.suggestedFilename(), "exe.txt");
	assert.equal(await readFile(await download.path(), "utf8"), "<b>");
	assert.equal(await page.locator("b").count(), 0);
});

await journey("opened twice, and a knock", async (newPage) => {
	const secret = await make("first come");
	const first = await newPage();

	await visit(first, secret.path);
	await shown(first, "ready");
	await first.click(OPEN);
	await shown(first, "shown");
	await arrived(first);
	// The same tab knows that it was here.
	await first.goto("about:blank");
	await visit(first, secret.path);
	await ends(first, "opened");
	assert.equal(await first.locator("#end-more").textContent(),
		en["read.opened.here"]);
	assert.equal(await first.locator("#knock").isVisible(), false);

	const second = await newPage({ phone: true });
	await visit(second, secret.path);
	await ends(second, "opened");
	assert.equal(await second.locator("#end-more").textContent(),
		en["read.opened.other"]);
	await inspect(second, "read-opened");
	await second.route("**/secrets/knock", (route) =>
		route.abort("connectionreset"), { times: 1 });
	await second.click("#knock");
	await second.waitForSelector("#end-error:not([hidden])");
	await inspect(second, "read-no-knock");
	await second.click("#knock");
	await ends(second, "knocked");
	await inspect(second, "read-knocked");
	// What the sender sees of it.
	const sender = await newPage();
	await visit(sender, await receiptPath(secret.receipt));
	await shown(sender, "secret");
	const knocks = sender.locator('[data-receipt="knocks"]');
	assert.match(await knocks.innerText(), /came too late: 1 time/);
	for (const sentence of [second.locator("#end-text"), knocks])
		assert.match(await sentence.getAttribute("title") ?? "",
			sentence === knocks ? / UTC$/ : /^$/);
});

await journey("several views", async (newPage) => {
	const secret = await make("again and again", { views: 3 });

	for (const left of [2, 1]) {
		const page = await newPage();
		await visit(page, secret.path);
		await shown(page, "ready");
		assert.match(await page.locator("#ready-text").textContent(),
			new RegExp(` ${left + 1} more times`));
		await page.click(OPEN);
		await shown(page, "shown");
		await arrived(page);
		assert.match(await page.locator("#fate").textContent(),
			new RegExp(` ${left} more time`));
	}
});

await journey("taken back, and over", async (newPage) => {
	const [burned, over] = [await make("x"), await make("x")];
	const page = await newPage();

	await visit(page, burned.path);
	await shown(page, "ready");
	const sender = await newPage();
	await visit(sender, await receiptPath(burned.receipt));
	await shown(sender, "secret");
	await sender.click('[data-receipt="burn"]');
	await shown(sender, "sure");
	await sender.click('[data-receipt="sure"]');
	await shown(sender, "secret");
	await page.click(OPEN);
	await ends(page, "burned");
	assert.match(await page.locator("#end-text").getAttribute("title"),
		/ UTC$/);
	await inspect(page, "read-burned");
	await ask("expire");
	await page.goto("about:blank");
	await visit(page, over.path);
	await ends(page, "expired");
	await inspect(page, "read-expired");
	assert.match(await page.locator("#end-text").textContent(), /20\d\d/);
});

await journey("an end that a later server may know", async (newPage) => {
	const secret = await make("x");
	const page = await newPage();

	await page.route("**/secrets/peek", (route) => route.fulfill({
		status: 410, contentType: "application/problem+json",
		body: JSON.stringify({ type: "tag:oncelink,2026:gone",
			state: "elsewhere" }),
	}));
	await visit(page, secret.path);
	await ends(page, "gone");
	assert.equal(await page.locator("#end-text").textContent(),
		en["error.gone"]);
	await inspect(page, "read-gone");
});

await journey("links that are damaged, and mended", async (newPage) => {
	const { good, repaired, damaged } = vector("envelope-v2.json").links;
	const key = Buffer.from(good, "base64url").subarray(0, 16);
	await make("whole", { key, views: 100 });
	const page = await newPage();

	for (const link of repaired) {
		await page.goto("about:blank");
		await visit(page, "read/#" + link.replace(/^#/, ""));
		await shown(page, "ready");
	}
	const looks = sent(page, "secrets/peek").length;
	assert.equal(looks, repaired.length);
	for (const link of damaged) {
		await page.goto("about:blank");
		await visit(page, "read/#" + link.replace(/^#/, ""));
		await shown(page, "paste");
		await focusOnHeading(page);
		assert.equal(await page.evaluate(() =>
			document.body.dataset.paste),
		/^#?$/.test(link) ? "none" : "damaged");
	}
	assert.equal(sent(page, "secrets/peek").length, looks);
	await inspect(page, "read-none");

	await page.goto("about:blank");
	await visit(page, "read/#" + damaged[0]);
	await shown(page, "paste");
	await inspect(page, "read-damaged");
	await page.fill("#paste", damaged[2]);
	await page.keyboard.press("Enter");
	await page.waitForSelector("#paste[aria-invalid]");
	assert.equal(await page.locator("#paste-error").textContent(),
		en["read.paste.damaged"]);
	await page.fill("#paste", "https://elsewhere.example/read/#" + good);
	await page.keyboard.press("Enter");
	await page.waitForFunction(() => document.getElementById("paste-error")
		.textContent.includes("elsewhere.example"));
	assert.equal(sent(page, "secrets/peek").length, looks);
	await page.fill("#paste", ` <${SITE}read/#${good}>. `);
	await page.keyboard.press("Enter");
	await shown(page, "ready");
	assert.equal(new URL(page.url()).hash, "#" + good);
	await page.click(OPEN);
	await shown(page, "shown");
	assert.equal(await secretIn(page), "whole");
});

await journey("a # that a mail program wrote as %23, anywhere",
	async (newPage) => {
		const secret = await make("found all the same");
		const page = await newPage({ quiet: /\/(api|read)\// });

		await page.goto(new URL(secret.path.replace("#", "%23"),
			SITE).href);
		await shown(page, "ready");
		assert.equal(page.url(), new URL(secret.path, SITE).href);
		await page.click(OPEN);
		await shown(page, "shown");
		assert.equal(await secretIn(page), secret.text);
	});

await journey("another link in the same tab", async (newPage) => {
	const [one, other] = [await make("one"), await make("other")];
	const page = await newPage();

	await visit(page, one.path);
	await shown(page, "ready");
	await Promise.all([
		page.waitForEvent("load"),
		page.evaluate((hash) => {
			location.hash = hash;
		}, other.fragment),
	]);
	await shown(page, "ready");
	await page.click(OPEN);
	await shown(page, "shown");
	assert.equal(await secretIn(page), "other");
});

await journey("nothing under a link", async (newPage) => {
	const page = await newPage();

	await visit(page, "read/#" + await linkFragment(randomBytes(16)));
	await ends(page, "never");
	await inspect(page, "read-never");
	assert.equal(await page.locator("#knock").isVisible(), false);
});

await journey("a type that is none, and an answer cut short",
	async (newPage) => {
		const secret = await make("cut", { header: { type: "file",
			name: "a", mime: "<b>and here is\u202e what to do" } });
		const page = await newPage();

		await visit(page, secret.path);
		await shown(page, "ready");
		await page.route("**/secrets/open", async (route) => {
			const answer = await route.fetch();

			await route.fulfill({
				contentType: answer.headers()["content-type"],
				body: (await answer.body()).subarray(0, -1),
			});
		}, { times: 1 });
		await page.click(OPEN);
		await ends(page, "unreadable");
		assert.equal(await page.locator("#end-more").textContent(),
			en["read.unreadable.again"]);
		await page.click("#retry");
		await shown(page, "shown");
		assert.equal(await page.locator("#file-facts").textContent(),
			"3 bytes");
		assert.equal(await page.locator("#file-type").textContent(), "");
	});

await journey("a link of one form for a secret of another",
	async (newPage) => {
		const secret = await make("still there");
		const page = await newPage();

		await visit(page, "read/#m=" +
			Buffer.from(secret.id, "base64url").toString("hex"));
		await ends(page, "never");
		assert.equal(sent(page, "secrets/open").length, 0);
	});

await journey("envelopes that no reader may take", async (newPage) => {
	const page = await newPage();
	let envelope = null;

	await page.route("**/secrets/open", async (route) => {
		const answer = await route.fetch();
		const body = await answer.body();
		await route.fulfill({
			contentType: answer.headers()["content-type"],
			body: Buffer.concat([
				body.subarray(0, body.indexOf(10) + 1),
				envelope,
			]),
		});
	});
	for (const refusedOne of vector("envelope-v2.json").refused) {
		envelope = Buffer.from(refusedOne.envelope_base64, "base64");
		if (sent(page, "secrets/open").length === 0)
			await make("in its place", {
				key: Buffer.from(refusedOne.link_fragment,
					"base64url").subarray(0, 16),
				views: 100,
			});
		await page.goto("about:blank");
		await visit(page, "read/#" + refusedOne.link_fragment);
		await shown(page, "ready");
		await page.click(OPEN);
		await ends(page, "unreadable");
		// Its claim is not what is told of here.
		await page.evaluate(() => sessionStorage.clear());
	}
	await inspect(page, "read-unreadable");
	assert.equal(sent(page, "secrets/ack").length, 0);
});

await journey("one's own link, in the tab that made it", async (newPage) => {
	const secret = await make("mine");
	const page = await newPage();

	await visit(page, "about/");
	await page.evaluate((name) =>
		sessionStorage.setItem(name, "1"), keptName("made", secret.id));
	await visit(page, secret.path);
	await shown(page, "ready");
	assert.equal(await page.locator("#ready-own").textContent(),
		en["read.ready.own"]);
	assert.equal(await page.locator(OPEN).textContent(),
		en["read.ready.anyway"]);
	await inspect(page, "read-own");
	const other = await newPage();
	await visit(other, secret.path);
	await shown(other, "ready");
	assert.equal(await other.locator("#ready-own").isVisible(), false);
});

await journey("in Swedish on a phone, and the language changed",
	async (newPage) => {
		const sv = words("sv", "read");
		const secret = await make("hemligt", { pin: "1" });
		const page = await newPage({ phone: true, language: "sv-SE" });

		await visit(page, secret.path);
		await shown(page, "ready");
		assert.equal(await heading(page), sv["read.title"]);
		await inspect(page, "read-ready-sv");
		await page.fill("#pin", "1");
		await page.click(OPEN);
		await shown(page, "shown");
		assert.equal(await heading(page), sv["read.shown.title"]);
		await arrived(page);
		assert.equal(await page.locator("#fate").textContent(),
			sv["read.fate.erased"]);
		await page.click("header button[lang=en]");
		await page.waitForFunction((text) => document
			.getElementById("fate").textContent === text,
		en["read.fate.erased"]);
		assert.equal(await heading(page), en["read.shown.title"]);
		assert.equal(await secretIn(page), "hemligt");
	});

await finish();
