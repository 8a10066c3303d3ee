/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Events a second through decode, track and decide, on one core: raw ring-buffer pages as
 * Debian's kernel lays them out go through event_decoder and engine_step as in the daemon,
 * with a group commit's flush for each second of event time, and effects answered as a
 * kernel would that offlines each page at once. Beside it, over the very same pages: the
 * physical floor (every byte read once into a checksum) and libtraceevent's generic
 * access to the fields that we decode.
 *
 * Below them, one row for each shape of a fault, with few cells and with far more than are
 * kept: the cells err at random, and the driver names their coordinates. The last column
 * is the rate as a share of that of 1,000 hot pages.
 */

#include <errno.h>
#include <event-parse.h>
#include <kbuffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bench.h"
#include "event/decoder.h"
#include "page_builder.h"
#include "sim/sim.h"

#define ROUNDS      5
#define CHUNK       4096 /* raw pages at a time, 16 MiB: more than caches hold */
#define RAW_SIZE    4096
#define EVENT_EVERY 10000 /* ns: 100,000 events a second */

enum scenario { HOT, HOT_DIMM, DISTINCT, MIX, CELL, ROW, COLUMN, BANK, BANKS, CHANNEL };

static const struct {
	const char *name;
	enum scenario kind;
	uint64_t events;
	uint32_t cells; /* of a fault's shape */
} scenarios[] = {
	{ "1,000 hot pages", HOT, 2000000, 0 },
	{ "1,000 of one DIMM", HOT_DIMM, 2000000, 0 },
	{ "1,000,000 distinct pages", DISTINCT, 1000000, 0 },
	{ "half and half", MIX, 2000000, 0 },
	{ "a cell", CELL, 1000000, 1 },
	{ "a row: 16 cells", ROW, 1000000, 16 },
	{ "64 rows: 8,192 cells", ROW, 1000000, 8192 },
	{ "a column: 16 rows", COLUMN, 1000000, 16 },
	{ "a column: 5,000 rows", COLUMN, 1000000, 5000 },
	{ "a bank: 32 cells", BANK, 1000000, 32 },
	{ "a bank: 5,000 pages", BANK, 1000000, 5000 },
	{ "a bank: 100,000 cells", BANK, 1000000, 100000 },
	{ "banks: 64 cells", BANKS, 1000000, 64 },
	{ "banks: 100,000 cells", BANKS, 1000000, 100000 },
	{ "a channel: 64 cells", CHANNEL, 1000000, 64 },
	{ "a channel: 100,000 cells", CHANNEL, 1000000, 100000 },
};

struct run {
	enum scenario kind;
	uint32_t cells;
	uint64_t made; /* events so far */
	uint64_t time_ns;
	uint64_t random;
	uint8_t pages[CHUNK][RAW_SIZE];
	unsigned int n;        /* pages filled */
	unsigned int n_events; /* in them */

	struct event_format *format;
	struct sim *sim;
	uint64_t sum; /* so that no loop is optimised away */
};

static const char *const labels[] = { "CPU_SrcID#0_MC#0_Chan#0_DIMM#0",
				      "CPU_SrcID#0_MC#0_Chan#1_DIMM#0",
				      "CPU_SrcID#0_MC#1_Chan#0_DIMM#0",
				      "CPU_SrcID#1_MC#0_Chan#0_DIMM#0" };

static uint64_t next_frame(struct run *run)
{
	uint64_t n = run->made;

	if (run->kind == HOT_DIMM)
		return 0x100000 + bench_random(&run->random) % 1000 * ARRAY_SIZE(labels);
	if (run->kind == HOT || (run->kind == MIX && n % 2 == 0))
		return 0x100000 + bench_random(&run->random) % 1000;
	return 0x200000 + n;
}

/* What a Skylake's driver says of the cell that lies at @frame: one in each page. */
static bool add_event(struct run *run, struct page_builder *b, uint64_t frame)
{
	char detail[160];
	struct mc_sample s = {
		.address = frame << 12 | (frame * 64 & 0xfc0),
		.count = 1,
		.mc = frame % ARRAY_SIZE(labels),
		.grain_bits = 5,
		.layer = { 0, 0, -1 },
		.msg = "memory read error",
		.label = labels[frame % ARRAY_SIZE(labels)],
		.detail = detail,
	};

	snprintf(detail, sizeof(detail),
		 "err_code:0x0101:0x0090 ProcessorSocketId:0x0 MemoryControllerId:0x0 "
		 "PhysicalRankId:0x1 Row:0x%04x Column:0x%03x Bank:0x%x BankGroup:0x%x",
		 (unsigned int)(frame >> 4 & 0x1ffff), (unsigned int)(frame * 8 & 0x3f8),
		 (unsigned int)(frame >> 6 & 3), (unsigned int)(frame >> 2 & 3));
	return page_builder_mc(b, run->time_ns, &s);
}

#define SHAPE_PAGES     5000
#define BURSTS          128 /* of a row */
#define LINES_OF_A_PAGE 64

