/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The table of DIMMs: which DIMM an event means, what rule is its own, which records are
 * to be stored. It is searched with each event. It knows no hardware beyond what events
 * and firmware say, and decides nothing about pages.
 */

#include "engine/dimm_table.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/serial.h"

#define NO_LABEL "unknown memory" /* the EDAC core's own words */

/** What a DIMM is found by; borrowed. */
struct dimm_key {
	const char *label;
	size_t len;
	uint32_t slot; /* controller and layers */
	bool former;
};

/* Byte by byte: they have just been written, and a wider read would wait for that. */
static uint32_t dimm_slot(uint8_t mc, const int8_t layer[3])
{
	return mc | (uint32_t)(uint8_t)layer[0] << 8 | (uint32_t)(uint8_t)layer[1] << 16 |
	       (uint32_t)(uint8_t)layer[2] << 24;
}

_wraps_ static uint64_t dimm_mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

static uint64_t dimm_load_word(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* Eight bytes at a time, some of the last of them twice: this runs with each event. */
static uint32_t dimm_hash(const struct dimm_key *k)
{
	uint64_t hash = k->slot;
	size_t at = 0;

	if (k->len < sizeof(hash)) {
		for (; at < k->len; at++)
			hash = dimm_mix(hash, (unsigned char)k->label[at]);
		return (uint32_t)hash;
	}
	for (; at + sizeof(hash) < k->len; at += sizeof(hash))
		hash = dimm_mix(hash, dimm_load_word(k->label + at));
	return (uint32_t)dimm_mix(hash, dimm_load_word(k->label + k->len - sizeof(hash)));
}

static bool dimm_is(const struct dimm_rec *d, const struct dimm_key *k)
{
	return dimm_slot(d->mc, d->layer) == k->slot && d->former == k->former &&
	       memcmp(d->label, k->label, k->len) == 0 && d->label[k->len] == '\0';
}

/* Texts go to the bus, to JSON and into metrics: only printable ASCII gets past here. */
static void dimm_copy_text(char *to, const char *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
	to[n] = '\0';
}

/* @k->len is below DIMM_LABEL_MAX. */
static uint32_t dimm_find_place(const struct dimm_table *t, const struct dimm_key *k)
{
	uint32_t at = dimm_hash(k) % DIMM_INDEX_SLOTS;

	while (t->index[at] && !dimm_is(&t->rec[t->index[at] - 1], k))
		at = (at + 1) % DIMM_INDEX_SLOTS;
	return at;
}

static struct dimm_key dimm_key_of(const struct dimm_rec *d)
{
	return (struct dimm_key){
		.label = d->label,
		.len = strlen(d->label),
		.slot = dimm_slot(d->mc, d->layer),
		.former = d->former,
	};
}

bool dimm_table_same_channel(const struct dimm_table *t, uint16_t a, uint16_t b)
{
	const struct dimm_rec *x = &t->rec[a], *y = &t->rec[b];

	return x->mc == y->mc && x->layer[0] >= 0 && x->layer[0] == y->layer[0];
}

static void dimm_note_siblings(struct dimm_table *t, uint16_t index)
{
	for (uint16_t i = DIMM_OTHER + 1; i < t->n; i++)
		if (i != index && dimm_table_same_channel(t, i, index))
			t->shares_channel[i] = t->shares_channel[index] = true;
}

static void dimm_put_in_index(struct dimm_table *t, const struct config *cfg,
			      uint16_t index)
{
	const struct dimm_rec *d = &t->rec[index];
	struct dimm_key k = dimm_key_of(d);
	uint32_t at = dimm_find_place(t, &k);

	/* Of several former DIMMs of one slot the first stands for all. */
	if (!t->index[at])
		t->index[at] = (uint16_t)(index + 1);
	t->id[index] = (struct dimm_id){ .slot = k.slot };
	if (index != DIMM_OTHER && !k.former && t->index[at] == index + 1)
		t->id[index].label_len = (uint32_t)k.len;
	t->rule[index] = config_rule_for(cfg, d->label, d->mc);
	if (index != DIMM_OTHER)
		dimm_note_siblings(t, index);
}

void dimm_table_init(struct dimm_table *t, const struct config *cfg)
{
	t->n = 1;
	memcpy(t->rec[DIMM_OTHER].label, "other memory", sizeof("other memory"));
	dimm_put_in_index(t, cfg, DIMM_OTHER);
}

int dimm_table_find(const struct dimm_table *t, const struct dimm_rec *d)
{
	struct dimm_key k = dimm_key_of(d);
	uint32_t at = dimm_find_place(t, &k);

	return t->index[at] ? t->index[at] - 1 : -ENOENT;
}

uint16_t dimm_table_add(struct dimm_table *t, const struct config *cfg,
			const struct dimm_rec *d)
{
	uint16_t index;

	if (t->n == MAX_DIMMS)
		return DIMM_OTHER;
	index = (uint16_t)t->n++;
	t->rec[index] = *d;
	dimm_put_in_index(t, cfg, index);
	return index;
}

/* A DIMM that is new, or whose label is kept in other bytes than the kernel's. */
static uint16_t dimm_intern_copy(struct dimm_table *t, const struct config *cfg,
				 const struct ce_event *ev)
{
	const struct ce_text *label = &ev->label;
	struct dimm_rec d = { .mc = ev->mc };
	uint16_t index;
	int known;

	memcpy(d.layer, ev->layer, sizeof(d.layer));
	dimm_copy_text(d.label, label->s,
		       label->len < DIMM_LABEL_MAX - 1 ? label->len : DIMM_LABEL_MAX - 1);
	if (label->len == 0)
		memcpy(d.label, NO_LABEL, sizeof(NO_LABEL));
	known = dimm_table_find(t, &d);
	if (known >= 0)
		return (uint16_t)known;
	d.first_seen = ev->time.us;
	d.last_seen = ev->time.us;
	d.fault.class = FAULT_NONE;
	index = dimm_table_add(t, cfg, &d);
	if (index != DIMM_OTHER)
		dimm_table_touch(t, index);
	return index;
}

_apart_ static uint16_t dimm_intern(struct dimm_table *t, const struct config *cfg,
				    const struct ce_event *ev, const struct dimm_key *k)
{
	uint32_t at;

	if (k->len == 0 || k->len >= DIMM_LABEL_MAX)
		return dimm_intern_copy(t, cfg, ev);
	/* Kept labels are printable: bytes that are equal need no cleaning. */
	at = dimm_find_place(t, k);
	return t->index[at] ? (uint16_t)(t->index[at] - 1) : dimm_intern_copy(t, cfg, ev);
}

uint16_t dimm_table_intern(struct dimm_table *t, const struct config *cfg,
			   const struct ce_event *ev)
{
	struct dimm_key k = {
		.label = ev->label.s,
		.len = ev->label.len,
		.slot = dimm_slot(ev->mc, ev->layer),
	};
	uint16_t *last = &t->last[dimm_mix(0, k.slot) % DIMM_LAST_SLOTS];
	const struct dimm_id *id = &t->id[*last];

	/* The same label from the same slot again: nearly always. */
	if (id->label_len == 0 || id->slot != k.slot || id->label_len != k.len ||
	    memcmp(t->rec[*last].label, k.label, k.len) != 0)
		*last = dimm_intern(t, cfg, ev, &k);
	return *last;
}

void dimm_table_restore_other(struct dimm_table *t, const struct dimm_rec *d)
{
	struct dimm_rec rec = *d;

	memcpy(rec.label, t->rec[DIMM_OTHER].label, sizeof(rec.label));
	t->rec[DIMM_OTHER] = rec;
}

void dimm_table_touch(struct dimm_table *t, uint16_t index)
{
	if (!t->dirty[index]) {
		t->dirty[index] = true;
		t->n_dirty++;
	}
}

bool dimm_table_clean(struct dimm_table *t, uint16_t index)
{
	if (!t->dirty[index])
		return false;
	t->dirty[index] = false;
	t->n_dirty--;
	return true;
}

void dimm_table_set_rules(struct dimm_table *t, const struct config *cfg)
{
	for (unsigned int i = 0; i < t->n; i++)
		t->rule[i] = config_rule_for(cfg, t->rec[i].label, t->rec[i].mc);
	memset(t->budget_used_up, 0, sizeof(t->budget_used_up));
}

uint32_t dimm_table_offlined(const struct dimm_table *t)
{
	uint32_t n = 0;

	for (unsigned int i = 0; i < t->n; i++)
		n += t->rec[i].offlined;
	return n;
}

enum dimm_module dimm_table_note_module(struct dimm_table *t, uint16_t index,
					const char *part, const char *serial)
{
	struct dimm_rec *d = &t->rec[index];
	char text[sizeof(d->serial)];

	dimm_copy_text(text, serial, strnlen(serial, sizeof(text) - 1));
	if (d->former || !dmi_serial_is_real(text) || strcmp(d->serial, text) == 0)
		return DIMM_MODULE_SAME;
	/* An older version may have kept a placeholder. */
	if (dmi_serial_is_real(d->serial))
		return DIMM_MODULE_OTHER;
	dimm_copy_text(d->part, part, strnlen(part, sizeof(d->part) - 1));
	memcpy(d->serial, text, sizeof(d->serial));
	dimm_table_touch(t, index);
	return DIMM_MODULE_NAMED;
}

void dimm_table_close(struct dimm_table *t, const struct config *cfg, uint16_t index)
{
	t->rec[index].former = true;
	dimm_table_touch(t, index);
	/* Nothing is ever removed from the hash index, so it is filled again. */
	memset(t->index, 0, sizeof(t->index));
	for (unsigned int i = 0; i < t->n; i++)
		dimm_put_in_index(t, cfg, (uint16_t)i);
}

bool dimm_table_has_no_coords(const struct dimm_table *t, uint16_t index,
			      const struct ce_event *ev)
{
	const struct dimm_no_coords *c = &t->no_coords[index];

	return ev->detail.len == 0 && c->len > 0 && ev->msg.len == c->len &&
	       ev->label.len == t->id[index].label_len &&
	       memcmp(c->msg, ev->msg.s, c->len) == 0;
}

void dimm_table_note_no_coords(struct dimm_table *t, uint16_t index,
			       const struct ce_event *ev)
{
	struct dimm_no_coords *c = &t->no_coords[index];

	/*
	 * The label may hold coordinates too. A kept label without '?' stands for no other
	 * label: then the DIMM and the label's length say as much as its letters.
	 */
	if (ev->detail.len > 0 || ev->msg.len == 0 || ev->msg.len > sizeof(c->msg) ||
	    t->id[index].label_len == 0 || strchr(t->rec[index].label, '?'))
		return;
	c->len = (uint8_t)ev->msg.len;
	memcpy(c->msg, ev->msg.s, ev->msg.len);
}
