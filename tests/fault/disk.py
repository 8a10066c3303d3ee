# SPDX-License-Identifier: GPL-2.0-or-later
"""The disk that fails on command: see preload_fail.c. It knows no database."""

import errno
import mmap
import os
import struct
from pathlib import Path

READ, WRITE, SYNC, RENAME, OPEN, TRUNCATE, UNLINK = range(7)
NAMES = 'read', 'write', 'sync', 'rename', 'open', 'truncate', 'unlink'
LAYOUT = struct.Struct('=IiQQIIIIQQ7Q')  # struct control


class Disk:
    """A folder whose files fail, for the programs that have its environ()."""

    def __init__(self, folder, control):
        self.folder = Path(folder)
        self.path = Path(control)
        self.path.write_bytes(bytes(LAYOUT.size))
        with open(self.path, 'r+b') as f:
            self.map = mmap.mmap(f.fileno(), LAYOUT.size)

    def environ(self):
        return {'FAULT_FOLDER': str(self.folder), 'FAULT_CONTROL': str(self.path)}

    def fail(self, calls, error=errno.EIO, *, nth=0, times=1, one_in=0, seed=0,
             half=False):
        """From now on calls of these kinds fail: as many as times from the nth on (0: all),
        or by chance one in one_in, at most times. Counts from 0."""
        mask = sum(1 << call for call in calls)
        self.map[:] = LAYOUT.pack(mask, error, nth, times, one_in, seed, half, 0, 0, 0,
                                  *[0] * len(NAMES))

    def mend(self):
        self.fail([])

    def seen(self):
        """Calls that might have failed, those that did, and all by kind."""
        values = LAYOUT.unpack(self.map[:])
        return values[8], values[9], values[10:]


def describe(calls, error, nth, times, half=False):
    what = 'cut short' if half else errno.errorcode[error]
    rest = {0: ' and all after it', 1: ''}.get(times, f' and {times - 1} after it')
    return f'{"/".join(NAMES[c] for c in calls)} {nth}{rest}: {what}'


def scratch():
    """A folder to make folders in: in memory, where syncing costs nothing."""
    return '/dev/shm' if os.access('/dev/shm', os.W_OK) else None
