# SPDX-License-Identifier: ISC
"""The modules of the pages that need no page, in Node.js: sealing, links,
calls, the proof of work, durations."""

import os
import shutil
import subprocess
import tempfile
import unittest

from oncelink_site import NODE_MODULES, SRCDIR
from oncelink_test import main

SCRIPTS = os.path.join(SRCDIR, "htdocs", "js")
PAGES = os.path.join(SRCDIR, "tests", "pages")
VECTORS = os.path.join(SRCDIR, "tests", "vectors")


class Seal(unittest.TestCase):

    def setUp(self):
        # Old Node.js takes .js for a module only where a package says so.
        self.scripts = tempfile.mkdtemp(prefix="oncelink-test.")
        self.addCleanup(shutil.rmtree, self.scripts)
        shutil.copytree(SCRIPTS, self.scripts, dirs_exist_ok=True,
                        copy_function=shutil.copyfile)
        os.chmod(self.scripts, 0o700)
        with open(os.path.join(self.scripts, "package.json"), "w",
                  encoding="ascii") as file:
            file.write('{"type": "module"}\n')

    def run_node(self, name, *options):
        for package in ("jsqr", "lean-qr", "sjcl"):
            if not os.path.isdir(os.path.join(NODE_MODULES, package)):
                raise AssertionError("%s is not in %s: ./bootstrap check puts "
                                     "it there" % (package, NODE_MODULES))
        done = subprocess.run(
            ["node", *options, os.path.join(PAGES, name), self.scripts,
             VECTORS],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300,
            env={**os.environ, "NODE_PATH": NODE_MODULES}, check=False)
        self.assertEqual(done.returncode, 0, done.stdout.decode())

    def test_seal(self):
        """seal.js: every vector, the same by other code, damage"""
        self.run_node("seal.mjs")

    def test_sjcl(self):
        """sjcl.js: every vector, the sjcl package both ways, damage"""
        self.run_node("sjcl.mjs")

    def test_link(self):
        """link.js: every form of link, whole, repaired, damaged, pasted"""
        self.run_node("link.mjs")

    def test_api(self):
        """api.js, calls.js: what each refusal means, names, frames"""
        self.run_node("api.mjs")

    def test_work(self):
        """work.js: the proof of work, in slices"""
        self.run_node("work.mjs")

    def test_imports(self):
        """Every module finds what it imports"""
        self.run_node("imports.mjs", "--experimental-vm-modules")

    def test_qr(self):
        """The QR codes are read by another program"""
        self.run_node("qr.mjs")

    def test_vendor(self):
        """The code of others is what tests/npm/vendor.sh brings"""
        made = os.path.join(self.scripts, "made")
        done = subprocess.run(
            ["sh", os.path.join(SRCDIR, "tests", "npm", "vendor.sh"), made],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300,
            env={**os.environ, "ONCELINK_NODE_MODULES": NODE_MODULES},
            check=False)
        self.assertEqual(done.returncode, 0, done.stdout.decode())
        kept = os.path.join(SCRIPTS, "vendor")
        self.assertEqual(sorted(os.listdir(kept)), sorted(os.listdir(made)))
        for name in os.listdir(made):
            with open(os.path.join(made, name), "rb") as file:
                brought = file.read()
            with open(os.path.join(kept, name), "rb") as file:
                self.assertEqual(file.read(), brought, name)
            self.assertIn(b"Copyright", brought)

    def test_duration(self):
        """duration.js: what people type for a while"""
        self.run_node("duration.mjs")


if __name__ == "__main__":
    main()
