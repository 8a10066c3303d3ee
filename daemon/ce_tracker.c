/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The table of pages: an array of records of one size, an index from frame number to
 * record, a first-in-first-out queue, a heap of delayed records and a list of dirty
 * slots. All of them lie in the memory taken at the start. This file refuses to know what
 * a threshold is for, and what a state means.
 */

#include "ce_tracker.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/index.h"
#include "base/mem.h"

_Static_assert(offsetof(struct page_rec, stamps) == 48, "the header promises it");
_Static_assert(PAGE_STATE_MAX_ <= 8 && REASON_MAX_ <= 16 && RESULT_MAX_ <= 64,
	       "the bit fields of struct page_rec hold every value");

#define NO_SLOT        CE_TRACKER_NO_PAGE
#define NO_PFN         UINT64_MAX
#define MIN_CAPACITY   16
#define EVICTION_LOOKS 1024
#define CACHE_LINE     64

struct ce_tracker {
	unsigned char *records;
	struct index index; /* from pfn to slot */
	uint32_t *heap;     /* delayed slots, the earliest not_before first */
	uint32_t *waiting;  /* by slot: since which second, plus 1; 0: not known */
	struct page_rec *evicted;
	size_t stride;
	uint32_t capacity;
	uint32_t max_stamps;
	uint32_t count;
	uint32_t used; /* slots below this one were used at least once */
	uint32_t free_slot;
	uint32_t hand;
	uint32_t ready_first;
	uint32_t ready_last;
	uint32_t n_ready;
	uint32_t n_heap;
	uint32_t dirty_first; /* in the order in which they were touched */
	uint32_t dirty_last;
};

/* The size of a table is chosen by the sizes of these. */
static uint32_t index_slots(uint32_t capacity)
{
	uint32_t n = 2 * MIN_CAPACITY;

	while (n < 2 * (uint64_t)capacity)
		n *= 2;
	return n;
}

static uint64_t tracker_bytes_for(uint32_t capacity, size_t stride)
{
	return capacity * (uint64_t)(stride + 2 * sizeof(uint32_t)) +
	       index_slots(capacity) * (uint64_t)sizeof(uint32_t);
}

static uint32_t choose_capacity(uint32_t max_pages, size_t stride)
{
	uint64_t budget = max_pages * (uint64_t)CE_TRACKER_BYTES_PER_PAGE;
	uint32_t capacity = max_pages;

	while (capacity > MIN_CAPACITY && tracker_bytes_for(capacity, stride) > budget)
		capacity -= capacity / 64 + 1;
	return capacity < MIN_CAPACITY ? MIN_CAPACITY : capacity;
}

static struct page_rec *tracker_rec(const struct ce_tracker *t, uint32_t slot)
{
	return (struct page_rec *)(void *)(t->records + slot * t->stride);
}

static uint32_t tracker_slot(const struct ce_tracker *t, const struct page_rec *rec)
{
	return (uint32_t)((size_t)((const unsigned char *)rec - t->records) / t->stride);
}

