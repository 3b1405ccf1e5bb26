// SPDX-License-Identifier: ISC
//
// The calls of /api/v2 of those who read a secret, look at a receipt or fill
// in a request; of api.js is what all calls have in common.

import { FRAME_TYPE, answer, call, fromWire, mediaType, notOurs, object,
	offline, send } from "./api.js";
import { fromBase64url } from "./base64.js";

const LINE_MAX = 4096;
const LF = 10;

// A frame's members and the bytes behind them; null when it is none.
export function decodeFrame(bytes) {
	const end = bytes.subarray(0, LINE_MAX + 1).indexOf(LF);
	let members = null;

	if (end === -1)
		return null;
	try {
		members = object(new TextDecoder("utf-8", { fatal: true })
			.decode(bytes.subarray(0, end)));
	} catch {
		return null;
	}
	return members && { ...fromWire(members),
		payload: bytes.subarray(end + 1) };
}

async function readBody(response, moved, onProgress) {
	const length = Number(response.headers.get("Content-Length"));
	const total = length > 0 ? length : null;
	const parts = [];
	let done = 0;

	if (response.body === null)
		return new Uint8Array(0);
	for (const reader = response.body.getReader();;) {
		const part = await reader.read();

		moved();
		if (part.done)
			break;
		parts.push(part.value);
		done += part.value.length;
		onProgress?.(done, total);
	}
	const whole = new Uint8Array(done);

	done = 0;
	for (const part of parts) {
		whole.set(part, done);
		done += part.length;
	}
	return whole;
}

export const peek = (id, claim) =>
	call("secrets/peek", { id, claim }, 200, "kind");

// claimSeconds is how much longer the claim lives, by the server's own clock: 0
// where there are no claims, null when it did not say what time it is.
export async function openSecret(members, onProgress) {
	const got = await send("api/v2/secrets/open", members, {
		read: (response, moved) =>
			readBody(response, moved, onProgress),
	});

	if (got === null)
		return offline();
	if (got.status !== 200 || mediaType(got.type) !== FRAME_TYPE)
		return answer(got, null, null);
	const frame = decodeFrame(got.bytes);

	if (frame === null || !("kind" in frame))
		return notOurs();
	const left = frame.claimUntil === null ? 0 :
		Math.max(0, frame.claimUntil - got.date);

	return { ok: true, ...frame,
		claimSeconds: Number.isNaN(left) ? null : left };
}

// Goes on when the page is left.
export const ack = (id, claim) =>
	call("secrets/ack", { id, claim }, 204, null, { keepalive: true });

export const knock = (id) => call("secrets/knock", { id }, 204, null);

export const receiptPeek = (receipt) =>
	call("receipts/peek", { receipt }, 200, "state");

export const receiptBurn = (receipt) =>
	call("receipts/burn", { receipt }, 200, "state");

export const requestPeek = (id) =>
	call("requests/peek", { id }, 200, "uses_left");

export async function requestFill(members) {
	const outcome = await call("requests/fill", members, 201, "id");

	// Here it is whoever asks who may not make more this month.
	if (outcome.what === "forbidden")
		return { ...outcome, what: "allowance" };
	return outcome.ok ? { ...outcome, id: fromBase64url(outcome.id) } :
		outcome;
}
