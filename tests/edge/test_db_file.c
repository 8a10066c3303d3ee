/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The file: who may have it, which files are left alone, what becomes of damaged ones.
 */

#include <dirent.h>

#include "db_fixture.h"
#include "random.h"

static int try_open(const struct db_options *o, const char **ret_why)
{
	enum db_opened how;
	struct db *db = NULL;
	int r = db_open(&db, o, &how, ret_why);

	db_close(db);
	return r;
}

static void put_pages(struct db *db, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		union test_page p = page_of(i, i, i + 1);
		struct ce_row ce = ce_of(i * 64, i);

		assert_int_equal(db_put_page(db, &p.rec), 0);
		assert_int_equal(db_put_ce(db, &ce), 0);
	}
	must_commit(db);
}

static void other_of(const struct fixture *f, const char *suffix, char ret[160])
{
	snprintf(ret, 160, "%s%s", f->path, suffix);
}

static unsigned int files_with(const struct fixture *f, const char *infix)
{
	DIR *dir = opendir(f->folder);
	struct dirent *entry;
	unsigned int n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		if (strstr(entry->d_name, infix))
			n++;
	closedir(dir);
	return n;
}

static void new_file_has_its_marks(void **state)
{
	const struct fixture *f = *state;
	struct db *db = must_open(f, DB_CREATED);

	assert_int_equal(ask(f->path, "PRAGMA application_id"), DB_APPLICATION_ID);
	assert_int_equal(ask(f->path, "PRAGMA user_version"), DB_SCHEMA_VERSION);
	assert_int_equal(ask(f->path, "PRAGMA auto_vacuum"), 2);
	assert_int_equal(
		ask(f->path, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM sqlite_schema WHERE"
				      " type = 'table' AND sql NOT LIKE '%STRICT%'"),
			 0);
	assert_true(db_size(db) > 0);
	assert_int_equal(db_errors(db), 0);
	assert_string_equal(db_last_error(db), "");
	db_close(db);
	assert_int_equal(size_of(f->path) % 4096, 0);
}

static void one_daemon_at_a_time(void **state)
{
	const struct fixture *f = *state;
	struct db *db = must_open(f, DB_CREATED);
	struct db_options o = options_of(f);
	struct db *reader = NULL;
	const char *why = NULL;

	assert_int_equal(try_open(&o, &why), -EBUSY);
	assert_non_null(strstr(why, "another daemon"));
	put_pages(db, 3);
	assert_int_equal(db_open_readonly(&reader, f->path, &why), 0);
	assert_int_equal(pages_in(reader), 3);
	db_close(reader);
	db_close(db);
	assert_int_equal(try_open(&o, &why), 0);
}

static void folder_must_be_there(void **state)
{
	struct db_options o = options_of(*state);
	const char *why = NULL;
	struct db *db = NULL;

	o.path = "/nonexistent/softofflined/softofflined.db";
	assert_int_equal(try_open(&o, &why), -ENOENT);
	assert_non_null(strstr(why, "folder"));
	assert_int_equal(db_open_readonly(&db, o.path, &why), -ENOENT);
	assert_non_null(strstr(why, "no such database"));
	assert_null(db);
	o.path = "/dev/null";
	assert_int_equal(try_open(&o, &why), -EINVAL);
}

static void assert_untouched(const struct fixture *f, int want, const char *words)
{
	struct db_options o = options_of(f);
	_cleanup_(free_p) char *before = NULL, *after = NULL;
	size_t n, m;
	const char *why = NULL;

	before = slurp(f->path, &n);
	assert_int_equal(try_open(&o, &why), want);
	assert_non_null(strstr(why, words));
	after = slurp(f->path, &m);
	assert_int_equal(n, m);
	assert_memory_equal(before, after, n);
	assert_int_equal(files_with(f, "corrupt"), 0);
	assert_int_equal(files_with(f, "-wal"), 0);
}

static void later_schema_is_left_alone(void **state)
{
	const struct fixture *f = *state;
	struct db *db = must_open(f, DB_CREATED);
	const char *why = NULL;

	db_close(db);
	run_sql(f->path, "PRAGMA user_version = 99; CREATE TABLE new(x)");
	assert_untouched(f, -EPROTONOSUPPORT, "of a later version");
	db = NULL;
	assert_int_equal(db_open_readonly(&db, f->path, &why), -EPROTONOSUPPORT);
}

