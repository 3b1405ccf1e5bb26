# SPDX-License-Identifier: ISC
"""A whole site in a directory of its own, for the system tests.

A Site is a configuration, a key, a database, one or more workers and, when
asked for, a real web server before them.  Everything it starts is in process
groups of its own and ends with it; everything it writes is below one
directory made by mkdtemp, so that tests can run side by side in any order.

The environment says where things are:
  builddir              the build tree, with the programs in src/
  srcdir                the source tree (conf/, htdocs/, tests/vectors/)
  ONCELINK_NODE_MODULES what the tests need of npm
  ONCELINK_TEST_KEEP    when set, the directory of each site stays
"""

import atexit
import contextlib
import fcntl
import functools
import json
import os
import pwd
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import tempfile
import time

from oncelink_server import SERVER_NAME, server_class, unprivileged
from oncelink_wire import (
    FRAME_TYPE, JSON_TYPE, PATIENCE, FcgiRequest, cgi_params, http_bytes,
    native_creation, native_members, parse_cgi, parse_http, read_to_end,
    safesecrets_path,
)

SRCDIR = os.path.abspath(os.environ.get("srcdir", "."))
BUILDDIR = os.path.abspath(os.environ.get("builddir", "."))

WORKER = os.path.join(BUILDDIR, "src", "oncelink.fcgi")
SWEEP = os.path.join(BUILDDIR, "src", "oncelink-sweep")
CTL = os.path.join(BUILDDIR, "src", "oncelinkctl")

# What tests/npm names, where ./bootstrap check puts it.
NODE_MODULES = os.environ.get(
    "ONCELINK_NODE_MODULES", os.path.join(SRCDIR, "build-npm",
                                          "node_modules"))

# Who runs the tests in the background has SIGINT and SIGQUIT ignored, or SIGHUP
# (nohup), and programs keep what they inherit.  A signal with a handler of ours
# is the default again in a program that we start.
for _number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, lambda number, frame: None)

# Argon2id as small as it is allowed to be: the tests are not about its cost.
SMALL_KDF = {"kdf_passes": "1", "kdf_memory": "8M"}


def wait_until(condition, what, seconds=PATIENCE):
    """Await a condition that no event tells of; fail loudly if it never
    comes true."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("waited in vain: " + what)
        time.sleep(0.005)


def listens(path):
    """Does anybody listen on this Unix socket?  To connect would tell too,
    and would be somebody's first connection."""
    with open("/proc/net/unix", encoding="utf-8") as file:
        for line in list(file)[1:]:
            fields = line.split(None, 7)
            # __SO_ACCEPTCON
            if (len(fields) > 7 and fields[7].rstrip("\n") == path
                    and int(fields[3], 16) & 0x10000):
                return True
    return False


@functools.lru_cache(None)
def public_programs():
    """Copies of the programs in a place that every user can go to; the build
    directory need not be one."""
    place = tempfile.mkdtemp(prefix="oncelink-test.")
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    os.chmod(place, 0o755)
    copies = {}
    for word, path in (("WORKER", WORKER), ("SWEEP", SWEEP), ("CTL", CTL)):
        copies[word] = shutil.copy(path, place)
        os.chmod(copies[word], 0o755)
    return copies


def has_counts():
    """Is this the build of `make coverage'?"""
    with open(WORKER, "rb") as file:
        return b"__gcov_" in file.read()


def without_counts(said):
    """What a program said, but for one of a build with counts that says that
    its user may not write them."""
    if has_counts():
        said = re.sub(rb"(?m)^profiling:.*\n", b"", said)
    return said


