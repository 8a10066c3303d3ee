/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The DIMMs that events have named. A DIMM is a slot: its controller and its layers make
 * it, and its label is a name that may come late and may change. Layers of -1 name no
 * slot, and an error of several DIMMs has their labels joined by " or ": there the label
 * is what tells one record from another. The kernel's own labels of two sockets are two
 * slots, whatever number their controllers have. Where EDAC does not know the controller
 * of an event, nothing vouches for its layers: two registered labels are two DIMMs there.
 *
 * A controller is known by its hardware (dimm_rec.device), as soon as that is known: the
 * number of mcN may be another in the next boot. Records whose hardware has not been seen
 * in this boot take no events; where a controller has no hardware to be known by, the
 * number stands in.
 *
 * Records of one module belong together: ranks and chip selects with one registered label
 * on one controller, or with one slot of the board, or with one serial number. They share
 * budget and verdict.
 *
 * The table is bounded: errors of DIMMs that find no place are charged to DIMM_OTHER, the
 * record at index 0. An index names the same DIMM for as long as the table lives. Of two
 * records that turn out to be one slot, the older has all counts (dimm_rec.same_as).
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
#define DIMM_MCS         256 /* numbers of controllers that an event can have */

/** What an event names a DIMM by beside its label: enough to see that it is another. */
struct dimm_id {
	uint32_t slot;      /* controller and layers */
	uint16_t label_len; /* 0: no event means this DIMM */
	bool by_slot;       /* the layers name it, and the label does not */
};

struct dimm_table {
	struct dimm_rec rec[MAX_DIMMS];
	struct policy_rule rule[MAX_DIMMS]; /* what [Policy] says for the DIMM */
	unsigned int n;                     /* records; never 0 */
	bool shares_channel[MAX_DIMMS];     /* with another DIMM of the table */
	uint16_t next[MAX_DIMMS];           /* the next record of the module, round */
	char slot[MAX_DIMMS][64]; /* the board's name of the slot; empty: none */
	bool whole[MAX_DIMMS];    /* EDAC says: a module, and no rank of one */
	char device[DIMM_MCS][DIMM_DEVICE_MAX]; /* by mcN of this boot; empty: none */
	bool device_known[DIMM_MCS];            /* looked for, even if there is none */
	bool all_known;        /* EDAC knows each controller that an event names */
	bool has_merged;       /* some record is another's, see dimm_rec.same_as */
	bool dirty[MAX_DIMMS]; /* not stored as it is */
	unsigned int n_dirty;
	bool rules_changed; /* some DIMM has another Action= than before */

	bool budget_used_up[MAX_DIMMS]; /* a page was refused for it since a reload */

	/* What notices have said of the DIMM, so that none says it twice. */
	uint8_t reported_verdict[MAX_DIMMS]; /* enum verdict */

	/* How an event finds its DIMM. */
	uint16_t index[DIMM_INDEX_SLOTS]; /* by hash; index + 1; 0: free */
	struct dimm_id id[MAX_DIMMS];
	uint16_t
		last[DIMM_LAST_SLOTS]; /* by hash of the slot: the DIMM that erred last */
};

/** Makes a table, all zero before, that holds DIMM_OTHER. */
void dimm_table_init(struct dimm_table *t, const struct config *cfg);

/**
 * The DIMM that @ev names, added with its rule from @cfg if it is not known; DIMM_OTHER
 * if there is no place. Its label becomes the one of @ev, unless @ev is older than its
 * newest event or has none. Labels are kept as printable ASCII: other bytes become '?',
 * an empty label becomes "unknown memory".
 */
uint16_t dimm_table_intern(struct dimm_table *t, const struct config *cfg,
			   const struct ce_event *ev);

/**
 * The first DIMM that is what @d is, former or not; -ENOENT if there is none. Former ones
 * are told apart by label, controller and layers.
 */
int dimm_table_find(const struct dimm_table *t, const struct dimm_rec *d);

/**
 * Adds a copy of @d, not dirty, with its rule from @cfg, and its number of the present
 * boot if its controller is known. @d->label is printable already.
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

/** The record that has the counts of the one at @index: mostly itself. */
static inline uint16_t dimm_table_resolve(const struct dimm_table *t, uint16_t index)
{
	while (t->rec[index].same_as)
		index = t->rec[index].same_as;
	return index;
}

/** An older record of the slot of @index; -ENOENT if there is none. */
int dimm_table_twin(const struct dimm_table *t, uint16_t index);

/**
 * Makes the record at @from a name of the older one at @to, which gets its counts, and
 * its label if that is the newer one. Both are dirty then, and must be stored in one
 * transaction. Pages, cells and attempts of @from are for the caller to move.
 */
void dimm_table_merge(struct dimm_table *t, const struct config *cfg, uint16_t from,
		      uint16_t to);

/** The label of the DIMM at @index is @label, printable already, as seen at @when. */
void dimm_table_note_label(struct dimm_table *t, const struct config *cfg, uint16_t index,
			   const char *label, usec_t when);

/**
 * The board's name of the slot at @index, empty if it is not certain; and whether EDAC
 * says that the slot is a whole module, so that an equal label makes no other slot part
 * of it.
 */
void dimm_table_note_slot(struct dimm_table *t, const struct config *cfg, uint16_t index,
			  const char *slot, bool whole);

/**
 * Gives records of this hardware their number of the present boot, and records without
 * hardware the one of their number. Where no record's hardware is there any more, a
 * driver has renamed all of it, and the numbers stand in. Returns whether anything has
 * changed: records may have twins then.
 */
bool dimm_table_set_controllers(struct dimm_table *t, const struct config *cfg,
				const struct dimm_controller *v, unsigned int n);

/** Whether the DIMM at @index has records of its own module beside it. */
static inline bool dimm_table_has_ranks(const struct dimm_table *t, uint16_t index)
{
	return t->next[index] != index;
}

/** The record that notices of the module of @index are counted at. */
static inline uint16_t dimm_table_first_rank(const struct dimm_table *t, uint16_t index)
{
	uint16_t first = index;

	for (uint16_t i = t->next[index]; i != index; i = t->next[i])
		first = i < first ? i : first;
	return first;
}

/** Pages offlined of the module of @index in the present boot. */
uint32_t dimm_table_module_offlined(const struct dimm_table *t, uint16_t index);

/** The widest fault of the module of @index. */
enum fault_class dimm_table_module_class(const struct dimm_table *t, uint16_t index);

/** The whole module of @index as one record: sums, and the widest fault. */
void dimm_table_module(const struct dimm_table *t, uint16_t index, struct dimm_rec *ret);

/** What patterns may match the DIMM at @index by; borrows from @t. */
struct config_dimm dimm_table_config(const struct dimm_table *t, uint16_t index);

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
