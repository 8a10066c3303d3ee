/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * vm.enable_soft_offline, and a note of its former value. This file does not know the
 * configuration, reports to nobody, and never turns soft offline on or off.
 */

#include "kernel/kernel_control.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "host/small_file.h"
#include "kernel/value_note.h"

#define SYSCTL "/proc/sys/vm/enable_soft_offline"

#define BIT_ON            INT64_C(1)
#define BIT_NOT_BY_ITSELF INT64_C(4)

int kernel_control_read(const char *root, int64_t *ret)
{
	return small_file_read_number(root, SYSCTL, ret);
}

int kernel_control_init(struct kernel_sysctl *c, const char *root, const char *note,
			const char *boot_id)
{
	*c = (struct kernel_sysctl){ .seen = CONTROL_UNKNOWN };
	if (strlen(root) >= sizeof(c->root) || strlen(note) >= sizeof(c->note) ||
	    strlen(boot_id) >= sizeof(c->boot_id))
		return -ENAMETOOLONG;
	strcpy(c->root, root);
	strcpy(c->note, note);
	strcpy(c->boot_id, boot_id);
	(void)kernel_control_poll(c, NULL);
	return 0;
}

/*
 * Returns 1 if we must give the value @now back. Returns 0 if there is no note, or if the
 * note is of another boot or of other values. Negative errno if there is a note that
 * cannot be read.
 */
static int control_load_note(struct kernel_sysctl *c, int64_t now)
{
	int64_t former, set;
	int r = value_note_read(c->note, c->boot_id, &former, &set);

	if (r <= 0 || set != now)
		return r < 0 ? r : 0;
	c->former = former;
	c->set = set;
	return 1;
}

static void control_save_note(const struct kernel_sysctl *c)
{
	/* Without the note, a crash loses the former value and nothing else. */
	(void)value_note_write(c->note, c->boot_id, c->former, c->set);
}

/* 0 only if the kernel then shows the value that was written. */
static int control_set(const struct kernel_sysctl *c, int64_t before, int64_t value)
{
	int64_t now = before;
	int r = small_file_write_number(c->root, SYSCTL, value);

	if (r == -EINVAL)
		return -EOPNOTSUPP;
	if (r < 0)
		return r;
	r = kernel_control_read(c->root, &now);
	if (r >= 0 && now == value)
		return 0;
	(void)small_file_write_number(c->root, SYSCTL, before);
	return r < 0 ? r : -EOPNOTSUPP;
}

int kernel_control_take(struct kernel_sysctl *c)
{
	int64_t now;
	int r = kernel_control_read(c->root, &now);

	if (r < 0)
		return r;
	if (!(now & BIT_ON))
		return -EAGAIN;
	if (now & BIT_NOT_BY_ITSELF) {
		/* If the note cannot be read now, kernel_control_give_back() looks for it
		 * again. */
		c->taken = c->taken || control_load_note(c, now) > 0;
		c->seen = now;
		return 0;
	}
	c->former = now;
	c->set = now | BIT_NOT_BY_ITSELF;
	control_save_note(c); /* before the write: the process may die in between */
	r = control_set(c, now, c->set);
	if (r < 0) {
		(void)unlink(c->note);
		return r;
	}
	c->taken = true;
	c->seen = c->set;
	return 0;
}

/* Whether there is a value to give back: 1, 0, or negative errno. */
static int control_is_ours(struct kernel_sysctl *c, int64_t *ret_now)
{
	int r = kernel_control_read(c->root, ret_now);

	if (c->taken || r < 0)
		return r < 0 ? (c->taken ? r : 0) : 1;
	/* A predecessor may have set the bit and then been killed: then the bit is ours,
	 * too. */
	return control_load_note(c, *ret_now);
}

int kernel_control_give_back(struct kernel_sysctl *c)
{
	int64_t now;
	int r = control_is_ours(c, &now);

	if (r == 0 || (r < 0 && r != -ENOENT))
		return r;
	if (r > 0 && now == c->set)
		r = small_file_write_number(c->root, SYSCTL, c->former);
	else if (r > 0)
		r = -ESTALE;
	/* Until the value is back the note stays, so that the next start can give it
	 * back. */
	if (r < 0 && r != -ESTALE && r != -ENOENT)
		return r;
	c->taken = false;
	(void)unlink(c->note);
	if (r < 0)
		return r;
	c->seen = c->former;
	return 1;
}

int kernel_control_poll(struct kernel_sysctl *c, int64_t *ret_before)
{
	int64_t before = c->seen;
	int64_t now = CONTROL_ABSENT;
	int r = kernel_control_read(c->root, &now);

	if (r < 0 && r != -ENOENT && r != -ENOTDIR)
		return r;
	c->seen = now;
	if (before == CONTROL_UNKNOWN || now == before)
		return 0;
	*ret_before = before;
	return 1;
}
