/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The size of a page of the running kernel, and that of this process's own memory. */

#include <malloc.h>
#include <sys/prctl.h>
#include <unistd.h>

/** The running kernel's page size, as a power of two: 12 for 4 KiB. */
static inline unsigned int host_page_shift(void)
{
	return (unsigned int)__builtin_ctzl((unsigned long)sysconf(_SC_PAGESIZE));
}

/**
 * Keeps what is not used of this process's large tables, which are thinly filled, from
 * taking memory. Small pages only: with transparent huge pages one entry takes 2 MiB, and
 * whether it does is chance, since it depends on where mappings happen to lie. And a table
 * of 128 KiB or more is always a mapping of its own, zeroed by the kernel page by page: if
 * glibc may choose, it takes tables from its heap after the first such table was freed
 * (mallopt(3)), where calloc() writes to all of them. A refusal costs memory only.
 */
static inline void host_keep_tables_thin(void)
{
	(void)prctl(PR_SET_THP_DISABLE, 1UL, 0UL, 0UL, 0UL);
	(void)mallopt(M_MMAP_THRESHOLD, 128 * 1024);
}
