/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A machine made of script around an engine: frames that look as the story says, a kernel
 * that answers as it says, a database in memory, and a clock that moves when it is told.
 *
 * Story time counts from the story's start and goes on over reboots; the clock of the
 * present boot is story time minus @base.
 */

#include "engine/effect.h"
#include "engine/input.h"
#include "sim/sim_store.h"
#include "words.h"

#define WORLD_SCRIPT_MAX 512

/** How the kernel answers some attempts. */
struct script_answer {
	uint64_t pfn;
	bool any_page;
	unsigned int left; /* attempts that it stands for */
	int error;
	bool silent;  /* never answers: the daemon dies first */
	bool poisons; /* whatever the errno says */
	bool spoils;  /* answers, but the frame is not poisoned */
	bool dry_run;
	bool tells; /* by soft_offline_event, with @outcome, before the answer */
	enum soft_outcome outcome;
	bool moves; /* by @delta_kib instead of one page */
	int64_t delta_kib;
	usec_t took;
};

struct script_frame {
	uint64_t pfn;
	bool any_page;
	struct frame frame;
};

/** An OFFLINE that the kernel has not answered yet. */
struct under_way {
	bool silent;
	bool tells;
	struct soft_event event;
	struct input answer;
	int64_t due; /* story time */
};

/** Something that a story may expect: one line of words. */
typedef void (*world_see_fn)(void *userdata, const char *line);

/** Each effect, before it is performed; for tests that are no stories. */
typedef void (*world_watch_fn)(void *userdata, const struct effect *f);

/** The kernel's answer to an attempt on @p, in place of the script. */
typedef struct script_answer (*world_answer_fn)(void *userdata, pfn_t p);

struct world {
	struct engine *engine; /* NULL until world_start() */
	struct config cfg;
	unsigned int page_shift;
	struct ram_map ram;
	struct machine machine;
	struct kernel_state kernel;
	int64_t ram_print; /* 0: not known */
	int64_t module_print;
	int64_t poisoned_kib;
	int64_t now;  /* story time, usec */
	int64_t base; /* story time at which the boot clock was 0 */
	struct store store;

	struct script_frame frames[WORLD_SCRIPT_MAX];
	unsigned int n_frames;
	struct script_answer answers[WORLD_SCRIPT_MAX];
	unsigned int n_answers;
	uint64_t *poisoned; /* frames, owned */
	size_t n_poisoned;
	struct under_way under_way[MAX_ATTEMPTS]; /* in order */
	unsigned int n_under_way;
	pfn_t probe_pfn;
	bool probe_wanted;
	bool kernel_wanted;
	bool reconcile_wanted;
	unsigned int depth; /* of steps that follow from steps */

	uint64_t max_steps; /* inputs to the engine; 0: no limit */
	uint64_t steps;
	uint64_t writes;
	int64_t *offlined_at; /* story times of writes that poisoned, owned */
	size_t n_offlined;
	uint64_t cookie;
	bool failed;       /* out of memory, or: */
	bool stands_still; /* the engine's clock does not get on */

	world_see_fn see;       /* may be NULL */
	world_watch_fn watch;   /* may be NULL */
	world_answer_fn answer; /* may be NULL */
	void *userdata;
};

void world_init(struct world *w, world_see_fn see, void *userdata);
void world_done(struct world *w);

/** Makes the engine, restores what the store holds. 0 or -ENOMEM. */
int world_start(struct world *w);

/** Lets time pass to @to, with ticks at the engine's deadlines and answers when due. */
void world_advance(struct world *w, int64_t to);

/** True once the engine has had max_steps inputs; from then on time does not pass. */
bool world_is_spent(const struct world *w);

/** Gives @in to the engine, with the present time, and performs what follows. Returns
 * what engine_step() does. */
int world_step(struct world *w, struct input in);

/** Stores all that is not stored. */
void world_flush(struct world *w);

/** Looks at every tracked frame. */
void world_reconcile(struct world *w);

/** The daemon ends, orderly or not, and starts again in the same boot. */
int world_restart(struct world *w, bool flush);

/** The machine boots anew @up before now; its wall clock is wrong by @wall. */
int world_reboot(struct world *w, bool flush, usec_t up, usec_t wall);

/** How frame @p looks now. */
struct frame world_frame(const struct world *w, pfn_t p);

void world_poison(struct world *w, pfn_t p);
void world_unpoison(struct world *w, pfn_t p);

/** A time of the engine as story time. */
usec_t world_story_time(const struct world *w, int64_t engine_time);

/** The most pages that were offlined within any hour. */
unsigned int world_hour_max(const struct world *w);

/* describe.c */

/** Writes @f as words, for @w; false for effects that no story expects. */
bool describe_effect(const struct world *w, const struct effect *f, char *buf,
		     size_t size);

/** True if an effect described by @line must not happen unless the story says so. */
bool describe_must_be_expected(const char *line);
