/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The only door to the kernel's own counters of soft-offline requests, which a kernel of
 * the bundled series keeps for each NUMA node.
 *
 * Fact (kernel/patches, Documentation/ABI/testing/sysfs-devices-node-soft-offline): the
 * folder nodeN/soft_offline holds one file for each outcome, named by the event's word
 * with underscores, with one decimal number; more files may come.
 */

#include "event/soft_event.h"

#define MAX_SOFT_NODES 128

/**
 * Reads the counters below @root ("" in production) into @ret, nodes in ascending order,
 * at most @max. A file with an unknown name is added to SOFT_UNKNOWN; a file that cannot
 * be read counts as absent.
 *
 * Returns the number of nodes that have counters: 0 on a kernel without counters.
 */
size_t node_counters_read(const char *root, struct soft_counts *ret, size_t max);

/** True if any node has the folder; cheaper than reading the counters. */
bool node_counters_exist(const char *root);
