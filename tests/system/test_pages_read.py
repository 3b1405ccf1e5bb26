# SPDX-License-Identifier: ISC
"""The page that opens secrets, in a browser, before real web servers."""

from oncelink_pages import PagesTest
from oncelink_test import main


class Read(PagesTest):

    def test_read(self):
        """secrets are opened, or not, with words for each end"""
        self.journeys("read", self.site("nginx", conf="shipped"))

    def test_again(self):
        """what comes between a reader and a secret"""
        self.journeys("read_again", self.site("nginx", conf="shipped"))

    def test_older(self):
        """links of older services"""
        self.journeys("read_older", self.site("nginx", conf="shipped"))


if __name__ == "__main__":
    main()
