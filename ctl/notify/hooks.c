/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Starts programs and waits for them on the loop. A program that fails, hangs or cannot be
 * started is complained about, and the next one gets its turn. It does not know where
 * notices come from.
 */

#include "notify/hooks.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "notify/notice_queue.h"
#include "output.h"

#define VARIABLES_MAX 32
#define VARIABLE_MAX  600

/* For what a program leaves behind: rounds of killing, and what lies between two. */
#define REST_ROUNDS 50
#define REST_NSEC   2000000

struct hooks {
	sd_event *event;
	char *path; /* absolute */
	usec_t limit;
	struct notice_queue queue;
	void (*on_idle)(void *userdata);
	void *userdata;

	char *names[HOOKS_MAX]; /* the programs for this notice */
	unsigned int n_names, next;
	uint64_t dropped; /* notices, as the programs hear it */
	bool heard;       /* one of them did */
	char variables[VARIABLES_MAX][VARIABLE_MAX];
	char *environment[VARIABLES_MAX + 1];

	pid_t pid; /* of the one that runs, and of its group; 0: none */
	bool late; /* its time was up */
	sd_event_source *child;
	sd_event_source *timer;
};

static void hooks_clear_names(struct hooks *h)
{
	for (unsigned int i = 0; i < h->n_names; i++)
		free(h->names[i]);
	h->n_names = h->next = 0;
}

/* Kills our children, and returns how many there were. */
static unsigned int hooks_kill_children(void)
{
	char path[64], text[4096], *at = text;
	unsigned int n = 0;
	FILE *f;
	long pid;
	size_t size;

	snprintf(path, sizeof(path), "/proc/self/task/%ld/children", syscall(SYS_gettid));
	f = fopen(path, "re");
	if (!f)
		return 0;
	size = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[size] = '\0';
	/* The last number may be cut. */
	while ((pid = strtol(at, &at, 10)) > 0 && *at == ' ') {
		(void)kill((pid_t)pid, SIGKILL);
		n++;
	}
	return n;
}

/* Ends what a program has left behind, also outside of its group. */
static void hooks_end_rest(void)
{
	const struct timespec moment = { .tv_nsec = REST_NSEC };

	for (unsigned int i = 0; i < REST_ROUNDS; i++) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (hooks_kill_children() == 0)
			return;
		(void)nanosleep(&moment, NULL);
	}
}

struct hooks *hooks_free(struct hooks *h)
{
	if (!h)
		return NULL;
	if (h->pid > 0) {
		(void)kill(-h->pid, SIGKILL);
		(void)waitpid(h->pid, NULL, 0);
		hooks_end_rest();
	}
	if (h->queue.n > 0)
		complain("no program hears of the last %u notices", h->queue.n);
	sd_event_source_unref(h->child);
	sd_event_source_unref(h->timer);
	hooks_clear_names(h);
	free(h->path);
	free(h);
	return NULL;
}

void hooks_on_idle(struct hooks *h, void (*fn)(void *userdata), void *userdata)
{
	h->on_idle = fn;
	h->userdata = userdata;
}

bool hooks_idle(const struct hooks *h)
{
	return h->pid == 0 && h->n_names == h->next && h->queue.n == 0;
}

/*
 * The programs.
 */

/* In a folder such as /tmp, only a file's owner can replace it. */
static bool hooks_trusts_one(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	return (st.st_uid == 0 || st.st_uid == geteuid()) &&
	       (!(st.st_mode & 022) || (S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX)));
}

/*
 * What others may write to, or replace, would run with our rights. @real has no links in it;
 * it is cut. @path is for the complaint.
 */
static bool hooks_trusts(const char *path, char *real)
{
	char *slash;

	for (;;) {
		if (!hooks_trusts_one(real)) {
			complain("%s is not run: others than root may change %s", path,
				 real);
			return false;
		}
		slash = strrchr(real, '/');
		if (!slash || strcmp(real, "/") == 0)
			return true;
		slash[slash == real] = '\0';
	}
}

static void hooks_add(struct hooks *h, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || !(st.st_mode & 0111))
		return;
	if (h->n_names == HOOKS_MAX) {
		complain("%s is not run: more than %d programs", path, HOOKS_MAX);
		return;
	}
	h->names[h->n_names] = strdup(path);
	h->n_names += h->names[h->n_names] != NULL;
}

/* As run-parts(8) takes them: a name that ends in .dpkg-old or ~ is no program. */
static int hooks_is_program(const struct dirent *entry)
{
	const char *c = entry->d_name;

	while (isalnum((unsigned char)*c) || *c == '_' || *c == '-')
		c++;
	return *c == '\0';
}

