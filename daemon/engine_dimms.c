/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The table of DIMMs that events have named: controller, layers and label make one.
 * Bounded; what comes after the last place is charged to one common record. It knows no
 * hardware beyond what the events say.
 */

#include <string.h>

#include "engine_internal.h"

#define NO_LABEL "unknown memory" /* the EDAC core's own words for it */

static uint32_t hash_dimm(const struct dimm_rec *d)
{
	uint32_t h = 2166136261U;

	for (const char *s = d->label; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619U;
	h = (h ^ d->mc) * 16777619U;
	for (int i = 0; i < 3; i++)
		h = (h ^ (unsigned char)d->layer[i]) * 16777619U;
	return h;
}

static bool same_dimm(const struct dimm_rec *a, const struct dimm_rec *b)
{
	return a->mc == b->mc && memcmp(a->layer, b->layer, sizeof(a->layer)) == 0 &&
	       strcmp(a->label, b->label) == 0;
}

/* Labels go to the bus, to JSON and into metrics: only printable ASCII gets past here. */
static void copy_label(char *to, const struct ce_text *label)
{
	uint32_t n = label->len < DIMM_LABEL_MAX - 1 ? label->len : DIMM_LABEL_MAX - 1;

	for (uint32_t i = 0; i < n; i++) {
		char c = label->s[i];

		to[i] = c >= ' ' && c <= '~' ? c : '?';
	}
	to[n] = '\0';
	if (n == 0)
		memcpy(to, NO_LABEL, sizeof(NO_LABEL));
}

static uint32_t find_place(const struct engine *e, const struct dimm_rec *d)
{
	uint32_t at = hash_dimm(d) % DIMM_INDEX_SLOTS;

	while (e->dimm_index[at] && !same_dimm(&e->dimms[e->dimm_index[at] - 1], d))
		at = (at + 1) % DIMM_INDEX_SLOTS;
	return at;
}

void engine_index_dimm(struct engine *e, uint16_t index)
{
	uint32_t at = find_place(e, &e->dimms[index]);

	e->dimm_index[at] = (uint16_t)(index + 1);
	e->rules[index] = config_rule_for(&e->cfg, e->dimms[index].label);
}

uint16_t engine_intern_dimm(struct engine *e, const struct ce_event *ev)
{
	struct dimm_rec d = { .mc = ev->mc };
	uint16_t index;
	uint32_t at;

	memcpy(d.layer, ev->layer, sizeof(d.layer));
	copy_label(d.label, &ev->label);
	at = find_place(e, &d);
	if (e->dimm_index[at])
		return (uint16_t)(e->dimm_index[at] - 1);
	if (e->n_dimms == MAX_DIMMS)
		return DIMM_OTHER;
	index = (uint16_t)e->n_dimms++;
	d.first_seen = ev->time.us;
	d.last_seen = ev->time.us;
	e->dimms[index] = d;
	engine_index_dimm(e, index);
	engine_touch_dimm(e, index);
	return index;
}

void engine_touch_dimm(struct engine *e, uint16_t index)
{
	if (!e->dimm_dirty[index]) {
		e->dimm_dirty[index] = true;
		e->dirty_dimms++;
	}
}

void engine_store_dimm(struct engine *e, struct effects *out, uint16_t index)
{
	struct effect *f;

	if (!e->dimm_dirty[index])
		return;
	f = engine_emit(out, EFFECT_STORE_DIMM);
	f->dimm.rec = &e->dimms[index];
	f->dimm.index = index;
	e->dimm_dirty[index] = false;
	e->dirty_dimms--;
}

bool engine_store_dimms(struct engine *e, struct effects *out)
{
	for (unsigned int i = 0; i < e->n_dimms && e->dirty_dimms > 0; i++) {
		if (out->n == MAX_EFFECTS)
			return false;
		engine_store_dimm(e, out, (uint16_t)i);
	}
	return true;
}

void engine_resolve_rules(struct engine *e)
{
	for (unsigned int i = 0; i < e->n_dimms; i++)
		e->rules[i] = config_rule_for(&e->cfg, e->dimms[i].label);
	memset(e->dimm_budget_told, 0, sizeof(e->dimm_budget_told));
}

uint32_t engine_offlined_by_us(const struct engine *e)
{
	uint32_t n = 0;

	for (unsigned int i = 0; i < e->n_dimms; i++)
		n += e->dimms[i].offlined;
	return n;
}
