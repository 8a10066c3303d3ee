/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Reads memory controllers and DIMMs from EDAC's sysfs, from either of its places. It
 * reports what sysfs shows and counts nothing itself; what a count is worth is decided
 * elsewhere.
 */

#include "topology/topology.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "base/fingerprint.h"
#include "host/small_file.h"
#include "topology/topology_internal.h"

DEFINE_CLEANUP(struct slot_labels *, slot_labels_free)

#define EDAC_DIR "/sys/devices/system/edac/mc"
#define MAX_ROWS 1024 /* folders of one controller that are read, by number */

int topology_text(const char *dir, const char *file, char *ret, size_t size)
{
	char path[PATH_MAX];
	ssize_t n;
	int len = snprintf(path, sizeof(path), "%s/%s", dir, file);

	ret[0] = '\0';
	if (len < 0 || (size_t)len >= sizeof(path))
		return -ENAMETOOLONG;
	n = small_file_read(AT_FDCWD, path, ret, size);
	if (n < 0 && n != -EFBIG)
		return (int)n;
	ret[strcspn(ret, "\n")] = '\0';
	for (size_t i = strlen(ret); i > 0 && isspace((unsigned char)ret[i - 1]); i--)
		ret[i - 1] = '\0';
	return 0;
}

void topology_note(struct topology *t, int r)
{
	if (r < 0 && r != -ENOENT && r != -ENOTDIR && t->unread == 0)
		t->unread = r;
}

int topology_text_of(struct topology *t, const char *dir, const char *file, char *ret,
		     size_t size)
{
	int r = topology_text(dir, file, ret, size);

	topology_note(t, r);
	return r;
}

uint64_t topology_number(struct topology *t, const char *dir, const char *file)
{
	uint64_t value = 0;
	char text[32];

	if (topology_text_of(t, dir, file, text, sizeof(text)) < 0 ||
	    sscanf(text, "%" SCNu64, &value) != 1)
		return 0;
	return value;
}

/* "channel 0 slot 1": the names do not matter; the numbers are the layers from the
 * top. */
static void parse_location(const char *text, int8_t layer[3])
{
	unsigned int n = 0;

	layer[0] = layer[1] = layer[2] = -1;
	for (const char *p = text; *p && n < 3;) {
		unsigned long value;
		char *end;

		if (!isdigit((unsigned char)*p) || (p > text && p[-1] != ' ')) {
			p++;
			continue;
		}
		value = strtoul(p, &end, 10);
		layer[n++] = value <= INT8_MAX ? (int8_t)value : -1;
		p = end;
	}
}

static struct edac_dimm *edac_new_dimm(struct topology *t, struct edac_mc *mc,
				       enum edac_layout layout)
{
	struct edac_dimm *d;

	if (t->n_dimms == TOPOLOGY_MAX_DIMMS) {
		t->cut = true;
		return NULL;
	}
	d = &t->dimms[t->n_dimms++];
	memset(d, 0, sizeof(*d));
	d->mc = (uint8_t)mc->index;
	d->layout = layout;
	d->module = TOPOLOGY_NO_MODULE;
	mc->n_dimms++;
	return d;
}

static void edac_add_dimm(struct topology *t, struct edac_mc *mc, const char *dir,
			  enum edac_layout layout)
{
	uint64_t size = topology_number(t, dir, "size");
	struct edac_dimm *d;

	if (size == 0)
		return;
	d = edac_new_dimm(t, mc, layout);
	if (!d)
		return;
	d->size_mib = size;
	topology_text_of(t, dir, "dimm_label", d->label, sizeof(d->label));
	topology_text_of(t, dir, "dimm_location", d->location, sizeof(d->location));
	topology_text_of(t, dir, "dimm_mem_type", d->mem_type, sizeof(d->mem_type));
	topology_text_of(t, dir, "dimm_edac_mode", d->edac_mode, sizeof(d->edac_mode));
	d->ce_count = topology_number(t, dir, "dimm_ce_count");
	d->ue_count = topology_number(t, dir, "dimm_ue_count");
	parse_location(d->location, d->layer);
}

/*
 * The legacy layout has sizes and UE counts by row only, and labels and CE counts by
 * channel. The row's size is divided evenly among its channels, and its UEs count for the
 * first channel.
 */
