# SPDX-License-Identifier: ISC
"""How a worker and the sweeper are started at boot: the script of spawn-fcgi,
the units of systemd with what they forbid, the variant that has no disk, and
the lines of cron."""

import contextlib
import ctypes
import functools
import grp
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from oncelink_site import (
    Process, become, has_counts, listens, run, wait_until, without_counts,
)
from oncelink_test import SiteTest, main
from oncelink_wire import (
    FRAME_TYPE, FcgiRequest, JSON_TYPE, cgi_params, http_bytes,
    native_creation, native_opening, parse_frame, random_envelope, random_id,
)

PR_SET_CHILD_SUBREAPER = 36
UNITS = ("oncelink.service", "oncelink.socket", "oncelink-sweep.service",
         "oncelink-sweep.timer")
SERVICES = ("oncelink.service", "oncelink-sweep.service")

# Of 10, by systemd's reckoning.
MOST_EXPOSED = 0.5


def now():
    return int(time.time() * 1000)


class ServiceTest(SiteTest):

    def filled(self, **options):
        """A site whose server and workers the test starts itself."""
        return self.site("nginx", conf="shipped", start=False, **options)

    def health(self, site):
        answer = site.direct("GET", "/api/v2/health")
        self.assertStatus(answer, 200)

    def secret(self, site):
        """Make one and read it."""
        secret, claim = random_id(), random_id()
        envelope = random_envelope()
        self.assertStatus(site.direct(
            "POST", "/api/v2/secrets",
            native_creation(secret, random_id(), envelope), FRAME_TYPE), 201)
        answer = site.direct("POST", "/api/v2/secrets/open",
                             native_opening(secret, claim), JSON_TYPE)
        self.assertStatus(answer, 200)
        self.assertEqual(parse_frame(answer.body)[1], envelope)

    def assertSweeps(self, site, sweep):
        """A record that has expired is there before sweep() and not
        after."""
        def records():
            with site.reader() as database:
                return database.execute(
                    "SELECT count(*) FROM record").fetchone()[0]
        before = records()
        answer = site.direct(
            "POST", "/api/v1/message",
            b'{"message":"m","exp":1,"pin":"12345"}', JSON_TYPE)
        self.assertStatus(answer, 201)
        with site.reader() as database:
            (first,) = database.execute(
                "SELECT min(expires_at) FROM secret").fetchone()
        wait_until(lambda: now() > first + 5, "the end of a second")
        self.assertEqual(records(), before + 1)
        sweep()
        self.assertEqual(records(), before)


