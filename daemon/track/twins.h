/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * One error that two tracepoints report. A machine check goes through mce_record, and an
 * EDAC driver may report the same error by mc_event: or not, because the kernel's collector
 * took it first, or because the driver is silent. mc_event names the DIMM, so it is counted
 * at once, and the machine check waits a moment for it; what stays alone is counted as it
 * is. A pure object: events and times come in, and the word whether to count goes out.
 *
 * Two reports are one error if both are corrected, or neither, and
 *   - both have an address: it is the same line, or the same page where one of them knows
 *     no line, and TWINS_SPAN at most lies between them (firmware's reports reach the two
 *     tracepoints by different ways, on different CPUs, and in either order);
 *   - one has no address of the system: the same CPU wrote both into its trace, the
 *     machine check first, within TWINS_NEAR (a driver hangs on the chain that the
 *     tracepoint is at the head of).
 * Each report has one twin at most; of several the nearest in time.
 */

#include "event/mce_decode.h"

#define TWINS_SPAN   (200 * USEC_PER_MSEC)
#define TWINS_NEAR   (50 * USEC_PER_MSEC)
#define TWINS_CHECKS 512 /* machine checks that are remembered */
#define TWINS_HELD   256 /* that wait; more are counted at once, the oldest first */
#define TWINS_EVENTS 1024

struct twins {
	struct {
		struct mce_error error;
		uint8_t state; /* enum of twins.c */
	} checks[TWINS_CHECKS];
	struct {
		int64_t time;
		uint64_t address; /* 0: none */
		uint16_t cpu;
		uint8_t grain_bits;
		bool corrected;
		bool open; /* no machine check is its twin yet */
	} events[TWINS_EVENTS];
	unsigned int next_check;
	unsigned int next_event;
	unsigned int held;
	unsigned int counted; /* without a twin, which may still come */
};

/**
 * An mc_event came. Returns true if it is to be counted: then *ev gets the status and the
 * CPU of its machine check, if that one is known. False: the machine check was counted.
 */
bool twins_take_event(struct twins *t, struct ce_event *ev);

/**
 * A machine check came, which is a memory error. It waits, unless an mc_event has reported
 * it. Returns true if *ret is to be counted now, because too many wait.
 */
bool twins_take_check(struct twins *t, const struct mce_error *e, struct mce_error *ret);

/**
 * All events before @upto have been taken. Returns true if *ret is to be counted: its twin
 * does not come. To be repeated. USEC_NEVER: nothing waits any longer.
 */
bool twins_take_due(struct twins *t, usec_t upto, struct mce_error *ret);

/** When twins_take_due() is wanted; USEC_NEVER: nothing waits. */
usec_t twins_deadline(const struct twins *t);

/** Machine checks of @cpu's trace that wait: they are read and not counted. */
unsigned int twins_waiting(const struct twins *t, uint16_t cpu);
