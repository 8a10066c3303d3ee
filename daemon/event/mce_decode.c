/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The rules, one row for each kind of record that is a memory error; the first row that
 * fits a record is the record's. A number that the manuals do not vouch for is not used:
 * the error then counts without it.
 */

#include "event/mce_decode.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define BIT_OF(n) (UINT64_C(1) << (n))

/* IA32_MCi_STATUS; AMD has the first six at the same places. */
#define STATUS_VAL      BIT_OF(63)
#define STATUS_OVER     BIT_OF(62)
#define STATUS_UC       BIT_OF(61)
#define STATUS_MISCV    BIT_OF(59)
#define STATUS_ADDRV    BIT_OF(58)
#define STATUS_PCC      BIT_OF(57)
#define STATUS_DEFERRED BIT_OF(44) /* AMD */

/* "Corrected Error Count", Intel: 15 bits. */
#define COUNT_SHIFT 38
#define COUNT_MASK  0x7fff

/* IA32_MCG_CAP */
#define MCG_CMCI_P BIT_OF(10) /* the count is there */
#define MCG_SER_P  BIT_OF(24) /* IA32_MCi_MISC has the layout below */

/* IA32_MCi_MISC: "Recoverable Address LSB" and "Address Mode". */
#define MISC_LSB_MASK   0x3f
#define MISC_MODE_SHIFT 6
#define MISC_MODE_MASK  7
#define MISC_MODE_PHYS  2

/*
 * Memory controller errors are 000F 0000 1MMM CCCC: F says that a filter is active, MMM is
 * what was done, CCCC the channel.
 */
#define CODE_MASK    0xef80
#define CODE_MEMORY  0x0080
#define CHANNEL_NONE 15

/* What the kernel makes of firmware's report: "a memory read error, unknown channel". */
#define CODE_FIRMWARE 0x009f

/* AMD: ErrorCodeExt, HwId and McaType in MCA_IPID. */
#define EXT_SHIFT     16
#define EXT_MASK      0x1f
#define EXT_NB_ECC    8
#define EXT_SMCA_MASK 0x3f
#define EXT_UMC_ECC   0
#define BANK_NB       4
#define IPID_HWID_UMC 0x96
/* Bus errors are 0000 1PPT RRRR IILL: PP says who had it, II is 0 for memory. */
#define BUS_MASK       0xf80c
#define BUS_MEMORY     0x0800
#define BUS_WHO_MASK   0xfe00
#define BUS_OBSERVED   0x0c00
#define FAMILY_NB      0x0f /* the first and the last family with such a bank */
#define FAMILY_NB_LAST 0x16

#define GRAIN_LINE 6
#define GRAIN_PAGE 12

/* How an address becomes one of the system, and what else a row allows. */
struct mce_rule {
	bool (*fits)(const struct mce_record *m);
	void (*address)(const struct mce_record *m, struct mce_error *e);
	bool has_count;  /* bits 52:38, if IA32_MCG_CAP says so */
	bool has_code;   /* MMM and CCCC */
	bool has_socket; /* the CPU that found the error sits at the memory */
	bool amd;        /* bit 44 is "deferred" */
};

static bool mce_is_vendor(const struct mce_record *m, enum mce_vendor a,
			  enum mce_vendor b)
{
	return m->cpuvendor == a || m->cpuvendor == b;
}

/* The vendor does not matter: the kernel writes the same on each. */
static bool mce_is_firmware(const struct mce_record *m)
{
	return m->bank == MCE_BANK_FIRMWARE && (m->status & 0xffff) == CODE_FIRMWARE;
}

static bool mce_is_intel(const struct mce_record *m)
{
	return m->bank != MCE_BANK_FIRMWARE &&
	       mce_is_vendor(m, MCE_VENDOR_INTEL, MCE_VENDOR_ZHAOXIN) &&
	       (m->status & CODE_MASK) == CODE_MEMORY;
}

static unsigned int mce_family(const struct mce_record *m)
{
	unsigned int family = m->cpuid >> 8 & 0xf;

	return family == 0xf ? family + (m->cpuid >> 20 & 0xff) : family;
}

