/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The checks of the trace instance: that the kernel records into it, that nothing hides
 * events, and its clock. What each file should say is known to the room trace.
 */

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "doctor/check_internal.h"
#include "trace/trace_guard.h"
#include "trace/trace_reader.h"

#define INSTANCE TRACEFS "/instances/" TRACE_INSTANCE

struct trace_findings {
	char text[512];
	unsigned int n;
	bool unread; /* a file is there and cannot be read */
	bool half;   /* mc_event is off, and mce_record is on */
	bool other;  /* mce_record is off, and mc_event is on */
};

static void trace_look_at_file(const struct check_context *c, const char *dir,
			       const char *file, unsigned int cpus,
			       struct trace_findings *found)
{
	enum trace_change change;
	char path[192], text[4096];
	ssize_t n;

	snprintf(path, sizeof(path), INSTANCE "/%s%s", dir, file);
	n = check_read(c, path, text, sizeof(text));
	/* A file that this kernel does not have hides nothing. */
	if (n == -ENOENT)
		return;
	if (n < 0) {
		found->unread = true;
		return;
	}
	change = trace_guard_judge(file, text, cpus);
	if (change == TRACE_CHANGE_MAX_ || !trace_change_hides(change))
		return;
	n = (ssize_t)strlen(found->text);
	snprintf(found->text + n, sizeof(found->text) - (size_t)n, "%s%s (%s%s)",
		 found->n++ > 0 ? ", " : "", trace_change_phrase(change), dir, file);
}

/* '1' or '0'; '\0' if it cannot be read. */
static char trace_switch(const struct check_context *c, enum event_source_id id)
{
	const struct event_source *source = &event_sources[id];
	char path[192], text[8];

	snprintf(path, sizeof(path), INSTANCE "/events/%s/%s/enable", source->systems[0],
		 source->event);
	return check_read(c, path, text, sizeof(text)) > 0 ? text[0] : '\0';
}

bool check_source_is_off(const struct check_context *c, enum event_source_id id)
{
	return trace_switch(c, id) == '0';
}

/* With [Source] Events= one of them is off on purpose, and nothing here says so. */
static void trace_look_at_sources(const struct check_context *c,
				  struct trace_findings *found)
{
	static const char *const files[] = { "enable", "filter", "trigger" };
	bool mc = trace_switch(c, EVENT_SOURCE_MC) == '1';
	bool mce = trace_switch(c, EVENT_SOURCE_MCE) == '1';
	static const enum event_source_id ids[] = { EVENT_SOURCE_MC, EVENT_SOURCE_MCE };

	found->half = !mc && mce;
	found->other = mc && check_source_is_off(c, EVENT_SOURCE_MCE);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		const struct event_source *source = &event_sources[ids[i]];
		bool on = ids[i] == EVENT_SOURCE_MC ? mc : mce;
		char dir[96];

		/* One that is off hides nothing as long as the other one is on. */
		if (!on && (ids[i] == EVENT_SOURCE_MCE || mce))
			continue;
		snprintf(dir, sizeof(dir), "events/%s/%s/", source->systems[0],
			 source->event);
		for (size_t k = 0; k < ARRAY_SIZE(files); k++)
			trace_look_at_file(c, dir, files[k], 0, found);
	}
}

/* One more than the highest CPU that the instance has a folder for. */
static unsigned int trace_count_cpus(const struct check_context *c)
{
	char path[PATH_MAX], end;
	_cleanup_(closedir_p) DIR *dir =
		opendir(check_path(c, INSTANCE "/per_cpu", path, sizeof(path)));
	const struct dirent *entry;
	unsigned int cpus = 0, cpu;

	while (dir && (entry = readdir(dir)))
		if (sscanf(entry->d_name, "cpu%u%c", &cpu, &end) == 1 && cpu >= cpus)
			cpus = cpu + 1;
	return cpus;
}

