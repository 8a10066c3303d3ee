/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the engine wants kept, into the database: which effect is which row.
 */

#include "db.h"
#include "engine/effect.h"
#include "engine/engine.h"

/**
 * Stores what @f, an effect of @e, asks to be stored or removed.
 *
 * Returns 0; -EINVAL if @f is none of those; negative errno as the functions of db.h.
 */
int effect_store(struct db *db, const struct engine *e, const struct effect *f);

/**
 * Stores all of @effects, as INPUT_FLUSH gives them out. Returns the last failure, the
 * others being stored; 0 without.
 */
int effect_store_all(struct db *db, const struct engine *e,
		     const struct effects *effects);
