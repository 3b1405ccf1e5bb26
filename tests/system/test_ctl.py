# SPDX-License-Identifier: ISC
"""oncelinkctl: a new site, its settings, its numbers; and what it refuses."""

import os
import re
import shutil
import stat
import tempfile
import unittest

from oncelink_site import CTL, run
from oncelink_test import SiteTest, main
from oncelink_wire import random_id

EX_USAGE, EX_UNAVAILABLE, EX_CANTCREAT, EX_CONFIG = 64, 69, 73, 78


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def read(path):
    with open(path, "rb") as file:
        return file.read()


class Ctl(unittest.TestCase):
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
        for name in os.listdir(self.state):
            os.unlink(os.path.join(self.state, name))
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
            return dict(re.findall(r"^\s*([A-Za-z_.-]+)[ =]+([0-9][^;\n]*)",
                                   output, re.M))
        small, large = 64 << 10, 8 << 20
        for envelope in (small, large):
            with self.subTest("envelope of %d" % envelope):
                self.write("max_envelope = %d\nmax_message = 2K\n"
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
                for name in ("LimitRequestBody", "FcgidMaxRequestLen"):
                    self.assertTrue(frame < int(apache[name]) < most, apache)
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
        for command in ("init", "config", "stats"):
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
        self.assertGreater(after["bytes_used"], 0)


if __name__ == "__main__":
    main()
