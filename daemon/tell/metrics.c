/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Formats metrics. It counts nothing itself; each number is the engine's or handed in.
 * Counters come from the database through the engine, so they survive a restart.
 */

#include "tell/metrics.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"

struct text {
	char *buf;
	size_t size;
	size_t len;
};

_printf_(2, 3) static void put(struct text *t, const char *format, ...)
{
	size_t room = t->len < t->size ? t->size - t->len : 0;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(room ? t->buf + t->len : NULL, room, format, ap);
	va_end(ap);
	if (n > 0)
		t->len += (size_t)n;
}

static void head(struct text *t, const char *name, const char *type, const char *help)
{
	put(t, "# HELP softofflined_%s %s\n# TYPE softofflined_%s %s\n", name, help, name,
	    type);
}

static void one(struct text *t, const char *name, const char *type, const char *help,
		uint64_t value)
{
	head(t, name, type, help);
	put(t, "softofflined_%s %llu\n", name, (unsigned long long)value);
}

static void one_time(struct text *t, const char *name, const char *help, double value)
{
	head(t, name, "gauge", help);
	put(t, "softofflined_%s %.3f\n", name, value);
}

static void put_label(struct text *t, const char *s)
{
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			put(t, "\\%c", *s);
		else
			put(t, "%c", *s == '\n' ? ' ' : *s);
	}
}

static void put_dimm(struct text *t, const char *name, const struct dimm_rec *d,
		     uint64_t value)
{
	put(t, "softofflined_%s{mc=\"%u\",location=\"%d:%d:%d\",label=\"", name,
	    (unsigned int)d->mc, d->layer[0], d->layer[1], d->layer[2]);
	put_label(t, d->label);
	put(t, "\"} %llu\n", (unsigned long long)value);
}

enum dimm_value {
	DIMM_CES,
	DIMM_UES,
	DIMM_UNATTRIBUTED,
	DIMM_OFFLINED,
	DIMM_REPLACE,
	DIMM_VERDICT,
	DIMM_FAULT,
	DIMM_CELLS,
	DIMM_ROWS,
};

static const struct {
	enum dimm_value value;
	const char *name;
	const char *type;
	const char *help;
} dimm_metrics[] = {
	{ DIMM_CES, "corrected_errors_total", "counter", "Corrected errors, by DIMM." },
	{ DIMM_UES, "uncorrected_errors_total", "counter",
	  "Uncorrected errors, by DIMM." },
	{ DIMM_UNATTRIBUTED, "unattributed_errors_total", "counter",
	  "Corrected errors that name no page of System RAM, by DIMM." },
	{ DIMM_OFFLINED, "dimm_pages_offlined", "gauge",
	  "Pages offlined by this daemon since boot, by DIMM." },
	{ DIMM_REPLACE, "dimm_replace_recommended", "gauge",
	  "1 if the DIMM should be replaced." },
	{ DIMM_VERDICT, "dimm_verdict", "gauge",
	  "Verdict: 0 ok, 1 watch, 2 repair-at-reboot, 3 replace." },
	{ DIMM_FAULT, "dimm_fault", "gauge",
	  "Fault class: 0 none, 1 cell, 2 row, 3 column, 4 bank, 5 rank, 6 channel." },
	{ DIMM_CELLS, "dimm_erring_cells", "gauge",
	  "Distinct cells that erred within a month, at most." },
	{ DIMM_ROWS, "dimm_erring_rows", "gauge",
	  "Distinct DRAM rows that erred within a month, at most." },
};

/* A DIMM is never "degraded"; numbers without a gap are what alert rules want. */
static uint64_t verdict_number(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_OK:
	case VERDICT_MAX_:
		return 0;
	case VERDICT_WATCH:
	case VERDICT_DEGRADED:
		return 1;
	case VERDICT_REPAIR:
		return 2;
	case VERDICT_REPLACE:
		return 3;
	}
	return 0;
}

static uint64_t dimm_value(const struct engine *e, uint16_t index, enum dimm_value value)
{
	const struct dimm_rec *d = engine_dimm(e, index);
	switch (value) {
	case DIMM_CES:
		return d->corrected_errors;
	case DIMM_UES:
		return d->uncorrected_errors;
	case DIMM_UNATTRIBUTED:
		return d->unattributed;
	case DIMM_OFFLINED:
		return d->offlined;
	case DIMM_REPLACE:
		return engine_dimm_verdict(e, index, NULL) == VERDICT_REPLACE;
	case DIMM_VERDICT:
		return verdict_number(engine_dimm_verdict(e, index, NULL));
	case DIMM_FAULT:
		return (uint64_t)d->fault.class;
	case DIMM_CELLS:
		return d->fault.cells;
	case DIMM_ROWS:
		return d->fault.rows;
	}
	return 0;
}

static bool is_shown(const struct engine *e, uint16_t index)
{
	const struct dimm_rec *d = engine_dimm(e, index);

	if (d->former)
		return false; /* another one has its labels now */
	return index != DIMM_OTHER || d->corrected_errors > 0 ||
	       d->uncorrected_errors > 0 || d->offlined > 0;
}

static void put_dimms(struct text *t, const struct engine *e)
{
	for (size_t m = 0; m < ARRAY_SIZE(dimm_metrics); m++) {
		head(t, dimm_metrics[m].name, dimm_metrics[m].type, dimm_metrics[m].help);
		for (uint16_t i = 0; i < engine_dimms(e); i++)
			if (is_shown(e, i))
				put_dimm(t, dimm_metrics[m].name, engine_dimm(e, i),
					 dimm_value(e, i, dimm_metrics[m].value));
	}
}

