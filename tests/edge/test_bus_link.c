/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The connection to a bus that is not there, comes, goes and comes back: when the next
 * try is, and that each change is one line. Bus and clock are made up.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* clang-format off: cmocka.h wants the others before it */
#include <cmocka.h>
/* clang-format on */

#include "edge/said.h"
#include "parts/bus_link.h"

#define SECOND USEC_PER_SEC

static struct bus_link l;
static sd_event *event;
static int connect_error;
static unsigned int connects;
static char a_bus;

/* Long ago: a timer that is set from it has run out when the loop looks. */
usec_t clock_boot(void)
{
	return usec(0);
}

int bus_connect(sd_bus **ret)
{
	connects++;
	return connect_error;
}

int bus_new(struct bus **ret, sd_bus *connection, sd_event *e, const struct bus_ops *ops,
	    void *ctx)
{
	*ret = (void *)&a_bus; /* only ever handed on */
	return 0;
}

struct bus *bus_free(struct bus *b)
{
	return NULL;
}

static void on_up(void *ctx)
{
	bus_link_up(ctx);
}

static void on_down(void *ctx, int error)
{
	bus_link_down(ctx, error);
}

static const struct bus_ops ops = { .up = on_up, .down = on_down };

static int start(void **state)
{
	connect_error = 0;
	connects = lines = 0;
	last[0] = '\0';
	return sd_event_new(&event) < 0 ? -1 : 0;
}

static int stop(void **state)
{
	bus_link_close(&l);
	event = sd_event_unref(event);
	return 0;
}

static void expect_retry(int64_t after)
{
	uint64_t when = 0;
	int on = SD_EVENT_OFF;

	assert_true(sd_event_source_get_enabled(l.retry, &on) >= 0);
	assert_int_equal(on, SD_EVENT_ONESHOT);
	assert_true(sd_event_source_get_time(l.retry, &when) >= 0);
	assert_int_equal(when, after);
}

static void retry(void)
{
	unsigned int before = connects;

	while (connects == before)
		assert_true(sd_event_run(event, UINT64_MAX) >= 0);
}

static void there_at_once(void **state)
{
	assert_int_equal(bus_link_open(&l, event, &ops, &l), 0);
	assert_int_equal(l.state, BUS_LINK_NEW); /* the name was only asked for */
	assert_non_null(l.bus);
	bus_link_up(&l);
	assert_int_equal(l.state, BUS_LINK_UP);
	assert_int_equal(lines, 0);
}

/* No bus: the waits grow to a minute, and one line is enough. */
static void never_there(void **state)
{
	static const int64_t waits[] = { SECOND / 4,  SECOND / 2,  SECOND,
					 2 * SECOND,  4 * SECOND,  8 * SECOND,
					 16 * SECOND, 32 * SECOND, 60 * SECOND,
					 60 * SECOND };

	connect_error = -ENOENT;
	assert_int_equal(bus_link_open(&l, event, &ops, &l), 0);
	for (size_t i = 0; i < sizeof(waits) / sizeof(*waits); i++) {
		assert_int_equal(l.state, BUS_LINK_DOWN);
		assert_null(l.bus);
		expect_retry(waits[i]);
		retry();
	}
	assert_int_equal(lines, 1);
	connect_error = 0;
	retry();
	assert_non_null(l.bus);
	bus_link_up(&l);
	assert_int_equal(lines, 2);
	assert_string_equal(last, "On the system bus.");
}

/* A bus that was there is looked for every five seconds, and first at once. */
static void restarted(void **state)
{
	assert_int_equal(bus_link_open(&l, event, &ops, &l), 0);
	bus_link_up(&l);
	connect_error = -ECONNREFUSED;
	bus_link_down(&l, -ECONNRESET);
	expect_retry(SECOND / 4);
	for (int i = 0; i < 7; i++)
		retry();
	expect_retry(5 * SECOND);
	assert_int_equal(lines, 1);
	assert_non_null(strstr(last, "The connection to the system bus ended"));
	connect_error = 0;
	retry();
	bus_link_up(&l);
	assert_string_equal(last, "On the system bus again.");
	bus_link_down(&l, -ECONNRESET);
	expect_retry(SECOND / 4);
	assert_int_equal(lines, 3);
}

static void says_why(void **state)
{
	static const struct {
		int error;
		const char *words;
	} rows[] = {
		{ -EEXIST, "belongs to another program" },
		{ -EACCES, "install org.softofflined1.conf" },
		{ -EPERM, "install org.softofflined1.conf" },
		{ -ENOBUFS, "takes no more answers" },
		{ -ENOENT, "No system bus" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(bus_link_open(&l, event, &ops, &l), 0);
		bus_link_down(&l, rows[i].error);
		assert_non_null(strstr(last, rows[i].words));
		bus_link_close(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(there_at_once, start, stop),
		cmocka_unit_test_setup_teardown(never_there, start, stop),
		cmocka_unit_test_setup_teardown(restarted, start, stop),
		cmocka_unit_test_setup_teardown(says_why, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
