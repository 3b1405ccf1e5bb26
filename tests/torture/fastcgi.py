#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Hostile FastCGI at a worker's socket: records with wrong versions, types,
ids and lengths, parameters cut off or longer than there is memory, requests
that are given up, bodies that lie.  Whatever comes, the worker lives, and each
of its threads serves the next good request.

Who may connect there is the web server, which has no reason to do this; but
much of what it sends on is its clients'.

    fastcgi.py [libraries]

libraries: the worker is one that was built with sanitizers, libfcgi in it too
(`make fuzzers-libraries').
"""

import contextlib
import os
import re
import resource
import socket
import struct
import subprocess
import sys

import fuzz
from attack import Attack

import oncelink_wire as wire
from oncelink_site import WORKER, Site, wait_until

THREADS = 4
ROOM = 1536 << 20  # of address space
ROUND = 50          # connections between two looks at the threads

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT = 1, 2, 3, 4, 5, 6
DATA, GET_VALUES, GET_VALUES_RESULT, UNKNOWN = 8, 9, 10, 11
KINDS = (0, BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, 7, DATA, GET_VALUES,
         GET_VALUES_RESULT, UNKNOWN, 12, 255)
LENGTHS = (0, 1, 7, 8, 255, 256, 0x7fff, 0x8000, 0xfff8, 0xffff)
LONG = (0x80, 0xffff, 0x10000, 0xffffff)
HUGE = (0x7ffffff, 0x7ffffffe, 0x7fffffff)

# What libfcgi (2.4.2) does wrong, and only whoever may connect to the socket
# can have it do; nothing of ours runs then.  The program ends, by one of these
# words: as it is, with AddressSanitizer, with libfcgi built so too.
#
# Lengths of a name and a value that are more than there is memory, and together
# more than an int has:
NO_MEMORY = (r"fcgiapp\.c:75: Malloc: Assertion"
             r"|ERROR: AddressSanitizer: requested allocation size .*\n"
             r" +#0 .*\n +#1 .*libfcgi"
             r"|fcgiapp\.c:\d+:\d+: runtime error: signed integer overflow:"
             r" \d+ \+ \d+ cannot")
# FCGI_GET_VALUES that asks for more than the three values there are: the
# answer is written behind its 64 bytes of the stack.  (Chance asks for three.)
STACK = (r"\*\*\* stack smashing detected \*\*\*"
         r"|ERROR: AddressSanitizer: stack-buffer-overflow"
         r"(?s:.)*? in ProcessManagementRecord ")
# And it forgets 48 bytes of each record about no request whose type it does not
# know.  (As it is, its functions have no names.)
LEAKS = "leak:libfcgi.so\nleak:^ProcessManagementRecord$\n"


class Record:
    """One that is right until somebody changes it."""

    def __init__(self, kind, content=b"", number=1):
        self.version, self.kind, self.number = 1, kind, number
        self.content, self.padding, self.reserved = content, b"", 0
        self.length = self.padded = None    # said, where that is a lie

    def raw(self):
        length = len(self.content) if self.length is None else self.length
        padded = len(self.padding) if self.padded is None else self.padded
        return struct.pack(
            ">BBHHBB", self.version, self.kind, self.number, length & 0xffff,
            padded & 0xff, self.reserved) + self.content + self.padding


def name_value(name, value, long_form=False):
    encoded = b""
    for text in (name, value):
        encoded += (bytes([len(text)]) if len(text) < 128 and not long_form
                    else struct.pack(">I", len(text) | 0x80000000))
    return encoded + name + value


def short_bytes(chance, count):
    """Any, but hardly one of them begins a length of four bytes: most of
    those would be gigabytes."""
    return bytes(byte & (0xff if chance.random() < 0.001 else 0x7f)
                 for byte in chance.randbytes(count))


def begin(role=1, flags=0, number=1):
    return Record(BEGIN, struct.pack(">HB5x", role, flags), number)


def stream(kind, content, chance):
    """As many records as chance has it, and an empty one."""
    records = []
    while content:
        size = chance.choice((1, 7, 100, 8000, 65535))
        if len(content) // size > 200:
            size = 65535
        records.append(Record(kind, content[:size]))
        content = content[size:]
    return records + [Record(kind)]


def good_params(chance):
    """A request that is one, with what a client may add to it."""
    method, uri, length = chance.choice((
        ("GET", "/api/v2/health", None), ("GET", "/api/v2/params", None),
        ("GET", "/api/openapi.json", None),
        ("POST", "/api/v2/secrets/peek", 33), ("POST", "/secrets", 40),
        ("POST", "/api/v1/message", 10 ** 4), ("GET", "/" + "%41" * 3000, None),
        ("DELETE", "/api/secrets/x", None), ("POST", "/api/v2/secrets", 600)))
    params = wire.cgi_params(method, uri, length, chance.choice((
        wire.JSON_TYPE, wire.FRAME_TYPE, None)))
    encoded = b"".join(
        name_value(name.encode(), value.encode(), chance.random() < 0.1)
        for name, value in params.items())
    return encoded, length or 0


def bad_params(chance):
    """Pairs of names and values that no server sends."""
    encoded, length = good_params(chance)
    kind = chance.randrange(9)
    if kind == 0:       # a length that nothing follows
        encoded += struct.pack(">I", chance.choice(LONG) | 0x80000000)
    elif kind == 1:     # two that are more than there is memory, together too
        lengths = HUGE if chance.random() < 0.02 else LONG
        encoded += struct.pack(">II", chance.choice(lengths) | 0x80000000,
                               chance.choice(lengths) | 0x80000000)
        encoded += b"A" * 5000
    elif kind == 2:     # cut anywhere
        encoded = encoded[:chance.randrange(len(encoded))]
    elif kind == 3:     # very many
        encoded += name_value(b"N", b"v") * 20000
    elif kind == 4:     # names that are none
        encoded += name_value(b"", b"") + name_value(b"=", b"=") + \
            name_value(b"A\0B", b"\0") + name_value(b"", b"x" * 3000)
    elif kind == 5:     # again and again another
        encoded += b"".join(name_value(b"REQUEST_METHOD", word)
                            for word in (b"", b"PUT", b"\x7f" * 300))
    elif kind == 6:     # a long one that is really there
        encoded += name_value(b"HTTP_COOKIE", b"c" * chance.choice(
            (65535, 200000, 1000000)))
    elif kind == 7:     # lengths of the body that are not
        encoded += name_value(b"CONTENT_LENGTH", chance.choice(
            (b"-1", b"99999999999999999999", b"0x10", b"1e3", b"")))
    else:               # bytes
        encoded = short_bytes(chance, chance.randrange(1, 3000))
    return encoded, length


def change(record, chance):
    """One lie in the head of a record."""
    kind = chance.randrange(6)
    if kind == 0:
        record.version = chance.choice((0, 2, 255))
    elif kind == 1:
        record.kind = chance.choice(KINDS)
    elif kind == 2:
        record.number = chance.choice((0, 2, 255, 256, 65535))
    elif kind == 3:
        record.length = chance.choice(LENGTHS)
    elif kind == 4:
        record.padded = chance.randrange(256)
    else:
        record.padding = b"P" * chance.randrange(256)
        record.reserved = chance.randrange(256)


def strange(chance):
    """A record that has no place in a request."""
    kind = chance.randrange(7)
    if kind == 0:
        return Record(ABORT)
    if kind == 1:
        return begin(chance.randrange(5), chance.randrange(4),
                     chance.choice((1, 2)))
    if kind == 2:
        return Record(GET_VALUES, name_value(b"FCGI_MAX_CONNS", b"") * (
            chance.choice((0, 1, 3))), 0)
    if kind == 3:
        return Record(GET_VALUES, short_bytes(
            chance, chance.randrange(300)), 0)
    if kind == 4:
        return Record(chance.choice(KINDS), short_bytes(
            chance, chance.randrange(100)), chance.choice((0, 1, 7)))
    if kind == 5:
        return Record(DATA, b"d" * chance.randrange(1000))
    return Record(chance.choice((PARAMS, STDIN)))


def hostile(chance):
    """The bytes of one connection."""
    if chance.random() < 0.05:
        return chance.randbytes(chance.choice((1, 7, 8, 9, 100, 5000)))
    params, length = (good_params if chance.random() < 0.4 else
                      bad_params)(chance)
    body = b"b" * max(0, length + chance.choice((0, 0, 0, -1, 1, -length,
                                                 70000)))
    head = begin(chance.choice((1, 1, 1, 1, 2, 3, 0, 65535)),
                 chance.choice((0, 0, 0, 1, 255)))
    if chance.random() < 0.05:
        head.content = head.content[:chance.randrange(8)]
    records = ([head] + stream(PARAMS, params, chance)
               + stream(STDIN, body, chance))
    for _ in range(chance.choice((0, 0, 1, 1, 2, 5))):
        records.insert(chance.randrange(len(records) + 1), strange(chance))
    for _ in range(chance.choice((0, 1, 1, 2))):
        change(chance.choice(records), chance)
    if chance.random() < 0.1:
        del records[chance.randrange(len(records))]
    if chance.random() < 0.1 and len(records) < 50:
        chance.shuffle(records)
    if chance.random() < 0.1:
        records += records
    raw = b"".join(record.raw() for record in records)
    if chance.random() < 0.25:
        raw = raw[:chance.randrange(len(raw) + 1)]
    return raw


def send(path, raw, chance):
    """Over a connection of its own; then it ends, in one way or another."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(wire.PATIENCE)
        connection.connect(path)
        try:
            if chance.random() < 0.1:
                for at in range(0, min(len(raw), 300)):
                    connection.send(raw[at:at + 1])
                raw = raw[300:]
            connection.sendall(raw)
            if chance.random() < 0.7:
                connection.shutdown(socket.SHUT_WR)
                wire.read_to_end(connection)
        except (BrokenPipeError, ConnectionResetError):
            pass        # It has a right not to listen to this.


def go_away(path):
    """Ask for more than libfcgi holds back, and read nothing of it."""
    request = wire.FcgiRequest(path)
    request.begin(wire.cgi_params("GET", "/api/openapi.json"))
    request.finish()
    request.close()


def lost_threads(path):
    """How many threads do not take a request while the others have one?"""
    body = b'{"id":"AAECAwQFBgcICQoLDA0ODw"}'
    requests = []
    for _ in range(THREADS):
        request = wire.FcgiRequest(path)
        request.begin(wire.cgi_params("POST", "/api/v2/secrets/peek",
                                      len(body), wire.JSON_TYPE))
        requests.append(request)
    try:
        wait_until(lambda: not any(r.unread() for r in requests),
                   "every thread to take a request", 30)
    except AssertionError:
        lost = sum(1 for r in requests if r.unread())
        for request in requests:
            request.close()
        return lost
    for request in requests:
        request.send(body)
        request.finish()
    return sum(1 for r in requests if r.response().status != 404)


def complains(text):
    return any(word in text for word in (
        "Sanitizer", "runtime error", "request-failed"))


def ended_by(worker, words):
    """Has it ended, and were these its last words, and its first of that
    kind?"""
    with contextlib.suppress(subprocess.TimeoutExpired):
        worker.wait(20)
    text = worker.text()
    found = re.search(words, text)
    return bool(not worker.running() and found
                and not complains(text[:found.start()]))


def known_faults(site, attack, chance):
    """Does libfcgi still do what it is exempted for?"""
    pair = struct.pack(">II", *(0x80000000 | HUGE[1],) * 2) + b"A" * 70000
    values = name_value(b"FCGI_MAX_CONNS", b"") * 500
    for what, words, records in (
            ("more than there is memory", NO_MEMORY,
             [begin()] + stream(PARAMS, pair, chance)),
            ("500 values", STACK,
             [begin(), Record(GET_VALUES, values, 0), Record(PARAMS),
              Record(STDIN)])):
        send(site.sockets[0], b"".join(r.raw() for r in records), chance)
        ended = ended_by(site.workers[0], words)
        attack.note("known fault of libfcgi, %s: %s" % (
            what, "it ends of it" if ended else "it lives"))
        if not site.workers[0].running():
            start(site)


def start(site):
    """A worker in the place of one that ended, or the first one.  It may have
    a few gigabytes: to wipe what was freed, as it does, of lengths whose bytes
    nobody sent would take seconds.  (AddressSanitizer needs more and does not
    wipe.)"""
    if site.workers:
        os.unlink(site.workers[0].log)
        site.workers[0] = site.start_worker(0)
    else:
        site.start()
    with open(site.programs["WORKER"], "rb") as file:
        if b"__asan_init" not in file.read():
            resource.prlimit(site.workers[0].pid, resource.RLIMIT_AS,
                             (ROOM, ROOM))


def one_round(site, row, chance, count):
    """Some connections, then a look at all threads."""
    worker, path = site.workers[0], site.sockets[0]
    sent = []
    try:
        for _ in range(count):
            row.tried += 1
            sent.append(hostile(chance))
            send(path, sent[-1], chance)
        for _ in range(THREADS):
            go_away(path)
        lost = lost_threads(path)
        if not lost:
            return True
        row.broke("%d of %d threads are lost" % (lost, THREADS))
    except (OSError, wire.Broken) as error:
        if ended_by(worker, NO_MEMORY):
            start(site)
            return False
        row.broke("no answer: %r; running: %s" % (error, worker.running()))
    print("# the worker says: %s" % worker.text()[-2000:])
    for raw in sent[-3:]:
        print("# sent: %s" % raw[:2000].hex())
    return True


def main():
    attack, worker = Attack("fastcgi"), WORKER
    if sys.argv[1:] == ["libraries"]:
        attack = Attack("fastcgi with libfcgi")
        worker = os.path.join(fuzz.libraries(), "src/oncelink.fcgi")
    row = attack.row("-", "connections with hostile FastCGI records: the"
                     " worker lives, every thread serves on")
    chance = attack.seed()
    count = attack.size(300, 5000, 300000)
    exempted = 0
    with contextlib.closing(Site(server=None, threads=THREADS,
                                 start=False)) as site:
        leaks = os.path.join(site.directory, "leaks")
        with open(leaks, "w", encoding="ascii") as file:
            file.write(LEAKS)
        site.environment["LSAN_OPTIONS"] = (
            "suppressions=%s:print_suppressions=0" % leaks)
        site.programs = {**site.programs, "WORKER": worker}
        start(site)
        while row.tried < count and row.violations == 0:
            exempted += not one_round(site, row, chance,
                                      min(ROUND, count - row.tried))
        said = site.log()
        if not row.violations and os.environ.get("TORTURE") in (
                "default", "long"):
            known_faults(site, attack, chance)
        attack.check(row.violations or site.stop_workers() == [0],
                     "the worker ends well")
        attack.check(not complains(said), "and had nothing to complain of")
    attack.note("ended by libfcgi for want of memory: %d times" % exempted)
    return attack.end()


if __name__ == "__main__":
    sys.exit(main())
