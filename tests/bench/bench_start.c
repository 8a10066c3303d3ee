/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * How long a start takes: the real daemon from its exec to READY=1, on an empty database
 * and on one of a million pages, in turns; and what of it goes into opening the database
 * and reading back what the tracker holds. For a virtual machine it does one of both
 * only: with the arguments "make FILE" it makes such a database, with "ready PROGRAM
 * FILE" it starts the daemon on it.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "bench.h"
#include "daemon_shell.h"
#include "db_shell.h"

#define ROUNDS  5
#define PAGES   1000000
#define TRACKED 65536
#define GROUP   10000 /* pages a commit: making it is not what is measured */

/* Frames in no order, as they erred, and a row of history for each error. */
static void fill(struct db_shell *s)
{
	union {
		struct page_rec rec;
		char room[sizeof(struct page_rec) + 2 * sizeof(int64_t)];
	} page = { .rec = { .corrected_errors = 2, .n_stamps = 2 } };
	struct ce_row ce = { .count = 2, .events = 2, .grain_bits = 6 };
	uint64_t random = 88172645463325252U;

	ce.has_address = true;
	for (uint64_t n = 0; n < PAGES; n++) {
		page.rec.pfn = bench_random(&random) >> 34;
		page.rec.first_seen = (int64_t)n * 1000;
		page.rec.stamps[0] = (int64_t)n * 1000;
		page.rec.stamps[1] = (int64_t)(n + bench_random(&random) % 1000) * 1000;
		ce.address = page.rec.pfn << 12;
		ce.first = page.rec.stamps[0];
		ce.last = page.rec.stamps[1];
		(void)db_put_page(s->db, &page.rec);
		(void)db_put_ce(s->db, &ce);
		if (n % GROUP == 0)
			(void)db_commit(s->db, usec(page.rec.first_seen), usec(0));
	}
	s->now = usec((int64_t)PAGES * 2000);
}

/* Milliseconds that passed, and of the processor: the machine may be busy. */
struct span {
	double wall[ROUNDS];
	double cpu[ROUNDS];
};

static void print(const char *what, struct span *t)
{
	printf("%-44s %12.0f %12.0f\n", what, bench_median(t->wall, ROUNDS),
	       bench_median(t->cpu, ROUNDS));
}

/* One start of the daemon; a figure that cannot be had is 0. */
static int start(const char *program, const char *db, struct span *t, unsigned int round)
{
	uint64_t wall = 0, cpu = 0;
	int r = daemon_shell_start(program, db, &wall, &cpu);

	if (r < 0)
		fprintf(stderr, "%s: %s%s\n", program, strerror(-r),
			r == -EPERM ? " (no tracefs, and none can be made up)"
				    : ", see daemon.log");
	t->wall[round] = (double)wall / 1e6;
	t->cpu[round] = (double)cpu / 1e6;
	return r;
}

/* What the kernel holds of @path is read from the disk again. */
static void forget(const char *path)
{
	_cleanup_(close_p) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && fdatasync(fd) == 0)
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

static int starts(const char *program)
{
	struct span empty, cold, warm;
	int r = 0;

	for (unsigned int i = 0; r >= 0 && i < ROUNDS; i++) {
		r = start(program, "empty.db", &empty, i);
		forget("bench.db");
		if (r >= 0)
			r = start(program, "bench.db", &cold, i);
		if (r >= 0)
			r = start(program, "bench.db", &warm, i);
	}
	if (r < 0)
		return r;
	print("to READY=1 with an empty database", &empty);
	print("to READY=1 with this one, from the disk", &cold);
	print("to READY=1 with this one, from memory", &warm);
	return 0;
}

static void parts(struct db_shell *s)
{
	struct span opening, restoring;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint64_t wall, cpu = bench_now();

		opening.wall[i] = (double)db_shell_reopen(s) / 1e6;
		opening.cpu[i] = (double)(bench_now() - cpu) / 1e6;
		wall = bench_wall();
		cpu = bench_now();
		db_shell_start(s, TRACKED);
		restoring.wall[i] = (double)(bench_wall() - wall) / 1e6;
		restoring.cpu[i] = (double)(bench_now() - cpu) / 1e6;
		s->sim = sim_free(s->sim);
	}
	print("of it: opening", &opening);
	print("of it: reading back 65,536 pages", &restoring);
}

static int measure(const char *program)
{
	_cleanup_(free_p) char *path = realpath(program, NULL);
	struct db_shell s;
	struct stat st = { 0 };
	int r = -1;

	if (!path) {
		perror(program);
		return 1;
	}
	bench_print_machine();
	db_shell_open(&s, 0);
	fill(&s);
	s.db = db_close(s.db);
	(void)stat(s.path, &st);
	printf("start on %d pages, %.0f MB; medians of %d rounds\n", PAGES,
	       (double)st.st_size / 1e6, ROUNDS);
	printf("%-44s %12s %12s\n", "", "ms", "ms of CPU");
	if (chdir(s.folder) == 0) {
		r = starts(path);
		if (chdir("..") < 0)
			return 1;
	}
	parts(&s);
	db_shell_close(&s);
	return r < 0 ? 1 : 0;
}

static int make(const char *path)
{
	struct db_shell s;
	int r;

	db_shell_open(&s, 0);
	fill(&s);
	s.db = db_close(s.db);
	r = rename(s.path, path);
	if (r < 0)
		perror(path);
	db_shell_close(&s);
	return r < 0 ? 1 : 0;
}

/* Prints the milliseconds only. */
static int ready(const char *program, const char *path)
{
	struct span t;

	for (unsigned int i = 0; i < ROUNDS; i++)
		if (start(program, path, &t, i) < 0)
			return 1;
	printf("%.0f\n", bench_median(t.wall, ROUNDS));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2)
		return measure(argv[1]);
	if (argc == 3 && strcmp(argv[1], "make") == 0)
		return make(argv[2]);
	if (argc == 4 && strcmp(argv[1], "ready") == 0)
		return ready(argv[2], argv[3]);
	fputs("usage: bench_start DAEMON | make FILE | ready DAEMON FILE\n", stderr);
	return 2;
}
