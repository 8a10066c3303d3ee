/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Opens every door, in the order that a start needs. Each failure is one line that says
 * what to do. What goes through the doors is not known here.
 */

#include <errno.h>
#include <sysexits.h>

#include "loop/daemon_internal.h"
#include "tell/journal.h"

/* What is not understood is not read: a daemon that sees less is better than none. */
static void start_add_sources(struct daemon *d)
{
	for (enum event_source_id id = 0; id < EVENT_SOURCE_MAX_; id++) {
		const struct event_source *source = &event_sources[id];
		const char *text = trace_reader_format(d->reading.reader, id);
		int r = text ? event_format_add(d->format, id, text) : 0;

		if (r < 0)
			journal_log(source->needed ? LOG_ERR : LOG_WARNING, r,
				    "events/%s/%s/format: not understood; continuing "
				    "without it",
				    trace_reader_system(d->reading.reader, id),
				    source->event);
	}
	d->soft_events = event_format_has(d->format, EVENT_SOURCE_SOFT_OFFLINE);
}

static int start_reader(struct daemon *d)
{
	int r = event_format_new(&d->format, trace_reader_header_page(d->reading.reader));

	if (r < 0) {
		journal_log(LOG_ERR, r, "events/header_page: not understood");
		return EX_UNAVAILABLE;
	}
	start_add_sources(d);
	return 0;
}

int daemon_open_reader(struct daemon *d, const struct config *cfg)
{
	struct trace_reader_options options = {
		.buffer_size = cfg->source.buffer_size,
		.record_dir = d->options.record_dir,
		.unwanted = daemon_unwanted(cfg),
	};
	const char *where = "";
	int r = trace_reader_open(&d->reading.reader, &options, &where);

	d->reading.record_dir = d->options.record_dir;
	/* The engine says that nothing can be seen. */
	if (r == -ENOENT || r == -ENODEV)
		return 0;
	if (r == -EBUSY)
		journal_log(LOG_ERR, 0,
			    "Another softofflined reads the trace instance; stop it "
			    "first");
	else if (r < 0)
		journal_log(LOG_ERR, r, "%s: cannot set up the trace instance", where);
	return r < 0 ? EXIT_FAILURE : start_reader(d);
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
	else if (sysfs_offline_ksm_untrue(d->sysfs))
		journal_log(LOG_INFO, 0,
			    "This kernel marks every anonymous page as merged (KPF_KSM): "
			    "the mark is ignored");
	return r < 0 ? EXIT_FAILURE : 0;
}

int daemon_start(struct daemon *d, const struct config *cfg)
{
	int r = daemon_open_reader(d, cfg);

	daemon_begin_source(d);
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
