/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The daemon's trunk: what its files share, and the doors that they use.
 *   daemon.c          the loop: begin and end, what systemd hears
 *   daemon_start.c    opening every door
 *   daemon_restore.c  from the database to the engine
 *   daemon_read.c     from trace pages to events
 *   daemon_events.c   from events to inputs
 *   daemon_trace.c    what others change on the trace instance
 *   daemon_effects.c  from inputs to effects, and what is done about each effect
 *   daemon_commit.c   when rows are written and committed
 *   daemon_db.c       the database's file: opened, checked, looked for
 *   daemon_timers.c    the regular work: timers, samples, metrics
 *   daemon_source.c   whether errors can be seen at all
 *   daemon_kernel.c   what not every kernel has
 *   daemon_config.c   load and reload
 *   daemon_modules.c  which modules the DIMMs are
 *   daemon_needs.c    what needs somebody and is no notice of the engine
 *   daemon_requests.c what the bus asks
 * The other files of the room are objects, which know nothing of this header.
 */

#include <systemd/sd-event.h>

#include "db.h"
#include "engine/engine.h"
#include "engine/input.h"
#include "event/decoder.h"
#include "host/ras_cec.h"
#include "kernel/offline_worker.h"
#include "kernel/write_watch.h"
#include "loop/daemon.h"
#include "parts/bus_link.h"
#include "parts/db_state.h"
#include "parts/metrics_file.h"
#include "parts/needs.h"
#include "parts/outbox.h"
#include "parts/read_account.h"
#include "parts/reading.h"
#include "parts/schedule.h"
#include "parts/sysctl_control.h"
#include "track/twins.h"

#define OWN_COOKIE UINT64_MAX /* of requests that the daemon itself waits for */

struct daemon {
	struct daemon_options options;
	sd_event *event;
	struct engine *engine;
	struct reading reading;
	struct read_account account;
	struct {
		sd_event_source *source;
		unsigned int pages; /* taken since the start */
		usec_t time;        /* when pages were last begun to be taken, or later */
		bool sample_wanted; /* an event of another's soft offline was taken */
		usec_t looked;      /* at the trace instance, the last time */
		bool emptied;       /* a comparison between two looks found that */
		unsigned int next_cpu; /* the last whose counters were compared */
		bool unread_said;      /* a file of the trace instance cannot be read */
		bool others_said;      /* another program reads our pipes */
	} taking;                      /* of daemon_read.c and daemon_trace.c */
	struct {
		struct twins twins;
		sd_event_source *timer;   /* until what waits is counted */
		bool any;                 /* an error has come */
		enum ce_source delivered; /* by this */
		uint64_t other_checks;    /* machine checks that are no memory errors */
	} errors;                         /* of daemon_events.c */
	struct event_format *format;
	struct sysfs_offline *sysfs;
	struct offline_worker *worker;
	struct write_watch *watch; /* NULL: cannot be had */
	struct db *db;             /* NULL: cannot be used, which status shows */
	struct check *check;       /* of daemon_db.c, while it runs */
	struct sight_facts facts;  /* on whether errors can be seen, of the last look */
	bool soft_events;          /* the kernel has soft_offline_event */
	uint64_t samples;          /* of the poisoned-page counter, between attempts */
	bool unread[MEMORY_FILE_MAX_]; /* these files cannot be read, and that was said */
	struct sysctl_control control; /* SoftOfflineControl= */
	struct ras_cec cec;            /* the kernel's own collector, as last seen */
	struct bus_link link;
	bool works; /* all is set up, and the loop begins */
	bool ready; /* READY=1 was sent to systemd */
	unsigned int page_shift;
	usec_t started;     /* CLOCK_BOOTTIME */
	usec_t wall_offset; /* of this minute, or of the last commit */

	struct outbox out;
	bool stopping;
	struct db_state db_state;
	struct db_heritage *heritage; /* of the database before, while none is open */
	int own_error;                /* errno of the last reply to OWN_COOKIE */

	struct schedule schedule;
	struct timers *timers;   /* of daemon_timers.c; NULL until the loop begins */
	struct modules *modules; /* of daemon_modules.c */
	uint64_t mem_total_kib;  /* when the RAM map was read; 0: read it again */

	bool reload_ok;
	usec_t reload_time; /* CLOCK_BOOTTIME */
	struct metrics_file metrics_file;
	struct needs needs;
};

/* daemon_effects.c */

/**
 * Steps the engine with @in and performs everything that follows. Returns what
 * engine_step() returned for @in; 0 if the step is put off because one is under way.
 */
int daemon_step(struct daemon *d, struct input in);
/** Takes the worker's answers. Returns the number taken, or negative errno. */
int daemon_collect(struct daemon *d);
/**
 * A turn batches attempts: their intents share one commit, made by the outermost
 * daemon_end_turn(), and only then the worker gets them. Turns are short and may be
 * nested.
 */
void daemon_begin_turn(struct daemon *d);
void daemon_end_turn(struct daemon *d);
/** Commits the intents that are due, and hands the attempts over. Also within a turn. */
void daemon_launch(struct daemon *d);

/* daemon_commit.c */

