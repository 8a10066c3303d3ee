/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Which module sits in the slot of a DIMM, by EDAC and DMI, for the engine and for
 * requests. The engine gets only what is certain: a slot that the label names and no
 * other slot has, and a serial number that can be one. What follows from another module
 * is not known here.
 */

#include <string.h>

#include "base/mem.h"
#include "loop/daemon_internal.h"
#include "tell/journal.h"
#include "topology/topology.h"

#define TOPOLOGY_AGE (10 * USEC_PER_SEC)
#define THERE_AGE    (10 * USEC_PER_MINUTE)

struct modules {
	struct topology *topology; /* as it was at @read_at, for requests */
	usec_t read_at;
	unsigned int identified;    /* DIMMs whose module was looked for */
	bool unread;                /* not all could be read, and the journal says so */
	int64_t controllers;        /* topology_controllers_print() when it was looked */
	struct slot_labels *labels; /* NULL: to be read */
	struct module_list *absent; /* rows of modules that are not there */
	struct module_list *there;  /* as they were at @there_at, for the metrics */
	usec_t there_at;            /* 0: to be read again */
};

DEFINE_CLEANUP(struct topology *, topology_free)

/* NULL: no memory. */
static struct modules *modules_of(struct daemon *d)
{
	if (!d->modules)
		d->modules = calloc(1, sizeof(*d->modules));
	return d->modules;
}

/* Returns 0 and *ret; -ENOMEM. */
static int look(struct modules *m, struct topology **ret)
{
	int r = m->labels ? 0 : slot_labels_read(&m->labels, "");

	return r < 0 ? r : topology_read_with(ret, "", m->labels);
}

static void forget_labels(struct modules *m)
{
	m->labels = slot_labels_free(m->labels);
	m->topology = topology_free(m->topology);
	m->there_at = usec(0);
}

void daemon_labels_again(struct daemon *d)
{
	if (d->modules)
		forget_labels(d->modules);
	daemon_identify_again(d);
}

/* A controller without hardware to be known by is said, too: its number stands in. */
void daemon_give_controllers(struct daemon *d, const struct topology *t)
{
	struct dimm_controller v[TOPOLOGY_MAX_MCS];
	struct input in = { .kind = INPUT_CONTROLLERS };

	for (unsigned int i = 0; i < t->n_mcs; i++)
		if (t->mcs[i].index <= UINT8_MAX)
			v[in.controllers.n++] = (struct dimm_controller){
				.mc = (uint8_t)t->mcs[i].index,
				.device = t->mcs[i].device,
			};
	in.controllers.v = v;
	daemon_step(d, in);
}

/* What EDAC and the board call the slot. */
static void give_slot(struct daemon *d, const struct topology *t, uint16_t index)
{
	const struct dimm_rec *rec = engine_dimm(d->engine, index);
	const struct edac_dimm *dimm = topology_find_dimm(t, rec);
	struct input in = { .kind = INPUT_SLOT };

	if (!dimm)
		return;
	in.slot.index = index;
	in.slot.whole = dimm->layout == EDAC_DIMM;
	in.slot.name = dimm->slot_match == SLOT_EXACT ? dimm->slot_name : "";
	daemon_step(d, in);
}

static void give_module(struct daemon *d, const struct topology *t, uint16_t index)
{
	const struct dimm_rec *rec = engine_dimm(d->engine, index);
	const struct edac_dimm *dimm = topology_find_dimm(t, rec);
	struct input in = { .kind = INPUT_MODULE };

	if (!dimm || dimm->module == TOPOLOGY_NO_MODULE || dimm->match != SLOT_EXACT)
		return;
	in.module.index = index;
	in.module.part = t->modules[dimm->module].part;
	in.module.serial = t->modules[dimm->module].serial;
	if (topology_serial_is_real(t, dimm->module))
		daemon_step(d, in);
}

/* Whether a driver has come or gone since the last call; not at the first. */
static bool controllers_changed(struct modules *m)
{
	int64_t was = m->controllers;

	m->controllers = topology_controllers_print("");
	return was != 0 && was != m->controllers;
}

void daemon_identify(struct daemon *d)
{
	struct modules *m = modules_of(d);
	unsigned int n = engine_dimms(d->engine);
	struct topology *t = NULL;
	bool compare = false;

	if (m && controllers_changed(m)) {
		forget_labels(m);
		m->identified = 0;
		compare = true;
	}
	if (!m || n == m->identified || look(m, &t) < 0)
		return;
	if (t->unread < 0 && !m->unread)
		journal_log(LOG_WARNING, t->unread,
			    "EDAC or DMI: not all could be read; which modules the DIMMs "
			    "are stays as it is known");
	m->unread = t->unread < 0;
	if (!m->unread) { /* else it is tried again by the minute */
		m->identified = n;
		daemon_give_controllers(d, t);
		for (unsigned int i = DIMM_OTHER + 1; i < n; i++) {
			give_slot(d, t, (uint16_t)i);
			give_module(d, t, (uint16_t)i);
		}
	}
	topology_free(t);
	if (compare)
		daemon_compare_modules(d);
}

void daemon_identify_again(struct daemon *d)
{
	if (d->modules)
		d->modules->identified = 0;
}

const struct topology *daemon_topology(struct daemon *d)
{
	struct modules *m = modules_of(d);
	usec_t now = clock_boot();

	if (!m)
		return NULL;
	/* Reading it takes a while, and anybody may ask. */
	if (!m->topology || usec_sub(now, m->read_at).us > TOPOLOGY_AGE) {
		m->topology = topology_free(m->topology);
		(void)look(m, &m->topology);
		m->read_at = now;
	}
	return m->topology;
}

