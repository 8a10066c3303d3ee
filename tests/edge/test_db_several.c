/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Rows that are stored several at a time: they are what they are one by one, and one that
 * cannot be stored takes none of the others with it, however SQLite ends the statement.
 */

#include "db_fixture.h"
#include "store/db_internal.h"

#define ROWS 45 /* several times several, and some that are left over */

static void get_page(struct db *db, uint64_t n, union test_page *ret)
{
	const struct page_rec *rec = NULL;
	bool other = true;

	assert_int_equal(db_get_page(db, pfn(n), &rec, &other), 0);
	assert_false(other);
	memcpy(ret, rec, sizeof(*rec) + rec->n_stamps * sizeof(*rec->stamps));
}

/* Each of its own length, so that none is taken for another. */
static void make_pages(union test_page *pages, const void **rows, unsigned int n,
		       uint64_t seed)
{
	for (unsigned int i = 0; i < n; i++) {
		struct page_rec *rec = &pages[i].rec;

		memset(&pages[i], 0, sizeof(pages[i]));
		rec->pfn = i;
		rec->dimm = (uint16_t)(seed + i);
		rec->corrected_errors = seed * 1000 + i;
		rec->first_seen = (int64_t)i;
		rec->not_before = (int64_t)seed;
		rec->state = i % PAGE_STATE_MAX_ & 15;
		rec->n_stamps = (uint16_t)((i + seed) % 9);
		for (unsigned int k = 0; k < rec->n_stamps; k++)
			rec->stamps[k] = (int64_t)(seed * 10000 + i * 100 + k);
		rows[i] = rec;
	}
}

static void assert_same_page(struct db *db, const struct page_rec *want)
{
	union test_page got;

	get_page(db, want->pfn, &got);
	assert_int_equal(got.rec.dimm, want->dimm);
	assert_int_equal(got.rec.corrected_errors, want->corrected_errors);
	assert_int_equal(got.rec.not_before, want->not_before);
	assert_int_equal(got.rec.state, want->state);
	assert_int_equal(got.rec.n_stamps, want->n_stamps);
	assert_memory_equal(got.rec.stamps, want->stamps,
			    want->n_stamps * sizeof(*want->stamps));
}

/* New ones, and known ones once more. */
static void pages_are_the_same(void **state)
{
	const struct fixture *f = *state;
	struct db *db = must_open(f, DB_CREATED);
	union test_page pages[ROWS];
	const void *rows[ROWS];

	for (uint64_t seed = 1; seed <= 2; seed++) {
		for (unsigned int n = 0; n <= ROWS; n += n < 20 ? 1 : 25) {
			make_pages(pages, rows, ROWS, seed * 100 + n);
			assert_int_equal(db_put_pages(db, rows, n), 0);
			assert_int_equal(db_pending(db), n);
			for (unsigned int i = 0; i < n; i++)
				assert_same_page(db, rows[i]);
			must_commit(db);
		}
	}
	db_close(db);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM page"), ROWS);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM page WHERE length(stamps) = 0"
				      " AND last_seen <> first_seen"),
			 0);
	assert_int_equal(ask(f->path, "SELECT last_seen FROM page WHERE pfn = 44"),
			 pages[44].rec.stamps[pages[44].rec.n_stamps - 1]);
}

/* A row that goes on under its id, twice in one statement even. */
static void history_is_the_same(void **state)
{
	const struct fixture *f = *state;
	struct db *db = must_open(f, DB_CREATED);
	struct ce_row ces[ROWS];
	const void *rows[ROWS];

	for (unsigned int i = 0; i < ROWS; i++) {
		ces[i] = ce_of(i * UINT64_C(64), i);
		ces[i].id = i + 1;
		ces[i].has_address = i % 3 != 0;
		rows[i] = &ces[i];
	}
	assert_int_equal(db_put_ces(db, rows, ROWS), 0);
	for (unsigned int i = 0; i < ROWS; i++) {
		ces[i].id = i % 20 + 1;
		ces[i].events = 2;
		ces[i].count = i;
	}
	assert_int_equal(db_put_ces(db, rows, ROWS), 0);
	assert_int_equal(db_pending(db), 2 * ROWS);
	db_close(db);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM ce"), ROWS);
	assert_int_equal(ask(f->path, "SELECT sum(events) FROM ce"), ROWS + 20);
	/* The last one of each: 40 to 44, then 25 to 39; and 25 that were left alone. */
	assert_int_equal(ask(f->path, "SELECT sum(count) FROM ce"),
			 (40 + 44) * 5 / 2 + (25 + 39) * 15 / 2 + 25);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM ce WHERE address IS NULL"),
			 ROWS / 3);
}

