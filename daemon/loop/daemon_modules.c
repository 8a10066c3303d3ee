/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Tells the engine which module sits in the slot of each DIMM that has erred, by EDAC and
 * DMI. It tells only what is certain: a slot that the label names and no other, and a
 * serial number that can be one. It does not know what follows from another module.
 */

#include "base/mem.h"
#include "loop/daemon_internal.h"
#include "tell/journal.h"
#include "topology/topology.h"

static void tell(struct daemon *d, const struct topology *t, uint16_t index)
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
	if (dmi_serial_is_real(in.module.serial))
		daemon_step(d, in);
}

void daemon_identify(struct daemon *d)
{
	unsigned int n = engine_dimms(d->engine);
	struct topology *t = NULL;

	if (n == d->identified || topology_read(&t, "") < 0)
		return;
	if (t->unread < 0 && !d->topology_unread)
		journal_log(LOG_WARNING, t->unread,
			    "EDAC or DMI: not all could be read; which modules the DIMMs "
			    "are stays as it is known");
	d->topology_unread = t->unread < 0;
	/* It is tried again by the minute. */
	d->identified = t->unread < 0 ? d->identified : n;
	if (t->unread < 0)
		n = 0;
	for (unsigned int i = DIMM_OTHER + 1; i < n; i++)
		tell(d, t, (uint16_t)i);
	topology_free(t);
}
