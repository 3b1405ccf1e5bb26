# SPDX-License-Identifier: ISC
"""What keeps the programs from starting, and how they say so."""

import os
import re
import stat

from oncelink_site import CTL, SWEEP, WORKER, run
from oncelink_test import SiteTest, main
from oncelink_wire import cgi_params, parse_cgi

EX_USAGE, EX_UNAVAILABLE, EX_OSERR, EX_CONFIG = 64, 69, 71, 78


class Refusals(SiteTest):
    """Every program ends by itself, with one line that says why."""

    def quiet_site(self, **settings):
        return self.site(server=None, start=False, settings=settings)

    def worker(self, site, environment=None):
        """The worker is expected to end by itself, without its socket."""
        done = run([WORKER, "-c", site.conf_file, "--listen",
                    site.sockets[0]], environment, seconds=20)
        self.assertFalse(os.path.exists(site.sockets[0]))
        return done

    def refused(self, site, *words, environment=None, status=EX_CONFIG):
        """Every program refuses, with all these words in one line."""
        for done in (self.worker(site, environment),
                     run([SWEEP, "-c", site.conf_file], environment),
                     run([CTL, "-c", site.conf_file, "stats"], environment)):
            said = done.stderr.decode()
            self.assertEqual(done.returncode, status, (done.args, said))
            self.assertEqual(done.stdout, b"", done.args)
            for word in words:
                self.assertRegex(said, word, done.args)
            self.assertEqual(len(said.strip().splitlines()), 1, said)

    def test_bad_settings(self):
        """a bad setting is named with file, line, key and what is allowed"""
        for line, allowed in (
                ("threads = 0", "1"), ("threads = 65", "64"),
                ("threads = many", "64"), ("threads =", "64"),
                ("threads = 4 4", "64"), ("threads = 0x10", "64"),
                ("kdf_passes = 11", "10"), ("kdf_memory = 1M", "8M"),
                ("kdf_memory = 300M", "256M"), ("max_store = 1T1", ""),
                ("lock_wait = soon", ""), ("lock_wait = -1s", ""),
                ("create = everyone", "anyone"),
                ("faces = safesecrets password.link", "onetime"),
                ("log = file", "stderr"), ("log_level = debug", "warning"),
                ("trusted_proxies = 10.0.0.0/33", "address"),
                ("trusted_proxies = example.org", "address"),
                ("path_prefix = once", "/"), ("pin_attempts = 0", ""),
                ("pin_attempts = 99999999999999999999", ""),
                ("max_envelope = 2G", "max_store|G|M")):
            with self.subTest(line):
                site = self.quiet_site()
                key = line.split("=")[0].strip()
                with open(site.conf_file, encoding="utf-8") as file:
                    lines = [old for old in file.read().splitlines()
                             if not old.startswith(key + " ")]
                with open(site.conf_file, "w", encoding="utf-8") as file:
                    file.write("# a comment\n" + "\n".join(
                        lines + [line]) + "\n")
                self.refused(site, re.escape(site.conf_file) + ":%d" % (
                    len(lines) + 2), key, "must be.*" + allowed)

    def test_bad_files(self):
        """an unknown or repeated key, a line that is none, no file"""
        for content, line, words in (
                ("treads = 4\n", 1, ("treads", "config")),
                ("\n\nthreads = 4\nthreads = 4\n", 4, ("threads", ":3")),
                ("threads\n", 1, ()), ("[section\n", 1, ()),
                ("\nthreads: 4 = 5\n", 2, ())):
            with self.subTest(content):
                site = self.quiet_site()
                with open(site.conf_file, "w", encoding="utf-8") as file:
                    file.write(content)
                self.refused(site, re.escape(site.conf_file)
                             + ":%d" % line, *words)
        site = self.quiet_site()
        os.unlink(site.conf_file)
        self.refused(site, re.escape(site.conf_file), "No such file")

    def test_environment(self):
        """bad values in the environment are named too"""
        site = self.quiet_site()
        for name, value, word in (
                ("MAX_EXPIRE", "soon", "must be"),
                ("PIN_SIZE", "0", "must be"),
                ("PIN_ATTEMPTS", "x", "must be")):
            with self.subTest(name):
                self.refused(site, "environment", name, word,
                             environment={name: value})
        self.refused(site, "SIGN_KEY", "16 bytes", status=EX_UNAVAILABLE,
                     environment={"SIGN_KEY": "too short"})

    def test_key_file(self):
        """a key file that is missing, open to others, damaged or no file"""
        site = self.quiet_site()
        name = re.escape(site.key_file)
        for mode in (0o640, 0o604, 0o660, 0o644):
            os.chmod(site.key_file, mode)
            self.refused(site, name, "mode|others|group|readable|open",
                         status=EX_UNAVAILABLE)
        os.chmod(site.key_file, 0o600)
        self.assertEqual(site.ctl("stats").returncode, 0)
        with open(site.key_file, "rb") as file:
            content = file.read()
        for damaged in (b"", content[:-9], content + b"x", b"x" + content):
            with open(site.key_file, "wb") as file:
                file.write(damaged)
            self.refused(site, name, status=EX_UNAVAILABLE)
        os.unlink(site.key_file)
        self.refused(site, name, "No such file|missing|does not exist",
                     status=EX_UNAVAILABLE)
        # And init does not make another key for this database.
        done = site.ctl("init")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(site.key_file.encode(), done.stderr)
        self.assertFalse(os.path.exists(site.key_file))
        os.mkdir(site.key_file, 0o600)
        self.refused(site, name, status=EX_UNAVAILABLE)

    def test_state_directory(self):
        """a state directory or database that is missing or open to
        others"""
        site = self.quiet_site()
        name = re.escape(site.state)
        for mode in (0o750, 0o705, 0o701, 0o770):
            os.chmod(site.state, mode)
            self.refused(site, name, "mode|others|group|open",
                         status=EX_UNAVAILABLE)
        os.chmod(site.state, 0o700)
        for mode in (0o640, 0o604):
            os.chmod(site.database, mode)
            self.refused(site, name, "mode|others|group|open",
                         status=EX_UNAVAILABLE)
        os.chmod(site.database, 0o600)
        self.assertEqual(site.ctl("stats").returncode, 0)
        for suffix in ("", "-wal", "-shm"):
            os.rename(site.database + suffix,
                      site.database + suffix + ".away")
        self.refused(site, name, status=EX_UNAVAILABLE)
        with open(site.database, "wb") as file:
            os.chmod(site.database, 0o600)
            file.write(b"no database at all" * 1000)
        self.refused(site, name, status=EX_UNAVAILABLE)
        os.unlink(site.database)
        os.rename(site.state, site.state + ".away")
        self.refused(site, name, status=EX_UNAVAILABLE)

    def test_other_database(self):
        """a database of another program or of a later version is left
        alone"""
        for pragma in ("application_id = 5", "user_version = 1000"):
            site = self.quiet_site()
            with site.writer() as database:
                database.execute("PRAGMA " + pragma)
            self.refused(site, re.escape(site.state), status=EX_UNAVAILABLE)

    def test_unsafe(self):
        """a process that its system does not let be safe does not start; the
        web server of a CGI program gets an answer, 500"""
        site = self.quiet_site()
        # LeakSanitizer does not work where somebody else traces.
        environment = {"ASAN_OPTIONS": "detect_leaks=0"}
        for words, options in (
                ("/dev/null cannot be opened",
                 ["-P", "/dev/null", "-e", "inject=openat:error=EMFILE"]),
                ("core files cannot be switched off",
                 ["-e", "inject=prctl:error=EPERM"])):
            tracer = ["strace", "-q", "-o", os.path.join(
                site.directory, "trace"), *options]
            for program in ([WORKER, "--listen", site.sockets[0]], [SWEEP],
                            [CTL, "stats"]):
                with self.subTest(words, program=os.path.basename(
                        program[0])):
                    done = run([*tracer, *program, "-c", site.conf_file],
                               environment, seconds=20)
                    self.assertEqual(done.returncode, EX_OSERR, done)
                    self.assertEqual(done.stdout, b"")
                    self.assertEqual(done.stderr.decode(), "%s: %s\n" % (
                        os.path.basename(program[0]), words))
                    self.assertFalse(os.path.exists(site.sockets[0]))
            with self.subTest(words, program="CGI"):
                done = run([*tracer, WORKER, "-c", site.conf_file], {
                    **environment, **cgi_params("GET", "/api/v2/health")})
                self.assertEqual(done.returncode, EX_OSERR, done)
                self.assertStatus(parse_cgi(done.stdout), 500)
                self.assertIn(words, done.stderr.decode())
                # Nothing was the matter with the rest of it.
                self.assertStatus(site.cgi("GET", "/api/v2/health"), 200)

    def test_socket_in_use(self):
        """--listen where somebody answers is refused, a dead socket is
        replaced"""
        site = self.site(server=None)
        done = run([WORKER, "-c", site.conf_file, "--listen",
                    site.sockets[0]], seconds=20)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(site.sockets[0].encode(), done.stderr)
        self.assertStatus(site.direct("GET", "/ping"), 200)
        self.assertEqual(
            stat.S_IMODE(os.stat(site.sockets[0]).st_mode), 0o660)
        site.kill_worker(0)
        self.assertStatus(site.direct("GET", "/ping"), 200)

    def test_arguments(self):
        """wrong arguments are EX_USAGE; --help and --version are not"""
        site = self.quiet_site()
        file = site.conf_file
        for arguments in (
                [WORKER, "-x"], [WORKER, "-c", file, "more"],
                [WORKER, "-c", file, "-c", file], [WORKER, "-c"],
                [WORKER, "-c", file],
                [WORKER, "--listen", "a", "--listen", "b"],
                [CTL], [CTL, "nothing"], [CTL, "init", "more"],
                [CTL, "-c", file, "-c", file, "stats"],
                [SWEEP, "-x"], [SWEEP, "-c", file, "more"]):
            done = run(arguments)
            self.assertEqual(done.returncode, EX_USAGE, (
                arguments, done.stderr))
            self.assertTrue(done.stderr)
        for program in (WORKER, CTL, SWEEP):
            for option in ("--help", "--version"):
                done = run([program, option])
                self.assertEqual(done.returncode, 0, (program, option))
                self.assertIn(os.path.basename(program).encode(),
                              done.stdout)
                self.assertEqual(done.stderr, b"")

    def test_query_is_no_argument(self):
        """a query of a CGI request is never taken for options"""
        site = self.quiet_site()
        done = run([WORKER, "-c", "/nonexistent"], {
            "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "GET",
            "REQUEST_URI": "/ping?-c+/nonexistent",
            "QUERY_STRING": "-c+/nonexistent",
            "ONCELINK_CONF": site.conf_file})
        self.assertNotIn(b"nonexistent", done.stdout + done.stderr)
        self.assertTrue(done.stdout.endswith(b"\r\n\r\npong"), done)


if __name__ == "__main__":
    main()
