/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Any bytes as a file of modprobe.d and as the kernel's command line. What is found must
 * be a text, and a file alone must never look like a parameter of the command line.
 */

#include <stdlib.h>
#include <string.h>

#include "base/cmdline.h"
#include "topology/topology.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool fine)
{
	if (!fine)
		abort();
}

static char *copy(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	check(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct driver_bar bar = { .kind = DRIVER_FREE };
	bool installed = false, known;
	struct cmdline_param p;
	char *text = copy(data, size), *at;

	driver_bar_read(&bar, &installed, "skx_edac", text, "/etc/modprobe.d/x.conf");
	check(bar.kind <= DRIVER_INSTALL && bar.kind != DRIVER_BOOT_BLACKLISTED);
	check(bar.kind == DRIVER_FREE || bar.file[0] == '/');
	free(text);

	text = copy(data, size);
	memset(&bar, 0, sizeof(bar));
	driver_bar_read_cmdline(&bar, "skx_edac", "skx_init", text);
	check(bar.kind == DRIVER_FREE || strchr(bar.line, '='));
	check(bar.file[0] == '\0');
	free(text);

	text = copy(data, size);
	for (at = text; cmdline_next(&at, &p);) {
		check(p.name >= text && at <= text + size);
		cmdline_bool(p.value, &known);
	}
	free(text);
	return 0;
}
