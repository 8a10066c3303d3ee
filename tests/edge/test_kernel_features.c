/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What not every kernel has: vm.enable_soft_offline taken, given back and left alone, and
 * the counters of each node, in made-up trees. A kernel that refuses bit 2 is played by a
 * sysctl of a network namespace that takes 0 and 1 only, too; the real one is in the
 * virtual machine's tests.
 */

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "cli/tree.h"
#include "kernel/kernel_control.h"
#include "kernel/node_counters.h"

#define SYSCTL "/proc/sys/vm/enable_soft_offline"
#define BOOT   "11111111-2222-3333-4444-555555555555"

static char root[PATH_MAX];
static struct kernel_sysctl c;

static void set(const char *value)
{
	char line[128];

	snprintf(line, sizeof(line), SYSCTL ": %s", value);
	assert_int_equal(tree_add_line(root, line), 0);
}

static void assert_value(int64_t want)
{
	int64_t value;

	assert_int_equal(kernel_control_read(root, &value), 0);
	assert_int_equal(value, want);
}

static bool has_note(void)
{
	struct stat st;

	if (stat(c.note, &st) < 0)
		return false;
	assert_int_equal(st.st_mode & 07777, 0600);
	return true;
}

static void begin(const char *boot)
{
	char note[PATH_MAX + 16];

	snprintf(note, sizeof(note), "%s/db.sysctl", root);
	assert_int_equal(kernel_control_init(&c, root, note, boot), 0);
}

static int set_up(void **state)
{
	return tree_make(root, sizeof(root));
}

static int tear_down(void **state)
{
	return tree_remove(root);
}

static void test_take_and_give_back(void **state)
{
	set("1");
	begin(BOOT);
	assert_int_equal(c.seen, 1);
	assert_int_equal(kernel_control_take(&c), 0);
	assert_value(5);
	assert_true(has_note());
	assert_int_equal(kernel_control_take(&c), 0); /* again, as a reload does */
	assert_true(c.taken);
	assert_int_equal(kernel_control_give_back(&c), 1);
	assert_value(1);
	assert_false(has_note());
	assert_int_equal(kernel_control_give_back(&c), 0);
	assert_value(1);
}

/* A daemon that was killed left it taken; its successor does not want it. */
static void test_given_back_by_a_successor(void **state)
{
	set("1");
	begin(BOOT);
	assert_int_equal(kernel_control_take(&c), 0);
	begin(BOOT);
	assert_value(5);
	assert_int_equal(kernel_control_give_back(&c), 1);
	assert_value(1);
	assert_false(has_note());
}

/* What is set beside bit 2 stays. */
static void test_other_bits(void **state)
{
	set("3");
	begin(BOOT);
	assert_int_equal(kernel_control_take(&c), 0);
	assert_value(7);
	assert_int_equal(kernel_control_give_back(&c), 1);
	assert_value(3);
}

/* Set by the administrator: not ours to take away. */
static void test_set_before(void **state)
{
	set("5");
	begin(BOOT);
	assert_int_equal(kernel_control_take(&c), 0);
	assert_false(c.taken);
	assert_false(has_note());
	assert_int_equal(kernel_control_give_back(&c), 0);
	assert_value(5);
}

static void test_absent_and_off(void **state)
{
	begin(BOOT);
	assert_int_equal(c.seen, CONTROL_ABSENT);
	assert_int_equal(kernel_control_take(&c), -ENOENT);
	assert_int_equal(kernel_control_give_back(&c), 0);
	set("0");
	assert_int_equal(kernel_control_take(&c), -EAGAIN);
	assert_value(0);
	set("");
	assert_int_equal(kernel_control_take(&c), -EBADMSG);
	set("what");
	assert_int_equal(kernel_control_take(&c), -EBADMSG);
	assert_false(c.taken);
	assert_false(has_note());
}

