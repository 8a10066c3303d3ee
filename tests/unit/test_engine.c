/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The engine's contract with its shell: what it takes and refuses, how effects are given
 * out, bounds on reports and tables. Stories about pages are in tests/replay.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "engine.h"
#include "mem.h"

static struct effects out;

static struct engine *new_engine(uint32_t threshold)
{
	_cleanup_(free_p) struct config *cfg = malloc(sizeof(*cfg));
	struct engine *e = NULL;

	assert_non_null(cfg);
	config_init(cfg);
	cfg->policy.page.count = threshold;
	assert_int_equal(engine_new(&e, cfg, 12), 0);
	return e;
}

static int give(struct engine *e, int64_t now, struct input in)
{
	in.now = usec(now);
	return engine_step(e, &in, &out);
}

static void give_machine(struct engine *e, int64_t now)
{
	struct machine m = { .ram_pages = 1 << 22, .available_kib = 1 << 23 };

	assert_int_equal(
		give(e, now, (struct input){ .kind = INPUT_MACHINE, .machine = m }), 0);
}

static struct engine *started_engine(uint32_t threshold)
{
	struct engine *e = new_engine(threshold);

	give_machine(e, 0);
	assert_int_equal(give(e, 0, (struct input){ .kind = INPUT_RESTORE_DONE }), 0);
	return e;
}

static void give_ce(struct engine *e, int64_t now, uint64_t address, const char *label,
		    size_t len)
{
	struct ce_event ev = { .time = usec(now),
			       .address = paddr(address),
			       .has_address = true,
			       .count = 1,
			       .label = { label, (uint32_t)len } };

	assert_int_equal(
		give(e, now, (struct input){ .kind = INPUT_EVENT, .event = &ev }), 0);
}

static const struct effect *find(enum effect_kind kind)
{
	for (unsigned int i = 0; i < out.n; i++)
		if (out.v[i].kind == kind)
			return &out.v[i];
	return NULL;
}

static struct input probe_of(struct engine *e, uint64_t page)
{
	struct input in = { .kind = INPUT_PROBE };

	in.probe.pfn = pfn(page);
	in.probe.frame = (struct frame){ .readable = true, .in_ram = true };
	in.probe.machine =
		(struct machine){ .ram_pages = 1 << 22, .available_kib = 1 << 23 };
	return in;
}

static struct input answer_of(uint64_t id, int error)
{
	struct input in = { .kind = INPUT_ANSWER };

	in.answer.id = id;
	in.answer.answer.error = error;
	in.answer.answer.before.readable = true;
	in.answer.answer.after.readable = true;
	if (!error)
		in.answer.answer.after.flags = UINT64_C(1) << KPF_HWPOISON;
	return in;
}

/* Until everything was given back, events are counted and nothing is decided. */
static void test_not_restored(void **state)
{
	struct engine *e = new_engine(1);

	give_machine(e, 0);
	give_ce(e, 1000, 0x5000, "A", 1);
	assert_null(find(EFFECT_PROBE));
	assert_int_equal(engine_deadline(e).us, USEC_NEVER);
	assert_int_equal(give(e, 1000, (struct input){ .kind = INPUT_RESTORE_DONE }), 0);
	assert_non_null(find(EFFECT_PROBE));
	/* At start is over. */
	assert_int_equal(give(e, 1000, (struct input){ .kind = INPUT_RESTORE_DONE }),
			 -EINVAL);
	assert_int_equal(out.n, 0);
	engine_free(e);
}

/* Answers that answer nothing change nothing. */
static void test_unasked(void **state)
{
	struct engine *e = started_engine(1);
	uint64_t id;

	assert_int_equal(give(e, 1, probe_of(e, 5)), -EINVAL);
	assert_int_equal(give(e, 1, answer_of(0, 0)), -EINVAL);
	give_ce(e, 1000, 0x5000, "A", 1);
	assert_int_equal(find(EFFECT_PROBE)->pfn.n, 5);
	assert_int_equal(give(e, 1001, probe_of(e, 6)), -EINVAL);
	assert_int_equal(give(e, 1001, answer_of(1, 0)), -EINVAL);
	assert_int_equal(give(e, 1001, probe_of(e, 5)), 0);
	id = find(EFFECT_OFFLINE)->attempt.id;
	/* The intent is stored, with what must survive a crash, before the attempt. */
	assert_int_equal(out.v[0].kind, EFFECT_STORE_ACTION);
	assert_int_equal(out.v[0].action.result, RESULT_NONE);
	assert_int_equal(out.v[out.n - 1].kind, EFFECT_OFFLINE);
	assert_non_null(find(EFFECT_STORE_TOTALS));
	assert_int_equal(give(e, 1002, probe_of(e, 5)), -EINVAL);
	assert_int_equal(give(e, 1002, answer_of(id + 1, 0)), -EINVAL);
	assert_int_equal(engine_deadline(e).us, USEC_NEVER);
	assert_int_equal(give(e, 1003, answer_of(id, 0)), 0);
	assert_int_equal(find(EFFECT_STORE_ACTION)->action.result, RESULT_OFFLINED);
	assert_non_null(find(EFFECT_STORE_DIMM));
	assert_int_equal(give(e, 1003, answer_of(id, 0)), -EINVAL);
	engine_free(e);
}

