/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The answer to an operator who names a page or a DIMM that is not known, or whose record
 * cannot be read: a sentence, and never the words of an errno. Engine and database are
 * the real ones.
 */

#include "db_fixture.h"
#include "engine/effect.h"
#include "loop/daemon_internal.h"

static struct daemon d;

int daemon_step(struct daemon *daemon, struct input in)
{
	struct effects effects;

	in.now = usec(NOW);
	(void)engine_step(daemon->engine, &in, &effects);
	for (unsigned int i = 0; i < effects.n; i++)
		if (effects.v[i].kind == EFFECT_REPLY)
			daemon->own_error = effects.v[i].reply.error;
	return 0;
}

int daemon_flush(struct daemon *daemon)
{
	return 0;
}

int daemon_reload(struct daemon *daemon, char **ret_text)
{
	return 0;
}

const char *daemon_why_held(const struct kernel_state *k)
{
	return "";
}

const struct topology *daemon_topology(struct daemon *daemon)
{
	return NULL;
}

void daemon_look_at_source(struct daemon *daemon)
{
}

bool daemon_module_list(struct daemon *daemon, struct module_list **ret)
{
	return false;
}

int daemon_forget_module(struct daemon *daemon, const char *slot)
{
	return -ENOENT;
}

void daemon_look_at_kernel(struct daemon *daemon)
{
}

bool daemon_db_fine(const struct daemon *daemon)
{
	return daemon->db != NULL;
}

void daemon_notify_ready(struct daemon *daemon)
{
}

void daemon_fill_kernel(struct daemon *daemon, struct status_report *s)
{
}

static int start(void **state)
{
	_cleanup_(free_p) struct config *cfg = malloc(sizeof(*cfg));

	if (setup(state) < 0 || !cfg)
		return -1;
	config_init(cfg);
	d = (struct daemon){ .page_shift = 12 };
	return engine_new(&d.engine, cfg, 12);
}

static int stop(void **state)
{
	d.db = db_close(d.db);
	d.engine = engine_free(d.engine);
	return teardown(state);
}

static int count(void *userdata, const void *report)
{
	(*(unsigned int *)userdata)++;
	return 0;
}

static void expect_unknown(void)
{
	static const char want[] =
		"page 0x1234000 is not known: no error of it is recorded";
	char why[REPORT_TEXT_MAX] = "";
	struct outlook_report outlook;

	assert_int_equal(daemon_bus_ops.forget(&d, 0x1234000, why), -ENOENT);
	assert_string_equal(why, want);
	why[0] = '\0';
	assert_int_equal(daemon_bus_ops.explain(&d, 0x1234000, &outlook, why), -ENOENT);
	assert_string_equal(why, want);
	why[0] = '\0';
	assert_int_equal(daemon_bus_ops.forget_dimm(&d, "P9", why), -ENOENT);
	assert_string_equal(why,
			    "no DIMM \"P9\" is known; softofflinectl dimms lists all");
}

static void unknown(void **state)
{
	d.db = must_open(*state, DB_CREATED);
	expect_unknown();
}

/* What an earlier daemon stored is not known to one that goes on without the database. */
static void without_database(void **state)
{
	char why[REPORT_TEXT_MAX] = "";

	assert_int_equal(daemon_bus_ops.forget(&d, 0x1234000, why), -EIO);
	assert_string_equal(why, "the database cannot be read: it is not open");
}

/* A database that cannot be read does not say that a page is not known. */
static void unread(void **state)
{
	const struct fixture *f = *state;
	struct report_filter filter = { .has_address = true, .address = 0x1234000 };
	char why[REPORT_TEXT_MAX] = "";
	struct outlook_report outlook;
	unsigned int rows = 0;
	uint64_t cursor = 0;

	d.db = must_open(f, DB_CREATED);
	run_sql(f->path, "ALTER TABLE page RENAME TO gone");
	assert_int_not_equal(daemon_bus_ops.forget(&d, 0x1234000, why), -ENOENT);
	assert_non_null(strstr(why, "the database cannot be read: "));
	why[0] = '\0';
	assert_true(daemon_bus_ops.explain(&d, 0x1234000, &outlook, why) < 0);
	assert_non_null(strstr(why, "the database cannot be read: "));
	assert_true(daemon_bus_ops.pages(&d, &filter, count, &rows, &cursor) < 0);
	assert_int_equal(rows, 0);
}

static void column_error(uint32_t row)
{
	struct ce_event ev = {
		.time = usec(NOW),
		.address = paddr(UINT64_C(0x10000000) + row * UINT64_C(0x100000)),
		.has_address = true,
		.count = 1,
		.grain_bits = 6,
		.layer = { -1, -1, -1 },
		.label = { "A1", 2 },
		.coord = { .row = row,
			   .column = 8,
			   .bank = 2,
			   .have = DRAM_ROW | DRAM_COLUMN | DRAM_BANK },
	};

	(void)daemon_step(&d, (struct input){ .kind = INPUT_EVENT, .event = &ev });
}

/* Which key holds a page back, while one does. */
static void held_by(void **state)
{
	struct outlook_report outlook;
	char why[REPORT_TEXT_MAX] = "";

	(void)daemon_step(&d, (struct input){ .kind = INPUT_MACHINE,
					      .machine = { .ram_pages = 1 << 20 } });
	(void)daemon_step(&d, (struct input){ .kind = INPUT_RESTORE_DONE });
	for (uint32_t row = 1; row <= 3; row++)
		column_error(row);
	assert_int_equal(daemon_bus_ops.explain(&d, 0x10300000, &outlook, why), 0);
	assert_string_equal(outlook.held_by, "");
	column_error(3);
	assert_int_equal(daemon_bus_ops.explain(&d, 0x10300000, &outlook, why), 0);
	assert_string_equal(outlook.held_by, "WideFaultThreshold=16");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(unknown, start, stop),
		cmocka_unit_test_setup_teardown(without_database, start, stop),
		cmocka_unit_test_setup_teardown(unread, start, stop),
		cmocka_unit_test_setup_teardown(held_by, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
