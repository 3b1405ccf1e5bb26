# SPDX-License-Identifier: ISC
"""What the tests of oncelinkctl check have in common: a site worth checking,
and what a check found."""

from oncelink_test import SiteTest

# Settings that a site has in earnest: those of other tests are warned of.
EARNEST = {"kdf_passes": "2", "kdf_memory": "19M", "log_level": "warning"}


class CheckTest(SiteTest):
    """What a check of a site finds."""

    def earnest_site(self, *arguments, settings=None, **options):
        site = self.site(*arguments,
                         settings={**EARNEST, **(settings or {})}, **options)
        self.assertEqual(site.sweep().returncode, 0)
        return site

    def findings(self, site, *arguments, environment=None):
        """(severity, text) of each line; the exit status fits them, and a
        terminal has nothing to obey."""
        done = site.ctl("check", *arguments, environment=environment)
        self.assertIn(done.returncode, (0, 1), done)
        lines = done.stdout.decode().splitlines()
        found = [tuple(line.split(None, 1)) for line in lines[:-1]]
        for severity, _ in found:
            self.assertIn(severity, ("ok", "warning", "error"), lines)
        bad = [severity for severity, _ in found if severity != "ok"]
        self.assertEqual(
            lines[-1], "errors: %d, warnings: %d" % (
                bad.count("error"), bad.count("warning"))
            if bad else "nothing is wrong")
        self.assertEqual(done.returncode, int("error" in bad))
        self.assertNotIn(b"(null)", done.stdout)
        self.assertTrue(all(line.isprintable() for line in lines), lines)
        return found

    @staticmethod
    def stored(site):
        """What is in the store; files are as long as they ever were."""
        return [line for line in site.ctl("stats").stdout.splitlines()
                if not line.startswith((b"bytes_wal", b"bytes_free"))]

    def assertGood(self, site, *arguments):
        """Nothing is wrong, and of each thing something was said."""
        found = self.findings(site, *arguments)
        self.assertEqual([line for line in found if line[0] != "ok"], [])
        return found

    def assertNamed(self, site, severity, words, *arguments, **options):
        """One line of this severity has all the words."""
        found = self.findings(site, *arguments, **options)
        self.assertTrue(
            any(line[0] == severity and all(word in line[1] for word in words)
                for line in found), "%r not in %r" % (words, found))
        return found