const char *daemon_slot(struct daemon *d, uint16_t index)
{
	struct modules *m = modules_of(d);
	const char *slot = engine_dimm_slot(d->engine, index);
	const struct edac_dimm *dimm = NULL;
	const struct topology *t;

	if (slot[0] || !m || index < m->identified)
		return slot;
	t = daemon_topology(d);
	if (t)
		dimm = topology_find_dimm(t, engine_dimm(d->engine, index));
	return dimm && dimm->slot_match == SLOT_EXACT ? dimm->slot_name : "";
}

static void add_rows(struct module_list *to, const struct module_list *from)
{
	for (unsigned int i = 0; from && i < from->n; i++) {
		struct module_rec *m = module_list_add(to);

		if (m)
			*m = from->v[i];
	}
}

bool daemon_module_list(struct daemon *d, struct module_list **ret)
{
	const struct topology *t = daemon_topology(d);
	struct module_list *l = t ? calloc(1, sizeof(*l)) : NULL;

	if (!l)
		return false;
	topology_list(t, d->modules->read_at, l);
	add_rows(l, d->modules->absent);
	*ret = l;
	return true;
}

/* What is on the module and where it was, as an operator with the case open needs it. */
static void say_change(void *userdata, enum module_change change,
		       const struct module_rec *was, const struct module_rec *is)
{
	char what[256];
	const char *slot = was->slot[0]      ? was->slot
			   : was->locator[0] ? was->locator
					     : was->label;

	snprintf(what, sizeof(what), "%s, serial number %s, %lld MiB",
		 was->part[0] ? was->part : "part unknown",
		 was->has_serial ? was->serial : "unknown", (long long)was->size_mib);
	switch (change) {
	case MODULE_GONE:
		journal_event(LOG_WARNING, JOURNAL_ID_MODULE_MISSING, 0,
			      "%s: the memory module of the last start is missing: %s",
			      slot, what);
		break;
	case MODULE_REPLACED:
		journal_event(LOG_NOTICE, JOURNAL_ID_MODULE_MISSING, 0,
			      "%s: the memory module of the last start is missing: %s; "
			      "in its slot is now %s, serial number %s",
			      slot, what, is->part[0] ? is->part : "another", is->serial);
		break;
	case MODULE_MOVED:
		journal_event(LOG_NOTICE, JOURNAL_ID_MODULE_MOVED, 0,
			      "%s: the memory module of the last start is now in %s: %s",
			      slot, is->slot[0] ? is->slot : is->locator, what);
		break;
	}
}

static void store_modules(struct daemon *d, const struct module_list *l)
{
	int r = db_put_inventory(d->db, l);

	if (r < 0)
		journal_log(LOG_WARNING, r,
			    "Database: the list of memory modules cannot be stored; the "
			    "next start compares with an older one");
}

/* Keeps of @l what is not there. */
static void keep_absent(struct modules *m, const struct module_list *l)
{
	m->absent->n = 0;
	for (unsigned int i = 0; i < l->n; i++)
		if (l->v[i].missing || l->v[i].doubted)
			*module_list_add(m->absent) = l->v[i];
}

void daemon_compare_modules(struct daemon *d)
{
	_cleanup_(free_p) struct module_list *was = calloc(1, sizeof(*was));
	_cleanup_(free_p) struct module_list *now = calloc(1, sizeof(*now));
	_cleanup_(topology_free_p) struct topology *t = NULL;
	struct modules *m = modules_of(d);
	int r;

	if (m && !m->absent)
		m->absent = calloc(1, sizeof(*m->absent));
	if (!d->db || !m || !m->absent || !was || !now || look(m, &t) < 0)
		return;
	r = db_get_inventory(d->db, was);
	if (r < 0) {
		journal_log(LOG_WARNING, r,
			    "Database: the memory modules of the last start cannot be "
			    "read; whether one is missing is not known");
		return;
	}
	topology_list(t, clock_boot(), now);
	if (module_list_compare(now, was, say_change, NULL)) {
		keep_absent(m, now);
		store_modules(d, now);
	} else {
		keep_absent(m, was);
	}
}

const struct module_list *daemon_modules_there(struct daemon *d)
{
	struct modules *m = modules_of(d);
	_cleanup_(topology_free_p) struct topology *t = NULL;
	usec_t now = clock_boot();

	if (!m)
		return NULL;
	if (!m->there)
		m->there = calloc(1, sizeof(*m->there));
	if (!m->there ||
	    (m->there_at.us > 0 && usec_sub(now, m->there_at).us < THERE_AGE))
		return m->there;
	if (look(m, &t) < 0)
		return m->there;
	m->there_at = now;
	if (t->unread == 0) /* else the list stays as it was */
		topology_list(t, now, m->there);
	return m->there;
}

int daemon_forget_module(struct daemon *d, const char *slot)
{
	_cleanup_(free_p) struct module_list *l = NULL;
	struct module_list *absent = d->modules ? d->modules->absent : NULL;
	unsigned int n = 0;

	for (unsigned int i = 0; absent && i < absent->n; i++)
		if (!absent->v[i].missing || strcmp(absent->v[i].slot, slot) != 0)
			absent->v[n++] = absent->v[i];
	if (!absent || n == absent->n)
		return -ENOENT;
	absent->n = n;
	if (d->db && daemon_module_list(d, &l))
		store_modules(d, l);
	return 0;
}

void daemon_close_modules(struct daemon *d)
{
	struct modules *m = d->modules;

	if (m) {
		forget_labels(m);
		free(m->absent);
		free(m->there);
	}
	free(TAKE_PTR(d->modules));
}
