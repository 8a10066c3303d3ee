/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Why a machine reports no error: each cause that is known from the field, on the healthy
 * server of trees/, made by a few lines. Rows that a story does not name must be fine, so
 * that no row contradicts another.
 */

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "cli/check_story.h"
#include "cli/tree.h"
#include "topology/topology.h"

#define NO_EDAC   "- /sys/devices/system/edac", "- /sys/module/skx_edac"
#define GHES      "/sys/bus/platform/drivers/GHES/GHES.0/:"
#define AMD       "/sys/devices/system/cpu/modalias: cpu:type:x86,ven0002fam0019mod0001:x"
#define CONFIG    "/boot/config-6.1.0-56-amd64: CONFIG_RAS=y\\n"
#define CMDLINE   "/proc/cmdline: BOOT_IMAGE=/boot/vmlinuz ro quiet "
#define MC        "/sys/devices/system/machinecheck/machinecheck0/"
#define NO_ALIAS  "/lib/modules/6.1.0-56-amd64/modules.alias: # none"
#define HOST_ARM  "/proc/sys/kernel/arch: aarch64"
#define LISTED    "/sys/firmware/acpi/tables/FACP: FACPxxxx01HPE   Server  0123456789"
#define LINUX_612 "/proc/sys/kernel/osrelease: 6.12.0-1-amd64"

static char root[PATH_MAX];

static int set_up(void **state)
{
	if (tree_make(root, sizeof(root)) < 0)
		return -1;
	return tree_add_file(root, "tests/cli/trees/server.tree");
}

static int tear_down(void **state)
{
	return tree_remove(root);
}

struct cause {
	const char *lines[8];
	struct {
		const char *id;
		enum check_status status;
		const char *says, *hints;
	} rows[4];
};

#define REPORTING "error-reporting"
#define DRIVER    "memory-controller"

