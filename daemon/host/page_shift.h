/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The size of a page of the running kernel, and that of this process's own memory. */

#include <sys/prctl.h>
#include <unistd.h>

/** The running kernel's page size, as a power of two: 12 for 4 KiB. */
static inline unsigned int host_page_shift(void)
{
	return (unsigned int)__builtin_ctzl((unsigned long)sysconf(_SC_PAGESIZE));
}

/**
 * Asks the kernel to give this process small pages only. Its tables are large and thinly
 * filled: with transparent huge pages one entry takes 2 MiB, and whether it does is
 * chance, since it depends on where mappings happen to lie. A refusal costs memory only.
 */
static inline void host_refuse_huge_pages(void)
{
	(void)prctl(PR_SET_THP_DISABLE, 1UL, 0UL, 0UL, 0UL);
}
