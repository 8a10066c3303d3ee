/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Which module of DMI sits in the slot of a DIMM. A match is exact if a name says so and
 * fits no other module, or if driver and firmware number the same places one by one. All
 * else is likely at best, and called so. Pure: it reads the tables only.
 */

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "topology/topology.h"
#include "topology/topology_internal.h"

/* Where a name says that a DIMM is; -1: it does not say. */
struct place {
	int socket;
	int mc; /* within the socket */
	int channel;
	int dimm;
	bool letters; /* the channel is a letter: A, B, ... */
};

struct places {
	struct place dimms[TOPOLOGY_MAX_DIMMS];
	struct place modules[TOPOLOGY_MAX_MODULES];
};

/** True if @name is the module's slot, alone or after the name of its bank. */
static bool names_slot(const char *name, const struct dmi_module *m)
{
	size_t bank = strlen(m->bank);

	if (m->locator[0] == '\0')
		return false;
	if (strcmp(name, m->locator) == 0)
		return true;
	return bank > 0 && strncmp(name, m->bank, bank) == 0 && name[bank] == ' ' &&
	       strcmp(name + bank + 1, m->locator) == 0;
}

/** True if @name and the slot's name have the same letters and digits: "DIMM A1" and
 * "DIMM_A1". */
static bool spells_slot(const char *name, const struct dmi_module *m)
{
	const char *a = name, *b = m->locator;
	bool any = false;

	for (;;) {
		while (*a && !isalnum((unsigned char)*a))
			a++;
		while (*b && !isalnum((unsigned char)*b))
			b++;
		if (*a == '\0' || *b == '\0')
			return any && *a == *b;
		if (tolower((unsigned char)*a++) != tolower((unsigned char)*b++))
			return false;
		any = true;
	}
}

/** True if the slot's name is in @name as a word of its own. */
static bool mentions_slot(const char *name, const struct dmi_module *m)
{
	size_t len = strlen(m->locator);

	for (const char *p = name; len > 0 && (p = strstr(p, m->locator)); p++)
		if ((p == name || !isalnum((unsigned char)p[-1])) &&
		    !isalnum((unsigned char)p[len]))
			return true;
	return false;
}

static void match_set(const struct topology *t, struct edac_dimm *d, unsigned int module,
		      enum slot_match match)
{
	d->module = (uint16_t)module;
	/* A module that could not be read may have the same name. */
	d->match = t->unread < 0 || t->cut ? SLOT_LIKELY : match;
}

static void match_one(const struct topology *t, struct edac_dimm *d, const char *name,
		      bool (*fits)(const char *, const struct dmi_module *),
		      enum slot_match match)
{
	unsigned int n = 0, found = 0;

	if (d->match != SLOT_UNKNOWN || name[0] == '\0')
		return;
	for (unsigned int i = 0; i < t->n_modules; i++) {
		if (fits(name, &t->modules[i])) {
			found = i;
			n++;
		}
	}
	if (n == 1)
		match_set(t, d, found, match);
}

/* The number that follows a word of a name: "NODE 1", "Chan#0"; -1 if there is none. */
static int number_behind(const char **p)
{
	int value = 0;

	*p += strspn(*p, " _#:-");
	if (!isdigit((unsigned char)**p))
		return -1;
	while (isdigit((unsigned char)**p) && value < 1000)
		value = value * 10 + (*(*p)++ - '0');
	return value;
}

static void place_word(struct place *ret, const char *word, size_t len, int value,
		       int *node)
{
	static const struct {
		const char *word;
		size_t member;
	} words[] = {
#define AT(member) offsetof(struct place, member)
		{ "srcid", AT(socket) },    { "cpu", AT(socket) },
		{ "p", AT(socket) },        { "proc", AT(socket) },
		{ "socket", AT(socket) },   { "mc", AT(mc) },
		{ "imc", AT(mc) },          { "controller", AT(mc) },
		{ "ha", AT(mc) },           { "chan", AT(channel) },
		{ "channel", AT(channel) }, { "ch", AT(channel) },
		{ "dimm", AT(dimm) },
#undef AT
	};

	if (len == 4 && strncasecmp(word, "node", len) == 0)
		*node = value;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strlen(words[i].word) == len &&
		    strncasecmp(words[i].word, word, len) == 0)
			memcpy((char *)ret + words[i].member, &value, sizeof(value));
}

