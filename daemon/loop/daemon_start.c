/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Opens every door, tells the engine what the machine is and gives it back what was
 * stored. Each failure is one line that says what to do.
 */

#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "base/mem.h"
#include "kernel/sysfs_memory.h"
#include "loop/daemon_internal.h"
#include "tell/journal.h"
#include "topology/topology.h"

/* Not worth refusing to start for: without it others' offlines are guessed at. */
static void add_soft_events(struct daemon *d)
{
	const char *format = trace_reader_soft_format(d->reading.reader);
	int r = format ? mc_format_add_soft(d->format, format) : 0;

	if (r < 0)
		journal_log(LOG_WARNING, r,
			    "events/ras/soft_offline_event/format: not understood; going "
			    "on without");
	d->soft_events = format && r >= 0;
}

static int open_reader(struct daemon *d, const struct config *cfg)
{
	struct trace_reader_options options = {
		.buffer_size = cfg->source.buffer_size,
		.record_dir = d->options.record_dir,
	};
	const char *where = "";
	int r = trace_reader_open(&d->reading.reader, &options, &where);

	d->reading.record_dir = d->options.record_dir;
	if (r == -ENOENT || r == -ENODEV)
		journal_log(
			LOG_ERR, r,
			"%s: this kernel offers no ras:mc_event, or tracefs is not mounted; "
			"see softofflinectl check",
			where);
	else if (r == -EBUSY)
		journal_log(LOG_ERR, 0,
			    "Another softofflined reads the trace instance; stop it "
			    "first");
	else if (r < 0)
		journal_log(LOG_ERR, r, "%s: cannot set up the trace instance", where);
	if (r < 0)
		return r == -ENOENT || r == -ENODEV ? EX_UNAVAILABLE : EXIT_FAILURE;
	r = mc_format_new(&d->format, trace_reader_header_page(d->reading.reader),
			  trace_reader_mc_format(d->reading.reader),
			  trace_reader_failure_format(d->reading.reader));
	if (r < 0) {
		journal_log(LOG_ERR, r, "events/ras/mc_event/format: not understood");
		return EX_UNAVAILABLE;
	}
	add_soft_events(d);
	return 0;
}

/* Whether the daemon goes on without a database: only if the disk is to blame. */
static bool can_do_without(int r)
{
	return r == -ENOSPC || r == -EIO || r == -EROFS;
}

/* What does not get better by trying again, and is the operator's to decide: the file is
 * of a later version, of another program, or no file. */
static bool is_refused(int r)
{
	return r == -EPROTONOSUPPORT || r == -EINVAL;
}

/* Once for each reason: without a database it is tried every minute. */
static int say_not_opened(struct daemon *d, int r, const char *why)
{
	bool first = d->db_state.open_error == 0;

	if (first && !can_do_without(r)) {
		journal_event(LOG_ERR, JOURNAL_ID_DATABASE_FAILED, 0, "%s", why);
		return is_refused(r) ? EX_CONFIG : EXIT_FAILURE;
	}
	if (db_state_not_opened(&d->db_state, r))
		journal_event(LOG_ERR, JOURNAL_ID_DATABASE_FAILED, 0, "%s", why);
	if (first)
		journal_log(LOG_ERR, 0,
			    "Continuing without a database: counts last only as long as "
			    "this process. Opening it is tried again every minute, and "
			    "what was counted is stored then.");
	return 0;
}

int daemon_open_db(struct daemon *d, const struct config *cfg, bool check_later)
{
	struct db_options options = {
		.path = cfg->database.path,
		.max_size = cfg->database.max_size,
		.retention = cfg->database.retention,
		.now = clock_boot(),
		.wall_offset = d->wall_offset,
		.check_later = check_later,
	};
	enum db_opened how;
	const char *why = "";
	int r = clock_boot_id(options.boot_id);

	if (r < 0) {
		journal_log(LOG_ERR, r,
			    "/proc/sys/kernel/random/boot_id: cannot be read");
		return EXIT_FAILURE;
	}
	r = db_open(&d->db, &options, &how, &why);
	if (r < 0)
		return say_not_opened(d, r, why);
	db_inherit(d->db, TAKE_PTR(d->heritage));
	if (how == DB_QUARANTINED)
		journal_event(LOG_ERR, JOURNAL_ID_DATABASE_RECOVERED, 0, "%s", why);
	else if (how == DB_RETIRED)
		journal_log(LOG_WARNING, 0, "%s", why);
	return 0;
}

static void step(struct daemon *d, struct input in)
{
	in.now = clock_boot();
	daemon_step(d, in);
}

static int restore_dimm(void *userdata, uint16_t index, const struct dimm_rec *rec)
{
	struct input in = { .kind = INPUT_RESTORE_DIMM };

	in.dimm.index = index;
	in.dimm.rec = rec;
	step(userdata, in);
	return 0;
}

static int restore_cell(void *userdata, uint16_t dimm, uint16_t slot,
			const struct fault_cell *cell)
{
	struct input in = { .kind = INPUT_RESTORE_CELL };

	in.cell.dimm = dimm;
	in.cell.slot = slot;
	in.cell.rec = cell;
	step(userdata, in);
	return 0;
}

