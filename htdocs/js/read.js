// SPDX-License-Identifier: ISC
//
// The page on which a secret is opened: what it says at each step from the link
// to what was in it, and at each other end.

import { params } from "./api.js";
import { fromBase64 } from "./base64.js";
import { readLink, readPasted, repair, toBase62 } from "./link.js";
import { announce, failWords, show, start } from "./page.js";
import { Reading, isLost, tabKeeps } from "./reading.js";
import { linkFragment } from "./seal.js";
import { reveal } from "./shown.js";
import { duration, has, put, size, t, timeElement } from "./words.js";

// What takes less is done before anybody has read that it is going on.
const QUICK_MS = 300;

// What is smaller is here at once, and its size says nothing: it was filled up.
const LARGE = 64 * 1024;

const at = (name) => document.getElementById(name);

let limits = null;		// what params said
let reading = null;		// the link that is being read
let busy = false;		// one thing at a time

// The words for an outcome: of what became of the secret, or of a failure.
function words(outcome) {
	const { what, state, changedAt, attemptsLeft } = outcome;
	const key = `error.${what === "gone" ? state : what}`;

	if (what === "gone" && changedAt && has(`${key}.at`))
		return [`${key}.at`, { when: changedAt }];
	if (what === "gone")
		return [has(key) ? key : "error.gone", {}];
	return what === "wrong-pin" ? [key, { n: attemptsLeft }] :
		failWords(outcome);
}

// A text where there is one, else nothing.
function say(element, key, values) {
	element.hidden = key === null;
	if (key !== null)
		put(element, key, values);
}

// The end of a reading, or a pause: words of its own, and what may be done.
// again: what the button does, or null for none.
function end(name, [key, values], { more = null, again = null,
	knock = false } = {}) {
	put(at("end-title"), `read.end.${name}`);
	put(at("end-text"), key, values);
	say(at("end-more"), ...(more ?? [null]));
	say(at("end-error"), null);
	at("retry").hidden = again === null;
	at("knock").hidden = !knock;
	retry = again;
	document.body.dataset.end = name;
	show("end");
}
let retry = null;

const ENDS = new Set(["opened", "expired", "burned", "locked"]);
const KNOWN = new Set(["never", "offline", "busy", "not-ours", "unreadable"]);

// How a call ended that did not end well.
function failed(outcome, again) {
	const said = words(outcome);

	if (outcome.what === "gone" && outcome.state === "opened") {
		const here = reading.wasOpenedHere;

		end("opened", said, {
			more: [here ? "read.opened.here" : reading.sent ?
				"read.opened.late" : "read.opened.other"],
			knock: !here && !reading.sent &&
				reading.link.form === "own",
		});
	} else if (outcome.what === "gone" || outcome.what === "locked") {
		const name = outcome.what === "locked" ? "locked" :
			outcome.state;

		end(ENDS.has(name) ? name : "gone", said,
			{ more: ["read.ask-again"] });
	} else if (outcome.what === "never") {
		end("never", said, { more: ["read.never.more"] });
	} else if (outcome.what === "unreadable") {
		// While the claim lives.
		const more = reading.frame?.claimSeconds === 0 ? null :
			["read.unreadable.again"];

		end("unreadable", ["read.unreadable.text", {}],
			{ more, again: more && again });
	} else if (reading.sent && isLost(outcome)) {
		end("lost", limits?.claimSeconds > 0 ? ["read.lost.claim", {
			span: () => duration(limits.claimSeconds),
		}] : ["read.lost.text", {}], { again });
	} else {
		end(KNOWN.has(outcome.what) ? outcome.what : "failed", said,
			{ again });
	}
}

// What a browser refuses, such as memory, is no reason to stand still.
const broken = () => ({ ok: false, what: "failed" });

function forgetTyped() {
	at("pin").value = at("paste").value = "";
}

// Looking

async function begin(link) {
	const timer = setTimeout(() => show("loading"), QUICK_MS);

	reading = new Reading(link);
	delete document.body.dataset.paste;
	const outcome = await reading.look().catch(broken);

	clearTimeout(timer);
	if (!outcome.ok)
		failed(outcome, () => begin(link));
	else if ((link.form === "own") !== (outcome.kind === "v2"))
		// It could be opened, but not by what this link says.
		failed({ ok: false, what: "never" });
	else if (link.form === "passwordlink" && !link.partIsSound)
		askForLink("cut");
	else
		ready();
}

function ready() {
	const { claimed, viewsLeft, gate, attemptsLeft, expiresAt, bytes } =
		reading.info;
	const own = !claimed && reading.wasMadeHere;

	put(at("ready-title"), claimed ? "read.again.title" : "read.title");
	if (claimed)
		put(at("ready-text"), "read.again.text");
	else
		put(at("ready-text"), "read.ready.views", { n: viewsLeft });
	say(at("ready-own"), own ? "read.ready.own" : null);
	at("ready-unkept").hidden = tabKeeps();
	at("pin-field").hidden = !gate;
	at("pin").value = "";
	pinError(null);
	put(at("pin-hint"), "read.pin.tries", { n: attemptsLeft });
	put(at("ready-open"), claimed ? "read.again.button" : own ?
		"read.ready.anyway" : "read.ready.button");
	at("ready-open").className = own ? "button" : "button-primary";
	at("ready-until").replaceChildren(timeElement(expiresAt));
	at("ready-large").hidden = at("ready-size").hidden = bytes < LARGE;
	put(at("ready-size"), "read.size", { size: () => size(bytes) });
	show("ready");
}

function pinError(key, values) {
	say(at("pin-error"), key, values);
	if (key === null) {
		at("pin").removeAttribute("aria-invalid");
		return;
	}
	at("pin").setAttribute("aria-invalid", "true");
	show("ready", { focus: false });
	at("pin").focus();
	at("pin").select();
}

