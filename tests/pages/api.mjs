// SPDX-License-Identifier: ISC
//
// htdocs/js/api.js and calls.js: what each refusal means, names and bytes on
// the wire, frames.
//
//	node api.mjs DIRECTORY-OF-JS DIRECTORY-OF-VECTORS

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";
import { pathToFileURL } from "node:url";

const [scripts, vectorsAt] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(path.join(scripts, name)));
const { createSecret, encodeFrame, refusal } = await load("api.js");
const { decodeFrame } = await load("calls.js");

const openapi = JSON.parse(fs.readFileSync(path.join(
	vectorsAt, "..", "..", "openapi", "openapi.json")));
const PROBLEM = "application/problem+json";

const say = (type, members = {}, status = 403) => refusal(status, PROBLEM,
	JSON.stringify({ type: "tag:oncelink,2026:" + type, ...members }));

test("every problem of the interface means something", () => {
	const { enum: types } =
		openapi.components.schemas.Problem.properties.type;

	assert.ok(types.length > 10);
	for (const type of types) {
		const { ok, what } = refusal(400, PROBLEM + "; charset=utf-8",
			JSON.stringify({ type }));
		assert.equal(ok, false);
		assert.notEqual(what, "not-ours", type);
		assert.ok(what, type);
	}
});

test("what a refusal tells", () => {
	const { ok, what, status, state, changedAt } = say("gone", {
		state: "opened", changed_at: "2026-11-22T08:51:00Z",
	}, 410);
	assert.deepEqual([ok, what, status, state, changedAt],
		[false, "gone", 410, "opened", 1795337460]);
	assert.equal(say("wrong-pin", { attempts_left: 2 }).attemptsLeft, 2);
	assert.equal(say("wrong-pin", { attempts_left: 2 }).what, "wrong-pin");
	assert.equal(say("wrong-pin", { attempts_left: 0 }).what, "locked");
	assert.equal(say("busy", { retry_after: 5 }, 429).retryAfter, 5);
	assert.equal(say("quota", { retry_after: 900 }, 429).what, "quota");
	assert.equal(say("invalid-field", { field: "pin" }, 422).field, "pin");
});

test("nobody behind the web server, and failing", () => {
	assert.equal(say("failed", {}, 500).what, "failed");
	assert.equal(say("failed", {}, 502).what, "busy");
	assert.equal(say("failed", {}, 504).what, "busy");
});

test("what is not ours", () => {
	const gone = '{"type":"tag:oncelink,2026:gone"}';

	for (const [type, text] of [
		["text/html", "<h1>502 Bad Gateway</h1>"],
		["text/html", gone], [null, gone], ["application/json", gone],
		[PROBLEM, ""], [PROBLEM, "null"], [PROBLEM, "[]"],
		[PROBLEM, '"gone"'], [PROBLEM, "{}"],
		[PROBLEM, '{"type":"about:blank"}'],
		[PROBLEM, '{"type":7}'],
	])
		assert.equal(refusal(502, type, text).what, "not-ours", text);
	// A later server may say more, in words that nobody knows yet.
	for (const name of ["new", "constructor"])
		assert.equal(say(name).what, name);
	// That much everybody says in the same way.
	assert.equal(refusal(413, "text/html", "").what, "too-large");
});

const bytesOf = async (body) =>
	new Uint8Array(await new Response(body).arrayBuffer());

test("a frame, there and back", async () => {
	const payload = Uint8Array.from([10, 0, 255, 10, 13]);
	const body = await bytesOf(encodeFrame({
		expiresIn: 60, receipt: new Uint8Array(16).fill(255),
		gate: null, views: undefined, captcha: { expires_at: 1 },
	}, payload));
	const line = Buffer.from(body).toString("latin1").split("\n")[0];

	assert.deepEqual(JSON.parse(line), {
		expires_in: 60, receipt: "_____________________w",
		captcha: { expires_at: 1 },
	});
	assert.deepEqual(decodeFrame(body).payload, payload);
	assert.deepEqual(decodeFrame(Buffer.from(
		'{"views_left":1,"claim_until":"2026-11-22T08:51:00Z",' +
		'"message":null}\n')), {
		viewsLeft: 1, claimUntil: 1795337460, message: null,
		payload: Buffer.alloc(0),
	});
});

test("what is no frame", () => {
	const line = (size) =>
		'{"a":"' + "x".repeat(size - 8) + '"}';

	assert.equal(decodeFrame(Buffer.from(line(4096) + "\nx"))
		.payload.length, 1);
	for (const text of [line(4097) + "\nx", line(50), "", "\n", "[]\n",
		"null\n", "7\n", "{\n}"])
		assert.equal(decodeFrame(Buffer.from(text)), null, text);
	assert.equal(decodeFrame(Buffer.from('{"a":"\xff"}\n', "latin1")),
		null);
});

// As much of it as createSecret uses.
class FakeRequest {
	static answer = {};
	upload = {};
	open() {}
	setRequestHeader() {}
	getResponseHeader() {
		return FakeRequest.answer.type;
	}
	abort() {
		this.status = 0;
		this.onloadend();
	}
	send() {
		({ status: this.status, text: this.responseText } =
			FakeRequest.answer);
		if (this.status !== undefined)
			setImmediate(() => this.onloadend());
	}
}

test("sending a secret: made, called off, cut off", async () => {
	globalThis.XMLHttpRequest = FakeRequest;
	const members = { id: new Uint8Array(16), expiresIn: 60 };
	const send = (signal) =>
		createSecret(members, new Uint8Array(5), null, signal);

	FakeRequest.answer = { status: 201, type: "application/json",
		text: '{"expires_at":"2026-11-22T08:51:00Z"}' };
	assert.deepEqual(await send(), { ok: true, expiresAt: 1795337460 });
	FakeRequest.answer = { status: 0 };
	assert.equal((await send()).what, "offline");
	FakeRequest.answer = { status: 200, type: "text/html", text: "" };
	assert.equal((await send()).what, "not-ours");
	FakeRequest.answer = {};
	const stop = new AbortController();
	const waiting = send(stop.signal);
	stop.abort();
	assert.equal((await waiting).what, "aborted");
});
