/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The doctor in front of made-up machines (trees/): what it finds, and what it would tell
 * an ordinary user. Rows not named in a story must be as on the healthy server.
 */

#include <errno.h>
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
#include "doctor/check.h"
#include "host/clock.h"

#define TRUE_TIME INT64_C(1800000000)

static char root[PATH_MAX];

static struct check_options options;

static void add_tree(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "tests/cli/trees/%s.tree", name);
	assert_int_equal(tree_add_file(root, path), 0);
}

static int set_up(void **state)
{
	options = (struct check_options){
		.root = root,
		.database = "/var/lib/softofflined/softofflined.db",
		.machine = "x86_64",
		.daemon_running = true,
		.euid = 0,
		.wall_sec = TRUE_TIME,
		.clock_synchronised = true,
	};
	if (tree_make(root, sizeof(root)) < 0)
		return -1;
	add_tree("server");
	return 0;
}

static int tear_down(void **state)
{
	return tree_remove(root);
}

/* What a tree, or several on top of each other, changes: at most four rows. */
struct story {
	const char *tree;
	struct {
		const char *id;
		enum check_status status;
		const char *says;  /* in the text */
		const char *hints; /* in the hint, may be NULL */
	} rows[4];
};

static const struct story stories[] = {
	{ "server",
	  { { "memory-controller", CHECK_OK,
	      "2 memory controllers with 4 DIMMs, 65536 MiB, by skx_edac", NULL },
	    { "rasdaemon", CHECK_OK, "neither runs nor is enabled", NULL },
	    { "pci-memory", CHECK_OK,
	      "memory controllers: Intel Corporation Sky Lake-E Integrated", NULL } } },
	{ "cxl",
	  { { "pci-memory", CHECK_WARNING,
	      "CXL memory: Example Memory Device c002, Example Memory Expander? 128; "
	      "memory controllers: Intel Corporation Sky Lake-E Integrated Memory "
	      "Controller (2 functions)",
	      "softofflined does not read those events" } } },
	{ "workstation",
	  { { "memory-controller", CHECK_OK, "with 2 DIMMs, 32768 MiB, by ie31200_edac",
	      NULL },
	    { "pci-memory", CHECK_OK,
	      "memory controllers: Intel Corporation 8th Gen Core", NULL } } },
	{ "amd",
	  { { "memory-controller", CHECK_OK,
	      "1 memory controller with 2 ranks, 32768 MiB, by amd64_edac", NULL } } },
	{ "labels",
	  { { "labels", CHECK_WARNING,
	      "/etc/softofflined/dimm_labels.d/site.conf:4: \"2\" is no place: a controller",
	      "correct the line; the others hold (1 mistake in all files)" } } },
	{ "ghes",
	  { { "memory-controller", CHECK_OK,
	      "1 memory controller with 2 DIMMs, 32768 MiB, by ghes_edac", NULL } } },
	{ "no-driver",
	  { { "memory-controller", CHECK_FAILED, "skx_edac fits this machine but is not",
	      "modprobe skx_edac" } } },
	{ "blacklisted",
	  { { "memory-controller", CHECK_FAILED,
	      "skx_edac fits this machine but is black",
	      "\"blacklist skx-edac\" from /etc/modprobe.d/local.conf" } } },
	{ "desktop",
	  { { "memory-controller", CHECK_FAILED, "ie31200_edac is loaded but found no",
	      "no ECC memory" } } },
	{ "firmware-first",
	  { { "memory-controller", CHECK_FAILED, "firmware first",
	      "CONFIG_EDAC_GHES" } } },
	{ "vm",
	  { { "memory-controller", CHECK_FAILED, "no EDAC driver of this kernel fits",
	      "on the host" },
	    { "virtualization", CHECK_WARNING, "virtual machine (QEMU)", "host" } } },
	{ "cec",
	  { { "ras-cec", CHECK_FAILED, "hides corrected errors", "ras=cec_disable" } } },
	{ "cec-likely",
	  { { "ras-cec", CHECK_FAILED, "built in and nothing turns it off",
	      "ras=cec_disable" } } },
	{ "cec-taken",
	  { { "ras-cec", CHECK_OK, "its threshold is at its maximum, 1023", NULL } } },
	{ "cec-lockdown",
	  { { "ras-cec", CHECK_FAILED,
	      "offlines pages, whatever Action= and the "
	      "budgets say; the kernel closes its threshold",
	      "ras=cec_disable: mkdir -p /etc/default/grub.d && echo "
	      "'GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX ras=cec_disable\"' "
	      ">/etc/default/grub.d/ras-cec.cfg && update-grub" } } },
	{ "cec-systemd-boot",
	  { { "ras-cec", CHECK_FAILED, "a page at its error number 2, whatever",
	      "SoftOfflineControl=own, or ras=cec_disable: sed -i '1s/$/ "
	      "ras=cec_disable/' /etc/kernel/cmdline && kernel-install add" } } },
	{ "cec-systemd-boot-first",
	  { { "ras-cec", CHECK_FAILED, "a page at its error number 2, whatever",
	      "ras=cec_disable: sed 's/\\(BOOT_IMAGE\\|initrd\\)=[^ ]* *//g; s/$/ "
	      "ras=cec_disable/' /proc/cmdline >/etc/kernel/cmdline && "
	      "kernel-install add" } } },
	{ "cec-fedora",
	  { { "ras-cec", CHECK_FAILED, "a page at its error number 2, whatever",
	      "grubby --update-kernel=ALL --args=ras=cec_disable" } } },
	{ "cec-word",
	  { { "ras-cec", CHECK_FAILED, "a page at its error number 3, whatever",
	      "SoftOfflineControl=own, or ras=cec_disable" } } },
	{ "cec-no-record",
	  { { "ras-cec", CHECK_FAILED, "no mce:mce_record",
	      "boot with ras=cec_disable" } } },
	{ "cec-amd", { { "ras-cec", CHECK_OK, "takes no errors of AMD's", NULL } } },
	{ "cec-disabled", { { "ras-cec", CHECK_OK, "off by ras=cec_disable", NULL } } },
	{ "cec-unknown",
	  { { "ras-cec", CHECK_WARNING, "cannot tell", "/proc/config.gz" } } },
	{ "sysctl-off",
	  { { "enable-soft-offline", CHECK_FAILED, "refuses every page",
	      "vm.enable_soft_offline=1" } } },
	{ "patched",
	  { { "enable-soft-offline", CHECK_OK, "is on (5), not on the kernel's own",
	      NULL },
	    { "kernel-patches", CHECK_OK,
	      "by ras:soft_offline_event, and counts them by node", NULL },
	    { "memory-failure", CHECK_OK, "by ras:memory_failure_event", NULL } } },
	{ "half-patched",
	  { { "enable-soft-offline", CHECK_OK, "is on (3), not for HugeTLB pages", NULL },
	    { "kernel-patches", CHECK_OK,
	      "memory_failure:soft_offline_event, and has no counters", NULL },
	    { "memory-failure", CHECK_OK, "by memory_failure:memory_failure_event",
	      NULL } } },
	{ "counters",
	  { { "kernel-patches", CHECK_OK, "no ras:soft_offline_event, but counters",
	      NULL },
	    { "memory-failure", CHECK_OK, "no memory_failure_event", NULL } } },
	{ "old-kernel",
	  { { "soft-offline", CHECK_FAILED, "Linux 4.19.0-27-amd64", "5.10" },
	    /* its modules are not there either, which does not matter: EDAC is up */
	    { "memory-controller", CHECK_OK, "by Skylake Socket#0 IMC#0", NULL },
	    { "ras-cec", CHECK_OK, "does not run", NULL } } },
	{ "rasdaemon",
	  { { "rasdaemon", CHECK_WARNING,
	      "rasdaemon runs and offlines pages too "
	      "(PAGE_CE_ACTION)",
	      "PAGE_CE_ACTION=account" } } },
	{ "rasdaemon-account",
	  { { "rasdaemon", CHECK_OK, "is enabled, but takes no pages", NULL } } },
	{ "mcelog",
	  { { "mcelog", CHECK_WARNING, "offlines pages too",
	      "memory-ce-action = account" } } },
	{ "lockdown",
	  { { "lockdown", CHECK_FAILED, "confidentiality", "lockdown=integrity" },
	    { "mc-event", CHECK_FAILED, "lockdown", "see lockdown" },
	    { "trace-instance", CHECK_WARNING, "lockdown", "see lockdown" },
	    { "trace-clock", CHECK_WARNING, "lockdown", "see lockdown" } } },
	{ "instance-off",
	  { { "trace-instance", CHECK_FAILED,
	      "recording was switched off (tracing_on), an event was switched off "
	      "(events/ras/mc_event/enable)",
	      "undoes this within a minute" } } },
	{ "instance-half",
	  { { "trace-instance", CHECK_WARNING, "ras:mc_event is off",
	      "Events=mce_record" } } },
	{ "instance-no-checks",
	  { { "trace-instance", CHECK_WARNING, "mce:mce_record is off",
	      "Events=mc_event" } } },
	{ "cec-taken instance-no-checks",
	  { { "ras-cec", CHECK_FAILED,
	      "hides corrected errors, and the trace instance does not record "
	      "mce:mce_record",
	      "Events=auto" },
	    { "trace-instance", CHECK_WARNING, "mce:mce_record is off",
	      "Events=mc_event" } } },
	{ "instance-off instance-half",
	  { { "trace-instance", CHECK_FAILED, "recording was switched off (tracing_on)",
	      "restart" } } },
	{ "instance-filter",
	  { { "trace-instance", CHECK_FAILED,
	      "a filter was set (events/ras/mc_event/filter)", "restart" } } },
	{ "instance-trigger",
	  { { "trace-instance", CHECK_FAILED, "(events/ras/mc_event/trigger)",
	      "restart" } } },
	{ "instance-cpus",
	  { { "trace-instance", CHECK_FAILED, "CPUs were left out (tracing_cpumask)",
	      "restart" } } },
	{ "instance-pids",
	  { { "trace-instance", CHECK_FAILED, "(set_event_pid)", "restart" } } },
	{ "instance-histogram",
	  { { "trace-instance", CHECK_OK, "let all errors through; the daemon reads it",
	      NULL } } },
	{ "no-tracefs",
	  { { "mc-event", CHECK_FAILED, "not mounted", "sys-kernel-tracing.mount" },
	    { "trace-instance", CHECK_FAILED, "gone", "restart" },
	    { "trace-clock", CHECK_WARNING, "cannot be read", "mc-event" } } },
	{ "arm64",
	  { { "memory-controller", CHECK_FAILED, "no EDAC driver of this kernel fits",
	      "such as Ampere, Graviton or Grace need a kernel with CONFIG_EDAC_GHES" },
	    { "ras-cec", CHECK_OK, "on x86 only", NULL },
	    { "pci-memory", CHECK_OK, "no PCI devices", NULL } } },
	{ "arm64 arm64-ghes",
	  { { "memory-controller", CHECK_FAILED, "no EDAC driver of this kernel fits",
	      "the firmware does not report its errors" } } },
	{ "arm64 arm64-firmware",
	  { { "memory-controller", CHECK_FAILED, "firmware first",
	      "CONFIG_EDAC_GHES (Debian's kernels have none)" } } },
	{ "arm64 arm64-virt",
	  { { "memory-controller", CHECK_FAILED, "no EDAC driver of this kernel fits",
	      "on the host" },
	    { "virtualization", CHECK_WARNING, "virtual machine (QEMU)", "host" } } },
	{ "no-ras", { { "mc-event", CHECK_FAILED, "no ras:mc_event", "CONFIG_RAS" } } },
	{ "no-ras machine-checks",
	  { { "mc-event", CHECK_WARNING, "does not name the DIMM", "CONFIG_RAS" },
	    { "mce-record", CHECK_OK, "machine checks by mce:mce_record", NULL } } },
};

