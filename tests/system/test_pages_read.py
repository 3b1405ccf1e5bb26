# SPDX-License-Identifier: ISC
"""The page that opens secrets, in a browser, before real web servers."""

from oncelink_pages import PagesTest
from oncelink_test import SCALE, main

PROGRAMS = "read", "read_again", "read_older"

# Beside nginx at the top of a host, where all journeys are walked.
ELSEWHERE = ("lighttpd", "/once"), ("apache", "/once")


class Read(PagesTest):

    def test_read(self):
        """secrets are opened, or not, with words for each end; what comes
        between; links of older services"""
        for program in PROGRAMS:
            with self.subTest(program=program):
                self.journeys(program, self.site("nginx", conf="shipped"))
        self.assertInspected("read/index.html")

    def test_elsewhere(self):
        """other web servers, below a path"""
        for kind, prefix in ELSEWHERE if SCALE >= 1 else ELSEWHERE[-1:]:
            site = self.site(kind, conf="shipped", prefix=prefix)
            for program in PROGRAMS:
                with self.subTest(server=kind):
                    self.journeys(program, site,
                                  ONCELINK_JOURNEY="anywhere",
                                  ONCELINK_INSPECT="no")


if __name__ == "__main__":
    main()
