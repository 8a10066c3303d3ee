/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What others recorded: each form is found by its bytes, each error is read with time,
 * place and count, and what cannot be used is refused with its line.
 */

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "imports/history_parts.h"
#include "imports/imports.h"
#include "imports/log_time.h"
#include "unit/page_builder.h"

#define NOW (INT64_C(1612137600) * USEC_PER_SEC) /* 2021-02-01 00:00 UTC */

DEFINE_CLEANUP(struct import *, import_free)

static size_t describe(const struct backtest_row *row, char *to, size_t size)
{
	size_t n = (size_t)snprintf(to, size, "%" PRId64 " %.*s/%.*s",
				    row->time / USEC_PER_SEC, (int)row->server.len,
				    row->server.s, (int)row->dimm.len, row->dimm.s);

	if (row->has_address)
		n += (size_t)snprintf(to + n, size - n, " 0x%" PRIx64, row->address);
	if (row->count != 1)
		n += (size_t)snprintf(to + n, size - n, " x%" PRIu64, row->count);
	if (row->grain_bits > 6)
		n += (size_t)snprintf(to + n, size - n, " grain %u", row->grain_bits);
	if (row->coord.have & DRAM_ROW)
		n += (size_t)snprintf(to + n, size - n, " row %" PRIu32, row->coord.row);
	if (row->kind == BACKTEST_CE_SCRUB)
		n += (size_t)snprintf(to + n, size - n, " scrub");
	if (row->kind == BACKTEST_UNCORRECTED)
		n += (size_t)snprintf(to + n, size - n, " ue");
	return n + (size_t)snprintf(to + n, size - n, "\n");
}

/* Each row of the file at @path as a line; a refused one with its line number. */
static void read_path(const char *path, char *to, size_t size)
{
	_cleanup_(import_free_p) struct import *im = NULL;
	struct backtest_row row;
	const char *why = "";
	bool refused;
	size_t n = 0;
	int r = import_open(&im, path, NOW, 12, &why);

	*to = '\0';
	if (r < 0) {
		snprintf(to, size, "%s\n", why);
		return;
	}
	while ((r = import_next(im, &row, &why)) != 0) {
		assert_true(r == 1 || r == -EBADMSG);
		if (r > 0)
			n += describe(&row, to + n, size - n);
		else
			n += (size_t)snprintf(to + n, size - n, "%" PRIu64 ": %s\n",
					      import_line(im), why);
		assert_true(n < size);
	}
	for (unsigned int i = 0; (why = import_doubt(im, i, &refused)); i++)
		n += (size_t)snprintf(to + n, size - n, "%s%s\n", refused ? "! " : "? ",
				      why);
}

static void check(const char *text, const char *expected)
{
	_cleanup_(close_p) int fd = memfd_create("log", MFD_CLOEXEC);
	char path[64], found[4096];

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	read_path(path, found, sizeof(found));
	assert_string_equal(found, expected);
}

#define CE_TEXT                                                                          \
	"EDAC MC0: 2 CE memory read error on CPU_SrcID#0_MC#0_Chan#1_DIMM#0 "            \
	"(channel:1 slot:0 page:0x7f2a34 offset:0x4c0 grain:32 syndrome:0x0 -  "         \
	"err_code:0x0101:0x0091 socket:0 imc:0 rank:0 bg:0 ba:1 row:0x1a col:0x8)"
#define CE_ROW(host) host "/CPU_SrcID#0_MC#0_Chan#1_DIMM#0 0x7f2a344c0 x2 row 26\n"

