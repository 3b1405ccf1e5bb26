# SPDX-License-Identifier: ISC
"""The modules of the pages that need no page, in Node.js: sealing, links, the
proof of work, durations."""

import os
import shutil
import subprocess
import tempfile
import unittest

from oncelink_site import NODE_MODULES, SRCDIR
from oncelink_test import main

PAGES = os.path.join(SRCDIR, "tests", "pages")
VECTORS = os.path.join(SRCDIR, "tests", "vectors")


class Seal(unittest.TestCase):

    def setUp(self):
        # Old Node.js takes .js for a module only where a package says so.
        self.scripts = tempfile.mkdtemp(prefix="oncelink-test.")
        self.addCleanup(shutil.rmtree, self.scripts)
        for name in os.listdir(os.path.join(SRCDIR, "htdocs", "js")):
            if name.endswith(".js"):
                shutil.copyfile(
                    os.path.join(SRCDIR, "htdocs", "js", name),
                    os.path.join(self.scripts, name))
        with open(os.path.join(self.scripts, "package.json"), "w",
                  encoding="ascii") as file:
            file.write('{"type": "module"}\n')

    def run_node(self, name):
        if not os.path.isdir(os.path.join(NODE_MODULES, "sjcl")):
            raise AssertionError("sjcl is not in %s: ./bootstrap check puts "
                                 "it there" % NODE_MODULES)
        done = subprocess.run(
            ["node", os.path.join(PAGES, name), self.scripts, VECTORS],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300,
            env={**os.environ, "NODE_PATH": NODE_MODULES}, check=False)
        self.assertEqual(done.returncode, 0, done.stdout.decode())

    def test_seal(self):
        """seal.js: every vector, the same by other code, the sjcl package
        both ways, damage"""
        self.run_node("seal.mjs")

    def test_link(self):
        """link.js: every form of link, whole, repaired, damaged, pasted"""
        self.run_node("link.mjs")

    def test_work(self):
        """work.js: the proof of work, in slices"""
        self.run_node("work.mjs")

    def test_duration(self):
        """duration.js: what people type for a while"""
        self.run_node("duration.mjs")


if __name__ == "__main__":
    main()
