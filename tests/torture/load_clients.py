# SPDX-License-Identifier: ISC
"""Clients that nobody wants, many at once in one process of their own: slow
ones, and ones that go away; what they send is in test_hostile's list.

    load_clients.py PORT COUNT SEED ID CLAIM

It says when it begins; after SIGTERM, how many of each kind there were.  ID and
CLAIM (hex) open a large secret again and again.
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

# How many of ten are of these kinds, which last.
LASTING = ["slow head", "slow body", "slow body", "slow reader",
           "slow reader", "silent"]
PASSING = ["cut body", "gone before the answer", "gone within the answer",
           "hostile", "lying length"]


# From one address so many come; nginx as it is shipped takes 64, and counts
# none that come from 127.0.0.1.
A_NETWORK = 60


class Client:
    """One connection: what it sends, how much at a time, what it reads, and
    when it has had enough."""

    def __init__(self, crowd, kind, address):
        self.kind = kind
        choose = crowd.random
        self.lasts = kind in LASTING
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
                if self.lasts:
                    self.at_once = 1
            with contextlib.suppress(BlockingIOError):
                if not self.socket.recv(self.read_size):
                    return False
        except BlockingIOError:
            pass
        except OSError:
            return False
        return time.monotonic() < self.ends_at


class Crowd:

    def __init__(self, port, count, seed, secret, claim):
        self.port, self.count = port, count
        self.random = random.Random(seed)
        self.opening = http_bytes(
            "POST", "/api/v2/secrets/open", native_opening(secret, claim),
            {"Content-Type": JSON_TYPE})
        self.words = Words(Canaries(), "load")
        self.hostile = [one for make in REQUESTS.values()
                        for one in make(self.words)]
        self.counts = collections.Counter()
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
        return post(self.words, self.words.json(
            self.random.choice([0, 3000, 60000])), target=self.random.choice(
                ["/api/v1/message", "/secrets", "/api/v2/secrets/open"]))

    def begin(self, number):
        lasting = number % 10 < 7
        kind = self.random.choice(LASTING if lasting else PASSING)
        self.counts[kind] += 1
        return Client(self, kind, "127.0.1.%d" % (1 + number // A_NETWORK))

    def run(self):
        """Each is woken when its pause is over; who ends is replaced."""
        now = time.monotonic()
        queue = [(now + self.random.uniform(0, 1), number, None)
                 for number in range(self.count)]
        heapq.heapify(queue)
        sleeper = selectors.DefaultSelector()
        while not self.ending:
            at, number, client = heapq.heappop(queue)
            if at > time.monotonic():
                sleeper.select(at - time.monotonic())
            if client is None:
                client = self.begin(number)
            if client.act():
                at = time.monotonic() + (
                    client.pause if client.lasts else 0.05)
            else:
                reset(client.socket)
                client, at = None, time.monotonic() + self.random.uniform(
                    0.05, 0.5)
            heapq.heappush(queue, (at, number, client))
        for _, _, client in queue:
            if client is not None:
                reset(client.socket)


def main():
    port, count, seed, secret, claim = sys.argv[1:]
    crowd = Crowd(int(port), int(count), int(seed), bytes.fromhex(secret),
                  bytes.fromhex(claim))

    def end(number, stack):
        crowd.ending = True
    signal.signal(signal.SIGTERM, end)
    print("there", flush=True)
    crowd.run()
    for kind, number in sorted(crowd.counts.items()):
        print("%s: %d" % (kind, number))
    print("total: %d" % sum(crowd.counts.values()))


if __name__ == "__main__":
    main()
