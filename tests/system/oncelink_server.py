# SPDX-License-Identifier: ISC
"""Real web servers before a site, each with what conf/ ships for it.

A kind of server is a class below; its module says which.  What conf/ has is
put into the site's directory with its words (@PORT@ and the like) filled in
and nothing else changed, as `make install` does it.  `leaky` is the other way:
what the server does when nobody told it to keep quiet, which the tests of
promise 6 must find out.
"""

import importlib
import os
import pwd
import re
import shutil
import subprocess

SERVER_NAME = "site.test"

# Which module holds a kind, and the name of its class there.
KINDS = {
    "nginx": ("oncelink_nginx", "Nginx"),
    "nginx-activated": ("oncelink_nginx", "NginxActivated"),
    "lighttpd": ("oncelink_lighttpd", "Lighttpd"),
    "lighttpd-within": ("oncelink_lighttpd", "LighttpdWithin"),
    "apache": ("oncelink_apache", "Apache"),
    "apache-cgi": ("oncelink_apache", "ApacheCgi"),
    "shared": ("oncelink_apache", "Shared"),
}


def server_class(kind):
    module, name = KINDS[kind]
    return getattr(importlib.import_module(module), name)


class Server:
    """A web server before a site.

    kind            as in KINDS
    family          the directory of conf/, and of `config --web-server`
    starts_workers  the server starts the worker itself
    quiet           what the server logs is ours to say
    has_tls         there is a site with TLS for it
    spools          it puts bodies into files where nobody told it otherwise
    spools_above    as we tell it, bodies in plain text of more bytes than
                    this may wait in a file in memory; None: they never do
    """

    kind = None
    family = None
    starts_workers = False
    quiet = True
    has_tls = True
    spools = True
    spools_above = None

    def __init__(self, site, prefix="", tls=False, leaky=False):
        self.site = site
        self.prefix = prefix
        self.tls = tls
        self.leaky = leaky

    # What a kind may say otherwise.

    def write(self):
        """Put everything that is needed into the site's directory.  Called
        again with other ports when one was taken."""
        raise NotImplementedError

    def arguments(self):
        """The command, which stays in the foreground."""
        raise NotImplementedError

    def environment(self):
        """Of the web server, beside what the site has."""
        return {}

    def is_ready(self):
        """Does it serve once it listens?"""
        return True

    def worker_arguments(self, number):
        """The command of worker `number` of those that the server does not
        start; it stays in the foreground, and takes connections on
        site.sockets[number]."""
        return [self.site.programs["WORKER"], "-c", self.site.conf_file,
                "--listen", self.site.sockets[number]]

    def logs(self):
        """Every file that the server writes lines to."""
        found = [os.path.join(self.site.directory, "server.log")]
        for place, _, names in os.walk(self.log_directory()):
            found += [os.path.join(place, name) for name in names]
        return found

    def access_log(self):
        """The file with a line for each request."""
        return os.path.join(self.log_directory(), self.family, "access.log")

    def hosters(self):
        """Those of them in which somebody else says what is logged."""
        return []

    def said(self):
        """What came into these by us all the same, as bytes."""
        return b""

    def scratch(self):
        """Every directory that the server may write temporary files to."""
        return [os.path.join(self.site.directory, "tmp")]

    # What they share.

    def log_directory(self):
        return os.path.join(self.site.directory, "log")

    def share(self):
        return os.path.join(self.site.directory, "share")

    def words(self):
        """What stands for the words in conf/."""
        site = self.site
        tls = os.path.join(site.directory, "tls")
        return {
            "ADDRESS": "127.0.0.1",
            "PORT": str(site.port),
            "HTTP_PORT": str(site.http_port),
            "SERVER_NAME": SERVER_NAME,
            "CERTIFICATE": os.path.join(tls, "fullchain.pem"),
            "CERTIFICATE_KEY": os.path.join(tls, "privkey.pem"),
            "PREFIX": self.prefix,
            "SHARE": self.share(),
            "HTDOCS": os.path.join(self.share(), "htdocs"),
            "ETC": os.path.dirname(site.conf_file),
            "SOCKET": site.sockets[0],
            "RUN": os.path.dirname(site.sockets[0]),
            "TMP": os.path.join(site.directory, "tmp"),
            "LOG": self.log_directory(),
            "USER": site.owner.pw_name,
            "OWNER": site.owner.pw_name,
            "STATE": site.state,
            "KEY": site.key_file,
            **site.programs,
        }

    def fill(self, source, target, **words):
        """Copy a file of the source tree, words filled in; these before
        what words() says."""
        with open(os.path.join(self.site.srcdir, source),
                  encoding="utf-8") as file:
            text = file.read()
        for word, value in {**self.words(), **words}.items():
            text = text.replace("@%s@" % word, value)
        left = re.findall("@[A-Z_]+@", text)
        if left:
            raise AssertionError("%s: %r are not known" % (source, left))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "w", encoding="utf-8") as file:
            file.write(text)
        return target

    def install(self):
        """conf/FAMILY, htdocs and the limits, where the words say that they
        are; directories for logs and temporary files."""
        site = self.site
        source = os.path.join("conf", self.family)
        for name in sorted(os.listdir(os.path.join(site.srcdir, source))):
            if name.endswith(".conf"):
                self.fill(os.path.join(source, name),
                          os.path.join(self.share(), self.family, name))
        for name in os.listdir(os.path.join(site.srcdir, "conf", "error")):
            self.fill(os.path.join("conf", "error", name), "%s/error%s/%s" % (
                self.share(), self.prefix, name))
        if not os.path.isdir(os.path.join(self.share(), "htdocs")):
            shutil.copytree(os.path.join(site.srcdir, "htdocs"),
                            os.path.join(self.share(), "htdocs"))
            make_readable(self.share())
        self.write_limits()
        for place in (os.path.join(self.log_directory(), self.family),
                      os.path.join(site.directory, "tmp")):
            os.makedirs(place, exist_ok=True)
            os.chmod(place, 0o700)
            os.chown(place, site.owner.pw_uid, site.owner.pw_gid)
        words = self.words()
        if self.tls and not os.path.exists(words["CERTIFICATE"]):
            os.makedirs(os.path.dirname(words["CERTIFICATE"]), mode=0o700)
            make_certificate(words["CERTIFICATE"], words["CERTIFICATE_KEY"])

    def limits(self):
        """The lines with the limits that follow from the settings."""
        done = self.site.ctl("config", "--web-server", self.family)
        if done.returncode != 0:
            raise AssertionError("config --web-server: %r" % done.stderr)
        return done.stdout.decode()

    def write_limits(self):
        name = os.path.join(os.path.dirname(self.site.conf_file),
                            "%s-limits.conf" % self.family)
        with open(name, "w", encoding="utf-8") as file:
            file.write(self.limits())

    def site_conf(self):
        """Where the whole site's configuration lies now."""
        return os.path.join(self.share(), self.family,
                            "site-tls.conf" if self.tls else "site.conf")


def make_certificate(chain, key, algorithm="ec",
                     option="ec_paramgen_curve:P-256"):
    """A throw-away certificate, as an ACME client leaves one."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", algorithm,
         "-pkeyopt", option, "-nodes", "-days", "2",
         "-subj", "/CN=" + SERVER_NAME,
         "-addext", "subjectAltName=DNS:" + SERVER_NAME,
         "-keyout", key, "-out", chain],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_readable(directory):
    """A read-only source tree gives read-only copies; others must be able to
    read them, and we to remove them."""
    for place, _, names in os.walk(directory):
        os.chmod(place, 0o755)
        for name in names:
            os.chmod(os.path.join(place, name), 0o644)


def unprivileged():
    """Who web servers and workers run as: somebody else than root."""
    if os.getuid() == 0:
        return pwd.getpwnam("www-data")
    return pwd.getpwuid(os.getuid())
