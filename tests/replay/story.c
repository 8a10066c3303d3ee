/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Goes through a story line by line, and holds what happens against what was to happen.
 * The verbs are verbs.c's.
 */

#include "story.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "verbs_check.h"

#define LINES_MAX    4096
#define FAILURES_MAX 20
#define SEEN_MAX     256

struct line {
	const char *s;
	size_t len;
};

struct story {
	struct sim *sim; /* owned */
	struct script script;
	uint64_t cookie;
	struct story_limits limits;
	const char *name;
	FILE *out;
	struct twins twins;
	bool verbose;
	bool quiet;
	unsigned int failures;

	struct line *lines; /* owned */
	unsigned int n_lines;
	unsigned int at;    /* the line being played */
	unsigned int next;  /* the first line that may hold the next expectation */
	unsigned int limit; /* lines from here on are about later times */
};

static bool starts_with(const struct line *l, const char *prefix)
{
	size_t n = strlen(prefix);

	return l->len >= n && memcmp(l->s, prefix, n) == 0;
}

static bool is_expectation(const struct line *l)
{
	return starts_with(l, "=>");
}

static _printf_(3, 0) void fail_at(struct story *s, unsigned int line, const char *format,
				   va_list ap)
{
	char time[TIME_TEXT_MAX];

	s->failures++;
	if (!s->out || s->failures > FAILURES_MAX)
		return;
	fprintf(s->out, "%s:%u: @%s ", s->name, line + 1,
		format_time(usec(s->sim->now), time));
	vfprintf(s->out, format, ap);
	fputc('\n', s->out);
}

void story_fail(struct story *s, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fail_at(s, s->at, format, ap);
	va_end(ap);
}

static _printf_(3, 4) void fail_line(struct story *s, unsigned int line,
				     const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fail_at(s, line, format, ap);
	va_end(ap);
}

struct sim *story_sim(struct story *s)
{
	return s->sim;
}

struct script *story_script(struct story *s)
{
	return &s->script;
}

struct twins *story_twins(struct story *s)
{
	return &s->twins;
}

uint64_t story_cookie(struct story *s)
{
	return ++s->cookie;
}

/* The next expectation's line, or the limit. */
static unsigned int next_expectation(const struct story *s)
{
	unsigned int i = s->next;

	while (i < s->limit && !is_expectation(&s->lines[i]))
		i++;
	return i;
}

/* All words of @expected from @from on are in @seen, in this order. */
static bool holds(const struct words *expected, unsigned int from,
		  const struct words *seen)
{
	unsigned int i = 0;

	for (; from < expected->n; from++) {
		while (i < seen->n && strcmp(seen->v[i], expected->v[from]) != 0)
			i++;
		if (i++ >= seen->n)
			return false;
	}
	return true;
}

static bool matches(struct story *s, unsigned int line, const char *seen)
{
	struct words expected;
	struct words words;
	unsigned int from = 1;
	usec_t when;

	if (words_cut(&expected, s->lines[line].s, s->lines[line].len) < 0 ||
	    words_cut(&words, seen, strlen(seen)) < 0 || expected.n < 2)
		return false;
	if (expected.v[1][0] == '@') {
		from = 2;
		if (parse_time(expected.v[1] + 1, &when) < 0 || when.us != s->sim->now)
			return false;
	}
	/* Stories that were written before the word changed are good stories. */
	if (from < expected.n && strcmp(expected.v[from], "report") == 0)
		expected.v[from] = "notice";
	/* The first word is the kind of the effect and stands first. */
	return from < expected.n && words.n > 0 &&
	       strcmp(expected.v[from], words.v[0]) == 0 &&
	       holds(&expected, from, &words);
}

/* Holds one effect, in words, against what was to happen. */
static void see(struct story *s, const char *seen)
{
	unsigned int line = next_expectation(s);
	char time[TIME_TEXT_MAX];

	if (s->verbose && s->out)
		fprintf(s->out, "%s: %s\n", format_time(usec(s->sim->now), time), seen);
	if (line < s->limit && matches(s, line, seen)) {
		s->next = line + 1;
		return;
	}
	if (s->quiet || !describe_must_be_expected(seen))
		return;
	if (line < s->limit)
		fail_line(s, line, "expected '%.*s', got '%s'", (int)s->lines[line].len,
			  s->lines[line].s, seen);
	else
		fail_line(s, s->at, "nothing expected, got '%s'", seen);
}

static void watch(void *userdata, const struct effect *f)
{
	struct story *s = userdata;
	char line[SEEN_MAX];

	if (describe_effect(s->sim, f, line, sizeof(line)))
		see(s, line);
}

static struct frame look(void *userdata, pfn_t p)
{
	return script_frame(story_script(userdata), p);
}

static struct sim_answer answer(void *userdata, pfn_t p)
{
	return script_answer(story_script(userdata), p);
}

/* What was to happen before line @end has happened, or never will. */
static void settle_up_to(struct story *s, unsigned int end)
{
	s->limit = end;
	for (;;) {
		unsigned int line = next_expectation(s);

		if (line >= end)
			break;
		fail_line(s, line, "expected '%.*s', got nothing of it",
			  (int)s->lines[line].len, s->lines[line].s);
		s->next = line + 1;
	}
	s->next = end;
}

/* The first line after @i that makes time pass. */
static unsigned int next_timed(const struct story *s, unsigned int i)
{
	for (i++; i < s->n_lines; i++)
		if (s->lines[i].len > 0 && s->lines[i].s[0] == '@')
			break;
	return i;
}

static int start(struct story *s)
{
	if (s->sim->engine)
		return 0;
	return sim_start(s->sim);
}

