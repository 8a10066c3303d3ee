/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Whether this machine can show us its corrected errors, and if not, what is in the way:
 * facts in, one cause out. The daemon's verdict, its status, its metrics and
 * `softofflinectl check` say the same words. Nothing is looked at here.
 *
 * A daemon that sees nothing and one that has nothing to see look alike: no event. So
 * silence is never a proof. A cause stands until the fact behind it is gone. What only says
 * that nobody is known to report errors ends with an event as well (sight_cause_yields()).
 */

#include <stdbool.h>

#include "base/machine.h"

/** The state of the source, one word in status, JSON and metrics. */
#define SIGHT_STATE_LIST(X)                                                              \
	X(OK, "ok")                                                                      \
	X(NO_SOURCE, "no-source") /* no tracepoint can be read */                        \
	X(NO_DRIVER,                                                                     \
	  "no-driver")        /* they can be read, and nobody is known to use them */    \
	X(OFF, "off")         /* they are switched off */                                \
	X(IGNORED, "ignored") /* the kernel is set to drop corrected errors */           \
	X(COLLECTOR, "collector") /* RAS_CEC takes them, or acts on them */              \
	X(UNKNOWN, "unknown")     /* it cannot be found out */

#define X(id, word) SIGHT_##id,
enum sight_state { SIGHT_STATE_LIST(X) SIGHT_STATE_MAX_ };
#undef X

/*
 * X(identifier, word, state, up, what is so, what to do)
 *
 * Both texts are sentences without full stop. Up: errors are seen all the same. Scripts
 * rely on the words, and the database stores the numbers: add at the end, rename none.
 */
/* clang-format off */
#define SIGHT_CAUSE_LIST(X)                                                              \
	X(NONE, "none", OK, true, "nobody has looked", "")                               \
	X(SEES, "sees", OK, true, "memory errors can be seen", "")                       \
	X(CONTAINER, "container", NO_SOURCE, false,                                      \
	  "this is a container, and the kernel shows it no memory errors",               \
	  "run softofflined on the host")                                                \
	X(LOCKDOWN, "lockdown", NO_SOURCE, false,                                        \
	  "lockdown \"confidentiality\" closes tracefs, where memory errors are reported",\
	  "boot with lockdown=integrity, or without lockdown")                           \
	X(NO_TRACEFS, "no-tracefs", NO_SOURCE, false,                                    \
	  "tracefs, where memory errors are reported, is not mounted",                   \
	  "systemctl start sys-kernel-tracing.mount")                                    \
	X(NO_TRACEPOINT, "no-tracepoint", NO_SOURCE, false,                              \
	  "this kernel has no tracepoint that softofflined can read errors from",        \
	  "use a kernel built with CONFIG_RAS and CONFIG_EDAC")                          \
	X(SWITCHED_OFF, "switched-off", OFF, false,                                      \
	  "the tracepoints are switched off in the trace instance and do not stay on",   \
	  "look for the program that resets tracing, and restart softofflined")          \
	X(MCE_OFF, "mce-off", IGNORED, false,                                            \
	  "the boot parameter mce=off turns machine checks off",                         \
	  "boot without mce=off")                                                        \
	X(MCE_IGNORE_CE, "mce-ignore-ce", IGNORED, false,                                \
	  "the boot parameter mce=ignore_ce makes the kernel ignore corrected errors",   \
	  "boot without mce=ignore_ce")                                                  \
	X(MCE_DONT_LOG_CE, "mce-dont-log-ce", IGNORED, false,                            \
	  "the boot parameter mce=dont_log_ce makes the kernel drop corrected errors "   \
	  "without a usable address",                                                    \
	  "boot without mce=dont_log_ce")                                                \
	X(IGNORE_CE, "ignore-ce", IGNORED, false,                                        \
	  "the kernel ignores corrected errors: ignore_ce of machinecheck0 is on",       \
	  "echo 0 > /sys/devices/system/machinecheck/machinecheck0/ignore_ce, and look " \
	  "for what turns it on")                                                        \
	X(DONT_LOG_CE, "dont-log-ce", IGNORED, false,                                    \
	  "the kernel drops corrected errors without a usable address: dont_log_ce of "  \
	  "machinecheck0 is on",                                                         \
	  "echo 0 > /sys/devices/system/machinecheck/machinecheck0/dont_log_ce, and "    \
	  "look for what turns it on")                                                   \
	X(NOT_POLLED, "not-polled", IGNORED, false,                                      \
	  "nothing has the kernel look for corrected errors: check_interval of "         \
	  "machinecheck0 is 0, and the CMCI interrupt is off or is not there",           \
	  "echo 300 > /sys/devices/system/machinecheck/machinecheck0/check_interval, "   \
	  "and look for what sets it to 0")                                              \
	X(EDAC_REPORT_OFF, "edac-report-off", IGNORED, false,                            \
	  "the boot parameter edac_report=off makes EDAC drop errors",                   \
	  "boot without edac_report=off")                                                \
	X(GHES_DISABLED, "ghes-disabled", IGNORED, false,                                \
	  "a boot parameter makes the kernel ignore the errors that the firmware "       \
	  "reports, and no other source is there",                                       \
	  "boot without ghes.disable=1 and hest_disable")                                \
	X(NO_DRIVER, "no-driver", NO_DRIVER, false,                                      \
	  "no memory controller driver (EDAC) is in use, and no other source reports "   \
	  "memory errors",                                                               \
	  "softofflinectl check says which driver fits, and what keeps it out")          \
	X(FIRMWARE_FIRST, "firmware-first", NO_DRIVER, false,                            \
	  "memory errors go to the firmware first, and the kernel does not pass on what "\
	  "it reports",                                                                  \
	  "softofflinectl check says what this kernel needs")                            \
	X(GUEST, "guest", NO_DRIVER, false,                                              \
	  "this is a virtual machine without a memory controller: its host sees the "    \
	  "errors, and has passed none on lately",                                       \
	  "run softofflined on the host, and disable it here unless the host passes "    \
	  "errors on")                                                                   \
	X(COLLECTOR_HIDES, "collector-hides", COLLECTOR, false,                          \
	  "the kernel's own collector (RAS_CEC) takes corrected errors before EDAC",     \
	  "set Events=auto in [Source], or boot with ras=cec_disable")                   \
	X(COLLECTOR_ACTS, "collector-acts", COLLECTOR, true,                             \
	  "errors are seen, but the kernel's own collector (RAS_CEC) offlines pages, "   \
	  "whatever policy and budgets say",                                             \
	  "set SoftOfflineControl=own in [Kernel], or boot with ras=cec_disable")        \
	X(UNREAD, "unread", UNKNOWN, false,                                              \
	  "whether a memory controller driver is in use cannot be read from sysfs",      \
	  "the kernel's log may show why sysfs cannot be read")                          \
	X(BANKS_OFF, "banks-off", IGNORED, false,                                        \
	  "the kernel does not look at machine checks: bank* of machinecheck0 are 0",    \
	  "write 0xffffffffffffffff to each /sys/devices/system/machinecheck/*/bank*, "  \
	  "and look for what sets them to 0")
