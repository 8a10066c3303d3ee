/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Runs an administrator's programs for notices: one at a time, each in an environment
 * that is the same everywhere, and none longer than its time.
 *
 * The environment: PATH, LC_ALL, HOME, and for each key of the notice its value in
 * SOFTOFFLINE_KEY, empty if it is not known; SOFTOFFLINE_TIMES, how many notices the run
 * stands for; SOFTOFFLINE_DROPPED, how many found no place before it. Standard input is
 * empty, standard output goes to standard error, the folder is /.
 */

#include <systemd/sd-event.h>

#include "base/units.h"
#include "tell/report.h"

#define HOOKS_TIME_LIMIT usec(30 * USEC_PER_SEC)
#define HOOKS_MAX        64 /* programs in a folder */

struct hooks;

/**
 * Makes a runner on @event. @path: a program, or a folder whose programs are run in the
 * order of their names; the folder is read again for each notice. As with run-parts(8) a
 * program's name has only letters, digits, _ and -; other names are complained about now.
 *
 * What others than root and the own user may change is not run: neither a file that they may
 * write to, nor one that they may replace in a folder above it. Links are followed, and what
 * holds for a file holds for where it is.
 *
 * SIGCHLD must be blocked, and the process has no other children: what a program leaves
 * running is killed.
 *
 * Returns 0 and *ret, to be freed with hooks_free(); -EACCES if @path is no program;
 * negative errno.
 */
int hooks_new(struct hooks **ret, sd_event *event, const char *path, usec_t limit);

/** Kills the program that runs, and frees @h; NULL is fine. Returns NULL. */
struct hooks *hooks_free(struct hooks *h);

/** Runs the programs for @r, now or after those that wait. */
void hooks_put(struct hooks *h, const struct notice_report *r);

/** True if no program runs or waits. */
bool hooks_idle(const struct hooks *h);

/** Calls @fn whenever hooks_idle() becomes true. */
void hooks_on_idle(struct hooks *h, void (*fn)(void *userdata), void *userdata);
