/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * From raw pages to inputs. It neither reads tracefs itself nor understands an event.
 */

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "loop/daemon_internal.h"
#include "tell/journal.h"

#define PAGES_PER_TURN 16 /* so that timers and answers get their turn in a storm */

static void give_lost(struct daemon *d, enum input_kind kind, uint16_t cpu, uint64_t n,
		      usec_t now)
{
	struct input in = { .kind = kind, .now = now };

	in.lost.count = n;
	in.lost.cpu = cpu;
	daemon_step(d, in);
}

/* An attempt stores its DIMM at once: with what was read since the last flush. */
static void give_predecessors(struct daemon *d, uint16_t cpu, uint64_t n)
{
	struct input in = { .kind = INPUT_LOST, .now = clock_boot() };

	in.lost.count = n;
	in.lost.cpu = cpu;
	in.lost.known_to_dimms = true;
	daemon_step(d, in);
}

#define NEVER_NOTED UINT64_MAX
#define NOT_KNOWN   NEVER_NOTED /* of what was read: then it is not noted either */

struct walk {
	uint64_t *noted;
	unsigned int cpus;
};

static int take_reader(void *userdata, uint16_t cpu, uint64_t read)
{
	struct walk *walk = userdata;

	if (cpu < walk->cpus)
		walk->noted[cpu] = read;
	return 0;
}

/*
 * What cannot be read is taken up where the database left it: what a predecessor read and
 * lost shows at the next start that can read the counter. Without either nothing is
 * noted, lest all that was ever read counts as lost then.
 */
static void look_how_far(struct daemon *d)
{
	int unread = 0;

	for (unsigned int cpu = 0; cpu < trace_reader_cpus(d->reader); cpu++) {
		int r = trace_reader_consumed(d->reader, (uint16_t)cpu,
					      &d->consumed[cpu]);

		if (r < 0)
			d->consumed[cpu] = d->noted[cpu];
		if (r < 0 && unread == 0)
			unread = r;
	}
	if (unread < 0)
		journal_log(LOG_WARNING, unread,
			    "per_cpu/cpuN/stats of the trace instance cannot be read: "
			    "whether a daemon before lost events is not known");
}

int daemon_account_for_predecessor(struct daemon *d)
{
	struct walk walk = { .cpus = trace_reader_cpus(d->reader) };

	d->consumed = calloc(walk.cpus, sizeof(*d->consumed));
	walk.noted = calloc(walk.cpus, sizeof(*walk.noted));
	d->noted = walk.noted;
	d->began = calloc(walk.cpus, sizeof(*d->began));
	if (!d->consumed || !d->noted || !d->began)
		return -ENOMEM;
	for (unsigned int cpu = 0; cpu < walk.cpus; cpu++)
		d->noted[cpu] = NEVER_NOTED;
	if (d->db && db_each_reader(d->db, take_reader, &walk) < 0)
		journal_log(LOG_WARNING, 0,
			    "Database: how far a daemon before had read cannot be read: "
			    "whether it lost events is not known");
	look_how_far(d);
	memcpy(d->began, d->consumed, walk.cpus * sizeof(*d->began));
	d->accounted = true;
	for (unsigned int cpu = 0; cpu < walk.cpus; cpu++)
		if (d->noted[cpu] != NEVER_NOTED && d->consumed[cpu] > d->noted[cpu])
			give_predecessors(d, (uint16_t)cpu,
					  d->consumed[cpu] - d->noted[cpu]);
	/* Stored before the first page is read: from here on nothing can go unnoticed. */
	if (d->db)
		daemon_note_read(d);
	(void)daemon_flush(d);
	return 0;
}

uint64_t *daemon_stored_reads(struct daemon *d)
{
	struct walk walk = { .cpus = trace_reader_cpus(d->reader) };

	walk.noted = calloc(walk.cpus, sizeof(*walk.noted));
	if (!walk.noted)
		return NULL;
	for (unsigned int cpu = 0; cpu < walk.cpus; cpu++)
		walk.noted[cpu] = NEVER_NOTED;
	if (db_each_reader(d->db, take_reader, &walk) < 0) {
		free(walk.noted);
		return NULL;
	}
	return walk.noted;
}

void daemon_account_late(struct daemon *d, const uint64_t *stored)
{
	for (unsigned int cpu = 0; cpu < trace_reader_cpus(d->reader); cpu++)
		if (stored[cpu] != NEVER_NOTED && d->began[cpu] != NOT_KNOWN &&
		    d->began[cpu] > stored[cpu])
			give_predecessors(d, (uint16_t)cpu, d->began[cpu] - stored[cpu]);
}

