/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Small files: whole or an error, at every size around that of the buffer. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

#include "host/small_file.h"

static char root[64];

static int setup(void **state)
{
	snprintf(root, sizeof(root), "/tmp/test_small_file.XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/file", root);
	unlink(path);
	return rmdir(root);
}

static void put(const char *text, size_t len)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/file", root);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
}

static void test_sizes(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		ssize_t result;
		const char *kept;
	} rows[] = {
		{ "", 1, 0, "" },
		{ "", 8, 0, "" },
		{ "a", 1, -EFBIG, "" },
		{ "1234567", 9, 7, "1234567" },
		{ "1234567", 8, 7, "1234567" },
		{ "1234567", 7, -EFBIG, "123456" },
		{ "1234567", 2, -EFBIG, "1" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char buf[16];

		memset(buf, '#', sizeof(buf));
		put(rows[i].text, strlen(rows[i].text));
		assert_int_equal(small_file_read_below(root, "/file", buf, rows[i].size),
				 rows[i].result);
		assert_string_equal(buf, rows[i].kept);
		/* Nothing is written behind the end of the buffer. */
		assert_int_equal(buf[rows[i].size], '#');
	}
}

static void test_bytes(void **state)
{
	char buf[8];
	int dir = open(root, O_PATH | O_DIRECTORY);

	put("a\0b", 3);
	assert_int_equal(small_file_read(dir, "file", buf, sizeof(buf)), 3);
	assert_memory_equal(buf, "a\0b", 4);
	close(dir);
}

/* What cannot be read leaves no text of which somebody could take a part for the whole. */
static void test_errors(void **state)
{
	char buf[8] = "before", path[PATH_MAX + 8];
	char *text = NULL;
	int fd;

	assert_int_equal(small_file_read_below(root, "/none", buf, sizeof(buf)), -ENOENT);
	assert_string_equal(buf, "");
	strcpy(buf, "before");
	assert_int_equal(small_file_read(AT_FDCWD, root, buf, sizeof(buf)), -EISDIR);
	assert_string_equal(buf, "");
	strcpy(buf, "before");
	memset(path, '/', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(small_file_read_below(root, path, buf, sizeof(buf)),
			 -ENAMETOOLONG);
	assert_string_equal(buf, "");
	fd = open(root, O_RDONLY | O_DIRECTORY);
	assert_int_equal(small_file_load(fd, 100, &text), -EISDIR);
	assert_null(text);
	close(fd);
}

/* As a number in debugfs is: no position can be asked for. */
static void test_no_positions(void **state)
{
	char buf[8];
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "1023\n", 5), 5);
	close(fds[1]);
	assert_int_equal(small_file_read_open(fds[0], buf, sizeof(buf)), 5);
	assert_string_equal(buf, "1023\n");
	close(fds[0]);
}

static void test_load(void **state)
{
	static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, 8191, 8192, 20000 };
	char *body = malloc(20000), *text;
	int fd;

	for (size_t i = 0; i < 20000; i++)
		body[i] = (char)('a' + i % 23);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		char path[128];

		put(body, sizes[i]);
		snprintf(path, sizeof(path), "%s/file", root);
		fd = open(path, O_RDONLY);
		/* Exactly as much as may be; a position that is not the beginning. */
		lseek(fd, 1, SEEK_SET);
		assert_int_equal(small_file_load(fd, sizes[i], &text), sizes[i]);
		assert_memory_equal(text, body, sizes[i]);
		assert_int_equal(text[sizes[i]], '\0');
		free(text);
		text = NULL;
		if (sizes[i] > 0)
			assert_int_equal(small_file_load(fd, sizes[i] - 1, &text),
					 -EFBIG);
		assert_null(text);
		close(fd);
	}
	free(body);
}

/* The kernel gives a page of this file at a time: each read is a short one. */
static void test_short_reads(void **state)
{
	int fd = open("/proc/self/smaps", O_RDONLY);
	static char buf[1024 * 1024];
	char *text = NULL;
	ssize_t n, m;

	if (fd < 0)
		skip();
	n = small_file_read_open(fd, buf, sizeof(buf));
	assert_true(n > 4096);
	assert_non_null(strstr(buf, "[vsyscall]") ?: strstr(buf, "[vdso]"));
	/* Again through the same descriptor: the kernel makes the text again. */
	m = small_file_load(fd, sizeof(buf), &text);
	assert_true(m > 4096);
	assert_int_equal(text[m - 1], '\n');
	free(text);
	close(fd);
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		int result;
		int64_t value;
	} rows[] = {
		{ "1023\n", 0, 1023 },
		{ "-1", 0, -1 },
		{ "7 of 9\n", 0, 7 },
		{ "", -EBADMSG, 55 },
		{ "on\n", -EBADMSG, 55 },
		{ "1234567890\n", -EBADMSG, 55 },
		{ "0000000000000000000000000000000000000001", -EFBIG, 55 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t value = 55;

		put(rows[i].text, strlen(rows[i].text));
		assert_int_equal(small_file_read_number(root, "/file", &value),
				 rows[i].result);
		assert_int_equal(value, rows[i].value);
	}
}

static void test_number_is_written_whole(void **state)
{
	char text[32];

	put("123456789\n", 10);
	assert_int_equal(small_file_write_number(root, "/file", -4), 0);
	assert_int_equal(small_file_read_below(root, "/file", text, sizeof(text)), 3);
	assert_string_equal(text, "-4\n");
	/* It makes no file where there is none. */
	assert_int_equal(small_file_write_number(root, "/none", 1), -ENOENT);
	assert_int_equal(small_file_read_number(root, "/none", &(int64_t){ 0 }), -ENOENT);
	assert_int_equal(small_file_write_number("", "/dev/full", 1), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_short_reads),
		cmocka_unit_test(test_no_positions),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_number_is_written_whole),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
