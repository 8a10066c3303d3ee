/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The rules for machine checks, one table row each, and the tracepoint in both of its
 * layouts. Statuses are put together from the manuals' bits.
 */

#include <errno.h>

#include "mc_sample.h"

#define VAL   (UINT64_C(1) << 63)
#define OVER  (UINT64_C(1) << 62)
#define UC    (UINT64_C(1) << 61)
#define EN    (UINT64_C(1) << 60)
#define MISCV (UINT64_C(1) << 59)
#define ADDRV (UINT64_C(1) << 58)
#define PCC   (UINT64_C(1) << 57)
#define S     (UINT64_C(1) << 56)
#define AR    (UINT64_C(1) << 55)
#define BIT54 (UINT64_C(1) << 54)
#define DEFER (UINT64_C(1) << 44)
#define CECC  (UINT64_C(1) << 46)
#define FILT  (UINT64_C(1) << 12)

#define CE       (VAL | EN | MISCV | ADDRV)
#define COUNT(n) ((uint64_t)(n) << 38)
#define PHYS(l)  (UINT64_C(2) << 6 | (l))
#define XEC(n)   ((uint64_t)(n) << 16)

#define CAP   UINT64_C(0x0f000c14) /* Skylake: SER_P and CMCI_P */
#define UMC   (UINT64_C(0x96) << 32)
#define UMC2  (UINT64_C(1) << 48 | UMC)
#define FAM10 0x00100f42
#define FAM17 0x00800f12

#define INTEL   MCE_VENDOR_INTEL
#define AMD     MCE_VENDOR_AMD
#define HYGON   MCE_VENDOR_HYGON
#define ZHAOXIN MCE_VENDOR_ZHAOXIN
#define CENTAUR 5

#define ADDR UINT64_C(0x123456789)

