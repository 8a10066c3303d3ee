/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A daemon without a machine: the real D-Bus object over made-up operations, for the
 * golden tests of softofflinectl. Lists come from the database that make_db made; the
 * other answers are fixed. Usage: fake_daemon DB VERDICT|SCENE, on the bus that
 * DBUS_SYSTEM_BUS_ADDRESS names; "ready" on stdout once it has the name.
 */

#include <errno.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "base/mem.h"
#include "config/config.h"
#include "tell/bus.h"
#include "tell/report_db.h"
#include "track/machine_verdict.h"

#define PAGE_SHIFT 12

#define FAKE_STORM       10000
#define FAKE_STORM_DIMMS 300

struct fake {
	struct db *db;
	struct bus *bus;
	sd_event *loop;
	const char *verdict;
	uint64_t cookie; /* of the Offline call to be answered */
	uint64_t address;
};

DEFINE_CLEANUP(struct db *, db_close)
DEFINE_CLEANUP(struct bus *, bus_free)
DEFINE_CLEANUP(sd_event *, sd_event_unref)

/* A kernel that offlines nothing, with the bundled series. */
static void fake_trouble(struct status_report *ret)
{
	strcpy(ret->hold, "unsupported");
	strcpy(ret->hold_why, "vm.enable_soft_offline is off");
	ret->enable_soft_offline = 0;
	ret->soft_offline_event = 1;
	ret->soft_offline_counters = 1;
	ret->patched = 1;
	strcpy(ret->soft_offline_control, "waiting");
	strcpy(ret->sources, "ras:mc_event");
	strcpy(ret->source_reading, "mc_event");
	strcpy(ret->source_delivers, "mc_event");
}

/* Machines whose verdict is made as the daemon makes it; the other words are verdicts. */
static const struct scene {
	const char *name;
	enum sight_cause sight;
	struct dimm_rec dimm;
	const char *action; /* NULL: soft */
	enum result hold;
	/* Pages besides those that the DIMM has lost, and what became of the last try. */
	unsigned int pages;
	enum page_state state;
	enum result result;
} scenes[] = {
	{ .name = "healthy", .sight = SIGHT_CAUSE_SEES },
	{ .name = "blind", .sight = SIGHT_CAUSE_NO_DRIVER },
	{ .name = "row",
	  .sight = SIGHT_CAUSE_SEES,
	  .dimm = { .corrected_errors = 37,
		    .pages = 3,
		    .offlined = 3,
		    .fault = { .class = FAULT_ROW,
			       .since = INT64_C(1714563000000000),
			       .cells = 9,
			       .rows = 1,
			       .faulty_rows = 1,
			       .bank_faulty_rows = 1,
			       .banks = 1 } } },
	{ .name = "bank",
	  .sight = SIGHT_CAUSE_SEES,
	  .dimm = { .corrected_errors = 5120,
		    .pages = 204,
		    .offlined = 16,
		    .fault = { .class = FAULT_BANK,
			       .since = INT64_C(1714563000000000),
			       .cells = 240,
			       .rows = 180,
			       .banks = 1,
			       .extent = 180,
			       .at = { .bank = 3,
				       .rank = 1,
				       .have = DRAM_RANK | DRAM_BANK } } } },
	{ .name = "uncorrected",
	  .sight = SIGHT_CAUSE_SEES,
	  .dimm = { .uncorrected_errors = 1,
		    .last_ue = INT64_C(1714563900000000),
		    .last_ue_address = 0x1a2b3c040,
		    .last_ue_has_address = true } },
	{ .name = "success",
	  .sight = SIGHT_CAUSE_SEES,
	  .dimm = { .corrected_errors = 2, .pages = 1, .offlined = 1 } },
	{ .name = "kept",
	  .sight = SIGHT_CAUSE_SEES,
	  .dimm = { .corrected_errors = 4, .pages = 2 },
	  .pages = 2,
	  .state = PAGE_REFUSED,
	  .result = RESULT_UNMOVABLE },
	{ .name = "busy",
	  .sight = SIGHT_CAUSE_SEES,
	  .dimm = { .corrected_errors = 2, .pages = 1 },
	  .pages = 1,
	  .state = PAGE_PENDING,
	  .result = RESULT_BUSY },
	{ .name = "account",
	  .sight = SIGHT_CAUSE_SEES,
	  .dimm = { .corrected_errors = 2, .pages = 1 },
	  .action = "account",
	  .pages = 1,
	  .state = PAGE_REFUSED,
	  .result = RESULT_ACCOUNT },
	{ .name = "unsupported",
	  .sight = SIGHT_CAUSE_SEES,
	  .dimm = { .corrected_errors = 2, .pages = 1 },
	  .hold = RESULT_UNSUPPORTED,
	  .pages = 1,
	  .state = PAGE_PENDING,
	  .result = RESULT_UNSUPPORTED },
};

