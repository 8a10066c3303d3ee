#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What export writes import takes back, byte by byte, and nothing else does it take:
import.py CTL MAKE_DB DAEMON"""

import fcntl
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile

ctl, make_db, daemon = (os.path.abspath(p) for p in sys.argv[1:4])
HEADING = ('time,first,server,dimm,slot_name,part,serial,mc,layer_0,layer_1,layer_2,type,'
           'err_count,events,pa,subchannel,rank,chip,device,bankgroup,bank,row,column')
PARTS = [('subchannel', 255), ('rank', 255), ('chip', 255), ('device', 255), ('bankgroup', 255),
         ('bank', 65535), ('row', 2**32 - 1), ('column', 2**32 - 1)]
TEXTS = ['', 'P1-DIMMA1', 'a,b', '"', '""', ',', '","', ' x ', 'none', '-', '%0a%0d', '%', 'nan',
         '#', '{', 'x' * 288, '=1+1', "';--", '\\n', '\\u0041', 'unknown memory']
random.seed(20261130)


def run(*args, wanted=0, **kwargs):
    done = subprocess.run([ctl, *args], capture_output=True, check=False, text=True,
                          timeout=60, **kwargs)
    assert done.returncode == wanted, (args, done.returncode, done.stdout, done.stderr)
    return done.stderr if wanted else done.stdout


def read(path):
    with open(path, encoding='ascii', newline='') as f:
        return f.read()


def write(path, text):
    with open(path, 'w', encoding='ascii', newline='') as f:
        f.write(text)
    return path


def one_of(*values):
    return random.choice(values)


def number(top):
    return one_of(0, 1, top, top - 1, random.randrange(top + 1))


def make_row(time, server='far'):
    """A row of odd values, as export's JSON has it."""
    length = one_of(0, 0, 1, 10**6, random.randrange(10**12))
    return {
        'time': time, 'first': max(0, time - length), 'server': server,
        'dimm': one_of(*TEXTS),
        'module': {'slot': one_of(*TEXTS), 'part': one_of(*TEXTS), 'serial': one_of(*TEXTS),
                   'mc': one_of(-1, 0, 254, 255),
                   'layers': [one_of(-1, 0, 127) for _ in range(3)]},
        'type': one_of('CE', 'CE', 'UE', 'info'),
        'err_count': 1 + number(2**63 - 2), 'events': 1 + number(2**32 - 2),
        'address': one_of(None, hex(number(2**64 - 1)), '0x1000'),
        'place': {name: number(top) for name, top in PARTS if random.random() < .6}}


def csv_line(row):
    def quoted(text):
        return '"' + text.replace('"', '""') + '"'

    def moment(time):
        return f'{time // 10**6}.{time % 10**6:06}'
    m = row['module']
    texts = [row['server'], row['dimm'], m['slot'], m['part'], m['serial']]
    return ','.join([moment(row['time']), moment(row['first']), *map(quoted, texts), str(m['mc']),
                     *map(str, m['layers']), row['type'], str(row['err_count']),
                     str(row['events']), row['address'] or '',
                     *(str(row['place'].get(name, '')) for name, _ in PARTS)])


def csv(rows):
    return '\n'.join([HEADING, *map(csv_line, rows)]) + '\n'


def ndjson(rows):
    return ''.join(json.dumps(r, sort_keys=True, separators=(',', ':')) + '\n' for r in rows)


