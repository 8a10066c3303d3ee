/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Performs effects through the doors and brings their results back as inputs, one after
 * the other, never one inside another. It decides nothing: what an effect says is done.
 */

#include <assert.h>
#include <errno.h>

#include "daemon_internal.h"
#include "journal.h"

static void follow(struct daemon *d, struct input in)
{
	/* One step asks for at most a sample, a probe, a load and an answer. */
	assert(d->n_following < MAX_FOLLOWING);
	d->following[d->n_following++] = in;
}

/* One line when the database starts to fail. */
static void note_failure(struct daemon *d, int r)
{
	if (r >= 0 || d->db_failing)
		return;
	d->db_failing = true;
	journal_event(LOG_ERR, JOURNAL_ID_DATABASE_FAILED, 0,
		      "Database: %s. Decisions go on from memory; it is tried again.",
		      db_last_error(d->db));
}

/* And one when it works again: then all that is known is stored anew. */
static void note_recovery(struct daemon *d)
{
	struct input in = { .kind = INPUT_UNSTORED, .now = clock_boot() };
	struct effects effects;

	if (!d->db_failing)
		return;
	d->db_failing = false;
	journal_log(LOG_NOTICE, 0,
		    "Database: works again; %llu rows of history are lost.",
		    (unsigned long long)db_lost_rows(d->db));
	engine_step(d->engine, &in, &effects); /* yields none: the next flush does */
	daemon_forget_read(d);
}

/* Before each attempt, so that what others did up to here is not put down to it. */
static void sample_poison(struct daemon *d)
{
	struct input in = { .kind = INPUT_BYSTANDER, .bystander = POISON_OTHER };

	if (d->watch)
		in.bystander =
			write_watch_take(d->watch) ? POISON_PROGRAM : POISON_KERNEL;
	follow(d, in);
	in = (struct input){ .kind = INPUT_POISON };
	in.poisoned_kib = sysfs_offline_poisoned_kib(d->sysfs);
	follow(d, in);
}

static void look(struct daemon *d, pfn_t p)
{
	struct input in = { .kind = INPUT_PROBE };

	sample_poison(d);
	in.probe.pfn = p;
	in.probe.frame = sysfs_offline_frame(d->sysfs, p);
	in.probe.machine = sysfs_offline_machine(d->sysfs);
	follow(d, in);
}

static void load(struct daemon *d, pfn_t p)
{
	struct input in = { .kind = INPUT_LOADED };

	in.page.pfn = p;
	follow(d, in);
}

static int store(struct daemon *d, const struct effect *f)
{
	switch (f->kind) {
	case EFFECT_STORE_PAGE:
		return db_put_page(d->db, f->page);
	case EFFECT_REMOVE_PAGE:
		return db_remove_page(d->db, f->pfn);
	case EFFECT_REMOVE_DIMM:
		return db_remove_dimm_pages(d->db, f->index);
	case EFFECT_STORE_CE:
		return db_put_ce(d->db, &f->ce);
	case EFFECT_STORE_ACTION:
		return db_put_action(d->db, &f->action);
	case EFFECT_STORE_POISON:
		return db_put_poison(d->db, &f->poison);
	case EFFECT_STORE_DIMM:
		return db_put_dimm(d->db, f->dimm.index, f->dimm.rec);
	case EFFECT_STORE_TOTALS:
		return db_put_totals(d->db, engine_totals(d->engine));
	case EFFECT_PROBE:
	case EFFECT_OFFLINE:
	case EFFECT_LOAD:
	case EFFECT_RECONCILE:
	case EFFECT_REPORT:
	case EFFECT_REPLY:
		break;
	}
	return -EINVAL;
}

/* Takes from the engine what it has not stored. */
static void give_out(struct daemon *d)
{
	struct input in = { .kind = INPUT_FLUSH, .now = clock_boot() };
	struct effects effects = { .more = true };

	while (effects.more) {
		engine_step(d->engine, &in, &effects);
		for (unsigned int i = 0; d->db && i < effects.n; i++)
			note_failure(d, store(d, &effects.v[i]));
	}
}