class Script(ServiceTest):
    """conf/sysvinit/oncelink."""

    def setUp(self):
        # The workers that it leaves are ours to wait for.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.addCleanup(ctypes.CDLL(None).prctl,
                        PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
        self.statuses = {}
        self.waiting = {}

    def tearDown(self):
        for pid, thread in self.waiting.items():
            if thread.is_alive():
                os.kill(pid, signal.SIGKILL)
            thread.join()

    def script(self, site, group=None):
        path = site.server.fill(
            "conf/sysvinit/oncelink",
            os.path.join(site.directory, "init.d-oncelink"),
            RUN=os.path.join(site.directory, "run"),
            SOCKET=site.sockets[0], **({"USER": group} if group else {}))
        os.chmod(path, 0o755)
        return path

    def call(self, script, word, status=0):
        done = run([script, word])
        self.assertEqual(done.returncode, status, (word, done))
        self.adopt(os.path.dirname(script))
        return done

    def adopt(self, directory):
        """Wait for the worker in the background, as init does."""
        pid = self.pid(directory)
        if pid is None or pid in self.waiting:
            return

        def wait():
            try:
                self.statuses[pid] = os.waitpid(pid, 0)[1]
            except ChildProcessError:
                self.statuses[pid] = None
        self.waiting[pid] = threading.Thread(target=wait)
        self.waiting[pid].start()

    def pid(self, directory):
        try:
            with open(os.path.join(directory, "run", "oncelink.pid"),
                      encoding="ascii") as file:
                return int(file.read())
        except FileNotFoundError:
            return None

    def test_script(self):
        """start, status, restart and stop; the worker is the owner's and the
        socket the web server's"""
        site = self.filled()
        group = grp.getgrgid(os.getgid()).gr_name
        if os.getuid() == 0:
            group = "games"
        script = self.script(site, group)
        self.call(script, "status", 3)
        self.call(script, "start")
        first = self.pid(site.directory)
        self.call(script, "status")
        self.secret(site)
        if os.getuid() == 0:
            with open("/proc/%d/status" % first, encoding="ascii") as file:
                status = file.read()
            for name, number in (("Uid", site.owner.pw_uid),
                                 ("Gid", site.owner.pw_gid)):
                self.assertRegex(status, r"%s:(\t%d){4}\n" % (name, number))
        status = os.stat(site.sockets[0])
        self.assertEqual(status.st_mode & 0o777, 0o660)
        self.assertEqual(status.st_uid, site.owner.pw_uid)
        self.assertEqual(grp.getgrgid(status.st_gid).gr_name, group)
        # A second start changes nothing.
        self.call(script, "start")
        self.assertEqual(self.pid(site.directory), first)
        self.call(script, "restart")
        self.assertNotEqual(self.pid(site.directory), first)
        self.secret(site)
        second = self.pid(site.directory)
        self.call(script, "stop")
        self.assertEqual(
            os.listdir(os.path.join(site.directory, "run")), [])
        self.assertFalse(os.path.exists(site.sockets[0]))
        self.call(script, "status", 3)
        self.call(script, "stop")
        self.call(script, "nonsense", 2)
        for pid in (first, second):
            self.waiting[pid].join(60)
            self.assertEqual(self.statuses.get(pid), 0)

    def test_nginx(self):
        """nginx before the worker that it started"""
        site = self.filled()
        script = self.script(site)
        self.call(script, "start")
        site.start_server()
        site.await_health()
        answer = site.safesecrets_create("text", "a/b%2")
        self.assertStatus(answer, 201)
        self.assertStatus(
            site.safesecrets_open(answer.json()["key"], "a/b%2"), 200)
        self.call(script, "stop")
        answer = site.request("GET", "/api/v2/health")
        self.assertEqual(answer.status, 502)

    def test_in_flight(self):
        """stop waits for what is in flight"""
        site = self.filled()
        script = self.script(site)
        self.call(script, "start")
        pid = self.pid(site.directory)
        body = native_creation(random_id(), random_id(), random_envelope())
        request = FcgiRequest(site.sockets[0])
        self.addCleanup(request.close)
        request.begin(cgi_params(
            "POST", "/api/v2/secrets", len(body), FRAME_TYPE))
        request.send(body[:100])
        wait_until(lambda: request.unread() == 0, "the worker to read")
        tasks = "/proc/%d/task" % pid
        before = len(os.listdir(tasks))
        stop = Process([script, "stop"],
                       os.path.join(site.directory, "stop.log"))
        self.addCleanup(stop.end)
        wait_until(lambda: len(os.listdir(tasks)) < before,
                   "idle threads to end")
        self.assertTrue(stop.running())
        request.send(body[100:])
        request.finish()
        self.assertStatus(request.response(), 201)
        self.assertEqual(stop.wait(), 0)
        self.waiting[pid].join(60)
        self.assertEqual(self.statuses.get(pid), 0)

    def test_after_a_crash(self):
        """start takes the place of a worker that was killed"""
        site = self.filled()
        script = self.script(site)
        self.call(script, "start")
        first = self.pid(site.directory)
        os.kill(first, signal.SIGKILL)
        self.waiting[first].join(60)
        self.assertTrue(os.path.exists(site.sockets[0]))
        self.call(script, "status", 3)
        self.call(script, "start")
        self.assertNotEqual(self.pid(site.directory), first)
        self.secret(site)
        self.call(script, "stop")

    def test_cannot_start(self):
        """start says why there is no worker: its key file is gone, a setting
        is wrong"""
        site = self.filled()
        script = self.script(site)

        def refused(reason):
            done = self.call(script, "start", 1)
            self.assertIn(reason, done.stderr)
            self.assertIn(b"did not start", done.stderr)
            self.assertEqual(os.listdir(os.path.join(
                site.directory, "run")), [])
            self.call(script, "status", 3)
        os.rename(site.key_file, site.key_file + ".away")
        refused(b"server.key")
        os.rename(site.key_file + ".away", site.key_file)
        self.call(script, "start")
        self.call(script, "stop")
        site.configure(threads="no number")
        refused(b"threads")


