// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pinner - a page that cannot be moved until it is let go.
 *
 *	pinner FIFO
 *
 * Fills one page, prints "page 0 VADDR PFN" and "ready", and vmsplices it into
 * a pipe, which holds a reference that the kernel cannot migrate. Commands come
 * by the FIFO, which it makes:
 *
 *	unpin	drain the pipe: "verify ok" if what came out is what went in
 *	pfns	where the page is now, as victim prints it
 *	verify	look at the page itself: "verify ok" or "verify BAD 0 OFFSET"
 *	quit	end
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "pagemap.h"

static unsigned char *page;
static int pipe_fds[2];

static unsigned char pattern(size_t i)
{
	return (unsigned char)(i * 37 + (i >> 8) * 11 + 5);
}

static void print_page(void)
{
	int fd = pagemap_open();
	uint64_t entry;

	pagemap_read(fd, page, &entry, 1);
	close(fd);
	if (pagemap_present(entry))
		printf("page 0 %p 0x%" PRIx64 "\n", (void *)page, pagemap_pfn(entry));
	else
		printf("page 0 %p absent\n", (void *)page);
	puts("ready");
}

static void compare(const unsigned char *bytes)
{
	for (size_t i = 0; i < page_size(); i++) {
		if (bytes[i] == pattern(i))
			continue;
		printf("verify BAD 0 %zu\n", i);
		return;
	}
	puts("verify ok");
}

static void pin(void)
{
	struct iovec iov = { .iov_base = page, .iov_len = page_size() };

	if (pipe2(pipe_fds, O_CLOEXEC))
		err(2, "pipe");
	if (vmsplice(pipe_fds[1], &iov, 1, 0) != (ssize_t)page_size())
		err(2, "vmsplice");
}

static void unpin(void)
{
	unsigned char bytes[page_size()];
	size_t got = 0;

	while (got < sizeof(bytes)) {
		ssize_t n = read(pipe_fds[0], bytes + got, sizeof(bytes) - got);

		if (n <= 0)
			err(2, "reading the pipe");
		got += (size_t)n;
	}
	compare(bytes);
}

static void serve(FILE *commands)
{
	char line[64];

	while (fgets(line, sizeof(line), commands)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strcmp(line, "unpin"))
			unpin();
		else if (!strcmp(line, "pfns"))
			print_page();
		else if (!strcmp(line, "verify"))
			compare(page);
		else if (!strcmp(line, "quit"))
			return;
		else if (*line)
			printf("unknown command: %s\n", line);
	}
}

int main(int argc, char **argv)
{
	FILE *commands;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 2)
		errx(2, "usage: pinner FIFO");
	if (mkfifo(argv[1], 0600) && errno != EEXIST)
		err(2, "%s", argv[1]);
	/* Open for writing as well, or each writer that leaves means EOF. */
	commands = fopen(argv[1], "r+");
	if (!commands)
		err(2, "%s", argv[1]);

	page = mmap(NULL, page_size(), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		err(2, "mmap");
	for (size_t i = 0; i < page_size(); i++)
		page[i] = pattern(i);
	pin();
	print_page();
	serve(commands);
	return 0;
}
