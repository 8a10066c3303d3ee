/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A table of the instance's files: what each has to say, and what is written if it says
 * something else. Which of the findings hides events is not decided here.
 */

#include "trace/trace_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "host/small_file.h"

#define GUARD_TEXT_MAX (64 * 1024)
#define GUARD_PATH_MAX 128

/* One file that is looked at. @wanted is what it should say, as far as @wrong wants it. */
struct guard_file {
	struct trace_guard *g;
	const char *path;
	const char *wanted;
	uint64_t bytes; /* of the buffer */
};

/** The change that @text shows, or TRACE_CHANGE_MAX_ if it is as it should be. */
typedef enum trace_change (*guard_judge_fn)(const struct guard_file *f, const char *text);
/** Undoes what @text shows. Returns 0 or negative errno. */
typedef int (*guard_undo_fn)(const struct guard_file *f, const char *text);

static int guard_write(const struct guard_file *f, const char *text)
{
	/* O_TRUNC takes away what a file of tracefs lists: process numbers, histograms. */
	_cleanup_(close_p) int fd =
		openat(f->g->in->dir, f->path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	size_t len = strlen(text);
	ssize_t n;

	if (fd < 0)
		return -errno;
	if (len == 0)
		return 0;
	do
		n = write(fd, text, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

static int guard_read(const struct guard_file *f, char **ret)
{
	_cleanup_(close_p) int fd = openat(f->g->in->dir, f->path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = small_file_load(fd, GUARD_TEXT_MAX, ret);
	return n < 0 ? (int)n : 0;
}

/* The first word of the line @text is @word. */
static bool guard_says(const char *text, const char *word)
{
	size_t len = strlen(word);

	return strncmp(text, word, len) == 0 && strchr(" \n", text[len]) != NULL;
}

static int guard_undo_plain(const struct guard_file *f, const char *text)
{
	return guard_write(f, f->wanted);
}

/* "1*" is on, too: a trigger of another event may switch it. */
static enum trace_change guard_judge_enable(const struct guard_file *f, const char *text)
{
	return text[0] == '1' ? TRACE_CHANGE_MAX_ : TRACE_CHANGE_ENABLE;
}

static enum trace_change guard_judge_filter(const struct guard_file *f, const char *text)
{
	return guard_says(text, "none") || guard_says(text, "0") ? TRACE_CHANGE_MAX_
								 : TRACE_CHANGE_FILTER;
}

static int guard_undo_filter(const struct guard_file *f, const char *text)
{
	return guard_write(f, "0");
}

/*
 * Triggers: one line for each, "traceoff:unlimited", "hist:keys=...", "disable_event:ras:
 * mc_event:unlimited if ...". A file without any has only comments.
 */
static const char *guard_next_trigger(const char *text)
{
	while (*text == '#' || *text == '\n') {
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return *text ? text : NULL;
}

static bool guard_trigger_is(const char *line, const char *word)
{
	size_t len = strlen(word);

	return strncmp(line, word, len) == 0 && strchr(": \n", line[len]) != NULL;
}

static enum trace_change guard_judge_trigger(const struct guard_file *f, const char *text)
{
	static const char *const harmless[] = { "traceon",      "stacktrace",
						"hist",         "enable_hist",
						"disable_hist", "enable_event" };
	enum trace_change worst = TRACE_CHANGE_MAX_;

	for (const char *line = text; (line = guard_next_trigger(line));
	     line += strcspn(line, "\n")) {
		bool hides = true;

		for (size_t i = 0; i < ARRAY_SIZE(harmless); i++)
			hides = hides && !guard_trigger_is(line, harmless[i]);
		if (hides)
			return TRACE_CHANGE_TRIGGER;
		worst = TRACE_CHANGE_HARMLESS_TRIGGER;
	}
	return worst;
}

/* How much of the line names the trigger: the kernel wants the event of one that switches
 * another event, and no count. */
static size_t guard_trigger_length(const char *line)
{
	size_t end = strcspn(line, " \n");
	size_t len = strcspn(line, ": \n");
	bool names_event = guard_trigger_is(line, "enable_event") ||
			   guard_trigger_is(line, "disable_event") ||
			   guard_trigger_is(line, "enable_hist") ||
			   guard_trigger_is(line, "disable_hist");

	for (int part = 0; names_event && part < 2 && len < end; part++)
		len += 1 + strcspn(line + len + 1, ": \n");
	return len;
}

/* Opening the file to write removes histograms; the others are removed by name. */
static int guard_undo_trigger(const struct guard_file *f, const char *text)
{
	int r = guard_write(f, "");

	for (const char *line = text; r >= 0 && (line = guard_next_trigger(line));
	     line += strcspn(line, "\n")) {
		char command[GUARD_PATH_MAX];

		if (guard_trigger_is(line, "hist"))
			continue;
		snprintf(command, sizeof(command), "!%.*s",
			 (int)guard_trigger_length(line), line);
		r = guard_write(f, command);
	}
	return r;
}

static enum trace_change guard_judge_tracing_on(const struct guard_file *f,
						const char *text)
{
	return text[0] == '1' ? TRACE_CHANGE_MAX_ : TRACE_CHANGE_TRACING_ON;
}

/* The hexadecimal digit of @text, read from its end, that has the CPUs from 4 * @n on. */
static unsigned int guard_mask_digit(const char *text, size_t len, unsigned int n)
{
	for (size_t i = len; i > 0; i--) {
		char c = text[i - 1];

		if (c == ',' || c == '\n')
			continue;
		if (n > 0) {
			n--;
			continue;
		}
		if (c >= '0' && c <= '9')
			return (unsigned int)(c - '0');
		return c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a') + 10 : 0;
	}
	return 0;
}

static enum trace_change guard_judge_cpus(const struct guard_file *f, const char *text)
{
	unsigned int cpus = f->g->in->cpus;
	size_t len = strlen(text);

	for (unsigned int cpu = 0; cpu < cpus; cpu += 4) {
		unsigned int some = cpus - cpu < 4 ? cpus - cpu : 4;
		unsigned int wanted = (1U << some) - 1;

		if ((guard_mask_digit(text, len, cpu / 4) & wanted) != wanted)
			return TRACE_CHANGE_CPUS;
	}
	return TRACE_CHANGE_MAX_;
}

/* "3,ffffffff": the kernel wants a comma after every eight digits, from the end. */
static int guard_undo_cpus(const struct guard_file *f, const char *text)
{
	unsigned int cpus = f->g->in->cpus;
	unsigned int digits = (cpus + 3) / 4;
	_cleanup_(free_p) char *mask = calloc(digits + digits / 8 + 2, 1);
	size_t n = 0;

	if (!mask)
		return -ENOMEM;
	mask[n++] = "f137"[cpus % 4];
	while (--digits > 0) {
		if (digits % 8 == 0)
			mask[n++] = ',';
		mask[n++] = 'f';
	}
	return guard_write(f, mask);
}

static enum trace_change guard_judge_pids(const struct guard_file *f, const char *text)
{
	return text[0] == '\0' || guard_says(text, "no") ? TRACE_CHANGE_MAX_
							 : TRACE_CHANGE_PIDS;
}

static enum trace_change guard_judge_clock(const struct guard_file *f, const char *text)
{
	return strstr(text, "[boot]") || guard_says(text, "boot") ? TRACE_CHANGE_MAX_
								  : TRACE_CHANGE_CLOCK;
}

/* A larger buffer is no harm, and shrinks when the reader finds it empty. */
static enum trace_change guard_judge_size(const struct guard_file *f, const char *text)
{
	bool differs = text[0] == 'X'; /* between CPUs */

	return differs || trace_instance_judge_size(f->g->in, text, f->bytes) < 0
		       ? TRACE_CHANGE_SIZE
		       : TRACE_CHANGE_MAX_;
}

static int guard_undo_size(const struct guard_file *f, const char *text)
{
	char kib[24];

	snprintf(kib, sizeof(kib), "%llu", (unsigned long long)(f->bytes + 1023) / 1024);
	return guard_write(f, kib);
}

static enum trace_change guard_judge_page_size(const struct guard_file *f,
					       const char *text)
{
	return f->wanted[0] == '\0' || guard_says(text, f->wanted)
		       ? TRACE_CHANGE_MAX_
		       : TRACE_CHANGE_PAGE_SIZE;
}

static enum trace_change guard_judge_pause(const struct guard_file *f, const char *text)
{
	return text[0] == '0' ? TRACE_CHANGE_MAX_ : TRACE_CHANGE_PAUSE;
}

static enum trace_change guard_judge_overwrite(const struct guard_file *f,
					       const char *text)
{
	return text[0] == '1' ? TRACE_CHANGE_MAX_ : TRACE_CHANGE_OVERWRITE;
}

static enum trace_change guard_judge_tracer(const struct guard_file *f, const char *text)
{
	return guard_says(text, "nop") ? TRACE_CHANGE_MAX_ : TRACE_CHANGE_TRACER;
}

static enum trace_change guard_judge_percent(const struct guard_file *f, const char *text)
{
	return guard_says(text, "0") ? TRACE_CHANGE_MAX_ : TRACE_CHANGE_PERCENT;
}

/* A made-up file shows what was written last; a kernel never shows "0" for no filter. */
struct guard_row {
	const char *path; /* below the instance or, of a source, below its event */
	const char *wanted;
	guard_judge_fn judge;
	guard_undo_fn undo;
};

/* In this order: what lets events through comes before what switches them on. */
static const struct guard_row source_rows[] = {
	{ "filter", "", guard_judge_filter, guard_undo_filter },
	{ "trigger", "", guard_judge_trigger, guard_undo_trigger },
	{ "enable", "1", guard_judge_enable, guard_undo_plain },
};

/* Undoing the first two empties the buffer. */
static const struct guard_row instance_rows[] = {
	{ "trace_clock", "boot", guard_judge_clock, guard_undo_plain },
	{ "buffer_subbuf_size_kb", "", guard_judge_page_size, guard_undo_plain },
	{ "buffer_size_kb", "", guard_judge_size, guard_undo_size },
	{ "tracing_cpumask", "", guard_judge_cpus, guard_undo_cpus },
	{ "set_event_pid", "", guard_judge_pids, guard_undo_plain },
	{ "set_event_notrace_pid", "", guard_judge_pids, guard_undo_plain },
	{ "options/pause-on-trace", "0", guard_judge_pause, guard_undo_plain },
	{ "options/overwrite", "1", guard_judge_overwrite, guard_undo_plain },
	{ "current_tracer", "nop", guard_judge_tracer, guard_undo_plain },
	{ "buffer_percent", "0", guard_judge_percent, guard_undo_plain },
};

/* Last, when no trigger can switch it off again. */
static const struct guard_row on_row = { "tracing_on", "1", guard_judge_tracing_on,
					 guard_undo_plain };

static int guard_undo(const struct guard_row *row, const struct guard_file *f,
		      const char *text)
{
	_cleanup_(free_p) char *now = NULL;
	int r = row->undo(f, text);

	if (r >= 0)
		r = guard_read(f, &now);
	if (r < 0)
		return r;
	return row->judge(f, now) == TRACE_CHANGE_MAX_ ? 0 : -EIO;
}

/* Returns the change that was found; TRACE_CHANGE_MAX_: none. */
static enum trace_change guard_tend(const struct guard_row *row,
				    const struct guard_file *f, struct trace_look *ret,
				    struct trace_changes *stuck)
{
	_cleanup_(free_p) char *text = NULL;
	enum trace_change change;
	int r;

	r = guard_read(f, &text);
	if (r < 0 && r != -ENOENT && ret->unread == 0) {
		ret->unread = r;
		snprintf(ret->unread_file, sizeof(ret->unread_file), "%s", f->path);
	}
	if (r < 0)
		return TRACE_CHANGE_MAX_;
	change = row->judge(f, text);
	if (change == TRACE_CHANGE_MAX_)
		return change;
	trace_changes_add(&ret->changes, change);
	r = guard_undo(row, f, text);
	if (r >= 0)
		return change;
	trace_changes_add(stuck, change);
	ret->error = r;
	snprintf(ret->where, sizeof(ret->where), "%s", f->path);
	return change;
}

static void guard_tend_sources(struct trace_guard *g, struct trace_look *ret,
			       struct trace_changes *stuck)
{
	unsigned int sources = 0, off = 0;

	for (size_t id = 0; id < EVENT_SOURCE_MAX_; id++) {
		if (!g->in->sources[id].system || g->in->unwanted >> id & 1)
			continue;
		sources++;
		for (size_t i = 0; i < ARRAY_SIZE(source_rows); i++) {
			char path[GUARD_PATH_MAX];
			struct guard_file f = { g, path, source_rows[i].wanted, 0 };

			snprintf(path, sizeof(path), "events/%s/%s/%s",
				 g->in->sources[id].system, event_sources[id].event,
				 source_rows[i].path);
			off += guard_tend(&source_rows[i], &f, ret, stuck) ==
			       TRACE_CHANGE_ENABLE;
		}
	}
	ret->all_off = off == sources;
}

static enum trace_change guard_judge_by(const struct guard_row *row, const char *file,
					const char *text, unsigned int cpus)
{
	const struct trace_instance in = { .cpus = cpus, .data_size = 1 };
	struct trace_guard g = { .in = &in };
	const struct guard_file f = { &g, file, row->wanted, 0 };

	return strcmp(row->path, file) == 0 ? row->judge(&f, text) : TRACE_CHANGE_MAX_;
}

enum trace_change trace_guard_judge(const char *file, const char *text, unsigned int cpus)
{
	enum trace_change change = guard_judge_by(&on_row, file, text, cpus);

	for (size_t i = 0; i < ARRAY_SIZE(source_rows) && change == TRACE_CHANGE_MAX_;
	     i++)
		change = guard_judge_by(&source_rows[i], file, text, cpus);
	for (size_t i = 0; i < ARRAY_SIZE(instance_rows) && change == TRACE_CHANGE_MAX_;
	     i++)
		change = guard_judge_by(&instance_rows[i], file, text, cpus);
	return change;
}

/* A path that leads nowhere is no proof: tracefs may have been unmounted, and the files that
 * are open go on. */
static bool guard_is_there(const struct trace_guard *g)
{
	struct stat open, named;

	if (fstat(g->in->dir, &open) < 0)
		return true;
	if (open.st_nlink == 0)
		return false;
	return stat(g->in->path, &named) < 0 ||
	       (open.st_ino == named.st_ino && open.st_dev == named.st_dev);
}

void trace_guard_init(struct trace_guard *g, const struct trace_instance *in)
{
	_cleanup_(free_p) char *text = NULL;
	struct guard_file f = { g, "buffer_subbuf_size_kb", "", 0 };

	*g = (struct trace_guard){ .in = in };
	if (guard_read(&f, &text) >= 0)
		snprintf(g->page_size, sizeof(g->page_size), "%.*s",
			 (int)strcspn(text, " \n"), text);
}

void trace_guard_look(struct trace_guard *g, uint64_t buffer_size, bool keep_clock,
		      struct trace_look *ret)
{
	const struct guard_file on = { g, on_row.path, on_row.wanted, 0 };
	struct trace_changes stuck = { 0 };

	*ret = (struct trace_look){ 0 };
	if (!guard_is_there(g)) {
		trace_changes_add(&ret->changes, TRACE_CHANGE_REMADE);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(instance_rows); i++) {
		const struct guard_row *row = &instance_rows[i];
		struct guard_file f = { g, row->path, row->wanted, buffer_size };

		if (keep_clock && row->judge == guard_judge_clock)
			continue;
		if (row->judge == guard_judge_page_size)
			f.wanted = g->page_size;
		(void)guard_tend(row, &f, ret, &stuck);
	}
	guard_tend_sources(g, ret, &stuck);
	(void)guard_tend(&on_row, &on, ret, &stuck);
	ret->changes.bits &= ~(g->stuck.bits & stuck.bits);
	g->stuck = stuck;
}
