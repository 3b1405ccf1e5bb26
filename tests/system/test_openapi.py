# SPDX-License-Identifier: ISC
"""openapi.json against itself, the tables of routes, and real answers."""

import base64
import copy
import hashlib
import json
import os
import re
import string
import unittest

import jsonschema

from oncelink_site import NODE_MODULES, SRCDIR, WORKER, run
from oncelink_test import SiteTest, await_hour, main
from oncelink_wire import (
    FRAME_TYPE, JSON_TYPE, b64u, frame, parse_frame, random_envelope,
    random_id, safesecrets_path, unb64u,
)

DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
SOMEBODY = {"REMOTE_ADDR": "192.0.2.77"}
METHODS = ("get", "post", "delete", "put", "patch", "head", "options")


def source(*path):
    with open(os.path.join(SRCDIR, *path), encoding="utf-8") as file:
        return file.read()


DOCUMENT = json.loads(source("openapi", "openapi.json"))


def parts(value, path="#"):
    """Every part of a JSON value, with where it is."""
    yield path, value
    if isinstance(value, dict):
        for name, member in value.items():
            yield from parts(member, path + "/" + name)
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from parts(member, "%s/%d" % (path, number))


def follow(document, value):
    """What a reference leads to."""
    while isinstance(value, dict) and "$ref" in value:
        target = document
        for name in value["$ref"][2:].split("/"):
            target = target[name]
        value = target
    return value


def operations(document):
    """((method, path), operation) in the document's order."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield (method.upper(), path), item[method]


def routes():
    """(method, path with : for a variable, what kind of body), in the order
    of app.c and of each interface's tables."""
    found = []
    for face in re.findall(r"^\t&(api_[a-z]*)_face,?$",
                           source("src", "web", "app.c"), re.M):
        for method, path, body in re.findall(
                r'^\t\{ HTTP_([A-Z]*), "([^"]*)",[^,]*,\s+(APP_[A-Z_]*),',
                source("src", "web", face + ".c"), re.M):
            found.append((method, path, body))
    return found


def pattern(path):
    return re.sub(r"\{[a-z]+\}", ":", path)


def sealed():
    """What a client of password.link has sealed, as far as anybody sees."""
    def random(size):
        return base64.b64encode(os.urandom(size)).decode()
    text = json.dumps({
        "iv": random(16), "v": 1, "iter": 10000, "ks": 256, "ts": 128,
        "mode": "gcm", "adata": "", "cipher": "aes", "salt": random(8),
        "ct": random(40)})
    return {"ciphertext": base64.b64encode(text.encode()).decode(),
            "password_part_private": random(18)}


SEALED = sealed()


# Arguments: the validator's module, the document.
LINT = """
import { pathToFileURL } from "node:url";
const { Validator } = await import(pathToFileURL(process.argv[1]));
const validator = new Validator();
const result = await validator.validate(process.argv[2]);
console.log(JSON.stringify({ version: validator.version, ...result }));
"""


