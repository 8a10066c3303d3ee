/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Labels that are registered at any time, and drivers that come up in any order, against
 * a count by hardware and slot: whatever the DIMMs are called, each slot has one record
 * in the end, with exactly its errors. Beside them a controller that EDAC never knows:
 * there each registered label has one.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "engine/dimm_table.h"

#define HARDWARE 4
#define SLOTS    3
#define BOOTS    400
#define EVENTS   60
#define NO_EDAC  99 /* N of mcN, in each boot */
#define NAMES    3

static struct config cfg;
static struct dimm_table t;
static struct dimm_rec stored[MAX_DIMMS];
static uint64_t counted[HARDWARE][SLOTS];
static uint64_t by_label[SLOTS][NAMES];  /* of NO_EDAC's DIMMs */
static unsigned int number_of[HARDWARE]; /* N of mcN in this boot */

_wraps_ static unsigned int draw(uint64_t *seed, unsigned int n)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned int)(*seed >> 33) % n;
}

static void join_twins(void)
{
	for (uint16_t i = DIMM_OTHER + 1; i < t.n; i++) {
		int twin = dimm_table_twin(&t, i);

		if (twin >= 0)
			dimm_table_merge(&t, &cfg, i, (uint16_t)twin);
	}
}

static void name_controllers(void)
{
	static const char *const names[HARDWARE] = { "Socket#0 IMC#0", "Socket#0 IMC#1",
						     "Socket#1 IMC#0", "Socket#1 IMC#1" };
	struct dimm_controller v[HARDWARE];

	for (unsigned int h = 0; h < HARDWARE; h++)
		v[h] = (struct dimm_controller){ (uint8_t)number_of[h], names[h] };
	if (dimm_table_set_controllers(&t, &cfg, v, HARDWARE))
		join_twins();
}

/* The daemon starts on what it stored; the drivers have come up in another order. */
static void boot(uint64_t *seed, unsigned int n)
{
	for (unsigned int h = 0; h < HARDWARE; h++) {
		unsigned int other = draw(seed, h + 1);

		number_of[h] = number_of[other];
		number_of[other] = h;
	}
	memset(&t, 0, sizeof(t));
	dimm_table_init(&t, &cfg);
	if (draw(seed, 2))
		name_controllers();
	for (uint16_t i = DIMM_OTHER + 1; i < n; i++) {
		int twin;

		assert_int_equal(dimm_table_add(&t, &cfg, &stored[i]), i);
		twin = dimm_table_twin(&t, i);
		if (twin >= 0)
			dimm_table_merge(&t, &cfg, i, (uint16_t)twin);
	}
}

static void err_at(unsigned int mc, unsigned int slot, const char *label, int64_t when)
{
	struct ce_event ev = { .time = usec(when),
			       .mc = (uint8_t)mc,
			       .layer = { (int8_t)slot, 0, -1 },
			       .label = { label, (uint32_t)strlen(label) } };
	uint16_t index = dimm_table_intern(&t, &cfg, &ev);

	assert_int_not_equal(index, DIMM_OTHER);
	t.rec[index].corrected_errors++;
	t.rec[index].last_seen = when;
}

static void err(uint64_t *seed, int64_t when)
{
	unsigned int h = draw(seed, HARDWARE), s = draw(seed, SLOTS), how = draw(seed, 4);
	char label[DIMM_LABEL_MAX];

	if (how == 0)
		snprintf(label, sizeof(label), "mc#%ucsrow#%uchannel#0", number_of[h], s);
	else
		snprintf(label, sizeof(label), "P%u-%c%u", h, (int)('A' + how), s);
	err_at(number_of[h], s, label, when);
	counted[h][s]++;
}

static void err_without_edac(uint64_t *seed, int64_t when)
{
	unsigned int s = draw(seed, SLOTS), name = draw(seed, NAMES);
	char label[DIMM_LABEL_MAX];

	snprintf(label, sizeof(label), "X%u-%u", s, name);
	err_at(NO_EDAC, s, label, when);
	by_label[s][name]++;
}

static void compare_label(const struct dimm_rec *d)
{
	unsigned int s, name;

	assert_int_equal(sscanf(d->label, "X%u-%u", &s, &name), 2);
	assert_true(s < SLOTS && name < NAMES && d->layer[0] == (int8_t)s);
	assert_int_equal(d->corrected_errors, by_label[s][name]);
}

static void compare(void)
{
	unsigned int found = 0, seen = 0;

	for (unsigned int h = 0; h < HARDWARE; h++)
		for (unsigned int s = 0; s < SLOTS; s++)
			seen += counted[h][s] > 0;
	for (unsigned int i = 0; i < SLOTS * NAMES; i++)
		seen += by_label[i / NAMES][i % NAMES] > 0;
	for (uint16_t i = DIMM_OTHER + 1; i < t.n; i++) {
		const struct dimm_rec *d = &t.rec[i];
		unsigned int h = 0;

		if (d->same_as) {
			assert_int_equal(d->corrected_errors, 0);
			continue;
		}
		found++;
		if (d->mc == NO_EDAC) {
			compare_label(d);
			continue;
		}
		while (h < HARDWARE && number_of[h] != d->mc)
			h++;
		assert_true(h < HARDWARE && d->layer[0] < SLOTS);
		assert_int_equal(d->corrected_errors, counted[h][d->layer[0]]);
	}
	assert_int_equal(found, seen);
}

static void test_slots(void **state)
{
	for (uint64_t round = 1; round <= 20; round++) {
		uint64_t seed = round;
		int64_t when = 1;
		unsigned int n = 1;

		memset(counted, 0, sizeof(counted));
		memset(by_label, 0, sizeof(by_label));
		for (unsigned int i = 0;
		     i < BOOTS / 20 && n + 2 * HARDWARE * SLOTS < MAX_DIMMS; i++) {
			boot(&seed, n);
			for (unsigned int e = 0; e < EVENTS; e++) {
				err(&seed, when++);
				if (draw(&seed, 4) == 0)
					err_without_edac(&seed, when++);
				if (draw(&seed, EVENTS) == 0)
					name_controllers();
			}
			name_controllers();
			compare();
			n = t.n;
			memcpy(stored, t.rec, sizeof(stored));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_slots) };

	config_init(&cfg);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
