/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Answers the requests that come over the bus: turns engine, database and kernel into
 * reports, and what an operator asks for into inputs. Which callers may ask is the bus's
 * business. What is shown is what the engine holds; nothing is decided here.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "kernel/node_counters.h"
#include "loop/daemon_internal.h"
#include "tell/report_db.h"
#include "tell/report_modules.h"

/* Of a list: about a millisecond. */
#define ROWS_A_PART  256
#define SLOTS_A_PART 16384

static int64_t wall_time(const struct daemon *d, int64_t boot)
{
	return usec_add(usec(boot), d->wall_offset).us;
}

static void set_word(char to[REPORT_WORD_MAX], const char *from)
{
	snprintf(to, REPORT_WORD_MAX, "%s", from);
}

static void set_wall_time(const struct daemon *d, int64_t *time)
{
	if (*time != REPORT_NO_NUMBER)
		*time = wall_time(d, *time);
}

/* What the rules let us do with the DIMMs that are known, and with others. */
static const char *action_word(const struct engine *e)
{
	enum policy_action common = engine_config(e)->policy.action;

	for (uint16_t i = DIMM_OTHER + 1; i < engine_dimms(e); i++)
		if (!engine_dimm(e, i)->same_as && engine_rule(e, i)->action != common)
			return "mixed";
	return common == POLICY_ACCOUNT ? "account" : "soft";
}

static void fill_counters(const struct totals *t, struct status_report *s)
{
	s->events = t->events;
	s->corrected_errors = t->corrected_errors;
	s->uncorrected_errors = t->uncorrected_errors;
	s->unattributed = t->unattributed;
	s->events_lost = t->events_lost;
	s->malformed = t->malformed;
	s->gaps = t->gaps;
}

static int op_status(void *ctx, struct status_report *s)
{
	struct daemon *d = ctx;
	struct engine_status e;

	daemon_look_at_source(d);
	daemon_look_at_kernel(d); /* so that all that is shown is of one moment */
	engine_status(d->engine, clock_boot(), &e);
	s->schema = REPORT_SCHEMA;
	s->running = true;
	set_word(s->version, SOFTOFFLINED_VERSION);
	s->started = wall_time(d, d->started.us);
	s->dry_run = d->options.dry_run;
	set_word(s->action, action_word(d->engine));
	daemon_fill_kernel(d, s);
	fill_counters(engine_totals(d->engine), s);
	s->tracked = e.tracked;
	s->offlined = e.pages[PAGE_OFFLINED];
	s->pending = e.pages[PAGE_PENDING];
	s->failed = e.pages[PAGE_FAILED];
	s->refused = e.pages[PAGE_REFUSED];
	s->limit_pages = e.limit_pages;
	s->used_pages = e.offlined_by_us;
	s->hour_limit = e.hour_limit;
	s->burst = e.burst;
	s->hour_used = e.hour_used;
	s->poisoned_kib = e.poisoned_kib < 0 ? REPORT_NO_NUMBER : e.poisoned_kib;
	s->by_us_kib = e.by_us_kib;
	s->by_others_kib = e.by_others_kib;
	s->db_ok = daemon_db_fine(d);
	s->db_bytes = d->db ? db_size(d->db) : 0;
	s->db_errors = d->db ? db_errors(d->db) : 0;
	s->db_lost_rows = d->db ? db_lost_rows(d->db) : 0;
	s->db_last_commit = REPORT_NO_NUMBER;
	report_from_sight(e.sight, s);
	set_word(s->hold, result_to_string(e.hold));
	if (e.hold == RESULT_UNSUPPORTED)
		snprintf(s->hold_why, sizeof(s->hold_why), "%s",
			 daemon_why_held(engine_kernel(d->engine)));
	if (!s->db_ok && e.verdict < VERDICT_DEGRADED) {
		e.verdict = VERDICT_DEGRADED;
		snprintf(e.verdict_why, sizeof(e.verdict_why),
			 "the database cannot be used; counts last only as long as the "
			 "daemon");
	}
	set_word(s->verdict, verdict_to_string(e.verdict));
	snprintf(s->verdict_why, sizeof(s->verdict_why), "%s", e.verdict_why);
	return 0;
}