static int hooks_by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Not copies of a package manager or an editor. */
static int hooks_is_misnamed(const struct dirent *entry)
{
	const char *name = entry->d_name;
	size_t len = strlen(name);

	return name[0] != '.' && !hooks_is_program(entry) && !strstr(name, ".dpkg-") &&
	       !strstr(name, ".rpm") && name[len - 1] != '~';
}

static void hooks_read_folder(struct hooks *h)
{
	struct dirent **entries;
	int n = scandir(h->path, &entries, hooks_is_program, hooks_by_name);

	if (n < 0) {
		complain("%s: %s", h->path, strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		_cleanup_(free_p) char *path = NULL;

		if (asprintf(&path, "%s/%s", h->path, entries[i]->d_name) < 0)
			path = NULL;
		if (path)
			hooks_add(h, path);
		free(entries[i]);
	}
	free(entries);
}

static void hooks_find(struct hooks *h)
{
	struct stat st;

	hooks_clear_names(h);
	if (stat(h->path, &st) < 0)
		complain("%s: %s", h->path, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		hooks_add(h, h->path);
	else
		hooks_read_folder(h);
}

/* Says once which files will never run; no notice has come yet. */
static void hooks_announce_folder(struct hooks *h)
{
	struct dirent **entries;
	int n = scandir(h->path, &entries, hooks_is_misnamed, hooks_by_name);

	for (int i = 0; i < n; i++) {
		complain("%s/%s is not run: a program's name has only letters, digits, _ "
			 "and -",
			 h->path, entries[i]->d_name);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	hooks_read_folder(h);
	if (h->n_names == 0)
		complain("%s has no program yet", h->path);
	hooks_clear_names(h);
}

/* Programs start in another folder. */
static char *hooks_absolute(const char *path)
{
	_cleanup_(free_p) char *here = NULL;
	char *absolute;

	if (path[0] == '/')
		return strdup(path);
	here = getcwd(NULL, 0);
	return here && asprintf(&absolute, "%s/%s", here, path) >= 0 ? absolute : NULL;
}

static int hooks_look(const char *path, bool *ret_folder)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	*ret_folder = S_ISDIR(st.st_mode);
	return *ret_folder || (S_ISREG(st.st_mode) && (st.st_mode & 0111)) ? 0 : -EACCES;
}

int hooks_new(struct hooks **ret, sd_event *event, const char *path, usec_t limit)
{
	bool folder = false;
	struct hooks *h;
	int r = hooks_look(path, &folder);

	if (r < 0)
		return r;
	/* What a program leaves behind becomes our child, whatever it did to get away. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return -errno;
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->path = hooks_absolute(path);
	if (!h->path) {
		free(h);
		return -ENOMEM;
	}
	h->event = event;
	h->limit = limit;
	if (folder)
		hooks_announce_folder(h);
	*ret = h;
	return 0;
}

/*
 * Their environment.
 */

_printf_(3, 4) static void hooks_set(struct hooks *h, unsigned int *i, const char *format,
				     ...)
{
	va_list ap;

	if (*i == VARIABLES_MAX)
		return;
	va_start(ap, format);
	vsnprintf(h->variables[*i], VARIABLE_MAX, format, ap);
	va_end(ap);
	h->environment[*i] = h->variables[*i];
	h->environment[++*i] = NULL;
}

static void hooks_set_field(struct hooks *h, unsigned int *i,
			    const struct notice_report *r,
			    const struct report_field *field)
{
	const void *at = (const char *)r + field->offset;
	char name[REPORT_WORD_MAX];
	int64_t number;
	size_t k;

	for (k = 0; field->key[k] && k < sizeof(name) - 1; k++)
		name[k] = (char)toupper((unsigned char)field->key[k]);
	name[k] = '\0';
	if (report_is_unknown(r, field)) {
		hooks_set(h, i, "SOFTOFFLINE_%s=", name);
	} else if (field->type == FIELD_BOOL) {
		hooks_set(h, i, "SOFTOFFLINE_%s=%s", name,
			  *(const int8_t *)at ? "1" : "");
	} else if (field->type == FIELD_STRING) {
		hooks_set(h, i, "SOFTOFFLINE_%s=%s", name, (const char *)at);
	} else {
		memcpy(&number, at, sizeof(number));
		hooks_set(h, i, "SOFTOFFLINE_%s=%" PRId64, name, number);
	}
}

static void hooks_make_environment(struct hooks *h, const struct notice_entry *e)
{
	size_t n;
	const struct report_field *fields = notice_report_fields(&n);
	unsigned int i = 0;

	hooks_set(h, &i,
		  "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	hooks_set(h, &i, "LC_ALL=C.UTF-8");
	hooks_set(h, &i, "HOME=/");
	hooks_set(h, &i, "SOFTOFFLINE_TIMES=%" PRIu64, e->times);
	hooks_set(h, &i, "SOFTOFFLINE_DROPPED=%" PRIu64, h->dropped);
	for (size_t k = 0; k < n; k++)
		hooks_set_field(h, &i, &e->notice, &fields[k]);
}

/*
 * Their runs.
 */

/* @real: the file of the program @path. */
static int hooks_spawn(struct hooks *h, const char *path, const char *real)
{
	char *argv[] = { (char *)path, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	if (posix_spawn_file_actions_init(&actions) != 0)
		return -ENOMEM;
	if (posix_spawnattr_init(&attr) != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return -ENOMEM;
	}
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP |
						      POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETSIGDEF);
	(void)posix_spawnattr_setpgroup(&attr, 0);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	(void)posix_spawnattr_setsigdefault(&attr, &all);
	r = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, 2, 1);
	if (r == 0)
		r = posix_spawn_file_actions_addchdir_np(&actions, "/");
	if (r == 0)
		r = posix_spawn(&h->pid, real, &actions, &attr, argv, h->environment);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	if (r != 0)
		h->pid = 0;
	return -r;
}

static void hooks_step(struct hooks *h);

static int hooks_on_time_up(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct hooks *h = userdata;

	h->late = true;
	(void)kill(-h->pid, SIGKILL);
	return 0;
}

static void hooks_judge(const struct hooks *h, const siginfo_t *si)
{
	const char *path = h->names[h->next - 1];

	if (h->late)
		complain("%s was killed: it took more than %lld s", path,
			 (long long)(h->limit.us / USEC_PER_SEC));
	else if (si->si_code != CLD_EXITED)
		complain("%s was ended by signal %d", path, si->si_status);
	else if (si->si_status != 0)
		complain("%s failed with status %d", path, si->si_status);
}

static int hooks_on_exit(sd_event_source *s, const siginfo_t *si, void *userdata)
{
	struct hooks *h = userdata;

	/* What it left running would go on without a limit. */
	(void)kill(-h->pid, SIGKILL);
	hooks_end_rest();
	h->pid = 0;
	h->child = sd_event_source_unref(h->child);
	h->timer = sd_event_source_unref(h->timer);
	hooks_judge(h, si);
	hooks_step(h);
	return 0;
}

/* Runs the very file that was looked at: where links lead may change. */
static int hooks_start(struct hooks *h, const char *path)
{
	_cleanup_(free_p) char *real = realpath(path, NULL);
	_cleanup_(free_p) char *cut = real ? strdup(real) : NULL;
	int r;

	if (!cut)
		return -errno;
	if (!hooks_trusts(path, cut))
		return 0;
	r = hooks_spawn(h, path, real);
	h->late = false;
	if (r == 0)
		r = sd_event_add_child(h->event, &h->child, h->pid, WEXITED,
				       hooks_on_exit, h);
	if (r >= 0)
		r = sd_event_add_time_relative(h->event, &h->timer, CLOCK_MONOTONIC,
					       (uint64_t)h->limit.us, 1, hooks_on_time_up,
					       h);
	if (r < 0 && h->pid > 0) {
		(void)kill(-h->pid, SIGKILL);
		(void)waitpid(h->pid, NULL, 0);
		h->pid = 0;
		h->child = sd_event_source_unref(h->child);
	}
	return r;
}

/* Starts what comes next, if nothing runs. */
static void hooks_step(struct hooks *h)
{
	struct notice_entry e;
	uint64_t dropped;

	while (h->pid == 0) {
		if (h->next < h->n_names) {
			const char *path = h->names[h->next++];
			int r = hooks_start(h, path);

			if (r < 0)
				complain("%s cannot be run: %s", path, strerror(-r));
			h->heard = h->heard || h->pid > 0;
		} else if (notice_queue_take(&h->queue, &e, &dropped)) {
			h->dropped = dropped + (h->heard ? 0 : h->dropped);
			h->heard = false;
			if (dropped > 0)
				complain("%" PRIu64
					 " notices found no place and are lost",
					 dropped);
			hooks_make_environment(h, &e);
			hooks_find(h);
		} else {
			if (h->on_idle)
				h->on_idle(h->userdata);
			return;
		}
	}
}

void hooks_put(struct hooks *h, const struct notice_report *r)
{
	notice_queue_add(&h->queue, r);
	hooks_step(h);
}
