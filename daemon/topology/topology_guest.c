/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Whether this machine is a virtual one, or no machine but a container. It looks for signs
 * and asks no processor instruction, so that made-up machines can be looked at as well.
 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/small_file.h"
#include "topology/topology_internal.h"

#define CPUINFO_MAX 16384 /* the first processor's part */
#define ENVIRON_MAX 16384

static bool guest_is(char *ret, size_t size, const char *of)
{
	snprintf(ret, size, "%s", of);
	return true;
}

/*
 * Machines without DMI show a hypervisor in the device tree or in ACPI. QEMU's "virt" has
 * no DMI when it boots without firmware; its tables bear the maker's name of the Bochs
 * tables that they were derived from (hw/acpi/aml-build.c of QEMU).
 */
static bool guest_by_tables(const char *root, char *ret, size_t size)
{
	static const struct {
		const char *path;
		const char *holds; /* "": anything */
		const char *of;
	} signs[] = {
		{ "/sys/firmware/devicetree/base/compatible", "linux,dummy-virt",
		  "QEMU" },
		{ "/sys/firmware/devicetree/base/hypervisor/compatible", "",
		  "a hypervisor" },
		{ "/sys/firmware/acpi/tables/FACP", "BOCHS ", "QEMU" },
	};
	char text[1024];

	for (size_t i = 0; i < ARRAY_SIZE(signs); i++) {
		ssize_t n =
			small_file_read_below(root, signs[i].path, text, sizeof(text));

		if (n == -EFBIG)
			n = sizeof(text) - 1;
		/* The strings of a device tree end with NUL, and a table is binary. */
		if (n > 0 &&
		    memmem(text, (size_t)n, signs[i].holds, strlen(signs[i].holds)))
			return guest_is(ret, size, signs[i].of);
	}
	return false;
}

/* The first processor's part of /proc/cpuinfo, to be freed; NULL if it cannot be read. */
static char *guest_cpuinfo(const char *root)
{
	_cleanup_(free_p) char *text = malloc(CPUINFO_MAX);
	ssize_t n = text ? small_file_read_below(root, "/proc/cpuinfo", text, CPUINFO_MAX)
			 : -ENOMEM;

	return n > 0 || n == -EFBIG ? TAKE_PTR(text) : NULL;
}

/* Only x86 has this flag. */
static bool guest_by_flag(const char *root, char *ret, size_t size)
{
	_cleanup_(free_p) char *cpuinfo = guest_cpuinfo(root);

	return cpuinfo && strstr(cpuinfo, " hypervisor") &&
	       guest_is(ret, size, "a hypervisor");
}

/*
 * Makers of clouds rent out whole machines, too, under the same name. On x86 the flag
 * decides. On arm64 Amazon's have "metal" in the product's name, and SMBIOS says of a
 * machine that it is virtual (type 0, byte 0x13, bit 4); Google does not set that bit
 * (systemd's pull requests 19403, 20628, 38125 and 43347).
 */
static bool cloud_is_metal(const char *root, const char *maker, const char *product)
{
	_cleanup_(free_p) char *cpuinfo = guest_cpuinfo(root);
	char bios[64];
	ssize_t n;

	if (strcasestr(product, "metal"))
		return true;
	if (cpuinfo && strstr(cpuinfo, "flags"))
		return !strstr(cpuinfo, " hypervisor");
	if (strcmp(maker, "Amazon EC2") != 0)
		return false;
	n = small_file_read_below(root, "/sys/firmware/dmi/entries/0-0/raw", bios,
				  sizeof(bios));
	return (n > 0x13 || n == -EFBIG) && !(bios[0x13] & 0x10);
}

static bool guest_by_maker(const char *root, char *ret, size_t size)
{
	static const struct {
		const char *name;
		bool cloud; /* rents out bare metal, too */
	} makers[] = {
		{ "QEMU", false },
		{ "KVM", false },
		{ "VMware", false },
		{ "innotek", false },
		{ "VirtualBox", false },
		{ "Xen", false },
		{ "Bochs", false },
		{ "Parallels", false },
		{ "BHYVE", false },
		{ "OpenStack", false },
		{ "KubeVirt", false },
		{ "Apple Virtualization", false },
		{ "Amazon EC2", true },
		{ "Google Compute Engine", true },
		{ "Alibaba Cloud ECS", true },
	};
	struct dmi_system system;

	topology_system(root, &system);
	for (size_t i = 0; i < ARRAY_SIZE(makers); i++) {
		if (!strstr(system.vendor, makers[i].name) &&
		    !strstr(system.product, makers[i].name))
			continue;
		return !(makers[i].cloud &&
			 cloud_is_metal(root, makers[i].name, system.product)) &&
		       guest_is(ret, size, makers[i].name);
	}
	return false;
}

