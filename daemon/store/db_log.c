/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The length of the WAL. Nobody can empty it while a reader stays in its transaction:
 * this file says which rows are left out then, and which programs read. It knows no row.
 */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "store/db_internal.h"

/* Bytes of the -shm file that a reader holds one of (https://sqlite.org/walformat.html,
 * "WAL Locks"). */
#define READ_LOCK_FIRST 123
#define READ_LOCK_LAST  127
#define HOLDERS_MAX     3

enum db_log db_log_state(const struct db *db)
{
	if (db->log_step == 0 || db->log_pages < db->log_step)
		return DB_LOG_FINE;
	if (db->log_pages < 2 * db->log_step)
		return DB_LOG_HELD;
	return db->log_pages < 4 * db->log_step ? DB_LOG_LONG : DB_LOG_FULL;
}

enum db_log db_log_try(struct db *db)
{
	int rc;

	if (db_log_state(db) == DB_LOG_FINE || !sqlite3_get_autocommit(db->handle))
		return db_log_state(db);
	(void)sqlite3_busy_timeout(db->handle, 0);
	rc = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
				       NULL);
	(void)sqlite3_busy_timeout(db->handle, DB_BUSY_MSEC);
	if (rc == SQLITE_OK)
		db->log_pages = db->wal_pages = 0;
	return db_log_state(db);
}

bool db_log_leaves_out(const struct db *db, enum change_kind kind)
{
	switch (kind) {
	case CHANGE_CE:
	case CHANGE_POISON:
		return db_log_state(db) >= DB_LOG_HELD;
	case CHANGE_PAGE:
		return db_log_state(db) >= DB_LOG_FULL;
	case CHANGE_REMOVE:
	case CHANGE_REMOVE_DIMM:
	case CHANGE_ACTION:
	case CHANGE_DIMM:
	case CHANGE_CELL:
	case CHANGE_TOTALS:
	case CHANGE_SPENT:
	case CHANGE_READER:
	case CHANGE_INVENTORY:
	case CHANGE_INVENTORY_TRIM:
		break;
	}
	return false;
}

/* The process that holds a read lock of @shm by @line of /proc/locks; 0 if the line is of
 * another lock. On some file systems the device there is not the one of stat(); the inode
 * and its five bytes are enough. */
static int log_holder_in(const char *line, const struct stat *shm)
{
	char type[16], mode[16];
	unsigned int major_no, minor_no;
	uint64_t inode, first, last;
	int pid;

	if (sscanf(line, "%*d: %15s %*s %15s %d %x:%x:%" SCNu64 " %" SCNu64 " %" SCNu64,
		   type, mode, &pid, &major_no, &minor_no, &inode, &first, &last) != 8)
		return 0;
	if (strcmp(type, "POSIX") != 0 || strcmp(mode, "READ") != 0 ||
	    inode != shm->st_ino || first < READ_LOCK_FIRST || last > READ_LOCK_LAST)
		return 0;
	return pid > 0 ? pid : 0;
}

static void log_name_process(int pid, char *ret, size_t size)
{
	_cleanup_(fclose_p) FILE *f = NULL;
	char path[64], name[32] = "";

	if (pid == getpid()) {
		snprintf(ret, size, "softofflined's own look at the whole file");
		return;
	}
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (!f || !fgets(name, sizeof(name), f))
		name[0] = '\0';
	name[strcspn(name, "\n")] = '\0';
	for (char *c = name; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	snprintf(ret, size, "%s%sprocess %d%s", name, *name ? " (" : "", pid,
		 *name ? ")" : "");
}

/* It does not open the -shm file to ask for its locks: the close would drop our own. */
void db_log_holders(const struct db *db, char *ret, size_t size)
{
	_cleanup_(fclose_p) FILE *f = fopen("/proc/locks", "re");
	int seen[HOLDERS_MAX], n = 0, pid;
	char path[PATH_MAX], line[256], name[80];
	struct stat shm;
	size_t len = 0;

	snprintf(ret, size, "a program reads it, or the disk fails");
	if (!f || db_files_name(db->path, "-shm", path) < 0 || stat(path, &shm) < 0)
		return;
	while (n < HOLDERS_MAX && fgets(line, sizeof(line), f)) {
		bool known = false;

		pid = log_holder_in(line, &shm);
		for (int i = 0; i < n; i++)
			known = known || seen[i] == pid;
		if (pid == 0 || known)
			continue;
		log_name_process(pid, name, sizeof(name));
		len += (size_t)snprintf(ret + len, size - len, "%s%s", n ? ", " : "",
					name);
		seen[n++] = pid;
		if (len >= size)
			return;
	}
	if (n > 0)
		snprintf(ret + len, size - len, " stay%s in a transaction",
			 n == 1 ? "s" : "");
}
