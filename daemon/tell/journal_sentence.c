/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What each notice says, for people: one line that names the thing, what happened and, if
 * something is to be done, what. It sends nothing and decides nothing.
 */

#include <stdio.h>
#include <string.h>

#include "tell/journal.h"

#define OUTCOME_MAX 32

static unsigned long long address_of(const struct notice *r,
				     const struct journal_context *c)
{
	return pfn_to_paddr(r->pfn, c->page_shift).addr;
}

/* " (migrated)": the kernel's own word, where it gave one. Returns @buf. */
static const char *outcome_of(const struct notice *r, char *buf, size_t size)
{
	buf[0] = '\0';
	if (r->outcome != SOFT_UNKNOWN)
		snprintf(buf, size, " (%s)", soft_outcome_to_string(r->outcome));
	return buf;
}

static int say_first_ce(char *buf, size_t size, const struct notice *r,
			const struct journal_context *c)
{
	return snprintf(buf, size,
			"First corrected error of page 0x%llx (%s); watching it.",
			address_of(r, c), c->dimm_label);
}

static int say_threshold(char *buf, size_t size, const struct notice *r,
			 const struct journal_context *c)
{
	if (r->reason != REASON_PAGE_THRESHOLD) {
		return snprintf(buf, size, "Page 0x%llx (%s) is to be offlined: %s (%s).",
				address_of(r, c), c->dimm_label,
				reason_to_string(r->reason), reason_help(r->reason));
	}
	return snprintf(
		buf, size,
		"Page 0x%llx (%s) had %u corrected errors within %lld s (threshold %u): it "
		"is to be offlined.",
		address_of(r, c), c->dimm_label, r->in_window,
		(long long)(r->threshold.window.us / USEC_PER_SEC), r->threshold.count);
}

static int say_offlined(char *buf, size_t size, const struct notice *r,
			const struct journal_context *c)
{
	const char *what = "Offlined";
	char outcome[OUTCOME_MAX];

	if (r->result == RESULT_DRY_RUN)
		what = "Dry run: would have offlined";
	if (r->result == RESULT_ALREADY)
		what = "Already poisoned by somebody else:";
	return snprintf(
		buf, size, "%s page 0x%llx (%s), %s%s, after %llu corrected errors (%s).",
		what, address_of(r, c), c->dimm_label, frame_kind_to_string(r->page_type),
		outcome_of(r, outcome, sizeof(outcome)), (unsigned long long)r->count,
		reason_to_string(r->reason));
}

static int say_failed(char *buf, size_t size, const struct notice *r,
		      const struct journal_context *c)
{
	char outcome[OUTCOME_MAX];

	outcome_of(r, outcome, sizeof(outcome));
	return snprintf(buf, size,
			"Page 0x%llx (%s), %s, could not be offlined: %s (%s)%s%s%s%s",
			address_of(r, c), c->dimm_label,
			frame_kind_to_string(r->page_type), result_to_string(r->result),
			result_help(r->result), r->error ? "; the kernel said: " : "",
			r->error ? strerror(r->error) : "", r->error ? outcome : "",
			r->retry_at.us ? "; it will be tried again." : ".");
}

static int say_refused(char *buf, size_t size, const struct notice *r,
		       const struct journal_context *c)
{
	return snprintf(buf, size, "Page 0x%llx (%s) is not offlined: %s (%s).",
			address_of(r, c), c->dimm_label, result_to_string(r->result),
			result_help(r->result));
}

static int say_uncorrected(char *buf, size_t size, const struct notice *r,
			   const struct journal_context *c)
{
	return snprintf(
		buf, size,
		"%llu uncorrected memory error(s) on %s; soft offline cannot help, plan to "
		"replace the DIMM.",
		(unsigned long long)r->count, c->dimm_label);
}

static int say_unattributed(char *buf, size_t size, const struct notice *r,
			    const struct journal_context *c)
{
	return snprintf(buf, size, "Corrected error on %s that names no page: %s (%s).",
			c->dimm_label, result_to_string(r->result),
			result_help(r->result));
}

