// SPDX-License-Identifier: ISC
//
// What every page does, whatever it is for: languages, colours, a site's own
// name and logo, no scripts, no https, nobody at the other end.

import { finish, inspect, journey, shown, visit } from "./browser.mjs";

await journey("about: light, dark, narrow", async newPage => {
	const page = await newPage();
	await visit(page, "about/");
	await inspect(page, "about");
});

await journey("a receipt without its link", async newPage => {
	const page = await newPage({ language: "sv-SE" });
	await visit(page, "receipt/");
	await shown(page, "none");
	await inspect(page, "receipt-none-sv");
});

await journey("a receipt that was cut", async newPage => {
	const page = await newPage();
	await visit(page, "receipt/#abcdefghij");
	await shown(page, "damaged");
	await inspect(page, "receipt-damaged");
});

await finish();
