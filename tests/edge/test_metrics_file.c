/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Where the metrics file is, that it is written, and that a failure is one line until a
 * write succeeds.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "cli/tree.h"
#include "edge/said.h"
#include "parts/metrics_file.h"

#define FOLDER "/var/lib/prometheus/node-exporter"

static char root[PATH_MAX];
static struct metrics_file m;
static struct config cfg;
static struct engine *engine;

static int start(void **state)
{
	config_init(&cfg);
	memset(&m, 0, sizeof(m));
	lines = 0;
	return tree_make(root, sizeof(root)) < 0 || engine_new(&engine, &cfg, 12) < 0 ? -1
										      : 0;
}

static int stop(void **state)
{
	engine = engine_free(engine);
	return tree_remove(root);
}

static void set(const char *path)
{
	snprintf(cfg.metrics.file, sizeof(cfg.metrics.file), "%.255s", path);
	metrics_file_set(&m, &cfg, root);
}

static void write_it(void)
{
	metrics_file_write(&m, engine, (struct metrics_extra){ .version = "1" });
}

static void make_folder(void)
{
	char line[256];

	snprintf(line, sizeof(line), FOLDER "/other.prom: x");
	assert_int_equal(tree_add_line(root, line), 0);
}

static void where(void **state)
{
	char want[PATH_MAX + 128];

	set("/some/where.prom");
	assert_string_equal(m.path, "/some/where.prom");
	set("none");
	assert_string_equal(m.path, "");
	set("/some/where.prom");
	set(""); /* and there is no node_exporter */
	assert_string_equal(m.path, "");
	make_folder();
	set("");
	snprintf(want, sizeof(want), "%s" FOLDER "/softofflined.prom", root);
	assert_string_equal(m.path, want);
	set("none");
	assert_string_equal(m.path, "");
}

static void writes(void **state)
{
	_cleanup_(fclose_p) FILE *f = NULL;
	char text[4096];

	make_folder();
	set("");
	write_it();
	assert_int_equal(lines, 0);
	f = fopen(m.path, "re");
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	assert_non_null(strstr(text, "version=\"1\""));
	set("none");
	write_it(); /* nowhere */
	assert_int_equal(lines, 0);
}

/* The folder is missing, comes, and is gone again. */
static void failures(void **state)
{
	char path[PATH_MAX + 8], folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%.4000s/f", root);
	snprintf(path, sizeof(path), "%s/m.prom", folder);
	set(path);
	write_it();
	write_it();
	assert_int_equal(lines, 1);
	assert_non_null(strstr(last, path));
	assert_int_equal(mkdir(folder, 0700), 0);
	write_it();
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(lines, 1);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
	write_it();
	assert_int_equal(lines, 2);
}

/* A file of another program is not replaced, and the line says why. */
static void foreign_file(void **state)
{
	char path[PATH_MAX];

	assert_int_equal(tree_add_line(root, "/m.prom: other 1"), 0);
	snprintf(path, sizeof(path), "%.4000s/m.prom", root);
	set(path);
	write_it();
	write_it();
	assert_int_equal(lines, 1);
	assert_non_null(strstr(last, "they replace only a file of their own"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(where, start, stop),
		cmocka_unit_test_setup_teardown(writes, start, stop),
		cmocka_unit_test_setup_teardown(failures, start, stop),
		cmocka_unit_test_setup_teardown(foreign_file, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
