/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Replaces a small text file in one step. It does not know what the text says, and makes
 * no folder: a folder that is missing means that nobody collects. Everything is done in
 * the one open folder that textfile_open_folder() found, so that the owner of a part of
 * the path cannot redirect it.
 */

#include "host/textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "host/small_file.h"
#include "host/textfile_folder.h"

static int write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Not synced to disk: after a power cut the numbers are worthless anyway, and a slow disk
 * must not hold up the caller. */
static int write_new(int folder, const char *name, const char *text, size_t len)
{
	_cleanup_(close_p) int fd = -1;
	int r;

	fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, text, len);
	if (r < 0)
		return r;
	/* the caller's umask is for its secrets, the collector is another user */
	if (fchmod(fd, 0644) < 0)
		return -errno;
	return close(TAKE_FD(fd)) < 0 ? -errno : 0;
}

/* The beginning, or as much of it as the file has; none after a power cut. */
static int check_text(int fd, const char *beginning, const char **ret_why)
{
	char text[64];
	size_t len = strlen(beginning);
	ssize_t n;

	if (len >= sizeof(text))
		return -E2BIG;
	n = small_file_read_open(fd, text, len + 1);
	if (n < 0 && n != -EFBIG)
		return (int)n;
	if (memcmp(text, beginning, n < 0 ? len : (size_t)n) == 0)
		return 0;
	*ret_why = "another file is there";
	return -EEXIST;
}

/* What is no regular file, in words. */
static const char *what_is_there(const struct stat *st)
{
	if (S_ISREG(st->st_mode))
		return NULL;
	if (S_ISLNK(st->st_mode))
		return "a link is there";
	if (S_ISDIR(st->st_mode))
		return "a folder is there";
	return "a device, a pipe or a socket is there";
}

/* 1 if @name may be replaced, 0 if it is not there, or as textfile_check(). */
static int place_check_entry(const struct textfile_folder *folder, const char *name,
			     const char *beginning, struct textfile_finding *ret)
{
	_cleanup_(close_p) int fd = -1;
	struct stat st;
	int r;

	if (fstatat(folder->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	ret->shared = textfile_others_may_put(folder, &st);
	ret->why = what_is_there(&st);
	if (ret->why)
		return S_ISLNK(st.st_mode) ? -ELOOP : -EEXIST;
	if (!beginning)
		return 1;
	/* Not waiting, and looked at once more: it may be a pipe by now. */
	fd = openat(folder->fd, name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EAGAIN;
	r = check_text(fd, beginning, &ret->why);
	return r < 0 ? r : 1;
}

/* An open folder and the two names in it. */
struct place {
	struct textfile_folder folder;
	char name[NAME_MAX + 1];
	char temporary[NAME_MAX + 1];
	bool left_over; /* a temporary file of ours is there */
};

static void place_done(struct place *p)
{
	close_p(&p->folder.fd);
}

static int place_set_names(struct place *p, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t len = strlen(name), suffix = strlen(".new");
	bool is_new = len >= suffix && strcmp(name + len - suffix, ".new") == 0;
	int n = snprintf(p->temporary, sizeof(p->temporary), "%s%s", name,
			 is_new ? ".tmp" : ".new");

	if (n < 0 || (size_t)n >= sizeof(p->temporary))
		return -ENAMETOOLONG;
	strcpy(p->name, name);
	return 0;
}

static int place_find(const char *path, const char *beginning, struct place *ret,
		      struct textfile_finding *finding)
{
	int r = place_set_names(ret, path);

	if (r < 0)
		return r;
	r = textfile_open_folder(&ret->folder, path, &finding->why);
	finding->shared = textfile_others_may_put(&ret->folder, NULL);
	if (r == 0)
		r = place_check_entry(&ret->folder, ret->name, beginning, finding);
	if (r < 0)
		return r;
	r = place_check_entry(&ret->folder, ret->temporary, beginning, finding);
	if (r < 0 && finding->why)
		finding->why =
			"what its temporary file would replace, the same path with "
			".new, is not ours";
	ret->left_over = r > 0;
	return r < 0 ? r : 0;
}

int textfile_check(const char *path, const char *beginning, struct textfile_finding *ret)
{
	_cleanup_(place_done) struct place p = { .folder.fd = -1 };

	*ret = (struct textfile_finding){ 0 };
	return place_find(path, beginning, &p, ret);
}

int textfile_write(const char *path, const char *beginning, const char *text, size_t len,
		   const char **ret_why)
{
	_cleanup_(place_done) struct place p = { .folder.fd = -1 };
	struct textfile_finding finding = { 0 };
	int r = place_find(path, beginning, &p, &finding);

	if (ret_why)
		*ret_why = finding.why;
	if (r < 0)
		return r;
	/* one fixed name: what a killed writer left is replaced, not piled up */
	if (p.left_over && unlinkat(p.folder.fd, p.temporary, 0) < 0 && errno != ENOENT)
		return -errno;
	r = write_new(p.folder.fd, p.temporary, text, len);
	if (r == -EEXIST)
		return r; /* made since it was looked for, and not by us */
	if (r == 0 && renameat(p.folder.fd, p.temporary, p.folder.fd, p.name) < 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(p.folder.fd, p.temporary, 0);
	return r;
}
