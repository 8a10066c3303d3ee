// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * storm - corrected errors through mcgen: a burst, and meanwhile and after it the
 * errors of frames that are really failing.
 *
 *	storm FRAMES EVENTS CROSSING SPACING BURST
 *
 * FRAMES is a file with one failing frame number a line, or an empty one. BURST is the
 * line for mcgen that makes the burst, as fast as one CPU emits it. Meanwhile, on the
 * other CPU, the first half of the failing frames get EVENTS errors each, in rounds, and
 * the others all but the last ones that make CROSSING; those get their rest frame by
 * frame, SPACING microseconds apart, once the burst is over.
 *
 * Prints "burst BEGIN USEC" (CLOCK_BOOTTIME, and how long it took), and for each failing
 * frame "crossed WHEN PFN USEC", WHEN being burst or tail, and USEC CLOCK_BOOTTIME just
 * before the error was raised that is number CROSSING. It does not look at what becomes
 * of them.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "pagemap.h"

#define MAX_FRAMES 4096

static uint64_t frames[MAX_FRAMES];
static int64_t crossed[MAX_FRAMES];
static size_t n_frames;
static uint64_t n_events, crossing;
static int mcgen;

static int64_t boot_time(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		err(2, "CPU %d", cpu);
}

static void emit(const char *line)
{
	ssize_t want = (ssize_t)strlen(line);

	if (write(mcgen, line, (size_t)want) != want)
		err(2, "mcgen: %s", line);
}

static void emit_error(size_t i, uint64_t number)
{
	char line[128];

	snprintf(line, sizeof(line), "addr=0x%" PRIx64 " label=DIMM_A0",
		 frames[i] * page_size());
	if (number == crossing)
		crossed[i] = boot_time();
	emit(line);
}

static void read_frames(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[64];

	if (!file)
		err(2, "%s", path);
	while (n_frames < MAX_FRAMES && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		frames[n_frames++] = parse_number(line);
	}
	fclose(file);
}

static pid_t start_burst(const char *line)
{
	int64_t begin;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		err(2, "fork");
	if (pid)
		return pid;
	run_on(1);
	begin = boot_time();
	emit(line);
	printf("burst %" PRId64 " %" PRId64 "\n", begin, boot_time() - begin);
	fflush(stdout);
	_exit(0);
}

static void await_burst(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status)
		errx(2, "the burst failed");
}

static void wait_usec(uint64_t usec)
{
	struct timespec t = { (time_t)(usec / 1000000), (long)(usec % 1000000) * 1000 };

	nanosleep(&t, NULL);
}

int main(int argc, char **argv)
{
	uint64_t spacing;
	size_t half;
	pid_t burst;

	if (argc != 6)
		errx(2, "five arguments are wanted; see the source");
	read_frames(argv[1]);
	n_events = parse_number(argv[2]);
	crossing = parse_number(argv[3]);
	spacing = parse_number(argv[4]);
	half = n_frames / 2;
	mcgen = open("/proc/mcgen", O_WRONLY | O_CLOEXEC);
	if (mcgen < 0)
		err(2, "/proc/mcgen");

	burst = start_burst(argv[5]);
	run_on(0);
	for (uint64_t number = 1; number <= n_events; number++)
		for (size_t i = 0; i < n_frames; i++)
			if (i < half || number < crossing)
				emit_error(i, number);
	await_burst(burst);
	for (size_t i = half; i < n_frames; i++) {
		for (uint64_t number = crossing; number <= n_events; number++)
			emit_error(i, number);
		wait_usec(spacing);
	}
	for (size_t i = 0; i < n_frames; i++)
		printf("crossed %s %" PRIu64 " %" PRId64 "\n",
		       i < half ? "burst" : "tail", frames[i], crossed[i]);
	return 0;
}
