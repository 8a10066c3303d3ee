/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The verbs of softofflinectl. Each verb prints its result, errors on stderr, and returns
 * an exit code. This room also holds arguments, output, and the sources of reports.
 */

#include "args.h"
#include "config/config.h"
#include "output.h"
#include "source.h"

/** Exit codes, an interface: softofflinectl(1). */
enum ctl_exit {
	CTL_FINE = 0,
	CTL_FAILURE = 1,
	CTL_USAGE = 2,
	CTL_NOT_RUNNING = 3, /* status only */
	CTL_DEGRADED = 10,   /* status --exit-code only */
	CTL_REPLACE = 11,    /* the same */
};

/** One call of a verb. */
struct ctl {
	const struct args *args;
	const char *const *words; /* after the verb */
	unsigned int n_words;
	const char *root; /* before every path of hardware; "" for this machine */
	struct ui ui;
};

DEFINE_CLEANUP(struct source *, source_free)

int verb_status(const struct ctl *ctl);
int verb_pages(const struct ctl *ctl);
int verb_show(const struct ctl *ctl);
int verb_dimms(const struct ctl *ctl);
int verb_history(const struct ctl *ctl);
int verb_export(const struct ctl *ctl);
int verb_import(const struct ctl *ctl);
int verb_check(const struct ctl *ctl);
int verb_monitor(const struct ctl *ctl);
int verb_probe(const struct ctl *ctl);
int verb_offline(const struct ctl *ctl);
int verb_forget(const struct ctl *ctl);
int verb_reload(const struct ctl *ctl);
int verb_policy_show(const struct ctl *ctl);
int verb_policy_verify(const struct ctl *ctl);
int verb_policy_backtest(const struct ctl *ctl);

/**
 * Opens what a reading verb reads: the database that --db names; else the daemon; else,
 * for root, the database that the configuration names. A note on stderr says if it is not
 * the daemon that answers.
 *
 * Returns 0 and *ret; or -ESRCH if there is no daemon and nothing else to read, -EIO if
 * what was named cannot be read: complained about already.
 */
int ctl_open_source(const struct ctl *ctl, struct source **ret);

/** Opens the database that the configuration names; says nothing. Returns 0 and *ret;
 * negative errno. */
int ctl_open_stored(struct source **ret);

/** The database's path as the configuration has it; the default one if that is invalid.
 * Returns 0; -ENOMEM. */
int ctl_configured_path(char path[CONFIG_PATH_MAX]);

/** The database that --db names, else the configured one. Returns as that. */
int ctl_database_path(const struct ctl *ctl, char path[CONFIG_PATH_MAX]);

#define CTL_SERVER_MAX 80

/** Whose errors the database at @path has: this machine's name if the configuration names
 * that database, else "this machine". */
void ctl_server_of(const char *path, char ret[CTL_SERVER_MAX]);

/** Opens the daemon. Returns 0 and *ret; -ESRCH: complained about already. */
int ctl_open_daemon(struct source **ret);

/** Complains with what @s says went wrong. Returns CTL_FAILURE. */
int ctl_fail(const struct source *s);

/** Reads word @text as an address. Returns 0 and *ret; -EINVAL, complained about. */
int ctl_parse_address(const char *text, uint64_t *ret);

/** The filter that --state, --since and --lines ask for. Returns 0 and *ret; -EINVAL,
 * complained about. */
int ctl_parse_filter(const struct ctl *ctl, struct report_filter *ret);