/* Boot parameters and switches that make the kernel ignore errors. */
static const struct cause ignored[] = {
	{ { CMDLINE "mce=ignore_ce", MC "ignore_ce: 1", MC "check_interval: 0" },
	  { { REPORTING, CHECK_FAILED, "ignored by mce=ignore_ce",
	      "boot without mce=ignore_ce" } } },
	{ { CMDLINE "\"mce=ignore_ce\"" },
	  { { REPORTING, CHECK_FAILED, "ignored by mce=ignore_ce", "boot without" } } },
	{ { CMDLINE "mce=\"dont_log_ce\"" },
	  { { REPORTING, CHECK_FAILED, "ignored by mce=dont_log_ce", "boot without" } } },
	{ { CMDLINE "mce=off" },
	  { { REPORTING, CHECK_FAILED, "ignored by mce=off", "boot without mce=off" } } },
	{ { CMDLINE "nomce" },
	  { { REPORTING, CHECK_FAILED, "ignored by nomce", "boot without nomce" } } },
	{ { MC "ignore_ce: 1" },
	  { { REPORTING, CHECK_FAILED, "ignored by machinecheck0/ignore_ce = 1",
	      "echo 0 > /sys/devices/system/machinecheck/machinecheck0/ignore_ce" } } },
	{ { MC "dont_log_ce: 1" },
	  { { REPORTING, CHECK_FAILED, "machinecheck0/dont_log_ce = 1", "echo 0 >" } } },
	{ { MC "check_interval: 0", MC "cmci_disabled: 1" },
	  { { REPORTING, CHECK_FAILED,
	      "check_interval = 0 together with cmci_disabled = 1", "echo 300 >" } } },
	{ { MC "check_interval: 0", CMDLINE "mce=no_cmci" },
	  { { REPORTING, CHECK_FAILED, "check_interval = 0 together", "echo 300 >" } } },
	{ { MC "check_interval: 0",
	    "/proc/cpuinfo: vendor_id : AuthenticAMD\\nflags : fpu" },
	  { { REPORTING, CHECK_FAILED, "machinecheck0/check_interval = 0",
	      "echo 300 >" } } },
	/* As a vendor advises: all at once. */
	{ { CMDLINE "mce=ignore_ce edac_report=off ghes.disable=1",
	    "/sys/firmware/acpi/tables/HEST: HEST" },
	  { { REPORTING, CHECK_FAILED, "ignored by mce=ignore_ce, ghes.disable=1",
	      "--remove-args=\"mce=ignore_ce ghes.disable=1\"" } } },
	{ { CMDLINE "edac_report=off", "/proc/sys/kernel/osrelease: 5.4.0",
	    "/boot/config-5.4.0: # CONFIG_RAS_CEC is not set" },
	  { { REPORTING, CHECK_FAILED, "ignored by edac_report=off", "boot without" },
	    { "soft-offline", CHECK_FAILED, "5.4.0", "5.10" } } },
	{ { CMDLINE "ghes.disable=1", NO_EDAC, AMD, NO_ALIAS,
	    "/sys/firmware/acpi/tables/HEST: HEST", CONFIG "CONFIG_EDAC_GHES=y" },
	  { { REPORTING, CHECK_FAILED, "ignored by ghes.disable=1", "boot without" },
	    { DRIVER, CHECK_FAILED, "built without amd64_edac",
	      "see error-reporting" } } },
	{ { CMDLINE "ghes.disable", NO_EDAC, HOST_ARM, NO_ALIAS,
	    "/sys/firmware/acpi/tables/HEST: HEST", CONFIG "CONFIG_EDAC_GHES=y",
	    "/sys/devices/system/cpu/modalias: cpu:type:aarch64:feature:,0000" },
	  { { REPORTING, CHECK_FAILED, "ignored by ghes.disable=1", "boot without" },
	    { DRIVER, CHECK_FAILED, "no EDAC driver", "see error-reporting" } } },
	{ { MC "bank0: 0", MC "bank1: 0", MC "bank2: 0" },
	  { { REPORTING, CHECK_FAILED, "machinecheck0/bank* = 0",
	      "echo 0xffffffffffffffff" } } },
	{ { CMDLINE "hest_disable", "/sys/firmware/acpi/tables/HEST: HEST" },
	  { { REPORTING, CHECK_WARNING, "if it does so here", "boot without hest" } } },
	{ { CMDLINE "ghes.disable=Y ghes.disable=1", "/sys/firmware/acpi/tables/HEST: x",
	    HOST_ARM },
	  { { REPORTING, CHECK_WARNING, "ghes.disable=1", "boot without" } } },
	{ { MC "bank0: 0", MC "bank1: ffffffffffffffff", MC "bank2: ffffffffffffffff" },
	  { { REPORTING, CHECK_OK, "no boot parameter", NULL } } },
	{ { CMDLINE "ghes.disable=1", NO_EDAC, "/sys/devices/mc0/mc_name: ghes_edac",
	    "/sys/devices/mc0/dimm0/size: 16384" },
	  { { REPORTING, CHECK_FAILED, "ignored by ghes.disable=1", "boot without" } } },
	/* Harmless, or taken back, or not known to the kernel. */
	{ { CMDLINE "mce=no_cmci", MC "cmci_disabled: 1", MC "check_interval: 300" },
	  { { REPORTING, CHECK_OK, "every 300 seconds", NULL } } },
	{ { CMDLINE "mce=ignore_ce,no_cmci mce=bootlog mcelog=off -- mce=off" },
	  { { REPORTING, CHECK_OK, "no boot parameter", NULL } } },
	{ { CMDLINE "mce=ignore_ce", MC "ignore_ce: 0" },
	  { { REPORTING, CHECK_OK, "no boot parameter", NULL } } },
	{ { MC "check_interval: 0", MC "cmci_disabled: 0" },
	  { { REPORTING, CHECK_OK, "no boot parameter", NULL } } },
	{ { CMDLINE "ghes.disable=1 ghes.disable=0",
	    "/sys/firmware/acpi/tables/HEST: HEST" },
	  { { REPORTING, CHECK_OK, "no boot parameter", NULL } } },
	{ { CMDLINE "ghes.disable=1", "/sys/firmware/acpi/tables/FACP: FACP" },
	  { { REPORTING, CHECK_OK, "no boot parameter", NULL } } },
	{ { CMDLINE "edac_report=off" },
	  { { REPORTING, CHECK_OK, "no boot parameter", NULL } } },
	{ { CMDLINE "mce=off", HOST_ARM },
	  { { REPORTING, CHECK_OK, "no boot parameter", NULL } } },
	{ { CMDLINE "mce=ignore_ce", NO_EDAC, GHES, "/sys/devices/mc0/mc_name: ghes_edac",
	    "/sys/devices/mc0/dimm0/size: 16384" },
	  { { REPORTING, CHECK_OK, "no boot parameter", NULL } } },
};

