# SPDX-License-Identifier: ISC
"""Promise 6: what comes in with a request stays in no log, no standard
error, no temporary file, no argument and no environment."""

import base64
import contextlib
import json
import os
import re
import threading

from oncelink_canary import Canaries, Watch
from oncelink_site import SRCDIR
from oncelink_test import SiteTest, main
from oncelink_wire import (
    FRAME_TYPE, JSON_TYPE, b64u, frame, native_creation, native_opening,
    quote, random_envelope, random_id, random_text, safesecrets_path,
    unbase62,
)


class Canary(SiteTest):

    def plant(self, site, canaries):
        """Every face, right and wrong."""
        # SafeSecrets.
        for turn in range(2):
            message = canaries.text("SafeSecrets message", 40)
            pin = canaries.pin("SafeSecrets PIN")
            answer = site.safesecrets_create(message, pin)
            self.assertStatus(answer, 201)
            key = answer.json()["key"]
            canaries.key("SafeSecrets key", key)
            wrong = canaries.pin("wrong SafeSecrets PIN")
            for _ in range(2 if turn else 3):
                site.safesecrets_open(key, wrong)
            site.request("GET", safesecrets_path(key, wrong + "more"))
            site.request("HEAD", safesecrets_path(key, pin))
            site.request("DELETE", safesecrets_path(key, pin))
            site.request("GET", safesecrets_path(key, pin),
                         headers={"Sec-Purpose": "prefetch"})
            site.request("GET", "/message/" + key)
            site.request("GET", "/api/v1/message/" + key)
            answer = site.safesecrets_open(key, pin)
            self.assertStatus(answer, 400 if turn == 0 else 200)
            site.safesecrets_open(key, pin)
        self.wrong_bodies(site, canaries, "/api/v1/message",
                          "message", "pin")

        # One Time Secret.
        message = canaries.text("One Time Secret message", 40)
        word = canaries.text("passphrase")
        for path in ("/secrets", "/api/secrets"):
            answer = site.post(path, {"message": message,
                                      "passphrase": word})
            self.assertStatus(answer, 200)
            key = answer.json()["id"]
            canaries.key("One Time Secret id", key)
            wrong = canaries.text("wrong passphrase")
            site.post(path + "/" + key, {"passphrase": wrong})
            site.request("GET", path + "/" + key + "?passphrase=" + word)
            site.post(path + "/" + key, {"passphrase": [word]})
            self.assertStatus(
                site.post(path + "/" + key, {"passphrase": word}), 200)
            site.post(path + "/" + key, {"passphrase": word})
        self.wrong_bodies(site, canaries, "/secrets",
                          "message", "passphrase")

        # Our own.
        for turn in range(2):
            secret, receipt, claim, gate = (
                canaries.raw("id"), canaries.raw("receipt"),
                canaries.raw("claim"), canaries.raw("gate", 32))
            envelope = random_envelope()
            canaries.planted.append(("envelope", envelope[20:60]))
            self.assertStatus(site.native_create(
                secret, receipt, envelope, gate=gate), 201)
            site.native_create(secret, canaries.raw("receipt"), envelope)
            wrong = canaries.raw("wrong gate", 32)
            site.native("secrets/open", id=secret, claim=claim, gate=wrong)
            site.native("secrets/open", id=secret, claim=claim)
            site.native("secrets/open", id=secret, claim=claim,
                        pin=canaries.text("pin for a gate"))
            site.native("secrets/peek", id=secret, claim=claim)
            site.native("receipts/peek", receipt=receipt)
            self.assertStatus(site.native(
                "secrets/open", id=secret, claim=claim, gate=gate), 200)
            if turn:
                site.native("secrets/ack", id=secret, claim=claim)
            else:
                site.native("receipts/burn", receipt=receipt)
            site.native("secrets/open", id=secret, claim=claim, gate=gate)
            site.native("secrets/knock", id=secret)
        self.wrong_bodies(site, canaries, "/api/v2/secrets/open",
                          "id", "claim")
        word = canaries.text("a word in a path")
        for path in ("/%s", "/api/v1/message/%s", "/api/v2/%s?%s",
                     "/api/v1/params?%s", "/secrets/%s", "/read/%s",
                     "//%s/../%s", "/%%zz%s"):
            site.request("GET", path.replace("%s", word).replace("%%", "%"),
                         headers={
                             "Referer": "http://site.test/" + word,
                             "User-Agent": word, "Cookie": word,
                             "Authorization": "Bearer " + word,
                             "X-Forwarded-For": word})
        # What the web servers themselves refuse, they tell nobody either.
        for raw in (
                b"GET /" + word.encode() + b"\r\n\r\n",
                b"GET /" + word.encode() + b" HTTP/9.9\r\n\r\n",
                b"GE\x01T /" + word.encode() + b" HTTP/1.1\r\n\r\n",
                b"GET /a HTTP/1.1\r\nHost: a/b " + word.encode()
                + b"\r\n\r\n",
                b"GET /" + word.encode() + b"/%00 HTTP/1.1\r\nHost: a\r\n"
                b"Content-Length: x" + word.encode() + b"\r\n\r\n",
                b"POST /api/v1/message HTTP/1.1\r\nHost: a\r\n"
                b"Content-Length: 99999999999\r\n\r\n" + word.encode(),
        ):
            with contextlib.closing(site.connect()) as connection:
                connection.sendall(raw)
                connection.shutdown(1)
                with contextlib.suppress(OSError):
                    while connection.recv(65536):
                        pass

    def plant_sealed(self, site, canaries):
        """password.link's calls: its keys, what its clients seal and write,
        who views it."""
        private, public = site.api_keys("sealing")
        for shown in (private, public):
            key = shown["Authorization"].split()[1]
            canaries.planted.append(("key", key.encode()))
            # What follows the kind is what is secret of it.
            canaries.planted.append(("key", key.split("_")[2].encode()))
        place = "/api/secrets"
        words = {name: canaries.text(name, 60) for name in (
            "description", "message")}
        password = canaries.pin("password")
        sealed = {}
        for name in ("ciphertext", "attachment_ciphertext",
                     "attachment_name"):
            text = base64.b64encode(json.dumps({
                "iv": "AAAA", "salt": "AAAA", "mode": "gcm", "ks": 256,
                "ct": base64.b64encode(canaries.raw(name, 64)).decode(),
            }).encode()).decode()
            canaries.planted.append((name, text[-60:].encode()))
            sealed[name] = text
        sealed["password_part_private"] = base64.b64encode(
            canaries.raw("private half", 18)).decode()
        members = {**sealed, **words, "password": password, "max_views": 2}
        answer = site.post(place, members, private)
        self.assertStatus(answer, 201)
        key = answer.json()["data"]["id"]
        canaries.planted.append(("id", key.encode()))
        canaries.raw_key("id", unbase62(key))
        for name in members:
            self.assertStatus(site.post(
                place, {**members, name: [words["message"]]}, private), 422)
        for shown in (public, {"Authorization": "Bearer " + words["message"]},
                      {"Authorization": "ApiKey public_key_"
                                        + words["message"]}):
            self.assertStatus(site.post(place, members, shown), 403)
        self.assertStatus(site.post(place, members), 403)
        agent = canaries.text("user agent", 40)
        for word in ("", "%", canaries.text("wrong password"), password):
            site.request("GET", place + "/" + key, headers={
                **public, "X-Secret-Password":
                    word if word == "%" else quote(word),
                "User-Agent": agent})
        for path in ("", "/" + key + "/", "?offset=" + words["message"],
                     "?offset=0&" + words["message"], "/" + key + "?" + key):
            site.request("GET", place + path, headers=private)
            site.request("HEAD", place + path, headers=private)
        site.request("GET", "/" + key)
        site.request("GET", "/?" + key)
        # The rest of it by its link, and the end by its account.
        for word in (canaries.text("wrong pin"), password):
            answer = site.native(
                "secrets/open", id=unbase62(key), pin=word,
                claim=canaries.raw("claim"))
        self.assertStatus(answer, 200)
        self.assertIn(sealed["ciphertext"].encode(), answer.body)
        answer = site.request("GET", place, headers=private)
        self.assertEqual(answer.json()["data"][0]["views"][0][
            "viewed_by_user_agent"], agent)
        self.assertStatus(site.request(
            "DELETE", place + "/" + key, headers=private), 200)
        self.wrong_bodies(site, canaries, place, "ciphertext", "message")

    def plant_requests(self, site, canaries):
        """Secret requests, who fills them in, and the mails about them."""
        site.ctl("account", "add", "asking")
        done = site.ctl("key", "add", "asking", "private")
        self.assertEqual(done.returncode, 0, done.stderr)
        key = done.stdout.decode().strip()
        canaries.planted.append(("key", key.encode()))
        head = {"Authorization": "ApiKey " + key}
        place = "/api/secret_requests"
        words = {name: canaries.text(name, 40) for name in (
            "description", "message", "secret_description", "secret_message",
            "secret_password")}
        for name in ("send_to_email", "send_request_to_email"):
            words[name] = canaries.text(name) + "@example.org"
        made = site.post(place, {**words, "limit": 2}, head)
        self.assertStatus(made, 201)
        uuid = made.json()["data"]["id"]
        canaries.key("request", uuid)
        for more in ("", "/", "?offset=" + uuid):
            site.request("GET", place + more, headers=head)
            site.request("GET", "/req/" + uuid + more)
        for wrong in (
                {**words, "limit": 0}, {**words, "expiration": "x"},
                {**words, "send_to_email": words["message"]},
                {**words, "send_to_email": "a@b\r\nBcc: " +
                 words["send_to_email"]}):
            self.assertStatus(site.post(place, wrong, head), 422)
        sealed = base64.b64encode(json.dumps({
            "iv": "AAAA", "salt": "AAAA", "mode": "gcm", "ks": 256,
            "ct": base64.b64encode(canaries.raw("sealed")).decode(),
        }).encode()).decode()
        canaries.planted.append(("ciphertext", sealed[-60:].encode()))
        half, other = canaries.text("public half", 18), canaries.text(
            "private half", 18)
        members = {
            "ciphertext": sealed,
            "password_part_private": base64.b64encode(
                other.encode()).decode(),
            "password_part_public": base64.b64encode(half.encode()).decode()}
        canaries.planted += [(name, members[name].encode()) for name in (
            "password_part_private", "password_part_public")]
        one = {"id": b64u(bytes.fromhex(uuid.replace("-", "")))}
        self.assertStatus(site.post("/api/v2/requests/peek", one), 200)
        fill = "/api/v2/requests/fill"
        self.assertStatus(site.post(fill, {**one, **members}), 201)
        self.assertStatus(site.post(fill, {
            **one, **members, "password_part_public": half}), 422)
        self.assertStatus(site.post(fill, {
            **one, **members, "ciphertext": half}), 422)
        self.assertStatus(site.request("DELETE", place + "/" + uuid,
                                       headers=head), 200)
        self.assertStatus(site.request("DELETE", place + "/" + uuid,
                                       headers=head), 404)
        self.assertStatus(site.post(place, words, head), 201)

    def wrong_bodies(self, site, canaries, path, *names):
        """Bodies of every wrong kind, with a canary in each."""
        words = {name: canaries.text("%s in a wrong body of %s" % (
            name, path)) for name in names}
        good = json.dumps(words)
        bodies = [
            good[:-4], good + "x", "[%s]" % good, good.replace('"', "'"),
            good[:-1] + "," + good[1:], json.dumps({**words, "exp": 0}),
            json.dumps({**words, "exp": 60}), good.replace("{", "{{"),
            json.dumps({names[0]: words}), good + "\xff",
        ]
        for body in bodies:
            for content_type in (JSON_TYPE, FRAME_TYPE,
                                 "application/x-www-form-urlencoded"):
                site.request("POST", path, body.encode("latin-1"),
                             {"Content-Type": content_type})

    def plant_large(self, site, canaries):
        """Bodies and answers that a web server may want to put into a
        file."""
        message = canaries.text("a large message", 60000)
        escaped = "".join("\\u%04x" % ord(letter) for letter in message)
        body = '{"message":"%s","exp":60,"pin":"12345"}' % escaped
        answer = site.request("POST", "/api/v1/message", body.encode(),
                              {"Content-Type": JSON_TYPE})
        self.assertStatus(answer, 201)
        answer = site.safesecrets_open(answer.json()["key"])
        self.assertStatus(answer, 200)
        self.assertEqual(answer.json()["message"], message)
        canaries.planted.append(
            ("a large message", message[30000:30024].encode()))
        secret, claim = canaries.raw("id"), canaries.raw("claim")
        envelope = random_envelope(4 * 2048)
        self.assertStatus(site.request(
            "POST", "/api/v2/secrets",
            native_creation(secret, random_id(), envelope),
            {"Content-Type": FRAME_TYPE}), 201)
        answer = site.request(
            "POST", "/api/v2/secrets/open", native_opening(secret, claim),
            {"Content-Type": JSON_TYPE})
        self.assertStatus(answer, 200)
        self.assertTrue(answer.body.endswith(b"\n" + envelope))
        site.request("POST", "/api/v2/secrets/open", frame(
            {"id": b64u(secret)}, b"x" * 300000),
            {"Content-Type": JSON_TYPE})

    def processes(self, site):
        """All of the site's processes: the groups that it started."""
        return [member for process in site.workers + [site.web]
                for member in process.members()]

    def look(self, site, canaries, when, uploads=False):
        """uploads: lighttpd's files of large bodies are passed over"""
        for process in self.processes(site):
            for name in ("cmdline", "environ", "comm"):
                with contextlib.suppress(OSError):
                    with open("/proc/%d/%s" % (process, name), "rb") as file:
                        self.assertEqual(canaries.found_in(file.read()), [],
                                         "%s: %s" % (when, name))
        for place, _, names in os.walk(site.directory):
            for name in names:
                if uploads and name.startswith("lighttpd-upload-"):
                    continue
                with contextlib.suppress(OSError):
                    with open(os.path.join(place, name), "rb") as file:
                        content = file.read()
                    self.assertEqual(canaries.found_in(content), [],
                                     "%s: %s" % (when, name))

    def everything(self, server, may_write):
        site = self.site(server=server, conf="shipped", settings={
            "site_url": "https://secrets.example.org", "sendmail": "/bin/true",
            "mail_templates": os.path.join(SRCDIR, "conf", "mail")})
        canaries = Canaries()
        watch = Watch(os.path.join(site.directory, "tmp"), site.state,
                      site.keys)
        self.addCleanup(watch.close)
        stop = threading.Event()
        trouble = []

        def looker():
            try:
                while not stop.wait(0.2):
                    self.look(site, canaries, "while running", may_write)
            except BaseException as failure:    # told below
                trouble.append(failure)

        looking = threading.Thread(target=looker, daemon=True)
        looking.start()
        try:
            self.plant(site, canaries)
            self.plant_sealed(site, canaries)
            self.plant_requests(site, canaries)
            small = watch.seen()
            self.plant_large(site, canaries)
            large = watch.seen()
            done = site.sweep("-v")
        finally:
            stop.set()
            looking.join()
        if trouble:
            raise trouble[0]
        # The link of the secret, and that of the second request.
        self.assertIn(b"mail handed over: 2,", done.stdout)
        self.assertEqual(canaries.found_in(done.stdout + done.stderr), [])
        self.look(site, canaries, "at rest")
        # The log is there and says what happened, without names.
        self.assertIn("event=secret", site.log().replace("_", "-"))
        # The database keeps its log and index anew after a restart only; the
        # keys of days are made as they are needed.
        unknown = [name for name in small if not re.fullmatch(
            r"oncelink\..*|lock|new|[0-9]{5}", name)]
        self.assertEqual(unknown, [], "temporary files")
        if not may_write:
            self.assertEqual(large, [], "temporary files of large bodies")
        for process in list(site.workers):
            process.signal(15)
        site.stop_workers()
        self.look(site, canaries, "at the end")
        for place in site.server.scratch():
            self.assertEqual([name for name in os.listdir(place)
                              if not name.startswith("worker.sock")], [])

    def test_search(self):
        """the search finds what is there"""
        canaries = Canaries()
        key = canaries.raw("key")
        for form in (key, b64u(key).encode(), key.hex().encode(),
                     key.hex().upper().encode()):
            self.assertEqual(canaries.found_in(b"x" + form + b"y"), ["key"])
        self.assertEqual(canaries.found_in(os.urandom(100)), [])

    def test_nginx(self):
        """nginx with conf/nginx"""
        self.everything("nginx", may_write=False)

    def test_lighttpd(self):
        """lighttpd with conf/lighttpd; what is above 64 KiB waits in
        its upload directory, and is gone from there afterwards"""
        self.everything("lighttpd", may_write=True)

    def test_apache(self):
        """Apache with conf/apache and mod_fcgid"""
        self.everything("apache", may_write=False)

    def test_programs(self):
        """SIGN_KEY leaves the environment, also of one CGI request, and
        init prints no key"""
        word = random_text(40)
        site = self.site(server=None, environment={"SIGN_KEY": word})
        for name in ("cmdline", "environ"):
            # Closed to all but root, as the worker is not dumpable.
            with contextlib.suppress(PermissionError):
                with open("/proc/%d/%s" % (site.workers[0].pid, name),
                          "rb") as file:
                    self.assertNotIn(word.encode(), file.read(), name)
        self.assertStatus(site.direct("GET", "/api/v2/health"), 200)
        self.assertNotIn(word, site.log())
        for arguments in (["config"], ["stats"]):
            done = site.ctl(*arguments)
            self.assertNotIn(word.encode(), done.stdout + done.stderr)
        plain = self.site(server=None)
        with open(plain.key_file, "rb") as file:
            keys = file.read().split()
        for arguments in (["config"], ["stats"], ["init"]):
            done = plain.ctl(*arguments)
            for part in keys:
                if len(part) >= 32:
                    self.assertNotIn(part, done.stdout + done.stderr)


if __name__ == "__main__":
    main()
