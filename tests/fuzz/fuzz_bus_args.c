/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What callers send: the words of a command line, and the dictionaries that come over the
 * bus. The first byte chooses. The bus's own wire format is libsystemd's to check; here a
 * dictionary is made of the input's entries, well-formed, with any keys and types.
 */

#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

/* The parser is part of softofflinectl, which is no library. */
#include "../../ctl/args.c"
#include "tell/bus_encode.h"

#define MAX_ENTRIES 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

DEFINE_CLEANUP(sd_bus *, sd_bus_close_unref)
DEFINE_CLEANUP(sd_bus_message *, sd_bus_message_unref)

/* Takes terminated strings off the input. */
struct input {
	const char *at;
	size_t left;
};

static const char *take_text(struct input *in)
{
	const char *text = in->at;
	size_t len = strnlen(text, in->left);

	if (len == in->left)
		return NULL;
	in->at += len + 1;
	in->left -= len + 1;
	return text;
}

static uint64_t take_number(struct input *in)
{
	uint64_t value = 0;
	size_t n = in->left < sizeof(value) ? in->left : sizeof(value);

	memcpy(&value, in->at, n);
	in->at += n;
	in->left -= n;
	return value;
}

static void try_words(struct input *in)
{
	char *argv[MAX_ENTRIES + 1];
	char why[ARGS_TEXT_MAX];
	uint64_t address;
	int64_t moment;
	struct args args;
	int argc = 0;

	for (const char *word; argc < MAX_ENTRIES && (word = take_text(in)); argc++) {
		argv[argc] = strdup(word);
		if (!argv[argc])
			break;
		if (args_parse_address(word, 12, &address) == 0 &&
		    !args_looks_like_address(word))
			abort();
		(void)args_parse_moment(word, 0, &moment);
	}
	if (args_parse(&args, argc, argv, why) < 0 && !memchr(why, 0, sizeof(why)))
		abort();
	for (int i = 0; i < argc; i++)
		free(argv[i]);
}

static int append_entry(sd_bus_message *m, struct input *in, const char *key)
{
	char type = in->left ? *in->at : 's';
	const char *text;

	if (in->left) {
		in->at++;
		in->left--;
	}
	switch (type) {
	case 't':
		return sd_bus_message_append(m, "{sv}", key, "t", take_number(in));
	case 'x':
		return sd_bus_message_append(m, "{sv}", key, "x",
					     (int64_t)take_number(in));
	case 'u':
		return sd_bus_message_append(m, "{sv}", key, "u",
					     (uint32_t)take_number(in));
	case 'b':
		return sd_bus_message_append(m, "{sv}", key, "b",
					     (int)(take_number(in) & 1));
	case 'a':
		return sd_bus_message_append(m, "{sv}", key, "a(sv)", 1, "x", "s", "y");
	default:
		text = take_text(in);
		return sd_bus_message_append(m, "{sv}", key, "s", text ? text : "");
	}
}

/* A message with the input as a{sv}, ready to be read; NULL if it cannot be one. */
static sd_bus_message *make_message(sd_bus *bus, struct input in)
{
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *m = NULL;
	const char *key;

	if (sd_bus_message_new_signal(bus, &m, "/", "a.b", "C") < 0 ||
	    sd_bus_message_open_container(m, 'a', "{sv}") < 0)
		return NULL;
	for (int i = 0; i < MAX_ENTRIES && (key = take_text(&in)); i++)
		if (append_entry(m, &in, key) < 0)
			return NULL; /* not UTF-8 */
	if (sd_bus_message_close_container(m) < 0 || sd_bus_message_seal(m, 1, 0) < 0 ||
	    sd_bus_message_rewind(m, true) < 0)
		return NULL;
	return TAKE_PTR(m);
}

/* What was read must be something that can be sent: cleaned, it goes through again. */
static void try_report(sd_bus *bus, const struct input *in)
{
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *m = make_message(bus, *in);
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *again = NULL;
	const struct report_field *fields;
	struct page_report page;
	size_t n;

	fields = page_report_fields(&n);
	if (!m || bus_read_report(m, &page, fields, n) <= 0)
		return;
	report_clean(&page, fields, n);
	if (sd_bus_message_new_signal(bus, &again, "/", "a.b", "C") < 0)
		return;
	if (bus_append_report(again, &page, fields, n) < 0)
		abort();
}

static void try_filter(sd_bus *bus, const struct input *in)
{
	_cleanup_(sd_bus_message_unref_p) sd_bus_message *m = make_message(bus, *in);
	char key[REPORT_WORD_MAX] = "";
	struct report_filter filter;
	enum page_state state;

	if (!m || bus_read_filter(m, &filter, key) < 0)
		return;
	if (filter.state && page_state_from_string(filter.state, &state) < 0)
		abort();
}

/* libsystemd makes messages only for a bus that was started; nothing is ever sent. */
static sd_bus *start_bus(void)
{
	_cleanup_(sd_bus_close_unref_p) sd_bus *bus = NULL;
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd) < 0)
		return NULL;
	if (sd_bus_new(&bus) < 0 || sd_bus_set_fd(bus, fd[0], fd[0]) < 0 ||
	    sd_bus_start(bus) < 0)
		return NULL;
	return TAKE_PTR(bus);
}

static void try_dictionary(const struct input *in)
{
	static sd_bus *bus; /* made once: it would be most of the time */

	if (!bus)
		bus = start_bus();
	if (!bus)
		abort();
	try_report(bus, in);
	try_filter(bus, in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in;

	if (size == 0)
		return 0;
	in = (struct input){ (const char *)data + 1, size - 1 };
	if (data[0] == 'w')
		try_words(&in);
	else
		try_dictionary(&in);
	return 0;
}
