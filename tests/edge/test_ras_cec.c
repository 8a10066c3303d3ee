/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The kernel's own collector on made-up machines: what can be seen of it and by which
 * evidence, the word that the unit's part leaves for the daemon, and its threshold taken
 * over and given back, also after a crash and after a reboot.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "cli/tree.h"
#include "host/small_file.h"
#include "kernel/cec_control.h"

#define BOOT  "3c1d6f2e-0000-4000-8000-000000000001"
#define LATER "3c1d6f2e-0000-4000-8000-000000000002"

/* The collector exists on x86 only, and a made-up machine may be one. */
#define BLIND RAS_CEC_UNKNOWN

static char root[PATH_MAX];
static struct cec_control c;

static void add(const char *line)
{
	assert_int_equal(tree_add_line(root, line), 0);
}

static void threshold_is(const char *value)
{
	char line[128];

	snprintf(line, sizeof(line), RAS_CEC_THRESHOLD ": %s", value);
	add(line);
}

static int64_t read_threshold(void)
{
	char text[32];

	assert_true(small_file_read_below(root, RAS_CEC_THRESHOLD, text, sizeof(text)) >
		    0);
	return atoll(text);
}

static bool note_is_there(void)
{
	char text[128];

	return small_file_read_below(root, CEC_NOTE, text, sizeof(text)) > 0;
}

static void looks_like(const char *boot, enum ras_cec_state state, int64_t threshold,
		       int64_t former)
{
	struct ras_cec cec;

	ras_cec_look(root, boot, &cec);
	assert_string_equal(ras_cec_state_to_string(cec.state),
			    ras_cec_state_to_string(state));
	assert_int_equal(cec.threshold, threshold);
	assert_int_equal(cec.former, former);
}

static int set_up(void **state)
{
	int r = tree_make(root, sizeof(root));

	return r < 0 ? r : tree_add_line(root, RAS_CEC_RUN "/");
}

static int tear_down(void **state)
{
	return tree_remove(root);
}

static void nothing_to_see(void **state)
{
	looks_like(BOOT, BLIND, RAS_CEC_UNSEEN, RAS_CEC_UNSEEN);
}

static void seen_in_debugfs(void **state)
{
	struct ras_cec cec;

	threshold_is("2");
	looks_like(BOOT, RAS_CEC_ACTIVE, 2, RAS_CEC_UNSEEN);
	ras_cec_look(root, "", &cec);
	assert_true(ras_cec_acts(&cec));
	threshold_is("1023");
	looks_like(BOOT, RAS_CEC_ACTIVE, RAS_CEC_MAX, RAS_CEC_UNSEEN);
	ras_cec_look(root, "", &cec);
	assert_false(ras_cec_acts(&cec));
	/* Lockdown: the folder is seen, and no file of it can be read. */
	threshold_is("none");
	looks_like(BOOT, RAS_CEC_ACTIVE, RAS_CEC_UNSEEN, RAS_CEC_UNSEEN);
	ras_cec_look(root, "", &cec);
	assert_true(ras_cec_acts(&cec));
}

static void debugfs_without_it(void **state)
{
	add("/sys/kernel/debug/ras/daemon_active: 0");
	looks_like(BOOT, RAS_CEC_NO, RAS_CEC_UNSEEN, RAS_CEC_UNSEEN);
	add("/proc/cmdline: root=/dev/sda2 ras=cec_disable quiet");
	looks_like(BOOT, RAS_CEC_DISABLED, RAS_CEC_UNSEEN, RAS_CEC_UNSEEN);
}

static void disabled_by_the_command_line(void **state)
{
	add("/proc/cmdline: quiet ras=cec_disabled xras=cec_disable");
	looks_like(BOOT, BLIND, RAS_CEC_UNSEEN, RAS_CEC_UNSEEN);
	add("/proc/cmdline: quiet ras=cec_disable");
	looks_like(BOOT, RAS_CEC_DISABLED, RAS_CEC_UNSEEN, RAS_CEC_UNSEEN);
}

static void by_the_word_alone(void **state)
{
	add(RAS_CEC_WORD ": " BOOT " active 1023 2");
	looks_like(BOOT, RAS_CEC_ACTIVE, RAS_CEC_MAX, 2);
	looks_like(LATER, BLIND, RAS_CEC_UNSEEN, RAS_CEC_UNSEEN);
	looks_like("", BLIND, RAS_CEC_UNSEEN, RAS_CEC_UNSEEN);
	add(RAS_CEC_WORD ": " BOOT " no -1 -1");
	looks_like(BOOT, RAS_CEC_NO, RAS_CEC_UNSEEN, RAS_CEC_UNSEEN);
}

/* What can be seen is newer than a word. */
static void the_word_is_stale(void **state)
{
	add(RAS_CEC_WORD ": " BOOT " active 1023 2");
	threshold_is("5");
	looks_like(BOOT, RAS_CEC_ACTIVE, 5, 2);
	add(RAS_CEC_WORD ": " BOOT " no -1 -1");
	looks_like(BOOT, RAS_CEC_ACTIVE, 5, RAS_CEC_UNSEEN);
}

static void words_that_are_none(void **state)
{
	static const char *const words[] = {
		"",
		BOOT,
		BOOT " active",
		BOOT " active 2",
		BOOT " active two 2",
		BOOT " acting 2 2",
		BOOT " active 1024 2",
		BOOT " active -2 2",
		BOOT " active 2 99999999999999999999",
		" active 2 2",
	};
	struct ras_cec cec = { .threshold = 7 };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		assert_int_equal(ras_cec_parse_word(words[i], BOOT, &cec), -EBADMSG);
		assert_int_equal(cec.threshold, 7);
	}
}

