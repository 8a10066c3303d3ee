/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Walks to a folder one part at a time. Links are resolved here and not by the kernel,
 * which cannot follow the links of some users only. Nothing is made or changed.
 */

#include "host/textfile_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define MAX_LINKS 40

struct walk {
	struct textfile_folder at;
	unsigned int links;
	char rest[PATH_MAX]; /* what is still to go */
};

static void walk_done(struct walk *w)
{
	close_p(&w->at.fd);
}

static bool is_trusted(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

bool textfile_others_may_put(const struct textfile_folder *folder, const struct stat *st)
{
	if (!folder->ours)
		return true;
	if (!(folder->st.st_mode & (S_IWGRP | S_IWOTH)))
		return false;
	return !(st && is_trusted(st->st_uid) && (folder->st.st_mode & S_ISVTX));
}

/* Whether nobody else can have made the entry @st of the folder, or can exchange it. */
static bool walk_entry_is_ours(const struct walk *w, const struct stat *st)
{
	return is_trusted(st->st_uid) && !textfile_others_may_put(&w->at, st);
}

static void walk_enter(struct walk *w, int fd, const struct stat *st, bool ours)
{
	close_p(&w->at.fd);
	w->at = (struct textfile_folder){ .fd = fd, .st = *st, .ours = ours };
}

static int walk_enter_root(struct walk *w)
{
	_cleanup_(close_p) int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	walk_enter(w, TAKE_FD(fd), &st, is_trusted(st.st_uid));
	return 0;
}

/* Puts what the link says in front of what is still to go. */
static int walk_follow(struct walk *w, const char *name, const char **ret_why)
{
	_cleanup_(close_p) int fd = -1;
	char target[PATH_MAX], rest[PATH_MAX];
	struct stat st;
	ssize_t n;
	int len;

	fd = openat(w->at.fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISLNK(st.st_mode))
		return -ENOTDIR;
	if (!walk_entry_is_ours(w, &st)) {
		*ret_why = "a part of its path is a link that another user may have made";
		return -ELOOP;
	}
	if (++w->links > MAX_LINKS)
		return -ELOOP;
	n = readlinkat(fd, "", target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	len = snprintf(rest, sizeof(rest), "%s/%s", target, w->rest);
	if (len < 0 || (size_t)len >= sizeof(rest))
		return -ENAMETOOLONG;
	strcpy(w->rest, rest);
	return target[0] == '/' ? walk_enter_root(w) : 0;
}

static int walk_step(struct walk *w, const char *name, const char **ret_why)
{
	_cleanup_(close_p) int fd = -1;
	bool up = strcmp(name, "..") == 0;
	struct stat st;

	/* A folder that was moved leads up to where its owner moved it. */
	if (up && !w->at.ours) {
		*ret_why = "its path goes up with \"..\" from a folder that another user "
			   "may have moved";
		return -ELOOP;
	}
	fd = openat(w->at.fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return walk_follow(w, name, ret_why);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	walk_enter(w, TAKE_FD(fd), &st, up ? w->at.ours : walk_entry_is_ours(w, &st));
	return 0;
}

/* Takes the first part off what is still to go; false if there is none. */
static bool walk_next_part(struct walk *w, char *ret)
{
	const char *from = w->rest + strspn(w->rest, "/");
	size_t len = strcspn(from, "/");

	memcpy(ret, from, len);
	ret[len] = '\0';
	memmove(w->rest, from + len, strlen(from + len) + 1);
	return len > 0;
}

/* What stands before the last "/" of @path, from the root on. */
static int walk_set_rest(struct walk *w, const char *path)
{
	const char *slash = strrchr(path, '/');
	int head = slash ? (int)(slash - path) : 0, n;
	char here[PATH_MAX] = "";

	if (path[0] != '/' && !getcwd(here, sizeof(here)))
		return -errno;
	n = snprintf(w->rest, sizeof(w->rest), "%s/%.*s", here, head, path);
	return n < 0 || (size_t)n >= sizeof(w->rest) ? -ENAMETOOLONG : 0;
}

int textfile_open_folder(struct textfile_folder *ret, const char *path,
			 const char **ret_why)
{
	_cleanup_(walk_done) struct walk w = { .at.fd = -1 };
	char part[PATH_MAX];
	int r = walk_set_rest(&w, path);

	if (r == 0)
		r = walk_enter_root(&w);
	while (r == 0 && walk_next_part(&w, part))
		if (strcmp(part, ".") != 0)
			r = walk_step(&w, part, ret_why);
	*ret = w.at;
	ret->fd = r < 0 ? -1 : TAKE_FD(w.at.fd);
	return r;
}
