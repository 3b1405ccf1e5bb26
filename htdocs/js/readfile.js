// SPDX-License-Identifier: ISC
//
// Reads a file; loaded when one is sent.

// The bytes of a file.  progress(done, total) in bytes.  Rejects when it
// cannot be read (it has gone, it is a folder) or signal is aborted.
export function readFile(file, progress, signal) {
	return new Promise((resolve, reject) => {
		const reader = new FileReader();
		const stop = () => reader.abort();

		reader.onprogress = (event) =>
			progress(event.loaded, file.size);
		reader.onloadend = () => {
			signal.removeEventListener("abort", stop);
			if (reader.error === null)
				resolve(new Uint8Array(reader.result));
			else
				reject(reader.error);
		};
		signal.addEventListener("abort", stop);
		reader.readAsArrayBuffer(file);
	});
}
