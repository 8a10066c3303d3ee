#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon on a disk that fails by chance, from its start to its end: a sound file is
never put aside, counted and lost is what was sent, no page is retired twice, and if the
daemon ends it says why."""

import contextlib
import errno
import random
import shutil
import sqlite3
import sys
import time
from collections import Counter

import disk
import host

PAGES = [0x10000000 + (n << 12) for n in range(400)]
CONFIG = '[Budget]\nPagesPerHour=1000\nBurst=1000\nPagesPerDimm=1000\n'
CHANGES = [disk.WRITE, disk.SYNC, disk.TRUNCATE, disk.OPEN, disk.UNLINK]
KINDS = [[disk.READ], [disk.WRITE], [disk.SYNC], [disk.OPEN], CHANGES,
         CHANGES + [disk.READ, disk.RENAME]]

FOUND = 346, 1259, 2397, 6159, 6178  # seeds that went wrong once


def told_as_lost(told, killed):
    """Whether the daemon's last word of its database is that it stores nothing. One that
    was killed had no time to say what it could not store."""
    if 'without a database' in told:
        return True
    if not killed:
        return 'is lost with this process' in told
    return told.rfind('Decisions continue from memory') > told.rfind('Database: works again')


class Sample:
    """One run of the daemon on the failing disk, and the next on one that works."""

    def __init__(self, h, disk_, beginning, seed):
        self.h, self.disk = h, disk_
        self.random = random.Random(seed)
        self.beginning = beginning if self.random.random() < 0.8 else None
        self.sent = 0
        self.killed = False

    def plan(self):
        r = self.random
        kinds = r.choice(KINDS)
        error = errno.EIO if disk.READ in kinds else r.choice(
            [errno.EIO, errno.ENOSPC, errno.EROFS, errno.EDQUOT])
        half = disk.WRITE in kinds and r.random() < 0.2
        if r.random() < 0.3:
            how = {'one_in': r.choice([3, 10, 40]), 'seed': r.randrange(1 << 30), 'times': 0}
        else:
            how = {'nth': int(1.5 ** r.uniform(0, 15)), 'times': r.choice([1, 1, 3, 0])}
        self.what = f'{"/".join(disk.NAMES[k] for k in kinds)} ' \
                    f'{"cut short" if half else errno.errorcode[error]} {how}'
        self.disk.fail(kinds, error, half=half, **how)

    def totals(self):
        with contextlib.closing(sqlite3.connect(self.h.db)) as db:
            assert db.execute('PRAGMA integrity_check').fetchall() == [('ok',)]
            rows = dict(db.execute('SELECT key, value FROM totals'))
            return rows.get('events', 0), rows.get('events_lost', 0)

    def lay_out(self):
        h = self.h
        shutil.rmtree(h.db.parent, ignore_errors=True)
        if self.beginning:
            shutil.copytree(self.beginning, h.db.parent)
        else:
            h.db.parent.mkdir()
        h.boot()
        h.log.write_text('')

    def run(self):
        """The failing part."""
        h, r = self.h, self.random
        h.start()
        for _ in range(r.randrange(1, 4)):
            for cpu in range(2):
                self.sent += h.emit(r.choices(PAGES, k=r.randrange(1, 200)), cpu=cpu)
            h.until(lambda: h.ended() or h.unread() == 0, 'all to be read')
            time.sleep(r.random() * 0.15)
        if r.random() < 0.5:
            self.killed = True
            h.kill()
            return
        h.process.terminate()
        status = h.wait()
        assert status == 0, f'stopped with {status}'

    def judge(self, before):
        h = self.h
        told = h.stderr()
        aside = [f.name for f in h.db.parent.iterdir() if '.corrupt-' in f.name]
        assert not aside, f'a sound file was put aside as {aside[0]}'
        self.disk.mend()
        h.start()
        h.until(lambda: h.ended() or h.unread() == 0, 'all to be read')
        assert h.stop() == 0
        aside = [f.name for f in h.db.parent.iterdir() if '.corrupt-' in f.name]
        assert not aside, f'put aside at the next start: {aside[0]}'
        counted, lost = (now - then for now, then in zip(self.totals(), before))
        assert counted + lost == self.sent or \
            counted + lost < self.sent and told_as_lost(told, self.killed), \
            f'{self.sent} sent, {counted} counted, {lost} lost'
        tried = Counter(a.address for a in h.attempts())
        assert not tried or max(tried.values()) == 1, \
            f'{max(tried.values())} attempts at {tried.most_common(1)[0][0]:#x}'

    def __call__(self):
        self.lay_out()
        before = self.totals() if self.beginning else (0, 0)
        # Looking has moved its WAL: as it was.
        self.lay_out()
        self.plan()
        try:
            self.run()
        except host.Ended as e:
            assert e.status > 0 and '<3>' in self.h.stderr(), \
                f'ended with {e.status} and no word'
        self.judge(before)


def make_beginning(h):
    """A database with a WAL, as a kill leaves it."""
    h.start()
    h.emit(PAGES[:300])
    h.emit(PAGES[:40], cpu=1)
    h.until(lambda: h.query("SELECT 1 FROM totals WHERE key = 'events' AND value = 340"),
            'all to be stored')
    h.kill()
    beginning = h.dir / 'beginning'
    shutil.copytree(h.db.parent, beginning)
    return beginning


def main():
    host.isolate()
    rounds = int(sys.argv[sys.argv.index('--rounds') + 1]) if '--rounds' in sys.argv else 40
    seed = int(sys.argv[sys.argv.index('--seed') + 1]) if '--seed' in sys.argv else 1
    red, begin = 0, time.monotonic()
    with host.Host(CONFIG, bus=False) as h:
        beginning = make_beginning(h)
        failing = disk.Disk(h.db.parent, h.dir / 'control')
        h.environ.update(failing.environ())
        seeds = [] if '--seed' in sys.argv else list(FOUND)
        seeds += range(seed, seed + rounds)
        for n in seeds:
            sample = Sample(h, failing, beginning, n)
            try:
                sample()
            except AssertionError as e:
                red += 1
                print(f'--seed {n} --rounds 1: {sample.what}: {e}', flush=True)
                print('\n'.join(line for line in h.stderr().splitlines()
                                if ' page 0x' not in line and 'Page 0x' not in line))
                if h.process:
                    h.kill()
        h.log.write_text('')
    print(f'{len(seeds)} runs, from seed {seed} on, in {time.monotonic() - begin:.1f} s, {red} red')
    sys.exit(1 if red else 0)


main()
