/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * softofflinectl check: prints the doctor's findings. It makes none.
 */

#include "ctl.h"
#include "doctor/check.h"
#include "host/config_load.h"

static const struct column check_columns[] = {
	{ " ", NULL, false, false, 0 },
	{ "CHECK", NULL, false, false, 0 },
	{ "FINDING", NULL, false, true, 0 },
};

static void check_cell(const void *userdata, size_t row, size_t column,
		       char buf[OUTPUT_TEXT_MAX])
{
	const struct check_row *rows = userdata;
	const char *text = rows[row].text;

	if (column == 0)
		text = check_status_mark(rows[row].status);
	else if (column == 1)
		text = rows[row].id;
	snprintf(buf, OUTPUT_TEXT_MAX, "%s", text);
}

static const char *alert_color(const struct ui *ui, enum check_status status)
{
	switch (status) {
	case CHECK_OK:
		return "";
	case CHECK_WARNING:
		return color_bold(ui);
	case CHECK_FAILED:
		return color_alert(ui);
	}
	return "";
}

/*
 * Hints stand below the table: next to the findings they would not fit a screen. Their
 * lines are the terminal's to break, so that a command in them can be copied whole.
 */
static int print_checks(const struct ui *ui, const struct check_row *rows, size_t n)
{
	struct listing listing = { .columns = check_columns,
				   .n_columns = ARRAY_SIZE(check_columns) };
	bool headed = false;

	if (print_table(ui, &listing, n, check_cell, rows) < 0)
		return CTL_FAILURE;
	for (size_t i = 0; i < n; i++) {
		if (!rows[i].hint[0])
			continue;
		if (!headed)
			puts("\nWhat to do:");
		headed = true;
		printf("%s%s %s%s: %s\n", alert_color(ui, rows[i].status),
		       check_status_mark(rows[i].status), rows[i].id, color_off(ui),
		       rows[i].hint);
	}
	return CTL_FINE;
}

static json_t *checks_to_json(const struct check_row *rows, size_t n)
{
	_cleanup_(json_decref_p) json_t *list = json_array();

	for (size_t i = 0; list && i < n; i++) {
		json_t *row = json_pack("{s:s, s:s, s:s, s:s?}", "id", rows[i].id,
					"status", check_status_to_string(rows[i].status),
					"text", rows[i].text, "hint",
					rows[i].hint[0] ? rows[i].hint : NULL);

		if (json_array_append_new(list, row) < 0)
			return NULL;
	}
	return TAKE_PTR(list);
}

int verb_check(const struct ctl *ctl)
{
	_cleanup_(free_p) struct config *cfg = malloc(sizeof(*cfg));
	_cleanup_(source_free_p) struct source *s = NULL;
	struct check_row rows[CHECK_MAX_ROWS];
	struct check_options options;
	struct status_report status;
	size_t n;
	int r;

	check_options_init(&options);
	options.root = ctl->root;
	options.daemon_running = source_open_bus(&s) == 0;
	if (options.daemon_running && s->ops->status(s, &status) == 0) {
		options.reading = status.source_reading;
		options.delivers = status.source_delivers;
	}
	/* A refused configuration has no usable paths. */
	if (cfg && config_load(cfg, NULL, ctl->root, NULL, NULL) == 0) {
		options.database = cfg->database.path;
		options.metrics_file = cfg->metrics.file;
	}
	n = check_run(&options, rows, ARRAY_SIZE(rows));
	if (ctl->ui.json)
		r = print_json(checks_to_json(rows, n));
	else
		r = print_checks(&ctl->ui, rows, n);
	return r == CTL_FINE ? check_exit_status(rows, n) : r;
}
