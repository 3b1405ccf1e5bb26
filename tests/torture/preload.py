# SPDX-License-Identifier: ISC
"""Programs of ours whose clock goes wrong and whose disk fails when a test
says so: preload.c, and what is wanted of it."""

import atexit
import errno
import functools
import mmap
import os
import shlex
import shutil
import struct
import subprocess
import tempfile
import time

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "preload.c")

# The places of struct wanted.
(OFFSET, FROZEN, IS_FROZEN, RATE, DRIFTS_SINCE, ERROR, ERROR_EVERY, ERRORS,
 CALLS) = range(9)

# Which calls about files fail, where not all of them do.
READS, WRITES, SYNCS, CUTS = 1, 2, 4, 8

YEAR = 31556952 * 1000      # ms
DAY = 86400 * 1000
HOUR = 3600 * 1000


@functools.lru_cache(None)
def compiled(source, *options):
    """A file in C, compiled where every user can go to."""
    place = tempfile.mkdtemp(prefix="oncelink-test.")
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    os.chmod(place, 0o755)
    name = os.path.join(place, os.path.basename(source)[:-2])
    subprocess.run(
        shlex.split(os.environ.get("CC") or "cc")
        + ["-std=c11", "-O1", *options, "-o", name, source],
        check=True)
    os.chmod(name, 0o755)
    return name


def library():
    return compiled(SOURCE, "-shared", "-fPIC")


class Preload:
    """What one program, or several, find of clock and disk; as it is until
    something else is said."""

    def __init__(self, directory, name):
        self.place = os.path.join(directory, "preload-" + name)
        os.mkdir(self.place)
        os.chmod(self.place, 0o755)
        self.file = os.path.join(self.place, "wanted")
        with open(self.file, "w+b") as file:
            file.write(bytes(4096))
            file.flush()
            os.chmod(self.file, 0o666)
            self.wanted = mmap.mmap(file.fileno(), 4096)

    def get(self, place):
        return struct.unpack_from("q", self.wanted, place * 8)[0]

    def put(self, place, value):
        struct.pack_into("q", self.wanted, place * 8, value)

    def environment(self):
        # With a sanitizer its own library is first otherwise, or it ends.
        options = os.environ.get("ASAN_OPTIONS", "")
        return {
            "LD_PRELOAD": library(), "ONCELINK_PRELOAD": self.file,
            "ASAN_OPTIONS": options + ":verify_asan_link_order=0",
        }

    def wrap(self, program):
        """A program that becomes this one with all that; its path."""
        name = os.path.join(self.place, os.path.basename(program))
        with open(name, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n")
            for word, value in self.environment().items():
                file.write("export %s=%s\n" % (word, shlex.quote(value)))
            file.write('if [ -s %s ]; then ulimit -d "$(cat %s)"; fi\n'
                       % ((shlex.quote(self.limit_file()),) * 2))
            file.write('exec %s "$@"\n' % shlex.quote(program))
        os.chmod(name, 0o755)
        return name

    def limit_file(self):
        return os.path.join(self.place, "limit")

    def limit_memory(self, kibibytes):
        """Of what wrap() starts from now on; None: no limit."""
        with open(self.limit_file(), "w", encoding="ascii") as file:
            if kibibytes is not None:
                file.write("%d\n" % kibibytes)

    # The clock, in ms.

    def set_offset(self, offset):
        self.put(RATE, 0)
        self.put(OFFSET, offset)
        self.put(IS_FROZEN, 0)

    def freeze(self, at):
        self.put(FROZEN, at)
        self.put(IS_FROZEN, 1)

    def drift(self, rate):
        """From now on it goes so many seconds more in one than it should, or
        fewer; in thousandths."""
        right = int(time.time() * 1000)
        self.set_offset(self.now() - right)
        self.put(DRIFTS_SINCE, right)
        self.put(RATE, rate)

    def now(self):
        if self.get(IS_FROZEN):
            return self.get(FROZEN)
        now = int(time.time() * 1000)
        return now + self.get(OFFSET) + (
            now - self.get(DRIFTS_SINCE)) * self.get(RATE) // 1000

    # The disk.

    def break_disk(self, error, every, calls=0):
        """One call in so many on a file fails with this errno; calls: of these
        kinds alone."""
        self.put(ERROR_EVERY, every)
        self.put(CALLS, calls)
        self.put(ERROR, error)

    def mend(self):
        self.put(ERROR, 0)
        self.limit_memory(None)

    def errors(self):
        return self.get(ERRORS)


FULL, BROKEN = errno.ENOSPC, errno.EIO

# No error: of what is to be written half is, as write(2) may have it.
SHORT = -1
