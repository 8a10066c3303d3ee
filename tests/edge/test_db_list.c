/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Reports: wall time and words, the bounds of a filter, and the views for people with the
 * sqlite3 shell.
 */

#include "db_fixture.h"

static const struct db_filter everything = { .since = INT64_MIN, .until = INT64_MAX };

struct notice {
	unsigned int n;
	struct db_page page[4];
	struct db_history history[4];
	struct db_ce ce[4];
};

static int keep_page_row(void *userdata, const struct db_page *row)
{
	struct notice *r = userdata;

	r->page[r->n++] = *row;
	return 0;
}

static int keep_history_row(void *userdata, const struct db_history *row)
{
	struct notice *r = userdata;

	r->history[r->n++] = *row;
	return 0;
}

static int keep_ce_row(void *userdata, const struct db_ce *row)
{
	struct notice *r = userdata;

	r->ce[r->n++] = *row;
	return 0;
}

static void fill(struct db *db)
{
	struct dimm_rec dimm = { .label = "DIMM_A1" };
	union test_page p = page_of(1, 10, 20), q = page_of(2, 30, 40);
	struct ce_row ce = ce_of(0x1fff, 10);
	struct action_row a = action_of(1, RESULT_OFFLINED),
			  b = action_of(2, RESULT_NONE);
	struct poison_row poison = { .time = 1, .kib = 12, .cause = POISON_OFFLINED };

	p.rec.dimm = 3;
	p.rec.state = PAGE_OFFLINED;
	p.rec.attempts = 2;
	assert_int_equal(db_put_dimm(db, 3, &dimm), 0);
	assert_int_equal(db_put_page(db, &p.rec), 0);
	assert_int_equal(db_put_page(db, &q.rec), 0);
	ce.dimm = 3;
	strcpy(ce.registers, "retry_rd_err_log[0001a209] correrrcnt[0001]");
	assert_int_equal(db_put_ce(db, &ce), 0);
	ce = ce_of(UINT64_C(0xfffffffffffff800), 20);
	ce.count = 29589;
	assert_int_equal(db_put_ce(db, &ce), 0);
	ce.has_address = false;
	ce.first = 25;
	ce.last = 30;
	ce.unattributed = RESULT_NO_ADDRESS;
	assert_int_equal(db_put_ce(db, &ce), 0);
	assert_int_equal(db_put_action(db, &a), 0);
	assert_int_equal(db_put_action(db, &b), 0);
	assert_int_equal(db_put_poison(db, &poison), 0);
	must_commit(db);
}

static void page_report(void **state)
{
	_cleanup_(db_close_p) struct db *db = must_open(*state, DB_CREATED);
	struct db_filter filter = everything;
	struct notice r = { 0 };

	fill(db);
	assert_int_equal(db_list_pages(db, &filter, keep_page_row, &r), 0);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.page[0].pfn, 1);
	assert_string_equal(r.page[0].dimm, "DIMM_A1");
	assert_string_equal(r.page[0].state, "offlined");
	assert_string_equal(r.page[0].reason, "none");
	assert_int_equal(r.page[0].corrected_errors, 2);
	assert_int_equal(r.page[0].attempts, 2);
	assert_true(r.page[0].first_seen == OFFSET + 10);
	assert_true(r.page[0].last_seen == OFFSET + 20);
	assert_string_equal(r.page[1].dimm, "");
	filter.limit = 1; /* the newest */
	r.n = 0;
	assert_int_equal(db_list_pages(db, &filter, keep_page_row, &r), 0);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.page[0].pfn, 2);
	filter = everything;
	filter.state = "offlined";
	r.n = 0;
	assert_int_equal(db_list_pages(db, &filter, keep_page_row, &r), 0);
	assert_int_equal(r.n, 1);
	filter = everything;
	filter.until = OFFSET + 39;
	r.n = 0;
	assert_int_equal(db_list_pages(db, &filter, keep_page_row, &r), 0);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.page[0].pfn, 1);
}

