/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * From the database to the engine: at a start, and when a database that could not be
 * opened can be opened by now, with what was counted meanwhile. What is read only in part
 * must not be written over what is stored.
 */

#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "base/mem.h"
#include "kernel/sysfs_memory.h"
#include "loop/daemon_internal.h"
#include "tell/journal.h"
#include "topology/topology.h"

static void describe_machine(struct daemon *d)
{
	_cleanup_(free_p) struct ram_map *map = malloc(sizeof(*map));
	struct input in = { .kind = INPUT_MACHINE };

	if (map) {
		sysfs_offline_ram_map(d->sysfs, map);
		if (!map->known)
			journal_log(
				LOG_WARNING, 0,
				"/proc/iomem: cannot be read; whether an address is RAM is "
				"left to the kernel");
		daemon_step(d, (struct input){ .kind = INPUT_RAM, .ram = map });
	}
	in.machine = sysfs_offline_machine(d->sysfs);
	daemon_step(d, in);
	d->mem_total_kib = sysfs_offline_mem_total_kib(d->sysfs);
	daemon_look_at_kernel(d);
}

/* Returns 0, or the exit status; the engine knows nothing yet. */
static int make_engine(struct daemon *d, const struct config *cfg)
{
	if (engine_new(&d->engine, cfg, d->page_shift) < 0) {
		journal_log(LOG_ERR, -ENOMEM, "Cannot start");
		return EXIT_FAILURE;
	}
	describe_machine(d);
	return 0;
}

static int give_stored_dimm(void *userdata, uint16_t index, const struct dimm_rec *rec)
{
	struct input in = { .kind = INPUT_RESTORE_DIMM };

	in.dimm.index = index;
	in.dimm.rec = rec;
	daemon_step(userdata, in);
	return 0;
}

static int give_stored_cell(void *userdata, uint16_t dimm, uint16_t slot,
			    const struct fault_cell *cell)
{
	struct input in = { .kind = INPUT_RESTORE_CELL };

	in.cell.dimm = dimm;
	in.cell.slot = slot;
	in.cell.rec = cell;
	daemon_step(userdata, in);
	return 0;
}

static int give_stored_page(void *userdata, const struct page_rec *rec, bool other_boot)
{
	struct input in = { .kind = INPUT_RESTORE_PAGE };

	in.page.pfn = pfn(rec->pfn);
	in.page.rec = rec;
	in.page.other_boot = other_boot;
	daemon_step(userdata, in);
	return 0;
}

/* Then settling them does not make them fewer: the database fails. */
#define MOST_INTENTS 4096

struct intents {
	struct action_row rows[MAX_ATTEMPTS];
	unsigned int n;
	bool more;
};

/* Kept first: settling an intent writes, and a walk over the table must not see that. */
static int keep_intent(void *userdata, const struct action_row *row)
{
	struct intents *intents = userdata;

	intents->more = intents->n == ARRAY_SIZE(intents->rows);
	if (!intents->more)
		intents->rows[intents->n++] = *row;
	return 0;
}

/* Returns true if there may be more intents; a settled row is no intent. */
static bool settle_some_intents(struct daemon *d)
{
	struct intents intents = { .n = 0 };
	unsigned int unseen = 0;
	int r = db_each_intent(d->db, keep_intent, &intents);

	if (r < 0)
		journal_log(LOG_ERR, r,
			    "Database: attempts without an answer cannot be read back");
	for (unsigned int i = 0; i < intents.n; i++) {
		struct input in = { .kind = INPUT_RESTORE_ACTION };

		in.action.row = &intents.rows[i];
		in.action.frame = sysfs_offline_frame(d->sysfs, pfn(intents.rows[i].pfn));
		/* A frame that cannot be seen says nothing: a later start settles it. */
		if (!in.action.frame.readable || in.action.frame.absent)
			unseen++;
		else
			daemon_step(d, in);
	}
	if (unseen > 0)
		journal_log(
			LOG_WARNING, 0,
			"What became of %u attempts of the previous daemon cannot be seen "
			"in /proc/kpageflags; the next start looks again",
			unseen);
	return intents.more && unseen < intents.n;
}

