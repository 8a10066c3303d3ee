#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Databases that somebody made to harm who reads them: every verb that takes --db ends,
soon, with an exit status and a sentence, in little memory; and what is honest is still
read: hostile_db.py CTL MAKE_DB"""

import os
import resource
import sqlite3
import subprocess
import sys
import tempfile

ctl, make_db = map(os.path.abspath, sys.argv[1:3])
HANGING = 120  # seconds: these take one at most, and did not end before
MEMORY = 1 << 30
VERBS = [['status'], ['pages'], ['dimms'], ['history'], ['show', '0x1000'],
         ['policy', 'backtest']]
YEARS = 365 * 86400 * 10**6
TABLES = ['boot', 'dimm', 'page', 'ce', 'action', 'poison', 'totals', 'reader', 'cell',
          'fault', 'module']
findings = []


def sanitized():
    return any(name.endswith('SAN_OPTIONS') for name in os.environ)


def limit():
    if not sanitized():  # whose shadow takes terabytes
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def run(what, path, verb, wanted, words):
    """@wanted: exit statuses; @words: one of them is said, if it fails."""
    try:
        done = subprocess.run([ctl, '--db', path, *verb], capture_output=True, text=True,
                              check=False, timeout=HANGING, preexec_fn=limit)
    except subprocess.TimeoutExpired:
        findings.append(f'{what}: {verb} does not end')
        return
    said = done.stderr + done.stdout[:300]
    if done.returncode not in wanted:
        findings.append(f'{what}: {verb} ends with {done.returncode}: {said[:300]}')
    if done.returncode == 1 and not any(word in done.stderr for word in words):
        findings.append(f'{what}: {verb} says {said[:300]!r}')


def columns(db, table):
    return [row[1] for row in db.execute(f'PRAGMA table_info("{table}")')]


def as_view(table, body):
    """Our table becomes a view of the same columns."""
    def spoil(db):
        names = columns(db, table)
        db.executescript(f'DROP TABLE "{table}"')
        fields = ', '.join(f'x AS "{name}"' for name in names)
        db.executescript(f'CREATE VIEW "{table}" AS {body.replace("@", fields)}')
    return spoil


ENDLESS = ('WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) '
           'SELECT @ FROM r')


def doubling(db):
    """Sixty views, each of which reads the one before twice."""
    names = columns(db, 'page')
    db.executescript('DROP TABLE page; CREATE VIEW v0 AS SELECT 1 AS x')
    for i in range(1, 60):
        db.executescript(f'CREATE VIEW v{i} AS SELECT a.x FROM v{i - 1} AS a, v{i - 1} AS b')
    fields = ', '.join(f'x AS "{name}"' for name in names)
    db.executescript(f'CREATE VIEW page AS SELECT {fields} FROM v59')


def virtual(db):
    names = columns(db, 'page')
    fields = ', '.join(f'"{name}"' for name in names)
    db.executescript(f'DROP TABLE page; CREATE VIRTUAL TABLE page USING fts4({fields})')


def computed(db):
    """A column that is computed as it is read."""
    text = db.execute("SELECT sql FROM sqlite_schema WHERE name = 'page'").fetchone()[0]
    text = text.replace(') STRICT', ')').replace(
        'state TEXT NOT NULL',
        "state TEXT AS (hex(zeroblob(1000000)) || hex(zeroblob(1000000)))")
    db.executescript(f'DROP TABLE page; {text}')
    db.executescript('INSERT INTO page(pfn, boot, dimm, corrected_errors, first_seen, '
                     "last_seen, not_before, reason, result, attempts, tries, by_us, stamps)"
                     "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r LIMIT "
                     "20000) SELECT x, 1, 0, 1, 1, 1, 1, 'none', 'none', 0, 0, 0, x'' FROM r")


def long_texts(table, column):
    def spoil(db):
        db.execute(f'UPDATE "{table}" SET "{column}" = CAST(zeroblob(400000000) AS TEXT) '
                   f'WHERE rowid = (SELECT min(rowid) FROM "{table}")')
    return spoil


def many_boots(db):
    """Each row of the histories finds twenty thousand boots: a product without an end."""
    for view in 'page', 'ce', 'action', 'poison', 'cell':
        db.execute(f'DROP VIEW {view}_log')
    db.executescript('''CREATE TABLE other(id INTEGER, boot_id TEXT, wall_offset INTEGER,
                                           first_seen INTEGER, last_seen INTEGER);
        WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r LIMIT 20000)
        INSERT INTO other SELECT 1, x, 0, 0, 0 FROM r;
        DROP TABLE boot; ALTER TABLE other RENAME TO boot;
        DELETE FROM ce; DELETE FROM action; DELETE FROM page; DELETE FROM totals;
        WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r LIMIT 20000)
        INSERT INTO ce SELECT x, 1, 1, 1, 1, 1, 1, 0, 0, 0, 'none', 0, '' FROM r;
        WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r LIMIT 20000)
        INSERT INTO action SELECT x, 1, 1, 1, 'offline', 'none', 'none', 'free', 0, 0, 0, 0,
            0, NULL FROM r;
        WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r LIMIT 20000)
        INSERT INTO page SELECT x, 1, 0, 1, 1, 1, 1, 'watched', 'none', 'none', 0, 0, 0, x''
            FROM r;
        INSERT INTO totals SELECT 'boot', 1''')


def far_times(first, last):
    """Histories from one end of time to the other."""
    def spoil(db):
        db.execute('UPDATE boot SET wall_offset = 0')
        db.execute('DELETE FROM ce')
        n = 0
        for first_at, last_at in [(first, first), (first, last), (last, last), (0, 0),
                                  (1, 2)] * 40:
            n += 1
            db.execute("INSERT INTO ce VALUES (?, 1, ?, ?, ?, 9, 9, 0, 0, 0, 'none', 0, '')",
                       (n, first_at, last_at, n % 30 * 4096))
        for table, fields in {'action': ['time'], 'poison': ['time'],
                              'dimm': ['first_seen', 'last_seen'],
                              'page': ['first_seen', 'last_seen', 'not_before']}.items():
            for i, field in enumerate(fields):
                db.execute(f'UPDATE "{table}" SET {field} = ?', ((first, last)[i % 2],))
    return spoil


def triggers(db):
    db.executescript('CREATE TRIGGER t AFTER INSERT ON page BEGIN DELETE FROM ce; END')


def deep_schema(db):
    """Hundreds of views nobody asks for, and an index over an expression."""
    for i in range(300):
        db.executescript(f'CREATE VIEW w{i} AS SELECT ' + '+'.join(['1'] * 900))
    db.executescript('CREATE INDEX odd ON page(abs(pfn))')


MADE_UP = ['no table but made up']
COMPUTED = ['columns that are computed']
LONG = ['longer than any', 'row too big']
STEPS = ['takes longer than its size can explain']
FAILS, FINE, EITHER = [1], [0], [0, 1]
CASES = [(f'endless {t}', as_view(t, ENDLESS), FAILS, MADE_UP) for t in TABLES]
CASES += [
    ('doubling views', doubling, FAILS, MADE_UP),
    ('a virtual table', virtual, FAILS, MADE_UP),
    ('a computed column', computed, FAILS, COMPUTED),
    ('400 MB of a state', long_texts('page', 'state'), EITHER, LONG + ['nothing is known']),
    ('400 MB of a label', long_texts('dimm', 'label'), EITHER, LONG + ['nothing is known']),
    ('400 MB of a result', long_texts('action', 'result'), EITHER,
     LONG + ['nothing is known']),
    ('twenty thousand boots', many_boots, EITHER, STEPS),
    ('times of 292,000 years', far_times(-2**63, 2**63 - 1), EITHER, ['nothing is known']),
    ('times of 250,000 years', far_times(-250000 * YEARS, 250000 * YEARS), EITHER,
     ['nothing is known']),
    ('the years 1970 to 2199', far_times(1, 7258118400 * 10**6 - 1), EITHER,
     ['nothing is known']),
    ('triggers', triggers, EITHER, ['nothing is known']),
    ('odd views', deep_schema, EITHER, ['nothing is known', 'malformed']),
    ('as it was', lambda db: None, EITHER, ['nothing is known']),
]

with tempfile.TemporaryDirectory(prefix='hostile-db-') as folder:
    good = os.path.join(folder, 'good.db')
    subprocess.run([make_db, good], check=True)
    with open(good, 'rb') as f:
        content = f.read()
    for what, spoil, wanted, words in CASES:
        if len(sys.argv) > 3 and sys.argv[3] not in what:
            continue
        path = os.path.join(folder, 'hostile.db')
        with open(path, 'wb') as f:
            f.write(content)
        db = sqlite3.connect(path)
        db.isolation_level = None
        db.execute('PRAGMA journal_mode = DELETE')
        spoil(db)
        db.close()
        for verb in VERBS:
            run(what, path, verb, wanted, words)
        os.unlink(path)

for finding in findings:
    print(finding)
sys.exit(1 if findings else 0)
