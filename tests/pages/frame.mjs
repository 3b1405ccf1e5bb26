// SPDX-License-Identifier: ISC
//
// What every page does, whatever it is for: languages, a site's own name,
// colours and logo, no scripts, no https, storage that is refused, addresses
// that lead nowhere.

import { strict as assert } from "node:assert";
import {
	OTHER, SITE, ask, axe, finish, focusOnHeading, inspect, journey,
	screenshots, shown, visit, words,
} from "./browser.mjs";

const en = words("en", "about");
const sv = words("sv", "about");
const PAGES = ["", "read/", "receipt/", "request/"];

await journey("about: light, dark, narrow", async newPage => {
	const page = await newPage();
	await visit(page, "about/");
	await inspect(page, "about");
});

await journey("languages: the browser's, another, and the same next time",
	async newPage => {
		const page = await newPage({ language: "sv-SE" });
		await visit(page, "about/");
		assert.equal(await page.getAttribute("html", "lang"), "sv");
		assert.equal(await page.innerText("h1"), sv["about.title"]);
		assert.equal(await page.title(),
		    `${sv["about.page"]} · Oncelink`);
		await page.focus("[data-languages] button");
		await page.keyboard.press("Enter");
		await page.waitForSelector('html[lang="en"]');
		assert.equal(await page.innerText("h1"), en["about.title"]);
		// Who chose by keyboard goes on from there.
		assert.equal(await page.evaluate(() =>
		    document.activeElement.lang), "sv");
		await visit(page, "receipt/");
		assert.equal(await page.getAttribute("html", "lang"), "en");
		const other = await newPage({ language: "fi-FI" });
		await visit(other, "about/");
		assert.equal(await other.getAttribute("html", "lang"), "en");
	});

await journey("storage that is refused", async newPage => {
	const page = await newPage();
	await page.addInitScript(() => {
		for (const name of ["localStorage", "sessionStorage"])
			Object.defineProperty(window, name, { get() {
				throw new DOMException("", "SecurityError");
			} });
	});
	for (const path of [...PAGES, "about/"]) {
		await visit(page, path);
		await page.click('[data-languages] [lang="sv"]');
		await page.waitForSelector('html[lang="sv"]');
	}
});

await journey("no scripts: each page says what it needs", async newPage => {
	const page = await newPage({ scripts: false });
	for (const path of PAGES) {
		await page.goto(new URL(path, SITE).href);
		const text = await page.innerText("main");
		assert.ok(text.includes("This page needs JavaScript"), path);
		assert.ok(!text.includes(en["common.loading"]), path);
		assert.equal(await page.locator("h1:visible").count(), 1);
	}
	await screenshots(page, "noscript");
	// axe is a script: it sees what is shown without any.
	const seen = await newPage();
	await seen.route("**/read/", async route => {
		const answer = await route.fetch();
		await route.fulfill({ response: answer, body:
		    (await answer.text()).replace(/<\/?noscript>/g, "")
			.replace(/<script.*<\/script>/, "")
			.replace('"loading">', '"loading" hidden>') });
	});
	await seen.goto(new URL("read/", SITE).href);
	assert.ok(await seen.isVisible("text=This page needs JavaScript"));
	await axe(seen, "no scripts");
	await page.goto(new URL("about/", SITE).href);
	assert.ok((await page.innerText("main")).includes(en["about.lead"]));
});

await journey("plain http, on a name that is not localhost",
	async newPage => {
		for (const path of [...PAGES, "read/#abcdefghijklmnopqrstuvwx"]) {
			const page = await newPage();
			await visit(page, path, OTHER);
			await shown(page, "insecure");
			await focusOnHeading(page);
			assert.ok((await page.innerText("main")).includes(
			    en["insecure.title"]));
			// Nothing is sent, and nothing of a secret asked for.
			assert.ok(page.requests.every(({ method, url }) =>
			    method === "GET" && !/secrets|req/.test(
				new URL(url).pathname.split("/api/")[1] ?? "")));
			await inspect(page, "insecure");
			if (path === "") {
				await visit(page, "about/", OTHER);
				assert.equal(await page.innerText("h1"),
				    en["about.title"]);
			}
		}
	});

await journey("words that take their time", async newPage => {
	for (const path of PAGES) {
		const page = await newPage();
		let go = null;
		const held = new Promise(resolve => {
			go = resolve;
		});
		await page.route("**/text/**", async route => {
			await held;
			await route.continue();
		});
		await page.goto(new URL(path, SITE).href);
		await page.waitForSelector('[data-state="loading"] h1');
		await inspect(page, "loading");
		go();
		await page.waitForSelector("body[data-started]");
	}
});

