#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""softofflinectl monitor on a bus of its own: monitor.py CTL MAKE_DB FAKE_DAEMON

It says when it listens, hears what the daemon says from then on, as text, as JSON and by a
program, outlives the daemon, and ends with the bus.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ctl, make_db, fake = sys.argv[1:4]
findings = []


def expect(condition, text):
    if not condition:
        findings.append(text)


class Stage:
    """A bus, a database, and at most one fake daemon."""

    def __init__(self, folder):
        self.folder, self.database = folder, f'{folder}/test.db'
        subprocess.run([make_db, self.database], check=True)
        self.bus = subprocess.Popen(
            ['dbus-daemon', f'--config-file={HERE}/bus.conf', '--print-address=1', '--nofork',
             '--nopidfile', f'--address=unix:path={folder}/bus'],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.env = {**os.environ, 'TZ': 'UTC', 'LC_ALL': 'C.UTF-8',
                    'DBUS_SYSTEM_BUS_ADDRESS': self.bus.stdout.readline().strip()}
        self.daemon = None

    def start_daemon(self):
        self.daemon = subprocess.Popen([fake, self.database, 'watch'], env=self.env,
                                       stdout=subprocess.PIPE, text=True)
        if self.daemon.stdout.readline() != 'ready\n':
            raise RuntimeError('fake_daemon does not start')

    def stop(self, process):
        process.terminate()
        process.wait()
        process.stdout.close()

    def speak(self):
        """Forgetting a page makes the fake daemon say two notices."""
        return subprocess.run([ctl, 'forget', '0x1000'], env=self.env, check=False,
                              capture_output=True, text=True)

    def monitor(self, *words):
        """A monitor that listens; systemd would know it by the same message."""
        path = f'{self.folder}/notify'
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(path)
            ready.settimeout(60)
            process = subprocess.Popen([ctl, 'monitor', *words], stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True,
                                       env={**self.env, 'NOTIFY_SOCKET': path})
            try:
                expect(ready.recv(100) == b'READY=1', 'READY=1 is not what it says')
            finally:
                os.unlink(path)
        return process


def check_text(stage):
    monitor = stage.monitor('--lines=2')
    stage.speak()
    out, err = monitor.communicate(timeout=60)
    expect(monitor.returncode == 0 and not err, f'text: {monitor.returncode} {err}')
    lines = out.splitlines()
    when = r'2026-01-01 00:00:00  '
    expect(re.fullmatch(when + r'crit     verdict       P1-DIMMA1: verdict replace: this is '
                        r'why\. \(was watch\)', lines[0]), f'text: {lines[0]}')
    expect(re.fullmatch(when + r'notice   offlined      P1-DIMMA1: offlined, page-threshold, '
                        r'2 errors', lines[1]), f'text: {lines[1]}')


def check_json(stage):
    monitor = stage.monitor('--json', '--lines', '2')
    stage.speak()
    out, _ = monitor.communicate(timeout=60)
    rows = [json.loads(line) for line in out.splitlines()]
    expect([r['kind'] for r in rows] == ['verdict', 'offlined'], f'json: {out}')
    expect(rows[0] == {
        'time': 1767225600000000, 'kind': 'verdict', 'priority': 'crit', 'dimm': 'P1-DIMMA1',
        'slot': 'P1-DIMMA1', 'part': None, 'reason': 'none', 'result': 'none', 'errno': None,
        'count': 0, 'fault': 'row', 'verdict': 'replace', 'verdict_before': 'watch',
        'address_class': None, 'message': 'P1-DIMMA1: verdict replace: this is why.'},
        f'json: {rows[0]}')
    expect(rows[1]['address_class'] == 'page' and rows[1]['message'] is None, f'json: {rows[1]}')
    with open(f'{HERE}/../../ctl/softofflinectl.schema.json', encoding='utf-8') as f:
        keys = set(json.load(f)['$defs']['monitor']['properties'])
    expect(set(rows[0]) == keys == set(rows[1]), f'json: the schema has {sorted(keys)}')


def check_exec(stage):
    program, out = f'{stage.folder}/program', f'{stage.folder}/out'
    with open(program, 'w', encoding='utf-8') as f:
        f.write(f'#!/bin/sh\necho "$SOFTOFFLINE_KIND $SOFTOFFLINE_DIMM" >> {out}\necho said\n')
    os.chmod(program, 0o755)
    monitor = stage.monitor('--exec', program, '--lines=2')
    stage.speak()
    text, err = monitor.communicate(timeout=60)
    expect(monitor.returncode == 0 and text == '' and err == 'said\nsaid\n',
           f'exec: {monitor.returncode} {text} {err}')
    with open(out, encoding='utf-8') as f:
        expect(f.read() == 'verdict P1-DIMMA1\nofflined P1-DIMMA1\n', 'exec: the environment')
    done = subprocess.run([ctl, 'monitor', '--exec=/nonexistent'], env=stage.env, check=False,
                          capture_output=True, text=True, timeout=60)
    expect(done.returncode == 1 and '/nonexistent: No such file' in done.stderr,
           f'exec: {done.stderr}')


def check_without_daemon(stage):
    """It waits for a daemon, and for the next one."""
    monitor = stage.monitor('--lines=4')
    for _ in range(2):
        line = monitor.stderr.readline()
        expect(line == 'softofflinectl: softofflined is not running; waiting for it\n',
               f'no daemon: {line}')
        stage.start_daemon()
        stage.speak()
        first = monitor.stdout.readline()
        expect(' verdict ' in first, f'no daemon: {first}')
        monitor.stdout.readline()
        stage.stop(stage.daemon)
    monitor.communicate(timeout=60)
    expect(monitor.returncode == 0, f'no daemon: {monitor.returncode}')


def check_end(stage):
    monitor = stage.monitor()
    monitor.terminate()
    monitor.communicate(timeout=60)
    expect(monitor.returncode == 0, f'SIGTERM: {monitor.returncode}')
    monitor = stage.monitor()
    stage.stop(stage.bus)
    _, err = monitor.communicate(timeout=60)
    expect(monitor.returncode == 1 and 'the connection to the system bus has ended' in err,
           f'end of the bus: {monitor.returncode} {err}')
    done = subprocess.run([ctl, 'monitor'], env=stage.env, check=False, capture_output=True,
                          text=True, timeout=60)
    expect(done.returncode == 1 and 'cannot listen on the system bus' in done.stderr,
           f'no bus: {done.returncode} {done.stderr}')


def main():
    if os.geteuid() != 0:
        print('only root may have the fake daemon forget a page')
        return 77
    if not shutil.which('dbus-daemon'):
        print('no dbus-daemon')
        return 77
    with tempfile.TemporaryDirectory(prefix='softofflinectl-') as folder:
        os.chmod(folder, 0o755)
        stage = Stage(folder)
        check_without_daemon(stage)
        stage.start_daemon()
        check_text(stage)
        check_json(stage)
        check_exec(stage)
        stage.stop(stage.daemon)
        check_end(stage)
    for finding in findings:
        print(finding)
    print(f'{len(findings)} findings')
    return 1 if findings else 0


sys.exit(main())
