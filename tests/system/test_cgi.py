# SPDX-License-Identifier: ISC
"""The worker as a plain CGI program, and what it makes of lengths and document
roots, without a web server."""

import json
import os
import socket
import subprocess

from oncelink_faces import HEADERS, PINS
from oncelink_site import SRCDIR, WORKER, clean_environment
from oncelink_test import SiteTest, main
from oncelink_wire import (
    FRAME_TYPE, JSON_TYPE, FcgiRequest, cgi_params, native_creation,
    native_opening, parse_cgi, parse_frame, random_envelope, random_id,
    safesecrets_path,
)

EX_CONFIG = 78


class Cgi(SiteTest):
    """One process a request, as any web server can start it."""

    def test_reader_gone(self):
        """a request whose reader has gone ends well"""
        site = self.site(server=None, start=False)
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(
            [WORKER, "-c", site.conf_file], stdin=subprocess.DEVNULL,
            stdout=writing, stderr=subprocess.PIPE, check=False,
            env=clean_environment(cgi_params("GET", "/ping")))
        os.close(writing)
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_all(self):
        """every face by plain CGI"""
        site = self.site(server=None, start=False)
        answer = site.cgi("GET", "/ping")
        self.assertStatus(answer, 200)
        self.assertEqual(answer.body, b"pong")
        for name, value in HEADERS.items():
            self.assertEqual(answer.headers.get(name), value)
        for pin in PINS[1:5]:
            answer = site.cgi("POST", "/api/v1/message", json.dumps({
                "message": "m é", "exp": 60, "pin": pin}).encode(),
                JSON_TYPE)
            self.assertStatus(answer, 201)
            path = safesecrets_path(answer.json()["key"], pin)
            self.assertStatus(site.cgi("HEAD", path), 405)
            answer = site.cgi("GET", path, extra={
                "HTTP_SEC_PURPOSE": "prefetch"})
            self.assertStatus(answer, 503)
            answer = site.cgi("GET", path)
            self.assertStatus(answer, 200)
            self.assertEqual(answer.json()["message"], "m é")
            self.assertStatus(site.cgi("GET", path), 400)

        answer = site.cgi("POST", "/secrets",
                          b'{"passphrase":"p","message":"m"}', JSON_TYPE)
        self.assertStatus(answer, 200)
        key = answer.json()["id"]
        answer = site.cgi("POST", "/secrets/" + key, b'{"passphrase":"p"}',
                          JSON_TYPE)
        self.assertEqual(answer.json(), {"success": "True", "message": "m"})

        secret, claim, envelope = random_id(), random_id(), random_envelope(
            2000)
        answer = site.cgi("POST", "/api/v2/secrets", native_creation(
            secret, random_id(), envelope), FRAME_TYPE)
        self.assertStatus(answer, 201)
        for _ in range(2):
            answer = site.cgi("POST", "/api/v2/secrets/open",
                              native_opening(secret, claim), JSON_TYPE)
            self.assertStatus(answer, 200)
            self.assertEqual(parse_frame(answer.body)[1], envelope)
        answer = site.cgi("POST", "/api/v2/secrets/ack",
                          native_opening(secret, claim), JSON_TYPE)
        self.assertStatus(answer, 204)

    def one_socket(self, site, params, body):
        """As Apache's mod_cgid, with one socket for both ways: what came
        until the program sent no more, and its exit status."""
        ours, theirs = socket.socketpair()
        self.addCleanup(ours.close)
        ours.settimeout(20)
        child = subprocess.Popen(
            [WORKER, "-c", site.conf_file], stdin=theirs, stdout=theirs,
            stderr=subprocess.DEVNULL, env=clean_environment(params))
        theirs.close()
        try:
            # All of it is there before anything is read.
            ours.sendall(body)
            answer = b""
            while piece := ours.recv(65536):
                answer += piece
            # It goes on reading what it does not want.
            ours.sendall(body)
            self.assertIsNone(child.poll())
            ours.shutdown(socket.SHUT_WR)
            status = child.wait(20)
        finally:
            child.kill()
            child.wait()
        return parse_cgi(answer), status

    def test_unwanted_body(self):
        """a body that is not read does not take the answer with it where
        both have one socket; nor when the worker cannot start"""
        site = self.site(server=None, start=False)
        body = b"x" * 100000
        params = cgi_params("POST", "/no/such/thing", len(body), JSON_TYPE)
        answer, status = self.one_socket(site, params, body)
        self.assertStatus(answer, 404)
        self.assertEqual(status, 0)
        site.configure(threads="many")
        answer, status = self.one_socket(site, params, body)
        self.assertStatus(answer, 500)
        self.assertEqual(status, EX_CONFIG)

    def test_lengths(self):
        """no, lying and absurd Content-Length"""
        site = self.site(server=None)
        body = b'{"message":"m","exp":60,"pin":"12345"}'
        for length, status in (
                (None, 411), ("", 411), ("0", 400), ("x", 400), ("-1", 400),
                ("+5", 400), ("1e3", 400), (" 5", 400),
                ("99999999999999999999999", (400, 413)),
                ("104857600", 413), (str(len(body) + 10), 400),
                (str(len(body) - 1), 400), (str(len(body)), 201)):
            extra = {} if length is None else {"CONTENT_LENGTH": length}
            for answer in (
                    self.fcgi(site, extra, body),
                    site.cgi("POST", "/api/v1/message", body, JSON_TYPE,
                             length="" if length is None else length)):
                self.assertIn(
                    answer.status,
                    status if isinstance(status, tuple) else (status,),
                    "%r %r" % (length, answer))

    def fcgi(self, site, extra, body):
        request = FcgiRequest(site.sockets[0])
        request.begin(cgi_params("POST", "/api/v1/message", None, JSON_TYPE,
                                 extra))
        request.send(body)
        request.finish()
        return request.response()

    def test_document_root(self):
        """a state directory inside the document root is refused"""
        site = self.site(server=None)
        for root in (site.directory, site.state, "/"):
            answer = site.direct("GET", "/ping", extra={
                "DOCUMENT_ROOT": root})
            self.assertStatus(answer, 500)
        self.assertStatus(site.direct("GET", "/ping", extra={
            "DOCUMENT_ROOT": os.path.join(SRCDIR, "htdocs")}), 200)
        self.assertRegex(site.log(), "event=document[-_]root")


if __name__ == "__main__":
    main()
