/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The D-Bus object: what goes over the wire, which caller gets which answer, and the
 * Offline calls that wait.
 */

#include "bus_fixture.h"

/* Reads one row and compares it with what fill() made of @salt. */
static void expect_row(struct fixture *f, const struct report_field *fields, size_t n,
		       int salt, bool root)
{
	union {
		struct status_report status;
		struct page_report page;
		struct history_report history;
		struct ce_report ce;
		struct dimm_report dimm;
		struct node_report node;
	} want, got;

	memset(&want, 0, sizeof(want));
	memset(&got, 0, sizeof(got));
	fill(&want, fields, n, salt);
	if (!root)
		report_redact(&want, fields, n);
	assert_int_equal(bus_read_report(f->reply, &got, fields, n), 1);
	assert_memory_equal(&want, &got, sizeof(want));
}

static void expect_lists(struct fixture *f, bool root)
{
	static const struct {
		const char *method;
		const struct report_field *(*fields)(size_t *);
	} lists[] = {
		{ "ListPages", page_report_fields },
		{ "ListHistory", history_report_fields },
		{ "ListErrors", ce_report_fields },
		{ "ListDimms", dimm_report_fields },
		{ "ListNodes", node_report_fields },
	};
	struct report_filter all = report_filter_all();

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const struct report_field *fields;
		size_t n;

		fields = lists[i].fields(&n);
		if (i < 3)
			assert_null(call_filter(f, lists[i].method, &all));
		else
			assert_null(call(f, new_call(f, lists[i].method)));
		assert_true(sd_bus_message_enter_container(f->reply, 'a', "a{sv}") > 0);
		expect_row(f, fields, n, 1, root);
		expect_row(f, fields, n, 2, root);
		assert_true(sd_bus_message_at_end(f->reply, false) > 0);
	}
}

static void test_lists_root(void **state)
{
	expect_lists(fixture_of(state), true);
}

static void test_lists_nobody(void **state)
{
	expect_lists(fixture_of(state), false);
}

static void test_status(void **state)
{
	struct fixture *f = fixture_of(state);
	const struct report_field *fields;
	size_t n;

	fields = status_report_fields(&n);
	assert_null(call(f, new_call(f, "GetStatus")));
	expect_row(f, fields, n, 1, false);
	f->r = -EIO;
	assert_string_equal(call(f, new_call(f, "GetStatus")), SD_BUS_ERROR_IO_ERROR);
}

static void test_unknown_is_absent(void **state)
{
	struct fixture *f = fixture_of(state);
	struct report_filter all = report_filter_all();
	struct history_report got;
	const struct report_field *fields;
	size_t n;

	/* Numbers of salt 1 are known; the addresses are not shown. */
	fields = history_report_fields(&n);
	f->rows = 1;
	assert_null(call_filter(f, "ListHistory", &all));
	assert_true(sd_bus_message_enter_container(f->reply, 'a', "a{sv}") > 0);
	assert_int_equal(bus_read_report(f->reply, &got, fields, n), 1);
	assert_int_equal(got.address, REPORT_NO_ADDRESS);
	assert_int_equal(got.time, 1000);
}

static void test_address_is_secret(void **state)
{
	struct report_filter filter = report_filter_all();
	struct fixture *f = fixture_of(state);

	filter.has_address = true;
	assert_string_equal(call_filter(f, "ListPages", &filter),
			    SD_BUS_ERROR_ACCESS_DENIED);
	assert_string_equal(call_filter(f, "ListHistory", &filter),
			    SD_BUS_ERROR_ACCESS_DENIED);
	assert_string_equal(call_filter(f, "ListErrors", &filter),
			    SD_BUS_ERROR_ACCESS_DENIED);
	assert_int_equal(f->calls, 0);
}

