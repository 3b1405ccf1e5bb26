# SPDX-License-Identifier: ISC
"""A site with TLS of each kind, with a certificate that is thrown away."""

import contextlib
import os
import re
import socket
import ssl
import warnings

from oncelink_canary import Canaries
from oncelink_hostile import REQUESTS, Silent, Words, reset
from oncelink_server import SERVER_NAME, make_certificate
from oncelink_test import cases, main
from oncelink_wire import (
    parse_frame, random_envelope, random_id, safesecrets_path,
)

UUID = "8b0b8a2e-1b1b-4c1b-8d1b-0a2e3f4a5b6c"
BASE62 = "abcdefghijABCDEFGHIJ12"

# At least half a year.
LONG = 180 * 86400


class Tls(Silent):
    """A mixin: one kind of web server, on shared hosting as far as a user
    without root has a say."""

    kind = None

    def open_site(self, **options):
        return self.site(self.kind, conf="shipped", tls=True, **options)

    def assertStrict(self, answer):
        """It says, once, that there is only https from now on."""
        found = re.fullmatch(
            r"max-age=(\d+)(; *includeSubDomains)?",
            answer.headers.get("strict-transport-security", ""))
        self.assertTrue(found, answer.headers)
        self.assertGreaterEqual(int(found[1]), LONG)

    def test_https(self):
        """faces, pages and older links by https, each answer with HSTS; and
        nothing of it in a log"""
        for prefix in ("", "/once"):
            with self.subTest(prefix=prefix):
                self.everything(self.open_site(prefix=prefix))

    def everything(self, site):
        canaries = Canaries()
        message = canaries.text("message")
        pin = "a/b%2"
        answer = site.safesecrets_create(message, pin)
        self.assertStatus(answer, 201)
        self.assertStrict(answer)
        key = answer.json()["key"]
        canaries.key("key", key)
        self.assertStatus(
            site.request("HEAD", safesecrets_path(key, pin)), 405)
        answer = site.safesecrets_open(key, pin)
        self.assertStatus(answer, 200)
        self.assertEqual(answer.json()["message"], message)
        self.assertStrict(answer)

        secret, envelope = random_id(), random_envelope(400)
        self.assertStatus(
            site.native_create(secret, random_id(), envelope), 201)
        answer = site.native("secrets/open", id=secret, claim=random_id())
        self.assertStatus(answer, 200)
        self.assertEqual(parse_frame(answer.body)[1], envelope)

        for path in ("/", "/css/oncelink.css", "/js/" + canaries.text("js"),
                     "/" + canaries.text("path")):
            answer = site.request("GET", path)
            self.assertIn(answer.status, (200, 404))
            self.assertStrict(answer)
        self.assertIn("default-src 'none'", site.request("GET", "/").headers[
            "content-security-policy"])
        word = Words(canaries, "an older link").base62()
        for path, target in (("/" + word, "/read/?" + word),
                             ("/message/" + key, "/read/#m=" + key),
                             ("/req/" + key, "/request/#" + key)):
            answer = site.request("GET", path)
            self.assertStatus(answer, 302)
            self.assertIn(answer.headers["location"], (
                site.prefix + target,
                "https://" + SERVER_NAME + site.prefix + target))
            self.assertStrict(answer)
        lines = self.end(site)
        self.assertGreater(len(lines), 8)
        self.assertFormat(site, lines)
        self.assertNowhere(site, canaries, "https")

    def test_http(self):
        """what comes in the clear is sent to https, path and query as they
        were sent, and reaches no worker"""
        site = self.open_site()
        canaries = Canaries()
        word = canaries.text("query")
        for path in ("/", "/ping", "/read/?" + BASE62, "/" + BASE62,
                     "/message/" + UUID, "/api/v2/health",
                     "/api/v1/message/%s/a%%2Fb%%252" % UUID,
                     "/api/v1/message/%s/..%%2f%%2f.?x=%s&y" % (UUID, word),
                     "/%s/%%20+" % canaries.text("path")):
            for method in ("GET", "HEAD"):
                answer = site.request(method, path, tls=False, headers={
                    "Referer": "http://site.test/" + canaries.text("Referer")
                })
                self.assertStatus(answer, 301, path)
                self.assertEqual(
                    self.as_written(answer.headers["location"]),
                    self.as_written("https://" + SERVER_NAME + path))
                self.assertNotIn("strict-transport-security", answer.headers)
        # To another Host the way is no other.
        answer = site.request("GET", "/ping", tls=False,
                              headers={"Host": "other.test"})
        self.assertStatus(answer, 301)
        self.assertEqual(answer.headers["location"],
                         "https://%s/ping" % SERVER_NAME)
        for path in ("/api/v1/message", "/secrets", "/api/v2/secrets"):
            answer = site.request(
                "POST", path, b'{"message":"%s","exp":60,"pin":"12345",'
                b'"passphrase":"p"}' % canaries.text("message").encode(),
                {"Content-Type": "application/json"}, tls=False)
            self.assertIn(answer.status, (301, 403, 405), path)
        done = site.ctl("stats")
        self.assertEqual(done.returncode, 0)
        self.assertNotRegex(done.stdout, rb"(?m)^secrets.*[1-9]")
        lines = self.end(site)
        self.assertGreater(len(lines), 15)
        self.assertFormat(site, lines)
        self.assertNowhere(site, canaries, "http")

    def as_written(self, where):
        """%2f and %2F are the same."""
        return re.sub("%[0-9a-f]{2}", lambda found: found[0].upper(), where)

    def test_hostile(self):
        """hostile requests on both ports leave nothing"""
        site = self.open_site()
        canaries = Canaries()
        waiting = []
        for name in ("a known path, unknown key", "an unknown path",
                     "traversal", "NUL and control characters",
                     "broken escapes", "links of older services",
                     "an absolute URI", "methods", "versions", "hosts",
                     "headers that are none", "upgrades",
                     "TLS where none is spoken"):
            for tls in (None, False):
                waiting += self.send(
                    site, REQUESTS[name](Words(canaries, name)), tls)
        self.assertNowhere(site, canaries, "sent")
        for connection in waiting:
            reset(connection)
        # HTTP on the port of TLS, and a name that nobody has.
        words = Words(canaries, "the wrong port")
        for request in REQUESTS["a known path, unknown key"](words):
            with contextlib.closing(site.connect_to(
                    ("127.0.0.1", site.port))) as connection:
                connection.sendall(request)
                connection.shutdown(socket.SHUT_WR)
                with contextlib.suppress(OSError):
                    while connection.recv(1 << 16):
                        pass
        name = canaries.text("server name") + ".test"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with contextlib.suppress(OSError), contextlib.closing(
                site.connect_to(("127.0.0.1", site.port))) as plain:
            context.wrap_socket(plain, server_hostname=name).close()
        self.assertFormat(site, self.end(site))
        self.assertNowhere(site, canaries, "at the end")


