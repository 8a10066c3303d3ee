# SPDX-License-Identifier: GPL-2.0-or-later
"""disk_life, which opens a database as the daemon does: see disk_life.c."""

import os
import subprocess
import sys

LIFE = os.environ.get('FAULT_DISK_LIFE')
PRELOAD = os.environ.get('FAULT_PRELOAD')
OPENED, CREATED, QUARANTINED = 0, 1, 2


class Lives:
    """One life after the other, each in the folder that is named."""

    def __init__(self, *args, environ=None):
        if not LIFE or not PRELOAD:
            sys.exit('FAULT_DISK_LIFE and FAULT_PRELOAD name what meson has built')
        env = dict(os.environ)
        if environ:
            env.update(environ, LD_PRELOAD=PRELOAD)
            env['ASAN_OPTIONS'] = env.get('ASAN_OPTIONS', '') + ':verify_asan_link_order=0'
        self.process = subprocess.Popen([LIFE, *args], env=env, text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def live(self, folder):
        """The output of a life: for each word, the words after it on each line."""
        told = {}
        self.process.stdin.write(f'{folder}\n')
        for line in self.process.stdout:
            word, *rest = line.split(maxsplit=3)
            if word == 'end':
                told['end'] = int(rest[0])
                return told
            told.setdefault(word, []).append(rest)
        raise RuntimeError('disk_life is gone')

    def close(self):
        self.process.stdin.close()
        self.process.wait()
