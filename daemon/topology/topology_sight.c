/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Facts on whether this machine can show its memory errors (base/sight.h, which judges
 * them). It is called by the minute, and reads no more than that is worth.
 */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "host/small_file.h"
#include "kernel/sysfs_memory.h"
#include "topology/topology_internal.h"

#define MACHINECHECK "/sys/devices/system/machinecheck"
#define CMDLINE_MAX  8192 /* COMMAND_LINE_SIZE is 2,048 on most, and 4,096 at most */
#define VENDOR_MAX   512  /* the beginning of /proc/cpuinfo */
#define FAMILY_UMC   0x17
#define BANKS_MAX    64 /* bankN of machinecheckN */

static bool sight_has(const char *root, const char *path)
{
	char full[PATH_MAX];

	return small_file_path(full, sizeof(full), root, path) == 0 &&
	       access(full, F_OK) == 0;
}

/* False also if the release is not known. */
static bool sight_release_is(const char *root, unsigned int major, unsigned int minor)
{
	char release[KERNEL_RELEASE_MAX];
	unsigned int is_major, is_minor;

	if (sysfs_memory_release(root, release) < 0 ||
	    sscanf(release, "%u.%u", &is_major, &is_minor) != 2)
		return false;
	return is_major > major || (is_major == major && is_minor >= minor);
}

/* The first of them; 0 if it is not one of AMD's or Hygon's. */
static unsigned int sight_amd_family(const char *root)
{
	static const char field[] = "\ncpu family";
	char text[VENDOR_MAX];
	ssize_t n = small_file_read_below(root, "/proc/cpuinfo", text, sizeof(text));
	const char *family;
	unsigned int value;

	if (n < 0 && n != -EFBIG)
		return 0;
	if (!strstr(text, "AuthenticAMD") && !strstr(text, "HygonGenuine"))
		return 0;
	family = strstr(text, field);
	/* One that does not say so is still AMD's. */
	return family && sscanf(family + strlen(field), " : %u", &value) == 1 ? value : 1;
}

/*
 * RAS_CEC takes errors with a usable address only. Since Linux 6.7 the kernel says of the
 * addresses of AMD's unified memory controllers, which are there since family 17h, that
 * they are none; those of the northbridges before it can use (amd_mce_usable_address()).
 */
static bool sight_is_spared(const char *root)
{
	return sight_amd_family(root) >= FAMILY_UMC && sight_release_is(root, 6, 7);
}

/*
 * The kernel's own word is there since Linux 6.1. Before that it is the running kernel's, and
 * a made-up machine without it is one of x86.
 */
static bool sight_is_x86(const char *root)
{
	struct utsname running = { .machine = "x86_64" };
	char arch[32];
	const char *name = arch;

	if (small_file_read_below(root, "/proc/sys/kernel/arch", arch, sizeof(arch)) <=
	    0) {
		if (root[0] == '\0')
			(void)uname(&running);
		name = running.machine;
	}
	return strncmp(name, "x86_64", 6) == 0 ||
	       (name[0] == 'i' && name[1] && strncmp(name + 2, "86", 2) == 0);
}

static void sight_cmdline(const char *root, struct sight_facts *f)
{
	_cleanup_(free_p) char *text = malloc(CMDLINE_MAX);
	ssize_t n;

	if (!text)
		return;
	n = small_file_read_below(root, "/proc/cmdline", text, CMDLINE_MAX);
	if (n < 0 && n != -EFBIG)
		return;
	sight_read_cmdline(f, text);
	/* Lost its effect in 5.8 ("EDAC: Drop the EDAC report status checks", April 2020). */
	if (f->edac_report_off)
		f->edac_report_off = !sight_release_is(root, 5, 8);
	/* Words left on the command line of a machine that does not know them. */
	if (!sight_is_x86(root))
		f->mce_off = f->mce_ignore_ce = f->mce_dont_log_ce = false;
}

void topology_machine_facts(const char *root, struct sight_facts *f)
{
	char of[64];

	f->guest = topology_guest(root, of, sizeof(of));
	f->container = topology_container(root, of, sizeof(of));
	f->hest = sight_has(root, "/sys/firmware/acpi/tables/HEST");
	f->spared = sight_is_spared(root);
	sight_cmdline(root, f);
}

/* "mc0" and not "mcelog". */
static bool sight_is_numbered(const char *name, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(name, prefix, len) == 0 && name[len] != '\0' &&
	       strspn(name + len, "0123456789") == strlen(name + len);
}

