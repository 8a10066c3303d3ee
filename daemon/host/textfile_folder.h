/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The folder of a file, reached without following what another user may have laid.
 */

#include <stdbool.h>
#include <sys/stat.h>

/** An open folder, and who may have a say in what it holds. */
struct textfile_folder {
	int fd;         /* O_PATH, for the calls whose names end in "at" */
	struct stat st; /* of the folder */
	bool ours;      /* nobody but root and the effective user can exchange a part of
			   the path to it */
};

/**
 * Opens the folder that holds @path, part by part. A link is followed only if it belongs
 * to root or to the effective user and stands where nobody else can put one; ".." is
 * followed only where nobody else can have moved the folder.
 *
 * Returns 0 and *ret, whose descriptor is the caller's; -ELOOP with *ret_why one clause
 * on a link that is not followed, or another negative errno with *ret_why untouched. Then
 * ret->fd is -1, and the rest is of the last folder that was reached.
 */
int textfile_open_folder(struct textfile_folder *ret, const char *path,
			 const char **ret_why);

/**
 * True if another user may have put the entry @st into @folder, or has chosen the folder;
 * with @st NULL, an entry of anybody.
 */
bool textfile_others_may_put(const struct textfile_folder *folder, const struct stat *st);
