/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The table of causes, and the order in which they count. It looks at nothing. */

#include "base/sight.h"

#include <stddef.h>
#include <string.h>

#include "base/cmdline.h"
#include "base/mem.h"

static const struct {
	const char *word;
	enum sight_state state;
	bool up;
	const char *help;
	const char *remedy;
} causes[] = {
#define X(id, word, state, up, help, remedy) { word, SIGHT_##state, up, help, remedy },
	SIGHT_CAUSE_LIST(X)
#undef X
};

static const char *const states[] = {
#define X(id, word) word,
	SIGHT_STATE_LIST(X)
#undef X
};

static enum sight_cause sight_without_source(const struct sight_facts *f)
{
	if (f->container)
		return SIGHT_CAUSE_CONTAINER;
	if (f->confidentiality)
		return SIGHT_CAUSE_LOCKDOWN;
	return f->tracefs ? SIGHT_CAUSE_NO_TRACEPOINT : SIGHT_CAUSE_NO_TRACEFS;
}

/* Nothing else reports, or all that would are the firmware's. */
static bool sight_firmware_is_ignored(const struct sight_facts *f)
{
	if (!f->ghes_disabled && !f->hest_disabled)
		return false;
	return f->controllers == FACT_YES ? f->firmware_only : f->hest;
}

/*
 * What the firmware reports comes by GHES, which no setting of machine checks concerns. The
 * boot parameter is named before the switch, which it sets and which may be put back.
 */
static enum sight_cause sight_setting(const struct sight_facts *f)
{
	if (sight_firmware_is_ignored(f))
		return SIGHT_CAUSE_GHES_DISABLED;
	if (f->edac_report_off && !f->mce_record.on)
		return SIGHT_CAUSE_EDAC_REPORT_OFF;
	if (f->controllers == FACT_YES && f->firmware_only)
		return SIGHT_CAUSE_SEES;
	if (f->mce_off)
		return SIGHT_CAUSE_MCE_OFF;
	if (f->mce_ignore_ce && !f->ignore_ce_off)
		return SIGHT_CAUSE_MCE_IGNORE_CE;
	if (f->ignore_ce)
		return SIGHT_CAUSE_IGNORE_CE;
	if (f->mce_dont_log_ce && !f->dont_log_ce_off)
		return SIGHT_CAUSE_MCE_DONT_LOG_CE;
	if (f->dont_log_ce)
		return SIGHT_CAUSE_DONT_LOG_CE;
	if (f->banks_off)
		return SIGHT_CAUSE_BANKS_OFF;
	return f->not_polled ? SIGHT_CAUSE_NOT_POLLED : SIGHT_CAUSE_SEES;
}

/*
 * Every machine check of the hardware becomes an mce_record. In a virtual machine the
 * hardware is the host's: what it injects becomes one, and that nobody has to do.
 */
static enum sight_cause sight_reporter(const struct sight_facts *f)
{
	if (f->mc_event.on && f->controllers == FACT_YES)
		return SIGHT_CAUSE_SEES;
	if (f->mce_record.on && f->machine_checks && !f->guest)
		return SIGHT_CAUSE_SEES;
	if (f->mc_event.on && f->controllers == FACT_UNKNOWN)
		return SIGHT_CAUSE_UNREAD;
	if (f->guest)
		return SIGHT_CAUSE_GUEST;
	return f->ghes ? SIGHT_CAUSE_FIRMWARE_FIRST : SIGHT_CAUSE_NO_DRIVER;
}

static enum sight_cause sight_collection(const struct sight_facts *f)
{
	switch (f->collector) {
	case SIGHT_COLLECTOR_UNKNOWN:
	case SIGHT_COLLECTOR_ABSENT:
		return SIGHT_CAUSE_SEES;
	case SIGHT_COLLECTOR_PASSIVE:
	case SIGHT_COLLECTOR_ACTS:
		break;
	}
	if (f->spared)
		return SIGHT_CAUSE_SEES;
	if (!f->mce_record.on && !f->firmware_only)
		return SIGHT_CAUSE_COLLECTOR_HIDES;
	return f->collector == SIGHT_COLLECTOR_ACTS ? SIGHT_CAUSE_COLLECTOR_ACTS
						    : SIGHT_CAUSE_SEES;
}

