#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The attack of races, with the rules and the store built with
ThreadSanitizer, which sees two threads at the same memory at once even where
it does no harm this time.

A build of its own: `make torture` has it, `make check` does not.
"""

import os
import shutil
import subprocess
import sys

import self as mutants


def main():
    tree = mutants.Tree("--enable-sanitizers=thread")
    try:
        if tree.run(["make", "-s", "-j2", "tests/torture/races"]) != 0:
            print(tree.said())
            return 1
        environment = dict(os.environ, TSAN_OPTIONS="exitcode=66")
        return subprocess.run(
            [os.path.join(tree.build, "tests/torture/races")],
            env=environment).returncode
    finally:
        shutil.rmtree(tree.directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
