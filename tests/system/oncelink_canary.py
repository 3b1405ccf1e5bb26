# SPDX-License-Identifier: ISC
"""Promise 6: words that are planted in requests and looked for everywhere."""

import base64
import contextlib
import ctypes
import os
import struct
import time
import uuid

from oncelink_wire import b64u, quote, random_text

# A file's time is taken from a clock that ticks a few times in this, in s.
TICK = 0.05

IN_CREATE, IN_MOVED_TO, IN_ISDIR = 0x100, 0x80, 0x40000000


class Watch:
    """The names of all files that appear in some directories, by
    inotify(7)."""

    def __init__(self, *directories):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.fd == -1:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        for directory in directories:
            for place, _, _ in os.walk(directory):
                if libc.inotify_add_watch(self.fd, place.encode(),
                                          IN_CREATE | IN_MOVED_TO) == -1:
                    raise OSError(ctypes.get_errno(), place)

    def seen(self):
        names = []
        with contextlib.suppress(BlockingIOError):
            while True:
                events = os.read(self.fd, 65536)
                while events:
                    _, mask, _, length = struct.unpack("iIII", events[:16])
                    if not mask & IN_ISDIR:
                        names.append(
                            events[16:16 + length].rstrip(b"\0").decode())
                    events = events[16 + length:]
        return names

    def close(self):
        os.close(self.fd)


def plain_text(size):
    return random_text(size).replace("/", "x").replace("+", "y")


class Canaries:
    """Words and bytes that must turn up nowhere, and how they may be
    written."""

    def __init__(self):
        self.planted = []
        self.since = time.time() - TICK
        # Words of one set begin alike, so that one look for the beginning
        # does for all of them where there is none.
        self.start = plain_text(10)
        self.raw_start = os.urandom(10)
        self.uuid_start = str(uuid.uuid4())[:23]
        self.pin_start = "".join(
            chr(0x4E00 + byte) for byte in os.urandom(3))

    def text(self, what, size=24):
        word = self.start + plain_text(size - len(self.start))
        self.planted.append((what, word.encode()))
        return word

    def pin(self, what):
        # Five characters occur by chance; these do not.
        word = self.pin_start + "".join(
            chr(0x4E00 + byte) for byte in os.urandom(2))
        self.planted.append((what, word.encode()))
        self.planted.append((what, quote(word).encode()))
        return word

    def raw(self, what, size=16):
        value = self.raw_start + os.urandom(size - len(self.raw_start))
        self.raw_key(what, value)
        return value

    def raw_key(self, what, value):
        """Bytes that somebody else drew."""
        self.planted.append((what, value))
        self.planted.append((what, b64u(value).encode()))
        self.planted.append((what, base64.b64encode(value).rstrip(b"=")))
        self.planted.append((what, value.hex().encode()))

    def key(self, what, written):
        """A key as the server wrote it."""
        self.planted.append((what, written.encode()))
        digits = written.replace("-", "")
        self.planted.append((what, digits.encode()))
        self.planted.append((what, bytes.fromhex(digits)))

    def found_in(self, content):
        lower = content.lower()
        starts = {value[:10].lower() for _, value in self.planted}
        if not any(start in lower for start in starts):
            return []
        return sorted({what for what, value in self.planted
                       if value.lower() in lower})


def files_with(canaries, *places):
    """Every file at or below these places with a canary in it: its name and
    which canaries."""
    found = {}
    for place in places:
        names = [place] if os.path.isfile(place) else [
            os.path.join(directory, name)
            for directory, _, names in os.walk(place) for name in names]
        for name in names:
            note_file(canaries, name, name, found)
    return found


def open_files_with(canaries, processes):
    """Every regular file that these processes have open with a canary in it,
    also when it has no name any more."""
    found = {}
    for process in processes:
        with contextlib.suppress(OSError):
            for number in os.listdir("/proc/%d/fd" % process):
                link = "/proc/%d/fd/%s" % (process, number)
                with contextlib.suppress(OSError):
                    if os.path.isfile(link):
                        note_file(canaries, link, os.readlink(link), found)
    return found


def note_file(canaries, path, name, found):
    with contextlib.suppress(OSError):
        with open(path, "rb") as file:
            # What was last changed before they were drawn has none of them.
            # Memory that is shared is changed without a new time.
            changed = os.fstat(file.fileno()).st_ctime
            if changed < canaries.since and not name.endswith("-shm"):
                return
            words = canaries.found_in(file.read())
        if words:
            found[name] = words
