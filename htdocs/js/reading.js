// SPDX-License-Identifier: ISC
//
// The rules of reading a secret: which claim is used and how long it is kept,
// when the server is told that the secret has arrived, how what came is
// opened, and for how long it stays.  Knows nothing of what a page looks like.

import { fromBase64url } from "./base64.js";
import * as calls from "./calls.js";
import { inTab } from "./page.js";
import { SealError, deriveId, deriveKeys, keptName, normalisePin, open, random,
	safeFileName, toBase64url } from "./seal.js";
import { passwordFromParts, sjclOpen } from "./sjcl.js";
import { solve } from "./work.js";

// Between two tries to say that it has arrived.
const AGAIN_MS = 3000;

// How long a claim may be taken to live where the server did not say it.
const CLAIM_SECONDS = 60;

const decoder = new TextDecoder();

// What is kept about a secret, in this tab's sessionStorage.  The names tell no
// id: others on this host, and who finds the browser's files, could look at a
// secret by it or use it up.
//	claim	what it takes, beside the link, to fetch again what was lost on
//		its way, for as long as the server takes it.  Goes when the
//		secret has arrived or was refused.  When it is over, only that
//		there was one is left: this tab may have been the reader.
//	opened	that it was opened here, so that nobody suspects a stranger.
//	made	that it was made here (create.js, request.js), so that who opens
//		the own link is warned.
// The last two say nothing more than that, and go with the tab.
const KEPT = ["claim", "opened", "made"];
const OVER = "over";

// Is anything kept for this tab, so that it can be loaded again?
export function tabKeeps() {
	return inTab((tab) => {
		tab.setItem("probe", "1");
		tab.removeItem("probe");
		return true;
	}) !== null;
}

// After such an outcome of an open nobody here knows what the server did.  (A
// worker that is busy, 503, has done nothing, and says when to try again.)
export const isLost = ({ what, status }) => what === "offline" ||
	what === "not-ours" || what === "failed" ||
	(status >= 500 && !(what === "busy" && status === 503));

function attachmentOf(object) {
	const name = object.attachment_name;
	const ciphertext = object.attachment_ciphertext;

	return typeof ciphertext !== "string" ? null :
		{ name: typeof name === "string" ? name : null, ciphertext };
}

// What came as `sjcl`, opened with both halves of the password.
async function openParts(payload, part) {
	let object;

	try {
		object = JSON.parse(decoder.decode(payload));
	} catch {
		throw new SealError("form");
	}
	const password = part === null ? null :
		passwordFromParts(object.password_part_private, part);

	if (password === null)
		throw new SealError("authentication");
	const data = await sjclOpen(object.ciphertext, password);
	const attachment = attachmentOf(object);
	const name = attachment?.name ?
		decoder.decode(await sjclOpen(attachment.name, password)) : "";

	return {
		text: data,
		file: attachment === null ? null : {
			name: safeFileName(name),
			mime: "",
			data: await sjclOpen(attachment.ciphertext, password),
		},
	};
}

async function openEnvelope(payload, content) {
	const { type, name, mime, data } = await open(content, payload);

	return type === "text" ? { text: data, file: null } :
		{ text: null, file: { name: safeFileName(name), mime, data } };
}

// One link, from the first look to the last word about it.
export class Reading {
	constructor(link) {
		this.link = link;
		this.id = link.id ?? null;
		this.claim = null;
		this.info = null;	// what peek said last
		this.sent = false;	// may an open have reached the server?
		this.solution = null;	// of the challenge in it
		this.keys = null;	// of an own link
		this.pin = null;	// of another
		this.frame = null;	// what came, as it came
		this.names = null;	// of what is kept about it
	}

