/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Size and age: the cap holds, retention takes what it may and nothing else, a full disk
 * costs rows that are counted, and a reader who sits on the file stops nobody.
 */

#include <sys/mount.h>

#include "db_fixture.h"

#define SMALL (UINT64_C(1) << 20)

static struct db *open_small(const struct fixture *f)
{
	struct db_options o = options_of(f);

	o.max_size = SMALL;
	return must_open_as(&o, DB_CREATED);
}

static void put_ces(struct db *db, unsigned int n, int64_t when)
{
	for (unsigned int i = 0; i < n; i++) {
		struct ce_row ce = ce_of(i * UINT64_C(4096), when);

		assert_int_equal(db_put_ce(db, &ce), 0);
		if (db_pending(db) >= DB_GROUP_ROWS)
			must_commit(db);
	}
	must_commit(db);
}

static void put_state(struct db *db, uint64_t n, enum page_state state, int64_t when)
{
	union test_page p = page_of(n, when, when);

	p.rec.state = state & 15;
	assert_int_equal(db_put_page(db, &p.rec), 0);
}

/* No housekeeping: each time that a row finds no room, the oldest go. */
static void cap_holds_under_a_flood(void **state)
{
	const struct fixture *f = *state;
	struct db *db = open_small(f);

	put_state(db, 1, PAGE_OFFLINED, 1);
	put_state(db, 2, PAGE_PENDING, 1);
	for (int i = 0; i < 20; i++) {
		put_ces(db, 5000, i);
		assert_true(size_of(f->path) <= (int64_t)SMALL);
	}
	assert_int_equal(db_lost_rows(db), 0);
	assert_int_equal(pages_in(db), 2);
	/* the newest are there */
	assert_int_equal(ask(f->path, "SELECT count(*) FROM ce WHERE last = 19") >= 1000,
			 1);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM ce WHERE last = 0"), 0);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM pragma_integrity_check"
				      " WHERE integrity_check = 'ok'"),
			 1);
	db_close(db);
}

/* Nothing that may be pruned: rows are refused one by one, and the others stay. */
static void full_of_offlined_pages(void **state)
{
	const struct fixture *f = *state;
	struct db *db = open_small(f);
	unsigned int stored = 0, refused = 0;

	for (uint64_t n = 0; n < 40000; n++) {
		union test_page p = page_of(n, 1, 1);
		int r;

		p.rec.state = PAGE_OFFLINED;
		r = db_put_page(db, &p.rec);
		stored += r == 0;
		refused += r == -ENOSPC;
		if (refused >= 200)
			break;
	}
	assert_int_equal(refused, 200);
	assert_int_equal(db_lost_rows(db), 200);
	assert_true(db_errors(db) >= 200);
	assert_string_not_equal(db_last_error(db), "");
	/* what is there can still be changed */
	put_state(db, 5, PAGE_FAILED, 7);
	must_commit(db);
	db_close(db);
	db = must_open(f, DB_OPENED);
	assert_int_equal(pages_in(db), stored);
	db_close(db);
}

static void prune_by_age_spares_what_counts(void **state)
{
	const struct fixture *f = *state;
	struct db *db = must_open(f, DB_CREATED);
	int64_t old = -500 * USEC_PER_DAY;
	struct action_row done = { .id = 1, .time = old, .result = RESULT_OFFLINED };
	struct action_row intent = { .id = 2, .time = old, .result = RESULT_NONE };
	struct poison_row sample = { .time = old };

	put_ces(db, 1200, old);
	put_ces(db, 10, 5);
	assert_int_equal(db_put_action(db, &done), 0);
	assert_int_equal(db_put_action(db, &intent), 0);
	assert_int_equal(db_put_poison(db, &sample), 0);
	for (enum page_state s = 0; s < PAGE_STATE_MAX_; s++) {
		put_state(db, 10 + s, s, old);
		put_state(db, 20 + s, s, 5);
	}
	assert_int_equal(db_prune(db, usec(NOW), 700), 700);
	assert_int_equal(db_pending(db), 0);
	/* 500 CEs, the action, the sample, and three of five pages */
	assert_int_equal(db_prune(db, usec(NOW), 10000), 505);
	assert_int_equal(db_prune(db, usec(NOW), 10000), 0);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM ce"), 10);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM action"), 1);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM page WHERE pfn < 20 AND"
				      " state IN ('pending', 'offlined')"),
			 2);
	assert_int_equal(pages_in(db), 7);
	assert_int_equal(db_errors(db), 0);
	db_close(db);
}

static struct db *open_boot(const struct fixture *f, int number, int64_t offset)
{
	struct db_options o = options_of(f);

	snprintf(o.boot_id, sizeof(o.boot_id), "boot-%d", number);
	o.wall_offset = usec(offset);
	return must_open_as(&o, DB_OPENED);
}

