/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * From raw pages to inputs. It neither reads tracefs itself nor understands an event.
 */

#include <errno.h>

#include "daemon_internal.h"
#include "journal.h"

#define PAGES_PER_TURN 64 /* so that timers and answers get their turn in a storm */

static void give_lost(struct daemon *d, enum input_kind kind, uint16_t cpu, uint64_t n,
		      usec_t now)
{
	struct input in = { .kind = kind, .now = now };

	in.lost.count = n;
	in.lost.cpu = cpu;
	daemon_step(d, in);
}

#define NEVER_NOTED UINT64_MAX

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

int daemon_account_for_predecessor(struct daemon *d)
{
	struct walk walk = { .cpus = trace_reader_cpus(d->reader) };

	d->consumed = calloc(walk.cpus, sizeof(*d->consumed));
	walk.noted = calloc(walk.cpus, sizeof(*walk.noted));
	d->noted = walk.noted;
	if (!d->consumed || !d->noted)
		return -ENOMEM;
	for (unsigned int cpu = 0; cpu < walk.cpus; cpu++) {
		d->consumed[cpu] = trace_reader_consumed(d->reader, (uint16_t)cpu);
		d->noted[cpu] = NEVER_NOTED;
	}
	if (d->db)
		(void)db_each_reader(d->db, take_reader, &walk);
	d->accounted = true;
	for (unsigned int cpu = 0; cpu < walk.cpus; cpu++)
		if (d->noted[cpu] != NEVER_NOTED && d->consumed[cpu] > d->noted[cpu])
			give_lost(d, INPUT_LOST, (uint16_t)cpu,
				  d->consumed[cpu] - d->noted[cpu], clock_boot());
	/* Stored before the first page is read: from here on nothing can go unnoticed. */
	if (d->db)
		daemon_note_read(d);
	(void)daemon_flush(d);
	return 0;
}

void daemon_note_read(struct daemon *d)
{
	/* While the engine is restored: what a predecessor read is not accounted for yet.
	 */
	if (!d->accounted)
		return;
	for (unsigned int cpu = 0; cpu < trace_reader_cpus(d->reader); cpu++) {
		if (d->consumed[cpu] == d->noted[cpu])
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
		d->consumed[cpu] = trace_reader_consumed(d->reader, (uint16_t)cpu);
}

static void give_record(struct daemon *d, struct mc_decoder *m, int record, usec_t now)
{
	struct input in = { .now = now };

	if (record == MC_EVENT) {
		in.kind = INPUT_EVENT;
		in.event = &m->event;
		if (trace_reader_foreign_clock(d->reader))
			m->event.time = now;
	} else if (record == MC_FAILURE) {
		in.kind = INPUT_FAILURE;
		in.failure = &m->failure;
	} else {
		return;
	}
	daemon_step(d, in);
}

static void take_page(void *userdata, uint16_t cpu, const void *page, size_t size)
{
	struct daemon *d = userdata;
	usec_t now = clock_boot();
	struct mc_decoder m;
	int r = mc_decoder_init(&m, d->format, cpu, page, size);

	if (r >= 0 && (m.lost > 0 || m.lost_unknown)) {
		trace_reader_note_lost(d->reader, cpu, m.lost, m.lost_unknown);
		if (m.lost > 0)
			give_lost(d, INPUT_LOST, cpu, m.lost, now);
	}
	while (r >= 0 && (r = mc_decoder_next(&m)) > MC_END) {
		d->consumed[cpu]++; /* before: what follows may commit it */
		give_record(d, &m, r, now);
	}
	if (r < 0)
		give_lost(d, INPUT_MALFORMED, cpu, 1, now);
}

/* What the pages could not tell: by the kernel's own counts, once all pages are read. */
static void take_unreported(struct daemon *d)
{
	for (unsigned int cpu = 0; cpu < trace_reader_cpus(d->reader); cpu++) {
		uint64_t n = trace_reader_unreported(d->reader, (uint16_t)cpu);

		if (n > 0)
			give_lost(d, INPUT_LOST, (uint16_t)cpu, n, clock_boot());
	}
}

void daemon_read(struct daemon *d)
{
	bool foreign = trace_reader_foreign_clock(d->reader);
	int n = trace_reader_read(d->reader, PAGES_PER_TURN, take_page, d);

	if (foreign && !trace_reader_foreign_clock(d->reader))
		start_counting_anew(d);
	if (n < 0) {
		journal_log(LOG_CRIT, n, "Reading the trace buffer failed");
		(void)sd_event_exit(d->event, 1);
		return;
	}
	if (n < PAGES_PER_TURN)
		take_unreported(d);
}