static void history_report(void **state)
{
	_cleanup_(db_close_p) struct db *db = must_open(*state, DB_CREATED);
	struct db_filter filter = everything;
	struct notice r = { 0 };

	fill(db);
	assert_int_equal(db_list_history(db, &filter, keep_history_row, &r), 0);
	assert_int_equal(r.n, 2);
	assert_true(r.history[0].time == OFFSET + 10);
	assert_string_equal(r.history[0].action, "offline");
	assert_string_equal(r.history[0].reason, "row-fault");
	assert_string_equal(r.history[0].result, "offlined");
	assert_string_equal(r.history[0].page_type, "page-table");
	assert_int_equal(r.history[0].error, -5);
	assert_int_equal(r.history[0].duration_usec, 6600000);
	assert_int_equal(r.history[0].poisoned_before_kib, -1);
	assert_int_equal(r.history[0].poisoned_after_kib, 4);
	assert_string_equal(r.history[0].outcome, "not-migrated");
	assert_string_equal(r.history[1].result, "none");
	filter.has_pfn = true;
	filter.pfn = 42;
	r.n = 0;
	assert_int_equal(db_list_history(db, &filter, keep_history_row, &r), 0);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.history[0].pfn, 42);
}

static void ce_report(void **state)
{
	_cleanup_(db_close_p) struct db *db = must_open(*state, DB_CREATED);
	struct db_filter filter = everything;
	struct notice r = { 0 };

	fill(db);
	assert_int_equal(db_list_ces(db, &filter, keep_ce_row, &r), 0);
	assert_int_equal(r.n, 3);
	assert_string_equal(r.ce[0].dimm, "DIMM_A1");
	assert_string_equal(r.ce[0].unattributed, "none");
	assert_true(r.ce[1].address == UINT64_C(0xfffffffffffff800));
	assert_int_equal(r.ce[1].count, 29589);
	assert_false(r.ce[2].has_address);
	assert_string_equal(r.ce[2].unattributed, "no-address");
	assert_string_equal(r.ce[0].registers,
			    "retry_rd_err_log[0001a209] correrrcnt[0001]");
	assert_string_equal(r.ce[1].registers, "");
	assert_true(r.ce[2].first == OFFSET + 25 && r.ce[2].last == OFFSET + 30);
	filter.has_pfn = true;
	filter.page_shift = 12;
	filter.pfn = 1;
	r.n = 0;
	assert_int_equal(db_list_ces(db, &filter, keep_ce_row, &r), 0);
	assert_int_equal(r.n, 1);
	assert_true(r.ce[0].address == 0x1fff);
	filter.pfn = UINT64_C(0xfffffffffffff); /* the last frame there can be */
	r.n = 0;
	assert_int_equal(db_list_ces(db, &filter, keep_ce_row, &r), 0);
	assert_int_equal(r.n, 1);
	filter.pfn = 2;
	r.n = 0;
	assert_int_equal(db_list_ces(db, &filter, keep_ce_row, &r), 0);
	assert_int_equal(r.n, 0);
}

static void summary(void **state)
{
	_cleanup_(db_close_p) struct db *db = must_open(*state, DB_CREATED);
	struct totals t = { .events = 5, .last_event = 60, .last_offline = INT64_MIN };
	struct db_summary s;

	assert_int_equal(db_get_summary(db, &s), 0);
	assert_int_equal(s.poisoned_kib, -1);
	assert_true(s.totals.last_event == INT64_MIN);
	fill(db);
	assert_int_equal(db_put_totals(db, &t), 0);
	must_commit(db);
	assert_int_equal(db_get_summary(db, &s), 0);
	assert_int_equal(s.totals.events, 5);
	assert_true(s.totals.last_event == OFFSET + 60);
	assert_true(s.totals.last_offline == INT64_MIN);
	assert_int_equal(s.pages[PAGE_OFFLINED], 1);
	assert_int_equal(s.pages[PAGE_WATCHED], 1);
	assert_int_equal(s.poisoned_kib, 12);
	assert_true(s.last_commit == OFFSET + NOW);
}

