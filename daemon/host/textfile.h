/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Writes a file so that a reader sees the old or the new contents and nothing between, as
 * node_exporter's textfile collector needs it; and never over somebody else's file.
 */

#include <stdbool.h>
#include <stddef.h>

/** How each metrics file of ours begins, of this version and of those before it. */
#define TEXTFILE_METRICS "# HELP softofflined_"

/** What was found at a path. */
struct textfile_finding {
	const char
		*why; /* one clause on what is there and may not be replaced, or NULL */
	bool shared;  /* another user can change what the folder holds, or which it is */
};

/**
 * Looks whether textfile_write() may replace @path: if nothing is there, or a regular
 * file that begins with @beginning (NULL: any text) or is a piece of it that a power cut
 * left. Nothing is opened that is not a regular file.
 *
 * Links that stand before the last part of @path are followed if only root, or the user
 * that runs this, can have made them; a link at its end never is. From the first folder
 * on that another user can write, neither links nor ".." are followed. The same is true
 * of the temporary file.
 *
 * Returns 0; -EEXIST (something else is there, see ret->why); -ELOOP (a link that is not
 * followed, see ret->why); another negative errno, such as -ENOENT for a folder that is
 * not there: ret->why is NULL then.
 */
int textfile_check(const char *path, const char *beginning, struct textfile_finding *ret);

/**
 * Replaces @path with @len bytes of @text, mode 0644, through a temporary file in the
 * same folder whose name does not end as @path does. The folder is never made.
 *
 * Returns 0, or what textfile_check() returns, or another negative errno; what was at
 * @path then stays. *ret_why is set as that of struct textfile_finding; @ret_why may be
 * NULL.
 */
int textfile_write(const char *path, const char *beginning, const char *text, size_t len,
		   const char **ret_why);
