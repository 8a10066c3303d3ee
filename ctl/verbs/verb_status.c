/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * softofflinectl status: one screen, the verdict first, then the DIMMs that need somebody.
 * The source makes the verdict; this file only prints it.
 */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "ctl.h"
#include "verbs/dimm_lines.h"

/* Starts a line of the screen. */
static void print_label(const struct ui *ui, const char *text)
{
	printf("%s%-10s%s ", color_bold(ui), text, color_off(ui));
}

/* What is stored is of some time, and how to have more. */
static void print_age(const struct ui *ui, const struct status_report *s)
{
	char text[OUTPUT_TEXT_MAX];

	if (s->db_last_commit == REPORT_NO_NUMBER)
		return;
	print_entry(ui, "", "as of %s, by what is stored%s",
		    text_time(ui, s->db_last_commit, text),
		    s->running == 0 ? "; to start the daemon: systemctl start "
				      "softofflined"
				    : "");
}

static void print_verdict(const struct ui *ui, const struct status_report *s)
{
	enum verdict verdict;
	const char *color = color_bold(ui);

	print_label(ui, "Verdict");
	if (verdict_from_string(s->verdict, &verdict) < 0) {
		puts("unknown; only a running daemon knows it");
		return;
	}
	if (verdict >= VERDICT_DEGRADED)
		color = color_alert(ui);
	fputs(color, stdout);
	for (const char *p = s->verdict; *p; p++)
		putchar(toupper((unsigned char)*p));
	printf("%s  %s\n", color_off(ui), verdict_help(verdict));
	/* Not what the line above or the part "Source" says anyway. */
	if (s->verdict_why[0] && strcmp(s->verdict_why, verdict_help(verdict)) != 0 &&
	    strcmp(s->verdict_why, s->source_why) != 0)
		print_entry(ui, "", "%s", s->verdict_why);
	print_age(ui, s);
}

/* Where nothing is taken out of use, whatever the errors are. */
static void print_only_counts(const struct ui *ui, const struct status_report *s)
{
	enum result hold;
	bool held = result_from_string(s->hold, &hold) == 0 &&
		    (hold == RESULT_UNSUPPORTED || hold == RESULT_DENIED);

	if (strcmp(s->action, "account") == 0)
		print_entry(ui, "Policy",
			    "Action=account: errors are only counted, and no page is "
			    "taken out of use");
	else if (held || s->soft_offline == 0)
		print_entry(ui, "Policy",
			    "errors are only counted: the kernel takes no page out of "
			    "use for us");
	else if (strcmp(s->action, "mixed") == 0)
		print_entry(ui, "Policy",
			    "for some DIMMs errors are only counted (Action=account); "
			    "see softofflinectl policy show DIMM");
}

static void print_daemon(const struct ui *ui, const struct status_report *s)
{
	char text[OUTPUT_TEXT_MAX];

	if (s->running == REPORT_NO_BOOL)
		print_entry(ui, "Daemon", "not asked (--db)");
	else if (!s->running)
		print_entry(ui, "Daemon", "not running");
	else if (!s->version[0])
		print_entry(ui, "Daemon", "running, but not on the system bus");
	else
		print_entry(ui, "Daemon", "%s, running since %s%s", s->version,
			    text_time(ui, s->started, text),
			    s->dry_run == 1 ? "; dry run: no page is really offlined"
					    : "");
}

static const char *yes_no(int8_t value)
{
	return value == REPORT_NO_BOOL ? "unknown" : value ? "yes" : "no";
}

