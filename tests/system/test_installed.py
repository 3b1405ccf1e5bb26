#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The guide in oncelink(7), followed to the letter.

Everything is installed below one directory, from where the manual page is
read; the commands of a way are taken from it in their order and run, and the
site that comes of them must hand over a secret.  What belongs to the whole
machine is done in its place: packages are there, users are given, services
are started by the test, and /etc is a directory of the test's own."""

import os
import pwd
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import tempfile
import unittest

from oncelink_apache import HOST, MAIN, MODULES, USUAL
from oncelink_server import SERVER_NAME, make_certificate, unprivileged
from oncelink_site import (
    BUILDDIR, SRCDIR, Process, become, clean_environment, listens,
    wait_until,
)
from oncelink_test import main
from oncelink_wire import (
    FRAME_TYPE, JSON_TYPE, http_bytes, native_creation, native_opening,
    parse_frame, parse_http, random_envelope, random_id, read_to_end,
    safesecrets_path,
)

# The site's name on the page; the one that it gets here.
EXAMPLE = "secrets.example.org"

# What is run as it stands, on places of the test's own.
HARMLESS = ("cat", "echo", "install", "mkdir", "nginx", "oncelinkctl", "rm",
            "runuser", "sbin/oncelinkctl", "umask")

NGINX_CONF = """# As Debian's, as far as it matters here.
%(user)spid %(place)s/run/nginx.pid;
worker_processes 1;
error_log %(place)s/var/log/nginx/error.log;
events { worker_connections 64; }
http {
	access_log %(place)s/var/log/nginx/access.log;
	client_body_temp_path %(place)s/var/body;
	fastcgi_temp_path %(place)s/var/fastcgi;
	proxy_temp_path %(place)s/var/proxy;
	uwsgi_temp_path %(place)s/var/uwsgi;
	scgi_temp_path %(place)s/var/scgi;
	include %(place)s/etc/nginx/sites-enabled/*;
}
"""


def packages_of_bootstrap():
    with open(os.path.join(SRCDIR, "bootstrap"), encoding="utf-8") as file:
        text = file.read()
    return set(" ".join(re.findall(
        r'^[a-z]+_packages="([^"]*)"', text, re.MULTILINE)).split())


def free_port(test):
    """A port that nobody else gets until the test is over: it is bound, and
    a server may all the same listen there."""
    probe = socket.socket()
    test.addCleanup(probe.close)
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind(("127.0.0.1", 0))
    return probe.getsockname()[1]


def unit_values(text, name):
    return re.findall("^%s=(.*)$" % name, text, re.MULTILINE)


