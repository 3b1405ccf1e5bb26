// SPDX-License-Identifier: ISC
//
// htdocs/js/seal.js against the test vectors, against other code that does
// the same (Node's own), and against itself.
//
//	node seal.mjs DIRECTORY-OF-JS DIRECTORY-OF-VECTORS

import assert from "node:assert/strict";
import nodeCrypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";
import { pathToFileURL } from "node:url";

globalThis.crypto ??= nodeCrypto.webcrypto;

const [scripts, vectorsAt] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(path.join(scripts, name)));
const seal = await load("seal.js");
const { fromBase64, fromBase64url } = await load("base64.js");
const { parseFragment } = await load("link.js");

const vectors = JSON.parse(
    fs.readFileSync(path.join(vectorsAt, "envelope-v2.json")));
const bytes = (text) => new TextEncoder().encode(text);
const hex = (data) => Buffer.from(data).toString("hex");

async function keysOf(fragment, pin) {
	return seal.deriveKeys(await parseFragment(fragment), pin);
}

function refuses(reason, promise) {
	return assert.rejects(promise, (error) => {
		assert.ok(error instanceof seal.SealError, error);
		assert.equal(error.reason, reason);
		return true;
	});
}

for (const vector of vectors.valid) {
	test("opens: " + vector.name, async () => {
		const key = await parseFragment(vector.link_fragment);
		const pin = vector.pin === null ? null :
		    seal.normalisePin(vector.pin);
		const keys = await seal.deriveKeys(key, pin);
		const opened = await seal.open(keys.content,
		    fromBase64(vector.envelope_base64));
		const gate = keys.gate && seal.toBase64url(keys.gate);

		assert.equal(hex(key), vector.link_key_hex);
		assert.equal(await seal.linkFragment(key), vector.link_fragment);
		assert.equal(pin, vector.pin_normalised);
		assert.equal(seal.toBase64url(keys.id), vector.id);
		assert.deepEqual(await seal.deriveId(key), keys.id);
		assert.equal(gate, vector.gate);
		assert.equal(opened.type, vector.header.type);
		assert.equal(opened.name, vector.header.name ?? null);
		assert.equal(opened.mime, vector.header.mime ?? null);
		assert.equal(seal.toBase64(opened.data), vector.data_base64);
		assert.equal(keys.content.extractable, false);
	});
}

const REASONS = {
	"version 3": "version",
	"one bit of the tag": "authentication",
	"one bit of the nonce": "authentication",
	"padding not zero": "padding",
	"a whole block too much padding": "padding",
	"data length beyond the text": "length",
	"header length beyond the text": "header",
	"header not an object": "header",
	"unknown type": "type",
	"header over 4096 bytes": "header",
	"not a multiple of 512": "length",
};
test("every refusal of the vectors has its reason here", () => {
	assert.deepEqual(Object.keys(REASONS).sort(),
	    vectors.refused.map((vector) => vector.name).sort());
});
for (const vector of vectors.refused) {
	test("refuses: " + vector.name, async () => {
		const keys = await keysOf(vector.link_fragment, null);

		assert.equal(seal.toBase64url(keys.id), vector.id);
		await refuses(REASONS[vector.name], seal.open(keys.content,
		    fromBase64(vector.envelope_base64)));
	});
}

test("an envelope cut anywhere is refused, and so is none", async () => {
	const [vector] = vectors.valid;
	const { content } = await keysOf(vector.link_fragment, null);
	const envelope = fromBase64(vector.envelope_base64);

	await refuses("version", seal.open(content, new Uint8Array(0)));
	for (let size = 1; size < envelope.length; size++)
		await refuses("length",
		    seal.open(content, envelope.subarray(0, size)));
});

test("another link, or another PIN, does not open", async () => {
	const vector = vectors.valid.find((one) => one.pin !== null);
	const envelope = fromBase64(vector.envelope_base64);
	const other = await seal.deriveKeys(await seal.newLinkKey(), null);
	const pin = await keysOf(vector.link_fragment, "12346");

	await refuses("authentication", seal.open(other.content, envelope));
	await refuses("authentication", seal.open(pin.content, envelope));
});

// What seal makes, by code that is not ours and not WebCrypto's.
function openElsewhere(key, pin, envelope) {
	const derive = (from, info, size) => Buffer.from(nodeCrypto.hkdfSync(
	    "sha256", from, "", "oncelink/v2 " + info, size));
	const stretched = pin === null ? Buffer.alloc(0) :
	    nodeCrypto.pbkdf2Sync(pin, derive(key, "pin salt", 16), 600000, 32,
	    "sha256");
	const whole = Buffer.concat([Buffer.from(key), stretched]);
	const cipher = nodeCrypto.createDecipheriv("aes-256-gcm",
	    derive(whole, "content", 32), envelope.subarray(1, 13));

	cipher.setAAD(Buffer.from("oncelink/v2"));
	cipher.setAuthTag(envelope.subarray(envelope.length - 16));
	const padded = Buffer.concat([cipher.update(
	    envelope.subarray(13, envelope.length - 16)), cipher.final()]);
	const start = 8 + padded.readUInt32BE(0);
	return {
		id: derive(key, "id", 16),
		gate: derive(whole, "gate", 32),
		header: JSON.parse(padded.toString("utf8", 8, start)),
		data: padded.subarray(start, start + padded.readUInt32BE(4)),
		rest: padded.subarray(start + padded.readUInt32BE(4)),
	};
}

