/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The room sim: one simulated outside (kernel, machine, clock and database) for one engine.
 * Stories, back-tests, benchmarks and property tests all drive the engine through it; the
 * one who calls it is the user below. Pure: it reads and writes nothing, the user sets the
 * time, and no rule of the engine is repeated.
 *
 * Effects are performed in their order, and the inputs that they bring up follow in that
 * same order, one after the other, never one inside another: as the daemon's loop does it
 * (loop/daemon_effects.c). Attempts that have ended are answered after that, and frames
 * are reconciled last.
 */

#include "engine/effect.h"
#include "engine/engine.h"
#include "engine/input.h"
#include "sim/sim_index.h"
#include "sim/sim_store.h"

/** How the kernel answers one attempt. All zero: at once, and the page is offlined. */
struct sim_answer {
	int error;
	bool silent;  /* there is no answer; later attempts get none, either */
	bool poisons; /* the frame is poisoned, whatever @error is */
	bool spoils;  /* the frame is not poisoned, although @error is 0 */
	bool dry_run;
	bool has_event; /* soft_offline_event, with @outcome, comes before the answer */
	enum soft_outcome outcome;
	bool has_delta; /* the counter moves by @delta_kib, not by one page */
	int64_t delta_kib;
	usec_t took; /* the kernel makes one attempt at a time */
};

/**
 * What the user does in place of the simulation, or sees of it. Each may be NULL. None of
 * them may call sim_step().
 */
struct sim_hooks {
	/** Sees @f, before it is performed. */
	void (*watch)(void *userdata, const struct effect *f);
	/** How the frame @p looks. Whether it is in RAM or poisoned is the simulation's. */
	struct frame (*frame)(void *userdata, pfn_t p);
	/** How the kernel answers an attempt on @p; asked once for each. */
	struct sim_answer (*answer)(void *userdata, pfn_t p);
	/** Keeps @f, a STORE or REMOVE effect, or not, in place of @store. 0 or -ENOMEM. */
	int (*keep)(void *userdata, const struct effect *f);
	/**
	 * What is stored of the page @p, in place of @store: valid until the next call;
	 * NULL for nothing. *ret_other_boot (false when called): from an earlier boot.
	 */
	const struct page_rec *(*load)(void *userdata, pfn_t p, bool *ret_other_boot);
	/**
	 * Gives the engine what is stored, by sim_restore_input(), in place of @store.
	 * True: more is stored than the engine has room for.
	 */
	bool (*restore)(void *userdata);
};

/** An attempt that the kernel has not answered yet. */
struct sim_attempt {
	uint64_t id;
	bool silent;
	bool has_event;
	struct soft_event event;
	struct offline_answer answer;
	int64_t due; /* time */
};

/* What one input brings up: as many as daemon_effects.c has room for, and some. */
#define SIM_FOLLOWING_MAX 16

/* The counter of a kernel that shows none; to the engine it is not known. */
#define SIM_NO_COUNTER INT64_MIN

/**
 * Times of the simulation are microseconds from any start on, and go on over reboots; the
 * clock of the present boot, which the engine knows, is @now - @base.
 */
struct sim {
	/* The time, and who takes part. To be set by the user at any time. */
	int64_t now;
	int64_t base;
	uint64_t max_steps; /* inputs to the engine; 0: no limit */
	struct sim_hooks hooks;
	void *userdata;

	/* What there is to see. */
	struct engine *engine; /* NULL until sim_start() */
	uint64_t steps;        /* inputs to the engine so far */
	uint64_t writes;       /* attempts that the kernel was asked for */
	/* 0; -ENOMEM; -ETIME: the engine wants to be woken at the same moment for ever. */
	int error;

	/* sim.c's own: what follows, and when. */
	bool deadline_known;
	bool reconcile_wanted;
	unsigned int first; /* in @following, a ring */
	unsigned int n_following;
	unsigned int n_under_way;
	int64_t deadline; /* the engine's, if @deadline_known */
	struct input following[SIM_FOLLOWING_MAX];

	/* What the outside is like. To be set by the user at any time; the engine learns
	 * of it when it looks, or by an input that the user gives. */
	struct machine machine;
	struct kernel_state kernel;
	int64_t poisoned_kib; /* the kernel's counter, or SIM_NO_COUNTER */
	int64_t ram_print;    /* 0: not known */
	int64_t module_print;
	unsigned int page_shift;
	bool edac; /* knows every controller that events name; for the next start */
	struct sim_store store;
	struct ram_map ram;
	struct config cfg; /* for the next start */
	/* Of the engine's history, for the next start; 0: as many as in the daemon. */
	uint32_t open_rows;

	/* sim.c's own: what the kernel has done and will answer. */
	struct sim_index poisoned; /* frames */
	int64_t *offlined_at;      /* when attempts poisoned a frame; owned */
	size_t n_offlined;
	struct sim_attempt under_way[MAX_ATTEMPTS]; /* in order */
};

/**
 * Makes a simulation: the default configuration, 16 GiB of RAM in 4 KiB pages, of which
 * half is available, and a kernel that does as it is asked. Hooks and userdata are to be
 * set by the user. Returns 0 and *ret, to be freed with sim_free(); -ENOMEM.
 */
int sim_new(struct sim **ret);

/** Frees @s; NULL is fine. Returns NULL. */
struct sim *sim_free(struct sim *s);

/**
 * Makes the engine with @s->cfg and gives it machine and kernel, and what is stored.
 * Returns 0; -ENOMEM.
 */
int sim_start(struct sim *s);

/**
 * Sets @in->now to the present time, gives @in to the engine, and does all that follows up
 * to this time. Returns what engine_step() returns for @in; a failure in what follows is
 * in @s->error.
 */
int sim_step_at(struct sim *s, struct input *in);

/** As sim_step_at(), for an input that nobody needs afterwards. */
static inline int sim_step(struct sim *s, struct input in)
{
	return sim_step_at(s, &in);
}

/** For the hook "restore": gives one input and performs its effects. */
void sim_restore_input(struct sim *s, const struct input *in);

/** Stores all that the engine has not stored yet. */
void sim_flush(struct sim *s);

/** Looks at the frame of every tracked page. */
void sim_reconcile(struct sim *s);

/**
 * Lets time pass to @to: the engine is woken at its deadlines, and attempts are answered
 * when they have ended. Ends early with @s->error, or if there were @s->max_steps inputs.
 */
void sim_advance(struct sim *s, int64_t to);

/** When the engine wants to be woken at the latest; USEC_NEVER: not at all. */
int64_t sim_deadline(struct sim *s);

/** True if there is a limit of steps, and it is reached: time passes no more. */
bool sim_is_spent(const struct sim *s);

/** The daemon ends, with all stored if @flush, and starts again. As sim_start(). */
int sim_restart(struct sim *s, bool flush);

/**
 * The machine boots again, @up before now; its wall clock is wrong by @wall. No frame is
 * poisoned any more. As sim_start().
 */
int sim_reboot(struct sim *s, bool flush, usec_t up, usec_t wall);

/** A time of the present boot, of the engine, as one of the simulation. */
usec_t sim_time(const struct sim *s, int64_t engine_time);

/** How the frame @p looks now. */
struct frame sim_frame(const struct sim *s, pfn_t p);

/** A frame gets out of use, or back into use, without the engine's doing. */
void sim_poison(struct sim *s, pfn_t p);
void sim_unpoison(struct sim *s, pfn_t p);

/** The most pages that attempts have offlined within any hour. */
unsigned int sim_hour_max(const struct sim *s);
