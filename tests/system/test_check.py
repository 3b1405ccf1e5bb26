# SPDX-License-Identifier: ISC
"""oncelinkctl check: a good site is found good, and each fault that is planted
in it is named; nothing is left behind, nobody is held up."""

import contextlib
import os
import random
import re
import shutil
import tempfile
import threading
import time

from oncelink_check import CheckTest
from oncelink_server import SERVER_NAME
from oncelink_site import (
    BUILDDIR, CTL, SRCDIR, Process, become, run, wait_until, without_counts,
)
from oncelink_test import in_threads, kinds, main, note, scaled
from oncelink_wire import (
    FRAME_TYPE, JSON_TYPE, native_creation, native_opening, random_envelope,
    random_id, random_text,
)

EX_USAGE = 64


class Local(CheckTest):
    """The site as it lies there."""

    def names(self, site, plant, *words, severity="error"):
        """The fault is named while it is there, and only then."""
        self.assertGood(site)
        with plant:
            self.assertNamed(site, severity, words)
        self.assertGood(site)

    @contextlib.contextmanager
    def mode(self, path, mode):
        before = os.stat(path).st_mode & 0o7777
        os.chmod(path, mode)
        yield
        os.chmod(path, before)

    def test_good(self):
        """a good site: every part is looked at, and nothing is left of it"""
        site = self.earnest_site(server=None, start=False)
        before = self.stored(site)
        whats = [text.split(":")[0] for _, text in self.assertGood(site)]
        self.assertEqual(whats, [
            "settings", "state directory", "key file", "file system",
            "settings", "database", "clock", "sweeper", "keys of days",
            "a secret"])
        self.assertEqual(self.stored(site), before)
        with site.reader() as database:
            self.assertEqual(database.execute(
                "SELECT count(*) FROM secret").fetchone(), (0,))

    def test_open_to_others(self):
        """files and directories that others may read or replace"""
        site = self.earnest_site(server=None, start=False)
        copy = os.path.join(site.keys, "server.key.old")
        extra = os.path.join(site.state, "notes")
        days = os.path.join(site.state, "keys")
        lock = os.path.join(days, "lock")
        for path in (copy, extra):
            shutil.copy(site.key_file, path)
            os.chmod(path, 0o600)
        for path, mode, words in (
                (site.state, 0o755, ("state directory", "0755", "chmod 700")),
                (site.database, 0o640, ("oncelink.db", "0640", "chmod 600")),
                (extra, 0o644, (extra, "0644", "chmod 600")),
                (days, 0o750, ("state directory", days, "chmod 700")),
                (lock, 0o640, (lock, "0640", "chmod 600")),
                (site.keys, 0o750, ("key file", "0750", "chmod 700")),
                (site.key_file, 0o604, (site.key_file, "0604", "chmod 600")),
                (copy, 0o644, (copy, "chmod 600")),
                (site.conf_file, 0o664, (site.conf_file, "chmod go-w")),
                (site.directory, 0o777, ("everybody may write",
                                         "chmod o-w"))):
            with self.subTest("%s %o" % (os.path.basename(path), mode)):
                self.names(site, self.mode(path, mode), *words)

    def test_strange_file(self):
        """what is no file of ours in the state directory"""
        site = self.earnest_site(server=None, start=False)

        @contextlib.contextmanager
        def link():
            path = os.path.join(site.state, "oncelink.db-copy")
            os.symlink(site.conf_file, path)
            yield
            os.unlink(path)
        self.names(site, link(), "oncelink.db-copy", "not a regular file")

    def moved(self, site, **places):
        """The state or the key somewhere else, as the settings say."""
        @contextlib.contextmanager
        def plant():
            before = {name: site.settings[name] for name in places}
            for name, path in places.items():
                os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
                shutil.move(before[name], path)
            site.configure(**places)
            yield
            for name, path in places.items():
                shutil.move(path, before[name])
            site.configure(**before)
        return plant()

    def test_places(self):
        """the key beside the database, or both where web servers look"""
        site = self.earnest_site(server=None, start=False)
        web = os.path.join(site.directory, "public_html")
        with self.subTest("the key with the database"):
            self.names(site, self.moved(site, key_file=os.path.join(
                site.state, "server.key")), "lies with the database")
        with self.subTest("the key in public_html"):
            self.names(site, self.moved(site, key_file=os.path.join(
                web, "keys", "server.key")), "key file", "`public_html'")
        with self.subTest("the state in public_html"):
            self.names(site, self.moved(site, state_dir=os.path.join(
                web, "state")), "state directory", "`public_html'")

    def test_memory(self):
        """a state directory in memory is said to be"""
        site = self.earnest_site(server=None, start=False)
        place = tempfile.mkdtemp(prefix="oncelink-test.", dir="/dev/shm")
        self.addCleanup(shutil.rmtree, place)
        site.configure(state_dir=os.path.join(place, "state"))
        self.assertEqual(site.ctl("init").returncode, 0)
        self.assertEqual(site.sweep().returncode, 0)
        self.assertTrue(any("in memory" in text for _, text in
                            self.findings(site)))

    def directory_on(self, memory, *places):
        """A new directory that is in memory, or is not."""
        for place in places:
            done = run(["stat", "-f", "-c", "%T", place])
            if (done.stdout.strip() in (b"tmpfs", b"ramfs")) == memory:
                found = tempfile.mkdtemp(prefix="oncelink-test.", dir=place)
                self.addCleanup(shutil.rmtree, found, ignore_errors=True)
                return found
        raise AssertionError("none of them is: %r" % (places,))

    def memory_and_disk(self):
        return (self.directory_on(True, "/dev/shm"), self.directory_on(
            False, tempfile.gettempdir(), BUILDDIR, "/var/tmp"))

    def test_not_in_memory(self):
        """what the settings have where things in memory lie, and is on a
        disk"""
        site = self.earnest_site(server=None, start=False)
        memory, disk = self.memory_and_disk()
        for name, what in (("state_dir", "state directory"),
                           ("key_file", "key file")):
            place = os.path.join(memory, name)
            with self.subTest(name):
                real = os.path.join(disk, name)
                os.mkdir(real, 0o700)
                os.symlink(real, place)
                self.names(site, self.moved(site, **{
                    name: os.path.join(place, "kept", "here")}),
                    what, place, "is on a disk", "tmpfs")
                # The same path, when it is what it seems to be.
                os.unlink(place)
                os.mkdir(place, 0o700)
                with self.moved(site, **{
                        name: os.path.join(place, "kept", "here")}):
                    self.assertGood(site)

    def test_temporary(self):
        """where a web server keeps its temporary files is in memory"""
        site = self.earnest_site(server=None, start=False)
        memory, disk = self.memory_and_disk()
        found = self.assertGood(site, "--temporary", memory)
        self.assertIn(("ok", "temporary files: %s is in memory" % memory),
                      found)
        self.assertNamed(site, "error", ("temporary files", disk,
                                         "on a disk", "tmpfs"),
                         "--temporary", disk)
        self.assertNamed(site, "error", ("temporary files",
                                         "could not be looked at"),
                         "--temporary", os.path.join(memory, "nothing"))

    def test_temporary_place(self):
        """without being told it looks where systemd-tmpfiles makes it"""
        site = self.earnest_site(server=None, start=False)
        trace = os.path.join(site.directory, "trace")
        done = run(
            ["strace", "-f", "-q", "-o", trace, "-e", "trace=statfs,prctl",
             "-e", "inject=prctl:retval=0", CTL, "-c", site.conf_file,
             "check"], {"ASAN_OPTIONS": "detect_leaks=0"})
        self.assertEqual(done.returncode, 0, done)
        with open(os.path.join(BUILDDIR, "ready", "conf", "tmpfiles",
                               "oncelink.conf"), encoding="utf-8") as file:
            (place,) = re.findall(r"(?m)^d (\S+) 0700 ", file.read())
        with open(trace, encoding="utf-8") as file:
            self.assertIn('statfs("%s", ' % place, file.read())

    def test_key_gone(self):
        """no key file"""
        site = self.earnest_site(server=None, start=False)

        @contextlib.contextmanager
        def away():
            os.rename(site.key_file, site.directory + "/away")
            yield
            os.rename(site.directory + "/away", site.key_file)
        self.names(site, away(), site.key_file, "No such file", "copy")

    def test_damage(self):
        """a database with a page that somebody wrote over"""
        site = self.earnest_site(server=None)
        for _ in range(20):
            site.direct("POST", "/secrets", (
                '{"passphrase":"a","message":"%s"}' % random_text(9000)
            ).encode(), JSON_TYPE)
        site.stop_workers()
        self.assertEqual(site.sweep().returncode, 0)
        with site.reader() as database:
            page = database.execute(
                "SELECT rootpage FROM sqlite_schema WHERE name = 'record'"
            ).fetchone()[0]

        @contextlib.contextmanager
        def plant():
            with open(site.database, "r+b") as file:
                file.seek((page - 1) * 4096)
                before = file.read(4096)
                file.seek((page - 1) * 4096 + 12)
                file.write(b"\x0f\xff" * 8)
            yield
            with open(site.database, "r+b") as file:
                file.seek((page - 1) * 4096)
                file.write(before)
        self.assertGood(site)
        with plant():
            self.assertNamed(site, "error", ("database", "damaged"))
        self.assertGood(site)

    def test_clock(self):
        """a clock that went back"""
        site = self.earnest_site(server=None)
        site.direct("POST", "/secrets", b'{"passphrase":"a","message":"b"}',
                    JSON_TYPE)
        self.assertGood(site)
        with site.writer() as database:
            database.execute("UPDATE secret SET created_at = created_at + "
                             "4 * 86400000 - 3600000")
        self.assertNamed(site, "error", ("clock", "3 days", "went back"))
        with site.writer() as database:
            database.execute("UPDATE clock SET latest = latest + "
                             "5 * 86400000")
        self.assertNamed(site, "error", ("clock", "4 days", "behind"))
        with site.writer() as database:
            database.execute("UPDATE secret SET created_at = 0")
            database.execute("UPDATE clock SET latest = latest - "
                             "10 * 86400000")
        self.assertNamed(site, "error", ("clock", "5 days", "ahead"))
        self.assertEqual(site.ctl("clock", "--accept").returncode, 0)
        self.assertGood(site)

    def test_keys_of_days(self):
        """keys of days did not come back with the database: nothing is taken
        for these days, until they are put back or given up"""
        site = self.earnest_site(server=None)
        noon = (int(time.time()) // 86400 + 3) * 86400 + 43200
        days = [str(noon // 86400 + later) for later in range(3)]
        keys = os.path.join(site.state, "keys")

        def create(day, status):
            secret = random_id()
            ends = noon + days.index(day) * 86400
            self.assertStatus(site.direct(
                "POST", "/api/v2/secrets", native_creation(
                    secret, random_id(), random_envelope(),
                    ends - int(time.time())), FRAME_TYPE), status)
            return secret

        def read(secret, status):
            # By a process that has no key at hand.
            self.assertStatus(site.cgi(
                "POST", "/api/v2/secrets/open",
                native_opening(secret, random_id()), JSON_TYPE), status)

        def day_keys(*arguments, reason=b"", status=0):
            done = site.ctl("day-keys", *arguments)
            self.assertEqual(done.returncode, status, done)
            self.assertIn(reason, done.stderr)
            self.assertEqual(done.stderr == b"", reason == b"")
            found = [line.split("  ") for line in
                     done.stdout.decode().splitlines()]
            if found == [["no key is missed"]]:
                return []
            return [(number, state) for number, _, state in found]

        secrets = [create(day, 201) for day in days]
        self.assertGood(site)
        self.assertEqual(day_keys(), [])
        os.rename(os.path.join(keys, days[0]), os.path.join(keys, "away"))
        with open(os.path.join(keys, days[2]), "r+b") as file:
            file.write(b"damaged")
        # One that cannot be read may be all right; the others are found too.
        other = str(noon // 86400 - 2)
        os.mkdir(os.path.join(keys, other))
        self.assertNamed(site, "error", (
            "keys of days", "are gone", ": 3;", "--give-up"))
        why = ("keys/%s: Is a directory" % other).encode()
        self.assertEqual(day_keys(reason=why), [
            (other, "not readable"), (days[0], "gone"),
            (days[2], "damaged")])
        create(days[0], 500)
        create(days[2], 500)
        read(secrets[0], 500)
        read(create(days[1], 201), 200)
        # One that is put back opens what it sealed.
        os.rename(os.path.join(keys, "away"), os.path.join(keys, days[0]))
        self.assertEqual(day_keys("--give-up", reason=why,
                                  status=os.EX_SOFTWARE), [
            (other, "not readable, not given up"),
            (days[2], "damaged, given up")])
        self.assertEqual(day_keys(reason=why), [(other, "not readable")])
        os.rmdir(os.path.join(keys, other))
        self.assertEqual(day_keys(), [])
        read(create(days[2], 201), 200)
        read(secrets[0], 200)
        read(secrets[1], 200)
        read(secrets[2], 500)
        self.assertGood(site)

    def test_sweeper(self):
        """nobody sweeps, or not any more"""
        site = self.earnest_site(server=None)
        lock = os.path.join(site.state, "sweep.lock")

        @contextlib.contextmanager
        def long_ago():
            os.utime(lock, (0, time.time() - 3 * 86400 - 60))
            yield
            self.assertEqual(site.sweep().returncode, 0)
        self.names(site, long_ago(), "sweeper", "3 days ago", "cron",
                   "timer")

        @contextlib.contextmanager
        def never():
            os.unlink(lock)
            yield
            self.assertEqual(site.sweep().returncode, 0)
        self.names(site, never(), "not run yet", "timer",
                   severity="warning")

        @contextlib.contextmanager
        def overdue():
            site.direct("POST", "/secrets",
                        b'{"passphrase":"a","message":"b"}', JSON_TYPE)
            with site.writer() as database:
                database.execute(
                    "UPDATE secret SET due_at = due_at - 10 * 86400000")
            yield
            with site.writer() as database:
                database.execute("DELETE FROM secret")
        self.names(site, overdue(), "sweeper", "still on the disk")

    def test_full(self):
        """a store that has no room for a secret"""
        site = self.earnest_site(server=None, settings={
            "max_store": "4M", "max_envelope": "512K"})
        self.assertGood(site)
        for _ in range(30):
            self.assertStatus(site.direct("POST", "/secrets", (
                '{"passphrase":"a","message":"%s"}' % random_text(60000)
            ).encode(), JSON_TYPE), 200)
        site.configure(max_store="1M")
        self.assertNamed(site, "error", ("a secret", "max_store"))

    def test_settings(self):
        """what is allowed, but seldom meant"""
        site = self.earnest_site(server=None, start=False)
        for name, value, word in (
                ("claim_seconds", "0s", "claim_seconds is 0"),
                ("client_secrets", "0", "client_secrets is 0"),
                ("client_bytes", "0", "client_bytes is 0"),
                ("client_ipv6_bits", "128", "client_ipv6_bits tells"),
                ("create", "nobody", "lets nobody make"),
                ("erase_delay", "30s", "ten seconds"),
                ("kdf_passes", "1", "cheaper"),
                ("pin_size", "3", "one guesser in a thousand"),
                ("trusted_proxies", "10.0.0.1 0.0.0.0/0", "everybody"),
                ("trusted_proxies", "::/0", "everybody"),
                ("log_level", "info", "in the log"),
                ("max_store", "16T", "max_store")):
            with self.subTest(name + " = " + value):
                before = site.settings.get(name)
                site.configure(**{name: value})
                found = self.assertNamed(site, "warning", (word,))
                # What is warned of is not good too.
                whats = [text.split(":")[0] for _, text in found]
                self.assertEqual(whats.count("file system"), 1, found)
                site.configure(**{name: before})
        self.assertGood(site)
        site.configure(create="keys")
        self.assertGood(site)
        site.configure(faces="native")
        self.assertNamed(site, "warning", ("create", "passwordlink",
                                           "nobody can make a secret"))

    def test_unknown(self):
        """what could not be looked at is an error, not silence"""
        site = self.earnest_site(server=None, start=False)

        @contextlib.contextmanager
        def renamed(name):
            with site.writer() as database:
                database.execute(
                    "ALTER TABLE secret RENAME COLUMN %s TO other" % name)
            yield
            with site.writer() as database:
                database.execute(
                    "ALTER TABLE secret RENAME COLUMN other TO %s" % name)
        for what, column in (("clock", "created_at"), ("sweeper", "due_at")):
            with self.subTest(what):
                self.names(site, renamed(column), what,
                           "could not be looked at")

    def test_sign_key(self):
        """SIGN_KEY is told of and not told"""
        site = self.earnest_site(server=None, start=False, environment={
            "SIGN_KEY": random_id().hex()})
        found = self.assertNamed(site, "warning", ("SIGN_KEY",))
        self.assertNotIn(site.environment["SIGN_KEY"], str(found))

    def test_another_user(self):
        """who is not the worker's user is told how to be"""
        if os.getuid() != 0:
            self.skipTest("only root has files of somebody else's made")
        site = self.earnest_site(server=None, start=False)
        self.assertGood(site)
        for path in (site.state, site.keys):
            os.chown(path, 65534, 65534)
        self.assertNamed(site, "error", (site.state, "another user",
                                         "setpriv --reuid=nobody"))

    def test_usage(self):
        """options that do not fit, addresses that are none"""
        site = self.earnest_site(server=None, start=False)
        done = site.ctl("check", "--force")
        self.assertEqual(done.returncode, EX_USAGE)
        for url in ("ftp://a.example", "https://user:word@a.example/",
                    "https://a.example/?q", "https://a.example/#f", "//",
                    "file:///etc/passwd"):
            self.assertNamed(site, "error", ("address", "--url"),
                             "--url", url)
        done = run([CTL, "-c", site.conf_file, "check", "--help"])
        self.assertIn(b"--connect-to", done.stdout)


class Busy(CheckTest):
    """A check of a large store while it is used."""

    def test_erasing(self):
        """what is over is erased in time while checks run"""
        site = self.earnest_site(server=None, settings={
            "erase_delay": "500ms", "claim_seconds": "0s"})
        envelope = 1 << 20
        for _ in range(scaled(96, 32)):
            self.make(site, os.urandom(envelope))
        with site.reader() as database:
            newest = database.execute("SELECT max(id) FROM record").fetchone()
        self.assertGreaterEqual(newest[0], 32)
        over = threading.Event()
        checks = [0, 0, 0]

        def check(number):
            while not over.is_set():
                found = self.findings(site)
                self.assertIn(("ok", "database: whole"), found)
                checks[number] += 1

        def erase(_):
            results = []
            try:
                for _ in range(scaled(10, 4)):
                    before = sum(checks)
                    seconds = self.erase_one(site)
                    results.append((seconds, sum(checks) - before))
                return results
            finally:
                over.set()
        results = in_threads(3, lambda number: (
            erase if number == 0 else check)(number))[0]
        note("erased within %.2f s while checks ran" % max(results)[0])
        # The delay, a copy of the store, and the pause before another try;
        # or, when the machine is slow, as long as a few checks.
        self.assertEqual([(seconds, count) for seconds, count in results
                          if seconds > 0.5 + 2 and count > 6], [])

    def make(self, site, envelope):
        secret = random_id()
        answer = site.direct(
            "POST", "/api/v2/secrets", native_creation(
                secret, random_id(), envelope), FRAME_TYPE)
        self.assertStatus(answer, 201)
        return secret

    def erase_one(self, site):
        """The seconds from a secret's end until its sealed bytes are gone."""
        secret = self.make(site, os.urandom(4000))
        with site.reader() as database:
            # Not the secret that a check makes meanwhile.
            record = database.execute(
                "SELECT sealed FROM record WHERE length(sealed) BETWEEN 4000 "
                "AND 5000 ORDER BY id DESC LIMIT 1").fetchone()[0]
        piece = bytes(record[1000:1032])
        self.assertTrue(self.holds(site, piece))
        answer = site.direct("POST", "/api/v2/secrets/open",
                             native_opening(secret, random_id()), JSON_TYPE)
        self.assertStatus(answer, 200)
        began = time.monotonic()
        wait_until(lambda: not self.holds(site, piece), "the erasing", 60)
        return time.monotonic() - began

    @staticmethod
    def holds(site, piece):
        return any(piece in contents
                   for contents in site.database_bytes().values())


class Through(CheckTest):
    """The site through its address."""

    def address(self, site, path=None, port=None):
        """The options for a site that no name server knows."""
        path = site.prefix if path is None else path
        clear = site.http_port if site.tls else site.port
        options = [
            "--url", "http%s://%s%s" % ("s" if site.tls else "", SERVER_NAME,
                                        path),
            "--connect-to", "%s:443:127.0.0.1:%d,%s:80:127.0.0.1:%d" % (
                SERVER_NAME, port or site.port, SERVER_NAME, clear)]
        if site.tls:
            trusted = os.path.join(site.directory, "trusted.pem")
            shutil.copy(site.server.words()["CERTIFICATE"], trusted)
            os.chmod(trusted, 0o644)
            options += ["--ca-file", trusted]
        return options

    def restart(self, site):
        site.web.end()
        site.web = Process(
            site.server.arguments(),
            os.path.join(site.directory, "server.log"),
            {"ONCELINK_CONF": site.conf_file, **site.server.environment()},
            cwd=site.directory)
        site.await_socket(site.web, ("127.0.0.1", site.port))

    @contextlib.contextmanager
    def spoilt(self, site, changes):
        """{file below share/: [(old, new), …]} in the web server's files."""
        before = {}
        for name, pairs in changes.items():
            path = os.path.join(site.directory, name)
            with open(path, encoding="utf-8") as file:
                before[path] = text = file.read()
            for old, new in pairs:
                self.assertIn(old, text)
                text = text.replace(old, new)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        try:
            self.restart(site)
            yield
        finally:
            for path, text in before.items():
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
            self.restart(site)


LOCATIONS = "share/nginx/locations.conf"
LIMITS = "nginx-limits.conf"
HTTP = "share/nginx/http.conf"
TLS = "share/nginx/site-tls.conf"

# The frame in which a check sends the largest envelope.
FRAME = 10244 * 1024 + 1 + len(
    '{"id":"","receipt":"","expires_in":300}') + 2 * 22

# What is spoilt in the files of a nginx with TLS at /once, and which words of
# the finding name it.
FAULTS = {
    "Authorization is dropped": (
        {LOCATIONS: [("fastcgi_pass unix:",
                      'fastcgi_param HTTP_AUTHORIZATION "";\n'
                      "fastcgi_pass unix:")]},
        "error", ("Authorization", "does not arrive")),
    "the path is decoded": (
        {LOCATIONS: [("REQUEST_URI $request_uri", "REQUEST_URI $uri")]},
        "error", ("paths", "as it was sent")),
    "prefetches are hidden": (
        {LOCATIONS: [("fastcgi_pass unix:",
                      'fastcgi_param HTTP_SEC_PURPOSE "";\n'
                      "fastcgi_pass unix:")]},
        "error", ("prefetch", "uses a secret up")),
    "HEAD becomes GET": (
        {HTTP: [("# What nginx (1.22", "map $request_method $spoilt "
                 "{ HEAD GET; default $request_method; }\n"
                 "# What nginx (1.22")],
         LOCATIONS: [("REQUEST_METHOD $request_method",
                      "REQUEST_METHOD $spoilt")]},
        "error", ("HEAD", "uses a secret up")),
    "a limit of one MiB": (
        {LIMITS: [("client_max_body_size @MOST@", "client_max_body_size 1m")]},
        "error", ("sizes", "envelope", "config --web-server")),
    "a limit of 100 KiB": (
        {LIMITS: [("client_max_body_size @MOST@",
                   "client_max_body_size 100k")]},
        "error", ("sizes", "message", "config --web-server")),
    "a refusal that is not ours": (
        {LIMITS: [("client_max_body_size @MOST@",
                   "client_max_body_size %d" % FRAME)],
         LOCATIONS: [("error_page 413", "error_page 418")]},
        "error", ("sizes", "one byte too many", "by the web server")),
    "no Content-Security-Policy": (
        {LOCATIONS: [("add_header Content-Security-Policy",
                      "add_header X-Nothing")]},
        "error", ("pages", "content-security-policy")),
    "scripts of anywhere": (
        {LOCATIONS: [("script-src 'self'", "script-src 'self' https:")]},
        "error", ("pages", "content-security-policy", "does not say")),
    "no trusted types": (
        {LOCATIONS: [("; trusted-types 'none'", "")]},
        "error", ("pages", "content-security-policy", "does not say")),
    "pages are kept": (
        {HTTP: [("no-store;", "no-cache;")]},
        "error", ("pages", "cache-control", "no-store")),
    "other sites may hold the page": (
        {LOCATIONS: [("add_header Cross-Origin-Opener-Policy",
                      "add_header X-Nothing")]},
        "error", ("pages", "cross-origin-opener-policy")),
    "other sites may load its files": (
        {LOCATIONS: [("add_header Cross-Origin-Resource-Policy",
                      "add_header X-Nothing")]},
        "error", ("pages", "cross-origin-resource-policy")),
    "no Permissions-Policy": (
        {LOCATIONS: [("add_header Permissions-Policy",
                      "add_header X-Nothing")]},
        "error", ("pages", "permissions-policy")),
    "search engines may come": (
        {LOCATIONS: [("add_header X-Robots-Tag", "add_header X-Nothing")]},
        "error", ("pages", "x-robots-tag")),
    "no HSTS": (
        {HTTP: [('on "max-age=31536000"', 'on ""')]},
        "error", ("pages", "strict-transport-security")),
    "no Cache-Control from the worker": (
        {LOCATIONS: [("fastcgi_pass unix:",
                      "fastcgi_hide_header Cache-Control;\n"
                      "fastcgi_pass unix:")]},
        "error", ("answers", "cache-control")),
    "headers twice": (
        {LOCATIONS: [("fastcgi_pass unix:",
                      "add_header X-Content-Type-Options nosniff always;\n"
                      "fastcgi_pass unix:")]},
        "error", ("answers", "x-content-type-options", "2 times")),
    "a cache": (
        {HTTP: [("# What nginx (1.22", "fastcgi_cache_path "
                 "@DIRECTORY@/cache keys_zone=kept:1m;\n# What nginx (1.22")],
         LOCATIONS: [("fastcgi_cache off;",
                      "fastcgi_cache kept; fastcgi_cache_valid 200 1m;\n"
                      "fastcgi_cache_key $request_method$request_uri;\n"
                      "fastcgi_ignore_headers Cache-Control;")]},
        "error", ("caches", "given out again")),
    "older links go nowhere": (
        {LOCATIONS: [("/read/?$oncelink_id", "/?$oncelink_id")]},
        "error", ("older links", "not 302 to /read/")),
    "nothing new": (
        {LOCATIONS: [("# Pages are files.",
                      "location ^~ /once/api/v2/ { return 304; }")]},
        "error", ("address", "(304) is not a worker's")),
    "older links to nothing new": (
        {LOCATIONS: [("# Pages are files.",
                      "location = /once/read/ { return 304; }")]},
        "error", ("older links", "answered 304")),
    "older links twice": (
        {LOCATIONS: [("return 302 /once/read/#m",
                      "return 302 /once/message/x#m")]},
        "error", ("older links",)),
    "in the clear": (
        {TLS: [("return 301 https://site.test$request_uri;",
                "return 200;")]},
        "error", ("http", "without TLS")),
    "to another place": (
        {TLS: [("return 301 https://site.test$request_uri;",
                "return 301 https://site.test/;")]},
        "error", ("http", "not to the same path")),
    "TLS 1.1": (
        {TLS: [("ssl_protocols TLSv1.2 TLSv1.3",
                "ssl_protocols TLSv1.1 TLSv1.2"),
               ("ssl_ciphers ECDHE", "ssl_ciphers ALL:@SECLEVEL=0:ECDHE")]},
        "error", ("TLS", "before 1.2")),
    "the version is told": (
        {LOCATIONS: [("server_tokens off;", "server_tokens on;")]},
        "warning", ("answers", "version", "nginx/")),
    "what it is made with is told": (
        {LOCATIONS: [("add_header X-Robots-Tag noindex always;",
                      "add_header X-Robots-Tag noindex always;\n"
                      "add_header X-Powered-By PHP/4.0 always;")]},
        "warning", ("answers", "X-Powered-By: PHP/4.0")),
    "error pages quote": (
        {LOCATIONS: [("# Pages are files.",
                      "location ^~ /once/css/zqx { return 404 "
                      '"$request_uri was not found"; }')]},
        "warning", ("answers", "quotes the path")),
    "the settings are given out": (
        {LOCATIONS: [("# Pages are files.",
                      "location = /once/oncelink.conf { alias "
                      "@DIRECTORY@/oncelink.conf; }")]},
        "error", ("files", "/oncelink.conf", "fetched")),
    "directories are listed": (
        {LOCATIONS: [("# Pages are files.",
                      "location = /once/css/ { alias "
                      "@DIRECTORY@/share/htdocs/css/; autoindex on; }")]},
        "error", ("files", "directories are listed")),
    "pages elsewhere": (
        {LOCATIONS: [("root @DIRECTORY@/share/htdocs;",
                      "root @DIRECTORY@/share;")]},
        "error", ("pages", "/ is answered 404")),
    "nothing for the worker": (
        {LOCATIONS: [("# Pages are files.",
                      "location ^~ /once/api/v2/ { return 404; }")]},
        "error", ("address", "not a worker's")),
    "a loop": (
        {LOCATIONS: [("# Pages are files.",
                      "location ^~ /once/api/v2/ "
                      "{ return 302 $request_uri; }")]},
        "error", ("address", "redirects to /once/api/v2/health", "loop")),
}

class Planted(Through):
    """Faults in the settings of a web server, and around it."""

    def test_faults(self):
        """each fault in nginx's settings is named, and only while it is"""
        site = self.earnest_site("nginx", conf="shipped", prefix="/once",
                                 tls=True)
        options = self.address(site)
        before = self.stored(site)
        self.assertGood(site, *options)
        with open(os.path.join(site.directory, LIMITS),
                  encoding="ascii") as file:
            most = re.search("client_max_body_size ([^;]*);",
                             file.read()).group(1)
        for name in random.sample(sorted(FAULTS), scaled(len(FAULTS), 5)):
            changes, severity, words = FAULTS[name]
            with self.subTest(name):
                filled = {file: [
                    tuple(text.replace("@DIRECTORY@", site.directory)
                          .replace("@MOST@", most)
                          for text in pair) for pair in pairs]
                    for file, pairs in changes.items()}
                with self.spoilt(site, filled):
                    self.assertNamed(site, severity, words, *options)
        self.assertGood(site, *options)
        # Whatever went wrong, the store is as it was.
        self.assertEqual(self.stored(site), before)

    def test_around(self):
        """a wrong address, an unknown certificate, no worker, another site"""
        site = self.earnest_site("nginx", conf="shipped", prefix="/once",
                                 tls=True)
        options = self.address(site)
        self.assertGood(site, *options)
        with self.subTest("an unknown certificate"):
            self.assertNamed(site, "error", ("address", "certificate"),
                             *options[:4])
        with self.subTest("another name"):
            self.assertNamed(
                site, "error", ("address", "certificate"),
                *(option.replace(SERVER_NAME, "other.test")
                  for option in options))
        with self.subTest("another path"):
            self.assertNamed(site, "error", ("address", "path_prefix",
                                             "`/once'"),
                             *self.address(site, "/twice"))
        with self.subTest("a slash behind it"):
            self.assertGood(site, *self.address(site, "/once/"))
        with self.subTest("another site"):
            other = self.earnest_site("nginx", conf="shipped",
                                      prefix="/once", tls=True)
            self.assertNamed(
                site, "error", ("address", "another database"),
                *self.address(site, port=other.port)[:4],
                "--ca-file", self.address(other)[5])
        with self.subTest("no worker"):
            site.stop_workers()
            self.assertNamed(site, "error", ("address", "502", "worker"),
                             *options)
        with self.subTest("no web server"):
            site.web.end()
            self.assertNamed(site, "error", ("address", "no answer"),
                             *options)

    def test_faces(self):
        """a site that serves one of the older faces alone"""
        site = self.earnest_site("nginx", conf="shipped", prefix="/once",
                                 tls=True)
        options = self.address(site)
        for face in ("safesecrets", "onetime", "native", "passwordlink",
                     "native onetime"):
            with self.subTest(face):
                site.stop_workers()
                site.configure(faces=face)
                site.workers = [site.start_worker(0)]
                found = self.assertGood(site, *options)
                self.assertIn(("ok", "sizes: the largest secrets of %s go in "
                               "and out" % face), found)
                said = [text for _, text in found
                        if text.startswith("Authorization: ")]
                self.assertEqual(len(said), 1, found)
                self.assertEqual("not looked at" in said[0],
                                 face in ("safesecrets", "native"), said)
        self.assertEqual(len(site.ctl("account", "list").stdout.splitlines()),
                         1)
        for create, faces, word in (
                ("nobody", "native passwordlink", "not tried"),
                ("keys", "native onetime", "not tried"),
                ("keys", "native passwordlink", "secrets of passwordlink")):
            with self.subTest("create = %s, %s" % (create, faces)):
                site.stop_workers()
                site.configure(faces=faces, create=create)
                site.workers = [site.start_worker(0)]
                found = self.findings(site, *options)
                self.assertEqual([line for line in found
                                  if line[0] == "error"], [])
                self.assertTrue(any(
                    text.startswith("sizes") and word in text
                    for _, text in found), found)

    def test_example(self):
        """the line for cron in the manual: silent as long as all is good"""
        site = self.earnest_site("nginx", conf="shipped", prefix="/once",
                                 tls=True)
        with open(os.path.join(SRCDIR, "man", "oncelinkctl.8"),
                  encoding="utf-8") as file:
            line = re.search("^0 7 [*] [*] [*] @OWNER@ (.*)$", file.read(),
                             re.M).group(1)
        options = self.address(site)
        line = line.replace("@CTL@", CTL).replace(
            "https://@SERVER_NAME@/", " ".join(options[1:]))
        self.assertNotIn("@", line)

        def mail():
            done = run(["/bin/sh", "-c", line], environment={
                "PATH": "/usr/bin:/bin", "ONCELINK_CONF": site.conf_file},
                       **become(site.owner))
            return without_counts(done.stdout + done.stderr).decode()
        self.assertEqual(mail(), "")
        site.stop_workers()
        self.assertRegex(mail(), "^error +address: ")

    def test_old_tls_here(self):
        """a library that offers no old TLS proves nothing of the site"""
        site = self.earnest_site("nginx", conf="shipped", prefix="/once",
                                 tls=True)
        path = os.path.join(site.directory, "openssl.cnf")
        with open(path, "w", encoding="ascii") as file:
            file.write("openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\n"
                       "system_default = here\n[here]\n"
                       "Protocol = -TLSv1, -TLSv1.1\n")
        options = self.address(site)
        self.assertIn(("ok", "TLS: the certificate is good, versions before "
                       "1.2 are refused"), self.assertGood(site, *options))
        self.assertNamed(site, "warning", ("TLS", "could not be tried"),
                         *options, environment={"OPENSSL_CONF": path})

    def test_no_proxy(self):
        """the environment's proxies are not asked"""
        site = self.earnest_site("nginx", conf="shipped")
        found = self.findings(site, *self.address(site), environment={
            name: "http://127.0.0.1:1" for name in
            ("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY")})
        self.assertIn(("ok", "address: it is this site"), found)

    def test_silent(self):
        """nothing that opens a secret is in what the check prints"""
        site = self.earnest_site("nginx", conf="shipped")
        found = str(self.findings(site, *self.address(site)))
        # 22 letters and digits, or 32 hex digits in a row, are in no sentence
        # but for the made-up links of the check.
        self.assertNotRegex(found.replace(site.directory, ""),
                            r"[0-9A-Za-z_-]{22}|[0-9a-f-]{32}")


class Kinds(Through):
    """Every kind of web server as it is shipped."""


def _good(kind, prefix, tls):
    def test(self):
        site = self.earnest_site(kind, conf="shipped", prefix=prefix, tls=tls)
        found = self.findings(site, *self.address(site))
        bad = [line for line in found if line[0] != "ok"]
        if not tls:
            self.assertEqual([text.split(":")[0] for _, text in bad],
                             ["TLS"])
        else:
            self.assertEqual(bad, [])
    test.__doc__ = "%s%s%s as it is shipped is good" % (
        kind, prefix, " with TLS" if tls else "")
    return test


for _number, (_prefix, _tls) in enumerate((("", False), ("/once", True))):
    for _kind in kinds(lambda server, tls=_tls: server.has_tls or not tls):
        setattr(Kinds, "test_%s_%d" % (_kind.replace("-", "_"), _number),
                _good(_kind, _prefix, _tls))


if __name__ == "__main__":
    main()
