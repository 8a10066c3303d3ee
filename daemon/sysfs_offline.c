/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Looks at frames and retires them. It reports what the kernel answered and what the
 * frame looked like before and after, and refuses to know what that means: results,
 * retries and budgets belong to the policy.
 */

#include "sysfs_offline.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "base/mem.h"
#include "host/clock.h"
#include "host/small_file.h"
#include "kernel/kernel_control.h"
#include "kernel/own_page.h"
#include "kernel/sysfs_memory.h"

#define THP_SIZE  "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"
#define ATTRIBUTE "/sys/devices/system/memory/soft_offline_page"

static const char *const paths[] = {
	[MEMORY_FILE_SWITCH] = "/proc/sys/vm/enable_soft_offline",
	[MEMORY_FILE_RELEASE] = "/proc/sys/kernel/osrelease",
	[MEMORY_FILE_ATTRIBUTE] = ATTRIBUTE,
	[MEMORY_FILE_FLAGS] = "/proc/kpageflags",
	[MEMORY_FILE_MEMINFO] = "/proc/meminfo",
	[MEMORY_FILE_PRESSURE] = "/proc/pressure/memory",
	[MEMORY_FILE_IOMEM] = "/proc/iomem",
};

_Static_assert(ARRAY_SIZE(paths) == MEMORY_FILE_MAX_, "each file has its path");

/* No HugeTLB page that we would ever dissolve is larger; limits how far we look around a
 * frame. */
#define MAX_HUGE_BYTES (UINT64_C(1) << 30)
#define WORDS_PER_READ 512

struct sysfs_offline {
	char *root;
	unsigned int page_shift;
	int kpageflags_fd;
	int meminfo_fd;
	int pressure_fd;
	int attribute_fd;
	bool ksm_untrue;  /* see struct frame */
	uint64_t thp_kib; /* see struct frame */
	struct ram_map map;
	int64_t map_total_kib; /* size of memory when the map was read; -1: not known */
	struct meminfo last;   /* as the last attempt found or left it */
	int errors[MEMORY_FILE_MAX_];
};

DEFINE_CLEANUP(struct sysfs_offline *, sysfs_offline_free)

