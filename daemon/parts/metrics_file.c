/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Writes the metrics file. It neither knows when it is due nor what the numbers mean.
 */

#include "parts/metrics_file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/textfile.h"
#include "kernel/node_counters.h"
#include "tell/journal.h"

#define DEFAULT_DIR  "/var/lib/prometheus/node-exporter"
#define DEFAULT_FILE DEFAULT_DIR "/softofflined.prom"

void metrics_file_set(struct metrics_file *m, const struct config *cfg, const char *root)
{
	const char *path = cfg->metrics.file;
	char folder[CONFIG_PATH_MAX];

	if (path[0] != '\0') {
		snprintf(m->path, sizeof(m->path), "%s",
			 strcmp(path, "none") == 0 ? "" : path);
		return;
	}
	m->path[0] = '\0';
	snprintf(folder, sizeof(folder), "%s" DEFAULT_DIR, root);
	if (access(folder, F_OK) == 0)
		snprintf(m->path, sizeof(m->path), "%s" DEFAULT_FILE, root);
}

/* @why: what stands in the way; NULL: what @r says. */
static void metrics_file_note(struct metrics_file *m, int r, const char *why)
{
	if (r < 0 && !m->failing && why)
		journal_log(LOG_WARNING, 0,
			    "%s: %s; metrics are not written: they replace only a file "
			    "of their own",
			    m->path, why);
	else if (r < 0 && !m->failing)
		journal_log(LOG_WARNING, r, "%s: cannot write metrics", m->path);
	m->failing = r < 0;
}

void metrics_file_write(struct metrics_file *m, const struct engine *e,
			struct metrics_extra extra)
{
	_cleanup_(free_p) struct soft_counts *nodes =
		calloc(MAX_SOFT_NODES, sizeof(*nodes));
	_cleanup_(free_p) char *text = NULL;
	const char *why = NULL;
	size_t len;
	int r;

	if (m->path[0] == '\0' || !nodes)
		return;
	extra.nodes = nodes;
	extra.n_nodes = node_counters_read("", nodes, MAX_SOFT_NODES);
	len = metrics_format(e, &extra, NULL, 0);
	text = len > 0 ? malloc(len + 1) : NULL;
	if (!text || metrics_format(e, &extra, text, len + 1) != len)
		return;
	r = textfile_write(m->path, TEXTFILE_METRICS, text, len, &why);
	metrics_file_note(m, r, why);
}
