// SPDX-License-Identifier: ISC
//
// Making a link: what may be typed, what is sent, what comes of it.  What was
// made is opened here, by seal.js and the calls, so that nothing of the page
// that reads has a part in it.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import {
	SITE, ask, clipboard, finish, focusOnHeading, inspect, journey, library, note,
	shown, visit, words,
} from "./browser.mjs";

import { OPEN, arrived, kept, keptName, keptNothingOf, secretIn, sentNothingOf }
	from "./maker.mjs";

const js = (name) => import(pathToFileURL(
	join(process.env.ONCELINK_PAGES, "js", name)));
const { deriveKeys, open, toBase64url } = await js("seal.js");
const { parseFragment, parseReceipt } = await js("link.js");
const jsQR = library("jsqr");

const en = words("en", "create");
const DAY = 86400;
const MAKE = "#make";

// What people know

async function call(name, members) {
	const answer = await fetch(new URL("api/v2/" + name, SITE), {
		method: "POST", body: JSON.stringify(members),
		headers: { "Content-Type": "application/json" },
	});
	const bytes = new Uint8Array(await answer.arrayBuffer());

	return { status: answer.status, bytes,
		json: () => JSON.parse(new TextDecoder().decode(bytes)) };
}

// What a link holds, by whoever has it and the PIN; null when it is over.
async function openLink(link, pin = null) {
	const key = await parseFragment(new URL(link).hash);
	const keys = await deriveKeys(key, pin);
	const answer = await call("secrets/open", {
		id: toBase64url(keys.id), claim: "AAAAAAAAAAAAAAAAAAAAAA",
		...(keys.gate && { gate: toBase64url(keys.gate) }),
	});

	if (answer.status === 410)
		return null;
	assert.equal(answer.status, 200);
	const found = await open(keys.content,
		answer.bytes.slice(answer.bytes.indexOf(10) + 1));
	await call("secrets/ack", { id: toBase64url(keys.id),
		claim: "AAAAAAAAAAAAAAAAAAAAAA" });
	return found;
}

const text = (found) => new TextDecoder().decode(found.data);

async function peek(link) {
	const { id } = await deriveKeys(
		await parseFragment(new URL(link).hash), null);

	return (await call("secrets/peek", { id: toBase64url(id) })).json();
}

const near = (time, span) =>
	Math.abs(Date.parse(time) / 1000 - Date.now() / 1000 - span) < 60;

// What they do

async function begin(newPage, options) {
	const page = await newPage(options);

	await visit(page, "");
	await shown(page, "form");
	return page;
}

async function result(page) {
	await shown(page, "result");
	await focusOnHeading(page);
	return page.textContent("#link");
}

async function make(page) {
	await page.click(MAKE);
	return result(page);
}

const sent = (page) => page.requests.filter(({ method, url }) =>
	method === "POST" && url.endsWith("/api/v2/secrets"));

const errors = (page) => page.$$eval(".error", (all) =>
	all.map((place) => place.textContent).filter((said) => said !== ""));

const focused = (page) => page.evaluate(() => document.activeElement.id);

const summary = (page) => page.textContent("#summary");

// Bytes that are the same everywhere, and not made of repetitions.
function noise(size) {
	const bytes = Buffer.alloc(size);
	let state = 1;

	for (let i = 0; i < size; i++) {
		state = (Math.imul(state, 1103515245) + 12345) >>> 0;
		bytes[i] = state >>> 16;
	}
	return bytes;
}

// A file that hangs above the page, or lies on the clipboard.
const handOver = (page, event, files, also = {}) =>
	page.evaluate(([kind, given, texts]) => {
		const transfer = new DataTransfer();

		for (const [name, type, content] of given)
			transfer.items.add(new File([content], name, { type }));
		for (const [type, content] of Object.entries(texts))
			transfer.setData(type, content);
		const options = { bubbles: true, cancelable: true };
		document.querySelector("#text").dispatchEvent(kind === "paste" ?
			new ClipboardEvent(kind,
				{ ...options, clipboardData: transfer }) :
			new DragEvent(kind,
				{ ...options, dataTransfer: transfer }));
	}, [event, files, also]);

