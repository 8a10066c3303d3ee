/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The check of the memory controller: whether EDAC knows it, and if not, which of the
 * causes known from the field it is, with the one next step. What happens to an error
 * before it gets to EDAC is not looked at here.
 *
 * Facts (drivers/edac and drivers/acpi/apei/ghes.c of Debian's Linux 6.1 and 6.12): on x86
 * ghes_edac registers only on machines whose ACPI table FADT names "HPE" and "Server", or
 * if it is forced: by ghes_edac.force_load=1 in 6.1, where it is always built in, by
 * ghes.edac_force_enable=1 since 6.2, where it may be a module, which nothing loads by
 * itself. Since 6.2 the chipset drivers do not start on the listed machines (EBUSY), also
 * where the kernel is built without ghes_edac.
 */

#include <inttypes.h>
#include <string.h>

#include "base/cmdline.h"
#include "base/text.h"
#include "doctor/check_internal.h"

#define FADT "/sys/firmware/acpi/tables/FACP"

/* ghes_edac, and what it depends on. */
struct ghes {
	bool bound;  /* the firmware has GHES error sources */
	bool listed; /* a machine on which chipset drivers leave everything to it */
	bool forced; /* by a boot parameter, as if it was listed */
	char option; /* CONFIG_EDAC_GHES */
	struct driver_bar bar;
};

/* Only root may read the table; who made the machine is the next best sign. */
static bool ghes_is_listed(const struct check_context *c)
{
	struct dmi_system system;
	char fadt[64];

	if (!c->x86 || !release_at_least(c->release, 6, 2))
		return false;
	/* The OEM's name is at byte 10, the table's at 16 (ACPI 6.5, 5.2.6). */
	if (check_read(c, FADT, fadt, sizeof(fadt)) >= 24)
		return memcmp(fadt + 10, "HPE   Server  ", 14) == 0;
	topology_system(c->o->root, &system);
	return strcmp(system.vendor, "HPE") == 0;
}

static bool ghes_is_forced(const struct check_context *c)
{
	char text[4096], *at = text;
	bool forced = false, known;
	struct cmdline_param p;

	if (check_read(c, "/proc/cmdline", text, sizeof(text)) < 0)
		return false;
	while (cmdline_next(&at, &p))
		if (cmdline_is(p.name, release_at_least(c->release, 6, 2)
					       ? "ghes.edac_force_enable"
					       : "ghes_edac.force_load"))
			forced = cmdline_bool(p.value, &known);
	return forced;
}

static void ghes_look(const struct check_context *c, struct ghes *ret)
{
	ret->bound = topology_firmware_first(c->o->root);
	ret->listed = ghes_is_listed(c);
	ret->forced = ghes_is_forced(c);
	ret->option = check_kernel_option(c, "CONFIG_EDAC_GHES");
	topology_driver_bar(c->o->root, "ghes_edac", &ret->bar);
}

/* What makes ghes_edac register on a machine that is not listed. Distributions with an old
 * number may have the newer code. */
static const char *ghes_parameter(const struct check_context *c, const struct ghes *g)
{
	if (g->option == 'm' || release_at_least(c->release, 6, 2))
		return "ghes.edac_force_enable=1";
	return "ghes_edac.force_load=1 (from Linux 6.2 on: ghes.edac_force_enable=1)";
}

static void hint_ghes_parameter(const struct check_context *c, const struct ghes *g,
				struct check_row *row)
{
	if (g->option == 'm')
		check_hint_with(
			row, "ghes.edac_force_enable=1",
			", then modprobe ghes_edac; or switch firmware first off");
	else if (release_at_least(c->release, 6, 2))
		check_hint_with(row, "ghes.edac_force_enable=1",
				", or switch firmware first off in the setup");
	else
		check_hint_with(row, "ghes_edac.force_load=1",
				" (from Linux 6.2 on: ghes.edac_force_enable=1), or "
				"switch firmware first off");
}

bool check_ghes_delivers(const struct check_context *c)
{
	for (unsigned int i = 0; i < c->topology->n_mcs; i++)
		if (strcmp(c->topology->mcs[i].name, "ghes_edac") == 0)
			return true;
	return false;
}

/* The driver that matters most if no controller is there: one that is kept out, one that
 * is loaded, any. NULL if none fits. */
static const struct edac_driver *driver_to_blame(const struct check_context *c)
{
	const struct edac_driver *best = NULL;

	for (int i = c->n_drivers - 1; i >= 0; i--) {
		const struct edac_driver *d = &c->drivers[i];

		if (!best || d->blacklisted || (d->loaded && !best->blacklisted))
			best = d;
	}
	return best;
}

static const char *loaded_driver(const struct check_context *c)
{
	for (int i = 0; i < c->n_drivers; i++)
		if (c->drivers[i].loaded)
			return c->drivers[i].module;
	return c->topology->mcs[0].name;
}

/*
 * Nearly every server has GHES sources, if only for fatal errors. Where the firmware takes
 * the corrected ones, too, a chipset driver is there and counts nothing for ever.
 */
static void warn_of_ghes(const struct check_context *c, const struct ghes *g,
			 struct check_row *row)
{
	size_t n = strlen(row->text);

	row->status = CHECK_WARNING;
	snprintf(row->text + n, sizeof(row->text) - n,
		 ", but GHES is bound: if the firmware handles memory errors first, this "
		 "driver never sees one");
	check_hint(row,
		   "if the BMC's log shows corrected errors that softofflined does not, "
		   "switch firmware first off in the setup%s%s%s",
		   c->x86 ? ", or boot with " : "", c->x86 ? ghes_parameter(c, g) : "",
		   c->x86 && g->option == 'n' ? " and a kernel that has CONFIG_EDAC_GHES"
					      : "");
}

static void describe_controllers(const struct check_context *c, const struct ghes *g,
				 struct check_row *row)
{
	const struct topology *t = c->topology;
	const char *what =
		t->n_dimms > 0 && t->dimms[0].layout != EDAC_DIMM ? "rank" : "DIMM";
	bool by_ghes = check_ghes_delivers(c);
	uint64_t mib = 0;

	for (unsigned int i = 0; i < t->n_dimms; i++)
		mib += t->dimms[i].size_mib;
	check_say(row, CHECK_OK,
		  "%u memory controller%s with %u %s%s, %" PRIu64 " MiB, by %s", t->n_mcs,
		  text_plural(t->n_mcs), t->n_dimms, what, text_plural(t->n_dimms), mib,
		  by_ghes ? "ghes_edac" : loaded_driver(c));
	if (t->n_dimms == 0) {
		row->status = CHECK_WARNING;
		check_hint(row, "the driver shows no DIMM: errors will be charged to the "
				"controller only");
	} else if (g->bound && !by_ghes) {
		warn_of_ghes(c, g, row);
	}
}

/* How to get rid of what keeps @module out. */
static void hint_bar(const struct driver_bar *bar, const char *module,
		     struct check_row *row)
{
	bool own = strncmp(bar->file, "/etc/", 5) == 0 ||
		   strncmp(bar->file, "/run/", 5) == 0;
	char then[64];

	switch (bar->kind) {
	case DRIVER_FREE:
		return;
	case DRIVER_BLACKLISTED:
	case DRIVER_ALIAS_OFF:
	case DRIVER_INSTALL:
		check_hint(row,
			   own ? "remove \"%.90s\" from %.80s, then modprobe %.30s"
			       : "without \"%.90s\", copy %.80s to /etc/modprobe.d, then "
				 "modprobe %.30s",
			   bar->line, bar->file, module);
		return;
	case DRIVER_BOOT_BLACKLISTED:
		snprintf(then, sizeof(then), "; until then: modprobe %.30s", module);
		check_hint_without(row, bar->line, then);
		return;
	case DRIVER_FORBIDDEN:
		check_hint_without(row, bar->line, "; until then modprobe fails");
		return;
	case DRIVER_INITCALL:
		check_hint_without(row, bar->line, "");
		return;
	}
}

static void describe_bar(const struct driver_bar *bar, const char *module,
			 struct check_row *row)
{
	char needed[EDAC_DRIVER_MAX + 24] = "";

	if (strcmp(bar->module, module) != 0)
		snprintf(needed, sizeof(needed), "%.30s, which it needs, ", bar->module);
	check_say(row, CHECK_FAILED,
		  "%.30s fits this machine but %sis blacklisted: \"%.50s\" %s%.60s",
		  module, needed, bar->line,
		  *bar->file ? "in " : "on the kernel's command line", bar->file);
	hint_bar(bar, module, row);
}

static bool modules_are_locked(const struct check_context *c)
{
	char text[16];

	return check_read(c, "/proc/sys/kernel/modules_disabled", text, sizeof(text)) >
		       0 &&
	       text[0] == '1';
}

static void describe_unloaded(const struct check_context *c, const char *module,
			      struct check_row *row)
{
	if (modules_are_locked(c)) {
		check_say(row, CHECK_FAILED,
			  "%s fits this machine but is not loaded, and the kernel loads "
			  "no more modules (kernel.modules_disabled is 1)",
			  module);
		check_hint(
			row,
			"put %s into /etc/modules-load.d/edac.conf, then reboot: only a "
			"reboot takes kernel.modules_disabled back",
			module);
		return;
	}
	check_say(row, CHECK_FAILED, "%s fits this machine but is not loaded", module);
	check_hint(row,
		   "modprobe %s; to load it at boot, put its name into "
		   "/etc/modules-load.d/edac.conf; if it fails, journalctl -k -g EDAC "
		   "shows why (no ECC memory, or ECC is off in the setup)",
		   module);
}

/* udev would have loaded it, so that both are likely: it failed, or nobody tried. */
static void describe_unloaded_beside_ghes(const struct check_context *c,
					  const char *module, const struct ghes *g,
					  struct check_row *row)
{
	bool has = g->option == 'y' || g->option == 'm';

	check_say(row, CHECK_FAILED,
		  "%s fits this machine but is not loaded, and GHES is bound: memory "
		  "errors may go to the firmware first%s",
		  module, has ? "" : ", which this kernel does not pass on");
	check_hint(row, "modprobe %s; if that fails, %s%s%s", module,
		   has ? "boot with " : "use a kernel with CONFIG_EDAC_GHES",
		   has ? ghes_parameter(c, g) : " (Debian's kernels have none)",
		   c->x86 ? " or switch firmware first off in the setup" : "");
}

static void describe_driver(const struct check_context *c, const struct edac_driver *d,
			    const struct ghes *g, struct check_row *row)
{
	size_t n;

	if (d->blacklisted && (!d->loaded || d->bar.kind == DRIVER_INITCALL)) {
		describe_bar(&d->bar, d->module, row);
		n = strlen(row->text);
		if (g->bound && n + 80 < sizeof(row->text))
			snprintf(row->text + n, sizeof(row->text) - n,
				 "; also, GHES is bound: the firmware may take errors "
				 "first");
	} else if (d->loaded) {
		check_say(row, CHECK_FAILED,
			  "%s is loaded but found no memory controller", d->module);
		check_hint(
			row,
			"journalctl -k -g EDAC shows why; the usual reasons are no ECC "
			"memory, or ECC switched off in the firmware's setup");
	} else if (g->bound && !modules_are_locked(c)) {
		describe_unloaded_beside_ghes(c, d->module, g, row);
	} else {
		describe_unloaded(c, d->module, row);
	}
}

static void hint_ghes_kernel(const struct check_context *c, const struct ghes *g,
			     struct check_row *row)
{
	bool unknown = g->option == '\0' && c->x86 && !g->listed;

	check_hint(
		row,
		"use a kernel with CONFIG_EDAC_GHES (Debian's kernels have none)%s%s%s",
		unknown ? "; if this one has it, boot with " : "",
		unknown ? ghes_parameter(c, g) : "",
		c->x86 && !g->listed ? ", or switch firmware-first off in the setup"
				     : "");
}

/* The firmware takes the errors, or the kernel believes so, and EDAC knows nothing. */
static void describe_ghes(const struct check_context *c, const struct ghes *g,
			  struct check_row *row)
{
	bool has = g->option == 'y' || g->option == 'm';

	if (has && g->bar.kind != DRIVER_FREE) {
		describe_bar(&g->bar, "ghes_edac", row);
	} else if (has && c->x86 && !g->listed && !g->forced) {
		check_say(row, CHECK_FAILED,
			  "memory errors go to the firmware first, and ghes_edac, which "
			  "this kernel has, registers by itself only for makers on the "
			  "kernel's list (HPE)");
		hint_ghes_parameter(c, g, row);
	} else if (g->option == 'm') {
		describe_unloaded(c, "ghes_edac", row);
	} else if (g->option == 'y') {
		check_say(row, CHECK_FAILED,
			  "ghes_edac is built in but registered no memory controller");
		check_hint(row, "journalctl -k -g \"GHES|HEST|EDAC\" shows why; see also "
				"error-reporting");
	} else {
		check_say(row, CHECK_FAILED,
			  "memory errors go to the firmware first, and %s",
			  g->option == 'n' ? "this kernel does not pass on to EDAC what "
					     "the firmware reports"
					   : "EDAC shows no memory controller");
		hint_ghes_kernel(c, g, row);
	}
}

/* Drivers that are found by PCI are not known by the processor: which are not built? */
static void hint_pci_drivers(const struct check_context *c, struct check_row *row)
{
	static const char *const options[] = { "CONFIG_EDAC_IE31200",
					       "CONFIG_EDAC_IGEN6" };
	char missing[64] = "";

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		size_t n = strlen(missing);

		if (check_kernel_option(c, options[i]) == 'n')
			snprintf(missing + n, sizeof(missing) - n, "%s%s",
				 n ? " or " : "", options[i]);
	}
	check_hint(row, "no ECC memory, or a newer kernel is needed%s%s",
		   missing[0] ? ", or for small Intel machines one with " : "", missing);
}

