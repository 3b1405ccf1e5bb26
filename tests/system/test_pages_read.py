# SPDX-License-Identifier: ISC
"""The page that opens secrets, in a browser, before each web server."""

from oncelink_pages import PagesTest
from oncelink_test import main


class Read(PagesTest):

    def test_read(self):
        """secrets are opened"""
        self.journeys("read", self.site("nginx", conf="shipped"))


if __name__ == "__main__":
    main()
