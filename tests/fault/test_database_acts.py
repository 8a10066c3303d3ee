#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What was offlined while the database could not be read stays so when it can, and is not
tried again."""

import errno

import disk
import host

ACTS = '[Budget]\nPagesPerHour=36000\nBurst=100\n'
STORED, MEANWHILE, ASKED, HALF = 0x20000000, 0x20001000, 0x20002000, 0x20003000


def offlined(h):
    return {p['address'] for p in h.json('pages', '--state=offlined')}


def acts_meanwhile(h):
    gone = {hex(STORED), hex(MEANWHILE), hex(ASKED)}
    h.start()
    h.emit([STORED] * 2 + [HALF])
    h.until(lambda: offlined(h) == {hex(STORED)}, 'the first page')
    assert h.stop() == 0
    broken = disk.Disk(h.db.parent, h.dir / 'control')
    broken.fail([disk.READ], errno.EIO, nth=6, times=0)
    h.start(env=broken.environ())
    broken.mend()
    assert not h.status()['database']['ok']
    h.emit([MEANWHILE] * 2 + [HALF])
    h.until(lambda: hex(MEANWHILE) in offlined(h), 'the second page')
    assert h.ctl('offline', hex(ASKED)).returncode == 0
    h.ctl('reload')
    h.until(lambda: h.status()['database']['ok'], 'a database')
    for _ in range(2):
        h.until(lambda: h.counted() == (6, 0), h.counted())
        shown = {p['address']: p for p in h.json('pages')}
        assert {a for a in shown if shown[a]['state'] == 'offlined'} >= gone, shown
        assert shown[hex(HALF)]['corrected_errors'] == 2, shown
        tried = [a.address for a in h.attempts()]
        assert len(tried) == len(set(tried)) and {hex(a) for a in tried} >= gone, tried
        h.restart()
    assert h.stop() == 0


def main():
    host.isolate()
    with host.Host(ACTS) as h:
        acts_meanwhile(h)


main()
