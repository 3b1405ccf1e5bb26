# SPDX-License-Identifier: ISC
"""Mail: requests and links that a real sendmail (msmtp) hands to an SMTP
server of this test's own; what fails, hangs and is given up; and that nothing
of it stays anywhere."""

import base64
import email
import email.header
import email.policy
import email.utils
import json
import os
import re
import socket
import subprocess
import threading
import time

from oncelink_canary import Canaries, files_with
from oncelink_site import SWEEP, clean_environment, wait_until
from oncelink_test import SiteTest, in_threads, main
from oncelink_wire import (
    JSON_TYPE, b64u, native_members, parse_frame, random_id,
)

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SITE_URL = "https://secrets.example.org/once"
MSMTP = "/usr/bin/msmtp"

# What a client of password.link has sealed, as far as a server can see.
OBJECT = base64.b64encode(
    b'{"iv":"AAAA","salt":"AAAA","ct":"AAAA","mode":"gcm","ks":256}').decode()


class Sink:
    """An SMTP server that keeps what it is given.  `answers` says what it
    answers to a verb instead of yes; None: nothing, ever."""

    def __init__(self):
        self.answers = {}
        self.mails = []
        self.connections = 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
            threading.Thread(target=self.talk, args=(connection,),
                             daemon=True).start()

    def talk(self, connection):
        with connection, connection.makefile("rb") as lines:
            sender, recipients = None, []
            verb = "HELLO"
            while True:
                answer = self.answers.get(verb, "250 yes")
                if answer is None:
                    lines.read()
                    return
                if verb == "HELLO":
                    answer = "220 sink"
                elif verb == "DATA" and answer[0] == "2":
                    connection.sendall(b"354 go on\r\n")
                    mail = b""
                    while (line := lines.readline()) != b".\r\n":
                        if not line:
                            return
                        line = line[1:] if line[:1] == b"." else line
                        mail += line.replace(b"\r\n", b"\n")
                    with self.lock:
                        self.mails.append((sender, recipients, mail))
                connection.sendall(answer.encode() + b"\r\n")
                line = lines.readline().decode().strip()
                verb = line.split(" ")[0].upper()
                if not line or verb == "QUIT":
                    return
                if verb == "MAIL":
                    sender = line.partition("<")[2].partition(">")[0]
                if verb == "RCPT":
                    recipients.append(
                        line.partition("<")[2].partition(">")[0])

    def close(self):
        self.listener.close()


def base62(token):
    number, text = int.from_bytes(token, "big"), ""
    for _ in range(22):
        number, digit = divmod(number, 62)
        text = DIGITS[digit] + text
    return text


def from_base62(text):
    number = 0
    for digit in text:
        number = number * 62 + DIGITS.index(digit)
    return number.to_bytes(16, "big")


