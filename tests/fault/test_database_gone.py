#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The database removed, renamed or replaced under the running daemon: it says so within a
minute, status is not fine until everything is stored again, nothing is lost, and nobody's
file is overwritten."""

import shutil
import sqlite3

import host

FIRST = 0x12345000
MINUTE = 60


def files(h):
    return [h.db.with_name(h.db.name + s) for s in ('', '-wal', '-shm')]


def errors(h):
    return h.query('SELECT coalesce(sum(count), 0) FROM ce')[0][0]


def said(h, words):
    return words in h.stderr()


class Life:
    """A daemon that counts, and what it has counted."""

    def __init__(self, h):
        self.h = h
        self.sent = 0

    def count(self, n=50):
        self.h.emit([FIRST + 0x1000 * (self.sent + i) for i in range(n)])
        self.sent += n
        self.h.until(lambda: self.h.counted() == (self.sent, 0), f'{self.sent} events')

    def stored(self):
        h = self.h
        return h.db.exists() and errors(h) == self.sent and \
            h.query('SELECT count(*) FROM page')[0][0] == self.sent

    def wait_stored(self, what):
        self.h.until(self.stored, f'everything stored: {what}')

    def look(self):
        self.h.ctl('reload')


def gone(life, what, do):
    life.count()
    life.wait_stored(what)
    do()
    life.count()  # into what nobody would find
    life.look()
    life.count()
    life.wait_stored(what)
    assert life.h.status()['database']['ok'] is True, what
    life.h.restart()
    assert life.h.counted() == (life.sent, 0), (what, life.h.counted(), life.sent)


def remove(paths):
    for path in paths:
        path.unlink()


def noticed_by_itself(h, life):
    life.count()
    life.wait_stored('before')
    remove(files(h))
    life.count()
    h.until(lambda: said(h, f'{h.db}: was removed or renamed while the daemon runs'),
            'a notice', MINUTE + 30)
    life.wait_stored('after it was removed')
    assert h.status()['database']['ok'] is True


def foreign_file(h, life):
    remove(files(h))
    theirs = sqlite3.connect(h.db)
    theirs.execute('CREATE TABLE mail(x)')
    theirs.commit()
    theirs.close()
    before = h.db.read_bytes()
    life.count()
    life.look()
    h.until(lambda: said(h, 'move it away'), 'a word about the file')
    status = h.status()
    assert status['database']['ok'] is False, status['database']
    assert status['verdict'] == 'degraded', status['verdict']
    assert h.db.read_bytes() == before
    life.count()
    h.db.unlink()
    life.look()
    life.wait_stored('after the foreign file went')
    assert h.status()['database']['ok'] is True


def restored_backup(h, life):
    old = h.dir / 'old.db'
    with sqlite3.connect(h.db) as db:
        db.execute('VACUUM INTO ?', (str(old),))
    kept = life.sent
    life.count()
    shutil.move(old, h.db)
    life.look()
    life.wait_stored('after another database took its place')
    aside = [p for p in h.db.parent.iterdir() if '.replaced-' in p.name]
    assert len(aside) == 1, aside
    with sqlite3.connect(aside[0]) as db:
        assert db.execute('SELECT sum(count) FROM ce').fetchone()[0] == kept


def at_the_end(h, life):
    life.count()
    remove(files(h))
    h.restart()
    assert h.counted() == (life.sent, 0), (h.counted(), life.sent)


def lock(h, life):
    path = h.db.with_name(h.db.name + '.lock')
    path.unlink()
    life.look()
    h.until(lambda: said(h, 'was removed or replaced; taken again'), 'the lock')
    assert path.exists()


def main():
    host.isolate()
    with host.Host('[Policy]\nAction=account\n') as h:
        h.start()
        life = Life(h)
        noticed_by_itself(h, life)
        gone(life, 'removed', lambda: remove(files(h)))
        gone(life, 'renamed', lambda: h.db.rename(h.dir / 'elsewhere'))
        gone(life, 'its log removed', lambda: remove(files(h)[1:2]))
        gone(life, 'its shm removed', lambda: remove(files(h)[2:]))
        foreign_file(h, life)
        restored_backup(h, life)
        at_the_end(h, life)
        lock(h, life)
        assert h.stop() == 0
        print(f'{life.sent} events, all stored')


main()
