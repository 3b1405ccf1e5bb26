# SPDX-License-Identifier: ISC
"""Workers that are broken in the ways a real one could be, for tests of what
web servers then tell their logs.

A worker of these is a program that a web server starts as it would start the
real one: FastCGI on standard input, on the socket of --listen or on one from
systemd, and plain CGI otherwise.
"""

import os
import sys

PROGRAM = '''#!%(python)s
import os, signal, socket, stat, struct, sys

MODE = %(mode)r


def record(kind, content):
    return struct.pack(">BBHHBB", 1, kind, 1, len(content), 0, 0) + content


def answer(text, fcgi):
    end = record(6, b"") + record(3, b"\\0" * 8)
    return record(6, text) + end if fcgi else text


# How it is broken.  None: nothing more comes, and nothing ends.
def reply(fcgi):
    if MODE == "dies":
        os._exit(0)
    if MODE == "hangs":
        signal.pause()
    if MODE == "garbage":
        return b"\\xff\\xfe" * 600
    if MODE == "no head":
        return answer(b"Content-Type text/html, no colon and no end", fcgi)
    if MODE == "bad status":
        return answer(b"Status: abc\\r\\nX Y: \\x01\\r\\n\\r\\nbody", fcgi)
    if MODE == "large head":
        return answer(b"X-Large: " + b"x" * 60000 + b"\\r\\n\\r\\nbody", fcgi)
    if MODE == "cut":
        text = b"Content-Length: 1000\\r\\n\\r\\nbody"
        return record(6, text) if fcgi else text
    raise AssertionError(MODE)


def serve(listener):
    while True:
        connection = listener.accept()[0]
        # To look whether somebody listens is no request.
        if connection.recv(1 << 16):
            connection.sendall(reply(True))
        connection.close()


signal.signal(signal.SIGTERM, lambda number, stack: os._exit(0))
if "--listen" in sys.argv:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[sys.argv.index("--listen") + 1])
    listener.listen(64)
    serve(listener)
elif os.environ.get("LISTEN_FDS"):
    serve(socket.socket(fileno=3))
elif stat.S_ISSOCK(os.fstat(0).st_mode) and "REQUEST_URI" not in os.environ:
    serve(socket.socket(fileno=0))
else:
    os.write(1, reply(False))
'''

MODES = ("dies", "hangs", "garbage", "no head", "bad status", "large head",
         "cut")


def broken_worker(directory, mode):
    """Such a program, made below this directory; its path, which ends as
    that of the real one does."""
    directory = os.path.join(directory, "broken-" + mode.replace(" ", "-"))
    os.mkdir(directory)
    os.chmod(directory, 0o755)
    name = os.path.join(directory, "oncelink.fcgi")
    # The system's, since other users need not be able to run our own.
    python = "/usr/bin/python3"
    if not os.access(python, os.X_OK):
        python = sys.executable
    with open(name, "w", encoding="utf-8") as file:
        file.write(PROGRAM % {"python": python, "mode": mode})
    os.chmod(name, 0o755)
    return name