enum sight_cause sight_judge(const struct sight_facts *f)
{
	enum sight_cause cause;

	if (!f->looked)
		return SIGHT_CAUSE_NONE;
	if (!f->tracefs || (!f->mc_event.read && !f->mce_record.read))
		return sight_without_source(f);
	if (!f->mc_event.on && !f->mce_record.on)
		return SIGHT_CAUSE_SWITCHED_OFF;
	cause = sight_setting(f);
	if (cause == SIGHT_CAUSE_SEES)
		cause = sight_reporter(f);
	return cause == SIGHT_CAUSE_SEES ? sight_collection(f) : cause;
}

bool sight_cause_yields(enum sight_cause cause)
{
	return cause == SIGHT_CAUSE_NO_DRIVER || cause == SIGHT_CAUSE_FIRMWARE_FIRST ||
	       cause == SIGHT_CAUSE_GUEST || cause == SIGHT_CAUSE_UNREAD;
}

bool sight_take(struct sight *s, const struct sight_facts *f, usec_t now,
		int64_t last_event)
{
	enum sight_cause found = sight_judge(f);
	enum sight_cause before = s->cause;

	if (found != s->found)
		s->found_at = now;
	s->found = found;
	s->cause = found;
	if (sight_cause_yields(found) && last_event > s->found_at.us &&
	    usec_sub(now, usec(last_event)).us <= SIGHT_PROOF)
		s->cause = SIGHT_CAUSE_SEES;
	return s->cause != before;
}

/*
 * mcheck_enable() of arch/x86/kernel/cpu/mce/core.c takes one word, the whole value, and gets
 * whatever begins with "mce": "mceoff" is "mce=off".
 */
static void sight_read_mce(struct sight_facts *f, const char *word)
{
	f->mce_off |= strcmp(word, "off") == 0;
	f->mce_ignore_ce |= strcmp(word, "ignore_ce") == 0;
	f->mce_dont_log_ce |= strcmp(word, "dont_log_ce") == 0;
	f->mce_no_cmci |= strcmp(word, "no_cmci") == 0;
}

void sight_read_cmdline(struct sight_facts *f, char *text)
{
	struct cmdline_param p;

	while (cmdline_next(&text, &p)) {
		bool known;

		if (strcmp(p.name, "nomce") == 0)
			f->nomce = f->mce_off = true;
		else if (strcmp(p.name, "mce") == 0 && p.value)
			sight_read_mce(f, p.value);
		else if (strncmp(p.name, "mce", 3) == 0 && !p.value)
			sight_read_mce(f, p.name + 3);
		else if (cmdline_is(p.name, "edac_report") && p.value)
			f->edac_report_off = strcmp(p.value, "off") == 0;
		else if (cmdline_is(p.name, "hest_disable"))
			f->hest_disabled = true;
		else if (cmdline_is(p.name, "ghes.disable")) {
			bool value = cmdline_bool(p.value, &known);

			if (known)
				f->ghes_disabled = value;
		}
	}
}

enum sight_state sight_cause_state(enum sight_cause cause)
{
	return (size_t)cause < ARRAY_SIZE(causes) ? causes[cause].state : SIGHT_UNKNOWN;
}

bool sight_cause_up(enum sight_cause cause)
{
	return (size_t)cause < ARRAY_SIZE(causes) && causes[cause].up;
}

const char *sight_cause_to_string(enum sight_cause cause)
{
	return (size_t)cause < ARRAY_SIZE(causes) ? causes[cause].word : "invalid-value";
}

const char *sight_cause_help(enum sight_cause cause)
{
	return (size_t)cause < ARRAY_SIZE(causes) ? causes[cause].help : "";
}

const char *sight_cause_remedy(enum sight_cause cause)
{
	return (size_t)cause < ARRAY_SIZE(causes) ? causes[cause].remedy : "";
}

const char *sight_state_to_string(enum sight_state state)
{
	return (size_t)state < ARRAY_SIZE(states) ? states[state] : "invalid-value";
}
