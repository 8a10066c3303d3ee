/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * When earlier boots were, as the present boot counts its time. The wall clock says so,
 * if it is right. A machine may start in 1970, though, and then every earlier boot would
 * lie in the future. What is certain is the order: a boot has ended before the next one
 * began. So each boot that the wall clock puts too late is moved to right before the boot
 * after it, as a whole: what was a year apart stays a year apart.
 */

#include <stdlib.h>

#include "store/db_internal.h"

#define BOOTS_MAX 65536 /* more are not believed */

/** The present boot's time minus that of boot @id. */
struct boot_place {
	int64_t id;
	usec_t by;
};

/* Goes from the newest boot to the oldest. @limit: the boot must have ended by then. */
static void boots_place(struct db *db, sqlite3_stmt *s, struct boot_place *ret,
			usec_t *limit)
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
		if (sqlite3_column_int64(s, 0) != db->boot)
			boots_place(db, s, &db->boots.v[db->boots.n++], &limit);
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

usec_t db_boot_shift(struct db *db, int64_t boot, usec_t offset)
{
	usec_t natural = usec_sub(offset, db->wall_offset);
	const struct boot_place *p;
	int64_t step;

	if (!db->boot) /* a reader knows no present boot */
		return natural;
	step = usec_sub(db->boots.offset, db->wall_offset).us;
	if (!db->boots.known || step > USEC_PER_SEC || step < -USEC_PER_SEC) {
		/* Without the list it is as if the wall clock were right. */
		if (boots_load(db) < 0)
			db_boots_free(&db->boots);
		db->boots.known = true;
		db->boots.offset = db->wall_offset;
	}
	if (db->boots.n == 0)
		return natural;
	p = bsearch(&boot, db->boots.v, db->boots.n, sizeof(*p), boots_compare);
	return p ? p->by : natural;
}
