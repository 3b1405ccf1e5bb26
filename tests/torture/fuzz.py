#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Bytes of strangers for every part of the program that reads some: the
entries of tests/fuzz, each with its corpus and its dictionary.

As a sample they get their corpus and what chance makes of it (replay.c, built
by any compiler).  In larger sizes libFuzzer runs them, with AddressSanitizer
and UndefinedBehaviorSanitizer: `make fuzzers', which needs clang and its
runtime (Debian: clang, libclang-rt-14-dev).  In the largest most inputs go to
programs without sanitizers (`make fuzzers-lean'), which take three in the time
of one and see a byte too far by memory that ends there; what they find new
goes to one with sanitizers, too.  An input that ended an entry is kept as
torture/fuzz-ENTRY-*; run the entry with that file to see it again.

    fuzz.py [libraries] [ENTRY ...]

libraries: the entries in which json-c or libfcgi reads, with both of them
counted and checked by clang as well (`make fuzzers-libraries').
"""

import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile

from attack import Attack

SRCDIR = os.path.abspath(os.environ.get("srcdir", "."))
BUILDDIR = os.path.abspath(os.environ.get("builddir", "."))
SIZE = os.environ.get("TORTURE") or "sample"

SANITIZERS = os.path.join(BUILDDIR, "fuzz-build")
LEAN = os.path.join(BUILDDIR, "fuzz-lean")

SECONDS = 20        # of each entry, in the usual size
AT_ONCE = 2
# In the largest size:
CHUNK = 30000000    # inputs of one process
SANITIZED = 10      # one input in so many is for the build with sanitizers,
                    # whose processes have as much fewer

# What its inputs are, how many are a sample, and how many are much.
ENTRIES = {
    "app": ("whole requests, one after the other, to a real site",
            250, 400000),
    "conf": ("configuration files", 5000, 6000000),
    "fastcgi": ("connections to libfcgi, each with a good one behind it",
                2000, 100000),
    "frame": ("bodies of our own interface: frames and JSON",
              30000, 30000000),
    "http": ("methods, paths, queries, headers, addresses",
             60000, 60000000),
    "json": ("bodies of JSON for tables of members", 60000, 130000000),
    "keyfile": ("key files", 3000, 3600000),
    "sealed": ("sealed records and notes, and what is inside a good seal",
               60000, 190000000),
    "sjcl": ("what clients of password.link seal", 40000, 70000000),
    "text": ("base64, tokens, numbers, addresses", 100000, 512000000),
}
# What json-c or libfcgi reads, and how many are much there.
LIBRARIES = {"app": 8000, "fastcgi": 200000, "frame": 600000,
             "json": 2600000, "sjcl": 1400000}


def make(*targets):
    """What is not made yet: `make check' has made all but the fuzzers."""
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    done = subprocess.run(
        ["make", "-s", "-C", BUILDDIR, "-j2"] + list(targets),
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise SystemExit("Bail out! make %s: %s" % (
            " ".join(targets), done.stdout.decode("utf-8", "replace")[-2000:]))


def libraries():
    """The build directory with libraries that were instrumented too."""
    make("fuzzers-libraries")
    return os.path.join(BUILDDIR, "fuzz-build/libraries/build")


def run(entry, place, limits, seed, found):
    """One process; returns how many inputs it had, and what broke."""
    source = os.path.join(SRCDIR, "tests/fuzz")
    dictionary = os.path.join(source, entry + ".dict")
    argv = [os.path.join(place, "tests/fuzz", entry),
            "-seed=%d" % seed, "-print_final_stats=1", "-timeout=60",
            "-artifact_prefix=torture/fuzz-%s-" % entry] + limits
    if os.path.exists(dictionary):
        argv.append("-dict=" + dictionary)
    done = subprocess.run(
        argv + found + [os.path.join(source, "corpus", entry)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL)
    said = done.stdout.decode("utf-8", "replace")
    units = re.search(r"stat::number_of_executed_units: *(\d+)", said)
    return (int(units.group(1)) if units else 0,
            said if done.returncode != 0 else None)


def jobs_of(attack, entry, place):
    """[(place, how it is limited)] of each process of this entry."""
    _, sample, much = ENTRIES[entry]
    if SIZE == "sample":
        return [(place, ["-runs=%d" % attack.size(sample, 0, 0)])]
    if SIZE == "default":
        return [(place, ["-max_total_time=%d" % SECONDS])]
    if place != SANITIZERS:
        return [(place, ["-runs=%d" % LIBRARIES[entry]])]
    sanitized = much // SANITIZED
    return processes(LEAN, much - sanitized, CHUNK) + \
        processes(place, sanitized, CHUNK // SANITIZED)


def processes(place, inputs, chunk):
    """So many processes that none has more inputs than a chunk."""
    count = -(-inputs // chunk)
    return [(place, ["-runs=%d" % -(-inputs // count)])] * count


def main():
    entries = sys.argv[1:]
    place = BUILDDIR
    os.makedirs("torture", exist_ok=True)
    if entries[:1] == ["libraries"]:
        attack = Attack("fuzz with libraries")
        entries = entries[1:] or list(LIBRARIES)
        place = libraries()
    else:
        attack = Attack("fuzz")
        entries = entries or list(ENTRIES)
        if SIZE == "sample":
            make(*["tests/fuzz/" + entry for entry in ENTRIES])
        else:
            make("fuzzers")
            place = SANITIZERS
        if SIZE == "long":
            make("fuzzers-lean")
    chance = attack.seed()
    rows = {entry: attack.row("-", "inputs: " + ENTRIES[entry][0])
            for entry in entries}
    scratch = tempfile.mkdtemp(prefix="oncelink-fuzz.")
    found = {entry: [] for entry in entries}
    if place != BUILDDIR:
        # What one process found the next one begins with.
        for entry in entries:
            path = os.path.join(scratch, entry)
            os.mkdir(path)
            found[entry] = [path]
    waiting = {}
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        # Those with sanitizers begin with what all the others found.
        for lean in (True, False):
            concurrent.futures.wait(waiting)
            for entry in entries:
                for where, limits in jobs_of(attack, entry, place):
                    if lean == (where == LEAN):
                        waiting[pool.submit(
                            run, entry, where, limits, chance.randrange(
                                1, 2 ** 31), found[entry])] = entry
        for job in concurrent.futures.as_completed(waiting):
            entry = waiting[job]
            tried, fault = job.result()
            rows[entry].tried += tried
            if fault is not None:
                rows[entry].broke(entry)
                for line in fault.splitlines()[-40:]:
                    attack.note(line)
    shutil.rmtree(scratch, ignore_errors=True)
    return attack.end()


if __name__ == "__main__":
    sys.exit(main())
