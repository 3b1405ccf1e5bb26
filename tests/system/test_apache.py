# SPDX-License-Identifier: ISC
"""What is special about Apache: how mod_fcgid and mod_cgid treat requests and
workers, and what users of shared hosting put up themselves."""

import contextlib
import os
import re
import select
import shutil
import signal

from oncelink_broken import broken_worker
from oncelink_canary import Canaries, files_with
from oncelink_faces import REFUSED_CALLS, Refused
from oncelink_hostile import unread
from oncelink_site import wait_until
from oncelink_test import SiteTest, main
from oncelink_wire import (
    FRAME_TYPE, JSON_TYPE, Broken, http_bytes, native_creation, parse_http,
    random_envelope, random_id, read_to_end, safesecrets_path,
)

BODY = b'{"message":"m","exp":60,"pin":"12345"}'


def lines(name):
    with contextlib.suppress(FileNotFoundError):
        with open(name, "rb") as file:
            return file.read().splitlines()
    return []


def named(site, name):
    """Those of the web server's processes that have this name."""
    found = []
    for member in site.web.members():
        with contextlib.suppress(OSError):
            with open("/proc/%d/comm" % member, encoding="ascii") as file:
                if file.read().strip() == name:
                    found.append(member)
    return found


class ApacheTest(SiteTest):

    def open_site(self, kind="apache", **options):
        return self.site(kind, conf="shipped", **options)

    def ask(self, site, raw):
        """Send these bytes; the answer, or None when it is not whole."""
        with contextlib.closing(site.connect()) as connection:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(raw)
            try:
                return parse_http(read_to_end(connection))
            except Broken:
                return None

    def error_log(self, site):
        with open(os.path.join(site.server.log_directory(), "apache2",
                               "error.log"), encoding="utf-8") as file:
            return file.read()


class Sent(ApacheTest):
    """A request would use a secret up, were it sent twice."""

    def test_killed_idle(self):
        """a worker that was killed while it had nothing to do costs
        nobody anything"""
        site = self.open_site()
        for _ in range(3):
            key = site.safesecrets_create("text").json()["key"]
            for member in named(site, "oncelink.fcgi"):
                os.kill(member, signal.SIGKILL)
            answer = site.safesecrets_open(key)
            if answer.status == 500:
                # It was still dying, and took the connection with it.
                wait_until(lambda: not named(site, "oncelink.fcgi"),
                           "the workers to die")
                answer = site.safesecrets_open(key)
            self.assertStatus(answer, 200)
            self.assertEqual(answer.json()["message"], "text")
            self.assertStatus(site.safesecrets_open(key), 400)

    def in_flight(self, number, ends):
        """A request that is in the worker while Apache gets a signal, and,
        when Apache ends it too, the worker."""
        site = self.open_site(start=False)
        # One more, whose end tells that the worker got its signal.
        site.server.threads = "2"
        site.start()
        with contextlib.closing(site.connect()) as connection:
            with site.write_lock():
                connection.sendall(http_bytes(
                    "POST", "/api/v1/message", BODY,
                    {"Content-Type": JSON_TYPE}))
                lock = os.path.join(site.state, "write.lock")
                wait_until(lambda: self.waits_for(lock),
                           "the worker to wait for the lock")
                before = self.threads(site)
                site.web.signal(number)
                wait_until(lambda: "AH00" in self.error_log(site)
                           .partition("resuming")[2].partition("AH00094")[2],
                           "Apache to act on it")
                if ends:
                    wait_until(lambda: self.threads(site) < before,
                               "the worker to be told")
            answer = parse_http(read_to_end(connection))
        self.assertStatus(answer, 201)
        return site, answer.json()["key"]

    def threads(self, site):
        """How many have its workers?"""
        return sum(len(os.listdir("/proc/%d/task" % member))
                   for member in named(site, "oncelink.fcgi"))

    def waits_for(self, path):
        """Does anybody wait for the lock on this file?"""
        inode = ":%d " % os.stat(path).st_ino
        with open("/proc/locks", encoding="ascii") as file:
            return any("->" in line and inode in line for line in file)

    def test_graceful(self):
        """a graceful restart or stop lets a worker finish"""
        site, key = self.in_flight(signal.SIGUSR1, True)
        self.assertStatus(site.safesecrets_open(key), 200)
        site, key = self.in_flight(signal.SIGWINCH, False)
        self.assertEqual(site.web.wait(), 0)
        wait_until(lambda: not site.web.members(), "all processes to end")


