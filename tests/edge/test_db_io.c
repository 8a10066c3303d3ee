/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A disk that cannot be read for a moment says nothing about the content of a file: no
 * file is put aside, none is taken for absent, and when it can be read again everything
 * is there. The failures are put under SQLite's own file functions.
 */

#include <poll.h>
#include <unistd.h>

#include "db_fixture.h"

DEFINE_CLEANUP(struct db_check *, db_check_stop)

typedef ssize_t (*pread_fn)(int fd, void *to, size_t n, off_t at);
typedef int (*stat_fn)(const char *path, struct stat *ret);

/* Which looks fail, by the end of the file's name; counted over all threads. */
static struct {
	pread_fn pread;
	stat_fn stat;
	const char *suffix;
	int in;   /* looks that succeed first; negative: none fails */
	int more; /* looks that fail then */
	int failed;
} disk;

static bool fails(const char *name)
{
	size_t n = strlen(name), m = strlen(disk.suffix);

	if (disk.in < 0 || n < m || strcmp(name + n - m, disk.suffix) != 0)
		return false;
	if (disk.in > 0) {
		disk.in--;
		return false;
	}
	if (disk.more == 0)
		return false;
	disk.more--;
	disk.failed++;
	errno = EIO;
	return true;
}

static ssize_t failing_pread(int fd, void *to, size_t n, off_t at)
{
	char link[64], name[256] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, name, sizeof(name) - 1) > 0 && fails(name))
		return -1;
	return disk.pread(fd, to, n, at);
}

static int failing_stat(const char *path, struct stat *ret)
{
	return fails(path) ? -1 : disk.stat(path, ret);
}

static void put_call(const char *name, sqlite3_syscall_ptr call, void *ret_before)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find("unix");
	sqlite3_syscall_ptr before = vfs->xGetSystemCall(vfs, name);

	assert_non_null(before);
	memcpy(ret_before, &before, sizeof(before));
	assert_int_equal(vfs->xSetSystemCall(vfs, name, call), SQLITE_OK);
}

static bool has_call(const char *name)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find("unix");

	return vfs->xGetSystemCall(vfs, name) != NULL;
}

static void fail_reads(const char *suffix, int in, int more)
{
	if (!disk.pread)
		put_call(has_call("pread64") ? "pread64" : "pread",
			 (sqlite3_syscall_ptr)failing_pread, &disk.pread);
	disk.suffix = suffix;
	disk.in = in;
	disk.more = more;
	disk.failed = 0;
}

static void mend(void)
{
	disk.in = -1;
}

static void fill(const struct fixture *f, unsigned int n)
{
	_cleanup_(db_close_p) struct db *db = must_open(f, DB_CREATED);

	for (unsigned int i = 0; i < n; i++) {
		union test_page p = page_of(i, i, i + 1);
		struct ce_row ce = ce_of(i * 64, i);

		assert_int_equal(db_put_page(db, &p.rec), 0);
		assert_int_equal(db_put_ce(db, &ce), 0);
	}
	must_commit(db);
}

static void path_of(const struct fixture *f, const char *suffix, char ret[160])
{
	snprintf(ret, 160, "%s%s", f->path, suffix);
}

static bool is_there(const struct fixture *f, const char *suffix)
{
	char path[160];

	path_of(f, suffix, path);
	return access(path, F_OK) == 0;
}

static void assert_nothing_aside(const struct fixture *f)
{
	assert_false(is_there(f, ".corrupt-1700005000"));
	assert_false(is_there(f, ".restore"));
}

static int try_open(const struct fixture *f, bool check_later, const char **ret_why)
{
	struct db_options o = options_of(f);
	enum db_opened how = DB_OPENED;
	struct db *db = NULL;
	int r;

	o.check_later = check_later;
	r = db_open(&db, &o, &how, ret_why);
	db_close(db);
	assert_int_equal(how, DB_OPENED);
	return r;
}

/* Each single read of a start fails in turn, for once and for good. */
static void each_read(const struct fixture *f, bool check_later, int more)
{
	const char *why = NULL;
	struct db *db;
	int failed = 0;
	int r;

	for (int n = 0;; n++) {
		fail_reads("softofflined.db", n, more);
		r = try_open(f, check_later, &why);
		mend();
		assert_nothing_aside(f);
		if (disk.failed == 0)
			break;
		failed++;
		/* what SQLite can do without, it may */
		if (r != 0) {
			assert_int_equal(r, -EIO);
			assert_non_null(why);
		}
	}
	assert_int_equal(r, 0);
	assert_true(failed > 20);
	db = must_open(f, DB_OPENED);
	assert_int_equal(pages_in(db), 2000);
	db_close(db);
}

