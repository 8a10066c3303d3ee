/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Which EDAC driver would fit this machine, by the kernel's own table of module aliases,
 * and what prevents the driver from loading. libkmod reads the table and modprobe's
 * configuration. Nothing is loaded here.
 */

#include <errno.h>
#include <fcntl.h>
#include <libkmod.h>
#include <limits.h>
#include <string.h>

#include "host/small_file.h"
#include "kernel/sysfs_memory.h"
#include "topology/topology.h"
#include "topology/topology_internal.h"

#define MODALIAS_MAX 4096

DEFINE_CLEANUP(struct kmod_ctx *, kmod_unref)
DEFINE_CLEANUP(struct kmod_list *, kmod_module_unref_list)
DEFINE_CLEANUP(struct kmod_module *, kmod_module_unref)

struct search {
	const char *root;
	struct kmod_ctx *kmod;
	struct edac_driver *ret;
	size_t max;
	size_t n;
};

static _printf_(6, 0) void driver_log(void *data, int priority, const char *file,
				      int line, const char *fn, const char *format,
				      va_list args)
{
	/* A mistake in modprobe.d is not what the caller asked about. */
}

/* Where the running kernel's modules are. Returns 0, or negative errno. */
static int driver_folder(const char *root, char ret[PATH_MAX])
{
	static const char *const places[] = { "/lib/modules/", "/usr/lib/modules/" };
	char release[KERNEL_RELEASE_MAX], table[PATH_MAX];
	int r = sysfs_memory_release(root, release);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(places); i++) {
		int n = snprintf(ret, PATH_MAX, "%s%s%s", root, places[i], release);

		if (n < 0 || n >= PATH_MAX)
			return -ENAMETOOLONG;
		r = small_file_path(table, sizeof(table), ret, "/modules.alias");
		if (r < 0 || access(table, R_OK) == 0)
			return r;
	}
	return r < 0 ? r : -ENOENT;
}

/*
 * Makes a libkmod context for the modules below @root. depmod makes libkmod's index of
 * aliases, modules.alias.bin, together with the text modules.alias. The made-up machines
 * of tests have the text only; then the text is read as one more file of modprobe's
 * configuration, where its lines mean the same.
 */
static int driver_open(const char *root, struct kmod_ctx **ret)
{
	/* The order of modprobe.d(5): of files with the same name, the first folder's
	 * file counts. */
	static const char *const folders[] = { "/etc/modprobe.d", "/run/modprobe.d",
					       "/usr/local/lib/modprobe.d",
					       "/usr/lib/modprobe.d", "/lib/modprobe.d" };
	char paths[ARRAY_SIZE(folders)][PATH_MAX], dir[PATH_MAX], table[PATH_MAX];
	const char *config[ARRAY_SIZE(folders) + 2] = { NULL };
	int r = driver_folder(root, dir);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(folders); i++) {
		r = small_file_path(paths[i], sizeof(paths[i]), root, folders[i]);
		config[i] = paths[i];
	}
	if (r == 0)
		r = small_file_path(table, sizeof(table), dir, "/modules.alias.bin");
	if (r < 0)
		return r;
	if (access(table, R_OK) < 0) {
		*strrchr(table, '.') = '\0';
		config[ARRAY_SIZE(folders)] = table;
	}
	*ret = kmod_new(dir, config);
	if (!*ret)
		return -ENOMEM;
	kmod_set_log_fn(*ret, driver_log, NULL);
	return 0;
}

/* Drivers of caches, buses and decoders (drivers/edac of Linux 6.12). */
static bool driver_is_no_controller(const char *module)
{
	static const char *const others[] = {
		"edac_mce_amd",   "skx_edac_common",  "qcom_edac",       "sifive_edac",
		"zynqmp_edac",    "highbank_l2_edac", "amd8111_edac",    "amd8131_edac",
		"octeon_edac_pc", "octeon_edac_l2c",  "octeon_edac_pci", "edac_core"
	};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strcmp(others[i], module) == 0)
			return true;
	return false;
}

static void driver_add(struct search *s, const char *module, bool builtin)
{
	size_t at = 0;

	/* Only drivers of memory controllers count. */
	if (!strstr(module, "edac") || strlen(module) >= EDAC_DRIVER_MAX ||
	    driver_is_no_controller(module))
		return;
	while (at < s->n && strcmp(s->ret[at].module, module) != 0)
		at++;
	if (at < s->n || at == s->max)
		return;
	s->ret[at] = (struct edac_driver){ .loaded = builtin };
	strcpy(s->ret[at].module, module);
	topology_driver_bar(s->root, module, &s->ret[at].bar);
	s->ret[at].blacklisted = s->ret[at].bar.kind != DRIVER_FREE;
	s->n++;
}