static void test_kernel_log(void **state)
{
	check("Jan 07 17:12:46 web1 kernel: Linux version 5.10\n"
	      "Jan 07 17:12:46 web1 kernel: EDAC MC0: Giving out device to module skx_edac\n"
	      "Jan 07 17:12:47 web1 kernel: " CE_TEXT "\n"
	      "Jan  7 17:12:48 web1 kernel: [   12.345678] " CE_TEXT "\n"
	      "Jan 07 17:12:49 web1 kernel: EDAC MC1: 1 UE memory read error on any memory "
	      "( page:0x0 offset:0x0 grain:4096)\n",
	      "1610039567 " CE_ROW("web1") "1610039568 " CE_ROW(
		      "web1") "1610039569 web1/any memory grain 12 ue\n");
	/* scrubber, no message, no label, another grain, more than 64 bits */
	check("Jan 07 17:12:47 h kernel: EDAC MC0: 1 CE memory scrubbing error on A1 "
	      "(csrow:2 channel:1 page:0x10 offset:0x40 grain:65536 syndrome:0x0)\n"
	      "Jan 07 17:12:47 h kernel: EDAC MC3: 1 CE on A (channel:1 page:0x10 offset:0x4 "
	      "grain:8 syndrome:0x0)\n"
	      "Jan 07 17:12:47 h kernel: EDAC MC3: 1 CE (channel:1 slot:4 page:0x10 offset:0x4 "
	      "grain:8 syndrome:0x0)\n"
	      "Jan 07 17:12:47 h kernel: EDAC MC0: 1 CE on A (page:0xfffffffffffffff "
	      "offset:0x0 grain:8)\n"
	      "Jan 07 17:12:47 h kernel: EDAC MC0: 1 CE on A (channel:0)\n",
	      "1610039567 h/A1 0x10040 grain 16 scrub\n"
	      "1610039567 h/A 0x10004\n"
	      "1610039567 h/mc3 1:4 0x10004\n"
	      "4: an error of EDAC without page, offset and grain\n"
	      "5: an error of EDAC without page, offset and grain\n");
	/* before 3.5 */
	check("Jan 07 17:12:47 h kernel: EDAC MC0: CE page 0x3ebf8, offset 0xf0, grain 8, "
	      "syndrome 0x7, row 0, channel 1, label \"DIMM1\": amd76x_edac\n",
	      "1610039567 h/DIMM1 0x3ebf80f0\n");
}

/* The same line behind each stamp that journalctl and dmesg write. */
static void test_stamps(void **state)
{
	static const struct {
		const char *stamp;
		const char *time;
	} cases[] = {
		{ "2021-01-07T17:12:47+0000 web1 kernel: ", "1610039567 " },
		{ "2021-01-07T17:12:47.123456+01:00 web1 kernel: ", "1610035967 " },
		{ "2021-01-07T17:12:47,123456+00:00 ", "1610039567 " },
		{ "Thu 2021-01-07 17:12:47 UTC web1 kernel: ", "1610039567 " },
		{ "1610039567.123456 web1 kernel: ", "1610039567 " },
		{ "[Thu Jan  7 17:12:47 2021] ", "1610039567 " },
		{ "<4>Jan  7 17:12:47 web1 kernel: ", "1610039567 " },
		{ "Jan 07 17:12:47.123456 web1 kernel: ", "1610039567 " },
		{ "kern  :warn  : [Thu Jan  7 17:12:47 2021] ", "1610039567 " },
		{ "authpriv:emerg : [Thu Jan  7 17:12:47 2021] ", "1610039567 " },
		/* not yet in this year: of the one before */
		{ "Mar  7 17:12:47 web1 kernel: ", "1583601167 " },
		/* the 29th of February was in 2020 */
		{ "Feb 29 17:12:47 web1 kernel: ", "1582996367 " },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[512], expected[256];

		snprintf(text, sizeof(text), "%s" CE_TEXT "\n", cases[i].stamp);
		snprintf(expected, sizeof(expected), "%s%s", cases[i].time,
			 strstr(cases[i].stamp, "web1") ? CE_ROW("web1")
							: CE_ROW("this machine"));
		check(text, expected);
	}
	check(CE_TEXT "\n2199-01-07T17:12:47+0000 h kernel: " CE_TEXT "\n",
	      "1: no time at the start of the line\n2: its time is in the future\n");
	check("Dec 07 17:12:47 h kernel: " CE_TEXT "\nJan 07 17:12:47 h kernel: " CE_TEXT
	      "\nMar 07 17:12:47 h kernel: " CE_TEXT "\n",
	      "1607361167 " CE_ROW("h") "1610039567 " CE_ROW("h") "1583601167 " CE_ROW(
		      "h") "? lines without a year go back in time: if the log is longer than a year, "
			   "write it with journalctl -o short-iso\n");
}

