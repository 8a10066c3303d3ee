/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The counts of events read and stored, by CPU. Where the counts come from, and where
 * they are stored, is not known here.
 */

#include "parts/read_account.h"

#include <errno.h>
#include <stdlib.h>

uint64_t *read_account_list(unsigned int cpus)
{
	uint64_t *list = calloc(cpus ? cpus : 1, sizeof(*list));

	for (unsigned int cpu = 0; list && cpu < cpus; cpu++)
		list[cpu] = READ_UNKNOWN;
	return list;
}

int read_account_new(struct read_account *a, unsigned int cpus)
{
	*a = (struct read_account){
		.cpus = cpus,
		.consumed = read_account_list(cpus),
		.stored = read_account_list(cpus),
		.began = read_account_list(cpus),
		.seen = calloc(cpus, sizeof(*a->seen)),
		.doubtful = calloc(cpus, sizeof(*a->doubtful)),
	};
	if (a->consumed && a->stored && a->began && a->seen && a->doubtful)
		return 0;
	read_account_done(a);
	return -ENOMEM;
}

void read_account_done(struct read_account *a)
{
	free(a->consumed);
	free(a->stored);
	free(a->began);
	free(a->seen);
	free(a->doubtful);
	*a = (struct read_account){ 0 };
}

void read_account_begin(struct read_account *a, uint16_t cpu, uint64_t consumed)
{
	a->seen[cpu] = consumed == READ_UNKNOWN ? 0 : consumed;
	if (consumed == READ_UNKNOWN)
		consumed = a->stored[cpu];
	a->consumed[cpu] = a->began[cpu] = consumed;
}

uint64_t read_account_lost(const struct read_account *a, uint16_t cpu, uint64_t stored)
{
	uint64_t began = a->began[cpu];

	if (stored == READ_UNKNOWN || began == READ_UNKNOWN || began <= stored)
		return 0;
	return began - stored;
}

bool read_account_went_back(const struct read_account *a, uint16_t cpu, uint64_t stored)
{
	uint64_t began = a->began[cpu];

	return stored != READ_UNKNOWN && began != READ_UNKNOWN && began < stored;
}

enum read_sight read_account_compare(struct read_account *a, uint16_t cpu,
				     uint64_t kernel, uint64_t *others)
{
	uint64_t counted = a->consumed[cpu], seen = a->seen[cpu];
	bool doubtful = a->doubtful[cpu] || counted == READ_UNKNOWN;

	*others = 0;
	if (!doubtful && kernel < counted && kernel == seen)
		return READ_AS_COUNTED;
	a->doubtful[cpu] = false;
	a->consumed[cpu] = a->seen[cpu] = kernel;
	if (doubtful || kernel == counted)
		return READ_AS_COUNTED;
	if (kernel < counted)
		return READ_EMPTIED;
	*others = kernel - counted;
	return READ_BY_OTHERS;
}

bool read_account_is_unseen(const struct read_account *a, uint16_t cpu)
{
	return a->seen[cpu] == 0 && a->consumed[cpu] != 0 &&
	       a->consumed[cpu] != READ_UNKNOWN;
}

void read_account_doubt(struct read_account *a, uint16_t cpu)
{
	a->doubtful[cpu] = true;
}

void read_account_count(struct read_account *a, uint16_t cpu)
{
	if (a->consumed[cpu] != READ_UNKNOWN)
		a->consumed[cpu]++;
}

bool read_account_is_due(const struct read_account *a, uint16_t cpu, uint64_t waiting,
			 uint64_t *ret)
{
	if (a->consumed[cpu] == READ_UNKNOWN)
		return false;
	*ret = a->consumed[cpu] - (waiting < a->consumed[cpu] ? waiting : 0);
	return *ret != a->stored[cpu];
}

void read_account_forget(struct read_account *a)
{
	for (unsigned int cpu = 0; cpu < a->cpus; cpu++)
		a->stored[cpu] = READ_UNKNOWN;
}
