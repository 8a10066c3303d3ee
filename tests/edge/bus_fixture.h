/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the tests of the D-Bus object share: both ends of a socket pair in one process,
 * made-up operations behind the object, and calls that let both ends work until the
 * answer is there. The caller's user is the one that made the socket pair, so root's part
 * of the tests needs root.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>

#include <cmocka.h>

#include "base/mem.h"
#include "tell/bus_encode.h"

#define NOBODY 65534
#define ROUNDS 100000 /* of the two ends, until an answer must be there */

struct fixture {
	sd_bus *client;
	struct bus *bus;
	sd_event *loop; /* the bus's */
	/* what the operations answer */
	int r;
	const char *why;
	uint64_t rows;
	uint64_t next_cursor;
	bool rude; /* gives more rows than it was asked for */
	bool answer_at_once;
	/* what they saw */
	unsigned int calls;
	struct report_filter filter;
	char state[REPORT_WORD_MAX];
	uint64_t address;
	uint64_t cookies[BUS_MAX_OFFLINES + 1];
	char label[DIMM_LABEL_MAX];
	/* what came back */
	sd_bus_message *reply;
	unsigned int signals;
	unsigned int downs;
	unsigned int answers;
	unsigned int refused;
};

DEFINE_CLEANUP(sd_bus_message *, sd_bus_message_unref)

static inline void fill(void *report, const struct report_field *fields, size_t n,
			int salt)
{
	for (size_t i = 0; i < n; i++) {
		char *at = (char *)report + fields[i].offset;
		int64_t number = 1000 * salt + (int64_t)i;

		switch (fields[i].type) {
		case FIELD_STRING:
			snprintf(at, fields[i].size, "text %d of %s", salt,
				 fields[i].key);
			break;
		case FIELD_BOOL:
			*(int8_t *)at = (int8_t)(i & 1);
			break;
		case FIELD_U64:
		case FIELD_ADDRESS:
		case FIELD_I64:
		case FIELD_TIME:
			memcpy(at, &number, sizeof(number));
			break;
		}
	}
}

static inline int fake_status(void *ctx, struct status_report *ret)
{
	struct fixture *f = ctx;
	size_t n;
	const struct report_field *fields = status_report_fields(&n);

	f->calls++;
	if (f->r == 0)
		fill(ret, fields, n, 1);
	return f->r;
}

static inline int give(struct fixture *f, const struct report_filter *filter,
		       void *report, const struct report_field *(*get)(size_t *),
		       report_fn fn, void *userdata)
{
	size_t n;
	const struct report_field *fields = get(&n);

	f->calls++;
	if (filter) {
		f->filter = *filter;
		snprintf(f->state, sizeof(f->state), "%s",
			 filter->state ? filter->state : "");
	}
	for (uint64_t i = 0; i < f->rows; i++) {
		int r;

		if (filter && filter->limit == i && !f->rude)
			return 0;

		fill(report, fields, n, (int)(i % 1000) + 1);
		r = fn(userdata, report);
		if (r != 0)
			return r;
	}
	return f->r;
}

static inline int fake_pages(void *ctx, const struct report_filter *filter, report_fn fn,
			     void *userdata, uint64_t *ret_cursor)
{
	struct page_report report = { 0 };
	struct fixture *f = ctx;

	*ret_cursor = f->next_cursor;
	return give(f, filter, &report, page_report_fields, fn, userdata);
}

static inline int fake_history(void *ctx, const struct report_filter *filter,
			       report_fn fn, void *userdata, uint64_t *ret_cursor)
{
	struct history_report report = { 0 };

	return give(ctx, filter, &report, history_report_fields, fn, userdata);
}

static inline int fake_errors(void *ctx, const struct report_filter *filter, report_fn fn,
			      void *userdata, uint64_t *ret_cursor)
{
	struct ce_report report = { 0 };
	struct fixture *f = ctx;

	*ret_cursor = f->next_cursor;
	return give(ctx, filter, &report, ce_report_fields, fn, userdata);
}

