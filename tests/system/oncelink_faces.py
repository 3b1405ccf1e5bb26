# SPDX-License-Identifier: ISC
"""Every face, as its clients see it, whatever is in front: a mixin for the
tests of all kinds of web servers."""

import base64
import json
import os

from oncelink_site import SRCDIR
from oncelink_test import await_hour
from oncelink_wire import (
    FRAME_TYPE, JSON_TYPE, b64u, frame, native_opening, parse_frame,
    random_envelope, random_id, random_text, safesecrets_path, unb64u,
)

READERS = 64

PINS = ("12345", "a/b%2", "+ #?&", "åäö12", "..//.", "%2f%0", "\\\"'<>",
        "a\tb\r\n", "𝔭𝔦𝔫€é")

GONE = {"error": "message expired or deleted"}
HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}

# Which face's form the web server's own refusal of a call has.
REFUSED_CALLS = (
    ("POST", "/api/v1/message", "safesecrets"),
    ("GET", "/api/v1/message/x/api", "safesecrets"),
    ("GET", "/ping", "safesecrets"),
    ("POST", "/secrets", "onetime"),
    ("POST", "/api/secrets/0123", "shared"),
    ("POST", "/api/secret_requests", "passwordlink"),
    ("POST", "/api/v2/secrets", "native"),
    ("POST", "/api/v2/secrets/open?x=/api/v1/", "native"),
    ("GET", "/api/nothing", "native"),
)


class Refused:
    """What a web server says in the worker's place; a mixin of test
    cases."""

    def assertRefusal(self, answer, face, status, retry):
        self.assertStatus(answer, status, face)
        for name, value in (("cache-control", "no-store"),
                            ("x-content-type-options", "nosniff"),
                            ("referrer-policy", "no-referrer"),
                            ("retry-after",
                             str(int(retry)) if retry else None),
                            ("access-control-allow-origin",
                             None if face in ("native", "safesecrets")
                             else "*")):
            self.assertEqual(answer.headers.get(name), value, name)
        if face == "native":
            return self.assertProblem(answer, status)
        self.assertEqual(answer.headers["content-type"], "application/json")
        members = answer.json()
        self.assertEqual(list(members), {
            "onetime": ["success", "message"],
            "shared": ["success", "message", "error"]}.get(face, ["error"]))
        if "success" in members:
            self.assertEqual(members["success"], "False")
        if face in ("shared", "passwordlink"):
            self.assertEqual(list(members["error"]), ["message", "field"])
            self.assertIsNone(members["error"]["field"])
        return members


