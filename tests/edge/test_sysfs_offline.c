/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The door to soft offline, on a made-up /proc and /sys. What plain files cannot answer
 * comes from a pwrite() of our own in front of the C library's, which also sees to it
 * that the bytes and the descriptor are as the kernel wants them. The clock is made up as
 * well: 7 microseconds pass between two looks.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "cli/tree.h"
#include "edge/fake_kpageflags.h"
#include "host/clock.h"
#include "kernel/sysfs_memory.h"
#include "sysfs_offline.h"

#define BIT(n)    (UINT64_C(1) << (n))
#define ATTRIBUTE "/sys/devices/system/memory/soft_offline_page"
#define SWITCH    "/proc/sys/vm/enable_soft_offline"
#define RELEASE   "/proc/sys/kernel/osrelease"
#define RAM       "/proc/iomem: 00000000-0fffffff : System RAM"

DEFINE_CLEANUP(struct sysfs_offline *, sysfs_offline_free)

/* What the kernel is to answer to the next write, and what was written. */
static struct {
	bool on;
	int error;
	bool cut_short;
	bool poisons; /* the write poisons the frame and moves the counter */
	char bytes[64];
	unsigned int writes;
} kernel;

static char root[PATH_MAX];
static int64_t fake_now;

usec_t clock_boot(void)
{
	return usec(fake_now += 7);
}

static void put(const char *line)
{
	assert_int_equal(tree_add_line(root, line), 0);
}

static void put_flags(uint64_t first, const uint64_t *words, size_t n)
{
	fake_kpageflags(root, first, words, n);
}

static void put_flag(uint64_t p, uint64_t word)
{
	put_flags(p, &word, 1);
}

ssize_t pwrite(int fd, const void *buf, size_t n, off_t at)
{
	char link[64], target[PATH_MAX] = "";

	if (!kernel.on)
		return syscall(SYS_pwrite64, fd, buf, n, at);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	assert_true(readlink(link, target, sizeof(target) - 1) > 0);
	assert_non_null(strstr(target, ATTRIBUTE));
	assert_int_equal(at, 0);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_WRONLY);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_true(n < sizeof(kernel.bytes));
	memcpy(kernel.bytes, buf, n);
	kernel.bytes[n] = '\0';
	kernel.writes++;
	if (kernel.poisons) {
		kernel.on = false;
		put_flag(0x123, BIT(KPF_HWPOISON));
		put("/proc/meminfo: HardwareCorrupted:     12 kB");
		kernel.on = true;
	}
	errno = kernel.error;
	return kernel.error ? -1 : (ssize_t)n - kernel.cut_short;
}

static int set_up(void **state)
{
	memset(&kernel, 0, sizeof(kernel));
	fake_now = 0;
	if (tree_make(root, sizeof(root)) < 0)
		return -1;
	put(RAM);
	put(ATTRIBUTE ": ");
	put("/proc/meminfo: MemTotal: 262144 kB\\nMemAvailable:  131072 kB\\n"
	    "HardwareCorrupted:     8 kB");
	put("/proc/sys/kernel/osrelease: 6.1.0-56-amd64");
	put_flag(0x123, BIT(KPF_LRU));
	return 0;
}

static int tear_down(void **state)
{
	kernel.on = false;
	return tree_remove(root);
}

static struct sysfs_offline *open_door(void)
{
	struct sysfs_offline *s = NULL;

	assert_int_equal(sysfs_offline_new(&s, root, 12), 0);
	return s;
}

static struct offline_answer offline(uint64_t p)
{
	_cleanup_(sysfs_offline_free_p) struct sysfs_offline *s = open_door();
	struct offline_answer a;

	memset(&a, 0xa5, sizeof(a));
	offline_driver_kernel.offline(s, pfn(p), NULL, false, &a);
	return a;
}

