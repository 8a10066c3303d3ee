/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Formats metrics, and counts nothing itself: each number is the engine's or the
 * caller's. The engine restores its counters from the database, so they survive a
 * restart.
 */

#include "tell/metrics.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "tell/metrics_dimm.h"

/*
 * Every metric is one row here, in the order of the text, as
 *
 *   KIND(name, type, HELP text, value)
 *
 * NUMBER: one sample; the value is an expression over @f, a struct facts.
 * SECONDS: the same for a point in time, in seconds since the epoch.
 * DIMM: one sample for each DIMM; the value may use f->dimm and f->verdict, too.
 * SERIES: samples with labels; the value is a function that appends all of the metric.
 */
/* clang-format off */
#define METRIC_LIST(NUMBER, SECONDS, DIMM, SERIES)                                       \
	SERIES(build_info, gauge, "1, with the version as label.", metrics_version)      \
	NUMBER(up, gauge, "1 while the daemon runs, 0 once it has stopped.",             \
	       !f->extra->stopped)                                                       \
	NUMBER(dry_run, gauge, "1 if nothing is really offlined.", f->extra->dry_run)    \
	SECONDS(start_time_seconds, gauge, "When the daemon started.",                   \
		f->extra->started)                                                       \
	SECONDS(last_event_timestamp_seconds, gauge, "The newest event; 0: none yet.",   \
		metrics_seconds(f, f->totals->last_event))                               \
	SECONDS(last_offline_timestamp_seconds, gauge,                                   \
		"The newest soft offline; 0: none yet.",                                 \
		metrics_seconds(f, f->totals->last_offline))                             \
	NUMBER(config_last_reload_successful, gauge,                                     \
	       "1 if the last (re)load of the configuration was accepted.",              \
	       f->extra->reload_ok)                                                      \
	SECONDS(config_last_reload_success_timestamp_seconds, gauge,                     \
		"When the configuration in force was loaded.", f->extra->reload_time)    \
	NUMBER(source_up, gauge, "1 if memory errors can be seen.",                      \
	       sight_cause_up(f->status.sight))                                          \
	SERIES(source, gauge, "1 for the state of the source of errors, by state.",      \
	       metrics_source)                                                           \
	SERIES(verdict, gauge, "1 for the verdict on the machine, by verdict.",          \
	       metrics_machine_verdict)                                                  \
	NUMBER(machine_corrected_errors_total, counter,                                  \
	       "Corrected errors of the whole machine.", f->totals->corrected_errors)    \
	NUMBER(machine_uncorrected_errors_total, counter,                                \
	       "Uncorrected errors of the whole machine.",                               \
	       f->totals->uncorrected_errors)                                            \
	SERIES(dimm_info, gauge,                                                         \
	       "1 for each DIMM that EDAC or the firmware knows, with what it is.",      \
	       metrics_info)                                                             \
	DIMM(corrected_errors_total, counter, "Corrected errors, by DIMM.",              \
	     f->dimm->corrected_errors)                                                  \
	DIMM(uncorrected_errors_total, counter, "Uncorrected errors, by DIMM.",          \
	     f->dimm->uncorrected_errors)                                                \
	DIMM(unattributed_errors_total, counter,                                         \
	     "Corrected errors that name no page of System RAM, by DIMM.",               \
	     f->dimm->unattributed)                                                      \
	DIMM(dimm_pages_offlined, gauge,                                                 \
	     "Pages offlined by this daemon since boot, by DIMM.", f->dimm->offlined)    \
	DIMM(dimm_replace_recommended, gauge, "1 if the DIMM should be replaced.",       \
	     f->verdict == VERDICT_REPLACE)                                              \
	DIMM(dimm_verdict, gauge,                                                        \
	     "Verdict: 0 ok, 1 watch, 2 repair-at-reboot, 3 replace.",                   \
	     metrics_verdict(f->verdict))                                                \
	SERIES(dimm_verdict_state, gauge, "1 for the verdict on the DIMM, by verdict.",  \
	       metrics_dimm_verdicts)                                                    \
	DIMM(dimm_fault, gauge,                                                          \
	     "Fault class: 0 none, 1 cell, 2 row, 3 column, 4 bank, 5 rank, 6 channel.", \
	     f->dimm->fault.class)                                                       \
	DIMM(dimm_erring_cells, gauge,                                                   \
	     "Distinct cells that erred in the month before the newest of them.", f->dimm->fault.cells) \
	DIMM(dimm_erring_rows, gauge,                                                    \
	     "Distinct DRAM rows that erred in the month before the newest cell.",                   \
	     f->dimm->fault.rows)                                                        \
	NUMBER(events_total, counter, "Memory error events read.", f->totals->events)    \
	NUMBER(events_lost_total, counter,                                               \
	       "Events overwritten unread, or read and not stored; "                     \
	       "counts are lower bounds.",                                               \
	       f->totals->events_lost)                                                   \
	NUMBER(malformed_pages_total, counter,                                           \
	       "Ring-buffer pages that could not be decoded to their end.",              \
	       f->totals->malformed)                                                     \
	NUMBER(trace_gaps_total, counter,                                                \
	       "Times in which events may be missing because another program changed "   \
	       "the trace instance; counts are lower bounds.",                           \
	       f->totals->gaps)                                                          \
	SERIES(offline_attempts_total, counter, "Decisions and attempts, by result.",    \
	       metrics_attempts)                                                         \
	NUMBER(pages_tracked, gauge, "Pages in the tracker.", f->status.tracked)         \
	SERIES(pages, gauge, "Pages in the tracker, by state.", metrics_pages)           \
	SERIES(hold, gauge, "1 if nothing is offlined at present, by reason.",           \
	       metrics_hold)                                                             \
	SECONDS(oldest_waiting_page_timestamp_seconds, gauge,                            \
		"Since when the page waits that waits longest; 0: none waits.",          \
		metrics_seconds(f, f->status.waiting_since))                             \
	SERIES(budget_used_up, gauge,                                                    \
	       "1 if pages wait or are refused for this budget, by budget.",             \
	       metrics_budgets)                                                          \
	NUMBER(offline_bytes, gauge, "Memory offlined by this daemon since boot.",       \
	       f->status.offlined_by_us * f->page_bytes)                                 \
	NUMBER(offline_budget_bytes, gauge, "Memory that may be offlined in all.",       \
	       f->status.limit_pages * f->page_bytes)                                    \
	NUMBER(hour_budget_pages, gauge, "Pages that may be offlined an hour.",          \
	       f->status.hour_limit)                                                     \
	NUMBER(hour_used_pages, gauge, "Pages offlined in the last 60 minutes.",         \
	       f->status.hour_used)                                                      \
	SERIES(poisoned_bytes, gauge,                                                    \
	       "Memory that the kernel counts as poisoned, by whom.", metrics_poisoned)  \
	SERIES(kernel_soft_offline_requests_total, counter,                              \
	       "Soft-offline requests by anybody since boot, as the kernel counts them.",\
	       metrics_nodes)                                                            \
	NUMBER(db_up, gauge, "1 while what is counted can be stored.", f->extra->db_ok)  \
	NUMBER(db_size_bytes, gauge, "Size of the database and its log.",                \
	       f->extra->db_bytes)                                                       \
	NUMBER(db_errors_total, counter, "Failures of the database since the start.",    \
	       f->extra->db_errors)                                                      \
	NUMBER(db_lost_rows_total, counter,                                              \
	       "Rows that could not be stored and are lost for good.",                   \
	       f->extra->db_lost_rows)
