/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The next kernel has pages of another size: no frame number of the file may mean other
 * memory than it did.
 */

#include "db_fixture.h"

#define PAGES "SELECT count(*) FROM page"

static void put_history(struct db *db)
{
	struct action_row action = action_of(1, RESULT_OFFLINED);
	struct poison_row poison = { .time = 5, .kib = 4, .delta_kib = 4, .pfn = 41 };
	struct poison_row unknown = { .time = 6, .kib = 8, .delta_kib = 4 };
	struct dimm_rec dimm = { .label = "A0", .corrected_errors = 7, .pages = 2 };
	struct totals totals = { .events = 9, .next_action_id = 2 };

	for (unsigned int i = 0; i < 2; i++) {
		union test_page p = page_of(40 + i, i, i + 1);

		assert_int_equal(db_put_page(db, &p.rec), 0);
	}
	assert_int_equal(db_put_action(db, &action), 0);
	assert_int_equal(db_put_poison(db, &poison), 0);
	assert_int_equal(db_put_poison(db, &unknown), 0);
	assert_int_equal(db_put_dimm(db, 1, &dimm), 0);
	assert_int_equal(db_put_totals(db, &totals), 0);
	must_commit(db);
}

/* Another boot, whose pages are of 2^@shift bytes. */
static void reboot(const struct fixture *f, unsigned int shift, enum db_opened want,
		   const char *words)
{
	struct db_options o = options_of(f);
	enum db_opened how;
	const char *why = NULL;
	struct db *db = NULL;

	strcpy(o.boot_id, BOOT_B);
	o.page_shift = shift;
	assert_int_equal(db_open(&db, &o, &how, &why), 0);
	assert_int_equal(how, want);
	if (words)
		assert_non_null(strstr(why, words));
	else
		assert_null(why);
	assert_int_equal(db_page_shift(db), shift);
	db_close(db);
}

static void larger_pages(void **state)
{
	const struct fixture *f = *state;
	struct db *db = must_open(f, DB_CREATED);

	put_history(db);
	db_close(db);
	reboot(f, 12, DB_OPENED, NULL);
	assert_int_equal(ask(f->path, PAGES), 2);

	reboot(f, 14, DB_REPAGED, "pages of 16 KiB, the one before had pages of 4 KiB");
	assert_int_equal(ask(f->path, PAGES), 0);
	assert_int_equal(ask(f->path, "SELECT pages FROM dimm WHERE id = 1"), 0);
	assert_int_equal(ask(f->path, "SELECT corrected_errors FROM dimm WHERE id = 1"),
			 7);
	assert_int_equal(ask(f->path, "SELECT value FROM totals WHERE key = 'events'"),
			 9);
	assert_int_equal(ask(f->path, "SELECT pfn FROM action"), 41 >> 2);
	assert_int_equal(ask(f->path, "SELECT pfn FROM poison WHERE id = 1"), 41 >> 2);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM poison WHERE pfn IS NULL"),
			 1);

	reboot(f, 14, DB_OPENED, NULL);
	assert_int_equal(ask(f->path, "SELECT pfn FROM action"), 41 >> 2);
}

static void smaller_pages(void **state)
{
	const struct fixture *f = *state;
	struct db_options o = options_of(f);
	struct db *db;

	o.page_shift = 16;
	db = must_open_as(&o, DB_CREATED);
	put_history(db);
	db_close(db);
	reboot(f, 12, DB_REPAGED, "so the 2 pages");
	assert_int_equal(ask(f->path, PAGES), 0);
	assert_int_equal(ask(f->path, "SELECT pfn FROM action"), 41 << 4);
}

/* What a reader shows are the addresses of the file, whatever its own kernel has. */
static void reader_knows(void **state)
{
	const struct fixture *f = *state;
	struct db_options o = options_of(f);
	const char *why = NULL;
	struct totals t;
	struct db *db;

	o.page_shift = 16;
	db = must_open_as(&o, DB_CREATED);
	assert_int_equal(db_get_totals(db, &t), -ENOENT); /* the size is no total */
	db_close(db);
	assert_int_equal(db_open_readonly(&db, f->path, &why), 0);
	assert_int_equal(db_page_shift(db), 16);
	db_close(db);
}

/* A file that does not say, or says nonsense, is of the kernel that opens it. */
static void file_does_not_say(void **state)
{
	static const char *const ways[] = {
		"DELETE FROM totals WHERE key = 'page_shift'",
		"UPDATE totals SET value = 63 WHERE key = 'page_shift'",
		"UPDATE totals SET value = -12 WHERE key = 'page_shift'",
	};
	const struct fixture *f = *state;
	struct db *db = must_open(f, DB_CREATED);
	const char *why = NULL;

	put_history(db);
	db_close(db);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		run_sql(f->path, ways[i]);
		assert_int_equal(db_open_readonly(&db, f->path, &why), 0);
		assert_int_equal(db_page_shift(db), 0);
		db_close(db);
		reboot(f, 14, DB_OPENED, NULL);
		assert_int_equal(ask(f->path, PAGES), 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(larger_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(smaller_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(reader_knows, setup, teardown),
		cmocka_unit_test_setup_teardown(file_does_not_say, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
