/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * May the file be read, and is it sound?
 *
 * Somebody may have made it to harm, or a hand may have slipped: tables are to be tables,
 * values no longer than those that are written here, and reading no longer than a file of
 * that size can take.
 *
 * Soundness is SQLite's check, at once, or in a thread that looks at the whole file while
 * the daemon is at work already. The thread only reads, by a connection of its own. A
 * finding is that the content is wrong; a look that failed is none. What becomes of a
 * damaged file is not decided here. It knows no row.
 */

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>

#include "host/thread.h"
#include "store/db_internal.h"

#define CHECK_STEPS 10000 /* of SQLite's machine, between two looks for the end */

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

struct db_check {
	pthread_t thread;
	bool running;
	char *path;
	int fd;
	int result; /* the thread's, until @fd is readable */
	atomic_bool stop;
};

DEFINE_CLEANUP(struct db_check *, db_check_stop)
DEFINE_CLEANUP(struct db *, db_close)

/*
 * Is it of our making?
 */

static int check_turn_off(struct db *db, int option)
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
	r = check_turn_off(db, SQLITE_DBCONFIG_ENABLE_VIEW);
	return r < 0 ? r : check_turn_off(db, SQLITE_DBCONFIG_ENABLE_TRIGGER);
}

static int check_spend(void *userdata)
{
	struct db *db = userdata;

	db->steps_left -= db->steps_left < STEPS_AT_ONCE ? db->steps_left : STEPS_AT_ONCE;
	return db->steps_left == 0;
}

void db_limit_steps(struct db *db)
{
	db->steps_left = STEPS_FREE + STEPS_A_BYTE * db_size(db);
	sqlite3_progress_handler(db->handle, STEPS_AT_ONCE, check_spend, db);
}

/*
 * SQLite refuses a schema whose column type or name does not say what the text does
 * (sqlite3CheckObjectName()), but a virtual table is of type "table", too.
 */
#define NO_TABLE                                                                         \
	"SELECT name FROM sqlite_schema WHERE lower(name) = ?1"                          \
	" AND type IN ('table', 'view') AND (type <> 'table' OR rootpage <= 0"           \
	" OR sql NOT LIKE 'create table %') LIMIT 1"

#define NO_COLUMN                                                                        \
	"SELECT s.name FROM sqlite_schema AS s, pragma_table_xinfo(s.name) AS c"         \
	" WHERE lower(s.name) = ?1 AND s.type = 'table' AND c.hidden <> 0 LIMIT 1"

/* 1 and the name of what @sql finds of table @table, 0 for nothing. */
static int check_find(struct db *db, const char *sql, const char *table, char *ret,
		      size_t size)
{
	_cleanup_(finalize_p) sqlite3_stmt *s = NULL;
	struct db_row row = { .s = NULL };
	int rc;

	rc = sqlite3_prepare_v2(db->handle, sql, -1, &s, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(s, 1, table, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_DONE)
		return 0;
	if (rc != SQLITE_ROW)
		return db_fail(db, rc);
	row.s = s;
	db_col_copy(&row, ret, size);
	return 1;
}

int db_check_shape(struct db *db, const char **ret_why)
{
	char name[16];

	for (size_t i = 0; i < db_tables_n; i++) {
		const char *table = db_tables[i]->name;
		int r = check_find(db, NO_TABLE, table, name, sizeof(name));

		if (r > 0)
			*ret_why =
				db_why("%s: \"%s\" in it is no table but made up: not a "
				       "database of softofflined's making",
				       db->path, name);
		if (r == 0)
			r = check_find(db, NO_COLUMN, table, name, sizeof(name));
		else if (r > 0)
			return -EINVAL;
		if (r > 0)
			*ret_why = db_why("%s: table \"%s\" in it has columns that are "
					  "computed: not a database of softofflined's "
					  "making",
					  db->path, name);
		if (r != 0)
			return r > 0 ? -EINVAL : r;
	}
	return 0;
}

/*
 * Is it sound?
 */

int db_check_sound(struct db *db, const char *what)
{
	_cleanup_(finalize_p) sqlite3_stmt *s = NULL;
	struct db_row row = { .s = NULL };
	char sql[80];
	int rc;

	snprintf(sql, sizeof(sql), "PRAGMA quick_check(%s)", what);
	rc = sqlite3_prepare_v2(db->handle, sql, -1, &s, NULL);
	/* There is no such table. */
	if (rc == SQLITE_ERROR) {
		(void)db_fail(db, rc);
		return db_judge(db, -EUCLEAN);
	}
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc != SQLITE_ROW)
		return db_fail(db, rc);
	row.s = s;
	if (strcmp(db_col_text(&row), "ok") == 0)
		return 0;
	row.i = 0;
	db->errors++;
	db_col_copy(&row, db->last_error, sizeof(db->last_error));
	db_one_line(db->last_error);
	/* Such a row may also be of a page that could not be read. */
	return db_judge(db, -EUCLEAN);
}

int db_check_small_tables(struct db *db)
{
	int r = db_check_sound(db, "sqlite_schema");

	for (size_t i = 0; r == 0 && i < db_tables_n; i++)
		if (!db_tables[i]->is_long)
			r = db_check_sound(db, db_tables[i]->name);
	return r;
}

static int check_is_stopped(void *stop)
{
	return atomic_load((atomic_bool *)stop);
}

static int check_file(const char *path, atomic_bool *stop)
{
	_cleanup_(db_close_p) struct db *db = NULL;
	int r = db_new(&db, path);

	if (r == 0)
		r = db_connect(db, SQLITE_OPEN_READONLY);
	if (r < 0)
		return r;
	sqlite3_progress_handler(db->handle, CHECK_STEPS, check_is_stopped, stop);
	r = db_check_sound(db, "1");
	return check_is_stopped(stop) ? -EINTR : r;
}

static void *check_main(void *arg)
{
	struct db_check *c = arg;

	c->result = check_file(c->path, &c->stop);
	(void)eventfd_write(c->fd, 1);
	return NULL;
}

int db_check_start(struct db_check **ret, const char *path)
{
	_cleanup_(db_check_stop_p) struct db_check *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->fd = eventfd(0, EFD_CLOEXEC);
	if (c->fd < 0)
		return -errno;
	c->path = strdup(path);
	if (!c->path)
		return -ENOMEM;
	r = thread_start(&c->thread, "check-db", 0, check_main, c);
	if (r < 0)
		return r;
	c->running = true;
	*ret = TAKE_PTR(c);
	return 0;
}

int db_check_fd(const struct db_check *c)
{
	return c->fd;
}

int db_check_result(const struct db_check *c)
{
	return c->result;
}

struct db_check *db_check_stop(struct db_check *c)
{
	if (!c)
		return NULL;
	atomic_store(&c->stop, true);
	if (c->running)
		pthread_join(c->thread, NULL);
	close_p(&c->fd);
	free(c->path);
	free(c);
	return NULL;
}