class Through:
    """What is the same through every way in; a mixin of test cases, which
    say how to open a site."""

    def assertHeaders(self, answer):
        for name, value in HEADERS.items():
            self.assertEqual(answer.headers.get(name), value, answer)

    def open_site(self, **settings):
        raise NotImplementedError

    def test_safesecrets(self):
        """SafeSecrets: documented calls, with every kind of PIN"""
        site = self.open_site()
        for path in ("/ping", "/api/v1/ping"):
            answer = site.request("GET", path)
            self.assertStatus(answer, 200)
            self.assertEqual(answer.body, b"pong")
            self.assertTrue(
                answer.headers["content-type"].startswith("text/plain"))
            self.assertHeaders(answer)
        answer = site.request("GET", "/api/v1/params")
        self.assertEqual(answer.json(), {
            "pin_size": 5, "max_pin_attempts": 3, "max_exp_sec": 86400,
            "files_enabled": False, "max_file_size": 1048576,
            "allow_no_pin": False})
        for pin in PINS:
            with self.subTest(pin=ascii(pin)):
                message = "a message é \u0000 \U0001F511 for " + pin
                answer = site.safesecrets_create(message, pin)
                self.assertStatus(answer, 201)
                self.assertHeaders(answer)
                self.assertNotIn("access-control-allow-origin",
                                 answer.headers)
                self.assertEqual(sorted(answer.json()), ["exp", "key"])
                self.assertRegex(
                    answer.json()["exp"],
                    r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
                    r"(Z|[+-]\d\d:\d\d)$")
                key = answer.json()["key"]
                self.assertRegex(key, r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}"
                                      r"-[0-9a-f]{12}$")
                path = safesecrets_path(key, pin)
                head = site.request("HEAD", path)
                self.assertStatus(head, 405)
                self.assertIn("GET", head.headers["allow"])
                answer = site.request("GET", path, headers={
                    "Sec-Purpose": "prefetch;prerender"})
                self.assertStatus(answer, 503)
                wrong = site.safesecrets_open(key, "wrong")
                self.assertStatus(wrong, 417)
                self.assertEqual(wrong.json(),
                                 {"error": "wrong pin attempt"})
                answer = site.request("GET", path)
                self.assertStatus(answer, 200)
                self.assertHeaders(answer)
                self.assertEqual(answer.json(),
                                 {"key": key, "message": message})
                answer = site.request("GET", path)
                self.assertStatus(answer, 400)
                self.assertEqual(answer.json(), GONE)

    def test_pin_as_curl_sends_it(self):
        """a PIN is taken as sent: encoded, or not where it need not be"""
        site = self.open_site()
        for pin, sent in (
                ("..//.", "..%2F%2F."), ("..//.", "%2e%2e%2f%2f%2e"),
                ("~-_.!", "~-_.!"), ("a+b:@", "a+b:@"), ("a;b,=", "a;b,=")):
            key = site.safesecrets_create("text", pin).json()["key"]
            answer = site.request(
                "GET", "/api/v1/message/%s/%s?unused=1" % (key, sent))
            self.assertStatus(answer, 200, sent)
        for pin in ("åäö12", "€€€€€"):
            key = site.safesecrets_create("text", pin).json()["key"]
            answer = site.request(
                "GET", ("/api/v1/message/%s/%s" % (key, pin)).encode())
            self.assertStatus(answer, 200, ascii(pin))
        # An upper-case key is the same key.
        key = site.safesecrets_create("text").json()["key"]
        self.assertStatus(site.safesecrets_open(key.upper()), 200)

    def test_onetime(self):
        """One Time Secret: both paths, and what it refuses"""
        site = self.open_site()
        for path in ("/secrets", "/api/secrets"):
            answer = site.post(path, {"passphrase": "åäö", "message": "m é",
                                      "expiration_time": "60", "other": 1})
            self.assertStatus(answer, 200)
            self.assertHeaders(answer)
            self.assertEqual(
                answer.headers["access-control-allow-origin"], "*")
            self.assertEqual(answer.json()["success"], "True")
            key = answer.json()["id"]
            self.assertRegex(key, "^[0-9a-f]{32}$")
            answer = site.post(path + "/" + key, {})
            self.assertStatus(answer, 400)
            self.assertEqual(answer.json(), {
                "success": "False", "message": "Missing passphrase"})
            gone = {"success": "False", "message": "This secret either "
                    "never existed or it was already read"}
            answer = site.post(path + "/" + key, {"passphrase": "wrong"})
            self.assertStatus(answer, 404)
            self.assertEqual(answer.json(), gone)
            answer = site.post(path + "/" + key,
                               {"id": key, "passphrase": "åäö"})
            self.assertStatus(answer, 200)
            self.assertEqual(answer.json(),
                             {"success": "True", "message": "m é"})
            answer = site.post(path + "/" + key, {"passphrase": "åäö"})
            self.assertStatus(answer, 404)
            self.assertEqual(answer.json(), gone)
            for body in (b"", b"{}", b"nonsense", b'{"message":"m"}',
                         b'{"passphrase":"","message":"m"}',
                         b'{"passphrase":"p","message":""}',
                         b'{"passphrase":1,"message":"m"}'):
                answer = site.request("POST", path, body,
                                      {"Content-Type": JSON_TYPE})
                self.assertStatus(answer, 400, body)
                self.assertEqual(answer.json(), {
                    "success": "False",
                    "message": "Missing passphrase and/or message"})
            answer = site.request("OPTIONS", path)
            self.assertStatus(answer, 204)
            for name, value in (
                    ("methods", "GET, POST, DELETE"),
                    ("headers", "Authorization, Content-Type, "
                                "X-Secret-Password")):
                self.assertEqual(answer.headers[
                    "access-control-allow-" + name], value)
            self.assertEqual(
                answer.headers["access-control-max-age"], "86400")

    def test_native(self):
        """our own face: create, peek, open, ack, receipt, params, health,
        and the description of all"""
        site = self.open_site()
        self.assertEqual(site.request("GET", "/api/v2/health").json(),
                         {"status": "ok"})
        params = site.request("GET", "/api/v2/params")
        self.assertStatus(params, 200)
        self.assertHeaders(params)
        self.assertIsInstance(params.json(), dict)
        answer = site.request("GET", "/api/openapi.json")
        self.assertStatus(answer, 200)
        self.assertHeaders(answer)
        with open(os.path.join(SRCDIR, "openapi", "openapi.json"),
                  "rb") as file:
            self.assertEqual(answer.body, file.read())
        secret, receipt, claim = random_id(), random_id(), random_id()
        envelope = random_envelope(50)
        answer = site.native_create(secret, receipt, envelope)
        self.assertStatus(answer, 201)
        self.assertHeaders(answer)
        self.assertNotIn("access-control-allow-origin", answer.headers)
        answer = site.native("secrets/peek", id=secret)
        self.assertStatus(answer, 200)
        self.assertEqual(answer.json()["bytes"], len(envelope))
        answer = site.native("secrets/open", id=secret, claim=claim)
        self.assertStatus(answer, 200)
        self.assertHeaders(answer)
        head, payload = parse_frame(answer.body)
        self.assertEqual(payload, envelope)
        self.assertEqual(sorted(head), [
            "claim_until", "kind", "message", "views_left"])
        answer = site.native("secrets/ack", id=secret, claim=claim)
        self.assertStatus(answer, 204)
        self.assertEqual(answer.body, b"")
        answer = site.native("receipts/peek", receipt=receipt)
        self.assertEqual(answer.json()["state"], "opened")
        for path in ("peek", "open", "ack"):
            answer = site.request("GET", "/api/v2/secrets/" + path)
            self.assertProblem(answer, 405)
            self.assertIn("POST", answer.headers["allow"])

    def test_vectors(self):
        """vectors/envelope-v2.json through it and back"""
        site = self.open_site()
        with open(os.path.join(SRCDIR, "tests", "vectors",
                               "envelope-v2.json"), "rb") as file:
            vectors = json.load(file)["valid"]
        self.assertGreater(len(vectors), 4)
        used = set()
        for vector in vectors:
            if vector["id"] in used:
                continue
            used.add(vector["id"])
            with self.subTest(vector["name"]):
                secret = unb64u(vector["id"])
                gate = vector["gate"] and unb64u(vector["gate"])
                envelope = base64.b64decode(vector["envelope_base64"])
                self.assertStatus(site.native_create(
                    secret, random_id(), envelope, gate=gate), 201)
                if gate is not None:
                    answer = site.native("secrets/open", id=secret,
                                         claim=random_id())
                    self.assertProblem(answer, 403)
                answer = site.native("secrets/open", id=secret, gate=gate,
                                     claim=random_id())
                self.assertStatus(answer, 200)
                self.assertEqual(parse_frame(answer.body)[1], envelope)

    def test_large(self):
        """what is as large as allowed goes through; one more is 413 in the
        face's own form"""
        site = self.open_site()
        message = "€" * 21845 + "x"
        answer = site.safesecrets_create(message)
        self.assertStatus(answer, 201)
        answer = site.safesecrets_open(answer.json()["key"])
        self.assertStatus(answer, 200)
        self.assertEqual(answer.json()["message"], message)
        answer = site.safesecrets_create(message + "x")
        self.assertStatus(answer, 413)
        self.assertEqual(list(answer.json()), ["error"])
        answer = site.onetime_create(message + "x")
        self.assertStatus(answer, 413)
        self.assertEqual(answer.json()["success"], "False")
        size = site.request("GET", "/api/v2/params").json()["max_envelope"]
        self.assertGreaterEqual(size, 10 << 20)
        envelope, secret = b"\x02" + os.urandom(size - 1), random_id()
        self.assertStatus(
            site.native_create(secret, random_id(), envelope), 201)
        answer = site.native("secrets/open", id=secret, claim=random_id())
        self.assertStatus(answer, 200)
        self.assertTrue(parse_frame(answer.body)[1] == envelope)
        answer = site.native_create(random_id(), random_id(),
                                    envelope + b"x")
        self.assertProblem(answer, 413)

    def test_bad_input(self):
        """a sample of bad input to each face, and nothing is changed"""
        site = self.open_site()
        key = site.safesecrets_create("a canary").json()["key"]
        secret, receipt = random_id(), random_id()
        envelope = random_envelope()
        site.native_create(secret, receipt, envelope)
        good = {"message": "m", "exp": 60, "pin": "12345"}
        for change in (
                {"pin": "1234"}, {"pin": "123456"}, {"pin": 12345},
                {"pin": None}, {"exp": 0}, {"exp": -1}, {"exp": 86401},
                {"exp": 1.5}, {"exp": "60"}, {"exp": 1e300},
                {"message": 1}, {"message": ["m"]}):
            answer = site.post("/api/v1/message", {**good, **change})
            self.assertStatus(answer, 400, change)
            self.assertIn(list(change)[0], answer.json()["error"])
        for body in (b"", b"{", b"[]", b"null", b'{"message":"\xff"}',
                     json.dumps(good).encode() + b" x",
                     json.dumps(good).encode()[:-1] + b',"exp":61}',
                     b"{'message':'m','exp':60,'pin':'12345'}",
                     b'{"message":"m","exp":NaN,"pin":"12345"}'):
            answer = site.request("POST", "/api/v1/message", body)
            self.assertStatus(answer, 400, body)
            self.assertEqual(list(answer.json()), ["error"])
        for path in ("/api/v1/message/%s" % key,
                     "/api/v1/message/%s/" % key,
                     "/api/v1/message/%s/12345/" % key,
                     "/api/v1/message//%s/12345" % key,
                     "/api/v1/x/../message/%s/12345" % key,
                     "/api/v1/message/%s%%2f12345" % key,
                     "/api/v1//message/%s/12345" % key,
                     "/api/v1/message/%s/1234%%" % key,
                     "/api/v1/message/%s%%00/12345" % key,
                     "/api/v1/message/%s/1234%%00" % key[:-1],
                     "/api/v1/message/x/12345",
                     "/api/v1/message/%s/1234" % key,
                     "/api/v1/nothing", "/api/v3/x", "/nothing/at/all"):
            answer = site.request("GET", path)
            self.assertIn(answer.status, (400, 404), path)
            self.assertNotIn(b"a canary", answer.body)
        self.assertProblem(site.request("GET", "/api/nothing"), 404)
        for method in ("PUT", "DELETE", "PATCH", "BREW"):
            answer = site.request(method, "/api/v1/message")
            self.assertIn(answer.status, (405, 400, 501), answer)

        # Our own face: strict about everything.
        members = {"id": b64u(secret), "claim": b64u(random_id())}
        text = json.dumps(members)
        for body, status in (
                (b"", (400, 411)), (b"{", 400), (b"[]", (400, 422)),
                (text.encode() + b"x", 400),
                (text[:-1].encode() + b',"more":1}', (400, 422)),
                (text[:-1].encode() + b"," + text[1:].encode(), (400, 422)),
                (json.dumps({"id": members["id"] + "="}).encode(),
                 (400, 422)),
                (json.dumps({**members, "id": members["id"][:-1]}).encode(),
                 (400, 422)),
                (json.dumps({**members, "id": 5}).encode(), (400, 422)),
                (json.dumps({**members, "gate": "AAAA"}).encode(),
                 (400, 422)),
        ):
            answer = site.request("POST", "/api/v2/secrets/open", body,
                                  {"Content-Type": JSON_TYPE})
            self.assertIn(answer.status,
                          status if isinstance(status, tuple) else (status,),
                          body)
            self.assertProblem(answer, answer.status)
        for content_type in (None, "text/plain", FRAME_TYPE,
                             "application/x-www-form-urlencoded",
                             "application/jsonx"):
            answer = site.request("POST", "/api/v2/secrets/open",
                                  text.encode(),
                                  {"Content-Type": content_type})
            self.assertProblem(answer, 415)
        new = {"id": b64u(random_id()), "receipt": b64u(random_id()),
               "expires_in": 60}
        for change in (
                {"expires_in": 59}, {"expires_in": 30 * 86400 + 1},
                {"expires_in": "60"}, {"expires_in": 60.5}, {"views": 0},
                {"views": 101}, {"attempts": 0}, {"attempts": 11},
                {"receipt": "AA"}, {"other": 1}):
            answer = site.request(
                "POST", "/api/v2/secrets", frame({**new, **change}, envelope),
                {"Content-Type": FRAME_TYPE})
            self.assertIn(answer.status, (400, 422), change)
            problem = self.assertProblem(answer, answer.status)
            if answer.status == 422:
                self.assertEqual(problem["field"], list(change)[0])
        for body in (json.dumps(new).encode(), frame(new),
                b"\n" + envelope, envelope,
                frame({**new, "padding": "x" * 4096}, envelope)):
            answer = site.request("POST", "/api/v2/secrets", body,
                                  {"Content-Type": FRAME_TYPE})
            self.assertIn(answer.status, (400, 422))
            self.assertProblem(answer, answer.status)

        # One Time Secret.
        for change in ({"expiration_time": 0}, {"expiration_time": "x"},
                       {"expiration_time": 31 * 86400},
                       {"expiration_time": 1.5}):
            answer = site.onetime_create("m", **change)
            self.assertStatus(answer, 400, change)
            self.assertIn("expiration", answer.json()["message"].lower())
        for key_form in ("x", "0" * 31, "0" * 33, "g" * 32, "%00" * 32):
            answer = site.post("/secrets/" + key_form, {"passphrase": "p"})
            # nginx itself refuses %00.
            self.assertIn(answer.status, (404, 400) if "%" in key_form
                          else (404,))

        # Nothing was used up or counted.
        self.assertEqual(site.native(
            "receipts/peek", receipt=receipt).json()["state"], "waiting")
        self.assertStatus(site.safesecrets_open(key), 200)
        self.assertStatus(site.native(
            "secrets/open", id=secret, claim=random_id()), 200)

    def test_faces_off(self):
        """a face that is switched off is not there"""
        site = self.open_site(faces="native")
        for path in ("/ping", "/api/v1/params"):
            self.assertProblem(site.request("GET", path), 404)
        self.assertProblem(site.safesecrets_create("m"), 404)
        self.assertProblem(site.onetime_create("m"), 404)
        self.assertStatus(site.native_create(
            random_id(), random_id(), random_envelope()), 201)
        site = self.open_site(faces="safesecrets")
        self.assertStatus(site.request("GET", "/api/v2/health"), 404)
        self.assertStatus(site.native_create(
            random_id(), random_id(), random_envelope()), 404)
        self.assertStatus(site.safesecrets_create("m"), 201)

    def test_create_nobody(self):
        """create = nobody: reading goes on, making is 403"""
        for who in ("nobody", "keys"):
            site = self.open_site(create=who)
            self.assertProblem(site.native_create(
                random_id(), random_id(), random_envelope()), 403)
            answer = site.safesecrets_create("m")
            self.assertStatus(answer, 403)
            self.assertEqual(list(answer.json()), ["error"])
            answer = site.onetime_create("m")
            self.assertStatus(answer, 403)
            self.assertEqual(answer.json()["success"], "False")
            self.assertProblem(site.native(
                "secrets/open", id=random_id(), claim=random_id()), 404)

    def test_authorization(self):
        """Authorization reaches the worker: with it, a POST to /api/secrets
        is another interface's"""
        site = self.open_site()
        body = {"message": "m", "passphrase": "p"}
        self.assertStatus(site.post("/api/secrets", body), 200)
        for value in ("ApiKey abc", "Bearer a.b.c", "Basic YTpi"):
            answer = site.post("/api/secrets", body,
                               {"Authorization": value})
            self.assertStatus(answer, 403, value)
            self.assertEqual(answer.json(), {"error": {
                "message": "This call needs an API key", "field": None}})

    def test_passwordlink(self):
        """password.link: its calls, with keys, passwords in a header and
        offsets in a query"""
        site = self.open_site()
        private, public = site.api_keys("team")
        with open(os.path.join(SRCDIR, "tests", "vectors",
                               "sjcl.json"), "rb") as file:
            vector = json.load(file)[0]
        sealed = {name: vector[name]
                  for name in ("ciphertext", "password_part_private")}
        answer = site.post("/api/secrets", {
            **sealed, "message": "m é", "password": "lösen +/%"}, private)
        self.assertStatus(answer, 201)
        self.assertHeaders(answer)
        self.assertEqual(answer.headers["access-control-allow-origin"], "*")
        key = answer.json()["data"]["id"]
        self.assertRegex(key, "^[0-9A-Za-z]{22}$")
        self.assertEqual(answer.json()["metadata"], {
            "secrets_total": 1, "secrets_usage": 1,
            "secrets_allowance": None})
        path = "/api/secrets/" + key
        self.assertStatus(site.request("HEAD", path, headers=public), 405)
        self.assertStatus(site.request("GET", path, headers={
            **public, "Sec-Purpose": "prefetch"}), 503)
        answer = site.request("GET", path, headers=public)
        self.assertStatus(answer, 403)
        self.assertEqual(answer.json()["error"]["field"], "password")
        answer = site.request("GET", path, headers={
            **public, "X-Secret-Password": "l%C3%B6sen%20+/%25",
            "User-Agent": "a client/1"})
        self.assertStatus(answer, 200)
        self.assertHeaders(answer)
        self.assertEqual(answer.json()["data"],
                         {"id": key, **sealed, "message": "m é"})
        for offset, count in ((0, 1), (1, 0)):
            answer = site.request(
                "GET", "/api/secrets?offset=%d" % offset, headers=private)
            self.assertStatus(answer, 200)
            self.assertEqual(len(answer.json()["data"]), count)
            if offset == 0:
                row = answer.json()["data"][0]
                self.assertEqual(row["id"], key)
                self.assertEqual([
                    (view["viewed_by_ip"], view["viewed_by_user_agent"])
                    for view in row["views"]],
                    [("127.0.0.0", "a client/1")])
        answer = site.request("GET", "/api/secrets?offset=x",
                              headers=private)
        self.assertStatus(answer, 422)
        answer = site.request("DELETE", path, headers=private)
        self.assertStatus(answer, 200)
        self.assertIsNone(answer.json()["data"])
        self.assertStatus(site.request("DELETE", path, headers=private), 404)
        for place in (path, "/api/secrets", "/api/secrets?offset=50"):
            answer = site.request("OPTIONS", place, headers={
                "Origin": "null", "Access-Control-Request-Method": "GET",
                "Access-Control-Request-Headers": "authorization"})
            self.assertStatus(answer, 204, place)
            self.assertEqual(
                answer.headers["access-control-allow-origin"], "*")
            self.assertEqual(
                answer.headers["access-control-allow-methods"],
                "GET, POST, DELETE")
            self.assertEqual(
                answer.headers["access-control-allow-headers"],
                "Authorization, Content-Type, X-Secret-Password")

    def test_readers(self):
        """64 readers at once at one secret: one gets it, on each face"""
        site = self.open_site()
        secret, envelope = random_id(), random_envelope(20)
        self.assertStatus(
            site.native_create(secret, random_id(), envelope), 201)
        answers = site.burst([
            ("POST", "/api/v2/secrets/open",
             native_opening(secret, random_id()), JSON_TYPE)
            for _ in range(READERS)])
        self.assertEqual(sorted(answer.status for answer in answers),
                         [200] + [410] * (READERS - 1))
        self.assertEqual(sum(envelope in answer.body for answer in answers),
                         1)
        text = random_text(100)
        key = site.safesecrets_create(text).json()["key"]
        answers = site.burst([
            ("GET", safesecrets_path(key, "12345"), None, None)] * READERS)
        self.assertEqual(sorted(answer.status for answer in answers),
                         [200] + [400] * (READERS - 1))
        self.assertEqual(
            sum(text.encode() in answer.body for answer in answers), 1)
        key = site.onetime_create(text).json()["id"]
        answers = site.burst([
            ("POST", "/secrets/" + key, b'{"passphrase":"open sesame"}',
             JSON_TYPE)] * READERS)
        self.assertEqual(sorted(answer.status for answer in answers),
                         [200] + [404] * (READERS - 1))
        self.assertEqual(
            sum(text.encode() in answer.body for answer in answers), 1)

    def test_forwarded(self):
        """X-Forwarded-For, believed or not, breaks nothing and is logged
        nowhere"""
        site = self.open_site(trusted_proxies="127.0.0.1 2001:db8::/32")
        for value in ("198.51.100.7", "198.51.100.7, 127.0.0.1",
                      "2001:db8::99", "[2001:db8::99]:443", "nonsense",
                      ",,,", "a" * 3000, "198.51.100.7, nonsense"):
            answer = site.request("GET", "/api/v2/params", headers={
                "X-Forwarded-For": value})
            self.assertStatus(answer, 200)
        for value in ("198.51.100.7", "2001:db8::99"):
            self.assertNotIn(value, site.log())

    def test_forwarded_twice(self):
        """no X-Forwarded-For of a client's own, beside the proxy's, makes it
        somebody else"""
        site = self.open_site(trusted_proxies="127.0.0.1", client_secrets="2")

        def create(number, own, proxy):
            return site.post(
                "/api/v1/message",
                {"message": "text", "pin": "12345", "exp": 60},
                {own: "203.0.113.%d" % number, "X-Forwarded-For": proxy}
                if own != "X-Forwarded-For" else
                {own: ("203.0.113.%d" % number, proxy)}).status
        await_hour()
        self.assertEqual(
            [create(number, "X-Forwarded-For", "198.51.100.7")
             for number in range(4)], [201, 201, 429, 429])
        for number, own in enumerate(("X_Forwarded_For", "X.Forwarded.For")):
            proxy = "198.51.100.%d" % (8 + number)
            statuses = [create(number, own, proxy) for number in range(4)]
            self.assertIn(statuses, ([201, 201, 429, 429], [400] * 4), own)
