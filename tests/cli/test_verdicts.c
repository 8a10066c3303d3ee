/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * status and dimms say the same, and what is stored says the same as what runs: one set of
 * DIMMs goes into an engine and into a database, and four verdicts are compared.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include <unistd.h>

#include "base/mem.h"
#include "db.h"
#include "engine/effect.h"
#include "engine/engine.h"
#include "engine/input.h"
#include "output.h"
#include "source.h"
#include "track/module_list.h"

#define PATH_TEXT "/tmp/softofflined-verdicts-XXXXXX"

DEFINE_CLEANUP(struct db *, db_close)
DEFINE_CLEANUP(struct source *, source_free)
DEFINE_CLEANUP(struct engine *, engine_free)

/* A DIMM that errors came from, and what is known of its slot. */
struct test_dimm {
	const char *label;
	const char *slot; /* certain; NULL: not known */
	const char *serial;
	uint64_t corrected;
	uint64_t uncorrected;
	uint32_t offlined;
	uint32_t bank_faulty_rows; /* a row fault */
	bool rank;
	bool former;
};

static const struct {
	struct test_dimm dimms[3];
	enum verdict machine;
	const char *why;
	enum verdict verdicts[3];
} scenes[] = {
	{ { { .label = "DIMM_A0" }, { .label = "DIMM_A1", .corrected = 3 } },
	  VERDICT_WATCH,
	  "corrected errors, below every threshold",
	  { VERDICT_OK, VERDICT_WATCH } },
	{ { { .label = "DIMM_A0", .uncorrected = 1 },
	    { .label = "DIMM_A1", .uncorrected = 1 } },
	  VERDICT_DEGRADED,
	  "repair DIMM_A0 and 1 more by a cold reboot",
	  { VERDICT_REPAIR, VERDICT_REPAIR } },
	/* Ranks of one module, by its slot, its serial number, or a registered name. */
	{ { { .label = "mc#0csrow#0", .slot = "A0", .uncorrected = 1, .rank = true },
	    { .label = "mc#0csrow#1", .slot = "A0", .uncorrected = 1, .rank = true } },
	  VERDICT_REPLACE,
	  "replace mc#0csrow#0",
	  { VERDICT_REPLACE, VERDICT_REPLACE } },
	{ { { .label = "mc#0csrow#0", .serial = "S1", .uncorrected = 1, .rank = true },
	    { .label = "mc#0csrow#1", .serial = "S1", .corrected = 1, .rank = true },
	    { .label = "mc#0csrow#2", .serial = "S2", .uncorrected = 1, .rank = true } },
	  VERDICT_DEGRADED,
	  "repair mc#0csrow#0 and 1 more by a cold reboot",
	  { VERDICT_REPAIR, VERDICT_REPAIR, VERDICT_REPAIR } },
	{ { { .label = "DIMM_A0", .bank_faulty_rows = 1, .rank = true },
	    { .label = "DIMM_A0", .uncorrected = 1, .rank = true } },
	  VERDICT_REPLACE,
	  "replace DIMM_A0",
	  { VERDICT_REPLACE, VERDICT_REPLACE } },
	/* The same name, and EDAC says that these are modules. */
	{ { { .label = "DIMM_A0", .bank_faulty_rows = 1 },
	    { .label = "DIMM_A0", .uncorrected = 1 } },
	  VERDICT_DEGRADED,
	  "repair DIMM_A0 and 1 more by a cold reboot",
	  { VERDICT_REPAIR, VERDICT_REPAIR } },
	/* The budget, of one DIMM and of a module. */
	{ { { .label = "DIMM_A0", .corrected = 900, .offlined = 128 } },
	  VERDICT_REPLACE,
	  "replace DIMM_A0",
	  { VERDICT_REPLACE } },
	{ { { .label = "DIMM_A0", .corrected = 9, .offlined = 100, .rank = true },
	    { .label = "DIMM_A0", .corrected = 9, .offlined = 28, .rank = true } },
	  VERDICT_REPLACE,
	  "replace DIMM_A0",
	  { VERDICT_REPLACE, VERDICT_REPLACE } },
	/* What sat in the slot before is no reason to replace what is there. */
	{ { { .label = "DIMM_A0", .slot = "A0", .uncorrected = 9, .former = true },
	    { .label = "DIMM_A0", .slot = "A0", .corrected = 1 } },
	  VERDICT_WATCH,
	  "corrected errors, below every threshold",
	  { VERDICT_OK, VERDICT_WATCH } },
};

