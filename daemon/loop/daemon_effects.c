/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Performs effects through the doors and brings their results back as inputs, one after
 * the other, never one inside another. It decides nothing: what an effect says is done.
 */

#include <errno.h>

#include "engine/effect.h"
#include "loop/daemon_internal.h"
#include "loop/effect_store.h"
#include "tell/journal.h"

#define ANSWERS_PER_TURN 16 /* so that what errs is counted beside them */

/* Before an attempt, so that what others did up to here is not put down to it. Not while
 * others are under way: what the watch has seen, and how the counter moved, is theirs. */
static void sample_poison(struct daemon *d)
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

static void look(struct daemon *d, pfn_t p)
{
	struct input in = { .kind = INPUT_PROBE };

	if (!outbox_has_attempts(&d->out))
		sample_poison(d);
	if (!d->out.machine_fresh)
		d->out.machine = sysfs_offline_machine(d->sysfs);
	d->out.machine_fresh = true;
	in.probe.pfn = p;
	in.probe.frame = sysfs_offline_frame(d->sysfs, p);
	in.probe.machine = d->out.machine;
	outbox_follow(&d->out, &in);
}

static void load(struct daemon *d, pfn_t p)
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
 * The intents must be on disk before the kernel is asked; if the disk fails, the pages
 * are no better for it, so the attempts go on. Only what is in the group is committed: to
 * give out all that a storm has changed would take longer than the attempts. Should the
 * daemon be killed before the next flush, the events since the last one count as lost,
 * as they are in no total, even if pages and DIMMs of this group know of them.
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

static void say(struct daemon *d, const struct notice *r)
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
		bus_signal_changed(d->link.bus);
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
		if (!d->stopping) /* the page waits in the database */
			look(d, f->pfn);
		break;
	case EFFECT_OFFLINE:
		put_attempt(d, f);
		break;
	case EFFECT_LOAD:
		load(d, f->pfn);
		break;
	case EFFECT_KERNEL:
		sysctl_control_poll(&d->control);
		daemon_look_at_kernel(d);
		break;
	case EFFECT_RECONCILE:
		daemon_start_reconcile(d);
		break;
	case EFFECT_NOTICE:
		say(d, &f->notice);
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

/* What is stored of a page is fetched only now: it lives until the next question. */
static void fetch(struct daemon *d, struct input *in)
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
	else if (r != -ENOENT) /* what was counted before is not known: not in silence */
		daemon_note_db(d, r);
}

static int step_once(struct daemon *d, struct input *in)
{
	struct effects effects;
	int r;

	if (in->kind == INPUT_LOADED)
		fetch(d, in);
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

static int step_through(struct daemon *d, struct input *in)
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
	r = step_through(d, &in);
	daemon_end_turn(d);
	if (d->db && db_pending(d->db) >= DB_GROUP_ROWS)
		(void)daemon_commit(d);
	return r;
}

static void take_done(struct daemon *d, const struct offline_done *done)
{
	struct input in = { .kind = INPUT_BYSTANDER, .bystander = POISON_OTHER };

	outbox_answered(&d->out, clock_boot());
	/* Another program's write during ours cannot be told from ours. */
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
	/* The event of our own write was there before its answer: it belongs to it. */
	if (d->soft_events && n > 0)
		daemon_catch_up(d);
	/* What the watch saw up to here was our own writes. */
	if (d->watch && n > 0)
		(void)write_watch_take(d->watch);
	/* They have all ended: one look at memory shows what all of them took. */
	d->out.machine_fresh = false;
	for (int i = 0; i < n; i++)
		take_done(d, &done[i]);
	daemon_end_turn(d);
	return r < 0 ? r : n;
}
