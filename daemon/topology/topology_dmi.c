/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Memory modules and the maker's name from DMI. Firmware writes these tables, so every
 * length is checked.
 */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/fingerprint.h"
#include "base/mem.h"
#include "base/serial.h"
#include "base/text.h"
#include "host/small_file.h"
#include "topology/topology.h"
#include "topology/topology_internal.h"

#define DMI_ENTRIES "/sys/firmware/dmi/entries"
#define DMI_TYPE    17
#define DMI_RAW_MAX 4096

/* Offsets of a memory device (SMBIOS 3.6, table 75) */
enum {
	DMI_SIZE = 0x0c,
	DMI_LOCATOR = 0x10,
	DMI_BANK = 0x11,
	DMI_SPEED = 0x15,
	DMI_MANUFACTURER = 0x17,
	DMI_SERIAL = 0x18,
	DMI_PART = 0x1a,
	DMI_EXTENDED_SIZE = 0x1c,
};

struct dmi_raw {
	const uint8_t *bytes;
	size_t formatted; /* length of the part before the strings */
	size_t len;
};

static uint32_t dmi_number(const struct dmi_raw *raw, size_t at, size_t bytes)
{
	uint32_t value = 0;

	if (at + bytes > raw->formatted)
		return 0;
	for (size_t i = bytes; i > 0; i--)
		value = value << 8 | raw->bytes[at + i - 1];
	return value;
}

/* Strings are numbered from 1, and each ends with a zero; blanks around them are
 * common. */
static void dmi_text(const struct dmi_raw *raw, size_t at, char *ret, size_t size)
{
	uint32_t wanted = dmi_number(raw, at, 1);
	size_t pos = raw->formatted, n = 0;

	ret[0] = '\0';
	if (wanted == 0)
		return;
	for (uint32_t i = 1; i < wanted; i++) {
		while (pos < raw->len && raw->bytes[pos] != '\0')
			pos++;
		pos++;
		if (pos >= raw->len || raw->bytes[pos] == '\0')
			return;
	}
	while (pos < raw->len && raw->bytes[pos] == ' ')
		pos++;
	for (; pos < raw->len && raw->bytes[pos] != '\0' && n + 1 < size; pos++)
		ret[n++] = text_is_printable((char)raw->bytes[pos])
				   ? (char)raw->bytes[pos]
				   : '?';
	while (n > 0 && ret[n - 1] == ' ')
		n--;
	ret[n] = '\0';
}

static uint64_t dmi_module_size(const struct dmi_raw *raw)
{
	uint32_t size = dmi_number(raw, DMI_SIZE, 2);

	if (size == 0xffff) /* there is a module, but its size is unknown */
		return 0;
	if (size == 0x7fff)
		return dmi_number(raw, DMI_EXTENDED_SIZE, 4) & 0x7fffffff;
	return size & 0x8000 ? (size & 0x7fff) >> 10 : size;
}

int dmi_module_parse(struct dmi_module *ret, const uint8_t *raw, size_t len)
{
	struct dmi_raw r = { .bytes = raw, .len = len };

	if (len < 4 || raw[0] != DMI_TYPE || raw[1] > len || raw[1] <= DMI_BANK)
		return -EINVAL;
	r.formatted = raw[1];
	if (dmi_number(&r, DMI_SIZE, 2) == 0)
		return 0;
	memset(ret, 0, sizeof(*ret));
	ret->handle = (uint16_t)dmi_number(&r, 2, 2);
	ret->size_mib = dmi_module_size(&r);
	ret->speed_mts = dmi_number(&r, DMI_SPEED, 2);
	/* 0xffff: the speed is in a field of SMBIOS 3.3 that we do not need. */
	if (ret->speed_mts == 0xffff)
		ret->speed_mts = 0;
	dmi_text(&r, DMI_LOCATOR, ret->locator, sizeof(ret->locator));
	dmi_text(&r, DMI_BANK, ret->bank, sizeof(ret->bank));
	dmi_text(&r, DMI_MANUFACTURER, ret->manufacturer, sizeof(ret->manufacturer));
	dmi_text(&r, DMI_SERIAL, ret->serial, sizeof(ret->serial));
	dmi_text(&r, DMI_PART, ret->part, sizeof(ret->part));
	return 1;
}

