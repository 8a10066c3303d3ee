/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The trace instance stays ours: what another program changed on it becomes an input. How a
 * change is found and undone is the business of the room trace; what it means is the engine's.
 */

#include "base/mem.h"
#include "loop/daemon_internal.h"
#include "tell/journal.h"

/*
 * A CPU's counters are a file, and reading it costs 25 us. On a large machine each look takes
 * the next of them; up to this many CPUs each look takes all.
 */
#define CPUS_PER_LOOK 64

static void trace_give_gap(struct daemon *d, struct trace_changes changes, int error,
			   usec_t since)
{
	struct input in = { .kind = INPUT_GAP };

	in.gap.changes = changes;
	in.gap.since = since;
	in.gap.error = error < 0 ? -error : 0;
	daemon_step(d, in);
}

/* An error while looking is said once, until all can be read again. */
static void trace_name_files(struct daemon *d, const struct trace_look *look)
{
	if (look->error < 0)
		journal_log(LOG_ERR, look->error,
			    TRACE_INSTANCE "/%s: cannot be set right; see softofflinectl "
					   "check",
			    look->where);
	if (look->unread < 0 && !d->taking.unread_said)
		journal_log(LOG_WARNING, look->unread,
			    TRACE_INSTANCE "/%s: cannot be read: whether another program "
					   "changes the trace instance is not known",
			    look->unread_file);
	d->taking.unread_said = look->unread < 0;
}

void daemon_gap_at_start(struct daemon *d, const uint64_t *stored)
{
	bool predecessor = false, back = false;
	struct trace_look found;

	if (!d->reading.reader)
		return;
	found = *trace_reader_found(d->reading.reader);
	d->taking.looked = clock_boot();
	for (unsigned int cpu = 0; cpu < d->account.cpus; cpu++) {
		predecessor = predecessor || stored[cpu] != READ_UNKNOWN;
		back = back ||
		       read_account_went_back(&d->account, (uint16_t)cpu, stored[cpu]);
	}
	trace_name_files(d, &found);
	/* Without a predecessor in this boot nobody has counted on the instance yet. */
	if (!predecessor)
		return;
	if (trace_reader_is_new(d->reading.reader))
		trace_changes_add(&found.changes, TRACE_CHANGE_REMADE);
	else if (back)
		trace_changes_add(&found.changes, TRACE_CHANGE_EMPTIED);
	if (found.changes.bits)
		trace_give_gap(d, found.changes, found.error, usec(0));
}

static void trace_give_others(struct daemon *d, uint16_t cpu, uint64_t n)
{
	struct input in = { .kind = INPUT_LOST };

	in.lost.count = n;
	in.lost.cpu = cpu;
	daemon_step(d, in);
	if (d->taking.others_said)
		return;
	d->taking.others_said = true;
	journal_log(
		LOG_WARNING, 0,
		"Another program reads the pipes of the trace instance: %llu events went "
		"to it and count as lost",
		(unsigned long long)n);
}

/* True if the buffer of @cpu was emptied. */
static bool trace_compare_cpu(struct daemon *d, uint16_t cpu)
{
	uint64_t kernel, others;

	if (reading_consumed(&d->reading, cpu, &kernel) < 0)
		return false;
	switch (read_account_compare(&d->account, cpu, kernel, &others)) {
	case READ_AS_COUNTED:
		return false;
	case READ_BY_OTHERS:
		trace_give_others(d, cpu, others);
		return false;
	case READ_EMPTIED:
		return true;
	}
	return false;
}

void daemon_see_counters(struct daemon *d)
{
	for (unsigned int cpu = 0; cpu < d->account.cpus; cpu++)
		if (read_account_is_unseen(&d->account, (uint16_t)cpu) &&
		    trace_compare_cpu(d, (uint16_t)cpu))
			d->taking.emptied = true;
}

static bool trace_compare_counts(struct daemon *d)
{
	unsigned int cpus = d->account.cpus;
	bool emptied = false;

	for (unsigned int i = 0; i < cpus && i < CPUS_PER_LOOK; i++) {
		d->taking.next_cpu = (d->taking.next_cpu + 1) % cpus;
		if (trace_compare_cpu(d, (uint16_t)d->taking.next_cpu))
			emptied = true;
	}
	return emptied;
}

/* We have emptied the buffer by undoing the change: the kernel counts from 0 again. */
static bool trace_undoing_empties(struct trace_changes changes)
{
	return trace_changes_has(changes, TRACE_CHANGE_CLOCK) ||
	       trace_changes_has(changes, TRACE_CHANGE_PAGE_SIZE);
}

/* As after a start, which finds the instance new and what was read before in the database:
 * that is the gap. */
static void trace_open_again(struct daemon *d)
{
	daemon_stop_reading(d);
	(void)daemon_flush(d);
	/* Before its descriptor is closed: the next one may have the same number. */
	d->taking.source = sd_event_source_disable_unref(d->taking.source);
	reading_close(&d->reading);
	d->format = event_format_free(d->format);
	daemon_look_for_trace(d);
}

void daemon_look_at_trace(struct daemon *d)
{
	usec_t now = clock_boot();
	struct trace_look look;

	reading_look(&d->reading, &look);
	if (trace_changes_has(look.changes, TRACE_CHANGE_REMADE)) {
		trace_open_again(d);
		return;
	}
	for (unsigned int cpu = 0;
	     trace_undoing_empties(look.changes) && cpu < d->account.cpus; cpu++)
		read_account_doubt(&d->account, (uint16_t)cpu);
	if (trace_compare_counts(d) || d->taking.emptied) {
		d->taking.emptied = false;
		trace_changes_add(&look.changes, TRACE_CHANGE_EMPTIED);
		reading_reopen(&d->reading);
	}
	trace_name_files(d, &look);
	if (look.changes.bits)
		trace_give_gap(d, look.changes, look.error, d->taking.looked);
	d->taking.looked = now;
}