for (const [name, pin, header, size] of [
	["a text", null, { type: "text" }, 28],
	["a text with a PIN", "grön 🔑", { type: "text" }, 1000],
	["nothing", null, { type: "text" }, 0],
	["a file", null, { type: "file", name: "å b.bin", mime: "x/y" }, 70001],
	// 8 bytes, the header's 15 and these fill a block to its last byte.
	["a full block", null, { type: "text" }, 512 - 8 - 15],
	["a byte more", null, { type: "text" }, 512 - 8 - 15 + 1],
]) {
	test("seals " + name + " as others open it", async () => {
		const key = await seal.newLinkKey();
		const keys = await seal.deriveKeys(key, pin);
		const data = new Uint8Array(nodeCrypto.randomBytes(size));
		const before = hex(data);
		const envelope = await seal.seal(keys.content, header, data);
		const found = openElsewhere(key, pin, envelope);
		const opened = await seal.open(keys.content, envelope);

		assert.equal(envelope.length, seal.sealedSize(header, size));
		assert.equal((envelope.length - 29) % 512, 0);
		assert.deepEqual(found.header, header);
		assert.equal(hex(found.data), before);
		assert.equal(hex(data), before, "the caller's data is as it was");
		assert.ok(found.rest.length < 512 &&
		    found.rest.every((byte) => byte === 0));
		assert.equal(hex(keys.id), hex(found.id));
		assert.equal(keys.gate && hex(keys.gate),
		    pin === null ? null : hex(found.gate));
		assert.equal(hex(opened.data), before);
	});
}

test("the same is never sealed into the same", async () => {
	const { content } = await seal.deriveKeys(await seal.newLinkKey(), null);
	const once = await seal.seal(content, { type: "text" }, bytes("a"));
	const twice = await seal.seal(content, { type: "text" }, bytes("a"));

	assert.notEqual(hex(once.subarray(1, 13)), hex(twice.subarray(1, 13)));
	assert.notEqual(hex(once), hex(twice));
});

test("a header too large to be read is not sealed", async () => {
	const { content } = await seal.deriveKeys(await seal.newLinkKey(), null);
	const name = "n".repeat(4096);

	await refuses("header", seal.seal(content,
	    { type: "file", name, mime: "" }, bytes("a")));
});

test("new links and receipts survive programs that find links in text",
    async () => {
	for (const [make, write] of [
		[seal.newLinkKey, seal.linkFragment],
		[seal.newReceipt, seal.receiptFragment],
	]) {
		const seen = new Set();
		for (let i = 0; i < 500; i++) {
			const made = await make();
			const fragment = await write(made);
			assert.equal(made.length, 16);
			assert.match(fragment, /^[A-Za-z0-9_-]{24}$/);
			assert.doesNotMatch(fragment, /^[-_]|[-_]$|[-_][-_]/);
			seen.add(fragment);
		}
		assert.equal(seen.size, 500);
	}
});

test("PINs have one form, and a length", () => {
	assert.equal(seal.normalisePin("\u0085\u2003 a b\u3000\n"), "a b");
	assert.equal(seal.normalisePin("ﬁ①"), "fi1");
	// U+FEFF is no white space in Unicode, whatever JavaScript says.
	assert.equal(seal.normalisePin("\ufeffa"), "\ufeffa");
	assert.equal(seal.normalisePin("🔑".repeat(128)), "🔑".repeat(128));
	for (const pin of ["", "   ", "a".repeat(129), "🔑".repeat(129), "\ud800"])
		assert.equal(seal.normalisePin(pin), null, pin);
});

test("names of files are harmless, and still names", () => {
	for (const [given, shown] of [
		["../../etc/\u202eexe\u0007.txt", "exe.txt"],
		["C:\\Users\\me\\plan.doc", "plan.doc"],
		[".bashrc", "bashrc"], ["..", "file"], ["", "file"],
		["a/", "file"], ["\u200f\u2066\u2069\u061c\u0000\u0085", "file"],
		["two\u2028lines\n.txt", "twolines.txt"],
		[" Ünïcode 秘密.pdf ", "Ünïcode 秘密.pdf"], ["\ud800x", "x"],
		["a".repeat(300) + ".tar", "a".repeat(196) + ".tar"],
		["å".repeat(150), "å".repeat(100)],
		["x" + "å".repeat(150) + ".gz", "x" + "å".repeat(98) + ".gz"],
	])
		assert.equal(seal.safeFileName(given), shown);
});

test("base64 is read as it is meant", () => {
	const all = new Uint8Array(256).map((_, i) => i);
	const large = new Uint8Array(nodeCrypto.randomBytes(100001));

	assert.deepEqual(fromBase64url(seal.toBase64url(all)), all);
	assert.deepEqual(fromBase64(seal.toBase64(large)), large);
	assert.equal(seal.toBase64(all), Buffer.from(all).toString("base64"));
	assert.deepEqual(fromBase64("-_8=\r\n"), bytes("").constructor
	    .of(0xfb, 0xff));
	assert.deepEqual(fromBase64("+/8"), Uint8Array.of(0xfb, 0xff));
	for (const wrong of ["a", "aa=a", "a b?", "===="])
		assert.equal(fromBase64(wrong), null, wrong);
	for (const wrong of ["aa==", "+/8", "ab", "a a", "-_9"])
		assert.equal(fromBase64url(wrong), null, wrong);
});
