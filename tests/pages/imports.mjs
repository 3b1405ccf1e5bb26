// SPDX-License-Identifier: ISC
//
// Every module of the pages is linked, and not run: what it imports is there.
//
//	node --experimental-vm-modules imports.mjs DIRECTORY-OF-JS

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";
import vm from "node:vm";

const [scripts] = process.argv.slice(2);
const modules = new Map();

function load(name) {
	if (!modules.has(name))
		modules.set(name, new vm.SourceTextModule(
		    fs.readFileSync(name, "utf8"), { identifier: name }));
	return modules.get(name);
}

for (const name of fs.readdirSync(scripts)) {
	if (!name.endsWith(".js"))
		continue;
	test(name + " finds what it imports", async () => {
		modules.clear();
		const module = load(path.join(scripts, name));
		await module.link((wanted, from) => load(
		    path.join(path.dirname(from.identifier), wanted)));
		assert.equal(module.status, "linked");
	});
}