class Inherited(ApacheTest):

    def test_pipes(self):
        """a worker has none of the pipes that mod_fcgid's process manager
        works with"""
        site = self.open_site()
        self.assertStatus(site.safesecrets_create("text"), 201)
        workers = named(site, "oncelink.fcgi")
        self.assertTrue(workers)
        for worker in workers:
            directory = "/proc/%d/fd" % worker
            self.assertEqual([name for name in os.listdir(directory)
                              if int(name) > 2 and os.readlink(os.path.join(
                                  directory, name)).startswith("pipe:")], [])


class Lengths(ApacheTest):

    def test_lengths(self):
        """a body in chunks is 411, one that is too large 413, and neither
        comes to the worker in part"""
        for kind in ("apache", "apache-cgi", "shared"):
            with self.subTest(kind):
                self.lengths(self.open_site(kind))

    def lengths(self, site):
        def chunked(body):
            return http_bytes(
                "POST", "/api/v2/secrets", None, {
                    "Content-Type": FRAME_TYPE,
                    "Transfer-Encoding": "chunked"}) + body
        secret = random_id()
        body = native_creation(secret, random_id(), random_envelope(100))
        for end in (b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body),
                    b"%x\r\n%s\r\nzz\r\n" % (len(body) - 2000, body[:-2000]),
                    b"%x\r\n%s\r\n" % (len(body) - 2000, body[:-2000])):
            answer = self.ask(site, chunked(end))
            self.assertStatus(answer, 411)
        answer = site.native("secrets/peek", id=secret)
        self.assertStatus(answer, 404)
        # The largest that the worker is let to refuse itself, and the rest,
        # which Apache refuses, or the launcher.
        limit = int(re.search(r"Content-Length'\) -gt (\d+)",
                              site.server.limits())[1])
        for size in (1 << 19, limit):
            answer = site.request("POST", "/api/v1/message", b"x" * size)
            self.assertStatus(answer, 413)
            self.assertEqual(answer.json(),
                             {"error": "the request is too large"})
        answer = site.request("POST", "/api/v1/message", b"x" * (limit + 1))
        self.assertStatus(answer, 413)
        if site.kind != "shared":
            # The worker says less.
            self.assertIn(b"nothing was stored", answer.body)
        # A body that nobody asked for.
        answer = site.request("GET", "/ping", b"x" * (1 << 20))
        self.assertStatus(answer, 200)
        # Nor does a query without "=" harm, which CGI makes arguments of.
        self.assertStatus(site.request("GET", "/ping?--listen+x"), 200)

    def test_whole(self):
        """an answer goes out whole and as it is: not in ranges, not packed,
        with no header more"""
        for kind in ("apache", "apache-cgi"):
            site = self.open_site(kind)
            for _ in range(5):
                answer = site.request("GET", "/ping", headers={
                    "Range": "bytes=0-1"})
                self.assertStatus(answer, 200)
                self.assertEqual(answer.body, b"pong")
            key = site.safesecrets_create("m" * 5000).json()["key"]
            answer = site.request(
                "GET", safesecrets_path(key, "12345"), headers={
                    "Range": "bytes=0-9", "Accept-Encoding": "gzip",
                    "If-None-Match": "*"})
            self.assertStatus(answer, 200)
            self.assertEqual(answer.json()["message"], "m" * 5000)
            for name in ("vary", "content-encoding", "accept-ranges"):
                self.assertNotIn(name, answer.headers)

    def half(self, site, body):
        """Send all but the end of a creation; what temporary files there
        are when Apache has read that, and waits for the rest."""
        with contextlib.closing(site.connect()) as connection:
            connection.sendall(http_bytes(
                "POST", "/api/v2/secrets", body,
                {"Content-Type": FRAME_TYPE})[:-1])
            wait_until(lambda: not unread(connection), "Apache to read")
            return os.listdir(site.server.scratch()[0])

    def test_files(self):
        """the largest request is held in memory, and in no file"""
        body = native_creation(random_id(), random_id(),
                               b"\x02" + os.urandom((10 << 20) - 1))
        for leaky in (False, True):
            site = self.open_site(leaky=leaky)
            found = self.half(site, body)
            # Apache left to itself shows that a file would be seen.
            self.assertEqual(bool(found), leaky, found)