static void bytes_written(void **state)
{
	static const struct {
		uint64_t pfn;
		const char *bytes;
	} rows[] = {
		{ 0x12345, "0x12345000" },
		{ 0, "0x0" },
		{ 0x10000000, "0x10000000000" },
		{ 0xabcde, "0xabcde000" },
		{ UINT64_MAX >> 12, "0xfffffffffffff000" },
	};

	kernel.on = true;
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(offline(rows[i].pfn).error, 0);
		assert_string_equal(kernel.bytes, rows[i].bytes);
		assert_int_equal(kernel.writes, i + 1);
	}
	/* The address would wrap round to frame 0. */
	assert_int_equal(offline((UINT64_MAX >> 12) + 1).error, ENXIO);
	assert_int_equal(kernel.writes, ARRAY_SIZE(rows));
}

/* Between the look that let it go and its turn the frame may become another's. */
static void looked_at_before_the_write(void **state)
{
	static const struct {
		uint64_t flags;
		bool huge_allowed, thp_forbidden, written, changed;
		enum result result;
	} rows[] = {
		{ BIT(KPF_ANON) | BIT(KPF_LRU), .written = true,
		  .result = RESULT_UNVERIFIED },
		{ BIT(KPF_BUDDY), .written = true, .result = RESULT_UNVERIFIED },
		{ BIT(KPF_HUGE) | BIT(KPF_COMPOUND_HEAD), .changed = true,
		  .result = RESULT_BUSY },
		{ BIT(KPF_HUGE) | BIT(KPF_COMPOUND_HEAD), .huge_allowed = true,
		  .written = true, .result = RESULT_UNVERIFIED },
		{ BIT(KPF_THP) | BIT(KPF_ANON), .written = true,
		  .result = RESULT_UNVERIFIED },
		{ BIT(KPF_THP) | BIT(KPF_ANON), .thp_forbidden = true, .changed = true,
		  .result = RESULT_BUSY },
		{ BIT(KPF_SLAB), .changed = true, .result = RESULT_BUSY },
		{ BIT(KPF_NOPAGE), .changed = true, .result = RESULT_BUSY },
		{ BIT(KPF_HWPOISON), .result = RESULT_ALREADY },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(sysfs_offline_free_p) struct sysfs_offline *s = NULL;
		struct policy_rule rule = {
			.huge_pages = rows[i].huge_allowed ? HUGE_2M : HUGE_NEVER,
			.transparent_huge_pages = !rows[i].thp_forbidden,
		};
		unsigned int before = kernel.writes;
		struct offline_answer a;

		put_flag(0x123, rows[i].flags);
		s = open_door();
		kernel.on = true;
		offline_driver_kernel.offline(s, pfn(0x123), &rule, false, &a);
		assert_int_equal(kernel.writes - before, rows[i].written);
		assert_int_equal(a.changed, rows[i].changed);
		assert_int_equal(policy_classify(&a), rows[i].result);
		assert_int_equal(a.poisoned_after_kib, 8);
		kernel.on = false;
		offline_driver_dry_run.offline(s, pfn(0x123), &rule, false, &a);
		assert_int_equal(a.dry_run, rows[i].written);
	}
}

static void other_page_size(void **state)
{
	_cleanup_(sysfs_offline_free_p) struct sysfs_offline *s = NULL;
	struct offline_answer a;

	kernel.on = true;
	assert_int_equal(sysfs_offline_new(&s, root, 16), 0);
	offline_driver_kernel.offline(s, pfn(0x12), NULL, false, &a);
	assert_string_equal(kernel.bytes, "0x120000");
}

static void really_written(void **state)
{
	char text[64];

	assert_int_equal(offline(0x123).error, 0);
	assert_int_equal(tree_read(root, ATTRIBUTE, text, sizeof(text)), 8);
	assert_string_equal(text, "0x123000");
}

