/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What main.c must know of hog.c. */
#pragma once

/*
 * Looks for the frames that the file names, one number a line, in a page cache
 * and then a pool of huge pages that take most of the memory. Returns 0, or 1 if
 * one of them was used or free again.
 */
int hog_caches(const char *path);
