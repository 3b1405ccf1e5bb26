// SPDX-License-Identifier: ISC
//
// The page on which a link is made: what may be asked for, what is wrong with
// what was typed, and the way from there to the server.  What was written
// stays until a link for it exists.

import { createSecret, params } from "./api.js";
import { parseDuration } from "./duration.js";
import { readFile, takeFiles } from "./file.js";
import { announce, failWords, show, start, tabStore } from "./page.js";
import { showResult } from "./result.js";
import {
	deriveKeys, newLinkKey, newReceipt, normalisePin, safeFileName, seal,
	sealedSize, toBase64url,
} from "./seal.js";
import { duration, put, size, t } from "./words.js";

const HOUR = 3600;
const DAY = 24 * HOUR;
const PRESETS = [HOUR, DAY, 7 * DAY, 30 * DAY];
const USUAL = 7 * DAY;

// What takes less is not worth a page of its own.
const WORKING_MS = 500;

const $ = (id) => document.getElementById(id);
const chosen = (name) => $("form").elements[name].value;

let limits = null;
let file = null;
// What was sealed last and may have arrived: it is sent again as it is.
let sealed = null;
let working = null;

// What may be asked for

function presets() {
	const { minExpiresIn: least, maxExpiresIn: most } = limits;
	const fit = PRESETS.filter((span) => span >= least && span <= most);

	return most > PRESETS.at(-1) || fit.includes(most) ? fit :
		[...fit, most];
}

function offerPresets() {
	const spans = presets();
	const usual = spans.findLast((span) => span <= USUAL) ?? spans[0];

	for (const span of spans) {
		const label = document.createElement("label");
		const button = document.createElement("input");
		const words = document.createElement("span");

		button.type = "radio";
		button.name = "expiry";
		button.value = span;
		button.defaultChecked = span === usual;
		put(words, "create.value", { value: () => duration(span) });
		label.append(button, " ", words);
		$("free").before(label);
	}
}

// The most bytes of a text or a file whose header is this one.
function room(header) {
	let most = limits.maxEnvelope - sealedSize(header, 0);

	while (sealedSize(header, most + 1) <= limits.maxEnvelope)
		most++;
	return most;
}

const fileHeader = (of) => ({
	type: "file", name: safeFileName(of.name), mime: of.type,
});

const fits = (header, bytes) => sealedSize(header, bytes) <= limits.maxEnvelope;

// What is wrong with what was typed

function blame(id, key, values) {
	const place = $(id + "-error");

	$(id).setAttribute("aria-invalid", key !== null);
	put(place, key ?? "", values);
	return key === null ? null : $(id);
}

const spanLimits = () => ({
	least: () => duration(limits.minExpiresIn),
	most: () => duration(limits.maxExpiresIn),
});

function readSpan() {
	if (chosen("expiry") !== "")
		return Number(chosen("expiry"));
	const span = parseDuration($("span").value);

	return span === null || span < limits.minExpiresIn ||
		span > limits.maxExpiresIn ? null : span;
}

function readViews() {
	const views = Number($("views").value);

	return Number.isInteger(views) && views >= 1 &&
		views <= limits.maxViews ? views : null;
}

// Everything that was typed, or null; the first thing that is wrong has the
// focus then.
function readForm() {
	const text = $("text").value;
	const bytes = file === null ? new TextEncoder().encode(text) : null;
	const span = readSpan();
	const views = readViews();
	const way = chosen("pin");
	const own = way === "own" ? normalisePin($("own").value) : null;
	const wrong = [
		blame("text", bytes?.length === 0 ? "create.text.empty" :
			bytes !== null && !fits({ type: "text" },
				bytes.length) ? "create.text.large" : null, {
			is: () => size(bytes.length),
			most: () => size(room({ type: "text" })),
		}),
		blame("span", span === null ? "create.span.wrong" : null,
			spanLimits()),
		blame("views", views === null ? "create.views.wrong" : null,
			{ most: limits.maxViews }),
		blame("own", way === "own" && own === null ?
			"create.own.wrong" : null),
	].filter((field) => field !== null);

	if (wrong.length > 0) {
		if ($("options").contains(wrong[0]))
			$("options").open = true;
		wrong[0].focus();
		return null;
	}
	return { text, bytes, file, span, views, way, own };
}

// What the choices come to, in one line.
function sumUp() {
	const span = readSpan();
	const views = readViews();
	const own = chosen("expiry") === "";

	put($("summary"), "create.summary", {
		views: () => views === null ? "…" :
			t("create.summary.views", { n: views }),
		span: () => span === null ? "…" : duration(span),
		pin: () => t(chosen("pin") === "none" ?
			"create.summary.pin.none" : "create.summary.pin"),
	});
	$("span-field").hidden = !own;
	$("own-field").hidden = chosen("pin") !== "own";
	put($("pin-hint"), "create.pin.hint." + chosen("pin"), {
		n: limits.defaultAttempts, size: limits.pinSize,
	});
}

// A text or a file

function refuseFile(key, values) {
	blame("text", null);
	put($("text-error"), key, values);
	announce($("text-error").textContent);
}

function attach(wanted) {
	if (working !== null || document.body.dataset.shown !== "form")
		return;
	if (wanted === null) {
		refuseFile("create.file.one");
		return;
	}
	const header = fileHeader(wanted);

	if (!fits(header, wanted.size)) {
		refuseFile("create.file.large", {
			name: header.name,
			is: () => size(wanted.size),
			most: () => size(room(header)),
		});
		return;
	}
	blame("text", null);
	holdFile(wanted);
	$("remove").focus();
}

