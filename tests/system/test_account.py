# SPDX-License-Identifier: ISC
"""oncelinkctl account and key: made, shown, changed, ended; what is refused."""

import datetime
import json
import os
import shutil

from oncelink_site import CTL, run
from oncelink_test import SiteTest, in_threads, main
from oncelink_wire import JSON_TYPE

EX_USAGE, EX_DATAERR, EX_UNAVAILABLE = 64, 65, 69
TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"


class Account(SiteTest):
    """A site whose worker runs while accounts come and go."""

    def setUp(self):
        self.one = self.site(server=None, start=False)

    def good(self, *arguments):
        done = self.one.ctl(*arguments)
        self.assertEqual((done.returncode, done.stderr), (0, b""), done)
        return done.stdout.decode()

    def bad(self, status, words, *arguments):
        done = self.one.ctl(*arguments)
        self.assertEqual((done.returncode, done.stdout), (status, b""), done)
        self.assertIn(words, done.stderr.decode())

    def show(self, name):
        return dict(line.split(" = ") for line in
                    self.good("account", "show", name).splitlines())

    def keys(self, name):
        """[[number, kind, made, last used]]"""
        lines = self.good("key", "list", name).splitlines()
        self.assertRegex(lines[0], "^key +kind +made +last used$")
        return [line.split() for line in lines[1:]]

    def test_accounts(self):
        """an account is made, shown, changed and removed"""
        self.assertEqual(self.good("account", "add", "team.a@b-c_d"), "")
        self.good("account", "add", "small", "--allowance", "5",
                  "--request-allowance=0")
        lines = self.good("account", "list").splitlines()
        self.assertRegex(lines[0], "^account +made +secrets +requests$")
        self.assertRegex(lines[1],
                         "^team.a@b-c_d +" + TIME +
                         " +0/unlimited +0/unlimited$")
        self.assertRegex(lines[2], "^small +" + TIME + " +0/5 +0/0$")
        shown = self.show("small")
        self.assertRegex(shown.pop("made"), "^" + TIME + "$")
        self.assertEqual(shown, {
            "name": "small", "keys": "0", "secrets_listed": "0",
            "secrets_this_month": "0", "secrets_allowance": "5",
            "requests_listed": "0", "requests_this_month": "0",
            "requests_allowance": "0"})
        self.good("account", "set", "small", "--allowance", "unlimited")
        shown = self.show("small")
        self.assertEqual(shown["secrets_allowance"], "unlimited")
        self.assertEqual(shown["requests_allowance"], "0")
        self.good("account", "remove", "small")
        self.assertEqual(len(self.good("account", "list").splitlines()), 2)
        self.bad(EX_DATAERR, "there is no account `small'",
                 "account", "show", "small")

    def test_refusals(self):
        """names, allowances, words and numbers that are not right"""
        self.good("account", "add", "team")
        for name in ("", "a b", "a/b", "å", "a\nb", "x" * 65, "a,b"):
            with self.subTest(repr(name)):
                self.bad(EX_USAGE, "the name of an account", "account", "add",
                         "--", name)
        self.bad(EX_USAGE, "the name of an account", "account", "add", "--",
                 "-a")
        self.good("account", "add", "x" * 64)
        self.bad(EX_DATAERR, "already", "account", "add", "team")
        for text in ("-1", "", " 1", "1.5", "1k", "none", "9" * 30):
            with self.subTest(repr(text)):
                self.bad(EX_USAGE, "an allowance is a whole number",
                         "account", "add", "other", "--allowance=" + text)
                self.bad(EX_USAGE, "an allowance is a whole number",
                         "account", "set", "team",
                         "--request-allowance=" + text)
        self.bad(EX_USAGE, "nothing to set", "account", "set", "team")
        self.bad(EX_USAGE, "takes no --allowance", "account", "show", "team",
                 "--allowance", "1")
        self.bad(EX_USAGE, "private or public", "key", "add", "team",
                 "secret")
        self.bad(EX_USAGE, "not the number of a key", "key", "revoke",
                 "team", "private_key_")
        self.bad(EX_DATAERR, "no key of this number", "key", "revoke", "team",
                 "7")
        for command in (("account", "set", "nobody", "--allowance", "1"),
                        ("account", "remove", "nobody"),
                        ("account", "show", "nobody"),
                        ("key", "add", "nobody", "private"),
                        ("key", "list", "nobody"),
                        ("key", "revoke", "nobody", "1")):
            with self.subTest(" ".join(command)):
                self.bad(EX_DATAERR, "there is no account `nobody'",
                         *command)

    def test_words(self):
        """half a command says how it goes on"""
        usage = self.good("account", "--help")
        for word in ("add", "list", "show", "set", "remove"):
            self.assertIn("[-c FILE] account %s" % word, usage)
            self.assertIn("usage: oncelinkctl [-c FILE] account " + word,
                          self.good("account", word, "--help"))
        self.assertNotIn(" key ", usage)
        for words in (("key",), ("key", "burn")):
            done = run([CTL, *words])
            self.assertEqual((done.returncode, done.stdout), (EX_USAGE, b""))
            self.assertIn(b"key revoke NAME NUMBER", done.stderr)
        self.bad(EX_USAGE, "no command `acc'", "acc", "add", "team")
        self.bad(EX_USAGE, "usage", "account", "add")

    def test_keys(self):
        """a key is shown once, listed without itself, and revoked"""
        self.good("account", "add", "team")
        self.good("account", "add", "other")
        today = [datetime.datetime.now(datetime.timezone.utc).date()]
        made = {kind: self.good("key", "add", "team", kind)
                for kind in ("private", "public")}
        today.append(datetime.datetime.now(datetime.timezone.utc).date())
        for kind, text in made.items():
            self.assertRegex(text, "^%s_key_[0-9A-Za-z]{32,}\n$" % kind)
        rows = self.keys("team")
        self.assertEqual([row[1] for row in rows], ["private", "public"])
        for row in rows:
            self.assertIn(row[2][:10], [str(day) for day in today])
            self.assertEqual(row[3], "never")
        self.assertEqual(self.show("team")["keys"], "2")
        self.assertEqual(self.keys("other"), [])
        # The number of another account's key is no number here.
        self.bad(EX_DATAERR, "no key of this number", "key", "revoke",
                 "other", rows[0][0])
        self.good("key", "revoke", "team", rows[1][0])
        self.assertEqual([row[1] for row in self.keys("team")], ["private"])
        # A number that was told somebody is not given to another key.
        self.good("key", "add", "team", "public")
        self.assertNotIn(rows[1][0], [row[0] for row in self.keys("team")])

        held = b"".join(self.one.database_bytes().values())
        self.assertIn(b"team", held)
        for text in made.values():
            key = text.strip().encode()
            self.assertNotIn(key, held)
            self.assertNotIn(key.rpartition(b"_")[2], held)
            self.assertNotIn(key, self.one.log().encode())

    def test_unseen(self):
        """a key that could not be printed is an error that says so"""
        self.good("account", "add", "team")
        done = run(["/bin/sh", "-c",
                    '"$0" -c "$1" key add team public >/dev/full', CTL,
                    self.one.conf_file])
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"revoke it", done.stderr)

    def test_at_once(self):
        """of many who take a name, one gets it; keys are all different"""
        done = in_threads(8, lambda _: self.one.ctl("account", "add", "a"))
        self.assertEqual(sorted(one.returncode for one in done),
                         [0] + [EX_DATAERR] * 7)
        keys = in_threads(8, lambda _: self.good("key", "add", "a",
                                                 "private"))
        self.assertEqual(len(set(keys)), 8)
        self.assertEqual(len({row[0] for row in self.keys("a")}), 8)


