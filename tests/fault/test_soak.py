#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A long life in a short time: see soak.py. By default 31 days; --days 365 is the year of
tests/platforms/soak. Counts equal the generator's, and nothing grows."""

import os
import sys
from pathlib import Path

import disk
import host


def option(name, default):
    return int(sys.argv[sys.argv.index(name) + 1]) if name in sys.argv else default


def main():
    host.isolate()
    # Only there are mounts what they are for this test.
    import soak
    import year
    days, seed = option('--days', 31), option('--seed', 1)
    retention = 90 if days >= 180 else 10
    library = os.environ.get('FAULT_CLOCK_LIBRARY') or \
        Path(host.PRELOAD).with_name('libclock.so')
    with host.Host('', ram_mib=16384) as h:
        print(f'{days} days, seed {seed}, retention {retention} days')
        s = soak.Soak(h, year.Year(days, seed), retention, library)
        s.run()
        print(f'{s.books.events} events')


os.environ.setdefault('TMPDIR', disk.scratch() or '/tmp')
main()