	#kept(what) {
		return inTab((tab) => tab.getItem(this.names[what]));
	}

	#keep(what, value) {
		inTab((tab) => tab.setItem(this.names[what], value));
	}

	// Has this tab read it before?
	get wasOpenedHere() {
		return this.#kept("opened") !== null;
	}

	// Was it made in this tab?
	get wasMadeHere() {
		return this.#kept("made") !== null;
	}

	// Looks; nothing is used up.
	async look() {
		this.id ??= await deriveId(this.link.key);
		this.names ??= Object.fromEntries(await Promise.all(KEPT.map(
			async (what) => [what, await keptName(what, this.id)])));
		const stored = this.#kept("claim");

		if (stored !== null) {
			this.claim = stored === OVER ? null :
				fromBase64url(stored);
			this.sent = true;
		}
		const outcome = await calls.peek(this.id, this.claim);

		if (outcome.ok)
			this.info = outcome;
		this.solution = null;
		// Until then an open that was lost on its way may still come
		// and take a view for this claim.
		if (outcome.what === "gone" && this.sent) {
			this.claim = null;
			this.#keep("claim", OVER);
		}
		return outcome;
	}

	#dropClaim() {
		this.claim = null;
		inTab((tab) => tab.removeItem(this.names.claim));
	}

	// What a typed PIN is to the server and to the seal; false when it can
	// be no PIN.
	async #prove(pin) {
		if (this.link.form !== "own") {
			this.pin = pin;
			return pin !== "";
		}
		this.keys = null;
		const normal = pin === null ? null : normalisePin(pin);

		if (pin !== null && normal === null)
			return false;
		this.keys = await deriveKeys(this.link.key, normal);
		return true;
	}

	async #request(stage) {
		if (this.info.captcha !== null && this.solution === null)
			this.solution = await solve(this.info.captcha,
				(share) => stage("puzzle", share));

		stage("fetch", null);
		if (this.claim === null) {
			this.claim = random(16);
			this.#keep("claim", toBase64url(this.claim));
		}
		this.sent = true;
		return calls.openSecret({
			id: this.id,
			gate: this.keys?.gate ?? null,
			pin: this.info.gate && this.keys === null ?
				this.pin : null,
			claim: this.claim,
			captcha: this.solution,
		}, (done, total) => {
			if (total !== null && total > 65536)
				stage("fetch", done / total, done, total);
		});
	}

	// Opens.  pin: as it was typed; null where none is needed; undefined
	// for the one of the last time.  stage(name, share or null) is told
	// what goes on.  An outcome of a call, or what is "no-pin",
	// "unreadable" or "part", or {ok, text, file, message, viewsLeft,
	// claimSeconds}.
	async open(pin, stage) {
		stage(pin ? "pin" : "fetch", null);
		if (pin !== undefined && !await this.#prove(pin))
			return { ok: false, what: "no-pin" };
		const before = this.sent;
		let outcome = await this.#request(stage);

		// Challenges grow old while a page lies about.
		if (outcome.what === "captcha") {
			const seen = await this.look();

			if (!seen.ok)
				return seen;
			outcome = await this.#request(stage);
		}
		if (outcome.what === "wrong-pin")
			this.info.attemptsLeft = outcome.attemptsLeft;
		// A refusal says that nothing was taken; of one that was lost
		// before, it says nothing.
		if (!outcome.ok && !isLost(outcome) && !before) {
			this.sent = false;
			this.#dropClaim();
		}
		if (!outcome.ok)
			return outcome;
		this.frame = outcome;
		return this.unseal(this.link.part ?? null);
	}

	// Is there what it takes to open it again, or is the PIN asked for again?
	get canOpen() {
		return this.link.form !== "own" || this.keys !== null;
	}

	// After an answer that did not arrive: was the view taken, and is there
	// still time to fetch it?  Or did a try go to a PIN that is wrong?
	async openAgain(stage) {
		const before = this.info.attemptsLeft;
		const outcome = await this.look();

		if (!outcome.ok)
			return outcome;
		const { claimed, attemptsLeft } = outcome;

		return !claimed && attemptsLeft < before ?
			{ ok: false, what: "wrong-pin", attemptsLeft } :
			this.open(undefined, stage);
	}

	// Opens what came.  part: of a password.link.
	async unseal(part) {
		const { kind, payload, message, viewsLeft, claimSeconds } =
			this.frame;
		let content;

		try {
			if (kind === "text")
				content = { text: payload, file: null };
			else if (kind === "sjcl")
				content = await openParts(payload, part);
			else if (this.keys === null)
				throw new SealError("type");
			else
				content = await openEnvelope(payload,
					this.keys.content);
		} catch (error) {
			if (!(error instanceof SealError))
				throw error;
			return { ok: false, what: kind === "sjcl" &&
				error.reason === "authentication" ?
				"part" : "unreadable" };
		}
		this.frame = null;
		this.keys = null;
		this.pin = null;
		return { ok: true, ...content, message, viewsLeft,
			claimSeconds: claimSeconds ?? CLAIM_SECONDS };
	}

	// Tells the server that it has arrived, as often as it takes while the
	// claim lives.  True when it was told.
	async acknowledge(seconds) {
		const end = Date.now() + 1000 * seconds;

		this.#keep("opened", "1");
		for (;;) {
			const outcome = await calls.ack(this.id, this.claim);

			if (outcome.ok || Date.now() > end) {
				this.#dropClaim();
				return outcome.ok;
			}
			await new Promise((resolve) =>
				setTimeout(resolve, AGAIN_MS));
		}
	}

	knock() {
		return calls.knock(this.id);
	}
}

// Runs down from `seconds`: tick(seconds left) is called each second, ended()
// once at the end.
export class Countdown {
	#end = null;
	#timer = null;

	constructor(seconds, tick, ended) {
		this.seconds = seconds;
		this.tick = tick;
		this.ended = ended;
	}

	// Where it runs already, it goes on.
	start() {
		if (this.#timer !== null)
			return;
		this.#timer = setInterval(() => this.look(), 1000);
		this.extend();
	}

	extend() {
		this.#end = Date.now() + 1000 * this.seconds;
		this.look();
	}

	// Timers of a hidden page are late: whoever comes back looks first.
	look() {
		if (this.#timer === null)
			return;
		const left = Math.ceil((this.#end - Date.now()) / 1000);

		if (left > 0) {
			this.tick(left);
			return;
		}
		this.stop();
		this.ended();
	}

	stop() {
		clearInterval(this.#timer);
		this.#timer = null;
	}
}
