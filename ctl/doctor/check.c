/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Runs the checks, and holds what they share to look at the machine. What a finding means
 * is decided in check_source.c and check_action.c.
 */

#include "doctor/check.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/timex.h>
#include <sys/utsname.h>

#include "base/cmdline.h"
#include "doctor/check_internal.h"
#include "doctor/gunzip.h"
#include "host/clock.h"
#include "host/small_file.h"

#define DEFAULT_DATABASE "/var/lib/softofflined/softofflined.db"

/* Of kernels with every option there is: 70 kB and 350 kB. */
#define CONFIG_PACKED_MAX 1048576
#define CONFIG_MAX        8388608

/* The doctor uses no part of the door that depends on the size of a page. */
#define PAGE_SHIFT 12

DEFINE_CLEANUP(struct topology *, topology_free)
DEFINE_CLEANUP(struct sysfs_offline *, sysfs_offline_free)

static const struct {
	const char *id;
	check_fn *run;
} checks[] = {
#define X(id, fn) { id, fn },
	CHECK_LIST(X)
#undef X
};

_Static_assert(ARRAY_SIZE(checks) + EVENT_SOURCE_MAX_ <= CHECK_MAX_ROWS,
	       "callers' arrays hold every row");

const char *check_path(const struct check_context *c, const char *path, char *ret,
		       size_t size)
{
	snprintf(ret, size, "%s%s", c->o->root, path);
	return ret;
}

enum look check_look(struct check_context *c, const char *path)
{
	char full[PATH_MAX];

	if (faccessat(AT_FDCWD, check_path(c, path, full, sizeof(full)), F_OK,
		      AT_EACCESS) == 0)
		return SEEN;
	if (errno == ENOENT || errno == ENOTDIR)
		return MISSING;
	/* An error while looking does not mean that the file is missing. */
	c->hidden_by = errno;
	return HIDDEN;
}

ssize_t check_read(const struct check_context *c, const char *path, char *ret,
		   size_t size)
{
	ssize_t n = small_file_read_below(c->o->root, path, ret, size);

	return n == -EFBIG ? (ssize_t)size - 1 : n;
}

/** The value that @line assigns to @key, without blanks and quotes; NULL if none. */
static char *assigned(char *line, const char *key)
{
	size_t len = strlen(key);
	char *p = line + strspn(line, " \t");
	size_t n;

	if (strncmp(p, key, len) != 0)
		return NULL;
	p += len;
	p += strspn(p, " \t");
	if (*p++ != '=')
		return NULL;
	p += strspn(p, " \t\"'");
	n = strlen(p);
	while (n > 0 && strchr(" \t\r\n\"'", p[n - 1]))
		p[--n] = '\0';
	return p;
}

int check_value(const struct check_context *c, const char *path, const char *key,
		char *ret, size_t size)
{
	_cleanup_(fclose_p) FILE *f = NULL;
	char full[PATH_MAX], line[512];
	int r = -ENODATA;

	f = fopen(check_path(c, path, full, sizeof(full)), "re");
	if (!f)
		return -errno;
	errno = 0;
	while (fgets(line, sizeof(line), f)) {
		const char *value = assigned(line, key);

		if (!value)
			continue;
		snprintf(ret, size, "%s", value);
		r = 0;
	}
	return ferror(f) ? (errno ? -errno : -EIO) : r;
}

bool check_process(const struct check_context *c, const char *name)
{
	_cleanup_(closedir_p) DIR *d = NULL;
	const struct dirent *entry;
	char path[PATH_MAX], comm[64];

	d = opendir(check_path(c, "/proc", path, sizeof(path)));
	while (d && (entry = readdir(d))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		if (check_read(c, path, comm, sizeof(comm)) < 0)
			continue;
		comm[strcspn(comm, "\n")] = '\0';
		if (strcmp(comm, name) == 0)
			return true;
	}
	return false;
}

/* The running kernel's own copy of its options, unpacked; NULL if it has none. */
static char *unpack_config(const struct check_context *c)
{
	_cleanup_(free_p) char *packed = malloc(CONFIG_PACKED_MAX);
	_cleanup_(free_p) char *text = malloc(CONFIG_MAX);
	ssize_t n;

	if (!packed || !text)
		return NULL;
	n = check_read(c, "/proc/config.gz", packed, CONFIG_PACKED_MAX);
	if (n > 0)
		n = gunzip(packed, (size_t)n, text, CONFIG_MAX - 1);
	if (n <= 0)
		return NULL;
	text[n] = '\0';
	return TAKE_PTR(text);
}

