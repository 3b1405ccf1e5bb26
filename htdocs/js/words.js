// SPDX-License-Identifier: ISC
//
// The words of the pages: which language, which text, how many, when, how
// large.  What was put somewhere is put anew in another language.

const LANGUAGES = { en: "English", sv: "Svenska" };
const STORED = "language";
const ATTRIBUTES = { label: "aria-label", placeholder: "placeholder" };

let catalogue = {};
let page = "";
let language = "en";
let plurals = new Intl.PluralRules(language);
// What was put into which element; it stands there as data-put.
const placed = new WeakMap();

// Storage may be refused; then a choice lasts as long as the page.
function stored(...chosen) {
	try {
		for (const tag of chosen)
			localStorage.setItem(STORED, tag);
		return localStorage.getItem(STORED);
	} catch {
		return null;
	}
}

function choose() {
	for (const tag of [stored(), ...navigator.languages]) {
		const short = String(tag).toLowerCase().split("-")[0];
		if (Object.hasOwn(LANGUAGES, short))
			return short;
	}
	return "en";
}

// Dates in the reader's own manner where that is the language of the page.
function locale() {
	return navigator.languages.find(tag =>
	    tag.toLowerCase().split("-")[0] === language) ?? language;
}

async function fetchWords(wanted, name) {
	const answer = await fetch(
	    new URL(`../text/${wanted}/${name}.json`, import.meta.url));
	if (!answer.ok)
		throw new Error(`no text in ${wanted}`);
	return answer.json();
}

// What all pages say, and what this one does.
async function load(wanted) {
	const both = await Promise.all([
		fetchWords(wanted, "common"), fetchWords(wanted, page),
	]);
	catalogue = { ...both[0], ...both[1] };
	language = wanted;
	plurals = new Intl.PluralRules(language);
	document.documentElement.lang = language;
}

// Is there such a text, whatever it counts?
export const has = key => key in catalogue || `${key}.other` in catalogue;

// The text of a key: {name} stands for values.name or, where that is a function,
// for what it gives now; values.n chooses between KEY.one and KEY.other, and
// values.when is a moment in seconds.
export function t(key, values = {}) {
	const value = name => typeof values[name] === "function" ?
	    values[name]() : values[name];
	let text = catalogue[key];
	if (text === undefined && values.n !== undefined)
		text = catalogue[`${key}.${plurals.select(value("n"))}`] ??
		    catalogue[`${key}.other`];
	if (text === undefined)
		return key;
	return text.replace(/\{(\w+)\}/g, (whole, name) => {
		const found = name === "when" ? dateTime(values.when) :
		    value(name);
		return typeof found !== "number" ? found ?? whole :
		    new Intl.NumberFormat(locale()).format(found);
	});
}

// Put a text into an element or one of its attributes, and keep it right.
export function put(element, key, values, attribute) {
	place(element, attribute, () => t(key, values));
	if (attribute)
		return;
	placed.get(element).delete("title");
	element.removeAttribute("title");
	if (values?.when)
		place(element, "title", () => inUTC(values.when));
}

function place(element, attribute, render) {
	const places = placed.get(element) ?? new Map();
	placed.set(element, places.set(attribute, render));
	element.dataset.put = "";
	write(element, attribute, render());
}

function write(element, attribute, text) {
	if (attribute)
		element.setAttribute(attribute, text);
	else
		element.textContent = text;
}

// What stands in the page with a key, and what was put there.
function translateAll() {
	for (const element of document.querySelectorAll("[data-text]"))
		element.textContent = t(element.dataset.text);
	for (const [word, attribute] of Object.entries(ATTRIBUTES))
		for (const element of
		    document.querySelectorAll(`[data-text-${word}]`))
			element.setAttribute(attribute,
			    t(element.getAttribute(`data-text-${word}`)));
	for (const element of document.querySelectorAll("[data-put]"))
		for (const [attribute, render] of placed.get(element))
			write(element, attribute, render());
}

// A moment as the reader's clock and calendar have it; in UTC when asked.
export function dateTime(seconds, utc = false) {
	return new Intl.DateTimeFormat(locale(), {
		dateStyle: "medium", timeStyle: "short",
		...(utc ? { timeZone: "UTC" } : {}),
	}).format(new Date(seconds * 1000));
}

const inUTC = seconds => `${dateTime(seconds, true)} UTC`;

// <time> in the reader's zone; UTC when one points at it.
export function timeElement(seconds) {
	const element = document.createElement("time");
	element.dateTime = new Date(seconds * 1000).toISOString();
	place(element, "", () => dateTime(seconds));
	place(element, "title", () => inUTC(seconds));
	return element;
}

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

// A span in at most two units: `1 day 4 hours`.
export function duration(seconds) {
	let left = Math.max(0, Math.round(seconds));
	const parts = [];
	for (const [unit, size] of UNITS) {
		const n = Math.floor(left / size);
		left -= n * size;
		if (n > 0 || parts.length > 0 || unit === "second")
			parts.push(n > 0 || parts.length === 0 ?
			    new Intl.NumberFormat(locale(), {
				style: "unit", unit, unitDisplay: "long",
			    }).format(n) : "");
	}
	return parts.slice(0, 2).join(" ").trim();
}

// Bytes as people say them: 12 bytes, 4.2 kB, 10 MB (of 1,024).
export function size(bytes) {
	let n = bytes;
	let unit = 0;
	for (; n >= 1000 && unit < 2; unit++)
		n /= 1024;
	return new Intl.NumberFormat(locale(), {
		style: "unit",
		unit: ["byte", "kilobyte", "megabyte"][unit],
		unitDisplay: unit === 0 ? "long" : "short",
		maximumFractionDigits: n < 10 && unit > 0 ? 1 : 0,
	}).format(n);
}

// One button for each other language.
function switcher(place) {
	place.replaceChildren();
	for (const [tag, name] of Object.entries(LANGUAGES)) {
		if (tag === language)
			continue;
		const button = document.createElement("button");
		button.type = "button";
		button.className = "button-quiet";
		button.lang = tag;
		button.textContent = name;
		button.addEventListener("click", async () => {
			try {
				await load(tag);
			} catch {
				return;
			}
			stored(tag);
			translateAll();
			switcher(place);
			place.querySelector("button").focus();
			document.dispatchEvent(new Event("words"));
		});
		place.append(button);
	}
}

// Puts the words of a page; rejects when they cannot be had.
export async function start(name) {
	const wanted = choose();
	page = name;
	try {
		await load(wanted);
	} catch (error) {
		if (wanted === "en")
			throw error;
		await load("en");
	}
	translateAll();
	switcher(document.querySelector("[data-languages]"));
}
