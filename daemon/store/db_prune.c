/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Keeps the file small and whole: retention by age and by size, the backup, and putting a
 * damaged file aside. What is known of a page that is offlined or about to be is never
 * deleted, nor is a DIMM; of the rest the CE history goes first and the watched pages go
 * last.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "store/db_internal.h"

#define BATCH          500  /* rows deleted in one transaction */
#define ROOM_ROWS      4000 /* deleted at once when a row found no room */
#define NEAR_CAP       90   /* percent */
#define SPARE_PAGES    64   /* left in the file after giving back */
#define VACUUM_PAGES   1024 /* given back in one call */
#define KEPT_CORRUPT   2
#define CORRUPT_INFIX  ".corrupt-"
#define RETIRED_SUFFIX ".development"

/* Deletes at most @n rows, older than *cutoff if there is one. Returns how many. */
static int delete_some(struct db *db, enum stmt id, const int64_t *cutoff, unsigned int n)
{
	struct db_bind b = { 0 };
	int r = db_stmt(db, id, &b.s);

	if (r < 0)
		return r;
	if (cutoff)
		db_bind_int(&b, *cutoff);
	else
		db_bind_null(&b);
	db_bind_int(&b, n);
	if (id == STMT_PRUNE_ACTION)
		db_bind_int(&b, db->boot);
	if (b.rc != SQLITE_OK)
		return db_fail(db, b.rc);
	r = db_step(db, b.s);
	return r < 0 ? r : sqlite3_changes(db->handle);
}

static unsigned int batch_of(unsigned int left)
{
	return left < BATCH ? left : BATCH;
}

/* Deletes at most @n rows past *cutoff in batches. Returns how many. */
static int prune_old(struct db *db, enum stmt id, const int64_t *cutoff, unsigned int n)
{
	unsigned int deleted = 0;

	while (deleted < n) {
		unsigned int batch = batch_of(n - deleted);
		int r = delete_some(db, id, cutoff, batch);

		if (r < 0)
			return r;
		deleted += (unsigned int)r;
		if ((unsigned int)r < batch)
			break;
	}
	return (int)deleted;
}

/* Deletes at most @n of the oldest rows, whatever their age. Returns how many. */
static int prune_oldest(struct db *db, unsigned int n)
{
	static const enum stmt order[] = { STMT_PRUNE_CE, STMT_PRUNE_POISON,
					   STMT_PRUNE_ACTION, STMT_PRUNE_WATCHED };
	unsigned int deleted = 0;

	for (size_t i = 0; i < ARRAY_SIZE(order) && deleted < n; i++) {
		int r = prune_old(db, order[i], NULL, n - deleted);

		if (r < 0)
			return r;
		deleted += (unsigned int)r;
	}
	return (int)deleted;
}

static int prune_by_age(struct db *db, unsigned int n)
{
	static const enum stmt all[] = { STMT_PRUNE_CE, STMT_PRUNE_POISON,
					 STMT_PRUNE_ACTION, STMT_PRUNE_PAGE };
	int64_t cutoff = usec_sub(usec_add(db->now, db->wall_offset), db->retention).us;
	unsigned int deleted = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all) && deleted < n; i++) {
		int r = prune_old(db, all[i], &cutoff, n - deleted);

		if (r < 0)
			return r;
		deleted += (unsigned int)r;
	}
	return (int)deleted;
}

static int near_cap(struct db *db, bool *ret)
{
	int64_t pages, spare, cap;
	int r = db_read_int(db, "PRAGMA page_count", &pages);

	if (r == 0)
		r = db_read_int(db, "PRAGMA freelist_count", &spare);
	if (r == 0)
		r = db_cap_pages(db, &cap);
	if (r == 0)
		*ret = (pages - spare) * 100 > cap * NEAR_CAP;
	return r;
}

static int prune_by_size(struct db *db, unsigned int n)
{
	unsigned int deleted = 0;

	while (deleted < n) {
		bool near;
		int r = near_cap(db, &near);

		if (r == 0 && near)
			r = prune_oldest(db, batch_of(n - deleted));
		if (r < 0)
			return r;
		if (r == 0)
			break;
		deleted += (unsigned int)r;
	}
	return (int)deleted;
}

/* Returns 1 if pages were given back. */
static int give_back(struct db *db)
{
	char sql[64];
	int64_t pages, spare, cap, n;
	int r = db_read_int(db, "PRAGMA freelist_count", &spare);

	if (r == 0)
		r = db_read_int(db, "PRAGMA page_count", &pages);
	if (r == 0)
		r = db_cap_pages(db, &cap);
	if (r < 0)
		return r;
	n = spare - SPARE_PAGES;
	if (n < pages - cap)
		n = pages - cap;
	if (n <= 0 || spare == 0)
		return 0;
	if (n > VACUUM_PAGES)
		n = VACUUM_PAGES;
	snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%lld)", (long long)n);
	r = db_exec(db, sql);
	return r < 0 ? r : 1;
}

