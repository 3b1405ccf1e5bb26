// SPDX-License-Identifier: ISC
//
// Starts its page.

import { show, start } from "./page.js";

if (await start("create") !== null)
	show("form", { focus: false });
