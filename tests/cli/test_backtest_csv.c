/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Tables of recorded errors: what is read, what is refused and with which line, whatever
 * the pieces in which the bytes come.
 */

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "backtest/backtest_csv.h"
#include "base/mem.h"

/** Bytes in memory, returned @piece at a time. */
struct memory {
	const char *at;
	size_t left;
	size_t piece;
};

static ssize_t read_memory(void *userdata, char *buf, size_t size)
{
	struct memory *m = userdata;
	size_t n = m->left < m->piece ? m->left : m->piece;

	n = n < size ? n : size;
	memcpy(buf, m->at, n);
	m->at += n;
	m->left -= n;
	return (ssize_t)n;
}

static void describe(const struct backtest_row *row, char *to, size_t size)
{
	int n = snprintf(to, size, "%" PRId64 " %.*s", row->time, (int)row->dimm.len,
			 row->dimm.s);

	if (row->has_address)
		n += snprintf(to + n, size - (size_t)n, " 0x%" PRIx64, row->address);
	if (row->coord.have & DRAM_SUB_CHANNEL)
		n += snprintf(to + n, size - (size_t)n, " subch %u",
			      row->coord.sub_channel);
	if (row->coord.have & DRAM_CHIP)
		n += snprintf(to + n, size - (size_t)n, " chip %u", row->coord.chip);
	if (row->coord.have & DRAM_ROW)
		n += snprintf(to + n, size - (size_t)n, " row %" PRIu32, row->coord.row);
	if (row->coord.have & DRAM_COLUMN)
		n += snprintf(to + n, size - (size_t)n, " col %" PRIu32,
			      row->coord.column);
	if (row->channel >= 0)
		n += snprintf(to + n, size - (size_t)n, " chan %d", row->channel);
	if (row->kind == BACKTEST_CE_SCRUB)
		n += snprintf(to + n, size - (size_t)n, " scrub");
	if (row->kind == BACKTEST_UNCORRECTED)
		n += snprintf(to + n, size - (size_t)n, " ue");
	if (row->ue_time != BACKTEST_NO_TIME)
		snprintf(to + n, size - (size_t)n, " dies %" PRId64, row->ue_time);
}

/* Reads @text in pieces and writes one line for each row, good or bad, into @to. */
static int read_text(const char *text, size_t len, size_t piece, char *to, size_t size)
{
	struct memory m = { text, len, piece };
	_cleanup_(free_p) struct csv *csv = malloc(sizeof(*csv));
	struct backtest_row row;
	const char *why = "";
	size_t n = 0;
	int r;

	assert_non_null(csv);
	*to = '\0';
	r = csv_open(csv, read_memory, &m, &why);
	if (r < 0) {
		snprintf(to, size, "%s", why);
		return r;
	}
	while ((r = csv_next(csv, &row, &why)) != 0) {
		char line[512];

		if (r > 0)
			describe(&row, line, sizeof(line));
		else
			snprintf(line, sizeof(line), "%" PRIu64 ": %s", csv->line, why);
		n += (size_t)snprintf(to + n, size - n, "%s\n", line);
		assert_true(n < size);
	}
	return 0;
}

static void check(const char *text, const char *expected)
{
	static const size_t pieces[] = { 1, 7, 65536 };

	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		char found[8192];

		assert_int_equal(
			read_text(text, strlen(text), pieces[i], found, sizeof(found)),
			0);
		assert_string_equal(found, expected);
	}
}

static void check_refused(const char *text, const char *why)
{
	char found[512];

	assert_int_equal(read_text(text, strlen(text), 65536, found, sizeof(found)),
			 -EINVAL);
	assert_non_null(strstr(found, why));
}

static void test_columns(void **state)
{
	check("time,dimm,pa,channel,row,column,type,ue_ticket_time\n"
	      "10,a,0x1000,3,5,6,CE.SCRUB,99\n",
	      "10000000 a 0x1000 row 5 col 6 chan 3 scrub dies 99000000\n");
	/* another order, other letters, columns that nobody knows, most of them absent */
	check("Type,capacity_gb,PA,\"Time\"\nCE,32,0xabc,11\n", "11000000  0xabc\n");
	check("time\n12\n", "12000000 \n");
	/* what only DDR5 and stacked DRAM have */
	check("time,subchannel,chip,row\n1,1,3,7\n2,0,,7\n3,-1,0x2,7\n4,256,0,7\n",
	      "1000000  subch 1 chip 3 row 7\n2000000  subch 0 row 7\n"
	      "3000000  chip 2 row 7\n"
	      "5: a DRAM coordinate is no number, or too large\n");
}

