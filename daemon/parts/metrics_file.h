/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The metrics file: where it is and how it is written. The numbers come from the engine
 * and from @extra; the text is made by tell/metrics.c.
 */

#include "config/config.h"
#include "tell/metrics.h"

struct metrics_file {
	char path[CONFIG_PATH_MAX]; /* "": none is written */
	bool failing;               /* the last write failed, and the journal says so */
};

/**
 * Decides where metrics go, by [Metrics] File: a path; "none"; or, if nothing is set,
 * node_exporter's folder below @root ("" in production) if there is one.
 */
void metrics_file_set(struct metrics_file *m, const struct config *cfg, const char *root);

/**
 * Writes the file, with the counters of all memory nodes. A failure is one line until a
 * write succeeds.
 */
void metrics_file_write(struct metrics_file *m, const struct engine *e,
			struct metrics_extra extra);