static int say_lost(char *buf, size_t size, const struct notice *r,
		    const struct journal_context *c)
{
	return snprintf(
		buf, size,
		"%llu events are lost to the counts: overwritten before they were read, or read "
		"by a daemon that was killed before it stored them. Counts are lower bounds.",
		(unsigned long long)r->count);
}

static int say_malformed(char *buf, size_t size, const struct notice *r,
			 const struct journal_context *c)
{
	return snprintf(buf, size,
			"%llu ring-buffer page(s) could not be decoded to their end.",
			(unsigned long long)r->count);
}

/* Nothing was spent of it: "used up" would be wrong. */
static int say_no_budget(char *buf, size_t size, const struct notice *r,
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
			"PagesPerHour or Burst is 0: no page is offlined; failing pages "
			"wait.");
	return snprintf(
		buf, size,
		"The hourly budget is empty after the start: it was spent before, "
		"or no database tells what was spent. Failing pages wait for their "
		"turn.");
}

static int say_budget(char *buf, size_t size, const struct notice *r,
		      const struct journal_context *c)
{
	unsigned long long n = r->count;

	if (n == 0)
		return say_no_budget(buf, size, r, c);
	if (r->result == RESULT_BUDGET_HOUR)
		return snprintf(
			buf, size,
			"The hourly budget is used up after %llu page%s; failing pages wait "
			"for their turn.",
			n, n == 1 ? "" : "s");
	if (r->result == RESULT_BUDGET_DIMM)
		return snprintf(
			buf, size,
			"%s has used up its budget of %llu page%s: replace the DIMM. No more "
			"of its pages are offlined.",
			c->dimm_label, n, n == 1 ? "" : "s");
	return snprintf(
		buf, size,
		"The budget of the whole machine is used up after %llu page%s; no "
		"more are offlined. Look for failing DIMMs.",
		n, n == 1 ? "" : "s");
}

static int say_hold(char *buf, size_t size, const struct notice *r,
		    const struct journal_context *c)
{
	bool because = r->result == RESULT_UNSUPPORTED && c->hold_why;

	return snprintf(buf, size,
			"Nothing is offlined for now: %s (%s)%s%s. Counting goes on; see "
			"softofflinectl check.",
			result_to_string(r->result),
			because ? c->hold_why : result_help(r->result),
			r->error ? "; the kernel said: " : "",
			r->error ? strerror(r->error) : "");
}

static int say_released(char *buf, size_t size, const struct notice *r,
			const struct journal_context *c)
{
	return snprintf(buf, size,
			"The kernel soft-offlines pages again; pages that wait go on.");
}

static int say_poison_moved(char *buf, size_t size, const struct notice *r,
			    const struct journal_context *c)
{
	return snprintf(
		buf, size,
		"The poisoned-page counter moved by %+lld KiB, not by our doing: %s.",
		(long long)r->delta_kib, poison_cause_help(r->cause));
}

static int say_poison_lost(char *buf, size_t size, const struct notice *r,
			   const struct journal_context *c)
{
	return snprintf(
		buf, size,
		"Page 0x%llx (%s) was poisoned and is in use again, as after memory went "
		"offline and online%s.",
		address_of(r, c), c->dimm_label,
		r->reason == REASON_REPLAYED ? "; it is offlined anew" : "");
}

static int say_summary(char *buf, size_t size, const struct notice *r,
		       const struct journal_context *c)
{
	return snprintf(
		buf, size,
		"%llu further messages of the last minute were held back; softofflinectl "
		"pages shows all.",
		(unsigned long long)r->count);
}

static int say_recovered(char *buf, size_t size, const struct notice *r,
			 const struct journal_context *c)
{
	return snprintf(
		buf, size,
		"An attempt on page 0x%llx (%s) was cut off by the daemon's end: %s.",
		address_of(r, c), c->dimm_label,
		r->result == RESULT_OFFLINED
			? "the kernel had done it"
			: "it had not been done and waits for its turn");
}

static int say_replay(char *buf, size_t size, const struct notice *r,
		      const struct journal_context *c)
{
	unsigned long long n = (unsigned long long)r->count;

	if (r->reason == REASON_REPLAYED)
		return snprintf(
			buf, size,
			"%llu %s of earlier boots: offlined again, as the budget allows.",
			n, n == 1 ? "offlined page" : "offlined pages");
	return snprintf(
		buf, size,
		"%llu %s of earlier boots: not offlined again, since %s; what "
		"was counted for them stands.",
		n, n == 1 ? "offlined page" : "offlined pages",
		r->reason == REASON_MEMORY_CHANGED
			? "the memory map or the modules have changed"
			: "it cannot be told whether the memory is still the same");
}

