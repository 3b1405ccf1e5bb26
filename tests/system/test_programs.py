# SPDX-License-Identifier: ISC
"""The programs as the one who runs them sees them: settings, new sites, a busy
store and a full one."""

import fcntl
import json
import os
import re
import resource
import socket
import stat
import subprocess
import threading
import time

from oncelink_site import CTL, SWEEP, WORKER, run, wait_until
from oncelink_test import SiteTest, in_threads, main, note
from oncelink_wire import (
    FRAME_TYPE, JSON_TYPE, FcgiRequest, cgi_params, native_creation,
    native_opening, parse_frame, random_envelope, random_id,
    safesecrets_path,
)

EX_OSERR = 71
EX_CANTCREAT = 73
EX_CONFIG = 78


class Settings(SiteTest):
    """Where settings come from and what they do."""

    def test_config(self):
        """config prints every setting, its value and where it is from"""
        site = self.site(server=None, start=False,
                         settings={"max_expire": "12h", "faces": "native"})
        done = site.ctl("config", environment={"PIN_SIZE": "7"})
        self.assertEqual(done.returncode, 0, done.stderr)
        text = done.stdout.decode()
        names = re.findall(r"^(\w+) =", text, re.M)
        for name in (
                "state_dir key_file site_name path_prefix faces create "
                "trusted_proxies threads shutdown_seconds lock_wait "
                "kdf_wait erase_delay max_store kdf_passes kdf_memory "
                "max_message max_envelope max_expire default_views "
                "claim_seconds keep_receipts pin_size pin_attempts "
                "safesecrets_max_expire log log_level").split():
            self.assertEqual(names.count(name), 1, name)
        for name, value, source in (
                ("max_expire", "12h", site.conf_file), ("pin_size", "7",
                                                        "environment"),
                ("max_message", "64K", "default"), ("faces", "native",
                                                    site.conf_file)):
            self.assertRegex(text, r"from: %s.*\n%s = %s\n" % (
                re.escape(source), name, value))
        # What it prints can be read again, and means the same.
        again = os.path.join(site.directory, "again.conf")
        with open(again, "wb") as file:
            file.write(done.stdout)
        second = run([CTL, "-c", again, "config"])
        self.assertEqual(second.returncode, 0, second.stderr)
        self.assertEqual(re.findall(r"^\w+ =.*", text, re.M), re.findall(
            r"^\w+ =.*", second.stdout.decode(), re.M))

    def test_oncelink_conf(self):
        """ONCELINK_CONF says where the file is; -c goes before it"""
        site = self.site(server=None, start=False)
        for program in ([CTL, "stats"], [SWEEP]):
            done = run(program, {"ONCELINK_CONF": site.conf_file})
            self.assertEqual(done.returncode, 0, done.stderr)
            done = run(program, {"ONCELINK_CONF": "/nonexistent"})
            self.assertEqual(done.returncode, EX_CONFIG)
            self.assertIn(b"/nonexistent", done.stderr)
            done = run(program + ["-c", site.conf_file],
                       {"ONCELINK_CONF": "/nonexistent"})
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_relative_paths(self):
        """paths in the file are taken from the file's own directory"""
        site = self.site(server=None, start=False)
        site.configure(state_dir="state", key_file="keys/server.key")
        done = run([CTL, "-c", site.conf_file, "stats"], cwd="/")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_safesecrets_names(self):
        """MAX_EXPIRE, PIN_SIZE, PIN_ATTEMPTS and SIGN_KEY of the
        environment"""
        site = self.site(server=None, environment={
            "MAX_EXPIRE": "1h30m", "PIN_SIZE": "7", "PIN_ATTEMPTS": "2",
            "SIGN_KEY": "sixteen bytes at least"},
            settings={"pin_size": "4", "pin_attempts": "9"})
        self.assertFalse(os.path.exists(site.key_file))
        params = site.direct("GET", "/api/v1/params").json()
        self.assertEqual(
            (params["pin_size"], params["max_pin_attempts"],
             params["max_exp_sec"]), (7, 2, 5400))

        def create(pin, exp):
            return site.direct("POST", "/api/v1/message", json.dumps({
                "message": "m", "exp": exp, "pin": pin}).encode())

        self.assertStatus(create("12345", 60), 400)
        self.assertStatus(create("1234567", 5401), 400)
        answer = create("1234567", 5400)
        self.assertStatus(answer, 201)
        other = create("1234567", 60).json()["key"]
        for status, text in ((417, "wrong pin attempt"),
                             (400, "wrong pin"),
                             (400, "message expired or deleted")):
            wrong = site.direct("GET", safesecrets_path(
                answer.json()["key"], "7654321"))
            self.assertStatus(wrong, status)
            self.assertEqual(wrong.json(), {"error": text})
        # Another SIGN_KEY finds nothing; the same one, later, does.
        self.assertEqual(site.stop_workers(), [0])
        path = safesecrets_path(other, "1234567")
        environment = dict(site.environment)
        site.environment["SIGN_KEY"] = "sixteen other bytes"
        self.assertStatus(site.cgi("GET", path), 400)
        site.environment = environment
        self.assertStatus(site.cgi("GET", path), 200)

    def test_other_key(self):
        """with another key file nothing is found, and nothing is lost"""
        site = self.site(server=None)
        answer = site.direct("POST", "/api/v1/message",
                             b'{"message":"m","exp":60,"pin":"12345"}')
        path = safesecrets_path(answer.json()["key"], "12345")
        site.stop_workers()
        other = self.site(server=None, start=False)
        os.rename(site.key_file, site.key_file + ".right")
        with open(other.key_file, "rb") as source:
            with open(site.key_file, "wb") as file:
                os.chmod(site.key_file, 0o600)
                file.write(source.read())
        for _ in range(4):
            self.assertStatus(site.cgi("GET", path), 400)
        os.rename(site.key_file + ".right", site.key_file)
        self.assertStatus(site.cgi("GET", path), 200)


