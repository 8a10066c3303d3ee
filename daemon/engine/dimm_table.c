/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The table of DIMMs: which DIMM an event means, what rule is its own, which records are
 * to be stored. It is searched with each event. It knows no hardware beyond what events
 * and firmware say, and decides nothing about pages.
 */

#include "engine/dimm_table.h"

#include <errno.h>
#include <string.h>

#include "base/dimm_label.h"
#include "base/mem.h"
#include "base/serial.h"
#include "track/dimm_module.h"
#include "track/dimm_sum.h"

#define NO_LABEL "unknown memory" /* the EDAC core's own words */

/** What a DIMM is found by; borrowed. */
struct dimm_key {
	const char *label;
	size_t len;
	uint32_t slot; /* controller and layers */
	bool by_slot;  /* the label does not count */
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

	if (k->by_slot)
		return (uint32_t)dimm_mix(0, hash);
	if (k->len < sizeof(hash)) {
		for (; at < k->len; at++)
			hash = dimm_mix(hash, (unsigned char)k->label[at]);
		return (uint32_t)hash;
	}
	for (; at + sizeof(hash) < k->len; at += sizeof(hash))
		hash = dimm_mix(hash, dimm_load_word(k->label + at));
	return (uint32_t)dimm_mix(hash, dimm_load_word(k->label + k->len - sizeof(hash)));
}

/* Layers from the top, none of them missing in between. */
static bool dimm_layers_name_slot(const int8_t layer[3])
{
	return layer[0] >= 0 && (layer[1] >= 0 || layer[2] < 0);
}

static bool dimm_has_label(const struct dimm_rec *d, const struct dimm_key *k)
{
	return memcmp(d->label, k->label, k->len) == 0 && d->label[k->len] == '\0';
}

/* EDAC knows its controller: the layers name a slot, and a new label is a new name. */
static bool dimm_is_in_edac(const struct dimm_table *t, const struct dimm_rec *d)
{
	return d->device[0] || t->device_known[d->mc] || t->all_known;
}

static bool dimm_contradicts(const struct dimm_table *t, const struct dimm_rec *d,
			     const struct dimm_key *k)
{
	char label[DIMM_LABEL_MAX];

	if (dimm_has_label(d, k))
		return false;
	memcpy(label, k->label, k->len);
	label[k->len] = '\0';
	if (dimm_labels_contradict(d->label, label))
		return true;
	return !dimm_is_in_edac(t, d) && dimm_label_is_registered(d->label) &&
	       dimm_label_is_registered(label);
}

static bool dimm_is(const struct dimm_table *t, uint16_t index, const struct dimm_key *k)
{
	const struct dimm_rec *d = &t->rec[index];

	if (t->id[index].slot != k->slot || d->former != k->former ||
	    t->id[index].by_slot != k->by_slot)
		return false;
	return k->by_slot ? !dimm_contradicts(t, d, k) : dimm_has_label(d, k);
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

	while (t->index[at] && !dimm_is(t, (uint16_t)(t->index[at] - 1), k))
		at = (at + 1) % DIMM_INDEX_SLOTS;
	return at;
}

