/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Who may read the files of the database: nobody but its owner.
 */

#include <unistd.h>

#include "db_fixture.h"

static void path_of(const struct fixture *f, const char *suffix, char ret[160])
{
	snprintf(ret, 160, "%s%s", f->path, suffix);
}

static mode_t mode_of(const struct fixture *f, const char *suffix)
{
	char path[160];
	struct stat st;

	path_of(f, suffix, path);
	if (stat(path, &st) < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return st.st_mode & 07777;
}

static void assert_private(const struct fixture *f)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", ".lock", ".bak" };

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (mode_of(f, suffixes[i]) != 0600)
			fail_msg("%s%s: mode %o", f->path, suffixes[i],
				 mode_of(f, suffixes[i]));
}

static void files_are_private_whatever_the_umask(void **state)
{
	static const mode_t masks[] = { 0, 022, 077, 0277 };
	const struct fixture *f = *state;
	mode_t before = umask(0);

	for (size_t i = 0; i < ARRAY_SIZE(masks); i++) {
		static const char *const all[] = { "", ".lock", ".bak" };
		struct db *db;
		char path[160];

		umask(masks[i]);
		db = must_open(f, DB_CREATED);
		assert_int_equal(db_backup(db), 0);
		assert_private(f);
		db_close(db);
		for (size_t k = 0; k < ARRAY_SIZE(all); k++) {
			path_of(f, all[k], path);
			assert_int_equal(unlink(path), 0);
		}
	}
	umask(before);
}

static void wider_files_are_narrowed(void **state)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", ".lock", ".bak" };
	const struct fixture *f = *state;
	struct db *db = must_open(f, DB_CREATED);
	union test_page p = page_of(1, 1, 2);
	char path[160];

	assert_int_equal(db_backup(db), 0);
	assert_int_equal(db_put_page(db, &p.rec), 0);
	must_commit(db);
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		path_of(f, suffixes[i], path);
		assert_int_equal(chmod(path, 0644), 0);
	}
	db_close(db);
	db = must_open(f, DB_OPENED);
	assert_private(f);
	db_close(db);
}

/* Nor is anything of another program's file changed. */
static void foreign_file_keeps_its_mode(void **state)
{
	const struct fixture *f = *state;
	struct db_options o = options_of(f);
	enum db_opened how;
	const char *why = NULL;
	struct db *db = NULL;

	run_sql(f->path, "CREATE TABLE mail(x)");
	assert_int_equal(chmod(f->path, 0644), 0);
	assert_int_equal(db_open(&db, &o, &how, &why), -EINVAL);
	assert_int_equal(mode_of(f, ""), 0644);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(files_are_private_whatever_the_umask),
		T(wider_files_are_narrowed),
		T(foreign_file_keeps_its_mode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
