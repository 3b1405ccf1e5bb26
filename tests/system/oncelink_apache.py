# SPDX-License-Identifier: ISC
"""Apache with conf/apache, by mod_fcgid and by plain CGI, and a hoster's Apache
with what cgi-bin/ has for its users."""

import os
import re
import shutil

from oncelink_server import SERVER_NAME, Server

MODULES = "/usr/lib/apache2/modules"

# What Debian's apache2 has on from the start, and what our files ask for.
USUAL = (
    "mpm_event", "access_compat", "alias", "auth_basic", "authn_core",
    "authn_file", "authz_core", "authz_host", "authz_user", "autoindex",
    "deflate", "dir", "env", "filter", "headers", "mime", "negotiation",
    "reqtimeout", "setenvif", "status",
)

# Debian's apache2.conf, in short: what is there before any site.
MAIN = """
ServerRoot "%(directory)s"
DefaultRuntimeDir "%(directory)s/run"
PidFile "%(directory)s/run/apache.pid"
%(modules)s
%(user)s
ServerName main.test
Timeout 300
KeepAlive On
StartServers 1
ThreadsPerChild 64
MaxRequestWorkers 128
HostnameLookups Off
LogLevel %(level)s
ErrorLog "%(log)s/apache2/error.log"
LogFormat "%%h %%l %%u %%t \\"%%r\\" %%>s %%O \\"%%{Referer}i\\"" combined
CustomLog "%(log)s/apache2/other.log" combined
TypesConfig /dev/null
AddOutputFilterByType DEFLATE text/html text/plain application/json
<Directory "/">
	Options FollowSymLinks
	AllowOverride None
	Require all denied
</Directory>
<FilesMatch "^\\.ht">
	Require all denied
</FilesMatch>
<IfModule fcgid_module>
	FcgidIPCDir "%(directory)s/run/fcgid"
	FcgidProcessTableFile "%(directory)s/run/fcgid_shm"
</IfModule>
<IfModule cgid_module>
	ScriptSock "%(directory)s/run/cgisock"
</IfModule>
"""

# What an administrator has who never heard of ours: the log of every other
# site, Apache's own format of errors and level, files for large bodies.
LEAKY_HOST = """
CustomLog "%(log)s/apache2/oncelink.log" combined
AllowEncodedSlashes NoDecode
MergeSlashes Off
"""

LEAKY_LIMITS = """
<IfModule fcgid_module>
	FcgidMaxRequestLen 12582912
</IfModule>
"""

# What a hoster has for each of its users.
HOST = """
ServerTokens Prod
TraceEnable Off
<VirtualHost *:%(port)d>
	ServerName %(name)s
	DocumentRoot "%(root)s"
	AllowEncodedSlashes %(slashes)s
	%(tls)s
	<Directory "%(root)s">
		Options Indexes FollowSymLinks MultiViews
		AllowOverride All
		Require all granted
	</Directory>
</VirtualHost>
"""
TLS = """
	SSLEngine on
	SSLProtocol -all +TLSv1.2 +TLSv1.3
	SSLCertificateFile "%s"
	SSLCertificateKeyFile "%s"
"""
TO_TLS = """
<VirtualHost *:%d>
	ServerName %s
	Redirect 301 "/" "https://%s/"
</VirtualHost>
"""

# What a hoster's Apache says of requests whoever's site they are for.
HOSTERS_LINE = re.compile(
    rb"\[[^]]*\] \[(?:core|http|mpm_event|authz_core|ssl):[a-z]+\] ")


class Apache(Server):
    """Apache starts workers by mod_fcgid."""

    kind = "apache"
    family = "apache"
    starts_workers = True
    modules = ("fcgid",)
    threads = "1"

    def places(self):
        return {"directory": self.site.directory,
                "log": self.log_directory()}

    def main_conf(self):
        return os.path.join(self.site.directory, "apache.conf")

    def access_log(self):
        return os.path.join(self.log_directory(), "apache2", "oncelink.log")

    def write(self):
        self.site.configure(threads=self.threads)
        self.install()
        for place in (os.path.join(self.log_directory(), "apache2"),
                      os.path.join(self.site.directory, "run")):
            os.makedirs(place, exist_ok=True)
            os.chown(place, self.site.owner.pw_uid, self.site.owner.pw_gid)
        if self.leaky:
            with open(os.path.join(self.share(), "apache", "host.conf"),
                      "w", encoding="utf-8") as file:
                file.write(LEAKY_HOST % self.places())
        self.write_main(self.include())

    def limits(self):
        return LEAKY_LIMITS if self.leaky else super().limits()

    def include(self):
        return 'Include "%s"\n' % self.site_conf()

    def write_main(self, rest):
        """The server's own configuration, with what our files need."""
        modules = USUAL + self.modules
        if self.tls:
            modules += ("rewrite", "socache_shmcb", "ssl")
        text = MAIN % {
            **self.places(),
            "modules": "\n".join(
                'LoadModule %s_module "%s/mod_%s.so"' % (name, MODULES, name)
                for name in modules),
            "user": self.user(),
            "level": "info" if self.leaky else "warn",
        }
        for port in (self.site.port, self.site.http_port):
            if port:
                text += "Listen 127.0.0.1:%d\n" % port
        text += self.worker_environment() + rest
        with open(self.main_conf(), "w", encoding="utf-8") as file:
            file.write(text)

    def user(self):
        if os.getuid() != 0:
            return ""
        return "User %s\nGroup #%d" % (self.site.owner.pw_name,
                                       self.site.owner.pw_gid)

    def worker_environment(self):
        """What the site wants its workers to find, and a sanitizer needs."""
        wanted = {name: os.environ[name]
                  for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")
                  if name in os.environ}
        wanted.update(self.site.environment)
        directive = ("FcgidInitialEnv" if "fcgid" in self.modules
                     else "SetEnv")
        return "".join('%s %s "%s"\n' % (directive, name, value)
                       for name, value in wanted.items())

    def environment(self):
        # Where mod_fcgid would put files, which no directive says.
        return {"TMPDIR": self.scratch()[0]}

    def arguments(self):
        return ["apache2", "-D", "FOREGROUND", "-f", self.main_conf()]

    def is_ready(self):
        """mod_cgid makes its socket as root and then gives it to who serves,
        who gets a 503 by it in between."""
        if "cgid" not in self.modules:
            return True
        try:
            return os.stat(os.path.join(
                self.site.directory, "run", "cgisock.%d" % self.site.web.pid
                )).st_uid == self.site.owner.pw_uid
        except FileNotFoundError:
            return False