static struct dimm_key dimm_key_of(const struct dimm_rec *d)
{
	return (struct dimm_key){
		.label = d->label,
		.len = strlen(d->label),
		.slot = dimm_slot(d->mc, d->layer),
		.by_slot = !d->former && dimm_layers_name_slot(d->layer) &&
			   !dimm_label_names_several(d->label),
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

struct config_dimm dimm_table_config(const struct dimm_table *t, uint16_t index)
{
	const struct dimm_rec *d = &t->rec[index];

	return (struct config_dimm){
		.label = d->label,
		.slot = t->slot[index],
		.device = d->device,
		.mc = d->mc,
		.layer = { d->layer[0], d->layer[1], d->layer[2] },
	};
}

static void dimm_set_rule(struct dimm_table *t, const struct config *cfg, uint16_t index)
{
	struct config_dimm dimm = dimm_table_config(t, index);
	enum policy_action before = t->rule[index].action;

	t->rule[index] = config_rule_for(cfg, &dimm);
	t->rules_changed = t->rules_changed || t->rule[index].action != before;
}

/* Its controller has another number in this boot, is not there, or was not seen yet. */
static bool dimm_is_elsewhere(const struct dimm_table *t, const struct dimm_rec *d)
{
	const char *device = t->device[d->mc];

	if (!d->device[0])
		return false;
	return device[0] ? strcmp(d->device, device) != 0 : !t->device_known[d->mc];
}

/* An event may mean this record. */
static bool dimm_is_there(const struct dimm_table *t, uint16_t index)
{
	const struct dimm_rec *d = &t->rec[index];

	return index != DIMM_OTHER && !d->former && !d->same_as &&
	       !dimm_is_elsewhere(t, d);
}

static void dimm_put_in_index(struct dimm_table *t, const struct config *cfg,
			      uint16_t index)
{
	const struct dimm_rec *d = &t->rec[index];
	struct dimm_key k = dimm_key_of(d);
	uint32_t at;

	t->id[index] = (struct dimm_id){ .slot = k.slot, .by_slot = k.by_slot };
	dimm_set_rule(t, cfg, index);
	if (index == DIMM_OTHER || d->same_as || dimm_is_elsewhere(t, d))
		return;
	at = dimm_find_place(t, &k);
	/* Of several former DIMMs of one slot the first stands for all. */
	if (!t->index[at])
		t->index[at] = (uint16_t)(index + 1);
	if (!k.former && t->index[at] == index + 1)
		t->id[index].label_len = (uint16_t)k.len;
	dimm_note_siblings(t, index);
}

/* Nothing is ever removed from the hash index, so it is filled again. */
static void dimm_fill_index(struct dimm_table *t, const struct config *cfg)
{
	memset(t->index, 0, sizeof(t->index));
	for (unsigned int i = 0; i < t->n; i++)
		dimm_put_in_index(t, cfg, (uint16_t)i);
}

static void dimm_leave_module(struct dimm_table *t, uint16_t index)
{
	uint16_t before = index;

	while (t->next[before] != index)
		before = t->next[before];
	t->next[before] = t->next[index];
	t->next[index] = index;
}

static struct dimm_place dimm_place(const struct dimm_table *t, uint16_t index)
{
	return (struct dimm_place){ &t->rec[index], t->slot[index], t->whole[index] };
}

/* Finds the other records of its module again. */
static void dimm_join_module(struct dimm_table *t, uint16_t index)
{
	struct dimm_place mine = dimm_place(t, index);

	dimm_leave_module(t, index);
	if (!dimm_is_there(t, index))
		return;
	for (uint16_t i = DIMM_OTHER + 1; i < t->n; i++) {
		struct dimm_place other = dimm_place(t, i);

		if (i == index || !dimm_is_there(t, i) ||
		    !dimm_place_same_module(&mine, &other))
			continue;
		t->next[index] = t->next[i];
		t->next[i] = index;
		return;
	}
}

static void dimm_join_modules(struct dimm_table *t)
{
	for (uint16_t i = 0; i < t->n; i++)
		t->next[i] = i;
	for (uint16_t i = DIMM_OTHER + 1; i < t->n; i++)
		dimm_join_module(t, i);
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

int dimm_table_twin(const struct dimm_table *t, uint16_t index)
{
	struct dimm_key k = dimm_key_of(&t->rec[index]);
	uint32_t at = dimm_find_place(t, &k);

	if (!dimm_is_there(t, index) || !t->index[at] || t->index[at] > index)
		return -ENOENT;
	return t->index[at] - 1;
}

/* The number of its controller in this boot. */
static void dimm_renumber(const struct dimm_table *t, struct dimm_rec *d)
{
	for (unsigned int mc = 0; d->device[0] && mc < DIMM_MCS; mc++)
		if (strcmp(t->device[mc], d->device) == 0)
			d->mc = (uint8_t)mc;
}

uint16_t dimm_table_add(struct dimm_table *t, const struct config *cfg,
			const struct dimm_rec *d)
{
	uint16_t index;

	if (t->n == MAX_DIMMS)
		return DIMM_OTHER;
	index = (uint16_t)t->n++;
	t->rec[index] = *d;
	t->next[index] = index;
	/* Counts are with an older record, or nowhere. */
	if (d->same_as >= index)
		t->rec[index].same_as = 0;
	t->has_merged = t->has_merged || t->rec[index].same_as;
	dimm_renumber(t, &t->rec[index]);
	dimm_put_in_index(t, cfg, index);
	dimm_join_module(t, index);
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
	if (known >= 0) {
		dimm_table_note_label(t, cfg, (uint16_t)known, d.label, ev->time);
		return (uint16_t)known;
	}
	memcpy(d.device, t->device[d.mc], sizeof(d.device));
	d.first_seen = ev->time.us;
	d.last_seen = ev->time.us;
	d.fault.class = FAULT_NONE;
	index = dimm_table_add(t, cfg, &d);
	if (index != DIMM_OTHER)
		dimm_table_touch(t, index);
	return index;
}

static uint16_t dimm_intern(struct dimm_table *t, const struct config *cfg,
			    const struct ce_event *ev, const struct dimm_key *k)
{
	struct dimm_key key = *k;

	if (k->len == 0 || k->len >= DIMM_LABEL_MAX)
		return dimm_intern_copy(t, cfg, ev);
	/* Kept labels are printable: bytes that are equal need no cleaning. */
	key.by_slot = dimm_layers_name_slot(ev->layer);
	for (uint32_t at = dimm_hash(&key) % DIMM_INDEX_SLOTS; t->index[at];
	     at = (at + 1) % DIMM_INDEX_SLOTS) {
		uint16_t index = (uint16_t)(t->index[at] - 1);

		if (t->id[index].label_len == k->len && t->id[index].slot == k->slot &&
		    t->id[index].by_slot == key.by_slot &&
		    dimm_has_label(&t->rec[index], &key))
			return index;
	}
	return dimm_intern_copy(t, cfg, ev);
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

static bool dimm_label_says_nothing(const char *label)
{
	return label[0] == '\0' || strcmp(label, NO_LABEL) == 0 ||
	       strcmp(label, "any memory") == 0;
}

/* Names that the counts were merged from show the same label in lists. */
static void dimm_set_label(struct dimm_table *t, uint16_t index, const char *label)
{
	char copy[DIMM_LABEL_MAX];
	size_t len = strnlen(label, sizeof(copy) - 1);

	memcpy(copy, label, len);
	copy[len] = '\0';
	for (uint16_t i = index; i < t->n; i++) {
		if (dimm_table_resolve(t, i) != index || t->rec[i].former)
			continue;
		memcpy(t->rec[i].label, copy, len + 1);
		dimm_table_touch(t, i);
	}
	if (t->id[index].label_len > 0)
		t->id[index].label_len = (uint16_t)len;
}

void dimm_table_note_label(struct dimm_table *t, const struct config *cfg, uint16_t index,
			   const char *label, usec_t when)
{
	const struct dimm_rec *d = &t->rec[index];

	if (!t->id[index].by_slot || d->former || when.us < d->last_seen ||
	    strcmp(d->label, label) == 0 || dimm_label_says_nothing(label))
		return;
	dimm_set_label(t, index, label);
	dimm_set_rule(t, cfg, index);
	dimm_join_module(t, index);
}

void dimm_table_note_slot(struct dimm_table *t, const struct config *cfg, uint16_t index,
			  const char *slot, bool whole)
{
	char text[sizeof(t->slot[index])];

	dimm_copy_text(text, slot, strnlen(slot, sizeof(text) - 1));
	if (t->whole[index] == whole && strcmp(t->slot[index], text) == 0)
		return;
	memcpy(t->slot[index], text, sizeof(text));
	t->whole[index] = whole;
	dimm_set_rule(t, cfg, index);
	dimm_join_module(t, index);
}

/* The newer label, but not the kernel's for one that somebody registered. */
static bool dimm_takes_label(const struct dimm_rec *to, const struct dimm_rec *from)
{
	bool mine = dimm_label_is_registered(to->label);
	bool other = dimm_label_is_registered(from->label);

	if (dimm_label_says_nothing(from->label) || (mine && !other))
		return false;
	return from->last_seen > to->last_seen || (other && !mine);
}

void dimm_table_merge(struct dimm_table *t, const struct config *cfg, uint16_t from,
		      uint16_t to)
{
	struct dimm_rec *a = &t->rec[to], *b = &t->rec[from];
	char label[DIMM_LABEL_MAX];

	memcpy(label, dimm_takes_label(a, b) ? b->label : a->label, sizeof(label));
	dimm_rec_take(a, b);
	b->same_as = to;
	t->has_merged = true;
	t->budget_used_up[to] = t->budget_used_up[to] || t->budget_used_up[from];
	dimm_set_label(t, to, label);
	dimm_table_touch(t, from);
	dimm_table_touch(t, to);
	dimm_fill_index(t, cfg);
	dimm_join_modules(t);
}

static bool dimm_note_device(struct dimm_table *t, const struct dimm_controller *c)
{
	if (t->device_known[c->mc] &&
	    strncmp(t->device[c->mc], c->device, DIMM_DEVICE_MAX - 1) == 0)
		return false;
	t->device_known[c->mc] = true;
	dimm_copy_text(t->device[c->mc], c->device,
		       strnlen(c->device, DIMM_DEVICE_MAX - 1));
	return true;
}

/* Some record's hardware is still there, under whatever number. */
static bool dimm_knows_hardware(const struct dimm_table *t)
{
	for (uint16_t i = DIMM_OTHER + 1; i < t->n; i++)
		for (unsigned int mc = 0; t->rec[i].device[0] && mc < DIMM_MCS; mc++)
			if (strcmp(t->rec[i].device, t->device[mc]) == 0)
				return true;
	return false;
}

bool dimm_table_set_controllers(struct dimm_table *t, const struct config *cfg,
				const struct dimm_controller *v, unsigned int n)
{
	bool news = false, renamed;

	for (unsigned int i = 0; i < n; i++)
		news |= dimm_note_device(t, &v[i]);
	if (!news)
		return false;
	renamed = !dimm_knows_hardware(t);
	for (uint16_t i = DIMM_OTHER + 1; i < t->n; i++) {
		struct dimm_rec *d = &t->rec[i];
		struct dimm_rec was = *d;

		dimm_renumber(t, d);
		if ((!d->device[0] || renamed) && t->device[d->mc][0])
			memcpy(d->device, t->device[d->mc], sizeof(d->device));
		if (d->mc != was.mc || strcmp(d->device, was.device) != 0)
			dimm_table_touch(t, i);
	}
	dimm_fill_index(t, cfg);
	dimm_join_modules(t);
	return true;
}

uint32_t dimm_table_module_offlined(const struct dimm_table *t, uint16_t index)
{
	uint32_t n = t->rec[index].offlined;

	for (uint16_t i = t->next[index]; i != index; i = t->next[i])
		n += t->rec[i].offlined;
	return n;
}

enum fault_class dimm_table_module_class(const struct dimm_table *t, uint16_t index)
{
	enum fault_class class = t->rec[index].fault.class;

	for (uint16_t i = t->next[index]; i != index; i = t->next[i])
		if (t->rec[i].fault.class > class)
			class = t->rec[i].fault.class;
	return class;
}

void dimm_table_module(const struct dimm_table *t, uint16_t index, struct dimm_rec *ret)
{
	*ret = t->rec[index];
	for (uint16_t i = t->next[index]; i != index; i = t->next[i])
		dimm_rec_add_rank(ret, &t->rec[i]);
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
		dimm_set_rule(t, cfg, (uint16_t)i);
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
	dimm_join_module(t, index);
	return DIMM_MODULE_NAMED;
}

void dimm_table_close(struct dimm_table *t, const struct config *cfg, uint16_t index)
{
	t->rec[index].former = true;
	dimm_table_touch(t, index);
	dimm_leave_module(t, index);
	dimm_fill_index(t, cfg);
}
