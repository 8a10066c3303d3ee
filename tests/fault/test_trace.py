#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Another program changes the daemon's trace instance, and makes it again under the daemon,
which no kernel allows as long as the daemon reads it: it opens the new one and counts on."""

import shutil

import host

PAGE = 0x12345000


def gaps(h):
    return h.status()['counters']['gaps']


def main():
    host.isolate()
    with host.Host(config='[Metrics]\nInterval=1s\n') as h:
        h.start()
        h.emit([PAGE])
        h.until(lambda: h.counted() == (1, 0), 'the first error')
        assert gaps(h) == 0

        instance = h.trace.instance
        (instance / 'tracing_on').write_text('0\n')
        (instance / 'events/ras/mc_event/enable').write_text('0\n')
        h.until(lambda: gaps(h) == 1, 'a gap')
        assert (instance / 'tracing_on').read_text() == '1'
        assert (instance / 'events/ras/mc_event/enable').read_text() == '1'
        assert h.stderr().count('Another program changed the trace instance') == 1

        # The same files in another folder: pipes and counters are new.
        shutil.copytree(instance, instance.with_name('new'),
                        ignore=shutil.ignore_patterns('trace_pipe_raw'))
        for cpu in range(len(h.trace.pipes)):
            shutil.move(instance / f'per_cpu/cpu{cpu}/trace_pipe_raw',
                        instance.with_name('new') / f'per_cpu/cpu{cpu}/trace_pipe_raw')
        instance.rename(instance.with_name('old'))
        instance.with_name('new').rename(instance)
        h.until(lambda: gaps(h) == 2, 'the gap of the new instance')
        h.emit([PAGE + 4096])
        h.until(lambda: h.counted()[0] == 2, 'the error after it')
        assert h.stop() == 0


main()
