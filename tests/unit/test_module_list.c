/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What has become of the modules of the last start: gone, replaced, moved, and all the
 * cases in which nothing can be known and nothing is said.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "track/module_list.h"

static struct module_list was, now;
static char said[512];

static struct module_rec *put(struct module_list *l, const char *slot, const char *serial)
{
	struct module_rec *m = module_list_add(l);

	snprintf(m->slot, sizeof(m->slot), "%s", slot);
	snprintf(m->locator, sizeof(m->locator), "%s", slot);
	strcpy(m->part, "PART");
	snprintf(m->serial, sizeof(m->serial), "%s", serial);
	m->has_serial = serial[0] != '\0';
	m->seen = 7;
	return m;
}

static void note(void *userdata, enum module_change change, const struct module_rec *a,
		 const struct module_rec *b)
{
	static const char *const words[] = { "gone", "replaced", "moved" };
	size_t n = strlen(said);

	snprintf(said + n, sizeof(said) - n, "%s %s%s%s\n", words[change], a->slot,
		 b ? " " : "", b ? b->slot : "");
}

static bool compare(void)
{
	said[0] = '\0';
	return module_list_compare(&now, &was, note, NULL);
}

static void start(void)
{
	memset(&was, 0, sizeof(was));
	memset(&now, 0, sizeof(now));
	now.dmi_known = now.edac_known = true;
	put(&was, "A1", "S1");
	put(&was, "A2", "S2");
	put(&was, "B1", "S3");
}

static void nothing_new(void **state)
{
	start();
	now.n = was.n;
	memcpy(now.v, was.v, sizeof(now.v));
	assert_true(compare());
	assert_string_equal(said, "");
	assert_int_equal(now.n, 3);
	/* The first start of all. */
	was.n = 0;
	assert_true(compare());
	assert_string_equal(said, "");
}

static void gone(void **state)
{
	start();
	put(&now, "A1", "S1");
	put(&now, "B1", "S3");
	assert_true(compare());
	assert_string_equal(said, "gone A2\n");
	assert_int_equal(now.n, 3);
	assert_true(now.v[2].missing);
	assert_string_equal(now.v[2].serial, "S2");
	assert_int_equal(now.v[2].seen, 7);
	/* The next start does not say it again, and still knows it. */
	was = now;
	now.n = 2;
	assert_true(compare());
	assert_string_equal(said, "");
	assert_int_equal(now.n, 3);
	assert_true(now.v[2].missing);
	/* It is back. */
	was = now;
	now.n = 2;
	put(&now, "A2", "S2");
	assert_true(compare());
	assert_string_equal(said, "");
	assert_int_equal(now.n, 3);
	assert_false(now.v[2].missing);
}

/* Which DIMM it was is a guess; which slot the firmware had it in is not. */
static void gone_from_a_guess(void **state)
{
	start();
	was.v[2].identity = was.v[2].slot_match = SLOT_LIKELY;
	strcpy(was.v[2].slot, "B9");
	put(&now, "A1", "S1");
	put(&now, "A2", "S2");
	assert_true(compare());
	assert_true(now.v[2].missing);
	assert_string_equal(now.v[2].slot, "B1");
	assert_int_equal(now.v[2].slot_match, SLOT_EXACT);
}

static void moved(void **state)
{
	start();
	put(&now, "A1", "S2");
	put(&now, "A2", "S1");
	put(&now, "B2", "S3");
	assert_true(compare());
	assert_string_equal(said, "moved A1 A2\nmoved A2 A1\nmoved B1 B2\n");
	assert_int_equal(now.n, 3);
}

static void replaced(void **state)
{
	start();
	put(&now, "A1", "S1");
	put(&now, "A2", "S9");
	put(&now, "B1", "S3");
	assert_true(compare());
	assert_string_equal(said, "replaced A2 A2\n");
	assert_int_equal(now.n, 3);
	/* A missing module whose slot is filled is not missed any more. */
	start();
	was.v[1].missing = true;
	put(&now, "A1", "S1");
	put(&now, "A2", "S9");
	put(&now, "B1", "S3");
	assert_true(compare());
	assert_string_equal(said, "");
	assert_int_equal(now.n, 3);
}

/* For one boot the firmware cannot read a module: it is not gone, and not replaced. */
static void unreadable_for_a_boot(void **state)
{
	start();
	put(&now, "A1", "S1");
	put(&now, "A2", "");
	put(&now, "B1", "S3");
	assert_true(compare());
	assert_string_equal(said, "");
	assert_int_equal(now.n, 4);
	assert_true(now.v[3].doubted);
	assert_false(now.v[3].missing);
	/* Then it can read it again, or another one is there. */
	was = now;
	now.n = 0;
	put(&now, "A1", "S1");
	put(&now, "A2", "S8");
	put(&now, "B1", "S3");
	assert_true(compare());
	assert_string_equal(said, "replaced A2 A2\n");
	assert_int_equal(now.n, 3);
}

/* It may be the one that cannot be read in a slot that was empty. */
static void unreadable_elsewhere(void **state)
{
	start();
	put(&now, "A1", "S1");
	put(&now, "A2", "S2");
	put(&now, "B2", "");
	assert_true(compare());
	assert_string_equal(said, "");
	assert_true(now.v[3].doubted);
	was = now;
	now.n = 0;
	put(&now, "A1", "S1");
	put(&now, "A2", "S2");
	put(&now, "B2", "S3");
	assert_true(compare());
	assert_string_equal(said, "moved B1 B2\n");
	assert_int_equal(now.n, 3);
}