static struct dimm_rec rec_of(const struct test_dimm *t, unsigned int i)
{
	struct dimm_rec rec = { .layer = { 0, (int8_t)(t->former ? 1 : i), -1 },
				.corrected_errors = t->corrected,
				.uncorrected_errors = t->uncorrected,
				.offlined = t->offlined,
				.former = t->former };

	strcpy(rec.label, t->label);
	if (t->serial)
		strcpy(rec.serial, t->serial);
	if (t->bank_faulty_rows > 0) {
		rec.fault.class = FAULT_ROW;
		rec.fault.faulty_rows = rec.fault.bank_faulty_rows = t->bank_faulty_rows;
	}
	return rec;
}

static uint64_t corrected(const struct test_dimm *t)
{
	return t[0].corrected + t[1].corrected + t[2].corrected;
}

static void step(struct engine *e, struct input in)
{
	struct effects out;

	assert_int_equal(engine_step(e, &in, &out), 0);
}

static struct engine *make_engine(const struct config *cfg, const struct test_dimm *t)
{
	static const struct ram_map ram;
	struct totals totals = { .corrected_errors = corrected(t) };
	struct input in = { .kind = INPUT_RESTORE_DIMM };
	struct engine *e;

	assert_int_equal(engine_new(&e, cfg, 12), 0);
	step(e, (struct input){ .kind = INPUT_RAM, .ram = &ram });
	step(e, (struct input){ .kind = INPUT_RESTORE_TOTALS, .totals = &totals });
	for (unsigned int i = 0; i < 3 && t[i].label; i++) {
		struct dimm_rec rec = rec_of(&t[i], i);

		in.dimm.rec = &rec;
		in.dimm.index = (uint16_t)(i + 1);
		step(e, in);
	}
	step(e, (struct input){ .kind = INPUT_RESTORE_DONE });
	in = (struct input){ .kind = INPUT_SLOT };
	for (unsigned int i = 0; i < 3 && t[i].label; i++) {
		in.slot.name = t[i].slot ? t[i].slot : "";
		in.slot.whole = !t[i].rank;
		in.slot.index = (uint16_t)(i + 1);
		if (!t[i].former)
			step(e, in);
	}
	return e;
}

static void fill_modules(struct module_list *l, const struct test_dimm *t)
{
	for (unsigned int i = 0; i < 3 && t[i].label; i++) {
		struct dimm_rec rec = rec_of(&t[i], i);
		struct module_rec *m;

		if (t[i].former)
			continue;
		m = module_list_add(l);
		m->counted = true;
		m->rank = t[i].rank;
		memcpy(m->layer, rec.layer, sizeof(m->layer));
		strcpy(m->label, rec.label);
		strcpy(m->slot, t[i].slot ? t[i].slot : "");
		m->slot_match = t[i].slot ? SLOT_EXACT : SLOT_UNKNOWN;
	}
}