/* clang-format on */

#define X(id, ...) SIGHT_CAUSE_##id,
enum sight_cause { SIGHT_CAUSE_LIST(X) SIGHT_CAUSE_MAX_ };
#undef X

/** One tracepoint that reports memory errors. */
struct sight_source {
	bool read; /* the kernel has it, and we read it */
	bool on;   /* it is enabled, and recording is on */
};

/** What RAS_CEC does with the errors that it takes. */
enum sight_collector {
	SIGHT_COLLECTOR_UNKNOWN,
	SIGHT_COLLECTOR_ABSENT,
	SIGHT_COLLECTOR_PASSIVE, /* takes them, and is kept from offlining pages */
	SIGHT_COLLECTOR_ACTS,
};

/** Everything that the judgement depends on. Zero: nobody has looked. */
struct sight_facts {
	bool looked;
	bool tracefs; /* the trace instance is open */
	struct sight_source mc_event;
	struct sight_source mce_record;
	enum sight_collector collector;

	/* Fixed for a boot: see topology_machine_facts(). */
	bool guest;
	bool container;
	bool hest;    /* the firmware has error sources */
	bool spared;  /* the collector takes nothing of this processor's */
	bool mce_off; /* boot parameters */
	bool nomce;   /* is another word for mce_off, which is set, too */
	bool mce_ignore_ce;
	bool mce_dont_log_ce;
	bool mce_no_cmci;
	bool edac_report_off;
	bool ghes_disabled;
	bool hest_disabled;

	/* See topology_sight_facts(). */
	enum fact controllers; /* EDAC has a memory controller */
	bool firmware_only;    /* and all of them are those of the firmware (ghes_edac) */
	bool machine_checks;   /* an x86 processor's machine checks are in use */
	bool ignore_ce;        /* switches of the machine checks */
	bool dont_log_ce;
	bool ignore_ce_off; /* is there, and off: no boot parameter counts any more */
	bool dont_log_ce_off;
	bool not_polled;
	bool banks_off;       /* the kernel looks at half of the machine checks at most */
	bool confidentiality; /* lockdown's strictest mode */
	bool ghes;            /* the firmware's error sources are bound to their driver */
};

/**
 * The first thing in the way by @f: what must be mended first comes first.
 * SIGHT_CAUSE_SEES if nothing is; SIGHT_CAUSE_NONE if nobody has looked.
 */
enum sight_cause sight_judge(const struct sight_facts *f);

/**
 * True if an event that comes after the cause began proves that errors are reported all the
 * same: the cause says only that nobody is known who would report them.
 */
bool sight_cause_yields(enum sight_cause cause);

/** Takes the settings from the @text of the kernel's command line, which is changed. */
void sight_read_cmdline(struct sight_facts *f, char *text);

/** An event proves what sight_cause_yields() asks for this long. */
#define SIGHT_PROOF (7 * USEC_PER_DAY)

/** What is known of the source in a life of the daemon. Zero: nobody has looked. */
struct sight {
	enum sight_cause found; /* by the facts alone */
	usec_t found_at;        /* when @found was first so */
	enum sight_cause cause; /* that holds: @found, or SEES by an event's proof */
};

/**
 * Takes new facts. @last_event is the time of the newest event (usec_t.us; INT64_MIN:
 * none). Returns true if s->cause is another one now.
 */
bool sight_take(struct sight *s, const struct sight_facts *f, usec_t now,
		int64_t last_event);

/** The state of @cause. */
enum sight_state sight_cause_state(enum sight_cause cause);

/** False if errors are not seen because of @cause. */
bool sight_cause_up(enum sight_cause cause);

/** The word of @cause; "invalid-value" for a number outside the enum. */
const char *sight_cause_to_string(enum sight_cause cause);

/** What is so, and what to do about it ("": nothing): sentences without full stop. */
const char *sight_cause_help(enum sight_cause cause);
const char *sight_cause_remedy(enum sight_cause cause);

/** The word of @state; "invalid-value" for a number outside the enum. */
const char *sight_state_to_string(enum sight_state state);
