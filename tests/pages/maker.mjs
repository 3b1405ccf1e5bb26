// SPDX-License-Identifier: ISC
//
// Secrets of every kind for the journeys of those who read them, made without
// any page: our own with seal.js in Node.js, password.link's with SJCL.

import assert from "node:assert/strict";
import { createHash, randomBytes, webcrypto } from "node:crypto";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { SITE, ask, library } from "./browser.mjs";

globalThis.crypto ??= webcrypto;

const script = (name) => import(pathToFileURL(
	join(process.env.ONCELINK_PAGES, "js", name)));
const { deriveKeys, linkFragment, newLinkKey, normalisePin, receiptFragment,
	seal, toBase64url } = await script("seal.js");
const sjcl = library("sjcl");

// Of the pages' own modules, for who wants to compare.
export { linkFragment, toBase64url };

// Where the sender looks at a receipt (base64url).
export async function receiptPath(receipt) {
	return "receipt/#" + await receiptFragment(
		new Uint8Array(Buffer.from(receipt, "base64url")));
}

// A call of our own interface: its status and what it says.
export async function call(name, members) {
	const answer = await fetch(new URL("api/v2/" + name, SITE), {
		method: "POST",
		headers: { "Content-Type": "application/json" },
		body: JSON.stringify(members),
	});
	const text = await answer.text();

	return { status: answer.status, body: text,
		...(text.startsWith("{") ? JSON.parse(text) : {}) };
}

// Put an envelope there under the id and the gate of these keys.
export async function put(keys, envelope, members = {}) {
	const receipt = toBase64url(randomBytes(16));
	const head = {
		id: toBase64url(keys.id), receipt, expires_in: 3600, ...members,
	};

	if (keys.gate !== null)
		head.gate = toBase64url(keys.gate);
	const answer = await fetch(new URL("api/v2/secrets", SITE), {
		method: "POST",
		headers: { "Content-Type": "application/vnd.oncelink.frame" },
		body: Buffer.concat([
			Buffer.from(JSON.stringify(head) + "\n"), envelope,
		]),
	});
	assert.equal(answer.status, 201, await answer.text());
	return { id: head.id, receipt };
}

// A secret of our own.  data: text or bytes.  pin, header, and the members of
// a create.  {path, fragment, key, id, receipt, text}
export async function make(data, { pin = null, header = { type: "text" },
	key = null, ...members } = {}) {
	const link = key ?? await newLinkKey();
	const keys = await deriveKeys(link,
		pin === null ? null : normalisePin(pin));
	const envelope = await seal(keys.content, header, Buffer.from(data));
	const fragment = await linkFragment(link);

	return { path: "read/#" + fragment, fragment, key: link, pin,
		text: String(data), ...await put(keys, envelope, members) };
}

const LETTERS =
	"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const half = () => Array.from(randomBytes(18),
	(byte) => LETTERS[byte % LETTERS.length]).join("");

const toBase64 = (text) => Buffer.from(text).toString("base64");

// A secret of password.link's kind, sealed by SJCL.  members: of its interface.
// {id, part}: what links are made of
export async function older(text, { attachment = null, ...members } = {}) {
	const [privateHalf, publicHalf] = [half(), half()];
	const sealed = (data) => toBase64(sjcl.encrypt(
		privateHalf + publicHalf, data,
		{ mode: "gcm", ks: 256, iter: 10000 }));
	const answer = await ask("passwordlink", { path: "secrets", members: {
		ciphertext: sealed(text),
		password_part_private: toBase64(privateHalf),
		...(attachment && {
			attachment_name: sealed(attachment.name),
			attachment_ciphertext: sealed(
				sjcl.codec.base64.toBits(Buffer.from(
					attachment.data).toString("base64"))),
		}),
		...members,
	} });

	assert.ok(answer.data, JSON.stringify(answer));
	return { id: answer.data.id, part: toBase64(publicHalf), text };
}

// Where a reader begins.

export const OPEN = "#ready-open";

export const secretIn = (page) => page.locator("#secret").textContent();

// What a page sent to a call, oldest first.
export const sent = (page, name) => page.requests
	.filter(({ url }) => new URL(url).pathname.endsWith("/api/v2/" + name))
	.map(({ body }) => JSON.parse(body.toString()));

// Wait until the server was told that it has arrived, and the address knows
// nothing any more.
export const arrived = (page) => page.waitForFunction(() =>
	location.hash === "" && location.search === "");

// Texts or bytes in any form that they could have.
const forms = (texts) => texts.flatMap((text) => [text, toBase64(text),
	toBase64url(Buffer.from(text)), Buffer.from(text).toString("hex"),
	...(typeof text === "string" ? [encodeURIComponent(text)] : [])]);

// What has been sent holds none of these.
export function sentNothingOf(page, ...texts) {
	for (const { method, url, headers, body } of page.requests) {
		const all = Buffer.concat([
			Buffer.from(method + url + JSON.stringify(headers)),
			body ?? Buffer.alloc(0),
		]);
		for (const form of forms(texts))
			assert.ok(!all.includes(form),
				`${form} in ${method} ${url}`);
	}
}

// Nor does what the browser keeps beyond the page.
export async function keptNothingOf(page, ...texts) {
	const all = Buffer.from(await page.evaluate(() =>
		JSON.stringify({ ...sessionStorage }) +
		JSON.stringify({ ...localStorage }) + document.cookie));

	for (const form of forms(texts))
		assert.ok(!all.includes(form), `${form} in ${all}`);
}

// The name of what is kept about a secret (its id in base64url).
export const keptName = (what, id) => what + "." + createHash("sha256")
	.update("oncelink/v2 kept").update(Buffer.from(id, "base64url"))
	.digest("base64url");

export const kept = (page) => page.evaluate(() => ({ ...sessionStorage }));
