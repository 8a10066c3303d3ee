/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Joins ranks to modules by what is known of them, and judges a module. It knows neither
 * the engine's table of DIMMs nor the database.
 */

#include "track/dimm_module.h"

#include <stdio.h>
#include <string.h>

#include "base/dimm_label.h"

bool dimm_place_same_module(const struct dimm_place *a, const struct dimm_place *b)
{
	if (a->rec->serial[0] && strcmp(a->rec->serial, b->rec->serial) == 0)
		return true;
	if (a->slot[0] && strcmp(a->slot, b->slot) == 0)
		return true;
	return a->rec->mc == b->rec->mc && !a->whole && !b->whole &&
	       strcmp(a->rec->label, b->rec->label) == 0 &&
	       dimm_label_is_registered(a->rec->label);
}

enum verdict dimm_module_verdict(const struct dimm_rec *module, uint32_t pages_per_dimm,
				 char ret_why[CLASS_WHY_MAX])
{
	char why[CLASS_WHY_MAX];
	enum verdict verdict = fault_verdict(module, pages_per_dimm, why);

	snprintf(ret_why, CLASS_WHY_MAX, "the whole module: %.*s", CLASS_WHY_MAX - 20,
		 why);
	return verdict;
}
