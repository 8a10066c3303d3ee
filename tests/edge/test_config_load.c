/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Which files config_load() finds below a temporary root, in which order, and what it
 * says of files that are not what they should be. What is in them is test_config.c's.
 */

/* cmocka.h needs the four before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "host/config_load.h"

#define ETC "/etc/softofflined/softofflined.conf"
#define LIB "/usr/lib/softofflined/softofflined.conf"
#define RUN "/run/softofflined/softofflined.conf"

/* Short, as paths in it must stay below CONFIG_PATH_MAX. */
static char root[64];

struct findings {
	unsigned int n;
	char last[1024];
};

static void collect(void *userdata, const struct config_diag *diag)
{
	struct findings *f = userdata;

	f->n++;
	snprintf(f->last, sizeof(f->last), "%s", diag->message);
	for (const char *c = diag->message; *c; c++)
		assert_true(*c >= 0x20 && *c < 0x7f);
}

static const char *in_root(const char *path)
{
	static char buf[512];

	snprintf(buf, sizeof(buf), "%s%s", root, path);
	return buf;
}

static void make_parents(const char *path)
{
	char buf[512];

	snprintf(buf, sizeof(buf), "%s", path);
	for (char *slash = strchr(buf + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		assert_true(mkdir(buf, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
}

static void put(const char *path, const char *text)
{
	_cleanup_(fclose_p) FILE *file = NULL;

	path = in_root(path);
	make_parents(path);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
}

static void put_link(const char *path, const char *target)
{
	path = in_root(path);
	make_parents(path);
	assert_int_equal(symlink(target, path), 0);
}

static int load(struct config *cfg, struct findings *f)
{
	memset(f, 0, sizeof(*f));
	return config_load(cfg, NULL, root, collect, f);
}

static void assert_refused(const char *file, const char *want)
{
	struct findings f = { 0 };
	struct config cfg;

	assert_int_equal(config_load(&cfg, file, root, collect, &f), -EINVAL);
	assert_int_equal(f.n, 1);
	if (!strstr(f.last, want))
		fail_msg("%s", f.last);
}

static int make_root(void **state)
{
	snprintf(root, sizeof(root), "/tmp/config-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int remove_root(void **state)
{
	return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void test_nothing(void **state)
{
	struct config cfg, defaults;
	struct findings f;

	config_init(&defaults);
	assert_int_equal(load(&cfg, &f), 0);
	assert_int_equal(f.n, 0);
	assert_int_equal(cfg.n_files, 0);
	assert_int_equal(cfg.retry.tries, defaults.retry.tries);
}

static void test_main_file(void **state)
{
	struct config cfg;
	struct findings f;

	put(LIB, "[Retry]\nTries=2\nMax=1h\n");
	assert_int_equal(load(&cfg, &f), 0);
	assert_int_equal(cfg.retry.tries, 2);

	put(ETC, "[Retry]\nTries=3\n");
	assert_int_equal(load(&cfg, &f), 0);
	assert_int_equal(cfg.retry.tries, 3);
	assert_int_equal(cfg.retry.max.us, 5 * USEC_PER_MINUTE);
	assert_int_equal(cfg.n_files, 1);
	assert_string_equal(cfg.files[0], in_root(ETC));

	assert_int_equal(unlink(in_root(ETC)), 0);
	put_link(ETC, "/dev/null");
	assert_int_equal(load(&cfg, &f), 0);
	assert_int_equal(cfg.retry.tries, 8);
}

static void test_drop_in_order(void **state)
{
	struct config cfg;
	struct findings f;

	put(ETC, "[Retry]\nTries=1\n[Budget]\nBurst=1\n");
	put(ETC ".d/20-b.conf", "[Retry]\nTries=20\n");
	put(RUN ".d/30-c.conf", "[Retry]\nTries=30\n");
	put(LIB ".d/10-a.conf", "[Retry]\nTries=10\n[Budget]\nBurst=10\n");
	put(LIB ".d/30-c.conf.bak", "[Retry]\nTries=31\n");
	put(LIB ".d/.40.conf", "[Retry]\nTries=32\n");
	put(LIB ".d/.conf", "[Retry]\nTries=32\n");
	assert_int_equal(load(&cfg, &f), 0);
	assert_int_equal(f.n, 0);
	assert_int_equal(cfg.retry.tries, 30);
	assert_int_equal(cfg.budget.burst, 10);
	assert_int_equal(cfg.n_files, 4);
	assert_string_equal(cfg.files[0], in_root(ETC));
	assert_string_equal(cfg.files[1], in_root(LIB ".d/10-a.conf"));
	assert_string_equal(cfg.files[2], in_root(ETC ".d/20-b.conf"));
	assert_string_equal(cfg.files[3], in_root(RUN ".d/30-c.conf"));
}

static void test_drop_in_masks(void **state)
{
	struct config cfg;
	struct findings f;

	put(LIB ".d/a.conf", "[Retry]\nTries=0\n");
	put(RUN ".d/a.conf", "[Retry]\nTries=2\n");
	assert_int_equal(load(&cfg, &f), 0);
	assert_int_equal(cfg.retry.tries, 2);

	put(ETC ".d/a.conf", "[Retry]\nTries=3\n");
	assert_int_equal(load(&cfg, &f), 0);
	assert_int_equal(cfg.retry.tries, 3);
	assert_int_equal(cfg.n_files, 1);

	assert_int_equal(unlink(in_root(ETC ".d/a.conf")), 0);
	put_link(ETC ".d/a.conf", "/dev/null");
	assert_int_equal(load(&cfg, &f), 0);
	assert_int_equal(cfg.retry.tries, 8);
	assert_int_equal(cfg.n_files, 0);
}

static void test_links_are_followed(void **state)
{
	struct config cfg;
	struct findings f;

	put("/elsewhere", "[Retry]\nTries=7\n");
	put_link(ETC, "../../elsewhere");
	assert_int_equal(load(&cfg, &f), 0);
	assert_int_equal(cfg.retry.tries, 7);
}

static void test_one_file(void **state)
{
	char file[512];
	struct config cfg;

	put(ETC, "[Retry]\nTries=1\n");
	put("/my.conf", "[Retry]\nTries=2\n");
	put("/my.conf.d/b.conf", "[Retry]\nTries=3\n");
	put("/my.conf.d/a.conf", "[Retry]\nTries=4\nMax=1h\n");
	snprintf(file, sizeof(file), "%s", in_root("/my.conf"));
	assert_int_equal(config_load(&cfg, file, "", NULL, NULL), 0);
	assert_int_equal(cfg.retry.tries, 3);
	assert_int_equal(cfg.retry.max.us, USEC_PER_HOUR);
	assert_int_equal(cfg.n_files, 3);

	assert_int_equal(unlink(file), 0);
	assert_refused(file, "/my.conf: cannot be opened: No such file");
}

static void test_errors_inside(void **state)
{
	struct config cfg;
	struct findings f;

	put(ETC, "[Retry]\nTries=0\n");
	put(ETC ".d/a.conf", "[Retry]\nTries=0\nMax=0s\n");
	assert_int_equal(load(&cfg, &f), -EINVAL);
	assert_int_equal(f.n, 3);
	assert_non_null(strstr(f.last, ".conf.d/a.conf:3: [Retry] Max: "));

	/* Each file is sound; together they are not. */
	put(ETC, "[Retry]\nFirst=1h\n");
	put(ETC ".d/a.conf", "[Retry]\nMax=1min\n");
	assert_int_equal(load(&cfg, &f), -EINVAL);
	assert_int_equal(f.n, 1);
	assert_non_null(strstr(f.last, ".conf.d/a.conf:2: [Retry] Max: "));
}

static void test_folder_as_file(void **state)
{
	put(ETC "/x", "");
	assert_refused(NULL, ETC ": a folder; a regular file is needed");
}

static void test_fifo(void **state)
{
	put(ETC ".d/a.conf", "");
	assert_int_equal(unlink(in_root(ETC ".d/a.conf")), 0);
	assert_int_equal(mkfifo(in_root(ETC ".d/a.conf"), 0644), 0);
	assert_refused(NULL, ".d/a.conf: not a regular file");
}

static void test_dangling_link(void **state)
{
	put_link(ETC, "nowhere");
	/* A main file that was meant must not be stood in for by the vendor's. */
	put(LIB, "");
	assert_refused(NULL, ETC ": a link to a file that does not exist");
}

static void test_link_loop(void **state)
{
	put_link(ETC, "softofflined.conf");
	assert_refused(NULL, ETC ": cannot be opened: Too many levels");
}

static void test_size(void **state)
{
	char text[4097];
	struct config cfg;
	struct findings f;

	memset(text, '#', sizeof(text) - 2);
	text[4095] = '\n';
	text[4096] = '\0';
	put(ETC, "");
	for (unsigned int i = 0; i < 256; i++) {
		_cleanup_(fclose_p) FILE *file = fopen(in_root(ETC), "ae");

		assert_non_null(file);
		assert_true(fputs(text, file) >= 0);
	}
	assert_int_equal(load(&cfg, &f), 0);
	assert_int_equal(truncate(in_root(ETC), 1024 * 1024 + 1), 0);
	assert_refused(NULL, ETC ": larger than 1 MiB");
}

static void test_unreadable(void **state)
{
	uid_t self = geteuid();

	put(ETC, "");
	assert_int_equal(chmod(in_root(ETC), 0), 0);
	/* Root reads everything, so somebody else has to try. */
	if (self == 0) {
		assert_int_equal(chmod(root, 0755), 0);
		assert_int_equal(seteuid(65534), 0);
	}
	assert_refused(NULL, ETC ": cannot be opened: Permission denied");
	assert_int_equal(seteuid(self), 0);
}

static void test_folder_is_a_file(void **state)
{
	put(ETC ".d", "");
	assert_refused(NULL, ".conf.d: cannot be opened as a folder: Not a directory");
}

static void test_too_many_drop_ins(void **state)
{
	char path[128];
	struct config cfg;
	struct findings f;

	for (unsigned int i = 0; i < CONFIG_MAX_FILES; i++) {
		snprintf(path, sizeof(path), "%s.d/%u.conf", ETC, i);
		put(path, "");
	}
	assert_int_equal(load(&cfg, &f), 0);
	put(RUN ".d/0.conf", "");
	assert_int_equal(load(&cfg, &f), 0);
	put(ETC ".d/x.conf", "");
	assert_refused(NULL, "more than 64 drop-in files");
}

static void test_long_and_odd_names(void **state)
{
	char path[2 * CONFIG_PATH_MAX];

	put(ETC ".d/a\n\x1b.conf", "x\n");
	assert_refused(NULL, "a\\x0a\\x1b.conf:1: neither a section");
	assert_int_equal(unlink(in_root(ETC ".d/a\n\x1b.conf")), 0);

	snprintf(path, sizeof(path), "%s.d/%0220d.conf", ETC, 0);
	put(path, "");
	assert_refused(NULL, "the path is longer than 255 bytes");
}

/* The folder may be on a disk that is not mounted: that is not "no configuration". */
static void test_folder_is_a_dangling_link(void **state)
{
	put(RUN, "");
	put_link("/etc/softofflined", "/nonexistent/softofflined");
	assert_refused(NULL, "/etc/softofflined: cannot be examined: No such file");
}

#define P_ETC CONFIG_SYSCONFDIR "/softofflined/softofflined.conf"
#define P_LIB CONFIG_LIBDIR "/softofflined/softofflined.conf"

/*
 * What another prefix adds. With /usr all is twice the same, and must be read once; an
 * operator's file in /etc counts in any case, also under a commented sample that an older
 * version installed below the prefix.
 */
static void test_prefix(void **state)
{
	bool other = strcmp(P_ETC, ETC) != 0;
	struct config cfg;
	struct findings f;

	put(P_LIB, "[Retry]\nTries=2\n");
	assert_int_equal(load(&cfg, &f), 0);
	assert_int_equal(cfg.retry.tries, 2);
	assert_int_equal(cfg.n_files, 1);

	put(ETC, "[Policy]\nAction=account\n");
	if (other)
		put(P_ETC, "# a sample\n");
	assert_int_equal(load(&cfg, &f), 0);
	assert_int_equal(cfg.policy.action, POLICY_ACCOUNT);
	assert_int_equal(cfg.retry.tries, 8);
	assert_int_equal(cfg.n_files, other ? 2 : 1);

	put(P_ETC, "[Retry]\nTries=3\n");
	put(ETC ".d/a.conf", "[Retry]\nMax=1h\n");
	put(P_LIB ".d/b.conf", "[Budget]\nBurst=3\n");
	put(P_ETC ".d/c.conf", "[Budget]\nPagesPerHour=3\n");
	assert_int_equal(load(&cfg, &f), 0);
	assert_int_equal(cfg.policy.action, other ? POLICY_ACCOUNT : POLICY_SOFT);
	assert_int_equal(cfg.retry.tries, 3);
	assert_int_equal(cfg.retry.max.us, USEC_PER_HOUR);
	assert_int_equal(cfg.budget.burst, 3);
	assert_int_equal(cfg.budget.pages_per_hour, 3);
	assert_int_equal(cfg.n_files, other ? 5 : 4);

	/* Of one name the prefix's own is the last word. */
	put(P_ETC ".d/a.conf", "[Retry]\nMax=2h\n");
	assert_int_equal(load(&cfg, &f), 0);
	assert_int_equal(cfg.retry.max.us, 2 * USEC_PER_HOUR);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing),
		TEST(test_main_file),
		TEST(test_drop_in_order),
		TEST(test_drop_in_masks),
		TEST(test_links_are_followed),
		TEST(test_one_file),
		TEST(test_errors_inside),
		TEST(test_folder_as_file),
		TEST(test_fifo),
		TEST(test_dangling_link),
		TEST(test_link_loop),
		TEST(test_size),
		TEST(test_unreadable),
		TEST(test_folder_is_a_file),
		TEST(test_too_many_drop_ins),
		TEST(test_long_and_odd_names),
		TEST(test_folder_is_a_dangling_link),
		TEST(test_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
