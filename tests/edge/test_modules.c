/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The list of modules on its way: from the machine into the database and back, and as
 * reports, with the DIMMs that had errors and all the others.
 */

#include "db_fixture.h"
#include "tell/report_modules.h"
#include "topology/topology.h"

static struct module_list list, back;

static struct module_rec *add(const char *slot, const char *serial)
{
	struct module_rec *m = module_list_add(&list);

	strcpy(m->slot, slot);
	strcpy(m->locator, slot);
	strcpy(m->bank, "BANK");
	strcpy(m->part, "PART");
	strcpy(m->serial, serial);
	m->slot_match = m->identity = SLOT_EXACT;
	m->has_serial = true;
	m->size_mib = 16384;
	m->seen = NOW - 7;
	return m;
}

static void start(void)
{
	struct module_rec *m;

	memset(&list, 0, sizeof(list));
	m = add("A1", "S1");
	m->counted = m->rank = true;
	m->mc = 3;
	m->layer[0] = 1;
	m->layer[1] = 127;
	strcpy(m->label, "mc#3csrow#1channel#0");
	m = add("A2", "S2");
	m->missing = true;
	m = add("B1", "");
	m->doubted = true;
	m->has_serial = false;
}

static void stored_and_read_back(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(db_close_p) struct db *db = must_open(f, DB_CREATED);

	assert_int_equal(db_get_inventory(db, &back), 0);
	assert_int_equal(back.n, 0);
	start();
	assert_int_equal(db_put_inventory(db, &list), 0);
	assert_int_equal(db_commit(db, usec(NOW), usec(OFFSET)), 0);
	db = db_close(db);
	db = must_open(f, DB_OPENED);
	assert_int_equal(db_get_inventory(db, &back), 0);
	assert_int_equal(back.n, 3);
	for (unsigned int i = 0; i < 3; i++)
		assert_memory_equal(&back.v[i], &list.v[i], sizeof(back.v[i]));
	/* A shorter list leaves nothing of a longer one. */
	list.n = 1;
	strcpy(list.v[0].serial, "S9");
	assert_int_equal(db_put_inventory(db, &list), 0);
	assert_int_equal(db_commit(db, usec(NOW), usec(OFFSET)), 0);
	assert_int_equal(db_get_inventory(db, &back), 0);
	assert_int_equal(back.n, 1);
	assert_string_equal(back.v[0].serial, "S9");
}

static struct dimm_report reports[8];
static unsigned int n_reports;

static int keep(void *userdata, const void *report)
{
	reports[n_reports++] = *(const struct dimm_report *)report;
	return n_reports == ARRAY_SIZE(reports);
}

static void show(struct module_show *s)
{
	n_reports = 0;
	s->list = &list;
	assert_int_equal(report_rest(s, keep, NULL), 0);
}

static void healthy_and_missing(void **state)
{
	struct module_show s = { .list = NULL };

	assert_int_equal(report_rest(&s, keep, NULL), 0);
	start();
	add("C1", "S4");
	show(&s);
	assert_int_equal(n_reports, 3);
	assert_string_equal(reports[0].label, "mc#3csrow#1channel#0");
	assert_string_equal(reports[0].location, "mc3 1:127");
	assert_string_equal(reports[0].slot, "A1");
	assert_string_equal(reports[0].slot_match, "exact");
	assert_string_equal(reports[0].part, "PART");
	assert_string_equal(reports[0].serial, "S1");
	assert_int_equal(reports[0].size_mib, 16384);
	assert_int_equal(reports[0].corrected_errors, 0);
	assert_string_equal(reports[0].verdict, "ok");
	assert_int_equal(reports[1].missing, 1);
	assert_string_equal(reports[1].slot, "A2");
	assert_string_equal(reports[1].verdict, "");
	/* Nobody counts for it: that is not "no errors". */
	assert_string_equal(reports[2].slot, "C1");
	assert_true(reports[2].corrected_errors == REPORT_NO_COUNT);
	assert_string_equal(reports[2].location, "");
}

