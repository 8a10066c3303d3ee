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

#include "base/mem.h"
#include "engine/effect.h"
#include "engine/engine.h"
#include "engine/input.h"

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
			       .layer = { -1, -1, -1 },
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

/* If nothing is known of the past, every poisoned page counts as spent, and this is
 * reported. */
static void test_unknown_past_spends(void **state)
{
	struct engine *e = new_engine(1);
	struct input done = { .kind = INPUT_RESTORE_DONE };

	give_machine(e, 0);
	give(e, 0, (struct input){ .kind = INPUT_POISON, .poisoned_kib = 4 << 20 });
	done.restored.nothing_stored = true;
	assert_int_equal(give(e, 0, done), 0);
	give_ce(e, 2 * USEC_PER_DAY, 0x5000, "A", 1);
	for (unsigned int i = 0; i < out.n; i++)
		if (out.v[i].kind == EFFECT_NOTICE &&
		    out.v[i].notice.kind == NOTICE_BUDGET) {
			assert_int_equal(out.v[i].notice.result, RESULT_BUDGET_TOTAL);
			assert_int_equal(out.v[i].notice.count, 1 << 20);
			engine_free(e);
			return;
		}
	fail_msg("the budget was not told of");
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
	assert_non_null(find(EFFECT_STORE_SPENT));
	assert_int_equal(give(e, 1002, probe_of(e, 5)), -EINVAL);
	assert_int_equal(give(e, 1002, answer_of(id + 1, 0)), -EINVAL);
	assert_int_equal(engine_deadline(e).us, USEC_NEVER);
	assert_int_equal(give(e, 1003, answer_of(id, 0)), 0);
	assert_int_equal(find(EFFECT_STORE_ACTION)->action.result, RESULT_OFFLINED);
	assert_non_null(find(EFFECT_STORE_DIMM));
	assert_int_equal(give(e, 1003, answer_of(id, 0)), -EINVAL);
	engine_free(e);
}

/* Three pages decided at once, after two that went well: @ids of their attempts. */
static struct engine *engine_with_three(uint64_t ids[3])
{
	struct engine *e = started_engine(1);

	for (uint64_t page = 1; page <= 2; page++) {
		give_ce(e, 1000, page << 12, "A", 1);
		assert_int_equal(give(e, 1000, probe_of(e, page)), 0);
		assert_int_equal(
			give(e, 1000, answer_of(find(EFFECT_OFFLINE)->attempt.id, 0)), 0);
	}
	for (uint64_t page = 3; page <= 5; page++) {
		give_ce(e, 2000, page << 12, "A", 1);
		assert_int_equal(find(EFFECT_PROBE)->pfn.n, page);
		assert_int_equal(give(e, 2000, probe_of(e, page)), 0);
		ids[page - 3] = find(EFFECT_OFFLINE)->attempt.id;
		/* Each has its own intent, before it in the same step. */
		assert_int_equal(out.v[0].kind, EFFECT_STORE_ACTION);
		assert_true(out.v[0].action.id == ids[page - 3]);
		assert_int_equal(out.v[0].action.pfn, page);
		assert_int_equal(out.v[0].action.result, RESULT_NONE);
	}
	return e;
}

/* Answers are taken in any order, each for its own page. */
static void test_several_attempts(void **state)
{
	uint64_t ids[3];
	struct engine *e = engine_with_three(ids);

	assert_int_equal(give(e, 2001, answer_of(ids[1], EBUSY)), 0);
	assert_int_equal(find(EFFECT_STORE_ACTION)->action.pfn, 4);
	assert_int_equal(find(EFFECT_STORE_ACTION)->action.result, RESULT_BUSY);
	assert_int_equal(give(e, 2002, answer_of(ids[1], 0)), -EINVAL);
	assert_int_equal(give(e, 2003, answer_of(ids[2], 0)), 0);
	assert_int_equal(find(EFFECT_STORE_ACTION)->action.pfn, 5);
	/* The answer that is missing is what goes on. */
	assert_int_equal(engine_deadline(e).us, 2001 + USEC_PER_SEC);
	assert_int_equal(give(e, 2004, answer_of(ids[0], 0)), 0);
	assert_int_equal(find(EFFECT_STORE_ACTION)->action.pfn, 3);
	engine_free(e);
}

