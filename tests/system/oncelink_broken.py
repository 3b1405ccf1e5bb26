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
import os, re, signal, socket, stat, struct, sys

MODE = %(mode)r
NOTES = %(notes)r


def record(kind, content):
    return struct.pack(">BBHHBB", 1, kind, 1, len(content), 0, 0) + content


def answer(text, fcgi):
    end = record(6, b"") + record(3, b"\\0" * 8)
    return record(6, text) + end if fcgi else text


# What tells a request from others, and whether the web server means to keep
# its connection.
def note(asked, fcgi):
    word = re.search(b"sent-([a-z0-9]+)-sent", asked)
    if word:
        with open(NOTES, "ab") as file:
            file.write(b"%%s %%d\\n" %% (word[1], fcgi and asked[10] & 1))


# How it is broken.
def reply(asked, fcgi):
    note(asked, fcgi)
    if MODE == "dies":
        os._exit(0)
    if MODE == "closes":
        return b""
    if MODE == "garbage":
        return b"\\xff\\xfe" * 600
    if MODE == "no head":
        return answer(b"Content-Type text/html, no colon and no end", fcgi)
    if MODE == "bad status":
        return answer(b"Status: abc\\r\\nX Y: \\x01\\r\\n\\r\\nbody", fcgi)
    if MODE == "quotes":
        text = re.sub(b"[\\0-\\40]", b"", asked)[:1000]
        return answer(b"Status: 200\\r\\nX-Bad: \\1" + text
                      + b"\\r\\n\\r\\nbody", fcgi)
    if MODE == "large head":
        return answer(b"X-Large: " + b"x" * 60000 + b"\\r\\n\\r\\nbody", fcgi)
    if MODE == "cut":
        text = b"Content-Length: 1000\\r\\n\\r\\nbody"
        return record(6, text) if fcgi else text
    if MODE == "tells":
        os.write(2, b"was asked for " + asked + b"\\n")
        return answer(b"Content-Type: text/plain\\r\\n\\r\\nbody", fcgi)
    raise AssertionError(MODE)


# What came until the parameters ended, in however many pieces: nothing where
# somebody looked whether anybody listens.
def head_of(connection):
    asked = b""
    while record(4, b"") not in asked:
        piece = connection.recv(1 << 16)
        if not piece:
            break
        asked += piece
    return asked


def serve(listener):
    held = []
    while True:
        connection = listener.accept()[0]
        asked = head_of(connection)
        if asked and MODE == "hangs":
            note(asked, True)
            held.append(connection)
            continue
        if asked:
            connection.sendall(reply(asked, True))
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
    asked = os.environb[b"REQUEST_URI"]
    if MODE == "hangs":
        signal.pause()
    os.write(1, reply(asked, False))
'''

MODES = ("dies", "hangs", "garbage", "no head", "bad status", "quotes",
         "large head", "cut")


def broken_worker(directory, mode):
    """Such a program, made below this directory; its path, which ends as
    that of the real one does.  Beside it lies what notes() reads."""
    directory = os.path.join(directory, "broken-" + mode.replace(" ", "-"))
    os.mkdir(directory)
    os.chmod(directory, 0o755)
    name = os.path.join(directory, "oncelink.fcgi")
    # The system's, since other users need not be able to run our own.
    python = "/usr/bin/python3"
    if not os.access(python, os.X_OK):
        python = sys.executable
    with open(name, "w", encoding="utf-8") as file:
        file.write(PROGRAM % {"python": python, "mode": mode,
                              "notes": notes_file(name)})
    with open(notes_file(name), "wb"):
        os.chmod(notes_file(name), 0o666)
    os.chmod(name, 0o755)
    return name


def notes_file(program):
    return program + "-notes"


def notes(program):
    """(word, is the connection to be kept) of each request with a word
    between "sent-" and "-sent" in its path that such a program got."""
    with open(notes_file(program), "rb") as file:
        return [(word.decode(), kept == b"1") for word, kept in
                map(bytes.split, file.read().splitlines())]