/* "CHANNEL A", "ChannelB-DIMM0" at @p; returns how many bytes that is, or 0. */
static size_t place_channel(struct place *ret, const char *p)
{
	size_t n = strlen("channel");

	if (strncasecmp(p, "channel", n) != 0)
		return 0;
	n += strspn(p + n, " _-");
	if (!isupper((unsigned char)p[n]) || isalnum((unsigned char)p[n + 1]))
		return 0;
	ret->channel = p[n] - 'A';
	ret->letters = true;
	return n + 1;
}

/* "DIMMA1", "DIMM_A1", "DIMM A1" at @p: channel A and its first slot. */
static bool place_letter(struct place *ret, const char *p)
{
	int number;

	if (strncasecmp(p, "dimm", 4) != 0)
		return false;
	p += 4;
	p += strspn(p, " _-");
	if (!isupper((unsigned char)*p) || !isdigit((unsigned char)p[1]))
		return false;
	ret->channel = *p++ - 'A';
	ret->letters = true;
	number = number_behind(&p);
	ret->dimm = number;
	return *p == '\0';
}

/*
 * Reads a name by its words. "Node" is the socket, or the controller where another word
 * is the socket: "NODE 1 CHANNEL 0 DIMM 0", "P0_Node1_Channel2_Dimm0".
 */
static struct place place_parse(const char *name)
{
	struct place ret = { -1, -1, -1, -1, false };
	int node = -1;

	for (const char *p = name; *p;) {
		const char *word = p;
		size_t len = 0;
		int value;

		while (isalpha((unsigned char)word[len]))
			len++;
		if (len == 0) {
			p++;
			continue;
		}
		if (place_letter(&ret, word))
			break;
		if (place_channel(&ret, word) > 0) {
			p += place_channel(&ret, word);
			continue;
		}
		p += len;
		value = number_behind(&p);
		if (value >= 0)
			place_word(&ret, word, len, value, &node);
	}
	if (node >= 0 && ret.socket < 0)
		ret.socket = node;
	else if (node >= 0 && ret.mc < 0)
		ret.mc = node;
	return ret;
}

static struct place module_place(const struct dmi_module *m)
{
	struct place bank = place_parse(m->bank);
	struct place slot = place_parse(m->locator);

	if (bank.channel >= 0 && bank.dimm >= 0)
		return bank;
	if (bank.socket >= 0 && slot.socket < 0)
		slot.socket = bank.socket;
	return slot;
}

/* Also whether all are of one socket, and whether all are of a socket's first controller,
 * whose channels have the same numbers either way. */
static bool places_read(const struct topology *t, struct places *p, bool *one_socket,
			bool *first_mc)
{
	*one_socket = *first_mc = true;
	for (unsigned int i = 0; i < t->n_dimms; i++) {
		struct place *d = &p->dimms[i];

		*d = place_parse(t->dimms[i].label);
		/* Drivers of machines with one socket do not name it. */
		if (d->socket < 0)
			d->socket = 0;
		if (!topology_label_is_drivers(t->dimms[i].label) || d->mc < 0 ||
		    d->channel < 0 || d->dimm < 0)
			return false;
		*one_socket &= d->socket == p->dimms[0].socket;
		*first_mc &= d->mc == 0;
	}
	return true;
}

/* The channels that each controller has, populated or not; 0 if they differ. */
static int channels_of(const struct topology *t)
{
	for (unsigned int i = 1; i < t->n_mcs; i++)
		if (t->mcs[i].channels != t->mcs[0].channels)
			return 0;
	return t->n_mcs > 0 ? t->mcs[0].channels : 0;
}

static int least_of(const struct place *v, unsigned int n, size_t member)
{
	int least = INT32_MAX;

	for (unsigned int i = 0; i < n; i++) {
		int value;

		memcpy(&value, (const char *)&v[i] + member, sizeof(value));
		least = value < least ? value : least;
	}
	return least;
}

/* Lets the numbers of all modules begin where those of the DIMMs do: some firmware counts
 * from 1. Returns by how much they were higher, 0 or 1; -1: they are other numbers. */
static int places_align(const struct topology *t, struct places *p, size_t member)
{
	int by = least_of(p->modules, t->n_modules, member) -
		 least_of(p->dimms, t->n_dimms, member);

	if (by < 0 || by > 1)
		return -1;
	for (unsigned int i = 0; i < t->n_modules; i++) {
		int value;

		memcpy(&value, (char *)&p->modules[i] + member, sizeof(value));
		value -= by;
		memcpy((char *)&p->modules[i] + member, &value, sizeof(value));
	}
	return by;
}

static bool same_place(const struct place *a, const struct place *b)
{
	return a->socket == b->socket && a->mc == b->mc && a->channel == b->channel &&
	       a->dimm == b->dimm;
}

