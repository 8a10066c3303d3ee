#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How far a back-test is: progress.py CTL

On a terminal stderr has a line that counts, and it is gone at the end; in a pipe nothing.
As many rows come as it takes for the line to appear.
"""

import os
import pty
import subprocess
import sys
import threading

ctl = sys.argv[1]
HEADER = b'time,dimm,pa,type\n'
ROWS = 10000
MOST = 2000  # chunks: more than enough for any machine


def chunk(n):
    first = 1700000000 + n * ROWS
    return b''.join(b'%d,A0,0x%x,CE\n' % (first + i, 0x100000 + i % 64 * 4096)
                    for i in range(ROWS))


def start(stderr):
    return subprocess.Popen([ctl, 'policy', 'backtest', '--policy', 'default', '--input', '-'],
                            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=stderr)


def on_terminal():
    """What the terminal got, and how many chunks it took."""
    terminal, stderr = pty.openpty()
    taken = []
    seen = threading.Event()

    def take():
        while True:
            try:
                taken.append(os.read(terminal, 4096))
            except OSError:
                return
            if b'rows read' in b''.join(taken):
                seen.set()

    reader = threading.Thread(target=take)
    reader.start()
    with start(stderr) as program:
        os.close(stderr)
        program.stdin.write(HEADER)
        n = 0
        while n < MOST and not seen.is_set():
            program.stdin.write(chunk(n))
            program.stdin.flush()
            n += 1
        program.stdin.close()
        program.wait()
    reader.join()
    os.close(terminal)
    return b''.join(taken), n


def in_pipe(chunks):
    with start(subprocess.PIPE) as program:
        feeder = threading.Thread(target=lambda: (
            program.stdin.write(HEADER), [program.stdin.write(chunk(n)) for n in range(chunks)],
            program.stdin.close()))
        feeder.start()
        text = program.stderr.read()
        feeder.join()
        return text


def main():
    findings = []
    shown, chunks = on_terminal()
    first = shown.find(b' rows read\x1b[K')
    if not shown.startswith(b'\r') or first < 0:
        findings.append(f'no progress: {shown[:200]}')
    if shown.rfind(b'\r\x1b[K') < shown.rfind(b'rows read'):
        findings.append(f'the line stays: {shown[-200:]}')
    piped = in_pipe(chunks)
    if b'rows read' in piped or b'\x1b' in piped or b'\r' in piped:
        findings.append(f'progress in a pipe: {piped[:200]}')
    for finding in findings:
        print(finding)
    print(f'{chunks} chunks, {len(findings)} findings')
    return 1 if findings else 0


sys.exit(main())
