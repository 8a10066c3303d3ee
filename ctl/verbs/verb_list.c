/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The verbs that print one list: pages, dimms, history. Which columns people see is
 * decided here; JSON has all of the fields.
 */

#include "ctl.h"
#include "doctor/memories.h"

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
	listing.fields = history_report_fields(&listing.n_fields);
	return print_rows(&ctl->ui, &rows, &listing);
}

/* The machine's memory controllers, shown below the DIMMs; both NULL if unknown. */
struct hardware {
	struct pci_memories *memories;
	struct topology *topology;
};

static void hardware_done(struct hardware *h)
{
	free(h->memories);
	topology_free(h->topology);
}

/* A file named by --db may be from another machine. */
static void hardware_read(const struct ctl *ctl, struct hardware *ret)
{
	struct hardware h = { .memories = NULL };

	if (ctl->args->given & ARGS_DB || topology_read(&h.topology, ctl->root) < 0)
		return;
	if (topology_pci_memories(ctl->root, &h.memories) < 0) {
		hardware_done(&h);
		return;
	}
	*ret = h;
}

static int print_dimms_json(const struct rows *rows, const struct listing *listing,
			    const struct hardware *h)
{
	_cleanup_(json_decref_p) json_t *list =
		rows_to_json(rows, listing->fields, listing->n_fields);

	for (size_t i = 0; list && i < rows->n; i++) {
		const struct dimm_report *dimm = rows_at(rows, i);
		json_t *controller =
			h->memories ? memories_controller(h->memories, h->topology,
							  dimm->location)
				    : json_null();

		if (json_object_set_new(json_array_get(list, i), "controller",
					controller) < 0)
			return print_json(NULL);
	}
	return print_json(TAKE_PTR(list));
}

static void print_verdicts(const struct ctl *ctl, const struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		const struct dimm_report *dimm = rows_at(rows, i);
		enum verdict verdict;

		if (dimm->former == 1)
			printf("%s: former; another module is in its place\n",
			       dimm->label);
		else if (verdict_from_string(dimm->verdict, &verdict) == 0 &&
			 verdict >= VERDICT_DEGRADED && dimm->verdict_why[0])
			printf("%s%s%s: %s\n", color_alert(&ctl->ui), dimm->label,
			       color_off(&ctl->ui), dimm->verdict_why);
	}
}

int verb_dimms(const struct ctl *ctl)
{
	_cleanup_(hardware_done) struct hardware hardware = { .memories = NULL };
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
	hardware_read(ctl, &hardware);
	if (ctl->ui.json)
		return print_dimms_json(&rows, &listing, &hardware);
	r = print_rows(&ctl->ui, &rows, &listing);
	if (r != CTL_FINE)
		return r;
	print_verdicts(ctl, &rows);
	if (hardware.memories && ctl->ui.legend)
		memories_print(hardware.memories, hardware.topology);
	return CTL_FINE;
}
