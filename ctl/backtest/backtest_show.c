/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A back-test's results as tables and as JSON. It adds nothing up and judges nothing.
 */

#include "backtest/backtest_show.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const struct {
	enum backtest_budget bit;
	const char *word;
} budgets[] = {
	{ BACKTEST_BUDGET_HOUR, "budget-hour" },
	{ BACKTEST_BUDGET_DIMM, "budget-dimm" },
	{ BACKTEST_BUDGET_TOTAL, "budget-total" },
};

static json_t *json_count(uint64_t n)
{
	return json_integer((json_int_t)(n < INT64_MAX ? n : INT64_MAX));
}

static json_t *json_time(int64_t time)
{
	return time == BACKTEST_NO_TIME ? json_null() : json_integer(time);
}

/* Hours between two times, to the hundredth; null if a time is not known, or too late. */
static json_t *json_hours(int64_t from, int64_t to)
{
	int64_t hundredths;

	if (from == BACKTEST_NO_TIME || to == BACKTEST_NO_TIME || from > to)
		return json_null();
	hundredths = usec_sub(usec(to), usec(from)).us / (USEC_PER_HOUR / 100);
	return json_real((double)hundredths / 100);
}

static json_t *json_percent(uint64_t part, uint64_t all)
{
	uint64_t hundredths;

	if (all == 0)
		return json_null();
	hundredths = (uint64_t)((double)part * 10000 / (double)all + 0.5);
	return json_real((double)hundredths / 100);
}

static json_t *json_budgets(unsigned int met)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < ARRAY_SIZE(budgets); i++)
		if (met & budgets[i].bit)
			json_array_append_new(list, json_string(budgets[i].word));
	return list;
}

static uint64_t kib_of(const struct backtest_show *show, uint64_t pages)
{
	return pages << (show->page_shift - 10);
}

/* Policies of other programs give no verdict. */
static const char *word_or_null(bool has_verdicts, const char *word)
{
	return has_verdicts ? word : NULL;
}

static json_t *json_result(const struct backtest_show *show, unsigned int policy,
			   const struct backtest_result *r)
{
	bool judges = !show->policies[policy]->page_rule_only;

	return json_pack(
		"{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o,"
		" s:s?, s:s?, s:s?}",
		"dimm", r->dimm, "ces", json_count(r->ces), "pages", json_count(r->pages),
		"pages_offlined", json_count(r->pages_offlined), "kib_offlined",
		json_count(kib_of(show, r->pages_offlined)), "ces_avoided",
		json_count(r->ces_avoided), "ces_missed",
		json_count(r->ces - r->ces_avoided), "first_action",
		json_time(r->first_action), "ue_time", json_time(r->ue_time),
		"hours_before_ue", json_hours(r->first_action, r->ue_time),
		"pages_seen_before_ue", json_count(r->pages_before_ue),
		"pages_covered_before_ue", json_count(r->offlined_before_ue),
		"replace_hours_before_ue", json_hours(r->replace_time, r->ue_time),
		"budgets", json_budgets(r->budgets), "class",
		word_or_null(judges, fault_class_to_string(r->class)), "verdict",
		word_or_null(judges, verdict_to_string(r->verdict)), "verdict_why",
		word_or_null(judges, r->verdict_why));
}

static json_t *json_total(const struct backtest_show *show, unsigned int policy)
{
	struct backtest_input in;
	struct backtest_total t;

	backtest_input(show->backtest, &in);
	backtest_total(show->backtest, policy, &t);
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o,"
		" s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"dimms", json_count(in.dimms), "ces", json_count(t.ces), "pages",
		json_count(t.pages), "pages_offlined", json_count(t.pages_offlined),
		"pages_offlined_without_ue", json_count(t.pages_offlined_healthy),
		"kib_offlined", json_count(kib_of(show, t.pages_offlined)), "ces_avoided",
		json_count(t.ces_avoided), "ces_missed",
		json_count(t.ces - t.ces_avoided), "percent_avoided",
		json_percent(t.ces_avoided, t.ces), "ue_dimms", json_count(t.ue_dimms),
		"ue_dimms_reached", json_count(t.ue_dimms_reached), "ue_dimms_replace",
		json_count(t.ue_dimms_replace), "pages_seen_before_ue",
		json_count(t.pages_before_ue), "pages_covered_before_ue",
		json_count(t.offlined_before_ue), "replace", json_count(t.replace),
		"budget_hour", json_count(t.budget_hour), "budget_dimm",
		json_count(t.budget_dimm), "budget_total", json_count(t.budget_total),
		"rows", json_count(in.rows), "bad_rows", json_count(show->bad_rows),
		"late_rows", json_count(in.late));
}

