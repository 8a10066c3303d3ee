/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Which EDAC driver would fit this machine, by the kernel's own table of module aliases,
 * and what stands in its way. It loads nothing.
 */

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <string.h>

#include "kernel/sysfs_memory.h"
#include "topology/topology.h"
#include "topology/topology_internal.h"

#define MODALIAS_MAX 4096

/* One line "alias PATTERN MODULE" of an EDAC driver; a kernel has about a hundred. */
struct alias {
	char pattern[120];
	char module[EDAC_DRIVER_MAX];
};

#define MAX_ALIASES 512

struct search {
	struct alias aliases[MAX_ALIASES];
	unsigned int n_aliases;
	struct edac_driver *ret;
	size_t max;
	size_t n;
};

static void try_modalias(void *userdata, const char *modalias)
{
	struct search *s = userdata;

	for (unsigned int i = 0; i < s->n_aliases; i++) {
		const char *module = s->aliases[i].module;
		size_t at = 0;

		if (fnmatch(s->aliases[i].pattern, modalias, 0) != 0)
			continue;
		while (at < s->n && strcmp(s->ret[at].module, module) != 0)
			at++;
		if (at < s->n || at == s->max)
			continue;
		memset(&s->ret[at], 0, sizeof(s->ret[at]));
		memcpy(s->ret[at].module, module, sizeof(s->ret[at].module));
		s->n++;
	}
}

/* Only drivers of controllers count; edac_mce_amd decodes for them and has an alias that
 * is a mere name. */
static void take_alias(struct search *s, const char *line)
{
	struct alias a;

	if (s->n_aliases == MAX_ALIASES ||
	    sscanf(line, "alias %119s %55s", a.pattern, a.module) != 2)
		return;
	if (!strstr(a.module, "edac") || !strchr(a.pattern, ':'))
		return;
	s->aliases[s->n_aliases++] = a;
}

static int read_aliases(struct search *s, const char *root)
{
	static const char *const places[] = { "/lib/modules", "/usr/lib/modules" };
	_cleanup_(fclose_p) FILE *f = NULL;
	char release[KERNEL_RELEASE_MAX], path[PATH_MAX], line[512];
	int r;

	r = sysfs_memory_release(root, release);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(places) && !f; i++) {
		int n = snprintf(path, sizeof(path), "%s%s/%s/modules.alias", root,
				 places[i], release);

		if (n < 0 || (size_t)n >= sizeof(path))
			return -ENAMETOOLONG;
		f = fopen(path, "re");
	}
	if (!f)
		return -ENOENT;
	while (fgets(line, sizeof(line), f))
		take_alias(s, line);
	return 0;
}

/** True if a line "blacklist NAME" of @path names @module; '-' and '_' are the same. */
static bool file_blacklists(const char *path, const char *module)
{
	_cleanup_(fclose_p) FILE *f = fopen(path, "re");
	char line[512], name[EDAC_DRIVER_MAX];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, " blacklist %55s", name) != 1)
			continue;
		for (char *p = name; *p; p++)
			if (*p == '-')
				*p = '_';
		if (strcmp(name, module) == 0)
			return true;
	}
	return false;
}

static bool is_blacklisted(const char *root, const char *module)
{
	static const char *const places[] = { "/etc/modprobe.d", "/run/modprobe.d",
					      "/usr/lib/modprobe.d", "/lib/modprobe.d" };
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		_cleanup_(closedir_p) DIR *d = NULL;
		const struct dirent *entry;
		int n = snprintf(path, sizeof(path), "%s%s", root, places[i]);

		if (n < 0 || (size_t)n >= sizeof(path))
			return false;
		d = opendir(path);
		while (d && (entry = readdir(d))) {
			size_t len = strlen(entry->d_name);

			if (len < 6 || strcmp(entry->d_name + len - 5, ".conf") != 0)
				continue;
			n = snprintf(path, sizeof(path), "%s%s/%s", root, places[i],
				     entry->d_name);
			if (n > 0 && (size_t)n < sizeof(path) &&
			    file_blacklists(path, module))
				return true;
		}
	}
	return false;
}

static bool is_loaded(const char *root, const char *module)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/sys/module/%s", root, module);

	return n > 0 && (size_t)n < sizeof(path) && access(path, F_OK) == 0;
}

int topology_edac_drivers(const char *root, struct edac_driver *ret, size_t max)
{
	_cleanup_(free_p) struct search *s = calloc(1, sizeof(*s));
	char dir[PATH_MAX], modalias[MODALIAS_MAX];
	int r;

	if (!s)
		return -ENOMEM;
	s->ret = ret;
	s->max = max;
	r = read_aliases(s, root);
	if (r < 0)
		return r;
	r = snprintf(dir, sizeof(dir), "%s/sys/devices/system/cpu", root);
	if (r < 0 || (size_t)r >= sizeof(dir))
		return -ENAMETOOLONG;
	if (topology_text(dir, "modalias", modalias, sizeof(modalias)) == 0)
		try_modalias(s, modalias);
	/* No PCI is an answer too: a machine may have none. */
	topology_pci_devices(root, try_modalias, s);
	for (size_t i = 0; i < s->n; i++) {
		ret[i].loaded = is_loaded(root, ret[i].module);
		ret[i].blacklisted = is_blacklisted(root, ret[i].module);
	}
	return (int)s->n;
}

bool topology_firmware_first(const char *root)
{
	_cleanup_(closedir_p) DIR *d = NULL;
	const struct dirent *entry;
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/sys/bus/platform/drivers/GHES", root);

	if (n < 0 || (size_t)n >= sizeof(path))
		return false;
	d = opendir(path);
	while (d && (entry = readdir(d)))
		if (strncmp(entry->d_name, "GHES.", 5) == 0)
			return true;
	return false;
}