void daemon_note_read(struct daemon *d)
{
	/* While the engine is restored: what a predecessor read is not accounted for yet.
	 */
	if (!d->accounted)
		return;
	for (unsigned int cpu = 0; cpu < trace_reader_cpus(d->reader); cpu++) {
		if (d->consumed[cpu] == d->noted[cpu] || d->consumed[cpu] == NOT_KNOWN)
			continue;
		if (db_put_reader(d->db, (uint16_t)cpu, d->consumed[cpu]) == 0)
			d->noted[cpu] = d->consumed[cpu];
	}
}

void daemon_forget_read(struct daemon *d)
{
	for (unsigned int cpu = 0; d->accounted && cpu < trace_reader_cpus(d->reader);
	     cpu++)
		d->noted[cpu] = NEVER_NOTED;
}

/* Setting another clock empties the buffer and its counters. */
static void start_counting_anew(struct daemon *d)
{
	for (unsigned int cpu = 0; cpu < trace_reader_cpus(d->reader); cpu++)
		if (trace_reader_consumed(d->reader, (uint16_t)cpu, &d->consumed[cpu]) <
		    0)
			d->consumed[cpu] = 0; /* nobody has read since */
}

static enum soft_asker asker_of(const struct daemon *d, const struct soft_event *ev)
{
	pid_t tid = offline_worker_tid(d->worker);

	if (tid == 0 || ev->pid == 0)
		return SOFT_ASKER_UNKNOWN;
	return ev->pid == tid ? SOFT_ASKER_US : SOFT_ASKER_OTHERS;
}

/*
 * The time of the turn, unless the event is newer: asking a clock takes as long as
 * counting some events where the processor's own cannot be read directly, as in many
 * virtual machines.
 */
static usec_t time_for(struct daemon *d, usec_t event)
{
	if (event.us > d->turn_time.us)
		d->turn_time = clock_boot();
	return d->turn_time;
}

static void give_record(struct daemon *d, struct mc_decoder *m, int record)
{
	struct input in = { .now = time_for(d, usec((int64_t)(m->time_ns / 1000))) };

	if (record == MC_EVENT) {
		in.kind = INPUT_EVENT;
		in.event = &m->event;
		if (!d->pump && trace_reader_foreign_clock(d->reader))
			m->event.time = in.now;
	} else if (record == MC_FAILURE) {
		in.kind = INPUT_FAILURE;
		in.failure = &m->failure;
	} else if (record == MC_SOFT) {
		in.kind = INPUT_SOFT;
		in.soft.event = &m->soft;
		in.soft.asker = asker_of(d, &m->soft);
		if (!d->pump && trace_reader_foreign_clock(d->reader))
			m->soft.time = in.now;
		d->sample_wanted = d->sample_wanted || m->soft.error == 0;
	} else {
		return;
	}
	daemon_step(d, in);
}

static void note_lost(struct daemon *d, uint16_t cpu, const struct mc_decoder *m)
{
	if (d->pump)
		trace_pump_note_lost(d->pump, cpu, m->lost, m->lost_unknown);
	else
		trace_reader_note_lost(d->reader, cpu, m->lost, m->lost_unknown);
}

static void take_page(void *userdata, uint16_t cpu, const void *page, size_t size)
{
	struct daemon *d = userdata;
	struct mc_decoder m;
	int r;

	/* All that are queued may be many; and the first of a group is not kept waiting.
	 */
	if (d->pages_taken++ % PAGES_PER_TURN == 0 || d->out.under_way == 0)
		daemon_launch(d);
	r = mc_decoder_init(&m, d->format, cpu, page, size);

	if (r >= 0 && (m.lost > 0 || m.lost_unknown)) {
		note_lost(d, cpu, &m);
		if (m.lost > 0)
			give_lost(d, INPUT_LOST, cpu, m.lost, d->turn_time);
	}
	while (r >= 0 && (r = mc_decoder_next(&m)) > MC_END) {
		if (d->consumed[cpu] != NOT_KNOWN)
			d->consumed[cpu]++; /* before: what follows may commit it */
		give_record(d, &m, r);
	}
	if (r < 0)
		give_lost(d, INPUT_MALFORMED, cpu, 1, d->turn_time);
}

static uint64_t unreported(struct daemon *d, uint16_t cpu)
{
	return d->pump ? trace_pump_unreported(d->pump, cpu)
		       : trace_reader_unreported(d->reader, cpu);
}

/* What the pages could not tell: by the kernel's own counts, once all pages are read. */
static void take_unreported(struct daemon *d)
{
	for (unsigned int cpu = 0; cpu < trace_reader_cpus(d->reader); cpu++) {
		uint64_t n = unreported(d, (uint16_t)cpu);

		if (n > 0)
			give_lost(d, INPUT_LOST, (uint16_t)cpu, n, clock_boot());
	}
}

