/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The names that are hidden. Each asks those that stand in for something whether the call
 * is theirs, and is the C library's otherwise. Which file a descriptor is of is noted
 * when it is opened, if the file is on the disk that fails.
 */

/* Else pwrite() would be pwrite64(), and both are to be hidden. */
#undef _FILE_OFFSET_BITS
/* Its own open() would be in the way. */
#undef _FORTIFY_SOURCE

#include "preload.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FDS 4096

static char *names[MAX_FDS]; /* of descriptors of the disk that fails */

void *preload_find(const char *name)
{
	void *f = dlsym(RTLD_NEXT, name);

	if (!f)
		abort();
	return f;
}

static const char *name_of(int fd)
{
	return fd >= 0 && fd < MAX_FDS ? names[fd] : NULL;
}

/* True: it is not to succeed, and errno is why. */
static bool fails(enum disk_call call)
{
	int error = preload_fail(call);

	if (error > 0)
		errno = error;
	return error > 0;
}

static int note_open(int fd, const char *path, bool is_new)
{
	char *old;

	if (fd < 0 || fd >= MAX_FDS)
		return fd;
	old = __atomic_exchange_n(&names[fd], strdup(path), __ATOMIC_ACQ_REL);
	free(old);
	if (is_new)
		preload_record(DISK_OPEN, path, NULL, 0);
	return fd;
}

/* As open(), for all of its names: @opener does it. */
static int open_on_disk(int (*opener)(const char *, int, ...), const char *path,
			int flags, mode_t mode)
{
	bool is_new;
	int fd;

	if (!preload_on_disk(path))
		return opener(path, flags, mode);
	if (fails(DISK_OPEN))
		return -1;
	preload_record_begin();
	is_new = (flags & O_CREAT) && access(path, F_OK) < 0;
	fd = note_open(opener(path, flags, mode), path, is_new);
	if (fd >= 0 && !is_new && (flags & O_TRUNC))
		preload_record(DISK_TRUNCATE, path, NULL, 0);
	preload_record_end();
	return fd;
}

static mode_t mode_of(int flags, va_list ap)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return open_on_disk(REAL(open), path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return open_on_disk(REAL(open64), path, flags, mode);
}

int close(int fd)
{
	if (name_of(fd))
		free(__atomic_exchange_n(&names[fd], NULL, __ATOMIC_ACQ_REL));
	return REAL(close)(fd);
}

ssize_t read(int fd, void *buf, size_t len)
{
	return name_of(fd) && fails(DISK_READ) ? -1 : REAL(read)(fd, buf, len);
}

ssize_t pread(int fd, void *buf, size_t len, off_t at)
{
	return name_of(fd) && fails(DISK_READ) ? -1 : REAL(pread)(fd, buf, len, at);
}

ssize_t pread64(int fd, void *buf, size_t len, off64_t at)
{
	return name_of(fd) && fails(DISK_READ) ? -1 : REAL(pread64)(fd, buf, len, at);
}

/* At @at, or where the file is if that is negative. */
/* What these are called where the compiler leaves @room to be checked when they run; clang
 * leaves constants, too. */
ssize_t preload_read_checked(int fd, void *buf, size_t len,
			     size_t room) __asm__("__read_chk");
ssize_t preload_pread_checked(int fd, void *buf, size_t len, off64_t at,
			      size_t room) __asm__("__pread64_chk");

ssize_t preload_read_checked(int fd, void *buf, size_t len, size_t room)
{
	if (len > room)
		abort();
	return read(fd, buf, len);
}

ssize_t preload_pread_checked(int fd, void *buf, size_t len, off64_t at, size_t room)
{
	if (len > room)
		abort();
	return pread64(fd, buf, len, at);
}

static ssize_t write_on_disk(int fd, const void *buf, size_t len, off64_t at)
{
	int error = preload_fail(DISK_WRITE);
	ssize_t r;

	if (error > 0) {
		errno = error;
		return -1;
	}
	if (error < 0 && len > 1)
		len /= 2;
	preload_record_begin();
	if (at < 0) {
		at = lseek64(fd, 0, SEEK_CUR);
		r = REAL(write)(fd, buf, len);
	} else {
		r = REAL(pwrite64)(fd, buf, len, at);
	}
	if (r > 0)
		preload_record_write(name_of(fd), buf, (size_t)r, (uint64_t)at);
	preload_record_end();
	return r;
}

ssize_t write(int fd, const void *buf, size_t len)
{
	ssize_t r;

	if (preload_offline(fd, buf, len, &r))
		return r;
	return name_of(fd) ? write_on_disk(fd, buf, len, -1) : REAL(write)(fd, buf, len);
}

ssize_t pwrite(int fd, const void *buf, size_t len, off_t at)
{
	ssize_t r;

	if (preload_offline(fd, buf, len, &r))
		return r;
	return name_of(fd) ? write_on_disk(fd, buf, len, at)
			   : REAL(pwrite)(fd, buf, len, at);
}

ssize_t pwrite64(int fd, const void *buf, size_t len, off64_t at)
{
	ssize_t r;

	if (preload_offline(fd, buf, len, &r))
		return r;
	return name_of(fd) ? write_on_disk(fd, buf, len, at)
			   : REAL(pwrite64)(fd, buf, len, at);
}

static int sync_on_disk(int (*real)(int), int fd)
{
	int r;

	if (!name_of(fd))
		return real(fd);
	if (fails(DISK_SYNC))
		return -1;
	preload_record_begin();
	r = real(fd);
	if (r == 0)
		preload_record(DISK_SYNC, name_of(fd), NULL, 0);
	preload_record_end();
	return r;
}

int fsync(int fd)
{
	return sync_on_disk(REAL(fsync), fd);
}

int fdatasync(int fd)
{
	return sync_on_disk(REAL(fdatasync), fd);
}

static int truncate_on_disk(int fd, off64_t size)
{
	int r;

	if (!name_of(fd))
		return REAL(ftruncate64)(fd, size);
	if (fails(DISK_TRUNCATE))
		return -1;
	preload_record_begin();
	r = REAL(ftruncate64)(fd, size);
	if (r == 0)
		preload_record(DISK_TRUNCATE, name_of(fd), NULL, (uint64_t)size);
	preload_record_end();
	return r;
}

int ftruncate(int fd, off_t size)
{
	return truncate_on_disk(fd, size);
}

int ftruncate64(int fd, off64_t size)
{
	return truncate_on_disk(fd, size);
}

int rename(const char *from, const char *to)
{
	int r;

	if (!preload_on_disk(from))
		return REAL(rename)(from, to);
	if (fails(DISK_RENAME))
		return -1;
	preload_record_begin();
	r = REAL(rename)(from, to);
	if (r == 0)
		preload_record(DISK_RENAME, from, to, 0);
	preload_record_end();
	return r;
}

int unlink(const char *path)
{
	int r;

	if (!preload_on_disk(path))
		return REAL(unlink)(path);
	if (fails(DISK_UNLINK))
		return -1;
	preload_record_begin();
	r = REAL(unlink)(path);
	if (r == 0)
		preload_record(DISK_UNLINK, path, NULL, 0);
	preload_record_end();
	return r;
}