static void put_totals(struct text *t, const struct totals *totals)
{
	one(t, "events_total", "counter", "Memory error events read.", totals->events);
	one(t, "events_lost_total", "counter",
	    "Events overwritten unread, or read and not stored; counts are lower bounds.",
	    totals->events_lost);
	one(t, "malformed_pages_total", "counter",
	    "Ring-buffer pages that could not be decoded to their end.",
	    totals->malformed);
	head(t, "offline_attempts_total", "counter",
	     "Decisions and attempts, by result.");
	for (int r = RESULT_OFFLINED; r < RESULT_MAX_; r++)
		put(t, "softofflined_offline_attempts_total{result=\"%s\"} %llu\n",
		    result_to_string((enum result)r),
		    (unsigned long long)totals->attempts[r]);
}

static void put_pages(struct text *t, const struct engine_status *s)
{
	one(t, "pages_tracked", "gauge", "Pages in the tracker.", s->tracked);
	head(t, "pages", "gauge", "Pages in the tracker, by state.");
	for (int p = PAGE_WATCHED; p < PAGE_STATE_MAX_; p++)
		put(t, "softofflined_pages{state=\"%s\"} %u\n",
		    page_state_to_string((enum page_state)p), s->pages[p]);
	head(t, "hold", "gauge", "1 if nothing is offlined at present, by reason.");
	put(t, "softofflined_hold{reason=\"unsupported\"} %d\n",
	    s->hold == RESULT_UNSUPPORTED);
	put(t, "softofflined_hold{reason=\"denied\"} %d\n", s->hold == RESULT_DENIED);
}

static void put_budget(struct text *t, const struct engine *e,
		       const struct engine_status *s)
{
	uint64_t page = UINT64_C(1) << engine_page_shift(e);

	one(t, "offline_bytes", "gauge", "Memory offlined by this daemon since boot.",
	    s->offlined_by_us * page);
	one(t, "offline_budget_bytes", "gauge", "Memory that may be offlined in all.",
	    s->limit_pages * page);
	one(t, "hour_budget_pages", "gauge", "Pages that may be offlined an hour.",
	    s->hour_limit);
	one(t, "hour_used_pages", "gauge", "Pages offlined in the last 60 minutes.",
	    s->hour_used);
	if (s->poisoned_kib < 0)
		return;
	head(t, "poisoned_bytes", "gauge",
	     "Memory that the kernel counts as poisoned, by whom.");
	put(t, "softofflined_poisoned_bytes{by=\"us\"} %llu\n",
	    (unsigned long long)s->by_us_kib * 1024);
	put(t, "softofflined_poisoned_bytes{by=\"others\"} %llu\n",
	    (unsigned long long)s->by_others_kib * 1024);
}

/* Series only for what this kernel counts: a kernel without has none of them. */
static void put_nodes(struct text *t, const struct soft_counts *nodes, size_t n)
{
	if (n == 0)
		return;
	head(t, "kernel_soft_offline_requests_total", "counter",
	     "Soft-offline requests by anybody since boot, as the kernel counts them.");
	for (size_t i = 0; i < n; i++)
		for (int o = 0; o < SOFT_OUTCOME_MAX_; o++)
			if (nodes[i].known[o])
				put(t,
				    "softofflined_kernel_soft_offline_requests_total"
				    "{node=\"%u\",outcome=\"%s\"} %llu\n",
				    nodes[i].node,
				    soft_outcome_to_string((enum soft_outcome)o),
				    (unsigned long long)nodes[i].count[o]);
}

static double wall_seconds(int64_t when, usec_t offset)
{
	if (when == INT64_MIN)
		return 0;
	return (double)usec_add(usec(when), offset).us / (double)USEC_PER_SEC;
}

static void put_times(struct text *t, const struct engine *e,
		      const struct metrics_extra *x)
{
	const struct totals *totals = engine_totals(e);

	one_time(t, "start_time_seconds", "When the daemon started.", x->started);
	one_time(t, "last_event_timestamp_seconds", "The newest event; 0: none yet.",
		 wall_seconds(totals->last_event, x->wall_offset));
	one_time(t, "last_offline_timestamp_seconds",
		 "The newest soft offline; 0: none yet.",
		 wall_seconds(totals->last_offline, x->wall_offset));
	one(t, "config_last_reload_successful", "gauge",
	    "1 if the last (re)load of the configuration was accepted.", x->reload_ok);
	one_time(t, "config_last_reload_success_timestamp_seconds",
		 "When the configuration in force was loaded.", x->reload_time);
}

size_t metrics_format(const struct engine *e, const struct metrics_extra *extra,
		      char *buf, size_t size)
{
	struct text t = { .buf = buf, .size = size };
	struct engine_status s;

	engine_status(e, extra->now, &s);
	head(&t, "build_info", "gauge", "1, with the version as label.");
	put(&t, "softofflined_build_info{version=\"%s\"} 1\n", extra->version);
	one(&t, "up", "gauge", "1 while the daemon writes this file.", 1);
	one(&t, "dry_run", "gauge", "1 if nothing is really offlined.", extra->dry_run);
	put_times(&t, e, extra);
	put_dimms(&t, e);
	put_totals(&t, engine_totals(e));
	put_pages(&t, &s);
	put_budget(&t, e, &s);
	put_nodes(&t, extra->nodes, extra->n_nodes);
	one(&t, "db_size_bytes", "gauge", "Size of the database and its log.",
	    extra->db_bytes);
	one(&t, "db_errors_total", "counter", "Failures of the database since the start.",
	    extra->db_errors);
	one(&t, "db_lost_rows_total", "counter",
	    "Rows that could not be stored and are lost for good.", extra->db_lost_rows);
	return t.len;
}
