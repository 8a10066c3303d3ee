/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What `softofflinectl monitor --exec` is made of: the queue of notices, and programs that
 * run one after another, fail, hang, and must not be trusted.
 */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/mem.h"
#include "notify/hooks.h"
#include "notify/notice_queue.h"
#include "notify/standing.h"

static struct notice_report notice(const char *kind, const char *dimm)
{
	struct notice_report r = { .error = REPORT_NO_NUMBER };

	snprintf(r.kind, sizeof(r.kind), "%s", kind);
	snprintf(r.dimm, sizeof(r.dimm), "%s", dimm);
	return r;
}

static void queue_folds(void **state)
{
	struct notice_queue *q = calloc(1, sizeof(*q));
	struct notice_report a = notice("verdict", "A"), b = notice("verdict", "B");
	struct notice_entry e;
	uint64_t dropped;

	assert_non_null(q);
	strcpy(a.verdict_before, "watch");
	strcpy(a.verdict, "repair-at-reboot");
	notice_queue_add(q, &a);
	notice_queue_add(q, &b);
	strcpy(a.verdict_before, "repair-at-reboot");
	strcpy(a.verdict, "replace");
	notice_queue_add(q, &a);
	assert_true(notice_queue_take(q, &e, &dropped));
	assert_int_equal(e.times, 2);
	assert_string_equal(e.notice.dimm, "A");
	assert_string_equal(e.notice.verdict_before, "watch");
	assert_string_equal(e.notice.verdict, "replace");
	assert_true(notice_queue_take(q, &e, &dropped));
	assert_int_equal(e.times, 1);
	assert_string_equal(e.notice.dimm, "B");
	assert_int_equal(dropped, 0);
	assert_false(notice_queue_take(q, &e, &dropped));
	free(q);
}

static void queue_is_bounded(void **state)
{
	struct notice_queue *q = calloc(1, sizeof(*q));
	struct notice_entry e;
	uint64_t dropped;
	char name[32];

	assert_non_null(q);
	for (int i = 0; i < NOTICE_QUEUE_MAX + 5; i++) {
		struct notice_report r;

		snprintf(name, sizeof(name), "D%d", i);
		r = notice("fault", name);
		notice_queue_add(q, &r);
	}
	/* One that waits already finds its place. */
	notice_queue_add(q, &(struct notice_report){ .kind = "fault", .dimm = "D255" });
	assert_true(notice_queue_take(q, &e, &dropped));
	assert_string_equal(e.notice.dimm, "D0");
	assert_int_equal(dropped, 5);
	for (int i = 1; i < NOTICE_QUEUE_MAX; i++) {
		assert_true(notice_queue_take(q, &e, &dropped));
		assert_int_equal(dropped, 0); /* announced once */
	}
	assert_int_equal(e.times, 2);
	assert_false(notice_queue_take(q, &e, &dropped));
	free(q);
}

/*
 * Programs in a folder of their own.
 */

struct stage {
	sd_event *event;
	char folder[64];
	char out[80]; /* what the programs write */
};