SJCL = ("eyJpdiI6IkFBQUFBQUFBQUFBQUFBQUFBQUFBQUE9PSIsInYiOjEsIml0ZXIiOjEwMDAw"
        "LCJrcyI6MjU2LCJ0cyI6MTI4LCJtb2RlIjoiZ2NtIiwiYWRhdGEiOiIiLCJjaXBoZXIi"
        "OiJhZXMiLCJzYWx0IjoiQUFBQUFBQUFBQUE9IiwiY3QiOiJBQUFBQUFBQUFBQUFBQUFB"
        "QUFBQUFBQUEifQ==")


class KeyTest(SiteTest):
    """A site with an account, whose keys are used."""

    def setUp(self):
        self.old = self.site(server=None)
        self.file = os.path.join(self.old.directory, "site.backup")
        self.good(self.old, "account", "add", "other")
        self.good(self.old, "account", "add", "team", "--allowance", "7")
        self.keys = {
            kind: self.good(self.old, "key", "add", "team", kind).strip()
            for kind in ("private", "public")}

    def good(self, site, *arguments):
        done = site.ctl(*arguments)
        self.assertEqual((done.returncode, done.stderr), (0, b""), done)
        return done.stdout.decode()

    def bad(self, site, status, words, *arguments):
        done = site.ctl(*arguments)
        self.assertEqual((done.returncode, done.stdout), (status, b""), done)
        self.assertIn(words, done.stderr.decode())

    def ask(self, site, key, method="GET", members=None, path=""):
        return site.direct(
            method, "/api/secrets" + path,
            None if members is None else json.dumps(members).encode(),
            None if members is None else JSON_TYPE,
            {"HTTP_AUTHORIZATION": "ApiKey " + key})

    def create(self, site, status=201):
        answer = self.ask(site, self.keys["private"], "POST", {
            "ciphertext": SJCL, "password_part_private": "QUJDRA==",
            "description": "a-description", "message": "a-message",
            "max_views": 2})
        self.assertStatus(answer, status)
        return answer