class InPlace(Refused, ApacheTest):
    """What Apache answers in the worker's place has the form of each
    face, for pages of other origins too."""

    def refused(self, site, status, headers):
        for method, path, face in REFUSED_CALLS:
            if method != "POST":
                continue
            with self.subTest(site.kind + site.prefix + path):
                answer = self.ask(site, http_bytes(
                    method, site.prefix + path, None,
                    {"Content-Type": JSON_TYPE, **headers}) + b"0\r\n\r\n")
                self.assertRefusal(answer, face, status, False)

    def test_length(self):
        """411 for a body in chunks, 413 for one that is too large"""
        for kind in ("apache", "apache-cgi", "shared"):
            for prefix in ("", "/once"):
                site = self.open_site(kind, prefix=prefix)
                self.refused(site, 411, {"Transfer-Encoding": "chunked"})
                # On shared hosting Apache has no limit of ours.
                if kind != "shared":
                    self.refused(site, 413, {"Content-Length": "99999999"})

    def test_worker(self):
        """5xx for a worker that dies or talks nonsense"""
        for kind in ("apache", "apache-cgi"):
            for mode in ("dies", "no head"):
                site = self.open_site(kind, prefix="/once", start=False)
                site.break_workers(broken_worker(site.directory, mode))
                site.start()
                for method, path, face in REFUSED_CALLS:
                    with self.subTest("%s %s %s" % (kind, mode, path)):
                        answer = site.request(
                            method, path, b"{}" if method == "POST"
                            else None)
                        self.assertIn(answer.status, (500, 503))
                        self.assertRefusal(answer, face, answer.status,
                                           True)

    def test_own(self):
        """a refusal of the worker's own goes out as it is"""
        site = self.open_site()
        answer = site.request("POST", "/api/v1/message", b"x" * (1 << 19))
        self.assertStatus(answer, 413)
        self.assertEqual(answer.json(),
                         {"error": "the request is too large"})


class Slow(ApacheTest):
    """A body that comes takes memory, or a process of plain CGI."""

    def hasty(self, kind):
        """A site that grants one second before it looks at the rate."""
        site = self.open_site(kind, start=False)
        install = site.server.install

        def install_hasty():
            install()
            name = os.path.join(site.server.share(), "apache", "host.conf")
            with open(name, encoding="utf-8") as file:
                text = file.read()
            self.assertIn("body=20-", text)
            with open(name, "w", encoding="utf-8") as file:
                file.write(text.replace("body=20-", "body=1-"))
        site.server.install = install_hasty
        site.start()
        return site

    def send(self, site, body, size):
        """Send ten pieces of this size a second; True when Apache cut it
        short."""
        with contextlib.closing(site.connect()) as connection:
            connection.sendall(http_bytes(
                "POST", "/api/v2/secrets", None, {
                    "Content-Type": FRAME_TYPE,
                    "Content-Length": str(len(body))}))
            sent = 0
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                while sent < len(body):
                    connection.sendall(body[sent:sent + size])
                    sent += size
                    if select.select([connection], [], [], 0.1)[0]:
                        break
                else:
                    answer = parse_http(read_to_end(connection))
                    self.assertStatus(answer, 201)
            return sent < len(body)

    def test_slow(self):
        """a body that comes at 5 kB a second is cut, one at 60 kB is not"""
        for kind in ("apache", "apache-cgi"):
            with self.subTest(kind):
                site = self.hasty(kind)
                for size, blocks, cut in ((6000, 350, False),
                                          (500, 100, True)):
                    body = native_creation(random_id(), random_id(),
                                           random_envelope(blocks))
                    self.assertEqual(self.send(site, body, size), cut, size)
                if kind == "apache-cgi":
                    wait_until(lambda: not named(site, "oncelink.fcgi"),
                               "the process to end")


