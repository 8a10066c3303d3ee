/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Notices when a program writes to soft_offline_page or hard_offline_page. It shows who
 * moved the poisoned-page counter: another program, or the kernel itself.
 *
 * Fact (fs/notify, fs/kernfs; tried on 6.1): inotify reports writes of programs to sysfs
 * attributes, and nothing that the kernel does by itself. A watch on the attribute would
 * need permission to read it, which nobody has by its mode (0200); one on its folder does
 * not.
 */

#include <stdbool.h>

struct write_watch;

/** Starts watching below @root ("" in production). Returns 0 and *ret, or negative errno.
 */
int write_watch_new(struct write_watch **ret, const char *root);

/** Ends it; NULL is fine. Returns NULL. */
struct write_watch *write_watch_free(struct write_watch *w);

/** Readable when there was a write. */
int write_watch_fd(const struct write_watch *w);

/**
 * Takes all that was noticed. True if any program, this one included, has written to one
 * of the two files since the last call. Call it after each write of our own as well, so
 * that this write is not taken for another program's.
 */
bool write_watch_take(struct write_watch *w);
