// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rows of text that runs while its frame is taken away. Whether a page of code
 * is intact is asked twice: its bytes are compared, and it is run.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "exec.h"
#include "matrix.h"

#define FUNCTIONS (PAGE / 8)

/* Each eight bytes are a function of their own: mov $number, %eax; ret. */
static void write_functions(unsigned char *code)
{
	for (uint32_t i = 0; i < FUNCTIONS; i++) {
		uint32_t number = i * 2654435761U;

		code[i * 8] = 0xb8;
		memcpy(code + i * 8 + 1, &number, sizeof(number));
		memset(code + i * 8 + 5, 0xc3, 3);
	}
}

static bool functions_run(const unsigned char *code)
{
	for (uint32_t i = 0; i < FUNCTIONS; i++) {
		uint32_t (*function)(void);
		const unsigned char *start = code + i * 8;

		memcpy(&function, &start, sizeof(function));
		if (function() != i * 2654435761U)
			return false;
	}
	return true;
}

static void ask_code(struct result *r, const char *folder)
{
	unsigned char code[PAGE];
	unsigned char *map;
	int fd = make_file(folder, 1);

	write_functions(code);
	if (pwrite(fd, code, PAGE, 0) != PAGE || fsync(fd))
		err(2, "writing code");
	map = map_file(fd, 1, PROT_READ | PROT_EXEC);
	if (!functions_run(map))
		errx(2, "the code does not run");
	settle();
	ask_frame(r, frame_of(map));
	data_is(r, functions_run(map));
	data_is(r, !memcmp(map, code, PAGE));
	look_moved(r, map);
}

static void ext4_code(struct result *r)
{
	ask_code(r, EXT4_DIR);
}

static void tmpfs_code(struct result *r)
{
	ask_code(r, TMPFS_DIR);
}

/* A page of this program's own text, which every row runs on. */
static void own_text(struct result *r)
{
	const char *page = (const char *)((uintptr_t)&intact & ~(PAGE - 1));
	char copy[PAGE];

	memcpy(copy, page, PAGE);
	settle();
	ask_frame(r, frame_of(page));
	data_is(r, !memcmp(copy, page, PAGE));
	look_moved(r, page);
}

static uint64_t text_sum(const char *page)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < PAGE; i++)
		sum = sum * 31 + (unsigned char)page[i];
	return sum;
}

int text_victim(void)
{
	const char *page = (const char *)((uintptr_t)&text_sum & ~(PAGE - 1));
	char command;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	do {
		printf("%p %" PRIu64 "\n", (const void *)page, text_sum(page));
		fflush(stdout);
	} while (read(STDIN_FILENO, &command, 1) == 1);
	return 0;
}

static void copy_self(const char *path)
{
	int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	struct stat status;

	if (in < 0 || out < 0 || fstat(in, &status))
		err(2, "copying this program to %s", path);
	if (sendfile(out, in, NULL, (size_t)status.st_size) != status.st_size)
		err(2, "copying this program to %s", path);
	if (fsync(out))
		err(2, "%s", path);
	close(in);
	close(out);
}

struct victim {
	pid_t pid;
	int to;
	FILE *from;
	void *page;
	uint64_t sum;
};

static void hear(struct victim *victim)
{
	if (fscanf(victim->from, "%p %" SCNu64, &victim->page, &victim->sum) != 2)
		errx(2, "the running program says nothing");
}

static struct victim start_victim(const char *path)
{
	struct victim victim;
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		err(2, "pipe");
	victim.pid = fork();
	if (victim.pid < 0)
		err(2, "fork");
	if (!victim.pid) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execl(path, path, "--text-victim", (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	victim.to = in[1];
	victim.from = fdopen(out[0], "r");
	hear(&victim);
	return victim;
}

/* Another program, started from ext4, that goes on running its text. */
static void running_text(struct result *r)
{
	struct victim victim;
	uint64_t sum;

	copy_self(EXT4_DIR "/program");
	victim = start_victim(EXT4_DIR "/program");
	sum = victim.sum;
	settle();
	ask_frame(r, frame_in(victim.pid, victim.page));
	if (write(victim.to, "", 1) != 1)
		err(2, "write");
	hear(&victim);
	data_is(r, victim.sum == sum);
	strcpy(r->moved, frame_in(victim.pid, victim.page) != r->pfn ? "yes" : "no");
	close(victim.to);
	if (reap(victim.pid))
		trouble(r, "the running program ended badly");
	unlink(EXT4_DIR "/program");
}

static const struct row rows[] = {
	{ .name = "ext4-code",
	  .what = "ext4, mapped as code, run before and after",
	  .run = ext4_code,
	  .stock = { "OK", "+1", "intact", "yes",
		     "uptodate,lru,mmap -> uptodate,hwpoison" },
	  .event = "sysfs page-cache migrated" },
	{ .name = "tmpfs-code",
	  .what = "tmpfs, mapped as code, run before and after",
	  .run = tmpfs_code,
	  .stock = { "OK", "+1", "intact", "yes",
		     "uptodate,dirty,lru,mmap,swapbacked"
		     " -> uptodate,swapbacked,hwpoison" },
	  .event = "sysfs shmem migrated" },
	{ .name = "own-text",
	  .what = "text of the asking program",
	  .run = own_text,
	  .stock = { "OK", "+1", "intact", "yes",
		     "uptodate,dirty,lru,mmap,swapbacked"
		     " -> uptodate,swapbacked,hwpoison" },
	  .event = "sysfs shmem migrated" },
	{ .name = "running-text",
	  .what = "text of another running program, on ext4",
	  .run = running_text,
	  .stock = { "OK", "+1", "intact", "yes",
		     "uptodate,lru,mmap -> uptodate,hwpoison" },
	  .event = "sysfs page-cache migrated" },
};

const struct family exec_family = FAMILY(rows);
