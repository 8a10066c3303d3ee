/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Joins the list of modules with the DIMMs that had errors. A number that nobody counts is
 * "not known" and never 0: a module that no controller reports errors for is not healthy
 * for that. How certain slot and module are goes with them.
 */

#include "tell/report_modules.h"

#include <stdio.h>
#include <string.h>

#include "track/fault_class.h"

static const char *match_word(unsigned int match)
{
	switch ((enum slot_match)match) {
	case SLOT_UNKNOWN:
		return "unknown";
	case SLOT_LIKELY:
		return "likely";
	case SLOT_EXACT:
		return "exact";
	}
	return "unknown";
}

static void fill_module(const struct module_list *l, unsigned int i,
			struct dimm_report *ret)
{
	const struct module_rec *m = &l->v[i];
	int64_t size = module_list_size(l, i);

	snprintf(ret->slot, sizeof(ret->slot), "%s", m->slot);
	snprintf(ret->slot_match, sizeof(ret->slot_match), "%s",
		 match_word(m->slot[0] ? m->slot_match : SLOT_UNKNOWN));
	ret->size_mib = size > 0 ? size : REPORT_NO_NUMBER;
	if (m->identity == SLOT_UNKNOWN)
		return;
	if (m->identity == SLOT_EXACT) {
		snprintf(ret->part, sizeof(ret->part), "%s", m->part);
		snprintf(ret->serial, sizeof(ret->serial), "%s", m->serial);
	} else if (ret->serial[0]) {
		return; /* A guess does not take the place of what was certain once. */
	} else {
		snprintf(ret->likely_part, sizeof(ret->likely_part), "%s", m->part);
		snprintf(ret->likely_serial, sizeof(ret->likely_serial), "%s", m->serial);
	}
	snprintf(ret->identity, sizeof(ret->identity), "%s", match_word(m->identity));
}

void report_add_module(struct module_show *show, const struct dimm_rec *rec,
		       struct dimm_report *ret)
{
	const struct module_rec *m;

	if (!show->list || rec->former || rec->same_as)
		return;
	m = module_list_find(show->list, rec->mc, rec->layer, rec->label);
	/* The number of a controller may be another's in this boot. */
	if (!m || (rec->device[0] && strcmp(rec->device, m->device) != 0))
		return;
	show->shown[m - show->list->v] = true;
	fill_module(show->list, (unsigned int)(m - show->list->v), ret);
}

static void clear_counts(struct dimm_report *r)
{
	r->corrected_errors = r->uncorrected_errors = r->unattributed = REPORT_NO_COUNT;
	r->pages = r->offlined = r->cells = r->rows = r->banks = REPORT_NO_COUNT;
}

static int report_one(const struct module_list *l, unsigned int i, report_fn fn,
		      void *userdata)
{
	const struct module_rec *m = &l->v[i];
	static const struct dimm_rec none = { .layer = { -1, -1, -1 } };
	struct dimm_report r = { .identity = "unknown",
				 .missing = m->missing,
				 .since = REPORT_NO_NUMBER,
				 .last_uncorrected = REPORT_NO_NUMBER,
				 .last_uncorrected_address = REPORT_NO_ADDRESS };
	char why[CLASS_WHY_MAX];

	fill_module(l, i, &r);
	if (m->counted) {
		snprintf(r.label, sizeof(r.label), "%s", m->label);
		(void)report_location(m->mc, m->layer, r.location, sizeof(r.location));
		snprintf(r.verdict, sizeof(r.verdict), "%s",
			 verdict_to_string(fault_verdict(&none, UINT32_MAX, why)));
		snprintf(r.verdict_why, sizeof(r.verdict_why), "%s", why);
	} else {
		clear_counts(&r);
	}
	return fn(userdata, &r);
}

/* A rank of the module was shown, or stands before this one. */
static bool has_been_shown(const struct module_show *show, unsigned int i)
{
	const struct module_list *l = show->list;

	for (unsigned int k = 0; k < l->n; k++)
		if ((show->shown[k] || k < i) &&
		    module_rec_same_module(&l->v[k], &l->v[i]))
			return true;
	return false;
}

int report_rest(const struct module_show *show, report_fn fn, void *userdata)
{
	int r = 0;

	for (unsigned int i = 0; show->list && r == 0 && i < show->list->n; i++)
		if (!show->list->v[i].doubted && !has_been_shown(show, i))
			r = report_one(show->list, i, fn, userdata);
	return r;
}
