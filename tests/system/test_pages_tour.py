# SPDX-License-Identifier: ISC
"""One secret from hand to hand, and who looks at its link before, in a browser
before each kind of web server."""

from oncelink_pages import PagesTest
from oncelink_test import main


class Tour(PagesTest):

    # As people have it: who copies is not asked for leave.
    browser = "chromium"

    def test_nginx(self):
        """from hand to hand, nginx"""
        self.journeys("tour", self.site("nginx", conf="shipped"))

    def test_lighttpd(self):
        """from hand to hand, lighttpd, below a path"""
        self.journeys("tour", self.site(
            "lighttpd", conf="shipped", prefix="/once"),
            ONCELINK_JOURNEY="hand to hand")

    def test_apache(self):
        """from hand to hand, Apache, below a path"""
        site = self.site("apache", conf="shipped", prefix="/once")
        for name in ("hand to hand", "mail program"):
            self.journeys("tour", site, ONCELINK_JOURNEY=name)

    def test_shared(self):
        """from hand to hand, shared hosting"""
        self.journeys("tour", self.site("shared", conf="shipped"),
                      ONCELINK_JOURNEY="hand to hand")


if __name__ == "__main__":
    main()
