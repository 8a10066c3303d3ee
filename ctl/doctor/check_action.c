/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Checks of what happens after a memory error: the kernel's interface, other programs
 * that act on the same pages, and what the daemon needs to store and show its counts.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "doctor/check_internal.h"
#include "kernel/kernel_control.h"
#include "kernel/node_counters.h"

#define ATTRIBUTE       "/sys/devices/system/memory/soft_offline_page"
#define DEFAULT_METRICS "/var/lib/prometheus/node-exporter/softofflined.prom"
#define LOW_SPACE_MIB   64

/* 2025-01-01: before this program existed. */
#define OLDEST_SANE_SEC INT64_C(1735689600)

/* Says that @file cannot be read, or that only root can see it. */
static void say_unread(const struct check_context *c, struct check_row *row,
		       enum memory_file file, const char *hint)
{
	int error = sysfs_offline_error(c->door, file);

	if ((error == -EACCES || error == -EPERM) && c->o->euid != 0) {
		check_need_root(c, row, sysfs_offline_path(file));
		return;
	}
	check_say(row, CHECK_WARNING, "%s cannot be read: %s", sysfs_offline_path(file),
		  strerror(-error));
	check_hint(row, "%s", hint);
}

void check_soft_offline(struct check_context *c, struct check_row *row)
{
	struct kernel_state k = sysfs_offline_kernel(c->door);
	enum look look = check_look(c, ATTRIBUTE);

	if (look == MISSING) {
		check_say(row, CHECK_FAILED, "the kernel has no soft_offline_page");
		check_hint(row, "use a kernel built with CONFIG_MEMORY_FAILURE and "
				"CONFIG_MEMORY_HOTPLUG");
	} else if (k.soft_offline == FACT_UNKNOWN) {
		say_unread(c, row, MEMORY_FILE_ATTRIBUTE,
			   "it is not known whether pages can be taken out of use");
	} else if (k.supported == FACT_UNKNOWN) {
		say_unread(c, row, MEMORY_FILE_RELEASE,
			   "mount /proc; no page is taken out of use while the kernel's "
			   "release is not known");
	} else if (k.supported == FACT_NO) {
		check_say(row, CHECK_FAILED,
			  "Linux %.64s may use a retired page again: softofflined only "
			  "counts",
			  c->release);
		check_hint(row, "use Linux 5.10 or later");
	} else if (c->o->euid == 0 && k.soft_offline == FACT_NO) {
		check_say(row, CHECK_FAILED,
			  "soft_offline_page is there but cannot be "
			  "written");
		check_hint(row, "is /sys mounted read-only, as in a container?");
	} else {
		check_say(row, CHECK_OK, "the kernel can soft-offline pages");
	}
}

/* Bit 2 comes with the patches in kernel/; other kernels refuse such a value. */
static void describe_sysctl(const struct check_context *c, struct check_row *row)
{
	int64_t value;

	if (kernel_control_read(c->o->root, &value) < 0) {
		check_say(row, CHECK_OK, "vm.enable_soft_offline is on");
		return;
	}
	check_say(row, CHECK_OK, "vm.enable_soft_offline is on (%" PRId64 ")%s%s", value,
		  value & 2 ? ", not for HugeTLB pages" : "",
		  value & 4 ? ", not on the kernel's own initiative" : "");
}

void check_enable_soft_offline(struct check_context *c, struct check_row *row)
{
	switch (sysfs_offline_kernel(c->door).enabled) {
	case SWITCH_ABSENT:
		check_say(row, CHECK_OK,
			  "this kernel has no switch to turn soft offline off");
		return;
	case SWITCH_ON:
		describe_sysctl(c, row);
		return;
	case SWITCH_OFF:
		check_say(row, CHECK_FAILED,
			  "vm.enable_soft_offline is off: the kernel refuses every page");
		check_hint(row, "sysctl -w vm.enable_soft_offline=1");
		return;
	case SWITCH_UNKNOWN:
		say_unread(c, row, MEMORY_FILE_SWITCH,
			   "it is not known whether the kernel takes pages out of use; "
			   "as root, see sysctl vm.enable_soft_offline");
		return;
	}
}

void check_kpageflags(struct check_context *c, struct check_row *row)
{
	if (sysfs_offline_frame(c->door, pfn(0)).readable) {
		check_say(row, CHECK_OK, "the state of page frames can be read");
	} else if (c->o->euid != 0) {
		check_need_root(c, row, "the state of page frames");
	} else {
		check_say(row, CHECK_WARNING,
			  "/proc/kpageflags cannot be read: the result of an attempt "
			  "cannot be verified");
		check_hint(row, "use a kernel built with CONFIG_PROC_PAGE_MONITOR; in a "
				"unit, ProcSubset=pid hides it");
	}
}