static void driver_try_modalias(void *userdata, const char *modalias)
{
	_cleanup_(kmod_module_unref_list_p) struct kmod_list *list = NULL;
	struct search *s = userdata;
	struct kmod_list *item;

	if (kmod_module_new_from_lookup(s->kmod, modalias, &list) < 0)
		return;
	kmod_list_foreach(item, list)
	{
		_cleanup_(kmod_module_unref_p) struct kmod_module *module =
			kmod_module_get_module(item);

		/* The index of built-in modules belongs to the folder, as modules.alias. */
		driver_add(s, kmod_module_get_name(module),
			   kmod_module_get_initstate(module) == KMOD_MODULE_BUILTIN);
	}
}

/* Calls @fn for each modalias of the processor, and of platform and ACPI devices. */
static void driver_each_modalias(const char *root, pci_modalias_fn fn, void *userdata)
{
	static const char *const buses[] = { "/sys/bus/platform/devices",
					     "/sys/bus/acpi/devices" };
	char dir[PATH_MAX], modalias[MODALIAS_MAX];

	if (small_file_path(dir, sizeof(dir), root, "/sys/devices/system/cpu") == 0 &&
	    topology_text(dir, "modalias", modalias, sizeof(modalias)) == 0)
		fn(userdata, modalias);
	for (size_t i = 0; i < ARRAY_SIZE(buses); i++) {
		_cleanup_(closedir_p) DIR *d = NULL;
		const struct dirent *entry;

		if (small_file_path(dir, sizeof(dir), root, buses[i]) < 0)
			continue;
		d = opendir(dir);
		while (d && (entry = readdir(d))) {
			char file[NAME_MAX + sizeof("/modalias")];

			snprintf(file, sizeof(file), "%s/modalias", entry->d_name);
			if (entry->d_name[0] != '.' &&
			    topology_text(dir, file, modalias, sizeof(modalias)) == 0)
				fn(userdata, modalias);
		}
	}
}

static int driver_compare(const void *a, const void *b)
{
	return strcmp(((const struct edac_driver *)a)->module,
		      ((const struct edac_driver *)b)->module);
}

int topology_edac_drivers(const char *root, struct edac_driver *ret, size_t max)
{
	_cleanup_(kmod_unref_p) struct kmod_ctx *kmod = NULL;
	struct search s = { .root = root, .ret = ret, .max = max };
	char path[PATH_MAX];
	int r;

	r = driver_open(root, &kmod);
	if (r < 0)
		return r;
	s.kmod = kmod;
	driver_each_modalias(root, driver_try_modalias, &s);
	/* "No PCI" is an answer too: a machine may have none. */
	topology_pci_devices(root, driver_try_modalias, &s);
	/* Loaded modules: kmod_module_get_initstate() knows no root but the real one. */
	for (size_t i = 0; i < s.n; i++) {
		r = snprintf(path, sizeof(path), "%s/sys/module/%s", root, ret[i].module);
		ret[i].loaded = ret[i].loaded || (r > 0 && (size_t)r < sizeof(path) &&
						  access(path, F_OK) == 0);
	}
	/* A bus lists its devices in no order. */
	qsort(ret, s.n, sizeof(*ret), driver_compare);
	return (int)s.n;
}

static void driver_try_facts(void *userdata, const char *modalias)
{
	const struct driver_fact **wanted = userdata;

	const struct driver_fact *fact = driver_fact_of(modalias);

	/* A bus lists its devices in no order: the first of the table counts. */
	if (fact && (!*wanted || fact < *wanted))
		*wanted = fact;
}

const struct driver_fact *topology_driver_wanted(const char *root)
{
	const struct driver_fact *wanted = NULL;

	driver_each_modalias(root, driver_try_facts, &wanted);
	return wanted;
}

bool topology_firmware_first(const char *root)
{
	_cleanup_(closedir_p) DIR *d = NULL;
	const struct dirent *entry;
	char path[PATH_MAX];

	if (small_file_path(path, sizeof(path), root, "/sys/bus/platform/drivers/GHES") <
	    0)
		return false;
	d = opendir(path);
	while (d && (entry = readdir(d)))
		if (strncmp(entry->d_name, "GHES.", 5) == 0)
			return true;
	return false;
}
