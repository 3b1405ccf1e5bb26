#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Promise 6 while everything goes wrong: what people send is in no log, no
error text, no core file and no file of the web server, whatever dies, fills
up, hangs or is turned off meanwhile."""

import contextlib
import itertools
import os
import re
import resource
import signal
import sys
import threading
import time

from attack import Attack

from logs_traffic import Planted, Traffic, forms, keys_of
from preload import BROKEN, DAY, FULL, YEAR, Preload
from oncelink_canary import Watch
from oncelink_server import KINDS
from oncelink_site import SRCDIR, WORKER, Site, wait_until

CLIENTS = 3

# What is put there before a site starts, and what tests of files see.
INSTALLED = ("share", "tls")

SENDMAIL = """#!/bin/sh
case $(cat %(mode)s) in
refuses)	exit 67 ;;
tells)	cat >&2; exit 75 ;;
says)	cat; exit 70 ;;
dies)	kill -9 $$ ;;
hangs)	exec sleep 60 ;;
esac
exec cat >/dev/null
"""
# Of two rounds a fault each has all of them in turn: an odd number.
MAIL_MODES = ("tells", "takes", "refuses", "tells", "says", "dies", "hangs")

attack = Attack("logs")
requests = attack.row("6", "requests with planted words while workers die,"
                      " disks fail, clocks jump: in logs, errors, files")
deaths = attack.row("6", "workers killed in the middle: core files, and"
                    " whether there could be one")
rounds = attack.row("6", "rounds of the sweeper, with mail that goes wrong:"
                    " what it says")


def is_sanitized():
    """There shadow memory is no memory that could be short."""
    with open(WORKER, "rb") as file:
        return b"__ubsan_handle" in file.read()


class Scene:
    """A site with all that can be made to go wrong, and where to look."""

    def __init__(self, kind, random):
        self.random = random
        self.kind = kind
        self.began = time.time()
        self.mutex = threading.Lock()
        self.modes = itertools.cycle(MAIL_MODES)
        self.site = Site(kind, conf="shipped", start=False, threads=8,
                         settings={
                             "lock_wait": "150ms", "kdf_wait": "1s",
                             "client_secrets": "0", "client_bytes": "0",
                             "site_url": "https://secrets.example.org",
                             "mail_timeout": "200ms",
                             "shutdown_seconds": "2s",
                             "mail_templates": os.path.join(
                                 SRCDIR, "conf", "mail")})
        site = self.site
        self.mode = os.path.join(site.directory, "sendmail-mode")
        name = os.path.join(site.directory, "sendmail")
        with open(name, "w", encoding="ascii") as file:
            file.write(SENDMAIL % {"mode": self.mode})
        os.chmod(name, 0o755)
        self.set_mail("takes")
        site.configure(sendmail=name)
        self.worker = Preload(site.directory, "worker")
        self.sweeper = Preload(site.directory, "sweeper")
        site.programs = {**site.programs,
                         "WORKER": self.worker.wrap(site.programs["WORKER"])}
        site.start()
        # From now on cron's too.
        site.environment = self.sweeper.environment()
        self.kept = Planted()
        self.keys = keys_of(site, self.kept)
        os.makedirs(site.server.scratch()[0], exist_ok=True)
        self.watch = Watch(*site.server.scratch())

    def close(self):
        self.watch.close()
        try:
            self.site.close()
        except AssertionError as failure:
            # Those that were killed are not in its list any more.
            requests.broke("%s: %s" % (self.kind, failure))

    # Who is there.

    def processes(self):
        return [member for process in [*self.site.workers, self.site.web]
                for member in process.members()]

    def workers(self):
        """Processes of the worker's program, whoever started them."""
        found = []
        for process in self.processes():
            with contextlib.suppress(OSError):
                with open("/proc/%d/comm" % process, encoding="ascii") as file:
                    if file.read().startswith("oncelink"):
                        found.append(process)
        return found

    def restart(self):
        """Those that the web server does not start."""
        with self.mutex:
            for number, worker in enumerate(self.site.workers):
                if not worker.running():
                    worker.end()
                    self.site.workers[number] = self.site.start_worker(number)

    def set_mail(self, mode):
        with open(self.mode + ".new", "w", encoding="ascii") as file:
            file.write(mode)
        os.chmod(file.name, 0o644)
        os.rename(file.name, self.mode)

    # Looking.

    def names(self, database):
        """Every file in which nothing may be."""
        site = self.site
        places = [site.directory, *site.server.scratch()]
        skipped = set(site.server.hosters())
        for place in places:
            for directory, inner, names in os.walk(place):
                inner[:] = [
                    name for name in inner if name not in INSTALLED
                    and (database or name != os.path.basename(site.state))]
                for name in names:
                    path = os.path.join(directory, name)
                    if path not in skipped:
                        yield path
        for path in site.server.logs():
            if path not in skipped:
                yield path
        # What programs leave in places of everybody's.
        for place in ("/dev/shm", "/tmp", "/var/tmp", os.getcwd()):
            for entry in os.scandir(place):
                with contextlib.suppress(OSError):
                    if (entry.is_file(follow_symlinks=False)
                            and entry.stat().st_mtime >= self.began):
                        yield entry.path

    def look(self, canaries, when, database=False):
        contents = {path: None for path in self.names(database)}
        for process in self.processes():
            with contextlib.suppress(OSError):
                for number in os.listdir("/proc/%d/fd" % process):
                    link = "/proc/%d/fd/%s" % (process, number)
                    with contextlib.suppress(OSError):
                        if not os.readlink(link).startswith(
                                self.site.state) and os.path.isfile(link):
                            contents[os.readlink(link)] = link
                for word in ("cmdline", "environ"):
                    contents["/proc/%d/%s" % (process, word)] = None
        for name, path in contents.items():
            if name in self.site.server.hosters():
                continue
            with contextlib.suppress(OSError):
                with open(path or name, "rb") as file:
                    self.judge(canaries, file.read(), name, when)
        self.judge(canaries, self.site.server.said(), "what we said", when)

    def judge(self, canaries, content, name, when):
        for planted in (canaries, self.kept):
            found = planted.found_in(content)
            if found:
                requests.broke("%s, %s: %s: %s" % (
                    self.kind, when, os.path.basename(name),
                    ", ".join(found[:5])))

    def look_for_cores(self):
        places = [os.getcwd(), "/", "/tmp", *(
            directory for directory, _, _ in os.walk(self.site.directory)
            if os.path.basename(directory) not in INSTALLED)]
        for place in places:
            with contextlib.suppress(OSError):
                for name in os.listdir(place):
                    path = os.path.join(place, name)
                    if re.fullmatch(r"core(\.\d+)?", name) and (
                            os.path.isfile(path)
                            and os.path.getmtime(path) >= self.began):
                        deaths.broke("%s: %s" % (self.kind, path))

    # A sweeper beside it.

    def sweep(self, canaries):
        self.set_mail(next(self.modes))
        done = self.site.sweep("-v")
        rounds.tried += 1
        self.judge(canaries, done.stdout + done.stderr, "the sweeper", "mail")