/* Previous daemons may have left more intents than can be under way at one time. */
static void settle_intents(struct daemon *d)
{
	unsigned int rounds = 0;

	while (settle_some_intents(d))
		if (++rounds == MOST_INTENTS / MAX_ATTEMPTS) {
			journal_log(LOG_ERR, 0,
				    "Database: more attempts without an answer than "
				    "there can be; some are not settled");
			return;
		}
}

/* So that the engine can tell whether frames of an earlier boot are the same DRAM. */
static void compare_memory(struct daemon *d)
{
	_cleanup_(free_p) struct ram_map *map = malloc(sizeof(*map));
	struct input in = { .kind = INPUT_MEMORY };
	struct topology *t = NULL;

	if (map) {
		sysfs_offline_ram_map(d->sysfs, map);
		in.memory.ram_fingerprint = ram_map_print(map);
	}
	if (topology_read(&t, "") >= 0) {
		in.memory.module_fingerprint = topology_module_print(t);
		if (t->unread == 0)
			daemon_give_controllers(d, t);
	}
	topology_free(t);
	daemon_step(d, in);
}

/* Returns 0 or negative errno; *ret_more: the database holds more pages. */
static int read_back(struct daemon *d, bool *ret_more)
{
	struct totals totals;
	int r = db_get_totals(d->db, &totals);

	if (r >= 0)
		daemon_step(d, (struct input){ .kind = INPUT_RESTORE_TOTALS,
					       .totals = &totals });
	compare_memory(d);
	if (r >= 0 || r == -ENOENT)
		r = db_each_dimm(d->db, give_stored_dimm, d);
	if (r >= 0)
		r = db_each_cell(d->db, give_stored_cell, d);
	if (r >= 0)
		r = db_each_page(d->db, ce_tracker_capacity(engine_tracker(d->engine)),
				 give_stored_page, d, ret_more);
	return r;
}

/* The stored row of the page, if the engine does not track it. Returns 0 or negative
 * errno. */
static int look_up_stored(struct daemon *d, const struct page_rec *live, struct input *in)
{
	int r;

	in->absorb.live = live;
	in->absorb.stored = NULL;
	if (ce_tracker_peek(engine_tracker(d->engine), pfn(live->pfn)))
		return 0;
	r = db_get_page(d->db, pfn(live->pfn), &in->absorb.stored,
			&in->absorb.other_boot);
	return r == -ENOENT ? 0 : r;
}

/* Before anything is changed: 0 if each page that was counted can be looked up. */
static int can_look_up_pages(struct daemon *d, const struct engine *counted)
{
	const struct ce_tracker *t = engine_tracker(counted);
	struct input in = { .kind = INPUT_ABSORB };
	int r = 0;

	for (uint32_t slot = 0; r >= 0 && slot < ce_tracker_capacity(t); slot++) {
		const struct page_rec *live = ce_tracker_peek_at(t, slot);

		r = live ? look_up_stored(d, live, &in) : 0;
	}
	return r;
}

static void absorb_counted(struct daemon *d, struct engine *counted)
{
	const struct ce_tracker *t = engine_tracker(counted);
	struct input in = { .kind = INPUT_ABSORB };

	in.absorb.from = counted;
	do
		daemon_step(d, in);
	while (!engine_is_absorbed(counted));
	for (uint32_t slot = 0; slot < ce_tracker_capacity(t); slot++) {
		struct input page = { .kind = INPUT_ABSORB };
		const struct page_rec *live = ce_tracker_peek_at(t, slot);

		if (!live)
			continue;
		/* A stored row must not be replaced by one that counts less. */
		if (look_up_stored(d, live, &page) < 0)
			journal_log(LOG_ERR, 0,
				    "Database: page 0x%llx: %s; its errors that were "
				    "counted without the database are in the totals only",
				    (unsigned long long)live->pfn, db_last_error(d->db));
		else
			daemon_step(d, page);
	}
}

/* @counted: the engine that has counted without a database until now, or NULL. */
static void finish_restore(struct daemon *d, bool more, struct engine *counted)
{
	struct input done = { .kind = INPUT_RESTORE_DONE };

	done.restored.more_stored = more;
	done.restored.nothing_stored = !d->db; /* budgets begin empty */
	if (d->db)
		settle_intents(d);
	if (counted)
		absorb_counted(d, counted);
	/* Before the first attempt stores what it spends: these are the totals of this
	 * boot. */
	(void)daemon_flush(d);
	d->db_state.restored = d->db != NULL;
	daemon_step(d, done);
	daemon_identify_again(d);
	daemon_identify(d);
	daemon_compare_modules(d);
}

