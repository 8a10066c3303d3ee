#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A reader that stays in its transaction while errors storm: database and log stay below
MaxSize and 32 MiB, the reader is reported once, the counts are whole, and once the reader
has ended all counts are stored."""

import os
import sqlite3

import host

BOUND = (16 + 34) << 20  # and a group
STORM = 400  # times 3,000 errors on pages far apart

host.isolate()
with host.Host('[Database]\nMaxSize=16M\n[Policy]\nAction=account\n') as h:
    h.start()
    h.emit([0x10000000])
    h.until(lambda: h.counted()[0] == 1, 'the first error')
    reader = sqlite3.connect(h.db)
    reader.isolation_level = None
    reader.execute('BEGIN')
    reader.execute('SELECT count(*) FROM page').fetchall()
    largest = 0
    for i in range(STORM):
        h.emit([0x20000000 + (i * 7 + j * 131) % 30000 * 0x1000 for j in range(3000)])
        h.until(lambda: h.unread() == 0, 'the events to be read')
        size = sum(os.path.getsize(name) for name in [h.db, f'{h.db}-wal'])
        largest = max(size, largest)
        assert size <= BOUND, f'{size >> 20} MiB after {h.sent()} events'
        if 'its log cannot be emptied' in h.stderr() and i > 60:
            break
    held = [line for line in h.stderr().splitlines() if 'its log cannot be emptied' in line]
    assert len(held) == 1, held
    assert f'python3 (process {os.getpid()})' in held[0] or 'process' in held[0], held
    h.emit([0x20000000 + j * 0x1000 for j in range(3000)])
    h.until(lambda: sum(h.counted()) == h.sent(), 'the count')
    assert h.status()['database']['ok'] is False
    reader.close()
    h.until(lambda: 'its log is empty again' in h.stderr(), 'the word that it is over')
    h.until(lambda: h.query('SELECT value FROM totals WHERE key = ?', 'events') ==
            [(h.sent(),)], 'all of it in the database')
    h.until(lambda: h.status()['database']['ok'], 'a database that is fine')
    print(f'{largest >> 20} MiB at most, {h.sent()} events, '
          f'{h.status()["database"]["lost_rows"]} rows of history lost')
