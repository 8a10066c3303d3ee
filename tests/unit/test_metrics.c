/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The exposition text: well formed, escaped, bounded, cut cleanly. promtool judges it as
 * well where it is installed.
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
#include "engine/input.h"
#include "tell/metrics.h"

#define TEXT_MAX 262144

static struct engine *new_engine(void)
{
	static const struct ram_map ram;
	struct input in = { .kind = INPUT_RAM, .ram = &ram };
	_cleanup_(free_p) struct config *cfg = malloc(sizeof(*cfg));
	struct effects out;
	struct engine *e;

	assert_non_null(cfg);
	config_init(cfg);
	assert_int_equal(engine_new(&e, cfg, 12), 0);
	assert_int_equal(engine_step(e, &in, &out), 0);
	in = (struct input){ .kind = INPUT_RESTORE_DONE };
	assert_int_equal(engine_step(e, &in, &out), 0);
	in = (struct input){ .kind = INPUT_POISON, .poisoned_kib = INT64_MAX / 1024 };
	assert_int_equal(engine_step(e, &in, &out), 0);
	return e;
}

static void give(struct engine *e, uint64_t address, const char *label)
{
	struct ce_event ev = { .time = usec(1000000),
			       .address = paddr(address),
			       .has_address = true,
			       .count = UINT32_MAX,
			       .layer = { 0, (int8_t)label[0], (int8_t)label[1] },
			       .label = { label, (uint32_t)strlen(label) } };
	struct input in = { .kind = INPUT_EVENT, .now = usec(2000000), .event = &ev };
	struct effects out;

	assert_int_equal(engine_step(e, &in, &out), 0);
}

static const struct metrics_extra extra = { .version = "1.2.3",
					    .dry_run = true,
					    .started = 1700000000.5,
					    .now = { 2000000 },
					    .wall_offset = { 1700000000000000 },
					    .db_bytes = 4096,
					    .reload_ok = true };

