# SPDX-License-Identifier: ISC
"""What every attack is (see attack.h), for attacks in Python: its size, and
the lines that it prints.

    attack = Attack("kills")
    row = attack.row("1, 2", "workers killed while they answer")
    for _ in range(attack.size(20, 500, 20000)):
        row.tried += 1
        if ...:
            row.broke("secret 17 was read twice")
    sys.exit(attack.end())
"""

import os
import random
import sys
import threading
import time

# Lines about violations of one row.
SHOWN = 20

# Modules of the system tests: import them after this one.
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                             os.pardir, "system"))


class Row:
    """A row of the table in TESTING.md."""

    def __init__(self, promise, what):
        self.promise, self.what = promise, what
        self.tried = self.violations = 0
        self.mutex = threading.Lock()

    def broke(self, text):
        with self.mutex:
            self.violations += 1
            if self.violations <= SHOWN:
                print("# broke %s: %s" % (self.promise, text), flush=True)


class Attack:
    def __init__(self, name):
        self.name = name
        self.rows = []
        self.checks = []
        self.began = time.monotonic()

    def size(self, sample, usual, much):
        """One of these, by TORTURE: sample or none, default, long."""
        size = os.environ.get("TORTURE") or "sample"
        if size == "sample":
            scale = float(os.environ.get("ONCELINK_TEST_SCALE", "1"))
            return max(1, int(sample * min(scale, 1)))
        return {"default": usual, "long": much}[size]

    def seed(self):
        """A random.Random that begins where ONCELINK_TORTURE_SEED says."""
        seed = int(os.environ.get("ONCELINK_TORTURE_SEED")
                   or random.SystemRandom().randrange(10 ** 9))
        self.note("seed %d" % seed)
        return random.Random(seed)

    def note(self, text):
        print("# " + text, flush=True)

    def row(self, promise, what):
        self.rows.append(Row(promise, what))
        return self.rows[-1]

    def check(self, good, name):
        """A test beside the rows."""
        self.checks.append((bool(good), name))

    def end(self):
        """Print all of it; returns the exit status."""
        seconds = time.monotonic() - self.began
        for row in self.rows:
            print("# torture | %s | %s | %s | %d | %d | %.1f"
                  % (self.name, row.promise, row.what, row.tried,
                     row.violations, seconds))
            self.check(row.tried > 0 and row.violations == 0, row.what)
        for number, (good, name) in enumerate(self.checks, 1):
            print("%sok %d - %s" % ("" if good else "not ", number, name))
        print("1..%d" % len(self.checks), flush=True)
        return 0 if self.checks and all(c[0] for c in self.checks) else 1
