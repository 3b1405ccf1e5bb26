# SPDX-License-Identifier: ISC
"""Promise 8, the native face's rules of claims and receipts."""

import os
import re
import time
from datetime import datetime, timezone

from oncelink_site import wait_until
from oncelink_test import SiteTest, main
from oncelink_wire import (
    FRAME_TYPE, native_creation, parse_frame, random_envelope, random_id,
)

TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"
TO_THE_MINUTE = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:00Z$"


def seconds(text):
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(
        tzinfo=timezone.utc).timestamp()


class NativeTest(SiteTest):

    def create(self, site, envelope=None, **members):
        """A new secret; its id, receipt and envelope."""
        secret, receipt = random_id(), random_id()
        envelope = random_envelope(2) if envelope is None else envelope
        answer = site.native_create(secret, receipt, envelope, **members)
        self.assertStatus(answer, 201)
        self.assertEqual(list(answer.json()), ["expires_at"])
        self.assertRegex(answer.json()["expires_at"], TIME)
        return secret, receipt, envelope

    def open(self, site, secret, claim, **members):
        return site.native("secrets/open", id=secret, claim=claim, **members)

    def assertOpens(self, answer, envelope, views_left=None):
        self.assertStatus(answer, 200)
        self.assertEqual(answer.headers["content-type"].split(";")[0],
                         FRAME_TYPE)
        head, payload = parse_frame(answer.body)
        self.assertEqual(payload, envelope)
        self.assertEqual(head["kind"], "v2")
        self.assertIsNone(head["message"])
        self.assertRegex(head["claim_until"], TIME)
        if views_left is not None:
            self.assertEqual(head["views_left"], views_left)
        return head

    def state(self, site, receipt):
        answer = site.native("receipts/peek", receipt=receipt)
        self.assertStatus(answer, 200)
        return answer.json()


