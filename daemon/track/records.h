/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What is kept for good, as plain structs. The engine makes them; the database stores
 * them and returns them. Times are on CLOCK_BOOTTIME of the boot in which the struct was
 * made; the database knows each boot's offset to the wall clock.
 */

#include <stddef.h>
#include <string.h>

#include "base/frame.h"
#include "base/reason.h"
#include "base/units.h"
#include "event/ce_event.h"
#include "event/ce_registers.h"
#include "event/soft_event.h"

#define DIMM_DEVICE_MAX 64
#define DIMM_LABEL_MAX  296 /* the kernel's longest label is 288 bytes */
#define MAX_DIMMS       512
#define DIMM_OTHER      0 /* index of the record for all DIMMs past MAX_DIMMS */

/** The widest fault that was seen on a DIMM, and the counts that show it. */
struct dimm_fault {
	enum fault_class class;
	int64_t since; /* usec_t.us: the event that showed it */
	/* Distinct places that had an error, as last counted. */
	uint32_t cells;
	uint32_t rows;
	uint32_t faulty_rows;
	uint32_t bank_faulty_rows; /* most in one bank */
	uint32_t banks;
	uint32_t devices;
	uint32_t extent;      /* column, bank: the most rows seen in it */
	struct dram_coord at; /* column, bank: which */
};

/**
 * A DIMM: what sits in one slot of one controller, or one rank of it where the driver
 * names ranks. The label is only its newest name; engine/dimm_table.h says what makes two
 * events mean one DIMM.
 */
struct dimm_rec {
	char label[DIMM_LABEL_MAX];
	uint8_t mc;
	int8_t layer[3];
	bool overflow; /* hardware lost errors: the counts are lower bounds */
	uint64_t corrected_errors;
	uint64_t uncorrected_errors;
	uint64_t unattributed; /* corrected errors that name no page */
	uint32_t pages;        /* pages that had an error, as far as tracked */
	uint32_t offlined;     /* pages offlined by us in the present boot */
	int64_t first_seen;
	int64_t last_seen;
	/* The newest uncorrected error, if there was one: when, and where. */
	int64_t last_ue;
	uint64_t last_ue_address;
	bool last_ue_has_address;
	struct dimm_fault fault;
	/* The module in the slot, if the firmware names the module and the slot is
	 * certain. */
	char part[64];
	char serial[64];
	bool former; /* another module is in its place; nothing is charged here */
	/* Index of the record that this one turned out to be the same DIMM as, and that
	 * has its counts; 0: of none. Rows stored earlier still have this index. */
	uint16_t same_as;
	/* The hardware of the controller, the same in every boot; empty: only @mc is known,
	 * which may be another controller's number in the next boot. */
	char device[DIMM_DEVICE_MAX];
};

/** Which hardware is controller mcN in this boot. */
struct dimm_controller {
	uint8_t mc;
	const char *device; /* as in dimm_rec; borrowed */
};

/**
 * One row of the CE history: all events of one cell within a time that ce_history.h sets.
 * It may be stored while it is still counting, and then again by its id.
 */
struct ce_row {
	uint64_t id;   /* from 1 on in each run of the program; 0: stored only once */
	int64_t first; /* usec_t.us */
	int64_t last;
	uint64_t address;
	uint64_t count;  /* sum of the reported counts, 0 counted as 1 */
	uint32_t events; /* how many events the row stands for */
	uint16_t dimm;
	uint8_t severity; /* enum ce_severity */
	uint8_t grain_bits;
	uint8_t unattributed; /* enum result: RESULT_NONE, or why no page was charged */
	bool has_address;
	bool overflow;
	/* The driver's registers at the row's first event, "" without; the last member, so
	 * that a row without them is short. */
	char registers[CE_REGISTERS_MAX];
};

/** Bytes of @row up to the end of its registers: what has to be copied of it. */
static inline size_t ce_row_size(const struct ce_row *row)
{
	return offsetof(struct ce_row, registers) + strlen(row->registers) + 1;
}

/** One row of the action history; stored first as an intent (RESULT_NONE), then
 * completed. */
struct action_row {
	uint64_t id;
	int64_t time;
	uint64_t pfn;
	enum action action;
	enum reason reason;
	enum result result;
	enum frame_kind page_type; /* before the attempt */
	int32_t error;             /* errno, 0 */
	int64_t duration_usec;     /* of the write; 0 if nothing was written */
	int64_t poisoned_before_kib;
	int64_t poisoned_after_kib; /* -1: not known */
	uint16_t dimm;
	enum soft_outcome outcome; /* the kernel's own word, if it gave one */
};

/** One sample of the poisoned-page counter. */
struct poison_row {
	int64_t time;
	int64_t kib;
	int64_t delta_kib; /* since the row before */
	enum poison_cause cause;
	uint64_t pfn; /* the frame that changed; 0: not known, or several */
};

/**
 * Counters that survive the daemon. Counters that events change are stored only together
 * with how far the events were read. Counters that attempts change (totals_spend()) are
 * stored at once, so that no action gets the number of another and no budget is spent
 * twice.
 */
struct totals {
	uint64_t events;
	uint64_t corrected_errors;
	uint64_t uncorrected_errors;
	uint64_t unattributed;
	uint64_t events_lost;
	uint64_t malformed; /* raw pages with a rest that could not be decoded */
	uint64_t gaps; /* times in which events may be missing, nobody knows how many */
	uint64_t attempts[RESULT_MAX_];
	uint64_t next_action_id;
	int64_t last_event;   /* usec_t.us; INT64_MIN: none */
	int64_t last_offline; /* usec_t.us; INT64_MIN: none */
	int64_t bucket_level; /* budget of the hour, in millionths of a page */
	int64_t bucket_time;  /* usec_t.us: the time of that level */
	int64_t ram_print;    /* of the memory map at the last start; 0: not known */
	int64_t module_print; /* of the memory modules at the last start; 0: not known */
	int64_t sight;        /* enum sight_cause, as last found; 0: not known */
};

/** Copies to @to what attempts have changed in @from: numbers, budget, results. */
static inline void totals_spend(struct totals *to, const struct totals *from)
{
	to->next_action_id = from->next_action_id;
	to->last_offline = from->last_offline;
	to->bucket_level = from->bucket_level;
	to->bucket_time = from->bucket_time;
	for (unsigned int i = 0; i < RESULT_MAX_; i++)
		to->attempts[i] = from->attempts[i];
}