static void with_errors(void **state)
{
	struct dimm_rec rec = { .mc = 3, .layer = { 1, 127, -1 }, .corrected_errors = 5 };
	struct module_show s = { .list = &list };
	struct dimm_report r = { .size_mib = REPORT_NO_NUMBER };
	struct module_rec *second;

	start();
	second = add("A1", "S1");
	second->counted = second->rank = true;
	second->mc = 3;
	second->layer[0] = 2;
	report_add_module(&s, &rec, &r);
	assert_string_equal(r.slot, "A1");
	assert_string_equal(r.serial, "S1");
	assert_int_equal(r.size_mib, 32768);
	/* The other rank is of the module that was shown. */
	show(&s);
	assert_int_equal(n_reports, 1);
	assert_int_equal(reports[0].missing, 1);
	/* Nor is a DIMM of hardware whose number is another's now. */
	memset(&s, 0, sizeof(s));
	s.list = &list;
	strcpy(rec.device, "Skylake Socket#1 IMC#0");
	strcpy(list.v[0].device, "Skylake Socket#0 IMC#0");
	r.slot[0] = '\0';
	report_add_module(&s, &rec, &r);
	assert_string_equal(r.slot, "");
	strcpy(list.v[0].device, "Skylake Socket#1 IMC#0");
	report_add_module(&s, &rec, &r);
	assert_string_equal(r.slot, "A1");
	/* A former module is not the one that is in the slot now. */
	memset(&s, 0, sizeof(s));
	s.list = &list;
	rec.former = true;
	r.slot[0] = '\0';
	report_add_module(&s, &rec, &r);
	assert_string_equal(r.slot, "");
}

static void a_guess_is_no_fact(void **state)
{
	struct dimm_rec rec = { .mc = 3, .layer = { 1, 127, -1 } };
	struct module_show s = { .list = &list };
	struct dimm_report r = { .identity = "unknown" };

	start();
	list.v[0].identity = list.v[0].slot_match = SLOT_LIKELY;
	report_add_module(&s, &rec, &r);
	assert_string_equal(r.slot_match, "likely");
	assert_string_equal(r.identity, "likely");
	assert_string_equal(r.part, "");
	assert_string_equal(r.serial, "");
	assert_string_equal(r.likely_part, "PART");
	assert_string_equal(r.likely_serial, "S1");
	/* What was certain once stays. */
	r = (struct dimm_report){ .identity = "exact", .serial = "S0" };
	report_add_module(&s, &rec, &r);
	assert_string_equal(r.identity, "exact");
	assert_string_equal(r.serial, "S0");
	assert_string_equal(r.likely_serial, "");
}

/* The machine as a list: DIMMs with their modules, then modules without a DIMM. */
static void from_the_machine(void **state)
{
	static struct topology t;

	memset(&t, 0, sizeof(t));
	t.n_mcs = 1;
	t.n_dimms = 2;
	t.n_modules = 3;
	for (unsigned int i = 0; i < 3; i++) {
		snprintf(t.modules[i].serial, sizeof(t.modules[i].serial), "S%u", i);
		strcpy(t.modules[i].locator, "DIMM 0");
		snprintf(t.modules[i].bank, sizeof(t.modules[i].bank), "P0 CHANNEL %c",
			 'A' + (int)i);
	}
	strcpy(t.modules[2].serial, "S1"); /* a maker's mistake */
	t.dimms[0].module = 1;
	t.dimms[0].match = SLOT_EXACT;
	t.dimms[1].module = TOPOLOGY_NO_MODULE;
	topology_list(&t, usec(9), &list);
	assert_true(list.dmi_known && list.edac_known);
	assert_int_equal(list.n, 4);
	assert_string_equal(list.v[0].bank, "P0 CHANNEL B");
	assert_false(list.v[0].has_serial);
	assert_true(list.v[0].counted);
	assert_int_equal(list.v[1].identity, SLOT_UNKNOWN);
	assert_false(list.v[2].counted);
	assert_true(list.v[2].has_serial);
	/* One locator for all: the bank tells them apart. */
	assert_string_equal(list.v[2].slot, "P0 CHANNEL A DIMM 0");
	assert_int_equal(list.v[3].seen, 9);
	t.unread = -EIO;
	topology_list(&t, usec(9), &list);
	assert_false(list.dmi_known || list.edac_known);
	t.unread = 0;
	t.modules_denied = true;
	topology_list(&t, usec(9), &list);
	assert_false(list.dmi_known);
	assert_true(list.edac_known);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(stored_and_read_back),         cmocka_unit_test(healthy_and_missing),
		cmocka_unit_test(with_errors),      cmocka_unit_test(a_guess_is_no_fact),
		cmocka_unit_test(from_the_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