/*
 * The arm64 servers that are sold most have no EDAC driver of their own: their firmware
 * handles the errors, and EDAC_GHES is the only way from there to ras:mc_event.
 */
static void hint_no_driver(struct check_context *c, const struct ghes *g,
			   struct check_row *row)
{
	const struct driver_fact *wanted = topology_driver_wanted(c->o->root);

	if (wanted)
		check_hint(
			row,
			"use a kernel with %s; if this one has it, install the rest of "
			"its modules",
			wanted->option);
	else if (c->x86)
		hint_pci_drivers(c, row);
	else if (check_look(c, "/sys/firmware/devicetree/base") == SEEN &&
		 check_look(c, "/sys/firmware/acpi") == MISSING)
		check_hint(row, "no ECC memory, or Linux has no EDAC driver for this "
				"board's memory controller");
	else if (!c->arm64)
		check_hint(row,
			   "the kernel has few drivers for this processor: where its "
			   "firmware handles memory errors, EDAC sees none");
	else if (g->option == 'y' || g->option == 'm')
		check_hint(row, "no ECC memory, or the firmware does not report its "
				"errors (no ACPI table HEST with memory errors)");
	else
		check_hint(row, "servers such as Ampere, Graviton or Grace need a kernel "
				"with CONFIG_EDAC_GHES; Debian's kernels have none");
}