static void fill_page(const struct daemon *d, const struct page_rec *rec, bool other_boot,
		      enum result waiting_for, struct page_report *p)
{
	enum result result = (enum result)rec->result;

	if (rec->state == PAGE_PENDING && result == RESULT_NONE)
		result = waiting_for;
	*p = (struct page_report){
		.pfn = rec->pfn,
		.address = pfn_to_paddr(pfn(rec->pfn), d->page_shift).addr,
		.corrected_errors = rec->corrected_errors,
		.first_seen = wall_time(d, rec->first_seen),
		.last_seen = wall_time(d, page_rec_last_seen(rec).us),
		.attempts = rec->attempts,
	};
	snprintf(p->dimm, sizeof(p->dimm), "%s",
		 engine_dimm(d->engine, rec->dimm)->label);
	set_word(p->state, page_state_to_string((enum page_state)rec->state));
	set_word(p->reason, reason_to_string((enum reason)rec->reason));
	set_word(p->result, result_to_string(result));
	if (other_boot && rec->state == PAGE_OFFLINED) {
		set_word(p->state, page_state_to_string(PAGE_WATCHED));
		set_word(p->result, result_to_string(RESULT_STALE));
	}
}

static enum result waiting_for(struct daemon *d)
{
	struct engine_status s;

	engine_status(d->engine, clock_boot(), &s);
	return s.waiting_for;
}

/*
 * The stored row of a page that the engine does not track, as db_get_page(). -ENOENT only
 * if the database says so; -EIO: it cannot be asked.
 */
static int stored_page(struct daemon *d, pfn_t p, const struct page_rec **ret,
		       bool *ret_other_boot)
{
	int r = d->db ? db_peek_page(d->db, p, ret, ret_other_boot) : -EIO;

	return r < 0 && r != -ENOENT ? -EIO : r;
}

/* One page: from the tracker, or from the database if the tracker has no room for it. */
static int one_page(struct daemon *d, const struct report_filter *f, report_fn fn,
		    void *userdata)
{
	pfn_t p = paddr_to_pfn(paddr(f->address), d->page_shift);
	const struct page_rec *rec = ce_tracker_peek(engine_tracker(d->engine), p);
	struct page_report report;
	bool other_boot = false;
	int r = rec ? 0 : stored_page(d, p, &rec, &other_boot);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	fill_page(d, rec, other_boot, waiting_for(d), &report);
	return fn(userdata, &report);
}

static int op_pages(void *ctx, const struct report_filter *f, report_fn fn,
		    void *userdata, uint64_t *ret_cursor)
{
	struct daemon *d = ctx;
	const struct ce_tracker *t = engine_tracker(d->engine);
	enum result wait = waiting_for(d);
	uint32_t most = f->limit > 0 && f->limit < ROWS_A_PART ? f->limit : ROWS_A_PART;
	struct page_report report;
	uint32_t n = 0;

	if (f->has_address)
		return one_page(d, f, fn, userdata);
	for (uint64_t slot = f->cursor; slot < ce_tracker_slots(t); slot++) {
		const struct page_rec *rec = ce_tracker_peek_at(t, (uint32_t)slot);
		const char *state;
		int r;

		if (slot - f->cursor == SLOTS_A_PART || n == most) {
			*ret_cursor = slot;
			return 0;
		}
		if (!rec)
			continue;
		state = page_state_to_string((enum page_state)rec->state);
		if (f->state && strcmp(f->state, state) != 0)
			continue;
		n++;
		fill_page(d, rec, false, wait, &report);
		r = fn(userdata, &report);
		if (r != 0)
			return r;
	}
	return 0;
}

struct relay {
	const struct daemon *d;
	report_fn fn;
	void *userdata;
};

static int relay_history(void *userdata, const struct db_history *row)
{
	struct relay *relay = userdata;
	struct history_report h;

	report_from_db_history(row, relay->d->page_shift, &h);
	return relay->fn(relay->userdata, &h);
}

static int relay_ce(void *userdata, const struct db_ce *row)
{
	struct relay *relay = userdata;
	struct ce_report c;

	report_from_db_ce(row, &c);
	return relay->fn(relay->userdata, &c);
}

