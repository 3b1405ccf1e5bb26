// SPDX-License-Identifier: ISC
//
// The proof of work that stands in for a picture puzzle: numbers are tried
// until the hash of one begins with enough zeros.  WebCrypto takes a turn of
// the event loop for each hash, so that this one, of a single block, is here;
// what it finds is checked with WebCrypto before it is handed out.

import { fromBase64url } from "./base64.js";

const SLICE = 12;		// milliseconds until others have their turn
const AT_ONCE = 256;		// numbers between two looks at the clock

// The first 32 bits behind the point of the roots of the first primes.
function fractions(count, root) {
	const found = [];

	for (let number = 2; found.length < count; number++) {
		let prime = true;
		for (let i = 2; i * i <= number; i++)
			prime &&= number % i !== 0;
		if (prime)
			found.push((root(number) % 1) * 2 ** 32 | 0);
	}
	return Int32Array.from(found);
}

const ROUND = fractions(64, Math.cbrt);
const START = fractions(8, Math.sqrt);
const words = new Int32Array(64);

const turn = (word, by) => (word >>> by) | (word << (32 - by));

// SHA-256 of the one block in words[0..15], into state.
function hash(state) {
	for (let i = 16; i < 64; i++) {
		const x = words[i - 15], y = words[i - 2];
		words[i] = words[i - 16] + words[i - 7] +
		    (turn(x, 7) ^ turn(x, 18) ^ (x >>> 3)) +
		    (turn(y, 17) ^ turn(y, 19) ^ (y >>> 10));
	}
	let a = START[0], b = START[1], c = START[2], d = START[3];
	let e = START[4], f = START[5], g = START[6], h = START[7];
	for (let i = 0; i < 64; i++) {
		const one = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) +
		    ((e & f) ^ (~e & g)) + ROUND[i] + words[i] | 0;
		const two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) +
		    ((a & b) ^ (a & c) ^ (b & c));
		h = g; g = f; f = e; e = d + one | 0;
		d = c; c = b; b = a; a = one + two | 0;
	}
	state[0] = START[0] + a; state[1] = START[1] + b;
	state[2] = START[2] + c; state[3] = START[3] + d;
	state[4] = START[4] + e; state[5] = START[5] + f;
	state[6] = START[6] + g; state[7] = START[7] + h;
}

function zeros(state) {
	for (let i = 0; i < state.length; i++)
		if (state[i] !== 0)
			return 32 * i + Math.clz32(state[i]);
	return 32 * state.length;
}

// Salt (16 bytes), room for a number, and what SHA-256 puts behind 24 bytes.
function block(salt) {
	const view = new DataView(salt.buffer);

	words.fill(0);
	for (let i = 0; i < 4; i++)
		words[i] = view.getInt32(4 * i);
	words[6] = 0x80000000;
	words[15] = 24 * 8;
}

async function verify(salt, number, bits) {
	const message = new Uint8Array(24);
	const view = new DataView(message.buffer);

	message.set(salt);
	view.setBigUint64(16, BigInt(number));
	const sum = new DataView(await crypto.subtle.digest("SHA-256", message));
	const state = Int32Array.from({ length: 8 },
	    (_, i) => sum.getInt32(4 * i));
	if (zeros(state) < bits)
		throw new Error("a hash that is none");
}

function others() {
	return new Promise((resolve) => {
		const { port1, port2 } = new MessageChannel();
		port1.onmessage = () => {
			port1.close();
			resolve();
		};
		port2.postMessage(null);
	});
}

// Promises {...challenge, n}.  onProgress, if it is there, is called now and
// then with how likely it was to be done by now, 0 to 1.
export async function solve(challenge, onProgress) {
	const salt = fromBase64url(challenge.salt);
	const state = new Int32Array(8);
	let end = performance.now() + SLICE;

	block(salt);
	for (let n = 0; ; n++) {
		words[4] = n / 2 ** 32;
		words[5] = n;
		hash(state);
		if (zeros(state) >= challenge.bits) {
			await verify(salt, n, challenge.bits);
			return { ...challenge, n };
		}
		if (n % AT_ONCE === 0 && performance.now() > end) {
			onProgress?.(1 - Math.exp(-n / 2 ** challenge.bits));
			await others();
			block(salt);
			end = performance.now() + SLICE;
		}
	}
}