static void errno_is_passed_on(void **state)
{
	static const int errors[] = { EBUSY, EIO,        ENXIO, ENOMEM, EINVAL,
				      EPERM, EOPNOTSUPP, EINTR, EAGAIN, EHWPOISON };

	kernel.on = true;
	for (unsigned int i = 0; i < ARRAY_SIZE(errors); i++) {
		struct offline_answer a;

		kernel.error = errors[i];
		a = offline(0x123);
		assert_int_equal(a.error, errors[i]);
		assert_int_equal(kernel.writes, i + 1);
		assert_false(a.dry_run);
		assert_int_equal(a.before.flags, BIT(KPF_LRU));
		assert_int_equal(a.after.flags, BIT(KPF_LRU));
		assert_int_equal(a.poisoned_before_kib, 8);
		assert_int_equal(a.poisoned_after_kib, 8);
	}
	kernel.error = 0;
	kernel.cut_short = true;
	assert_int_equal(offline(0x123).error, EIO);
}

static void before_and_after(void **state)
{
	struct offline_answer a;

	kernel.on = true;
	kernel.poisons = true;
	a = offline(0x123);
	assert_int_equal(a.error, 0);
	assert_int_equal(a.duration_usec, 7);
	assert_int_equal(frame_kind(&a.before), FRAME_PAGE_CACHE);
	assert_int_equal(frame_kind(&a.after), FRAME_POISONED);
	assert_true(a.before.in_ram);
	assert_int_equal(a.poisoned_before_kib, 8);
	assert_int_equal(a.poisoned_after_kib, 12);
}

/* Through the same door: each at the beginning of the file, none appended. */
static void one_after_another(void **state)
{
	_cleanup_(sysfs_offline_free_p) struct sysfs_offline *s = open_door();
	struct offline_answer a;
	char text[64];

	for (uint64_t p = 0x100000; p < 0x100003; p++) {
		offline_driver_kernel.offline(s, pfn(p), NULL, false, &a);
		assert_int_equal(a.error, 0);
	}
	assert_int_equal(tree_read(root, ATTRIBUTE, text, sizeof(text)), 11);
	assert_string_equal(text, "0x100002000");
}

/* What was seen after the one is what was there before the other. */
static void one_follows_another(void **state)
{
	_cleanup_(sysfs_offline_free_p) struct sysfs_offline *s = open_door();
	struct offline_answer a;

	offline_driver_kernel.offline(s, pfn(0x123), NULL, false, &a);
	assert_int_equal(a.poisoned_after_kib, 8);
	put("/proc/meminfo: MemTotal: 262144 kB\\nMemAvailable:  131072 kB\\n"
	    "HardwareCorrupted:     20 kB");
	offline_driver_kernel.offline(s, pfn(0x123), NULL, true, &a);
	assert_int_equal(a.poisoned_before_kib, 8);
	assert_int_equal(a.poisoned_after_kib, 20);
	offline_driver_kernel.offline(s, pfn(0x123), NULL, false, &a);
	assert_int_equal(a.poisoned_before_kib, 20);
}

/* The map of RAM is as old as the size of memory: a block that comes is seen. */
static void memory_that_comes(void **state)
{
	_cleanup_(sysfs_offline_free_p) struct sysfs_offline *s = open_door();
	struct offline_answer a;

	put("/proc/iomem: 00000000-1fffffff : System RAM");
	offline_driver_kernel.offline(s, pfn(0x10123), NULL, false, &a);
	assert_false(a.before.in_ram);
	put("/proc/meminfo: MemTotal: 524288 kB\\nMemAvailable:  131072 kB\\n"
	    "HardwareCorrupted:     8 kB");
	offline_driver_kernel.offline(s, pfn(0x10123), NULL, false, &a);
	assert_true(a.before.in_ram);
	/* If the size is not known, the map is read each time. */
	put("/proc/meminfo: HardwareCorrupted:     8 kB");
	put(RAM);
	offline_driver_kernel.offline(s, pfn(0x10123), NULL, false, &a);
	assert_false(a.before.in_ram);
}

static void open_fails(void **state)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s%s", root, ATTRIBUTE);
	assert_int_equal(chmod(path, 0), 0);
	if (geteuid() == 0) {
		assert_int_equal(seteuid(65534), 0);
		assert_int_equal(offline(0x123).error, EACCES);
		assert_int_equal(seteuid(0), 0);
	} else {
		assert_int_equal(offline(0x123).error, EACCES);
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(offline(0x123).error, ENOENT);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(offline(0x123).error, EISDIR);
}

