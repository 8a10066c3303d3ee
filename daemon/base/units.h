/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Quantities that must not be mixed up: page frame numbers, physical addresses and times.
 * Each is a one-field struct, so that handing an address where a frame number is wanted
 * does not compile. The page size is a value that travels with the caller, never a macro:
 * the same code serves 4 KiB, 16 KiB and 64 KiB kernels.
 */

#include <stdbool.h>
#include <stdint.h>

/** A page frame number: physical address divided by the kernel's page size. */
typedef struct {
	uint64_t n;
} pfn_t;

/** A physical address in bytes. */
typedef struct {
	uint64_t addr;
} paddr_t;

/**
 * A point in time, or a span, in microseconds. Points are on CLOCK_BOOTTIME, which counts
 * suspend and is never stepped; a point before the present boot is negative.
 */
typedef struct {
	int64_t us;
} usec_t;

#define USEC_PER_MSEC   INT64_C(1000)
#define USEC_PER_SEC    INT64_C(1000000)
#define USEC_PER_MINUTE (INT64_C(60) * USEC_PER_SEC)
#define USEC_PER_HOUR   (INT64_C(3600) * USEC_PER_SEC)
#define USEC_PER_DAY    (INT64_C(24) * USEC_PER_HOUR)
#define USEC_NEVER      INT64_MAX

static inline pfn_t pfn(uint64_t n)
{
	return (pfn_t){ n };
}

static inline paddr_t paddr(uint64_t addr)
{
	return (paddr_t){ addr };
}

static inline usec_t usec(int64_t us)
{
	return (usec_t){ us };
}

/** The frame that holds @a; @page_shift is log2 of the kernel's page size in bytes. */
static inline pfn_t paddr_to_pfn(paddr_t a, unsigned int page_shift)
{
	return pfn(a.addr >> page_shift);
}

/**
 * The address of the first byte of frame @p; UINT64_MAX, which begins no frame, for a
 * number too large for one. Such numbers come from traces and files, and must not name
 * the frame that is left when their upper bits are lost.
 */
static inline paddr_t pfn_to_paddr(pfn_t p, unsigned int page_shift)
{
	return paddr(p.n <= UINT64_MAX >> page_shift ? p.n << page_shift : UINT64_MAX);
}

/** @a + @b, held at the ends of the range instead of wrapping. */
static inline usec_t usec_add(usec_t a, usec_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a.us, b.us, &sum))
		sum = b.us < 0 ? INT64_MIN : INT64_MAX;
	return usec(sum);
}

/** @a - @b, held at the ends of the range instead of wrapping. */
static inline usec_t usec_sub(usec_t a, usec_t b)
{
	int64_t difference;

	if (__builtin_sub_overflow(a.us, b.us, &difference))
		difference = b.us > 0 ? INT64_MIN : INT64_MAX;
	return usec(difference);
}

/** The later of @a and @b. */
static inline usec_t usec_max(usec_t a, usec_t b)
{
	return a.us > b.us ? a : b;
}

/** The earlier of @a and @b. */
static inline usec_t usec_min(usec_t a, usec_t b)
{
	return a.us < b.us ? a : b;
}