static const struct {
	const char *name;
	struct mce_record m;
	bool is_memory;
	enum ce_severity severity;
	uint32_t count;
	uint64_t address; /* 0: none */
	uint8_t grain;
	int socket, channel;
	bool overflow;
} rows[] = {
	/* Intel: "000F 0000 1MMM CCCC". */
	{ "read, channel 1",
	  { .status = CE | 0x91,
	    .addr = ADDR,
	    .misc = PHYS(6),
	    .mcgcap = CAP,
	    .bank = 7,
	    .socketid = 1 },
	  true,
	  CE_CORRECTED,
	  1,
	  0x123456780,
	  6,
	  1,
	  1,
	  false },
	{ "scrub, filtered",
	  { .status = CE | FILT | 0xc2, .addr = ADDR, .misc = PHYS(12), .mcgcap = CAP },
	  true,
	  CE_CORRECTED,
	  1,
	  0x123456000,
	  12,
	  0,
	  2,
	  false },
	{ "no channel",
	  { .status = CE | 0x9f, .addr = ADDR, .misc = PHYS(0), .mcgcap = CAP },
	  true,
	  CE_CORRECTED,
	  1,
	  ADDR,
	  0,
	  0,
	  -1,
	  false },
	{ "coarser than a page",
	  { .status = CE | 0x90, .addr = ADDR, .misc = PHYS(30), .mcgcap = CAP },
	  true,
	  CE_CORRECTED,
	  1,
	  0x100000000,
	  30,
	  0,
	  0,
	  false },
	{ "count",
	  { .status = CE | COUNT(0x7abc) | 0x90,
	    .addr = ADDR,
	    .misc = PHYS(6),
	    .mcgcap = CAP },
	  true,
	  CE_CORRECTED,
	  0x7abc,
	  0x123456780,
	  6,
	  0,
	  0,
	  false },
	{ "count not there",
	  { .status = CE | COUNT(5) | 0x90,
	    .addr = ADDR,
	    .misc = PHYS(6),
	    .mcgcap = CAP & ~UINT64_C(0x400) },
	  true,
	  CE_CORRECTED,
	  1,
	  0x123456780,
	  6,
	  0,
	  0,
	  false },
	{ "made up",
	  { .status = CE | COUNT(5) | 0x90, .addr = ADDR, .misc = PHYS(6) },
	  true,
	  CE_CORRECTED,
	  5,
	  0x123456780,
	  6,
	  0,
	  0,
	  false },
	{ "no MISC",
	  { .status = VAL | ADDRV | 0x90, .addr = ADDR, .misc = PHYS(6), .mcgcap = CAP },
	  true,
	  CE_CORRECTED,
	  1,
	  0,
	  12,
	  0,
	  0,
	  false },
	{ "no ADDR",
	  { .status = VAL | MISCV | 0x90, .addr = ADDR, .misc = PHYS(6), .mcgcap = CAP },
	  true,
	  CE_CORRECTED,
	  1,
	  0,
	  12,
	  0,
	  0,
	  false },
	{ "MISC of the model",
	  { .status = CE | 0x90,
	    .addr = ADDR,
	    .misc = PHYS(6),
	    .mcgcap = CAP & ~UINT64_C(0x1000000) },
	  true,
	  CE_CORRECTED,
	  1,
	  0,
	  12,
	  0,
	  0,
	  false },
	{ "segment offset",
	  { .status = CE | 0x90, .addr = ADDR, .misc = 0 << 6 | 6, .mcgcap = CAP },
	  true,
	  CE_CORRECTED,
	  1,
	  0,
	  12,
	  0,
	  0,
	  false },
	{ "linear address",
	  { .status = CE | 0x90, .addr = ADDR, .misc = 1 << 6 | 6, .mcgcap = CAP },
	  true,
	  CE_CORRECTED,
	  1,
	  0,
	  12,
	  0,
	  0,
	  false },
	{ "memory address",
	  { .status = CE | 0x90, .addr = ADDR, .misc = 3 << 6 | 6, .mcgcap = CAP },
	  true,
	  CE_CORRECTED,
	  1,
	  0,
	  12,
	  0,
	  0,
	  false },
	{ "generic address",
	  { .status = CE | 0x90, .addr = ADDR, .misc = 7 << 6 | 6, .mcgcap = CAP },
	  true,
	  CE_CORRECTED,
	  1,
	  0,
	  12,
	  0,
	  0,
	  false },
	{ "overflow",
	  { .status = CE | OVER | 0x90, .addr = ADDR, .misc = PHYS(6), .mcgcap = CAP },
	  true,
	  CE_CORRECTED,
	  1,
	  0x123456780,
	  6,
	  0,
	  0,
	  true },
	{ "UCNA",
	  { .status = CE | UC | COUNT(3) | 0x90,
	    .addr = ADDR,
	    .misc = PHYS(6),
	    .mcgcap = CAP },
	  true,
	  CE_UNCORRECTED,
	  1,
	  0x123456780,
	  6,
	  0,
	  0,
	  false },
	{ "SRAO",
	  { .status = CE | UC | S | 0xc0, .addr = ADDR, .misc = PHYS(6), .mcgcap = CAP },
	  true,
	  CE_UNCORRECTED,
	  1,
	  0x123456780,
	  6,
	  0,
	  0,
	  false },
	{ "SRAR",
	  { .status = CE | UC | S | AR | 0x90,
	    .addr = ADDR,
	    .misc = PHYS(6),
	    .mcgcap = CAP },
	  true,
	  CE_UNCORRECTED,
	  1,
	  0x123456780,
	  6,
	  0,
	  0,
	  false },
	{ "fatal",
	  { .status = CE | UC | PCC | 0x90,
	    .addr = ADDR,
	    .misc = PHYS(6),
	    .mcgcap = CAP },
	  true,
	  CE_FATAL,
	  1,
	  0x123456780,
	  6,
	  0,
	  0,
	  false },
	{ "not valid",
	  { .status = (CE & ~VAL) | 0x90, .addr = ADDR, .misc = PHYS(6), .mcgcap = CAP },
	  .is_memory = false },
	{ "cache",
	  { .status = CE | 0x135, .addr = ADDR, .misc = PHYS(6), .mcgcap = CAP },
	  .is_memory = false },
	{ "bus",
	  { .status = CE | 0x0e8f, .addr = ADDR, .misc = PHYS(6), .mcgcap = CAP },
	  .is_memory = false },
	{ "TLB",
	  { .status = CE | 0x14, .addr = ADDR, .misc = PHYS(6), .mcgcap = CAP },
	  .is_memory = false },
	{ "timer",
	  { .status = CE | 0x400, .addr = ADDR, .misc = PHYS(6), .mcgcap = CAP },
	  .is_memory = false },
	{ "reserved bit 13",
	  { .status = CE | 0x2090, .addr = ADDR, .misc = PHYS(6), .mcgcap = CAP },
	  .is_memory = false },
	{ "AMD's deferred bit is Intel's count",
	  { .status = CE | DEFER | 0x90, .addr = ADDR, .misc = PHYS(6), .mcgcap = CAP },
	  true,
	  CE_CORRECTED,
	  64,
	  0x123456780,
	  6,
	  0,
	  0,
	  false },
	{ "Zhaoxin",
	  { .status = CE | 0x90,
	    .addr = ADDR,
	    .misc = PHYS(6),
	    .mcgcap = CAP,
	    .cpuvendor = ZHAOXIN },
	  true,
	  CE_CORRECTED,
	  1,
	  0x123456780,
	  6,
	  0,
	  0,
	  false },
	{ "another vendor",
	  { .status = CE | 0x90,
	    .addr = ADDR,
	    .misc = PHYS(6),
	    .mcgcap = CAP,
	    .cpuvendor = CENTAUR },
	  .is_memory = false },
	/* What the kernel makes of firmware's reports. */
	{ "firmware",
	  { .status = CE | 0x9f,
	    .addr = ADDR,
	    .misc = PHYS(6),
	    .mcgcap = CAP,
	    .bank = 255,
	    .socketid = 1 },
	  true,
	  CE_CORRECTED,
	  1,
	  0x123456780,
	  6,
	  -1,
	  -1,
	  false },
	{ "firmware, no SER_P",
	  { .status = CE | 0x9f,
	    .addr = ADDR,
	    .misc = PHYS(6),
	    .mcgcap = 9,
	    .bank = 255 },
	  true,
	  CE_CORRECTED,
	  1,
	  0x123456780,
	  6,
	  -1,
	  -1,
	  false },
	{ "firmware, old kernel",
	  { .status = VAL | EN | ADDRV | 0x9f, .addr = ADDR, .mcgcap = CAP, .bank = 255 },
	  true,
	  CE_CORRECTED,
	  1,
	  0x123456000,
	  12,
	  -1,
	  -1,
	  false },
	{ "firmware on AMD",
	  { .status = CE | 0x9f,
	    .addr = ADDR,
	    .misc = PHYS(6),
	    .bank = 255,
	    .cpuvendor = AMD,
	    .cpuid = FAM17 },
	  true,
	  CE_CORRECTED,
	  1,
	  0x123456780,
	  6,
	  -1,
	  -1,
	  false },
	{ "firmware, recoverable",
	  { .status = CE | UC | 0x9f,
	    .addr = ADDR,
	    .misc = PHYS(6),
	    .mcgcap = CAP,
	    .bank = 255 },
	  true,
	  CE_UNCORRECTED,
	  1,
	  0x123456780,
	  6,
	  -1,
	  -1,
	  false },
	{ "firmware, panic",
	  { .status = CE | UC | PCC | 0x9f,
	    .addr = ADDR,
	    .misc = PHYS(6),
	    .mcgcap = CAP,
	    .bank = 255 },
	  true,
	  CE_FATAL,
	  1,
	  0x123456780,
	  6,
	  -1,
	  -1,
	  false },
	{ "bank 255, another code",
	  { .status = CE | 0x90,
	    .addr = ADDR,
	    .misc = PHYS(6),
	    .mcgcap = CAP,
	    .bank = 255 },
	  .is_memory = false },
	/* AMD */
	{ "UMC",
	  { .status = CE | CECC | 0x11b,
	    .addr = ADDR,
	    .misc = PHYS(6),
	    .ipid = UMC,
	    .cpuvendor = AMD,
	    .cpuid = FAM17,
	    .bank = 17,
	    .socketid = 1 },
	  true,
	  CE_CORRECTED,
	  1,
	  0,
	  12,
	  1,
	  -1,
	  false },
	{ "UMC of MI300",
	  { .status = CE | CECC | 0x11b,
	    .addr = ADDR,
	    .ipid = UMC2,
	    .cpuvendor = AMD,
	    .cpuid = FAM17 },
	  true,
	  CE_CORRECTED,
	  1,
	  0,
	  12,
	  0,
	  -1,
	  false },
	{ "UMC, bit 54",
	  { .status = CE | BIT54 | CECC | 0x11b,
	    .addr = ADDR,
	    .ipid = UMC,
	    .cpuvendor = AMD,
	    .cpuid = FAM17 },
	  true,
	  CE_CORRECTED,
	  1,
	  0,
	  12,
	  0,
	  -1,
	  false },
	{ "UMC, deferred",
	  { .status = CE | DEFER | 0x11b,
	    .addr = ADDR,
	    .ipid = UMC,
	    .cpuvendor = AMD,
	    .cpuid = FAM17 },
	  true,
	  CE_DEFERRED,
	  1,
	  0,
	  12,
	  0,
	  -1,
	  false },
	{ "UMC, parity",
	  { .status = CE | XEC(4) | 0x11b,
	    .addr = ADDR,
	    .ipid = UMC,
	    .cpuvendor = AMD,
	    .cpuid = FAM17 },
	  .is_memory = false },
	{ "another SMCA bank",
	  { .status = CE | 0x11b,
	    .addr = ADDR,
	    .ipid = UINT64_C(0xb0) << 32,
	    .cpuvendor = AMD,
	    .cpuid = FAM17 },
	  .is_memory = false },
	{ "Intel's code on AMD",
	  { .status = CE | 0x90,
	    .addr = ADDR,
	    .misc = PHYS(6),
	    .mcgcap = CAP,
	    .cpuvendor = AMD,
	    .cpuid = FAM17 },
	  .is_memory = false },
	{ "Hygon",
	  { .status = CE | CECC | 0x11b,
	    .addr = ADDR,
	    .ipid = UMC,
	    .cpuvendor = HYGON,
	    .cpuid = 0x00900f01 },
	  true,
	  CE_CORRECTED,
	  1,
	  0,
	  12,
	  0,
	  -1,
	  false },
	{ "northbridge",
	  { .status = VAL | ADDRV | CECC | XEC(8) | 0x813,
	    .addr = ADDR,
	    .cpuvendor = AMD,
	    .cpuid = FAM10,
	    .bank = 4 },
	  true,
	  CE_CORRECTED,
	  1,
	  0x123456780,
	  6,
	  0,
	  -1,
	  false },
	{ "northbridge, another error",
	  { .status = VAL | ADDRV | XEC(5) | 0x813,
	    .addr = ADDR,
	    .cpuvendor = AMD,
	    .cpuid = FAM10,
	    .bank = 4 },
	  .is_memory = false },
	{ "bank 4 of family 17h",
	  { .status = VAL | ADDRV | XEC(8) | 0x813,
	    .addr = ADDR,
	    .cpuvendor = AMD,
	    .cpuid = FAM17,
	    .bank = 4 },
	  .is_memory = false },
};