/* What the firmware takes. */
static const struct cause firmware[] = {
	{ { NO_EDAC, GHES, AMD, NO_ALIAS, CONFIG "CONFIG_EDAC_GHES=y" },
	  { { DRIVER, CHECK_FAILED, "only for makers on the kernel's list",
	      "ghes_edac.force_load=1" } } },
	{ { NO_EDAC, GHES, LINUX_612, "/boot/config-6.12.0-1-amd64: CONFIG_EDAC_GHES=y" },
	  { { DRIVER, CHECK_FAILED, "only for makers on the kernel's list",
	      "--args=ghes.edac_force_enable=1), or switch" } } },
	{ { NO_EDAC, GHES, LINUX_612, "/boot/config-6.12.0-1-amd64: CONFIG_EDAC_GHES=m" },
	  { { DRIVER, CHECK_FAILED, "only for makers on the kernel's list",
	      "ghes.edac_force_enable=1), then modprobe ghes_edac" } } },
	{ { NO_EDAC, GHES, "/proc/sys/kernel/osrelease: 6.8.12-9-pve",
	    "/sys/kernel/debug/ras/x:" },
	  { { DRIVER, CHECK_FAILED, "firmware first, and EDAC shows no memory controller",
	      "if this one has it, boot with ghes.edac_force_enable=1, or" } } },
	{ { NO_EDAC, GHES, HOST_ARM, NO_ALIAS, CONFIG "CONFIG_EDAC_GHES=m" },
	  { { DRIVER, CHECK_FAILED, "ghes_edac fits this machine but is not loaded",
	      "modprobe ghes_edac" } } },
	{ { NO_EDAC, GHES, HOST_ARM, NO_ALIAS, CONFIG "CONFIG_EDAC_GHES=m",
	    "/etc/modprobe.d/x.conf: install ghes_edac /bin/true" },
	  { { DRIVER, CHECK_FAILED, "ghes_edac fits this machine but is blacklisted",
	      "from /etc/modprobe.d/x.conf" } } },
	{ { NO_EDAC, GHES, HOST_ARM, NO_ALIAS, CONFIG "CONFIG_EDAC_GHES=y" },
	  { { DRIVER, CHECK_FAILED, "registered no memory controller", "journalctl" } } },
	{ { NO_EDAC, GHES, LINUX_612, CMDLINE "ghes.edac_force_enable=1",
	    "/boot/config-6.12.0-1-amd64: CONFIG_EDAC_GHES=m" },
	  { { DRIVER, CHECK_FAILED, "ghes_edac fits this machine but is not loaded",
	      "modprobe ghes_edac" } } },
	{ { NO_EDAC, GHES, LINUX_612, CMDLINE "ghes.edac_force_enable=1",
	    "/boot/config-6.12.0-1-amd64: CONFIG_EDAC_GHES=y" },
	  { { DRIVER, CHECK_FAILED, "registered no memory controller", "journalctl" } } },
	/* On a listed machine no chipset driver starts: do not advise to load one. */
	{ { NO_EDAC, LISTED, LINUX_612,
	    "/lib/modules/6.12.0-1-amd64/modules.alias: alias cpu:*mod0055* skx_edac",
	    "/boot/config-6.12.0-1-amd64: CONFIG_EDAC_SKX=m\\nCONFIG_EDAC_GHES=m" },
	  { { DRIVER, CHECK_FAILED, "ghes_edac fits this machine but is not loaded",
	      "modprobe ghes_edac" } } },
	{ { NO_EDAC, "/sys/class/dmi/id/sys_vendor: HPE", LINUX_612,
	    "/boot/config-6.12.0-1-amd64: # CONFIG_EDAC_GHES is not set" },
	  { { DRIVER, CHECK_FAILED, "does not pass on", "CONFIG_EDAC_GHES" } } },
	{ { GHES },
	  { { DRIVER, CHECK_WARNING,
	      "by skx_edac, but GHES is bound: if the firmware handles memory errors",
	      "ghes_edac.force_load=1" } } },
	{ { GHES, LINUX_612, "/boot/config-6.12.0-1-amd64: CONFIG_EDAC_GHES=y" },
	  { { DRIVER, CHECK_WARNING, "but GHES is bound",
	      "or boot with ghes.edac_force_enable=1" } } },
	{ { GHES, HOST_ARM },
	  { { DRIVER, CHECK_WARNING, "but GHES is bound", "in the setup" } } },
	{ { NO_EDAC, GHES, "/etc/modprobe.d/edac.conf: blacklist skx_edac" },
	  { { DRIVER, CHECK_FAILED,
	      "skx_edac fits this machine but is blacklisted: \"blacklist skx_edac\" in "
	      "/etc/modprobe.d/edac.conf; also, GHES is bound",
	      "from /etc/modprobe.d/edac.conf, then modprobe skx_edac" } } },
	{ { NO_EDAC, GHES },
	  { { DRIVER, CHECK_FAILED, "not loaded, and GHES is bound",
	      "modprobe skx_edac" } } },
};