static int restore_page(void *userdata, const struct page_rec *rec, bool other_boot)
{
	struct input in = { .kind = INPUT_RESTORE_PAGE };

	in.page.pfn = pfn(rec->pfn);
	in.page.rec = rec;
	in.page.other_boot = other_boot;
	step(userdata, in);
	return 0;
}

#define MOST_INTENTS 4096 /* then they do not become fewer: the database fails */

struct intents {
	struct action_row rows[MAX_ATTEMPTS];
	unsigned int n;
	bool more;
};

/* Kept first: settling them writes, which a walk over the table must not see. */
static int keep_intent(void *userdata, const struct action_row *row)
{
	struct intents *intents = userdata;

	intents->more = intents->n == ARRAY_SIZE(intents->rows);
	if (!intents->more)
		intents->rows[intents->n++] = *row;
	return 0;
}

/* Returns true if there may be more: what is settled here is an intent no longer. */
static bool restore_some_actions(struct daemon *d)
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
		/* Not seen is not "not done": a later start settles it. */
		if (!in.action.frame.readable || in.action.frame.absent)
			unseen++;
		else
			step(d, in);
	}
	if (unseen > 0)
		journal_log(
			LOG_WARNING, 0,
			"What became of %u attempts of a daemon before cannot be seen in "
			"/proc/kpageflags; the next start looks again",
			unseen);
	return intents.more && unseen < intents.n;
}

/* An earlier daemon may have left more than can be under way at one time. */
static void restore_actions(struct daemon *d)
{
	unsigned int rounds = 0;

	while (restore_some_actions(d))
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
		in.memory.ram_print = ram_map_print(map);
	}
	if (topology_read(&t, "") >= 0)
		in.memory.module_print = topology_module_print(t);
	topology_free(t);
	step(d, in);
}

/* Returns 0 or negative errno; *ret_more: the database holds more pages. */
static int read_back(struct daemon *d, bool *ret_more)
{
	struct totals totals;
	int r = db_get_totals(d->db, &totals);

	if (r >= 0)
		step(d,
		     (struct input){ .kind = INPUT_RESTORE_TOTALS, .totals = &totals });
	compare_memory(d);
	if (r >= 0 || r == -ENOENT)
		r = db_each_dimm(d->db, restore_dimm, d);
	if (r >= 0)
		r = db_each_cell(d->db, restore_cell, d);
	if (r >= 0)
		r = db_each_page(d->db, ce_tracker_capacity(engine_tracker(d->engine)),
				 restore_page, d, ret_more);
	return r;
}

/* What is stored of the page, if the engine does not track it. Returns 0 or negative. */
static int look_up(struct daemon *d, const struct page_rec *live, struct input *in)
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

/* Before anything is changed: whether each page that was counted can be looked up. */
static int look_up_pages(struct daemon *d, const struct engine *counted)
{
	const struct ce_tracker *t = engine_tracker(counted);
	struct input in = { .kind = INPUT_ABSORB };
	int r = 0;

	for (uint32_t slot = 0; r >= 0 && slot < ce_tracker_capacity(t); slot++) {
		const struct page_rec *live = ce_tracker_peek_at(t, slot);

		r = live ? look_up(d, live, &in) : 0;
	}
	return r;
}

static void absorb(struct daemon *d, struct engine *counted)
{
	const struct ce_tracker *t = engine_tracker(counted);
	struct input in = { .kind = INPUT_ABSORB };

	in.absorb.from = counted;
	do
		step(d, in);
	while (!engine_is_absorbed(counted));
	for (uint32_t slot = 0; slot < ce_tracker_capacity(t); slot++) {
		struct input page = { .kind = INPUT_ABSORB };
		const struct page_rec *live = ce_tracker_peek_at(t, slot);

		if (!live)
			continue;
		/* What is stored is not to be written over by less. */
		if (look_up(d, live, &page) < 0)
			journal_log(LOG_ERR, 0,
				    "Database: page 0x%llx: %s; what was counted of it "
				    "without the database is in the totals only",
				    (unsigned long long)live->pfn, db_last_error(d->db));
		else
			step(d, page);
	}
}

/* @counted: the engine that has counted until now, or NULL. */
static void restore(struct daemon *d, bool more, struct engine *counted)
{
	struct input done = { .kind = INPUT_RESTORE_DONE };

	done.restored.more_stored = more;
	done.restored.nothing_stored = !d->db; /* budgets begin empty */
	if (d->db)
		restore_actions(d);
	if (counted)
		absorb(d, counted);
	/* Before the first attempt stores what it spends: the totals' boot is this one.
	 */
	(void)daemon_flush(d);
	d->db_state.restored = d->db != NULL;
	step(d, done);
	daemon_identify_again(d);
	daemon_identify(d);
}