static void put_program(const struct stage *s, const char *name, unsigned int mode,
			const char *text)
{
	char path[160];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", s->folder, name);
	f = fopen(path, "we");
	assert_non_null(f);
	fprintf(f, "#!/bin/sh\nexec >>%s\n%s\n", s->out, text);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void stage_begin(struct stage *s)
{
	strcpy(s->folder, "/tmp/softofflined-hooks-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	snprintf(s->out, sizeof(s->out), "%s/out.txt", s->folder);
	assert_true(sd_event_new(&s->event) >= 0);
}

static void end_loop(void *userdata)
{
	assert_true(sd_event_exit(userdata, 0) >= 0);
}

/* Runs the folder's programs for @n notices, and returns what they wrote, to be freed. */
static char *play(struct stage *s, const struct notice_report *r, unsigned int n,
		  usec_t limit)
{
	char *text = calloc(1, 4096);
	struct hooks *hooks;
	FILE *f;

	assert_non_null(text);
	assert_int_equal(hooks_new(&hooks, s->event, s->folder, limit), 0);
	hooks_on_idle(hooks, end_loop, s->event);
	for (unsigned int i = 0; i < n; i++)
		hooks_put(hooks, &r[i]);
	if (!hooks_idle(hooks))
		assert_int_equal(sd_event_loop(s->event), 0);
	assert_true(hooks_idle(hooks));
	hooks_free(hooks);
	f = fopen(s->out, "re");
	if (f) {
		(void)!fread(text, 1, 4095, f);
		(void)fclose(f);
	}
	sd_event_unref(s->event);
	return text;
}

static void stage_end(struct stage *s)
{
	char command[120];

	snprintf(command, sizeof(command), "rm -rf %s", s->folder);
	assert_int_equal(system(command), 0);
	sd_event_unref(s->event);
}

static void standing_note(void *ctx, const struct notice_report *r)
{
	char *text = ctx;

	assert_int_equal(r->standing, 1);
	strcat(strcat(text, r->kind), " ");
	strcat(strcat(strcat(text, r->dimm), r->verdict), "\n");
}

static void standing_expect(struct standing *s, const struct status_report *status,
			    const struct dimm_report *dimms, size_t n, const char *want)
{
	char text[512] = "";

	standing_tell(s, status, dimms, n, 0, standing_note, text);
	assert_string_equal(text, want);
}

static void what_stands_is_said_once(void **state)
{
	struct standing *s = standing_new();
	struct status_report status = { .source_up = 1, .db_ok = 1, .hold = "none" };
	struct dimm_report dimms[] = {
		{ .label = "A", .verdict = "watch" },
		{ .label = "B", .verdict = "repair-at-reboot" },
		{ .label = "C", .verdict = "replace" },
		{ .label = "D", .verdict = "replace", .former = 1 },
	};
	struct notice_report r;

	assert_non_null(s);
	standing_expect(s, &status, dimms, 4,
			"verdict Brepair-at-reboot\nverdict Creplace\n");
	standing_expect(s, &status, dimms, 4, "");
	/* Heard from the daemon itself: no news. */
	r = notice("verdict", "A");
	strcpy(r.verdict, "replace");
	standing_heard(s, &r);
	strcpy(dimms[0].verdict, "replace");
	strcpy(dimms[1].verdict, "replace");
	standing_expect(s, &status, dimms, 4, "verdict Breplace\n");
	/* What has ended and comes back is news. */
	standing_expect(s, &status, dimms, 1, "");
	standing_expect(s, &status, dimms, 2, "verdict Breplace\n");
	status.source_up = status.db_ok = 0;
	strcpy(status.hold, "denied");
	standing_expect(s, &status, dimms, 1, "blind \nhold \ndatabase-failed \n");
	r = notice("database-works", "");
	standing_heard(s, &r);
	standing_expect(s, &status, dimms, 1, "database-failed \n");
	standing_free(s);
}

static void environment_is_fixed(void **state)
{
	_cleanup_(free_p) char *text = NULL;
	struct notice_report r = notice("verdict", "DIMM B 0");
	struct stage s;

	stage_begin(&s);
	assert_int_equal(setenv("SECRET", "1", 1), 0);
	put_program(&s, "10-first", 0755,
		    "echo $SOFTOFFLINE_KIND:$SOFTOFFLINE_DIMM:$SOFTOFFLINE_TIMES:"
		    "$SOFTOFFLINE_DROPPED:${SOFTOFFLINE_ERRNO-unset}:"
		    "$SOFTOFFLINE_STANDING:"
		    "${SECRET-unset}:$PWD:$(cat)");
	put_program(&s, "20-second", 0755, "echo second; exit 3");
	put_program(&s, "30-third", 0755, "echo third");
	put_program(&s, "40-not-executable", 0644, "echo no");
	put_program(&s, "50-old.dpkg-old", 0755, "echo no");
	put_program(&s, "60-of-all", 0777, "echo no");
	text = play(&s, &r, 1, HOOKS_TIME_LIMIT);
	assert_string_equal(text, "verdict:DIMM B 0:1:0:::unset:/:\nsecond\nthird\n");
	stage_end(&s);
}

static void equal_notices_share_a_run(void **state)
{
	_cleanup_(free_p) char *text = NULL;
	struct notice_report r[] = { notice("fault", "A"), notice("fault", "B"),
				     notice("fault", "B"), notice("fault", "B") };
	struct stage s;

	stage_begin(&s);
	put_program(&s, "tell", 0755, "echo $SOFTOFFLINE_DIMM $SOFTOFFLINE_TIMES");
	text = play(&s, r, 4, HOOKS_TIME_LIMIT);
	assert_string_equal(text, "A 1\nB 3\n");
	stage_end(&s);
}

/* It waits for a child that waits for ever; both end, and the next one has its turn. */
static void hanging_program(void **state)
{
	_cleanup_(free_p) char *text = NULL;
	struct notice_report r = notice("fault", "A");
	struct stage s;

	stage_begin(&s);
	put_program(&s, "1-hangs", 0755, "echo hangs\nsleep 100000\necho on");
	put_program(&s, "2-next", 0755, "echo next");
	text = play(&s, &r, 1, usec(USEC_PER_SEC / 2));
	assert_string_equal(text, "hangs\nnext\n");
	stage_end(&s);
}

static void folder_of_all(void **state)
{
	_cleanup_(free_p) char *text = NULL;
	struct notice_report r = notice("fault", "A");
	struct hooks *hooks;
	struct stage s;

	stage_begin(&s);
	put_program(&s, "tell", 0755, "echo no");
	assert_int_equal(chmod(s.folder, 0777), 0);
	text = play(&s, &r, 1, HOOKS_TIME_LIMIT);
	assert_string_equal(text, "");
	stage_end(&s);
	assert_int_equal(hooks_new(&hooks, NULL, s.folder, HOOKS_TIME_LIMIT), -ENOENT);
}

/* What it leaves behind, in a session of its own, ends with it: else "late" would follow. */
static void program_that_stays(void **state)
{
	_cleanup_(free_p) char *text = NULL;
	struct notice_report r[] = { notice("fault", "A"), notice("fault", "B") };
	char fifo[96], command[320];
	struct stage s;

	stage_begin(&s);
	snprintf(fifo, sizeof(fifo), "%s/pipe", s.folder);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	/* It opens the fifo once the child that stays has it open. */
	snprintf(
		command, sizeof(command),
		"trap '' TERM HUP\nsetsid sh -c 'trap \"\" TERM HUP; exec 9<>%s; echo 1 >&9; "
		"sleep 100000' &\nread -r x <%s\necho stays",
		fifo, fifo);
	put_program(&s, "1-stays", 0755, command);
	text = play(&s, r, 1, HOOKS_TIME_LIMIT);
	assert_string_equal(text, "stays\n");
	/* Nobody has it open: to open it for writing fails at once. */
	assert_int_equal(open(fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC), -1);
	assert_int_equal(errno, ENXIO);
	stage_end(&s);
}

/* 10,000 notices of 600 DIMMs: each is in a run, or is announced as lost. */
static void burst(void **state)
{
	enum { N = 10000, DIMMS = 600 };
	struct notice_report *r = calloc(N, sizeof(*r));
	_cleanup_(free_p) char *text = NULL;
	unsigned int sum = 0, lost = 0, runs = 0;
	struct stage s;
	char name[16];

	assert_non_null(r);
	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "D%d", i % DIMMS);
		r[i] = notice("first-ce", name);
	}
	stage_begin(&s);
	put_program(&s, "tell", 0755, "echo $SOFTOFFLINE_TIMES $SOFTOFFLINE_DROPPED");
	text = play(&s, r, N, HOOKS_TIME_LIMIT);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		unsigned int times, dropped;

		assert_int_equal(sscanf(line, "%u %u", &times, &dropped), 2);
		sum += times;
		lost += dropped;
		runs++;
	}
	assert_int_equal(runs, NOTICE_QUEUE_MAX + 1);
	assert_int_equal(sum + lost, N);
	assert_true(lost > 0);
	free(r);
	stage_end(&s);
}