class Machine:
    """A directory that stands for a machine."""

    # Where things are there.
    prefix = "usr"
    etc = "etc"
    var = "var"
    user = {}

    def __init__(self, test, path=""):
        self.test = test
        self.below = path
        self.place = tempfile.mkdtemp(prefix="oncelink-test.")
        test.addCleanup(shutil.rmtree, self.place, ignore_errors=True)
        os.chmod(self.place, 0o755)
        self.directory = self.place
        self.owner = unprivileged()
        self.processes = {}
        test.addCleanup(self.end)
        self.port = None
        self.http_port = None
        self.environment = {
            "ONCELINK_CONF": self.path(self.etc + "/oncelink/oncelink.conf"),
            "PATH": "%s:%s:%s:/usr/sbin:/sbin" % (
                self.path("bin"), self.path("usr/sbin"),
                os.environ["PATH"]),
        }
        for name in ("apache/run", "bin", "etc/apache2/sites-available",
                     "etc/cron.d", "etc/init.d", "etc/lighttpd",
                     "etc/nginx/sites-enabled", "run", "var/lib", "var/www",
                     "var/log/apache2", "var/log/lighttpd", "var/log/nginx"):
            os.makedirs(self.path(name))
        for name in ("apache/run", "var/log/apache2", "var/log/lighttpd",
                     "var/log/nginx"):
            os.chown(self.path(name), self.owner.pw_uid, self.owner.pw_gid)
        self.program("runuser", 'while [ "$1" != -- ]; do shift; done\n'
                     'shift\nexec %s"$@"' % (
                         "setpriv --reuid=%d --regid=%d --clear-groups " % (
                             self.owner.pw_uid, self.owner.pw_gid)
                         if os.getuid() == 0 else ""))
        self.program("nginx", 'exec %s -c %s -p %s -e stderr "$@"' % (
            shutil.which("nginx", path=self.environment["PATH"]),
            self.path("etc/nginx/nginx.conf"), self.place))
        self.write("etc/nginx/nginx.conf", NGINX_CONF % {
            "place": self.place,
            "user": "user %s;\n" % self.owner.pw_name
                    if os.getuid() == 0 else ""})
        self.write("etc/nginx/sites-enabled/default", "# Debian's\n")
        self.apache_modules = [
            name for name in USUAL if name != "headers"]
        self.apache_sites = []

    def path(self, name):
        return os.path.join(self.place, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def program(self, name, text):
        self.write("bin/" + name, "#!/bin/sh\n%s\n" % text)
        os.chmod(self.path("bin/" + name), 0o755)

    def end(self):
        for process in reversed(list(self.processes.values())):
            process.end()

    # Installing.

    def install(self):
        """`make install` to this machine's places."""
        environment = clean_environment()
        for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "DESTDIR"):
            environment.pop(name, None)
        done = subprocess.run(
            ["make", "-s", "-C", BUILDDIR, "install",
             "ready=" + self.path("ready"),
             "prefix=" + self.path(self.prefix),
             "exec_prefix=" + self.path(self.prefix),
             "sysconfdir=" + self.path(self.etc),
             "localstatedir=" + self.path(self.var),
             "runstatedir=" + self.path("run"),
             "web_user=" + self.owner.pw_name,
             "worker_user=" + self.owner.pw_name],
            env=environment, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, umask=0o022, check=False)
        self.test.assertEqual(done.returncode, 0, done.stdout)
        # The programs were built for other places than these.
        with open(self.environment["ONCELINK_CONF"], "a",
                  encoding="utf-8") as file:
            file.write("state_dir = %s\nkey_file = %s\nlog = stderr\n"
                       "kdf_passes = 1\nkdf_memory = 8M\n"
                       "path_prefix = %s\n" % (
                           self.path(self.var + "/lib/oncelink"),
                           self.path(self.etc + "/oncelink/keys/server.key"),
                           self.below))

    def section(self, title, text=None):
        text = text or self.read(self.prefix + "/share/man/man7/oncelink.7")
        section = re.search(r"^\.Ss %s$(.*?)^\.S[hs] " % re.escape(title),
                            text, re.MULTILINE | re.DOTALL)
        self.test.assertIsNotNone(section, title)
        return section.group(1)

    @staticmethod
    def literal(section):
        return "\n".join(re.findall(
            r"^\.Bd -literal$\n(.*?)^\.Ed$", section,
            re.MULTILINE | re.DOTALL)).replace("\\e\n", "")

    def guide(self, title, text=None):
        """The commands of a way, as they stand on the installed page."""
        return re.findall(r"^[#$] (.*)$",
                          self.literal(self.section(title, text)),
                          re.MULTILINE)

    def steps(self, title):
        """Each step of a way, as it stands there."""
        return re.split(r"(?m)^\.It$", self.section(title))[1:]

    def step(self, step):
        """The settings that a step says, and its commands."""
        text = self.literal(step)
        for name, value in re.findall(r"(?m)^([a-z_]+) = (.*)$", text):
            self.set(name, value)
        for command in re.findall(r"(?m)^[#$] (.*)$", text):
            self.do(command)

    def set(self, name, value):
        """In oncelink.conf, in place of what the test put there."""
        conf = self.etc + "/oncelink/oncelink.conf"
        lines = [line for line in self.read(conf).splitlines()
                 if not line.startswith(name + " =")]
        self.write(conf, "\n".join(
            [*lines, "%s = %s" % (name, self.there(value))]) + "\n")

    def there(self, path):
        """Where something is that the page has at a place of its own."""
        return path

    # Following.

    def follow(self, title, text=None):
        for command in self.guide(title, text):
            self.do(command)

    def do(self, command):
        # What is not ours of /etc is this machine's all the same.
        command = re.sub(r"(?<![\w.])/etc/", self.path("etc/"), command)
        command = re.sub(r"https://(@SERVER_NAME@|%s)/" % EXAMPLE,
                         self.address(), command)
        words = shlex.split(re.sub(
            r"\$(\w+)", lambda found: self.environment.get(
                found[1], found[0]), command))
        if re.fullmatch(r"\w+=\S+", command):
            self.environment.update([command.split("=")])
            return
        special = getattr(self, "do_" + re.sub(r"\W", "_", words[0]),
                          None)
        if special is not None:
            special(words)
        else:
            # Nothing may touch the machine that this runs on.
            self.test.assertTrue(
                words[0] in HARMLESS or
                words[0].startswith(self.place), command)
            self.shell(command)

    def shell(self, command):
        done = subprocess.run(
            ["/bin/sh", "-c", command], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, umask=0o022,
            env=clean_environment(self.environment), check=False,
            cwd=self.directory, **self.user)
        self.test.assertEqual(done.returncode, 0, "%s: %s%s" % (
            command, done.stdout.decode("utf-8", "replace"), self.logs()))

    def do_apt_get(self, words):
        # Debian's apache2 is apache2-bin and the usual configuration.
        known = packages_of_bootstrap() | {"apache2", "certbot", "cron"}
        self.test.assertEqual(words[1], "install")
        self.test.assertLessEqual(set(words[2:]), known)

    def do_cd(self, words):
        place = words[1].replace("~", self.environment.get("HOME", "~"))
        self.test.assertTrue(place.startswith(self.place), words)
        self.directory = place

    def do_a2enmod(self, words):
        self.apache_modules += words[1:]

    def do_a2dissite(self, words):
        self.test.assertEqual(words[1:], ["000-default"])

    def do_a2ensite(self, words):
        self.apache_sites += words[1:]

    def do_apachectl(self, words):
        self.test.assertEqual(words[1:], ["configtest"])
        self.write_apache()
        self.shell("apache2 -t -f " + self.path("apache/apache.conf"))

    def do_useradd(self, words):
        self.test.assertEqual(words[-1], self.owner.pw_name)

    def do_update_rc_d(self, words):
        self.test.assertTrue(os.access(
            self.path("etc/init.d/" + words[1]), os.X_OK))

    def do_service(self, words):
        if words[1] == "nginx":
            self.start_nginx()
        else:
            self.shell("%s %s" % (self.path("etc/init.d/" + words[1]),
                                  words[2]))
            self.test.addCleanup(
                self.shell, self.path("etc/init.d/%s stop" % words[1]))

    def do_systemctl(self, words):
        if words[-1] == "nginx":
            self.start_nginx()
        elif words[-1] == "lighttpd":
            self.start("lighttpd", ["lighttpd", "-D", "-f",
                                    self.path("etc/lighttpd/lighttpd.conf")])
        elif words[-1] == "apache2":
            self.start("apache2", ["apache2", "-D", "FOREGROUND", "-f",
                                   self.path("apache/apache.conf")])
        elif words[1] == "enable":
            for unit in words[3:]:
                self.enable(unit)
        else:
            self.test.assertEqual(words[1:], ["daemon-reload"])

    def enable(self, name):
        """In place of systemd: a socket with its service behind it.  Other
        units are only there."""
        units = "usr/lib/systemd/system/"
        unit = self.read(units + name)
        if not name.endswith(".socket"):
            return
        service = self.read(units + name.replace(".socket", ".service"))
        self.prepare(name.replace(".socket", ".service"), service)
        address = unit_values(unit, "ListenStream")[0]
        os.makedirs(os.path.dirname(address))
        os.chown(os.path.dirname(address), self.owner.pw_uid, -1)
        self.test.assertEqual(unit_values(service, "User"),
                              [self.owner.pw_name])
        process = Process(
            ["systemd-socket-activate", "--listen=" + address,
             *("--setenv=" + text
               for text in unit_values(service, "Environment")),
             *shlex.split(unit_values(service, "ExecStart")[0])],
            self.path("var/worker.log"), **become(self.owner))
        self.processes["worker"] = process
        wait_until(lambda: listens(address), "the socket")

    def prepare(self, name, service):
        """What is done before a service starts, where a drop-in says so."""

    def do_systemd_tmpfiles(self, words):
        self.test.assertEqual(words[1], "--create")
        done = subprocess.run(
            [words[0], "--create",
             self.path("usr/lib/tmpfiles.d/" + words[2])],
            stderr=subprocess.PIPE, check=False)
        self.test.assertEqual((done.returncode, done.stderr), (0, b""))

    def do_mount(self, words):
        """The directory is a tmpfs of its own, whose user is there."""
        lines = [line.split() for line in
                 self.read("etc/fstab").splitlines()]
        ((_, place, kind, options, *rest),) = [
            line for line in lines if line[1] == words[1]]
        self.test.assertEqual((kind, rest), ("tmpfs", ["0", "0"]))
        self.test.assertTrue(os.path.isdir(place))
        self.test.assertRegex(options, r"^size=\d+M,mode=700,uid=%s$"
                              % self.owner.pw_name)

    def sweep(self):
        """Run what cron would."""
        lines = [line for line in self.read("etc/cron.d/oncelink").split("\n")
                 if re.match(r"[*0-9]", line)]
        self.test.assertEqual(len(lines), 1, lines)
        user, command = lines[0].split(None, 6)[5:]
        self.test.assertEqual(user, self.owner.pw_name)
        self.shell("runuser -u %s -- sh -c %s" % (user, shlex.quote(command)))

    def do_certbot(self, words):
        """A throw-away certificate, where certbot leaves one."""
        self.test.assertEqual(words[1:6], [
            "certonly", "--webroot", "-w", "/var/www/html", "-d"])
        place = self.path("etc/letsencrypt/live/" + SERVER_NAME)
        os.makedirs(place, mode=0o700)
        make_certificate(place + "/fullchain.pem", place + "/privkey.pem")
        shutil.copy(place + "/fullchain.pem", self.path("authority.pem"))
        os.chmod(self.path("authority.pem"), 0o644)

    def do_cp(self, words):
        """Then the reader changes the name of the site, and here its ports
        and what else belongs to the whole machine."""
        self.shell(shlex.join(words))
        name = os.path.join(self.directory, words[2])
        if "/sites-" not in name and "lighttpd.conf" not in name:
            return
        self.port = free_port(self.test)
        self.http_port = free_port(self.test)
        with open(name, encoding="utf-8") as file:
            text = file.read()
        for old, new in (
                (r"\b443\b", str(self.port)),
                (r"\b80\b", str(self.http_port)),
                (r"\b0\.0\.0\.0\b|\*(?=:\d)", "127.0.0.1"),
                (re.escape(EXAMPLE), SERVER_NAME),
                (r"/etc/letsencrypt/", self.path("etc/letsencrypt/")),
                (r"/var/www/html\b", self.path("var/www/html"))):
            self.test.assertRegex(text, old)
            text = re.sub(old, new, text)
        if self.below:
            text = re.sub(r"/(locations|common)\.conf", r"/\1-once.conf", text)
        with open(name, "w", encoding="utf-8") as file:
            file.write(text)

    def address(self):
        """The site's address, and how oncelinkctl check comes there."""
        return ("https://%s%s/ --ca-file %s --connect-to "
                "%s:443:127.0.0.1:%s,%s:80:127.0.0.1:%s" % (
                    SERVER_NAME, self.below, self.path("authority.pem"),
                    SERVER_NAME, self.port, SERVER_NAME, self.http_port))

    def write_apache(self):
        """Debian's apache2.conf, in short, and the sites."""
        user = "User %s\nGroup #%d" % (
            self.owner.pw_name, self.owner.pw_gid)
        text = MAIN % {
            "directory": self.path("apache"),
            "log": self.path("var/log"),
            "level": "warn",
            "modules": "\n".join(
                'LoadModule %s_module "%s/mod_%s.so"' % (name, MODULES, name)
                for name in dict.fromkeys(self.apache_modules)),
            "user": user if os.getuid() == 0 and not self.user else "",
        }
        for port in (self.port, self.http_port):
            if port:
                text += "Listen 127.0.0.1:%d\n" % port
        for name in self.apache_sites:
            text += 'Include "%s"\n' % self.path(
                "etc/apache2/sites-available/%s.conf" % name)
        self.write("apache/apache.conf", text)

    def start_nginx(self):
        self.start("nginx", ["nginx", "-g", "daemon off;"])

    def start(self, name, arguments):
        process = Process(arguments, self.path("var/%s.log" % name),
                          self.environment, cwd=self.place, **self.user)
        self.processes[name] = process
        wait_until(lambda: self.listens(process), name + " to listen")

    def listens(self, process):
        if not process.running():
            raise AssertionError("did not start: %s%s" % (
                process.text(), self.logs()))
        try:
            socket.create_connection(("127.0.0.1", self.port), 10).close()
        except ConnectionRefusedError:
            return False
        return True

    def logs(self):
        text = ""
        for place, _, names in os.walk(self.path("var/log")):
            for name in names:
                text += self.read(os.path.join(place, name))
        return text

    def request(self, method, path, body=None, content_type=JSON_TYPE):
        headers = {"Content-Type": content_type} if body is not None else {}
        with self.connect() as line:
            line.sendall(http_bytes(method, self.below + path, body,
                                    headers))
            return parse_http(read_to_end(line))

    def connect(self):
        line = socket.create_connection(("127.0.0.1", self.port), 60)
        context = ssl.create_default_context(
            cafile=self.path("authority.pem"))
        return context.wrap_socket(line, server_hostname=SERVER_NAME)

    def clear_request(self, path):
        """A GET at the port without TLS."""
        with socket.create_connection(("127.0.0.1", self.http_port),
                                      60) as line:
            line.sendall(http_bytes("GET", path))
            return parse_http(read_to_end(line))


