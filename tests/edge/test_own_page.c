/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A page of the door's own shows whether KPF_KSM can be believed. A made-up pagemap cannot
 * know where the door puts that page, so a pread() in front of the C library's answers
 * for the file.
 */

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "cli/tree.h"
#include "edge/fake_kpageflags.h"
#include "host/page_shift.h"
#include "sysfs_offline.h"

#define BIT(n) (UINT64_C(1) << (n))

DEFINE_CLEANUP(struct sysfs_offline *, sysfs_offline_free)

/* What pagemap says of every page at the first look, the third and so on, and at the
 * others; 0: what the file says. */
static uint64_t pagemap[2];
static unsigned int pagemap_looks;

static char root[PATH_MAX];

static void put(const char *line)
{
	assert_int_equal(tree_add_line(root, line), 0);
}

static void put_flag(uint64_t p, uint64_t word)
{
	fake_kpageflags(root, p, &word, 1);
}

static bool is_file(int fd, const char *path)
{
	char link[64], target[PATH_MAX] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return readlink(link, target, sizeof(target) - 1) > 0 && strstr(target, path);
}

ssize_t pread(int fd, void *buf, size_t n, off_t at)
{
	if (pagemap[0] == 0 || !is_file(fd, "/proc/self/pagemap"))
		return syscall(SYS_pread64, fd, buf, n, at);
	assert_int_equal(n, sizeof(pagemap[0]));
	assert_int_equal(at % (off_t)n, 0);
	memcpy(buf, &pagemap[pagemap_looks++ % 2], n);
	return (ssize_t)n;
}

/* What pread() is called where the compiler leaves @room to be checked when it runs;
 * clang leaves constants, too. */
ssize_t pread_in_room(int fd, void *buf, size_t n, off_t at,
		      size_t room) __asm__("__pread64_chk");

ssize_t pread_in_room(int fd, void *buf, size_t n, off_t at, size_t room)
{
	assert_in_range(n, 0, room);
	return pread(fd, buf, n, at);
}

static int set_up(void **state)
{
	memset(pagemap, 0, sizeof(pagemap));
	pagemap_looks = 0;
	return tree_make(root, sizeof(root));
}

static int tear_down(void **state)
{
	return tree_remove(root);
}

/*
 * A page of the door's own, at 0x123, shows whether this kernel tells merged pages from
 * others (Linux 6.12 does not). What cannot be found out leaves the bit as it is.
 */
static void merged_or_anonymous(void **state)
{
	static const uint64_t here = BIT(63) | 0x123, gone = 0x123, hidden = BIT(63);
	static const uint64_t anon = BIT(KPF_ANON) | BIT(KPF_MMAP),
			      ksm = anon | BIT(KPF_KSM);
	static const struct {
		uint64_t looks[2], own;
		bool untrue;
	} rows[] = {
		{ { here, here }, ksm, true },
		{ { here, here }, anon, false },
		/* not ours, whatever it is */
		{ { here, here }, BIT(KPF_LRU) | BIT(KPF_KSM), false },
		{ { here, here }, 0, false },
		/* swapped out; hidden from us; moved between two looks */
		{ { gone, gone }, ksm, false },
		{ { hidden, hidden }, ksm, false },
		{ { here, here + 1 }, ksm, false },
		/* an empty file */
		{ { 0, 0 }, ksm, false },
	};

	put("/proc/kpageflags:");
	put("/proc/self/pagemap:");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(sysfs_offline_free_p) struct sysfs_offline *s = NULL;
		struct frame f;

		memcpy(pagemap, rows[i].looks, sizeof(pagemap));
		put_flag(0x123, rows[i].own);
		put_flag(0x200, ksm);
		assert_int_equal(sysfs_offline_new(&s, root, host_page_shift()), 0);
		assert_int_equal(sysfs_offline_ksm_untrue(s), rows[i].untrue);
		f = sysfs_offline_frame(s, pfn(0x200));
		assert_int_equal(f.flags, ksm);
		assert_int_equal(frame_kind(&f),
				 rows[i].untrue ? FRAME_ANONYMOUS : FRAME_KSM);
	}
}

/* /proc may come later, and then the first look finds it out. */
static void merged_or_anonymous_later(void **state)
{
	_cleanup_(sysfs_offline_free_p) struct sysfs_offline *s = NULL;
	struct frame f;

	put("/proc/self/pagemap:");
	pagemap[0] = pagemap[1] = BIT(63) | 0x123;
	assert_int_equal(sysfs_offline_new(&s, root, host_page_shift()), 0);
	assert_false(sysfs_offline_ksm_untrue(s));
	put_flag(0x123, BIT(KPF_ANON) | BIT(KPF_KSM));
	f = sysfs_offline_frame(s, pfn(0x123));
	assert_int_equal(frame_kind(&f), FRAME_ANONYMOUS);
}

/* Nothing that this machine is must stop the door; what its kernel does is printed. */
static void merged_on_this_machine(void **state)
{
	_cleanup_(sysfs_offline_free_p) struct sysfs_offline *s = NULL;

	assert_int_equal(sysfs_offline_new(&s, "", host_page_shift()), 0);
	print_message("this kernel's KPF_KSM: %s\n",
		      sysfs_offline_ksm_untrue(s) ? "set on every anonymous page"
						  : "not found untrue");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(merged_or_anonymous),
		TEST(merged_or_anonymous_later),
		TEST(merged_on_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