/* No program could be run for the notice that would have announced it. */
static void loss_is_announced_later(void **state)
{
	_cleanup_(free_p) char *text = NULL;
	struct notice_report r = notice("fault", "first");
	struct hooks *hooks;
	struct stage s;
	char path[96], name[16];
	FILE *f;

	stage_begin(&s);
	/* In its first run it makes itself a program that is not trusted. */
	put_program(&s, "a", 0755,
		    "[ $SOFTOFFLINE_DIMM != first ] || chmod 0777 $0\n"
		    "[ $SOFTOFFLINE_DROPPED = 0 ] || echo $SOFTOFFLINE_DROPPED");
	assert_int_equal(hooks_new(&hooks, s.event, s.folder, HOOKS_TIME_LIMIT), 0);
	hooks_put(hooks, &r);
	for (int i = 0; i < NOTICE_QUEUE_MAX + 7; i++) {
		snprintf(name, sizeof(name), "D%d", i);
		r = notice("fault", name);
		hooks_put(hooks, &r);
	}
	while (!hooks_idle(hooks))
		assert_true(sd_event_run(s.event, UINT64_MAX) >= 0);
	snprintf(path, sizeof(path), "%s/a", s.folder);
	assert_int_equal(chmod(path, 0755), 0);
	r = notice("fault", "last");
	hooks_put(hooks, &r);
	while (!hooks_idle(hooks))
		assert_true(sd_event_run(s.event, UINT64_MAX) >= 0);
	hooks_free(hooks);
	text = calloc(1, 64);
	f = fopen(s.out, "re");
	assert_non_null(f);
	assert_non_null(fgets(text, 64, f));
	assert_string_equal(text, "7\n");
	assert_null(fgets(text, 64, f));
	fclose(f);
	stage_end(&s);
}