class Operating(SiteTest):
    """init, stats, the sweeper; a busy store and a full one."""

    def test_init(self):
        """init makes everything with safe modes, and changes nothing when
        it is there"""
        site = self.site(server=None, start=False)
        modes = {
            site.state: 0o700, site.keys: 0o700, site.key_file: 0o600,
            site.database: 0o600}
        for path, mode in modes.items():
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), mode, path)
        for name in os.listdir(site.state):
            status = os.stat(os.path.join(site.state, name))
            self.assertEqual(stat.S_IMODE(status.st_mode) & 0o077, 0, name)
        with open(site.key_file, "rb") as file:
            key = file.read()
        answer = site.cgi("POST", "/api/v1/message",
                          b'{"message":"m","exp":60,"pin":"12345"}')
        done = site.ctl("init")
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(site.key_file, "rb") as file:
            self.assertEqual(file.read(), key)
        self.assertStatus(site.cgi("GET", safesecrets_path(
            answer.json()["key"], "12345")), 200)
        # Also under an umask that takes nothing away.
        other = self.site(server=None, start=False)
        for path in (other.key_file, other.database):
            os.unlink(path)
        for suffix in ("-wal", "-shm"):
            if os.path.exists(other.database + suffix):
                os.unlink(other.database + suffix)
        old = os.umask(0)
        try:
            self.assertEqual(other.ctl("init").returncode, 0)
        finally:
            os.umask(old)
        for path in (other.key_file, other.database):
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)

    def test_links(self):
        """a state directory and keys on another disk, behind links, as a home
        may be"""
        site = self.site(server=None, start=False)
        disk = os.path.join(site.directory, "disk")
        os.mkdir(disk)
        for path in (site.state, site.keys):
            os.rename(path, os.path.join(disk, os.path.basename(path)))
            os.symlink(os.path.join(disk, os.path.basename(path)), path)
        above = os.path.join(site.directory, "above")
        os.symlink(disk, above)
        os.unlink(os.path.realpath(site.database))
        self.assertEqual(site.ctl("init").returncode, 0)
        for state in (site.state, os.path.join(above, "state")):
            site.configure(state_dir=state)
            site.start()
            answer = site.direct("POST", "/api/v1/message",
                                 b'{"message":"m","exp":60,"pin":"12345"}')
            path = safesecrets_path(answer.json()["key"], "12345")
            self.assertEqual(site.direct("GET", path).json()["message"], "m")
            self.assertEqual(site.sweep().returncode, 0)
            site.stop_workers()

    def test_stats(self):
        """stats counts secrets by state, records and claims"""
        site = self.site()
        receipts = []
        for _ in range(5):
            secret, receipt = random_id(), random_id()
            site.native_create(secret, receipt, random_envelope())
            receipts.append((secret, receipt))
        site.native("receipts/burn", receipt=receipts[0][1])
        site.native("secrets/open", id=receipts[1][0], claim=random_id())
        done = site.ctl("stats")
        self.assertEqual(done.returncode, 0, done.stderr)
        values = dict(re.findall(r"^(\w+) = (\d+)$", done.stdout.decode(),
                                 re.M))
        for name, value in (
                ("secrets_waiting", 3), ("secrets_burned", 1),
                ("secrets_opened", 1), ("secrets_expired", 0),
                ("secrets_locked", 0), ("records", 4), ("claims", 1)):
            self.assertEqual(values.get(name), str(value), name)

    def test_sweeper(self):
        """the sweeper is silent without -v and says what it did with it"""
        site = self.site(settings={"claim_seconds": "1s"})
        receipts = []
        for _ in range(12):
            secret, receipt = random_id(), random_id()
            site.native_create(secret, receipt, random_envelope())
            receipts.append((secret, receipt))

        def expire():
            with site.writer() as database:
                past = int(time.time() * 1000) - 1
                database.execute(
                    "UPDATE secret SET expires_at = :past, due_at = :past "
                    "WHERE id IN (SELECT id FROM secret "
                    "WHERE record <> 0 AND state = 0 LIMIT 5)",
                    {"past": past})

        expire()
        done = site.sweep()
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, b"", b""))
        expire()
        done = site.sweep("-v")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout + done.stderr, rb"\b5\b")
        self.assertStatus(site.native(
            "receipts/burn", receipt=receipts[0][1]), 200)
        with site.reader() as database:
            (left,) = database.execute(
                "SELECT count(*) FROM record").fetchone()
        self.assertLessEqual(left, 2)

    def test_sweeper_locked_out(self):
        """a sweeper that finds another one at work does nothing, and that
        is no failure"""
        site = self.site(server=None, start=False)
        with open(os.path.join(site.state, "sweep.lock"), "ab") as file:
            os.chmod(file.name, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX)
            done = site.sweep()
            self.assertEqual((done.returncode, done.stdout, done.stderr),
                             (0, b"", b""))
            self.assertTrue(site.sweep("-v").stdout)

    def test_busy(self):
        """a store whose lock is held: 503 with Retry-After, nothing lost,
        and reading without writing goes on"""
        site = self.site(settings={"lock_wait": "200ms"})
        secret, receipt, claim = random_id(), random_id(), random_id()
        envelope = random_envelope()
        site.native_create(secret, receipt, envelope)
        key = site.safesecrets_create("text").json()["key"]
        one = site.onetime_create("text").json()["id"]
        with site.write_lock():
            for answer in (
                    site.native_create(random_id(), random_id(), envelope),
                    site.native("secrets/open", id=secret, claim=claim),
                    site.native("receipts/burn", receipt=receipt)):
                problem = self.assertProblem(answer, 503)
                self.assertEqual(answer.headers["retry-after"],
                                 str(problem["retry_after"]))
                self.assertNotIn(envelope, answer.body)
            for answer in (
                    site.safesecrets_create("text"),
                    site.safesecrets_open(key),
                    site.safesecrets_open(key, "54321"),
                    site.onetime_create("text"), site.onetime_open(one)):
                self.assertStatus(answer, 503)
                self.assertIn("retry-after", answer.headers)
                self.assertNotIn(b"text", answer.body)
            for answer in (
                    site.native("secrets/peek", id=secret),
                    site.native("receipts/peek", receipt=receipt),
                    site.request("GET", "/api/v2/params")):
                self.assertStatus(answer, 200)
            # Many at once wait no longer than one.
            answers = site.burst([
                ("POST", "/api/v2/secrets/open",
                 native_opening(secret, random_id()), JSON_TYPE)] * 40)
            self.assertEqual({answer.status for answer in answers}, {503})
            # A program that needs the store says so.
            done = site.sweep()
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(site.database.encode(), done.stderr)
        answer = site.native("secrets/open", id=secret, claim=claim)
        self.assertStatus(answer, 200)
        self.assertEqual(parse_frame(answer.body)[1], envelope)
        for wrong in (417, 417):
            self.assertStatus(site.safesecrets_open(key, "54321"), wrong)
        self.assertStatus(site.safesecrets_open(key), 200)
        self.assertStatus(site.onetime_open(one), 200)
        with site.reader() as database:
            (count,) = database.execute(
                "SELECT count(*) FROM secret").fetchone()
        self.assertEqual(count, 3)

    def test_lock_comes_free(self):
        """who waits for the lock gets it when it comes free"""
        site = self.site()
        secret, envelope = random_id(), random_envelope()
        answers = []
        with site.write_lock():
            waiting = threading.Thread(target=lambda: answers.append(
                site.native_create(secret, random_id(), envelope)))
            waiting.start()
            # It waits in the kernel, for our lock.
            lock = os.stat(os.path.join(site.state, "write.lock")).st_ino
            wait_until(lambda: self.is_awaited(lock),
                       "the worker to wait for the lock")
            self.assertEqual(answers, [])
        waiting.join(30)
        self.assertStatus(answers[0], 201)

    @staticmethod
    def is_awaited(inode):
        """Does anybody wait for the lock on this file?"""
        with open("/proc/locks", encoding="ascii") as file:
            return any("->" in line and ":%d " % inode in line
                       for line in file)

    def test_full(self):
        """a full store: creating is 507, reading and burning still work"""
        site = self.site(settings={"max_store": "1M", "max_envelope": "64K"})
        made, refused = [], 0
        for _ in range(200):
            secret, receipt, envelope = (
                random_id(), random_id(), random_envelope(60))
            answer = site.native_create(secret, receipt, envelope)
            if answer.status == 201:
                made.append((secret, receipt, envelope))
                continue
            # The database's log counts too, until it is written back.
            refused += 1
            if refused == 1:
                note("%d KB of records when it was full first" % (
                    len(made) * len(envelope) // 1024))
            if refused == 3:
                break
            self.assertEqual(site.sweep().returncode, 0)
        self.assertProblem(answer, 507)
        self.assertGreater(len(made), 5)
        note("%d KB of records when it was full" % (
            len(made) * len(envelope) // 1024))
        # What is refused left nothing behind; the other faces say 507 too.
        self.assertProblem(site.native("secrets/peek", id=secret), 404)
        big = "x" * 60000
        self.assertStatus(site.safesecrets_create(big), 507)
        self.assertStatus(site.onetime_create(big), 507)
        # What is kept for views and claims was not given to new secrets.
        stats = site.ctl("stats").stdout.decode()
        used = int(re.search(r"^bytes_used = (\d+)$", stats, re.M)[1])
        self.assertLessEqual(used, 1 << 20)
        self.assertLessEqual(os.path.getsize(site.database),
                             (1 << 20) * 17 // 16)
        # All that is there can be read, burned, locked.
        for number, (secret, receipt, envelope) in enumerate(made):
            if number % 3 == 0:
                answer = site.native("receipts/burn", receipt=receipt)
                self.assertStatus(answer, 200)
                continue
            claim = random_id()
            answer = site.native("secrets/open", id=secret, claim=claim)
            self.assertStatus(answer, 200)
            self.assertEqual(parse_frame(answer.body)[1], envelope)
            if number % 3 == 1:
                self.assertStatus(site.native(
                    "secrets/ack", id=secret, claim=claim), 204)
        # And there is room again, at the latest after a sweep.
        self.assertEqual(site.sweep().returncode, 0)
        self.assertStatus(site.native_create(
            random_id(), random_id(), random_envelope(60)), 201)

    def test_full_at_once(self):
        """many makers at a store that gets full: each is told the truth"""
        site = self.site(settings={"max_store": "1M", "max_envelope": "64K"})
        envelope = random_envelope(20)
        stored, refused = [], 0
        for _ in range(6):
            ids = [random_id() for _ in range(32)]
            answers = site.burst([
                ("POST", "/api/v2/secrets",
                 native_creation(secret, random_id(), envelope), FRAME_TYPE)
                for secret in ids])
            for secret, answer in zip(ids, answers):
                if answer.status == 201:
                    stored.append(secret)
                else:
                    self.assertProblem(answer, 507)
                    self.assertProblem(
                        site.native("secrets/peek", id=secret), 404)
                    refused += 1
        self.assertGreater(refused, 0)
        answers = in_threads(4, lambda number: [
            site.native("secrets/open", id=secret, claim=random_id())
            for secret in stored[number::4]])
        for answer in [one for some in answers for one in some]:
            self.assertStatus(answer, 200)
            self.assertEqual(parse_frame(answer.body)[1], envelope)

    def test_inherited_socket(self):
        """a listening socket at descriptor 0, and one from systemd"""
        site = self.site(server=None, start=False)
        for systemd in (False, True):
            path = os.path.join(site.directory, "given-%d" % systemd)
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(path)
            listener.listen(64)
            arguments = [WORKER, "-c", site.conf_file]
            if systemd:
                arguments = [
                    "sh", "-c", 'exec 3<&0 0</dev/null; '
                    'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', "sh"] + arguments
            worker = subprocess.Popen(arguments, stdin=listener,
                                      stderr=subprocess.DEVNULL)
            listener.close()
            site.sockets[0] = path
            try:
                self.assertStatus(site.direct("GET", "/ping"), 200)
            finally:
                worker.terminate()
                self.assertEqual(worker.wait(20), 0)

    def test_files_run_out(self):
        """a worker that may open no more files says so once and waits: who
        came meanwhile is answered as soon as it may"""
        site = self.site(server=None, threads=2)
        self.assertStatus(site.direct("GET", "/ping"), 200)
        pid = site.workers[0].pid
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        # With less not even poll works.
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limits[1]))
        failure = "event=request-failed where=accept"
        # Those that wait already take one each.
        requests = [FcgiRequest(site.sockets[0]) for _ in range(4)]
        for request in requests:
            self.addCleanup(request.close)
            request.begin(cgi_params("GET", "/ping"))
            request.finish()
        wait_until(lambda: failure in site.log(), "the log to say it")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        for request in requests:
            self.assertStatus(request.response(), 200)
        # Not once for each try.
        self.assertLessEqual(site.log().count(failure), 4)

    def test_broken_socket(self):
        """a worker whose socket is worth nothing any more ends, and does not
        try again for ever"""
        site = self.site(server=None, start=False)
        path = os.path.join(site.directory, "given")
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(path)
        listener.listen(64)
        worker = subprocess.Popen([WORKER, "-c", site.conf_file],
                                  stdin=listener, stderr=subprocess.PIPE)
        site.sockets[0] = path
        try:
            self.assertStatus(site.direct("GET", "/ping"), 200)
            listener.shutdown(socket.SHUT_RDWR)
            said = worker.communicate(timeout=20)[1].decode()
        finally:
            worker.kill()
            worker.wait()
        self.assertEqual(worker.returncode, EX_OSERR)
        self.assertIn("where=accept", said + site.log())

    def test_unfit_paths(self):
        """--listen where a file is, or with a longer name than a socket can
        have: refused, and the file is as it was"""
        site = self.site(server=None, start=False)
        path = os.path.join(site.directory, "file")
        with open(path, "w", encoding="ascii") as file:
            file.write("kept")
        for address, why in (
                (path, "in use"),
                (os.path.join(site.directory, "x" * 120), "too long"),
                (os.path.join(site.directory, "none", "s"), "No such file")):
            done = run([WORKER, "-c", site.conf_file, "--listen", address])
            self.assertEqual(done.returncode, EX_CANTCREAT)
            self.assertIn(why, done.stderr.decode())
        with open(path, encoding="ascii") as file:
            self.assertEqual(file.read(), "kept")

    def test_small_writes(self):
        """the worker writes to its state directory only"""
        site = self.site()
        before = set(self.files(site))
        site.safesecrets_create("text")
        site.native_create(random_id(), random_id(), random_envelope())
        site.sweep()
        new = set(self.files(site)) - before
        self.assertEqual(
            [name for name in new if not name.startswith(site.state)], [])

    @staticmethod
    def files(site):
        return [os.path.join(place, name)
                for place, _, names in os.walk(site.directory)
                for name in names]


if __name__ == "__main__":
    main()
