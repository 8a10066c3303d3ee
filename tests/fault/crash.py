# SPDX-License-Identifier: GPL-2.0-or-later
"""What a disk may hold after the power went: made from the record of preload_record.c.

Names (making, renaming, removing) and sizes become durable in the order in which they were
changed, as a file system with a journal does it: with the next sync of their file, or of a
folder, or some time before. What was written since a file's last sync is on the disk or
not, each write by itself, and each 512 bytes of it by themselves. A file's last sync made
all of it durable: unless syncs are ignored, which is the control."""

import os
import struct
from collections import namedtuple
from pathlib import Path

import disk

HEAD = struct.Struct('=IHHQQQ')  # struct head
ATTEMPT = 100
SECTOR = 512

Step = namedtuple('Step', 'what path to time_ns n data')


def read_record(path):
    """All steps, in order; a last one that is cut is left out."""
    raw = Path(path).read_bytes()
    at, steps = 0, []
    while at + HEAD.size <= len(raw):
        what, path_len, to_len, time_ns, n, size = HEAD.unpack_from(raw, at)
        at += HEAD.size
        end = at + path_len + to_len + size
        if end > len(raw):
            break
        name = raw[at:at + path_len].decode()
        to = raw[at + path_len:at + path_len + to_len].decode()
        steps.append(Step(what, name, to, time_ns, n, raw[end - size:end]))
        at = end
    return steps


class Inode:
    """A file's durable bytes, and what came after: ('w', at, data) or ('t', size, meta)."""

    def __init__(self):
        self.image = bytearray()
        self.pending = []
        self.meta = 0  # changes of names and sizes that concern it or came before


def _write(image, at, data):
    if at > len(image):
        image.extend(bytes(at - len(image)))
    image[at:at + len(data)] = data


def _resize(image, size):
    del image[size:]
    image.extend(bytes(size - len(image)))


class Disk:
    """Steps go in, states come out. ignore_sync: the control."""

    def __init__(self, folder, ignore_sync=False):
        self.folder = str(folder)
        self.ignore_sync = ignore_sync
        self.names = {}       # as the programs see them
        self.old_names = {}   # as they are on the disk for sure
        self.meta = []        # changes of names and sizes after that
        self.done = 0         # how many came before
        self.attempts = []

    def step(self, s):
        if s.what == ATTEMPT:
            self.attempts.append(s.n)
        elif s.what == disk.SYNC:
            self._sync(s.path)
        elif not s.path.endswith('-shm'):  # made again at each start
            self._change(s)

    def _change(self, s):
        if s.what == disk.WRITE:
            self._inode(s.path).pending.append(('w', s.n, s.data))
            return
        if s.what == disk.OPEN:
            self.names[s.path] = Inode()
        inode = self._inode(s.path)
        self.meta.append((s.what, s.path, s.to, inode))
        inode.meta = self.done + len(self.meta)
        if s.what == disk.TRUNCATE:
            inode.pending.append(('t', s.n, inode.meta))
        elif s.what == disk.RENAME:
            self.names[s.to] = self.names.pop(s.path)
        elif s.what == disk.UNLINK:
            del self.names[s.path]

    def _inode(self, path):
        # What was there before the record began has no content that matters.
        return self.names.setdefault(path, Inode())

    def _sync(self, path):
        if self.ignore_sync:
            return
        if path in self.names:
            inode = self.names[path]
            self._settle(inode.meta)
            for kind, at, what in inode.pending:
                if kind == 'w':
                    _write(inode.image, at, what)
                else:
                    _resize(inode.image, at)
            inode.pending = []
        else:
            self._settle(self.done + len(self.meta))

    def _settle(self, n):
        n -= self.done
        if n > 0:
            self._apply(self.old_names, self.meta[:n])
            del self.meta[:n]
            self.done += n

    @staticmethod
    def _apply(names, changes):
        for what, path, to, inode in changes:
            if what == disk.OPEN:
                names[path] = inode
            elif what == disk.RENAME:
                names[to] = names.pop(path, inode)
            elif what == disk.UNLINK:
                names.pop(path, None)

    def state(self, random):
        """{name: bytes}, one of those that the disk may hold now; which one is by chance.
        Often nothing or all of what is not durable, as that is where mistakes show."""
        mood = random.choice(['none', 'none', 'all', 'mixed', 'mixed', 'mixed'])
        n = {'none': 0, 'all': len(self.meta)}.get(mood, random.randint(0, len(self.meta)))
        names = dict(self.old_names)
        self._apply(names, self.meta[:n])
        return {os.path.relpath(path, self.folder):
                self._content(inode, self.done + n, mood, random)
                for path, inode in names.items()}

    def _content(self, inode, meta, mood, random):
        image = bytearray(inode.image)
        for kind, at, what in inode.pending:
            if kind == 't':
                if what <= meta:
                    _resize(image, at)
            elif mood != 'none':
                self._maybe_write(image, at, what, mood, random)
        return image

    @staticmethod
    def _maybe_write(image, at, data, mood, random):
        how = 'all' if mood == 'all' else random.choice(['all', 'none', 'torn'])
        if how == 'all':
            _write(image, at, data)
        elif how == 'torn':
            for part in range(0, len(data), SECTOR):
                if random.random() < 0.5:
                    _write(image, at + part, data[part:part + SECTOR])


def lay_out(state, folder):
    """Writes the files of a state, over whatever is in the folder."""
    folder = Path(folder)
    for old in folder.iterdir():
        old.unlink()
    for name, content in state.items():
        (folder / name).write_bytes(content)