static const struct scene *fake_scene(const struct fake *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(scenes); i++)
		if (strcmp(f->verdict, scenes[i].name) == 0)
			return &scenes[i];
	return NULL;
}

static void scene_status(const struct scene *scene, struct status_report *ret)
{
	const struct dimm_rec *d = &scene->dimm;
	struct machine_facts f = { .sight = scene->sight,
				   .corrected_errors = d->corrected_errors,
				   .offlined = d->offlined,
				   .hold = scene->hold };
	char why[CLASS_WHY_MAX];

	if (scene->action)
		strcpy(ret->action, scene->action);
	snprintf(ret->hold, sizeof(ret->hold), "%s", result_to_string(scene->hold));
	machine_facts_add_pages(&f, scene->state, scene->result, scene->pages);

	machine_facts_add_dimm(&f, "P1-DIMMB1", fault_verdict(d, 64, why));
	ret->events = ret->corrected_errors = d->corrected_errors;
	ret->uncorrected_errors = d->uncorrected_errors;
	ret->unattributed = ret->events_lost = ret->gaps = 0;
	ret->tracked = d->pages;
	ret->offlined = ret->used_pages = d->offlined;
	ret->pending = scene->state == PAGE_PENDING ? scene->pages : 0;
	ret->refused = scene->state == PAGE_REFUSED ? scene->pages : 0;
	ret->failed = ret->hour_used = 0;
	ret->poisoned_kib = ret->by_us_kib = d->offlined * 4;
	ret->by_others_kib = 0;
	strcpy(ret->ras_cec, "no");
	report_from_sight(scene->sight, ret);
	snprintf(ret->verdict, sizeof(ret->verdict), "%s",
		 verdict_to_string(machine_verdict(&f, why)));
	snprintf(ret->verdict_why, sizeof(ret->verdict_why), "%s", why);
}

static int scene_dimms(const struct scene *scene, report_fn fn, void *userdata)
{
	const struct dimm_rec healthy = { .label = "P1-DIMMA1", .layer = { 0, 0, -1 } };
	struct dimm_rec rec = scene->dimm;
	struct dimm_report report;
	char why[CLASS_WHY_MAX];
	int r = 0;

	strcpy(rec.label, "P1-DIMMB1");
	rec.layer[2] = -1;
	rec.layer[0] = 1;
	for (int i = 0; r == 0 && i < 2; i++) {
		const struct dimm_rec *d = i == 0 ? &healthy : &rec;

		report_from_dimm_rec(d, &report);
		report.size_mib = 32768;
		strcpy(report.part, "M393A4K40DB3-CWE");
		strcpy(report.serial, i == 0 ? "S000001" : "S000002");
		strcpy(report.slot, report.label);
		strcpy(report.slot_match, "exact");
		snprintf(report.verdict, sizeof(report.verdict), "%s",
			 verdict_to_string(fault_verdict(d, 64, why)));
		snprintf(report.verdict_why, sizeof(report.verdict_why), "%s", why);
		r = fn(userdata, &report);
	}
	return r;
}

