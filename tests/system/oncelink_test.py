# SPDX-License-Identifier: ISC
"""What the test programs have in common: cases with sites, many clients at
once, and TAP on standard output.

The environment may say:
  ONCELINK_TEST_SCALE   a factor for the big counts, for slow builds; the
                        tests mean what they say at 1, its default
  ONCELINK_TEST_SEED    makes random choices repeatable
"""

import os
import random
import re
import signal
import sys
import threading
import time
import unittest

from tap.runner import TAPTestResult, TAPTestRunner

from oncelink_server import KINDS, server_class
from oncelink_site import Site

SCALE = float(os.environ.get("ONCELINK_TEST_SCALE", "1"))


def scaled(count, least=1):
    """A big count, made smaller by ONCELINK_TEST_SCALE."""
    return max(least, int(count * SCALE))


def kinds(wanted=lambda server: True):
    """The kinds of web servers that are wanted.  Slow builds are about the
    programs, to which all of a family are the same: they do one of each."""
    found = {}
    for kind in KINDS:
        if wanted(server_class(kind)):
            found.setdefault(
                kind if SCALE >= 1 else server_class(kind).family, kind)
    return list(found.values())


def cases(mixin, wanted=lambda server: True, prefixes=("",)):
    """A test case, by its name, for each kind of web server that is wanted,
    at each prefix; in slow builds at the last."""
    found = {}
    for kind in kinds(wanted):
        for prefix in prefixes if SCALE >= 1 else prefixes[-1:]:
            name = re.sub("[^a-z]", "_", kind + prefix)
            found[name] = type(name, (mixin, SiteTest), {
                "kind": kind, "prefix": prefix,
                "__module__": mixin.__module__})
    return found


class SiteTest(unittest.TestCase):
    """A test case that opens sites and closes them at its end."""

    longMessage = True
    maxDiff = 2000

    def site(self, *arguments, **options):
        site = Site(*arguments, **options)
        self.addCleanup(site.close)
        return site

    def assertStatus(self, response, status, message=None):
        self.assertEqual(response.status, status,
                         "%s %r" % (message or "", response))

    def assertProblem(self, response, status, **members):
        """An RFC 9457 answer of the native face."""
        self.assertStatus(response, status)
        self.assertEqual(
            response.headers.get("content-type", "").split(";")[0],
            "application/problem+json")
        problem = response.json()
        self.assertRegex(problem["type"], r"^tag:oncelink,2026:[a-z0-9-]+$")
        self.assertEqual(problem["status"], status)
        self.assertIsInstance(problem["title"], str)
        for name, value in members.items():
            self.assertEqual(problem.get(name), value, problem)
        return problem


def in_threads(count, function):
    """Run function(number) in so many threads at once; their results.  The
    first exception is raised here."""
    barrier = threading.Barrier(count)
    results = [None] * count
    failures = []

    def body(number):
        try:
            barrier.wait()
            results[number] = function(number)
        except BaseException as failure:    # handed to the caller
            failures.append(failure)

    threads = [threading.Thread(target=body, args=(number,), daemon=True)
               for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return results


def await_hour():
    """Have a minute before the hour ends, with which the counts of what
    clients made begin anew."""
    left = 3600 - time.time() % 3600
    if left < 60:
        time.sleep(left)


def note(text):
    """A figure worth seeing, as a TAP comment."""
    print("# " + text, flush=True)


class Result(TAPTestResult):
    """TAP lines that say the whole first paragraph of a test's text, and
    which of its parts it was."""

    def _description(self, test):
        whole = getattr(test, "test_case", test)
        text = " ".join((whole._testMethodDoc or str(whole)).split())
        if whole is not test:
            text += " " + test._subDescription()
        # A "#" would begin a directive.
        return text.replace("#", "number ")


def main():
    """Run the tests of the calling program; TAP on standard output."""
    random.seed(os.environ.get("ONCELINK_TEST_SEED"))
    signal.signal(signal.SIGTERM, lambda number, stack: sys.exit(143))
    runner = TAPTestRunner(resultclass=Result)
    runner.set_stream(True)
    unittest.main(module="__main__", testRunner=runner, argv=sys.argv)
