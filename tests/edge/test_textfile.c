/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A reader of the text file sees one whole version or another, a failure leaves the old
 * one, and what is not ours stays whatever it is.
 */

#include <dirent.h>
#include <signal.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "db_fixture.h"
#include "host/textfile.h"

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

#define OURS "# HELP softofflined_build_info 1\n"

static int write_text(const char *path, const char *text)
{
	return textfile_write(path, TEXTFILE_METRICS, text, strlen(text), NULL);
}

static const char *inside(const struct fixture *f, const char *name)
{
	static char path[16][256];
	static unsigned int next;
	char *ret = path[next++ % ARRAY_SIZE(path)];

	snprintf(ret, sizeof(path[0]), "%s/%s", f->folder, name);
	return ret;
}

static void replaces_whole(void **state)
{
	const struct fixture *f = *state;
	struct stat st;
	mode_t mask = umask(0077);

	assert_int_equal(write_text(f->path, OURS "a long first one\n"), 0);
	assert_int_equal(write_text(f->path, OURS), 0);
	umask(mask);
	assert_text(f->path, OURS);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(write_text(f->path, ""), 0);
	assert_int_equal(size_of(f->path), 0);
	assert_int_equal(files_in(f->folder), 1);
}

static void folder_is_never_made(void **state)
{
	const struct fixture *f = *state;
	struct textfile_finding found;
	const char *path = inside(f, "none/x.prom");

	assert_int_equal(write_text(path, OURS), -ENOENT);
	assert_int_equal(textfile_check(path, NULL, &found), -ENOENT);
	assert_null(found.why);
	assert_int_equal(files_in(f->folder), 0);
}

/* Whatever text it is, if the caller does not know how its own begins. */
static void replaces_any_text(void **state)
{
	const struct fixture *f = *state;

	spew(f->path, "boot 1 2", 8);
	assert_int_equal(textfile_write(f->path, NULL, "x", 1, NULL), 0);
	assert_text(f->path, "x");
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(mkdir(f->path, 0700), 0);
	assert_int_equal(textfile_write(f->path, NULL, "x", 1, NULL), -EEXIST);
	assert_int_equal(files_in(f->folder), 1);
}

/* What a power cut left of ours is ours, and nothing is left of it. */
static void knows_its_own(void **state)
{
	static const char *const ours[] = { "", "#", "# HELP softof", OURS,
					    "# HELP softofflined_up old\n" };
	const struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
		spew(f->path, ours[i], strlen(ours[i]));
		spew(inside(f, "x.new"), ours[i], strlen(ours[i]));
		assert_int_equal(rename(inside(f, "x.new"), inside(f, "s.prom.new")), 0);
		assert_int_equal(write_text(inside(f, "s.prom"), OURS), 0);
		assert_text(inside(f, "s.prom"), OURS);
		assert_int_equal(write_text(f->path, OURS), 0);
		assert_text(f->path, OURS);
		assert_int_equal(files_in(f->folder), 2);
	}
}

/* Puts something that is not ours at @path; false if only root can. */
static bool put_foreign(unsigned int kind, const char *path, const char *victim)
{
	switch (kind) {
	case 0:
		spew(path, "keep", 4);
		return true;
	case 1:
		spew(path, "# HELP node_load1 1\n", 20);
		return true;
	case 2:
		return mkdir(path, 0700) == 0;
	case 3: /* opening it for reading would wait for a writer */
		return mkfifo(path, 0600) == 0;
	case 4: /* not even if it leads to one of ours */
		return symlink(victim, path) == 0;
	case 5:
		return symlink("nowhere", path) == 0;
	case 6:
		return mknod(path, S_IFSOCK | 0600, 0) == 0;
	default:
		return mknod(path, S_IFCHR | 0600, makedev(1, 3)) == 0;
	}
}

static void assert_untouched(const char *path, const struct stat *before)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_ino, before->st_ino);
	assert_int_equal(st.st_mode, before->st_mode);
	assert_int_equal(st.st_size, before->st_size);
}

/* At the path itself (@suffix is ""), or where its temporary file goes. */
static void refuse_foreign(const struct fixture *f, const char *suffix)
{
	char at[256];

	snprintf(at, sizeof(at), "%s%s", f->path, suffix);
	spew(inside(f, "victim"), OURS, strlen(OURS));
	for (unsigned int kind = 0; kind < 8; kind++) {
		struct textfile_finding found;
		struct stat before;
		const char *why = NULL;
		int r;

		if (!put_foreign(kind, at, inside(f, "victim"))) {
			print_message("kind %u cannot be made here\n", kind);
			continue;
		}
		assert_int_equal(lstat(at, &before), 0);
		r = textfile_check(f->path, TEXTFILE_METRICS, &found);
		assert_true(r == -EEXIST || r == -ELOOP);
		assert_non_null(found.why);
		assert_false(found.shared);
		assert_int_equal(textfile_write(f->path, TEXTFILE_METRICS, OURS,
						strlen(OURS), &why),
				 r);
		assert_string_equal(why, found.why);
		assert_untouched(at, &before);
		assert_int_equal(files_in(f->folder), 2);
		assert_int_equal(remove(at), 0);
	}
	assert_text(inside(f, "victim"), OURS);
}

