/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Any bytes as what the firmware says about memory modules: SMBIOS structures one after
 * the other, as in /sys/firmware/dmi/tables/DMI, and after the last one EDAC's labels,
 * one a line. The table of modules must hold printable texts in order of their handles,
 * the same whatever was in memory before; a match must be a module that is there.
 */

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/serial.h"
#include "topology/topology_internal.h"

#define LAST_TYPE 127 /* ends the table */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool claim, const char *what)
{
	if (claim)
		return;
	fprintf(stderr, "fuzz_dmi: %s\n", what);
	abort();
}

/* The structure at @data with its strings, which end with two zeros; as the kernel cuts
 * it for /sys/firmware/dmi/entries. */
static size_t structure_len(const uint8_t *data, size_t size)
{
	size_t at = size > 1 && data[1] < size ? data[1] : size;

	while (at + 1 < size && (data[at] != 0 || data[at + 1] != 0))
		at++;
	return at + 2 < size ? at + 2 : size;
}

static void check_text(const char *text, size_t size)
{
	size_t n = strnlen(text, size);

	require(n < size, "a text without an end");
	require(n == 0 || text[n - 1] != ' ', "a blank at the end");
	for (size_t i = 0; i < n; i++)
		require(isprint((unsigned char)text[i]), "a text that is not printable");
}

static void check_module(const struct dmi_module *m)
{
	check_text(m->locator, sizeof(m->locator));
	check_text(m->bank, sizeof(m->bank));
	check_text(m->manufacturer, sizeof(m->manufacturer));
	check_text(m->serial, sizeof(m->serial));
	check_text(m->part, sizeof(m->part));
	require(m->size_mib <= INT32_MAX, "a size that no field can say");
	require(m->speed_mts < UINT16_MAX, "a speed that no field can say");
	(void)dmi_serial_is_real(m->serial);
}

/* A block of just this size, so that a sanitizer sees a read past its end. */
static void take_structure(struct topology *t, const uint8_t *data, size_t len)
{
	_cleanup_(free_p) uint8_t *raw = malloc(len);
	struct dmi_module m, again;
	int r;

	require(raw != NULL, "no memory");
	memcpy(raw, data, len);
	memset(&m, 0x55, sizeof(m));
	memset(&again, 0xaa, sizeof(again));
	r = dmi_module_parse(&m, raw, len);
	require(r == 1 || r == 0 || r == -EINVAL, "an answer from nowhere");
	require(dmi_module_parse(&again, raw, len) == r, "another answer");
	if (r == 1) {
		require(memcmp(&m, &again, sizeof(m)) == 0, "another module");
		check_module(&m);
	}
	topology_add_module(t, raw, len);
}

static void take_labels(struct topology *t, const uint8_t *data, size_t size)
{
	while (size > 0 && t->n_dimms < TOPOLOGY_MAX_DIMMS) {
		struct edac_dimm *d = &t->dimms[t->n_dimms++];
		const uint8_t *end = memchr(data, '\n', size);
		size_t n = end ? (size_t)(end - data) : size;
		size_t kept = n < sizeof(d->label) ? n : sizeof(d->label) - 1;

		*d = (struct edac_dimm){ .module = TOPOLOGY_NO_MODULE };
		memcpy(d->label, data, kept);
		data += n + (end != NULL);
		size -= n + (end != NULL);
	}
}

static void check_table(const struct topology *t)
{
	int64_t print = topology_module_print(t);

	require(t->n_modules <= TOPOLOGY_MAX_MODULES, "too many modules");
	require(!t->cut || t->n_modules == TOPOLOGY_MAX_MODULES, "cut without need");
	for (unsigned int i = 1; i < t->n_modules; i++)
		require(t->modules[i - 1].handle <= t->modules[i].handle,
			"modules out of order");
	require(print == topology_module_print(t), "another fingerprint");
	require(print == 0 || (!t->cut && t->n_modules > 0),
		"a fingerprint of half the modules");
}

static void check_matches(const struct topology *t)
{
	for (unsigned int i = 0; i < t->n_dimms; i++) {
		const struct edac_dimm *d = &t->dimms[i];

		require((d->match == SLOT_UNKNOWN) == (d->module == TOPOLOGY_NO_MODULE),
			"a match with nothing");
		require(d->match == SLOT_UNKNOWN || d->module < t->n_modules,
			"a match with a module that is not there");
		require(d->match != SLOT_EXACT ||
				strstr(d->label, t->modules[d->module].locator),
			"an exact match by another name");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct topology t; /* too large for the stack */
	bool last = false;

	t.n_modules = 0;
	t.n_dimms = 0;
	t.cut = false;
	while (size > 0 && !last) {
		size_t len = structure_len(data, size);

		last = data[0] == LAST_TYPE;
		take_structure(&t, data, len);
		data += len;
		size -= len;
	}
	take_labels(&t, data, size);
	check_table(&t);
	topology_match_modules(&t);
	check_matches(&t);
	return 0;
}