static int account(struct daemon *d)
{
	if (daemon_account_for_predecessor(d) < 0) {
		journal_log(LOG_ERR, -ENOMEM, "Cannot start");
		return EXIT_FAILURE;
	}
	return 0;
}

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
		step(d, (struct input){ .kind = INPUT_RAM, .ram = map });
	}
	in.machine = sysfs_offline_machine(d->sysfs);
	step(d, in);
	d->mem_total_kib = sysfs_offline_mem_total_kib(d->sysfs);
	daemon_look_at_kernel(d);
}

static int open_hands(struct daemon *d)
{
	const struct offline_driver *driver =
		d->options.dry_run ? &offline_driver_dry_run : &offline_driver_kernel;
	int r = sysfs_offline_new(&d->sysfs, "", d->page_shift);

	if (r >= 0 && write_watch_new(&d->watch, "") < 0)
		d->watch = NULL; /* moves of the counter are then "other" */
	if (r >= 0)
		r = offline_worker_start(&d->worker, driver, "", d->page_shift);
	if (r < 0)
		journal_log(LOG_ERR, r, "Cannot start the offline thread");
	return r < 0 ? EXIT_FAILURE : 0;
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

/* Opens the database, and makes an engine with what it holds: *ret_unread is what
 * reading it back returned. */
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

static void drop_all(struct daemon *d)
{
	d->engine = engine_free(d->engine);
	d->db = db_close(d->db);
}

/*
 * What was read only in part must not be written over what is stored: it is as if it
 * could not be opened.
 */
static int go_without(struct daemon *d, const struct config *cfg, int unread)
{
	char why[CONFIG_PATH_MAX + REPORT_TEXT_MAX];
	int r;

	snprintf(why, sizeof(why), "%s: not all could be read back: %.200s",
		 cfg->database.path, db_last_error(d->db));
	(void)say_not_opened(d, can_do_without(unread) ? unread : -EIO, why);
	drop_all(d);
	r = make_engine(d, cfg);
	if (r == 0)
		compare_memory(d);
	return r;
}

static int restore_all(struct daemon *d, const struct config *cfg)
{
	bool more = false;
	int unread = 0;
	int r = fill_engine(d, cfg, true, &unread, &more);

	/* Damaged where the first look did not look: with a whole file, all over again.
	 */
	if (r == 0 && unread == -EUCLEAN && db_unchecked(d->db)) {
		drop_all(d);
		r = fill_engine(d, cfg, false, &unread, &more);
	}
	if (r == 0 && unread < 0)
		r = go_without(d, cfg, unread);
	if (r != 0)
		return r;
	sysctl_control_init(&d->control, "", cfg->database.path);
	restore(d, d->db && more, NULL);
	return account(d);
}

static void tell_opened(struct daemon *d)
{
	journal_event(LOG_NOTICE, JOURNAL_ID_DATABASE_RECOVERED, 0,
		      "%s: can be used again, and what was counted without it is stored; "
		      "%llu errors are missing in its history, and %llu rows in all.",
		      engine_config(d->engine)->database.path,
		      (unsigned long long)d->db_state.unstored_errors,
		      (unsigned long long)d->db_state.unstored_rows);
	db_state_opened_again(&d->db_state);
}

/* The engine was restored from it once: there is nothing in it that it does not know. */
static void store_again(struct daemon *d)
{
	daemon_store_again(d);
	if (daemon_flush(d) >= 0)
		tell_opened(d);
}

static void add_up(struct daemon *d, struct engine *counted, bool more,
		   const uint64_t *reads)
{
	read_account_forget(&d->account);
	restore(d, more, counted);
	engine_free(counted);
	daemon_account_late(d, reads);
	if (daemon_flush(d) >= 0)
		tell_opened(d);
	daemon_start_reconcile(d);
}

void daemon_try_db_again(struct daemon *d)
{
	struct engine *counted = d->engine;
	uint64_t *reads _cleanup_(free_p) = NULL;
	bool more = false;
	int unread = 0;

	if (outbox_has_attempts(&d->out) || !engine_is_idle(counted))
		return;
	if (d->db_state.restored) {
		if (daemon_open_db(d, engine_config(counted), false) == 0 && d->db)
			store_again(d);
		return;
	}
	d->engine = NULL;
	if (daemon_open_db(d, engine_config(counted), false) == 0 && d->db &&
	    make_engine(d, engine_config(counted)) == 0) {
		unread = read_back(d, &more);
		reads = daemon_stored_reads(d);
		if (unread >= 0)
			unread = look_up_pages(d, counted);
	}
	if (!d->engine || unread < 0 || !reads) {
		drop_all(d);
		d->engine = counted;
		return;
	}
	add_up(d, counted, more, reads);
}

int daemon_start(struct daemon *d, const struct config *cfg)
{
	int r = open_reader(d, cfg);

	if (r != 0)
		return r;
	r = open_hands(d);
	if (r != 0)
		return r;
	r = restore_all(d, cfg);
	if (r != 0)
		return r;
	metrics_file_set(&d->metrics_file, cfg, "");
	r = bus_link_open(&d->link, d->event, &daemon_bus_ops, d);
	if (r < 0)
		journal_log(LOG_ERR, r, "Cannot start");
	return r < 0 ? EXIT_FAILURE : 0;
}