static void views_give_wall_time(void **state)
{
	const struct fixture *f = *state;
	struct db *db = must_open(f, DB_CREATED);

	fill(db);
	db_close(db);
	assert_int_equal(ask(f->path,
			     "SELECT count(*) FROM action_log WHERE"
			     " time LIKE '2023-11-14 22:13:20%' AND pfn = '0x29'"),
			 1);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM page_log WHERE"
				      " dimm = 'DIMM_A1' AND last_seen LIKE '2023-%'"),
			 1);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM ce_log WHERE"
				      " address = '0xfffffffffffff800'"),
			 1);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM poison_log WHERE kib = 12"),
			 1);
}

static void reading_only_gives_wall_time(void **state)
{
	const struct fixture *f = *state;
	struct db *db = must_open(f, DB_CREATED);
	struct db_summary s;
	union test_page p = page_of(5, 1, 2);
	const struct page_rec *rec;
	bool other = false;
	const char *why;

	fill(db);
	db_close(db); /* no WAL is left */
	assert_int_equal(db_open_readonly(&db, f->path, &why), 0);
	assert_int_equal(db_get_page(db, pfn(1), &rec, &other), 0);
	assert_true(other);
	assert_true(rec->stamps[1] == OFFSET + 20);
	assert_int_equal(db_get_summary(db, &s), 0);
	assert_int_equal(s.pages[PAGE_OFFLINED], 1);
	assert_int_equal(db_put_page(db, &p.rec), -EROFS);
	db_close(db);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* Part by part a list has the same rows as at once, from the newest down. */
static void expect_same_ces(struct db *db, const struct db_filter *f, uint32_t rows)
{
	struct notice all = { 0 }, parts = { 0 };
	unsigned int rounds = 0;
	uint64_t cursor = 0;

	assert_int_equal(db_list_ces(db, f, keep_ce_row, &all), 0);
	do {
		uint64_t before = cursor;

		assert_int_equal(db_browse_ces(db, f, rows, &cursor, keep_ce_row, &parts),
				 0);
		assert_true(cursor == 0 || before == 0 || cursor < before);
		assert_true(++rounds < 10);
	} while (cursor > 0 && (f->limit == 0 || parts.n < f->limit));
	assert_int_equal(parts.n, all.n);
	for (unsigned int i = 0; i < all.n; i++) {
		const struct db_ce *a = &parts.ce[i], *b = &all.ce[all.n - 1 - i];

		assert_int_equal(a->first, b->first);
		assert_int_equal(a->last, b->last);
		assert_int_equal(a->address, b->address);
		assert_int_equal(a->count, b->count);
		assert_string_equal(a->dimm, b->dimm);
	}
}

static void ces_in_parts(void **state)
{
	_cleanup_(db_close_p) struct db *db = must_open(*state, DB_CREATED);
	struct db_filter filter = everything;

	fill(db);
	for (uint32_t rows = 1; rows < 5; rows++) {
		filter = everything;
		expect_same_ces(db, &filter, rows);
		filter.limit = 2;
		expect_same_ces(db, &filter, rows);
		filter = everything;
		filter.since = 21 + OFFSET;
		expect_same_ces(db, &filter, rows);
		filter.until = 20 + OFFSET;
		expect_same_ces(db, &filter, rows);
	}
}

static void history_in_parts(void **state)
{
	_cleanup_(db_close_p) struct db *db = must_open(*state, DB_CREATED);
	struct db_filter filter = everything;
	struct notice r = { 0 };
	uint64_t cursor = 0;

	fill(db);
	assert_int_equal(db_browse_history(db, &filter, 1, &cursor, keep_history_row, &r),
			 0);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.history[0].pfn, 42);
	assert_int_not_equal(cursor, 0);
	assert_int_equal(db_browse_history(db, &filter, 9, &cursor, keep_history_row, &r),
			 0);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.history[1].pfn, 41);
	assert_int_equal(cursor, 0);
	filter.has_pfn = true;
	filter.pfn = 41;
	r.n = 0;
	assert_int_equal(db_browse_history(db, &filter, 9, &cursor, keep_history_row, &r),
			 0);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.history[0].pfn, 41);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(page_report),  T(history_report),       T(ce_report),
		T(summary),      T(views_give_wall_time), T(reading_only_gives_wall_time),
		T(ces_in_parts), T(history_in_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
