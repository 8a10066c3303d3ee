/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * From raw pages to inputs. It neither reads tracefs itself nor understands an event.
 */

#include <errno.h>
#include <limits.h>

#include "base/mem.h"
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

/* The predecessor's attempts stored their DIMMs at once, and so with events that it had
 * not stored. */
static void give_predecessors(struct daemon *d, uint16_t cpu, uint64_t n)
{
	struct input in = { .kind = INPUT_LOST, .now = clock_boot() };

	if (n == 0)
		return;
	in.lost.count = n;
	in.lost.cpu = cpu;
	in.lost.known_to_dimms = true;
	daemon_step(d, in);
}

struct stored_reads {
	uint64_t *list;
	unsigned int cpus;
};

static int take_stored(void *userdata, uint16_t cpu, uint64_t read)
{
	struct stored_reads *stored = userdata;

	if (cpu < stored->cpus)
		stored->list[cpu] = read;
	return 0;
}

static void begin_account(struct daemon *d)
{
	int unread = 0;

	for (unsigned int cpu = 0; cpu < d->account.cpus; cpu++) {
		uint64_t consumed = READ_UNKNOWN;
		int r = trace_reader_consumed(d->reading.reader, (uint16_t)cpu,
					      &consumed);

		read_account_begin(&d->account, (uint16_t)cpu, consumed);
		if (r < 0 && unread == 0)
			unread = r;
	}
	if (unread < 0)
		journal_log(LOG_WARNING, unread,
			    "per_cpu/cpuN/stats of the trace instance cannot be read: "
			    "whether the previous daemon lost events is not known");
}

int daemon_account_for_predecessor(struct daemon *d)
{
	struct read_account *a = &d->account;
	struct stored_reads stored;

	if (read_account_new(a, reading_cpus(&d->reading)) < 0)
		return -ENOMEM;
	stored = (struct stored_reads){ a->stored, a->cpus };
	if (d->db && db_each_reader(d->db, take_stored, &stored) < 0)
		journal_log(LOG_WARNING, 0,
			    "Database: how far the previous daemon had read cannot be "
			    "read: whether it lost events is not known");
	begin_account(d);
	for (unsigned int cpu = 0; cpu < a->cpus; cpu++)
		give_predecessors(d, (uint16_t)cpu,
				  read_account_lost(a, (uint16_t)cpu, a->stored[cpu]));
	daemon_gap_at_start(d, a->stored);
	/* Stored before the first page is read: from here on nothing is lost unseen. */
	if (d->db)
		daemon_note_read(d);
	(void)daemon_flush(d);
	return 0;
}

uint64_t *daemon_stored_reads(struct daemon *d)
{
	struct stored_reads stored = { .cpus = reading_cpus(&d->reading) };
	_cleanup_(free_p) uint64_t *list = read_account_list(stored.cpus);

	stored.list = list;
	if (!list || db_each_reader(d->db, take_stored, &stored) < 0)
		return NULL;
	return TAKE_PTR(list);
}

void daemon_account_late(struct daemon *d, const uint64_t *stored)
{
	for (unsigned int cpu = 0; cpu < d->account.cpus; cpu++)
		give_predecessors(
			d, (uint16_t)cpu,
			read_account_lost(&d->account, (uint16_t)cpu, stored[cpu]));
	daemon_gap_at_start(d, stored);
}

void daemon_note_read(struct daemon *d)
{
	uint64_t consumed;

	for (unsigned int cpu = 0; cpu < d->account.cpus; cpu++)
		if (read_account_is_due(&d->account, (uint16_t)cpu,
					twins_waiting(&d->errors.twins, (uint16_t)cpu),
					&consumed) &&
		    db_put_reader(d->db, (uint16_t)cpu, consumed) == 0)
			d->account.stored[cpu] = consumed;
}

static void take_page(void *userdata, uint16_t cpu, const void *page, size_t size)
{
	struct daemon *d = userdata;
	struct event_decoder m;
	int r;

	/* Within a long turn, too; and if the kernel has nothing to do, at once. */
	if (d->taking.pages++ % PAGES_PER_TURN == 0 || d->out.under_way == 0)
		daemon_launch(d);
	r = event_decoder_init(&m, d->format, cpu, page, size);

	if (r >= 0 && (m.lost > 0 || m.lost_unknown)) {
		reading_note_lost(&d->reading, cpu, m.lost, m.lost_unknown);
		if (m.lost > 0)
			give_lost(d, INPUT_LOST, cpu, m.lost, d->taking.time);
	}
	while (r >= 0 && (r = event_decoder_next(&m)) > 0) {
		/* Before its step, which may commit the count. */
		read_account_count(&d->account, cpu);
		daemon_take_event(d, &m);
	}
	if (r < 0) {
		read_account_doubt(&d->account, cpu);
		give_lost(d, INPUT_MALFORMED, cpu, 1, d->taking.time);
	}
}

