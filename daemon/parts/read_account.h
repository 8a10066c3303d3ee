/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * How many events of each CPU were read, and how many of them the database accounts for.
 * The difference at a start was read and lost by a predecessor that was killed. Counting
 * only: no kernel, no database. A zeroed struct has no CPUs, and nothing is due in it.
 */

#include <stdbool.h>
#include <stdint.h>

struct read_account {
	unsigned int cpus;
	uint64_t *consumed; /* by CPU: events read, since the trace instance was made */
	uint64_t *stored;   /* how many of them the database accounts for */
	uint64_t *began;    /* @consumed at the start */
	uint64_t *seen;     /* what the kernel said at the last comparison */
	bool *doubtful; /* @consumed may differ from the kernel's count, and nothing is wrong */
};

#define READ_UNKNOWN UINT64_MAX /* a count that is not known */

/** For @cpus CPUs; all counts are unknown. Returns 0, or -ENOMEM with nothing to free. */
int read_account_new(struct read_account *a, unsigned int cpus);

/** Frees what read_account_new() allocated. */
void read_account_done(struct read_account *a);

/** A list of @cpus counts, all unknown; to be freed. NULL: no memory. */
uint64_t *read_account_list(unsigned int cpus);

/**
 * Begins: @consumed is now what the kernel says was read of @cpu, or READ_UNKNOWN. Then
 * the database's count is continued, so what a predecessor lost shows at the next start
 * that can read the kernel's counter; without either nothing is due, or else all that was
 * ever read would count as lost then.
 */
void read_account_begin(struct read_account *a, uint16_t cpu, uint64_t consumed);

/** Events that were read before the start and that @stored, of one CPU, lacks. */
uint64_t read_account_lost(const struct read_account *a, uint16_t cpu, uint64_t stored);

/** True if the kernel's count has gone back since @stored, of one CPU, was stored: somebody
 * emptied the buffer, or made the instance again. */
bool read_account_went_back(const struct read_account *a, uint16_t cpu, uint64_t stored);

/** What the kernel's count of the events that went through a pipe says of our own count. */
enum read_sight {
	READ_AS_COUNTED,
	READ_BY_OTHERS, /* another program has read some: we never see them */
	/* The kernel counts from 0 again: somebody emptied the buffer. A count that stands
	 * still says nothing, for events have been read since. */
	READ_EMPTIED,
};

/**
 * Compares the count of @cpu with @kernel, which is the kernel's when all events that were
 * read are counted, and continues from there. *@others: how many others have read.
 */
enum read_sight read_account_compare(struct read_account *a, uint16_t cpu,
				     uint64_t kernel, uint64_t *others);

/** True if events of @cpu were counted and the kernel's count was 0 when last compared: from
 * there it cannot go back. */
bool read_account_is_unseen(const struct read_account *a, uint16_t cpu);

/**
 * From the next comparison of @cpu only the kernel's count is taken: a page could not be
 * decoded to its end, or we have emptied the buffer ourselves.
 */
void read_account_doubt(struct read_account *a, uint16_t cpu);

/** One more event of @cpu was read. */
void read_account_count(struct read_account *a, uint16_t cpu);

/**
 * True if the database is to store that *@ret events of @cpu were read and counted;
 * @waiting of those that were read are not counted yet. If the daemon is killed now, its
 * successor finds them lost.
 */
bool read_account_is_due(const struct read_account *a, uint16_t cpu, uint64_t waiting,
			 uint64_t *ret);

/** What was stored did not last: all counts are due again. */
void read_account_forget(struct read_account *a);