static const struct check_row *find_in_story(const struct story *s, size_t i,
					     const struct check_row *rows, size_t n)
{
	return s->rows[i].id ? story_row(rows, n, s->rows[i].id) : NULL;
}

static bool named(const struct story *s, const char *id)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->rows); i++)
		if (s->rows[i].id && strcmp(s->rows[i].id, id) == 0)
			return true;
	return false;
}

static void add_trees(const char *names)
{
	char copy[128], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", names);
	for (const char *name = strtok_r(copy, " ", &save); name;
	     name = strtok_r(NULL, " ", &save))
		add_tree(name);
}

static void tell(const struct story *s)
{
	struct check_row rows[CHECK_MAX_ROWS];
	bool failed = false;
	size_t n;

	add_trees(s->tree);
	n = check_run(&options, rows, ARRAY_SIZE(rows));
	for (size_t i = 0; i < ARRAY_SIZE(s->rows); i++) {
		const struct check_row *row = find_in_story(s, i, rows, n);

		if (!row)
			continue;
		if (row->status != s->rows[i].status ||
		    !strstr(row->text, s->rows[i].says) ||
		    (s->rows[i].hints && !strstr(row->hint, s->rows[i].hints)))
			fail_msg("%s: %s %s: %s (%s)", s->tree,
				 check_status_to_string(row->status), row->id, row->text,
				 row->hint);
	}
	for (size_t i = 0; i < n; i++) {
		story_form(&rows[i]);
		failed |= rows[i].status == CHECK_FAILED;
		if (rows[i].status != CHECK_OK && !named(s, rows[i].id))
			fail_msg("%s: %s: %s", s->tree, rows[i].id, rows[i].text);
	}
	assert_int_equal(check_exit_status(rows, n), failed);
}

