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
	while (r >= 0 && (r = mc_decoder_next(&m)) > MC_END)
		give_record(d, &m, r, now);
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
	int n = trace_reader_read(d->reader, PAGES_PER_TURN, take_page, d);

	if (n < 0) {
		journal_log(LOG_CRIT, n, "Reading the trace buffer failed");
		(void)sd_event_exit(d->event, 1);
		return;
	}
	if (n < PAGES_PER_TURN)
		take_unreported(d);
}
