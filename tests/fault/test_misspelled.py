#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A misspelled word never acts: neither at the start nor on a reload."""

import host

PAGE = 0x12345000
WATCH = '[Policy]\nAction=account\n'
MISSPELLED = ('[Policy]\nActoin=account\n', '[Polcy]\nAction=account\n',
              '[Tracker]\nAction=account\n', '[Policy]\naction=account\n',
              '[Budget]\nPagesPerHuor=0\n', '[Policy "DIMM*"]\nActoin=account\n')


def main():
    host.isolate()
    with host.Host() as h:
        for text in MISSPELLED:
            h.config.write_text(text)
            try:
                h.start()
                raise AssertionError(f'it starts with {text!r}')
            except host.Ended as ended:
                assert ended.status == 78, f'{text!r}: {ended.status}'
        h.config.write_text(WATCH)
        h.start()
        for text in MISSPELLED:
            h.config.write_text(text)
            done = h.ctl('reload')
            assert done.returncode == 1 and f'{h.config}:' in done.stderr, (text, done)
        h.emit([PAGE] * 3)
        h.until(lambda: h.counted() == (3, 0), '3 events')
        # The old configuration is in force: what it would do now goes through the worker
        # before this page, for which somebody asks.
        assert h.ctl('offline', f'{2 * PAGE:#x}').returncode == 0
        assert [a.address for a in h.attempts()] == [2 * PAGE], h.attempts()
        h.config.write_text(f'[X-Site]\nOwner=me\n{WATCH}')
        done = h.ctl('reload')
        assert done.returncode == 0 and not done.stderr, done
        assert h.stop() == 0


main()
