# SPDX-License-Identifier: GPL-2.0-or-later
"""The real daemon on a host that is made up: see README.md in this folder.

    import host
    host.isolate()
    with host.Host() as h:
        h.start()
        h.emit([0x12345000] * 2)
        h.until(lambda: h.attempts(), 'an attempt')
"""

import contextlib
import json
import os
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import namedtuple
from pathlib import Path

import outside
import ring

ROOT = Path(__file__).resolve().parent.parent.parent
DAEMON = os.environ.get('SOFTOFFLINED', str(ROOT / 'build/gcc/daemon/softofflined'))
CTL = os.environ.get('SOFTOFFLINECTL', str(ROOT / 'build/gcc/ctl/softofflinectl'))
PRELOAD = os.environ.get('FAULT_PRELOAD', str(ROOT / 'build/gcc/tests/fault/libfault.so'))
NOBODY = 65534
SKIPPED = 77
HANGING = 120  # seconds: nothing takes so long, however busy the machine is
UNSHARE = ['unshare', '--mount', '--propagation', 'private', '--pid', '--fork',
           '--kill-child', '--mount-proc']
INSIDE = 'FAULT_INSIDE'
SANITIZER = 'AddressSanitizer', 'LeakSanitizer', 'runtime error:'

Attempt = namedtuple('Attempt', 'time_ns address error')


class Ended(Exception):
    """The daemon ended though it was to run; status is what subprocess says."""

    def __init__(self, status, text):
        super().__init__(f'the daemon ended with status {status}:\n{text}')
        self.status = status


def skip(why):
    print(f'skipped: {why}', flush=True)
    sys.exit(SKIPPED)


def isolate():
    """Call it first: starts this program once more where it may mount and make processes
    as it likes, all of which end with it. Only root can; exits with 77 otherwise."""
    if os.environ.pop(INSIDE, None):
        return
    # --daemon PATH, --ctl PATH: programs of another build.
    for option, name in (('--daemon', 'SOFTOFFLINED'), ('--ctl', 'SOFTOFFLINECTL')):
        if option in sys.argv:
            at = sys.argv.index(option)
            os.environ[name] = os.path.abspath(sys.argv[at + 1])
            del sys.argv[at:at + 2]
    if os.geteuid() != 0:
        skip('mount namespaces are for root')
    for program in 'unshare', 'dbus-daemon', 'setpriv':
        if not shutil.which(program):
            skip(f'no {program} here')
    probe = subprocess.run(UNSHARE + ['true'], stderr=subprocess.PIPE, text=True)
    if probe.returncode:
        skip('no mount namespace: ' + ' '.join(probe.stderr.split()))
    for folder in outside.TRACING, outside.MEMORY, '/proc/kpageflags', '/proc/sys/vm':
        if not os.path.exists(folder):
            skip(f'no {folder} here to put another in the place of')
    os.environ[INSIDE] = 'yes'
    sys.stdout.flush()
    os.execvp(UNSHARE[0], UNSHARE + [sys.executable, '-B'] + sys.argv)


def until(look, what, seconds=HANGING):
    """Asks until the answer is true, and returns it."""
    end = time.monotonic() + seconds
    while True:
        answer = look()
        if answer:
            return answer
        if time.monotonic() > end:
            raise TimeoutError(f'waited {seconds} s in vain for {what}')
        time.sleep(0.02)


