// SPDX-License-Identifier: ISC
//
// Starts its page.

import { show, start } from "./page.js";

if (await start("request") !== null)
	show("form", { focus: false });
