/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The table of DIMMs: which events mean one DIMM, what a full table does, which rule and
 * which neighbours a DIMM has, what a changed module does, and which messages are known
 * to hold no coordinates.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "engine/dimm_table.h"

static struct config cfg;
static struct dimm_table t;

static int start(void **state)
{
	config_init(&cfg);
	memset(&t, 0, sizeof(t));
	dimm_table_init(&t, &cfg);
	t.all_known = true;
	return 0;
}

static struct ce_event event(const char *label, uint8_t mc, int8_t top, int8_t middle)
{
	return (struct ce_event){
		.time = usec(1000),
		.mc = mc,
		.layer = { top, middle, -1 },
		.label = { label, (uint32_t)strlen(label) },
	};
}

static uint16_t intern(const char *label, uint8_t mc, int8_t top, int8_t middle)
{
	struct ce_event ev = event(label, mc, top, middle);

	return dimm_table_intern(&t, &cfg, &ev);
}

static void test_empty(void **state)
{
	assert_int_equal(t.n, 1);
	assert_string_equal(t.rec[DIMM_OTHER].label, "other memory");
	assert_int_equal(t.n_dirty, 0);
	assert_int_equal(dimm_table_offlined(&t), 0);
	assert_int_equal(t.rule[DIMM_OTHER].page.count, cfg.policy.page.count);
	assert_false(dimm_table_clean(&t, DIMM_OTHER));
}

/* A DIMM is its controller and its layers; the label is its newest name. */
static void test_intern(void **state)
{
	struct ce_event ev;

	assert_int_equal(intern("A", 0, 0, 0), 1);
	assert_int_equal(intern("A", 0, 0, 0), 1);
	assert_int_equal(intern("A", 1, 0, 0), 2);
	assert_int_equal(intern("A", 0, 1, 0), 3);
	assert_int_equal(intern("A", 0, 0, 1), 4);
	assert_int_equal(intern("B", 0, 0, 0), 1);
	assert_string_equal(t.rec[1].label, "B");
	assert_int_equal(intern("A", 0, 0, 0), 1);
	ev = event("A", 0, 0, 0);
	ev.layer[2] = 0;
	assert_int_equal(dimm_table_intern(&t, &cfg, &ev), 5);
	ev = event("ABC", 0, 0, 0);
	ev.label.len = 1;
	ev.cpu = 3;
	ev.time = usec(5);
	ev.msg = (struct ce_text){ "x", 1 };
	assert_int_equal(dimm_table_intern(&t, &cfg, &ev), 1);
	assert_int_equal(t.n, 6);
	assert_int_equal(t.rec[1].first_seen, 1000);
	assert_int_equal(t.rec[1].last_seen, 1000);
	assert_int_equal(t.n_dirty, 5);
}

/* Where no layers name a slot, or several DIMMs may be meant, the label has to. */
static void test_no_slot(void **state)
{
	assert_int_equal(intern("A", 0, -1, -1), 1);
	assert_int_equal(intern("B", 0, -1, -1), 2);
	assert_int_equal(intern("AB", 0, -1, -1), 3);
	assert_int_equal(intern("A", 0, -1, -1), 1);
	assert_int_equal(intern("A", 1, -1, -1), 4);
	assert_int_equal(intern("A", 0, -1, 0), 5); /* a layer is missing in between */
	assert_int_equal(intern("B", 0, -1, 0), 6);
	assert_int_equal(intern("C", 0, 2, -1), 7); /* a controller of one layer */
	assert_int_equal(intern("D", 0, 2, -1), 7);
	assert_int_equal(intern("C or D", 0, 2, -1), 8);
	assert_int_equal(intern("C or E", 0, 2, -1), 9);
	assert_int_equal(intern("C or D", 0, 2, -1), 8);
	assert_int_equal(intern("D", 0, 2, -1), 7);
	assert_string_equal(t.rec[7].label, "D");
	assert_string_equal(t.rec[8].label, "C or D");
}

/* Nothing vouches for the layers of a controller that EDAC does not know. */
static void test_not_in_edac(void **state)
{
	const struct dimm_controller edac = { .mc = 1, .device = "West" };

	t.all_known = false;
	assert_false(dimm_table_set_controllers(&t, &cfg, NULL, 0));
	assert_int_equal(intern("A", 0, 0, 0), 1);
	assert_int_equal(intern("B", 0, 0, 0), 2);
	assert_int_equal(intern("A", 0, 0, 0), 1);
	assert_int_equal(intern("B", 0, 0, 0), 2);
	assert_string_equal(t.rec[1].label, "A");
	assert_int_equal(dimm_table_twin(&t, 2), -ENOENT);
	/* The kernel's own label was there before, and comes back. */
	assert_int_equal(intern("mc#0csrow#0channel#1", 0, 0, 1), 3);
	assert_int_equal(intern("C", 0, 0, 1), 3);
	assert_int_equal(intern("D", 0, 0, 1), 4);
	assert_int_equal(intern("mc#0csrow#0channel#1", 0, 0, 1), 3);
	assert_int_equal(intern("A", 1, 0, 0), 5);
	assert_int_equal(intern("B", 1, 0, 0), 6);
	/* The driver comes up: it was one slot. */
	assert_true(dimm_table_set_controllers(&t, &cfg, &edac, 1));
	assert_int_equal(dimm_table_twin(&t, 6), 5);
	assert_int_equal(dimm_table_twin(&t, 2), -ENOENT);
	assert_int_equal(intern("C", 1, 0, 0), 5);
}

