// SPDX-License-Identifier: ISC
//
// The page on which a request is answered: what is asked, what was written,
// and the link that goes back.  What was written stays until it is stored.

import { BASE, params } from "./api.js";
import { peek, requestFill, requestPeek } from "./calls.js";
import { olderLink, requestLink } from "./link.js";
import { copy, failWords, focusOn, inTab, show, start } from "./page.js";
import { keptName } from "./seal.js";
import { newPasswordParts, passwordFromParts, sjclSeal, sjclSize }
	from "./sjcl.js";
import { put, size, timeElement } from "./words.js";

// What takes less is not worth a page of its own.
const WORKING_MS = 500;

const $ = (id) => document.getElementById(id);
const inState = (name, what) =>
	document.querySelectorAll(`[data-state="${name}"] ${what}`);

let limits = null;
let id = null;
let asked = null;
let link = null;
let busy = false;
// A try that may have arrived although nothing came back.
let unsure = false;

// What is asked

async function open() {
	const address = requestLink(location);

	id = address.id ?? null;
	unsure = false;
	if (id === null) {
		show(address.form, { focus: false });
		return;
	}
	await look(false);
}

async function look(focus) {
	const answer = await requestPeek(id);

	if (!answer.ok && answer.what === "never") {
		show("over", { focus });
		return;
	}
	if (!answer.ok) {
		put($("failed-text"), ...failWords(answer));
		show("failed", { focus });
		return;
	}
	asked = answer;
	$("note").hidden = !asked.message;
	$("note-text").textContent = asked.message ?? "";
	put($("text-hint"), asked.mailed ? "request.text.mailed" :
		"request.text.link");
	$("facts").replaceChildren();
	fact($("facts"), "request.by", timeElement(asked.expiresAt));
	if (asked.usesLeft > 1)
		fact($("facts"), "request.uses",
			words("request.uses.value", { n: asked.usesLeft }));
	show("form", { focus });
}

// From there to the server

// The most bytes of a text that fit.
function room() {
	let most = Math.floor((limits.maxCiphertext - sjclSize(0)) / 4) * 3;

	while (most > 0 && sjclSize(most) > limits.maxCiphertext)
		most--;
	return most;
}

function blame(key, values) {
	$("text").setAttribute("aria-invalid", key !== null);
	put($("text-error"), key ?? "", values);
	if (key !== null)
		$("text").focus();
	return key !== null;
}

function isWrong(bytes) {
	if (bytes.length === 0)
		return blame("request.text.empty");
	if (limits.ok && sjclSize(bytes.length) > limits.maxCiphertext)
		return blame("request.text.large", {
			is: () => size(bytes.length),
			most: () => size(room()),
		});
	return blame(null);
}

function fail(key, values) {
	put($("failure-text"), key, values);
	$("failure").hidden = false;
	show("form", { focus: false });
	focusOn($("failure"));
}

function failWith(outcome) {
	const { what } = outcome;

	if (what === "never")
		fail(unsure ? "request.unsure" : "request.over.text");
	else if (what === "allowance")
		fail("request.quota");
	else
		fail(...failWords(outcome));
	unsure ||= !(outcome.status < 500);
}

async function fill(bytes) {
	const { privatePart, publicPart } = newPasswordParts();
	let ciphertext;

	try {
		ciphertext = await sjclSeal(bytes,
			passwordFromParts(privatePart, publicPart));
	} catch {
		return null;
	}
	return {
		publicPart,
		...await requestFill({
			id, ciphertext, passwordPartPrivate: privatePart,
			passwordPartPublic: asked.mailed ? publicPart : null,
		}),
	};
}

async function submit(event) {
	event.preventDefault();
	const bytes = new TextEncoder().encode($("text").value);

	$("failure").hidden = true;
	if (busy || isWrong(bytes))
		return;
	busy = $("send").disabled = true;
	const timer = setTimeout(() => show("working"), WORKING_MS);
	const outcome = await fill(bytes);

	bytes.fill(0);
	clearTimeout(timer);
	busy = $("send").disabled = false;
	if (outcome === null)
		fail("request.sealing");
	else if (outcome.ok)
		await finish(outcome);
	else
		failWith(outcome);
}

// The link

function fact(list, key, value) {
	const term = document.createElement("dt");
	const description = document.createElement("dd");

	put(term, key);
	description.append(value);
	list.append(term, description);
}

function words(key, values) {
	const element = document.createElement("span");

	put(element, key, values);
	return element;
}

// What whoever asked has decided of the secret; there is no harm in not
// knowing it.
async function showFacts(list, secret) {
	const found = await peek(secret);

	if (!found.ok)
		return;
	list.replaceChildren();
	fact(list, "request.opens",
	    words("request.opens.value", { n: found.viewsLeft }));
	fact(list, "request.until", timeElement(found.expiresAt));
	if (found.gate)
		fact(list, "request.gate", words("request.gate.value"));
	list.hidden = false;
}

async function finish({ id: secret, publicPart }) {
	const state = asked.mailed ? "mailed" : "link";

	link = olderLink(BASE, secret, publicPart);
	const name = await keptName("made", secret);
	inTab(tab => tab.setItem(name, "1"));
	clear();
	inState(state, ".link")[0].textContent = link;
	for (const button of document.querySelectorAll("[data-do=share]"))
		button.hidden = !navigator.canShare?.({ url: link });
	for (const button of document.querySelectorAll("[data-do=another]"))
		button.hidden = asked.usesLeft < 2;
	const [list] = inState(state, ".facts");
	list.hidden = true;
	show(state);
	await showFacts(list, secret);
}

function clear() {
	$("form").reset();
	unsure = false;
}

async function share() {
	try {
		await navigator.share({ url: link });
	} catch {
		// Whoever closed the sheet wanted no more; the link is still
		// there to be copied.
	}
}

const DO = {
	copy: (button) => copy(button, link),
	share,
	another: () => look(true),
};

const begun = await start("request", { params });

if (begun !== null) {
	limits = begun.params;
	$("form").addEventListener("submit", submit);
	$("again").addEventListener("click", () => look(true));
	for (const button of document.querySelectorAll("[data-do]"))
		button.addEventListener("click",
			() => DO[button.dataset.do](button));
	addEventListener("hashchange", open);
	await open();
}
