/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Checks of the way of a memory error from the hardware to ras:mc_event: who reports the
 * error, and who hides it. What happens to an error after that is not looked at here.
 */

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "doctor/check_internal.h"
#include "doctor/memories.h"

#define INSTANCE TRACEFS "/instances/softofflined"

enum look check_look_for_source(struct check_context *c,
				const struct event_source *source,
				const char **ret_system)
{
	enum look look = MISSING;

	for (size_t i = 0; i < EVENT_SYSTEMS_MAX && source->systems[i] && look == MISSING;
	     i++) {
		char path[128];

		snprintf(path, sizeof(path), TRACEFS "/events/%s/%s", source->systems[i],
			 source->event);
		look = check_look(c, path);
		*ret_system = source->systems[i];
	}
	return look;
}

void check_need_root_for_source(const struct check_context *c, struct check_row *row,
				const struct event_source *source)
{
	char what[128];

	snprintf(what, sizeof(what), "whether the kernel has %s:%s", source->systems[0],
		 source->event);
	check_need_root(c, row, what);
}

/* The source whose row this is: the caller has set its id. */
void check_event_source(struct check_context *c, struct check_row *row)
{
	const struct event_source *source = event_sources;
	const char *system = "";

	while (strcmp(source->check, row->id) != 0)
		source++;
	switch (check_look_for_source(c, source, &system)) {
	case SEEN:
		check_say(row, CHECK_OK, "the kernel reports %s by %s:%s",
			  source->reports, system, source->event);
		return;
	case HIDDEN:
		check_need_root_for_source(c, row, source);
		return;
	case MISSING:
		break;
	}
	if (!source->needed) {
		check_say(row, CHECK_OK, "no %s: %s", source->event, source->without);
	} else if (check_look(c, TRACEFS "/events") == SEEN) {
		check_say(row, CHECK_FAILED, "this kernel has no %s:%s",
			  source->systems[0], source->event);
		check_hint(row, "use a kernel built with CONFIG_RAS and CONFIG_EDAC");
	} else {
		check_say(row, CHECK_FAILED, "tracefs is not mounted at " TRACEFS);
		check_hint(row, "systemctl start sys-kernel-tracing.mount, or mount -t "
				"tracefs tracefs " TRACEFS);
	}
}

void check_further_source(struct check_context *c, struct check_row *row)
{
	check_event_source(c, row);
}

/** The loaded driver; if none is loaded, the first that fits; NULL if there is none. */
static const struct edac_driver *best_driver(const struct check_context *c)
{
	for (int i = 0; i < c->n_drivers; i++)
		if (c->drivers[i].loaded)
			return &c->drivers[i];
	return c->n_drivers > 0 ? &c->drivers[0] : NULL;
}

static void describe_controllers(const struct check_context *c, struct check_row *row)
{
	const struct edac_driver *d = best_driver(c);
	const struct topology *t = c->topology;
	const char *what =
		t->n_dimms > 0 && t->dimms[0].layout != EDAC_DIMM ? "rank" : "DIMM";
	uint64_t mib = 0;

	for (unsigned int i = 0; i < t->n_dimms; i++)
		mib += t->dimms[i].size_mib;
	check_say(row, CHECK_OK,
		  "%u memory controller%s with %u %s%s, %" PRIu64 " MiB, by %s", t->n_mcs,
		  text_plural(t->n_mcs), t->n_dimms, what, text_plural(t->n_dimms), mib,
		  d && d->loaded ? d->module : t->mcs[0].name);
	if (t->n_dimms > 0)
		return;
	row->status = CHECK_WARNING;
	check_hint(row, "the driver shows no DIMM: errors will be charged to the "
			"controller only");
}

static void describe_driver(const struct edac_driver *d, struct check_row *row)
{
	if (d->loaded) {
		check_say(row, CHECK_FAILED,
			  "%s is loaded but found no memory controller", d->module);
		check_hint(
			row,
			"journalctl -k -g EDAC shows why; the usual reasons are no ECC "
			"memory, or ECC switched off in the firmware's setup");
	} else if (d->blacklisted) {
		check_say(row, CHECK_FAILED, "%s fits this machine but is blacklisted",
			  d->module);
		check_hint(row,
			   "remove \"blacklist %s\" from modprobe.d, then modprobe %s",
			   d->module, d->module);
	} else {
		check_say(row, CHECK_FAILED, "%s fits this machine but is not loaded",
			  d->module);
		check_hint(row,
			   "modprobe %s; to load it at boot, put its name into "
			   "/etc/modules-load.d/edac.conf",
			   d->module);
	}
}

