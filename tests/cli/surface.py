#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What --help says fits 80 columns, and the man page knows the same verbs and options:
surface.py CTL DAEMON COLLECTOR SOURCE_ROOT. The daemons' pages know their options."""

import os
import re
import subprocess
import sys

ctl, daemon, collector, root = sys.argv[1:5]
findings = []


def expect(condition, text):
    if not condition:
        findings.append(text)


text = subprocess.run([ctl, '--help'], capture_output=True, text=True, check=True).stdout
for line in text.splitlines():
    expect(len(line) <= 80, f'--help: wider than 80 columns: {line}')
listing = text.split('Verbs:')[1].split('Options:')[0]
verbs = re.findall(r'^  ([a-z]+(?: [a-z]+)?) ', listing, re.M)
options = set(re.findall(r'(--[a-z-]+)', text.split('Options:')[1]))
expect(len(verbs) > 5 and len(options) > 5, '--help: cannot be read by this test')

NOBODY_THERE = {**os.environ, 'DBUS_SYSTEM_BUS_ADDRESS': 'unix:path=/nonexistent'}


def takes(verb, option):
    """Whether the program takes the option with the verb; a value or none is not its business here."""
    done = subprocess.run([ctl, *verb.split(), option, *(['1'] if f'{option} ' in VALUES else [])],
                          capture_output=True, text=True, check=False, timeout=60,
                          stdin=subprocess.DEVNULL, env=NOBODY_THERE)
    return 'does not take' not in done.stderr


# "--db FILE": options with a value, and a blank behind each.
VALUES = {f'{o} ' for o in re.findall(r'(--[a-z-]+) [A-Z]', text)}
for verb in verbs:
    own = subprocess.run([ctl, *verb.split(), '--help'], capture_output=True, text=True, check=True).stdout
    expect(re.match(rf'softofflinectl {verb}( [A-Z\[|\].]+)? \[OPTION...\]\n', own), f'{verb} --help: {own[:60]}')
    listed = re.findall(r'^ +(?:-\w, )?(--[a-z-]+)', own, re.M)
    taken = {o for o in options if o in ('--help', '--version') or takes(verb, o)}
    expect(set(listed) == taken and len(listed) == len(taken),
           f'{verb} --help: {sorted(listed)}, but it takes {sorted(taken)}')
    # A line that begins with a verb is the line of the common help.
    expect(not re.search(rf'^ .*--.* ({"|".join(verbs)}): ', own, re.M), f'{verb} --help is about other verbs')
    for line in own.splitlines():
        expect(len(line) <= 80, f'{verb} --help: wider than 80 columns: {line}')

with open(os.path.join(root, 'man/softofflinectl.1'), encoding='utf-8') as f:
    page = f.read().replace('\\-', '-')
documented = set(re.findall(r'^\.It (?:Cm|Ic) ([a-z]+(?: (?:Cm )?[a-z]+)?)', page, re.M))
documented = {d.replace('Cm ', '') for d in documented}
for verb in verbs:
    expect(verb in documented, f'softofflinectl(1) does not explain "{verb}"')
known = {'--' + o for o in re.findall(r'Fl Fl ([a-z-]+)', page)}
expect(options <= known, f'softofflinectl(1) lacks {sorted(options - known)}')
expect(known <= options, f'softofflinectl(1) has {sorted(known - options)}')

for program, name in ((daemon, 'softofflined.8'), (collector, 'softofflined-cec.8')):
    text = subprocess.run([program, '--help'], capture_output=True, text=True, check=True).stdout
    with open(os.path.join(root, 'man', name), encoding='utf-8') as f:
        known = {'-' + o for o in re.findall(r'^\.(?:Op |It )?Fl (?:h , )?(-[a-z-]+)', f.read(), re.M)}
    takes = {line.split()[-1] for line in re.findall(r'^ +(?:-\w, )?--[a-z-]+', text, re.M)
             if 'for tests' not in text.split(line)[-1].split('\n')[0]}
    expect(takes == known and len(takes) > 2,
           f'{name} lacks {sorted(takes - known)}, has {sorted(known - takes)}')

def sources(folder):
    """The text of all C files of @folder."""
    for path, _, names in os.walk(os.path.join(root, folder)):
        for name in (n for n in names if n.endswith(('.c', '.h'))):
            with open(os.path.join(path, name), encoding='utf-8') as f:
                yield f.read()


for folder, name in (('ctl', 'softofflinectl.1'), ('daemon', 'softofflined.8')):
    with open(os.path.join(root, 'man', name), encoding='utf-8') as f:
        known = set(re.findall(r'^\.It Ev (\w+)', f.read(), re.M))
    asked = set(re.findall(r'getenv\("(\w+)"\)', '\n'.join(sources(folder))))
    expect(asked and asked <= known, f'{name}, ENVIRONMENT, lacks {sorted(asked - known)}')
    # Libraries ask for these.
    asked |= {'TZ', 'DBUS_SYSTEM_BUS_ADDRESS'}
    expect(known <= asked, f'{name}, ENVIRONMENT, has {sorted(known - asked)}')
codes = re.search(r'enum ctl_exit \{(.*?)\}', '\n'.join(sources('ctl')), re.S)[1]
codes = set(re.findall(r'= (\d+)', codes))
known = set(re.findall(r'^\.It (\d+)$', page.split('.Sh EXIT STATUS')[1], re.M))
expect(codes == known, f'softofflinectl(1), EXIT STATUS: {sorted(known)}, not {sorted(codes)}')

# What the daemons end with, by the names that their sources have for it.
CODES = {'EXIT_FAILURE': '1', 'EXIT_USAGE': '2', 'EX_UNAVAILABLE': '69', 'EX_CONFIG': '78'}
for folder, name, item in (('daemon/loop', 'softofflined.8', r'^\.It (\d+)$'),
                           ('daemon/collector', 'softofflined-cec.8', r'\b(\d+)\b')):
    names = set(re.findall(r'\bEX(?:IT)?_[A-Z]+\b', '\n'.join(sources(folder)))) - {'EXIT_SUCCESS'}
    with open(os.path.join(root, 'man', name), encoding='utf-8') as f:
        known = set(re.findall(item, re.split(r'\.Sh ', f.read().split('.Sh EXIT STATUS')[1])[0],
                               re.M))
    codes = {'0'} | {CODES.get(n, n) for n in names}
    expect(codes == known, f'{name}, EXIT STATUS: {sorted(known)}, not {sorted(codes)}')

for finding in findings:
    print(finding)
print(f'{len(verbs)} verbs, {len(options)} options')
sys.exit(1 if findings else 0)