/* The newest label; an old event, or one that names nothing, does not change it. */
static void test_label_changes(void **state)
{
	struct ce_event ev = event("mc#0csrow#0channel#1", 0, 0, 1);

	assert_int_equal(dimm_table_intern(&t, &cfg, &ev), 1);
	ev = event("DIMM_A1", 0, 0, 1);
	ev.time = usec(2000);
	dimm_table_clean(&t, 1);
	assert_int_equal(dimm_table_intern(&t, &cfg, &ev), 1);
	assert_string_equal(t.rec[1].label, "DIMM_A1");
	assert_true(t.dirty[1]);
	t.rec[1].last_seen = 2000;
	ev = event("mc#0csrow#0channel#1", 0, 0, 1);
	assert_int_equal(dimm_table_intern(&t, &cfg, &ev), 1);
	assert_string_equal(t.rec[1].label, "DIMM_A1");
	ev = event("unknown memory", 0, 0, 1);
	ev.time = usec(3000);
	assert_int_equal(dimm_table_intern(&t, &cfg, &ev), 1);
	ev.label.len = 0;
	assert_int_equal(dimm_table_intern(&t, &cfg, &ev), 1);
	assert_string_equal(t.rec[1].label, "DIMM_A1");
	ev = event("\tX", 0, 0, 1);
	ev.time = usec(3000);
	assert_int_equal(dimm_table_intern(&t, &cfg, &ev), 1);
	assert_string_equal(t.rec[1].label, "?X");
	assert_int_equal(t.n, 2);
}

/* The kernel makes labels of the place: two of them are two slots. */
static void test_label_of_another_socket(void **state)
{
	assert_int_equal(intern("CPU_SrcID#0_MC#0_Chan#0_DIMM#0", 0, 0, 0), 1);
	assert_int_equal(intern("CPU_SrcID#1_MC#0_Chan#0_DIMM#0", 0, 0, 0), 2);
	assert_int_equal(intern("CPU_SrcID#0_MC#0_Chan#0_DIMM#0", 0, 0, 0), 1);
}

static void test_labels(void **state)
{
	static char most[DIMM_LABEL_MAX + 8];
	static const struct {
		const char *label;
		const char *kept;
	} rows[] = {
		{ "", "unknown memory" },    { "CPU#0_DIMM A1", "CPU#0_DIMM A1" },
		{ "tab\there", "tab?here" }, { "\x7f\x80\xff~ ", "???~ " },
		{ "eight ch", "eight ch" },  { "exactly sixteen!", "exactly sixteen!" },
	};
	const struct ce_event nul = { .layer = { -1, -1, -1 }, .label = { "a\0b", 3 } };

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		uint16_t index = intern(rows[i].label, 0, -1, -1);

		assert_int_equal(index, i + 1);
		assert_string_equal(t.rec[index].label, rows[i].kept);
		assert_int_equal(intern(rows[i].label, 0, -1, -1), index);
	}
	/* A label that reads the same once it is cleaned is the same DIMM. */
	assert_int_equal(intern("unknown memory", 0, -1, -1), 1);
	assert_int_equal(intern("tab?here", 0, -1, -1), 3);
	assert_string_equal(t.rec[dimm_table_intern(&t, &cfg, &nul)].label, "a?b");

	memset(most, 'x', sizeof(most) - 1);
	assert_int_equal(intern(most, 0, -1, -1), 8);
	assert_int_equal(strlen(t.rec[8].label), DIMM_LABEL_MAX - 1);
	most[DIMM_LABEL_MAX - 1] = '\0';
	assert_int_equal(intern(most, 0, -1, -1), 8);
	most[DIMM_LABEL_MAX - 2] = '\0';
	assert_int_equal(intern(most, 0, -1, -1), 9);
}