/* A dead battery: two starts in 2099, and then the right time. */
static void clock_far_ahead_deletes_nothing(void **state)
{
	const struct fixture *f = *state;
	int64_t ahead = OFFSET + 73 * 365 * USEC_PER_DAY;
	struct db *db = must_open(f, DB_CREATED);

	put_ces(db, 10, 5);
	db_close(db);
	for (int i = 0; i < 2; i++) {
		db = open_boot(f, i, ahead + i * USEC_PER_DAY);
		assert_int_equal(db_prune(db, usec(NOW), 1000), 0);
		db_close(db);
	}
	db = open_boot(f, 2, OFFSET + 2 * USEC_PER_DAY);
	assert_int_equal(db_prune(db, usec(NOW), 1000), 0);
	/* what the same boot says later, step by step */
	assert_int_equal(db_commit(db, usec(NOW), usec(ahead)), 0);
	assert_int_equal(db_prune(db, usec(NOW), 1000), 0);
	db_close(db);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM ce"), 10);
}

/* A machine that is started each 25 days: time passes as the wall clock says. */
static void rare_boots_age_as_they_should(void **state)
{
	const struct fixture *f = *state;
	struct db *db = must_open(f, DB_CREATED);
	int deleted = 0, boots = 0;

	put_ces(db, 10, 5);
	db_close(db);
	while (deleted == 0 && boots < 30) {
		boots++;
		db = open_boot(f, boots, OFFSET + boots * 25 * USEC_PER_DAY);
		put_state(db, 1, PAGE_WATCHED, NOW);
		deleted = db_prune(db, usec(NOW), 1000);
		db_close(db);
	}
	assert_int_equal(deleted, 10);
	assert_int_equal(boots, 16); /* of 25 days are 400 */
}

/* Boots that are not believed, as when they cannot be read: no age is certain. */
static void unread_boots_delete_nothing(void **state)
{
	const struct fixture *f = *state;
	struct db *db = must_open(f, DB_CREATED);

	put_ces(db, 10, -500 * USEC_PER_DAY);
	run_sql(f->path, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
			 " WHERE i < 70000) INSERT INTO boot(boot_id, wall_offset,"
			 " first_seen, last_seen) SELECT 'x' || i, 0, 0, 0 FROM n");
	assert_int_equal(db_prune(db, usec(NOW), 1000), 0);
	run_sql(f->path, "DELETE FROM boot WHERE boot_id LIKE 'x%'");
	assert_int_equal(db_prune(db, usec(NOW), 1000), 10);
	db_close(db);
}

static void prune_by_size_gives_back(void **state)
{
	const struct fixture *f = *state;
	struct db *db = must_open(f, DB_CREATED);
	int64_t before;
	int n = 0;

	put_ces(db, 60000, 1);
	put_state(db, 1, PAGE_WATCHED, 1);
	must_commit(db);
	db_rest(db); /* out of the WAL */
	before = size_of(f->path);
	assert_true(before > 2 * (int64_t)SMALL);
	assert_int_equal(db_set_limits(db, SMALL, usec(400 * USEC_PER_DAY)), 0);
	for (int i = 0; i < 200; i++) {
		int r = db_prune(db, usec(NOW), 1000);

		assert_true(r >= 0);
		n += r;
	}
	assert_true(n > 30000 && n < 60000);
	assert_true(size_of(f->path) <= (int64_t)SMALL);
	assert_int_equal(pages_in(db), 1);
	assert_true(db_size(db) < 2 * SMALL); /* the WAL too */
	put_ces(db, 1000, 2);
	assert_int_equal(db_lost_rows(db), 0);
	db_close(db);
}

static void boots_without_rows_go(void **state)
{
	const struct fixture *f = *state;
	struct db *db = must_open(f, DB_CREATED);

	put_ces(db, 1, 1);
	db_close(db);
	for (int i = 0; i < 10; i++) {
		struct db_options o = options_of(f);

		snprintf(o.boot_id, sizeof(o.boot_id), "boot-%d", i);
		db_close(must_open_as(&o, DB_OPENED));
	}
	assert_int_equal(ask(f->path, "SELECT count(*) FROM boot"), 11);
	/* a few each time, none that a row names, and not the present one */
	db = must_open(f, DB_OPENED);
	for (int i = 0; i < 4; i++)
		assert_int_equal(db_prune(db, usec(NOW), 100), 0);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM boot"), 1);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM ce JOIN boot"
				      " ON boot.id = ce.boot"),
			 1);
	db_close(db);
}

static int64_t wal_of(const struct fixture *f)
{
	char path[160];

	snprintf(path, sizeof(path), "%s-wal", f->path);
	return size_of(path);
}

/* Frames of 4096 bytes and a head of 24 each, 4,000 and what one group adds. */
#define LONGEST_WAL (INT64_C(4500) * 4120)

/* While errors come all goes to the WAL, up to a bound; the file is written at a rest,
 * and then the WAL begins at its front. */
