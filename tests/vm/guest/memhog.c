// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * memhog - take most of the memory there is and look for frames in it.
 *
 * "A retired frame is never handed out again": allocates a share of
 * MemAvailable in small pages and touches every page. Then no given frame may
 * be among them ("memhog MET PFN"), and since the allocator hands out some
 * free memory last of all, none may lie free either ("memhog FREE PFN").
 * Exit status 1 if there was one.
 *
 * The kernel's reserve is made small meanwhile, so that there is little that
 * cannot be taken; this is for test machines only.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "pagemap.h"

#define CHUNK        8192
#define TURN         (1UL << 20)
#define KPF_BUDDY    (1ULL << 10)
#define RESERVE_PATH "/proc/sys/vm/min_free_kbytes"
#define RESERVE_KIB  4096

struct pfn_list {
	uint64_t *pfns;
	size_t n;
};

static void add_pfn(struct pfn_list *list, const char *text)
{
	list->pfns = realloc(list->pfns, (list->n + 1) * sizeof(*list->pfns));
	if (!list->pfns)
		err(2, "realloc");
	list->pfns[list->n++] = parse_number(text);
}

static void add_file(struct pfn_list *list, const char *path)
{
	FILE *file = fopen(path, "re");
	char word[64];

	if (!file)
		err(2, "%s", path);
	while (fscanf(file, "%63s", word) == 1)
		add_pfn(list, word);
	fclose(file);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static long read_reserve(void)
{
	FILE *file = fopen(RESERVE_PATH, "re");
	long kib;

	if (!file || fscanf(file, "%ld", &kib) != 1)
		err(2, RESERVE_PATH);
	fclose(file);
	return kib;
}

static void write_reserve(long kib)
{
	FILE *file = fopen(RESERVE_PATH, "we");

	if (!file || fprintf(file, "%ld", kib) < 0 || fclose(file))
		err(2, RESERVE_PATH);
}

static size_t available_bytes(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	char line[128];

	if (!file)
		err(2, "/proc/meminfo");
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			break;
	fclose(file);
	if (!kib)
		errx(2, "no MemAvailable in /proc/meminfo");
	return kib * 1024;
}

/* The CPU after the given one in the set. */
static int next_cpu(const cpu_set_t *cpus, int cpu)
{
	do
		cpu = (cpu + 1) % CPU_SETSIZE;
	while (!CPU_ISSET(cpu, cpus));
	return cpu;
}

static void run_on(int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		err(2, "sched_setaffinity to %d", cpu);
}

/*
 * Touch in turns on all CPUs: each keeps up to tens of megabytes of freed
 * pages to itself, on lists that show in no flag.
 */
static char *take(size_t length)
{
	char *memory = mmap(NULL, length, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	cpu_set_t cpus;
	int cpu = 0;

	if (memory == MAP_FAILED)
		err(2, "mmap of %zu bytes", length);
	madvise(memory, length, MADV_NOHUGEPAGE);
	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		err(2, "sched_getaffinity");
	for (size_t at = 0; at < length; at += page_size()) {
		if (at % TURN == 0) {
			cpu = next_cpu(&cpus, cpu);
			run_on(cpu);
		}
		memory[at] = 1;
	}
	sched_setaffinity(0, sizeof(cpus), &cpus);
	return memory;
}

/* The number of listed frames among the pages; each is printed. */
static size_t look_taken(const char *memory, size_t pages, const struct pfn_list *list)
{
	static uint64_t entries[CHUNK];
	int fd = pagemap_open();
	size_t met = 0;

	for (size_t page = 0; page < pages; page += CHUNK) {
		size_t n = pages - page < CHUNK ? pages - page : CHUNK;

		pagemap_read(fd, memory + page * page_size(), entries, n);
		for (size_t i = 0; i < n; i++) {
			uint64_t pfn = pagemap_pfn(entries[i]);

			if (!pagemap_present(entries[i]) ||
			    !bsearch(&pfn, list->pfns, list->n, sizeof(pfn), compare))
				continue;
			printf("memhog MET 0x%" PRIx64 "\n", pfn);
			met++;
		}
	}
	close(fd);
	return met;
}

/* The number of listed frames that the allocator has on its free lists. */
static size_t look_free(const struct pfn_list *list)
{
	int fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	size_t met = 0;

	if (fd < 0)
		err(2, "/proc/kpageflags");
	for (size_t i = 0; i < list->n; i++) {
		uint64_t flags;
		off_t at = (off_t)(list->pfns[i] * sizeof(flags));

		if (pread(fd, &flags, sizeof(flags), at) != sizeof(flags))
			errx(2, "no such frame: 0x%" PRIx64, list->pfns[i]);
		if (!(flags & KPF_BUDDY))
			continue;
		printf("memhog FREE 0x%" PRIx64 "\n", list->pfns[i]);
		met++;
	}
	close(fd);
	return met;
}

static size_t hog(size_t pages, const struct pfn_list *list)
{
	size_t length = pages * page_size();
	char *memory = take(length);
	size_t met = look_taken(memory, pages, list) + look_free(list);

	munmap(memory, length);
	return met;
}

static _Noreturn void usage(FILE *to, int status)
{
	fputs("usage: memhog [--percent=95] [--file=PFNS] [PFN...]\n", to);
	exit(status);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "percent", required_argument, NULL, 'p' },
		{ "file", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct pfn_list list = { 0 };
	uint64_t percent = 95;
	size_t pages, met;
	long reserve;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			percent = parse_number(optarg);
			break;
		case 'f':
			add_file(&list, optarg);
			break;
		case 'h':
			usage(stdout, 0);
		default:
			usage(stderr, 2);
		}
	}
	for (; optind < argc; optind++)
		add_pfn(&list, argv[optind]);
	if (!list.n || !percent || percent > 100)
		usage(stderr, 2);
	qsort(list.pfns, list.n, sizeof(*list.pfns), compare);

	reserve = read_reserve();
	if (reserve > RESERVE_KIB)
		write_reserve(RESERVE_KIB);
	pages = available_bytes() / 100 * percent / page_size();
	met = hog(pages, &list);
	write_reserve(reserve);
	if (met)
		return 1;
	printf("memhog ok: %zu pages, none of %zu frames\n", pages, list.n);
	return 0;
}
