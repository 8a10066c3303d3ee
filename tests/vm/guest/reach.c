// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * reach - what a service can write, and what it can execute: not by what its unit says,
 * nor by mount options alone, but asked of the kernel for every path.
 *
 *	reach PID [DIR]
 *
 * Joins the mount namespace and the cgroup (for its rules on devices) of process PID,
 * takes that process's user and capabilities, and walks through all that is below DIR
 * ("/"), other file systems too. For each path that may be written it prints "KIND PATH",
 * where KIND is dir, file, device, socket or fifo; with "+exec" if a file there could be
 * executed as well. What is in a folder that may be written, and on the same mount, is not
 * printed apart: who may write the folder may replace it. For each mount on which programs
 * may be executed it prints "exec PATH". /proc has the same files for each process: "own
 * /proc/PID" is the process itself, "other /proc/PID" any other that it can see, and "memory
 * /proc/PID" one whose memory it may write.
 *
 * A folder where something is mounted on access is entered, as an intruder would; if that
 * cannot be mounted now, the line is "unknown PATH".
 *
 * Exit status 0, or 2 if it cannot join or look.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned int service;

/* Mounts whose right to execute was looked at already. */
static uint64_t *mounts_seen;
static size_t n_mounts;

/* The value of FIELD of /proc/PID/status, as the number in it. */
static uint64_t status_field(const char *pid, const char *field, int base)
{
	char path[64], line[256];
	size_t length = strlen(field);
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/status", pid);
	file = fopen(path, "re");
	if (!file)
		err(2, "%s", path);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, field, length) == 0 && line[length] == ':') {
			fclose(file);
			return strtoull(line + length + 1, NULL, base);
		}
	}
	errx(2, "%s: no %s", path, field);
}

/* Rules on devices are those of the cgroup. */
static void join_cgroup(const char *pid)
{
	char path[PATH_MAX], line[PATH_MAX - 64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/cgroup", pid);
	file = fopen(path, "re");
	if (!file || !fgets(line, sizeof(line), file) || strncmp(line, "0::", 3) != 0)
		errx(2, "%s: not one line of cgroup 2", path);
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cgroup.procs", line + 3);
	file = fopen(path, "we");
	if (!file || fprintf(file, "%d\n", getpid()) < 0 || fclose(file))
		err(2, "%s", path);
}

static void join_mounts(const char *pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/ns/mnt", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNS))
		err(2, "%s", path);
	close(fd);
}

static void become(uid_t uid, gid_t gid, uint64_t permitted)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = {
		{ .effective = (uint32_t)permitted, .permitted = (uint32_t)permitted },
		{ .effective = (uint32_t)(permitted >> 32),
		  .permitted = (uint32_t)(permitted >> 32) },
	};

	if (prctl(PR_SET_KEEPCAPS, 1) || setgroups(0, NULL) || setresgid(gid, gid, gid) ||
	    setresuid(uid, uid, uid) || syscall(SYS_capset, &header, data) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		err(2, "cannot take the user and capabilities of the service");
}

static const char *kind_of(mode_t mode)
{
	if (S_ISDIR(mode))
		return "dir";
	if (S_ISREG(mode))
		return "file";
	if (S_ISSOCK(mode))
		return "socket";
	if (S_ISFIFO(mode))
		return "fifo";
	return "device";
}

static bool may_execute_on_mount(const char *path)
{
	struct statvfs fs;

	return statvfs(path, &fs) == 0 && !(fs.f_flag & ST_NOEXEC);
}

static void look_at_mount(const char *path, uint64_t mount)
{
	for (size_t i = 0; i < n_mounts; i++)
		if (mounts_seen[i] == mount)
			return;
	mounts_seen = reallocarray(mounts_seen, n_mounts + 1, sizeof(*mounts_seen));
	if (!mounts_seen)
		err(2, "mounts");
	mounts_seen[n_mounts++] = mount;
	if (may_execute_on_mount(path))
		printf("exec %s\n", path);
}

/*
 * Whether @path is the folder of a process: then it is not walked through.
 */
static bool is_process(const char *path)
{
	char file[64], byte;
	unsigned int pid;
	int end = 0, fd;

	if (sscanf(path, "/proc/%u%n", &pid, &end) != 1 || path[end])
		return false;
	if (pid == (unsigned int)getpid() || pid == service) {
		puts("own /proc/PID");
		return true;
	}
	snprintf(file, sizeof(file), "/proc/%u/oom_score_adj", pid);
	if (faccessat(AT_FDCWD, file, W_OK, AT_EACCESS) == 0)
		puts("other /proc/PID");
	/*
	 * Here the kernel does not go by the file's mode. A thread of the kernel has no
	 * memory, and its file is empty; of others, nothing is at 0, which is an error.
	 */
	snprintf(file, sizeof(file), "/proc/%u/mem", pid);
	fd = open(file, O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		if (pread(fd, &byte, 1, 0) != 0)
			puts("memory /proc/PID");
		close(fd);
	}
	return true;
}

/* What the kernel cannot say now may be open at another time: that is printed, too. */
static bool may_write(const char *path)
{
	if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	if (errno != EACCES && errno != EROFS && errno != EPERM && errno != ENOENT)
		printf("unknown %s\n", path);
	return false;
}

static void print_path(const char *path, mode_t mode)
{
	bool file = S_ISDIR(mode) || S_ISREG(mode);

	printf("%s%s %s\n", kind_of(mode),
	       file && may_execute_on_mount(path) ? "+exec" : "", path);
}

/* @covered: the mount on which a folder above may be written; 0 for none. */
static void walk(const char *path, uint64_t covered)
{
	char below[PATH_MAX];
	struct dirent *entry;
	struct statx info;
	DIR *dir;

	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
		  STATX_TYPE | STATX_MODE | STATX_MNT_ID, &info) ||
	    S_ISLNK(info.stx_mode))
		return;
	if (is_process(path))
		return;
	/* Opened before it is judged: what is mounted on access is then there. */
	dir = S_ISDIR(info.stx_mode) ? opendir(path) : NULL;
	if (dir && statx(dirfd(dir), "", AT_EMPTY_PATH,
			 STATX_TYPE | STATX_MODE | STATX_MNT_ID, &info))
		err(2, "%s", path);
	look_at_mount(path, info.stx_mnt_id);
	if (info.stx_mnt_id != covered && may_write(path)) {
		print_path(path, info.stx_mode);
		if (S_ISDIR(info.stx_mode))
			covered = info.stx_mnt_id;
	}
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(below, sizeof(below), "%s/%s", path[1] ? path : "",
			 entry->d_name);
		walk(below, covered);
	}
	closedir(dir);
}

int main(int argc, char **argv)
{
	uint64_t permitted;
	uid_t uid;
	gid_t gid;

	if (argc < 2 || argc > 3) {
		fputs("usage: reach PID [DIR]\n", stderr);
		return 2;
	}
	service = (unsigned int)atoi(argv[1]);
	uid = (uid_t)status_field(argv[1], "Uid", 10);
	gid = (gid_t)status_field(argv[1], "Gid", 10);
	permitted = status_field(argv[1], "CapEff", 16);
	join_cgroup(argv[1]);
	join_mounts(argv[1]);
	become(uid, gid, permitted);
	walk(argc == 3 ? argv[2] : "/", 0);
	return fflush(stdout) || ferror(stdout) ? 2 : 0;
}