static int say_foreign(char *buf, size_t size, const struct notice *r,
		       const struct journal_context *c)
{
	char outcome[OUTCOME_MAX];

	outcome_of(r, outcome, sizeof(outcome));
	if (r->error == 0)
		return snprintf(
			buf, size,
			"Page 0x%llx (%s), %s%s, was taken out of use, not by us: %s (%s).",
			address_of(r, c), c->dimm_label,
			frame_kind_to_string(r->page_type), outcome,
			reason_to_string(r->reason), reason_help(r->reason));
	return snprintf(buf, size,
			"Page 0x%llx (%s), %s, could not be offlined for somebody else: "
			"%s (%s); the kernel said: %s%s%s.",
			address_of(r, c), c->dimm_label,
			frame_kind_to_string(r->page_type), reason_to_string(r->reason),
			reason_help(r->reason), strerror(r->error), outcome,
			r->retry_at.us ? "; we try again" : "");
}

static int say_fault(char *buf, size_t size, const struct notice *r,
		     const struct journal_context *c)
{
	return snprintf(buf, size, "%s: fault class %s (%s): %s.", c->dimm_label,
			fault_class_to_string(r->fault), fault_class_help(r->fault),
			c->verdict_why);
}

static int say_verdict(char *buf, size_t size, const struct notice *r,
		       const struct journal_context *c)
{
	return snprintf(buf, size, "%s: verdict %s: %s.", c->dimm_label,
			verdict_to_string(r->verdict), c->verdict_why);
}

static int say_module(char *buf, size_t size, const struct notice *r,
		      const struct journal_context *c)
{
	return snprintf(
		buf, size,
		"%s: another module sits in its slot. The old one's history is closed "
		"and kept; the new one starts without.",
		c->dimm_label);
}

int journal_sentence(const struct notice *r, const struct journal_context *c, char *buf,
		     size_t size)
{
	switch (r->kind) {
	case NOTICE_PAGE_FIRST_CE:
		return say_first_ce(buf, size, r, c);
	case NOTICE_PAGE_THRESHOLD:
		return say_threshold(buf, size, r, c);
	case NOTICE_PAGE_OFFLINED:
		return say_offlined(buf, size, r, c);
	case NOTICE_PAGE_FAILED:
		return say_failed(buf, size, r, c);
	case NOTICE_PAGE_REFUSED:
		return say_refused(buf, size, r, c);
	case NOTICE_UNCORRECTED:
		return say_uncorrected(buf, size, r, c);
	case NOTICE_UNATTRIBUTED:
		return say_unattributed(buf, size, r, c);
	case NOTICE_EVENTS_LOST:
		return say_lost(buf, size, r, c);
	case NOTICE_MALFORMED:
		return say_malformed(buf, size, r, c);
	case NOTICE_BUDGET:
		return say_budget(buf, size, r, c);
	case NOTICE_HOLD:
		return say_hold(buf, size, r, c);
	case NOTICE_RELEASED:
		return say_released(buf, size, r, c);
	case NOTICE_POISON_MOVED:
		return say_poison_moved(buf, size, r, c);
	case NOTICE_POISON_LOST:
		return say_poison_lost(buf, size, r, c);
	case NOTICE_SUMMARY:
		return say_summary(buf, size, r, c);
	case NOTICE_REPLAY:
		return say_replay(buf, size, r, c);
	case NOTICE_RECOVERED:
		return say_recovered(buf, size, r, c);
	case NOTICE_FOREIGN:
		return say_foreign(buf, size, r, c);
	case NOTICE_FAULT:
		return say_fault(buf, size, r, c);
	case NOTICE_MODULE:
		return say_module(buf, size, r, c);
	case NOTICE_VERDICT:
		return say_verdict(buf, size, r, c);
	case NOTICE_MAX_:
		break;
	}
	return snprintf(buf, size, "invalid-value");
}