/* A unified memory controller, of any McaType, that saw an ECC error of DRAM. */
static bool mce_is_umc(const struct mce_record *m)
{
	return mce_is_vendor(m, MCE_VENDOR_AMD, MCE_VENDOR_HYGON) &&
	       (m->ipid >> 32 & 0xfff) == IPID_HWID_UMC &&
	       (m->status >> EXT_SHIFT & EXT_SMCA_MASK) == EXT_UMC_ECC;
}

/*
 * What one processor had, another one may have seen ("observed"): the first one reports it.
 * Family 0Fh has a second number, for ECC without chip kill. As amd64_edac.c of Linux 6.12
 * has it, decode_bus_error().
 */
static bool mce_is_northbridge(const struct mce_record *m)
{
	unsigned int family = mce_family(m), ext = m->status >> EXT_SHIFT & EXT_MASK;
	bool is_bus = (m->status & BUS_MASK) == BUS_MEMORY;

	if (m->cpuvendor != MCE_VENDOR_AMD || m->ipid != 0 || m->bank != BANK_NB ||
	    family < FAMILY_NB || family > FAMILY_NB_LAST ||
	    (m->status & BUS_WHO_MASK) == BUS_OBSERVED)
		return false;
	return ext == EXT_NB_ECC || (family == FAMILY_NB && ext == 0 && is_bus);
}

static void mce_set_address(struct mce_error *e, uint64_t addr, unsigned int lsb)
{
	e->has_address = true;
	e->grain_bits = (uint8_t)lsb;
	e->address = paddr(addr >> lsb << lsb);
}

/* IA32_MCi_MISC says which bits of the address mean something, and of what kind it is. */
static void mce_address_by_misc(const struct mce_record *m, struct mce_error *e)
{
	if (!(m->status & STATUS_ADDRV) || !(m->status & STATUS_MISCV))
		return;
	/* Without any capability the record is a made-up one, as of mce-inject. */
	if (m->mcgcap != 0 && !(m->mcgcap & MCG_SER_P))
		return;
	if ((m->misc >> MISC_MODE_SHIFT & MISC_MODE_MASK) == MISC_MODE_PHYS)
		mce_set_address(e, m->addr, m->misc & MISC_LSB_MASK);
}

/* Kernels before 5.18 set no MISCV; the page is all they vouch for. */
static void mce_address_of_firmware(const struct mce_record *m, struct mce_error *e)
{
	if (!(m->status & STATUS_ADDRV))
		return;
	if (!(m->status & STATUS_MISCV))
		mce_set_address(e, m->addr, GRAIN_PAGE);
	else if ((m->misc >> MISC_MODE_SHIFT & MISC_MODE_MASK) == MISC_MODE_PHYS)
		mce_set_address(e, m->addr, m->misc & MISC_LSB_MASK);
}

static void mce_address_of_line(const struct mce_record *m, struct mce_error *e)
{
	if (m->status & STATUS_ADDRV)
		mce_set_address(e, m->addr, GRAIN_LINE);
}

/*
 * A UMC's address is the controller's own, before interleaving is undone. Bit 54 may say
 * otherwise, but only where MCA_CONFIG, which the event does not have, gives it a meaning.
 */
static void mce_address_of_umc(const struct mce_record *m, struct mce_error *e)
{
}

static const struct mce_rule mce_rules[] = {
	/* Linux, apei_mce_report_mem_error(): the CPU is the one that ran the handler. */
	{ .fits = mce_is_firmware, .address = mce_address_of_firmware },
	/* Intel, "Memory Controller Errors"; Zhaoxin as the kernel treats it. */
	{ .fits = mce_is_intel,
	  .address = mce_address_by_misc,
	  .has_count = true,
	  .has_code = true,
	  .has_socket = true },
	/* AMD and Hygon, UMC "DramEccErr". */
	{ .fits = mce_is_umc,
	  .address = mce_address_of_umc,
	  .has_socket = true,
	  .amd = true },
	/* AMD before family 17h, NB "DRAM ECC error": the address is the system's. */
	{ .fits = mce_is_northbridge,
	  .address = mce_address_of_line,
	  .has_socket = true,
	  .amd = true },
};

