/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Which serial numbers of modules are real. Every kind of filler has several rows; they
 * are texts that firmware of several makers is known to print.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "base/serial.h"

static void check(const char *const *rows, size_t n, bool real)
{
	for (size_t i = 0; i < n; i++) {
		if (dmi_serial_is_real(rows[i]) == real)
			continue;
		print_message("\"%s\"\n", rows[i]);
		fail();
	}
}

/* Hexadecimal ones of the module makers, decimal ones, long ones, and short ones. */
static void test_real(void **state)
{
	static const char *const rows[] = {
		"S2",       "S1",       "31B9BEF4",
		"1F3A09B2", "0EF5CCE2", "28D430AA",
		"738C2D9A", "00000001", "80AD01231245F0E7A3",
		"33399e81", "0x4A3F12", "DEADBEE5",
		"1234ABD7", "12F4",     "20231107",
		"A0B1C2D4", "F0F0F0F1", "NO5A12F7",
		"98764",    "40404141", "1A2B3C4E",
	};

	check(rows, ARRAY_SIZE(rows), true);
}

static void test_nothing(void **state)
{
	static const char *const rows[] = { "", " ", "-", "---", "....", "0", "7", "*" };

	check(rows, ARRAY_SIZE(rows), false);
}

static void test_unprogrammed(void **state)
{
	static const char *const rows[] = { "00000000", "FFFFFFFF",   "ffffffff",
					    "0xffff",   "0x00000000", "0xFFFFFFFF",
					    "00",       "FF FF FF",   "XXXXXXXX",
					    "0000-0000" };

	check(rows, ARRAY_SIZE(rows), false);
}

static void test_repeated(void **state)
{
	static const char *const rows[] = { "11111111", "AAAA",     "5A5A5A5A",
					    "12121212", "ABCABCAB", "12341234",
					    "CDCDCDCD", "88" };

	check(rows, ARRAY_SIZE(rows), false);
}

static void test_counting(void **state)
{
	static const char *const rows[] = {
		"12345678", "1234567890", "0123456789", "123456789ABCDEF",  "1234",
		"87654321", "ABCDEF",     "9876543210", "0123456789ABCDEF", "SN12345678",
		"01234567", "X-1234567",  "ABCDEF01",   "01020304",         "11223344",
		"AABBCCDD", "13579BDF",   "0x10203040",
	};

	check(rows, ARRAY_SIZE(rows), false);
}

static void test_words(void **state)
{
	static const char *const rows[] = {
		"Not Specified",
		"NO DIMM",
		"No Module Installed",
		"Unknown",
		"UNKNOWN",
		"NONE",
		"To Be Filled",
		"To be filled by O.E.M.",
		"Default string",
		"Serial Number",
		"Invalid",
		"Not Available",
		"Not Provided",
		"N/A",
		"NA",
		"Undefined",
		"Empty",
		"[Empty]",
		"OEM",
		"O.E.M.",
		"NULL",
		"Read Error",
		"TBD",
		"no information",
		"not readable",
		"Unused",
		"SPD failure",
		"SPD ERR",
		"Failed",
		"Unreadable",
		"Timeout",
		"Unidentified",
		"Unprogrammed",
		"unavail",
		"Unkown",
		"Unknow",
		"Fill By OEM",
		"JEDEC",
		"DEADBEEF",
		"CAFEBABE",
	};

	check(rows, ARRAY_SIZE(rows), false);
}

/* The firmware numbers its slots. */
static void test_names_of_slots(void **state)
{
	static const char *const rows[] = {
		"A1_SerNum0",     "SerNum00",       "SerNum3",
		"DIMM_A1 SerNum", "Dimm0_SerNum",   "SERIAL0",
		"DIMM0",          "ChannelA-DIMM0", "Slot 3",
		"AssetTag01",     "ModuleSerial",   "P0_Node0_Channel0_Dimm1",
		"BANK 0",         "BANK0_SN",       "ManufacturerSN0",
	};

	check(rows, ARRAY_SIZE(rows), false);
}

static void test_garbage(void **state)
{
	static const char *const rows[] = { "<BAD INDEX>", "<OUT OF SPEC>", "????????",
					    "31B9?EF4", "<none>" };

	check(rows, ARRAY_SIZE(rows), false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real),           cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_unprogrammed),   cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_counting),       cmocka_unit_test(test_words),
		cmocka_unit_test(test_names_of_slots), cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
