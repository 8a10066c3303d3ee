/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Which EDAC driver a machine asks for, and what keeps it out: on the made-up server of
 * tests/cli/trees.
 */

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "cli/tree.h"
#include "topology/topology.h"

static char root[PATH_MAX];

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

/* A driver that a device of the platform or of ACPI asks for; the buses have no order. */
static void driver_by_platform(void **state)
{
	struct edac_driver d[4];

	tree_add_line(root, "- /sys/devices/system/cpu/modalias");
	tree_add_line(root, "/lib/modules/6.1.0-56-amd64/modules.alias: "
			    "alias acpi*:MLNXBF08:* bluefield_edac\\n"
			    "alias of:N*T*Carm,dmc-520 dmc520_edac\\n"
			    "alias of:N*T*Cqcom,x qcom_edac");
	tree_add_line(root, "/sys/bus/platform/devices/q/modalias: of:NxTyCqcom,x");
	tree_add_line(root, "/sys/bus/platform/devices/4e000000.dmc/modalias: "
			    "of:NdmcT(null)Carm,dmc-520");
	assert_int_equal(topology_edac_drivers(root, d, 4), 1);
	assert_string_equal(d[0].module, "dmc520_edac");
	assert_false(d[0].loaded);
	tree_add_line(root, "/sys/bus/acpi/devices/MLNXBF08:00/modalias: acpi:MLNXBF08:");
	assert_int_equal(topology_edac_drivers(root, d, 4), 2);
	assert_string_equal(d[0].module, "bluefield_edac");
	assert_string_equal(d[1].module, "dmc520_edac");
	assert_string_equal(topology_driver_wanted(root)->module, "bluefield_edac");
}

