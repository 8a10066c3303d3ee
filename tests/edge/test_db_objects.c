/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The parts of the database that need no database: the changes of a group, what was lost,
 * pages that could not be read, the SQL that follows from a list of columns.
 */

#include "db_fixture.h"
#include "store/db_lost.h"
#include "store/db_redo.h"
#include "store/db_schema.h"
#include "store/db_unread.h"

static uint64_t stored_count;

static uint64_t stored(void *userdata, uint64_t id)
{
	return stored_count;
}

static void put_ce(struct db_redo *r, uint64_t id, uint64_t count)
{
	const struct ce_row row = { .id = id, .count = count };

	(void)db_redo_append(r, (struct change){ .kind = CHANGE_CE }, &row, sizeof(row));
}

static void changes_keep_their_order(void **state)
{
	struct db_redo r = { 0 };
	const struct change *c = NULL;
	uint8_t byte = 7;
	unsigned int n = 0;

	assert_int_equal(db_redo_room(&r, 1), -EROFS);
	assert_int_equal(db_redo_new(&r), 0);
	assert_null(db_redo_next(&r, NULL));
	for (int64_t i = 0; i < 5; i++)
		(void)db_redo_append(&r,
				     (struct change){ .kind = CHANGE_READER, .index = i },
				     &byte, (size_t)i % 2);
	while ((c = db_redo_next(&r, c))) {
		assert_int_equal(c->index, n++);
		assert_int_equal(c->size % 8, 0);
	}
	assert_int_equal(n, 5);
	while (db_redo_room(&r, db_redo_size(4096)) == 1)
		(void)db_redo_append(&r, (struct change){ .kind = CHANGE_PAGE },
				     (char[4096]){ 0 }, 4096);
	assert_int_equal(db_redo_room(&r, db_redo_size(4096)), 0);
	assert_int_equal(db_redo_room(&r, SIZE_MAX / 2), -EMSGSIZE);
	db_redo_free(&r);
}

static void a_row_is_lost_once(void **state)
{
	struct db_redo r = { 0 };
	struct db_lost l;
	struct db_missing missing;

	assert_int_equal(db_redo_new(&r), 0);
	assert_int_equal(db_lost_new(&l, stored, NULL), 0);
	put_ce(&r, 3, 10);
	put_ce(&r, 3, 12);
	put_ce(&r, 4, 1);
	db_lost_add_group(&l, &r);
	assert_int_equal(db_lost_count(&l), 2);
	assert_int_equal(l.rows, 0);

	/* stored after all */
	r.len = 0;
	put_ce(&r, 4, 1);
	db_lost_found(&l, &r);
	assert_int_equal(db_lost_count(&l), 1);

	/* it had grown since it was stored: only the rest is missing */
	stored_count = 5;
	db_lost_settle(&l, &missing);
	assert_int_equal(missing.rows, 0);
	assert_int_equal(missing.errors, 7);
	stored_count = 0;

	/* without an id it is never put again */
	r.len = 0;
	put_ce(&r, 0, 2);
	put_ce(&r, 0, 2);
	db_lost_add_group(&l, &r);
	assert_int_equal(l.rows, 2);
	db_lost_settle(&l, &missing);
	assert_int_equal(missing.rows, 2);
	assert_int_equal(missing.errors, 4);
	assert_false(missing.at_most);
	db_lost_free(&l);
	db_redo_free(&r);
}

/* More than can be noted are lost for good, and that is said. */
static void more_than_can_be_noted(void **state)
{
	struct db_lost l;
	struct db_missing missing;

	assert_int_equal(db_lost_new(&l, stored, NULL), 0);
	for (uint64_t pfn = 1; pfn <= 40000; pfn++) {
		const struct page_rec rec = { .pfn = pfn };

		db_lost_add(&l, CHANGE_PAGE, &rec);
	}
	assert_int_equal(db_lost_count(&l), 40000);
	db_lost_settle(&l, &missing);
	assert_int_equal(missing.rows, 40000);
	assert_true(missing.at_most);
	db_lost_free(&l);
}

