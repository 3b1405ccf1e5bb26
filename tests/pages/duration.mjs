// SPDX-License-Identifier: ISC
//
// htdocs/js/duration.js: what people type, and what is not meant seriously.
//
//	node duration.mjs DIRECTORY-OF-JS

import assert from "node:assert/strict";
import path from "node:path";
import test from "node:test";
import { pathToFileURL } from "node:url";

const [scripts] = process.argv.slice(2);
const { parseDuration } = await import(
    pathToFileURL(path.join(scripts, "duration.js")));

test("durations", () => {
	for (const [text, seconds] of [
		["90m", 5400], ["3d", 259200], ["1h30m", 5400], ["45s", 45],
		["1h 30m", 5400], ["1,5 h", 5400], ["1.5 h", 5400],
		["2 weeks", 1209600], ["3 Days", 259200], ["2 dygn", 172800],
		["1 timme och 5 min", 3900], ["1 week, 2 days", 777600],
		["1 hour and 30 minutes", 5400], [" 10 MIN ", 600],
		["2 veckor", 1209600], ["３ｄ", 259200], ["0d 1h", 3600],
		["1 m", 60],
	])
		assert.equal(parseDuration(text), seconds, text);
});

test("and what is none", () => {
	for (const text of ["", " ", "90", "0m", "0.2s", "-3d", "3x", "1.5.2h",
	    "1e3s", "d", "3 d x", "1 år", "h3", "m90", "1h30", "9".repeat(20) +
	    "w", "Infinity d", "constructor", "1 constructor", "and", "1d-2h"])
		assert.equal(parseDuration(text), null, text);
});
