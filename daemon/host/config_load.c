/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Which configuration files there are, in which order, and their bytes; config.h makes
 * sense of them. A file that is there but cannot be read as it should be is an error and
 * never taken for an absent one: an operator who wrote it wants it obeyed.
 */

#include "host/config_load.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/mem.h"
#include "base/text.h"
#include "host/small_file.h"

#define MAX_FILE ((size_t)1024 * 1024)

/*
 * The later masks the earlier. Those of the prefix are often the same as the ones before
 * them. The fixed ones are read in any case: a program that is built for another prefix
 * must not act where an operator wrote in /etc that it only watches.
 */
static const char *const folders[] = {
	"/usr/lib/softofflined", CONFIG_LIBDIR "/softofflined",     "/run/softofflined",
	"/etc/softofflined",     CONFIG_SYSCONFDIR "/softofflined",
};

enum {
	VENDOR_FIRST = 0,
	VENDOR_LAST = 1,
	ADMIN_FIRST = 3,
	ADMIN_LAST = 4,
};

/** A drop-in: its base name and the last folder that has it. */
struct drop_in {
	char name[NAME_MAX + 1];
	unsigned int folder;
};

struct drop_ins {
	struct drop_in v[CONFIG_MAX_FILES];
	unsigned int n;
};

struct loader {
	struct config *cfg;
	config_diag_fn diag;
	void *userdata;
	unsigned int errors;
};

static _printf_(2, 3) void loader_fail(struct loader *l, const char *format, ...)
{
	char message[2 * CONFIG_PATH_MAX + 256];
	struct config_diag d = { .severity = CONFIG_ERROR, .message = message };
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	/* File names are the only foreign text in here. */
	text_clean(message, sizeof(message), message, sizeof(message));
	l->errors++;
	if (l->diag)
		l->diag(l->userdata, &d);
}

/* Joins a path of up to three parts; too long is an error that was reported. */
static bool loader_join(struct loader *l, char *buf, const char *a, const char *b,
			const char *c)
{
	int n = snprintf(buf, CONFIG_PATH_MAX, "%s%s%s", a, b, c);

	if (n >= 0 && n < CONFIG_PATH_MAX)
		return true;
	loader_fail(l, "%s...: the path is longer than %d bytes", buf,
		    CONFIG_PATH_MAX - 1);
	return false;
}

