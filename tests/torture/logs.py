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
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

from attack import Attack

import fastcgi
from logs_faults import FAULTS
from logs_traffic import FACES, Planted, Traffic, keys_of, search_finds
from preload import Preload, compiled
from oncelink_canary import Watch
from oncelink_server import KINDS, make_readable
from oncelink_site import (
    SRCDIR, Site, become, clean_environment, wait_until,
)

KEEPER = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                      "logs_keeper.c")

# What programs of ours end with: well, or as sysexits.h has it.
ENDS = {0, *range(64, 79)}

# What a sample does to the first kind of web server, with so many more by
# chance, and to another one: some wait for seconds when workers die.
SAMPLE, MORE, ANOTHER = (
    ("nothing", "workers that die", "a full disk"), 6, ("a disk that fails",))

CLIENTS = 3

# Within so many seconds what is to happen in a stage has happened.
PATIENCE = 120

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
# Two rounds a fault have all of them in turn: an odd number.
MAIL_MODES = ("tells", "takes", "refuses", "tells", "says", "dies", "hangs")

attack = Attack("logs")
requests = attack.row("6", "requests with planted words that workers answered"
                      " while they die, disks fail, clocks jump: in logs,"
                      " errors, files")
deaths = attack.row("6", "workers killed in the middle: core files, and"
                    " whether there could be one")
ends = attack.row("-", "workers that ended and were not killed: of themselves,"
                  " with a status that says why")
rounds = attack.row("6", "rounds of the sweeper, with mail that goes wrong:"
                    " what it says")