/* The outcome of SoftOfflineControl=own; "leave" and "" need no line. */
static void print_control(const struct ui *ui, const struct status_report *s)
{
	static const struct {
		const char *word;
		const char *text;
	} words[] = {
		{ "own", "offlines no page on its own initiative: our policy decides" },
		{ "waiting", "SoftOfflineControl=own waits: the sysctl is off" },
		{ "unsupported",
		  "SoftOfflineControl=own is not possible with this kernel" },
		{ "overruled",
		  "SoftOfflineControl=own was undone: another program set the sysctl" },
		{ "failed", "SoftOfflineControl=own: the sysctl cannot be set" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(s->soft_offline_control, words[i].word) == 0)
			print_entry(ui, "", "%s", words[i].text);
}

/* The kernel's own collector, RAS_CEC: whether it acts beside our policy. */
static void print_collector(const struct ui *ui, const struct status_report *s)
{
	char at[64] = "";

	if (strcmp(s->ras_cec, "active") != 0)
		return;
	if (s->ras_cec_acts == 0) {
		print_entry(ui, "",
			    "its own collector (RAS_CEC) offlines nothing before a "
			    "page's error number %" PRId64 ": our policy decides",
			    s->ras_cec_threshold);
		return;
	}
	if (s->ras_cec_threshold != REPORT_NO_NUMBER)
		snprintf(at, sizeof(at), ", at error number %" PRId64 " of a page",
			 s->ras_cec_threshold);
	print_entry(ui, "",
		    "! its own collector (RAS_CEC) offlines pages by itself%s, whatever "
		    "Action= and the budgets say; see SoftOfflineControl=own",
		    at);
}

/* Which tracepoints are read, and which of them really delivers. */
static void print_sources(const struct ui *ui, const struct status_report *s)
{
	if (!s->sources[0])
		return;
	if (strcmp(s->source_delivers, "none") == 0)
		print_entry(ui, "", "reads %s; no memory error has come since the start",
			    s->sources);
	else if (s->source_delivers[0])
		print_entry(ui, "", "reads %s; the last memory error came by %s",
			    s->sources, s->source_delivers);
	else
		print_entry(ui, "", "reads %s", s->sources);
}

static void print_kernel(const struct ui *ui, const struct status_report *s)
{
	char sysctl[24] = "absent";

	if (s->mc_event == REPORT_NO_BOOL && s->soft_offline == REPORT_NO_BOOL)
		return;
	if (s->enable_soft_offline != REPORT_NO_NUMBER)
		snprintf(sysctl, sizeof(sysctl), "%" PRId64, s->enable_soft_offline);
	print_entry(ui, "Kernel",
		    "reports errors: %s, soft-offlines: %s (sysctl %s), patched: %s",
		    yes_no(s->mc_event), yes_no(s->soft_offline), sysctl,
		    yes_no(s->patched));
	print_sources(ui, s);
	print_control(ui, s);
	print_collector(ui, s);
}

static bool is_blind(const struct status_report *s)
{
	return s->source_state[0] != '\0' &&
	       strcmp(s->source_state, sight_state_to_string(SIGHT_OK)) != 0;
}

/* The state, if it is not "ok", what is in the way, and what to do about it. */
static void print_source(const struct ui *ui, const struct status_report *s)
{
	if (!is_blind(s))
		return;
	print_entry(
		ui, "Source", "%s: %s%s", s->source_state,
		s->running == 1 ? "" : "as the daemon last found it: ", s->source_why);
	if (s->source_remedy[0])
		print_entry(ui, "", "%s", s->source_remedy);
}

static void print_pages(const struct ui *ui, const struct status_report *s)
{
	char text[5][OUTPUT_TEXT_MAX];

	print_entry(ui, "Pages",
		    "%s tracked: %s offlined, %s pending, %s failed, %s refused",
		    text_count(s->tracked, text[0]), text_count(s->offlined, text[1]),
		    text_count(s->pending, text[2]), text_count(s->failed, text[3]),
		    text_count(s->refused, text[4]));
}

#define BAR_WIDTH 20

/* "[####----------------]": full if @used is above @limit, never empty if used. */
static const char *bar(uint64_t used, uint64_t limit, char buf[BAR_WIDTH + 3])
{
	unsigned int filled = BAR_WIDTH;

	if (used < limit)
		filled = (unsigned int)((double)used * BAR_WIDTH / (double)limit);
	if (filled == 0 && used > 0)
		filled = 1;
	buf[0] = '[';
	memset(buf + 1, '#', filled);
	memset(buf + 1 + filled, '-', BAR_WIDTH - filled);
	strcpy(buf + 1 + BAR_WIDTH, "]");
	return buf;
}

static void print_budget_line(const struct ui *ui, uint64_t used, uint64_t limit,
			      const char *what)
{
	char text[2][OUTPUT_TEXT_MAX];
	char drawn[BAR_WIDTH + 3];
	bool full = used >= limit;

	printf("%s%s%s %s of %s pages %s\n", full ? color_alert(ui) : "",
	       bar(used, limit, drawn), full ? color_off(ui) : "",
	       text_count(used, text[0]), text_count(limit, text[1]), what);
}

/* No bar: Burst can be more than an hour's share, and a bar cannot show both. */
static void print_hour(const struct ui *ui, const struct status_report *s)
{
	char text[3][OUTPUT_TEXT_MAX];

	printf("%s pages in the last hour; %s an hour", text_count(s->hour_used, text[0]),
	       text_count(s->hour_limit, text[1]));
	if (s->burst != REPORT_NO_COUNT)
		printf(", up to %s at once", text_count(s->burst, text[2]));
	putchar('\n');
}

static void print_budget(const struct ui *ui, const struct status_report *s)
{
	if (s->hour_limit != REPORT_NO_COUNT && s->hour_used != REPORT_NO_COUNT) {
		print_label(ui, "Budget");
		print_hour(ui, s);
	}
	if (s->limit_pages != REPORT_NO_COUNT && s->used_pages != REPORT_NO_COUNT) {
		print_label(ui, "");
		print_budget_line(ui, s->used_pages, s->limit_pages, "in all");
	}
}

static void print_poisoned(const struct ui *ui, const struct status_report *s)
{
	char text[3][OUTPUT_TEXT_MAX];

	print_label(ui, "Poisoned");
	fputs(text_kib(s->poisoned_kib, text[0]), stdout);
	if (s->by_us_kib != REPORT_NO_NUMBER && s->by_others_kib != REPORT_NO_NUMBER)
		printf(": %s by softofflined, %s by others",
		       text_kib(s->by_us_kib, text[1]),
		       text_kib(s->by_others_kib, text[2]));
	putchar('\n');
}

static void print_alert(const struct ui *ui, uint64_t count, const char *what)
{
	char text[OUTPUT_TEXT_MAX];

	if (count > 0 && count != REPORT_NO_COUNT)
		print_entry(ui, "", "! %s: %s", what, text_count(count, text));
}

static void print_errors(const struct ui *ui, const struct status_report *s)
{
	char text[3][OUTPUT_TEXT_MAX];

	print_entry(ui, "Errors", "%s corrected in %s events; %s name no usable page",
		    text_count(s->corrected_errors, text[0]),
		    text_count(s->events, text[1]), text_count(s->unattributed, text[2]));
	print_alert(ui, s->uncorrected_errors, "uncorrected errors");
	print_alert(ui, s->events_lost, "events lost; all counts are lower bounds");
	print_alert(ui, s->gaps,
		    "gaps in the recording, how much is missing is not known; all "
		    "counts are lower bounds");
	print_alert(ui, s->malformed, "raw pages of events that could not be decoded");
}

static void print_database(const struct ui *ui, const struct status_report *s)
{
	char text[OUTPUT_TEXT_MAX];

	print_label(ui, "Database");
	printf("%s", s->db_ok == 1 ? "fine" : s->db_ok == 0 ? "failing" : "unknown");
	if (s->db_bytes != REPORT_NO_COUNT)
		printf(", %s", text_kib((int64_t)(s->db_bytes / 1024), text));
	putchar('\n');
	print_alert(ui, s->db_errors, "database errors since the start");
	print_alert(ui, s->db_lost_rows, "rows that could not be stored");
}

static void print_hold(const struct ui *ui, const struct status_report *s)
{
	enum result hold;

	if (result_from_string(s->hold, &hold) < 0 || hold == RESULT_NONE)
		return;
	print_label(ui, "On hold");
	printf("%s%s%s\n", color_alert(ui), s->hold, color_off(ui));
	if (strcmp(s->verdict_why, result_help(hold)) != 0)
		print_entry(ui, "", "%s", result_help(hold));
	if (s->hold_why[0])
		print_entry(ui, "", "%s", s->hold_why);
}

/* "Requests   node0: 7 migrated, 2 not-migrated": the kernel's own counters. */
static void print_nodes(const struct ui *ui, const struct rows *nodes)
{
	for (size_t i = 0; i < nodes->n; i++) {
		const struct node_report *node = rows_at(nodes, i);
		char line[SOFT_OUTCOME_MAX_ * (REPORT_WORD_MAX + 32)] = "";
		char text[OUTPUT_TEXT_MAX];
		size_t len = 0;

		for (int o = 0; o < SOFT_OUTCOME_MAX_; o++) {
			if (node->outcome[o] == 0 || node->outcome[o] == REPORT_NO_COUNT)
				continue;
			len += (size_t)snprintf(
				line + len, sizeof(line) - len, "%s%s %s",
				len > 0 ? ", " : "", text_count(node->outcome[o], text),
				soft_outcome_to_string((enum soft_outcome)o));
		}
		print_entry(ui, i == 0 ? "Requests" : "", "node%" PRIu64 ": %s",
			    node->node, len > 0 ? line : "none since boot");
	}
}

static void print_screen(const struct ui *ui, const struct status_report *s,
			 const struct rows *nodes, const struct rows *dimms)
{
	print_verdict(ui, s);
	dimm_lines_print(ui, dimms);
	print_only_counts(ui, s);
	print_hold(ui, s);
	print_source(ui, s);
	putchar('\n');
	print_daemon(ui, s);
	print_kernel(ui, s);
	print_errors(ui, s);
	print_pages(ui, s);
	print_budget(ui, s);
	print_poisoned(ui, s);
	print_nodes(ui, nodes);
	print_database(ui, s);
}

static int status_exit_code(const struct ctl *ctl, const struct status_report *s)
{
	enum verdict verdict;

	if (s->running == 0)
		return CTL_NOT_RUNNING;
	if (!(ctl->args->given & ARGS_EXIT_CODE))
		return CTL_FINE;
	/*
	 * A daemon that cannot be asked is degraded. A file named by --db is no daemon, but
	 * what it holds is not good news if the daemon saw nothing.
	 */
	if (verdict_from_string(s->verdict, &verdict) < 0)
		return s->running == 1 || is_blind(s) ? CTL_DEGRADED : CTL_FINE;
	switch (verdict) {
	case VERDICT_OK:
	case VERDICT_WATCH:
	case VERDICT_MAX_:
		return CTL_FINE;
	case VERDICT_REPAIR:
	case VERDICT_DEGRADED:
		return CTL_DEGRADED;
	case VERDICT_REPLACE:
		return CTL_REPLACE;
	}
	return CTL_FINE;
}

static json_t *status_to_json(const struct status_report *status,
			      const struct report_field *fields, size_t n,
			      const struct rows *nodes)
{
	json_t *object = report_to_json(status, fields, n);
	size_t n_node;
	const struct report_field *node_fields = node_report_fields(&n_node);

	if (object && json_object_set_new(object, "nodes",
					  rows_to_json(nodes, node_fields, n_node)) < 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

/* No daemon and nothing stored: a script gets an object that says so. */
static int print_nothing(const struct ctl *ctl, const struct report_field *fields,
			 size_t n)
{
	const struct rows nodes = { .size = sizeof(struct node_report) };
	struct status_report status;

	report_clear(&status, fields, n);
	status.schema = REPORT_SCHEMA;
	status.running = 0;
	if (ctl->ui.json &&
	    print_json(status_to_json(&status, fields, n, &nodes)) != CTL_FINE)
		return CTL_FAILURE;
	return CTL_NOT_RUNNING;
}

int verb_status(const struct ctl *ctl)
{
	_cleanup_(rows_done) struct rows nodes = { .size = sizeof(struct node_report) };
	_cleanup_(rows_done) struct rows dimms = { .size = sizeof(struct dimm_report) };
	_cleanup_(source_free_p) struct source *s = NULL;
	const struct report_field *fields;
	struct status_report status;
	size_t n;
	int r;

	fields = status_report_fields(&n);
	r = ctl_open_source(ctl, &s);
	if (r == -ESRCH)
		return print_nothing(ctl, fields, n);
	if (r < 0)
		return CTL_FAILURE;
	if (s->ops->status(s, &status) < 0)
		return ctl_fail(s);
	/* A daemon of an earlier version has no such method. */
	(void)s->ops->nodes(s, rows_add, &nodes);
	if (ctl->ui.json) {
		r = print_json(status_to_json(&status, fields, n, &nodes));
	} else {
		if (s->ops->dimms(s, rows_add, &dimms) < 0)
			return ctl_fail(s);
		dimm_lines_sort(&dimms);
		print_screen(&ctl->ui, &status, &nodes, &dimms);
	}
	return r == CTL_FINE ? status_exit_code(ctl, &status) : r;
}
