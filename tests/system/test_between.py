# SPDX-License-Identifier: ISC
"""oncelinkctl check when what is between breaks off, changes, repeats or makes
up answers: what it did is named, nothing of the check is left, nobody else is
asked, and nothing that came gets the better of it."""

import contextlib
import random
import re
import socket
import threading

from oncelink_check import CheckTest
from oncelink_test import main, scaled
from oncelink_wire import PATIENCE, Response

HEALTH = "/api/v2/health"
REASONS = {200: "OK", 201: "Created"}


class Asked:
    """A request as it came, and how it is answered when nobody interferes."""

    def __init__(self, site, connection):
        self.site = site
        self.connection = connection
        raw = b""
        while b"\r\n\r\n" not in raw:
            part = connection.recv(1 << 16)
            if not part:
                raise ConnectionError("no request")
            raw += part
        head, _, self.body = raw.partition(b"\r\n\r\n")
        line, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.path, _ = line.split(" ", 2)
        self.headers = {}
        for text in lines:
            name, _, value = text.partition(":")
            self.headers[name.upper().replace("-", "_")] = value.strip()
        length = int(self.headers.get("CONTENT_LENGTH", "0"))
        while len(self.body) < length:
            self.body += connection.recv(1 << 18)

    def pass_on(self):
        """The worker's own answer."""
        extra = {"HTTP_" + name: value
                 for name, value in self.headers.items()
                 if name not in ("CONTENT_TYPE", "CONTENT_LENGTH")}
        return self.site.direct(
            self.method, self.path,
            self.body if self.method == "POST" else None,
            self.headers.get("CONTENT_TYPE"), extra)

    def send(self, raw):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.connection.sendall(raw)

    def answer(self, response, length=None):
        """Send it; length: what its head says instead."""
        head = "HTTP/1.1 %d %s\r\n" % (
            response.status, REASONS.get(response.status, "Other"))
        headers = {**response.headers, "Connection": "close"}
        if length is not None:
            headers["Content-Length"] = str(length)
            headers.pop("content-length", None)
        for name, value in headers.items():
            head += "%s: %s\r\n" % (name, value)
        self.send(head.encode("latin-1") + b"\r\n" +
                  (b"" if self.method == "HEAD" else response.body))


class Between:
    """A web server that hands requests to a worker, if spoil(asked) does not
    answer them: that returns whether it did."""

    def __init__(self, site, spoil=lambda asked: False):
        self.site = site
        self.spoil = spoil
        self.count = 0
        self.failures = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.count += 1
            connection.settimeout(PATIENCE)
            try:
                asked = Asked(self.site, connection)
                if not self.spoil(asked):
                    asked.answer(asked.pass_on())
            except Exception as failure:    # told by the test
                self.failures.append(failure)
            finally:
                connection.close()

    def close(self):
        # Closing alone does not wake who waits.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(PATIENCE)
        self.listener.close()


# How an answer is spoilt.

def says(raw):
    """These bytes, whatever was asked for."""
    return lambda asked: asked.send(raw)


def made_up(status, headers=None, body=b"made up"):
    return lambda asked: asked.answer(Response(status, headers or {}, body))


def lost(asked):
    """It happened, and nobody hears of it."""
    asked.pass_on()