/* Local time is what such lines have: noon in winter is not noon in summer. */
static void test_local_time(void **state)
{
	assert_int_equal(setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1), 0);
	tzset();
	check("Jan 07 12:00:00 h kernel: " CE_TEXT "\n"
	      "2020-07-07 12:00:00 h kernel: " CE_TEXT "\n"
	      "[Tue Jul  7 12:00:00 2020] " CE_TEXT "\n",
	      "1610017200 " CE_ROW("h") "1594116000 " CE_ROW("h") "1594116000 " CE_ROW(
		      "this machine"));
	assert_int_equal(setenv("TZ", "UTC", 1), 0);
	tzset();
}

/* A second start begins at 0 again, and is later all the same. */
static void test_since_boot(void **state)
{
	check("[   10.500000] " CE_TEXT "\n[  200.000000] " CE_TEXT "\n"
	      "[  199.900000] " CE_TEXT "\n[    5.000000] " CE_TEXT "\n",
	      "10 " CE_ROW("this machine") "200 " CE_ROW("this machine") "199 " CE_ROW(
		      "this machine") "205 " CE_ROW("this machine") "? lines have only the time since the start of the machine: dates count from "
								    "1970\n");
}

#define MCE_BLOCK(time)                                                                  \
	"Hardware event. This is not a software error.\n"                                \
	"MCE 0\n"                                                                        \
	"CPU 0 BANK 7 TSC b98e63765d2\n"                                                 \
	"MISC 200005c280201086 ADDR 20b5cf8880\n" time                                   \
	"MCG status:\nMCi status:\nCorrected error\n"                                    \
	"STATUS 9c00008001010090 MCGSTATUS 0\n"                                          \
	"MCGCAP f000c14 APICID 0 SOCKETID 1\n"                                           \
	"CPUID Vendor Intel Family 6 Model 85\n"

static void test_mcelog(void **state)
{
	check("mcelog: failed to prefill DIMM database from DMI data\n" MCE_BLOCK(
		      "TIME 1610039567 Thu Jan  7 17:12:47 2021\n") "Hardware event. This is not a software error.\nMCE 1\nCPU 3 BANK 0\n"
								    "TIME 1610039568 x\nSTATUS 90000040000f0005 MCGSTATUS 0\n" MCE_BLOCK(
									    "")
									    MCE_BLOCK(
										    "TIME 1610039569\n"),
	      "1610039567 this machine/socket 1 channel 0 0x20b5cf8880 x2\n"
	      "28: a memory error without a time\n"
	      "1610039569 this machine/socket 1 channel 0 0x20b5cf8880 x2\n");
	/* in syslog, whose time is taken where the block has none */
	check("Jan 07 17:12:47 h mcelog[22]: Hardware event. This is not a software error.\n"
	      "Jan 07 17:12:47 h mcelog[22]: MCE 0\n"
	      "Jan 07 17:12:47 h mcelog[22]: CPU 0 BANK 7\n"
	      "Jan 07 17:12:47 h mcelog[22]: MISC 86 ADDR 20b5cf8880\n"
	      "Jan 07 17:12:47 h mcelog[22]: STATUS 8c00004001010090 MCGSTATUS 0\n"
	      "Jan 07 17:12:47 h mcelog[22]: CPUID Vendor Intel Family 6 Model 85\n",
	      "1610039567 this machine/socket 0 channel 0 0x20b5cf8880\n");
}