/* clang-format on */

/* Everything that a row may be made of. */
struct facts {
	const struct engine *engine;
	const struct totals *totals;
	const struct metrics_extra *extra;
	struct engine_status status;
	uint64_t page_bytes;
	const struct dimm_view *views; /* every DIMM that has samples */
	unsigned int n_views;
	const struct dimm_rec *dimm; /* of a DIMM row, with its verdict */
	enum verdict verdict;
};

struct metrics_text {
	char *buf;
	size_t size;
	size_t len;
};

struct metric {
	const char *name;
	const char *type;
	const char *help;
	uint64_t (*number)(const struct facts *f);
	double (*seconds)(const struct facts *f);
	uint64_t (*dimm)(const struct facts *f);
	void (*series)(struct metrics_text *t, const struct metric *m,
		       const struct facts *f);
};

_printf_(2, 3) static void metrics_put(struct metrics_text *t, const char *format, ...)
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

static void metrics_head(struct metrics_text *t, const struct metric *m)
{
	metrics_put(t, "# HELP softofflined_%s %s\n# TYPE softofflined_%s %s\n", m->name,
		    m->help, m->name, m->type);
}

/* One sample; @word is ours and needs no escaping. */
static void metrics_sample(struct metrics_text *t, const struct metric *m,
			   const char *label, const char *word, uint64_t value)
{
	metrics_put(t, "softofflined_%s{%s=\"%s\"} %llu\n", m->name, label, word,
		    (unsigned long long)value);
}

