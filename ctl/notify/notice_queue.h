/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Notices that wait until a program has dealt with those before them. The queue is
 * bounded: equal ones become one with a count, and what finds no place is counted.
 */

#include "tell/report.h"

#define NOTICE_QUEUE_MAX 256

struct notice_entry {
	struct notice_report notice;
	uint64_t times; /* that it came; the newest is @notice */
};

struct notice_queue {
	struct notice_entry v[NOTICE_QUEUE_MAX]; /* a ring */
	unsigned int first, n;
	uint64_t dropped; /* since the last entry was taken */
};

/**
 * Adds @r at the end. One of the same kind and DIMM that waits already is brought up to
 * date in its place, and keeps the verdict that was before all of them.
 */
void notice_queue_add(struct notice_queue *q, const struct notice_report *r);

/**
 * Takes the oldest entry. *ret_dropped: how many found no place since the last one was
 * taken. Returns false if there is none.
 */
bool notice_queue_take(struct notice_queue *q, struct notice_entry *ret,
		       uint64_t *ret_dropped);