class Scene:
    """A site with all that can be made to go wrong, and where to look."""

    def __init__(self, kind, random):
        self.random = random
        self.kind = kind
        self.began = time.time()
        self.mutex = threading.Lock()
        self.crowd = []
        self.killed = set()
        self.ends_read = self.exempted = 0
        self.modes = itertools.cycle(MAIL_MODES)
        self.site = Site(kind, conf="shipped", start=False, threads=8,
                         settings={
                             "lock_wait": "150ms", "kdf_wait": "1s",
                             "client_secrets": "0", "client_bytes": "0",
                             "site_url": "https://secrets.example.org",
                             "mail_timeout": "200ms",
                             "shutdown_seconds": "2s"})
        site = self.site
        # The source tree need not be for every user.
        templates = os.path.join(site.directory, "mail")
        shutil.copytree(os.path.join(SRCDIR, "conf", "mail"), templates)
        make_readable(templates)
        self.letters = 0
        self.mode = os.path.join(site.directory, "sendmail-mode")
        name = os.path.join(site.directory, "sendmail")
        with open(name, "w", encoding="ascii") as file:
            file.write(SENDMAIL % {"mode": self.mode})
        os.chmod(name, 0o755)
        self.set_mail("takes")
        site.configure(sendmail=name, mail_templates=templates)
        self.worker = Preload(site.directory, "worker")
        self.sweeper = Preload(site.directory, "sweeper")
        self.ends_file = os.path.join(site.directory, "ends")
        program = site.programs["WORKER"]
        if site.server.starts_workers:
            program = self.kept_by_keeper(program)
        site.programs = {**site.programs, "WORKER": self.worker.wrap(program)}
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

    def kept_by_keeper(self, program):
        """Their parent would not tell us how they ended; see KEEPER."""
        with open(self.ends_file, "w", encoding="ascii") as file:
            os.chmod(file.name, 0o666)
        place = os.path.join(self.site.directory, "keeper")
        os.mkdir(place)
        os.chmod(place, 0o755)
        name = os.path.join(place, os.path.basename(program))
        with open(name, "w", encoding="utf-8") as file:
            file.write('#!/bin/sh\nexec %s "$@"\n' % " ".join(map(
                shlex.quote, (compiled(KEEPER), self.ends_file, program))))
        os.chmod(name, 0o755)
        return name

    def restart(self):
        """Those that the web server does not start, as far as they can."""
        with self.mutex, contextlib.suppress(AssertionError):
            for number, worker in enumerate(self.site.workers):
                if not worker.running():
                    self.judge_end(worker.pid, worker.end())
                    # Until there is another one it is judged no more.
                    self.killed.add(worker.pid)
                    self.site.workers[number] = self.site.start_worker(number)

    def judge_ends(self):
        """Of those that the web server started."""
        if not os.path.exists(self.ends_file):
            return
        with open(self.ends_file, encoding="ascii") as file:
            lines = file.read().splitlines()
        for line in lines[self.ends_read:]:
            process, status, number, asked = map(int, line.split())
            # A web server ends those of CGI whose clients have gone.
            if not number or number != asked:
                self.judge_end(process, -number or status)
        self.ends_read = len(lines)

    def judge_end(self, process, status):
        """status as subprocess has it: of a signal below 0."""
        if process in self.killed:
            return
        ends.tried += 1
        if status in ENDS:
            return
        if status == -signal.SIGABRT:
            said = len(re.findall(fastcgi.NO_MEMORY, self.site.log()))
            if said > self.exempted:
                self.exempted += 1
                return
        ends.broke("%s: a worker ended with status %d" % (self.kind, status))

    def kill(self, process, number):
        self.killed.add(process)
        os.kill(process, number)

    def kill_one(self):
        """In the middle of something; False when none was there."""
        with contextlib.suppress(OSError, IndexError):
            process = self.random.choice(self.workers())
            if may_leave_core(process):
                # The launcher becomes the worker, and that begins.
                time.sleep(0.3)
                if may_leave_core(process):
                    deaths.broke("%s: a worker may leave a core file"
                                 % self.kind)
            self.kill(process, self.random.choice([
                signal.SIGKILL, signal.SIGABRT, signal.SIGQUIT]))
            deaths.tried += 1
            self.restart()
            return True
        return False

    def kill_all(self):
        """Who starts them next does so as it is then."""
        for process in self.workers():
            with contextlib.suppress(OSError):
                self.kill(process, signal.SIGKILL)
        self.restart()

    def worker_sockets(self):
        """Where workers take FastCGI; nowhere, when it is plain CGI."""
        if "cgid" in getattr(self.site.server, "modules", ()):
            return []
        found = []
        with open("/proc/net/unix", encoding="utf-8") as file:
            for line in list(file)[1:]:
                fields = line.split(None, 7)
                # __SO_ACCEPTCON
                if (len(fields) > 7 and int(fields[3], 16) & 0x10000
                        and fields[7].startswith(self.site.directory)):
                    found.append(fields[7].rstrip("\n"))
        return found

    def answered(self):
        """How many requests did workers answer in this stage?"""
        return sum(traffic.answered() for traffic in self.crowd)

    def cannot(self, failure):
        """What is to go wrong does not."""
        requests.broke("%s: a fault cannot be made: %r" % (
            self.kind, failure))

    def set_mail(self, mode):
        new = "%s.%d" % (self.mode, threading.get_ident())
        with open(new, "w", encoding="ascii") as file:
            file.write(mode)
        os.chmod(new, 0o644)
        os.rename(new, self.mode)

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
        for number in re.findall(rb"mail handed over: (\d+), to be tried again:"
                                 rb" (\d+)", done.stdout):
            self.letters += sum(map(int, number))
        self.judge(canaries, done.stdout + done.stderr, "the sweeper", "mail")

    def sweep_and_kill(self, seconds):
        """A round that ends after so long; False when it was over before."""
        self.set_mail(next(self.modes))
        site = self.site
        with subprocess.Popen(
                [site.programs["SWEEP"], "-c", site.conf_file, "-v"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=clean_environment(site.environment),
                **become(site.owner)) as sweeper:
            with contextlib.suppress(subprocess.TimeoutExpired):
                sweeper.wait(seconds)
            # As long as it is not ours yet it may leave a core file.
            numbers = [signal.SIGKILL]
            with contextlib.suppress(OSError):
                if not may_leave_core(sweeper.pid):
                    numbers += [signal.SIGABRT, signal.SIGQUIT]
            sweeper.send_signal(self.random.choice(numbers))
            said = b"".join(sweeper.communicate())
        rounds.tried += 1
        self.judge(self.aside, said, "the sweeper", "killed")
        return sweeper.returncode < 0


def may_leave_core(process):
    with open("/proc/%d/limits" % process, encoding="ascii") as file:
        return not re.search(r"Max core file size +0 +0 ", file.read())


def go_through(scene, name, canaries, seconds):
    """One kind of fault, under traffic, and then a look."""
    began = time.monotonic()
    until = began + seconds
    over = threading.Event()
    restless = {"clients that go": 9, "all at once": 4}.get(name, 1)
    crowd = [Traffic(scene.site, canaries[number], scene.random, scene.keys,
                     restless) for number in range(CLIENTS)]
    scene.crowd, scene.aside = crowd, canaries[CLIENTS]

    def client(traffic):
        while not over.is_set():
            traffic.tour(name == "large bodies", over.is_set)

    threads = [threading.Thread(target=client, args=(traffic,), daemon=True)
               for traffic in crowd]
    with FAULTS[name](scene) as happened:
        for thread in threads:
            thread.start()
        scene.sweep(canaries[0])
        patience = until + PATIENCE
        while time.monotonic() < until or lacks(name, crowd, happened):
            if time.monotonic() > patience:
                requests.broke("%s, %s: there was no %s" % (
                    scene.kind, name, lacks(name, crowd, happened)))
                break
            scene.restart()
            time.sleep(0.01)
        over.set()
        for thread in threads:
            thread.join()
        answers = sum((traffic.answers for traffic in crowd), Counter())
        attack.note("%s, %s, %d times in %.1f s: %s" % (
            scene.kind, name, happened(), time.monotonic() - began, ", ".join(
                "%s %d" % one for one in sorted(answers.items()))))
    requests.tried += scene.answered()
    heal(scene)
    scene.judge_ends()


def lacks(name, crowd, happened):
    """What must have happened in a stage before it says anything."""
    if not happened():
        return "such fault"
    if not any(traffic.answers["2xx"] for traffic in crowd):
        return "good answer"
    # Where nothing is wrong each face does all that it is for.
    if name == "nothing":
        for face in FACES:
            if not any(traffic.delivered[face] for traffic in crowd):
                return "answer to the end of " + face
    return None


def heal(scene):
    """Until a request is answered as if nothing had been."""
    def answers():
        scene.restart()
        with contextlib.suppress(Exception):
            return scene.site.request(
                "GET", "/api/v2/health").status == 200
        return False
    wait_until(answers, "the site to answer again")


def go_through_all(kind, random, seconds, faults):
    scene = Scene(kind, random)
    everything_planted = Planted()
    try:
        for name in faults:
            canaries = [Planted() for _ in range(CLIENTS + 1)]
            go_through(scene, name, canaries, seconds)
            stage = Planted()
            for planted in canaries:
                stage.add(planted)
                everything_planted.add(planted)
            # With a letter at least.
            writer = Traffic(scene.site, stage, random, scene.keys)
            wait_until(lambda: writer.requests() or writer.delivered,
                       "a letter")
            scene.sweep(stage)
            scene.look(stage, "with " + name)
        if scene.letters == 0:
            rounds.broke("%s: no letter came to be sent" % kind)
        new = [name for name in scene.watch.seen()
               if not name.startswith("worker.sock")]
        if new and scene.site.server.spools_above is None:
            requests.broke("%s: temporary files: %r" % (kind, new[:5]))
        scene.site.web.end()
        for worker in scene.site.workers:
            scene.judge_end(worker.pid, worker.end())
        scene.site.workers = []
        scene.judge_ends()
        scene.look(everything_planted, "at the end", True)
        scene.look_for_cores()
    finally:
        scene.close()


def plan(random):
    """[(kind of web server, names of faults)]"""
    kinds = list(KINDS)
    sample = attack.size(2, 0, 0)
    if sample == 0:
        return [(kind, list(FAULTS)) for kind in kinds]
    rest = [name for name in FAULTS if name not in SAMPLE]
    return [(kinds[0], SAMPLE + tuple(random.sample(rest, MORE))),
            (random.choice(kinds[1:]), ANOTHER)][:sample]


def main():
    random = attack.seed()
    # Whoever starts us may have said that there are none.
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))
    attack.check(search_finds(random), "every form of a planted word is found")
    for kind, faults in plan(random):
        began = time.monotonic()
        go_through_all(kind, random, attack.size(150, 1500, 20000) / 1000,
                       faults)
        attack.note("%s: %.0f s" % (kind, time.monotonic() - began))
    return attack.end()


if __name__ == "__main__":
    sys.exit(main())