/* The number may stand in a WAL that its killed writer left; that is not played in. */
static void later_schema_in_the_wal(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(free_p) char *file = NULL, *wal = NULL, *after = NULL;
	struct db_options o = options_of(f);
	size_t n, m, k;
	char path[160];
	const char *why;
	sqlite3 *h;

	db_close(must_open(f, DB_CREATED));
	assert_int_equal(sqlite3_open(f->path, &h), SQLITE_OK);
	assert_int_equal(sqlite3_exec(h, "PRAGMA user_version = 99", NULL, NULL, NULL),
			 0);
	other_of(f, "-wal", path);
	file = slurp(f->path, &n);
	wal = slurp(path, &m);
	sqlite3_close(h);
	spew(f->path, file, n);
	spew(path, wal, m);
	assert_int_equal(try_open(&o, &why), -EPROTONOSUPPORT);
	after = slurp(f->path, &k);
	assert_int_equal(n, k);
	assert_memory_equal(file, after, n);
	assert_int_equal(size_of(path), m);
}

static void foreign_file_is_left_alone(void **state)
{
	const struct fixture *f = *state;
	char path[160];

	run_sql(f->path, "CREATE TABLE mail(x); INSERT INTO mail VALUES(1)");
	assert_untouched(f, -EINVAL, "another program");
	other_of(f, ".restore", path);
	spew(path, "theirs", 6);
	assert_untouched(f, -EINVAL, "another program");
	assert_int_equal(size_of(path), 6);
	run_sql(f->path, "PRAGMA application_id = 7; PRAGMA user_version = 1");
	assert_untouched(f, -EINVAL, "another program");
}

/* A view or a computed column in the place of what is stored is nobody's damage: the file
 * stays as it is, and is not opened. A trigger of somebody's does nothing. */
static void made_up_tables_are_refused(void **state)
{
	const struct fixture *f = *state;
	union test_page p = page_of(7, 1, 2);
	struct db *db = must_open(f, DB_CREATED);
	const char *why;

	db_close(db);
	run_sql(f->path, "CREATE TRIGGER t AFTER INSERT ON page BEGIN"
			 " DELETE FROM boot; END");
	db = must_open(f, DB_OPENED);
	assert_int_equal(db_put_page(db, &p.rec), 0);
	must_commit(db);
	db_close(db);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM boot"), 1);
	run_sql(f->path, "DROP TABLE reader; CREATE TABLE reader(cpu INTEGER PRIMARY KEY,"
			 " boot INTEGER, read INTEGER AS (cpu + 1))");
	assert_untouched(f, -EINVAL, "columns that are computed");
	run_sql(f->path, "DROP TABLE reader; CREATE VIEW reader AS"
			 " SELECT 1 AS cpu, 1 AS boot, 1 AS read");
	assert_untouched(f, -EINVAL, "no table but made up");
	assert_int_equal(db_open_readonly(&db, f->path, &why), -EINVAL);
	assert_non_null(strstr(why, "\"reader\""));
}

static void assert_quarantined(const struct fixture *f, const char *words)
{
	struct db_options o = options_of(f);
	enum db_opened how;
	const char *why = NULL;
	struct db *db;

	assert_int_equal(db_open(&db, &o, &how, &why), 0);
	assert_int_equal(how, DB_QUARANTINED);
	assert_non_null(strstr(why, words));
	put_pages(db, 3); /* and it works */
	db_close(db);
}

static void garbage_is_put_aside(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(free_p) char *kept = NULL;
	char path[160];
	char garbage[5000];
	size_t n;

	for (size_t i = 0; i < sizeof(garbage); i++)
		garbage[i] = (char)(i * 31 + 7);
	spew(f->path, garbage, sizeof(garbage));
	assert_quarantined(f, "started a new one");
	other_of(f, ".corrupt-1700005000", path);
	kept = slurp(path, &n);
	assert_int_equal(n, sizeof(garbage));
	assert_memory_equal(kept, garbage, n);
}

/* Only a look at every page finds this one; opening alone never reads it. */
static void one_bad_page_is_found(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(free_p) char *file = NULL;
	struct db *db = must_open(f, DB_CREATED);
	size_t n;

	put_pages(db, 2000);
	db_close(db);
	file = slurp(f->path, &n);
	memset(file + n - 4096, 0xff, 4096);
	spew(f->path, file, n);
	assert_quarantined(f, "damaged");
}

