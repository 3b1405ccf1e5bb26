# SPDX-License-Identifier: ISC
"""What only nginx does: refusals in the worker's place in the form of each
face, limits on one client, a site of somebody else around it, the line of its
log."""

import contextlib
import json
import os
import re
import select
import socket
import ssl

from oncelink_broken import broken_worker, notes
from oncelink_faces import REFUSED_CALLS, Refused
from oncelink_nginx import Nginx
from oncelink_site import wait_until
from oncelink_test import SiteTest, in_threads, main
from oncelink_wire import (
    JSON_TYPE, PATIENCE, http_bytes, native_opening, parse_http,
    random_envelope, random_id, read_to_end, safesecrets_path,
)

# A site that was there before, and has things of its own.
AROUND = """
include %(share)s/nginx/http.conf;
server {
	listen 127.0.0.1:%(port)d;
	root %(directory)s/other;
	set_real_ip_from 127.0.0.1;
	real_ip_header X-Real-IP;
	add_header X-Other yes always;
	%(more)s
	gzip on;
	gzip_types application/json;
	include %(share)s/nginx/locations.conf;
	location ~ \\.php$ {
		return 418;
	}
	location ~ 12 {
		return 418;
	}
}
"""


class Around(Nginx):
    """The shipped locations in a site of somebody else; `changes` to them
    where a test would wait for minutes otherwise."""

    changes = ()
    more = ""

    def write(self):
        super().write()
        os.makedirs(os.path.join(self.site.directory, "other"),
                    exist_ok=True)
        for name in ("http.conf", "locations.conf"):
            path = os.path.join(self.share(), "nginx", name)
            with open(path, encoding="utf-8") as file:
                text = file.read()
            for was, now in self.changes:
                if re.search(was, text):
                    text = re.sub(was, now, text)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        with open(self.site_conf(), "w", encoding="utf-8") as file:
            file.write(AROUND % {
                "share": self.share(), "port": self.site.port,
                "directory": self.site.directory,
                "more": self.more % {"log": self.log_directory()}})


