/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The daemon's one object, shared by its files: daemon.c (loop, timers, end),
 * daemon_start.c (opening and restoring), daemon_effects.c (inputs in, effects out),
 * daemon_read.c (from trace pages to inputs), daemon_config.c (load and reload),
 * daemon_ops.c (what the bus asks).
 */

#include <systemd/sd-event.h>

#include "bus.h"
#include "daemon.h"
#include "db.h"
#include "engine.h"
#include "mc_decode.h"
#include "offline_worker.h"
#include "trace_reader.h"
#include "write_watch.h"

#define MAX_FOLLOWING 8
#define OWN_COOKIE    UINT64_MAX /* of requests that the daemon itself waits for */

struct daemon {
	struct daemon_options options;
	sd_event *event;
	struct engine *engine;
	struct trace_reader *reader;
	struct mc_format *format;
	uint64_t *consumed; /* by CPU: events read, as trace_reader_consumed() counts */
	uint64_t *noted;    /* what of it the database knows */
	bool accounted;     /* both are set up */
	struct sysfs_offline *sysfs;
	struct offline_worker *worker;
	struct write_watch *watch; /* NULL: cannot be had */
	struct db *db;             /* NULL: running without, which status shows */
	struct bus *bus;
	unsigned int page_shift;
	usec_t started;     /* CLOCK_BOOTTIME */
	usec_t wall_offset; /* refreshed by the minute, and before each commit */

	/* Inputs that effects brought up, in order; at most one of each kind at a time.
	 */
	struct input following[MAX_FOLLOWING];
	unsigned int n_following;
	bool stepping;
	bool attempt_under_way;
	usec_t attempt_since;
	bool attempt_told; /* that it takes too long */
	bool stopping;
	bool db_failing;
	int own_error; /* errno of the last reply to OWN_COOKIE */

	sd_event_source *deadline;
	sd_event_source *commit;
	sd_event_source *minute;
	sd_event_source *metrics;
	sd_event_source *reconcile;
	bool commit_armed;
	usec_t flushed; /* when everything was last stored */
	uint32_t reconcile_slot;
	uint64_t mem_total_kib;
	unsigned int minutes;
	usec_t backed_up;

	bool reload_ok;
	usec_t reload_time; /* CLOCK_BOOTTIME */
	char metrics_path[CONFIG_PATH_MAX];
	bool metrics_failing;
};

/* daemon_effects.c */

/**
 * Gives @in to the engine and performs everything that follows from it. Returns what
 * engine_step() returned for @in; 0 if that is put off because a step is under way.
 */
int daemon_step(struct daemon *d, struct input in);
/** Gives out what the engine has not stored and commits. Returns 0 or negative errno. */
int daemon_flush(struct daemon *d);
/** Takes the worker's answers. Returns the number taken, or negative errno. */
int daemon_collect(struct daemon *d);

/* daemon_read.c */

/**
 * Holds what the kernel says was read against what the database accounts for: the
 * difference was read and lost by a predecessor that was killed, and is given to the
 * engine as lost. To be called once, before the first daemon_read(). Returns 0 or
 * -ENOMEM.
 */
int daemon_account_for_predecessor(struct daemon *d);
/**
 * Puts how far each pipe was read into the database's open group; to be called when all
 * that was read is in it, too.
 */
void daemon_note_read(struct daemon *d);
/** Has daemon_note_read() put all of it again: what it put did not last. */
void daemon_forget_read(struct daemon *d);
/** Reads a bounded number of trace pages. */
void daemon_read(struct daemon *d);

/* daemon_start.c */

/** Opens every door and restores the engine; the exit status, 0 to go on. */
int daemon_start(struct daemon *d, const struct config *cfg);

/* daemon_config.c */

/**
 * Loads the configuration with what the command line overrides. Findings go to the
 * journal and, if @ret_text is not NULL, as lines to *ret_text (to be freed, may be
 * NULL). Returns 0, or -EINVAL with @cfg unusable.
 */
int daemon_load_config(struct daemon *d, struct config *cfg, char **ret_text);
/** Loads anew and takes over all or nothing. As daemon_load_config(). */
int daemon_reload(struct daemon *d, char **ret_text);
/** Decides where metrics go: the path, or "" for nowhere. */
void daemon_resolve_metrics(struct daemon *d, const struct config *cfg);

/* daemon.c */

/** Looks at the poisoned-page counter; @written: another program wrote just now. */
void daemon_sample_poison(struct daemon *d, bool written);

void daemon_write_metrics(struct daemon *d);
/** Writes metrics soon, and then at their interval. */
void daemon_arm_metrics(struct daemon *d);
void daemon_notify_status(struct daemon *d);
/** Looks at the frames of all tracked pages, a few at a time, in the background. */
void daemon_start_reconcile(struct daemon *d);

/* daemon_ops.c */

extern const struct bus_ops daemon_bus_ops;
