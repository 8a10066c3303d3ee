/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The sentence of each notice, for people: one line that names the page or the DIMM, what
 * happened, and what to do if something is to be done. It sends nothing, and decides
 * nothing.
 */

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tell/journal.h"
#include "track/records.h"

#define PAGE_TEXT_MAX    (DIMM_LABEL_MAX + 32)
#define OUTCOME_TEXT_MAX 32
#define SPAN_TEXT_MAX    32
#define CAUSE_TEXT_MAX   160
#define CHANGES_TEXT_MAX 512

/* "0x1000 on DIMM_A0", or the label alone. Returns @buf. */
static const char *place_of(const struct notice *r, const struct journal_context *c,
			    char buf[PAGE_TEXT_MAX])
{
	if (r->has_pfn)
		snprintf(buf, PAGE_TEXT_MAX, "0x%llx on %s",
			 (unsigned long long)pfn_to_paddr(r->pfn, c->page_shift).addr,
			 c->dimm_label);
	else
		snprintf(buf, PAGE_TEXT_MAX, "%s", c->dimm_label);
	return buf;
}

/* " (migrated)": the kernel's own word, if it gave one. Returns @buf. */
static const char *outcome_of(const struct notice *r, char buf[OUTCOME_TEXT_MAX])
{
	buf[0] = '\0';
	if (r->outcome != SOFT_UNKNOWN)
		snprintf(buf, OUTCOME_TEXT_MAX, " (%s)",
			 soft_outcome_to_string(r->outcome));
	return buf;
}

static int sentence_page_first_ce(char *buf, size_t size, const struct notice *r,
				  const struct journal_context *c)
{
	char place[PAGE_TEXT_MAX];

	return snprintf(buf, size,
			"First corrected error of page %s; its errors are counted from "
			"now on.",
			place_of(r, c, place));
}

/*
 * "2 corrected errors in 24h reach the threshold 2 / 24h", or what else chose the page.
 * Returns @buf.
 */
static const char *cause_of(const struct notice *r, char buf[CAUSE_TEXT_MAX])
{
	char span[SPAN_TEXT_MAX], threshold[SPAN_TEXT_MAX];

	if (r->reason != REASON_PAGE_THRESHOLD || r->threshold.count == 0)
		snprintf(buf, CAUSE_TEXT_MAX, "%s (%s)", reason_to_string(r->reason),
			 reason_help(r->reason));
	else
		snprintf(buf, CAUSE_TEXT_MAX,
			 "%u corrected error%s in %s reach the threshold %s",
			 r->in_window, text_plural(r->in_window),
			 config_format_span(r->threshold.window, span, sizeof(span)),
			 config_format_threshold(&r->threshold, threshold,
						 sizeof(threshold)));
	return buf;
}

static int sentence_page_threshold(char *buf, size_t size, const struct notice *r,
				   const struct journal_context *c)
{
	char place[PAGE_TEXT_MAX], cause[CAUSE_TEXT_MAX];

	return snprintf(buf, size, "Page %s: %s; it waits to be taken out of use.",
			place_of(r, c, place), cause_of(r, cause));
}

/* ", 2 of them in 24h", where that is why. Returns @buf. */
static const char *window_of(const struct notice *r, char buf[CAUSE_TEXT_MAX])
{
	char span[SPAN_TEXT_MAX];

	buf[0] = '\0';
	if (r->reason == REASON_PAGE_THRESHOLD && r->threshold.count > 0)
		snprintf(buf, CAUSE_TEXT_MAX, ", %u of them in %s", r->in_window,
			 config_format_span(r->threshold.window, span, sizeof(span)));
	return buf;
}

