#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""softofflinectl probe for each verdict and for what can keep it from one:
probe.py CTL MAKE_DB FAKE_DAEMON

One line, the exit code that the form has for it, nothing on stderr, at most 80 characters for
node-problem-detector, and performance data as Nagios's plugins write it.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ctl, make_db, fake = sys.argv[1:4]
findings = []
CODES = {'nagios': (0, 1, 2, 3), 'npd': (0, 1, 1, 2), 'nhc': (0, 0, 1, 0)}
OK, WARNING, CRITICAL, UNKNOWN = range(4)
WORDS = ('OK', 'WARNING', 'CRITICAL', 'UNKNOWN')
# Monitoring Plugins Development Guidelines, "Performance data".
PERFORMANCE = r"[a-z_]+=\d+c?"


def expect(condition, text):
    if not condition:
        findings.append(text)


def probe(form, bus, **kwargs):
    kwargs.setdefault('stdout', subprocess.PIPE)
    return subprocess.run([ctl, 'probe', f'--as={form}'], check=False, text=True, timeout=60,
                          stderr=subprocess.PIPE, **kwargs,
                          env={**os.environ, 'LC_ALL': 'C.UTF-8',
                               'DBUS_SYSTEM_BUS_ADDRESS': f'unix:path={bus}'})


def check(what, state, bus, text='', forms=CODES):
    """All forms in this state; @text: what the line has to have."""
    for form in forms:
        done = probe(form, bus)
        name = f'{what}, {form}: {done.returncode} {done.stdout!r} {done.stderr!r}'
        expect(done.returncode == CODES[form][state] and not done.stderr, name)
        expect(done.stdout.count('\n') == 1 and done.stdout.endswith('\n'), name)
        expect(text in done.stdout, name)
        line = done.stdout.rstrip('\n')
        if form == 'npd':
            expect(0 < len(line.encode()) <= 80, name)
        elif form == 'nhc':
            expect(line.startswith(f'softofflined: {WORDS[state].lower()}: '), name)
        else:
            expect(line.startswith(f'SOFTOFFLINED {WORDS[state]} - '), name)
            head, bar, data = line.partition(' | ')
            expect('|' not in head + data, name)
            expect(bool(bar) == (' | ' in line) and all(
                re.fullmatch(PERFORMANCE, word) for word in data.split()), name)


def check_daemon(folder, bus, scene, state, text=''):
    with subprocess.Popen([fake, f'{folder}/test.db', scene], stdout=subprocess.PIPE, text=True,
                          env={**os.environ, 'DBUS_SYSTEM_BUS_ADDRESS': f'unix:path={bus}'}
                          ) as daemon:
        try:
            if daemon.stdout.readline() != 'ready\n':
                raise RuntimeError('fake_daemon does not start')
            check(scene, state, bus, text)
            if scene == 'healthy':
                daemon.send_signal(signal.SIGSTOP)
                check('daemon hangs', UNKNOWN, bus, 'does not answer', ['nagios'])
                daemon.send_signal(signal.SIGCONT)
        finally:
            daemon.kill()


def check_full(bus):
    for form, codes in CODES.items():
        with open('/dev/full', 'w', encoding='utf-8') as full:
            done = probe(form, bus, stdout=full)
        expect(done.returncode == codes[UNKNOWN] and 'cannot write' in done.stderr,
               f'full, {form}: {done.returncode} {done.stderr}')


def main():
    if not shutil.which('dbus-daemon'):
        print('no dbus-daemon')
        return 77
    with tempfile.TemporaryDirectory(prefix='softofflinectl-') as folder:
        subprocess.run([make_db, f'{folder}/test.db'], check=True)
        bus = f'{folder}/bus'
        check('no bus', UNKNOWN, bus, 'bus')
        with socket.socket(socket.AF_UNIX) as silent:
            silent.bind(f'{folder}/silent')
            silent.listen()
            check('bus hangs', UNKNOWN, f'{folder}/silent', 'does not answer', ['npd'])
        with subprocess.Popen(
                ['dbus-daemon', f'--config-file={HERE}/bus.conf', '--print-address=1', '--nofork',
                 '--nopidfile', f'--address=unix:path={bus}'],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            try:
                process.stdout.readline()
                check('no daemon', UNKNOWN, bus, 'softofflined is not')
                check_daemon(folder, bus, 'healthy', OK)
                check_daemon(folder, bus, 'watch', OK)
                check_daemon(folder, bus, 'blind', UNKNOWN, 'cannot be seen')
                check_daemon(folder, bus, 'degraded', UNKNOWN, 'cannot be seen')
                check_daemon(folder, bus, 'database', WARNING, 'the database')
                check_daemon(folder, bus, 'row', WARNING, 'cold reboot to repair P1-DIMMB1')
                check_daemon(folder, bus, 'bank', CRITICAL, 'replace P1-DIMMB1')
                check_daemon(folder, bus, 'replace', CRITICAL)
                check_full(bus)
            finally:
                process.kill()
    for finding in findings:
        print(finding)
    print(f'{len(findings)} findings')
    return 1 if findings else 0


sys.exit(main())
