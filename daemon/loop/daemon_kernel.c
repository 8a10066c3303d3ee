/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What this kernel has of the interfaces that not every kernel has, found by looking and
 * never by its version. It asks for no page and knows no event.
 */

#include <errno.h>
#include <string.h>

#include "kernel/node_counters.h"
#include "loop/daemon_internal.h"
#include "tell/journal.h"

const char *daemon_why_held(const struct kernel_state *k)
{
	if (k->supported == FACT_NO)
		return "Linux before 5.10 may hand a retired page out again: it is only "
		       "counted";
	if (k->supported == FACT_UNKNOWN)
		return "/proc/sys/kernel/osrelease cannot be read: Linux before 5.10 may "
		       "hand a retired page out again";
	if (k->soft_offline == FACT_NO)
		return "/sys/devices/system/memory/soft_offline_page is not there or "
		       "cannot be written";
	if (k->soft_offline == FACT_UNKNOWN)
		return "/sys/devices/system/memory/soft_offline_page cannot be looked at";
	switch (k->enabled) {
	case SWITCH_OFF:
		return "vm.enable_soft_offline is off";
	case SWITCH_UNKNOWN:
		return "vm.enable_soft_offline cannot be read";
	case SWITCH_ON:
		return "the kernel refused a page, although vm.enable_soft_offline is on";
	case SWITCH_ABSENT:
		break;
	}
	return "the kernel refused a page, and it has no vm.enable_soft_offline";
}

/* One line when a file becomes unreadable, and one when it can be read again. */
static void say_unread_files(struct daemon *d)
{
	for (int f = 0; f < MEMORY_FILE_MAX_; f++) {
		enum memory_file file = (enum memory_file)f;
		int error = sysfs_offline_error(d->sysfs, file);

		if (error < 0 && !d->unread[file])
			journal_log(
				LOG_WARNING, error,
				"%s: cannot be read; what it said before still counts",
				sysfs_offline_path(file));
		else if (error >= 0 && d->unread[file])
			journal_log(LOG_NOTICE, 0, "%s: can be read again",
				    sysfs_offline_path(file));
		d->unread[file] = error < 0;
	}
}

/* What the boot is called cannot change, and without a name no word is believed. */
static enum fact kernel_see_collector(struct daemon *d)
{
	char boot_id[BOOT_ID_MAX] = "";

	(void)clock_boot_id(boot_id);
	ras_cec_look("", boot_id, &d->cec);
	switch (d->cec.state) {
	case RAS_CEC_ACTIVE:
		return ras_cec_acts(&d->cec) ? FACT_YES : FACT_NO;
	case RAS_CEC_NO:
	case RAS_CEC_DISABLED:
		return FACT_NO;
	case RAS_CEC_UNKNOWN:
	case RAS_CEC_STATE_MAX_:
		break;
	}
	return FACT_UNKNOWN;
}

void daemon_look_at_kernel(struct daemon *d)
{
	struct input in = { .kind = INPUT_KERNEL };

	in.kernel = sysfs_offline_kernel(d->sysfs);
	say_unread_files(d);
	if (d->options.dry_run) /* nothing is written, so nothing can forbid it */
		in.kernel = (struct kernel_state){ FACT_YES, SWITCH_ABSENT, FACT_YES,
						   FACT_UNKNOWN };
	in.kernel.collector_acts = kernel_see_collector(d);
	daemon_step(d, in);
}

void daemon_apply_control(struct daemon *d, const struct config *cfg)
{
	bool own = cfg->kernel.soft_offline_control == CONTROL_OWN;

	sysctl_control_apply(&d->control, own && !d->options.dry_run);
}

static void kernel_fill_sources(const struct daemon *d, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	if (!d->reading.reader)
		return;
	for (enum event_source_id id = 0; id < EVENT_SOURCE_MAX_; id++) {
		const char *system = trace_reader_system(d->reading.reader, id);
		int n;

		if (!system || !daemon_reads(d, id))
			continue;
		n = snprintf(buf + len, size - len, "%s%s:%s", len ? " " : "", system,
			     event_sources[id].event);
		if (n < 0 || (size_t)n >= size - len)
			break;
		len += (size_t)n;
	}
	buf[len] = '\0';
}

void daemon_fill_kernel(struct daemon *d, struct status_report *s)
{
	int8_t *const shown[EVENT_SOURCE_MAX_] = {
		[EVENT_SOURCE_MC] = &s->mc_event,
		[EVENT_SOURCE_MEMORY_FAILURE] = &s->memory_failure_event,
		[EVENT_SOURCE_SOFT_OFFLINE] = &s->soft_offline_event,
	};
	struct kernel_state kernel = sysfs_offline_kernel(d->sysfs);
	int64_t value;

	s->soft_offline =
		kernel.soft_offline == FACT_NO || kernel.supported == FACT_NO ? 0
		: kernel.soft_offline == FACT_YES && kernel.supported == FACT_YES
			? 1
			: REPORT_NO_BOOL;
	s->enable_soft_offline = REPORT_NO_NUMBER;
	if (kernel_control_read("", &value) >= 0)
		s->enable_soft_offline = value;
	for (enum event_source_id id = 0; id < EVENT_SOURCE_MAX_; id++)
		if (shown[id])
			*shown[id] = d->format && event_format_has(d->format, id);
	kernel_fill_sources(d, s->sources, sizeof(s->sources));
	daemon_fill_source(d, s);
	s->soft_offline_counters = node_counters_exist("");
	s->patched = s->soft_offline_event && s->soft_offline_counters;
	snprintf(s->soft_offline_control, sizeof(s->soft_offline_control), "%s",
		 sysctl_state_to_string(d->control.state));
	snprintf(s->ras_cec, sizeof(s->ras_cec), "%s",
		 ras_cec_state_to_string(d->cec.state));
	s->ras_cec_threshold =
		d->cec.threshold == RAS_CEC_UNSEEN ? REPORT_NO_NUMBER : d->cec.threshold;
	s->ras_cec_acts =
		d->cec.state == RAS_CEC_UNKNOWN ? REPORT_NO_BOOL : ras_cec_acts(&d->cec);
}
