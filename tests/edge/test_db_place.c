/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Files that go away, or are replaced, under an open database: that is seen, and all that
 * the open files hold is at the path again; nobody's file is written over.
 */

#include <sys/file.h>
#include <unistd.h>

#include "db_fixture.h"

#define ASIDE ".replaced-1700005000"

static void path_of(const struct fixture *f, const char *suffix, char ret[160])
{
	snprintf(ret, 160, "%s%s", f->path, suffix);
}

static bool is_there(const struct fixture *f, const char *suffix)
{
	char path[160];

	path_of(f, suffix, path);
	return access(path, F_OK) == 0;
}

static void drop(const struct fixture *f, const char *suffix)
{
	char path[160];

	path_of(f, suffix, path);
	assert_int_equal(unlink(path), 0);
}

static void move(const struct fixture *f, const char *from, const char *to)
{
	char a[160], b[160];

	path_of(f, from, a);
	path_of(f, to, b);
	assert_int_equal(rename(a, b), 0);
}

/* Row @id of the history, and a page of its own. */
static void give(struct db *db, uint64_t id, uint64_t count)
{
	union test_page p = page_of(id, 1, 2);
	struct ce_row ce = ce_of(id * 64, (int64_t)id);

	ce.id = id;
	ce.count = count;
	assert_int_equal(db_put_ce(db, &ce), 0);
	assert_int_equal(db_put_page(db, &p.rec), 0);
}

/* 1,000 rows, some moved into the file, some in the log, some not committed. */
static struct db *filled(const struct fixture *f)
{
	struct db *db = must_open(f, DB_CREATED);
	const char *why;

	for (uint64_t id = 1; id <= 1000; id++) {
		give(db, id, 1);
		if (id == 500) {
			must_commit(db);
			assert_int_equal(db_backup(db), 0);
			assert_true(db_prune(db, usec(NOW), 1) >= 0);
		}
		if (id == 900)
			must_commit(db);
	}
	assert_true(db_is_in_place(db, &why));
	return db;
}

static int64_t number(const struct fixture *f, const char *sql)
{
	return ask(f->path, sql);
}

/* Everything is there, once, and what comes is written there. */
static void assert_back(struct db *db, const struct fixture *f)
{
	const char *why = NULL;

	assert_true(db_is_open(db));
	assert_true(db_is_in_place(db, &why));
	assert_int_equal(number(f, "SELECT count(*) FROM page"), 1000);
	assert_int_equal(number(f, "SELECT sum(count) FROM ce"), 1000);
	give(db, 1000, 3); /* the same row of the history grows */
	give(db, 1001, 1);
	must_commit(db);
	assert_int_equal(number(f, "SELECT count(*) FROM page"), 1001);
	assert_int_equal(number(f, "SELECT sum(count) FROM ce"), 1003);
	assert_int_equal(number(f, "SELECT quick_check = 'ok' FROM pragma_quick_check"),
			 1);
	assert_false(is_there(f, ".restore"));
	db_close(db);
	db = must_open(f, DB_OPENED);
	assert_int_equal(pages_in(db), 1001);
	db_close(db);
}

static void must_bring_back(struct db *db, const char *gone)
{
	const char *why = NULL;
	int r;

	assert_false(db_is_in_place(db, &why));
	assert_non_null(strstr(why, gone));
	r = db_bring_back(db, &why);
	if (r < 0)
		fail_msg("%s: %s", strerror(-r), why ? why : "");
	assert_non_null(strstr(why, "stored again"));
}

static void removed(void **state)
{
	const struct fixture *f = *state;
	struct db *db = filled(f);

	drop(f, "");
	drop(f, "-wal");
	drop(f, "-shm");
	must_bring_back(db, "removed");
	assert_back(db, f);
}

static void removed_without_its_log(void **state)
{
	const struct fixture *f = *state;
	struct db *db = filled(f);

	drop(f, "");
	must_bring_back(db, "removed");
	assert_back(db, f);
}

static void renamed(void **state)
{
	const struct fixture *f = *state;
	struct db *db = filled(f);
	char old[160];

	move(f, "", ".old");
	must_bring_back(db, "renamed");
	/* the renamed one has all up to here, and is written no more */
	path_of(f, ".old", old);
	assert_int_equal(ask(old, "SELECT count(*) FROM page"), 1000);
	assert_back(db, f);
	assert_int_equal(ask(old, "SELECT count(*) FROM page"), 1000);
}

