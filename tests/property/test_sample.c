/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Real errors, if they are at hand: each DIMM of the sample log goes through the engine
 * by itself, with the default policy, and what must hold of such DIMMs is held against
 * the end. Only shapes are checked, no numbers of pages that a better rule would change.
 * The log is not ours to ship: it is looked for beside the source tree (SAMPLE_LOG names
 * another place), and without it the test is skipped.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "base/mem.h"
#include "sim/sim.h"

#define LOG_PATH  "../shared/data/ce_log_ddr4.csv"
#define FIELDS    18
#define DIMMS     256
#define PAGES_MAX 4096
#define ROWS_MAX  4096

enum field {
	F_TIME,
	F_DIMM,
	F_PA,
	F_SOCKET,
	F_CHANNEL,
	F_SLOT,
	F_RANK,
	F_DEVICE,
	F_BANK_GROUP,
	F_BANK,
	F_ROW,
	F_COLUMN,
	F_UE = FIELDS - 1,
};

struct seen_page {
	uint64_t pfn;
	unsigned int ces;
	bool offlined;
	bool row_knows; /* before the UE */
	bool in_time;   /* offlined before the UE */
};

struct seen_row {
	char name[64];
	uint64_t lines[64];
	unsigned int n;
	uint64_t pages[64];
	unsigned int n_pages;
	unsigned int columns[64];
	unsigned int n_columns;
};

/** One DIMM's log, and what became of it. */
struct sample {
	char name[32];
	struct sim *sim;
	bool started;
	int64_t first; /* of the log, seconds */
	int64_t ue;    /* 0: none */
	unsigned int ces, avoided, missed_pages;
	struct seen_page *pages;
	unsigned int n_pages;
	struct seen_row *rows;
	unsigned int n_rows;
	unsigned int offlined, offlined_in_time;
	enum verdict verdict_in_time;
	bool ue_passed;
};

static struct sample *samples[DIMMS];
static unsigned int n_samples;
static unsigned int total_ces, total_avoided;

static struct seen_page *page_of(struct sample *s, uint64_t n)
{
	for (unsigned int i = 0; i < s->n_pages; i++)
		if (s->pages[i].pfn == n)
			return &s->pages[i];
	return NULL;
}

static void watch(void *userdata, const struct effect *f)
{
	struct sample *s = userdata;
	struct seen_page *p;

	if (f->kind != EFFECT_STORE_ACTION || f->action.action != ACTION_OFFLINE ||
	    f->action.result != RESULT_OFFLINED)
		return;
	p = page_of(s, f->action.pfn);
	assert_non_null(p); /* a page without an error of its own is never touched */
	p->offlined = true;
	s->offlined++;
}

static struct sample *sample_of(const char *name, int64_t now)
{
	struct sample *s;

	for (unsigned int i = 0; i < n_samples; i++)
		if (strcmp(samples[i]->name, name) == 0)
			return samples[i];
	assert_true(n_samples < DIMMS);
	s = calloc(1, sizeof(*s));
	assert_non_null(s);
	s->pages = calloc(PAGES_MAX, sizeof(*s->pages));
	s->rows = calloc(ROWS_MAX, sizeof(*s->rows));
	assert_true(s->pages && s->rows);
	snprintf(s->name, sizeof(s->name), "%s", name);
	assert_int_equal(sim_new(&s->sim), 0);
	s->sim->userdata = s;
	s->sim->hooks.watch = watch;
	s->sim->now = 100 * USEC_PER_SEC;
	s->sim->machine.ram_pages = 1 << 26;
	s->first = now;
	assert_int_equal(sim_start(s->sim), 0);
	samples[n_samples++] = s;
	return s;
}

static bool add_number(uint64_t *v, unsigned int *n, unsigned int max, uint64_t x)
{
	for (unsigned int i = 0; i < *n; i++)
		if (v[i] == x)
			return false;
	if (*n < max)
		v[(*n)++] = x;
	return true;
}

