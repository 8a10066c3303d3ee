/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What a call may cost: rows, turns, places in a line. Who is root is served before all
 * others only where callers are several users, which is under tests/fault.
 */

#include "bus_fixture.h"

static void expect_most(struct fixture *f, uint32_t most)
{
	struct report_filter all = report_filter_all();

	assert_null(call_filter(f, "ListErrors", &all));
	assert_string_equal(f->state, "");
	assert_false(f->filter.has_address);
	assert_int_equal(f->filter.since, INT64_MIN);
	assert_int_equal(f->filter.until, INT64_MAX);
	assert_int_equal(f->filter.limit, most);
	all.limit = most + 1;
	assert_null(call_filter(f, "ListErrors", &all));
	assert_int_equal(f->filter.limit, most);
}

static void test_filter_of_nothing_root(void **state)
{
	struct fixture *f = fixture_of(state);

	expect_most(f, BUS_MAX_ROWS);
	assert_true(f->filter.fresh);
}

static void test_filter_of_nothing_nobody(void **state)
{
	struct fixture *f = fixture_of(state);

	expect_most(f, BUS_OTHERS_ROWS);
	assert_false(f->filter.fresh);
}

/* Rows of the answer to a list with a cursor. */
static uint32_t count_rows(struct fixture *f, uint64_t *ret_cursor)
{
	uint32_t n = 0;

	assert_true(sd_bus_message_enter_container(f->reply, 'a', "a{sv}") > 0);
	while (sd_bus_message_skip(f->reply, "a{sv}") > 0)
		n++;
	assert_true(sd_bus_message_exit_container(f->reply) > 0);
	assert_true(sd_bus_message_read(f->reply, "t", ret_cursor) > 0);
	return n;
}

static void expect_rows(struct fixture *f, uint32_t most)
{
	struct report_filter all = report_filter_all();
	uint64_t cursor;

	f->rows = most + 1;
	assert_null(call_filter(f, "ListErrors", &all));
	assert_int_equal(count_rows(f, &cursor), most);
	f->rude = true;
	f->rows = BUS_MAX_ROWS + 1;
	assert_string_equal(call_filter(f, "ListErrors", &all), "System.Error.E2BIG");
}

static void test_most_rows_root(void **state)
{
	expect_rows(fixture_of(state), BUS_MAX_ROWS);
}

static void test_most_rows_nobody(void **state)
{
	expect_rows(fixture_of(state), BUS_OTHERS_ROWS);
}

/* Who is not root gets an answer after some parts, and a cursor for the rest. */
static void test_parts_are_bounded(void **state)
{
	struct report_filter all = report_filter_all();
	struct fixture *f = fixture_of(state);
	uint64_t cursor;

	f->rows = 0;
	f->next_cursor = 4711;
	all.cursor = 5000;
	assert_null(call_filter(f, "ListErrors", &all));
	assert_int_equal(count_rows(f, &cursor), 0);
	assert_int_equal(cursor, 4711);
	assert_int_equal(f->calls, BUS_OTHERS_PARTS);
	assert_int_equal(f->filter.cursor, 4711); /* the parts after the first */
}

/* Between two parts the loop does other things: an answer of root's is not late. */
static void test_list_is_made_in_turns(void **state)
{
	struct report_filter all = report_filter_all();
	struct fixture *f = fixture_of(state);
	sd_bus_message *m = new_call(f, "ListErrors");
	uint64_t cursor;

	f->rows = 10;
	f->next_cursor = 4711; /* without end */
	assert_true(bus_append_filter(m, &all) >= 0);
	send_call(f, m);
	while (f->calls < 5)
		work(f);
	assert_null(f->reply);
	assert_null(call(f, new_call(f, "GetPolicy")));
	assert_true(f->calls < 100);
	f->reply = sd_bus_message_unref(f->reply);
	f->next_cursor = 0; /* the end after all */
	pump_reply(f);
	assert_true(count_rows(f, &cursor) > 50);
	assert_int_equal(cursor, 0);
}

static int count_refused(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct fixture *f = userdata;

	f->answers++;
	if (sd_bus_message_is_method_error(m, BUS_ERROR_BUSY))
		f->refused++;
	return 0;
}

static void send_many(struct fixture *f, unsigned int n)
{
	f->answers = 0;
	f->refused = 0;
	for (unsigned int i = 0; i < n; i++) {
		_cleanup_(sd_bus_message_unref_p) sd_bus_message *m =
			new_call(f, "GetPolicy");

		assert_true(sd_bus_call_async(f->client, NULL, m, count_refused, f,
					      UINT64_MAX) >= 0);
	}
	for (int i = 0; i < ROUNDS && f->answers < n; i++)
		work(f);
	assert_int_equal(f->answers, n);
}

