// SPDX-License-Identifier: ISC
//
// The pages of the web server's own errors: their words, and a link that some
// program mended too much.

import { start } from "./page.js";

// Some mail programs write the `#` of a link as `%23`, and then the browser
// asks the server for what was never meant for it.
const [path, fragment] = location.pathname.split(/%(?:25)*23(.*)/s);

// With the origin: a path that begins with // names another host.
if (fragment !== undefined)
	location.replace(`${location.origin}${path}${location.search}#` +
		fragment);
else
	await start(document.body.dataset.page, { needsCrypto: false });
