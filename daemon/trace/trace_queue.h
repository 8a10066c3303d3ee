/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A bounded queue of raw trace pages between two threads: the reading thread puts, the
 * counting thread takes, and neither waits for the other. A page takes its own bytes and a
 * head of 8; no page reaches across the end of the memory. Memory is taken when the queue
 * first fills that far, and kept until trace_queue_give_back().
 *
 * One caller at a time may put, start over and give back (the owner has a lock for this),
 * and one caller may take. Every thread may call the other functions; their result is true
 * for a moment only.
 */

#include <stdatomic.h>
#include <stdbool.h>

#include "trace/trace_reader.h"

struct trace_queue {
	uint8_t *ring;
	uint64_t bytes; /* of the ring; 0: no page fits */
	size_t page_size;
	/* How far the ring was used since memory was given back. */
	_Atomic uint64_t touched;
	/* Bytes put in and taken out since the queue last started over. */
	_Atomic uint64_t filled;
	_Atomic uint64_t taken;
	_Atomic uint64_t pages_in; /* ever, as the next */
	_Atomic uint64_t pages_out;
};

/**
 * A queue that takes at most @bytes, for pages of at most @page_size bytes. If fewer than
 * @least would fit, there is room for @least, or with @least 0 for none at all. Returns
 * 0, and @q is to be given to trace_queue_done(); -ENOMEM.
 */
int trace_queue_init(struct trace_queue *q, uint64_t bytes, size_t page_size,
		     unsigned int least);

/** Frees what trace_queue_init() took; a zeroed @q is fine. */
void trace_queue_done(struct trace_queue *q);

/** Bytes in the queue. */
uint64_t trace_queue_bytes(const struct trace_queue *q);

/** Pages in the queue. */
unsigned int trace_queue_pages(const struct trace_queue *q);

/** Pages of full size for which there is room in any case. */
unsigned int trace_queue_room(const struct trace_queue *q);

/**
 * Puts a page, for which there must be room. Returns true if the queue was empty: wake the
 * taker. (Either this call sees the empty queue, or the taker sees the page.)
 */
bool trace_queue_put(struct trace_queue *q, uint16_t cpu, const void *page, size_t size);

/** CPU of the oldest page; -1 if there is none. For the taker only. */
int trace_queue_next_cpu(const struct trace_queue *q);

/** Hands the oldest page to @fn. Returns its CPU; -1 if there is none. */
int trace_queue_take(struct trace_queue *q, trace_page_fn fn, void *userdata);

/** An empty queue starts again at the memory that it has used; others stay as they are. */
void trace_queue_start_over(struct trace_queue *q);

/** Bytes of memory that the queue holds on to. */
uint64_t trace_queue_touched(const struct trace_queue *q);

/** Gives memory back if the queue is empty. */
void trace_queue_give_back(struct trace_queue *q);
