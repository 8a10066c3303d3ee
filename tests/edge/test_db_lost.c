/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The rows reported as lost are the rows that are missing. A disk cannot be written for a
 * while; the test gives everything that is still known again, as the daemon does, until
 * the disk works.
 */

#include <unistd.h>

#include "db_fixture.h"

typedef ssize_t (*pwrite_fn)(int fd, const void *from, size_t n, off_t at);

static pwrite_fn real_pwrite;
static bool broken;

static ssize_t failing_pwrite(int fd, const void *from, size_t n, off_t at)
{
	if (!broken)
		return real_pwrite(fd, from, n, at);
	errno = EIO;
	return -1;
}

static void put_pwrite(void)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find("unix");
	const char *name = vfs->xGetSystemCall(vfs, "pwrite64") ? "pwrite64" : "pwrite";
	sqlite3_syscall_ptr before = vfs->xGetSystemCall(vfs, name);

	assert_non_null(before);
	if (real_pwrite)
		return;
	memcpy(&real_pwrite, &before, sizeof(before));
	assert_int_equal(
		vfs->xSetSystemCall(vfs, name, (sqlite3_syscall_ptr)failing_pwrite),
		SQLITE_OK);
}

/* Rows @first to @last, each counting @count errors, and what is state and not history.
 */
static void give(struct db *db, uint64_t first, uint64_t last, uint64_t count)
{
	struct dimm_rec dimm = { .label = "DIMM_A0" };
	struct totals totals = { .events = last };
	struct fault_cell cell = { .used = true, .votes = 1 };

	for (uint64_t id = first; id <= last; id++) {
		struct ce_row ce = ce_of(id * 64, (int64_t)id);
		union test_page p = page_of(id % 10, 1, 2);

		ce.id = id;
		ce.count = count;
		(void)db_put_ce(db, &ce);
		(void)db_put_page(db, &p.rec);
	}
	(void)db_put_dimm(db, 1, &dimm);
	(void)db_put_cell(db, 1, 0, &cell);
	(void)db_put_totals(db, &totals);
	(void)db_put_reader(db, 0, last);
}

static int64_t errors_in(const struct fixture *f)
{
	return ask(f->path, "SELECT coalesce(sum(count), 0) FROM ce");
}

static void told_is_what_is_missing(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(db_close_p) struct db *db = NULL;
	struct db_missing lost;

	put_pwrite();
	db = must_open(f, DB_CREATED);
	give(db, 1, 20, 1); /* stored; ten of them will have grown when it fails */
	must_commit(db);
	broken = true;
	for (uint64_t turn = 0; turn < 5; turn++) {
		/* Each turn has what is still open, and closes ten rows. */
		give(db, 11 + 10 * turn, 30 + 10 * turn, 3);
		assert_true(db_commit(db, usec(NOW), usec(OFFSET)) < 0);
	}
	broken = false;
	give(db, 61, 80, 3); /* what is known when it works again */
	must_commit(db);
	db_settle_lost(db, &lost);
	/* 11 to 20 had one error each stored, of three; 21 to 60 are not there at all. */
	assert_int_equal(lost.errors, 10 * 2 + 40 * 3);
	assert_int_equal(lost.rows, 40);
	assert_false(lost.at_most);
	assert_int_equal(errors_in(f) + (int64_t)lost.errors, 10 * 1 + 70 * 3);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM page"), 10);
	assert_int_equal(db_missing_rows(db), 40);
	assert_int_equal(db_lost_rows(db), 40);
	/* and reported once */
	db_settle_lost(db, &lost);
	assert_int_equal(lost.rows + lost.errors, 0);
}

static void nothing_is_missing_that_was_given_again(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(db_close_p) struct db *db = NULL;
	struct db_missing lost;

	put_pwrite();
	db = must_open(f, DB_CREATED);
	broken = true;
	for (unsigned int turn = 0; turn < 20; turn++) {
		give(db, 1, 500, turn + 1);
		assert_true(db_commit(db, usec(NOW), usec(OFFSET)) < 0);
	}
	assert_int_equal(db_lost_rows(db), 500 + 10);
	assert_int_equal(db_missing_rows(db), 0);
	broken = false;
	give(db, 1, 500, 20);
	must_commit(db);
	db_settle_lost(db, &lost);
	assert_int_equal(lost.rows + lost.errors, 0);
	assert_int_equal(db_lost_rows(db), 0);
	assert_int_equal(errors_in(f), 500 * 20);
}

/* More rows than are noted: the number is then reported as an upper limit. */
static void more_than_is_noted(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(db_close_p) struct db *db = NULL;
	struct db_missing lost;
	const uint64_t n = 100000;

	put_pwrite();
	db = must_open(f, DB_CREATED);
	broken = true;
	for (uint64_t id = 1; id <= n; id += 500) {
		give(db, id, id + 499, 1);
		assert_true(db_commit(db, usec(NOW), usec(OFFSET)) < 0);
	}
	broken = false;
	give(db, n - 499, n, 1);
	must_commit(db);
	db_settle_lost(db, &lost);
	assert_true(lost.at_most);
	assert_in_range(lost.errors, n - 500, n);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(told_is_what_is_missing),
		T(nothing_is_missing_that_was_given_again),
		T(more_than_is_noted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
