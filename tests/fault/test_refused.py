#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Files that no later try makes better, and bounds that are none of the disk: what the
daemon ends with and what it says, or that it goes on."""

import os
import resource
import sqlite3

import host
import outside

LATER = '''PRAGMA application_id = 1936680548; PRAGMA user_version = 99;
           CREATE TABLE new(x)'''
DEVELOPMENT = '''PRAGMA application_id = 1397704260; PRAGMA user_version = 5;
           CREATE TABLE page(x); INSERT INTO page VALUES (7)'''
THEIRS = 'CREATE TABLE mail(x); INSERT INTO mail VALUES (1)'


def make(path, sql):
    with host.contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(sql)


def refused(h, want, path=None):
    """It ends at once, with 78, in one line that names the file and what to do."""
    before = len(h.stderr())
    content = (path or h.db).read_bytes() if (path or h.db).is_file() else None
    try:
        h.start(db=path)
        raise AssertionError('it runs')
    except host.Ended as ended:
        assert ended.status == 78, ended
    said = [line for line in h.stderr()[before:].splitlines() if line.startswith('<3>')]
    assert len(said) == 1, said
    assert said[0].count(str(path or h.db)) == 1, said
    assert all(words in said[0] for words in want), (said, want)
    assert content is None or (path or h.db).read_bytes() == content


def refuses(h):
    make(h.db, LATER)
    refused(h, ['schema 99', 'up to', 'move the file away'])
    h.db.unlink()
    make(h.db, THEIRS)
    refused(h, ['another program', 'move the file away'])
    h.db.unlink()
    fifo = h.dir / 'fifo'
    os.mkfifo(fifo)
    refused(h, ['not a regular file'], fifo)
    # nor does the reader wait for a FIFO that nobody writes to
    done = h.ctl('--db', str(fifo), 'status')
    assert done.returncode == 1 and 'not a regular file' in done.stderr, done


def renames(h):
    """A file of a development version is kept under another name, in one line; the reader
    leaves it where it is."""
    make(h.db, DEVELOPMENT)
    content = h.db.read_bytes()
    done = h.ctl('--db', str(h.db), 'status')
    assert done.returncode == 1 and done.stderr.count('\n') == 1, done
    assert 'cannot be read: a development version' in done.stderr, done
    assert h.db.read_bytes() == content
    before = len(h.stderr())
    h.start()
    kept = h.db.with_name(h.db.name + '.development')
    said = [line for line in h.stderr()[before:].splitlines() if 'development' in line]
    assert len(said) == 1 and said[0].startswith('<4>'), said
    assert f'renamed to {kept}' in said[0] and 'counts begin empty' in said[0], said
    assert kept.read_bytes() == content
    assert h.status()['database']['ok'] is True
    assert h.stop() == 0
    for file in h.db.parent.glob(h.db.name + '*'):
        file.unlink()
    h.log.write_text('')
    h.metrics.unlink(missing_ok=True)


def storm(h):
    """Errors on 9,000 pages, once each: all are counted. (None is to be offlined: what
    stands for the kernel here writes files as well.)"""
    for i in range(30):
        h.emit([0x20000000 + (i * 300 + j) * 0x1000 for j in range(300)])
    h.until(lambda: not h.running() or h.unread() == 0 and
            sum(h.counted()) >= h.sent() - h.before, 'the count')
    assert h.running(), f'it ended: {h.wait()}\n{h.stderr()[-2000:]}'


def small_file(h, kib):
    """RLIMIT_FSIZE is a full disk, and no death, wherever it strikes."""
    h.before = h.sent()
    record = h.dir / f'record-{kib}'
    record.mkdir()
    folder = h.dir / f'db-{kib}'
    folder.mkdir()
    # what is to be recorded begins with texts of a few KiB, or the start is refused
    h.start(*['--record', record] if kib >= 16 else [], db=folder / 'small.db', wait=False,
            limits={resource.RLIMIT_FSIZE: kib * 1024})
    h.until(lambda: h.unread() == 0 and h.ctl('status').returncode == 0
            or not h.running(), 'an answer')
    assert h.running(), f'{kib} KiB: it ended: {h.wait()}'
    storm(h)
    # its log is a file, too: what it says is seen where that has room
    h.until(lambda: h.status()['database']['ok'] is False or kib > 100, 'the word')
    if 32 <= kib <= 100:
        assert 'may not grow' in h.stderr() or 'No space left' in h.stderr() or \
            'disk is full' in h.stderr(), h.stderr()
    sizes = [f.stat().st_size for f in [*folder.iterdir(), *record.iterdir(), h.metrics]
             if f.exists()]
    assert max(sizes) <= kib * 1024, sizes
    assert h.stop() == 0
    h.log.write_text('')
    h.metrics.unlink(missing_ok=True)


def few_inodes(h, n):
    """A first start that finds no free inode goes on like one on a full disk."""
    folder = host.Path(f'/run/inodes-{n}')  # goes with the namespace
    folder.mkdir()
    outside.mount_tmpfs(str(folder), f'nr_inodes={n}')
    h.before = h.sent()
    h.start(db=folder / 'small.db')
    storm(h)
    assert h.stop() == 0


host.isolate()
with host.Host('[Policy]\nAction=account\n') as h:
    refuses(h)
    renames(h)
    for kib in [0, 1, 4, 16, 32, 64, 100, 1000]:
        small_file(h, kib)
    for n in range(1, 7):
        few_inodes(h, n)