/* Killed in between: the successor knows what it was, but not after a reboot. */
static void test_killed(void **state)
{
	set("1");
	begin(BOOT);
	assert_int_equal(kernel_control_take(&c), 0);
	begin(BOOT);
	assert_int_equal(kernel_control_take(&c), 0);
	assert_true(c.taken);
	assert_int_equal(kernel_control_give_back(&c), 1);
	assert_value(1);

	assert_int_equal(kernel_control_take(&c), 0);
	begin("another boot");
	assert_int_equal(kernel_control_take(&c), 0);
	assert_false(c.taken);
	begin(BOOT);
	set("7");
	assert_int_equal(kernel_control_take(&c), 0); /* the note is of another value */
	assert_false(c.taken);
	assert_int_equal(tree_add_line(root, "/db.sysctl: rubbish"), 0);
	set("5");
	assert_int_equal(kernel_control_take(&c), 0);
	assert_false(c.taken);
}

static void test_changed_by_others(void **state)
{
	int64_t before = -1;

	set("1");
	begin(BOOT);
	assert_int_equal(kernel_control_poll(&c, &before), 0);
	assert_int_equal(kernel_control_take(&c), 0);
	assert_int_equal(kernel_control_poll(&c, &before), 0);
	assert_int_equal(before, -1);
	set("0");
	assert_int_equal(kernel_control_poll(&c, &before), 1);
	assert_int_equal(before, 5);
	assert_int_equal(c.seen, 0);
	assert_int_equal(kernel_control_poll(&c, &before), 0);
	assert_int_equal(kernel_control_give_back(&c), -ESTALE);
	assert_value(0);
	assert_int_equal(tree_add_line(root, "- " SYSCTL), 0);
	assert_int_equal(kernel_control_poll(&c, &before), 1);
	assert_int_equal(c.seen, CONTROL_ABSENT);
}

/* A folder in its place can be opened and not read: that is no value, and no "absent". */
static void break_sysctl(void)
{
	assert_int_equal(tree_add_line(root, "- " SYSCTL), 0);
	assert_int_equal(tree_add_line(root, SYSCTL "/"), 0);
}

static void mend_sysctl(const char *value)
{
	assert_int_equal(tree_add_line(root, "- " SYSCTL), 0);
	set(value);
}

static void test_unreadable(void **state)
{
	int64_t before = -1;

	set("1");
	begin(BOOT);
	break_sysctl();
	assert_int_equal(kernel_control_poll(&c, &before), -EISDIR);
	assert_int_equal(before, -1);
	assert_int_equal(c.seen, 1);
	mend_sysctl("0");
	assert_int_equal(kernel_control_poll(&c, &before), 1);
	assert_int_equal(before, 1);

	/* What was not known at the beginning has not changed when it is. */
	break_sysctl();
	begin(BOOT);
	assert_int_equal(c.seen, CONTROL_UNKNOWN);
	assert_int_equal(kernel_control_take(&c), -EISDIR);
	mend_sysctl("1");
	assert_int_equal(kernel_control_poll(&c, &before), 0);
	assert_int_equal(c.seen, 1);
}

/* What is ours to give back stays so until that is done. */
static void test_given_back_later(void **state)
{
	set("1");
	begin(BOOT);
	assert_int_equal(kernel_control_take(&c), 0);
	break_sysctl();
	assert_int_equal(kernel_control_give_back(&c), -EISDIR);
	assert_true(c.taken);
	assert_true(has_note());
	mend_sysctl("5");
	assert_int_equal(kernel_control_give_back(&c), 1);
	assert_value(1);
	assert_false(has_note());
}

/* A note that cannot be read is not taken for none. */
static void test_note_unreadable(void **state)
{
	set("1");
	begin(BOOT);
	assert_int_equal(kernel_control_take(&c), 0);
	begin(BOOT);
	assert_int_equal(tree_add_line(root, "- /db.sysctl"), 0);
	assert_int_equal(tree_add_line(root, "/db.sysctl/"), 0);
	assert_int_equal(kernel_control_take(&c), 0);
	assert_int_equal(kernel_control_give_back(&c), -EISDIR);
	assert_value(5);
	assert_int_equal(tree_add_line(root, "- /db.sysctl"), 0);
	assert_int_equal(tree_add_line(root, "/db.sysctl: " BOOT " 1 5"), 0);
	assert_int_equal(kernel_control_give_back(&c), 1);
	assert_value(1);
}

