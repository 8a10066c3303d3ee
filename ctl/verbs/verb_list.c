/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The verbs that print one list: pages, dimms, history. Which columns people see is
 * decided here; JSON has all of the fields.
 */

#include <inttypes.h>
#include <string.h>

#include "ctl.h"
#include "doctor/memories.h"
#include "verbs/dimm_lines.h"

/* clang-format off */
static const struct column page_columns[] = {
	{ "ADDRESS", "address", true, false, 0 },
	{ "DIMM", "dimm", false, true, 0 },
	{ "CE", "corrected_errors", true, false, 0 },
	{ "STATE", "state", false, false, 0 },
	{ "REASON", "reason", false, false, 2 },
	{ "RESULT", "result", false, false, 0 },
	{ "TRIES", "attempts", true, false, 1 },
	{ "SEEN", "last_seen", false, false, 0 },
};

static const struct column history_columns[] = {
	{ "TIME", "time", false, false, 0 },
	{ "ADDRESS", "address", true, false, 0 },
	{ "ACTION", "action", false, false, 0 },
	{ "REASON", "reason", false, false, 0 },
	{ "RESULT", "result", false, false, 0 },
	{ "ERRNO", "errno", false, false, 1 },
	{ "TYPE", "page_type", false, false, 3 },
	{ "DURATION", "duration_usec", true, false, 2 },
};

static const struct column dimm_columns[] = {
	{ "DIMM", "label", false, true, 0 },
	{ "SLOT", "slot", false, true, 0 },
	{ "LOCATION", "location", false, false, 1 },
	{ "SIZE", "size_mib", true, false, 2 },
	{ "PART", "part", false, true, 4 },
	{ "SERIAL", "serial", false, true, 6 },
	{ "CE", "corrected_errors", true, false, 0 },
	{ "UE", "uncorrected_errors", true, false, 0 },
	{ "PAGES", "pages", true, false, 3 },
	{ "OFFLINED", "offlined", true, false, 5 },
	{ "FAULT", "fault", false, false, 0 },
	{ "VERDICT", "verdict", false, false, 0 },
};
/* clang-format on */

/* What fails and stays in use comes first, then what waits; what is out of use last. */
static int page_rank(const struct page_report *page)
{
	static const unsigned char ranks[] = {
		[PAGE_FAILED] = 0,  [PAGE_REFUSED] = 1,  [PAGE_PENDING] = 2,
		[PAGE_WATCHED] = 3, [PAGE_OFFLINED] = 4,
	};
	enum page_state state;

	return page_state_from_string(page->state, &state) < 0 ? 5 : ranks[state];
}

/* Worst first; among equals the newest, and by address, so that the order is always the
 * same. */
static int compare_pages(const void *a, const void *b)
{
	const struct page_report *p = a, *q = b;

	if (page_rank(p) != page_rank(q))
		return page_rank(p) - page_rank(q);
	if (p->last_seen != q->last_seen)
		return p->last_seen < q->last_seen ? 1 : -1;
	return p->address < q->address ? -1 : p->address > q->address;
}

static int compare_addresses(const void *a, const void *b)
{
	const struct page_report *p = a, *q = b;

	return p->address < q->address ? -1 : p->address > q->address;
}

/* The kernel's command line is this long on x86 (COMMAND_LINE_SIZE). */
#define COMMAND_LINE_MAX 2048

/*
 * memmap=4K$0x1a2b3c000,8K$0x1a2c0000: what the kernel is not to use after the next boot.
 * Pages next to each other are one area.
 */
static void print_memmap(const struct rows *rows, uint64_t page_size)
{
	size_t length = 0;

	for (size_t i = 0; i < rows->n;) {
		const struct page_report *first = rows_at(rows, i), *next;
		uint64_t n = 0;

		do {
			n++;
			i++;
			next = i < rows->n ? rows_at(rows, i) : NULL;
		} while (next && next->address == first->address + n * page_size);
		length += (size_t)printf("%s%" PRIu64 "K$0x%" PRIx64,
					 length == 0 ? "memmap=" : ",",
					 n * page_size / 1024, first->address);
	}
	if (length > 0)
		putchar('\n');
	if (length >= COMMAND_LINE_MAX)
		complain("%zu characters are more than a kernel's command line takes",
			 length);
}

