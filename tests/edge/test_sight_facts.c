/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The facts on whether errors can be seen, out of made-up machines: what each file does to
 * them, and what comes and goes between two looks.
 */

#include <limits.h>
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

#include "base/mem.h"
#include "cli/tree.h"
#include "topology/topology.h"

#define MACHINECHECK "/sys/devices/system/machinecheck/machinecheck0/"
#define EDAC         "/sys/devices/system/edac/mc"

static char root[PATH_MAX];
static struct sight_facts f;

static int set_up(void **state)
{
	if (tree_make(root, sizeof(root)) < 0)
		return -1;
	return tree_add_file(root, "tests/cli/trees/server.tree");
}

static int tear_down(void **state)
{
	return tree_remove(root);
}

static void add(const char *line)
{
	assert_int_equal(tree_add_line(root, line), 0);
}

static void look(void)
{
	memset(&f, 0, sizeof(f));
	topology_machine_facts(root, &f);
	topology_sight_facts(root, &f);
}

/* What the trace instance says is not looked at here. */
static enum sight_cause judge(bool mce_record)
{
	f.tracefs = true;
	f.mc_event = (struct sight_source){ true, true };
	f.mce_record = (struct sight_source){ mce_record, mce_record };
	return sight_judge(&f);
}

static void a_server(void **state)
{
	look();
	assert_true(f.looked);
	assert_int_equal(f.controllers, FACT_YES);
	assert_false(f.firmware_only || f.machine_checks || f.guest || f.container);
	assert_false(f.confidentiality || f.ghes || f.hest || f.spared);
	assert_int_equal(judge(false), SIGHT_CAUSE_SEES);
}

/* A driver is unloaded, and loaded again; the folder above the controllers stays. */
static void driver_goes_and_comes(void **state)
{
	add("- " EDAC "/mc0");
	look();
	assert_int_equal(f.controllers, FACT_YES);
	add("- " EDAC "/mc1");
	add(EDAC "/power/control: auto");
	look();
	assert_int_equal(f.controllers, FACT_NO);
	assert_int_equal(judge(false), SIGHT_CAUSE_NO_DRIVER);
	add(EDAC "/mc0/mc_name: i10nm");
	topology_sight_facts(root, &f);
	assert_int_equal(judge(false), SIGHT_CAUSE_SEES);
	/* EDAC itself is gone. */
	add("- /sys/devices/system/edac");
	topology_sight_facts(root, &f);
	assert_int_equal(judge(false), SIGHT_CAUSE_NO_DRIVER);
}

static void the_firmware_reports(void **state)
{
	add("- /sys/devices/system/edac");
	add("/sys/devices/mc0/mc_name: ghes_edac");
	add("/proc/cmdline: mce=ignore_ce");
	look();
	assert_int_equal(f.controllers, FACT_YES);
	assert_true(f.firmware_only);
	assert_int_equal(judge(false), SIGHT_CAUSE_SEES);
	/* Beside a driver of the chipset, machine checks count. */
	add(EDAC "/mc1/mc_name: i10nm");
	look();
	assert_false(f.firmware_only);
	assert_int_equal(judge(false), SIGHT_CAUSE_MCE_IGNORE_CE);
}

static void firmware_first(void **state)
{
	add("- /sys/devices/system/edac");
	add("/sys/bus/platform/drivers/GHES/GHES.0/:");
	add("/sys/firmware/acpi/tables/HEST: HEST");
	look();
	assert_true(f.ghes && f.hest);
	assert_int_equal(judge(false), SIGHT_CAUSE_FIRMWARE_FIRST);
	add("- /sys/bus/platform/drivers/GHES");
	add("/proc/cmdline: ro ghes.disable=1");
	look();
	assert_int_equal(judge(false), SIGHT_CAUSE_GHES_DISABLED);
}

/* One that is off may be the kernel's own choice. */
static void banks(void **state)
{
	add(MACHINECHECK "bank0: 0");
	add(MACHINECHECK "bank1: 0");
	look();
	assert_true(f.banks_off);
	assert_int_equal(judge(false), SIGHT_CAUSE_BANKS_OFF);
	add(MACHINECHECK "bank1: ffffffffffffffff");
	add(MACHINECHECK "bank2: ffffffffffffffff");
	look();
	assert_false(f.banks_off);
	assert_int_equal(judge(false), SIGHT_CAUSE_SEES);
}