/* Without the name of the boot a note would be of any boot. */
static void test_unknown_boot(void **state)
{
	set("1");
	begin("");
	assert_int_equal(kernel_control_take(&c), 0);
	assert_false(has_note());
	assert_int_equal(kernel_control_give_back(&c), 1);
	assert_value(1);
}

/* In a child, whose network namespace goes with it. 77: cannot be had here. */
static int refuse_as_a_kernel_does(void)
{
	int64_t value;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0 ||
	    kernel_control_read(root, &value) < 0)
		return 77;
	begin(BOOT);
	if (value != 1 || kernel_control_take(&c) == -EACCES)
		return 77;
	if (kernel_control_take(&c) != -EOPNOTSUPP || c.taken || has_note())
		return 1;
	return kernel_control_read(root, &value) == 0 && value == 1 ? 0 : 1;
}

static void test_not_understood(void **state)
{
	int status;
	pid_t pid;

	assert_int_equal(
		tree_add_line(root,
			      SYSCTL " -> /proc/sys/net/ipv4/ip_forward_update_priority"),
		0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(refuse_as_a_kernel_does());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77) {
		print_message("no network namespace of our own here\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void put(const char *line)
{
	assert_int_equal(tree_add_line(root, line), 0);
}

#define NODE "/sys/devices/system/node/node"

static void test_counters(void **state)
{
	struct soft_counts nodes[3];

	assert_int_equal(node_counters_read(root, nodes, 3), 0);
	assert_false(node_counters_exist(root));
	put("/sys/devices/system/node/online: 0-11");
	put(NODE "0/numastat: numa_hit 7");
	assert_int_equal(node_counters_read(root, nodes, 3), 0);
	put(NODE "11/soft_offline/migrated: 42");
	put(NODE "2/soft_offline/taken_from_free: 18446744073709551615");
	put(NODE "2/soft_offline/not_dissolved: 0");
	put(NODE "2/soft_offline/later_word: 5");
	put(NODE "2/soft_offline/another_one: 6");
	put(NODE "2/soft_offline/lost_race: what");
	put(NODE "2/soft_offline/power/control: auto");
	put(NODE "99999/soft_offline/migrated: 1");
	put(NODE "3x/soft_offline/migrated: 1");
	assert_true(node_counters_exist(root));
	assert_int_equal(node_counters_read(root, nodes, 3), 2);
	assert_int_equal(nodes[0].node, 2);
	assert_int_equal(nodes[0].count[SOFT_TAKEN_FROM_FREE], UINT64_MAX);
	assert_true(nodes[0].known[SOFT_NOT_DISSOLVED]);
	assert_false(nodes[0].known[SOFT_LOST_RACE]);
	assert_false(nodes[0].known[SOFT_MIGRATED]);
	assert_int_equal(nodes[0].count[SOFT_UNKNOWN], 11);
	assert_int_equal(nodes[1].node, 11);
	assert_int_equal(nodes[1].count[SOFT_MIGRATED], 42);
	assert_int_equal(node_counters_read(root, nodes, 1), 1);
	assert_int_equal(nodes[0].node, 2);
	assert_int_equal(node_counters_read(root, nodes, 0), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_take_and_give_back), TEST(test_given_back_by_a_successor),
		TEST(test_other_bits),         TEST(test_set_before),
		TEST(test_absent_and_off),     TEST(test_killed),
		TEST(test_changed_by_others),  TEST(test_unreadable),
		TEST(test_given_back_later),   TEST(test_note_unreadable),
		TEST(test_unknown_boot),       TEST(test_not_understood),
		TEST(test_counters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
