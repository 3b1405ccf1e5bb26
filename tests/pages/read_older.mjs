// SPDX-License-Identifier: ISC
//
// Links of older services, opened on our page: password.link's in each form,
// whole and cut, with all that such a secret can have; SafeSecrets' and One
// Time Secret App's.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";

import { SITE, ask, finish, focusOnHeading, inspect, journey, shown, visit,
	words } from "./browser.mjs";
import { OPEN, arrived, call, make, older, secretIn, sent, sentNothingOf }
	from "./maker.mjs";

const en = words("en", "read");

async function pasteAsked(page, why) {
	await page.waitForSelector(`body[data-paste="${why}"]`);
	await shown(page, "paste");
	assert.equal(await page.locator("#paste-title").textContent(),
		en[`read.${why}.title`]);
	await focusOnHeading(page);
}

await journey("password.link, each form of link, anywhere",
	async (newPage) => {
		for (const form of ["?ID#PART", "ID/#PART", "ID#PART"]) {
			const secret = await older("sealed by SJCL, åäö 🔑");
			const page = await newPage();

			await visit(page, form.replace("ID", secret.id)
				.replace("PART", secret.part));
			await shown(page, "ready");
			assert.equal(new URL(page.url()).pathname,
				new URL("read/", SITE).pathname);
			assert.equal(sent(page, "secrets/open").length, 0);
			await page.click(OPEN);
			await shown(page, "shown");
			assert.equal(await secretIn(page), secret.text);
			await arrived(page);
			sentNothingOf(page, secret.part, Buffer.from(
				secret.part, "base64").toString(),
			"sealed by SJCL");
		}
	});