# Sites that were there before; what the page says to include goes into them.
OTHERS = {
    "nginx": ("etc/nginx/sites-enabled/other", """include %(0)s;
server {
	listen 127.0.0.1:%(port)d ssl;
	server_name %(name)s;
	ssl_certificate %(certificate)s/fullchain.pem;
	ssl_certificate_key %(certificate)s/privkey.pem;
	root %(place)s/var/www;
	include %(1)s;
}
server {
	listen 127.0.0.1:%(http_port)d;
	%(log)s;
	return 301 https://%(name)s$request_uri;
}
"""),
    "lighttpd": ("etc/lighttpd/lighttpd.conf", """
server.modules += ( "mod_openssl" )
server.bind = "127.0.0.1"
server.port = %(http_port)d
server.username = "%(user)s"
server.document-root = "%(place)s/var/www"
server.errorlog = "%(place)s/var/log/lighttpd/error.log"
server.tag = "lighttpd"
index-file.names = ( "index.html" )
ssl.pemfile = "%(certificate)s/fullchain.pem"
ssl.privkey = "%(certificate)s/privkey.pem"
include "%(0)s"
$SERVER["socket"] == "127.0.0.1:%(port)d" {
	ssl.engine = "enable"
	setenv.add-response-header = (
		"Strict-Transport-Security" => "max-age=31536000" )
}
$HTTP["scheme"] == "http" {
	url.redirect = ( "^(.*)$" => "https://%(name)s$1" )
}
else $HTTP["scheme"] == "https" {
	include "%(1)s"
}
"""),
    "Apache": ("etc/apache2/sites-available/other.conf", """
ServerTokens Prod
<VirtualHost *:%(http_port)d>
	ServerName %(name)s
	Include "%(1)s"
	RewriteEngine On
	RewriteRule ^ https://%(name)s%%{REQUEST_URI} [R=301,NE,L]
</VirtualHost>
<VirtualHost *:%(port)d>
	ServerName %(name)s
	DocumentRoot "%(place)s/var/www"
	SSLEngine on
	SSLProtocol -all +TLSv1.2 +TLSv1.3
	SSLCertificateFile "%(certificate)s/fullchain.pem"
	SSLCertificateKeyFile "%(certificate)s/privkey.pem"
	Header always set Strict-Transport-Security "max-age=31536000"
	CustomLog "%(place)s/var/log/apache2/other.log" combined %(log)s
	Include "%(0)s"
	<Directory "%(place)s/var/www">
		Require all granted
	</Directory>
</VirtualHost>
"""),
}