static int op_history(void *ctx, const struct report_filter *f, report_fn fn,
		      void *userdata, uint64_t *ret_cursor)
{
	struct daemon *d = ctx;
	struct relay relay = { d, fn, userdata };
	struct db_filter filter = report_db_filter(f, d->page_shift);

	*ret_cursor = f->cursor;
	return d->db ? db_browse_history(d->db, &filter, ROWS_A_PART, ret_cursor,
					 relay_history, &relay)
		     : -EIO;
}

static int op_errors(void *ctx, const struct report_filter *f, report_fn fn,
		     void *userdata, uint64_t *ret_cursor)
{
	struct daemon *d = ctx;
	struct relay relay = { d, fn, userdata };
	struct db_filter filter = report_db_filter(f, d->page_shift);

	if (!d->db)
		return -EIO;
	/* The last second's errors are not stored yet; a caller that asks more often than
	 * once a second waits for them. */
	if (f->fresh && usec_sub(clock_boot(), d->schedule.flushed).us >= USEC_PER_SEC)
		(void)daemon_flush(d);
	*ret_cursor = f->cursor;
	return db_browse_ces(d->db, &filter, ROWS_A_PART, ret_cursor, relay_ce, &relay);
}

static void fill_dimm(const struct daemon *d, uint16_t index, struct module_show *show,
		      struct dimm_report *r)
{
	const struct dimm_rec *rec = engine_dimm(d->engine, index);
	char why[CLASS_WHY_MAX];

	report_from_dimm_rec(rec, r);
	set_wall_time(d, &r->since);
	set_wall_time(d, &r->last_uncorrected);
	if (index == DIMM_OTHER)
		r->location[0] = '\0'; /* of many places, or of none */
	set_word(r->verdict,
		 verdict_to_string(engine_dimm_verdict(d->engine, index, why)));
	snprintf(r->verdict_why, sizeof(r->verdict_why), "%s", why);
	report_add_module(show, rec, r);
}

static int op_dimms(void *ctx, report_fn fn, void *userdata)
{
	_cleanup_(free_p) struct module_show *show = calloc(1, sizeof(*show));
	_cleanup_(free_p) struct module_list *list = NULL;
	struct daemon *d = ctx;
	int r = 0;

	if (!show)
		return -ENOMEM;
	if (daemon_module_list(d, &list))
		show->list = list;

	for (uint16_t i = 0; r == 0 && i < engine_dimms(d->engine); i++) {
		const struct dimm_rec *rec = engine_dimm(d->engine, i);
		struct dimm_report report;

		if (rec->same_as || (i == DIMM_OTHER && rec->corrected_errors == 0 &&
				     rec->uncorrected_errors == 0 && rec->offlined == 0))
			continue;
		fill_dimm(d, i, show, &report);
		r = fn(userdata, &report);
	}
	return r == 0 ? report_rest(show, fn, userdata) : r;
}

static int op_nodes(void *ctx, report_fn fn, void *userdata)
{
	_cleanup_(free_p) struct soft_counts *nodes =
		calloc(MAX_SOFT_NODES, sizeof(*nodes));
	size_t n = nodes ? node_counters_read("", nodes, MAX_SOFT_NODES) : 0;
	int r = nodes ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < n; i++) {
		struct node_report report;

		report_from_soft_counts(&nodes[i], &report);
		r = fn(userdata, &report);
	}
	return r;
}

/* What is known of DIMM @label on controller @mc. */
static struct config_dimm policy_dimm(const struct daemon *d, const char *label,
				      uint8_t mc)
{
	for (uint16_t i = DIMM_OTHER + 1; i < engine_dimms(d->engine); i++) {
		const struct dimm_rec *rec = engine_dimm(d->engine, i);

		if (!rec->same_as && rec->mc == mc && strcmp(rec->label, label) == 0)
			return engine_dimm_config(d->engine, i);
	}
	return (struct config_dimm){ .label = label, .mc = mc, .layer = { -1, -1, -1 } };
}

/* What of the configuration applies to DIMM @label on controller @mc; NULL: all of it. */
static int policy_text(const struct daemon *d, const char *label, uint8_t mc,
		       char **ret_text)
{
	const struct config *cfg = engine_config(d->engine);
	struct config_dimm dimm = policy_dimm(d, label ? label : "", mc);
	size_t len = label ? config_format_for(cfg, &dimm, NULL, 0)
			   : config_format(cfg, NULL, 0);
	char *text = malloc(len + 1);

	if (!text)
		return -ENOMEM;
	if (label)
		config_format_for(cfg, &dimm, text, len + 1);
	else
		config_format(cfg, text, len + 1);
	*ret_text = text;
	return 0;
}

