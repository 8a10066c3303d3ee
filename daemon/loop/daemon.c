/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The loop: what wakes the daemon and what it does then. One thread; only the write to
 * soft_offline_page, which can take seconds, runs in another (offline_worker). Without an
 * event nothing wakes it but the watchdog, the minute's sample and the metrics.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>

#include "host/page_shift.h"
#include "host/textfile.h"
#include "kernel/node_counters.h"
#include "loop/daemon_internal.h"
#include "tell/journal.h"
#include "tell/metrics.h"
#include "topology/topology.h"

#define COMMIT_DELAY     USEC_PER_SEC
#define MAX_COMMIT_DELAY (10 * USEC_PER_SEC)
#define RECONCILE_TURN   256 /* frames looked at before other work gets its turn */
#define PRUNE_MINUTES    10
#define PRUNE_ROWS       5000
#define ATTEMPT_LONG     (60 * USEC_PER_SEC)
#define BACKUP_AFTER     USEC_PER_HOUR       /* of uptime; then daily */
#define REST_AFTER       USEC_PER_SEC        /* without an event */
#define QUIET            (60 * USEC_PER_SEC) /* no event for so long: time for a backup */
#define STOP_WAIT        (10 * USEC_PER_SEC)

static int arm(sd_event_source *source, usec_t when)
{
	int r;

	if (when.us == USEC_NEVER)
		return sd_event_source_set_enabled(source, SD_EVENT_OFF);
	r = sd_event_source_set_time(source, when.us > 0 ? (uint64_t)when.us : 0);
	return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

void daemon_notify_status(struct daemon *d)
{
	struct engine_status s;

	engine_status(d->engine, clock_boot(), &s);
	(void)sd_notifyf(
		0,
		"STATUS=%swatching %u CPUs, %u pages tracked, %u offlined, %u pending: %s",
		d->options.dry_run ? "dry run, " : "", reading_open_pipes(&d->reading),
		s.tracked, s.pages[PAGE_OFFLINED], s.pages[PAGE_PENDING], s.verdict_why);
}

void daemon_notify_ready(struct daemon *d)
{
	/* Who waits for the start of the daemon may call it right after. */
	if (!d->works || d->link.state == BUS_LINK_NEW || d->ready)
		return;
	d->ready = true;
	(void)sd_notify(0, "READY=1");
}

static double wall_seconds(const struct daemon *d, usec_t boot)
{
	return (double)usec_add(boot, d->wall_offset).us / (double)USEC_PER_SEC;
}

/* @why: what stands in the way, or NULL: what @r says. */
static void note_metrics(struct daemon *d, int r, const char *why)
{
	if (r < 0 && !d->metrics_failing && why)
		journal_log(LOG_WARNING, 0,
			    "%s: %s; metrics are not written: they replace only a file "
			    "of their own",
			    d->metrics_path, why);
	else if (r < 0 && !d->metrics_failing)
		journal_log(LOG_WARNING, r, "%s: cannot write metrics", d->metrics_path);
	d->metrics_failing = r < 0;
}

void daemon_write_metrics(struct daemon *d)
{
	struct metrics_extra extra = {
		.version = SOFTOFFLINED_VERSION,
		.dry_run = d->options.dry_run,
		.started = wall_seconds(d, d->started),
		.now = clock_boot(),
		.wall_offset = d->wall_offset,
		.db_bytes = d->db ? db_size(d->db) : 0,
		.db_errors = d->db ? db_errors(d->db) : 0,
		.db_lost_rows = d->db ? db_missing_rows(d->db) : 0,
		.reload_ok = d->reload_ok,
		.reload_time = wall_seconds(d, d->reload_time),
	};
	struct soft_counts *nodes _cleanup_(free_p) =
		calloc(MAX_SOFT_NODES, sizeof(*nodes));
	char *text _cleanup_(free_p) = NULL;
	const char *why = NULL;
	size_t len;
	int r;

	if (d->metrics_path[0] == '\0' || !nodes)
		return;
	extra.nodes = nodes;
	extra.n_nodes = node_counters_read("", nodes, MAX_SOFT_NODES);
	len = metrics_format(d->engine, &extra, NULL, 0);
	text = malloc(len + 1);
	if (!text)
		return;
	metrics_format(d->engine, &extra, text, len + 1);
	r = textfile_write(d->metrics_path, TEXTFILE_METRICS, text, len, &why);
	note_metrics(d, r, why);
}

static int on_answer(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	int r = daemon_collect(userdata);

	if (r < 0) {
		journal_log(LOG_CRIT, r, "The offline thread is gone");
		return sd_event_exit(((struct daemon *)userdata)->event, 1);
	}
	return 0;
}

static int on_deadline(sd_event_source *s, uint64_t when, void *userdata)
{
	daemon_step(userdata, (struct input){ .kind = INPUT_TICK });
	return 0;
}

/*
 * A storm dirties thousands of rows a second, and storing them must leave time for
 * counting: four fifths of it. What a kill costs meanwhile is counted as lost.
 */
static usec_t commit_delay(const struct daemon *d)
{
	int64_t delay = 4 * d->flush_took.us;

	if (delay < COMMIT_DELAY)
		delay = COMMIT_DELAY;
	return usec(delay < MAX_COMMIT_DELAY ? delay : MAX_COMMIT_DELAY);
}

/* Nothing errs, and no page is on its way out of use: what takes long may take place. */
static void rest(struct daemon *d)
{
	usec_t last = usec(engine_totals(d->engine)->last_event);

	if (d->db && !outbox_has_attempts(&d->out) &&
	    usec_sub(clock_boot(), last).us >= REST_AFTER)
		db_rest(d->db);
}

static int on_commit(sd_event_source *s, uint64_t when, void *userdata)
{
	struct daemon *d = userdata;

	d->commit_armed = false;
	(void)daemon_flush_serving(d);
	rest(d);
	daemon_notify_status(d);
	return 0;
}

bool daemon_serve(struct daemon *d)
{
	struct pollfd fds[] = {
		{ .fd = offline_worker_fd(d->worker), .events = POLLIN },
		{ .fd = d->reading.pump ? reading_fd(&d->reading) : -1,
		  .events = POLLIN },
	};

	if (poll(fds, 2, 0) <= 0)
		return false;
	/* What fails here fails again, and is told, when the loop comes by. */
	if (fds[0].revents)
		(void)daemon_collect(d);
	if (fds[1].revents)
		daemon_read(d);
	return true;
}

/* After every other source: set the clocks by what has come up. */
static int on_post(sd_event_source *s, void *userdata)
{
	struct daemon *d = userdata;
	/* a log that is held is tried again, too */
	bool unstored = d->db && (engine_is_dirty(d->engine) || d->db_state.log_held ||
				  db_pending(d->db) > 0);

	(void)arm(d->deadline, engine_deadline(d->engine));
	if (unstored && !d->commit_armed) {
		d->commit_armed = true;
		(void)arm(d->commit, usec_add(clock_boot(), commit_delay(d)));
	}
	return 0;
}

static int on_reconcile(sd_event_source *s, void *userdata)
{
	struct daemon *d = userdata;
	unsigned int looked = 0;

	for (; looked < RECONCILE_TURN; d->reconcile_slot++) {
		const struct ce_tracker *t = engine_tracker(d->engine);
		const struct page_rec *rec = ce_tracker_peek_at(t, d->reconcile_slot);
		struct input in = { .kind = INPUT_FRAME };

		if (d->reconcile_slot >= ce_tracker_slots(t))
			return sd_event_source_set_enabled(s, SD_EVENT_OFF);
		if (!rec)
			continue;
		in.frame.pfn = pfn(rec->pfn);
		in.frame.frame = sysfs_offline_frame(d->sysfs, in.frame.pfn);
		daemon_step(d, in);
		looked++;
	}
	return 0;
}

void daemon_start_reconcile(struct daemon *d)
{
	d->reconcile_slot = 0;
	if (d->reconcile)
		(void)sd_event_source_set_enabled(d->reconcile, SD_EVENT_ON);
}

/* Memory came or went: other addresses are RAM now, and poison may have been forgotten.
 */
static void look_at_memory(struct daemon *d)
{
	uint64_t total = sysfs_offline_mem_total_kib(d->sysfs);
	struct ram_map *map _cleanup_(free_p) = NULL;

	/* 0: it could not be read, which is no memory that went. */
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
 * Where the kernel tells of it, its word goes before a guess. The counter moves first and
 * the event follows, so the counter is read first and the events after: theirs are
 * samples of their own, and newer.
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

static void sample(struct daemon *d)
{
	struct input in = { .kind = INPUT_MACHINE };

	look_at_memory(d);
	in.machine = sysfs_offline_machine(d->sysfs);
	daemon_step(d, in);
	sample_after_events(d, false);
	daemon_look_at_kernel(d); /* and tells what could not be read */
}

/* A write that never returns holds up all others, and nobody else would say so. */
static void look_at_attempt(struct daemon *d)
{
	if (!outbox_is_late(&d->out, clock_boot(), usec(ATTEMPT_LONG)))
		return;
	journal_log(
		LOG_CRIT, 0,
		"The kernel has not answered a soft offline for over a minute; no page can "
		"be offlined until it does. Counting goes on.");
}

static void keep_house(struct daemon *d)
{
	usec_t now = clock_boot();
	int64_t last = engine_totals(d->engine)->last_event;

	if (!d->db)
		return;
	if (d->minutes % PRUNE_MINUTES == 0 && daemon_flush(d) >= 0)
		(void)db_prune(d->db, now, PRUNE_ROWS);
	if (d->minutes % PRUNE_MINUTES == 0)
		daemon_begin_check(d); /* if the one before could not look */
	rest(d);
	/* a damaged file must not take the place of a good one */
	if (usec_sub(now, d->backed_up).us < USEC_PER_DAY ||
	    usec_sub(now, usec(last)).us < QUIET || db_unchecked(d->db))
		return;
	d->backed_up = now;
	(void)daemon_flush(d);
	if (db_backup(d->db) < 0)
		journal_log(LOG_WARNING, 0, "Database: no backup: %s",
			    db_last_error(d->db));
}

static int on_minute(sd_event_source *s, uint64_t when, void *userdata)
{
	struct daemon *d = userdata;

	d->minutes++;
	d->wall_offset = clock_wall_offset();
	daemon_look_for_cpus(d);
	sysctl_control_poll(&d->control);
	daemon_identify(d);
	sample(d);
	look_at_attempt(d);
	daemon_look_for_db(d);
	keep_house(d);
	return arm(s, usec_add(clock_boot(), usec(USEC_PER_MINUTE)));
}

static int on_metrics(sd_event_source *s, uint64_t when, void *userdata)
{
	struct daemon *d = userdata;

	daemon_look_for_cpus(d);
	daemon_write_metrics(d);
	daemon_notify_status(d);
	if (d->metrics_path[0] == '\0')
		return 0; /* until a reload names a file */
	return arm(s, usec_add(clock_boot(), engine_config(d->engine)->metrics.interval));
}

void daemon_arm_metrics(struct daemon *d)
{
	(void)arm(d->metrics, clock_boot());
}

static int on_reload(sd_event_source *s, const struct signalfd_siginfo *info,
		     void *userdata)
{
	(void)daemon_reload(userdata, NULL);
	return 0;
}

static int add_timer(struct daemon *d, sd_event_source **ret, usec_t when,
		     sd_event_time_handler_t handler)
{
	int r = sd_event_add_time(d->event, ret, CLOCK_BOOTTIME, (uint64_t)when.us, 1000,
				  handler, d);

	return r < 0 || when.us > 0 ? r : sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
}

static int add_timers(struct daemon *d)
{
	usec_t now = clock_boot();
	int r = add_timer(d, &d->deadline, usec(0), on_deadline);

	if (r >= 0)
		r = add_timer(d, &d->commit, usec(0), on_commit);
	if (r >= 0) /* before reading, or a storm could put the commit off */
		r = sd_event_source_set_priority(d->commit, SD_EVENT_PRIORITY_IMPORTANT);
	if (r >= 0)
		r = add_timer(d, &d->minute, usec_add(now, usec(USEC_PER_MINUTE)),
			      on_minute);
	if (r >= 0)
		r = add_timer(d, &d->metrics, now, on_metrics);
	return r;
}

static int add_sources(struct daemon *d)
{
	int r;

	d->reading.queue_size = engine_config(d->engine)->source.max_buffer_size;
	r = daemon_start_reading(d);
	if (r >= 0)
		r = sd_event_add_io(d->event, NULL, offline_worker_fd(d->worker), EPOLLIN,
				    on_answer, d);
	if (r >= 0 && d->watch)
		r = sd_event_add_io(d->event, NULL, write_watch_fd(d->watch),
				    EPOLLIN | EPOLLET, on_write, d);
	if (r >= 0)
		r = add_timers(d);
	if (r >= 0)
		r = sd_event_add_defer(d->event, &d->reconcile, on_reconcile, d);
	if (r >= 0)
		r = sd_event_source_set_enabled(d->reconcile, SD_EVENT_ON);
	if (r >= 0)
		r = sd_event_add_post(d->event, NULL, on_post, d);
	if (r >= 0)
		r = sd_event_set_watchdog(d->event, 1);
	return r;
}

static int add_signals(struct daemon *d)
{
	sigset_t set;
	int r;

	/* Blocked before anything else: a SIGHUP that came early would end the daemon. */
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file at RLIMIT_FSIZE is a full disk: EFBIG */
	r = sd_event_new(&d->event);
	if (r >= 0)
		r = sd_event_add_signal(d->event, NULL, SIGTERM, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_signal(d->event, NULL, SIGINT, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_signal(d->event, NULL, SIGHUP, on_reload, d);
	return r;
}

/*
 * The write that has begun cannot be called off; its answer belongs into the database. If
 * it does not come in time it is settled at the next start.
 */
static void wait_for_answers(struct daemon *d)
{
	struct pollfd p = { .fd = offline_worker_fd(d->worker), .events = POLLIN };
	int64_t end = clock_boot().us + STOP_WAIT;
	int64_t left;

	while (d->out.under_way > 0 && (left = end - clock_boot().us) > 0)
		if (poll(&p, 1, (int)(left / 1000) + 1) < 0 || daemon_collect(d) < 0)
			return;
}

/*
 * Twice: the engine gives what could not be stored again only after a flush that worked.
 * A flush with nothing to commit is no proof: each of its rows may have been refused.
 */
static void store_the_rest(struct daemon *d)
{
	int r;

	if (d->db && d->db_state.failing)
		daemon_store_again(d);
	r = daemon_flush(d);
	if (r >= 0)
		r = daemon_flush(d);
	if (d->db && (r < 0 || d->db_state.failing))
		journal_event(
			LOG_ERR, JOURNAL_ID_DATABASE_FAILED, 0,
			"Database: %s. What was counted since it began to fail could "
			"not be stored, and is lost with this process.",
			db_last_error(d->db));
}

static void stop(struct daemon *d)
{
	(void)sd_notify(0, "STOPPING=1");
	d->stopping = true;
	offline_worker_recall(d->worker);
	wait_for_answers(d);
	daemon_stop_reading(d);
	sysctl_control_give_back(&d->control);
	daemon_look_for_db(d);
	store_the_rest(d);
	daemon_write_metrics(d);
	journal_log(LOG_INFO, 0, "Stopped; the trace instance goes on recording.");
}

static int run(struct daemon *d)
{
	int r = add_sources(d);

	if (r < 0) {
		journal_log(LOG_ERR, r, "Cannot set up the event loop");
		return EXIT_FAILURE;
	}
	daemon_apply_control(d, engine_config(d->engine));
	sample(d);
	journal_event(LOG_INFO, JOURNAL_ID_STARTED, 0,
		      "softofflined " SOFTOFFLINED_VERSION
		      "%s watches %u CPUs; %u pages known.",
		      d->options.dry_run ? " (dry run)" : "",
		      reading_open_pipes(&d->reading),
		      ce_tracker_count(engine_tracker(d->engine)));
	d->works = true;
	daemon_notify_ready(d);
	daemon_notify_status(d);
	daemon_begin_check(d);
	r = sd_event_loop(d->event);
	stop(d);
	return r < 0 ? EXIT_FAILURE : r;
}

static void close_all(struct daemon *d)
{
	daemon_end_check(d);
	bus_link_close(&d->link);
	offline_worker_stop(d->worker);
	write_watch_free(d->watch);
	reading_close(&d->reading);
	db_close(d->db);
	db_heritage_free(d->heritage);
	engine_free(d->engine);
	mc_format_free(d->format);
	topology_free(d->topology);
	read_account_done(&d->account);
	sysfs_offline_free(d->sysfs);
	sd_event_source_unref(d->trace);
	sd_event_source_unref(d->deadline);
	sd_event_source_unref(d->commit);
	sd_event_source_unref(d->minute);
	sd_event_source_unref(d->metrics);
	sd_event_source_unref(d->reconcile);
	sd_event_unref(d->event);
}

int daemon_run(const struct daemon_options *options)
{
	struct config *cfg _cleanup_(free_p) = malloc(sizeof(*cfg));
	struct daemon d = { .options = *options, .page_shift = host_page_shift() };
	int r = add_signals(&d);

	if (r < 0 || !cfg) {
		journal_log(LOG_ERR, r, "Cannot start");
		close_all(&d);
		return EXIT_FAILURE;
	}
	d.started = clock_boot();
	d.reload_time = d.started;
	d.backed_up = usec(d.started.us - USEC_PER_DAY + BACKUP_AFTER);
	d.reload_ok = true;
	d.wall_offset = clock_wall_offset();
	r = daemon_load_config(&d, cfg, NULL);
	if (r < 0) {
		journal_event(
			LOG_ERR, JOURNAL_ID_CONFIG_REFUSED, 0,
			"Configuration refused; not starting. softofflinectl policy verify "
			"shows why.");
		close_all(&d);
		return EX_CONFIG;
	}
	r = daemon_start(&d, cfg);
	if (r == 0)
		r = run(&d);
	close_all(&d);
	return r;
}