static void test_acting_is_denied(void **state)
{
	struct fixture *f = fixture_of(state);
	sd_bus_message *m;

	assert_string_equal(call(f, new_call(f, "Reload")), SD_BUS_ERROR_ACCESS_DENIED);
	assert_string_equal(call_address(f, "Offline", 1), SD_BUS_ERROR_ACCESS_DENIED);
	assert_string_equal(call_address(f, "Forget", 1), SD_BUS_ERROR_ACCESS_DENIED);
	assert_string_equal(call_address(f, "Explain", 1), SD_BUS_ERROR_ACCESS_DENIED);
	m = new_call(f, "ForgetDimm");
	assert_true(sd_bus_message_append(m, "s", "A") >= 0);
	assert_string_equal(call(f, m), SD_BUS_ERROR_ACCESS_DENIED);
	assert_int_equal(f->calls, 0);
	assert_null(call(f, new_call(f, "GetPolicy")));
}

static void test_filter_arrives(void **state)
{
	struct report_filter filter = { .state = "failed",
					.has_address = true,
					.address = 0x1234,
					.cursor = 77,
					.since = -5,
					.until = 5,
					.limit = 9 };
	struct fixture *f = fixture_of(state);

	assert_null(call_filter(f, "ListPages", &filter));
	assert_string_equal(f->state, "failed");
	assert_true(f->filter.has_address);
	assert_int_equal(f->filter.address, 0x1234);
	assert_int_equal(f->filter.cursor, 77);
	assert_int_equal(f->filter.since, -5);
	assert_int_equal(f->filter.until, 5);
	assert_int_equal(f->filter.limit, 9);
}

static void expect_bad_filter(struct fixture *f, const char *key, const char *type, ...)
{
	sd_bus_message *m = new_call(f, "ListPages");
	char expected[64];
	va_list args;

	assert_true(sd_bus_message_open_container(m, 'a', "{sv}") >= 0);
	assert_true(sd_bus_message_open_container(m, 'e', "sv") >= 0);
	assert_true(sd_bus_message_append(m, "s", key) >= 0);
	assert_true(sd_bus_message_open_container(m, 'v', type) >= 0);
	va_start(args, type);
	assert_true(sd_bus_message_appendv(m, type, args) >= 0);
	va_end(args);
	assert_true(sd_bus_message_close_container(m) >= 0);
	assert_true(sd_bus_message_close_container(m) >= 0);
	assert_true(sd_bus_message_close_container(m) >= 0);
	assert_string_equal(call(f, m), BUS_ERROR_INVALID);
	snprintf(expected, sizeof(expected), "The filter's \"%.23s\"", key);
	assert_ptr_equal(strstr(error_text(f), expected), error_text(f));
	assert_int_equal(f->calls, 0);
}

static void test_bad_filters(void **state)
{
	struct fixture *f = fixture_of(state);

	expect_bad_filter(f, "stat", "s", "failed");
	expect_bad_filter(f, "", "s", "failed");
	expect_bad_filter(f, "a-key-that-is-far-longer-than-any", "s", "failed");
	expect_bad_filter(f, "state", "s", "lost");
	expect_bad_filter(f, "state", "t", UINT64_C(1));
	expect_bad_filter(f, "address", "s", "0x1000");
	expect_bad_filter(f, "limit", "t", UINT64_C(1));
	expect_bad_filter(f, "since", "as", 1, "x");
}

static void test_bad_signatures(void **state)
{
	struct fixture *f = fixture_of(state);
	sd_bus_message *m = new_call(f, "Offline");

	assert_true(sd_bus_message_append(m, "s", "0x1000") >= 0);
	assert_string_equal(call(f, m), SD_BUS_ERROR_INVALID_ARGS);
	assert_string_equal(call(f, new_call(f, "ListPages")), SD_BUS_ERROR_INVALID_ARGS);
	assert_string_equal(call(f, new_call(f, "Hard")), SD_BUS_ERROR_UNKNOWN_METHOD);
	assert_int_equal(f->calls, 0);
}

static void test_cursor(void **state)
{
	struct report_filter all = report_filter_all();
	struct fixture *f = fixture_of(state);
	uint64_t cursor = 0;

	f->next_cursor = 4711;
	assert_null(call_filter(f, "ListPages", &all));
	assert_true(sd_bus_message_skip(f->reply, "aa{sv}") >= 0);
	assert_true(sd_bus_message_read(f->reply, "t", &cursor) > 0);
	assert_int_equal(cursor, 4711);
}

