/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The tracker against an oracle that keeps every time stamp of every page for good and
 * counts by going through all of them. Streams are random: few pages, thresholds from 1
 * to 12, events out of order by up to one window, equal times, times before the boot, and
 * a table so small that pages are evicted and taken back as the engine does it.
 *
 * -s SEED, or SEED in the environment, repeats one stream.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "ce_tracker.h"
#include "random.h"

#define PAGES   40
#define EVENTS  600
#define STREAMS 400

struct oracle {
	int64_t times[EVENTS];
	unsigned int n;
};

struct stream {
	uint64_t seed;
	uint64_t state;
	struct ce_tracker *tracker;
	struct oracle oracle[PAGES];
	struct page_rec *stored[PAGES];
	uint32_t count;
	int64_t window;
	unsigned int evictions;
	unsigned int crossings;
};

static uint64_t first_seed = 1;
static unsigned int streams = STREAMS;

static uint64_t draw(struct stream *s, uint64_t below)
{
	return next_random(&s->state) % below;
}

static void oracle_add(struct oracle *o, int64_t when)
{
	unsigned int at = o->n++;

	for (; at > 0 && o->times[at - 1] > when; at--)
		o->times[at] = o->times[at - 1];
	o->times[at] = when;
}

/* Some @count of the events, the one at @when among them, within @window. */
static bool oracle_crosses(const struct oracle *o, int64_t when, uint32_t count,
			   int64_t window)
{
	for (unsigned int i = 0; i + count <= o->n; i++)
		if (o->times[i] <= when && when <= o->times[i + count - 1] &&
		    o->times[i + count - 1] - o->times[i] <= window)
			return true;
	return false;
}

static uint32_t oracle_in_window(const struct oracle *o, int64_t now, int64_t window)
{
	uint32_t n = 0;

	for (unsigned int i = 0; i < o->n; i++)
		n += now - o->times[i] <= window;
	return n;
}

static void keep(struct stream *s, const struct page_rec *evicted)
{
	size_t bytes;

	if (!evicted)
		return;
	bytes = sizeof(*evicted) + evicted->n_stamps * sizeof(*evicted->stamps);
	free(s->stored[evicted->pfn]);
	s->stored[evicted->pfn] = malloc(bytes);
	assert_non_null(s->stored[evicted->pfn]);
	memcpy(s->stored[evicted->pfn], evicted, bytes);
	s->evictions++;
}

/* As the engine charges a page; returns what the tracker says of the threshold. */
static bool charge(struct stream *s, uint64_t page, int64_t when)
{
	struct page_rec *rec = ce_tracker_find(s->tracker, pfn(page));
	const struct page_rec *evicted = NULL;
	bool created = !rec;
	bool crossed;

	if (created) {
		rec = ce_tracker_add(s->tracker, pfn(page), &evicted);
		keep(s, evicted);
	}
	crossed = page_rec_crosses(rec, usec(when), s->count, usec(s->window));
	assert_int_equal(
		ce_tracker_note(s->tracker, rec, usec(when), s->count, usec(s->window)),
		crossed);
	rec->corrected_errors++;
	if (created && s->stored[page]) {
		crossed = page_rec_crosses(s->stored[page], usec(rec->stamps[0]),
					   s->count, usec(s->window));
		ce_tracker_merge(s->tracker, rec, s->stored[page]);
	}
	return crossed;
}

static int64_t draw_time(struct stream *s, const struct oracle *o, int64_t now)
{
	int64_t newest = o->n ? o->times[o->n - 1] : now;
	int64_t when = now;

	if (draw(s, 3) == 0)
		when -= (int64_t)draw(s, (uint64_t)s->window + 1);
	if (draw(s, 8) == 0 && o->n > 0)
		when = o->times[draw(s, o->n)];
	if (draw(s, 8) == 0)
		when = newest + s->window;
	/* What the tracker asks for: not later than one window after a newer one. */
	return when < newest - s->window ? newest - s->window : when;
}

static void check_record(struct stream *s, uint64_t page)
{
	const struct page_rec *rec = ce_tracker_peek(s->tracker, pfn(page));
	const struct oracle *o = &s->oracle[page];
	int64_t newest = o->times[o->n - 1];
	uint32_t all = oracle_in_window(o, newest, s->window);
	uint32_t seen = page_rec_in_window(rec, usec(s->window), usec(newest));

	assert_int_equal(rec->corrected_errors, o->n);
	assert_int_equal(rec->first_seen, o->times[0]);
	assert_int_equal(page_rec_last_seen(rec).us, newest);
	assert_true(rec->n_stamps <= ce_tracker_stamps(s->tracker));
	for (uint32_t i = 0; i < rec->n_stamps; i++)
		assert_int_equal(rec->stamps[i], o->times[o->n - rec->n_stamps + i]);
	assert_int_equal(seen, all < rec->n_stamps ? all : rec->n_stamps);
}

static void play(struct stream *s)
{
	int64_t now = (int64_t)draw(s, 2000) - 1000;
	uint64_t pages = 1 + draw(s, PAGES);

	for (unsigned int i = 0; i < EVENTS; i++) {
		uint64_t page = draw(s, pages);
		struct oracle *o = &s->oracle[page];
		bool expected, got;
		int64_t when;

		if (draw(s, 2))
			now += (int64_t)draw(s, (uint64_t)s->window / s->count + 2);
		when = draw_time(s, o, now);
		oracle_add(o, when);
		expected = oracle_crosses(o, when, s->count, s->window);
		got = charge(s, page, when);
		if (got != expected)
			fail_msg("seed %llu, event %u: oracle %d, tracker %d",
				 (unsigned long long)s->seed, i, expected, got);
		check_record(s, page);
		s->crossings += got;
	}
}

/* Seeds that follow one another make streams that have nothing in common. */
_wraps_ static uint64_t start_of(uint64_t seed)
{
	return seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

static void one_stream(uint64_t seed, unsigned int *evictions, unsigned int *crossings)
{
	struct stream *s = calloc(1, sizeof(*s));
	uint32_t max_threshold;

	assert_non_null(s);
	s->seed = seed;
	s->state = start_of(seed);
	for (int i = 0; i < 8; i++)
		(void)draw(s, 2);
	s->count = 1 + (uint32_t)draw(s, 12);
	s->window = 1 + (int64_t)draw(s, 200);
	max_threshold = s->count + (draw(s, 4) == 0 ? (uint32_t)draw(s, 5) : 0);
	assert_int_equal(ce_tracker_new(&s->tracker, 16, max_threshold), 0);
	play(s);
	*evictions += s->evictions;
	*crossings += s->crossings;
	for (unsigned int i = 0; i < PAGES; i++)
		free(s->stored[i]);
	ce_tracker_free(s->tracker);
	free(s);
}

static void test_oracle(void **state)
{
	unsigned int evictions = 0, crossings = 0;

	for (unsigned int i = 0; i < streams; i++)
		one_stream(first_seed + i, &evictions, &crossings);
	print_message("seeds %llu to %llu: %u evictions, %u crossings\n",
		      (unsigned long long)first_seed,
		      (unsigned long long)first_seed + streams - 1, evictions, crossings);
	if (streams == STREAMS) {
		assert_true(evictions > 1000);
		assert_true(crossings > 1000);
	}
}

int main(int argc, char **argv)
{
	const char *seed =
		argc == 3 && strcmp(argv[1], "-s") == 0 ? argv[2] : getenv("SEED");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_oracle),
	};

	if (seed) {
		first_seed = strtoull(seed, NULL, 0);
		streams = 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
