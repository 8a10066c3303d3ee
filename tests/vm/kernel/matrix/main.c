// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * matrix - what the kernel answers to a soft offline, situation by situation.
 *
 *	matrix [--patched] [--giant] [--only ROW]
 *	matrix --cache FRAMES	fill the page cache and the pool of huge pages, and
 *				look for the frames that the file names
 *
 * Runs every row, prints "ok" or "not ok" with what differs from its
 * expectation, and a line for the TSV; then compares the kernel's count of
 * poisoned frames with the frames themselves, which go to /tmp/retired. How a
 * situation is made is not known here. Exit status 1 if anything is not ok.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "exec.h"
#include "hog.h"
#include "matrix.h"

#define ROW_SECONDS 300
#define RETIRED     "/tmp/retired"

static const struct family *const families[] = {
	&cache_family,  &exec_family,    &anon_family,   &thp_family,
	&huge_family,   &pinned_family,  &kernel_family, &free_family,
	&access_family, &control_family, &block_family,
};

static struct {
	bool patched;
	enum boot boot;
	const char *only;
} options;

static unsigned int failures;
static long lost;

/*
 * Pools and switches are everybody's: what a row has set does not stay. Giant
 * pages can be had at boot only; they do stay.
 */
static void clean_up(void)
{
	try_put("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "0");
	try_put("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_overcommit_hugepages", "0");
	try_put("/proc/sys/vm/hugetlb_optimize_vmemmap", "0");
	try_put("/sys/kernel/mm/transparent_hugepage/shmem_enabled", "never");
	try_put("/sys/kernel/mm/ksm/run", "0");
	try_put("/sys/kernel/debug/hwpoison/corrupt-filter-enable", "0");
	try_put("/proc/sys/vm/enable_soft_offline", "1");
}

static void differ(struct result *r, const char *what, const char *want, const char *have)
{
	if (!want)
		want = "-";
	if (strcmp(want, have) != 0)
		trouble(r, "%s: want '%s', have '%s'", what, want, have);
}

static void compare(const struct row *row, struct result *r)
{
	bool other = options.patched && row->patched.answer;
	const struct expect *want = other ? &row->patched : &row->stock;
	const char *event = strchr(r->event, ' ');

	differ(r, "answer", want->answer, r->answer);
	differ(r, "counted", want->counted, r->counted);
	differ(r, "data", want->data, r->data);
	differ(r, "moved", want->moved, r->moved);
	differ(r, "flags", want->flags, r->flags);
	differ(r, "pool", want->pool, r->pool);
	if (options.patched)
		differ(r, "event", row->event, event ? r->event : "-");
}

static void blank(struct result *r)
{
	memset(r, 0, sizeof(*r));
	strcpy(r->answer, "-");
	strcpy(r->counted, "-");
	strcpy(r->data, "-");
	strcpy(r->moved, "-");
	strcpy(r->flags, "-");
	strcpy(r->pool, "-");
	strcpy(r->event, "-");
	strcpy(r->counter, "-");
}

static void report(const struct row *row, const struct result *r)
{
	printf("%s %s%s%s\n", *r->trouble ? "not ok" : "ok", row->name,
	       *r->trouble ? ": " : "", r->trouble);
	printf("TSV\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", row->name, row->what,
	       r->answer, r->counted, r->data, r->moved, r->flags, r->pool, r->event,
	       r->counter);
	fflush(stdout);
	failures += *r->trouble != '\0';
}

static void run_row(const struct row *row, struct result *r)
{
	char line[160];
	int status;
	pid_t pid;

	blank(r);
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		err(2, "fork");
	if (!pid) {
		alarm(ROW_SECONDS);
		row->run(r);
		_exit(0);
	}
	status = reap(pid);
	if (status)
		trouble(r, "ended with status %d", status);
	if (kmsg_splat(line, sizeof(line)))
		trouble(r, "the kernel said: %s", line);
	clean_up();
	compare(row, r);
	report(row, r);
	if (!options.patched)
		lost += row->lost_on_stock;
}

static bool wanted(const struct row *row)
{
	if (options.only)
		return !strcmp(options.only, row->name);
	return row->boot == options.boot && (options.patched || !row->patched_only);
}

static void run_rows(struct result *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		for (size_t j = 0; j < families[i]->n; j++)
			if (wanted(&families[i]->rows[j]))
				run_row(&families[i]->rows[j], r);
}

static void check(bool good, const char *what, long want, long have)
{
	printf("%s %s", good ? "ok" : "not ok", what);
	if (!good)
		printf(": %ld and %ld", want, have);
	putchar('\n');
	failures += !good;
}

/* The kernel's count against the frames; the frames go to a file. */
static void check_frames(void)
{
	struct frame_map map = all_frames();
	FILE *file = fopen(RETIRED, "we");
	long flagged = 0;

	if (!file)
		err(2, RETIRED);
	for (uint64_t pfn = 0; pfn < map.n; pfn++) {
		if (!(map.flags[pfn] & KPF_HWPOISON))
			continue;
		fprintf(file, "0x%" PRIx64 "\n", pfn);
		flagged++;
	}
	fclose(file);
	free(map.flags);
	printf("%ld frames are poisoned\n", flagged);
	check(flagged + lost == poisoned_pages(), "count-equals-flags", flagged + lost,
	      poisoned_pages());
}

static void parse_options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "patched", no_argument, NULL, 'p' },
		{ "giant", no_argument, NULL, 'g' },
		{ "only", required_argument, NULL, 'o' },
		{ "cache", required_argument, NULL, 'c' },
		{ "text-victim", no_argument, NULL, 't' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 'p':
			options.patched = true;
			break;
		case 'g':
			options.boot = BOOT_GIANT;
			break;
		case 'o':
			options.only = optarg;
			break;
		case 'c':
			frames_open();
			measure_open();
			exit(hog_caches(optarg));
		case 't':
			exit(text_victim());
		default:
			fputs("usage: matrix [--patched] [--giant] [--only ROW]\n",
			      stderr);
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	struct result *r;
	char line[160];
	bool splat, have_event;

	parse_options(argc, argv);
	/* Rows are processes; this is where they write what they saw. */
	r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		 0);
	if (r == MAP_FAILED)
		err(2, "mmap");
	frames_open();
	measure_open();
	kmsg_open();
	splat = kmsg_splat(line, sizeof(line));
	if (splat)
		printf("the kernel said: %s\n", line);
	check(!splat, "no-splat-at-boot", 0, 1);
	have_event = trace_open();
	check(have_event == options.patched, "event-only-if-patched", options.patched,
	      have_event);
	check(poisoned_pages() == 0, "nothing-poisoned-yet", 0, poisoned_pages());
	run_rows(r);
	check_frames();
	return failures > 0;
}
