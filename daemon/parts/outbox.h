/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The room parts: objects of the program, each with one state of its own; none of them
 * knows the loop.
 *
 * Here: work that is decided but not done: inputs that follow from effects, attempts whose
 * intents share the next commit, rows that are written with that commit, and the attempts
 * that the worker has. Bookkeeping only: no door, no clock. A zeroed struct is empty.
 */

#include "engine/engine.h"
#include "engine/input.h"
#include "kernel/offline_worker.h"

/* Attempts that share a commit, at most: the thread that writes has something to do
 * while the next pages are looked at. */
#define OUTBOX_GROUP OFFLINE_WORKER_GROUP

/* One step asks for a sample, a probe, a load and an answer at most; and each attempt of
 * a group may be answered because it cannot be handed over. */
#define OUTBOX_INPUTS (8 + OUTBOX_GROUP)

struct outbox {
	struct input inputs[OUTBOX_INPUTS]; /* in the order they came up */
	unsigned int n_inputs;
	bool stepping;      /* the engine is at an input: others follow it */
	unsigned int turns; /* begun and not ended */

	struct offline_request
		due[OUTBOX_GROUP]; /* their intents are in the open group */
	unsigned int n_due;
	uint16_t dimms[MAX_ATTEMPTS]; /* to be stored with the open group */
	unsigned int n_dimms;
	bool spent; /* the budgets, the same */

	unsigned int under_way; /* attempts handed over and not answered */
	usec_t since;           /* when the kernel began with the one it is at */
	bool late;              /* outbox_is_late() has said so */

	struct machine machine; /* as it was for the last probe */
	bool machine_fresh;     /* no attempt and no turn has ended since */
};

/** Lets @in follow: it is stepped after the input that the engine is at. */
void outbox_follow(struct outbox *o, const struct input *in);

/** Takes the next input that follows; one without a time gets @now. False: no more. */
bool outbox_next(struct outbox *o, usec_t now, struct input *ret);

/** Adds an attempt to the group. The group must not be full. */
void outbox_put(struct outbox *o, const struct offline_request *request);

/** True if the group has no room for another attempt. */
bool outbox_is_full(const struct outbox *o);

/** Takes the group, in the order of the decisions. Returns how many attempts it has. */
unsigned int outbox_take(struct outbox *o, struct offline_request ret[OUTBOX_GROUP]);

/** Has DIMM @index stored with the group. False: no room, store it at once. */
bool outbox_keep_dimm(struct outbox *o, uint16_t index);

/** Takes the DIMMs to be stored. Returns how many. */
unsigned int outbox_take_dimms(struct outbox *o, uint16_t ret[MAX_ATTEMPTS]);

/** Takes whether the budgets are to be stored. */
bool outbox_take_spent(struct outbox *o);

/** The worker has @n more attempts. */
void outbox_handed_over(struct outbox *o, unsigned int n, usec_t now);

/** The worker has answered one. */
void outbox_answered(struct outbox *o, usec_t now);

/** True while an attempt was decided and is not answered. */
bool outbox_has_attempts(const struct outbox *o);

/** True once for a write that has taken @limit by @now. */
bool outbox_is_late(struct outbox *o, usec_t now, usec_t limit);