static void wal_waits_for_a_rest(void **state)
{
	const struct fixture *f = *state;
	struct db *db = must_open(f, DB_CREATED);
	int64_t file, wal, longest = 0;

	db_rest(db);
	file = size_of(f->path);
	for (int i = 0; i < 10; i++)
		put_ces(db, 5000, i);
	assert_int_equal(size_of(f->path), file);
	wal = wal_of(f);
	assert_true(wal > INT64_C(1000) * 4120);
	db_rest(db);
	assert_true(size_of(f->path) > file);
	file = size_of(f->path);
	put_ces(db, 1000, 10);
	assert_true(wal_of(f) <= wal);
	db_rest(db); /* too little to be worth it */
	assert_int_equal(size_of(f->path), file);

	for (int i = 0; i < 60; i++) {
		put_ces(db, 5000, 11 + i);
		longest = wal_of(f) > longest ? wal_of(f) : longest;
	}
	assert_true(size_of(f->path) > file);
	assert_true(longest < LONGEST_WAL);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM ce"), 351000);
	assert_int_equal(db_errors(db), 0);
	db_close(db);
}

static void reader_stops_nobody(void **state)
{
	const struct fixture *f = *state;
	struct db *db = must_open(f, DB_CREATED);
	sqlite3 *h;
	sqlite3_stmt *s;

	put_ces(db, 100, 1);
	assert_int_equal(sqlite3_open_v2(f->path, &h, SQLITE_OPEN_READONLY, NULL), 0);
	assert_int_equal(sqlite3_prepare_v2(h, "SELECT * FROM ce", -1, &s, NULL), 0);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW); /* and stays there */
	put_ces(db, 5000, 2);
	assert_true(db_prune(db, usec(NOW), 10) >= 0);
	assert_int_equal(db_lost_rows(db) + db_errors(db), 0);
	db_close(db);
	for (int n = 1; n < 100; n++)
		assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	assert_int_equal(sqlite3_step(s), SQLITE_DONE); /* its own view, whole */
	sqlite3_finalize(s);
	sqlite3_close(h);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM ce"), 5100);
}

/* Somebody holds the write lock: one wait, then every row fails at once, and is counted;
 * when it is over, all is well. */
static void writer_in_the_way(void **state)
{
	const struct fixture *f = *state;
	struct db *db = must_open(f, DB_CREATED);
	struct ce_row ce = ce_of(1, 1);
	sqlite3 *h;

	assert_int_equal(sqlite3_open(f->path, &h), SQLITE_OK);
	assert_int_equal(sqlite3_exec(h, "BEGIN IMMEDIATE", NULL, NULL, NULL), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(db_put_ce(db, &ce), -EBUSY);
	assert_int_equal(db_lost_rows(db), 100);
	sqlite3_close(h);
	put_ces(db, 10, 1);
	assert_int_equal(db_lost_rows(db), 100);
	db_close(db);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM ce"), 10);
}

/* A group that outgrows the memory kept for it commits itself. */
static void endless_group(void **state)
{
	const struct fixture *f = *state;
	struct db *db = must_open(f, DB_CREATED);

	for (unsigned int i = 0; i < 100000; i++) {
		struct ce_row ce = ce_of(i, i);

		assert_int_equal(db_put_ce(db, &ce), 0);
	}
	assert_true(db_pending(db) < 100000);
	db_close(db);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM ce"), 100000);
}

static void fill_disk(struct db *db, const struct fixture *f)
{
	unsigned int lost = 0;
	union test_page p = page_of(77, 1, 2);

	for (int i = 0; i < 40; i++) {
		for (unsigned int k = 0; k < 1000; k++) {
			struct ce_row ce = ce_of(k * UINT64_C(64), i);

			(void)db_put_ce(db, &ce);
		}
		lost += db_commit(db, usec(NOW), usec(OFFSET)) < 0;
	}
	assert_true(lost > 0);
	assert_true(db_lost_rows(db) > 0);
	assert_true(db_errors(db) > 0);
	/* every row is either there or counted as lost or was pruned; the file is sound
	 */
	assert_int_equal(ask(f->path, "SELECT count(*) FROM pragma_integrity_check"
				      " WHERE integrity_check = 'ok'"),
			 1);
	/* room again: goes on */
	assert_int_equal(mount(NULL, f->folder, NULL, MS_REMOUNT, "size=16m"), 0);
	assert_int_equal(db_put_page(db, &p.rec), 0);
	must_commit(db);
}

static void real_disk_full(void **state)
{
	const struct fixture *f = *state;
	struct db *db;

	if (mount("tmpfs", f->folder, "tmpfs", 0, "size=1m") < 0)
		skip(); /* not root */
	db = must_open(f, DB_CREATED);
	fill_disk(db, f);
	db_close(db);
	db = must_open(f, DB_OPENED);
	assert_int_equal(pages_in(db), 1);
	db_close(db);
	assert_int_equal(umount(f->folder), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(cap_holds_under_a_flood),
		T(full_of_offlined_pages),
		T(prune_by_age_spares_what_counts),
		T(clock_far_ahead_deletes_nothing),
		T(rare_boots_age_as_they_should),
		T(unread_boots_delete_nothing),
		T(prune_by_size_gives_back),
		T(boots_without_rows_go),
		T(wal_waits_for_a_rest),
		T(reader_stops_nobody),
		T(writer_in_the_way),
		T(endless_group),
		T(real_disk_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