// As slow as a telephone on a train, until the function it gives is called.
async function slow(page, bytesPerSecond) {
	const wire = await page.context().newCDPSession(page);

	await wire.send("Network.emulateNetworkConditions", {
		offline: false, latency: 0, downloadThroughput: -1,
		uploadThroughput: bytesPerSecond,
	});
	return () => wire.detach();
}

await journey("create: cold, it is light and soon there", async (newPage) => {
	const page = await newPage();
	const loaded = new Map();

	page.context().on("response", async (answer) => {
		if (answer.url().startsWith(SITE))
			loaded.set(answer.url(), answer.body());
	});
	const before = performance.now();
	await page.goto(SITE);
	await shown(page, "form");
	note("/ was usable after " +
		Math.round(performance.now() - before) + " ms");
	await page.fill("#text", "x");
	await make(page);
	let sum = 0;
	const shares = [];

	for (const [url, body] of loaded) {
		const { length } = await body;

		if (url.includes("/api/"))
			continue;
		sum += length;
		shares.push(`${url.slice(SITE.length) || "/"} ${length}`);
	}
	note(`/ weighs ${sum} bytes: ${shares.join(", ")}`);
	assert.ok(sum <= 60 * 1024, `${sum} bytes`);
	assert.ok(!shares.some((share) => share.includes("vendor/")));
});

