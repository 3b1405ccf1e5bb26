#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Memory: people use every interface, rightly and wrongly, many at once, also
while the disk fails, and go away in the middle; then all that a worker has in
its memory is searched for what they brought, and for pieces of it."""

import array
import contextlib
import os
import sys

from attack import Attack
from logs_traffic import FACES, Traffic, keys_of
from oncelink_canary import Canaries
from oncelink_hostile import Words
from oncelink_site import SRCDIR, WORKER, Site, wait_until
from oncelink_test import in_threads
from oncelink_wire import (
    JSON_TYPE, Broken, FcgiRequest, cgi_params, fcgi_record, native_creation,
    native_opening, random_envelope, random_id,
)
from preload import BROKEN, FULL, Preload
from test_canary import Canary

CLIENTS = 6
LOOKS = 10
CHUNK = 1 << 20
OVERLAP = 256
ZEROS = bytes(CHUNK)
FCGI_ABORT = 2

# What is freed has 16 bytes of the allocator's at its beginning: of a short
# word only the end would be left.
PIECE = 8


class Pieces:
    """Words cut into pieces of 8 bytes, from their ends on: the last one of a
    word is found wherever it is, and one of any 15 bytes in a row, in capitals
    and small letters where that is no difference."""

    def __init__(self, words):
        self.of = {}
        for canaries in words:
            for what, value in canaries.planted:
                self.cut(what, value)
                if not set(value) - set(b"0123456789abcdefABCDEF-"):
                    self.cut(what, value.upper())
        # What our program says itself.
        with open(WORKER, "rb") as file:
            for piece in self.pieces_in(file.read(), set(self.of)):
                del self.of[piece]
        self.known = set(self.of)

    def cut(self, what, value):
        for end in range(len(value), PIECE - 1, -PIECE):
            piece = value[end - PIECE:end]
            # Some say nothing of what they are from.
            if len(set(piece)) > 4:
                self.of.setdefault(
                    int.from_bytes(piece, sys.byteorder), what)

    @staticmethod
    def pieces_in(content, known):
        found = set()
        for shift in range(PIECE):
            end = shift + (len(content) - shift) // PIECE * PIECE
            found |= known.intersection(
                array.array("Q", content[shift:end]))
        return found

    def found_in(self, content):
        return sorted({self.of[piece]
                       for piece in self.pieces_in(content, self.known)})


class Memory:
    """What a process has in its memory, as root may read it."""

    def __init__(self, pid):
        self.pid = pid

    def regions(self):
        """[(first, behind, name)] of all that can be read, but for parts of
        programs that nobody writes to."""
        found = []
        with open("/proc/%d/maps" % self.pid, encoding="utf-8") as file:
            for line in file:
                fields = line.split(None, 5)
                if fields[1][0] != "r":
                    continue
                name = fields[5].strip() if len(fields) > 5 else "(no name)"
                # The kernel's own are not written to either.
                if (name in ("[vvar]", "[vvar_vclock]", "[vsyscall]")
                        or name[0] == "/" and fields[1][1] != "w"):
                    continue
                first, behind = (int(number, 16)
                                 for number in fields[0].split("-"))
                found.append((first, behind, name))
        return found

    def has(self, address):
        return any(first <= address < behind
                   for first, behind, _ in self.regions())

    def pieces(self):
        """(address, bytes, name) of whatever is not all zeros; each begins
        with the end of the one before it."""
        with open("/proc/%d/mem" % self.pid, "rb", buffering=0) as file:
            for first, behind, name in self.regions():
                for at in range(first, behind, CHUNK):
                    start = max(first, at - OVERLAP)
                    file.seek(start)
                    try:
                        content = file.read(min(at + CHUNK, behind) - start)
                    except OSError:
                        # Behind the end of a file; or it was given back.
                        if not name.startswith("/") and self.has(start):
                            raise
                        continue
                    if content != ZEROS[:len(content)] and any(content):
                        yield start, content, name


class People:
    """Who use a site, each with words of their own."""

    def __init__(self, site, count):
        self.site = site
        self.case = Canary("test_search")
        self.words = [Canaries() for _ in range(count)]

    def use(self):
        """Returns how many words they brought."""
        in_threads(len(self.words), lambda number: self.case.plant(
            self.site, self.words[number]))
        for plant in (self.case.plant_sealed, self.case.plant_requests,
                      self.case.plant_large):
            self.words.append(Canaries())
            plant(self.site, self.words[-1])
        return self.brought()

    def brought(self):
        return sum(len(words.planted) for words in self.words)

    def use_while_disk_fails(self, preload, random, tours):
        """Every face, whatever becomes of it; returns how many calls about
        files failed."""
        words = Canaries()
        self.words.append(words)
        traffic = Traffic(self.site, words, random,
                          keys_of(self.site, words))
        before = preload.errors()
        for tour in range(tours):
            preload.break_disk(*((BROKEN, 10), (FULL, 3), (BROKEN, 3))[tour])
            for face in FACES:
                getattr(traffic, face)()
        preload.mend()
        return preload.errors() - before

    def break_off(self, random, count):
        """Straight to the worker: bodies that end before their time, and
        readers who go within a large answer."""
        words = Canaries()
        self.words.append(words)
        for number in range(count):
            if number % 4:
                uri = random.choice(["/api/v1/message", "/secrets",
                                     "/api/secrets", "/api/v2/secrets"])
                body = Words(words, "broken off").json(
                    random.choice([0, 3000, 40000]))
                part = random.randrange(len(body))
            else:
                uri, body = self.large_secret(words)
                part = len(body)
            self.leave(uri, body, part, words, random)

    def large_secret(self, words):
        """One that is there, and how it is opened."""
        secret, claim = words.raw("id"), words.raw("claim")
        envelope = random_envelope(200)
        words.planted.append(("envelope", envelope[50000:50040]))
        self.site.direct("POST", "/api/v2/secrets", native_creation(
            secret, random_id(), envelope), "application/vnd.oncelink.frame")
        return "/api/v2/secrets/open", native_opening(secret, claim)

    def leave(self, uri, body, part, words, random):
        request = FcgiRequest(self.site.sockets[0])
        try:
            request.begin(cgi_params(
                "POST", uri + "?" + words.text("a query"), len(body),
                JSON_TYPE, {"HTTP_USER_AGENT": words.text("agent"),
                            "HTTP_AUTHORIZATION": words.text("key")}))
            request.send(body[:part])
            if part == len(body):
                request.finish()
                request.read(100)
            elif random.random() < 0.3:
                request.socket.sendall(fcgi_record(FCGI_ABORT))
            elif random.random() < 0.5:
                request.finish()
                request.response()
        except (Broken, OSError):
            pass
        finally:
            request.close()

    def look(self, pid):
        """[text about one find]"""
        found = []
        pieces = Pieces(self.words)
        for start, content, name in Memory(pid).pieces():
            found += ["a piece of %s at %x+%x of %s" % (
                what, start, len(content), name)
                for what in pieces.found_in(content)]
        return found


def new_site(**options):
    """A site, and what its worker finds of the disk."""
    site = Site(start=False, settings={
        "site_url": "https://secrets.example.org", "sendmail": "/bin/true",
        "erase_delay": "100ms", "claim_seconds": "1s",
        "client_secrets": "0", "client_bytes": "0",
        "mail_templates": os.path.join(SRCDIR, "conf", "mail")}, **options)
    preload = Preload(site.directory, "worker")
    site.programs = {**site.programs,
                     "WORKER": preload.wrap(site.programs["WORKER"])}
    site.start()
    return site, preload


def sockets(pid):
    found = 0
    for number in os.listdir("/proc/%d/fd" % pid):
        with contextlib.suppress(OSError):
            found += os.readlink("/proc/%d/fd/%s" % (pid, number)).startswith(
                "socket:")
    return found


def at_rest(site, connections):
    """Until nobody is connected any more, and the worker has erased the last
    that is over: its log is cut off."""
    wait_until(lambda: sockets(site.workers[0].pid) <= connections,
               "the end of all requests")
    receipt = random_id()
    site.native_create(random_id(), receipt, random_envelope())
    site.native("receipts/burn", receipt=receipt)
    wait_until(lambda: os.path.getsize(site.database + "-wal") == 0,
               "the end of all erasing")


def half_a_request(site):
    """A request whose body has not come yet, and the words in it."""
    words = Canaries()
    body = words.text("a body", 4000).encode()
    request = FcgiRequest(site.sockets[0])
    request.begin(cgi_params(
        "POST", "/api/v1/message?" + words.text("a query"), 2 * len(body),
        "application/json"))
    request.send(body)
    wait_until(lambda: request.unread() == 0, "a worker to read")
    return request, words


def look_while_busy(attack, site):
    """What is there is found, and gone with its request."""
    pid = site.workers[0].pid
    request, words = half_a_request(site)

    def look():
        return {what for _, content, _ in Memory(pid).pieces()
                for what in words.found_in(content)}
    attack.check(len(look()) == 2,
                 "while a request is answered its words are found")
    request.finish()
    request.response()
    # Its thread may still be wiping.
    for _ in range(LOOKS):
        left = look()
        if not left:
            break
    attack.check(not left, "they go with it")


def search_finds():
    """The end of a word is found, and pieces of it, wherever they are."""
    words = Canaries()
    word = words.text("a word", 40).encode()
    pieces = Pieces([words])
    return not pieces.found_in(os.urandom(10000)) and all(
        pieces.found_in(b"x" * at + part + b"x" * 9) == ["a word"]
        for at in range(9) for part in (word[-8:], word[13:28], word[20:35]))


def main():
    attack = Attack("memory")
    random = attack.seed()
    attack.check(search_finds(), "pieces of words are found")
    used = attack.row("6", "words of requests looked for in a worker's memory")
    broken = attack.row("6", "words of requests that the disk failed, or that"
                        " were broken off, looked for there")
    for number in range(attack.size(1, 6, 60)):
        # More threads than clients, and as many, so that threads rest.
        site, preload = new_site(threads=(16, CLIENTS, 2)[number % 3])
        try:
            if number == 0:
                look_while_busy(attack, site)
            pid = site.workers[0].pid
            connections = sockets(pid)
            people = People(site, attack.size(1, CLIENTS, CLIENTS))
            used.tried += people.use()
            at_rest(site, connections)
            for find in people.look(pid):
                used.broke(find)
            brought = people.brought()
            if people.use_while_disk_fails(preload, random,
                                           attack.size(1, 3, 3)) == 0:
                attack.check(False, "the disk failed")
            people.break_off(random, attack.size(20, 60, 200))
            broken.tried += people.brought() - brought
            at_rest(site, connections)
            for find in people.look(pid):
                broken.broke(find)
        finally:
            site.close()
    sys.exit(attack.end())


if __name__ == "__main__":
    main()
