// SPDX-License-Identifier: ISC
//
// A client as password.link's documentation describes it, with SJCL: nothing
// but the base URL and the keys is Oncelink's.  Reads one JSON object from
// standard input, writes one to standard output.
//
//	{"do": "make", "url", "private", "text", "members"}   its answer
//	{"do": "view", "url", "key", "id", "public_part"}     and the plaintext
//	{"do": "seal", "text"}                                what would be sent
//	{"do": "open", "ciphertext", "private_part", "public_part"}

"use strict";

const sjcl = require("sjcl");

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

// 18 characters, which is what each half of a password has.
function half() {
	let text = "";

	while (text.length < 18) {
		const byte = sjcl.random.randomWords(1, 0)[0] >>> 24;
		if (byte < 4 * LETTERS.length)
			text += LETTERS[byte % LETTERS.length];
	}
	return text;
}

function base64(text) {
	return sjcl.codec.base64.fromBits(sjcl.codec.utf8String.toBits(text));
}

function unbase64(text) {
	return sjcl.codec.utf8String.fromBits(sjcl.codec.base64.toBits(text));
}

function seal(text) {
	const private_part = half(), public_part = half();
	const object = sjcl.encrypt(private_part + public_part, text,
	    { mode: "gcm", ks: 256, iter: 10000 });

	return {
		ciphertext: base64(object),
		password_part_private: base64(private_part),
		password_part_public: base64(public_part),
	};
}

function open(ciphertext, private_part, public_part) {
	return sjcl.decrypt(unbase64(private_part) + unbase64(public_part),
	    unbase64(ciphertext));
}

async function call(url, key, options) {
	const answer = await fetch(url, {
		...options,
		headers: { Authorization: "ApiKey " + key },
	});

	return { status: answer.status, body: await answer.json() };
}

async function make(wanted) {
	const sealed = seal(wanted.text);
	const answer = await call(wanted.url + "/api/secrets", wanted.private, {
		method: "POST",
		body: JSON.stringify({
			ciphertext: sealed.ciphertext,
			password_part_private: sealed.password_part_private,
			...wanted.members,
		}),
	});

	return { ...answer, sealed };
}

async function view(wanted) {
	const answer = await call(wanted.url + "/api/secrets/" + wanted.id,
	    wanted.key, { method: "GET" });
	const data = answer.body.data;

	return {
		...answer,
		text: answer.status === 200 ? open(data.ciphertext,
		    data.password_part_private, wanted.public_part) : null,
	};
}

async function main() {
	const chunks = [];

	for await (const chunk of process.stdin)
		chunks.push(chunk);
	const wanted = JSON.parse(Buffer.concat(chunks).toString());
	let result;

	if (wanted.do === "make")
		result = await make(wanted);
	else if (wanted.do === "view")
		result = await view(wanted);
	else if (wanted.do === "seal")
		result = seal(wanted.text);
	else
		result = { text: open(wanted.ciphertext, wanted.private_part,
		    wanted.public_part) };
	process.stdout.write(JSON.stringify(result));
}

main();
