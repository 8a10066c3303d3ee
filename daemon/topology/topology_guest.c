/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Whether this machine is a virtual one, or no machine but a container. It looks for signs
 * and asks no processor instruction, so that made-up machines can be looked at as well.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static bool guest_by_maker(const char *root, char *ret, size_t size)
{
	static const char *const makers[] = { "QEMU",
					      "KVM",
					      "VMware",
					      "innotek",
					      "Xen",
					      "Amazon EC2",
					      "Google Compute Engine",
					      "Bochs",
					      "Parallels",
					      "BHYVE",
					      "OpenStack" };
	struct dmi_system system;

	topology_system(root, &system);
	for (size_t i = 0; i < ARRAY_SIZE(makers); i++)
		if (strstr(system.vendor, makers[i]) || strstr(system.product, makers[i]))
			return guest_is(ret, size, makers[i]);
	return false;
}

/* Only x86 has this flag. */
static bool guest_by_flag(const char *root, char *ret, size_t size)
{
	_cleanup_(free_p) char *cpuinfo = malloc(CPUINFO_MAX);
	ssize_t n;

	if (!cpuinfo)
		return false;
	n = small_file_read_below(root, "/proc/cpuinfo", cpuinfo, CPUINFO_MAX);
	if ((n < 0 && n != -EFBIG) || !strstr(cpuinfo, " hypervisor"))
		return false;
	return guest_is(ret, size, "a hypervisor");
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
	if (small_file_read_below(root, "/run/systemd/container", text, sizeof(text)) >
	    0) {
		text[strcspn(text, "\n")] = '\0';
		return guest_is(ret, size, text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(signs); i++) {
		ssize_t n =
			small_file_read_below(root, signs[i].path, text, sizeof(text));

		if (n >= 0 || n == -EFBIG)
			return guest_is(ret, size, signs[i].of);
	}
	return container_by_init(root, ret, size);
}