static void test_odd_label(void **state)
{
	struct fixture *f = fixture_of(state);
	const struct report_field *fields;
	struct dimm_report got;
	size_t n;

	f->why = "odd";
	fields = dimm_report_fields(&n);
	assert_null(call(f, new_call(f, "ListDimms")));
	assert_true(sd_bus_message_enter_container(f->reply, 'a', "a{sv}") > 0);
	assert_int_equal(bus_read_report(f->reply, &got, fields, n), 1);
	assert_string_equal(got.label, "??[2J");
}

static void test_texts(void **state)
{
	struct fixture *f = fixture_of(state);
	const char *text;

	f->why = "one\ntwo\n";
	assert_null(call(f, new_call(f, "GetPolicy")));
	assert_true(sd_bus_message_read(f->reply, "s", &text) > 0);
	assert_string_equal(text, "one\ntwo\n");
	assert_null(call(f, new_call(f, "Reload")));
	assert_true(sd_bus_message_read(f->reply, "s", &text) > 0);
	assert_string_equal(text, "one\ntwo\n");
	f->r = -EINVAL;
	assert_string_equal(call(f, new_call(f, "Reload")), BUS_ERROR_CONFIG);
	assert_string_equal(error_text(f), "one\ntwo\n");
	f->why = NULL;
	assert_string_equal(call(f, new_call(f, "Reload")), BUS_ERROR_CONFIG);
	f->r = -ENOMEM;
	assert_string_equal(call(f, new_call(f, "GetPolicy")), SD_BUS_ERROR_NO_MEMORY);
	f->r = 0;
	assert_null(call(f, new_call(f, "Reload")));
	assert_true(sd_bus_message_read(f->reply, "s", &text) > 0);
	assert_string_equal(text, "");
}

static void test_policy_for(void **state)
{
	struct fixture *f = fixture_of(state);
	sd_bus_message *m = new_call(f, "GetPolicyFor");
	const char *text;

	f->why = "one\n";
	assert_true(sd_bus_message_append(m, "sy", "A1", 3) >= 0);
	assert_null(call(f, m));
	assert_string_equal(f->label, "A1 of mc3");
	assert_true(sd_bus_message_read(f->reply, "s", &text) > 0);
	assert_string_equal(text, "one\n");
	assert_non_null(call(f, new_call(f, "GetPolicyFor")));
}

static void test_explain(void **state)
{
	struct fixture *f = fixture_of(state);
	sd_bus_message *m = new_call(f, "Explain");
	struct outlook_report got;
	const struct report_field *fields;
	size_t n;

	assert_true(sd_bus_message_append(m, "t", UINT64_C(0x1234)) >= 0);
	assert_null(call(f, m));
	assert_int_equal(f->address, 0x1234);
	fields = outlook_report_fields(&n);
	assert_int_equal(bus_read_report(f->reply, &got, fields, n), 1);
	assert_string_equal(got.action, "soft");
	assert_int_equal(got.in_window, 3);
	assert_true(got.until == REPORT_NO_NUMBER);
	assert_int_equal(got.next_try, 77);

	m = new_call(f, "Explain");
	f->r = -ENOENT;
	f->why = "not known";
	assert_true(sd_bus_message_append(m, "t", UINT64_C(0x1234)) >= 0);
	assert_string_equal(call(f, m), BUS_ERROR_NOT_FOUND);
}

static void test_errors_are_named(void **state)
{
	static const struct {
		int r;
		const char *name;
	} cases[] = {
		{ -ENOENT, BUS_ERROR_NOT_FOUND }, { -EINVAL, BUS_ERROR_INVALID },
		{ -ERANGE, BUS_ERROR_INVALID },   { -EBUSY, BUS_ERROR_BUSY },
		{ -EIO, SD_BUS_ERROR_IO_ERROR },
	};
	struct fixture *f = fixture_of(state);

	f->why = "because";
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		f->r = cases[i].r;
		assert_string_equal(call_address(f, "Forget", 1), cases[i].name);
		assert_string_equal(error_text(f), "because");
		assert_string_equal(call_address(f, "Offline", 1), cases[i].name);
		assert_string_equal(error_text(f), "because");
	}
	f->why = NULL;
	f->r = -ENOENT;
	assert_string_equal(call_address(f, "Forget", 1), BUS_ERROR_NOT_FOUND);
	assert_string_equal(error_text(f), "nothing of that name or address is known");
	f->r = -EIO;
	assert_string_equal(call_address(f, "Forget", 1), SD_BUS_ERROR_IO_ERROR);
	assert_non_null(strstr(error_text(f), "without a database"));
}