/** What a call to the database returned: a failure after a success is one line. */
void daemon_note_db(struct daemon *d, int r);
/** Ends the open group, with what is due. Returns 0 or negative errno. */
int daemon_commit(struct daemon *d);
/** Stores what the engine has not given yet, and commits. Returns 0 or negative errno. */
int daemon_flush(struct daemon *d);
/**
 * As daemon_flush(), but serves what comes up meanwhile: for the loop, which must not be
 * deaf for as long as a large flush takes.
 */
int daemon_flush_serving(struct daemon *d);
/** Has the next flush store all that the engine knows: what was stored did not last. */
void daemon_store_again(struct daemon *d);

/* daemon_read.c */

/**
 * Compares what the kernel says was read with what the database accounts for. The
 * difference was read and lost by a predecessor that was killed; the engine gets it as
 * lost. To be called once, before the first daemon_read(). Returns 0 or -ENOMEM.
 */
int daemon_account_for_predecessor(struct daemon *d);
/**
 * What the database accounts for, by CPU, before daemon_note_read() changes it. To be
 * freed; NULL if there is no memory or it cannot be read.
 */
uint64_t *daemon_stored_reads(struct daemon *d);
/** As daemon_account_for_predecessor(), when the database could be opened only now. */
void daemon_account_late(struct daemon *d, const uint64_t *stored);
/**
 * Stores in the open group how far each pipe was read. To be called when the group has
 * all the events that were read.
 */
void daemon_note_read(struct daemon *d);
/** Takes a bounded number of the trace pages that the pump has read. */
void daemon_read(struct daemon *d);
/** Reads and takes all that the pipes hold now. */
void daemon_catch_up(struct daemon *d);
/** Ends reading, and takes what was read. */
void daemon_stop_reading(struct daemon *d);
/** Opens the pipes of CPUs that came online, and reads all pipes. */
void daemon_look_for_cpus(struct daemon *d);
/** Lets the loop read. Returns 0 or negative errno. */
int daemon_start_reading(struct daemon *d);
/** Sizes of the trace buffers. Returns 0 or negative errno. */
int daemon_set_buffer_size(struct daemon *d, uint64_t bytes, uint64_t max);

/* daemon_trace.c */

/**
 * Gives the engine what was changed on the trace instance while no daemon ran. @stored, by
 * CPU: what the database accounts for. To be called once the account has begun.
 */
void daemon_gap_at_start(struct daemon *d, const uint64_t *stored);
/**
 * Compares the counters of the CPUs whose first events were just read, so that a later look
 * sees them go back. To be called when all that was read is taken.
 */
void daemon_see_counters(struct daemon *d);
/**
 * Looks whether another program has changed the trace instance, and gives it to the engine.
 * Right after daemon_look_for_cpus(), so that what is undone costs no event that was there.
 */
void daemon_look_at_trace(struct daemon *d);

/* daemon_events.c */

/** Takes the event that @m stands at. */
void daemon_take_event(struct daemon *d, struct event_decoder *m);
/** Counts the machine checks that have no twin; all events before @upto were taken. */
void daemon_take_due(struct daemon *d, usec_t upto);
/** Has the loop count what waits once its time is over. */
void daemon_arm_errors(struct daemon *d);
/** Waits until what waits has its twin or has none; for the end. */
void daemon_settle_errors(struct daemon *d);
/** The tracepoints that @cfg keeps from being recorded, as trace_reader_want(). */
uint32_t daemon_unwanted(const struct config *cfg);
/** Whether events of @id are recorded and understood. */
bool daemon_reads(const struct daemon *d, enum event_source_id id);
/** Which tracepoints are read, and which one delivers. */
void daemon_fill_source(const struct daemon *d, struct status_report *s);

/* daemon_start.c */

/** Opens every door and restores the engine; the exit status, 0 to continue. */
int daemon_start(struct daemon *d, const struct config *cfg);
/**
 * Opens the trace instance; the exit status, 0 to continue. A machine that has none is no
 * failure: then there is no reader, and nothing is read.
 */
int daemon_open_reader(struct daemon *d, const struct config *cfg);

/* daemon_source.c */

/** Once, at start: what a boot does not change. */
void daemon_begin_source(struct daemon *d);
/** Gives the engine what is known of the way that errors come to us, as it is now. */
void daemon_look_at_source(struct daemon *d);
/** By the minute: begins to read once a tracepoint can be read. */
void daemon_look_for_trace(struct daemon *d);

/* daemon_restore.c */

/** Makes the engine, with what the database holds; the exit status, 0 to continue. */
int daemon_restore(struct daemon *d, const struct config *cfg);
/**
 * By the minute, without a database: opens it if that can be done by now. What it holds
 * and what was counted without it are then added up.
 */
void daemon_try_db_again(struct daemon *d);

/* daemon_db.c */

/**
 * Opens the database; @check_later as in struct db_options. Says what is wrong with it
 * and returns the exit status, 0 to continue: then d->db is NULL if the disk is to blame.
 */
int daemon_open_db(struct daemon *d, const struct config *cfg, bool check_later);
/**
 * The database cannot be used, because of @why, with errno @r. Returns as
 * daemon_open_db().
 */