static void dry_run_writes_nothing(void **state)
{
	_cleanup_(sysfs_offline_free_p) struct sysfs_offline *s = open_door();
	struct offline_answer a;

	kernel.on = true;
	offline_driver_dry_run.offline(s, pfn(0x123), NULL, false, &a);
	assert_true(a.dry_run);
	assert_int_equal(kernel.writes, 0);
	assert_int_equal(a.error, 0);
	assert_int_equal(a.duration_usec, 0);
	assert_int_equal(a.before.flags, BIT(KPF_LRU));
	assert_int_equal(a.after.flags, BIT(KPF_LRU));
	assert_int_equal(a.poisoned_after_kib, 8);
	assert_string_equal(offline_driver_dry_run.name, "dry-run");
}

static void frames(void **state)
{
	_cleanup_(sysfs_offline_free_p) struct sysfs_offline *s = open_door();
	struct frame f;

	f = sysfs_offline_frame(s, pfn(0x123));
	assert_true(f.readable && f.in_ram && !f.absent);
	assert_int_equal(f.flags, BIT(KPF_LRU));
	f = sysfs_offline_frame(s, pfn(0x124));
	assert_true(f.readable && f.absent && f.in_ram);
	assert_int_equal(f.flags, 0);
	f = sysfs_offline_frame(s, pfn(0x10000));
	assert_true(f.absent && !f.in_ram);
	f = sysfs_offline_frame(s, pfn(UINT64_MAX));
	assert_true(f.readable && f.absent && !f.in_ram);
	put_flag(0x124, BIT(KPF_NOPAGE));
	f = sysfs_offline_frame(s, pfn(0x124));
	assert_true(f.absent);
	assert_int_equal(frame_kind(&f), FRAME_ABSENT);
}

#define BLOCKS "/sys/devices/system/memory"

/*
 * 7.x shows no flag for the frames of an offline block, and none for a frame that was just
 * freed. The block's state decides; a kernel without blocks, and what cannot be read,
 * leave the frame as it is.
 */
static void frames_of_an_offline_block(void **state)
{
	_cleanup_(sysfs_offline_free_p) struct sysfs_offline *s = open_door();
	static const struct {
		const char *file;
		uint64_t flags;
		bool absent;
	} rows[] = {
		{ BLOCKS "/memory1/state: offline", 0, false },
		{ BLOCKS "/block_size_bytes: 8000000", 0, true },
		{ BLOCKS "/memory0/state: offline", 0, true },
		{ BLOCKS "/memory1/state: online", 0, false },
		{ BLOCKS "/memory1/state: going-offline", 0, false },
		{ BLOCKS "/memory1/state: offlined?", 0, false },
		{ BLOCKS "/memory1/state:", 0, false },
		{ BLOCKS "/memory1/state: offline", BIT(KPF_LRU), false },
		{ BLOCKS "/memory1/state: offline", BIT(KPF_HWPOISON), false },
		{ BLOCKS "/memory1/state: online", BIT(KPF_NOPAGE), true },
		{ BLOCKS "/memory1/state: offline", 0, true },
		{ BLOCKS "/block_size_bytes: 0", 0, false },
		{ BLOCKS "/block_size_bytes: what", 0, false },
		{ BLOCKS "/block_size_bytes: 10000000", 0, true },
		{ "- " BLOCKS "/memory0", 0, false },
	};

	/* The frames of memory1, from 128 MiB on; with 256 MiB blocks, of memory0. */
	put_flag(0x8fff, BIT(KPF_LRU));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct offline_answer a;
		struct policy_rule rule = { .transparent_huge_pages = true };
		unsigned int before = kernel.writes;
		struct frame f;

		put(rows[i].file);
		put_flag(0x8123, rows[i].flags);
		f = sysfs_offline_frame(s, pfn(0x8123));
		assert_true(f.readable && f.in_ram);
		if (f.absent != rows[i].absent)
			fail_msg("%s", rows[i].file);
		kernel.on = true;
		offline_driver_kernel.offline(s, pfn(0x8123), &rule, false, &a);
		kernel.on = false;
		if (rows[i].absent) {
			assert_int_equal(frame_kind(&f), FRAME_ABSENT);
			assert_int_equal(kernel.writes, before);
			assert_int_equal(policy_check_frame(&rule, &f), RESULT_NOT_RAM);
		}
	}
}

