# SPDX-License-Identifier: ISC
"""What goes wrong with a site while people use it.

FAULTS has a function for each: with a Scene of logs.py it gives a context in
which that goes wrong, and in it a function that counts how often it did.
"""

import contextlib
import re
import threading
import time

from logs_traffic import Traffic
from preload import BROKEN, DAY, FULL, SHORT, SYNCS, YEAR
from oncelink_site import WORKER

# Workers that are killed have answered so many requests, or nobody asks them.
ANSWERS = 12
IDLE = 2                    # seconds

SLOW_CLIENTS = 6

# Of what libfcgi takes for lengths it has memory, in KiB, or is at its end.
ROOM = 256 << 10


def is_sanitized():
    """There shadow memory is no memory that could be short."""
    with open(WORKER, "rb") as file:
        return b"__ubsan_handle" in file.read()


class Count:
    """How often something happened."""

    def __init__(self):
        self.number = 0

    def __call__(self):
        return self.number


@contextlib.contextmanager
def repeating(scene, action, pause):
    """An action again and again; counts those that say that they did it."""
    stop = threading.Event()
    happened = Count()

    def again():
        while not stop.wait(pause):
            try:
                happened.number += bool(action())
            except Exception as failure:
                scene.cannot(failure)
                return
    thread = threading.Thread(target=again, daemon=True)
    thread.start()
    try:
        yield happened
    finally:
        stop.set()
        thread.join()


@contextlib.contextmanager
def nothing(scene):
    yield lambda: 1


def workers_die(scene):
    """Each while it answers, after there were some answers: web servers wait
    before they start one again and again that did nothing."""
    def kill():
        before = scene.answered()
        wanted = before + 1 + scene.random.randrange(ANSWERS)
        until = time.monotonic() + IDLE
        while scene.answered() < wanted and time.monotonic() < until:
            time.sleep(0.002)
        return scene.answered() > before and scene.kill_one()
    return repeating(scene, kill, 0.01)


@contextlib.contextmanager
def disk(scene, error, rates, calls=0):
    """One call in so many fails, now more of them and now less; calls: of
    these kinds alone."""
    def change():
        for preload in (scene.worker, scene.sweeper):
            preload.break_disk(error, scene.random.choice(rates), calls)
    before = scene.worker.errors()
    change()
    try:
        with repeating(scene, change, 0.1):
            yield lambda: scene.worker.errors() - before
    finally:
        for preload in (scene.worker, scene.sweeper):
            preload.mend()


def disk_is_full(scene):
    return disk(scene, FULL, [1, 3, 20, 100])


def disk_fails(scene):
    return disk(scene, BROKEN, [2, 5, 20, 100])


def syncs_fail(scene):
    return disk(scene, BROKEN, [1, 2, 5, 20], SYNCS)


def writes_are_short(scene):
    return disk(scene, SHORT, [1, 2, 5])


def sweepers_die(scene):
    """At any moment of a round."""
    return repeating(scene, lambda: scene.sweep_and_kill(
        scene.random.choice([0.01, 0.03, 0.1, 0.3]) * scene.random.random()),
        0.01)


def store_is_locked(scene):
    def hold():
        with scene.site.write_lock():
            time.sleep(0.4)
        return True
    return repeating(scene, hold, 0.05)


@contextlib.contextmanager
def memory_is_short(scene):
    """What workers have now, and little more; and for those to come."""
    if is_sanitized():
        yield lambda: 1
        return
    used = max((data_of(process) for process in scene.workers()),
               default=2000)

    def change():
        scene.worker.limit_memory(
            used + scene.random.choice([100, 500, 3000]))
        scene.kill_all()
        return True
    change()
    try:
        with repeating(scene, change, 1) as happened:
            happened.number += 1
            yield happened
    finally:
        scene.worker.mend()
        scene.kill_all()


def data_of(process):
    """What RLIMIT_DATA limits, in KiB."""
    with contextlib.suppress(OSError, AttributeError), open(
            "/proc/%d/status" % process, encoding="ascii") as file:
        return int(re.search(r"VmData:\s+(\d+)", file.read()).group(1))
    return 0


@contextlib.contextmanager
def clock_is_wrong(scene):
    def step():
        for preload in (scene.worker, scene.sweeper):
            preload.set_offset(scene.random.choice([
                0, -10 * YEAR, 10 * YEAR, 5 * DAY, -DAY]))
        return True
    try:
        with repeating(scene, step, 0.1) as happened:
            yield happened
    finally:
        for preload in (scene.worker, scene.sweeper):
            preload.set_offset(0)


def records_are_damaged(scene):
    def damage():
        with scene.site.writer() as database:
            return database.execute(
                "UPDATE record SET sealed = zeroblob(length(sealed))"
                " WHERE id % 2").rowcount > 0
    return repeating(scene, damage, 0.1)


@contextlib.contextmanager
def clients_are_slow(scene):
    stop = threading.Event()
    crowd = [Traffic(scene.site, scene.aside, scene.random, scene.keys)
             for _ in range(SLOW_CLIENTS)]

    def client(traffic):
        while not stop.is_set():
            traffic.slowly(stop.is_set)
    threads = [threading.Thread(target=client, args=(traffic,), daemon=True)
               for traffic in crowd]
    for thread in threads:
        thread.start()
    try:
        yield lambda: sum(traffic.slow for traffic in crowd)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@contextlib.contextmanager
def records_are_hostile(scene):
    """What comes to a worker by its own socket is not what a web server
    sends.  (LeakSanitizer counts what libfcgi forgets then.)"""
    if is_sanitized() or not scene.worker_sockets():
        yield lambda: 1
        return
    traffic = Traffic(scene.site, scene.aside, scene.random, scene.keys)

    def send():
        found = scene.worker_sockets()
        return found and traffic.records(scene.random.choice(found))
    scene.worker.limit_memory(ROOM)
    scene.kill_all()
    try:
        with repeating(scene, send, 0.005) as happened:
            yield happened
    finally:
        scene.worker.mend()
        scene.kill_all()


@contextlib.contextmanager
def everything(scene):
    with workers_die(scene) as deaths, disk(
            scene, BROKEN, [50, 100, 400]) as errors, (
            store_is_locked(scene)), clock_is_wrong(scene):
        yield lambda: min(deaths(), errors())


FAULTS = {
    "nothing": nothing,
    "workers that die": workers_die,
    "a full disk": disk_is_full,
    "a disk that fails": disk_fails,
    "syncs that fail": syncs_fail,
    "short writes": writes_are_short,
    "sweepers that die": sweepers_die,
    "a locked store": store_is_locked,
    "clients that go": nothing,
    "large bodies": nothing,
    "slow clients": clients_are_slow,
    "hostile records": records_are_hostile,
    "little memory": memory_is_short,
    "a wrong clock": clock_is_wrong,
    "damaged records": records_are_damaged,
    "all at once": everything,
}
