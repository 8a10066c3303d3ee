/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What this kernel has of the interfaces that not every kernel has, found by looking and
 * never by its version, and SoftOfflineControl=. It asks for no page and knows no event.
 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "kernel/node_counters.h"
#include "loop/daemon_internal.h"
#include "tell/journal.h"

/* Beside the database, which is where the sandbox lets us write. */
#define NOTE_SUFFIX ".sysctl"

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

/* One line when it begins and one when it ends, however often somebody looks. */
void daemon_tell_unread(struct daemon *d)
{
	for (int f = 0; f < MEMORY_FILE_MAX_; f++) {
		enum memory_file file = (enum memory_file)f;
		int error = sysfs_offline_error(d->sysfs, file);

		if (error < 0 && !d->unread[file])
			journal_log(LOG_WARNING, error,
				    "%s: cannot be read; what was known before stands",
				    sysfs_offline_path(file));
		else if (error >= 0 && d->unread[file])
			journal_log(LOG_NOTICE, 0, "%s: can be read again",
				    sysfs_offline_path(file));
		d->unread[file] = error < 0;
	}
}

void daemon_look_at_kernel(struct daemon *d)
{
	struct input in = { .kind = INPUT_KERNEL };

	in.kernel = sysfs_offline_kernel(d->sysfs);
	daemon_tell_unread(d);
	if (d->options.dry_run) /* nothing is written: nothing is in the way */
		in.kernel = (struct kernel_state){ FACT_YES, SWITCH_ABSENT, FACT_YES };
	daemon_step(d, in);
}

void daemon_init_control(struct daemon *d, const struct config *cfg)
{
	char note[CONFIG_PATH_MAX + sizeof(NOTE_SUFFIX)];
	char boot_id[BOOT_ID_MAX] = "";
	int r = clock_boot_id(boot_id);

	if (r < 0)
		journal_log(LOG_WARNING, r,
			    "/proc/sys/kernel/random/boot_id: cannot be read; what "
			    "vm.enable_soft_offline was before is not kept");
	snprintf(note, sizeof(note), "%s" NOTE_SUFFIX, cfg->database.path);
	(void)kernel_control_init(&d->control, "", note, boot_id);
}

/* What is true by now and was told before is not told again. */
static void control_is(struct daemon *d, const char *word)
{
	snprintf(d->control_word, sizeof(d->control_word), "%s", word);
}

static bool control_was(const struct daemon *d, const char *word)
{
	return strcmp(d->control_word, word) == 0;
}

static void take(struct daemon *d)
{
	int r = kernel_control_take(&d->control);

	if (r == 0) {
		if (!control_was(d, "own"))
			journal_log(LOG_INFO, 0,
				    "vm.enable_soft_offline is %" PRId64
				    ": the kernel soft-offlines nothing on its own "
				    "initiative",
				    d->control.seen);
		control_is(d, "own");
	} else if (r == -EAGAIN) {
		if (!control_was(d, "waiting"))
			journal_log(LOG_NOTICE, 0,
				    "SoftOfflineControl=own waits: "
				    "vm.enable_soft_offline is off");
		control_is(d, "waiting");
	} else if (r == -ENOENT || r == -EOPNOTSUPP) {
		if (!control_was(d, "unsupported"))
			journal_log(LOG_NOTICE, 0,
				    "SoftOfflineControl=own is not possible: this kernel "
				    "%s; the kernel may soft-offline pages on its own "
				    "initiative",
				    r == -ENOENT ? "has no vm.enable_soft_offline"
						 : "does not know bit 2 of "
						   "vm.enable_soft_offline");
		control_is(d, "unsupported");
	} else {
		if (!control_was(d, "failed"))
			journal_log(LOG_WARNING, r,
				    "SoftOfflineControl=own: vm.enable_soft_offline "
				    "cannot be set");
		control_is(d, "failed");
	}
}

void daemon_give_back_control(struct daemon *d)
{
	int r = kernel_control_give_back(&d->control);

	if (r > 0)
		journal_log(LOG_INFO, 0, "vm.enable_soft_offline is %" PRId64 " again",
			    d->control.seen);
	else if (r == -ESTALE)
		journal_log(LOG_NOTICE, 0,
			    "vm.enable_soft_offline was changed by somebody else and "
			    "stays as it is");
	else if (r < 0)
		journal_log(LOG_WARNING, r, "vm.enable_soft_offline: cannot be restored");
	control_is(d, "leave");
}

void daemon_apply_control(struct daemon *d, const struct config *cfg)
{
	bool own = cfg->kernel.soft_offline_control == CONTROL_OWN;

	if (own && !d->options.dry_run)
		take(d);
	else
		daemon_give_back_control(d);
}

static const char *value_text(int64_t value, char buf[24])
{
	if (value == CONTROL_ABSENT)
		return "absent";
	snprintf(buf, 24, "%" PRId64, value);
	return buf;
}

void daemon_poll_control(struct daemon *d)
{
	char text[2][24];
	int64_t before;

	if (kernel_control_poll(&d->control, &before) > 0) {
		journal_log(
			LOG_NOTICE, 0,
			"vm.enable_soft_offline was changed by somebody else, from %s "
			"to %s",
			value_text(before, text[0]),
			value_text(d->control.seen, text[1]));
		/* Who turns soft offline off overrules nothing but that. */
		if (control_was(d, "own") && !(d->control.seen & 4))
			control_is(d, d->control.seen & 1 ? "overruled" : "waiting");
	}
	if (control_was(d, "waiting") || control_was(d, "failed"))
		take(d);
}

void daemon_fill_kernel(struct daemon *d, struct status_report *s)
{
	struct kernel_state kernel = sysfs_offline_kernel(d->sysfs);
	int64_t value;

	s->mc_event = true;
	s->soft_offline =
		kernel.soft_offline == FACT_NO || kernel.supported == FACT_NO ? 0
		: kernel.soft_offline == FACT_YES && kernel.supported == FACT_YES
			? 1
			: REPORT_NO_BOOL;
	s->enable_soft_offline = REPORT_NO_NUMBER;
	if (kernel_control_read("", &value) >= 0)
		s->enable_soft_offline = value;
	s->memory_failure_event = trace_reader_failure_format(d->reader) != NULL;
	s->soft_offline_event = d->soft_events;
	s->soft_offline_counters = node_counters_exist("");
	s->patched = s->soft_offline_event && s->soft_offline_counters;
	snprintf(s->soft_offline_control, sizeof(s->soft_offline_control), "%s",
		 d->control_word);
	/* What tells of RAS_CEC is outside the sandbox; softofflinectl looks for itself.
	 */
	snprintf(s->ras_cec, sizeof(s->ras_cec), "unknown");
}
