/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * softofflinectl show: the story of one page: its errors, what was done, and what happens
 * next. The sentences on what happens next repeat the engine's rules in words; this file
 * decides nothing.
 */

#include <string.h>

#include "ctl.h"

/* Lines of errors and of actions without --lines. */
#define DEFAULT_LINES 20

struct story {
	uint64_t address; /* of the page's first byte */
	struct rows pages;
	struct rows errors;
	struct rows history;
	bool has_outlook; /* only a running daemon has one */
	struct outlook_report outlook;
};

static void story_done(struct story *story)
{
	rows_done(&story->pages);
	rows_done(&story->errors);
	rows_done(&story->history);
}

/* What happens next to a page in @state whose last result was @result: first row that
 * fits. */
static const struct next {
	enum page_state state;
	enum result result; /* RESULT_MAX_: any */
	const char *sentence;
} nexts[] = {
	{ PAGE_WATCHED, RESULT_MAX_,
	  "Its errors are counted until they reach a threshold." },
	{ PAGE_PENDING, RESULT_NONE, "It is about to be offlined." },
	{ PAGE_PENDING, RESULT_BUDGET_HOUR,
	  "It is offlined as soon as the hourly budget allows." },
	{ PAGE_PENDING, RESULT_LOW_MEMORY,
	  "It is offlined as soon as there is enough free memory." },
	{ PAGE_PENDING, RESULT_UNSUPPORTED,
	  "It is offlined once the kernel has soft offline and it is turned on." },
	{ PAGE_PENDING, RESULT_DENIED,
	  "It is offlined once the kernel permits; see softofflinectl check." },
	{ PAGE_PENDING, RESULT_MAX_, "It is tried again by [Retry]." },
	{ PAGE_OFFLINED, RESULT_DRY_RUN,
	  "Nothing. This was a dry run: the frame is still in use." },
	{ PAGE_OFFLINED, RESULT_MAX_,
	  "Nothing. The frame stays out of use until the next boot." },
	{ PAGE_FAILED, RESULT_INVALID, "Nothing, unless an operator asks for it." },
	{ PAGE_FAILED, RESULT_MAX_,
	  "It is tried again at its next error, at most once an hour." },
	{ PAGE_REFUSED, RESULT_BUDGET_DIMM,
	  "Nothing. The DIMM has used up its budget: replace it." },
	{ PAGE_REFUSED, RESULT_BUDGET_TOTAL,
	  "Nothing, unless [Budget] Total is raised; find out what fails first." },
	{ PAGE_REFUSED, RESULT_WIDE_FAULT,
	  "It goes once WideFaultThreshold= and WideFaultPages= allow it." },
	{ PAGE_REFUSED, RESULT_MAX_,
	  "It is looked at again at its next error, at most once an hour." },
};

static const char *next_sentence(const struct page_report *page)
{
	enum page_state state;
	enum result result;

	if (page_state_from_string(page->state, &state) < 0 ||
	    result_from_string(page->result, &result) < 0)
		return "-";
	for (size_t i = 0; i < ARRAY_SIZE(nexts); i++)
		if (nexts[i].state == state &&
		    (nexts[i].result == result || nexts[i].result == RESULT_MAX_))
			return nexts[i].sentence;
	return "-";
}

static void print_word(const struct ui *ui, const char *label, const char *word,
		       const char *help)
{
	print_entry(ui, label, "%s%s%s", word, help ? ": " : "", help ? help : "");
}

/* ", or if ... (KEY=THRESHOLD)"; empty if the rule is off. Returns @buf. */
static const char *rule_text(const char *cause, const char *key, const char *threshold,
			     char buf[OUTPUT_TEXT_MAX])
{
	buf[0] = '\0';
	if (threshold[0] && strcmp(threshold, "off") != 0)
		snprintf(buf, OUTPUT_TEXT_MAX, ", or if %s (%s=%s)", cause, key,
			 threshold);
	return buf;
}