static const struct mce_rule *mce_find_rule(const struct mce_record *m)
{
	if (!(m->status & STATUS_VAL))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(mce_rules); i++)
		if (mce_rules[i].fits(m))
			return &mce_rules[i];
	return NULL;
}

static enum ce_severity mce_severity(const struct mce_rule *rule, uint64_t status)
{
	if (status & STATUS_PCC)
		return CE_FATAL;
	if (status & STATUS_UC)
		return CE_UNCORRECTED;
	return rule->amd && (status & STATUS_DEFERRED) ? CE_DEFERRED : CE_CORRECTED;
}

/* The field counts corrected errors: it says nothing of an uncorrected one. */
static uint32_t mce_count(const struct mce_rule *rule, const struct mce_record *m)
{
	uint32_t n = (uint32_t)(m->status >> COUNT_SHIFT & COUNT_MASK);

	if (!rule->has_count || (m->status & STATUS_UC) || n == 0)
		return 1;
	return m->mcgcap == 0 || (m->mcgcap & MCG_CMCI_P) ? n : 1;
}

static enum mce_access mce_access_of(uint64_t status)
{
	static const enum mce_access list[8] = {
		[1] = MCE_ACCESS_READ,
		[2] = MCE_ACCESS_WRITE,
		[3] = MCE_ACCESS_COMMAND,
		[4] = MCE_ACCESS_SCRUB,
	};

	return list[status >> 4 & 7];
}

bool mce_decode(const struct mce_record *m, struct mce_error *ret)
{
	const struct mce_rule *rule = mce_find_rule(m);
	unsigned int channel = m->status & 0xf;

	if (!rule)
		return false;
	*ret = (struct mce_error){
		.time = m->time,
		.status = m->status,
		.count = mce_count(rule, m),
		.severity = mce_severity(rule, m->status),
		.access = rule->has_code ? mce_access_of(m->status) : MCE_ACCESS_UNKNOWN,
		.socket = -1,
		.channel = -1,
		.grain_bits = GRAIN_PAGE,
		.cpu = m->cpu < UINT16_MAX ? (uint16_t)m->cpu : UINT16_MAX,
		.traced = m->traced,
		.overflow = m->status & STATUS_OVER,
	};
	if (rule->has_socket && m->socketid <= INT16_MAX)
		ret->socket = (int16_t)m->socketid;
	if (rule->has_code && channel != CHANNEL_NONE)
		ret->channel = (int8_t)channel;
	rule->address(m, ret);
	return true;
}

static struct ce_text mce_access_text(enum mce_access access)
{
	const char *s = "memory error";

	switch (access) {
	case MCE_ACCESS_UNKNOWN:
		break;
	case MCE_ACCESS_READ:
		s = "memory read error";
		break;
	case MCE_ACCESS_WRITE:
		s = "memory write error";
		break;
	case MCE_ACCESS_COMMAND:
		s = "memory address or command error";
		break;
	case MCE_ACCESS_SCRUB:
		s = "memory scrubbing error";
		break;
	}
	return (struct ce_text){ s, (uint32_t)strlen(s) };
}

void mce_error_event(const struct mce_error *m, char label[MCE_LABEL_MAX],
		     struct ce_event *ret)
{
	label[0] = '\0';
	if (m->socket >= 0 && m->channel >= 0)
		snprintf(label, MCE_LABEL_MAX, "socket %d channel %d", m->socket,
			 m->channel);
	else if (m->socket >= 0)
		snprintf(label, MCE_LABEL_MAX, "socket %d", m->socket);
	*ret = (struct ce_event){
		.time = m->time,
		.address = m->address,
		.count = m->count,
		.severity = m->severity,
		.cpu = m->cpu,
		.mc = MC_NONE,
		.source = CE_SOURCE_MCE_RECORD,
		.socket = m->socket,
		.status = m->status,
		.grain_bits = m->grain_bits,
		.layer = { -1, -1, -1 },
		.overflow = m->overflow,
		.has_address = m->has_address,
		.label = { label, (uint32_t)strlen(label) },
		.msg = mce_access_text(m->access),
		.detail = { "", 0 },
	};
}
