// SPDX-License-Identifier: ISC
//
// How a file comes into a page: picked, dropped or pasted.

const only = (files) => files.length === 1 ? files[0] : null;

const hasFiles = (transfer) => transfer?.types.includes("Files") ?? false;

// Calls taken(file), or taken(null) when there were several, when one is picked
// by button and input, dropped anywhere on the page, or pasted.  While one
// hangs above the page, it has the class `dropping`.
export function takeFiles(button, input, taken) {
	const root = document.documentElement;

	button.addEventListener("click", () => input.click());
	input.addEventListener("change", () => {
		if (input.files.length > 0)
			taken(only(input.files));
		// The same file can be picked again.
		input.value = "";
	});
	document.addEventListener("dragover", (event) => {
		if (!hasFiles(event.dataTransfer))
			return;
		event.preventDefault();
		event.dataTransfer.dropEffect = "copy";
		root.classList.add("dropping");
	});
	document.addEventListener("dragleave", (event) => {
		if (event.relatedTarget === null)
			root.classList.remove("dropping");
	});
	document.addEventListener("drop", (event) => {
		root.classList.remove("dropping");
		if (!hasFiles(event.dataTransfer))
			return;
		// The browser would leave the page and show the file.
		event.preventDefault();
		taken(only(event.dataTransfer.files));
	});
	document.addEventListener("paste", (event) => {
		const clipboard = event.clipboardData;

		// Programs put a picture of the text beside the text.
		if (!hasFiles(clipboard) || clipboard.types.includes("text/plain"))
			return;
		event.preventDefault();
		taken(only(clipboard.files));
	});
}
