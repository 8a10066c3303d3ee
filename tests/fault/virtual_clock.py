# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon's clocks, driven: see clock.c. Time goes on only in advance(), and there only
while the daemon has nothing left to do."""

import mmap
import os
import select
import struct
import time

NSEC = 1_000_000_000
FIELDS = 'boot', 'wall', 'horizon', 'asked', 'reached'  # struct clock
HANGING = 600  # seconds of real time, however far the daemon has to go


class Clock:
    """One machine's clocks, for the daemons that have its environ()."""

    def __init__(self, path, library):
        self.path, self.library = str(path), str(library)
        with open(self.path, 'w+b') as f:
            f.write(bytes(8 * len(FIELDS)))
            f.flush()
            self.map = mmap.mmap(f.fileno(), 8 * len(FIELDS))
        self.pipes = [self._fifo(suffix) for suffix in ('.go', '.reached')]

    def _fifo(self, suffix):
        os.mkfifo(self.path + suffix)
        return os.open(self.path + suffix, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def environ(self):
        return {'FAULT_CLOCK': self.path}

    def _get(self, name):
        return struct.unpack_from('=q', self.map, 8 * FIELDS.index(name))[0]

    def _set(self, name, value):
        struct.pack_into('=q', self.map, 8 * FIELDS.index(name), value)

    def boot_ns(self):
        return self._get('boot')

    def wall_ns(self):
        """The time of day."""
        return self._get('boot') + self._get('wall')

    def set(self, boot_ns, wall_ns):
        """While no daemon runs: another boot, or time that passed without one. wall_ns is
        the time of day."""
        self._set('boot', boot_ns)
        self._set('horizon', boot_ns)
        self._set('wall', wall_ns - boot_ns)

    def set_wall(self, wall_ns):
        """The time of day is set, at once; nothing else is."""
        self._set('wall', wall_ns - self.boot_ns())

    def advance(self, boot_ns, alive):
        """Returns when the daemon rests at this time. Calls alive(), which raises if the
        daemon has ended, now and then."""
        asked = self._get('asked') + 1
        self._set('horizon', max(boot_ns, self.boot_ns()))
        self._set('asked', asked)
        os.write(self.pipes[0], b'g')
        end = time.monotonic() + HANGING
        while self._get('reached') != asked:
            if select.select([self.pipes[1]], [], [], 1)[0]:
                os.read(self.pipes[1], 64)
                continue
            alive()
            if time.monotonic() > end:
                raise TimeoutError(f'the daemon does not come to rest at {boot_ns} ns')
