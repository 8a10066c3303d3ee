/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The DIMMs that have samples: those that had an error, by the engine, and all others, by
 * the list of modules. So each has its samples before its first error, and a rule sees
 * that error as an increase: no rule sees one of a series that begins with 1.
 */

#include "engine/engine.h"
#include "track/module_list.h"

/** A DIMM of the engine, of the list of modules, or of both. */
struct dimm_view {
	struct dimm_rec rec;             /* all zero but its name: it had no error yet */
	const struct module_rec *module; /* NULL: nothing is known of what it is */
	/* False: no controller counts for it. It has no counts then, since 0 would say
	 * that it is healthy. */
	bool counted;
	enum verdict verdict;
};

/**
 * Fills @views, which has room for all DIMMs of @e and all rows of @modules (NULL: none).
 * No two of them have the same controller, layers and label, or are modules of the same
 * slot without a controller: node_exporter shows nothing of a file in which two samples
 * have the same labels.
 *
 * Returns how many there are.
 */
unsigned int metrics_list_dimms(const struct engine *e, const struct module_list *modules,
				struct dimm_view *views);
