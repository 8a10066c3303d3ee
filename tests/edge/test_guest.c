/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Virtual machines and containers, by each sign of theirs on a made-up machine.
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

static void a_server_is_neither(void **state)
{
	char of[64] = "left over";

	assert_false(topology_guest(root, of, sizeof(of)));
	assert_string_equal(of, "");
	assert_false(topology_container(root, of, sizeof(of)));
	assert_string_equal(of, "");
}

static void virtual_machines(void **state)
{
	static const struct {
		const char *line;
		const char *of;
	} rows[] = {
		{ "/sys/class/dmi/id/sys_vendor: QEMU", "QEMU" },
		{ "/sys/class/dmi/id/product_name: VMware7,1", "VMware" },
		{ "/sys/hypervisor/type: xen", "xen" },
		{ "/proc/cpuinfo: flags\\t\\t: fpu vme hypervisor lahf_lm",
		  "a hypervisor" },
		{ "/sys/firmware/devicetree/base/compatible: linux,dummy-virt", "QEMU" },
		{ "/sys/firmware/devicetree/base/hypervisor/compatible: linux,kvm",
		  "a hypervisor" },
		{ "/sys/firmware/acpi/tables/FACP: FACP BOCHS BXPC", "QEMU" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char of[64];

		assert_int_equal(tear_down(NULL) | set_up(NULL), 0);
		assert_int_equal(tree_add_line(root, rows[i].line), 0);
		assert_true(topology_guest(root, of, sizeof(of)));
		assert_string_equal(of, rows[i].of);
	}
}

static void containers(void **state)
{
	static const struct {
		const char *line;
		const char *of;
	} rows[] = {
		{ "/run/systemd/container: lxc", "lxc" },
		{ "/.dockerenv:", "docker" },
		{ "/run/.containerenv:", "podman" },
		{ "/run/.containerenv: engine=\"podman-4.3.1\"\\nname=\"box\"\\nid=\"0123456789"
		  "012345678901234567890123456789\"",
		  "podman" },
		{ "/proc/1/environ: container=systemd-nspawn", "systemd-nspawn" },
		{ "/proc/1/environ: TERM=linux\\ncontainer=lxc\\nHOME=/", "lxc" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char of[64];

		assert_int_equal(tear_down(NULL) | set_up(NULL), 0);
		assert_int_equal(tree_add_line(root, rows[i].line), 0);
		assert_true(topology_container(root, of, sizeof(of)));
		assert_string_equal(of, rows[i].of);
	}
	/* Another variable that only ends like it. */
	assert_int_equal(tear_down(NULL) | set_up(NULL), 0);
	assert_int_equal(tree_add_line(root, "/proc/1/environ: nocontainer=x"), 0);
	{
		char of[64];

		assert_false(topology_container(root, of, sizeof(of)));
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_server_is_neither),
		TEST(virtual_machines),
		TEST(containers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