static int sentence_page_offlined(char *buf, size_t size, const struct notice *r,
				  const struct journal_context *c)
{
	char place[PAGE_TEXT_MAX], outcome[OUTCOME_TEXT_MAX], window[CAUSE_TEXT_MAX];
	unsigned long long n = r->count;

	place_of(r, c, place);
	if (r->result == RESULT_ALREADY)
		return snprintf(
			buf, size,
			"Page %s was taken out of use before by somebody else; it "
			"had %llu corrected error%s (%s).",
			place, n, text_plural(n), reason_to_string(r->reason));
	return snprintf(
		buf, size,
		"%s page %s, %s%s, out of use after %llu corrected error%s%s (%s)%s",
		r->result == RESULT_DRY_RUN ? "Dry run: would have taken" : "Took", place,
		frame_kind_to_string(r->page_type), outcome_of(r, outcome), n,
		text_plural(n), window_of(r, window), reason_to_string(r->reason),
		r->result == RESULT_DRY_RUN ? "." : "; no data was lost.");
}

static int sentence_page_failed(char *buf, size_t size, const struct notice *r,
				const struct journal_context *c)
{
	char place[PAGE_TEXT_MAX], outcome[OUTCOME_TEXT_MAX];
	const char *next = r->retry_at.us ? "; it will be tried again."
			   : r->result == RESULT_INVALID
				   ? "; it is not tried again."
				   : "; it is tried again at its next error.";

	return snprintf(
		buf, size, "Page %s, %s, could not be taken out of use: %s (%s)%s%s%s%s",
		place_of(r, c, place), frame_kind_to_string(r->page_type),
		result_to_string(r->result), result_help(r->result),
		r->error ? "; the kernel said: " : "", r->error ? strerror(r->error) : "",
		r->error ? outcome_of(r, outcome) : "", next);
}

static int sentence_page_refused(char *buf, size_t size, const struct notice *r,
				 const struct journal_context *c)
{
	bool for_good =
		r->result == RESULT_BUDGET_DIMM || r->result == RESULT_BUDGET_TOTAL;
	char place[PAGE_TEXT_MAX], cause[CAUSE_TEXT_MAX], held_by[WIDE_LIMIT_TEXT_MAX];
	char again[64] = " It is looked at again at its next error.";

	if (r->held_by == WIDE_LIMIT_THRESHOLD && r->held_limit > 0)
		snprintf(again, sizeof(again), " It is looked at again at %u errors.",
			 r->held_limit);
	else if (for_good || r->held_by == WIDE_LIMIT_THRESHOLD)
		again[0] = '\0';
	/* No page is in use at an address that is no memory. */
	return snprintf(buf, size, "Page %s: %s; %s: %s (%s%s%s).%s",
			place_of(r, c, place), cause_of(r, cause),
			r->result == RESULT_NOT_RAM ? "nothing is taken out of use"
						    : "it stays in use",
			result_to_string(r->result), result_help(r->result),
			r->held_by == WIDE_LIMIT_NONE ? "" : "; ",
			wide_limit_text(r->held_by, r->held_limit, held_by), again);
}

static int sentence_uncorrected(char *buf, size_t size, const struct notice *r,
				const struct journal_context *c)
{
	char place[PAGE_TEXT_MAX];
	unsigned long long n = r->count;

	return snprintf(buf, size,
			"%llu uncorrected memory error%s %s %s: data there was lost. The "
			"kernel log shows what it did about it.",
			n, text_plural(n), r->has_pfn ? "in page" : "on",
			place_of(r, c, place));
}

static int sentence_unattributed(char *buf, size_t size, const struct notice *r,
				 const struct journal_context *c)
{
	return snprintf(buf, size,
			"A corrected error on %s cannot be charged to a page: %s (%s).",
			c->dimm_label, result_to_string(r->result),
			result_help(r->result));
}

static int sentence_events_lost(char *buf, size_t size, const struct notice *r,
				const struct journal_context *c)
{
	unsigned long long n = r->count;

	return snprintf(
		buf, size,
		"Lost %llu memory error event%s, overwritten before they were "
		"read, or read by another program, or by a daemon that was killed "
		"before it stored them; "
		"all counts are lower bounds.",
		n, text_plural(n));
}

