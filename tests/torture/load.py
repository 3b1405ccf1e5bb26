#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Hostile clients in great number before nginx as it is shipped, and what
reaches a worker that is cut off or lies, beside people who make and open
secrets: those are answered, and soon; no thread, no descriptor and no memory
is lost."""

import contextlib
import os
import re
import subprocess
import sys
import threading
import time

from attack import Attack

import load_clients
from oncelink_site import WORKER, Site, wait_until
from oncelink_wire import (
    FRAME_TYPE, JSON_TYPE, Broken, FcgiRequest, b64u, cgi_params,
    fcgi_params, fcgi_record, native_creation, native_opening,
    random_envelope, random_id,
)

THREADS = 32                # as shipped
SOON = 0.050                # seconds, for 99 of 100
MIB = 1 << 20

# What waits waits as long as it does where people are; people are many here.
SETTINGS = {"claim_seconds": "3600", "lock_wait": "5s", "kdf_wait": "2s",
            "client_secrets": "0", "client_bytes": "0"}

# Bytes by which each may still grow when all that is usual has happened.  On a
# busy machine that takes longer than a sample does: so many seconds at most.
GROWTH = {"worker": 8 * MIB, "nginx": 32 * MIB}
PATIENCE = 30

# Descriptors of its 16 connections that read the database, which are kept.
READERS = 32

# Within so many rounds of cut requests memory stops to grow.
ROUNDS = 8

FCGI_ABORT = 2

attack = Attack("load")
people = attack.row("1, 8", "requests of people beside hostile clients")
hostile = attack.row("9", "hostile clients before nginx: memory and"
                     " descriptors given back")
slow = attack.row("9", "slow clients that were held at any time")
cut = attack.row("9", "requests cut off and lengths that lie, at the worker's"
                 " own socket")
threads = attack.row("9", "threads of the worker that all answer afterwards")


def is_sanitized():
    """Such builds keep memory that was freed, and are slow."""
    with open(WORKER, "rb") as file:
        return b"__ubsan_handle" in file.read()


# People.

class Person(threading.Thread):
    """Makes, looks at, opens and acknowledges secrets, until told to end."""

    def __init__(self, site, stop):
        super().__init__(daemon=True)
        self.site, self.stop = site, stop
        self.took = []

    def call(self, call, body, status, kind=JSON_TYPE):
        began = time.monotonic()
        try:
            answer = self.site.request("POST", "/api/v2/secrets" + call, body,
                                       {"Content-Type": kind})
        except (Broken, OSError) as failure:
            answer = failure
        self.took.append(time.monotonic() - began)
        people.tried += 1
        if getattr(answer, "status", 0) == status:
            return answer
        people.broke("%s: %r" % (call or "create", answer))
        return None

    def run(self):
        while not self.stop.is_set():
            secret, claim = random_id(), random_id()
            envelope = random_envelope()
            if self.call("", native_creation(
                    secret, random_id(), envelope), 201, FRAME_TYPE):
                opening = native_opening(secret, claim)
                self.call("/peek", opening, 200)
                answer = self.call("/open", opening, 200)
                if answer and not answer.body.endswith(b"\n" + envelope):
                    people.broke("another secret")
                self.call("/ack", opening, 204)
            self.stop.wait(0.02)


@contextlib.contextmanager
def people_at(site):
    """The times that their calls took are in the list afterwards."""
    stop = threading.Event()
    crowd = [Person(site, stop) for _ in range(2)]
    times = []
    for person in crowd:
        person.start()
    try:
        yield times
    finally:
        stop.set()
        for person in crowd:
            person.join()
        times += sorted(took for person in crowd for took in person.took)


def hundredths(times):
    """p50, p99 and the longest, in ms."""
    return tuple(times[min(len(times) - 1, int(len(times) * part))] * 1000
                 for part in (0.5, 0.99, 1))


# What processes hold.

def resident(processes):
    total = 0
    for process in processes:
        with open("/proc/%d/status" % process, encoding="ascii") as file:
            total += int(re.search(r"VmRSS:\s+(\d+) kB",
                                   file.read()).group(1)) << 10
    return total


def descriptors(processes):
    return sum(len(os.listdir("/proc/%d/fd" % process))
               for process in processes)


class Held:
    """The memory and the descriptors of the worker and of nginx."""

    def __init__(self, site):
        self.groups = {"worker": site.workers[0].members(),
                       "nginx": site.web.members()}
        self.before = {name: descriptors(processes)
                       for name, processes in self.groups.items()}
        self.memory = {name: [] for name in self.groups}

    def note(self):
        for name, processes in self.groups.items():
            self.memory[name].append(resident(processes))

    def grew(self):
        """Beyond the most there was, since it was noted the last time."""
        return max(noted[-1] - max(noted[:-1])
                   for noted in self.memory.values())

    def growing(self):
        """[(name, usual, last)] of what still grows, once all that is usual
        has happened: the last quarter of the time against its second."""
        found = []
        for name, noted in self.memory.items():
            quarter = max(1, len(noted) // 4)
            usual = max(noted[quarter:2 * quarter] or noted[:1])
            last = max(noted[-quarter:])
            if last - usual > GROWTH[name] and not is_sanitized():
                found.append((name, usual, last))
        return found

    def judge_memory(self, row):
        for name, noted in self.memory.items():
            attack.note("%s: %.1f MiB at the beginning, %.1f at most, %.1f at"
                        " the end" % (name, noted[0] / MIB, max(noted) / MIB,
                                      noted[-1] / MIB))
        for name, usual, last in self.growing():
            row.broke("%s grew from %d to %d KiB" % (
                name, usual >> 10, last >> 10))

    def judge_descriptors(self, row):
        """What was there before is there again, and no more but what the
        worker opens when it needs it."""
        for name, processes in self.groups.items():
            most = self.before[name] + (READERS if name == "worker" else 0)
            try:
                wait_until(lambda: descriptors(processes) <= most,
                           "descriptors", 40)
            except AssertionError:
                row.broke("%s: %d descriptors, %d before" % (
                    name, descriptors(processes), self.before[name]))


# Straight to the worker.

def begin_record(keep):
    return fcgi_record(1, bytes([0, 1, keep, 0, 0, 0, 0, 0]))


def cut_short(site, random, opening):
    """One request that ends as it should not, or is not what it says."""
    body = native_creation(random_id(), random_id(),
                           random_envelope(random.choice([1, 20, 128])))
    request = FcgiRequest(site.sockets[0])
    way = random.randrange(8)
    length = len(body)
    if way == 0:
        length = random.choice([0, 1, length - 1, length + 1, 10 * length,
                                MIB, 12 * MIB, 1 << 40])
    params = cgi_params("POST", "/api/v2/secrets", length, FRAME_TYPE)
    if way == 1:
        params["CONTENT_LENGTH"] = random.choice(
            ["", "-1", "x", "0x10", "1e3", "9" * 40, " 5", "5 "])
    elif way == 2:
        params["HTTP_X_LONG"] = "x" * random.choice([100, 9000, 32000])
        params.update(("HTTP_X_%d" % number, "y") for number in range(
            random.choice([1, 100, 500])))
    try:
        if way == 3:
            head = begin_record(0) + fcgi_record(4, fcgi_params(params))
            request.socket.sendall(head[:random.randrange(1, len(head))])
        elif way == 4:
            request.begin(params)
            request.send(body[:random.randrange(length)])
        elif way == 5:
            request.begin(params)
            request.send(body[:random.randrange(length)])
            request.socket.sendall(fcgi_record(FCGI_ABORT))
        elif way == 6:
            # A large answer, of which little or nothing is read.
            request.begin(cgi_params("POST", "/api/v2/secrets/open",
                                     len(opening), JSON_TYPE))
            request.send(opening)
            request.finish()
            if random.random() < 0.7:
                request.read(random.choice([1, 100, 9000]))
        else:
            request.begin(params)
            request.send(body)
            request.finish()
            if way != 7:
                with contextlib.suppress(Broken):
                    status = request.response().status
                    if status == 201 and length > len(body):
                        cut.broke("%d of %d bytes made a secret" % (
                            len(body), length))
    except (BrokenPipeError, ConnectionResetError):
        pass
    except TimeoutError:
        cut.broke("no answer to way %d, of %d bytes" % (way, length))
    finally:
        request.close()
    cut.tried += 1


def cut_many(site, random, opening, count):
    """What threads and the allocator keep they have after some rounds; what
    is lost is more after each."""
    held = Held(site)
    held.note()
    for _ in range(ROUNDS):
        for _ in range(count):
            cut_short(site, random, opening)
            if cut.violations:
                return
        held.note()
        if held.grew() < MIB or is_sanitized():
            break
    else:
        cut.broke("it grows on, by %d KiB in the last of %d rounds" % (
            held.grew() >> 10, ROUNDS))
    held.judge_descriptors(cut)


def all_threads(site, blocks=1):
    """As many requests at once as there are threads, each of which waits for
    its body."""
    body = native_creation(random_id(), random_id(), random_envelope(blocks))
    waiting = []
    try:
        for _ in range(THREADS):
            request = FcgiRequest(site.sockets[0])
            waiting.append(request)
            request.begin(cgi_params("POST", "/api/v2/secrets", len(body),
                                     FRAME_TYPE))
        taken = 0
        with contextlib.suppress(AssertionError):
            wait_until(lambda: not any(one.unread() for one in waiting),
                       "every thread to take a request", 20)
        taken = sum(not one.unread() for one in waiting)
        threads.tried += THREADS
        if taken < THREADS:
            threads.broke("%d of %d took a request" % (taken, THREADS))
        for request in waiting[:taken]:
            request.send(body)
            request.finish()
        for request in waiting[:taken]:
            # All the same secret, which is made once.
            try:
                answer = request.response()
            except (Broken, OSError) as failure:
                answer = failure
            if getattr(answer, "status", 0) != 201:
                threads.broke("%r" % answer)
    finally:
        for request in waiting:
            request.close()


# Before nginx.

def crowd_before_nginx(site, random, secret, claim, count, seconds):
    held = Held(site)
    held.note()
    clients = subprocess.Popen(
        [sys.executable, load_clients.__file__, str(site.port), str(count),
         str(random.randrange(10 ** 9)), secret.hex(), claim.hex()],
        stdout=subprocess.PIPE)
    try:
        clients.stdout.readline()
        with people_at(site) as times:
            began = time.monotonic()
            while (passed := time.monotonic() - began) < seconds or (
                    passed < PATIENCE and held.growing()):
                time.sleep(min(0.5, seconds / 10))
                held.note()
                if clients.poll() is not None:
                    raise AssertionError("the hostile clients ended")
    finally:
        clients.terminate()
        said = clients.communicate()[0].decode()
    attack.note("hostile: " + ", ".join(said.splitlines()))
    hostile.tried += int(re.search(r"total: (\d+)", said).group(1))
    slow.tried, last = map(int, re.search(
        r"held: (\d+), at the end (\d+)", said).groups())
    if min(slow.tried, last) < count:
        slow.broke("%d, and %d at the end, of %d" % (slow.tried, last, count))
    held.judge_memory(hostile)
    held.judge_descriptors(hostile)
    return times


def judge_times(median, most, longest):
    """The table has them: run.py replaces all rows of this attack at once, so
    that they need not be called the same each time."""
    people.what += " (median %.1f ms, 99 of 100 within %.1f, longest %.0f)" % (
        median, most, longest)
    if most >= SOON * 1000:
        people.broke("1 of 100 takes %.0f ms or more" % most)


def judge(site, random, seconds):
    secret, claim = random_id(), random_id()
    opening = native_opening(secret, claim)
    site.native_create(secret, random_id(), random_envelope(2048),
                       expires_in=86400, views=2)
    site.native("secrets/open", id=b64u(secret), claim=b64u(claim))
    # Each thread keeps some memory of the first large request.
    all_threads(site, 2048)
    with people_at(site) as quiet:
        time.sleep(min(10, seconds / 4))
    cut_many(site, random, opening, attack.size(150, 5000, 100000))
    all_threads(site)
    if cut.violations or threads.violations:
        return
    times = crowd_before_nginx(site, random, secret, claim,
                               attack.size(60, 500, 500), seconds)
    all_threads(site)
    attack.note("people, ms (median, 99 of 100, longest): %.1f, %.1f, %.1f"
                " with nobody else; %.1f, %.1f, %.1f beside hostile clients"
                % (hundredths(quiet) + hundredths(times)))
    # A small sample on a busy machine says nothing of speed.
    if os.environ.get("TORTURE", "sample") != "sample":
        judge_times(*hundredths(times))


def main():
    random = attack.seed()
    site = Site("nginx", conf="shipped", threads=THREADS, settings=SETTINGS)
    try:
        judge(site, random, attack.size(2, 70, 600))
    finally:
        try:
            site.close()
        except AssertionError as failure:
            threads.broke("%s" % failure)
    return attack.end()


if __name__ == "__main__":
    sys.exit(main())
