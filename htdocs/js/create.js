// SPDX-License-Identifier: ISC
//
// The page that makes a link.  What was written stays until there is one.

import { createSecret, params } from "./api.js";
import { parseDuration } from "./duration.js";
import { takeFiles } from "./file.js";
import { announce, failWords, focusOn, inTab, show, start } from "./page.js";
import { forget, showResult } from "./result.js";
import {
	deriveKeys, keptName, newLinkKey, newReceipt, normalisePin,
	safeFileName, seal, sealedSize,
} from "./seal.js";
import { duration, put, size, t } from "./words.js";

const PRESETS = [3600, 86400, 604800, 2592000];
const USUAL = 604800;
const TEXT = { type: "text" };

// What takes less is not worth a page of its own.
const WORKING_MS = 500;

const $ = (id) => document.getElementById(id);
const chosen = (name) => $("form").elements[name].value;
const say = (id, key, values) => put($(id), key, values);

let limits = null;
let file = null;
// What was sealed last and may have arrived: it is sent again as it is.
let sealed = null;
let working = null;

// What may be asked for

function offerPresets() {
	const most = limits.maxExpiresIn;
	const spans = PRESETS.filter((span) => span <= most);

	if (most < PRESETS.at(-1) && !spans.includes(most))
		spans.push(most);
	for (const span of spans) {
		const label = $("free").cloneNode(true);
		const [button, words] = label.children;

		label.removeAttribute("id");
		button.value = span;
		// The last of these that is not too long.
		button.defaultChecked = span <= USUAL || span === spans[0];
		delete words.dataset.text;
		put(words, "create.value", { value: () => duration(span) });
		$("free").before(label);
	}
}

const fileHeader = (of) => ({
	type: "file", name: safeFileName(of.name), mime: of.type,
});

const fits = (header, bytes) => sealedSize(header, bytes) <= limits.maxEnvelope;

const sizes = (bytes) => ({
	is: () => size(bytes), most: () => size(limits.maxEnvelope),
});

// What is wrong with what was typed

// The field, when key says what is wrong with it.
function blame(id, key, values) {
	$(id).setAttribute("aria-invalid", key !== "");
	say(id + "-error", key, values);
	return key === "" ? [] : [$(id)];
}

function readSpan() {
	const span = chosen("expiry") === "" ? parseDuration($("span").value) :
		Number(chosen("expiry"));

	return span >= limits.minExpiresIn && span <= limits.maxExpiresIn ?
		span : null;
}

function readViews() {
	const views = Number($("views").value);

	return Number.isInteger(views) && views >= 1 &&
		views <= limits.maxViews ? views : null;
}

function textFault(bytes) {
	if (bytes?.length === 0)
		return "create.text.empty";
	return bytes === null || fits(TEXT, bytes.length) ? "" :
		"create.text.large";
}

// What was typed; or null, and the first thing that is wrong has the focus.
function readForm() {
	const text = $("text").value;
	const bytes = file === null ? new TextEncoder().encode(text) : null;
	const span = readSpan();
	const views = readViews();
	const way = chosen("pin");
	const own = way === "own" ? normalisePin($("own").value) : null;
	const [wrong] = [
		...blame("text", textFault(bytes), sizes(bytes?.length)),
		...blame("span", span ? "" : "create.span.wrong", {
			least: () => duration(limits.minExpiresIn),
			most: () => duration(limits.maxExpiresIn),
		}),
		...blame("views", views ? "" : "create.views.wrong",
			{ most: limits.maxViews }),
		...blame("own", way === "own" && !own ?
			"create.own.wrong" : ""),
	];

	if (wrong === undefined)
		return { text, bytes, file, span, views, way, own };
	$("options").open ||= $("options").contains(wrong);
	wrong.focus();
	return null;
}

// What the choices come to, in one line.
function sumUp() {
	const span = readSpan();
	const views = readViews();
	const way = chosen("pin");

	say("summary", "create.summary", {
		views: () => views ? t("create.summary.views", { n: views }) :
			"…",
		span: () => span ? duration(span) : "…",
		pin: () => t(way === "none" ? "create.summary.pin.none" :
			"create.summary.pin"),
	});
	say("pin-hint", "create.pin.hint." + way, { size: limits.pinSize });
	$("span-field").hidden = chosen("expiry") !== "";
	$("own-field").hidden = way !== "own";
}

// What was blamed is being put right.
function changed({ target: { id, name } }) {
	const field = name === "expiry" ? "span" : name === "pin" ? "own" : id;

	if ($(field + "-error") !== null)
		blame(field, "");
	sumUp();
}

// A text or a file

