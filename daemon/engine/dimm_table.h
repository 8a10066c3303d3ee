/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The DIMMs that events have named: controller, layers and label make one. The table is
 * bounded: errors of DIMMs that find no place are charged to DIMM_OTHER, the record at
 * index 0. An index names the same DIMM for as long as the table lives.
 *
 * The record and the rule of a DIMM may be read and the counters of a record changed by
 * the owner, who calls dimm_table_touch() then. Label, controller, layers, module and
 * @former change through the functions below only.
 */

#include "config/config.h"
#include "event/ce_event.h"
#include "track/records.h"

#define DIMM_INDEX_SLOTS 1024 /* of the hash index */
#define DIMM_LAST_SLOTS  256

/** What an event names a DIMM by beside its label: enough to see that it is another. */
struct dimm_id {
	uint32_t slot;      /* controller and layers */
	uint32_t label_len; /* 0: no event means this DIMM */
};

/** A DIMM's last message that held no coordinates. */
struct dimm_no_coords {
	uint8_t len; /* 0: none yet */
	char msg[63];
};

struct dimm_table {
	struct dimm_rec rec[MAX_DIMMS];
	struct policy_rule rule[MAX_DIMMS]; /* what [Policy] says for the DIMM */
	unsigned int n;                     /* records; never 0 */
	bool shares_channel[MAX_DIMMS];     /* with another DIMM of the table */
	bool dirty[MAX_DIMMS];              /* not stored as it is */
	unsigned int n_dirty;

	bool budget_used_up[MAX_DIMMS]; /* a page was refused for it since a reload */

	/* What notices have said of the DIMM, so that none says it twice. */
	uint8_t reported_verdict[MAX_DIMMS]; /* enum verdict */

	/* How an event finds its DIMM. */
	uint16_t index[DIMM_INDEX_SLOTS]; /* by hash; index + 1; 0: free */
	struct dimm_id id[MAX_DIMMS];
	uint16_t
		last[DIMM_LAST_SLOTS]; /* by hash of the slot: the DIMM that erred last */
	struct dimm_no_coords no_coords[MAX_DIMMS];
};

/** Makes a table, all zero before, that holds DIMM_OTHER. */
void dimm_table_init(struct dimm_table *t, const struct config *cfg);

/**
 * The DIMM that @ev names, added with its rule from @cfg if it is not known; DIMM_OTHER
 * if there is no place. Labels are kept as printable ASCII: other bytes become '?', an
 * empty label becomes "unknown memory".
 */
uint16_t dimm_table_intern(struct dimm_table *t, const struct config *cfg,
			   const struct ce_event *ev);

/**
 * The first DIMM with the label, controller, layers and @former of @d; -ENOENT if no DIMM
 * has them.
 */
int dimm_table_find(const struct dimm_table *t, const struct dimm_rec *d);

/**
 * Adds a copy of @d, not dirty, with its rule from @cfg. @d->label is printable already.
 *
 * Returns its index; DIMM_OTHER if there is no place.
 */
uint16_t dimm_table_add(struct dimm_table *t, const struct config *cfg,
			const struct dimm_rec *d);

/** Takes what the stored @d has counted over for DIMM_OTHER, whose label stays. */
void dimm_table_restore_other(struct dimm_table *t, const struct dimm_rec *d);

/** Notes that the record at @index is to be stored. */
void dimm_table_touch(struct dimm_table *t, uint16_t index);

/** Notes that the record at @index is stored. Returns whether it had to be. */
bool dimm_table_clean(struct dimm_table *t, uint16_t index);

/** Resolves all rules by @cfg; no budget is known to be used up then. */
void dimm_table_set_rules(struct dimm_table *t, const struct config *cfg);

/** Whether both are known to hang on the same channel of the same controller. */
bool dimm_table_same_channel(const struct dimm_table *t, uint16_t a, uint16_t b);

/** Pages of all DIMMs that we offlined in the present boot. */
uint32_t dimm_table_offlined(const struct dimm_table *t);

/** What the module in a DIMM's slot is, against the one that was there. */
enum dimm_module {
	DIMM_MODULE_SAME,
	DIMM_MODULE_NAMED, /* it was not known; now it is, and the record is dirty */
	DIMM_MODULE_OTHER, /* another module: nothing has changed yet; see close() */
};

/**
 * Compares the module with @part and @serial, which may hold any byte and are kept as
 * printable ASCII, with the module at @index. A former DIMM has no module in its slot, so
 * that all is the same; and a serial that is none (base/serial.h) says nothing.
 */
enum dimm_module dimm_table_note_module(struct dimm_table *t, uint16_t index,
					const char *part, const char *serial);

/**
 * Makes the DIMM at @index a former one: the next event from its slot and label makes
 * another record. The record is dirty then.
 */
void dimm_table_close(struct dimm_table *t, const struct config *cfg, uint16_t index);

/**
 * Whether @ev, of the DIMM at @index, says word for word what its last message without
 * coordinates said. Drivers that know no coordinates repeat one message, and reading it
 * letter by letter took a fifth of the time of a storm.
 */
bool dimm_table_has_no_coords(const struct dimm_table *t, uint16_t index,
			      const struct ce_event *ev);

/** Remembers the message of @ev, which holds no coordinates, if that is safe. */
void dimm_table_note_no_coords(struct dimm_table *t, uint16_t index,
			       const struct ce_event *ev);