static void unread_pages_are_added_up(void **state)
{
	const struct page_rec known = { .pfn = 8,
					.corrected_errors = 5,
					.first_seen = 100,
					.state = PAGE_OFFLINED,
					.result = RESULT_OFFLINED,
					.attempts = 2,
					.by_us = true };
	struct page_rec now = { .pfn = 8, .corrected_errors = 1, .first_seen = 900 };
	struct db_unread u = { 0 };

	assert_int_equal(db_unread_look(&u, 8), 0);
	db_unread_note(&u, 8);
	assert_int_equal(db_unread_look(&u, 8), 1);
	assert_int_equal(db_unread_look(&u, 9), 0);
	db_unread_found(&u, 8, &known, false);
	assert_int_equal(db_unread_look(&u, 8), 0);
	db_unread_add(&u, &now);
	assert_int_equal(now.corrected_errors, 6);
	assert_int_equal(now.first_seen, 100);
	assert_int_equal(now.state, PAGE_OFFLINED);
	assert_int_equal(now.result, RESULT_OFFLINED);
	assert_int_equal(now.attempts, 2);
	assert_int_equal(now.by_us, 1);

	/* of another boot only the count is added; another file is read again */
	db_unread_restart(&u);
	assert_int_equal(db_unread_look(&u, 8), 1);
	db_unread_found(&u, 8, &known, true);
	now = (struct page_rec){ .pfn = 8, .corrected_errors = 1 };
	db_unread_add(&u, &now);
	assert_int_equal(now.corrected_errors, 6);
	assert_int_equal(now.state, PAGE_WATCHED);
	db_unread_forget(&u, 8);
	now.corrected_errors = 1;
	db_unread_add(&u, &now);
	assert_int_equal(now.corrected_errors, 1);

	for (uint64_t pfn = 0; pfn <= 4096; pfn++)
		db_unread_note(&u, pfn);
	assert_true(u.overflowed);
	assert_int_equal(db_unread_look(&u, 100000), -EIO);
	db_unread_free(&u);
}

static void sql_follows_from_the_columns(void **state)
{
	char sql[DB_SQL_MAX];

	assert_int_equal(db_render(&db_reader_table,
				   "INSERT INTO reader({names}) VALUES {values} SET "
				   "{updates}; SELECT {read}",
				   2, sql, sizeof(sql)),
			 0);
	assert_string_equal(sql, "INSERT INTO reader(cpu, boot, read) VALUES (?, ?, ?), "
				 "(?, ?, ?) SET boot = excluded.boot, read = "
				 "excluded.read; SELECT reader.cpu, reader.boot, "
				 "reader.read");
	assert_int_equal(db_render(&db_reader_table, "{other}", 1, sql, sizeof(sql)),
			 -EINVAL);
	assert_int_equal(db_render(&db_reader_table, "{names}", 1, sql, 8), -E2BIG);
	assert_int_equal(db_render_create(&db_module_table, sql, sizeof(sql)), 0);
	assert_string_equal(sql, "CREATE TABLE module (dimm INTEGER PRIMARY KEY, part "
				 "TEXT NOT NULL, serial TEXT NOT NULL, former INTEGER "
				 "NOT NULL, same_as INTEGER NOT NULL, device TEXT NOT "
				 "NULL) STRICT;");
	for (enum stmt id = 0; id < STMT_MAX_; id++) {
		assert_int_equal(db_statement_sql(id, sql), 0);
		assert_null(strchr(sql, '{'));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_keep_their_order),
		cmocka_unit_test(a_row_is_lost_once),
		cmocka_unit_test(more_than_can_be_noted),
		cmocka_unit_test(unread_pages_are_added_up),
		cmocka_unit_test(sql_follows_from_the_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
