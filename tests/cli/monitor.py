#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""softofflinectl monitor on a bus of its own: monitor.py CTL MAKE_DB FAKE_DAEMON

It says when it listens, hears what the daemon says from then on, as text, as JSON and by a
program, and outlives daemon and bus. Nobody but the daemon is heard, and a storm is counted to
the last notice.
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
        self.env = {**os.environ, 'TZ': 'UTC', 'LC_ALL': 'C.UTF-8',
                    'DBUS_SYSTEM_BUS_ADDRESS': f'unix:path={folder}/bus'}
        self.daemon = None
        self.start_bus()

    def start_bus(self):
        self.bus = subprocess.Popen(
            ['dbus-daemon', f'--config-file={HERE}/bus.conf', '--print-address=1', '--nofork',
             '--nopidfile', f'--address=unix:path={self.folder}/bus'],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.bus.stdout.readline()

    def start_daemon(self, scene='watch'):
        self.daemon = subprocess.Popen([fake, self.database, scene], env=self.env,
                                       stdout=subprocess.PIPE, text=True)
        if self.daemon.stdout.readline() != 'ready\n':
            raise RuntimeError('fake_daemon does not start')

    def end(self):
        for process in (self.daemon, self.bus):
            if process and process.poll() is None:
                self.stop(process)

    def stop(self, process):
        process.terminate()
        process.wait()
        process.stdout.close()

    def speak(self, address='0x1000'):
        """Forgetting a page makes the fake daemon say two notices, or a storm of them."""
        return subprocess.run([ctl, 'forget', address], env=self.env, check=False,
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
        'address_class': None, 'standing': False,
        'message': 'P1-DIMMA1: verdict replace: this is why.'},
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


def check_forged(stage):
    """Any user can send a signal to one connection; no match is asked for it."""
    if not shutil.which('gdbus'):
        print('notice: no gdbus: nothing is forged')
        return
    monitor = stage.monitor('--json', '--lines=2')
    asked = subprocess.run(['gdbus', 'call', '--system', '--dest', 'org.freedesktop.DBus',
                            '--object-path', '/', '--method',
                            'org.freedesktop.DBus.ListNames'],
                           env=stage.env, check=True, capture_output=True, text=True)
    for name in re.findall(r':1\.\d+', asked.stdout):
        forged = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'gdbus', 'emit',
                  '--system', '--dest', name, '--object-path']
        for what in (['/org/freedesktop/DBus', '--signal', 'org.freedesktop.DBus.NameOwnerChanged',
                      'org.softofflined1', ':1.0', ':1.999'],
                     ['/org/softofflined1', '--signal', 'org.softofflined1.Manager.Notice',
                      "{'kind': <'verdict'>, 'message': <'forged'>}"]):
            subprocess.run([*forged, *what], env=stage.env, check=False, capture_output=True)
    stage.speak()
    out, _ = monitor.communicate(timeout=60)
    expect([json.loads(line)['dimm'] for line in out.splitlines()] == ['P1-DIMMA1'] * 2,
           f'forged: {out}')


def check_storm(stage):
    """10,000 notices of 300 DIMMs, whose names are no text, to a program that is slow."""
    program, out = f'{stage.folder}/slow', f'{stage.folder}/storm'
    with open(program, 'w', encoding='utf-8') as f:
        f.write('#!/bin/sh\n[ "$SOFTOFFLINE_COUNT" != 0 ] || sleep 1\n'
                f'printf "%s %s %s\\n" "$SOFTOFFLINE_TIMES" "$SOFTOFFLINE_DROPPED" "$SOFTOFFLINE_DIMM"'
                f' >> {out}\n')
    os.chmod(program, 0o755)
    monitor = stage.monitor('--exec', program, '--lines=10000')
    stage.speak('0x3000')
    monitor.communicate(timeout=110)
    with open(out, encoding='utf-8') as f:
        lines = [line.rstrip('\n').split(' ', 2) for line in f]
    heard, lost = (sum(int(line[i]) for line in lines) for i in (0, 1))
    expect(heard + lost == 10000, f'storm: {heard} heard and {lost} lost in {len(lines)} runs')
    for _, _, dimm in lines:
        expect(re.fullmatch(r'\$\(x\);`x`\?\?\'"\\n\d+', dimm), f'storm: {dimm}')
    # All of them on a pipe that is read only at the end.
    monitor = stage.monitor('--json', '--lines=10000')
    stage.speak('0x3000')
    counts = [json.loads(line)['count'] for line in monitor.stdout]
    monitor.communicate(timeout=60)
    expect(counts == list(range(10000)), f'storm: {len(counts)} on the pipe')


