#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Programs that look at a link before its reader does, many at once, before
every web server that conf/ has something for: previews, scanners of mail,
crawlers, browsers that fetch in advance.  Nothing that waits is changed by
them, and whoever has the link then gets it as often as it was made for."""

import base64
import collections
import json
import os
import string
import sys
import threading
import urllib.parse

from attack import Attack

from oncelink_server import KINDS, server_class
from oncelink_site import SRCDIR, Site
from oncelink_test import in_threads
from oncelink_wire import (
    JSON_TYPE, Broken, b64u, native_members, native_opening, quote,
    random_envelope, random_id, safesecrets_path, unbase62,
)

CLIENTS = 8

# Nobody waits for a turn at Argon2id here, or is somebody who made enough.
SETTINGS = {"client_secrets": "0", "client_bytes": "0"}

# What may not differ after a look: whole rows of these, record and all.
TABLES = ("secret", "record", "claim", "listing", "view", "secret_request")

# Who looks.
AGENTS = (
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "facebookexternalhit/1.1"
    " (+http://www.facebook.com/externalhit_uatext.php)",
    "WhatsApp/2.23.20.0", "TelegramBot (like TwitterBot)", "Twitterbot/1.0",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient"
    " +http://www.linkedin.com)",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
    "Microsoft Office Existence Discovery",
    "Microsoft Office Protocol Discovery",
    "Mozilla/5.0 (compatible; Googlebot/2.1;"
    " +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Iframely/1.3.1 (+https://iframely.com/docs/about)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/126.0.0.0 Safari/537.36",
    "python-requests/2.31.0", "", None)

# How browsers say that nobody asked for it yet.
MARKS = (
    {"Sec-Purpose": "prefetch"}, {"Sec-Purpose": "prefetch;prerender"},
    {"Sec-Purpose": "prefetch;anonymous-client-ip"},
    {"Sec-Purpose": "prefetch", "Purpose": "prefetch"},
    {"Purpose": "prefetch"}, {"Purpose": "preview"},
    {"X-Purpose": "preview"}, {"X-Purpose": "Prefetch"},
    {"X-Moz": "prefetch"},
    # What others say beside it takes nothing back.
    {"Sec-Purpose": "navigate", "X-Moz": "prefetch"},
    {"Purpose": "", "X-Purpose": "preview"},
    {"Sec-Purpose": ("navigate", "prefetch")},
    {"X-Moz": ("", "prefetch")})

# What else they ask with.
MANNERS = (
    {}, {}, {"Range": "bytes=0-524287"}, {"Range": "bytes=0-0"},
    {"If-None-Match": '"0-0"'}, {"If-None-Match": "*"},
    {"If-Modified-Since": "Tue, 01 Jan 2030 00:00:00 GMT"},
    {"Accept-Encoding": "gzip, deflate, br"}, {"Accept": "image/*"},
    {"Cache-Control": "max-age=3600"}, {"Cache-Control": "only-if-cached"},
    {"X-HTTP-Method-Override": "POST"})

# What a page is answered with, and what a call that takes other methods.
SHOWN = (200, 206, 302, 304)
REFUSED = (400, 403, 404, 405, 501)

attack = Attack("previews")
looked = attack.row("7", "looks at links before their readers: nothing is"
                    " consumed")
opened = attack.row("1, 7", "links that then gave what they had as often as"
                    " they should, and no more")


class Look:
    """A request of somebody who is not the reader, and how it may be
    answered.  mark: how it says that it is in advance (True: in any way;
    False: it may or may not; None: it does not, which has another answer)."""

    def __init__(self, method, path, statuses, body=None, headers=None,
                 mark=False):
        self.method, self.path, self.statuses = method, path, statuses
        self.body, self.headers = body, headers or {}
        self.mark = mark

    def dressed(self, random):
        """Headers as one of many sends them."""
        headers = {"User-Agent": random.choice(AGENTS)}
        if self.method in ("GET", "HEAD"):
            headers.update(random.choice(MANNERS))
        if isinstance(self.mark, dict):
            headers.update(self.mark)
        elif self.mark or (self.mark is False and random.random() < 0.5):
            headers.update(random.choice(MARKS))
        headers.update(self.headers)
        # As HTTP/2 has them.
        if random.random() < 0.3:
            headers = {name.lower(): headers[name] for name in headers}
        return headers


def of_page(path, headers=None):
    return [Look(method, path, SHOWN, headers=headers)
            for method in ("GET", "HEAD")]


def of_call(path, body):
    """A call that something else than POST must not do."""
    typed = {"Content-Type": JSON_TYPE}
    return [
        Look("GET", path, REFUSED, mark=None),
        Look("GET", path, REFUSED + (503,), mark=True),
        Look("GET", path, REFUSED, body, typed, mark=None),
        Look("HEAD", path, (405,)),
        Look("OPTIONS", path, (204,)),
        Look("PROPFIND", path, REFUSED),
        Look("PUT", path, REFUSED, body, typed)]


def of_reading(path, headers=None, marks=(True,)):
    """A GET that reads, but for who only looks."""
    return [Look("GET", path, (503,), None, headers, mark)
            for mark in marks] + [
        Look("HEAD", path, (405,), headers=headers),
        Look("OPTIONS", path, (204,), headers=headers),
        Look("PROPFIND", path, REFUSED, headers=headers),
        Look("PUT", path, REFUSED, b"{}", headers)]


def of_peek(call, **members):
    """What a page asks before anybody clicked."""
    return [Look("POST", "/api/v2/" + call, (200,),
                 json.dumps(native_members(members)).encode(),
                 {"Content-Type": JSON_TYPE})]


def made(answer, *names):
    """A member of the answer to a creation."""
    if answer.status not in (200, 201):
        raise AssertionError("nothing was made: %r" % answer)
    value = answer.json() if names else None
    for name in names:
        value = value[name]
    return value


# What waits.

class Waiting:
    """Something behind a link.

    word     bytes of it that nobody may see who only looks
    views    how often it is given out
    token    what our own interface knows it by
    """

    views = 1
    proof = {}
    attempts = None

    def __init__(self, site, random, keys):
        self.site, self.random = site, random
        self.private, self.public = keys
        self.word = self.text(40).encode()
        self.make()

    def text(self, size):
        return "".join(self.random.choices(
            string.ascii_letters + string.digits, k=size))

    def make(self):
        raise NotImplementedError

    def looks(self):
        return (of_peek("secrets/peek", id=self.token)
                + of_peek("secrets/peek", id=self.token, claim=random_id())
                + of_call("/api/v2/secrets/open", native_opening(
                    self.token, random_id(), **self.proof)))

    def open(self):
        """As the reader does who has the link; its own way or ours."""
        if self.random.random() < 0.5:
            return self.site.native("secrets/open", id=self.token,
                                    claim=random_id(), **self.proof)
        return self.open_here()

    def open_here(self):
        raise NotImplementedError

    def gives(self, answer):
        return answer.status == 200 and self.word in answer.body

    def waits(self):
        """What there is to it, as our own page asks; empty, or how it is not
        what it was."""
        answer = self.site.native("secrets/peek", id=self.token)
        if answer.status != 200:
            return "%r" % answer
        said = answer.json()
        if self.attempts is None:
            self.attempts = said["attempts_left"]
        if (said["views_left"], said["attempts_left"]) != (
                self.views, self.attempts):
            return "%r" % said
        return ""


class SafeSecrets(Waiting):

    def make(self):
        self.pin = "".join(self.random.choices(
            string.ascii_letters + "/%+ #?.&=:@\xe9", k=5))
        self.key = made(self.site.safesecrets_create(
            self.word.decode(), self.pin), "key")
        self.token = bytes.fromhex(self.key.replace("-", ""))
        self.proof = {"pin": self.pin}

    def looks(self):
        path = safesecrets_path(self.key, self.pin)
        looks = super().looks() + of_reading(
            path, marks=MARKS) + of_reading(path + "?utm_source=mail"
            ) + of_reading(safesecrets_path(self.key, "wrong"))
        for page in ("/message/" + self.key, "/message/" + self.key + "/"):
            looks += of_page(page)
        # As programs cut links out of text.
        for cut in (safesecrets_path(self.key, self.pin[:-1]), path + ".",
                    path + "%3E", path + "/", path.rpartition("/")[0],
                    path.rpartition("/")[0] + "/",
                    safesecrets_path(self.key[:-1], self.pin)):
            looks += [Look("GET", cut, (400, 404), mark=None),
                      Look("HEAD", cut, (400, 404, 405))]
        return looks

    def open_here(self):
        return self.site.safesecrets_open(self.key, self.pin)


class OneTime(Waiting):

    def make(self):
        self.passphrase = self.text(12)
        self.key = made(self.site.onetime_create(
            self.word.decode(), self.passphrase), "id")
        self.token = bytes.fromhex(self.key)
        self.proof = {"pin": self.passphrase}

    def looks(self):
        body = json.dumps({"passphrase": self.passphrase}).encode()
        looks = super().looks()
        for place in ("/secrets/", "/api/secrets/"):
            looks += of_call(place + self.key, body)
            looks += of_call(place + self.key + "?passphrase="
                             + self.passphrase, body)
            # A form that nobody filled in.
            looks += [Look("POST", place + self.key, (400,), b"",
                           {"Content-Type": JSON_TYPE})]
        return looks

    def open_here(self):
        return self.site.onetime_open(self.key, self.passphrase)


class PasswordLink(Waiting):

    sealed = None

    def make(self):
        if self.sealed is None:
            with open(os.path.join(SRCDIR, "tests", "vectors", "sjcl.json"),
                      "rb") as file:
                PasswordLink.sealed = json.load(file)[0]["ciphertext"]
        self.word = base64.b64encode(self.text(18).encode())
        self.password = self.random.choice([None, self.text(9) + "\xe9+/%"])
        self.views = self.random.choice([1, 1, 3])
        self.key = made(self.site.post("/api/secrets", {
            "ciphertext": self.sealed, "max_views": self.views,
            "password_part_private": self.word.decode(),
            "message": "a note", "password": self.password,
            "view_button": self.random.random() < 0.5}, self.private),
            "data", "id")
        self.token = unbase62(self.key)
        self.proof = {"pin": self.password}
        self.headers = {**self.public, **({} if self.password is None else {
            "X-Secret-Password": quote(self.password)})}

    def looks(self):
        path = "/api/secrets/" + self.key
        looks = super().looks() + of_reading(
            path, self.headers, MARKS) + of_reading(
            path, {**self.public, "X-Secret-Password": "wrong"})
        # Who has no key, or not the whole link.
        looks += [Look("GET", path, (403,), mark=None),
                  Look("GET", path[:-1], (404,), None, self.headers, None)]
        if self.password is not None:
            looks += [Look("GET", path, (403,), None, self.public, None)]
        for page in ("/" + self.key, "/" + self.key + "/", "/?" + self.key,
                     "/?%s&utm_source=mail" % self.key,
                     "/read/?" + self.key):
            looks += of_page(page)
        # It is listed while it waits, and says who saw it.
        return looks + of_page("/api/secrets", self.private)

    def open_here(self):
        return self.site.request("GET", "/api/secrets/" + self.key,
                                 headers=self.headers)

    def waits(self):
        rows = self.site.request("GET", "/api/secrets",
                                 headers=self.private).json()["data"]
        mine = [row for row in rows if row["id"] == self.key]
        if len(mine) != 1 or mine[0]["view_times"] or mine[0]["views"]:
            return "%r" % mine
        return super().waits()


class Native(Waiting):

    def make(self):
        self.token, self.receipt = random_id(), random_id()
        self.word = random_envelope()
        self.views = self.random.choice([1, 1, 2])
        self.proof = {"gate": self.random.choice([None, os.urandom(32)])}
        made(self.site.native_create(
            self.token, self.receipt, self.word, views=self.views,
            **self.proof))

    def looks(self):
        looks = super().looks() + of_peek("receipts/peek",
                                          receipt=self.receipt)
        # Fragments stay with who has them, but not with all.
        for page in ("/read/", "/read/?utm_source=mail", "/read/index.html",
                     "/receipt/", "/js/read.js", "/api/v2/params"):
            looks += of_page(page)
        looks += [Look("GET", "/read/%23" + b64u(random_id()), (404,))]
        for call, members in (("ack", {"claim": random_id()}), ("knock", {})):
            looks += of_call("/api/v2/secrets/" + call, json.dumps(
                native_members({"id": self.token, **members})).encode())
        return looks + of_call("/api/v2/receipts/burn", json.dumps(
            {"receipt": b64u(self.receipt)}).encode())

    def open_here(self):
        return self.site.native("secrets/open", id=self.token,
                                claim=random_id(), **self.proof)

    def waits(self):
        said = self.site.native("receipts/peek", receipt=self.receipt).json()
        if (said.get("state"), said.get("knocks"), said.get("views_left")
                ) != ("waiting", 0, self.views):
            return "%r" % said
        return super().waits()


class SecretRequest(Waiting):
    """Not a secret yet: a link by which somebody may hand in one."""

    def make(self):
        self.word = self.text(40).encode()
        self.key = made(self.site.post("/api/secret_requests", {
            "message": "which one?", "description": self.word.decode()},
            self.private), "data", "id")
        self.token = bytes.fromhex(self.key.replace("-", ""))

    def filling(self):
        return {"id": b64u(self.token), "ciphertext": PasswordLink.sealed,
                "password_part_private": base64.b64encode(
                    self.text(18).encode()).decode()}

    def looks(self):
        looks = of_peek("requests/peek", id=self.token) + of_call(
            "/api/v2/requests/fill", json.dumps(self.filling()).encode())
        for page in ("/req/" + self.key, "/req/" + self.key + "/",
                     "/request/"):
            looks += of_page(page)
        return looks + [Look("HEAD", "/api/secret_requests", (200,), None,
                             self.private)]

    def open(self):
        return self.site.post("/api/v2/requests/fill", self.filling())

    def gives(self, answer):
        return answer.status == 201

    def waits(self):
        answer = self.site.native("requests/peek", id=self.token)
        if answer.status != 200 or answer.json()["uses_left"] != 1:
            return "%r" % answer
        return ""


FACES = (SafeSecrets, OneTime, PasswordLink, Native, SecretRequest)


# Looking, and what is left then.

class Crowd:
    """Who look at one site."""

    def __init__(self, site, random):
        self.site, self.random = site, random
        self.answers = collections.Counter()
        self.mutex = threading.Lock()

    def ask(self, what, *arguments, **options):
        """The answer, or None."""
        try:
            answer = self.site.request(*arguments, **options)
        except (Broken, OSError) as failure:
            looked.broke("%s was not answered: %r" % (what, failure))
            return None
        with self.mutex:
            looked.tried += 1
            self.answers[answer.status] += 1
        return answer

    def look(self, one, look, random):
        what = "%s, %s: %s%s" % (
            self.site.kind, type(one).__name__,
            "marked " if look.mark else "", look.method)
        answer = self.ask(what, look.method, look.path, look.body,
                          look.dressed(random))
        if answer is None:
            return
        # A web server's own 503 says nothing of what the worker did.
        if answer.status not in look.statuses or (
                look.statuses == (503,) and b"uses a secret up"
                not in answer.body):
            looked.broke("%s %s: %r" % (what, look.path, answer))
        elif one.word in answer.body:
            looked.broke("%s %s shows it" % (what, look.path))
        elif answer.status == 302:
            self.follow(one, answer, what)

    def follow(self, one, answer, what):
        """To the page, as all of them do; the fragment stays behind."""
        target = urllib.parse.urlsplit(answer.headers["location"])
        answer = self.ask(what, "GET", urllib.parse.urlunsplit(
            ("", "", target.path, target.query, "")), whole=True)
        if answer is not None and (
                answer.status != 200 or one.word in answer.body):
            looked.broke("%s: %s: %r" % (what, target.path, answer))

    def look_at(self, waiting, times):
        """Each look at each of them, so many times, in any order and many at
        once."""
        looks = [(one, look) for one in waiting for look in one.looks()]
        looks *= times
        self.random.shuffle(looks)
        seeds = [type(self.random)(self.random.getrandbits(64))
                 for _ in range(CLIENTS)]

        def client(number):
            for one, look in looks[number::CLIENTS]:
                self.look(one, look, seeds[number])
        in_threads(CLIENTS, client)


def rows_of(site):
    with site.reader() as database:
        return {table: sorted(database.execute("SELECT * FROM " + table))
                for table in TABLES}


def judge_rows(site, before):
    for table, after in rows_of(site).items():
        if after != before[table]:
            changed = set(before[table]).symmetric_difference(after)
            looked.broke("%s: %d rows of %s before and after are not the same"
                         % (site.kind, len(changed), table))


def judge_opening(one):
    """It is given to its readers, and to nobody behind them."""
    answers = [one.open() for _ in range(one.views + 1)]
    opened.tried += 1
    if ([one.gives(answer) for answer in answers]
            != [True] * one.views + [False]):
        opened.broke("%s, %s, of %d views: %r" % (
            one.site.kind, type(one).__name__, one.views, answers))
    elif answers[-1].status not in (400, 404, 410):
        opened.broke("%s, %s: afterwards %r" % (
            one.site.kind, type(one).__name__, answers[-1]))


def go_through(site, random, keys, times):
    waiting = [face(site, random, keys) for face in FACES]
    for one in waiting:
        # How many tries there are is asked before the first look.
        if one.waits():
            looked.broke("%s, %s: %s before it was looked at" % (
                site.kind, type(one).__name__, one.waits()))
    before = rows_of(site)
    crowd = Crowd(site, random)
    crowd.look_at(waiting, times)
    judge_rows(site, before)
    for one in waiting:
        changed = one.waits()
        if changed:
            looked.broke("%s, %s: %s" % (site.kind, type(one).__name__,
                                         changed))
        judge_opening(one)
    # What is a change is seen.
    if any(before[table] == after for table, after in rows_of(site).items()
           if table in ("secret", "record", "view", "secret_request")):
        looked.broke("%s: who opened everything changed nothing" % site.kind)
    return crowd.answers


def plan(random):
    """[(kind of web server, how many looks at least, how often each in a
    row)]: of all, or of one of each family that keeps its workers.  Plain CGI
    starts a program for each."""
    looks, times = attack.size(1, 2000, 90000), attack.size(1, 4, 10)
    families = collections.defaultdict(list)
    found = []
    for kind in KINDS:
        server = server_class(kind)
        if "cgid" in getattr(server, "modules", ()):
            found.append((kind, looks // 6, 1))
        else:
            found.append((kind, looks, times))
            families[server.family].append(found[-1])
    if looks > 1:
        return found
    return [random.choice(members) for members in families.values()]


def go_through_all(kind, random, looks, times):
    site = Site(kind, conf="shipped", settings=SETTINGS)
    answers = collections.Counter()
    try:
        keys = site.api_keys("team")
        while True:
            answers += go_through(site, random, keys, times)
            if (sum(answers.values()) >= looks or looked.violations
                    or opened.violations):
                break
    finally:
        try:
            site.close()
        except AssertionError as failure:
            looked.broke("%s: %s" % (kind, failure))
    attack.note("%s: %s" % (kind, ", ".join(
        "%d %d times" % one for one in sorted(answers.items()))))


def main():
    random = attack.seed()
    for kind, looks, times in plan(random):
        go_through_all(kind, random, looks, times)
    return attack.end()


if __name__ == "__main__":
    sys.exit(main())
