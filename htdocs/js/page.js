// SPDX-License-Identifier: ISC
//
// What every page does: starts with its words and the site's colours, shows
// one of its states at a time, says things aloud, copies, and finds the words
// for what went wrong.

import { dateTime, duration, put, start as startWords, t } from "./words.js";
import { dress, readSite } from "./theme.js";

const status = () => document.getElementById("status");

function element(name, key) {
	const made = document.createElement(name);
	put(made, key);
	return made;
}

// A state that no page has in its file.
function addState(name, title, ...texts) {
	const section = document.createElement("section");
	section.dataset.state = name;
	const heading = element("h1", title);
	heading.tabIndex = -1;
	section.append(heading, ...texts.map(key => element("p", key)));
	document.getElementById("main").append(section);
}

// The address is not changed: a link may be in it.
document.querySelector(".skip").addEventListener("click", event => {
	const main = document.getElementById("main");
	event.preventDefault();
	main.tabIndex = -1;
	main.focus();
});

// Of the states of the page, show one; its heading takes the focus, unless
// this is where the page begins.
export function show(name, { focus = true } = {}) {
	let shown = null;
	for (const section of document.querySelectorAll("[data-state]")) {
		section.hidden = section.dataset.state !== name;
		if (!section.hidden)
			shown = section;
	}
	document.body.dataset.shown = name;
	if (focus)
		shown?.querySelector("h1, h2")?.focus();
	return shown;
}

// Start a page: its words, the site file and, where it needs those, the
// limits (asked for by a function, of api.js).  Null when the page cannot go
// on; the reader has been told then.
export async function start(name,
    { needsCrypto = true, params = null } = {}) {
	const site = readSite();
	const asked = params === null ? null : params();
	try {
		await startWords(name);
	} catch {
		show("broken");
		return null;
	}
	const found = await site;
	dress(found);
	const limits = await asked;
	const title = () => {
		document.title = `${t(`${name}.page`)} · ` + (found.name ||
		    limits?.siteName || t("common.name"));
	};
	title();
	document.addEventListener("words", title);
	if (!found.name && limits?.siteName)
		document.querySelector(".home span").textContent =
		    limits.siteName;
	if (needsCrypto && !(window.isSecureContext && crypto.subtle)) {
		addState("insecure", "insecure.title", "insecure.text",
		    "insecure.hint");
		show("insecure");
		return null;
	}
	document.body.dataset.started = "";
	return { site: found, params: limits };
}

// Said by screen readers when they are done with what they say; never a
// secret.
export function announce(text) {
	const place = status();
	place.textContent = "";
	// A text that is the same as the last is none to them.
	setTimeout(() => {
		place.textContent = text;
	}, 50);
}

async function toClipboard(text) {
	try {
		await navigator.clipboard.writeText(text);
		return true;
	} catch {
		// Where there is no such thing, or it is not allowed.
	}
	const area = document.createElement("textarea");
	area.value = text;
	area.readOnly = true;
	area.className = "visually-hidden";
	const before = document.activeElement;
	document.body.append(area);
	area.select();
	let done = false;
	try {
		done = document.execCommand("copy");
	} catch {
		// Then by hand.
	}
	area.remove();
	before?.focus();
	return done;
}

const timers = new WeakMap();

// Copy, and say on the button whether that was done.
export async function copy(button, text) {
	const done = await toClipboard(text);
	const key = done ? "common.copied" : "common.copy.failed";
	if (!timers.has(button))
		button.dataset.was = button.dataset.text ?? "common.copy";
	clearTimeout(timers.get(button));
	button.dataset.text = key;
	button.textContent = t(key);
	announce(t(key));
	timers.set(button, setTimeout(() => {
		button.dataset.text = button.dataset.was;
		button.textContent = t(button.dataset.was);
		timers.delete(button);
	}, done ? 2500 : 6000));
	return done;
}

// Seconds of what a server writes as a time, or null.
export function seconds(moment) {
	const found = typeof moment === "number" ? moment :
	    Date.parse(moment) / 1000;
	return Number.isFinite(found) ? found : null;
}

const ENDS = ["opened", "expired", "burned", "locked"];

// The key and the values of the words for an outcome of api.js that is not
// good; for put() and t().
export function failWords(outcome) {
	const when = seconds(outcome.changedAt);
	switch (outcome.what) {
	case "gone":
		if (!ENDS.includes(outcome.state))
			return ["error.gone", {}];
		return when === null ? [`error.${outcome.state}`, {}] :
		    [`error.${outcome.state}.at`,
		    { when: () => dateTime(when) }];
	case "wrong-pin":
		return outcome.attemptsLeft > 0 ?
		    ["error.wrong-pin", { n: outcome.attemptsLeft }] :
		    ["error.locked", {}];
	case "busy":
		return outcome.retryAfter > 0 ? ["error.busy.wait",
		    { span: () => duration(outcome.retryAfter) }] :
		    ["error.busy", {}];
	case "pin-required":
	case "locked":
	case "captcha":
	case "never":
	case "conflict":
	case "failed":
	case "full":
	case "too-large":
	case "quota":
	case "forbidden":
	case "offline":
	case "invalid":
		return [`error.${outcome.what}`, {}];
	default:
		return ["error.not-ours", {}];
	}
}

export function fail(outcome) {
	return t(...failWords(outcome));
}

// sessionStorage, which may be refused or full: set says whether it was done.
export const tabStore = {
	get(name) {
		try {
			return sessionStorage.getItem(name);
		} catch {
			return null;
		}
	},
	set(name, value) {
		try {
			sessionStorage.setItem(name, value);
			return true;
		} catch {
			return false;
		}
	},
	remove(name) {
		try {
			sessionStorage.removeItem(name);
			return true;
		} catch {
			return false;
		}
	},
};