class Mail(SiteTest):

    def setUp(self):
        self.sink = Sink()
        self.addCleanup(self.sink.close)

    def mailing(self, **settings):
        """A site whose sendmail is msmtp, and an account's key."""
        site = self.site(server=None, start=False)
        settings = {
            "site_url": SITE_URL, "mail_from": "secrets@example.org",
            "mail_templates": os.path.join(site.srcdir, "conf", "mail"),
            "sendmail": os.path.join(site.directory, "sendmail"), **settings}
        site.configure(**settings)
        self.point(site)
        site.start()
        site.ctl("account", "add", "team")
        done = site.ctl("key", "add", "team", "private")
        self.assertEqual(done.returncode, 0, done)
        self.key = done.stdout.decode().strip()
        return site

    def point(self, site):
        """Have sendmail be msmtp, which sends to the sink."""
        rc = os.path.join(site.directory, "msmtprc")
        with open(rc, "w", encoding="ascii") as file:
            file.write("account default\nhost 127.0.0.1\nport %d\n"
                       "from nobody@example.org\nauth off\ntls off\n"
                       "allow_from_override on\n" % self.sink.port)
        os.chmod(rc, 0o600)
        self.script(site, 'exec %s -C "%s" "$@"' % (MSMTP, rc))

    def script(self, site, text):
        path = os.path.join(site.directory, "sendmail")
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n%s\n" % text)
        os.chmod(path + ".new", 0o700)
        os.rename(path + ".new", path)

    def call(self, site, method, path, members=None):
        body = None if members is None else json.dumps(members).encode()
        return site.direct(method, path, body,
                           JSON_TYPE if body is not None else None,
                           {"HTTP_AUTHORIZATION": "ApiKey " + self.key})

    def ask(self, site, **members):
        """A secret request; its 16 bytes."""
        answer = self.call(site, "POST", "/api/secret_requests", members)
        self.assertStatus(answer, 201)
        return bytes.fromhex(
            answer.json()["data"]["id"].replace("-", ""))

    def fill(self, site, request, part=None, private="AAAA"):
        members = {"ciphertext": OBJECT, "password_part_private": private}
        if part is not None:
            members["password_part_public"] = part
        return self.native(site, "requests/fill", id=request, **members)

    def native(self, site, call, **members):
        return site.direct("POST", "/api/v2/" + call, json.dumps(
            native_members(members)).encode(), JSON_TYPE)

    def sweep(self, site, status=0):
        done = site.sweep("-v")
        self.assertEqual(done.returncode, status, done.stderr)
        numbers = re.search(
            rb"mail handed over: (\d+), to be tried again: (\d+), "
            rb"given up: (\d+)", done.stdout)
        self.assertIsNotNone(numbers, done.stdout)
        return tuple(int(number) for number in numbers.groups()), done

    def is_stored(self, site, letter):
        """Is a piece of it anywhere in the files?"""
        return any(letter[30:50] in content or letter[-20:] in content
                   for content in site.database_bytes().values())

    def waiting(self, site):
        done = site.ctl("mail", "list")
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.decode().splitlines()

    def due(self, site):
        """Everything that waits is due."""
        for line in self.waiting(site):
            self.assertEqual(site.ctl(
                "mail", "retry", line.split()[0]).returncode, 0)

    def last_mail(self, count):
        """The last of so many mails: how it was sent, and what it says."""
        self.assertEqual(len(self.sink.mails), count)
        sender, recipients, raw = self.sink.mails[-1]
        raw.decode("ascii")
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        self.assertEqual(mail.defects, [])
        return sender, recipients, mail

    def whole_way(self, site, canaries, words):
        # The request's link goes to whoever shall fill it in.
        us = canaries.text("our address") + "@example.org"
        them = canaries.text("their address") + "@example.org"
        note = canaries.text("the request's message")
        password = canaries.text("the secret's password")
        request = self.ask(
            site, send_request_to_email=them, send_to_email=us,
            message=note, description=canaries.text("description"),
            secret_description=canaries.text("secret description"),
            secret_message=canaries.text("secret message"),
            secret_password=password)
        self.assertEqual(len(self.sink.mails), 0)
        self.assertEqual(self.sweep(site)[0], (1, 0, 0))
        sender, recipients, mail = self.last_mail(1)
        self.assertEqual((sender, recipients),
                         ("secrets@example.org", [them]))
        self.assertEqual(mail["To"], them)
        # (Python's own parser keeps the fold between two encoded words.)
        name, address = email.utils.parseaddr(dict(mail.raw_items())["From"])
        self.assertEqual(address, "secrets@example.org")
        self.assertEqual(str(email.header.make_header(
            email.header.decode_header(name))), words["site"])
        self.assertEqual(mail["Subject"], words["request"])
        self.assertEqual(mail["Auto-Submitted"], "auto-generated")
        self.assertRegex(mail["Message-ID"],
                         r"^<[0-9a-f]{32}@secrets\.example\.org>$")
        self.assertLess(abs(mail["Date"].datetime.timestamp()
                            - time.time()), 60)
        self.assertEqual(mail.get_content_type(), "text/plain")
        text = mail.get_content()
        link = re.search(r"^%s/request/#([0-9a-f-]{36})$" % SITE_URL, text,
                         re.M)
        self.assertEqual(bytes.fromhex(link[1].replace("-", "")), request)
        self.assertIn(words["until"], text)
        # Nothing that anybody typed is in a mail.
        for word in (note, us, password):
            self.assertNotIn(word, text)

        # The secret's link goes to whoever asked.
        peeked = self.native(site, "requests/peek", id=request).json()
        self.assertEqual((peeked["message"], peeked["mailed"]), (note, True))
        half = canaries.text("public half", 18)
        part = base64.b64encode(half.encode()).decode()
        canaries.planted.append(("public half", part.encode()))
        private = base64.b64encode(canaries.text(
            "private half", 18).encode()).decode()
        self.assertStatus(self.fill(site, request, private=private), 422)
        answer = self.fill(site, request, part, private)
        self.assertStatus(answer, 201)
        with site.reader() as database:
            ((letter,),) = database.execute("SELECT letter FROM outbox")
        self.assertTrue(self.is_stored(site, letter))
        self.assertEqual(self.sweep(site)[0], (1, 0, 0))
        self.assertFalse(self.is_stored(site, letter))
        sender, recipients, mail = self.last_mail(2)
        self.assertEqual(recipients, [us])
        self.assertEqual(mail["Subject"], words["secret"])
        text = mail.get_content()
        link = re.search(r"^%s/\?([0-9A-Za-z]{22})#(.*)$" % SITE_URL, text,
                         re.M)
        self.assertEqual(link[2], part)
        secret = from_base62(link[1])
        self.assertEqual(b64u(secret), answer.json()["id"])
        self.assertEqual(base62(secret), link[1])
        for word in (note, them, password, private):
            self.assertNotIn(word, text)
        self.assertEqual(self.waiting(site), [])
        return request, secret, password, private

    def test_request_and_secret(self):
        """from the request to the secret that was asked for, in English"""
        site = self.mailing()
        canaries = Canaries()
        canaries.planted.append(("key", self.key.encode()))
        _, secret, password, private = self.whole_way(site, canaries, {
            "site": "Oncelink", "until": "The page works until 20",
            "request": "Oncelink: you are asked for a secret",
            "secret": "Oncelink: a secret that you asked for"})
        # Not in a log, nor in any file, though the secret still waits.
        self.assertEqual(files_with(canaries, site.directory), {})
        answer = self.native(site, "secrets/open", id=secret, claim=random_id(),
                             pin=password)
        self.assertStatus(answer, 200)
        payload = parse_frame(answer.body)[1]
        self.assertIn(private.encode(), payload)
        self.assertEqual(files_with(canaries, site.directory), {})

    def test_swedish(self):
        """the same in Swedish, from a site with a name of its own"""
        site = self.mailing(mail_language="sv",
                            site_name="Räksmörgås & \U0001f511 \"Co\"")
        name = "Räksmörgås & \U0001f511 \"Co\""
        self.whole_way(site, Canaries(), {
            "site": name, "until": "Sidan fungerar till 20",
            "request": name + ": någon ber dig om en hemlighet",
            "secret": name + ": en hemlighet som du har bett om"})

    def test_plain_sender(self):
        """without mail_from sendmail says whom it is from"""
        site = self.mailing(mail_from="")
        self.ask(site, send_request_to_email="them@example.org")
        self.assertEqual(self.sweep(site)[0], (1, 0, 0))
        sender, _, mail = self.last_mail(1)
        self.assertEqual(sender, "nobody@example.org")
        self.assertEqual(mail["From"].addresses[0].addr_spec, sender)

    def test_tried_again(self):
        """what is not taken waits, longer and longer; the operator sees it,
        but neither address nor link"""
        site = self.mailing()
        canaries = Canaries()
        them = canaries.text("their address") + "@example.org"
        request = self.ask(site, send_request_to_email=them)
        canaries.planted.append(("request", request.hex().encode()))
        self.sink.answers["RCPT"] = "451 later"
        counts, done = self.sweep(site)
        self.assertEqual(counts, (0, 1, 0))
        self.assertIn(b"event=mail-put-off", done.stderr)
        self.assertEqual(canaries.found_in(done.stderr + done.stdout), [])
        (line,) = self.waiting(site)
        self.assertRegex(line, r"^\d+  team  request  made \S+Z  tries 1  "
                         r"next \S+Z$")
        self.assertEqual(canaries.found_in(line.encode()), [])
        self.assertEqual(self.sweep(site)[0], (0, 0, 0))
        # Nobody there at all.
        self.sink.close()
        self.due(site)
        self.assertEqual(self.sweep(site)[0], (0, 1, 0))
        self.assertEqual(files_with(canaries, site.directory), {})
        self.sink = Sink()
        self.addCleanup(self.sink.close)
        self.point(site)
        self.due(site)
        self.assertEqual(self.sweep(site)[0], (1, 0, 0))
        self.assertEqual(self.waiting(site), [])
        self.last_mail(1)

    def test_killed(self):
        """a letter that ends the sweeper is put off all the same"""
        site = self.mailing()
        self.ask(site, send_request_to_email="them@example.org")
        self.script(site, 'kill -9 "$PPID"')
        self.assertEqual(site.sweep().returncode, -9)
        (line,) = self.waiting(site)
        self.assertIn("  tries 1  ", line)
        self.assertEqual(self.sweep(site)[0], (0, 0, 0))
        self.point(site)
        self.due(site)
        self.assertEqual(self.sweep(site)[0], (1, 0, 0))

    def test_given_up(self):
        """what is never taken is given up after mail_give_up and gone from
        the disk, and so is what was dropped"""
        site = self.mailing(mail_give_up="1h")
        self.script(site, "exit 75")
        self.ask(site, send_request_to_email="them@example.org")
        self.ask(site, send_request_to_email="them@example.org")
        self.assertEqual(self.sweep(site)[0], (0, 2, 0))
        with site.reader() as database:
            sealed = [row[0] for row in database.execute(
                "SELECT letter FROM outbox")]
        for letter in sealed:
            self.assertTrue(self.is_stored(site, letter))
        first, second = self.waiting(site)
        done = site.ctl("mail", "drop", second.split()[0])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(site.ctl(
            "mail", "drop", second.split()[0]).returncode, os.EX_DATAERR)
        with site.writer() as database:
            database.execute("UPDATE outbox SET due_at = 1, created_at = "
                             "created_at - 3600000")
        counts, done = self.sweep(site)
        self.assertEqual(counts, (0, 0, 1))
        self.assertIn(b"event=mail-given-up mail=%s" %
                      first.split()[0].encode(), done.stderr)
        self.assertEqual(self.waiting(site), [])
        for letter in sealed:
            self.assertFalse(self.is_stored(site, letter))

    def test_refused(self):
        """an address that the server refuses for good is not tried again"""
        site = self.mailing()
        self.ask(site, send_request_to_email="them@example.org")
        self.sink.answers["RCPT"] = "550 nobody of that name"
        counts, done = self.sweep(site)
        self.assertIn(b"event=mail-given-up mail=1 tries=1 status=65",
                      done.stderr)
        self.assertEqual(counts, (0, 0, 1))
        self.assertEqual(self.waiting(site), [])

    def test_hangs(self):
        """a mail server that does not answer: sendmail is ended in time, and
        other sweepers erase meanwhile"""
        site = self.mailing(mail_timeout="3s")
        self.sink.answers["MAIL"] = None
        for _ in range(3):
            self.ask(site, send_request_to_email="them@example.org")
        sweeper = subprocess.Popen(
            [SWEEP, "-v", "-c", site.conf_file], env=clean_environment(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            wait_until(lambda: self.sink.connections, "msmtp to connect")
            done = site.sweep("-v")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(b"expired: 0", done.stdout)
            self.assertIn(b"another process hands over mail", done.stdout)
            self.assertIsNone(sweeper.poll())
        finally:
            output, errors = sweeper.communicate(timeout=60)
        self.assertEqual(sweeper.returncode, 0, errors)
        # The others were not even tried.
        self.assertIn(b"to be tried again: 1,", output)
        self.assertIn(b"reason=timeout", errors)
        self.assertEqual(self.sink.connections, 1)
        self.sink.answers.clear()
        self.assertEqual(self.sweep(site)[0], (2, 0, 0))
        self.due(site)
        self.assertEqual(self.sweep(site)[0], (1, 0, 0))

    def test_bad_words(self):
        """templates that are none: nothing is sent, the sweeper says why"""
        site = self.mailing()
        self.ask(site, send_request_to_email="them@example.org")
        site.configure(mail_templates=site.directory)
        done = site.sweep()
        self.assertEqual(done.returncode, os.EX_CONFIG)
        self.assertIn(b"/en/request.txt: No such file", done.stderr)
        self.assertEqual(site.ctl(
            "mail", "test", "us@example.org").returncode, os.EX_CONFIG)
        site.configure(mail_templates=os.path.join(
            site.srcdir, "conf", "mail"))
        self.assertEqual(self.sweep(site)[0], (1, 0, 0))

    def test_test(self):
        """oncelinkctl mail test"""
        site = self.mailing()
        done = site.ctl("mail", "test", "us@example.org")
        self.assertEqual(done.returncode, 0, done.stderr)
        _, recipients, mail = self.last_mail(1)
        self.assertEqual(recipients, ["us@example.org"])
        self.assertEqual(mail["Subject"], "Oncelink: a test")
        for bad in ("us", "us@example.org,them@example.org", "us@b\n"):
            self.assertEqual(site.ctl("mail", "test", bad).returncode,
                             os.EX_USAGE)
        self.script(site, "exit 75")
        done = site.ctl("mail", "test", "us@example.org")
        self.assertEqual(done.returncode, os.EX_TEMPFAIL)
        self.assertIn(b"status 75", done.stderr)
        site.configure(sendmail="/nonexistent/sendmail")
        done = site.ctl("mail", "test", "us@example.org")
        self.assertEqual(done.returncode, os.EX_TEMPFAIL)
        self.assertIn(b"No such file", done.stderr)
        self.assertEqual(len(self.sink.mails), 1)

    def test_check(self):
        """oncelinkctl check: what mail needs"""
        site = self.mailing()

        def found():
            return [line for line in site.ctl(
                "check").stdout.decode().splitlines() if "mail" in line]
        (line,) = found()
        self.assertRegex(line, r"^ok\b.*/sendmail and the words are there")
        site.configure(sendmail="/nonexistent/sendmail")
        (line,) = found()
        self.assertRegex(line, r"^warning\b.*/nonexistent/sendmail cannot "
                         r"be run \(No such file")
        site.configure(sendmail="/bin/true", mail_language="sv",
                       mail_templates=site.directory)
        for line in found():
            self.assertRegex(line, r"^error\b.*/sv/[a-z]*\.txt: No such")
        self.assertEqual(len(found()), 3)
        site.configure(site_url=None)
        self.assertEqual(found(), [])

    def test_limit(self):
        """a request for three, filled in by 64 at once: three secrets, three
        mails"""
        site = self.mailing()
        request = self.ask(site, limit=3, send_to_email="us@example.org")
        answers = in_threads(64, lambda number: self.fill(
            site, request, "ZGVm"))
        statuses = [answer.status for answer in answers]
        self.assertEqual((statuses.count(201), statuses.count(404)), (3, 61))
        page = self.call(site, "GET", "/api/secrets").json()
        self.assertEqual(len(page["data"]), 3)
        self.assertEqual(page["metadata"]["secrets_usage"], 3)
        self.assertEqual(self.sweep(site)[0], (3, 0, 0))
        self.assertEqual(len({answer.json()["id"] for answer in answers
                              if answer.status == 201}), 3)

    def test_deleted(self):
        """mail about what is deleted is not sent"""
        site = self.mailing()
        request = self.ask(site, limit=2, send_to_email="us@example.org",
                           send_request_to_email="them@example.org")
        secret = self.fill(site, request, "ZGVm").json()["id"]
        self.assertEqual(len(self.waiting(site)), 2)
        uuid = request.hex()
        uuid = "-".join((uuid[:8], uuid[8:12], uuid[12:16], uuid[16:20],
                         uuid[20:]))
        self.assertStatus(self.call(
            site, "DELETE", "/api/secret_requests/" + uuid), 200)
        self.assertEqual(len(self.waiting(site)), 1)
        token = base64.urlsafe_b64decode(secret + "==")
        self.assertStatus(self.call(
            site, "DELETE", "/api/secrets/" + base62(token)), 200)
        self.assertEqual(self.waiting(site), [])
        self.assertEqual(self.sweep(site)[0], (0, 0, 0))


if __name__ == "__main__":
    main()
