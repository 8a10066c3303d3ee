/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Which DIMMs have samples, and under which name. It writes no text, and changes neither
 * the engine nor the list.
 */

#include "tell/metrics_dimm.h"

#include <stdio.h>
#include <string.h>

static bool metrics_shows_dimm(const struct dimm_rec *d, uint16_t index)
{
	if (d->former || d->same_as)
		return false; /* another DIMM has its labels now */
	return index != DIMM_OTHER || d->corrected_errors > 0 ||
	       d->uncorrected_errors > 0 || d->offlined > 0;
}

/* Its row of the list, by the hardware: the number of a controller may be another's in
 * this boot. */
static const struct module_rec *metrics_module(const struct module_list *l,
					       const struct dimm_rec *d)
{
	const struct module_rec *m =
		l ? module_list_find(l, d->mc, d->layer, d->label) : NULL;

	return m && d->device[0] && strcmp(m->device, d->device) != 0 ? NULL : m;
}

/* What the engine will make of the first error of the DIMM: its series stay the same. */
static struct dimm_rec metrics_fresh_dimm(const struct module_rec *m)
{
	struct dimm_rec d = { .mc = m->mc };

	memcpy(d.layer, m->layer, sizeof(d.layer));
	snprintf(d.label, sizeof(d.label), "%s",
		 m->label[0] ? m->label : "unknown memory");
	return d;
}

static bool metrics_is_same(const struct dimm_view *a, const struct dimm_view *b)
{
	if (a->counted != b->counted)
		return false;
	if (!a->counted)
		return strcmp(a->module->slot, b->module->slot) == 0;
	return a->rec.mc == b->rec.mc && strcmp(a->rec.label, b->rec.label) == 0 &&
	       memcmp(a->rec.layer, b->rec.layer, sizeof(a->rec.layer)) == 0;
}

/* Of two DIMMs with one name the one that is there counts: the other is one of a
 * controller that had this number once. */
static unsigned int metrics_add_view(struct dimm_view *views, unsigned int n,
				     const struct dimm_view *v)
{
	for (unsigned int i = 0; i < n; i++) {
		if (!metrics_is_same(&views[i], v))
			continue;
		if (v->module && !views[i].module)
			views[i] = *v;
		return n;
	}
	views[n] = *v;
	return n + 1;
}

static bool metrics_has_module(const struct dimm_view *views, unsigned int n,
			       const struct module_rec *m)
{
	for (unsigned int i = 0; i < n; i++)
		if (views[i].module == m)
			return true;
	return false;
}

unsigned int metrics_list_dimms(const struct engine *e, const struct module_list *modules,
				struct dimm_view *views)
{
	unsigned int n = 0;

	for (uint16_t i = 0; i < engine_dimms(e); i++) {
		struct dimm_view v = { .rec = *engine_dimm(e, i), .counted = true };

		if (!metrics_shows_dimm(&v.rec, i))
			continue;
		v.module = metrics_module(modules, &v.rec);
		v.verdict = engine_dimm_verdict(e, i, NULL);
		n = metrics_add_view(views, n, &v);
	}
	for (unsigned int i = 0; modules && i < modules->n; i++) {
		const struct module_rec *m = &modules->v[i];
		struct dimm_view v = { .module = m, .counted = m->counted };

		if (m->missing || m->doubted || metrics_has_module(views, n, m))
			continue;
		v.rec = metrics_fresh_dimm(m);
		v.verdict = VERDICT_OK;
		n = metrics_add_view(views, n, &v);
	}
	return n;
}
