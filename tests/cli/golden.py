#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""softofflinectl against golden files.

golden.py CTL MAKE_DB FAKE_DAEMON [UPDATE]

Each file of golden/ is one call: its command line, exit code, stdout and stderr. A file
whose name begins with "live" runs against fake_daemon on a bus of our own, as root or
what passes for it in a user namespace, the others without a daemon. @DB@ stands for the
database. A live file's second word is the verdict that the daemon gives, or one of its scenes; "nobody" in its
name runs the call as an ordinary user, which takes real root. "tree-NAME" at its end runs
it on the made-up machine trees/NAME.tree, the others on one without hardware. "tty" in its
name runs it on a terminal of 80 columns; no screen may be wider there. With UPDATE the files are
written anew from what the program does now, to be read before they are committed.
"""

import difflib
import fcntl
import os
import re
import shutil
import pty
import struct
import subprocess
import sys
import tempfile
import termios
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, 'golden')
NOBODY = 65534


def expected_files():
    names = sorted(n for n in os.listdir(GOLDEN) if n.endswith('.txt'))
    return [os.path.join(GOLDEN, n) for n in names]


def normalise(text, database):
    text = text.replace(database, '@DB@')
    text = re.sub(r'^softofflinectl [0-9.]+$', 'softofflinectl @VERSION@', text, flags=re.M)
    # Of times on a terminal.
    text = re.sub(r'\(\d+ \w+ ago\)', '(@AGO@)', text)
    # The size of a new SQLite file is its version's business, not ours.
    text = re.sub(r'("bytes": )\d+', r'\1@BYTES@', text)
    return re.sub(r'(Database +fine, ).*', r'\1@BYTES@', text)


class Bus:
    """A dbus-daemon of our own, and at most one fake daemon on it."""

    def __init__(self, folder, fake, database):
        self.fake, self.database = fake, database
        self.daemon, self.verdict, self.bus, self.address = None, None, None, None
        if not shutil.which('dbus-daemon'):
            return
        self.bus = subprocess.Popen(
            ['dbus-daemon', f'--config-file={HERE}/bus.conf', '--print-address=1',
             '--nofork', '--nopidfile', f'--address=unix:path={folder}/bus'],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.address = self.bus.stdout.readline().strip()

    def serve(self, verdict):
        if self.verdict == verdict:
            return
        self.stop_daemon()
        self.daemon = subprocess.Popen(
            [self.fake, self.database, verdict], stdout=subprocess.PIPE, text=True,
            env={**os.environ, 'DBUS_SYSTEM_BUS_ADDRESS': self.address})
        if self.daemon.stdout.readline() != 'ready\n':
            raise RuntimeError('fake_daemon does not start')
        self.verdict = verdict

    def refuses_a_second(self):
        """Whether another daemon on the same bus goes without having begun."""
        if not self.daemon:
            return True
        second = subprocess.run([self.fake, self.database, 'ok'], capture_output=True,
                                text=True, check=False, timeout=60,
                                env={**os.environ, 'DBUS_SYSTEM_BUS_ADDRESS': self.address})
        return second.returncode == 1 and 'File exists' in second.stderr

    def stop_daemon(self):
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait()
            self.daemon.stdout.close()
        self.daemon, self.verdict = None, None

    def stop(self):
        self.stop_daemon()
        if self.bus:
            self.bus.terminate()
            self.bus.wait()
            self.bus.stdout.close()


def plant(root, name):
    """Makes the files of trees/NAME.tree below @root; tree.h describes the form."""
    with open(os.path.join(HERE, 'trees', f'{name}.tree'), encoding='utf-8') as f:
        lines = [line for line in f.read().splitlines() if line and line[0] != '#']
    for line in lines:
        if line.startswith('- '):
            shutil.rmtree(root + line[2:])
            continue
        path, text = re.match(r'(\S+?)(?:: |:$| -> )(.*)$', line).groups()
        os.makedirs(os.path.dirname(root + path), exist_ok=True)
        if line.startswith(f'{path} -> '):
            os.symlink(text, root + path)
        elif not path.endswith('/'):
            with open(root + path, 'w', encoding='utf-8') as f:
                f.write(text.replace('\\n', '\n') + '\n' * bool(text))


def sysroot(folder, name):
    """The folder that stands for the machine's root in the call @name."""
    tree = name.partition('tree-')[2]
    root = os.path.join(folder, 'root', tree)
    if not os.path.isdir(root):
        os.makedirs(root)
        for part in ['server', tree] if tree else []:
            plant(root, part)
    return root


