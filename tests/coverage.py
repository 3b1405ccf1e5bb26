# SPDX-License-Identifier: ISC
"""make coverage: which lines and branches of our own code the tests reach.

Builds with counts (configure --enable-coverage) in a directory of its own
below the build, runs the tests that are named there, and prints a line a file,
the least first, by gcov's own numbers.  A second run counts on.  Fails where
less is reached than LEAST says, and where secrets are sealed, given out and
stored on each line that no test reaches and that coverage.txt does not name.
"""

import collections
import json
import os
import subprocess
import sys

SOURCE = os.environ["srcdir"]
BUILD = os.path.join(os.environ["builddir"], "coverage")

# Percent of lines and of branches, and of branches where secrets are sealed,
# given out and stored.
LEAST = (90, 80)
LEAST_THERE = 90
THERE = ("src/crypto/seal.c", "src/core/secret", "src/store/")

# Not run in this build: its counts could not be written.
LEFT_OUT = ("src/base/sandbox.c", "src/base/wipe.c")


def run(*argv, **more):
    return subprocess.run(argv, cwd=BUILD, **more)


def build():
    os.makedirs(BUILD, exist_ok=True)
    if not os.path.exists(os.path.join(BUILD, "Makefile")):
        run(os.path.join(SOURCE, "configure"), "--quiet", "--enable-coverage",
            "CFLAGS=-O0 -g", check=True)
    run("make", "-s", "-j2", check=True)
    # Counts of an object that was built anew since belong to nothing, and
    # gcov takes some of them for a failure.
    for notes in objects():
        notes = os.path.join(BUILD, notes)
        counts = notes[:-len("gcno")] + "gcda"
        if (os.path.exists(counts) and
                os.path.getmtime(counts) < os.path.getmtime(notes)):
            os.unlink(counts)


def test(names, jobs):
    """The suite, whose failures are told but do not keep the counts back."""
    done = run("make", "-s", "-k", "-j%d" % jobs, "check",
               "TESTS=" + " ".join(names),
               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for line in done.stdout.decode(errors="replace").splitlines():
        if line.startswith(("FAIL", "ERROR", "# PASS", "# FAIL", "# ERROR")):
            print(line)
    return done.returncode == 0


def objects():
    """What the compiler noted of each of our sources."""
    for place, _, names in os.walk(os.path.join(BUILD, "src")):
        for name in names:
            if name.endswith(".gcno"):
                yield os.path.relpath(os.path.join(place, name), BUILD)


def count():
    """{file: ({line: times}, {(line, branch): times}, {line: function})}"""
    found = collections.defaultdict(lambda: (collections.Counter(),
                                             collections.Counter(), {}))
    for name in sorted(objects()):
        text = run("gcov", "--json-format", "--stdout",
                   "--branch-probabilities", name, check=True,
                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        for document in text.splitlines():
            document = json.loads(document)
            for file in document["files"]:
                path = os.path.normpath(os.path.join(
                    document["current_working_directory"], file["file"]))
                path = os.path.relpath(path, SOURCE)
                if not path.startswith("src/"):
                    continue
                lines, branches, functions = found[path]
                for line in file["lines"]:
                    number = line["line_number"]
                    lines[number] += line["count"]
                    functions[number] = line.get("function_name", "-")
                    for at, branch in enumerate(line["branches"]):
                        branches[number, at] += branch["count"]
    return found


def percent(counters):
    reached = sum(1 for counter in counters
                  for times in counter.values() if times > 0)
    number = sum(len(counter) for counter in counters)
    return 100.0 * reached / number if number else 100.0, number - reached


def table(found):
    """Prints it; is it enough?"""
    rows = []
    for name, (lines, branches, _) in found.items():
        if name not in LEFT_OUT:
            rows.append((percent([lines]), percent([branches]), name))
    print("%7s %6s %8s %6s  %s" % ("lines", "not", "branches", "not", "file"))
    for line, branch, name in sorted(rows):
        print("%6.1f%% %6d %7.1f%% %6d  %s" % (*line, *branch, name))
    def reached(wanted):
        chosen = [found[row[2]][:2] for row in rows
                  if row[2].startswith(wanted)]
        return [percent(counters)[0] for counters in zip(*chosen)]

    line, branch = reached("")
    there = reached(THERE)
    print("Lines of our own code: %.1f %% (at least %d %%)" % (
        line, LEAST[0]))
    print("Branches of our own code: %.1f %% (at least %d %%)" % (
        branch, LEAST[1]))
    print("Seal, secret and the store: %.1f %% of lines (all but those that "
          "are named), %.1f %% of branches (at least %d %%)" % (
              there[0], there[1], LEAST_THERE))
    return (line >= LEAST[0] and branch >= LEAST[1] and
            there[1] >= LEAST_THERE)


def named():
    """{(file, function): how many of its lines nobody reaches}"""
    with open(os.path.join(SOURCE, "tests", "coverage.txt")) as file:
        entries = [line.split(None, 3) for line in file
                   if line.strip() and not line.startswith("#")]
    return {(name, function): int(lines)
            for name, function, lines, _ in entries}


def exact(found):
    """Is every line there reached or named, and every name needed?"""
    missed, known = collections.defaultdict(list), set()
    for name, (lines, _, functions) in found.items():
        if not name.startswith(THERE):
            continue
        for number, function in sorted(functions.items()):
            known.add((name, function))
            if lines[number] == 0:
                missed[name, function].append(number)
    allowed, wrong = named(), []
    for place, numbers in sorted(missed.items()):
        if len(numbers) > allowed.get(place, 0):
            wrong.append("%s: %s: no test reaches %d lines, and %d are "
                         "named: %s" % (*place, len(numbers),
                                        allowed.get(place, 0),
                                        " ".join(map(str, numbers))))
    for place in sorted(allowed):
        if place not in known:
            wrong.append("%s: %s: named, and not there" % place)
        elif len(missed[place]) == 0:
            wrong.append("%s: %s: named, and all of it is reached" % place)
    for line in wrong:
        print(line)
    return not wrong


def main():
    build()
    # Attacks come first, one after the other: one whose files fail at its end
    # as well writes over what others counted.  Tests often wait for something.
    attacks = [name for name in sys.argv[1:] if "/torture/" in name]
    others = [name for name in sys.argv[1:] if "/torture/" not in name]
    good = all([test(names, jobs) for names, jobs in (
        (attacks, 1), (others, (os.cpu_count() or 1) + 1)) if names])
    found = count()
    return 0 if all([table(found), exact(found), good]) else 1


if __name__ == "__main__":
    sys.exit(main())
