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

/* The same maker's name, with and without the sign that there is a hypervisor. */
static void clouds(void **state)
{
	static const struct {
		const char *lines[4];
		const char *of; /* "": not a guest */
	} rows[] = {
		{ { "/sys/class/dmi/id/sys_vendor: Amazon EC2",
		    "/sys/class/dmi/id/product_name: i3.metal",
		    "/proc/cpuinfo: flags: fpu vme" },
		  "" },
		{ { "/sys/class/dmi/id/sys_vendor: Amazon EC2",
		    "/sys/class/dmi/id/product_name: m5.large",
		    "/proc/cpuinfo: flags: fpu hypervisor" },
		  "Amazon EC2" },
		{ { "/sys/class/dmi/id/sys_vendor: Amazon EC2",
		    "/sys/class/dmi/id/product_name: m6g.metal" },
		  "" },
		{ { "/sys/class/dmi/id/sys_vendor: Amazon EC2",
		    "/sys/class/dmi/id/product_name: m6g.large" },
		  "Amazon EC2" },
		{ { "/sys/class/dmi/id/sys_vendor: Amazon EC2",
		    "/sys/class/dmi/id/product_name: x",
		    "/sys/firmware/dmi/entries/0-0/raw: 0123456789abcdefghi@ef" },
		  "" },
		{ { "/sys/class/dmi/id/sys_vendor: Amazon EC2",
		    "/sys/class/dmi/id/product_name: x",
		    "/sys/firmware/dmi/entries/0-0/raw: 0123456789abcdefghiPef" },
		  "Amazon EC2" },
		{ { "/sys/class/dmi/id/sys_vendor: Google",
		    "/sys/class/dmi/id/product_name: Google Compute Engine",
		    "/proc/cpuinfo: flags: fpu vme" },
		  "" },
		{ { "/sys/class/dmi/id/sys_vendor: Google",
		    "/sys/class/dmi/id/product_name: Google Compute Engine" },
		  "Google Compute Engine" },
		{ { "/sys/class/dmi/id/sys_vendor: Alibaba Cloud",
		    "/sys/class/dmi/id/product_name: Alibaba Cloud ECS" },
		  "Alibaba Cloud ECS" },
		{ { "/sys/class/dmi/id/sys_vendor: Alibaba Cloud",
		    "/sys/class/dmi/id/product_name: Alibaba Cloud ECS",
		    "/proc/cpuinfo: flags: fpu vme" },
		  "" },
		/* No cloud: a guest whose hypervisor hides its flag. */
		{ { "/sys/class/dmi/id/sys_vendor: QEMU",
		    "/proc/cpuinfo: flags: fpu vme" },
		  "QEMU" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char of[64];

		assert_int_equal(tear_down(NULL) | set_up(NULL), 0);
		tree_add_line(root, "/proc/cpuinfo: Features: fp asimd");
		for (size_t k = 0; k < 4 && rows[i].lines[k]; k++)
			assert_int_equal(tree_add_line(root, rows[i].lines[k]), 0);
		assert_int_equal(topology_guest(root, of, sizeof(of)),
				 rows[i].of[0] != 0);
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
		{ "/proc/1/cgroup: 0::/docker/0123", "docker" },
		{ "/proc/1/cgroup: 12:cpu:/kubepods/burstable/pod1/2", "kubernetes" },
		{ "/var/run/secrets/kubernetes.io/serviceaccount/token: x",
		  "kubernetes" },
		{ "/run/host/container-manager: systemd-nspawn", "systemd-nspawn" },
		{ "/proc/vz/veinfo: 101", "openvz" },
		{ "/proc/1/environ: TERM=linux\\ncontainer=lxc\\nHOME=/", "lxc" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char of[64];

		assert_int_equal(tear_down(NULL) | set_up(NULL), 0);
		assert_int_equal(tree_add_line(root, rows[i].line), 0);
		assert_true(topology_container(root, of, sizeof(of)));
		assert_string_equal(of, rows[i].of);
	}
	/* Another variable that only ends like it, and the host of OpenVZ. */
	assert_int_equal(tear_down(NULL) | set_up(NULL), 0);
	assert_int_equal(tree_add_line(root, "/proc/vz/veinfo: 0"), 0);
	assert_int_equal(tree_add_line(root, "/proc/bc/resources: 0"), 0);
	assert_int_equal(tree_add_line(root, "/proc/1/environ: nocontainer=x"), 0);
	assert_int_equal(tree_add_line(root, "/proc/1/cgroup: 0::/init.scope"), 0);
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
		TEST(clouds),
		TEST(containers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
