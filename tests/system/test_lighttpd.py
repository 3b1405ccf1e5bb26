# SPDX-License-Identifier: ISC
"""What is special about lighttpd: how long it waits for slow clients, and what
it says itself of requests that it refuses."""

import contextlib
import os
import re
import socket

from oncelink_hostile import unread
from oncelink_site import wait_until
from oncelink_test import SiteTest, main
from oncelink_wire import (
    JSON_TYPE, PATIENCE, http_bytes, native_opening, parse_http,
    random_envelope, random_id, read_to_end,
)

# What conf/ may say at most, in seconds; lighttpd itself says 60, 360, 5.
LONGEST = {"max-read-idle": 30, "max-write-idle": 60,
           "max-keep-alive-idle": 15}

ESTABLISHED = "01"


class LighttpdTest(SiteTest):

    def open_site(self, **options):
        return self.site("lighttpd", conf="shipped", **options)

    def begin(self, site, raw):
        """A connection on which so much of a request was read."""
        connection = site.connect()
        self.addCleanup(connection.close)
        connection.sendall(raw)
        wait_until(lambda: not unread(connection), "lighttpd to read")
        return connection


def held(connection):
    """Has the other end not closed its side of this connection?"""
    here, there = connection.getsockname(), connection.getpeername()
    with open("/proc/net/tcp", encoding="ascii") as file:
        for line in list(file)[1:]:
            fields = line.split()
            if (fields[1].endswith(":%04X" % there[1])
                    and fields[2].endswith(":%04X" % here[1])):
                return fields[3] == ESTABLISHED
    return False


class Slow(LighttpdTest):
    """A request that comes, and an answer that goes, is held meanwhile."""

    def hasty(self, name):
        """A site that waits for one second where it is shipped to wait for
        longer; in everything else it is as patient as it can be."""
        site = self.open_site(start=False)
        install = site.server.install

        def install_hasty():
            install()
            path = os.path.join(site.server.share(), "lighttpd",
                                "common.conf")
            with open(path, encoding="utf-8") as file:
                text = file.read()
            for other, most in LONGEST.items():
                pattern = r"(?m)^(server\.%s +)= (\d+)$" % other
                self.assertEqual(len(re.findall(pattern, text)), 1, other)
                shipped = int(re.search(pattern, text)[2])
                self.assertGreater(shipped, 1)
                self.assertLessEqual(shipped, most, other)
                text = re.sub(pattern, r"\1= %d" % (
                    1 if other == name else 10 * PATIENCE), text)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        site.server.install = install_hasty
        site.start()
        return site

    def spooled(self, site):
        return [name for name in os.listdir(site.server.scratch()[0])
                if name.startswith("lighttpd-upload-")]

    def test_sender(self):
        """a client that stops in the middle of a head or a body is left, and
        what it sent is gone"""
        site = self.hasty("max-read-idle")
        large = http_bytes("POST", "/api/v1/message", None, {
            "Content-Type": JSON_TYPE, "Content-Length": "200001"})
        for raw in (b"GET /ping HT", b"GET /ping HTTP/1.1\r\nHost: a\r\nX:",
                    http_bytes("POST", "/api/v1/message", None,
                               {"Content-Length": "100"}) + b"{",
                    large + b"x" * 200000):
            with self.subTest(raw[:30]):
                connection = self.begin(site, raw)
                if len(raw) > 200000:
                    # It waits in a file, as a larger one would.
                    wait_until(lambda: self.spooled(site), "a file")
                with contextlib.suppress(ConnectionResetError):
                    self.assertNotIn(b"200 OK", read_to_end(connection))
                wait_until(lambda: not self.spooled(site), "the file to go")

    def test_reader(self):
        """a client that does not read its answer is left"""
        site = self.hasty("max-write-idle")
        secret = random_id()
        self.assertStatus(site.native_create(
            secret, random_id(), random_envelope(4 * 2048)), 201)
        connection = socket.socket()
        self.addCleanup(connection.close)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(PATIENCE)
        connection.connect(("127.0.0.1", site.port))
        connection.sendall(http_bytes(
            "POST", "/api/v2/secrets/open",
            native_opening(secret, random_id()),
            {"Content-Type": JSON_TYPE}))
        # It has begun, and there is much more than buffers hold.
        self.assertNotEqual(connection.recv(100), b"")
        self.assertTrue(held(connection))
        wait_until(lambda: not held(connection), "the connection to end")
        wait_until(lambda: not self.spooled(site), "files to go")

    def test_kept(self):
        """a connection that is kept for another request is not kept for
        long"""
        site = self.hasty("max-keep-alive-idle")
        with contextlib.closing(site.connect()) as connection:
            connection.sendall(b"GET /ping HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertTrue(read_to_end(connection).endswith(b"pong"))


class Refusals(LighttpdTest):
    """lighttpd answers some requests before it knows whose they are: it has
    one form for them, and no header of ours."""

    def test_refusals(self):
        """what is too large is told so, and quoted to nobody"""
        site = self.open_site(prefix="/once")
        for path in ("/api/v1/message", "/secrets", "/api/secrets",
                     "/api/v2/secrets"):
            for status, headers in (
                    (413, {"Content-Length": "99999999"}),
                    (431, {"X-Long": "x" * 20000})):
                with self.subTest("%s %d" % (path, status)):
                    with contextlib.closing(site.connect()) as connection:
                        connection.sendall(http_bytes(
                            "POST", "/once%s?canary" % path, None, headers))
                        answer = parse_http(read_to_end(connection))
                    self.assertStatus(answer, status)
                    self.assertNotIn(b"canary", answer.body)
                    self.assertNotIn("1.4", answer.headers["server"])


if __name__ == "__main__":
    main()