class Within(Machine):
    """A machine with a site of somebody else's, in which Oncelink is."""

    def follow_within(self, title, server):
        """A way but for its own site, and then what the page says of
        another's."""
        self.port = free_port(self.test)
        self.http_port = free_port(self.test)
        install, setting, include, restart, check = self.steps(
            "A site below a path")
        self.test.assertIn("leave the other site", install)
        *way, last = self.steps(title)
        for step in way:
            if "site-tls.conf" not in step and "configtest" not in step:
                self.step(step)
        self.test.assertIn("oncelinkctl check", last)
        self.step(setting)
        text = re.search(r"(?ms)^\.It %s$(.*?)^\.(?:It|El)" % server,
                         include)[1]
        self.include(server, text)
        self.test.assertIn("Restart the worker and the web server", restart)
        if server == "nginx":
            self.do("service oncelink restart")
        (command,) = re.findall(r"(?m)^# (.*)$", self.literal(check))
        self.test.assertRegex(command, "/once/$")
        self.do(command.replace("/once/", "/"))

    def include(self, server, text):
        """The two files, or the one, that the page names."""
        files = [name for name in re.findall(r"(?m)^\.Pa (\S+\.conf)", text)]
        name, site = OTHERS[server]
        self.write("var/www/index.html", "somebody else's")
        os.chmod(self.path("var/www/index.html"), 0o644)
        self.write(name, site % {
            **{str(number): file for number, file in enumerate(files)},
            "port": self.port, "http_port": self.http_port,
            "name": SERVER_NAME, "place": self.place,
            "user": self.owner.pw_name,
            "certificate": self.path("etc/letsencrypt/live/" + SERVER_NAME),
            "log": re.search(
                r"(?m)^\.Ql (env=!\w+|access_log off)(?: \.)?$|\Z",
                text)[1] or ""})
        if server == "nginx":
            self.do("rm " + self.path("etc/nginx/sites-enabled/default"))
            self.do_service(["service", "nginx", "reload"])
        elif server == "lighttpd":
            self.do_systemctl(["systemctl", "restart", "lighttpd"])
        else:
            self.apache_sites.append("other")
            self.do_apachectl(["apachectl", "configtest"])
            self.do_systemctl(["systemctl", "restart", "apache2"])


