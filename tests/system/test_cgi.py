# SPDX-License-Identifier: ISC
"""The worker as a plain CGI program, and what it makes of lengths and document
roots, without a web server."""

import json
import os

from oncelink_faces import HEADERS, PINS
from oncelink_site import SRCDIR
from oncelink_test import SiteTest, main
from oncelink_wire import (
    FRAME_TYPE, JSON_TYPE, FcgiRequest, cgi_params, native_creation,
    native_opening, parse_frame, random_envelope, random_id, safesecrets_path,
)


class Cgi(SiteTest):
    """One process a request, as any web server can start it."""

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
