/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The size of the pages that the file's frame numbers count. The next kernel may have
 * another one (arm64 has kernels of 4, 16 and 64 KiB pages), and a frame number is then an
 * address somewhere else. It does not know which kernel runs.
 */

#include <inttypes.h>

#include "store/db_internal.h"

#define SHIFT_MIN 10
#define SHIFT_MAX 30

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
