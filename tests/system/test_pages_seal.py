# SPDX-License-Identifier: ISC
"""The cryptography of the pages, in a browser."""

from oncelink_pages import PagesTest
from oncelink_test import main


class Seal(PagesTest):

    def test_vectors(self):
        """cryptography in a browser"""
        self.journeys("vectors", self.site("nginx", conf="shipped"))


if __name__ == "__main__":
    main()
