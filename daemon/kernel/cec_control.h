/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The threshold of the kernel's own collector, RAS_CEC, and a note of its former value:
 * SoftOfflineControl=own raises it to its maximum, so that the daemon's policy decides and
 * not the collector (host/ras_cec.h has the facts). Only softofflined-cec uses this.
 */

#include <limits.h>

#include "host/ras_cec.h"

#define CEC_NOTE RAS_CEC_RUN "/former"

struct cec_control {
	char root[PATH_MAX];
	char boot_id[BOOT_ID_MAX];
	struct ras_cec seen; /* as it is after the last call */
};

/**
 * Sets up @c and looks; changes nothing. @root is "" in production. @boot_id "" is a boot
 * without a name: then nothing can be taken. Returns 0; -ENAMETOOLONG.
 */
int cec_control_init(struct cec_control *c, const char *root, const char *boot_id);

/**
 * Raises the threshold to RAS_CEC_MAX, and notes before that what it was. A threshold that
 * is the maximum already stays: until cec_control_give_back() if the note of this boot says
 * that it is ours, else for good.
 *
 * Returns 0 if it is the maximum now; -ENOENT: no collector runs, or debugfs cannot be
 * seen; -EPERM, -EACCES, -EROFS: the kernel (lockdown) or the sandbox forbids it;
 * -EOPNOTSUPP: the kernel took another value; other negative errno.
 */
int cec_control_take(struct cec_control *c);

/**
 * Restores the former value, if the note of this boot has one. Returns 1 if it is restored;
 * 0 if there is nothing to restore; -ESTALE if another program has changed the threshold
 * since: it stays as it is; other negative errno: the value is still to be restored, and
 * the note is kept for that.
 */
int cec_control_give_back(struct cec_control *c);

/** Leaves the word for the daemon: what c->seen says. Returns 0 or negative errno. */
int cec_control_leave_word(const struct cec_control *c);
