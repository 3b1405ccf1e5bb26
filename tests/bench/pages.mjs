// SPDX-License-Identifier: ISC
//
// How long a browser takes to seal and to open: seconds from a link's key and
// bytes to an envelope and back, with the modules of the pages.
//
//	ONCELINK_NODE_MODULES=DIRECTORY node pages.mjs DIRECTORY-OF-HTDOCS ROUNDS
//
// writes one JSON object: seconds of each round, by name.

import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";

const [htdocs, rounds] = process.argv.slice(2);
const { chromium } = createRequire(path.join(
    process.env.ONCELINK_NODE_MODULES, "x.js"))("playwright-core");

const SIZES = { "1 KiB": 1024, "10 MiB": 10 * 2 ** 20 };

// Modules, and an empty page to run them in; nothing of the service is asked.
const server = http.createServer((request, reply) => {
	const name = path.join(htdocs, path.normalize(request.url));

	if (!request.url.startsWith("/js/") || !fs.existsSync(name)) {
		reply.setHeader("Content-Type", "text/html");
		reply.end("<!DOCTYPE html>");
		return;
	}
	reply.setHeader("Content-Type", "text/javascript");
	reply.end(fs.readFileSync(name));
});

async function measure({ sizes, rounds }) {
	const seal = await import("/js/seal.js");
	const found = {};
	const timed = async (name, work) => {
		const began = performance.now();
		const result = await work();
		(found[name] ??= []).push((performance.now() - began) / 1000);
		return result;
	};

	for (let round = 0; round < rounds; round++) {
		for (const [name, size] of Object.entries(sizes)) {
			const data = new Uint8Array(size).fill(round);
			const key = await seal.newLinkKey();
			const envelope = await timed("seal " + name, async () =>
			    seal.seal((await seal.deriveKeys(key, null)).content,
			    { type: "text" }, data));
			const opened = await timed("open " + name, async () =>
			    seal.open((await seal.deriveKeys(key, null)).content,
			    envelope));
			if (opened.data.length !== size)
				throw new Error("not what was sealed");
		}
		await timed("PIN", async () =>
		    seal.deriveKeys(await seal.newLinkKey(), "12345"));
	}
	return found;
}

server.listen(0, "127.0.0.1", async () => {
	const browser = await chromium.launch({
		executablePath: process.env.ONCELINK_BROWSER ??
		    "/usr/bin/chromium",
		chromiumSandbox: process.getuid() !== 0,
		args: ["--headless", "--disable-gpu", "--disable-quic",
			"--no-first-run", "--disable-background-networking",
			"--disable-component-update", "--disable-sync"],
	});
	try {
		const page = await browser.newPage();
		await page.goto(`http://127.0.0.1:${server.address().port}/`);
		process.stdout.write(JSON.stringify(await page.evaluate(measure,
		    { sizes: SIZES, rounds: Number(rounds) })) + "\n");
	} finally {
		await browser.close();
		server.close();
	}
});
