# SPDX-License-Identifier: ISC
"""oncelinkctl: a new site, its settings, its numbers; and what it refuses."""

import fcntl
import os
import re
import shutil
import socket
import stat
import tempfile
import threading
import time
import unittest

from oncelink_site import CTL, run, wait_until
from oncelink_test import SiteTest, in_threads, main, scaled
from oncelink_wire import random_id

EX_USAGE, EX_DATAERR, EX_NOINPUT, EX_UNAVAILABLE = 64, 65, 66, 69
EX_CANTCREAT, EX_CONFIG = 73, 78


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def read(path):
    with open(path, "rb") as file:
        return file.read()


class CtlTest(unittest.TestCase):
    """A directory with a configuration file and nothing else."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="oncelink-test.")
        self.addCleanup(shutil.rmtree, self.directory)
        # Relative paths start at the configuration file; the parents of
        # both places are missing.
        self.conf = self.path("oncelink.conf")
        self.write("state_dir = lib/a/state\nkey_file = etc/keys/a.key\n"
                   "log = stderr\n")
        self.state = self.path("lib/a/state")
        self.keys = self.path("etc/keys")
        self.key_file = self.path("etc/keys/a.key")
        self.database = self.path("lib/a/state/oncelink.db")

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, text):
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write(text)

    def ctl(self, *arguments, environment=None, umask=0):
        """Run it, by default with a umask that protects nothing."""
        return run([CTL, *arguments], environment, umask=umask,
                   cwd=self.directory)

    def good(self, *arguments, **options):
        done = self.ctl(*arguments, **options)
        self.assertEqual((done.returncode, done.stderr), (0, b""), arguments)
        return done.stdout.decode()

    def bad(self, status, words, *arguments, **options):
        """Refused, with these words, and nothing on standard output."""
        done = self.ctl(*arguments, **options)
        self.assertEqual(done.returncode, status, done)
        text = done.stderr.decode()
        for word in words:
            self.assertIn(word, text)
        return text


class Ctl(CtlTest):
    """A new site, its settings, what is refused."""

    def test_init(self):
        """everything is made, for this user alone"""
        output = self.good("-c", self.conf, "init")
        for path, private in ((self.state, 0o700), (self.keys, 0o700),
                              (self.key_file, 0o600), (self.database, 0o600)):
            self.assertIn("made   " + path, output)
            self.assertEqual(mode(path), private, path)
        for name in ("lib", "lib/a", "etc"):
            self.assertEqual(mode(self.path(name)), 0o755, name)
        for root, _, files in os.walk(self.state):
            for name in files:
                self.assertEqual(mode(os.path.join(root, name)) & 0o077, 0,
                                 name)

    def test_init_again(self):
        """what is there is named and not touched"""
        self.good("-c", self.conf, "init")
        key = read(self.key_file)
        inode = os.lstat(self.database).st_ino
        output = self.good("-c", self.conf, "init")
        self.assertNotIn("made", output)
        for path in (self.state, self.key_file, self.database):
            self.assertIn("there  " + path, output)
        self.assertEqual(read(self.key_file), key)
        self.assertEqual(os.lstat(self.database).st_ino, inode)

    def test_init_half(self):
        """a key without a database is a site made by halves"""
        self.good("-c", self.conf, "init")
        key = read(self.key_file)
        shutil.rmtree(self.state)
        os.mkdir(self.state, 0o700)
        output = self.good("-c", self.conf, "init")
        self.assertIn("made   " + self.database, output)
        self.assertIn("there  " + self.key_file, output)
        self.assertEqual(read(self.key_file), key)

    def test_init_lost_key(self):
        """a database without its key gets no new one"""
        self.good("-c", self.conf, "init")
        os.unlink(self.key_file)
        self.bad(EX_CONFIG, (self.database, self.key_file),
                 "-c", self.conf, "init")
        self.assertFalse(os.path.exists(self.key_file))

    def test_init_open_directories(self):
        """directories that others may look into are refused, not mended"""
        for path in (self.state, self.keys):
            with self.subTest(os.path.basename(path)):
                os.makedirs(path)
                os.chmod(path, 0o750)
                self.bad(EX_CANTCREAT, (path, "0700", "0750"),
                         "-c", self.conf, "init")
                self.assertEqual(mode(path), 0o750)
                self.assertFalse(os.path.exists(self.database))
                os.chmod(path, 0o700)
        self.good("-c", self.conf, "init")

    def test_init_no_directory(self):
        """a file where a directory belongs"""
        os.makedirs(os.path.dirname(self.state))
        with open(self.state, "w", encoding="utf-8"):
            pass
        self.bad(EX_CANTCREAT, (self.state, "no directory"),
                 "-c", self.conf, "init")

    def test_init_open_key(self):
        """a key file that others may read is said at once"""
        self.good("-c", self.conf, "init")
        os.chmod(self.key_file, 0o640)
        self.bad(EX_UNAVAILABLE, (self.key_file,), "-c", self.conf, "init")

    def test_init_sign_key(self):
        """with SIGN_KEY there is no key file, and it is shown nowhere"""
        key = random_id().hex()
        environment = {"SIGN_KEY": key}
        output = self.good("-c", self.conf, "init", environment=environment)
        self.assertIn("made   " + self.database, output)
        self.assertFalse(os.path.exists(self.keys))
        for command in ("init", "config", "stats"):
            output += self.good("-c", self.conf, command,
                                environment=environment)
        self.assertNotIn(key, output)

    def test_config(self):
        """every setting, its value and its source; it can be read again"""
        self.write("state_dir = lib/a/state\nkey_file = etc/keys/a.key\n"
                   "threads = 3\n")
        output = self.good("-c", self.conf, "config",
                           environment={"PIN_SIZE": "7"})
        lines = output.splitlines()
        for setting, source in (("threads = 3", self.conf + ":3"),
                                ("pin_size = 7", "environment"),
                                ("pin_attempts = 3", "default")):
            self.assertIn(setting, lines)
            self.assertIn(source, lines[lines.index(setting) - 1])
        self.write(output)
        again = self.good("-c", self.conf, "config")
        self.assertEqual(
            [line for line in again.splitlines() if not line.startswith("#")],
            [line for line in lines if not line.startswith("#")])

    def test_web_server(self):
        """the limits of a web server follow from the settings"""
        def numbers(server):
            output = self.good("-c", self.conf, "config", "--web-server",
                               server)
            return dict(re.findall(
                r"(?:^\s*|\) )([A-Za-z_.-]+)[ =]+([0-9][^;\n\">]*)",
                output, re.M))
        small, large = 64 << 10, 8 << 20
        for envelope in (small, large):
            with self.subTest("envelope of %d" % envelope):
                self.write("max_envelope = %d\nmax_message = 2K\n"
                           "max_ciphertext = 1K\n"
                           "faces = safesecrets onetime native\n"
                           % envelope)
                frame = envelope + 4096 + 1
                most = frame * 5 // 4 + (1 << 20)
                nginx = numbers("nginx")
                body = int(nginx["client_max_body_size"][:-1]) * 1024
                self.assertTrue(frame < body < most, nginx)
                count, size = nginx["fastcgi_buffers"].split()
                self.assertTrue(
                    frame < int(count) * int(size[:-1]) * 1024 < most, nginx)
                self.assertEqual(nginx["client_body_buffer_size"],
                                 nginx["client_max_body_size"])
                kib = int(numbers("lighttpd")["server.max-request-size"])
                self.assertTrue(frame < kib * 1024 < most, kib)
                apache = numbers("apache")
                self.assertEqual(apache["LimitRequestBody"], "0")
                for name in ("-gt", "FcgidMaxRequestLen",
                             "FcgidMaxRequestInMem",
                             "FcgidOutputBufferSize"):
                    self.assertTrue(frame < int(apache[name]) < most, apache)
        # What is sealed comes in base64, which may have line ends.
        for attachment in (small, 32 << 20):
            self.write("max_attachment = %d\nmax_ciphertext = 1K\n"
                       "max_envelope = 1K\n" % attachment)
            kib = int(numbers("lighttpd")["server.max-request-size"])
            self.assertTrue(attachment * 1.42 < kib * 1024 <
                            attachment * 1.7 + (1 << 20), kib)
            count, size = numbers("nginx")["fastcgi_buffers"].split()
            self.assertTrue(attachment * 1.42 <
                            int(count) * int(size[:-1]) * 1024)
        self.write("max_message = 4K\nfaces = onetime\n")
        self.assertLessEqual(
            int(numbers("lighttpd")["server.max-request-size"]), 1024)
        self.bad(EX_USAGE, ("nginx, lighttpd, apache",), "-c", self.conf,
                 "config", "--web-server", "Caddy")
        self.bad(EX_USAGE, ("twice",), "config", "--web-server", "nginx",
                 "--web-server", "nginx")
        self.bad(EX_USAGE, ("init takes no --web-server",), "-c", self.conf,
                 "init", "--web-server", "nginx")

    def test_conf_by_environment(self):
        """ONCELINK_CONF names the file, -c goes before it"""
        other = self.path("other.conf")
        shutil.copy(self.conf, other)
        with open(other, "a", encoding="utf-8") as file:
            file.write("threads = 5\n")
        environment = {"ONCELINK_CONF": other}
        self.assertIn("\nthreads = 5\n",
                      self.good("config", environment=environment))
        self.assertNotIn("\nthreads = 5\n",
                         self.good("-c", self.conf, "config",
                                   environment=environment))

    def test_bad_conf(self):
        """file, line, key and what is allowed"""
        for text, words in (
                ("\nthreads = 0\n", ("oncelink.conf:2", "threads", "64")),
                ("threads = 1\nthreads = 1\n", ("oncelink.conf:2",
                                                "threads")),
                ("thread = 1\n", ("oncelink.conf:1", "thread"))):
            with self.subTest(text.strip().replace("\n", ", ")):
                self.write(text)
                for command in ("init", "config", "stats"):
                    self.bad(EX_CONFIG, words, "-c", self.conf, command)
        self.bad(EX_CONFIG, ("missing.conf",), "-c",
                 self.path("missing.conf"), "config")

    def test_usage(self):
        """every command says how it is used; what is no command is refused"""
        output = self.good("--help")
        for command in ("init", "backup", "restore", "check", "config",
                        "verify-erased", "server-key", "stats"):
            self.assertIn("  " + command, output)
            self.assertIn("usage: oncelinkctl [-c FILE] " + command,
                          self.good(command, "--help"))
        self.assertRegex(self.good("--version"),
                         r"^oncelinkctl [0-9]+\.[0-9]+\.[0-9]+\n$")
        self.bad(EX_USAGE, ("usage",))
        self.bad(EX_USAGE, ("`burn'",), "burn")
        self.bad(EX_USAGE, ("usage",), "--colour")
        self.bad(EX_USAGE, ("twice",), "-c", self.conf, "-c", self.conf,
                 "config")
        self.bad(EX_USAGE, ("usage",), "-c", self.conf, "init", "now")

    def test_stats_without_site(self):
        """no site, no numbers, and how to make one"""
        self.bad(EX_UNAVAILABLE, (self.key_file,), "-c", self.conf, "stats")

    def test_full_output(self):
        """output that did not arrive is an error"""
        done = run(["/bin/sh", "-c", '"$0" -c "$1" config >/dev/full', CTL,
                    self.conf])
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"standard output", done.stderr)


class Backup(CtlTest):
    """The settings of a site as a file, and a site from it."""

    def setUp(self):
        super().setUp()
        self.write("# of this site\nstate_dir = lib/a/state\n"
                   "key_file = etc/keys/a.key\nlog = stderr\n"
                   "site_name = Å; # [not] a = section\n"
                   "trusted_proxies = 192.0.2.1, 10.0.0.0/8\n")
        self.file = self.path("site.backup")

    def settings(self, conf, **options):
        return [line for line in
                self.good("-c", conf, "config", **options).splitlines()
                if not line.startswith("#")]

    def test_round_trip(self):
        """a new site becomes the old one but for its key"""
        self.good("-c", self.conf, "init")
        self.assertEqual(self.good("-c", self.conf, "backup", self.file), "")
        self.assertEqual(mode(self.file), 0o600)
        new = self.path("new.conf")
        output = self.good("-c", new, "restore", self.file)
        self.assertIn(self.key_file, output)
        self.assertIn("init", output)
        self.assertEqual(self.settings(new), self.settings(self.conf))
        self.assertEqual(mode(new), 0o644)
        self.assertEqual(
            sorted(os.listdir(self.directory)),
            ["etc", "lib", "new.conf", "oncelink.conf", "site.backup"])

    def test_streams(self):
        """- is standard output and standard input"""
        text = self.good("-c", self.conf, "backup", "-")
        self.assertNotIn("threads", text)
        new = self.path("new.conf")
        done = run([CTL, "-c", new, "restore", "-"], body=text.encode())
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(self.settings(new), self.settings(self.conf))

    def test_no_secrets(self):
        """neither keys nor SIGN_KEY; what the environment sets is a setting"""
        key = random_id().hex()
        self.good("-c", self.conf, "init")
        text = self.good("-c", self.conf, "backup", "-", environment={
            "SIGN_KEY": key, "PIN_SIZE": "9"})
        self.assertNotIn(key, text)
        self.assertIn("\npin_size = 9\n", text)
        for word in read(self.key_file).decode().split():
            if len(word) > 16:
                self.assertNotIn(word, text)

    def test_nothing_is_replaced(self):
        """neither a backup nor, without --force, the settings"""
        self.good("-c", self.conf, "backup", self.file)
        before, settings = read(self.file), read(self.conf)
        self.bad(EX_CANTCREAT, (self.file, "not replaced"), "-c", self.conf,
                 "backup", self.file)
        self.assertEqual(read(self.file), before)
        self.bad(EX_CANTCREAT, (self.conf, "--force"), "-c", self.conf,
                 "restore", self.file)
        self.assertEqual(read(self.conf), settings)
        self.write("threads = 7\n")
        self.good("-c", self.conf, "restore", "--force", self.file)
        self.assertIn("site_name = Å; # [not] a = section",
                      self.settings(self.conf))
        self.assertNotIn("threads = 7", self.settings(self.conf))
        self.bad(EX_CANTCREAT, ("No such file",), "-c", self.conf, "backup",
                 self.path("nowhere/file"))

    def test_full_disk(self):
        """a backup that is not whole is an error"""
        done = run(["/bin/sh", "-c", '"$0" -c "$1" backup - >/dev/full', CTL,
                    self.conf])
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"standard output", done.stderr)

    def test_bad_backups(self):
        """what is cut off, newer or no backup is refused whole"""
        whole = self.good("-c", self.conf, "backup", "-")
        new = self.path("new.conf")
        for text, words in (
                (whole[:-9], ("cut off",)),
                (whole[:-12], ("cannot be understood",)),
                (whole.replace("[end]\nform = 1\n", ""), ("cut off",)),
                (whole + "more = 1\n", ("follows the end",)),
                (whole.replace("form = 1", "form = 2", 1),
                 ("later version",)),
                (whole.replace("[settings]", "[secrets]"),
                 ("no such section",)),
                (whole.replace("site_name", "site_names"),
                 ("no setting",)),
                (whole.replace("10.0.0.0/8", "10.0.0.0/99"),
                 ("trusted_proxies", "must be")),
                (whole.replace("log = stderr", "log = stderr\nlog = stderr"),
                 ("only once",)),
                ("threads = 1\n", ("not a backup",)),
                ("nothing", ("neither",)),
                ("", ("cut off",))):
            with self.subTest(words[0]):
                with open(self.file, "w", encoding="utf-8") as file:
                    file.write(text)
                said = self.bad(EX_DATAERR, words, "-c", new, "restore",
                                self.file)
                self.assertNotIn(".restored", said)
                # Lines are those of the backup.
                for line, content in enumerate(text.splitlines(), 1):
                    if "must be" in words and "/99" in content or (
                            "only once" in words and
                            content == "log = stderr"):
                        self.assertIn("%s:%d" % (self.file, line), said)
                self.assertEqual(sorted(os.listdir(self.directory)),
                                 ["oncelink.conf", "site.backup"])
        self.bad(EX_NOINPUT, (self.file,), "-c", new, "restore",
                 self.file + "s")


class ServerKey(SiteTest):
    """Another seal key, under workers that run."""

    def keys(self, site):
        """{number: secrets that need it}, as `server-key list` has it."""
        done = site.ctl("server-key", "list")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return {int(line.split()[0]): int(line.split()[2]) for line in
                done.stdout.decode().splitlines()[1:]}

    def rotate(self, site):
        done = site.ctl("server-key", "rotate")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return done.stdout.decode()

    @staticmethod
    def create(site, worker=0):
        return site.direct(
            "POST", "/secrets", b'{"passphrase":"a","message":"b"}',
            "application/json", worker=worker)

    def read(self, site, created, worker=0):
        answer = site.direct(
            "POST", "/secrets/" + created.json()["id"],
            b'{"passphrase":"a"}', "application/json", worker=worker)
        self.assertStatus(answer, 200)
        self.assertEqual(answer.json()["message"], "b")

    def test_rotate(self):
        """a running worker opens what another sealed with a newer key"""
        site = self.site(server=None)
        with open(site.key_file, encoding="ascii") as file:
            before = file.read()
        old = self.create(site)
        self.assertEqual(self.keys(site), {1: 1})
        self.assertIn("made   key 2", self.rotate(site))
        self.assertEqual(self.keys(site), {1: 1, 2: 0})
        self.assertEqual(mode(site.key_file), 0o600)
        self.assertEqual(os.listdir(site.keys), ["server.key"])
        with open(site.key_file, encoding="ascii") as file:
            after = file.read()
        self.assertTrue(after.startswith(before))
        # CGI starts anew for each request, and seals with the new key.
        made = site.cgi("POST", "/secrets",
                        b'{"passphrase":"a","message":"b"}',
                        "application/json")
        self.assertStatus(made, 200)
        self.assertEqual(self.keys(site), {1: 1, 2: 1})
        self.read(site, made)
        self.read(site, old)
        # Who has opened one knows the key, and seals with it.
        self.assertStatus(self.create(site), 200)
        self.assertEqual(self.keys(site), {1: 0, 2: 1})

    def test_worker_notices(self):
        """a worker seals with the new key soon, and not without a file"""
        site = self.site(server=None)
        self.rotate(site)

        def noticed():
            self.assertStatus(self.create(site), 200)
            return self.keys(site)[2] > 0
        wait_until(noticed, "the worker to use the new key", 30)
        old = self.keys(site)[1]
        self.assertStatus(self.create(site), 200)
        self.assertEqual(self.keys(site)[1], old)

        last = self.create(site)
        os.rename(site.key_file, site.key_file + ".away")
        wait_until(lambda: self.create(site).status == 500,
                   "the worker to refuse", 30)
        # What there is can be read all the same.
        self.read(site, last)
        self.assertIn(site.key_file, site.log())
        os.rename(site.key_file + ".away", site.key_file)
        self.assertStatus(self.create(site), 200)

    def test_nothing_is_lost(self):
        """keys change while secrets are made; a new worker opens them all"""
        site = self.site(server=None, workers=2)
        over = threading.Event()

        def work(number):
            made = []
            if number == 0:
                for _ in range(scaled(20, 5)):
                    self.rotate(site)
                    # A fresh process brings records with the newest key
                    # among those of the workers.
                    made.append(site.cgi(
                        "POST", "/secrets",
                        b'{"passphrase":"a","message":"b"}',
                        "application/json"))
                    self.read(site, made[-1], worker=len(made) % 2)
                over.set()
                return []
            while not over.is_set():
                made.append(self.create(site, worker=number % 2))
                self.assertStatus(made[-1], 200)
            return made
        made = sum(in_threads(5, work), [])
        used = [key for key, count in self.keys(site).items() if count > 0]
        self.assertGreater(len(used), 2)
        self.assertEqual(len(made), sum(self.keys(site).values()))
        for worker in (0, 1):
            site.kill_worker(worker)
        for number, created in enumerate(made):
            self.read(site, created, worker=number % 2)

    def test_unused_go(self):
        """keys that nothing needs go, an hour after they were the newest"""
        site = self.site(server=None)
        kept = self.create(site)
        self.rotate(site)
        self.rotate(site)
        self.assertEqual(self.keys(site), {1: 1, 2: 0, 3: 0})
        # As if the newest were older: the time stands behind the key.
        with open(site.key_file, encoding="ascii") as file:
            text = file.read()
        for age, gone in ((3000, False), (4000, True)):
            with open(site.key_file, "w", encoding="ascii") as file:
                file.write(re.sub(
                    r" \d+\n$", " %d\n" % (time.time() - age), text))
            self.assertEqual("gone   key 2" in self.rotate(site), gone)
        self.assertEqual(self.keys(site), {1: 1, 3: 0, 4: 0})
        self.read(site, kept)

    def test_lost(self):
        """secrets whose key is not in the file are told"""
        site = self.site(server=None)
        self.rotate(site)
        made = site.cgi("POST", "/secrets",
                        b'{"passphrase":"a","message":"b"}',
                        "application/json")
        self.assertStatus(made, 200)
        with open(site.key_file, encoding="ascii") as file:
            lines = file.readlines()
        with open(site.key_file, "w", encoding="ascii") as file:
            file.writelines(lines[:3])
        for command in ("list", "rotate"):
            done = site.ctl("server-key", command)
            self.assertEqual(done.returncode, EX_DATAERR)
            self.assertIn(b"put the right key file back", done.stderr)
            self.assertNotIn(lines[3].split()[2].encode(),
                             done.stdout + done.stderr)

    def test_refusals(self):
        """no file, no such command, somebody else at it"""
        site = self.site(server=None, start=False)
        done = site.ctl("server-key", "rotate", environment={
            "SIGN_KEY": random_id().hex()})
        self.assertEqual(done.returncode, EX_CONFIG)
        self.assertIn(b"SIGN_KEY", done.stderr)
        done = site.ctl("server-key", "burn")
        self.assertEqual(done.returncode, EX_USAGE)
        directory = os.open(site.keys, os.O_RDONLY)
        self.addCleanup(os.close, directory)
        fcntl.flock(directory, fcntl.LOCK_EX)
        done = site.ctl("server-key", "rotate")
        self.assertEqual(done.returncode, EX_CANTCREAT)
        self.assertIn(b"somebody else", done.stderr)


class Stats(SiteTest):
    """What stats counts."""

    def stats(self, site):
        done = site.ctl("stats")
        self.assertEqual(done.returncode, 0, done)
        return {name: int(value) for name, value in
                (line.split(" = ") for line in
                 done.stdout.decode().splitlines())}

    def test_counts(self):
        """secrets by state, records and claims"""
        site = self.site(server=None)
        site.direct("POST", "/secrets", b'{"passphrase":"a","message":"b"}',
                    "application/json")
        before = self.stats(site)
        self.assertEqual(before["secrets_waiting"], 1)
        self.assertEqual(before["records"], 1)
        created = site.direct(
            "POST", "/secrets", b'{"passphrase":"a","message":"b"}',
            "application/json").json()
        site.direct("POST", "/secrets/" + created["id"],
                    b'{"passphrase":"a"}', "application/json")
        after = self.stats(site)
        self.assertEqual(after["secrets_waiting"], 1)
        self.assertEqual(after["secrets_opened"], 1)
        self.assertEqual(after["records"], 1)
        self.assertEqual(after["claims"], 0)
        self.assertEqual(after["requests"], 0)
        self.assertEqual(after["mails"], 0)
        self.assertGreater(after["bytes_used"], 0)


class Check(SiteTest):
    """What check shows of a stranger's answer."""

    def test_terminal(self):
        """no byte of it can steer a terminal"""
        site = self.site(server=None, start=False)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            def answer():
                connection = listener.accept()[0]
                with connection:
                    connection.recv(1 << 16)
                    connection.sendall(
                        b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n"
                        b"Location: /\x1b]0;t\x07\x7f\x9b\xc2\x9bend\r\n"
                        b"Connection: close\r\n\r\n")
            thread = threading.Thread(target=answer, daemon=True)
            thread.start()
            done = site.ctl("check", "--url",
                            "http://127.0.0.1:%d/" % listener.getsockname()[1])
            thread.join()
        self.assertIn(b"it redirects to /?]0;t?????end;", done.stdout)


if __name__ == "__main__":
    main()
