/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * softofflinectl export: the stored history as a table that the back-test reads, or as one
 * JSON object a line.
 */

#include <errno.h>
#include <string.h>

#include "ctl.h"
#include "imports/own_db.h"

static int export_row(void *userdata, const struct history_row *row)
{
	const bool *ndjson = userdata;

	if (*ndjson)
		return history_write_json(stdout, row);
	history_write_csv(stdout, row);
	return 0;
}

int verb_export(const struct ctl *ctl)
{
	const char *format = ctl->args->format ? ctl->args->format : "csv";
	bool ndjson = ctl->ui.json || strcmp(format, "ndjson") == 0;
	char path[CONFIG_PATH_MAX], server[CTL_SERVER_MAX];
	const char *why = "";
	int r;

	if (!ndjson && strcmp(format, "csv") != 0) {
		complain("export: --format is csv or ndjson, not \"%s\"", format);
		return CTL_USAGE;
	}
	if (ctl_database_path(ctl, path) < 0)
		return CTL_FAILURE;
	ctl_server_of(path, server);
	if (!ndjson && ctl->ui.legend)
		history_write_heading(stdout);
	r = own_db_read(path, server, export_row, &ndjson, &why);
	if (r < 0)
		complain("%s", r == -ENOMEM ? "out of memory" : why);
	return r < 0 ? CTL_FAILURE : CTL_FINE;
}