static double metrics_seconds(const struct facts *f, int64_t when)
{
	if (when == INT64_MIN)
		return 0;
	return (double)usec_add(usec(when), f->extra->wall_offset).us /
	       (double)USEC_PER_SEC;
}

/* A DIMM is never "degraded"; numbers without a gap are what alert rules want. */
static uint64_t metrics_verdict(enum verdict verdict)
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

/* The firmware's texts may hold any byte. */
static void metrics_put_text(struct metrics_text *t, const char *label, const char *text)
{
	metrics_put(t, "%s=\"", label);
	for (const char *s = text; *s; s++) {
		if (*s == '"' || *s == '\\')
			metrics_put(t, "\\%c", *s);
		else
			metrics_put(t, "%c", *s >= ' ' && *s <= '~' ? *s : '?');
	}
	metrics_put(t, "\"");
}

/* Layers that the driver does not have are left out. */
static void metrics_put_location(struct metrics_text *t, const int8_t layer[3])
{
	int n = layer[2] >= 0 ? 3 : layer[1] >= 0 ? 2 : 1;

	metrics_put(t, "location=\"");
	for (int i = 0; i < n; i++) {
		if (i > 0)
			metrics_put(t, ":");
		if (layer[i] >= 0)
			metrics_put(t, "%d", layer[i]);
	}
	metrics_put(t, "\",");
}

/* Begins a sample; "controller" and "dimm_label" are node_exporter's words. */
static void metrics_put_dimm(struct metrics_text *t, const struct metric *m,
			     const struct dimm_rec *d)
{
	metrics_put(t, "softofflined_%s{mc=\"%u\",", m->name, (unsigned int)d->mc);
	metrics_put_location(t, d->layer);
	metrics_put_text(t, "label", d->label);
	metrics_put(t, ",controller=\"%u\",", (unsigned int)d->mc);
	metrics_put_text(t, "dimm_label", d->label);
}

static void metrics_put_dimms(struct metrics_text *t, const struct metric *m,
			      struct facts *f)
{
	metrics_head(t, m);
	for (unsigned int i = 0; i < f->n_views; i++) {
		if (!f->views[i].counted)
			continue;
		f->dimm = &f->views[i].rec;
		f->verdict = f->views[i].verdict;
		metrics_put_dimm(t, m, f->dimm);
		metrics_put(t, "} %llu\n", (unsigned long long)m->dimm(f));
	}
}

static void metrics_dimm_verdicts(struct metrics_text *t, const struct metric *m,
				  const struct facts *f)
{
	metrics_head(t, m);
	for (unsigned int i = 0; i < f->n_views; i++)
		for (int v = VERDICT_OK; v < VERDICT_MAX_; v++) {
			/* "degraded" is a verdict on machines only. */
			if (!f->views[i].counted || v == VERDICT_DEGRADED)
				continue;
			metrics_put_dimm(t, m, &f->views[i].rec);
			metrics_put(t, ",verdict=\"%s\"} %d\n",
				    verdict_to_string((enum verdict)v),
				    f->views[i].verdict == (enum verdict)v);
		}
}