static void only_the_newest_two_are_kept(void **state)
{
	const struct fixture *f = *state;
	char garbage[5000];
	char path[160];

	memset(garbage, 'x', sizeof(garbage));
	for (int i = 0; i < 4; i++) {
		spew(f->path, garbage, sizeof(garbage) - (size_t)i);
		assert_quarantined(f, "damaged");
	}
	assert_int_equal(files_with(f, ".corrupt-"), 2);
	/* the clock stands still in this test, the names do not: the last one made stays
	 */
	other_of(f, ".corrupt-1700005000", path);
	assert_true(size_of(path) < 0 || size_of(path) >= 4997);
}

static void backup_is_restored(void **state)
{
	const struct fixture *f = *state;
	struct db *db = must_open(f, DB_CREATED);
	char garbage[5000] = "not a database";
	char path[160];

	put_pages(db, 1000);
	assert_int_equal(db_backup(db), 0);
	put_pages(db, 1500);
	assert_int_equal(db_backup(db), 0); /* replaces the one before */
	put_pages(db, 2000);
	db_close(db);
	assert_int_equal(files_with(f, ".bak"), 1);
	spew(f->path, garbage, sizeof(garbage));
	assert_quarantined(f, "restored from the backup");
	db = must_open(f, DB_OPENED);
	assert_int_equal(pages_in(db), 1500);
	assert_int_equal(ask(f->path, "PRAGMA auto_vacuum"), 2);
	db_close(db);

	/* emptied: SQLite would take it for a new one */
	spew(f->path, "", 0);
	assert_quarantined(f, "restored from the backup");
	/* and a backup that is no better is left where it is */
	other_of(f, ".bak", path);
	spew(path, garbage, sizeof(garbage));
	spew(f->path, garbage, sizeof(garbage));
	assert_quarantined(f, "started a new one");
	assert_int_equal(size_of(path), sizeof(garbage));
}

/* A kill while the backup takes the place of a damaged file. */
static void restore_that_was_killed(void **state)
{
	const struct fixture *f = *state;
	struct db *db = must_open(f, DB_CREATED);
	_cleanup_(free_p) char *whole = NULL;
	char path[160];
	size_t n;

	put_pages(db, 500);
	assert_int_equal(db_backup(db), 0);
	db_close(db);
	other_of(f, ".bak", path);
	whole = slurp(path, &n);
	assert_int_equal(unlink(path), 0);
	other_of(f, ".restore", path);

	/* after the damaged one was put aside: the copy is whole */
	spew(path, whole, n);
	assert_int_equal(unlink(f->path), 0);
	assert_quarantined(f, "restored from the backup");
	assert_int_equal(files_with(f, ".restore"), 0);
	db = must_open(f, DB_OPENED);
	assert_int_equal(pages_in(db), 500);
	db_close(db);

	/* while it was being copied: the damaged one is there, and here it is sound */
	spew(path, whole, n / 2);
	db = must_open(f, DB_OPENED);
	assert_int_equal(pages_in(db), 500);
	assert_int_equal(files_with(f, ".restore"), 0);
	db_close(db);

	/* what is no sound database of ours does not become ours by its name */
	assert_int_equal(unlink(f->path), 0);
	spew(path, whole, n / 2);
	db = must_open(f, DB_CREATED);
	assert_int_equal(pages_in(db), 0);
	db_close(db);
}

#define DEVELOPMENT "PRAGMA application_id = 1397704260; PRAGMA user_version = 5"

/* Opens what a development version wrote. It must end at PATH with @suffix, and unchanged if
 * @same. */
static void assert_retired_as(const struct fixture *f, const char *suffix, bool same)
{
	_cleanup_(free_p) char *before = NULL, *after = NULL;
	struct db_options o = options_of(f);
	enum db_opened how;
	const char *why = NULL;
	char path[160];
	struct totals totals;
	struct db *db;
	size_t n, m;

	other_of(f, suffix, path);
	before = slurp(f->path, &n);
	assert_int_equal(db_open(&db, &o, &how, &why), 0);
	assert_int_equal(how, DB_RETIRED);
	assert_non_null(strstr(why, f->path));
	assert_non_null(strstr(why, "a development version of softofflined wrote it"));
	assert_non_null(strstr(why, "counts begin empty"));
	assert_non_null(strstr(why, path));
	assert_null(strchr(why, '\n'));
	after = slurp(path, &m);
	if (same) {
		assert_int_equal(n, m);
		assert_memory_equal(before, after, n);
	}
	assert_int_equal(pages_in(db), 0);
	assert_int_equal(db_get_totals(db, &totals), -ENOENT);
	put_pages(db, 3);
	db_close(db);
	db = must_open(f, DB_OPENED);
	assert_int_equal(pages_in(db), 3);
	db_close(db);
	assert_int_equal(ask(f->path, "PRAGMA application_id"), DB_APPLICATION_ID);
}

