# SPDX-License-Identifier: GPL-2.0-or-later
"""What happens to a machine of a fleet in a year or in a month, made from a seed: errors of
eight DIMMs, and what people and machines do. It knows neither daemon nor clock; times are
seconds since the beginning.

    DIMM 0, 1   five cells each that the patrol scrub finds once a day
    DIMM 2      a row that fails: twelve cells in twelve pages
    DIMM 3      a bank that fails: four hundred cells, thirty errors a day
    DIMM 5      a burst each month: one cell, 3,000 errors in three seconds
    DIMM 6      two cells in a memory block that goes and comes
    DIMM 7      a driver that names no row: pairs of errors of one page
    all         single errors, each of a page of its own
"""

import random
from collections import namedtuple

MINUTE, HOUR, DAY = 60, 3600, 86400
DIMM_BYTES = 2 << 30
BLOCK_BYTES = 128 << 20
BLOCK = (6 * DIMM_BYTES) // BLOCK_BYTES + 5  # the one that goes and comes
LABELS = [f'CPU{n // 4}_C{n % 4}_D0' for n in range(8)]
KINDS = 'single', 'stuck', 'row', 'bank', 'burst', 'block', 'near', 'far'

Cell = namedtuple('Cell', 'kind dimm address row bank column')
Error = namedtuple('Error', 'cell n')
Act = namedtuple('Act', 'name args')


def dimm_of(address):
    return address // DIMM_BYTES


def in_block(address):
    return address // BLOCK_BYTES == BLOCK


class Year:
    """events: [(time, Error or Act)], in order of time."""

    def __init__(self, days, seed):
        self.days, self.random = days, random.Random(seed)
        self.taken = set()
        self.rows = 0
        self.away = []  # when the block is not there
        self.events = []
        step = 30 if days >= 180 else days / 6
        self.looks = [n * step * DAY for n in range(1, int(days / step) + 1)]
        self._acts()
        for add in (self._stuck, self._row, self._bank, self._bursts, self._block,
                    self._pairs, self._singles):
            add()
        self.events.sort(key=lambda e: e[0])

    # Places.

    def cell(self, kind, dimm, row=None, bank=None, block=False):
        """One with a page of its own; in a row of its own if none is named."""
        r = self.random
        while True:
            page = r.randrange(DIMM_BYTES >> 12) + (dimm * DIMM_BYTES >> 12)
            if block:
                page = r.randrange(BLOCK_BYTES >> 12) + (BLOCK * BLOCK_BYTES >> 12)
            if page > 256 and page not in self.taken and in_block(page << 12) == block:
                break
        self.taken.add(page)
        self.rows += 1
        if row is None:
            row, bank = 0x1000 + self.rows, self.rows % 16
        return Cell(kind, dimm, (page << 12) + r.randrange(64) * 64, row, bank,
                    r.randrange(128) * 8)

    def add(self, when, cell, n=1):
        near_end = when > self.days * DAY - HOUR
        if near_end or any(a <= when < b for a, b in self.away) and in_block(cell.address):
            return
        self.events.append((when, Error(cell, n)))

    def act(self, when, name, *args):
        self.events.append((when, Act(name, args)))

    # Errors.

    def _daily(self, cell):
        """A patrol scrub comes by at about the same time each day."""
        at = self.random.uniform(0, DAY)
        for day in range(self.days):
            self.add(day * DAY + at + self.random.uniform(0, 20 * MINUTE), cell)

    def _stuck(self):
        self.stuck = [self.cell('stuck', n % 2) for n in range(10)]
        for cell in self.stuck:
            self._daily(cell)

    def _row(self):
        cells, columns = [], self.random.sample(range(128), 12)
        for column in columns:
            cells.append(self.cell('row', 2, 0x2a5, 3)._replace(column=column * 8))
        when = 0.08 * self.days * DAY
        while when < self.days * DAY:
            self.add(when, self.random.choice(cells))
            when += self.random.expovariate(1 / (0.5 * DAY))

    def _bank(self):
        cells = [self.cell('bank', 3, self.random.randrange(64), 7) for _ in range(400)]
        when = 0.15 * self.days * DAY
        while when < self.days * DAY:
            self.add(when, self.random.choice(cells))
            when += self.random.expovariate(30 / DAY)

    def _bursts(self):
        for month in range(max(self.days // 30, 1)):
            cell = self.cell('burst', 5)
            when = (month * 30 + self.random.uniform(3, 25)) * DAY
            for second in range(3):
                self.add(when + second, cell, 1000)

    def _block(self):
        for _ in range(2):
            self._daily(self.cell('block', 6, block=True))

    def _pairs(self):
        """Two errors within a day, and two that lie too far apart."""
        for n in range(max(self.days // 15, 2)):
            near, far = self.cell('near', 7), self.cell('far', 7)
            when = self.random.uniform(0, self.days - 1) * DAY
            self.add(when, near)
            self.add(when + 8 * HOUR, near)
            when = self.random.uniform(0, self.days * 0.8) * DAY
            self.add(when, far)
            self.add(when + max(2, self.days / 20) * DAY, far)

    def _singles(self):
        for dimm in range(8):
            when = 0
            while True:
                when += self.random.expovariate(1 / (10 * DAY))
                if when > self.days * DAY:
                    break
                self.add(when, self.cell('single', dimm))

    # What people and machines do. No two of them at the same time.

    def _acts(self):
        def at(share):
            return share * self.days * DAY
        for share in (.20, .21, .22, .45, .46, .47, .70, .71, .72, .73, .74, .75):
            self.act(at(share), 'reboot', share == .46)
        for share in (.205, .455, .715):
            self.act(at(share), 'restart')
        for share in (.213, .463, .723):
            self.act(at(share), 'kill')
        for share in (.23, .48, .76):
            self.act(at(share), 'kill_counting', [self.cell('single', 4) for _ in range(5)])
        self.act(at(.10), 'step_wall', 180)
        self.act(at(.16), 'step_wall', -180)
        self.act(at(.60), 'step_wall', HOUR)
        self.act(at(.60) + DAY, 'step_wall', -HOUR)
        self.act(at(.35), 'disk_full', True)
        self.act(at(.35) + DAY, 'disk_full', False)
        self.act(at(.05), 'let_go')
        for n in range(6):
            self.act(at(.08 + n * .17), 'reload', n >= 3)
        for n in range(max(self.days // 30, 4)):
            when = at((n + .4) / max(self.days // 30, 4))
            self.act(when, 'block', False)
            self.act(when + 2 * HOUR, 'block', True)
            # As long as that the daemon may not have seen that it is back.
            self.away.append((when - MINUTE, when + 2 * HOUR + 5 * MINUTE))
