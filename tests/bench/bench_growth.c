/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What an event costs as the pages that err become more: 10^3 to 10^7 distinct pages
 * through engine_step, the table of pages at its cap and evicting from the moment that
 * it is full. A spray errs once on each page, in order of frames that lie far apart; hot
 * pages err again and again in random order. Beside the time stand resident memory and
 * the bytes of the table, so that anyone sees that neither grows. It knows nothing of
 * raw pages (bench_core) and of the database (bench_db).
 */

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "bench.h"
#include "sim/sim.h"

#define ROUNDS 3
#define EVENTS 10000000 /* of each measurement, at most */
#define LEAST  1000000  /* fewer say little */
#define SPREAD 0x9e3779b1U

enum pattern { SPRAY, HOT, N_PATTERNS };

static const uint64_t sizes[] = { 1000, 10000, 100000, 1000000, 10000000 };

struct run {
	struct sim *sim;
	uint64_t random;
	uint64_t stored; /* pages that the engine wanted stored */
};

static int keep(void *userdata, const struct effect *f)
{
	struct run *run = userdata;

	run->stored += f->kind == EFFECT_STORE_PAGE;
	return 0;
}

/* Frame @n of @pages, scattered over 64 GiB by an odd factor: each comes once. */
static uint64_t frame_of(uint64_t n)
{
	return (n * SPREAD) & 0xffffff;
}

static void give_event(struct run *run, uint64_t frame)
{
	static const char label[] = "CPU_SrcID#0_MC#0_Chan#0_DIMM#0";
	struct ce_event ev = {
		.time = usec(run->sim->now),
		.address = paddr(frame << 12),
		.count = 1,
		.mc = frame % 4,
		.grain_bits = 5,
		.layer = { 0, 0, -1 },
		.has_address = true,
		.label = { label, sizeof(label) - 1 },
		.coord = { .row = (uint32_t)(frame >> 4),
			   .column = (uint32_t)(frame * 8 & 0x3f8),
			   .bank = frame >> 6 & 3,
			   .bank_group = frame >> 2 & 3,
			   .have = DRAM_ROW | DRAM_COLUMN | DRAM_BANK | DRAM_BANK_GROUP },
	};
	struct input in = { .kind = INPUT_EVENT, .event = &ev };

	(void)sim_step(run->sim, in);
	run->sim->now += 10;
	if (run->sim->now % USEC_PER_SEC == 0)
		sim_flush(run->sim);
}

/* Nothing is known of a page that comes back: the store stays empty. */
static void start(struct run *run)
{
	*run = (struct run){ .random = 88172645463325252U };
	if (sim_new(&run->sim) < 0)
		abort();
	/* The cost of counting, not of offlining. */
	run->sim->cfg.policy.action = POLICY_ACCOUNT;
	run->sim->now = USEC_PER_SEC;
	run->sim->userdata = run;
	run->sim->hooks.keep = keep;
	if (sim_start(run->sim) < 0)
		abort();
}

/* Nanoseconds an event, once the first pass has brought in all pages that fit. */
static double measure(enum pattern pattern, uint64_t pages, uint64_t *ret_rss_kib)
{
	uint64_t events = pages < LEAST ? LEAST : pages < EVENTS ? pages : EVENTS;
	uint64_t begin, spent;
	struct run run;

	start(&run);
	if (pattern == HOT)
		for (uint64_t i = 0; i < pages && i < LEAST; i++)
			give_event(&run, frame_of(i));
	begin = bench_now();
	for (uint64_t i = 0; i < events; i++)
		give_event(&run,
			   frame_of(pattern == HOT ? bench_random(&run.random) % pages
						   : i % pages));
	spent = bench_now() - begin;
	*ret_rss_kib = bench_rss_kib();
	sim_free(run.sim);
	return (double)spent / (double)events;
}

static void print_row(uint64_t pages)
{
	double ns[N_PATTERNS];
	uint64_t rss = 0, most = 0;

	for (enum pattern p = 0; p < N_PATTERNS; p++) {
		double all[ROUNDS];

		for (unsigned int round = 0; round < ROUNDS; round++) {
			all[round] = measure(p, pages, &rss);
			most = rss > most ? rss : most;
		}
		ns[p] = bench_median(all, ROUNDS);
	}
	printf("%-10llu %10.0f %10.0f %10llu\n", (unsigned long long)pages, ns[SPRAY],
	       ns[HOT], (unsigned long long)most);
	fflush(stdout);
}

int main(void)
{
	bench_print_machine();
	printf("nanoseconds an event, medians of %d rounds, table of pages with %u "
	       "places\n\n%-10s %10s %10s %10s\n",
	       ROUNDS, 65536U, "pages", "in turn", "at random", "RSS KiB");
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		print_row(sizes[i]);
	return 0;
}
