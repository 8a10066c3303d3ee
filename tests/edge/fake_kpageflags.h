/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * /proc/kpageflags of a made-up root (cli/tree.h): one word of 64 bits for each frame.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "cli/tree.h"

/** Writes @n words from frame @first on; frames before them that have none get 0. */
static inline void fake_kpageflags(const char *root, uint64_t first,
				   const uint64_t *words, size_t n)
{
	_cleanup_(close_p) int fd = -1;
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/proc/kpageflags", root);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, words, n * 8, (off_t)(first * 8)), n * 8);
}
