/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * How the daemon performs what the engine decides: in which order intents are stored,
 * committed and handed to the worker, and what one sample of the machine stands for. The
 * engine is the real one, the doors are made up here and write down who came by.
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
#include "loop/daemon_internal.h"
#include "tell/report_notice.h"

/*
 * Who came by, one letter each: i an intent, R a result, c a commit, w a write handed
 * over, f one that the worker did not take, m a sample of the machine, p one of the
 * poisoned-page counter, s a look at the sysctl's value, k one at the kernel.
 */
static struct {
	char log[1024];
	unsigned int n;
	struct offline_done line[MAX_ATTEMPTS]; /* handed over */
	unsigned int n_line;
	unsigned int n_answered;
	unsigned int pending;
	unsigned int attempts, spent; /* since the last commit */
	unsigned int dimms;
	unsigned int complaints;
	int commit_fails, worker_fails, read_fails;
	unsigned int served;
	uint64_t serve_page; /* errs whenever the daemon serves */
	int64_t clock;
	bool pages_fail;
	bool given_again; /* all that is known, to be stored once more */
	enum db_log log_state;
	enum notice_kind notice; /* the last signal's, and its DIMM */
	const char *label;
} seen;

static void err(struct daemon *d, uint64_t page);

static void note(char c)
{
	assert_true(seen.n < sizeof(seen.log) - 1);
	seen.log[seen.n++] = c;
	seen.log[seen.n] = '\0';
}

static int put_row(void)
{
	seen.pending++;
	return 0;
}

int db_put_action(struct db *db, const struct action_row *row)
{
	if (row->action != ACTION_OFFLINE)
		return put_row();
	note(row->result == RESULT_NONE ? 'i' : 'R');
	seen.attempts++;
	return put_row();
}

int db_put_page(struct db *db, const struct page_rec *rec)
{
	return put_row();
}

int db_put_ce(struct db *db, const struct ce_row *row)
{
	return put_row();
}

int db_put_pages(struct db *db, const void *const *recs, unsigned int n)
{
	if (seen.pages_fail)
		return -EIO;
	for (; n > 0; n--)
		(void)put_row();
	return 0;
}

int db_put_ces(struct db *db, const void *const *rows, unsigned int n)
{
	for (; n > 0; n--)
		(void)put_row();
	return 0;
}

int db_put_poison(struct db *db, const struct poison_row *row)
{
	return put_row();
}

int db_put_dimm(struct db *db, uint16_t index, const struct dimm_rec *rec)
{
	seen.dimms++;
	return put_row();
}

int db_put_cell(struct db *db, uint16_t dimm, uint16_t slot,
		const struct fault_cell *cell)
{
	return put_row();
}

int db_put_totals(struct db *db, const struct totals *totals)
{
	return put_row();
}

int db_put_spent(struct db *db, const struct totals *totals)
{
	seen.spent++;
	return put_row();
}

int db_remove_page(struct db *db, pfn_t p)
{
	return put_row();
}

int db_remove_dimm_pages(struct db *db, uint16_t index)
{
	return put_row();
}

int db_get_page(struct db *db, pfn_t p, const struct page_rec **ret, bool *ret_other_boot)
{
	return seen.read_fails ? seen.read_fails : -ENOENT;
}

int db_commit(struct db *db, usec_t now, usec_t wall_offset)
{
	note('c');
	/* Once for all attempts of the group, and never without what they spent; but what
	 * was spent is among all that is given once more. */
	if (!seen.given_again)
		assert_true(seen.spent == (seen.attempts > 0));
	seen.attempts = seen.spent = 0;
	seen.pending = 0;
	return seen.commit_fails;
}

unsigned int db_pending(const struct db *db)
{
	return seen.pending;
}

const char *db_last_error(const struct db *db)
{
	return "made up";
}

uint64_t db_size(const struct db *db)
{
	return 0;
}