def run(ctl, command, address, database, user, root, stdout=subprocess.PIPE):
    words = [w.replace('@DB@', database).replace('@GOLDEN@', GOLDEN)
             for w in re.findall(r"'[^']*'|\S+", command)]
    words = [w[1:-1] if w.startswith("'") else w for w in words]
    env = {'PATH': os.environ['PATH'], 'TZ': 'UTC', 'LC_ALL': 'C.UTF-8',
           'DBUS_SYSTEM_BUS_ADDRESS': address, 'SOFTOFFLINECTL_SYSROOT': root, 'NO_COLOR': '1',
           **{k: v for k, v in os.environ.items() if k.endswith('SAN_OPTIONS')}}
    return subprocess.run([ctl, *words[1:]], env=env, stdout=stdout, stderr=subprocess.PIPE, text=True,
                          stdin=subprocess.DEVNULL, user=user, check=False)


def run_on_terminal(*arguments):
    """As run(), with stdout on a terminal of 80 columns."""
    terminal, stdout = pty.openpty()
    fcntl.ioctl(stdout, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 80, 0, 0))
    taken = []

    def take():
        while True:
            try:
                data = os.read(terminal, 65536)
            except OSError:  # all writers have gone
                return
            taken.append(data)
    reader = threading.Thread(target=take)
    reader.start()
    try:
        done = run(*arguments, stdout=stdout)
    finally:
        os.close(stdout)
        reader.join()
        os.close(terminal)
    done.stdout = b''.join(taken).decode().replace('\r\n', '\n')
    return done


def may_become(user):
    """Whether we are root, of a user namespace that has @user."""
    if os.geteuid() != 0:
        return False
    with open('/proc/self/uid_map', encoding='ascii') as f:
        ranges = [list(map(int, line.split())) for line in f]
    return any(first <= user < first + n for first, _, n in ranges)


def become_root():
    """Starts this program again in a user namespace where it is root, if it can be."""
    trial = ['unshare', '--map-root-user', '--', 'true']
    if os.geteuid() == 0 or not shutil.which(trial[0]):
        return
    if subprocess.run(trial, stderr=subprocess.DEVNULL, check=False).returncode == 0:
        os.execvp(trial[0], [*trial[:-1], sys.executable, *sys.argv])


def told(command, done, database):
    return normalise(f'$ {command}\nexit {done.returncode}\n--- stdout\n{done.stdout}'
                     f'--- stderr\n{done.stderr}', database).replace(GOLDEN, '@GOLDEN@')


def check(path, ctl, bus, database, update):
    """None if as expected, a text that says what is wrong, or the word "skipped"."""
    name = os.path.basename(path)[:-4]
    with open(path, encoding='utf-8') as f:
        expected = f.read()
    command = expected.split('\n', 1)[0][2:]
    address, user = 'unix:path=/nonexistent', None
    if name.startswith('live'):
        if not bus.address:
            return 'skipped'
        bus.serve(name.split('-')[1])
        address = bus.address
    if name.startswith('live') and os.geteuid() != 0:
        return 'skipped'  # much is withheld from an ordinary user
    if 'nobody' in name:
        if not may_become(NOBODY):
            return 'skipped'
        user = NOBODY
    root = sysroot(os.path.dirname(database), name)
    call = (ctl, command, address, database, user, root)
    done = (run_on_terminal if 'tty' in name else run)(*call)
    if re.search(r'status|pages|show 0x|dimms|history|check|backtest', name + command) \
            and done.returncode in (0, 10, 11) and not re.search('json|wide|memmap', name + command):
        wide = [line for line in run_on_terminal(*call).stdout.splitlines() if len(line) > 80]
        if wide:
            return f'{name}: wider than a terminal of 80 columns: {wide}\n'
    found = told(command, done, database)
    if update and found != expected:
        with open(path, 'w', encoding='utf-8') as f:
            f.write(found)
        print(f'updated: {name}')
        return None
    if found == expected:
        return None
    return ''.join(difflib.unified_diff(expected.splitlines(True), found.splitlines(True),
                                        f'{name} (expected)', f'{name} (found)'))


def main():
    become_root()
    ctl, make_db, fake = sys.argv[1:4]
    if os.sysconf('SC_PAGESIZE') != 4096:
        print('the golden files are of 4 KiB pages')
        return 77
    counts = {'passed': 0, 'skipped': 0, 'failed': 0}
    with tempfile.TemporaryDirectory(prefix='softofflinectl-') as folder:
        os.chmod(folder, 0o755)
        database = os.path.join(folder, 'test.db')
        subprocess.run([make_db, database], check=True)
        bus = Bus(folder, fake, database)
        try:
            for path in expected_files():
                wrong = check(path, ctl, bus, database, len(sys.argv) > 4)
                outcome = {None: 'passed', 'skipped': 'skipped'}.get(wrong, 'failed')
                counts[outcome] += 1
                if outcome == 'failed':
                    print(wrong)
            if not bus.refuses_a_second():
                print('a second daemon was not turned away')
                counts['failed'] += 1
        finally:
            bus.stop()
    print(', '.join(f'{n} {what}' for what, n in counts.items()))
    return 1 if counts['failed'] or not counts['passed'] else 0


sys.exit(main())