/* Called off: no try, no charge, ready again. */
static void test_called_off(void **state)
{
	uint64_t ids[3];
	struct engine *e = engine_with_three(ids);
	struct input in = answer_of(ids[1], 0);
	const struct page_rec *rec = ce_tracker_peek(engine_tracker(e), pfn(4));

	in.answer.answer = (struct offline_answer){ .called_off = true };
	assert_int_equal(give(e, 2001, in), 0);
	assert_int_equal(find(EFFECT_STORE_ACTION)->action.result, RESULT_INTERRUPTED);
	assert_int_equal(rec->tries, 0);
	/* It is looked at again before anything else is done about it. */
	assert_int_equal(find(EFFECT_PROBE)->pfn.n, 4);
	assert_null(find(EFFECT_OFFLINE));
	assert_int_equal(rec->state, PAGE_PENDING);
	assert_int_equal(engine_dimm(e, rec->dimm)->offlined, 2);
	engine_free(e);
}

/* The frame was another's when its turn came: as a page that is busy, and never charged.
 */
static void test_changed_hands(void **state)
{
	uint64_t ids[3];
	struct engine *e = engine_with_three(ids);
	struct input in = answer_of(ids[1], 0);
	const struct page_rec *rec = ce_tracker_peek(engine_tracker(e), pfn(4));

	in.answer.answer = (struct offline_answer){ .changed = true };
	in.answer.answer.before.readable = in.answer.answer.after.readable = true;
	assert_int_equal(give(e, 2001, in), 0);
	assert_int_equal(find(EFFECT_STORE_ACTION)->action.result, RESULT_BUSY);
	assert_int_equal(find(EFFECT_STORE_ACTION)->action.error, 0);
	assert_int_equal(rec->state, PAGE_PENDING);
	assert_int_equal(rec->tries, 1);
	assert_true(rec->not_before > 2001);
	assert_null(find(EFFECT_PROBE));
	assert_int_equal(engine_dimm(e, rec->dimm)->offlined, 2);
	engine_free(e);
}

/* A file that was replaced holds no intents: the engine returns them again. */
static void test_intents_again(void **state)
{
	uint64_t ids[3];
	struct engine *e = engine_with_three(ids);
	unsigned int n = 0;

	assert_int_equal(give(e, 2001, answer_of(ids[0], 0)), 0);
	assert_int_equal(give(e, 2002, (struct input){ .kind = INPUT_UNSTORED }), 0);
	do {
		assert_int_equal(give(e, 2003, (struct input){ .kind = INPUT_FLUSH }), 0);
		for (unsigned int i = 0; i < out.n; i++)
			n += out.v[i].kind == EFFECT_STORE_ACTION &&
			     out.v[i].action.result == RESULT_NONE;
	} while (out.more);
	assert_int_equal(n, 2);
	engine_free(e);
}

/* While attempts are under way the counter is theirs to explain. */
static void test_counter_while_under_way(void **state)
{
	uint64_t ids[3];
	struct engine *e = engine_with_three(ids);
	struct input in = { .kind = INPUT_POISON, .poisoned_kib = 1234 };

	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(give(e, 2001, in), 0);
		assert_int_equal(out.n, 0);
		assert_int_equal(give(e, 2001, answer_of(ids[i], 0)), 0);
	}
	assert_int_equal(give(e, 2001, in), 0);
	assert_non_null(find(EFFECT_STORE_POISON));
	engine_free(e);
}

/* A sample that is as old as the last answer is good for all: what is under way counts.
 */
static void test_memory_under_way(void **state)
{
	uint64_t floor_kib = (UINT64_C(1) << 22) / 50 * 4; /* 2 % of the pages */
	uint64_t ids[3];
	struct engine *e = engine_with_three(ids);
	struct input in = probe_of(e, 6);

	give_ce(e, 2000, 0x6000, "A", 1);
	in.probe.machine.available_kib = floor_kib + 3 * 4 + 3;
	assert_int_equal(give(e, 2000, in), 0);
	assert_non_null(find(EFFECT_OFFLINE));
	assert_int_equal(give(e, 2001, answer_of(find(EFFECT_OFFLINE)->attempt.id, 0)),
			 0);
	give_ce(e, 2001, 0x7000, "A", 1);
	in = probe_of(e, 7);
	in.probe.machine.available_kib = floor_kib + 3 * 4 - 1;
	assert_int_equal(give(e, 2001, in), 0);
	assert_null(find(EFFECT_OFFLINE));
	assert_int_equal(find(EFFECT_NOTICE)->notice.result, RESULT_LOW_MEMORY);
	engine_free(e);
}

/* A smaller table keeps the records of what is under way, however many err meanwhile. */
static void test_reload_under_way(void **state)
{
	struct config cfg;
	uint64_t ids[3];
	struct engine *e = engine_with_three(ids);
	struct input in = { .kind = INPUT_CONFIG, .config = &cfg };

	cfg = *engine_config(e);
	cfg.tracker.max_tracked_pages = 64;
	assert_int_equal(give(e, 2001, in), 0);
	for (uint64_t page = 100; page < 1000; page++) {
		struct input loaded = { .kind = INPUT_LOADED };

		give_ce(e, 2001, page << 12, "A", 1);
		loaded.page.pfn = pfn(page);
		assert_int_equal(give(e, 2001, loaded), 0);
	}
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(give(e, 2002, answer_of(ids[i], 0)), 0);
	engine_free(e);
}

