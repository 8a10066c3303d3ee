/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The log while a reader in another process stays in its transaction: how long the log
 * may become, which rows are left out and which never are, which reader is named, and
 * that everything is well once the reader is gone.
 */

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "db_fixture.h"

#define SMALL  (UINT64_C(1) << 20)
#define MIB    (INT64_C(1) << 20)
#define GROUPS 600 /* of a storm; what they make is several times the bounds */

/* The reader: says that it reads, and goes on until it is killed. */
static int hold(const char *path)
{
	sqlite3 *h;
	sqlite3_stmt *s;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing */
	if (sqlite3_open_v2(path, &h, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
	    sqlite3_exec(h, "BEGIN", NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(h, "SELECT count(*) FROM page", -1, &s, NULL) !=
		    SQLITE_OK ||
	    sqlite3_step(s) != SQLITE_ROW || write(STDOUT_FILENO, "!", 1) != 1)
		return 1;
	for (;;)
		pause();
}

/* A program of its own: what SQLite knows of its locks does not survive a fork. */
static pid_t start_reader(const char *path)
{
	int fds[2];
	pid_t pid;
	char c = 0;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)dup2(fds[1], STDOUT_FILENO);
		execl("/proc/self/exe", "db-log-reader", path, NULL);
		_exit(127);
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &c, 1), 1);
	close(fds[0]);
	return pid;
}

static void end_reader(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static int64_t bytes_of(const struct fixture *f)
{
	char wal[160];

	snprintf(wal, sizeof(wal), "%s-wal", f->path);
	return size_of(f->path) + (size_of(wal) > 0 ? size_of(wal) : 0);
}

/* A group of pages far apart, as a storm makes them, and of history. */
static void put_group(struct db *db, int64_t i, bool pages)
{
	for (uint64_t n = 0; n < 300; n++) {
		union test_page p = page_of(n * 37, i, i + 1);
		struct ce_row ce = ce_of(n * 4096, i);

		if (pages)
			assert_int_equal(db_put_page(db, &p.rec), 0);
		assert_int_equal(db_put_ce(db, &ce), 0);
	}
	assert_int_equal(db_commit(db, usec(NOW), usec(OFFSET)), 0);
}

static struct db *open_small(const struct fixture *f)
{
	struct db_options o = options_of(f);

	o.max_size = SMALL;
	return must_open_as(&o, DB_CREATED);
}

static void reader_stays(void **state)
{
	const struct fixture *f = *state;
	struct action_row intent = action_of(1, RESULT_NONE);
	struct db *db = open_small(f);
	int64_t history;
	char who[256], pid_text[64];
	uint64_t lost;
	pid_t pid;

	put_group(db, 0, true);
	pid = start_reader(f->path);
	for (int i = 1; i < GROUPS && db_log_state(db) < DB_LOG_LONG; i++)
		put_group(db, i, true);
	assert_int_equal(db_log_state(db), DB_LOG_LONG);
	assert_int_equal(db_log_try(db), DB_LOG_LONG);
	db_log_holders(db, who, sizeof(who));
	snprintf(pid_text, sizeof(pid_text), " (process %d)", (int)pid);
	assert_non_null(strstr(who, pid_text));

	/* history is left out, and counted as lost; an intent is not */
	history = ask(f->path, "SELECT max(last) FROM ce");
	lost = db_lost_rows(db);
	assert_true(lost > 0);
	put_group(db, GROUPS, false);
	assert_int_equal(db_lost_rows(db), lost + 300);
	assert_int_equal(ask(f->path, "SELECT max(last) FROM ce"), history);
	assert_int_equal(db_put_action(db, &intent), 0);
	must_commit(db);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM action"), 1);
	assert_int_equal(db_prune(db, usec(NOW), 5000), 0);
	assert_true(bytes_of(f) <= (int64_t)SMALL + 18 * MIB);

	/* a caller that goes on all the same does not get past the last bound */
	for (int i = 1; i < 5 * GROUPS && db_log_state(db) < DB_LOG_FULL; i++)
		put_group(db, GROUPS + i, true);
	assert_int_equal(db_log_state(db), DB_LOG_FULL);
	for (int i = 0; i < GROUPS; i++) {
		put_group(db, 6 * GROUPS + i, true);
		assert_true(bytes_of(f) <= (int64_t)SMALL + 34 * MIB);
	}
	assert_int_equal(db_errors(db), 0);

	end_reader(pid);
	assert_int_equal(db_log_try(db), DB_LOG_FINE);
	lost = db_lost_rows(db);
	put_group(db, 9 * GROUPS, true);
	/* the pages of the group had been left out before, and are stored now */
	assert_int_equal(db_lost_rows(db), lost - 300);
	assert_int_equal(ask(f->path, "SELECT max(last) FROM ce"), 9 * GROUPS);
	assert_true(bytes_of(f) <= 8 * MIB);
	db_close(db);
}

/* One that comes and goes costs nothing. */
static void reader_goes(void **state)
{
	const struct fixture *f = *state;
	struct db *db = open_small(f);

	put_group(db, 0, true);
	for (int round = 0; round < 4; round++) {
		pid_t pid = start_reader(f->path);

		for (int i = 0; i < 4; i++)
			put_group(db, round, true);
		end_reader(pid);
		put_group(db, round, true);
		put_group(db, round, true);
	}
	assert_int_equal(db_log_state(db), DB_LOG_FINE);
	assert_int_equal(db_lost_rows(db), 0);
	db_close(db);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		T(reader_stays),
		T(reader_goes),
	};

	if (argc == 2)
		return hold(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