/* What would make a watched page be offlined. */
static void print_watched(const struct ui *ui, const struct outlook_report *o)
{
	char text[OUTPUT_TEXT_MAX], until[64] = "", own[OUTPUT_TEXT_MAX];
	char row[OUTPUT_TEXT_MAX], cell[OUTPUT_TEXT_MAX], near[OUTPUT_TEXT_MAX];

	if (strcmp(o->action, "account") == 0) {
		print_word(ui, "Next",
			   "Its errors are only counted: the policy has Action=account.",
			   NULL);
		return;
	}
	if (o->until != REPORT_NO_NUMBER)
		snprintf(until, sizeof(until), " before %s",
			 text_time(ui, o->until, text));
	if (o->missing == REPORT_NO_NUMBER)
		snprintf(own, sizeof(own),
			 "not offlined for its own errors (PageThreshold=off)");
	else
		snprintf(own, sizeof(own),
			 "offlined at %lld more %s of its own%s (PageThreshold=%s)",
			 (long long)o->missing, o->missing == 1 ? "error" : "errors",
			 until, o->page_threshold);
	print_entry(ui, "Next", "It is %s%s%s%s.", own,
		    rule_text("one of its cells errs again", "CellThreshold",
			      o->cell_threshold, cell),
		    rule_text("its DRAM row turns out to be faulty", "RowThreshold",
			      o->row_threshold, row),
		    rule_text("two pages close to it err", "NeighbourRule",
			      o->neighbour_rule ? "yes" : "off", near));
}

static void print_next(const struct ui *ui, const struct story *story,
		       const struct page_report *page)
{
	const struct outlook_report *o = &story->outlook;
	char text[OUTPUT_TEXT_MAX];

	if (story->has_outlook && strcmp(page->state, "watched") == 0) {
		print_watched(ui, o);
		return;
	}
	print_word(ui, "Next", next_sentence(page), NULL);
	if (story->has_outlook && o->held_by[0])
		print_word(ui, "Held by", o->held_by, NULL);
	if (story->has_outlook && o->next_try != REPORT_NO_NUMBER)
		print_word(ui, "", "Not before", text_time(ui, o->next_try, text));
}

static void print_page(const struct ui *ui, const struct story *story)
{
	const struct page_report *page = rows_at(&story->pages, 0);
	enum page_state state = PAGE_STATE_MAX_;
	enum reason reason = REASON_MAX_;
	enum result result = RESULT_MAX_;
	char text[3][OUTPUT_TEXT_MAX];

	(void)page_state_from_string(page->state, &state);
	(void)reason_from_string(page->reason, &reason);
	(void)result_from_string(page->result, &result);
	print_word(ui, "DIMM", page->dimm[0] ? page->dimm : "-", NULL);
	print_word(ui, "State", page->state, page_state_help(state));
	print_word(ui, "Reason", page->reason, reason_help(reason));
	print_word(ui, "Result", page->result, result_help(result));
	print_word(ui, "Tries", text_count(page->attempts, text[0]), NULL);
	print_entry(ui, "Errors", "%s corrected, from %s to %s",
		    text_count(page->corrected_errors, text[0]),
		    text_time(ui, page->first_seen, text[1]),
		    text_time(ui, page->last_seen, text[2]));
	print_next(ui, story, page);
}

/* clang-format off */
static const struct column error_columns[] = {
	{ "TIME", "first", false, false, 0 },
	{ "ADDRESS", "address", true, false, 0 },
	{ "COUNT", "count", true, false, 0 },
	{ "EVENTS", "events", true, false, 0 },
	{ "SEVERITY", "severity", false, false, 0 },
	{ "DIMM", "dimm", false, true, 0 },
	{ "REGISTERS", "registers", false, true, 1 }, /* last: left out if always empty */
};

static const struct column action_columns[] = {
	{ "TIME", "time", false, false, 0 },
	{ "ACTION", "action", false, false, 0 },
	{ "REASON", "reason", false, false, 0 },
	{ "RESULT", "result", false, false, 0 },
	{ "ERRNO", "errno", false, false, 3 },
	{ "TYPE", "page_type", false, false, 5 },
	{ "DURATION", "duration_usec", true, false, 4 },
	{ "KIB-BEFORE", "poisoned_before_kib", true, false, 1 },
	{ "KIB-AFTER", "poisoned_after_kib", true, false, 2 },
	{ "KERNEL-SAYS", "outcome", false, false, 6 }, /* last: left out if always empty */
};
/* clang-format on */

static bool has_outcome(const struct rows *history)
{
	for (size_t i = 0; i < history->n; i++) {
		const struct history_report *row = rows_at(history, i);

		if (row->outcome[0])
			return true;
	}
	return false;
}

static bool has_registers(const struct rows *errors)
{
	for (size_t i = 0; i < errors->n; i++) {
		const struct ce_report *row = rows_at(errors, i);

		if (row->registers[0])
			return true;
	}
	return false;
}

