# SPDX-License-Identifier: ISC
"""Promise 3, and the sweeper: never, twice at once, and with a lot to do."""

import os
import re
import subprocess
import threading
import time

from oncelink_site import SWEEP, clean_environment, wait_until
from oncelink_test import SiteTest, in_threads, main, note, scaled
from oncelink_wire import (
    FRAME_TYPE, JSON_TYPE, native_creation, native_opening, parse_frame,
    random_envelope, random_id,
)

DAY = 86400 * 1000

COLUMNS = """lookup_id, lookup, kind, state, created_at, changed_at, expires_at,
due_at, views_left, attempts_left, verifier, passes, memory, key_id, epoch,
receipt_id, receipt, knocks, knocked_at, record, record_bytes"""


def now():
    return int(time.time() * 1000)


def row_id(keyed):
    """The number of a row: 63 bits of a keyed hash."""
    return int.from_bytes(keyed[:8], "big") >> 1


class Expiry(SiteTest):

    def await_expiry(self, site):
        """Until the time of every secret is over by the database's word."""
        with site.reader() as database:
            (last,) = database.execute(
                "SELECT max(expires_at) FROM secret").fetchone()
        wait_until(lambda: now() > last + 5, "the end of a second")

    def count(self, site, table):
        with site.reader() as database:
            return database.execute(
                "SELECT count(*) FROM " + table).fetchone()[0]

    def plant(self, site, count, expired):
        """Make so many more secrets, as copies of one, whose time was over
        one after another in the minute before `expired`.  Their records
        do not open, but nobody looks."""
        secret = random_id()
        self.assertStatus(site.native_create(
            secret, random_id(), random_envelope()), 201)
        names = [name.strip() for name in COLUMNS.split(",")]
        # More than any program of ours leaves in the log at once.
        with site.writer(checkpoint=True) as database:
            row = dict(zip(names, database.execute(
                "SELECT %s FROM secret" % COLUMNS).fetchone()))
            (sealed,) = database.execute(
                "SELECT sealed FROM record").fetchone()

            def rows():
                for number in range(count):
                    row["lookup"] = os.urandom(32)
                    row["receipt"] = os.urandom(32)
                    row["lookup_id"] = row_id(row["lookup"])
                    row["receipt_id"] = row_id(row["receipt"])
                    row["expires_at"] = row["due_at"] = (
                        expired - 60000 + number * 60000 // count)
                    row["record"] = 1000 + number
                    yield tuple(row[name] for name in names)

            database.executemany(
                "INSERT INTO record VALUES (?, ?)",
                ((1000 + number, sealed) for number in range(count)))
            database.executemany(
                "INSERT INTO secret (%s) VALUES (%s)" % (
                    COLUMNS, ", ".join("?" * len(names))), rows())

    def test_never_swept(self):
        """after expires_at nothing is given out, though nobody sweeps"""
        site = self.site()
        uuid = site.safesecrets_create("text", "12345", exp=1).json()["key"]
        key = site.onetime_create("text", "12345", expiration_time=1).json()[
            "id"]
        digits = site.onetime_create(
            "text", "12345", expiration_time="1").json()["id"]
        token = bytes.fromhex(uuid.replace("-", ""))
        claimed, claim = random_id(), random_id()
        waiting, receipt = random_id(), random_id()
        for secret in (claimed, waiting):
            self.assertStatus(site.native_create(
                secret, receipt if secret is waiting else random_id(),
                random_envelope(), views=2), 201)
        opened = site.native("secrets/open", id=claimed, claim=claim)
        self.assertStatus(opened, 200)
        self.await_seconds(site, (uuid, key, digits))
        # A native secret lives a minute at least; put its end into the past.
        with site.writer() as database:
            database.execute(
                "UPDATE secret SET expires_at = :past, due_at = :past "
                "WHERE expires_at > :past", {"past": now() - 1})

        answer = site.safesecrets_open(uuid, "12345")
        self.assertStatus(answer, 400)
        self.assertEqual(answer.json(),
                         {"error": "message expired or deleted"})
        unknown = site.safesecrets_open(
            "00000000-0000-4000-8000-000000000000", "12345")
        self.assertEqual(answer.body, unknown.body)
        for one in (key, digits):
            self.assertStatus(site.onetime_open(one, "12345"), 404)
        self.assertProblem(site.native(
            "secrets/open", id=token, pin="12345", claim=claim), 410,
            state="expired")
        self.assertProblem(site.native(
            "secrets/peek", id=token), 410, state="expired")
        for secret in (claimed, waiting):
            for shown in (claim, random_id()):
                self.assertProblem(site.native(
                    "secrets/open", id=secret, claim=shown), 410,
                    state="expired")
        self.assertEqual(site.native(
            "receipts/peek", receipt=receipt).json()["state"], "expired")
        # All of them are still stored: it was the time that decided.
        self.assertEqual(self.count(site, "record"), 5)

    def await_seconds(self, site, keys):
        with site.reader() as database:
            (last,) = database.execute(
                "SELECT max(expires_at) FROM secret WHERE expires_at < ?",
                (now() + 30000,)).fetchone()
        self.assertIsNotNone(last, keys)
        wait_until(lambda: now() > last + 5, "the end of a second")

    def test_claim_within_expiry(self):
        """a claim does not outlive its secret"""
        site = self.site()
        key = site.onetime_create("text", "12345", expiration_time=2).json()[
            "id"]
        token, claim = bytes.fromhex(key), random_id()
        answer = site.native("secrets/open", id=token, pin="12345",
                             claim=claim)
        self.assertStatus(answer, 200)
        self.assertEqual(parse_frame(answer.body)[1], b"text")
        with site.reader() as database:
            ((until, expires),) = database.execute(
                "SELECT until, expires_at FROM claim, secret").fetchall()
        self.assertLessEqual(until, expires)
        self.await_expiry(site)
        self.assertProblem(site.native(
            "secrets/open", id=token, pin="12345", claim=claim), 410)

    def test_twice(self):
        """two sweepers at once are safe, and a third has nothing to do"""
        site = self.site()
        count = 4000
        self.plant(site, count, now() - 60000)
        alive = random_id()
        site.native_create(alive, random_id(), random_envelope())
        sweepers = [
            subprocess.Popen(
                [SWEEP, "-c", site.conf_file, "-v"], env=clean_environment(),
                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for _ in range(2)]
        said = []
        for sweeper in sweepers:
            output, errors = sweeper.communicate(timeout=120)
            self.assertEqual(sweeper.returncode, 0, errors)
            said.append((output + errors).decode())
        self.assertEqual(self.count(site, "record"), 2)
        with site.reader() as database:
            states = database.execute(
                "SELECT state, count(*) FROM secret GROUP BY state"
            ).fetchall()
        self.assertEqual(states, [(0, 2), (2, count)])
        numbers = [int(number) for text in said
                   for number in re.findall(r"\d+", text)]
        self.assertEqual(numbers.count(count), 1, said)
        self.assertStatus(site.native(
            "secrets/open", id=alive, claim=random_id()), 200)
        third = site.sweep("-v")
        self.assertEqual(third.returncode, 0)
        self.assertNotIn(str(count).encode(), third.stdout + third.stderr)

    def test_killed(self):
        """a sweeper may be killed at any moment: the next one does the
        rest"""
        site = self.site()
        count = 5000
        self.plant(site, count, now() - 60000)
        kills = 0
        for delay in range(1000):
            sweeper = subprocess.Popen(
                [SWEEP, "-c", site.conf_file], env=clean_environment(),
                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            try:
                _, errors = sweeper.communicate(timeout=0.01 + delay * 0.002)
                break
            except subprocess.TimeoutExpired:
                sweeper.kill()
                sweeper.communicate()
                kills += 1
        self.assertEqual(sweeper.returncode, 0, errors)
        self.assertGreater(kills, 1)
        note("%d sweepers killed" % kills)
        with site.reader() as database:
            self.assertEqual(database.execute(
                "SELECT state, count(*), sum(record <> 0) FROM secret "
                "GROUP BY state").fetchall(), [(0, 1, 1), (2, count, 0)])
        self.assertEqual(self.count(site, "record"), 1)
        self.assertEqual(site.stop_workers(), [0])
        self.assertEqual(site.check_integrity(), ["ok"])

    def test_forgets(self):
        """tombstones go after keep_receipts, and their ids are free again"""
        site = self.site(settings={"keep_receipts": "1d"})
        secret, receipt = random_id(), random_id()
        site.native_create(secret, receipt, random_envelope())
        site.native("receipts/burn", receipt=receipt)
        self.assertEqual(site.sweep().returncode, 0)
        self.assertProblem(
            site.native("secrets/peek", id=secret), 410, state="burned")
        with site.writer() as database:
            past = now() - DAY - 5000
            database.execute("UPDATE secret SET expires_at = ?, due_at = ?",
                             (past, past))
        done = site.sweep("-v")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(self.count(site, "secret"), 0)
        self.assertProblem(site.native("secrets/peek", id=secret), 404)
        self.assertProblem(
            site.native("receipts/peek", receipt=receipt), 404)

    def clock(self, site, *arguments):
        """What oncelinkctl says of it, by name."""
        done = site.ctl("clock", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return dict(line.split(" = ", 1)
                    for line in done.stdout.decode().splitlines())

    def test_clock_ahead(self):
        """a clock that is years ahead ends nothing, before the operator says
        that it is right"""
        site = self.site()
        self.plant(site, 3, now() - 60000)
        self.assertEqual(self.clock(site)["state"], "good")
        with site.writer() as database:
            database.execute("UPDATE clock SET latest = latest - "
                             "3652 * 86400000")
        for _ in range(2):
            # Nothing is made that would last until then.
            self.assertStatus(site.direct(
                "POST", "/secrets", b'{"passphrase":"a","message":"b"}',
                JSON_TYPE), 503)
            done = site.sweep()
            self.assertEqual(done.returncode, os.EX_TEMPFAIL)
            self.assertIn(b"87648 hours ahead", done.stderr)
            self.assertIn(b"oncelinkctl clock --accept", done.stderr)
            self.assertIn(b"event=clock-ahead seconds=3155328", done.stderr)
        self.assertEqual(self.count(site, "record"), 4)
        self.assertRegex(self.clock(site)["state"], "^ahead")
        self.assertEqual(self.clock(site, "--accept")["state"], "good")
        self.assertEqual(self.clock(site)["state"], "good")
        done = site.sweep()
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(self.count(site, "record"), 1)

    def test_clock_behind(self):
        """what was over stays over when the clock goes back"""
        site = self.site(server=None)
        secret, receipt = random_id(), random_id()
        site.direct("POST", "/api/v2/secrets", native_creation(
            secret, receipt, random_envelope(), 60), FRAME_TYPE)
        with site.writer() as database:
            database.execute("UPDATE clock SET latest = latest + 7200000")
        answer = site.direct("POST", "/api/v2/secrets/open",
                             native_opening(secret, random_id()), JSON_TYPE)
        self.assertStatus(answer, 410)
        self.assertRegex(self.clock(site)["state"], "^behind")
        # What is made is made for as long as it should be.
        secret = random_id()
        self.assertStatus(site.direct(
            "POST", "/api/v2/secrets", native_creation(
                secret, random_id(), random_envelope(), 60),
            FRAME_TYPE), 201)
        done = site.sweep()
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stderr, b"(119|120) minutes behind")
        self.assertEqual(self.count(site, "record"), 1)
        self.assertStatus(site.direct(
            "POST", "/api/v2/secrets/open",
            native_opening(secret, random_id()), JSON_TYPE), 200)
        self.assertEqual(self.clock(site, "--accept")["state"], "good")

    def test_many(self):
        """200,000 expired rows are swept while requests go on"""
        count = scaled(200000)
        site = self.site(settings={"lock_wait": "5s", "max_store": "4G"})
        self.plant(site, count, now() - 60000)
        finished = threading.Event()
        longest = [0.0] * 2
        answered = [0] * 2
        refused = []

        def client(number):
            while True:
                last = finished.is_set()
                secret, claim = random_id(), random_id()
                envelope = random_envelope()
                for path, body, content_type, status in (
                        ("/api/v2/secrets", native_creation(
                            secret, random_id(), envelope), FRAME_TYPE, 201),
                        ("/api/v2/secrets/open",
                         native_opening(secret, claim), JSON_TYPE, 200),
                        ("/api/v2/secrets/ack",
                         native_opening(secret, claim), JSON_TYPE, 204)):
                    start = time.monotonic()
                    answer = site.request(
                        "POST", path, body, {"Content-Type": content_type})
                    took = time.monotonic() - start
                    longest[number] = max(longest[number], took)
                    answered[number] += 1
                    if answer.status != status:
                        refused.append(repr(answer))
                if last:
                    return

        def sweeper():
            try:
                return site.sweep("-v")
            finally:
                finished.set()

        start = time.monotonic()
        results = in_threads(3, lambda number: sweeper() if number == 2
                             else client(number))
        took = time.monotonic() - start
        note("%d rows swept in %.1f s; %d requests meanwhile, the slowest "
             "took %.0f ms" % (count, took, sum(answered),
                               max(longest) * 1000))
        done = results[2]
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(str(count).encode(), done.stdout + done.stderr)
        self.assertEqual(refused[:5], [])
        # Whatever the machine: nobody waited for a large part of it.
        self.assertLess(max(longest), took / 10)
        self.assertEqual(self.count(site, "record"), 1)
        self.assertEqual(site.stop_workers(), [0])
        self.assertEqual(site.check_integrity(), ["ok"])


if __name__ == "__main__":
    main()