static void without_serial_numbers(void **state)
{
	start();
	for (unsigned int i = 0; i < was.n; i++)
		was.v[i].has_serial = false;
	put(&now, "A1", "");
	put(&now, "B1", "");
	assert_true(compare());
	assert_string_equal(said, "gone A2\n");
	/* One more in another slot: it may be that one. */
	start();
	for (unsigned int i = 0; i < was.n; i++)
		was.v[i].has_serial = false;
	put(&now, "A1", "");
	put(&now, "B1", "");
	put(&now, "B2", "");
	assert_true(compare());
	assert_string_equal(said, "");
}

static void nothing_is_concluded(void **state)
{
	start();
	now.dmi_known = false;
	put(&now, "A1", "S1");
	assert_false(compare());
	assert_string_equal(said, "");
	/* The disk of another machine. */
	start();
	put(&now, "A1", "X1");
	put(&now, "A2", "X2");
	assert_true(compare());
	assert_string_equal(said, "");
	assert_int_equal(now.n, 2);
}

/* Firmware that gives all slots one name: the serial numbers are enough. */
static void one_name_for_all_slots(void **state)
{
	start();
	for (unsigned int i = 0; i < was.n; i++)
		strcpy(was.v[i].locator, "DIMM");
	put(&now, "DIMM", "S1");
	put(&now, "DIMM", "S3");
	assert_true(compare());
	assert_string_equal(said, "gone A2\n");
}

static struct module_rec *put_dimm(struct module_list *l, uint8_t mc, int8_t layer)
{
	struct module_rec *m = module_list_add(l);

	m->counted = true;
	m->mc = mc;
	m->layer[0] = layer;
	snprintf(m->slot, sizeof(m->slot), "mc%u %d", mc, layer);
	return m;
}

static void edac_alone(void **state)
{
	memset(&was, 0, sizeof(was));
	memset(&now, 0, sizeof(now));
	put_dimm(&was, 0, 0);
	put_dimm(&was, 0, 1);
	put_dimm(&now, 0, 1);
	/* No driver yet: nothing is known. */
	assert_false(compare());
	now.edac_known = true;
	assert_true(compare());
	assert_string_equal(said, "gone mc0 0\n");
	assert_true(now.v[1].missing);
	/* As many as before, by other numbers: the drivers came up in another order. */
	memset(&now, 0, sizeof(now));
	now.edac_known = true;
	put_dimm(&now, 1, 0);
	put_dimm(&now, 1, 1);
	assert_true(compare());
	assert_string_equal(said, "");
	assert_int_equal(now.n, 2);
}

static void ranks_of_a_module(void **state)
{
	static const int8_t second[3] = { 1, -1, -1 }, none[3] = { -1, -1, -1 };
	struct module_rec *a, *b, *c;

	memset(&now, 0, sizeof(now));
	a = put_dimm(&now, 0, 0);
	b = put_dimm(&now, 0, 1);
	c = put_dimm(&now, 1, 0);
	a->rank = b->rank = c->rank = true;
	a->size_mib = b->size_mib = c->size_mib = 8;
	strcpy(a->label, "L");
	for (unsigned int i = 0; i < now.n; i++) {
		strcpy(now.v[i].slot, "A1");
		now.v[i].slot_match = SLOT_EXACT;
	}
	assert_true(module_rec_same_module(a, b));
	assert_false(module_rec_same_module(a, c));
	assert_int_equal(module_list_size(&now, 1), 16);
	assert_int_equal(module_list_size(&now, 2), 8);
	b->slot_match = SLOT_LIKELY;
	assert_false(module_rec_same_module(a, b));
	assert_ptr_equal(module_list_find(&now, 0, second, ""), b);
	assert_ptr_equal(module_list_find(&now, 0, none, "L"), a);
	assert_null(module_list_find(&now, 1, second, ""));
	assert_null(module_list_find(&now, 0, none, ""));
}

static void the_list_is_full(void **state)
{
	start();
	while (module_list_add(&now))
		now.v[now.n - 1].counted = true;
	assert_int_equal(now.n, MODULE_LIST_MAX);
	strcpy(now.v[0].serial, "S1");
	strcpy(now.v[0].part, "PART");
	now.v[0].has_serial = true;
	now.v[0].identity = SLOT_EXACT;
	strcpy(now.v[0].locator, "A1");
	assert_true(compare());
	assert_string_equal(said, "gone A2\ngone B1\n");
	assert_int_equal(now.n, MODULE_LIST_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_new),
		cmocka_unit_test(gone),
		cmocka_unit_test(gone_from_a_guess),
		cmocka_unit_test(moved),
		cmocka_unit_test(replaced),
		cmocka_unit_test(unreadable_for_a_boot),
		cmocka_unit_test(unreadable_elsewhere),
		cmocka_unit_test(without_serial_numbers),
		cmocka_unit_test(nothing_is_concluded),
		cmocka_unit_test(one_name_for_all_slots),
		cmocka_unit_test(edac_alone),
		cmocka_unit_test(ranks_of_a_module),
		cmocka_unit_test(the_list_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
