// SPDX-License-Identifier: ISC
//
// What comes between a reader and a secret, and how it goes on: lost
// connections, loading again, other people's answers, a page that is left or
// not looked at.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

import { SITE, ask, finish, focusOnHeading, inspect, journey, shown, visit,
	words } from "./browser.mjs";
import { OPEN, arrived, call, kept, keptName, keptNothingOf, make, secretIn,
	sent } from "./maker.mjs";

const en = words("en", "read");

async function ends(page, name) {
	await page.waitForSelector(`body[data-end="${name}"]`);
	await shown(page, "end");
	assert.equal(await page.locator("#end-title").textContent(),
		en[`read.end.${name}`]);
	await focusOnHeading(page);
}

const heading = (page) =>
	page.locator("section:not([hidden]) h1").textContent();

// The server does what it is asked, once, and its answer is lost.
const loseOne = (page, name) => page.route(`**/secrets/${name}`,
	async (route) => {
		await route.fetch();
		await route.abort("connectionreset");
	}, { times: 1 });

// What a page has sent is not told by an event of its own.
async function until(condition) {
	while (!condition())
		await new Promise((resolve) => setTimeout(resolve, 10));
}

// An open that was given up reaches the server after all.
async function takeLate(body) {
	const answer = await fetch(new URL("api/v2/secrets/open", SITE), {
		method: "POST", body,
		headers: { "Content-Type": "application/json" },
	});

	assert.equal(answer.status, 200);
}

const viewsLeft = async ({ id }) =>
	(await call("secrets/peek", { id })).views_left;

await journey("offline in the middle, and then again, anywhere",
	async (newPage) => {
		const secret = await make("worth two tries", { pin: "12" });
		const page = await newPage();

		await visit(page, secret.path);
		await shown(page, "ready");
		await page.fill("#pin", "12");
		await loseOne(page, "open");
		await page.click(OPEN);
		await ends(page, "lost");
		assert.match(await page.locator("#end-text").textContent(),
			/1 minute/);
		await inspect(page, "read-lost");
		// What is kept meanwhile opens nothing without the link, and
		// does not say of which secret it is.
		const secretly = [secret.fragment, secret.key,
			Buffer.from(secret.id, "base64url"), secret.text];
		const [{ claim }] = sent(page, "secrets/open");
		assert.deepEqual(await kept(page),
			{ [keptName("claim", secret.id)]: claim });
		await keptNothingOf(page, ...secretly);
		// The view is taken, and nobody else gets it.
		const gone = await call("secrets/peek", { id: secret.id });
		assert.equal(gone.status, 410);
		const other = await newPage();
		await visit(other, secret.path);
		await ends(other, "opened");

		await page.click("#retry");
		await shown(page, "shown");
		assert.equal(await secretIn(page), "worth two tries");
		const opens = sent(page, "secrets/open");
		assert.equal(opens.length, 2);
		assert.deepEqual(opens[0], opens[1]);
		await arrived(page);
		assert.deepEqual(await kept(page),
			{ [keptName("opened", secret.id)]: "1" });
		await keptNothingOf(page, claim, ...secretly);
	});

await journey("no network, and then it is back", async (newPage) => {
	const secret = await make("patience", { views: 2 });
	const page = await newPage();

	await visit(page, secret.path);
	await shown(page, "ready");
	await page.context().setOffline(true);
	await page.click(OPEN);
	await ends(page, "lost");
	assert.equal(await viewsLeft(secret), 2);
	// Nobody has to press anything.
	await page.context().setOffline(false);
	await shown(page, "shown");
	assert.equal(await secretIn(page), "patience");
	assert.equal(await viewsLeft(secret), 1);
});

await journey("no network from the beginning", async (newPage) => {
	const secret = await make("x");
	const page = await newPage();

	await page.route("**/secrets/peek", (route) =>
		route.abort("internetdisconnected"), { times: 1 });
	await visit(page, secret.path);
	await ends(page, "offline");
	await inspect(page, "read-offline");
	await page.click("#retry");
	await shown(page, "ready");
});

