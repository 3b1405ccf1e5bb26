// SPDX-License-Identifier: ISC
//
// The page that explains: nothing but words.

import { start } from "./page.js";

await start("about", { needsCrypto: false });
