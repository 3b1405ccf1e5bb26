# SPDX-License-Identifier: ISC
"""Requests that no friendly client sends, each with words in it that nobody
may keep."""

import concurrent.futures
import contextlib
import random
import re
import socket
import struct
import uuid

from oncelink_canary import files_with, open_files_with, plain_text
from oncelink_wire import FRAME_TYPE, JSON_TYPE, quote

# How long an answer may take before the request counts as one that the web
# server waits for the rest of.
ANSWER_SECONDS = 0.4

# client, time, method, status, bytes
LINE = re.compile(rb"^[0-9a-f.:]+ \[[^\]\"]+\] [^ /]* (\d{3}|-) (\d+|-)$")

# Above what any shipped configuration takes.
FAR_TOO_LARGE = 200 << 20


class Words:
    """The canaries of one request, one for each place where it stands."""

    def __init__(self, canaries, request):
        self.canaries = canaries
        self.request = request

    def __call__(self, place):
        return self.canaries.text("%s: %s" % (self.request, place))

    def path(self):
        """A SafeSecrets path: a key and a PIN."""
        key = "%s-%012x" % (self.canaries.uuid_start,
                            random.getrandbits(48))
        self.canaries.key(self.request + ": key", key)
        pin = self.canaries.pin(self.request + ": PIN")
        return "/api/v1/message/%s/%s" % (key, quote(pin))

    def base62(self):
        word = self.canaries.start + plain_text(12)
        self.canaries.planted.append(
            (self.request + ": older link", word.encode()))
        return word

    def headers(self):
        """What browsers and programs send along."""
        return [
            "User-Agent: " + self("User-Agent"),
            "Referer: https://site.test/read/?" + self("Referer"),
            "Cookie: a=" + self("Cookie"),
            "Authorization: Bearer " + self("Authorization"),
            "X-Forwarded-For: " + self("X-Forwarded-For"),
            "X-Word: " + self("a header"),
        ]

    def json(self, size=0):
        """A body of SafeSecrets' that would make a secret."""
        return ('{"message":"%s%s","exp":60,"pin":"%s"}' % (
            self("message"), self("long message") * (size // 24),
            self.canaries.pin(self.request + ": body's PIN"))).encode()


def whole(words, method="GET", target=None, headers=(), body=None,
          version="HTTP/1.1", host="site.test", end="\r\n"):
    """A request with canaries everywhere but where something else is given,
    as bytes."""
    if target is None:
        target = words.path() + "?x=" + words("query")
    if isinstance(target, str):
        target = target.encode()
    lines = [] if host is None else ["Host: " + host]
    lines += words.headers()
    lines.append("Connection: close")
    if body is not None and not any(
            line.lower().startswith(("content-length", "transfer-encoding"))
            for line in headers):
        lines.append("Content-Length: %d" % len(body))
    lines += headers
    return (method.encode() + b" " + target
            + (" " + version if version else "").encode() + end.encode()
            + end.join(lines).encode() + (end * 2).encode() + (body or b""))


def post(words, body, headers=(), target="/api/v1/message", **options):
    return whole(words, "POST", target,
                 ["Content-Type: " + JSON_TYPE, *headers], body, **options)


REQUESTS = {}


def hostile(name):
    """Note a maker of requests under this name."""
    def note(function):
        REQUESTS[name] = function
        return function
    return note


# Paths.

@hostile("a known path, unknown key")
def _(words):
    return [whole(words), whole(words, "HEAD"), whole(words, "DELETE")]


@hostile("an unknown path")
def _(words):
    return [whole(words, target="/" + words("path") + end)
            for end in ("", "/", "//", "/..", ".php", "?" + words("query"))]


@hostile("traversal")
def _(words):
    return [whole(words, target=way + words("path")) for way in (
        "/../../", "/%2e%2e/%2e%2e/", "/css/../../", "/css/..%2f..%2f",
        "/css/%2e%2e%5c", "/read/..;/", "//..//", "/./.../", "/..",
        "/%c0%ae%c0%ae/", "/api/v2/../../")]


@hostile("NUL and control characters")
def _(words):
    return [whole(words, target=target) for target in (
        "/%00" + words("path"), "/" + words("path") + "%00",
        b"/\x00" + words("path").encode(), b"/\x01" + words("path").encode(),
        b"/\x7f\xff\xc3" + words("path").encode(),
        b"/api/v1/message/%s/\xe5\xe4\xf612" % words("path").encode(),
        b"/read/?\xff" + words("query").encode(),
        "/%0d%0aX-Injected:%20" + words("path"),
        "/" + words("path") + "%0d%0a", "/css/%00" + words("path"),
        b"/css/\t" + words("path").encode())]


@hostile("broken escapes")
def _(words):
    return [whole(words, target="/" + words("path") + end) for end in (
        "%", "%2", "%zz", "%u0041", "%%%", "%ff%fe", "?%", "?%00", "#x")]


@hostile("a path that is far too long")
def _(words):
    return [whole(words, target="/" + words("path") + "x" * size
                  + words("end of the path"))
            for size in (5000, 9000, 70000, 300000)] + [
            whole(words, target="/?" + words("query") + "x" * 70000)]


@hostile("pages that are not there")
def _(words):
    return [whole(words, method, target % words("path")) for target in (
        "/read/%s", "/css/%s.css", "/js/%s/", "/about/%s/..", "/text/%s",
        "/receipt/?%s", "/request/%s/index.html", "/?%s",
        "/index.html?%s", "/index.html/%s", "/favicon.svg/%s")
        for method in ("GET", "POST")]


@hostile("links of older services")
def _(words):
    return [whole(words, target=target) for target in (
        "/" + words.base62(), "/" + words.base62() + "/?" + words("query"),
        "/message/" + str(uuid.uuid4()) + "?" + words("query"),
        "/req/" + words("path"), "/message/" + words("path") + "/"
        + words("PIN"))]


@hostile("an absolute URI")
def _(words):
    return [whole(words, target=start + words("path")) for start in (
        "http://site.test/", "http://other.test/", "https://site.test:99/",
        "ftp://site.test/", "//other.test/", "http://", "site.test/")]


# Methods and versions.

@hostile("methods")
def _(words):
    return [whole(words, method) for method in (
        "TRACE", "TRACK", "OPTIONS", "PUT", "PATCH", "DELETE", "PROPFIND",
        "BREW", "get", "G\x01T", "GET\x00", "X" * 300, "")] + [
        whole(words, "CONNECT", words("authority") + ":443"),
        whole(words, "OPTIONS", "*"),
        whole(words, "PUT", "/css/" + words("path"), body=words.json()),
        whole(words, "POST", "/", body=words.json()),
        whole(words, "PROPFIND", "/", ["Depth: " + words("Depth")])]


@hostile("versions")
def _(words):
    return [whole(words, version=version) for version in (
        "HTTP/9.9", "HTTP/1.", "HTTP/0.9", "HTTP/1.1 " + words("version"),
        "HTP/1.1", words("version"), None)] + [
        b"GET /" + words("path").encode() + b"\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + words("after").encode()]


@hostile("TLS where none is spoken")
def _(words):
    name = words("server name").encode()
    return [b"\x16\x03\x01\x00\x80\x01\x00\x00\x7c\x03\x03" + bytes(32)
            + b"\x00\x00\x02\x13\x01\x01\x00\x00\x51" + name * 3]


# Headers.

@hostile("hosts")
def _(words):
    return [whole(words, host=host) for host in (
        None, "", words("host") + "/x", "a b " + words("host"),
        words("host") + ".test", "[::1", "site.test:" + words("port"),
        "site.test\r\nHost: " + words("second host"))]


@hostile("headers that are none")
def _(words):
    return [whole(words, headers=[header]) for header in (
        words("no colon"), ": " + words("no name"),
        "X Y: " + words("name with a space"),
        words("space before colon") + " : x", "X_Y: " + words("underscore"),
        "X-Folded: a\r\n " + words("folded"),
        "X-Control: \x01" + words("control"),
        "X-Null: \x00" + words("null"), "X-Return: a\r" + words("return"),
        "X-Latin: \xe5" + words("latin"),
        "() { :; }: " + words("shell"), "X-Shell: () { :; }; echo "
        + words("shell"), "Proxy: http://" + words("proxy") + ".test/")]


@hostile("headers that are far too long")
def _(words):
    return [whole(words, headers=headers) for headers in (
        ["X-Long: " + words("start") + "x" * 9000 + words("end")],
        ["X-Long: " + words("start") + "x" * 70000 + words("end")],
        ["X-Many-%d: %s" % (number, words("many")) for number in range(300)],
        ["X-Many-%d: x" % number for number in range(3000)]
        + ["X-Last: " + words("last")],
        [words("a long name") + "x" * 9000 + ": x"],
        ["Cookie: " + "; ".join(words("cookies") for _ in range(400))])]


@hostile("headers with a meaning")
def _(words):
    return [whole(words, headers=[header]) for header in (
        "Expect: " + words("Expect"), "Range: bytes=" + words("Range"),
        "If-Modified-Since: " + words("date"),
        "If-Match: " + words("tag"), "X-HTTP-Method-Override: "
        + words("override"), "X-Original-URL: /" + words("original"),
        "Forwarded: for=" + words("forwarded"), "Accept: "
        + words("accept"), "Accept-Language: " + words("language"),
        "From: " + words("from"), "Te: " + words("te"),
        "Authorization: Basic " + words("basic"),
        "Authorization: Digest username=" + words("digest"),
        "Authorization: " + words("scheme"))] + [
        whole(words, target="/?" + words("query"), headers=[
            "Range: bytes=5-2,9-," + words("Range")])]


@hostile("upgrades")
def _(words):
    return [whole(words, target="/" + words("path"), headers=[
        "Upgrade: websocket", "Sec-WebSocket-Key: " + words("key"),
        "Sec-WebSocket-Version: 13"]).replace(
            b"Connection: close", b"Connection: Upgrade"),
        whole(words, target="/" + words("path"), headers=[
            "Upgrade: h2c", "HTTP2-Settings: " + words("settings")]).replace(
            b"Connection: close", b"Connection: Upgrade, HTTP2-Settings"),
        whole(words, headers=["Upgrade: " + words("upgrade")])]


@hostile("ends of lines")
def _(words):
    return [whole(words, end="\n"), whole(words, end="\r"),
            whole(words, end="\r\r\n"),
            b"\r\n\r\n\r\n" + whole(words), b" " + whole(words)]


# Lengths and bodies.

@hostile("lengths that are none")
def _(words):
    return [post(words, words.json(), ["Content-Length: " + length])
            for length in ("x" + words("length"), "-1", "+5", "0x10", "",
                           "1e3", " ", "5, 5", "99999999999999999999",
                           str(FAR_TOO_LARGE))]


@hostile("two lengths")
def _(words):
    return [
        post(words, words.json(), ["Content-Length: 5",
                                   "Content-Length: 6"]),
        post(words, words.json(), ["Content-Length: 5",
                                   "Transfer-Encoding: chunked"]),
        post(words, words.json(), ["Transfer-Encoding: "
                                   + words("encoding")]),
        post(words, words.json(), ["Transfer-Encoding: gzip, chunked"]),
    ]


@hostile("chunks that are none")
def _(words):
    return [post(words, start.encode() + words.json() + b"\r\n0\r\n\r\n",
                 ["Transfer-Encoding: chunked"])
            for start in ("zz\r\n", words("size") + "\r\n", "-5\r\n",
                          "fffffffffffffffff\r\n", "\r\n",
                          "5;" + words("extension") + "\r\n", "1\r\n",
                          "%x\r\n" % FAR_TOO_LARGE)]


@hostile("good chunks")
def _(words):
    body = words.json()
    return [post(words, b"%x\r\n%s\r\n0\r\nX-Trailer: %s\r\n\r\n" % (
        len(body), body, words("trailer").encode()),
        ["Transfer-Encoding: chunked"])]


@hostile("more than was promised")
def _(words):
    """What follows a body looks like the next request's beginning."""
    body = words.json()
    return [post(words, body, ["Content-Length: 5"]).replace(
                b"Connection: close", b"Connection: keep-alive"),
            post(words, body + b"\r\n" + words("next").encode()
                 + b" / HTTP/1.1\r\n\r\n",
                 ["Content-Length: %d" % len(body)]).replace(
                b"Connection: close", b"Connection: keep-alive")]


@hostile("two requests at once")
def _(words):
    return [whole(words).replace(b"Connection: close", b"X: y")
            + whole(words, target="/" + words("second path"))]


@hostile("bodies of other kinds")
def _(words):
    return [whole(words, "POST", target, [
        "Content-Type: " + kind, *more], words.json())
        for target in ("/api/v1/message", "/secrets", "/api/secrets",
                       "/api/v2/secrets", "/api/v2/secrets/open")
        for kind, more in (
            (JSON_TYPE, ()), (FRAME_TYPE, ()),
            ("text/plain; x=" + words("parameter"), ()),
            ("multipart/form-data; boundary=" + words("boundary"), ()),
            (JSON_TYPE, ["Content-Encoding: gzip"]))]


@hostile("too large for us")
def _(words):
    return [post(words, words.json(900000)),
            post(words, words.json(900000), target="/secrets"),
            post(words, words.json(900000), target="/" + words("path"))]


@hostile("too large for the web server")
def _(words):
    return [post(words, words.json(), [
        "Content-Length: %d" % FAR_TOO_LARGE, *more],
        target="/api/v1/message?" + words("query"))
        for more in ((), ("Expect: 100-continue",))]


# Not to the end.

@hostile("half a head")
def _(words):
    request = whole(words)
    return [request[:-2], request[:-30], request[:len(request) // 2],
            request[:20], b"GET"]


@hostile("half a body")
def _(words):
    return [post(words, words.json(size))[:-10] for size in (0, 5000, 50000)]


# Requests that a client of ours sends too, for what else may go wrong.

def friendly(words):
    return [whole(words), whole(words, target="/read/?" + words("query")),
            post(words, words.json()), post(words, words.json(50000)),
            post(words, words.json(), target="/api/secrets")]


# Sending them, and looking for what was left.

def reset(connection):
    """End a connection as a client does that is killed."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                              struct.pack("ii", 1, 0))
    connection.close()


def unread(connection):
    """Is anything on its way to the web server, or not read by it yet?"""
    here, there = connection.getsockname(), connection.getpeername()
    ends = {":%04X" % here[1], ":%04X" % there[1]}
    with open("/proc/net/tcp", encoding="ascii") as file:
        for line in list(file)[1:]:
            fields = line.split()
            if {fields[1][8:], fields[2][8:]} == ends and any(
                    int(queue, 16) for queue in fields[4].split(":")):
                return True
    return False


class Silent:
    """A mixin of test cases: nothing of a request is left anywhere."""

    def places(self, site):
        """Where nothing may be found."""
        return [site.directory, *site.server.logs(), *site.server.scratch()]

    def processes(self, site):
        return [member for process in [*site.workers, site.web]
                for member in process.members()]

    def found(self, site, canaries):
        """Every file with a canary in it; of a hoster's logs, what came
        there by us."""
        found = files_with(canaries, *self.places(site))
        found.update(open_files_with(canaries, self.processes(site)))
        for name in site.server.hosters():
            found.pop(name, None)
        words = canaries.found_in(site.server.said())
        return {**found, "said": words} if words else found

    def assertNowhere(self, site, canaries, when, spool=None):
        """No canary in a file; spool: those below the directories for
        temporary files may have some."""
        found = self.found(site, canaries)
        if spool:
            found = {name: words for name, words in found.items()
                     if not name.startswith(tuple(site.server.scratch()))}
        self.assertEqual(found, {}, when)

    def send(self, site, requests, tls=None):
        """Send them, a few at a time; the connections that wait for more."""
        def one(request):
            connection = site.connect(tls)
            connection.settimeout(ANSWER_SECONDS)
            try:
                with contextlib.suppress(BrokenPipeError,
                                         ConnectionResetError):
                    connection.sendall(request)
                while connection.recv(1 << 16):
                    pass
            except TimeoutError:
                return connection
            except OSError:
                pass
            connection.close()
            return None

        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            return [connection for connection in pool.map(one, requests)
                    if connection is not None]

    def end(self, site):
        """End everything, so that all logs are written, and look at them."""
        site.web.end()
        site.stop_workers()
        with open(site.server.access_log(), "rb") as file:
            return file.read().splitlines()

    def assertFormat(self, site, lines):
        if site.server.quiet:
            for line in lines:
                self.assertRegex(line, LINE)
