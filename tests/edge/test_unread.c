/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Files that are there and cannot be read: no door takes that for what the file would
 * have said. A folder in place of a file can be opened, and reading it is EISDIR; a link
 * to itself is ELOOP; and what is unmapped in /proc/self/mem is EIO.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "cli/tree.h"
#include "kernel/sysfs_memory.h"
#include "sysfs_offline.h"

#define BIT(n)    (UINT64_C(1) << (n))
#define ATTRIBUTE "/sys/devices/system/memory/soft_offline_page"
#define SWITCH    "/proc/sys/vm/enable_soft_offline"
#define RELEASE   "/proc/sys/kernel/osrelease"

DEFINE_CLEANUP(struct sysfs_offline *, sysfs_offline_free)

static char root[PATH_MAX];

static void put(const char *line)
{
	assert_int_equal(tree_add_line(root, line), 0);
}

static int set_up(void **state)
{
	if (tree_make(root, sizeof(root)) < 0)
		return -1;
	put("/proc/iomem: 00000000-0fffffff : System RAM");
	put(ATTRIBUTE ": ");
	put("/proc/meminfo: MemTotal: 262144 kB\\nMemAvailable:  131072 kB\\n"
	    "HardwareCorrupted:     8 kB");
	put(RELEASE ": 6.1.0-56-amd64");
	put("/proc/kpageflags:");
	return 0;
}

static int tear_down(void **state)
{
	return tree_remove(root);
}

static struct sysfs_offline *open_door(void)
{
	struct sysfs_offline *s = NULL;

	assert_int_equal(sysfs_offline_new(&s, root, 12), 0);
	return s;
}

/*
 * A frame is readable, and what follows it is not: the memory of this process stands for
 * the flags, and a page of it is taken away. Then nobody knows how large the page is.
 */
static void huge_page_cut_by_an_error(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t *words = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t n = page / sizeof(*words);
	pfn_t last = pfn((uintptr_t)&words[n - 1] / sizeof(*words));
	struct sysfs_offline *s;

	assert_true(words != MAP_FAILED);
	words[n - 1] = BIT(KPF_HUGE) | BIT(KPF_COMPOUND_HEAD);
	assert_int_equal(munmap(words + n, page), 0);
	put("- /proc/kpageflags");
	put("/proc/kpageflags -> /proc/self/mem");
	put("- /proc/iomem");
	s = open_door();
	assert_true(sysfs_offline_frame(s, last).readable);
	assert_int_equal(sysfs_offline_frame(s, last).huge_kib, 1 << 20);
	assert_false(sysfs_offline_frame(s, pfn(last.n + 1)).readable);
	assert_int_equal(sysfs_offline_error(s, MEMORY_FILE_FLAGS), -EIO);
	sysfs_offline_free(s);
	munmap(words, page);
}

/* The map that was read stands until another one can be. */
static void map_that_fails_later(void **state)
{
	_cleanup_(sysfs_offline_free_p) struct sysfs_offline *s = open_door();
	struct ram_map map;

	put("- /proc/iomem");
	put("/proc/iomem/");
	sysfs_offline_ram_map(s, &map);
	assert_true(map.known);
	assert_int_equal(sysfs_offline_error(s, MEMORY_FILE_IOMEM), -EISDIR);
	assert_false(sysfs_offline_frame(s, pfn(0x20000)).in_ram);
	put("- /proc/iomem");
	put("/proc/iomem: 00000000-3fffffff : System RAM");
	sysfs_offline_ram_map(s, &map);
	assert_int_equal(sysfs_offline_error(s, MEMORY_FILE_IOMEM), 0);
	assert_true(sysfs_offline_frame(s, pfn(0x20000)).in_ram);
}

/* No size, no free memory and no pressure are not what a failed read says. */
static void machine_that_fails(void **state)
{
	struct sysfs_offline *s;
	struct machine m;

	put("- /proc/meminfo");
	put("/proc/meminfo/");
	put("/proc/pressure/memory/");
	s = open_door();
	m = sysfs_offline_machine(s);
	assert_true(m.unread && m.pressure_unread && !m.pressure_known);
	assert_int_equal(sysfs_offline_error(s, MEMORY_FILE_MEMINFO), -EISDIR);
	assert_int_equal(sysfs_offline_error(s, MEMORY_FILE_PRESSURE), -EISDIR);
	sysfs_offline_free(s);
}

/* A folder in place of a file can be opened and not read. */
static void kernel_files_that_fail(void **state)
{
	_cleanup_(sysfs_offline_free_p) struct sysfs_offline *s = open_door();
	struct kernel_state k;

	put(SWITCH "/");
	put("- " RELEASE);
	put(RELEASE "/");
	put("- " ATTRIBUTE);
	put(ATTRIBUTE " -> soft_offline_page");
	k = sysfs_offline_kernel(s);
	assert_int_equal(k.enabled, SWITCH_UNKNOWN);
	assert_int_equal(k.supported, FACT_UNKNOWN);
	assert_int_equal(k.soft_offline, FACT_UNKNOWN);
	assert_false(kernel_state_usable(&k));
	assert_int_equal(sysfs_offline_error(s, MEMORY_FILE_SWITCH), -EISDIR);
	assert_int_equal(sysfs_offline_error(s, MEMORY_FILE_RELEASE), -EISDIR);
	assert_int_equal(sysfs_offline_error(s, MEMORY_FILE_ATTRIBUTE), -ELOOP);
	put("- " SWITCH);
	put(SWITCH ": 0");
	assert_int_equal(sysfs_offline_kernel(s).enabled, SWITCH_OFF);
	assert_int_equal(sysfs_offline_error(s, MEMORY_FILE_SWITCH), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(huge_page_cut_by_an_error),
		TEST(map_that_fails_later),
		TEST(machine_that_fails),
		TEST(kernel_files_that_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