static int offline_open(const struct sysfs_offline *s, const char *path, int flags)
{
	char full[PATH_MAX];
	int r, fd;

	r = small_file_path(full, sizeof(full), s->root, path);
	if (r < 0)
		return r;
	fd = open(full, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static void offline_close(int fd)
{
	if (fd >= 0)
		close(fd);
}

static struct meminfo offline_memory(struct sysfs_offline *s)
{
	struct meminfo m = { -1, -1, -1 };

	s->errors[MEMORY_FILE_MEMINFO] = sysfs_memory_info(&s->meminfo_fd, s->root, &m);
	return m;
}

static void offline_open_flags(struct sysfs_offline *s)
{
	s->kpageflags_fd = offline_open(s, "/proc/kpageflags", O_RDONLY);
	if (s->kpageflags_fd < 0)
		return;
	s->ksm_untrue = own_page_is_called_ksm(s->root, s->kpageflags_fd,
					       s->page_shift) == FACT_YES;
}

/* A kernel without transparent huge pages has no such file, and no large folios. */
static uint64_t offline_thp_kib(const struct sysfs_offline *s)
{
	char text[32];
	uint64_t bytes;

	if (small_file_read_below(s->root, THP_SIZE, text, sizeof(text)) < 0 ||
	    sscanf(text, "%" SCNu64, &bytes) != 1)
		return 0;
	return bytes >> 10;
}

/* A map that could not be read replaces only a map that could not be read either. */
static void offline_read_map(struct sysfs_offline *s, int64_t total_kib)
{
	struct ram_map map;
	int r = sysfs_memory_ram_map(s->root, &map);

	s->errors[MEMORY_FILE_IOMEM] = r;
	if (r < 0 && s->map.known)
		return; /* the size still differs, so the next look tries again */
	s->map = map;
	s->map_total_kib = total_kib;
}

int sysfs_offline_new(struct sysfs_offline **ret, const char *root,
		      unsigned int page_shift)
{
	_cleanup_(sysfs_offline_free_p) struct sysfs_offline *s = NULL;

	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->page_shift = page_shift;
	s->last = (struct meminfo){ -1, -1, -1 };
	s->kpageflags_fd = s->meminfo_fd = s->pressure_fd = s->attribute_fd = -1;
	s->root = strdup(root);
	if (!s->root)
		return -ENOMEM;
	offline_open_flags(s);
	s->thp_kib = offline_thp_kib(s);
	offline_read_map(s, offline_memory(s).total_kib);
	*ret = TAKE_PTR(s);
	return 0;
}

struct sysfs_offline *sysfs_offline_free(struct sysfs_offline *s)
{
	if (!s)
		return NULL;
	offline_close(s->kpageflags_fd);
	offline_close(s->meminfo_fd);
	offline_close(s->pressure_fd);
	offline_close(s->attribute_fd);
	free(s->root);
	free(s);
	return NULL;
}

/** Reads up to @n words from frame @p on. Returns how many there are; 0 past the end. */
static ssize_t flags_read(const struct sysfs_offline *s, uint64_t p, uint64_t *words,
			  size_t n)
{
	ssize_t r;

	if (p > (uint64_t)INT64_MAX / sizeof(*words) - n)
		return 0;
	r = pread(s->kpageflags_fd, words, n * sizeof(*words),
		  (off_t)(p * sizeof(*words)));
	return r < 0 ? -errno : r / (ssize_t)sizeof(*words);
}

static bool flags_have(uint64_t word, enum kpf bit)
{
	return word >> bit & 1;
}

/** Frame number of the head of the compound page around @p, at most @limit before it. */
static bool flags_find_head(const struct sysfs_offline *s, uint64_t p, uint64_t limit,
			    uint64_t *ret)
{
	uint64_t first = p > limit ? p - limit : 0;
	uint64_t words[WORDS_PER_READ];

	for (uint64_t end = p + 1; end > first;) {
		uint64_t n = end - first < WORDS_PER_READ ? end - first : WORDS_PER_READ;

		if (flags_read(s, end - n, words, n) != (ssize_t)n)
			return false;
		for (uint64_t i = n; i > 0; i--) {
			if (flags_have(words[i - 1], KPF_COMPOUND_HEAD)) {
				*ret = end - n + i - 1;
				return true;
			}
			if (!flags_have(words[i - 1], KPF_COMPOUND_TAIL))
				return false;
		}
		end -= n;
	}
	return false;
}

/** Frames of the compound page that begins at @head, at most @limit. */
static uint64_t flags_count_frames(const struct sysfs_offline *s, uint64_t head,
				   uint64_t limit)
{
	uint64_t words[WORDS_PER_READ];

	for (uint64_t n = 1; n < limit;) {
		ssize_t got = flags_read(s, head + n, words, WORDS_PER_READ);

		/* As for a page that changes hands: the answer is the limit. */
		if (got < 0)
			return limit;
		if (got == 0)
			return n;
		for (ssize_t i = 0; i < got; i++, n++)
			if (!flags_have(words[i], KPF_COMPOUND_TAIL))
				return n;
	}
	return limit;
}

/*
 * If the page changes hands while we look, its size is not known. The answer is then the
 * limit, and no policy takes the limit for "small enough".
 */
static uint64_t flags_huge_kib(const struct sysfs_offline *s, uint64_t p)
{
	uint64_t limit = MAX_HUGE_BYTES >> s->page_shift;
	uint64_t n = limit, head;

	if (flags_find_head(s, p, limit, &head))
		n = flags_count_frames(s, head, limit);
	return (n << s->page_shift) >> 10;
}

/*
 * Before 7.x an offline block has KPF_NOPAGE; since then its frames have no flag at all
 * (fs/proc/page.c), as frames have that were just freed. Only the block shows which.
 */
static bool flags_have_no_page(const struct sysfs_offline *s, pfn_t p, uint64_t word)
{
	if (word != 0)
		return flags_have(word, KPF_NOPAGE);
	return sysfs_memory_block_is_offline(s->root, pfn_to_paddr(p, s->page_shift)) > 0;
}

struct frame sysfs_offline_frame(struct sysfs_offline *s, pfn_t p)
{
	struct frame f = { 0 };
	uint64_t word = 0;
	ssize_t n;

	f.in_ram = p.n <= UINT64_MAX >> s->page_shift &&
		   ram_map_contains(&s->map, pfn_to_paddr(p, s->page_shift));
	if (s->kpageflags_fd < 0)
		offline_open_flags(s);
	f.ksm_untrue = s->ksm_untrue;
	f.thp_kib = s->thp_kib;
	n = s->kpageflags_fd < 0 ? s->kpageflags_fd : flags_read(s, p.n, &word, 1);
	s->errors[MEMORY_FILE_FLAGS] = n < 0 ? (int)n : 0;
	if (n < 0)
		return f;
	f.readable = true;
	f.flags = n == 1 ? word : 0;
	f.absent = n == 0 || flags_have_no_page(s, p, word);
	if (flags_have(f.flags, KPF_HUGE))
		f.huge_kib = flags_huge_kib(s, p.n);
	else if (flags_have(f.flags, KPF_THP))
		f.folio_kib = flags_huge_kib(s, p.n);
	return f;
}

bool sysfs_offline_ksm_untrue(const struct sysfs_offline *s)
{
	return s->ksm_untrue;
}

int64_t sysfs_offline_poisoned_kib(struct sysfs_offline *s)
{
	return offline_memory(s).poisoned_kib;
}

uint64_t sysfs_offline_mem_total_kib(struct sysfs_offline *s)
{
	int64_t kib = offline_memory(s).total_kib;

	return kib < 0 ? 0 : (uint64_t)kib;
}

struct machine sysfs_offline_machine(struct sysfs_offline *s)
{
	struct machine m = { .page_shift = s->page_shift };
	struct meminfo now = offline_memory(s);
	uint64_t total = now.total_kib < 0 ? 0 : (uint64_t)now.total_kib << 10;
	int r = sysfs_memory_pressure(&s->pressure_fd, s->root, &m.pressure);

	m.unread = now.total_kib < 0 || now.available_kib < 0;
	m.ram_pages = (s->map.known ? ram_map_bytes(&s->map) : total) >> s->page_shift;
	m.available_kib = now.available_kib < 0 ? 0 : (uint64_t)now.available_kib;
	m.pressure_known = r == 0;
	/* A kernel without PSI, or with psi=0, answers with these errnos. */
	m.pressure_unread = r < 0 && r != -ENOENT && r != -ENOTDIR && r != -EOPNOTSUPP;
	s->errors[MEMORY_FILE_PRESSURE] = m.pressure_unread ? r : 0;
	return m;
}

/* A text that is no number means as little as a text that cannot be read. */
static enum soft_switch offline_read_switch(struct sysfs_offline *s)
{
	int64_t value;
	int r = kernel_control_read(s->root, &value);

	s->errors[MEMORY_FILE_SWITCH] = 0;
	if (r == -ENOENT || r == -ENOTDIR)
		return SWITCH_ABSENT; /* kernels before 6.11 */
	if (r < 0) {
		s->errors[MEMORY_FILE_SWITCH] = r;
		return SWITCH_UNKNOWN;
	}
	return value & 1 ? SWITCH_ON : SWITCH_OFF;
}

static enum fact offline_read_release(struct sysfs_offline *s)
{
	char release[KERNEL_RELEASE_MAX];
	int r = sysfs_memory_release(s->root, release);

	if (r >= 0 && !release_at_least(release, 0, 0))
		r = -EBADMSG;
	s->errors[MEMORY_FILE_RELEASE] = r;
	if (r < 0)
		return FACT_UNKNOWN;
	return release_at_least(release, 5, 10) ? FACT_YES : FACT_NO;
}

static enum fact offline_look_at_attribute(struct sysfs_offline *s)
{
	char path[PATH_MAX];
	int r = small_file_path(path, sizeof(path), s->root, ATTRIBUTE);

	if (r == 0 && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0)
		r = -errno;
	s->errors[MEMORY_FILE_ATTRIBUTE] = 0;
	if (r == 0)
		return FACT_YES;
	if (r == -ENOENT || r == -ENOTDIR || r == -EACCES || r == -EPERM || r == -EROFS)
		return FACT_NO;
	s->errors[MEMORY_FILE_ATTRIBUTE] = r;
	return FACT_UNKNOWN;
}

struct kernel_state sysfs_offline_kernel(struct sysfs_offline *s)
{
	return (struct kernel_state){ .soft_offline = offline_look_at_attribute(s),
				      .enabled = offline_read_switch(s),
				      .supported = offline_read_release(s) };
}

int sysfs_offline_error(const struct sysfs_offline *s, enum memory_file file)
{
	return s->errors[file];
}

const char *sysfs_offline_path(enum memory_file file)
{
	return paths[file];
}

void sysfs_offline_ram_map(struct sysfs_offline *s, struct ram_map *ret)
{
	offline_read_map(s, offline_memory(s).total_kib);
	*ret = s->map;
}

/* Opening takes as long as retiring a page, so it is done once. Each request is written
 * at 0, because another file position would mean nothing here. */
static int offline_write(struct sysfs_offline *s, pfn_t p)
{
	char text[32];
	ssize_t n;
	int len;

	if (s->attribute_fd < 0)
		s->attribute_fd = offline_open(s, ATTRIBUTE, O_WRONLY);
	if (s->attribute_fd < 0)
		return s->attribute_fd;
	len = snprintf(text, sizeof(text), "0x%" PRIx64,
		       pfn_to_paddr(p, s->page_shift).addr);
	n = pwrite(s->attribute_fd, text, (size_t)len, 0);
	if (n < 0)
		return -errno;
	/* Nobody can know which part of the number the kernel took. */
	return n == len ? 0 : -EIO;
}

/* False if the frame must not be touched; then *ret is the answer. */
static bool offline_look_before(struct sysfs_offline *s, pfn_t p,
				const struct policy_rule *rule, bool follows,
				struct offline_answer *ret)
{
	struct meminfo now = follows ? s->last : offline_memory(s);
	enum result no;

	memset(ret, 0, sizeof(*ret));
	s->last = now;
	/*
	 * The map may be months old, while memory came and went. The size of memory,
	 * which is at hand, shows such a change; reading the map costs as much as a soft
	 * offline.
	 */
	if (now.total_kib < 0 || now.total_kib != s->map_total_kib)
		offline_read_map(s, now.total_kib);
	ret->before = ret->after = sysfs_offline_frame(s, p);
	ret->poisoned_before_kib = ret->poisoned_after_kib = now.poisoned_kib;
	no = rule ? policy_check_frame(rule, &ret->before) : RESULT_NONE;
	ret->changed = no != RESULT_NONE && no != RESULT_ALREADY;
	return no == RESULT_NONE;
}

static void offline_look_after(struct sysfs_offline *s, pfn_t p,
			       struct offline_answer *ret)
{
	ret->after = sysfs_offline_frame(s, p);
	s->last = offline_memory(s);
	ret->poisoned_after_kib = s->last.poisoned_kib;
}

static void driver_kernel(struct sysfs_offline *ctx, pfn_t p,
			  const struct policy_rule *rule, bool follows,
			  struct offline_answer *ret)
{
	usec_t start;

	if (!offline_look_before(ctx, p, rule, follows, ret))
		return;
	start = clock_boot();
	/* An address that wraps would name another frame. */
	ret->error = p.n > UINT64_MAX >> ctx->page_shift ? ENXIO : -offline_write(ctx, p);
	ret->duration_usec = usec_sub(clock_boot(), start).us;
	offline_look_after(ctx, p, ret);
}

static void driver_dry_run(struct sysfs_offline *ctx, pfn_t p,
			   const struct policy_rule *rule, bool follows,
			   struct offline_answer *ret)
{
	if (!offline_look_before(ctx, p, rule, follows, ret))
		return;
	ret->dry_run = true;
	offline_look_after(ctx, p, ret);
}

const struct offline_driver offline_driver_kernel = {
	.name = "kernel",
	.offline = driver_kernel,
};

const struct offline_driver offline_driver_dry_run = {
	.name = "dry-run",
	.offline = driver_dry_run,
};
