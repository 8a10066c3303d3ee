#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Each call of a short life with the database fails once, and from there on: a sound file
is never put aside, rows reported as stored are stored, missing rows were reported as lost."""

import contextlib
import errno
import shutil
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

import disk
from lives import CREATED, OPENED, Lives

PER_GROUP = 3
DB = 'softofflined.db'

ALL = (disk.READ, disk.WRITE, disk.SYNC, disk.RENAME, disk.OPEN, disk.TRUNCATE,
       disk.UNLINK)
CHANGES = disk.WRITE, disk.SYNC, disk.TRUNCATE


class Failing:
    """Lives in one folder, again and again from some beginning, on a disk that fails."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.now = self.folder / 'now'
        self.now.mkdir()
        self.disk = disk.Disk(self.now, self.folder / 'control')
        self.lives = Lives(environ=self.disk.environ())

    def begin(self, beginning):
        shutil.rmtree(self.now)
        shutil.copytree(beginning, self.now)

    def live(self):
        return self.lives.live(self.now)


def connect(path):
    return contextlib.closing(sqlite3.connect(f'file:{path}?mode=ro', uri=True))


def rows(path):
    """Whether it is sound, what is in it."""
    with connect(path) as db:
        sound = db.execute('PRAGMA integrity_check').fetchall() == [('ok',)]
        pages = {p for p, in db.execute('SELECT pfn FROM page')}
        ces = {a >> 12 for a, in db.execute('SELECT address FROM ce WHERE address > 0')}
        actions = {p for p, in db.execute('SELECT pfn FROM action')}
        events = db.execute("SELECT value FROM totals WHERE key = 'events'").fetchone()
    return sound, pages, ces, actions, events[0] if events else 0


def check_stored(told, folder, before):
    """before: what was stored when the life began."""
    sound, *kinds, events = rows(folder / DB)
    assert sound, 'the file is damaged'
    missing = sum(len(old - new) for old, new in zip(before, kinds))
    assert not missing, f'{missing} rows of before are gone'
    for first, put, committed in told.get('group', []):
        numbers = set(range(int(first), int(first) + PER_GROUP))
        gone = sum(len(numbers - kind) for kind in kinds)
        missing += gone
        if int(put) == 0 and int(committed) == 0:
            assert not gone, f'group {first} was told as stored; {gone} rows are missing'
            assert events >= max(numbers), f'{events} events after group {first}'
    if 'open' in told and int(told['open'][0][0]) == 0:
        lost = int(told['lost'][0][0])
        assert missing <= lost, f'{missing} rows are missing, {lost} told as lost'


def put_aside(folder):
    return [f.name for f in folder.iterdir() if '.corrupt-' in f.name]


def judge_sound(lives, told, before):
    """A sound database, and a disk that failed."""
    aside = put_aside(lives.now)
    assert not aside, f'a sound file was put aside as {aside[0]}'
    assert told['end'] == 0, f'it died with status {told["end"]}'
    r, how, *why = told['open'][0]
    assert (int(r), int(how)) == (0, OPENED) or int(r) not in (0, -errno.EUCLEAN), \
        f'opening said {r} {how} {why}'
    if int(r) < 0:
        assert why and why[0], 'opening failed without a word'
    for word, *_ in told.get('check', []):
        assert int(word) != -errno.EUCLEAN, 'the check calls a sound file damaged'
    check_stored(told, lives.now, before)


def judge_next(lives, before):
    """The next life, on a disk that works."""
    told = lives.live()
    assert told['open'][0][:2] == ['0', str(OPENED)], f'afterwards: {told["open"]}'
    assert told['check'] == [['0']] and told['backup'] == [['0']], told
    assert not put_aside(lives.now)
    check_stored(told, lives.now, before)


def try_sound(lives, beginning, before):
    lives.begin(beginning)
    told = lives.live()
    lives.disk.mend()
    judge_sound(lives, told, before)
    judge_next(lives, before)


def try_damaged(lives, beginning, before):
    """A damaged database beside a sound backup: that one is restored, now or, if it could
    not be read or put in place, at the next start; never an empty one begun."""
    lives.begin(beginning)
    told = lives.live()
    lives.disk.mend()
    assert told['end'] == 0, f'it died with status {told["end"]}'
    if int(told['open'][0][0]) < 0:
        told = lives.live()
        assert told['open'][0][0] == '0' and told['open'][0][1] != str(CREATED), \
            f'afterwards: {told["open"]}'
    sound, pages, *_ = rows(lives.now / DB)
    assert sound and before <= pages, \
        f'{len(before - pages)} pages of the backup are not there: {told["open"]}'
    assert put_aside(lives.now), 'the damaged file is gone'


