/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Notices when a program writes to soft_offline_page or hard_offline_page. It shows what
 * moved the poisoned-page counter: another program, or the kernel itself.
 *
 * Fact (fs/notify, fs/kernfs; tried on 6.1): inotify reports writes of programs to sysfs
 * attributes, and nothing that the kernel does by itself. A watch on the attribute needs
 * permission to read it, and its mode (0200) gives that to nobody. A watch on its folder
 * does not.
 */

#include <stdbool.h>

struct write_watch;

/** Starts watching below @root ("" in production). Returns 0 and *ret, or negative errno.
 */
int write_watch_new(struct write_watch **ret, const char *root);

/** Ends the watch; NULL is fine. Returns NULL. */
struct write_watch *write_watch_free(struct write_watch *w);

/** Readable when there was a write. */
int write_watch_fd(const struct write_watch *w);

/**
 * Takes everything that was noticed. True if any program, this program included, has
 * written to one of the two files since the last call. Call it after each write of our
 * own as well, so that this write does not count as another program's.
 */
bool write_watch_take(struct write_watch *w);