class Running(KeyTest):
    """What an administrator does while a worker runs."""

    def test_used(self):
        """the day of the last use is shown"""
        for line in self.good(self.old, "key", "list",
                              "team").splitlines()[1:]:
            self.assertRegex(line, " never$")
        days = [str(datetime.datetime.now(datetime.timezone.utc).date())]
        self.assertStatus(self.ask(self.old, self.keys["private"]), 200)
        days.append(str(datetime.datetime.now(datetime.timezone.utc).date()))
        lines = self.good(self.old, "key", "list", "team").splitlines()
        self.assertIn(lines[1].split()[-1], days)
        self.assertEqual(lines[2].split()[-1], "never")

    def test_revoked(self):
        """a key that was revoked is not known from then on"""
        self.assertStatus(self.ask(self.old, self.keys["private"]), 200)
        lines = self.good(self.old, "key", "list", "team").splitlines()
        self.good(self.old, "key", "revoke", "team", lines[1].split()[0])
        self.assertStatus(self.ask(self.old, self.keys["private"]), 403)

    def test_allowance(self):
        """an allowance counts from then on, what was made counts too"""
        self.create(self.old)
        self.good(self.old, "account", "set", "team", "--allowance", "1")
        self.create(self.old, 403)
        self.good(self.old, "account", "set", "team", "--allowance", "2")
        self.create(self.old)
        self.create(self.old, 403)
        self.good(self.old, "account", "set", "team", "--allowance",
                  "unlimited")
        metadata = self.create(self.old).json()["metadata"]
        self.assertEqual(metadata["secrets_usage"], 3)
        self.assertIsNone(metadata["secrets_allowance"])
        shown = self.good(self.old, "account", "show", "team")
        self.assertIn("secrets_listed = 3\nsecrets_this_month = 3\n", shown)

    def test_request_allowance(self):
        """the same for secret requests"""
        def request(status):
            self.assertStatus(self.old.direct(
                "POST", "/api/secret_requests", b"{}", JSON_TYPE,
                {"HTTP_AUTHORIZATION": "Bearer " + self.keys["private"]}),
                status)
        request(201)
        self.good(self.old, "account", "set", "team", "--request-allowance",
                  "2")
        request(201)
        request(403)
        shown = self.good(self.old, "account", "show", "team")
        self.assertIn("requests_listed = 2\nrequests_this_month = 2\n"
                      "requests_allowance = 2\n", shown)
        self.assertRegex(self.good(self.old, "account", "list"),
                         "team .* 0/7 +2/2\n")

    def test_removed(self):
        """of an account that was removed no byte is left, nor a key known"""
        made = self.create(self.old).json()["data"]["id"]
        answer = self.ask(self.old, self.keys["public"], path="/" + made)
        self.assertStatus(answer, 200)
        with self.old.reader() as database:
            rows = [row[0] for row in database.execute(
                "SELECT sealed FROM record UNION ALL SELECT note FROM listing"
                " UNION ALL SELECT message FROM listing"
                " UNION ALL SELECT viewer FROM view"
                " UNION ALL SELECT hash FROM api_key")]
        self.assertEqual(len(rows), 6)

        def held():
            everything = b"".join(self.old.database_bytes().values())
            return [row for row in rows if row[-24:] in everything]

        self.assertEqual(held(), rows)
        self.good(self.old, "account", "remove", "team")
        for key in self.keys.values():
            self.assertStatus(self.ask(self.old, key, path="/" + made), 403)
        self.assertEqual(self.old.sweep().returncode, 0)
        self.assertEqual(held(), [])


