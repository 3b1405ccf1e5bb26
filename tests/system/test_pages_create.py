# SPDX-License-Identifier: ISC
"""Making a link in a browser: tests/pages/create.mjs."""

from oncelink_pages import PagesTest
from oncelink_test import main


class Create(PagesTest):
    """The page that makes links."""

    def test_create(self):
        """links are made in a browser"""
        self.journeys("create", self.site("nginx", conf="shipped"))
        self.assertInspected("index.html")

    def test_below_a_path(self):
        """links are made below a path of the site"""
        site = self.site("lighttpd", conf="shipped", prefix="/once")
        self.journeys("create", site, ONCELINK_JOURNEY="a text")
        self.journeys("create", site, ONCELINK_JOURNEY="QR code is")


if __name__ == "__main__":
    main()