/* A link's target is judged where it is; a program that others may replace is not run. */
static void links(void **state)
{
	_cleanup_(free_p) char *text = NULL;
	struct notice_report r = notice("fault", "A");
	struct stage s, safe, open;
	char from[160], to[160];

	stage_begin(&s);
	stage_begin(&safe);
	stage_begin(&open);
	memcpy(safe.out, s.out, sizeof(s.out));
	memcpy(open.out, s.out, sizeof(s.out));
	put_program(&safe, "x", 0755, "echo safe ${0##*/}");
	put_program(&open, "x", 0755, "echo no");
	assert_int_equal(chmod(open.folder, 0777), 0);
	snprintf(to, sizeof(to), "%s/x", safe.folder);
	snprintf(from, sizeof(from), "%s/safe", s.folder);
	assert_int_equal(symlink(to, from), 0);
	snprintf(to, sizeof(to), "%s/x", open.folder);
	snprintf(from, sizeof(from), "%s/open", s.folder);
	assert_int_equal(symlink(to, from), 0);
	snprintf(from, sizeof(from), "%s/nowhere", s.folder);
	assert_int_equal(symlink("/nonexistent", from), 0);
	text = play(&s, &r, 1, HOOKS_TIME_LIMIT);
	assert_string_equal(text, "safe x\n");
	stage_end(&s);
	stage_end(&safe);
	stage_end(&open);
}

static void one_program(void **state)
{
	_cleanup_(free_p) char *text = NULL;
	_cleanup_(free_p) char *here = getcwd(NULL, 0);
	struct notice_report r = notice("fault", "A");
	struct stage s, none;
	struct hooks *hooks;

	assert_non_null(here);
	stage_begin(&s);
	put_program(&s, "tell.sh", 0755, "echo said");
	put_program(&s, "other", 0644, "echo no");
	/* By a path from here, and with any name. */
	assert_int_equal(chdir(s.folder), 0);
	none = s;
	strcpy(none.folder, "./tell.sh");
	text = play(&none, &r, 1, HOOKS_TIME_LIMIT);
	assert_string_equal(text, "said\n");
	assert_int_equal(hooks_new(&hooks, s.event, "other", HOOKS_TIME_LIMIT), -EACCES);
	assert_int_equal(chdir(here), 0);
	stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queue_folds),
		cmocka_unit_test(queue_is_bounded),
		cmocka_unit_test(what_stands_is_said_once),
		cmocka_unit_test(environment_is_fixed),
		cmocka_unit_test(equal_notices_share_a_run),
		cmocka_unit_test(hanging_program),
		cmocka_unit_test(folder_of_all),
		cmocka_unit_test(program_that_stays),
		cmocka_unit_test(burst),
		cmocka_unit_test(loss_is_announced_later),
		cmocka_unit_test(links),
		cmocka_unit_test(one_program),
	};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