/* The kernel's build options know the driver that its module aliases do not. */
static bool describe_build(const struct check_context *c, struct check_row *row)
{
	const struct driver_fact *wanted = topology_driver_wanted(c->o->root);
	char option = wanted ? check_kernel_option(c, wanted->option) : '\0';

	if (option == 'n') {
		check_say(row, CHECK_FAILED,
			  "no EDAC driver of this kernel fits this machine: it is built "
			  "without %s (%s is not set)",
			  wanted->module, wanted->option);
		check_hint(row, "use a kernel with %s%s", wanted->option,
			   strstr(c->release, "cloud")
				   ? ", as the package linux-image-amd64 of Debian has it"
				   : "");
	} else if (option == 'y') {
		check_say(row, CHECK_FAILED,
			  "%s is built in but found no memory controller",
			  wanted->module);
		check_hint(row, "journalctl -k -g EDAC shows why; the usual reasons are "
				"no ECC memory, or ECC switched off in the firmware's "
				"setup");
	} else if (option == 'm' && c->n_drivers == 0) {
		check_say(row, CHECK_FAILED,
			  "%s fits this machine, but its module is not installed",
			  wanted->module);
		check_hint(row,
			   "install the rest of the kernel's modules (Ubuntu: "
			   "linux-modules-extra-%.60s; RHEL: kernel-modules), then "
			   "modprobe %s",
			   c->release, wanted->module);
	} else {
		return false;
	}
	return true;
}

