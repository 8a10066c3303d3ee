#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What Prometheus and Grafana do not check: each alert has a summary that names the host, an
action and a section of doc/runbook.md, and tests in which it fires and in which it is
silent; panels of the dashboard have numbers of their own and do not overlap."""

import json
import os
import re
import sys
from pathlib import Path

ROOT = Path(os.environ.get('SOURCE_ROOT') or Path(__file__).resolve().parents[2])
MONITORING = ROOT / 'monitoring'
findings = []


def expect(condition, text):
    if not condition:
        findings.append(text)


def anchors():
    """Of the headings, as GitHub makes them."""
    text = (ROOT / 'doc/runbook.md').read_text(encoding='utf-8')
    return {re.sub(r'[^\w -]', '', h.lower()).replace(' ', '-')
            for h in re.findall(r'^## (.*)$', text, re.M)}


def check_alerts():
    rules = (MONITORING / 'softofflined.rules.yml').read_text(encoding='utf-8')
    tests = (ROOT / 'tests/monitoring/softofflined.test.yml').read_text(encoding='utf-8')
    known, named = anchors(), set()
    blocks = re.split(r'^ +- alert: ', rules, flags=re.M)[1:]
    expect(len(blocks) >= 10, f'only {len(blocks)} alerts were read')
    for block in blocks:
        name = block.split('\n', 1)[0]
        for word, form in (('summary', r"summary: '\{\{ \$labels\.instance \}\}: "),
                           ('action', "action: '.{20}"), ('severity', r'severity: \w')):
            expect(re.search(form, block), f'{name}: no {word}, or not as it should be')
        anchor = re.search(r"runbook: 'doc/runbook\.md#([^']*)'", block)
        expect(anchor and anchor.group(1) in known, f'{name}: no such section of the runbook')
        named.add(anchor and anchor.group(1))
        mine = re.findall(rf'- alertname: {name}\n.*\n +exp_alerts:(.*)\n', tests)
        expect('' in mine, f'{name}: no test in which it fires')
        expect(' []' in mine, f'{name}: no test in which it is silent')
    for anchor in known - named:
        findings.append(f'doc/runbook.md: no alert names the section {anchor}')


def overlap(a, b):
    return (a['x'] < b['x'] + b['w'] and b['x'] < a['x'] + a['w'] and
            a['y'] < b['y'] + b['h'] and b['y'] < a['y'] + a['h'])


def check_dashboard(path):
    panels = json.loads(path.read_text(encoding='utf-8'))['panels']
    expect(len(panels) >= 5, f'{path.name}: only {len(panels)} panels')
    ids = [p['id'] for p in panels]
    expect(len(ids) == len(set(ids)), f'{path.name}: ids are not unique: {sorted(ids)}')
    for i, a in enumerate(panels):
        at = a['gridPos']
        expect(at['x'] >= 0 and at['x'] + at['w'] <= 24 and at['w'] > 0 and at['h'] > 0,
               f'{path.name}: {a["title"]}: not within 24 columns')
        for b in panels[:i]:
            expect(not overlap(at, b['gridPos']),
                   f'{path.name}: {a["title"]} and {b["title"]} overlap')
        expect(a['type'] == 'row' or a.get('targets'), f'{path.name}: {a["title"]}: no query')


check_alerts()
for dashboard in sorted(MONITORING.glob('*.json')):
    check_dashboard(dashboard)
for finding in findings:
    print(finding)
sys.exit(1 if findings else 0)
