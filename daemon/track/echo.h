/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * One error that several report: firmware beside the chipset's driver, or every processor
 * that can read a bank which they share. All reports are counted; for the window of a page
 * they are one error. A pure, bounded object. It forgets a line when others need its place:
 * a report is then an error of its own, as it was before.
 *
 * Sources: kernels poll a shared bank from each of its CPUs where there is no CMCI
 * (Intel SDM volume 3B, "Corrected Machine Check Error Interrupt"), so each finds the same
 * status; ghes_edac takes firmware's record of an error that a driver decodes, too.
 */

#include "event/ce_event.h"

#define ECHO_SPAN      (10 * USEC_PER_MSEC) /* between the first report and the last */
#define ECHO_REPORTERS 6
#define ECHO_SETS      32
#define ECHO_WAYS      4

/** A line's newest error: half a cache line. */
struct echo_error {
	uint64_t address;
	int64_t time;      /* of the first report */
	uint64_t status;   /* of the machine check; 0: not known */
	uint32_t reporter; /* the first: source, controller and CPU */
	uint8_t n;         /* reports; 0: the place is free */
	uint8_t grain_bits;
};

struct echo_table {
	uint32_t page[ECHO_SETS][ECHO_WAYS]; /* of the errors, cut to 32 bits */
	struct echo_error errors[ECHO_SETS][ECHO_WAYS];
	/* Who has repeated them: apart, since few errors have an echo. */
	uint32_t repeater[ECHO_SETS][ECHO_WAYS][ECHO_REPORTERS - 1];
	uint8_t next[ECHO_SETS];
};

/**
 * Notes @ev, which has an address. True: it repeats an error that another source has
 * reported, or another CPU with the same status. What one CPU reports again is a new error;
 * so is what another CPU reports by mc_event alone, whose status is not known: a driver
 * runs where the kernel's work queue runs, and not on the CPU that found the error.
 */
bool echo_take(struct echo_table *t, const struct ce_event *ev);
