# SPDX-License-Identifier: GPL-2.0-or-later
"""What the daemon sees of the kernel, made of files: tracefs with a FIFO for each CPU, the
memory's folder, frames, RAM. It is bound over the real paths of this mount namespace."""

import contextlib
import ctypes
import fcntl
import os
import select
import struct
import termios
import time
import uuid
from collections import deque
from pathlib import Path

import ring

FORMATS = Path(__file__).resolve().parent.parent / 'data/trace/debian-6.1'
TRACING = '/sys/kernel/tracing'
MEMORY = '/sys/devices/system/memory'
F_SETPIPE_SZ = 1031
PIPE_SIZE = 1 << 20
KPF_HWPOISON = 19
MS_RDONLY, MS_REMOUNT, MS_BIND = 1, 32, 4096

STATS = '''entries: 0
overrun: {lost}
commit overrun: 0
bytes: 0
oldest event ts:     2.5
now ts:     2.7
dropped events: 0
read events: {read}
'''

libc = ctypes.CDLL(None, use_errno=True)


def _mount(source, target, kind, flags, data=None):
    words = [None if w is None else os.fsencode(w) for w in (source, target, kind, data)]
    if libc.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[3]) < 0:
        raise OSError(ctypes.get_errno(), f'{target}: cannot be mounted over')


def bind(source, target):
    """Shows the file or folder at another place as well."""
    _mount(source, target, None, MS_BIND)


def mount_tmpfs(target, options=None):
    """An empty file system of its own, such as size=64k or nr_inodes=10."""
    _mount('tmpfs', target, 'tmpfs', 0, options)


def remount(target, options=None, readonly=False):
    """Another size for such a one, or read-only."""
    _mount(None, target, None, MS_REMOUNT | (MS_RDONLY if readonly else 0), options)


def umount(target):
    if libc.umount2(os.fsencode(target), 0) < 0:
        raise OSError(ctypes.get_errno(), f'{target}: cannot be unmounted')


class Trace:
    """A tracefs with the instance of the daemon, which is there already."""

    def __init__(self, folder, cpus):
        self.folder = Path(folder)
        self.instance = self.folder / 'instances/softofflined'
        self.layout = ring.Layout((FORMATS / 'mc_event.format').read_text())
        self.failure = ring.Layout((FORMATS / 'memory_failure_event.format').read_text())
        self.lost = [0] * cpus
        self.queued = [deque() for _ in range(cpus)]  # events of each page in the FIFO
        self.sent = [0] * cpus
        self._make()
        self.pipes = [self._make_cpu(cpu) for cpu in range(cpus)]

    def _make(self):
        (self.folder / 'events/ras/mc_event').mkdir(parents=True)
        for event in 'mc_event', 'memory_failure_event':
            there = self.instance / 'events/ras' / event
            there.mkdir(parents=True)
            (there / 'format').write_text((FORMATS / (event + '.format')).read_text())
            (there / 'enable').write_text('0\n')
        header = (FORMATS / 'header_page').read_text()
        (self.instance / 'events/header_page').write_text(header)
        for name, text in (('trace_clock', 'local global [boot] tai\n'),
                           ('buffer_size_kb', '1\n'), ('buffer_percent', '50\n'),
                           ('tracing_on', '0\n')):
            (self.instance / name).write_text(text)

    def _make_cpu(self, cpu):
        folder = self.instance / f'per_cpu/cpu{cpu}'
        folder.mkdir(parents=True)
        os.mkfifo(folder / 'trace_pipe_raw')
        # Both ends: the FIFO is never at its end, and keeps what a dead reader left.
        fd = os.open(folder / 'trace_pipe_raw', os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE)
        return fd

    def empty(self):
        """As a boot leaves it: nothing in it, nothing counted."""
        for fd in self.pipes:
            with contextlib.suppress(BlockingIOError):
                while os.read(fd, PIPE_SIZE):
                    pass
        self.sent = [0] * len(self.pipes)
        self.lost = [0] * len(self.pipes)
        self.queued = [deque() for _ in self.pipes]

    def close(self):
        for fd in self.pipes:
            os.close(fd)

    def waiting(self, cpu):
        """Events that the daemon has not read yet."""
        left = fcntl.ioctl(self.pipes[cpu], termios.FIONREAD, b'\0' * 4)
        n = struct.unpack('=i', left)[0] // ring.PAGE
        while len(self.queued[cpu]) > n:
            self.queued[cpu].popleft()
        return sum(self.queued[cpu])

    def write_stats(self):
        """The kernel's counters, as they are now."""
        for cpu, sent in enumerate(self.sent):
            text = STATS.format(lost=self.lost[cpu], read=sent - self.waiting(cpu))
            new = self.instance / f'per_cpu/cpu{cpu}/stats.new'
            new.write_text(text)
            new.rename(new.with_name('stats'))

    def put(self, cpu, page, events, deadline):
        while True:
            try:
                os.write(self.pipes[cpu], page)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise TimeoutError(f'nobody reads the pipe of CPU {cpu}') from None
                select.select([], [self.pipes[cpu]], [], 1)
        self.queued[cpu].append(events)
        self.sent[cpu] += events


