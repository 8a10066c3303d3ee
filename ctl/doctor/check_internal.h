/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * For the files of the doctor only: the list of checks, what a check gets, and how it
 * looks at files.
 */

#include "base/mem.h"
#include "doctor/check.h"
#include "event/event_source.h"
#include "kernel/sysfs_memory.h"
#include "sysfs_offline.h"
#include "topology/topology.h"

#define CHECK_MAX_DRIVERS 8

#define TRACEFS "/sys/kernel/tracing"

/** What the checks share; read once, before the first check. */
struct check_context {
	const struct check_options *o;
	char release[KERNEL_RELEASE_MAX]; /* empty if unknown */
	const char *config;               /* /proc/config.gz, unpacked; NULL */
	struct topology *topology;
	struct edac_driver drivers[CHECK_MAX_DRIVERS];
	int n_drivers; /* or negative errno */
	struct sysfs_offline *door;
	bool x86; /* what only x86 has may be there */
	bool arm64;
	bool guest; /* a virtual machine */
	char guest_of[64];
	bool container;
	char container_of[64];
	bool privileged;   /* a container, but with what softofflined needs of the host */
	bool confidential; /* lockdown=confidentiality: tracefs is there and empty */
	int hidden_by;     /* errno that made the last check_look() return HIDDEN */
};

/** One check; @row has its id, status CHECK_OK and empty texts. */
typedef void check_fn(struct check_context *c, struct check_row *row);

enum look {
	SEEN,
	MISSING,
	HIDDEN, /* not known: this user may not look, or an error came up */
};

/** Whether @path exists below the root. */
enum look check_look(struct check_context *c, const char *path);

/** @path below the root; cut if too long. Returns @ret. */
const char *check_path(const struct check_context *c, const char *path, char *ret,
		       size_t size);

/** First @size - 1 bytes of a file, terminated. Returns the length or negative errno. */
ssize_t check_read(const struct check_context *c, const char *path, char *ret,
		   size_t size);

/**
 * The value of the last line "KEY=value" or "KEY = value" of a text file, quotes and
 * blanks around it gone; lines that begin with # or ; do not count. Returns 0; -ENODATA
 * if there is no such line; negative errno of the file.
 */
int check_value(const struct check_context *c, const char *path, const char *key,
		char *ret, size_t size);

/** True if a process of this name runs, by /proc/PID/comm. */
bool check_process(const struct check_context *c, const char *name);

/**
 * The build option @option: 'y', 'm', 'n', or 0 if the configuration cannot be read, which
 * is a file below /boot or /lib/modules, or /proc/config.gz.
 */
char check_kernel_option(const struct check_context *c, const char *option);

/** True if the memory controller is ghes_edac: errors come by the firmware. */
bool check_ghes_delivers(const struct check_context *c);

/** True if the trace instance is there and does not record the tracepoint. */
bool check_source_is_off(const struct check_context *c, enum event_source_id id);

/** True if a boot parameter turns GHES off where the firmware has error sources. */
bool check_ghes_disabled(struct check_context *c);

/** Sets status and text. */
_printf_(3, 4) void check_say(struct check_row *row, enum check_status status,
			      const char *format, ...);

/** Sets the hint. */
_printf_(2, 3) void check_hint(struct check_row *row, const char *format, ...);

/**
 * The hint to boot without the parameters @words, which are parted by blanks, and how that
 * is done; @then is what can be done until then, "" or beginning with "; ".
 */
void check_hint_without(struct check_row *row, const char *words, const char *then);

/** The hint to boot with the parameter @word, and how that is done, then @then. */
void check_hint_with(struct check_row *row, const char *word, const char *then);

/** A warning that only root can see @what; if the last look failed otherwise, why. */
void check_need_root(const struct check_context *c, struct check_row *row,
		     const char *what);

/**
 * Looks for @source in each of its systems; MISSING if it is in none. *ret_system is the
 * system that was looked at last.
 */
enum look check_look_for_source(struct check_context *c,
				const struct event_source *source,
				const char **ret_system);

/** check_need_root() for whether the kernel has @source. */
void check_need_root_for_source(const struct check_context *c, struct check_row *row,
				const struct event_source *source);

/**
 * Every check, in the order of the list that users see: its id and its function. A new
 * check is a row here and the function, in check_source.c, check_driver.c or
 * check_reporting.c (where memory errors come from), or check_action.c (what is done about
 * them, and by whom). The row without an id stands
 * for one row for each event source that has no row of its own here.
 */
#define CHECK_LIST(X)                                                                    \
	X("mc-event", check_event_source)                                                \
	X("memory-controller", check_memory_controller)                                  \
	X("error-reporting", check_error_reporting)                                      \
	X("pci-memory", check_pci_memory)                                                \
	X("labels", check_labels)                                                        \
	X("ras-cec", check_ras_cec)                                                      \
	X("virtualization", check_virtualization)                                        \
	X("lockdown", check_lockdown)                                                    \
	X("trace-instance", check_trace_instance)                                        \
	X("trace-clock", check_trace_clock)                                              \
	X("soft-offline", check_soft_offline)                                            \
	X("enable-soft-offline", check_enable_soft_offline)                              \
	X("kpageflags", check_kpageflags)                                                \
	X("kernel-patches", check_kernel_patches)                                        \
	X("", check_further_source)                                                      \
	X("rasdaemon", check_rasdaemon)                                                  \
	X("mcelog", check_mcelog)                                                        \
	X("daemon", check_daemon)                                                        \
	X("database", check_database)                                                    \
	X("metrics", check_metrics)                                                      \
	X("clock", check_clock)

#define X(id, fn) check_fn fn;
CHECK_LIST(X)
#undef X