static int print_as_json(const struct backtest_show *show)
{
	_cleanup_(json_decref_p) json_t *list = json_array();
	struct backtest_input in;
	struct backtest_result r;

	backtest_input(show->backtest, &in);
	for (unsigned int i = 0; i < show->n_policies; i++) {
		json_t *dimms = json_array();

		for (unsigned int j = 0; j < in.dimms; j++) {
			backtest_result(show->backtest, i, j, &r);
			if (json_array_append_new(dimms, json_result(show, i, &r)) < 0) {
				json_decref(dimms);
				return print_json(NULL);
			}
		}
		/* Without this, an answer that lacks a policy would look complete. */
		if (json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "policy",
							  show->policies[i]->name,
							  "dimms", dimms, "total",
							  json_total(show, i))) < 0)
			return print_json(NULL);
	}
	return print_json(TAKE_PTR(list));
}

static void text_share(uint64_t part, uint64_t all, char *buf)
{
	if (all == 0)
		snprintf(buf, OUTPUT_TEXT_MAX, "-");
	else
		snprintf(buf, OUTPUT_TEXT_MAX, "%.1f%%",
			 (double)part * 100 / (double)all);
}

/* How long before the error something was done. */
static void text_lead(int64_t from, int64_t to, char *buf)
{
	if (from == BACKTEST_NO_TIME || to == BACKTEST_NO_TIME || from > to)
		snprintf(buf, OUTPUT_TEXT_MAX, "-");
	else
		text_span(usec_sub(usec(to), usec(from)).us, buf);
}

static void text_of(uint64_t part, uint64_t all, char *buf)
{
	snprintf(buf, OUTPUT_TEXT_MAX, "%" PRIu64 " of %" PRIu64, part, all);
}

enum total_column {
	TOTAL_POLICY,
	TOTAL_PAGES,
	TOTAL_KIB,
	TOTAL_AVOIDED,
	TOTAL_MISSED,
	TOTAL_REACHED,
	TOTAL_COVERED,
	TOTAL_REPLACE,
	TOTAL_BUDGETS,
};

/* clang-format off */
static const struct column total_columns[] = {
	[TOTAL_POLICY] = { "POLICY", NULL, false, true, 0 },
	[TOTAL_PAGES] = { "PAGES", NULL, true, false, 0 },
	[TOTAL_KIB] = { "MEMORY", NULL, true, false, 1 },
	[TOTAL_AVOIDED] = { "AVOIDED", NULL, true, false, 0 },
	[TOTAL_MISSED] = { "MISSED", NULL, true, false, 2 },
	[TOTAL_REACHED] = { "REACHED", NULL, true, false, 0 },
	[TOTAL_COVERED] = { "COVERED", NULL, true, false, 0 },
	[TOTAL_REPLACE] = { "REPLACE", NULL, true, false, 0 },
	[TOTAL_BUDGETS] = { "BUDGETS", NULL, true, false, 3 },
};
/* clang-format on */