static void test_forget(void **state)
{
	struct fixture *f = fixture_of(state);
	sd_bus_message *m;

	assert_null(call_address(f, "Forget", UINT64_MAX));
	assert_int_equal(f->address, UINT64_MAX);
	m = new_call(f, "ForgetDimm");
	assert_true(sd_bus_message_append(m, "s", "P1") >= 0);
	assert_null(call(f, m));
	assert_string_equal(f->label, "P1");
}

static void expect_result(struct fixture *f, const char *want, int want_error)
{
	const char *result;
	int error;

	assert_null(sd_bus_message_get_error(f->reply));
	assert_true(sd_bus_message_read(f->reply, "si", &result, &error) > 0);
	assert_string_equal(result, want);
	assert_int_equal(error, want_error);
}

static void start_offline(struct fixture *f, uint64_t address)
{
	unsigned int before = f->calls;
	sd_bus_message *m = new_call(f, "Offline");
	bool done = false;

	assert_true(sd_bus_message_append(m, "t", address) >= 0);
	send_call(f, m);
	for (int i = 0; i < ROUNDS && !done; i++) {
		work(f);
		done = f->calls > before || f->reply;
	}
	assert_true(done);
}

static void test_offline_waits(void **state)
{
	struct fixture *f = fixture_of(state);

	start_offline(f, 0x1a2b3c000);
	assert_int_equal(f->address, 0x1a2b3c000);
	assert_null(f->reply);
	bus_reply_offline(f->bus, f->cookies[0] + 1, RESULT_OFFLINED, 0);
	bus_reply_offline(f->bus, f->cookies[0], RESULT_BUSY, EBUSY);
	pump_reply(f);
	expect_result(f, "busy", EBUSY);
	bus_reply_offline(f->bus, f->cookies[0], RESULT_OFFLINED, 0);
}

static void test_offline_answered_within(void **state)
{
	struct fixture *f = fixture_of(state);

	f->answer_at_once = true;
	assert_null(call_address(f, "Offline", 1));
	expect_result(f, "already", 0);
	f->r = -EIO; /* the answer was given; it stands */
	assert_null(call_address(f, "Offline", 1));
	expect_result(f, "already", 0);
}

static void test_offline_is_bounded(void **state)
{
	struct fixture *f = fixture_of(state);

	for (int i = 0; i < BUS_MAX_OFFLINES; i++)
		start_offline(f, 1);
	assert_int_equal(f->calls, BUS_MAX_OFFLINES);
	assert_string_equal(call_address(f, "Offline", 1), BUS_ERROR_BUSY);
	assert_int_equal(f->calls, BUS_MAX_OFFLINES);
	f->reply = sd_bus_message_unref(f->reply);
	bus_reply_offline(f->bus, f->cookies[5], RESULT_OFFLINED, 0);
	pump_reply(f);
	expect_result(f, "offlined", 0);
	f->reply = sd_bus_message_unref(f->reply);
	start_offline(f, 1);
	assert_int_equal(f->calls, BUS_MAX_OFFLINES + 1);
	for (int i = 0; i < BUS_MAX_OFFLINES; i++)
		for (int j = i + 1; j < BUS_MAX_OFFLINES; j++)
			assert_int_not_equal(f->cookies[i], f->cookies[j]);
}

static void test_offline_refused_frees_its_place(void **state)
{
	struct fixture *f = fixture_of(state);

	f->r = -EINVAL;
	for (int i = 0; i < 2 * BUS_MAX_OFFLINES; i++)
		assert_string_equal(call_address(f, "Offline", 1), BUS_ERROR_INVALID);
}

static void test_unanswered_at_stop(void **state)
{
	struct fixture *f = fixture_of(state);

	start_offline(f, 1);
	f->bus = bus_free(f->bus);
	pump_reply(f);
	assert_string_equal(sd_bus_message_get_error(f->reply)->name, BUS_ERROR_STOPPING);
}