enum db_log db_log_state(const struct db *db)
{
	return seen.log_state;
}

enum db_log db_log_try(struct db *db)
{
	return seen.log_state;
}

void db_log_holders(const struct db *db, char *ret, size_t size)
{
	snprintf(ret, size, "cat (process 7)");
}

void db_heritage_note(struct db_heritage *h, pfn_t p)
{
}

void db_settle_lost(struct db *db, struct db_missing *ret)
{
	*ret = (struct db_missing){ 0 };
}

static void put_in_line(const struct offline_request *request)
{
	struct offline_done done = { .id = request->id, .pfn = request->pfn };

	note('w');
	assert_true(seen.n_line < MAX_ATTEMPTS);
	done.answer.before = (struct frame){ .readable = true, .in_ram = true };
	done.answer.after = done.answer.before;
	done.answer.after.flags = UINT64_C(1) << KPF_HWPOISON;
	done.answer.poisoned_before_kib = done.answer.poisoned_after_kib = -1;
	seen.line[seen.n_line++] = done;
}

int offline_worker_submit(struct offline_worker *w,
			  const struct offline_request *requests, unsigned int n)
{
	assert_in_range(n, 1, OFFLINE_WORKER_GROUP);
	if (seen.worker_fails) {
		note('f');
		return seen.worker_fails;
	}
	for (unsigned int i = 0; i < n; i++)
		put_in_line(&requests[i]);
	return 0;
}

int offline_worker_collect(struct offline_worker *w, struct offline_done *ret)
{
	if (seen.n_answered == 0)
		return 0;
	seen.n_answered--;
	*ret = seen.line[0];
	memmove(seen.line, seen.line + 1, --seen.n_line * sizeof(*ret));
	return 1;
}

struct frame sysfs_offline_frame(struct sysfs_offline *s, pfn_t p)
{
	return (struct frame){ .readable = true, .in_ram = true };
}

struct machine sysfs_offline_machine(struct sysfs_offline *s)
{
	note('m');
	return (struct machine){ .ram_pages = 1 << 22, .available_kib = 1 << 23 };
}

int64_t sysfs_offline_poisoned_kib(struct sysfs_offline *s)
{
	note('p');
	return 0;
}

const char *daemon_why_held(const struct kernel_state *k)
{
	return "made up";
}

void sysctl_control_poll(struct sysctl_control *c)
{
	note('s');
}

const char *daemon_slot(struct daemon *d, uint16_t index)
{
	return "";
}

void daemon_look_at_kernel(struct daemon *d)
{
	struct input in = { .kind = INPUT_KERNEL };

	note('k');
	in.kernel = (struct kernel_state){ FACT_YES, SWITCH_OFF, FACT_YES, FACT_UNKNOWN };
	daemon_step(d, in);
}

usec_t clock_boot(void)
{
	return usec(++seen.clock);
}

usec_t clock_wall_offset(void)
{
	return usec(0);
}

void journal_notice(const struct notice *r, const struct journal_context *context)
{
}

void journal_log(int priority, int error, const char *format, ...)
{
	seen.complaints++;
}

void journal_event(int priority, enum journal_id id, int error, const char *format, ...)
{
	seen.complaints++;
}

bool write_watch_take(struct write_watch *w)
{
	return false;
}

void report_from_notice(const struct notice *r, const struct journal_context *context,
			const struct notice_dimm *dimm, int64_t now,
			struct notice_report *ret)
{
	seen.notice = r->kind;
	seen.label = dimm ? dimm->rec->label : "";
}

void bus_signal_notice(struct bus *b, struct notice_report *r)
{
}

void bus_reply_offline(struct bus *b, uint64_t cookie, enum result result, int error)
{
}

void daemon_catch_up(struct daemon *d)
{
}

/* An event that keeps coming, and the answers. */
bool daemon_serve(struct daemon *d)
{
	note('s');
	seen.served++;
	if (seen.serve_page > 0)
		err(d, seen.serve_page);
	return true;
}