def read_units(*names):
    """What files of systemd say together: (section, key) to values.  An
    empty value takes back what was said."""
    values = {}
    for name in names:
        section = None
        with open(name, encoding="utf-8") as file:
            for line in file:
                line = line.strip()
                if line.startswith("["):
                    section = line.strip("[]")
                elif line and line[0] not in "#;":
                    key, _, value = line.partition("=")
                    found = values.setdefault((section, key), [])
                    if value:
                        found.append(value)
                    else:
                        found.clear()
    return values


@functools.lru_cache(None)
def system_calls(group):
    """What is in a group of systemd's, such as @system-service."""
    done = run(["systemd-analyze", "syscall-filter", group])
    if done.returncode != 0:
        raise AssertionError(done)
    found = set()
    for line in done.stdout.decode().splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            found |= system_calls(word)
        elif word and not word.startswith("#"):
            found.add(word)
    return frozenset(found)


def allowed_calls(unit):
    allowed = set()
    for value in unit["Service", "SystemCallFilter"]:
        for word in value.lstrip("~").split():
            calls = system_calls(word) if word[0] == "@" else {word}
            if value[0] == "~":
                allowed -= calls
            else:
                allowed |= calls
    return allowed


class Trace:
    """What strace -f -y wrote."""

    CALL = re.compile(r"^\d+ +([a-z0-9_]+)\((.*)$")
    RESUMED = re.compile(r"^\d+ +<\.\.\. ([a-z0-9_]+) resumed>")
    PLACE = re.compile(r'(?:AT_FDCWD<([^>]*)>|\d+<([^>]*)>), "([^"]*)"')
    MAKERS = re.compile(
        r"^(mkdir|mknod|rename|link|symlink|unlink|rmdir|truncate|creat|"
        r"chmod|chown|lchown|fchmodat|fchownat|utime|futimes|bind)")

    def __init__(self, path):
        self.path = path
        self.read()

    def read(self):
        with open(self.path, encoding="utf-8", errors="replace") as file:
            self.lines = file.read().splitlines()
        return self

    def calls(self):
        found = set()
        for line in self.lines:
            match = self.CALL.match(line) or self.RESUMED.match(line)
            if match:
                found.add(match.group(1))
        return found

    def written(self):
        """Every path that was made, changed or opened for writing."""
        found = set()
        for line in self.lines:
            match = self.CALL.match(line)
            if not match:
                continue
            name, rest = match.groups()
            if name in ("open", "openat"):
                if not re.search("O_(WRONLY|RDWR|CREAT|TRUNC)", rest):
                    continue
            elif not self.MAKERS.match(name):
                continue
            places = self.PLACE.findall(rest)
            for here, directory, path in places:
                found.add(os.path.normpath(
                    os.path.join(here or directory, path)))
            if not places:
                # A path alone; sun_path of bind too.
                found.update(re.findall(r'"([^"]*)"', rest)[:2])
        return found

    def matching(self, pattern):
        return [line for line in self.lines if re.search(pattern, line)]


