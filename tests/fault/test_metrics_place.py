#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Metrics do not go over somebody's file: at the start, while the daemon runs, and when the
user who owns a folder of the path swaps it for a link."""

import os

import host

OURS = '# HELP softofflined_'
SOMEBODYS = 'something else\n'
CANNOT = 'metrics are not written'


def told(h, words):
    return h.stderr().count(words)


def attempt(h, status):
    """Has the metrics written twice more, or tried, by a reload that ends with @status."""
    for _ in range(2):
        done = h.ctl('reload')
        assert done.returncode == status, done.stderr


def test_start(h):
    h.start()
    h.emit([0x12345000])
    h.until(lambda: h.counted() == (1, 0), 'an event')
    assert h.stop() == 0
    before = h.db.stat().st_ino
    os.symlink(h.db.parent, h.dir / 'alias')
    (h.dir / 'file').write_text(SOMEBODYS)
    for path in (h.db, f'{h.db.parent}/./{h.db.name}', h.dir / 'alias' / h.db.name,
                 f'{h.db}-wal', f'{h.db}.lock', h.dir / 'file'):
        try:
            h.start('--metrics', str(path))
            raise AssertionError(f'--metrics {path}: it starts')
        except host.Ended as ended:
            assert ended.status == 78, f'--metrics {path}: {ended.status}'
    assert h.db.stat().st_ino == before, 'the database was replaced'
    assert (h.dir / 'file').read_text() == SOMEBODYS
    h.start()
    h.until(lambda: h.counted() == (1, 0), 'the event of before')


def test_running(h):
    h.until(lambda: h.metrics.read_text().startswith(OURS), 'metrics')
    other = h.dir / 'other'
    for time in (1, 2):
        other.write_text(SOMEBODYS)
        other.rename(h.metrics)
        h.until(lambda: told(h, CANNOT) == time, 'a word about it')
        # What nobody but root can have put there refuses a configuration as at the start.
        attempt(h, 1)
        assert told(h, CANNOT) == time, 'told more than once'
        assert h.metrics.read_text() == SOMEBODYS, 'it was overwritten'
        h.metrics.unlink()
        h.until(h.metrics.exists, 'metrics again')
    assert h.stop() == 0


def test_swapped_folder(h):
    theirs = h.dir / 'theirs'
    theirs.mkdir()
    os.chown(theirs, host.NOBODY, host.NOBODY)
    folder, victim = theirs / 'exporter', h.dir / 'victim'
    folder.mkdir()
    victim.mkdir()
    (victim / 'softofflined.prom.new').write_text(SOMEBODYS)
    h.metrics = folder / 'softofflined.prom'
    h.start()
    h.until(h.metrics.exists, 'metrics in the folder')
    done = h.run(['sh', '-c', f'mv {folder} {theirs}/old && ln -s {victim} {folder}'],
                 uid=host.NOBODY)
    assert done.returncode == 0, done.stderr
    h.until(lambda: told(h, CANNOT) == 3, 'a word about it')
    attempt(h, 0)
    assert told(h, CANNOT) == 3, 'told more than once'
    assert os.listdir(victim) == ['softofflined.prom.new'], os.listdir(victim)
    assert (victim / 'softofflined.prom.new').read_text() == SOMEBODYS
    assert 'a link that another user may have made' in h.stderr()
    # That user cannot keep the daemon from starting, either.
    h.restart()
    assert os.listdir(victim) == ['softofflined.prom.new'], os.listdir(victim)
    assert h.stop() == 0


def main():
    host.isolate()
    with host.Host('[Metrics]\nInterval=1s\n') as h:
        test_start(h)
        test_running(h)
        test_swapped_folder(h)


main()
