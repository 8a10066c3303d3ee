/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * kill -9 at any moment: the file is sound, and whatever had been reported as committed
 * is there. A child writes and reports each commit over a pipe; the parent kills it after
 * some number of reports and looks.
 */

#include <signal.h>
#include <sys/wait.h>

#include "db_fixture.h"
#include "random.h"

#define ROUNDS 15

/* Rows n: a page, its count, a CE, an action; each group of 1 to 7 of them. */
static _Noreturn void write_forever(const struct fixture *f, int fd, uint64_t n)
{
	struct db_options o = options_of(f);
	enum db_opened how;
	const char *why;
	struct db *db;

	if (db_open(&db, &o, &how, &why) < 0 || how == DB_QUARANTINED)
		_exit(1);
	for (;;) {
		union test_page p = page_of(n + 1, 1, 2);
		struct ce_row ce = ce_of(n * 4096, 1);
		struct action_row a = { .id = n + 1, .result = RESULT_OFFLINED };
		struct totals t = { .events = n + 1 };

		if (db_put_page(db, &p.rec) < 0 || db_put_ce(db, &ce) < 0 ||
		    db_put_action(db, &a) < 0 || db_put_totals(db, &t) < 0)
			_exit(1);
		n++;
		if (n % 500 == 0 &&
		    (db_prune(db, usec(NOW), 10) < 0 || db_backup(db) < 0))
			_exit(1);
		if (n % (1 + n % 7) != 0)
			continue;
		if (db_commit(db, usec(NOW), usec(OFFSET)) < 0 ||
		    write(fd, &n, sizeof(n)) != sizeof(n))
			_exit(1);
	}
}

/* The last number that the child reported before it died. */
static uint64_t run_child(const struct fixture *f, uint64_t from, unsigned int reports)
{
	uint64_t n, last = from;
	unsigned int seen = 0;
	int status, pipefd[2];
	pid_t child;

	assert_int_equal(pipe2(pipefd, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		write_forever(f, pipefd[1], from);
	close(pipefd[1]);
	while (read(pipefd[0], &n, sizeof(n)) == sizeof(n)) {
		last = n;
		if (++seen == reports)
			kill(child, SIGKILL);
	}
	close(pipefd[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	return last;
}

static void killed_at_any_moment(void **state)
{
	const struct fixture *f = *state;
	uint64_t seed = 2463534242, last = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct totals t = { 0 };
		struct db *db;

		next_random(&seed);
		last = run_child(f, last, 1 + (unsigned int)(seed % 150));
		db = must_open(f, DB_OPENED);
		assert_int_equal(db_get_totals(db, &t), 0);
		assert_true(t.events >= last);
		/* a group is there as a whole or not at all */
		assert_int_equal(pages_in(db), t.events);
		assert_int_equal(ask(f->path, "SELECT count(*) FROM ce"), t.events);
		assert_int_equal(ask(f->path, "SELECT count(*) FROM action"), t.events);
		assert_int_equal(ask(f->path,
				     "SELECT count(*) FROM pragma_integrity_check"
				     " WHERE integrity_check = 'ok'"),
				 1);
		db_close(db);
		last = t.events;
	}
	print_message("%llu rows of each kind survived %d kills\n",
		      (unsigned long long)last, ROUNDS);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(killed_at_any_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
