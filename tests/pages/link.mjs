// SPDX-License-Identifier: ISC
//
// htdocs/js/link.js: every form of link there is, whole and damaged.
//
//	node link.mjs DIRECTORY-OF-JS DIRECTORY-OF-VECTORS

import assert from "node:assert/strict";
import nodeCrypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";
import { pathToFileURL } from "node:url";

globalThis.crypto ??= nodeCrypto.webcrypto;

const [scripts, vectorsAt] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(path.join(scripts, name)));
const link = await load("link.js");
const { parseFragment, parseReceipt } = link;
const { receiptFragment, toBase64url } = await load("seal.js");

const vectors = JSON.parse(
    fs.readFileSync(path.join(vectorsAt, "envelope-v2.json")));
const { links } = vectors;
const sealed = JSON.parse(fs.readFileSync(path.join(vectorsAt, "sjcl.json")));
const hex = (bytes) => Buffer.from(bytes).toString("hex");

const SITE = "https://once.example/sub/";
const ID = "4iAq1hCCYVuNUtYCV7Hkc0";
const ID_HEX = "8f3c2d0a11d24b33a5a1c7e2f4a0996e";
const UUID = "8f3c2d0a-11d2-4b33-a5a1-c7e2f4a0996e";
const PART = "RklHS0VPVElSVUJOQUtRSlJM";

const at = (rest) => link.readLink(new URL(rest, SITE));

// The same number by other means.
function base62Hex(text) {
	const digits = "0123456789" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ" +
	    "abcdefghijklmnopqrstuvwxyz";
	let number = 0n;

	for (const letter of text)
		number = number * 62n + BigInt(digits.indexOf(letter));
	return number.toString(16).padStart(32, "0");
}

test("ids of password.link are numbers of 128 bits", () => {
	for (const [text, bytes] of [
		["0".repeat(22), "0".repeat(32)],
		["0".repeat(21) + "z", "0".repeat(30) + "3d"],
		["7n42DGM5Tflk9n8mt7Fhc7", "f".repeat(32)],
	]) {
		assert.equal(hex(link.fromBase62(text)), bytes);
		assert.equal(link.toBase62(Buffer.from(bytes, "hex")), text);
	}
	assert.equal(hex(link.fromBase62(ID)), base62Hex(ID));
	for (const text of ["7n42DGM5Tflk9n8mt7Fhc8", "z".repeat(22),
	    ID.slice(1), ID + "0", ID.slice(1) + "-", ID.slice(1) + "é", ""])
		assert.equal(link.fromBase62(text), null, text);
	for (let i = 0; i < 200; i++) {
		const bytes = nodeCrypto.randomBytes(16);
		assert.equal(hex(link.fromBase62(link.toBase62(bytes))),
		    hex(bytes));
	}
});

test("links are repaired, or known to be damaged", async () => {
	const { good, repaired, damaged } = links;
	const key = await parseFragment(good);

	assert.notEqual(key, null);
	for (const fragment of [...repaired, "%3C%23" + good + "%3E",
	    "%20#" + good + "%20", "“" + good + "”", "'" + good + "'.", "##" + good,
	    good + ">,", good + "\n"])
		assert.deepEqual(await parseFragment(fragment), key,
		    fragment);
	for (const fragment of [...damaged, good.toLowerCase(), good + "=",
	    good.slice(1), "%", "%ff", good + good, "m=" + good])
		assert.equal(await parseFragment(fragment), null, fragment);
	for (let at = 0; at < good.length; at++) {
		const other = good[at] === "A" ? "B" : "A";
		assert.equal(await parseFragment(good.slice(0, at) + other +
		    good.slice(at + 1)), null, "letter " + at);
	}
});

test("receipts have fragments of their own", async () => {
	const { receipt, link_fragment: fragment } = vectors.receipt;
	const found = await parseReceipt("#" + fragment + ".");

	assert.equal(toBase64url(found), receipt);
	assert.equal(await receiptFragment(found), fragment);
	assert.equal(await parseFragment(fragment), null);
	assert.equal(await parseReceipt(links.good), null);
});

test("our own links, also as mail programs leave them", async () => {
	const key = await parseFragment(links.good);

	for (const fragment of ["#" + links.good, ...links.repaired.map(
	    (text) => "#" + text)])
		assert.deepEqual(await at("read/" + fragment),
		    { form: "own", key }, fragment);
	assert.deepEqual(await at("read/?utm_source=mail#" + links.good),
	    { form: "own", key });
	for (const fragment of links.damaged.filter(
	    (text) => !["", "#"].includes(text)))
		assert.deepEqual(await at("read/#" + fragment),
		    { form: "damaged" }, fragment);
});

