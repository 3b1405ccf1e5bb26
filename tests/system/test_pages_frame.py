# SPDX-License-Identifier: ISC
"""What all pages have in common, and the receipt, in a browser."""

import os

from oncelink_pages import Asked, PagesTest
from oncelink_test import main


class AskedForFiles(Asked):

    def site_file(self, name, text):
        """A file that the operator puts beside the pages."""
        path = os.path.join(self.site.server.words()["HTDOCS"], name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.chmod(os.path.dirname(path), 0o755)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o644)

    def error_file(self, name):
        """What the web server says to people."""
        with open(os.path.join(self.site.server.share(), "error", name),
                  encoding="utf-8") as file:
            return file.read()


class Frame(PagesTest):

    def test_frame(self):
        """pages in a browser"""
        site = self.site("nginx", conf="shipped")
        self.journeys("frame", site, AskedForFiles(site))
        self.assertInspected("about/index.html", "../conf/error/404.html",
                             "../conf/error/503.html")
        self.assertInspected("index.html", "read/index.html",
                             "receipt/index.html", "request/index.html",
                             alike=True)

    def test_receipt(self):
        """receipts in a browser"""
        self.journeys("receipt", self.site("nginx", conf="shipped"))
        self.assertInspected("receipt/index.html")

    def test_below(self):
        """a receipt in a browser, below a path of lighttpd"""
        self.journeys("receipt", self.site(
            "lighttpd", conf="shipped", prefix="/once"),
            ONCELINK_JOURNEY="destroyed")


if __name__ == "__main__":
    main()