static unsigned int count_lines(const char *text)
{
	unsigned int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* A name, labels whose quotes close, a blank, a number. */
static void check_sample(const char *line, size_t len)
{
	size_t n = strspn(line, "abcdefghijklmnopqrstuvwxyz_0123456789");

	assert_int_equal(strncmp(line, "softofflined_", 13), 0);
	if (line[n] == '{') {
		bool quoted = false;

		for (n++; n < len && (quoted || line[n] != '}'); n++) {
			if (line[n] == '\\')
				n++;
			else if (line[n] == '"')
				quoted = !quoted;
		}
		n++;
	}
	assert_int_equal(line[n], ' ');
	assert_int_equal(strspn(line + n + 1, "0123456789."), len - n - 1);
}

static void check_text(const char *text)
{
	while (*text) {
		const char *end = strchr(text, '\n');

		assert_non_null(end);
		if (strncmp(text, "# HELP ", 7) != 0 && strncmp(text, "# TYPE ", 7) != 0)
			check_sample(text, (size_t)(end - text));
		text = end + 1;
	}
}

static void check_promtool(const char *text)
{
	FILE *p;

	if (system("command -v promtool >/dev/null 2>&1") != 0) {
		print_message("promtool is not installed: its check is left out\n");
		return;
	}
	p = popen("promtool check metrics >&2", "w");
	assert_non_null(p);
	fputs(text, p);
	assert_int_equal(pclose(p), 0);
}

static void test_text(void **state)
{
	struct engine *e = new_engine();
	_cleanup_(free_p) char *text = malloc(TEXT_MAX);
	struct input in = { .kind = INPUT_LOST, .lost = { .count = 7 } };
	struct input gap = { .kind = INPUT_GAP };
	struct effects out;

	assert_non_null(text);
	trace_changes_add(&gap.gap.changes, TRACE_CHANGE_FILTER);
	give(e, 0x10000000, "CPU_SrcID#0_\"A\" \\ back");
	give(e, 0, "B1");
	assert_int_equal(engine_step(e, &in, &out), 0);
	assert_int_equal(engine_step(e, &gap, &out), 0);
	assert_true(metrics_format(e, &extra, text, TEXT_MAX) < TEXT_MAX);
	check_text(text);
	assert_non_null(
		strstr(text, "label=\"CPU_SrcID#0_\\\"A\\\" \\\\ back\"} 4294967295\n"));
	assert_non_null(strstr(text, "softofflined_events_total 2\n"));
	assert_non_null(strstr(text, "softofflined_events_lost_total 7\n"));
	assert_non_null(strstr(text, "softofflined_trace_gaps_total 1\n"));
	assert_non_null(strstr(text, "softofflined_build_info{version=\"1.2.3\"} 1\n"));
	assert_non_null(strstr(text, "softofflined_dry_run 1\n"));
	assert_non_null(strstr(
		text, "softofflined_last_event_timestamp_seconds 1700000001.000\n"));
	assert_non_null(
		strstr(text, "softofflined_last_offline_timestamp_seconds 0.000"));
	assert_non_null(strstr(text, "softofflined_pages{state=\"watched\"} 1\n"));
	/* Lost events that no DIMM can be charged with. */
	assert_non_null(strstr(text, "label=\"other memory\"} 7\n"));
	check_promtool(text);
	engine_free(e);
}

/* Only what the kernel counts has a series. */
static void test_nodes(void **state)
{
	const struct soft_counts nodes[] = {
		{ .node = 0,
		  .known = { [SOFT_MIGRATED] = true, [SOFT_NOT_MIGRATED] = true },
		  .count = { [SOFT_MIGRATED] = 42 } },
		{ .node = 11, .known = { [SOFT_UNKNOWN] = true } },
	};
	struct metrics_extra with = extra;
	struct engine *e = new_engine();
	_cleanup_(free_p) char *text = malloc(TEXT_MAX);
	unsigned int lines;

	assert_non_null(text);
	(void)metrics_format(e, &extra, text, TEXT_MAX);
	lines = count_lines(text);
	assert_null(strstr(text, "kernel_soft_offline"));
	with.nodes = nodes;
	with.n_nodes = ARRAY_SIZE(nodes);
	(void)metrics_format(e, &with, text, TEXT_MAX);
	assert_int_equal(count_lines(text), lines + 5);
	assert_non_null(strstr(text, "softofflined_kernel_soft_offline_requests_total"
				     "{node=\"0\",outcome=\"migrated\"} 42\n"));
	assert_non_null(strstr(text, "{node=\"0\",outcome=\"not-migrated\"} 0\n"));
	assert_non_null(strstr(text, "{node=\"11\",outcome=\"unknown\"} 0\n"));
	check_promtool(text);
	engine_free(e);
}

static void test_source(void **state)
{
	struct engine *e = new_engine();
	_cleanup_(free_p) char *text = malloc(TEXT_MAX);
	struct sight_facts facts = { .looked = true,
				     .tracefs = true,
				     .mc_event = { true, true },
				     .controllers = FACT_YES };
	struct input in = { .kind = INPUT_SOURCE,
			    .now = usec(3000000),
			    .source = &facts };
	struct effects out;

	assert_non_null(text);
	assert_int_equal(engine_step(e, &in, &out), 0);
	(void)metrics_format(e, &extra, text, TEXT_MAX);
	assert_non_null(strstr(text, "\nsoftofflined_source_up 1\n"));
	assert_non_null(strstr(text, "\nsoftofflined_source{state=\"ok\"} 1\n"));
	facts.controllers = FACT_NO;
	assert_int_equal(engine_step(e, &in, &out), 0);
	(void)metrics_format(e, &extra, text, TEXT_MAX);
	assert_non_null(strstr(text, "\nsoftofflined_source_up 0\n"));
	assert_non_null(strstr(text, "\nsoftofflined_source{state=\"ok\"} 0\n"));
	assert_non_null(strstr(text, "\nsoftofflined_source{state=\"no-driver\"} 1\n"));
	check_text(text);
	check_promtool(text);
	engine_free(e);
}

static void test_cut(void **state)
{
	struct engine *e = new_engine();
	_cleanup_(free_p) char *whole = malloc(TEXT_MAX);
	size_t n;

	assert_non_null(whole);
	give(e, 0x10000000, "A1");
	n = metrics_format(e, &extra, whole, TEXT_MAX);
	assert_int_equal(n, strlen(whole));
	assert_int_equal(metrics_format(e, &extra, NULL, 0), n);
	for (size_t size = 1; size < n + 3; size += size < 300 ? 1 : 97) {
		_cleanup_(free_p) char *part = malloc(size);

		assert_non_null(part);
		assert_int_equal(metrics_format(e, &extra, part, size), n);
		assert_int_equal(strlen(part), size - 1 < n ? size - 1 : n);
		assert_memory_equal(part, whole, strlen(part));
	}
	engine_free(e);
}

static void test_bounded(void **state)
{
	struct engine *e = new_engine();
	_cleanup_(free_p) char *text = malloc(TEXT_MAX);
	unsigned int few, many;

	assert_non_null(text);
	give(e, 0x10000000, "A1");
	(void)metrics_format(e, &extra, text, TEXT_MAX);
	few = count_lines(text);
	for (uint64_t i = 1; i < 3000; i++)
		give(e, 0x10000000 + (i << 12), "A1");
	(void)metrics_format(e, &extra, text, TEXT_MAX);
	many = count_lines(text);
	assert_int_equal(few, many);
	give(e, 0x10000000, "A2");
	(void)metrics_format(e, &extra, text, TEXT_MAX);
	/* Nine numbers, what it is, and four verdicts. */
	assert_int_equal(count_lines(text), many + 14);
	engine_free(e);
}

static unsigned int count_text(const char *text, const char *what)
{
	unsigned int n = 0;

	while ((text = strstr(text, what))) {
		text += strlen(what);
		n++;
	}
	return n;
}

static struct module_rec *add_module(struct module_list *l, const char *label, int8_t x,
				     int8_t y, int8_t z)
{
	struct module_rec *m = module_list_add(l);

	assert_non_null(m);
	m->counted = true;
	m->layer[0] = x;
	m->layer[1] = y;
	m->layer[2] = z;
	strcpy(m->label, label);
	m->size_mib = 16384;
	return m;
}

/* Samples with equal labels would make node_exporter show nothing of the file. */
static void check_no_twins(const char *text)
{
	for (const char *line = text; (line = strchr(line, '\n')) && line[1]; line++) {
		const char *end = strchr(line + 1, '\n');
		_cleanup_(free_p) char *key = strndup(line, (size_t)(end - line));

		assert_non_null(key);
		if (key[1] == '#')
			continue;
		strrchr(key, ' ')[1] = '\0';
		if (count_text(text, key) != 1)
			fail_msg("%s: twice", key + 1);
	}
}

#define A1                                                                               \
	"{mc=\"0\",location=\"0:65:49\",label=\"A1\",controller=\"0\",dimm_label=\"A1\""
#define C3 "{mc=\"0\",location=\"2:0\",label=\"C3\",controller=\"0\",dimm_label=\"C3\""

/* A DIMM has its series before its first error, and the same ones after it. */
static void test_modules(void **state)
{
	_cleanup_(free_p) struct module_list *l = calloc(1, sizeof(*l));
	_cleanup_(free_p) char *text = malloc(TEXT_MAX);
	struct metrics_extra with = extra;
	struct engine *e = new_engine();
	struct module_rec *m;
	unsigned int lines;

	assert_true(l && text);
	m = add_module(l, "A1", 0, 'A', '1');
	strcpy(m->slot, "P1-DIMMA1");
	strcpy(m->part, "PART-7");
	strcpy(m->vendor, "Mak\xfc\n\"");
	strcpy(m->serial, "SECRET");
	m->slot_match = m->identity = SLOT_EXACT;
	add_module(l, "C3", 2, 0, -1)->size_mib = 0;
	with.modules = l;
	(void)metrics_format(e, &with, text, TEXT_MAX);
	lines = count_lines(text);
	assert_non_null(strstr(text, "softofflined_uncorrected_errors_total" A1 "} 0\n"));
	assert_non_null(strstr(text, "softofflined_dimm_verdict_state" A1
				     ",verdict=\"ok\"} 1\n"));
	assert_non_null(strstr(text,
			       "softofflined_dimm_info" A1
			       ",counted=\"yes\",slot=\"P1-DIMMA1\",slot_match=\"exact\","
			       "part=\"PART-7\",vendor=\"Mak??\\\"\",identity=\"exact\","
			       "size=\"16 GiB\"} 1\n"));
	assert_non_null(strstr(text,
			       "softofflined_dimm_info" C3
			       ",counted=\"yes\",slot=\"\",slot_match=\"unknown\","));
	assert_null(strstr(text, "SECRET"));
	give(e, 0x10000000, "A1");
	(void)metrics_format(e, &with, text, TEXT_MAX);
	assert_int_equal(count_lines(text), lines);
	assert_non_null(
		strstr(text, "softofflined_corrected_errors_total" A1 "} 4294967295\n"));
	assert_non_null(strstr(text, "softofflined_corrected_errors_total" C3 "} 0\n"));
	assert_non_null(strstr(text, "softofflined_dimm_verdict_state" A1
				     ",verdict=\"ok\"} 0\n"));
	assert_non_null(strstr(text, "part=\"PART-7\""));
	check_no_twins(text);
	check_text(text);
	check_promtool(text);
	engine_free(e);
}

/* What nobody counts for has no counts, and no two samples are of one name. */
static void test_odd_modules(void **state)
{
	_cleanup_(free_p) struct module_list *l = calloc(1, sizeof(*l));
	_cleanup_(free_p) char *text = malloc(TEXT_MAX);
	struct metrics_extra with = extra;
	struct engine *e = new_engine();

	assert_true(l && text);
	with.modules = l;
	for (int i = 0; i < 3; i++) {
		struct module_rec *m = add_module(l, "", -1, -1, -1);

		m->counted = i > 1;
		m->identity = SLOT_EXACT;
		strcpy(m->slot, "DIMM 0");
	}
	add_module(l, "GONE", 3, 3, 3)->missing = true;
	add_module(l, "DOUBTED", 3, 3, 4)->doubted = true;
	add_module(l, "", -1, -1, -1);
	add_module(l, "X", 1, -1, 2);
	add_module(l, "X", 1, -1, -1);
	(void)metrics_format(e, &with, text, TEXT_MAX);
	assert_int_equal(count_text(text, "softofflined_corrected_errors_total{"), 3);
	assert_int_equal(count_text(text, "softofflined_dimm_info{"), 4);
	assert_int_equal(count_text(text, "{counted=\"no\",slot=\"DIMM 0\""), 1);
	assert_non_null(
		strstr(text, "{mc=\"0\",location=\"\",label=\"unknown memory\","));
	assert_non_null(strstr(text, "{mc=\"0\",location=\"1::2\",label=\"X\","));
	assert_null(strstr(text, "-1"));
	check_no_twins(text);
	check_text(text);
	check_promtool(text);
	engine_free(e);
}

static void test_machine(void **state)
{
	struct engine *e = new_engine();
	_cleanup_(free_p) char *text = malloc(TEXT_MAX);
	struct metrics_extra with = extra;

	assert_non_null(text);
	(void)metrics_format(e, &with, text, TEXT_MAX);
	assert_non_null(strstr(text, "\nsoftofflined_up 1\n"));
	assert_non_null(strstr(text, "\nsoftofflined_db_up 0\n"));
	assert_non_null(
		strstr(text, "\nsoftofflined_machine_uncorrected_errors_total 0\n"));
	assert_non_null(
		strstr(text, "\nsoftofflined_budget_used_up{budget=\"total\"} 0\n"));
	assert_non_null(strstr(
		text, "\nsoftofflined_oldest_waiting_page_timestamp_seconds 0.000\n"));
	assert_int_equal(count_text(text, "\nsoftofflined_verdict{"), 4);
	assert_int_equal(
		count_text(text, "\nsoftofflined_verdict{verdict=\"replace\"} 0"), 1);
	with.stopped = with.db_ok = true;
	(void)metrics_format(e, &with, text, TEXT_MAX);
	assert_non_null(strstr(text, "\nsoftofflined_up 0\n"));
	assert_non_null(strstr(text, "\nsoftofflined_db_up 1\n"));
	check_text(text);
	check_promtool(text);
	engine_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),        cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_source),      cmocka_unit_test(test_cut),
		cmocka_unit_test(test_bounded),     cmocka_unit_test(test_modules),
		cmocka_unit_test(test_odd_modules), cmocka_unit_test(test_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
