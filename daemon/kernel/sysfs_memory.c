/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Reads what /proc says about the machine's memory. It keeps nothing but the files that a
 * caller wants to stay open, and judges nothing. What it cannot understand is reported as
 * not known.
 */

#include "kernel/sysfs_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "base/mem.h"
#include "host/small_file.h"

#define TEXT_MAX 8192 /* /proc/meminfo has about 1,500 bytes (6.1) */

/* Opens @path if *fd is -1, and reads it. A longer text is cut: everything that we look
 * for is near its beginning. */
static int memory_read(int *fd, const char *root, const char *path, char *buf,
		       size_t size)
{
	char full[PATH_MAX];
	ssize_t n;

	if (*fd < 0) {
		int r = small_file_path(full, sizeof(full), root, path);

		if (r < 0)
			return r;
		*fd = open(full, O_RDONLY | O_CLOEXEC);
		if (*fd < 0)
			return -errno;
	}
	n = small_file_read_open(*fd, buf, size);
	return n < 0 && n != -EFBIG ? (int)n : 0;
}

/* The number in line @key (without colon); -1 if there is no such line. */
static int64_t meminfo_number(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (const char *line = text; *line; line += *line == '\n') {
		uint64_t v;

		if (strncmp(line, key, len) == 0 && line[len] == ':')
			return sscanf(line + len + 1, "%" SCNu64, &v) == 1 &&
					       v <= INT64_MAX
				       ? (int64_t)v
				       : -1;
		line += strcspn(line, "\n");
	}
	return -1;
}

int sysfs_memory_info(int *fd, const char *root, struct meminfo *ret)
{
	char text[TEXT_MAX];
	int r = memory_read(fd, root, "/proc/meminfo", text, sizeof(text));

	if (r < 0)
		return r;
	ret->total_kib = meminfo_number(text, "MemTotal");
	ret->available_kib = meminfo_number(text, "MemAvailable");
	ret->poisoned_kib = meminfo_number(text, "HardwareCorrupted");
	return 0;
}

int sysfs_memory_pressure(int *fd, const char *root, uint32_t *ret)
{
	unsigned int whole, hundredths;
	char text[TEXT_MAX];
	const char *line;
	int r = memory_read(fd, root, "/proc/pressure/memory", text, sizeof(text));

	if (r < 0)
		return r;
	/* The kernel prints avg10 as %lu.%02lu; two digits are always there. */
	line = strstr(text, "some avg10=");
	if (!line || sscanf(line, "some avg10=%3u.%2u ", &whole, &hundredths) != 2)
		return -ENODATA;
	*ret = whole * 100 + hundredths;
	return 0;
}

#define BLOCKS "/sys/devices/system/memory"

int sysfs_memory_block_is_offline(const char *root, paddr_t a)
{
	char text[32], path[sizeof(BLOCKS) + 64];
	uint64_t size;
	ssize_t n;

	n = small_file_read_below(root, BLOCKS "/block_size_bytes", text, sizeof(text));
	if (n < 0)
		return (int)n;
	if (sscanf(text, "%" SCNx64, &size) != 1 || size == 0)
		return -EBADMSG;
	snprintf(path, sizeof(path), BLOCKS "/memory%" PRIu64 "/state", a.addr / size);
	n = small_file_read_below(root, path, text, sizeof(text));
	return n < 0 ? (int)n : strcmp(text, "offline\n") == 0;
}

int sysfs_memory_release(const char *root, char ret[KERNEL_RELEASE_MAX])
{
	char text[KERNEL_RELEASE_MAX];
	ssize_t n = small_file_read_below(root, "/proc/sys/kernel/osrelease", text,
					  sizeof(text));

	if (n < 0)
		return (int)n;
	text[strcspn(text, "\n")] = '\0';
	if (text[0] == '\0')
		return -ENODATA;
	memcpy(ret, text, sizeof(text));
	return 0;
}

bool release_at_least(const char *release, unsigned int major, unsigned int minor)
{
	unsigned int a, b;

	if (sscanf(release, "%9u.%9u", &a, &b) != 2)
		return false;
	return a > major || (a == major && b >= minor);
}

