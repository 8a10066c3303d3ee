/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The option table: the one place that knows every section, key, default, range and help
 * text, and the look-ups by name. It does not know how a file or a value is written; the
 * parser that reads the operator's values reads even the defaults from the table.
 */

#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "config/config_internal.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)
#define TIB (GIB * 1024)

static const char *const events_words[] = { "auto", "mc_event", "mce_record", NULL };
static const char *const action_words[] = { "soft", "account", NULL };
static const char *const huge_words[] = { "never", "2M", NULL };
static const char *const control_words[] = { "leave", "own", NULL };

#define IN_CONFIG(field) .offset = offsetof(struct config, field)
/* @without: the value in a policy that has no such rule. */
#define IN_POLICY(field, without)                                                        \
	.policy = true, .off = (without), .offset = offsetof(struct policy_rule, field)
/* Which of two values acts less, for a DIMM whose section is not known yet. */
#define ACTS_LESS(which) .least = LEAST_##which
#define RANGE(low, high) .min = (low), .max = (high)
#define SPANS(low, high) RANGE((uint64_t)(low), (uint64_t)(high))

/* clang-format off */
static const struct option table[] = {
	{ { "Source", "Events", "auto",
	    "Which of the kernel's tracepoints for memory errors are read. "
	    "auto: ras:mc_event and, on x86, mce:mce_record; an error that both report "
	    "counts once. "
	    "mc_event: only what EDAC drivers report. "
	    "mce_record: only machine checks, which name no DIMM." },
	  OPTION_ENUM, IN_CONFIG(source.events), .words = events_words },
	{ { "Source", "BufferSize", "auto",
	    "Size of the trace buffer of each CPU. "
	    "The kernel keeps events there until the daemon reads them, also while the "
	    "daemon is down. "
	    "auto: 64M (or a 32nd of the memory if that is less) divided by the number "
	    "of CPUs, 1M to 16M each." },
	  OPTION_AUTO_SIZE, IN_CONFIG(source.buffer_size), RANGE(4 * KIB, 64 * MIB) },
	{ { "Source", "MaxBufferSize", "8M",
	    "The largest size of the queue of events that are read and not yet "
	    "counted, for all CPUs together. "
	    "The queue takes memory while errors come faster than the daemon counts "
	    "them, and frees it afterwards." },
	  OPTION_SIZE, IN_CONFIG(source.max_buffer_size), RANGE(4 * KIB, 64 * MIB) },

	{ { "Tracker", "MaxTrackedPages", "65536",
	    "How many pages are kept in memory at the same time. "
	    "When the table is full, the page that matters least is dropped from "
	    "memory; its count stays in the database. "
	    "A PageThreshold above 3 needs more memory for each page, so the same "
	    "memory holds fewer pages." },
	  OPTION_COUNT, IN_CONFIG(tracker.max_tracked_pages), RANGE(64, 1048576) },

	{ { "Policy", "Action", "soft",
	    "What to do with a page that a rule selects. "
	    "soft: soft-offline it. "
	    "account: count and report only, never act." },
	  OPTION_ENUM, IN_POLICY(action, "soft"), ACTS_LESS(LARGER),
	  .words = action_words },
	{ { "Policy", "PageThreshold", "2 / 24h",
	    "A page is offlined at its Nth corrected error within the window. "
	    "off: never for its own count." },
	  OPTION_THRESHOLD, IN_POLICY(page, "off"), ACTS_LESS(RARER),
	  RANGE(1, CONFIG_MAX_THRESHOLD) },
	{ { "Policy", "RowThreshold", "2 / 7d",
	    "When a DRAM row shows errors in N distinct columns within the window, "
	    "every page of the row that had a corrected error of its own is offlined. "
	    "Columns within one burst of eight count as one. "
	    "off: rows are not looked at." },
	  OPTION_THRESHOLD, IN_POLICY(row, "off"), ACTS_LESS(RARER),
	  RANGE(2, CONFIG_MAX_THRESHOLD) },
	{ { "Policy", "CellThreshold", "2 / 90d",
	    "A page is offlined when the same cell of it errs for the second time within "
	    "the window; N can only be 2. "
	    "Only where the driver names row and bank. "
	    "off: cells are not looked at by themselves." },
	  OPTION_THRESHOLD, IN_POLICY(cell, "off"), ACTS_LESS(RARER),
	  RANGE(2, 2) },
	{ { "Policy", "NeighbourRule", "no",
	    "Where the driver names no row: offline a page with a corrected error of "
	    "its own if, within the window of RowThreshold, two other pages within 256 "
	    "KiB of it had errors too, or one of them lies in a faulty row." },
	  OPTION_BOOL, IN_POLICY(neighbour, "no"), ACTS_LESS(SMALLER) },
	{ { "Policy", "WideFaultThreshold", "16",
	    "On a DIMM whose fault is wider than a row, only a page with this many "
	    "corrected errors of its own is offlined. "
	    "off or 0: none is." },
	  OPTION_LIMIT, IN_POLICY(wide_fault_threshold, "1"), ACTS_LESS(HIGHER),
	  RANGE(0, 1000000) },
	{ { "Policy", "WideFaultPages", "16",
	    "How many pages of a DIMM may have been offlined when another of its pages "
	    "is to go although the fault is wider than a row. "
	    "off or 0: none goes." },
	  OPTION_LIMIT, IN_POLICY(wide_fault_pages, "1000000"), ACTS_LESS(SMALLER),
	  RANGE(0, 1000000) },
	{ { "Policy", "HugePages", "never",
	    "Whether a page inside a HugeTLB page may be offlined, which dissolves the "
	    "huge page. "
	    "never: leave them whole. "
	    "2M: those of at most 2 MiB may be dissolved; larger ones never are." },
	  OPTION_ENUM, IN_POLICY(huge_pages, "never"), ACTS_LESS(SMALLER), .words = huge_words },
	{ { "Policy", "TransparentHugePages", "yes",
	    "Whether a page inside a transparent huge page may be offlined, which "
	    "splits the huge page. "
	    "A smaller large folio of the page cache is none, and always split." },
	  OPTION_BOOL, IN_POLICY(transparent_huge_pages, "yes"), ACTS_LESS(SMALLER) },

	{ { "Budget", "PagesPerHour", "10",
	    "How many pages an hour may be offlined in the long run. "
	    "0: none is offlined, whatever Burst says." },
	  OPTION_COUNT, IN_CONFIG(budget.pages_per_hour), RANGE(0, 100000) },
	{ { "Budget", "Burst", "20",
	    "How many pages may be offlined at once after a quiet time. "
	    "0 is allowed only with PagesPerHour=0." },
	  OPTION_COUNT, IN_CONFIG(budget.burst), RANGE(0, 100000) },
	{ { "Budget", "PagesPerDimm", "128",
	    "How many pages of one DIMM may be offlined. "
	    "Replace a DIMM that reaches this number: offlining more of its pages does "
	    "not help." },
	  OPTION_COUNT, IN_CONFIG(budget.pages_per_dimm), RANGE(0, 1000000) },
	{ { "Budget", "Total", "0.1%",
	    "How much memory may be offlined in all. "
	    "A plain number counts pages, K, M, G or T make it bytes, % is a share of "
	    "the RAM." },
	  OPTION_AMOUNT, IN_CONFIG(budget.total) },
	{ { "Budget", "MinAvailableMemory", "2%",
	    "Nothing is offlined while less memory than this is available. "
	    "The value has the form of Total." },
	  OPTION_AMOUNT, IN_CONFIG(budget.min_available_memory) },
	{ { "Budget", "MaxMemoryPressure", "20%",
	    "Nothing is offlined while tasks have waited for memory for more than this "
	    "share of the last ten seconds. "
	    "100%: memory pressure is not looked at." },
	  OPTION_PERCENT, IN_CONFIG(budget.max_memory_pressure), RANGE(0, 100) },

	{ { "Retry", "First", "1s",
	    "The wait after the first attempt that failed for a passing reason. "
	    "The wait doubles with each further failure." },
	  OPTION_SPAN, IN_CONFIG(retry.first), SPANS(USEC_PER_SEC, USEC_PER_DAY) },
	{ { "Retry", "Max", "5min",
	    "The longest wait between two attempts." },
	  OPTION_SPAN, IN_CONFIG(retry.max), SPANS(USEC_PER_SEC, USEC_PER_DAY) },
	{ { "Retry", "Tries", "8",
	    "How many attempts are made before a page counts as failed. "
	    "It is tried again at its next corrected error, at most once an hour." },
	  OPTION_COUNT, IN_CONFIG(retry.tries), RANGE(1, 32) },

	{ { "Replay", "AtBoot", "no",
	    "Offline again, after a reboot, the pages with corrected errors that were "
	    "out of use before it. "
	    "Only done if the memory map and the memory modules (by the serial numbers "
	    "in DMI) are still the same. "
	    "The budgets also apply to these pages." },
	  OPTION_BOOL, IN_CONFIG(replay.at_boot) },

	{ { "Kernel", "SoftOfflineControl", "leave",
	    "The sysctl vm.enable_soft_offline. "
	    "leave: use what is set. "
	    "own: if the kernel offers the choice, allow the daemon's requests and "
	    "refuse the kernel's own; the former value returns when the daemon stops." },
	  OPTION_ENUM, IN_CONFIG(kernel.soft_offline_control), .words = control_words },

	{ { "Database", "Path", "/var/lib/softofflined/softofflined.db",
	    "The database of counts, attempts and results, an absolute path." },
	  OPTION_PATH, IN_CONFIG(database.path) },
	{ { "Database", "MaxSize", "256M",
	    "The database does not grow beyond this size; the oldest events are "
	    "removed first." },
	  OPTION_SIZE, IN_CONFIG(database.max_size), RANGE(MIB, TIB) },
	{ { "Database", "Retention", "400d",
	    "How long single events are kept." },
	  OPTION_SPAN, IN_CONFIG(database.retention),
	  SPANS(USEC_PER_DAY, 3650 * USEC_PER_DAY) },

	{ { "Metrics", "File", "auto",
	    "The file for the Prometheus node exporter, an absolute path. "
	    "auto: /var/lib/prometheus/node-exporter/softofflined.prom, if that folder "
	    "exists. "
	    "none: no file is written." },
	  OPTION_FILE, IN_CONFIG(metrics.file) },
	{ { "Metrics", "Interval", "15s",
	    "How often the file is written." },
	  OPTION_SPAN, IN_CONFIG(metrics.interval), SPANS(USEC_PER_SEC, USEC_PER_HOUR) },
};
/* clang-format on */

