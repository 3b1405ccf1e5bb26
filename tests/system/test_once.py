# SPDX-License-Identifier: ISC
"""Promise 1 and 2: one reader, three tries, whatever the concurrency."""

import os

from oncelink_test import SiteTest, main, note, scaled
from oncelink_wire import (
    JSON_TYPE, native_opening, random_envelope, random_id, random_text,
    safesecrets_path,
)

READERS = 64
SECRETS = scaled(200)
OLDER = scaled(6)
GATE_VIEWS = scaled(10)
PIN_ROUNDS = scaled(6)

GONE = "message expired or deleted"
WRONG = "wrong pin attempt"
LAST = "wrong pin"


def wrong_pins(right, count):
    return [pin for pin in ("%05d" % number for number in range(count + 1))
            if pin != right][:count]


def open_request(secret, **members):
    return ("POST", "/api/v2/secrets/open",
            native_opening(secret, random_id(), **members), JSON_TYPE)


class Once(SiteTest):

    def readers_of_each(self, site):
        """64 at once at each secret: exactly one gets it."""
        for number in range(SECRETS):
            secret, envelope = random_id(), random_envelope()
            gate = os.urandom(32) if number % 4 == 0 else None
            self.assertStatus(site.native_create(
                secret, random_id(), envelope, gate=gate), 201)
            answers = site.burst([
                open_request(secret, gate=gate) for _ in range(READERS)])
            got = [answer for answer in answers if answer.status == 200]
            self.assertEqual(len(got), 1, "secret %d: %r" % (number, answers))
            self.assertTrue(got[0].body.endswith(b"\n" + envelope))
            others = [answer for answer in answers if answer is not got[0]]
            for answer in others:
                self.assertProblem(answer, 410, state="opened")
                self.assertNotIn(envelope, answer.body)
        note("%d readers at each of %d secrets" % (READERS, SECRETS))

    def readers_of_views(self, site):
        """64 at once at a secret with three views: exactly three get it."""
        for _ in range(GATE_VIEWS):
            secret, envelope = random_id(), random_envelope()
            self.assertStatus(site.native_create(
                secret, random_id(), envelope, views=3), 201)
            answers = site.burst([
                open_request(secret) for _ in range(READERS)])
            self.assertEqual(
                sorted(answer.status for answer in answers),
                [200] * 3 + [410] * (READERS - 3))

    def readers_of_older_faces(self, site):
        for _ in range(OLDER):
            text = random_text(200)
            key = site.safesecrets_create(text).json()["key"]
            answers = site.burst([
                ("GET", safesecrets_path(key, "12345"), None, None)
            ] * READERS)
            got = [answer for answer in answers if answer.status == 200]
            self.assertEqual(len(got), 1, answers)
            self.assertEqual(got[0].json(), {"key": key, "message": text})
            for answer in answers:
                if answer.status != 200:
                    self.assertStatus(answer, 400)
                    self.assertEqual(answer.json(), {"error": GONE})

            key = site.onetime_create(text).json()["id"]
            answers = site.burst([
                ("POST", "/api/secrets/" + key,
                 b'{"passphrase":"open sesame"}', JSON_TYPE)
            ] * READERS)
            got = [answer for answer in answers if answer.status == 200]
            self.assertEqual(len(got), 1, answers)
            self.assertEqual(got[0].json(),
                             {"success": "True", "message": text})
            self.assertEqual({answer.status for answer in answers},
                             {200, 404})

    def guesses(self, site):
        """64 wrong PINs at once: exactly 3 are judged, then it is gone."""
        for number in range(PIN_ROUNDS):
            pin = "%05d" % (number * 7)
            key = site.safesecrets_create("never to be seen", pin).json()[
                "key"]
            answers = site.burst([
                ("GET", safesecrets_path(key, wrong), None, None)
                for wrong in wrong_pins(pin, READERS)])
            told = sorted((answer.status, answer.json()["error"])
                          for answer in answers)
            self.assertEqual(
                told,
                [(400, GONE)] * (READERS - 3) + [(400, LAST)]
                + [(417, WRONG)] * 2)
            answer = site.safesecrets_open(key, pin)
            self.assertStatus(answer, 400)
            self.assertEqual(answer.json(), {"error": GONE})

            key = site.onetime_create("never to be seen").json()["id"]
            answers = site.burst([
                ("POST", "/secrets/" + key,
                 b'{"passphrase":"guess %d"}' % guess, JSON_TYPE)
                for guess in range(READERS)])
            self.assertEqual({answer.status for answer in answers}, {404})
            self.assertEqual(len({answer.body for answer in answers}), 1)
            self.assertStatus(site.onetime_open(key), 404)

            secret, gate = random_id(), os.urandom(32)
            self.assertStatus(site.native_create(
                secret, random_id(), random_envelope(), gate=gate,
                attempts=3), 201)
            answers = site.burst([
                open_request(secret, gate=os.urandom(32))
                for _ in range(READERS)])
            judged = [self.assertProblem(answer, 403)["attempts_left"]
                      for answer in answers if answer.status == 403]
            self.assertEqual(sorted(judged), [0, 1, 2])
            for answer in answers:
                if answer.status != 403:
                    self.assertProblem(answer, 410, state="locked")
            right = site.native("secrets/open", id=secret, gate=gate,
                                claim=random_id())
            self.assertProblem(right, 410, state="locked")

    def guesses_among_readers(self, site):
        """Wrong and right at once: at most one reader, at most 3 judged, and
        never nobody and nothing."""
        for _ in range(PIN_ROUNDS):
            secret, gate = random_id(), os.urandom(32)
            self.assertStatus(site.native_create(
                secret, random_id(), random_envelope(), gate=gate,
                attempts=3), 201)
            requests = []
            for number in range(READERS):
                shown = gate if number % 2 else os.urandom(32)
                requests.append(open_request(secret, gate=shown))
            answers = site.burst(requests)
            statuses = [answer.status for answer in answers]
            self.assertLessEqual(statuses.count(200), 1)
            self.assertLessEqual(statuses.count(403), 3)
            if statuses.count(403) < 3:
                self.assertEqual(statuses.count(200), 1)
            else:
                last = [answer for answer in answers
                        if answer.status == 403
                        and answer.json()["attempts_left"] == 0]
                self.assertEqual(len(last), 1)
                self.assertEqual(statuses.count(200), 0)
            self.assertEqual(set(statuses) - {200, 403, 410}, set())

    def everything(self, site):
        with self.subTest("one reader of each secret"):
            self.readers_of_each(site)
        with self.subTest("three readers of three views"):
            self.readers_of_views(site)
        with self.subTest("one reader on the older faces"):
            self.readers_of_older_faces(site)
        with self.subTest("three guesses"):
            self.guesses(site)
        with self.subTest("guesses among readers"):
            self.guesses_among_readers(site)

    def test_threads(self):
        """one worker with 16 threads"""
        self.everything(self.site(workers=1, threads=16))

    def test_processes(self):
        """four workers with 4 threads each"""
        self.everything(self.site(workers=4, threads=4))


if __name__ == "__main__":
    main()
