#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The made-up host itself: what goes in comes out, for root and for others."""

import host

PAGE = 0x12345000
OTHER = 0x23456000


def main():
    host.isolate()
    with host.Host() as h:
        h.start()
        h.emit([OTHER + 64])
        h.emit([PAGE, PAGE + 64], cpu=1)
        h.until(lambda: h.counted() == (3, 0), '3 events')
        h.until(h.attempts, 'an attempt')
        h.until(lambda: h.status()['pages']['offlined'] == 1, 'an offlined page')
        assert [a.address for a in h.attempts()] == [PAGE], h.attempts()
        assert h.poisoned(PAGE) and not h.poisoned(OTHER)

        # All that root sees; of addresses nobody else sees any.
        shown = {p['address']: p for p in h.json('pages')}
        assert shown[f'{PAGE:#x}']['state'] == 'offlined', shown
        assert shown[f'{OTHER:#x}']['corrected_errors'] == 1, shown
        assert h.status(uid=host.NOBODY)['counters']['events'] == 3
        text = h.ctl('--json', 'pages', uid=host.NOBODY).stdout
        assert f'{PAGE:x}' not in text and f'{PAGE >> 12:x}' not in text, text

        h.restart()
        assert h.counted() == (3, 0), h.counted()
        assert len(h.attempts()) == 1, h.attempts()

        # What a killed daemon had not read is there for the next one.
        h.kill()
        h.emit([OTHER])
        h.start()
        h.until(lambda: h.counted() == (4, 0), '4 events')
        h.until(lambda: len(h.attempts()) == 2, 'a second attempt')
        h.restart_bus()
        assert h.stop() == 0


main()