static bool path_exists(const char *path)
{
	struct stat st;

	/* Whatever else is wrong with it is for loader_read() to say. */
	return lstat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

static bool is_null_device(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

/* A regular file of at most MAX_FILE bytes, opened; -1 after an error was reported. */
static int loader_open(struct loader *l, const char *path)
{
	_cleanup_(close_p) int fd = -1;
	struct stat st;

	/* O_NONBLOCK: a FIFO would otherwise wait for a writer. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT && path_exists(path))
		loader_fail(l, "%s: a link to a file that does not exist", path);
	else if (fd < 0)
		loader_fail(l, "%s: cannot be opened: %s", path, strerror(errno));
	else if (fstat(fd, &st) < 0)
		loader_fail(l, "%s: cannot be examined: %s", path, strerror(errno));
	else if (S_ISDIR(st.st_mode))
		loader_fail(l, "%s: a folder; a regular file is needed", path);
	else if (!S_ISREG(st.st_mode))
		loader_fail(l, "%s: not a regular file", path);
	else if (st.st_size > (off_t)MAX_FILE)
		loader_fail(l, "%s: larger than 1 MiB; is this the right file?", path);
	else
		return TAKE_FD(fd);
	return -1;
}

static int loader_read(struct loader *l, const char *path)
{
	_cleanup_(free_p) char *text = NULL;
	_cleanup_(close_p) int fd = -1;
	ssize_t n;

	fd = loader_open(l, path);
	if (fd < 0)
		return 0;
	n = small_file_load(fd, MAX_FILE, &text);
	if (n == -ENOMEM)
		return -ENOMEM;
	if (n == -EFBIG)
		loader_fail(l, "%s: larger than 1 MiB; is this the right file?", path);
	else if (n < 0)
		loader_fail(l, "%s: cannot be read: %s", path, strerror((int)-n));
	else
		l->errors +=
			config_parse(l->cfg, path, text, (size_t)n, l->diag, l->userdata);
	return 0;
}

/* False if there is no room for one more name. */
static bool add_drop_in(struct drop_ins *all, const char *name, unsigned int folder)
{
	unsigned int i = 0;

	while (i < all->n && strcmp(all->v[i].name, name) < 0)
		i++;
	if (i < all->n && strcmp(all->v[i].name, name) == 0) {
		all->v[i].folder = folder;
		return true;
	}
	if (all->n == CONFIG_MAX_FILES)
		return false;
	memmove(&all->v[i + 1], &all->v[i], (all->n - i) * sizeof(all->v[0]));
	snprintf(all->v[i].name, sizeof(all->v[i].name), "%s", name);
	all->v[i].folder = folder;
	all->n++;
	return true;
}

static bool is_drop_in(const char *name)
{
	size_t len = strlen(name), suffix = strlen(".conf");

	return name[0] != '.' && len > suffix &&
	       strcmp(name + len - suffix, ".conf") == 0;
}

/* Adds what @path holds; a folder that is not there is fine. */
static void loader_list_folder(struct loader *l, struct drop_ins *all, const char *path,
			       unsigned int folder)
{
	_cleanup_(closedir_p) DIR *dir = NULL;
	const struct dirent *entry;

	dir = opendir(path);
	if (!dir) {
		if (errno != ENOENT || path_exists(path))
			loader_fail(l, "%s: cannot be opened as a folder: %s", path,
				    strerror(errno));
		return;
	}
	for (;;) {
		errno = 0;
		entry = readdir(dir);
		if (!entry)
			break;
		if (is_drop_in(entry->d_name) &&
		    !add_drop_in(all, entry->d_name, folder)) {
			loader_fail(l, "%s: more than %d drop-in files in all", path,
				    CONFIG_MAX_FILES);
			return;
		}
	}
	if (errno != 0)
		loader_fail(l, "%s: cannot be listed: %s", path, strerror(errno));
}

/* Reads the drop-ins of @paths, of which a later one masks an earlier one's names. */
static int loader_drop_ins(struct loader *l, char (*paths)[CONFIG_PATH_MAX],
			   unsigned int n)
{
	_cleanup_(free_p) struct drop_ins *all = NULL;
	char path[CONFIG_PATH_MAX];
	int r;

	all = calloc(1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	for (unsigned int i = 0; i < n; i++)
		loader_list_folder(l, all, paths[i], i);
	for (unsigned int i = 0; i < all->n; i++) {
		if (!loader_join(l, path, paths[all->v[i].folder], "/", all->v[i].name) ||
		    is_null_device(path))
			continue;
		r = loader_read(l, path);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool is_repeated(unsigned int folder)
{
	return folder > 0 && strcmp(folders[folder], folders[folder - 1]) == 0;
}

/* A folder that is not there says nothing; a link to one that is gone hides a word. */
static void loader_check_folder(struct loader *l, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0 && path_exists(path))
		loader_fail(l, "%s: cannot be examined: %s", path, strerror(errno));
}

/* Reads the main file of a folder. 1 if there is one, 0 if not. */
static int loader_main(struct loader *l, const char *root, unsigned int folder)
{
	char path[CONFIG_PATH_MAX];
	int r;

	if (is_repeated(folder) ||
	    !loader_join(l, path, root, folders[folder], "/softofflined.conf") ||
	    !path_exists(path))
		return 0;
	r = is_null_device(path) ? 0 : loader_read(l, path);
	return r < 0 ? r : 1;
}

/* All of the administrator's, or else the vendor's. */
static int loader_mains(struct loader *l, const char *root)
{
	unsigned int n = 0;
	int r = 0;

	for (unsigned int i = ADMIN_FIRST; r >= 0 && i <= ADMIN_LAST; i++) {
		r = loader_main(l, root, i);
		n += r > 0;
	}
	for (unsigned int i = VENDOR_LAST + 1; r >= 0 && n == 0 && i > VENDOR_FIRST;
	     i--) {
		r = loader_main(l, root, i - 1);
		n += r > 0;
	}
	return r < 0 ? r : 0;
}

static int loader_standard(struct loader *l, const char *root)
{
	char paths[ARRAY_SIZE(folders)][CONFIG_PATH_MAX];
	unsigned int n = 0;
	int r = loader_mains(l, root);

	if (r < 0)
		return r;
	for (unsigned int i = 0; i < ARRAY_SIZE(folders); i++) {
		if (is_repeated(i))
			continue;
		if (!loader_join(l, paths[n], root, folders[i], ""))
			return 0;
		loader_check_folder(l, paths[n]);
		if (!loader_join(l, paths[n++], root, folders[i], "/softofflined.conf.d"))
			return 0;
	}
	return loader_drop_ins(l, paths, n);
}

static int loader_one(struct loader *l, const char *file)
{
	char paths[1][CONFIG_PATH_MAX];
	int r;

	if (!loader_join(l, paths[0], file, ".d", ""))
		return 0;
	r = loader_read(l, file);
	if (r < 0)
		return r;
	return loader_drop_ins(l, paths, 1);
}

int config_load(struct config *cfg, const char *file, const char *root,
		config_diag_fn diag, void *userdata)
{
	struct loader l = { .cfg = cfg, .diag = diag, .userdata = userdata };
	int r;

	config_init(cfg);
	r = file ? loader_one(&l, file) : loader_standard(&l, root);
	if (r < 0)
		return r;
	if (l.errors == 0)
		l.errors = config_check(cfg, diag, userdata);
	return l.errors > 0 ? -EINVAL : 0;
}