static int fake_status(void *ctx, struct status_report *ret)
{
	struct fake *f = ctx;

	*ret = (struct status_report){
		.schema = REPORT_SCHEMA,
		.running = 1,
		.version = "9.8.7",
		.action = "soft",
		.started = INT64_C(1714560000000000),
		.mc_event = 1,
		.soft_offline = 1,
		.enable_soft_offline = REPORT_NO_NUMBER,
		.ras_cec = "active",
		.ras_cec_threshold = 2,
		.ras_cec_acts = 1,
		.events = 1190,
		.corrected_errors = 1206,
		.unattributed = 3,
		.events_lost = 17,
		.gaps = 2,
		.tracked = 6,
		.offlined = 1,
		.pending = 1,
		.failed = 1,
		.refused = 1,
		.limit_pages = 26214,
		.used_pages = 3,
		.hour_limit = 10,
		.burst = 20,
		.hour_used = 3,
		.poisoned_kib = 1540,
		.by_us_kib = 12,
		.by_others_kib = 1528,
		.db_ok = 1,
		.db_bytes = 1234567,
		.db_last_commit = REPORT_NO_NUMBER,
		.hold = "none",
	};
	report_from_sight(strcmp(f->verdict, "degraded") == 0
				  ? SIGHT_CAUSE_COLLECTOR_HIDES
				  : SIGHT_CAUSE_SEES,
			  ret);
	snprintf(ret->verdict, sizeof(ret->verdict), "%s", f->verdict);
	snprintf(ret->verdict_why, sizeof(ret->verdict_why), "this is why");
	if (strcmp(f->verdict, "degraded") == 0)
		fake_trouble(ret);
	if (fake_scene(f))
		scene_status(fake_scene(f), ret);
	if (strcmp(f->verdict, "database") == 0) {
		strcpy(ret->verdict, "degraded");
		strcpy(ret->verdict_why, "the database cannot be written");
		ret->db_ok = 0;
	}
	return 0;
}

/* Where rows of the database go. */
struct writer {
	report_fn fn;
	void *userdata;
	uint64_t left; /* pages to be skipped */
	uint64_t told;
	uint32_t limit;
};

static int give_page(void *userdata, const struct db_page *row)
{
	struct writer *w = userdata;
	struct page_report report;

	if (w->left > 0) {
		w->left--;
		return 0;
	}
	report_from_db_page(row, PAGE_SHIFT, &report);
	w->told++;
	return w->told > w->limit ? 1 : w->fn(w->userdata, &report);
}

/* Two pages to an answer, so that the caller has to go on. */
static int fake_pages(void *ctx, const struct report_filter *f, report_fn fn,
		      void *userdata, uint64_t *ret_cursor)
{
	struct writer w = { .fn = fn, .userdata = userdata, .left = f->cursor };
	struct db_filter filter = report_db_filter(f, PAGE_SHIFT);
	struct fake *fake = ctx;
	int r;

	w.limit = f->limit < 2 ? f->limit : 2;
	filter.limit = 0;
	r = db_list_pages(fake->db, &filter, give_page, &w);
	if (w.told > w.limit && f->limit > 2)
		*ret_cursor = f->cursor + w.limit;
	return r < 0 ? r : 0;
}

static int give_history(void *userdata, const struct db_history *row)
{
	struct writer *w = userdata;
	struct history_report report;

	report_from_db_history(row, PAGE_SHIFT, &report);
	return w->fn(w->userdata, &report);
}

/* Two rows to a part, as for pages. */
static int fake_history(void *ctx, const struct report_filter *f, report_fn fn,
			void *userdata, uint64_t *ret_cursor)
{
	struct writer w = { .fn = fn, .userdata = userdata };
	struct db_filter filter = report_db_filter(f, PAGE_SHIFT);
	struct fake *fake = ctx;

	*ret_cursor = f->cursor;
	return db_browse_history(fake->db, &filter, 2, ret_cursor, give_history, &w);
}

static int give_ce(void *userdata, const struct db_ce *row)
{
	struct writer *w = userdata;
	struct ce_report report;

	report_from_db_ce(row, &report);
	return w->fn(w->userdata, &report);
}

static int fake_errors(void *ctx, const struct report_filter *f, report_fn fn,
		       void *userdata, uint64_t *ret_cursor)
{
	struct writer w = { .fn = fn, .userdata = userdata };
	struct db_filter filter = report_db_filter(f, PAGE_SHIFT);
	struct fake *fake = ctx;

	*ret_cursor = f->cursor;
	return db_browse_ces(fake->db, &filter, 2, ret_cursor, give_ce, &w);
}

/* A kernel of the bundled series, where the verdict is "degraded". */
static int fake_nodes(void *ctx, report_fn fn, void *userdata)
{
	struct fake *f = ctx;
	struct soft_counts node = { .node = 0 };
	struct node_report report;
	int r;

	if (strcmp(f->verdict, "degraded") != 0)
		return 0;
	for (int i = SOFT_TAKEN_FROM_FREE; i < SOFT_DISABLED; i++)
		node.known[i] = true;
	node.count[SOFT_MIGRATED] = 1204;
	node.count[SOFT_NOT_MIGRATED] = 7;
	report_from_soft_counts(&node, &report);
	r = fn(userdata, &report);
	node = (struct soft_counts){ .node = 3, .known = { [SOFT_MIGRATED] = true } };
	report_from_soft_counts(&node, &report);
	return r != 0 ? r : fn(userdata, &report);
}