/* Drops some boots that no row names any more. It reads all of the histories, so only
 * until none is left: boots do not come while the database is open. */
static int prune_boots(struct db *db)
{
	struct db_bind b = { 0 };
	int r;

	if (db->boots_pruned)
		return 0;
	r = db_check_references(db, true);
	if (r == 0)
		r = db_stmt(db, STMT_PRUNE_BOOT, &b.s);
	if (r == 0) {
		db_bind_int(&b, db->boot);
		r = b.rc != SQLITE_OK ? db_fail(db, b.rc) : db_step(db, b.s);
	}
	if (r == 0)
		db->boots_pruned = sqlite3_changes(db->handle) == 0;
	(void)db_check_references(db, false);
	return r;
}

int db_prune(struct db *db, usec_t now, unsigned int max_rows)
{
	int aged, sized = 0;
	int r;

	if (max_rows > INT_MAX)
		max_rows = INT_MAX;
	r = db_commit(db, now, db->wall_offset);
	if (r == 0)
		r = db_apply_cap(db);
	if (r < 0)
		return r;
	if (db_log_try(db) != DB_LOG_FINE)
		return 0; /* it would make the log longer, and the file no shorter */
	aged = prune_by_age(db, max_rows);
	if (aged >= 0)
		r = prune_boots(db);
	if (r < 0)
		return r;
	if (aged >= 0)
		sized = prune_by_size(db, max_rows - (unsigned int)aged);
	if (aged < 0 || sized < 0)
		return aged < 0 ? aged : sized;
	r = give_back(db);
	if (r < 0)
		return r;
	if (r > 0 || aged + sized >= BATCH)
		db_checkpoint(db);
	return aged + sized;
}

void db_make_room(struct db *db)
{
	/* the WAL may hold the room; where the disk itself is full, both may fail */
	db_checkpoint(db);
	(void)prune_oldest(db, ROOM_ROWS);
	db_checkpoint(db);
}

/*
 * Files.
 */

/* For the name of what is put aside. */
static int64_t wall_seconds(const struct db *db)
{
	int64_t seconds = (db->now.us + db->wall_offset.us) / USEC_PER_SEC;

	return seconds < 0 ? 0 : seconds;
}

/* The folder of the database, "" if the path names none, with its slash. */
static void folder_of(const struct db *db, char *ret)
{
	char *slash;

	snprintf(ret, PATH_MAX, "%s", db->path);
	slash = strrchr(ret, '/');
	if (slash)
		slash[1] = '\0';
	else
		ret[0] = '\0';
}

