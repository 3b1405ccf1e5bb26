// SPDX-License-Identifier: ISC
//
// The calls of /api/v2: how bytes, times and names travel, what refusals mean,
// and the calls that make a secret; calls.js has the others.  Each resolves to
// {ok: true, ...} with what the answer says, or to {ok: false, what, ...}, and
// never throws because of the network or an answer.
//
// Names are in camelCase here, times in seconds since 1970, bytes are
// Uint8Array.

import { toBase64url } from "./seal.js";

// Where the site is: js/ is one below it.
export const BASE = new URL("..", import.meta.url);

const JSON_TYPE = "application/json";
const PROBLEM_TYPE = "application/problem+json";
export const FRAME_TYPE = "application/vnd.oncelink.frame";

// Without a byte either way for so long there is no connection any more: the
// web servers themselves give up earlier.
const PATIENCE_MS = 75000;

// What a problem means to a page, where its own name is not the word.
const WHAT = {
	__proto__: null,
	"captcha-required": "captcha",
	"creation-not-allowed": "forbidden",
	"invalid-field": "invalid",
	"not-found": "never",
	"store-full": "full",
};

const TIME = /_(at|until|knock)$/;

export const offline = () => ({ ok: false, what: "offline" });
export const notOurs = () => ({ ok: false, what: "not-ours" });

function seconds(text) {
	const ms = typeof text === "string" ? Date.parse(text) : NaN;

	return Number.isNaN(ms) ? null : Math.floor(ms / 1000);
}

// The members of an answer, as pages name them.
export function fromWire(members) {
	return Object.fromEntries(Object.entries(members).map(
		([name, value]) => [
			name.replace(/_(.)/g, (_, letter) =>
				letter.toUpperCase()),
			TIME.test(name) ? seconds(value) : value,
		]));
}

// The members of a call as JSON; what is null or undefined is left out.
const toWire = (members) => JSON.stringify(Object.fromEntries(
	Object.entries(members).filter(([, value]) => value != null).map(
		([name, value]) => [
			name.replace(/[A-Z]/g, (letter) =>
				"_" + letter.toLowerCase()),
			value instanceof Uint8Array ? toBase64url(value) :
				value,
		])));

// The object that a text is in JSON, or null.
export function object(text) {
	try {
		const value = JSON.parse(text);

		return value?.constructor === Object ? value : null;
	} catch {
		return null;
	}
}

export function encodeFrame(members, payload) {
	const head = new TextEncoder().encode(toWire(members) + "\n");
	const frame = new Uint8Array(head.length + payload.length);

	frame.set(head);
	frame.set(payload, head.length);
	return frame;
}

export const mediaType = (text) =>
	(text ?? "").split(";")[0].trim().toLowerCase();

// What a refusal says, of the worker or of the web server in its place; any
// other came from something in between.
export function refusal(status, type, text) {
	const problem = mediaType(type) === PROBLEM_TYPE ? object(text) : null;
	const name = /^tag:oncelink,2026:([a-z-]+)$/.exec(problem?.type)?.[1];
	let what = WHAT[name] ?? name;

	if (what === undefined)
		return status === 413 ? { ok: false, what: "too-large" } :
			notOurs();
	// Nobody behind the web server answered: it may come back.
	if (status === 502 || status === 504)
		what = "busy";
	if (what === "wrong-pin" && problem.attempts_left === 0)
		what = "locked";
	return { ...fromWire(problem), status, ok: false, what };
}

// Calls giveUp when nothing has moved for too long.
function watch(giveUp) {
	let timer;
	const end = () => clearTimeout(timer);
	const moved = () => {
		end();
		timer = setTimeout(giveUp, PATIENCE_MS);
	};

	moved();
	return { moved, end };
}

// {status, type, date, bytes}, or null when there was no whole answer.
// read(response, moved) is another way to get its bytes.
export async function send(path, members, { keepalive = false, read } = {}) {
	const given = new AbortController();
	const patience = watch(() => given.abort());

	try {
		const response = await fetch(new URL(path, BASE), {
			...members && {
				method: "POST", body: toWire(members),
				headers: { "Content-Type": JSON_TYPE },
			},
			cache: "no-store",
			redirect: "manual",
			referrerPolicy: "no-referrer",
			keepalive,
			signal: given.signal,
		});

		patience.moved();
		return {
			status: response.status,
			type: response.headers.get("Content-Type"),
			date: Date.parse(response.headers.get("Date")) / 1000,
			bytes: read ? await read(response, patience.moved) :
				new Uint8Array(await response.arrayBuffer()),
		};
	} catch {
		return null;
	} finally {
		patience.end();
	}
}

// What an answer in JSON says, when it has the status and a member that an
// answer of ours has.
export function answer(got, status, member) {
	const text = got.text ?? new TextDecoder().decode(got.bytes);

	if (got.status >= 400)
		return refusal(got.status, got.type, text);
	if (got.status !== status)
		return notOurs();
	if (member === null)
		return { ok: true };
	const members = mediaType(got.type) === JSON_TYPE ? object(text) : null;

	if (members === null || !(member in members))
		return notOurs();
	return { ok: true, ...fromWire(members) };
}

export async function call(path, members, status, member, options) {
	const got = await send("api/v2/" + path, members, options);

	return got === null ? offline() : answer(got, status, member);
}

export const params = () => call("params", null, 200, "max_envelope");

// By XMLHttpRequest: fetch does not tell how much has gone.  May be repeated as
// it is when nobody knows whether it arrived.  signal: what is "aborted" then.
export function createSecret(members, envelope, onProgress, signal) {
	return new Promise((resolve) => {
		const request = new XMLHttpRequest();
		const stop = () => request.abort();
		const patience = watch(stop);

		request.open("POST", new URL("api/v2/secrets", BASE));
		request.setRequestHeader("Content-Type", FRAME_TYPE);
		request.upload.onprogress = (event) => {
			patience.moved();
			onProgress?.(event.loaded,
				event.lengthComputable ? event.total : null);
		};
		request.onloadend = () => {
			patience.end();
			signal?.removeEventListener("abort", stop);
			if (request.status > 0)
				resolve(answer({
					status: request.status,
					type: request.getResponseHeader(
						"Content-Type"),
					text: request.responseText,
				}, 201, "expires_at"));
			else
				resolve(signal?.aborted ?
					{ ok: false, what: "aborted" } :
					offline());
		};
		signal?.addEventListener("abort", stop);
		request.send(encodeFrame(members, envelope));
	});
}