static void all_stories(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(stories); i++) {
		if (i > 0) {
			assert_int_equal(tear_down(state), 0);
			assert_int_equal(set_up(state), 0);
		}
		tell(&stories[i]);
	}
}

/* Nothing installed, nothing set. */
static void bare_machine(void **state)
{
	struct check_row rows[CHECK_MAX_ROWS];
	size_t n;

	add_tree("bare");
	options.daemon_running = false;
	options.clock_synchronised = false;
	n = check_run(&options, rows, ARRAY_SIZE(rows));
	for (size_t i = 0; i < n; i++)
		story_form(&rows[i]);
	assert_int_equal(story_row(rows, n, "soft-offline")->status, CHECK_FAILED);
	assert_int_equal(story_row(rows, n, "trace-instance")->status, CHECK_OK);
	assert_int_equal(story_row(rows, n, "daemon")->status, CHECK_WARNING);
	assert_int_equal(story_row(rows, n, "database")->status, CHECK_WARNING);
	assert_int_equal(story_row(rows, n, "metrics")->status, CHECK_OK);
	assert_int_equal(story_row(rows, n, "kpageflags")->status, CHECK_WARNING);
	assert_int_equal(story_row(rows, n, "clock")->status, CHECK_WARNING);
	options.wall_sec = 1000;
	n = check_run(&options, rows, ARRAY_SIZE(rows));
	assert_non_null(strstr(story_row(rows, n, "clock")->text, "before 2025"));
}

