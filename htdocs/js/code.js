// SPDX-License-Identifier: ISC
//
// Draws a QR code; loaded when somebody asks for one.

import { generate } from "./vendor/lean-qr.js";

const SVG = "http://www.w3.org/2000/svg";

// What readers want to see around a code, in modules.
const QUIET = 4;

// A picture of the code of a text; it still needs a name.
export function drawCode(text) {
	const code = generate(text);
	const whole = code.size + 2 * QUIET;
	const picture = document.createElementNS(SVG, "svg");
	const modules = document.createElementNS(SVG, "path");
	let steps = "";

	for (let y = 0; y < code.size; y++)
		for (let x = 0; x < code.size; x++)
			if (code.get(x, y))
				steps += `M${x} ${y}h1v1h-1z`;
	modules.setAttribute("d", steps);
	picture.setAttribute("viewBox",
		`${-QUIET} ${-QUIET} ${whole} ${whole}`);
	picture.setAttribute("role", "img");
	picture.setAttribute("class", "code");
	picture.append(modules);
	return picture;
}