static void total_cell(const void *userdata, size_t row, size_t column,
		       char buf[OUTPUT_TEXT_MAX])
{
	const struct backtest_show *show = userdata;
	struct backtest_total t;

	backtest_total(show->backtest, (unsigned int)row, &t);
	switch ((enum total_column)column) {
	case TOTAL_POLICY:
		snprintf(buf, OUTPUT_TEXT_MAX, "%s", show->policies[row]->name);
		break;
	case TOTAL_PAGES:
		text_count(t.pages_offlined, buf);
		break;
	case TOTAL_KIB:
		text_kib((int64_t)kib_of(show, t.pages_offlined), buf);
		break;
	case TOTAL_AVOIDED:
		text_share(t.ces_avoided, t.ces, buf);
		break;
	case TOTAL_MISSED:
		text_count(t.ces - t.ces_avoided, buf);
		break;
	case TOTAL_REACHED:
		text_of(t.ue_dimms_reached, t.ue_dimms, buf);
		break;
	case TOTAL_COVERED:
		text_of(t.offlined_before_ue, t.pages_before_ue, buf);
		break;
	case TOTAL_REPLACE:
		text_of(t.ue_dimms_replace, t.ue_dimms, buf);
		break;
	case TOTAL_BUDGETS:
		text_count(t.budget_hour + t.budget_dimm + t.budget_total, buf);
		break;
	}
}

enum dimm_column {
	DIMM_NAME,
	DIMM_CES,
	DIMM_AVOIDED,
	DIMM_MISSED,
	DIMM_PAGES,
	DIMM_OFFLINED,
	DIMM_KIB,
	DIMM_FIRST,
	DIMM_BEFORE,
	DIMM_COVERED,
	DIMM_CLASS,
	DIMM_VERDICT,
	DIMM_BUDGETS,
};

/* clang-format off */
static const struct column dimm_columns[] = {
	[DIMM_NAME] = { "DIMM", NULL, false, true, 0 },
	[DIMM_CES] = { "CE", NULL, true, false, 0 },
	[DIMM_AVOIDED] = { "AVOIDED", NULL, true, false, 3 },
	[DIMM_MISSED] = { "MISSED", NULL, true, false, 0 },
	[DIMM_PAGES] = { "PAGES", NULL, true, false, 2 },
	[DIMM_OFFLINED] = { "OFFLINED", NULL, true, false, 0 },
	[DIMM_KIB] = { "MEMORY", NULL, true, false, 1 },
	[DIMM_FIRST] = { "ACTED", NULL, false, false, 4 },
	[DIMM_BEFORE] = { "LEAD", NULL, true, false, 0 },
	[DIMM_COVERED] = { "COVERED", NULL, true, false, 0 },
	[DIMM_CLASS] = { "FAULT", NULL, false, false, 6 },
	[DIMM_VERDICT] = { "VERDICT", NULL, false, false, 0 },
	[DIMM_BUDGETS] = { "BUDGETS", NULL, false, true, 5 },
};
/* clang-format on */

struct dimm_cells {
	const struct backtest_show *show;
	const struct ui *ui;
	unsigned int policy;
	unsigned int *order; /* DIMMs, the worst first */
};

static void text_budgets(unsigned int met, char *buf)
{
	size_t len = 0;

	snprintf(buf, OUTPUT_TEXT_MAX, "-");
	for (size_t i = 0; i < ARRAY_SIZE(budgets); i++)
		if (met & budgets[i].bit)
			len += (size_t)snprintf(buf + len, OUTPUT_TEXT_MAX - len, "%s%s",
						len > 0 ? " " : "", budgets[i].word);
}

static void covered_cell(const struct backtest_result *r, char *buf)
{
	if (r->ue_time == BACKTEST_NO_TIME)
		snprintf(buf, OUTPUT_TEXT_MAX, "-");
	else
		text_of(r->offlined_before_ue, r->pages_before_ue, buf);
}

