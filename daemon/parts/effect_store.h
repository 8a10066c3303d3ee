/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Which effect of the engine is which row of the database.
 */

#include "db.h"
#include "engine/effect.h"
#include "engine/engine.h"

/**
 * Stores what @f, an effect of @e, asks to be stored or removed.
 *
 * Returns 0; -EINVAL if @f asks for neither; negative errno as the functions of db.h.
 */
int effect_store(struct db *db, const struct engine *e, const struct effect *f);

/**
 * Stores all of @effects, as INPUT_FLUSH returns them. Returns 0; the last failure, and
 * then every other row is stored.
 */
int effect_store_all(struct db *db, const struct engine *e,
		     const struct effects *effects);