/* Cell @i of @run's fault: its coordinates. A row's bursts lie in pages of their own. */
static void shape_place(const struct run *run, uint32_t i, uint32_t *ret_row,
			uint32_t *ret_burst, uint32_t *ret_bank)
{
	*ret_row = i % 4999; /* no cell twice: rows and bursts have no common factor */
	*ret_burst = i % BURSTS;
	*ret_bank = 5;
	switch (run->kind) {
	case CELL:
	case HOT:
	case HOT_DIMM:
	case DISTINCT:
	case MIX:
		break;
	case ROW:
		*ret_row = i / BURSTS;
		break;
	case COLUMN:
		*ret_row = i;
		*ret_burst = 7;
		break;
	case BANK:
		break;
	case BANKS:
	case CHANNEL:
		*ret_bank = i % 16;
		*ret_row = i / 16 % 4999;
		*ret_burst = i / 7 % BURSTS;
		break;
	}
}

/* A random cell of the shape errs. */
static bool add_shape_event(struct run *run, struct page_builder *b)
{
	uint32_t i = (uint32_t)(bench_random(&run->random) % run->cells);
	unsigned int slot = run->kind == CHANNEL ? i / 3 % 2 : 0;
	uint64_t line = i / SHAPE_PAGES % LINES_OF_A_PAGE;
	uint32_t row, burst, bank;
	char detail[160];
	struct mc_sample s = {
		.address = (UINT64_C(0x300000) + i % SHAPE_PAGES) << 12 | line << 6,
		.count = 1,
		.mc = 0,
		.grain_bits = 5,
		.layer = { 0, (int)slot, -1 },
		.msg = "memory read error",
		.label = slot ? "CPU_SrcID#0_MC#0_Chan#0_DIMM#1" : labels[0],
		.detail = detail,
	};

	shape_place(run, i, &row, &burst, &bank);
	snprintf(detail, sizeof(detail),
		 "err_code:0x0101:0x0090 ProcessorSocketId:0x0 MemoryControllerId:0x0 "
		 "PhysicalRankId:0x1 Row:0x%04x Column:0x%03x Bank:0x%x BankGroup:0x%x",
		 row, burst * 8, bank & 3, bank >> 2);
	return page_builder_mc(b, run->time_ns, &s);
}

static bool add_next(struct run *run, struct page_builder *b)
{
	return run->cells > 0 ? add_shape_event(run, b)
			      : add_event(run, b, next_frame(run));
}

static void make_chunk(struct run *run)
{
	struct page_builder b;

	run->n_events = 0;
	for (run->n = 0; run->n < CHUNK; run->n++) {
		page_builder_init(&b, RAW_SIZE, run->time_ns);
		while (add_next(run, &b)) {
			run->time_ns += EVENT_EVERY;
			run->made++;
			run->n_events++;
		}
		page_builder_finish(&b);
		memcpy(run->pages[run->n], b.bytes, RAW_SIZE);
	}
}

/* Nothing is kept: what the store costs is measured elsewhere. */
static int keep(void *userdata, const struct effect *f)
{
	struct run *run = userdata;

	run->sum++;
	return 0;
}

static void consume_ours(struct run *run)
{
	struct event_decoder m;
	struct input in = { .kind = INPUT_EVENT, .event = &m.event.ce };

	for (unsigned int i = 0; i < run->n; i++) {
		if (event_decoder_init(&m, run->format, 0, run->pages[i], RAW_SIZE) < 0)
			continue;
		while (event_decoder_next(&m) > 0) {
			bool due = m.event.ce.time.us / USEC_PER_SEC !=
				   run->sim->now / USEC_PER_SEC;

			run->sim->now = m.event.ce.time.us;
			if (due)
				sim_flush(run->sim);
			(void)sim_step_at(run->sim, &in);
		}
	}
}

static void consume_decode(struct run *run)
{
	struct event_decoder m;

	for (unsigned int i = 0; i < run->n; i++) {
		if (event_decoder_init(&m, run->format, 0, run->pages[i], RAW_SIZE) < 0)
			continue;
		while (event_decoder_next(&m) > 0)
			run->sum += m.event.ce.address.addr + m.event.ce.label.len;
	}
}

static void consume_floor(struct run *run)
{
	const uint64_t *words = (const uint64_t *)(const void *)run->pages;

	for (size_t i = 0; i < run->n * RAW_SIZE / sizeof(*words); i++)
		run->sum += words[i];
}

static struct tep_event *generic_event;
static struct kbuffer *generic_pages;

