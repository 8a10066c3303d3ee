/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The names of slots: which files there are, which of their names are this board's, and
 * the name of each DIMM's slot out of files, EDAC's label and DMI. The text of a file is
 * read in label_file.c.
 */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "host/small_file.h"
#include "topology/topology.h"
#include "topology/topology_internal.h"

#define OWN_FOLDER     "/etc/softofflined/dimm_labels.d"
#define RAS_FILE       "/etc/ras/dimm_labels.db"
#define RAS_FOLDER     "/etc/ras/dimm_labels.d"
#define MAX_LABEL_FILE ((size_t)1024 * 1024)
#define MAX_FILES      256 /* of one folder */

DEFINE_CLEANUP(struct slot_labels *, slot_labels_free)

/* Where a file's faults go. */
struct label_reader {
	struct slot_labels *labels;
	const char *path; /* without the root */
};

static void reader_fault(void *userdata, unsigned int line, const char *what)
{
	const struct label_reader *r = userdata;
	struct slot_labels *l = r->labels;
	struct label_fault *f;

	if (l->n_faults++ >= LABEL_FAULTS_MAX)
		return;
	f = &l->faults[l->n_faults - 1];
	f->line = line;
	text_clean(f->path, sizeof(f->path), r->path, strlen(r->path));
	text_clean(f->what, sizeof(f->what), what, strlen(what));
}