static int sentence_malformed(char *buf, size_t size, const struct notice *r,
			      const struct journal_context *c)
{
	unsigned long long n = r->count;

	return snprintf(buf, size,
			"%llu page%s of the kernel's ring buffer could not be decoded to "
			"the end.",
			n, text_plural(n));
}

/* Nothing of the budget was spent: "used up" would be wrong. */
static int sentence_no_budget(char *buf, size_t size, const struct notice *r,
			      const struct journal_context *c)
{
	if (r->result == RESULT_BUDGET_DIMM)
		return snprintf(buf, size,
				"PagesPerDimm is 0: no page of %s is offlined.",
				c->dimm_label);
	if (r->result != RESULT_BUDGET_HOUR)
		return snprintf(buf, size,
				"The budget Total is 0 pages: no page is offlined.");
	if (r->retry_at.us == USEC_NEVER)
		return snprintf(
			buf, size,
			"PagesPerHour or Burst is 0: no page is offlined; failing "
			"pages wait.");
	return snprintf(
		buf, size,
		"The hourly budget is empty after the start: it was spent before, "
		"or no database says what was spent. Failing pages wait for their "
		"turn.");
}

static int sentence_budget(char *buf, size_t size, const struct notice *r,
			   const struct journal_context *c)
{
	unsigned long long n = r->count;

	if (n == 0)
		return sentence_no_budget(buf, size, r, c);
	if (r->result == RESULT_BUDGET_HOUR)
		return snprintf(buf, size,
				"The hourly budget is used up after %llu page%s; failing "
				"pages wait for their turn.",
				n, text_plural(n));
	if (r->result == RESULT_BUDGET_DIMM)
		return snprintf(
			buf, size,
			"%s has used up its budget of %llu page%s: replace the DIMM. "
			"No more of its pages are offlined.",
			c->dimm_label, n, text_plural(n));
	return snprintf(
		buf, size,
		"The budget of the whole machine is used up after %llu page%s; no "
		"more are offlined. Look for failing DIMMs.",
		n, text_plural(n));
}

static int sentence_hold(char *buf, size_t size, const struct notice *r,
			 const struct journal_context *c)
{
	bool because = r->result == RESULT_UNSUPPORTED && c->hold_why;

	return snprintf(
		buf, size,
		"Nothing is offlined for now: %s (%s)%s%s. Counting continues; see "
		"softofflinectl check.",
		result_to_string(r->result),
		because ? c->hold_why : result_help(r->result),
		r->error ? "; the kernel said: " : "",
		r->error ? strerror(r->error) : "");
}

static int sentence_released(char *buf, size_t size, const struct notice *r,
			     const struct journal_context *c)
{
	return snprintf(buf, size,
			"The kernel soft-offlines pages again; waiting pages get their "
			"turn.");
}

static int sentence_poison_moved(char *buf, size_t size, const struct notice *r,
				 const struct journal_context *c)
{
	return snprintf(
		buf, size,
		"The poisoned-page counter moved by %+lld KiB, and softofflined did "
		"not cause it: %s.",
		(long long)r->delta_kib, poison_cause_help(r->cause));
}

static int sentence_poison_lost(char *buf, size_t size, const struct notice *r,
				const struct journal_context *c)
{
	char place[PAGE_TEXT_MAX];

	return snprintf(buf, size,
			"Page %s was poisoned and is in use again, as after memory went "
			"offline and online%s.",
			place_of(r, c, place),
			r->reason == REASON_REPLAYED ? "; it is offlined again" : "");
}

static int sentence_summary(char *buf, size_t size, const struct notice *r,
			    const struct journal_context *c)
{
	unsigned long long n = r->count;

	return snprintf(buf, size,
			"%llu more message%s of the last minute %s not shown; see "
			"softofflinectl pages and softofflinectl history.",
			n, text_plural(n), n == 1 ? "is" : "are");
}

static int sentence_recovered(char *buf, size_t size, const struct notice *r,
			      const struct journal_context *c)
{
	char place[PAGE_TEXT_MAX];

	return snprintf(buf, size, "The daemon ended during an attempt on page %s: %s.",
			place_of(r, c, place),
			r->result == RESULT_OFFLINED
				? "the kernel has taken the page out of use"
				: "the kernel has not taken the page out of use, and it "
				  "waits for its turn");
}

