/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The PCI devices by libpci, for their module aliases only. It knows neither what a
 * device is nor which driver it wants.
 */

#include <errno.h>
#include <limits.h>
#include <pci/pci.h>
#include <setjmp.h>

#include "mem.h"
#include "topology.h"

DEFINE_CLEANUP(struct pci_access *, pci_cleanup)

/* libpci hands its hooks no pointer of ours. */
static _Thread_local jmp_buf on_error;

/* The one way out of libpci's error path that does not end the process. */
__attribute__((noreturn)) _printf_(1, 2) static void escape(char *message, ...)
{
	longjmp(on_error, 1);
}

_printf_(1, 2) static void ignore(char *message, ...)
{
}

/* Everything that may call the error hook; nothing here owns anything. */
static int walk(struct pci_access *access, pci_modalias_fn fn, void *userdata)
{
	volatile int n = 0;

	if (setjmp(on_error) != 0)
		return -EIO;
	pci_init(access);
	pci_scan_bus(access);
	for (struct pci_dev *d = access->devices; d; d = d->next) {
		char alias[128];
		int known = pci_fill_info(d, PCI_FILL_IDENT | PCI_FILL_CLASS |
						     PCI_FILL_MODULE_ALIAS);

		n++;
		if ((known & PCI_FILL_MODULE_ALIAS) && d->module_alias) {
			fn(userdata, d->module_alias);
			continue;
		}
		/* Subsystem and interface are in no alias of an EDAC driver. */
		snprintf(alias, sizeof(alias),
			 "pci:v%08Xd%08Xsv00000000sd00000000bc%02Xsc%02Xi00",
			 (unsigned int)d->vendor_id, (unsigned int)d->device_id,
			 (unsigned int)d->device_class >> 8,
			 (unsigned int)d->device_class & 0xff);
		fn(userdata, alias);
	}
	return n;
}

int topology_pci_devices(const char *root, pci_modalias_fn fn, void *userdata)
{
	_cleanup_(pci_cleanup_p) struct pci_access *access = NULL;
	char path[PATH_MAX], name[] = "sysfs.path";
	int n = snprintf(path, sizeof(path), "%s/sys/bus/pci", root);

	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	access = pci_alloc();
	if (!access)
		return -ENOMEM;
	/* Named, so that libpci does not try port I/O for want of sysfs. */
	access->method = PCI_ACCESS_SYS_BUS_PCI;
	access->error = escape;
	access->warning = ignore;
	access->debug = ignore;
	if (pci_set_param(access, name, path) < 0)
		return -EIO;
	return walk(access, fn, userdata);
}
