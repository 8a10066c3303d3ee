/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Is the file sound? SQLite's check, at once, or in a thread that looks at the whole file
 * while the daemon is at work already. It only reads, the thread by a connection of its
 * own, and says what it found: that the content is wrong, or that looking failed, which
 * is no finding. What becomes of a damaged file is not its business.
 */

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "host/thread.h"
#include "store/db_internal.h"

#define CHECK_STEPS 10000 /* of SQLite's machine, between two looks for the end */

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

int db_check_sound(struct db *db, const char *what)
{
	_cleanup_(finalize_p) sqlite3_stmt *s = NULL;
	struct db_row row;
	char sql[80];
	int rc;

	snprintf(sql, sizeof(sql), "PRAGMA quick_check(%s)", what);
	rc = sqlite3_prepare_v2(db->handle, sql, -1, &s, NULL);
	/* no such table */
	if (rc == SQLITE_ERROR) {
		(void)db_fail(db, rc);
		return db_judge(db, -EUCLEAN);
	}
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc != SQLITE_ROW)
		return db_fail(db, rc);
	row = (struct db_row){ s, 0 };
	if (strcmp(db_col_text(&row), "ok") == 0)
		return 0;
	row.i = 0;
	db->errors++;
	db_col_copy(&row, db->last_error, sizeof(db->last_error));
	db_one_line(db->last_error);
	/* A page that could not be read stands in such a row, too. */
	return db_judge(db, -EUCLEAN);
}

int db_check_small_tables(struct db *db)
{
	static const char *const tables[] = {
		"sqlite_schema", "boot", "dimm",   "fault",
		"module",        "cell", "totals", "reader"
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(tables); i++)
		r = db_check_sound(db, tables[i]);
	return r;
}

static int is_stopped(void *stop)
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
	sqlite3_progress_handler(db->handle, CHECK_STEPS, is_stopped, stop);
	r = db_check_sound(db, "1");
	return is_stopped(stop) ? -EINTR : r;
}

static void *check_main(void *arg)
{
	struct db_check *c = arg;

	c->result = check_file(c->path, &c->stop);
	(void)eventfd_write(c->fd, 1);
	return NULL;
}

static int start_thread(struct db_check *c)
{
	int r = thread_start(&c->thread, "check-db", 0, check_main, c);

	c->running = r >= 0;
	return r;
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
	r = start_thread(c);
	if (r < 0)
		return r;
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
