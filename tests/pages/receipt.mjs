// SPDX-License-Identifier: ISC
//
// The receipt, in each state that a secret can be in, and the button that ends
// one.

import { createHash, randomBytes } from "node:crypto";
import { strict as assert } from "node:assert";
import {
	SITE, ask, finish, focusOnHeading, inspect, journey, shown,
	visit, words,
} from "./browser.mjs";

const en = words("en", "receipt");
const sv = words("sv", "receipt");
const GATE = randomBytes(32).toString("base64url");

// A secret that another browser made; nobody reads it here.
async function made(members = {}) {
	const id = randomBytes(16);
	const receipt = randomBytes(16);
	assert.equal(await ask("create", {
		secret: id.toString("base64url"),
		receipt: receipt.toString("base64url"),
		envelope: randomBytes(541).toString("base64url"), ...members,
	}), 201);
	const check = createHash("sha256").update("oncelink/v2 receipt")
	    .update(receipt).digest().subarray(0, 2);
	return { id: id.toString("base64url"), path: "receipt/#" +
	    Buffer.concat([receipt, check]).toString("base64url") };
}

const call = async (name, members) =>
    (await ask("native", { call: name, members })).status;

const open = secret => call("secrets/open",
    { id: secret.id, claim: randomBytes(16).toString("base64url") });

const title = page => page.textContent('[data-state="secret"] h1');
const text = page => page.innerText("main");

await journey("waiting, looked at again, opened", async newPage => {
	const page = await newPage();
	const secret = await made({ views: 3 });
	await visit(page, secret.path);
	await shown(page, "secret");
	assert.equal(await title(page), en["receipt.waiting.title"]);
	assert.match(await text(page), /3 more times/);
	assert.match(await text(page), /in (59 minutes|1 hour)/);
	// Looking uses nothing up, and says so to the server.
	assert.deepEqual(page.requests.filter(({ method }) => method !== "GET")
	    .map(({ url }) => url.slice(SITE.length)),
	["api/v2/receipts/peek"]);
	await inspect(page, "receipt-waiting");
	for (let i = 0; i < 3; i++)
		assert.equal(await open(secret), 200);
	await page.click('[data-receipt="look"]');
	await page.waitForFunction(wanted => document.querySelector(
	    '[data-state="secret"] h1').textContent === wanted,
	en["receipt.opened.title"]);
	await focusOnHeading(page);
	assert.ok((await text(page)).includes(en["receipt.opened.hint"]));
	assert.ok(!await page.isVisible('[data-receipt="burn"]'));
	await inspect(page, "receipt-opened");
});

await journey("opened, and somebody came too late", async newPage => {
	const page = await newPage({ zone: "America/New_York" });
	const secret = await made();
	assert.equal(await open(secret), 200);
	assert.equal(await call("secrets/knock", { id: secret.id }), 204);
	await visit(page, secret.path);
	await shown(page, "secret");
	assert.match(await page.innerText('[data-receipt="knocks"]'),
	    /^Somebody had the whole link and came too late: 1 time, on /);
	// The reader's own clock, and UTC beside it.
	const time = page.locator('[data-receipt="facts"] time').first();
	const iso = await time.getAttribute("datetime");
	const inZone = timeZone => new Intl.DateTimeFormat("en-GB", {
		dateStyle: "medium", timeStyle: "short", timeZone,
	}).format(new Date(iso));
	assert.equal(await time.innerText(), inZone("America/New_York"));
	assert.equal(await time.getAttribute("title"), `${inZone("UTC")} UTC`);
	await inspect(page, "receipt-knock");
});

await journey("destroyed, by keyboard alone, after a question",
	async newPage => {
		const page = await newPage({ phone: true });
		const secret = await made();
		await visit(page, secret.path);
		await shown(page, "secret");
		await page.focus('[data-receipt="burn"]');
		await page.keyboard.press("Enter");
		await shown(page, "sure");
		await focusOnHeading(page);
		await inspect(page, "receipt-sure");
		// The other answer, and back.
		await page.keyboard.press("Tab");
		await page.keyboard.press("Tab");
		await page.keyboard.press("Enter");
		await shown(page, "secret");
		assert.equal(await title(page), en["receipt.waiting.title"]);
		await page.focus('[data-receipt="burn"]');
		await page.keyboard.press("Space");
		await shown(page, "sure");
		await page.keyboard.press("Tab");
		await page.keyboard.press("Space");
		await shown(page, "secret");
		await focusOnHeading(page);
		assert.equal(await title(page), en["receipt.burned.title"]);
		assert.equal(await open(secret), 410);
		await inspect(page, "receipt-burned");
	});

