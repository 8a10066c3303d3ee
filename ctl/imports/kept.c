/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The file of what was imported. It is written next to itself and renamed, so it is the old
 * one or the new one, also after a power cut.
 */

#include "imports/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "imports/lines.h"

#define KEPT_TEXTS 5

void kept_done(struct kept *k)
{
	for (size_t i = 0; i < k->n; i++)
		free(k->v[i].texts);
	free(k->v);
	*k = (struct kept){ 0 };
}

/* Makes the texts of @row its own. 0; -ENOMEM. */
static int kept_own_texts(struct kept_row *row)
{
	struct history_row *r = &row->row;
	struct backtest_text *const texts[KEPT_TEXTS] = { &r->server, &r->dimm, &r->slot,
							  &r->part, &r->serial };
	size_t size = 1, at = 0;

	for (size_t i = 0; i < KEPT_TEXTS; i++)
		size += texts[i]->len;
	row->texts = malloc(size);
	if (!row->texts)
		return -ENOMEM;
	for (size_t i = 0; i < KEPT_TEXTS; i++) {
		if (texts[i]->len > 0)
			memcpy(row->texts + at, texts[i]->s, texts[i]->len);
		texts[i]->s = row->texts + at;
		at += texts[i]->len;
	}
	return 0;
}

int kept_add(struct kept *k, const struct history_row *row)
{
	struct kept_row *grown;
	int r;

	if (k->n == KEPT_ROWS_MAX)
		return -EFBIG;
	if (k->n == k->room) {
		size_t room = k->room ? k->room * 2 : 64;

		grown = reallocarray(k->v, room, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		k->v = grown;
		k->room = room;
	}
	k->v[k->n] = (struct kept_row){ .row = *row, .place = k->n };
	r = kept_own_texts(&k->v[k->n]);
	if (r == 0)
		k->n++;
	return r;
}

static ssize_t kept_read_fd(void *userdata, char *buf, size_t size)
{
	const int *fd = userdata;
	ssize_t n;

	do {
		n = read(*fd, buf, size);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int kept_read(struct kept *k, int fd, int64_t tomorrow, uint64_t *ret_line,
	      const char **ret_why)
{
	_cleanup_(free_p) struct lines *lines = malloc(sizeof(*lines));
	_cleanup_(free_p) struct history_reader *h = calloc(1, sizeof(*h));
	struct backtest_text line;
	struct history_row row;
	int r;

	if (!lines || !h)
		return -ENOMEM;
	h->tomorrow = tomorrow;
	lines_init(lines, kept_read_fd, &fd);
	for (;;) {
		r = lines_next(lines, &line);
		if (r <= 0)
			break;
		r = history_read_line(h, line, &row, ret_why);
		if (r > 0)
			r = kept_add(k, &row);
		if (r < 0)
			break;
	}
	*ret_line = lines->line;
	if (r == 0 && !h->begun) {
		*ret_why = "it is empty";
		*ret_line = 1;
		r = -EINVAL;
	}
	return r;
}

static const char *kept_say(const char *what, const char *path, int r)
{
	static char why[PATH_MAX + 256];

	snprintf(why, sizeof(why), "%s%s: %s", path, what, strerror(-r));
	return why;
}

int kept_load(struct kept *k, const char *db, const char **ret_why)
{
	static char why[PATH_MAX + 256];
	char path[PATH_MAX];
	_cleanup_(close_p) int fd = -1;
	const char *reason = "";
	uint64_t line = 0;
	int r;

	if ((size_t)snprintf(path, sizeof(path), "%s" KEPT_SUFFIX, db) >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 && errno == ENOENT)
		return 0;
	r = fd < 0 ? -errno : kept_read(k, fd, INT64_MAX, &line, &reason);
	if (r == -EINVAL) {
		snprintf(why, sizeof(why), "%s:%llu: %s", path, (unsigned long long)line,
			 reason);
		*ret_why = why;
	} else if (r < 0)
		*ret_why = kept_say("", path, r);
	return r;
}

static int kept_compare_starts(const struct history_row *a, const struct history_row *b)
{
	int r = history_compare_cell(a, b);

	return r ? r : a->first < b->first ? -1 : a->first > b->first;
}

static int kept_compare_cells(const void *a, const void *b)
{
	const struct kept_row *x = a, *y = b;
	int r = kept_compare_starts(&x->row, &y->row);

	if (r == 0)
		r = history_compare_age(&x->row, &y->row);
	return r ? r : x->place < y->place ? -1 : x->place > y->place;
}

static int kept_compare_times(const void *a, const void *b)
{
	const struct kept_row *x = a, *y = b;

	if (x->row.time != y->row.time)
		return x->row.time < y->row.time ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

void kept_sort_cells(struct kept *k)
{
	if (k->n > 0)
		qsort(k->v, k->n, sizeof(*k->v), kept_compare_cells);
}

void kept_sort_time(struct kept *k)
{
	if (k->n > 0)
		qsort(k->v, k->n, sizeof(*k->v), kept_compare_times);
}

/* In the order of cells: by cell, start and age. */
static int kept_compare_rows(const struct history_row *a, const struct history_row *b)
{
	int r = kept_compare_starts(a, b);

	return r ? r : history_compare_age(a, b);
}

/* The first row, in the order of cells, that is not before @row by @compare; @k->n. */
static size_t kept_first(const struct kept *k, const struct history_row *row,
			 int (*compare)(const struct history_row *,
					const struct history_row *))
{
	size_t low = 0, high = k->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&k->v[middle].row, row) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void kept_mark(struct kept_row *row, size_t place)
{
	row->matched = true;
	row->skip = place + 1;
}

/* The first row from @i on that is not marked. Rows that are marked are passed at once the
 * next time: a file may hold one row a million times. */
static size_t kept_unmarked(const struct kept *k, size_t i)
{
	size_t end = i;

	while (end < k->n && k->v[end].matched)
		end = k->v[end].skip;
	while (i < end) {
		size_t next = k->v[i].skip;

		k->v[i].skip = end;
		i = next;
	}
	return end;
}

/* The first row that tells of the errors of @row and is not marked; @k->n. */
static size_t kept_find(const struct kept *k, const struct history_row *row)
{
	struct history_row from = *row;
	size_t i;

	from.first = usec_sub(usec(row->first), usec(HISTORY_SAME)).us;
	i = kept_unmarked(k, kept_first(k, &from, kept_compare_starts));
	if (i < k->n &&
	    (history_compare_cell(&k->v[i].row, row) != 0 ||
	     k->v[i].row.first > usec_add(usec(row->first), usec(HISTORY_SAME)).us))
		return k->n;
	return i;
}

bool kept_match(struct kept *k, const struct history_row *row)
{
	size_t i = kept_find(k, row);

	if (i == k->n)
		return false;
	kept_mark(&k->v[i], i);
	return true;
}

static bool kept_same_text(struct backtest_text a, struct backtest_text b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.s, b.s, a.len) == 0);
}

/* Whether rows of one cell are one row in all that they say. */
static bool kept_same(const struct history_row *a, const struct history_row *b)
{
	return a->first == b->first && history_compare_age(a, b) == 0 &&
	       kept_same_text(a->slot, b->slot) && kept_same_text(a->part, b->part) &&
	       kept_same_text(a->serial, b->serial) && a->mc == b->mc &&
	       memcmp(a->layer, b->layer, sizeof(a->layer)) == 0 &&
	       memcmp(&a->coord, &b->coord, sizeof(a->coord)) == 0;
}

/* Takes @row over for @old, unless it knows less. 0; -ENOMEM. */
static int kept_update(struct kept_row *old, const struct history_row *row,
		       struct kept_sums *sums)
{
	struct kept_row fresh = *old;
	int r;

	fresh.row = *row;
	if (history_compare_age(&old->row, row) > 0) {
		sums->known++;
		return 0;
	}
	r = kept_own_texts(&fresh);
	if (r < 0)
		return r;
	free(old->texts);
	*old = fresh;
	sums->updated++;
	return 0;
}

/* Marks on both sides the rows of @rows that are there word for word. */
static void kept_match_same(struct kept *all, struct kept *rows, struct kept_sums *sums)
{
	for (size_t n = 0; n < rows->n; n++) {
		struct kept_row *row = &rows->v[n];
		size_t i = kept_first(all, &row->row, kept_compare_rows);

		for (i = kept_unmarked(all, i);
		     i < all->n && kept_compare_rows(&all->v[i].row, &row->row) == 0;
		     i = kept_unmarked(all, i + 1)) {
			if (!kept_same(&all->v[i].row, &row->row))
				continue;
			kept_mark(&all->v[i], i);
			row->matched = true;
			sums->known++;
			break;
		}
	}
}

/* Both are in the order of cells. What is new goes to the end. 0; -ENOMEM; -EFBIG. */
static int kept_merge(struct kept *all, struct kept *rows, struct kept_sums *sums)
{
	struct kept old = *all;
	int r = 0;

	kept_match_same(&old, rows, sums);
	for (size_t i = 0; r == 0 && i < rows->n; i++) {
		const struct kept_row *row = &rows->v[i];
		size_t found;

		if (row->matched)
			continue;
		found = kept_find(&old, &row->row);
		if (found < old.n) {
			kept_mark(&old.v[found], found);
			r = kept_update(&old.v[found], &row->row, sums);
			continue;
		}
		r = kept_add(all, &row->row);
		if (r < 0)
			break;
		all->v[all->n - 1].place = KEPT_ROWS_MAX + row->place;
		sums->added++;
		old.v = all->v; /* may have moved */
	}
	return r;
}

/* Opens and locks the file at @path, which becomes the new one. -EBUSY; negative errno. */
static int kept_open_new(const char *path)
{
	for (;;) {
		_cleanup_(close_p) int fd = open(
			path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
		struct stat ours, there;

		if (fd < 0)
			return -errno;
		if (flock(fd, LOCK_EX | LOCK_NB) < 0)
			return errno == EWOULDBLOCK ? -EBUSY : -errno;
		/* The one before us may have renamed it since. */
		if (fstat(fd, &ours) == 0 && stat(path, &there) == 0 &&
		    ours.st_ino == there.st_ino && ours.st_dev == there.st_dev)
			return ftruncate(fd, 0) < 0 ? -errno : TAKE_FD(fd);
	}
}

static int kept_write(const struct kept *all, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	_cleanup_(fclose_p) FILE *f = copy < 0 ? NULL : fdopen(copy, "w");

	if (!f)
		return -errno;
	history_write_heading(f);
	for (size_t i = 0; i < all->n; i++)
		history_write_csv(f, &all->v[i].row);
	return fflush(f) != 0 || ferror(f) || fsync(fd) < 0 ? -errno : 0;
}

static int kept_sync_folder(const char *path)
{
	_cleanup_(free_p) char *folder = strdup(path);
	char *slash = folder ? strrchr(folder, '/') : NULL;
	int fd, r;

	if (!folder)
		return -ENOMEM;
	if (slash)
		slash[slash == folder] = '\0';
	fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = fd < 0 || fsync(fd) < 0 ? -errno : 0;
	close_p(&fd);
	return r;
}

/* With the lock held: reads what is there, adds @rows, and replaces it. */
static int kept_replace(struct kept *rows, const char *db, int fd, const char *fresh,
			struct kept_sums *sums, const char **ret_why)
{
	_cleanup_(kept_done) struct kept all = { 0 };
	char path[PATH_MAX];
	int r = kept_load(&all, db, ret_why);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s" KEPT_SUFFIX, db);
	kept_sort_cells(&all);
	r = kept_merge(&all, rows, sums);
	if (r < 0) {
		*ret_why = r == -EFBIG ? "more than 1,000,000 rows would be kept"
				       : "out of memory";
		return r;
	}
	sums->kept = all.n;
	kept_sort_time(&all);
	r = kept_write(&all, fd);
	if (r == 0 && rename(fresh, path) < 0)
		r = -errno;
	if (r == 0)
		r = kept_sync_folder(path);
	if (r < 0)
		*ret_why = kept_say(" cannot be written", path, r);
	return r;
}

int kept_store(struct kept *rows, const char *db, struct kept_sums *ret,
	       const char **ret_why)
{
	struct kept_sums sums = { .rows = rows->n };
	char fresh[PATH_MAX];
	_cleanup_(close_p) int fd = -1;
	int r;

	if ((size_t)snprintf(fresh, sizeof(fresh), "%s" KEPT_SUFFIX ".new", db) >=
	    sizeof(fresh))
		return -ENAMETOOLONG;
	fd = kept_open_new(fresh);
	if (fd < 0) {
		*ret_why = fd == -EBUSY ? "another import is at it"
					: kept_say(" cannot be made", fresh, fd);
		return fd;
	}
	r = kept_replace(rows, db, fd, fresh, &sums, ret_why);
	if (r < 0)
		(void)unlink(fresh);
	else
		*ret = sums;
	return r;
}
