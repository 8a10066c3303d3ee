/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * SoftOfflineControl=own against a made-up sysctl: which state follows from what the
 * sysctl is, and that each change is one line in the journal, however often it is looked
 * at.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "cli/tree.h"
#include "edge/said.h"
#include "parts/sysctl_control.h"

#define SYSCTL "/proc/sys/vm/enable_soft_offline"

static char root[PATH_MAX];
static struct sysctl_control c;

static void set(const char *value)
{
	char line[128];

	snprintf(line, sizeof(line), SYSCTL ": %s", value);
	assert_int_equal(tree_add_line(root, line), 0);
}

static void remove_sysctl(void)
{
	char path[PATH_MAX + sizeof(SYSCTL)];

	snprintf(path, sizeof(path), "%s" SYSCTL, root);
	assert_int_equal(unlink(path), 0);
}

static void assert_value(int64_t want)
{
	int64_t value;

	assert_int_equal(kernel_control_read(root, &value), 0);
	assert_int_equal(value, want);
}

static void begin(void)
{
	char db[PATH_MAX];

	snprintf(db, sizeof(db), "%.4000s/db", root);
	memset(&c, 0, sizeof(c));
	sysctl_control_init(&c, root, db);
}

/* The state is @want, and since the last call @said lines were written. */
static void assert_state(enum sysctl_state want, unsigned int said)
{
	assert_string_equal(sysctl_state_to_string(c.state),
			    sysctl_state_to_string(want));
	assert_int_equal(lines, said);
	lines = 0;
}

static int set_up(void **state)
{
	lines = 0;
	return tree_make(root, sizeof(root));
}

static int tear_down(void **state)
{
	return tree_remove(root);
}

static void own_and_back(void **state)
{
	set("1");
	begin();
	assert_state(SYSCTL_LEAVE, 0);
	sysctl_control_apply(&c, true);
	assert_state(SYSCTL_OWN, 1);
	assert_value(5);
	sysctl_control_apply(&c, true); /* as a reload does */
	sysctl_control_poll(&c);
	assert_state(SYSCTL_OWN, 0);
	sysctl_control_apply(&c, false);
	assert_state(SYSCTL_LEAVE, 1);
	assert_value(1);
	sysctl_control_give_back(&c); /* nothing is left to give back */
	assert_state(SYSCTL_LEAVE, 0);
}

/* Not asked for: another program may change the sysctl, and that is said. */
static void left_alone(void **state)
{
	set("1");
	begin();
	sysctl_control_apply(&c, false);
	sysctl_control_poll(&c);
	assert_state(SYSCTL_LEAVE, 0);
	set("0");
	sysctl_control_poll(&c);
	sysctl_control_poll(&c);
	assert_state(SYSCTL_LEAVE, 1);
	assert_string_equal(last, "vm.enable_soft_offline was changed by another "
				  "program, from 1 to 0");
	assert_value(0);
}

/* Soft offline is off: nobody is overruled, and control is taken when it is on. */
static void waits_for_the_switch(void **state)
{
	set("0");
	begin();
	sysctl_control_apply(&c, true);
	assert_state(SYSCTL_WAITING, 1);
	sysctl_control_poll(&c);
	assert_state(SYSCTL_WAITING, 0);
	assert_value(0);
	set("1");
	sysctl_control_poll(&c);
	assert_state(SYSCTL_OWN, 2); /* the change, and what we did */
	assert_value(5);
}

static void turned_off_meanwhile(void **state)
{
	set("1");
	begin();
	sysctl_control_apply(&c, true);
	lines = 0;
	set("0");
	sysctl_control_poll(&c);
	assert_state(SYSCTL_WAITING, 1);
	set("1");
	sysctl_control_poll(&c);
	assert_state(SYSCTL_OWN, 2);
}

/* Another program clears our bit: it is not set again, and not given back. */
static void overruled(void **state)
{
	set("1");
	begin();
	sysctl_control_apply(&c, true);
	lines = 0;
	set("1");
	sysctl_control_poll(&c);
	assert_state(SYSCTL_OVERRULED, 1);
	sysctl_control_poll(&c);
	assert_state(SYSCTL_OVERRULED, 0);
	assert_value(1);
	sysctl_control_give_back(&c);
	assert_state(SYSCTL_LEAVE, 1);
	assert_value(1);
}

static void unsupported(void **state)
{
	begin();
	sysctl_control_apply(&c, true);
	assert_state(SYSCTL_UNSUPPORTED, 1);
	assert_non_null(strstr(last, "has no vm.enable_soft_offline"));
	sysctl_control_apply(&c, true);
	sysctl_control_poll(&c);
	assert_state(SYSCTL_UNSUPPORTED, 0);
}

/* A text that is no number is an error, said once, and tried again by the minute. */
static void failed(void **state)
{
	set("yes");
	begin();
	sysctl_control_apply(&c, true);
	assert_state(SYSCTL_FAILED, 1);
	sysctl_control_poll(&c);
	assert_state(SYSCTL_FAILED, 0);
	remove_sysctl();
	set("3");
	sysctl_control_poll(&c);
	assert_int_equal(c.state, SYSCTL_OWN);
	assert_value(7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(own_and_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(left_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(waits_for_the_switch, set_up, tear_down),
		cmocka_unit_test_setup_teardown(turned_off_meanwhile, set_up, tear_down),
		cmocka_unit_test_setup_teardown(overruled, set_up, tear_down),
		cmocka_unit_test_setup_teardown(unsupported, set_up, tear_down),
		cmocka_unit_test_setup_teardown(failed, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
