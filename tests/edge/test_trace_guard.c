/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The settings of the trace instance, each changed by somebody else: what a look says, and
 * what it writes. How the kernel answers is tested in tests/vm/daemon/tamper.sh.
 */

#include "fake_tracefs.h"

#define EVENT INSTANCE "events/ras/mc_event/"

/* What a kernel shows beyond the files of the fixture, as it should be. */
static const struct fixture_file more[] = {
	{ EVENT "filter", "none\n" },
	{ EVENT "trigger", "# Available triggers:\n# traceon traceoff snapshot hist\n" },
	{ INSTANCE "tracing_cpumask", "7\n" },
	{ INSTANCE "set_event_pid", "" },
	{ INSTANCE "set_event_notrace_pid", "" },
	{ INSTANCE "options/pause-on-trace", "0\n" },
	{ INSTANCE "options/overwrite", "1\n" },
	{ INSTANCE "current_tracer", "nop\n" },
	{ INSTANCE "buffer_subbuf_size_kb", "4\n" },
};

static void put_more(struct fixture *f)
{
	make_dir(f, INSTANCE "options");
	for (size_t i = 0; i < ARRAY_SIZE(more); i++)
		put_file(f, more[i].path, more[i].text);
}

static struct trace_look look(struct fixture *f)
{
	struct trace_look ret;

	trace_reader_look(f->reader, &ret);
	return ret;
}

static uint32_t bit(enum trace_change change)
{
	return UINT32_C(1) << change;
}

static void all_is_right(void **state)
{
	struct fixture *f = *state;

	put_more(f);
	open_reader(f);
	assert_int_equal(trace_reader_found(f->reader)->changes.bits, 0);
	assert_int_equal(look(f).changes.bits, 0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		assert_file(f, files[i].path, files[i].text);
	for (size_t i = 0; i < ARRAY_SIZE(more); i++)
		assert_file(f, more[i].path, more[i].text);
}

static const struct tampering {
	const char *file, *text, *undone;
	enum trace_change change;
	bool hides;
} rows[] = {
	{ "tracing_on", "0\n", "1", TRACE_CHANGE_TRACING_ON, true },
	{ "events/ras/mc_event/enable", "0\n", "1", TRACE_CHANGE_ENABLE, true },
	{ "events/ras/mc_event/enable", "0*\n", "1", TRACE_CHANGE_ENABLE, true },
	{ "events/ras/mc_event/filter", "error_count > 5\n", "0", TRACE_CHANGE_FILTER,
	  true },
	{ "events/ras/mc_event/trigger", "hist:keys=label:vals=hitcount [active]\n", "",
	  TRACE_CHANGE_HARMLESS_TRIGGER, false },
	{ "tracing_cpumask", "3\n", "7", TRACE_CHANGE_CPUS, true },
	{ "tracing_cpumask", "ffffffff,00000006\n", "7", TRACE_CHANGE_CPUS, true },
	{ "set_event_pid", "1\n12\n", "", TRACE_CHANGE_PIDS, true },
	{ "set_event_notrace_pid", "0\n", "", TRACE_CHANGE_PIDS, true },
	{ "trace_clock", "[local] global boot tai\n", "boot", TRACE_CHANGE_CLOCK, true },
	{ "buffer_size_kb", "7\n", "64", TRACE_CHANGE_SIZE, true },
	{ "buffer_size_kb", "X\n", "64", TRACE_CHANGE_SIZE, true },
	{ "buffer_subbuf_size_kb", "8\n", "4", TRACE_CHANGE_PAGE_SIZE, true },
	{ "options/pause-on-trace", "1\n", "0", TRACE_CHANGE_PAUSE, true },
	{ "options/overwrite", "0\n", "1", TRACE_CHANGE_OVERWRITE, false },
	{ "current_tracer", "function\n", "nop", TRACE_CHANGE_TRACER, false },
	{ "buffer_percent", "50\n", "0", TRACE_CHANGE_PERCENT, false },
};

static void path_in_instance(char *buf, size_t size, const char *file)
{
	snprintf(buf, size, INSTANCE "%s", file);
}

/* Under the reader: found, undone, and found once. */
static void each_change_is_undone(void **state)
{
	struct fixture *f = *state;
	struct trace_look l;
	char name[128];

	put_more(f);
	open_reader(f);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		path_in_instance(name, sizeof(name), rows[i].file);
		put_file(f, name, rows[i].text);
		l = look(f);
		if (l.changes.bits != bit(rows[i].change) || l.error != 0)
			fail_msg("%s: changes %x, error %d in %s", rows[i].text,
				 l.changes.bits, l.error, l.where);
		assert_int_equal(trace_changes_hide(l.changes), rows[i].hides);
		assert_file(f, name, rows[i].undone);
		assert_int_equal(look(f).changes.bits, 0);
	}
}

