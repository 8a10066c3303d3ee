/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Performs effects through the doors and brings their results back as inputs, one after
 * the other, never one inside another. What is done is the engine's decision; when it is
 * done is decided here: attempts wait for the commit of their intents, and the rows of
 * DIMMs and budgets are written with that commit.
 */

#include <errno.h>

#include "engine/effect.h"
#include "loop/daemon_internal.h"
#include "parts/effect_store.h"
#include "tell/journal.h"
#include "tell/report_notice.h"

#define ANSWERS_PER_TURN 16 /* so that errors are counted between them */

/* Before an attempt, so that frames that other programs poisoned before it are not taken
 * for its own. Not while attempts are under way: then the counter moves for them. */
static void sample_before_attempt(struct daemon *d)
{
	struct input in = { .kind = INPUT_BYSTANDER, .bystander = POISON_OTHER };

	if (d->watch)
		in.bystander =
			write_watch_take(d->watch) ? POISON_PROGRAM : POISON_KERNEL;
	outbox_follow(&d->out, &in);
	in = (struct input){ .kind = INPUT_POISON };
	in.poisoned_kib = sysfs_offline_poisoned_kib(d->sysfs);
	outbox_follow(&d->out, &in);
}

static void probe(struct daemon *d, pfn_t p)
{
	struct input in = { .kind = INPUT_PROBE };

	if (!outbox_has_attempts(&d->out))
		sample_before_attempt(d);
	if (!d->out.machine_fresh)
		d->out.machine = sysfs_offline_machine(d->sysfs);
	d->out.machine_fresh = true;
	in.probe.pfn = p;
	in.probe.frame = sysfs_offline_frame(d->sysfs, p);
	in.probe.machine = d->out.machine;
	outbox_follow(&d->out, &in);
}

/* The row is looked for in fetch_page(), when the input is stepped. */
static void load_page(struct daemon *d, pfn_t p)
{
	struct input in = { .kind = INPUT_LOADED };

	in.page.pfn = p;
	outbox_follow(&d->out, &in);
}

static void put_attempt(struct daemon *d, const struct effect *f)
{
	struct offline_request request = {
		.id = f->attempt.id,
		.pfn = f->attempt.pfn,
		.rule = *f->attempt.rule,
	};

	outbox_put(&d->out, &request);
}

static void hand_over(struct daemon *d, const struct offline_request *group,
		      unsigned int n)
{
	int r = offline_worker_submit(d->worker, group, n);

	if (r >= 0) {
		outbox_handed_over(&d->out, n, clock_boot());
		return;
	}
	journal_log(LOG_ERR, r, "Cannot hand %u pages to the offline thread", n);
	for (unsigned int i = 0; i < n; i++) {
		struct input in = { .kind = INPUT_ANSWER };

		in.answer.id = group[i].id;
		in.answer.answer.error = -r;
		in.answer.answer.poisoned_before_kib = -1;
		in.answer.answer.poisoned_after_kib = -1;
		daemon_step(d, in);
	}
}

/*
 * The intents must be on disk before the kernel is asked. If the disk fails the attempts
 * are made all the same: the pages do not get better by waiting. Only the open group is
 * committed, because storing all that a storm has changed would take longer than the
 * attempts. If the daemon is killed before the next flush, the events since the last
 * flush count as lost, as no stored total has them, although the stored pages and DIMMs
 * of this group do.
 */
void daemon_launch(struct daemon *d)
{
	struct offline_request group[OUTBOX_GROUP];
	unsigned int n;

	d->out.machine_fresh = false;
	if (d->out.n_due == 0)
		return;
	if (d->db)
		(void)daemon_commit(d);
	/* Attempts that cannot be handed over make room for the next ones. */
	n = outbox_take(&d->out, group);
	hand_over(d, group, n);
}

void daemon_begin_turn(struct daemon *d)
{
	d->out.turns++;
}

void daemon_end_turn(struct daemon *d)
{
	while (d->out.turns == 1 && d->out.n_due > 0)
		daemon_launch(d);
	if (--d->out.turns == 0)
		d->out.machine_fresh = false;
}

static void signal_notice(struct daemon *d, const struct notice *r,
			  const struct journal_context *context)
{
	struct notice_dimm dimm = {
		.rec = engine_dimm(d->engine, r->dimm),
		.slot = daemon_slot(d, r->dimm),
		.verdict = engine_dimm_verdict(d->engine, r->dimm, NULL),
	};
	int64_t now = usec_add(clock_boot(), clock_wall_offset()).us;
	struct notice_report report;

	report_from_notice(r, context, r->dimm == DIMM_OTHER ? NULL : &dimm, now,
			   &report);
	bus_signal_notice(d->link.bus, &report);
}

static void send_notice(struct daemon *d, const struct notice *r)
{
	char why[CLASS_WHY_MAX];
	struct journal_context context = {
		.page_shift = d->page_shift,
		.dimm_label = engine_dimm(d->engine, r->dimm)->label,
		.verdict_why = why,
		.hold_why = daemon_why_held(engine_kernel(d->engine)),
	};

	why[0] = '\0';
	if (r->kind == NOTICE_FAULT || r->kind == NOTICE_VERDICT)
		(void)engine_dimm_verdict(d->engine, r->dimm, why);
	journal_notice(r, &context);
	if (d->link.bus)
		signal_notice(d, r, &context);
}