int db_sync_folder(const struct db *db)
{
	_cleanup_(close_p) int fd = -1;
	char folder[PATH_MAX];

	folder_of(db, folder);
	fd = open(*folder ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

static int vacuum_into(struct db *db, const char *path)
{
	struct db_bind b = { 0 };
	int r = db_stmt(db, STMT_VACUUM_INTO, &b.s);

	if (r == 0)
		r = db_make_private(path); /* SQLite takes an empty file */
	if (r < 0)
		return r;
	db_bind_text(&b, path);
	r = b.rc != SQLITE_OK ? db_fail(db, b.rc) : db_step(db, b.s);
	(void)sqlite3_clear_bindings(b.s); /* the path goes */
	return r;
}

int db_copy_to(struct db *db, const char *path)
{
	_cleanup_(close_p) int fd = -1;
	int r = vacuum_into(db, path);

	if (r < 0)
		return r;
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int db_backup(struct db *db)
{
	char path[PATH_MAX], new[PATH_MAX];
	int r = db_path(db, ".bak", path);

	if (r == 0)
		r = db_path(db, ".bak.new", new);
	if (r == 0)
		r = db_commit(db, db->now, db->wall_offset);
	if (r < 0)
		return r;
	if (unlink(new) < 0 && errno != ENOENT)
		return -errno;
	/* On disk before it takes the place of the one before. */
	r = db_copy_to(db, new);
	if (r == 0 && rename(new, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(new);
	return r < 0 ? r : db_sync_folder(db);
}

static int copy_to(const char *from, const char *to)
{
	_cleanup_(close_p) int in = open(from, O_RDONLY | O_CLOEXEC);
	_cleanup_(close_p) int out = -1;
	ssize_t n;

	if (in < 0)
		return -errno;
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (out < 0 || fchmod(out, 0600) < 0)
		return -errno;
	while ((n = sendfile(out, in, NULL, 1 << 20)) > 0)
		;
	if (n < 0 || fsync(out) < 0)
		return -errno;
	return close(TAKE_FD(out)) < 0 ? -errno : 0;
}

/*
 * Files of a development version.
 */

static const char *const retired_suffixes[] = { "", "-wal", "-shm", ".bak" };
#define RETIRED_BACKUP 3 /* from here on: the backup alone */

static int retired_name(const struct db *db, int64_t number, size_t i, char *ret)
{
	char tail[64];

	if (number < 0)
		snprintf(tail, sizeof(tail), RETIRED_SUFFIX "%s", retired_suffixes[i]);
	else
		snprintf(tail, sizeof(tail), RETIRED_SUFFIX "-%" PRId64 "%s", number,
			 retired_suffixes[i]);
	return db_path(db, tail, ret);
}

/*
 * 1: each file from number @first on that is there can take its name with @number; 0: one
 * of these names is taken. Only the names that are needed are looked at: so what a kill
 * had left half renamed comes together under one number.
 */
static int is_free(const struct db *db, int64_t number, size_t first)
{
	for (size_t i = first; i < ARRAY_SIZE(retired_suffixes); i++) {
		char from[PATH_MAX], to[PATH_MAX];
		int r = db_path(db, retired_suffixes[i], from);

		if (r == 0)
			r = retired_name(db, number, i, to);
		if (r == 0)
			r = db_is_there(from);
		if (r > 0) {
			r = db_is_there(to);
			if (r > 0)
				return 0;
		}
		if (r < 0)
			return r;
	}
	return 1;
}

/* Renames the files from number @first on, the file itself last. @ret: its name. */
static int retire(const struct db *db, size_t first, char *ret)
{
	int64_t number = -1;
	int r;

	while ((r = is_free(db, number, first)) == 0)
		number = number < 0 ? wall_seconds(db) : number + 1;
	for (size_t i = ARRAY_SIZE(retired_suffixes); r >= 0 && i > first; i--) {
		char from[PATH_MAX];

		r = db_path(db, retired_suffixes[i - 1], from);
		if (r == 0)
			r = retired_name(db, number, i - 1, ret);
		if (r == 0 && rename(from, ret) < 0 && errno != ENOENT)
			r = -errno;
	}
	return r < 0 ? r : db_sync_folder(db);
}

int db_retire(struct db *db, const char **ret_why)
{
	char name[PATH_MAX];
	int r = retire(db, 0, name);

	if (r < 0)
		*ret_why = db_why("%s: a development version of softofflined wrote it, "
				  "and it cannot be renamed: %s",
				  db->path, strerror(-r));
	else
		*ret_why = db_why("%s: a development version of softofflined wrote it; "
				  "renamed to %s, and counts begin empty",
				  db->path, name);
	return r;
}

/* 1: a copy of the backup is ready to take the place of the database; 0: there is no
 * sound one. A backup that cannot be read is not a bad one: negative errno. */
static int prepare_backup(const struct db *db)
{
	char backup[PATH_MAX], new[PATH_MAX], retired[PATH_MAX];
	int r = db_path(db, ".bak", backup);

	if (r == 0)
		r = db_path(db, ".restore", new);
	if (r == 0)
		r = db_is_there(backup);
	if (r <= 0)
		return r;
	r = db_probe(backup);
	/* The next backup would overwrite it. */
	if (r == -ESTALE)
		return retire(db, RETIRED_BACKUP, retired);
	if (r < 0)
		return db_is_none(r) ? 0 : r;
	if (unlink(new) < 0 && errno != ENOENT)
		return -errno;
	r = copy_to(backup, new);
	if (r < 0) {
		(void)unlink(new);
		return r;
	}
	return 1;
}

/* 1: done; 0: no copy is there. */
static int place_backup(const struct db *db)
{
	char new[PATH_MAX];
	int r = db_path(db, ".restore", new);

	if (r < 0)
		return r;
	if (rename(new, db->path) < 0)
		return errno == ENOENT ? 0 : -errno;
	return 1;
}

int db_finish_restore(const struct db *db)
{
	char new[PATH_MAX];
	int r = db_path(db, ".restore", new);

	if (r == 0)
		r = db_is_there(db->path);
	if (r != 0)
		return r > 0 ? 0 : r;
	r = db_is_there(new);
	if (r <= 0)
		return r;
	r = db_probe(new);
	if (r < 0)
		return db_is_none(r) ? 0 : r;
	return place_backup(db);
}

void db_drop_restore(const struct db *db)
{
	char new[PATH_MAX];

	if (db_path(db, ".restore", new) == 0)
		(void)unlink(new);
}

/* The number in BASE.corrupt-NUMBER; -1 for every other name. */
static int64_t corrupt_number(const char *base, const char *name)
{
	size_t n = strlen(base);
	char *end;
	long long number;

	if (strncmp(name, base, n) != 0 ||
	    strncmp(name + n, CORRUPT_INFIX, strlen(CORRUPT_INFIX)) != 0)
		return -1;
	name += n + strlen(CORRUPT_INFIX);
	if (*name < '0' || *name > '9')
		return -1;
	errno = 0;
	number = strtoll(name, &end, 10);
	return errno || *end ? -1 : number;
}

/* The oldest of the files put aside, not counting @newest; returns how many there are. */
static int find_oldest(const struct db *db, int64_t newest, int64_t *ret_oldest)
{
	_cleanup_(closedir_p) DIR *dir = NULL;
	const char *slash = strrchr(db->path, '/');
	char folder[PATH_MAX];
	struct dirent *entry;
	int n = 0;

	folder_of(db, folder);
	dir = opendir(*folder ? folder : ".");
	if (!dir)
		return -errno;
	*ret_oldest = INT64_MAX;
	while ((entry = readdir(dir))) {
		int64_t number =
			corrupt_number(slash ? slash + 1 : db->path, entry->d_name);

		if (number < 0)
			continue;
		n++;
		if (number != newest && number < *ret_oldest)
			*ret_oldest = number;
	}
	return n;
}

static const char *const suffixes[] = { "", "-wal", "-shm" };

static int aside_name(const struct db *db, int64_t number, const char *suffix, char *ret)
{
	char tail[64];

	snprintf(tail, sizeof(tail), CORRUPT_INFIX "%" PRId64 "%s", number, suffix);
	return db_path(db, tail, ret);
}

static void keep_newest(const struct db *db, int64_t newest)
{
	int64_t oldest = newest;
	char path[PATH_MAX];

	while (find_oldest(db, newest, &oldest) > KEPT_CORRUPT) {
		if (aside_name(db, oldest, "", path) < 0 || unlink(path) < 0)
			return;
		for (size_t i = 1; i < ARRAY_SIZE(suffixes); i++)
			if (aside_name(db, oldest, suffixes[i], path) == 0)
				(void)unlink(path);
	}
}

/* The WAL keeps its name beside the file, so that SQLite can still be shown both. The WAL
 * goes first: without it, a file that stays behind after a crash here is at worst old,
 * while a WAL that stays behind would be played into the wrong file. */
static int put_aside(const struct db *db, int64_t *ret_number)
{
	int64_t number = wall_seconds(db);
	char from[PATH_MAX], to[PATH_MAX];
	int r;

	while ((r = aside_name(db, number, "", to)) == 0 && access(to, F_OK) == 0)
		number++;
	for (size_t i = ARRAY_SIZE(suffixes); r == 0 && i > 0; i--) {
		r = db_path(db, suffixes[i - 1], from);
		if (r == 0)
			r = aside_name(db, number, suffixes[i - 1], to);
		if (r == 0 && rename(from, to) < 0 && errno != ENOENT)
			r = -errno;
		if (r == 0)
			(void)chmod(to, 0600);
	}
	if (r == 0)
		*ret_number = number;
	return r;
}

int db_quarantine(struct db *db, bool *ret_restored, const char **ret_why)
{
	int64_t number = 0;
	/* Before the damaged file goes: copying takes time, in which a kill must find one
	 * of both. */
	int restored = ret_restored ? prepare_backup(db) : 0;
	int r;

	if (restored < 0) {
		*ret_why =
			db_why("%s: damaged (%s), and the backup %s.bak cannot be "
			       "read or copied: %s; nothing was changed",
			       db->path, db->last_error, db->path, strerror(-restored));
		return restored;
	}
	r = put_aside(db, &number);
	if (r < 0) {
		*ret_why = db_why("%s: damaged (%s), and cannot be renamed: %s", db->path,
				  db->last_error, strerror(-r));
		return r;
	}
	keep_newest(db, number);
	if (restored > 0)
		restored = place_backup(db);
	if (restored < 0) { /* the next db_open() finds the copy */
		*ret_why = db_why("%s: damaged; the copy of its backup cannot be renamed "
				  "to it: %s",
				  db->path, strerror(-restored));
		return restored;
	}
	*ret_why =
		db_why("%s: damaged (%s); kept as %s" CORRUPT_INFIX "%" PRId64 ", %s",
		       db->path, db->last_error, db->path, number,
		       restored > 0 ? "restored from the backup" : "started a new one");
	(void)db_sync_folder(db);
	if (ret_restored)
		*ret_restored = restored > 0;
	return 0;
}