await journey("words that do not arrive", async newPage => {
	const page = await newPage({ quiet: /\/text\// });
	await page.route("**/text/**", route => route.abort());
	for (const path of PAGES) {
		await visit(page, path);
		await shown(page, "broken");
		await focusOnHeading(page);
		await inspect(page, "broken");
	}
	// Another language that does not arrive leaves what is there.
	await page.unroute("**/text/**");
	await visit(page, "about/");
	await page.route("**/text/**", route => route.abort());
	await page.click("[data-languages] button");
	await page.click("[data-languages] button");
	assert.equal(await page.innerText("h1"), en["about.title"]);
});

await journey("an address that leads nowhere", async newPage => {
	const page = await newPage({ quiet: /nothing/ });
	for (const path of ["nothing", "read/nothing", "no/thing/nothing.html"]) {
		const answer = await visit(page, path);
		assert.equal(answer.status(), 404);
		assert.ok((await page.innerText("main")).includes(
		    words("en", "missing")["missing.title"]));
		assert.equal(await page.evaluate(() => getComputedStyle(
		    document.querySelector("main")).maxWidth), "608px");
	}
	await inspect(page, "missing");
	await page.click("main a");
	assert.equal(page.url(), SITE);
});

await journey("a %23 in an address leads to no other host",
    async newPage => {
	const page = await newPage({ quiet: /%23|other/ });

	await page.goto(SITE + "/other.invalid/read/%23x");
	await page.waitForFunction(() => location.hash === "#x");
	assert.equal(new URL(page.url()).origin, new URL(SITE).origin);
});

await journey("a page that cannot be had now", async newPage => {
	const page = await newPage({ language: "sv-SE", quiet: /about/ });
	const body = await ask("error_file", { name: "503.html" });
	await page.route("**/about/", async route => {
		const { headers } = await ask("request",
		    { method: "GET", path: "/about/" });
		delete headers["content-length"];
		await route.fulfill({ status: 503, headers, body });
	});
	await visit(page, "about/");
	assert.equal(await page.innerText("h1"),
	    words("sv", "busy")["busy.title"]);
	await inspect(page, "busy");
});

const LOGO = '<svg xmlns="http://www.w3.org/2000/svg" width="40" ' +
    'height="40"><rect width="40" height="40" fill="#a03"/></svg>';

await journey("a site's own name, colours, logo and links",
	async newPage => {
		await ask("site_file", { name: "site/logo.svg", text: LOGO });
		await ask("site_file", { name: "site.json", text: JSON.stringify({
			name: "Secrets at Example",
			colours: { accent: "#a60038", ground: "#fdf6e9",
				ink: "#22150a" },
			logo: "site/logo.svg",
			links: [
				{ text: "Help desk", href: "/help" },
				{ text: "Privacy",
					href: "https://example.org/p" },
				{ text: "Bad", href: "javascript:alert(1)" },
				{ text: "", href: "/x" },
			],
		}) });
		const page = await newPage();
		await visit(page, "about/");
		await page.waitForSelector("header img");
		assert.equal((await page.innerText(".home")).trim(),
		    "Secrets at Example");
		assert.equal(await page.title(),
		    `${en["about.page"]} · Secrets at Example`);
		assert.deepEqual(await page.locator("footer a").allInnerTexts(),
		    [en["common.about"], "Help desk", "Privacy"]);
		assert.equal(await page.evaluate(() => getComputedStyle(
		    document.body).backgroundColor), "rgb(253, 246, 233)");
		assert.ok(await page.evaluate(() =>
		    document.querySelector("header img").naturalWidth) > 0);
		await inspect(page, "site-about");
		await visit(page, "");
		await axe(page, "site-create");
		await screenshots(page, "site-create");
		// The name stays when the language changes.
		await page.click('[data-languages] [lang="sv"]');
		await page.waitForSelector('html[lang="sv"]');
		assert.equal((await page.innerText(".home")).trim(),
		    "Secrets at Example");
	});

await journey("a site file with anything in it breaks nothing",
	async newPage => {
		const page = await newPage({ quiet: /\/site\/none|\/api\/v2\// });
		for (const text of ["", "null", "[]", "7", "{", '"x"',
			JSON.stringify({ name: 7, colours: 7, logo: {},
				links: { length: 3 } }),
			JSON.stringify({ name: "<b>x</b>".repeat(40),
				colours: { accent: "red; }", ground: "#777",
					ink: "#888" },
				logo: "https://other.example/logo.png",
				links: [null, 7, { href: "/x" },
					{ text: "data", href: "data:,x" }] }),
			JSON.stringify({ logo: "site/none.png",
				colours: { accent: "#ff0" } }),
			JSON.stringify({ logo: "//other.example/x.png",
				colours: { accent: "#fff", ground: "#000",
					ink: "#fff" } })]) {
			await ask("site_file", { name: "site.json", text });
			await visit(page, "about/");
			await axe(page, text);
			assert.equal(await page.locator("b").count(), 0);
		}
		// A name is text.
		await ask("site_file", { name: "site.json",
			text: JSON.stringify({ name: "<b>x</b>" }) });
		await visit(page, "about/");
		assert.equal(await page.innerText(".home"), "<b>x</b>");
	});

await finish();
