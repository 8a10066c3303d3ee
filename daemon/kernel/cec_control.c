/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Takes over the threshold of the kernel's own collector, and gives it back. This file
 * does not know the configuration, reports to nobody, and never stops the collector from
 * counting.
 */

#include "kernel/cec_control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "host/small_file.h"
#include "kernel/value_note.h"

/* Writes @value, and reads it back: 0 only if the kernel shows it. */
static int cec_set(const struct cec_control *c, int64_t value)
{
	int64_t now;
	int r = small_file_write_number(c->root, RAS_CEC_THRESHOLD, value);

	if (r >= 0)
		r = small_file_read_number(c->root, RAS_CEC_THRESHOLD, &now);
	if (r < 0)
		return r;
	return now == value ? 0 : -EOPNOTSUPP;
}

static int cec_note_path(const struct cec_control *c, char ret[PATH_MAX])
{
	return small_file_path(ret, PATH_MAX, c->root, CEC_NOTE);
}

/* The former value, if the note says that the threshold @now is ours. As value_note_read(). */
static int cec_load_note(const struct cec_control *c, int64_t now, int64_t *ret_former)
{
	char path[PATH_MAX];
	int64_t former, set;
	int r = cec_note_path(c, path);

	if (r >= 0)
		r = value_note_read(path, c->boot_id, &former, &set);
	if (r <= 0)
		return r;
	*ret_former = former;
	return set == now ? 1 : -ESTALE;
}

static int cec_save_note(const struct cec_control *c, int64_t former)
{
	char path[PATH_MAX];
	int r = cec_note_path(c, path);

	return r < 0 ? r : value_note_write(path, c->boot_id, former, RAS_CEC_MAX);
}

static void cec_drop_note(const struct cec_control *c)
{
	char path[PATH_MAX];

	if (cec_note_path(c, path) >= 0)
		(void)unlink(path);
}

static void cec_look(struct cec_control *c)
{
	int64_t former;

	ras_cec_look(c->root, c->boot_id, &c->seen);
	c->seen.former = RAS_CEC_UNSEEN;
	if (c->seen.state == RAS_CEC_ACTIVE &&
	    cec_load_note(c, c->seen.threshold, &former) > 0)
		c->seen.former = former;
}

int cec_control_init(struct cec_control *c, const char *root, const char *boot_id)
{
	memset(c, 0, sizeof(*c));
	if (strlen(root) >= sizeof(c->root) || strlen(boot_id) >= sizeof(c->boot_id))
		return -ENAMETOOLONG;
	strcpy(c->root, root);
	strcpy(c->boot_id, boot_id);
	cec_look(c);
	return 0;
}

static int cec_take(struct cec_control *c)
{
	int64_t former;
	int r = small_file_read_number(c->root, RAS_CEC_THRESHOLD, &former);

	if (r < 0)
		return r;
	if (former == RAS_CEC_MAX)
		return 0;
	/* The value is given back by another process: without the note, never. */
	r = cec_save_note(c, former);
	if (r < 0)
		return r;
	r = cec_set(c, RAS_CEC_MAX);
	if (r >= 0)
		return 0;
	if (r == -EOPNOTSUPP)
		(void)small_file_write_number(c->root, RAS_CEC_THRESHOLD, former);
	cec_drop_note(c);
	return r;
}

int cec_control_take(struct cec_control *c)
{
	int r = cec_take(c);

	cec_look(c);
	return r == -ENOTDIR ? -ENOENT : r;
}

int cec_control_give_back(struct cec_control *c)
{
	int64_t now, former;
	int r = small_file_read_number(c->root, RAS_CEC_THRESHOLD, &now);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0; /* no collector runs in this boot: nothing of it was changed */
	if (r >= 0)
		r = cec_load_note(c, now, &former);
	if (r > 0)
		r = cec_set(c, former) < 0 ? -EIO : 1;
	if (r == 1 || r == 0 || r == -ESTALE)
		cec_drop_note(c);
	cec_look(c);
	return r;
}

int cec_control_leave_word(const struct cec_control *c)
{
	char path[PATH_MAX], text[128];
	size_t len = ras_cec_format_word(text, sizeof(text), c->boot_id, &c->seen);
	int r = small_file_path(path, sizeof(path), c->root, RAS_CEC_WORD);

	return r < 0 ? r : value_note_replace(path, text, len, 0644);
}