/*
 * The arm64 servers that are sold most have no EDAC driver of their own: their firmware
 * handles the errors, and EDAC_GHES is the only way from there to ras:mc_event.
 */
static void hint_no_driver(const struct check_context *c, struct check_row *row)
{
	char ghes = check_kernel_option(c, "CONFIG_EDAC_GHES");

	if (c->guest)
		check_hint(row, "run softofflined on the host instead");
	else if (c->x86)
		check_hint(row, "no ECC memory, or a newer kernel is needed");
	else if (ghes == 'y' || ghes == 'm')
		check_hint(row, "no ECC memory, or the firmware does not report its "
				"errors (no ACPI table HEST with memory errors)");
	else
		check_hint(row, "servers such as Ampere, Graviton or Grace need a kernel "
				"with CONFIG_EDAC_GHES; Debian's kernels have none");
}

void check_memory_controller(struct check_context *c, struct check_row *row)
{
	const struct edac_driver *d = best_driver(c);

	if (c->topology->n_mcs > 0) {
		describe_controllers(c, row);
	} else if (topology_firmware_first(c->o->root)) {
		check_say(row, CHECK_FAILED,
			  "memory errors go to the firmware first, and this kernel does "
			  "not pass on what the firmware reports");
		check_hint(row,
			   "use a kernel with CONFIG_EDAC_GHES (Debian's kernels have "
			   "none)%s",
			   c->x86 ? ", or switch firmware-first off in the setup" : "");
	} else if (d) {
		describe_driver(d, row);
	} else if (c->n_drivers < 0) {
		check_say(row, CHECK_FAILED,
			  "no memory controller is registered with EDAC");
		check_hint(row, "cannot tell which driver fits: the kernel's "
				"modules.alias is missing");
	} else {
		check_say(row, CHECK_FAILED,
			  "no EDAC driver of this kernel fits this machine");
		hint_no_driver(c, row);
	}
}

/*
 * What the hardware shows on PCI, also without an EDAC driver. CXL memory matters most:
 * to programs it looks like other memory, and the kernel reports its errors by other
 * events.
 */
void check_pci_memory(struct check_context *c, struct check_row *row)
{
	_cleanup_(free_p) struct pci_memories *m = NULL;
	char names[100], cxl[100];

	if (topology_pci_memories(c->o->root, &m) < 0) {
		check_say(row, CHECK_OK, "no PCI devices can be seen");
		return;
	}
	memories_names(m, PCI_MEMORY_CONTROLLER, names, sizeof(names));
	if (memories_count(m, PCI_MEMORY_CXL) > 0) {
		check_say(row, CHECK_WARNING, "CXL memory: %s%s%s",
			  memories_names(m, PCI_MEMORY_CXL, cxl, sizeof(cxl)),
			  names[0] ? "; memory controllers: " : "", names);
		check_hint(row, "%s; rasdaemon records them", MEMORIES_CXL_NOTE);
	} else if (names[0]) {
		check_say(row, CHECK_OK, "memory controllers: %s", names);
	} else {
		check_say(row, CHECK_OK, "no memory controller and no CXL memory on PCI");
	}
}

/** True if the kernel's command line has ras=cec_disable. */
static bool cec_turned_off(const struct check_context *c)
{
	char cmdline[4096];
	char *save = NULL;

	if (check_read(c, "/proc/cmdline", cmdline, sizeof(cmdline)) < 0)
		return false;
	for (char *word = strtok_r(cmdline, " \n", &save); word;
	     word = strtok_r(NULL, " \n", &save))
		if (strcmp(word, "ras=cec_disable") == 0)
			return true;
	return false;
}

/*
 * RAS_CEC takes a machine check before EDAC sees it, acts by itself and reports nothing.
 * Its folder in debugfs proves that it runs. If debugfs cannot be read, the kernel's
 * command line and configuration are the evidence.
 */
