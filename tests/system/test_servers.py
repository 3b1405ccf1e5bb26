# SPDX-License-Identifier: ISC
"""Every kind of web server with what conf/ ships for it, at the root and below
a path: the faces, the pages, the links of older services."""

import contextlib
import os
import re
import socket
import time
import urllib.parse

from oncelink_faces import Through
from oncelink_sandbox import INSIDE, confined
from oncelink_server import SERVER_NAME
from oncelink_site import WORKER, wait_until
from oncelink_test import cases, main
from oncelink_wire import (
    FRAME_TYPE, JSON_TYPE, http_bytes, native_creation, native_opening,
    random_envelope, random_id, safesecrets_path,
)

UUID = "8b0b8a2e-1b1b-4c1b-8d1b-0a2e3f4a5b6c"
BASE62 = "abcdefghijABCDEFGHIJ12"

PAGE_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy":
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        "img-src 'self'; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-robots-tag": "noindex",
}

# What pages may use of a browser, and what they may not.
KEPT = ("clipboard-write", "web-share")
REFUSED = ("camera", "microphone", "geolocation", "clipboard-read",
           "display-capture", "payment", "usb")

# What pages there will be is not the web server's business: where, is.
PAGES = {
    "/favicon.svg": "image/svg+xml",
    "/robots.txt": "text/plain",
    "/read/index.html": "text/html",
    "/receipt/index.html": "text/html",
    "/request/index.html": "text/html",
    "/about/index.html": "text/html",
    "/css/planted.css": "text/css",
    "/js/planted.js": "text/javascript",
    "/js/deep/er.mjs": "text/javascript",
    "/text/xx/read.json": "application/json",
    "/site.json": "application/json",
    "/site/logo.png": "image/png",
}