static int op_policy(void *ctx, char **ret_text)
{
	return policy_text(ctx, NULL, 0, ret_text);
}

static int op_policy_for(void *ctx, const char *label, uint8_t mc, char **ret_text)
{
	return policy_text(ctx, label, mc, ret_text);
}

static void say_unknown(const struct daemon *d, pfn_t p, char why[REPORT_TEXT_MAX])
{
	snprintf(why, REPORT_TEXT_MAX,
		 "page 0x%llx is not known: no error of it is recorded",
		 (unsigned long long)pfn_to_paddr(p, d->page_shift).addr);
}

static void say_db_unread(const struct daemon *d, char why[REPORT_TEXT_MAX])
{
	snprintf(why, REPORT_TEXT_MAX, "the database cannot be read: %.128s",
		 d->db ? db_last_error(d->db) : "it is not open");
}

/* How far the page is from its threshold. */
static void fill_window(const struct daemon *d, const struct page_rec *rec,
			const struct threshold *t, struct outlook_report *o)
{
	uint32_t n;

	if (t->count == 0)
		return;
	n = page_rec_in_window(rec, t->window, clock_boot());
	o->in_window = n;
	if (rec->state != PAGE_WATCHED)
		return;
	o->missing = n < t->count ? t->count - n : 1;
	if (n > 0)
		o->until = wall_time(
			d, usec_add(usec(rec->stamps[rec->n_stamps - n]), t->window).us);
}

/* Which key holds the page back because the fault of its DIMM is wide. */
static void fill_held_by(const struct daemon *d, const struct page_rec *rec,
			 struct outlook_report *o)
{
	uint32_t limit;
	enum wide_limit by = engine_wide_limit(d->engine, rec, &limit);

	_Static_assert(sizeof(o->held_by) >= WIDE_LIMIT_TEXT_MAX, "the text fits");
	if (rec->state == PAGE_REFUSED && rec->result == RESULT_WIDE_FAULT)
		(void)wide_limit_text(by, limit, o->held_by);
}

static int op_explain(void *ctx, uint64_t address, struct outlook_report *o,
		      char why[REPORT_TEXT_MAX])
{
	struct daemon *d = ctx;
	pfn_t p = paddr_to_pfn(paddr(address), d->page_shift);
	const struct page_rec *rec = ce_tracker_peek(engine_tracker(d->engine), p);
	const struct policy_rule *rule;
	bool other_boot;
	int r = rec ? 0 : stored_page(d, p, &rec, &other_boot);

	if (r == -ENOENT)
		say_unknown(d, p, why);
	else if (r < 0)
		say_db_unread(d, why);
	if (r < 0)
		return r;
	rule = engine_rule(d->engine, rec->dimm);
	*o = (struct outlook_report){ .in_window = REPORT_NO_NUMBER,
				      .missing = REPORT_NO_NUMBER,
				      .until = REPORT_NO_NUMBER,
				      .next_try = REPORT_NO_NUMBER };
	snprintf(o->action, sizeof(o->action), "%s",
		 rule->action == POLICY_SOFT ? "soft" : "account");
	(void)config_format_threshold(&rule->page, o->page_threshold,
				      sizeof(o->page_threshold));
	(void)config_format_threshold(&rule->row, o->row_threshold,
				      sizeof(o->row_threshold));
	(void)config_format_threshold(&rule->cell, o->cell_threshold,
				      sizeof(o->cell_threshold));
	o->neighbour_rule = rule->neighbour;
	fill_held_by(d, rec, o);
	fill_window(d, rec, &rule->page, o);
	if (rec->state != PAGE_WATCHED && rec->state != PAGE_OFFLINED &&
	    rec->not_before > clock_boot().us && rec->not_before != USEC_NEVER)
		o->next_try = wall_time(d, rec->not_before);
	return 0;
}

static int op_reload(void *ctx, char **ret_text)
{
	return daemon_reload(ctx, ret_text);
}