class Memory(Machine):
    """A machine on which key and database are in memory, in what stands for
    its /run."""

    def __init__(self, test):
        super().__init__(test)
        self.run = tempfile.mkdtemp(prefix="oncelink-test.", dir="/dev/shm")
        test.addCleanup(shutil.rmtree, self.run, ignore_errors=True)
        os.chmod(self.run, 0o755)
        os.makedirs(self.path("etc/systemd/system"))

    def there(self, path):
        return re.sub("^/run/", self.run + "/", path)

    def prepare(self, name, service):
        """The drop-ins of both units are there, and their last word
        counts."""
        for unit in (name, "oncelink-sweep.service"):
            place = self.path("etc/systemd/system/%s.d/memory.conf" % unit)
            drop = self.read(place)
            self.test.assertEqual(unit_values(drop, "StateDirectory"), [""])
            (directory,) = unit_values(drop, "RuntimeDirectory")
            os.makedirs(os.path.join(self.run, directory), mode=0o700,
                        exist_ok=True)
            os.chown(os.path.join(self.run, directory),
                     self.owner.pw_uid, self.owner.pw_gid)
            for command in unit_values(drop, "ExecStartPre"):
                self.shell("runuser -u %s -- %s" % (
                    self.owner.pw_name, command))


class Host(Machine):
    """A user's part of a machine whose Apache is somebody else's."""

    prefix = "home/oncelink"
    etc = prefix + "/etc"
    var = prefix + "/var"

    def __init__(self, test):
        super().__init__(test)
        self.user = become(self.owner)
        self.environment["HOME"] = self.path("home")
        os.makedirs(self.path("home/public_html"))
        self.give_home()
        self.port = free_port(self.test)
        self.apache_modules += ["cgid", "headers", "rewrite"]
        self.write_apache()
        with open(self.path("apache/apache.conf"), "a",
                  encoding="utf-8") as file:
            file.write(HOST % {
                "port": self.port, "name": SERVER_NAME,
                "root": self.path("home/public_html"),
                "slashes": "Off", "tls": ""})
        self.start("apache2", ["apache2", "-D", "FOREGROUND", "-f",
                               self.path("apache/apache.conf")])

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), 60)

    def address(self):
        return "http://127.0.0.1:%d/" % self.port

    def give_home(self):
        for place, _, names in os.walk(self.path("home")):
            for name in (place, *(os.path.join(place, n) for n in names)):
                os.chown(name, self.owner.pw_uid, self.owner.pw_gid)

    def do___configure(self, words):
        self.test.assertEqual(words[1:], [
            "--prefix=%s/oncelink" % self.environment["HOME"]])

    def do_make(self, words):
        if words[1:] == ["install"]:
            self.install()
            with open(self.environment["ONCELINK_CONF"], "a",
                      encoding="utf-8") as file:
                file.write("faces = native\n")
            self.give_home()

    def do_cp(self, words):
        # The shell knows what ~ is.
        self.shell(" ".join(words))

    def sweep(self):
        line = re.search(r"^\*/5 \* \* \* \* (.*)$",
                         self.section("Shared hosting"), re.MULTILINE)
        self.directory = self.path("home")
        self.shell(line.group(1))


