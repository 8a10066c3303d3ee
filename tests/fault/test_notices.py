#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the real daemon says on the bus, heard by softofflinectl monitor as an ordinary user:
two corrected errors take a page out of use, an uncorrected one changes a verdict. No line
has the address. What came about when nobody listened is said to the next one who does, and
not again by a new daemon."""

import json
import os
import subprocess

import host
import ring

PAGE = 0x12345000
NOBODY = 65534


class Monitor:
    """softofflinectl monitor as an ordinary user, which listens."""

    def __init__(self, h, name):
        ready = host.Notified(h.dir / name)
        os.chmod(h.dir / name, 0o777)
        self.process = subprocess.Popen(
            ['setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}', '--clear-groups',
             h.ctl_path, 'monitor', '--json'], text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env={**os.environ, 'NOTIFY_SOCKET': str(h.dir / name)})
        h.until(lambda: ready.times('READY=1') or self.process.poll() is not None, name)

    def until(self, *kinds):
        """All that it hears until it has heard each of @kinds: the last of each kind."""
        seen = {}
        while not set(kinds) <= set(seen):
            line = self.process.stdout.readline()
            assert line, self.process.stderr.read()
            assert '12345' not in line and '369cf' not in line, line
            print(line, end='')
            row = json.loads(line)
            assert row['kind'] != 'verdict' or 'verdict' not in seen, 'said twice'
            seen[row['kind']] = row
        return seen

    def end(self):
        self.process.terminate()
        self.process.wait()


def changes_are_said(h):
    monitor = Monitor(h, 'first')
    h.emit([PAGE, PAGE])
    h.emit([3 * PAGE], error_type=ring.UNCORRECTED)
    seen = monitor.until('offlined', 'uncorrected', 'verdict')
    monitor.end()
    assert seen['offlined']['address_class'] == 'page', seen
    assert seen['offlined']['message'] is None, seen
    assert seen['verdict']['verdict_before'] == 'watch', seen
    assert seen['verdict']['verdict'] == 'repair-at-reboot', seen
    assert seen['verdict']['dimm'] in seen['verdict']['message'], seen
    assert not any(seen[kind]['standing'] for kind in ('offlined', 'uncorrected', 'verdict'))


def what_stands_is_said(h):
    monitor = Monitor(h, 'second')
    row = monitor.until('verdict')['verdict']
    assert row['standing'] is True and row['verdict_before'] is None, row
    assert row['verdict'] == 'repair-at-reboot' and row['priority'] == 'warning', row
    h.restart()
    # Again is no news; what came about meanwhile is.
    h.emit([2 * PAGE, 2 * PAGE])
    seen = monitor.until('offlined')
    assert 'verdict' not in seen, seen
    monitor.end()


def database_fails_and_works(h):
    monitor = Monitor(h, 'third')
    away = h.db.parent.with_name('away')
    h.db.parent.rename(away)
    h.ctl('reload')  # makes it look
    row = monitor.until('database-failed')['database-failed']
    assert row['priority'] == 'err' and row['standing'] is False, row
    # Who listens from now on hears what stands.
    late = Monitor(h, 'fourth')
    assert late.until('database-failed')['database-failed']['standing'] is True
    late.end()
    away.rename(h.db.parent)
    h.ctl('reload')
    assert monitor.until('database-works')['database-works']['priority'] == 'notice'
    monitor.end()


def main():
    host.isolate()
    with host.Host() as h:
        h.start()
        changes_are_said(h)
        what_stands_is_said(h)
        database_fails_and_works(h)


main()