/* One range more than the map holds, so that the choice of ranges to join includes the
 * new range. */
struct ranges {
	struct ram_range v[MAX_RAM_RANGES + 1];
	unsigned int n;
};

static void ranges_join_next(struct ranges *list, unsigned int i)
{
	if (list->v[i].end.addr < list->v[i + 1].end.addr)
		list->v[i].end = list->v[i + 1].end;
	list->n--;
	memmove(&list->v[i + 1], &list->v[i + 2], (list->n - i - 1) * sizeof(list->v[0]));
}

static void ranges_join_smallest_gap(struct ranges *list)
{
	uint64_t smallest = UINT64_MAX;
	unsigned int at = 0;

	for (unsigned int i = 0; i + 1 < list->n; i++) {
		uint64_t gap = list->v[i + 1].start.addr - list->v[i].end.addr;

		if (gap < smallest) {
			smallest = gap;
			at = i;
		}
	}
	ranges_join_next(list, at);
}

static bool range_touches(const struct ram_range *a, const struct ram_range *b)
{
	return a->end.addr == UINT64_MAX || a->end.addr + 1 >= b->start.addr;
}

/* Keeps the list ascending and free of overlaps; ranges that touch become one. */
static void ranges_add(struct ranges *list, uint64_t start, uint64_t end)
{
	unsigned int at = list->n;

	while (at > 0 && list->v[at - 1].start.addr > start)
		at--;
	memmove(&list->v[at + 1], &list->v[at], (list->n - at) * sizeof(list->v[0]));
	list->v[at] = (struct ram_range){ paddr(start), paddr(end) };
	list->n++;
	if (at > 0 && range_touches(&list->v[at - 1], &list->v[at]))
		ranges_join_next(list, --at);
	while (at + 1 < list->n && range_touches(&list->v[at], &list->v[at + 1]))
		ranges_join_next(list, at);
	if (list->n > MAX_RAM_RANGES)
		ranges_join_smallest_gap(list);
}

/*
 * Memory that drivers add at run time is indented below the device, and its name has the
 * driver's name in brackets: "System RAM (kmem)".
 */
static bool range_parse(const char *line, uint64_t *ret_start, uint64_t *ret_end)
{
	static const char ram[] = "System RAM";
	uint64_t start, end;
	int used = 0;

	if (sscanf(line, " %" SCNx64 "-%" SCNx64 " : %n", &start, &end, &used) != 2 ||
	    used == 0)
		return false;
	if (strncmp(line + used, ram, sizeof(ram) - 1) != 0)
		return false;
	line += (size_t)used + sizeof(ram) - 1;
	if ((*line != '\0' && strncmp(line, " (", 2) != 0) || end < start)
		return false;
	*ret_start = start;
	*ret_end = end;
	return true;
}

int sysfs_memory_ram_map(const char *root, struct ram_map *ret)
{
	_cleanup_(fclose_p) FILE *f = NULL;
	struct ranges list = { .n = 0 };
	char path[PATH_MAX], line[256];
	int r;

	memset(ret, 0, sizeof(*ret));
	r = small_file_path(path, sizeof(path), root, "/proc/iomem");
	if (r < 0)
		return r;
	f = fopen(path, "re");
	if (!f)
		return -errno;
	errno = 0;
	/* Longer lines come in several pieces. */
	while (fgets(line, sizeof(line), f)) {
		uint64_t start, end;

		line[strcspn(line, "\n")] = '\0';
		/* Without CAP_SYS_ADMIN the kernel shows every range as 0-0. */
		if (range_parse(line, &start, &end) && end != 0)
			ranges_add(&list, start, end);
	}
	/* With half a map, good memory would look like no memory. */
	if (ferror(f))
		return errno ? -errno : -EIO;
	memcpy(ret->ranges, list.v, list.n * sizeof(list.v[0]));
	ret->n = list.n;
	ret->known = list.n > 0;
	return 0;
}