static int sentence_replay(char *buf, size_t size, const struct notice *r,
			   const struct journal_context *c)
{
	unsigned long long n = r->count;

	if (r->reason == REASON_REPLAYED)
		return snprintf(
			buf, size,
			"%llu page%s that an earlier boot offlined: offlined again, "
			"as the budget allows.",
			n, text_plural(n));
	return snprintf(buf, size,
			"%llu page%s that an earlier boot offlined: not offlined again, "
			"because %s; the counts of the pages stay.",
			n, text_plural(n),
			r->reason == REASON_MEMORY_CHANGED
				? "the memory map or the modules have changed"
				: "it is not known whether the memory is the same");
}

static int sentence_foreign(char *buf, size_t size, const struct notice *r,
			    const struct journal_context *c)
{
	char place[PAGE_TEXT_MAX], outcome[OUTCOME_TEXT_MAX];

	place_of(r, c, place);
	outcome_of(r, outcome);
	if (r->error == 0)
		return snprintf(buf, size,
				"Page %s, %s%s, was taken out of use, but not by "
				"softofflined: %s (%s).",
				place, frame_kind_to_string(r->page_type), outcome,
				reason_to_string(r->reason), reason_help(r->reason));
	return snprintf(
		buf, size,
		"Page %s, %s, could not be taken out of use for somebody else: %s "
		"(%s); the kernel said: %s%s%s.",
		place, frame_kind_to_string(r->page_type), reason_to_string(r->reason),
		reason_help(r->reason), strerror(r->error), outcome,
		r->retry_at.us ? "; softofflined tries again" : "");
}

static int sentence_fault(char *buf, size_t size, const struct notice *r,
			  const struct journal_context *c)
{
	return snprintf(buf, size, "%s: fault class %s (%s): %s.", c->dimm_label,
			fault_class_to_string(r->fault), fault_class_help(r->fault),
			c->verdict_why);
}

static int sentence_verdict(char *buf, size_t size, const struct notice *r,
			    const struct journal_context *c)
{
	return snprintf(buf, size, "%s: verdict %s: %s.", c->dimm_label,
			verdict_to_string(r->verdict), c->verdict_why);
}

static int sentence_module(char *buf, size_t size, const struct notice *r,
			   const struct journal_context *c)
{
	return snprintf(
		buf, size,
		"%s: another module sits in its slot. The history of the old module "
		"is closed and kept; the new module starts without one.",
		c->dimm_label);
}

/* "a filter was set (filter), CPUs were left out (tracing_cpumask)". Returns @buf. */
static const char *changes_of(const struct notice *r, char buf[CHANGES_TEXT_MAX])
{
	size_t n = 0;

	buf[0] = '\0';
	for (enum trace_change k = 0; k < TRACE_CHANGE_MAX_ && n < CHANGES_TEXT_MAX; k++)
		if (trace_changes_has(r->changes, k))
			n += (size_t)snprintf(buf + n, CHANGES_TEXT_MAX - n, "%s%s (%s)",
					      n > 0 ? ", " : "", trace_change_phrase(k),
					      trace_change_file(k));
	return buf;
}

/* To the unit in which it is shown: what may be missing is not made less. */
static int64_t rounded_up(int64_t span)
{
	int64_t unit = span < 2 * USEC_PER_MINUTE ? USEC_PER_SEC
		       : span < 2 * USEC_PER_HOUR ? USEC_PER_MINUTE
		       : span < 2 * USEC_PER_DAY  ? USEC_PER_HOUR
						  : USEC_PER_DAY;

	return (span / unit + 1) * unit;
}