/* For the next boot, or for another program: addresses and nothing else. */
static int print_pages_format(const struct ctl *ctl, struct rows *rows,
			      unsigned int page_shift)
{
	if (rows->n > 0)
		qsort(rows->v, rows->n, rows->size, compare_addresses);
	if (strcmp(ctl->args->format, "memmap") == 0)
		print_memmap(rows, UINT64_C(1) << page_shift);
	for (size_t i = 0; i < rows->n && strcmp(ctl->args->format, "pfn") == 0; i++) {
		const struct page_report *page = rows_at(rows, i);

		printf("0x%" PRIx64 "\n", page->address >> page_shift);
	}
	return CTL_FINE;
}

/* False if --format is given and is no such word: complained about. */
static bool pages_format_fits(const struct ctl *ctl)
{
	const char *format = ctl->args->format;

	if (!format || strcmp(format, "pfn") == 0 || strcmp(format, "memmap") == 0) {
		if (format && ctl->ui.json)
			complain("pages: --format does not go with --json");
		return !format || !ctl->ui.json;
	}
	complain("pages: --format is pfn or memmap, not \"%s\"", format);
	return false;
}

int verb_pages(const struct ctl *ctl)
{
	_cleanup_(rows_done) struct rows rows = { .size = sizeof(struct page_report) };
	_cleanup_(source_free_p) struct source *s = NULL;
	struct listing listing = { .columns = page_columns,
				   .n_columns = ARRAY_SIZE(page_columns) };
	struct report_filter f;

	if (!pages_format_fits(ctl) || ctl_parse_filter(ctl, &f) < 0)
		return CTL_USAGE;
	if (ctl->args->format && !f.state)
		f.state = "offlined";
	if (ctl_open_source(ctl, &s) < 0)
		return CTL_FAILURE;
	/* The worst are known only when all are. */
	f.limit = 0;
	if (s->ops->pages(s, &f, rows_add, &rows) < 0)
		return ctl_fail(s);
	if (rows.n > 0)
		qsort(rows.v, rows.n, rows.size, compare_pages);
	if (ctl->args->lines && rows.n > ctl->args->lines)
		rows.n = ctl->args->lines;
	if (ctl->args->format)
		return print_pages_format(ctl, &rows, s->page_shift);
	listing.fields = page_report_fields(&listing.n_fields);
	return print_rows(&ctl->ui, &rows, &listing);
}

/* A time line, so oldest first, as the journal is: what came last stands above the prompt,
 * and each line follows from those above it. */
int verb_history(const struct ctl *ctl)
{
	_cleanup_(rows_done) struct rows rows = { .size = sizeof(struct history_report) };
	_cleanup_(source_free_p) struct source *s = NULL;
	struct listing listing = { .columns = history_columns,
				   .n_columns = ARRAY_SIZE(history_columns) };
	struct report_filter f;

	if (ctl_parse_filter(ctl, &f) < 0)
		return CTL_USAGE;
	if (ctl_open_source(ctl, &s) < 0)
		return CTL_FAILURE;
	if (s->ops->history(s, &f, rows_add, &rows) < 0)
		return ctl_fail(s);
	listing.fields = history_report_fields(&listing.n_fields);
	return print_rows(&ctl->ui, &rows, &listing);
}

/* The machine's memory controllers, shown below the DIMMs; both NULL if unknown. */
struct hardware {
	struct pci_memories *memories;
	struct topology *topology;
};

static void hardware_done(struct hardware *h)
{
	free(h->memories);
	topology_free(h->topology);
}

/* A file named by --db may be from another machine. */
static void hardware_read(const struct ctl *ctl, struct hardware *ret)
{
	struct hardware h = { .memories = NULL };

	if (ctl->args->given & ARGS_DB || topology_read(&h.topology, ctl->root) < 0)
		return;
	if (topology_pci_memories(ctl->root, &h.memories) < 0) {
		hardware_done(&h);
		return;
	}
	*ret = h;
}

static int print_dimms_json(const struct rows *rows, const struct listing *listing,
			    const struct hardware *h)
{
	_cleanup_(json_decref_p) json_t *list =
		rows_to_json(rows, listing->fields, listing->n_fields);

	for (size_t i = 0; list && i < rows->n; i++) {
		const struct dimm_report *dimm = rows_at(rows, i);
		json_t *controller =
			h->memories ? memories_controller(h->memories, h->topology,
							  dimm->location)
				    : json_null();

		if (json_object_set_new(json_array_get(list, i), "controller",
					controller) < 0)
			return print_json(NULL);
	}
	return print_json(TAKE_PTR(list));
}