/* What keeps a driver out, or is not there to be loaded. */
static const struct cause drivers[] = {
	{ { NO_EDAC, "/etc/modprobe.d/edac.conf: install skx_edac /bin/false" },
	  { { DRIVER, CHECK_FAILED,
	      "is blacklisted: \"install skx_edac /bin/false\" in /etc/modprobe.d/edac",
	      "remove \"install skx_edac /bin/false\" from" } } },
	{ { NO_EDAC, "/usr/lib/modprobe.d/edac.conf: blacklist skx_edac" },
	  { { DRIVER, CHECK_FAILED, "is blacklisted: \"blacklist skx_edac\" in /usr/lib",
	      "copy /usr/lib/modprobe.d/edac.conf to /etc/modprobe.d" } } },
	{ { NO_EDAC, "/etc/modprobe.d/edac.conf: install skx_edac_common /bin/true" },
	  { { DRIVER, CHECK_FAILED, "but skx_edac_common, which it needs, is blacklisted",
	      "from /etc/modprobe.d/edac.conf" } } },
	{ { NO_EDAC, CMDLINE "modprobe.blacklist=skx_edac" },
	  { { DRIVER, CHECK_FAILED,
	      "is blacklisted: \"modprobe.blacklist=skx_edac\" on the kernel's command",
	      "until then: modprobe skx_edac" } } },
	{ { NO_EDAC, CMDLINE "module_blacklist=a,skx_edac" },
	  { { DRIVER, CHECK_FAILED, "is blacklisted: \"module_blacklist=a,skx_edac\"",
	      "until then modprobe fails" } } },
	{ { "- /sys/devices/system/edac", CMDLINE "initcall_blacklist=skx_init" },
	  { { DRIVER, CHECK_FAILED, "is blacklisted: \"initcall_blacklist=skx_init\"",
	      "boot without" } } },
	{ { NO_EDAC, "/proc/sys/kernel/modules_disabled: 1" },
	  { { DRIVER, CHECK_FAILED, "loads no more modules", "reboot" } } },
	{ { NO_EDAC, "- /sys/devices/system/cpu/modalias",
	    "/sys/bus/platform/devices/4e000000.dmc/modalias: of:NdmcT(null)Carm,dmc-520",
	    "/sys/bus/platform/devices/MLNXBF08:00/modalias: acpi:MLNXBF08:",
	    "/lib/modules/6.1.0-56-amd64/modules.alias: alias acpi*:MLNXBF08:* "
	    "bluefield_edac\\nalias of:N*T*Carm,dmc-520 dmc520_edac",
	    "/etc/modprobe.d/edac.conf: blacklist bluefield_edac" },
	  { { DRIVER, CHECK_FAILED, "bluefield_edac fits this machine but is blacklisted",
	      "blacklist bluefield_edac" } } },
	{ { NO_EDAC, AMD, NO_ALIAS, CONFIG "CONFIG_EDAC=y" },
	  { { DRIVER, CHECK_FAILED,
	      "built without amd64_edac (CONFIG_EDAC_AMD64 is not set)",
	      "use a kernel with CONFIG_EDAC_AMD64" } } },
	{ { NO_EDAC, AMD, NO_ALIAS, CONFIG "# CONFIG_EDAC is not set" },
	  { { DRIVER, CHECK_FAILED, "(CONFIG_EDAC_AMD64 is not set)",
	      "use a kernel with" } } },
	{ { NO_EDAC, AMD, "- /lib/modules", CONFIG "CONFIG_EDAC=y" },
	  { { DRIVER, CHECK_FAILED, "(CONFIG_EDAC_AMD64 is not set)",
	      "use a kernel" } } },
	{ { NO_EDAC, AMD, "- /lib/modules", CONFIG "CONFIG_EDAC_AMD64=y" },
	  { { DRIVER, CHECK_FAILED, "amd64_edac is built in but found no memory",
	      "no ECC memory" } } },
	{ { NO_EDAC, CONFIG "CONFIG_EDAC_SKX=y" },
	  { { DRIVER, CHECK_FAILED, "skx_edac is loaded but found no", "no ECC" } } },
	{ { NO_EDAC, AMD, NO_ALIAS, CONFIG "CONFIG_EDAC_AMD64=m" },
	  { { DRIVER, CHECK_FAILED, "its module is not installed",
	      "linux-modules-extra-6.1.0-56-amd64" } } },
	{ { NO_EDAC, AMD, "- /lib/modules", CONFIG "CONFIG_EDAC_AMD64=m" },
	  { { DRIVER, CHECK_FAILED, "no memory controller is registered",
	      "modules.alias of Linux 6.1.0-56-amd64 is missing" } } },
	{ { NO_EDAC, AMD, NO_ALIAS, "- /boot", "/sys/kernel/debug/ras/x:" },
	  { { DRIVER, CHECK_FAILED, "no EDAC driver of this kernel fits",
	      "use a kernel with CONFIG_EDAC_AMD64; if this one has" } } },
	{ { NO_EDAC, AMD, "/proc/sys/kernel/osrelease: 6.12.1-cloud-amd64",
	    "/lib/modules/6.12.1-cloud-amd64/modules.alias: # none",
	    "/boot/config-6.12.1-cloud-amd64: # CONFIG_EDAC is not set" },
	  { { DRIVER, CHECK_FAILED, "(CONFIG_EDAC_AMD64 is not set)",
	      "linux-image-amd64" } } },
	{ { NO_EDAC, NO_ALIAS, CONFIG "CONFIG_EDAC=y\\nCONFIG_EDAC_IGEN6=m",
	    "/sys/devices/system/cpu/modalias: cpu:type:x86,ven0000fam0006mod009E:x" },
	  { { DRIVER, CHECK_FAILED, "no EDAC driver of this kernel fits",
	      "small Intel machines one with CONFIG_EDAC_IE31200" } } },
	{ { NO_EDAC, NO_ALIAS, HOST_ARM, "- /sys/devices/system/cpu/modalias",
	    "/sys/firmware/devicetree/base/compatible: raspberrypi,4-model-b" },
	  { { DRIVER, CHECK_FAILED, "no EDAC driver", "this board's memory" } } },
	{ { NO_EDAC, NO_ALIAS, "/proc/sys/kernel/arch: ppc64le",
	    "- /sys/devices/system/cpu/modalias" },
	  { { DRIVER, CHECK_FAILED, "no EDAC driver", "few drivers" } } },
	{ { NO_EDAC, "/sys/class/dmi/id/sys_vendor: QEMU",
	    "/etc/modprobe.d/x.conf: blacklist skx_edac" },
	  { { DRIVER, CHECK_FAILED, "is blacklisted", "on the host instead" },
	    { "virtualization", CHECK_WARNING, "QEMU", "on the host" } } },
};