class Units(ServiceTest):
    """conf/systemd."""

    def units(self, site, memory=False, mail=None):
        """Put the units into a directory of their own; its path."""
        place = os.path.join(site.directory, "units")
        for name in UNITS:
            site.server.fill("conf/systemd/" + name,
                             os.path.join(place, name), OWNER="oncelink",
                             USER="www-data", RUN="/run/oncelink",
                             SOCKET="/run/oncelink/worker.sock",
                             STATE="/var/lib/oncelink")
        if memory:
            for name in SERVICES:
                site.server.fill("conf/systemd/memory.conf", os.path.join(
                    place, name + ".d", "memory.conf"))
        if mail is not None:
            path = os.path.join(place, "oncelink-sweep.service.d",
                                "mail.conf")
            site.server.fill("conf/systemd/mail.conf", path)
            if mail == "spool":
                with open(path, "r+", encoding="utf-8") as file:
                    text = re.sub("^#(?=[A-Z][A-Za-z]*=)", "", file.read(),
                                  flags=re.M)
                    file.seek(0)
                    file.write(text)
                    file.truncate()
        return place

    def verify(self, place):
        """What systemd says against them.  It names what it looks at beside
        them too, which is the system's own business."""
        done = run(["systemd-analyze", "verify", "--man=no",
                    *(os.path.join(place, name) for name in UNITS)])
        return [line for line in
                (done.stdout + done.stderr).decode().splitlines()
                if "oncelink" in line]

    def test_verify(self):
        """systemd takes the units as they are, and says what is wrong with
        ones that are not"""
        for memory in (False, True):
            site = self.filled()
            place = self.units(site, memory)
            self.assertEqual(self.verify(place), [])
        for mail in ("host", "spool"):
            place = self.units(self.filled(), mail=mail)
            self.assertEqual(self.verify(place), [])
        for name, was, fault in (
                ("oncelink.service", "ExecStart=/", "ExecStart=/nowhere/"),
                ("oncelink.socket", "SocketMode=", "SocketMood="),
                ("oncelink-sweep.timer", "OnCalendar=", "OnCalendar=never"),
                ("oncelink-sweep.service.d/memory.conf",
                 "ExecStartPre=/", "ExecStartPre=/nowhere/")):
            with self.subTest(name):
                place = self.units(site, True)
                with open(os.path.join(place, name), "r+",
                          encoding="utf-8") as file:
                    text = file.read()
                    self.assertIn(was, text)
                    file.seek(0)
                    file.truncate()
                    file.write(text.replace(was, fault))
                self.assertNotEqual(self.verify(place), [])

    def exposure(self, place, name):
        done = run(["systemd-analyze", "security", "--offline=yes",
                    "--no-pager", os.path.join(place, name)])
        found = re.search(r"exposure level for \S+: ([0-9.]+)",
                          done.stdout.decode())
        self.assertIsNotNone(found, done)
        return float(found.group(1))

    def test_security(self):
        """little of the system is within their reach, by systemd's own
        reckoning"""
        site = self.filled()
        for memory in (False, True):
            place = self.units(site, memory)
            for name in SERVICES:
                self.assertLessEqual(self.exposure(place, name),
                                     MOST_EXPOSED)
        # Sending mail takes the network, and for some all there is.
        sweeper = "oncelink-sweep.service"
        place = self.units(self.filled(), mail="host")
        self.assertLessEqual(self.exposure(place, sweeper), 2)
        place = self.units(self.filled(), mail="spool")
        self.assertGreater(self.exposure(place, sweeper), 2)
        path = os.path.join(place, "oncelink.service")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("SystemCallFilter", "#"))
        self.assertGreater(self.exposure(place, "oncelink.service"),
                           MOST_EXPOSED)

    # Without systemd, by hand: its commands, its environment, its socket.

    def command(self, unit, key, site, trace=None):
        """What a unit runs, and with which environment."""
        (line,) = unit["Service", key]
        environment = dict(
            pair.split("=", 1) for pair in unit["Service", "Environment"])
        # LeakSanitizer does not work where somebody else traces.
        environment["ASAN_OPTIONS"] = "detect_leaks=0"
        arguments = shlex.split(line)
        if trace is not None:
            path = os.path.join(site.directory, trace + ".trace")
            # -D: the process that was started is the one that is traced.
            # Nobody but root can look into one that is not dumpable, so
            # what makes it so, the first such call, is not done.
            arguments = ["strace", "-D", "-f", "-y", "-q", "-o", path,
                         "-e", "inject=prctl:retval=0:when=1", *arguments]
        return arguments, environment

    def once(self, unit, key, site, trace=None):
        arguments, environment = self.command(unit, key, site, trace)
        done = run(arguments, environment, **become(site.owner))
        self.assertEqual(done.returncode, 0, done)
        if trace is not None:
            self.await_trace(site, trace)

    def activate(self, unit, site, trace=None):
        """The worker, as its first connection starts it."""
        arguments, environment = self.command(
            unit, "ExecStart", site, trace)
        passed = ["--setenv=%s=%s" % pair for pair in environment.items()]
        process = Process(
            ["systemd-socket-activate", "--listen=" + site.sockets[0],
             *passed, *arguments],
            os.path.join(site.directory, "activated.log"),
            **become(site.owner))
        site.workers.append(process)
        wait_until(lambda: listens(site.sockets[0]), "the socket")
        return process

    def await_trace(self, site, name):
        """The tracer ends after what it traces."""
        trace = Trace(os.path.join(site.directory, name + ".trace"))
        first = trace.lines[0].split()[0]
        wait_until(lambda: trace.read().matching(
            r"^%s +\+\+\+ exited" % first), "the end of a trace")

    def test_activation(self):
        """the worker's first connection starts it, with what the units
        say"""
        site = self.filled()
        place = self.units(site)
        unit = read_units(os.path.join(place, "oncelink.service"))
        process = self.activate(unit, site)

        def program():
            with open("/proc/%d/comm" % process.pid,
                      encoding="ascii") as file:
                return file.read().strip()
        self.assertNotEqual(program(), "oncelink.fcgi")
        self.secret(site)
        self.assertEqual(program(), "oncelink.fcgi")
        sweeper = read_units(os.path.join(place, "oncelink-sweep.service"))
        self.assertSweeps(
            site, lambda: self.once(sweeper, "ExecStart", site))
        socket_unit = read_units(os.path.join(place, "oncelink.socket"))
        self.assertEqual(socket_unit["Socket", "SocketMode"], ["0660"])
        self.assertEqual(process.end(), 0)
        site.workers.remove(process)

    def in_memory(self):
        """A site by the units with memory.conf; its parts, and the traces of
        everything that ran."""
        place = tempfile.mkdtemp(prefix="oncelink-test.", dir="/dev/shm")
        self.addCleanup(shutil.rmtree, place, ignore_errors=True)
        kind = run(["stat", "-f", "-c", "%T", place]).stdout.decode().strip()
        self.assertEqual(kind, "tmpfs")
        site = self.filled()
        os.chown(place, site.owner.pw_uid, site.owner.pw_gid)
        shutil.rmtree(site.state)
        shutil.rmtree(site.keys)
        units = self.units(site, memory=True)
        unit, sweeper = (read_units(
            os.path.join(units, name),
            os.path.join(units, name + ".d", "memory.conf"))
            for name in SERVICES)
        with open(os.path.join(units, SERVICES[0] + ".d", "memory.conf"),
                  encoding="utf-8") as file:
            settings = dict(re.findall(
                r"^#\t(\w+) = (.*)$", file.read(), re.M))
        (runtime,) = unit["Service", "RuntimeDirectory"]
        for name in ("state_dir", "key_file"):
            self.assertIn("/run/%s/" % runtime, settings[name])
            settings[name] = settings[name].replace(
                "/run/" + runtime, place)
        site.configure(log=None, **settings)
        site.state = settings["state_dir"]
        site.database = os.path.join(site.state, "oncelink.db")
        for one in (unit, sweeper):
            self.assertFalse(one.get(("Service", "StateDirectory")))
            self.assertFalse(one.get(("Service", "ReadWritePaths")))
            self.assertEqual(
                one["Service", "RuntimeDirectoryPreserve"], ["yes"])

        self.once(unit, "ExecStartPre", site, "init")
        process = self.activate(unit, site, "worker")
        self.secret(site)
        self.assertSweeps(site, lambda: (
            self.once(sweeper, "ExecStartPre", site, "again"),
            self.once(sweeper, "ExecStart", site, "sweep")))
        self.assertEqual(process.end(), 0)
        site.workers.remove(process)
        self.await_trace(site, "worker")
        names = ("init", "worker", "again", "sweep")
        return place, settings, unit, [Trace(os.path.join(
            site.directory, name + ".trace")) for name in names]

    def test_memory(self):
        """with memory.conf database and key are in memory, and nothing is
        written anywhere else; no call is made that the units forbid"""
        place, settings, unit, traces = self.in_memory()
        self.assertTrue(os.path.exists(settings["key_file"]))
        self.assertTrue(os.path.exists(os.path.join(
            settings["state_dir"], "oncelink.db")))
        written = set().union(*(trace.written() for trace in traces))
        self.assertIn(settings["key_file"], written)
        # Directories that were there: mkdir of them makes nothing.  A build
        # with counts writes them beside its objects.
        outside = {path for path in written
                   if not path.startswith(place + "/") and
                   not (has_counts() and path.endswith(".gcda"))}
        outside -= {"/dev/null", place, *parents(place)}
        self.assertEqual(outside, set())

        allowed = allowed_calls(unit)
        self.assertIn("read", allowed)
        self.assertNotIn("setuid", allowed)
        for trace in traces:
            self.assertGreater(len(trace.calls()), 10)
            self.assertEqual(trace.calls() - allowed, set())
            # RestrictAddressFamilies, MemoryDenyWriteExecute
            self.assertEqual(trace.matching(r"\bsocket\((?!AF_UNIX)"), [])
            self.assertEqual(
                trace.matching(r"PROT_WRITE\|PROT_EXEC"), [])

    def test_trace(self):
        """the search of a trace finds what is there"""
        with tempfile.NamedTemporaryFile("w", suffix=".trace") as file:
            file.write('7  openat(AT_FDCWD</>, "etc/x", O_RDONLY) = 3\n'
                       '7  openat(3</var>, "y/../z", O_RDWR|O_CREAT) = 4\n'
                       '7  mkdir("/tmp/d", 0700) = 0\n'
                       '7  <... setuid resumed>) = 0\n'
                       '7  rename("/a", "/b") = 0\n')
            file.flush()
            trace = Trace(file.name)
        self.assertEqual(trace.calls(),
                         {"openat", "mkdir", "setuid", "rename"})
        self.assertEqual(trace.written(), {"/var/z", "/tmp/d", "/a", "/b"})

    def test_timer(self):
        """the timer calls the sweeper every five minutes"""
        site = self.filled()
        unit = read_units(os.path.join(self.units(site),
                                       "oncelink-sweep.timer"))
        (when,) = unit["Timer", "OnCalendar"]
        done = run(["systemd-analyze", "calendar", "--iterations=3",
                    "--base-time=2026-01-01 00:00:01 UTC", when],
                   {"TZ": "UTC"})
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(
            re.findall(r" 00:(\d\d):00 UTC", done.stdout.decode()),
            ["05", "10", "15"])


