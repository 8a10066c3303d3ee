/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A page that errs again, and whose stored record cannot be read at that moment: it is
 * counted from nothing, and what is stored is added and not written over. The disk that
 * fails is played by a table that has another name for a while; a real failing read is
 * under tests/fault.
 */

#include "db_fixture.h"

static void fail_to_read(const struct fixture *f, struct db *db, uint64_t n)
{
	const struct page_rec *rec;
	bool other_boot;
	int r;

	run_sql(f->path, "ALTER TABLE page RENAME TO away");
	r = db_get_page(db, pfn(n), &rec, &other_boot);
	assert_true(r < 0 && r != -ENOENT);
}

static void mend(const struct fixture *f)
{
	run_sql(f->path, "ALTER TABLE away RENAME TO page");
}

static void put_errors(struct db *db, uint64_t n, uint64_t errors)
{
	union test_page p = page_of(n, 50, 60);

	p.rec.corrected_errors = errors;
	assert_int_equal(db_put_page(db, &p.rec), 0);
	must_commit(db);
}

static int64_t errors_of(const struct fixture *f, uint64_t n)
{
	char sql[80];

	snprintf(sql, sizeof(sql), "SELECT corrected_errors FROM page WHERE pfn = %llu",
		 (unsigned long long)n);
	return ask(f->path, sql);
}

static struct db *begin(const struct fixture *f)
{
	struct db *db = must_open(f, DB_CREATED);
	union test_page p = page_of(7, 10, 20);

	p.rec.corrected_errors = 5;
	p.rec.state = PAGE_OFFLINED;
	p.rec.reason = REASON_PAGE_THRESHOLD;
	p.rec.result = RESULT_OFFLINED;
	p.rec.by_us = 1;
	assert_int_equal(db_put_page(db, &p.rec), 0);
	must_commit(db);
	return db;
}

static void added_and_not_over(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(db_close_p) struct db *db = begin(f);
	const struct page_rec *rec;
	bool other_boot;

	fail_to_read(f, db, 7);
	mend(f);
	put_errors(db, 7, 2);
	assert_int_equal(errors_of(f, 7), 7);
	put_errors(db, 7, 3); /* the sum of what came since, not one more addition */
	assert_int_equal(errors_of(f, 7), 8);
	assert_int_equal(ask(f->path,
			     "SELECT count(*) FROM page WHERE pfn = 7 AND state"
			     " = 'offlined' AND result = 'offlined' AND by_us = 1"
			     " AND first_seen = 10 AND last_seen = 60"),
			 1);
	/* read again, the caller knows all of it */
	assert_int_equal(db_get_page(db, pfn(7), &rec, &other_boot), 0);
	assert_int_equal(rec->corrected_errors, 8);
	put_errors(db, 7, 9);
	assert_int_equal(errors_of(f, 7), 9);
}

static void not_while_unreadable(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(db_close_p) struct db *db = begin(f);
	union test_page p = page_of(7, 50, 60);

	fail_to_read(f, db, 7);
	assert_true(db_put_page(db, &p.rec) < 0);
	assert_int_equal(db_lost_rows(db), 1);
	(void)db_commit(db, usec(NOW), usec(OFFSET));
	mend(f);
	assert_int_equal(errors_of(f, 7), 5);
	put_errors(db, 7, 2);
	assert_int_equal(errors_of(f, 7), 7);
	assert_int_equal(db_lost_rows(db), 0);
}

/* Nothing is stored of it after all; another page is none of its business. */
static void others(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(db_close_p) struct db *db = begin(f);

	fail_to_read(f, db, 8);
	mend(f);
	put_errors(db, 8, 2);
	assert_int_equal(errors_of(f, 8), 2);
	put_errors(db, 7, 6);
	assert_int_equal(errors_of(f, 7), 6);
}

/* Read in vain a second time, after it was written with the sum. */
static void again(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(db_close_p) struct db *db = begin(f);

	fail_to_read(f, db, 7);
	mend(f);
	put_errors(db, 7, 2);
	fail_to_read(f, db, 7);
	mend(f);
	put_errors(db, 7, 1);
	assert_int_equal(errors_of(f, 7), 8);
}

static void forgotten(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(db_close_p) struct db *db = begin(f);

	fail_to_read(f, db, 7);
	mend(f);
	assert_int_equal(db_remove_page(db, pfn(7)), 0);
	must_commit(db);
	put_errors(db, 7, 1);
	assert_int_equal(errors_of(f, 7), 1);
}

static void what_was_done_is_newer(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(db_close_p) struct db *db = begin(f);
	union test_page p = page_of(7, 50, 60);

	fail_to_read(f, db, 7);
	mend(f);
	p.rec.state = PAGE_FAILED;
	assert_int_equal(db_put_page(db, &p.rec), 0);
	must_commit(db);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM page WHERE state = 'failed'"),
			 1);
	assert_int_equal(errors_of(f, 7), 7);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* The file is closed and opened while the same engine counts on: what it does not know of
 * the file stays so, and its history goes on under the same numbers. */
static void next_database(void **state)
{
	const struct fixture *f = *state;
	struct db *db = begin(f);
	struct ce_row ce = ce_of(0x1000, 30);
	struct db_heritage *h;

	ce.id = 1;
	assert_int_equal(db_put_ce(db, &ce), 0);
	must_commit(db);
	fail_to_read(f, db, 7);
	mend(f);
	h = db_close_for_next(db);
	db_heritage_note(h, pfn(8));
	assert_non_null(h);
	run_sql(f->path,
		"INSERT INTO page SELECT 8, boot, dimm, 4, first_seen, last_seen,"
		" not_before, 'watched', 'none', 'none', 0, 0, 0, stamps FROM page"
		" WHERE pfn = 7");
	db = must_open(f, DB_OPENED);
	db_inherit(db, h);
	put_errors(db, 7, 2);
	put_errors(db, 8, 1);
	assert_int_equal(errors_of(f, 7), 7);
	assert_int_equal(errors_of(f, 8), 5);
	ce.count = 3; /* the same row, which has grown */
	assert_int_equal(db_put_ce(db, &ce), 0);
	must_commit(db);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM ce"), 1);
	assert_int_equal(ask(f->path, "SELECT sum(count) FROM ce"), 3);
	db_inherit(db, NULL);
	db_close(db);
	assert_null(db_heritage_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(added_and_not_over),
		T(not_while_unreadable),
		T(others),
		T(again),
		T(forgotten),
		T(what_was_done_is_newer),
		T(next_database),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