/* Without a database: counts the row if the engine does not keep it either. */
static void note_unstored(struct daemon *d, const struct effect *f)
{
	bool kept = true;
	uint64_t errors = 0;

	if (f->kind == EFFECT_STORE_CE) {
		errors = f->ce.count;
		kept = false;
	} else if (f->kind == EFFECT_STORE_PAGE) {
		kept = ce_tracker_peek(engine_tracker(d->engine), pfn(f->page->pfn));
	} else if (f->kind == EFFECT_STORE_ACTION) {
		kept = f->action.result ==
		       RESULT_NONE; /* the row with its answer follows */
	} else if (f->kind == EFFECT_STORE_POISON) {
		kept = false;
	}
	if (!kept)
		db_state_unstored(&d->db_state, errors);
}

static void perform(struct daemon *d, const struct effect *f)
{
	switch (f->kind) {
	case EFFECT_PROBE:
		if (!d->stopping) /* the page stays pending in the database */
			probe(d, f->pfn);
		break;
	case EFFECT_OFFLINE:
		put_attempt(d, f);
		break;
	case EFFECT_LOAD:
		load_page(d, f->pfn);
		break;
	case EFFECT_KERNEL:
		sysctl_control_poll(&d->control);
		daemon_look_at_kernel(d);
		break;
	case EFFECT_RECONCILE:
		daemon_start_reconcile(d);
		break;
	case EFFECT_NOTICE:
		send_notice(d, &f->notice);
		break;
	case EFFECT_REPLY:
		if (f->reply.cookie == OWN_COOKIE)
			d->own_error = f->reply.error;
		else if (d->link.bus)
			bus_reply_offline(d->link.bus, f->reply.cookie, f->reply.result,
					  f->reply.error);
		break;
	case EFFECT_STORE_DIMM:
		if (d->db && !outbox_keep_dimm(&d->out, f->dimm.index))
			daemon_note_db(d, effect_store(d->db, d->engine, f));
		break;
	case EFFECT_STORE_SPENT:
		d->out.spent = d->db != NULL;
		break;
	case EFFECT_STORE_PAGE:
	case EFFECT_REMOVE_PAGE:
	case EFFECT_REMOVE_DIMM:
	case EFFECT_STORE_CE:
	case EFFECT_STORE_ACTION:
	case EFFECT_STORE_POISON:
	case EFFECT_STORE_CELL:
	case EFFECT_STORE_TOTALS:
		if (d->db)
			daemon_note_db(d, effect_store(d->db, d->engine, f));
		else
			note_unstored(d, f);
		break;
	}
}

/* Only now, because the row is valid until the next call to the database. */
static void fetch_page(struct daemon *d, struct input *in)
{
	bool other_boot = false;
	int r;

	in->page.rec = NULL;
	if (!d->db) {
		db_heritage_note(d->heritage, in->page.pfn);
		return;
	}
	r = db_get_page(d->db, in->page.pfn, &in->page.rec, &other_boot);
	if (r >= 0)
		in->page.other_boot = other_boot;
	else if (r !=
		 -ENOENT) /* earlier errors of the page are not known: that is said */
		daemon_note_db(d, r);
}

static int step_once(struct daemon *d, struct input *in)
{
	struct effects effects;
	int r;

	if (in->kind == INPUT_LOADED)
		fetch_page(d, in);
	if (in->now.us == 0)
		in->now = clock_boot();
	r = engine_step(d->engine, in, &effects);
	if (r < 0)
		journal_log(LOG_ERR, r, "An input was not understood (kind %d)",
			    (int)in->kind);
	for (unsigned int i = 0; i < effects.n; i++)
		perform(d, &effects.v[i]);
	return r;
}

/* Steps @in and all inputs that follow it. */
static int step_with_following(struct daemon *d, struct input *in)
{
	struct input next;
	int r;

	d->out.stepping = true;
	r = step_once(d, in);
	while (outbox_next(&d->out, in->now, &next)) {
		(void)step_once(d, &next);
		if (outbox_is_full(&d->out))
			daemon_launch(d);
	}
	d->out.stepping = false;
	return r;
}

int daemon_step(struct daemon *d, struct input in)
{
	int r;

	if (d->out.stepping) {
		outbox_follow(&d->out, &in);
		return 0;
	}
	daemon_begin_turn(d);
	r = step_with_following(d, &in);
	daemon_end_turn(d);
	if (d->db && db_pending(d->db) >= DB_GROUP_ROWS)
		(void)daemon_commit(d);
	return r;
}

static void take_done(struct daemon *d, const struct offline_done *done)
{
	struct input in = { .kind = INPUT_BYSTANDER, .bystander = POISON_OTHER };

	outbox_answered(&d->out, clock_boot());
	/* Another program's write during ours looks like ours. */
	daemon_step(d, in);
	in = (struct input){ .kind = INPUT_ANSWER };
	in.answer.id = done->id;
	in.answer.answer = done->answer;
	daemon_step(d, in);
}

int daemon_collect(struct daemon *d)
{
	struct offline_done done[ANSWERS_PER_TURN];
	int n = 0;
	int r = 0;

	daemon_begin_turn(d);
	while (n < (int)ARRAY_SIZE(done) &&
	       (r = offline_worker_collect(d->worker, &done[n])) > 0)
		n++;
	/* The event of our own write comes before its answer, and belongs to it. */
	if (d->soft_events && n > 0)
		daemon_catch_up(d);
	/* The writes that the watch saw up to here were ours. */
	if (d->watch && n > 0)
		(void)write_watch_take(d->watch);
	/* All of these attempts have ended: one sample shows what all of them took. */
	d->out.machine_fresh = false;
	for (int i = 0; i < n; i++)
		take_done(d, &done[i]);
	daemon_end_turn(d);
	return r < 0 ? r : n;
}
