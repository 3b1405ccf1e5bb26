#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Promise 3 when clocks go wrong: the worker's and the sweeper's jump, stand,
creep, go back and differ while the real programs run (preload.py)."""

import calendar
import contextlib
import os
import sys
import threading
import time

from attack import Attack

from preload import DAY, HOUR, YEAR, Preload
from oncelink_site import Site, wait_until
from oncelink_wire import (
    FRAME_TYPE, JSON_TYPE, Broken, b64u, native_creation, native_opening,
    parse_frame, random_envelope, random_id, random_text, safesecrets_path,
)

SECOND = 1000
JUMP = 3 * DAY              # more than this ahead nobody believes
LOST = 30 * DAY             # and from here on nothing is made
SLACK = 1000                # answers tell whole seconds
LIFE = 30 * DAY             # max_expire
STRANGER = {"REMOTE_ADDR": "192.0.2.77"}

# The last second of 31 bits and of 32, and a leap day that some forget.
BOUNDARIES = [((1 << 31) - 1) * 1000, ((1 << 32) - 1) * 1000,
              calendar.timegm((2100, 2, 28, 23, 59, 59)) * 1000]

attack = Attack("clock")
over = attack.row("3", "questions for what was over, by clocks that were set"
                  " back")
kept = attack.row("3", "questions for what no wrong clock may destroy")
lasting = attack.row("3", "questions for what was made or read by a clock"
                     " years ahead, when it was right")
ended = attack.row("3", "questions for what was over by the clock")
expiries = attack.row("3", "expiries that were answered")
keys = attack.row("4", "sweeps by wrong clocks: keys of days, early or late")
running = attack.row("-", "programs and requests under wrong clocks")


def judge(row, good, text, *values):
    row.tried += 1
    if not good:
        row.broke(text % values)
    return good


def read_time(text):
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")) * 1000


class Secret:
    def __init__(self, envelope):
        self.id, self.receipt = random_id(), random_id()
        self.claim = random_id()
        self.envelope = envelope
        self.expires_at = None


class World:
    """A site whose worker has one clock, and what cron and the operator start
    another."""

    def __init__(self, random, start_at=0):
        self.random = random
        self.site = Site(server=None, threads=8, start=False, settings={
            "client_secrets": "1000000", "client_bytes": "0"})
        self.worker = Preload(self.site.directory, "worker")
        self.sweeper = Preload(self.site.directory, "sweeper")
        self.set_both(start_at)
        self.site.programs = {
            **self.site.programs,
            "WORKER": self.worker.wrap(self.site.programs["WORKER"])}
        self.site.environment = self.sweeper.environment()
        self.site.start()

    def set_both(self, offset):
        self.worker.set_offset(offset)
        self.sweeper.set_offset(offset)

    def freeze_both(self, at):
        self.worker.freeze(at)
        self.sweeper.freeze(at)

    def set_right(self, restart=False):
        """And the operator says so; with a restart where keys of days to come
        were destroyed, which a worker has at hand for some seconds more."""
        self.set_both(0)
        self.accept()
        if restart:
            self.restart()

    def restart(self):
        judge(running, self.site.stop_workers() == [0],
              "a worker did not end well")
        self.site.workers = [self.site.start_worker(0)]

    def close(self):
        try:
            self.site.close()
            judge(running, True, "")
        except AssertionError as failure:
            judge(running, False, "%s", failure)

    # What is stored.

    def ask(self, sql):
        with self.site.reader() as database:
            return database.execute(sql).fetchall()

    def mark(self):
        rows = self.ask("SELECT latest FROM clock")
        return rows[0][0] if rows else 0

    def records(self):
        return self.ask("SELECT count(*) FROM record")[0][0]

    def days(self):
        return {int(name) for name in os.listdir(
            os.path.join(self.site.state, "keys")) if name.isdigit()}

    # Requests.

    def believed(self, clock):
        """What the time is, for who has that clock."""
        return max(clock.now(), self.mark())

    def is_lost(self):
        """Is the worker's clock one by which nothing is made?"""
        mark = self.mark()
        return mark != 0 and self.worker.now() - mark > LOST

    def call(self, uri, body, kind=JSON_TYPE, method="POST", busy=False):
        """An answer; None when there was none, which is never right.  Busy: a
        clock that steps all the time may be too much, or be too far ahead."""
        try:
            answer = self.site.direct(method, uri, body, kind, STRANGER)
        except (Broken, OSError) as failure:
            judge(running, False, "%s: %r", uri.split("/")[-1], failure)
            return None
        judge(running, answer.status < 500 or (busy and answer.status == 503),
              "%r", answer)
        return answer

    def create(self, seconds, views=1, gate=None):
        """A secret; None when it was refused, as it must be by a clock that is
        too far ahead."""
        secret = Secret(random_envelope())
        lost = self.is_lost()
        before = self.believed(self.worker)
        answer = self.call("/api/v2/secrets", native_creation(
            secret.id, secret.receipt, secret.envelope, seconds,
            views=views, gate=gate), FRAME_TYPE, busy=lost)
        least, most = sorted((before, self.believed(self.worker)))
        if lost and answer is not None and answer.status == 503:
            judge(lasting, True, "")
            return None
        if answer is None or not judge(
                running, answer.status == 201, "create: %r", answer):
            return None
        secret.expires_at = read_time(answer.json()["expires_at"])
        judge(expiries, least - SLACK <= secret.expires_at - seconds * 1000
              <= most + SLACK, "%d s from now are %.1f s", seconds,
              (secret.expires_at - least) / 1000)
        return secret

    def creates(self, count, least, most, views=1):
        """Some that end at random times between these, in seconds."""
        made = [self.create(self.random.randint(least, most), views)
                for _ in range(count)]
        return [secret for secret in made if secret is not None]

    def open(self, secret, claim=None):
        """The status, or -1 when what came is not what was sealed."""
        answer = self.call("/api/v2/secrets/open", native_opening(
            secret.id, claim or random_id()))
        if answer is None:
            return 0
        if answer.status == 200 and (
                parse_frame(answer.body)[1] != secret.envelope):
            return -1
        return answer.status

    def peek(self, secret):
        answer = self.call("/api/v2/secrets/peek", native_opening(
            secret.id, random_id()))
        if answer is not None and answer.status == 200:
            told = read_time(answer.json()["expires_at"])
            judge(expiries, told == secret.expires_at,
                  "told otherwise by %d ms", told - secret.expires_at)
        return 0 if answer is None else answer.status

    def is_over(self, secret, row, when):
        """Neither a stranger nor who has a claim gets it."""
        for status in (self.open(secret), self.open(secret, secret.claim),
                       self.peek(secret)):
            judge(row, status == 410, "%d %s", status, when)

    def is_as_time_says(self, secret, when):
        """There before its time is over and not after; either, where that ends
        while it is asked for."""
        before = self.believed(self.worker)
        status = self.peek(secret)
        least, most = sorted((before, self.believed(self.worker)))
        if secret.expires_at <= least - SLACK:
            judge(ended, status == 410, "%d %s", status, when)
        elif secret.expires_at > most + SLACK:
            judge(kept, status == 200, "%d %s", status, when)

    def is_there(self, secret, row, when):
        judge(row, self.peek(secret) == 200, "not there %s", when)
        status = self.open(secret)
        judge(row, status == 200, "%d %s", status, when)

    # Programs.

    def sweep(self):
        """A round, and what it must and must not have done to keys."""
        ahead = self.sweeper.now() - self.mark()
        today = self.believed(self.sweeper) // DAY
        done = self.site.sweep("-v")
        refused = done.returncode == os.EX_TEMPFAIL
        judge(running, done.returncode == 0 or (
            refused and ahead > JUMP - SLACK),
            "the sweeper: %d, %r", done.returncode, done.stderr)
        if refused:
            judge(kept, b"nothing was ended" in done.stderr
                  and b"oncelinkctl clock --accept" in done.stderr,
                  "refused without a word")
        alive = {row[0] for row in self.ask(
            "SELECT DISTINCT epoch FROM secret WHERE record <> 0")}
        days = self.days()
        judge(keys, not alive - {0} - days, "keys of %r are gone",
              sorted(alive - {0} - days))
        # A day may end while it runs.
        today = min(today, self.believed(self.sweeper) // DAY)
        old = {day for day in days if day < today}
        judge(keys, refused or not old, "keys of %r are left", sorted(old))
        return done

    def sweep_refuses(self):
        before = self.records(), self.days()
        done = self.sweep()
        judge(kept, done.returncode == os.EX_TEMPFAIL,
              "swept by a clock %d h ahead",
              (self.sweeper.now() - self.mark()) // HOUR)
        judge(kept, (self.records(), self.days()) == before,
              "records or keys destroyed")

    def accept(self):
        done = self.site.ctl("clock", "--accept")
        judge(running, done.returncode == 0 and b"state = good" in
              done.stdout, "clock --accept: %r", done)


# What clocks do.

def set_back_when_told(world):
    """Nothing was written but that it was over."""
    set_back(world, world.mark)


def set_back_when_written(world):
    """Something was, by whomever."""
    set_back(world, world.random.choice([
        lambda: world.create(600), world.sweep]))


def set_back(world, happens):
    """What was over stays over, by minutes, years and to the beginning."""
    life = world.random.randint(60, 7200)
    secrets = world.creates(2, life, life)
    twice = world.create(life, 2)
    judge(kept, world.open(twice, twice.claim) == 200, "a claim")
    secrets.append(twice)
    older = older_secrets(world, life)
    world.set_both((life + 2) * SECOND)
    for secret in secrets:
        world.is_over(secret, ended, "after its time")
    older_are_over(world, older, ended)
    happens()
    now = int(time.time() * 1000)
    for back in (-60 * SECOND, 0, -world.random.randint(1, 1000) * HOUR,
                 -10 * YEAR, -now, -now - DAY):
        world.worker.set_offset(back)
        world.sweeper.set_offset(world.random.choice([back, 0]))
        if world.random.random() < 0.3:
            world.restart()
        for secret in secrets:
            world.is_over(secret, over, "set back by %d s" % (back // 1000))
        older_are_over(world, older, over)
        other = world.create(world.random.randint(60, 600))
        if other is not None:
            world.is_there(other, kept, "with a clock that was set back")
        behind = world.mark() - world.sweeper.now()
        done = world.sweep()
        # Time goes on while it begins.
        judge(running, abs(behind - 300 * SECOND) < 30 * SECOND or
              (b"behind" in done.stderr) == (behind > 300 * SECOND),
              "%d s behind: %r", behind // 1000, done.stderr)
    world.set_right()


def run_ahead(world):
    """Nothing is destroyed by a clock that nobody can believe."""
    secrets = world.creates(4, 900, 29 * 86400)
    twice = world.create(29 * 86400, 2)
    judge(kept, world.open(twice, twice.claim) == 200, "a claim")
    secrets.append(twice)
    world.sweep()
    ahead = world.random.choice([
        JUMP + HOUR, 4 * DAY, 30 * DAY, YEAR, 10 * YEAR, 100 * YEAR])
    who = world.random.choice(["both", "worker", "sweeper"])
    if who != "sweeper":
        world.worker.set_offset(ahead)
    if who != "worker":
        world.sweeper.set_offset(ahead)
    if world.random.random() < 0.5:
        world.restart()
    for secret in secrets:
        if world.worker.now() >= secret.expires_at:
            world.is_over(secret, ended, "by a clock that is ahead")
    # What is asked meanwhile makes no such clock believed.
    for _ in range(2):
        world.create(600)
        if who == "worker":
            judge(kept, world.sweep().returncode == 0, "the clock was right")
        else:
            world.sweep_refuses()
    world.set_both(0)
    judge(kept, world.sweep().returncode == 0, "refused by a right clock")
    for secret in secrets:
        world.is_there(secret, kept, "after %d days ahead of %s" % (
            ahead // DAY, who))
    world.set_right()


def leave_nothing(world):
    """Nothing that was made or read by such a clock is there for longer than
    it would have been by a right one."""
    world.sweep()
    before = remains(world)
    read = world.creates(3, 29 * 86400, 29 * 86400)
    made = []
    for ahead in (world.random.randint(4, 28) * DAY,
                  world.random.choice([LOST + DAY, YEAR, 10 * YEAR,
                                       100 * YEAR])):
        world.worker.set_offset(ahead)
        if world.random.random() < 0.5:
            world.restart()
        # Nearer than that it is made, and lives too long by as much.
        if ahead > LOST:
            made.append(world.create(600))
            refuses(world)
        for secret in read:
            status = world.open(secret, secret.claim)
            judge(running, status == (200 if ahead < LOST else 410),
                  "%d with %d days ahead", status, ahead // DAY)
    nothing_lasts(world, read + [secret for secret in made if secret],
                  before)
    world.set_right(restart=True)


def refuses(world):
    """No face makes anything by such a clock."""
    for uri, body in (
            ("/api/v1/message", b'{"message":"a","exp":60,"pin":"12345"}'),
            ("/secrets", b'{"message":"a","passphrase":"a",'
             b'"expiration_time":60}')):
        answer = world.call(uri, body, busy=True)
        judge(lasting, answer is not None and answer.status == 503, "%r",
              answer)


def remains(world):
    """What will be there for longer than it may: records, rows of clients,
    keys of days."""
    now = world.worker.now() + 2 * HOUR
    rows = [("record", row[0]) for row in world.ask(
        "SELECT id FROM secret WHERE record <> 0 AND (views_left = 0 OR "
        "expires_at > %d)" % (now + LIFE))]
    rows += [("client", row[0]) for row in world.ask(
        "SELECT id FROM quota WHERE due_at > %d" % (now + HOUR))]
    return set(rows + [("key of day", day) for day in world.days()
                       if day > (now + LIFE) // DAY])


def nothing_lasts(world, made, before):
    """The clock is right again; what was made for ten minutes, or read, when
    it was not is over soon, and nothing is left of it."""
    world.set_both(2 * HOUR)
    for when in ("before a sweep", "swept"):
        for secret in made:
            for claim in (None, secret.claim):
                status = world.open(secret, claim)
                judge(lasting, status == 410, "%d two hours later, %s", status,
                      when)
        judge(kept, world.sweep().returncode == 0, "refused by a right clock")
    left = remains(world) - before
    judge(lasting, not left, "%r are left", sorted(left)[:3])


def run_ahead_and_accept(world):
    """Once the operator says that it is right, it is."""
    secrets = world.creates(3, 60, 5 * 86400)
    late = world.create(29 * 86400)
    world.set_both(10 * DAY)
    world.sweep_refuses()
    world.accept()
    before = world.records()
    judge(ended, world.sweep().returncode == 0, "refused all the same")
    judge(ended, before - world.records() >= len(secrets), "records are left")
    for back in (10 * DAY, 0):
        world.set_both(back)
        for secret in secrets:
            world.is_over(secret, over, "after it was accepted")
    world.is_there(late, kept, "after others had ended")
    world.set_right(restart=True)


def differ(world):
    """Worker and sweeper see different times, none of which is absurd."""
    secrets = world.creates(6, 600, 6 * 86400)
    world.worker.set_offset(world.random.randint(-2 * DAY, 2 * DAY))
    world.sweeper.set_offset(world.random.randint(0, JUMP - HOUR))
    world.sweep()
    world.create(600)
    world.worker.set_offset(-10 * YEAR)
    latest = world.mark()
    for secret in secrets:
        if secret.expires_at <= latest:
            world.is_over(secret, over, "by the sweeper's clock")
        else:
            world.is_there(secret, kept, "by the sweeper's clock")
    world.set_right(restart=True)


def boundary(world):
    """Seconds at which numbers of other programs end."""
    at = world.random.choice(BOUNDARIES)
    world.freeze_both(at - 30 * SECOND)
    world.accept()
    early, late = world.create(60), world.create(60)
    claimed = world.create(60, 2)
    judge(kept, world.open(claimed, claimed.claim) == 200, "a claim")
    for moment in (at - 1, at, at + 1, at + SECOND):
        world.freeze_both(moment)
        world.sweep()
        status = world.open(claimed, claimed.claim)
        judge(kept, status == 200, "%d at a boundary", status)
        other = world.create(60)
        if other is not None:
            world.is_there(other, kept, "at a boundary")
        older_faces(world)
    world.is_there(early, kept, "at a boundary")
    world.freeze_both(at + 30 * SECOND)
    for secret in (late, claimed):
        world.is_over(secret, ended, "after a boundary")
    world.sweep()
    judge(ended, not world.ask("SELECT 1 FROM secret WHERE record <> 0 AND "
                               "expires_at <= %d" % (at + 30 * SECOND)),
          "records are left after a boundary")
    world.set_right(restart=True)


def older_secrets(world, seconds):
    """One of each older interface: [(what it says, how it is read)]."""
    made = []
    text = random_text(40)
    answer = world.call(
        "/api/v1/message", b'{"message":"%s","exp":%d,"pin":"12345"}'
        % (text.encode(), seconds))
    if answer is not None and judge(running, answer.status == 201,
                                    "SafeSecrets: %r", answer):
        made.append((text, (safesecrets_path(answer.json()["key"], "12345"),
                            None, None, "GET")))
    answer = world.call(
        "/secrets", b'{"message":"%s","passphrase":"a","expiration_time":%d}'
        % (text.encode(), seconds))
    if answer is not None and judge(running, answer.status == 200,
                                    "One Time Secret: %r", answer):
        made.append((text, ("/secrets/" + answer.json()["id"],
                            b'{"passphrase":"a"}')))
    return made


def older_are_over(world, secrets, row):
    for text, reading in secrets:
        answer = world.call(*reading)
        judge(row, answer is not None and answer.status != 200
              and text.encode() not in answer.body, "%r", answer)


def older_faces(world):
    for text, reading in older_secrets(world, 60):
        answer = world.call(*reading)
        judge(kept, answer is not None and answer.status == 200
              and answer.json()["message"] == text, "%r", answer)


def stand_still(world):
    """A clock that stands: nothing gets older, and all else works."""
    world.freeze_both(max(world.worker.now(), world.mark()))
    secrets = world.creates(3, 60, 61)
    gate = os.urandom(32)
    guessed = world.create(60, gate=gate)
    for left in (2, 1, 0):
        answer = world.call("/api/v2/secrets/open", native_opening(
            guessed.id, random_id(), gate=os.urandom(32)))
        judge(kept, answer is not None and answer.status == 403
              and answer.json()["attempts_left"] == left, "%r", answer)
    world.is_over(guessed, over, "after three wrong tries")
    world.sweep()
    older_faces(world)
    burned = world.create(60)
    answer = world.call("/api/v2/receipts/burn",
                        b'{"receipt":"%s"}' % b64u(burned.receipt).encode())
    judge(kept, answer is not None and answer.status == 200, "%r", answer)
    world.is_over(burned, over, "after it was burned")
    for secret in secrets:
        world.is_there(secret, kept, "when time stood")
    world.set_right()


def creep(world):
    """Steps that are believed, as a clock is that nobody looked at over a
    weekend: what they end is ended, and nothing else."""
    secrets = world.creates(6, 3600, 20 * 86400)
    offset = 0
    for _ in range(5):
        offset += world.random.randint(HOUR, JUMP - HOUR)
        world.set_both(offset)
        judge(running, world.sweep().returncode == 0, "refused a small step")
        stored = {row[0] // 1000 for row in world.ask(
            "SELECT expires_at FROM secret WHERE record <> 0")}
        for secret in secrets:
            gone = secret.expires_at <= world.worker.now() - SLACK
            judge(ended if gone else kept,
                  (secret.expires_at // 1000 in stored) != gone,
                  "gone too %s", "late" if gone else "early")
    # And slowly back, while it is used.
    for _ in range(4):
        offset -= world.random.randint(1, 90) * SECOND
        world.set_both(offset)
        other = world.create(60)
        if other is not None:
            world.is_there(other, kept, "with a clock that creeps back")
    for secret in secrets:
        if secret.expires_at > world.mark() + SLACK:
            world.is_there(secret, kept, "after days of creeping")
        else:
            world.is_over(secret, over, "after days of creeping")
    world.set_right(restart=True)


def drift(world):
    """Clocks that are fast or slow, each in its own way, by so much that it
    shows in seconds, and then go backwards."""
    for least, most in ((200000, 2000000), (-900, -100),
                        (-2000000, -2000)):
        rate = world.random.randint(least, most)
        world.worker.drift(rate)
        world.sweeper.drift(rate // world.random.randint(1, 20))
        secrets = world.creates(4, 60, 1800)
        for _ in range(4):
            for secret in secrets:
                world.is_as_time_says(secret, "while a clock drifts")
            world.sweep()
        latest = world.mark()
        for secret in secrets:
            if secret.expires_at <= latest - SLACK:
                world.is_over(secret, over, "when a clock had drifted")
    world.set_right(restart=True)


def step_under_traffic(world):
    """Steps by years and back, again and again, while people read and
    write."""
    stop = threading.Event()
    waiting = world.creates(5, 20 * 86400, 29 * 86400)
    delivered = []
    steps = [0, 10 * YEAR, -10 * YEAR, 30 * DAY, -HOUR, 4 * DAY]

    def traffic():
        while not stop.is_set():
            secret = Secret(random_envelope())
            before = int(time.time() * 1000)
            answer = world.call("/api/v2/secrets", native_creation(
                secret.id, secret.receipt, secret.envelope,
                20 * 86400), FRAME_TYPE, busy=True)
            if answer is None or answer.status != 201:
                continue
            after = int(time.time() * 1000)
            made = read_time(answer.json()["expires_at"]) - 20 * DAY
            judge(expiries, before - 60 * SECOND < made <=
                  after + LOST + 60 * SECOND,
                  "made %d s from now", (made - before) // 1000)
            answers = [world.open(secret) for _ in range(2)]
            judge(kept, set(answers) <= {200, 410}, "%r", answers)
            judge(kept, answers.count(200) <= 1, "read twice")
            delivered.append(answers.count(200))

    threads = [threading.Thread(target=traffic) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(attack.size(10, 30, 100)):
        world.worker.set_offset(world.random.choice(steps))
        world.sweeper.set_offset(world.random.choice(steps))
        if world.random.random() < 0.3:
            world.sweep()
        else:
            time.sleep(0.02)
    # By a right clock everybody is served again.
    world.set_both(0)
    wait_until(lambda: sum(delivered) > 0, "anybody to read")
    stop.set()
    for thread in threads:
        thread.join()
    judge(kept, world.sweep().returncode == 0, "refused by a right clock")
    for secret in waiting:
        world.is_there(secret, kept, "after steps under traffic")
    world.set_right()


def dead_battery(random):
    """A site that is made with the clock of a machine that lost its own."""
    now = int(time.time() * 1000)
    with contextlib.closing(World(random, random.choice([
            5 * SECOND - now, 20 * YEAR - now, -10 * YEAR]))) as world:
        secrets = world.creates(3, 600, 86400)
        world.is_there(secrets.pop(), kept, "with a dead battery")
        world.sweep()
        world.set_both(0)
        for secret in secrets:
            world.is_over(secret, ended, "when the clock was set")
        judge(lasting, world.create(86400) is None, "made before that")
        world.sweep_refuses()
        world.accept()
        late = world.create(86400)
        judge(ended, world.sweep().returncode == 0, "refused all the same")
        judge(ended, world.records() == 1, "records are left")
        world.is_there(late, kept, "when the clock was set")


SCENES = (set_back_when_told, set_back_when_written, run_ahead, leave_nothing,
          run_ahead_and_accept, differ, boundary, stand_still, creep, drift,
          step_under_traffic)


def main():
    random = attack.seed()
    with contextlib.closing(World(random)) as world:
        for number in range(attack.size(1, 12, 150)):
            scenes = list(SCENES)
            random.shuffle(scenes)
            for scene in scenes:
                scene(world)
            if number % 10 == 0:
                dead_battery(random)
    return attack.end()


if __name__ == "__main__":
    sys.exit(main())