static void settings(void **state)
{
	static const struct {
		const char *lines[4];
		enum sight_cause want;
	} rows[] = {
		{ { MACHINECHECK "ignore_ce: 0", MACHINECHECK "check_interval: 300" },
		  SIGHT_CAUSE_SEES },
		{ { MACHINECHECK "ignore_ce: 1" }, SIGHT_CAUSE_IGNORE_CE },
		{ { MACHINECHECK "dont_log_ce: 1" }, SIGHT_CAUSE_DONT_LOG_CE },
		{ { MACHINECHECK "check_interval: 0", MACHINECHECK "cmci_disabled: 0" },
		  SIGHT_CAUSE_SEES },
		{ { MACHINECHECK "check_interval: 0", MACHINECHECK "cmci_disabled: 1" },
		  SIGHT_CAUSE_NOT_POLLED },
		{ { MACHINECHECK "check_interval: 300", MACHINECHECK "cmci_disabled: 1" },
		  SIGHT_CAUSE_SEES },
		/* Not of the kind. */
		{ { "/sys/devices/system/machinecheck/power/ignore_ce: 1" },
		  SIGHT_CAUSE_SEES },
		{ { "/proc/cmdline: ro mce=ignore_ce", MACHINECHECK "ignore_ce: 1" },
		  SIGHT_CAUSE_MCE_IGNORE_CE },
		/* Somebody turned it back on: the switch is what holds. */
		{ { "/proc/cmdline: ro mce=ignore_ce", MACHINECHECK "ignore_ce: 0" },
		  SIGHT_CAUSE_SEES },
		{ { "/proc/cmdline: ro mce=dont_log_ce", MACHINECHECK "dont_log_ce: 0" },
		  SIGHT_CAUSE_SEES },
		{ { "/proc/cmdline: ro mce=dont_log_ce" }, SIGHT_CAUSE_MCE_DONT_LOG_CE },
		/* AMD has no CMCI. */
		{ { "/proc/cpuinfo: vendor_id\\t: AuthenticAMD",
		    MACHINECHECK "check_interval: 0", MACHINECHECK "cmci_disabled: 0" },
		  SIGHT_CAUSE_NOT_POLLED },
		{ { "/proc/cpuinfo: vendor_id\\t: HygonGenuine",
		    MACHINECHECK "check_interval: 0" },
		  SIGHT_CAUSE_NOT_POLLED },
		{ { "/proc/cpuinfo: vendor_id\\t: AuthenticAMD",
		    MACHINECHECK "check_interval: 150" },
		  SIGHT_CAUSE_SEES },
		{ { "/proc/cmdline: ro mce=off" }, SIGHT_CAUSE_MCE_OFF },
		/* Since Linux 5.8 nothing asks for it. */
		{ { "/proc/cmdline: ro edac_report=off" }, SIGHT_CAUSE_SEES },
		{ { "/proc/cmdline: ro edac_report=off",
		    "/proc/sys/kernel/osrelease: 5.7.0-2-amd64" },
		  SIGHT_CAUSE_EDAC_REPORT_OFF },
		{ { "/proc/cmdline: ro edac_report=off",
		    "/proc/sys/kernel/osrelease: 10.1.0" },
		  SIGHT_CAUSE_SEES },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(tear_down(NULL) | set_up(NULL), 0);
		for (size_t k = 0; k < 4 && rows[i].lines[k]; k++)
			add(rows[i].lines[k]);
		look();
		if (judge(false) != rows[i].want)
			fail_msg("row %zu: %s", i, sight_cause_to_string(judge(false)));
	}
}

static void a_virtual_machine(void **state)
{
	add("- /sys/devices/system/edac");
	add("/sys/class/dmi/id/sys_vendor: QEMU");
	add(MACHINECHECK "ignore_ce: 0");
	look();
	assert_true(f.guest && f.machine_checks);
	assert_int_equal(judge(true), SIGHT_CAUSE_GUEST);
	add("/sys/class/dmi/id/sys_vendor: Example Computers");
	look();
	assert_int_equal(judge(true), SIGHT_CAUSE_SEES);
}

/* The kernel tells of the addresses of AMD's unified memory controllers that they are none,
 * since 6.7; those of the northbridges before family 17h it can use. */
static void the_collector_and_amd(void **state)
{
	static const struct {
		const char *cpu, *release;
		bool spared;
	} rows[] = {
		{ "AuthenticAMD\\ncpu family\t: 23", "6.1.0-56-amd64", false },
		{ "AuthenticAMD\\ncpu family\t: 23", "6.12.63+deb13-amd64", true },
		{ "AuthenticAMD\\ncpu family\t: 25", "7.2.1", true },
		{ "HygonGenuine\\ncpu family\t: 24", "6.7.0", true },
		{ "AuthenticAMD\\ncpu family\t: 21", "6.12.63+deb13-amd64", false },
		{ "AuthenticAMD\\ncpu family\t: 16", "7.2.1", false },
		{ "AuthenticAMD", "6.12.63+deb13-amd64", false },
		{ "GenuineIntel\\ncpu family\t: 25", "6.12.63+deb13-amd64", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char line[160];

		snprintf(line, sizeof(line),
			 "/proc/cpuinfo: processor\t: 0\\nvendor_id\t: %s", rows[i].cpu);
		add(line);
		snprintf(line, sizeof(line), "/proc/sys/kernel/osrelease: %s",
			 rows[i].release);
		add(line);
		look();
		f.collector = SIGHT_COLLECTOR_ACTS;
		if (judge(false) !=
		    (rows[i].spared ? SIGHT_CAUSE_SEES : SIGHT_CAUSE_COLLECTOR_HIDES))
			fail_msg("row %zu: %s", i, sight_cause_to_string(judge(false)));
	}
}

static void nothing_to_read(void **state)
{
	add("/sys/kernel/security/lockdown: none integrity [confidentiality]");
	look();
	assert_int_equal(sight_judge(&f), SIGHT_CAUSE_LOCKDOWN);
	add("/run/systemd/container: lxc");
	look();
	assert_int_equal(sight_judge(&f), SIGHT_CAUSE_CONTAINER);
}

/* An error while looking: no controller is seen, and it is not known that there is none. */
static void not_all_read(void **state)
{
	char path[PATH_MAX + 64];

	if (geteuid() == 0)
		skip(); /* root reads everything */
	add("- " EDAC "/mc0");
	add("- " EDAC "/mc1");
	snprintf(path, sizeof(path), "%s" EDAC, root);
	assert_int_equal(chmod(path, 0), 0);
	look();
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(f.controllers, FACT_UNKNOWN);
	assert_int_equal(judge(false), SIGHT_CAUSE_UNREAD);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_server),
		TEST(driver_goes_and_comes),
		TEST(the_firmware_reports),
		TEST(firmware_first),
		TEST(banks),
		TEST(settings),
		TEST(a_virtual_machine),
		TEST(the_collector_and_amd),
		TEST(nothing_to_read),
		TEST(not_all_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