static void drivers_of_processors(void **state)
{
	static const struct {
		const char *modalias, *module;
	} rows[] = {
		{ "cpu:type:x86,ven0002fam0017mod0031:feature:,0000", "amd64_edac" },
		{ "cpu:type:x86,ven0002fam0019mod0001:feature:,0000", "amd64_edac" },
		{ "cpu:type:x86,ven0002fam001Amod0002:feature:,0000", "amd64_edac" },
		{ "cpu:type:x86,ven0002fam0014mod0001:feature:,0000", NULL },
		{ "cpu:type:x86,ven0009fam0018mod0001:feature:,0000", "amd64_edac" },
		{ "cpu:type:x86,ven0000fam0006mod0055:feature:,0000", "skx_edac" },
		{ "cpu:type:x86,ven0000fam0006mod008F:feature:,0000", "i10nm_edac" },
		{ "cpu:type:x86,ven0000fam0006mod00AE:feature:,0000", "i10nm_edac" },
		{ "cpu:type:x86,ven0000fam0006mod004F:feature:,0000", "sb_edac" },
		{ "cpu:type:x86,ven0000fam0006mod009E:feature:,0000", NULL },
		{ "cpu:type:x86,ven0000fam0013mod0001:feature:,0000", "imh_edac" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char line[128];
		const struct driver_fact *fact;

		snprintf(line, sizeof(line), "/sys/devices/system/cpu/modalias: %s",
			 rows[i].modalias);
		tree_add_line(root, line);
		fact = topology_driver_wanted(root);
		if (!fact != !rows[i].module ||
		    (fact && strcmp(fact->module, rows[i].module) != 0))
			fail_msg("%s: %s", rows[i].modalias, fact ? fact->module : "-");
	}
}

/* Each line alone, then what it makes of skx_edac. */
static void driver_bars(void **state)
{
	static const struct {
		const char *line;
		enum driver_bar_kind kind;
		const char *shows, *file;
	} rows[] = {
		{ "/etc/modprobe.d/a.conf: blacklist skx-edac", DRIVER_BLACKLISTED,
		  "blacklist skx-edac", "/etc/modprobe.d/a.conf" },
		{ "/etc/modprobe.d/a.conf: blacklist skx_edac_common", DRIVER_FREE, "",
		  "" },
		{ "/etc/modprobe.d/a.txt: blacklist skx_edac", DRIVER_FREE, "", "" },
		{ "/etc/modprobe.d/a.conf: #blacklist skx_edac", DRIVER_FREE, "", "" },
		{ "/run/modprobe.d/a.conf: install skx_edac /bin/false", DRIVER_INSTALL,
		  "install skx_edac /bin/false", "/run/modprobe.d/a.conf" },
		{ "/etc/modprobe.d/a.conf: install *_edac :", DRIVER_INSTALL,
		  "install *_edac :", "/etc/modprobe.d/a.conf" },
		{ "/etc/modprobe.d/a.conf: install skx_edac \\\\n /usr/bin/true",
		  DRIVER_INSTALL, "install skx_edac    /usr/bin/true",
		  "/etc/modprobe.d/a.conf" },
		{ "/etc/modprobe.d/a.conf: install skx_edac modprobe -i skx_edac x=1",
		  DRIVER_FREE, "", "" },
		{ "/etc/modprobe.d/a.conf: install skx_edac_common /bin/true",
		  DRIVER_INSTALL, "install skx_edac_common /bin/true",
		  "/etc/modprobe.d/a.conf" },
		{ "/etc/modprobe.d/a.conf: alias skx_edac off", DRIVER_ALIAS_OFF,
		  "alias skx_edac off", "/etc/modprobe.d/a.conf" },
		{ "/proc/cmdline: ro modprobe.blacklist=a,skx-edac",
		  DRIVER_BOOT_BLACKLISTED, "modprobe.blacklist=a,skx-edac", "" },
		{ "/proc/cmdline: modprobe.blacklist=skx_edac_common", DRIVER_FREE, "",
		  "" },
		{ "/proc/cmdline: module_blacklist=skx_edac", DRIVER_FORBIDDEN,
		  "module_blacklist=skx_edac", "" },
		{ "/proc/cmdline: module-blacklist=\"a,skx_edac\"", DRIVER_FORBIDDEN,
		  "module_blacklist=a,skx_edac", "" },
		{ "/proc/cmdline: module_blacklist=skx-edac", DRIVER_FREE, "", "" },
		{ "/proc/cmdline: module_blacklist=skx_edac module_blacklist=a",
		  DRIVER_FREE, "", "" },
		{ "/proc/cmdline: module_blacklist=skx_edac_common", DRIVER_FORBIDDEN,
		  "module_blacklist=skx_edac_common", "" },
		{ "/proc/cmdline: initcall_blacklist=skx_init initcall_blacklist=a",
		  DRIVER_INITCALL, "initcall_blacklist=skx_init", "" },
		{ "/proc/cmdline: ro -- module_blacklist=skx_edac", DRIVER_FREE, "", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct driver_bar bar;

		tree_add_line(root, rows[i].line);
		topology_driver_bar(root, "skx_edac", &bar);
		if (bar.kind != rows[i].kind || strcmp(bar.line, rows[i].shows) != 0 ||
		    strcmp(bar.file, rows[i].file) != 0)
			fail_msg("%s: %d \"%s\" %s", rows[i].line, (int)bar.kind,
				 bar.line, bar.file);
		tree_add_line(root, "- /etc/modprobe.d");
		tree_add_line(root, "- /run/modprobe.d");
		tree_add_line(root, "/proc/cmdline: ro");
	}
}

/* Of several "install" the first by the names of the files counts; the strongest wins. */
static void driver_bars_together(void **state)
{
	struct driver_bar bar;

	tree_add_line(root, "/etc/modprobe.d/b.conf: install skx_edac /bin/false");
	tree_add_line(root, "/usr/lib/modprobe.d/a.conf: "
			    "install skx_edac /sbin/modprobe -i skx_edac");
	topology_driver_bar(root, "skx_edac", &bar);
	assert_int_equal(bar.kind, DRIVER_FREE);
	tree_add_line(root, "/run/modprobe.d/a.conf: blacklist skx_edac");
	topology_driver_bar(root, "skx_edac", &bar);
	assert_int_equal(bar.kind, DRIVER_INSTALL);
	tree_add_line(root, "/etc/modprobe.d/b.conf:");
	topology_driver_bar(root, "skx_edac", &bar);
	assert_int_equal(bar.kind, DRIVER_BLACKLISTED);
	assert_string_equal(bar.file, "/run/modprobe.d/a.conf");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(driver_by_platform),
		TEST(drivers_of_processors),
		TEST(driver_bars),
		TEST(driver_bars_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
