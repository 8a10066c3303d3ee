#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Back-tests of what nobody meant to be one: each ends with an exit status that says so,
its JSON is whole, and nothing that steers a terminal comes out: hostile.py CTL"""

import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile

ctl = os.fsencode(os.path.abspath(sys.argv[1]))
CSV = b'time,dimm,pa\n1,a,1000\n2,a,1000\n'
findings = []
with open(ctl, 'rb') as program:
    BITS_32 = program.read(5)[4] == 1
    SANITIZED = b'__asan_init' in program.read()


def machine_of(path):
    with open(path, 'rb') as f:
        return f.read(20)[18:]


# A limit of addresses is then the emulator's, which takes some GiB itself.
EMULATED = machine_of(ctl) != machine_of(sys.executable)
if EMULATED:
    print('shortened: no limit of 3 GiB, for the emulator takes some of it')


def expect(condition, text):
    if not condition:
        findings.append(text)


def run(*args, **kwargs):
    done = subprocess.run([ctl, *args], capture_output=True, check=False, timeout=300, **kwargs)
    for out in done.stdout, done.stderr:
        expect(all(c >= 0x20 and c != 0x7f or c == 0x0a for c in out),
               f'{args}: control bytes: {out[:300]}')
    return done


def backtest(wanted, *args, **kwargs):
    """The same as a table and as JSON; what the latter says, if @wanted is 0."""
    args = [b'policy', b'backtest', *args]
    table = run(*args, **kwargs)
    expect(table.returncode == wanted, f'{args}: ends with {table.returncode}')
    expect(wanted == 0 or table.stderr, f'{args}: fails without a word')
    done = run(b'--json', *args, **kwargs)
    expect(done.returncode == wanted, f'--json {args}: ends with {done.returncode}')
    return json.loads(done.stdout) if done.returncode == 0 else []


def write(name, content):
    with open(name, 'wb') as f:
        f.write(content)
    return name


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    good = write(b'good.csv', CSV)

    # files that are none, or not such
    for name in [b'.', b'missing', b'no\x1b[31m', write(b'empty', b''), b'/dev/null',
                 write(b'blank', b'\n\r\n#\n'), write(b'zeros', bytes(200000)),
                 write(b'packed', gzip.compress(CSV)), write(b'untimed', b'dimm\na\n')]:
        backtest(1, b'--input', name)

    # tables without an error in them, and with names of any bytes
    for name in [write(b'header', b'time,dimm,pa'), write(b'bad', b'time\nx\n\x1b[2J\n')]:
        for policy in backtest(0, b'--input', name):
            expect(policy['dimms'] == [] and policy['total']['ces'] == 0, f'{name}: errors')
    names = [bytes([c]) + b'x' for c in range(256) if c not in b'\t\n\r #",-' + b'\0']
    rows = b''.join(b'%d,%s,1000\n' % (i, n) for i, n in enumerate(names))
    write(b'names', b'time,dimm,pa\n' + rows)
    # The engines of so many machines and all policies want 10 GiB of addresses.
    policies = [b'rasdaemon', b'mcelog', b'windows', b'illumos', b'default']
    for these in ([b'--policy', p] for p in policies) if BITS_32 else [[]]:
        answer = backtest(0, *these, b'--input', b'names')
        expect(len(answer) == 1 if these else len(answer) >= len(policies), 'policies are lost')
        for policy in answer:
            expect(len({d['dimm'] for d in policy['dimms']}) == len(names), 'DIMMs are lost')

    # without the memory for them; a sanitizer itself takes more
    if not SANITIZED:
        limit = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, limit[1]))
        backtest(1, b'--input', b'names')
        # What softofflinectl(1) says of a 32-bit program, whose kernel leaves it 3 GiB.
        resource.setrlimit(resource.RLIMIT_AS, limit if EMULATED else (3 << 30, limit[1]))
        for machines, these in (400, [b'--policy', b'default']), (80, []):
            rows = b''.join(b'%d,m%d,1000\n' % (i, i) for i in range(machines))
            backtest(0, *these, b'--input', write(b'many', b'time,dimm,pa\n' + rows))
        resource.setrlimit(resource.RLIMIT_AS, limit)

    # policies of any name: none is left out
    for name in [b'p.conf', b'\xc3\xa4.conf', b'\xff.conf', b'\x1b[31m.conf', b'"\\.conf']:
        write(name, b'[Policy]\nPageThreshold=2 / 1h\n')
        answer = backtest(0, b'--config', name, b'p.conf', b'--input', good)
        expect(len(answer) == 2, f'{name}: not in the answer')
        if name.isascii() and name.decode().isprintable():
            expect(answer and answer[0]['policy'] == name.decode(), f'{name}: other name')
    backtest(2, b'--policy', b'\x1b[31m', b'--input', good)

    # from a pipe, and to a disk that is full
    piped = backtest(0, b'--policy', b'mcelog', b'--input', b'-', input=CSV)
    expect(piped and piped[0]['total']['pages_offlined'] == 1, 'standard input is not read')
    for json_too in [], [b'--json']:
        with open('/dev/full', 'wb') as full:
            done = subprocess.run([ctl, *json_too, b'policy', b'backtest', b'--input', good],
                                  stdout=full, stderr=subprocess.PIPE, check=False)
        expect(done.returncode == 1, f'a full disk: ends with {done.returncode}')
    os.chdir('/')

for finding in findings:
    print(finding)
sys.exit(1 if findings else 0)
