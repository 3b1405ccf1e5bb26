// SPDX-License-Identifier: ISC
//
// What seal.mjs, sjcl.mjs and work.mjs show of Node.js, once more in the
// browser that people have.

import assert from "node:assert/strict";

import { finish, journey, vector, visit } from "./browser.mjs";

// In the page: what it finds, as base64 and words.
async function openAll(vectors) {
	const seal = await import("../js/seal.js");
	const { fromBase64 } = await import("../js/base64.js");
	const { parseFragment } = await import("../js/link.js");

	return Promise.all(vectors.map(async one => {
		const key = await parseFragment(one.link_fragment);
		const { id, gate, content } = await seal.deriveKeys(key,
		    one.pin ? seal.normalisePin(one.pin) : null);
		const found = { id: seal.toBase64url(id),
			gate: gate && seal.toBase64url(gate) };
		try {
			const { type, name, data } = await seal.open(content,
			    fromBase64(one.envelope_base64));
			return { ...found, type, name,
				data: seal.toBase64(data) };
		} catch (error) {
			return { ...found, refused: error.reason };
		}
	}));
}

await journey("the vectors of our own envelopes", async newPage => {
	const page = await newPage();
	const { valid, refused } = vector("envelope-v2.json");

	await visit(page, "about/");
	assert.deepEqual(await page.evaluate(openAll, valid),
	    valid.map(one => ({
		    id: one.id, gate: one.gate, type: one.header.type,
		    name: one.header.name ?? null, data: one.data_base64,
	    })));
	for (const one of await page.evaluate(openAll, refused))
		assert.ok(one.refused && !("data" in one), one);
});

await journey("the vectors of SJCL, and sealing as it does", async newPage => {
	const page = await newPage();
	const vectors = vector("sjcl.json");

	await visit(page, "about/");
	const found = await page.evaluate(async all => {
		const { passwordFromParts, sjclOpen, sjclSeal } =
		    await import("../js/sjcl.js");
		return Promise.all(all.map(async one => {
			const password = passwordFromParts(
			    one.password_part_private, one.link_tail.slice(1));
			const text = await sjclOpen(one.ciphertext, password);
			const again = await sjclOpen(
			    await sjclSeal(text, password), password);
			return [text, again].map(
			    bytes => new TextDecoder().decode(bytes));
		}));
	}, vectors);
	assert.deepEqual(found,
	    vectors.map(one => [one.plaintext, one.plaintext]));
});

await journey("10 MiB sealed and opened, byte by byte", async newPage => {
	const page = await newPage();

	await visit(page, "about/");
	assert.equal(await page.evaluate(async () => {
		const seal = await import("../js/seal.js");
		const data = new Uint8Array(10 * 2 ** 20);
		for (let at = 0; at < data.length; at += 65536)
			crypto.getRandomValues(data.subarray(at, at + 65536));
		const { content } = await seal.deriveKeys(
		    await seal.newLinkKey(), null);
		const opened = await seal.open(content, await seal.seal(content,
		    { type: "file", name: "x", mime: "" }, data));
		return opened.data.length === data.length &&
		    opened.data.every((byte, i) => byte === data[i]);
	}), true);
});

await journey("the proof of work leaves the page alone", async newPage => {
	const page = await newPage();

	await visit(page, "about/");
	const { n, turns, salt } = await page.evaluate(async () => {
		const { solve } = await import("../js/work.js");
		const { toBase64url } = await import("../js/seal.js");
		let now = 0, turns = 0, done = false;
		// Whenever it is looked at, others have waited for long.
		performance.now = () => now += 1000;
		const { port1, port2 } = new MessageChannel();
		port1.onmessage = () => {
			turns++;
			if (!done)
				port2.postMessage(null);
		};
		port2.postMessage(null);
		const salt = toBase64url(
		    crypto.getRandomValues(new Uint8Array(16)));
		const { n } = await solve({ salt, bits: 18 });
		done = true;
		return { n, turns, salt };
	});
	assert.ok(n >= 0 && salt.length === 22);
	assert.ok(turns > n / 1024 - 1, `${turns} turns in ${n} tries`);
});

await finish();