/* A reader keeps the log from being moved into the file: it is not left behind. */
static void renamed_while_it_is_read(void **state)
{
	const struct fixture *f = *state;
	struct db *db = filled(f);
	sqlite3_stmt *s = NULL;
	sqlite3 *h = NULL;

	assert_int_equal(sqlite3_open_v2(f->path, &h, SQLITE_OPEN_READONLY, NULL), 0);
	assert_int_equal(sqlite3_prepare_v2(h, "SELECT pfn FROM page", -1, &s, NULL), 0);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	move(f, "", ".old");
	must_bring_back(db, "renamed");
	assert_true(is_there(f, ASIDE "-wal"));
	sqlite3_finalize(s);
	sqlite3_close(h);
	assert_back(db, f);
}

static void log_removed(void **state)
{
	static const char *const suffixes[] = { "-wal", "-shm" };
	const struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		struct db *db = filled(f);

		drop(f, suffixes[i]);
		must_bring_back(db, suffixes[i]);
		assert_back(db, f);
		drop(f, "");
		drop(f, ".bak");
	}
}

/* Somebody has put a backup back without stopping the daemon. */
static void replaced_by_one_of_ours(void **state)
{
	const struct fixture *f = *state;
	struct db *db = filled(f);
	char aside[160];

	move(f, ".bak", "");
	must_bring_back(db, "another file");
	path_of(f, ASIDE, aside);
	assert_int_equal(ask(aside, "SELECT count(*) FROM page"), 500);
	assert_back(db, f);
}

static void replaced_by_a_damaged_one(void **state)
{
	const struct fixture *f = *state;
	struct db *db = filled(f);
	char garbage[5000] = "not a database";
	char path[160];

	drop(f, "");
	spew(f->path, garbage, sizeof(garbage));
	must_bring_back(db, "another file");
	path_of(f, ASIDE, path);
	assert_int_equal(size_of(path), sizeof(garbage));
	assert_back(db, f);
}

static void replaced_by_nothing(void **state)
{
	const struct fixture *f = *state;
	struct db *db = filled(f);

	drop(f, "");
	spew(f->path, "", 0);
	must_bring_back(db, "another file");
	assert_back(db, f);
}

/* That stays as it is, and the daemon's goes on where it is until the path is free. */
static void replaced_by_a_foreign_one(void **state)
{
	const struct fixture *f = *state;
	struct db *db = filled(f);
	_cleanup_(free_p) char *before = NULL, *after = NULL;
	const char *why = NULL;
	size_t n, m;

	drop(f, "");
	drop(f, "-wal");
	drop(f, "-shm");
	run_sql(f->path, "CREATE TABLE mail(x); INSERT INTO mail VALUES(1)");
	before = slurp(f->path, &n);
	for (unsigned int i = 0; i < 2; i++) {
		assert_false(db_is_in_place(db, &why));
		assert_int_equal(db_bring_back(db, &why), -EEXIST);
		assert_non_null(strstr(why, "move it away"));
	}
	after = slurp(f->path, &m);
	assert_int_equal(n, m);
	assert_memory_equal(before, after, n);
	assert_true(db_is_open(db));
	assert_int_equal(pages_in(db), 1000);
	drop(f, "");
	must_bring_back(db, "removed");
	assert_back(db, f);
}

static void folder_removed(void **state)
{
	const struct fixture *f = *state;
	struct db *db = filled(f);
	char away[96];
	const char *why = NULL;

	snprintf(away, sizeof(away), "%s.away", f->folder);
	assert_int_equal(rename(f->folder, away), 0);
	assert_false(db_is_in_place(db, &why));
	assert_true(db_bring_back(db, &why) < 0);
	assert_true(db_is_open(db));
	assert_int_equal(mkdir(f->folder, 0700), 0);
	must_bring_back(db, "removed");
	assert_back(db, f);
	nftw(away, fixture_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static void lock_is_held_again(void **state)
{
	const struct fixture *f = *state;
	struct db *db = filled(f);
	struct db_options o = options_of(f);
	enum db_opened how;
	struct db *other = NULL;
	const char *why = NULL;
	char path[160];
	int fd;

	assert_int_equal(db_hold_lock(db), 0);
	drop(f, ".lock");
	assert_int_equal(db_hold_lock(db), 1);
	assert_int_equal(db_hold_lock(db), 0);
	assert_int_equal(db_open(&other, &o, &how, &why), -EBUSY);
	drop(f, ".lock");
	path_of(f, ".lock", path);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(db_hold_lock(db), -EBUSY);
	close(fd);
	assert_int_equal(db_hold_lock(db), 1);
	db_close(db);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(removed),
		T(removed_without_its_log),
		T(renamed),
		T(renamed_while_it_is_read),
		T(log_removed),
		T(replaced_by_one_of_ours),
		T(replaced_by_a_damaged_one),
		T(replaced_by_nothing),
		T(replaced_by_a_foreign_one),
		T(folder_removed),
		T(lock_is_held_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
