# SPDX-License-Identifier: ISC
"""The page on which a request is answered, in a browser, under a path of its
own."""

import email
import email.policy
import os

from oncelink_pages import Asked, PagesTest
from oncelink_test import main
from test_mail import MSMTP, Sink


class AskedHere(Asked):

    def __init__(self, site, sink):
        super().__init__(site)
        self.sink = sink

    def ask(self, members):
        """The UUID of a new secret request."""
        return self.passwordlink("secret_requests", members)["data"]["id"]

    def allow(self, secrets):
        """How many secrets the account may make in a month."""
        done = self.site.ctl("account", "set", "--allowance", str(secrets),
                             "pages")
        assert done.returncode == 0, done.stderr

    def mails(self):
        """The sweeper hands mail over; the texts of all so far."""
        done = self.site.sweep("-v")
        assert done.returncode == 0, done.stderr
        return [email.message_from_bytes(
                    mail, policy=email.policy.default).get_content()
                for _, _, mail in self.sink.mails]


class Request(PagesTest):

    def test_request(self):
        """requests"""
        sink = Sink()
        self.addCleanup(sink.close)
        site = self.site("nginx", conf="shipped", prefix="/once",
                         start=False)
        sendmail = os.path.join(site.directory, "sendmail")
        rc = os.path.join(site.directory, "msmtprc")
        with open(rc, "w", encoding="ascii") as file:
            file.write("account default\nhost 127.0.0.1\nport %d\n"
                       "from nobody@example.org\nauth off\ntls off\n"
                       "allow_from_override on\n" % sink.port)
        with open(sendmail, "w", encoding="ascii") as file:
            file.write('#!/bin/sh\nexec %s -C "%s" "$@"\n' % (MSMTP, rc))
        for path, mode in ((rc, 0o600), (sendmail, 0o700)):
            os.chmod(path, mode)
            os.chown(path, site.owner.pw_uid, site.owner.pw_gid)
        site.configure(
            site_url="https://secrets.example.org/once",
            mail_from="secrets@example.org", sendmail=sendmail,
            mail_templates=os.path.join(site.srcdir, "conf", "mail"))
        site.start()
        self.journeys("request", site, AskedHere(site, sink))
        self.assertInspected("request/index.html")


if __name__ == "__main__":
    main()
