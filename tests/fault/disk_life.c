/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A short life with a database, by the daemon's own objects and in its order: opened,
 * read back, written in groups, checked, pruned, backed up, closed. Each folder named on
 * standard input gets one life, in a process of its own that finds a database there. The
 * process prints every result, and the tests judge. It continues where the daemon would.
 * With the word "look" as argument nothing is written between opening and closing.
 */

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "db.h"

#define GROUPS     6
#define PER_GROUP  3
#define FIRST_LIFE "aaaaaaaa-0000-4000-8000-000000000001"
#define NOW        (INT64_C(5000) * USEC_PER_SEC)
#define OFFSET     (INT64_C(1700000000) * USEC_PER_SEC)

union page {
	struct page_rec rec;
	char room[sizeof(struct page_rec) + 2 * sizeof(int64_t)];
};

DEFINE_CLEANUP(struct db *, db_close)
DEFINE_CLEANUP(struct db_check *, db_check_stop)

static int worst(int a, int b)
{
	return a < 0 ? a : b;
}

static int count_page(void *userdata, const struct page_rec *rec, bool other_boot)
{
	(*(unsigned int *)userdata)++;
	return 0;
}

static int ignore_dimm(void *userdata, uint16_t index, const struct dimm_rec *rec)
{
	return 0;
}

static int ignore_action(void *userdata, const struct action_row *row)
{
	return 0;
}

static int ignore_reader(void *userdata, uint16_t cpu, uint64_t read)
{
	return 0;
}

/* *ret: what the totals say, from which the life goes on. */
static void read_back(struct db *db, struct totals *ret)
{
	unsigned int pages = 0;
	bool more = false;
	int r = db_get_totals(db, ret);

	printf("totals %d %llu\n", r, (unsigned long long)ret->events);
	r = db_each_dimm(db, ignore_dimm, NULL);
	r = worst(r, db_each_page(db, 1000, count_page, &pages, &more));
	r = worst(r, db_each_intent(db, ignore_action, NULL));
	r = worst(r, db_each_reader(db, ignore_reader, NULL));
	printf("pages %d %u\n", r, pages);
}

static int put_one(struct db *db, uint64_t n)
{
	union page p = {
		.rec = {
			.pfn = n,
			.n_stamps = 1,
			.corrected_errors = 1,
			.first_seen = NOW,
		},
	};
	struct ce_row ce = { .first = NOW, .last = NOW, .count = 1, .events = 1 };
	struct action_row a = { .id = n, .time = NOW, .pfn = n };
	int r;

	p.rec.stamps[0] = NOW;
	ce.has_address = true;
	ce.address = n << 12;
	r = db_put_page(db, &p.rec);
	r = worst(r, db_put_ce(db, &ce));
	return worst(r, db_put_action(db, &a));
}

/* Group @g: a line of its first number, how putting and committing went. */
static void write_group(struct db *db, struct totals *t)
{
	const uint64_t first = t->events + 1;
	struct dimm_rec dimm = { .label = "DIMM_A1", .corrected_errors = first };
	int put = 0;
	int r;

	for (uint64_t n = first; n < first + PER_GROUP; n++)
		put = worst(put, put_one(db, n));
	t->events += PER_GROUP;
	t->next_action_id = t->events + 1;
	put = worst(put, db_put_dimm(db, 1, &dimm));
	put = worst(put, db_put_totals(db, t));
	put = worst(put, db_put_reader(db, 0, t->events));
	r = db_commit(db, usec(NOW), usec(OFFSET));
	printf("group %llu %d %d\n", (unsigned long long)first, put, r);
}

static int look_at_all(const char *path)
{
	_cleanup_(db_check_stop_p) struct db_check *c = NULL;
	int r = db_check_start(&c, path);
	struct pollfd p = { .events = POLLIN };

	if (r < 0)
		return r;
	p.fd = db_check_fd(c);
	(void)poll(&p, 1, -1);
	return db_check_result(c);
}

static void write_and_look(struct db *db, struct totals *t, const char *path)
{
	for (int g = 0; g < GROUPS; g++)
		write_group(db, t);
	printf("check %d\n", look_at_all(path));
	printf("prune %d\n", db_prune(db, usec(NOW), 10));
	printf("backup %d\n", db_backup(db));
	write_group(db, t);
	printf("lost %llu\n", (unsigned long long)db_lost_rows(db));
}

static void live(const char *folder, bool look)
{
	char path[PATH_MAX + 32];
	struct db_options o = {
		.path = path,
		.max_size = UINT64_C(256) << 20,
		.retention = usec(400 * USEC_PER_DAY),
		.boot_id = FIRST_LIFE,
		.now = usec(NOW),
		.wall_offset = usec(OFFSET),
		.check_later = true,
	};
	_cleanup_(db_close_p) struct db *db = NULL;
	struct totals t = { 0 };
	enum db_opened how = DB_OPENED;
	const char *why = NULL;
	int r;

	snprintf(path, sizeof(path), "%s/softofflined.db", folder);
	r = db_open(&db, &o, &how, &why);
	printf("open %d %d %s\n", r, (int)how, why ? why : "");
	if (r < 0)
		return;
	read_back(db, &t);
	if (look)
		printf("check %d\n", look_at_all(path));
	else
		write_and_look(db, &t, path);
}

static int live_apart(const char *folder, bool look)
{
	int status = 0;
	pid_t child;

	(void)fflush(stdout);
	child = fork();
	if (child == 0) {
		live(folder, look);
		(void)fflush(stdout);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return -1;
	return status;
}

int main(int argc, char **argv)
{
	const bool look = argc > 1 && strcmp(argv[1], "look") == 0;
	char folder[PATH_MAX];

	while (fgets(folder, sizeof(folder), stdin)) {
		folder[strcspn(folder, "\n")] = '\0';
		printf("end %d\n", live_apart(folder, look));
		(void)fflush(stdout);
	}
	return 0;
}