/* Independent of the engine's way: rows by name, columns by number. */
static void note_row(struct sample *s, char *const *f, uint64_t n)
{
	struct seen_row *row = NULL;
	uint64_t columns[64];
	char name[64];

	snprintf(name, sizeof(name), "%s/%s/%s/%s", f[F_RANK], f[F_BANK_GROUP], f[F_BANK],
		 f[F_ROW]);
	for (unsigned int i = 0; i < s->n_rows && !row; i++)
		if (strcmp(s->rows[i].name, name) == 0)
			row = &s->rows[i];
	if (!row) {
		assert_true(s->n_rows < ROWS_MAX);
		row = &s->rows[s->n_rows++];
		snprintf(row->name, sizeof(row->name), "%s", name);
	}
	for (unsigned int i = 0; i < row->n_columns; i++)
		columns[i] = row->columns[i];
	if (add_number(columns, &row->n_columns, 64,
		       (uint64_t)strtoul(f[F_COLUMN], NULL, 10) >> 3))
		row->columns[row->n_columns - 1] =
			(unsigned int)(strtoul(f[F_COLUMN], NULL, 10) >> 3);
	add_number(row->pages, &row->n_pages, 64, n);
	for (unsigned int i = 0; row->n_columns > 1 && i < row->n_pages; i++)
		page_of(s, row->pages[i])->row_knows = true;
}

static void pass_ue(struct sample *s)
{
	s->ue_passed = true;
	s->offlined_in_time = s->offlined;
	for (unsigned int i = 0; i < s->n_pages; i++)
		s->pages[i].in_time = s->pages[i].offlined;
	s->verdict_in_time = VERDICT_OK;
	for (uint16_t i = 1; i < engine_dimms(s->sim->engine); i++) {
		enum verdict v = engine_dimm_verdict(s->sim->engine, i, NULL);

		if (v > s->verdict_in_time)
			s->verdict_in_time = v;
	}
}

static void parse_part(const char *text, enum dram_part part, uint64_t *v,
		       struct dram_coord *c)
{
	if (!*text)
		return;
	*v = strtoul(text, NULL, 10);
	c->have |= (uint8_t)part;
}

static void give_event(struct sample *s, char *const *f, uint64_t pa)
{
	uint64_t rank = 0, device = 0, group = 0, bank = 0, row = 0, column = 0;
	struct ce_event ev = {
		.time = usec(s->sim->now - s->sim->base),
		.address = paddr(pa),
		.has_address = true,
		.count = 1,
		.grain_bits = 6,
		.layer = { -1, -1, -1 },
		.label = { s->name, (uint32_t)strlen(s->name) },
	};

	parse_part(f[F_RANK], DRAM_RANK, &rank, &ev.coord);
	parse_part(f[F_DEVICE], DRAM_DEVICE, &device, &ev.coord);
	parse_part(f[F_BANK_GROUP], DRAM_BANK_GROUP, &group, &ev.coord);
	parse_part(f[F_BANK], DRAM_BANK, &bank, &ev.coord);
	parse_part(f[F_ROW], DRAM_ROW, &row, &ev.coord);
	parse_part(f[F_COLUMN], DRAM_COLUMN, &column, &ev.coord);
	ev.coord.rank = (uint8_t)rank;
	ev.coord.device = (uint8_t)device;
	ev.coord.bank_group = (uint8_t)group;
	ev.coord.bank = (uint16_t)bank;
	ev.coord.row = (uint32_t)row;
	ev.coord.column = (uint32_t)column;
	(void)sim_step(s->sim, (struct input){ .kind = INPUT_EVENT, .event = &ev });
}