static void assert_retired(const struct fixture *f, const char *suffix)
{
	assert_retired_as(f, suffix, true);
}

static void development_file_is_renamed(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(free_p) char *before = NULL, *after = NULL;
	struct db *db = must_open(f, DB_CREATED);
	char path[160], backup[160];
	size_t n, m;

	put_pages(db, 100);
	assert_int_equal(db_backup(db), 0);
	db_close(db);
	other_of(f, ".bak", backup);
	before = slurp(backup, &n);
	run_sql(f->path, DEVELOPMENT);
	assert_retired(f, ".development");
	other_of(f, ".development", path);
	assert_int_equal(ask(path, "SELECT count(*) FROM page"), 100);
	/* its backup goes with it, or the next one would overwrite it */
	assert_int_equal(size_of(backup), -1);
	other_of(f, ".development.bak", path);
	after = slurp(path, &m);
	assert_int_equal(n, m);
	assert_memory_equal(before, after, n);
}

static void development_name_is_taken(void **state)
{
	const struct fixture *f = *state;
	char path[160];

	other_of(f, ".development", path);
	spew(path, "theirs", 6);
	db_close(must_open(f, DB_CREATED));
	run_sql(f->path, DEVELOPMENT);
	assert_retired(f, ".development-1700005000");
	run_sql(f->path, DEVELOPMENT);
	assert_retired(f, ".development-1700005001");
	assert_int_equal(size_of(path), 6);
	other_of(f, ".development-1700005000", path);
	assert_int_equal(ask(path, "SELECT count(*) FROM page"), 0);
	other_of(f, ".development-1700005001", path);
	assert_int_equal(ask(path, "SELECT count(*) FROM page"), 3);
}

/* A killed writer left a WAL: its rows, and the id, are in the file before it is renamed. */
static void development_file_with_a_wal(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(free_p) char *file = NULL, *wal = NULL;
	char path[160];
	size_t n, m;
	sqlite3 *h;

	db_close(must_open(f, DB_CREATED));
	run_sql(f->path, DEVELOPMENT);
	assert_int_equal(sqlite3_open(f->path, &h), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(h, "INSERT INTO reader VALUES(7, 1, 9)", NULL, NULL, NULL),
		0);
	other_of(f, "-wal", path);
	file = slurp(f->path, &n);
	wal = slurp(path, &m);
	sqlite3_close(h);
	spew(f->path, file, n);
	spew(path, wal, m);
	assert_retired_as(f, ".development", false);
	other_of(f, ".development-wal", path);
	assert_true(size_of(path) <= 0);
	(void)unlink(path);
	other_of(f, ".development", path);
	assert_int_equal(ask(path, "SELECT read FROM reader WHERE cpu = 7"), 9);
}

/* A kill in the middle: what was renamed before it and after it stay together. */
static void half_renamed_development_file(void **state)
{
	const struct fixture *f = *state;
	char path[160];

	db_close(must_open(f, DB_CREATED));
	run_sql(f->path, DEVELOPMENT);
	other_of(f, ".development-wal", path);
	spew(path, "log", 3);
	assert_retired(f, ".development");
	assert_int_equal(size_of(path), 3);
}

static void development_backup_of_a_damaged_file(void **state)
{
	const struct fixture *f = *state;
	struct db *db = must_open(f, DB_CREATED);
	char garbage[5000] = "not a database";
	char path[160];

	put_pages(db, 10);
	assert_int_equal(db_backup(db), 0);
	db_close(db);
	other_of(f, ".bak", path);
	run_sql(path, DEVELOPMENT);
	spew(f->path, garbage, sizeof(garbage));
	assert_quarantined(f,
			   "started a new one; a development version wrote its backup, "
			   "which is now ");
	assert_int_equal(files_with(f, ".corrupt-"), 1);
	assert_int_equal(size_of(path), -1);
	other_of(f, ".development.bak", path);
	assert_int_equal(ask(path, "SELECT count(*) FROM page"), 10);
}

