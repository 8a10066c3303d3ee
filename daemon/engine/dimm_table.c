/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The table of DIMMs that events have named: controller, layers and label make one.
 * Bounded; what comes after the last place is charged to one common record. It knows no
 * hardware beyond what the events say.
 */

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "engine/engine_internal.h"

#define NO_LABEL "unknown memory" /* the EDAC core's own words for it */

/** What an event tells DIMMs apart by; borrowed. */
struct dimm_key {
	const char *label;
	size_t len;
	uint32_t slot; /* controller and layers */
	bool former;
};

/* Byte by byte: they have just been written so, and wider reads would wait for that. */
static uint32_t slot_number(uint8_t mc, const int8_t layer[3])
{
	return mc | (uint32_t)(uint8_t)layer[0] << 8 | (uint32_t)(uint8_t)layer[1] << 16 |
	       (uint32_t)(uint8_t)layer[2] << 24;
}

_wraps_ static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

static uint64_t load_word(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* Eight bytes at a time, the last of them perhaps twice: this is run with each event. */
static uint32_t hash_key(const struct dimm_key *k)
{
	uint64_t hash = k->slot;
	size_t at = 0;

	if (k->len < sizeof(hash)) {
		for (; at < k->len; at++)
			hash = mix(hash, (unsigned char)k->label[at]);
		return (uint32_t)hash;
	}
	for (; at + sizeof(hash) < k->len; at += sizeof(hash))
		hash = mix(hash, load_word(k->label + at));
	return (uint32_t)mix(hash, load_word(k->label + k->len - sizeof(hash)));
}

/* A former DIMM is nobody's any more: the next event makes a new record. */
static bool is_dimm(const struct dimm_rec *d, const struct dimm_key *k)
{
	return slot_number(d->mc, d->layer) == k->slot && d->former == k->former &&
	       memcmp(d->label, k->label, k->len) == 0 && d->label[k->len] == '\0';
}

/* Labels go to the bus, to JSON and into metrics: only printable ASCII gets past here. */
static void copy_label(char *to, const struct ce_text *label)
{
	uint32_t n = label->len < DIMM_LABEL_MAX - 1 ? label->len : DIMM_LABEL_MAX - 1;

	for (uint32_t i = 0; i < n; i++) {
		char c = label->s[i];

		to[i] = c >= ' ' && c <= '~' ? c : '?';
	}
	to[n] = '\0';
	if (n == 0)
		memcpy(to, NO_LABEL, sizeof(NO_LABEL));
}

static void copy_text(char *to, const char *from, size_t size)
{
	size_t n = strnlen(from, size - 1);

	for (size_t i = 0; i < n; i++)
		to[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
	to[n] = '\0';
}

/* @k->len is below DIMM_LABEL_MAX. */
static uint32_t find_place(const struct engine *e, const struct dimm_key *k)
{
	uint32_t at = hash_key(k) % DIMM_INDEX_SLOTS;

	while (e->dimm_index[at] && !is_dimm(&e->dimms[e->dimm_index[at] - 1], k))
		at = (at + 1) % DIMM_INDEX_SLOTS;
	return at;
}

static struct dimm_key key_of(const struct dimm_rec *d)
{
	return (struct dimm_key){
		.label = d->label,
		.len = strlen(d->label),
		.slot = slot_number(d->mc, d->layer),
		.former = d->former,
	};
}

bool engine_same_channel(const struct dimm_rec *a, const struct dimm_rec *b)
{
	return a->mc == b->mc && a->layer[0] >= 0 && a->layer[0] == b->layer[0];
}

static void note_siblings(struct engine *e, uint16_t index)
{
	for (uint16_t i = DIMM_OTHER + 1; i < e->n_dimms; i++)
		if (i != index && engine_same_channel(&e->dimms[i], &e->dimms[index]))
			e->dimm_shares_channel[i] = e->dimm_shares_channel[index] = true;
}

void engine_index_dimm(struct engine *e, uint16_t index)
{
	struct dimm_key k = key_of(&e->dimms[index]);
	uint32_t at = find_place(e, &k);

	/* Of several former DIMMs of one slot the first stands for all. */
	if (!e->dimm_index[at])
		e->dimm_index[at] = (uint16_t)(index + 1);
	e->dimm_ids[index] = (struct dimm_id){ .slot = k.slot };
	if (index != DIMM_OTHER && !k.former && e->dimm_index[at] == index + 1)
		e->dimm_ids[index].label_len = (uint32_t)k.len;
	e->rules[index] =
		config_rule_for(&e->cfg, e->dimms[index].label, e->dimms[index].mc);
	if (index != DIMM_OTHER)
		note_siblings(e, index);
}

/* A DIMM that is new, or whose label is kept otherwise than the kernel spells it. */
static uint16_t intern_copy(struct engine *e, const struct ce_event *ev)
{
	struct dimm_rec d = { .mc = ev->mc };
	struct dimm_key k;
	uint16_t index;
	uint32_t at;

	memcpy(d.layer, ev->layer, sizeof(d.layer));
	copy_label(d.label, &ev->label);
	k = key_of(&d);
	at = find_place(e, &k);
	if (e->dimm_index[at])
		return (uint16_t)(e->dimm_index[at] - 1);
	if (e->n_dimms == MAX_DIMMS)
		return DIMM_OTHER;
	index = (uint16_t)e->n_dimms++;
	d.first_seen = ev->time.us;
	d.last_seen = ev->time.us;
	d.fault.class = FAULT_NONE;
	e->dimms[index] = d;
	engine_index_dimm(e, index);
	engine_touch_dimm(e, index);
	return index;
}

_apart_ static uint16_t intern(struct engine *e, const struct ce_event *ev,
			       const struct dimm_key *k)
{
	uint32_t at;

	if (k->len == 0 || k->len >= DIMM_LABEL_MAX)
		return intern_copy(e, ev);
	/* Kept labels are printable: bytes that are equal need no cleaning. */
	at = find_place(e, k);
	return e->dimm_index[at] ? (uint16_t)(e->dimm_index[at] - 1) : intern_copy(e, ev);
}

uint16_t engine_intern_dimm(struct engine *e, const struct ce_event *ev)
{
	struct dimm_key k = {
		.label = ev->label.s,
		.len = ev->label.len,
		.slot = slot_number(ev->mc, ev->layer),
	};
	uint16_t *last = &e->dimm_last[mix(0, k.slot) % DIMM_LAST_SLOTS];
	const struct dimm_id *id = &e->dimm_ids[*last];

	/* The same label from the same slot again: nearly always. */
	if (id->label_len == 0 || id->slot != k.slot || id->label_len != k.len ||
	    memcmp(e->dimms[*last].label, k.label, k.len) != 0)
		*last = intern(e, ev, &k);
	return *last;
}

void engine_touch_dimm(struct engine *e, uint16_t index)
{
	if (!e->dimm_dirty[index]) {
		e->dimm_dirty[index] = true;
		e->dirty_dimms++;
	}
}

void engine_store_dimm(struct engine *e, struct effects *out, uint16_t index)
{
	struct effect *f;

	if (!e->dimm_dirty[index])
		return;
	f = engine_emit(out, EFFECT_STORE_DIMM);
	f->dimm.rec = &e->dimms[index];
	f->dimm.index = index;
	e->dimm_dirty[index] = false;
	e->dirty_dimms--;
}

bool engine_store_dimms(struct engine *e, struct effects *out)
{
	for (unsigned int i = 0; i < e->n_dimms && e->dirty_dimms > 0; i++) {
		if (out->n == MAX_EFFECTS)
			return false;
		engine_store_dimm(e, out, (uint16_t)i);
	}
	return true;
}

void engine_resolve_rules(struct engine *e)
{
	for (unsigned int i = 0; i < e->n_dimms; i++)
		e->rules[i] = config_rule_for(&e->cfg, e->dimms[i].label, e->dimms[i].mc);
	memset(e->dimm_budget_told, 0, sizeof(e->dimm_budget_told));
}

uint32_t engine_offlined_by_us(const struct engine *e)
{
	uint32_t n = 0;

	for (unsigned int i = 0; i < e->n_dimms; i++)
		n += e->dimms[i].offlined;
	return n;
}

/* The index forgets nothing by itself, so it is made anew. */
static void reindex(struct engine *e)
{
	memset(e->dimm_index, 0, sizeof(e->dimm_index));
	for (unsigned int i = 0; i < e->n_dimms; i++)
		engine_index_dimm(e, (uint16_t)i);
}

/*
 * What the module that is gone was watched for says nothing of the new one. Frames that
 * are poisoned now, and what is under way, stay.
 */
static void drop_pages(struct engine *e, uint16_t index)
{
	for (uint32_t i = 0; i < ce_tracker_slots(e->tracker); i++) {
		struct page_rec *rec = ce_tracker_at(e->tracker, i);

		if (!rec || rec->dimm != index)
			continue;
		if (rec->state == PAGE_OFFLINED || rec->in_flight || rec->loading)
			ce_tracker_touch(e->tracker, rec); /* stored anew */
		else
			ce_tracker_remove(e->tracker, rec);
	}
	fault_map_forget_dimm(e->faults, index);
}

static void close_dimm(struct engine *e, struct effects *out, uint16_t index)
{
	struct notice r = { .kind = NOTICE_MODULE, .dimm = index };

	e->dimms[index].former = true;
	engine_touch_dimm(e, index);
	reindex(e);
	drop_pages(e, index);
	engine_emit(out, EFFECT_REMOVE_DIMM)->index = index;
	engine_store_dimm(e, out, index);
	engine_notice(e, out, &r);
}

int engine_take_module(struct engine *e, struct effects *out, const struct input *in)
{
	uint16_t index = in->module.index;
	struct dimm_rec *d;
	char serial[sizeof(d->serial)];

	if (index >= e->n_dimms || index == DIMM_OTHER || !in->module.serial[0])
		return -EINVAL;
	d = &e->dimms[index];
	copy_text(serial, in->module.serial, sizeof(serial));
	if (d->former || strcmp(d->serial, serial) == 0)
		return 0;
	if (d->serial[0]) {
		close_dimm(e, out, index);
		return 0;
	}
	copy_text(d->part, in->module.part, sizeof(d->part));
	memcpy(d->serial, serial, sizeof(d->serial));
	engine_touch_dimm(e, index);
	return 0;
}
