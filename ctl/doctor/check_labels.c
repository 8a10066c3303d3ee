/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The check of the files of slot names: what is wrong in them, whether one is for this
 * board, and whether its names are of places that EDAC has.
 */

#include <string.h>

#include "base/text.h"
#include "doctor/check_internal.h"

DEFINE_CLEANUP(struct slot_labels *, slot_labels_free)

#define LINES_MAX 64

/* The lines of the first file with a mistake: "3, 7, 12". */
static void name_lines(const struct slot_labels *l, char ret[LINES_MAX])
{
	unsigned int held =
		l->n_faults < LABEL_FAULTS_MAX ? l->n_faults : LABEL_FAULTS_MAX;
	unsigned int last = 0;
	size_t n = 0;

	ret[0] = '\0';
	for (unsigned int i = 0; i < held; i++) {
		const struct label_fault *f = &l->faults[i];

		if (strcmp(f->path, l->faults[0].path) != 0 || f->line == last)
			continue;
		if (n + 20 > LINES_MAX) {
			snprintf(ret + n, LINES_MAX - n, ", ...");
			return;
		}
		n += (size_t)snprintf(ret + n, LINES_MAX - n, "%s%u", n ? ", " : "",
				      f->line);
		last = f->line;
	}
}

static void say_faults(const struct slot_labels *l, struct check_row *row)
{
	const struct label_fault *f = &l->faults[0];
	char lines[LINES_MAX];

	if (f->line == 0) {
		check_say(row, CHECK_WARNING, "%.100s: %.100s", f->path, f->what);
		check_hint(row, "the names in it are not known; make it readable, or "
				"remove it");
		return;
	}
	name_lines(l, lines);
	check_say(row, CHECK_WARNING, "%.80s:%s: %.90s", f->path, lines, f->what);
	check_hint(row, "correct the line%s; the others hold (%u mistake%s in all files)",
		   strchr(lines, ',') ? "s" : "", l->n_faults, text_plural(l->n_faults));
}

static unsigned int count_named(const struct topology *t, bool by_file)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < t->n_dimms; i++) {
		enum slot_source source = t->dimms[i].slot_source;

		n += by_file ? source == SLOT_BY_OWN_FILE || source == SLOT_BY_RAS_FILE
			     : t->dimms[i].slot_match == SLOT_EXACT;
	}
	return n;
}

static void say_names(const struct check_context *c, const struct slot_labels *l,
		      struct check_row *row)
{
	unsigned int n = slot_labels_count(l), named = count_named(c->topology, true);

	if (n > 0 && named == 0 && c->topology->n_dimms > 0) {
		check_say(row, CHECK_WARNING,
			  "%.100s has %u name%s for this board, and none is of a DIMM "
			  "that EDAC has",
			  l->from, n, text_plural(n));
		check_hint(row,
			   "compare its places with dimm_location in "
			   "/sys/devices/system/edac/mc/mc*/*; each layer is a number");
		return;
	}
	if (n > 0) {
		check_say(row, CHECK_OK,
			  "%u of %u DIMMs have their slot's name by %.100s", named,
			  c->topology->n_dimms, l->from);
		return;
	}
	named = count_named(c->topology, false);
	if (c->topology->n_dimms == 0 || named == c->topology->n_dimms)
		check_say(row, CHECK_OK,
			  "no file names the slots of this board, and none is needed");
	else
		check_say(row, CHECK_OK,
			  "the slots of %u of %u DIMMs are not known: no file in "
			  "/etc/softofflined/dimm_labels.d or /etc/ras is for this board "
			  "(%.40s, %.40s); softofflined(8), FILES, says how to name them",
			  c->topology->n_dimms - named, c->topology->n_dimms,
			  l->board.vendor[0] ? l->board.vendor : "vendor unknown",
			  l->board.name[0] ? l->board.name : "model unknown");
}

void check_labels(struct check_context *c, struct check_row *row)
{
	_cleanup_(slot_labels_free_p) struct slot_labels *l = NULL;

	if (slot_labels_read(&l, c->o->root) < 0) {
		check_say(row, CHECK_WARNING, "not known: out of memory");
		check_hint(row, "try again");
	} else if (l->n_faults > 0) {
		say_faults(l, row);
	} else {
		say_names(c, l, row);
	}
}