static int fake_dimms(void *ctx, report_fn fn, void *userdata)
{
	struct fake *f = ctx;
	struct dimm_report dimm = { .label = "P1-DIMMA1",
				    .location = "mc0 0:1",
				    .size_mib = 32768,
				    .part = "M393A4K40DB3-CWE",
				    .serial = "S123456",
				    .corrected_errors = 1204,
				    .uncorrected_errors = 1,
				    .unattributed = 3,
				    .pages = 5,
				    .offlined = 1,
				    .fault = "row",
				    .slot = "P1-DIMMA1",
				    .slot_match = "exact",
				    .verdict = "replace",
				    .verdict_why = "this is why",
				    .since = INT64_C(1714564000000000),
				    .last_uncorrected = INT64_C(1714564100000000),
				    .last_uncorrected_address = 0x1a2b3c040 };

	if (fake_scene(f))
		return scene_dimms(fake_scene(f), fn, userdata);
	/* A machine that is only to be watched has no DIMM to be replaced. */
	if (strcmp(f->verdict, "watch") == 0)
		strcpy(dimm.verdict, "watch");
	return fn(userdata, &dimm);
}

static int fake_policy(void *ctx, char **ret_text)
{
	*ret_text = strdup("[Policy]\nAction=soft\n");
	return *ret_text ? 0 : -ENOMEM;
}

static int fake_policy_for(void *ctx, const char *label, uint8_t mc, char **ret_text)
{
	_cleanup_(free_p) struct config *cfg = malloc(sizeof(*cfg));
	static const char text[] = "[Policy \"*A1\"]\nPageThreshold=10 / 24h\n"
				   "[Policy \"mc1\"]\nAction=account\n";
	const struct config_dimm dimm = { .label = label,
					  .mc = mc,
					  .layer = { -1, -1, -1 } };
	size_t size;

	if (!cfg)
		return -ENOMEM;
	config_init(cfg);
	(void)config_parse(cfg, "a.conf", text, sizeof(text) - 1, NULL, NULL);
	size = config_format_for(cfg, &dimm, NULL, 0) + 1;
	*ret_text = malloc(size);
	if (!*ret_text)
		return -ENOMEM;
	(void)config_format_for(cfg, &dimm, *ret_text, size);
	return 0;
}

/* One outlook for each kind of sentence, by the address. */
static int fake_explain(void *ctx, uint64_t address, struct outlook_report *ret,
			char why[REPORT_TEXT_MAX])
{
	*ret = (struct outlook_report){ .action = "soft",
					.page_threshold = "2 / 24h",
					.row_threshold = "2 / 7d",
					.cell_threshold = "2 / 90d",
					.in_window = 1,
					.missing = 1,
					.until = INT64_C(1767225600000000),
					.next_try = REPORT_NO_NUMBER };
	if (address == 0x1a2b3c000) {
		ret->missing = REPORT_NO_NUMBER;
		ret->until = REPORT_NO_NUMBER;
	} else if (address == 0x300040000) {
		strcpy(ret->held_by, "WideFaultThreshold=16");
	} else if (address & 0x1000) {
		ret->next_try = ret->until;
	}
	return 0;
}

static int fake_reload(void *ctx, char **ret_text)
{
	struct fake *f = ctx;
	bool refuse = strcmp(f->verdict, "replace") == 0;

	*ret_text = strdup(refuse ? "a.conf:1: [Policy] Action: why\na.conf:2: what"
				  : "a.conf:3: [Policy] Acton: unknown; Action is near");
	return refuse ? -EINVAL : 0;
}

static int answer(sd_event_source *source, void *userdata)
{
	struct fake *f = userdata;
	bool busy = f->address == 0x2000;

	bus_reply_offline(f->bus, f->cookie, busy ? RESULT_BUSY : RESULT_OFFLINED,
			  busy ? EBUSY : 0);
	return 0;
}

static int fake_offline(void *ctx, uint64_t address, uint64_t cookie,
			char why[REPORT_TEXT_MAX])
{
	struct fake *f = ctx;

	if (address > 0x2000) {
		snprintf(why, REPORT_TEXT_MAX, "0x%llx is not System RAM",
			 (unsigned long long)address);
		return -EINVAL;
	}
	f->address = address;
	f->cookie = cookie;
	return sd_event_add_defer(f->loop, NULL, answer, f);
}

