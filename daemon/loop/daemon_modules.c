/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Which module sits in the slot of a DIMM, by EDAC and DMI, for the engine and for
 * requests. The engine gets only what is certain: a slot that the label names and no
 * other slot has, and a serial number that can be one. What follows from another module
 * is not known here.
 */

#include "base/mem.h"
#include "loop/daemon_internal.h"
#include "tell/journal.h"
#include "topology/topology.h"

#define TOPOLOGY_AGE (10 * USEC_PER_SEC)

struct modules {
	struct topology *topology; /* as it was at @read_at, for requests */
	usec_t read_at;
	unsigned int identified; /* DIMMs whose module was looked for */
	bool unread;             /* not all could be read, and the journal says so */
};

/* NULL: no memory. */
static struct modules *modules_of(struct daemon *d)
{
	if (!d->modules)
		d->modules = calloc(1, sizeof(*d->modules));
	return d->modules;
}

static void give_module(struct daemon *d, const struct topology *t, uint16_t index)
{
	const struct dimm_rec *rec = engine_dimm(d->engine, index);
	const struct edac_dimm *dimm = topology_find(t, rec->mc, rec->layer, rec->label);
	struct input in = { .kind = INPUT_MODULE };

	if (rec->former || !dimm || dimm->module == TOPOLOGY_NO_MODULE ||
	    dimm->match != SLOT_EXACT)
		return;
	in.module.index = index;
	in.module.part = t->modules[dimm->module].part;
	in.module.serial = t->modules[dimm->module].serial;
	if (topology_serial_is_real(t, dimm->module))
		daemon_step(d, in);
}

void daemon_identify(struct daemon *d)
{
	struct modules *m = modules_of(d);
	unsigned int n = engine_dimms(d->engine);
	struct topology *t = NULL;

	if (!m || n == m->identified || topology_read(&t, "") < 0)
		return;
	if (t->unread < 0 && !m->unread)
		journal_log(LOG_WARNING, t->unread,
			    "EDAC or DMI: not all could be read; which modules the DIMMs "
			    "are stays as it is known");
	m->unread = t->unread < 0;
	if (!m->unread) { /* else it is tried again by the minute */
		m->identified = n;
		for (unsigned int i = DIMM_OTHER + 1; i < n; i++)
			give_module(d, t, (uint16_t)i);
	}
	topology_free(t);
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
		(void)topology_read(&m->topology, "");
		m->read_at = now;
	}
	return m->topology;
}

void daemon_close_modules(struct daemon *d)
{
	if (d->modules)
		topology_free(d->modules->topology);
	free(TAKE_PTR(d->modules));
}
