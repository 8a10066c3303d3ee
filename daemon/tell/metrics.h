/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The counters as Prometheus exposition text. Series exist per DIMM, per state and per
 * result, never per page, so their number is bounded by the hardware. A DIMM has them
 * before its first error, with the labels that it has afterwards.
 */

#include <stddef.h>

#include "engine/engine.h"
#include "track/module_list.h"

/** What the engine does not know. Times in seconds since the epoch, 0: never. */
struct metrics_extra {
	const char *version;
	bool dry_run;
	bool stopped; /* this is the last text */
	double started;
	usec_t now;                        /* engine time, for the hour's budget */
	usec_t wall_offset;                /* wall clock minus engine time */
	const struct module_list *modules; /* that are there; NULL: none is known */
	bool db_ok; /* what is counted is stored where it should be */
	uint64_t db_bytes;
	uint64_t db_errors;
	uint64_t db_lost_rows;
	const struct soft_counts *nodes; /* the kernel's own counters, @n_nodes of them */
	size_t n_nodes;
	bool reload_ok;
	double reload_time;
};

/**
 * Writes the text. Returns its length without the terminator, which is more than @size -
 * 1 if it was cut; @buf is always terminated if @size is not 0. Returns 0 without memory.
 */
size_t metrics_format(const struct engine *e, const struct metrics_extra *extra,
		      char *buf, size_t size);