static const char *metrics_match(unsigned int match)
{
	return match == SLOT_EXACT    ? "exact"
	       : match == SLOT_LIKELY ? "likely"
				      : "unknown";
}

/* What a module is; its serial number is nobody's business. */
static void metrics_put_module(struct metrics_text *t, const struct module_list *l,
			       const struct module_rec *m)
{
	int64_t mib = m ? module_list_size(l, (unsigned int)(m - l->v)) : 0;

	metrics_put_text(t, ",slot", m ? m->slot : "");
	metrics_put(t, ",slot_match=\"%s\"",
		    metrics_match(m && m->slot[0] ? m->slot_match : SLOT_UNKNOWN));
	metrics_put_text(t, ",part", m ? m->part : "");
	metrics_put_text(t, ",vendor", m ? m->vendor : "");
	metrics_put(t, ",identity=\"%s\"", metrics_match(m ? m->identity : SLOT_UNKNOWN));
	if (mib > 0)
		metrics_put(t, ",size=\"%lld %s\"",
			    (long long)(mib % 1024 ? mib : mib / 1024),
			    mib % 1024 ? "MiB" : "GiB");
	else
		metrics_put(t, ",size=\"\"");
	metrics_put(t, "} 1\n");
}

static void metrics_info(struct metrics_text *t, const struct metric *m,
			 const struct facts *f)
{
	metrics_head(t, m);
	for (unsigned int i = 0; i < f->n_views; i++) {
		const struct dimm_view *v = &f->views[i];

		if (v->counted)
			metrics_put_dimm(t, m, &v->rec);
		else
			metrics_put(t, "softofflined_%s{", m->name);
		metrics_put(t, "%scounted=\"%s\"", v->counted ? "," : "",
			    v->counted ? "yes" : "no");
		metrics_put_module(t, f->extra->modules, v->module);
	}
}

/*
 * Metrics with labels.
 */

static void metrics_version(struct metrics_text *t, const struct metric *m,
			    const struct facts *f)
{
	metrics_head(t, m);
	metrics_sample(t, m, "version", f->extra->version, 1);
}

static void metrics_attempts(struct metrics_text *t, const struct metric *m,
			     const struct facts *f)
{
	metrics_head(t, m);
	for (int r = RESULT_OFFLINED; r < RESULT_MAX_; r++)
		metrics_sample(t, m, "result", result_to_string((enum result)r),
			       f->totals->attempts[r]);
}

static void metrics_pages(struct metrics_text *t, const struct metric *m,
			  const struct facts *f)
{
	metrics_head(t, m);
	for (int p = PAGE_WATCHED; p < PAGE_STATE_MAX_; p++)
		metrics_sample(t, m, "state", page_state_to_string((enum page_state)p),
			       f->status.pages[p]);
}

static void metrics_hold(struct metrics_text *t, const struct metric *m,
			 const struct facts *f)
{
	static const enum result reasons[] = { RESULT_UNSUPPORTED, RESULT_DENIED };

	metrics_head(t, m);
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		metrics_sample(t, m, "reason", result_to_string(reasons[i]),
			       f->status.hold == reasons[i]);
}

static void metrics_source(struct metrics_text *t, const struct metric *m,
			   const struct facts *f)
{
	enum sight_state now = sight_cause_state(f->status.sight);

	metrics_head(t, m);
	for (int s = SIGHT_OK; s < SIGHT_STATE_MAX_; s++)
		metrics_sample(t, m, "state", sight_state_to_string((enum sight_state)s),
			       now == (enum sight_state)s);
}

static void metrics_machine_verdict(struct metrics_text *t, const struct metric *m,
				    const struct facts *f)
{
	metrics_head(t, m);
	for (int v = VERDICT_OK; v < VERDICT_MAX_; v++)
		if (v != VERDICT_REPAIR) /* of DIMMs only */
			metrics_sample(t, m, "verdict",
				       verdict_to_string((enum verdict)v),
				       f->status.verdict == (enum verdict)v);
}

