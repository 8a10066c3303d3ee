/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The database and its files are known under every spelling, and what another user could
 * have put in the way of the metrics does not stop the daemon.
 */

#include "config/config_internal.h"
#include "db_fixture.h"
#include "host/textfile_place.h"

struct found {
	unsigned int warnings;
	unsigned int errors;
	char last[2048];
};

static void collect(void *userdata, const struct config_diag *diag)
{
	struct found *f = userdata;

	if (diag->severity == CONFIG_ERROR)
		f->errors++;
	else
		f->warnings++;
	snprintf(f->last, sizeof(f->last), "%s", diag->message);
}

static const char *inside(const struct fixture *f, const char *name)
{
	static char path[16][CONFIG_PATH_MAX];
	static unsigned int next;
	char *ret = path[next++ % ARRAY_SIZE(path)];

	snprintf(ret, CONFIG_PATH_MAX, "%s/%s", f->folder, name);
	return ret;
}

static struct found check(const char *database, const char *file)
{
	struct found found = { 0 };
	struct config cfg;
	unsigned int errors;

	config_init(&cfg);
	strcpy(cfg.database.path, database);
	strcpy(cfg.metrics.file, file);
	errors = textfile_check_place(&cfg, NULL, collect, &found);
	assert_int_equal(errors, found.errors);
	return found;
}

/*
 * "x/s.db" and its files, "link" to "x", "alias" to the database, a second name of it and
 * of its empty lock.
 */
static void make_database(const struct fixture *f)
{
	assert_int_equal(mkdir(inside(f, "x"), 0755), 0);
	assert_int_equal(mkdir(inside(f, "x/y"), 0755), 0);
	spew(inside(f, "x/s.db"), "SQLite", 6);
	spew(inside(f, "x/s.db.lock"), "", 0);
	assert_int_equal(symlink("x", inside(f, "link")), 0);
	assert_int_equal(symlink("x/s.db", inside(f, "alias")), 0);
	assert_int_equal(link(inside(f, "x/s.db"), inside(f, "hard")), 0);
	assert_int_equal(link(inside(f, "x/s.db.lock"), inside(f, "hard.lock")), 0);
}

static void every_spelling_of_the_database(void **state)
{
	static const char *const refused[] = {
		"x/s.db",
		"x/./s.db",
		"x//s.db",
		"x/y/../s.db",
		"link/s.db",
		"alias",
		"hard",
		"hard.lock",
		"x/s.db-wal",
		"x/s.db-shm",
		"x/s.db-journal",
		"x/s.db.lock",
		"x/s.db.bak",
		"x/s.db.bak.new",
		"x/s.db.sysctl",
		"x/s.db.corrupt-1",
		"x/s.db.replaced-1",
		"x/s.db.development",
		"x/s.db.development-1700005000",
		"x/s.db.development.bak",
		"link/s.db-wal",
		"link/./s.db.lock",
		"link/s.db.corrupt-170",
		"x/s.db.sysctl.new",
	};
	static const char *const fine[] = { "x/s.prom", "x/s.db.prom",
					    "x/s.dbx",  "x/s.db.developments",
					    "s.db",     "link/m",
					    "none/m" };
	const struct fixture *f = *state;

	make_database(f);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct found by_path = check(inside(f, "x/s.db"), inside(f, refused[i]));
		struct found by_link =
			check(inside(f, "link/s.db"), inside(f, refused[i]));

		if (by_path.errors != 1 || by_link.errors != 1 ||
		    !strstr(by_path.last, "[Metrics] File: ") ||
		    !strstr(by_path.last, "would overwrite the database"))
			fail_msg("%s: %s", refused[i], by_path.last);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fine); i++) {
		struct found found = check(inside(f, "x/s.db"), inside(f, fine[i]));

		if (found.errors + found.warnings > 0)
			fail_msg("%s: %s", fine[i], found.last);
	}
}

/* SQLite keeps the log beside what the link names. */
static void database_is_a_link(void **state)
{
	const struct fixture *f = *state;

	make_database(f);
	assert_int_equal(check(inside(f, "alias"), inside(f, "x/s.db-wal")).errors, 1);
	assert_int_equal(check(inside(f, "alias"), inside(f, "alias.lock")).errors, 1);
}

/* The temporary file is made and removed: that must not be the database, either. */
static void temporary_file_is_the_database(void **state)
{
	const struct fixture *f = *state;

	assert_int_equal(check(inside(f, "m.prom.new"), inside(f, "m.prom")).errors, 1);
	assert_int_equal(check(inside(f, "m.new"), inside(f, "./m")).errors, 1);
}

static void not_over_something_else(void **state)
{
	const struct fixture *f = *state;
	struct found found;

	spew(inside(f, "passwd"), "root:x:0:0", 10);
	found = check(f->path, inside(f, "passwd"));
	assert_int_equal(found.errors, 1);
	assert_non_null(strstr(found.last, "/passwd: another file is there; "));
	found = check(f->path, "/dev/null");
	assert_int_equal(found.errors, 1);
	assert_non_null(strstr(found.last, "/dev/null: a device, a pipe or a socket"));
	assert_int_equal(check(f->path, f->folder).errors, 1);
	assert_int_equal(check(f->path, "").errors, 0);
	assert_int_equal(check(f->path, "none").errors, 0);
}

static void others_do_not_stop_the_daemon(void **state)
{
	const struct fixture *f = *state;
	struct found found;

	if (geteuid() != 0) {
		print_message("only root can give a folder to another user\n");
		skip();
	}
	assert_int_equal(mkdir(inside(f, "at"), 0755), 0);
	assert_int_equal(symlink("/etc", inside(f, "at/way")), 0);
	assert_int_equal(chown(inside(f, "at"), 65534, 65534), 0);
	spew(inside(f, "at/file"), "text", 4);
	found = check(f->path, inside(f, "at/way/s.prom"));
	assert_int_equal(found.errors, 0);
	assert_int_equal(found.warnings, 1);
	assert_non_null(strstr(found.last, "a link that another user may have made"));
	found = check(f->path, inside(f, "at/file"));
	assert_int_equal(found.errors, 0);
	assert_int_equal(found.warnings, 1);
	/* but the database is never a place, wherever it is */
	assert_int_equal(check(inside(f, "at/s.db"), inside(f, "at/s.db.bak")).errors, 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_spelling_of_the_database), T(database_is_a_link),
		T(temporary_file_is_the_database), T(not_over_something_else),
		T(others_do_not_stop_the_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
