#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Memory: people use every interface, rightly and wrongly, many at once; then
all that a worker has in its memory is searched for what they brought."""

import os
import sys

from attack import Attack
from oncelink_canary import Canaries
from oncelink_site import SRCDIR, Site, wait_until
from oncelink_test import in_threads
from oncelink_wire import (
    FcgiRequest, cgi_params, random_envelope, random_id,
)
from test_canary import Canary

CLIENTS = 6
LOOKS = 10
CHUNK = 1 << 20
OVERLAP = 256
ZEROS = bytes(CHUNK)


class Memory:
    """What a process has in its memory, as root may read it."""

    def __init__(self, pid):
        self.pid = pid

    def regions(self):
        """[(first, behind, name)] of all that can be read."""
        found = []
        with open("/proc/%d/maps" % self.pid, encoding="utf-8") as file:
            for line in file:
                fields = line.split(None, 5)
                if fields[1][0] != "r":
                    continue
                name = fields[5].strip() if len(fields) > 5 else "(no name)"
                # Of the kernel's own, which nobody writes to.
                if name in ("[vvar]", "[vvar_vclock]", "[vsyscall]"):
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
        return sum(len(words.planted) for words in self.words)

    def look(self, pid):
        """[text about one find]"""
        found = []
        for start, content, name in Memory(pid).pieces():
            for words in self.words:
                for what in words.found_in(content):
                    found.append("%s at %x+%x of %s" % (
                        what, start, len(content), name))
        return found


def new_site(**options):
    return Site(settings={
        "site_url": "https://secrets.example.org", "sendmail": "/bin/true",
        "erase_delay": "100ms", "claim_seconds": "1s",
        "mail_templates": os.path.join(SRCDIR, "conf", "mail")}, **options)


def at_rest(site):
    """Until the worker has erased the last that is over: its log is cut
    off."""
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


def main():
    attack = Attack("memory")
    used = attack.row("6", "words of requests looked for in a worker's memory")
    for number in range(attack.size(1, 6, 60)):
        # More threads than clients, and as many, so that threads rest.
        site = new_site(threads=(16, CLIENTS, 2)[number % 3])
        try:
            if number == 0:
                look_while_busy(attack, site)
            people = People(site, attack.size(1, CLIENTS, CLIENTS))
            used.tried += people.use()
            at_rest(site)
            for find in people.look(site.workers[0].pid):
                used.broke(find)
        finally:
            site.close()
    sys.exit(attack.end())


if __name__ == "__main__":
    main()