static void consume_generic(struct run *run)
{
	static const char *const numbers[] = {
		"error_type",  "error_count", "mc_index",   "top_layer", "middle_layer",
		"lower_layer", "address",     "grain_bits", "syndrome"
	};
	static const char *const texts[] = { "msg", "label", "driver_detail" };

	for (unsigned int i = 0; i < run->n; i++) {
		unsigned long long time;
		void *data;

		kbuffer_load_subbuffer(generic_pages, run->pages[i]);
		for (data = kbuffer_read_event(generic_pages, &time); data;
		     data = kbuffer_next_event(generic_pages, &time)) {
			struct tep_record record = { .data = data };
			unsigned long long value;
			int len;

			record.size = kbuffer_event_size(generic_pages);
			run->sum += time;
			for (size_t n = 0; n < ARRAY_SIZE(numbers); n++)
				if (tep_get_field_val(NULL, generic_event, numbers[n],
						      &record, &value, 0) == 0)
					run->sum += value;
			for (size_t n = 0; n < ARRAY_SIZE(texts); n++) {
				char *s = tep_get_field_raw(NULL, generic_event, texts[n],
							    &record, &len, 0);

				if (s)
					run->sum += (uint64_t)(unsigned char)*s;
			}
		}
	}
}

typedef void (*consumer)(struct run *run);

static struct run *new_run(enum scenario kind, uint32_t cells)
{
	struct run *run = calloc(1, sizeof(*run));

	if (!run || sim_new(&run->sim) < 0)
		abort();
	run->kind = kind;
	run->cells = cells;
	run->random = 88172645463325252U;
	run->time_ns = 1000000000;
	if (event_format_new(&run->format, page_builder_header_page) < 0 ||
	    event_format_add(run->format, EVENT_SOURCE_MC, page_builder_mc_format) < 0)
		abort();
	run->sim->userdata = run;
	run->sim->hooks.keep = keep;
	if (sim_start(run->sim) < 0)
		abort();
	return run;
}

static void free_run(struct run *run)
{
	event_format_free(run->format);
	sim_free(run->sim);
	free(run);
}

/* Nanoseconds per event of each consumer in one round over the same pages. */
static void measure(size_t scenario, const consumer *consumers, size_t n, double *ret)
{
	struct run *run = new_run(scenarios[scenario].kind, scenarios[scenario].cells);
	uint64_t spent[8] = { 0 }, events = 0;

	while (events < scenarios[scenario].events) {
		make_chunk(run);
		events += run->n_events;
		for (size_t c = 0; c < n; c++) {
			uint64_t begin = bench_now();

			consumers[c](run);
			spent[c] += bench_now() - begin;
		}
	}
	for (size_t c = 0; c < n; c++)
		ret[c] = (double)spent[c] / (double)events;
	if (run->sum == 0)
		puts("nothing was read");
	free_run(run);
}

static void set_up_generic(void)
{
	char text[8192];
	struct tep_handle *tep = tep_alloc();
	const char *print = strstr(page_builder_mc_format, "\nprint fmt:");

	snprintf(text, sizeof(text), "%.*s\nprint fmt: \"-\"\n",
		 (int)(print - page_builder_mc_format), page_builder_mc_format);
	if (!tep || tep_parse_format(tep, &generic_event, text, strlen(text), "ras") != 0)
		abort();
	generic_pages = kbuffer_alloc(KBUFFER_LSIZE_8, KBUFFER_ENDIAN_LITTLE);
	if (!generic_pages)
		abort();
}

/* bench_core [ROUNDS [SCENARIO]]: fewer rounds, and one scenario, for a profiler. */
int main(int argc, char *argv[])
{
	static const consumer consumers[] = { consume_floor, consume_generic,
					      consume_ours, consume_decode };
	double all[ARRAY_SIZE(consumers)][ROUNDS], one[ARRAY_SIZE(consumers)];

	unsigned int rounds = argc > 1 ? (unsigned int)atoi(argv[1]) : ROUNDS;
	size_t only = argc > 2 ? (size_t)atoi(argv[2]) : SIZE_MAX;

	if (rounds == 0 || rounds > ROUNDS)
		rounds = ROUNDS;
	set_up_generic();
	bench_print_machine();
	printf("events a second, medians of %u rounds; floor: every byte read once; "
	       "generic: libtraceevent's field access\n\n",
	       rounds);
	printf("%-26s %11s %11s %11s %11s %9s %10s\n", "", "ours", "decode only", "floor",
	       "generic", "to floor", "to generic");
	for (size_t s = 0; s < ARRAY_SIZE(scenarios); s++) {
		if (only != SIZE_MAX && s != only)
			continue;
		for (unsigned int round = 0; round < rounds; round++) {
			measure(s, consumers, ARRAY_SIZE(consumers), one);
			for (size_t c = 0; c < ARRAY_SIZE(consumers); c++)
				all[c][round] = one[c];
		}
		for (size_t c = 0; c < ARRAY_SIZE(consumers); c++)
			one[c] = bench_median(all[c], rounds);
		printf("%-26s %11.0f %11.0f %11.0f %11.0f %8.1fx %9.1fx\n",
		       scenarios[s].name, 1e9 / one[2], 1e9 / one[3], 1e9 / one[0],
		       1e9 / one[1], one[2] / one[0], one[1] / one[2]);
	}
	printf("\nto floor: how many times as long as the floor; to generic: how many "
	       "times as fast\n");
	return 0;
}