/* Where this is, and what others do. */
static const struct cause places[] = {
	{ { "/run/systemd/container: lxc", "- /sys/kernel/tracing",
	    "- /sys/kernel/debug" },
	  { { "virtualization", CHECK_FAILED, "container (lxc)", "on the host" },
	    { "mc-event", CHECK_FAILED, "", "see virtualization" },
	    { "trace-instance", CHECK_FAILED, "", "see virtualization" },
	    { "trace-clock", CHECK_WARNING, "", "see virtualization" } } },
	{ { "/.dockerenv:", NO_EDAC, "- /sys/kernel/tracing/events/ras" },
	  { { "virtualization", CHECK_FAILED, "container (docker)", "on the host" },
	    { "mc-event", CHECK_FAILED, "", "see virtualization" },
	    { DRIVER, CHECK_FAILED, "", "see virtualization" } } },
	{ { "/run/.containerenv:", NO_EDAC },
	  { { "virtualization", CHECK_WARNING, "sees the host's tracefs", "on the host" },
	    { DRIVER, CHECK_FAILED, "is not loaded", "modprobe skx_edac" } } },
	{ { "/sys/class/dmi/id/sys_vendor: Amazon EC2",
	    "/sys/class/dmi/id/product_name: i3.metal" },
	  { { "virtualization", CHECK_OK, "not a virtual machine", NULL } } },
	{ { "/sys/hypervisor/type: xen", "/proc/xen/capabilities: control_d" },
	  { { "virtualization", CHECK_WARNING, "Xen's dom0", "without Xen" } } },
	{ { CMDLINE "lockdown=confidentiality", "- /sys/kernel/security",
	    "- /sys/kernel/tracing" },
	  { { "lockdown", CHECK_FAILED, "confidentiality", "lockdown=integrity" },
	    { "mc-event", CHECK_FAILED, "lockdown", "see lockdown" },
	    { "trace-instance", CHECK_WARNING, "lockdown", "see lockdown" },
	    { "trace-clock", CHECK_WARNING, "lockdown", "see lockdown" } } },
	{ { "- /sys/kernel/tracing",
	    "/proc/self/mounts: x /sys/kernel/tracing tracefs rw 0 0" },
	  { { "mc-event", CHECK_FAILED, "is mounted", "CONFIG_EVENT_TRACING" },
	    { "trace-instance", CHECK_FAILED, "gone", "restart" },
	    { "trace-clock", CHECK_WARNING, "cannot be read", "mc-event" } } },
	{ { "- /sys/kernel/tracing", "/proc/filesystems: nodev\tsysfs\\nnodev\tproc" },
	  { { "mc-event", CHECK_FAILED, "has no tracefs", "CONFIG_FTRACE" },
	    { "trace-instance", CHECK_FAILED, "gone", "restart" },
	    { "trace-clock", CHECK_WARNING, "cannot be read", "mc-event" } } },
	{ { "/proc/901/comm: mcelog" },
	  { { "mcelog", CHECK_OK, "takes no pages out of use", NULL } } },
	{ { "/proc/901/comm: mcelog",
	    "/etc/mcelog/mcelog.conf: [page]\\n#memory-ce-action = soft" },
	  { { "mcelog", CHECK_OK, "takes no pages out of use", NULL } } },
	{ { "/proc/901/comm: mcelog",
	    "/etc/mcelog/mcelog.conf: [page]\\nmemory-ce-action = off # quiet" },
	  { { "mcelog", CHECK_OK, "takes no pages out of use", NULL } } },
	{ { "/proc/901/comm: mcelog",
	    "/etc/mcelog/mcelog.conf: [page]\\nmemory-ce-action = soft-then-hard" },
	  { { "mcelog", CHECK_WARNING, "offlines pages too", "account" } } },
};

