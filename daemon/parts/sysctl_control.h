/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What SoftOfflineControl= does: takes the kernel's own initiative away, watches whether
 * another program changes vm.enable_soft_offline, and gives the former value back. Each
 * change of its state is one line in the journal. It knows nothing of the configuration
 * file and of pages.
 */

#include "kernel/kernel_control.h"

/** The word of status, "kernel.soft_offline_control". */
enum sysctl_state {
	SYSCTL_LEAVE,       /* the sysctl is not ours: not asked for, or given back */
	SYSCTL_OWN,         /* the kernel does nothing on its own initiative */
	SYSCTL_WAITING,     /* soft offline is off; we leave it so */
	SYSCTL_OVERRULED,   /* another program gave the kernel its initiative back */
	SYSCTL_UNSUPPORTED, /* no such sysctl, or no such bit */
	SYSCTL_FAILED,      /* the sysctl cannot be written */
};

struct sysctl_control {
	struct kernel_sysctl sysctl;
	enum sysctl_state state;
};

/**
 * Finds out what the sysctl below @root ("" in production) is; changes nothing. @db_path:
 * the former value is kept in a file next to the database.
 */
void sysctl_control_init(struct sysctl_control *c, const char *root, const char *db_path);

/** Takes control if @own, else gives it back: at the start and after a reload. */
void sysctl_control_apply(struct sysctl_control *c, bool own);

/** Looks whether the sysctl was changed; takes control if that is possible by now. */
void sysctl_control_poll(struct sysctl_control *c);

/** Restores what sysctl_control_apply() has changed: at a clean stop. */
void sysctl_control_give_back(struct sysctl_control *c);

/** "leave", "own", "waiting", "overruled", "unsupported", "failed". */
const char *sysctl_state_to_string(enum sysctl_state state);