class Told(ApacheTest):

    def test_status(self):
        """mod_status does not tell what others ask for"""
        shown = []
        for quiet in (True, False):
            site = self.open_site(start=False)
            write_main = site.server.write_main

            def write(rest, quiet=quiet, write_main=write_main):
                write_main(rest + (
                    '<Location "/server-status">\n'
                    "SetHandler server-status\n</Location>\n"
                    + ("" if quiet else "ExtendedStatus On\n")))
            site.server.write_main = write
            site.start()
            for _ in range(20):
                site.request("GET", "/api/v1/message/canary/canary")
            answer = site.request("GET", "/server-status")
            self.assertStatus(answer, 200)
            self.assertIn(b"Server uptime", answer.body)
            shown.append(b"canary" in answer.body)
        self.assertEqual(shown, [False, True])

    def test_levels(self):
        """what Apache denies, and a worker's header that is none, are not
        quoted"""
        site = self.open_site(start=False)
        site.break_workers(broken_worker(site.directory, "quotes"))
        site.start()
        for path in ("/css/.htcanary", "/ping?canary"):
            answer = site.request("GET", path)
            self.assertIn(answer.status, (403, 500))
        self.assertNotIn("canary", self.error_log(site))

    def test_other_log(self):
        """a log that the host has beside ours, as the manual has it, learns
        nothing of what is below our path"""
        site = self.open_site(prefix="/once", start=False)
        include = site.server.include

        def beside():
            name = site.server.site_conf()
            with open(name, encoding="utf-8") as file:
                text = file.read()
            with open(name, "w", encoding="utf-8") as file:
                file.write(text.replace("</VirtualHost>", (
                    'CustomLog "%s/other-host.log" combined env=!oncelink\n'
                    "</VirtualHost>") % site.server.log_directory()))
            return include()
        site.server.include = beside
        site.start()
        for path in ("/ping?canary", "/css/canary", "/canary/x%2Fy",
                     "/message/canary", "/api/v1/message/canary/1", "",
                     "/../once/canary", "//canary"):
            site.request("GET", "/once" + path, whole=True,
                         headers={"Referer": "http://a/canary"})
        site.request("GET", "//once/canary", whole=True)
        site.request("GET", "/%6fnce/canary", whole=True)
        site.request("POST", "/api/v2/secrets?canary", b"x" * (19 << 20))
        site.request("GET", "/elsewhere", whole=True)

        def other():
            return b"\n".join(lines(os.path.join(
                site.server.log_directory(), "other-host.log")))
        wait_until(lambda: b"elsewhere" in other(), "the other log")
        self.assertNotIn(b"canary", other())

    def test_links(self):
        """links of older services lead on without a scheme, which somebody
        in front may know better; two slashes are not one"""
        site = self.open_site()
        path = "/message/8b0b8a2e-1b1b-4c1b-8d1b-0a2e3f4a5b6c"
        answer = site.request("GET", path)
        self.assertStatus(answer, 302)
        self.assertEqual(answer.headers["location"],
                         path.replace("/message/", "/read/#m="))
        answer = site.request("GET", path.replace("ge/", "ge//"))
        self.assertStatus(answer, 404)

    def test_redirect(self):
        """on its way to https a path stays as it was sent"""
        site = self.open_site(tls=True)
        self.redirects(site)
        answer = site.request("POST", "/api/v1/message", BODY, tls=False)
        self.assertStatus(answer, 403)

    def test_redirect_of_user(self):
        """the same by the lines of .htaccess that are there for it; over
        https there is HSTS"""
        site = self.open_site("shared", start=False, tls=True)
        site.server.redirect_ourselves()
        site.start()
        self.redirects(site)
        answer = site.request("POST", "/api/v1/message", BODY, tls=False)
        self.assertStatus(answer, 403)
        key = site.safesecrets_create("text", "a/b%2").json()["key"]
        for answer in (site.safesecrets_open(key, "a/b%2"),
                       site.request("GET", "/")):
            self.assertStatus(answer, 200)
            self.assertIn("strict-transport-security", answer.headers)

    def redirects(self, site):
        for path in ("/api/v1/message/x/a%2Fb%252%3f", "/?x=%2f&y", "/a%20b",
                     "//x//", "/\xe5"):
            for host in ("site.test", "other.test"):
                answer = site.request("GET", path.encode("latin-1"),
                                      headers={"Host": host}, tls=False)
                self.assertStatus(answer, 301)
                self.assertEqual(
                    answer.headers["location"].lower().replace(
                        "%e5", "\xe5"),
                    "https://site.test" + path.lower())


