/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The daemon: opens the doors, runs the loop, performs the engine's effects and brings
 * the results back as inputs.
 */

#include "config/config.h"

/** From the command line; NULL or false where not given. */
struct daemon_options {
	const char *config_file;
	const char *db_path;
	const char *metrics_file;
	const char *record_dir;
	bool dry_run;
};

/**
 * Runs until SIGTERM or SIGINT.
 *
 * Returns the exit status: 0 after a stop; 1 after a failure, which the journal explains;
 * 69 (EX_UNAVAILABLE) if the kernel's trace has another format; 78 (EX_CONFIG) for a bad
 * configuration.
 */
int daemon_run(const struct daemon_options *options);