class Guide(unittest.TestCase):
    """Each way of the guide, to a secret that was handed over."""

    def way(self, title, path=""):
        machine = Machine(self, path)
        machine.install()
        machine.follow(title)
        return machine

    def hand_over(self, machine):
        page = machine.request("GET", "/")
        self.assertEqual(page.status, 200, page)
        self.assertIn("content-security-policy", page.headers)
        self.secret(machine)
        self.renew(machine)

    def secret(self, machine):
        made = machine.request(
            "POST", "/api/v1/message",
            b'{"message":"It works.","exp":60,"pin":"12345"}')
        self.assertEqual(made.status, 201, made)
        path = safesecrets_path(made.json()["key"], "12345")
        self.assertEqual(machine.request("GET", path).json()["message"],
                         "It works.")
        self.assertEqual(machine.request("GET", path).status, 400)

    def renew(self, machine):
        """A certificate is renewed by http, whatever else is redirected."""
        place = machine.path("var/www/html/.well-known/acme-challenge")
        os.makedirs(place)
        with open(place + "/answer", "w", encoding="utf-8") as file:
            file.write("it is me")
        answer = machine.clear_request("/.well-known/acme-challenge/answer")
        self.assertEqual((answer.status, answer.body), (200, b"it is me"))
        other = machine.clear_request("/a%2Fb//?c")
        self.assertEqual(other.status, 301, other)
        self.assertEqual(other.headers["location"],
                         "https://%s/a%%2Fb//?c" % SERVER_NAME)

    def test_lighttpd(self):
        """lighttpd as the guide installs it hands over a secret"""
        machine = self.way("lighttpd")
        self.hand_over(machine)
        machine.sweep()

    def test_apache(self):
        """Apache and mod_fcgid as the guide installs them"""
        machine = self.way("Apache and mod_fcgid")
        self.hand_over(machine)
        machine.sweep()

    def test_cgi(self):
        """Apache and plain CGI, which is the same but for a step"""
        machine = Machine(self)
        machine.install()
        machine.follow("Apache and plain CGI")
        for command in machine.guide("Apache and mod_fcgid"):
            if not command.startswith(("apt-get install apache2", "a2enmod")):
                machine.do(command)
        self.assertNotIn("fcgid", machine.apache_modules)
        self.hand_over(machine)

    def test_below(self):
        """a path of its own in a site, by what is installed for that"""
        for title in ("nginx and spawn-fcgi", "lighttpd",
                      "Apache and mod_fcgid"):
            with self.subTest(title):
                machine = self.way(title, "/once")
                self.assertEqual(machine.request("GET", "/").status, 200)
                self.secret(machine)
                machine.below = ""
                self.assertEqual(
                    machine.request("GET", "/api/v2/health").status, 404)

    def test_within(self):
        """a site below a path, in a site of somebody else's, as the page
        says it for each server"""
        for title, server in (("nginx and spawn-fcgi", "nginx"),
                              ("lighttpd", "lighttpd"),
                              ("Apache and mod_fcgid", "Apache")):
            with self.subTest(server):
                machine = Within(self, "/once")
                machine.install()
                machine.follow_within(title, server)
                self.assertEqual(machine.request("GET", "/").status, 200)
                self.secret(machine)
                machine.below = ""
                self.assertEqual(machine.request("GET", "/").body,
                                 b"somebody else's")
                self.assertEqual(
                    machine.request("GET", "/api/v2/health").status, 404)
                self.assertNotIn("/once/", machine.logs())

    def test_shared(self):
        """shared hosting, where no step needs root"""
        machine = Host(self)
        with open(os.path.join(SRCDIR, "man", "oncelink.7"),
                  encoding="utf-8") as file:
            machine.follow("Shared hosting", file.read())
        self.assertEqual(machine.request("GET", "/").status, 200)
        secret, envelope = random_id(), random_envelope()
        made = machine.request(
            "POST", "/api/v2/secrets",
            native_creation(secret, random_id(), envelope), FRAME_TYPE)
        self.assertEqual(made.status, 201, made)
        opened = machine.request(
            "POST", "/api/v2/secrets/open",
            native_opening(secret, random_id()))
        self.assertEqual(parse_frame(opened.body)[1], envelope)
        machine.sweep()

    def test_nginx_spawn(self):
        """nginx and spawn-fcgi as the guide installs them"""
        machine = self.way("nginx and spawn-fcgi")
        self.hand_over(machine)
        machine.sweep()
        machine.directory = machine.place
        machine.follow("Backup")
        self.assertIn("kdf_passes = 1", machine.read("settings.backup"))

    def test_memory(self):
        """nothing on a disk: with what is said there before and after it,
        and no key and no database where the disk is"""
        machine = Memory(self)
        machine.install()
        way = machine.steps("nginx and systemd")
        first, *own, last = machine.steps("Nothing on a disk")
        self.assertIn("the first two steps of\n.Sx nginx and systemd", first)
        self.assertIn("Go on with the fifth step of\n.Sx nginx and systemd",
                      last)
        for step in way[:2] + own + way[4:]:
            machine.step(step)
        self.hand_over(machine)
        found = {os.path.join(place, name)
                 for top in (machine.place, machine.run)
                 for place, _, names in os.walk(top) for name in names
                 if name.startswith("oncelink.db") or name == "server.key"}
        self.assertGreaterEqual(len(found), 2)
        self.assertEqual([name for name in found if not name.startswith(
            machine.run + "/oncelink-memory/")], [])

    def test_nginx_systemd(self):
        """nginx and systemd as the guide installs them"""
        self.hand_over(self.way("nginx and systemd"))