void daemon_note_read(struct daemon *d)
{
}

void daemon_start_reconcile(struct daemon *d)
{
}

static char a_database;

static struct daemon *new_daemon_of(bool more_stored)
{
	struct input done = { .kind = INPUT_RESTORE_DONE };
	_cleanup_(free_p) struct config *cfg = malloc(sizeof(*cfg));
	struct daemon *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	assert_non_null(cfg);
	memset(&seen, 0, sizeof(seen));
	seen.clock = 1000;
	config_init(cfg);
	cfg->policy.page.count = 1;
	cfg->budget.pages_per_hour = cfg->budget.burst = 1000;
	cfg->budget.pages_per_dimm = 1000;
	d->db = (void *)&a_database; /* only ever handed on */
	assert_int_equal(engine_new(&d->engine, cfg, 12), 0);
	(void)daemon_step(d, (struct input){ .kind = INPUT_MACHINE,
					     .machine = sysfs_offline_machine(NULL) });
	done.restored.more_stored = more_stored;
	(void)daemon_step(d, done);
	seen.n = 0;
	return d;
}

static struct daemon *new_daemon(void)
{
	return new_daemon_of(false);
}

static void free_daemon(struct daemon *d)
{
	engine_free(d->engine);
	free(d);
}

static void forget(void)
{
	seen.n = 0;
	seen.log[0] = '\0';
	seen.dimms = 0;
}

static void err(struct daemon *d, uint64_t page)
{
	struct ce_event ev = { .time = usec(seen.clock),
			       .address = pfn_to_paddr(pfn(page), 12),
			       .has_address = true,
			       .count = 1,
			       .label = { "A", 1 } };

	assert_int_equal(
		daemon_step(d, (struct input){ .kind = INPUT_EVENT, .event = &ev }), 0);
}

static void answer(struct daemon *d, unsigned int n)
{
	seen.n_answered = n;
	assert_int_equal(daemon_collect(d), (int)n);
}

/* A success: eight attempts may be under way. */
static void earn(struct daemon *d)
{
	err(d, 0x1000);
	answer(d, 1);
	forget();
}

static void one_attempt(void **state)
{
	struct daemon *d = new_daemon();

	err(d, 1);
	assert_string_equal(seen.log, "pmicw");
	assert_true(outbox_has_attempts(&d->out));
	forget();
	d->link.bus = (void *)&a_database;
	answer(d, 1);
	assert_string_equal(seen.log, "R");
	assert_false(outbox_has_attempts(&d->out));
	/* Who listens on the bus hears of it, and of its DIMM. */
	assert_int_equal(seen.notice, NOTICE_PAGE_OFFLINED);
	assert_string_equal(seen.label, "A");
	free_daemon(d);
}

/* All intents of a turn, one commit, and only then the first write; in their order. */
static void intents_share_a_commit(void **state)
{
	struct daemon *d = new_daemon();

	earn(d);
	daemon_begin_turn(d);
	for (uint64_t page = 1; page <= 6; page++)
		err(d, page);
	assert_string_equal(seen.log, "pmiiiiii");
	daemon_begin_turn(d);
	daemon_end_turn(d); /* nested: not the end yet */
	assert_int_equal(seen.n_line, 0);
	daemon_end_turn(d);
	assert_string_equal(seen.log, "pmiiiiiicwwwwww");
	for (uint64_t i = 0; i < 6; i++)
		assert_int_equal(seen.line[i].pfn.n, i + 1);
	forget();
	/* Two more may start; the counter is not looked at: it is about to move. */
	err(d, 7);
	assert_string_equal(seen.log, "micw");
	free_daemon(d);
}

