/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What a storm cannot do: ten million pages that err once each push nothing out of the
 * table that is close to a threshold, what they do push out comes back when it errs
 * again, and the journal gets a bounded number of lines. The kernel never answers, so no
 * page is offlined.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "sim/sim.h"

/* A sanitizer makes each step ten times as long. */
#if defined(__SANITIZE_ADDRESS__)
#define SPRAYED 1000000
#else
#define SPRAYED 10000000
#endif

#define NEAR       1000
#define NEAR_FRAME 0x1000
#define SPRAY_FROM 0x1000000
#define GAP        10 /* us: 100,000 events a second */

union kept {
	struct page_rec rec;
	char room[256];
};

struct storm {
	struct sim *sim;
	uint64_t events;
	uint64_t notices;
	uint64_t probes;
	uint64_t loads;
	uint64_t watch; /* frame whose eviction is waited for */
	bool evicted;
	union kept kept; /* what was stored of it */
};

static void watch(void *userdata, const struct effect *f)
{
	struct storm *s = userdata;

	s->notices += f->kind == EFFECT_NOTICE;
	s->probes += f->kind == EFFECT_PROBE;
}

static int keep(void *userdata, const struct effect *f)
{
	struct storm *s = userdata;

	if (f->kind != EFFECT_STORE_PAGE || f->page->pfn != s->watch)
		return 0;
	memcpy(&s->kept, f->page, sizeof(*f->page) + f->page->n_stamps * sizeof(int64_t));
	s->evicted = true;
	return 0;
}

static const struct page_rec *load(void *userdata, pfn_t p, bool *ret_other_boot)
{
	struct storm *s = userdata;

	s->loads++;
	return s->evicted && p.n == s->watch ? &s->kept.rec : NULL;
}

static struct sim_answer no_answer(void *userdata, pfn_t p)
{
	return (struct sim_answer){ .silent = true };
}

static void err(struct storm *s, uint64_t frame)
{
	struct ce_event ev = { .time = usec(s->sim->now),
			       .count = 1,
			       .has_address = true,
			       .address = pfn_to_paddr(pfn(frame), 12),
			       .grain_bits = 6,
			       .label = { "DIMM_A0", 7 } };

	assert_int_equal(
		sim_step(s->sim, (struct input){ .kind = INPUT_EVENT, .event = &ev }), 0);
	s->sim->now += GAP;
	s->events++;
}

static const struct ce_tracker *start(struct storm *s, uint32_t threshold)
{
	*s = (struct storm){ .watch = UINT64_MAX };
	assert_int_equal(sim_new(&s->sim), 0);
	s->sim->now = USEC_PER_HOUR;
	s->sim->userdata = s;
	s->sim->hooks = (struct sim_hooks){
		.watch = watch, .answer = no_answer, .keep = keep, .load = load
	};
	s->sim->cfg.policy.page.count = threshold;
	s->sim->machine.ram_pages = 1 << 24;
	s->sim->machine.available_kib = 1 << 24;
	assert_int_equal(sim_start(s->sim), 0);
	return engine_tracker(s->sim->engine);
}

static void nothing_close_is_evicted(void **state)
{
	const uint32_t threshold = 10;
	const struct ce_tracker *t;
	uint64_t minutes;
	struct storm s;

	t = start(&s, threshold);
	for (unsigned int i = 0; i < NEAR * (threshold - 1); i++)
		err(&s, NEAR_FRAME + i % NEAR);
	for (unsigned int i = 0; i < SPRAYED; i++)
		err(&s, SPRAY_FROM + i);
	assert_int_equal(ce_tracker_count(t), ce_tracker_capacity(t));
	assert_true(ce_tracker_bytes(t) <=
		    (size_t)CE_TRACKER_BYTES_PER_PAGE *
			    engine_config(s.sim->engine)->tracker.max_tracked_pages);
	for (unsigned int i = 0; i < NEAR; i++) {
		const struct page_rec *rec = ce_tracker_peek(t, pfn(NEAR_FRAME + i));

		assert_non_null(rec);
		assert_int_equal(rec->corrected_errors, threshold - 1);
		assert_int_equal(rec->state, PAGE_WATCHED);
	}
	for (unsigned int i = 0; i < NEAR; i++)
		err(&s, NEAR_FRAME + i);
	for (unsigned int i = 0; i < NEAR; i++)
		assert_int_equal(ce_tracker_peek(t, pfn(NEAR_FRAME + i))->state,
				 PAGE_PENDING);
	assert_int_equal(engine_totals(s.sim->engine)->events, s.events);

	/* Twenty lines of a kind in a minute, and one that sums up the rest. */
	minutes = s.events * GAP / USEC_PER_MINUTE + 2;
	assert_true(s.notices > 0);
	assert_true(s.notices <= minutes * (20 * NOTICE_MAX_ + 1));
	s.sim = sim_free(s.sim);
}

/* With a threshold of 2 every page is close; then the database is what remembers. */
static void evicted_comes_back(void **state)
{
	const struct ce_tracker *t;
	struct storm s;

	t = start(&s, 2);
	s.watch = NEAR_FRAME;
	err(&s, NEAR_FRAME);
	for (uint64_t i = 0; i < 4 * (uint64_t)ce_tracker_capacity(t); i++)
		err(&s, SPRAY_FROM + i);
	assert_null(ce_tracker_peek(t, pfn(NEAR_FRAME)));
	assert_true(s.evicted);
	assert_int_equal(s.kept.rec.corrected_errors, 1);
	assert_int_equal(s.probes, 0);
	s.loads = 0;
	err(&s, NEAR_FRAME);
	assert_int_equal(s.loads, 1);
	assert_int_equal(s.probes, 1);
	assert_int_equal(ce_tracker_peek(t, pfn(NEAR_FRAME))->corrected_errors, 2);
	s.sim = sim_free(s.sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_close_is_evicted),
		cmocka_unit_test(evicted_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
