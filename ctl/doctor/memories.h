/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The memory controllers and CXL memory that libpci names, as text and JSON for people
 * and scripts.
 */

#include "output.h"
#include "topology/topology.h"

/** The sentence next to every CXL memory. */
#define MEMORIES_CXL_NOTE                                                                  \
	"the kernel reports its errors by cxl events, not by EDAC; softofflined does not " \
	"read those events"

/** How many functions of @kind there are. */
unsigned int memories_count(const struct pci_memories *m, enum pci_memory_kind kind);

/**
 * The distinct names of @kind, as "NAME, NAME (7 functions) and 2 more names"; only whole
 * names, as many as fit. Returns @buf, always terminated.
 */
const char *memories_names(const struct pci_memories *m, enum pci_memory_kind kind,
			   char *buf, size_t size);

/** Prints a line for each distinct name, with its first address; nothing if there is
 * no memory on PCI. @t: for the controllers that EDAC has of it. */
void memories_print(const struct ui *ui, const struct pci_memories *m,
		    const struct topology *t);

/**
 * The PCI device that the controller in @location ("mc0 0:1") is part of, as
 * {"address", "name"}; null if that is not certain. NULL without memory.
 */
json_t *memories_controller(const struct pci_memories *m, const struct topology *t,
			    const char *location);
