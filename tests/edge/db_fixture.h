/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the tests of the database share: a folder of their own, rows to put in, and a
 * plain SQLite connection to look at the file from outside.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka wants these before it */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sqlite3.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/mem.h"
#include "db.h"

#define NOW      (INT64_C(5000) * USEC_PER_SEC)
#define OFFSET   (INT64_C(1700000000) * USEC_PER_SEC)
#define MAX_SIZE (UINT64_C(256) << 20)
#define BOOT_A   "aaaaaaaa-0000-4000-8000-000000000001"
#define BOOT_B   "bbbbbbbb-0000-4000-8000-000000000002"

DEFINE_CLEANUP(struct db *, db_close)

struct fixture {
	char folder[64];
	char path[96];
};

/* A page with at most 8 stamps. */
union test_page {
	struct page_rec rec;
	char room[sizeof(struct page_rec) + 8 * sizeof(int64_t)];
};

static inline int fixture_remove(const char *path, const struct stat *st, int type,
				 struct FTW *ftw)
{
	return remove(path);
}

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	strcpy(f->folder, "/tmp/softofflined-db-XXXXXX");
	if (!mkdtemp(f->folder)) {
		free(f);
		return -1;
	}
	snprintf(f->path, sizeof(f->path), "%s/softofflined.db", f->folder);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	/* only one test mounts, and it may have failed half-way */
	(void)umount2(f->folder, MNT_DETACH);
	nftw(f->folder, fixture_remove, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static inline struct db_options options_of(const struct fixture *f)
{
	struct db_options o = {
		.path = f->path,
		.max_size = MAX_SIZE,
		.retention = usec(400 * USEC_PER_DAY),
		.boot_id = BOOT_A,
		.now = usec(NOW),
		.wall_offset = usec(OFFSET),
		.page_shift = 12,
	};

	return o;
}

static inline struct db *must_open_as(const struct db_options *o, enum db_opened want)
{
	enum db_opened how = DB_OPENED;
	const char *why = NULL;
	struct db *db = NULL;
	int r = db_open(&db, o, &how, &why);

	if (r < 0)
		fail_msg("db_open: %s: %s", strerror(-r), why ? why : "(no reason)");
	assert_int_equal(how, want);
	return db;
}

static inline struct db *must_open(const struct fixture *f, enum db_opened want)
{
	struct db_options o = options_of(f);

	return must_open_as(&o, want);
}

static inline struct db *open_boot_b(const struct fixture *f, int64_t now, int64_t offset)
{
	struct db_options o = options_of(f);

	strcpy(o.boot_id, BOOT_B);
	o.now = usec(now);
	o.wall_offset = usec(offset);
	return must_open_as(&o, DB_OPENED);
}

static inline void must_commit(struct db *db)
{
	assert_int_equal(db_commit(db, usec(NOW), usec(OFFSET)), 0);
	assert_int_equal(db_pending(db), 0);
}

static inline union test_page page_of(uint64_t n, int64_t first, int64_t last)
{
	union test_page p = { .rec = { .pfn = n,
				       .corrected_errors = 2,
				       .first_seen = first,
				       .n_stamps = 2 } };

	p.rec.stamps[0] = first;
	p.rec.stamps[1] = last;
	return p;
}

static inline struct ce_row ce_of(uint64_t address, int64_t when)
{
	return (struct ce_row){ .first = when,
				.last = when,
				.address = address,
				.has_address = true,
				.count = 1,
				.events = 1 };
}

static inline struct action_row action_of(uint64_t id, enum result result)
{
	return (struct action_row){ .id = id,
				    .time = (int64_t)id * 10,
				    .pfn = 40 + id,
				    .action = ACTION_OFFLINE,
				    .reason = REASON_ROW_FAULT,
				    .result = result,
				    .page_type = FRAME_PAGE_TABLE,
				    .error = -5,
				    .duration_usec = 6600000,
				    .poisoned_before_kib = -1,
				    .poisoned_after_kib = 4,
				    .dimm = 3,
				    .outcome = SOFT_NOT_MIGRATED };
}

/** A number out of the file, by a connection of its own. */
static inline int64_t ask(const char *path, const char *sql)
{
	sqlite3 *h = NULL;
	sqlite3_stmt *s = NULL;
	int64_t v;

	assert_int_equal(sqlite3_open_v2(path, &h, SQLITE_OPEN_READONLY, NULL),
			 SQLITE_OK);
	if (sqlite3_prepare_v2(h, sql, -1, &s, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(h));
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	v = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(h);
	return v;
}

/** Changes the file by a connection of its own. */
static inline void run_sql(const char *path, const char *sql)
{
	sqlite3 *h = NULL;
	char *error = NULL;

	assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
	if (sqlite3_exec(h, sql, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s", error);
	sqlite3_close(h);
}

static inline int64_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? -1 : (int64_t)st.st_size;
}

/** The bytes of a file, to be freed. */
static inline char *slurp(const char *path, size_t *ret_len)
{
	_cleanup_(fclose_p) FILE *f = fopen(path, "rb");
	char *text;
	size_t len;

	assert_non_null(f);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	len = (size_t)ftell(f);
	rewind(f);
	text = calloc(1, len + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, len, f), len);
	*ret_len = len;
	return text;
}

static inline void spew(const char *path, const void *data, size_t len)
{
	_cleanup_(fclose_p) FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
}

static inline int count_page(void *userdata, const struct page_rec *rec, bool other_boot)
{
	(*(unsigned int *)userdata)++;
	return 0;
}

static inline unsigned int pages_in(struct db *db)
{
	unsigned int n = 0;
	bool more;

	assert_int_equal(db_each_page(db, UINT32_MAX, count_page, &n, &more), 0);
	assert_false(more);
	return n;
}