/* The next backup would overwrite it. */
static void development_backup_without_a_file(void **state)
{
	const struct fixture *f = *state;
	struct db *db = must_open(f, DB_CREATED);
	struct db_options o = options_of(f);
	enum db_opened how;
	const char *why = NULL;
	char path[160];

	put_pages(db, 10);
	assert_int_equal(db_backup(db), 0);
	db_close(db);
	other_of(f, ".bak", path);
	run_sql(path, DEVELOPMENT);
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(db_open(&db, &o, &how, &why), 0);
	assert_int_equal(how, DB_RETIRED);
	other_of(f, ".development.bak", path);
	assert_non_null(strstr(why, path));
	assert_int_equal(ask(path, "SELECT count(*) FROM page"), 10);
	assert_int_equal(db_backup(db), 0);
	db_close(db);
}

/* The reader renames nothing. */
static void reader_of_a_development_file(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(free_p) char *before = NULL, *after = NULL;
	struct db *db = NULL;
	const char *why = NULL;
	size_t n, m;

	db_close(must_open(f, DB_CREATED));
	run_sql(f->path, DEVELOPMENT);
	before = slurp(f->path, &n);
	assert_int_equal(db_open_readonly(&db, f->path, &why), -DB_ERR_DEVELOPMENT);
	assert_non_null(strstr(why, "cannot be read"));
	assert_non_null(strstr(why, "a development version of softofflined wrote it"));
	after = slurp(f->path, &m);
	assert_int_equal(n, m);
	assert_memory_equal(before, after, n);
	assert_int_equal(files_with(f, ".development"), 0);
}

/* Whatever is left of the file: it opens or is put aside, and then works. */
static void truncated_at_any_length(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(free_p) char *whole = NULL;
	struct db_options o = options_of(f);
	struct db *db = must_open(f, DB_CREATED);
	unsigned int aside = 0;
	size_t n;

	put_pages(db, 2000);
	db_close(db);
	whole = slurp(f->path, &n);
	for (size_t len = 1; len < n; len += n / 40 + 1) {
		enum db_opened how;
		const char *why = NULL;

		spew(f->path, whole, len);
		assert_int_equal(db_open(&db, &o, &how, &why), 0);
		aside += how == DB_QUARANTINED;
		put_pages(db, 2);
		db_close(db);
	}
	assert_int_equal(aside, 40);
}

static void read_all(struct db *db)
{
	struct db_summary s;
	struct totals t;
	unsigned int n = 0;
	bool more;

	(void)db_each_page(db, 100000, count_page, &n, &more);
	(void)db_get_totals(db, &t);
	(void)db_get_summary(db, &s);
	(void)db_prune(db, usec(NOW), 100);
	(void)db_backup(db);
}

/* Flipped bytes may pass the check: SQLite keeps no checksums. Nothing may crash, and a
 * file that is refused must be refused for what it now says it is. */
static void flipped_bytes(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(free_p) char *whole = NULL;
	struct db_options o = options_of(f);
	struct db *db = must_open(f, DB_CREATED);
	uint64_t seed = 88172645463325252;
	size_t n;

	put_pages(db, 300);
	db_close(db);
	whole = slurp(f->path, &n);
	for (int round = 0; round < 150; round++) {
		_cleanup_(free_p) char *bad = malloc(n);
		enum db_opened how;
		const char *why = NULL;
		char path[160];
		int r;

		memcpy(bad, whole, n);
		for (int i = 0; i < 8; i++) {
			next_random(&seed);
			/* every other round in the header and the schema */
			bad[seed % (round % 2 ? n : 4096)] ^= (char)(1 << (seed >> 61));
		}
		spew(f->path, bad, n);
		other_of(f, ".bak", path);
		(void)unlink(path);
		r = db_open(&db, &o, &how, &why);
		if (r == 0) {
			read_all(db);
			db_close(db);
		} else if (r != -EINVAL && r != -EPROTONOSUPPORT) {
			fail_msg("round %d: %s: %s", round, strerror(-r), why);
		}
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(new_file_has_its_marks),
		T(one_daemon_at_a_time),
		T(folder_must_be_there),
		T(later_schema_is_left_alone),
		T(later_schema_in_the_wal),
		T(foreign_file_is_left_alone),
		T(development_file_is_renamed),
		T(development_name_is_taken),
		T(development_file_with_a_wal),
		T(half_renamed_development_file),
		T(development_backup_of_a_damaged_file),
		T(development_backup_without_a_file),
		T(reader_of_a_development_file),
		T(garbage_is_put_aside),
		T(one_bad_page_is_found),
		T(only_the_newest_two_are_kept),
		T(backup_is_restored),
		T(restore_that_was_killed),
		T(truncated_at_any_length),
		T(flipped_bytes),
		T(made_up_tables_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