static void test_full(void **state)
{
	char label[16];

	for (unsigned int i = 1; i < MAX_DIMMS; i++) {
		snprintf(label, sizeof(label), "DIMM %u", i);
		assert_int_equal(intern(label, 0, -1, -1), i);
	}
	assert_int_equal(t.n, MAX_DIMMS);
	assert_int_equal(intern("one more", 0, 0, 0), DIMM_OTHER);
	assert_int_equal(dimm_table_add(&t, &cfg, &t.rec[1]), DIMM_OTHER);
	assert_int_equal(t.n, MAX_DIMMS);
	assert_false(t.dirty[DIMM_OTHER]);
	for (unsigned int i = 1; i < MAX_DIMMS; i++) {
		snprintf(label, sizeof(label), "DIMM %u", i);
		assert_int_equal(intern(label, 0, -1, -1), i);
	}
	assert_string_equal(t.rec[DIMM_OTHER].label, "other memory");
}

/* What comes from a store is found by events, and is not to be stored again. */
static void test_add(void **state)
{
	struct dimm_rec d = { .label = "A", .layer = { 0, 1, -1 }, .offlined = 3 };
	struct dimm_rec other = { .label = "not this", .corrected_errors = 9 };

	assert_int_equal(dimm_table_find(&t, &d), -ENOENT);
	assert_int_equal(dimm_table_add(&t, &cfg, &d), 1);
	assert_int_equal(t.n_dirty, 0);
	assert_int_equal(dimm_table_find(&t, &d), 1);
	assert_int_equal(intern("A", 0, 0, 1), 1);
	d.former = true;
	assert_int_equal(dimm_table_find(&t, &d), -ENOENT);
	d.offlined = 4;
	assert_int_equal(dimm_table_add(&t, &cfg, &d), 2);
	assert_int_equal(dimm_table_find(&t, &d), 2);
	assert_int_equal(dimm_table_add(&t, &cfg, &d), 3);
	assert_int_equal(dimm_table_find(&t, &d), 2);
	assert_int_equal(intern("A", 0, 0, 1), 1);
	assert_int_equal(dimm_table_offlined(&t), 11);

	dimm_table_restore_other(&t, &other);
	assert_string_equal(t.rec[DIMM_OTHER].label, "other memory");
	assert_int_equal(t.rec[DIMM_OTHER].corrected_errors, 9);
}

static void test_dirty(void **state)
{
	assert_int_equal(intern("A", 0, 0, 0), 1);
	dimm_table_touch(&t, 1);
	dimm_table_touch(&t, DIMM_OTHER);
	dimm_table_touch(&t, DIMM_OTHER);
	assert_int_equal(t.n_dirty, 2);
	assert_true(dimm_table_clean(&t, DIMM_OTHER));
	assert_false(dimm_table_clean(&t, DIMM_OTHER));
	assert_int_equal(t.n_dirty, 1);
	assert_true(dimm_table_clean(&t, 1));
	assert_int_equal(t.n_dirty, 0);
	dimm_table_touch(&t, 1);
	assert_true(dimm_table_clean(&t, 1));
}

static void test_channel(void **state)
{
	static const struct {
		const char *label;
		uint8_t mc;
		int8_t top;
		uint16_t with; /* the DIMM before on the same channel; 0: none */
	} rows[] = {
		{ "A", 0, 0, 0 },  { "B", 0, 1, 0 },  { "C", 1, 0, 0 }, { "D", 0, 0, 1 },
		{ "E", 0, -1, 0 }, { "F", 0, -1, 0 }, { "G", 1, 0, 3 },
	};

	for (uint16_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint16_t index =
			intern(rows[i].label, rows[i].mc, rows[i].top, (int8_t)i);

		assert_int_equal(index, i + 1);
		assert_int_equal(t.shares_channel[index], rows[i].with > 0);
		for (uint16_t j = 1; j < index; j++) {
			bool same = rows[i].with == j;

			assert_int_equal(dimm_table_same_channel(&t, index, j), same);
			assert_int_equal(dimm_table_same_channel(&t, j, index), same);
		}
		if (rows[i].with)
			assert_true(t.shares_channel[rows[i].with]);
	}
	assert_false(t.shares_channel[2]);
	assert_false(t.shares_channel[DIMM_OTHER]);
}

static uint64_t option_bit(const char *key)
{
	const struct config_option *o;

	for (size_t i = 0; (o = config_option_at(i)); i++)
		if (strcmp(o->section, "Policy") == 0 && strcmp(o->key, key) == 0)
			return UINT64_C(1) << i;
	fail_msg("no option %s", key);
	return 0;
}

