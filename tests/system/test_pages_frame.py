# SPDX-License-Identifier: ISC
"""What all pages have in common, in a browser."""

from oncelink_pages import PagesTest
from oncelink_test import main


class Frame(PagesTest):

    def test_frame(self):
        """pages in a browser"""
        self.journeys("frame", self.site("nginx", conf="shipped"))


if __name__ == "__main__":
    main()
