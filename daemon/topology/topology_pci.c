/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The PCI devices by libpci: their module aliases, and which devices are or drive memory,
 * judged by class, name and bound driver. This file does not know which driver a device
 * needs, nor which DIMM belongs to a device.
 */

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <pci/pci.h>
#include <setjmp.h>
#include <string.h>

#include "base/mem.h"
#include "topology/topology.h"

#define CLASS_MEMORY      0x05 /* the upper half */
#define CLASS_CXL         0x0502
#define CLASS_HOST_BRIDGE 0x0600
#define CLASS_SYSTEM      0x0880 /* "system peripheral" */

DEFINE_CLEANUP(struct pci_access *, pci_cleanup)

/* What pci_walk() does for each device. It owns nothing, because libpci's errors jump
 * past it. */
typedef void (*visit_fn)(struct pci_access *access, struct pci_dev *d, void *userdata);

/* libpci gives its hooks no pointer of ours. */
static _Thread_local jmp_buf on_error;

/* The only way out of libpci's error path that does not end the process. */
__attribute__((noreturn)) _printf_(1, 2) static void escape(char *message, ...)
{
	longjmp(on_error, 1);
}

_printf_(1, 2) static void ignore(char *message, ...)
{
}

/* Every call that may reach the error hook is in here; nothing in here owns anything. */
static int pci_walk(struct pci_access *access, visit_fn visit, void *userdata)
{
	volatile int n = 0;

	if (setjmp(on_error) != 0)
		return -EIO;
	pci_init(access);
	pci_scan_bus(access);
	for (struct pci_dev *d = access->devices; d; d = d->next) {
		visit(access, d, userdata);
		n++;
	}
	return n;
}

static int open_pci(const char *root, struct pci_access **ret)
{
	_cleanup_(pci_cleanup_p) struct pci_access *access = NULL;
	char path[PATH_MAX], name[] = "sysfs.path";
	int n = snprintf(path, sizeof(path), "%s/sys/bus/pci", root);

	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	access = pci_alloc();
	if (!access)
		return -ENOMEM;
	/* Named, so that libpci does not try port I/O when sysfs is missing. */
	access->method = PCI_ACCESS_SYS_BUS_PCI;
	/* The names of the file alone. With the cache, which is the default, libpci reads a
	 * file in the home of who runs us, and 3.13 loses its name each time. */
	access->id_lookup_mode = 0;
	access->error = escape;
	access->warning = ignore;
	access->debug = ignore;
	if (pci_set_param(access, name, path) < 0)
		return -EIO;
	*ret = TAKE_PTR(access);
	return 0;
}

/* Where module aliases go. */
struct aliases {
	pci_modalias_fn fn;
	void *userdata;
};

static void tell_alias(struct pci_access *access, struct pci_dev *d, void *userdata)
{
	int known =
		pci_fill_info(d, PCI_FILL_IDENT | PCI_FILL_CLASS | PCI_FILL_MODULE_ALIAS);
	const struct aliases *a = userdata;
	char alias[128];

	if ((known & PCI_FILL_MODULE_ALIAS) && d->module_alias) {
		a->fn(a->userdata, d->module_alias);
		return;
	}
	/* No alias of an EDAC driver contains subsystem or interface. */
	snprintf(
		alias, sizeof(alias), "pci:v%08Xd%08Xsv00000000sd00000000bc%02Xsc%02Xi00",
		(unsigned int)d->vendor_id, (unsigned int)d->device_id,
		(unsigned int)d->device_class >> 8, (unsigned int)d->device_class & 0xff);
	a->fn(a->userdata, alias);
}

int topology_pci_devices(const char *root, pci_modalias_fn fn, void *userdata)
{
	_cleanup_(pci_cleanup_p) struct pci_access *access = NULL;
	struct aliases aliases = { fn, userdata };
	int r = open_pci(root, &access);

	return r < 0 ? r : pci_walk(access, tell_alias, &aliases);
}

