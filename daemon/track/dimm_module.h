/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Which records of DIMMs are ranks of one module, and the verdict of a module. The engine
 * judges by these functions, and so does softofflinectl, which has the database alone.
 * Pure functions.
 */

#include "track/fault_class.h"

/** A record, and what is known of its slot beside it. */
struct dimm_place {
	const struct dimm_rec *rec; /* of a DIMM that is there */
	const char *slot;           /* by the board's name; "": not certain */
	bool whole;                 /* EDAC says: a module, and no rank of one */
};

/**
 * True if both are of one module: one serial number, one slot of the board, or one label
 * that somebody registered, on one controller.
 */
bool dimm_place_same_module(const struct dimm_place *a, const struct dimm_place *b);

/**
 * As fault_verdict(), for @module, the sum of the ranks of one module; the sentence says
 * that it is about all of them.
 */
enum verdict dimm_module_verdict(const struct dimm_rec *module, uint32_t pages_per_dimm,
				 char ret_why[CLASS_WHY_MAX]);