await journey("loaded again in the middle, anywhere", async (newPage) => {
	const secret = await make("still there");
	const page = await newPage();

	await visit(page, secret.path);
	await shown(page, "ready");
	await loseOne(page, "open");
	await page.click(OPEN);
	await ends(page, "lost");
	await page.reload();
	await shown(page, "ready");
	assert.equal(await heading(page), en["read.again.title"]);
	await inspect(page, "read-again");
	await page.click(OPEN);
	await shown(page, "shown");
	assert.equal(await secretIn(page), "still there");
	await arrived(page);
	const [one, two] = sent(page, "secrets/open");
	assert.equal(one.claim, two.claim);
	// Nothing of it is left for who comes to this tab later.
	await page.reload();
	await shown(page, "paste");
	assert.equal(await heading(page), en["read.none.title"]);
});

await journey("loaded again with a PIN, which is asked for again",
	async (newPage) => {
		const secret = await make("locked twice", { pin: "12" });
		const page = await newPage();

		await visit(page, secret.path);
		await shown(page, "ready");
		await page.fill("#pin", "12");
		await loseOne(page, "open");
		await page.click(OPEN);
		await ends(page, "lost");
		await page.reload();
		await shown(page, "ready");
		await page.fill("#pin", "21");
		await page.click(OPEN);
		await page.waitForSelector("#pin[aria-invalid]");
		await page.fill("#pin", "12");
		await page.click(OPEN);
		await shown(page, "shown");
		assert.equal(await secretIn(page), "locked twice");
	});

await journey("a wrong PIN whose answer is lost costs one try",
	async (newPage) => {
		const secret = await make("two left", { pin: "12" });
		const page = await newPage();

		await visit(page, secret.path);
		await shown(page, "ready");
		await page.fill("#pin", "21");
		await loseOne(page, "open");
		await page.click(OPEN);
		await ends(page, "lost");
		await page.click("#retry");
		await page.waitForSelector("#pin[aria-invalid]");
		assert.match(await page.locator("#pin-error").textContent(),
			/2 tries are left/);
		assert.equal(sent(page, "secrets/open").length, 1);
		assert.equal((await call("secrets/peek", { id: secret.id }))
			.attempts_left, 2);
		// The next one is lost too: what it cost is not told twice.
		await page.fill("#pin", "22");
		await loseOne(page, "open");
		await page.click(OPEN);
		await ends(page, "lost");
		await page.click("#retry");
		await page.waitForFunction(() => document.getElementById(
			"pin-error").textContent.includes("1 try"));
		await page.fill("#pin", "12");
		await page.click(OPEN);
		await shown(page, "shown");
		assert.equal(await secretIn(page), secret.text);
	});

await journey("a right PIN that never arrived is not called wrong",
	async (newPage) => {
		const secret = await make("right", { pin: "12" });
		const page = await newPage();

		await visit(page, secret.path);
		await shown(page, "ready");
		await page.fill("#pin", "21");
		await page.click(OPEN);
		await page.waitForSelector("#pin[aria-invalid]");
		await page.fill("#pin", "12");
		await page.route("**/secrets/open", (route) =>
			route.abort("connectionreset"), { times: 1 });
		await page.click(OPEN);
		await ends(page, "lost");
		await page.click("#retry");
		await shown(page, "shown");
		assert.equal(await secretIn(page), secret.text);
	});

await journey("an open that the server takes after it was given up",
	async (newPage) => {
		const secret = await make("late but here");
		const page = await newPage();
		let late = null;

		await visit(page, secret.path);
		await shown(page, "ready");
		await page.route("**/secrets/open", (route) => {
			late = route.request().postData();
			return route.abort("connectionreset");
		}, { times: 1 });
		await page.click(OPEN);
		await ends(page, "lost");
		// The page looks, finds nothing taken, and then it is.
		await page.reload();
		await shown(page, "ready");
		assert.equal(await heading(page), en["read.title"]);
		await takeLate(late);
		await page.click(OPEN);
		await shown(page, "shown");
		assert.equal(await secretIn(page), "late but here");
	});

await journey("a wrong PIN says nothing of an open that is still on its way",
	async (newPage) => {
		const secret = await make("late and locked", { pin: "12" });
		const page = await newPage();
		let late = null;

		await visit(page, secret.path);
		await shown(page, "ready");
		await page.route("**/secrets/open", (route) => {
			late = route.request().postData();
			return route.abort("connectionreset");
		}, { times: 1 });
		await page.fill("#pin", "12");
		await page.click(OPEN);
		await ends(page, "lost");
		await page.reload();
		await shown(page, "ready");
		await page.fill("#pin", "21");
		await page.click(OPEN);
		await page.waitForSelector("#pin[aria-invalid]");
		await takeLate(late);
		await page.fill("#pin", "12");
		await page.click(OPEN);
		await shown(page, "shown");
		assert.equal(await secretIn(page), secret.text);
	});