/* What the daemon reads, and what really delivers, as it says itself. */
static void what_the_daemon_says(void **state)
{
	static const struct {
		const char *reading, *delivers, *text;
	} rows[] = {
		{ NULL, NULL, "softofflined runs" },
		{ "", "", "softofflined runs" },
		{ "both", "none",
		  "softofflined runs and reads mc_event and mce_record; no memory error "
		  "has come since its start" },
		{ "mce_record", "mce_record",
		  "softofflined runs and reads mce_record; the last memory error came by "
		  "mce_record" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct check_row found[CHECK_MAX_ROWS];
		const struct check_row *row;

		options.reading = rows[i].reading;
		options.delivers = rows[i].delivers;
		row = story_row(found, check_run(&options, found, CHECK_MAX_ROWS),
				"daemon");
		story_form(row);
		assert_string_equal(row->text, rows[i].text);
	}
}

static const struct check_row *labels_row(struct check_row rows[CHECK_MAX_ROWS])
{
	const struct check_row *row =
		story_row(rows, check_run(&options, rows, CHECK_MAX_ROWS), "labels");

	story_form(row);
	return row;
}

#define OWN_LABELS "/etc/softofflined/dimm_labels.d/a.conf: "

static void names_of_slots(void **state)
{
	struct check_row rows[CHECK_MAX_ROWS];
	const struct check_row *row = labels_row(rows);

	assert_int_equal(row->status, CHECK_OK);
	assert_non_null(strstr(row->text, "the slots of 4 of 4 DIMMs are not known"));
	assert_non_null(strstr(row->text, "says how to name them"));
	assert_non_null(strstr(row->text, "(vendor unknown, model unknown)"));
	tree_add_line(root, "/sys/class/dmi/id/board_vendor: Example");
	tree_add_line(root, "/sys/class/dmi/id/board_name: B7");
	tree_add_line(root,
		      OWN_LABELS "Vendor: example\\n Model: b7\\n A1: 0.0.0; A2: 1.0.0");
	row = labels_row(rows);
	assert_int_equal(row->status, CHECK_OK);
	assert_string_equal(row->text, "2 of 4 DIMMs have their slot's name by "
				       "/etc/softofflined/dimm_labels.d/a.conf");
	/* Another number of layers: no name is of a DIMM. */
	tree_add_line(root, OWN_LABELS "Vendor: example\\n Model: b7\\n A1: 0.0.0.0");
	row = labels_row(rows);
	assert_int_equal(row->status, CHECK_WARNING);
	assert_non_null(strstr(row->text, "has 1 name for this board, and none is of"));
	assert_non_null(strstr(row->hint, "dimm_location"));
	tree_add_line(root, OWN_LABELS
		      "Vendor: x\\nModel: y\\nA1: 0.x; A2: 1\\n\\nA3: 0.0.0\\nA4\\n");
	row = labels_row(rows);
	assert_int_equal(row->status, CHECK_WARNING);
	assert_non_null(strstr(row->text, "/etc/softofflined/dimm_labels.d/a.conf:3, 6: "
					  "\"0.x\" is no place"));
	assert_non_null(strstr(row->hint, "correct the lines; the others hold (3 mist"));
	tree_add_line(root, "- /etc/softofflined");
	tree_add_line(root, "/etc/ras/dimm_labels.d/x/:");
	row = labels_row(rows);
	assert_int_equal(row->status, CHECK_WARNING);
	assert_non_null(
		strstr(row->text, "/etc/ras/dimm_labels.d/x: cannot be read: Is a dir"));
}

static void configured_paths(void **state)
{
	struct check_row rows[CHECK_MAX_ROWS];
	size_t n;

	options.metrics_file = "/srv/metrics/x.prom";
	options.database = "/srv/db/x.db";
	n = check_run(&options, rows, ARRAY_SIZE(rows));
	assert_int_equal(story_row(rows, n, "metrics")->status, CHECK_WARNING);
	assert_non_null(strstr(story_row(rows, n, "metrics")->text, "/srv/metrics"));
	/* The daemon runs, so its database's folder must be there. */
	assert_int_equal(story_row(rows, n, "database")->status, CHECK_FAILED);
	tree_add_line(root, "/srv/metrics/:");
	tree_add_line(root, "/srv/db/:");
	n = check_run(&options, rows, ARRAY_SIZE(rows));
	assert_non_null(strstr(story_row(rows, n, "metrics")->text, "does not exist"));
	assert_non_null(strstr(story_row(rows, n, "database")->text, "will be created"));
	tree_add_line(root, "/srv/metrics/x.prom: x 1");
	n = check_run(&options, rows, ARRAY_SIZE(rows));
	assert_int_equal(story_row(rows, n, "metrics")->status, CHECK_OK);
}

static void close_to_others(const char *path, mode_t mode)
{
	char full[PATH_MAX + 128];

	snprintf(full, sizeof(full), "%s%s", root, path);
	assert_int_equal(chmod(full, mode), 0);
}

/* What only root can see is neither praised nor blamed. */
static void ordinary_user(void **state)
{
	static const char *const unknown[] = { "mc-event",       "trace-instance",
					       "trace-clock",    "kpageflags",
					       "kernel-patches", "memory-failure",
					       "database",       "metrics" };
	static const char *const closed[] = { "/sys/kernel/tracing", "/sys/kernel/debug",
					      "/proc/kpageflags",
					      "/var/lib/softofflined" };
	struct check_row rows[CHECK_MAX_ROWS];
	bool root_user = geteuid() == 0;
	size_t n;

	for (size_t i = 0; i < ARRAY_SIZE(closed); i++)
		close_to_others(closed[i], 0);
	assert_true(!root_user || seteuid(65534) == 0);
	options.euid = 65534;
	n = check_run(&options, rows, ARRAY_SIZE(rows));
	assert_true(!root_user || seteuid(0) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(closed); i++)
		close_to_others(closed[i], 0700);
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		const struct check_row *row = story_row(rows, n, unknown[i]);

		if (row->status != CHECK_WARNING || !strstr(row->text, "only root") ||
		    !strstr(row->hint, "run as root"))
			fail_msg("%s: %s (%s)", row->id, row->text, row->hint);
	}
	for (size_t i = 0; i < n; i++)
		story_form(&rows[i]);
	assert_int_equal(story_row(rows, n, "soft-offline")->status, CHECK_OK);
	assert_int_equal(story_row(rows, n, "ras-cec")->status, CHECK_OK);
	assert_int_equal(check_exit_status(rows, n), 0);
}

