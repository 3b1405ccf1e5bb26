# SPDX-License-Identifier: ISC
"""SIGTERM finishes what is in flight: a slow upload, a slow answer."""

import json
import os
import signal
import subprocess
import time

from oncelink_site import wait_until
from oncelink_test import SiteTest, main
from oncelink_wire import (
    FRAME_TYPE, JSON_TYPE, Broken, FcgiRequest, cgi_params, native_creation,
    native_opening, parse_frame, random_envelope, random_id, random_text,
)

THREADS = 4


def tasks(worker):
    """How many threads has the worker?"""
    try:
        return len(os.listdir("/proc/%d/task" % worker.pid))
    except FileNotFoundError:
        return 0


class Shutdown(SiteTest):

    def begin(self, site, uri, body, content_type):
        request = FcgiRequest(site.sockets[0], receive_buffer=4096)
        self.addCleanup(request.close)
        request.begin(cgi_params("POST", uri, len(body), content_type))
        return request

    def terminate(self, worker):
        """SIGTERM, and wait until the worker has acted on it: its idle
        threads have ended."""
        before = tasks(worker)
        worker.signal(signal.SIGTERM)
        wait_until(lambda: tasks(worker) < before, "idle threads to end")

    def assertEnds(self, worker, seconds):
        try:
            status = worker.wait(seconds)
        except subprocess.TimeoutExpired:
            self.fail("did not end within shutdown_seconds")
        self.assertEqual(status, 0)

    def test_upload(self):
        """SIGTERM in the middle of a 100 KB upload"""
        site = self.site(server=None, threads=THREADS)
        worker = site.workers[0]
        message = random_text(60000)
        # Escaped, so that what goes over the wire has 100 KB and more.
        body = json.dumps({"message": message, "exp": 60, "pin": "12345"})
        body = body.replace(message[:10000], "".join(
            "\\u%04x" % ord(letter) for letter in message[:10000]))
        body = body.encode()
        self.assertGreater(len(body), 100000)
        request = self.begin(site, "/api/v1/message", body, JSON_TYPE)
        half = len(body) // 2
        request.send(body[:half])
        wait_until(lambda: request.unread() == 0, "the worker to read")
        self.terminate(worker)
        # Slow enough for every wake-up of the shutdown to hit the reading.
        step = (len(body) - half) // 40 + 1
        for start in range(half, len(body), step):
            request.send(body[start:start + step])
            time.sleep(0.02)
        self.assertTrue(worker.running())
        request.finish()
        answer = request.response()
        self.assertStatus(answer, 201)
        self.assertEnds(worker, 10)
        site.workers = [site.start_worker(0)]
        answer = site.direct(
            "GET", "/api/v1/message/%s/12345" % answer.json()["key"])
        self.assertStatus(answer, 200)
        self.assertEqual(answer.json()["message"], message)

    def test_answer(self):
        """SIGTERM in the middle of a slow 10 MiB answer"""
        site = self.site(server=None, threads=THREADS)
        worker = site.workers[0]
        secret, claim = random_id(), random_id()
        envelope = random_envelope((10 << 20) // 512 - 1)
        self.assertStatus(site.direct(
            "POST", "/api/v2/secrets",
            native_creation(secret, random_id(), envelope), FRAME_TYPE), 201)
        body = native_opening(secret, claim)
        request = self.begin(site, "/api/v2/secrets/open", body, JSON_TYPE)
        request.send(body)
        request.finish()
        request.read(1000)
        self.terminate(worker)
        for _ in range(40):
            request.read(20000)
            time.sleep(0.02)
        self.assertTrue(worker.running())
        answer = request.response()
        self.assertStatus(answer, 200)
        head, payload = parse_frame(answer.body)
        self.assertEqual(head["kind"], "v2")
        self.assertTrue(payload == envelope)
        self.assertEnds(worker, 10)

    def test_idle(self):
        """SIGTERM and SIGINT end an idle worker at once, with status 0"""
        for number in (signal.SIGTERM, signal.SIGINT):
            site = self.site(server=None, threads=THREADS)
            worker = site.workers[0]
            worker.signal(number)
            self.assertEnds(worker, 10)
            site.workers = []

    def test_many(self):
        """SIGTERM under load: every request that was taken is answered"""
        site = self.site(threads=THREADS)
        for _ in range(5):
            requests = [
                ("POST", "/api/v2/secrets", native_creation(
                    random_id(), random_id(), random_envelope()), FRAME_TYPE)
                for _ in range(3)]
            flying = []
            for _, path, body, content_type in requests:
                request = self.begin(site, path, body, content_type)
                request.send(body[:100])
                flying.append((request, body))
            wait_until(
                lambda: all(one.unread() == 0 for one, _ in flying),
                "the worker to read")
            self.terminate(site.workers[0])
            for request, body in flying:
                request.send(body[100:])
                request.finish()
            for request, _ in flying:
                self.assertStatus(request.response(), 201)
            self.assertEnds(site.workers[0], 10)
            site.workers = [site.start_worker(0)]

    def test_stuck(self):
        """a client that never goes on does not keep the worker: it ends
        after shutdown_seconds, and nothing is half done"""
        site = self.site(server=None, threads=THREADS,
                         settings={"shutdown_seconds": "1s"})
        worker = site.workers[0]
        secret = random_id()
        body = native_creation(secret, random_id(), random_envelope(10))
        request = self.begin(site, "/api/v2/secrets", body, FRAME_TYPE)
        request.send(body[:2000])
        wait_until(lambda: request.unread() == 0, "the worker to read")
        worker.signal(signal.SIGTERM)
        try:
            worker.wait(20)
        except subprocess.TimeoutExpired:
            self.fail("still there long after shutdown_seconds")
        with self.assertRaises((Broken, OSError)):
            request.response()
        site.workers = [site.start_worker(0)]
        answer = site.direct(
            "POST", "/api/v2/secrets/peek",
            json.dumps({"id": native_id(body)}).encode(), JSON_TYPE)
        self.assertStatus(answer, 404)

    def test_client_goes_away(self):
        """a client that goes away half-way changes nothing and the worker
        lives on"""
        site = self.site(server=None, threads=2)
        for _ in range(10):
            body = native_creation(random_id(), random_id(),
                                   random_envelope(10))
            request = self.begin(site, "/api/v2/secrets", body, FRAME_TYPE)
            request.send(body[:3000])
            request.close()
        envelope, secret = random_envelope(2048), random_id()
        site.direct("POST", "/api/v2/secrets", native_creation(
            secret, random_id(), envelope), FRAME_TYPE)
        claim = random_id()
        for _ in range(5):
            body = native_opening(secret, claim)
            request = self.begin(site, "/api/v2/secrets/open", body,
                                 JSON_TYPE)
            request.send(body)
            request.finish()
            request.read(100)
            request.close()
        answer = site.direct("POST", "/api/v2/secrets/open",
                             native_opening(secret, claim), JSON_TYPE)
        self.assertStatus(answer, 200)
        self.assertTrue(answer.body.endswith(b"\n" + envelope))
        with site.reader() as database:
            (count,) = database.execute(
                "SELECT count(*) FROM secret").fetchone()
        self.assertEqual(count, 1)


def native_id(body):
    return json.loads(body.partition(b"\n")[0])["id"]


if __name__ == "__main__":
    main()
