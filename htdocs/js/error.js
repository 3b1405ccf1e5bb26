// SPDX-License-Identifier: ISC
//
// The pages of the web server's own errors: their words, and a link that some
// program mended too much.

import { start } from "./page.js";

// Some mail programs write the `#` of a link as `%23`, and then the browser
// asks the server for what was never meant for it.
const meant = location.pathname.replace(/%(?:25)*23/, "#");

if (meant !== location.pathname)
	location.replace(meant + location.search);
else
	await start(document.body.dataset.page, { needsCrypto: false });