static void guests_by_other_signs(void **state)
{
	struct check_row rows[CHECK_MAX_ROWS];
	size_t n;

	tree_add_line(root, "/proc/cpuinfo: flags\t\t: fpu vme hypervisor lahf_lm");
	n = check_run(&options, rows, ARRAY_SIZE(rows));
	assert_int_equal(story_row(rows, n, "virtualization")->status, CHECK_WARNING);
	tree_add_line(root, "/sys/hypervisor/type: xen");
	n = check_run(&options, rows, ARRAY_SIZE(rows));
	assert_non_null(strstr(story_row(rows, n, "virtualization")->text, "(xen)"));
}

/* What an arm64 machine is told never names a thing that only x86 has. */
static void nothing_of_x86(void **state)
{
	static const char *const words[] = {
		"ras=", "mce", "cec", "CEC", "ie31200", "skx"
	};
	struct check_row rows[CHECK_MAX_ROWS];
	size_t n;

	options.machine = "aarch64"; /* an older kernel has no arch file */
	add_tree("arm64");
	assert_int_equal(tree_add_line(root, "- /proc/sys/kernel/arch"), 0);
	n = check_run(&options, rows, ARRAY_SIZE(rows));
	for (size_t i = 0; i < n; i++)
		for (size_t w = 0; w < ARRAY_SIZE(words); w++)
			if (strcmp(rows[i].id, "mcelog") != 0 &&
			    (strstr(rows[i].text, words[w]) ||
			     strstr(rows[i].hint, words[w])))
				fail_msg("%s: %s (%s)", rows[i].id, rows[i].text,
					 rows[i].hint);
	assert_string_equal(story_row(rows, n, "ras-cec")->hint, "");
}