static void edac_add_csrow(struct topology *t, struct edac_mc *mc, const char *dir,
			   unsigned int row)
{
	uint64_t size = topology_number(t, dir, "size_mb");
	unsigned int n = 0;
	char file[32], label[DIMM_LABEL_MAX];

	while (snprintf(file, sizeof(file), "ch%u_dimm_label", n) > 0 && n < 16 &&
	       topology_text_of(t, dir, file, label, sizeof(label)) == 0)
		n++;
	for (unsigned int ch = 0; ch < n && size > 0; ch++) {
		struct edac_dimm *d = edac_new_dimm(t, mc, EDAC_CSROW);

		if (!d)
			return;
		snprintf(file, sizeof(file), "ch%u_dimm_label", ch);
		topology_text_of(t, dir, file, d->label, sizeof(d->label));
		snprintf(file, sizeof(file), "ch%u_ce_count", ch);
		d->ce_count = topology_number(t, dir, file);
		d->ue_count = ch == 0 ? topology_number(t, dir, "ue_count") : 0;
		topology_text_of(t, dir, "mem_type", d->mem_type, sizeof(d->mem_type));
		topology_text_of(t, dir, "edac_mode", d->edac_mode, sizeof(d->edac_mode));
		snprintf(d->location, sizeof(d->location), "csrow %u channel %u", row,
			 ch);
		parse_location(d->location, d->layer);
		d->size_mib = size / n;
	}
}

/** The number in a folder's name "@prefix123"; -1 if it is something else. */
static int number_after(const char *name, const char *prefix)
{
	size_t len = strlen(prefix);
	int value, used = 0;

	if (strncmp(name, prefix, len) != 0 || !isdigit((unsigned char)name[len]))
		return -1;
	if (sscanf(name + len, "%4d%n", &value, &used) != 1 || name[len + (size_t)used])
		return -1;
	return value;
}

/** Marks in @seen the numbers of folders "@prefixN" of @dir; returns how many. @t: or NULL. */
static unsigned int list_numbers(struct topology *t, const char *dir, const char *prefix,
				 bool seen[static MAX_ROWS])
{
	_cleanup_(closedir_p) DIR *d = opendir(dir);
	const struct dirent *entry;
	unsigned int n = 0;

	memset(seen, 0, MAX_ROWS * sizeof(*seen));
	if (!d && t)
		topology_note(t, -errno);
	while (d && (errno = 0, entry = readdir(d))) {
		int i = number_after(entry->d_name, prefix);

		if (i >= 0 && i < MAX_ROWS) {
			seen[i] = true;
			n++;
		}
	}
	if (d && t)
		topology_note(t, -errno);
	return n;
}

static void edac_add_dimms(struct topology *t, struct edac_mc *mc, const char *dir)
{
	static const struct {
		const char *prefix;
		enum edac_layout layout;
	} layouts[] = {
		{ "dimm", EDAC_DIMM },
		{ "rank", EDAC_RANK },
		{ "csrow", EDAC_CSROW }, /* next to the other two in most kernels */
	};
	bool seen[MAX_ROWS];
	char path[PATH_MAX];

	for (size_t l = 0; l < ARRAY_SIZE(layouts); l++) {
		if (list_numbers(t, dir, layouts[l].prefix, seen) == 0)
			continue;
		for (unsigned int i = 0; i < MAX_ROWS; i++) {
			int n = snprintf(path, sizeof(path), "%s/%s%u", dir,
					 layouts[l].prefix, i);

			if (!seen[i] || n < 0 || (size_t)n >= sizeof(path))
				continue;
			if (layouts[l].layout == EDAC_CSROW)
				edac_add_csrow(t, mc, path, i);
			else
				edac_add_dimm(t, mc, path, layouts[l].layout);
		}
		return;
	}
}

/* "channel 2 slot 1": the highest place that the controller may have. */
static int edac_channels(struct topology *t, const char *dir)
{
	char text[64];
	int last;

	return topology_text_of(t, dir, "max_location", text, sizeof(text)) == 0 &&
			       sscanf(text, "channel %3d", &last) == 1 && last >= 0
		       ? last + 1
		       : 0;
}