static void test_rules(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mce_error e = { .count = 77 };
		bool is_memory = mce_decode(&rows[i].m, &e);

		if (is_memory != rows[i].is_memory)
			fail_msg("%s", rows[i].name);
		if (!is_memory) {
			assert_int_equal(e.count, 77);
			continue;
		}
		if (e.severity != rows[i].severity || e.count != rows[i].count ||
		    e.grain_bits != rows[i].grain || e.socket != rows[i].socket ||
		    e.channel != rows[i].channel || e.overflow != rows[i].overflow ||
		    e.has_address != (rows[i].address != 0) ||
		    e.address.addr != rows[i].address)
			fail_msg("%s: count %u, address %#llx, grain %u", rows[i].name,
				 e.count, (unsigned long long)e.address.addr,
				 e.grain_bits);
		assert_int_equal(e.status, rows[i].m.status);
	}
}

/* Another processor's error, observed; family 0Fh without chip kill; other errors. */
static void test_northbridges(void **state)
{
	static const struct {
		uint64_t code;
		uint32_t cpuid;
		bool is_memory;
	} cases[] = {
		{ XEC(8) | 0xc13, FAM10, false }, { XEC(8) | 0xa13, FAM10, true },
		{ 0xa13, 0x00040f12, true },      { 0xc13, 0x00040f12, false },
		{ 0x011, 0x00040f12, false },     { 0xa13, FAM10, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct mce_record m = { .status = VAL | ADDRV | cases[i].code,
					      .cpuvendor = AMD,
					      .cpuid = cases[i].cpuid,
					      .bank = 4 };
		struct mce_error e;

		if (mce_decode(&m, &e) != cases[i].is_memory)
			fail_msg("case %zu", i);
	}
}

static void assert_event(struct mce_error m, const char *label, const char *msg)
{
	char buf[MCE_LABEL_MAX];
	struct ce_event ev;

	mce_error_event(&m, buf, &ev);
	assert_int_equal(ev.label.len, strlen(label));
	assert_memory_equal(ev.label.s, label, ev.label.len);
	assert_int_equal(ev.msg.len, strlen(msg));
	assert_memory_equal(ev.msg.s, msg, ev.msg.len);
	assert_int_equal(ev.mc, MC_NONE);
	assert_int_equal(ev.source, CE_SOURCE_MCE_RECORD);
	assert_int_equal(ev.socket, m.socket);
	assert_int_equal(ev.layer[0], -1);
	assert_int_equal(ev.coord.have, 0);
}

/* The label says what the record says, and no more. */
static void test_labels(void **state)
{
	assert_event((struct mce_error){ .socket = 1,
					 .channel = 2,
					 .access = MCE_ACCESS_READ },
		     "socket 1 channel 2", "memory read error");
	assert_event((struct mce_error){ .socket = 0,
					 .channel = -1,
					 .access = MCE_ACCESS_SCRUB },
		     "socket 0", "memory scrubbing error");
	assert_event((struct mce_error){ .socket = -1, .channel = -1 }, "",
		     "memory error");
	assert_event((struct mce_error){ .socket = INT16_MAX,
					 .channel = 14,
					 .access = MCE_ACCESS_COMMAND },
		     "socket 32767 channel 14", "memory address or command error");
}

/* Kernel 6.12 and 7.2: the same record, with and without the dynamic array. */
static void test_layouts(void **state)
{
	static const struct mce_sample record = {
		.mcgcap = CAP,
		.status = CE | 0x91,
		.addr = ADDR,
		.misc = PHYS(6),
		.ipid = 5,
		.cpu = 3,
		.cpuid = 0x50654,
		.socketid = 1,
		.bank = 7,
		.cpuvendor = AMD,
	};

	for (int array = 0; array < 2; array++) {
		_cleanup_(event_format_free_p) struct event_format *f = NULL;
		struct event_decoder d;
		struct page_builder b;

		assert_int_equal(event_format_new(&f, page_builder_header_page), 0);
		assert_int_equal(event_format_add(f, EVENT_SOURCE_MCE,
						  array ? page_builder_mce_array_format
							: page_builder_mce_format),
				 0);
		page_builder_init(&b, 4096, 5000);
		assert_true(page_builder_mce(&b, 7000, &record, array));
		page_builder_finish(&b);
		begin(&d, f, &b);
		assert_int_equal(next_kind(&d), EVENT_KIND_CHECK);
		assert_int_equal(d.event.check.time.us, 7);
		assert_int_equal(d.event.check.mcgcap, CAP);
		assert_int_equal(d.event.check.status, record.status);
		assert_int_equal(d.event.check.addr, ADDR);
		assert_int_equal(d.event.check.misc, PHYS(6));
		assert_int_equal(d.event.check.ipid, 5);
		assert_int_equal(d.event.check.cpu, 3);
		assert_int_equal(d.event.check.cpuid, 0x50654);
		assert_int_equal(d.event.check.socketid, 1);
		assert_int_equal(d.event.check.bank, 7);
		assert_int_equal(d.event.check.cpuvendor, AMD);
		assert_int_equal(next_kind(&d), 0);
	}
}

/* Without status, bank or vendor it cannot be known what a record is. */
static void test_needed_fields(void **state)
{
	static const char *const needed[] = { " status;", " bank;", " cpuvendor;" };

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		_cleanup_(event_format_free_p) struct event_format *f = NULL;
		char text[4096];
		char *name;

		snprintf(text, sizeof(text), "%s", page_builder_mce_format);
		name = strstr(text, needed[i]);
		assert_non_null(name);
		name[1] = 'X';
		assert_int_equal(event_format_new(&f, page_builder_header_page), 0);
		assert_int_equal(event_format_add(f, EVENT_SOURCE_MCE, text), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),         cmocka_unit_test(test_northbridges),
		cmocka_unit_test(test_labels),        cmocka_unit_test(test_layouts),
		cmocka_unit_test(test_needed_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