static const char *cause_name(const struct cause *s)
{
	static char name[1024];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(s->lines) && s->lines[i]; i++)
		n += (size_t)snprintf(name + n, sizeof(name) - n, "%s; ", s->lines[i]);
	return name;
}

static bool cause_names(const struct cause *s, const char *id)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->rows) && s->rows[i].id; i++)
		if (strcmp(s->rows[i].id, id) == 0)
			return true;
	return false;
}

static void try_cause(const struct cause *s)
{
	struct check_options options = {
		.root = root,
		.database = "/var/lib/softofflined/softofflined.db",
		.machine = "x86_64",
		.daemon_running = true,
		.wall_sec = INT64_C(1800000000),
		.clock_synchronised = true,
	};
	struct check_row rows[CHECK_MAX_ROWS];
	size_t n;

	for (size_t i = 0; i < ARRAY_SIZE(s->lines) && s->lines[i]; i++)
		assert_int_equal(tree_add_line(root, s->lines[i]), 0);
	n = check_run(&options, rows, ARRAY_SIZE(rows));
	for (size_t i = 0; i < ARRAY_SIZE(s->rows) && s->rows[i].id; i++) {
		const struct check_row *row = story_row(rows, n, s->rows[i].id);

		if (row->status != s->rows[i].status ||
		    !strstr(row->text, s->rows[i].says) ||
		    (s->rows[i].hints && !strstr(row->hint, s->rows[i].hints)))
			fail_msg("%s: %s %s: %s (%s)", cause_name(s),
				 check_status_to_string(row->status), row->id, row->text,
				 row->hint);
	}
	for (size_t i = 0; i < n; i++) {
		story_form(&rows[i]);
		if (rows[i].status != CHECK_OK && !cause_names(s, rows[i].id))
			fail_msg("%s: %s: %s", cause_name(s), rows[i].id, rows[i].text);
	}
}