/* What refuses rows here is a trigger, and those are off. */
static struct db *open_with_triggers(const struct fixture *f)
{
	struct db *db = must_open(f, DB_CREATED);

	assert_int_equal(
		sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, NULL),
		SQLITE_OK);
	return db;
}

static void refuse_page_5(const struct fixture *f, const char *how)
{
	char sql[160];

	snprintf(sql, sizeof(sql),
		 "CREATE TRIGGER refuse BEFORE INSERT ON page WHEN NEW.pfn = 5"
		 " BEGIN SELECT RAISE(%s, 'no'); END",
		 how);
	run_sql(f->path, sql);
}

/* @how: SQLite undoes the statement, what it has done so far not even, or the group. */
static void all_but_one(const struct fixture *f, const char *how)
{
	struct db *db = open_with_triggers(f);
	union test_page pages[ROWS], before = page_of(1000, 1, 2);
	const void *rows[ROWS];

	refuse_page_5(f, how);
	assert_int_equal(db_put_page(db, &before.rec), 0);
	make_pages(pages, rows, ROWS, 1);
	assert_true(db_put_pages(db, rows, ROWS) < 0);
	assert_int_equal(db_lost_rows(db), 1);
	must_commit(db);
	for (unsigned int i = 0; i < ROWS; i++)
		if (i != 5)
			assert_same_page(db, rows[i]);
	db_close(db);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM page"), ROWS);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM page WHERE pfn = 5"), 0);
}

static void one_is_refused(void **state)
{
	all_but_one(*state, "ABORT");
}

static void one_fails(void **state)
{
	all_but_one(*state, "FAIL");
}

static void one_ends_the_group(void **state)
{
	all_but_one(*state, "ROLLBACK");
}

/* What SQLite's calls of fails() are to say, one after the other; then "no". Remembered
 * even if what it was asked for is undone. */
static void fails(sqlite3_context *c, int n, sqlite3_value **args)
{
	const char **script = sqlite3_user_data(c);

	sqlite3_result_int(c, **script == 'y');
	*script += **script != '\0';
}

/* Storing one of the pages 13 and 1000 asks fails(), and ends the group if so. */
static struct db *open_scripted(const struct fixture *f, const char **script)
{
	struct db *db = open_with_triggers(f);

	assert_int_equal(sqlite3_create_function(db->handle, "fails", 0,
						 SQLITE_UTF8 | SQLITE_INNOCUOUS, script,
						 fails, NULL, NULL),
			 SQLITE_OK);
	run_sql(f->path, "CREATE TRIGGER refuse BEFORE INSERT ON page"
			 " WHEN NEW.pfn IN (13, 1000)"
			 " BEGIN SELECT iif(fails(), RAISE(ROLLBACK, 'no'), 0); END");
	return db;
}

