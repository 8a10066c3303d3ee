/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The changes of the open group, one after the other in one piece of memory. It does not
 * know what a change means, nor when it is made.
 */

#include "store/db_redo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A thousand rows take some 300 KiB; a page with the largest threshold takes 16 KiB. */
#define REDO_SIZE (4U << 20)

int db_redo_new(struct db_redo *r)
{
	/* What is never used is never touched, and so takes no memory. */
	r->data = malloc(REDO_SIZE);
	return r->data ? 0 : -ENOMEM;
}

void db_redo_free(struct db_redo *r)
{
	free(r->data);
	*r = (struct db_redo){ 0 };
}

size_t db_redo_size(size_t size)
{
	return (sizeof(struct change) + size + 7) & ~(size_t)7;
}

int db_redo_room(const struct db_redo *r, size_t total)
{
	if (!r->data)
		return -EROFS;
	if (total > REDO_SIZE)
		return -EMSGSIZE;
	return r->len + total <= REDO_SIZE;
}

struct change *db_redo_append(struct db_redo *r, struct change head, const void *data,
			      size_t size)
{
	struct change *c = (void *)(r->data + r->len);

	head.size = (uint32_t)db_redo_size(size);
	*c = head;
	memcpy(c + 1, data, size);
	r->len += head.size;
	return c;
}

const struct change *db_redo_next(const struct db_redo *r, const struct change *c)
{
	size_t at = c ? (size_t)((const uint8_t *)c - r->data) + c->size : 0;

	return at < r->len ? (const void *)(r->data + at) : NULL;
}