static bool guest_by_xen(const char *root, char *ret, size_t size)
{
	char type[64];

	if (small_file_read_below(root, "/sys/hypervisor/type", type, sizeof(type)) <= 0)
		return false;
	type[strcspn(type, "\n")] = '\0';
	return guest_is(ret, size, type);
}

bool topology_guest(const char *root, char *ret, size_t size)
{
	ret[0] = '\0';
	return guest_by_maker(root, ret, size) || guest_by_xen(root, ret, size) ||
	       guest_by_flag(root, ret, size) || guest_by_tables(root, ret, size);
}

/* The variable "container" of process 1, which container managers set (systemd's
 * CONTAINER_INTERFACE). */
static bool container_by_init(const char *root, char *ret, size_t size)
{
	static const char key[] = "container=";
	_cleanup_(free_p) char *text = malloc(ENVIRON_MAX);
	ssize_t n;

	if (!text)
		return false;
	n = small_file_read_below(root, "/proc/1/environ", text, ENVIRON_MAX);
	if (n == -EFBIG)
		n = ENVIRON_MAX - 1;
	/* A manager's name has no newline in it: what ends a line ends a variable. */
	for (ssize_t at = 0; at < n; at += (ssize_t)strcspn(text + at, "\n") + 1) {
		const char *variable = text + at;

		if (strncmp(variable, key, strlen(key)) != 0)
			continue;
		variable += strlen(key);
		snprintf(ret, size, "%.*s", (int)strcspn(variable, "\n"), variable);
		return ret[0] != '\0';
	}
	return false;
}

static bool guest_has(const char *root, const char *file)
{
	char path[PATH_MAX];

	return small_file_path(path, sizeof(path), root, file) == 0 &&
	       access(path, F_OK) == 0;
}

/* Without a cgroup namespace process 1 sees which manager's group it is in; on a host it is
 * in none. A pod of Kubernetes shows its secrets' folder. */
static bool container_by_cgroup(const char *root, char *ret, size_t size)
{
	static const struct {
		const char *part, *of;
	} groups[] = {
		{ "/kubepods", "kubernetes" },
		{ "/docker", "docker" },
		{ "/lxc", "lxc" },
		{ "/libpod", "podman" },
		{ "/machine.slice/", "systemd-nspawn" },
	};
	char text[1024];
	ssize_t n = small_file_read_below(root, "/proc/1/cgroup", text, sizeof(text));

	for (size_t i = 0; (n > 0 || n == -EFBIG) && i < ARRAY_SIZE(groups); i++)
		if (strstr(text, groups[i].part))
			return guest_is(ret, size, groups[i].of);
	return guest_has(root, "/var/run/secrets/kubernetes.io") &&
	       guest_is(ret, size, "kubernetes");
}

/* Only the host of OpenVZ has the second folder (systemd's detect_container()). */
static bool container_by_openvz(const char *root, char *ret, size_t size)
{
	return guest_has(root, "/proc/vz") && !guest_has(root, "/proc/bc") &&
	       guest_is(ret, size, "openvz");
}

/* systemd of the container writes the one, its manager the other. */
static bool container_by_name(const char *root, char *ret, size_t size)
{
	static const char *const files[] = { "/run/systemd/container",
					     "/run/host/container-manager" };
	char text[64];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (small_file_read_below(root, files[i], text, sizeof(text)) <= 0)
			continue;
		text[strcspn(text, "\n")] = '\0';
		return guest_is(ret, size, text);
	}
	return false;
}

bool topology_container(const char *root, char *ret, size_t size)
{
	static const struct {
		const char *path;
		const char *of;
	} signs[] = {
		{ "/.dockerenv", "docker" },
		{ "/run/.containerenv", "podman" },
	};
	char text[64];

	ret[0] = '\0';
	if (container_by_name(root, ret, size))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(signs); i++) {
		ssize_t n =
			small_file_read_below(root, signs[i].path, text, sizeof(text));

		if (n >= 0 || n == -EFBIG)
			return guest_is(ret, size, signs[i].of);
	}
	return container_by_init(root, ret, size) ||
	       container_by_cgroup(root, ret, size) ||
	       container_by_openvz(root, ret, size);
}