/* What fails for several and then for none: nothing at all may be missing. */
static void group_is_lost_once(void **state)
{
	const struct fixture *f = *state;
	const char *script = "ny"; /* page 1000, page 13 */
	struct db *db = open_scripted(f, &script);
	union test_page pages[ROWS], before = page_of(1000, 1, 2);
	struct totals totals = { .events = 17, .next_action_id = 5 };
	const void *rows[ROWS];

	assert_int_equal(db_put_page(db, &before.rec), 0);
	assert_int_equal(db_put_totals(db, &totals), 0);
	make_pages(pages, rows, ROWS, 1);
	assert_int_equal(db_put_pages(db, rows, ROWS), 0);
	assert_string_equal(script, "");
	assert_int_equal(db_lost_rows(db), 0);
	assert_int_equal(db_pending(db), ROWS + 2);
	must_commit(db);
	for (unsigned int i = 0; i < ROWS; i++)
		assert_same_page(db, rows[i]);
	assert_same_page(db, &before.rec);
	db_close(db);
	assert_int_equal(ask(f->path, "SELECT value FROM totals WHERE key = 'events'"),
			 17);
	assert_int_equal(
		ask(f->path, "SELECT value FROM totals WHERE key = 'next_action_id'"), 5);
}

/* A group that cannot be stored again is counted, and reported. */
static void group_is_lost(void **state)
{
	const struct fixture *f = *state;
	const char *script = "nyy"; /* page 1000, page 13, page 1000 again */
	struct db *db = open_scripted(f, &script);
	union test_page pages[ROWS], before = page_of(1000, 1, 2);
	const void *rows[ROWS];

	assert_int_equal(db_put_page(db, &before.rec), 0);
	make_pages(pages, rows, ROWS, 1);
	assert_true(db_put_pages(db, rows, ROWS) < 0);
	assert_string_equal(script, "");
	/* That page, and the eight that had gone well. */
	assert_int_equal(db_lost_rows(db), 9);
	assert_int_equal(db_pending(db), ROWS - 8);
	must_commit(db);
	for (unsigned int i = 8; i < ROWS; i++)
		assert_same_page(db, rows[i]);
	db_close(db);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM page"), ROWS - 8);
}

/* Pages that may not be pruned, until nothing more finds room: there or counted lost. */
static void fill(struct db *db, unsigned int *ret_given)
{
	union test_page pages[ROWS];
	const void *rows[ROWS];

	*ret_given = 0;
	while (db_lost_rows(db) < 300) {
		make_pages(pages, rows, ROWS, 3);
		for (unsigned int i = 0; i < ROWS; i++) {
			pages[i].rec.pfn = *ret_given + i;
			pages[i].rec.state = PAGE_OFFLINED;
		}
		*ret_given += ROWS;
		(void)db_put_pages(db, rows, ROWS);
		if (db_pending(db) >= DB_GROUP_ROWS)
			(void)db_commit(db, usec(NOW), usec(OFFSET));
	}
	(void)db_commit(db, usec(NOW), usec(OFFSET));
}

static void assert_there_or_lost(struct db *db, const struct fixture *f,
				 unsigned int given)
{
	uint64_t lost = db_lost_rows(db);

	db_close(db);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM page"), given - lost);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM pragma_integrity_check"
				      " WHERE integrity_check = 'ok'"),
			 1);
}

static void full_at_the_cap(void **state)
{
	const struct fixture *f = *state;
	struct db_options o = options_of(f);
	unsigned int given;
	struct db *db;

	o.max_size = UINT64_C(1) << 20;
	db = must_open_as(&o, DB_CREATED);
	fill(db, &given);
	assert_true(given > 2000);
	assert_there_or_lost(db, f, given);
}

static void full_disk(void **state)
{
	const struct fixture *f = *state;
	unsigned int given;
	struct db *db;

	if (mount("tmpfs", f->folder, "tmpfs", 0, "size=1m") < 0)
		skip(); /* not root */
	db = must_open(f, DB_CREATED);
	fill(db, &given);
	/* room again: the WAL can be emptied */
	assert_int_equal(mount(NULL, f->folder, NULL, MS_REMOUNT, "size=16m"), 0);
	assert_there_or_lost(db, f, given);
	assert_int_equal(umount(f->folder), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(pages_are_the_same), T(history_is_the_same), T(one_is_refused),
		T(one_fails),          T(one_ends_the_group),  T(full_at_the_cap),
		T(group_is_lost_once), T(group_is_lost),       T(full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