class Shared(ApacheTest):

    def test_missing(self):
        """what is missing is named in the error log, and to the client
        nothing is said"""
        site = self.open_site("shared", start=False)
        site.broken = True
        site.start()
        words = site.server.words()
        launcher = os.path.join(words["HTDOCS"], "cgi-bin", "oncelink.cgi")
        with open(launcher, encoding="utf-8") as file:
            text = file.read()
        elsewhere = os.path.join(site.directory, "elsewhere")
        bad = os.path.join(site.directory, "bad.conf")
        with open(bad, "w", encoding="utf-8") as file:
            file.write("threads = many\n")
        for old, new, said in (
                (site.conf_file, elsewhere + ".conf",
                 "the settings are not there"),
                (words["WORKER"], elsewhere, "the worker is not there"),
                (words["WORKER"], site.conf_file, "cannot be run"),
                (site.conf_file, site.directory, "cannot be read"),
                (site.conf_file, bad, "threads: must be")):
            with self.subTest(said):
                with open(launcher, "w", encoding="utf-8") as file:
                    file.write(text.replace("'%s'" % old, "'%s'" % new))
                before = len(self.error_log(site))
                for answer in (
                        site.safesecrets_open("canary", "canary"),
                        site.request("POST", "/api/v1/message",
                                     b"canary" * 50000, {
                                         "Authorization": "canary"})):
                    self.assertStatus(answer, 500)
                    self.assertEqual(answer.headers["cache-control"],
                                     "no-store")
                    self.assertNotIn(b"/", answer.body)
                found = self.error_log(site)[before:]
                self.assertEqual(found.count(said), 2, found)
                self.assertIn(new, found)
                self.assertNotIn("canary", found)

    def test_document_root(self):
        """secrets below the document root are not served"""
        site = self.open_site("shared", start=False)
        place = os.path.join(site.server.document_root(), "state")
        os.makedirs(place)
        os.rmdir(place)
        shutil.move(site.state, place)
        site.configure(state_dir=place)
        site.broken = True
        site.start()
        self.assertStatus(site.request("GET", "/ping"), 500)
        self.assertIn("document-root", self.error_log(site))

    def test_slashes(self):
        """a hoster's AllowEncodedSlashes Off: a PIN with a slash is 404, and
        costs the secret nothing"""
        site = self.open_site("shared", start=False)
        site.server.slashes = "Off"
        site.start()
        key = site.safesecrets_create("text", "a/b%2").json()["key"]
        for _ in range(5):
            self.assertStatus(site.safesecrets_open(key, "a/b%2"), 404)
        key = site.safesecrets_create("text", "+ #?&").json()["key"]
        self.assertStatus(site.safesecrets_open(key, "+ #?&"), 200)

    def test_hosters_log(self):
        """with faces = native, and only then, a hoster's log and files may
        have everything that Apache puts there"""
        for faces, path in (("native", None), ("safesecrets", "path")):
            site = self.open_site("shared", settings={"faces": faces})
            canaries = Canaries()
            secret, receipt, claim, gate = (
                canaries.raw(what, size) for what, size in (
                    ("id", 16), ("receipt", 16), ("claim", 16),
                    ("gate", 32)))
            calls = [
                lambda: site.native_create(
                    secret, receipt, random_envelope(3000), gate=gate),
                lambda: site.native("secrets/peek", id=secret),
                lambda: site.native("secrets/open", id=secret, claim=claim,
                                    gate=random_id() * 2),
                lambda: site.native("secrets/open", id=secret, claim=claim,
                                    gate=gate),
                lambda: site.native("secrets/ack", id=secret, claim=claim),
                lambda: site.native("receipts/peek", receipt=receipt)]
            if path is None:
                self.assertEqual([call().status for call in calls],
                                 [201, 200, 403, 200, 204, 200])
            else:
                pin = canaries.pin("PIN")
                site.configure(pin_size=str(len(pin)))
                self.assertStatus(
                    site.safesecrets_create("text", pin), 201)
                site.safesecrets_open(random_id().hex(), pin)
            site.web.end()
            self.assertGreater(len(lines(site.server.access_log())), 1)
            found = files_with(canaries, *site.server.logs(),
                               *site.server.scratch())
            self.assertEqual(bool(found), path is not None, found)

    def test_fastcgi(self):
        """the launcher as oncelink.fcgi, where mod_fcgid takes that suffix"""
        site = self.open_site("shared", start=False)
        server = site.server
        server.modules = ("fcgid", "rewrite")
        put = server.put

        def put_fcgi(place):
            put(place)
            os.rename(os.path.join(place, "cgi-bin", "oncelink.cgi"),
                      os.path.join(place, "cgi-bin", "oncelink.fcgi"))
            name = os.path.join(place, ".htaccess")
            with open(name, encoding="utf-8") as file:
                text = file.read()
            with open(name, "w", encoding="utf-8") as file:
                file.write(text.replace("oncelink.cgi", "oncelink.fcgi")
                           .replace("cgi-script .cgi",
                                    "fcgid-script .fcgi"))
        server.put = put_fcgi
        site.start()
        for pin in ("12345", "a/b%2"):
            key = site.safesecrets_create("text", pin).json()["key"]
            self.assertStatus(site.safesecrets_open(key, pin), 200)
        self.assertEqual(
            self.error_log(site).count("event=worker-started"), 1)


if __name__ == "__main__":
    main()
