/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * One memory error as the kernel reported it, decoded and otherwise untouched. The
 * engine, not this room, judges what a number is worth: an address of 0, a count of 0, a
 * grain larger than a page.
 */

#include "base/units.h"
#include "event/dram_coord.h"

/** error_type of ras:mc_event; the values are the kernel's (enum hw_event_mc_err_type).
 */
enum ce_severity {
	CE_CORRECTED = 0,
	CE_UNCORRECTED = 1,
	CE_DEFERRED = 2,
	CE_FATAL = 3,
	CE_INFO = 4,
};

/** Which tracepoint reported the error. */
enum ce_source {
	CE_SOURCE_MC_EVENT = 0, /* ras:mc_event, from an EDAC driver */
	CE_SOURCE_MCE_RECORD,   /* mce:mce_record, from the machine check itself */
};

/** ce_event.mc of an error that no memory controller's driver has claimed. */
#define MC_NONE 255

/**
 * Text inside the buffer that the event was decoded from. It is not terminated, not
 * owned, and not to be trusted: in a damaged buffer it may hold any byte, NUL too.
 */
struct ce_text {
	const char *s;
	uint32_t len;
};

struct ce_event {
	usec_t time;               /* CLOCK_BOOTTIME of the event */
	paddr_t address;           /* as reported; 0 if the driver does not know it */
	uint32_t count;            /* as reported; 0 is possible and means one */
	enum ce_severity severity; /* other than CE_CORRECTED never leads to an action */
	uint16_t cpu;              /* that recorded the event */
	uint8_t mc;                /* index of the memory controller, or MC_NONE */
	uint8_t source;            /* enum ce_source */
	int16_t socket;            /* of the processor; -1: the event does not say */
	uint8_t grain_bits;        /* log2 of the error's granularity in bytes */
	int8_t layer[3];           /* top, middle, lower; -1: unknown */
	bool overflow;             /* the driver says that errors were lost in hardware */
	bool has_address;          /* false: this kernel's event has no address field */
	bool narrow_address; /* the field has 32 bits: what lies above was cut off */
	/* IA32_MCi_STATUS; 0: not known. The same error found by two CPUs has one status. */
	uint64_t status;
	struct ce_text label;    /* DIMM label or labels, free text */
	struct ce_text msg;      /* the driver's message */
	struct ce_text detail;   /* driver_detail */
	struct dram_coord coord; /* known without texts; all else absent */
};

/**
 * One hard memory failure as ras:memory_failure_event (or
 * memory_failure:memory_failure_event) reported it: the kernel itself poisoned @pfn, or
 * tried to.
 */
struct failure_event {
	usec_t time;
	pfn_t pfn;
	int32_t type;   /* enum mf_action_page_type of the running kernel, not interpreted
			 */
	int32_t result; /* enum mf_result of the running kernel, not interpreted */
};
