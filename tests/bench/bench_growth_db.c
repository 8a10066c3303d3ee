/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Whether the database stays as fast as it grows: a new page with a cell of its own for
 * each error, which is the most that an error can add, from an empty file to its cap and
 * well past it, where the oldest history has to go. One line for each step, ready for a
 * table or a plot.
 */

#include <stdio.h>

#include "base/mem.h"
#include "bench.h"
#include "db_shell.h"

#define STEP     100000 /* errors a line */
#define STEPS    27
#define EVERY_US 1000 /* a thousand errors a second of event time */

int main(void)
{
	struct db_shell s;
	int64_t when = 2 * USEC_PER_SEC;
	uint64_t frame = 0x100000, lost = 0;

	bench_print_machine();
	db_shell_open(&s, 0);
	db_shell_start(&s, 65536);
	printf("%-12s %12s %14s %12s %10s\n", "errors", "database-MB", "usec-an-error",
	       "ms-a-commit", "rows-lost");
	for (unsigned int i = 1; i <= STEPS; i++) {
		uint64_t begin = bench_wall(), commits = s.commits,
			 commit_ns = s.commit_ns;

		for (unsigned int n = 0; n < STEP; n++, when += EVERY_US)
			db_shell_error(&s, frame++ << 12 | 0x40, usec(when));
		db_shell_flush(&s);
		lost = db_lost_rows(s.db);
		printf("%-12llu %12.1f %14.2f %12.2f %10llu\n",
		       (unsigned long long)i * STEP, (double)db_size(s.db) / 1e6,
		       (double)(bench_wall() - begin) / 1e3 / STEP,
		       (double)(s.commit_ns - commit_ns) / 1e6 /
			       (double)(s.commits - commits),
		       (unsigned long long)lost);
		(void)fflush(stdout);
	}
	db_shell_close(&s);
	return 0;
}
