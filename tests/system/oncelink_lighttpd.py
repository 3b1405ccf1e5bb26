# SPDX-License-Identifier: ISC
"""lighttpd with conf/lighttpd, which starts the worker itself."""

import os

from oncelink_server import Server

# What an administrator adds who looks for a fault, or never heard of ours.
LEAKY = """
accesslog.format := "%h %V %u %t \\"%r\\" %>s %b \\"%{Referer}i\\" \
\\"%{User-Agent}i\\""
debug.log-request-header-on-error := "enable"
debug.log-request-handling = "enable"
debug.log-file-not-found = "enable"
"""


class Lighttpd(Server):

    kind = "lighttpd"
    family = "lighttpd"
    starts_workers = True
    spools_above = 64 << 10

    def write(self):
        self.install()
        if self.leaky:
            with open(self.site_conf(), "a", encoding="utf-8") as file:
                file.write(LEAKY)

    def arguments(self):
        return ["lighttpd", "-D", "-f", self.site_conf()]

    def environment(self):
        # Without a directory in the configuration, this is where files go.
        return {"TMPDIR": os.path.join(self.site.directory, "tmp")}