/* A verdict, and a page: each of the two forms of a notice. */
static void fake_notices(struct bus *bus)
{
	struct notice_report r = {
		.time = INT64_C(1767225600000000),
		.kind = "verdict",
		.priority = "crit",
		.dimm = "P1-DIMMA1",
		.slot = "P1-DIMMA1",
		.reason = "none",
		.result = "none",
		.error = REPORT_NO_NUMBER,
		.fault = "row",
		.verdict = "replace",
		.verdict_before = "watch",
		.message = "P1-DIMMA1: verdict replace: this is why.",
	};

	bus_signal_notice(bus, &r);
	strcpy(r.kind, "offlined");
	strcpy(r.priority, "notice");
	strcpy(r.reason, "page-threshold");
	strcpy(r.result, "offlined");
	strcpy(r.address_class, "page");
	r.count = 2;
	r.verdict_before[0] = r.message[0] = '\0';
	bus_signal_notice(bus, &r);
}

/* A storm over many DIMMs, whose names are what no shell should see. */
static void fake_storm(struct bus *bus)
{
	for (unsigned int i = 0; i < FAKE_STORM; i++) {
		struct notice_report r = {
			.time = INT64_C(1767225600000000),
			.kind = "first-ce",
			.priority = "info",
			.error = REPORT_NO_NUMBER,
			.count = i,
		};

		snprintf(r.dimm, sizeof(r.dimm), "$(x);`x`\n\xff'\"\\n%u",
			 i % FAKE_STORM_DIMMS);
		bus_signal_notice(bus, &r);
	}
}

static int fake_forget(void *ctx, uint64_t address, char why[REPORT_TEXT_MAX])
{
	struct fake *f = ctx;

	if (address == 0x1000) {
		fake_notices(f->bus);
		return 0;
	}
	if (address == 0x3000) {
		fake_storm(f->bus);
		return 0;
	}
	snprintf(why, REPORT_TEXT_MAX, "no such page");
	return -ENOENT;
}

static int fake_forget_dimm(void *ctx, const char *label, char why[REPORT_TEXT_MAX])
{
	if (strcmp(label, "P1-DIMMA1") == 0 || strcmp(label, "0x1") == 0)
		return 0;
	snprintf(why, REPORT_TEXT_MAX, "no DIMM \"%s\"", label);
	return -ENOENT;
}

static void fake_up(void *ctx)
{
	puts("ready");
	fflush(stdout);
}

static void fake_down(void *ctx, int error)
{
	struct fake *f = ctx;

	(void)sd_event_exit(f->loop, error);
}

static const struct bus_ops ops = {
	.status = fake_status,
	.pages = fake_pages,
	.history = fake_history,
	.errors = fake_errors,
	.dimms = fake_dimms,
	.nodes = fake_nodes,
	.policy = fake_policy,
	.policy_for = fake_policy_for,
	.explain = fake_explain,
	.reload = fake_reload,
	.offline = fake_offline,
	.forget = fake_forget,
	.forget_dimm = fake_forget_dimm,
	.up = fake_up,
	.down = fake_down,
};

static int run(const char *path, const char *verdict)
{
	_cleanup_(sd_event_unref_p) sd_event *loop = NULL;
	_cleanup_(db_close_p) struct db *db = NULL;
	_cleanup_(bus_free_p) struct bus *bus = NULL;
	struct fake fake = { .verdict = verdict };
	const char *why = NULL;
	sd_bus *connection;
	int r;

	r = db_open_readonly(&db, path, &why);
	if (r >= 0)
		r = sd_event_default(&loop);
	if (r >= 0)
		r = sd_bus_open_system(&connection);
	if (r < 0)
		return r;
	fake.db = db;
	fake.loop = loop;
	r = bus_new(&bus, connection, loop, &ops, &fake);
	if (r < 0)
		return r;
	fake.bus = bus;
	return sd_event_loop(loop);
}

int main(int argc, char **argv)
{
	int r;

	if (argc != 3)
		return 2;
	r = run(argv[1], argv[2]);
	if (r < 0)
		fprintf(stderr, "fake_daemon: %s\n", strerror(-r));
	return r < 0;
}
