#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""vm.enable_soft_offline goes off while a page crosses, and on again: what waits goes on
within seconds, and status, check and the journal say the same at each stage."""

import errno
import os
import time

import host

FIRST = 0x11111000
PAGES = [0x12345000, 0x23456000, 0x34567000]
SECONDS = 60  # an hour when the switch was not looked at
OFF = 'Nothing is offlined for now: unsupported (vm.enable_soft_offline is off)'
REFUSED = ('Nothing is offlined for now: unsupported (the kernel refused a page, although '
           'vm.enable_soft_offline is on); the kernel said: Operation not supported')
AGAIN = 'The kernel soft-offlines pages again'
UNREAD = 'vm/enable_soft_offline: cannot be read'


def turn(h, on):
    """As the kernel does it: the value and what it answers change together."""
    if on:
        h.answer(0)
    fd = os.open(h.memory.vm / 'enable_soft_offline', os.O_WRONLY)
    os.pwrite(fd, b'1' if on else b'0', 0)
    os.close(fd)
    if not on:
        h.answer(errno.EOPNOTSUPP)


def told(h, words):
    return sum(words in line for line in h.stderr().splitlines())


def checked(h):
    rows = {row['id']: row for row in h.json('check')}
    return rows['enable-soft-offline']['status']


def holds(h, why):
    status = h.status()
    return status['hold'] == 'unsupported' and status['hold_why'] == why


def off_for_five_seconds(h):
    turn(h, False)
    h.emit([FIRST, FIRST + 64])
    h.until(h.attempts, 'an attempt')
    time.sleep(5)
    turn(h, True)
    h.until(lambda: h.poisoned(FIRST), 'the page', SECONDS)
    h.until(lambda: h.status()['pages']['offlined'] == 1, 'its answer')
    assert h.status()['hold'] == 'none'


def all_agree(h):
    turn(h, False)
    h.emit([PAGES[0], PAGES[0] + 64])
    h.until(lambda: len(h.attempts()) == 3, 'an attempt')
    h.until(lambda: holds(h, 'vm.enable_soft_offline is off'), 'the hold')
    assert h.attempts()[-1].error == errno.EOPNOTSUPP, h.attempts()
    assert checked(h) == 'failed'
    h.emit([PAGES[1], PAGES[1] + 64])
    time.sleep(5)
    assert len(h.attempts()) == 3, h.attempts()
    assert told(h, AGAIN) == 1

    turn(h, True)
    h.until(lambda: h.poisoned(PAGES[0]) and h.poisoned(PAGES[1]), 'both pages', SECONDS)
    h.until(lambda: h.status()['pages']['offlined'] == 3, 'their answers')
    assert h.status()['hold'] == 'none'
    assert checked(h) == 'ok'
    h.until(lambda: told(h, AGAIN) == 2, 'the line of its end')
    assert told(h, OFF) == 2


def unreadable(h):
    """Neither on nor off: everything stays as it was, and this is reported once."""
    path = h.memory.vm / 'enable_soft_offline'
    turn(h, False)
    h.until(lambda: holds(h, 'vm.enable_soft_offline is off'), 'the hold')
    path.unlink()
    path.mkdir()
    for _ in range(3):
        assert holds(h, 'vm.enable_soft_offline is off'), h.status()
    assert checked(h) == 'warning'
    assert told(h, UNREAD) == 1
    path.rmdir()
    path.write_text('1\n')
    h.until(lambda: h.status()['hold'] == 'none', 'the end of the hold', SECONDS)
    path.unlink()
    path.mkdir()
    assert h.status()['hold'] == 'none'
    h.until(lambda: told(h, UNREAD) == 2, 'that it cannot be read')
    assert told(h, 'vm/enable_soft_offline: can be read again') == 1
    assert told(h, 'changed by another program, from 1 to absent') == 0
    path.rmdir()
    path.write_text('1\n')


def refused_with_the_switch_on(h):
    """Another reason: asked once more, and then not for an hour."""
    before = len(h.attempts())
    h.answer(errno.EOPNOTSUPP)
    h.emit([PAGES[2], PAGES[2] + 64])
    h.until(lambda: len(h.attempts()) == before + 2, 'a second attempt', SECONDS)
    h.until(lambda: told(h, REFUSED) == 2, 'that the kernel refuses')
    time.sleep(12)
    assert len(h.attempts()) == before + 2, h.attempts()
    assert h.status()['hold'] == 'unsupported'
    assert checked(h) == 'ok'


def main():
    host.isolate()
    with host.Host() as h:
        h.start()
        off_for_five_seconds(h)
        all_agree(h)
        unreadable(h)
        refused_with_the_switch_on(h)
        assert h.stop() == 0


main()
