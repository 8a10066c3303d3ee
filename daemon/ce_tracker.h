/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The room "track" counts: pages, cells of DIMMs, the history. This is its front door.
 * The room decides nothing. A change here must keep memory bounded and counts exact.
 *
 * The bounded table of pages that had an error: page frame number -> record, with an
 * exact sliding window per page. It holds state and answers "how many in the window". The
 * only part of the policy that it knows is the largest threshold that it has to answer
 * for.
 *
 * Memory is fixed when the table is made: at most 96 bytes for each of @max_pages, window
 * state, index and queues included. A record holds as many time stamps as the largest
 * threshold needs, so with a larger threshold the same memory tracks fewer pages (16 at
 * least).
 *
 * Exactness: to find N events within a window it is enough to keep the newest 2 (N - 1)
 * time stamps of a page, provided that no event comes later than one window after a newer
 * event of the same page. Events of different CPUs are out of order by far less.
 */

#include <stddef.h>

#include "base/reason.h"
#include "base/units.h"

#define CE_TRACKER_BYTES_PER_PAGE 96
#define CE_TRACKER_NO_PAGE        UINT32_MAX

/** In which of the tracker's queues a record waits. */
enum page_queue {
	QUEUE_NONE,
	QUEUE_READY,   /* first in, first out */
	QUEUE_DELAYED, /* by not_before */
};

/** Bits of the fields of struct page_rec that are no whole bytes, and their largest
 * values. */
#define PAGE_STATE_BITS     3
#define PAGE_REASON_BITS    4
#define PAGE_RESULT_BITS    6
#define PAGE_TRIES_BITS     6
#define PAGE_BITS_MAX(bits) ((1U << (bits)) - 1)

/**
 * One page: 48 bytes and the time stamps. For thresholds up to 2 it takes 64 bytes, one
 * cache line. Times are usec_t.us, on the clock of the engine.
 */
struct page_rec {
	uint64_t pfn;
	uint64_t corrected_errors; /* sum of the counts that the kernel reported */
	int64_t first_seen;
	int64_t not_before; /* no attempt earlier than this */
	uint32_t queue_link;
	uint32_t dirty_link;
	uint16_t dimm; /* index into the engine's table of DIMMs */
	uint16_t n_stamps;
	uint32_t state : PAGE_STATE_BITS;   /* enum page_state */
	uint32_t reason : PAGE_REASON_BITS; /* enum reason */
	uint32_t result : PAGE_RESULT_BITS; /* enum result */
	/* writes to soft_offline_page, saturating */
	uint32_t attempts : PAGE_TRIES_BITS;
	/* failures since the last success or new start, saturating */
	uint32_t tries : PAGE_TRIES_BITS;
	uint32_t queue : 2;      /* enum page_queue */
	uint32_t dirty : 1;      /* differs from what was stored */
	uint32_t referenced : 1; /* had an error since the eviction hand passed */
	uint32_t loading : 1;    /* stored state has been asked for */
	uint32_t by_us : 1;      /* poisoned by this daemon in the present boot */
	uint32_t in_flight : 1;  /* an attempt is under way; never evicted */
	int64_t stamps[];        /* the newest, ascending */
};

struct ce_tracker;

/**
 * Makes a table for thresholds up to @max_threshold in the memory of @max_pages pages.
 * Returns 0 and *ret, to be freed with ce_tracker_free(); -EINVAL for zero; -ENOMEM.
 */
int ce_tracker_new(struct ce_tracker **ret, uint32_t max_pages, uint32_t max_threshold);

/** Frees @t; NULL is fine. Returns NULL. */
struct ce_tracker *ce_tracker_free(struct ce_tracker *t);

/** Pages in the table; the most it can hold; bytes it occupies; stamps that a record
 * holds. */
uint32_t ce_tracker_count(const struct ce_tracker *t);
uint32_t ce_tracker_capacity(const struct ce_tracker *t);
/** Number of slots that were ever used; the slots from there up to the capacity are
 * empty. */
uint32_t ce_tracker_slots(const struct ce_tracker *t);
size_t ce_tracker_bytes(const struct ce_tracker *t);
uint32_t ce_tracker_stamps(const struct ce_tracker *t);

/** The record of @p, or NULL. Valid until the next ce_tracker_add() or _remove(). */
struct page_rec *ce_tracker_find(struct ce_tracker *t, pfn_t p);
const struct page_rec *ce_tracker_peek(const struct ce_tracker *t, pfn_t p);

/**
 * Makes a record for @p, which must not be in the table, in state "watched" without
 * stamps. If the table is full, another record is evicted and copied to *ret_evicted
 * (storage of the table, valid until the next call); else *ret_evicted is NULL. The
 * evicted record is the next in turn that has at most one stamp and had no error since
 * the eviction hand passed it. If a bounded number of records shows none, it is the one
 * of them with the fewest stamps. If all of them wait in a queue, it is the one that has
 * waited longest. A record in flight or loading is never evicted.
 *
 * Never fails: the caller has at most half of the table in flight and one record loading,
 * and a table holds at least 16.
 */
