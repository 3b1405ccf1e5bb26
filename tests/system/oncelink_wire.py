# SPDX-License-Identifier: ISC
"""What goes over the wire: HTTP, CGI and FastCGI, as little of them as a test
needs to see every byte and to be as slow as it likes, and the bodies of the
faces."""

import base64
import fcntl
import json
import os
import socket
import struct

FRAME_TYPE = "application/vnd.oncelink.frame"
JSON_TYPE = "application/json"

# How long anything may take before a test says that it hangs.
PATIENCE = 60.0

# Binary values and frames of the native face.

def unbase62(text):
    """The 16 bytes of an id of password.link's interface."""
    digits = ("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
              "abcdefghijklmnopqrstuvwxyz")
    number = 0
    for digit in text:
        number = number * 62 + digits.index(digit)
    return number.to_bytes(16, "big")


def b64u(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64u(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def frame(head, payload=b""):
    return json.dumps(head).encode() + b"\n" + payload


def parse_frame(body):
    line, separator, payload = body.partition(b"\n")
    if separator != b"\n" or len(line) > 4096:
        raise AssertionError("not a frame")
    return json.loads(line), payload


def random_envelope(blocks=1):
    """Bytes that have an envelope's form: version, nonce, blocks, tag."""
    return b"\x02" + os.urandom(12 + 512 * blocks + 16)


def random_id():
    """A fresh id, claim or receipt: 16 bytes."""
    return os.urandom(16)


# HTTP, as little of it as shows what went over the wire.

class Response:
    """An answer: status, headers (a dict of lower-case names), body."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return "<%d %r>" % (self.status, self.body[:200])


class Broken(Exception):
    """The connection ended before a whole answer was there."""


def parse_headers(lines):
    headers = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon:
            raise Broken("header line %r" % line[:80])
        key = name.strip().lower().decode("latin-1")
        text = value.strip().decode("latin-1")
        headers[key] = headers[key] + ", " + text if key in headers else text
    return headers


def unchunk(raw):
    body = b""
    while True:
        size, separator, raw = raw.partition(b"\r\n")
        if not separator:
            raise Broken("chunk without an end")
        length = int(size.split(b";")[0], 16)
        if length == 0:
            return body
        if len(raw) < length + 2:
            raise Broken("short chunk")
        body += raw[:length]
        raw = raw[length + 2:]


def parse_http(raw, head_only=False):
    """An HTTP/1.x answer that was read until the end of the connection."""
    head, separator, body = raw.partition(b"\r\n\r\n")
    if not separator:
        raise Broken("no answer (%d bytes)" % len(raw))
    lines = head.split(b"\r\n")
    status = int(lines[0].split(b" ", 2)[1])
    headers = parse_headers(lines[1:])
    if status == 100:
        return parse_http(body, head_only)
    if head_only:
        return Response(status, headers, body)
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = unchunk(body)
    elif "content-length" in headers:
        if len(body) != int(headers["content-length"]):
            raise Broken("Content-Length %s, %d bytes" % (
                headers["content-length"], len(body)))
    return Response(status, headers, body)


def parse_cgi(raw):
    """A CGI or FastCGI answer: Status and headers, then the body."""
    head, separator, body = raw.partition(b"\r\n\r\n")
    if not separator:
        raise Broken("no CGI answer (%d bytes)" % len(raw))
    headers = parse_headers(head.split(b"\r\n"))
    status = int(headers.pop("status", "200").split(" ")[0])
    return Response(status, headers, body)


def http_bytes(method, path, body=None, headers=None):
    """One request with Connection: close.  The path goes out as it is; a
    tuple of values is so many headers."""
    if isinstance(path, str):
        path = path.encode()
    lines = [b"%s %s HTTP/1.1" % (method.encode(), path)]
    given = {"Host": "site.test", "Connection": "close"}
    if body is not None:
        given["Content-Length"] = str(len(body))
    given.update(headers or {})
    for name, values in given.items():
        for value in values if isinstance(values, tuple) else (values,):
            if value is not None:
                lines.append(("%s: %s" % (name, value)).encode())
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")


def read_to_end(connection):
    parts = []
    while True:
        try:
            part = connection.recv(1 << 18)
        except ConnectionResetError:
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts)


# FastCGI, as much of it as a test needs to be slow on purpose.

FCGI_BEGIN, FCGI_END, FCGI_PARAMS, FCGI_STDIN = 1, 3, 4, 5
FCGI_STDOUT, FCGI_STDERR = 6, 7


def fcgi_record(kind, content=b""):
    return struct.pack(">BBHHBB", 1, kind, 1, len(content), 0, 0) + content


def fcgi_params(params):
    encoded = b""
    for name, value in params.items():
        for text in (name, value):
            length = len(text.encode())
            encoded += (bytes([length]) if length < 128
                        else struct.pack(">I", length | 0x80000000))
        encoded += name.encode() + value.encode()
    return encoded


def cgi_params(method, uri, length=None, content_type=None, extra=None):
    """What a web server tells of a request."""
    params = {
        "GATEWAY_INTERFACE": "CGI/1.1",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "site.test",
        "REQUEST_METHOD": method,
        "REQUEST_URI": uri,
        "SCRIPT_NAME": "",
        "QUERY_STRING": uri.partition("?")[2],
        # Nobody's in particular: see client_secrets in oncelink.conf(5).
        "REMOTE_ADDR": "127.0.0.1",
    }
    if length is not None:
        params["CONTENT_LENGTH"] = str(length)
    if content_type is not None:
        params["CONTENT_TYPE"] = content_type
    params.update(extra or {})
    return params


class FcgiRequest:
    """One request straight to a worker's socket, at the test's own pace."""

    def __init__(self, address, receive_buffer=None):
        self.socket = socket.socket(
            socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        self.socket.settimeout(PATIENCE)
        if receive_buffer:
            self.socket.setsockopt(
                socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(address)
        self.raw = b""

    def begin(self, params):
        self.socket.sendall(
            fcgi_record(FCGI_BEGIN, struct.pack(">HB5x", 1, 0))
            + fcgi_record(FCGI_PARAMS, fcgi_params(params))
            + fcgi_record(FCGI_PARAMS))

    def send(self, content):
        for start in range(0, len(content), 32768):
            self.socket.sendall(
                fcgi_record(FCGI_STDIN, content[start:start + 32768]))

    def finish(self):
        self.socket.sendall(fcgi_record(FCGI_STDIN))

    def unread(self):
        """How many bytes that we sent has the worker not taken yet?"""
        count = bytearray(4)
        fcntl.ioctl(self.socket, 0x5411, count)     # SIOCOUTQ
        return struct.unpack("i", count)[0]

    def read(self, size):
        """Some bytes of the answer; b"" at its end."""
        part = self.socket.recv(size)
        self.raw += part
        return part

    def response(self):
        """The rest of the answer, parsed.  Broken if it is not whole."""
        self.raw += read_to_end(self.socket)
        self.socket.close()
        output, position, ended = [], 0, False
        while position + 8 <= len(self.raw):
            _, kind, _, length, padding, _ = struct.unpack(
                ">BBHHBB", self.raw[position:position + 8])
            content = self.raw[position + 8:position + 8 + length]
            if len(content) < length:
                break
            position += 8 + length + padding
            if kind == FCGI_STDOUT:
                output.append(content)
            elif kind == FCGI_END:
                ended = True
        if not ended:
            raise Broken("FastCGI answer without an end")
        return parse_cgi(b"".join(output))

    def close(self):
        self.socket.close()


def native_members(members):
    return {
        name: b64u(value) if isinstance(value, bytes) else value
        for name, value in members.items() if value is not None
    }


def native_creation(secret, receipt, envelope, expires_in=3600, **members):
    """The body of a create."""
    return frame(native_members({
        "id": secret, "receipt": receipt, "expires_in": expires_in,
        **members}), envelope)


def native_opening(secret, claim, **members):
    """The body of an open."""
    return json.dumps(native_members({
        "id": secret, "claim": claim, **members})).encode()


def quote(text):
    """Percent-encode everything that may stand in a segment unencoded for
    other reasons too."""
    if isinstance(text, str):
        text = text.encode()
    return "".join(
        chr(byte) if chr(byte).isalnum() and byte < 128 else "%%%02X" % byte
        for byte in text)


def safesecrets_path(key, pin):
    return "/api/v1/message/%s/%s" % (key, quote(pin))


def random_text(size):
    """`size` bytes of text without any pattern."""
    return base64.b64encode(os.urandom(size * 3 // 4 + 3))[:size].decode()