class Carried(KeyTest):
    """Accounts in a backup, and in the site that is made of it."""

    def new_site(self, **options):
        """A site with the old one's key file."""
        site = self.site(server=None, start=False, **options)
        shutil.copy(self.old.key_file, site.key_file)
        return site

    def accounts(self, site):
        return self.good(site, "account", "list").splitlines()[1:]

    def test_round_trip(self):
        """names, allowances, usage and keys go along, and nothing else"""
        self.create(self.old)
        revoked = self.good(self.old, "key", "add", "team", "private").strip()
        number = self.good(self.old, "key", "list", "team").split()[-4]
        self.good(self.old, "key", "revoke", "team", number)
        self.good(self.old, "backup", self.file)
        with open(self.file, encoding="utf-8") as file:
            text = file.read()
        for word in (*self.keys.values(), revoked, SJCL, "a-description",
                     "a-message"):
            self.assertNotIn(word, text)
            self.assertNotIn(word.rpartition("_")[2], text)

        new = self.new_site()
        output = self.good(new, "restore", "--force", self.file)
        self.assertIn("--accounts %s' puts its 2 accounts" % self.file,
                      output)
        new.configure()
        self.assertEqual(self.good(new, "restore", "--accounts", self.file),
                         "made   2 accounts, 2 keys\n")
        self.assertEqual(self.accounts(new), self.accounts(self.old))
        new.start()
        answer = self.ask(new, self.keys["private"])
        self.assertStatus(answer, 200)
        self.assertEqual(answer.json()["metadata"], {
            "secrets_total": 0, "secrets_usage": 1, "secrets_allowance": 7})
        self.assertStatus(self.ask(new, self.keys["public"]), 403)
        self.assertStatus(self.ask(new, revoked), 403)
        self.create(new)
        for line in self.good(new, "key", "list", "team").splitlines()[1:]:
            self.assertRegex(line, "^[0-9]+ +(private|public) +" + TIME +
                             " +([0-9-]{10}|never)$")

    def test_key_file(self):
        """with another key file nothing is restored"""
        self.good(self.old, "backup", self.file)
        new = self.site(server=None, start=False)
        self.bad(new, EX_DATAERR, "another key file", "restore",
                 "--accounts", self.file)
        self.assertEqual(self.accounts(new), [])

    def test_all_or_none(self):
        """an account that is there stops them all"""
        self.good(self.old, "backup", self.file)
        new = self.new_site()
        self.good(new, "account", "add", "other")
        before = self.accounts(new)
        self.bad(new, EX_DATAERR, "there is an account `other'", "restore",
                 "--accounts", self.file)
        self.assertEqual(self.accounts(new), before)
        self.bad(new, EX_USAGE, "--force", "restore", "--accounts",
                 "--force", self.file)

    def test_no_accounts(self):
        """without accounts there is nothing of them in a backup"""
        new = self.new_site()
        self.good(new, "backup", self.file)
        with open(self.file, encoding="utf-8") as file:
            self.assertNotIn("accounts]", file.read())
        self.bad(new, EX_DATAERR, "no account in the backup", "restore",
                 "--accounts", self.file)

    def test_no_key_file(self):
        """accounts that cannot be read are no backup without them"""
        os.rename(self.old.key_file, self.old.key_file + ".away")
        self.bad(self.old, EX_UNAVAILABLE, "server.key", "backup", self.file)
        self.assertFalse(os.path.exists(self.file))
        os.rename(self.old.key_file + ".away", self.old.key_file)

    def test_bad_lines(self):
        """a line that was changed is refused with its number, whole"""
        whole = self.good(self.old, "backup", "-")
        new = self.new_site()
        for old, other, words in (
                ("\nteam = ", "\nte/am = ", "no name"),
                ("\nteam = ", "\nother = ", "twice"),
                ("\nteam = ", "\nteam = x", "no account"),
                ("\nteam = ", "\nteam = 1 ", "no account"),
                (" = team ", " = nobody ", "no account of the backup"),
                (" private ", " secret ", "no key"),
                ("[server]\nkey = ", "[server]\nkey = 0", "no server"),
                ("[keys]", "[key]", "no such section")):
            with self.subTest(words):
                self.assertIn(old, whole)
                with open(self.file, "w", encoding="utf-8") as file:
                    file.write(whole.replace(old, other, 1))
                self.bad(new, EX_DATAERR, words, "restore", "--accounts",
                         self.file)
                self.assertEqual(self.accounts(new), [])


if __name__ == "__main__":
    main()