function holdFile(wanted) {
	file = wanted;
	$("file-field").hidden = file === null;
	$("text-field").hidden = $("attach-field").hidden = file !== null;
	$("kept").hidden = $("text").value === "";
	if (file === null)
		return;
	$("file-name").textContent = safeFileName(file.name);
	put($("file-size"), "create.value", { value: () => size(wanted.size) });
}

// From there to the server

// Digits of which each is as likely as any other.
function newPin(length) {
	let pin = "";

	while (pin.length < length) {
		const [byte] = crypto.getRandomValues(new Uint8Array(1));

		if (byte < 250)
			pin += byte % 10;
	}
	return pin;
}

const unchanged = (form) => sealed !== null && Object.keys(form).every(
	(name) => name === "bytes" || sealed.form[name] === form[name]);

async function sealForm(form, data) {
	const pin = form.way === "made" ? newPin(limits.pinSize) : form.own;
	const key = await newLinkKey();
	const keys = await deriveKeys(key, pin);
	const envelope = await seal(keys.content, form.file === null ?
		{ type: "text" } : fileHeader(form.file), data);

	data.fill(0);
	return {
		form, key, pin, envelope,
		members: {
			id: keys.id, receipt: await newReceipt(),
			gate: keys.gate, expiresIn: form.span,
			views: form.views,
		},
	};
}

function tell(phase, done, total) {
	const bar = $("progress");

	put($("phase"), phase);
	if (total > 0) {
		bar.max = total;
		bar.value = done;
	} else
		bar.removeAttribute("value");
}

function fail(key, values) {
	put($("failure-text"), key, values);
	$("failure").hidden = false;
	show("form", { focus: false });
	$("failure").querySelector("h2").focus();
}

// An outcome of api.js, or one of ours that says the words for it.
async function makeLink(form, signal) {
	const refused = (words) => ({
		ok: false, what: signal.aborted ? "aborted" : "own", words,
	});

	if (!unchanged(form)) {
		let data = form.bytes;

		sealed = null;
		try {
			if (form.file !== null)
				data = await readFile(form.file,
					(done, total) => tell("create.reading",
						done, total), signal);
		} catch {
			return refused("create.file.unreadable");
		}
		tell("create.sealing");
		try {
			sealed = await sealForm(form, data);
		} catch {
			return refused("create.sealing.failed");
		}
	}
	if (signal.aborted)
		return refused();
	tell("create.sending");
	return createSecret(sealed.members, sealed.envelope, (done, total) =>
		tell("create.sending", done, total), signal);
}

async function submit(event) {
	event.preventDefault();
	if (working !== null)
		return;
	const form = readForm();

	$("failure").hidden = true;
	if (form === null)
		return;
	working = new AbortController();
	$("make").disabled = true;
	const timer = setTimeout(() => show("working"), WORKING_MS);
	const outcome = await makeLink(form, working.signal);

	clearTimeout(timer);
	$("make").disabled = false;
	working = null;
	if (outcome.ok) {
		await finish(outcome.expiresAt);
		return;
	}
	// Another secret has this link: the next try is with another one.
	if (outcome.what === "conflict")
		sealed = null;
	if (outcome.what === "aborted")
		show("form");
	else if (outcome.what === "own")
		fail(outcome.words);
	else
		fail(...failWords(outcome));
}

async function finish(expiresAt) {
	const { form, key, members, pin } = sealed;

	tabStore.set("made." + toBase64url(members.id), "1");
	clear();
	await showResult({
		key, pin, receipt: members.receipt, expiresAt,
		views: form.views, attempts: limits.defaultAttempts,
	});
}

// As the page was at first.
function clear() {
	sealed = null;
	$("form").reset();
	$("views").value = limits.defaultViews;
	$("options").open = false;
	holdFile(null);
	for (const id of ["text", "span", "views", "own"])
		blame(id, null);
	sumUp();
}

async function begin() {
	const started = await start("create", { params });

	if (started === null)
		return;
	limits = started.params;
	// Where the interface of the pages is switched off, nobody knows its
	// limits either.
	if (limits.ok ? limits.create !== "anyone" : limits.what === "never") {
		show("closed", { focus: false });
		return;
	}
	if (!limits.ok) {
		put($("unavailable-text"), ...failWords(limits));
		show("unavailable", { focus: false });
		return;
	}
	offerPresets();
	put($("limit"), "create.file.limit",
		{ most: () => size(room({ type: "text" })) });
	clear();
	takeFiles($("attach"), $("pick"), attach);
	$("form").addEventListener("submit", submit);
	$("form").addEventListener("input", (event) => {
		const { id, name } = event.target;

		if (id === "" ? name === "expiry" : $(id + "-error") !== null)
			blame(id || "span", null);
		sumUp();
	});
	$("remove").addEventListener("click", () => {
		holdFile(null);
		$("text").focus();
	});
	$("cancel").addEventListener("click", () => working?.abort());
	$("another").addEventListener("click", () => show("form"));
	show("form", { focus: false });
}

$("again").addEventListener("click", () => location.reload());
// The shortest form of an older link leads here.
if (/^\?[0-9A-Za-z]{22}$/.test(location.search))
	location.replace("read/" + location.search + location.hash);
else
	begin();