class OwnTls(Tls):
    """A mixin: where all of the web server's settings are ours."""

    def handshake(self, site, least, most):
        """The version that is agreed on."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(
            os.path.join(site.directory, "tls", "fullchain.pem"))
        # Our side takes what is old; the other must not.
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = least
            context.maximum_version = most
        with socket.create_connection(("127.0.0.1", site.port)) as plain:
            with context.wrap_socket(
                    plain, server_hostname=SERVER_NAME) as connection:
                return connection.version()

    def test_versions(self):
        """TLS 1.2 and 1.3, and nothing older"""
        site = self.open_site()
        version = ssl.TLSVersion
        self.assertEqual(self.handshake(
            site, version.TLSv1_2, version.TLSv1_2), "TLSv1.2")
        self.assertEqual(self.handshake(
            site, version.TLSv1_2, version.TLSv1_3), "TLSv1.3")
        for old in (version.TLSv1, version.TLSv1_1):
            with self.assertRaises(ssl.SSLError) as caught:
                self.handshake(site, old, old)
            # It was the other side that refused.
            self.assertIn("ALERT", caught.exception.reason)

    def test_forward_secrecy(self):
        """whatever the certificate, its key alone does not tell later what
        was sent: nor does a key of tickets"""
        site = self.site(self.kind, conf="shipped", tls=True, start=False)
        words = site.server.words()
        os.makedirs(os.path.dirname(words["CERTIFICATE"]), mode=0o700)
        make_certificate(words["CERTIFICATE"], words["CERTIFICATE_KEY"],
                         "rsa", "rsa_keygen_bits:2048")
        site.start()
        for ciphers, good in (("ECDHE-RSA-AES128-GCM-SHA256", True),
                              ("ECDHE-RSA-CHACHA20-POLY1305", True),
                              ("AES256-SHA", False),
                              ("AES128-GCM-SHA256", False),
                              ("AES256-GCM-SHA384:AES128-SHA256", False),
                              ("ECDHE-RSA-AES256-SHA", False)):
            with self.subTest(ciphers):
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.load_verify_locations(words["CERTIFICATE"])
                context.maximum_version = ssl.TLSVersion.TLSv1_2
                context.set_ciphers(ciphers + ":@SECLEVEL=0")
                with contextlib.closing(site.connect_to(
                        ("127.0.0.1", site.port))) as plain:
                    if good:
                        with context.wrap_socket(
                                plain, server_hostname=SERVER_NAME) as line:
                            self.assertEqual(line.cipher()[0], ciphers)
                            self.assertFalse(line.session.has_ticket)
                    else:
                        with self.assertRaises(ssl.SSLError) as caught:
                            context.wrap_socket(
                                plain, server_hostname=SERVER_NAME)
                        self.assertIn("ALERT", caught.exception.reason)

    def test_key(self):
        """the certificate's key is root's alone, when root starts it"""
        site = self.open_site()
        name = site.server.words()["CERTIFICATE_KEY"]
        self.assertEqual(os.stat(name).st_mode & 0o077, 0)
        self.assertEqual(os.stat(name).st_uid, os.getuid())


class HostersTls(Tls):
    """A mixin: where certificate and versions are a hoster's, and the way to
    https is in .htaccess."""

    def open_site(self, **options):
        site = super().open_site(start=False, **options)
        site.server.redirect_ourselves()
        site.start()
        return site


globals().update(cases(
    OwnTls, lambda server: server.quiet and server.has_tls))
globals().update(cases(HostersTls, lambda server: not server.quiet))


if __name__ == "__main__":
    main()
