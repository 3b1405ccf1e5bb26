# SPDX-License-Identifier: ISC
"""Clients that nobody wants, many at once in one process of their own: slow
ones, and ones that go away; what they send is in test_hostile's list.

    load_clients.py PORT COUNT SEED ID CLAIM

COUNT slow ones are held at any time, and others come and go beside them.  It
says when all are there, or do not come; after SIGTERM, how many slow ones were
held, least of every second and at the end, and how many there were of each
kind.  ID and CLAIM (hex) open a large secret again and again.
"""

import collections
import contextlib
import heapq
import os
import random
import selectors
import signal
import socket
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                             os.pardir, "system"))
from oncelink_canary import Canaries
from oncelink_hostile import FAR_TOO_LARGE, REQUESTS, Words, post, reset
from oncelink_wire import JSON_TYPE, http_bytes, native_opening

# Slow ones last, and are held: while they send, or while they read what has
# begun to come.
SLOW = ["slow head", "slow body", "slow body", "slow reader", "slow reader"]
PASSING = ["cut body", "gone before the answer", "gone within the answer",
           "hostile", "lying length"] * 10 + ["silent"]

# Who ends is replaced soon, and until then is missing: of a hundred so many
# are there beside those that are asked for; and so many that pass.
SPARE, PASS = 15, 20

# From one address so many come: nginx as it is shipped takes 16 calls, makes
# 12 secrets a minute, and counts none that come from 127.0.0.1.
A_NETWORK = 12

# Within so many seconds all are there.
GATHER = 60


class Client:
    """One connection: what it sends, how much at a time, what it reads, and
    when it has had enough."""

    def __init__(self, crowd, kind, address):
        self.kind = kind
        choose = crowd.random
        self.is_slow = kind in SLOW
        self.lasts = self.is_slow or kind == "silent"
        self.sent = self.got = 0
        self.left = crowd.request(kind)
        self.at_once = len(self.left)
        self.pause = choose.uniform(0.1, 1)
        self.ends_at = time.monotonic() + (
            choose.uniform(5, 25) if self.lasts else choose.uniform(0, 0.5))
        self.read_size = 1 << 16
        self.socket = socket.socket()
        self.socket.setblocking(False)
        if kind == "slow head":
            self.at_once = 1
        elif kind == "slow body":
            self.at_once = self.left.index(b"\r\n\r\n") + 4
        elif kind == "slow reader":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            self.read_size = 512
        elif kind == "cut body":
            self.left = self.left[:choose.randrange(200, len(self.left))]
        elif kind == "gone within the answer":
            self.read_size = 100
        self.socket.bind((address, 0))
        with contextlib.suppress(BlockingIOError):
            self.socket.connect(("127.0.0.1", crowd.port))

    def act(self):
        """Send and read a little; False when it is over."""
        try:
            if self.left:
                sent = self.socket.send(self.left[:self.at_once])
                self.left = self.left[sent:]
                self.sent += sent
                if self.lasts:
                    self.at_once = 1
            with contextlib.suppress(BlockingIOError):
                part = self.socket.recv(self.read_size)
                if not part:
                    return False
                if self.got == 0 and self.kind == "slow reader" and (
                        b" 200 " not in part[:16]):
                    return False
                self.got += len(part)
        except BlockingIOError:
            pass
        except OSError:
            return False
        return time.monotonic() < self.ends_at

    def is_held(self):
        """Does the server wait for us, and for nothing but that we are slow?
        Who was refused has an answer, or none of the secret."""
        if self.kind == "slow reader":
            return self.got > 0
        return self.is_slow and self.sent > 0 and self.got == 0 and (
            self.left != b"")


class Crowd:

    def __init__(self, port, count, seed, secret, claim):
        self.port, self.count = port, count
        self.slow = count + max(2, count * SPARE // 100)
        self.there = False
        self.began = time.monotonic()
        self.random = random.Random(seed)
        self.opening = http_bytes(
            "POST", "/api/v2/secrets/open", native_opening(secret, claim),
            {"Content-Type": JSON_TYPE})
        self.words = Words(Canaries(), "load")
        self.hostile = [one for make in REQUESTS.values()
                        for one in make(self.words)]
        self.counts = collections.Counter()
        self.refused = 0
        self.held = []
        self.ending = False

    def request(self, kind):
        if kind == "silent":
            return b""
        if kind in ("slow reader", "gone within the answer"):
            return self.opening
        if kind == "hostile":
            return self.random.choice(self.hostile)
        if kind == "lying length":
            return post(self.words, self.words.json(), [
                "Content-Length: %d" % self.random.choice(
                    [0, 1, 50, 5000, 200000, 15 << 20, FAR_TOO_LARGE])])
        if kind == "slow body":
            # Which no limit on those who make secrets refuses.
            return post(self.words, self.words.json(
                self.random.choice([300, 3000, 60000])),
                target="/api/v2/secrets/open")
        return post(self.words, self.words.json(
            self.random.choice([0, 3000, 60000])), target=self.random.choice(
                ["/api/v1/message", "/secrets", "/api/v2/secrets/open"]))

    def begin(self, number):
        kind = self.random.choice(SLOW if number < self.slow else PASSING)
        network = number // A_NETWORK
        return Client(self, kind, "127.0.%d.%d" % (
            1 + network // 250, 1 + network % 250))

    def end(self, client):
        """Note what it was; who never came to send counts as nothing."""
        if client.sent or client.kind == "silent":
            self.counts[client.kind] += 1
        if client.is_slow and not client.is_held() and client.left:
            self.refused += 1
        reset(client.socket)

    def look(self, clients):
        """How many are held now?"""
        self.held.append(sum(client is not None and client.is_held()
                             for client in clients))
        if not self.there and (self.held[-1] >= self.count
                               or time.monotonic() > self.began + GATHER):
            self.there = True
            self.held = self.held[-1:]
            print("there", flush=True)

    def run(self):
        """Each is woken when its pause is over; who ends is replaced."""
        now = time.monotonic()
        places = self.slow + self.count * PASS // 100
        queue = [(now + self.random.uniform(0, 1), number)
                 for number in range(places)]
        clients = [None] * places
        heapq.heapify(queue)
        sleeper = selectors.DefaultSelector()
        look_at = now
        while not self.ending:
            at, number = heapq.heappop(queue)
            if at > time.monotonic():
                sleeper.select(at - time.monotonic())
            client = clients[number] or self.begin(number)
            if client.act():
                at = time.monotonic() + (
                    client.pause if client.lasts else 0.05)
            else:
                self.end(client)
                client, at = None, time.monotonic() + self.random.uniform(
                    0.05, 0.5)
            clients[number] = client
            heapq.heappush(queue, (at, number))
            if time.monotonic() >= look_at:
                self.look(clients)
                look_at = time.monotonic() + (1 if self.there else 0.1)
        self.look(clients)
        for client in clients:
            if client is not None:
                self.end(client)


def main():
    port, count, seed, secret, claim = sys.argv[1:]
    crowd = Crowd(int(port), int(count), int(seed), bytes.fromhex(secret),
                  bytes.fromhex(claim))

    def end(number, stack):
        crowd.ending = True
    signal.signal(signal.SIGTERM, end)
    crowd.run()
    print("held: %d, at the end %d" % (min(crowd.held), crowd.held[-1]))
    print("slow ones refused: %d" % crowd.refused)
    for kind, number in sorted(crowd.counts.items()):
        print("%s: %d" % (kind, number))
    print("total: %d" % sum(crowd.counts.values()))


if __name__ == "__main__":
    main()
