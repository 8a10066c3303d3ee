/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What the database costs. Rows a second: the daemon's group commit beside a commit for
 * each row, on the same disk, in turns. Bytes per million errors: a million errors on
 * 1,000 pages at several rates through the engine into a file, beside a row for each.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "bench.h"
#include "db_shell.h"

#define ROUNDS       5
#define GROUP_ROWS   50000
#define SINGLE_ROWS  200
#define ERRORS       1000000
#define PAGES        1000
#define FIRST_FRAME  0x100000
#define MANY_COMMITS 1000 /* in one run, at most */

static struct ce_row row_of(uint64_t n)
{
	return (struct ce_row){ .first = (int64_t)n * 1000,
				.last = (int64_t)n * 1000,
				.address = (FIRST_FRAME + n % PAGES) << 12,
				.has_address = true,
				.count = 1,
				.events = 1,
				.grain_bits = 6 };
}

/* Rows a second. */
static double write_rows(uint64_t rows, uint64_t group)
{
	struct db_shell s;
	uint64_t begin, spent;

	db_shell_open(&s, 0);
	begin = bench_wall();
	for (uint64_t n = 0; n < rows; n++) {
		struct ce_row row = row_of(n);

		(void)db_put_ce(s.db, &row);
		if ((n + 1) % group == 0)
			(void)db_commit(s.db, usec((int64_t)n), usec(0));
	}
	spent = bench_wall() - begin;
	if (db_lost_rows(s.db) > 0)
		puts("rows were lost");
	db_shell_close(&s);
	return (double)rows * 1e9 / (double)spent;
}

static void compare_commits(void)
{
	double group[ROUNDS], single[ROUNDS], ratio[ROUNDS];

	for (unsigned int i = 0; i < ROUNDS; i++) {
		group[i] = write_rows(GROUP_ROWS, DB_GROUP_ROWS);
		single[i] = write_rows(SINGLE_ROWS, 1);
		ratio[i] = group[i] / single[i];
	}
	printf("rows a second, medians of %d rounds\n", ROUNDS);
	printf("%-44s %12.0f\n", "group commit, 1,000 rows", bench_median(group, ROUNDS));
	printf("%-44s %12.0f\n", "a commit for each row", bench_median(single, ROUNDS));
	printf("%-44s %11.0fx\n\n", "ratio", bench_median(ratio, ROUNDS));
}

static uint64_t file_bytes(const struct db_shell *s)
{
	struct stat st;

	return stat(s->path, &st) < 0 ? 0 : (uint64_t)st.st_size;
}

static void print_bytes(const char *what, const struct db_shell *s, uint64_t errors)
{
	double scale = (double)ERRORS / (double)errors;

	printf("%-44s %12.1f %14.0f %10llu\n", what, (double)file_bytes(s) * scale / 1e6,
	       (double)s->stored * scale, (unsigned long long)s->commits);
}

/* Each page errs every @gap microseconds, one cell of it. */
static void bytes_at(const char *what, int64_t gap)
{
	struct db_shell s;

	db_shell_open(&s, 0);
	db_shell_start(&s, 65536);
	if (gap / PAGES * ERRORS > MANY_COMMITS * USEC_PER_SEC)
		s.commit_every = usec(gap / PAGES * (ERRORS / MANY_COMMITS));
	for (uint64_t n = 0; n < ERRORS; n++)
		db_shell_error(&s, (FIRST_FRAME + n % PAGES) << 12 | 0x40,
			       usec(2 * USEC_PER_SEC + gap * (int64_t)n / PAGES));
	db_shell_flush(&s);
	s.sim = sim_free(s.sim);
	s.db = db_close(s.db);
	print_bytes(what, &s, ERRORS);
	db_shell_close(&s);
}

static void bytes_of_a_row_each(void)
{
	struct db_shell s;
	uint64_t rows = ERRORS / 5;

	db_shell_open(&s, 0);
	for (uint64_t n = 0; n < rows; n++) {
		struct ce_row row = row_of(n);

		s.stored += db_put_ce(s.db, &row) == 0;
		if ((n + 1) % DB_GROUP_ROWS == 0) {
			(void)db_commit(s.db, usec((int64_t)n), usec(0));
			s.commits++;
		}
	}
	s.db = db_close(s.db);
	print_bytes("a row for each error", &s, rows);
	db_shell_close(&s);
}

int main(void)
{
	static const struct {
		const char *what;
		int64_t gap;
	} rates[] = {
		{ "each page 100 times a second", 10000 },
		{ "each page once a second", USEC_PER_SEC },
		{ "each page every 10 seconds", 10 * USEC_PER_SEC },
		{ "each page every minute", USEC_PER_MINUTE },
		{ "each page every hour", USEC_PER_HOUR },
		{ "each page every 9 hours", 9 * USEC_PER_HOUR },
	};

	bench_print_machine();
	compare_commits();
	printf("1,000,000 errors on 1,000 pages\n%-44s %12s %14s %10s\n", "", "MB",
	       "rows written", "commits");
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++)
		bytes_at(rates[i].what, rates[i].gap);
	bytes_of_a_row_each();
	return 0;
}