await journey("to be destroyed, and opened in between", async newPage => {
	const page = await newPage();
	const secret = await made();
	await visit(page, secret.path);
	await shown(page, "secret");
	await page.click('[data-receipt="burn"]');
	await shown(page, "sure");
	assert.equal(await open(secret), 200);
	await page.click('[data-receipt="sure"]');
	await shown(page, "secret");
	assert.equal(await title(page), en["receipt.opened.title"]);
	assert.ok((await text(page)).includes(en["receipt.late"]));
	await inspect(page, "receipt-late");
});

await journey("locked by wrong PINs", async newPage => {
	const page = await newPage();
	const secret = await made({ gate: GATE, attempts: 1 });
	assert.equal(await call("secrets/open", { id: secret.id,
		claim: randomBytes(16).toString("base64url"),
		gate: randomBytes(32).toString("base64url") }), 403);
	await visit(page, secret.path);
	await shown(page, "secret");
	assert.equal(await title(page), en["receipt.locked.title"]);
	await inspect(page, "receipt-locked");
});

await journey("offline, and again; then in Swedish", async newPage => {
	const page = await newPage();
	const secret = await made();
	await visit(page, secret.path);
	await shown(page, "secret");
	await page.context().setOffline(true);
	await page.click('[data-receipt="look"]');
	await shown(page, "failed");
	await focusOnHeading(page);
	assert.ok((await text(page)).includes(en["error.offline"]));
	await inspect(page, "receipt-offline");
	await page.context().setOffline(false);
	await page.click('[data-receipt="again"]');
	await shown(page, "secret");
	await page.click('[data-languages] [lang="sv"]');
	await page.waitForSelector('html[lang="sv"]');
	assert.equal(await title(page), sv["receipt.waiting.title"]);
	assert.match(await text(page), /\(om (1 timme|59 minuter)\)/);
	assert.equal(await page.title(), `${sv["receipt.page"]} · Oncelink`);
	await inspect(page, "receipt-waiting-sv");
});

await journey("no worker; no such receipt; a cut one; none; a %23",
	async newPage => {
		// The page itself may be nowhere, where a `%23` stands.
		const page = await newPage({ quiet: /\/api\/v2\/|%23/ });
		const secret = await made();
		await ask("stop");
		await visit(page, secret.path);
		await shown(page, "failed");
		assert.ok((await text(page)).includes(en["error.busy"]) ||
		    /try again in/.test(await text(page)));
		await ask("start");
		await page.click('[data-receipt="again"]');
		await shown(page, "secret");
		await page.goto("about:blank");
		await visit(page, secret.path.replace("#", "%23"));
		await shown(page, "secret");
		assert.equal(new URL(page.url()).hash.length, 25);
		await page.goto("about:blank");
		await visit(page, secret.path.slice(0, -4));
		await shown(page, "damaged");
		await inspect(page, "receipt-damaged");
		await page.goto("about:blank");
		await visit(page, "receipt/");
		await shown(page, "none");
		await inspect(page, "receipt-none");
		const other = Buffer.from(randomBytes(16));
		const check = createHash("sha256").update("oncelink/v2 receipt")
		    .update(other).digest().subarray(0, 2);
		await page.goto("about:blank");
		await visit(page, "receipt/#" + Buffer.concat([other, check])
		    .toString("base64url"));
		await shown(page, "never");
		await inspect(page, "receipt-never");
	});

// The last: it ends every secret there is.
await journey("expired", async newPage => {
	const page = await newPage();
	const secret = await made();
	await ask("expire");
	await visit(page, secret.path);
	await shown(page, "secret");
	assert.equal(await title(page), en["receipt.expired.title"]);
	await inspect(page, "receipt-expired");
});

await finish();
