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

/** One more event of @cpu was read. */
void read_account_count(struct read_account *a, uint16_t cpu);

/** True if the database is to store that *@ret events of @cpu were read. */
bool read_account_is_due(const struct read_account *a, uint16_t cpu, uint64_t *ret);

/** What was stored did not last: all counts are due again. */
void read_account_forget(struct read_account *a);
