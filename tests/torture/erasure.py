#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Erasure: secrets are made, read, burned and expire on a file system of their
own, and then the disk below it is searched, every block of it, for what was
ever written of them.  Needs root, to mount it: who is not asks sudo."""

import array
import contextlib
import itertools
import os
import sys
import tempfile
import threading
import time
from random import Random

from attack import Attack
from oncelink_site import Site, run, wait_until
from oncelink_test import in_threads
from test_erase import Secret

CLIENTS = 4
SIZES = (100, 1000, 10000, 100000)
IMAGE_BYTES = 192 << 20
BLOCK = 4096
PIECE = 8

# What it is told by, beside what is ours.
KEPT = ("PATH", "TMPDIR", "TORTURE", "builddir", "srcdir", "ASAN_OPTIONS")

# A day that is long over; a key is 32 bytes and a mark.
OLD_DAY = 10000
KEY_BYTES = 32


# The disk.

class Disk:
    """A file, and the ext4 file system in it, mounted."""

    def __init__(self, directory):
        self.image = os.path.join(directory, "image")
        self.place = os.path.join(directory, "disk")
        os.mkdir(self.place)
        with open(self.image, "wb") as file:
            file.truncate(IMAGE_BYTES)
        self.must("mkfs.ext4", "-q", "-F", self.image)
        self.must("mount", "-o", "loop", self.image, self.place)

    @staticmethod
    def must(*arguments):
        done = run(arguments)
        if done.returncode != 0:
            raise SystemExit("%s: %s" % (
                arguments[0], done.stderr.decode("utf-8", "replace")))

    def unmount(self):
        self.must("umount", self.place)

    def blocks(self):
        """All of the image that is not zeros, in long runs; what was never
        written is a hole of it."""
        zeros = bytes(BLOCK)
        with open(self.image, "rb") as file:
            end = 0
            while True:
                try:
                    begin = os.lseek(file.fileno(), end, os.SEEK_DATA)
                except OSError:
                    return
                end = os.lseek(file.fileno(), begin, os.SEEK_HOLE)
                file.seek(begin)
                for at in range(begin, end, BLOCK):
                    block = file.read(min(BLOCK, end - at))
                    if block != zeros[:len(block)]:
                        yield block


def files_below(place):
    for directory, _, names in os.walk(place):
        for name in names:
            path = os.path.join(directory, name)
            if os.path.isfile(path):
                with contextlib.suppress(FileNotFoundError), \
                        open(path, "rb") as file:
                    yield file.read()


# The search.

def pieces_of(contents):
    """The pieces of 8 bytes that begin at every eighth byte: whatever 16 bytes
    in a row these contents have in common with something, one is whole among
    them."""
    found = set()
    for content in contents:
        found.update(array.array("Q", content[:len(content) // PIECE * PIECE]))
    # So are many places that say nothing.
    return {piece for piece in found
            if len(set(piece.to_bytes(PIECE, "little"))) > 3}


def is_among(found, content):
    """Is any piece of this content, from any byte on, among those?"""
    for shift in range(PIECE):
        part = content[shift:]
        if not found.isdisjoint(array.array(
                "Q", part[:len(part) // PIECE * PIECE])):
            return True
    return False


# The site.

class DirectSite(Site):
    """Requests go straight to the worker; some of clients' start one of their
    own."""

    plain_cgi = 0
    client = threading.local()

    def request(self, method, path, body=None, headers=None, **_):
        kind = (headers or {}).get("Content-Type")
        chance = getattr(self.client, "chance", None)
        if chance and chance.random() < self.plain_cgi:
            return self.cgi(method, path, body or b"", kind)
        return self.direct(method, path, body, kind)


def sealed_records(site):
    with site.reader() as database:
        return [row[0] for row in database.execute(
            "SELECT sealed FROM record")]


def in_clients(site, random, work):
    """work(number) for each client, with a chance of its own whatever the
    others do meanwhile."""
    seeds = [random.random() for _ in range(CLIENTS)]

    def client(number):
        site.client.chance = Random(seeds[number])
        work(number)
    in_threads(CLIENTS, client)


def make(site, random, count):
    secrets = []
    for number in range(count):
        size = SIZES[number % len(SIZES)]
        # The older interfaces take 64 KiB.
        faces = ("native", "native", "safesecrets", "onetime")
        secrets.append(Secret(faces[number // len(SIZES) % 4]
                              if size <= 10000 else "native", size))
    in_clients(site, random, lambda number: [
        secret.create(site) for secret in secrets[number::CLIENTS]])
    return secrets


def read(site, secret):
    secret.read(site)
    if secret.face == "native":
        site.native("secrets/ack", id=secret.token, claim=secret.claim)


def end_by_worker(site, random, secrets):
    """Half of those that can be are burned, all others are read."""
    def work(number):
        for place in range(number, len(secrets), CLIENTS):
            secret = secrets[place]
            if secret.face == "native" and place // 4 % 2:
                secret.burn(site)
            else:
                read(site, secret)
    in_clients(site, random, work)


def expire(site):
    """The time of all that live is over, and the sweeper comes."""
    past = int(time.time() * 1000) - 1
    with site.writer() as database:
        database.execute(
            "UPDATE secret SET expires_at = :past, due_at = :past "
            "WHERE record <> 0", {"past": past})
    done = site.sweep()
    if done.returncode != 0:
        raise AssertionError("sweep: %r" % done.stderr)


def verify_on_overlay(attack, disk):
    """oncelinkctl verify-erased knows what it cannot see."""
    places = {name: os.path.join(disk.place, name)
              for name in ("lower", "upper", "work", "both")}
    for place in places.values():
        os.mkdir(place)
    disk.must("mount", "-t", "overlay", "-o",
              "lowerdir=%(lower)s,upperdir=%(upper)s,workdir=%(work)s"
              % places, "overlay", places["both"])
    tempfile.tempdir = places["both"]
    try:
        site = DirectSite(server=None, start=False)
        done = site.ctl("verify-erased")
        site.close()
    finally:
        tempfile.tempdir = disk.place
        disk.must("umount", places["both"])
    attack.check(done.returncode == 0 and b"elsewhere" in done.stdout,
                 "on other file systems verify-erased says what may be left")


class Search:
    """What must not be found any more, and where it is looked for."""

    def __init__(self, attack, disk, site):
        self.attack, self.disk, self.site = attack, disk, site
        self.over = []
        self.in_files = attack.row(
            "4", "secrets over for erase_delay, looked for in every file")
        self.on_disk = attack.row(
            "4", "secrets over for erase_delay, looked for in every block of "
            "the disk below")
        self.secret = attack.row(
            "5", "secrets while they live, looked for on that disk by token "
            "and text")
        self.found_living = 0

    def living(self, secrets, sealed):
        """Their records are there, which shows that the search finds them;
        nothing else is."""
        found = pieces_of(self.disk.blocks())
        self.found_living += sum(is_among(found, text) for text in sealed)
        for secret in secrets:
            self.secret.tried += 1
            if any(is_among(found, text)
                   for text in [secret.plain] + secret.texts()):
                self.secret.broke("a secret of %d bytes, %s" % (
                    len(secret.plain), secret.face))

    def gone(self, sealed, when):
        self.over.append(sealed)
        for row, found in (
                (self.in_files, pieces_of(files_below(self.site.state))),
                (self.on_disk, pieces_of(self.disk.blocks()))):
            for text in sealed:
                row.tried += 1
                if is_among(found, text):
                    row.broke("%s: a record of %d bytes" % (when, len(text)))

    def at_the_end(self, texts):
        """Once more all of them, and with nobody at work on that disk."""
        found = pieces_of(self.disk.blocks())
        for text in itertools.chain(*self.over, texts):
            if is_among(found, text):
                self.on_disk.broke("at the end: %d bytes" % len(text))


def one_round(site, search, random, count):
    secrets = make(site, random, count)
    sealed = sealed_records(site)
    search.living(secrets, sealed)
    random.shuffle(secrets)
    ending = secrets[:count * 2 // 3]
    end_by_worker(site, random, ending)
    # Within erase_delay and without a sweep.
    wait_until(lambda: os.path.getsize(site.database + "-wal") == 0,
               "the worker to erase")
    left = set(sealed_records(site))
    search.gone([text for text in sealed if text not in left],
                "read or burned")
    expire(site)
    search.gone(list(left), "expired")


def opens(site, secret):
    """Does it, with all that its reader has?"""
    try:
        secret.read(site)
    except AssertionError:
        return False
    return True


class OldCopy:
    """The database as it was, with secrets that wait."""

    def __init__(self, site, random, count):
        self.site = site
        self.secrets = make(site, random, count)
        site.stop_workers()
        self.contents = site.database_bytes()

    def put_back(self):
        for name in os.listdir(self.site.state):
            if name.startswith("oncelink.db"):
                os.unlink(os.path.join(self.site.state, name))
        for name, content in self.contents.items():
            if not name.endswith("-shm"):
                path = os.path.join(self.site.state, name)
                with open(path, "wb") as file:
                    file.write(content)
                os.chmod(path, 0o600)

    def opened(self):
        self.put_back()
        return [secret for secret in self.secrets if opens(self.site, secret)]


def destroy_keys(attack, random, disk, site):
    """Keys of days are overwritten where they lie, and what they sealed opens
    no more, wherever it is."""
    row = attack.row("4", "secrets of an older copy of the database, opened "
                     "when the keys of their days are destroyed")
    copy = OldCopy(site, random, attack.size(8, 40, 400))
    # Nobody serves any more: each call is by a process that begins then.
    site.plain_cgi, site.client.chance = 1, Random()
    keys = os.path.join(site.state, "keys")
    days = [name for name in os.listdir(keys) if name.isdigit()]
    texts = []
    for day in days:
        with open(os.path.join(keys, day), "rb") as file:
            texts.append(file.read()[:KEY_BYTES])
    found = pieces_of(disk.blocks())
    attack.check(all(is_among(found, key) for key in texts),
                 "the keys of days are found on the disk")
    # What was read is there again: that is what an older copy can do.
    attack.check(all(copy.opened() == copy.secrets for _ in range(2)),
                 "and open each older copy as often as it is put back")
    for number, day in enumerate(days):
        os.rename(os.path.join(keys, day),
                  os.path.join(keys, str(OLD_DAY + number)))
    site.sweep()
    left = [name for name in os.listdir(keys) if name.isdigit()]
    found = pieces_of(disk.blocks())
    attack.check(not left and not any(is_among(found, key) for key in texts),
                 "when the day is over nothing of them is")
    row.tried = len(copy.secrets)
    for secret in copy.opened():
        row.broke("%s opens" % secret.face)
    # Nothing else kept them closed.
    attack.check(site.ctl("day-keys", "--give-up").returncode == 0,
                 "the keys are given up")
    (secret,) = make(site, random, 1)
    attack.check(opens(site, secret), "but a new secret opens")
    return texts


def attack_disk(attack, random, directory):
    disk = Disk(directory)
    site = None
    try:
        tempfile.tempdir = disk.place
        site = DirectSite(server=None, settings={
            "erase_delay": "200ms", "max_store": "100M",
            "claim_seconds": "60s"})
        site.plain_cgi = 0.02
        search = Search(attack, disk, site)
        count = attack.size(72, 1000, 10000)
        for begin in range(0, count, 500):
            one_round(site, search, random, min(500, count - begin))
        attack.check(search.found_living == count,
                     "the records of all are found while they live")
        done = site.ctl("verify-erased")
        attack.check(done.returncode == 0 and b"elsewhere" not in done.stdout,
                     "verify-erased finds nothing on ext4")
        verify_on_overlay(attack, disk)
        texts = destroy_keys(attack, random, disk, site)
        site.close()
        disk.unmount()
        search.at_the_end(texts)
    except BaseException:
        if site is not None:
            site.close(quiet=True)
        with contextlib.suppress(SystemExit):
            disk.unmount()
        raise


def main():
    # A name space of its own: what is mounted there goes with us.
    if os.environ.get("ONCELINK_ERASURE") is None:
        os.environ["ONCELINK_ERASURE"] = "inside"
        command = ["unshare", "--mount", sys.executable,
                   os.path.abspath(__file__)]
        if os.geteuid() != 0:
            command = ["sudo", "env", *(
                "%s=%s" % (name, value) for name, value in os.environ.items()
                if name.startswith(("ONCELINK_", "PYTHON")) or name in KEPT),
                *command]
        os.execvp(command[0], command)
    attack = Attack("erasure")
    random = attack.seed()
    with tempfile.TemporaryDirectory(prefix="oncelink-test.") as directory:
        attack_disk(attack, random, directory)
    sys.exit(attack.end())


if __name__ == "__main__":
    main()