static void dimm_cell(const void *userdata, size_t row, size_t column,
		      char buf[OUTPUT_TEXT_MAX])
{
	const struct dimm_cells *cells = userdata;
	bool judges = !cells->show->policies[cells->policy]->page_rule_only;
	struct ui file = *cells->ui;
	struct backtest_result r;

	file.terminal = false; /* no "ago": the errors are in the past */
	backtest_result(cells->show->backtest, cells->policy, cells->order[row], &r);
	switch ((enum dimm_column)column) {
	case DIMM_NAME:
		snprintf(buf, OUTPUT_TEXT_MAX, "%s", r.dimm);
		break;
	case DIMM_CES:
		text_count(r.ces, buf);
		break;
	case DIMM_AVOIDED:
		text_count(r.ces_avoided, buf);
		break;
	case DIMM_MISSED:
		text_count(r.ces - r.ces_avoided, buf);
		break;
	case DIMM_PAGES:
		text_count(r.pages, buf);
		break;
	case DIMM_OFFLINED:
		text_count(r.pages_offlined, buf);
		break;
	case DIMM_KIB:
		text_kib((int64_t)kib_of(cells->show, r.pages_offlined), buf);
		break;
	case DIMM_FIRST:
		text_time(&file, r.first_action, buf);
		break;
	case DIMM_BEFORE:
		text_lead(r.first_action, r.ue_time, buf);
		break;
	case DIMM_COVERED:
		covered_cell(&r, buf);
		break;
	case DIMM_CLASS:
		snprintf(buf, OUTPUT_TEXT_MAX, "%s",
			 judges ? fault_class_to_string(r.class) : "-");
		break;
	case DIMM_VERDICT:
		snprintf(buf, OUTPUT_TEXT_MAX, "%s",
			 judges ? verdict_to_string(r.verdict) : "-");
		break;
	case DIMM_BUDGETS:
		text_budgets(r.budgets, buf);
		break;
	}
}

static void print_input(const struct ui *ui, const struct backtest_input *in)
{
	char count[OUTPUT_TEXT_MAX], first[OUTPUT_TEXT_MAX], last[OUTPUT_TEXT_MAX];
	struct ui file = *ui;

	file.terminal = false;
	print_note(ui, "", "%s corrected errors of %u DIMM%s, %s to %s; %u with a UE",
		   text_count(in->ces, count), in->dimms, in->dimms == 1 ? "" : "s",
		   text_time(&file, in->first, first), text_time(&file, in->last, last),
		   in->ue_dimms);
	putchar('\n');
}

static int compare_places(const void *a, const void *b, void *userdata)
{
	const struct dimm_cells *cells = userdata;
	unsigned int i = *(const unsigned int *)a, k = *(const unsigned int *)b;
	struct backtest_result p, q;
	bool p_ue, q_ue;

	backtest_result(cells->show->backtest, cells->policy, i, &p);
	backtest_result(cells->show->backtest, cells->policy, k, &q);
	p_ue = p.ue_time != BACKTEST_NO_TIME;
	q_ue = q.ue_time != BACKTEST_NO_TIME;
	if (p_ue != q_ue)
		return p_ue ? -1 : 1;
	if (p.verdict != q.verdict)
		return p.verdict > q.verdict ? -1 : 1;
	if (p.ces != q.ces)
		return p.ces > q.ces ? -1 : 1;
	return i < k ? -1 : i > k;
}

/* Those that had an uncorrected error, then by verdict and errors. */
static int print_dimms(const struct ui *ui, struct dimm_cells *cells, unsigned int n)
{
	const struct listing listing = { NULL, 0, dimm_columns,
					 ARRAY_SIZE(dimm_columns) };

	for (unsigned int i = 0; i < n; i++)
		cells->order[i] = i;
	if (n > 0)
		qsort_r(cells->order, n, sizeof(*cells->order), compare_places, cells);
	printf("\n%s%s%s\n", color_bold(ui), cells->show->policies[cells->policy]->name,
	       color_off(ui));
	return print_table(ui, &listing, n, dimm_cell, cells);
}

int backtest_print(const struct ui *ui, const struct backtest_show *show)
{
	struct listing totals = { NULL, 0, total_columns, ARRAY_SIZE(total_columns) };
	_cleanup_(free_p) unsigned int *order = NULL;
	struct dimm_cells cells = { show, ui, 0, NULL };
	struct backtest_input in;
	int r;

	if (ui->json)
		return print_as_json(show);
	backtest_input(show->backtest, &in);
	if (ui->legend)
		print_input(ui, &in);
	cells.order = order = calloc(in.dimms + 1, sizeof(*order));
	r = order ? print_table(ui, &totals, show->n_policies, total_cell, show)
		  : -ENOMEM;
	for (; r >= 0 && cells.policy < show->n_policies; cells.policy++)
		r = print_dimms(ui, &cells, in.dimms);
	if (r < 0) {
		complain("cannot print: out of memory");
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