# What goes wrong, as long as the context lasts.

@contextlib.contextmanager
def repeating(action, pause):
    stop = threading.Event()

    def again():
        while not stop.wait(pause):
            action()
    thread = threading.Thread(target=again, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextlib.contextmanager
def nothing(scene):
    yield


def may_leave_core(process):
    with open("/proc/%d/limits" % process, encoding="ascii") as file:
        return not re.search(r"Max core file size +0 +0 ", file.read())


def kill_one(scene):
    found = scene.workers()
    with contextlib.suppress(OSError):
        if found:
            process = scene.random.choice(found)
            if may_leave_core(process):
                # The launcher becomes the worker, and that begins.
                time.sleep(0.3)
                if may_leave_core(process):
                    deaths.broke("%s: a worker may leave a core file"
                                 % scene.kind)
            os.kill(process, scene.random.choice([
                signal.SIGKILL, signal.SIGABRT, signal.SIGQUIT]))
            deaths.tried += 1
    with contextlib.suppress(AssertionError):
        scene.restart()


def workers_die(scene):
    return repeating(lambda: kill_one(scene), 0.08)


@contextlib.contextmanager
def disk(scene, error, every):
    for preload in (scene.worker, scene.sweeper):
        preload.break_disk(error, every)
    try:
        yield
    finally:
        for preload in (scene.worker, scene.sweeper):
            preload.mend()


def disk_is_full(scene):
    return disk(scene, FULL, scene.random.choice([1, 3, 20]))


def disk_fails(scene):
    return disk(scene, BROKEN, scene.random.choice([2, 5, 20]))


@contextlib.contextmanager
def store_is_locked(scene):
    def hold():
        with scene.site.write_lock():
            time.sleep(0.4)
    with repeating(hold, 0.05):
        yield


@contextlib.contextmanager
def memory_is_short(scene):
    """What workers have now, and little more; and for those to come."""
    if is_sanitized():
        yield
        return
    used = [data_of(process) for process in scene.workers()]
    scene.worker.limit_memory(max(used, default=2000)
                              + scene.random.choice([100, 500, 3000]))
    end_workers(scene)
    try:
        yield
    finally:
        scene.worker.mend()
        end_workers(scene)


def data_of(process):
    """What RLIMIT_DATA limits, in KiB."""
    with contextlib.suppress(OSError, AttributeError), open(
            "/proc/%d/status" % process, encoding="ascii") as file:
        return int(re.search(r"VmData:\s+(\d+)", file.read()).group(1))
    return 0


def end_workers(scene):
    """Who starts them next does so as it is then."""
    for process in scene.workers():
        with contextlib.suppress(OSError):
            os.kill(process, signal.SIGKILL)
    with contextlib.suppress(AssertionError):
        scene.restart()


@contextlib.contextmanager
def clock_is_wrong(scene):
    def step():
        for preload in (scene.worker, scene.sweeper):
            preload.set_offset(scene.random.choice([
                0, -10 * YEAR, 10 * YEAR, 5 * DAY, -DAY]))
    try:
        with repeating(step, 0.1):
            yield
    finally:
        for preload in (scene.worker, scene.sweeper):
            preload.set_offset(0)


@contextlib.contextmanager
def records_are_damaged(scene):
    def damage():
        with contextlib.suppress(Exception), scene.site.writer() as database:
            database.execute("UPDATE record SET sealed = "
                             "zeroblob(length(sealed)) WHERE id % 2")
    with repeating(damage, 0.1):
        yield


@contextlib.contextmanager
def everything(scene):
    with workers_die(scene), disk(scene, BROKEN, 50), (
            store_is_locked(scene)), clock_is_wrong(scene):
        yield


FAULTS = {
    "nothing": nothing,
    "workers that die": workers_die,
    "a full disk": disk_is_full,
    "a disk that fails": disk_fails,
    "a locked store": store_is_locked,
    "clients that go": nothing,
    "large bodies": nothing,
    "little memory": memory_is_short,
    "a wrong clock": clock_is_wrong,
    "damaged records": records_are_damaged,
    "all at once": everything,
}


def go_through(scene, name, canaries, seconds):
    """One kind of fault, under traffic, and then a look."""
    until = time.monotonic() + seconds
    restless = {"clients that go": 9, "all at once": 4}.get(name, 1)
    crowd = [Traffic(scene.site, canaries[number], scene.random, scene.keys,
                     restless) for number in range(CLIENTS)]

    def client(traffic):
        while True:
            traffic.tour(name == "large bodies", until)
            if time.monotonic() >= until:
                return

    threads = [threading.Thread(target=client, args=(traffic,), daemon=True)
               for traffic in crowd]
    with FAULTS[name](scene):
        for thread in threads:
            thread.start()
        scene.sweep(canaries[0])
        for thread in threads:
            thread.join()
    requests.tried += sum(traffic.sent for traffic in crowd)
    heal(scene)


def heal(scene):
    """Until a request is answered as if nothing had been."""
    def answers():
        scene.restart()
        with contextlib.suppress(Exception):
            return scene.site.request(
                "GET", "/api/v2/health").status == 200
        return False
    wait_until(answers, "the site to answer again")


def go_through_all(kind, random, seconds):
    scene = Scene(kind, random)
    everything_planted = Planted()
    try:
        for name in FAULTS:
            canaries = [Planted() for _ in range(CLIENTS)]
            go_through(scene, name, canaries, seconds)
            stage = Planted()
            for planted in canaries:
                stage.add(planted)
                everything_planted.add(planted)
            # With a letter at least.
            writer = Traffic(scene.site, stage, random, scene.keys)
            writer.requests()
            scene.sweep(stage)
            scene.look(stage, "with " + name)
        new = [name for name in scene.watch.seen()
               if not name.startswith("worker.sock")]
        if new and scene.site.server.spools_above is None:
            requests.broke("%s: temporary files: %r" % (kind, new[:5]))
        scene.site.web.end()
        scene.site.stop_workers()
        scene.look(everything_planted, "at the end", True)
        scene.look_for_cores()
    finally:
        scene.close()


def search_finds(random):
    """Every form of a word is found, and nothing where there is none."""
    planted = Planted()
    words = [planted.text("text").encode(), planted.raw("raw"),
             planted.pin("pin").encode()]
    good = planted.found_in(random.randbytes(10000)) == []
    for word in words:
        for form in forms(word):
            good &= planted.found_in(b"xyz" + form.upper() + b"xyz") != []
    return good


def main():
    random = attack.seed()
    # Whoever starts us may have said that there are none.
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))
    attack.check(search_finds(random), "every form of a planted word is found")
    kinds = list(KINDS)[:attack.size(1, len(KINDS), len(KINDS))]
    for kind in kinds:
        began = time.monotonic()
        go_through_all(kind, random, attack.size(250, 1500, 20000) / 1000)
        attack.note("%s: %.0f s" % (kind, time.monotonic() - began))
    return attack.end()


if __name__ == "__main__":
    sys.exit(main())
