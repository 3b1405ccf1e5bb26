# SPDX-License-Identifier: ISC
"""Promises 1, 2 and 8 when workers die: kill -9 while secrets are made and
read."""

import os
import random
import threading
import time

from oncelink_test import SiteTest, in_threads, main, note, scaled
from oncelink_wire import (
    FRAME_TYPE, JSON_TYPE, Broken, native_creation, native_opening,
    random_envelope, random_id, random_text, safesecrets_path,
)

PAIRS = scaled(10000)
CLIENTS = 12

# Of every 40 pairs so many are of the older faces, which stretch, and so
# many are guessed to death.
SAFESECRETS, ONETIME, GATED, GUESSED = 2, 1, 5, 1


class Killed:
    """When workers were killed: from before the kill until a new worker
    took its place."""

    def __init__(self):
        self.times = []

    def during(self, start, end):
        return any(start <= over and begun <= end
                   for begun, over in list(self.times))


class Client:
    """One client's pairs, and what it saw."""

    def __init__(self, site, killed):
        self.site = site
        self.killed = killed
        self.faults = []
        self.pairs = 0
        self.retries = 0
        self.lost = 0
        self.read_twice = []

    def send(self, method, path, body=None, content_type=None):
        """An answer of the worker, or None when there was none."""
        start = time.monotonic()
        try:
            answer = self.site.request(
                method, path, body, {"Content-Type": content_type})
        except (Broken, OSError) as failure:
            answer, why = None, repr(failure)
        else:
            if answer.status not in (502, 504):
                return answer
            why = "status %d" % answer.status
        end = time.monotonic()
        self.retries += 1
        if not self.killed.during(start, end):
            self.faults.append("no answer, and nobody was killed: " + why)
        return None

    def insist(self, *request):
        """Send until there is an answer; it, and how many went
        unanswered."""
        for unanswered in range(50):
            answer = self.send(*request)
            if answer is not None:
                return answer, unanswered
        raise AssertionError("no answer to 50 requests")

    def expect(self, what, condition, answer):
        if not condition:
            self.faults.append("%s: %r" % (what, answer))
        return condition

    def native(self, gate=None, guesses=0):
        """Make, guess wrongly some times, open, open again, acknowledge."""
        secret, receipt, claim = random_id(), random_id(), random_id()
        envelope = random_envelope(random.choice((1, 2, 6)))
        body = native_creation(secret, receipt, envelope, gate=gate)
        answer, _ = self.insist("POST", "/api/v2/secrets", body, FRAME_TYPE)
        if not self.expect("create", answer.status == 201, answer):
            return
        if guesses and not self.guess(secret, guesses):
            return
        opening = native_opening(secret, claim, gate=gate)
        answer, _ = self.insist(
            "POST", "/api/v2/secrets/open", opening, JSON_TYPE)
        # Over the native face nothing is ever lost: the same claim gets it.
        if not self.expect(
                "open", answer.status == 200
                and answer.body.endswith(b"\n" + envelope), answer):
            return
        other, _ = self.insist(
            "POST", "/api/v2/secrets/open",
            native_opening(secret, random_id(), gate=gate), JSON_TYPE)
        self.expect("read twice", other.status == 410, other)
        if random.random() < 0.5:
            self.insist("POST", "/api/v2/secrets/ack",
                        native_opening(secret, claim), JSON_TYPE)
        self.pairs += 1

    def guess(self, secret, guesses):
        """Wrong gates: no attempt is given back, and none is taken that was
        not asked for."""
        left, asked = 3, 0
        for _ in range(guesses):
            answer, unanswered = self.insist(
                "POST", "/api/v2/secrets/open",
                native_opening(secret, random_id(), gate=os.urandom(32)),
                JSON_TYPE)
            asked += unanswered + 1
            if answer.status == 410:
                self.expect("locked too early", asked > 3, answer)
                return False
            if not self.expect("guess", answer.status == 403, answer):
                return False
            now = answer.json()["attempts_left"]
            self.expect("an attempt was given back",
                        now < left or now == 0 == left, answer)
            self.expect("an attempt too many", now >= 3 - asked, answer)
            left = now
        return left > 0

    def guessed(self):
        """Wrong gates until it is gone."""
        secret = random_id()
        body = native_creation(
            secret, random_id(), random_envelope(), gate=os.urandom(32))
        answer, _ = self.insist("POST", "/api/v2/secrets", body, FRAME_TYPE)
        if not self.expect("create", answer.status == 201, answer):
            return
        judged = []
        for _ in range(60):
            answer, _ = self.insist(
                "POST", "/api/v2/secrets/open",
                native_opening(secret, random_id(), gate=os.urandom(32)),
                JSON_TYPE)
            if answer.status != 403:
                break
            judged.append(answer.json()["attempts_left"])
        self.expect("guessed", answer.status == 410
                    and answer.json()["state"] == "locked", answer)
        self.expect("judged in order", judged == sorted(set(judged))[::-1]
                    and set(judged) <= {0, 1, 2}, judged)
        self.pairs += 1

    def older(self, create, read, gone):
        """Make, guess once, read until it is gone: at most one answer has
        it, and none only when a worker died under the reading."""
        key, message = create()
        if key is None:
            return
        wrong = self.send(*read(key, "wrong"))
        delivered = 0
        died = False
        for _ in range(60):
            answer = self.send(*read(key, "12345"))
            if answer is None:
                died = True
            elif answer.status == 200:
                delivered += 1
                self.expect("message", answer.json()["message"] == message,
                            answer)
            elif gone(answer):
                break
            else:
                self.faults.append("older: %r" % answer)
                break
        del wrong
        self.expect("read twice", delivered <= 1, key)
        if delivered == 0:
            self.lost += 1
            self.expect("lost, and nobody was killed", died, key)
        self.pairs += 1

    def safesecrets(self):
        def create():
            message = random_text(100)
            answer, _ = self.insist(
                "POST", "/api/v1/message",
                b'{"message":"%s","exp":600,"pin":"12345"}'
                % message.encode(), JSON_TYPE)
            self.expect("create", answer.status == 201, answer)
            return answer.json().get("key"), message

        def read(key, pin):
            return "GET", safesecrets_path(key, pin)

        self.older(create, read, lambda answer: answer.status == 400
                   and answer.json()["error"]
                   == "message expired or deleted")

    def onetime(self):
        def create():
            message = random_text(100)
            answer, _ = self.insist(
                "POST", "/secrets",
                b'{"message":"%s","passphrase":"12345"}' % message.encode(),
                JSON_TYPE)
            self.expect("create", answer.status == 200, answer)
            return answer.json().get("id"), message

        def read(key, passphrase):
            return ("POST", "/secrets/" + key,
                    b'{"passphrase":"%s"}' % passphrase.encode(), JSON_TYPE)

        self.older(create, read, lambda answer: answer.status == 404)

    def run(self, pairs):
        for _ in range(pairs):
            number = random.randrange(40)
            if number < SAFESECRETS:
                self.safesecrets()
            elif number < SAFESECRETS + ONETIME:
                self.onetime()
            elif number < SAFESECRETS + ONETIME + GATED:
                self.native(os.urandom(32), random.randrange(3))
            elif number < SAFESECRETS + ONETIME + GATED + GUESSED:
                self.guessed()
            else:
                self.native()


