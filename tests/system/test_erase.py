# SPDX-License-Identifier: ISC
"""Promises 4 and 5: what is over is gone from the disk, and what is not was
never there in the clear."""

import array
import json
import math
import os
import random
import shutil
import threading
import time

from oncelink_test import SiteTest, in_threads, main, note, scaled
from oncelink_wire import (
    FRAME_TYPE, JSON_TYPE, b64u, native_creation, native_opening,
    random_envelope, random_id, random_text, safesecrets_path,
)

SECRETS = scaled(5000)
CLIENTS = 4

# What two texts have in common is looked for by pieces of 8 bytes that begin
# at every fourth byte of the one and at any byte of the other: each common
# run of 12 bytes (11, to be exact) contains one.
PIECE = 8
STEP = 4
RUN = 12


def pieces(text, step=STEP):
    """The pieces of a text that begin at every step-th byte."""
    if step == PIECE:
        return array.array("Q", text[:len(text) // PIECE * PIECE])
    found = array.array("Q")
    for shift in range(0, PIECE, step):
        part = text[shift:]
        found.frombytes(part[:len(part) // PIECE * PIECE])
    return found


def common_run(text, other):
    """Have the two a run of 12 bytes in common?"""
    return any(text[start:start + RUN] in other
               for start in range(len(text) - RUN + 1))


def without_zeros(contents):
    """The parts of a file that are not all zeros, with some around."""
    parts, start, block = [], None, 64
    for position in range(0, len(contents), block):
        blank = not any(contents[position:position + block])
        if blank and start is not None:
            parts.append(contents[start:position])
            start = None
        elif not blank and start is None:
            start = position
    if start is not None:
        parts.append(contents[start:])
    return parts


class Secret:
    """One secret of a face, and everything that must not be found."""

    def __init__(self, face, size):
        self.face = face
        self.receipt = self.claim = None
        if face == "native":
            self.token = random_id()
            self.receipt, self.claim = random_id(), random_id()
            self.plain = random_envelope(max(1, size // 512))
        else:
            self.plain = random_text(size).encode()

    def create(self, site):
        if self.face == "native":
            answer = site.request(
                "POST", "/api/v2/secrets", native_creation(
                    self.token, self.receipt, self.plain),
                {"Content-Type": FRAME_TYPE})
            expected = 201
        elif self.face == "safesecrets":
            answer = site.safesecrets_create(
                self.plain.decode(), exp=86400)
            expected = 201
            self.token = bytes.fromhex(
                answer.json()["key"].replace("-", ""))
        else:
            answer = site.onetime_create(self.plain.decode(), "12345")
            expected = 200
            self.token = bytes.fromhex(answer.json()["id"])
        if answer.status != expected:
            raise AssertionError("create: %r" % answer)

    def uuid(self):
        text = self.token.hex()
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20],
                         text[20:]))

    def read(self, site):
        if self.face == "safesecrets":
            answer = site.request("GET", safesecrets_path(
                self.uuid(), "12345"))
        elif self.face == "onetime":
            answer = site.onetime_open(self.token.hex(), "12345")
        else:
            answer = site.request(
                "POST", "/api/v2/secrets/open",
                native_opening(self.token, self.claim),
                {"Content-Type": JSON_TYPE})
        if answer.status != 200 or self.plain not in answer.body:
            raise AssertionError("read: %r" % answer)
        # Half of the readers never say that they have it; their claims end.
        if self.face == "native" and random.random() < 0.5:
            site.native("secrets/ack", id=self.token, claim=self.claim)

    def burn(self, site):
        answer = site.native("receipts/burn", receipt=self.receipt)
        if answer.json()["state"] != "burned":
            raise AssertionError("burn: %r" % answer)

    def texts(self):
        """The token in every form that it is written in, and what only its
        owner knows."""
        forms = [self.token, self.token.hex().encode(),
                 self.uuid().encode(), b64u(self.token).encode()]
        for secret in (self.receipt, self.claim):
            if secret is not None:
                forms += [secret, b64u(secret).encode()]
        return forms


class Erase(SiteTest):

    def assertNowhere(self, texts, contents, what):
        """No common run of any of the texts with any of the files."""
        wanted = {}
        for text in texts:
            for piece in pieces(text):
                wanted[piece] = text
        keys = frozenset(wanted)
        for name, content in contents.items():
            for part in without_zeros(content):
                for shift in range(PIECE):
                    for piece in keys.intersection(
                            pieces(part[shift:], PIECE)):
                        self.assertFalse(
                            common_run(wanted[piece], part),
                            "%s in %s" % (what, name))

    def assertClear(self, secrets, site, plain_step=1):
        """Neither token nor plaintext is in the database now."""
        texts = [text for secret in secrets for text in secret.texts()]
        texts += [secret.plain for secret in secrets[::plain_step]]
        self.assertNowhere(texts, site.database_bytes(),
                           "a token or a plaintext")

    def read_sealed(self, site, secrets):
        """What the records of these secrets are on the disk."""
        with site.reader() as database:
            sealed = [row[0] for row in database.execute(
                "SELECT sealed FROM record")]
        self.assertEqual(len(sealed), len(secrets))
        files = b"".join(site.database_bytes().values())
        for record in random.sample(sealed, 20):
            # This is how a record is found where there is one.
            self.assertTrue(record[:RUN] in files)
        return sealed

    def test_search(self):
        """the search finds what is there"""
        hidden = os.urandom(40)
        content = os.urandom(5000) + hidden[9:9 + RUN] + bytes(3000)
        with self.assertRaises(AssertionError):
            self.assertNowhere([hidden], {"file": content}, "hidden")
        self.assertNowhere([os.urandom(40)], {"file": content}, "other")

    def test_erase(self):
        """reads, burns and expiries in random order, and one sweep: no byte
        of token, record or plaintext is left"""
        site = self.site(settings={"claim_seconds": "1s"})
        secrets = []
        for number in range(SECRETS):
            # Evenly on a scale of powers, from 10 bytes to 20 KB.
            size = int(math.exp(random.uniform(math.log(10),
                                               math.log(20000))))
            face = random.choice(
                ("native",) * 18 + ("safesecrets", "onetime"))
            secrets.append(Secret(face, size))

        sealed = []
        rounds = 2
        for turn in range(rounds):
            some = secrets[turn::rounds]
            in_threads(CLIENTS, lambda number, some=some: [
                secret.create(site) for secret in some[number::CLIENTS]])
            self.assertClear(some, site, plain_step=3)
            sealed += self.read_sealed(site, some)
            self.end_some(site, some)
            self.assertClear(some, site, plain_step=3)
            self.await_claims(site)
            done = site.sweep()
            self.assertEqual(done.returncode, 0, done.stderr)

        with site.reader() as database:
            self.assertEqual(database.execute(
                "SELECT (SELECT count(*) FROM record), "
                "(SELECT count(*) FROM claim)").fetchone(), (0, 0))
        contents = site.database_bytes()
        note("%d secrets, %d KB of records; files now: %s" % (
            len(secrets), sum(map(len, sealed)) // 1024,
            {name: len(content) for name, content in contents.items()}))
        self.assertNowhere(sealed, contents, "a sealed record")
        self.assertNowhere(
            [text for secret in secrets
             for text in secret.texts() + [secret.plain]],
            contents, "a token or a plaintext")
        self.assertEqual(len(sealed), len(secrets))

    def end_some(self, site, secrets):
        """Every one of them ends, each in one of the ways."""
        ends = {"read": [], "burn": [], "expire": []}
        for secret in random.sample(secrets, len(secrets)):
            ways = ["read", "expire"]
            if secret.face == "native":
                ways.append("burn")
            ends[random.choice(ways)].append(secret)
        acts = [("read", secret) for secret in ends["read"]]
        acts += [("burn", secret) for secret in ends["burn"]]
        random.shuffle(acts)

        def work(number):
            for way, secret in acts[number::CLIENTS]:
                getattr(secret, way)(site)

        in_threads(CLIENTS, work)
        # The rest expires: the end of their time is put into the past.
        with site.writer() as database:
            past = int(time.time() * 1000) - 1
            database.execute(
                "UPDATE secret SET expires_at = :past, due_at = :past "
                "WHERE record <> 0 AND state = 0", {"past": past})

    def await_claims(self, site):
        """Until every claim is over."""
        with site.reader() as database:
            (last,) = database.execute(
                "SELECT max(until) FROM claim").fetchone()
        if last is not None:
            time.sleep(max(0, last / 1000 - time.time()) + 0.01)

    def test_ack_erases(self):
        """after an ack or a burn the worker erases by itself, without a
        sweep, and so does a read without a claim"""
        site = self.site(settings={"erase_delay": "50ms"})
        secrets = [Secret(face, 3000) for face in
                   ("native",) * 6 + ("safesecrets", "onetime")]
        for secret in secrets:
            secret.create(site)
        with site.reader() as database:
            sealed = [row[0] for row in database.execute(
                "SELECT sealed FROM record")]
        self.assertEqual(len(sealed), len(secrets))
        for number, secret in enumerate(secrets):
            if secret.face == "native" and number % 2:
                secret.burn(site)
            else:
                secret.read(site)
                if secret.face == "native":
                    site.native("secrets/ack", id=secret.token,
                                claim=secret.claim)
        deadline = time.monotonic() + 30
        while True:
            try:
                self.assertNowhere(sealed, site.database_bytes(), "a record")
                break
            except AssertionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def test_cgi_erases(self):
        """a plain CGI reader erases at once"""
        site = self.site(server=None, start=False)
        message = random_text(4000)
        answer = site.cgi("POST", "/api/v1/message", json.dumps({
            "message": message, "exp": 600, "pin": "12345"}).encode(),
            JSON_TYPE)
        self.assertStatus(answer, 201)
        with site.reader() as database:
            ((sealed,),) = database.execute(
                "SELECT sealed FROM record").fetchall()
        answer = site.cgi("GET", safesecrets_path(
            answer.json()["key"], "12345"))
        self.assertStatus(answer, 200)
        self.assertEqual(answer.json()["message"], message)
        self.assertNowhere([sealed], site.database_bytes(), "a record")

    def test_verify(self):
        """verify-erased finds nothing, beside a worker, and leaves nothing"""
        site = self.site()
        kept = Secret("native", 2000)
        kept.create(site)
        done = site.ctl("verify-erased")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertRegex(done.stdout.decode(),
                         r"^planted 64 .*\nused .* nothing .* in [1-9]\d{6,} ")
        with site.reader() as database:
            self.assertEqual(database.execute(
                "SELECT count(*) FROM secret").fetchone(), (1,))

    def test_verify_held_up(self):
        """verify-erased says so when somebody keeps what is over"""
        site = self.site(server=None)
        with site.reader() as database:
            database.execute("BEGIN")
            database.execute("SELECT count(*) FROM secret").fetchone()
            done = site.ctl("verify-erased")
        self.assertIn(b"holds up", done.stderr)
        self.assertEqual(done.returncode, 1)
        site.sweep()
        # And of a file that somebody made of it.
        copied = threading.Event()

        def copy():
            path = site.database + "-wal"
            while not copied.is_set():
                if (os.path.exists(path) and
                        os.path.getsize(path) > 1 << 20):
                    shutil.copy(path, os.path.join(site.state, "copy"))
                    copied.set()
        thread = threading.Thread(target=copy, daemon=True)
        thread.start()
        done = site.ctl("verify-erased")
        self.assertTrue(copied.wait(60))
        thread.join()
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stderr,
                         rb"of 64 secrets that are over [1-9]\d* left")

    def test_schema(self):
        """sealed bytes are in rowid tables only and in no index"""
        site = self.site()
        with site.reader() as database:
            tables = database.execute(
                "SELECT name, sql FROM sqlite_schema "
                "WHERE type = 'table'").fetchall()
            indexed = {row[0] for row in database.execute(
                "SELECT DISTINCT info.name FROM sqlite_schema AS schema, "
                "pragma_index_list(schema.name) AS list, "
                "pragma_index_info(list.name) AS info "
                "WHERE schema.type = 'table'")}
            holders = [
                (name, sql) for name, sql in tables
                for column in database.execute(
                    "SELECT name FROM pragma_table_info(?)", (name,))
                if column[0] == "sealed"]
        self.assertNotIn("sealed", indexed)
        self.assertEqual([name for name, _ in holders], ["record"])
        for _, sql in holders:
            self.assertNotIn("WITHOUT ROWID", sql.upper())


if __name__ == "__main__":
    main()
