#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The modules of a made-up machine over several starts: all are listed, one that is gone is
said once and listed until it is back, one that was moved is said as moved, and where the
firmware's table cannot be read, nothing is concluded."""

import json
import os
import struct
import subprocess
from pathlib import Path

import host
import outside

SYSTEM = Path('/sys/devices/system')
FIRMWARE = Path('/sys/firmware')
ENTRIES = FIRMWARE / 'dmi/entries'
MISSING = 'the memory module of the last start is missing'
MOVED = 'the memory module of the last start is now in'


def make_places():
    """/sys/devices/system with EDAC, and /sys/firmware with DMI, which few machines that
    run tests have."""
    real = {name: Path('/run') / name for name in ('cpu', 'memory', 'node')
            if (SYSTEM / name).is_dir()}
    outside.mount_tmpfs('/run', 'mode=755')
    for name, kept in real.items():
        kept.mkdir()
        outside.bind(SYSTEM / name, kept)
    outside.mount_tmpfs(SYSTEM, 'mode=755')
    for name, kept in real.items():
        (SYSTEM / name).mkdir()
        outside.bind(kept, SYSTEM / name)
    outside.mount_tmpfs(FIRMWARE, 'mode=755')
    ENTRIES.mkdir(parents=True)


def put_edac(i, there):
    folder = SYSTEM / f'edac/mc/mc0/dimm{i}'
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (('dimm_label', f'CPU_SrcID#0_MC#0_Chan#{i}_DIMM#0'),
                       ('dimm_location', f'channel {i} slot 0 '),
                       ('size', '16384' if there else '0'),
                       ('dimm_ce_count', '0'), ('dimm_ue_count', '0')):
        (folder / name).write_text(text + '\n')
    (SYSTEM / 'edac/mc/mc0/mc_name').write_text('Skylake Socket#0 IMC#0\n')


def put_modules(serials):
    """A module in each slot A1, B1, ... that has a serial number; None: it is empty."""
    for i, serial in enumerate(serials):
        put_edac(i, serial is not None)
        raw = bytearray(0x28)
        raw[0], raw[1] = 17, len(raw)
        struct.pack_into('=H', raw, 2, 0x1100 + i)
        struct.pack_into('=H', raw, 0x0c, 16384 if serial else 0)
        raw[0x10], raw[0x11], raw[0x17], raw[0x18], raw[0x1a] = 1, 2, 3, 4, 5
        slot = 'ABCD'[i] + '1'
        strings = (f'P1-DIMM{slot}', f'P0_Node0_Channel{i}_Dimm0', 'Maker',
                   serial or 'NO DIMM', 'PART-7')
        folder = ENTRIES / f'17-{i}'
        folder.mkdir(exist_ok=True)
        (folder / 'raw').write_bytes(
            bytes(raw) + b''.join(s.encode() + b'\0' for s in strings) + b'\0')


def dimms(h, *args):
    done = h.ctl('--json', *args, 'dimms')
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def by_slot(rows):
    return {row['slot']: row for row in rows}


def said(h, words):
    return h.stderr().count(words)


def series(h, name, label):
    """The samples of a metric for a DIMM, each with its value."""
    return [line for line in h.metrics.read_text().splitlines()
            if line.startswith(f'softofflined_{name}{{') and f'label="{label}"' in line]


def have_series(h):
    """Before the first error, since no rule sees the increase of a series that is new."""
    for i in range(3):
        label = f'CPU_SrcID#0_MC#0_Chan#{i}_DIMM#0'
        h.until(h.metrics.exists, 'metrics')
        for name in 'corrected_errors_total', 'uncorrected_errors_total', 'dimm_fault':
            rows = series(h, name, label)
            assert len(rows) == 1 and rows[0].endswith('} 0'), rows
            assert f'mc="0",location="{i}:0",label="{label}"' in rows[0], rows
        info, = series(h, 'dimm_info', label)
        for word in (f'slot="P1-DIMM{"ABC"[i]}1"', 'slot_match="exact"', 'part="PART-7"',
                     'vendor="Maker"', 'size="16 GiB"'):
            assert word in info, info
        assert '7A10B30' not in info, info
    assert 'softofflined_up 1\n' in h.metrics.read_text()