/* Left behind while no daemon ran: found by the next start. */
static void start_undoes(void **state)
{
	struct fixture *f = *state;
	char name[128];

	put_more(f);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t want = bit(rows[i].change);

		/* The start reads what another clock stamped; these are set without words. */
		if (rows[i].change == TRACE_CHANGE_CLOCK ||
		    rows[i].change == TRACE_CHANGE_PERCENT ||
		    rows[i].change == TRACE_CHANGE_SIZE ||
		    rows[i].change == TRACE_CHANGE_PAGE_SIZE)
			continue;
		path_in_instance(name, sizeof(name), rows[i].file);
		put_file(f, name, rows[i].text);
		open_reader(f);
		if (trace_reader_found(f->reader)->changes.bits != want)
			fail_msg("%s: found %x", rows[i].text,
				 trace_reader_found(f->reader)->changes.bits);
		assert_file(f, name, rows[i].undone);
		f->reader = trace_reader_close(f->reader);
	}
}

/* A source that is new to the daemon is off at a start, and that is no change. */
static void start_knows_new_sources(void **state)
{
	struct fixture *f = *state;

	put_more(f);
	put_failure_event(f, "ras");
	open_reader(f);
	assert_int_equal(trace_reader_found(f->reader)->changes.bits, 0);
	assert_file(f, INSTANCE "events/ras/memory_failure_event/enable", "1");
	put_file(f, INSTANCE "events/ras/memory_failure_event/enable", "0\n");
	assert_int_equal(look(f).changes.bits, bit(TRACE_CHANGE_ENABLE));
	assert_file(f, INSTANCE "events/ras/memory_failure_event/enable", "1");
}

/* The kernel removes a trigger by its name; a made-up file keeps the command. */
static void triggers_are_removed_by_name(void **state)
{
	static const struct {
		const char *text, *command;
		enum trace_change change;
	} triggers[] = {
		{ "traceoff:unlimited\n", "!traceoff", TRACE_CHANGE_TRIGGER },
		{ "traceoff:count=1 if error_count > 2\n", "!traceoff",
		  TRACE_CHANGE_TRIGGER },
		{ "# comment\nsnapshot:unlimited\n", "!snapshot", TRACE_CHANGE_TRIGGER },
		{ "disable_event:ras:mc_event:unlimited\n", "!disable_event:ras:mc_event",
		  TRACE_CHANGE_TRIGGER },
		{ "disable_event:ras:mc_event:count=3 if a == 1\n",
		  "!disable_event:ras:mc_event", TRACE_CHANGE_TRIGGER },
		{ "enable_event:a:b\n", "!enable_event:a:b",
		  TRACE_CHANGE_HARMLESS_TRIGGER },
		{ "hist:keys=x\nstacktrace:unlimited\n", "!stacktrace",
		  TRACE_CHANGE_HARMLESS_TRIGGER },
		{ "stacktrace:unlimited\nnewer_than_us:x\n", "!newer_than_us",
		  TRACE_CHANGE_TRIGGER },
	};
	struct fixture *f = *state;

	put_more(f);
	open_reader(f);
	for (size_t i = 0; i < ARRAY_SIZE(triggers); i++) {
		struct trace_look l;

		put_file(f, EVENT "trigger", more[1].text);
		(void)look(f);
		put_file(f, EVENT "trigger", triggers[i].text);
		l = look(f);
		assert_int_equal(l.changes.bits, bit(triggers[i].change));
		assert_file(f, EVENT "trigger", triggers[i].command);
	}
}

