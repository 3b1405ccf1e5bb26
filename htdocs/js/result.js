// SPDX-License-Identifier: ISC
//
// What was made: the link and the ways to hand it over, the PIN apart from it,
// and the receipt.  Nothing of it is kept but on the page.

import { copy, show } from "./page.js";
import { linkFragment, receiptFragment } from "./seal.js";
import { put, timeElement } from "./words.js";

// Where the site is: js/ is one below it.
const BASE = new URL("..", import.meta.url);
const SVG = "http://www.w3.org/2000/svg";

// What readers of QR codes want to see around one, in modules.
const QUIET = 4;

const $ = (id) => document.getElementById(id);

let made = null;

async function drawCode(text) {
	const { generate } = await import("./vendor/lean-qr.js");
	const code = generate(text);
	const whole = code.size + 2 * QUIET;
	const picture = document.createElementNS(SVG, "svg");
	const modules = document.createElementNS(SVG, "path");
	let steps = "";

	for (let y = 0; y < code.size; y++)
		for (let x = 0; x < code.size; x++)
			if (code.get(x, y))
				steps += `M${x} ${y}h1v1h-1z`;
	picture.setAttribute("viewBox",
		`${-QUIET} ${-QUIET} ${whole} ${whole}`);
	picture.setAttribute("role", "img");
	picture.setAttribute("class", "code");
	put(picture, "result.code.label", {}, "aria-label");
	modules.setAttribute("d", steps);
	picture.append(modules);
	return picture;
}

async function toggleCode() {
	const field = $("code-field");
	const shown = $("show-code").getAttribute("aria-expanded") === "true";

	field.querySelector("svg")?.remove();
	put($("code-error"), "");
	if (!shown)
		try {
			field.append(await drawCode(made.link));
		} catch {
			put($("code-error"), "result.code.failed");
		}
	field.hidden = shown;
	$("show-code").setAttribute("aria-expanded", !shown);
}

async function share() {
	try {
		await navigator.share({ url: made.link });
	} catch {
		// Whoever closed the sheet wanted no more; the link is still
		// there to be copied.
	}
}

// Shows what was made: key, receipt (bytes), pin or null, expiresAt (seconds),
// views, attempts.
export async function showResult({ key, receipt, pin, expiresAt, views,
	attempts }) {
	const page = async (path, fragment) =>
		new URL(path + "#" + await fragment, BASE).href;

	made = {
		link: await page("read/", linkFragment(key)),
		receipt: await page("receipt/", receiptFragment(receipt)),
		pin,
	};
	$("link").textContent = made.link;
	$("share").hidden = !navigator.canShare?.({ url: made.link });
	if ($("show-code").getAttribute("aria-expanded") === "true")
		await toggleCode();
	put($("opens"), "result.opens", { n: views });
	$("until").replaceChildren(timeElement(expiresAt));
	$("pin-card").hidden = pin === null;
	$("pin").textContent = pin ?? "";
	put($("pin-tries"), "result.pin.tries", { n: attempts });
	$("receipt").href = made.receipt;
	show("result");
}

for (const name of ["link", "pin", "receipt"])
	$("copy-" + name).addEventListener("click",
		(event) => copy(event.currentTarget, made[name]));
$("share").addEventListener("click", share);
$("show-code").addEventListener("click", toggleCode);
