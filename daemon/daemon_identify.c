/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Tells the engine which module sits in the slot of each DIMM that has erred, by EDAC and
 * DMI. It tells only what is certain: a slot that the label names and no other, and a
 * serial number that can be one. It does not know what follows from another module.
 */

#include <string.h>
#include <strings.h>

#include "daemon_internal.h"
#include "mem.h"
#include "topology.h"

/* What firmware writes where it knows none. */
static const char *const no_serials[] = {
	"Not Specified", "Unknown", "None", "N/A", "NO DIMM", "To Be Filled By O.E.M.",
};

static bool is_serial(const char *serial)
{
	if (strspn(serial, "0 Xx") == strlen(serial) ||
	    strspn(serial, "Ff") == strlen(serial))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(no_serials); i++)
		if (strcasecmp(serial, no_serials[i]) == 0)
			return false;
	return true;
}

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
	if (is_serial(in.module.serial))
		daemon_step(d, in);
}

void daemon_identify(struct daemon *d)
{
	unsigned int n = engine_dimms(d->engine);
	struct topology *t = NULL;

	if (n == d->identified || topology_read(&t, "") < 0)
		return;
	d->identified = n;
	for (unsigned int i = DIMM_OTHER + 1; i < n; i++)
		tell(d, t, (uint16_t)i);
	topology_free(t);
}
