/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The watch on a made-up folder; that inotify tells of writes to the real attribute is
 * for tests/vm.
 */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/write_watch.h"

struct tree {
	char root[64];
	struct write_watch *watch;
};

static const char *path_of(const struct tree *t, const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/sys/devices/system/memory/%s", t->root, name);
	return path;
}

static void write_file(const struct tree *t, const char *name)
{
	int fd = open(path_of(t, name), O_WRONLY | O_CREAT, 0200);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "0x1000", 6), 6);
	close(fd);
}

static int setup(void **state)
{
	static const char *const dirs[] = { "/sys", "/sys/devices", "/sys/devices/system",
					    "/sys/devices/system/memory" };
	struct tree *t = calloc(1, sizeof(*t));
	char path[256];

	assert_non_null(t);
	strcpy(t->root, "/tmp/test_write_watch.XXXXXX");
	assert_non_null(mkdtemp(t->root));
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		snprintf(path, sizeof(path), "%s%s", t->root, dirs[i]);
		assert_int_equal(mkdir(path, 0755), 0);
	}
	write_file(t, "soft_offline_page");
	write_file(t, "hard_offline_page");
	write_file(t, "block_size_bytes");
	assert_int_equal(write_watch_new(&t->watch, t->root), 0);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct tree *t = *state;
	char command[128];

	write_watch_free(t->watch);
	snprintf(command, sizeof(command), "rm -r '%s'", t->root);
	assert_int_equal(system(command), 0);
	free(t);
	return 0;
}

static void quiet_without_a_write(void **state)
{
	struct tree *t = *state;

	assert_false(write_watch_take(t->watch));
}

static void sees_both_attributes(void **state)
{
	struct tree *t = *state;

	write_file(t, "soft_offline_page");
	assert_true(write_watch_take(t->watch));
	assert_false(write_watch_take(t->watch));
	write_file(t, "hard_offline_page");
	assert_true(write_watch_take(t->watch));
}

static void ignores_the_neighbours(void **state)
{
	struct tree *t = *state;

	write_file(t, "block_size_bytes");
	assert_false(write_watch_take(t->watch));
}

static void says_what_is_missing(void **state)
{
	struct write_watch *w = NULL;

	assert_int_equal(write_watch_new(&w, "/nonexistent"), -2);
	assert_null(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(quiet_without_a_write, setup, teardown),
		cmocka_unit_test_setup_teardown(sees_both_attributes, setup, teardown),
		cmocka_unit_test_setup_teardown(ignores_the_neighbours, setup, teardown),
		cmocka_unit_test(says_what_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