class Page(unittest.TestCase):
    """The guide as it stands."""

    def test_steps(self):
        """no way has more than ten steps"""
        with open(os.path.join(SRCDIR, "man", "oncelink.7"),
                  encoding="utf-8") as file:
            sections = re.split(r"^\.S[hs] ", file.read(),
                                flags=re.MULTILINE)
        steps = {section.split("\n")[0]:
                 len(re.findall(r"^\.It$", section, re.MULTILINE))
                 for section in sections if ".Bl -enum" in section}
        self.assertGreaterEqual(len(steps), 7)
        self.assertLessEqual(max(steps.values()), 10, steps)

    def test_packages(self):
        """what building needs is what bootstrap installs for it"""
        machine = Machine(self)
        machine.install()
        named = set()
        for command in machine.guide("Building"):
            words = command.split()
            if words[0] == "apt-get":
                named |= set(words[2:])
        with open(os.path.join(SRCDIR, "bootstrap"),
                  encoding="utf-8") as file:
            needed = re.search(r'^build_packages="([^"]*)"', file.read(),
                               re.MULTILINE).group(1).split()
        # A release has its configure, and gcc brings its C library along.
        self.assertEqual(named | {"autoconf", "automake", "libc6-dev"},
                         set(needed))


if __name__ == "__main__":
    main()