/* Labels end up in JSON, metrics and the journal. */
static void test_labels(void **state)
{
	struct engine *e = started_engine(2);
	char longest[400];

	memset(longest, 'x', sizeof(longest));
	give_ce(e, 1, 0x1000, "a\x01\xff\0b", 5);
	assert_string_equal(engine_dimm(e, 1)->label, "a???b");
	give_ce(e, 1, 0x2000, longest, sizeof(longest));
	assert_int_equal(strlen(engine_dimm(e, 2)->label), DIMM_LABEL_MAX - 1);
	give_ce(e, 1, 0x3000, "", 0);
	assert_string_equal(engine_dimm(e, 3)->label, "unknown memory");
	assert_int_equal(engine_dimms(e), 4);
	assert_string_equal(engine_dimm(e, 99)->label, "other memory");
	engine_free(e);
}

/* The table of DIMMs is bounded; what is over is counted in common. */
static void test_many_dimms(void **state)
{
	struct engine *e = started_engine(2);
	char label[16];

	for (unsigned int i = 0; i < MAX_DIMMS + 10; i++) {
		int n = snprintf(label, sizeof(label), "D%u", i);

		give_ce(e, i, (uint64_t)(i + 1) << 12, label, (size_t)n);
		if (find(EFFECT_STORE_DIMM))
			assert_int_equal(find(EFFECT_STORE_DIMM)->dimm.index,
					 engine_dimms(e) - 1);
	}
	assert_int_equal(engine_dimms(e), MAX_DIMMS);
	assert_int_equal(engine_dimm(e, DIMM_OTHER)->corrected_errors, 11);
	assert_int_equal(engine_totals(e)->corrected_errors, MAX_DIMMS + 10);
	engine_free(e);
}

/* A flush gives out everything once, in portions, and then nothing is left. */
static void test_flush(void **state)
{
	struct engine *e = started_engine(2);
	unsigned int pages = 0, ces = 0, turns = 0;

	for (uint64_t i = 1; i <= 200; i++)
		give_ce(e, (int64_t)i, i << 12, "A", 1);
	assert_true(engine_is_dirty(e));
	do {
		assert_int_equal(give(e, 300, (struct input){ .kind = INPUT_FLUSH }), 0);
		for (unsigned int i = 0; i < out.n; i++) {
			pages += out.v[i].kind == EFFECT_STORE_PAGE;
			ces += out.v[i].kind == EFFECT_STORE_CE;
		}
		assert_true(++turns < 100);
	} while (out.more);
	assert_int_equal(pages, 200);
	assert_int_equal(ces, 200);
	assert_false(engine_is_dirty(e));
	assert_int_equal(give(e, 300, (struct input){ .kind = INPUT_FLUSH }), 0);
	assert_int_equal(out.n, 0);
	engine_free(e);
}

/* Twenty lines a minute of a kind, the rest in one. */
static void test_reports(void **state)
{
	struct engine *e = started_engine(2);
	unsigned int reports = 0;

	for (uint64_t i = 1; i <= 100; i++) {
		give_ce(e, 1000, i << 12, "A", 1);
		reports += find(EFFECT_REPORT) != NULL;
	}
	assert_int_equal(reports, 20);
	assert_int_equal(engine_deadline(e).us, USEC_PER_MINUTE);
	assert_int_equal(give(e, USEC_PER_MINUTE, (struct input){ .kind = INPUT_TICK }),
			 0);
	assert_int_equal(find(EFFECT_REPORT)->report.kind, REPORT_SUMMARY);
	assert_int_equal(find(EFFECT_REPORT)->report.count, 80);
	assert_int_equal(engine_deadline(e).us, USEC_NEVER);
	engine_free(e);
}

