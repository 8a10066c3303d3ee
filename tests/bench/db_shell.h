/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A real database in a folder of its own under the simulated outside, for the benchmarks
 * that write: stores what the engine wants kept, commits when the daemon would.
 */

#include "db.h"
#include "sim/sim.h"

struct db_shell {
	char folder[64]; /* below the present one: on the disk of the build */
	char path[96];
	struct db *db;
	struct sim *sim; /* NULL until db_shell_start() */
	usec_t now;
	usec_t committed;
	usec_t commit_every; /* of event time */
	uint64_t stored;     /* rows given to the database */
	uint64_t commit_ns;
	uint64_t commits;
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
