// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * victim - a process whose memory is to be soft-offlined under its feet.
 *
 * Maps pages, fills each with a pattern that depends on its index, prints
 * where they are, and then answers commands (from stdin, or from a FIFO that
 * it makes itself):
 *
 *	pfns	print "page INDEX VADDR PFN" for every page, then "ready"
 *	verify	compare every byte: "verify ok" or "verify BAD INDEX OFFSET"
 *	soften INDEX	madvise(MADV_SOFT_OFFLINE) on that page, then as pfns
 *	quit	end
 *
 * Nothing is locked: the kernel may move every page whenever it likes.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "pagemap.h"

/* asm-generic/mman-common.h; glibc leaves it out. */
#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101
#endif

#define HUGE_SIZE_PATH "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"

enum kind { KIND_ANON, KIND_THP, KIND_HUGETLB };

static uint64_t *memory;
static size_t page_count;
static size_t words_per_page;
static size_t huge_size;
static int pagemap_fd;

/* splitmix64: neighbouring pages and words share nothing. */
static uint64_t pattern(size_t page, size_t word)
{
	uint64_t z = (page * words_per_page + word + 1) * 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* What one entry of the second level maps; goes with the size of a page. */
static size_t pmd_size(void)
{
	FILE *file = fopen(HUGE_SIZE_PATH, "re");
	size_t size = 2UL << 20;

	if (file) {
		if (fscanf(file, "%zu", &size) != 1)
			errx(2, "no number in " HUGE_SIZE_PATH);
		fclose(file);
	}
	return size;
}

static size_t round_up_pages(size_t pages)
{
	size_t per_huge = huge_size / page_size();

	return (pages + per_huge - 1) / per_huge * per_huge;
}

static void *map_memory(enum kind kind)
{
	size_t length = page_count * page_size();
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	uintptr_t start;
	void *map;

	if (kind == KIND_HUGETLB)
		flags |= MAP_HUGETLB | __builtin_ctzl(huge_size) << MAP_HUGE_SHIFT;
	else
		length += huge_size;
	map = mmap(NULL, length, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (map == MAP_FAILED)
		err(2, "mmap of %zu pages", page_count);

	start = ((uintptr_t)map + huge_size - 1) & ~(huge_size - 1);
	map = (void *)start;
	if (kind == KIND_ANON)
		madvise(map, page_count * page_size(), MADV_NOHUGEPAGE);
	else if (kind == KIND_THP &&
		 madvise(map, page_count * page_size(), MADV_HUGEPAGE))
		err(2, "MADV_HUGEPAGE");
	return map;
}

static void fill(void)
{
	for (size_t page = 0; page < page_count; page++)
		for (size_t word = 0; word < words_per_page; word++)
			memory[page * words_per_page + word] = pattern(page, word);
}

static void print_pfns(void)
{
	for (size_t page = 0; page < page_count; page++) {
		void *vaddr = memory + page * words_per_page;
		uint64_t entry;

		pagemap_read(pagemap_fd, vaddr, &entry, 1);
		printf("page %zu %p ", page, vaddr);
		if (pagemap_present(entry))
			printf("0x%" PRIx64 "\n", pagemap_pfn(entry));
		else
			printf("absent\n");
	}
	puts("ready");
}

static void verify(void)
{
	for (size_t page = 0; page < page_count; page++) {
		uint64_t want[words_per_page];
		const unsigned char *have, *wanted;
		size_t offset = 0;

		for (size_t word = 0; word < words_per_page; word++)
			want[word] = pattern(page, word);
		have = (const unsigned char *)(memory + page * words_per_page);
		wanted = (const unsigned char *)want;
		if (!memcmp(have, wanted, page_size()))
			continue;
		while (have[offset] == wanted[offset])
			offset++;
		printf("verify BAD %zu %zu\n", page, offset);
		return;
	}
	puts("verify ok");
}

static void soften(const char *index)
{
	unsigned long page = strtoul(index, NULL, 10);

	if (page >= page_count ||
	    madvise(memory + page * words_per_page, page_size(), MADV_SOFT_OFFLINE))
		printf("unknown page, or %s\n", strerror(errno));
	else
		print_pfns();
}

static void serve(FILE *commands)
{
	char line[64];

	while (fgets(line, sizeof(line), commands)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strcmp(line, "pfns"))
			print_pfns();
		else if (!strcmp(line, "verify"))
			verify();
		else if (!strncmp(line, "soften ", 7))
			soften(line + 7);
		else if (!strcmp(line, "quit"))
			return;
		else if (*line)
			printf("unknown command: %s\n", line);
	}
}

static FILE *open_fifo(const char *path)
{
	FILE *fifo;

	if (mkfifo(path, 0600) && errno != EEXIST)
		err(2, "%s", path);
	/* Open for writing as well, or each writer that leaves means EOF. */
	fifo = fopen(path, "r+");
	if (!fifo)
		err(2, "%s", path);
	return fifo;
}

static enum kind parse_kind(const char *text)
{
	if (!strcmp(text, "anon"))
		return KIND_ANON;
	if (!strcmp(text, "thp"))
		return KIND_THP;
	if (!strcmp(text, "hugetlb"))
		return KIND_HUGETLB;
	errx(2, "no such kind: %s", text);
}

static _Noreturn void usage(FILE *to, int status)
{
	fputs("usage: victim [--kind=anon|thp|hugetlb] [--huge-kib=SIZE] [--fifo=PATH] PAGES\n",
	      to);
	exit(status);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "kind", required_argument, NULL, 'k' },
		{ "huge-kib", required_argument, NULL, 's' },
		{ "fifo", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	enum kind kind = KIND_ANON;
	FILE *commands = stdin;
	int option;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'k':
			kind = parse_kind(optarg);
			break;
		case 's':
			huge_size = parse_number(optarg) * 1024;
			break;
		case 'f':
			commands = open_fifo(optarg);
			break;
		case 'h':
			usage(stdout, 0);
		default:
			usage(stderr, 2);
		}
	}
	if (argc - optind != 1)
		usage(stderr, 2);
	page_count = parse_number(argv[optind]);
	if (!page_count)
		usage(stderr, 2);
	if (!huge_size)
		huge_size = pmd_size();
	if (kind != KIND_ANON)
		page_count = round_up_pages(page_count);

	words_per_page = page_size() / sizeof(*memory);
	pagemap_fd = pagemap_open();
	memory = map_memory(kind);
	fill();
	print_pfns();
	serve(commands);
	return 0;
}