static void guests_by_tables(void **state)
{
	static const char *const lines[] = {
		"/sys/firmware/devicetree/base/compatible: linux,dummy-virt",
		"/sys/firmware/devicetree/base/hypervisor/compatible: linux,kvm",
		"/sys/firmware/acpi/tables/FACP: FACPxxxxxxBOCHS BXPC",
	};
	static const char *const hosts[] = {
		"/sys/firmware/devicetree/base/compatible: acme,board-7",
		"/sys/firmware/acpi/tables/FACP: FACPxxxxxxAmpereAltra",
	};
	struct check_row rows[CHECK_MAX_ROWS];
	size_t n;

	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		assert_int_equal(tree_add_line(root, hosts[i]), 0);
	n = check_run(&options, rows, ARRAY_SIZE(rows));
	assert_int_equal(story_row(rows, n, "virtualization")->status, CHECK_OK);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		assert_int_equal(tear_down(state), 0);
		assert_int_equal(set_up(state), 0);
		assert_int_equal(tree_add_line(root, lines[i]), 0);
		n = check_run(&options, rows, ARRAY_SIZE(rows));
		assert_int_equal(story_row(rows, n, "virtualization")->status,
				 CHECK_WARNING);
	}
}

/* What is there and cannot be read is neither there nor not there. */
static void files_that_fail(void **state)
{
	static const char attribute[] = "/sys/devices/system/memory/soft_offline_page";
	struct check_row rows[CHECK_MAX_ROWS];
	char line[PATH_MAX];
	size_t n;

	add_tree("server");
	snprintf(line, sizeof(line), "- %s", attribute);
	(void)tree_add_line(root, line);
	snprintf(line, sizeof(line), "%s -> soft_offline_page", attribute);
	assert_int_equal(tree_add_line(root, line), 0);
	(void)tree_add_line(root, "- /proc/sys/vm/enable_soft_offline");
	assert_int_equal(tree_add_line(root, "/proc/sys/vm/enable_soft_offline/"), 0);
	n = check_run(&options, rows, ARRAY_SIZE(rows));
	assert_int_equal(story_row(rows, n, "soft-offline")->status, CHECK_WARNING);
	assert_non_null(
		strstr(story_row(rows, n, "soft-offline")->text, "cannot be read"));
	assert_int_equal(story_row(rows, n, "enable-soft-offline")->status,
			 CHECK_WARNING);
	assert_non_null(strstr(story_row(rows, n, "enable-soft-offline")->text,
			       "cannot be read"));
}