function attach(wanted) {
	const header = wanted && fileHeader(wanted);

	if (working !== null || document.body.dataset.shown !== "form")
		return;
	blame("text", "");
	if (wanted && fits(header, wanted.size)) {
		holdFile(wanted);
		$("remove").focus();
		return;
	}
	say("text-error", wanted ? "create.file.large" : "create.file.one",
		{ ...header, ...sizes(wanted?.size) });
	announce($("text-error").textContent);
}

function holdFile(wanted) {
	file = wanted;
	$("file-field").hidden = !file;
	$("text-field").hidden = $("attach-field").hidden = !!file;
	$("kept").hidden = $("text").value === "";
	$("file-name").textContent = file && safeFileName(file.name);
	say("file-size", "create.value", { value: () => size(file?.size) });
}

// From there to the server

// Digits: what is left over at the end of 2^32 is too little to be guessed.
const newPin = (length) => Array.from(
	crypto.getRandomValues(new Uint32Array(length)), (n) => n % 10).join("");

async function sealForm(form, data) {
	const pin = form.way === "made" ? newPin(limits.pinSize) : form.own;
	const key = await newLinkKey();
	const { id, gate, content } = await deriveKeys(key, pin);
	const envelope = await seal(content,
		form.file === null ? TEXT : fileHeader(form.file), data);
	const receipt = await newReceipt();

	data.fill(0);
	const { span: expiresIn, views } = form;

	return { form, key, pin, envelope,
		members: { id, receipt, gate, expiresIn, views } };
}

function progress(phase, done, total) {
	say("phase", phase);
	if (total > 0) {
		$("progress").max = total;
		$("progress").value = done;
	} else
		$("progress").removeAttribute("value");
}

const same = (one, other) => one !== undefined && Object.keys(one).every(
	(name) => name === "bytes" || one[name] === other[name]);

// An outcome of api.js, or one of ours with the key of its words.
async function makeLink(form, signal) {
	let fault = "error.offline";

	try {
		if (!same(sealed?.form, form)) {
			let data = form.bytes;

			sealed = null;
			if (form.file !== null) {
				progress("create.reading");
				const { readFile } =
					await import("./readfile.js");
				fault = "create.file.unreadable";
				data = await readFile(form.file, progress.bind(
					null, "create.reading"), signal);
			}
			fault = "create.sealing.failed";
			progress("create.sealing");
			sealed = await sealForm(form, data);
		}
		signal.throwIfAborted();
	} catch {
		return signal.aborted ? { what: "aborted" } : { fault };
	}
	progress("create.sending");
	return createSecret(sealed.members, sealed.envelope,
		progress.bind(null, "create.sending"), signal);
}

async function submit(event) {
	event.preventDefault();
	const form = working === null ? readForm() : null;

	if (form === null)
		return;
	working = new AbortController();
	$("failure").hidden = $("make").disabled = true;
	const timer = setTimeout(() => show("working"), WORKING_MS);
	const outcome = await makeLink(form, working.signal);

	clearTimeout(timer);
	$("make").disabled = false;
	working = null;
	if (outcome.ok) {
		await finish(outcome.expiresAt);
		return;
	}
	// Something else has this link: the next try is with another one.
	if (outcome.what === "conflict")
		sealed = null;
	show("form");
	if (outcome.what === "aborted")
		return;
	say("failure-text", ...outcome.fault ? [outcome.fault] :
		failWords(outcome));
	$("failure").hidden = false;
	focusOn($("failure"));
}

async function finish(expiresAt) {
	const { form, key, members, pin } = sealed;

	// So that who made it is warned before opening it here.
	const name = await keptName("made", members.id);
	inTab((tab) => tab.setItem(name, "1"));
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
		blame(id, "");
	sumUp();
}

async function begin() {
	limits = (await start("create", { params }))?.params;
	if (!limits)
		return;
	// Where the interface of the pages is switched off, nobody knows its
	// limits either.
	if (limits.ok ? limits.create !== "anyone" : limits.what === "never") {
		show("closed", { focus: false });
		return;
	}
	if (!limits.ok) {
		say("unavailable-text", ...failWords(limits));
		show("unavailable", { focus: false });
		return;
	}
	offerPresets();
	say("limit", "create.file.limit", sizes(0));
	clear();
	takeFiles($("attach"), $("pick"), attach);
	$("form").addEventListener("submit", submit);
	$("form").addEventListener("input", changed);
	$("remove").addEventListener("click", () => {
		holdFile(null);
		$("text").focus();
	});
	$("cancel").addEventListener("click", () => working?.abort());
	$("another").addEventListener("click", () => {
		forget();
		show("form");
	});
	show("form", { focus: false });
}

$("again").addEventListener("click", () => location.reload());
// The shortest form of an older link leads here, whatever was added to it.
if (/^\?[0-9A-Za-z]{22}(&|$)/.test(location.search))
	location.replace("read/" + location.search + location.hash);
else
	begin();