/* The only module at the place of DIMM @i, with its size; -1. */
static int module_at(const struct topology *t, const struct places *p, unsigned int i)
{
	int found = -1;

	for (unsigned int k = 0; k < t->n_modules; k++) {
		if (!same_place(&p->dimms[i], &p->modules[k]))
			continue;
		if (found >= 0 || t->dimms[i].size_mib != t->modules[k].size_mib)
			return -1;
		found = (int)k;
	}
	return found;
}

/* Each place of the modules as the DIMMs name theirs. False if they cannot be compared. */
static bool places_compare(const struct topology *t, struct places *p,
			   enum slot_match *ret)
{
	int channels = channels_of(t);
	bool one_socket, first_mc, with_mc = true;

	if (!places_read(t, p, &one_socket, &first_mc))
		return false;
	*ret = SLOT_EXACT;
	for (unsigned int i = 0; i < t->n_modules; i++) {
		struct place *m = &p->modules[i];

		*m = module_place(&t->modules[i]);
		if (m->socket < 0 && one_socket)
			m->socket = p->dimms[0].socket;
		if (m->socket < 0 || m->channel < 0 || m->dimm < 0)
			return false;
		with_mc &= m->mc >= 0;
		if (m->letters)
			*ret = SLOT_LIKELY;
	}
	if (with_mc)
		return places_align(t, p, offsetof(struct place, mc)) >= 0;
	/* The firmware counts a socket's channels through its controllers. */
	if (!first_mc && channels <= 0)
		return false;
	for (unsigned int i = 0; i < t->n_modules; i++)
		p->modules[i].mc = 0;
	for (unsigned int i = 0; i < t->n_dimms; i++) {
		if (!first_mc)
			p->dimms[i].channel += p->dimms[i].mc * channels;
		p->dimms[i].mc = 0;
	}
	if (!first_mc)
		*ret = SLOT_LIKELY;
	return true;
}

/*
 * By the numbers of socket, controller, channel and slot. It holds for all DIMMs and all
 * modules, or for none.
 */
static void match_by_place(struct topology *t)
{
	_cleanup_(free_p) struct places *p = calloc(1, sizeof(*p));
	enum slot_match match;
	int channel_by, dimm_by;

	if (!p || t->n_dimms == 0 || t->n_dimms != t->n_modules ||
	    !places_compare(t, p, &match) ||
	    places_align(t, p, offsetof(struct place, socket)) < 0)
		return;
	channel_by = places_align(t, p, offsetof(struct place, channel));
	dimm_by = places_align(t, p, offsetof(struct place, dimm));
	if (channel_by < 0 || dimm_by < 0)
		return;
	/* Slots counted from 0 make channels counted from 1 doubtful. */
	if (channel_by != dimm_by)
		match = SLOT_LIKELY;
	for (unsigned int i = 0; i < t->n_dimms; i++)
		if (module_at(t, p, i) < 0)
			return;
	for (unsigned int i = 0; i < t->n_dimms; i++)
		if (t->dimms[i].match == SLOT_UNKNOWN)
			match_set(t, &t->dimms[i], (unsigned int)module_at(t, p, i),
				  match);
}

/* Two DIMMs cannot be one module; ranks and chip selects can. */
static void doubt_shared_modules(struct topology *t)
{
	for (unsigned int i = 0; i < t->n_dimms; i++) {
		struct edac_dimm *a = &t->dimms[i];

		if (a->layout != EDAC_DIMM || a->match != SLOT_EXACT)
			continue;
		for (unsigned int k = 0; k < t->n_dimms; k++)
			if (k != i && t->dimms[k].module == a->module)
				a->match = SLOT_LIKELY;
	}
}

void topology_match_modules(struct topology *t)
{
	for (unsigned int i = 0; i < t->n_dimms; i++) {
		struct edac_dimm *d = &t->dimms[i];

		match_one(t, d, d->slot_name, names_slot, SLOT_EXACT);
		match_one(t, d, d->label, names_slot, SLOT_EXACT);
		match_one(t, d, d->slot_name, spells_slot, SLOT_EXACT);
		match_one(t, d, d->label, spells_slot, SLOT_EXACT);
	}
	match_by_place(t);
	for (unsigned int i = 0; i < t->n_dimms; i++) {
		struct edac_dimm *d = &t->dimms[i];

		match_one(t, d, d->slot_name, mentions_slot, SLOT_LIKELY);
		match_one(t, d, d->label, mentions_slot, SLOT_LIKELY);
		if (d->match == SLOT_UNKNOWN && t->n_dimms == 1 && t->n_modules == 1)
			match_set(t, d, 0, SLOT_LIKELY);
	}
	doubt_shared_modules(t);
}
