#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon is killed while the kernel offlines a page, and its successor cannot see the
frame: that is not "not done". The next one that can see it settles the attempt."""

import host
import outside

PAGE = 0x12345000


def main():
    host.isolate()
    with host.Host() as h:
        h.start()
        h.answer(0, msec=60000)
        h.emit([PAGE, PAGE + 64])
        h.until(lambda: h.query("SELECT 1 FROM action WHERE result = 'none'"), 'the intent')
        h.kill()
        h.answer(0)

        # The kernel had done it.
        flags = h.memory.folder / 'kpageflags'
        with open(flags, 'r+b') as f:
            f.seek((PAGE >> 12) * 8)
            f.write((1 << outside.KPF_HWPOISON).to_bytes(8, 'little'))
        size = flags.stat().st_size
        whole = flags.read_bytes()
        with open(flags, 'r+b') as f:
            f.truncate(0)
        h.start()
        assert h.query("SELECT count(*) FROM action WHERE result = 'none'") == [(1,)]
        assert h.stop() == 0
        with open(flags, 'r+b') as f:
            f.write(whole)
        assert flags.stat().st_size == size
        h.start()
        h.until(lambda: h.status()['budget']['used_pages'] == 1, 'the page as ours')
        assert h.status()['pages']['offlined'] == 1, h.status()
        assert h.stop() == 0


main()
