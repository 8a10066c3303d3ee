/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The size of a page of the running kernel. */

#include <unistd.h>

/** The running kernel's page size, as a power of two: 12 for 4 KiB. */
static inline unsigned int host_page_shift(void)
{
	return (unsigned int)__builtin_ctzl((unsigned long)sysconf(_SC_PAGESIZE));
}