/* A guess must look like one wherever it stands. Returns whether there is one. */
static bool mark_guesses(struct rows *rows)
{
	bool any = false;

	for (size_t i = 0; i < rows->n; i++) {
		struct dimm_report *d = rows_at(rows, i);
		char slot[sizeof(d->slot)];

		if (strcmp(d->slot_match, "likely") == 0) {
			snprintf(slot, sizeof(slot), "likely %.100s", d->slot);
			memcpy(d->slot, slot, sizeof(d->slot));
			any = true;
		}
		if (d->likely_part[0])
			snprintf(d->part, sizeof(d->part), "?%.62s", d->likely_part);
		if (d->likely_serial[0])
			snprintf(d->serial, sizeof(d->serial), "?%.62s",
				 d->likely_serial);
		any |= d->likely_part[0] || d->likely_serial[0];
		if (d->missing == 1)
			snprintf(d->verdict, sizeof(d->verdict), "missing");
	}
	return any;
}

/* DIMMs without a slot next to modules without a DIMM: they are the same. */
static bool has_unnamed(const struct rows *rows)
{
	bool dimm = false, module = false;

	for (size_t i = 0; i < rows->n; i++) {
		const struct dimm_report *d = rows_at(rows, i);

		dimm |= d->location[0] && !d->slot[0] && d->former != 1;
		module |= !d->location[0] && d->slot[0] && d->missing != 1;
	}
	return dimm && module;
}

static void print_slot_notes(const struct ui *ui, bool guesses, bool unnamed)
{
	if (guesses)
		print_note(ui, "",
			   "likely, ?: the slot and the module that fit best by the "
			   "firmware's numbers, not known for certain");
	if (unnamed)
		print_note(ui, "",
			   "The slots of some DIMMs are not known; the rows without "
			   "counts are modules by the firmware's names, and may be in "
			   "those slots");
	if (guesses || unnamed)
		print_note(ui, "",
			   "To know: name the slots in /etc/softofflined/dimm_labels.d, "
			   "see softofflined(8)");
}

/* Where the label does not name the slot already. */
static bool has_other_slot(const struct dimm_report *d)
{
	return d->slot[0] && strcmp(d->slot, d->label) != 0;
}

static void print_missing(const struct ctl *ctl, const struct dimm_report *d)
{
	print_note(&ctl->ui, d->slot,
		   ": missing: this module was here at an earlier start; if it was taken "
		   "out on purpose: softofflinectl forget '%s'",
		   d->slot);
}

static void print_verdicts(const struct ctl *ctl, const struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		const struct dimm_report *dimm = rows_at(rows, i);
		enum verdict verdict;

		if (dimm->missing == 1)
			print_missing(ctl, dimm);
		else if (dimm->former == 1)
			print_note(&ctl->ui, "",
				   "%s: former; another module is in its place",
				   dimm->label);
		else if (verdict_from_string(dimm->verdict, &verdict) == 0 &&
			 verdict >= VERDICT_DEGRADED && dimm->verdict_why[0])
			print_note(&ctl->ui, dimm->label, "%s%s: %s",
				   has_other_slot(dimm) ? ", slot " : "",
				   has_other_slot(dimm) ? dimm->slot : "",
				   dimm->verdict_why);
	}
}

int verb_dimms(const struct ctl *ctl)
{
	_cleanup_(hardware_done) struct hardware hardware = { .memories = NULL };
	_cleanup_(rows_done) struct rows rows = { .size = sizeof(struct dimm_report) };
	_cleanup_(source_free_p) struct source *s = NULL;
	struct listing listing = { .columns = dimm_columns,
				   .n_columns = ARRAY_SIZE(dimm_columns) };
	bool guesses, unnamed;
	int r;

	if (ctl_open_source(ctl, &s) < 0)
		return CTL_FAILURE;
	if (s->ops->dimms(s, rows_add, &rows) < 0)
		return ctl_fail(s);
	dimm_lines_sort(&rows);
	listing.fields = dimm_report_fields(&listing.n_fields);
	hardware_read(ctl, &hardware);
	if (ctl->ui.json)
		return print_dimms_json(&rows, &listing, &hardware);
	unnamed = has_unnamed(&rows);
	guesses = mark_guesses(&rows);
	r = print_rows(&ctl->ui, &rows, &listing);
	if (r != CTL_FINE)
		return r;
	print_verdicts(ctl, &rows);
	if (ctl->ui.legend)
		print_slot_notes(&ctl->ui, guesses, unnamed);
	if (hardware.memories && ctl->ui.legend)
		memories_print(&ctl->ui, hardware.memories, hardware.topology);
	return CTL_FINE;
}