static void test_writing(void **state)
{
	/* byte order mark, CRLF, blank lines, comments, no last line end */
	check("\xef\xbb\xbftime,dimm\r\n\r\n1,a\r\n \t\r\n# note\n2,b",
	      "1000000 a\n2000000 b\n");
	/* quotes, with a separator, a quote and a line end inside */
	check("time,dimm,pa\n\"1\",\"a,\"\"b\"\"\",0x1\n2,\"c\nd\",0x2\n3,e,0x3\n",
	      "1000000 a,\"b\" 0x1\n2000000 c\nd 0x2\n3000000 e 0x3\n");
	check("time;dimm;pa\n1;a,b;0x1\n", "1000000 a,b 0x1\n");
	check("time\tdimm\tpa\n1\t a \t0x1\n", "1000000 a 0x1\n");
	/* a quote that is never closed costs its own line only */
	check("time,dimm\n1,\"a\n2,b\n3,c\n",
	      "2: more fields than the header, or misquoted\n2000000 b\n3000000 c\n");
}

static void test_absent(void **state)
{
	check("time,dimm,pa,row,column,channel,type,ue_ticket_time\n"
	      "1,,,,,,,\n"
	      "1,nan,NaN,null,None,N/A,NA,-\n"
	      "1,a,0x5,-1,7.0,2.0,CE,0\n",
	      "1000000 \n1000000 \n1000000 a 0x5 col 7 chan 2\n");
	/* no ticket, as tables say it: the row counts all the same */
	check("time,dimm,ue_ticket_time\n1,a,-1\n2,a,-1.0\n3,a,NaT\n4,a,0.0\n5,a,-x\n",
	      "1000000 a\n2000000 a\n3000000 a\n4000000 a\n"
	      "6: a time is neither seconds since the epoch nor ISO 8601\n");
	/* more fields than the header, but nothing in them */
	check("time,dimm\n1,a,,,\n2,b, ,\"\"\n3,c,,1\n",
	      "1000000 a\n2000000 b\n"
	      "4: more fields than the header, or misquoted\n");
}

static void test_bad_rows(void **state)
{
	check("time,dimm,pa,row,type\n"
	      "x,a,0x1,1,CE\n"
	      "1,a,zz,1,CE\n"
	      "1,a,0x1,many,CE\n"
	      "\n"
	      "1,a,0x1,1,odd\n"
	      "1,a,0x1\n"
	      "1,a,0x1,1,CE,more\n"
	      ",a,0x1,1,CE\n"
	      "1,a,0x11112222333344445,1,CE\n"
	      "1,a,0x1,4294967296,CE\n"
	      "1,good,0x1,1,CE\n",
	      "2: a time is neither seconds since the epoch nor ISO 8601\n"
	      "3: the address is not hexadecimal\n"
	      "4: a DRAM coordinate is no number, or too large\n"
	      "6: an unknown type of error\n"
	      "7: fewer fields than the header\n"
	      "8: more fields than the header, or misquoted\n"
	      "9: no time\n"
	      "10: the address is not hexadecimal\n"
	      "11: a DRAM coordinate is no number, or too large\n"
	      "1000000 good 0x1 row 1\n");
}

static void test_long_line(void **state)
{
	static const char head[] = "time,dimm\n1,a\n2,";
	static const char tail[] = "\n3,c\n";
	size_t middle = 3 * CSV_RECORD_MAX;
	size_t len = strlen(head) + middle + strlen(tail);
	_cleanup_(free_p) char *text = malloc(len);
	char found[512];

	assert_non_null(text);
	memcpy(text, head, strlen(head));
	memset(text + strlen(head), 'b', middle);
	memcpy(text + strlen(head) + middle, tail, strlen(tail));
	assert_int_equal(read_text(text, len, 1000, found, sizeof(found)), 0);
	assert_string_equal(found, "1000000 a\n3: longer than 64 KiB\n3000000 c\n");
}