static void trace_judge(struct check_context *c, struct check_row *row)
{
	static const char *const files[] = { "tracing_on", "set_event_pid",
					     "set_event_notrace_pid",
					     "options/pause-on-trace" };
	struct trace_findings found = { 0 };
	unsigned int cpus = trace_count_cpus(c);

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		trace_look_at_file(c, "", files[i], 0, &found);
	if (cpus > 0)
		trace_look_at_file(c, "", "tracing_cpumask", cpus, &found);
	trace_look_at_sources(c, &found);
	if (found.n > 0) {
		check_say(row, CHECK_FAILED,
			  "another program changed the trace instance, memory errors are "
			  "not seen: %s",
			  found.text);
		check_hint(row,
			   c->o->daemon_running
				   ? "the daemon undoes this within a minute; if it "
				     "stays, systemctl restart softofflined"
				   : "systemctl start softofflined: its start undoes "
				     "this");
	} else if (found.half || found.other) {
		check_say(row, CHECK_WARNING,
			  "the trace instance records %s only; %s is off",
			  found.half ? "mce:mce_record" : "ras:mc_event",
			  found.half ? "ras:mc_event" : "mce:mce_record");
		check_hint(
			row,
			"unless [Source] Events=%s is set, another program switched it "
			"off; systemctl restart softofflined",
			found.half ? "mce_record" : "mc_event");
	} else if (found.unread) {
		check_need_root(c, row, "whether the trace instance records");
	} else {
		check_say(row, CHECK_OK,
			  "the trace instance exists, and its switches, filters and CPUs "
			  "let all errors through; %s",
			  c->o->daemon_running ? "the daemon reads it"
					       : "no daemon reads it");
	}
}

/* Nothing of tracefs is there, and the reason stands elsewhere. */
static bool trace_is_locked(const struct check_context *c, struct check_row *row)
{
	if (!c->confidential)
		return false;
	check_say(row, CHECK_WARNING, "lockdown leaves tracefs empty");
	check_hint(row, "see lockdown");
	return true;
}

void check_trace_instance(struct check_context *c, struct check_row *row)
{
	switch (check_look(c, INSTANCE)) {
	case SEEN:
		trace_judge(c, row);
		return;
	case HIDDEN:
		check_need_root(c, row, "the trace instance");
		return;
	case MISSING:
		if (trace_is_locked(c, row))
			return;
		break;
	}
	if (c->o->daemon_running) {
		check_say(row, CHECK_FAILED,
			  "the daemon runs, but its trace instance is gone");
		check_hint(row, "systemctl restart softofflined");
	} else {
		check_say(row, CHECK_OK,
			  "no trace instance yet: the daemon will create it");
	}
}

void check_trace_clock(struct check_context *c, struct check_row *row)
{
	char text[256];
	bool own = check_read(c, INSTANCE "/trace_clock", text, sizeof(text)) > 0;

	if (!own && check_read(c, TRACEFS "/trace_clock", text, sizeof(text)) <= 0) {
		if (trace_is_locked(c, row))
			return;
		if (check_look(c, TRACEFS "/trace_clock") == HIDDEN)
			check_need_root(c, row, "the clocks of the trace");
		else
			check_say(row, CHECK_WARNING,
				  "the clocks of the trace cannot be read");
		if (row->hint[0] == '\0')
			check_hint(row, "see mc-event");
	} else if (own && c->o->daemon_running && !strstr(text, "[boot]")) {
		check_say(row, CHECK_WARNING,
			  "the trace instance does not use the clock "
			  "\"boot\": another program has changed it");
		check_hint(row, "systemctl restart softofflined");
	} else if (!strstr(text, "boot")) {
		check_say(row, CHECK_FAILED, "the kernel has no trace clock \"boot\"");
		check_hint(row, "use Linux 4.10 or later");
	} else {
		check_say(row, CHECK_OK, "the kernel has the trace clock \"boot\"");
	}
}
