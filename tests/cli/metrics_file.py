#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Metrics never go over somebody's file: metrics_file.py SOFTOFFLINED CTL

What would be overwritten is refused by "policy verify" with its place, and by the daemon
at its start with status 78, from the file and from its command line; and stays as it was.
"""

import os
import socket
import stat
import subprocess
import sys
import tempfile

softofflined, ctl = sys.argv[1:3]
findings = []
OURS = '# HELP softofflined_build_info 1, with the version as label.\n'


def expect(condition, text):
    if not condition:
        findings.append(text)


def write(path, text):
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text)


def run(*command):
    # A daemon that is not stopped by the path would go on: it may do so dry, and not long.
    return subprocess.run(['timeout', '--kill-after=5', '20', *command], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def seen(path):
    """What is at @path, for a comparison."""
    try:
        st = os.lstat(path)
    except FileNotFoundError:
        return None
    text = b''
    if stat.S_ISREG(st.st_mode):
        with open(path, 'rb') as f:
            text = f.read()
    return (st.st_ino, st.st_mode, st.st_nlink, st.st_rdev, text)


def refused(folder, name, why, database='data/s.db'):
    file, database = os.path.join(folder, name), os.path.join(folder, database)
    before = {path: seen(path) for path in (file, file + '.new', database)}
    config, other = os.path.join(folder, 'm.conf'), os.path.join(folder, 'db.conf')
    write(config, f'[Database]\nPath={database}\n[Metrics]\nFile={file}\n')
    write(other, f'[Database]\nPath={database}\n')
    empty = os.path.join(folder, 'empty.conf')
    write(empty, '')
    done = run(ctl, 'policy', 'verify', config)
    expect(done.returncode == 1 and f'{config}:4: [Metrics] File: ' in done.stdout
           and why in done.stdout,
           f'policy verify of {name}: {done.returncode}, {done.stdout}')
    for options in ([f'--config={config}'],
                    [f'--config={other}', f'--metrics={file}'],
                    [f'--config={empty}', f'--db={database}', f'--metrics={file}']):
        done = run(softofflined, '--dry-run', *options)
        expect(done.returncode == 78 and why in done.stdout,
               f'softofflined {options}: {done.returncode}, {done.stdout}')
    for path, was in before.items():
        expect(seen(path) == was, f'{name}: {path} is not what it was')


def fine(folder, name, words=': fine'):
    config = os.path.join(folder, 'm.conf')
    write(config, f'[Database]\nPath={folder}/data/s.db\n[Metrics]\nFile={folder}/{name}\n')
    done = run(ctl, 'policy', 'verify', config)
    expect(done.returncode == 0 and words in done.stdout,
           f'policy verify of {name}: {done.returncode}, {done.stdout}')
    return config


def plant(folder):
    os.mkdir(f'{folder}/data')
    write(f'{folder}/data/s.db', 'SQLite format 3')
    write(f'{folder}/data/s.db.lock', '')
    os.symlink('data', f'{folder}/link')
    os.link(f'{folder}/data/s.db.lock', f'{folder}/hard')
    write(f'{folder}/passwd', 'root:x:0:0:root:/root:/bin/bash\n')
    write(f'{folder}/half.prom.new', 'something else\n')
    write(f'{folder}/ours.prom', OURS)
    os.symlink('ours.prom', f'{folder}/alias.prom')
    os.mkdir(f'{folder}/folder')
    os.mkfifo(f'{folder}/pipe')
    socket.socket(socket.AF_UNIX).bind(f'{folder}/socket')


with tempfile.TemporaryDirectory(prefix='softofflined-metrics-') as root:
    plant(root)
    for spelling in ('data/./s.db', 'data//s.db', 'folder/../data/s.db', 'link/s.db', 'hard',
                     *(f'data/s.db{suffix}' for suffix in
                       ('', '-wal', '-shm', '.lock', '.bak', '.sysctl', '.corrupt-1'))):
        refused(root, spelling, 'would overwrite the database')
    refused(root, 'm.prom', 'would overwrite the database', 'm.prom.new')
    refused(root, 'passwd', 'another file is there')
    refused(root, 'half.prom', 'is not ours')
    refused(root, 'alias.prom', 'a link is there')
    refused(root, 'folder', 'a folder is there')
    for kind in ('pipe', 'socket'):
        refused(root, kind, 'a device, a pipe or a socket is there')
    if os.geteuid() == 0:
        try:
            os.mknod(f'{root}/null', 0o666 | stat.S_IFCHR, os.makedev(1, 3))
            refused(root, 'null', 'a device, a pipe or a socket is there')
        except PermissionError:
            print('no device can be made here')
    fine(root, 'ours.prom')
    fine(root, 'new.prom')
    fine(root, 'link/m.prom')
    if os.geteuid() == 0:
        os.mkdir(f'{root}/theirs')
        os.symlink('/etc', f'{root}/theirs/way')
        os.chown(f'{root}/theirs', 65534, 65534)
        swapped = fine(root, 'theirs/way/m.prom', 'warning: ')
        done = run(ctl, 'policy', 'verify', '--strict', swapped)
        expect(done.returncode == 1, f'policy verify --strict: {done.returncode}')

for finding in findings:
    print(finding)
sys.exit(1 if findings else 0)
