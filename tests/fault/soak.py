# SPDX-License-Identifier: GPL-2.0-or-later
"""A year of a machine in minutes: the daemon with its loop, its threads and its database,
under a driven clock (virtual_clock.py) and a made-up year (year.py). The generator's own
books are compared with the daemon's."""

import errno
import os
import struct
import time
from collections import Counter, defaultdict
from pathlib import Path

import disk
import outside
import virtual_clock
from year import BLOCK, BLOCK_BYTES, DAY, HOUR, LABELS, MINUTE, Error, dimm_of, in_block

NSEC = virtual_clock.NSEC
BEGIN = 1767225600  # 2026-01-01
BOOTING = 30
BURST, PER_HOUR, PER_DIMM = 20, 10, 128  # of the default [Budget]
SETTLED = 2 * HOUR  # after this all is done that the budget lets
CONFIG = '''[Database]
Retention={retention}d
[Metrics]
Interval={metrics}
[Replay]
AtBoot={at_boot}
'''
HEAD = ('day', 'events', 'lost', 'pages', 'offl', 'rss', 'anon', 'files', 'db', 'wal',
        'lines', 'real_s')


def dmi_module(n):
    """A table of type 17, so that the modules have serial numbers."""
    strings = [LABELS[n], 'BANK 0', 'Maker', f'4D01{n:04}', f'PART{n}']
    raw = struct.pack('=BBHHHHHHBBBBBHHBBBB', 17, 0x22, n, 0, 0xfffe, 72, 64, 2048, 9, 0, 1,
                      2, 26, 0, 3200, 3, 4, 0, 5)
    raw = raw.ljust(0x22, b'\0')
    return raw + b''.join(s.encode() + b'\0' for s in strings) + b'\0'


def show_modules():
    """Over /sys/firmware of this mount namespace."""
    outside.mount_tmpfs('/sys/firmware', 'mode=755')
    for n in range(len(LABELS)):
        entry = Path(f'/sys/firmware/dmi/entries/17-{n}')
        entry.mkdir(parents=True)
        (entry / 'raw').write_bytes(dmi_module(n))


class Books:
    """The generator's own counts."""

    def __init__(self):
        self.events = self.lost = 0
        self.dimm = Counter()
        self.page = Counter()
        self.seen = defaultdict(list)   # times of errors of each frame
        self.kind = {}
        self.singles = []               # (time, frame)
        self.all = []                   # (time, events)

    def count(self, when, cell, n):
        frame = cell.address >> 12
        self.events += n
        self.dimm[LABELS[cell.dimm]] += n
        self.page[frame] += n
        self.seen[frame].append(when)
        self.kind[frame] = cell.kind
        self.all.append((when, n))
        if cell.kind == 'single':
            self.singles.append((when, frame))

    def near_pair(self, frame, since):
        """Whether the second error of a pair came since then."""
        seen = self.seen[frame]
        return self.kind[frame] == 'near' and len(seen) == 2 and seen[1] >= since

    def must_be_offline(self, boot, now):
        """Frames that no policy may leave in use: of errors since the boot, and long ago
        enough to be done."""
        must, row = set(), []
        for frame, seen in self.seen.items():
            here = [t for t in seen if boot <= t <= now - SETTLED]
            kind = self.kind[frame]
            if kind == 'row' and here:
                row.append((frame, here))
            if kind in ('stuck', 'block', 'burst') and len(here) > 1 or \
                    here and self.near_pair(frame, boot):
                must.add(frame)
        times = sorted((t, frame) for frame, here in row for t in here)
        if any(a[1] != b[1] and b[0] - a[0] <= 7 * DAY for a, b in zip(times, times[1:])):
            must.update(frame for frame, _ in row)
        return must

    def may_be_offline(self):
        return {frame for frame, kind in self.kind.items()
                if kind in ('stuck', 'block', 'burst', 'row', 'bank') or
                self.near_pair(frame, 0)}