static void frames_without_kpageflags(void **state)
{
	_cleanup_(sysfs_offline_free_p) struct sysfs_offline *s = NULL;
	char path[PATH_MAX + 64];
	struct frame f;

	snprintf(path, sizeof(path), "%s/proc/kpageflags", root);
	assert_int_equal(unlink(path), 0);
	s = open_door();
	f = sysfs_offline_frame(s, pfn(0x123));
	assert_false(f.readable);
	assert_int_equal(f.flags, 0);
	/* It may come later: /proc is mounted again. */
	put_flag(0x123, BIT(KPF_ANON));
	f = sysfs_offline_frame(s, pfn(0x123));
	assert_true(f.readable);
}

static void put_compound(uint64_t head, size_t frames)
{
	_cleanup_(free_p) uint64_t *words = calloc(frames, sizeof(*words));

	assert_non_null(words);
	for (size_t i = 0; i < frames; i++)
		words[i] = BIT(KPF_HUGE) | BIT(i ? KPF_COMPOUND_TAIL : KPF_COMPOUND_HEAD);
	put_flags(head, words, frames);
}

static void huge_page_sizes(void **state)
{
	_cleanup_(sysfs_offline_free_p) struct sysfs_offline *s = open_door();

	put_compound(512, 512);
	put_compound(1024, 512);
	put_compound(2048, 16);
	put_flag(2064, BIT(KPF_BUDDY));
	put_compound(1 << 18, 1 << 18);
	assert_int_equal(sysfs_offline_frame(s, pfn(512)).huge_kib, 2048);
	assert_int_equal(sysfs_offline_frame(s, pfn(700)).huge_kib, 2048);
	assert_int_equal(sysfs_offline_frame(s, pfn(1023)).huge_kib, 2048);
	assert_int_equal(sysfs_offline_frame(s, pfn(1024)).huge_kib, 2048);
	assert_int_equal(sysfs_offline_frame(s, pfn(2063)).huge_kib, 64);
	assert_int_equal(sysfs_offline_frame(s, pfn(2064)).huge_kib, 0);
	assert_int_equal(sysfs_offline_frame(s, pfn(1 << 18)).huge_kib, 1 << 20);
	assert_int_equal(sysfs_offline_frame(s, pfn((1 << 18) + 12345)).huge_kib,
			 1 << 20);
	assert_int_equal(sysfs_offline_frame(s, pfn((1 << 19) - 1)).huge_kib, 1 << 20);
	/* A tail whose head is gone: as large as can be, never "small". */
	put_flag(2048, BIT(KPF_BUDDY));
	assert_int_equal(sysfs_offline_frame(s, pfn(2050)).huge_kib, 1 << 20);
}

static void kernel_states(void **state)
{
	_cleanup_(sysfs_offline_free_p) struct sysfs_offline *s = open_door();
	static const struct {
		const char *line;
		enum soft_switch enabled;
		enum fact supported;
	} rows[] = {
		{ RAM, SWITCH_ABSENT, FACT_YES }, /* 6.1 */
		{ SWITCH ": 1", SWITCH_ON, FACT_YES },
		{ SWITCH ": 0", SWITCH_OFF, FACT_YES },
		{ SWITCH ": 3", SWITCH_ON, FACT_YES },
		{ SWITCH ": 2", SWITCH_OFF, FACT_YES },
		{ SWITCH ": what", SWITCH_UNKNOWN, FACT_YES },
		{ SWITCH ":", SWITCH_UNKNOWN, FACT_YES },
		{ SWITCH ": 5", SWITCH_ON, FACT_YES },
		{ RELEASE ": 5.9.16", SWITCH_ON, FACT_NO },
		{ RELEASE ": 5.10", SWITCH_ON, FACT_YES },
		{ RELEASE ": 4.19.0-amd64", SWITCH_ON, FACT_NO },
		{ RELEASE ": 6.0.0", SWITCH_ON, FACT_YES },
		{ RELEASE ": 10.1-rc2", SWITCH_ON, FACT_YES },
		{ RELEASE ": next", SWITCH_ON, FACT_UNKNOWN },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		struct kernel_state k;

		put(rows[i].line);
		k = sysfs_offline_kernel(s);
		assert_int_equal(k.soft_offline, FACT_YES);
		if (k.enabled != rows[i].enabled || k.supported != rows[i].supported)
			fail_msg("%s", rows[i].line);
	}
}

