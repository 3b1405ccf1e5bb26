// SPDX-License-Identifier: ISC
//
// The receipt: what became of a secret, for who made it, and its end when that
// is wanted.  Looking changes nothing.

import { receiptBurn, receiptPeek } from "./calls.js";
import { parseReceipt } from "./link.js";
import { announce, failWords, show, start } from "./page.js";
import { duration, put, t, timeElement } from "./words.js";

const part = name => document.querySelector(`[data-receipt="${name}"]`);

let receipt = null;
let repeat = null;

function fact(key, ...contents) {
	const term = document.createElement("dt");
	const description = document.createElement("dd");
	put(term, key);
	description.append(...contents);
	part("facts").append(term, description);
}

function span(key, values) {
	const element = document.createElement("span");
	put(element, key, values);
	return element;
}

function showFacts(answer) {
	part("facts").replaceChildren();
	fact("receipt.made", timeElement(answer.createdAt));
	if (answer.state !== "waiting")
		return;
	const left = () => duration(Math.max(0,
	    Math.ceil((answer.expiresAt * 1000 - Date.now()) / 60000) * 60));
	fact("receipt.ends", timeElement(answer.expiresAt), " ",
	    span("receipt.ends.in", { span: left }));
	if (answer.viewsLeft > 1)
		fact("receipt.views", span("receipt.views.value",
		    { n: answer.viewsLeft }));
}

// The state as it is now; `late`: it was to be destroyed, and was over.
function showState(answer, { focus, late = false }) {
	const waiting = answer.state === "waiting";
	put(part("title"), `receipt.${answer.state}.title`);
	put(part("text"), `receipt.${answer.state}.text`,
	    { when: answer.changedAt });
	part("late").hidden = !late;
	part("knocks").hidden = answer.knocks === 0;
	if (answer.knocks > 0)
		put(part("knocks"), "receipt.knocks", { n: answer.knocks,
			when: answer.lastKnock });
	part("hint").hidden = answer.state !== "opened";
	part("buttons").hidden = !waiting && answer.state !== "opened";
	part("burn").hidden = !waiting;
	part("make").hidden = waiting;
	showFacts(answer);
	show("secret", { focus });
}

function showFailure(outcome, again) {
	if (outcome.what === "never") {
		show("never");
		return;
	}
	put(part("failed-text"), ...failWords(outcome));
	repeat = again;
	show("failed");
}

async function look(focus) {
	const answer = await receiptPeek(receipt);
	if (!answer.ok) {
		showFailure(answer, () => look(true));
		return;
	}
	showState(answer, { focus });
	if (focus)
		announce(t("receipt.looked"));
}

async function burn() {
	const answer = await receiptBurn(receipt);
	if (!answer.ok) {
		showFailure(answer, burn);
		return;
	}
	showState(answer, { focus: true, late: answer.state !== "burned" });
}

// A button does its work once at a time.
function on(name, action) {
	const button = part(name);
	button.addEventListener("click", async () => {
		button.disabled = true;
		await action();
		button.disabled = false;
	});
}

async function open() {
	const text = location.hash.slice(1);
	receipt = text === "" ? null : await parseReceipt(text);
	if (text === "" || receipt === null) {
		show(text === "" ? "none" : "damaged", { focus: false });
		return;
	}
	await look(false);
}

if (await start("receipt") !== null) {
	on("look", () => look(true));
	on("again", () => repeat());
	on("sure", burn);
	on("keep", () => look(true));
	part("burn").addEventListener("click", () => show("sure"));
	addEventListener("hashchange", open);
	await open();
}