for (const [who, status, type, name] of [
	["the web server", 504, "failed", "lost"],
	["the web server", 502, "failed", "lost"],
	["the worker", 500, "failed", "lost"],
	["the worker", 503, "busy", "busy"],
])
	await journey(`${who} says ${status} to an open`, async (newPage) => {
		const secret = await make("worth another try");
		const page = await newPage();

		// Behind a web server that gave up, it may have been taken.
		await page.route("**/secrets/open", async (route) => {
			if (name === "lost")
				await route.fetch();
			await route.fulfill({ status,
				contentType: "application/problem+json",
				body: JSON.stringify({ retry_after: 1,
					type: "tag:oncelink,2026:" + type }) });
		}, { times: 1 });
		await visit(page, secret.path);
		await shown(page, "ready");
		await page.click(OPEN);
		await ends(page, name);
		assert.equal((await page.locator("#end-text").textContent())
			.includes("Nothing was lost"), name === "busy");
		await page.click("#retry");
		await shown(page, "shown");
		assert.equal(await secretIn(page), secret.text);
	});

await journey("too late to fetch it again", async (newPage) => {
	const secret = await make("x");
	const page = await newPage();

	await visit(page, secret.path);
	await shown(page, "ready");
	await loseOne(page, "open");
	await page.click(OPEN);
	await ends(page, "lost");
	await ask("end_claims");
	await page.click("#retry");
	// The sender is not told of a stranger who may have been this tab.
	for (const again of [false, true]) {
		if (again)
			await page.reload();
		await ends(page, "opened");
		assert.equal(await page.locator("#end-more").textContent(),
			en["read.opened.late"]);
		assert.equal(await page.locator("#knock").isVisible(), false);
	}
	await inspect(page, "read-late");
	assert.deepEqual(await kept(page),
		{ [keptName("claim", secret.id)]: "over" });
});

await journey("word that it has arrived is lost, and said again",
	async (newPage) => {
		const secret = await make("heard");
		const page = await newPage();

		await page.clock.install();
		await visit(page, secret.path);
		await shown(page, "ready");
		await page.route("**/secrets/ack", (route) =>
			route.abort("connectionreset"), { times: 2 });
		await page.click(OPEN);
		await shown(page, "shown");
		for (let i = 0; i < 2; i++) {
			await until(() =>
				sent(page, "secrets/ack").length > i);
			assert.notEqual(await page.evaluate(() =>
				location.hash), "");
			await page.clock.runFor(4000);
		}
		await arrived(page);
		assert.equal(sent(page, "secrets/ack").length, 3);
	});

await journey("while it is being opened", async (newPage) => {
	const secret = await make("slowly");
	const page = await newPage();
	let go = null;

	await page.route("**/secrets/open", async (route) => {
		await new Promise((resolve) => {
			go = resolve;
		});
		await route.continue();
	});
	await visit(page, secret.path);
	await shown(page, "ready");
	await page.dblclick(OPEN);
	await shown(page, "working");
	await focusOnHeading(page);
	await inspect(page, "read-working");
	go();
	await shown(page, "shown");
	await focusOnHeading(page);
	assert.equal(sent(page, "secrets/open").length, 1);
});

await journey("where there are no claims", async (newPage) => {
	await ask("settings", { changes: { claim_seconds: "0s" } });
	const [text, file] = [await make("only once"), await make("a file",
		{ header: { type: "file", name: "a", mime: "" } })];
	const page = await newPage();

	await visit(page, text.path);
	await shown(page, "ready");
	await loseOne(page, "open");
	await page.click(OPEN);
	await ends(page, "lost");
	assert.equal(await page.locator("#end-text").textContent(),
		en["read.lost.text"]);
	await page.click("#retry");
	await ends(page, "opened");
	await page.goto("about:blank");
	await visit(page, file.path);
	await shown(page, "ready");
	await page.click(OPEN);
	await shown(page, "shown");
	await page.waitForFunction((said) => document.getElementById("fate")
		.textContent === said, en["read.fate.erased"]);
	await ask("settings", { changes: { claim_seconds: null } });
});

await journey("the worker is away", async (newPage) => {
	const secret = await make("x");
	const page = await newPage();

	await ask("stop");
	await visit(page, secret.path);
	await ends(page, "busy");
	await inspect(page, "read-busy");
	await ask("start");
	await page.click("#retry");
	await shown(page, "ready");
});