class Memory:
    """Frames and RAM. What the preloaded library does in the kernel's place is in
    preload_offline.c; environ() makes the environment that controls it."""

    def __init__(self, folder, ram_mib, sysctl):
        self.folder = Path(folder)
        self.folder.mkdir()
        self.kib = ram_mib * 1024
        self.log = self.folder / 'attempts'
        self.answers = self.folder / 'answers'
        self.answers.mkdir()
        self.devices = self.folder / 'memory'
        self.devices.mkdir()
        self.vm = self.folder / 'vm'
        self.vm.mkdir()
        self._make()
        if sysctl is not None:
            (self.vm / 'enable_soft_offline').write_text(f'{sysctl}\n')

    def boot(self):
        """Another boot of the same machine: no frame is poisoned, nothing was tried."""
        (self.folder / 'boot_id').write_text(f'{uuid.uuid4()}\n')
        self.log.write_text('')
        with open(self.folder / 'kpageflags', 'wb') as f:
            f.truncate(self.kib // 4 * 8)
        self.write_meminfo()

    def _make(self):
        (self.devices / 'soft_offline_page').touch(0o200)
        (self.devices / 'block_size_bytes').write_text('8000000\n')
        end = self.kib * 1024 - 1
        (self.folder / 'iomem').write_text(f'00000000-{end:08x} : System RAM\n')
        (self.folder / 'pressure').write_text(
            'some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n'
            'full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n')
        self.boot()

    def write_meminfo(self, available_kib=None, poisoned_kib=0):
        if available_kib is None:
            available_kib = self.kib * 3 // 4
        # The preloaded library counts up in place: the width stays.
        (self.folder / 'meminfo').write_text(
            f'MemTotal:       {self.kib:8} kB\nMemFree:        {available_kib:8} kB\n'
            f'MemAvailable:   {available_kib:8} kB\nHardwareCorrupted: {poisoned_kib:8} kB\n')

    def show(self):
        bind(self.devices, MEMORY)
        for name in 'kpageflags', 'iomem', 'meminfo':
            bind(self.folder / name, '/proc/' + name)
        if os.path.exists('/proc/pressure/memory'):
            bind(self.folder / 'pressure', '/proc/pressure/memory')
        bind(self.folder / 'boot_id', '/proc/sys/kernel/random/boot_id')
        bind(self.vm, '/proc/sys/vm')

    def environ(self):
        return {'FAULT_OFFLINE': str(self.folder)}

    def flags(self, pfn):
        with open(self.folder / 'kpageflags', 'rb') as f:
            f.seek(pfn * 8)
            return struct.unpack('=Q', f.read(8))[0]

    def set_flags(self, pfn, word):
        with open(self.folder / 'kpageflags', 'r+b') as f:
            f.seek(pfn * 8)
            f.write(struct.pack('=Q', word))