class Claims(NativeTest):
    """What a claim is good for."""

    def test_same_claim(self):
        """the same claim opens again and gets the same bytes; no other; ack
        erases"""
        site = self.site()
        secret, receipt, envelope = self.create(site)
        claim, other = random_id(), random_id()
        head = self.assertOpens(
            self.open(site, secret, claim), envelope, views_left=0)
        self.assertOpens(self.open(site, secret, claim), envelope, 0)
        self.assertProblem(self.open(site, secret, other), 410,
                           state="opened")
        again = self.assertOpens(self.open(site, secret, claim), envelope)
        self.assertEqual(again["claim_until"], head["claim_until"])
        peek = site.native("secrets/peek", id=secret, claim=claim)
        self.assertStatus(peek, 200)
        self.assertIs(peek.json()["claimed"], True)

        # Somebody else's ack changes nothing.
        self.assertStatus(
            site.native("secrets/ack", id=secret, claim=other), 204)
        self.assertOpens(self.open(site, secret, claim), envelope)
        with site.reader() as database:
            (count,) = database.execute(
                "SELECT count(*) FROM record").fetchone()
        self.assertEqual(count, 1)

        self.assertStatus(
            site.native("secrets/ack", id=secret, claim=claim), 204)
        gone = self.assertProblem(self.open(site, secret, claim), 410,
                                  state="opened")
        self.assertRegex(gone["changed_at"], TO_THE_MINUTE)
        self.assertProblem(
            site.native("secrets/peek", id=secret, claim=claim), 410,
            state="opened")
        with site.reader() as database:
            (records,) = database.execute(
                "SELECT count(*) FROM record").fetchone()
            (claims,) = database.execute(
                "SELECT count(*) FROM claim").fetchone()
        self.assertEqual((records, claims), (0, 0))
        self.assertEqual(self.state(site, receipt)["state"], "opened")
        # Known or not is not told.
        self.assertStatus(
            site.native("secrets/ack", id=random_id(), claim=claim), 204)

    def test_crash(self):
        """a crash between open and ack changes nothing"""
        site = self.site()
        secret, receipt, envelope = self.create(site)
        claim = random_id()
        self.assertOpens(self.open(site, secret, claim), envelope, 0)
        site.kill_worker(0)
        self.assertProblem(self.open(site, secret, random_id()), 410,
                           state="opened")
        self.assertOpens(self.open(site, secret, claim), envelope, 0)
        site.kill_worker(0)
        self.assertOpens(self.open(site, secret, claim), envelope, 0)
        self.assertStatus(
            site.native("secrets/ack", id=secret, claim=claim), 204)
        site.kill_worker(0)
        self.assertProblem(self.open(site, secret, claim), 410,
                           state="opened")
        self.assertEqual(self.state(site, receipt)["state"], "opened")

    def test_three_views(self):
        """three views, three readers and their retries take three views"""
        site = self.site()
        secret, receipt, envelope = self.create(site, views=3)
        claims = [random_id() for _ in range(3)]
        for number, claim in enumerate(claims):
            for _ in range(3):
                self.assertOpens(
                    self.open(site, secret, claim), envelope, 2 - number)
            self.assertEqual(
                self.state(site, receipt)["views_left"], 2 - number)
        for claim in claims:
            self.assertOpens(self.open(site, secret, claim), envelope, 0)
        self.assertProblem(self.open(site, secret, random_id()), 410,
                           state="opened")
        # Each ack ends one claim; the record goes with the last.
        for number, claim in enumerate(claims):
            self.assertStatus(
                site.native("secrets/ack", id=secret, claim=claim), 204)
            self.assertProblem(self.open(site, secret, claim), 410)
            for later in claims[number + 1:]:
                self.assertOpens(self.open(site, secret, later), envelope)
        with site.reader() as database:
            (records,) = database.execute(
                "SELECT count(*) FROM record").fetchone()
        self.assertEqual(records, 0)

    def test_claim_ends(self):
        """after its time a claim opens nothing, swept or not"""
        site = self.site(settings={"claim_seconds": "1s"})
        secret, _, envelope = self.create(site)
        claim = random_id()
        head = self.assertOpens(self.open(site, secret, claim), envelope)
        self.assertOpens(self.open(site, secret, claim), envelope)
        until = seconds(head["claim_until"])
        self.assertLess(abs(until - time.time()), 3)
        wait_until(lambda: time.time() > until + 1, "the end of a claim")
        self.assertProblem(self.open(site, secret, claim), 410,
                           state="opened")
        self.assertStatus(
            site.native("secrets/peek", id=secret, claim=claim), 410)
        # A large envelope gets a second more for each 8 KiB.
        secret, _, envelope = self.create(site, random_envelope(160))
        head = self.assertOpens(self.open(site, secret, claim), envelope)
        self.assertGreaterEqual(
            seconds(head["claim_until"]), int(time.time()) + 8)
        done = site.sweep("-v")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertOpens(self.open(site, secret, claim), envelope)

    def test_wrong_gate_with_claim(self):
        """a live claim still needs its gate; a wrong one costs nothing"""
        site = self.site()
        gate = os.urandom(32)
        secret, receipt, envelope = self.create(site, gate=gate, attempts=2)
        claim = random_id()
        missing = self.assertProblem(self.open(site, secret, claim), 403)
        self.assertEqual(missing["type"], "tag:oncelink,2026:pin-required")
        wrong = self.assertProblem(
            self.open(site, secret, claim, gate=os.urandom(32)), 403)
        self.assertEqual(wrong["attempts_left"], 1)
        self.assertOpens(
            self.open(site, secret, claim, gate=gate), envelope, 0)
        for _ in range(4):
            self.assertProblem(
                self.open(site, secret, claim, gate=os.urandom(32)), 403)
        self.assertOpens(
            self.open(site, secret, claim, gate=gate), envelope, 0)
        # Nobody else can lock the reader out, or learn about the gate.
        for _ in range(4):
            self.assertProblem(
                self.open(site, secret, random_id(), gate=os.urandom(32)),
                410, state="opened")
        self.assertOpens(
            self.open(site, secret, claim, gate=gate), envelope, 0)
        self.assertEqual(self.state(site, receipt)["state"], "opened")

    def test_attempts_stay_used(self):
        """a right gate gives no attempt back: they count over the whole
        life"""
        site = self.site()
        gate = os.urandom(32)
        secret, _, envelope = self.create(site, gate=gate, views=3)
        for left in (2, 1, 0):
            wrong = self.assertProblem(self.open(
                site, secret, random_id(), gate=os.urandom(32)), 403)
            self.assertEqual(wrong["attempts_left"], left)
            if left > 0:
                self.assertOpens(self.open(
                    site, secret, random_id(), gate=gate), envelope)
        self.assertProblem(self.open(
            site, secret, random_id(), gate=gate), 410, state="locked")

    def test_without_claims(self):
        """claim_seconds = 0: a claim may be left out and binds nothing"""
        site = self.site(settings={"claim_seconds": "0"})
        secret, _, envelope = self.create(site)
        answer = self.open(site, secret, None)
        self.assertStatus(answer, 200)
        self.assertEqual(parse_frame(answer.body)[1], envelope)
        self.assertProblem(self.open(site, secret, None), 410)
        secret, _, envelope = self.create(site)
        claim = random_id()
        self.assertStatus(self.open(site, secret, claim), 200)
        self.assertProblem(self.open(site, secret, claim), 410,
                           state="opened")

    def test_claim_is_needed(self):
        """with claims on an open without one changes nothing"""
        site = self.site()
        secret, _, envelope = self.create(site)
        answer = self.open(site, secret, None)
        self.assertIn(answer.status, (400, 422), answer)
        self.assertOpens(
            self.open(site, secret, random_id()), envelope, 0)