/* Time never runs backwards inside. */
static void test_time(void **state)
{
	struct engine *e = started_engine(1);

	give_ce(e, 5 * USEC_PER_HOUR, 0x5000, "A", 1);
	assert_int_equal(give(e, 1000, probe_of(e, 5)), 0);
	assert_int_equal(find(EFFECT_STORE_ACTION)->action.time, 5 * USEC_PER_HOUR);
	assert_int_equal(give(e, 0, answer_of(find(EFFECT_OFFLINE)->attempt.id, EBUSY)),
			 0);
	assert_int_equal(engine_deadline(e).us, 5 * USEC_PER_HOUR + USEC_PER_SEC);
	engine_free(e);
}

/* An operator's page that the tracker does not hold: not its first CE, for it has none.
 */
static void test_operator_load(void **state)
{
	struct engine *e = new_engine(2);
	struct input in = { .kind = INPUT_RESTORE_DONE };

	give_machine(e, 0);
	in.restored.more_stored = true;
	assert_int_equal(give(e, 0, in), 0);
	in = (struct input){ .kind = INPUT_REQUEST_OFFLINE };
	in.request.pfn = pfn(7);
	assert_int_equal(give(e, 1, in), 0);
	assert_int_equal(out.n, 1);
	assert_int_equal(out.v[0].kind, EFFECT_LOAD);
	in = (struct input){ .kind = INPUT_LOADED };
	in.page.pfn = pfn(7);
	assert_int_equal(give(e, 1, in), 0);
	assert_null(find(EFFECT_REPORT));
	assert_non_null(find(EFFECT_PROBE));
	assert_int_equal(engine_dimm(e, DIMM_OTHER)->pages, 0);
	engine_free(e);
}

/* Indices that do not follow each other, or come twice, are not taken. */
static void test_restore_dimms(void **state)
{
	struct engine *e = new_engine(2);
	struct dimm_rec rec = { .label = "A", .corrected_errors = 5 };
	struct input in = { .kind = INPUT_RESTORE_DIMM };

	in.dimm.rec = &rec;
	for (unsigned int i = 0; i < 3000; i++) {
		in.dimm.index = (uint16_t)(i % 3 == 0 ? 0 : i % 3 == 1 ? 1 : 600);
		snprintf(rec.label, sizeof(rec.label), "L%u", i);
		assert_int_equal(give(e, 0, in), 0);
	}
	assert_int_equal(engine_dimms(e), 2);
	assert_string_equal(engine_dimm(e, 0)->label, "other memory");
	assert_string_equal(engine_dimm(e, 1)->label, "L1");
	give_ce(e, 1, 0x1000, "L1", 2);
	assert_int_equal(engine_dimm(e, 1)->corrected_errors, 6);
	engine_free(e);
}

static void test_in_ram(void **state)
{
	struct engine *e = new_engine(2);
	struct ram_map map = { .n = 2, .known = true };

	assert_true(engine_in_ram(e, paddr(0x999)));
	map.ranges[0] = (struct ram_range){ paddr(0x1000), paddr(0x1fff) };
	map.ranges[1] = (struct ram_range){ paddr(0x3000), paddr(UINT64_MAX) };
	assert_int_equal(give(e, 0, (struct input){ .kind = INPUT_RAM, .ram = &map }), 0);
	assert_false(engine_in_ram(e, paddr(0xfff)));
	assert_true(engine_in_ram(e, paddr(0x1000)));
	assert_true(engine_in_ram(e, paddr(0x1fff)));
	assert_false(engine_in_ram(e, paddr(0x2000)));
	assert_true(engine_in_ram(e, paddr(0x3000)));
	assert_true(engine_in_ram(e, paddr(UINT64_MAX)));
	map.n = 0;
	assert_int_equal(give(e, 0, (struct input){ .kind = INPUT_RAM, .ram = &map }), 0);
	assert_false(engine_in_ram(e, paddr(0x1000)));
	engine_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_not_restored),
		cmocka_unit_test(test_unasked),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_many_dimms),
		cmocka_unit_test(test_flush),
		cmocka_unit_test(test_reports),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_operator_load),
		cmocka_unit_test(test_restore_dimms),
		cmocka_unit_test(test_in_ram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