/* What no page says is lost: by the kernel's own counts, once all pages are read. */
static void take_unreported(struct daemon *d)
{
	for (unsigned int cpu = 0; cpu < reading_cpus(&d->reading); cpu++) {
		uint64_t n = reading_unreported(&d->reading, (uint16_t)cpu);

		if (n > 0)
			give_lost(d, INPUT_LOST, (uint16_t)cpu, n, clock_boot());
	}
}

static int take_pages(struct daemon *d, unsigned int max)
{
	bool foreign = reading_has_foreign_clock(&d->reading);
	int n = reading_take(&d->reading, max, take_page, d);

	if (!foreign || reading_has_foreign_clock(&d->reading))
		return n;
	/* Setting our clock has emptied the buffer and its counters. */
	for (unsigned int cpu = 0; cpu < d->account.cpus; cpu++)
		if (trace_reader_consumed(d->reading.reader, (uint16_t)cpu,
					  &d->account.consumed[cpu]) < 0)
			d->account.consumed[cpu] = 0; /* nothing was read since */
	return n;
}

static void read_up_to(struct daemon *d, unsigned int max)
{
	usec_t begin;
	int n;

	daemon_begin_turn(d);
	d->taking.time = begin = clock_boot();
	n = take_pages(d, max);
	/* Nothing is left that is older than the begin. */
	if (n >= 0 && (unsigned int)n < max)
		daemon_take_due(d, begin);
	daemon_end_turn(d);
	daemon_arm_errors(d);
	if (n < 0) {
		journal_log(LOG_CRIT, n, "Reading the trace buffer failed");
		(void)sd_event_exit(d->event, 1);
		return;
	}
	if ((unsigned int)n < max) {
		take_unreported(d);
		daemon_see_counters(d);
		reading_look_at_recording(&d->reading);
	}
	if (d->taking.sample_wanted)
		daemon_sample_poison(d, false);
	d->taking.sample_wanted = false;
}

void daemon_read(struct daemon *d)
{
	read_up_to(d, PAGES_PER_TURN);
	if (reading_can_start(&d->reading) && daemon_start_reading(d) < 0)
		(void)sd_event_exit(d->event, 1);
}

void daemon_catch_up(struct daemon *d)
{
	struct trace_pump *pump = d->reading.pump;

	/* One page more than there are, so that the end of the queue is seen. */
	read_up_to(d, pump ? trace_pump_pull(pump) + 1 : PAGES_PER_TURN);
}

void daemon_look_for_cpus(struct daemon *d)
{
	reading_rescan(&d->reading);
	daemon_catch_up(d);
}

void daemon_stop_reading(struct daemon *d)
{
	if (!d->reading.pump)
		return;
	reading_halt(&d->reading);
	read_up_to(d, UINT_MAX);
}

int daemon_set_buffer_size(struct daemon *d, uint64_t bytes, uint64_t max)
{
	int r = reading_set_buffer_size(&d->reading, bytes);

	if (r < 0 || !d->reading.pump || max == d->reading.queue_size)
		return r;
	daemon_stop_reading(d);
	/* Before its descriptor is closed: the next one may have the same number, and
	 * then sd_event_source_set_io_fd() does nothing. */
	d->taking.source = sd_event_source_disable_unref(d->taking.source);
	reading_stop(&d->reading);
	d->reading.queue_size = max;
	r = daemon_start_reading(d);
	/* A daemon that reads nothing is worse than none: systemd starts it again. */
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
	int r = reading_start(&d->reading);

	if (r < 0 || reading_fd(&d->reading) < 0)
		return r;
	if (d->taking.source)
		return sd_event_source_set_io_fd(d->taking.source,
						 reading_fd(&d->reading));
	return sd_event_add_io(d->event, &d->taking.source, reading_fd(&d->reading),
			       EPOLLIN, on_trace, d);
}
