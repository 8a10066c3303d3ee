/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Writes synthetic errors in the form that `softofflinectl policy backtest --input`
 * reads, and, to another file, what is truly wrong with each DIMM. It makes nothing up
 * itself: faults.c does.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "faults.h"

DEFINE_CLEANUP(struct fault_set *, fault_set_free)

static const char header[] =
	"time,dimm,server,pa,socket,channel,slot,"
	"subchannel,rank,chip,device,bankgroup,bank,row,column,type,ue_ticket_time\n";

struct options {
	uint64_t seed;
	uint64_t flood; /* rows of a flood instead of the set; 0: none */
	const char *truth;
};

static void write_error(FILE *f, const struct fault_set *set, const struct fault_error *e)
{
	const struct fault_dimm *d = &set->dimms[e->dimm];

	fprintf(f,
		"%" PRId64 ",%s,%s,0x%" PRIx64 ",0,%d,%d,%u,%u,%u,%u,%u,%u,%" PRIu32
		",%" PRIu32 ",%s,",
		e->time / USEC_PER_SEC, d->name, d->server, e->address, d->channel,
		d->slot, e->coord.sub_channel, e->coord.rank, e->coord.chip,
		e->coord.device, e->coord.bank_group, e->coord.bank, e->coord.row,
		e->coord.column, e->scrub ? "CE.SCRUB" : "CE.READ");
	if (d->ue_time != FAULT_NO_UE)
		fprintf(f, "%" PRId64, d->ue_time / USEC_PER_SEC);
	putc('\n', f);
}

static void write_truth(FILE *f, const struct fault_set *set)
{
	fputs("dimm,server,fault,ces,wrong_coordinates,ue_time\n", f);
	for (size_t i = 0; i < set->n_dimms; i++) {
		const struct fault_dimm *d = &set->dimms[i];

		fprintf(f, "%s,%s,%s,%" PRIu32 ",%" PRIu32 ",", d->name, d->server,
			synth_fault_to_string(d->fault), d->ces, d->wrong);
		if (d->ue_time != FAULT_NO_UE)
			fprintf(f, "%" PRId64, d->ue_time / USEC_PER_SEC);
		putc('\n', f);
	}
}

/* Rows without an end: 24 DIMMs, 100,000 pages, one after the other. */
static void write_flood(FILE *f, const struct options *o)
{
	uint64_t state = o->seed;

	for (uint64_t i = 0; i < o->flood; i++) {
		uint64_t page, dimm = i % 24;

		state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
		page = (state >> 33) % 4096;
		fprintf(f,
			"%" PRIu64 ",flood-%02" PRIu64 ",,0x%" PRIx64 ",0,%" PRIu64
			",0,0,0,0,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
			",%" PRIu64 ",CE.READ,\n",
			1704067200 + i / 3, dimm, UINT64_C(0x100000000) + (page << 12),
			dimm % 8, page % 18, page % 4, page / 4 % 4, page / 16,
			page % 128 * 8);
	}
}

static int write_set(const struct options *o)
{
	_cleanup_(fault_set_free_p) struct fault_set *set = NULL;
	_cleanup_(fclose_p) FILE *truth = NULL;

	if (fault_set_new(&set, o->seed) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < set->n_errors; i++)
		write_error(stdout, set, &set->errors[i]);
	if (!o->truth)
		return 0;
	truth = fopen(o->truth, "we");
	if (!truth)
		return -errno;
	write_truth(truth, set);
	return fflush(truth) == 0 ? 0 : -errno;
}

static bool parse(int argc, char **argv, struct options *ret)
{
	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--seed") == 0)
			ret->seed = strtoull(argv[i + 1], NULL, 0);
		else if (strcmp(argv[i], "--flood") == 0)
			ret->flood = strtoull(argv[i + 1], NULL, 0);
		else if (strcmp(argv[i], "--truth") == 0)
			ret->truth = argv[i + 1];
		else
			return false;
	}
	return argc % 2 == 1;
}

int main(int argc, char **argv)
{
	struct options o = { .seed = 1 };
	int r = 0;

	if (!parse(argc, argv, &o)) {
		fputs("Usage: gen_faults [--seed N] [--truth FILE] [--flood ROWS]\n",
		      stderr);
		return 2;
	}
	fputs(header, stdout);
	if (o.flood > 0)
		write_flood(stdout, &o);
	else
		r = write_set(&o);
	if (r == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		r = -EIO;
	if (r < 0)
		fprintf(stderr, "gen_faults: %s\n", strerror(-r));
	return r < 0 ? 1 : 0;
}