static void test_forms(void **state)
{
	check("time,dimm,pa\n1610039567,A,0x1000\n", "1610039567 /A 0x1000\n");
	check("", "it is empty\n");
	/* what softofflinectl export writes, in both forms */
	check(HISTORY_HEADING
	      "\n1610039567.000001,1610039566.000000,\"n1\",\"A,1\",\"\",\"\",\"\",-1,-1,-1,-1,"
	      "CE,2,1,0x1000,,,,,,,26,\n1610039568.0,x\n",
	      "1610039567 n1/A,1 0x1000 x2 row 26\n"
	      "3: a time is no number of seconds with six digits after the point\n");
	check("{\"address\":null,\"dimm\":\"A\",\"err_count\":1,\"events\":1,\"first\":0,"
	      "\"module\":{\"layers\":[-1,-1,-1],\"mc\":-1,\"part\":\"\",\"serial\":\"\","
	      "\"slot\":\"\"},\"place\":{},\"server\":\"n1\",\"time\":1610039567000000,"
	      "\"type\":\"UE\"}\n{}\n",
	      "1610039567 n1/A ue\n2: no object with the members that export writes\n");
	/* a log without an error is one all the same */
	check("[   12.345678] usb 1-1: new device\n", "");
	check("<6>[   12.345678] usb 1-1: new device\n", "");
	check("[Policy]\nThreshold=2\n", "its header has no column \"time\"\n");
	check("time,pa\n1610039567,141634322176\n1610039567,141634318592\n",
	      "1610039567 / 0x141634322176\n1610039567 / 0x141634318592\n"
	      "! no address has a letter or 0x: they may be decimal, and pages would be "
	      "wrong; write them with 0x\n");
}

/* A database that @sql makes. */
static void check_database(const char *sql, const char *expected)
{
	char folder[] = "/tmp/test_imports.XXXXXX", path[64], found[4096];
	sqlite3 *db = NULL;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/ras.db", folder);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	read_path(path, found, sizeof(found));
	(void)unlink(path);
	(void)rmdir(folder);
	assert_string_equal(found, expected);
}

#define MC_TABLE                                                                         \
	"CREATE TABLE mc_event (id INTEGER PRIMARY KEY, timestamp TEXT, err_count "      \
	"INTEGER, err_type TEXT, err_msg TEXT, label TEXT, mc INTEGER, top_layer "       \
	"INTEGER, middle_layer INTEGER, lower_layer INTEGER, address INTEGER, grain "    \
	"INTEGER, syndrome INTEGER, driver_detail TEXT);"
#define MC_ROW(time, count, type, msg, address, grain, detail)                           \
	"INSERT INTO mc_event VALUES (NULL, '" time "', " #count ", '" type "', '" msg   \
	"', 'A1', 0, 1, 0, -1, " #address ", " #grain ", 0, '" detail "');"

static void test_rasdaemon(void **state)
{
	check_database(
		MC_TABLE MC_ROW("2021-01-07 17:12:47 +0000", 12, "Corrected",
				"memory read error", 141634322176, 5,
				" socket:1 imc:1 rank:0 bg:0 ba:1 row:0x1a col:0x8")
			MC_ROW("2021-01-07 18:12:47 +0100", 1, "Corrected",
			       "memory scrubbing error", 65536, 16,
			       "") MC_ROW("2021-01-07 17:12:48 +0000", 0, "Uncorrected",
					  "", 0, 0,
					  "") MC_ROW("2021-01-07 17:12:48 +0000", 1,
						     "odd", "", 0, 0, "")
				MC_ROW("2449-01-07 17:12:48 +0000", 1, "Corrected", "", 0,
				       0, "") MC_ROW("1970-01-01 00:10:00 +0000", 1,
						     "Corrected", "", 0, 0, "")
					MC_ROW("yesterday", 1, "Corrected", "", 0, 0, ""),
		"1610039567 this machine/A1 0x20fa103f00 x12 row 26\n"
		"1610039567 this machine/A1 0x10000 grain 16 scrub\n"
		"1610039568 this machine/A1 ue\n"
		"4: an unknown type of error\n"
		"5: its time is in the future\n"
		"6: its time is before the year 2000\n"
		"7: its time is not ISO 8601\n");
	check_database("CREATE TABLE other (id INTEGER);",
		       "neither its table mc_event nor mce_record has a row\n");
	check_database("CREATE VIEW mc_event AS SELECT 1 AS id;",
		       "neither its table mc_event nor mce_record has a row\n");
}

/* Half of the addresses that an old version cut are negative: what stands before one of
 * them was cut as well. */