static void try_causes(const struct cause *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(tear_down(NULL) | set_up(NULL), 0);
		try_cause(&list[i]);
	}
}

static void errors_ignored(void **state)
{
	try_causes(ignored, ARRAY_SIZE(ignored));
}

static void errors_taken_by_firmware(void **state)
{
	try_causes(firmware, ARRAY_SIZE(firmware));
}

/* What keeps errors from EDAC by the word of check, the daemon does not call OK. */
static void status_agrees(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++) {
		const struct sight_source on = { .read = true, .on = true };
		struct sight_facts f = { .looked = true,
					 .tracefs = true,
					 .mc_event = on };
		enum sight_state got;

		assert_int_equal(tear_down(NULL) | set_up(NULL), 0);
		for (size_t k = 0; k < ARRAY_SIZE(ignored[i].lines); k++)
			if (ignored[i].lines[k])
				assert_int_equal(tree_add_line(root, ignored[i].lines[k]),
						 0);
		topology_machine_facts(root, &f);
		topology_sight_facts(root, &f);
		got = sight_cause_state(sight_judge(&f));
		if ((got == SIGHT_IGNORED) != (ignored[i].rows[0].status == CHECK_FAILED))
			fail_msg("%s: status: %s", cause_name(&ignored[i]),
				 sight_state_to_string(got));
	}
}

