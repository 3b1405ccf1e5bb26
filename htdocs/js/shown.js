// SPDX-License-Identifier: ISC
//
// What was in a secret, on the page: shown, copied, saved, hidden, and gone
// when the page is left or nobody looks at it for long.

import { announce, copy, show } from "./page.js";
import { Countdown } from "./reading.js";
import { saveFile } from "./save.js";
import { duration, put, size, t } from "./words.js";

// A secret that nobody looks at stays so long.
const HIDDEN_SECONDS = 10 * 60;

// The sender may have written anything where a type belongs.
const TYPE = /^[\w.+-]{1,63}\/[\w.+-]{1,63}$/;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const at = (name) => document.getElementById(name);

let content = null;		// what is shown, or hidden

// The server may forget it now; then the address may too.
async function arrived() {
	if (content.told)
		return;
	content.told = true;
	const { viewsLeft, claimSeconds } = content;
	const told = await content.reading.acknowledge(claimSeconds);

	history.replaceState(null, "", location.pathname);
	if (viewsLeft > 0)
		put(at("fate"), "read.fate.views", { n: viewsLeft });
	else
		put(at("fate"), told ? "read.fate.erased" : "read.fate.soon");
}

// A span that is promised: nobody wants it to the second.
const atMost = (seconds) =>
	seconds - seconds % (seconds < 120 ? 5 : 60);

// outcome: of a reading that went well, and the reading.  left({viewsLeft,
// told}) is called when nothing of it is on the page any more.
export function reveal(outcome, reading, left) {
	content = { ...outcome, reading, left, told: false };
	const { text, file, message, claimSeconds } = content;

	put(at("shown-title"), text === null ? "read.shown.file" :
		"read.shown.title");
	at("note").hidden = message === null || message === "";
	at("note-text").textContent = message ?? "";
	at("text-part").hidden = text === null;
	at("secret").textContent = text === null ? "" : decoder.decode(text);
	put(at("shown-leaves"), "read.shown.leaves",
		{ span: () => duration(HIDDEN_SECONDS) });
	at("clipboard").hidden = true;
	at("file-part").hidden = file === null;
	at("saved").hidden = true;
	at("save").className = text === null ? "button-primary" : "button";
	if (file !== null) {
		at("file-name").textContent = file.name;
		const mime = TYPE.test(file.mime) ? file.mime : "";

		put(at("file-facts"), mime === "" ? "read.size" :
			"read.shown.facts",
		{ size: () => size(file.data.length) });
		at("file-type").textContent = mime;
	}
	if (file !== null && claimSeconds > 0) {
		put(at("fate"), "read.fate.kept",
			{ span: () => duration(atMost(claimSeconds / 2)) });
		setTimeout(() => content && arrived(), 500 * claimSeconds);
	} else {
		put(at("fate"), "read.fate.arrived");
		arrived();
	}
	show("shown");
}

at("copy").addEventListener("click", async () => {
	if (await copy(at("copy"), decoder.decode(content.text)))
		at("clipboard").hidden = false;
});

at("save-text").addEventListener("click", () =>
	saveFile("secret.txt", content.text));

at("save").addEventListener("click", () => {
	saveFile(content.file.name, content.file.data);
	at("saved").hidden = false;
	announce(t("read.shown.saved"));
	arrived();
});

// What nobody looks at leaves the page

let title = null;		// of the page, while the countdown is in it

function leave() {
	const { left, viewsLeft, told } = content;

	content.text?.fill(0);
	content.file?.data.fill(0);
	content = null;
	for (const name of ["secret", "note-text", "file-name", "file-type"])
		at(name).textContent = "";
	stopCountdown();
	left({ viewsLeft, told });
}

const countdown = new Countdown(HIDDEN_SECONDS, (left) => {
	const span = () => duration(left);

	put(at("hidden-text"), "read.hidden.text", { span });
	if (left === 60)
		announce(t("read.hidden.text", { span }));
	if (document.hidden) {
		title ??= document.title;
		document.title = t("read.hidden.page",
			{ span: duration(Math.ceil(left / 60) * 60) });
	}
}, leave);

function stopCountdown() {
	countdown.stop();
	if (title !== null)
		document.title = title;
	title = null;
}

at("hide").addEventListener("click", () => {
	at("secret").textContent = "";
	show("hidden");
	countdown.start();
});

at("unhide").addEventListener("click", () => {
	stopCountdown();
	at("secret").textContent = decoder.decode(content.text);
	show("shown");
});

at("longer").addEventListener("click", () => {
	countdown.extend();
	announce(t("read.hidden.extended",
		{ span: duration(HIDDEN_SECONDS) }));
});

document.addEventListener("visibilitychange", () => {
	const shown = document.body.dataset.shown;

	if (content === null || content.text === null)
		return;
	if (document.hidden) {
		countdown.start();
		return;
	}
	countdown.look();
	if (title !== null)
		document.title = title;
	title = null;
	if (content !== null && shown === "shown")
		stopCountdown();
});

addEventListener("pagehide", () => {
	if (content !== null)
		leave();
});