class Soak:
    def __init__(self, h, year, retention, library):
        self.h, self.year, self.retention = h, year, retention
        self.clock = virtual_clock.Clock(h.dir / 'clock', library)
        self.disk = disk.Disk(h.db.parent, h.dir / 'control')
        h.environ.update(self.clock.environ())
        h.environ.update(self.disk.environ())
        show_modules()
        self.books = Books()
        self.now = self.boot_at = 0.
        self.done = []          # (time, frame) of all boots, in order
        self.comings = []       # of the block, in this boot
        self.replayed = set()   # frames to be offlined after this boot again
        self.at_boot = False
        self.trusted_since = 0  # before this the history may have holes
        self.lines = 0
        self.begin = time.monotonic()
        self.sizes = []
        self.configure(False)

    # The machine.

    def configure(self, at_boot, metrics='1h'):
        self.at_boot = at_boot
        self.h.config.write_text(CONFIG.format(
            retention=self.retention, metrics=metrics, at_boot='yes' if at_boot else 'no'))

    def boot_ns(self, when):
        return int((when - self.boot_at) * NSEC)

    def power_on(self, wall=None):
        self.boot_at = self.now - BOOTING
        self.clock.set(BOOTING * NSEC,
                       int((BEGIN + self.now if wall is None else wall) * NSEC))
        self.start()

    def start(self):
        self.h.start(preload=[self.clock.library])
        self.go_to(self.now)

    def go_to(self, when):
        """Time passes, for the daemon if there is one."""
        self.now = max(when, self.now)
        if self.h.process:
            self.clock.advance(self.boot_ns(self.now), self.h.ended)

    def pass_without(self, seconds):
        """While no daemon runs."""
        self.now += seconds
        self.clock.set(self.boot_ns(self.now), self.clock.wall_ns() + seconds * NSEC)

    def emit(self, cell, n):
        detail = f'rank:0x0 row:{cell.row:#x} column:{cell.column:#x} bank:{cell.bank:#x}'
        self.h.emit([cell.address] * n, cpu=cell.dimm % 2, label=LABELS[cell.dimm],
                    mc=cell.dimm // 4, layers=(cell.dimm % 4, 0, -1),
                    detail='' if cell.dimm == 7 else detail,
                    time_ns=self.boot_ns(self.now))
        return n

    def error(self, error):
        self.emit(error.cell, error.n)
        self.books.count(self.now, error.cell, error.n)

    # What people and machines do.

    def reboot(self, wrong_wall):
        self.settle()
        self.check_pages()
        assert self.h.stop() == 0
        gone = set(self.offline_now())
        if not self.at_boot:
            self.replayed = set()
        else:
            self.replayed |= gone
        self.done += self.done_here()
        self.h.boot()
        self.comings = []
        self.now += 5 * MINUTE
        self.power_on(BOOTING if wrong_wall else None)
        if wrong_wall:
            self.go_to(self.now + 10 * MINUTE)
            self.clock.set_wall(int((BEGIN + self.now) * NSEC))

    def restart(self):
        assert self.h.stop() == 0
        self.pass_without(MINUTE)
        self.start()

    def kill(self):
        """After all was stored; what comes meanwhile waits in the kernel."""
        self.settle()
        self.h.kill()
        self.pass_without(MINUTE)
        self.error(Error(self.year.stuck[0], 1))
        self.pass_without(MINUTE)
        self.start()

    def kill_counting(self, cells):
        """After it has read, and before it has stored."""
        self.settle()
        for cell in cells:
            self.books.lost += self.emit(cell, 1)
        self.go_to(self.now)
        assert self.h.unread() == 0
        self.h.kill()
        self.pass_without(MINUTE)
        self.start()

    def step_wall(self, seconds):
        self.clock.set_wall(self.clock.wall_ns() + seconds * NSEC)

    def disk_full(self, is_full):
        if is_full:
            self.disk.fail([disk.WRITE], errno.ENOSPC, nth=1, times=0)
        else:
            self.disk.mend()
            self.trusted_since = self.now + HOUR

    def let_go(self):
        """The page that was busy is not any more."""
        self.h.answer(0, address=self.year.stuck[1].address)

    def reload(self, at_boot):
        self.configure(at_boot, metrics='30min')
        self.h.process.send_signal(1)
        self.go_to(self.now + MINUTE)

    def block(self, is_there):
        m, per_block = self.h.memory, BLOCK_BYTES >> 12
        poisoned = [int(line.split()[1]) for line in
                    (m.folder / 'meminfo').read_text().splitlines()
                    if line.startswith('HardwareCorrupted')][0]
        end = m.kib * 1024 - 1
        first, last = BLOCK * BLOCK_BYTES, (BLOCK + 1) * BLOCK_BYTES - 1
        ranges = [(0, end)] if is_there else [(0, first - 1), (last + 1, end)]
        text = ''.join(f'{a:08x}-{b:08x} : System RAM\n' for a, b in ranges)
        with open(m.folder / 'kpageflags', 'r+b') as f:
            f.seek(BLOCK * per_block * 8)
            f.write(struct.pack('=Q', 0 if is_there else 1 << 20) * per_block)
        (m.folder / 'iomem').write_text(text)
        kib, m.kib = m.kib, m.kib - (0 if is_there else BLOCK_BYTES // 1024)
        m.write_meminfo(poisoned_kib=poisoned)
        m.kib = kib
        if is_there:
            self.comings.append(self.now)
        self.go_to(self.now + 2 * MINUTE)

    def run(self):
        """All events in order, and a look at everything each month."""
        h = self.h
        h.answer(errno.EBUSY, address=self.year.stuck[1].address)
        self.power_on()
        looks = [(when, None) for when in self.year.looks]
        for when, what in sorted(self.year.events + looks, key=lambda e: e[0]):
            self.go_to(when)
            if what is None:
                self.look()
            elif isinstance(what, Error):
                self.error(what)
            else:
                getattr(self, what.name)(*what.args)
        assert h.stop() == 0

    # The comparison.

    def settle(self):
        """Until all that was read is stored."""
        self.go_to(self.now + 2 * MINUTE)

    def done_here(self):
        """(time, frame) of this boot's successes."""
        return [(a.time_ns / NSEC + self.boot_at, a.address >> 12)
                for a in self.h.attempts() if a.error == 0]

    def offline_now(self):
        """Frames out of use, with the time when they went last."""
        return {frame: when for when, frame in self.done_here()
                if self.h.poisoned(frame << 12)}

    def check_counts(self):
        b, query = self.books, self.h.query
        totals = dict(query('SELECT key, value FROM totals'))
        have = totals['events'], totals['corrected_errors'], totals['events_lost']
        assert have == (b.events, b.events, b.lost), (have, b.events, b.lost)
        have = {label: n for label, n in query('SELECT label, corrected_errors FROM dimm')
                if n}
        want = {label: n for label, n in b.dimm.items() if n}
        assert have == want, (have, want)
        have = dict(query('SELECT pfn, corrected_errors FROM page'))
        edge = self.now - self.retention * DAY
        for frame, n in b.page.items():
            seen = [0, *b.seen[frame], self.now]
            if max(y - x for x, y in zip(seen[1:], seen[2:])) > 0.9 * (self.now - edge):
                # It was silent for about as long as anything is kept.
                assert have.pop(frame, n) <= n, f'page {frame:#x}'
            else:
                assert have.pop(frame, 0) == n, f'page {frame:#x}: not {n}'
        assert not have, have

    def check_history(self):
        """All singles within the retention have their row; nothing is kept for longer,
        but for what shares a row with younger errors: a week at most."""
        query = self.h.query
        edge = self.now - self.retention * DAY
        rows = {frame for frame, in query('SELECT address >> 12 FROM ce')}
        since = max(edge + HOUR, self.trusted_since)
        missing = [frame for when, frame in self.books.singles
                   if when >= since and frame not in rows]
        assert not missing, f'{len(missing)} single errors have no row'
        late = [frame for when, frame in self.books.singles
                if when < edge - DAY and frame in rows]
        assert not late, f'{len(late)} rows are older than the retention'
        have = query('SELECT sum(events) FROM ce')[0][0] or 0
        most = sum(n for when, n in self.books.all if when >= edge - 8 * DAY)
        assert have <= most, f'{have} events in the history, at most {most} are so young'
        if since < self.now:
            least = sum(n for when, n in self.books.all if when >= since)
            assert have >= least, f'{have} events in the history, not {least}'

    def check_pages(self):
        """Each page that must be offline is, nothing else is, and each went once."""
        b, now = self.books, self.offline_now()
        must = b.must_be_offline(self.boot_at, self.now)
        if self.now - self.boot_at > 6 * HOUR:
            must |= {f for f in self.replayed if b.kind[f] != 'bank'}
        busy = self.year.stuck[1].address >> 12
        if self.now < (.05 * self.year.days + 1.1) * DAY:
            must.discard(busy)
        missing = must - set(now)
        assert not missing, [(f'{f:#x}', b.kind[f]) for f in missing]
        wrong = set(now) - b.may_be_offline()
        assert not wrong, [(f'{f:#x}', b.kind.get(f)) for f in wrong]
        for frame, n in Counter(frame for _, frame in self.done_here()).items():
            times = 1 + (len(self.comings) if in_block(frame << 12) else 0)
            assert n <= times, f'{frame:#x} went {n} times'
        per_dimm = Counter(LABELS[dimm_of(f << 12)] for f in now)
        assert not per_dimm or max(per_dimm.values()) <= PER_DIMM, per_dimm
        have = {label: n for label, n in
                self.h.query('SELECT label, offlined FROM dimm WHERE offlined > 0 AND '
                             'boot = (SELECT max(id) FROM boot)')}
        assert have == dict(per_dimm), (have, per_dimm)

    def check_budget(self):
        """A bucket that is filled as the configuration says is never overdrawn."""
        level, last = BURST, 0
        for when, _ in self.done + self.done_here():
            level = min(BURST, level + (when - last) * PER_HOUR / HOUR) - 1
            last = when
            assert level >= -0.01, f'more pages than the budget on day {when / DAY:.2f}'

    def measure(self):
        status = Path(f'/proc/{self.h.process.pid}/status').read_text()
        words = {line.split(':')[0]: line.split() for line in status.splitlines()}
        lines = self.h.stderr().count('\n')
        new, self.lines = lines - self.lines, lines
        return {
            'day': round(self.now / DAY), 'events': self.books.events,
            'lost': self.books.lost, 'pages': self.h.query('SELECT count(*) FROM page')[0][0],
            'offl': len(self.done) + len(self.done_here()),
            'rss': int(words['VmRSS'][1]), 'anon': int(words['RssAnon'][1]),
            'files': len(os.listdir(f'/proc/{self.h.process.pid}/fd')),
            'db': os.path.getsize(self.h.db) >> 10,
            'wal': os.path.getsize(f'{self.h.db}-wal') >> 10,
            'lines': new, 'real_s': round(time.monotonic() - self.begin)}

    def sanitized(self):
        return 'asan' in Path(f'/proc/{self.h.process.pid}/maps').read_text()

    def check_sizes(self):
        """Flat once the retention has set in: memory, files, database. And 200 lines a day
        at most."""
        new, settled = self.sizes[-1], [s for s in self.sizes if s['day'] > self.retention]
        if len(settled) > 1:
            was = settled[0]
            # Short, what a start touches counts for more. Sanitizers keep what is freed.
            more = 0 if self.year.days >= 180 else 1024
            assert self.sanitized() or new['rss'] <= was['rss'] * 1.1 + more, f'resident KiB: {was["rss"]}, then ' \
                f'{new["rss"]}'
            assert new['files'] <= was['files'] + 2, f'files: {was["files"]}, {new["files"]}'
        if len(settled) > 2:
            assert new['db'] <= settled[1]['db'] * 1.25 + 64, f'database: {settled[1]["db"]} ' \
                f'KiB, then {new["db"]}'
        assert new['wal'] <= 16384, f'WAL: {new["wal"]} KiB'
        assert new['lines'] <= 200 * (self.year.days / len(self.year.looks)), \
            f'{new["lines"]} lines in the journal'

    def look(self):
        self.settle()
        size = self.measure()
        if not self.sizes:
            print(' '.join(f'{word:>7}' for word in HEAD))
        self.sizes.append(size)
        print(' '.join(f'{size[word]:7}' for word in HEAD), flush=True)
        self.check_sizes()
        self.check_counts()
        self.check_history()
        self.check_pages()
        self.check_budget()
        assert self.h.counted() == (self.books.events, self.books.lost)
