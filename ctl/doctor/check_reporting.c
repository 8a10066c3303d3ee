/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The check of what makes the kernel ignore errors: boot parameters, and the switches of
 * the machine-check code. What hides an error that is not ignored is looked at elsewhere.
 *
 * Facts (arch/x86/kernel/cpu/mce/core.c, amd.c and intel.c, drivers/acpi/apei/hest.c and
 * ghes.c of Debian's Linux 6.1 and 6.12): mce= takes one word, is no list, and each word
 * stays in force ("mce=" may also be written "mce"); mce=off and nomce turn machine checks
 * off; ignore_ce stops polling and CMCI; dont_log_ce drops corrected errors that have no
 * usable address, which are all on AMD's scalable MCA. /sys/devices/system/machinecheck
 * shows what holds now, once for all processors. Without polling and without CMCI nobody
 * looks; AMD has no CMCI, and its threshold interrupt comes at 4,095 errors. edac_report=
 * lost its effect in 5.8 ("EDAC: Drop the EDAC report status checks", April 2020).
 * ghes.disable is a boolean, whose last value counts; hest_disable has no value.
 */

#include <stdlib.h>
#include <string.h>

#include "base/cmdline.h"
#include "doctor/check_internal.h"

#define MACHINECHECK "/sys/devices/system/machinecheck/machinecheck0/"
#define HEST         "/sys/firmware/acpi/tables/HEST"

#define HEST_MAX 65536

/* The words found guilty, as a list; those that are boot parameters, as another. */
struct culprits {
	char all[160];
	char boot[128];
	char files[224]; /* how to undo those of sysfs */
	enum check_status status;
};

/* What the command line says; nothing else of @ret is filled in. */
static void boot_words_read(const struct check_context *c, struct sight_facts *ret)
{
	char text[4096];

	memset(ret, 0, sizeof(*ret));
	if (check_read(c, "/proc/cmdline", text, sizeof(text)) >= 0)
		sight_read_cmdline(ret, text);
}

/* A number of the machine-check code; @unknown if it cannot be read. */
static long machinecheck(const struct check_context *c, const char *file, long unknown)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), MACHINECHECK "%s", file);
	return check_read(c, path, text, sizeof(text)) > 0 ? strtol(text, NULL, 10)
							   : unknown;
}

static void culprit_append(char *list, size_t size, const char *between, const char *word)
{
	size_t n = strlen(list);

	snprintf(list + n, size - n, "%s%s", n > 0 ? between : "", word);
}

static void blame_boot(struct culprits *k, enum check_status status, const char *word)
{
	culprit_append(k->all, sizeof(k->all), ", ", word);
	culprit_append(k->boot, sizeof(k->boot), " ", word);
	if (status > k->status)
		k->status = status;
}

/* A switch of sysfs that no boot parameter has set: it can be put back at once. */
static void blame_file(struct culprits *k, const char *what, const char *undo)
{
	culprit_append(k->all, sizeof(k->all), ", ", what);
	culprit_append(k->files, sizeof(k->files), "; ", undo);
	k->status = CHECK_FAILED;
}

static bool is_amd(const struct check_context *c)
{
	char text[1024];

	return check_read(c, "/proc/cpuinfo", text, sizeof(text)) > 0 &&
	       (strstr(text, "AuthenticAMD") || strstr(text, "HygonGenuine"));
}

/* Nobody looks for corrected errors. */
static void find_no_looking(const struct check_context *c, const struct sight_facts *w,
			    struct culprits *k)
{
	bool no_cmci = machinecheck(c, "cmci_disabled", w->mce_no_cmci) > 0;

	if (machinecheck(c, "check_interval", 300) != 0)
		return;
	if (is_amd(c))
		blame_file(k, "machinecheck0/check_interval = 0",
			   "echo 300 > " MACHINECHECK "check_interval");
	else if (no_cmci)
		blame_file(k,
			   "machinecheck0/check_interval = 0 together with "
			   "cmci_disabled = 1",
			   "echo 300 > " MACHINECHECK "check_interval");
}

static void find_banks_off(const struct check_context *c, struct culprits *k)
{
	if (topology_banks_off(c->o->root))
		blame_file(k, "machinecheck0/bank* = 0",
			   "for f in /sys/devices/system/machinecheck/*/bank*; do echo "
			   "0xffffffffffffffff > $f; done");
}

static void find_machine_checks(const struct check_context *c,
				const struct sight_facts *w, struct culprits *k)
{
	if (!c->x86 || check_ghes_delivers(c))
		return;
	if (w->mce_off)
		blame_boot(k, CHECK_FAILED, w->nomce ? "nomce" : "mce=off");
	if (machinecheck(c, "ignore_ce", w->mce_ignore_ce) > 0) {
		if (w->mce_ignore_ce)
			blame_boot(k, CHECK_FAILED, "mce=ignore_ce");
		else
			blame_file(k, "machinecheck0/ignore_ce = 1",
				   "echo 0 > " MACHINECHECK "ignore_ce");
	}
	if (machinecheck(c, "dont_log_ce", w->mce_dont_log_ce) > 0) {
		if (w->mce_dont_log_ce)
			blame_boot(k, CHECK_FAILED, "mce=dont_log_ce");
		else
			blame_file(k, "machinecheck0/dont_log_ce = 1",
				   "echo 0 > " MACHINECHECK "dont_log_ce");
	}
	find_no_looking(c, w, k);
	find_banks_off(c, k);
	if (w->edac_report_off && c->release[0] && !release_at_least(c->release, 5, 8))
		blame_boot(k, CHECK_FAILED, "edac_report=off");
}

