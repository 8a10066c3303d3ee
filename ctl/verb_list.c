/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The verbs that print one list: pages, dimms, history. Which columns people see is
 * decided here; JSON has all of the fields.
 */

#include "ctl.h"

static const struct column page_columns[] = {
	{ "ADDRESS", "address", true },      { "DIMM", "dimm", false },
	{ "CES", "corrected_errors", true }, { "STATE", "state", false },
	{ "REASON", "reason", false },       { "RESULT", "result", false },
	{ "TRIES", "attempts", true },       { "LAST SEEN", "last_seen", false },
};

static const struct column history_columns[] = {
	{ "TIME", "time", false },      { "ADDRESS", "address", true },
	{ "ACTION", "action", false },  { "REASON", "reason", false },
	{ "RESULT", "result", false },  { "ERRNO", "errno", false },
	{ "KIND", "page_type", false }, { "TOOK", "duration_usec", true },
};

static const struct column dimm_columns[] = {
	{ "DIMM", "label", false },
	{ "LOCATION", "location", false },
	{ "SIZE", "size_mib", true },
	{ "PART", "part", false },
	{ "SERIAL", "serial", false },
	{ "CES", "corrected_errors", true },
	{ "UES", "uncorrected_errors", true },
	{ "PAGES", "pages", true },
	{ "OFFLINED", "offlined", true },
	{ "FAULT", "fault", false },
	{ "VERDICT", "verdict", false },
};

/* Newest first; among equals by address, so that the order is always the same. */
static int compare_pages(const void *a, const void *b)
{
	const struct page_report *p = a, *q = b;

	if (p->last_seen != q->last_seen)
		return p->last_seen < q->last_seen ? 1 : -1;
	return p->address < q->address ? -1 : p->address > q->address;
}

int verb_pages(const struct ctl *ctl)
{
	_cleanup_(rows_done) struct rows rows = { .size = sizeof(struct page_report) };
	_cleanup_(source_free_p) struct source *s = NULL;
	struct listing listing = { .columns = page_columns,
				   .n_columns = ARRAY_SIZE(page_columns) };
	struct report_filter f;

	if (ctl_parse_filter(ctl, &f) < 0)
		return CTL_USAGE;
	if (ctl_open_source(ctl, &s) < 0)
		return CTL_FAILURE;
	/* The newest are known only when all are. */
	f.limit = 0;
	if (s->ops->pages(s, &f, rows_add, &rows) < 0)
		return ctl_fail(s);
	if (rows.n > 0)
		qsort(rows.v, rows.n, rows.size, compare_pages);
	if (ctl->args->lines && rows.n > ctl->args->lines)
		rows.n = ctl->args->lines;
	listing.fields = page_report_fields(&listing.n_fields);
	return print_rows(&ctl->ui, &rows, &listing);
}

int verb_history(const struct ctl *ctl)
{
	_cleanup_(rows_done) struct rows rows = { .size = sizeof(struct history_report) };
	_cleanup_(source_free_p) struct source *s = NULL;
	struct listing listing = { .columns = history_columns,
				   .n_columns = ARRAY_SIZE(history_columns) };
	struct report_filter f;

	if (ctl_parse_filter(ctl, &f) < 0)
		return CTL_USAGE;
	if (ctl_open_source(ctl, &s) < 0)
		return CTL_FAILURE;
	if (s->ops->history(s, &f, rows_add, &rows) < 0)
		return ctl_fail(s);
	if (s->bus && rows.n == BUS_MAX_ROWS && rows.n != f.limit)
		complain("only the newest %zu rows; softofflined answers no more at once",
			 rows.n);
	listing.fields = history_report_fields(&listing.n_fields);
	return print_rows(&ctl->ui, &rows, &listing);
}

int verb_dimms(const struct ctl *ctl)
{
	_cleanup_(rows_done) struct rows rows = { .size = sizeof(struct dimm_report) };
	_cleanup_(source_free_p) struct source *s = NULL;
	struct listing listing = { .columns = dimm_columns,
				   .n_columns = ARRAY_SIZE(dimm_columns) };
	int r;

	if (ctl_open_source(ctl, &s) < 0)
		return CTL_FAILURE;
	if (s->ops->dimms(s, rows_add, &rows) < 0)
		return ctl_fail(s);
	listing.fields = dimm_report_fields(&listing.n_fields);
	r = print_rows(&ctl->ui, &rows, &listing);
	for (size_t i = 0; r == CTL_FINE && !ctl->ui.json && i < rows.n; i++) {
		const struct dimm_report *dimm = rows_at(&rows, i);
		enum verdict verdict;

		if (verdict_from_string(dimm->verdict, &verdict) == 0 &&
		    verdict >= VERDICT_DEGRADED && dimm->verdict_why[0])
			printf("%s%s%s: %s\n", color_alert(&ctl->ui), dimm->label,
			       color_off(&ctl->ui), dimm->verdict_why);
	}
	return r;
}
