// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files with patterns, files of /sys and /proc, and processes: the other half
 * of the rows' tools. It knows nothing of frames but where a cached page is.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "matrix.h"

int make_file(const char *folder, size_t pages)
{
	char *content = small_pages(pages), path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/fileXXXXXX", folder);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		err(2, "%s", path);
	unlink(path);
	if (pwrite(fd, content, pages * PAGE, 0) != (ssize_t)(pages * PAGE) || fsync(fd))
		err(2, "writing a file in %s", folder);
	munmap(content, pages * PAGE);
	return fd;
}

bool file_intact(int fd, size_t pages)
{
	char *content = small_pages(pages);
	bool good;

	/* What the fill above has put there must not stand for the file. */
	memset(content, 0, pages * PAGE);
	if (pread(fd, content, pages * PAGE, 0) != (ssize_t)(pages * PAGE))
		err(2, "reading a file back");
	good = intact(content, pages);
	munmap(content, pages * PAGE);
	return good;
}

void *map_file(int fd, size_t pages, int protection)
{
	char *map = mmap(NULL, pages * PAGE, protection, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		err(2, "mmap of a file");
	for (size_t page = 0; page < pages; page++)
		(void)*(volatile char *)(map + page * PAGE);
	return map;
}

uint64_t cached_frame(int fd, size_t page)
{
	char *map = map_file(fd, page + 1, PROT_READ);
	uint64_t pfn = frame_of(map + page * PAGE);

	munmap(map, (page + 1) * PAGE);
	return pfn;
}

int try_put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int error = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		error = errno;
	close(fd);
	return error;
}

void put(const char *path, const char *text)
{
	int error = try_put(path, text);

	if (error)
		errx(2, "%s to %s: %s", text, path, strerror(error));
}

void put_number(const char *path, long number)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", number);
	put(path, text);
}

long get_number(const char *path)
{
	FILE *file = fopen(path, "re");
	long number;

	if (!file)
		err(2, "%s", path);
	if (fscanf(file, "%ld", &number) != 1)
		errx(2, "%s: not a number", path);
	fclose(file);
	return number;
}

pid_t spawn(int (*function)(void *argument), void *argument)
{
	pid_t pid = fork();

	if (pid < 0)
		err(2, "fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(function(argument));
	}
	return pid;
}

int reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			err(2, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
