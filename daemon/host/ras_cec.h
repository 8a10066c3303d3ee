/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Whether the kernel's collector of corrected errors (RAS_CEC) runs, and from which error
 * of a page on it offlines that page. Nothing is changed here.
 *
 * Facts: CONFIG_RAS_CEC is on in Debian 13 (6.12 and later) and exists on x86 only. With
 * "ras=cec_disable" it does not start; if it runs, the folder RAS_CEC_FOLDER is in debugfs
 * (drivers/ras/cec.c, 6.1 to 7.3). Its action_threshold is 2 at first on Intel and the
 * maximum elsewhere; a greater value is cut to the maximum, 10 bits. Under lockdown the
 * folder is seen, and its files, which root may write, cannot even be read (EPERM;
 * debugfs_locked_down() in fs/debugfs/file.c).
 *
 * The unit hides debugfs from the daemon. So softofflined-cec, which runs before it, leaves
 * a word: the line "BOOT-ID STATE THRESHOLD FORMER" in RAS_CEC_WORD. The word of another
 * boot says nothing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/clock.h"

#define RAS_CEC_FOLDER    "/sys/kernel/debug/ras/cec"
#define RAS_CEC_THRESHOLD RAS_CEC_FOLDER "/action_threshold"
#define RAS_CEC_RUN       "/run/softofflined-cec"
#define RAS_CEC_WORD      RAS_CEC_RUN "/state"

/** The maximum: the kernel offlines a page at its 1,023rd error only. */
#define RAS_CEC_MAX 1023

#define RAS_CEC_UNSEEN INT64_C(-1) /* a number that is not known */

enum ras_cec_state {
	RAS_CEC_UNKNOWN,  /* nothing that says it can be seen */
	RAS_CEC_NO,       /* this kernel has none, or it does not run */
	RAS_CEC_DISABLED, /* by ras=cec_disable */
	RAS_CEC_ACTIVE,
	RAS_CEC_STATE_MAX_,
};

struct ras_cec {
	enum ras_cec_state state;
	int64_t threshold; /* while RAS_CEC_ACTIVE: 1 to RAS_CEC_MAX, or RAS_CEC_UNSEEN */
	/* What the threshold was before SoftOfflineControl=own raised it to RAS_CEC_MAX;
	 * RAS_CEC_UNSEEN: we did not. */
	int64_t former;
};

/**
 * Looks below @root ("" in production): at debugfs itself, else at the kernel's command
 * line, else at the word of the boot @boot_id ("" if that is not known: then no word is
 * believed). What cannot be seen is RAS_CEC_UNKNOWN and never an error.
 */
void ras_cec_look(const char *root, const char *boot_id, struct ras_cec *ret);

/**
 * True if the collector runs and soft-offlines pages by itself. A threshold that cannot be
 * seen counts as one that it acts by: so it is when the kernel starts (on Intel).
 */
bool ras_cec_acts(const struct ras_cec *cec);

/**
 * Reads a word of the boot @boot_id. Returns 0 and *ret; -ESTALE: of another boot;
 * -EBADMSG: no word. Then *ret is untouched.
 */
int ras_cec_parse_word(const char *text, const char *boot_id, struct ras_cec *ret);

/** The word for ras_cec_parse_word(). Returns its length. */
size_t ras_cec_format_word(char *ret, size_t size, const char *boot_id,
			   const struct ras_cec *cec);

/** "unknown", "no", "disabled", "active": the words of status, "kernel.ras_cec". */
const char *ras_cec_state_to_string(enum ras_cec_state state);
