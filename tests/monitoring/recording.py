#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What Prometheus sees of a run, as a file to be kept:

  recording.py pack SCRAPES >FILE       of a folder of scrapes, each named by its second
  recording.py openmetrics FILE         as promtool tsdb create-blocks-from wants it
  recording.py compare FILE SCRAPES     whether the families are the same; 1: they are not

A recording has the times of the scrapes, the type of each family, and for each series its
values, "-" where it had none.
"""

import re
import sys
from pathlib import Path

JOB = 'job="node",instance="vm:9100"'
OURS = 'softofflined_'
# Only of a kernel that counts them.
SOME_KERNELS = {'softofflined_kernel_soft_offline_requests_total'}


class Recording:
    def __init__(self):
        self.times = []
        self.types = {}   # by family
        self.series = {}  # name{labels}: [value or None for each time]

    @classmethod
    def of_scrapes(cls, folder):
        r = cls()
        files = sorted(Path(folder).iterdir(), key=lambda p: int(p.name))
        for i, path in enumerate(files):
            r.times.append(int(path.name))
            for line in path.read_text(encoding='utf-8').splitlines():
                if line.startswith('# TYPE '):
                    _, _, name, kind = line.split()
                    r.types[name] = kind
                elif line and line[0] != '#':
                    key, value = line.rsplit(' ', 1)
                    r.series.setdefault(key, [None] * len(files))[i] = value
        return r

    @classmethod
    def of_file(cls, path):
        r = cls()
        for line in Path(path).read_text(encoding='utf-8').splitlines():
            if line.startswith('# TYPE '):
                _, _, name, kind = line.split()
                r.types[name] = kind
            elif line.startswith('# TIMES '):
                r.times = [int(word) for word in line.split()[2:]]
            elif line and line[0] != '#':
                words = line.rsplit(' ', len(r.times))
                r.series[words[0]] = [None if w == '-' else w for w in words[1:]]
        return r

    def write(self, out):
        print('# TIMES', *self.times, file=out)
        for name in sorted(self.types):
            print('# TYPE', name, self.types[name], file=out)
            for key in sorted(k for k in self.series if family(k) == name):
                print(key, *('-' if v is None else v for v in self.series[key]), file=out)

    def write_openmetrics(self, out):
        for key in sorted(self.series, key=lambda k: (family(k), k)):
            name, labels = family(key), key[len(family(key)):].strip('{}')
            full = f'{name}{{{JOB}{"," if labels else ""}{labels}}}'
            for when, value in zip(self.times, self.series[key]):
                if value is not None:
                    print(full, value, when, file=out)
        print('# EOF', file=out)

    def families(self):
        """Ours, as "name type: labels"."""
        found = {}
        for key in self.series:
            if key.startswith(OURS) and family(key) not in SOME_KERNELS:
                found.setdefault(family(key), set()).add(' '.join(sorted(labels_of(key))))
        return {f'{name} {self.types[name]}: {labels}' for name in found
                for labels in found[name]}


def family(key):
    return key.split('{', 1)[0]


def labels_of(key):
    """The names and values of a series' labels."""
    return dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', key[len(family(key)):]))


def compare(kept, seen):
    text = [f'{word}: {row}' for word, rows in
            (('only in the recording', kept - seen), ('only in this run', seen - kept))
            for row in sorted(rows)]
    if text:
        text.append('If that is meant, record again: tests/monitoring/README.md')
    print('\n'.join(text))
    return 1 if text else 0


def main(argv):
    if len(argv) == 3 and argv[1] == 'pack':
        Recording.of_scrapes(argv[2]).write(sys.stdout)
    elif len(argv) == 3 and argv[1] == 'openmetrics':
        Recording.of_file(argv[2]).write_openmetrics(sys.stdout)
    elif len(argv) == 4 and argv[1] == 'compare':
        return compare(Recording.of_file(argv[2]).families(),
                       Recording.of_scrapes(argv[3]).families())
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv))