/* What cannot be undone is said once, and again after it was right in between. */
static void what_stays_is_said_once(void **state)
{
	struct fixture *f = *state;
	struct trace_look l;

	put_more(f);
	open_reader(f);
	put_file(f, EVENT "trigger", "traceoff:unlimited\n");
	l = look(f);
	assert_int_equal(l.changes.bits, bit(TRACE_CHANGE_TRIGGER));
	assert_int_equal(l.error, -EIO);
	assert_string_equal(l.where, "events/ras/mc_event/trigger");
	put_file(f, EVENT "trigger", "traceoff:unlimited\n");
	put_file(f, INSTANCE "tracing_on", "0\n");
	l = look(f);
	assert_int_equal(l.changes.bits, bit(TRACE_CHANGE_TRACING_ON));
	put_file(f, EVENT "trigger", more[1].text);
	assert_int_equal(look(f).changes.bits, 0);
	put_file(f, EVENT "trigger", "traceoff:unlimited\n");
	assert_int_equal(look(f).changes.bits, bit(TRACE_CHANGE_TRIGGER));
}

/* Several at once are one look; a file that is not there is no finding. */
static void several_and_none(void **state)
{
	struct fixture *f = *state;
	char path[256];

	put_more(f);
	open_reader(f);
	put_file(f, INSTANCE "tracing_on", "0\n");
	put_file(f, EVENT "enable", "0\n");
	put_file(f, EVENT "filter", "cpu == 9\n");
	assert_int_equal(look(f).changes.bits, bit(TRACE_CHANGE_TRACING_ON) |
						       bit(TRACE_CHANGE_ENABLE) |
						       bit(TRACE_CHANGE_FILTER));
	path_of(f, path, sizeof(path), INSTANCE "tracing_cpumask");
	assert_int_equal(unlink(path), 0);
	path_of(f, path, sizeof(path), EVENT "filter");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(look(f).changes.bits, 0);
}

/* Another directory is there: nothing in it is touched. A path that leads nowhere is no
 * removal; tracefs may be unmounted. */
static void remade(void **state)
{
	struct fixture *f = *state;
	char from[256], to[256];

	put_more(f);
	open_reader(f);
	path_of(f, from, sizeof(from), "instances/softofflined");
	path_of(f, to, sizeof(to), "instances/old");
	assert_int_equal(rename(from, to), 0);
	put_file(f, "instances/old/tracing_on", "0\n");
	assert_int_equal(look(f).changes.bits, bit(TRACE_CHANGE_TRACING_ON));
	make_dir(f, "instances/softofflined");
	put_file(f, INSTANCE "tracing_on", "0\n");
	assert_int_equal(look(f).changes.bits, bit(TRACE_CHANGE_REMADE));
	assert_file(f, INSTANCE "tracing_on", "0\n");
}

/* A file that cannot be read is named, and is no finding. */
static void unread(void **state)
{
	struct fixture *f = *state;
	struct trace_look l;
	char path[256];

	put_more(f);
	path_of(f, path, sizeof(path), INSTANCE "current_tracer");
	assert_int_equal(unlink(path), 0);
	make_dir(f, INSTANCE "current_tracer");
	open_reader(f);
	l = look(f);
	assert_int_equal(l.changes.bits, 0);
	assert_int_equal(l.unread, -EISDIR);
	assert_string_equal(l.unread_file, "current_tracer");
}

/* Pipes that are opened again are read on. */
static void pipes_again(void **state)
{
	struct fixture *f = *state;

	open_reader(f);
	put_page(f, 1, 2);
	assert_int_equal(read_pages(f, 10), 1);
	trace_reader_reopen(f->reader);
	assert_int_equal(trace_reader_open_pipes(f->reader), CPUS - 1);
	put_page(f, 1, 2);
	assert_int_equal(read_pages(f, 10), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_is_right),
		TEST(each_change_is_undone),
		TEST(start_undoes),
		TEST(start_knows_new_sources),
		TEST(triggers_are_removed_by_name),
		TEST(what_stays_is_said_once),
		TEST(several_and_none),
		TEST(remade),
		TEST(unread),
		TEST(pipes_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
