/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the tests of format and decoder share: a sample event, and what must come of it.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "event/decoder.h"
#include "page_builder.h"

DEFINE_CLEANUP(struct event_format *, event_format_free)

static const struct mc_sample sample = {
	.address = 0x12345678,
	.syndrome = 0xabcd,
	.count = 7,
	.mc = 1,
	.grain_bits = 6,
	.layer = { 2, 3, -1 },
	.msg = "memory read error",
	.label = "CPU_SrcID#0_MC#0_Chan#0_DIMM#0",
	.detail = "err_code:0x0101:0x0090 OVERFLOW area:DRAM",
};

/** A format with @header and, as its only source, the mc_event that @mc describes. */
static inline int try_format(struct event_format **ret, const char *header,
			     const char *mc)
{
	_cleanup_(event_format_free_p) struct event_format *f = NULL;
	int r = event_format_new(&f, header);

	if (r >= 0)
		r = event_format_add(f, EVENT_SOURCE_MC, mc);
	if (r >= 0)
		*ret = TAKE_PTR(f);
	return r;
}

static inline struct event_format *new_format(void)
{
	struct event_format *f = NULL;

	assert_int_equal(try_format(&f, page_builder_header_page, page_builder_mc_format),
			 0);
	assert_int_equal(event_format_add(f, EVENT_SOURCE_MEMORY_FAILURE,
					  page_builder_failure_format),
			 0);
	return f;
}

/** The kind of the next event, 0 at the end, or negative errno. */
static inline int next_kind(struct event_decoder *d)
{
	int r = event_decoder_next(d);

	return r > 0 ? (int)d->event.kind : r;
}

static inline void assert_text(struct ce_text have, const char *want)
{
	assert_int_equal(have.len, strlen(want));
	assert_memory_equal(have.s, want, have.len);
}

static inline void begin(struct event_decoder *d, const struct event_format *f,
			 const struct page_builder *b)
{
	assert_int_equal(event_decoder_init(d, f, 5, b->bytes, b->size), 0);
}

static inline void assert_sample(const struct ce_event *e, int64_t us)
{
	assert_int_equal(e->time.us, us);
	assert_int_equal(e->address.addr, 0x12345678);
	assert_int_equal(e->count, 7);
	assert_int_equal(e->severity, CE_CORRECTED);
	assert_int_equal(e->cpu, 5);
	assert_int_equal(e->mc, 1);
	assert_int_equal(e->grain_bits, 6);
	assert_int_equal(e->layer[0], 2);
	assert_int_equal(e->layer[1], 3);
	assert_int_equal(e->layer[2], -1);
	assert_true(e->overflow);
	assert_true(e->has_address);
	assert_text(e->msg, sample.msg);
	assert_text(e->label, sample.label);
	assert_text(e->detail, sample.detail);
}

/** Stores the low @size bytes of @value at @event + @at, in host order. */
static inline void put(uint8_t *event, size_t at, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		event[at + size - 1 - i] = (uint8_t)(value >> 8 * i);
#else
		event[at + i] = (uint8_t)(value >> 8 * i);
#endif
	}
}
