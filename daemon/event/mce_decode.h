/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What a machine check says of memory, by the rules of the processors' manuals. Pure: a
 * record comes in as the kernel's mce:mce_record has it, a memory error goes out, or the
 * word that it is none. It knows no page of a trace buffer and no DIMM's name.
 *
 * Sources. Intel: Software Developer's Manual, volume 3B, chapter "Machine-Check
 * Architecture" (IA32_MCi_STATUS, IA32_MCi_MISC, "Compound Error Codes"). AMD: the BIOS and
 * Kernel Developer's Guides of families 0Fh to 16h (NB Machine Check), the Architecture
 * Programmer's Manual, volume 2, "Machine Check Architecture Extensions", and the Processor
 * Programming References (UMC). Linux: arch/x86/kernel/cpu/mce/apei.c for the records that
 * the kernel makes of what firmware reports, and arch/x86/include/asm/processor.h for the
 * numbers of the vendors.
 */

#include "event/ce_event.h"

/** X86_VENDOR_* of the kernel, as field cpuvendor has it. */
enum mce_vendor {
	MCE_VENDOR_INTEL = 0,
	MCE_VENDOR_AMD = 2,
	MCE_VENDOR_HYGON = 9,
	MCE_VENDOR_ZHAOXIN = 10,
};

/** The bank of a record that the kernel made of firmware's report. */
#define MCE_BANK_FIRMWARE 255

/** One mce_record, field by field; 0 for a field that this kernel's event lacks. */
struct mce_record {
	usec_t time;
	uint64_t mcgcap;
	uint64_t status;
	uint64_t addr;
	uint64_t misc;
	uint64_t ipid;
	uint32_t cpu;      /* that found the error */
	uint32_t cpuid;    /* EAX of CPUID leaf 1; 0: not known */
	uint32_t socketid; /* of @cpu */
	uint16_t traced;   /* the CPU in whose trace buffer the record was */
	uint8_t bank;
	uint8_t cpuvendor; /* enum mce_vendor, or another vendor's number */
};

/** What was done when the error was found. */
enum mce_access {
	MCE_ACCESS_UNKNOWN,
	MCE_ACCESS_READ,
	MCE_ACCESS_WRITE,
	MCE_ACCESS_COMMAND,
	MCE_ACCESS_SCRUB,
};

/** A memory error. */
struct mce_error {
	usec_t time;
	uint64_t status;
	paddr_t address;           /* if @has_address; the bits below the grain are 0 */
	uint32_t count;            /* at least 1 */
	enum ce_severity severity; /* CE_CORRECTED, _UNCORRECTED, _DEFERRED or _FATAL */
	enum mce_access access;
	int16_t socket; /* -1: not known */
	int8_t channel; /* as the error code counts it; -1: not known */
	uint8_t grain_bits;
	uint16_t cpu; /* that found the error */
	uint16_t traced;
	bool has_address; /* an address that names a page of the system */
	bool overflow;
};

/**
 * Fills *ret if @m is a memory error of a memory controller. False if it is another
 * machine check, which says nothing of memory.
 */
bool mce_decode(const struct mce_record *m, struct mce_error *ret);

#define MCE_LABEL_MAX 32

/**
 * @m as an event that no EDAC driver has claimed: the label names the socket, and the
 * channel where the error code has it; it is empty if not even the socket is known. The
 * texts of *ret are in @label or static.
 */
void mce_error_event(const struct mce_error *m, char label[MCE_LABEL_MAX],
		     struct ce_event *ret);