int daemon_db_not_opened(struct daemon *d, int r, const char *why);

/** Begins to look at the whole database, unless that was done or is under way. */
void daemon_begin_check(struct daemon *d);
/** Ends it, finished or not. */
void daemon_end_check(struct daemon *d);

/**
 * By the minute, at a reload and at the end: notices that the files of the database were
 * removed, renamed or replaced, says so, and stores all that they held at the path again.
 */
void daemon_look_for_db(struct daemon *d);
/** Whether the database holds, at its path, all that it should hold. */
bool daemon_db_fine(const struct daemon *d);

/* daemon_needs.c */

/** Says on the bus that the database fails, or works again, if that is news. */
void daemon_look_at_db_state(struct daemon *d);
/** By the minute: says that pages wait long, if that is news. */
void daemon_look_at_waiting(struct daemon *d);

/* daemon_modules.c */
struct topology;

/**
 * Gives the engine the modules of the DIMMs that it has met since the last call, as far
 * as they are certain; without new DIMMs it does nothing.
 */
void daemon_identify(struct daemon *d);
/** Gives the engine the hardware of each controller in @t. */
void daemon_give_controllers(struct daemon *d, const struct topology *t);
/** The next daemon_identify() is for all DIMMs: the engine was made again. */
void daemon_identify_again(struct daemon *d);
/** The machine's DIMMs and modules, at most ten seconds old; NULL: not known. */
const struct topology *daemon_topology(struct daemon *d);
/**
 * The board's name of the slot of the engine's DIMM @index; "" if it is not certain. It is
 * also of a DIMM that the engine has just met: daemon_identify() comes by the minute, and
 * a DIMM's first notice may be the one that matters. For the present turn only.
 */
const char *daemon_slot(struct daemon *d, uint16_t index);
/** The files of slot names and the machine are read again at the next look. */
void daemon_labels_again(struct daemon *d);
/** Says in the journal which modules of the last start are missing or have moved, and
 * stores the modules that are there. Without a database it does nothing. */
void daemon_compare_modules(struct daemon *d);
/**
 * The modules of the machine, at most ten seconds old, and those that are missing. False:
 * not known. To be freed with free(*ret).
 */
bool daemon_module_list(struct daemon *d, struct module_list **ret);
/** Forgets the missing module whose slot is @slot. Returns 0; -ENOENT: there is none. */
int daemon_forget_module(struct daemon *d, const char *slot);
/**
 * The modules that are there, for the metrics: read again when a driver has come or gone
 * and every ten minutes, since labels may be registered late. What cannot be read leaves
 * the list as it was. NULL: no memory.
 */
const struct module_list *daemon_modules_there(struct daemon *d);
void daemon_close_modules(struct daemon *d);

/* daemon_config.c */

/**
 * Loads the configuration with what the command line overrides. Findings go to the
 * journal and, if @ret_text is not NULL, as lines to *ret_text (to be freed, may be
 * NULL). Returns 0, or -EINVAL with @cfg unusable.
 */
int daemon_load_config(struct daemon *d, struct config *cfg, char **ret_text);
/** Loads the configuration again and takes over all of it or nothing. As
 * daemon_load_config(). */
int daemon_reload(struct daemon *d, char **ret_text);

/* daemon.c */

/**
 * Takes answers, and a bounded number of trace pages, if any wait. Returns whether some
 * did. Does not block.
 */
bool daemon_serve(struct daemon *d);
/** Reports to systemd how things are, in words. */
void daemon_notify_status(struct daemon *d);
/** Reports readiness to systemd once the daemon works and is on the bus, if any. */
void daemon_notify_ready(struct daemon *d);

/* daemon_timers.c */

/** Adds the timers and all other regular work to the loop. Returns 0 or negative errno. */
int daemon_open_timers(struct daemon *d);
void daemon_close_timers(struct daemon *d);
/** Samples the machine: memory, the poisoned-page counter, what the kernel lets us do. */
void daemon_sample(struct daemon *d);
/** Looks at the poisoned-page counter; @written: another program wrote just now. */
void daemon_sample_poison(struct daemon *d, bool written);
/** Writes the metrics file, if there is to be one. */
void daemon_write_metrics(struct daemon *d);
/** Writes metrics soon, and then at their interval. */
void daemon_arm_metrics(struct daemon *d);
/** Looks at the frames of all tracked pages, a few at a time, in the background. */
void daemon_start_reconcile(struct daemon *d);

/* daemon_kernel.c */

/** Gives the engine what the kernel lets us do; says which files cannot be read. */
void daemon_look_at_kernel(struct daemon *d);
/** Why nothing is offlined with @k, a sentence without full stop (static text). */
const char *daemon_why_held(const struct kernel_state *k);
/** Does what SoftOfflineControl= in @cfg says. */
void daemon_apply_control(struct daemon *d, const struct config *cfg);
/** The part "kernel" of @s. */
void daemon_fill_kernel(struct daemon *d, struct status_report *s);

/* daemon_requests.c */

extern const struct bus_ops daemon_bus_ops;