static const char *get_property(struct fixture *f, const char *name)
{
	sd_bus_message *m = NULL;

	assert_true(sd_bus_message_new_method_call(f->client, &m, BUS_NAME, BUS_PATH,
						   "org.freedesktop.DBus.Properties",
						   "Get") >= 0);
	assert_true(sd_bus_message_append(m, "ss", BUS_INTERFACE, name) >= 0);
	return call(f, m);
}

static void test_properties(void **state)
{
	struct fixture *f = fixture_of(state);
	const char *text;
	int64_t started;

	f->r = -EIO;
	assert_string_equal(get_property(f, "Verdict"), SD_BUS_ERROR_IO_ERROR);
	f->r = 0;
	assert_null(get_property(f, "Version"));
	assert_true(sd_bus_message_read(f->reply, "v", "s", &text) > 0);
	assert_string_equal(text, "text 1 of daemon.versio"); /* cut to the member */
	assert_null(get_property(f, "Verdict"));
	assert_true(sd_bus_message_read(f->reply, "v", "s", &text) > 0);
	assert_string_equal(text, "text 1 of verdict");
	assert_null(get_property(f, "Started"));
	assert_true(sd_bus_message_read(f->reply, "v", "x", &started) > 0);
	assert_int_equal(started, 1003);
	assert_int_equal(f->calls, 2); /* one status does for a moment */
}

static void test_introspection(void **state)
{
	static const char *const names[] = { "GetStatus",    "ListPages", "ListHistory",
					     "ListErrors",   "ListDimms", "GetPolicy",
					     "GetPolicyFor", "Explain",   "Reload",
					     "Offline",      "Forget",    "ForgetDimm",
					     "Version",      "Verdict",   "Started",
					     "Changed",      "ListNodes", "Notice" };
	struct fixture *f = fixture_of(state);
	sd_bus_message *m = NULL;
	const char *text;

	assert_true(sd_bus_message_new_method_call(f->client, &m, BUS_NAME, BUS_PATH,
						   "org.freedesktop.DBus.Introspectable",
						   "Introspect") >= 0);
	assert_null(call(f, m));
	assert_true(sd_bus_message_read(f->reply, "s", &text) > 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char quoted[32];

		snprintf(quoted, sizeof(quoted), "name=\"%s\"", names[i]);
		assert_non_null(strstr(text, quoted));
	}
}

static int take_signal(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct fixture *f = userdata;

	f->signals++;
	return 0;
}

static int take_notice(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	size_t n;
	const struct report_field *fields = notice_report_fields(&n);

	assert_int_equal(bus_read_report(m, userdata, fields, n), 1);
	return 0;
}

static void test_signal(void **state)
{
	struct fixture *f = fixture_of(state);
	struct notice_report sent = { 0 }, got = { 0 };
	bool done = false;
	size_t n;
	const struct report_field *fields = notice_report_fields(&n);

	assert_true(sd_bus_match_signal(f->client, NULL, NULL, BUS_PATH, BUS_INTERFACE,
					"Changed", take_signal, f) >= 0);
	assert_true(sd_bus_match_signal(f->client, NULL, NULL, BUS_PATH, BUS_INTERFACE,
					"Notice", take_notice, &got) >= 0);
	fill(&sent, fields, n, 1);
	memset(sent.dimm, 0, sizeof(sent.dimm));
	memset(sent.slot, 0, sizeof(sent.slot));
	strcpy(sent.dimm, "DIMM\xff\n");
	assert_null(call(f, new_call(f, "GetPolicy"))); /* the connection is up */
	bus_signal_notice(f->bus, &sent);
	for (int i = 0; i < ROUNDS && !done; i++) {
		work(f);
		done = f->signals > 0;
	}
	assert_int_equal(f->signals, 1);
	/* What happened comes first, with nothing that the bus would refuse. */
	strcpy(sent.dimm, "DIMM??");
	assert_memory_equal(&sent, &got, sizeof(sent));
}