await journey("somebody else's answers", async (newPage) => {
	const secret = await make("x");
	const page = await newPage();
	const answers = [
		{ status: 502, contentType: "text/html", body: "<h1>Oops" },
		{ status: 200, contentType: "text/html", body: "<h1>Log in" },
		{ status: 200, contentType: "application/json", body: "{}" },
		{ status: 200, contentType: "application/json", body: "<" },
		{ status: 403, contentType: "application/problem+json",
			body: '{"type":"about:blank"}' },
		{ status: 302, headers: { Location: "/about/" } },
		{ status: 204 },
	];

	// What a server says that failed.
	await page.route("**/secrets/peek", (route) => route.fulfill({
		status: 500, contentType: "application/problem+json",
		body: '{"type":"tag:oncelink,2026:failed"}',
	}), { times: 1 });
	await visit(page, secret.path);
	await ends(page, "failed");
	await inspect(page, "read-failed");
	for (const name of ["peek", "open"])
		for (const answer of answers) {
			await page.goto("about:blank");
			await page.route(`**/secrets/${name}`, (route) =>
				route.fulfill(answer), { times: 1 });
			await visit(page, secret.path);
			if (name === "open") {
				await shown(page, "ready");
				await page.click(OPEN);
			}
			// Behind it the server may have done what it was asked.
			await ends(page, name === "peek" ? "not-ours" : "lost");
			if (name === "peek" && answer === answers.at(-1))
				await inspect(page, "read-not-ours");
			await page.evaluate(() => sessionStorage.clear());
		}
	assert.equal(sent(page, "secrets/ack").length, 0);
	// It was never here, and is still to be had.
	await page.click("#retry");
	await shown(page, "shown");
});

await journey("what cannot be kept in the tab", async (newPage) => {
	const secret = await make("kept by nobody");
	const page = await newPage();

	await page.addInitScript(() => {
		for (const name of ["sessionStorage", "localStorage"])
			Object.defineProperty(window, name, { get() {
				throw new DOMException("no", "SecurityError");
			} });
	});
	await visit(page, secret.path);
	await shown(page, "ready");
	assert.equal(await page.locator("#ready-unkept").isVisible(), true);
	await inspect(page, "read-unkept");
	await loseOne(page, "open");
	await page.click(OPEN);
	await ends(page, "lost");
	await page.click("#retry");
	await shown(page, "shown");
	assert.equal(await secretIn(page), "kept by nobody");
	await arrived(page);
});

// A page that is not looked at

const MINUTE = 60 * 1000;

async function opened(newPage, text) {
	const secret = await make(text);
	const page = await newPage();

	await page.clock.install();
	await visit(page, secret.path);
	await shown(page, "ready");
	await page.click(OPEN);
	await shown(page, "shown");
	await arrived(page);
	return page;
}

const setHidden = (page, hidden) => page.evaluate((value) => {
	Object.defineProperty(document, "hidden",
		{ configurable: true, get: () => value });
	document.dispatchEvent(new Event("visibilitychange"));
}, hidden);

const holds = (page, text) => page.evaluate((wanted) =>
	document.documentElement.innerHTML.includes(wanted) ||
	Array.from(document.querySelectorAll("input, textarea"))
		.some(({ value }) => value.includes(wanted)), text);

await journey("hidden, shown, hidden, longer, gone", async (newPage) => {
	const page = await opened(newPage, "for my eyes");

	await page.click("#hide");
	await shown(page, "hidden");
	await focusOnHeading(page);
	assert.equal(await holds(page, "for my eyes"), false);
	assert.match(await page.locator("#hidden-text").textContent(),
		/10 minutes/);
	await inspect(page, "read-hidden");
	await page.click("#unhide");
	await shown(page, "shown");
	assert.equal(await secretIn(page), "for my eyes");
	// What is looked at stays.
	await page.clock.runFor(30 * MINUTE);
	assert.equal(await secretIn(page), "for my eyes");

	await page.click("#hide");
	await page.clock.runFor(9 * MINUTE);
	assert.match(await page.locator("#hidden-text").textContent(),
		/ 1 minute/);
	await page.click("#longer");
	await page.clock.runFor(9 * MINUTE);
	await shown(page, "hidden");
	await page.clock.runFor(2 * MINUTE);
	await ends(page, "left");
	await inspect(page, "read-left");
	assert.equal(await holds(page, "for my eyes"), false);
});