class Notified(threading.Thread):
    """What the daemon tells systemd; times are time.monotonic()."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.seen = []
        self.start()

    def run(self):
        while True:
            words = self.socket.recv(65536).decode()
            self.seen += [(time.monotonic(), word) for word in words.splitlines()]

    def times(self, word):
        return [when for when, seen in list(self.seen) if seen == word]


class Bus:
    """dbus-daemon as the distribution sets it up, with our policy and no other."""

    def __init__(self, folder, limits):
        self.folder = Path(folder)
        policy = ROOT / 'systemd/org.softofflined1.conf'
        drop_ins = self.folder / 'system.d'
        drop_ins.mkdir(parents=True)
        shutil.copy(policy, drop_ins)
        (drop_ins / 'limits.conf').write_text(
            '<busconfig>' + ''.join(f'<limit name="{name}">{value}</limit>'
                                    for name, value in limits.items()) + '</busconfig>\n')
        outside.bind(drop_ins, '/usr/share/dbus-1/system.d')
        if os.path.exists('/etc/dbus-1/system.d'):
            outside.mount_tmpfs('/etc/dbus-1/system.d')
        os.makedirs('/run/dbus')
        self.process = None

    def start(self):
        with open(self.folder / 'log', 'ab') as log:
            self.process = subprocess.Popen(
                ['dbus-daemon', '--system', '--nofork', '--nopidfile', '--nosyslog'],
                stdout=log, stderr=log)
        until(self._answers, 'dbus-daemon')

    def _answers(self):
        if self.process.poll() is not None:
            raise RuntimeError('dbus-daemon: ' + (self.folder / 'log').read_text())
        with socket.socket(socket.AF_UNIX) as s:
            return s.connect_ex('/run/dbus/system_bus_socket') == 0

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
            with contextlib.suppress(FileNotFoundError):
                os.unlink('/run/dbus/system_bus_socket')


class Host:
    """One machine. Only one at a time, after isolate().

    config    text of the configuration file, read by --config; h.config is its path
    cpus      pipes of the trace
    ram_mib   RAM from address 0 on, at 4 KiB a page
    sysctl    vm.enable_soft_offline; None: a kernel without it
    bus       False: no system bus
    limits    limits of dbus-daemon that differ from the distribution's
    """

    def __init__(self, config='', *, cpus=2, ram_mib=16384, sysctl=1, bus=True,
                 limits=None, daemon=None, ctl=None):
        self.dir = Path(tempfile.mkdtemp(prefix='softofflined.'))
        self.dir.chmod(0o755)
        self.daemon = daemon or DAEMON
        self.db = self.dir / 'db/softofflined.db'
        self.db.parent.mkdir(0o750)
        self.config = self.dir / 'softofflined.conf'
        self.config.write_text(config)
        self.metrics = self.dir / 'softofflined.prom'
        self.log = self.dir / 'stderr'
        self.log.touch()
        self.process = None
        self.environ = {}  # of every daemon
        # Nothing of the real /run: no journal, no drop-ins, no bus.
        outside.mount_tmpfs('/run', 'mode=755')
        self.ctl_path = self.borrow(ctl or CTL, 'softofflinectl')
        self.trace = outside.Trace(self.dir / 'tracing', cpus)
        outside.bind(self.trace.folder, outside.TRACING)
        self.memory = outside.Memory(self.dir / 'kernel', ram_mib, sysctl)
        self.memory.show()
        self.notified = Notified(self.dir / 'notify')
        self.bus = Bus(self.dir / 'bus', limits or {}) if bus else None
        if self.bus:
            self.bus.start()

    @staticmethod
    def borrow(program, name):
        """A path where others can run it: the build folder may be closed to them."""
        path = f'/run/{name}'
        Path(path).touch()
        outside.bind(program, path)
        return path

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        if self.process:
            self.process.kill()
            self.process.wait()
        if self.bus:
            self.bus.stop()
        self.trace.close()
        told = self.stderr()
        if kind:
            print(f'--- the daemon said\n{told[-8000:]}---', file=sys.stderr)
        shutil.rmtree(self.dir, ignore_errors=True)
        if not kind and any(word in told for word in SANITIZER):
            raise AssertionError('the sanitizer found something:\n' + told[-8000:])

    # The daemon.

    def start(self, *args, env=None, wait=True, db=None, limits=None, watchdog_sec=None,
              preload=(), wrapper=()):
        """Starts the daemon with more arguments, and waits until it is ready. Raises
        Ended if it ends before. limits is {resource.RLIMIT_...: number}; preload names
        more libraries; wrapper goes before the command line."""
        assert not self.process, 'it runs already'
        self.trace.write_stats()
        argv = [*wrapper, self.daemon, '--config', str(self.config), '--db',
                str(db or self.db), '--metrics', str(self.metrics), *args]

        def limit():
            for what, most in (limits or {}).items():
                resource.setrlimit(what, (most, most))

        ready = len(self.notified.times('READY=1'))
        with open(self.log, 'ab') as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, preexec_fn=limit,
                                            env=self._environ(env, watchdog_sec, preload))
        if wait:
            until(lambda: self.ended() or
                  len(self.notified.times('READY=1')) > ready, 'READY=1')

    def _environ(self, more, watchdog_sec, preload):
        env = {name: value for name, value in os.environ.items()
               if not name.startswith('DBUS_')}
        env['NOTIFY_SOCKET'] = str(self.dir / 'notify')
        env['LD_PRELOAD'] = ':'.join([PRELOAD, *map(str, preload)])
        # Else a sanitized daemon refuses to have a library before the sanitizer's.
        env['ASAN_OPTIONS'] = env.get('ASAN_OPTIONS', '') + ':verify_asan_link_order=0'
        env.update(self.memory.environ())
        if watchdog_sec:
            env['WATCHDOG_USEC'] = str(int(watchdog_sec * 1e6))
        env.update(self.environ)
        env.update(more or {})
        return env

    def ended(self):
        """Raises Ended if the daemon, which is to run, does not; returns false."""
        status = self.process.poll()
        if status is not None:
            self.process = None
            raise Ended(status, self.stderr()[-4000:])
        return False

    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        """SIGTERM; returns the exit status."""
        self.process.terminate()
        return self.wait()

    def wait(self, seconds=HANGING):
        """For its end; returns the exit status, negative for a signal."""
        status = self.process.wait(seconds)
        self.process = None
        return status

    def kill(self, sig=signal.SIGKILL):
        self.process.send_signal(sig)
        return self.wait()

    def restart(self, **how):
        status = self.stop()
        assert status == 0, f'the daemon ended with {status}'
        self.start(**how)

    def stderr(self):
        """All that the daemons said, each line with its priority as <4>."""
        return self.log.read_text(errors='replace')

    def rss_kib(self):
        text = Path(f'/proc/{self.process.pid}/status').read_text()
        return int(text.split('VmRSS:')[1].split()[0])

    def restart_bus(self):
        self.bus.stop()
        self.bus.start()

    # The kernel.

    def emit(self, addresses, cpu=0, *, count=1, error_type=ring.CORRECTED,
             label='DIMM_A1', mc=0, layers=(0, 0, -1), grain_bits=6, syndrome=0, msg='',
             detail='', time_ns=None, seconds=HANGING):
        """One mc_event for each address, in as few pages as hold them. Waits while the
        pipe is full. Returns how many."""
        when = time_ns or ring.boot_ns()
        records = [(when, self.trace.layout.record(
            error_type=error_type, msg=msg, label=label, error_count=count, mc_index=mc,
            top_layer=layers[0], middle_layer=layers[1], lower_layer=layers[2],
            address=address, grain_bits=grain_bits, syndrome=syndrome,
            driver_detail=detail)) for address in addresses]
        end = time.monotonic() + seconds
        for page, n in ring.pages(records):
            self.trace.put(cpu, page, n, end)
        return len(records)

    def unread(self):
        """Events that no daemon has read yet."""
        return sum(self.trace.waiting(cpu) for cpu in range(len(self.trace.sent)))

    def sent(self):
        """Events that were emitted so far."""
        return sum(self.trace.sent)

    def answer(self, error=0, msec=0, address=None):
        """What soft_offline_page says from now on: an errno, after msec ms; for one
        page or for all that have none of their own."""
        name = 'all' if address is None else f'{address >> 12:x}'
        new = self.memory.folder / 'answer.new'
        new.write_text(f'{error} {msec}\n')
        new.rename(self.memory.answers / name)

    def attempts(self):
        """What was written to soft_offline_page, in order."""
        return [Attempt(int(when), int(address, 16), int(error)) for when, address, error
                in (line.split() for line in self.memory.log.read_text().splitlines())]

    def poisoned(self, address):
        return bool(self.memory.flags(address >> 12) >> outside.KPF_HWPOISON & 1)

    def boot(self):
        """While no daemon runs: the machine starts again. What was not read is gone, what
        was sent is counted from 0, no frame is poisoned."""
        assert not self.process, 'the daemon runs'
        self.trace.empty()
        self.memory.boot()

    def set_sysctl(self, value):
        (self.memory.vm / 'enable_soft_offline').write_text(f'{value}\n')

    # People.

    def run(self, argv, *, uid=0, timeout=HANGING, **how):
        """Any program, as any user; returns what subprocess.run() does, with texts."""
        if uid:
            argv = ['setpriv', f'--reuid={uid}', f'--regid={uid}', '--clear-groups', *argv]
        how.setdefault('stdin', subprocess.DEVNULL)
        return subprocess.run([str(a) for a in argv], text=True, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how)

    def ctl(self, *args, uid=0, timeout=HANGING):
        return self.run([self.ctl_path, *args], uid=uid, timeout=timeout)

    def json(self, *args, uid=0, timeout=HANGING):
        """What a verb says in JSON; raises if it fails without a word of JSON."""
        r = self.ctl('--json', *args, uid=uid, timeout=timeout)
        try:
            return json.loads(r.stdout)
        except ValueError:
            raise RuntimeError(f'{args}: status {r.returncode}: {r.stderr}') from None

    def status(self, uid=0, timeout=HANGING):
        return self.json('status', uid=uid, timeout=timeout)

    def counted(self):
        """Events counted, and events reported as lost."""
        counters = self.status()['counters']
        return counters['events'], counters['events_lost']

    def query(self, sql, *values):
        """Rows of the database, read beside the daemon."""
        with contextlib.closing(sqlite3.connect(f'file:{self.db}?mode=ro', uri=True,
                                                timeout=30)) as db:
            return db.execute(sql, values).fetchall()

    until = staticmethod(until)