static void drivers_not_there(void **state)
{
	try_causes(drivers, ARRAY_SIZE(drivers));
}

static void put_bytes(const char *name, const uint8_t *bytes, size_t n)
{
	_cleanup_(fclose_p) FILE *f = NULL;
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s%s", root, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fflush(f), 0);
}

/* The configuration that the kernel holds itself, as on systems without /boot. */
static void options_of_the_kernel(void **state)
{
	static const char *const lines[] = { NO_EDAC, AMD, NO_ALIAS, "- /boot",
					     "/proc/config.gz:" };
	static const struct cause cause = {
		{ NULL },
		{ { DRIVER, CHECK_FAILED,
		    "built without amd64_edac (CONFIG_EDAC_AMD64 is not set)",
		    "use a kernel with CONFIG_EDAC_AMD64" } },
	};
	static const uint8_t config[] = {
		0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x73, 0xf6,
		0xf7, 0x73, 0xf3, 0x74, 0x8f, 0x0f, 0x72, 0x0c, 0xb6, 0xad, 0xe4, 0x52,
		0x56, 0x70, 0x86, 0x73, 0xe3, 0x9d, 0x5d, 0x9d, 0x15, 0x32, 0x8b, 0x15,
		0xf2, 0xf2, 0x4b, 0x14, 0x8a, 0x53, 0x4b, 0xb8, 0xa0, 0x32, 0xae, 0x2e,
		0x8e, 0xce, 0xc8, 0x2a, 0x41, 0xfc, 0x78, 0x47, 0x5f, 0x17, 0x33, 0x13,
		0x64, 0xc5, 0x00, 0x28, 0xf7, 0xfa, 0x32, 0x56, 0x00, 0x00, 0x00
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_int_equal(tree_add_line(root, lines[i]), 0);
	put_bytes("/proc/config.gz", config, sizeof(config));
	try_cause(&cause);
}

/* A table with one source of corrected machine checks behind one of fatal ones. */
static void firmware_reserves_banks(void **state)
{
	static const struct cause warned = {
		{ "/sys/firmware/acpi/tables/x:" },
		{ { REPORTING, CHECK_WARNING, "leaves corrected machine checks",
		    "acpi=nocmcff" } },
	};
	static const struct cause fine = {
		{ "/sys/firmware/acpi/tables/x:" },
		{ { REPORTING, CHECK_OK, "no boot parameter", NULL } },
	};
	uint8_t hest[40 + 40 + 28 + 48 + 28] = "HEST";
	uint8_t *cmc = hest + 40 + 40 + 28;

	hest[36] = 2;
	hest[40 + 32] = 1; /* the fatal one has a bank */
	cmc[0] = 1;
	cmc[6] = 1; /* firmware first */
	cmc[7] = 1; /* enabled */
	cmc[44] = 1;
	assert_int_equal(tree_add_line(root, warned.lines[0]), 0);
	put_bytes("/sys/firmware/acpi/tables/HEST", hest, sizeof(hest));
	try_cause(&warned);
	tree_add_line(root, CMDLINE "acpi=nocmcff");
	try_cause(&fine);
	tree_add_line(root, CMDLINE);
	put_bytes("/sys/firmware/acpi/tables/HEST", hest, 40 + 40 + 28 + 47);
	try_cause(&fine);
	cmc[6] = 0;
	put_bytes("/sys/firmware/acpi/tables/HEST", hest, sizeof(hest));
	try_cause(&fine);
}

static void places_and_neighbours(void **state)
{
	try_causes(places, ARRAY_SIZE(places));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(errors_ignored),           TEST(status_agrees),
		TEST(errors_taken_by_firmware), TEST(drivers_not_there),
		TEST(options_of_the_kernel),    TEST(firmware_reserves_banks),
		TEST(places_and_neighbours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