def all_are_listed(h):
    rows = by_slot(dimms(h))
    assert sorted(rows) == ['P1-DIMMA1', 'P1-DIMMB1', 'P1-DIMMC1'], rows
    for slot, row in rows.items():
        assert row['slot_match'] == row['identity'] == 'exact', row
        assert (row['part'], row['size_mib'], row['verdict']) == ('PART-7', 16384, 'ok')
        assert row['corrected_errors'] == 0 and not row['missing'], row
    assert rows['P1-DIMMB1']['serial'] == '7A10B302', rows
    ready = host.Notified(h.dir / 'monitor')
    with subprocess.Popen([h.ctl_path, 'monitor', '--json'], text=True, stdout=subprocess.PIPE,
                          env={**os.environ, 'NOTIFY_SOCKET': str(h.dir / 'monitor')}) as monitor:
        h.until(lambda: ready.times('READY=1'), 'monitor')
        h.emit([0x12345000], label='CPU_SrcID#0_MC#0_Chan#1_DIMM#0', layers=(1, 0, -1))
        # The engine is given the slot later, by the minute.
        said_first = json.loads(monitor.stdout.readline())
        monitor.terminate()
    assert said_first['kind'] == 'first-ce', said_first
    assert said_first['slot'] == 'P1-DIMMB1', said_first
    h.until(lambda: h.counted() == (1, 0), 'an event')
    rows = dimms(h)
    assert len(rows) == 3 and rows[0]['slot'] == 'P1-DIMMB1', rows
    assert rows[0]['corrected_errors'] == 1, rows


def one_is_gone(h):
    put_modules(['7A10B301', '7A10B302', None])
    h.restart()
    assert said(h, f'<4>P1-DIMMC1: {MISSING}: PART-7, serial number 7A10B303') == 1
    row = by_slot(dimms(h))['P1-DIMMC1']
    assert row['missing'] and row['serial'] == '7A10B303', row
    h.restart()
    assert said(h, MISSING) == 1
    assert by_slot(dimms(h))['P1-DIMMC1']['missing']


def stored(h):
    assert h.stop() == 0
    assert 'softofflined_up 0\n' in h.metrics.read_text()
    errors, = series(h, 'corrected_errors_total', 'CPU_SrcID#0_MC#0_Chan#1_DIMM#0')
    assert errors.endswith('} 1'), errors
    rows = by_slot(dimms(h, '--db', str(h.db)))
    assert rows['P1-DIMMC1']['missing'] and rows['P1-DIMMA1']['verdict'] == 'ok', rows
    assert rows['P1-DIMMB1']['corrected_errors'] == 1, rows
    h.start()


def not_readable(h):
    """Neither missing nor back: nothing is known in this boot."""
    kept = ENTRIES.rename(FIRMWARE / 'dmi/kept')
    h.restart()
    assert said(h, MISSING) == 1 and said(h, MOVED) == 0
    kept.rename(ENTRIES)


def moved_and_back(h):
    put_modules(['7A10B302', '7A10B301', '7A10B303'])
    h.restart()
    assert said(h, f'<5>P1-DIMMA1: {MOVED} P1-DIMMB1: PART-7') == 1
    assert said(h, MOVED) == 2 and said(h, MISSING) == 1
    assert not any(row['missing'] for row in dimms(h)), dimms(h)


def forgotten(h):
    put_modules(['7A10B302', None, '7A10B303'])
    h.restart()
    assert said(h, MISSING) == 2
    assert h.ctl('forget', 'P1-DIMMB1').returncode == 0
    assert not any(row['missing'] for row in dimms(h)), dimms(h)
    h.restart()
    assert not any(row['missing'] for row in dimms(h)), dimms(h)
    assert said(h, MISSING) == 2


def main():
    host.isolate()
    if not FIRMWARE.is_dir():
        host.skip('no /sys/firmware here to put another in the place of')
    make_places()
    put_modules(['7A10B301', '7A10B302', '7A10B303'])
    with host.Host() as h:
        h.start()
        for step in (have_series, all_are_listed, one_is_gone, stored, not_readable,
                     moved_and_back, forgotten):
            step(h)
        assert h.stop() == 0


if __name__ == '__main__':
    main()
