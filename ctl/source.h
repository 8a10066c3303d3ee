/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Where the reports come from: the running daemon, or the database if no daemon runs.
 * Verbs that read work the same way with both.
 */

#include "tell/bus.h"

#define SOURCE_WHY_MAX 2048

struct source;

struct source_ops {
	int (*status)(struct source *s, struct status_report *ret);
	int (*pages)(struct source *s, const struct report_filter *f, report_fn fn,
		     void *userdata);
	int (*history)(struct source *s, const struct report_filter *f, report_fn fn,
		       void *userdata);
	int (*errors)(struct source *s, const struct report_filter *f, report_fn fn,
		      void *userdata);
	int (*dimms)(struct source *s, report_fn fn, void *userdata);
	/** No rows without a daemon: the counters are those of the running kernel. */
	int (*nodes)(struct source *s, report_fn fn, void *userdata);
};

/** What is known about the daemon when the database is read. */
enum source_daemon {
	SOURCE_DAEMON_UNKNOWN,   /* --db: nobody asked */
	SOURCE_DAEMON_STOPPED,   /* it does not run */
	SOURCE_DAEMON_UNREACHED, /* it runs, and the bus does not reach it */
};

struct source {
	const struct source_ops *ops;
	sd_bus *bus;   /* the daemon's, or NULL */
	struct db *db; /* the database, or NULL */
	enum source_daemon daemon;
	unsigned int page_shift;
	/* The budget of a DIMM, for verdicts from the database; UINT32_MAX: not known, as
	 * the file may be from another machine. */
	uint32_t pages_per_dimm;
	char why[SOURCE_WHY_MAX]; /* why the last operation failed */
};

/**
 * Connects to the daemon. Returns 0 and *ret, to be freed with source_free(); -ESRCH: no
 * daemon runs, or there is no bus; -ENOMEM.
 */
int source_open_bus(struct source **ret);

/**
 * Opens the database at @path for reading. Returns 0 and *ret, to be freed with
 * source_free(); negative errno, with one line in @ret_why.
 */
int source_open_db(struct source **ret, const char *path, char ret_why[SOURCE_WHY_MAX]);

/** Closes and frees @s; NULL is fine. Returns NULL. */
struct source *source_free(struct source *s);

/*
 * Acting, on a source of source_open_bus() only.
 *
 * Return 0; -EACCES: not root; other negative errno as the daemon answered, with s->why.
 */

/** The daemon's policy; the caller frees it. */
int source_policy(struct source *s, char **ret_text);
/** The part of the policy for the DIMM with @label on controller @mc; likewise. */
int source_policy_for(struct source *s, const char *label, uint8_t mc, char **ret_text);
/** What would make the page at @address be offlined. -ENOENT: no such page. */
int source_explain(struct source *s, uint64_t address, struct outlook_report *ret);
/** Reloads; warnings, one a line, to be freed. -EINVAL: refused, the findings in s->why.
 */
int source_reload(struct source *s, char **ret_text);
/** Waits for the kernel's answer. */
int source_offline(struct source *s, uint64_t address, enum result *ret_result,
		   int *ret_error);
int source_forget(struct source *s, uint64_t address);
int source_forget_dimm(struct source *s, const char *label);