class Receipts(NativeTest):
    """What the maker of a secret sees and does."""

    def test_waiting_and_opened(self):
        """a receipt tells waiting and opened, and the views"""
        site = self.site()
        secret, receipt, _ = self.create(site, views=2)
        state = self.state(site, receipt)
        self.assertEqual(
            sorted(state),
            ["changed_at", "created_at", "expires_at", "knocks",
             "last_knock", "state", "views_left"])
        self.assertEqual(state["state"], "waiting")
        self.assertEqual(state["views_left"], 2)
        self.assertEqual(state["knocks"], 0)
        self.assertIsNone(state["last_knock"])
        self.assertRegex(state["created_at"], TIME)
        self.assertEqual(
            seconds(state["expires_at"]) - seconds(state["created_at"]),
            3600)
        # Peek changes nothing, ever.
        for _ in range(3):
            peek = site.native("secrets/peek", id=secret)
            self.assertStatus(peek, 200)
            facts = peek.json()
            self.assertEqual(
                {name: facts[name] for name in (
                    "kind", "views_left", "gate", "claimed", "captcha",
                    "expires_at")},
                {"kind": "v2", "views_left": 2, "gate": False,
                 "claimed": False, "captcha": None,
                 "expires_at": state["expires_at"]})
            self.assertEqual(facts["bytes"], 1053)
        self.assertEqual(self.state(site, receipt), state)
        self.open(site, secret, random_id())
        state = self.state(site, receipt)
        self.assertEqual(state["state"], "opened")
        self.assertEqual(state["views_left"], 1)

    def test_burn(self):
        """a receipt burns, also under a live claim, and says what is over"""
        site = self.site()
        secret, receipt, envelope = self.create(site, views=2)
        claim = random_id()
        self.assertOpens(self.open(site, secret, claim), envelope, 1)
        burned = site.native("receipts/burn", receipt=receipt)
        self.assertStatus(burned, 200)
        self.assertEqual(burned.json()["state"], "burned")
        for shown in (claim, random_id()):
            gone = self.assertProblem(
                self.open(site, secret, shown), 410, state="burned")
            self.assertRegex(gone["changed_at"], TO_THE_MINUTE)
        again = site.native("receipts/burn", receipt=receipt)
        self.assertStatus(again, 200)
        self.assertEqual(again.json(), burned.json())
        with site.reader() as database:
            (records,) = database.execute(
                "SELECT count(*) FROM record").fetchone()
        self.assertEqual(records, 0)

        # What is over already stays what it is.
        secret, receipt, envelope = self.create(site)
        self.open(site, secret, claim)
        site.native("secrets/ack", id=secret, claim=claim)
        burned = site.native("receipts/burn", receipt=receipt)
        self.assertStatus(burned, 200)
        self.assertEqual(burned.json()["state"], "opened")
        self.assertProblem(
            site.native("receipts/peek", receipt=random_id()), 404)
        self.assertProblem(
            site.native("receipts/burn", receipt=random_id()), 404)

    def test_locked(self):
        """a receipt tells that the last attempt was wrong"""
        site = self.site()
        secret, receipt, _ = self.create(
            site, gate=os.urandom(32), attempts=2)
        for left in (1, 0):
            wrong = self.assertProblem(self.open(
                site, secret, random_id(), gate=os.urandom(32)), 403)
            self.assertEqual(wrong["attempts_left"], left)
        self.assertProblem(
            self.open(site, secret, random_id(), gate=os.urandom(32)), 410,
            state="locked")
        self.assertEqual(self.state(site, receipt)["state"], "locked")
        burned = site.native("receipts/burn", receipt=receipt)
        self.assertEqual(burned.json()["state"], "locked")

    def test_expired(self):
        """a receipt tells expired, before and after the sweep"""
        site = self.site()
        secret, receipt, _ = self.create(site)
        with site.writer() as database:
            past = int(time.time() * 1000) - 1000
            database.execute(
                "UPDATE secret SET expires_at = ?, due_at = ?", (past, past))
        self.assertEqual(self.state(site, receipt)["state"], "expired")
        self.assertProblem(self.open(site, secret, random_id()), 410,
                           state="expired")
        self.assertEqual(site.sweep().returncode, 0)
        self.assertEqual(self.state(site, receipt)["state"], "expired")
        self.assertProblem(
            site.native("secrets/peek", id=secret), 410, state="expired")

    def test_knocks(self):
        """a knock is counted at most once a minute and told to the
        receipt"""
        site = self.site()
        secret, receipt, _ = self.create(site)
        claim = random_id()
        self.open(site, secret, claim)
        site.native("secrets/ack", id=secret, claim=claim)
        for _ in range(3):
            self.assertStatus(site.native("secrets/knock", id=secret), 204)
        state = self.state(site, receipt)
        self.assertEqual(state["knocks"], 1)
        self.assertRegex(state["last_knock"], TO_THE_MINUTE)
        with site.writer() as database:
            database.execute("UPDATE secret SET knocked_at = 1")
        self.assertStatus(site.native("secrets/knock", id=secret), 204)
        self.assertEqual(self.state(site, receipt)["knocks"], 2)
        with site.writer() as database:
            database.execute(
                "UPDATE secret SET knocked_at = 1, knocks = 99")
        self.assertStatus(site.native("secrets/knock", id=secret), 204)
        self.assertEqual(self.state(site, receipt)["knocks"], 99)
        self.assertStatus(site.native("secrets/knock", id=random_id()), 204)

    def test_create_repeated(self):
        """create repeated is the same 201; any other use of a known id is
        409"""
        site = self.site()
        secret, receipt, envelope = self.create(site, views=2)
        first = self.state(site, receipt)
        body = native_creation(secret, receipt, envelope, views=2)
        answers = site.burst(
            [("POST", "/api/v2/secrets", body, FRAME_TYPE)] * 8)
        for answer in answers:
            self.assertStatus(answer, 201)
            self.assertEqual(answer.json(),
                             {"expires_at": first["expires_at"]})
        self.assertEqual(self.state(site, receipt), first)
        damaged = envelope[:-1] + bytes([envelope[-1] ^ 1])
        for changed in (
                native_creation(secret, random_id(), envelope, views=2),
                native_creation(secret, receipt, damaged, views=2),
                native_creation(
                    secret, receipt, random_envelope(2), views=2),
                native_creation(secret, receipt, envelope, views=2,
                                gate=os.urandom(32)),
        ):
            answer = site.request("POST", "/api/v2/secrets", changed,
                                  {"Content-Type": FRAME_TYPE})
            self.assertProblem(answer, 409)
        self.assertEqual(self.state(site, receipt), first)
        for _ in range(2):
            self.assertOpens(
                self.open(site, secret, random_id()), envelope)

    def test_used_id(self):
        """the id of a secret that is over is never taken again"""
        site = self.site()
        claim = random_id()

        def read(secret, receipt):
            self.assertStatus(self.open(site, secret, claim), 200)
            site.native("secrets/ack", id=secret, claim=claim)

        def burn(secret, receipt):
            self.assertStatus(
                site.native("receipts/burn", receipt=receipt), 200)

        def expire(secret, receipt):
            past = int(time.time() * 1000) - 1000
            with site.writer() as database:
                database.execute(
                    "UPDATE secret SET expires_at = ?, due_at = ? "
                    "WHERE record <> 0", (past, past))

        def expire_and_sweep(secret, receipt):
            expire(secret, receipt)
            self.assertEqual(site.sweep().returncode, 0)

        for end in (read, burn, expire, expire_and_sweep):
            with self.subTest(end.__name__):
                secret, receipt, envelope = self.create(site)
                end(secret, receipt)
                for again in (
                        site.native_create(secret, receipt, envelope),
                        site.native_create(secret, random_id(), envelope),
                ):
                    self.assertProblem(again, 409)
                self.assertProblem(
                    self.open(site, secret, random_id()), 410)

        # The ids of the older faces are of the same name space.
        key = site.safesecrets_create("text").json()["key"]
        token = bytes.fromhex(key.replace("-", ""))
        self.assertProblem(
            site.native_create(token, random_id(), random_envelope()), 409)

    def test_one_id_at_once(self):
        """many makers of one id at once: one wins"""
        site = self.site()
        secret = random_id()
        envelopes = [random_envelope() for _ in range(32)]
        answers = site.burst([
            ("POST", "/api/v2/secrets",
             native_creation(secret, random_id(), envelope), FRAME_TYPE)
            for envelope in envelopes])
        statuses = [answer.status for answer in answers]
        self.assertEqual(sorted(statuses), [201] + [409] * 31)
        winner = envelopes[statuses.index(201)]
        self.assertOpens(self.open(site, secret, random_id()), winner, 0)