/* Reads the names. If pci.ids has an error, the names before the error are good. */
static int load_names(struct pci_access *access, const char *root)
{
	size_t size = strlen(root) + sizeof("/usr/share/misc/pci.ids");

	if (root[0] != '\0') {
		char *path = malloc(size);

		if (!path)
			return -ENOMEM;
		snprintf(path, size, "%s/usr/share/misc/pci.ids", root);
		pci_set_name_list_path(access, path, 1);
	}
	if (setjmp(on_error) == 0)
		pci_load_name_list(access);
	return 0;
}

/* Written as libpci prints it: "Intel Corporation Device 2040" if it knows no name. */
static void pci_name(struct pci_access *access, const struct pci_dev *d,
		     struct pci_memory *ret)
{
	int flags = PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE | PCI_LOOKUP_NO_HWDB;
	char text[512];
	const char *name = pci_lookup_name(access, text, sizeof(text), flags,
					   d->vendor_id, d->device_id);
	size_t n = 0;

	/* A name that is cut inside a character would make the JSON invalid. */
	for (const char *p = name; p && *p && n < sizeof(ret->name) - 1; p++)
		if ((*p & 0xc0) != 0x80)
			ret->name[n++] = isascii(*p) && !iscntrl(*p) ? *p : '?';
	ret->name[n] = '\0';
}

static bool pci_is_edac(struct pci_dev *d)
{
	const char *driver = pci_get_string_property(d, PCI_FILL_DRIVER);

	return driver && strstr(driver, "edac");
}

/* The class of host bridges and of a processor's many functions does not say what they
 * do; their names do. */
static bool pci_is_memory(const struct pci_dev *d, struct pci_memory *m)
{
	bool named =
		strcasestr(m->name, "memory controller") || strcasestr(m->name, "DRAM");

	m->kind = PCI_MEMORY_CONTROLLER;
	if (d->device_class == CLASS_CXL) {
		m->kind = PCI_MEMORY_CXL;
		return true;
	}
	if (m->edac)
		return true;
	if (d->device_class == CLASS_HOST_BRIDGE || d->device_class == CLASS_SYSTEM)
		return named;
	if (!named)
		m->kind = PCI_MEMORY_OTHER;
	return d->device_class >> 8 == CLASS_MEMORY;
}

static void take_memory(struct pci_access *access, struct pci_dev *d, void *userdata)
{
	struct pci_memories *m = userdata;
	struct pci_memory one = { .kind = PCI_MEMORY_CONTROLLER };

	pci_fill_info(d, PCI_FILL_IDENT | PCI_FILL_CLASS | PCI_FILL_DRIVER);
	one.edac = pci_is_edac(d);
	pci_name(access, d, &one);
	if (!pci_is_memory(d, &one))
		return;
	if (m->n == PCI_MEMORY_MAX) {
		m->cut = true;
		return;
	}
	snprintf(one.address, sizeof(one.address), "%04x:%02x:%02x.%x",
		 (unsigned int)d->domain, (unsigned int)d->bus, (unsigned int)d->dev,
		 (unsigned int)d->func);
	m->v[m->n++] = one;
}

static int compare_memories(const void *a, const void *b)
{
	const struct pci_memory *p = a, *q = b;

	return strcmp(p->address, q->address);
}

int topology_pci_memories(const char *root, struct pci_memories **ret)
{
	_cleanup_(pci_cleanup_p) struct pci_access *access = NULL;
	_cleanup_(free_p) struct pci_memories *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	r = open_pci(root, &access);
	if (r == 0)
		r = load_names(access, root);
	if (r == 0)
		r = pci_walk(access, take_memory, m);
	if (r < 0)
		return r;
	/* libpci has the devices in the order of the folder, which means nothing. */
	qsort(m->v, m->n, sizeof(m->v[0]), compare_memories);
	*ret = TAKE_PTR(m);
	return 0;
}

const struct pci_memory *topology_pci_edac(const struct pci_memories *m)
{
	const struct pci_memory *found = NULL;

	for (unsigned int i = 0; i < m->n; i++) {
		if (!m->v[i].edac)
			continue;
		if (found)
			return NULL;
		found = &m->v[i];
	}
	return m->cut ? NULL : found;
}