int daemon_flush(struct daemon *d)
{
	bool wrote;
	int r;

	d->flushed = clock_boot();
	give_out(d);
	if (!d->db)
		return 0;
	wrote = db_pending(d->db) > 0;
	if (wrote)
		daemon_note_read(d);
	d->wall_offset = clock_wall_offset();
	r = db_commit(d->db, clock_boot(), d->wall_offset);
	note_failure(d, r);
	if (wrote && r >= 0)
		note_recovery(d);
	return r;
}

/*
 * The intent must be on disk before the kernel is asked; if the disk fails, the page is
 * no better for it, so the attempt goes on.
 */
static void attempt(struct daemon *d, uint64_t id, pfn_t p)
{
	struct input in = { .kind = INPUT_ANSWER };
	int r;

	(void)daemon_flush(d);
	r = offline_worker_submit(d->worker, id, p);
	if (r >= 0) {
		d->attempt_under_way = true;
		d->attempt_since = clock_boot();
		return;
	}
	journal_log(LOG_ERR, r, "Cannot hand a page to the offline thread");
	in.answer.id = id;
	in.answer.answer.error = -r;
	in.answer.answer.poisoned_before_kib = -1;
	in.answer.answer.poisoned_after_kib = -1;
	follow(d, in);
}

static void say(struct daemon *d, const struct report *r)
{
	struct journal_context context = {
		.page_shift = d->page_shift,
		.dimm_label = engine_dimm(d->engine, r->dimm)->label,
	};

	journal_report(r, &context);
	if (d->bus)
		bus_signal_changed(d->bus);
}

static void perform(struct daemon *d, const struct effect *f)
{
	switch (f->kind) {
	case EFFECT_PROBE:
		if (!d->stopping) /* the page waits in the database */
			look(d, f->pfn);
		break;
	case EFFECT_OFFLINE:
		attempt(d, f->attempt.id, f->attempt.pfn);
		break;
	case EFFECT_LOAD:
		load(d, f->pfn);
		break;
	case EFFECT_RECONCILE:
		daemon_start_reconcile(d);
		break;
	case EFFECT_REPORT:
		say(d, &f->report);
		break;
	case EFFECT_REPLY:
		if (f->reply.cookie == OWN_COOKIE)
			d->own_error = f->reply.error;
		else if (d->bus)
			bus_reply_offline(d->bus, f->reply.cookie, f->reply.result,
					  f->reply.error);
		break;
	case EFFECT_STORE_PAGE:
	case EFFECT_REMOVE_PAGE:
	case EFFECT_REMOVE_DIMM:
	case EFFECT_STORE_CE:
	case EFFECT_STORE_ACTION:
	case EFFECT_STORE_POISON:
	case EFFECT_STORE_DIMM:
	case EFFECT_STORE_TOTALS:
		if (d->db)
			note_failure(d, store(d, f));
		break;
	}
}

/* What is stored of a page is fetched only now: it lives until the next question. */
static void fetch(struct daemon *d, struct input *in)
{
	bool other_boot = false;

	in->page.rec = NULL;
	if (d->db && db_get_page(d->db, in->page.pfn, &in->page.rec, &other_boot) >= 0)
		in->page.other_boot = other_boot;
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

int daemon_step(struct daemon *d, struct input in)
{
	int r;

	if (d->stepping) {
		follow(d, in);
		return 0;
	}
	d->stepping = true;
	r = step_once(d, &in);
	while (d->n_following > 0) {
		struct input next = d->following[0];

		d->n_following--;
		for (unsigned int i = 0; i < d->n_following; i++)
			d->following[i] = d->following[i + 1];
		(void)step_once(d, &next);
	}
	d->stepping = false;
	if (d->db && db_pending(d->db) >= DB_GROUP_ROWS)
		(void)daemon_flush(d);
	return r;
}

int daemon_collect(struct daemon *d)
{
	struct offline_done done;
	int n = 0;
	int r;

	while ((r = offline_worker_collect(d->worker, &done)) > 0) {
		struct input in = { .kind = INPUT_BYSTANDER, .bystander = POISON_OTHER };

		d->attempt_under_way = false;
		/* What the watch saw up to here was our own write. */
		if (d->watch)
			(void)write_watch_take(d->watch);
		daemon_step(d, in); /* a write beside ours cannot be told from it */
		in = (struct input){ .kind = INPUT_ANSWER };
		in.answer.id = done.id;
		in.answer.answer = done.answer;
		daemon_step(d, in);
		n++;
	}
	return r < 0 ? r : n;
}