static int64_t waiting_since(const struct engine *e)
{
	struct engine_status s;

	engine_status(e, usec(100 * USEC_PER_SEC), &s);
	return s.waiting_since;
}

/* The longest wait counts from the decision, whatever else the page or the loop does. */
static void test_waiting_since(void **state)
{
	struct engine *e = started_engine(1);
	struct config cfg = *engine_config(e);
	struct input in = { .kind = INPUT_CONFIG, .config = &cfg };

	assert_int_equal(waiting_since(e), INT64_MIN);
	give_ce(e, 5 * USEC_PER_SEC, 0x3000, "A", 1);
	give_ce(e, 7 * USEC_PER_SEC, 0x4000, "A", 1);
	give_ce(e, 8 * USEC_PER_SEC, 0x3000, "A", 1);
	assert_int_equal(waiting_since(e), 5 * USEC_PER_SEC);
	cfg.tracker.max_tracked_pages = 64;
	assert_int_equal(give(e, 9 * USEC_PER_SEC, in), 0);
	assert_int_equal(waiting_since(e), 5 * USEC_PER_SEC);
	assert_int_equal(give(e, 9 * USEC_PER_SEC, probe_of(e, 3)), 0);
	assert_int_equal(
		give(e, 9 * USEC_PER_SEC, answer_of(find(EFFECT_OFFLINE)->attempt.id, 0)),
		0);
	assert_int_equal(waiting_since(e), 7 * USEC_PER_SEC);
	engine_free(e);
}

/* What a killed daemon read may be in the DIMM's stored total already. */
static void test_lost_by_a_predecessor(void **state)
{
	struct engine *e = started_engine(2);
	struct input in = { .kind = INPUT_LOST };

	give_ce(e, 1, 0x1000, "A1", 2);
	in.lost.count = 100;
	in.lost.known_to_dimms = true;
	assert_int_equal(give(e, 2, in), 0);
	assert_int_equal(engine_totals(e)->events_lost, 100);
	assert_int_equal(engine_dimm(e, 1)->corrected_errors, 1);
	in.lost.known_to_dimms = false;
	assert_int_equal(give(e, 3, in), 0);
	assert_int_equal(engine_totals(e)->events_lost, 200);
	assert_int_equal(engine_dimm(e, 1)->corrected_errors, 101);
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
	/* However often, and however alike they begin. */
	for (unsigned int i = 0; i < 3; i++) {
		give_ce(e, 2, 0x1000, "a\x01\xff\0b", 5);
		give_ce(e, 2, 0x2000, longest, sizeof(longest));
		give_ce(e, 2, 0x3000, "", 0);
		give_ce(e, 2, 0x4000, "CPU_SrcID#0_DIMM#0", 18);
		give_ce(e, 2, 0x5000, "CPU_SrcID#0_DIMM#1", 18);
		give_ce(e, 2, 0x6000, "CPU_SrcID#0_DIMM#", 17);
		give_ce(e, 2, 0x7000, "CPU_SrcID#0_DIMM#00", 19);
	}
	assert_int_equal(engine_dimms(e), 8);
	for (uint16_t i = 1; i < 8; i++)
		assert_int_equal(engine_dimm(e, i)->corrected_errors, i < 4 ? 4 : 3);
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
		reports += find(EFFECT_NOTICE) != NULL;
	}
	assert_int_equal(reports, 20);
	assert_int_equal(engine_deadline(e).us, USEC_PER_MINUTE);
	assert_int_equal(give(e, USEC_PER_MINUTE, (struct input){ .kind = INPUT_TICK }),
			 0);
	assert_int_equal(find(EFFECT_NOTICE)->notice.kind, NOTICE_SUMMARY);
	assert_int_equal(find(EFFECT_NOTICE)->notice.count, 80);
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
	assert_null(find(EFFECT_NOTICE));
	assert_non_null(find(EFFECT_PROBE));
	assert_int_equal(engine_dimm(e, DIMM_OTHER)->pages, 0);
	engine_free(e);
}