/* A regular file's text; negative errno. */
static ssize_t load_labels(const char *path, char **ret)
{
	_cleanup_(close_p) int fd = -1;
	struct stat st;

	/* O_NONBLOCK: a FIFO would otherwise wait for a writer. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return small_file_load(fd, MAX_LABEL_FILE, ret);
}

/* The rows of a later file go before those of an earlier one. */
static void merge_rows(struct label_rows *all, const struct label_rows *rows)
{
	for (unsigned int i = 0; i < rows->n; i++) {
		const struct label_row *row = &rows->v[i];
		struct label_row *was =
			label_rows_find(all, row->mc, row->layer, row->by_product);

		if (was)
			*was = *row;
		else if (all->n < LABEL_ROWS_MAX)
			all->v[all->n++] = *row;
	}
}

static int read_label_file(struct slot_labels *l, struct label_rows *all,
			   const char *root, const char *path)
{
	_cleanup_(free_p) struct label_rows *rows = malloc(sizeof(*rows));
	_cleanup_(free_p) char *text = NULL;
	struct label_reader reader = { l, path };
	char full[PATH_MAX], why[128];
	ssize_t n;

	if (!rows)
		return -ENOMEM;
	n = small_file_path(full, sizeof(full), root, path);
	if (n == 0)
		n = load_labels(full, &text);
	if (n == -ENOMEM)
		return -ENOMEM;
	if (n == -ENOENT || n == -ENOTDIR)
		return 0;
	if (n < 0) {
		snprintf(why, sizeof(why), "cannot be read: %s",
			 n == -EFBIG    ? "larger than 1 MiB"
			 : n == -EINVAL ? "not a regular file"
					: strerror((int)-n));
		reader_fault(&reader, 0, why);
		return 0;
	}
	l->files++;
	label_file_parse(text, (size_t)n, &l->board, rows, reader_fault, &reader);
	if (rows->n > 0)
		text_clean(l->from, sizeof(l->from), path, strlen(path));
	merge_rows(all, rows);
	return 0;
}

static int is_label_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int is_own_label_file(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return is_label_file(entry) && n > 5 &&
	       strcmp(entry->d_name + n - 5, ".conf") == 0;
}

/* By bytes and not by the locale, so that the order is everywhere the same. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_label_folder(struct slot_labels *l, struct label_rows *all,
			     const char *root, const char *folder,
			     int (*is_wanted)(const struct dirent *))
{
	struct label_reader reader = { l, folder };
	struct dirent **names = NULL;
	char path[PATH_MAX], why[128];
	int n, r = small_file_path(path, sizeof(path), root, folder);

	n = r < 0 ? r : scandir(path, &names, is_wanted, by_name);
	if (n < 0 && (r == 0 && (errno == ENOENT || errno == ENOTDIR)))
		return 0;
	if (n < 0) {
		snprintf(why, sizeof(why), "cannot be read: %s",
			 strerror(r < 0 ? -r : errno));
		reader_fault(&reader, 0, why);
		return 0;
	}
	for (int i = 0; i < n; i++) {
		int len = snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);

		if (r == 0 && len > 0 && (size_t)len < sizeof(path) && i < MAX_FILES)
			r = read_label_file(l, all, root, path);
		free(names[i]);
	}
	free(names);
	return r;
}

static void board_text(const char *dir, const char *file, char *ret, size_t size)
{
	size_t n;

	(void)topology_text(dir, file, ret, size);
	n = strspn(ret, " \t");
	memmove(ret, ret + n, strlen(ret + n) + 1);
}

static void read_board(const char *root, struct board *ret)
{
	char dir[PATH_MAX];

	if (small_file_path(dir, sizeof(dir), root, "/sys/class/dmi/id") < 0)
		return;
	board_text(dir, "board_vendor", ret->vendor, sizeof(ret->vendor));
	board_text(dir, "board_name", ret->name, sizeof(ret->name));
	board_text(dir, "sys_vendor", ret->maker, sizeof(ret->maker));
	board_text(dir, "product_name", ret->product, sizeof(ret->product));
}

/* Leaves out the rows by "Product:" if there are rows by "Model:". */
static void prefer_models(struct label_rows *rows)
{
	unsigned int n = 0;
	bool model = false;

	for (unsigned int i = 0; i < rows->n; i++)
		model |= !rows->v[i].by_product;
	for (unsigned int i = 0; model && i < rows->n; i++)
		if (!rows->v[i].by_product)
			rows->v[n++] = rows->v[i];
	rows->n = model ? n : rows->n;
}

int slot_labels_read(struct slot_labels **ret, const char *root)
{
	_cleanup_(slot_labels_free_p) struct slot_labels *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	read_board(root, &l->board);
	r = read_label_file(l, &l->ras, root, RAS_FILE);
	if (r == 0)
		r = read_label_folder(l, &l->ras, root, RAS_FOLDER, is_label_file);
	if (r == 0)
		r = read_label_folder(l, &l->own, root, OWN_FOLDER, is_own_label_file);
	if (r < 0)
		return r;
	prefer_models(&l->ras);
	prefer_models(&l->own);
	*ret = TAKE_PTR(l);
	return 0;
}

struct slot_labels *slot_labels_free(struct slot_labels *l)
{
	free(l);
	return NULL;
}

unsigned int slot_labels_count(const struct slot_labels *l)
{
	return l->own.n + l->ras.n;
}

static void name_slot(struct edac_dimm *d, const char *name, enum slot_match match,
		      enum slot_source source)
{
	text_clean(d->slot_name, sizeof(d->slot_name), name, strlen(name));
	d->slot_match = match;
	d->slot_source = source;
}

/* The row for the place of @d, by whichever line of the board; NULL if there is none. */
static const struct label_row *row_of(const struct label_rows *rows,
				      const struct edac_dimm *d)
{
	for (unsigned int i = 0; i < rows->n; i++)
		if (rows->v[i].mc == d->mc &&
		    memcmp(rows->v[i].layer, d->layer, sizeof(d->layer)) == 0)
			return &rows->v[i];
	return NULL;
}

bool topology_label_is_drivers(const char *label)
{
	/* "CPU_SrcID#0_MC#0_Chan#0_DIMM#0", "mc#0csrow#1channel#0" */
	for (const char *p = label; (p = strchr(p, '#')); p++)
		if (p > label && isalpha((unsigned char)p[-1]) &&
		    isdigit((unsigned char)p[1]))
			return true;
	return label[0] == '\0' || strcmp(label, "unknown memory") == 0 ||
	       strcmp(label, "any memory") == 0;
}

void topology_name_slots(struct topology *t, const struct slot_labels *labels)
{
	for (unsigned int i = 0; i < t->n_dimms; i++) {
		struct edac_dimm *d = &t->dimms[i];
		const struct label_row *own = labels ? row_of(&labels->own, d) : NULL;
		const struct label_row *ras = labels ? row_of(&labels->ras, d) : NULL;

		if (own && !own->disputed)
			name_slot(d, own->name, SLOT_EXACT, SLOT_BY_OWN_FILE);
		else if (!own && ras && !ras->disputed)
			name_slot(d, ras->name, SLOT_EXACT, SLOT_BY_RAS_FILE);
		else if (!topology_label_is_drivers(d->label))
			name_slot(d, d->label, SLOT_EXACT, SLOT_BY_LABEL);
	}
}

/* The locator, after its bank where several modules have the locator. */
static void module_slot(const struct topology *t, const struct dmi_module *m,
			char ret[SLOT_NAME_MAX])
{
	unsigned int same = 0;

	for (unsigned int i = 0; i < t->n_modules; i++)
		same += strcmp(t->modules[i].locator, m->locator) == 0;
	snprintf(ret, SLOT_NAME_MAX, "%s%s%s", same > 1 ? m->bank : "",
		 same > 1 && m->bank[0] ? " " : "", m->locator);
}

void topology_name_slots_by_module(struct topology *t)
{
	for (unsigned int i = 0; i < t->n_dimms; i++) {
		struct edac_dimm *d = &t->dimms[i];
		char name[SLOT_NAME_MAX];

		if (d->slot_match != SLOT_UNKNOWN || d->module == TOPOLOGY_NO_MODULE)
			continue;
		module_slot(t, &t->modules[d->module], name);
		if (name[0])
			name_slot(d, name, d->match, SLOT_BY_FIRMWARE);
	}
}

static void list_module(const struct topology *t, unsigned int module,
			enum slot_match match, struct module_rec *ret)
{
	const struct dmi_module *m = &t->modules[module];

	ret->identity = (uint8_t)match;
	memcpy(ret->locator, m->locator, sizeof(ret->locator));
	memcpy(ret->bank, m->bank, sizeof(ret->bank));
	memcpy(ret->vendor, m->manufacturer, sizeof(ret->vendor));
	memcpy(ret->part, m->part, sizeof(ret->part));
	memcpy(ret->serial, m->serial, sizeof(ret->serial));
	ret->has_serial = topology_serial_is_real(t, (uint16_t)module);
}

static void list_dimm(const struct topology *t, const struct edac_dimm *d,
		      struct module_rec *ret)
{
	ret->counted = true;
	ret->rank = d->layout != EDAC_DIMM;
	ret->mc = d->mc;
	for (unsigned int i = 0; i < t->n_mcs; i++)
		if (t->mcs[i].index == d->mc)
			text_clean(ret->device, sizeof(ret->device), t->mcs[i].device,
				   strlen(t->mcs[i].device));
	memcpy(ret->layer, d->layer, sizeof(ret->layer));
	memcpy(ret->label, d->label, sizeof(ret->label));
	memcpy(ret->slot, d->slot_name, sizeof(ret->slot));
	ret->slot_match = (uint8_t)d->slot_match;
	ret->size_mib = (int64_t)d->size_mib;
	if (d->module != TOPOLOGY_NO_MODULE)
		list_module(t, d->module, d->match, ret);
}

static bool is_matched(const struct topology *t, unsigned int module)
{
	for (unsigned int i = 0; i < t->n_dimms; i++)
		if (t->dimms[i].module == module)
			return true;
	return false;
}

void topology_list(const struct topology *t, usec_t now, struct module_list *ret)
{
	struct module_rec *m;

	ret->n = 0;
	ret->edac_known = t->n_mcs > 0 && !t->cut && t->unread == 0;
	ret->dmi_known =
		t->n_modules > 0 && !t->cut && t->unread == 0 && !t->modules_denied;
	for (unsigned int i = 0; i < t->n_dimms; i++)
		if ((m = module_list_add(ret)))
			list_dimm(t, &t->dimms[i], m);
	for (unsigned int i = 0; i < t->n_modules; i++) {
		if (is_matched(t, i) || !(m = module_list_add(ret)))
			continue;
		list_module(t, i, SLOT_EXACT, m);
		module_slot(t, &t->modules[i], m->slot);
		m->slot_match = m->slot[0] ? SLOT_EXACT : SLOT_UNKNOWN;
		m->size_mib = (int64_t)t->modules[i].size_mib;
	}
	for (unsigned int i = 0; i < ret->n; i++)
		ret->v[i].seen = now.us;
}