test("no link at all", async () => {
	for (const rest of ["read/", "read/#", "read/?", "read/?#"])
		assert.deepEqual(await at(rest), { form: "none" }, rest);
	assert.deepEqual(await at("read/?utm_source=mail"),
	    { form: "damaged" });
});

test("password.link's, at / and after the redirects", async () => {
	const id = link.fromBase62(ID);

	for (const rest of ["?" + ID + "#", "read/?" + ID + "#",
	    "read/?" + ID + "=#", "read/?" + ID + "&fbclid=x#"])
		for (const [part, partIsSound] of [
			[PART, true],
			[PART.slice(0, -1), false],
			[PART + "QQ", false],
			["PiYjXio9QEFCQ0RFRkdISUpL", true],
			["%50iYjXio9QEFCQ0RFRkdISUpL", true],
			[Buffer.from("å".repeat(18)).toString("base64url"),
			    true],
			[Buffer.from("?~".repeat(9)).toString("base64"), true],
			[Buffer.from("?~".repeat(9)).toString("base64url"),
			    true],
			[encodeURIComponent(
			    Buffer.from("?~".repeat(9)).toString("base64")),
			    true],
			[Buffer.alloc(18, 0xff).toString("base64"), false],
			["!!", false],
		])
			assert.deepEqual(await at(rest + part), {
				form: "passwordlink", id,
				part: decodeURIComponent(part), partIsSound,
			}, rest + part);
	assert.deepEqual(await at("read/?" + ID),
	    { form: "passwordlink", id, part: null, partIsSound: false });
	for (const vector of sealed)
		assert.equal((await at("?" + ID + vector.link_tail)).partIsSound,
		    true);
	for (const rest of ["?" + ID.slice(1) + "#" + PART,
	    "?" + "z".repeat(22) + "#" + PART, "?" + ID + "x#" + PART])
		assert.deepEqual(await at(rest), { form: "damaged" }, rest);
});

test("SafeSecrets' and One Time Secret's", async () => {
	const id = Uint8Array.from(Buffer.from(ID_HEX, "hex"));

	for (const key of [UUID, UUID.toUpperCase(), ID_HEX, UUID + ".",
	    "%20" + UUID + "%20"])
		assert.deepEqual(await at("read/#m=" + key),
		    { form: "text", id }, key);
	for (const key of ["", UUID.slice(1), UUID + "0", ID_HEX.slice(1) + "g",
	    UUID.replace("-", "")])
		assert.deepEqual(await at("read/#m=" + key),
		    { form: "damaged" }, key);
});

test("what people paste", async () => {
	const key = await parseFragment(links.good);
	const id = link.fromBase62(ID);
	const whole = { form: "passwordlink", id, part: PART, partIsSound: true };

	for (const text of [links.good, "#" + links.good, SITE + "read/#" +
	    links.good, " <" + SITE + "read/#" + links.good + ">. "])
		assert.deepEqual(await link.readPasted(text),
		    { form: "own", key }, text);
	for (const text of [SITE + "?" + ID + "#" + PART, SITE + ID + "#" + PART,
	    SITE + ID + "/#" + PART, SITE + "read/?" + ID + "#" + PART])
		assert.deepEqual(await link.readPasted(text), whole, text);
	assert.equal((await link.readPasted(SITE + "message/" + UUID)).form,
	    "text");
	assert.equal((await link.readPasted(SITE + "message/" + UUID + "/")).form,
	    "text");
	for (const text of ["hello", SITE + "x", SITE + "read/#x"])
		assert.deepEqual(await link.readPasted(text),
		    { form: "damaged" }, text);
	for (const text of ["", "  "])
		assert.deepEqual(await link.readPasted(text), { form: "none" });
});

test("requests", () => {
	const request = (hash) => link.requestLink({ hash });

	for (const hash of ["#" + UUID, "#%20" + UUID, "#" + UUID + ".",
	    "#" + UUID.toUpperCase()])
		assert.equal(hex(request(hash).id), ID_HEX, hash);
	assert.deepEqual(request(""), { form: "none" });
	assert.deepEqual(request("#"), { form: "none" });
	for (const hash of ["#" + UUID.slice(1), "#" + ID_HEX, "#x", "#" + UUID +
	    "-", "#" + UUID.replace("-", "_")])
		assert.deepEqual(request(hash), { form: "damaged" }, hash);
});

test("links as clients of password.link build them", async () => {
	const built = link.olderLink(SITE, link.fromBase62(ID), PART);

	assert.equal(built, SITE + "?" + ID + "#" + PART);
	assert.equal((await link.readPasted(built)).part, PART);
});