/* A bus that takes nothing costs no wait, and no memory without end. */
static void test_signal_without_reader(void **state)
{
	struct fixture *f = fixture_of(state);
	struct notice_report r = { 0 };
	unsigned int before;
	size_t n;
	const struct report_field *fields = notice_report_fields(&n);

	assert_true(sd_bus_match_signal(f->client, NULL, NULL, BUS_PATH, BUS_INTERFACE,
					"Changed", take_signal, f) >= 0);
	assert_null(call(f, new_call(f, "GetPolicy"))); /* the connection is up */
	for (int i = 0; i < 16000; i++) {
		fill(&r, fields, n, i);
		bus_signal_notice(f->bus, &r);
	}
	do {
		before = f->signals;
		for (int i = 0; i < 1000; i++)
			work(f);
	} while (f->signals != before);
	/* What is kept here, and what the socket takes. */
	assert_in_range(f->signals, 2048, 15999);
}

/* A message that was made here, ready to be read. */
static void turn(sd_bus_message *m)
{
	assert_true(sd_bus_message_seal(m, 1, 0) >= 0);
	assert_true(sd_bus_message_rewind(m, true) >= 0);
}

static void test_read_foreign_report(void **state)
{
	struct fixture *f = fixture_of(state);
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *m = new_call(f, "X");
	const struct report_field *fields;
	struct page_report page;
	size_t n;

	fields = page_report_fields(&n);
	memset(&page, 1, sizeof(page));
	assert_true(sd_bus_message_append(m, "a{sv}", 5, "state", "s",
					  "a word of more than 23 letters", "attempts",
					  "s", "3", /* of another type */
					  "from-the-future", "a(tt)", 0, /* unknown */
					  "corrected_errors", "t", UINT64_C(7), "pfn",
					  "x", INT64_C(3)) >= 0);
	turn(m);
	assert_int_equal(bus_read_report(m, &page, fields, n), 1);
	assert_string_equal(page.state, "a word of more than 23 ");
	assert_int_equal(page.attempts, REPORT_NO_COUNT);
	assert_int_equal(page.corrected_errors, 7);
	assert_int_equal(page.pfn, REPORT_NO_ADDRESS);
	assert_int_equal(page.last_seen, REPORT_NO_NUMBER);
	assert_string_equal(page.dimm, "");
}

static void test_read_no_report(void **state)
{
	struct fixture *f = fixture_of(state);
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *m = new_call(f, "X");
	const struct report_field *fields;
	struct page_report page;
	size_t n;

	fields = page_report_fields(&n);
	assert_true(sd_bus_message_append(m, "a{ss}", 1, "state", "failed") >= 0);
	turn(m);
	assert_true(bus_read_report(m, &page, fields, n) < 0);
}

int main(void)
{
	const struct CMUnitTest nobody[] = {
		TEST_NOBODY(test_lists_nobody),
		TEST_NOBODY(test_status),
		TEST_NOBODY(test_unknown_is_absent),
		TEST_NOBODY(test_address_is_secret),
		TEST_NOBODY(test_acting_is_denied),
		TEST_NOBODY(test_bad_filters),
		TEST_NOBODY(test_bad_signatures),
		TEST_NOBODY(test_cursor),
		TEST_NOBODY(test_odd_label),
		TEST_NOBODY(test_properties),
		TEST_NOBODY(test_introspection),
		TEST_NOBODY(test_signal),
		TEST_NOBODY(test_signal_without_reader),
		TEST_NOBODY(test_read_foreign_report),
		TEST_NOBODY(test_read_no_report),
	};
	const struct CMUnitTest root[] = {
		TEST_ROOT(test_lists_root),
		TEST_ROOT(test_filter_arrives),
		TEST_ROOT(test_bad_filters),
		TEST_ROOT(test_texts),
		TEST_ROOT(test_policy_for),
		TEST_ROOT(test_explain),
		TEST_ROOT(test_errors_are_named),
		TEST_ROOT(test_forget),
		TEST_ROOT(test_offline_waits),
		TEST_ROOT(test_offline_answered_within),
		TEST_ROOT(test_offline_is_bounded),
		TEST_ROOT(test_offline_refused_frees_its_place),
		TEST_ROOT(test_unanswered_at_stop),
	};
	int failed = cmocka_run_group_tests(nobody, NULL, NULL);

	become_root();
	return failed + cmocka_run_group_tests(root, NULL, NULL);
}
