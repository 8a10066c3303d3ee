/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The life of a page, as one table: what can happen to a page, and which state follows
 * from which. The table decides nothing else. Whether a threshold is crossed, a budget
 * holds or an answer means "try again" is decided by the engine, which then names the
 * event. What the states mean is in PAGE_STATE_LIST (base/reason.h).
 *
 *   CHOSEN       a threshold was crossed, an error nearby or another program's failed
 *                request names the page, or a page of ours has to be offlined again
 *   RETRIED      the page erred again, its wait is over, and the policy lets it retry
 *   REQUESTED    an operator asks for it; the request's turn has come
 *   POSTPONED    no answer yet: the page is busy, memory is short, everything is on
 *                hold, or the attempt was called off
 *   REFUSED      the policy, a budget or the kind of page forbids it; a dry run ends here
 *   GIVEN_UP     an attempt failed, and it was the last one for now
 *   POISONED     the frame is poisoned: by our attempt, or found so
 *   IN_USE       the frame of an offlined page is in use again
 *   REBOOTED     the state was stored in an earlier boot: it says nothing about this one
 *   INTERRUPTED  at start: an attempt was never answered, and the frame is in use
 *
 * NEVER marks a pair that cannot happen: an error in the engine, not in the world.
 */

#include "base/reason.h"

/* clang-format off */
/* X(event,          watched,  pending,  offlined, failed,   refused) */
#define LIFE_EVENT_LIST(X)                                               \
	X(CHOSEN,      PENDING,  NEVER,    NEVER,    NEVER,    NEVER)    \
	X(RETRIED,     NEVER,    NEVER,    NEVER,    PENDING,  PENDING)  \
	X(REQUESTED,   PENDING,  PENDING,  NEVER,    PENDING,  PENDING)  \
	X(POSTPONED,   NEVER,    PENDING,  NEVER,    NEVER,    NEVER)    \
	X(REFUSED,     NEVER,    REFUSED,  NEVER,    NEVER,    NEVER)    \
	X(GIVEN_UP,    NEVER,    FAILED,   NEVER,    NEVER,    NEVER)    \
	X(POISONED,    OFFLINED, OFFLINED, OFFLINED, OFFLINED, OFFLINED) \
	X(IN_USE,      NEVER,    NEVER,    WATCHED,  NEVER,    NEVER)    \
	X(REBOOTED,    WATCHED,  WATCHED,  WATCHED,  WATCHED,  WATCHED)  \
	X(INTERRUPTED, PENDING,  PENDING,  PENDING,  PENDING,  PENDING)
/* clang-format on */

#define X(event, watched, pending, offlined, failed, refused) LIFE_##event,
enum life_event { LIFE_EVENT_LIST(X) LIFE_EVENT_MAX_ };
#undef X

/** What page_life_next() returns for a pair that cannot happen. */
#define PAGE_NEVER PAGE_STATE_MAX_

/**
 * The state that follows when @event finds a page in @state; PAGE_NEVER if the table says
 * that this cannot happen, or if @state or @event is no value of its enum.
 */
enum page_state page_life_next(enum page_state state, enum life_event event);
