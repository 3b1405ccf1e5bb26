// SPDX-License-Identifier: ISC
//
// How a link, a PIN and a secret become what the server sees, and how they come
// back, by WebCrypto alone; tests/vectors/envelope-v2.json.  Runs in Node.js
// too.  sjcl.js has the same for older links.

const VERSION = 2;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const BLOCK_BYTES = 512;
const HEADER_MAX = 4096;
const PIN_MAX = 128;		// code points
const PIN_ROUNDS = 600000;
const NAME_MAX = 200;		// bytes

const encoder = new TextEncoder();
const NOTHING = new Uint8Array(0);

// What cannot be opened or sealed.  reason: "version", "length", "header",
// "type", "padding", "authentication"; in sjcl.js "form" and "authentication".
export class SealError extends Error {
	constructor(reason) {
		super("cannot be opened: " + reason);
		this.name = "SealError";
		this.reason = reason;
	}
}

// Bytes and text

export function join(...parts) {
	const whole = new Uint8Array(
	    parts.reduce((sum, part) => sum + part.length, 0));
	let at = 0;

	for (const part of parts) {
		whole.set(part, at);
		at += part.length;
	}
	return whole;
}

export function toBase64(bytes) {
	const pieces = [];

	for (let at = 0; at < bytes.length; at += 0x8000)
		pieces.push(String.fromCharCode.apply(null,
		    bytes.subarray(at, at + 0x8000)));
	return btoa(pieces.join(""));
}