class ApacheCgi(Apache):
    """The same files where mod_fcgid is not loaded."""

    kind = "apache-cgi"
    spools = False
    modules = ("cgid",)


class Shared(Apache):
    """A hoster's Apache, and what a user without root puts into a document
    root and a .htaccess.  Apache runs as that user, and its access log is
    the hoster's."""

    kind = "shared"
    modules = ("cgid", "rewrite")
    quiet = False
    spools = False
    slashes = "NoDecode"
    redirects = True

    def redirect_ourselves(self):
        """No hoster sends clients to https; lines of .htaccess do."""
        self.redirects = False

    def document_root(self):
        return os.path.join(self.site.directory, "home", "public_html")

    def words(self):
        place = self.document_root() + self.prefix
        return {**super().words(), "HTDOCS": place}

    def include(self):
        site = self.site
        names = self.words()
        self.put(names["HTDOCS"])
        for place, _, files in os.walk(os.path.join(site.directory, "home")):
            os.chown(place, site.owner.pw_uid, site.owner.pw_gid)
            for name in files:
                os.chown(os.path.join(place, name),
                         site.owner.pw_uid, site.owner.pw_gid)
        text = tls = ""
        if self.tls:
            private = os.path.dirname(names["CERTIFICATE"])
            for name in (private, names["CERTIFICATE"],
                         names["CERTIFICATE_KEY"]):
                os.chown(name, site.owner.pw_uid, site.owner.pw_gid)
            tls = TLS % (names["CERTIFICATE"], names["CERTIFICATE_KEY"])
            if self.redirects:
                text = TO_TLS % (site.http_port, SERVER_NAME, SERVER_NAME)
            else:
                text = self.host(site.http_port, "")
        return text + self.host(site.port, tls)

    def host(self, port, tls):
        return HOST % {
            "port": port, "root": self.document_root(),
            "name": SERVER_NAME, "slashes": self.slashes, "tls": tls}

    def access_log(self):
        return os.path.join(self.log_directory(), "apache2", "other.log")

    def error_log(self):
        return os.path.join(self.log_directory(), "apache2", "error.log")

    def hosters(self):
        return [self.access_log(), self.error_log()]

    def said(self):
        """Lines of our programs, and of the modules that .htaccess and the
        launcher put to work; each ends where the hoster's format goes on."""
        with open(self.error_log(), "rb") as file:
            return b"\n".join(
                line.partition(b", referer: ")[0] for line in file
                if not HOSTERS_LINE.match(line))

    def put(self, place):
        """What the user copies."""
        os.makedirs(place, exist_ok=True)
        for name in os.listdir(os.path.join(self.share(), "htdocs")):
            source = os.path.join(self.share(), "htdocs", name)
            target = os.path.join(place, name)
            if os.path.isdir(source):
                shutil.copytree(source, target, dirs_exist_ok=True)
            else:
                shutil.copy(source, target)
        name = self.fill("cgi-bin/htaccess", os.path.join(place, ".htaccess"))
        if self.tls and not self.redirects:
            with open(name, encoding="utf-8") as file:
                text = file.read()
            if text.count("#Rewrite") != 6:
                raise AssertionError(text)
            with open(name, "w", encoding="utf-8") as file:
                file.write(text.replace("#Rewrite", "Rewrite"))
        os.chmod(self.fill("cgi-bin/oncelink.cgi", os.path.join(
            place, "cgi-bin", "oncelink.cgi")), 0o755)

    def user(self):
        return ""

    def arguments(self):
        owner = self.site.owner
        become = [] if os.getuid() != 0 else [
            "setpriv", "--reuid=%d" % owner.pw_uid,
            "--regid=%d" % owner.pw_gid, "--clear-groups"]
        return become + super().arguments()