static int tracker_allocate(struct ce_tracker *t)
{
	uint32_t slots = index_slots(t->capacity);
	uint32_t *entries = calloc(slots, sizeof(*entries));
	size_t bytes = t->capacity * t->stride;

	/* Memory that no page has needed yet is not touched. */
	t->index = index_in(entries, (unsigned int)__builtin_ctz(slots));
	bytes = (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
	t->records = aligned_alloc(CACHE_LINE, bytes);
	t->heap = malloc(t->capacity * sizeof(*t->heap));
	t->waiting = malloc(t->capacity * sizeof(*t->waiting));
	t->evicted = malloc(t->stride);
	if (!t->records || !entries || !t->heap || !t->waiting || !t->evicted)
		return -ENOMEM;
	return 0;
}

int ce_tracker_new(struct ce_tracker **ret, uint32_t max_pages, uint32_t max_threshold)
{
	struct ce_tracker *t;

	if (max_pages == 0 || max_threshold == 0)
		return -EINVAL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->max_stamps = max_threshold > 1 ? 2 * (max_threshold - 1) : 1;
	t->stride = sizeof(struct page_rec) + t->max_stamps * sizeof(int64_t);
	t->capacity = choose_capacity(max_pages, t->stride);
	t->free_slot = NO_SLOT;
	t->ready_first = NO_SLOT;
	t->ready_last = NO_SLOT;
	t->dirty_first = NO_SLOT;
	if (tracker_allocate(t) < 0) {
		ce_tracker_free(t);
		return -ENOMEM;
	}
	*ret = t;
	return 0;
}

struct ce_tracker *ce_tracker_free(struct ce_tracker *t)
{
	if (t) {
		free(t->records);
		free(t->index.entries);
		free(t->heap);
		free(t->waiting);
		free(t->evicted);
		free(t);
	}
	return NULL;
}

uint32_t ce_tracker_count(const struct ce_tracker *t)
{
	return t->count;
}

uint32_t ce_tracker_capacity(const struct ce_tracker *t)
{
	return t->capacity;
}

uint32_t ce_tracker_slots(const struct ce_tracker *t)
{
	return t->used;
}

size_t ce_tracker_bytes(const struct ce_tracker *t)
{
	return (size_t)tracker_bytes_for(t->capacity, t->stride) + t->stride + sizeof(*t);
}

uint32_t ce_tracker_stamps(const struct ce_tracker *t)
{
	return t->max_stamps;
}

static uint64_t tracker_key(const void *owner, uint32_t slot)
{
	return tracker_rec(owner, slot)->pfn;
}

const struct page_rec *ce_tracker_peek(const struct ce_tracker *t, pfn_t p)
{
	uint32_t slot = index_find(&t->index, p.n, tracker_key, t);

	return slot == NO_SLOT ? NULL : tracker_rec(t, slot);
}

struct page_rec *ce_tracker_find(struct ce_tracker *t, pfn_t p)
{
	uint32_t slot = index_find(&t->index, p.n, tracker_key, t);

	return slot == NO_SLOT ? NULL : tracker_rec(t, slot);
}

/* The heap of delayed records; queue_link of a record is its place in the heap. */

static void heap_put(struct ce_tracker *t, uint32_t place, uint32_t slot)
{
	t->heap[place] = slot;
	tracker_rec(t, slot)->queue_link = place;
}

static bool heap_before(const struct ce_tracker *t, uint32_t a, uint32_t b)
{
	return tracker_rec(t, a)->not_before < tracker_rec(t, b)->not_before;
}

static void heap_up(struct ce_tracker *t, uint32_t place)
{
	uint32_t slot = t->heap[place];

	while (place > 0 && heap_before(t, slot, t->heap[(place - 1) / 2])) {
		heap_put(t, place, t->heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	heap_put(t, place, slot);
}

static void heap_down(struct ce_tracker *t, uint32_t place)
{
	uint32_t slot = t->heap[place];

	for (;;) {
		uint32_t child = 2 * place + 1;

		if (child + 1 < t->n_heap &&
		    heap_before(t, t->heap[child + 1], t->heap[child]))
			child++;
		if (child >= t->n_heap || !heap_before(t, t->heap[child], slot))
			break;
		heap_put(t, place, t->heap[child]);
		place = child;
	}
	heap_put(t, place, slot);
}

static void heap_remove(struct ce_tracker *t, uint32_t place)
{
	uint32_t last = t->heap[--t->n_heap];

	if (place == t->n_heap)
		return;
	heap_put(t, place, last);
	heap_up(t, place);
	heap_down(t, tracker_rec(t, last)->queue_link);
}

static void ready_remove(struct ce_tracker *t, uint32_t slot)
{
	uint32_t *link = &t->ready_first;
	uint32_t before = NO_SLOT;

	while (*link != slot) {
		before = *link;
		link = &tracker_rec(t, before)->queue_link;
	}
	*link = tracker_rec(t, slot)->queue_link;
	if (t->ready_last == slot)
		t->ready_last = before;
	t->n_ready--;
}

void ce_tracker_unqueue(struct ce_tracker *t, struct page_rec *rec)
{
	switch ((enum page_queue)rec->queue) {
	case QUEUE_NONE:
		break;
	case QUEUE_READY:
		ready_remove(t, tracker_slot(t, rec));
		break;
	case QUEUE_DELAYED:
		heap_remove(t, rec->queue_link);
		break;
	}
	rec->queue = QUEUE_NONE;
}

void ce_tracker_make_ready(struct ce_tracker *t, struct page_rec *rec)
{
	uint32_t slot = tracker_slot(t, rec);

	if (rec->queue == QUEUE_READY)
		return;
	ce_tracker_unqueue(t, rec);
	rec->queue = QUEUE_READY;
	rec->queue_link = NO_SLOT;
	if (t->ready_last == NO_SLOT)
		t->ready_first = slot;
	else
		tracker_rec(t, t->ready_last)->queue_link = slot;
	t->ready_last = slot;
	t->n_ready++;
}

void ce_tracker_make_first(struct ce_tracker *t, struct page_rec *rec)
{
	uint32_t slot = tracker_slot(t, rec);

	if (rec->queue == QUEUE_READY && t->ready_first == slot)
		return;
	ce_tracker_unqueue(t, rec);
	rec->queue = QUEUE_READY;
	rec->queue_link = t->ready_first;
	t->ready_first = slot;
	if (t->ready_last == NO_SLOT)
		t->ready_last = slot;
	t->n_ready++;
}

void ce_tracker_sort_ready(struct ce_tracker *t,
			   bool (*is_first)(const void *userdata,
					    const struct page_rec *rec),
			   const void *userdata)
{
	uint32_t first[2] = { NO_SLOT, NO_SLOT }, last[2] = { NO_SLOT, NO_SLOT };
	uint32_t next;

	for (uint32_t slot = t->ready_first; slot != NO_SLOT; slot = next) {
		struct page_rec *rec = tracker_rec(t, slot);
		unsigned int i = is_first(userdata, rec) ? 0 : 1;

		next = rec->queue_link;
		rec->queue_link = NO_SLOT;
		if (last[i] == NO_SLOT)
			first[i] = slot;
		else
			tracker_rec(t, last[i])->queue_link = slot;
		last[i] = slot;
	}
	t->ready_first = first[0] == NO_SLOT ? first[1] : first[0];
	if (first[0] != NO_SLOT)
		tracker_rec(t, last[0])->queue_link = first[1];
	t->ready_last = last[1] == NO_SLOT ? last[0] : last[1];
}

void ce_tracker_delay(struct ce_tracker *t, struct page_rec *rec, usec_t when)
{
	ce_tracker_unqueue(t, rec);
	rec->not_before = when.us;
	rec->queue = QUEUE_DELAYED;
	t->heap[t->n_heap] = tracker_slot(t, rec);
	heap_up(t, t->n_heap++);
}

struct page_rec *ce_tracker_first_ready(struct ce_tracker *t)
{
	return t->ready_first == NO_SLOT ? NULL : tracker_rec(t, t->ready_first);
}

struct page_rec *ce_tracker_next_ready(struct ce_tracker *t, const struct page_rec *rec)
{
	return rec->queue_link == NO_SLOT ? NULL : tracker_rec(t, rec->queue_link);
}

uint32_t ce_tracker_ready(const struct ce_tracker *t)
{
	return t->n_ready;
}

struct page_rec *ce_tracker_first_delayed(struct ce_tracker *t)
{
	return t->n_heap == 0 ? NULL : tracker_rec(t, t->heap[0]);
}

uint32_t ce_tracker_waiting(const struct ce_tracker *t)
{
	return t->n_ready + t->n_heap;
}

/*
 * The dirty list holds slots. A slot stays on the list when another record replaces the
 * one in it; the new record is dirty as well and is found there. First in, first out:
 * errors often come in the order of frames, and rows that are stored in the order of
 * their keys are appended.
 */

void ce_tracker_touch(struct ce_tracker *t, struct page_rec *rec)
{
	uint32_t slot;

	if (rec->dirty)
		return;
	slot = tracker_slot(t, rec);
	rec->dirty = 1;
	rec->dirty_link = NO_SLOT;
	if (t->dirty_first == NO_SLOT)
		t->dirty_first = slot;
	else
		tracker_rec(t, t->dirty_last)->dirty_link = slot;
	t->dirty_last = slot;
}

struct page_rec *ce_tracker_take_dirty(struct ce_tracker *t)
{
	while (t->dirty_first != NO_SLOT) {
		struct page_rec *rec = tracker_rec(t, t->dirty_first);

		t->dirty_first = rec->dirty_link;
		rec->dirty = 0;
		if (rec->pfn != NO_PFN)
			return rec;
	}
	return NULL;
}

bool ce_tracker_has_dirty(const struct ce_tracker *t)
{
	return t->dirty_first != NO_SLOT;
}

/* Eviction. */

static bool rec_is_cold(const struct page_rec *rec)
{
	return rec->queue == QUEUE_NONE && rec->n_stamps <= 1 && !rec->referenced &&
	       !rec->loading && !rec->in_flight;
}

static struct page_rec *tracker_choose_victim(struct ce_tracker *t)
{
	struct page_rec *best = NULL;

	for (uint32_t looks = 0; looks < t->capacity && looks < EVICTION_LOOKS; looks++) {
		struct page_rec *rec = tracker_rec(t, t->hand);

		t->hand = t->hand + 1 == t->capacity ? 0 : t->hand + 1;
		if (rec->pfn == NO_PFN)
			continue;
		if (rec_is_cold(rec))
			return rec;
		rec->referenced = 0;
		if (rec->queue == QUEUE_NONE && !rec->loading && !rec->in_flight &&
		    (!best || rec->n_stamps < best->n_stamps))
			best = rec;
	}
	if (!best)
		best = ce_tracker_first_ready(t);
	if (!best)
		best = ce_tracker_first_delayed(t);
	assert(best);
	return best;
}

static void tracker_drop(struct ce_tracker *t, struct page_rec *rec)
{
	ce_tracker_unqueue(t, rec);
	index_remove(&t->index, rec->pfn, tracker_key, t);
	rec->pfn = NO_PFN;
	t->count--;
}

static uint32_t tracker_free_slot(struct ce_tracker *t,
				  const struct page_rec **ret_evicted)
{
	struct page_rec *victim;
	uint32_t slot;

	*ret_evicted = NULL;
	if (t->free_slot != NO_SLOT) {
		slot = t->free_slot;
		t->free_slot = tracker_rec(t, slot)->queue_link;
		return slot;
	}
	if (t->used < t->capacity) {
		memset(tracker_rec(t, t->used), 0, sizeof(struct page_rec));
		return t->used++;
	}
	victim = tracker_choose_victim(t);
	memcpy(t->evicted, victim, t->stride);
	*ret_evicted = t->evicted;
	tracker_drop(t, victim);
	return tracker_slot(t, victim);
}

struct page_rec *ce_tracker_add(struct ce_tracker *t, pfn_t p,
				const struct page_rec **ret_evicted)
{
	uint32_t slot = tracker_free_slot(t, ret_evicted);
	struct page_rec *rec = tracker_rec(t, slot);
	uint32_t dirty_link = rec->dirty_link;
	bool dirty = rec->dirty;

	memset(rec, 0, sizeof(*rec));
	rec->pfn = p.n;
	rec->dirty = dirty;
	rec->dirty_link = dirty_link;
	rec->state = PAGE_WATCHED;
	index_set(&t->index, index_place(&t->index, p.n, tracker_key, t), slot);
	t->waiting[slot] = 0;
	t->count++;
	return rec;
}

void ce_tracker_set_waiting(struct ce_tracker *t, const struct page_rec *rec,
			    usec_t since)
{
	int64_t seconds = since.us / USEC_PER_SEC;

	if (seconds < 0)
		seconds = 0;
	t->waiting[tracker_slot(t, rec)] =
		seconds < UINT32_MAX ? (uint32_t)seconds + 1 : UINT32_MAX;
}

usec_t ce_tracker_waiting_since(const struct ce_tracker *t, const struct page_rec *rec)
{
	uint32_t since = t->waiting[tracker_slot(t, rec)];

	return since == 0 ? page_rec_last_seen(rec) : usec((since - 1) * USEC_PER_SEC);
}

void ce_tracker_remove(struct ce_tracker *t, struct page_rec *rec)
{
	tracker_drop(t, rec);
	rec->queue_link = t->free_slot;
	t->free_slot = tracker_slot(t, rec);
}

/* The window. */

/* Where an event at @when belongs among the stamps: after the stamps of the same time. */
static uint32_t stamp_place(const struct page_rec *rec, int64_t when)
{
	uint32_t at = rec->n_stamps;

	while (at > 0 && rec->stamps[at - 1] > when)
		at--;
	return at;
}

/* Stamp @i of the sequence with @when inserted at @at. */
static int64_t stamp_at(const struct page_rec *rec, uint32_t at, int64_t when, uint32_t i)
{
	if (i == at)
		return when;
	return rec->stamps[i < at ? i : i - 1];
}

/* @at: stamp_place() @when. */
static bool stamp_crosses(const struct page_rec *rec, uint32_t at, usec_t when,
			  uint32_t count, usec_t window)
{
	uint32_t n = rec->n_stamps + 1U;
	uint32_t first;

	if (count == 0 || n < count)
		return false;
	/* In order, as nearly all events are: only the newest stamps can lie within the
	 * window. */
	if (at == rec->n_stamps)
		return count == 1 ||
		       usec_sub(when, usec(rec->stamps[n - count])).us <= window.us;
	first = at + 1 > count ? at + 1 - count : 0;
	for (uint32_t lo = first; lo <= at && lo + count <= n; lo++) {
		int64_t from = stamp_at(rec, at, when.us, lo);
		int64_t to = stamp_at(rec, at, when.us, lo + count - 1);

		if (usec_sub(usec(to), usec(from)).us <= window.us)
			return true;
	}
	return false;
}

static void stamp_put(const struct ce_tracker *t, struct page_rec *rec, uint32_t at,
		      usec_t when)
{
	rec->referenced = rec->n_stamps > 0;
	if (rec->n_stamps == 0 || when.us < rec->first_seen)
		rec->first_seen = when.us;
	if (rec->n_stamps < t->max_stamps) {
		memmove(rec->stamps + at + 1, rec->stamps + at,
			(rec->n_stamps - at) * sizeof(*rec->stamps));
		rec->n_stamps++;
	} else {
		if (at == 0)
			return;
		at--;
		memmove(rec->stamps, rec->stamps + 1, at * sizeof(*rec->stamps));
	}
	rec->stamps[at] = when.us;
}

bool page_rec_crosses(const struct page_rec *rec, usec_t when, uint32_t count,
		      usec_t window)
{
	return stamp_crosses(rec, stamp_place(rec, when.us), when, count, window);
}

void ce_tracker_stamp(struct ce_tracker *t, struct page_rec *rec, usec_t when)
{
	stamp_put(t, rec, stamp_place(rec, when.us), when);
}

bool ce_tracker_note(struct ce_tracker *t, struct page_rec *rec, usec_t when,
		     uint32_t count, usec_t window)
{
	uint32_t at = stamp_place(rec, when.us);
	bool crossed = stamp_crosses(rec, at, when, count, window);

	stamp_put(t, rec, at, when);
	ce_tracker_touch(t, rec);
	return crossed;
}

usec_t page_rec_last_seen(const struct page_rec *rec)
{
	return usec(rec->n_stamps > 0 ? rec->stamps[rec->n_stamps - 1] : rec->first_seen);
}

uint32_t page_rec_in_window(const struct page_rec *rec, usec_t window, usec_t now)
{
	uint32_t n = 0;

	while (n < rec->n_stamps &&
	       usec_sub(now, usec(rec->stamps[rec->n_stamps - 1 - n])).us <= window.us)
		n++;
	return n;
}

void page_rec_copy_decision(struct page_rec *rec, const struct page_rec *from)
{
	rec->state = from->state;
	rec->reason = from->reason;
	rec->result = from->result;
	rec->attempts = from->attempts;
	rec->tries = from->tries;
	rec->by_us = from->by_us;
}

void ce_tracker_merge(struct ce_tracker *t, struct page_rec *rec,
		      const struct page_rec *stored)
{
	int64_t first = rec->n_stamps > 0 && rec->first_seen < stored->first_seen
				? rec->first_seen
				: stored->first_seen;

	if (__builtin_add_overflow(rec->corrected_errors, stored->corrected_errors,
				   &rec->corrected_errors))
		rec->corrected_errors = UINT64_MAX;
	page_rec_copy_decision(rec, stored);
	if (rec->queue == QUEUE_NONE)
		rec->not_before = stored->not_before;
	for (uint32_t i = 0; i < stored->n_stamps; i++)
		ce_tracker_stamp(t, rec, usec(stored->stamps[i]));
	rec->first_seen = first;
}

struct page_rec *ce_tracker_at(struct ce_tracker *t, uint32_t slot)
{
	struct page_rec *rec = slot < t->used ? tracker_rec(t, slot) : NULL;

	return rec && rec->pfn != NO_PFN ? rec : NULL;
}

const struct page_rec *ce_tracker_peek_at(const struct ce_tracker *t, uint32_t slot)
{
	const struct page_rec *rec = slot < t->used ? tracker_rec(t, slot) : NULL;

	return rec && rec->pfn != NO_PFN ? rec : NULL;
}
