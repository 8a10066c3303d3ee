# SPDX-License-Identifier: GPL-2.0-or-later
"""Raw pages of the kernel's ring buffer, as the trace pipes give them, with mc_event
records in the layout of a stored format file. It knows neither the daemon nor a folder."""

import re
import struct
import sys
import time

PAGE = 4096
HEADER = 16
ROOM = PAGE - HEADER
DELTA_MAX = (1 << 27) - 1
LITTLE = sys.byteorder == 'little'

CORRECTED, UNCORRECTED, DEFERRED, FATAL, INFO = range(5)


class Layout:
    """Where the fields of an event are, by its format file."""

    def __init__(self, text):
        self.id = int(re.search(r'^ID: (\d+)$', text, re.M)[1])
        self.fields = {}
        for m in re.finditer(r'field:([^;]*?)(\w+)(?:\[\d*\])?;\s*offset:(\d+);'
                             r'\s*size:(\d+);\s*signed:(\d)', text):
            self.fields[m[2]] = (int(m[3]), int(m[4]), m[5] == '1', '__data_loc' in m[1])
        self.size = max(at + size for at, size, _, _ in self.fields.values())

    def record(self, **values):
        """The bytes of one event; what is not named is 0 or an empty text."""
        data = bytearray(self.size)
        values['common_type'] = self.id
        for name, (at, size, signed, text) in self.fields.items():
            value = values.pop(name, '' if text else 0)
            if text:
                value = value.encode() + b'\0'
                where = len(data)
                data += value
                value, signed = len(value) << 16 | where, False
            data[at:at + size] = value.to_bytes(size, sys.byteorder, signed=signed and
                                                value < 0)
        if values:
            raise ValueError('no such field: ' + ', '.join(values))
        return bytes(data)


def _words(*words):
    return b''.join(word.to_bytes(4, sys.byteorder) for word in words)


def _head(type_len, delta):
    return _words(type_len | delta << 5 if LITTLE else type_len << 27 | delta)


def _entry(record, delta):
    record += bytes(-len(record) % 4)
    start = b''
    if delta > DELTA_MAX:
        start = _head(30, delta & DELTA_MAX) + _words(delta >> 27)
        delta = 0
    if len(record) > 112:
        return start + _head(0, delta) + _words(len(record) + 4) + record
    return start + _head(len(record) // 4, delta) + record


def page(time_ns, data):
    return struct.pack('=QQ', time_ns, len(data)) + data + bytes(ROOM - len(data))


def pages(records):
    """Yields (bytes, number of records) for [(time in ns, record)], in order of time."""
    start, last, data, n = 0, 0, b'', 0
    for time_ns, record in records:
        entry = _entry(record, time_ns - last if n else 0)
        if n and len(data) + len(entry) > ROOM:
            yield page(start, data), n
            data, n = b'', 0
            entry = _entry(record, 0)
        if not n:
            start = time_ns
        data, n, last = data + entry, n + 1, time_ns
    if n:
        yield page(start, data), n


def boot_ns():
    """Now, by the clock that the daemon's trace instance uses."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
