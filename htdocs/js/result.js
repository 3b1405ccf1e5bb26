// SPDX-License-Identifier: ISC
//
// What was made: the link, the PIN apart from it, the receipt.  Nothing of it is
// kept but on the page.

import { BASE } from "./api.js";
import { copy, show } from "./page.js";
import { linkFragment, receiptFragment } from "./seal.js";
import { put, timeElement } from "./words.js";

const $ = (id) => document.getElementById(id);

let made = null;

async function toggleCode() {
	const field = $("code-field");
	const shown = $("show-code").getAttribute("aria-expanded") === "true";

	field.querySelector("svg")?.remove();
	put($("code-error"), "");
	if (!shown)
		try {
			const { drawCode } = await import("./code.js");
			const picture = drawCode(made.link);

			put(picture, "result.code.label", {}, "aria-label");
			field.append(picture);
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
		// The sheet was closed; the link can still be copied.
	}
}

// Nothing of what was made stays on the page.
export function forget() {
	made = null;
	$("receipt").removeAttribute("href");
	for (const id of ["link", "pin"])
		$(id).textContent = "";
	$("code-field").querySelector("svg")?.remove();
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
