/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Compares the modules of two starts, and joins ranks to modules. A module is known by
 * its serial number; without one, only the number of modules and an empty slot say
 * something. It does not know where the lists come from.
 */

#include "track/module_list.h"

#include <stdio.h>
#include <string.h>

struct module_rec *module_list_add(struct module_list *l)
{
	struct module_rec *m;

	if (l->n == MODULE_LIST_MAX)
		return NULL;
	m = &l->v[l->n++];
	memset(m, 0, sizeof(*m));
	memset(m->layer, -1, sizeof(m->layer));
	return m;
}

bool module_rec_same_module(const struct module_rec *a, const struct module_rec *b)
{
	return a == b || (a->counted && b->counted && a->rank && b->rank &&
			  a->mc == b->mc && a->slot[0] && a->slot_match == SLOT_EXACT &&
			  b->slot_match == SLOT_EXACT && strcmp(a->slot, b->slot) == 0);
}

int64_t module_list_size(const struct module_list *l, unsigned int i)
{
	int64_t size = 0;

	for (unsigned int k = 0; k < l->n; k++)
		if (module_rec_same_module(&l->v[i], &l->v[k]))
			size += l->v[k].size_mib;
	return size;
}

const struct module_rec *module_list_find(const struct module_list *l, uint8_t mc,
					  const int8_t layer[3], const char *label)
{
	const struct module_rec *by_label = NULL;
	unsigned int n = 0;

	for (unsigned int i = 0; i < l->n; i++) {
		const struct module_rec *m = &l->v[i];

		if (!m->counted || m->missing || m->mc != mc)
			continue;
		if (layer[0] >= 0 && memcmp(m->layer, layer, sizeof(m->layer)) == 0)
			return m;
		if (m->label[0] && strcmp(m->label, label) == 0) {
			by_label = m;
			n++;
		}
	}
	return n == 1 ? by_label : NULL;
}

static bool is_module(const struct module_rec *m)
{
	return m->identity != SLOT_UNKNOWN || !m->counted;
}

static bool is_there(const struct module_rec *m)
{
	return is_module(m) && !m->missing && !m->doubted;
}

static bool same_serial(const struct module_rec *a, const struct module_rec *b)
{
	return a->has_serial && b->has_serial && strcmp(a->serial, b->serial) == 0 &&
	       strcmp(a->part, b->part) == 0;
}

static bool same_slot(const struct module_rec *a, const struct module_rec *b)
{
	return strcmp(a->locator, b->locator) == 0 && strcmp(a->bank, b->bank) == 0;
}

/* The module of @l that is there and for which @same holds; *ret_n: how many rows, where
 * ranks of one module count once. */
static const struct module_rec *module_with(const struct module_list *l,
					    const struct module_rec *m,
					    bool (*same)(const struct module_rec *,
							 const struct module_rec *),
					    unsigned int *ret_n)
{
	const struct module_rec *found = NULL;

	*ret_n = 0;
	for (unsigned int i = 0; i < l->n; i++) {
		const struct module_rec *o = &l->v[i];

		if (!is_there(o) || !same(m, o))
			continue;
		if (!found || !same_slot(found, o) || strcmp(found->serial, o->serial))
			(*ret_n)++;
		found = found ? found : o;
	}
	return found;
}

/* Modules that are there; ranks of one count once. */
static unsigned int count_modules(const struct module_list *l)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < l->n; i++) {
		bool first = is_there(&l->v[i]);

		for (unsigned int k = 0; first && k < i; k++)
			first = !(is_there(&l->v[k]) && same_slot(&l->v[i], &l->v[k]) &&
				  strcmp(l->v[i].serial, l->v[k].serial) == 0);
		n += first;
	}
	return n;
}

/* No serial number of @was is here, and it has some: it was read on another machine. */
static bool is_other_machine(const struct module_list *now, const struct module_list *was)
{
	bool any = false;
	unsigned int n;

	for (unsigned int i = 0; i < was->n; i++) {
		if (!is_module(&was->v[i]) || !was->v[i].has_serial)
			continue;
		any = true;
		if (module_with(now, &was->v[i], same_serial, &n))
			return false;
	}
	return any;
}

struct comparison {
	struct module_list *now;
	const struct module_list *was;
	module_change_fn fn;
	void *userdata;
	unsigned int n_now; /* rows of *now before any was added */
	bool fewer;
	bool unreadable; /* a module without a number is where none was before */
};