void check_kernel_patches(struct check_context *c, struct check_row *row)
{
	const struct event_source *source = &event_sources[EVENT_SOURCE_SOFT_OFFLINE];
	bool counters = node_counters_exist(c->o->root);
	const char *system = "";

	switch (check_look_for_source(c, source, &system)) {
	case SEEN:
		check_say(row, CHECK_OK, "the kernel reports %s by %s:%s, and %s",
			  source->reports, system, source->event,
			  counters ? "counts them by node"
				   : "has no counters of them by node");
		return;
	case HIDDEN:
		check_need_root_for_source(c, row, source);
		return;
	case MISSING:
		check_say(row, CHECK_OK, "no %s:%s%s: %s", source->systems[0],
			  source->event, counters ? ", but counters by node" : "",
			  source->without);
		return;
	}
}

/** The first of two files that sets @key; "" if neither does. */
static void either_value(const struct check_context *c, const char *key, char *ret,
			 size_t size)
{
	static const char *const places[] = { "/etc/default/rasdaemon",
					      "/etc/sysconfig/rasdaemon" };

	ret[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (check_value(c, places[i], key, ret, size) == 0)
			return;
}

/*
 * rasdaemon up to 0.8 reads an unset or misspelled PAGE_CE_ACTION as "soft", so only these
 * two words are safe. An unset ROW_CE_ACTION means off.
 */
static bool is_harmless(const char *action)
{
	return strcasecmp(action, "off") == 0 || strcasecmp(action, "account") == 0;
}

void check_rasdaemon(struct check_context *c, struct check_row *row)
{
	bool running = check_process(c, "rasdaemon");
	bool enabled = check_look(c, "/etc/systemd/system/multi-user.target.wants/"
				     "rasdaemon.service") == SEEN;
	char page[32], rows[32];

	if (!running && !enabled) {
		check_say(row, CHECK_OK, "rasdaemon neither runs nor is enabled");
		return;
	}
	either_value(c, "PAGE_CE_ACTION", page, sizeof(page));
	either_value(c, "ROW_CE_ACTION", rows, sizeof(rows));
	if (is_harmless(page) && (rows[0] == '\0' || is_harmless(rows))) {
		check_say(row, CHECK_OK, "rasdaemon %s, but takes no pages out of use",
			  running ? "runs" : "is enabled");
		return;
	}
	check_say(row, CHECK_WARNING, "rasdaemon %s and offlines pages too (%s)",
		  running ? "runs" : "is enabled",
		  is_harmless(page) ? "ROW_CE_ACTION" : "PAGE_CE_ACTION");
	check_hint(row,
		   "set PAGE_CE_ACTION=account and ROW_CE_ACTION=off in "
		   "/etc/default/rasdaemon or /etc/sysconfig/rasdaemon, then restart it");
}

/*
 * mcelog offlines only if its configuration says so: without the key the action is "off",
 * though the file that comes with it says "soft" (page.c and mcelog.conf of mcelog 2965a54).
 * A "#" ends a line there.
 */
void check_mcelog(struct check_context *c, struct check_row *row)
{
	static const char conf[] = "/etc/mcelog/mcelog.conf";
	char action[64] = "off";
	int r;

	if (!check_process(c, "mcelog")) {
		check_say(row, CHECK_OK, "mcelog does not run");
		return;
	}
	r = check_value(c, conf, "memory-ce-action", action, sizeof(action));
	if (r < 0 && r != -ENODATA && r != -ENOENT) {
		check_say(row, CHECK_WARNING, "mcelog runs, and %s cannot be read: %s",
			  conf, strerror(-r));
		check_hint(row, "run as root to know");
		return;
	}
	action[strcspn(action, " \t#")] = '\0';
	if (is_harmless(action)) {
		check_say(row, CHECK_OK, "mcelog runs, but takes no pages out of use");
		return;
	}
	check_say(row, CHECK_WARNING, "mcelog runs and offlines pages too");
	check_hint(row, "set memory-ce-action = account in /etc/mcelog/mcelog.conf, then "
			"restart it");
}

static void describe_running(const struct check_options *o, struct check_row *row)
{
	bool both = o->reading && strcmp(o->reading, "both") == 0;

	if (!o->reading || !o->reading[0])
		check_say(row, CHECK_OK, "softofflined runs");
	else if (!o->delivers || strcmp(o->delivers, "none") == 0)
		check_say(row, CHECK_OK,
			  "softofflined runs and reads %.40s; no memory error has come "
			  "since its start",
			  both ? "mc_event and mce_record" : o->reading);
	else
		check_say(row, CHECK_OK,
			  "softofflined runs and reads %.40s; the last memory error came "
			  "by %.40s",
			  both ? "mc_event and mce_record" : o->reading, o->delivers);
}

void check_daemon(struct check_context *c, struct check_row *row)
{
	if (c->o->daemon_running) {
		describe_running(c->o, row);
		return;
	}
	check_say(row, CHECK_WARNING, "softofflined does not run");
	check_hint(row, "systemctl enable --now softofflined");
}

/** The folder of @path, at most @size - 1 bytes. */
static void check_folder_of(const char *path, char *ret, size_t size)
{
	char *slash;

	snprintf(ret, size, "%s", path);
	slash = strrchr(ret, '/');
	if (slash)
		slash[slash == ret] = '\0';
}

static bool is_writable(const struct check_context *c, const char *path)
{
	char full[PATH_MAX];

	return faccessat(AT_FDCWD, check_path(c, path, full, sizeof(full)), W_OK,
			 AT_EACCESS) == 0;
}

static void describe_database(struct check_context *c, const char *folder,
			      struct check_row *row)
{
	bool there = check_look(c, c->o->database) == SEEN;
	struct statvfs fs;
	char full[PATH_MAX];
	uint64_t mib;

	if (statvfs(check_path(c, folder, full, sizeof(full)), &fs) < 0) {
		check_say(row, CHECK_WARNING, "free space of %.120s is not known",
			  folder);
		check_hint(row, "%s", strerror(errno));
		return;
	}
	mib = (uint64_t)fs.f_bavail * fs.f_frsize >> 20;
	check_say(row, mib < LOW_SPACE_MIB ? CHECK_WARNING : CHECK_OK,
		  "the database %s%.120s%s; %" PRIu64 " MiB are free",
		  there ? "" : "will be created at ", c->o->database,
		  there ? " exists" : "", mib);
	if (mib < LOW_SPACE_MIB)
		check_hint(row,
			   "free some space, or move the database with [Database] Path");
}

void check_database(struct check_context *c, struct check_row *row)
{
	char folder[PATH_MAX];

	check_folder_of(c->o->database, folder, sizeof(folder));
	switch (check_look(c, c->o->database)) {
	case HIDDEN:
		check_need_root(c, row, "the database");
		return;
	case SEEN:
	case MISSING:
		break;
	}
	if (check_look(c, folder) == MISSING) {
		check_say(row, c->o->daemon_running ? CHECK_FAILED : CHECK_WARNING,
			  "the folder %.180s does not exist", folder);
		check_hint(row, "systemd creates /var/lib/softofflined when the service "
				"starts; create any other folder yourself");
	} else if (c->o->euid != 0) {
		check_need_root(c, row, "whether the database can be written");
	} else if (!is_writable(c, folder) || (check_look(c, c->o->database) == SEEN &&
					       !is_writable(c, c->o->database))) {
		check_say(row, CHECK_FAILED, "%.180s cannot be written", c->o->database);
		check_hint(row, "is the file system mounted read-only?");
	} else {
		describe_database(c, folder, row);
	}
}

void check_metrics(struct check_context *c, struct check_row *row)
{
	bool set = c->o->metrics_file && c->o->metrics_file[0];
	const char *path = set ? c->o->metrics_file : DEFAULT_METRICS;
	char folder[PATH_MAX];
	enum look look;

	check_folder_of(path, folder, sizeof(folder));
	look = check_look(c, folder);
	if (look == MISSING && !set) {
		check_say(row, CHECK_OK,
			  "no metrics are written: node_exporter's folder does not "
			  "exist");
	} else if (look == MISSING) {
		check_say(row, CHECK_WARNING, "the folder %.180s does not exist", folder);
		check_hint(row, "create it, or change [Metrics] File");
	} else if (look == HIDDEN || c->o->euid != 0) {
		check_need_root(c, row, "whether metrics can be written");
	} else if (!is_writable(c, folder)) {
		check_say(row, CHECK_WARNING, "the folder %.180s cannot be written",
			  folder);
		check_hint(row, "is the file system mounted read-only?");
	} else if (c->o->daemon_running && check_look(c, path) == MISSING) {
		check_say(row, CHECK_WARNING,
			  "the daemon runs, but %.180s does not exist", path);
		check_hint(row,
			   "if the folder is not node_exporter's own, the unit needs "
			   "ReadWritePaths= for it");
	} else {
		check_say(row, CHECK_OK, "metrics go to %.200s", path);
	}
}

void check_clock(struct check_context *c, struct check_row *row)
{
	if (c->o->wall_sec < OLDEST_SANE_SEC) {
		check_say(row, CHECK_WARNING,
			  "the clock is wrong: it is set to before 2025");
		check_hint(row,
			   "set the clock; otherwise errors are shown with wrong dates");
	} else if (c->o->clock_synchronised ||
		   check_look(c, "/run/systemd/timesync/synchronized") == SEEN) {
		check_say(row, CHECK_OK, "the clock is synchronised");
	} else {
		check_say(row, CHECK_WARNING, "the clock is not synchronised");
		check_hint(row, "timedatectl set-ntp true; windows are not affected, the "
				"dates shown are");
	}
}