static void test_rules(void **state)
{
	struct config other = cfg;

	assert_int_equal(intern("A1", 0, 0, 0), 1);
	assert_int_equal(intern("B1", 0, 1, 0), 2);
	t.budget_used_up[1] = true;
	t.reported_verdict[1] = VERDICT_REPLACE;
	other.policy.page.count = 77;
	other.overrides[0] = (struct policy_override){
		.glob = "A*",
		.rule.page.count = 88,
		.set = option_bit("PageThreshold"),
	};
	other.n_overrides = 1;
	dimm_table_set_rules(&t, &other);
	/* It may be any of them. */
	assert_int_equal(t.rule[DIMM_OTHER].page.count, 88);
	assert_int_equal(t.rule[1].page.count, 88);
	assert_int_equal(t.rule[2].page.count, 77);
	assert_false(t.budget_used_up[1]);
	assert_int_equal(t.reported_verdict[1], VERDICT_REPLACE);
	/* A DIMM that comes later has the rule of the configuration of its time. */
	cfg = other;
	assert_int_equal(intern("A2", 0, 2, 0), 3);
	assert_int_equal(t.rule[3].page.count, 88);
}

static void test_module(void **state)
{
	static const struct {
		const char *part;
		const char *serial;
		enum dimm_module want;
	} rows[] = {
		{ "P1", "S1", DIMM_MODULE_NAMED }, { "P1", "S1", DIMM_MODULE_SAME },
		{ "P2", "S1", DIMM_MODULE_SAME },  { "P1", "S2", DIMM_MODULE_OTHER },
		{ "P1", "S2", DIMM_MODULE_OTHER }, { "P1", "S1", DIMM_MODULE_SAME },
	};
	char serial[100];

	assert_int_equal(intern("A", 0, 0, 0), 1);
	assert_true(dimm_table_clean(&t, 1));
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(
			dimm_table_note_module(&t, 1, rows[i].part, rows[i].serial),
			rows[i].want);
		assert_int_equal(dimm_table_clean(&t, 1),
				 rows[i].want == DIMM_MODULE_NAMED);
		assert_string_equal(t.rec[1].serial, "S1");
		assert_string_equal(t.rec[1].part, "P1");
	}

	/* Too long and not printable: cut and cleaned, and the same the next time. */
	assert_int_equal(intern("B", 0, 1, 0), 2);
	memset(serial, '\x01', sizeof(serial) - 1);
	serial[sizeof(serial) - 1] = '\0';
	/* Bytes that are not printable are no serial number. */
	assert_int_equal(dimm_table_note_module(&t, 2, "\n", serial), DIMM_MODULE_SAME);
	assert_string_equal(t.rec[2].serial, "");
	for (size_t i = 0; i + 1 < sizeof(serial); i++)
		serial[i] = "31B9BEF4"[i % 8];
	assert_int_equal(dimm_table_note_module(&t, 2, "\n", serial), DIMM_MODULE_NAMED);
	assert_int_equal(strlen(t.rec[2].serial), sizeof(t.rec[2].serial) - 1);
	assert_string_equal(t.rec[2].part, "?");
	assert_int_equal(dimm_table_note_module(&t, 2, "", serial), DIMM_MODULE_SAME);
}

/* Events of the slot mean the new module from then on. */
static void test_close(void **state)
{
	assert_int_equal(intern("A", 0, 0, 0), 1);
	assert_int_equal(intern("B", 0, 0, 1), 2);
	dimm_table_note_module(&t, 1, "P", "S1");
	dimm_table_clean(&t, 1);
	dimm_table_close(&t, &cfg, 1);
	assert_true(t.rec[1].former);
	assert_true(t.dirty[1]);
	assert_int_equal(dimm_table_note_module(&t, 1, "P", "S9"), DIMM_MODULE_SAME);
	assert_int_equal(intern("A", 0, 0, 0), 3);
	assert_int_equal(intern("A", 0, 0, 0), 3);
	assert_int_equal(intern("B", 0, 0, 1), 2);
	assert_int_equal(dimm_table_find(&t, &t.rec[1]), 1);
	assert_string_equal(t.rec[3].serial, "");
	/* And a third one. */
	dimm_table_close(&t, &cfg, 3);
	assert_int_equal(intern("A", 0, 0, 0), 4);
	assert_int_equal(dimm_table_find(&t, &t.rec[3]), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_empty, start),
		cmocka_unit_test_setup(test_intern, start),
		cmocka_unit_test_setup(test_no_slot, start),
		cmocka_unit_test_setup(test_not_in_edac, start),
		cmocka_unit_test_setup(test_label_changes, start),
		cmocka_unit_test_setup(test_label_of_another_socket, start),
		cmocka_unit_test_setup(test_labels, start),
		cmocka_unit_test_setup(test_full, start),
		cmocka_unit_test_setup(test_add, start),
		cmocka_unit_test_setup(test_dirty, start),
		cmocka_unit_test_setup(test_channel, start),
		cmocka_unit_test_setup(test_rules, start),
		cmocka_unit_test_setup(test_module, start),
		cmocka_unit_test_setup(test_close, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