class Lasting(ServiceTest):
    """What the units do when something goes wrong."""

    def unit(self, name):
        site = self.filled()
        return read_units(site.server.fill(
            "conf/systemd/" + name, os.path.join(site.directory, name)))

    def test_failures(self):
        """no number of quick failures ends the worker for good, but for
        settings that are wrong"""
        unit = self.unit("oncelink.service")
        self.assertEqual(unit["Unit", "StartLimitIntervalSec"], ["0"])
        self.assertEqual(unit["Service", "Restart"], ["on-failure"])
        self.assertIn("78", unit["Service", "RestartPreventExitStatus"][0])

    def test_order(self):
        """worker and sweeper do not both make the database at boot"""
        unit = self.unit("oncelink-sweep.service")
        self.assertIn("oncelink.service", unit["Unit", "After"][0].split())


class Lighttpd(ServiceTest):
    """What a lighttpd that was killed leaves of requests in the making."""

    def killed(self):
        """A site with such a lighttpd; the names that it left."""
        site = self.site("lighttpd", conf="shipped")
        place = site.server.scratch()[0]

        def left():
            return [name for name in os.listdir(place)
                    if name.startswith("lighttpd-upload-")]
        with contextlib.closing(site.connect()) as connection:
            connection.sendall(http_bytes(
                "POST", "/api/v2/secrets", None, {
                    "Content-Type": FRAME_TYPE,
                    "Content-Length": "1000000"}) + b"x" * 500000)
            wait_until(left, "lighttpd to take it to a file")
            os.kill(site.web.pid, signal.SIGKILL)
            site.web.wait()
        self.assertNotEqual(left(), [])
        return site, left

    def test_drop_in(self):
        """conf/systemd/lighttpd.conf removes it, at the end and before the
        next start, and nothing else"""
        for key in ("ExecStopPost", "ExecStartPre"):
            with self.subTest(key):
                site, left = self.killed()
                unit = read_units(site.server.fill(
                    "conf/systemd/lighttpd.conf",
                    os.path.join(site.directory, "lighttpd.conf")))
                (line,) = unit["Service", key]
                done = run(shlex.split(line.lstrip("-")))
                self.assertEqual(done.returncode, 0, done)
                self.assertEqual(left(), [])
                self.assertEqual(os.listdir(site.server.scratch()[0]),
                                 ["worker.sock-0"])

    def test_bound(self):
        """all the requests that there may be at once take some memory, not
        any, as the comment has it"""
        site = self.site("lighttpd", conf="shipped", start=False)
        (limit,) = re.findall(r"max-request-size = (\d+)",
                              site.server.limits())
        for name in ("site.conf", "site-tls.conf"):
            with open(os.path.join(site.srcdir, "conf/lighttpd", name),
                      encoding="utf-8") as file:
                text = file.read()
            (count,) = re.findall(r"(?m)^server.max-connections = (\d+)$",
                                  text)
            self.assertLessEqual(int(count) * int(limit), 9 << 18)
            self.assertIn("%d MiB with" % (int(limit) >> 10), text)
            self.assertIn("and %s times" % count, text)

    def test_verify(self):
        """systemd takes the drop-in"""
        site = self.filled()
        place = os.path.join(site.directory, "units")
        site.server.fill("conf/systemd/lighttpd.conf", os.path.join(
            place, "other.service.d", "oncelink.conf"))
        name = os.path.join(place, "other.service")
        for more, good in (("", True), ("ExecStopPast=/bin/true\n", False)):
            with open(name, "w", encoding="utf-8") as file:
                file.write("[Service]\nExecStart=/bin/true\n" + more)
            done = run(["systemd-analyze", "verify", "--man=no", name])
            said = [line for line in done.stderr.decode().splitlines()
                    if place in line]
            self.assertEqual(said == [], good, said)

    def test_age(self):
        """without the drop-in, systemd-tmpfiles removes it when it is old,
        and leaves the worker's socket"""
        site, left = self.killed()
        path = site.server.fill(
            "conf/tmpfiles/oncelink.conf",
            os.path.join(site.directory, "tmpfiles.conf"))
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertRegex(text, r"(?m)^d \S+ 0700 \S+ - 1h$")
        self.clean(path)
        self.assertNotEqual(left(), [])
        # An hour later.
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(" 1h", " 0"))
        self.clean(path)
        self.assertEqual(left(), [])
        self.assertEqual(os.listdir(site.server.scratch()[0]),
                         ["worker.sock-0"])

    def clean(self, path):
        done = run(["systemd-tmpfiles", "--clean", path])
        self.assertEqual(done.returncode, 0, done)