await journey("a tab behind others", async (newPage) => {
	const page = await opened(newPage, "behind others");
	const title = await page.title();

	await setHidden(page, true);
	await page.clock.runFor(8.5 * MINUTE);
	assert.match(await page.title(), /2 minutes/);
	await setHidden(page, false);
	assert.equal(await page.title(), title);
	await page.clock.runFor(8 * MINUTE);
	assert.equal(await secretIn(page), "behind others");
	await setHidden(page, true);
	await page.clock.runFor(11 * MINUTE);
	await ends(page, "left");
	assert.equal(await page.title(), title);
	assert.equal(await holds(page, "behind others"), false);
});

await journey("what was typed leaves with what it opened",
	async (newPage) => {
		const secret = await make("and its PIN", { pin: "314159" });
		const page = await newPage();

		await visit(page, "read/");
		await shown(page, "paste");
		await page.fill("#paste", secret.fragment);
		await page.keyboard.press("Enter");
		await shown(page, "ready");
		await page.fill("#pin", "314159");
		await page.click(OPEN);
		await shown(page, "shown");
		await arrived(page);
		for (const typed of [secret.fragment, "314159"])
			assert.equal(await holds(page, typed), false);
	});

await journey("what was typed leaves when the page does", async (newPage) => {
	const secret = await make("x", { pin: "314159" });
	const page = await newPage();

	await visit(page, "read/");
	await shown(page, "paste");
	await page.fill("#paste", secret.fragment);
	await page.keyboard.press("Enter");
	await shown(page, "ready");
	await page.fill("#pin", "314159");
	// As a browser does that keeps the page for its Back button.
	await page.evaluate(() => dispatchEvent(
		new PageTransitionEvent("pagehide", { persisted: true })));
	for (const typed of [secret.fragment, "314159"])
		assert.equal(await holds(page, typed), false);
});

await journey("what a browser cannot do", async (newPage) => {
	const secret = await make("after all");
	const page = await newPage();

	await visit(page, secret.path);
	await shown(page, "ready");
	await page.evaluate(() => {
		const { importKey } = crypto.subtle;
		crypto.subtle.importKey = () => {
			crypto.subtle.importKey = importKey;
			throw new DOMException("no", "OperationError");
		};
	});
	await page.click(OPEN);
	await ends(page, "failed");
	await page.click("#retry");
	await shown(page, "ready");
	await page.click(OPEN);
	await shown(page, "shown");
	assert.equal(await secretIn(page), "after all");
});

await journey("a page that is left", async (newPage) => {
	const page = await opened(newPage, "left behind");

	await visit(page, "about/");
	await page.goBack();
	await page.waitForSelector("body[data-shown]");
	assert.equal(await holds(page, "left behind"), false);
});

await journey("a page that is left and kept", async (newPage) => {
	const page = await opened(newPage, "left behind");

	// As a browser does that keeps the page for its Back button.
	await page.evaluate(() => dispatchEvent(
		new PageTransitionEvent("pagehide", { persisted: true })));
	await ends(page, "left");
	assert.equal(await holds(page, "left behind"), false);
});

await journey("a file that was not saved before the page was left",
	async (newPage) => {
		const secret = await make("still on the server", { header: {
			type: "file", name: "a.txt", mime: "" } });
		const page = await newPage();

		await visit(page, secret.path);
		await shown(page, "ready");
		await page.click(OPEN);
		await shown(page, "shown");
		await page.evaluate(() => dispatchEvent(
			new PageTransitionEvent("pagehide", { persisted: true })));
		await ends(page, "left");
		await Promise.all([
			page.waitForEvent("load"), page.click("#retry"),
		]);
		await shown(page, "ready");
		await page.click(OPEN);
		await shown(page, "shown");
		const [download] = await Promise.all([
			page.waitForEvent("download"), page.click("#save"),
		]);
		assert.equal(await readFile(await download.path(), "utf8"),
			"still on the server");
	});

await journey("the skip link leaves the link alone", async (newPage) => {
	const secret = await make("x");
	const page = await newPage();

	await visit(page, secret.path);
	await shown(page, "ready");
	await page.locator(".skip").focus();
	await page.keyboard.press("Enter");
	assert.equal(new URL(page.url()).hash, "#" + secret.fragment);
	assert.equal(await page.evaluate(() => document.activeElement.id),
		"main");
	await page.keyboard.press("Tab");
	assert.equal(await page.evaluate(() => document.activeElement.id),
		"ready-open");
});

await finish();