class Document(unittest.TestCase):
    """The document alone."""

    def test_form(self):
        """it is OpenAPI 3.1, by that form's own schema"""
        module = os.path.join(NODE_MODULES, "@seriousme",
                              "openapi-schema-validator", "index.js")
        self.assertTrue(os.path.exists(module), "%s is not there: "
                        "./bootstrap check puts it there" % module)
        done = run(["node", "--input-type=module", "-e", LINT, module,
                    os.path.join(SRCDIR, "openapi", "openapi.json")])
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(json.loads(done.stdout),
                         {"version": "3.1", "valid": True})

    def test_references(self):
        """every reference leads somewhere, and every part is used"""
        used = set()
        for path, value in parts(DOCUMENT):
            if isinstance(value, dict) and "$ref" in value:
                self.assertRegex(value["$ref"], "^#/components/", path)
                follow(DOCUMENT, value)
                used.add(value["$ref"])
        for kind in ("schemas", "responses"):
            for name in DOCUMENT["components"][kind]:
                self.assertIn("#/components/%s/%s" % (kind, name), used)
        for name in DOCUMENT["components"].get("securitySchemes", {}):
            self.assertIn(name, {
                scheme for _, one in operations(DOCUMENT)
                for choice in one.get("security", ()) for scheme in choice})

    def test_operations(self):
        """every call has a name of its own, words, its variables, answers"""
        names = set()
        tags = {tag["name"] for tag in DOCUMENT["tags"]}
        self.assertTrue(tags <= {one["tags"][0] for _, one in
                                 operations(DOCUMENT)})
        for (method, path), one in operations(DOCUMENT):
            with self.subTest("%s %s" % (method, path)):
                self.assertNotIn(one["operationId"], names)
                names.add(one["operationId"])
                self.assertTrue(set(one["tags"]) <= tags)
                self.assertTrue(one["summary"])
                declared = [parameter["name"] for parameter in
                            one.get("parameters", ())
                            if parameter["in"] == "path"]
                self.assertEqual(re.findall(r"\{([a-z]+)\}", path), declared)
                self.assertTrue(any(status.startswith("2")
                                    for status in one["responses"]))
                self.assertIn("5XX", one["responses"])

    def test_schemas(self):
        """schemas are schemas, and examples are examples of them"""
        resolver = jsonschema.RefResolver("", DOCUMENT)
        for path, value in parts(DOCUMENT):
            if not isinstance(value, dict) or "schema" not in value:
                continue
            if not isinstance(value["schema"], dict):
                continue
            jsonschema.Draft202012Validator.check_schema(
                follow(DOCUMENT, value["schema"]))
            if "example" in value:
                jsonschema.Draft202012Validator(
                    value["schema"], resolver=resolver).validate(
                        value["example"])
        for schema in DOCUMENT["components"]["schemas"].values():
            jsonschema.Draft202012Validator.check_schema(schema)

    def test_words(self):
        """the program's version and problems, and nobody's addresses"""
        version = run([WORKER, "--version"]).stdout.decode().split()[1]
        self.assertEqual(DOCUMENT["info"]["version"], version)
        self.assertEqual(
            sorted(DOCUMENT["components"]["schemas"]["Problem"]
                   ["properties"]["type"]["enum"]),
            sorted(re.findall(r'"(tag:oncelink,2026:[a-z-]+)"',
                              source("src", "web", "problem.c"))))
        text = json.dumps(DOCUMENT)
        self.assertNotRegex(text, r"https?://|localhost|/(etc|var|work|tmp)/")

    def test_routes(self):
        """every route is described, every description has a route, with its
        body, in the order of the tables"""
        described = {}
        for (method, path), one in operations(DOCUMENT):
            types = set(one.get("requestBody", {}).get("content", ()))
            described[(method, pattern(path))] = types
        bodies = {"APP_NO_BODY": set(), "APP_JSON": {JSON_TYPE},
                  "APP_JSON_ANY_TYPE": {JSON_TYPE}, "APP_FRAME": {FRAME_TYPE},
                  "APP_JSON_OR_NOTHING": {JSON_TYPE}}
        served = {}
        for method, path, body in routes():
            served[(method, path)] = bodies[body]
        self.assertGreater(len(served), 15)
        self.assertEqual(described, served)
        order = list(dict.fromkeys(path for _, path, _ in routes()))
        self.assertEqual([pattern(path) for path in DOCUMENT["paths"]],
                         order)


