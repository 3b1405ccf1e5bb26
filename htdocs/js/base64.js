// SPDX-License-Identifier: ISC
//
// Base64 as others wrote it, read; seal.js writes it.

import { toBase64url } from "./seal.js";

// Either alphabet, padded or not, with line ends or without; null when it is
// something else.
export function fromBase64(text) {
	const plain = text.replace(/[\t\n\f\r ]/g, "").replace(/={1,2}$/, "")
	    .replace(/-/g, "+").replace(/_/g, "/");

	if (plain.length % 4 === 1 || !/^[A-Za-z0-9+/]*$/.test(plain))
		return null;
	const letters = atob(plain);
	const bytes = new Uint8Array(letters.length);
	for (let i = 0; i < letters.length; i++)
		bytes[i] = letters.charCodeAt(i);
	return bytes;
}

// The only way to write these bytes, and nothing else; else null.
export function fromBase64url(text) {
	const bytes = /^[A-Za-z0-9_-]*$/.test(text) ? fromBase64(text) : null;

	return bytes !== null && toBase64url(bytes) === text ? bytes : null;
}
