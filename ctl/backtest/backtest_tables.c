/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Names in a back-test: names become numbers, and each row finds its DIMM, machine and
 * page. The tables grow with DIMMs and pages, never with rows. This file counts nothing
 * and asks no engine.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backtest/backtest_internal.h"
#include "base/mem.h"

/* Server and DIMM, each byte as %NN, or with module as imports/history.h has them. */
#define KEY_MAX      6144
#define FIRST_ROOM   64
#define SERVER_LOCAL "" /* key of rows without server and DIMM */

_wraps_ static uint32_t names_hash(const char *text)
{
	uint32_t h = 2166136261U;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 16777619U;
	return h ^ h >> 15;
}

static int names_grow(struct bt_names *names)
{
	uint32_t room = names->room ? names->room * 2 : FIRST_ROOM;
	uint32_t mask = room * 2 - 1;
	char **v = reallocarray(names->v, room, sizeof(*v));
	uint32_t *index;

	if (!v)
		return -ENOMEM;
	names->v = v;
	index = calloc(mask + 1, sizeof(*index));
	if (!index)
		return -ENOMEM;
	for (uint32_t i = 0; i < names->n; i++) {
		uint32_t at = names_hash(v[i]) & mask;

		while (index[at])
			at = (at + 1) & mask;
		index[at] = i + 1;
	}
	free(names->index);
	names->index = index;
	names->mask = mask;
	names->room = room;
	return 0;
}

/*
 * The number of @key; a new key gets one now if there are fewer than @limit. 0; 1 if the
 * key is new; -ENOSPC; -ENOMEM.
 */
static int names_find(struct bt_names *names, const char *key, uint32_t limit,
		      uint32_t *ret)
{
	uint32_t at;

	if (names->n == names->room && names_grow(names) < 0)
		return -ENOMEM;
	at = names_hash(key) & names->mask;
	while (names->index[at]) {
		if (strcmp(names->v[names->index[at] - 1], key) == 0) {
			*ret = names->index[at] - 1;
			return 0;
		}
		at = (at + 1) & names->mask;
	}
	if (names->n >= limit)
		return -ENOSPC;
	names->v[names->n] = strdup(key);
	if (!names->v[names->n])
		return -ENOMEM;
	*ret = names->n++;
	names->index[at] = *ret + 1;
	return 1;
}

/*
 * Names go to terminals and into JSON, so only printable ASCII passes. Every other byte
 * is written as %NN, so that two different names stay different.
 */
static size_t copy_name(char *to, struct backtest_text name)
{
	size_t len = 0;

	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.s[i];

		if (c >= ' ' && c <= '~')
			to[len++] = (char)c;
		else
			len += (size_t)sprintf(to + len, "%%%02x", c);
	}
	to[len] = '\0';
	return len;
}

/* The name of a DIMM without one: its place. */
static void name_place(const struct backtest_row *row, char *to, size_t size)
{
	static const char *const words[] = { "socket", "channel", "slot" };
	const int16_t places[] = { row->socket, row->channel, row->slot };
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (places[i] >= 0)
			len += (size_t)snprintf(to + len, size - len, "%s%s %d",
						len > 0 ? " " : "", words[i], places[i]);
	if (len == 0)
		snprintf(to, size, "unknown memory");
}

static int add_machine(struct backtest *b, uint32_t *ret)
{
	if (b->n_machines == b->machine_room) {
		uint32_t room = b->machine_room ? b->machine_room * 2 : FIRST_ROOM;
		struct bt_machine *v =
			reallocarray(b->machines, room, sizeof(*b->machines));

		if (!v)
			return -ENOMEM;
		b->machines = v;
		b->machine_room = room;
	}
	*ret = b->n_machines;
	b->machines[b->n_machines++] = (struct bt_machine){ 0 };
	return 0;
}

/* Machines are numbered by their keys. The key of a single DIMM's machine has a line
 * feed. */
static int find_machine(struct backtest *b, const struct backtest_row *row,
			const char *dimm_key, uint32_t *ret)
{
	char key[KEY_MAX] = SERVER_LOCAL;
	int r;

	if (row->server.len == 0 && row->dimm.len > 0)
		snprintf(key, sizeof(key), "%s", dimm_key);
	else
		copy_name(key, row->server);
	r = names_find(&b->machine_keys, key, UINT32_MAX, ret);
	return r > 0 ? add_machine(b, ret) : r;
}

static int add_dimm(struct backtest *b, const struct backtest_row *row, const char *key,
		    const char *name)
{
	struct bt_dimm d = { .ticket = BACKTEST_NO_TIME,
			     .first_ue = BACKTEST_NO_TIME,
			     .socket = row->socket,
			     .channel = row->channel,
			     .slot = row->slot,
			     .mc = (int16_t)(row->has_mc ? row->mc : -1) };
	int r;

	if (b->n_dimms == b->dimm_room) {
		uint32_t room = b->dimm_room ? b->dimm_room * 2 : FIRST_ROOM;
		struct bt_dimm *v = reallocarray(b->dimms, room, sizeof(*v));

		if (!v)
			return -ENOMEM;
		b->dimms = v;
		b->dimm_room = room;
	}
	r = find_machine(b, row, key, &d.machine);
	if (r < 0)
		return r;
	d.name = strdup(name);
	d.scores = calloc(b->n_policies, sizeof(*d.scores));
	b->dimms[b->n_dimms++] = d;
	if (!d.name || !d.scores)
		return -ENOMEM;
	for (unsigned int i = 0; i < b->n_policies; i++) {
		d.scores[i].first_action = BACKTEST_NO_TIME;
		d.scores[i].replace_time = BACKTEST_NO_TIME;
	}
	return 0;
}