def check_standing(stage):
    """What came about when nobody listened is said once, and again only if it changed."""
    stage.start_daemon('bank')
    monitor = stage.monitor('--json', '--lines=4')
    first = json.loads(monitor.stdout.readline())
    expect(first['standing'] is True and first['kind'] == 'verdict' and
           first['priority'] == 'crit' and first['dimm'] == first['slot'] == 'P1-DIMMB1' and
           first['part'] == 'M393A4K40DB3-CWE' and first['verdict'] == 'replace' and
           first['verdict_before'] is None and
           first['message'].startswith('P1-DIMMB1: verdict replace: bank '),
           f'standing: {first}')
    # The same again is no news; a row is.
    stage.stop(stage.daemon)
    stage.start_daemon('bank')
    stage.speak()
    expect([json.loads(monitor.stdout.readline())['standing'] for _ in range(2)] ==
           [False, False], 'standing: said twice')
    stage.stop(stage.daemon)
    stage.start_daemon('row')
    rows = [json.loads(line) for line in monitor.communicate(timeout=60)[0].splitlines()]
    expect([(r['kind'], r['verdict'], r['priority'], r['standing']) for r in rows] ==
           [('verdict', 'repair-at-reboot', 'warning', True)], f'standing: {rows}')
    stage.stop(stage.daemon)

    stage.start_daemon('blind')
    monitor = stage.monitor('--lines=1')
    out, _ = monitor.communicate(timeout=60)
    expect(re.search(r'  err      blind         No memory error can be seen, and none is '
                     r'counted \(no-driver\): .*\. \(standing\)$', out.strip()),
           f'standing: {out}')
    stage.stop(stage.daemon)


def check_end(stage):
    monitor = stage.monitor()
    monitor.terminate()
    monitor.communicate(timeout=60)
    expect(monitor.returncode == 0, f'SIGTERM: {monitor.returncode}')
    # Nobody reads any more, and no notice comes.
    monitor = stage.monitor()
    monitor.stdout.close()
    expect(monitor.wait(timeout=60) == 0, f'closed pipe: {monitor.returncode}')
    monitor.stderr.close()


def check_bus_restarts(stage):
    """The daemon of this stage ends with its bus, as no real one does."""
    monitor = stage.monitor('--lines=2')
    line = monitor.stderr.readline()
    expect('softofflined is not running' in line, f'bus: {line}')
    stage.stop(stage.bus)
    line = monitor.stderr.readline()
    expect('the connection to the system bus has ended; trying again' in line, f'bus: {line}')
    done = subprocess.run([ctl, 'monitor'], env=stage.env, check=False, capture_output=True,
                          text=True, timeout=60)
    expect(done.returncode == 1 and 'cannot listen on the system bus' in done.stderr,
           f'no bus: {done.returncode} {done.stderr}')
    # One that takes the connection and closes it, as dbus-daemon does with a user it does not know.
    with socket.socket(socket.AF_UNIX) as closing:
        closing.bind(f'{stage.folder}/closing')
        closing.listen()
        process = subprocess.Popen(
            [ctl, 'monitor'], stderr=subprocess.PIPE, text=True, env={
                **stage.env, 'DBUS_SYSTEM_BUS_ADDRESS': f'unix:path={stage.folder}/closing'})
        closing.accept()[0].close()
        _, err = process.communicate(timeout=60)
        expect(process.returncode == 1 and 'serves users of' in err, f'closing bus: {err}')
    stage.start_bus()
    line = monitor.stderr.readline()
    expect('softofflined is not running' in line, f'bus: {line}')
    stage.start_daemon()
    stage.speak()
    out, _ = monitor.communicate(timeout=60)
    expect(monitor.returncode == 0 and len(out.splitlines()) == 2, f'bus: {out}')
    stage.stop(stage.daemon)
    stage.stop(stage.bus)


def check_all(stage):
    check_without_daemon(stage)
    stage.start_daemon()
    check_text(stage)
    check_json(stage)
    check_exec(stage)
    check_forged(stage)
    check_storm(stage)
    check_end(stage)
    stage.stop(stage.daemon)
    check_standing(stage)
    check_bus_restarts(stage)


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
        try:
            check_all(stage)
        finally:
            stage.end()
    for finding in findings:
        print(finding)
    print(f'{len(findings)} findings')
    return 1 if findings else 0


sys.exit(main())