class Served(Through):
    """A mixin: what any kind of web server does with a whole site."""

    kind = None
    prefix = ""

    def open_site(self, **settings):
        return self.site(self.kind, conf="shipped", prefix=self.prefix,
                         settings=settings)

    def assertPage(self, answer):
        for name, value in PAGE_HEADERS.items():
            self.assertEqual(answer.headers.get(name), value, name)
        self.assertEqual(
            answer.headers.get("cache-control"),
            "no-store" if answer.status == 302 or
            answer.headers["content-type"].startswith("text/html")
            else "no-cache")
        policy = answer.headers["permissions-policy"].split(", ")
        for name in KEPT:
            self.assertIn(name + "=(self)", policy)
        for name in REFUSED:
            self.assertIn(name + "=()", policy)

    def plant(self, site, path):
        """A page in the site's document root; its text.  What is there is
        left: web servers remember for a moment how long a file is."""
        text = b"This is %s.\n" % path.encode()
        name = site.server.words()["HTDOCS"] + path
        if os.path.exists(name):
            with open(name, "rb") as file:
                return file.read()
        os.makedirs(os.path.dirname(name), exist_ok=True)
        with open(name, "wb") as file:
            file.write(text)
        os.chmod(os.path.dirname(name), 0o755)
        os.chmod(name, 0o644)
        return text

    def test_pages(self):
        """pages with their types and headers, by GET and HEAD, and nothing
        else of the tree"""
        site = self.open_site()
        for path in ("/", "/index.html", "/?" + BASE62):
            answer = site.request("GET", path)
            self.assertStatus(answer, 200, path)
            self.assertRegex(answer.headers["content-type"], "^text/html")
            self.assertPage(answer)
        for found in re.findall(rb'(?:href|src)="([^":]+)"', answer.body):
            if not found.startswith((b"#", b"mailto:")):
                reply = site.request("GET", urllib.parse.urljoin(
                    "/", found.decode()))
                self.assertStatus(reply, 200, found)
                self.assertPage(reply)
        for path, kind in PAGES.items():
            text = self.plant(site, path)
            for way in (path, path + "?x=1",
                        *([path[:-10]] if path.endswith("index.html")
                          else [])):
                answer = site.request("GET", way)
                self.assertStatus(answer, 200, way)
                self.assertEqual(answer.body, text)
                self.assertEqual(
                    answer.headers["content-type"].split(";")[0], kind)
                self.assertPage(answer)
                head = site.request("HEAD", way)
                self.assertStatus(head, 200, way)
                self.assertEqual(head.body, b"")
                self.assertPage(head)
        for path in ("/oncelink.conf", "/state/oncelink.db", "/.git/HEAD",
                     "/../oncelink.conf", "/%2e%2e/oncelink.conf",
                     "/css/../../../oncelink.conf",
                     "/css/%2e%2e/%2e%2e/%2e%2e/oncelink.conf",
                     "/css/..%2f..%2f..%2foncelink.conf",
                     "/index.html/../../README.md", "/css/", "/js/nothing",
                     "/css/.hidden", "/.htaccess", "/oncelink.fcgi",
                     "/oncelink.cgi", "/cgi-bin/oncelink.cgi", "/index.php"):
            answer = site.request("GET", path)
            self.assertIn(answer.status, (400, 403, 404), path)
            self.assertNotIn(b"state_dir", answer.body)
            self.assertNotIn(b"planted.css", answer.body)

    def test_missing(self):
        """where there is no page, people are told so by one, at any depth;
        where there is no call, programs by an error of theirs"""
        site = self.open_site()
        for method, path in (
                ("GET", "/nothing"), ("GET", "/read/nothing"),
                ("GET", "/read/no/thing/here.html"), ("GET", "/js/none.js"),
                ("GET", "/read/%23abcdefghijklmnopqrstuvwx"),
                ("GET", "/no.html?a=b"), ("HEAD", "/nothing/"),
                ("GET", "/apinothing")):
            answer = site.request(method, path)
            self.assertStatus(answer, 404, path)
            self.assertRegex(answer.headers["content-type"], "^text/html")
            # A hoster's own page is his.
            if self.kind == "shared":
                continue
            for name, value in PAGE_HEADERS.items():
                self.assertEqual(answer.headers.get(name), value, path)
            if method == "HEAD":
                continue
            self.assertIn(b"There is nothing here", answer.body)
            found = re.findall(rb'(?:href|src)="([^"#]+)"', answer.body)
            self.assertGreater(len(found), 4)
            for address in found:
                reply = site.request("GET", address, whole=True)
                self.assertStatus(reply, 200, address)
                self.assertPage(reply)
        for path in ("/api", "/api/", "/api/v2/nothing", "/secrets/x/y",
                     "/ping/x"):
            answer = site.request("GET", path)
            self.assertStatus(answer, 404, path)
            self.assertRegex(answer.headers["content-type"],
                             "^application/(?:problem[+])?json")

    def test_reveals(self):
        """no version, no path in an answer that the web server makes"""
        site = self.open_site()
        for method, path in (
                ("GET", "/"), ("GET", "/ping"), ("GET", "/js/canarycanary"),
                ("GET", "/css/canarycanary/"), ("POST", "/css/canarycanary"),
                ("GET", "/" + BASE62), ("BREW", "/read/canarycanary"),
                ("TRACE", "/canarycanary")):
            answer = site.request(method, path)
            self.assertNotRegex(answer.headers.get("server", ""), "[0-9]")
            self.assertNotIn("x-powered-by", answer.headers)
            self.assertNotIn(b"canarycanary", answer.body, (method, path))

    def test_older_links(self):
        """links of older services lead to the page that opens them, and say
        what it says"""
        site = self.open_site()
        for path, target in (
                ("/" + BASE62, "/read/?" + BASE62),
                ("/" + BASE62 + "/", "/read/?" + BASE62),
                ("/%s?x=1" % BASE62, "/read/?" + BASE62),
                ("/message/" + UUID, "/read/#m=" + UUID),
                ("/message/" + UUID + "/", "/read/#m=" + UUID),
                ("/req/" + UUID, "/request/#" + UUID),
                ("/req/" + UUID + "/", "/request/#" + UUID),
                ("/req/" + UUID.upper(), "/request/#" + UUID.upper())):
            for method in ("GET", "HEAD"):
                answer = site.request(method, path)
                self.assertStatus(answer, 302, path)
                self.assertEqual(self.location(site, answer),
                                 self.prefix + target)
                self.assertPage(answer)
        for path in ("/" + BASE62[:-1], "/" + BASE62 + "3",
                     "/" + BASE62[:-1] + "-", "/%s/x" % BASE62,
                     "/message/", "/message/%s/12345" % UUID,
                     "/message/%3Cscript%3E", "/req/" + UUID[:-1],
                     "/req/%s/x" % UUID, "/x/message/" + UUID,
                     # Apache takes slashes at the beginning for one.
                     *(() if site.server.family == "apache"
                       else ("//" + BASE62,))):
            answer = site.request("GET", path)
            self.assertStatus(answer, 404, path)
            self.assertNotIn("location", answer.headers)

    def location(self, site, answer):
        """Where an answer leads, on this site."""
        where = urllib.parse.urlsplit(answer.headers["location"])
        if where.scheme or where.netloc:
            self.assertEqual(where.scheme, "http", answer.headers)
            self.assertIn(where.netloc, (
                SERVER_NAME, "%s:%d" % (SERVER_NAME, site.port)))
        return urllib.parse.urlunsplit(("", "", *where[2:]))

    def test_confined(self):
        """each worker is inside its sandbox, whoever starts it; plain CGI's
        while it waits for its request"""
        site = self.open_site()
        with contextlib.closing(site.connect()) as connection:
            connection.sendall(http_bytes(
                "POST", self.prefix + "/api/v1/message", b"x" * 3000,
                {"Content-Type": JSON_TYPE})[:-10])
            wait_until(lambda: self.workers_are(site) == {INSIDE},
                       "workers inside their sandboxes")

    @staticmethod
    def workers_are(site):
        """What confined says of every worker."""
        found = set()
        for process in site.workers + [site.web]:
            for pid in process.members(session=True):
                with contextlib.suppress(FileNotFoundError):
                    if os.path.basename(os.readlink("/proc/%d/exe" % pid)
                                        ) == os.path.basename(WORKER):
                        found.update(confined(pid))
        return found

    def test_slow_clients(self):
        """clients that send slowly, or do not read, hold no thread of the
        worker"""
        site = self.open_site(threads="1")
        body = native_creation(random_id(), random_id(),
                               random_envelope(1000))
        secret, claim = random_id(), random_id()
        self.assertStatus(site.native_create(
            secret, random_id(), random_envelope(20000)), 201)
        with contextlib.ExitStack() as stack:
            for method, path, content, sent in (
                    ("POST", "/api/v2/secrets", body, -10),
                    ("POST", "/api/v1/message", b"x" * 3000, -10),
                    ("GET", "/ping", None, -2),
                    ("POST", "/api/v2/secrets/open",
                     native_opening(secret, claim), None)):
                connection = stack.enter_context(
                    contextlib.closing(site.connect()))
                connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                connection.sendall(http_bytes(
                    method, self.prefix + path, content,
                    {"Content-Type": FRAME_TYPE if content is body
                     else JSON_TYPE})[:sent])
            for _ in range(5):
                started = time.monotonic()
                self.assertEqual(site.request("GET", "/ping").body, b"pong")
                self.assertLess(time.monotonic() - started, 10)

    def test_prefix(self):
        """path_prefix: below it everything, beside it nothing"""
        site = self.open_site()
        answer = site.request(
            "POST", self.prefix + "/api/v1/message",
            b'{"message":"m","exp":60,"pin":"a/b%2"}',
            {"Content-Type": "application/json"}, whole=True)
        self.assertStatus(answer, 201)
        path = safesecrets_path(answer.json()["key"], "a/b%2")
        for beside in (path, "/once" * 2 + path, "/onc" + path,
                       "/once" + path[1:], "//once" + path
                       ) if self.prefix else ("/once" + path, "/" + path):
            answer = site.request("GET", beside, whole=True)
            self.assertStatus(answer, 404, beside)
        if self.prefix:
            answer = site.request("GET", "/once", whole=True)
            self.assertIn(answer.status, (301, 302))
            self.assertEqual(self.location(site, answer), "/once/")
        self.assertStatus(
            site.request("GET", self.prefix + path, whole=True), 200)


globals().update(cases(Served, prefixes=("", "/once")))


if __name__ == "__main__":
    main()
