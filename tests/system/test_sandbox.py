# SPDX-License-Identifier: ISC
"""Is a worker inside its sandbox, however it is started?  What is out of
reach from there is tried by sandbox_test."""

import contextlib
import ctypes
import os
import re
import socket
import subprocess

from oncelink_sandbox import INSIDE, confined, is_sanitized
from oncelink_site import WORKER, clean_environment, listens, wait_until
from oncelink_test import SiteTest, main
from oncelink_wire import JSON_TYPE, PATIENCE, cgi_params

SYS_LANDLOCK_CREATE_RULESET = 444

BODY = b'{"message":"m","exp":60,"pin":"12345"}'


def landlock_version():
    """Of this kernel; 0 for none."""
    answer = ctypes.CDLL(None).syscall(
        ctypes.c_long(SYS_LANDLOCK_CREATE_RULESET), None,
        ctypes.c_size_t(0), ctypes.c_uint(1))
    return max(0, answer)


def opened(process):
    """What this process has open."""
    found = set()
    directory = "/proc/%d/fd" % process
    for number in os.listdir(directory):
        with contextlib.suppress(FileNotFoundError):
            found.add(os.readlink(os.path.join(directory, number)))
    return found


def comm(process):
    with open("/proc/%d/comm" % process, encoding="ascii") as file:
        return file.read()


def end(child):
    child.kill()
    child.communicate()


class Sandbox(SiteTest):

    def begin(self, arguments, **options):
        """A process that is gone when the test is over."""
        child = subprocess.Popen(arguments, stderr=subprocess.DEVNULL,
                                 **options)
        self.addCleanup(end, child)
        return child

    def test_threads(self):
        """every thread of a worker is inside, and the log says how much the
        kernel can"""
        site = self.site(server=None, threads=8)
        # Those that answer, the one that erases, the one that forgets keys
        # and the one that waits; a socket takes connections before they are
        # there.
        wait_until(lambda: len(confined(site.workers[0].pid)) == 11,
                   "all threads")
        self.assertEqual(set(confined(site.workers[0].pid)), {INSIDE})
        said = re.findall(r"event=worker-sandboxed landlock=(\d+)\n",
                          site.log())
        self.assertEqual(said, [] if is_sanitized() else
                         [str(landlock_version())])

    def test_off(self):
        """without it where the settings say so"""
        site = self.site(server=None, settings={"sandbox": "off"})
        self.assertStatus(site.direct("GET", "/ping"), 200)
        self.assertEqual(set(confined(site.workers[0].pid)), {(0, 0)})
        self.assertNotIn("worker-sandboxed", site.log())

    def test_network(self):
        """a worker whose socket is of the network is inside and works, also
        where it says so to syslogd"""
        for log in "stderr", "syslog":
            with self.subTest(log):
                site = self.site(server=None, start=False, settings={
                    "log": log, "log_level": "info"})
                with socket.create_server(("127.0.0.1", 0)) as listener:
                    site.sockets[0] = listener.getsockname()
                    worker = self.begin([WORKER, "-c", site.conf_file],
                                        stdin=listener)
                # A line for each.
                for _ in range(3):
                    self.assertStatus(site.direct(
                        "POST", "/api/v1/message", BODY, JSON_TYPE), 201)
                self.assertEqual(set(confined(worker.pid)), {INSIDE})
                worker.terminate()
                self.assertEqual(worker.wait(PATIENCE), 0)

    def test_inherited(self):
        """what its starter left open is closed, whatever way the requests
        come"""
        site = self.site(server=None, start=False)
        worker = [WORKER, "-c", site.conf_file]
        path = os.path.join(site.directory, "given")
        ends = os.pipe()
        pipe = os.readlink("/proc/self/fd/%d" % ends[0])
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen(64)
            ways = {
                "listen": (subprocess.DEVNULL,
                           worker + ["--listen", site.sockets[0]]),
                "handed over": (listener, worker),
                "systemd": (listener, [
                    "sh", "-c", 'exec 3<&0 0</dev/null; '
                    'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', "sh"] + worker),
                "cgi": (subprocess.PIPE, worker),
            }
            for way, (given, arguments) in ways.items():
                with self.subTest(way):
                    child = self.begin(
                        arguments, stdin=given, stdout=subprocess.DEVNULL,
                        pass_fds=ends, env=clean_environment(
                            cgi_params("POST", "/api/v1/message", 10,
                                       JSON_TYPE)))
                    wait_until(lambda: "oncelink" in comm(child.pid) and
                               pipe not in opened(child.pid), "the end of it")
                    if way == "cgi":
                        continue
                    if given is listener:
                        site.sockets[0] = path
                    wait_until(lambda: listens(site.sockets[0]), "a socket")
                    self.assertStatus(site.direct("GET", "/ping"), 200)
                    child.terminate()
                    self.assertEqual(child.wait(PATIENCE), 0)
        for end in ends:
            os.close(end)

    def test_cgi(self):
        """a worker of one request is inside before it reads a byte of it"""
        site = self.site(server=None, start=False)
        params = cgi_params("POST", "/api/v1/message", 10, JSON_TYPE)
        with subprocess.Popen(
                [WORKER, "-c", site.conf_file], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env=clean_environment(params)) as child:
            try:
                wait_until(lambda: confined(child.pid) == [INSIDE],
                           "the sandbox")
            finally:
                child.stdin.close()
            self.assertIn(b" 400 ", child.stdout.readline())
            child.stdout.read()
            self.assertEqual(child.wait(), 0)


if __name__ == "__main__":
    main()