static void make_database(const char *path, const struct test_dimm *t)
{
	struct db_options options = { .path = path,
				      .max_size = UINT64_C(64) << 20,
				      .retention = usec(400 * USEC_PER_DAY),
				      .boot_id = "aaaaaaaa-0000-4000-8000-000000000001",
				      .now = usec(USEC_PER_DAY),
				      .page_shift = 12 };
	struct dimm_rec other = { .label = "other memory", .layer = { -1, -1, -1 } };
	struct totals totals = { .corrected_errors = corrected(t) };
	_cleanup_(free_p) struct module_list *l = calloc(1, sizeof(*l));
	_cleanup_(db_close_p) struct db *db = NULL;
	enum db_opened how;
	const char *why;

	assert_non_null(l);
	assert_int_equal(db_open(&db, &options, &how, &why), 0);
	assert_int_equal(db_put_dimm(db, 0, &other), 0);
	for (unsigned int i = 0; i < 3 && t[i].label; i++) {
		struct dimm_rec rec = rec_of(&t[i], i);

		assert_int_equal(db_put_dimm(db, (uint16_t)(i + 1), &rec), 0);
	}
	fill_modules(l, t);
	assert_int_equal(db_put_inventory(db, l), 0);
	assert_int_equal(db_put_totals(db, &totals), 0);
	assert_int_equal(db_commit(db, options.now, options.now), 0);
}

/* The machine's verdict by the worst of its DIMMs. */
static enum verdict by_dimms(enum verdict worst)
{
	return worst == VERDICT_REPAIR ? VERDICT_DEGRADED : worst;
}

static void check_engine(const struct engine *e, size_t scene)
{
	const struct test_dimm *t = scenes[scene].dimms;
	enum verdict worst = VERDICT_OK;
	struct engine_status s;

	engine_status(e, usec(USEC_PER_DAY), &s);
	assert_int_equal(s.verdict, scenes[scene].machine);
	assert_string_equal(s.verdict_why, scenes[scene].why);
	for (uint16_t i = 0; i < 3 && t[i].label; i++) {
		char why[CLASS_WHY_MAX];
		enum verdict v = engine_dimm_verdict(e, (uint16_t)(i + 1), why);

		assert_int_equal(v, scenes[scene].verdicts[i]);
		worst = v > worst ? v : worst;
	}
	assert_int_equal(s.verdict, by_dimms(worst));
}

static void check_stored(struct source *s, const struct engine *e, size_t scene)
{
	_cleanup_(rows_done) struct rows rows = { .size = sizeof(struct dimm_report) };
	enum verdict worst = VERDICT_OK;
	struct status_report status;

	assert_int_equal(s->ops->status(s, &status), 0);
	assert_string_equal(status.verdict, verdict_to_string(scenes[scene].machine));
	assert_string_equal(status.verdict_why, scenes[scene].why);
	assert_int_equal(s->ops->dimms(s, rows_add, &rows), 0);
	assert_int_equal(rows.n, engine_dimms(e) - 1);
	for (uint16_t i = 0; i < rows.n; i++) {
		const struct dimm_report *row = rows_at(&rows, i);
		char why[CLASS_WHY_MAX];
		enum verdict v = engine_dimm_verdict(e, (uint16_t)(i + 1), why);

		assert_string_equal(row->verdict, verdict_to_string(v));
		assert_string_equal(row->verdict_why, why);
		worst = v > worst ? v : worst;
	}
	assert_string_equal(status.verdict, verdict_to_string(by_dimms(worst)));
}

static void test_scenes(void **state)
{
	_cleanup_(free_p) struct config *cfg = malloc(sizeof(*cfg));

	assert_non_null(cfg);
	config_init(cfg);
	for (size_t i = 0; i < ARRAY_SIZE(scenes); i++) {
		_cleanup_(engine_free_p) struct engine *e =
			make_engine(cfg, scenes[i].dimms);
		_cleanup_(source_free_p) struct source *s = NULL;
		char path[sizeof(PATH_TEXT) + 16] = PATH_TEXT, why[SOURCE_WHY_MAX];

		assert_non_null(mkdtemp(path));
		strcat(path, "/test.db");
		make_database(path, scenes[i].dimms);
		assert_int_equal(source_open_db(&s, path, why), 0);
		s->pages_per_dimm = cfg->budget.pages_per_dimm;
		print_message("scene %zu\n", i);
		check_engine(e, i);
		check_stored(s, e, i);
		(void)unlink(path);
		*strrchr(path, '/') = '\0';
		(void)rmdir(path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
