# SPDX-License-Identifier: ISC
"""The words of the pages: both languages have the same, each page has what its
HTML and its modules ask for, and nothing is left that nobody asks for."""

import html.parser
import json
import os
import re
import unittest

from oncelink_site import SRCDIR
from oncelink_test import main

HTDOCS = os.path.join(SRCDIR, "htdocs")
TEXT = os.path.join(HTDOCS, "text")
SCRIPTS = os.path.join(HTDOCS, "js")

# Where a page is, and which words it asks for.
PAGES = {
    "index.html": "create",
    "read/index.html": "read",
    "receipt/index.html": "receipt",
    "request/index.html": "request",
    "about/index.html": "about",
    "../conf/error/404.html": "missing",
    "../conf/error/503.html": "busy",
}

VOID = {"meta", "link", "input", "br", "hr", "img", "wbr"}


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def no_repeats(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise AssertionError("a key is there twice: %r" % (
            sorted(key for key, _ in pairs),))
    return found


def catalogue(language, name):
    return json.loads(read(TEXT, language, name + ".json"),
                      object_pairs_hook=no_repeats)


class Page(html.parser.HTMLParser):
    """Which keys an HTML file names, and what stands there in their place."""

    def __init__(self, text):
        super().__init__()
        self.stack = []
        self.texts = []         # key, text, is it in something hidden?
        self.attributes = []    # key, value of the attribute, hidden?
        self.scripts = []
        self.problems = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        hidden = "hidden" in attributes or any(
            entry["hidden"] for entry in self.stack)
        if tag == "script":
            self.scripts.append(attributes.get("src"))
        for name, value in attrs:
            if name == "style" or name.startswith("on"):
                self.problems.append("%s=%r" % (name, value))
            if name.startswith("data-text-"):
                word = name[len("data-text-"):]
                self.attributes.append((
                    value, attributes.get({"label": "aria-label"}.get(
                        word, word)), hidden))
        if tag not in VOID:
            self.stack.append({"tag": tag, "hidden": hidden, "text": "",
                               "key": attributes.get("data-text")})

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        entry = self.stack.pop()
        if entry["tag"] != tag:
            self.problems.append("</%s> ends <%s>" % (tag, entry["tag"]))
        if entry["key"] is not None:
            self.texts.append((entry["key"], entry["text"],
                               entry["hidden"]))
        if tag in ("script", "style") and entry["text"]:
            self.problems.append("<%s> within the page" % tag)

    def handle_data(self, data):
        if self.stack:
            self.stack[-1]["text"] += data


def modules(name, found=None):
    """A module and all that it may load."""
    found = set() if found is None else found
    if name not in found:
        found.add(name)
        for other in re.findall(
                r'(?:from|import)\s*\(?\s*"\./([a-z0-9-]+\.js)"',
                read(SCRIPTS, name)):
            modules(other, found)
    return found


def asked_for(text):
    """The keys in a module, as patterns: `${…}` stands for anything."""
    prefixes = "|".join(sorted(
        {key.split(".")[0] for name in os.listdir(os.path.join(TEXT, "en"))
         for key in catalogue("en", name[:-5])}))
    keys = re.findall(r'"((?:%s)\.[a-z0-9.-]+)"' % prefixes, text)
    # One that ends in a dot is the beginning of some.
    patterns = [re.escape(key) + ("[a-z0-9.-]+" if key.endswith(".") else "")
                for key in keys]
    for key in re.findall(r"`((?:(?:%s)|\$\{[^`{}]*(?:`[^`]*`)?[^`{}]*\})"
                          r"\.[^`\s]*)`" % prefixes, text):
        patterns.append("[a-z0-9.-]+".join(
            re.escape(part) for part in re.split(r"\$\{[^}]*\}", key)))
    return patterns


def matches(pattern, keys):
    """Those that a pattern may mean, plurals too."""
    whole = re.compile(r"(?:%s)(?:\.(?:one|other))?" % pattern)
    return {key for key in keys if whole.fullmatch(key)}


class Words(unittest.TestCase):

    def test_languages(self):
        """every language has the same keys, with the same {names}"""
        names = sorted(os.listdir(os.path.join(TEXT, "en")))
        for language in os.listdir(TEXT):
            self.assertEqual(
                sorted(os.listdir(os.path.join(TEXT, language))), names)
            for name in names:
                english = catalogue("en", name[:-5])
                other = catalogue(language, name[:-5])
                self.assertEqual(sorted(other), sorted(english), name)
                for key, text in other.items():
                    self.assertEqual(
                        set(re.findall(r"\{\w+\}", text)),
                        set(re.findall(r"\{\w+\}", english[key])),
                        (language, key))
                    self.assertEqual(text, text.strip())
                    self.assertNotEqual(text, "", (language, key))

    def test_once(self):
        """no page has a key that is common to all"""
        for language in os.listdir(TEXT):
            common = catalogue(language, "common")
            for name in PAGES.values():
                self.assertEqual(
                    set(common) & set(catalogue(language, name)), set())

    def test_html(self):
        """what stands in the HTML is the English text, and nothing in it is
        inline"""
        for path, name in PAGES.items():
            page = Page(read(HTDOCS, path))
            self.assertEqual(page.problems, [], path)
            words = {**catalogue("en", "common"), **catalogue("en", name)}
            self.assertGreater(len(page.texts), 4, path)
            for key, text, hidden in page.texts + page.attributes:
                self.assertIn(key, words, path)
                # Nobody sees it before the words are there.
                if hidden and not text:
                    continue
                self.assertEqual(text, words[key], (path, key))

    def test_modules(self):
        """every key that a module asks for is there, and every key that is
        there is asked for"""
        used = {name: set() for name in [*PAGES.values(), "common"]}
        reach = {}
        for path, name in PAGES.items():
            page = Page(read(HTDOCS, path))
            self.assertEqual(len(page.scripts), 1, path)
            found = modules(os.path.basename(page.scripts[0]))
            for key, _, _ in page.texts + page.attributes:
                used[name].add(key)
                used["common"].add(key)
            used[name].add(name + ".page")
            for module in found:
                reach.setdefault(module, set()).add(name)
        self.assertEqual(
            sorted(reach), sorted(
                name for name in os.listdir(SCRIPTS)
                if name.endswith(".js")), "modules that no page loads")
        for module, names in reach.items():
            for pattern in asked_for(read(SCRIPTS, module)):
                met = False
                for name in [*names, "common"]:
                    keys = matches(pattern, catalogue("en", name))
                    used[name] |= keys
                    met = met or bool(keys)
                self.assertTrue(met, "%s: %s" % (module, pattern))
        for name, keys in used.items():
            self.assertEqual(set(catalogue("en", name)) - keys, set(),
                             name + ".json")


if __name__ == "__main__":
    main()