static void describe_nothing(struct check_context *c, const struct ghes *g,
			     struct check_row *row)
{
	if (describe_build(c, row))
		return;
	if (c->n_drivers < 0) {
		check_say(row, CHECK_FAILED,
			  "no memory controller is registered with EDAC");
		check_hint(
			row,
			"cannot tell which driver fits: modules.alias of Linux %.60s is "
			"missing; reboot if the kernel was updated",
			c->release);
	} else {
		check_say(row, CHECK_FAILED,
			  "no EDAC driver of this kernel fits this machine");
		hint_no_driver(c, g, row);
	}
}

void check_memory_controller(struct check_context *c, struct check_row *row)
{
	const struct edac_driver *d = driver_to_blame(c);
	struct ghes g;

	ghes_look(c, &g);
	if (c->topology->n_mcs > 0)
		describe_controllers(c, &g, row);
	else if (g.listed && !c->guest)
		describe_ghes(c, &g, row);
	else if (d && (!d->loaded || !g.bound || d->bar.kind == DRIVER_INITCALL))
		describe_driver(c, d, &g, row);
	else if (g.bound)
		describe_ghes(c, &g, row);
	else
		describe_nothing(c, &g, row);
	if (c->topology->n_mcs == 0 && row->hint[0] && check_ghes_disabled(c) &&
	    (!d || d->loaded))
		check_hint(row, "see error-reporting");
	if (c->guest && c->topology->n_mcs == 0)
		check_hint(row, "run softofflined on the host instead");
}
