// SPDX-License-Identifier: ISC
//
// A request is looked at and answered; the link goes back by hand or by mail,
// and what was written is not lost when something fails.

import assert from "node:assert/strict";

import { SITE, ask, clipboard, finish, focusOnHeading, inspect, journey,
	shown, visit, words } from "./browser.mjs";

const SECRET = "correct horse battery staple, grün 秘密 🔑";

const hidden = async page => (await page.locator("#text").inputValue()) === "";
const link = (page, state) =>
    page.locator(`[data-state="${state}"] .link`).textContent();
const request = async members =>
    "request/#" + await ask("ask", { members });

async function send(page, text = SECRET) {
	await page.fill("#text", text);
	await page.click("#send");
}

// What whoever asked finds behind a link of this site, by its tail.
async function open(newPage, tail) {
	const page = await newPage();

	await page.goto(SITE + tail);
	await shown(page, "ready");
	await page.click("#ready-open");
	await shown(page, "shown");
	return page.textContent("#secret");
}

const tail = address => {
	assert.match(address, /\/once\/\?[0-9A-Za-z]{22}#[0-9A-Za-z]{24}$/);
	return address.slice(address.indexOf("?"));
};

// Nothing that was sent has any of these.
function keptFrom(requests, ...pieces) {
	assert.ok(requests.some(one => one.method === "POST"));
	for (const { url, headers, body } of requests) {
		const sent = url + JSON.stringify(headers) + (body ?? "");
		for (const piece of pieces)
			assert.ok(!sent.includes(piece), `${piece} in ${url}`);
	}
}

await journey("a request answered with the keyboard", async newPage => {
	const page = await newPage({ clipboard: true });
	const message = "Please send the password of the printer.\n" +
	    "<b>Thanks</b>, Anna";

	await visit(page, await request({ message, secret_max_views: 1 }));
	await shown(page, "form");
	assert.equal(await page.textContent("#note-text"), message);
	assert.ok(await page.isVisible("#note-text"));
	await inspect(page, "request");
	await page.locator("#text").focus();
	await page.keyboard.type(SECRET);
	await page.keyboard.press("Tab");
	await page.keyboard.press("Enter");
	await shown(page, "link");
	await focusOnHeading(page);
	await page.waitForSelector("[data-state=link] .facts:not([hidden])");
	await inspect(page, "request-link");
	const address = await link(page, "link");
	assert.ok(address.startsWith(SITE), address);
	await page.click("[data-state=link] [data-do=copy]");
	await page.waitForFunction(() => document.querySelector(
	    "[data-state=link] [data-do=copy]").textContent === "Copied");
	assert.equal(await clipboard(page), address);
	const part = address.split("#")[1];
	keptFrom(page.requests, SECRET, part,
	    Buffer.from(part, "base64").toString(), "horse");
	assert.ok(await hidden(page), "the text is not on the page any more");
	assert.ok(!await page.isVisible("[data-do=another]"));
	assert.equal(await open(newPage, tail(address)), SECRET);
	await visit(page, "request/");
	await shown(page, "none");
});

await journey("the link is mailed", async newPage => {
	const page = await newPage();

	await visit(page, await request({ send_to_email: "anna@example.org" }));
	await shown(page, "form");
	assert.ok(!await page.isVisible("#note"));
	await inspect(page, "request-mailed-form");
	await send(page);
	await shown(page, "mailed");
	await page.waitForSelector("[data-state=mailed] .facts:not([hidden])");
	await inspect(page, "request-mailed");
	await page.click("[data-state=mailed] summary");
	await inspect(page, "request-mailed-link");
	const address = await link(page, "mailed");
	const mails = await ask("mails");
	assert.equal(mails.length, 1);
	assert.ok(mails[0].includes(
	    "https://secrets.example.org/once/" + tail(address)), mails[0]);
	keptFrom(page.requests, SECRET, "horse");
	assert.equal(await open(newPage, tail(address)), SECRET);
});

await journey("a request for several, with a PIN", async newPage => {
	const page = await newPage({ language: "sv-SE" });
	const where = await request({ limit: 2, secret_password: "hemligt",
	    secret_max_views: 3 });

	await visit(page, where);
	await shown(page, "form");
	assert.equal(await page.textContent("h1:visible"),
	    words("sv", "request")["request.title"]);
	await send(page);
	await shown(page, "link");
	await page.waitForSelector("[data-state=link] .facts:not([hidden])");
	await inspect(page, "request-several-sv");
	await page.click("[data-state=link] [data-do=another]");
	await shown(page, "form");
	await focusOnHeading(page);
	assert.ok(await hidden(page));
	await send(page, "another one");
	await shown(page, "link");
	assert.ok(!await page.isVisible("[data-do=another]"));
	await page.reload();
	await shown(page, "over");
	await inspect(page, "request-over-sv");
});

await journey("there is nothing to answer", async newPage => {
	const page = await newPage();

	for (const [fragment, state] of [
		["#00000000-0000-4000-8000-000000000000", "over"],
		["#00000000-0000-4000-8000", "damaged"], ["", "none"],
	]) {
		await visit(page, "about/");
		await visit(page, "request/" + fragment);
		await shown(page, state);
		await inspect(page, `request-${state}`);
	}
	// An address that is corrected needs no reload.
	const where = await request({ message: "Now it is right." });
	await page.evaluate(hash => {
		location.hash = hash;
	}, where.split("#")[1]);
	await shown(page, "form");
});

await journey("nothing written", async newPage => {
	const page = await newPage({ phone: true });

	await visit(page, await request({}));
	await shown(page, "form");
	await page.click("#send");
	await page.waitForSelector("#text-error:not(:empty)");
	assert.equal(await page.evaluate(() => document.activeElement.id),
	    "text");
	await inspect(page, "request-empty");
	await send(page);
	await shown(page, "link");
});

await journey("too long, and just not", async newPage => {
	const page = await newPage();

	await visit(page, await request({}));
	await shown(page, "form");
	const most = await page.evaluate(async () => {
		const { sjclSize } = await import("../js/sjcl.js");
		const { params } = await import("../js/api.js");
		const { maxCiphertext } = await params();
		let size = 0;
		while (sjclSize(size + 1) <= maxCiphertext)
			size++;
		return size;
	});
	const before = page.requests.length;
	await send(page, "x".repeat(most + 1));
	await page.waitForSelector("#text-error:not(:empty)");
	assert.equal(page.requests.length, before, "nothing is sent");
	await send(page, "x".repeat(most));
	await shown(page, "link");
});

await journey("nobody there, then somebody", async newPage => {
	const page = await newPage();
	const where = await request({});

	await ask("stop");
	await visit(page, where);
	await shown(page, "failed");
	await inspect(page, "request-failed");
	await ask("start");
	await page.click("#again");
	await shown(page, "form");
	await focusOnHeading(page);
	await ask("stop");
	await send(page);
	await page.waitForSelector("#failure:not([hidden])");
	await focusOnHeading(page);
	assert.equal(await page.inputValue("#text"), SECRET);
	await inspect(page, "request-unsent");
	await page.context().setOffline(true);
	await page.click("#send");
	await page.waitForFunction(text => document.querySelector(
	    "#failure-text").textContent === text,
	    words("en", "request")["error.offline"]);
	await page.context().setOffline(false);
	await ask("start");
	await page.click("#send");
	await shown(page, "link");
	assert.equal(await open(newPage, tail(await link(page, "link"))),
	    SECRET);
});

await journey("what takes longer is said", async newPage => {
	const page = await newPage();
	let go = null;
	const looked = new Promise(resolve => {
		go = resolve;
	});

	await visit(page, await request({}));
	await shown(page, "form");
	await page.route("**/requests/fill", async route => {
		await looked;
		await route.continue();
	});
	await send(page);
	await shown(page, "working");
	await focusOnHeading(page);
	await inspect(page, "request-working");
	go();
	await shown(page, "link");
	await focusOnHeading(page);
});

for (const [way, lose] of [
	["is lost on its way", route => route.abort()],
	["takes too long for the web server", route => route.fulfill({
		status: 504, contentType: "application/problem+json",
		body: JSON.stringify({ type: "tag:oncelink,2026:busy" }),
	})],
])
	await journey("the answer " + way, async newPage => {
		const page = await newPage();
		let first = true;

		await visit(page, await request({}));
		await shown(page, "form");
		await page.route("**/requests/fill", async route => {
			const answer = await route.fetch();
			if (first)
				await lose(route);
			else
				await route.fulfill({ response: answer });
			first = false;
		});
		await send(page);
		await page.waitForSelector("#failure:not([hidden])");
		await page.click("#send");
		await page.waitForFunction(text => document.querySelector(
		    "#failure-text").textContent === text,
		    words("en", "request")["request.unsure"]);
		assert.equal(await page.inputValue("#text"), SECRET);
	});

await journey("who asks may have no more this month", async newPage => {
	const page = await newPage();

	await visit(page, await request({}));
	await shown(page, "form");
	await ask("allow", { secrets: 1 });
	await send(page);
	await page.waitForFunction(text => document.querySelector(
	    "#failure-text").textContent === text,
	    words("en", "request")["request.quota"]);
	assert.equal(await page.inputValue("#text"), SECRET);
	await ask("allow", { secrets: 1000 });
	await page.click("#send");
	await shown(page, "link");
});

await finish();