/* The value of @option in the kernel's own copy. */
static char option_of_config(const char *text, const char *option)
{
	size_t n = strlen(option);

	for (const char *p = text; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, option, n) == 0 && p[n] == '=')
			return p[n + 1] == 'm' ? 'm' : p[n + 1] == 'y' ? 'y' : 'n';
	}
	return 'n';
}

char check_kernel_option(const struct check_context *c, const char *option)
{
	static const char *const places[] = { "/boot/config-%s", "/lib/modules/%s/config",
					      "/usr/lib/modules/%s/config" };
	bool readable = false;
	char value[16];

	if (c->release[0] == '\0')
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		char path[PATH_MAX];
		size_t before = strcspn(places[i], "%");
		int r;

		snprintf(path, sizeof(path), "%.*s%s%s", (int)before, places[i],
			 c->release, places[i] + before + 2);
		r = check_value(c, path, option, value, sizeof(value));
		if (r == 0)
			return value[0] == 'm' ? 'm' : value[0] == 'y' ? 'y' : 'n';
		readable |= r == -ENODATA;
	}
	if (!readable && c->config)
		return option_of_config(c->config, option);
	return readable ? 'n' : 0;
}

void check_say(struct check_row *row, enum check_status status, const char *format, ...)
{
	va_list args;

	row->status = status;
	va_start(args, format);
	vsnprintf(row->text, sizeof(row->text), format, args);
	va_end(args);
}

void check_hint(struct check_row *row, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(row->hint, sizeof(row->hint), format, args);
	va_end(args);
}

void check_hint_without(struct check_row *row, const char *words, const char *then)
{
	check_hint(
		row,
		"boot without %.55s (Debian: /etc/default/grub, then update-grub; RHEL: "
		"grubby --update-kernel=ALL --remove-args=\"%.55s\")%s",
		words, words, then);
}

void check_hint_with(struct check_row *row, const char *word, const char *then)
{
	check_hint(row,
		   "boot with %.55s (Debian: /etc/default/grub, then update-grub; RHEL: "
		   "grubby --update-kernel=ALL --args=%.55s)%s",
		   word, word, then);
}

void check_need_root(const struct check_context *c, struct check_row *row,
		     const char *what)
{
	if (c->hidden_by != 0 && c->hidden_by != EACCES && c->hidden_by != EPERM) {
		check_say(row, CHECK_WARNING, "cannot see %s: %s", what,
			  strerror(c->hidden_by));
		check_hint(row, "the kernel's log may show why");
		return;
	}
	check_say(row, CHECK_WARNING, "only root can see %s", what);
	check_hint(row, "run as root to know");
}

void check_options_init(struct check_options *o)
{
	static struct utsname names;
	struct timex t = { .modes = 0 };

	memset(o, 0, sizeof(*o));
	o->machine = uname(&names) == 0 ? names.machine : "";
	o->root = "";
	o->database = DEFAULT_DATABASE;
	o->euid = geteuid();
	o->wall_sec = usec_add(clock_boot(), clock_wall_offset()).us / USEC_PER_SEC;
	o->clock_synchronised = adjtimex(&t) >= 0 && !(t.status & STA_UNSYNC);
}

/* The running kernel's architecture; a 32-bit program on a 64-bit kernel is told another. */
static void find_architecture(struct check_context *c)
{
	char arch[32];
	ssize_t n = check_read(c, "/proc/sys/kernel/arch", arch, sizeof(arch));
	const char *name = n > 0 ? arch : c->o->machine;

	c->arm64 = strncmp(name, "aarch64", 7) == 0;
	c->x86 = strncmp(name, "x86_64", 6) == 0 ||
		 (strlen(name) >= 4 && name[0] == 'i' && strncmp(name + 2, "86", 2) == 0);
}

/*
 * lockdown=confidentiality makes no file in tracefs (fs/tracefs/inode.c of Linux 6.12).
 * Without securityfs the command line is the evidence.
 */
