# SPDX-License-Identifier: ISC
"""Pages in a real browser, before a real site: runs tests/pages/NAME.mjs and
answers what it asks.

The program in Node.js prints one JSON object a line.  {"journey", "problem"}
is the end of a journey, well where problem is null; {"note"} is a figure worth
seeing; {"inspected"} is a page, its state and its heading, whose looks were
found well; {"ask", "call", "with"} asks this side for something that a browser
cannot do, and one line {"ask", "value"} or {"ask", "failed"} goes back.  What
may be asked is a method of Asked; a test adds others.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time

from oncelink_site import BUILDDIR, NODE_MODULES, SRCDIR
from oncelink_test import SiteTest, note
from oncelink_wire import (
    FRAME_TYPE, JSON_TYPE, native_creation, unb64u,
)
from test_words import (
    HTDOCS, SCRIPTS, TEXT, Page, asked_for, catalogue, matches, modules, read,
)
from test_words import PAGES as WORDS

PAGES = os.path.join(SRCDIR, "tests", "pages")

# Made by the tests, for people to look at.
SCREENSHOTS = os.path.join(BUILDDIR, "screenshots")

# A name that leads to this machine and is not localhost: to a browser, what
# comes from there by plain http is not safe.
OTHER_NAME = "secrets.test"

# States that all pages have alike; the journeys of all pages look at them.
ALIKE = {"loading", "broken", "insecure"}


def states(path):
    """What a page may show, as its file and its modules say: states, each with
    the key of a heading, or its text where that has none."""
    text = read(HTDOCS, path)
    keys = {**catalogue("en", "common"), **catalogue("en", WORDS[path])}
    sources = "".join(read(SCRIPTS, name) for name in modules(
        os.path.basename(Page(text).scripts[0])))
    sections = re.findall(
        r'<section data-state="([a-z]+)"[^>]*>\s*<h1([^>]*)>([^<]*)', text)
    if not sections:
        return {(None, re.search(r'<h1 data-text="([^"]+)"', text).group(1))}
    if len(sections) != text.count("<section"):
        raise AssertionError("a state without a heading in " + path)
    found = {*re.findall(r'addState\("([a-z]+)", "([^"]+)"', sources)}
    vague = []
    for state, attributes, heading in sections:
        name = re.search(r'(data-text|id|data-receipt)="([^"]+)"', attributes)
        if name is None:
            found.add((state, heading))
        elif name.group(1) == "data-text":
            found.add((state, name.group(2)))
        else:
            for value in re.findall(r'put\((?:at|part)\("%s"\),([^;]*);'
                                    % name.group(2), sources):
                for pattern in asked_for(value):
                    met = matches(pattern, keys)
                    if len(met) == 1:
                        found.add((state, *met))
                    else:
                        vague.append((state, met))
    # `read.${why}.title` does not mean those of other states.
    sure = {key for _, key in found}
    return found | {(state, key) for state, met in vague for key in met - sure}


class Asked:
    """What a journey may ask for."""

    def __init__(self, site):
        self.site = site
        self.keys = None

    def stop(self):
        """The worker ends; the web server stays."""
        self.site.stop_workers()

    def start(self):
        """The worker is there again."""
        self.site.workers.append(self.site.start_worker(0))

    def expire(self):
        """The time of every secret is over."""
        over = int(time.time() * 1000) - 1000
        with self.site.writer() as database:
            database.execute(
                "UPDATE secret SET expires_at = ?, due_at = ?", (over, over))

    def end_claims(self):
        """The time of every claim is over."""
        with self.site.writer() as database:
            database.execute("UPDATE claim SET until = ?",
                             (int(time.time() * 1000) - 1000,))

    def settings(self, changes):
        """The worker starts anew with other settings."""
        self.site.stop_workers()
        self.site.configure(**changes)
        self.start()

    def log(self):
        """Everything that worker and web server wrote for people."""
        return self.site.log()

    def request(self, method, path, body=None, headers=None):
        """An answer to a program that is no browser."""
        answer = self.site.request(
            method, path, None if body is None else body.encode(), headers)
        return {"status": answer.status, "headers": dict(answer.headers),
                "body": answer.body.decode("utf-8", "replace")}

    def native(self, call, members):
        """A JSON call of our own interface."""
        return self.request("POST", "/api/v2/" + call, json.dumps(members),
                            {"Content-Type": JSON_TYPE})

    def create(self, secret, receipt, envelope, **members):
        """A secret of our own interface; bytes are base64url."""
        answer = self.site.request(
            "POST", "/api/v2/secrets", native_creation(
                unb64u(secret), unb64u(receipt),
                unb64u(envelope),
                **{"expires_in": 3600, **members}),
            {"Content-Type": FRAME_TYPE})
        return answer.status

    def safesecrets(self, message, pin="12345", exp=3600):
        """The key of a new secret of SafeSecrets."""
        return self.site.safesecrets_create(message, pin, exp).json()["key"]

    def onetime(self, message, passphrase="open sesame"):
        """The id of a new secret of One Time Secret App."""
        return self.site.onetime_create(message, passphrase).json()["id"]

    def passwordlink(self, path, members):
        """A call of password.link's interface, by an account of its own."""
        if self.keys is None:
            self.keys = self.site.api_keys("pages")[0]
        return self.site.post("/api/" + path, members, self.keys).json()