static inline int fake_dimms(void *ctx, report_fn fn, void *userdata)
{
	struct dimm_report report = { 0 };
	struct fixture *f = ctx;

	if (f->why) { /* a label as firmware may have it */
		f->calls++;
		strcpy(report.label, "\xff\033[2J");
		return fn(userdata, &report);
	}
	return give(f, NULL, &report, dimm_report_fields, fn, userdata);
}

static inline int fake_nodes(void *ctx, report_fn fn, void *userdata)
{
	struct node_report report = { 0 };

	return give(ctx, NULL, &report, node_report_fields, fn, userdata);
}

static inline int fake_text(void *ctx, char **ret_text)
{
	struct fixture *f = ctx;

	f->calls++;
	*ret_text = f->why ? strdup(f->why) : NULL;
	return f->r;
}

static inline int fake_text_for(void *ctx, const char *label, uint8_t mc, char **ret_text)
{
	struct fixture *f = ctx;

	snprintf(f->label, sizeof(f->label), "%s of mc%u", label, mc);
	return fake_text(ctx, ret_text);
}

static inline int act(struct fixture *f, char why[REPORT_TEXT_MAX])
{
	f->calls++;
	if (f->why)
		snprintf(why, REPORT_TEXT_MAX, "%s", f->why);
	return f->r;
}

static inline int fake_offline(void *ctx, uint64_t address, uint64_t cookie,
			       char why[REPORT_TEXT_MAX])
{
	struct fixture *f = ctx;

	f->address = address;
	f->cookies[f->calls % ARRAY_SIZE(f->cookies)] = cookie;
	if (f->answer_at_once)
		bus_reply_offline(f->bus, cookie, RESULT_ALREADY, 0);
	return act(f, why);
}

static inline int fake_forget(void *ctx, uint64_t address, char why[REPORT_TEXT_MAX])
{
	struct fixture *f = ctx;

	f->address = address;
	return act(f, why);
}

static inline int fake_explain(void *ctx, uint64_t address, struct outlook_report *ret,
			       char why[REPORT_TEXT_MAX])
{
	struct fixture *f = ctx;

	f->address = address;
	*ret = (struct outlook_report){ .action = "soft",
					.in_window = 3,
					.missing = REPORT_NO_NUMBER,
					.until = REPORT_NO_NUMBER,
					.next_try = 77 };
	return act(f, why);
}

static inline int fake_forget_dimm(void *ctx, const char *label,
				   char why[REPORT_TEXT_MAX])
{
	struct fixture *f = ctx;

	snprintf(f->label, sizeof(f->label), "%s", label);
	return act(f, why);
}

static inline void fake_up(void *ctx)
{
}

static inline void fake_down(void *ctx, int error)
{
	struct fixture *f = ctx;

	f->downs++;
}

static const struct bus_ops ops = {
	.status = fake_status,
	.pages = fake_pages,
	.history = fake_history,
	.errors = fake_errors,
	.dimms = fake_dimms,
	.nodes = fake_nodes,
	.policy = fake_text,
	.policy_for = fake_text_for,
	.explain = fake_explain,
	.reload = fake_text,
	.offline = fake_offline,
	.forget = fake_forget,
	.forget_dimm = fake_forget_dimm,
	.up = fake_up,
	.down = fake_down,
};

static inline void connect_pair(struct fixture *f, int fd[2])
{
	sd_id128_t id = { .bytes = { 1 } };
	sd_bus *server = NULL;

	assert_true(sd_event_new(&f->loop) >= 0);
	assert_true(sd_bus_new(&server) >= 0);
	assert_true(sd_bus_set_fd(server, fd[0], fd[0]) >= 0);
	assert_true(sd_bus_set_server(server, true, id) >= 0);
	assert_true(sd_bus_start(server) >= 0);
	assert_int_equal(bus_new(&f->bus, server, f->loop, &ops, f), 0);
	assert_true(sd_bus_new(&f->client) >= 0);
	assert_true(sd_bus_set_fd(f->client, fd[1], fd[1]) >= 0);
	assert_true(sd_bus_start(f->client) >= 0);
}