static bool is_confidential(const struct check_context *c)
{
	char text[4096], *at = text;
	bool locked = false;
	struct cmdline_param p;

	if (check_read(c, "/sys/kernel/security/lockdown", text, sizeof(text)) > 0)
		return strstr(text, "[confidentiality]");
	if (check_read(c, "/proc/cmdline", text, sizeof(text)) < 0)
		return false;
	while (cmdline_next(&at, &p))
		if (strcmp(p.name, "lockdown") == 0 && p.value)
			locked |= strcmp(p.value, "confidentiality") == 0;
	return locked;
}

/* The container has what softofflined needs of the host, and it runs there. */
static bool is_privileged(struct check_context *c)
{
	const char *system = "";

	return c->o->daemon_running &&
	       check_look_for_source(c, event_sources, &system) == SEEN &&
	       sysfs_offline_kernel(c->door).soft_offline == FACT_YES;
}

/* A driver that is built in is in no table of modules, if depmod's index is missing. */
static void find_built_in(struct check_context *c)
{
	for (int i = 0; i < c->n_drivers; i++) {
		const struct driver_fact *fact =
			topology_driver_fact(c->drivers[i].module);

		if (fact && check_kernel_option(c, fact->option) == 'y')
			c->drivers[i].loaded = true;
	}
}

static bool check_has_row(const char *id)
{
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		if (strcmp(checks[i].id, id) == 0)
			return true;
	return false;
}

/* Returns the number of rows filled: 0 if @room is 0. */
static size_t check_fill(struct check_context *c, const char *id, check_fn *run,
			 struct check_row *row, size_t room)
{
	if (room == 0)
		return 0;
	memset(row, 0, sizeof(*row));
	snprintf(row->id, sizeof(row->id), "%s", id);
	run(c, row);
	/* Nothing that can be done inside a container helps it. */
	if (c->container && !c->privileged && row->status != CHECK_OK &&
	    strcmp(id, "virtualization") != 0)
		check_hint(row, "see virtualization");
	return 1;
}

size_t check_run(const struct check_options *o, struct check_row *rows, size_t max)
{
	_cleanup_(topology_free_p) struct topology *topology = NULL;
	_cleanup_(sysfs_offline_free_p) struct sysfs_offline *door = NULL;
	_cleanup_(free_p) char *config = NULL;
	struct check_context c = { .o = o };
	size_t n = 0;

	if (topology_read(&topology, o->root) < 0 ||
	    sysfs_offline_new(&door, o->root, PAGE_SHIFT) < 0)
		return 0;
	c.topology = topology;
	c.door = door;
	if (sysfs_memory_release(o->root, c.release) < 0)
		c.release[0] = '\0';
	c.config = config = unpack_config(&c);
	c.n_drivers = topology_edac_drivers(o->root, c.drivers, ARRAY_SIZE(c.drivers));
	find_architecture(&c);
	c.guest = topology_guest(o->root, c.guest_of, sizeof(c.guest_of));
	c.container = topology_container(o->root, c.container_of, sizeof(c.container_of));
	c.privileged = c.container && is_privileged(&c);
	c.confidential = is_confidential(&c);
	find_built_in(&c);
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		if (*checks[i].id) {
			n += check_fill(&c, checks[i].id, checks[i].run, rows + n,
					max - n);
			continue;
		}
		for (size_t k = 0; k < EVENT_SOURCE_MAX_; k++)
			if (!check_has_row(event_sources[k].check))
				n += check_fill(&c, event_sources[k].check, checks[i].run,
						rows + n, max - n);
	}
	return n;
}

int check_exit_status(const struct check_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].status == CHECK_FAILED)
			return 1;
	return 0;
}

const char *check_status_to_string(enum check_status status)
{
	switch (status) {
	case CHECK_OK:
		return "ok";
	case CHECK_WARNING:
		return "warning";
	case CHECK_FAILED:
		return "failed";
	}
	return "invalid-value";
}

const char *check_status_mark(enum check_status status)
{
	switch (status) {
	case CHECK_OK:
		return "\u2713";
	case CHECK_WARNING:
		return "!";
	case CHECK_FAILED:
		return "\u2717";
	}
	return "?";
}