/* Once: the count of what was lost tells the rest. */
static void tell_full_queue(struct daemon *d)
{
	if (d->queue_told || !trace_pump_was_full(d->pump))
		return;
	d->queue_told = true;
	journal_log(LOG_WARNING, 0,
		    "Errors come faster than they can be counted: the %llu KiB of "
		    "[Source] MaxBufferSize are full. What does not fit into the "
		    "kernel's buffer either is lost, and counted as lost.",
		    (unsigned long long)(d->queue_size / 1024));
}

/* Before there is a pump: reads in this thread. Returns as trace_pump_take(). */
static int read_directly(struct daemon *d)
{
	bool foreign = trace_reader_foreign_clock(d->reader);
	int n = trace_reader_read(d->reader, PAGES_PER_TURN, take_page, d);

	if (foreign && !trace_reader_foreign_clock(d->reader))
		start_counting_anew(d);
	return n;
}

static int take_pages(struct daemon *d, unsigned int max)
{
	int n;

	if (!d->pump)
		return read_directly(d);
	n = trace_pump_take(d->pump, max, take_page, d);
	tell_full_queue(d);
	return n;
}

/* A recording that a full disk ends would otherwise end in silence. */
static void look_at_recording(struct daemon *d)
{
	int r;

	if (!d->options.record_dir || d->record_ended)
		return;
	r = d->pump ? trace_pump_record_error(d->pump)
		    : trace_reader_record_error(d->reader);
	if (r == 0)
		return;
	d->record_ended = true;
	journal_log(LOG_ERR, r,
		    "%s/pages: the recording ends here, with what was written before; "
		    "counting continues",
		    d->options.record_dir);
}

static void read_up_to(struct daemon *d, unsigned int max)
{
	int n;

	daemon_begin_turn(d);
	d->turn_time = clock_boot();
	n = take_pages(d, max);
	daemon_end_turn(d);
	if (n < 0) {
		journal_log(LOG_CRIT, n, "Reading the trace buffer failed");
		(void)sd_event_exit(d->event, 1);
		return;
	}
	if ((unsigned int)n < max) {
		take_unreported(d);
		look_at_recording(d);
	}
	if (d->sample_wanted)
		daemon_sample_poison(d, false);
	d->sample_wanted = false;
}

void daemon_read(struct daemon *d)
{
	read_up_to(d, PAGES_PER_TURN);
	/* A clock of others is gone once their pages are: reading goes on in a thread. */
	if (!d->pump && !trace_reader_foreign_clock(d->reader) &&
	    daemon_start_reading(d) < 0)
		(void)sd_event_exit(d->event, 1);
}

void daemon_catch_up(struct daemon *d)
{
	/* One more than there are, so that the end is seen and looked behind. */
	if (d->pump)
		read_up_to(d, trace_pump_pull(d->pump) + 1);
	else
		read_up_to(d, PAGES_PER_TURN);
}

void daemon_look_for_cpus(struct daemon *d)
{
	if (d->pump)
		trace_pump_rescan(d->pump);
	else
		trace_reader_rescan(d->reader);
	daemon_catch_up(d);
}

void daemon_stop_reading(struct daemon *d)
{
	if (!d->pump)
		return;
	trace_pump_halt(d->pump);
	read_up_to(d, UINT_MAX);
}

unsigned int daemon_open_pipes(struct daemon *d)
{
	return d->pump ? trace_pump_open_pipes(d->pump)
		       : trace_reader_open_pipes(d->reader);
}

int daemon_set_buffer_size(struct daemon *d, uint64_t bytes, uint64_t max)
{
	int r = d->pump ? trace_pump_set_buffer_size(d->pump, bytes)
			: trace_reader_set_buffer_size(d->reader, bytes);

	if (r < 0 || !d->pump || max == d->queue_size)
		return r;
	daemon_stop_reading(d);
	/* Before its descriptor goes: the next one may have the same number, and
	 * sd_event_source_set_io_fd() then does nothing. */
	d->trace = sd_event_source_disable_unref(d->trace);
	d->pump = trace_pump_stop(d->pump);
	d->queue_size = max;
	r = daemon_start_reading(d);
	/* Deaf is worse than gone: systemd starts it again. */
	if (r < 0)
		(void)sd_event_exit(d->event, 1);
	return r;
}

static int on_trace(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	daemon_read(userdata);
	return 0;
}

int daemon_start_reading(struct daemon *d)
{
	int fd = trace_reader_fd(d->reader);
	int r;

	if (!trace_reader_foreign_clock(d->reader)) {
		/* The rest is for what storing it takes at the same time. */
		r = trace_pump_start(&d->pump, d->reader,
				     d->queue_size - d->queue_size / 4);
		if (r < 0) {
			journal_log(LOG_ERR, r, "Cannot start the reading thread");
			return r;
		}
		d->queue_told = false;
		fd = trace_pump_fd(d->pump);
	}
	if (d->trace)
		return sd_event_source_set_io_fd(d->trace, fd);
	return sd_event_add_io(d->event, &d->trace, fd, EPOLLIN, on_trace, d);
}