static void never_over_something_else(void **state)
{
	refuse_foreign(*state, "");
}

static void temporary_file_neither(void **state)
{
	refuse_foreign(*state, ".new");
}

/* The other name keeps what it named. */
static void hard_link_is_let_go(void **state)
{
	const struct fixture *f = *state;

	spew(inside(f, "other"), OURS "kept\n", strlen(OURS "kept\n"));
	assert_int_equal(link(inside(f, "other"), f->path), 0);
	assert_int_equal(write_text(f->path, OURS), 0);
	assert_text(f->path, OURS);
	assert_text(inside(f, "other"), OURS "kept\n");
}

#define OTHER 65534

/* "way" in the folder of the test is a link to "real"; the file goes below it. */
static void make_way(const struct fixture *f, uid_t folder, mode_t mode, uid_t way)
{
	assert_int_equal(mkdir(inside(f, "at"), 0755), 0);
	assert_int_equal(mkdir(inside(f, "real"), 0755), 0);
	assert_int_equal(symlink("../real", inside(f, "at/way")), 0);
	assert_int_equal(lchown(inside(f, "at/way"), way, (gid_t)-1), 0);
	assert_int_equal(chown(inside(f, "at"), folder, (gid_t)-1), 0);
	assert_int_equal(chmod(inside(f, "at"), mode), 0);
}

static void remove_way(const struct fixture *f)
{
	(void)unlink(inside(f, "real/s.prom"));
	assert_int_equal(unlink(inside(f, "at/way")), 0);
	assert_int_equal(rmdir(inside(f, "at")), 0);
	assert_int_equal(rmdir(inside(f, "real")), 0);
}

/* Links on the way: the administrator's are followed, those of others are not. */
static void links_on_the_way(void **state)
{
	static const struct {
		uid_t folder;
		mode_t mode;
		uid_t way;
		bool followed;
		bool shared;
	} rows[] = {
		{ 0, 0755, 0, true, false },      { 0, 01777, 0, true, false },
		{ 0, 0755, OTHER, false, false }, { 0, 01777, OTHER, false, true },
		{ 0, 0775, 0, false, true },      { 0, 0757, 0, false, true },
		{ OTHER, 0755, 0, false, true },  { OTHER, 0755, OTHER, false, true },
		{ OTHER, 01777, 0, false, true },
	};
	const struct fixture *f = *state;

	if (geteuid() != 0) {
		print_message("only root can make folders of another user\n");
		skip();
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *path = inside(f, "at/way/s.prom");
		struct textfile_finding found;

		make_way(f, rows[i].folder, rows[i].mode, rows[i].way);
		assert_int_equal(textfile_check(path, TEXTFILE_METRICS, &found),
				 rows[i].followed ? 0 : -ELOOP);
		assert_int_equal(found.shared, rows[i].shared);
		assert_int_equal(!found.why, rows[i].followed);
		assert_int_equal(write_text(path, OURS), rows[i].followed ? 0 : -ELOOP);
		assert_int_equal(files_in(inside(f, "real")), rows[i].followed);
		/* without the link there is nothing to object to */
		assert_int_equal(textfile_check(inside(f, "at/s.prom"), NULL, &found), 0);
		remove_way(f);
	}
}

static void going_up(void **state)
{
	const struct fixture *f = *state;
	const char *path = inside(f, "at/in/../s.prom");

	assert_int_equal(mkdir(inside(f, "at"), 0755), 0);
	assert_int_equal(mkdir(inside(f, "at/in"), 0755), 0);
	assert_int_equal(write_text(path, OURS), 0);
	assert_text(inside(f, "at/s.prom"), OURS);
	if (geteuid() != 0)
		return;
	assert_int_equal(chown(inside(f, "at"), OTHER, (gid_t)-1), 0);
	assert_int_equal(write_text(path, OURS), -ELOOP);
}

static void links_end(void **state)
{
	const struct fixture *f = *state;

	assert_int_equal(symlink("loop", inside(f, "loop")), 0);
	assert_int_equal(write_text(inside(f, "loop/s.prom"), OURS), -ELOOP);
	assert_int_equal(write_text(inside(f, "loop/../s.prom"), OURS), -ELOOP);
}

static void relative_path(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(close_p) int here = open(".", O_PATH | O_CLOEXEC);

	assert_int_equal(chdir(f->folder), 0);
	assert_int_equal(write_text("./s.prom", OURS), 0);
	assert_int_equal(write_text("t.prom", OURS), 0);
	assert_int_equal(fchdir(here), 0);
	assert_text(inside(f, "s.prom"), OURS);
	assert_text(inside(f, "t.prom"), OURS);
}

static _Noreturn void rewrite_forever(const char *path)
{
	static char text[65536];

	for (char c = 'a';; c = c == 'z' ? 'a' : (char)(c + 1)) {
		memset(text, c, sizeof(text));
		if (textfile_write(path, NULL, text, sizeof(text), NULL) < 0)
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
		T(replaces_any_text),
		T(knows_its_own),
		T(never_over_something_else),
		T(temporary_file_neither),
		T(hard_link_is_let_go),
		T(links_on_the_way),
		T(going_up),
		T(links_end),
		T(relative_path),
		T(nothing_between_old_and_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
