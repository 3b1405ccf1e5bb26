# SPDX-License-Identifier: ISC
"""password.link's interface with its own clients' library, and what is left
of its secrets."""

import base64
import json
import os
import random
import subprocess
import urllib.parse

from oncelink_site import NODE_MODULES, SRCDIR
from oncelink_test import SiteTest, in_threads, main, scaled
from oncelink_wire import JSON_TYPE, random_text
from test_erase import PIECE, common_run, pieces, without_zeros

CLIENT = os.path.join(SRCDIR, "tests", "system", "password_link.js")

SECRETS = scaled(400, 40)
READERS = 64


def client(**wanted):
    """One call of password_link.js."""
    if not os.path.isdir(os.path.join(NODE_MODULES, "sjcl")):
        raise AssertionError("sjcl is not in %s: ./bootstrap check puts it "
                             "there" % NODE_MODULES)
    done = subprocess.run(
        ["node", CLIENT], input=json.dumps(wanted).encode(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
        env={**os.environ, "NODE_PATH": NODE_MODULES}, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stderr.decode())
    return json.loads(done.stdout)


def vectors():
    with open(os.path.join(SRCDIR, "tests", "vectors", "sjcl.json"),
              "rb") as file:
        return json.load(file)


def sealed_object(size):
    """Base64 of what looks like SJCL's, without the time that SJCL takes."""
    return base64.b64encode(json.dumps({
        "iv": base64.b64encode(os.urandom(16)).decode(), "v": 1,
        "iter": 10000, "ks": 256, "ts": 64, "mode": "gcm", "adata": "",
        "cipher": "aes", "salt": base64.b64encode(os.urandom(8)).decode(),
        "ct": base64.b64encode(os.urandom(size)).decode(),
    }).encode()).decode()


class PasswordLink(SiteTest):

    def make(self, site, key, **members):
        """The id of a new secret."""
        answer = site.post("/api/secrets", {
            "ciphertext": sealed_object(40),
            "password_part_private": "ZmtnamJudmxha3dpZWpndXRu", **members},
            key)
        self.assertStatus(answer, 201)
        return answer.json()["data"]["id"]

    def list(self, site, key, offset=0):
        answer = site.request("GET", "/api/secrets?offset=%d" % offset,
                              headers=key)
        self.assertStatus(answer, 200)
        return answer.json()["data"]

    def test_client(self):
        """SJCL makes a secret as the documentation says, stores it, reads
        it back with a public key, opens it; once"""
        site = self.site()
        private, public = site.api_keys("team")
        url = "http://127.0.0.1:%d" % site.port
        text = "Grüße, 秘密 🔑\nline two " + random_text(20)
        made = client(do="make", url=url, text=text, members={},
                      private=private["Authorization"].split()[1])
        self.assertEqual(made["status"], 201, made)
        self.assertEqual(sorted(made["body"]), ["data", "metadata"])
        wanted = {
            "do": "view", "url": url, "id": made["body"]["data"]["id"],
            "key": public["Authorization"].split()[1],
            "public_part": made["sealed"]["password_part_public"],
        }
        seen = client(**wanted)
        self.assertEqual(seen["status"], 200, seen)
        self.assertEqual(seen["text"], text)
        again = client(**wanted)
        self.assertEqual(again["status"], 404, again)
        self.assertEqual(again["body"], {
            "error": {"message": "Secret not found", "field": None}})

    def test_vectors(self):
        """vectors/sjcl.json is stored, given back as it was, and opens"""
        site = self.site()
        private, public = site.api_keys("team")
        for vector in vectors():
            with self.subTest(vector["name"]):
                parts = {name: vector[name] for name in (
                    "ciphertext", "password_part_private")}
                answer = site.post("/api/secrets", parts, private)
                self.assertStatus(answer, 201)
                key = answer.json()["data"]["id"]
                answer = site.request("GET", "/api/secrets/" + key,
                                      headers=public)
                self.assertStatus(answer, 200)
                data = answer.json()["data"]
                self.assertEqual(data, {"id": key, **parts, "message": None})
                self.assertEqual(client(
                    do="open", ciphertext=data["ciphertext"],
                    private_part=data["password_part_private"],
                    public_part=vector["password_part_public"]),
                    {"text": vector["plaintext"]})

    def test_examples(self):
        """the example requests of the documentation, field by field"""
        site = self.site()
        private, public = site.api_keys("team")
        # Create Secret: every field, as a program that knows no types
        # sends it.
        answer = site.request("POST", "/api/secrets", json.dumps({
            "ciphertext": vectors()[0]["ciphertext"],
            "password_part_private": "ZmtnamJudmxha3dpZWpndXRu",
            "description": "description", "message": "message",
            "expiration": "350", "view_button": "true", "captcha": "false",
            "password": "password", "max_views": "2",
        }).encode(), {**private, "Content-Type": JSON_TYPE})
        self.assertStatus(answer, 201)
        key = answer.json()["data"]["id"]
        self.assertEqual(answer.json(), {
            "data": {"id": key}, "metadata": {
                "secrets_total": 1, "secrets_usage": 1,
                "secrets_allowance": None}})
        # View Secret, by which a public key is enough.
        answer = site.request("GET", "/api/secrets/" + key, headers={
            **public, "X-Secret-Password": "password",
            "User-Agent": "curl/7.88.1"})
        self.assertStatus(answer, 200)
        self.assertEqual(answer.json(), {
            "data": {
                "id": key, "ciphertext": vectors()[0]["ciphertext"],
                "password_part_private": "ZmtnamJudmxha3dpZWpndXRu",
                "message": "message"},
            "metadata": {
                "secrets_total": 1, "secrets_usage": 1,
                "secrets_allowance": None}})
        # List Secrets.
        answer = site.request("GET", "/api/secrets", headers=private)
        self.assertStatus(answer, 200)
        row = answer.json()["data"][0]
        self.assertRegex(row["created_at"],
                         r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        viewed_at = row["views"][0]["viewed_at"]
        self.assertRegex(viewed_at, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(row, {
            "id": key, "created_at": row["created_at"],
            "message": "message", "description": "description",
            "view_button": True, "captcha": False, "password": True,
            "expiration": 350, "expired": False, "view_times": 1,
            "max_views": 2, "views": [{
                "viewed_at": viewed_at, "viewed_by_ip": "127.0.0.0",
                "viewed_by_user_agent": "curl/7.88.1"}]})
        # Delete Secret, and an id as the documentation has one.
        answer = site.request("DELETE", "/api/secrets/" + key,
                              headers=private)
        self.assertStatus(answer, 200)
        self.assertEqual(answer.json(), {
            "data": None, "metadata": {
                "secrets_total": 0, "secrets_usage": 1,
                "secrets_allowance": None}})
        for method in ("GET", "DELETE"):
            answer = site.request(method, "/api/secrets/dT5g",
                                  headers=private)
            self.assertStatus(answer, 404)
        self.assertStatus(site.request(
            "GET", "/api/secrets/dT5g", headers={
                "Authorization": "ApiKey public_key_abcd"}), 403)

    def test_large(self):
        """a ciphertext and an attachment as large as they may be"""
        site = self.site()
        private, public = site.api_keys("team")
        members = {
            # Base64 in base64: three quarters, and what is around it.
            "ciphertext": sealed_object((1 << 20) * 3 // 4 - 200),
            "attachment_ciphertext": sealed_object(
                (10 << 20) * 3 // 4 - 200),
            "attachment_name": sealed_object(200),
        }
        key = self.make(site, private, **members)
        answer = site.request("GET", "/api/secrets/" + key, headers=public)
        self.assertStatus(answer, 200)
        data = answer.json()["data"]
        for name, value in members.items():
            self.assertTrue(data[name] == value, name)
        for name, size in (("ciphertext", 1 << 20),
                           ("attachment_ciphertext", 10 << 20)):
            answer = site.post("/api/secrets", {
                "ciphertext": sealed_object(10),
                "password_part_private": "QUFB",
                name: sealed_object(size * 3 // 4)}, private)
            self.assertStatus(answer, 413)
            self.assertEqual(answer.json()["error"]["field"], name)

    def test_views_at_once(self):
        """64 viewers at once of a secret with five views and a password:
        exactly five get it"""
        site = self.site(workers=2)
        private, public = site.api_keys("team")
        for turn in range(scaled(3)):
            ciphertext = sealed_object(30)
            key = self.make(site, private, ciphertext=ciphertext,
                            max_views=5, password="lösen")
            answers = site.burst([
                ("GET", "/api/secrets/" + key, None, {
                    **public, "X-Secret-Password":
                        urllib.parse.quote("lösen")})
                for _ in range(READERS)])
            self.assertEqual(
                sorted(answer.status for answer in answers),
                [200] * 5 + [404] * (READERS - 5))
            for answer in answers:
                self.assertEqual(ciphertext.encode() in answer.body,
                                 answer.status == 200)
            row = self.list(site, private)[0]
            self.assertEqual((row["id"], row["view_times"],
                              len(row["views"])), (key, 5, 5), turn)

    def test_guesses_at_once(self):
        """64 wrong passwords at once: three are judged"""
        site = self.site(workers=2)
        private, public = site.api_keys("team")
        key = self.make(site, private, password="right")
        answers = site.burst([
            ("GET", "/api/secrets/" + key, None,
             {**public, "X-Secret-Password": "wrong%d" % number})
            for number in range(READERS)])
        self.assertEqual(sorted(answer.status for answer in answers),
                         [403] * 3 + [404] * (READERS - 3))
        self.assertStatus(site.request(
            "GET", "/api/secrets/" + key,
            headers={**public, "X-Secret-Password": "right"}), 404)
        self.assertEqual(self.list(site, private)[0]["view_times"], 0)

    def assertNowhere(self, blobs, site, what):
        """No run of 12 bytes of any of them is in the database's files."""
        wanted = {piece: blob for blob in blobs for piece in pieces(blob)}
        keys = frozenset(wanted)
        for name, content in site.database_bytes().items():
            for part in without_zeros(content):
                for shift in range(PIECE):
                    for piece in keys.intersection(
                            pieces(part[shift:], PIECE)):
                        self.assertFalse(
                            common_run(wanted[piece], part),
                            "%s in %s" % (what, name))

    def sealed(self, site, table, column):
        """What is sealed in a column, by the id of its secret."""
        with site.reader() as database:
            return dict(database.execute(
                "SELECT %s, %s FROM %s WHERE %s IS NOT NULL" % (
                    "id" if table == "record" else "secret", column, table,
                    column)))

    def test_erased(self):
        """after the last view, after DELETE, and one sweep: no byte of
        ciphertext, private part, message or description, sealed or not"""
        site = self.site(settings={"claim_seconds": "0s"})
        private, public = site.api_keys("team")
        secrets = []

        def make(number):
            made = []
            for _ in range(number, SECRETS, 4):
                members = {
                    "ciphertext": sealed_object(random.randrange(1, 3000)),
                    "password_part_private":
                        base64.b64encode(os.urandom(18)).decode(),
                    "message": random_text(random.randrange(20, 1500)),
                    "description": random_text(random.randrange(20, 1500)),
                }
                made.append((self.make(site, private, **members), members))
            return made

        for made in in_threads(4, make):
            secrets += made
        plain = [value.encode() for _, members in secrets
                 for value in members.values()]
        self.assertNowhere(plain, site, "in the clear")
        records = self.sealed(site, "record", "sealed")
        messages = self.sealed(site, "listing", "message")
        notes = self.sealed(site, "listing", "note")
        self.assertEqual([len(records), len(messages), len(notes)],
                         [SECRETS] * 3)
        # This is how they are found where they are.
        with self.assertRaises(AssertionError):
            self.assertNowhere(random.sample(list(messages.values()), 1),
                               site, "a message")

        random.shuffle(secrets)
        half = SECRETS // 2
        for key, members in secrets[:half]:
            answer = site.request("GET", "/api/secrets/" + key,
                                  headers=public)
            self.assertStatus(answer, 200)
            self.assertEqual(answer.json()["data"]["message"],
                             members["message"])
        self.assertEqual(site.sweep().returncode, 0)
        left = self.sealed(site, "listing", "message")
        self.assertEqual(len(left), SECRETS - half)
        self.assertNowhere(
            [blob for secret, blob in messages.items()
             if secret not in left], site, "a message that was viewed")
        kept = self.sealed(site, "record", "sealed")
        self.assertNowhere(
            [blob for record, blob in records.items()
             if record not in kept], site, "a secret that was viewed")
        # The rows are there, with their descriptions.
        descriptions = {
            row["id"]: row["description"]
            for offset in range(0, SECRETS, 50)
            for row in self.list(site, private, offset)}
        self.assertEqual(descriptions, {
            key: members["description"] for key, members in secrets})

        viewers = self.sealed(site, "view", "viewer")
        for key, _ in secrets:
            self.assertStatus(site.request(
                "DELETE", "/api/secrets/" + key, headers=private), 200)
        self.assertEqual(site.sweep().returncode, 0)
        for blobs, what in (
                (records, "a secret"), (messages, "a message"),
                (notes, "a description"), (viewers, "a viewer")):
            self.assertNowhere(blobs.values(), site, what)
        self.assertNowhere(plain, site, "in the clear")
        self.assertEqual(self.list(site, private), [])


if __name__ == "__main__":
    main()