/* The new home of a module may be a slot whose module could not be read. */
static bool has_unreadable_newcomer(const struct comparison *c)
{
	unsigned int n;

	for (unsigned int i = 0; i < c->n_now; i++)
		if (is_module(&c->now->v[i]) && !c->now->v[i].has_serial &&
		    !module_with(c->was, &c->now->v[i], same_slot, &n))
			return true;
	return false;
}

/* For the next start: @missing for certain, or in doubt. */
static void keep_row(struct comparison *c, const struct module_rec *was, bool missing)
{
	struct module_rec *m = module_list_add(c->now);

	if (!m)
		return;
	*m = *was;
	m->counted = false; /* its place may be another's now */
	if (m->identity == SLOT_LIKELY) {
		/* What was a guess was the DIMM; the firmware's slot is certain. */
		snprintf(m->slot, sizeof(m->slot), "%s", m->locator);
		m->slot_match = m->identity = SLOT_EXACT;
	}
	m->missing = missing;
	m->doubted = !missing;
}

/* Its slot is empty, or two slots have the name. */
static void compare_gone(struct comparison *c, const struct module_rec *was)
{
	/* Without a number of its own it may be any of those that are there. */
	if (!was->missing && (c->unreadable || (!was->has_serial && !c->fewer))) {
		keep_row(c, was, false);
		return;
	}
	if (!was->missing)
		c->fn(c->userdata, MODULE_GONE, was, NULL);
	keep_row(c, was, true);
}

static void compare_one(struct comparison *c, const struct module_rec *was)
{
	unsigned int n = 0, n_slot = 0;
	const struct module_rec *is = module_with(c->now, was, same_serial, &n);
	const struct module_rec *in_slot = module_with(c->now, was, same_slot, &n_slot);

	if (is) {
		if (!same_slot(is, was))
			c->fn(c->userdata, MODULE_MOVED, was, is);
		return;
	}
	if (n_slot != 1) {
		compare_gone(c, was);
		return;
	}
	if (was->missing || !was->has_serial)
		return;
	if (!in_slot->has_serial) {
		/* The same module, most likely; the next boot may tell. */
		keep_row(c, was, false);
		return;
	}
	if (c->unreadable)
		keep_row(c, was, false);
	else
		c->fn(c->userdata, MODULE_REPLACED, was, in_slot);
}

/* Rows of one module before @i: it was compared already. */
static bool was_compared(const struct module_list *was, unsigned int i)
{
	for (unsigned int k = 0; k < i; k++)
		if (is_module(&was->v[k]) && same_slot(&was->v[k], &was->v[i]) &&
		    strcmp(was->v[k].serial, was->v[i].serial) == 0)
			return true;
	return false;
}

/* Machines without DMI: a DIMM of EDAC that is not there any more, and none is new. */
static void compare_dimms(struct comparison *c)
{
	unsigned int before = 0, now = 0, n;

	for (unsigned int i = 0; i < c->was->n; i++)
		before += c->was->v[i].counted && !c->was->v[i].missing;
	for (unsigned int i = 0; i < c->n_now; i++)
		now += c->now->v[i].counted;
	for (unsigned int i = 0; i < c->was->n; i++) {
		const struct module_rec *was = &c->was->v[i];
		bool there = false;

		for (n = 0; n < c->n_now; n++)
			there |= c->now->v[n].mc == was->mc &&
				 memcmp(c->now->v[n].layer, was->layer,
					sizeof(was->layer)) == 0;
		if (there || (!was->missing && now >= before))
			continue;
		if (!was->missing)
			c->fn(c->userdata, MODULE_GONE, was, NULL);
		keep_row(c, was, true);
	}
}

bool module_list_compare(struct module_list *now, const struct module_list *was,
			 module_change_fn fn, void *userdata)
{
	struct comparison c = { now, was, fn, userdata, now->n, false, false };
	bool had_modules = false;

	for (unsigned int i = 0; i < was->n; i++)
		had_modules |= is_module(&was->v[i]) && was->v[i].locator[0];
	if (!now->dmi_known) {
		if (had_modules || !now->edac_known)
			return false;
		compare_dimms(&c);
		return true;
	}
	if (is_other_machine(now, was))
		return true;
	c.fewer = count_modules(now) < count_modules(was);
	c.unreadable = has_unreadable_newcomer(&c);
	for (unsigned int i = 0; i < was->n; i++)
		if (is_module(&was->v[i]) && !was_compared(was, i))
			compare_one(&c, &was->v[i]);
	return true;
}