static void metrics_budgets(struct metrics_text *t, const struct metric *m,
			    const struct facts *f)
{
	metrics_head(t, m);
	metrics_sample(t, m, "budget", "hour", f->status.hour_used_up);
	metrics_sample(t, m, "budget", "total", f->status.total_used_up);
}

static void metrics_poisoned(struct metrics_text *t, const struct metric *m,
			     const struct facts *f)
{
	if (f->status.poisoned_kib < 0)
		return;
	metrics_head(t, m);
	metrics_sample(t, m, "by", "us", (uint64_t)f->status.by_us_kib * 1024);
	metrics_sample(t, m, "by", "others", (uint64_t)f->status.by_others_kib * 1024);
}

/* Only what this kernel counts has a series. */
static void metrics_nodes(struct metrics_text *t, const struct metric *m,
			  const struct facts *f)
{
	const struct soft_counts *nodes = f->extra->nodes;

	if (f->extra->n_nodes == 0)
		return;
	metrics_head(t, m);
	for (size_t i = 0; i < f->extra->n_nodes; i++)
		for (int o = 0; o < SOFT_OUTCOME_MAX_; o++)
			if (nodes[i].known[o])
				metrics_put(t,
					    "softofflined_%s{node=\"%u\",outcome=\"%s\"} "
					    "%llu\n",
					    m->name, nodes[i].node,
					    soft_outcome_to_string((enum soft_outcome)o),
					    (unsigned long long)nodes[i].count[o]);
}

/*
 * The rows of the list as a table.
 */

/* clang-format off */
#define NUMBER(name, type, help, value)                                                  \
	static uint64_t number_##name(const struct facts *f)                             \
	{                                                                                \
		return (uint64_t)(value);                                                \
	}
#define SECONDS(name, type, help, value)                                                 \
	static double seconds_##name(const struct facts *f)                              \
	{                                                                                \
		return value;                                                            \
	}
#define SERIES(name, type, help, value)
METRIC_LIST(NUMBER, SECONDS, NUMBER, SERIES)
#undef NUMBER
#undef SECONDS
#undef SERIES

#define NUMBER(name, type, help, value) { #name, #type, help, .number = number_##name },
#define SECONDS(name, type, help, value) \
	{ #name, #type, help, .seconds = seconds_##name },
#define DIMM(name, type, help, value) { #name, #type, help, .dimm = number_##name },
#define SERIES(name, type, help, value) { #name, #type, help, .series = value },
static const struct metric metrics[] = { METRIC_LIST(NUMBER, SECONDS, DIMM, SERIES) };
#undef NUMBER
#undef SECONDS
#undef DIMM
#undef SERIES
/* clang-format on */

static void metrics_put_metric(struct metrics_text *t, const struct metric *m,
			       struct facts *f)
{
	if (m->series) {
		m->series(t, m, f);
	} else if (m->dimm) {
		metrics_put_dimms(t, m, f);
	} else if (m->seconds) {
		metrics_head(t, m);
		metrics_put(t, "softofflined_%s %.3f\n", m->name, m->seconds(f));
	} else {
		metrics_head(t, m);
		metrics_put(t, "softofflined_%s %llu\n", m->name,
			    (unsigned long long)m->number(f));
	}
}

size_t metrics_format(const struct engine *e, const struct metrics_extra *extra,
		      char *buf, size_t size)
{
	unsigned int most = engine_dimms(e) + (extra->modules ? extra->modules->n : 0);
	_cleanup_(free_p) struct dimm_view *views = calloc(most, sizeof(*views));
	struct metrics_text t = { .buf = buf, .size = size };
	struct facts f = {
		.engine = e,
		.totals = engine_totals(e),
		.extra = extra,
		.page_bytes = UINT64_C(1) << engine_page_shift(e),
		.views = views,
	};

	if (size > 0)
		buf[0] = '\0';
	if (!views)
		return 0;
	engine_status(e, extra->now, &f.status);
	f.n_views = metrics_list_dimms(e, extra->modules, views);
	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++)
		metrics_put_metric(&t, &metrics[i], &f);
	return t.len;
}
