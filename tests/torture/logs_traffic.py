# SPDX-License-Identifier: ISC
"""Requests to every interface with planted words in all their places, as
clients of ours and others send them; what is answered is taken as it comes,
since things are going wrong meanwhile."""

import base64
import collections
import contextlib
import json
import re
import time

import fastcgi
from oncelink_canary import Canaries
from oncelink_hostile import REQUESTS, Words, friendly, reset
from oncelink_wire import (
    FRAME_TYPE, JSON_TYPE, Broken, b64u, cgi_params, fcgi_params, http_bytes,
    native_creation, native_members, quote, random_envelope, read_to_end,
    parse_http, safesecrets_path, unbase62,
)

# By so many bytes a word is looked for first.
PREFIX = 8

# Of a long one so many bytes at its beginning are looked for.
SHOWN = 32

# What web servers say in the worker's place, in its form.
SERVERS_WORDS = (b"the server does not answer", b"does not say its length",
                 b"too large: nothing was stored",
                 b"too many requests at once")


def forms(value):
    """How these bytes may be written, in lower case."""
    found = {value, value.hex().encode(),
             b"".join(b"%%%02x" % byte for byte in value),
             quote(value).encode()}
    # Alone, and as part of something, wherever it begins there.
    for skipped in range(3):
        text = base64.b64encode(bytes(skipped) + value)
        first = (skipped * 8 + 5) // 6
        text = text[first:(skipped + len(value)) * 8 // 6]
        found |= {text, text.replace(b"+", b"-").replace(b"/", b"_")}
    # As logs escape what is not ASCII, and JSON does.
    if not value.isascii():
        found.add(b"".join(b"\\x%02x" % byte if byte > 0x7e or byte < 0x20
                           else b"%c" % byte for byte in value))
        with contextlib.suppress(UnicodeDecodeError):
            found.add(json.dumps(value.decode())[1:-1].encode())
    return {form.lower() for form in found}


class Planted(Canaries):
    """Canaries in all their forms, however many they are: one pass over what
    is looked through finds where a form may begin."""

    def __init__(self):
        super().__init__()
        self.known = 0
        self.by_prefix = {}

    def learn(self):
        for what, value in self.planted[self.known:]:
            for form in forms(value[:SHOWN]):
                self.by_prefix.setdefault(form[:PREFIX], []).append(
                    (what, form))
        self.known = len(self.planted)

    def found_in(self, content):
        self.learn()
        # A file may be long and have nothing in it.
        lower = re.sub(rb"\0{16,}", bytes(16), content).lower()
        begun = set(self.by_prefix).intersection(
            lower[at:at + PREFIX] for at in range(len(lower) - PREFIX + 1))
        return sorted({what for prefix in begun
                       for what, form in self.by_prefix[prefix]
                       if form in lower})

    def add(self, others):
        """What somebody else planted too."""
        others.learn()
        for prefix, known in others.by_prefix.items():
            self.by_prefix.setdefault(prefix, []).extend(known)


def search_finds(random):
    """Every form of a word is found, and nothing where there is none."""
    planted = Planted()
    words = [planted.text("text").encode(), planted.raw("raw"),
             planted.pin("pin").encode()]
    good = planted.found_in(random.randbytes(10000)) == []
    for word in words:
        for form in forms(word):
            good &= planted.found_in(b"xyz" + form.upper() + b"xyz") != []
    return good


# What is slow waits so long between its pieces, in seconds.
SLOW = 0.02

# Where no worker answers nobody asks again at once, in seconds.
AGAIN = 0.02

# Calls of Traffic by which words are put in and come out again.
FACES = ("safesecrets", "onetime", "native", "passwordlink", "requests")


def is_workers(answer):
    """Did a worker say this, and not the web server before it?"""
    if answer.status < 400:
        return True
    return "json" in answer.headers.get("content-type", "") and not any(
        word in answer.body for word in SERVERS_WORDS)


class Traffic:
    """One client at a site.

    keys       headers with a private and a public key of an account
    restless   how many of ten requests it does not see to their end
    answers    how many there were to calls: of workers by class, of the web
               server itself, none, not waited for
    delivered  how often what was put in by a face came out again
    slow       how many requests began slowly
    """

    def __init__(self, site, canaries, random, keys, restless=0):
        self.site, self.canaries, self.random = site, canaries, random
        self.private, self.public = keys
        self.restless = restless
        self.answers = collections.Counter()
        self.delivered = collections.Counter()
        self.face = None
        self.slow = 0

    def answered(self):
        """How many answers were a worker's."""
        return sum(self.answers[kind] for kind in list(self.answers)
                   if kind.endswith("xx"))

    def note(self, path, answer, left=False):
        """Pages are files, and say nothing of workers."""
        if not path.startswith(("/api/", "/secrets")):
            return
        if answer is None:
            kind = "left" if left else "none"
        elif is_workers(answer):
            kind = "%dxx" % (answer.status // 100)
        else:
            kind = "server"
            time.sleep(AGAIN)
        self.answers[kind] += 1

    def send(self, method, path, body=None, headers=None):
        """The answer; None when there is none, or it was not waited for."""
        raw = http_bytes(method, self.site.prefix + path, body, headers)
        left, answer = False, None
        try:
            with contextlib.closing(self.site.connect()) as connection:
                connection.settimeout(20)
                left = self.random.randrange(10) < self.restless
                if left:
                    self.leave(connection, raw)
                    raise Broken("nobody waits")
                with contextlib.suppress(BrokenPipeError,
                                         ConnectionResetError):
                    connection.sendall(raw)
                answer = parse_http(read_to_end(connection), method == "HEAD")
        except (Broken, OSError, ValueError):
            pass
        self.note(path, answer, left)
        return answer

    def leave(self, connection, raw):
        """Go in the middle of sending, before the answer, or within it."""
        part = self.random.choice([
            len(raw), len(raw), len(raw) - 1, len(raw) // 2,
            self.random.randrange(1, len(raw))])
        connection.sendall(raw[:part])
        if part == len(raw) and self.random.random() < 0.5:
            connection.settimeout(self.random.choice([0.001, 0.01, 1]))
            with contextlib.suppress(OSError):
                connection.recv(self.random.choice([1, 100, 1000]))
        reset(connection)

    def post(self, path, members, headers=None):
        return self.send("POST", path, json.dumps(members).encode(), {
            "Content-Type": JSON_TYPE, **(headers or {})})

    def told(self, answer, *names):
        """A member of an answer in JSON, or None."""
        with contextlib.suppress(ValueError, KeyError, TypeError,
                                 AttributeError, IndexError):
            value = answer.json()
            for name in names:
                value = value[name]
            return value
        return None

    def came(self, answer, word):
        """Was that what was put in?"""
        if answer is not None and answer.status in (200, 201) and (
                (word if isinstance(word, bytes) else word.encode())
                in answer.body):
            self.delivered[self.face] += 1

    # The faces.

    def safesecrets(self):
        word = self.canaries.text("SafeSecrets message",
                                  self.random.choice([40, 40, 20000]))
        pin = self.canaries.pin("SafeSecrets PIN")
        key = self.told(self.post("/api/v1/message", {
            "message": word, "exp": 600, "pin": pin}), "key")
        if key is None:
            key = "%s-%012x" % (self.canaries.uuid_start,
                                self.random.getrandbits(48))
        self.canaries.key("SafeSecrets key", key)
        wrong = self.canaries.pin("wrong SafeSecrets PIN")
        for path in (safesecrets_path(key, wrong), "/message/" + key,
                     safesecrets_path(key, pin) + "/more",
                     safesecrets_path(key, pin), safesecrets_path(key, pin)):
            self.came(self.send("GET", path), word)

    def onetime(self):
        word = self.canaries.text("One Time Secret message", 40)
        proof = self.canaries.text("passphrase")
        place = self.random.choice(["/secrets", "/api/secrets"])
        key = self.told(self.post(place, {
            "message": word, "passphrase": proof}), "id")
        if key is None:
            key = "%032x" % self.random.getrandbits(128)
        self.canaries.key("One Time Secret id", key)
        for given in (self.canaries.text("wrong passphrase"), [proof],
                      proof, proof):
            self.came(self.post(place + "/" + key, {"passphrase": given}),
                      word)
        self.send("GET", place + "/" + key + "?passphrase=" + proof)

    def native(self):
        canaries = self.canaries
        secret, receipt, claim, gate = (
            canaries.raw("id"), canaries.raw("receipt"),
            canaries.raw("claim"), canaries.raw("gate", 32))
        envelope = random_envelope(self.random.choice([1, 1, 8, 400]))
        canaries.planted.append(("envelope", envelope[20:60]))
        creation = native_creation(secret, receipt, envelope, gate=gate)
        for _ in range(2):
            self.send("POST", "/api/v2/secrets", creation,
                      {"Content-Type": FRAME_TYPE})
        for call, members in (
                ("secrets/peek", {"id": secret, "claim": claim}),
                ("secrets/open", {"id": secret, "claim": claim,
                                  "gate": canaries.raw("wrong gate", 32)}),
                ("secrets/open", {"id": secret, "claim": claim}),
                ("secrets/open", {"id": secret, "claim": claim,
                                  "gate": gate}),
                ("secrets/open", {"id": secret, "claim": claim,
                                  "gate": gate}),
                ("receipts/peek", {"receipt": receipt}),
                ("secrets/ack", {"id": secret, "claim": claim}),
                ("secrets/knock", {"id": secret}),
                ("receipts/burn", {"receipt": receipt})):
            self.came(self.post("/api/v2/" + call, native_members(members)),
                      envelope)

    def sealed(self, name, size=64):
        text = base64.b64encode(json.dumps({
            "iv": "AAAA", "salt": "AAAA", "mode": "gcm", "ks": 256,
            "ct": base64.b64encode(self.canaries.raw(name, size)).decode(),
        }).encode()).decode()
        self.canaries.planted.append((name, text[-60:].encode()))
        return text

    def passwordlink(self):
        canaries = self.canaries
        half = base64.b64encode(canaries.raw("private half", 18)).decode()
        members = {
            "ciphertext": self.sealed("ciphertext"),
            "attachment_ciphertext": self.sealed(
                "attachment", self.random.choice([64, 64, 150000])),
            "attachment_name": self.sealed("name of an attachment"),
            "password_part_private": half,
            "password": canaries.pin("password"), "max_views": 2,
            "description": canaries.text("description", 60),
            "message": canaries.text("message", 60)}
        key = self.told(self.post("/api/secrets", members, self.private),
                        "data", "id")
        self.post("/api/secrets", {
            **members, "message": [canaries.text("wrong message")]},
            self.private)
        if key is None:
            key = Words(canaries, "password.link").base62()
        canaries.planted.append(("id", key.encode()))
        agent = canaries.text("user agent", 40)
        for word in (canaries.text("wrong password"), members["password"]):
            self.came(self.send("GET", "/api/secrets/" + key, headers={
                **self.public, "X-Secret-Password": quote(word),
                "User-Agent": agent}), "ciphertext")
        with contextlib.suppress(ValueError, OverflowError):
            canaries.raw_key("id", unbase62(key))
            self.post("/api/v2/secrets/open", native_members({
                "id": unbase62(key), "pin": members["password"],
                "claim": canaries.raw("claim")}))
        for path in ("/" + key, "/?" + key):
            self.send("GET", path)
        self.send("GET", "/api/secrets?offset=" + canaries.text("offset"),
                  headers=self.private)
        self.send("DELETE", "/api/secrets/" + key, headers=self.private)

    def requests(self):
        """With mail about them."""
        canaries = self.canaries
        words = {name: canaries.text(name, 40) for name in (
            "description", "message", "secret_description", "secret_message",
            "secret_password")}
        for name in ("send_to_email", "send_request_to_email"):
            words[name] = canaries.text(name) + "@example.org"
        uuid = self.told(self.post("/api/secret_requests", words,
                                   self.private), "data", "id")
        if uuid is None:
            return
        canaries.key("request", uuid)
        one = {"id": b64u(bytes.fromhex(uuid.replace("-", "")))}
        self.post("/api/v2/requests/peek", one)
        self.send("GET", "/req/" + uuid)
        self.came(self.post("/api/v2/requests/fill", {
            **one, "ciphertext": self.sealed("ciphertext"),
            "password_part_private": base64.b64encode(canaries.text(
                "private half", 18).encode()).decode(),
            "password_part_public": base64.b64encode(canaries.text(
                "public half", 18).encode()).decode()}), b"")

    def hostile(self):
        """A few of those that no friendly client sends."""
        words = Words(self.canaries, "hostile")
        for request in friendly(words)[:3] + self.random.choice(
                list(REQUESTS.values()))(words)[:6]:
            with contextlib.suppress(OSError), contextlib.closing(
                    self.site.connect()) as connection:
                connection.settimeout(0.3)
                connection.sendall(request)
                while connection.recv(1 << 16):
                    pass

    def slowly(self, over):
        """A request, a few bytes at a time, to its end or not, and its answer
        likewise, until that is so or the web server has had enough."""
        raw = self.random.choice(friendly(Words(self.canaries, "slow")))
        end = self.random.choice([len(raw), self.random.randrange(len(raw))])
        size = self.random.choice([1, 10, 100, 4000])
        done = 0
        with contextlib.suppress(OSError), contextlib.closing(
                self.site.connect()) as connection:
            while done < end and not over():
                done += connection.send(raw[done:min(done + size, end)])
                if done <= size:
                    self.slow += 1
                time.sleep(SLOW)
            connection.settimeout(SLOW)
            while not over():
                with contextlib.suppress(TimeoutError):
                    if not connection.recv(size):
                        return
                time.sleep(SLOW)
            reset(connection)

    def records(self, address):
        """To a worker's own socket, as no web server does; False when nobody
        was there."""
        words = Words(self.canaries, "records")
        body = words.json(self.random.choice([0, 3000, 70000]))
        params = fcgi_params(cgi_params(
            "POST", words.path() + "?" + words("query"), len(body), JSON_TYPE,
            {"HTTP_" + name.upper(): words(name)
             for name in ("cookie", "authorization", "user_agent")}))
        records = [fastcgi.begin()]
        for kind, content in ((fastcgi.PARAMS, params),
                              (fastcgi.STDIN, body)):
            records += fastcgi.stream(kind, content, self.random)
        for _ in range(self.random.randrange(3)):
            records.insert(self.random.randrange(len(records) + 1),
                           fastcgi.strange(self.random))
        for _ in range(self.random.randrange(3)):
            fastcgi.change(self.random.choice(records), self.random)
        raw = b"".join(record.raw() for record in records)
        if self.random.random() < 0.3:
            raw = raw[:self.random.randrange(len(raw))]
        try:
            fastcgi.send(address, raw, self.random)
        except OSError:
            return False
        return True

    def too_large(self):
        for path, size in (("/api/v1/message", 900000),
                           ("/secrets", 500000), ("/api/secrets", 20 << 20)):
            word = self.canaries.text("a word in a large body")
            self.send("POST", path, b'{"message":"%s%s"}' % (
                word.encode(), b"x" * size), {"Content-Type": JSON_TYPE})

    def tour(self, large, over):
        """All of it, or until that is so."""
        faces = [getattr(self, name) for name in FACES] + [self.hostile]
        self.random.shuffle(faces)
        for face in [self.too_large] * large + faces:
            self.face = face.__name__
            face()
            if over():
                return


def keys_of(site, canaries):
    """An account's headers, for Traffic."""
    headers = site.api_keys("account")
    for shown in headers:
        key = shown["Authorization"].split()[1]
        canaries.planted.append(("key", key.encode()))
        canaries.planted.append(("key", re.sub("^.*_", "", key).encode()))
    return headers