static void take_line(char *line)
{
	char *f[FIELDS];
	unsigned int n = 0;
	struct seen_page *p;
	struct sample *s;
	int64_t time;
	uint64_t pa;

	line[strcspn(line, "\r\n")] = '\0';
	for (char *at = line; at && n < FIELDS; n++)
		f[n] = strsep(&at, ",");
	assert_int_equal(n, FIELDS);
	time = strtoll(f[F_TIME], NULL, 10);
	pa = strtoull(f[F_PA], NULL, 16);
	s = sample_of(f[F_DIMM], time);
	if (*f[F_UE])
		s->ue = strtoll(f[F_UE], NULL, 10);
	if (s->ue && time >= s->ue)
		return; /* after the ticket */
	sim_advance(s->sim, (100 + time - s->first) * USEC_PER_SEC);
	p = page_of(s, pa >> 12);
	if (!p) {
		assert_true(s->n_pages < PAGES_MAX);
		p = &s->pages[s->n_pages++];
		p->pfn = pa >> 12;
	}
	p->ces++;
	s->ces++;
	total_ces++;
	s->avoided += p->offlined;
	total_avoided += p->offlined;
	give_event(s, f, pa);
	note_row(s, f, pa >> 12);
}

static int load(void **state)
{
	const char *path = getenv("SAMPLE_LOG") ? getenv("SAMPLE_LOG") : LOG_PATH;
	_cleanup_(fclose_p) FILE *f = fopen(path, "re");
	char line[512];

	if (!f) {
		print_message("%s is not there: skipped\n", path);
		return 0;
	}
	assert_non_null(fgets(line, sizeof(line), f));
	assert_int_equal(strncmp(line, "time,dimm,pa,", 13), 0);
	while (fgets(line, sizeof(line), f))
		take_line(line);
	for (unsigned int i = 0; i < n_samples; i++) {
		struct sample *s = samples[i];

		if (s->ue)
			sim_advance(s->sim, (100 + s->ue - s->first) * USEC_PER_SEC);
		pass_ue(s);
	}
	return 0;
}

static void show(const struct sample *s)
{
	char why[CLASS_WHY_MAX];
	const struct dimm_rec *d = engine_dimm(s->sim->engine, 1);

	(void)engine_dimm_verdict(s->sim->engine, 1, why);
	print_message("%-9s ces %5u pages %3u offlined %3u avoided %5u %-7s %-16s %s\n",
		      s->name, s->ces, s->n_pages, s->offlined, s->avoided,
		      fault_class_to_string(d->fault.class),
		      verdict_to_string(s->verdict_in_time), why);
}

static void need_sample(void)
{
	if (n_samples == 0)
		skip();
}

static void test_errors_avoided(void **state)
{
	need_sample();
	for (unsigned int i = 0; i < n_samples; i++)
		show(samples[i]);
	print_message("avoided %u of %u\n", total_avoided, total_ces);
	assert_true(1000ULL * total_avoided >= 985ULL * total_ces);
}

/* Every page that the row rule can know of is covered before the UE. */
static void test_rows_are_covered(void **state)
{
	need_sample();
	for (unsigned int i = 0; i < n_samples; i++) {
		const struct sample *s = samples[i];

		for (unsigned int j = 0; s->ue && j < s->n_pages; j++)
			if (s->pages[j].row_knows && !s->pages[j].in_time)
				fail_msg("%s: page 0x%llx", s->name,
					 (unsigned long long)s->pages[j].pfn);
	}
}

static void test_column_faults(void **state)
{
	need_sample();
	for (unsigned int i = 0; i < n_samples; i++) {
		const struct sample *s = samples[i];
		const struct dimm_rec *d = engine_dimm(s->sim->engine, 1);

		if (d->fault.class != FAULT_COLUMN)
			continue;
		assert_int_equal(s->verdict_in_time, VERDICT_REPLACE);
		assert_true(s->offlined <= 20);
	}
}

static void test_single_cells(void **state)
{
	need_sample();
	for (unsigned int i = 0; i < n_samples; i++)
		if (samples[i]->n_pages == 1)
			assert_true(samples[i]->verdict_in_time <= VERDICT_WATCH);
}

static int unload(void **state)
{
	for (unsigned int i = 0; i < n_samples; i++) {
		sim_free(samples[i]->sim);
		free(samples[i]->pages);
		free(samples[i]->rows);
		free(samples[i]);
	}
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors_avoided),
		cmocka_unit_test(test_rows_are_covered),
		cmocka_unit_test(test_column_faults),
		cmocka_unit_test(test_single_cells),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
