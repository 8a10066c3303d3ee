#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The power goes at any moment: the database is sound, each attempt at a page that was
written to soft_offline_page is stored, no more is counted than was sent, and what is not
stored yet is young. The same without syncs must go wrong, or this test sees nothing."""

import contextlib
import errno
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import crash
import disk
import host
import lives

DB = 'softofflined.db'
CONFIG = '[Budget]\nPagesPerHour=100000\nBurst=100000\nPagesPerDimm=100000\nTotal=10%\n' \
         '[Retry]\nFirst=1s\n'
BASE = 0x10000000
BUSY_PAGE = BASE + (7 << 12)
OLDEST = 30  # seconds: what may be unstored, on a machine that is as busy as it likes


class Story:
    """A run of the daemon under events, with its record: what was sent when."""

    def __init__(self, h, seed):
        self.h = h
        self.random = random.Random(seed)
        self.record = h.dir / 'record'
        self.marks = []  # (before, after, sent in all)
        h.environ.update({'FAULT_RECORD': str(self.record),
                          'FAULT_FOLDER': str(h.db.parent)})

    def events(self, n):
        pages = [BASE + (self.random.randrange(3000) << 12) for _ in range(n)]
        before = host.ring.boot_ns()
        self.h.emit(pages, cpu=self.random.randrange(2))
        self.marks.append((before, host.ring.boot_ns(), self.h.sent()))

    def live(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.events(self.random.choice([1, 5, 40, 300]))
            self.h.until(lambda: self.h.ended() or self.h.unread() == 0, 'reading')
            time.sleep(self.random.random() * 0.2)

    def tell(self, seconds):
        h = self.h
        # One that is busy is tried again: each time with a row of its own.
        h.answer(errno.EBUSY, address=BUSY_PAGE)
        h.start()
        h.emit([BUSY_PAGE] * 2)
        self.marks.append((0, host.ring.boot_ns(), h.sent()))
        self.live(seconds / 2)
        h.restart()
        self.live(seconds / 2)
        h.kill()
        return crash.read_record(self.record)


class Judge:
    """Looks at what a disk holds, with the daemon's own objects and with SQLite."""

    def __init__(self, folder, marks):
        self.folder = Path(folder)
        self.marks = marks
        self.lives = lives.Lives('look')
        self.oldest = 0
        self.most = 0
        self.checked = 0

    def __call__(self, state, attempts, now_ns):
        """Returns what is wrong, or None."""
        crash.lay_out(state, self.folder)
        told = self.lives.live(self.folder)
        r, how, *why = told['open'][0]
        if r != '0' or int(how) == lives.QUARANTINED or told['end']:
            return f'opening said {r} {how} {why}'
        if told['check'] != [['0']]:
            return f'the check said {told["check"]}'
        with contextlib.closing(sqlite3.connect(self.folder / DB)) as db:
            return self.rows(db, attempts, now_ns)

    def rows(self, db, attempts, now_ns):
        bad = db.execute('PRAGMA integrity_check').fetchall()
        if bad != [('ok',)]:
            return f'integrity_check: {bad[:3]}'
        stored = dict(db.execute('SELECT pfn, count(*) FROM action GROUP BY pfn'))
        for address, n in Counter(attempts).items():
            self.checked += 1
            if stored.get(address >> 12, 0) < n:
                return f'{n} attempts at {address:#x}, {stored.get(address >> 12, 0)} stored'
        totals = dict(db.execute('SELECT key, value FROM totals'))
        return self.counts(totals.get('events', 0) + totals.get('events_lost', 0), now_ns)

    def counts(self, counted, now_ns):
        sent = max((n for before, _, n in self.marks if before <= now_ns), default=0)
        if counted > sent:
            return f'{counted} counted, {sent} sent'
        for _, after, n in self.marks:
            if n > counted and after < now_ns:
                self.oldest = max(self.oldest, now_ns - after)
                self.most = max(self.most, sent - counted)
                if now_ns - after > OLDEST * 10**9:
                    return f'not stored after {(now_ns - after) / 1e9:.1f} s'
                break
        return None


def moments(steps, n, rng):
    """After how many steps the power goes: one half of them right after an attempt."""
    tried = [i + 1 for i, s in enumerate(steps) if s.what == crash.ATTEMPT]
    some = [rng.choice(tried) for _ in range(n // 2)]
    return sorted(some + [rng.randint(1, len(steps)) for _ in range(n - len(some))])


def cut(steps, folder, n, rng, judge, ignore_sync=False, daemon=None, every=0):
    """Cuts the power n times; returns what went wrong. daemon: what to do with a state
    with the daemon itself, for one in every (0: none)."""
    d = crash.Disk(folder, ignore_sync)
    at, red = 0, []
    for i, moment in enumerate(moments(steps, n, rng)):
        while at < moment:
            d.step(steps[at])
            at += 1
        state = d.state(rng)
        wrong = judge(state, d.attempts, steps[at - 1].time_ns)
        if not wrong and daemon and i % every == 0:
            wrong = daemon(state)
        if wrong:
            red.append(f'after step {at} of {len(steps)}: {wrong}')
    return red


def start_on(h):
    """The daemon starts on a state, of an earlier boot, and finds nothing wrong."""
    def start(state):
        h.boot()
        shutil.rmtree(h.db.parent)
        h.db.parent.mkdir()
        crash.lay_out(state, h.db.parent)
        h.log.write_text('')
        h.environ.clear()
        h.start()
        if h.stop() != 0 or 'damaged' in h.stderr() or '<3>' in h.stderr():
            return h.stderr()
        return None
    return start


def option(name, default):
    return int(sys.argv[sys.argv.index(name) + 1]) if name in sys.argv else default


def main():
    host.isolate()
    rounds, seed = option('--rounds', 150), option('--seed', 1)
    seconds = option('--seconds', 6)
    rng = random.Random(seed)
    begin = time.monotonic()
    with host.Host(CONFIG, bus=False) as h, \
            tempfile.TemporaryDirectory(dir=disk.scratch()) as folder:
        story = Story(h, seed)
        steps = story.tell(seconds)
        told = time.monotonic()
        judge = Judge(folder, story.marks)
        control = cut(steps, h.db.parent, max(rounds // 5, 30), rng, judge, True)
        judge.oldest = judge.most = judge.checked = 0
        red = cut(steps, h.db.parent, rounds, rng, judge, daemon=start_on(h),
                  every=max(rounds // 40, 40))
        judge.lives.close()
    kinds = Counter(s.what for s in steps)
    print(f'{story.marks[-1][2]} events, {kinds[crash.ATTEMPT]} attempts, '
          f'{kinds[disk.WRITE]} writes, {kinds[disk.SYNC]} syncs in '
          f'{told - begin:.1f} s')
    print(f'{rounds} cuts from seed {seed} in {time.monotonic() - told:.1f} s: {len(red)} '
          f'red; {judge.checked} looks for an attempt; at most {judge.most} events not '
          f'stored, the oldest for {judge.oldest / 1e9:.2f} s')
    print(f'control, syncs ignored: {len(control)} red of {max(rounds // 5, 30)}')
    for text in red[:10]:
        print(text)
    if len(control) < max(rounds // 5, 30) // 2:
        sys.exit('the control does not fail: this test sees nothing')
    sys.exit(1 if red else 0)


main()
