#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Runs attacks one after the other, and gathers what they say.

    run.py ATTACK ...       in the size of TORTURE (default: "default"); what
                            each printed is kept in torture/NAME.log
    run.py --table FILE     put what is in torture/*.log into the table there

An attack is a program or a .py of this directory, NAME, or NAME:ARGUMENT:
fuzz.py:json.  srcdir and builddir are in the environment, as the tests have
them.
"""

import glob
import os
import platform
import re
import subprocess
import sys
import time

MARK = "# torture | "
STATUS = "# status "
HEAD = ("| Attack | Promise | What was tried | How often | What broke |"
        " Seconds | Built from |\n|---|---|---|--:|--:|--:|---|\n")
BEGIN, END = "<!-- begin of the table -->\n", "<!-- end of the table -->\n"


def argv_of(attack):
    name, *arguments = os.path.basename(attack).split(":")
    if name.endswith(".py"):
        return [sys.executable, os.path.join(
            os.environ.get("srcdir", "."), "tests/torture", name)] + arguments
    return [os.path.join(os.environ.get("builddir", "."), "tests/torture",
                         name)] + arguments


def log_of(attack):
    name = os.path.basename(attack).replace(".py", "").replace(":", "-")
    return os.path.join("torture", name + ".log")


def rows_of(text):
    """[[attack, promise, what, tried, broke, seconds, commit]]"""
    commit = re.search(r"^# .*, built from (\S+)$", text, re.MULTILINE)
    return [line[len(MARK):].split(" | ") + [commit[1] if commit else "-"]
            for line in text.splitlines() if line.startswith(MARK)]


def commit():
    """Of the sources; "-" where they are no clone."""
    told = subprocess.run(
        ["git", "-C", os.environ.get("srcdir", "."), "describe", "--always",
         "--dirty", "--abbrev=7", "--exclude=*"], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL)
    return told.stdout.decode().strip() or "-"


def markdown(rows):
    lines = []
    for attack, promise, what, tried, broke, seconds, built in rows:
        lines.append("| %s | %s | %s | %s | %s | %.0f | %s |\n" % (
            attack, promise, what, "{:,}".format(int(tried)),
            "nothing" if broke == "0" else broke, float(seconds), built))
    return HEAD + "".join(lines)


def has_held(text):
    return text.endswith(STATUS + "0\n") and "\nnot ok" not in text


def run(attack):
    """Run it; returns its rows, and whether it held."""
    began = time.monotonic()
    print("torture: %s" % attack, flush=True)
    with open(log_of(attack), "w") as log:
        log.write("# %s, %s %s, %d processors, %s, built from %s\n" % (
            os.environ["TORTURE"], platform.system(), platform.release(),
            os.cpu_count(), time.strftime("%Y-%m-%d"), commit()))
        log.flush()
        status = subprocess.run(argv_of(attack), stdout=log,
                                stderr=subprocess.STDOUT).returncode
        log.seek(0, os.SEEK_END)
        log.write("%s%d\n" % (STATUS, status))
    with open(log_of(attack), errors="replace") as log:
        text = log.read()
    held = has_held(text)
    if not held:
        sys.stdout.write("".join(text.splitlines(True)[-60:]))
        print("torture: %s failed, status %d" % (attack, status))
    print("torture: %s: %.0f s" % (attack, time.monotonic() - began),
          flush=True)
    return rows_of(text), held


def run_all(attacks):
    os.environ.setdefault("TORTURE", "default")
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    os.makedirs("torture", exist_ok=True)
    rows, failed = [], []
    for attack in attacks:
        found, held = run(attack)
        rows += found
        if not held:
            failed.append(attack)
    print("\n" + markdown(rows))
    for attack in failed:
        print("torture: FAILED: %s" % attack)
    return 1 if failed or not attacks else 0


def put_into(name):
    """What was tried now takes the place of what was tried before.  What
    was tried in a smaller size, or did not hold, is no proof of anything."""
    refused = 0
    with open(name) as file:
        text = file.read()
    before, rest = text.split(BEGIN)
    table, after = rest.split(END)
    kept = []
    for line in table.splitlines()[2:]:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        kept.append(cells[:3] + [cells[3].replace(",", ""),
                                 cells[4].replace("nothing", "0")] +
                    cells[5:])
    for log in sorted(glob.glob("torture/*.log")):
        with open(log, errors="replace") as file:
            text = file.read()
        if not text.startswith("# long,") or not has_held(text):
            print("%s: not of the size long, or it did not hold" % log)
            refused = 1
            continue
        rows = rows_of(text)
        # NAME-ARGUMENT.log has some of an attack's rows only.
        part = "-" in os.path.basename(log)
        names = {(row[0], row[2] if part else "") for row in rows}
        old = [(row[0], row[2] if part else "") in names for row in kept]
        place = old.index(True) if True in old else len(kept)
        kept = [row for row, is_old in zip(kept, old) if not is_old]
        kept[place:place] = rows
    with open(name, "w") as file:
        file.write(before + BEGIN + markdown(kept) + END + after)
    return refused


if __name__ == "__main__":
    if sys.argv[1:2] == ["--table"]:
        sys.exit(put_into(sys.argv[2]))
    sys.exit(run_all(sys.argv[1:]))