static int op_offline(void *ctx, uint64_t address, uint64_t cookie,
		      char why[REPORT_TEXT_MAX])
{
	struct daemon *d = ctx;
	struct input in = { .kind = INPUT_REQUEST_OFFLINE };

	in.request.pfn = paddr_to_pfn(paddr(address), d->page_shift);
	in.request.cookie = cookie;
	daemon_step(d, in);
	return 0;
}

static int forget_page(struct daemon *d, pfn_t p, char why[REPORT_TEXT_MAX])
{
	struct input in = { .kind = INPUT_REQUEST_FORGET };

	in.request.pfn = p;
	in.request.cookie = OWN_COOKIE;
	daemon_step(d, in);
	if (d->own_error == EBUSY)
		snprintf(why, REPORT_TEXT_MAX, "an attempt on the page is under way");
	else if (d->own_error == ENOENT)
		say_unknown(d, p, why);
	return -d->own_error;
}

/* A row that stays on disk would come back. */
static int store_forgotten(struct daemon *d, char why[REPORT_TEXT_MAX])
{
	int r = daemon_flush(d);

	if (r >= 0 && d->db && !d->db_state.failing)
		return 0;
	snprintf(why, REPORT_TEXT_MAX,
		 "forgotten in memory, but the database could not be written: it comes "
		 "back; forget it again when the database works");
	return -EIO;
}

static int op_forget(void *ctx, uint64_t address, char why[REPORT_TEXT_MAX])
{
	struct daemon *d = ctx;
	pfn_t p = paddr_to_pfn(paddr(address), d->page_shift);
	const struct page_rec *stored;
	bool other_boot;
	int r = ce_tracker_peek(engine_tracker(d->engine), p)
			? 0
			: stored_page(d, p, &stored, &other_boot);

	if (r >= 0)
		r = forget_page(d, p, why);
	else if (r == -ENOENT)
		say_unknown(d, p, why);
	else
		say_db_unread(d, why);
	return r < 0 ? r : store_forgotten(d, why);
}

/* Every page of the DIMM, except one that has an attempt under way. */
static void forget_pages(struct daemon *d, uint16_t index, char why[REPORT_TEXT_MAX])
{
	const struct ce_tracker *t = engine_tracker(d->engine);

	for (uint32_t slot = 0; slot < ce_tracker_slots(t); slot++) {
		const struct page_rec *rec = ce_tracker_peek_at(t, slot);

		if (rec && rec->dimm == index)
			(void)forget_page(d, pfn(rec->pfn), why);
	}
}

static int op_forget_dimm(void *ctx, const char *label, char why[REPORT_TEXT_MAX])
{
	struct daemon *d = ctx;
	int r = daemon_forget_module(d, label);

	for (uint16_t i = 0; i < engine_dimms(d->engine); i++) {
		struct input in = { .kind = INPUT_REQUEST_FORGET_DIMM, .index = i };

		if (engine_dimm(d->engine, i)->same_as ||
		    strcmp(engine_dimm(d->engine, i)->label, label) != 0)
			continue;
		forget_pages(d, i, why);
		r = daemon_step(d, in);
	}
	if (r == -ENOENT)
		snprintf(why, REPORT_TEXT_MAX,
			 "no DIMM \"%.64s\" is known; softofflinectl dimms lists all",
			 label);
	return r < 0 ? r : store_forgotten(d, why);
}

static void on_bus_up(void *ctx)
{
	struct daemon *d = ctx;

	bus_link_up(&d->link);
	daemon_notify_ready(d);
}

static void on_bus_down(void *ctx, int error)
{
	struct daemon *d = ctx;

	bus_link_down(&d->link, error);
	daemon_notify_ready(d);
}

const struct bus_ops daemon_bus_ops = {
	.status = op_status,
	.pages = op_pages,
	.history = op_history,
	.errors = op_errors,
	.dimms = op_dimms,
	.nodes = op_nodes,
	.policy = op_policy,
	.policy_for = op_policy_for,
	.explain = op_explain,
	.reload = op_reload,
	.offline = op_offline,
	.forget = op_forget,
	.forget_dimm = op_forget_dimm,
	.up = on_bus_up,
	.down = on_bus_down,
};
