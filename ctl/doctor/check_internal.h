/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Between the files of the doctor only: what a check is given, and how it looks at files.
 */

#include "base/mem.h"
#include "doctor/check.h"
#include "kernel/sysfs_memory.h"
#include "sysfs_offline.h"
#include "topology/topology.h"

#define CHECK_MAX_DRIVERS 8

#define TRACEFS "/sys/kernel/tracing"

/** What the checks share: read once, before the first of them. */
struct check_context {
	const struct check_options *o;
	char release[KERNEL_RELEASE_MAX]; /* empty if unknown */
	struct topology *topology;
	struct edac_driver drivers[CHECK_MAX_DRIVERS];
	int n_drivers; /* or negative errno */
	struct sysfs_offline *door;
	bool guest; /* a virtual machine */
	char guest_of[64];
};

/** One check; @row has its id, status CHECK_OK and empty texts. */
typedef void (*check_fn)(const struct check_context *c, struct check_row *row);

enum look {
	SEEN,
	MISSING,
	HIDDEN, /* it cannot be seen whether it is there: by this user, or by an error */
};

/** Whether @path exists below the root. */
enum look check_look(const struct check_context *c, const char *path);

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

/** The build option @option: 'y', 'm', 'n', or 0 if the configuration cannot be read. */
char check_kernel_option(const struct check_context *c, const char *option);

/** Sets status and text. */
_printf_(3, 4) void check_say(struct check_row *row, enum check_status status,
			      const char *format, ...);

/** Sets the hint. */
_printf_(2, 3) void check_hint(struct check_row *row, const char *format, ...);

/** "only root can see WHAT", or for root that it cannot be seen: a warning. */
void check_need_root(struct check_row *row, const char *what);

/* Where memory errors come from (check_source.c). */
void check_mc_event(const struct check_context *c, struct check_row *row);
void check_memory_controller(const struct check_context *c, struct check_row *row);
void check_pci_memory(const struct check_context *c, struct check_row *row);
void check_ras_cec(const struct check_context *c, struct check_row *row);
void check_virtualization(const struct check_context *c, struct check_row *row);
void check_lockdown(const struct check_context *c, struct check_row *row);
void check_trace_instance(const struct check_context *c, struct check_row *row);
void check_trace_clock(const struct check_context *c, struct check_row *row);

/* What is done about them, and by whom (check_action.c). */
void check_soft_offline(const struct check_context *c, struct check_row *row);
void check_enable_soft_offline(const struct check_context *c, struct check_row *row);
void check_kpageflags(const struct check_context *c, struct check_row *row);
void check_kernel_patches(const struct check_context *c, struct check_row *row);
void check_memory_failure(const struct check_context *c, struct check_row *row);
void check_rasdaemon(const struct check_context *c, struct check_row *row);
void check_mcelog(const struct check_context *c, struct check_row *row);
void check_daemon(const struct check_context *c, struct check_row *row);
void check_database(const struct check_context *c, struct check_row *row);
void check_metrics(const struct check_context *c, struct check_row *row);
void check_clock(const struct check_context *c, struct check_row *row);