static void test_calls_of_a_user_are_bounded(void **state)
{
	struct fixture *f = fixture_of(state);

	send_many(f, BUS_CALLS_PER_USER);
	assert_int_equal(f->refused, 0);
	send_many(f, 10 * BUS_CALLS_PER_USER);
	assert_true(f->refused > 0);
	assert_int_equal(f->calls, 11 * BUS_CALLS_PER_USER - f->refused);
	assert_null(call(f, new_call(f, "GetPolicy")));
}

static void test_calls_of_root_are_many(void **state)
{
	struct fixture *f = fixture_of(state);

	send_many(f, 20 * BUS_CALLS_PER_USER);
	assert_int_equal(f->refused, 0);
}

static void test_nobody_waits_for_the_answer(void **state)
{
	struct report_filter all = report_filter_all();
	struct fixture *f = fixture_of(state);
	sd_bus_message *m = new_call(f, "ListErrors");

	assert_true(bus_append_filter(m, &all) >= 0);
	assert_true(sd_bus_message_set_expect_reply(m, false) >= 0);
	assert_true(sd_bus_send(f->client, m, NULL) >= 0);
	sd_bus_message_unref(m);
	assert_null(call(f, new_call(f, "GetPolicy")));
	assert_int_equal(f->calls, 1);
}

/* A message stays in memory while it waits: what is large is refused as it comes. */
static void test_large_arguments(void **state)
{
	struct fixture *f = fixture_of(state);
	sd_bus_message *m = new_call(f, "GetPolicyFor");
	char label[DIMM_LABEL_MAX + 1];

	memset(label, 'a', DIMM_LABEL_MAX);
	label[DIMM_LABEL_MAX] = '\0';
	assert_true(sd_bus_message_append(m, "sy", label, 0) >= 0);
	assert_string_equal(call(f, m), BUS_ERROR_INVALID);
	m = new_call(f, "ListPages");
	assert_true(sd_bus_message_open_container(m, 'a', "{sv}") >= 0);
	for (int i = 0; i < 17; i++)
		assert_true(sd_bus_message_append(m, "{sv}", "limit", "u", 1) >= 0);
	assert_true(sd_bus_message_close_container(m) >= 0);
	assert_string_equal(call(f, m), BUS_ERROR_INVALID);
	assert_int_equal(f->calls, 0);
}

static void test_end_of_the_connection(void **state)
{
	struct fixture *f = fixture_of(state);

	assert_null(call(f, new_call(f, "GetPolicy")));
	sd_bus_close(f->client);
	for (int i = 0; i < ROUNDS && f->downs == 0; i++)
		assert_true(sd_event_run(f->loop, 0) >= 0);
	assert_int_equal(f->downs, 1);
}

static void test_stopping_answers_what_waits(void **state)
{
	struct fixture *f = fixture_of(state);
	struct report_filter all = report_filter_all();
	sd_bus_message *m = new_call(f, "ListErrors");

	f->next_cursor = 4711;
	assert_true(bus_append_filter(m, &all) >= 0);
	send_call(f, m);
	while (f->calls < 3)
		work(f);
	f->bus = bus_free(f->bus);
	pump_reply(f);
	assert_string_equal(sd_bus_message_get_error(f->reply)->name, BUS_ERROR_STOPPING);
}

int main(void)
{
	const struct CMUnitTest nobody[] = {
		TEST_NOBODY(test_filter_of_nothing_nobody),
		TEST_NOBODY(test_most_rows_nobody),
		TEST_NOBODY(test_parts_are_bounded),
		TEST_NOBODY(test_calls_of_a_user_are_bounded),
		TEST_NOBODY(test_nobody_waits_for_the_answer),
		TEST_NOBODY(test_large_arguments),
		TEST_NOBODY(test_end_of_the_connection),
	};
	const struct CMUnitTest root[] = {
		TEST_ROOT(test_filter_of_nothing_root),
		TEST_ROOT(test_most_rows_root),
		TEST_ROOT(test_list_is_made_in_turns),
		TEST_ROOT(test_calls_of_root_are_many),
		TEST_ROOT(test_stopping_answers_what_waits),
	};
	int failed = cmocka_run_group_tests(nobody, NULL, NULL);

	become_root();
	return failed + cmocka_run_group_tests(root, NULL, NULL);
}