class NginxTest(Refused, SiteTest):

    def around(self, *changes, prefix="/once", start=True, more=""):
        site = self.site("nginx", conf="shipped", prefix=prefix, start=False)
        site.server.__class__ = type("Changed", (Around,),
                                     {"changes": changes, "more": more})
        if start:
            site.start()
        return site

    def too_large(self, site, path):
        """The answer to a body that is announced.  nginx waits a while for
        what it would not read; we do not."""
        with contextlib.closing(site.connect()) as connection:
            connection.sendall(http_bytes(
                "POST", site.prefix + path, None,
                {"Content-Length": "99999999"}))
            raw = b""
            while not re.search(rb"(?s)\r\n\r\n.*\}", raw):
                part = connection.recv(65536)
                self.assertNotEqual(part, b"", raw)
                raw += part
            return parse_http(raw, False)

    def test_too_large(self):
        """413 for what the worker shall not even see"""
        site = self.site("nginx", conf="shipped", prefix="/once")
        for method, path, face in REFUSED_CALLS:
            if method == "POST":
                with self.subTest(path):
                    self.assertRefusal(
                        self.too_large(site, path), face, 413, False)

    def test_worker_is_gone(self):
        """502 while there is no worker"""
        for prefix in ("", "/once"):
            site = self.site("nginx", conf="shipped", prefix=prefix)
            site.stop_workers()
            for method, path, face in REFUSED_CALLS:
                with self.subTest(prefix + path):
                    answer = site.request(
                        method, path, b"{}" if method == "POST" else None)
                    self.assertRefusal(answer, face, 502, True)
            # What is not to be had from outside.
            answer = site.request("GET", "/-/502.json")
            self.assertStatus(answer, 404)

    def broken_calls(self, site, mode, status):
        """Each call is answered so while the worker is broken in this way,
        and the worker is asked once."""
        program = broken_worker(site.directory, mode)
        site.break_workers(program)
        site.start()
        for number, (method, path, face) in enumerate(REFUSED_CALLS):
            with self.subTest(path):
                word = "sent-%d-sent" % number
                answer = site.request(
                    method, path + ("&" if "?" in path else "?") + word,
                    b"{}" if method == "POST" else None)
                self.assertRefusal(answer, face, status, True)
                self.assertEqual([got for got, _ in notes(program)],
                                 list(map(str, range(number + 1))))

    def test_worker_breaks_down(self):
        """502, and the worker is not asked a second time"""
        self.broken_calls(self.around(start=False), "closes", 502)

    def test_worker_hangs(self):
        """504 when the worker takes too long, for that one request"""
        self.broken_calls(
            self.around(("fastcgi_read_timeout 60s",
                         "fastcgi_read_timeout 200ms"), start=False),
            "hangs", 504)

    def test_other_parts(self):
        """no pattern of the site around it gets hold of a path of ours, and
        nothing of ours changes it"""
        site = self.around()
        answer = site.request("GET", "/a.php", whole=True)
        self.assertStatus(answer, 418)
        self.assertEqual(answer.headers["x-other"], "yes")
        answer = site.request("GET", "/api/v2/params",
                              headers={"Accept-Encoding": "gzip"})
        self.assertNotIn("content-encoding", answer.headers)
        for pin in ("a.php", "12345"):
            answer = site.safesecrets_create("text", pin)
            self.assertStatus(answer, 201)
            self.assertNotIn("x-other", answer.headers)
            path = safesecrets_path(answer.json()["key"], pin)
            self.assertStatus(site.request("GET", path), 200)
        answer = site.request("GET", "/")
        self.assertStatus(answer, 200)
        self.assertEqual(answer.headers["cache-control"], "no-store")
        answer = site.request("GET", "/once", whole=True)
        self.assertStatus(answer, 302)
        self.assertEqual(answer.headers["location"], "/once/")
        answer = site.request("GET", "/message/0123")
        self.assertEqual(answer.headers["location"], "/once/read/#m=0123")
        for path in ("/", "/oncemore/api/v2/health", "/api/v2/health"):
            answer = site.request("GET", path, whole=True)
            self.assertIn(answer.status, (403, 404), path)

    def test_other_logs(self):
        """logs that the site around it has learn nothing of ours"""
        site = self.around(
            more="access_log %(log)s/others-access.log;\n"
                 "error_log %(log)s/others-error.log info;\n")

        def others():
            text = ""
            for name in ("access", "error"):
                with open(os.path.join(site.server.log_directory(),
                                       "others-%s.log" % name),
                          encoding="utf-8") as file:
                    text += file.read()
            return text
        secret = "canary" + random_id().hex()
        for path in ("?", "/ping?", "/api/v1/message/x/", "/css/", "/js/?",
                     "/message/x-", "/-/502.json?", "/read/?"):
            site.request("GET", "/once" + path + secret, whole=True)
        for path in ("/api/v1/message", "/api/v2/secrets"):
            self.too_large(site, path + "?" + secret)
        site.stop_workers()
        answer = site.request("GET", "/ping?" + secret)
        self.assertStatus(answer, 502)
        # What is not ours they have.
        site.request("GET", "/css/elsewhere", whole=True)
        wait_until(lambda: "elsewhere" in others(), "the other log")
        self.assertNotIn("canary", others())
        self.assertNotIn("canary", site.log())

    def test_creations(self):
        """so many secrets made at once from one address, by whatever path,
        and no more; it may still read"""
        site = self.around(("rate=12r/m", "rate=1r/m"))
        paths = ("/api/v2/secrets", "/api/v1/message", "/secrets",
                 "/api/secrets", "/api/secret_requests",
                 "/api/v2/requests/fill", "/api/v2/%73ecrets?x=1")

        def make(address, path):
            return site.request("POST", path, b"{}", {
                "Content-Type": JSON_TYPE, "X-Real-IP": address})
        made = [make("192.0.2.1", paths[number % len(paths)]).status
                for number in range(21)]
        self.assertNotIn(429, made)
        for path, face in (("/api/v2/secrets", "native"),
                           ("/api/v1/message", "safesecrets"),
                           ("/secrets", "onetime")):
            self.assertRefusal(make("192.0.2.1", path), face, 429, 5)
        problem = make("192.0.2.1", paths[0]).json()
        self.assertEqual(problem["retry_after"], 5)
        for path in paths:
            self.assertStatus(make("192.0.2.1", path), 429, path)
        for path in ("/api/v2/secrets/open", "/secrets/0123",
                     "/api/v2/secrets/peek"):
            self.assertNotEqual(make("192.0.2.1", path).status, 429)
        self.assertNotEqual(make("192.0.2.2", paths[0]).status, 429)

    def test_rate(self):
        """so many requests at once from one address or one IPv6 network, and
        no more; others are served meanwhile"""
        site = self.around(("rate=10r/s", "rate=1r/m"))

        def ask(address, count, path="/api/v2/health"):
            headers = {"X-Real-IP": address} if address else {}
            return [site.request("GET", path, headers=headers)
                    for _ in range(count)]

        def statuses(answers):
            return [answer.status for answer in answers]
        half = statuses(ask("192.0.2.1", 100))
        self.assertEqual(half, [200] * 100)
        rest = ask("192.0.2.1", 110)
        self.assertEqual(statuses(rest)[:101], [200] * 101)
        self.assertEqual(statuses(rest)[101:], [429] * 9)
        problem = self.assertRefusal(rest[-1], "native", 429, True)
        self.assertEqual(problem["retry_after"], 1)
        for path, face in (("/ping", "safesecrets"), ("/secrets", "onetime")):
            (answer,) = ask("192.0.2.1", 1, path)
            self.assertRefusal(answer, face, 429, True)
        # Pages are free, and so is everybody else.
        self.assertEqual(statuses(ask("192.0.2.1", 2, "/")), [200] * 2)
        self.assertEqual(statuses(ask("192.0.2.2", 2)), [200] * 2)
        ask("2001:db8:0:1::1", 201)
        self.assertEqual(statuses(ask("2001:db8:0:1:ff::2", 2)), [429] * 2)
        self.assertEqual(statuses(ask("2001:db8:0:2::1", 2)), [200] * 2)
        # A proxy on this machine is not one client.
        self.assertEqual(statuses(ask(None, 250)), [200] * 250)
        self.assertEqual(statuses(ask("::1", 250)), [200] * 250)

    def test_connections(self):
        """so many requests in the making from one address"""
        site = self.around(("rate=10r/s", "rate=1000r/s"))

        def begin(address):
            connection = site.connect()
            self.addCleanup(connection.close)
            connection.sendall(http_bytes(
                "POST", "/once/api/v1/message", None,
                {"Content-Length": "10", "X-Real-IP": address}) + b"{")
            return connection
        held = [begin("192.0.2.1") for _ in range(20)]

        def answered():
            return select.select(held, [], [], 0)[0]
        # nginx looks at a connection when it has the time, and nobody else
        # asks until then: whoever does takes the place of one of them.
        wait_until(lambda: len(answered()) == 4, "four to be refused")
        for connection in answered():
            held.remove(connection)
            self.assertRefusal(parse_http(read_to_end(connection)),
                               "safesecrets", 429, 5)

        def ask():
            return site.request("GET", "/ping",
                                headers={"X-Real-IP": "192.0.2.1"})
        self.assertRefusal(ask(), "safesecrets", 429, True)
        answer = site.request("GET", "/ping",
                              headers={"X-Real-IP": "192.0.2.2"})
        self.assertStatus(answer, 200)
        # Pages take no memory.
        answer = site.request("GET", "/",
                              headers={"X-Real-IP": "192.0.2.1"})
        self.assertStatus(answer, 200)
        for connection in held[:8]:
            connection.close()
        wait_until(lambda: ask().status == 200, "connections to be forgotten")

    def test_slow(self):
        """a client that stops in the middle of a head or a body is left"""
        site = self.site("nginx", conf="shipped", start=False)

        class Hasty(Nginx):
            def write(self):
                super().write()
                for name in ("site.conf", "locations.conf"):
                    path = os.path.join(self.share(), "nginx", name)
                    with open(path, encoding="utf-8") as file:
                        text = file.read()
                    text = re.sub(r"(client_(?:header|body)_timeout) \d+s",
                                  r"\1 300ms", text)
                    with open(path, "w", encoding="utf-8") as file:
                        file.write(text)
        site.server.__class__ = Hasty
        site.start()
        for raw in (b"GET /ping HT", b"GET /ping HTTP/1.1\r\nHost: a\r\nX:",
                    http_bytes("POST", "/api/v1/message", None,
                               {"Content-Length": "100"}) + b"{"):
            with contextlib.closing(site.connect()) as connection:
                # Well before nginx's own 60 seconds.
                connection.settimeout(30)
                connection.sendall(raw)
                self.assertNotIn(b"200 OK", read_to_end(connection))

    def test_slow_reader(self):
        """a client that does not read its answer holds no thread"""
        site = self.site("nginx", conf="shipped", threads=1)
        secret, claim = random_id(), random_id()
        envelope = random_envelope(4 * 2048)
        self.assertStatus(
            site.native_create(secret, random_id(), envelope), 201)
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(PATIENCE)
            connection.connect(("127.0.0.1", site.port))
            connection.sendall(http_bytes(
                "POST", "/api/v2/secrets/open",
                native_opening(secret, claim), {"Content-Type": JSON_TYPE}))
            # The only thread has begun.
            raw = connection.recv(100)
            for _ in range(3):
                self.assertStatus(site.request("GET", "/ping"), 200)
            raw += read_to_end(connection)
        self.assertTrue(raw.endswith(b"\n" + envelope))

    def test_pieces(self):
        """a body in pieces arrives whole, with its length"""
        site = self.site("nginx", conf="shipped")
        body = json.dumps({"message": "text", "exp": 60,
                           "pin": "12345"}).encode()
        pieces = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (
            body[:1], body[1:20], body[20:])) + b"0\r\n\r\n"
        with contextlib.closing(site.connect()) as connection:
            connection.sendall(http_bytes(
                "POST", "/api/v1/message", None,
                {"Transfer-Encoding": "chunked"}) + pieces)
            answer = parse_http(read_to_end(connection), False)
        self.assertStatus(answer, 201)
        self.assertStatus(
            site.safesecrets_open(answer.json()["key"], "12345"), 200)

    def test_http2(self):
        """a TLS site does not offer HTTP/2, whose bodies without a length
        would go into files"""
        site = self.site("nginx", conf="shipped", tls=True)
        context = ssl.create_default_context(
            cafile=os.path.join(site.directory, "tls", "fullchain.pem"))
        context.set_alpn_protocols(["h2", "http/1.1"])
        with contextlib.closing(context.wrap_socket(
                site.connect_to(("127.0.0.1", site.port)),
                server_hostname="site.test")) as connection:
            self.assertEqual(connection.selected_alpn_protocol(), "http/1.1")

    def test_in_the_clear(self):
        """beside TLS a program is refused, not led on: what it sent is no
        secret any more"""
        site = self.site("nginx", conf="shipped", tls=True)
        answer = site.request("POST", "/api/v1/message", b"{}", tls=False)
        self.assertStatus(answer, 403)
        answer = site.request("GET", "/read/?x", tls=False)
        self.assertStatus(answer, 301)
        self.assertEqual(answer.headers["location"],
                         "https://site.test/read/?x")

    def test_log(self):
        """a line of the log has an address, a time, a method, a status and a
        size, and no word that a client chose"""
        site = self.site("nginx", conf="shipped")
        site.request("GET", "/ping?SECRET")
        site.request("SECRET", "/ping")
        self.too_large(site, "/api/v1/message")
        for raw in (b"SECRET\r\n\r\n", b"GET /SECRET HTTP/9.9\r\n\r\n"):
            with contextlib.closing(site.connect()) as connection:
                connection.sendall(raw)
                read_to_end(connection)

        def lines():
            with open(site.server.access_log(), encoding="utf-8") as file:
                return file.read().splitlines()
        site.stop_workers()
        site.request("GET", "/api/SECRET")
        # The one of await_health comes first.
        wait_until(lambda: len(lines()) == 7, "the lines of the log")
        found = []
        for line in lines()[1:]:
            match = re.match(r"^127\.0\.0\.1 \[[^]]{26}\] "
                             r"(-|[A-Z]+) (\d{3}) \d+$", line)
            self.assertIsNotNone(match, line)
            found.append(match.groups())
        self.assertEqual(sorted(found), sorted([
            ("GET", "200"), ("-", "405"), ("POST", "413"), ("-", "400"),
            ("GET", "505"), ("GET", "502")]))
        self.assertNotIn("SECRET", site.log())

    def test_readers(self):
        """64 readers at once over both workers of nginx: one wins"""
        site = self.site("nginx", conf="shipped")
        key = site.safesecrets_create("text").json()["key"]
        answers = in_threads(
            64, lambda number: site.safesecrets_open(key).status)
        self.assertEqual(answers.count(200), 1, answers)


if __name__ == "__main__":
    main()