void check_ras_cec(struct check_context *c, struct check_row *row)
{
	enum look debugfs = check_look(c, "/sys/kernel/debug/ras/cec");
	bool ras_seen = check_look(c, "/sys/kernel/debug/ras") == SEEN;
	char option = check_kernel_option(c, "CONFIG_RAS_CEC");

	if (!c->x86) {
		check_say(row, CHECK_OK, "the kernel's own collector exists on x86 only");
		return;
	}
	if (debugfs == SEEN || (option == 'y' && !cec_turned_off(c) && !ras_seen)) {
		check_say(row, CHECK_FAILED,
			  "the kernel's own collector (CONFIG_RAS_CEC) %s",
			  debugfs == SEEN ? "hides corrected errors"
					  : "is built in and nothing turns it off");
		check_hint(row, "boot with ras=cec_disable");
	} else if (cec_turned_off(c)) {
		check_say(row, CHECK_OK,
			  "the kernel's own collector is off by "
			  "ras=cec_disable");
	} else if (option == 'n') {
		check_say(row, CHECK_OK, "the kernel is built without its own collector");
	} else if (ras_seen) {
		check_say(row, CHECK_OK, "the kernel's own collector does not run");
	} else {
		check_say(
			row, CHECK_WARNING,
			"cannot tell whether the kernel's own collector (RAS_CEC) hides "
			"corrected errors");
		check_hint(row,
			   "%szgrep CONFIG_RAS_CEC /proc/config.gz; if it is y, boot "
			   "with ras=cec_disable",
			   c->o->euid != 0 ? "run as root, or " : "");
	}
}

void check_virtualization(struct check_context *c, struct check_row *row)
{
	if (!c->guest) {
		check_say(row, CHECK_OK, "not a virtual machine, as far as can be seen");
		return;
	}
	check_say(row, CHECK_WARNING,
		  "this is a virtual machine (%s): it sees the host's memory errors "
		  "only if the host forwards them",
		  c->guest_of);
	check_hint(row, "run softofflined on the host");
}

void check_lockdown(struct check_context *c, struct check_row *row)
{
	char text[128];

	if (check_read(c, "/sys/kernel/security/lockdown", text, sizeof(text)) < 0) {
		if (check_look(c, "/sys/kernel/security/lockdown") == MISSING)
			check_say(row, CHECK_OK, "the kernel is not locked down");
		else
			check_need_root(c, row, "whether the kernel is locked down");
	} else if (strstr(text, "[confidentiality]")) {
		check_say(row, CHECK_FAILED,
			  "lockdown \"confidentiality\" closes tracefs, where memory "
			  "errors are reported");
		check_hint(row, "boot with lockdown=integrity, or without");
	} else if (strstr(text, "[integrity]")) {
		check_say(row, CHECK_OK,
			  "lockdown \"integrity\" closes debugfs only, which "
			  "is not needed");
	} else {
		check_say(row, CHECK_OK, "the kernel is not locked down");
	}
}

void check_trace_instance(struct check_context *c, struct check_row *row)
{
	const char *reader =
		c->o->daemon_running ? "the daemon reads it" : "no daemon reads it";

	switch (check_look(c, INSTANCE)) {
	case SEEN:
		check_say(row, CHECK_OK,
			  "the trace instance exists and the kernel records into it; %s",
			  reader);
		return;
	case HIDDEN:
		check_need_root(c, row, "the trace instance");
		return;
	case MISSING:
		break;
	}
	if (c->o->daemon_running) {
		check_say(row, CHECK_FAILED,
			  "the daemon runs, but its trace instance is gone");
		check_hint(row, "systemctl restart softofflined");
	} else {
		check_say(row, CHECK_OK,
			  "no trace instance yet: the daemon will create it");
	}
}

void check_trace_clock(struct check_context *c, struct check_row *row)
{
	char text[256];
	bool own = check_read(c, INSTANCE "/trace_clock", text, sizeof(text)) > 0;

	if (!own && check_read(c, TRACEFS "/trace_clock", text, sizeof(text)) <= 0) {
		if (check_look(c, TRACEFS "/trace_clock") == HIDDEN)
			check_need_root(c, row, "the clocks of the trace");
		else
			check_say(row, CHECK_WARNING,
				  "the clocks of the trace cannot be read");
		if (row->hint[0] == '\0')
			check_hint(row, "see mc-event");
	} else if (own && c->o->daemon_running && !strstr(text, "[boot]")) {
		check_say(row, CHECK_WARNING,
			  "the trace instance does not use the clock "
			  "\"boot\": another program has changed it");
		check_hint(row, "systemctl restart softofflined");
	} else if (!strstr(text, "boot")) {
		check_say(row, CHECK_FAILED, "the kernel has no trace clock \"boot\"");
		check_hint(row, "use Linux 4.10 or later");
	} else {
		check_say(row, CHECK_OK, "the kernel has the trace clock \"boot\"");
	}
}