await journey("create: a text, by the keyboard alone", async (newPage) => {
	const page = await begin(newPage, { clipboard: true });
	const secret = "correct horse\nbattery staple <b>&amp;\u202e ☃";

	await inspect(page, "create");
	await page.keyboard.press("Tab");
	for (let i = 0; await focused(page) !== "text"; i++) {
		assert.ok(i < 8, "the text is not far");
		await page.keyboard.press("Tab");
	}
	await page.keyboard.insertText(secret);
	for (let i = 0; await focused(page) !== "make"; i++) {
		assert.ok(i < 5, "nothing more has to be said");
		await page.keyboard.press("Tab");
	}
	await page.keyboard.press("Enter");
	const link = await result(page);

	assert.match(link.slice(SITE.length), /^read\/#[A-Za-z0-9_-]{24}$/);
	assert.ok(link.startsWith(SITE));
	assert.equal(await page.isHidden("#pin-card"), true);
	assert.equal(await page.textContent("#opens"), en["result.opens.one"]);
	assert.match(await page.getAttribute("#until time", "title"), / UTC$/);
	await page.click("#copy-link");
	await page.waitForFunction((word) => document.querySelector("#copy-link")
		.textContent === word, en["common.copied"]);
	assert.equal(await clipboard(page), link);
	const facts = await peek(link);

	assert.equal(facts.views_left, 1);
	assert.equal(facts.gate, false);
	assert.ok(near(facts.expires_at, 7 * DAY), facts.expires_at);
	const found = await openLink(link);

	assert.equal(found.type, "text");
	assert.equal(text(found), secret);
	assert.equal(await openLink(link), null);
});

await journey("create: a PIN that is made", async (newPage) => {
	const page = await begin(newPage, { clipboard: true });
	const secret = "only with the PIN";

	await page.fill("#text", secret);
	await page.click("summary");
	await page.check("input[value=made]");
	await inspect(page, "create-options");
	const link = await make(page);
	const pin = await page.textContent("#pin");

	assert.match(pin, /^[0-9]{5}$/);
	assert.ok((await summary(page)).includes(en["create.summary.pin.none"]),
		"nothing is left of it in the form");
	await page.click("#show-code");
	await page.waitForSelector("#code-field svg");
	await inspect(page, "result");
	await page.click("#copy-pin");
	await page.waitForFunction((word) => document.querySelector("#copy-pin")
		.textContent === word, en["common.copied"]);
	assert.equal(await clipboard(page), pin);
	assert.equal((await peek(link)).gate, true);
	assert.equal((await peek(link)).attempts_left, 3);
	const receipt = await parseReceipt(
		new URL(await page.getAttribute("#receipt", "href")).hash);
	const state = async () => (await call("receipts/peek",
		{ receipt: toBase64url(receipt) })).json().state;

	assert.equal(await state(), "waiting");
	assert.equal(text(await openLink(link, pin)), secret);
	assert.equal(await state(), "opened");

	// Nothing but what was derived has left the browser.
	const fragment = new URL(link).hash.slice(1);
	sentNothingOf(page, fragment, fragment.slice(0, 12), secret, pin);
	assert.equal(sent(page).length, 1);
});

await journey("create: made here, read there, in whole", async (newPage) => {
	const page = await begin(newPage);
	const reader = await newPage({ phone: true });
	const [secret, pin] = ["from here to there ☃", "lösen ord"];

	await page.fill("#text", secret);
	await page.click("summary");
	await page.check("input[value=own]");
	await page.fill("#own", pin);
	const link = await make(page);

	await visit(reader, link);
	await shown(reader, "ready");
	await reader.fill("#pin", pin);
	await reader.click(OPEN);
	await shown(reader, "shown");
	assert.equal(await secretIn(reader), secret);
	await arrived(reader);
	const fragment = new URL(link).hash.slice(1);

	for (const one of [page, reader])
		sentNothingOf(one, fragment, fragment.slice(0, 12), secret,
			pin, pin.slice(0, 5));
	await visit(reader, await page.getAttribute("#receipt", "href"));
	await shown(reader, "secret");
});

await journey("create: a page as a file stays a file", async (newPage) => {
	const page = await begin(newPage);
	const reader = await newPage();
	const content = Buffer.from("<script>alert(1)</script>");

	await page.setInputFiles("#pick", { name: "evil.html",
		mimeType: "text/html", buffer: content });
	const link = await make(page);

	await reader.addInitScript(() => {
		const address = URL.createObjectURL;

		window.types = [];
		URL.createObjectURL = (blob) => {
			window.types.push(blob.type);
			return address.call(URL, blob);
		};
	});
	await visit(reader, link);
	await shown(reader, "ready");
	await reader.click(OPEN);
	await shown(reader, "shown");
	const [download] = await Promise.all([
		reader.waitForEvent("download"), reader.click("#save"),
	]);

	assert.equal(download.suggestedFilename(), "evil.html");
	assert.ok(content.equals(await readFile(await download.path())));
	assert.deepEqual(await reader.evaluate(() => window.types),
		["application/octet-stream"]);
});

await journey("create: own PIN, own time, three views", async (newPage) => {
	const page = await begin(newPage);

	await page.fill("#text", "thrice");
	await page.click("summary");
	await page.check("input[value=own]");
	await page.check("#expiry input[value='']");
	await page.fill("#span", "99y");
	await page.fill("#views", "101");
	await page.click(MAKE);
	assert.equal((await errors(page)).length, 3);
	assert.equal(await focused(page), "span");
	assert.equal(await page.getAttribute("#span", "aria-invalid"), "true");
	await inspect(page, "create-wrong");
	for (const [span, good] of [["", false], ["59s", false], ["31d", false],
		["5", false], ["60s", true], ["30 days", true],
		["1h 30m", true]]) {
		await page.fill("#span", span);
		await page.click(MAKE);
		assert.equal((await errors(page)).length, good ? 2 : 3, span);
	}
	await page.fill("#own", " ");
	for (const views of ["0", "1.5", "", "3"])
		await page.fill("#views", views);
	await page.click(MAKE);
	assert.deepEqual(await errors(page), [en["create.own.wrong"]]);
	await page.fill("#own", " ﬁ ve \u00a0");
	assert.deepEqual(await errors(page), []);
	assert.equal(sent(page).length, 0);
	const link = await make(page);

	assert.equal(await page.textContent("#pin"), "fi ve");
	assert.ok((await page.textContent("#opens")).startsWith("3 times"));
	const facts = await peek(link);

	assert.equal(facts.views_left, 3);
	assert.ok(near(facts.expires_at, 5400), facts.expires_at);
	assert.equal(text(await openLink(link, "fi ve")), "thrice");
	assert.equal((await peek(link)).views_left, 2);
});

await journey("create: nothing written, nothing sent", async (newPage) => {
	const page = await begin(newPage);

	await page.click(MAKE);
	assert.deepEqual(await errors(page), [en["create.text.empty"]]);
	assert.equal(await focused(page), "text");
	await inspect(page, "create-empty");
	await page.type("#text", "a");
	assert.deepEqual(await errors(page), []);
	assert.equal(sent(page).length, 0);
});

await journey("create: a file of 10 MiB, slowly", async (newPage) => {
	const page = await begin(newPage);
	const bytes = noise(10 * 1024 * 1024);

	await page.fill("#text", "kept");
	await page.setInputFiles("#pick", { name: "fort\u202enox\u0000.pdf",
		mimeType: "application/pdf", buffer: bytes });
	assert.equal(await page.textContent("#file-name"), "fortnox.pdf");
	assert.equal(await focused(page), "remove");
	assert.equal(await page.isVisible("#kept"), true);
	await inspect(page, "create-file");
	await page.click("#remove");
	assert.equal(await page.inputValue("#text"), "kept");
	await page.setInputFiles("#pick", { name: "../../fortnox.pdf",
		mimeType: "application/pdf", buffer: bytes });
	await slow(page, 4e6);
	await page.evaluate(() => {
		const bar = document.querySelector("#progress");
		const later = window.setTimeout;

		// However fast it is, it takes long enough to be shown.
		window.setTimeout = (call, ms) => later(call, ms === 500 ? 0 : ms);
		window.seen = [];
		new MutationObserver(() => window.seen.push([
			document.body.dataset.shown,
			document.activeElement.textContent,
			document.querySelector("#phase").textContent,
			bar.position > 0 && bar.position < 1,
		].join())).observe(document.body,
			{ attributes: true, childList: true, subtree: true });
	});
	const link = await make(page);
	const seen = await page.evaluate(() => window.seen);

	assert.ok(seen.includes(["working", en["create.working"],
		en["create.sending"], true].join()), seen.join("\n"));
	for (const phase of ["create.reading", "create.sealing"])
		assert.ok(seen.some((all) => all.includes(en[phase])), phase);
	assert.equal(await page.inputValue("#text"), "");
	const found = await openLink(link);

	assert.deepEqual([found.type, found.name, found.mime],
		["file", "fortnox.pdf", "application/pdf"]);
	assert.ok(bytes.equals(found.data), "byte for byte");
});

await journey("create: called off, then made after all", async (newPage) => {
	const page = await begin(newPage);
	const bytes = noise(3 * 1024 * 1024);

	await page.setInputFiles("#pick", { name: "big.bin",
		mimeType: "", buffer: bytes });
	const hurry = await slow(page, 1e5);
	await page.click(MAKE);
	await shown(page, "working");
	await inspect(page, "create-working");
	await page.click("#cancel");
	await shown(page, "form");
	await focusOnHeading(page);
	assert.equal(await page.textContent("#file-name"), "big.bin");
	assert.equal(await page.isHidden("#failure"), true);
	await hurry();
	assert.ok(bytes.equals((await openLink(await make(page))).data));
});

await journey("create: dropped, and pasted", async (newPage) => {
	const page = await begin(newPage, { clipboard: true });
	const one = [["a.txt", "text/plain", "a"]];

	await handOver(page, "dragover", one);
	assert.equal(await page.evaluate(() =>
		document.documentElement.className), "dropping");
	await handOver(page, "drop", [...one, ["b.txt", "text/plain", "b"]]);
	assert.equal(await page.evaluate(() =>
		document.documentElement.className), "");
	assert.deepEqual(await errors(page), [en["create.file.one"]]);
	await handOver(page, "drop", one);
	assert.deepEqual(await errors(page), []);
	assert.equal(await page.textContent("#file-name"), "a.txt");
	await page.click("#remove");

	// Words with a picture of them are words.
	await handOver(page, "paste", [["x.png", "image/png", "x"]],
		{ "text/plain": "words" });
	assert.equal(await page.isHidden("#file-field"), true);

	// A picture as it comes from a program that makes them; the browser
	// writes it anew when it is pasted.
	await page.evaluate(async () => {
		const canvas = new OffscreenCanvas(40, 30);
		canvas.getContext("2d").fillRect(5, 5, 20, 20);
		await navigator.clipboard.write([new ClipboardItem(
			{ "image/png": await canvas.convertToBlob() })]);
		addEventListener("paste", (event) => {
			window.pasted = event.clipboardData.files[0];
		}, { capture: true });
	});
	await page.focus("#text");
	await page.keyboard.press("Control+V");
	await page.waitForSelector("#file-field:not([hidden])");
	const name = await page.textContent("#file-name");
	const picture = Buffer.from(await page.evaluate(async () =>
		[...new Uint8Array(await window.pasted.arrayBuffer())]));

	assert.match(name, /\.png$/);
	assert.equal(picture.subarray(1, 4).toString(), "PNG");
	const link = await make(page);
	const reader = await newPage();

	await visit(reader, link);
	await shown(reader, "ready");
	await reader.click(OPEN);
	await shown(reader, "shown");
	assert.equal(await reader.textContent("#file-name"), name);
	assert.equal(await reader.textContent("#file-type"), "image/png");
	assert.equal(await reader.locator("main img").count(), 0);
	const [download] = await Promise.all([
		reader.waitForEvent("download"), reader.click("#save"),
	]);

	assert.equal(download.suggestedFilename(), name);
	assert.ok(picture.equals(await readFile(await download.path())),
		"byte for byte");
	// Elsewhere than on the form nothing is taken, and nothing left.
	await handOver(page, "drop", one);
	await shown(page, "result");
});

await journey("create: too large is refused at once", async (newPage) => {
	const page = await begin(newPage);
	const { max_envelope: most } = await (await fetch(
		new URL("api/v2/params", SITE))).json();

	await page.setInputFiles("#pick", { name: "x.iso",
		mimeType: "", buffer: Buffer.alloc(most) });
	assert.match((await errors(page)).join(), /^x\.iso is 10 MB/);
	assert.equal(await page.isHidden("#file-field"), true);
	await inspect(page, "create-too-large");
	await ask("settings", { changes: { max_envelope: "4K" } });
	await visit(page, "");
	await page.fill("#text", "ö".repeat(2049));
	await page.click(MAKE);
	assert.match((await errors(page)).join(), /^This text is 4 kB/);
	assert.equal(await focused(page), "text");
	await page.fill("#text", "ö".repeat(1500));
	assert.deepEqual(await errors(page), []);
	assert.equal(sent(page).length, 0);
	assert.ok(await make(page));
	await ask("settings", { changes: { max_envelope: null } });
});

await journey("create: what cannot be read", async (newPage) => {
	const page = await begin(newPage);

	await page.evaluate(() => {
		const read = FileReader.prototype.readAsArrayBuffer;
		FileReader.prototype.readAsArrayBuffer = function (blob) {
			read.call(this, blob);
			this.abort();
		};
	});
	await page.setInputFiles("#pick", { name: "gone.txt",
		mimeType: "", buffer: Buffer.from("x") });
	await page.click(MAKE);
	await page.waitForSelector("#failure:not([hidden])");
	await focusOnHeading(page);
	assert.equal(await page.textContent("#failure-text"),
		en["create.file.unreadable"]);
	assert.equal(await page.textContent("#file-name"), "gone.txt");
});

await journey("create: without a network, and again", async (newPage) => {
	const page = await begin(newPage);

	await page.fill("#text", "do not lose me");
	await page.context().setOffline(true);
	await page.click(MAKE);
	await page.waitForSelector("#failure:not([hidden])");
	await focusOnHeading(page);
	assert.equal(await page.textContent("#failure-text"),
		en["error.offline"]);
	assert.equal(await page.inputValue("#text"), "do not lose me");
	await inspect(page, "create-failed");
	await page.context().setOffline(false);
	assert.equal(text(await openLink(await make(page))), "do not lose me");
});

await journey("create: a time of one's own, without a network",
	async (newPage) => {
		const page = await begin(newPage);

		await page.context().setOffline(true);
		await page.fill("#text", "x");
		await page.click("summary");
		await page.check("#expiry input[value='']");
		await page.fill("#span", "90m");
		assert.match(await summary(page), / 1 hour 30 minutes /);
		await page.click(MAKE);
		await page.waitForSelector("#failure:not([hidden])");
		assert.deepEqual(await errors(page), []);
		await page.context().setOffline(false);
		assert.ok(near((await peek(await make(page))).expires_at, 5400));
	});

await journey("create: an answer that was lost", async (newPage) => {
	const page = await begin(newPage);

	await page.fill("#text", "once only");
	await page.route("**/api/v2/secrets", async (route) => {
		assert.equal((await route.fetch()).status(), 201);
		await route.abort();
	}, { times: 1 });
	await page.click(MAKE);
	await page.waitForSelector("#failure:not([hidden])");
	const link = await make(page);
	const [first, second] = sent(page);

	assert.ok(first.body.equals(second.body), "the same secret again");
	assert.equal(text(await openLink(link)), "once only");

	// What was changed in between is another secret.
	await page.click("#another");
	await page.fill("#text", "two");
	await page.route("**/api/v2/secrets", (route) => route.abort(),
		{ times: 1 });
	await page.click(MAKE);
	await page.waitForSelector("#failure:not([hidden])");
	await page.fill("#text", "three");
	assert.equal(text(await openLink(await make(page))), "three");
});

await journey("create: the server is away, busy, full", async (newPage) => {
	const page = await begin(newPage);
	const refused = async () => {
		await page.waitForFunction(() => document.activeElement
			.closest("#failure") !== null);
		return page.textContent("#failure-text");
	};

	await page.fill("#text", "patience");
	await ask("stop");
	await page.click(MAKE);
	assert.match(await refused(), new RegExp("^" +
		en["error.busy"].slice(0, 18)));
	await ask("settings", { changes: { max_store: "11M" } });
	await page.setInputFiles("#pick", { name: "big.bin",
		mimeType: "", buffer: noise(10 * 1024 * 1024) });
	await page.click(MAKE);
	assert.equal(await refused(), en["error.full"]);
	await ask("settings", { changes: { create: "keys" } });
	await page.click(MAKE);
	assert.equal(await refused(), en["error.forbidden"]);
	await ask("settings", { changes: { create: null, max_store: null } });
	await page.route("**/api/v2/secrets", (route) => route.fulfill({
		status: 200, contentType: "text/html",
		body: "<h1>Sign in to the network of this hotel</h1>",
	}), { times: 1 });
	await page.click(MAKE);
	assert.equal(await refused(), en["error.not-ours"]);
	await make(page);
});

await journey("create: not here, not now", async (newPage) => {
	const page = await newPage();

	await ask("settings", { changes: { create: "keys" } });
	await visit(page, "");
	await shown(page, "closed");
	await inspect(page, "create-closed");
	await ask("settings", { changes: { create: null,
		faces: "safesecrets" } });
	await visit(page, "");
	await shown(page, "closed");
	await ask("stop");
	await visit(page, "");
	await shown(page, "unavailable");
	await inspect(page, "create-unavailable");
	await ask("settings", { changes: { faces: null } });
	await page.click("#again");
	await shown(page, "form");
});

await journey("create: the limits of the site", async (newPage) => {
	const page = await newPage();

	await ask("settings", { changes: { max_expire: "3d",
		default_views: "2", pin_size: "8" } });
	await visit(page, "");
	await shown(page, "form");
	assert.match(await summary(page), /^Opens 2 times .* 3 days /);
	await page.click("summary");
	assert.deepEqual(await page.$$eval("#expiry input", (all) =>
		all.map((one) => one.value)), ["3600", "86400", "259200", ""]);
	await page.check("input[value=made]");
	await page.fill("#text", "x");
	await make(page);
	assert.match(await page.textContent("#pin"), /^[0-9]{8}$/);
	await ask("settings", { changes: { max_expire: null,
		default_views: null, pin_size: null } });
});

await journey("result: the QR code is the link", async (newPage) => {
	const page = await begin(newPage, { dark: true });
	const canvas = await newPage();

	await page.fill("#text", "x");
	const link = await make(page);
	const vendored = () => page.requests.filter(({ url }) =>
		url.includes("/vendor/")).length;

	assert.equal(vendored(), 0);
	await page.click("#show-code");
	const picture = await page.waitForSelector("#code-field svg");
	assert.equal(vendored(), 1);
	assert.equal(await page.getAttribute("#show-code", "aria-expanded"),
		"true");
	const png = await picture.screenshot();
	const { width, height, data } = await canvas.evaluate(async (url) => {
		const image = await createImageBitmap(
			await (await fetch(url)).blob());
		const drawing = new OffscreenCanvas(image.width, image.height)
			.getContext("2d");
		drawing.drawImage(image, 0, 0);
		return { width: image.width, height: image.height,
			data: [...drawing.getImageData(0, 0, image.width,
				image.height).data] };
	}, "data:image/png;base64," + png.toString("base64"));

	assert.equal(jsQR(Uint8ClampedArray.from(data), width, height)?.data,
		link);
	await page.click("#show-code");
	assert.equal(await page.isHidden("#code-field"), true);
	// Without a network it says so, and the rest stays.
	await page.click("#another");
	await page.fill("#text", "y");
	await make(page);
	assert.equal(await page.isHidden("#code-field"), true);
});

await journey("result: no QR code without a network", async (newPage) => {
	const page = await begin(newPage, { quiet: /code|api/ });

	await page.fill("#text", "x");
	const link = await make(page);
	await page.context().setOffline(true);
	await page.click("#show-code");
	await page.waitForFunction(() =>
		document.querySelector("#code-error").textContent !== "");
	assert.equal(await page.textContent("#link"), link);
	await inspect(page, "result-no-code");
});

await journey("result: where nothing can be copied", async (newPage) => {
	const page = await newPage();

	await page.addInitScript(() => {
		window.refused = () => Promise.reject(new DOMException());
		Object.defineProperty(navigator, "clipboard", { get: () =>
			window.none ? undefined : { writeText: window.refused },
		});
	});
	await visit(page, "");
	await page.fill("#text", "x");
	await make(page);
	for (const [id, none] of [["link", false], ["receipt", true]]) {
		await page.evaluate((value) => {
			window.none = value;
		}, none);
		await page.click("#copy-" + id);
		await page.waitForFunction(([button, word]) =>
			document.querySelector(button).textContent === word,
		["#copy-" + id, en["common.copy.failed"]]);
	}
});

await journey("result: shared by the device's own sheet", async (newPage) => {
	const page = await newPage({ phone: true });

	await page.addInitScript(() => {
		window.shared = [];
		navigator.canShare = (data) => "url" in data;
		navigator.share = async (data) => {
			window.shared.push(data);
			throw new DOMException("closed", "AbortError");
		};
	});
	await visit(page, "");
	await page.fill("#text", "x");
	const link = await make(page);

	await page.click("#share");
	assert.deepEqual(await page.evaluate(() => window.shared),
		[{ url: link }]);
	const plain = await begin(newPage);
	await plain.evaluate(() => {
		navigator.canShare = undefined;
	});
	await plain.fill("#text", "x");
	await make(plain);
	assert.equal(await plain.isHidden("#share"), true);
});

await journey("result: make another, nothing of the first", async (newPage) => {
	const page = await begin(newPage);

	await page.fill("#text", "the first");
	await page.click("summary");
	await page.check("input[value=made]");
	const first = await make(page);

	const { id } = await deriveKeys(
		await parseFragment(new URL(first).hash), null);
	assert.deepEqual(await kept(page),
		{ [keptName("made", toBase64url(id))]: "1" });
	await keptNothingOf(page, id, "the first", new URL(first).hash.slice(1),
		await page.textContent("#pin"),
		new URL(await page.getAttribute("#receipt", "href"))
			.hash.slice(1));
	await page.click("#another");
	await shown(page, "form");
	await focusOnHeading(page);
	const left = await page.content();

	assert.ok(!left.includes(new URL(first).hash), "the link");
	assert.ok(!left.includes("/receipt/#"), "the receipt");
	assert.equal(await page.textContent("#pin"), "");
	assert.equal(await page.inputValue("#text"), "");
	assert.ok((await summary(page)).includes(en["create.summary.pin.none"]));
	await page.fill("#text", "the second");
	const second = await make(page);

	assert.notEqual(first, second);
	assert.equal(await page.isHidden("#pin-card"), true);
	assert.equal(await page.textContent("#pin"), "");

	// Whoever opens it in this tab is told first, and another is not.
	await visit(page, second);
	await shown(page, "ready");
	assert.equal(await page.isVisible("#ready-own"), true);
	const reader = await newPage();
	await visit(reader, second);
	await shown(reader, "ready");
	assert.equal(await reader.isVisible("#ready-own"), false);
	assert.equal(text(await openLink(second)), "the second");
});

await journey("create: på svenska, på telefon", async (newPage) => {
	const page = await begin(newPage,
		{ phone: true, language: "sv-SE", dark: true });
	const sv = words("sv", "create");

	assert.equal(await page.textContent("h1:visible"), sv["create.title"]);
	assert.match(await summary(page), /^Öppnas en gång .* 7 dygn /);
	await page.fill("#text", "blåbär");
	await page.click("summary");
	await page.check("input[value=made]");
	// The language changes, what was written does not.
	await page.click("[data-languages] button");
	await page.waitForFunction((title) => document.querySelector(
		"[data-state=form] h1").textContent === title, en["create.title"]);
	assert.match(await summary(page), /^Opens once .* 7 days /);
	assert.equal(await page.inputValue("#text"), "blåbär");
	await page.click("[data-languages] button");
	const link = await make(page);

	assert.equal(await page.textContent("h1:visible"), sv["result.title"]);
	await inspect(page, "result-sv");
	assert.equal(text(await openLink(link,
		await page.textContent("#pin"))), "blåbär");
});

await journey("create: where nothing may be stored", async (newPage) => {
	const page = await newPage();

	await page.addInitScript(() => {
		for (const name of ["localStorage", "sessionStorage"])
			Object.defineProperty(window, name, { get() {
				throw new DOMException("no", "SecurityError");
			} });
	});
	await visit(page, "");
	await page.fill("#text", "x");
	await make(page);
});

await journey("create: an older link is taken to its page", async (newPage) => {
	const page = await newPage();

	for (const added of ["", "&fbclid=x"]) {
		const query = "?4iAq1hCCYVuNUtYCV7Hkc0" + added;

		await page.goto(SITE + query + "#RklHS0VPVElS");
		await page.waitForURL(/\/read\//);
		assert.ok(page.requests.some(({ url }) =>
			url === SITE + "read/" + query), query);
	}
});

await finish();