class Answers(SiteTest):
    """A site that is made to give every answer there is."""

    def setUp(self):
        # Where members are named, there are no others.
        self.closed = copy.deepcopy(DOCUMENT)
        for _, value in parts(self.closed):
            if isinstance(value, dict) and isinstance(
                    value.get("properties"), dict) and "type" in value:
                value.setdefault("additionalProperties", False)
        self.resolver = jsonschema.RefResolver("", self.closed)
        self.operations = dict(operations(self.closed))
        self.seen = set()

    def holds(self, schema, value):
        jsonschema.Draft202012Validator(
            schema, resolver=self.resolver,
            format_checker=jsonschema.FormatChecker()).validate(value)

    def judge(self, key, answer):
        """Is that an answer that the document knows?"""
        status = str(answer.status)
        known = self.operations[key]["responses"]
        status = status if status in known else status[0] + "XX"
        self.assertIn(status, known, "%s: %r" % (key, answer))
        self.seen.add((key, status))
        content = follow(self.closed, known[status]).get("content", {})
        if not content:
            self.assertEqual(answer.body, b"")
            return
        kind = answer.headers["content-type"].split(";")[0]
        self.assertIn(kind, content, key)
        schema = content[kind]["schema"]
        if kind == FRAME_TYPE:
            self.holds(schema["x-head"], parse_frame(answer.body)[0])
        elif kind == "text/plain":
            self.holds(schema, answer.body.decode())
        else:
            self.holds(schema, answer.json())

    def ask(self, site, method, path, value=None, status=None, kind=JSON_TYPE,
            uri=None, **extra):
        """One call; `path` as the document has it, `uri` as it is sent."""
        key = (method, path)
        good = status is not None and status < 300
        payload = None
        if value is not None:
            payload = value if isinstance(value, bytes) else (
                json.dumps(value).encode())
        if value is not None and good:
            schema = self.operations[key]["requestBody"]["content"][kind][
                "schema"]
            if kind == FRAME_TYPE:
                self.holds(schema["x-head"], parse_frame(payload)[0])
            else:
                self.holds(schema, json.loads(payload))
        answer = site.direct(method, uri or path, payload,
                             kind if value is not None else None, extra)
        if status is not None:
            self.assertStatus(answer, status, key)
        self.judge(key, answer)
        return answer

    def few(self, **settings):
        """A site where one client may make one secret in this hour."""
        site = self.site(server=None,
                         settings={"client_secrets": "1", **settings})
        await_hour()
        return site

    def broken(self, site, path, large, uri=None):
        """What every call with a body answers to bodies that are none."""
        self.ask(site, "POST", path, b"{", uri=uri)
        key = ("POST", path)
        # A length without a body, and none at all.
        answer = site.direct("POST", uri or path, None, JSON_TYPE)
        self.assertStatus(answer, 411, path)
        self.judge(key, answer)
        self.ask(site, "POST", path, b" " * large, 413, uri=uri)

    def everything_seen(self, prefixes):
        """All that the document says of these paths has been answered."""
        for key, one in self.operations.items():
            if not key[1].startswith(prefixes):
                continue
            for status in one["responses"]:
                if status != "5XX":
                    self.assertIn((key, status), self.seen)

    def test_document(self):
        """the site serves the document, to pages of other sites too"""
        for prefix in ("", "/once"):
            site = self.site(server=None, prefix=prefix,
                             settings={"faces": "onetime"})
            answer = site.direct("GET", prefix + "/api/openapi.json")
            self.judge(("GET", "/api/openapi.json"), answer)
            self.assertStatus(answer, 200)
            self.assertEqual(answer.body.decode(),
                             source("openapi", "openapi.json"))
            self.assertEqual(answer.headers["content-type"], JSON_TYPE)
            self.assertEqual(answer.headers["access-control-allow-origin"],
                             "*")
            self.assertStatus(site.direct("POST", prefix +
                                          "/api/openapi.json", b""), 405)

    def test_safesecrets(self):
        """SafeSecrets: every answer"""
        site = self.site(server=None, settings={"max_message": "1K"})
        create, read = "/api/v1/message", "/api/v1/message/{key}/{pin}"
        example = self.operations[("POST", create)]["requestBody"][
            "content"][JSON_TYPE]["example"]
        made = self.ask(site, "POST", create, example, 201).json()
        uri = safesecrets_path(made["key"], "54321")
        self.ask(site, "GET", read, status=417, uri=uri)
        self.assertStatus(self.ask(site, "GET", read, status=503, uri=uri,
                                   HTTP_SEC_PURPOSE="prefetch"), 503)
        uri = safesecrets_path(made["key"], "12345")
        self.ask(site, "GET", read, status=200, uri=uri)
        self.ask(site, "GET", read, status=400, uri=uri)
        self.ask(site, "POST", create, {"message": ""}, 400)
        self.broken(site, create, 1 << 20)
        self.ask(site, "GET", "/api/v1/params", status=200)
        self.ask(site, "GET", "/api/v1/ping", status=200)
        self.ask(site, "GET", "/ping", status=200)
        closed = self.site(server=None, settings={"create": "nobody"})
        self.ask(closed, "POST", create, example, 403)
        few = self.few()
        for status in (201, 429):
            self.ask(few, "POST", create, example, status, **SOMEBODY)
        self.everything_seen(("/api/v1/", "/ping"))

    def test_onetime(self):
        """One Time Secret App and password.link: every answer"""
        site = self.site(server=None, settings={"max_message": "1K"})
        closed = self.site(server=None, settings={"create": "nobody"})
        example = {"passphrase": "open sesame", "message": "It works.",
                   "expiration_time": "3600"}
        for place in ("/secrets", "/api/secrets"):
            made = self.ask(site, "POST", place, example, 200).json()
            uri = place + "/" + made["id"]
            one = place + "/{id}"
            self.ask(site, "POST", one, {"passphrase": "a"}, 404, uri=uri)
            self.ask(site, "POST", one, {}, 400, uri=uri)
            self.ask(site, "POST", one, {"passphrase": "open sesame"}, 200,
                     uri=uri)
            self.ask(site, "POST", place, {"passphrase": "a"}, 400)
            self.broken(site, place, 1 << 20)
            self.broken(site, one, 1 << 20, uri=uri)
            self.ask(closed, "POST", place, example, 403)
            few = self.few()
            for status in (200, 429):
                self.ask(few, "POST", place, example, status, **SOMEBODY)
        self.passwordlink(site)
        self.passwordlink_requests(site)
        self.everything_seen(("/secrets", "/api/secret"))

    def key(self, site, kind, name="team", **options):
        """A key of an account, made when it is not there."""
        options = ["--%s=%s" % option for option in options.items()]
        site.ctl("account", "add", name, *options)
        done = site.ctl("key", "add", name, kind)
        self.assertEqual(done.returncode, 0, done)
        return {"HTTP_AUTHORIZATION": "ApiKey " +
                done.stdout.decode().strip()}

    def passwordlink(self, site):
        private, public = self.key(site, "private"), self.key(site, "public")
        one, place = "/api/secrets/{id}", "/api/secrets"

        def make(**members):
            made = self.ask(site, "POST", place, {**SEALED, **members}, 201,
                            **private)
            return place + "/" + made.json()["data"]["id"]

        self.ask(site, "POST", place, SEALED, 403)
        self.ask(site, "POST", place, SEALED, 403, **public)
        self.ask(site, "POST", place, {"ciphertext": "a"}, 422, **private)
        self.ask(site, "POST", place, b"{", 400, **private)
        self.ask(site, "POST", place, SEALED, 403,
                 **self.key(site, "private", "poor", allowance=0))
        uri = make(description="for nobody", message="for you",
                   expiration="7", view_button="true", captcha=False,
                   password="open sesame", max_views="2",
                   attachment_name=SEALED["ciphertext"],
                   attachment_ciphertext=SEALED["ciphertext"])
        self.ask(site, "GET", one, status=403, uri=uri, **public)
        self.ask(site, "GET", one, status=403, uri=uri)
        self.ask(site, "GET", one, status=422, uri=uri,
                 HTTP_X_SECRET_PASSWORD="%ff", **public)
        self.ask(site, "GET", one, status=503, uri=uri,
                 HTTP_SEC_PURPOSE="prefetch", **public)
        self.ask(site, "GET", one, status=200, uri=uri,
                 HTTP_X_SECRET_PASSWORD="open%20sesame",
                 HTTP_USER_AGENT="a browser", **public)
        plain = make()
        self.ask(site, "GET", one, status=200, uri=plain, **private)
        self.ask(site, "GET", one, status=404, uri=plain, **private)
        self.ask(site, "GET", place, status=403, **public)
        self.ask(site, "GET", place, status=422, uri=place + "?offset=a",
                 **private)
        for offset, rows in ((0, 2), (1, 1), (2, 0)):
            page = self.ask(site, "GET", place, status=200,
                            uri="%s?offset=%d" % (place, offset), **private)
            self.assertEqual(len(page.json()["data"]), rows)
        self.ask(site, "DELETE", one, status=403, uri=uri, **public)
        self.ask(site, "DELETE", one, status=200, uri=uri, **private)
        self.ask(site, "DELETE", one, status=404, uri=uri, **private)

    def passwordlink_requests(self, site):
        private, public = self.key(site, "private"), self.key(site, "public")
        place, one = "/api/secret_requests", "/api/secret_requests/{id}"
        uris = []
        for members in (None, {}, {
                "description": "a", "message": "b", "expiration": "7",
                "limit": 2, "secret_description": "c", "secret_message": "d",
                "secret_expiration": 0, "secret_password": "e",
                "secret_max_views": "3"}):
            made = self.ask(site, "POST", place, members, 201, **private)
            uris.append(place + "/" + made.json()["data"]["id"])
        self.ask(site, "POST", place, {}, 403)
        self.ask(site, "POST", place, {}, 403, **public)
        self.ask(site, "POST", place, {}, 403, **self.key(
            site, "private", "shy", **{"request-allowance": 0}))
        self.ask(site, "POST", place, {"limit": 0}, 422, **private)
        self.ask(site, "POST", place, {"send_to_email": "a@example.org"},
                 422, **private)
        self.ask(site, "POST", place, b"{", 400, **private)
        self.ask(site, "POST", place, b" " * (1 << 20), 413, **private)
        self.ask(site, "GET", place, status=403, **public)
        self.ask(site, "GET", place, status=422, uri=place + "?offset=a",
                 **private)
        page = self.ask(site, "GET", place, status=200, **private)
        self.assertEqual(len(page.json()["data"]), 3)
        self.ask(site, "DELETE", one, status=403, uri=uris[0], **public)
        self.ask(site, "DELETE", one, status=200, uri=uris[0], **private)
        self.ask(site, "DELETE", one, status=404, uri=uris[0], **private)

    def fill(self, site, other):
        """A secret request, as its page has it."""
        key = self.key(site, "private", allowance=1)
        made = self.ask(site, "POST", "/api/secret_requests", {
            "message": "a", "limit": 2}, 201, **key).json()["data"]["id"]
        one = {"id": b64u(bytes.fromhex(made.replace("-", "")))}
        peek, path = "/api/v2/requests/peek", "/api/v2/requests/fill"
        self.ask(site, "POST", peek, one, 200)
        self.ask(site, "POST", peek, {"id": other}, 404)
        self.ask(site, "POST", path, {"id": other, **SEALED}, 404)
        self.ask(site, "POST", path, {**one, **SEALED}, 201, **SOMEBODY)
        self.ask(site, "POST", path, {**one, **SEALED}, 429, **SOMEBODY)
        self.ask(site, "POST", path, {**one, **SEALED}, 403)
        for place, large in ((peek, 1 << 20), (path, 1 << 22)):
            self.broken(site, place, large)
            self.ask(site, "POST", place, {"colour": "red"}, 422)
            self.ask(site, "POST", place, b"{}", 415, "text/plain")

    def create(self, site, status=201, more=None, client=None, **members):
        head = {"id": b64u(random_id()), "receipt": b64u(random_id()),
                "expires_in": 3600, **members}
        self.ask(site, "POST", "/api/v2/secrets",
                 frame({**head, **(more or {})}, random_envelope()), status,
                 FRAME_TYPE, **(client or {}))
        return head

    def captcha(self, site, claim):
        """A secret of password.link's whose maker asked for all."""
        key = self.key(site, "private")
        made = self.ask(site, "POST", "/api/secrets", {
            **SEALED, "captcha": True, "view_button": True, "message": "a",
            "password": "b"}, 201, **key).json()
        number = 0
        for digit in made["data"]["id"]:
            number = number * 62 + DIGITS.index(digit)
        one = {"id": b64u(number.to_bytes(16, "big"))}
        path = "/api/v2/secrets/open"
        self.ask(site, "POST", path, {**one, "claim": claim}, 403)
        challenge = self.ask(site, "POST", "/api/v2/secrets/peek", one,
                             200).json()["captcha"]
        salt, n = unb64u(challenge["salt"]), 0
        while int.from_bytes(hashlib.sha256(
                salt + n.to_bytes(8, "big")).digest(), "big") >> (
                    256 - challenge["bits"]):
            n += 1
        self.ask(site, "POST", path, {
            **one, "claim": claim, "pin": "b",
            "captcha": {**challenge, "n": n}}, 200)

    def test_native(self):
        """our own: every answer"""
        site = self.site(server=None, settings={"max_envelope": "64K"})
        other = b64u(random_id())
        gate = b64u(random_id() * 2)
        secrets = "/api/v2/secrets"

        head = self.create(site, gate=gate, views=2, attempts=3)
        self.create(site, 409, id=head["id"])
        self.create(site, 422, more={"colour": "red"})
        closed = self.site(server=None, settings={"create": "nobody"})
        self.create(closed, 403)
        few = self.few()
        for status in (201, 429):
            self.create(few, status, client=SOMEBODY)
        self.ask(site, "POST", secrets, b"{", 400, FRAME_TYPE)
        self.ask(site, "POST", secrets, b"{}", 415)
        self.judge(("POST", secrets),
                   site.direct("POST", secrets, None, FRAME_TYPE))
        self.ask(site, "POST", secrets, b"{}\n" + b" " * (1 << 20), 413,
                 FRAME_TYPE)

        one, claim = {"id": head["id"]}, b64u(random_id())
        self.ask(site, "POST", secrets + "/peek", one, 200)
        self.ask(site, "POST", secrets + "/open", {**one, "claim": claim},
                 403)
        self.ask(site, "POST", secrets + "/open", {
            **one, "claim": claim, "gate": b64u(random_id() * 2)}, 403)
        self.ask(site, "POST", secrets + "/open", {
            **one, "claim": claim, "gate": gate}, 200)
        self.ask(site, "POST", secrets + "/peek", {**one, "claim": claim},
                 200)
        self.ask(site, "POST", secrets + "/ack", {**one, "claim": claim},
                 204)
        self.ask(site, "POST", secrets + "/knock", one, 204)
        receipt = {"receipt": head["receipt"]}
        for word in ("peek", "burn"):
            self.ask(site, "POST", "/api/v2/receipts/" + word, receipt, 200)
            self.ask(site, "POST", "/api/v2/receipts/" + word,
                     {"receipt": other}, 404)
        for word, members in (("peek", {}), ("open", {"claim": claim})):
            path = secrets + "/" + word
            self.ask(site, "POST", path, {**one, **members}, 410)
            self.ask(site, "POST", path, {"id": other, **members}, 404)
        for path in (secrets + "/peek", secrets + "/open", secrets + "/ack",
                     secrets + "/knock", "/api/v2/receipts/peek",
                     "/api/v2/receipts/burn"):
            self.broken(site, path, 1 << 20)
            self.ask(site, "POST", path, {"colour": "red"}, 422)
            self.ask(site, "POST", path, b"{}", 415, "text/plain")
        # A text that the server sealed opens here too.
        made = site.direct("POST", "/secrets", json.dumps({
            "passphrase": "a", "message": "b"}).encode(), JSON_TYPE).json()
        text = {"id": b64u(bytes.fromhex(made["id"]))}
        self.ask(site, "POST", secrets + "/peek", text, 200)
        self.ask(site, "POST", secrets + "/open", {
            **text, "claim": claim, "pin": "a"}, 200)
        self.fill(self.few(max_envelope="64K"), other)
        self.captcha(self.site(server=None), b64u(random_id()))
        self.ask(site, "GET", "/api/v2/params", status=200)
        self.ask(site, "GET", "/api/v2/health", status=200)
        self.everything_seen("/api/v2/")


if __name__ == "__main__":
    main()