await journey("the part as base64url, without padding, percent-encoded",
	async (newPage) => {
		for (const change of [
			(part) => part.replace(/\+/g, "-").replace(/\//g, "_")
				.replace(/=/g, ""),
			encodeURIComponent,
		]) {
			const secret = await older("any spelling");
			const page = await newPage();

			await visit(page, `read/?${secret.id}#` +
				change(secret.part));
			await shown(page, "ready");
			await page.click(OPEN);
			await shown(page, "shown");
			assert.equal(await secretIn(page), secret.text);
		}
	});

await journey("note, PIN, puzzle and attachment", async (newPage) => {
	const data = randomBytes(5000);
	const secret = await older("with everything", {
		message: "For the router.\n<b>Call me</b>", password: "åäö 12 ",
		captcha: true, view_button: true,
		attachment: { name: "../règles.tar.gz", data },
	});
	const page = await newPage();

	await visit(page, `${secret.id}#${secret.part}`);
	await shown(page, "ready");
	await page.fill("#pin", "wrong");
	await page.click(OPEN);
	await page.waitForSelector("#pin[aria-invalid]");
	// Sent as it was typed: the server stretches it.
	await page.fill("#pin", "åäö 12 ");
	await page.click(OPEN);
	await shown(page, "shown");
	const [wrong, right] = sent(page, "secrets/open");
	assert.equal(right.pin, "åäö 12 ");
	assert.ok(right.captcha.n >= 0 && wrong.captcha.n >= 0);
	assert.equal(await page.locator("#note-text").textContent(),
		"For the router.\n<b>Call me</b>");
	assert.equal(await secretIn(page), "with everything");
	assert.equal(await page.locator("#file-name").textContent(),
		"règles.tar.gz");
	await inspect(page, "read-everything");
	assert.equal(sent(page, "secrets/ack").length, 0);
	const [download] = await Promise.all([
		page.waitForEvent("download"), page.click("#save"),
	]);
	assert.ok(data.equals(await readFile(await download.path())));
	await arrived(page);
});

await journey("a puzzle that has grown old is done anew", async (newPage) => {
	const secret = await older("puzzled", { captcha: true });
	const page = await newPage();
	const looks = () => sent(page, "secrets/peek").length;

	await page.route("**/secrets/peek", async (route) => {
		const answer = await route.fetch();
		const said = await answer.json();
		said.captcha.expires_at -= 3600;
		await route.fulfill({ response: answer, json: said });
	}, { times: 1 });
	await visit(page, `${secret.id}#${secret.part}`);
	await shown(page, "ready");
	assert.equal(looks(), 1);
	await page.click(OPEN);
	await shown(page, "shown");
	assert.equal(looks(), 2);
	assert.equal(await secretIn(page), "puzzled");
});

await journey("a link that was cut, and then whole", async (newPage) => {
	const secret = await older("not without its end");
	const page = await newPage();

	for (const part of ["", "#", "#" + secret.part.slice(0, 12)]) {
		await page.goto("about:blank");
		await visit(page, secret.id + part);
		await pasteAsked(page, "cut");
	}
	await inspect(page, "read-cut");
	assert.equal(sent(page, "secrets/open").length, 0);
	await page.fill("#paste", `${SITE}${secret.id}/#${secret.part}`);
	await page.keyboard.press("Enter");
	await shown(page, "ready");
	await page.click(OPEN);
	await shown(page, "shown");
	assert.equal(await secretIn(page), secret.text);
	await arrived(page);
});

await journey("a cut link opened all the same, and mended in time",
	async (newPage) => {
		const secret = await older("mended in time");
		const page = await newPage();

		await visit(page, `${secret.id}#${secret.part.slice(0, 12)}`);
		await pasteAsked(page, "cut");
		await page.click("#paste-anyway");
		await shown(page, "ready");
		await page.click(OPEN);
		await pasteAsked(page, "unfit");
		await inspect(page, "read-unfit");
		assert.equal(sent(page, "secrets/ack").length, 0);
		// A link of another secret is no help, nor is half of one.
		for (const link of [SITE + "1".repeat(22) + "#" + secret.part,
			secret.part.slice(0, 20)]) {
			await page.fill("#paste", link);
			await page.keyboard.press("Enter");
			await page.waitForSelector("#paste[aria-invalid]");
			assert.equal(await page.locator("#paste-error")
				.textContent(), en["read.paste.damaged"]);
			assert.equal(sent(page, "secrets/ack").length, 0);
			await page.evaluate(() => document.getElementById(
				"paste").removeAttribute("aria-invalid"));
		}
		// Loaded again it is the same: the claim lives.
		await page.reload();
		await pasteAsked(page, "cut");
		await page.fill("#paste", `${SITE}?${secret.id}#${secret.part}`);
		await page.keyboard.press("Enter");
		await shown(page, "ready");
		assert.equal(await page.locator("#ready-title").textContent(),
			en["read.again.title"]);
		await page.click(OPEN);
		await shown(page, "shown");
		assert.equal(await secretIn(page), secret.text);
		await arrived(page);
		const [one, two] = sent(page, "secrets/open");
		assert.equal(one.claim, two.claim);
	});

await journey("a part that is whole and wrong", async (newPage) => {
	const secret = await older("the right end");
	const wrong = Buffer.from("x".repeat(18)).toString("base64");
	const page = await newPage();

	await visit(page, `${secret.id}#${wrong}`);
	await shown(page, "ready");
	await page.click(OPEN);
	await pasteAsked(page, "unfit");
	assert.equal(sent(page, "secrets/ack").length, 0);
	// What follows the # alone will do.
	await page.fill("#paste", secret.part);
	await page.keyboard.press("Enter");
	await shown(page, "shown");
	assert.equal(await secretIn(page), secret.text);
	await arrived(page);
	assert.equal(sent(page, "secrets/open").length, 1);
});

await journey("SafeSecrets, its key in the path, anywhere", async (newPage) => {
	for (const end of ["", "/"]) {
		const key = await ask("safesecrets",
			{ message: "plain åäö\n", pin: "a/ b%" });
		const page = await newPage();

		await visit(page, "message/" + key + end);
		await shown(page, "ready");
		await page.fill("#pin", "123456");
		await page.click(OPEN);
		await page.waitForSelector("#pin[aria-invalid]");
		assert.equal(await page.locator("#pin-error").textContent(),
			en["read.pin.length"]);
		await page.fill("#pin", "12345");
		await page.click(OPEN);
		await page.waitForFunction(() => document.getElementById(
			"pin-error").textContent.includes("2 tries"));
		await page.fill("#pin", "a/ b%");
		await page.click(OPEN);
		await shown(page, "shown");
		assert.equal(await secretIn(page), "plain åäö\n");
		await arrived(page);
	}
});

await journey("One Time Secret App's id and passphrase", async (newPage) => {
	const id = await ask("onetime", { message: "once only" });
	const page = await newPage();

	await visit(page, "read/#m=" + id);
	await shown(page, "ready");
	await page.fill("#pin", "open sesame");
	await page.click(OPEN);
	await shown(page, "shown");
	assert.equal(await secretIn(page), "once only");
	await arrived(page);
	await page.goto("about:blank");
	await visit(page, "read/#m=" + id);
	await page.waitForSelector('body[data-end="opened"]');
	// Nobody would see a knock.
	assert.equal(await page.locator("#knock").isVisible(), false);
});

await journey("an older link pasted where ours was damaged",
	async (newPage) => {
		const [secret, own] = [await older("older"), await make("x")];
		const page = await newPage();

		await visit(page, own.path.slice(0, -1));
		await shown(page, "paste");
		await page.fill("#paste", `${SITE}${secret.id}#${secret.part}`);
		await page.keyboard.press("Enter");
		await shown(page, "ready");
		assert.equal(new URL(page.url()).search, "?" + secret.id);
		await page.click(OPEN);
		await shown(page, "shown");
		assert.equal(await secretIn(page), "older");
		assert.equal((await call("secrets/peek", { id: own.id }))
			.views_left, 1);
	});

await finish();