class Kill(SiteTest):

    def test_kill(self):
        """kill -9 of random workers: none read twice, none lost, no attempt
        given back"""
        site = self.site(workers=4, threads=4)
        killed = Killed()
        clients = [Client(site, killed) for _ in range(CLIENTS)]
        finished = threading.Event()
        trouble = []

        def killer():
            try:
                while not finished.wait(random.uniform(0.02, 0.25)):
                    start = time.monotonic()
                    entry = (start, float("inf"))
                    killed.times.append(entry)
                    site.kill_worker(random.randrange(4))
                    killed.times[killed.times.index(entry)] = (
                        start, time.monotonic())
            except BaseException as failure:    # told by the test
                trouble.append(failure)

        killing = threading.Thread(target=killer, daemon=True)
        killing.start()
        try:
            in_threads(CLIENTS, lambda number: clients[number].run(
                PAIRS // CLIENTS + 1))
        finally:
            finished.set()
            killing.join()
        self.assertEqual(trouble, [])
        faults = [fault for client in clients for fault in client.faults]
        self.assertEqual(faults[:10], [])
        note("%d pairs, %d kills, %d requests without an answer, %d lost "
             "with theirs" % (
                 sum(client.pairs for client in clients), len(killed.times),
                 sum(client.retries for client in clients),
                 sum(client.lost for client in clients)))
        self.assertGreater(len(killed.times), scaled(20) - 1)
        self.assertEqual(site.sweep().returncode, 0)
        self.assertEqual(site.stop_workers(), [0] * 4)
        self.assertEqual(site.check_integrity(), ["ok"])
        with site.reader() as database:
            (orphans,) = database.execute(
                "SELECT count(*) FROM record WHERE id NOT IN "
                "(SELECT record FROM secret)").fetchone()
            (dangling,) = database.execute(
                "SELECT count(*) FROM secret WHERE record <> 0 AND record "
                "NOT IN (SELECT id FROM record)").fetchone()
        self.assertEqual((orphans, dangling), (0, 0))


if __name__ == "__main__":
    main()