static void kernel_without_the_attribute(void **state)
{
	_cleanup_(sysfs_offline_free_p) struct sysfs_offline *s = open_door();
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s%s", root, ATTRIBUTE);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(sysfs_offline_kernel(s).soft_offline, FACT_NO);
	assert_int_equal(sysfs_offline_error(s, MEMORY_FILE_ATTRIBUTE), 0);
}

/* What cannot be read is neither on nor off. */
static void switch_that_is_hidden(void **state)
{
	_cleanup_(sysfs_offline_free_p) struct sysfs_offline *s = open_door();
	bool root_user = geteuid() == 0;
	char path[PATH_MAX + 64];
	struct kernel_state k;

	put("/proc/sys/vm/enable_soft_offline: 1");
	snprintf(path, sizeof(path), "%s/proc/sys/vm/enable_soft_offline", root);
	assert_int_equal(chmod(path, 0), 0);
	assert_true(!root_user || seteuid(65534) == 0);
	k = sysfs_offline_kernel(s);
	assert_true(!root_user || seteuid(0) == 0);
	assert_int_equal(k.enabled, SWITCH_UNKNOWN);
}

static void ram_map_of_a_server(void **state)
{
	_cleanup_(sysfs_offline_free_p) struct sysfs_offline *s = open_door();
	struct ram_map map;

	put("/proc/iomem: 00001000-0009fbff : System RAM\\n"
	    "000a0000-000fffff : Reserved\\n"
	    "00100000-bfffffff : System RAM\\n"
	    "  01000000-0220bb07 : Kernel code\\n"
	    "c0000000-c0ffffff : System RAMBUS\\n"
	    "100000000-1ffffffff : System RAM\\n"
	    "200000000-2ffffffff : System RAM\\n"
	    "400000000-4ffffffff : virtio0\\n"
	    "  410000000-41fffffff : System RAM (virtio_mem)\\n"
	    "garbage : System RAM");
	sysfs_offline_ram_map(s, &map);
	assert_true(map.known);
	assert_int_equal(map.n, 4);
	assert_int_equal(map.ranges[0].start.addr, 0x1000);
	assert_int_equal(map.ranges[0].end.addr, 0x9fbff);
	assert_int_equal(map.ranges[2].start.addr, 0x100000000);
	assert_int_equal(map.ranges[2].end.addr, 0x2ffffffff);
	assert_int_equal(map.ranges[3].start.addr, 0x410000000);
	assert_true(sysfs_offline_frame(s, pfn(0x100)).in_ram);
	assert_false(sysfs_offline_frame(s, pfn(0xa0)).in_ram);
	assert_false(sysfs_offline_frame(s, pfn(0x400000)).in_ram);
}

static void fingerprint_of_a_map(void **state)
{
	struct ram_map map = { .n = 1, .known = true };
	int64_t print;

	map.ranges[0] = (struct ram_range){ paddr(0x1000), paddr(0x9ffff) };
	print = ram_map_print(&map);
	assert_true(print != 0);
	assert_true(ram_map_print(&map) == print);
	map.ranges[0].end = paddr(0x8ffff);
	assert_true(ram_map_print(&map) != print);
	map.known = false;
	assert_int_equal(ram_map_print(&map), 0);
}

