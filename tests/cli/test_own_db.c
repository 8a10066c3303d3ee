/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The daemon's own history, read for export and back-test: each row names the module that
 * it was counted for, whatever its label is called now.
 */

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "db.h"
#include "imports/own_db.h"

#define BOOT   (1000 * USEC_PER_SEC)
#define OFFSET (INT64_C(1610039567) * USEC_PER_SEC)

DEFINE_CLEANUP(struct db *, db_close)

struct found {
	char text[1024];
	size_t len;
};

static int note_row(void *userdata, const struct history_row *row)
{
	struct found *f = userdata;

	f->len += (size_t)snprintf(
		f->text + f->len, sizeof(f->text) - f->len,
		"%.*s %.*s serial=%.*s mc=%d layers=%d,%d 0x%" PRIx64 " x%" PRIu64 "\n",
		(int)row->server.len, row->server.s, (int)row->dimm.len, row->dimm.s,
		(int)row->serial.len, row->serial.s, row->mc, row->layer[0],
		row->layer[1], row->address, row->count);
	assert_true(f->len < sizeof(f->text));
	return 0;
}

static struct dimm_rec make_dimm(const char *label, const char *serial)
{
	struct dimm_rec rec = { .mc = 1, .layer = { 0, 2, -1 } };

	snprintf(rec.label, sizeof(rec.label), "%s", label);
	snprintf(rec.serial, sizeof(rec.serial), "%s", serial);
	return rec;
}

static void put_error(struct db *db, uint16_t dimm, int64_t seconds, uint64_t address)
{
	struct ce_row row = { .first = seconds * USEC_PER_SEC,
			      .last = seconds * USEC_PER_SEC,
			      .address = address,
			      .has_address = true,
			      .count = 1,
			      .events = 1,
			      .dimm = dimm };

	assert_int_equal(db_put_ce(db, &row), 0);
}

/* Module S1 was in the slot before S2; record 3 turned out to be the DIMM of record 2. */
static void make_database(const char *path)
{
	struct db_options options = { .path = path,
				      .max_size = UINT64_C(64) << 20,
				      .retention = usec(400 * USEC_PER_DAY),
				      .boot_id = "aaaaaaaa-0000-4000-8000-000000000001",
				      .now = usec(BOOT),
				      .wall_offset = usec(OFFSET),
				      .page_shift = 12 };
	struct dimm_rec before = make_dimm("A1", "S1"), now = make_dimm("A1", "S2");
	struct dimm_rec twin = make_dimm("mc#1csrow#0", "");
	_cleanup_(db_close_p) struct db *db = NULL;
	const char *why = NULL;
	enum db_opened how;

	before.former = true;
	twin.same_as = 2;
	assert_int_equal(db_open(&db, &options, &how, &why), 0);
	assert_int_equal(db_put_dimm(db, 1, &before), 0);
	assert_int_equal(db_put_dimm(db, 2, &now), 0);
	assert_int_equal(db_put_dimm(db, 3, &twin), 0);
	put_error(db, 1, 10, 0x1000);
	put_error(db, 2, 20, 0x2000);
	put_error(db, 3, 30, 0x3000);
	put_error(db, 9, 40, 0x4000);
	assert_int_equal(db_commit(db, usec(BOOT), usec(OFFSET)), 0);
}

static void test_modules(void **state)
{
	char folder[] = "/tmp/test_own_db.XXXXXX", path[64], command[80];
	struct found found = { .len = 0 };
	const char *why = NULL;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/db", folder);
	make_database(path);
	assert_int_equal(own_db_read(path, "n1", note_row, &found, &why), 0);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(system(command), 0);
	assert_string_equal(found.text, "n1 A1 serial=S1 mc=1 layers=0,2 0x1000 x1\n"
					"n1 A1 serial=S2 mc=1 layers=0,2 0x2000 x1\n"
					"n1 A1 serial=S2 mc=1 layers=0,2 0x3000 x1\n"
					"n1  serial= mc=-1 layers=-1,-1 0x4000 x1\n");
}

static void test_absent(void **state)
{
	struct found found = { .len = 0 };
	const char *why = NULL;

	assert_int_equal(own_db_read("/nonexistent/db", "n1", note_row, &found, &why),
			 -ENOENT);
	assert_true(why && *why);
	assert_int_equal(found.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modules),
		cmocka_unit_test(test_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
