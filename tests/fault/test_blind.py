#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine without tracefs, and one without tracepoints: the daemon runs, answers, and says
that it sees nothing, once. It reads as soon as there is something to read, and an error that
comes then is the proof."""

import host
import outside

PAGE = 0x12345000
BLIND = 'No memory error can be seen'
SEES = 'Memory errors can be seen again'


def source(h):
    return h.status()['source']


def expect_blind(h):
    said = h.status()
    assert said['source']['state'] == 'no-source', said['source']
    # Where these tests run in a container, that is what the daemon finds first.
    assert said['source']['cause'] in ('no-tracefs', 'container'), said['source']
    assert said['source']['up'] is False and said['source']['remedy'], said['source']
    assert said['verdict'] == 'degraded', said['verdict']
    assert h.ctl('status', '--exit-code').returncode == 10
    h.until(lambda: 'softofflined_source_up 0\n' in h.metrics.read_text(), 'the metric')


def expect_served(h):
    for verb in ('pages',), ('dimms',), ('history',), ('policy', 'show'), ('reload',):
        done = h.ctl(*verb)
        assert done.returncode == 0, (verb, done)
    assert h.ctl('offline', f'{PAGE:#x}').returncode == 0
    assert [a.address for a in h.attempts()] == [PAGE], h.attempts()


def main():
    host.isolate()
    with host.Host('[Metrics]\nInterval=1s\n') as h:
        nothing = h.dir / 'nothing'
        nothing.mkdir()
        outside.bind(nothing, outside.TRACING)
        h.start()
        expect_blind(h)
        expect_served(h)
        assert h.stderr().count(BLIND) == 1, h.stderr()
        assert h.stop() == 0
        # Nobody is there to ask, and the file is not green, either.
        stored = h.ctl('--db', str(h.db), 'status', '--exit-code')
        assert stored.returncode == 10 and 'no-source' in stored.stdout, stored

        # The next life says it again; then tracefs is mounted under it.
        h.start()
        expect_blind(h)
        assert h.stderr().count(BLIND) == 2, h.stderr()
        outside.umount(outside.TRACING)
        h.until(lambda: source(h)['state'] != 'no-source', 'the trace instance')
        h.emit([2 * PAGE])
        h.until(lambda: h.counted() == (1, 0), 'the event')
        h.until(lambda: source(h)['state'] == 'ok', 'the proof')
        h.until(lambda: 'softofflined_source_up 1\n' in h.metrics.read_text(), 'the metric')
        assert h.stderr().count(SEES) == 1, h.stderr()

        # Another program switches the event off, and on again.
        enable = h.trace.instance / 'events/ras/mc_event/enable'
        enable.write_text('0\n')
        h.until(lambda: source(h)['state'] == 'off' or enable.read_text() == '1\n', 'off')
        enable.write_text('1\n')
        # What was proved before says nothing about the time after it.
        h.until(lambda: source(h)['state'] == 'no-driver', 'the look')
        h.emit([3 * PAGE])
        h.until(lambda: h.counted()[0] == 2, 'the next event')
        h.until(lambda: source(h)['state'] == 'ok', 'the new proof')
        assert h.stop() == 0


main()
