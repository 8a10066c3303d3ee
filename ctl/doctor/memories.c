/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Memory controllers and CXL memory in words. It names what libpci found. It names the
 * device of a DIMM only where EDAC allows one answer.
 */

#include "doctor/memories.h"

#include <string.h>

unsigned int memories_count(const struct pci_memories *m, enum pci_memory_kind kind)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < m->n; i++)
		n += m->v[i].kind == kind;
	return n;
}

static bool memories_same(const struct pci_memory *a, const struct pci_memory *b)
{
	return a->kind == b->kind && strcmp(a->name, b->name) == 0;
}

/* How many there are like number @i; 0 if it is not the first of them. */
static unsigned int count_like(const struct pci_memories *m, unsigned int i)
{
	unsigned int n = 0;

	for (unsigned int k = 0; k < m->n; k++) {
		if (!memories_same(&m->v[k], &m->v[i]))
			continue;
		if (k < i)
			return 0;
		n++;
	}
	return n;
}

const char *memories_names(const struct pci_memories *m, enum pci_memory_kind kind,
			   char *buf, size_t size)
{
	const size_t end = sizeof(" and 256 more names");
	unsigned int more = 0;
	size_t len = 0;

	buf[0] = '\0';
	for (unsigned int i = 0; i < m->n; i++) {
		unsigned int n = m->v[i].kind == kind ? count_like(m, i) : 0;
		char functions[32] = "", one[sizeof(m->v[i].name) + 48];

		if (n == 0)
			continue;
		if (n > 1)
			snprintf(functions, sizeof(functions), " (%u functions)", n);
		snprintf(one, sizeof(one), "%s%s%s", len ? ", " : "", m->v[i].name,
			 functions);
		if (more > 0 || len + strlen(one) + end > size) {
			more++;
			continue;
		}
		memcpy(buf + len, one, strlen(one) + 1);
		len += strlen(one);
	}
	if (more > 0)
		snprintf(buf + len, size - len, "%s%u %sname%s", len ? " and " : "", more,
			 len ? "more " : "", more == 1 ? "" : "s");
	return buf;
}

static const char *kind_text(enum pci_memory_kind kind)
{
	switch (kind) {
	case PCI_MEMORY_CONTROLLER:
		return "memory controller";
	case PCI_MEMORY_CXL:
		return "CXL memory";
	case PCI_MEMORY_OTHER:
		return "other memory on PCI";
	}
	return "?";
}

void memories_print(const struct ui *ui, const struct pci_memories *m,
		    const struct topology *t)
{
	const struct pci_memory *edac = topology_pci_edac(m);

	if (m->n > 0)
		putchar('\n');
	for (unsigned int i = 0; edac && i < t->n_mcs; i++)
		print_note(ui, "", "mc%u: part of %s", t->mcs[i].index, edac->address);
	for (unsigned int i = 0; i < m->n; i++) {
		unsigned int n = count_like(m, i);
		char more[32] = "";

		if (n == 0)
			continue;
		if (n > 1)
			snprintf(more, sizeof(more), " and %u more", n - 1);
		print_note(ui, "", "%s: %s, %s%s", kind_text(m->v[i].kind), m->v[i].name,
			   m->v[i].address, more);
	}
	if (memories_count(m, PCI_MEMORY_CXL) > 0)
		print_note(ui, "", "CXL memory: " MEMORIES_CXL_NOTE);
}

json_t *memories_controller(const struct pci_memories *m, const struct topology *t,
			    const char *location)
{
	const struct pci_memory *edac = topology_pci_edac(m);
	unsigned int mc;

	if (!edac || sscanf(location, "mc%u", &mc) != 1)
		return json_null();
	for (unsigned int i = 0; i < t->n_mcs; i++)
		if (t->mcs[i].index == mc)
			return json_pack("{s:s, s:s}", "address", edac->address, "name",
					 edac->name);
	return json_null();
}
