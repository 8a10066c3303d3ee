/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The loop: what wakes the daemon, from its begin to its end. This thread decides, and
 * it alone uses the engine and the database. Two others work for it: one reads the trace
 * pipes (trace_pump), and one writes to soft_offline_page, which can take seconds
 * (offline_worker); after a start a third one checks the database's file (db_check).
 * Without an event nothing wakes the loop but the watchdog, the minute and the metrics.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>

#include "base/text.h"
#include "host/page_shift.h"
#include "loop/daemon_internal.h"
#include "tell/journal.h"
#include "topology/topology.h"

#define STOP_WAIT (10 * USEC_PER_SEC)

void daemon_notify_status(struct daemon *d)
{
	struct engine_status s;

	engine_status(d->engine, clock_boot(), &s);
	(void)sd_notifyf(
		0,
		"STATUS=%swatching memory, %u pages tracked, %u offlined, %u pending: %s",
		d->options.dry_run ? "dry run, " : "", s.tracked, s.pages[PAGE_OFFLINED],
		s.pages[PAGE_PENDING], s.verdict_why);
}

void daemon_notify_ready(struct daemon *d)
{
	/* A program that waits for our start may call us right after it. */
	if (!d->works || d->link.state == BUS_LINK_NEW || d->ready)
		return;
	d->ready = true;
	(void)sd_notify(0, "READY=1");
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

bool daemon_serve(struct daemon *d)
{
	struct pollfd fds[] = {
		{ .fd = offline_worker_fd(d->worker), .events = POLLIN },
		{ .fd = d->reading.pump ? reading_fd(&d->reading) : -1,
		  .events = POLLIN },
	};

	if (poll(fds, 2, 0) <= 0)
		return false;
	/* A failure here is reported when the loop comes to the same source. */
	if (fds[0].revents)
		(void)daemon_collect(d);
	if (fds[1].revents)
		daemon_read(d);
	return true;
}

static int on_reload(sd_event_source *s, const struct signalfd_siginfo *info,
		     void *userdata)
{
	(void)daemon_reload(userdata, NULL);
	return 0;
}

static int loop_add_sources(struct daemon *d)
{
	int r;

	d->reading.queue_size = engine_config(d->engine)->source.max_buffer_size;
	r = daemon_start_reading(d);
	if (r >= 0)
		r = sd_event_add_io(d->event, NULL, offline_worker_fd(d->worker), EPOLLIN,
				    on_answer, d);
	if (r >= 0)
		r = daemon_open_timers(d);
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
 * A write that has begun cannot be called off, and its answer belongs in the database. If
 * the answer does not come in time, the next start settles the attempt.
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
 * Twice: only after a flush that worked does the engine give again the rows that could
 * not be stored. A flush with nothing to commit proves nothing: each of its rows may have
 * been refused.
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
	daemon_settle_errors(d);
	daemon_stop_reading(d);
	daemon_take_due(d, usec(USEC_NEVER));
	sysctl_control_give_back(&d->control);
	daemon_look_for_db(d);
	store_the_rest(d);
	daemon_write_metrics(d);
	journal_log(
		LOG_INFO, 0,
		"Stopped. The kernel keeps recording memory errors for the next start.");
}

/* What is watched, by which policy: what a reader wants to know of a start. */
static void say_started(struct daemon *d)
{
	const struct policy_rule *policy = &engine_config(d->engine)->policy;
	const struct topology *t = daemon_topology(d);
	char dimms[128] = "no DIMMs known to EDAC";
	char threshold[64];

	if (t && t->n_dimms > 0 && t->n_mcs > 0)
		snprintf(dimms, sizeof(dimms), "%u DIMM%s on %u memory controller%s (%s)",
			 t->n_dimms, text_plural(t->n_dimms), t->n_mcs,
			 text_plural(t->n_mcs), t->mcs[0].name);
	journal_event(
		LOG_INFO, JOURNAL_ID_STARTED, 0,
		"softofflined " SOFTOFFLINED_VERSION
		"%s: watching %s, with the buffers of %u CPU%s; Action=%s, "
		"PageThreshold=%s; %u pages known.",
		d->options.dry_run ? " (dry run)" : "", dimms,
		reading_open_pipes(&d->reading),
		text_plural(reading_open_pipes(&d->reading)),
		policy->action == POLICY_SOFT ? "soft" : "account",
		config_format_threshold(&policy->page, threshold, sizeof(threshold)),
		ce_tracker_count(engine_tracker(d->engine)));
}

static int run_loop(struct daemon *d)
{
	int r = loop_add_sources(d);

	if (r < 0) {
		journal_log(LOG_ERR, r, "Cannot set up the event loop");
		return EXIT_FAILURE;
	}
	daemon_apply_control(d, engine_config(d->engine));
	daemon_sample(d);
	say_started(d);
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
	daemon_close_timers(d);
	daemon_end_check(d);
	bus_link_close(&d->link);
	offline_worker_stop(d->worker);
	write_watch_free(d->watch);
	reading_close(&d->reading);
	db_close(d->db);
	db_heritage_free(d->heritage);
	engine_free(d->engine);
	event_format_free(d->format);
	daemon_close_modules(d);
	read_account_done(&d->account);
	sysfs_offline_free(d->sysfs);
	sd_event_source_unref(d->taking.source);
	sd_event_source_unref(d->errors.timer);
	sd_event_unref(d->event);
}

int daemon_run(const struct daemon_options *options)
{
	_cleanup_(free_p) struct config *cfg = malloc(sizeof(*cfg));
	struct daemon d = { .options = *options, .page_shift = host_page_shift() };
	int r = add_signals(&d);

	host_keep_tables_thin();
	if (r < 0 || !cfg) {
		journal_log(LOG_ERR, r, "Cannot start");
		close_all(&d);
		return EXIT_FAILURE;
	}
	d.started = clock_boot();
	d.reload_time = d.started;
	schedule_begin(&d.schedule, d.started);
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
		r = run_loop(&d);
	close_all(&d);
	return r;
}
