# SPDX-License-Identifier: ISC
"""nginx with conf/nginx, before a worker that spawn-fcgi started, as
conf/sysvinit has it, or one that was started by its first connection, as
systemd does it."""

import os
import re

from oncelink_server import Server

# What Debian's nginx.conf says that matters here, with its default levels.
MAIN = """%(user)s
worker_processes 2;
pid %(directory)s/nginx.pid;
error_log %(log)s/main-error.log;
events { worker_connections 768; }
http {
	types { application/octet-stream bin; }
	default_type application/octet-stream;
	access_log %(log)s/main-access.log;
	gzip on;
	%(scratch)s
	include %(site)s;
}
"""

# nginx makes these at its start, whoever uses them.
TEMPORARY = ("client_body", "fastcgi", "proxy", "uwsgi", "scgi")


class Nginx(Server):

    kind = "nginx"
    family = "nginx"

    def main_conf(self):
        return os.path.join(self.site.directory, "nginx.conf")

    def write(self):
        self.install()
        if self.leaky:
            self.forget()
        with open(self.main_conf(), "w", encoding="utf-8") as file:
            file.write(MAIN % {
                "user": "user %s;" % self.site.owner.pw_name
                        if os.getuid() == 0 else "",
                "directory": self.site.directory,
                "log": os.path.join(self.log_directory(), "nginx"),
                "site": self.site_conf(),
                "scratch": "".join("%s_temp_path %s;" % (
                    name, self.scratch()[0]) for name in TEMPORARY),
            })

    def forget(self):
        """What the server does when nobody told it to keep quiet."""
        share = os.path.join(self.share(), "nginx")
        for name in os.listdir(share):
            with open(os.path.join(share, name), encoding="utf-8") as file:
                text = file.read()
            text = re.sub(r"(error_log \S+) emerg;", r"\1;", text)
            text = re.sub(r"(access_log \S+) oncelink;", r"\1;", text)
            text = text.replace("fastcgi_max_temp_file_size 0;", "")
            with open(os.path.join(share, name), "w",
                      encoding="utf-8") as file:
                file.write(text)
        name = os.path.join(os.path.dirname(self.site.conf_file),
                            "nginx-limits.conf")
        with open(name, encoding="utf-8") as file:
            lines = file.readlines()
        with open(name, "w", encoding="utf-8") as file:
            file.writelines(line for line in lines
                            if line.startswith("client_max_body_size"))

    def arguments(self):
        return ["nginx", "-p", self.site.directory, "-c", self.main_conf(),
                "-e", os.path.join(self.log_directory(), "nginx",
                                   "main-error.log"),
                "-g", "daemon off;"]

    def access_log(self):
        return os.path.join(self.log_directory(), "nginx", "oncelink.log")

    def worker_arguments(self, number):
        return ["spawn-fcgi", "-n", "-s", self.site.sockets[number],
                "-M", "0660", "--", self.site.programs["WORKER"],
                "-c", self.site.conf_file]


class NginxActivated(Nginx):

    kind = "nginx-activated"

    def worker_arguments(self, number):
        return ["systemd-socket-activate",
                "--listen=" + self.site.sockets[number],
                self.site.programs["WORKER"], "-c", self.site.conf_file]