static void test_header(void **state)
{
	check_refused("", "empty");
	check_refused("\n\n", "empty");
	check_refused("dimm,pa\na,0x1\n", "no column \"time\"");
	check_refused("time,pa,time\n1,0x1,1\n", "names one twice");
	check_refused("time,\"pa\" x\n", "misquoted");
}

static void check_time(const char *text, int64_t expected)
{
	int64_t time = -7;

	if (csv_parse_time(text, strlen(text), &time) < 0)
		time = -1;
	if (time != expected)
		fail_msg("%s: %" PRId64, text, time);
}

static struct csv doubted;

/* All rows of @text; the table is left in @doubted. Returns the addresses' sum. */
static uint64_t read_all(const char *text, int64_t tomorrow, uint64_t *ret_count)
{
	struct memory m = { text, strlen(text), 7 };
	struct backtest_row row;
	const char *why = "";
	uint64_t sum = 0;

	*ret_count = 0;
	assert_int_equal(csv_open(&doubted, read_memory, &m, &why), 0);
	doubted.tomorrow = tomorrow;
	while (csv_next(&doubted, &row, &why) > 0) {
		sum += row.address;
		*ret_count += row.count;
	}
	return sum;
}

/* rasdaemon's table as SQLite exports it: decimal addresses, counts, names of its own. */
static void test_rasdaemon(void **state)
{
	static const char ras[] =
		"id,timestamp,err_count,err_type,err_msg,label,address\n"
		"1,\"2021-01-07 17:12:47 +0000\",6,Corrected,x,A1,4096\n"
		"2,\"2021-01-07 18:12:47 +0000\",0,Corrected,x,A1,0x10\n";
	static const char renamed[] = "time,err_count,type,dimm,pa\n"
				      "1610039567,6,Corrected,A1,141634322176\n"
				      "1610039568,1,Corrected,A1,141634318592\n";
	uint64_t count;

	assert_int_equal(read_all(ras, INT64_MAX, &count), 4096 + 16);
	assert_int_equal(count, 7);
	assert_true(doubted.decimal);
	assert_int_equal(doubted.odd_times, 0);
	/* With our names it is our notation, and a doubt. */
	assert_int_equal(read_all(renamed, INT64_MAX, &count),
			 0x141634322176 + 0x141634318592);
	assert_int_equal(count, 7);
	assert_false(doubted.decimal || doubted.hex_seen);
	assert_true(doubted.plain_digits >= CSV_PLAIN_DIGITS);
	/* Two of the three columns make no such table. */
	assert_int_equal(
		read_all("time,address,err_type\n1610039567,4096,x\n", INT64_MAX, &count),
		0);
	assert_int_equal(count, 1);
}

static void test_doubts(void **state)
{
	uint64_t count;

	/* Few digits, one address again and again, a letter. */
	(void)read_all("time,pa\n1610039567,1000\n1610039567,2000\n1610039567,3000\n",
		       INT64_MAX, &count);
	assert_true(doubted.plain_digits < CSV_PLAIN_DIGITS);
	(void)read_all("time,pa\n1610039567,141634322176\n1610039567,141634322176\n"
		       "1610039567,141634322176\n",
		       INT64_MAX, &count);
	assert_true(doubted.plain_digits < CSV_PLAIN_DIGITS);
	(void)read_all("time,pa\n1610039567,14163432217a\n", INT64_MAX, &count);
	assert_true(doubted.hex_seen);
	/* 1976; what is after tomorrow is refused */
	(void)read_all("time\n202101071\n1610039567\n1610039568\n",
		       INT64_C(1610039567) * USEC_PER_SEC + USEC_PER_DAY, &count);
	assert_int_equal(doubted.odd_times, 1);
	assert_int_equal(count, 3);
	assert_int_equal(read_all("time,pa\n1610039567,1\n1610125968,10\n",
				  INT64_C(1610039567) * USEC_PER_SEC + USEC_PER_DAY,
				  &count),
			 1);
}

/* Numbers that are no seconds, but would pass for some, are refused with their line. */
static void test_no_times(void **state)
{
	check("time\n20210107171247\n202101071712\n20210107\n44203.7171\n44203\n"
	      "20219907171247\n",
	      "2: a time is a date in digits; write it as 2021-01-07T17:12:47\n"
	      "3: a time is a date in digits; write it as 2021-01-07T17:12:47\n"
	      "4: a time is a date in digits; write it as 2021-01-07T17:12:47\n"
	      "5: a time looks like a spreadsheet's day number\n"
	      "6: a time looks like a spreadsheet's day number\n"
	      "20219907171247000 \n");
}

