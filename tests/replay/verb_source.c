/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The verb "source" of a story: what is seen of the way that errors come. What a line does
 * not name is as on a server whose driver is loaded. And what else is known of others:
 * which hardware the controllers are, who moves the counter of poisoned pages.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "story.h"

static int yes_or_no(const struct words *w, unsigned int from, const char *key, bool *ret)
{
	const char *value = words_value(w, from, key);

	if (!value)
		return 0;
	*ret = strcmp(value, "yes") == 0;
	return *ret || strcmp(value, "no") == 0 ? 0 : -EINVAL;
}

/* "yes"; "no": the kernel has none, or it is not read; "off": it is switched off. */
static int tracepoint(const struct words *w, unsigned int from, const char *key,
		      struct sight_source *ret)
{
	const char *value = words_value(w, from, key);

	if (!value)
		return 0;
	ret->read = strcmp(value, "no") != 0;
	ret->on = strcmp(value, "yes") == 0;
	return ret->on || !ret->read || strcmp(value, "off") == 0 ? 0 : -EINVAL;
}

static int collector(const struct words *w, unsigned int from, enum sight_collector *ret)
{
	static const char *const words[] = {
		[SIGHT_COLLECTOR_UNKNOWN] = "unknown",
		[SIGHT_COLLECTOR_ABSENT] = "absent",
		[SIGHT_COLLECTOR_PASSIVE] = "passive",
		[SIGHT_COLLECTOR_ACTS] = "acts",
	};
	const char *value = words_value(w, from, "collector");

	for (size_t i = 0; value && i < ARRAY_SIZE(words); i++) {
		if (strcmp(value, words[i]) != 0)
			continue;
		*ret = (enum sight_collector)i;
		return 0;
	}
	return value ? -EINVAL : 0;
}

static int controllers(const struct words *w, unsigned int from, enum fact *ret)
{
	const char *value = words_value(w, from, "controllers");
	bool yes = true;

	if (value && strcmp(value, "unreadable") == 0) {
		*ret = FACT_UNKNOWN;
		return 0;
	}
	if (yes_or_no(w, from, "controllers", &yes) < 0)
		return -EINVAL;
	*ret = yes ? FACT_YES : FACT_NO;
	return 0;
}

int verb_source(struct story *s, const struct words *w, unsigned int from)
{
	struct sight_facts f = { .looked = true,
				 .tracefs = true,
				 .mc_event = { true, true } };
	const char *cmdline = words_value(w, from, "cmdline");
	char text[256];

	if (tracepoint(w, from, "mc_event", &f.mc_event) < 0 ||
	    tracepoint(w, from, "mce_record", &f.mce_record) < 0 ||
	    collector(w, from, &f.collector) < 0 ||
	    controllers(w, from, &f.controllers) < 0 ||
	    yes_or_no(w, from, "tracefs", &f.tracefs) < 0 ||
	    yes_or_no(w, from, "guest", &f.guest) < 0 ||
	    yes_or_no(w, from, "machine_checks", &f.machine_checks) < 0 ||
	    yes_or_no(w, from, "ignore_ce", &f.ignore_ce) < 0 || !story_sim(s)->engine)
		return -EINVAL;
	if (cmdline) {
		snprintf(text, sizeof(text), "%s", cmdline);
		sight_read_cmdline(&f, text);
	}
	(void)sim_step(story_sim(s),
		       (struct input){ .kind = INPUT_SOURCE, .source = &f });
	return 0;
}

/* EDAC knows none of the controllers that events name. */
int verb_no_edac(struct story *s, const struct words *w, unsigned int from)
{
	if (w->n != from || story_sim(s)->engine)
		return -EINVAL;
	story_sim(s)->edac = false;
	return 0;
}

/* The hardware of mc0, mc1 and so on, in words. */
int verb_controllers(struct story *s, const struct words *w, unsigned int from)
{
	struct dimm_controller v[8];
	struct input in = { .kind = INPUT_CONTROLLERS, .controllers.all_known = true };

	if (w->n > from + 1 + ARRAY_SIZE(v))
		return -EINVAL;
	for (unsigned int i = from + 1; i < w->n; i++)
		v[in.controllers.n++] =
			(struct dimm_controller){ .mc = (uint8_t)(i - from - 1),
						  .device = w->v[i] };
	in.controllers.v = v;
	(void)sim_step(story_sim(s), in);
	return 0;
}

/* gap FILE... [ago=SECONDS] [errno=N]: files as trace_change.h has them. */
int verb_gap(struct story *s, const struct words *w, unsigned int from)
{
	struct sim *sim = story_sim(s);
	struct input in = { .kind = INPUT_GAP };
	int64_t now = sim->now - sim->base;
	uint64_t ago = 0, error = 0;

	if (words_number(w, from, "ago", &ago) < 0 ||
	    words_number(w, from, "errno", &error) < 0 || error > 133)
		return -EINVAL;
	if (ago > 0 && now > 0 && ago < (uint64_t)(now / USEC_PER_SEC))
		in.gap.since = usec(now - (int64_t)ago * USEC_PER_SEC);
	in.gap.error = (int)error;
	for (unsigned int i = from + 1; i < w->n; i++) {
		enum trace_change k = 0;

		if (strchr(w->v[i], '='))
			continue;
		while (k < TRACE_CHANGE_MAX_ &&
		       strcmp(w->v[i], trace_change_file(k)) != 0)
			k++;
		if (k == TRACE_CHANGE_MAX_)
			return -EINVAL;
		trace_changes_add(&in.gap.changes, k);
	}
	(void)sim_step(sim, in);
	return 0;
}

/* Who is charged with the next move of the counter that nothing explains. */
int verb_bystander(struct story *s, const struct words *w, unsigned int from)
{
	struct input in = { .kind = INPUT_BYSTANDER };

	if (w->n != from + 2 ||
	    poison_cause_from_string(w->v[from + 1], &in.bystander) < 0)
		return -EINVAL;
	(void)sim_step(story_sim(s), in);
	return 0;
}
