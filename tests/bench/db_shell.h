/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * An engine on a real database in a folder of its own, for the benchmarks that write:
 * gives events, stores what the engine gives out, commits when the daemon would.
 */

#include "db.h"
#include "engine/effect.h"
#include "engine/engine.h"
#include "engine/input.h"

struct db_shell {
	char folder[64]; /* below the present one: on the disk of the build */
	char path[96];
	struct db *db;
	struct engine *engine;
	usec_t now;
	usec_t committed;
	usec_t commit_every; /* of event time */
	uint64_t stored;     /* rows given to the database */
	uint64_t commit_ns;
	uint64_t commits;
	uint64_t reports; /* lines for the journal */
	unsigned int boots;
	uint64_t loads; /* pages asked back from the database */
};

/** Makes the folder, and in it a database of at most @max_size bytes; ends on failure. */
void db_shell_open(struct db_shell *s, uint64_t max_size);

/** A new engine that holds at most @max_pages, with the database's pages restored. */
void db_shell_start(struct db_shell *s, uint32_t max_pages);

/** Frees engine and database, and removes the folder. */
void db_shell_close(struct db_shell *s);

/** Closes the database and opens it in another boot; the time of db_open() in ns. */
uint64_t db_shell_reopen(struct db_shell *s);

/** A corrected error at @address and @when, and what follows; frames are never touched.
 */
void db_shell_error(struct db_shell *s, uint64_t address, usec_t when);

/** Stores all and commits. */
void db_shell_flush(struct db_shell *s);
