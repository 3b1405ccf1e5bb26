// SPDX-License-Identifier: ISC
//
// The QR codes of htdocs/js/vendor/lean-qr.js, read by another program.
//
//	node qr.mjs DIRECTORY-OF-JS DIRECTORY-OF-VECTORS
//
// NODE_PATH says where jsQR is.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";
import test from "node:test";
import { pathToFileURL } from "node:url";

const [scripts] = process.argv.slice(2);
const { correction, generate } = await import(pathToFileURL(
    path.join(scripts, "vendor", "lean-qr.js")));
const jsQR = createRequire(import.meta.url)("jsqr");

const SCALE = 4, MARGIN = 4;

// As a camera sees it, black on white.
function picture(code) {
	const side = (code.size + 2 * MARGIN) * SCALE;
	const pixels = new Uint8ClampedArray(side * side * 4).fill(255);

	for (let y = 0; y < side; y++)
		for (let x = 0; x < side; x++)
			if (code.get(Math.floor(x / SCALE) - MARGIN,
			    Math.floor(y / SCALE) - MARGIN))
				pixels.fill(0, (y * side + x) * 4,
				    (y * side + x) * 4 + 3);
	return [pixels, side, side];
}

test("links come out of their codes as they went in", () => {
	for (const link of [
		"https://a.example/read/#lOhvFsezwPoCS0nfqrxloFJJ",
		"https://once.very.long.name.of.a.site.example:8443/sub/path/" +
		    "read/#q0g4t9aRhxFFwzS1cU97l-kz",
		"https://once.example/?4iAq1hCCYVuNUtYCV7Hkc0" +
		    "#RklHS0VPVElSVUJOQUtRSlJM",
	]) {
		const code = generate(link, { minCorrectionLevel: correction.M });
		assert.equal(jsQR(...picture(code))?.data, link);
		assert.ok(code.size <= 57, "small enough for a phone");
	}
});
