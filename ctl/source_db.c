/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Reports from the database alone, for when no daemon runs. What only a running daemon
 * knows (budgets, the kernel's state) stays "not known"; the verdict is made without it.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "host/page_shift.h"
#include "source.h"
#include "stored_dimms.h"
#include "tell/report_db.h"
#include "tell/report_modules.h"
#include "track/machine_verdict.h"

/* Where the rows of the database go. */
struct writer {
	const struct source *source;
	report_fn fn;
	void *userdata;
	struct module_show *show; /* of DIMMs */
};

typedef const struct report_field *(*fields_fn)(size_t *ret_n);

/* Passes a report on, with texts that a terminal can show. */
static int give(const struct writer *w, void *report, fields_fn get_fields)
{
	size_t n;
	const struct report_field *fields = get_fields(&n);

	report_clean(report, fields, n);
	return w->fn(w->userdata, report);
}

static int give_page(void *userdata, const struct db_page *row)
{
	const struct writer *w = userdata;
	struct page_report report;

	report_from_db_page(row, w->source->page_shift, &report);
	return give(w, &report, page_report_fields);
}

static int give_history(void *userdata, const struct db_history *row)
{
	const struct writer *w = userdata;
	struct history_report report;

	report_from_db_history(row, w->source->page_shift, &report);
	return give(w, &report, history_report_fields);
}

static int give_ce(void *userdata, const struct db_ce *row)
{
	const struct writer *w = userdata;
	struct ce_report report;

	report_from_db_ce(row, &report);
	return give(w, &report, ce_report_fields);
}

static int give_dimm(const struct writer *w, const struct stored_dimms *dimms,
		     unsigned int i)
{
	const struct dimm_rec *rec = &dimms->rec[i];
	bool other = dimms->index[i] == DIMM_OTHER;
	struct dimm_report report;
	char why[CLASS_WHY_MAX];
	enum verdict verdict;

	/* An empty record "other memory" is not shown. */
	if (other && rec->corrected_errors + rec->uncorrected_errors + rec->offlined == 0)
		return 0;
	report_from_dimm_rec(rec, &report);
	verdict = stored_dimms_verdict(dimms, i, w->source->pages_per_dimm, why);
	snprintf(report.verdict, sizeof(report.verdict), "%s",
		 verdict_to_string(verdict));
	snprintf(report.verdict_why, sizeof(report.verdict_why), "%s", why);
	if (other)
		report.location[0] = '\0';
	report_add_module(w->show, rec, &report);
	return give(w, &report, dimm_report_fields);
}

static int give_rest(void *userdata, const void *row)
{
	struct dimm_report report = *(const struct dimm_report *)row;

	return give(userdata, &report, dimm_report_fields);
}

static int done(struct source *s, int r)
{
	if (r < 0) {
		const char *words = db_last_error(s->db);

		snprintf(s->why, sizeof(s->why), "the database cannot be read: %s",
			 *words ? words : strerror(-r));
	}
	return r;
}

static int db_pages(struct source *s, const struct report_filter *f, report_fn fn,
		    void *userdata)
{
	struct db_filter filter = report_db_filter(f, s->page_shift);
	struct writer w = { .source = s, .fn = fn, .userdata = userdata };

	return done(s, db_list_pages(s->db, &filter, give_page, &w));
}

static int db_history(struct source *s, const struct report_filter *f, report_fn fn,
		      void *userdata)
{
	struct db_filter filter = report_db_filter(f, s->page_shift);
	struct writer w = { .source = s, .fn = fn, .userdata = userdata };

	return done(s, db_list_history(s->db, &filter, give_history, &w));
}

static int db_errors_of(struct source *s, const struct report_filter *f, report_fn fn,
			void *userdata)
{
	struct db_filter filter = report_db_filter(f, s->page_shift);
	struct writer w = { .source = s, .fn = fn, .userdata = userdata };

	return done(s, db_list_ces(s->db, &filter, give_ce, &w));
}

static int db_dimms(struct source *s, report_fn fn, void *userdata)
{
	_cleanup_(stored_dimms_done) struct stored_dimms dimms = { .n = 0 };
	struct module_show show = { .list = NULL };
	struct writer w = { s, fn, userdata, &show };
	int r = stored_dimms_read(s->db, &dimms);

	if (dimms.has_modules)
		show.list = dimms.modules;
	for (unsigned int i = 0; r == 0 && i < dimms.n; i++)
		r = give_dimm(&w, &dimms, i);
	if (r == 0)
		r = report_rest(&show, give_rest, &w);
	return done(s, r);
}

static int db_nodes(struct source *s, report_fn fn, void *userdata)
{
	return 0;
}

/* A module counts once, by the name of its first rank. */
static int judge_stored_dimms(struct source *s, struct machine_facts *f)
{
	_cleanup_(stored_dimms_done) struct stored_dimms dimms = { .n = 0 };
	int r = stored_dimms_read(s->db, &dimms);
	char why[CLASS_WHY_MAX];

	for (unsigned int i = 0; r == 0 && i < dimms.n; i++)
		if (dimms.first[i] == i)
			machine_facts_add_dimm(
				f, dimms.rec[i].label,
				stored_dimms_verdict(&dimms, i, s->pages_per_dimm, why));
	return r;
}

static int judge_refused(void *userdata, const struct db_page *row)
{
	enum result result = RESULT_NONE;

	(void)result_from_string(row->result, &result);
	machine_facts_add_pages(userdata, PAGE_REFUSED, result, 1);
	return 0;
}

/* Why a page was refused stands with the page alone, so each of these is read. */
static int judge_status(struct source *s, const struct db_summary *sum,
			struct status_report *ret)
{
	struct db_filter refused = { .state = page_state_to_string(PAGE_REFUSED),
				     .since = INT64_MIN,
				     .until = INT64_MAX };
	struct machine_facts f = { .corrected_errors = sum->totals.corrected_errors,
				   .unattributed = sum->totals.unattributed };
	char why[CLASS_WHY_MAX];
	int r;

	if (sum->totals.sight > 0 && sum->totals.sight < SIGHT_CAUSE_MAX_)
		f.sight = (enum sight_cause)sum->totals.sight;
	for (int i = 0; i < PAGE_STATE_MAX_; i++)
		if (i != PAGE_REFUSED)
			machine_facts_add_pages(&f, (enum page_state)i, RESULT_NONE,
						sum->pages[i]);
	r = db_list_pages(s->db, &refused, judge_refused, &f);
	if (r == 0)
		r = judge_stored_dimms(s, &f);
	if (r < 0)
		return r;
	snprintf(ret->verdict, sizeof(ret->verdict), "%s",
		 verdict_to_string(machine_verdict(&f, why)));
	snprintf(ret->verdict_why, sizeof(ret->verdict_why), "%s", why);
	return 0;
}

static void fill_status(const struct db_summary *sum, struct status_report *ret)
{
	ret->events = sum->totals.events;
	ret->corrected_errors = sum->totals.corrected_errors;
	ret->uncorrected_errors = sum->totals.uncorrected_errors;
	ret->unattributed = sum->totals.unattributed;
	ret->events_lost = sum->totals.events_lost;
	ret->malformed = sum->totals.malformed;
	ret->gaps = sum->totals.gaps;
	ret->tracked = 0;
	for (int i = 0; i < PAGE_STATE_MAX_; i++)
		ret->tracked += sum->pages[i];
	ret->offlined = sum->pages[PAGE_OFFLINED];
	ret->pending = sum->pages[PAGE_PENDING];
	ret->failed = sum->pages[PAGE_FAILED];
	ret->refused = sum->pages[PAGE_REFUSED];
	if (sum->totals.sight > 0 && sum->totals.sight < SIGHT_CAUSE_MAX_)
		report_from_sight((enum sight_cause)sum->totals.sight, ret);
	if (sum->poisoned_kib >= 0)
		ret->poisoned_kib = sum->poisoned_kib;
	if (sum->last_commit != INT64_MIN)
		ret->db_last_commit = sum->last_commit;
}

static int db_status(struct source *s, struct status_report *ret)
{
	const struct report_field *fields;
	struct db_summary sum;
	size_t n;
	int r;

	r = db_get_summary(s->db, &sum);
	if (r < 0)
		return done(s, r);
	fields = status_report_fields(&n);
	report_clear(ret, fields, n);
	ret->schema = REPORT_SCHEMA;
	if (s->daemon != SOURCE_DAEMON_UNKNOWN)
		ret->running = s->daemon == SOURCE_DAEMON_UNREACHED;
	fill_status(&sum, ret);
	ret->db_ok = 1;
	ret->db_bytes = db_size(s->db);
	r = judge_status(s, &sum, ret);
	report_clean(ret, fields, n);
	return done(s, r);
}

static const struct source_ops db_source = {
	.status = db_status,
	.pages = db_pages,
	.history = db_history,
	.errors = db_errors_of,
	.dimms = db_dimms,
	.nodes = db_nodes,
};

int source_open_db(struct source **ret, const char *path, char ret_why[SOURCE_WHY_MAX])
{
	struct source *s = calloc(1, sizeof(*s));
	const char *why = NULL;
	int r = s ? 0 : -ENOMEM;

	if (r == 0)
		r = db_open_readonly(&s->db, path, &why);
	if (r < 0) {
		snprintf(ret_why, SOURCE_WHY_MAX, "%s", why ? why : strerror(-r));
		free(s);
		return r;
	}
	s->ops = &db_source;
	s->pages_per_dimm = UINT32_MAX;
	/* The file may be a copy from a machine with other pages. */
	s->page_shift = db_page_shift(s->db);
	if (s->page_shift == 0)
		s->page_shift = host_page_shift();
	*ret = s;
	return 0;
}