def make_old_history(path):
    """A full disk costs the oldest rows: more of them than are deleted at once, and of no
    interest."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute('DELETE FROM ce')
        db.execute('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n '
                   'WHERE i < 5000) INSERT INTO ce(id, boot, first, last, count, events, '
                   "dimm, severity, grain_bits, unattributed, overflow, registers) SELECT "
                   "i, 1, 1, 1, 1, 1, 1, 0, 6, 'no-address', 0, '' FROM n")
        db.commit()


def make_sound(lives, name):
    """A database with a long WAL, as a kill leaves it; what is in it."""
    folder = lives.folder / name
    # A reader keeps the WAL from being moved at the end of a life.
    with connect(lives.now / DB) as db:
        db.execute('BEGIN')
        db.execute('SELECT count(*) FROM page').fetchall()
        lives.live()
        shutil.copytree(lives.now, folder)
    (folder / (DB + '-shm')).unlink(missing_ok=True)
    assert (folder / (DB + '-wal')).stat().st_size > 0, 'no WAL to begin with'
    return folder, rows(lives.now / DB)[1:4]


def make_beginnings(lives):
    """Folders, and what is stored in them."""
    lives.disk.mend()
    lives.live()
    beginnings = {'sound': make_sound(lives, 'sound')}
    lives.live()
    damaged = lives.folder / 'damaged'
    shutil.copytree(lives.now, damaged)
    beginnings['damaged'] = damaged, rows(damaged / (DB + '.bak'))[1]
    with open(damaged / DB, 'r+b') as f:
        f.seek(4096)
        f.write(b'\xff' * 8192)
    make_old_history(lives.now / DB)
    beginnings['long'] = make_sound(lives, 'long')
    return beginnings


def plans(long):
    """What fails: (beginning, calls, error, half, step): each n, or each step-th n, fails
    once; and for some n all calls from there on fail."""
    yield 'sound', ALL, errno.EIO, False, (1, 11)
    # As from NFS; no errno of a file may stand for a finding.
    yield 'sound', [disk.OPEN], errno.ESTALE, False, (1, 1)
    yield 'long', CHANGES, errno.ENOSPC, False, (4, 31)
    yield 'sound', [disk.WRITE], errno.EIO, True, (3, 31)
    yield 'damaged', ALL, errno.EIO, False, (2, 19)
    if long:
        yield 'sound', ALL, errno.EROFS, False, (1, 1)
        yield 'long', CHANGES, errno.EDQUOT, False, (1, 1)
        yield 'damaged', ALL, errno.EROFS, False, (1, 1)


def run_plan(lives, try_it, plan, long):
    """Returns how many lives there were, and what went wrong in them."""
    where, calls, error, half, steps = plan
    lives.disk.fail(calls, error, nth=1 << 60)
    lives.live()
    most = lives.disk.seen()[0]
    tried, red = 0, []
    for times, step in zip((1, 0), (1, 1) if long else steps):
        for nth in range(1, most + 1, step):
            what = disk.describe(calls, error, nth, times, half)
            lives.disk.fail(calls, error, nth=nth, times=times, half=half)
            tried += 1
            try:
                try_it(lives)
            except AssertionError as e:
                red.append(f'{where}: {what}: {e}')
                print(red[-1], flush=True)
    print(f'{where}, {"/".join(disk.NAMES[c] for c in calls)}, '
          f'{"cut short" if half else errno.errorcode[error]}: {most} calls, '
          f'{tried} lives, {len(red)} red', flush=True)
    return tried, red


def run(long):
    tried, red = 0, []
    with tempfile.TemporaryDirectory(dir=disk.scratch()) as folder:
        lives = Failing(folder)
        beginnings = make_beginnings(lives)
        for plan in plans(long):
            judge = try_damaged if plan[0] == 'damaged' else try_sound
            folder, before = beginnings[plan[0]]

            def try_it(lives):
                judge(lives, folder, before)

            lives.disk.mend()
            try_it(lives)
            lives.begin(folder)
            n, bad = run_plan(lives, try_it, plan, long)
            tried, red = tried + n, red + bad
        lives.lives.close()
    return tried, red


def main():
    begin = time.monotonic()
    tried, red = run('--long' in sys.argv)
    print(f'{tried} lives in {time.monotonic() - begin:.1f} s, {len(red)} red')
    sys.exit(1 if red else 0)


main()