def parents(path):
    found = []
    while path != "/":
        path = os.path.dirname(path)
        found.append(path)
    return found


class Cron(ServiceTest):
    """conf/cron/oncelink."""

    FIELD = r"(?:\*|\d+)(?:-\d+)?(?:/\d+)?(?:,\d+(?:-\d+)?)*"

    def test_cron(self):
        """its lines are cron's, and its command sweeps"""
        site = self.filled()
        site.workers.append(site.start_worker(0))
        path = site.server.fill("conf/cron/oncelink", os.path.join(
            site.directory, "cron.d-oncelink"))
        environment, jobs = {}, []
        with open(path, encoding="utf-8") as file:
            for line in file:
                line = line.rstrip("\n")
                setting = re.match(r"^([A-Z_]+)=(\S+)$", line)
                job = re.match(r"^(%s\s+){5}(\S+)\s+(.+)$" % self.FIELD, line)
                if setting:
                    environment[setting.group(1)] = setting.group(2)
                elif job:
                    jobs.append(job.groups()[-2:])
                else:
                    self.assertRegex(line, "^(#.*)?$")
        ((user, command),) = jobs
        self.assertEqual(user, site.owner.pw_name)
        # To cron this is the end of the command.
        self.assertNotIn("%", command)

        def sweep():
            # Nothing else is in the environment that cron makes.
            done = subprocess.run(
                ["/bin/sh", "-c", command], check=False,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, timeout=60,
                env={"PATH": "/usr/bin:/bin", **environment},
                **become(site.owner))
            self.assertEqual((done.returncode,
                              without_counts(done.stdout)), (0, b""))
        self.assertSweeps(site, sweep)


if __name__ == "__main__":
    main()
