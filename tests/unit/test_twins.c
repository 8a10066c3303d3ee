/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * One error, two tracepoints: what is counted, case by case, and then random streams against
 * an oracle that remembers everything.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "track/twins.h"

#define LINE UINT64_C(0x12345680)

struct bench {
	struct twins twins;
	unsigned int by_event, by_check;
};

static struct mce_error check_at(int64_t time, uint64_t address)
{
	return (struct mce_error){ .time = usec(time),
				   .address = paddr(address),
				   .has_address = address != 0,
				   .grain_bits = 6,
				   .status = 77,
				   .cpu = 9,
				   .traced = 1 };
}

static void take_check(struct bench *b, struct mce_error e)
{
	struct mce_error out;

	b->by_check += twins_take_check(&b->twins, &e, &out);
}

static struct ce_event event_at(int64_t time, uint64_t address)
{
	return (struct ce_event){ .time = usec(time),
				  .address = paddr(address),
				  .has_address = true,
				  .grain_bits = 6,
				  .cpu = 1 };
}

static void take_event(struct bench *b, struct ce_event ev)
{
	b->by_event += twins_take_event(&b->twins, &ev);
}

static void end(struct bench *b, int64_t upto)
{
	struct mce_error e;

	while (twins_take_due(&b->twins, usec(upto), &e))
		b->by_check++;
}

static struct bench *new_bench(void)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	return b;
}

/* @first and @second report one error or two, in either order. */
static void assert_pair(struct mce_error e, struct ce_event ev, bool one)
{
	for (int order = 0; order < 2; order++) {
		_cleanup_(free_p) struct bench *b = new_bench();

		if (order == 0)
			take_check(b, e);
		take_event(b, ev);
		if (order == 1)
			take_check(b, e);
		end(b, USEC_NEVER);
		assert_int_equal(b->by_event, 1);
		assert_int_equal(b->by_check, one ? 0 : 1);
		assert_int_equal(b->twins.held, 0);
	}
}

static void test_pairs(void **state)
{
	struct mce_error e = check_at(1000, LINE);
	struct ce_event ev = event_at(1010, LINE + 8);

	assert_pair(e, ev, true);
	ev.cpu = 5; /* firmware's report, by another CPU */
	assert_pair(e, ev, true);
	ev.time = usec(1000 - TWINS_SPAN);
	assert_pair(e, ev, true);
	ev.time = usec(1000 + TWINS_SPAN + 1);
	assert_pair(e, ev, false);
	ev = event_at(1010, LINE + 64);
	assert_pair(e, ev, false);
	e.grain_bits = 12; /* firmware knows the page only */
	assert_pair(e, ev, true);
	ev.address = paddr(LINE + 4096);
	assert_pair(e, ev, false);
	ev = event_at(1010, LINE);
	ev.severity = CE_UNCORRECTED;
	assert_pair(e, ev, false);
	e.severity = CE_DEFERRED;
	assert_pair(e, ev, true);
}

/* A UMC's record has no address of the system: the driver reports on the same CPU. */
static void test_without_address(void **state)
{
	struct mce_error e = check_at(1000, 0);
	struct ce_event ev = event_at(1500, LINE);

	assert_pair(e, ev, true);
	ev.cpu = 2;
	assert_pair(e, ev, false);
	ev.cpu = 1;
	ev.time = usec(999);
	assert_pair(e, ev, false);
	ev.time = usec(1000 + TWINS_NEAR + 1);
	assert_pair(e, ev, false);
	e = check_at(1000, LINE);
	ev = event_at(1001, 0); /* the driver could not translate it */
	assert_pair(e, ev, true);
	ev = event_at(1001, LINE + 64);
	ev.has_address = false;
	assert_pair(e, ev, true);
}

/* A driver that drops what the collector took, and reports the rest. */
static void test_drops_some(void **state)
{
	_cleanup_(free_p) struct bench *b = new_bench();

	for (int i = 0; i < 10; i++) {
		take_check(b, check_at(i * 1000, LINE));
		if (i % 3 == 0)
			take_event(b, event_at(i * 1000 + 5, LINE));
	}
	end(b, 8000 + TWINS_SPAN);
	assert_int_equal(b->by_event, 4);
	assert_int_equal(b->by_check, 5);
	assert_int_equal(twins_waiting(&b->twins, 1), 1);
	assert_int_equal(twins_waiting(&b->twins, 2), 0);
	assert_int_equal(twins_deadline(&b->twins).us, 8000 + TWINS_SPAN + 1);
	end(b, 8000 + TWINS_SPAN + 1);
	assert_int_equal(b->by_event + b->by_check, 10);
	assert_int_equal(twins_deadline(&b->twins).us, USEC_NEVER);
}