/* True unless it is known that the firmware has no error sources to tell of. */
static bool may_have_sources(struct check_context *c)
{
	return check_look(c, HEST) != MISSING || topology_firmware_first(c->o->root) ||
	       check_look(c, "/sys/firmware/acpi/tables") != SEEN;
}

/* Without a controller, or with one that is GHES itself, nothing else can report. */
static void find_ghes(struct check_context *c, const struct sight_facts *w,
		      struct culprits *k)
{
	bool only = c->topology->n_mcs == 0 || check_ghes_delivers(c);

	if ((w->ghes_disabled || w->hest_disabled) && may_have_sources(c))
		blame_boot(k, only ? CHECK_FAILED : CHECK_WARNING,
			   w->ghes_disabled ? "ghes.disable=1" : "hest_disable");
}

static void describe_culprits(const struct culprits *k, struct check_row *row)
{
	if (k->status == CHECK_FAILED)
		check_say(row, CHECK_FAILED, "corrected errors are ignored by %s",
			  k->all);
	else
		check_say(
			row, CHECK_WARNING,
			"errors that the firmware handles first, if it does so here, are "
			"ignored by %s",
			k->all);
	if (k->boot[0])
		check_hint_without(row, k->boot, "");
	else
		check_hint(row, "%s", k->files);
}

/*
 * The firmware may reserve the banks of corrected errors for itself; the kernel then stops
 * looking at them (hest_parse_cmc() and arch_apei_enable_cmcff() of Linux 6.12; the layout:
 * ACPI 6.5, 18.3.2). Only root may read the table.
 */
static bool firmware_takes_corrected(const struct check_context *c)
{
	_cleanup_(free_p) uint8_t *hest = malloc(HEST_MAX);
	ssize_t n = hest ? check_read(c, HEST, (char *)hest, HEST_MAX) : -1;
	/* Sizes of the types 0 to 11; 0, 1 and 11 also have banks of 28 bytes each. */
	static const uint8_t sizes[] = { 40, 48, 20, 0, 0, 0, 48, 44, 56, 64, 92, 48 };

	for (ssize_t at = 40, size; at + 48 <= n; at += size) {
		const uint8_t *entry = hest + at;
		unsigned int type = entry[0] | (unsigned int)entry[1] << 8;

		if (type >= sizeof(sizes) || sizes[type] == 0)
			return false;
		/* Firmware first, enabled, and there are banks. */
		if (type == 1)
			return entry[6] & 1 && entry[7] && entry[44];
		size = sizes[type];
		if (type == 0)
			size += 28 * entry[32];
		else if (type == 11)
			size += 28 * entry[44];
	}
	return false;
}

static bool boot_keeps_corrected(const struct check_context *c)
{
	char text[4096], *at = text;
	struct cmdline_param p;

	if (check_read(c, "/proc/cmdline", text, sizeof(text)) < 0)
		return false;
	while (cmdline_next(&at, &p))
		if (strcmp(p.name, "acpi") == 0 && p.value &&
		    strcmp(p.value, "nocmcff") == 0)
			return true;
	return false;
}

bool check_ghes_disabled(struct check_context *c)
{
	struct sight_facts w;

	boot_words_read(c, &w);
	return (w.ghes_disabled || w.hest_disabled) && may_have_sources(c);
}

void check_error_reporting(struct check_context *c, struct check_row *row)
{
	struct culprits k = { .status = CHECK_OK };
	struct sight_facts w;
	long interval;

	boot_words_read(c, &w);
	find_machine_checks(c, &w, &k);
	find_ghes(c, &w, &k);
	interval = machinecheck(c, "check_interval", -1);
	if (k.status != CHECK_OK) {
		describe_culprits(&k, row);
	} else if (c->x86 && !check_ghes_delivers(c) && firmware_takes_corrected(c) &&
		   !boot_keeps_corrected(c)) {
		check_say(
			row, CHECK_WARNING,
			"the kernel leaves corrected machine checks to the firmware, as "
			"the ACPI table HEST asks");
		check_hint_with(row, "acpi=nocmcff",
				", or switch firmware first off in the setup");
	} else if (c->x86 && machinecheck(c, "cmci_disabled", w.mce_no_cmci) > 0 &&
		   interval > 0) {
		check_say(row, CHECK_OK,
			  "without CMCI errors are looked for every %ld seconds at most",
			  interval);
	} else {
		check_say(
			row, CHECK_OK,
			"no boot parameter and no switch makes the kernel ignore errors");
	}
}
