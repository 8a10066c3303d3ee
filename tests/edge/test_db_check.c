/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Opening with the look at the whole file put off: what decisions are made from is looked
 * at all the same, the rest by a thread beside the work, and what it finds is put aside.
 */

#include <poll.h>

#include "db_fixture.h"

#define FILE_PAGE 4096

DEFINE_CLEANUP(struct db_check *, db_check_stop)

static struct db *open_later(const struct fixture *f, enum db_opened want)
{
	struct db_options o = options_of(f);

	o.check_later = true;
	return must_open_as(&o, want);
}

/* Pages, history and a row in each of the small tables. */
static void fill(const struct fixture *f, unsigned int n)
{
	_cleanup_(db_close_p) struct db *db = must_open(f, DB_CREATED);
	struct dimm_rec dimm = { .label = "DIMM_A0", .part = "part", .serial = "1" };
	struct fault_cell cell = { .used = true, .votes = 1 };
	struct totals totals = { .events = 7 };

	for (unsigned int i = 0; i < n; i++) {
		union test_page p = page_of(i, i, i + 1);
		struct ce_row ce = ce_of(i * 64, i);

		assert_int_equal(db_put_page(db, &p.rec), 0);
		assert_int_equal(db_put_ce(db, &ce), 0);
	}
	assert_int_equal(db_put_dimm(db, 1, &dimm), 0);
	assert_int_equal(db_put_cell(db, 1, 0, &cell), 0);
	assert_int_equal(db_put_totals(db, &totals), 0);
	assert_int_equal(db_put_reader(db, 0, 7), 0);
	must_commit(db);
}

static void damage(const struct fixture *f, int64_t page)
{
	_cleanup_(free_p) char *file = NULL;
	size_t n;

	assert_true(page > 0);
	file = slurp(f->path, &n);
	assert_true((size_t)page * FILE_PAGE <= n);
	memset(file + (page - 1) * FILE_PAGE, 0xff, FILE_PAGE);
	spew(f->path, file, n);
}

/* The first page of the file that holds rows of @table and nothing else. */
static int64_t page_of_table(const struct fixture *f, const char *table)
{
	char sql[160];

	snprintf(sql, sizeof(sql),
		 "SELECT min(pageno) FROM dbstat WHERE pagetype = 'leaf' AND name = '%s'",
		 table);
	return ask(f->path, sql);
}

static int look(const struct fixture *f)
{
	_cleanup_(db_check_stop_p) struct db_check *c = NULL;
	struct pollfd p = { .events = POLLIN };

	assert_int_equal(db_check_start(&c, f->path), 0);
	p.fd = db_check_fd(c);
	assert_int_equal(poll(&p, 1, -1), 1);
	return db_check_result(c);
}

static void sound_file_is_found_sound(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(db_close_p) struct db *db = NULL;
	union test_page p = page_of(5000, 1, 2);

	fill(f, 2000);
	db = open_later(f, DB_OPENED);
	assert_true(db_unchecked(db));
	/* with rows that are in the WAL, and in an open group */
	assert_int_equal(db_put_page(db, &p.rec), 0);
	must_commit(db);
	p.rec.pfn++;
	assert_int_equal(db_put_page(db, &p.rec), 0);
	assert_int_equal(look(f), 0);
	must_commit(db);
	assert_int_equal(pages_in(db), 2002);
}

static void damage_is_found_beside_the_work(void **state)
{
	static const char *const tables[] = { "page", "ce", "page_seen", "ce_address" };
	const struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		struct db *db;

		(void)unlink(f->path);
		fill(f, 2000);
		damage(f, page_of_table(f, tables[i]));
		db = open_later(f, DB_OPENED);
		assert_int_equal(look(f), -EUCLEAN);
		db_close(db);
		/* and then, looking at once, it is put aside */
		db = must_open(f, DB_QUARANTINED);
		assert_false(db_unchecked(db));
		assert_int_equal(pages_in(db), 0);
		db_close(db);
	}
}

static void what_decisions_need_is_checked_at_once(void **state)
{
	static const char *const tables[] = { "boot", "dimm",   "fault",  "module",
					      "cell", "totals", "reader", "inventory" };
	const struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		(void)unlink(f->path);
		fill(f, 2000);
		damage(f, page_of_table(f, tables[i]));
		db_close(open_later(f, DB_QUARANTINED));
	}
	(void)unlink(f->path);
	fill(f, 1);
	run_sql(f->path, "DROP TABLE totals");
	db_close(open_later(f, DB_QUARANTINED));
}

/* A page that is read back is damaged: that is seen before the thread comes to it. */
static void reading_back_sees_it(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(db_close_p) struct db *db = NULL;
	unsigned int n = 0;
	bool more;

	fill(f, 2000);
	damage(f, page_of_table(f, "page"));
	db = open_later(f, DB_OPENED);
	assert_int_equal(db_each_page(db, 65536, count_page, &n, &more), -EUCLEAN);
}

static void can_be_ended_at_any_time(void **state)
{
	const struct fixture *f = *state;
	struct db_check *c = NULL;

	fill(f, 20000);
	for (unsigned int i = 0; i < 20; i++) {
		assert_int_equal(db_check_start(&c, f->path), 0);
		assert_null(db_check_stop(c));
	}
	assert_null(db_check_stop(NULL));
	assert_int_equal(look(f), 0);
}

static void no_file_is_no_damage(void **state)
{
	assert_int_equal(look(*state), -ENOENT);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(sound_file_is_found_sound),
		T(damage_is_found_beside_the_work),
		T(what_decisions_need_is_checked_at_once),
		T(reading_back_sees_it),
		T(can_be_ended_at_any_time),
		T(no_file_is_no_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
