/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * DRAM coordinates from the texts that kernel drivers make, one line for each form, and
 * from texts without any: a part that is missing, cut off or contradicted is absent.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "event/ce_event.h"
#include "event/dram_parse.h"

#define ALL (DRAM_RANK | DRAM_BANK_GROUP | DRAM_BANK | DRAM_ROW | DRAM_COLUMN)

struct form {
	const char *what;
	const char *detail;
	const char *msg;
	const char *label;
	struct dram_coord want;
};

/* clang-format off */
static const struct form forms[] = {
	{ "skx, own decoding",
	  " err_code:0x0101:0x0090 socket:0 imc:1 rank:0 bg:1 ba:3 row:0x1f880 col:0x200",
	  "memory read error", "CPU_SrcID#0_MC#1_Chan#0_DIMM#0",
	  { .rank = 0, .bank_group = 1, .bank = 3, .row = 0x1f880, .column = 0x200,
	    .have = ALL } },
	{ "skx, overflow and registers behind it",
	  " OVERFLOW err_code:0x0101:0x0091 socket:1 imc:0 rank:2 bg:0 ba:1 row:0x1a col:0x8 "
	  "retry_rd_err_log[0001a209 00000000 00800000 0440d001 000015da] "
	  "correrrcnt[0001 0000 row:9 0000 0000 0000 0000 0000]",
	  "memory scrubbing error", "CPU_SrcID#1_MC#0_Chan#1_DIMM#1",
	  { .rank = 2, .bank_group = 0, .bank = 1, .row = 0x1a, .column = 8,
	    .have = ALL } },
	{ "i10nm, names as the address translation of the firmware has them",
	  " err_code:0x0101:0x0090 ProcessorSocketId:0x0 MemoryControllerId:0x1 "
	  "PhysicalRankId:0x1 Row:0x15da Column:0x100 Bank:0x3 BankGroup:0x1 "
	  "retry_rd_err_log[0001a209 00000000]",
	  "memory read error", "CPU_SrcID#0_MC#1_Chan#0_DIMM#0",
	  { .rank = 1, .bank_group = 1, .bank = 3, .row = 0x15da, .column = 0x100,
	    .have = ALL } },
	{ "ADXL: the firmware's own text",
	  " err_code:0x0080:0x0090  SystemAddress:0x90ba03400 ProcessorSocketId:0x0 "
	  "MemoryControllerId:0x2 ChannelAddress:0x222e80e00 ChannelId:0x0 "
	  "RankAddress:0x445d01c0 PhysicalRankId:0x0 DimmSlotId:0x0 DimmRankId:0x1 "
	  "Row:0x1424 Column:0x520 Bank:0x0 BankGroup:0x2 ChipSelect:0x0 ChipId:0x4",
	  "memory read error", "CPU_SrcID#0_MC#2_Chan#0_DIMM#0",
	  { .rank = 0, .bank_group = 2, .bank = 0, .row = 0x1424, .column = 0x520,
	    .chip = 4, .have = ALL | DRAM_CHIP } },
	/* drivers/edac/skx_common.c, adxl_component_names and skx_adxl_decode() */
	{ "i10nm, DDR5: the sub-channel",
	  " err_code:0x0101:0x0091 ProcessorSocketId:0x1 MemoryControllerId:0x3 ChannelId:0x1 "
	  "DimmSlotId:0x0 SubChId:0x1 PhysicalRankId:0x1 Row:0x2f1a Column:0x1f8 Bank:0x2 "
	  "BankGroup:0x7 ChipId:0x0",
	  "memory scrubbing error", "CPU_SrcID#1_MC#3_Chan#1_DIMM#0",
	  { .rank = 1, .sub_channel = 1, .bank_group = 7, .bank = 2, .row = 0x2f1a,
	    .column = 0x1f8, .have = ALL | DRAM_SUB_CHANNEL | DRAM_CHIP } },
	{ "i10nm, two levels of memory: the near one is the DRAM",
	  " err_code:0x0000:0x0080 SubChId:0x0 ChipSelect:0x0 NmMemoryControllerId:0x1 "
	  "NmChannelId:0x1 NmDimmSlotId:0x0 NmChipSelect:0x2 NmSubChId:0x1 Row:0x10 Bank:0x1",
	  "memory read error", "CPU_SrcID#0_MC#1_Chan#1_DIMM#0",
	  { .rank = 2, .sub_channel = 1, .bank = 1, .row = 0x10,
	    .have = DRAM_RANK | DRAM_SUB_CHANNEL | DRAM_BANK | DRAM_ROW } },
	{ "GHES, bank as one number",
	  "APEI location: node:0 card:1 module:0 rank:1 bank:12 row:17450 col:1088 bit_pos:3 "
	  "DIMM location:NODE 1 BANK 0 DIMM_A1 status(0x0000000000000400): Storage error",
	  "Single-bit ECC", "BANK 0 DIMM_A1",
	  { .rank = 1, .bank = 12, .row = 17450, .column = 1088,
	    .have = DRAM_RANK | DRAM_BANK | DRAM_ROW | DRAM_COLUMN } },
	{ "GHES, bank with its group, newer words",
	  "APEI location: node:0 card:1 module:0 rank:0 bank_group:2 bank_address:1 device:7 "
	  "row:98304 column:8 bit_position:3 requestor_id:0x0000000000000000 chipID: 2 "
	  "DIMM location: not present. DMI handle: 0x0025",
	  "Single-bit ECC", "unknown memory",
	  { .rank = 0, .bank_group = 2, .bank = 1, .device = 7, .row = 98304, .column = 8,
	    .chip = 2, .have = ALL | DRAM_DEVICE | DRAM_CHIP } },
	{ "CPER with a blank after the colon",
	  "node: 0 card: 1 module: 0 rank: 1 bank: 2 row: 100 column: 200",
	  "", "",
	  { .rank = 1, .bank = 2, .row = 100, .column = 200,
	    .have = DRAM_RANK | DRAM_BANK | DRAM_ROW | DRAM_COLUMN } },
	{ "Intel DSM",
	  "APEI location: node:0 Row:0x442a Column:0x440 Bank:0x1", "", "",
	  { .bank = 1, .row = 0x442a, .column = 0x440,
	    .have = DRAM_BANK | DRAM_ROW | DRAM_COLUMN } },
	{ "amd64: chip select and channel, nothing else",
	  "", "", "mc#0csrow#2channel#1", { .rank = 2, .have = DRAM_RANK } },
	{ "sb_edac: no row", "area:DRAM err_code:0001:0090 socket:0 ha:0 channel_mask:1 rank:1",
	  "memory read error", "CPU_SrcID#0_Ha#0_Chan#0_DIMM#0",
	  { .rank = 1, .have = DRAM_RANK } },
	{ "igen6 and ie31200: nothing", "", "", "MC#0_Chan#0_DIMM#0", { .have = 0 } },
	{ "i5000: row and column by the strobes",
	  "", "Corrected error (Branch=0 DRAM-Bank=3 RDWR=Read RAS=1207 CAS=64, CE Err=0x10000 "
	  "(Correctable Non-Mirrored Demand Data ECC))", "",
	  { .bank = 3, .row = 1207, .column = 64,
	    .have = DRAM_BANK | DRAM_ROW | DRAM_COLUMN } },
	{ "synopsys (ARM), before 5.x",
	  "", "DDR ECC error type:CE Row 1021 Bank 5 Col 17 Bit Position: 3 Data: 0x00000001",
	  "", { .bank = 5, .row = 1021, .column = 17,
		.have = DRAM_BANK | DRAM_ROW | DRAM_COLUMN } },
	{ "synopsys (ARM) with a bank group",
	  "", "DDR ECC error type:CE Row 1021 Col 8 Bank 1 BankGroup Number 3 Block Number 4",
	  "", { .bank = 1, .bank_group = 3, .row = 1021, .column = 8,
		.have = DRAM_BANK | DRAM_BANK_GROUP | DRAM_ROW | DRAM_COLUMN } },
	{ "synopsys (ARM), newest",
	  "", "Row 1021 Col 8 Bank 1 Bank Group 3 Bit 5 Data 0x00000001", "",
	  { .bank = 1, .bank_group = 3, .row = 1021, .column = 8,
	    .have = DRAM_BANK | DRAM_BANK_GROUP | DRAM_ROW | DRAM_COLUMN } },
	{ "al_mc (ARM)",
	  "", "CE rank=0x1 row=0x3ff bg=0x2 bank=0x3 col=0x18 syn0: 0x1 syn1: 0x0 syn2: 0x0",
	  "", { .rank = 1, .bank_group = 2, .bank = 3, .row = 0x3ff, .column = 0x18,
		.have = ALL } },
	{ "armada_xp (ARM)",
	  "details unavailable (row 0x0123, bank 0x04, col 0x0056, cs 1)", "", "",
	  { .rank = 1, .bank = 4, .row = 0x123, .column = 0x56,
	    .have = DRAM_RANK | DRAM_BANK | DRAM_ROW | DRAM_COLUMN } },

	/* Sources: the functions of drivers/edac that the kernel has had for the text. */
	{ "dmc520_edac.c, dmc520_handle_dram_ecc_errors()",
	  "", "rank:1 bank:7 row:8191 col:1016", "any memory",
	  { .rank = 1, .bank = 7, .row = 8191, .column = 1016,
	    .have = DRAM_RANK | DRAM_BANK | DRAM_ROW | DRAM_COLUMN } },
	{ "octeon_edac-lmc.c, octeon_lmc_edac_poll()",
	  "", "DIMM 0 rank 1 bank 3 row 1027 col 16", "any memory",
	  { .rank = 1, .bank = 3, .row = 1027, .column = 16,
	    .have = DRAM_RANK | DRAM_BANK | DRAM_ROW | DRAM_COLUMN } },
	{ "i5000_edac.c, i5000_process_nonfatal_error_info()",
	  "Rank=2 Bank=3 RAS=1207 CAS=64, CE Err=0x10000 (Correctable Non-Mirrored Demand "
	  "Data ECC)", "Read error", "",
	  { .rank = 2, .bank = 3, .row = 1207, .column = 64,
	    .have = DRAM_RANK | DRAM_BANK | DRAM_ROW | DRAM_COLUMN } },
	{ "i5100_edac.c, i5100_handle_ce()",
	  "bank 3, cas 64, ras 1207\n", "ECC ", "",
	  { .bank = 3, .row = 1207, .column = 64,
	    .have = DRAM_BANK | DRAM_ROW | DRAM_COLUMN } },
	{ "i5400_edac.c, i5400_process_nonfatal_error_info()",
	  "Corrected error (Branch=0 DRAM-Bank=3 RDWR=Read RAS=1207 CAS=64, CE Err=0x40000 "
	  "(Correctable Patrol Data ECC))", "Read error", "",
	  { .bank = 3, .row = 1207, .column = 64,
	    .have = DRAM_BANK | DRAM_ROW | DRAM_COLUMN } },
	{ "i5400_edac.c, i5400_proccess_non_recoverable_info()",
	  "Bank=3 Buffer ID = 9 RAS=1207 CAS=64 Err=0x40 (Uncorrectable Data ECC)",
	  "UNRECOVERABLE", "",
	  { .bank = 3, .row = 1207, .column = 64,
	    .have = DRAM_BANK | DRAM_ROW | DRAM_COLUMN } },
	{ "i7300_edac.c, i7300_process_fbd_error()",
	  "DRAM-Bank=3 RAS=1207 CAS=64, Err=0x20000 (Correctable Non-Mirrored Demand Data "
	  "ECC))", "Read error", "",
	  { .bank = 3, .row = 1207, .column = 64,
	    .have = DRAM_BANK | DRAM_ROW | DRAM_COLUMN } },
	{ "pnd2_edac.c, pnd2_mce_output_error(): codes without 0x, and a decimal row",
	  " err_code:0000:0090 channel:1 DIMM:0 rank:1 row:4660 bank:5 col:120",
	  "memory read", "",
	  { .rank = 1, .bank = 5, .row = 4660, .column = 120,
	    .have = DRAM_RANK | DRAM_BANK | DRAM_ROW | DRAM_COLUMN } },
	{ "skx_edac.c, skx_mce_output_error(), before 0x: digits only",
	  " err_code:0101:0090 socket:0 imc:1 rank:10 bg:1 ba:3 row:1680 col:200",
	  "memory read error", "CPU_SrcID#0_MC#1_Chan#0_DIMM#0",
	  { .rank = 10, .bank_group = 1, .bank = 3, .row = 0x1680, .column = 0x200,
	    .have = ALL } },
	{ "skx_edac.c, skx_mce_output_error(), before 0x: letters",
	  " OVERFLOW recoverable err_code:0101:0090 socket:1 imc:0 rank:0 bg:3 ba:2 "
	  "row:1f88c col:3f8",
	  "memory read error", "CPU_SrcID#1_MC#0_Chan#0_DIMM#0",
	  { .rank = 0, .bank_group = 3, .bank = 2, .row = 0x1f88c, .column = 0x3f8,
	    .have = ALL } },
	{ "the codes of that form, another driver's row",
	  " err_code:0101:0090 socket:0 imc:1 rank:0 row:1680 bg:1 ba:3 col:200", "", "",
	  { .rank = 0, .bank_group = 1, .bank = 3, .row = 1680, .column = 200,
	    .have = ALL } },

	/* What is no coordinate. */
	{ "words without numbers", "row failed, bank unknown", "column: n/a rank:", "", { 0 } },
	{ "a number that is cut off", "bank:1 row:0x", "", "",
	  { .bank = 1, .have = DRAM_BANK } },
	{ "a number of another base", "bank:1 row:1f880 col:20", "", "",
	  { .bank = 1, .column = 20, .have = DRAM_BANK | DRAM_COLUMN } },
	{ "two answers", "row:1 row:2 bank:1 bank:1", "", "", { .bank = 1, .have = DRAM_BANK } },
	{ "two answers from two texts: the detail counts", "row:1", "row:2", "",
	  { .row = 1, .have = DRAM_ROW } },
	{ "too large", "row:4294967296 bank:65536 rank:256 device:-1 col:4294967295", "", "",
	  { 0 } },
	{ "all ones: the firmware does not know", "rank:255 bank:65535 row:7", "", "",
	  { .row = 7, .have = DRAM_ROW } },
	{ "parts of words", "arrow:1 narrow_row:2 bankrow:4 xcol:3 rows:5", "", "", { 0 } },
	{ "zero is a value", "row:0 col:0x0 bank:0", "", "",
	  { .have = DRAM_ROW | DRAM_COLUMN | DRAM_BANK } },
	{ "registers that do not end", "row:5 retry_rd_err_log[0001 bank:3", "", "",
	  { .row = 5, .have = DRAM_ROW } },
};
/* clang-format on */