void topology_add_module(struct topology *t, const uint8_t *raw, size_t len)
{
	struct dmi_module m;
	unsigned int at;
	int r = dmi_module_parse(&m, raw, len);

	topology_note(t, r);
	if (r != 1)
		return;
	if (t->n_modules == TOPOLOGY_MAX_MODULES) {
		t->cut = true;
		return;
	}
	for (at = t->n_modules; at > 0 && t->modules[at - 1].handle > m.handle; at--)
		t->modules[at] = t->modules[at - 1];
	t->modules[at] = m;
	t->n_modules++;
}

static void dmi_read_module(struct topology *t, const char *path)
{
	char raw[DMI_RAW_MAX];
	ssize_t n = small_file_read(AT_FDCWD, path, raw, sizeof(raw));

	if (n == -EFBIG)
		n = sizeof(raw) - 1; /* the parser finds what is missing */
	if (n < 0) {
		t->modules_denied |= n == -EACCES || n == -EPERM;
		topology_note(t, (int)n);
		return;
	}
	topology_add_module(t, (const uint8_t *)raw, (size_t)n);
}

void topology_add_modules(struct topology *t, const char *root)
{
	_cleanup_(closedir_p) DIR *d = NULL;
	const struct dirent *entry;
	char path[PATH_MAX];
	int n;

	n = snprintf(path, sizeof(path), "%s" DMI_ENTRIES, root);
	if (n < 0 || (size_t)n >= sizeof(path))
		return;
	d = opendir(path);
	if (!d)
		topology_note(t, -errno);
	while (d && (errno = 0, entry = readdir(d))) {
		if (strncmp(entry->d_name, "17-", 3) != 0)
			continue;
		n = snprintf(path, sizeof(path), "%s" DMI_ENTRIES "/%s/raw", root,
			     entry->d_name);
		if (n > 0 && (size_t)n < sizeof(path))
			dmi_read_module(t, path);
	}
	if (d)
		topology_note(t, -errno);
}

bool topology_serial_is_real(const struct topology *t, uint16_t module)
{
	const char *serial = t->modules[module].serial;

	if (!dmi_serial_is_real(serial))
		return false;
	for (unsigned int i = 0; i < t->n_modules; i++)
		if (i != module && strcmp(t->modules[i].serial, serial) == 0)
			return false;
	return true;
}

int64_t topology_module_print(const struct topology *t)
{
	uint64_t h = FINGERPRINT_START;

	if (t->n_modules == 0 || t->cut || t->unread < 0)
		return 0;
	/* By handle, as the firmware numbers its slots; a text ends at its NUL. */
	for (unsigned int i = 0; i < t->n_modules; i++) {
		const struct dmi_module *m = &t->modules[i];

		if (!topology_serial_is_real(t, (uint16_t)i))
			return 0;
		h = fingerprint_add(h, m->locator, strlen(m->locator) + 1);
		h = fingerprint_add(h, m->bank, strlen(m->bank) + 1);
		h = fingerprint_add(h, m->manufacturer, strlen(m->manufacturer) + 1);
		h = fingerprint_add(h, m->part, strlen(m->part) + 1);
		h = fingerprint_add(h, m->serial, strlen(m->serial) + 1);
		h = fingerprint_add(h, &m->size_mib, sizeof(m->size_mib));
	}
	return fingerprint_done(h);
}

void topology_system(const char *root, struct dmi_system *ret)
{
	char dir[PATH_MAX];
	int n = snprintf(dir, sizeof(dir), "%s/sys/class/dmi/id", root);

	memset(ret, 0, sizeof(*ret));
	if (n < 0 || (size_t)n >= sizeof(dir))
		return;
	topology_text(dir, "sys_vendor", ret->vendor, sizeof(ret->vendor));
	topology_text(dir, "product_name", ret->product, sizeof(ret->product));
}
