# SPDX-License-Identifier: ISC
"""Promise 6 where it is kept or broken: hostile requests, broken workers, and
what each kind of web server then writes to its logs and its files."""

import contextlib
import os
import shutil
import signal
import time

from oncelink_broken import MODES, broken_worker, notes
from oncelink_canary import Canaries, files_with, open_files_with
from oncelink_hostile import (
    FAR_TOO_LARGE, REQUESTS, Silent, Words, friendly, post, reset, unread,
    whole,
)
from oncelink_site import wait_until
from oncelink_test import cases, main, note, scaled
from oncelink_wire import (
    FRAME_TYPE, Broken, native_creation, parse_http, random_envelope,
    random_id,
)


class Hostile(Silent):
    """A mixin: one kind of web server, on shared hosting as far as a user
    without root has a say."""

    kind = None

    def open_site(self, **options):
        return self.site(self.kind, conf="shipped", **options)

    def test_requests(self):
        """hostile requests leave nothing in logs and temporary files"""
        site = self.open_site()
        everything = Canaries()
        count = 0
        for name, make in REQUESTS.items():
            with self.subTest(name):
                canaries = Canaries()
                requests = make(Words(canaries, name))
                everything.planted += canaries.planted
                count += len(requests)
                waiting = self.send(site, requests)
                try:
                    self.assertNowhere(site, canaries, name)
                finally:
                    for connection in waiting:
                        reset(connection)
        # It is still there.
        self.assertStatus(site.request("GET", "/ping"), 200)
        lines = self.end(site)
        self.assertGreater(len(lines), count // 2)
        self.assertFormat(site, lines)
        self.assertNowhere(site, everything, "at the end")
        note("%s: %d requests with %d canaries" % (
            self.kind, count, len(everything.planted)))

    def test_caught(self):
        """the same requests are found in the logs when the web server does
        as it likes"""
        site = self.open_site(leaky=True)
        canaries = Canaries()
        for name in ("a known path, unknown key", "an unknown path",
                     "links of older services", "broken escapes"):
            for connection in self.send(
                    site, REQUESTS[name](Words(canaries, name))):
                reset(connection)
        self.end(site)
        found = set()
        for words in files_with(canaries, *self.places(site)).values():
            found.update(words)
        for what in ("key", "PIN", "Referer"):
            self.assertIn("a known path, unknown key: " + what, found)
        for what in ("an unknown path: path", "broken escapes: path",
                     "links of older services: older link"):
            self.assertIn(what, found)

    def test_broken_workers(self):
        """workers that die, hang and talk nonsense: the web server tells
        nobody what was asked for"""
        for mode in MODES:
            with self.subTest(mode):
                self.broken(mode)

    def broken(self, mode):
        site = self.open_site(start=False)
        site.break_workers(broken_worker(site.directory, mode))
        site.start()
        canaries = Canaries()
        words = Words(canaries, mode)
        waiting = self.send(site, friendly(words) + [
            whole(words, "HEAD"), post(words, words.json(900000)),
            whole(words, "POST", "/api/v2/secrets",
                  ["Content-Type: " + FRAME_TYPE], words.json(200000))])
        if mode == "hangs":
            self.assertGreaterEqual(len(waiting), 3)
        self.assertNowhere(site, canaries, mode,
                           spool=site.server.spools_above is not None)
        for connection in waiting:
            reset(connection)
        wait_until(lambda: not files_with(canaries, *site.server.scratch()),
                   "temporary files to go")
        self.assertFormat(site, self.end(site))
        self.assertNowhere(site, canaries, mode + ", at the end")

    def test_no_worker(self):
        """a worker that is gone and cannot be started again"""
        site = self.open_site(start=False)
        place = os.path.join(site.directory, "gone")
        os.mkdir(place)
        os.chmod(place, 0o755)
        worker = shutil.copy(site.programs["WORKER"], place)
        site.programs = {**site.programs, "WORKER": worker}
        site.start()
        os.unlink(worker)
        for process in self.processes(site):
            with contextlib.suppress(OSError):
                with open("/proc/%d/comm" % process,
                          encoding="ascii") as file:
                    if file.read().strip() == "oncelink.fcgi":
                        os.kill(process, signal.SIGKILL)
        for process in site.workers:
            process.wait()
        site.workers = []
        canaries = Canaries()
        words = Words(canaries, "no worker")
        for connection in self.send(site, friendly(words) + [
                whole(words, "HEAD"), post(words, words.json(200000))]):
            reset(connection)
        for path in ("/ping", "/api/v1/message/x/y"):
            answer = site.request("GET", path)
            # To Apache a program that is not there is a page that is not.
            self.assertIn(answer.status, (404, 500, 502, 503), answer)
            self.assertNotIn(b"message/x", answer.body)
        self.assertStatus(site.request("GET", "/"), 200)
        self.assertNowhere(site, canaries, "no worker")
        self.assertFormat(site, self.end(site))
        self.assertNowhere(site, canaries, "no worker, at the end")

    def test_sent_once(self):
        """a request that a worker got and did not answer, or in part, is
        sent to no worker again, for it would use a secret up; and no
        connection to a worker is kept, for it would hold a thread"""
        for mode in ("closes", "cut", "dies"):
            with self.subTest(mode):
                site = self.open_site(start=False)
                program = broken_worker(site.directory, mode)
                site.break_workers(program)
                site.start()
                for number in range(4):
                    with contextlib.suppress(Broken):
                        answer = site.request(
                            "POST" if number % 2 else "GET",
                            "/ping?sent-%d-sent" % number,
                            b"x" * 100 if number % 2 else None)
                        self.assertNotEqual(answer.body, b"pong")
                got = notes(program)
                if mode != "dies":
                    self.assertEqual([word for word, _ in got], list("0123"))
                # Who comes after one that died may find nobody there.
                self.assertEqual(got[0][0], "0")
                self.assertEqual(len(got), len(set(got)))
                self.assertFalse(any(kept for _, kept in got), got)

    def test_answers_of_broken_workers(self):
        """what a worker that talks nonsense says is no answer"""
        for mode in ("dies", "garbage", "no head"):
            with self.subTest(mode):
                site = self.open_site(start=False)
                site.break_workers(broken_worker(site.directory, mode))
                site.start()
                for path in ("/ping", "/api/v1/message/x/y"):
                    try:
                        answer = site.request("GET", path)
                    except Broken:
                        continue
                    self.assertGreaterEqual(answer.status, 500, answer)
                    self.assertNotIn(b"message/x", answer.body)
                self.assertStatus(site.request("GET", "/"), 200)

    def test_half_sent(self):
        """a secret that comes slowly is in no file while the rest is
        awaited; what is sealed may wait in memory's files, and is gone when
        the client is"""
        site = self.open_site()
        limit = site.server.spools_above
        for size, target, kind in (
                (2000, "/api/v1/message", "application/json"),
                (60000, "/secrets", "application/json"),
                (60000, "/api/secrets", "application/json"),
                (380000, "/api/v1/message", "application/json"),
                (380000, "/api/secrets", "application/json")):
            with self.subTest("%d bytes to %s" % (size, target)):
                canaries = Canaries()
                words = Words(canaries, "half")
                body = words.json(size)
                connection = self.half(site, whole(
                    words, "POST", target, ["Content-Type: " + kind], body))
                self.assertNowhere(
                    site, canaries, "half-sent",
                    spool=limit is not None and size > limit)
                reset(connection)
                wait_until(lambda: not self.found(site, canaries),
                           "temporary files to go")

        # An envelope, which nobody can open who has only that.
        canaries = Canaries()
        envelope = random_envelope(8 * 2048)
        canaries.planted.append(("envelope", envelope[5000:5040]))
        connection = self.half(site, whole(
            Words(canaries, "half"), "POST", "/api/v2/secrets",
            ["Content-Type: " + FRAME_TYPE],
            native_creation(random_id(), random_id(), envelope)))
        self.assertNowhere(site, canaries, "half-sent envelope", spool=True)
        reset(connection)
        wait_until(lambda: not self.found(site, canaries),
                   "temporary files to go")

    def half(self, site, request):
        """Send all but the last bytes and wait until they were read."""
        connection = site.connect()
        connection.sendall(request[:-100])
        wait_until(lambda: not unread(connection), "the server to read")
        # From the socket it goes to where it is kept within this time.
        time.sleep(0.1)
        return connection

    def test_half_sent_caught(self):
        """a body in a file is found when the web server does as it likes,
        if it writes files at all"""
        site = self.open_site(leaky=True)
        canaries = Canaries()
        words = Words(canaries, "half")
        connection = self.half(site, post(words, words.json(380000)))

        def found():
            return sum((*files_with(canaries, *site.server.scratch())
                        .values(),
                        *open_files_with(canaries, self.processes(site))
                        .values()), [])
        if site.server.spools:
            wait_until(lambda: "half: long message" in found(),
                       "the body to be in a file")
        else:
            self.assertNotIn("half: long message", found())
        reset(connection)

    def test_many(self):
        """guesses and creations in great number, limited or not, leave
        nothing either"""
        site = self.open_site()
        canaries = Canaries()
        statuses = set()
        for number in range(scaled(200, 60)):
            words = Words(canaries, "many")
            for request in (whole(words), post(words, words.json())):
                with contextlib.closing(site.connect()) as connection:
                    connection.sendall(request)
                    raw = b""
                    while part := connection.recv(1 << 16):
                        raw += part
                answer = parse_http(raw)
                statuses.add(answer.status)
                if answer.status == 429:
                    self.assertNotIn(b"<html", answer.body.lower())
        self.assertLessEqual(statuses, {400, 404, 201, 429, 503})
        self.assertIn(201, statuses)
        self.assertFormat(site, self.end(site))
        self.assertNowhere(site, canaries, "many")


class OwnHostile(Hostile):
    """A mixin: where all of the web server's settings are ours."""

    def test_limit(self):
        """a body that the web server itself refuses is 413, and is not
        waited for"""
        site = self.open_site()
        with contextlib.closing(site.connect()) as connection:
            connection.sendall(
                b"POST /api/v1/message HTTP/1.1\r\nHost: site.test\r\n"
                b"Content-Length: %d\r\nConnection: close\r\n\r\n"
                % FAR_TOO_LARGE)
            raw = b""
            with contextlib.suppress(ConnectionResetError):
                while part := connection.recv(1 << 16):
                    raw += part
        self.assertStatus(parse_http(raw), 413)


class HostersHostile(Hostile):
    """A mixin: where the web server is a hoster's."""

    def test_own_words(self):
        """a word of our own programs would be found in the hoster's log"""
        site = self.open_site(start=False)
        site.break_workers(broken_worker(site.directory, "tells"))
        site.start()
        canaries = Canaries()
        words = Words(canaries, "told")
        self.send(site, [whole(words)])
        wait_until(lambda: "told: PIN" in self.found(site, canaries).get(
            "said", []), "the word in the log")


globals().update(cases(OwnHostile, lambda server: server.quiet))
globals().update(cases(HostersHostile, lambda server: not server.quiet))


if __name__ == "__main__":
    main()
