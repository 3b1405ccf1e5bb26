// SPDX-License-Identifier: ISC
//
// htdocs/js/work.js: what it finds, by Node's own SHA-256, and that the page
// stays usable meanwhile.
//
//	node work.mjs DIRECTORY-OF-JS

import assert from "node:assert/strict";
import nodeCrypto from "node:crypto";
import path from "node:path";
import test from "node:test";
import { pathToFileURL } from "node:url";

globalThis.crypto ??= nodeCrypto.webcrypto;

const [scripts] = process.argv.slice(2);
const { solve } = await import(pathToFileURL(path.join(scripts, "work.js")));

function challenge(bits) {
	return {
		salt: nodeCrypto.randomBytes(16).toString("base64url"), bits,
		expires_at: 1234, mac: "as it came",
	};
}

function zeros(salt, n) {
	const message = Buffer.alloc(24);

	Buffer.from(salt, "base64url").copy(message);
	message.writeBigUInt64BE(BigInt(n), 16);
	const sum = nodeCrypto.createHash("sha256").update(message).digest("hex");
	const bits = sum.replace(/./g, (digit) =>
	    parseInt(digit, 16).toString(2).padStart(4, "0"));
	return bits.indexOf("1");
}

test("the first number that is good enough", async () => {
	for (let bits = 0; bits <= 10; bits++) {
		for (let i = 0; i < 5; i++) {
			const given = challenge(bits);
			const { n, ...rest } = await solve(given);
			assert.deepEqual(rest, given);
			assert.ok(zeros(given.salt, n) >= bits);
			for (let less = 0; less < n; less++)
				assert.ok(zeros(given.salt, less) < bits, less);
		}
	}
});

test("16 bits, in slices", async () => {
	const seen = [], between = new Set();
	let turns = 0, done = false;
	const other = (async () => {
		while (!done) {
			turns++;
			await new Promise(setImmediate);
		}
	})();

	// Some are found at once: enough of them take a while together.
	for (let tries = 0; tries < 20 * 65536;) {
		const given = challenge(16);
		const { n } = await solve(given, (share) => {
			seen.push(share);
			between.add(turns);
		});
		assert.ok(zeros(given.salt, n) >= 16);
		tries += n;
	}
	done = true;
	await other;
	assert.ok(seen.length > 3, "progress was shown");
	assert.ok(between.size > seen.length / 2, "others had their turns");
	assert.ok(seen.every((share) => share > 0 && share < 1));
});

test("two at once do not disturb each other", async () => {
	const given = [challenge(14), challenge(14), challenge(14)];
	const found = await Promise.all(given.map((one) => solve(one)));

	for (const one of found)
		assert.ok(zeros(one.salt, one.n) >= 14);
});

test("what WebCrypto does not find good enough is not handed out",
    async () => {
	crypto.subtle.digest = async () =>
	    new Uint8Array(32).fill(0xff).buffer;
	try {
		await assert.rejects(solve(challenge(4)));
	} finally {
		delete crypto.subtle.digest;
	}
	await solve(challenge(4));
});
