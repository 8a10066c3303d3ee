/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The regular work: what timers begin, what a commit needs, the look at all frames, the
 * minute's samples, and the metrics file. When each is due is decided in schedule.c and
 * by the engine.
 */

#include <errno.h>
#include <sys/epoll.h>

#include "base/mem.h"
#include "loop/daemon_internal.h"
#include "tell/journal.h"

#define RECONCILE_TURN 256 /* frames looked at before other work gets its turn */
#define PRUNE_ROWS     5000
#define ATTEMPT_LONG   (60 * USEC_PER_SEC)

/* The sources of the loop that begin regular work. */
struct timers {
	sd_event_source *deadline; /* the engine's */
	sd_event_source *commit;
	sd_event_source *minute;
	sd_event_source *metrics;
	sd_event_source *reconcile;
	usec_t commit_at; /* USEC_NEVER: not armed */
	usec_t again_at;  /* the database fails: all is stored once more; or USEC_NEVER */
	uint32_t slot;    /* of the tracker: the next frame to look at */
};

static int timers_arm(sd_event_source *source, usec_t when)
{
	int r;

	if (when.us == USEC_NEVER)
		return sd_event_source_set_enabled(source, SD_EVENT_OFF);
	r = sd_event_source_set_time(source, when.us > 0 ? (uint64_t)when.us : 0);
	return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static double timers_wall_seconds(const struct daemon *d, usec_t boot)
{
	return (double)usec_add(boot, d->wall_offset).us / (double)USEC_PER_SEC;
}

void daemon_write_metrics(struct daemon *d)
{
	struct metrics_extra extra = {
		.version = SOFTOFFLINED_VERSION,
		.dry_run = d->options.dry_run,
		.started = timers_wall_seconds(d, d->started),
		.now = clock_boot(),
		.wall_offset = d->wall_offset,
		.stopped = d->stopping,
		.modules = daemon_modules_there(d),
		.db_ok = d->db && db_state_is_fine(&d->db_state),
		.db_bytes = d->db ? db_size(d->db) : 0,
		.db_errors = d->db ? db_errors(d->db) : 0,
		.db_lost_rows = d->db ? db_missing_rows(d->db) : 0,
		.reload_ok = d->reload_ok,
		.reload_time = timers_wall_seconds(d, d->reload_time),
	};

	metrics_file_write(&d->metrics_file, d->engine, extra);
}

void daemon_arm_metrics(struct daemon *d)
{
	(void)timers_arm(d->timers->metrics, clock_boot());
}

static int on_metrics(sd_event_source *s, uint64_t when, void *userdata)
{
	struct daemon *d = userdata;

	daemon_look_for_cpus(d);
	daemon_look_at_trace(d);
	daemon_look_at_source(d);
	daemon_write_metrics(d);
	daemon_notify_status(d);
	if (d->metrics_file.path[0] == '\0')
		return 0; /* until a reload names a file */
	return timers_arm(
		s, usec_add(clock_boot(), engine_config(d->engine)->metrics.interval));
}

static int on_deadline(sd_event_source *s, uint64_t when, void *userdata)
{
	daemon_step(userdata, (struct input){ .kind = INPUT_TICK });
	return 0;
}

/* No errors come, and no page is on its way out of use: time for what takes long. */
static void checkpoint_db(struct daemon *d)
{
	usec_t last = usec(engine_totals(d->engine)->last_event);

	if (d->db && !outbox_has_attempts(&d->out) &&
	    schedule_is_quiet(clock_boot(), last))
		db_rest(d->db);
}

static int on_commit(sd_event_source *s, uint64_t when, void *userdata)
{
	struct daemon *d = userdata;

	d->timers->commit_at = usec(USEC_NEVER);
	if (d->db && d->timers->again_at.us <= clock_boot().us) {
		d->timers->again_at = usec(USEC_NEVER);
		daemon_store_again(d);
	}
	(void)daemon_flush_serving(d);
	checkpoint_db(d);
	daemon_notify_status(d);
	return 0;
}

/* While the database fails all is stored once more each minute: else the last rows of a
 * storm would stay unstored until another error comes. */
static void timers_note_failing(struct daemon *d)
{
	if (!d->db_state.failing)
		d->timers->again_at = usec(USEC_NEVER);
	else if (d->timers->again_at.us == USEC_NEVER)
		d->timers->again_at = usec_add(clock_boot(), usec(USEC_PER_MINUTE));
}

/* When the next flush is to begin, if one is. */
static usec_t timers_flush_due(const struct daemon *d)
{
	usec_t soon = usec_add(clock_boot(), schedule_commit_delay(&d->schedule));

	if (!d->db)
		return usec(USEC_NEVER);
	/* A log that is held is tried again, too. */
	if (engine_is_dirty(d->engine) || d->db_state.log_held || db_pending(d->db) > 0)
		return soon;
	return d->timers->again_at;
}

/* After every other source: the engine's deadline and the commit, as they are by now. */
static int on_post(sd_event_source *s, void *userdata)
{
	struct daemon *d = userdata;
	struct timers *h = d->timers;
	usec_t due;

	timers_note_failing(d);
	due = timers_flush_due(d);
	daemon_look_at_db_state(d);
	(void)timers_arm(h->deadline, engine_deadline(d->engine));
	if (due.us < h->commit_at.us) {
		h->commit_at = due;
		(void)timers_arm(h->commit, due);
	}
	return 0;
}

/* A timer and no sd_event_add_defer(): that is pending all the time, and so would come
 * before all that became pending later, until its last turn. */
static int on_reconcile(sd_event_source *s, uint64_t when, void *userdata)
{
	struct daemon *d = userdata;
	struct timers *h = d->timers;
	unsigned int looked = 0;

	for (; looked < RECONCILE_TURN; h->slot++) {
		const struct ce_tracker *t = engine_tracker(d->engine);
		const struct page_rec *rec = ce_tracker_peek_at(t, h->slot);
		struct input in = { .kind = INPUT_FRAME };

		if (h->slot >= ce_tracker_slots(t))
			return 0;
		if (!rec)
			continue;
		in.frame.pfn = pfn(rec->pfn);
		in.frame.frame = sysfs_offline_frame(d->sysfs, in.frame.pfn);
		daemon_step(d, in);
		looked++;
	}
	return timers_arm(s, clock_boot());
}

void daemon_start_reconcile(struct daemon *d)
{
	if (!d->timers) /* it begins with the loop */
		return;
	d->timers->slot = 0;
	(void)timers_arm(d->timers->reconcile, clock_boot());
}

/* Memory that came or went: other addresses are RAM now, and the kernel may have forgotten
 * which frames are poisoned. */
static void look_at_memory(struct daemon *d)
{
	uint64_t total = sysfs_offline_mem_total_kib(d->sysfs);
	_cleanup_(free_p) struct ram_map *map = NULL;

	/* 0: it could not be read. That is no memory that went. */
	if (total == 0 || total == d->mem_total_kib)
		return;
	d->mem_total_kib = total;
	map = malloc(sizeof(*map));
	if (!map)
		return;
	sysfs_offline_ram_map(d->sysfs, map);
	if (sysfs_offline_error(d->sysfs, MEMORY_FILE_IOMEM) < 0)
		d->mem_total_kib = 0; /* the next look reads the map again */
	daemon_step(d, (struct input){ .kind = INPUT_RAM, .ram = map });
	daemon_start_reconcile(d);
}

static void give_poison(struct daemon *d, int64_t kib, bool written)
{
	struct input in = { .kind = INPUT_BYSTANDER, .bystander = POISON_OTHER };

	if (d->watch)
		in.bystander = written ? POISON_PROGRAM : POISON_KERNEL;
	daemon_step(d, in);
	in = (struct input){ .kind = INPUT_POISON, .poisoned_kib = kib };
	daemon_step(d, in);
	d->samples++;
}

void daemon_sample_poison(struct daemon *d, bool written)
{
	give_poison(d, sysfs_offline_poisoned_kib(d->sysfs), written);
}

/*
 * Where the kernel has soft_offline_event, an event is better than a guess. The counter
 * moves first and the event follows. So the counter is read first and the events after
 * it: each event takes a sample of its own, which is newer.
 */
static void sample_after_events(struct daemon *d, bool written)
{
	int64_t kib = sysfs_offline_poisoned_kib(d->sysfs);
	uint64_t samples = d->samples;

	if (d->soft_events)
		daemon_catch_up(d);
	if (d->samples == samples)
		give_poison(d, kib, written);
}

static int on_write(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	struct daemon *d = userdata;

	/* While an attempt is under way the write is taken to be our own. */
	if (outbox_has_attempts(&d->out) || !write_watch_take(d->watch))
		return 0;
	sample_after_events(d, true);
	return 0;
}

void daemon_sample(struct daemon *d)
{
	struct input in = { .kind = INPUT_MACHINE };

	look_at_memory(d);
	in.machine = sysfs_offline_machine(d->sysfs);
	daemon_step(d, in);
	sample_after_events(d, false);
	daemon_look_at_source(d);
	daemon_look_at_kernel(d); /* last: it says which of the files cannot be read */
}

/* A copy of a file that was not checked must not take the place of a good copy. */
static void back_up(struct daemon *d)
{
	usec_t last = usec(engine_totals(d->engine)->last_event);
	usec_t now = clock_boot();

	if (!schedule_backup_is_due(&d->schedule, now, last) || db_unchecked(d->db))
		return;
	d->schedule.backed_up = now;
	(void)daemon_flush(d);
	if (db_backup(d->db) < 0)
		journal_log(LOG_WARNING, 0, "Database: no backup: %s",
			    db_last_error(d->db));
}

static void tend_db(struct daemon *d, bool prune)
{
	usec_t now = clock_boot();

	if (!d->db)
		return;
	if (prune && daemon_flush(d) >= 0)
		(void)db_prune(d->db, now, PRUNE_ROWS);
	if (prune)
		daemon_begin_check(d); /* if the check after the start was not possible */
	checkpoint_db(d);
	back_up(d);
}

static int on_minute(sd_event_source *s, uint64_t when, void *userdata)
{
	struct daemon *d = userdata;
	bool prune = schedule_minute(&d->schedule);

	d->wall_offset = clock_wall_offset();
	daemon_look_for_trace(d);
	daemon_look_for_cpus(d);
	daemon_look_at_trace(d);
	sysctl_control_poll(&d->control);
	daemon_identify(d);
	daemon_sample(d);
	/* A write that never returns holds up all other attempts. */
	if (outbox_is_late(&d->out, clock_boot(), usec(ATTEMPT_LONG)))
		journal_log(LOG_CRIT, 0,
			    "The kernel has not answered a soft offline for over a "
			    "minute; no page can be offlined until it does. Counting "
			    "continues.");
	daemon_look_for_db(d);
	tend_db(d, prune);
	daemon_look_at_waiting(d);
	return timers_arm(s, usec_add(clock_boot(), usec(USEC_PER_MINUTE)));
}

/* @when 0: it is armed later. */
static int timers_add_timer(struct daemon *d, sd_event_source **ret, usec_t when,
			    sd_event_time_handler_t handler)
{
	int r = sd_event_add_time(d->event, ret, CLOCK_BOOTTIME, (uint64_t)when.us, 1000,
				  handler, d);

	return r < 0 || when.us > 0 ? r : sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
}

static int timers_add_timers(struct daemon *d)
{
	struct timers *h = d->timers;
	usec_t now = clock_boot();
	int r = timers_add_timer(d, &h->deadline, usec(0), on_deadline);

	if (r >= 0)
		r = timers_add_timer(d, &h->commit, usec(0), on_commit);
	if (r >= 0) /* before reading, or a storm could put the commit off */
		r = sd_event_source_set_priority(h->commit, SD_EVENT_PRIORITY_IMPORTANT);
	if (r >= 0)
		r = timers_add_timer(d, &h->minute, usec_add(now, usec(USEC_PER_MINUTE)),
				     on_minute);
	if (r >= 0)
		r = timers_add_timer(d, &h->metrics, now, on_metrics);
	if (r >= 0)
		r = timers_add_timer(d, &h->reconcile, now, on_reconcile);
	return r;
}

int daemon_open_timers(struct daemon *d)
{
	int r = 0;

	d->timers = calloc(1, sizeof(*d->timers));
	if (!d->timers)
		return -ENOMEM;
	d->timers->commit_at = d->timers->again_at = usec(USEC_NEVER);
	if (d->watch)
		r = sd_event_add_io(d->event, NULL, write_watch_fd(d->watch),
				    EPOLLIN | EPOLLET, on_write, d);
	if (r >= 0)
		r = timers_add_timers(d);
	if (r >= 0)
		r = sd_event_add_post(d->event, NULL, on_post, d);
	return r;
}

void daemon_close_timers(struct daemon *d)
{
	struct timers *h = TAKE_PTR(d->timers);

	if (!h)
		return;
	sd_event_source_unref(h->deadline);
	sd_event_source_unref(h->commit);
	sd_event_source_unref(h->minute);
	sd_event_source_unref(h->metrics);
	sd_event_source_unref(h->reconcile);
	free(h);
}
