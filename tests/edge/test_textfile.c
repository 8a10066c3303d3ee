/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A reader of the text file sees one whole version or another, and a failure leaves the
 * old one.
 */

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>

#include "db_fixture.h"
#include "textfile.h"

static unsigned int files_in(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	unsigned int n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void assert_text(const char *path, const char *want)
{
	_cleanup_(free_p) char *text = NULL;
	size_t n;

	text = slurp(path, &n);
	assert_string_equal(text, want);
}

static void replaces_whole(void **state)
{
	const struct fixture *f = *state;
	struct stat st;
	mode_t mask = umask(0077);

	assert_int_equal(textfile_write(f->path, "a long first one\n", 17), 0);
	assert_int_equal(textfile_write(f->path, "two\n", 4), 0);
	umask(mask);
	assert_text(f->path, "two\n");
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(textfile_write(f->path, "", 0), 0);
	assert_int_equal(size_of(f->path), 0);
	assert_int_equal(files_in(f->folder), 1);
}

static void folder_is_never_made(void **state)
{
	const struct fixture *f = *state;
	char path[160];

	snprintf(path, sizeof(path), "%s/none/x.prom", f->folder);
	assert_int_equal(textfile_write(path, "x", 1), -ENOENT);
	assert_int_equal(files_in(f->folder), 0);
}

/* The target cannot be replaced: nothing is left lying about. */
static void failure_cleans_up(void **state)
{
	const struct fixture *f = *state;

	assert_int_equal(mkdir(f->path, 0700), 0);
	assert_int_equal(textfile_write(f->path, "x", 1), -EISDIR);
	assert_int_equal(files_in(f->folder), 1);
}

/* Somebody laid a link where the temporary file goes: it is replaced, not followed. */
static void link_is_not_followed(void **state)
{
	const struct fixture *f = *state;
	char link[160], target[160];

	snprintf(link, sizeof(link), "%s.new", f->path);
	snprintf(target, sizeof(target), "%s/target", f->folder);
	spew(target, "keep", 4);
	assert_int_equal(symlink(target, link), 0);
	assert_int_equal(textfile_write(f->path, "x", 1), 0);
	assert_text(target, "keep");
	assert_text(f->path, "x");
	assert_int_equal(textfile_write(link, "y", 1), 0);
	assert_text(link, "y");
}

static _Noreturn void rewrite_forever(const char *path)
{
	static char text[65536];

	for (char c = 'a';; c = c == 'z' ? 'a' : (char)(c + 1)) {
		memset(text, c, sizeof(text));
		if (textfile_write(path, text, sizeof(text)) < 0)
			_exit(1);
	}
}

static void nothing_between_old_and_new(void **state)
{
	const struct fixture *f = *state;
	pid_t child;

	spew(f->path, "a", 1);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		rewrite_forever(f->path);
	while (size_of(f->path) == 1)
		;
	for (int i = 0; i < 300; i++) {
		size_t n;
		_cleanup_(free_p) char *text = slurp(f->path, &n);

		assert_int_equal(n, 65536);
		assert_int_equal(text[0], text[n - 1]);
	}
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(replaces_whole),
		T(folder_is_never_made),
		T(failure_cleans_up),
		T(link_is_not_followed),
		T(nothing_between_old_and_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
