#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the real daemon says on the bus, heard by softofflinectl monitor as an ordinary user:
two corrected errors take a page out of use, an uncorrected one changes a verdict. No line
has the address."""

import json
import os
import subprocess

import host
import ring

PAGE = 0x12345000
NOBODY = 65534


def main():
    host.isolate()
    with host.Host() as h:
        h.start()
        ready = host.Notified(h.dir / 'monitor')
        os.chmod(h.dir / 'monitor', 0o777)
        monitor = subprocess.Popen(
            ['setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}', '--clear-groups',
             h.ctl_path, 'monitor', '--json'], text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env={**os.environ, 'NOTIFY_SOCKET': str(h.dir / 'monitor')})
        h.until(lambda: ready.times('READY=1') or monitor.poll() is not None, 'the monitor')
        h.emit([PAGE, PAGE])
        h.emit([3 * PAGE], error_type=ring.UNCORRECTED)
        seen = {}
        while not {'offlined', 'uncorrected', 'verdict'} <= set(seen):
            line = monitor.stdout.readline()
            assert line, monitor.stderr.read()
            assert '12345' not in line and '369cf' not in line, line
            seen[json.loads(line)['kind']] = json.loads(line)
        monitor.terminate()
        monitor.wait()
        assert seen['offlined']['address_class'] == 'page', seen
        assert seen['offlined']['message'] is None, seen
        assert seen['verdict']['verdict_before'] == 'watch', seen
        assert seen['verdict']['verdict'] == 'repair-at-reboot', seen
        assert seen['verdict']['dimm'] in seen['verdict']['message'], seen


main()
