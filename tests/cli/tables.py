#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables with the longest of everything, on a terminal of 80 columns: tables.py CTL MAKE_DB

Addresses of 52 bits, the longest words, labels as drivers make them and as long as the kernel
lets them be. No line is wider, no letter of an address or a name is missing, and --wide prints
what a pipe gets.
"""

import fcntl
import json
import os
import pty
import re
import sqlite3
import struct
import subprocess
import sys
import tempfile
import termios
import threading

ctl, make_db = sys.argv[1:3]
COLUMNS = 80
LABELS = ['CPU_SrcID#1_MC#3_Chan#1_DIMM#1', 'x' * 288]
SPOIL = [
    """UPDATE page SET pfn = pfn + 0xff00000000, attempts = 63, corrected_errors = 123456789,
       reason = 'program-request', result = 'budget-total'""",
    """UPDATE action SET pfn = pfn + 0xff00000000, reason = 'program-request',
       result = 'budget-total', page_type = 'large-folio'""",
    """UPDATE ce SET address = address + 0xff00000000000, count = 123456789,
       registers = '[hex] 0x0123456789abcdef 0x0123456789abcdef 0x0123456789abcdef'""",
    'UPDATE dimm SET corrected_errors = 123456789, uncorrected_errors = 12345',
]
findings = []


def expect(condition, text):
    if not condition:
        findings.append(text)


def call(words, stdout):
    return subprocess.run([ctl, *words], stdout=stdout, stderr=subprocess.PIPE, text=True,
                          check=False, timeout=60, stdin=subprocess.DEVNULL,
                          env={**os.environ, 'TZ': 'UTC', 'NO_COLOR': '1'})


def on_terminal(words):
    terminal, stdout = pty.openpty()
    fcntl.ioctl(stdout, termios.TIOCSWINSZ, struct.pack('HHHH', 24, COLUMNS, 0, 0))
    taken = []

    def take():
        while True:
            try:
                taken.append(os.read(terminal, 65536))
            except OSError:
                return

    reader = threading.Thread(target=take)
    reader.start()
    done = call(words, stdout)
    os.close(stdout)
    reader.join()
    os.close(terminal)
    expect(done.returncode == 0 and not done.stderr, f'{words}: {done.stderr}')
    return b''.join(taken).decode().replace('\r\n', '\n')


def check(words):
    text = on_terminal(words)
    name = ' '.join(words[:2])
    for line in text.splitlines():
        expect(len(line) <= COLUMNS, f'{name}: {len(line)} columns: {line}')
        expect(line == line.rstrip(), f'{name}: ends with a blank: {line}')
    piped = call(words, subprocess.PIPE).stdout
    for address in re.findall(r'0xf[0-9a-f]{12}\b', piped):
        expect(re.search(rf'\b{address}\b', text), f'{name}: {address} is not whole')
    letters = re.sub(r'\s', '', text)
    if words[0] in ('pages', 'dimms'):
        expect(letters.count('x') >= 288, f'{name}: a name is cut')
    if words[0] in ('pages', 'history'):  # no sentence with "ago" is around them
        expect(on_terminal([*words, '--wide']) == piped, f'{name}: --wide is not what a pipe gets')


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'test.db')
        subprocess.run([make_db, path], check=True, timeout=60)
        db = sqlite3.connect(path)
        for command in SPOIL:
            db.execute(command)
        for i, label in enumerate(LABELS):
            db.execute('UPDATE dimm SET label = ? WHERE id = ?', (label, i + 1))
        db.commit()
        db.close()
        pages = json.loads(call(['pages', '--json', '--db', path], subprocess.PIPE).stdout)
        expect(len(pages) == 7 and all(len(p['address']) == 15 for p in pages),
               f'the addresses are not of 52 bits: {pages[:1]}')
        for words in (['pages'], ['history'], ['dimms'], ['status'],
                      *(['show', p['address']] for p in pages),
                      ['policy', 'backtest', '--policy', 'default']):
            check([*words, '--db', path])
    for finding in findings:
        print(finding)
    print(f'{len(findings)} findings')
    return 1 if findings else 0


sys.exit(main())
