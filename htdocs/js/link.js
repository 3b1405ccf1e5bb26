// SPDX-License-Identifier: ISC
//
// What an address says: which of the links of all interfaces it is, and what
// of it goes where.  Looks at addresses, changes none, asks nobody.

import { fromBase64, fromBase64url } from "./base64.js";
import { linkFragment, receiptFragment } from "./seal.js";

const DIGITS =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ID_LETTERS = 22;
const PART_LETTERS = 18;

// A fragment without what mail programs, editors and people add to it.
export function repair(text) {
	let before, after = text;

	try {
		after = decodeURIComponent(text);
	} catch {
		// A single % is not ours to judge.
	}
	do {
		before = after;
		after = before.replace(/^[\s"'<>“”„‘’‚«»‹›#]+/, "")
		    .replace(/[\s"'<>“”„‘’‚«»‹›.,]+$/, "");
	} while (after !== before);
	return after;
}

async function parse(text, write) {
	const fragment = repair(text);
	const bytes = fromBase64url(fragment);

	if (bytes === null || bytes.length !== 18)
		return null;
	const found = bytes.slice(0, 16);
	return await write(found) === fragment ? found : null;
}

// Promise the key, or the receipt, of a fragment, with # or without; null when
// it is damaged.
export function parseFragment(text) {
	return parse(text, linkFragment);
}

export function parseReceipt(text) {
	return parse(text, receiptFragment);
}

function toHex(bytes) {
	return Array.from(bytes,
	    (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function fromHex(text) {
	return Uint8Array.from(text.match(/../g), (two) => parseInt(two, 16));
}

// The 16 bytes of an id of password.link; null when it is none.
export function fromBase62(text) {
	let number = 0n;

	if (text.length !== ID_LETTERS || !/^[0-9A-Za-z]*$/.test(text))
		return null;
	for (const letter of text)
		number = number * 62n + BigInt(DIGITS.indexOf(letter));
	return number >> 128n ? null :
	    fromHex(number.toString(16).padStart(32, "0"));
}

// 16 bytes as password.link writes an id.
export function toBase62(bytes) {
	let number = BigInt("0x" + toHex(bytes)), text = "";

	while (text.length < ID_LETTERS) {
		text = DIGITS[Number(number % 62n)] + text;
		number /= 62n;
	}
	return text;
}

// SafeSecrets writes tokens as a UUID, One Time Secret as 32 digits.
function fromToken(text) {
	const plain = text.replace(
	    /^(.{8})-(.{4})-(.{4})-(.{4})-(.{12})$/, "$1$2$3$4$5");

	return /^[0-9A-Fa-f]{32}$/.test(plain) ? fromHex(plain) : null;
}

// Does it hold the half of a password that links hold?
function isSound(part) {
	const bytes = fromBase64(part);

	if (bytes === null)
		return false;
	try {
		return [...new TextDecoder("utf-8", { fatal: true })
		    .decode(bytes)].length === PART_LETTERS;
	} catch {
		return false;
	}
}

const DAMAGED = { form: "damaged" };
const NONE = { form: "none" };

// Promises what the address of a page is:
//	{form: "own", key}                              16 bytes
//	{form: "passwordlink", id, part, partIsSound}   part: base64, or null
//	{form: "text", id}                              SafeSecrets' and others'
//	{form: "damaged"}
//	{form: "none"}
export async function readLink({ search, hash }) {
	const query = search.replace(/^\?/, "");
	const fragment = repair(hash);
	// Programs that count clicks add members of their own behind an id.
	const id = fromBase62(repair(query.replace(/=?(?:&.*)?$/, "")));

	if (id !== null)
		return {
			form: "passwordlink", id, part: fragment || null,
			partIsSound: isSound(fragment),
		};
	if (fragment === "")
		return query === "" ? NONE : DAMAGED;
	if (fragment.startsWith("m=")) {
		const token = fromToken(repair(fragment.slice(2)));
		return token === null ? DAMAGED : { form: "text", id: token };
	}
	const key = await parseFragment(fragment);
	return key === null ? DAMAGED : { form: "own", key };
}

// Promises the same of what somebody pasted: a whole link of any kind, or the
// part of it after the #.
export async function readPasted(text) {
	const plain = repair(text);
	let url;

	try {
		url = new URL(plain);
	} catch {
		return readLink({ search: "", hash: plain });
	}
	// The older forms as they were handed out: an id or a key in the path.
	const last = url.pathname.replace(/\/$/, "").replace(/^.*\//, "");
	if (url.search === "" && fromBase62(last) !== null)
		return readLink({ search: last, hash: url.hash });
	if (url.hash === "" && /\/message\/[^/]*\/?$/.test(url.pathname))
		return readLink({ search: "", hash: "m=" + last });
	return url.hash === "" && url.search === "" ? DAMAGED : readLink(url);
}

// {form: "request", id} (16 bytes), damaged or none: what /request/ is asked
// to fill in.
export function requestLink({ hash }) {
	const text = repair(hash);
	const id = text.includes("-") ? fromToken(text) : null;

	if (text === "")
		return NONE;
	return id === null ? DAMAGED : { form: "request", id };
}

// A link as clients of password.link build it.  base is where the site is,
// with a slash at its end; publicPart is base64.
export function olderLink(base, id, publicPart) {
	return new URL("?" + toBase62(id) + "#" + publicPart, base).href;
}