static void ram_map_hidden(void **state)
{
	_cleanup_(sysfs_offline_free_p) struct sysfs_offline *s = open_door();
	struct ram_map map;

	put("/proc/iomem: 00000000-00000000 : System RAM\\n00000000-00000000 : PCI");
	sysfs_offline_ram_map(s, &map);
	assert_false(map.known);
	assert_int_equal(map.n, 0);
	assert_true(sysfs_offline_frame(s, pfn(0x123456789)).in_ram);
	/* The size of memory then comes from meminfo. */
	assert_int_equal(sysfs_offline_machine(s).ram_pages, 65536);
}

static void ram_map_with_too_many_ranges(void **state)
{
	_cleanup_(sysfs_offline_free_p) struct sysfs_offline *s = open_door();
	static char text[64 * 1024];
	struct ram_map map;
	int len = snprintf(text, sizeof(text), "/proc/iomem: ");

	/* 300 ranges; 100 gaps are of one frame, the others of 15. */
	for (unsigned int i = 0; i < 300; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len,
				"%x-%x : System RAM\\n", i * 0x10000u,
				i * 0x10000u + (i % 3 ? 0x0fff : 0xefff));
	put(text);
	sysfs_offline_ram_map(s, &map);
	assert_int_equal(map.n, MAX_RAM_RANGES);
	for (unsigned int i = 1; i < map.n; i++)
		assert_true(map.ranges[i].start.addr > map.ranges[i - 1].end.addr + 1);
	/* What was RAM still is, and no wide gap was filled. */
	for (uint64_t i = 0; i < 300; i++)
		assert_true(sysfs_offline_frame(s, pfn(i * 16)).in_ram);
	assert_false(sysfs_offline_frame(s, pfn(16 + 5)).in_ram);
	assert_false(sysfs_offline_frame(s, pfn(299 * 16 - 5)).in_ram);
}

static void machine_now(void **state)
{
	_cleanup_(sysfs_offline_free_p) struct sysfs_offline *s = open_door();
	struct machine m = sysfs_offline_machine(s);

	assert_int_equal(m.page_shift, 12);
	assert_int_equal(m.ram_pages, 0x10000);
	assert_int_equal(m.available_kib, 131072);
	assert_false(m.pressure_known);
	assert_int_equal(sysfs_offline_mem_total_kib(s), 262144);
	assert_int_equal(sysfs_offline_poisoned_kib(s), 8);
	put("/proc/pressure/memory: some avg10=12.07 avg60=0.00 avg300=0.00 total=0\\n"
	    "full avg10=99.00 avg60=0.00 avg300=0.00 total=0");
	m = sysfs_offline_machine(s);
	assert_true(m.pressure_known);
	assert_int_equal(m.pressure, 1207);
	put("/proc/pressure/memory: some avg10=100.00 avg60=0.00");
	assert_int_equal(sysfs_offline_machine(s).pressure, 10000);
	put("/proc/pressure/memory: nothing like it");
	assert_false(sysfs_offline_machine(s).pressure_known);
	put("/proc/meminfo: MemFree: 1 kB\\nHardwareCorruptedX: 4 kB");
	assert_int_equal(sysfs_offline_poisoned_kib(s), -1);
	assert_int_equal(sysfs_offline_mem_total_kib(s), 0);
	assert_int_equal(sysfs_offline_machine(s).available_kib, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bytes_written),
		TEST(looked_at_before_the_write),
		TEST(other_page_size),
		TEST(really_written),
		TEST(errno_is_passed_on),
		TEST(before_and_after),
		TEST(one_after_another),
		TEST(one_follows_another),
		TEST(memory_that_comes),
		TEST(open_fails),
		TEST(dry_run_writes_nothing),
		TEST(frames),
		TEST(frames_of_an_offline_block),
		TEST(frames_without_kpageflags),
		TEST(huge_page_sizes),
		TEST(kernel_states),
		TEST(kernel_without_the_attribute),
		TEST(switch_that_is_hidden),
		TEST(ram_map_of_a_server),
		TEST(fingerprint_of_a_map),
		TEST(ram_map_hidden),
		TEST(ram_map_with_too_many_ranges),
		TEST(machine_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