class OlderSecrets(SiteTest):
    """The native face opens the secrets of the older faces too."""

    def test_text(self):
        """SafeSecrets and One Time Secret open with token and pin, under a
        claim"""
        site = self.site()
        key = site.safesecrets_create("a text é", "åäö12").json()["key"]
        token = bytes.fromhex(key.replace("-", ""))
        peek = site.native("secrets/peek", id=token)
        self.assertStatus(peek, 200)
        self.assertEqual(peek.json()["kind"], "text")
        self.assertIs(peek.json()["gate"], True)
        claim = random_id()
        gate = site.native("secrets/open", id=token, claim=claim,
                           gate=os.urandom(32))
        self.assertEqual(self.assertProblem(gate, 422)["field"], "gate")
        missing = site.native("secrets/open", id=token, claim=claim)
        self.assertEqual(self.assertProblem(missing, 403)["type"],
                         "tag:oncelink,2026:pin-required")
        wrong = site.native("secrets/open", id=token, claim=claim,
                            pin="wrong")
        self.assertEqual(self.assertProblem(wrong, 403)["attempts_left"], 2)
        for _ in range(2):
            answer = site.native("secrets/open", id=token, claim=claim,
                                 pin="åäö12")
            self.assertStatus(answer, 200)
            head, payload = parse_frame(answer.body)
            self.assertEqual(head["kind"], "text")
            self.assertEqual(payload.decode(), "a text é")
        self.assertStatus(site.safesecrets_open(key, "åäö12"), 400)
        self.assertStatus(
            site.native("secrets/ack", id=token, claim=claim), 204)

        key = site.onetime_create("another").json()["id"]
        self.assertTrue(re.fullmatch("[0-9a-f]{32}", key))
        answer = site.native("secrets/open", id=bytes.fromhex(key),
                             claim=claim, pin="open sesame")
        self.assertStatus(answer, 200)
        self.assertEqual(parse_frame(answer.body)[1], b"another")
        self.assertStatus(site.onetime_open(key), 404)

    def test_faces_keep_apart(self):
        """an older face does not find what is not its own, and that costs
        nothing"""
        site = self.site()
        key = site.onetime_create("mine", "12345").json()["id"]
        uuid = "-".join((key[:8], key[8:12], key[12:16], key[16:20],
                         key[20:]))
        for _ in range(4):
            self.assertStatus(site.safesecrets_open(uuid, "12345"), 400)
            self.assertStatus(site.safesecrets_open(uuid, "54321"), 400)
        self.assertStatus(site.onetime_open(key, "12345"), 200)
        uuid = site.safesecrets_create("mine", "12345").json()["key"]
        for _ in range(4):
            self.assertStatus(
                site.onetime_open(uuid.replace("-", ""), "12345"), 404)
            self.assertStatus(
                site.onetime_open(uuid.replace("-", ""), "wrong"), 404)
        self.assertStatus(site.safesecrets_open(uuid, "12345"), 200)
        secret = random_id()
        site.native_create(secret, random_id(), random_envelope())
        self.assertStatus(
            site.onetime_open(secret.hex(), "x"), 404)
        self.assertStatus(
            site.native("secrets/open", id=secret, claim=random_id()), 200)


if __name__ == "__main__":
    main()
