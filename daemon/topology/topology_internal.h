/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Shared by the files of topology only: small sysfs texts, and the parts of
 * topology_read().
 */

#include <dirent.h>

#include "base/mem.h"
#include "topology/topology.h"

/**
 * The first line of @dir/@file without trailing blanks, cut to @size.
 * Returns 0; negative errno, *ret then is "".
 */
int topology_text(const char *dir, const char *file, char *ret, size_t size);

/** Notes that a file of @t was read with result @r; a missing file is no failure. */
void topology_note(struct topology *t, int r);

/** The same as topology_text(), for @t. */
int topology_text_of(struct topology *t, const char *dir, const char *file, char *ret,
		     size_t size);

/** The number in @dir/@file, for @t; 0 if there is none. */
uint64_t topology_number(struct topology *t, const char *dir, const char *file);

/** Adds the memory modules below @root to @t, ordered by handle. */
void topology_add_modules(struct topology *t, const char *root);

/**
 * Adds the module that the @len bytes at @raw describe, one SMBIOS structure, to @t.
 * Other structures and empty slots are left out. A module too many sets @t->cut.
 */
void topology_add_module(struct topology *t, const uint8_t *raw, size_t len);

/**
 * Names the slot of each DIMM of @t by files, @labels or NULL, and by EDAC's labels, as
 * far as they know it.
 */
void topology_name_slots(struct topology *t, const struct slot_labels *labels);

/** Names the slots that have no name yet by the modules that were matched. */
void topology_name_slots_by_module(struct topology *t);

/** True if a driver or the kernel made up @label by itself, and nobody set it. */
bool topology_label_is_drivers(const char *label);

/** Sets module and match of each DIMM of @t, by its slot's name and its label. */
void topology_match_modules(struct topology *t);

/** The driver that has @modalias among its patterns; NULL if none. */
const struct driver_fact *driver_fact_of(const char *modalias);