static void test_cut_addresses(void **state)
{
	check_database(MC_TABLE MC_ROW("2021-01-07 17:12:47 +0000", 1, "Corrected", "",
				       4096, 5, "") MC_ROW("2021-01-07 17:12:47 +0000", 1,
							   "Corrected", "", 0, 5, "")
			       MC_ROW("2021-01-07 17:12:47 +0000", 1, "Corrected", "",
				      -4096, 5, "") MC_ROW("2021-01-07 17:12:47 +0000", 1,
							   "Corrected", "", 4096, 5, "")
				       MC_ROW("2021-01-07 17:12:47 +0000", 1, "Corrected",
					      "", -4611686018427387904, 5, ""),
		       "1: an old rasdaemon cut its address to 32 bits\n"
		       "1610039567 this machine/A1\n"
		       "3: an old rasdaemon cut its address to 32 bits\n"
		       "1610039567 this machine/A1 0x1000\n"
		       "5: its address is negative\n");
	check_database(
		MC_TABLE MC_ROW("2021-01-07 17:12:47 +0000", 1, "Corrected", "", 4096, 5,
				""),
		"1610039567 this machine/A1 0x1000\n"
		"? no address is above 2 GiB: a rasdaemon that cuts them to 32 bits may "
		"have written them\n");
}

#define CHECK_TABLE                                                                      \
	"CREATE TABLE mce_record (id INTEGER PRIMARY KEY, timestamp TEXT, mcgcap "       \
	"INTEGER, mcgstatus INTEGER, status INTEGER, addr INTEGER, misc INTEGER, ip "    \
	"INTEGER, tsc INTEGER, walltime INTEGER, cpu INTEGER, cpuid INTEGER, apicid "    \
	"INTEGER, socketid INTEGER, cs INTEGER, bank INTEGER, cpuvendor INTEGER);"
#define CHECK_ROW(status)                                                                         \
	"INSERT INTO mce_record VALUES (NULL, '2021-01-07 17:12:47 +0000', 251661332, 0, " status \
	", 140489230464, 134, 0, 0, 0, 0, 329300, 0, 1, 0, 7, 0);"

/* Machine checks count where no EDAC driver made events of them. */
static void test_rasdaemon_checks(void **state)
{
	static const char corrected[] = CHECK_TABLE CHECK_ROW("-7205758854020136816")
		CHECK_ROW("-8070450257369038843");
	char both[4096];

	check_database(corrected,
		       "1610039567 this machine/socket 1 channel 0 0x20b5cf8880 x2\n");
	/* with what newer versions of rasdaemon have beside these columns */
	snprintf(both, sizeof(both), "%s%s", corrected,
		 "ALTER TABLE mce_record ADD ppin INTEGER;"
		 "ALTER TABLE mce_record ADD microcode INTEGER;"
		 "ALTER TABLE mce_record ADD ipid INTEGER;");
	check_database(both,
		       "1610039567 this machine/socket 1 channel 0 0x20b5cf8880 x2\n");
	snprintf(both, sizeof(both), "%s%s", corrected,
		 MC_TABLE MC_ROW("2021-01-07 17:12:47 +0000", 1, "Corrected", "",
				 140489230464, 5, ""));
	check_database(both, "1610039567 this machine/A1 0x20b5cf8880\n");
}

static void write_text(const char *folder, const char *name, const void *text, size_t len)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "a");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

/* A frame of a recording: as trace_record_put() writes it. */
static void write_page(const char *folder, struct page_builder *b, uint16_t cpu)
{
	struct {
		uint16_t cpu, zero;
		uint32_t size;
	} head = { cpu, 0, (uint32_t)b->size };

	page_builder_finish(b);
	write_text(folder, "pages", &head, sizeof(head));
	write_text(folder, "pages", b->bytes, b->size);
}

static void check_recording(const char *folder, const char *expected)
{
	char command[128], found[4096];

	read_path(folder, found, sizeof(found));
	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(system(command), 0);
	assert_string_equal(found, expected);
}

