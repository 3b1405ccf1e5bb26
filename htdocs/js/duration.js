// SPDX-License-Identifier: ISC
//
// How long, as people type it: "90m", "1h 30m", "3 days", "2 dygn", "1,5 h".

const UNITS = [
	[1, "s sec secs second seconds sek sekund sekunder"],
	[60, "m min mins minute minutes minut minuter"],
	[3600, "h hr hrs hour hours t tim timme timmar"],
	[86400, "d day days dag dagar dygn"],
	[604800, "w wk week weeks v vecka veckor"],
];
const SECONDS = new Map(UNITS.flatMap(([seconds, words]) =>
    words.split(" ").map((word) => [word, seconds])));

// Seconds, more than none and whole; null when it is something else, also a
// number without a unit, which everybody understands in another way.
export function parseDuration(text) {
	const plain = text.normalize("NFKC").trim().toLowerCase();
	let total = 0;
	const rest = plain.replace(/(\d+(?:[.,]\d+)?)\s*([a-z]+)/g,
	    (_, number, word) => {
		    total += number.replace(",", ".") * SECONDS.get(word);
		    return "";
	    }).replace(/\b(?:and|och)\b|[,\s]/g, "");

	total = Math.round(total);
	return rest === "" && Number.isSafeInteger(total) && total > 0 ?
	    total : null;
}