/* Opens the database and makes an engine with what it holds; *ret_unread: negative errno
 * if not all could be read. */
static int fill_engine(struct daemon *d, const struct config *cfg, bool check_later,
		       int *ret_unread, bool *ret_more)
{
	int r = daemon_open_db(d, cfg, check_later);

	if (r == 0)
		r = make_engine(d, cfg);
	if (r != 0)
		return r;
	*ret_unread = 0;
	if (d->db)
		*ret_unread = read_back(d, ret_more);
	else
		compare_memory(d);
	return 0;
}

static void drop_engine_and_db(struct daemon *d)
{
	d->engine = engine_free(d->engine);
	d->db = db_close(d->db);
}

/* Continues as if the database could not be opened. */
static int continue_without_db(struct daemon *d, const struct config *cfg, int unread)
{
	char why[CONFIG_PATH_MAX + REPORT_TEXT_MAX];
	int r;

	snprintf(why, sizeof(why), "%s: not everything could be read: %.200s",
		 cfg->database.path, db_last_error(d->db));
	(void)daemon_db_not_opened(
		d, unread == -ENOSPC || unread == -EROFS ? unread : -EIO, why);
	drop_engine_and_db(d);
	r = make_engine(d, cfg);
	if (r == 0)
		compare_memory(d);
	return r;
}

int daemon_restore(struct daemon *d, const struct config *cfg)
{
	bool more = false;
	int unread = 0;
	int r = fill_engine(d, cfg, true, &unread, &more);

	/* Damaged where the first look did not look: once more, with a checked file. */
	if (r == 0 && unread == -EUCLEAN && db_unchecked(d->db)) {
		drop_engine_and_db(d);
		r = fill_engine(d, cfg, false, &unread, &more);
	}
	if (r == 0 && unread < 0)
		r = continue_without_db(d, cfg, unread);
	if (r != 0)
		return r;
	sysctl_control_init(&d->control, "", cfg->database.path);
	finish_restore(d, d->db && more, NULL);
	r = daemon_account_for_predecessor(d);
	if (r < 0)
		journal_log(LOG_ERR, r, "Cannot start");
	return r < 0 ? EXIT_FAILURE : 0;
}

static void say_opened(struct daemon *d)
{
	journal_event(LOG_NOTICE, JOURNAL_ID_DATABASE_RECOVERED, 0,
		      "%s: can be used again, and what was counted without it is stored; "
		      "%llu errors are missing in its history, and %llu rows in all.",
		      engine_config(d->engine)->database.path,
		      (unsigned long long)d->db_state.unstored_errors,
		      (unsigned long long)d->db_state.unstored_rows);
	db_state_opened_again(&d->db_state);
}

/* The engine was restored from this database once, so it knows all that is in it. */
static void store_all_again(struct daemon *d)
{
	daemon_store_again(d);
	if (daemon_flush(d) >= 0)
		say_opened(d);
}

static void add_counted(struct daemon *d, struct engine *counted, bool more,
			const uint64_t *reads)
{
	read_account_forget(&d->account);
	finish_restore(d, more, counted);
	engine_free(counted);
	daemon_account_late(d, reads);
	if (daemon_flush(d) >= 0)
		say_opened(d);
	daemon_start_reconcile(d);
}

void daemon_try_db_again(struct daemon *d)
{
	struct engine *counted = d->engine;
	_cleanup_(free_p) uint64_t *reads = NULL;
	bool more = false;
	int unread = 0;

	if (outbox_has_attempts(&d->out) || !engine_is_idle(counted))
		return;
	if (d->db_state.restored) {
		if (daemon_open_db(d, engine_config(counted), false) == 0 && d->db)
			store_all_again(d);
		return;
	}
	d->engine = NULL;
	if (daemon_open_db(d, engine_config(counted), false) == 0 && d->db &&
	    make_engine(d, engine_config(counted)) == 0) {
		unread = read_back(d, &more);
		reads = daemon_stored_reads(d);
		if (unread >= 0)
			unread = can_look_up_pages(d, counted);
	}
	if (!d->engine || unread < 0 || !reads) {
		drop_engine_and_db(d);
		d->engine = counted;
		return;
	}
	add_counted(d, counted, more, reads);
}