def become(owner):
    """How subprocess is told to run a program as this user."""
    if owner.pw_uid == os.getuid():
        return {}
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def clean_environment(extra=None):
    """The environment for a program under test."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in (
            "SIGN_KEY", "MAX_EXPIRE", "PIN_SIZE", "PIN_ATTEMPTS",
            "ONCELINK_CONF", "LISTEN_FDS", "LISTEN_PID",
        )
    }
    environment.update(extra or {})
    return environment


# Processes.

class Process:
    """A child in a process group of its own, its output in a file."""

    def __init__(self, arguments, log, environment=None, **options):
        self.arguments = arguments
        self.log = log
        with open(log, "ab") as output:
            self.child = subprocess.Popen(
                arguments, stdin=options.pop("stdin", subprocess.DEVNULL),
                stdout=output, stderr=output, start_new_session=True,
                env=clean_environment(environment), **options)
        self.pid = self.child.pid
        self.status = None

    def running(self):
        return self.child.poll() is None

    def signal(self, number):
        if self.running():
            os.kill(self.pid, number)

    def wait(self, seconds=PATIENCE):
        self.status = self.child.wait(seconds)
        return self.status

    def members(self, session=False):
        """Which processes of its group, or of its session, are there?"""
        found = []
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError):
                    with open("/proc/%s/stat" % name, "rb") as file:
                        fields = file.read().rpartition(b")")[2].split()
                    if int(fields[3 if session else 2]) == self.pid and \
                            fields[0] != b"Z":
                        found.append(int(name))
        return found

    def end(self):
        """SIGTERM, and SIGKILL for the group when that does not do."""
        with contextlib.suppress(ProcessLookupError):
            self.signal(signal.SIGTERM)
        try:
            self.wait(20)
            wait_until(lambda: not self.members(), "a group to end", 15)
        except (subprocess.TimeoutExpired, AssertionError):
            pass
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        return self.wait()

    def text(self):
        with open(self.log, "rb") as file:
            return file.read().decode("utf-8", "replace")


def run(arguments, environment=None, body=b"", seconds=PATIENCE, **options):
    """Run a program to its end; returns subprocess.CompletedProcess."""
    return subprocess.run(
        arguments, input=body, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=clean_environment(environment), timeout=seconds, check=False,
        **options)


class Site:
    """A running site.

    server     a kind of oncelink_server, or None (the test speaks FastCGI
               itself); some kinds start the worker themselves
    workers    how many worker processes; more than one needs a plain nginx
    threads    threads of each worker
    settings   more lines for oncelink.conf
    environment   of the workers
    conf       "shipped": the web server runs what conf/ has, with words put
               in; "plain": a bare nginx, for tests that are not about it
    prefix     the path that a shipped configuration serves the site at
    tls        with a shipped configuration that does TLS
    leaky      with the server's own habits of logging; see oncelink_server

    Paths that are given to request() and the calls above it begin after the
    prefix.  With a shipped configuration that root's tests start, server and
    worker are another user's, the owner's.
    """

    srcdir = SRCDIR

    def __init__(self, server="nginx", workers=1, threads=16, settings=None,
                 environment=None, conf="plain", start=True, prefix="",
                 tls=False, leaky=False):
        self.directory = tempfile.mkdtemp(prefix="oncelink-test.")
        self.prefix = prefix
        self.tls = tls
        self.kind = server
        self.server = None
        self.owner = pwd.getpwuid(os.getuid())
        self.programs = {"WORKER": WORKER, "SWEEP": SWEEP, "CTL": CTL}
        if server is not None and conf == "shipped":
            self.server = server_class(server)(self, prefix, tls, leaky)
            self.owner = unprivileged()
        if self.owner.pw_uid != os.getuid():
            self.programs = public_programs()
            os.chmod(self.directory, 0o755)
            os.chown(self.directory, self.owner.pw_uid, self.owner.pw_gid)
        self.environment = environment or {}
        self.port = None
        self.http_port = None
        self.web = None
        self.workers = []
        self.problems = []
        self.broken = False
        self.state = os.path.join(self.directory, "state")
        self.keys = os.path.join(self.directory, "keys")
        self.key_file = os.path.join(self.keys, "server.key")
        self.conf_file = os.path.join(self.directory, "oncelink.conf")
        self.database = os.path.join(self.state, "oncelink.db")
        self.settings = {
            "state_dir": self.state,
            "key_file": self.key_file,
            "log": "stderr",
            "log_level": "info",
            "threads": str(threads),
            "kdf_wait": "30s",
            "lock_wait": "30s",
            **({"path_prefix": prefix} if prefix else {}),
            **SMALL_KDF,
            **(settings or {}),
        }
        self.sockets = [
            os.path.join(self.directory, "worker-%d.sock" % number)
            for number in range(workers)
        ]
        self.configure()
        try:
            self.initialise()
            if start:
                self.start()
        except BaseException:
            self.close(quiet=True)
            raise

    # Setting up.

    def configure(self, **changes):
        """Write oncelink.conf anew with these settings changed (None: left
        out)."""
        self.settings.update(changes)
        with open(self.conf_file, "w", encoding="utf-8") as file:
            for name, value in self.settings.items():
                if value is not None:
                    file.write("%s = %s\n" % (name, value))

    def initialise(self):
        done = self.ctl("init")
        if done.returncode != 0:
            raise AssertionError("oncelinkctl init: %d %r" % (
                done.returncode, done.stderr))

    def break_workers(self, program):
        """From now on the worker is this program."""
        self.programs = {**self.programs, "WORKER": program}
        self.broken = True

    def start(self):
        if self.server is None or not self.server.starts_workers:
            for number in range(len(self.sockets)):
                self.workers.append(self.start_worker(number))
        if self.kind is not None:
            self.start_server()
            if not self.broken:
                self.await_health()

    def start_worker(self, number):
        """A worker on its own socket, awaited until it answers there."""
        log = os.path.join(self.directory, "worker-%d.log" % number)
        if self.server is not None:
            arguments = self.server.worker_arguments(number)
        else:
            arguments = [self.programs["WORKER"], "-c", self.conf_file,
                         "--listen", self.sockets[number]]
        worker = Process(arguments, log, self.environment,
                         **become(self.owner))
        try:
            self.await_socket(worker, self.sockets[number])
        except BaseException:
            worker.end()
            raise
        return worker

    def await_socket(self, process, address):
        """Until a connection is taken, or the process is dead."""
        def answers():
            if not process.running():
                raise AssertionError("did not start: %s: %s" % (
                    process.arguments[0], process.text()[-2000:]))
            try:
                self.connect_to(address).close()
            except (FileNotFoundError, ConnectionRefusedError):
                return False
            return True
        wait_until(answers, "%s to listen" % process.arguments[0])

    def await_health(self):
        response = self.request(
            "GET", self.settings.get("path_prefix", "") + "/api/v2/health",
            whole=True)
        if "native" not in self.settings.get("faces", "native"):
            return
        if response.status != 200:
            raise AssertionError("health: %r; %s" % (response, self.log()))

    def kill_worker(self, number):
        """kill -9 and a new one in its place."""
        worker = self.workers[number]
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
        self.workers[number] = self.start_worker(number)

    def stop_workers(self):
        """SIGTERM to all; their exit statuses."""
        statuses = []
        for worker in self.workers:
            worker.signal(signal.SIGTERM)
        for worker in self.workers:
            statuses.append(worker.end())
        self.workers = []
        return statuses

    # The web servers.

    def start_server(self):
        os.makedirs(os.path.join(self.directory, "tmp"), exist_ok=True)
        for _ in range(10):
            with socket.socket() as one, socket.socket() as other:
                one.bind(("127.0.0.1", 0))
                other.bind(("127.0.0.1", 0))
                self.port = one.getsockname()[1]
                self.http_port = other.getsockname()[1]
            environment = {"ONCELINK_CONF": self.conf_file,
                           **self.environment}
            if self.server is not None:
                self.server.write()
                arguments = self.server.arguments()
                environment.update(self.server.environment())
            else:
                arguments = self.plain_nginx()
            self.web = Process(
                arguments, os.path.join(self.directory, "server.log"),
                environment, cwd=self.directory)
            try:
                self.await_socket(self.web, ("127.0.0.1", self.port))
                if self.web.running():
                    if self.server is not None:
                        wait_until(self.server.is_ready, "%s to be ready" %
                                   self.kind)
                    return
            except AssertionError:
                if "ddress already in use" not in self.log():
                    raise
            self.web.end()
        raise AssertionError("no port for %s" % self.kind)

    def plain_nginx(self):
        """Every worker an upstream, nothing retried elsewhere, everything
        buffered in memory."""
        upstreams = "\n".join(
            "\t\tserver unix:%s max_fails=0;" % path for path in self.sockets)
        scratch = "\n".join(
            "\t%s_temp_path %s/tmp;" % (name, self.directory)
            for name in ("client_body", "fastcgi", "proxy", "uwsgi", "scgi"))
        user = "user root;" if os.getuid() == 0 else ""
        text = """%(user)s
