/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The verdict of the machine: an ordered list of findings. It knows neither the engine nor
 * the database.
 */

#include "track/machine_verdict.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"

#define SHOWN_LABEL_MAX 120 /* bytes of a label in the sentence */

struct judge {
	enum verdict verdict;
	char *why;
};

void machine_facts_add_dimm(struct machine_facts *f, const char *label,
			    enum verdict verdict)
{
	if (verdict == VERDICT_REPLACE && f->replace++ == 0)
		snprintf(f->replace_label, sizeof(f->replace_label), "%s", label);
	if (verdict == VERDICT_REPAIR && f->repair++ == 0)
		snprintf(f->repair_label, sizeof(f->repair_label), "%s", label);
}

void machine_facts_add_pages(struct machine_facts *f, enum page_state state,
			     enum result result, uint64_t n)
{
	switch (state) {
	case PAGE_OFFLINED:
		f->offlined += n;
		break;
	case PAGE_PENDING:
		f->pending += n;
		break;
	case PAGE_FAILED:
		f->failed += n;
		break;
	case PAGE_REFUSED:
		if (result == RESULT_ACCOUNT || result == RESULT_DRY_RUN)
			f->accounted += n;
		else if (result != RESULT_NOT_RAM) /* else no page is in use there */
			f->kept += n;
		break;
	case PAGE_WATCHED:
	case PAGE_STATE_MAX_:
		break;
	}
}

/* A later finding replaces only a weaker verdict, so the most important ones come first. */
_printf_(3, 4) static void judge_raise(struct judge *j, enum verdict verdict,
				       const char *format, ...)
{
	va_list ap;

	if (verdict <= j->verdict)
		return;
	j->verdict = verdict;
	va_start(ap, format);
	vsnprintf(j->why, CLASS_WHY_MAX, format, ap);
	va_end(ap);
}

/*
 * For the machine, a repair at the next boot is one more thing to look at; which DIMM it
 * is stands in the sentence, and why with the DIMM.
 */
static void judge_dimms(struct judge *j, const struct machine_facts *f)
{
	char more[32] = "";

	if (f->replace > 1)
		snprintf(more, sizeof(more), " and %u more", f->replace - 1);
	if (f->replace > 0)
		judge_raise(j, VERDICT_REPLACE, "replace %.*s%s", SHOWN_LABEL_MAX,
			    f->replace_label, more);
	more[0] = '\0';
	if (f->repair > 1)
		snprintf(more, sizeof(more), " and %u more", f->repair - 1);
	if (f->repair > 0)
		judge_raise(j, VERDICT_DEGRADED, "repair %.*s%s by a cold reboot",
			    SHOWN_LABEL_MAX, f->repair_label, more);
}

static void judge_attention(struct judge *j, const struct machine_facts *f)
{
	if (f->hold != RESULT_NONE)
		judge_raise(j, VERDICT_DEGRADED, "%s", result_help(f->hold));
	if (f->total_used_up)
		judge_raise(j, VERDICT_DEGRADED,
			    "the budget of the whole machine is used up");
	if (f->hour_used_up)
		judge_raise(j, VERDICT_DEGRADED,
			    "the hourly budget is used up; pages wait");
	if (f->failed > 0)
		judge_raise(j, VERDICT_DEGRADED,
			    "%llu failing page%s could not be taken out of use; see "
			    "softofflinectl pages",
			    (unsigned long long)f->failed, text_plural(f->failed));
	if (f->kept > 0)
		judge_raise(j, VERDICT_DEGRADED,
			    "%llu failing page%s stay%s in use; see softofflinectl pages",
			    (unsigned long long)f->kept, text_plural(f->kept),
			    f->kept == 1 ? "s" : "");
	if (f->lost)
		judge_raise(j, VERDICT_DEGRADED,
			    "events were lost within a day; counts are lower bounds");
	if (f->gap)
		judge_raise(j, VERDICT_DEGRADED,
			    "another program interrupted the recording within a day; "
			    "counts are lower bounds");
}

static void judge_errors(struct judge *j, const struct machine_facts *f)
{
	unsigned long long n = f->accounted ? f->accounted : f->offlined;

	if (f->pending > 0)
		judge_raise(j, VERDICT_WATCH,
			    "%llu failing page%s wait%s to be taken out of use",
			    (unsigned long long)f->pending, text_plural(f->pending),
			    f->pending == 1 ? "s" : "");
	if (f->accounted > 0)
		judge_raise(j, VERDICT_WATCH,
			    "%llu failing page%s stay%s in use: errors are only counted",
			    n, text_plural(n), n == 1 ? "s" : "");
	if (f->offlined > 0)
		judge_raise(j, VERDICT_WATCH, "%llu failing page%s taken out of use", n,
			    n == 1 ? " was" : "s were");
	if (f->corrected_errors > 0 && f->unattributed >= f->corrected_errors)
		judge_raise(j, VERDICT_WATCH,
			    "corrected errors that name no page, so no page is taken "
			    "out of use");
	if (f->corrected_errors > 0)
		judge_raise(j, VERDICT_WATCH, "corrected errors, below every threshold");
}

enum verdict machine_verdict(const struct machine_facts *f, char ret_why[CLASS_WHY_MAX])
{
	struct judge j = { .verdict = VERDICT_OK, .why = ret_why };

	snprintf(ret_why, CLASS_WHY_MAX, "no corrected errors");
	/* Whether a DIMM is bad counts for more than whether further errors are seen. */
	judge_dimms(&j, f);
	if (sight_cause_state(f->sight) != SIGHT_OK)
		judge_raise(&j, VERDICT_DEGRADED, "%s", sight_cause_help(f->sight));
	judge_attention(&j, f);
	judge_errors(&j, f);
	return j.verdict;
}