struct page_rec *ce_tracker_add(struct ce_tracker *t, pfn_t p,
				const struct page_rec **ret_evicted);

/** Notes that @rec waits to be offlined, since @since. */
void ce_tracker_set_waiting(struct ce_tracker *t, const struct page_rec *rec,
			    usec_t since);

/**
 * Since when @rec waits, to the second. Of a page that waited when it came from the
 * database this is not known: the time of its newest event stands in.
 */
usec_t ce_tracker_waiting_since(const struct ce_tracker *t, const struct page_rec *rec);

/** Removes @rec from table and queues. */
void ce_tracker_remove(struct ce_tracker *t, struct page_rec *rec);

/** Notes an event of @rec at @when. Events may come out of order. */
void ce_tracker_stamp(struct ce_tracker *t, struct page_rec *rec, usec_t when);

/** Time of the newest event of @rec; its first_seen if it has no stamp. */
usec_t page_rec_last_seen(const struct page_rec *rec);

/**
 * True if an event of @rec at @when, which is not noted yet, makes @count events within
 * @window: the last is not later than the first by more than @window. Call it before
 * ce_tracker_stamp(), because that call may drop an older stamp. @count must not be above
 * the table's @max_threshold; 0 is never true.
 */
bool page_rec_crosses(const struct page_rec *rec, usec_t when, uint32_t count,
		      usec_t window);

/**
 * page_rec_crosses(), ce_tracker_stamp() and ce_tracker_touch() in one call: notes an
 * event of @rec at @when. True if the event makes @count events within @window.
 */
bool ce_tracker_note(struct ce_tracker *t, struct page_rec *rec, usec_t when,
		     uint32_t count, usec_t window);

/** Number of events of @rec not older than @window before @now, as far as stamps are
 * kept. */
uint32_t page_rec_in_window(const struct page_rec *rec, usec_t window, usec_t now);

/**
 * Copies what was decided and done about the page, as another record of the page has it:
 * state, reason, result, attempts, tries, by_us. Counts, times and queues stay.
 */
void page_rec_copy_decision(struct page_rec *rec, const struct page_rec *from);

/**
 * Adds to @rec the @stored state of the same page: totals, stamps, state, reason, result,
 * attempts. Queues, and what concerns the table only, stay as they are.
 */
void ce_tracker_merge(struct ce_tracker *t, struct page_rec *rec,
		      const struct page_rec *stored);

/** Appends @rec to the ready queue, unless it is there, and takes it out of the delayed
 * queue. */
void ce_tracker_make_ready(struct ce_tracker *t, struct page_rec *rec);

/** The same, but @rec comes before all others of the queue. */
void ce_tracker_make_first(struct ce_tracker *t, struct page_rec *rec);

/**
 * Moves the ready records that @is_first names before all others of the queue; both groups
 * keep their order.
 */
void ce_tracker_sort_ready(struct ce_tracker *t,
			   bool (*is_first)(const void *userdata,
					    const struct page_rec *rec),
			   const void *userdata);

/** Puts @rec into the delayed queue until @when, and takes it out of the ready queue. */
void ce_tracker_delay(struct ce_tracker *t, struct page_rec *rec, usec_t when);

/** Takes @rec out of whichever queue it is in. */
void ce_tracker_unqueue(struct ce_tracker *t, struct page_rec *rec);

/** First of the ready queue, or NULL. */
struct page_rec *ce_tracker_first_ready(struct ce_tracker *t);

/** The one after @rec in the ready queue, or NULL; and how many are in it. */
struct page_rec *ce_tracker_next_ready(struct ce_tracker *t, const struct page_rec *rec);
uint32_t ce_tracker_ready(const struct ce_tracker *t);

/** The delayed record that is due first, or NULL. */
struct page_rec *ce_tracker_first_delayed(struct ce_tracker *t);

/** Records waiting in either queue. */
uint32_t ce_tracker_waiting(const struct ce_tracker *t);

/** Marks @rec as different from its stored state. */
void ce_tracker_touch(struct ce_tracker *t, struct page_rec *rec);

/** Takes one dirty record off the list and marks it clean; NULL if none is left. */
struct page_rec *ce_tracker_take_dirty(struct ce_tracker *t);

/** True if ce_tracker_take_dirty() may return a record. */
bool ce_tracker_has_dirty(const struct ce_tracker *t);

/** The record in slot @slot, 0 up to ce_tracker_slots(), or NULL if the slot is empty. */
struct page_rec *ce_tracker_at(struct ce_tracker *t, uint32_t slot);
const struct page_rec *ce_tracker_peek_at(const struct ce_tracker *t, uint32_t slot);
