// SPDX-License-Identifier: ISC
//
// What a site changes about its pages: site.json has a name, three colours, a
// logo and links.  Whatever stands there, text stays readable and nothing is
// asked of another host.

const BASE = new URL("..", import.meta.url);

// #rgb or #rrggbb as three numbers, or null.
export function parseColour(text) {
	if (!/^#(?:[0-9a-f]{3}|[0-9a-f]{6})$/i.test(text))
		return null;
	const digits = text.length === 4 ?
	    [...text.slice(1)].map(digit => digit + digit) :
	    text.slice(1).match(/../g);
	return digits.map(pair => parseInt(pair, 16));
}

function luminance(colour) {
	const [r, g, b] = colour.map(part => {
		const x = part / 255;
		return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
	});
	return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

// WCAG's contrast of two colours, 1 to 21.
export function contrast(one, other) {
	const [dark, light] = [luminance(one), luminance(other)]
	    .sort((a, b) => a - b);
	return (light + 0.05) / (dark + 0.05);
}

function mix(one, other, share) {
	return one.map((part, i) =>
	    Math.round(part * (1 - share) + other[i] * share));
}

// The colour itself, or as much nearer to `end` as it takes to be told from
// the ground: links and rims of buttons are in it.
function readable(colour, ground, end) {
	for (let share = 0; share < 1; share += 0.05) {
		const mixed = mix(colour, end, share);
		if (contrast(mixed, ground) >= 4.8)
			return mixed;
	}
	return end;
}

const BLACK = [0, 0, 0];
const WHITE = [255, 255, 255];

// The custom properties that follow from a site's colours.  Ground and ink
// change places in the dark.  A pair that is hard to read is not taken.
export function palette(colours = {}) {
	const accent = parseColour(colours.accent ?? "");
	const ground = parseColour(colours.ground ?? "");
	const ink = parseColour(colours.ink ?? "");
	const pair = ground !== null && ink !== null &&
	    contrast(ground, ink) >= 10;
	const [light, dark] = pair && luminance(ground) < luminance(ink) ?
	    [ink, ground] : [ground, ink];
	const found = {};
	for (const [scheme, back, front, usual] of [
		["light", light, dark, [WHITE, [26, 29, 33]]],
		["dark", dark, light, [[21, 24, 27], [236, 238, 240]]],
	]) {
		const [below, above] = pair ? [back, front] : usual;
		if (pair) {
			found[`--${scheme}-ground`] = below;
			found[`--${scheme}-ink`] = above;
		}
		if (accent !== null) {
			const shown = readable(accent, below, above);
			found[`--${scheme}-accent`] = shown;
			found[`--${scheme}-on-accent`] =
			    contrast(shown, WHITE) >= contrast(shown, BLACK) ?
			    WHITE : BLACK;
		}
	}
	return Object.fromEntries(Object.entries(found).map(
	    ([name, colour]) => [name, `rgb(${colour.join(" ")})`]));
}

// An address that a page may show: of this site, or http(s).
function address(text, sameSite) {
	let url;
	try {
		url = new URL(text, BASE);
	} catch {
		return null;
	}
	if (url.protocol !== "https:" && url.protocol !== "http:")
		return null;
	return sameSite && url.origin !== BASE.origin ? null : url.href;
}

// The site file, checked member by member.
function checked(found) {
	const text = value => typeof value === "string" ? value.trim() : "";
	const links = Array.isArray(found.links) ? found.links : [];
	return {
		name: text(found.name).slice(0, 60),
		logo: text(found.logo) && address(text(found.logo), true),
		properties: palette(found.colours ?? {}),
		links: links.map(link => ({
			text: text(link?.text).slice(0, 60),
			href: text(link?.href) && address(link.href, false),
		})).filter(link => link.text && link.href).slice(0, 8),
	};
}

// Show what a site file says; what of it is good is returned.  Of style, only
// custom properties are set, one by one.
export function dress(found) {
	const site = checked(found);
	for (const [name, value] of Object.entries(site.properties))
		document.documentElement.style.setProperty(name, value);
	const home = document.querySelector(".home");
	if (home !== null && site.logo) {
		const image = document.createElement("img");
		image.alt = "";
		image.src = site.logo;
		image.addEventListener("error", () => image.remove());
		home.prepend(image);
	}
	const footer = document.querySelector("footer.site");
	for (const link of site.links) {
		const element = document.createElement("a");
		element.href = link.href;
		element.rel = "noreferrer noopener";
		element.textContent = link.text;
		footer?.append(element);
	}
	return site;
}
