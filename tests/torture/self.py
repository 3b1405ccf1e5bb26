#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Takes one guard out of the program at a time and sees that the attack that
is named for it finds out.

    self.py [NAME ...]      all of tests/mutants/, or these of them

A patch there begins with lines of this form, then comes `diff -u`:

    Guard: what the program does and now does not
    Attack: the attack that must catch it: power_cuts, kills.py
    Size: sample or default; where it is not said, sample

The tree is copied; each attack must hold in the copy as it is before one that
fails says anything.  A patch that does not apply or build is a failure.
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

srcdir = os.path.abspath(os.environ.get("srcdir", "."))
HEADERS = ("Guard", "Attack", "Size")


class Mutant:
    def __init__(self, path):
        self.path = path
        self.name = re.sub(r"\.patch$", "", os.path.basename(path))
        said = {"Size": "sample"}
        with open(path) as file:
            for line in file:
                match = re.match(r"(%s): (.*)" % "|".join(HEADERS), line)
                if not match:
                    break
                said[match.group(1)] = match.group(2).strip()
        self.guard, self.attack = said["Guard"], said["Attack"]
        self.size = said["Size"]


class Tree:
    """A copy of the sources, with a build beside it."""

    def __init__(self, *options):
        self.directory = tempfile.mkdtemp(prefix="oncelink-mutants.")
        self.source = os.path.join(self.directory, "source")
        self.build = os.path.join(self.directory, "build")
        self.log = os.path.join(self.directory, "log")
        shutil.copytree(srcdir, self.source, symlinks=True,
                        ignore=shutil.ignore_patterns(
                            ".git", "build*", "var", "*.o", "*.a", "torture",
                            "node_modules"))
        # What is left out by its name.
        for name in ("build-aux", "tests/torture"):
            shutil.copytree(os.path.join(srcdir, name),
                            os.path.join(self.source, name),
                            dirs_exist_ok=True)
        subprocess.run(["chmod", "-R", "u+w", self.source], check=True)
        os.mkdir(self.build)
        self.run([os.path.join(self.source, "configure"), "--quiet",
                  "CFLAGS=-O1 -g", *options], check=True)

    def run(self, argv, check=False, **more):
        with open(self.log, "w") as log:
            return subprocess.run(argv, cwd=self.build, stdout=log,
                                  stderr=subprocess.STDOUT, check=check,
                                  **more).returncode

    def patch(self, mutant, *options):
        return self.run(["patch", "-p1", "-s", "-f", "-d", self.source,
                         "-i", mutant.path] + list(options))

    def make(self, attack):
        """The programs, and the attack if it is one."""
        targets = ["all"]
        if not attack.endswith(".py"):
            targets.append("tests/torture/" + attack)
        return self.run(["make", "-s", "-j2"] + targets)

    def attack(self, mutant):
        """Its status, and whether it says itself that something broke."""
        if mutant.attack.endswith(".py"):
            argv = [sys.executable, os.path.join(
                self.source, "tests/torture", mutant.attack)]
        else:
            argv = [os.path.join(self.build, "tests/torture", mutant.attack)]
        environment = dict(os.environ, TORTURE=mutant.size,
                           srcdir=self.source, builddir=self.build,
                           PYTHONDONTWRITEBYTECODE="1")
        status = self.run(argv, env=environment)
        with open(self.log, errors="replace") as log:
            return status, any(re.match("not ok|# broke", line)
                               for line in log)

    def said(self):
        """The lines of the log that count."""
        with open(self.log, errors="replace") as log:
            lines = log.read().splitlines()
        chosen = [line for line in lines
                  if re.match(r"not ok|# broke|.* error: |.*FAILED", line)]
        return "".join("    %s\n" % line
                       for line in chosen[:3] or lines[-3:])


def holds_unchanged(tree, mutants):
    """Each attack, in each size that is asked for, with every guard in."""
    good = True
    for attack, size in sorted({(m.attack, m.size) for m in mutants}):
        mutant = next(m for m in mutants
                      if (m.attack, m.size) == (attack, size))
        if tree.make(attack) != 0 or tree.attack(mutant) != (0, False):
            print("FAILED: %s (%s) with every guard in\n%s"
                  % (attack, size, tree.said()), flush=True)
            good = False
    return good


def judge(tree, mutant):
    """Empty when it was caught, else what went wrong."""
    if tree.patch(mutant) != 0:
        tree.patch(mutant, "-R")
        return "the patch does not apply"
    try:
        if tree.make(mutant.attack) != 0:
            return "it does not build"
        status, broke = tree.attack(mutant)
        if status == 0:
            return "not caught"
        # An attack that could not go on has not seen anything.
        return "" if broke else "the attack ended, status %d" % status
    finally:
        said = tree.said()
        if tree.patch(mutant, "-R") != 0:
            raise SystemExit("%s: cannot be taken back" % mutant.name)
        mutant.said = said


def main():
    mutants = [Mutant(path) for path in sorted(glob.glob(
        os.path.join(srcdir, "tests/mutants/*.patch")))]
    if sys.argv[1:]:
        mutants = [m for m in mutants if m.name in sys.argv[1:]]
    if not mutants:
        raise SystemExit("there is no such mutant")
    tree = Tree()
    failed = []
    try:
        if not holds_unchanged(tree, mutants):
            return 1
        for mutant in mutants:
            began = time.monotonic()
            fault = judge(tree, mutant)
            print("%s: %s by %s, %.0f s\n%s" % (
                mutant.name, fault or "caught", mutant.attack,
                time.monotonic() - began, mutant.said), end="", flush=True)
            if fault:
                failed.append(mutant.name)
    finally:
        shutil.rmtree(tree.directory, ignore_errors=True)
    print("%d of %d mutants caught" % (len(mutants) - len(failed),
                                       len(mutants)))
    for name in failed:
        print("FAILED: %s" % name)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
