/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The database part of the daemon, without the daemon: a commit for each second of event
 * time or a thousand rows, whichever comes first. It measures only commits.
 */

#include "db_shell.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "parts/effect_store.h"

#define MAX_SIZE_DEFAULT (UINT64_C(256) << 20)

static void must(int r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-r));
	exit(1);
}

static void open_db(struct db_shell *s, uint64_t max_size)
{
	struct db_options o = {
		.path = s->path,
		.max_size = max_size,
		.retention = usec(400 * USEC_PER_DAY),
		.now = s->now,
		.wall_offset = usec(INT64_C(1700000000) * USEC_PER_SEC),
	};
	enum db_opened how;
	const char *why = "";

	snprintf(o.boot_id, sizeof(o.boot_id), "bbbbbbbb-0000-4000-8000-%012u",
		 s->boots++);
	must(db_open(&s->db, &o, &how, &why), why);
}

void db_shell_open(struct db_shell *s, uint64_t max_size)
{
	*s = (struct db_shell){ .now = usec(USEC_PER_SEC),
				.commit_every = usec(USEC_PER_SEC) };
	strcpy(s->folder, "bench-db-XXXXXX");
	if (!mkdtemp(s->folder))
		must(-1, s->folder);
	snprintf(s->path, sizeof(s->path), "%s/bench.db", s->folder);
	open_db(s, max_size ? max_size : MAX_SIZE_DEFAULT);
}

uint64_t db_shell_reopen(struct db_shell *s)
{
	uint64_t begin;

	s->db = db_close(s->db);
	begin = bench_wall();
	open_db(s, MAX_SIZE_DEFAULT);
	return bench_wall() - begin;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

void db_shell_close(struct db_shell *s)
{
	s->sim = sim_free(s->sim);
	s->db = db_close(s->db);
	(void)nftw(s->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int keep(void *userdata, const struct effect *f)
{
	struct db_shell *s = userdata;

	if (effect_store(s->db, s->sim->engine, f) == 0)
		s->stored++;
	return 0;
}

static const struct page_rec *load(void *userdata, pfn_t p, bool *ret_other_boot)
{
	struct db_shell *s = userdata;
	const struct page_rec *rec;

	s->loads++;
	return db_get_page(s->db, p, &rec, ret_other_boot) < 0 ? NULL : rec;
}

static int restore_page(void *userdata, const struct page_rec *rec, bool other_boot)
{
	struct db_shell *s = userdata;
	struct input in = { .kind = INPUT_RESTORE_PAGE };

	in.page.pfn = pfn(rec->pfn);
	in.page.rec = rec;
	in.page.other_boot = other_boot;
	sim_restore_input(s->sim, &in);
	return 0;
}

static bool restore(void *userdata)
{
	struct db_shell *s = userdata;
	bool more = false;

	must(db_each_page(s->db, ce_tracker_capacity(engine_tracker(s->sim->engine)),
			  restore_page, s, &more),
	     "restoring pages");
	return more;
}

void db_shell_start(struct db_shell *s, uint32_t max_pages)
{
	must(sim_new(&s->sim), "memory");
	s->sim->cfg.tracker.max_tracked_pages = max_pages;
	s->sim->cfg.policy.action = POLICY_ACCOUNT;
	s->sim->poisoned_kib = SIM_NO_COUNTER;
	s->sim->now = s->now.us;
	s->sim->userdata = s;
	s->sim->hooks =
		(struct sim_hooks){ .keep = keep, .load = load, .restore = restore };
	must(sim_start(s->sim), "engine");
}

/* Many rows in one statement, as the daemon stores them: past the simulation. */
void db_shell_flush(struct db_shell *s)
{
	struct input in = { .kind = INPUT_FLUSH, .now = s->now };
	struct effects out = { .more = true };
	uint64_t begin;

	while (out.more) {
		(void)engine_step(s->sim->engine, &in, &out);
		if (effect_store_all(s->db, s->sim->engine, &out) == 0)
			s->stored += out.n;
	}
	begin = bench_wall();
	(void)db_commit(s->db, s->now, usec(INT64_C(1700000000) * USEC_PER_SEC));
	s->commit_ns += bench_wall() - begin;
	s->commits++;
	s->committed = s->now;
}

void db_shell_error(struct db_shell *s, uint64_t address, usec_t when)
{
	struct ce_event ev = {
		.time = when,
		.count = 1,
		.has_address = true,
		.address = paddr(address),
		.grain_bits = 6,
		.severity = CE_CORRECTED,
		.label = { "DIMM_A0", 7 },
	};

	if (usec_sub(when, s->committed).us >= s->commit_every.us ||
	    db_pending(s->db) >= DB_GROUP_ROWS)
		db_shell_flush(s);
	s->now = when;
	s->sim->now = when.us;
	(void)sim_step(s->sim, (struct input){ .kind = INPUT_EVENT, .event = &ev });
}
