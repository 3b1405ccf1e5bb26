// SPDX-License-Identifier: ISC
//
// What every page does: starts with its words and the site's colours, shows
// one state at a time, says things aloud, copies, words what went wrong.

import { duration, has, put, start as startWords, t } from
	"./words.js";

// What the site file says; a page without a logo is better than none.
const readSite = () => fetch(new URL("../site.json", import.meta.url))
    .then(answer => answer.json()).catch(() => ({}));

// Where it says anything, it is shown.
async function dress(site) {
	if (Object.keys(site ?? {}).length === 0)
		return {};
	const theme = await import("./theme.js");
	return theme.dress(site);
}

// Instead of the name that has no site.
function nameSite(name) {
	const home = document.querySelector(".home span");
	home.removeAttribute("data-text");
	home.textContent = name;
}

// A state that no page has in its file.
function addState(name, ...words) {
	const section = document.createElement("section");
	section.dataset.state = name;
	section.append(...words.map((key, i) => {
		const made = document.createElement(i === 0 ? "h1" : "p");
		put(made, key);
		return made;
	}));
	document.getElementById("main").append(section);
}

// The address is not changed: a link may be in it.
document.querySelector(".skip").addEventListener("click", event => {
	const main = document.getElementById("main");
	event.preventDefault();
	main.tabIndex = -1;
	main.focus();
});

// Of the states of the page, show one, and go on there, unless this is where
// the page begins.
export function show(name, { focus = true } = {}) {
	for (const section of document.querySelectorAll("[data-state]"))
		section.hidden = section.dataset.state !== name;
	document.body.dataset.shown = name;
	if (focus)
		focusOn(document.querySelector(`[data-state="${name}"]`));
}

// Its heading takes the focus: screen readers go on from there.
export function focusOn(place) {
	const heading = place.querySelector("h1, h2");
	heading.tabIndex = -1;
	heading.focus();
}

// Start a page: its words, the site file and, where a function of api.js asks
// for them, the limits.  Null when it cannot go on; the reader was told why.
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
	const found = await dress(await site);
	const limits = await asked;
	const siteName = found.name || limits?.siteName;
	if (siteName)
		nameSite(siteName);
	const title = () => {
		document.title = `${t(`${name}.page`)} · ` +
		    (siteName || t("common.name"));
	};
	title();
	document.addEventListener("words", title);
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
	const place = document.getElementById("status");
	place.textContent = "";
	// A text that is the same as the last is none to them.
	setTimeout(() => {
		place.textContent = text;
	}, 50);
}

const timers = new WeakMap();

// Copy, and say on the button whether that was done.
export async function copy(button, text) {
	// Some browsers have no clipboard at all.
	const done = await navigator.clipboard?.writeText(text)
	    .then(() => true, () => false);
	const key = done ? "common.copied" : "common.copy.failed";
	put(button, key);
	announce(t(key));
	clearTimeout(timers.get(button));
	timers.set(button, setTimeout(put, done ? 2500 : 6000,
	    button, button.dataset.text));
	return done;
}

// The key and the values of the words for an outcome of api.js that is not
// good; for put() and t().
export function failWords({ what, retryAfter }) {
	if (what === "busy" && retryAfter > 0)
		return ["error.busy.wait",
			{ span: () => duration(retryAfter) }];
	// What a later server says in words of its own.
	return [has(`error.${what}`) ? `error.${what}` : "error.invalid", {}];
}

// What `action` gives for sessionStorage; null where that is refused or full.
export function inTab(action) {
	try {
		return action(sessionStorage);
	} catch {
		return null;
	}
}