/* What rasdaemon's table says beside the address: cell, scrubber, grain. */
static void test_rasdaemon_texts(void **state)
{
	check("id,time,type,err_msg,dimm,top_layer,pa,driver_detail\n"
	      "1,\"2021-01-07 17:12:47 +0000\",Corrected,memory read error,A,0,4096,\" "
	      "err_code:0x0101:0x0091 socket:1 imc:1 rank:0 bg:0 ba:1 row:0x1a col:0x8\"\n"
	      "2,1610039567,Corrected,memory scrubbing error,A,0,0x20,\n",
	      "1610039567000000 A 0x1000 row 26 col 8\n"
	      "1610039567000000 A 0x20 scrub\n");
}

static void test_times(void **state)
{
	const int64_t t = INT64_C(1704039628);

	check_time("1704039628", t * USEC_PER_SEC);
	check_time("1704039628.25", t * USEC_PER_SEC + 250000);
	check_time("1704039628.1234567", t * USEC_PER_SEC + 123456);
	check_time("1704039628001", t * USEC_PER_SEC + 1000);
	check_time("1704039628000002", t * USEC_PER_SEC + 2);
	check_time("1704039628000003999", t * USEC_PER_SEC + 3);
	check_time("0", 0);
	check_time("2023-12-31T16:20:28Z", t * USEC_PER_SEC);
	check_time("2023-12-31 16:20:28", t * USEC_PER_SEC);
	check_time("2023-12-31 16:20:28.5", t * USEC_PER_SEC + 500000);
	check_time("2023-12-31T17:20:28+01:00", t * USEC_PER_SEC);
	check_time("2023-12-31T11:20:28-0500", t * USEC_PER_SEC);
	check_time("2023-12-31T16:20", (t - 28) * USEC_PER_SEC);
	check_time("1970-01-02", USEC_PER_DAY);
	check_time("2024-02-29", INT64_C(19782) * USEC_PER_DAY);
	for (size_t i = 0; i < 11; i++) {
		static const char *const wrong[] = { "-1",
						     "1e9",
						     "12 h",
						     "2024-13-01",
						     "2024-01-32",
						     "2023-02-29",
						     "2024-2-29",
						     "2024-01-01T",
						     "2024-01-01T25:00",
						     "2024-01-01 10:00 x",
						     ".5",
						     "99999999999999999999",
						     "1704039628." };

		check_time(wrong[i], -1);
	}
}

static void test_kinds(void **state)
{
	static const struct {
		const char *text;
		enum backtest_kind kind;
	} cases[] = {
		{ "CE", BACKTEST_CE },
		{ "CE.READ", BACKTEST_CE },
		{ "ce_scrub", BACKTEST_CE_SCRUB },
		{ "Corrected", BACKTEST_CE },
		{ "UE", BACKTEST_UNCORRECTED },
		{ "UE.SCRUB", BACKTEST_UNCORRECTED },
		{ "Uncorrected", BACKTEST_UNCORRECTED },
		{ "UCE.READ", BACKTEST_UNCORRECTED },
		{ "Fatal", BACKTEST_UNCORRECTED },
		{ "recoverable", BACKTEST_UNCORRECTED },
		{ "SRAO", BACKTEST_UNCORRECTED },
		{ "UCNA", BACKTEST_UNCORRECTED },
		{ "Info", BACKTEST_OTHER },
	};
	enum backtest_kind kind;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(
			csv_parse_kind(cases[i].text, strlen(cases[i].text), &kind), 0);
		assert_int_equal(kind, cases[i].kind);
	}
	assert_int_equal(csv_parse_kind("center", 6, &kind), -EINVAL);
	assert_int_equal(csv_parse_kind("x", 1, &kind), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns),   cmocka_unit_test(test_writing),
		cmocka_unit_test(test_rasdaemon), cmocka_unit_test(test_doubts),
		cmocka_unit_test(test_absent),    cmocka_unit_test(test_bad_rows),
		cmocka_unit_test(test_long_line), cmocka_unit_test(test_header),
		cmocka_unit_test(test_times),     cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_no_times),  cmocka_unit_test(test_rasdaemon_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