// Opening

// While something goes on: says what, when it takes longer.
function stages() {
	const bar = at("working-bar");
	const timer = setTimeout(() => show("working"), QUICK_MS);
	let last = null;

	function stage(name, share, done, total) {
		bar.hidden = share === null;
		bar.value = share ?? 0;
		const key = `read.working.${name}` + (total ? ".of" : "");

		if (total || key !== last)
			put(at("working-text"), key, {
				done: () => size(done),
				total: () => size(total),
			});
		last = key;
	}
	return { stage, end: () => clearTimeout(timer) };
}

// It has left the page.
function left({ viewsLeft, told }) {
	end("left", ["read.left.text", {}], !told ?
		{ again: () => location.reload() } : { more: viewsLeft > 0 ?
			["read.fate.views", { n: viewsLeft }] :
			["read.ask-again"] });
}

// Runs one try, and shows what came of it.
async function attempt(opening) {
	if (busy)
		return;
	busy = true;
	const { stage, end: over } = stages();
	const outcome = await opening(stage).catch(broken);

	over();
	busy = false;
	if (outcome.ok) {
		forgetTyped();
		reveal(outcome, reading, left);
	} else if (outcome.what === "wrong-pin") {
		// Which says how many tries are left.
		put(at("pin-hint"), "read.pin.hint");
		pinError(...words(outcome));
	} else if (outcome.what === "no-pin" ||
	    outcome.what === "pin-required") {
		pinError("read.pin.missing");
	} else if (outcome.what === "invalid" && outcome.field === "pin") {
		pinError("read.pin.length");
	} else if (outcome.what === "part") {
		if (document.body.dataset.paste !== "unfit") {
			askForLink("unfit");
		} else {
			show("paste", { focus: false });
			pasteError("read.paste.damaged");
		}
	} else {
		failed(outcome, !reading.canOpen ? ready : () =>
			attempt((stage) => reading.openAgain(stage)));
	}
}

at("ready-form").addEventListener("submit", (event) => {
	const pin = reading.info.gate ? at("pin").value : null;

	event.preventDefault();
	if (pin !== null && pin.trim() === "")
		pinError("read.pin.missing");
	else
		attempt((stage) => reading.open(pin, stage));
});

function tryAgain() {
	const again = retry;

	retry = null;
	again?.();
}

at("retry").addEventListener("click", tryAgain);
addEventListener("online", () => {
	if (document.body.dataset.shown === "end" &&
	    ["offline", "lost"].includes(document.body.dataset.end))
		tryAgain();
});

at("knock").addEventListener("click", async () => {
	const outcome = await reading.knock();

	if (outcome.ok) {
		end("knocked", ["read.knocked.text", {}]);
	} else {
		say(at("end-error"), ...failWords(outcome));
		announce(t(...failWords(outcome)));
	}
});

// A link that is missing, damaged or cut

// why: "none", "damaged", "cut" (it may be opened as it is) or "unfit" (it was
// opened, and its part does not fit what came).
function askForLink(why) {
	put(at("paste-title"), `read.${why}.title`);
	put(at("paste-text"), `read.${why}.text`);
	say(at("paste-error"), null);
	at("paste").value = "";
	at("paste-anyway").hidden = why !== "cut";
	document.body.dataset.paste = why;
	show("paste");
}

function pasteError(key, values) {
	say(at("paste-error"), key, values);
	at("paste").setAttribute("aria-invalid", "true");
	at("paste").focus();
}

// The host of a link that leads somewhere else; null when it leads here, or
// is no whole link.
function elsewhere(text) {
	let url;

	try {
		url = new URL(repair(text));
	} catch {
		return null;
	}
	return /^https?:$/.test(url.protocol) && url.host !== location.host ?
		url.host : null;
}

// Loading the page again must lead to the same secret.
async function setAddress(link) {
	const plain = location.pathname;

	if (link.form === "own")
		history.replaceState(null, "",
			`${plain}#${await linkFragment(link.key)}`);
	else if (link.form === "passwordlink")
		history.replaceState(null, "", `${plain}?${toBase62(link.id)}` +
			(link.part === null ? "" : `#${link.part}`));
	else
		history.replaceState(null, "", `${plain}#m=` + Array.from(
			link.id, (byte) => byte.toString(16).padStart(2, "0"))
			.join(""));
}

const same = (one, other) => one.every((byte, i) => byte === other[i]);

at("paste-form").addEventListener("submit", async (event) => {
	event.preventDefault();
	const text = at("paste").value;
	const host = elsewhere(text);

	if (busy)
		return;
	if (host !== null) {
		pasteError("read.paste.elsewhere", { host });
		return;
	}
	const link = await readPasted(text);

	if (reading?.frame) {
		const part = link.form === "passwordlink" ?
			same(link.id, reading.id) && link.part :
			repair(text).replace(/^.*#/s, "");

		if (part && fromBase64(part) !== null)
			attempt(() => reading.unseal(part));
		else
			pasteError("read.paste.damaged");
	} else if (link.form === "none" || link.form === "damaged") {
		pasteError("read.paste.damaged");
	} else {
		await setAddress(link);
		begin(link);
	}
});

at("paste-anyway").addEventListener("click", ready);

// A page that is kept for the Back button keeps no PIN and no link.
addEventListener("pagehide", forgetTyped);

// Another link in the same tab.
addEventListener("hashchange", () => location.reload());

const begun = await start("read", { params });

if (begun !== null) {
	limits = begun.params?.ok ? begun.params : null;
	const link = await readLink(location);

	if (link.form === "none" || link.form === "damaged")
		askForLink(link.form);
	else
		await begin(link);
}