static void fewer_rows_than_checks(void **state)
{
	struct check_row rows[3];

	assert_int_equal(check_run(&options, rows, 2), 2);
	assert_int_equal(check_run(&options, rows, 0), 0);
	assert_string_equal(rows[1].id, "memory-controller");
}

static void words_and_marks(void **state)
{
	assert_string_equal(check_status_to_string(CHECK_OK), "ok");
	assert_string_equal(check_status_to_string(CHECK_WARNING), "warning");
	assert_string_equal(check_status_to_string(CHECK_FAILED), "failed");
	assert_string_equal(check_status_mark(CHECK_OK), "\xe2\x9c\x93");
	assert_string_equal(check_status_mark(CHECK_WARNING), "!");
	assert_string_equal(check_status_mark(CHECK_FAILED), "\xe2\x9c\x97");
}

/* Whatever this machine is, the doctor must get through with it. */
static void this_machine(void **state)
{
	struct check_row rows[CHECK_MAX_ROWS];
	struct check_options here;
	size_t n;

	check_options_init(&here);
	assert_true(here.wall_sec > INT64_C(1600000000));
	n = check_run(&here, rows, ARRAY_SIZE(rows));
	assert_true(n >= 18);
	for (size_t i = 0; i < n; i++)
		story_form(&rows[i]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_stories),           TEST(bare_machine),
		TEST(what_the_daemon_says),  TEST(names_of_slots),
		TEST(configured_paths),      TEST(ordinary_user),
		TEST(guests_by_other_signs), TEST(fewer_rows_than_checks),
		TEST(nothing_of_x86),        TEST(guests_by_tables),
		TEST(files_that_fail),       TEST(words_and_marks),
		TEST(this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