static void make_recording(char folder[32])
{
	strcpy(folder, "/tmp/test_imports.XXXXXX");
	assert_non_null(mkdtemp(folder));
	write_text(folder, "header_page", page_builder_header_page,
		   strlen(page_builder_header_page));
	write_text(folder, "mc_event.format", page_builder_mc_format,
		   strlen(page_builder_mc_format));
	write_text(folder, "mce_record.format", page_builder_mce_format,
		   strlen(page_builder_mce_format));
}

#define DATES_NOTE                                                                       \
	"? a recording has the time since the start of the machine: dates count from 1970\n"

/* What --record writes: errors of EDAC, or of machine checks where it has none. */
static void test_recording(void **state)
{
	const struct mc_sample sample = { .address = 0x20b5cf8880,
					  .count = 3,
					  .grain_bits = 5,
					  .layer = { 1, 0, -1 },
					  .label = "A1",
					  .detail = "row:0x1a col:0x8 bg:0 ba:1" };
	const struct mce_sample check = { .status = 0x8c00004000010090,
					  .addr = 0x20b5cf8880,
					  .misc = 0x86,
					  .bank = 7 };
	struct page_builder b;
	char folder[32];

	make_recording(folder);
	page_builder_init(&b, 4096, UINT64_C(7000000000));
	assert_true(page_builder_mc(&b, UINT64_C(7000000000), &sample));
	assert_true(page_builder_mce(&b, UINT64_C(7000001000), &check, false));
	write_page(folder, &b, 0);
	page_builder_init(&b, 4096, UINT64_C(9000000000));
	assert_true(page_builder_mc(&b, UINT64_C(9000000000), &sample));
	write_page(folder, &b, 1);
	check_recording(folder, "7 this machine/A1 0x20b5cf8880 x3 row 26\n"
				"9 this machine/A1 0x20b5cf8880 x3 row 26\n" DATES_NOTE);

	make_recording(folder);
	page_builder_init(&b, 4096, UINT64_C(7000000000));
	assert_true(page_builder_mce(&b, UINT64_C(7000001000), &check, false));
	write_page(folder, &b, 0);
	check_recording(folder,
			"7 this machine/socket 0 channel 0 0x20b5cf8880\n" DATES_NOTE);
}

static void test_wrong_recordings(void **state)
{
	static const char bad_size[] = { 0, 0, 0, 0, '\xff', '\xff', '\xff', '\x7f' };
	char folder[32] = "/tmp/test_imports.XXXXXX";

	assert_non_null(mkdtemp(folder));
	check_recording(folder,
			"it has no file header_page: no recording of softofflined "
			"--record\n");
	make_recording(folder);
	check_recording(folder, "it has no file pages\n");
	make_recording(folder);
	write_text(folder, "pages", bad_size, sizeof(bad_size) - 3);
	check_recording(folder, DATES_NOTE);
	make_recording(folder);
	write_text(folder, "pages", "\0\0\0\0\4\0\0\0abcd", 12);
	check_recording(folder, "1: a page makes no sense\n" DATES_NOTE);
}

/* A line without end costs nothing but itself. */
static void test_long_line(void **state)
{
	static const char tail[] = "\nJan 07 17:12:47 h kernel: " CE_TEXT;
	static const char head[] = "Jan 07 17:12:47 h kernel: x\n";
	size_t middle = 70000;
	_cleanup_(free_p) char *text = malloc(sizeof(head) + middle + sizeof(tail));

	assert_non_null(text);
	strcpy(text, head);
	memset(text + sizeof(head) - 1, 'x', middle);
	strcpy(text + sizeof(head) - 1 + middle, tail);
	check(text, "1610039567 " CE_ROW("h"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernel_log),
		cmocka_unit_test(test_stamps),
		cmocka_unit_test(test_local_time),
		cmocka_unit_test(test_since_boot),
		cmocka_unit_test(test_mcelog),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_rasdaemon),
		cmocka_unit_test(test_cut_addresses),
		cmocka_unit_test(test_rasdaemon_checks),
		cmocka_unit_test(test_recording),
		cmocka_unit_test(test_wrong_recordings),
		cmocka_unit_test(test_long_line),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