/* Counts the controllers in the folder @place, and those of ghes_edac among them. */
static int sight_count(const char *root, const char *place, unsigned int *ret_ghes)
{
	char dir[PATH_MAX], path[PATH_MAX], name[64];
	_cleanup_(closedir_p) DIR *d = NULL;
	const struct dirent *entry;
	int found = 0;

	if (small_file_path(dir, sizeof(dir), root, place) < 0)
		return -ENAMETOOLONG;
	d = opendir(dir);
	if (!d)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	while ((errno = 0, entry = readdir(d))) {
		int n;

		if (!sight_is_numbered(entry->d_name, "mc"))
			continue;
		n = snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		/* A folder without a name is not EDAC's. */
		if (n < 0 || (size_t)n >= sizeof(path) ||
		    topology_text(path, "mc_name", name, sizeof(name)) < 0)
			continue;
		found++;
		*ret_ghes += strcmp(name, "ghes_edac") == 0;
	}
	return found == 0 && errno ? -errno : found;
}

static void sight_controllers(const char *root, struct sight_facts *f)
{
	static const char *const places[] = { "/sys/devices/system/edac/mc",
					      "/sys/devices" };
	unsigned int found = 0, ghes = 0;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		int n = sight_count(root, places[i], &ghes);

		if (n < 0)
			r = n;
		else
			found += (unsigned int)n;
	}
	f->controllers = found > 0 ? FACT_YES : r < 0 ? FACT_UNKNOWN : FACT_NO;
	f->firmware_only = found > 0 && ghes == found;
}

/* -1: there is none. */
static int64_t sight_switch(const char *dir, const char *file)
{
	char text[32];
	int64_t value;

	if (topology_text(dir, file, text, sizeof(text)) < 0 ||
	    sscanf(text, "%" SCNd64, &value) != 1)
		return -1;
	return value;
}

static bool sight_banks_off(const char *dir)
{
	unsigned int off = 0, n = 0;

	for (unsigned int i = 0; i < BANKS_MAX; i++) {
		char file[16], text[32];

		snprintf(file, sizeof(file), "bank%u", i);
		if (topology_text(dir, file, text, sizeof(text)) < 0)
			continue;
		n++;
		off += strtoull(text, NULL, 16) == 0;
	}
	return n > 0 && 2 * off >= n;
}

static bool sight_cmci_disabled(const char *dir, const struct sight_facts *f)
{
	int64_t disabled = sight_switch(dir, "cmci_disabled");

	return disabled >= 0 ? disabled > 0 : f->mce_no_cmci;
}

/* AMD has no CMCI: the kernel polls, or nobody looks. */
static void sight_switches(const char *root, const char *dir, struct sight_facts *f)
{
	int64_t ignore_ce = sight_switch(dir, "ignore_ce");
	int64_t dont_log_ce = sight_switch(dir, "dont_log_ce");

	f->machine_checks = true;
	f->ignore_ce = ignore_ce > 0;
	f->ignore_ce_off = ignore_ce == 0;
	f->dont_log_ce = dont_log_ce > 0;
	f->dont_log_ce_off = dont_log_ce == 0;
	f->banks_off = sight_banks_off(dir);
	f->not_polled = sight_switch(dir, "check_interval") == 0 &&
			(sight_cmci_disabled(dir, f) || sight_amd_family(root) > 0);
}

/* The folder of any processor's machine checks: all have the same switches. */
static bool sight_machinecheck(const char *root, char ret[static PATH_MAX])
{
	char dir[PATH_MAX];
	_cleanup_(closedir_p) DIR *d = NULL;
	const struct dirent *entry;

	if (small_file_path(dir, sizeof(dir), root, MACHINECHECK) < 0)
		return false;
	d = opendir(dir);
	while (d && (entry = readdir(d))) {
		int n;

		if (!sight_is_numbered(entry->d_name, "machinecheck"))
			continue;
		n = snprintf(ret, PATH_MAX, "%s/%s", dir, entry->d_name);
		if (n > 0 && n < PATH_MAX)
			return true;
	}
	return false;
}

static void sight_machine_checks(const char *root, struct sight_facts *f)
{
	char dir[PATH_MAX];

	f->machine_checks = f->ignore_ce = f->dont_log_ce = f->not_polled = false;
	f->ignore_ce_off = f->dont_log_ce_off = f->banks_off = false;
	if (sight_machinecheck(root, dir))
		sight_switches(root, dir, f);
}

bool topology_banks_off(const char *root)
{
	char dir[PATH_MAX];

	return sight_machinecheck(root, dir) && sight_banks_off(dir);
}

void topology_sight_facts(const char *root, struct sight_facts *f)
{
	char text[128];

	sight_controllers(root, f);
	sight_machine_checks(root, f);
	f->ghes = topology_firmware_first(root);
	f->confidentiality = small_file_read_below(root, "/sys/kernel/security/lockdown",
						   text, sizeof(text)) > 0 &&
			     strstr(text, "[confidentiality]");
	f->looked = true;
}
