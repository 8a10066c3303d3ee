/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Reads DIMMs and modules of a database, and finds the ranks that belong together. What a
 * verdict is, is not known here.
 */

#include "stored_dimms.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "track/dimm_sum.h"

void stored_dimms_done(struct stored_dimms *s)
{
	free(s->rec);
	free(s->index);
	free(s->first);
	free(s->modules);
}

static int stored_take(void *userdata, uint16_t index, const struct dimm_rec *rec)
{
	struct stored_dimms *s = userdata;

	if (rec->same_as || s->n == MAX_DIMMS)
		return 0;
	s->index[s->n] = index;
	s->first[s->n] = (uint16_t)s->n;
	s->rec[s->n++] = *rec;
	return 0;
}

/* What the list has of the DIMM's slot; NULL: nothing, or it is of another controller. */
static const struct module_rec *stored_module(const struct stored_dimms *s,
					      const struct dimm_rec *rec)
{
	const struct module_rec *m = NULL;

	if (s->has_modules)
		m = module_list_find(s->modules, rec->mc, rec->layer, rec->label);
	if (m && rec->device[0] && strcmp(rec->device, m->device) != 0)
		return NULL;
	return m;
}

static struct dimm_place stored_place(const struct stored_dimms *s, unsigned int i)
{
	const struct module_rec *m = stored_module(s, &s->rec[i]);

	return (struct dimm_place){
		.rec = &s->rec[i],
		.slot = m && m->slot_match == SLOT_EXACT ? m->slot : "",
		.whole = m && !m->rank,
	};
}

/* A former DIMM, and the record of all those that have none, are no part of a module. */
static bool stored_alone(const struct stored_dimms *s, unsigned int i)
{
	return s->rec[i].former || s->index[i] == DIMM_OTHER;
}

static void stored_join(struct stored_dimms *s, unsigned int i)
{
	struct dimm_place a = stored_place(s, i);

	for (unsigned int k = 0; k < i; k++) {
		struct dimm_place b = stored_place(s, k);

		if (!stored_alone(s, k) && dimm_place_same_module(&a, &b)) {
			s->first[i] = s->first[k];
			return;
		}
	}
}

int stored_dimms_read(struct db *db, struct stored_dimms *ret)
{
	struct stored_dimms *s = ret;
	int r;

	*s = (struct stored_dimms){
		.rec = calloc(MAX_DIMMS, sizeof(*s->rec)),
		.index = calloc(MAX_DIMMS, sizeof(*s->index)),
		.first = calloc(MAX_DIMMS, sizeof(*s->first)),
		.modules = calloc(1, sizeof(*s->modules)),
	};
	if (!s->rec || !s->index || !s->first || !s->modules)
		return -ENOMEM;
	s->has_modules = db_get_inventory(db, s->modules) == 0;
	r = db_each_dimm(db, stored_take, s);
	for (unsigned int i = 0; r == 0 && i < s->n; i++)
		if (!stored_alone(s, i))
			stored_join(s, i);
	return r;
}

enum verdict stored_dimms_verdict(const struct stored_dimms *s, unsigned int i,
				  uint32_t pages_per_dimm, char ret_why[CLASS_WHY_MAX])
{
	struct dimm_rec module = s->rec[i];
	unsigned int ranks = 1;

	for (unsigned int k = 0; k < s->n; k++) {
		if (k == i || s->first[k] != s->first[i])
			continue;
		dimm_rec_add_rank(&module, &s->rec[k]);
		ranks++;
	}
	return ranks > 1 ? dimm_module_verdict(&module, pages_per_dimm, ret_why)
			 : fault_verdict(&module, pages_per_dimm, ret_why);
}
