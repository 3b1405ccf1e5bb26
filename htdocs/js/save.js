// SPDX-License-Identifier: ISC
//
// How a file leaves a page: saved, never shown or run.

// Long enough for a browser to have taken the bytes.
const SAVING_MS = 60 * 1000;

// Hands bytes to the browser's downloads under this name, which is safe
// already, as something that no program is known for.
export function saveFile(name, bytes) {
	const address = URL.createObjectURL(
		new Blob([bytes], { type: "application/octet-stream" }));
	const link = document.createElement("a");

	link.href = address;
	link.download = name;
	link.hidden = true;
	document.body.append(link);
	link.click();
	link.remove();
	setTimeout(() => URL.revokeObjectURL(address), SAVING_MS);
}