/* The credentials of a socket pair are those of the one who makes it. */
static inline int setup_as(void **state, uid_t uid)
{
	uid_t own = geteuid();
	struct fixture *f;
	int fd[2];
	int r;

	if (uid == 0 && own != 0) {
		*state = NULL;
		return 0;
	}
	f = calloc(1, sizeof(*f));
	if (!f)
		return -1;
	if (own == 0 && seteuid(uid) < 0)
		return -1;
	r = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd);
	if (own == 0 && seteuid(own) < 0)
		return -1;
	if (r < 0)
		return -1;
	f->rows = 2;
	connect_pair(f, fd);
	*state = f;
	return 0;
}

static inline int setup_root(void **state)
{
	return setup_as(state, 0);
}

static inline int setup_nobody(void **state)
{
	return setup_as(state, NOBODY);
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	if (!f)
		return 0;
	sd_bus_message_unref(f->reply);
	bus_free(f->bus);
	sd_event_unref(f->loop);
	sd_bus_flush_close_unref(f->client);
	free(f);
	return 0;
}

static inline struct fixture *fixture_of(void **state)
{
	if (!*state)
		skip(); /* needs root */
	return *state;
}

static inline int take_reply(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct fixture *f = userdata;

	sd_bus_message_unref(f->reply);
	f->reply = sd_bus_message_ref(m);
	return 0;
}

static inline void work(struct fixture *f)
{
	if (f->bus) /* a moment: who is not root has to wait for turns */
		assert_true(sd_event_run(f->loop, 100) >= 0);
	assert_true(sd_bus_process(f->client, NULL) >= 0);
}

/* Lets both ends work until @done of them, or fails. */
static inline void pump(struct fixture *f, const bool *done,
			const sd_bus_message *const *reply)
{
	for (int i = 0; i < ROUNDS; i++) {
		if ((done && *done) || (reply && *reply))
			return;
		work(f);
	}
	fail_msg("no answer");
}

static inline void pump_reply(struct fixture *f)
{
	pump(f, NULL, (const sd_bus_message *const *)&f->reply);
}

static inline sd_bus_message *new_call(struct fixture *f, const char *method)
{
	sd_bus_message *m = NULL;

	assert_true(sd_bus_message_new_method_call(f->client, &m, BUS_NAME, BUS_PATH,
						   BUS_INTERFACE, method) >= 0);
	return m;
}

static inline void send_call(struct fixture *f, sd_bus_message *m)
{
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *call = m;

	f->reply = sd_bus_message_unref(f->reply);
	assert_true(sd_bus_call_async(f->client, NULL, call, take_reply, f, UINT64_MAX) >=
		    0);
}

/* Sends @m, waits, and returns the error's name, or NULL. */
static inline const char *call(struct fixture *f, sd_bus_message *m)
{
	const sd_bus_error *error;

	send_call(f, m);
	pump_reply(f);
	error = sd_bus_message_get_error(f->reply);
	return error ? error->name : NULL;
}

static inline const char *call_filter(struct fixture *f, const char *method,
				      const struct report_filter *filter)
{
	sd_bus_message *m = new_call(f, method);

	assert_true(bus_append_filter(m, filter) >= 0);
	return call(f, m);
}

static inline const char *call_address(struct fixture *f, const char *method,
				       uint64_t address)
{
	sd_bus_message *m = new_call(f, method);

	assert_true(sd_bus_message_append(m, "t", address) >= 0);
	return call(f, m);
}

static inline const char *error_text(struct fixture *f)
{
	return sd_bus_message_get_error(f->reply)->message;
}

/* Root of a user namespace of our own is root enough, where that is allowed. */
static inline void become_root(void)
{
	uid_t uid = geteuid();
	char map[32];
	int fd;

	if (uid == 0 || unshare(CLONE_NEWUSER) < 0)
		return;
	fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	if (write(fd, map, strlen(map)) < 0)
		fprintf(stderr, "no user namespace: %s\n", strerror(errno));
	close(fd);
}

#define TEST_ROOT(t)   cmocka_unit_test_setup_teardown(t, setup_root, teardown)
#define TEST_NOBODY(t) cmocka_unit_test_setup_teardown(t, setup_nobody, teardown)
