/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Opens every door, in the order that a start needs. Each failure is one line that says
 * what to do. What goes through the doors is not known here.
 */

#include <errno.h>
#include <sysexits.h>

#include "loop/daemon_internal.h"
#include "tell/journal.h"

/* Not worth refusing to start: without the event, offlines that other programs asked for
 * are guessed at. */
static void add_soft_events(struct daemon *d)
{
	const char *format = trace_reader_soft_format(d->reading.reader);
	int r = format ? mc_format_add_soft(d->format, format) : 0;

	if (r < 0)
		journal_log(LOG_WARNING, r,
			    "events/ras/soft_offline_event/format: not understood; "
			    "continuing without it");
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

int daemon_start(struct daemon *d, const struct config *cfg)
{
	int r = open_reader(d, cfg);

	if (r != 0)
		return r;
	r = open_hands(d);
	if (r != 0)
		return r;
	r = daemon_restore(d, cfg);
	if (r != 0)
		return r;
	metrics_file_set(&d->metrics_file, cfg, "");
	r = bus_link_open(&d->link, d->event, &daemon_bus_ops, d);
	if (r < 0)
		journal_log(LOG_ERR, r, "Cannot start");
	return r < 0 ? EXIT_FAILURE : 0;
}
