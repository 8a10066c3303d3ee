/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Whether this machine can show us its errors: gathers the facts for the engine, by the
 * minute and whenever somebody asks, and opens the trace instance once there is one. What
 * the facts mean is decided by base/sight.h, and what follows by the engine.
 */

#include "host/ras_cec.h"
#include "loop/daemon_internal.h"
#include "tell/journal.h"
#include "topology/topology.h"

void daemon_begin_source(struct daemon *d)
{
	topology_machine_facts("", &d->facts);
}

static struct sight_source source_of(const struct daemon *d, enum event_source_id id)
{
	const struct trace_reader *reader = d->reading.reader;

	return (struct sight_source){
		.read = reader && daemon_reads(d, id),
		.on = reader && trace_reader_records(reader, id),
	};
}

static enum sight_collector look_at_collector(void)
{
	char boot_id[BOOT_ID_MAX] = "";
	struct ras_cec cec;

	(void)clock_boot_id(boot_id);
	ras_cec_look("", boot_id, &cec);
	switch (cec.state) {
	case RAS_CEC_UNKNOWN:
	case RAS_CEC_STATE_MAX_:
		return SIGHT_COLLECTOR_UNKNOWN;
	case RAS_CEC_NO:
	case RAS_CEC_DISABLED:
		return SIGHT_COLLECTOR_ABSENT;
	case RAS_CEC_ACTIVE:
		break;
	}
	return ras_cec_acts(&cec) ? SIGHT_COLLECTOR_ACTS : SIGHT_COLLECTOR_PASSIVE;
}

void daemon_look_at_source(struct daemon *d)
{
	d->facts.collector = look_at_collector();
	d->facts.tracefs = d->reading.reader != NULL;
	d->facts.mc_event = source_of(d, EVENT_SOURCE_MC);
	d->facts.mce_record = source_of(d, EVENT_SOURCE_MCE);
	topology_sight_facts("", &d->facts);
	daemon_step(d, (struct input){ .kind = INPUT_SOURCE, .source = &d->facts });
}

void daemon_look_for_trace(struct daemon *d)
{
	int r;

	if (d->reading.reader)
		return;
	r = daemon_open_reader(d, engine_config(d->engine));
	if (r == 0 && !d->reading.reader)
		return;
	read_account_done(&d->account); /* of no CPU */
	if (r == 0 && daemon_account_for_predecessor(d) >= 0 &&
	    daemon_start_reading(d) >= 0)
		return;
	/* As at a start; systemd tries again. */
	(void)sd_event_exit(d->event, r != 0 ? r : EXIT_FAILURE);
}
