// SPDX-License-Identifier: ISC
//
// htdocs/js/sjcl.js against the test vectors and the sjcl package, both ways.
//
//	node sjcl.mjs DIRECTORY-OF-JS DIRECTORY-OF-VECTORS
//
// NODE_PATH says where SJCL is.

import assert from "node:assert/strict";
import nodeCrypto from "node:crypto";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import test from "node:test";
import { pathToFileURL } from "node:url";

globalThis.crypto ??= nodeCrypto.webcrypto;

const [scripts, vectorsAt] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(path.join(scripts, name)));
const { SealError, toBase64 } = await load("seal.js");
const { newPasswordParts, passwordFromParts, sjclOpen, sjclSeal, sjclSize } =
    await load("sjcl.js");
const sjcl = createRequire(import.meta.url)("sjcl");

const vectors = JSON.parse(
    fs.readFileSync(path.join(vectorsAt, "sjcl.json")));
const bytes = (text) => new TextEncoder().encode(text);
const text = (data) => new TextDecoder().decode(data);

function refuses(reason, promise) {
	return assert.rejects(promise, (error) => {
		assert.ok(error instanceof SealError, error);
		assert.equal(error.reason, reason);
		return true;
	});
}

for (const vector of vectors) {
	test("opens SJCL's: " + vector.name, async () => {
		const password = passwordFromParts(
		    vector.password_part_private, vector.link_tail.slice(1));

		assert.equal(text(await sjclOpen(vector.ciphertext,
		    password)), vector.plaintext);
		password[0] ^= 1;
		await refuses("authentication",
		    sjclOpen(vector.ciphertext, password));
	});
}

test("opens what the sjcl package seals, as it likes to", async () => {
	const password = "grön häst", plain = "Grüße, 秘密 🔑\n";

	for (const options of [
		{}, { ts: 128 }, { ts: 96 }, { iter: 1000 }, { adata: "wörds" },
		{ iv: sjcl.random.randomWords(3, 0) },
		{ salt: sjcl.random.randomWords(4, 0) },
	]) {
		const sealed = Buffer.from(sjcl.encrypt(password, plain,
		    { mode: "gcm", ks: 256, iter: 10000, ...options }))
		    .toString("base64");
		assert.equal(text(await sjclOpen(sealed, password)), plain,
		    JSON.stringify(options));
		assert.equal(text(await sjclOpen(
		    sealed.replace(/(.{60})/g, "$1\r\n").replace(/=/g, ""),
		    bytes(password))), plain);
	}
});

test("what an object does not say is as SJCL has it", async () => {
	const sealed = JSON.parse(sjcl.encrypt("password", "plain",
	    { mode: "gcm", ks: 256, iter: 10000 }));

	for (const name of ["v", "iter", "ts", "adata", "cipher"]) {
		const { [name]: _, ...less } = sealed;
		assert.equal(text(await sjclOpen(
		    toBase64(bytes(JSON.stringify(less))), "password")), "plain");
	}
});

test("each letter of a password is as likely as any other", () => {
	const counts = new Map();

	for (let i = 0; i < 2500; i++)
		for (const part of Object.values(newPasswordParts()))
			for (const letter of atob(part))
				counts.set(letter, (counts.get(letter) ?? 0) + 1);
	assert.equal(counts.size, 62);
	// Six times what chance makes of 90,000.
	for (const [letter, count] of counts)
		assert.ok(Math.abs(count - 90000 / 62) < 230, letter);
});

test("the sjcl package opens what we seal", async () => {
	for (const plain of ["", "x", "Grüße, 秘密 🔑\n" + "y".repeat(5000)]) {
		const parts = newPasswordParts();
		const password = passwordFromParts(parts.privatePart,
		    parts.publicPart);
		const sealed = await sjclSeal(bytes(plain), password);
		const both = Buffer.from(parts.privatePart, "base64") +
		    Buffer.from(parts.publicPart, "base64").toString();

		assert.match(both, /^[0-9A-Za-z]{36}$/);
		assert.equal(sjcl.decrypt(both,
		    Buffer.from(sealed, "base64").toString()), plain);
		assert.equal(text(await sjclOpen(sealed, password)), plain);
		assert.equal(Buffer.from(sealed, "base64").length,
		    sjclSize(bytes(plain).length));
	}
});

test("what is not SJCL's is refused before it takes time", async () => {
	const [{ sjcl_object: good }] = vectors;
	const write = (object) => toBase64(bytes(JSON.stringify(object)));

	for (const change of [
		{ mode: "ccm" }, { ks: 128 }, { ts: 32 }, { ts: "64" },
		{ iter: 0 }, { iter: 1e6 + 1 }, { iter: 1.5 }, { cipher: "des" },
		{ iv: "" }, { iv: "?" }, { ct: null }, { salt: 7 }, { adata: {} },
	])
		await refuses("form", sjclOpen(
		    write({ ...good, ...change }), "x"));
	for (const ciphertext of ["", "?", write(null), write([]), write("x"),
	    toBase64(bytes("{iv:1}"))])
		await refuses("form", sjclOpen(ciphertext, "x"));
	await refuses("authentication", sjclOpen(
	    write({ ...good, ct: "AAAA" }), "x"));
});

test("halves of a password that are not base64 are no password", () => {
	assert.equal(passwordFromParts("YWJj", "?"), null);
	assert.equal(passwordFromParts("?", "YWJj"), null);
	assert.equal(text(passwordFromParts("YWJj", "ZGVm")), "abcdef");
});