/* Prints the newest rows under a heading, and says if there are older rows. */
static int print_part(const struct ctl *ctl, const char *heading, const struct rows *rows,
		      const struct listing *listing)
{
	size_t lines = ctl->args->lines ? ctl->args->lines : DEFAULT_LINES;
	size_t skipped = rows->n > lines ? rows->n - lines : 0;
	struct rows newest = *rows;

	if (skipped)
		newest.v = rows_at(rows, skipped);
	newest.n -= skipped;
	printf("\n%s%s%s", color_bold(&ctl->ui), heading, color_off(&ctl->ui));
	if (rows->n == 0)
		printf(": none");
	else if (skipped)
		printf(" (the newest %zu of %zu; more with --lines)", newest.n, rows->n);
	putchar('\n');
	return print_rows(&ctl->ui, &newest, listing);
}

static int print_story(const struct ctl *ctl, const struct story *story)
{
	struct listing errors = { .columns = error_columns,
				  .n_columns = ARRAY_SIZE(error_columns) };
	struct listing history = { .columns = action_columns,
				   .n_columns = ARRAY_SIZE(action_columns) };
	char text[OUTPUT_TEXT_MAX];
	int r;

	printf("%sPage %s%s\n", color_bold(&ctl->ui), text_address(story->address, text),
	       color_off(&ctl->ui));
	if (story->pages.n > 0)
		print_page(&ctl->ui, story);
	else
		print_word(&ctl->ui, "State", "not tracked now", NULL);
	if (!has_registers(&story->errors))
		errors.n_columns--;
	if (!has_outcome(&story->history))
		history.n_columns--;
	errors.fields = ce_report_fields(&errors.n_fields);
	history.fields = history_report_fields(&history.n_fields);
	r = print_part(ctl, "Errors", &story->errors, &errors);
	return r ? r : print_part(ctl, "Actions", &story->history, &history);
}

static json_t *story_to_json(const struct story *story)
{
	const struct report_field *page, *ce, *history, *outlook;
	size_t n_page, n_ce, n_history, n_outlook;

	page = page_report_fields(&n_page);
	ce = ce_report_fields(&n_ce);
	history = history_report_fields(&n_history);
	outlook = outlook_report_fields(&n_outlook);
	return json_pack(
		"{s:o, s:o, s:o, s:o}", "page",
		story->pages.n ? report_to_json(rows_at(&story->pages, 0), page, n_page)
			       : json_null(),
		"outlook",
		story->has_outlook ? report_to_json(&story->outlook, outlook, n_outlook)
				   : json_null(),
		"history", rows_to_json(&story->history, history, n_history), "errors",
		rows_to_json(&story->errors, ce, n_ce));
}

static int read_story(struct source *s, const struct report_filter *f,
		      struct story *story)
{
	struct report_filter all = *f;
	int r;

	/* --since limits errors and actions, not the page itself. */
	all.since = INT64_MIN;
	all.limit = 1;
	r = s->ops->pages(s, &all, rows_add, &story->pages);
	if (r >= 0)
		r = s->ops->errors(s, f, rows_add, &story->errors);
	if (r >= 0)
		r = s->ops->history(s, f, rows_add, &story->history);
	if (r >= 0 && s->bus && story->pages.n > 0)
		/* A daemon of another version may not have the method. */
		story->has_outlook = source_explain(s, f->address, &story->outlook) >= 0;
	return r;
}

int verb_show(const struct ctl *ctl)
{
	_cleanup_(story_done) struct story story = {
		.pages = { .size = sizeof(struct page_report) },
		.errors = { .size = sizeof(struct ce_report) },
		.history = { .size = sizeof(struct history_report) },
	};
	_cleanup_(source_free_p) struct source *s = NULL;
	struct report_filter f;

	if (ctl_parse_filter(ctl, &f) < 0 ||
	    ctl_parse_address(ctl->words[0], &f.address) < 0)
		return CTL_USAGE;
	if (ctl_open_source(ctl, &s) < 0)
		return CTL_FAILURE;
	f.has_address = true;
	/* A frame number counts by the pages of the source. */
	(void)args_parse_address(ctl->words[0], s->page_shift, &f.address);
	f.address &= ~((UINT64_C(1) << s->page_shift) - 1);
	story.address = f.address;
	if (read_story(s, &f, &story) < 0)
		return ctl_fail(s);
	if (story.pages.n + story.errors.n + story.history.n == 0) {
		complain("nothing is known of the page at %s", ctl->words[0]);
		return CTL_FAILURE;
	}
	return ctl->ui.json ? print_json(story_to_json(&story))
			    : print_story(ctl, &story);
}