def make_rows(n):
    times = sorted(random.randrange(10**15) * 17 // 10 for _ in range(n))
    for i in range(1, n, 7):
        times[i] = times[i - 1]
    rows = [make_row(t, one_of('far', 'a,"b"', 'far')) for t in times]
    for i in range(2, n, 11):  # the same row twice, word for word
        rows[i] = dict(rows[i - 1])
    return rows


def check_round_trip():
    for n in 1, 2, 40, 400:
        rows = make_rows(n)
        table, lines = csv(rows), ndjson(rows)
        for form, text in ('csv', table), ('ndjson', lines):
            db = f'{form}{n}'
            run('import', '--db', db, write('in', text))
            assert read(f'{db}.imported') == table, f'{form}: another table is kept'
            assert run('export', '--db', db) == table, f'{form}: another table'
            assert run('export', '--db', db, '--json') == lines, f'{form}: other lines'
            again = json.loads(run('--json', 'import', '--db', db, '-', input=text))
            assert again == {'rows': n, 'added': 0, 'updated': 0, 'known': n, 'kept': n}, again
            assert run('export', '--db', db) == table, f'{form}: twice is more than once'
            assert os.stat(f'{db}.imported').st_mode & 0o777 == 0o600
    write('crlf', table.replace('\n', '\r\n'))
    run('import', '--db', 'crlf-db', 'crlf')
    assert run('export', '--db', 'crlf-db') == table


def check_merge():
    """Two exports of one machine: what grew is there once, and what is new is added."""
    row = make_row(10**15)
    row.update(first=10**15 - 10**7, err_count=5, events=2, address='0x1000', type='CE')
    later = {**row, 'time': row['time'] + 10**6, 'err_count': 9}
    drifted = {**later, 'first': later['first'] + 3, 'time': later['time'] + 3}
    other = {**row, 'server': 'elsewhere'}
    new = {**row, 'first': row['first'] + 10**6}
    for first, second, kept in (([row], [later], [later]), ([later], [row], [later]),
                                ([row], [drifted], [drifted]), ([row], [other], [row, other]),
                                ([row], [row, new], [row, new]),
                                ([row, later], [later], [row, later]),
                                ([later], [row, later], [row, later])):
        for path in 'merged.imported',:
            if os.path.exists(path):
                os.unlink(path)
        run('import', '--db', 'merged', write('in', csv(first)))
        run('import', '--db', 'merged', write('in', csv(second)))
        assert sorted(read('merged.imported').splitlines()) == sorted(csv(kept).splitlines())


def bad_lines():
    row = make_row(10**15)
    row.update(dimm='A', err_count=3, address='0x1000', place={}, type='CE')
    good = csv_line(row)
    fields = good.split(',')
    for column, values in ((0, ['', 'x', '1', '1.5', '-1.000000', '99999999999.000000', '1e9']),
                           (1, ['1000000001.000000', '']), (3, ['"A', '"A"B', '"\t"', '"\x7f"',
                                                               '"' + 'x' * 1024 + '"']),
                           (7, ['-2', '256', '', '1.0']), (8, ['128', '-2', '']),
                           (11, ['', 'ce', 'CE.SCRUB', 'XX']),
                           (12, ['0', '', '-1', '9223372036854775808', '1,1']),
                           (13, ['0', '4294967296']),
                           (14, ['1000', '4096', '0x', '0X10', '0x1G', '0x1' + '0' * 16]),
                           (15, ['256', '-1', 'x', '0x1']), (22, ['4294967296'])):
        for value in values:
            yield 'csv', ','.join(fields[:column] + [value] + fields[column + 1:])
    yield from (('csv', line) for line in ('', HEADING, good + ',', good[:-1], '#', good + 'x'))
    for change in ({'time': 1.5}, {'time': -1}, {'first': 2 * 10**15}, {'time': 10**17},
                   {'time': '1'}, {'type': 'X'}, {'err_count': 0}, {'events': 2**32},
                   {'address': '1000'}, {'address': 4096}, {'address': ''}, {'dimm': 1},
                   {'dimm': 'a\tb'}, {'dimm': '\u00e4'}, {'server': None}, {'module': {}},
                   {'module': {**row['module'], 'mc': 256}}, {'place': {'row': -1}},
                   {'module': {**row['module'], 'layers': [0, 0]}}, {'place': {'x': 1}},
                   {'place': None}, {'more': 1}):
        yield 'ndjson', json.dumps({**row, **change})
    yield from (('ndjson', line) for line in
                ('', '[]', '{}', ndjson([row])[:-2], ndjson([row])[:-1] + 'x',
                 '{"time":1,' + ndjson([row])[1:-1]))


def check_refusals():
    rows = make_rows(5)
    run('import', '--db', 'kept', write('in', csv(rows)))
    before = read('kept.imported')
    for form, line in bad_lines():
        text = csv(rows) if form == 'csv' else ndjson(rows)
        write('in', text + line + '\n' + (csv(rows[:1]).split('\n')[1] if form == 'csv' else ''))
        said = run('import', '--db', 'kept', 'in', wanted=1)
        number = len(text.splitlines()) + 1
        assert f'in:{number}: ' in said and 'nothing was imported' in said, (line, said)
        assert read('kept.imported') == before, line
    for text in ('', '\n', HEADING.replace('pa', 'address') + '\n', 'time,dimm\n1,a\n'):
        said = run('import', '--db', 'kept', write('in', text), wanted=1)
        assert 'in:1: ' in said, said
    run('import', '--db', 'kept', 'missing', wanted=1)
    run('import', '--db', 'no/folder', write('in', csv(rows)), wanted=1)
    run('import', '--db', 'kept', '--server', 'a\nb', 'in', wanted=2)
    with open('kept.imported.new', 'w', encoding='ascii') as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        assert 'another import' in run('import', '--db', 'kept', 'in', wanted=1)
    run('import', '--db', 'kept', 'in')  # after one that was killed
    assert read('kept.imported') == before
    write('kept.imported', before + 'damaged\n')
    said = run('import', '--db', 'kept', 'in', wanted=1)
    assert f'kept.imported:{len(before.splitlines()) + 1}: ' in said, said
    assert read('kept.imported') == before + 'damaged\n'
    assert not os.path.exists('kept.imported.new'), 'half a file is left'
    run('export', '--db', 'kept', wanted=1)
    run('export', '--db', 'nothing', wanted=1)


def check_same():
    """One row 100,000 times: neither lost nor compared with each other one by one."""
    row = {**make_row(10**15), 'type': 'CE', 'address': None}
    write('in', csv([row] * 100000))
    for new, known in (100000, 0), (0, 100000):
        said = json.loads(run('--json', 'import', '--db', 'same', 'in'))
        assert (said['added'], said['known'], said['kept']) == (new, known, 100000), said


def check_server():
    rows = [{**make_row(10**15), 'server': 'this machine'}]
    said = run('import', '--db', 'named', write('in', csv(rows)), wanted=1)
    assert '--server' in said and not os.path.exists('named.imported'), said
    run('import', '--db', 'named', '--server', 'n17', 'in')
    assert run('export', '--db', 'named') == csv([{**rows[0], 'server': 'n17'}])


def check_database():
    """With a database of the daemon: its own rows stay, and it is only read."""
    subprocess.run([make_db, 'db'], check=True)
    with open('db', 'rb') as f:
        before = hashlib.sha256(f.read()).digest()
    own = run('export', '--db', 'db')
    listed = [run(*verb.split(), '--db', 'db', '--json') for verb in
              ('dimms', 'pages', 'history', 'show 0x1a2b3c040')]
    run('import', '--db', 'db', '--server', 'this machine', write('in', own))
    assert run('export', '--db', 'db') == own, 'errors that are known are shown twice'
    run('import', '--db', 'db', '--server', 'this machine',
        write('in', own.replace('0x1a2b3c040', '0x7a2b3c000')))
    assert len(run('export', '--db', 'db').splitlines()) > len(own.splitlines())
    far = own.replace('"this machine"', '"far"')
    run('import', '--db', 'db', write('in', far))
    assert '"far","P1-DIMMA1"' in run('export', '--db', 'db')
    text = run('export', '--db', 'db')
    for form, table in ('csv', text), ('ndjson', run('export', '--db', 'db', '--json')):
        assert run('--json', 'policy', 'backtest', '--db', 'db') == \
            run('--json', 'policy', 'backtest', '--input', write('all', table)), form
    with open('db', 'rb') as f:
        assert hashlib.sha256(f.read()).digest() == before, 'an import wrote the database'
    assert listed == [run(*verb.split(), '--db', 'db', '--json') for verb in
                      ('dimms', 'pages', 'history', 'show 0x1a2b3c040')], 'a verdict changed'
    # The only name of the file is in softofflinectl.
    with open(daemon, 'rb') as d, open(ctl, 'rb') as c:
        assert b'.imported' not in d.read() and b'.imported' in c.read()


def check_identity():
    """One label, two modules: two DIMMs, by serial number or controller."""
    rows = []
    for i in range(8):
        row = make_row(10**15 + i * 10**7)
        row.update(dimm='A1', address=hex(0x1000 * (i + 1)), type='CE', first=row['time'],
                   err_count=1, events=1, place={})
        row['module'].update(serial='S1' if i < 4 else 'S2', part='P', mc=0)
        rows.append(row)
    answer = json.loads(run('--json', 'policy', 'backtest', '--policy', 'default', '--input',
                            write('in', csv(rows))))
    names = [d['dimm'] for d in answer[0]['dimms']]
    assert names == ['A1', 'A1 (S2 P mc0)'], names
    assert [d['ces'] for d in answer[0]['dimms']] == [4, 4], answer


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    check_round_trip()
    check_merge()
    check_refusals()
    check_same()
    check_server()
    check_database()
    check_identity()
    os.chdir('/')
print('what was exported is imported, and nothing else')
