#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Back-tests of real errors, where they are there: the page rules of others against a few
lines of brute force, and what the default policy promises: sample.py CTL ERRORS"""

import csv
import json
import os
import subprocess
import sys
from collections import defaultdict

HOUR, DAY = 3600, 86400
PEERS = {'rasdaemon': (50, DAY, True), 'mcelog': (2, DAY, False),
         'windows': (17, DAY, False), 'illumos': (2, 3 * DAY, False)}
WIDE = ('column', 'bank', 'rank', 'channel')
findings = []


def expect(condition, text):
    if not condition:
        findings.append(text)


def page_rule(rows, count, window, tumbling):
    """({dimm: pages offlined}, {dimm: errors avoided})"""
    past, gone = {}, set()
    pages, avoided = defaultdict(int), defaultdict(int)
    for time, dimm, page in rows:
        if (dimm, page) in gone:
            avoided[dimm] += 1
            continue
        seen = past.setdefault((dimm, page), [])
        if tumbling and seen and time - seen[0] >= window:
            seen.clear()
        seen.append(time)
        newest = seen[-count:]
        if len(newest) == count and (tumbling or time - newest[0] <= window):
            gone.add((dimm, page))
            pages[dimm] += 1
    return pages, avoided


def row_pages(rows):
    """{dimm: pages that lie in a row with two columns within a week}, by all its errors"""
    cells, pages = defaultdict(list), defaultdict(set)
    for r in rows:
        row = tuple(r[k] for k in ('dimm', 'rank', 'bankgroup', 'bank', 'row'))
        cells[row].append((int(r['time']), int(r['column']) >> 3, int(r['pa'], 16) >> 12))
    for row, events in cells.items():
        if any(a[1] != b[1] and abs(a[0] - b[0]) <= 7 * DAY
               for i, a in enumerate(events) for b in events[:i]):
            pages[row[0]] |= {page for _, _, page in events}
    return pages


def check_default(result, rows):
    expect(result['total']['percent_avoided'] >= 98.5,
           f'only {result["total"]["percent_avoided"]} % avoided')
    dying = [r for r in rows if r['ue_ticket_time']]
    known = row_pages(dying)
    for d in result['dimms']:
        name, fault = d['dimm'], d['class']
        expect(d['pages_offlined'] <= d['pages'], f'{name}: a page without an error')
        if fault == 'cell':
            expect(d['verdict'] in ('ok', 'watch'), f'{name}: a cell, and {d["verdict"]}')
        if fault in WIDE:
            expect(d['verdict'] == 'replace', f'{name}: {fault}, and {d["verdict"]}')
            expect(d['pages_offlined'] <= 20, f'{name}: {d["pages_offlined"]} pages spent')
            if d['ue_time']:
                expect(d['replace_hours_before_ue'], f'{name}: no replace before the UE')
        elif d['ue_time']:
            expect(d['pages_covered_before_ue'] >= len(known[name]),
                   f'{name}: {d["pages_covered_before_ue"]} of {len(known[name])} covered')


ctl, path = sys.argv[1:3]
if not os.path.exists(path):
    print(f'{path}: not there; the real errors are not part of this project')
    sys.exit(77)
with open(path, encoding='ascii') as f:
    table = [r for r in csv.DictReader(f)
             if not r['ue_ticket_time'] or int(r['time']) <= int(r['ue_ticket_time'])]
simple = [(int(r['time']), r['dimm'], int(r['pa'], 16) >> 12) for r in table]
done = subprocess.run([ctl, '--json', 'policy', 'backtest', '--input', path],
                      stdout=subprocess.PIPE, check=True)
results = {r['policy']: r for r in json.loads(done.stdout)}
for peer, rule in PEERS.items():
    offlined, saved = page_rule(simple, *rule)
    for dimm in results[peer]['dimms']:
        found = dimm['pages_offlined'], dimm['ces_avoided']
        wanted = offlined[dimm['dimm']], saved[dimm['dimm']]
        expect(found == wanted, f'{peer}: {dimm["dimm"]}: {found} instead of {wanted}')
check_default(results['default'], table)
for finding in findings:
    print(finding)
print(f'{len(simple)} errors')
sys.exit(1 if findings else 0)
