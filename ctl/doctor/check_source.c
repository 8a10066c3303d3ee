/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Checks of the way of a memory error from the hardware to ras:mc_event: who reports the
 * error, and who hides it. What happens to an error after that is not looked at here.
 */

#include <inttypes.h>
#include <string.h>

#include "doctor/check_internal.h"
#include "doctor/memories.h"

#define MOUNTS_MAX 1048576

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

/* Without the list of file systems it is not known. */
static bool kernel_has_no_tracefs(const struct check_context *c)
{
	char text[4096];

	return check_read(c, "/proc/filesystems", text, sizeof(text)) > 0 &&
	       !strstr(text, "\ttracefs\n");
}

static bool tracefs_is_mounted(const struct check_context *c)
{
	_cleanup_(free_p) char *mounts = malloc(MOUNTS_MAX);

	return mounts && check_read(c, "/proc/self/mounts", mounts, MOUNTS_MAX) > 0 &&
	       strstr(mounts, " " TRACEFS " tracefs ");
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
	if (source == &event_sources[EVENT_SOURCE_MCE] && !c->x86) {
		check_say(row, CHECK_OK, "the kernel has such a tracepoint on x86 only");
	} else if (!source->needed) {
		check_say(row, CHECK_OK, "no %s: %s", source->event, source->without);
	} else if (c->confidential) {
		check_say(row, CHECK_FAILED,
			  "no error can be read: lockdown leaves tracefs empty");
		check_hint(row, "see lockdown");
	} else if (kernel_has_no_tracefs(c)) {
		check_say(row, CHECK_FAILED, "this kernel has no tracefs");
		check_hint(row, "use a kernel built with CONFIG_FTRACE and "
				"CONFIG_EVENT_TRACING");
	} else if (check_look_for_source(c, &event_sources[EVENT_SOURCE_MCE], &system) ==
		   SEEN) {
		check_say(row, CHECK_WARNING,
			  "this kernel has no %s:%s; errors are read from %s:%s, which "
			  "does not name the DIMM",
			  source->systems[0], source->event, system,
			  event_sources[EVENT_SOURCE_MCE].event);
		check_hint(row, "use a kernel built with CONFIG_RAS and CONFIG_EDAC");
	} else if (check_look(c, TRACEFS "/events") == SEEN) {
		check_say(row, CHECK_FAILED, "this kernel has no %s:%s",
			  source->systems[0], source->event);
		check_hint(row, "use a kernel built with CONFIG_RAS and CONFIG_EDAC");
	} else if (tracefs_is_mounted(c)) {
		check_say(row, CHECK_FAILED,
			  "tracefs is mounted at " TRACEFS " and has no events");
		check_hint(row, "use a kernel built with CONFIG_EVENT_TRACING, and not "
				"locked down");
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

/* The control domain, which is the host as far as people are concerned. */
static bool is_dom0(const struct check_context *c)
{
	char text[64];

	return check_read(c, "/proc/xen/capabilities", text, sizeof(text)) > 0 &&
	       strstr(text, "control_d");
}

void check_virtualization(struct check_context *c, struct check_row *row)
{
	if (c->container && c->privileged) {
		check_say(row, CHECK_WARNING,
			  "this is a container (%s) that sees the host's tracefs and may "
			  "write to its memory switches",
			  c->container_of);
		check_hint(row,
			   "keep both for it; simpler: run softofflined on the host");
	} else if (c->container) {
		check_say(row, CHECK_FAILED,
			  "this is a container (%s): errors and pages are the host's",
			  c->container_of);
		check_hint(row, "run softofflined on the host");
	} else if (c->guest && is_dom0(c)) {
		check_say(
			row, CHECK_WARNING,
			"this is Xen's dom0: Xen takes the machine checks, and EDAC sees "
			"none of them");
		check_hint(row, "xl dmesg shows Xen's own; to count them, boot Linux "
				"without Xen");
	} else if (c->guest) {
		check_say(row, CHECK_WARNING,
			  "this is a virtual machine (%s): it sees the host's memory "
			  "errors only if the host forwards them",
			  c->guest_of);
		check_hint(row, "run softofflined on the host");
	} else {
		check_say(row, CHECK_OK, "not a virtual machine, as far as can be seen");
	}
}

void check_lockdown(struct check_context *c, struct check_row *row)
{
	char text[128];

	if (c->confidential) {
		check_say(row, CHECK_FAILED,
			  "lockdown \"confidentiality\" closes tracefs, where memory "
			  "errors are reported");
		check_hint(row, "boot with lockdown=integrity, or without");
	} else if (check_read(c, "/sys/kernel/security/lockdown", text, sizeof(text)) <
		   0) {
		if (check_look(c, "/sys/kernel/security/lockdown") == MISSING)
			check_say(row, CHECK_OK, "the kernel is not locked down");
		else
			check_need_root(c, row, "whether the kernel is locked down");
	} else if (strstr(text, "[integrity]")) {
		check_say(row, CHECK_OK,
			  "lockdown \"integrity\" closes debugfs only, which "
			  "is not needed");
	} else {
		check_say(row, CHECK_OK, "the kernel is not locked down");
	}
}
