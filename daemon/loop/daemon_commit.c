/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * When what the engine knows becomes rows, and rows become durable: the open group and
 * its commit, the flush, and what follows from a failure. Which effect is which row is
 * effect_store.c's business.
 */

#include <string.h>

#include "loop/daemon_internal.h"
#include "parts/effect_store.h"
#include "tell/journal.h"

#define MAX_SERVED 64 /* in one flush */

void daemon_note_db(struct daemon *d, int r)
{
	if (r < 0 && db_state_failed(&d->db_state))
		journal_event(LOG_ERR, JOURNAL_ID_DATABASE_FAILED, 0,
			      "Database: %s. Decisions continue from memory; writing is "
			      "tried again.",
			      db_last_error(d->db));
}

void daemon_store_again(struct daemon *d)
{
	struct input in = { .kind = INPUT_UNSTORED, .now = clock_boot() };
	struct effects effects;

	engine_step(d->engine, &in, &effects); /* no effects: the next flush has them */
	read_account_forget(&d->account);
	d->db_state.incomplete = true;
}

/* All that the engine knows is stored: what the database still misses is lost. */
static void say_complete(struct daemon *d)
{
	struct db_missing lost;

	db_settle_lost(d->db, &lost);
	if (lost.rows > 0 || lost.errors > 0)
		journal_log(LOG_NOTICE, 0,
			    "Database: works again; %s%llu errors are missing in its "
			    "history, and %llu rows in all.",
			    lost.at_most ? "at most " : "",
			    (unsigned long long)lost.errors,
			    (unsigned long long)lost.rows);
	else if (d->db_state.replaced)
		journal_log(LOG_NOTICE, 0,
			    "Database: all that the daemon knows is stored in it.");
	else
		journal_log(LOG_NOTICE, 0, "Database: works again; nothing is lost.");
	d->db_state.replaced = false;
}

/*
 * Stores what the engine has not given yet. With @serving, events and answers that wait
 * are served between two portions and not after thousands of rows. In a storm that has to
 * end, because serving makes new rows.
 */
static void store_unstored(struct daemon *d, bool serving)
{
	struct effects effects = { .more = true };
	unsigned int served = 0;

	while (effects.more) {
		struct input in = { .kind = INPUT_FLUSH, .now = clock_boot() };

		engine_step(d->engine, &in, &effects);
		daemon_note_db(d, effect_store_all(d->db, d->engine, &effects));
		if (serving && effects.more && served < MAX_SERVED && daemon_serve(d))
			served++;
	}
}

/*
 * Each attempt of a group changes the budgets and its DIMM, but only their values at the
 * commit are ever read again. So they are written with the commit.
 */
static void store_due(struct daemon *d)
{
	uint16_t dimms[MAX_ATTEMPTS];
	unsigned int n = outbox_take_dimms(&d->out, dimms);

	for (unsigned int i = 0; i < n; i++)
		daemon_note_db(d, db_put_dimm(d->db, dimms[i],
					      engine_dimm(d->engine, dimms[i])));
	if (outbox_take_spent(&d->out))
		daemon_note_db(d, db_put_spent(d->db, engine_totals(d->engine)));
}

static void look_at_log(struct daemon *d)
{
	bool held = db_log_state(d->db) != DB_LOG_FINE;
	char who[256];

	if (!db_state_set_log(&d->db_state, held))
		return;
	if (held) {
		db_log_holders(d->db, who, sizeof(who));
		journal_event(
			LOG_WARNING, JOURNAL_ID_DATABASE_HELD, 0,
			"Database: its log cannot be emptied (%llu MiB with it): %s. No "
			"history is stored until that ends; counting continues.",
			(unsigned long long)(db_size(d->db) >> 20), who);
	} else {
		journal_log(LOG_NOTICE, 0,
			    "Database: its log is empty again; what is known is stored "
			    "now.");
		daemon_store_again(d);
	}
}

int daemon_commit(struct daemon *d)
{
	bool rows;
	int r;

	store_due(d);
	rows = db_pending(d->db) > 0;
	d->wall_offset = clock_wall_offset();
	r = db_commit(d->db, clock_boot(), d->wall_offset);
	daemon_note_db(d, r);
	if (db_state_committed(&d->db_state, rows && r >= 0, clock_boot(), d->stopping))
		daemon_store_again(d);
	look_at_log(d);
	return r;
}

static int flush_all(struct daemon *d, bool serving)
{
	bool all = d->db_state.incomplete; /* this flush stores all that is known */
	int r;

	d->schedule.flushed = clock_boot();
	if (!d->db) /* the engine keeps its rows until there is one */
		return 0;
	/* A reader holds the log: the engine keeps its rows until the log is empty again.
	 * Intents in the open group are committed, and at the end everything is. */
	if (db_log_try(d->db) >= DB_LOG_LONG && !d->stopping)
		return daemon_commit(d);
	store_unstored(d, serving);
	if (db_pending(d->db) > 0)
		daemon_note_read(d);
	r = daemon_commit(d);
	if (db_state_flushed(&d->db_state, all, r >= 0, clock_boot()))
		say_complete(d);
	schedule_flushed(&d->schedule, clock_boot());
	return r;
}

int daemon_flush(struct daemon *d)
{
	return flush_all(d, false);
}

int daemon_flush_serving(struct daemon *d)
{
	return flush_all(d, true);
}