/* In memory of its own size, so that a sanitizer sees a read past it. */
static struct ce_text text_of(const char *s, char **ret_copy)
{
	size_t n = strlen(s);

	*ret_copy = malloc(n + 1);
	assert_non_null(*ret_copy);
	memcpy(*ret_copy, s, n);
	*ret_copy = realloc(*ret_copy, n ? n : 1);
	return (struct ce_text){ *ret_copy, (uint32_t)n };
}

static struct dram_coord parse(const char *detail, const char *msg, const char *label)
{
	_cleanup_(free_p) char *a = NULL;
	_cleanup_(free_p) char *b = NULL;
	_cleanup_(free_p) char *c = NULL;
	struct ce_event ev = { .layer = { 1, 2, -1 } };
	struct dram_coord got;

	ev.detail = text_of(detail, &a);
	ev.msg = text_of(msg, &b);
	ev.label = text_of(label, &c);
	dram_coord_parse(&ev, &got);
	return got;
}

static void test_forms(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		const struct form *f = &forms[i];
		struct dram_coord got = parse(f->detail, f->msg, f->label);

		if (got.have != f->want.have || got.rank != f->want.rank ||
		    got.device != f->want.device ||
		    got.sub_channel != f->want.sub_channel || got.chip != f->want.chip ||
		    got.bank_group != f->want.bank_group || got.bank != f->want.bank ||
		    got.row != f->want.row || got.column != f->want.column)
			fail_msg(
				"%s: have 0x%x sub-channel %u rank %u chip %u device %u group %u bank %u row %u "
				"column %u",
				f->what, got.have, got.sub_channel, got.rank, got.chip,
				got.device, got.bank_group, got.bank, got.row,
				got.column);
	}
}

/* However the kernel cuts a text, a part is right, or absent, or its digits were cut. */
static void test_cut(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		char text[512];

		for (size_t n = 0; n < strlen(forms[i].detail); n++) {
			snprintf(text, sizeof(text), "%.*s", (int)n, forms[i].detail);
			(void)parse(text, "", "");
		}
	}
}

static void test_nothing(void **state)
{
	struct ce_event ev = { .label = { NULL, 0 } };
	struct dram_coord got = { .have = 255 };

	dram_coord_parse(&ev, &got);
	assert_int_equal(got.have, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
