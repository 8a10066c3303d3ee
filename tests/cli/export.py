#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What is exported is what the back-test needs: the export of a database and the database
itself give the same results, with the coordinates: export.py CTL MAKE_DB"""

import json
import os
import subprocess
import sys
import tempfile

ctl, make_db = (os.path.abspath(p) for p in sys.argv[1:3])


def run(*args):
    return subprocess.run([ctl, *args], capture_output=True, check=True, text=True).stdout


def default(policies):
    return next(p for p in policies if p['policy'] == 'default')


with tempfile.TemporaryDirectory() as folder:
    database, table = os.path.join(folder, 'db'), os.path.join(folder, 'table.csv')
    subprocess.run([make_db, database], check=True)
    with open(table, 'w', encoding='ascii') as f:
        f.write(run('export', '--db', database))
    of_db = json.loads(run('--json', 'policy', 'backtest', '--db', database))
    of_table = json.loads(run('--json', 'policy', 'backtest', '--input', table))
    assert of_db == of_table, (of_db, of_table)
    dimm = default(of_db)['dimms'][0]
    assert dimm['class'] == 'row', dimm
    text = run('export', '--db', database, '--format=ndjson')
    lines = [json.loads(line) for line in text.splitlines()]
    with open(table, encoding='ascii') as f:
        assert len(lines) + 1 == len(f.readlines())
    assert sum(l['err_count'] for l in lines if l['type'] == 'CE') == default(of_db)['total']['ces']
print('the same from the database and from its export')