/* A long turn may let go what it has. */
static void launch_within_a_turn(void **state)
{
	struct daemon *d = new_daemon();

	earn(d);
	daemon_begin_turn(d);
	err(d, 1);
	err(d, 2);
	daemon_launch(d);
	assert_string_equal(seen.log, "pmiicww");
	daemon_launch(d);
	err(d, 3);
	daemon_end_turn(d);
	assert_string_equal(seen.log, "pmiicwwmicw");
	free_daemon(d);
}

/* Answers free places: what waits goes out together, after all answers are stored. */
static void answers_bring_the_next(void **state)
{
	struct daemon *d = new_daemon();

	earn(d);
	for (uint64_t page = 1; page <= 12; page++)
		err(d, page);
	assert_int_equal(seen.n_line, 8);
	forget();
	answer(d, 8);
	/* One sample for all: they had all ended by then. */
	assert_string_equal(seen.log, "RmiiiiRRRRRRRcwwww");
	assert_int_equal(seen.dimms, 1);
	free_daemon(d);
}

/* A long line is handed over in parts: the first are written while the next are looked
 * at. */
static void groups_are_bounded(void **state)
{
	struct daemon *d = new_daemon();

	earn(d);
	for (uint64_t page = 1; page <= 30; page++)
		err(d, page);
	assert_int_equal(seen.n_line, 8);
	forget();
	answer(d, 8);
	/* The seventeenth had been looked at with the same sample. */
	assert_string_equal(seen.log, "Rm"
				      "iiiiiiiiiiiiiiii"
				      "c"
				      "wwwwwwwwwwwwwwww"
				      "imiiiiiRRRRRRRcwwwwww");
	free_daemon(d);
}

/* A failing disk does not help the memory: one report, and the attempts continue. */
static void failing_commit(void **state)
{
	struct daemon *d = new_daemon();

	earn(d);
	seen.commit_fails = -EIO;
	seen.complaints = 0;
	daemon_begin_turn(d);
	err(d, 1);
	err(d, 2);
	daemon_end_turn(d);
	assert_string_equal(seen.log, "pmiicww");
	err(d, 3);
	assert_int_equal(seen.complaints, 1);
	free_daemon(d);
}

/* A page that is not stored is nothing to speak of; one that cannot be read is. */
static void failing_read(void **state)
{
	struct daemon *d = new_daemon_of(true);

	err(d, 1);
	assert_int_equal(seen.complaints, 0);
	seen.read_fails = -EIO;
	err(d, 2);
	assert_int_equal(seen.complaints, 1);
	err(d, 3);
	assert_int_equal(seen.complaints, 1);
	free_daemon(d);
}

/* What cannot be handed over is answered, and neither recurses nor stays in line. */
static void failing_worker(void **state)
{
	struct daemon *d = new_daemon();

	earn(d);
	seen.worker_fails = -EPIPE;
	daemon_begin_turn(d);
	for (uint64_t page = 1; page <= 10; page++)
		err(d, page);
	assert_string_equal(seen.log, "pmiiiiiiii");
	daemon_end_turn(d);
	assert_false(outbox_has_attempts(&d->out));
	for (unsigned int i = 0, under_way = 0; i < seen.n; i++) {
		under_way += seen.log[i] == 'i';
		under_way -= seen.log[i] == 'R';
		assert_true(under_way <= 8);
	}
	assert_int_equal(seen.n_line, 0);
	free_daemon(d);
}

/*
 * A flush of many rows serves in the middle what has come up, and ends although there is
 * always something.
 */
static void flush_serves(void **state)
{
	struct daemon *d = new_daemon();

	for (uint64_t page = 0x2000; page < 0x2400; page++)
		err(d, page);
	forget();
	seen.serve_page = 0x2000;
	assert_int_equal(daemon_flush_serving(d), 0);
	assert_true(seen.served > 10 && seen.served <= 64);
	assert_false(engine_is_dirty(d->engine));
	seen.served = 0;
	err(d, 0x2000);
	assert_int_equal(daemon_flush(d), 0);
	assert_int_equal(seen.served, 0);
	free_daemon(d);
}

