/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The memory modules of the machine as EDAC and DMI know them, and what has become of
 * those of the last start. Pure: who reads the machine makes the list, the database keeps
 * it.
 */

#include "track/records.h"

#define SLOT_NAME_MAX 128
/* EDAC's DIMMs, DMI's modules, and as many that are missing as DMI could have. */
#define MODULE_LIST_MAX 1024

/** How certain the step from an EDAC label to a slot of the board is. */
enum slot_match {
	SLOT_UNKNOWN, /* no module, or several, would fit */
	SLOT_LIKELY,  /* one module only, by part of the label or as the only one */
	SLOT_EXACT,   /* the label is the slot's name, and no other slot has it */
};

/** A DIMM of EDAC with the module in its slot, or a module that EDAC has no DIMM for. */
struct module_rec {
	/* EDAC: */
	bool counted; /* there is a DIMM, or one rank of it, that errors count for */
	bool rank;    /* it is a rank or a chip select: a module may have several */
	uint8_t mc;
	char device[DIMM_DEVICE_MAX]; /* the controller's hardware, as in dimm_rec */
	int8_t layer[3];
	char label[DIMM_LABEL_MAX];
	char slot[SLOT_NAME_MAX]; /* the slot's name; "": not known */
	uint8_t slot_match;       /* enum slot_match: of @slot */
	int64_t size_mib;         /* 0: not known */
	/* DMI: */
	uint8_t identity; /* enum slot_match: of the module; UNKNOWN: no module below */
	char locator[64]; /* where the module is, by the firmware's names */
	char bank[64];
	char vendor[64]; /* not stored: empty for a missing module */
	char part[64];
	char serial[64];
	bool has_serial; /* of its own: it tells this module from all others */
	/* Between two starts: */
	bool missing; /* it was here, and is not */
	bool doubted; /* it cannot be known whether it is here; shown nowhere */
	int64_t seen; /* usec_t.us: when it was last there */
};

struct module_list {
	struct module_rec v[MODULE_LIST_MAX];
	unsigned int n;
	bool dmi_known;  /* DMI showed modules, and all of them could be read */
	bool edac_known; /* EDAC has controllers, and all could be read */
};

/** What has become of a module. */
enum module_change {
	MODULE_GONE,     /* its slot is empty */
	MODULE_REPLACED, /* another module is in its slot, and it is nowhere */
	MODULE_MOVED,    /* it is in another slot */
};

/** @is: the module that is in its slot, or the same module in its new slot; or NULL. */
typedef void (*module_change_fn)(void *userdata, enum module_change change,
				 const struct module_rec *was,
				 const struct module_rec *is);

/**
 * Compares the modules of the last start, @was, with those that are there now, and says
 * each change once. What is missing from then on is added to *now. What cannot be known
 * is not said: nothing where DMI could not be read, nothing of another machine's list (no
 * serial number of it is here), nothing of a module whose serial number may be one that
 * cannot be read for this boot; such a module is kept in *now as it was.
 *
 * Returns whether *now is what the next start is to compare with. If not, the stored list
 * is to stay as it is.
 */
bool module_list_compare(struct module_list *now, const struct module_list *was,
			 module_change_fn fn, void *userdata);

/** The first row for a DIMM with these layers, else the only one with @label; NULL. */
const struct module_rec *module_list_find(const struct module_list *l, uint8_t mc,
					  const int8_t layer[3], const char *label);

/** True if both are ranks of one module for certain: one slot of one controller. */
bool module_rec_same_module(const struct module_rec *a, const struct module_rec *b);

/** The size of the module that @l->v[@i] is of: all of its ranks. 0: not known. */
int64_t module_list_size(const struct module_list *l, unsigned int i);

/** The next free row, zeroed; NULL if the list is full. */
struct module_rec *module_list_add(struct module_list *l);