/* What tells the DIMM from another one of the same label; 0: nothing is known. */
static size_t name_module(const struct backtest_row *row, char *to)
{
	size_t len = 0;

	if (row->serial.len > 0)
		len += copy_name(to, row->serial);
	if (len > 0 && row->part.len > 0)
		to[len++] = ' ';
	if (row->part.len > 0)
		len += copy_name(to + len, row->part);
	if (row->has_mc)
		len += (size_t)sprintf(to + len, "%smc%u", len > 0 ? " " : "", row->mc);
	return len;
}

/* The first DIMM of a label is called by it, another one also by its module. @key: as in
 * bt_find_dimm(); the label ends at @label. */
static int name_new_dimm(struct backtest *b, char *key, size_t label, char *name)
{
	char end = key[label];
	size_t len = strlen(name);
	uint32_t number;
	int r;

	key[label] = '\0';
	r = names_find(&b->label_keys, key, UINT32_MAX, &number);
	key[label] = end;
	if (r == 0 && end)
		snprintf(name + len, KEY_MAX - len, " (%s)", key + label + 1);
	return r < 0 ? r : 0;
}

/*
 * A key is server, line feed, name, and then a line feed and the module if it is known;
 * none of these holds a line feed. Returns 0 and *ret; -ENOSPC: no room for one more;
 * -ENOMEM.
 */
int bt_find_dimm(struct backtest *b, const struct backtest_row *row, uint32_t *ret)
{
	char key[KEY_MAX], name[KEY_MAX];
	size_t label = copy_name(key, row->server);
	int r;

	if (row->dimm.len > 0)
		copy_name(name, row->dimm);
	else
		name_place(row, name, sizeof(name));
	label += (size_t)snprintf(key + label, sizeof(key) - label, "\n%s", name);
	key[label] = '\n';
	if (row->dimm.len == 0 || name_module(row, key + label + 1) == 0)
		key[label] = '\0';
	r = names_find(&b->dimm_keys, key, BACKTEST_MAX_DIMMS, ret);
	if (r > 0)
		r = name_new_dimm(b, key, label, name) < 0 ? -ENOMEM
							   : add_dimm(b, row, key, name);
	return r;
}

struct bt_page *bt_page_at(const struct backtest *b, uint32_t page)
{
	return (struct bt_page *)(void *)(b->pages.v + page * b->pages.stride);
}

_wraps_ static uint32_t pages_hash(uint32_t machine, uint64_t pfn)
{
	uint64_t h = (pfn ^ (uint64_t)machine << 44) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint32_t)(h >> 32);
}

static uint32_t pages_place(const struct backtest *b, uint32_t machine, uint64_t pfn)
{
	const struct bt_pages *p = &b->pages;
	uint32_t at = pages_hash(machine, pfn) & p->mask;

	for (; p->index[at]; at = (at + 1) & p->mask) {
		const struct bt_page *page = bt_page_at(b, p->index[at] - 1);

		if (page->pfn == pfn && page->machine == machine)
			break;
	}
	return at;
}

static int pages_grow(struct backtest *b)
{
	struct bt_pages *p = &b->pages;
	uint32_t room = p->room ? p->room * 2 : FIRST_ROOM;
	char *v = reallocarray(p->v, room, p->stride);
	uint32_t *index;

	if (!v)
		return -ENOMEM;
	p->v = v;
	index = calloc((size_t)room * 2, sizeof(*index));
	if (!index)
		return -ENOMEM;
	free(p->index);
	p->index = index;
	p->mask = room * 2 - 1;
	p->room = room;
	for (uint32_t i = 0; i < p->n; i++) {
		const struct bt_page *page = bt_page_at(b, i);

		index[pages_place(b, page->machine, page->pfn)] = i + 1;
	}
	return 0;
}

/* NO_PAGE if the page never had an error. */
uint32_t bt_peek_page(const struct backtest *b, uint32_t machine, uint64_t pfn)
{
	return b->pages.n > 0 ? b->pages.index[pages_place(b, machine, pfn)] - 1
			      : NO_PAGE;
}

/* The number of a page; a new page gets one now. 0; 1 if the page is new; -ENOMEM. */
int bt_find_page(struct backtest *b, uint32_t machine, uint64_t pfn, uint32_t *ret)
{
	struct bt_pages *p = &b->pages;
	struct bt_page *page;
	uint32_t at;

	if (p->n == p->room && pages_grow(b) < 0)
		return -ENOMEM;
	at = pages_place(b, machine, pfn);
	if (p->index[at]) {
		*ret = p->index[at] - 1;
		return 0;
	}
	*ret = p->n++;
	p->index[at] = *ret + 1;
	page = bt_page_at(b, *ret);
	memset(page, 0, p->stride);
	page->pfn = pfn;
	page->machine = machine;
	for (unsigned int i = 0; i < b->n_policies; i++) {
		page->runs[i].offlined_at = BACKTEST_NO_TIME;
		page->runs[i].window_start = BACKTEST_NO_TIME;
	}
	return 1;
}

static void names_free(struct bt_names *names)
{
	for (uint32_t i = 0; i < names->n; i++)
		free(names->v[i]);
	free(names->v);
	free(names->index);
}

void bt_free_tables(struct backtest *b)
{
	for (uint32_t i = 0; i < b->n_dimms; i++) {
		free(b->dimms[i].name);
		free(b->dimms[i].scores);
	}
	free(b->pages.v);
	free(b->pages.index);
	free(b->dimms);
	free(b->machines);
	names_free(&b->dimm_keys);
	names_free(&b->machine_keys);
	names_free(&b->label_keys);
}