static void each_word_is_read_back(void **state)
{
	for (int s = 0; s < RAS_CEC_STATE_MAX_; s++) {
		struct ras_cec in = { (enum ras_cec_state)s, 17, 2 }, out;
		char text[128];

		assert_true(ras_cec_format_word(text, sizeof(text), BOOT, &in) > 0);
		assert_int_equal(ras_cec_parse_word(text, BOOT, &out), 0);
		assert_int_equal(out.state, in.state);
		assert_int_equal(out.threshold, in.threshold);
		assert_int_equal(out.former, in.former);
		assert_int_equal(ras_cec_parse_word(text, LATER, &out), -ESTALE);
	}
}

static void begin(const char *boot)
{
	assert_int_equal(cec_control_init(&c, root, boot), 0);
}

static void taken_and_given_back(void **state)
{
	threshold_is("2");
	begin(BOOT);
	assert_int_equal(c.seen.threshold, 2);
	assert_int_equal(cec_control_take(&c), 0);
	assert_int_equal(read_threshold(), RAS_CEC_MAX);
	assert_int_equal(c.seen.threshold, RAS_CEC_MAX);
	assert_int_equal(c.seen.former, 2);
	assert_int_equal(cec_control_leave_word(&c), 0);
	looks_like(BOOT, RAS_CEC_ACTIVE, RAS_CEC_MAX, 2);
	assert_int_equal(cec_control_take(&c), 0); /* as a reload does */
	assert_int_equal(c.seen.former, 2);
	assert_int_equal(cec_control_give_back(&c), 1);
	assert_int_equal(read_threshold(), 2);
	assert_int_equal(c.seen.former, RAS_CEC_UNSEEN);
	assert_false(note_is_there());
	assert_int_equal(cec_control_give_back(&c), 0);
}

/* Start and stop are two processes, and either may be killed. */
static void another_process_gives_back(void **state)
{
	threshold_is("3");
	begin(BOOT);
	assert_int_equal(cec_control_take(&c), 0);
	begin(BOOT);
	assert_int_equal(c.seen.former, 3);
	assert_int_equal(cec_control_take(&c), 0);
	begin(BOOT);
	assert_int_equal(cec_control_give_back(&c), 1);
	assert_int_equal(read_threshold(), 3);
}

/* The kernel starts with its own value: an old note must not change it. */
static void a_reboot_voids_the_note(void **state)
{
	threshold_is("3");
	begin(BOOT);
	assert_int_equal(cec_control_take(&c), 0);
	begin(LATER); /* the threshold is the maximum by somebody else's doing */
	assert_int_equal(c.seen.former, RAS_CEC_UNSEEN);
	assert_int_equal(cec_control_give_back(&c), 0);
	assert_int_equal(read_threshold(), RAS_CEC_MAX);
	threshold_is("2");
	assert_int_equal(cec_control_take(&c), 0);
	assert_int_equal(c.seen.former, 2);
	assert_int_equal(cec_control_give_back(&c), 1);
	assert_int_equal(read_threshold(), 2);
}

static void killed_before_the_write(void **state)
{
	threshold_is("2");
	add(CEC_NOTE ": " BOOT " 2 1023");
	begin(BOOT);
	assert_int_equal(c.seen.former, RAS_CEC_UNSEEN);
	assert_int_equal(cec_control_give_back(&c), -ESTALE);
	assert_int_equal(read_threshold(), 2);
	assert_false(note_is_there());
}

static void changed_by_another_program(void **state)
{
	threshold_is("2");
	begin(BOOT);
	assert_int_equal(cec_control_take(&c), 0);
	threshold_is("50");
	assert_int_equal(cec_control_give_back(&c), -ESTALE);
	assert_int_equal(read_threshold(), 50);
	assert_false(note_is_there());
}

static void the_maximum_of_others_stays(void **state)
{
	threshold_is("1023");
	begin(BOOT);
	assert_int_equal(cec_control_take(&c), 0);
	assert_false(note_is_there());
	assert_int_equal(cec_control_give_back(&c), 0);
	assert_int_equal(read_threshold(), RAS_CEC_MAX);
}

static void no_collector(void **state)
{
	begin(BOOT);
	assert_int_equal(cec_control_take(&c), -ENOENT);
	assert_int_equal(cec_control_give_back(&c), 0);
	assert_int_equal(cec_control_leave_word(&c), 0);
	looks_like(BOOT, BLIND, RAS_CEC_UNSEEN, RAS_CEC_UNSEEN);
}

/* Without a note nobody could give the value back. */
static void nothing_is_taken_without_a_note(void **state)
{
	threshold_is("2");
	begin("");
	assert_int_equal(cec_control_take(&c), -ENODATA);
	assert_int_equal(read_threshold(), 2);
	begin(BOOT);
	add("- " RAS_CEC_RUN);
	assert_true(cec_control_take(&c) < 0);
	assert_int_equal(read_threshold(), 2);
}

static void unreadable_threshold(void **state)
{
	threshold_is("none");
	begin(BOOT);
	assert_int_equal(cec_control_take(&c), -EBADMSG);
	assert_int_equal(c.seen.state, RAS_CEC_ACTIVE);
	assert_false(note_is_there());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		T(nothing_to_see),
		T(seen_in_debugfs),
		T(debugfs_without_it),
		T(disabled_by_the_command_line),
		T(by_the_word_alone),
		T(the_word_is_stale),
		T(words_that_are_none),
		T(each_word_is_read_back),
		T(taken_and_given_back),
		T(another_process_gives_back),
		T(a_reboot_voids_the_note),
		T(killed_before_the_write),
		T(changed_by_another_program),
		T(the_maximum_of_others_stays),
		T(no_collector),
		T(nothing_is_taken_without_a_note),
		T(unreadable_threshold),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
