/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * SoftOfflineControl=own as a state and its transitions. How the sysctl is read, written
 * and remembered is kernel_control.c's business.
 */

#include "parts/sysctl_control.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "tell/journal.h"

/* Next to the database, which is where the sandbox lets us write. */
#define NOTE_SUFFIX ".sysctl"

const char *sysctl_state_to_string(enum sysctl_state state)
{
	switch (state) {
	case SYSCTL_LEAVE:
		return "leave";
	case SYSCTL_OWN:
		return "own";
	case SYSCTL_WAITING:
		return "waiting";
	case SYSCTL_OVERRULED:
		return "overruled";
	case SYSCTL_UNSUPPORTED:
		return "unsupported";
	case SYSCTL_FAILED:
		return "failed";
	}
	return "";
}

void sysctl_control_init(struct sysctl_control *c, const char *root, const char *db_path)
{
	char note[PATH_MAX + sizeof(NOTE_SUFFIX)];
	char boot_id[BOOT_ID_MAX] = "";
	int r = clock_boot_id(boot_id);

	if (r < 0)
		journal_log(LOG_WARNING, r,
			    "/proc/sys/kernel/random/boot_id: cannot be read; what "
			    "vm.enable_soft_offline was before is not kept");
	snprintf(note, sizeof(note), "%s" NOTE_SUFFIX, db_path);
	c->state = SYSCTL_LEAVE;
	(void)kernel_control_init(&c->sysctl, root, note, boot_id);
}

static enum sysctl_state state_after_take(int r)
{
	switch (r) {
	case 0:
		return SYSCTL_OWN;
	case -EAGAIN:
		return SYSCTL_WAITING;
	case -ENOENT:
	case -EOPNOTSUPP:
		return SYSCTL_UNSUPPORTED;
	default:
		return SYSCTL_FAILED;
	}
}

static void sysctl_take(struct sysctl_control *c)
{
	int r = kernel_control_take(&c->sysctl);
	enum sysctl_state state = state_after_take(r);

	if (state == c->state)
		return;
	c->state = state;
	if (state == SYSCTL_OWN)
		journal_log(LOG_INFO, 0,
			    "vm.enable_soft_offline is %" PRId64
			    ": the kernel soft-offlines nothing on its own initiative",
			    c->sysctl.seen);
	else if (state == SYSCTL_WAITING)
		journal_log(
			LOG_NOTICE, 0,
			"SoftOfflineControl=own waits: vm.enable_soft_offline is off");
	else if (state == SYSCTL_UNSUPPORTED)
		journal_log(LOG_NOTICE, 0,
			    "SoftOfflineControl=own is not possible: this kernel %s; the "
			    "kernel may soft-offline pages on its own initiative",
			    r == -ENOENT
				    ? "has no vm.enable_soft_offline"
				    : "does not know bit 2 of vm.enable_soft_offline");
	else
		journal_log(LOG_WARNING, r,
			    "SoftOfflineControl=own: vm.enable_soft_offline cannot be "
			    "set");
}

void sysctl_control_give_back(struct sysctl_control *c)
{
	int r = kernel_control_give_back(&c->sysctl);

	if (r > 0)
		journal_log(LOG_INFO, 0, "vm.enable_soft_offline is %" PRId64 " again",
			    c->sysctl.seen);
	else if (r == -ESTALE)
		journal_log(LOG_NOTICE, 0,
			    "vm.enable_soft_offline was changed by another program and "
			    "stays as it is");
	else if (r < 0)
		journal_log(LOG_WARNING, r, "vm.enable_soft_offline: cannot be restored");
	c->state = SYSCTL_LEAVE;
}

void sysctl_control_apply(struct sysctl_control *c, bool own)
{
	if (own)
		sysctl_take(c);
	else
		sysctl_control_give_back(c);
}

static const char *value_text(int64_t value, char buf[24])
{
	if (value == CONTROL_ABSENT)
		return "absent";
	snprintf(buf, 24, "%" PRId64, value);
	return buf;
}

void sysctl_control_poll(struct sysctl_control *c)
{
	char text[2][24];
	int64_t before, now;

	if (kernel_control_poll(&c->sysctl, &before) > 0) {
		now = c->sysctl.seen;
		journal_log(LOG_NOTICE, 0,
			    "vm.enable_soft_offline was changed by another program, from "
			    "%s to %s",
			    value_text(before, text[0]), value_text(now, text[1]));
		/* Turning soft offline off is no word against our control of it. */
		if (c->state == SYSCTL_OWN && !(now & 4))
			c->state = now & 1 ? SYSCTL_OVERRULED : SYSCTL_WAITING;
	}
	if (c->state == SYSCTL_WAITING || c->state == SYSCTL_FAILED)
		sysctl_take(c);
}
