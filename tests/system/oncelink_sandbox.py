# SPDX-License-Identifier: ISC
"""Whether a process is inside its sandbox, as the kernel says it."""

import os

from oncelink_site import WORKER

SECCOMP_MODE_FILTER = 2


def is_sanitized():
    """A build with sanitizers, or with counts, has no sandbox."""
    with open(WORKER, "rb") as file:
        program = file.read()
    return b"__ubsan_handle" in program or b"__gcov_" in program


def confined(process):
    """Of each thread: does it have a filter, and may it gain privileges?"""
    found = []
    for task in os.listdir("/proc/%d/task" % process):
        with open("/proc/%d/task/%s/status" % (process, task),
                  encoding="utf-8") as file:
            fields = dict(line.rstrip("\n").split(":\t", 1)
                          for line in file if ":\t" in line)
        found.append((int(fields["Seccomp"]), int(fields["NoNewPrivs"])))
    return found


# What it must be.
INSIDE = (0, 0) if is_sanitized() else (SECCOMP_MODE_FILTER, 1)
