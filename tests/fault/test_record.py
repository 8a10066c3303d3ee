#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A full disk ends what --record writes: one line says so, with the path and the errno;
what was written is whole, and counting continues."""

import json
import struct

import host
import outside

SIZE = 64 << 10


def frames(path):
    """Pages in the recording; fails if the last one is cut."""
    data, at, n = path.read_bytes(), 0, 0
    while at < len(data):
        size = struct.unpack_from('=HHI', data, at)[2]
        at += 8 + size
        n += 1
    assert at == len(data), f'the last page is cut: {at} and {len(data)}'
    return n


def lines(h, word):
    return [line for line in h.stderr().splitlines() if word in line]


host.isolate()
with host.Host('[Policy]\nAction=account\n') as h:
    disk = h.dir / 'disk'
    disk.mkdir()
    outside.mount_tmpfs(str(disk), f'size={SIZE}')
    record = disk / 'record'
    h.start('--record', str(record))
    while h.sent() * 64 < 4 * SIZE:  # more than fits, whatever the pages hold
        h.emit([0x10000000 + n * 0x1000 for n in range(20)])
    h.until(lambda: lines(h, 'recording ends'), 'the word that the recording ended')
    assert frames(record / 'pages') > 0
    # What was recorded is read back by the program that is shipped.
    read = h.ctl('policy', 'backtest', '--json', '--policy=default', '--input', str(record))
    assert read.returncode == 0, read.stderr
    assert json.loads(read.stdout)[0]['total']['rows'] >= frames(record / 'pages')
    h.until(lambda: sum(h.counted()) == h.sent(), 'the count')
    h.emit([0x20000000])
    h.until(lambda: h.counted() == (h.sent(), 0), 'the count after it')
    assert h.stop() == 0
    said = lines(h, '/pages')
    assert len(said) == 1, said
    assert said[0].startswith('<3>'), said
    assert f'{record}/pages: ' in said[0] and 'No space left on device' in said[0], said
    outside.umount(str(disk))
