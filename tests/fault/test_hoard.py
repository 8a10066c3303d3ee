#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A stranger asks for long lists and never reads the answers. The bus holds them, counts
them against the daemon, and at its limit takes nothing more from the daemon: root would
get no answer either. The limit is made small here; the distribution's is 127 MiB."""

import os
import subprocess
import time

import host

HOSTILE = os.environ.get('HOSTILE_CALLER',
                         str(host.ROOT / 'build/gcc/tests/fault/hostile_caller'))
PAGES = 3000
LIMIT = 4 << 20
SECONDS = 20

host.isolate()
with host.Host('[Policy]\nAction=account\n', limits={'max_incoming_bytes': LIMIT}) as h:
    run = h.borrow(HOSTILE, 'hostile_caller')
    h.start()
    h.emit([0x10000000 + 0x1000 * i for i in range(PAGES)])
    h.until(lambda: h.counted() == (PAGES, 0), 'the errors')
    before = h.rss_kib()
    stranger = subprocess.Popen(['setpriv', f'--reuid={host.NOBODY}', '--clear-groups', run,
                                 'hoard', '30', str(SECONDS)], stdout=subprocess.PIPE, text=True)
    served = since = 0
    while stranger.poll() is None:
        fine = h.ctl('status').returncode == 0
        told = 'takes no more answers' in h.stderr()
        served += fine
        since += fine and told  # after the bus had stopped
        h.emit([0x20000000])
        time.sleep(0.2)
    said = stranger.communicate()[0]
    print(f'served {served} times beside: {said.strip()}; memory grew by '
          f'{h.rss_kib() - before} KiB')
    assert told, 'the bus took all: make the limit smaller'
    assert since > 0, 'root was never served again'
    assert b'__asan_init' in open(host.DAEMON, 'rb').read() or h.rss_kib() - before < 16 * 1024
    h.until(lambda: h.ctl('reload').returncode == 0, 'root to be served')
    h.until(lambda: sum(h.counted()) == h.sent(), 'all errors')
    assert h.stop() == 0