/* The record was counted because too many waited: its event is not counted again. */
static void test_no_room(void **state)
{
	_cleanup_(free_p) struct bench *b = new_bench();
	struct ce_event ev;

	for (unsigned int i = 0; i < TWINS_HELD + 7; i++)
		take_check(b, check_at(i, LINE + i * 64));
	assert_int_equal(b->by_check, 7);
	for (unsigned int i = 0; i < TWINS_HELD + 7; i++) {
		ev = event_at(2000, LINE + i * 64);
		b->by_event += twins_take_event(&b->twins, &ev);
		assert_int_equal(ev.status, 77);
		assert_int_equal(ev.cpu, 9);
	}
	end(b, USEC_NEVER);
	assert_int_equal(b->by_event, TWINS_HELD);
	assert_int_equal(b->by_check, 7);
}

/* Many more than there is room for: nothing is lost. */
static void test_flood(void **state)
{
	_cleanup_(free_p) struct bench *b = new_bench();

	for (unsigned int i = 0; i < 100000; i++)
		take_check(b, check_at(i, LINE));
	end(b, USEC_NEVER);
	assert_int_equal(b->by_check, 100000);
	assert_int_equal(b->twins.held, 0);
}

/* All reports that ever came, and the rule as twins.h states it. */
struct oracle {
	struct {
		bool is_check, open, counted;
		int64_t time;
		uint64_t address;
		uint16_t cpu;
		bool corrected;
	} v[400];
	unsigned int n;
	unsigned int counted;
};

static int64_t oracle_apart(const struct oracle *o, unsigned int a, unsigned int b)
{
	unsigned int c = o->v[a].is_check ? a : b, e = o->v[a].is_check ? b : a;
	int64_t apart = llabs(o->v[c].time - o->v[e].time);

	if (o->v[c].corrected != o->v[e].corrected)
		return -1;
	if (o->v[c].address && o->v[e].address)
		return o->v[c].address / 64 == o->v[e].address / 64 && apart <= TWINS_SPAN
			       ? apart
			       : -1;
	return o->v[c].cpu == o->v[e].cpu && o->v[c].time <= o->v[e].time &&
			       apart <= TWINS_NEAR
		       ? apart
		       : -1;
}

/* Finds the twin of the newest report among the open ones of the other kind. */
static void oracle_take(struct oracle *o)
{
	unsigned int me = o->n++;
	int64_t best = INT64_MAX;
	unsigned int twin = me;

	o->v[me].open = true;
	for (unsigned int i = 0; i < me; i++) {
		int64_t apart = o->v[i].is_check != o->v[me].is_check && o->v[i].open
					? oracle_apart(o, i, me)
					: -1;

		if (apart >= 0 &&
		    (apart < best || (apart == best && o->v[me].is_check == 0))) {
			best = apart;
			twin = i;
		}
	}
	if (twin == me) {
		o->counted++; /* once, sooner or later */
		return;
	}
	o->v[me].open = o->v[twin].open = false;
}

/* Reports of a few lines, out of order by some time, as pages of several CPUs are read. */
static void random_stream(unsigned int seed)
{
	_cleanup_(free_p) struct bench *b = new_bench();
	_cleanup_(free_p) struct oracle *o = calloc(1, sizeof(*o));
	int64_t now = 0;

	assert_non_null(o);
	srandom(seed);
	for (unsigned int i = 0; i < ARRAY_SIZE(o->v); i++) {
		int64_t time = now - random() % 20000;
		uint64_t address =
			random() % 8 ? LINE + (uint64_t)(random() % 4) * 64 : 0;
		uint16_t cpu = (uint16_t)(random() % 3);
		bool corrected = random() % 6;
		enum ce_severity severity = corrected ? CE_CORRECTED : CE_UNCORRECTED;

		now += random() % 60000;
		o->v[o->n].time = time;
		o->v[o->n].address = address;
		o->v[o->n].cpu = cpu;
		o->v[o->n].corrected = corrected;
		o->v[o->n].is_check = random() % 2;
		if (o->v[o->n].is_check) {
			struct mce_error e = check_at(time, address);

			e.traced = cpu;
			e.severity = severity;
			take_check(b, e);
		} else {
			struct ce_event ev = event_at(time, address);

			ev.cpu = cpu;
			ev.severity = severity;
			take_event(b, ev);
		}
		oracle_take(o);
		/* All that is older than this has been taken. */
		end(b, now - 100000);
	}
	end(b, USEC_NEVER);
	if (b->by_event + b->by_check != o->counted)
		fail_msg("seed %u: %u and %u, not %u", seed, b->by_event, b->by_check,
			 o->counted);
}

static void test_oracle(void **state)
{
	for (unsigned int seed = 1; seed <= 3000; seed++)
		random_stream(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),      cmocka_unit_test(test_without_address),
		cmocka_unit_test(test_drops_some), cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_flood),      cmocka_unit_test(test_oracle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
