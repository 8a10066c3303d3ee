#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The database cannot be read when the daemon starts: the file stays as it is, the daemon
counts without it, and when the disk works again what is stored and what was counted are
added up, while the daemon runs."""

import errno
import sqlite3

import disk
import host

FIRST = 0x12345000
KNOWN, NEW, PER_PAGE = 300, 100, 3
CONFIG = '[Policy]\nAction=account\nPageThreshold=off\nRowThreshold=off\n'


def pages(numbers):
    return [FIRST + 0x1000 * i for i in numbers]


def stored(h):
    with sqlite3.connect(f'file:{h.db}?mode=ro', uri=True) as db:
        return (dict(db.execute('SELECT pfn, corrected_errors FROM page')),
                db.execute('SELECT sum(count) FROM ce').fetchone()[0],
                db.execute("SELECT value FROM totals WHERE key = 'events'").fetchone()[0],
                db.execute('SELECT label, corrected_errors FROM dimm'
                           ' WHERE corrected_errors > 0').fetchall())


def nothing_aside(h):
    names = [p.name for p in h.db.parent.iterdir()]
    assert not [n for n in names if 'corrupt' in n or 'replaced' in n], names


def life(h, broken, nth, times):
    """One start under a failing disk; returns whether it began without the database."""
    before = h.sum
    broken.fail([disk.READ], errno.EIO, nth=nth, times=times)
    h.start(env=broken.environ())
    without = not h.status()['database']['ok']
    broken.mend()
    nothing_aside(h)
    # Of pages that are stored, and others: more of one, so that it comes first.
    h.emit(pages(range(KNOWN, KNOWN + 10)) + pages(range(NEW)) * PER_PAGE)
    counted = NEW * PER_PAGE + 10
    h.sum += counted
    want = counted if without else h.sum
    h.until(lambda: h.counted() == (want, 0), f'{want} events')
    if without:
        assert h.status()['verdict'] == 'degraded'
        # Not "no such page": nobody can tell.
        said = h.ctl('forget', '0x7fff0000')
        assert said.returncode == 1 and 'cannot be read' in said.stderr, said
        h.ctl('reload')
    h.until(lambda: h.counted() == (h.sum, 0), f'{h.sum} events')
    h.until(lambda: h.status()['database']['ok'], 'a database')
    h.until(lambda: stored(h)[2] == h.sum, 'stored totals')
    now, history, events, dimms = stored(h)
    assert sum(now.values()) == history == events == h.sum, \
        (sum(now.values()), history, events, h.sum)
    assert len(dimms) == 1 and dimms[0][1] == h.sum, dimms
    for i in range(NEW):
        h.want[FIRST // 0x1000 + i] += PER_PAGE
    for i in range(KNOWN, KNOWN + 10):
        h.want[FIRST // 0x1000 + i] = h.want.get(FIRST // 0x1000 + i, 0) + 1
    assert now == h.want, before
    shown = {int(p['pfn'], 16) if isinstance(p['pfn'], str) else p['pfn']:
             p['corrected_errors'] for p in h.json('pages')}
    assert shown == h.want
    nothing_aside(h)
    assert h.stop() == 0
    return without


def main():
    host.isolate()
    with host.Host(CONFIG) as h:
        h.start()
        h.emit(pages(range(KNOWN)) * 2)
        h.sum = KNOWN * 2
        h.want = {FIRST // 0x1000 + i: 2 for i in range(KNOWN)}
        h.until(lambda: h.counted() == (h.sum, 0), 'the first events')
        assert h.stop() == 0
        broken = disk.Disk(h.db.parent, h.dir / 'control')
        without = 0
        for nth in (0, 1, 2, 3, 5, 8, 13, 21, 34):
            without += life(h, broken, nth, 1)
        without += life(h, broken, 6, 0)
        assert without >= 5, without
        print(f'{without} of 10 starts without a database; {h.sum} events, all stored')


main()
