# SPDX-License-Identifier: ISC
"""lighttpd with conf/lighttpd, which starts the worker itself: a lighttpd of
its own, and one that has other things too."""

import os

from oncelink_server import SERVER_NAME, Server

# What an administrator adds who looks for a fault, or never heard of ours.
LEAKY = """
accesslog.format := "%h %V %u %t \\"%r\\" %>s %b \\"%{Referer}i\\" \
\\"%{User-Agent}i\\""
debug.log-request-header-on-error := "enable"
debug.log-request-handling = "enable"
debug.log-file-not-found = "enable"
"""

# What Debian's lighttpd.conf says that matters here, with the access log that
# its users switch on, and our part in a condition.
WITHIN = """
server.modules = ( "mod_indexfile", "mod_access", "mod_alias",
	"mod_redirect", "mod_accesslog" )
server.bind = "127.0.0.1"
server.port = %(port)d
%(user)s
server.document-root = "%(other)s"
server.upload-dirs = ( "%(other)s" )
server.errorlog = "%(log)s/error.log"
server.feature-flags += ( "server.h2proto" => "enable" )
server.feature-flags += ( "server.h2c" => "enable" )
server.http-parseopts = (
	"header-strict"            => "enable",
	"host-strict"              => "enable",
	"host-normalize"           => "enable",
	"url-normalize-unreserved" => "enable",
	"url-normalize-required"   => "enable",
	"url-ctrls-reject"         => "enable",
	"url-path-2f-decode"       => "enable",
	"url-path-dotseg-remove"   => "enable",
)
index-file.names = ( "index.php", "index.html" )
url.access-deny = ( "~", ".inc" )
static-file.exclude-extensions = ( ".php", ".pl", ".fcgi" )
mimetype.assign = ( ".txt" => "text/other" )
server.tag = "lighttpd"
accesslog.filename = "%(log)s/access.log"
include "%(share)s/global.conf"
$HTTP["host"] == "%(name)s" {
	include "%(share)s/common.conf"
}
server.modules += ( "mod_dirlisting", "mod_staticfile" )
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


class LighttpdWithin(Lighttpd):
    """Beside other sites, for the requests to one host."""

    kind = "lighttpd-within"
    has_tls = False

    def site_conf(self):
        return os.path.join(self.site.directory, "lighttpd.conf")

    def write(self):
        site = self.site
        other = os.path.join(site.directory, "other")
        os.makedirs(other, exist_ok=True)
        os.chmod(other, 0o755)
        user = ""
        if os.getuid() == 0:
            user = ('server.username = "%s"\nserver.groupname = "%s"'
                    % (site.owner.pw_name, site.owner.pw_name))
        with open(self.site_conf(), "w", encoding="utf-8") as file:
            file.write(WITHIN % {
                "port": site.port, "user": user, "other": other,
                "log": os.path.join(self.log_directory(), self.family),
                "share": os.path.join(self.share(), self.family),
                "name": SERVER_NAME})
        super().write()
