// SPDX-License-Identifier: ISC
//
// What every page does: starts with its words and the site's colours, shows
// one state at a time, says things aloud, copies, words what went wrong.

import { duration, has, put, start as startWords, t } from
	"./words.js";

// What the site file says; a page without a logo is better than none.
const readSite = () => fetch(new URL("../site.json", import.meta.url),
    { credentials: "omit" }).then(answer => answer.json()).catch(() => ({}));

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
		made.tabIndex = -1;
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

// Of the states of the page, show one; its heading takes the focus, unless
// this is where the page begins.
export function show(name, { focus = true } = {}) {
	for (const section of document.querySelectorAll("[data-state]"))
		section.hidden = section.dataset.state !== name;
	document.body.dataset.shown = name;
	if (focus)
		document.querySelector(`[data-state="${name}"] :is(h1, h2)`)
		    ?.focus();
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
	const done = await navigator.clipboard.writeText(text)
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
export function failWords({ what, state, changedAt, attemptsLeft,
	retryAfter }) {
	const key = `error.${what === "gone" && has(`error.${state}`) ?
	    state : what}`;
	if (what === "gone" && changedAt && has(`${key}.at`))
		return [`${key}.at`, { when: changedAt }];
	if (what === "wrong-pin")
		return attemptsLeft > 0 ? [key, { n: attemptsLeft }] :
		    ["error.locked", {}];
	if (what === "busy" && retryAfter > 0)
		return ["error.busy.wait",
			{ span: () => duration(retryAfter) }];
	return [has(key) ? key : "error.not-ours", {}];
}

function attempt(action, otherwise) {
	try {
		return action();
	} catch {
		return otherwise;
	}
}

// sessionStorage, which may be refused or full: set says whether it was done.
export const tabStore = {
	get: name => attempt(() => sessionStorage.getItem(name), null),
	set: (name, value) => attempt(() => {
		sessionStorage.setItem(name, value);
		return true;
	}, false),
	remove: name => attempt(() => {
		sessionStorage.removeItem(name);
		return true;
	}, false),
};
