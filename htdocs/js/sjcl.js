// SPDX-License-Identifier: ISC
//
// What clients of password.link seal with SJCL 1.0.8 (PBKDF2, AES-256-GCM, one
// JSON object in base64), sealed and opened by WebCrypto;
// tests/vectors/sjcl.json.  Runs in Node.js too.

import { fromBase64 } from "./base64.js";
import { SealError, gcmKey, join, material, random, toBase64 }
	from "./seal.js";

const ROUNDS = 10000;

// A second or two of a reader's time: whoever seals may ask for no more.
// password.link's clients ask for 10,000.
const ROUNDS_MAX = 1000000;
const IV_BYTES = 16;
const SALT_BYTES = 8;
const TAG_BITS = 128;
const TAGS = [64, 96, 128];
const HALF_LETTERS = 18;
const LETTERS =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const encoder = new TextEncoder();

// One half of a password: 107 bits, in letters that its base64 and a link can
// have as they are.
function half() {
	let text = "";

	while (text.length < HALF_LETTERS) {
		const [byte] = random(1);
		if (byte < 4 * LETTERS.length)
			text += LETTERS[byte % LETTERS.length];
	}
	return toBase64(encoder.encode(text));
}

// {privatePart, publicPart} of a new password, as the server and a link have
// them.
export function newPasswordParts() {
	return { privatePart: half(), publicPart: half() };
}

// The password (bytes) of its halves; null when one of them is not base64.
export function passwordFromParts(privatePart, publicPart) {
	const parts = [fromBase64(privatePart), fromBase64(publicPart)];

	return parts.includes(null) ? null : join(...parts);
}

async function deriveKey(password, salt, iterations) {
	return gcmKey(await material(typeof password === "string" ?
	    encoder.encode(password) : password, "PBKDF2"),
	    { name: "PBKDF2", hash: "SHA-256", salt, iterations });
}

function readObject(ciphertext) {
	const bytes = fromBase64(ciphertext);
	let object;

	try {
		object = JSON.parse(new TextDecoder().decode(bytes));
	} catch {
		throw new SealError("form");
	}
	const { iv, salt, ct, adata = "" } = object ?? {};
	const { mode, ks, ts = 64, iter = ROUNDS, cipher = "aes" } =
	    object ?? {};
	const binary = [iv, salt, ct, adata].map((text) =>
	    typeof text === "string" ? fromBase64(text) : null);
	if (binary.includes(null) || binary[0].length === 0 ||
	    mode !== "gcm" || cipher !== "aes" || ks !== 256 ||
	    !TAGS.includes(ts) || !Number.isInteger(iter) || iter < 1 ||
	    iter > ROUNDS_MAX)
		throw new SealError("form");
	return {
		iv: binary[0], salt: binary[1], ct: binary[2],
		additionalData: binary[3], tagLength: ts, iter,
	};
}

// The bytes in base64 of an SJCL object; password is text or bytes.  Throws
// SealError.
export async function sjclOpen(ciphertext, password) {
	const { iv, salt, ct, additionalData, tagLength, iter } =
	    readObject(ciphertext);
	const key = await deriveKey(password, salt, iter);

	try {
		return new Uint8Array(await crypto.subtle.decrypt(
		    { name: "AES-GCM", iv, tagLength, additionalData },
		    key, ct));
	} catch {
		throw new SealError("authentication");
	}
}

function writeObject(iv, salt, ct) {
	return JSON.stringify({
		iv: toBase64(iv), v: 1, iter: ROUNDS, ks: 256, ts: TAG_BITS,
		mode: "gcm", adata: "", cipher: "aes", salt: toBase64(salt),
		ct,
	});
}

// How large the object of so many bytes gets; servers limit that.
export function sjclSize(size) {
	return writeObject(new Uint8Array(IV_BYTES), new Uint8Array(SALT_BYTES),
	    "").length + Math.ceil((size + TAG_BITS / 8) / 3) * 4;
}

// data (bytes) as SJCL seals it: base64 of its object.
export async function sjclSeal(data, password) {
	const iv = random(IV_BYTES), salt = random(SALT_BYTES);
	const key = await deriveKey(password, salt, ROUNDS);
	const ct = new Uint8Array(await crypto.subtle.encrypt(
	    { name: "AES-GCM", iv, tagLength: TAG_BITS }, key, data));

	return toBase64(encoder.encode(writeObject(iv, salt, toBase64(ct))));
}