static int sentence_trace_changed(char *buf, size_t size, const struct notice *r,
				  const struct journal_context *c)
{
	char what[CHANGES_TEXT_MAX], span[SPAN_TEXT_MAX], since[64] = "";

	changes_of(r, what);
	if (r->span.us > 0)
		snprintf(since, sizeof(since), " of the last %s",
			 text_duration(rounded_up(r->span.us), span, sizeof(span)));
	if (r->error)
		return snprintf(
			buf, size,
			"Another program changed the trace instance: %s. That cannot "
			"be undone: %s. Memory errors may not be seen.",
			what, strerror(r->error));
	if (r->count == 0)
		return snprintf(buf, size,
				"Another program changed the trace instance: %s. That is "
				"undone, and no error was missed.",
				what);
	return snprintf(
		buf, size,
		"Another program changed the trace instance: %s. That is undone. "
		"Memory errors%s may be missing, and how many cannot be known; all "
		"counts are lower bounds.",
		what, since);
}

static int sentence_blind(char *buf, size_t size, const struct notice *r,
			  const struct journal_context *c)
{
	return snprintf(buf, size, "%s (%s): %s; %s.",
			sight_cause_up(r->sight)
				? "Memory errors are not left to us"
				: "No memory error can be seen, and none is counted",
			sight_state_to_string(sight_cause_state(r->sight)),
			sight_cause_help(r->sight), sight_cause_remedy(r->sight));
}

static int sentence_sees(char *buf, size_t size, const struct notice *r,
			 const struct journal_context *c)
{
	return snprintf(buf, size, "Memory errors can be seen again. Until now: %s.%s",
			sight_cause_help(r->sight),
			sight_cause_up(r->sight)
				? ""
				: " Errors of that time are not in the counts.");
}

int journal_sentence(const struct notice *r, const struct journal_context *c, char *buf,
		     size_t size)
{
	switch (r->kind) {
	case NOTICE_PAGE_FIRST_CE:
		return sentence_page_first_ce(buf, size, r, c);
	case NOTICE_PAGE_THRESHOLD:
		return sentence_page_threshold(buf, size, r, c);
	case NOTICE_PAGE_OFFLINED:
		return sentence_page_offlined(buf, size, r, c);
	case NOTICE_PAGE_FAILED:
		return sentence_page_failed(buf, size, r, c);
	case NOTICE_PAGE_REFUSED:
		return sentence_page_refused(buf, size, r, c);
	case NOTICE_UNCORRECTED:
		return sentence_uncorrected(buf, size, r, c);
	case NOTICE_UNATTRIBUTED:
		return sentence_unattributed(buf, size, r, c);
	case NOTICE_EVENTS_LOST:
		return sentence_events_lost(buf, size, r, c);
	case NOTICE_MALFORMED:
		return sentence_malformed(buf, size, r, c);
	case NOTICE_TRACE_CHANGED:
		return sentence_trace_changed(buf, size, r, c);
	case NOTICE_BUDGET:
		return sentence_budget(buf, size, r, c);
	case NOTICE_HOLD:
		return sentence_hold(buf, size, r, c);
	case NOTICE_RELEASED:
		return sentence_released(buf, size, r, c);
	case NOTICE_POISON_MOVED:
		return sentence_poison_moved(buf, size, r, c);
	case NOTICE_POISON_LOST:
		return sentence_poison_lost(buf, size, r, c);
	case NOTICE_SUMMARY:
		return sentence_summary(buf, size, r, c);
	case NOTICE_REPLAY:
		return sentence_replay(buf, size, r, c);
	case NOTICE_RECOVERED:
		return sentence_recovered(buf, size, r, c);
	case NOTICE_FOREIGN:
		return sentence_foreign(buf, size, r, c);
	case NOTICE_FAULT:
		return sentence_fault(buf, size, r, c);
	case NOTICE_BLIND:
		return sentence_blind(buf, size, r, c);
	case NOTICE_SEES:
		return sentence_sees(buf, size, r, c);
	case NOTICE_MODULE:
		return sentence_module(buf, size, r, c);
	case NOTICE_VERDICT:
		return sentence_verdict(buf, size, r, c);
	case NOTICE_MAX_:
		break;
	}
	return snprintf(buf, size, "invalid-value");
}