static int play_timed(struct story *s, const struct words *w)
{
	struct sim *sim = s->sim;
	usec_t when;

	if (w->n < 2 || parse_time(w->v[0] + 1, &when) < 0)
		return -EINVAL;
	if (w->v[0][1] == '+')
		when = usec_add(when, usec(sim->now));
	if (when.us < sim->now || when.us > STORY_TIME_MAX)
		return -EINVAL;
	if (!sim->engine) {
		sim->now = when.us;
		if (start(s) < 0)
			return -ENOMEM;
	}
	checks_release(&s->twins, sim, when);
	sim_advance(sim, when.us);
	settle_up_to(s, s->at);
	s->limit = next_timed(s, s->at);
	return verb_timed(s, w, 1);
}

static int play_line(struct story *s, const struct line *l)
{
	struct words w;

	if (is_expectation(l) || l->len == 0 || l->s[0] == '#' ||
	    starts_with(l, "config:"))
		return 0;
	if (words_cut(&w, l->s, l->len) < 0)
		return -EINVAL;
	if (w.n == 0)
		return 0;
	if (w.v[0][0] == '@')
		return play_timed(s, &w);
	if (strcmp(w.v[0], "quiet") == 0) {
		s->quiet = true;
		return 0;
	}
	if (verb_is_setup(w.v[0]))
		return verb_setup(s, &w);
	if (strcmp(w.v[0], "expect") != 0)
		return -EINVAL;
	if (start(s) < 0)
		return -ENOMEM;
	return expect_check(s, &w);
}

static void say_diag(void *userdata, const struct config_diag *d)
{
	struct story *s = userdata;

	if (d->severity == CONFIG_ERROR)
		story_fail(s, "config: %s", d->message);
}

int story_config(struct story *s, struct config *ret)
{
	size_t room = 0, n = 0, skip;
	unsigned int end;
	_cleanup_(free_p) char *text = NULL;

	end = s->sim->engine ? next_timed(s, s->at) : s->limit;
	for (unsigned int i = s->at; i < end; i++)
		room += s->lines[i].len + 1;
	text = malloc(room + 1);
	if (!text)
		return -ENOMEM;
	for (unsigned int i = s->at; i < end; i++) {
		if (!starts_with(&s->lines[i], "config:"))
			continue;
		skip = s->lines[i].len > 7 && s->lines[i].s[7] == ' ' ? 8 : 7;
		memcpy(text + n, s->lines[i].s + skip, s->lines[i].len - skip);
		n += s->lines[i].len - skip;
		text[n++] = '\n';
	}
	config_init(ret);
	if (s->limits.default_pages > 0)
		ret->tracker.max_tracked_pages = s->limits.default_pages;
	if (config_parse(ret, s->name, text, n, say_diag, s) > 0 ||
	    config_check(ret, say_diag, s) > 0)
		return -EINVAL;
	if (s->limits.max_pages > 0 &&
	    ret->tracker.max_tracked_pages > s->limits.max_pages)
		ret->tracker.max_tracked_pages = s->limits.max_pages;
	return 0;
}

static int cut_lines(struct story *s, const char *text, size_t len)
{
	const char *end = text + len;
	size_t room = 1;

	for (const char *c = text; c < end; c++)
		room += *c == '\n';
	if (room > LINES_MAX)
		return -EINVAL;
	s->lines = calloc(room, sizeof(*s->lines));
	if (!s->lines)
		return -ENOMEM;
	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));

		stop = stop ? stop : end;
		s->lines[s->n_lines++] =
			(struct line){ .s = text, .len = (size_t)(stop - text) };
		text = stop + 1;
	}
	return 0;
}

static int play(struct story *s)
{
	int r;

	s->limit = s->n_lines > 0 && s->lines[0].len > 0 && s->lines[0].s[0] == '@'
			   ? 0
			   : next_timed(s, 0);
	r = story_config(s, &s->sim->cfg);
	for (; r >= 0 && s->at < s->n_lines && !sim_is_spent(s->sim); s->at++) {
		r = play_line(s, &s->lines[s->at]);
		if (r == -EINVAL) {
			story_fail(s, "this line makes no sense");
			r = 0;
		}
	}
	settle_up_to(s, s->n_lines);
	if (s->sim->error == -ETIME)
		story_fail(s, "the engine wants to be woken at this moment for ever");
	else if (s->sim->error < 0)
		story_fail(s, "%s", strerror(-s->sim->error));
	return r >= 0 && s->sim->error == -ETIME ? -ETIME : r;
}

/* Returns 0; -ENOMEM; -EINVAL: too many lines. */
static int prepare(struct story *s, const char *text, size_t len)
{
	int r = sim_new(&s->sim);

	if (r < 0)
		return r;
	s->sim->max_steps = s->limits.max_steps;
	s->sim->edac = true;
	s->sim->userdata = s;
	s->sim->hooks =
		(struct sim_hooks){ .watch = watch, .frame = look, .answer = answer };
	r = cut_lines(s, text, len);
	if (r == -EINVAL)
		story_fail(s, "too many lines");
	return r;
}

int story_play(const char *name, const char *text, size_t len, FILE *out, bool verbose,
	       const struct story_limits *limits)
{
	struct story *s = calloc(1, sizeof(*s));
	int r = -ENOMEM;

	if (!s)
		return r;
	s->name = name;
	s->out = out;
	s->verbose = verbose;
	if (limits)
		s->limits = *limits;
	r = prepare(s, text, len);
	if (r >= 0)
		r = play(s);
	if (r >= 0 || r == -EINVAL)
		r = (int)s->failures + (r < 0);
	sim_free(s->sim);
	free(s->lines);
	free(s);
	return r;
}
