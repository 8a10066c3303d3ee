/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What this kernel has of the interfaces that not every kernel has, found by looking and
 * never by its version, and SoftOfflineControl=. It asks for no page and knows no event.
 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "daemon_internal.h"
#include "journal.h"
#include "node_counters.h"

/* Beside the database, which is where the sandbox lets us write. */
#define NOTE_SUFFIX ".sysctl"

const char *daemon_why_held(const struct kernel_state *k)
{
	if (!k->supported)
		return "Linux before 5.10 may hand a retired page out again: it is only "
		       "counted";
	if (!k->soft_offline)
		return "/sys/devices/system/memory/soft_offline_page is not there or "
		       "cannot be written";
	if (!k->enabled)
		return "vm.enable_soft_offline is off";
	return "the kernel answered so";
}

void daemon_look_at_kernel(struct daemon *d)
{
	struct input in = { .kind = INPUT_KERNEL };
	struct kernel_state before = *engine_kernel(d->engine);
	bool usable;

	in.kernel = sysfs_offline_kernel(d->sysfs);
	if (d->options.dry_run)
		in.kernel = (struct kernel_state){ true, true, true };
	usable = in.kernel.soft_offline && in.kernel.enabled && in.kernel.supported;
	if (!usable && (before.soft_offline != in.kernel.soft_offline ||
			before.enabled != in.kernel.enabled ||
			before.supported != in.kernel.supported))
		journal_log(LOG_WARNING, 0, "Pages cannot be offlined: %s",
			    daemon_why_held(&in.kernel));
	daemon_step(d, in);
}

void daemon_init_control(struct daemon *d, const struct config *cfg)
{
	char note[CONFIG_PATH_MAX + sizeof(NOTE_SUFFIX)];
	char boot_id[BOOT_ID_MAX] = "";

	(void)clock_boot_id(boot_id);
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
		if (control_was(d, "own") && !(d->control.seen & 4))
			control_is(d, "overruled");
	}
	if (control_was(d, "waiting"))
		take(d);
}

void daemon_fill_kernel(struct daemon *d, struct status_report *s)
{
	struct kernel_state kernel = sysfs_offline_kernel(d->sysfs);
	int64_t value;

	s->mc_event = true;
	s->soft_offline = kernel.soft_offline && kernel.supported;
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
