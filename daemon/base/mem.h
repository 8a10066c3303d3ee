/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The room "base" holds types, words and small helpers for all rooms; nothing here does
 * I/O, and nothing here knows a policy. This header: ownership by attribute. Every local
 * that owns a resource is declared with _cleanup_(f) and given away only with TAKE_PTR or
 * TAKE_FD, so that each return path frees what is left. The other attributes follow.
 */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f)   __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))

/** Compiled into each caller, with the constants that the caller passes. */
#define _inlined_ inline __attribute__((always_inline))

/**
 * A function whose unsigned numbers wrap because it means them to: hashes, fingerprints,
 * random numbers, distances in a ring. -fsanitize=integer (scripts/test)
 * reports every other function whose numbers wrap.
 */
#ifdef __clang__
#define _wraps_                                                                          \
	__attribute__((no_sanitize("unsigned-integer-overflow", "unsigned-shift-base")))
#else
#define _wraps_
#endif

/** Declares f_p(), which frees what a local of pointer type @type holds. */
#define DEFINE_CLEANUP(type, f)                                                          \
	static inline void f##_p(type *p)                                                \
	{                                                                                \
		if (*p)                                                                  \
			f(*p);                                                           \
	}

/** The pointer, and NULL left behind. */
#define TAKE_PTR(ptr)                                                                    \
	({                                                                               \
		__typeof__(ptr) taken_ = (ptr);                                          \
		(ptr) = NULL;                                                            \
		taken_;                                                                  \
	})

/** The descriptor, and -1 left behind. */
#define TAKE_FD(fd)                                                                      \
	({                                                                               \
		int taken_ = (fd);                                                       \
		(fd) = -1;                                                               \
		taken_;                                                                  \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))

static inline void free_p(void *p)
{
	free(*(void **)p);
}

static inline void close_p(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

DEFINE_CLEANUP(FILE *, fclose)
DEFINE_CLEANUP(DIR *, closedir)