static void edac_add_mc(struct topology *t, const char *dir, unsigned int index,
			bool outside)
{
	struct edac_mc *mc;
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/mc%u", dir, index);

	if (n < 0 || (size_t)n >= sizeof(path))
		return;
	if (t->n_mcs == TOPOLOGY_MAX_MCS) {
		t->cut = true;
		return;
	}
	mc = &t->mcs[t->n_mcs];
	memset(mc, 0, sizeof(*mc));
	mc->index = index;
	mc->outside = outside;
	/* A folder without a name is not EDAC's. */
	if (topology_text_of(t, path, "mc_name", mc->name, sizeof(mc->name)) < 0)
		return;
	t->n_mcs++;
	mc->size_mib = topology_number(t, path, "size_mb");
	mc->ce_count = topology_number(t, path, "ce_count");
	mc->ue_count = topology_number(t, path, "ue_count");
	mc->ce_noinfo = topology_number(t, path, "ce_noinfo_count");
	mc->channels = edac_channels(t, path);
	edac_add_dimms(t, mc, path);
}

static const char *const places[] = { EDAC_DIR, "/sys/devices" };

int64_t topology_controllers_print(const char *root)
{
	uint64_t h = FINGERPRINT_START;
	bool seen[MAX_ROWS];
	char dir[PATH_MAX];

	for (size_t p = 0; p < ARRAY_SIZE(places); p++) {
		if (small_file_path(dir, sizeof(dir), root, places[p]) < 0)
			continue;
		list_numbers(NULL, dir, "mc", seen);
		h = fingerprint_add(h, seen, sizeof(seen));
	}
	return fingerprint_done(h);
}

static void edac_add_mcs(struct topology *t, const char *root)
{
	bool seen[2][MAX_ROWS];
	char dir[2][PATH_MAX];

	for (int p = 0; p < 2; p++) {
		int n = snprintf(dir[p], sizeof(dir[p]), "%s%s", root, places[p]);

		if (n < 0 || (size_t)n >= sizeof(dir[p]))
			return;
		list_numbers(t, dir[p], "mc", seen[p]);
	}
	/* Events carry the controller's number in 8 bits. */
	for (unsigned int i = 0; i <= UINT8_MAX; i++)
		for (int p = 0; p < 2; p++)
			if (seen[p][i])
				edac_add_mc(t, dir[p], i, p == 1);
}

/* A name that two controllers have says nothing of which is which. */
static void edac_identify_mcs(struct topology *t)
{
	for (unsigned int i = 0; i < t->n_mcs; i++) {
		unsigned int same = 0;

		for (unsigned int j = 0; j < t->n_mcs; j++)
			same += strcmp(t->mcs[i].name, t->mcs[j].name) == 0;
		if (same == 1 && !t->cut && t->unread == 0)
			memcpy(t->mcs[i].device, t->mcs[i].name,
			       sizeof(t->mcs[i].device));
	}
}

int topology_read_with(struct topology **ret, const char *root,
		       const struct slot_labels *labels)
{
	struct topology *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	edac_add_mcs(t, root);
	edac_identify_mcs(t);
	topology_add_modules(t, root);
	topology_name_slots(t, labels);
	topology_match_modules(t);
	topology_name_slots_by_module(t);
	*ret = t;
	return 0;
}

int topology_read(struct topology **ret, const char *root)
{
	_cleanup_(slot_labels_free_p) struct slot_labels *labels = NULL;
	int r = slot_labels_read(&labels, root);

	return r < 0 ? r : topology_read_with(ret, root, labels);
}

struct topology *topology_free(struct topology *t)
{
	free(t);
	return NULL;
}

const struct edac_dimm *topology_find(const struct topology *t, uint8_t mc,
				      const int8_t layer[3], const char *label)
{
	const struct edac_dimm *by_label = NULL;
	unsigned int n = 0;

	for (unsigned int i = 0; i < t->n_dimms; i++) {
		const struct edac_dimm *d = &t->dimms[i];

		if (d->mc != mc)
			continue;
		if (layer[0] >= 0 && memcmp(d->layer, layer, sizeof(d->layer)) == 0)
			return d;
		if (d->label[0] != '\0' && strcmp(d->label, label) == 0) {
			by_label = d;
			n++;
		}
	}
	return n == 1 ? by_label : NULL;
}

const struct edac_dimm *topology_find_dimm(const struct topology *t,
					   const struct dimm_rec *rec)
{
	if (rec->former || rec->same_as)
		return NULL;
	/* Hardware that is not in this machine, under a number that is another's. */
	for (unsigned int i = 0; i < t->n_mcs && rec->device[0]; i++)
		if (t->mcs[i].index == rec->mc &&
		    strcmp(t->mcs[i].device, rec->device) != 0)
			return NULL;
	return topology_find(t, rec->mc, rec->layer, rec->label);
}