export function toBase64url(bytes) {
	return toBase64(bytes).replace(/\+/g, "-").replace(/\//g, "_")
	    .replace(/=/g, "");
}

export function random(size) {
	return crypto.getRandomValues(new Uint8Array(size));
}

// Links

async function digest(bytes, label) {
	return new Uint8Array(await crypto.subtle.digest("SHA-256",
	    join(encoder.encode("oncelink/v2 " + label), bytes)));
}

async function checked(bytes, label) {
	const sum = await digest(bytes, label);

	return toBase64url(join(bytes, sum.subarray(0, 2)));
}

const LINK = "link";
const RECEIPT = "receipt";

// What stands after the # of a link, 24 letters.
export const linkFragment = (key) => checked(key, LINK);

export const receiptFragment = (receipt) => checked(receipt, RECEIPT);

// Programs that find links in text cut or eat `-` and `_` at the ends, and
// two of them side by side.
async function newChecked(label) {
	for (;;) {
		const bytes = random(16);
		const text = await checked(bytes, label);
		if (!/^[-_]|[-_]$|[-_][-_]/.test(text))
			return bytes;
	}
}

// Promise 16 bytes.
export const newLinkKey = () => newChecked(LINK);

export const newReceipt = () => newChecked(RECEIPT);

// Derivation

// Everybody's form of a PIN; null when it is no PIN.
export function normalisePin(text) {
	const pin = text.normalize("NFKC")
	    .replace(/^\p{White_Space}+|\p{White_Space}+$/gu, "");
	const length = [...pin].length;

	return length >= 1 && length <= PIN_MAX && !/\p{Surrogate}/u.test(pin) ?
	    pin : null;
}

function hkdf(info) {
	return {
		name: "HKDF", hash: "SHA-256", salt: NOTHING,
		info: encoder.encode("oncelink/v2 " + info),
	};
}

export function material(bytes, name) {
	return crypto.subtle.importKey("raw", bytes, name, false,
	    ["deriveBits", "deriveKey"]);
}

async function bits(key, parameters, bytes) {
	return new Uint8Array(
	    await crypto.subtle.deriveBits(parameters, key, bytes * 8));
}

export function gcmKey(key, parameters) {
	return crypto.subtle.deriveKey(parameters, key,
	    { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

// The server's name of a secret, 16 bytes: no PIN is needed for it.
export async function deriveId(key) {
	return bits(await material(key, "HKDF"), hkdf("id"), 16);
}

// Under which name a tab keeps something about a secret, of which nobody learns
// the id by that; reading.js says what.
export async function keptName(what, id) {
	return what + "." + toBase64url(await digest(id, "kept"));
}

// {id, gate, content}: what the server is told, 16 and 32 bytes (gate is null
// without a PIN), and the key that it never sees.  pin is what normalisePin
// gave, or null; it takes about as long as 600,000 rounds of PBKDF2 take.
export async function deriveKeys(key, pin) {
	const alone = await material(key, "HKDF");
	const id = await bits(alone, hkdf("id"), 16);

	if (pin === null)
		return {
			id, gate: null,
			content: await gcmKey(alone, hkdf("content")),
		};
	const salt = await bits(alone, hkdf("pin salt"), 16);
	const stretched = await bits(
	    await material(encoder.encode(pin), "PBKDF2"),
	    { name: "PBKDF2", hash: "SHA-256", salt, iterations: PIN_ROUNDS },
	    32);
	const whole = join(key, stretched);
	const both = await material(whole, "HKDF");
	stretched.fill(0);
	whole.fill(0);
	return {
		id, gate: await bits(both, hkdf("gate"), 32),
		content: await gcmKey(both, hkdf("content")),
	};
}

// Envelopes

function gcm(nonce) {
	return {
		name: "AES-GCM", iv: nonce, tagLength: TAG_BYTES * 8,
		additionalData: encoder.encode("oncelink/v2"),
	};
}

// How large an envelope gets for a header and so many bytes.
export function sealedSize(header, size) {
	const inside = 8 + encoder.encode(JSON.stringify(header)).length + size;

	return 1 + NONCE_BYTES + TAG_BYTES +
	    Math.ceil(inside / BLOCK_BYTES) * BLOCK_BYTES;
}

// The envelope of data (bytes) under what deriveKeys calls content.  header is
// {type: "text"} or {type: "file", name, mime}.
export async function seal(content, header, data) {
	const head = encoder.encode(JSON.stringify(header));

	if (head.length > HEADER_MAX)
		throw new SealError("header");
	const padded = new Uint8Array(sealedSize(header, data.length) -
	    1 - NONCE_BYTES - TAG_BYTES);
	const view = new DataView(padded.buffer);
	view.setUint32(0, head.length);
	view.setUint32(4, data.length);
	padded.set(head, 8);
	padded.set(data, 8 + head.length);
	const nonce = random(NONCE_BYTES);
	const sealed = await crypto.subtle.encrypt(gcm(nonce), content, padded);
	padded.fill(0);
	return join([VERSION], nonce, new Uint8Array(sealed));
}

function readHeader(bytes) {
	let header;

	try {
		header = JSON.parse(
		    new TextDecoder("utf-8", { fatal: true }).decode(bytes));
	} catch {
		throw new SealError("header");
	}
	if (typeof header !== "object" || header === null ||
	    Array.isArray(header))
		throw new SealError("header");
	if (header.type !== "text" && header.type !== "file")
		throw new SealError("type");
	return header;
}

// {type, name, mime, data} of an envelope (bytes); name and mime, which are
// the sender's words, are null for text.  Throws SealError.
export async function open(content, envelope) {
	let padded;

	if (envelope.length < 1 || envelope[0] !== VERSION)
		throw new SealError("version");
	const size = envelope.length - 1 - NONCE_BYTES - TAG_BYTES;
	if (size < BLOCK_BYTES || size % BLOCK_BYTES !== 0)
		throw new SealError("length");
	const nonce = envelope.subarray(1, 1 + NONCE_BYTES);
	try {
		padded = new Uint8Array(await crypto.subtle.decrypt(gcm(nonce),
		    content, envelope.subarray(1 + NONCE_BYTES)));
	} catch {
		throw new SealError("authentication");
	}
	const view = new DataView(padded.buffer);
	const start = 8 + view.getUint32(0);
	const end = start + view.getUint32(4);
	if (start - 8 > HEADER_MAX)
		throw new SealError("header");
	if (end > size)
		throw new SealError("length");
	if (size - end >= BLOCK_BYTES ||
	    padded.subarray(end).some((byte) => byte !== 0))
		throw new SealError("padding");
	const header = readHeader(padded.subarray(8, start));
	const word = (text) => typeof text === "string" ? text : "";
	const file = header.type === "file";
	return {
		type: header.type,
		name: file ? word(header.name) : null,
		mime: file ? word(header.mime) : null,
		data: padded.subarray(end - view.getUint32(4), end),
	};
}

// The longest beginning of text that has no more than so many bytes.
function cut(text, most) {
	let size = 0, kept = "";

	for (const letter of text) {
		size += encoder.encode(letter).length;
		if (size > most)
			break;
		kept += letter;
	}
	return kept;
}

// A sender's name of a file as it may be shown and saved: its last part, with
// nothing in it that hides or turns what it says.
export function safeFileName(name) {
	const plain = name
	    .replace(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\p{Surrogate}]/gu, "")
	    .replace(/^.*[/\\]/, "").replace(/^[.\p{White_Space}]+/u, "")
	    .replace(/\p{White_Space}+$/u, "");
	const ending = /\.[A-Za-z0-9]{1,16}$/.exec(plain)?.[0] ?? "";

	return cut(plain.slice(0, plain.length - ending.length),
	    NAME_MAX - ending.length) + ending || "file";
}