_Static_assert(ARRAY_SIZE(table) <= CONFIG_MAX_OPTIONS,
	       "struct config holds all origins");

const struct option *config_option_row(size_t index)
{
	return index < ARRAY_SIZE(table) ? &table[index] : NULL;
}

const struct config_option *config_option_at(size_t index)
{
	return index < ARRAY_SIZE(table) ? &table[index].doc : NULL;
}

void config_init(struct config *cfg)
{
	struct value_error error;

	memset(cfg, 0, sizeof(*cfg));
	/* The unit tests show that no default of the table is refused. */
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		(void)config_value_parse(&table[i], table[i].doc.value,
					 config_option_base(cfg, &table[i]), &error);
}

void config_rule_off(struct policy_rule *ret)
{
	struct value_error error;

	memset(ret, 0, sizeof(*ret));
	/* The unit tests show that no such value is refused. */
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].policy)
			(void)config_value_parse(&table[i], table[i].off, ret, &error);
}

void *config_option_base(struct config *cfg, const struct option *opt)
{
	return opt->policy ? (void *)&cfg->policy : (void *)cfg;
}

const void *config_option_base_const(const struct config *cfg, const struct option *opt)
{
	return opt->policy ? (const void *)&cfg->policy : (const void *)cfg;
}

int config_option_find(const char *section, const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (strcmp(table[i].doc.section, section) == 0 &&
		    strcmp(table[i].doc.key, key) == 0)
			return (int)i;
	return -1;
}

const char *config_section_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (text_same_letters(table[i].doc.section, name))
			return table[i].doc.section;
	return NULL;
}

bool config_section_acts(const char *section)
{
	/* A new section counts as one that can keep the daemon from acting until it is
	 * listed here. */
	static const char *const others[] = { "Source", "Tracker", "Retry", "Database",
					      "Metrics" };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strcmp(others[i], section) == 0)
			return false;
	return true;
}

const char *config_section_nearest(const char *name)
{
	unsigned int best = UINT32_MAX;
	const char *nearest = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		unsigned int distance = text_distance(name, table[i].doc.section);

		if (distance < best) {
			best = distance;
			nearest = table[i].doc.section;
		}
	}
	return nearest;
}

const struct option *config_option_nearest(const char *section, const char *key)
{
	unsigned int best = UINT32_MAX;
	const struct option *nearest = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		unsigned int distance = 2 * text_distance(key, table[i].doc.key);

		if (strcmp(table[i].doc.section, section) != 0)
			distance++;
		if (distance < best) {
			best = distance;
			nearest = &table[i];
		}
	}
	return nearest;
}
