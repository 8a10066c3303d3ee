/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A number made from a piece of the machine, so that a later boot can check whether that
 * piece is still the same: FNV-1a over its bytes (Fowler, Noll, Vo; 64 bits). It is never
 * 0, which means "not known". It guards against mistakes, not against an attacker.
 */

#include <stddef.h>

#include "base/mem.h"
#include "base/units.h"

#define FINGERPRINT_START UINT64_C(0xcbf29ce484222325)

/** @h, which began as FINGERPRINT_START, with @n bytes more. */
_wraps_ static inline uint64_t fingerprint_add(uint64_t h, const void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001b3);
	return h;
}

/** The number to keep. */
static inline int64_t fingerprint_done(uint64_t h)
{
	return h ? (int64_t)h : 1;
}
