/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What an earlier boot wrote, as the present boot is to read it: its times and its frame
 * numbers. It does not know which kernel runs.
 *
 * Times: the wall clock says when a boot was, if it is right. A machine may start in 1970,
 * though, and then every earlier boot would lie in the future. What is certain is the
 * order: a boot has ended before the next one began. So each boot that the wall clock puts
 * too late is moved to right before the boot after it, as a whole: what was a year apart
 * stays a year apart.
 *
 * Nor is a clock believed that is far ahead: between two boots a month passes at most, as
 * far as rows age by it. See db_boots_unlived().
 *
 * Frame numbers count pages of one size. The next kernel may have another one (arm64 has
 * kernels of 4, 16 and 64 KiB pages), and a frame number is then an address somewhere else.
 */

#include <inttypes.h>
#include <stdlib.h>

#include "store/db_internal.h"

#define BOOTS_MAX 65536 /* more are not believed */
#define GAP_MAX   (30 * USEC_PER_DAY)

#define SHIFT_MIN 10
#define SHIFT_MAX 30

/** The present boot's time minus that of boot @id. */
struct boot_place {
	int64_t id;
	usec_t by;
};

/* Goes from the newest boot to the oldest. @limit: the boot must have ended by then.
 * @unlived grows by what the time from its end to @limit has too much. */
static void boots_place(struct db *db, sqlite3_stmt *s, struct boot_place *ret,
			usec_t *limit, usec_t *unlived)
{
	usec_t first = usec(sqlite3_column_int64(s, 1));
	usec_t last = usec(sqlite3_column_int64(s, 2));
	usec_t offset = usec(sqlite3_column_int64(s, 3));
	usec_t late;

	ret->id = sqlite3_column_int64(s, 0);
	ret->by = usec_sub(offset, db->wall_offset);
	late = usec_sub(usec_add(last, ret->by), *limit);
	if (late.us > 0)
		ret->by = usec_sub(ret->by, late);
	else if (-late.us > GAP_MAX)
		*unlived = usec_add(*unlived, usec(-late.us - GAP_MAX));
	*limit = usec_min(*limit, usec_add(first, ret->by));
}

static int boots_load(struct db *db)
{
	usec_t limit = db->now;
	sqlite3_stmt *s;
	int64_t n;
	int r = db_read_int(db, "SELECT count(*) FROM boot", &n);

	if (r == 0 && (n < 0 || n > BOOTS_MAX))
		r = -E2BIG;
	if (r < 0)
		return r;
	db_boots_free(&db->boots);
	db->boots.v = calloc((size_t)n + 1, sizeof(*db->boots.v));
	if (!db->boots.v)
		return -ENOMEM;
	r = db_stmt(db, STMT_BOOTS, &s);
	if (r < 0)
		return r;
	while ((r = db_step(db, s)) > 0 && db->boots.n < (size_t)n)
		if (sqlite3_column_int64(s, 0) == db->boot)
			limit = usec_min(limit, usec(sqlite3_column_int64(s, 1)));
		else
			boots_place(db, s, &db->boots.v[db->boots.n++], &limit,
				    &db->boots.unlived);
	(void)sqlite3_reset(s);
	return r < 0 ? r : 0;
}

void db_boots_free(struct db_boots *b)
{
	free(b->v);
	*b = (struct db_boots){ 0 };
}

/* The newest boot comes first. */
static int boots_compare(const void *key, const void *element)
{
	int64_t id = *(const int64_t *)key;
	int64_t other = ((const struct boot_place *)element)->id;

	return id > other ? -1 : id < other;
}

/* Reads the list of boots, again if the wall clock was set since. */
static void boots_know(struct db *db)
{
	int64_t step = usec_sub(db->boots.offset, db->wall_offset).us;

	if (db->boots.known && step <= USEC_PER_SEC && step >= -USEC_PER_SEC)
		return;
	/* Without the list it is as if the wall clock were right. */
	if (boots_load(db) < 0)
		db_boots_free(&db->boots);
	db->boots.known = true;
	db->boots.offset = db->wall_offset;
}

bool db_boots_unlived(struct db *db, usec_t *ret)
{
	db->boots.known = db->boots.known && db->boots.v;
	boots_know(db);
	*ret = db->boots.unlived;
	return db->boots.v != NULL;
}

usec_t db_boot_shift(struct db *db, int64_t boot, usec_t offset)
{
	usec_t natural = usec_sub(offset, db->wall_offset);
	const struct boot_place *p;

	if (!db->boot) /* a reader knows no present boot */
		return natural;
	boots_know(db);
	if (db->boots.n == 0)
		return natural;
	p = bsearch(&boot, db->boots.v, db->boots.n, sizeof(*p), boots_compare);
	return p ? p->by : natural;
}

int db_read_page_shift(struct db *db, unsigned int *ret)
{
	int64_t shift = 0;
	int r = db_read_int(db,
			    "SELECT coalesce((SELECT value FROM totals WHERE key = "
			    "'" DB_TOTALS_PAGE_SHIFT "'), 0)",
			    &shift);

	if (r < 0)
		return r;
	*ret = shift >= SHIFT_MIN && shift <= SHIFT_MAX ? (unsigned int)shift : 0;
	return 0;
}

unsigned int db_page_shift(const struct db *db)
{
	return db->page_shift;
}

static int page_size_put(struct db *db, unsigned int shift)
{
	char sql[96];

	snprintf(sql, sizeof(sql),
		 "INSERT OR REPLACE INTO totals(key, value) "
		 "VALUES('" DB_TOTALS_PAGE_SHIFT "', %u)",
		 shift);
	return db_exec(db, sql);
}

/* The addresses of what was done stay what they were, to a page. */
static int page_size_renumber(struct db *db, const char *table, unsigned int from,
			      unsigned int to)
{
	char sql[96];

	snprintf(sql, sizeof(sql), "UPDATE %s SET pfn = pfn %s %u", table,
		 to > from ? ">>" : "<<", to > from ? to - from : from - to);
	return db_exec(db, sql);
}

/*
 * A page that was counted is no page any more, but a part of one, or several: which of
 * them had the errors is not known, and none of them may be offlined for it.
 */
int db_take_page_shift(struct db *db, unsigned int shift, const char **ret_why)
{
	unsigned int stored = 0;
	int64_t pages = 0;
	int r = db_read_page_shift(db, &stored);

	if (r < 0 || shift == 0 || stored == shift)
		return r;
	if (stored != 0) {
		r = db_read_int(db, "SELECT count(*) FROM page", &pages);
		if (r == 0)
			r = db_exec(db, "DELETE FROM page; UPDATE dimm SET pages = 0");
		if (r == 0)
			r = page_size_renumber(db, "action", stored, shift);
		if (r == 0)
			r = page_size_renumber(db, "poison", stored, shift);
	}
	if (r == 0)
		r = page_size_put(db, shift);
	if (r < 0 || stored == 0)
		return r;
	*ret_why = db_why(
		"%s: this kernel has pages of %u KiB, the one before had pages of "
		"%u KiB; so the %" PRId64 " pages that had errors count from zero, "
		"and none of them is offlined again; their errors stay in the "
		"history and in the counts of their DIMMs",
		db->path, 1U << (shift - 10), 1U << (stored - 10), pages);
	return 1;
}