worker_processes 1;
pid %(directory)s/nginx.pid;
error_log %(directory)s/nginx-error.log warn;
events { worker_connections 1024; }
http {
	access_log off;
%(scratch)s
	client_max_body_size 32m;
	client_body_buffer_size 32m;
	upstream workers {
%(upstreams)s
	}
	server {
		listen 127.0.0.1:%(port)d backlog=1024;
		merge_slashes off;
		location / {
			fastcgi_pass workers;
			fastcgi_next_upstream off;
			fastcgi_buffers 16 1m;
			fastcgi_buffer_size 64k;
			fastcgi_busy_buffers_size 2m;
			fastcgi_max_temp_file_size 0;
			fastcgi_read_timeout 120s;
			fastcgi_param REQUEST_METHOD $request_method;
			fastcgi_param REQUEST_URI $request_uri;
			fastcgi_param CONTENT_TYPE $content_type;
			fastcgi_param CONTENT_LENGTH $content_length;
			fastcgi_param REMOTE_ADDR $remote_addr;
			fastcgi_param SERVER_PROTOCOL $server_protocol;
			fastcgi_param GATEWAY_INTERFACE CGI/1.1;
		}
	}
}
""" % {
            "user": user, "directory": self.directory, "scratch": scratch,
            "upstreams": upstreams, "port": self.port,
        }
        name = os.path.join(self.directory, "nginx.conf")
        with open(name, "w", encoding="utf-8") as file:
            file.write(text)
        return ["nginx", "-p", self.directory, "-c", name, "-e",
                os.path.join(self.directory, "nginx-error.log"),
                "-g", "daemon off;"]

    # Programs.

    def ctl(self, *arguments, environment=None):
        return run([self.programs["CTL"], "-c", self.conf_file, *arguments],
                   {**self.environment, **(environment or {})},
                   **become(self.owner))

    def sweep(self, *arguments, seconds=240):
        return run([self.programs["SWEEP"], "-c", self.conf_file, *arguments],
                   self.environment, seconds=seconds, **become(self.owner))

    def cgi(self, method, uri, body=b"", content_type=None, length=None,
            extra=None):
        """One request by plain CGI."""
        if length is None and (body or method == "POST"):
            length = len(body)
        params = cgi_params(method, uri, length, content_type, extra)
        done = run([self.programs["WORKER"], "-c", self.conf_file],
                   {**self.environment, **params}, body,
                   **become(self.owner))
        if done.returncode != 0:
            raise AssertionError("CGI: %d %r" % (
                done.returncode, done.stderr))
        response = parse_cgi(done.stdout)
        response.stderr = done.stderr
        return response

    # Talking to it.

    @staticmethod
    def connect_to(address):
        family = socket.AF_UNIX if isinstance(address, str) else (
            socket.AF_INET)
        connection = socket.socket(family)
        try:
            connection.settimeout(PATIENCE)
            connection.connect(address)
        except BaseException:
            connection.close()
            raise
        return connection

    def connect(self, tls=None):
        """A connection to the web server; tls=False to the port of a TLS
        site that does none."""
        if not self.tls:
            return self.connect_to(("127.0.0.1", self.port))
        if tls is False:
            return self.connect_to(("127.0.0.1", self.http_port))
        context = ssl.create_default_context(
            cafile=os.path.join(self.directory, "tls", "fullchain.pem"))
        connection = self.connect_to(("127.0.0.1", self.port))
        try:
            return context.wrap_socket(
                connection, server_hostname=SERVER_NAME)
        except BaseException:
            connection.close()
            raise

    def request(self, method, path, body=None, headers=None, whole=False,
                tls=None):
        """One request through the web server; whole: the path has the
        prefix already, or is meant to lack it."""
        if not whole:
            path = (self.prefix.encode() if isinstance(path, bytes)
                    else self.prefix) + path
        raw = http_bytes(method, path, body, headers)
        with contextlib.closing(self.connect(tls)) as connection:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(raw)
            return parse_http(read_to_end(connection), method == "HEAD")

    def direct(self, method, uri, body=None, content_type=None, extra=None,
               worker=0):
        """One request straight to a worker."""
        request = FcgiRequest(self.sockets[worker])
        request.begin(cgi_params(
            method, uri, None if body is None else len(body), content_type,
            extra))
        request.send(body or b"")
        request.finish()
        return request.response()

    def burst(self, requests):
        """Answers to (method, path, body, content type or headers) that all
        arrive at once: each connection has all but its last byte there before
        the first of those last bytes is sent."""
        connections = []
        try:
            for method, path, body, headers in requests:
                if not isinstance(headers, dict):
                    headers = {"Content-Type": headers}
                raw = http_bytes(method, self.prefix + path, body, headers)
                connection = self.connect()
                connections.append((connection, raw[-1:]))
                connection.sendall(raw[:-1])
            for connection, last in connections:
                connection.sendall(last)
            return [parse_http(read_to_end(connection))
                    for connection, _ in connections]
        finally:
            for connection, _ in connections:
                connection.close()

    def post(self, path, members, headers=None):
        return self.request(
            "POST", path, json.dumps(members).encode(),
            {"Content-Type": JSON_TYPE, **(headers or {})})

    # The faces.

    def api_keys(self, account):
        """A new account; headers that show its private and its public
        key."""
        done = self.ctl("account", "add", account)
        if done.returncode != 0:
            raise AssertionError("account add: %r" % done.stderr)
        headers = []
        for kind in ("private", "public"):
            done = self.ctl("key", "add", account, kind)
            key = done.stdout.decode().rstrip("\n")
            if done.returncode != 0 or not key.startswith(kind + "_key_"):
                raise AssertionError("key add: %r" % done.stderr)
            headers.append({"Authorization": "ApiKey " + key})
        return headers

    def native(self, call, **members):
        """A JSON call of the native face; bytes become base64url."""
        return self.post("/api/v2/" + call, native_members(members))

    def native_create(self, secret, receipt, envelope, expires_in=3600,
                      **members):
        return self.request(
            "POST", "/api/v2/secrets",
            native_creation(secret, receipt, envelope, expires_in, **members),
            {"Content-Type": FRAME_TYPE})

    def safesecrets_create(self, message, pin="12345", exp=3600):
        return self.post("/api/v1/message", {
            "message": message, "exp": exp, "pin": pin})

    def safesecrets_open(self, key, pin="12345"):
        return self.request("GET", safesecrets_path(key, pin))

    def onetime_create(self, message, passphrase="open sesame", **members):
        return self.post("/secrets", {
            "passphrase": passphrase, "message": message, **members})

    def onetime_open(self, key, passphrase="open sesame"):
        return self.post("/secrets/" + key, {"passphrase": passphrase})

    # Looking behind it.

    @contextlib.contextmanager
    def write_lock(self):
        """Hold the lock that every writer takes."""
        with open(os.path.join(self.state, "write.lock"), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def reader(self):
        """The database, to read only."""
        connection = sqlite3.connect(
            "file:%s?mode=ro" % self.database, uri=True, timeout=10,
            check_same_thread=False)
        try:
            yield connection
        finally:
            connection.close()

    @contextlib.contextmanager
    def writer(self, checkpoint=False):
        """The database, to plant rows in as no program of ours would, under
        the one write lock, and with a checkpoint only when asked for."""
        with self.write_lock():
            connection = sqlite3.connect(self.database, timeout=10)
            try:
                connection.execute("PRAGMA wal_autocheckpoint = 0")
                connection.execute("PRAGMA secure_delete = ON")
                with connection:
                    yield connection
                if checkpoint:
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                connection.close()

    def database_bytes(self):
        """What is in the database file, its log and its index now.  The log
        first: what a checkpoint moves meanwhile is in one of them."""
        contents = {}
        for suffix in ("-wal", "", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                with open(self.database + suffix, "rb") as file:
                    contents["oncelink.db" + suffix] = file.read()
        return contents

    def check_integrity(self):
        """PRAGMA integrity_check on a copy, when nothing runs."""
        copy = os.path.join(self.directory, "copy")
        os.mkdir(copy)
        for suffix in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(self.database + suffix, copy)
        connection = sqlite3.connect(os.path.join(copy, "oncelink.db"))
        try:
            return [row[0] for row in
                    connection.execute("PRAGMA integrity_check")]
        finally:
            connection.close()

    def log(self):
        """Everything that any process of the site wrote for people."""
        text = ""
        names = [os.path.join(self.directory, name)
                 for name in os.listdir(self.directory)
                 if name.endswith(".log")]
        if self.server is not None:
            names += self.server.logs()
        for name in sorted(set(names)):
            with contextlib.suppress(FileNotFoundError):
                with open(name, "rb") as file:
                    text += file.read().decode("utf-8", "replace")
        return text

    def close(self, quiet=False):
        """End everything.  A worker that did not end well, or a report of a
        sanitizer, fails the test."""
        for worker in self.workers:
            with contextlib.suppress(ProcessLookupError):
                worker.signal(signal.SIGTERM)
        for worker in self.workers:
            status = worker.end()
            if status != 0:
                self.problems.append("worker: exit status %d" % status)
        self.workers = []
        if self.web is not None:
            self.web.end()
            self.web = None
        text = self.log()
        if "Sanitizer" in text or "runtime error" in text:
            self.problems.append(text[-6000:])
        if os.environ.get("ONCELINK_TEST_KEEP") is None:
            shutil.rmtree(self.directory, ignore_errors=True)
        if self.problems and not quiet:
            raise AssertionError("; ".join(self.problems))