def half(asked):
    """The connection breaks in the middle of the body."""
    response = asked.pass_on()
    asked.answer(Response(
        response.status, response.headers,
        response.body[:len(response.body) // 2]), len(response.body))


def cut(asked):
    """All is in order but for the end, which is missing."""
    response = asked.pass_on()
    body = response.body[:-1]
    asked.answer(Response(response.status, response.headers, body), len(body))


def changed(pattern, text):
    """Another body of the same form."""
    def spoil(asked):
        response = asked.pass_on()
        body = re.sub(pattern, text, response.body, 1, re.S)
        assert body != response.body, response
        asked.answer(Response(response.status, response.headers, body),
                     len(body))
    return spoil


def with_header(name, value):
    def spoil(asked):
        response = asked.pass_on()
        response.headers[name] = value
        asked.answer(response)
    return spoil


def at_first(spoil):
    """Only the first time; later it passes."""
    times = []

    def once(asked):
        times.append(1)
        if len(times) > 1:
            asked.answer(asked.pass_on())
        else:
            spoil(asked)
    return once


# What is spoilt, in which requests (method and path), and which words of the
# finding name it.
PIN = "00000"
FAULTS = {
    "silence": (
        "GET " + HEALTH, says(b""), "error", ("address", "no answer")),
    "half a head": (
        "GET " + HEALTH, says(b"HTTP/1.1 200 OK\r\nContent-Ty"), "error",
        ("address", "(200) is not a worker's")),
    "half an answer": (
        "GET " + HEALTH, half, "error", ("address", "no answer")),
    "another protocol": (
        "GET " + HEALTH, says(b"SSH-2.0-OpenSSH_9.2\r\n"), "error",
        ("address", "no answer")),
    "no worker": (
        "GET " + HEALTH, made_up(503), "error",
        ("address", "503", "does not reach the worker")),
    "somebody else": (
        "GET " + HEALTH, made_up(200), "error",
        ("address", "(200) is not a worker's")),
    "too many requests": (
        "POST /api/v2/secrets/peek", made_up(429), "error",
        ("address", "429", "too many")),
    "a secret that is not found": (
        "POST /api/v2/secrets/peek", made_up(404), "error",
        ("address", "another database or another key")),
    "HEAD that is answered elsewhere": (
        "HEAD /api/v1/message/.*", made_up(200), "error",
        ("HEAD", "answered 200, not 405")),
    "a prefetch that is answered elsewhere": (
        "GET /api/v1/message/.*a.*", at_first(made_up(200)), "error",
        ("prefetch", "answered 200, not 503")),
    "a key that fails": (
        "GET /api/secrets", made_up(500), "error",
        ("Authorization", "answered 500, not 200")),
    "a key without an answer": (
        "GET /api/secrets", says(b""), "error",
        ("Authorization", "no answer")),
    "a creation whose answer is lost": (
        "POST /api/v2/secrets", lost, "error", ("sizes", "no answer")),
    "an envelope that breaks off": (
        "POST /api/v2/secrets/open", half, "error", ("sizes", "no answer")),
    "an envelope without its end": (
        "POST /api/v2/secrets/open", cut, "error",
        ("sizes", "an envelope of", "does not come back as it was")),
    "an envelope with another byte": (
        "POST /api/v2/secrets/open", changed(b"\n.", b"\n\\0"), "error",
        ("sizes", "an envelope of", "does not come back as it was")),
    "a message without its end": (
        "GET /api/v1/message/[^/]*/" + PIN,
        changed(rb"\\u0001\"", b'"'), "error",
        ("sizes", "a message of", "does not come back whole")),
    "a message that is no JSON": (
        "GET /api/v1/message/[^/]*/" + PIN, cut, "error",
        ("sizes", "a message of", "does not come back whole")),
    "an attachment that is another": (
        "GET /api/secrets/.*", changed(
            rb'("attachment_ciphertext":"[^"]*QUFB)QUFB', rb"\1QUFC"),
        "error",
        ("sizes", "an attachment of", "does not come back as it was")),
    "an id that is none": (
        "POST /api/v1/message", changed(b'"key":"[^"]*"', b'"key":"none"'),
        "error", ("sizes", "a message of", "answered 201")),
    "an answer that is older": (
        "GET " + HEALTH, with_header("Age", "7"), "error",
        ("caches", "age: 7")),
    "a cache that says so": (
        "GET " + HEALTH, with_header("X-Cache", "HIT from between"), "error",
        ("caches", "x-cache: HIT")),
    "a version that would colour the terminal": (
        "GET /", with_header("Server", "nginx/1.2\x1b[31m\x07\xff"),
        "warning", ("answers", "nginx/1.2?[31m??")),
}

# What is left behind by the check when nobody can know its name: it expires.
NAMELESS = ("an id that is none",)


class BetweenTest(CheckTest):
    """One site, and what is put before it."""

    def small_site(self):
        """As in earnest, but that all goes through this program."""
        return self.earnest_site(server=None, settings={
            "max_envelope": "256K", "max_message": "4K",
            "max_ciphertext": "64K", "max_attachment": "256K"})

    def between(self, site, spoil=lambda asked: False):
        between = Between(site, spoil)
        self.addCleanup(between.close)
        return between

    def check(self, site, between):
        found = self.findings(site, "--url", "http://127.0.0.1:%d/" %
                              between.port)
        self.assertEqual(between.failures, [])
        return found

    @staticmethod
    def named(found, severity, words):
        return any(line[0] == severity and
                   all(word in line[1] for word in words) for line in found)

    def test_faults(self):
        """what is done to answers is named, and nothing is left behind"""
        site = self.small_site()
        accounts = site.ctl("account", "list").stdout
        plain = self.check(site, self.between(site))
        for what in ("address: it is this site", "paths: ", "sizes: ",
                     "Authorization: the header arrives"):
            self.assertTrue(self.named(plain, "ok", (what,)), plain)
        for name in random.sample(sorted(FAULTS), scaled(len(FAULTS), 5)):
            where, spoil, severity, words = FAULTS[name]
            before = self.stored(site)
            spoilt = []

            def interfere(asked):
                if not re.fullmatch(where, asked.method + " " + asked.path):
                    return False
                spoilt.append(asked.path)
                spoil(asked)
                return True
            with self.subTest(name):
                found = self.check(site, self.between(site, interfere))
                self.assertNotEqual(spoilt, [])
                self.assertTrue(self.named(found, severity, words), found)
                self.assertFalse(self.named(plain, severity, words), plain)
                if name not in NAMELESS:
                    self.assertEqual(self.stored(site), before)
                self.assertEqual(site.ctl("account", "list").stdout,
                                 accounts)

    def test_redirect(self):
        """a redirect to another host is told of and not followed"""
        site = self.small_site()
        other = self.between(site)
        place = "http://127.0.0.1:%d%s" % (other.port, HEALTH)
        for status in (301, 302, 303, 307, 308):
            with self.subTest(status):
                found = self.check(site, self.between(
                    site, lambda asked: asked.answer(Response(
                        status, {"Location": place}, b"")) or True))
                self.assertTrue(self.named(found, "error", (
                    "address", "it redirects to " + place)), found)
        self.assertEqual(other.count, 0)

    def test_interim(self):
        """what comes before the answer is not the answer"""
        site = self.small_site()

        def hint(asked):
            asked.send(b"HTTP/1.1 103 Early Hints\r\nAge: 7\r\n"
                       b"Location: http://other.test/\r\n\r\n")
            return False
        found = self.check(site, self.between(site, hint))
        self.assertTrue(self.named(found, "ok", (
            "caches: none keeps",)), found)
        self.assertTrue(self.named(found, "ok", (
            "sizes: the largest secrets",)), found)
        self.assertFalse(any("other.test" in text for _, text in found))

    def test_endless(self):
        """an answer without an end is not waited for, or kept"""
        site = self.small_site()
        sent = []

        def flood(asked):
            asked.connection.sendall(
                b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                while len(sent) < 1 << 12:
                    asked.connection.sendall(bytes(1 << 16))
                    sent.append(1)
            return True
        found = self.check(site, self.between(site, flood))
        self.assertTrue(self.named(found, "error", ("address", "no answer")),
                        found)
        # Of what was there to be had: 256 MiB.
        self.assertLess(len(sent), 1 << 10)


if __name__ == "__main__":
    main()
