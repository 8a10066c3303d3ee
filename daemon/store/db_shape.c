/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What a file may do to its reader. Somebody may have made it to harm, or a hand may have
 * slipped: tables are to be tables, values no longer than those that are written here,
 * and reading no longer than a file of that size can take. It knows no row.
 */

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#include "store/db_internal.h"

/* A page with the most stamps takes half of it. */
#define LENGTH_MOST (1 << 20)

/*
 * Steps of SQLite's machine that reading may take. A row is read in 60 to 80, and takes
 * 60 bytes and more: the whole history of errors took 0.9 steps for each byte of its
 * file.
 */
#define STEPS_FREE    UINT64_C(5000000)
#define STEPS_A_BYTE  8
#define STEPS_AT_ONCE 10000

static int turn_off(struct db *db, int option)
{
	int rc = sqlite3_db_config(db->handle, option, 0, NULL);

	return rc == SQLITE_OK ? 0 : db_fail(db, rc);
}

int db_limit_schema(struct db *db)
{
	static const struct {
		int id;
		int most;
	} limits[] = {
		{ SQLITE_LIMIT_LENGTH, LENGTH_MOST },
		{ SQLITE_LIMIT_SQL_LENGTH, LENGTH_MOST },
		{ SQLITE_LIMIT_COLUMN, 100 },
		{ SQLITE_LIMIT_EXPR_DEPTH, 100 },
		{ SQLITE_LIMIT_COMPOUND_SELECT, 20 },
		{ SQLITE_LIMIT_VDBE_OP, 25000 },
		{ SQLITE_LIMIT_ATTACHED, 1 }, /* VACUUM INTO takes one */
		{ SQLITE_LIMIT_TRIGGER_DEPTH, 1 },
		{ SQLITE_LIMIT_WORKER_THREADS, 0 },
	};
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		(void)sqlite3_limit(db->handle, limits[i].id, limits[i].most);
	/* none of ours is ever used here */
	r = turn_off(db, SQLITE_DBCONFIG_ENABLE_VIEW);
	return r < 0 ? r : turn_off(db, SQLITE_DBCONFIG_ENABLE_TRIGGER);
}

static int spend(void *userdata)
{
	struct db *db = userdata;

	db->steps_left -= db->steps_left < STEPS_AT_ONCE ? db->steps_left : STEPS_AT_ONCE;
	return db->steps_left == 0;
}

void db_limit_steps(struct db *db)
{
	db->steps_left = STEPS_FREE + STEPS_A_BYTE * db_size(db);
	sqlite3_progress_handler(db->handle, STEPS_AT_ONCE, spend, db);
}

#define OUR_TABLES                                                                       \
	"('boot', 'dimm', 'page', 'ce', 'action', 'poison', 'totals', 'reader', 'cell'," \
	" 'fault', 'module')"

/*
 * SQLite refuses a schema whose column type or name does not say what the text does
 * (sqlite3CheckObjectName()), but a virtual table is of type "table", too.
 */
static const char no_table[] =
	"SELECT name FROM sqlite_schema WHERE lower(name) IN " OUR_TABLES
	" AND type IN ('table', 'view') AND (type <> 'table' OR rootpage <= 0"
	" OR sql NOT LIKE 'create table %') LIMIT 1";

static const char no_column[] =
	"SELECT s.name FROM sqlite_schema AS s, pragma_table_xinfo(s.name) AS c"
	" WHERE lower(s.name) IN " OUR_TABLES " AND s.type = 'table' AND c.hidden <> 0"
	" LIMIT 1";

/* 1 and what was found, 0 for nothing. */
static int find(struct db *db, const char *sql, char *ret, size_t size)
{
	_cleanup_(finalize_p) sqlite3_stmt *s = NULL;
	struct db_row row;
	int rc;

	rc = sqlite3_prepare_v2(db->handle, sql, -1, &s, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_DONE)
		return 0;
	if (rc != SQLITE_ROW)
		return db_fail(db, rc);
	row = (struct db_row){ s, 0 };
	db_col_copy(&row, ret, size);
	return 1;
}

int db_check_shape(struct db *db, const char **ret_why)
{
	char name[16];
	int r = find(db, no_table, name, sizeof(name));

	if (r > 0)
		*ret_why =
			db_why("%s: \"%s\" in it is no table but made up: not a database "
			       "of softofflined's making",
			       db->path, name);
	if (r == 0) {
		r = find(db, no_column, name, sizeof(name));
		if (r > 0)
			*ret_why = db_why(
				"%s: table \"%s\" in it has columns that are "
				"computed: not a database of softofflined's making",
				db->path, name);
	}
	return r > 0 ? -EINVAL : r;
}