class PagesTest(SiteTest):
    """A test case whose journeys are in Node.js."""

    # Chromium without its windows, which takes half of the time; a test that
    # needs them says "chromium".
    browser = "chromium-headless-shell"

    def setUp(self):
        super().setUp()
        self.inspected = set()

    def assertInspected(self, *paths, alike=False):
        """Journeys have looked at each state of these pages, or at those that
        all pages have alike."""
        if {"ONCELINK_JOURNEY", "ONCELINK_INSPECT"} & set(os.environ):
            return
        for path in paths:
            missed = set()
            for state, key in states(path):
                texts = {
                    {**catalogue(language, "common"),
                     **catalogue(language, WORDS[path])}.get(key, key)
                    for language in os.listdir(TEXT)}
                if ((state in ALIKE) == alike and not self.inspected & {
                        (WORDS[path], state, text) for text in texts}):
                    missed.add((state, key))
            self.assertEqual(missed, set(), path)

    def journeys(self, name, site, asked=None, path="/", **environment):
        """Run tests/pages/NAME.mjs on a site; a failed journey is a failed
        sub-test."""
        asked = asked or Asked(site)
        if not os.path.isdir(os.path.join(NODE_MODULES, "playwright-core")):
            raise AssertionError("playwright-core is not in %s: ./bootstrap "
                                 "check puts it there" % NODE_MODULES)
        os.makedirs(SCREENSHOTS, exist_ok=True)
        scratch = os.path.join(site.directory, "browser")
        os.makedirs(scratch, exist_ok=True)
        pages = os.path.join(scratch, "htdocs")
        if not os.path.isdir(pages):
            shutil.copytree(os.path.join(SRCDIR, "htdocs"), pages,
                            copy_function=shutil.copyfile)
            os.chmod(pages, 0o700)
            # Old Node.js takes .js for a module only where a package says so.
            with open(os.path.join(pages, "package.json"), "w",
                      encoding="ascii") as file:
                file.write('{"type": "module"}\n')
        url = "http://127.0.0.1:%d%s%s" % (site.port, site.prefix, path)
        child = subprocess.Popen(
            ["node", os.path.join(PAGES, name + ".mjs")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            start_new_session=True, env={
                **os.environ,
                "ONCELINK_NODE_MODULES": NODE_MODULES,
                "ONCELINK_URL": url,
                "ONCELINK_OTHER_URL": url.replace("127.0.0.1", OTHER_NAME),
                "ONCELINK_OTHER_NAME": OTHER_NAME,
                "ONCELINK_SCREENSHOTS": SCREENSHOTS,
                "ONCELINK_BROWSER": shutil.which(self.browser) or self.browser,
                "ONCELINK_PAGES": pages,
                "ONCELINK_VECTORS": os.path.join(SRCDIR, "tests", "vectors"),
                # What the browser writes goes with the site.
                "HOME": scratch, "TMPDIR": scratch,
                "XDG_CONFIG_HOME": scratch, "XDG_CACHE_HOME": scratch,
                **environment,
            })
        told = 0
        try:
            for line in child.stdout:
                told += self.heard(child, asked, json.loads(line))
            status = child.wait(60)
        finally:
            self.end(child)
        self.assertEqual(status, 0, name + ".mjs")
        self.assertGreater(told, 0, "no journey in " + name)

    def heard(self, child, asked, message):
        """One line; how many journeys ended by it."""
        if "journey" in message:
            with self.subTest(journey=message["journey"]):
                self.assertIsNone(message["problem"], message["problem"])
            return 1
        if "inspected" in message:
            self.inspected.add(tuple(message["inspected"]))
            return 0
        if "note" in message:
            note(message["note"])
            return 0
        try:
            value = getattr(asked, message["call"])(**message["with"])
            reply = {"ask": message["ask"], "value": value}
        except Exception as failure:    # told to who asked
            reply = {"ask": message["ask"], "failed": repr(failure)}
        child.stdin.write(json.dumps(reply).encode() + b"\n")
        child.stdin.flush()
        return 0

    def end(self, child):
        """The program and its browser, however far they came."""
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        child.wait()
        child.stdin.close()
        child.stdout.close()