/* Indices that do not follow each other, or come twice, are not taken. */
static void test_restore_dimms(void **state)
{
	struct engine *e = new_engine(2);
	struct dimm_rec rec = { .label = "A",
				.layer = { -1, -1, -1 },
				.corrected_errors = 5 };
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

/* An older version made two DIMMs of a slot whose label was registered: they are one. */
static void test_restore_two_of_a_slot(void **state)
{
	static const char *const labels[] = { "", "mc#0csrow#0channel#1", "DIMM_A1",
					      "B1" };
	struct engine *e = new_engine(2);
	struct input in = { .kind = INPUT_RESTORE_DIMM };

	for (uint16_t i = 1; i < ARRAY_SIZE(labels); i++) {
		struct dimm_rec rec = { .layer = { 0, i == 3 ? 2 : 1, -1 },
					.corrected_errors = i,
					.offlined = 1,
					.last_seen = i,
					.fault.class = i == 1 ? FAULT_ROW : FAULT_CELL };

		snprintf(rec.label, sizeof(rec.label), "%s", labels[i]);
		in.dimm.rec = &rec;
		in.dimm.index = i;
		assert_int_equal(give(e, 0, in), 0);
	}
	assert_int_equal(engine_dimms(e), 4);
	assert_string_equal(engine_dimm(e, 1)->label, "DIMM_A1");
	assert_int_equal(engine_dimm(e, 1)->corrected_errors, 3);
	assert_int_equal(engine_dimm(e, 1)->offlined, 2);
	assert_int_equal(engine_dimm(e, 1)->fault.class, FAULT_ROW);
	assert_int_equal(engine_dimm(e, 2)->same_as, 1);
	assert_int_equal(engine_dimm(e, 2)->corrected_errors, 0);
	assert_int_equal(engine_dimm(e, 3)->same_as, 0);
	assert_int_equal(engine_dimm(e, 3)->corrected_errors, 3);
	assert_true(engine_is_dirty(e));
	engine_free(e);
}

/* Cells known of all DIMMs after one more event with these texts. */
static uint32_t cells_after(struct engine *e, const char *label, const char *msg,
			    const char *detail)
{
	static uint64_t address = 0x10000;
	struct ce_event ev = { .time = usec(1000),
			       .address = paddr(address += 0x1000),
			       .has_address = true,
			       .count = 1,
			       .label = { label, (uint32_t)strlen(label) },
			       .msg = { msg, (uint32_t)strlen(msg) },
			       .detail = { detail, (uint32_t)strlen(detail) } };
	uint32_t n = 0;

	assert_int_equal(
		give(e, 1000, (struct input){ .kind = INPUT_EVENT, .event = &ev }), 0);
	for (uint16_t i = 0; i < engine_dimms(e); i++)
		n += engine_dimm(e, i)->fault.cells;
	return n;
}

/* Each text is read, whatever the last one said. */
static void test_driver_texts(void **state)
{
	struct engine *e = started_engine(1000);
	char longest[300];

	assert_int_equal(cells_after(e, "DIMM_A1", "read error", ""), 0);
	assert_int_equal(cells_after(e, "DIMM_A1", "read error", ""), 0);
	assert_int_equal(cells_after(e, "DIMM_A1", "read error", "bank:1 row:1 col:8"),
			 1);
	assert_int_equal(cells_after(e, "DIMM_A1", "read error", ""), 1);
	assert_int_equal(cells_after(e, "DIMM_A1", "b:1 ", "bank:2 row:2 col:8"), 2);
	/* As long, but not the same. */
	assert_int_equal(cells_after(e, "DIMM_A1", "no bank, no row, no", ""), 2);
	assert_int_equal(cells_after(e, "DIMM_A1", "bank:3 row:3 col:08", ""), 3);
	assert_int_equal(cells_after(e, "DIMM_A2", "bank:4 row:4 col:08", ""), 4);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(cells_after(e, "A1", longest, ""), 4);
	assert_int_equal(cells_after(e, longest, "x", ""), 4);
	memcpy(longest, "bank:5 row:5 col:8 ", 19);
	assert_int_equal(cells_after(e, "A1", longest, ""), 5);
	engine_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_not_restored),
		cmocka_unit_test(test_unknown_past_spends),
		cmocka_unit_test(test_unasked),
		cmocka_unit_test(test_several_attempts),
		cmocka_unit_test(test_called_off),
		cmocka_unit_test(test_changed_hands),
		cmocka_unit_test(test_intents_again),
		cmocka_unit_test(test_counter_while_under_way),
		cmocka_unit_test(test_memory_under_way),
		cmocka_unit_test(test_reload_under_way),
		cmocka_unit_test(test_waiting_since),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_lost_by_a_predecessor),
		cmocka_unit_test(test_many_dimms),
		cmocka_unit_test(test_flush),
		cmocka_unit_test(test_reports),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_operator_load),
		cmocka_unit_test(test_restore_dimms),
		cmocka_unit_test(test_restore_two_of_a_slot),
		cmocka_unit_test(test_driver_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
