/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * From raw ring-buffer pages (what read() on per_cpu/cpuN/trace_pipe_raw returns) to
 * events. Field offsets are resolved once from the running kernel's own format text;
 * after that a page is walked with bounds checks and without allocation. It knows no file
 * descriptors and trusts nothing in a page: a page that does not add up ends the walk
 * with -EBADMSG.
 *
 * Facts: the layout of a sub-buffer (events/header_page, events/header_event and
 * include/linux/ring_buffer.h): time stamp, commit word with the flags "events were
 * missed" (bit 31) and "their number stands behind the last event" (bit 30), then events
 * with a 27-bit time delta in the trace clock's unit, nanoseconds for clock "boot".
 */

#include <stddef.h>

#include "event/ce_event.h"
#include "event/soft_event.h"

struct mc_format;

/**
 * Resolves the fields.
 *
 * @header_page: text of events/header_page
 * @mc_event: text of events/ras/mc_event/format
 * @failure_event: text of memory_failure_event's format, or NULL if the kernel has none
 *
 * Unknown fields are ignored; mc_event's error_type, error_count and address may be
 * absent (an absent count is 1, an absent type is not possible to act on and refused).
 *
 * Returns 0 and a new object to be freed with mc_format_free(); -EBADMSG if a text makes
 * no sense or a field that is needed is missing; -ENOMEM.
 */
int mc_format_new(struct mc_format **ret, const char *header_page, const char *mc_event,
		  const char *failure_event);

/**
 * Adds ras:soft_offline_event, @soft_event being the text of its format. Its fields
 * origin, kind, outcome, usecs and common_pid may be absent; words that are not known
 * here become the UNKNOWN value of their enum.
 *
 * Returns 0; -EBADMSG if the text makes no sense or lacks pfn or error; -ENOMEM. On
 * failure @f is as before, and such events are MC_OTHER.
 */
int mc_format_add_soft(struct mc_format *f, const char *soft_event);

/** Frees @f; NULL is fine. Returns NULL. */
struct mc_format *mc_format_free(struct mc_format *f);

enum mc_record {
	MC_END,     /* no more in this page */
	MC_EVENT,   /* a memory error: decoder.event */
	MC_FAILURE, /* a hard memory failure: decoder.failure */
	MC_SOFT,    /* the end of a soft-offline request: decoder.soft */
	MC_OTHER,   /* an event of another kind: somebody enabled it by hand */
};

/** A walk over one page. Public so that it lives on the caller's stack; fields are
 * private except @event, @failure, @soft and @lost. */
struct mc_decoder {
	struct ce_event event;        /* after MC_EVENT; texts point into the page */
	struct failure_event failure; /* after MC_FAILURE */
	struct soft_event soft;       /* after MC_SOFT */
	uint64_t lost;                /* events lost before this page */
	bool lost_unknown; /* events were lost, the page does not say how many */

	const struct mc_format *format;
	const uint8_t *at;
	const uint8_t *end;
	uint64_t time_ns;
	uint16_t cpu;
};

/**
 * Starts a walk over the @size bytes at @page, as read from CPU @cpu's pipe. Sets
 * d->lost and d->lost_unknown. @page must stay valid during the walk; no alignment
 * needed.
 *
 * Returns 0, or -EBADMSG if it is no ring-buffer page.
 */
int mc_decoder_init(struct mc_decoder *d, const struct mc_format *format, uint16_t cpu,
		    const void *page, size_t size);

/**
 * Steps to the next record. Strings that are not terminated end where their field ends.
 *
 * Returns an enum mc_record; -EBADMSG if the rest of the page makes no sense (the walk is
 * over; what came before is good).
 */
int mc_decoder_next(struct mc_decoder *d);