/* A kernel that refuses has its switch looked at in the same turn, and before all else.
 */
static void refused(void **state)
{
	struct daemon *d = new_daemon();

	err(d, 1);
	forget();
	seen.line[0].answer.error = EOPNOTSUPP;
	seen.line[0].answer.after.flags = 0;
	answer(d, 1);
	assert_string_equal(seen.log, "skR");
	assert_int_equal(engine_kernel(d->engine)->enabled, SWITCH_OFF);
	free_daemon(d);
}

/* While a reader holds the log, the counts stay in the engine, and this is reported once;
 * at the end the counts are stored all the same. */
static void held_log(void **state)
{
	struct daemon *d = new_daemon_of(true);

	(void)daemon_flush(d);
	seen.complaints = 0;
	seen.pending = 0;
	seen.log_state = DB_LOG_LONG;
	err(d, 1);
	assert_int_equal(daemon_flush(d), 0);
	assert_int_equal(daemon_flush(d), 0);
	assert_int_equal(seen.pending, 0);
	assert_true(engine_is_dirty(d->engine));
	assert_int_equal(seen.complaints, 1);
	d->stopping = true;
	assert_int_equal(daemon_flush(d), 0);
	assert_false(engine_is_dirty(d->engine));
	d->stopping = false;
	seen.log_state = DB_LOG_FINE;
	err(d, 2);
	assert_int_equal(daemon_flush(d), 0);
	assert_int_equal(seen.complaints, 2);
	/* all that is known is given once more, for what was left out */
	assert_true(engine_is_dirty(d->engine));
	seen.given_again = true;
	assert_int_equal(daemon_flush(d), 0);
	seen.given_again = false;
	assert_false(engine_is_dirty(d->engine));
	assert_int_equal(seen.complaints, 3);
	free_daemon(d);
}

/* One page cannot be stored and all other rows can: this is reported, and the page is
 * tried again every minute and not with each commit. */
static void failing_row(void **state)
{
	struct daemon *d = new_daemon_of(true);

	(void)daemon_flush(d);
	seen.complaints = 0;
	seen.pages_fail = true;
	err(d, 1);
	assert_int_equal(daemon_flush(d), 0);
	assert_true(d->db_state.failing);
	seen.given_again = true;
	for (int i = 2; i < 20; i++) {
		seen.pages_fail = i % 2; /* whenever all is given again */
		err(d, (unsigned int)i);
		assert_int_equal(daemon_flush(d), 0);
	}
	assert_true(d->db_state.failing);
	assert_int_equal(seen.complaints, 2);
	d->db_state.retry_at =
		usec(0); /* the minute is over, and the page can be stored */
	seen.pages_fail = false;
	err(d, 30);
	assert_int_equal(daemon_flush(d), 0);
	assert_false(d->db_state.failing);
	assert_int_equal(daemon_flush(d), 0);
	assert_int_equal(seen.complaints, 3);
	seen.given_again = false;
	free_daemon(d);
}

/* At the end nothing new is begun. */
static void stopping(void **state)
{
	struct daemon *d = new_daemon();

	err(d, 1);
	err(d, 2);
	forget();
	d->stopping = true;
	answer(d, 1);
	assert_string_equal(seen.log, "R");
	assert_false(outbox_has_attempts(&d->out));
	free_daemon(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_attempt),
		cmocka_unit_test(intents_share_a_commit),
		cmocka_unit_test(launch_within_a_turn),
		cmocka_unit_test(answers_bring_the_next),
		cmocka_unit_test(groups_are_bounded),
		cmocka_unit_test(failing_commit),
		cmocka_unit_test(failing_read),
		cmocka_unit_test(failing_row),
		cmocka_unit_test(failing_worker),
		cmocka_unit_test(refused),
		cmocka_unit_test(stopping),
		cmocka_unit_test(flush_serves),
		cmocka_unit_test(held_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
