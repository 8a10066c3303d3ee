/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * From decoded events to inputs. An error that two tracepoints report becomes one input:
 * a machine check waits until its twin has come or cannot come any more. It reads no page
 * and understands no field.
 */

#include "loop/daemon_internal.h"
#include "tell/journal.h"

#define UNREAD_PAUSE (10 * USEC_PER_MSEC) /* there was more to read than a turn takes */

static enum soft_asker asker_of(const struct daemon *d, const struct soft_event *ev)
{
	pid_t tid = offline_worker_tid(d->worker);

	if (tid == 0 || ev->pid == 0)
		return SOFT_ASKER_UNKNOWN;
	return ev->pid == tid ? SOFT_ASKER_US : SOFT_ASKER_OTHERS;
}

static void give_error(struct daemon *d, const struct mce_error *error)
{
	struct input in = { .kind = INPUT_EVENT, .now = d->taking.time };
	char label[MCE_LABEL_MAX];
	struct ce_event ev;

	mce_error_event(error, label, &ev);
	in.event = &ev;
	d->errors.delivered = CE_SOURCE_MCE_RECORD;
	d->errors.any = true;
	daemon_step(d, in);
}

static void take_check(struct daemon *d, const struct mce_record *check, usec_t now,
		       bool foreign)
{
	struct mce_error error, pushed_out;

	if (!mce_decode(check, &error)) {
		d->errors.other_checks++;
		return;
	}
	/* A time to come would let it wait for as long. */
	if (foreign || error.time.us > now.us)
		error.time = now;
	if (twins_take_check(&d->errors.twins, &error, &pushed_out))
		give_error(d, &pushed_out);
}

void daemon_take_event(struct daemon *d, struct event_decoder *m)
{
	usec_t event = usec((int64_t)(m->time_ns / 1000));
	bool foreign = reading_has_foreign_clock(&d->reading);
	struct input in = { 0 };
	struct event *ev = &m->event;

	/*
	 * The time of the turn, unless the event is newer: where a clock cannot be read
	 * without a system call, as in many virtual machines, it takes as long as
	 * counting some events.
	 */
	if (event.us > d->taking.time.us)
		d->taking.time = clock_boot();
	in.now = d->taking.time;
	switch (ev->kind) {
	case EVENT_KIND_OTHER:
		return;
	case EVENT_KIND_CHECK:
		take_check(d, &ev->check, in.now, foreign);
		return;
	case EVENT_KIND_ERROR:
		in.kind = INPUT_EVENT;
		in.event = &ev->ce;
		if (foreign)
			ev->ce.time = in.now;
		d->errors.delivered = CE_SOURCE_MC_EVENT;
		d->errors.any = true;
		if (!twins_take_event(&d->errors.twins, &ev->ce))
			return;
		break;
	case EVENT_KIND_FAILURE:
		in.kind = INPUT_FAILURE;
		in.failure = &ev->failure;
		break;
	case EVENT_KIND_SOFT:
		in.kind = INPUT_SOFT;
		in.soft.event = &ev->soft;
		in.soft.asker = asker_of(d, &ev->soft);
		if (foreign)
			ev->soft.time = in.now;
		d->taking.sample_wanted = d->taking.sample_wanted || ev->soft.error == 0;
		break;
	}
	daemon_step(d, in);
}

static int on_waited(sd_event_source *s, uint64_t when, void *userdata)
{
	struct daemon *d = userdata;

	daemon_catch_up(d);
	daemon_arm_errors(d);
	return 0;
}

/* Those whose time is over and that still wait, wait for pages that are not read yet. */
void daemon_arm_errors(struct daemon *d)
{
	usec_t when = twins_deadline(&d->errors.twins);
	usec_t soon;
	int r = 0;

	if (when.us == USEC_NEVER)
		return;
	soon = usec_add(clock_boot(), usec(UNREAD_PAUSE));
	when = usec_max(when, soon);
	if (!d->errors.timer)
		r = sd_event_add_time(d->event, &d->errors.timer, CLOCK_BOOTTIME,
				      (uint64_t)when.us, 1000, on_waited, d);
	else
		r = sd_event_source_set_time(d->errors.timer, (uint64_t)when.us);
	if (r >= 0)
		r = sd_event_source_set_enabled(d->errors.timer, SD_EVENT_ONESHOT);
	if (r < 0) /* twice is better than never */
		daemon_take_due(d, usec(USEC_NEVER));
}

void daemon_take_due(struct daemon *d, usec_t upto)
{
	struct mce_error error;

	while (twins_take_due(&d->errors.twins, upto, &error))
		give_error(d, &error);
}

void daemon_settle_errors(struct daemon *d)
{
	usec_t end = twins_deadline(&d->errors.twins);
	usec_t now = clock_boot();

	/* At most TWINS_SPAN, which leaves time enough for what else ends. */
	if (end.us != USEC_NEVER && end.us > now.us) {
		(void)usleep((useconds_t)usec_sub(end, now).us);
		daemon_catch_up(d);
	}
}

void daemon_fill_source(const struct daemon *d, struct status_report *s)
{
	bool mc = daemon_reads(d, EVENT_SOURCE_MC);
	bool mce = daemon_reads(d, EVENT_SOURCE_MCE);
	const char *delivers = "none";

	if (d->errors.any && d->errors.delivered == CE_SOURCE_MC_EVENT)
		delivers = "mc_event";
	else if (d->errors.any)
		delivers = "mce_record";
	snprintf(s->source_reading, sizeof(s->source_reading), "%s",
		 mc && mce ? "both"
		 : mc      ? "mc_event"
		 : mce     ? "mce_record"
			   : "none");
	snprintf(s->source_delivers, sizeof(s->source_delivers), "%s", delivers);
	s->other_machine_checks = d->errors.other_checks;
}

uint32_t daemon_unwanted(const struct config *cfg)
{
	switch (cfg->source.events) {
	case EVENTS_AUTO:
		break;
	case EVENTS_MC_EVENT:
		return 1u << EVENT_SOURCE_MCE;
	case EVENTS_MCE_RECORD:
		return 1u << EVENT_SOURCE_MC;
	}
	return 0;
}

bool daemon_reads(const struct daemon *d, enum event_source_id id)
{
	return event_format_has(d->format, id) &&
	       !(daemon_unwanted(engine_config(d->engine)) >> id & 1);
}