static void failing_read_is_no_damage(void **state)
{
	const struct fixture *f = *state;

	fill(f, 2000);
	each_read(f, false, 1);
	each_read(f, true, 1);
	each_read(f, false, INT32_MAX);
}

/* Nor is the backup taken while the file itself may be sound. */
static void backup_is_not_taken_for_it(void **state)
{
	const struct fixture *f = *state;
	struct db *db;

	fill(f, 1000);
	db = must_open(f, DB_OPENED);
	assert_int_equal(db_backup(db), 0);
	for (unsigned int i = 1000; i < 2000; i++) {
		union test_page p = page_of(i, i, i + 1);

		assert_int_equal(db_put_page(db, &p.rec), 0);
	}
	must_commit(db);
	db_close(db);
	each_read(f, false, 1);
}

static void failing_read_in_the_background(void **state)
{
	const struct fixture *f = *state;
	int found = 0;

	fill(f, 2000);
	for (int n = 0;; n++) {
		_cleanup_(db_check_stop_p) struct db_check *c = NULL;
		struct pollfd p = { .events = POLLIN };

		fail_reads("softofflined.db", n, 1);
		assert_int_equal(db_check_start(&c, f->path), 0);
		p.fd = db_check_fd(c);
		assert_int_equal(poll(&p, 1, -1), 1);
		mend();
		if (disk.failed == 0) {
			assert_int_equal(db_check_result(c), 0);
			break;
		}
		assert_int_equal(db_check_result(c), -EIO);
		found++;
	}
	assert_true(found > 20);
}

static void damage(const struct fixture *f)
{
	char garbage[5000] = "not a database";

	spew(f->path, garbage, sizeof(garbage));
}

/* A damaged file waits for its backup until that can be read. */
static void unreadable_backup_is_no_bad_backup(void **state)
{
	const struct fixture *f = *state;
	struct db_options o = options_of(f);
	enum db_opened how;
	const char *why = NULL;
	char path[160];
	struct db *db;
	int failed = 0;

	fill(f, 1000);
	db = must_open(f, DB_OPENED);
	assert_int_equal(db_backup(db), 0);
	db_close(db);
	for (int n = 0;; n++) {
		damage(f);
		fail_reads(".bak", n, 1);
		db = NULL;
		how = DB_OPENED;
		if (db_open(&db, &o, &how, &why) == 0) {
			mend();
			assert_int_equal(how, DB_QUARANTINED);
			assert_int_equal(pages_in(db), 1000);
			db_close(db);
			if (disk.failed == 0)
				break;
			continue;
		}
		mend();
		failed++;
		assert_non_null(strstr(why, ".bak cannot be read"));
		assert_nothing_aside(f);
		assert_int_equal(size_of(f->path), 5000);
		db = must_open(f, DB_QUARANTINED);
		assert_int_equal(pages_in(db), 1000);
		db_close(db);
		path_of(f, ".corrupt-1700005000", path);
		assert_int_equal(unlink(path), 0);
	}
	assert_true(failed > 10);
}

/* A copy of the backup that waits to be put in place is not dropped unread. */
static void unreadable_copy_is_kept(void **state)
{
	const struct fixture *f = *state;
	const char *why = NULL;
	char path[160];
	struct db *db;

	fill(f, 500);
	path_of(f, ".restore", path);
	assert_int_equal(rename(f->path, path), 0);
	fail_reads(".restore", 1, 1);
	assert_int_equal(try_open(f, false, &why), -EIO);
	mend();
	assert_int_equal(disk.failed, 1);
	assert_true(is_there(f, ".restore"));
	assert_false(is_there(f, ""));
	db = must_open(f, DB_QUARANTINED);
	assert_int_equal(pages_in(db), 500);
	db_close(db);
}

/* A log whose name cannot be looked up is there all the same. */
static void unseen_log_is_not_ignored(void **state)
{
	const struct fixture *f = *state;
	const char *why = NULL;
	int failed = 0;

	fill(f, 10);
	if (!disk.stat)
		put_call("stat", (sqlite3_syscall_ptr)failing_stat, &disk.stat);
	for (int n = 0;; n++) {
		disk.suffix = "-wal";
		disk.in = n;
		disk.more = 1;
		disk.failed = 0;
		if (try_open(f, false, &why) != 0)
			failed++;
		mend();
		assert_nothing_aside(f);
		if (disk.failed == 0)
			break;
	}
	assert_true(failed > 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(failing_read_is_no_damage),      T(backup_is_not_taken_for_it),
		T(failing_read_in_the_background), T(unreadable_backup_is_no_bad_backup),
		T(unreadable_copy_is_kept),        T(unseen_log_is_not_ignored),
	};

	disk.in = -1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
