/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * One start of the real daemon. The made-up tracefs holds what the daemon reads at its
 * start and nothing else; no event comes out of it. It knows no database.
 */

#include "daemon_shell.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "base/mem.h"
#include "bench.h"
#include "page_builder.h"

#define TRACING    "/sys/kernel/tracing"
#define MC_EVENT   "events/ras/mc_event"
#define INSTANCE   "instances/softofflined/"
#define CPUS       2
#define READY_MSEC 60000

static const char *const dirs[] = {
	"events",
	"events/ras",
	MC_EVENT,
	"instances",
	"instances/softofflined",
	INSTANCE "events",
	INSTANCE "events/ras",
	INSTANCE MC_EVENT,
	INSTANCE "per_cpu",
};

static const struct {
	const char *path, *text;
} files[] = {
	{ INSTANCE "events/header_page", page_builder_header_page },
	{ INSTANCE "events/ras/mc_event/format", page_builder_mc_format },
	{ INSTANCE "events/ras/mc_event/enable", "1\n" },
	{ INSTANCE "trace_clock", "local global [boot] tai\n" },
	{ INSTANCE "buffer_size_kb", "67\n" },
	{ INSTANCE "buffer_percent", "0\n" },
	{ INSTANCE "tracing_on", "1\n" },
};

static int put_file(const char *path, const char *text)
{
	_cleanup_(fclose_p) FILE *f = fopen(path, "we");

	return !f || fputs(text, f) < 0 ? -errno : 0;
}

static int make_cpu(unsigned int cpu)
{
	char path[128];

	snprintf(path, sizeof(path), "tracing/" INSTANCE "per_cpu/cpu%u", cpu);
	(void)mkdir(path, 0700);
	snprintf(path, sizeof(path), "tracing/" INSTANCE "per_cpu/cpu%u/trace_pipe_raw",
		 cpu);
	if (mkfifo(path, 0600) < 0 && errno != EEXIST)
		return -errno;
	snprintf(path, sizeof(path), "tracing/" INSTANCE "per_cpu/cpu%u/stats", cpu);
	return put_file(path, "entries: 0\noverrun: 0\ncommit overrun: 0\nbytes: 0\n"
			      "dropped events: 0\nread events: 0\n");
}

static int make_tracefs(void)
{
	char path[128];
	int r = 0;

	(void)mkdir("tracing", 0700);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		snprintf(path, sizeof(path), "tracing/%s", dirs[i]);
		(void)mkdir(path, 0700);
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "tracing/%s", files[i].path);
		r = put_file(path, files[i].text);
	}
	for (unsigned int cpu = 0; r == 0 && cpu < CPUS; cpu++)
		r = make_cpu(cpu);
	return r;
}

/* Root has no need of a user namespace, and not every kernel gives one to others. */
static int show_tracefs(void)
{
	int flags = CLONE_NEWNS | (geteuid() == 0 ? 0 : CLONE_NEWUSER);

	if (unshare(flags) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tracing", TRACING, NULL, MS_BIND, NULL) < 0)
		return -EPERM;
	return 0;
}

/* No bus: this daemon is not to take the place of the machine's own. */
static _Noreturn void become_daemon(const char *program, const char *db, bool fake,
				    const char *socket_name)
{
	int log = open("daemon.log", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fake && show_tracefs() < 0)
		_exit(EPERM);
	(void)dup2(log, STDERR_FILENO);
	(void)setenv("NOTIFY_SOCKET", socket_name, 1);
	(void)setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent", 1);
	execl(program, program, "--dry-run", "--config", "daemon.conf", "--db", db,
	      "--metrics", "metrics.prom", NULL);
	_exit(errno);
}

/* An abstract address: a path would have to be absolute, and may then be too long. */
static void name_socket(char name[64])
{
	snprintf(name, 64, "@softofflined-bench-%d", (int)getpid());
}

static int listen_for_it(void)
{
	_cleanup_(close_p) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char name[64];
	socklen_t len;

	name_socket(name);
	memcpy(at.sun_path + 1, name + 1, strlen(name + 1));
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, len) < 0)
		return -errno;
	return TAKE_FD(fd);
}

/* 1: READY=1 is among what has come; 0: not yet. */
static int take_words(int fd)
{
	char text[4096];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	return strstr(text, "READY=1") != NULL;
}

static int wait_ready(int fd, pid_t pid)
{
	_cleanup_(close_p) int end = pidfd_open(pid, 0);
	struct pollfd p[] = { { .fd = fd, .events = POLLIN },
			      { .fd = end, .events = POLLIN } };
	int r = 0;

	while (r == 0) {
		if (poll(p, ARRAY_SIZE(p), READY_MSEC) <= 0)
			return -ETIMEDOUT;
		r = p[0].revents ? take_words(fd) : -ECHILD;
	}
	return r < 0 ? r : 0;
}

/* So that the pipes are empty and not at their end. */
static void hold_pipes(int fds[CPUS])
{
	for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
		char path[128];

		snprintf(path, sizeof(path),
			 "tracing/" INSTANCE "per_cpu/cpu%u/trace_pipe_raw", cpu);
		fds[cpu] = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	}
}

static uint64_t cpu_ns(pid_t pid)
{
	struct timespec t = { 0 };
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) == 0)
		(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Whatever has become of it. */
static int end_daemon(pid_t pid, int r)
{
	int status = 0;

	(void)kill(pid, SIGTERM);
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EPERM)
		return -EPERM;
	return r;
}

static int start_once(const char *program, const char *db, bool fake, uint64_t *ret_ns,
		      uint64_t *ret_cpu_ns)
{
	_cleanup_(close_p) int fd = listen_for_it();
	uint64_t begin, ns, cpu;
	char name[64];
	pid_t pid;
	int r;

	if (fd < 0)
		return fd;
	name_socket(name);
	begin = bench_wall();
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		become_daemon(program, db, fake, name);
	r = wait_ready(fd, pid);
	ns = bench_wall() - begin;
	cpu = cpu_ns(pid);
	r = end_daemon(pid, r);
	if (r < 0)
		return r;
	*ret_ns = ns;
	*ret_cpu_ns = cpu;
	return 0;
}

int daemon_shell_start(const char *program, const char *db, uint64_t *ret_ns,
		       uint64_t *ret_cpu_ns)
{
	bool fake = access(TRACING "/" MC_EVENT, F_OK) < 0;
	int pipes[CPUS] = { -1, -1 };
	int r = put_file("daemon.conf", "");

	if (r == 0 && fake)
		r = make_tracefs();
	if (r < 0)
		return r;
	if (fake)
		hold_pipes(pipes);
	r = start_once(program, db, fake, ret_ns, ret_cpu_ns);
	for (unsigned int cpu = 0; cpu < CPUS; cpu++)
		close_p(&pipes[cpu]);
	return r;
}
