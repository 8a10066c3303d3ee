/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The verbs of a story: each turns the words of a line into the script of the machine or into
 * an input. They expect nothing.
 */

#include <errno.h>
#include <string.h>

#include "story.h"
#include "verbs_check.h"

#define STORM_EVENTS_MAX 50000
#define STORM_PAGES_MAX  1000

typedef int (*verb_fn)(struct story *s, const struct words *w, unsigned int from);

struct verb {
	const char *word;
	verb_fn fn;
};

static int parse_page(const struct sim *sim, const char *word, pfn_t *ret)
{
	uint64_t a;

	if (parse_u64(word, &a) < 0)
		return -EINVAL;
	*ret = paddr_to_pfn(paddr(a), sim->page_shift);
	return 0;
}

static int bool_option(const struct words *w, unsigned int from, const char *key,
		       bool *ret)
{
	const char *value = words_value(w, from, key);

	if (!value)
		return 0;
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		return -EINVAL;
	*ret = strcmp(value, "yes") == 0;
	return 0;
}

static int do_page_shift(struct story *s, const struct words *w, unsigned int from)
{
	uint64_t n;

	if (w->n != from + 1 || parse_u64(w->v[from], &n) < 0 || n < 12 || n > 16 ||
	    story_sim(s)->engine)
		return -EINVAL;
	story_sim(s)->page_shift = (unsigned int)n;
	return 0;
}

static int parse_range(const char *word, struct ram_range *ret)
{
	const char *dash = strchr(word, '-');
	char first[32];

	if (!dash || (size_t)(dash - word) >= sizeof(first))
		return -EINVAL;
	memcpy(first, word, (size_t)(dash - word));
	first[dash - word] = '\0';
	if (parse_u64(first, &ret->start.addr) < 0 ||
	    parse_u64(dash + 1, &ret->end.addr) < 0 || ret->end.addr < ret->start.addr)
		return -EINVAL;
	return 0;
}

static int do_ram(struct story *s, const struct words *w, unsigned int from)
{
	struct sim *sim = story_sim(s);
	struct ram_map map = { .known = w->n > from };

	for (; from < w->n; from++) {
		struct ram_range *r = &map.ranges[map.n];

		if (map.n == MAX_RAM_RANGES || parse_range(w->v[from], r) < 0)
			return -EINVAL;
		if (map.n > 0 && r->start.addr <= r[-1].end.addr)
			return -EINVAL;
		map.n++;
	}
	sim->ram = map;
	if (sim->engine)
		(void)sim_step(sim,
			       (struct input){ .kind = INPUT_RAM, .ram = &sim->ram });
	return 0;
}

static int do_machine(struct story *s, const struct words *w, unsigned int from)
{
	struct sim *sim = story_sim(s);
	struct machine m = sim->machine;
	const char *pressure = words_value(w, from, "pressure");
	uint64_t percent = 0;

	if (words_number(w, from, "ram", &m.ram_pages) < 0 ||
	    words_number(w, from, "available", &m.available_kib) < 0)
		return -EINVAL;
	m.unread = words_have(w, from, "unreadable");
	m.pressure_unread = false;
	if (pressure && strcmp(pressure, "unreadable") == 0) {
		m.pressure_known = false;
		m.pressure_unread = true;
	} else if (pressure) {
		m.pressure_known = strcmp(pressure, "no") != 0;
		if (m.pressure_known &&
		    (parse_u64(pressure, &percent) < 0 || percent > 100))
			return -EINVAL;
		m.pressure = (uint32_t)percent * 100;
	}
	sim->machine = m;
	if (sim->engine)
		(void)sim_step(sim,
			       (struct input){ .kind = INPUT_MACHINE, .machine = m });
	return 0;
}

/* What the fingerprints are from the next start on; 0: not known. */
static int do_memory(struct story *s, const struct words *w, unsigned int from)
{
	uint64_t map = 1, modules = 1;

	if (words_number(w, from, "map", &map) < 0 ||
	    words_number(w, from, "modules", &modules) < 0)
		return -EINVAL;
	story_sim(s)->ram_print = (int64_t)map;
	story_sim(s)->module_print = (int64_t)modules;
	return 0;
}

static int fact_option(const struct words *w, unsigned int from, const char *key,
		       enum fact *ret)
{
	const char *value = words_value(w, from, key);
	bool yes = false;

	if (!value)
		return 0;
	*ret = FACT_UNKNOWN;
	if (strcmp(value, "unreadable") == 0)
		return 0;
	if (bool_option(w, from, key, &yes) < 0)
		return -EINVAL;
	*ret = yes ? FACT_YES : FACT_NO;
	return 0;
}

static int switch_option(const struct words *w, unsigned int from, enum soft_switch *ret)
{
	static const char *const words[] = {
		[SWITCH_UNKNOWN] = "unreadable",
		[SWITCH_OFF] = "no",
		[SWITCH_ON] = "yes",
		[SWITCH_ABSENT] = "absent",
	};
	const char *value = words_value(w, from, "enabled");

	for (size_t i = 0; value && i < ARRAY_SIZE(words); i++) {
		if (strcmp(value, words[i]) != 0)
			continue;
		*ret = (enum soft_switch)i;
		return 0;
	}
	return value ? -EINVAL : 0;
}

/* "quietly": the machine changes, and the daemon has not looked yet. */
static int do_kernel(struct story *s, const struct words *w, unsigned int from)
{
	struct sim *sim = story_sim(s);
	struct kernel_state k = sim->kernel;

	if (fact_option(w, from, "soft_offline", &k.soft_offline) < 0 ||
	    switch_option(w, from, &k.enabled) < 0 ||
	    fact_option(w, from, "supported", &k.supported) < 0 ||
	    fact_option(w, from, "collector", &k.collector_acts) < 0)
		return -EINVAL;
	sim->kernel = k;
	if (sim->engine && !words_have(w, from, "quietly"))
		(void)sim_step(sim, (struct input){ .kind = INPUT_KERNEL, .kernel = k });
	return 0;
}

static int do_frame(struct story *s, const struct words *w, unsigned int from)
{
	struct script *script = story_script(s);
	struct sim *sim = story_sim(s);
	struct script_frame f = { 0 };
	pfn_t p = pfn(0);

	if (w->n < from + 2 || script->n_frames == SCRIPT_MAX)
		return -EINVAL;
	f.any_page = strcmp(w->v[from], "*") == 0;
	if ((!f.any_page && parse_page(sim, w->v[from], &p) < 0) ||
	    parse_frame(w, from + 1, &f.frame) < 0)
		return -EINVAL;
	f.pfn = p.n;
	script->frames[script->n_frames++] = f;
	return 0;
}

/* "EBUSY*7" */
static int parse_answer(const char *word, struct script_answer *a)
{
	const char *star = strchr(word, '*');
	size_t n = star ? (size_t)(star - word) : strlen(word);
	uint64_t times = 1;
	char name[32];

	if (n >= sizeof(name) || (star && parse_u64(star + 1, &times) < 0) ||
	    times > 1000000)
		return -EINVAL;
	memcpy(name, word, n);
	name[n] = '\0';
	a->left = (unsigned int)times;
	return parse_errno(name, &a->answer.error);
}

static int do_answer(struct story *s, const struct words *w, unsigned int from)
{
	struct script *script = story_script(s);
	struct sim *sim = story_sim(s);
	struct script_answer a = { 0 };
	pfn_t p = pfn(0);
	const char *outcome = words_value(w, from, "event");
	const char *kib;
	const char *took;

	if (w->n < from + 2 || script->n_answers == SCRIPT_MAX)
		return -EINVAL;
	a.any_page = strcmp(w->v[from], "*") == 0;
	if ((!a.any_page && parse_page(sim, w->v[from], &p) < 0) ||
	    parse_answer(w->v[from + 1], &a) < 0)
		return -EINVAL;
	a.pfn = p.n;
	a.answer.silent = words_have(w, from, "silent");
	a.answer.poisons = words_have(w, from, "poison");
	a.answer.spoils = words_have(w, from, "spoil");
	a.answer.dry_run = words_have(w, from, "dry-run");
	if (outcome) {
		a.answer.has_event = true;
		a.answer.outcome = soft_outcome_from_word(outcome, strlen(outcome));
	}
	kib = words_value(w, from, "kib");
	took = words_value(w, from, "took");
	a.answer.has_delta = kib != NULL;
	if ((kib && (parse_number(kib, &a.answer.delta_kib) < 0 ||
		     a.answer.delta_kib > 1 << 30 || a.answer.delta_kib < -(1 << 30))) ||
	    (took && (parse_time(took, &a.answer.took) < 0 || a.answer.took.us < 0)))
		return -EINVAL;
	script->answers[script->n_answers++] = a;
	return 0;
}

static const struct {
	const char *word;
	enum ce_severity severity;
} severities[] = {
	{ "ce", CE_CORRECTED }, { "ue", CE_UNCORRECTED }, { "deferred", CE_DEFERRED },
	{ "fatal", CE_FATAL },  { "info", CE_INFO },
};

static int parse_layers(const char *word, int8_t *layers)
{
	for (int i = 0; word && i < 3; i++) {
		char *end;
		long n = strtol(word, &end, 10);

		if (end == word || n < -1 || n > 127)
			return -EINVAL;
		layers[i] = (int8_t)n;
		word = *end == '.' ? end + 1 : NULL;
	}
	return 0;
}

static int part_option(const struct words *w, unsigned int from, const char *key,
		       enum dram_part part, struct dram_coord *c)
{
	uint64_t v = 0;

	if (!words_value(w, from, key))
		return 0;
	if (words_number(w, from, key, &v) < 0 || v > UINT32_MAX)
		return -EINVAL;
	switch (part) {
	case DRAM_RANK:
		c->rank = (uint8_t)v;
		break;
	case DRAM_DEVICE:
		c->device = (uint8_t)v;
		break;
	case DRAM_BANK_GROUP:
		c->bank_group = (uint8_t)v;
		break;
	case DRAM_BANK:
		c->bank = (uint16_t)v;
		break;
	case DRAM_ROW:
		c->row = (uint32_t)v;
		break;
	case DRAM_COLUMN:
		c->column = (uint32_t)v;
		break;
	case DRAM_SUB_CHANNEL:
		c->sub_channel = (uint8_t)v;
		break;
	case DRAM_CHIP:
		c->chip = (uint8_t)v;
		break;
	}
	c->have |= (uint8_t)part;
	return 0;
}

static int parse_coord(const struct words *w, unsigned int from, struct dram_coord *c)
{
	if (part_option(w, from, "subch", DRAM_SUB_CHANNEL, c) < 0 ||
	    part_option(w, from, "rank", DRAM_RANK, c) < 0 ||
	    part_option(w, from, "chip", DRAM_CHIP, c) < 0 ||
	    part_option(w, from, "device", DRAM_DEVICE, c) < 0 ||
	    part_option(w, from, "bg", DRAM_BANK_GROUP, c) < 0 ||
	    part_option(w, from, "bank", DRAM_BANK, c) < 0 ||
	    part_option(w, from, "row", DRAM_ROW, c) < 0 ||
	    part_option(w, from, "col", DRAM_COLUMN, c) < 0)
		return -EINVAL;
	return 0;
}

static struct ce_text text_option(const struct words *w, unsigned int from,
				  const char *key, const char *otherwise)
{
	const char *v = words_value(w, from, key);

	v = v ? v : otherwise;
	return (struct ce_text){ .s = v, .len = (uint32_t)strlen(v) };
}

static int do_event(struct story *s, const struct words *w, unsigned int from)
{
	struct sim *sim = story_sim(s);
	struct ce_event ev = { .has_address = true, .layer = { -1, -1, -1 } };
	uint64_t count = 1, grain = 6, mc = 0, cpu = 0;
	const char *at = words_value(w, from, "at");
	usec_t when = usec(sim->now);

	for (size_t i = 0; i < ARRAY_SIZE(severities); i++)
		if (strcmp(w->v[from], severities[i].word) == 0)
			ev.severity = severities[i].severity;
	if (words_number(w, from, "addr", &ev.address.addr) < 0 ||
	    words_number(w, from, "count", &count) < 0 || count > UINT32_MAX ||
	    words_number(w, from, "grain", &grain) < 0 || grain > UINT8_MAX ||
	    words_number(w, from, "mc", &mc) < 0 || mc > UINT8_MAX ||
	    words_number(w, from, "cpu", &cpu) < 0 || cpu > UINT16_MAX ||
	    (at && parse_time(at, &when) < 0) || parse_coord(w, from, &ev.coord) < 0 ||
	    parse_layers(words_value(w, from, "layers"), ev.layer) < 0)
		return -EINVAL;
	ev.time = usec_sub(when, usec(sim->base));
	ev.count = (uint32_t)count;
	ev.grain_bits = (uint8_t)grain;
	ev.mc = (uint8_t)mc;
	ev.cpu = (uint16_t)cpu;
	ev.overflow = words_have(w, from, "overflow");
	ev.has_address = !words_have(w, from, "no-address-field");
	ev.narrow_address = words_have(w, from, "narrow");
	ev.label = text_option(w, from, "label", "DIMM_A1");
	ev.msg = text_option(w, from, "msg", "");
	ev.detail = text_option(w, from, "detail", "");
	if (twins_take_event(story_twins(s), &ev))
		(void)sim_step(sim, (struct input){ .kind = INPUT_EVENT, .event = &ev });
	return 0;
}

static int do_check(struct story *s, const struct words *w, unsigned int from)
{
	return checks_take(story_twins(s), story_sim(s), w, from);
}

/* Round and round over the pages, evenly in time. */
static int do_storm(struct story *s, const struct words *w, unsigned int from)
{
	struct sim *sim = story_sim(s);
	uint64_t pages = 0, first = 0, events = 0;
	const char *over = words_value(w, from, "over");
	int64_t begin = sim->now;
	usec_t span;

	if (words_number(w, from, "pages", &pages) < 0 ||
	    words_number(w, from, "first", &first) < 0 ||
	    words_number(w, from, "events", &events) < 0 || !over ||
	    parse_time(over, &span) < 0 || span.us < 0 || pages == 0 ||
	    pages > STORM_PAGES_MAX || events > STORM_EVENTS_MAX ||
	    first > UINT64_MAX - (pages << sim->page_shift) ||
	    span.us > STORY_TIME_MAX / STORM_EVENTS_MAX)
		return -EINVAL;
	for (uint64_t i = 0; i < events && !sim_is_spent(sim); i++) {
		struct ce_event ev = { .has_address = true,
				       .layer = { -1, -1, -1 },
				       .count = 1,
				       .grain_bits = 6,
				       .label = { "DIMM_A1", 7 } };

		sim_advance(sim, begin + (int64_t)i * span.us / (int64_t)events);
		ev.time = usec(sim->now - sim->base);
		ev.address = paddr(first + (i % pages << sim->page_shift));
		(void)sim_step(sim, (struct input){ .kind = INPUT_EVENT, .event = &ev });
	}
	return 0;
}

static int do_lost(struct story *s, const struct words *w, unsigned int from)
{
	bool malformed = strcmp(w->v[from], "malformed") == 0;
	struct input in = { .kind = malformed ? INPUT_MALFORMED : INPUT_LOST };

	if (w->n != from + 2 || parse_u64(w->v[from + 1], &in.lost.count) < 0)
		return -EINVAL;
	(void)sim_step(story_sim(s), in);
	return 0;
}

static int do_poison(struct story *s, const struct words *w, unsigned int from)
{
	struct sim *sim = story_sim(s);
	int64_t kib;

	if (w->n != from + 2 || parse_number(w->v[from + 1], &kib) < 0)
		return -EINVAL;
	if (w->v[from + 1][0] == '+' || w->v[from + 1][0] == '-')
		kib += sim->poisoned_kib < INT64_MAX / 2 ? sim->poisoned_kib : 0;
	if (kib > INT64_MAX / 4096 || kib < 0)
		return -EINVAL;
	sim->poisoned_kib = kib;
	(void)sim_step(sim, (struct input){ .kind = INPUT_POISON, .poisoned_kib = kib });
	return 0;
}

/* Verbs about one page: somebody else's doing, or an operator's wish. */
static int do_page(struct story *s, const struct words *w, unsigned int from)
{
	struct sim *sim = story_sim(s);
	const char *verb = w->v[from];
	struct failure_event failure = { .time = usec(sim->now - sim->base) };
	struct input in = { .kind = INPUT_REQUEST_OFFLINE };
	pfn_t p;

	if (w->n != from + 2 || parse_page(sim, w->v[from + 1], &p) < 0)
		return -EINVAL;
	in.request.pfn = p;
	in.request.cookie = story_cookie(s);
	failure.pfn = p;
	if (strcmp(verb, "foreign") == 0) {
		sim_poison(sim, p);
		sim->poisoned_kib += INT64_C(1) << (sim->page_shift - 10);
		return 0;
	}
	if (strcmp(verb, "unpoison") == 0) {
		sim_unpoison(sim, p);
		return 0;
	}
	if (strcmp(verb, "forget") == 0)
		in.kind = INPUT_REQUEST_FORGET;
	if (strcmp(verb, "failure") == 0)
		in = (struct input){ .kind = INPUT_FAILURE, .failure = &failure };
	(void)sim_step(sim, in);
	return 0;
}

static const struct {
	const char *word;
	enum soft_asker asker;
} askers[] = {
	{ "us", SOFT_ASKER_US },
	{ "others", SOFT_ASKER_OTHERS },
	{ "unknown", SOFT_ASKER_UNKNOWN },
};

/* soft ORIGIN ADDR OUTCOME [error=] [type=] [took=] [asker=] [ago=] [unsampled] */
static int parse_soft(const struct sim *sim, const struct words *w, unsigned int from,
		      struct soft_event *ev, struct input *in)
{
	const char *error = words_value(w, from, "error");
	const char *type = words_value(w, from, "type");
	const char *took = words_value(w, from, "took");
	const char *ago = words_value(w, from, "ago");
	const char *asker = words_value(w, from, "asker");
	usec_t span = usec(0), before = usec(0);

	if (w->n < from + 4 || parse_page(sim, w->v[from + 2], &ev->pfn) < 0 ||
	    (error && parse_errno(error, &ev->error) < 0) ||
	    (type && frame_kind_from_string(type, &ev->kind) < 0) ||
	    (took && (parse_time(took, &span) < 0 || span.us < 0)) ||
	    (ago && parse_time(ago, &before) < 0))
		return -EINVAL;
	ev->origin = soft_origin_from_word(w->v[from + 1], strlen(w->v[from + 1]));
	ev->outcome = soft_outcome_from_word(w->v[from + 3], strlen(w->v[from + 3]));
	ev->duration_usec = span.us;
	ev->time = usec_sub(usec(sim->now - sim->base), before);
	in->soft.asker = SOFT_ASKER_OTHERS;
	for (size_t i = 0; asker && i < ARRAY_SIZE(askers); i++)
		if (strcmp(asker, askers[i].word) == 0)
			in->soft.asker = askers[i].asker;
	return 0;
}

/* Somebody's request and its event; the counter is looked at after it, as the daemon
 * does, unless the story says "unsampled". */
static int do_soft(struct story *s, const struct words *w, unsigned int from)
{
	struct sim *sim = story_sim(s);
	struct soft_event ev = { .kind = FRAME_ANONYMOUS };
	struct input in = { .kind = INPUT_SOFT };
	bool moves = !words_have(w, from, "poisoned-before");

	if (parse_soft(sim, w, from, &ev, &in) < 0)
		return -EINVAL;
	in.soft.event = &ev;
	if (ev.error == 0 && ev.outcome != SOFT_ALREADY_POISONED && moves) {
		sim_poison(sim, ev.pfn);
		sim->poisoned_kib += INT64_C(1) << (sim->page_shift - 10);
	}
	(void)sim_step(sim, in);
	if (!words_have(w, from, "unsampled"))
		(void)sim_step(sim, (struct input){ .kind = INPUT_POISON,
						    .poisoned_kib = sim->poisoned_kib });
	return 0;
}

static int do_module(struct story *s, const struct words *w, unsigned int from)
{
	struct sim *sim = story_sim(s);
	struct input in = { .kind = INPUT_MODULE };

	in.module.part = words_value(w, from, "part");
	in.module.serial = words_value(w, from, "serial");
	if (w->n < from + 2 || !in.module.part || !in.module.serial)
		return -EINVAL;
	for (uint16_t i = 1; i < engine_dimms(sim->engine); i++) {
		const struct dimm_rec *d = engine_dimm(sim->engine, i);

		if (d->former || strcmp(d->label, w->v[from + 1]) != 0)
			continue;
		in.module.index = i;
		(void)sim_step(sim, in);
		return 0;
	}
	return -EINVAL;
}

static int do_plain(struct story *s, const struct words *w, unsigned int from)
{
	struct sim *sim = story_sim(s);
	const char *verb = w->v[from];

	if (w->n != from + 1)
		return -EINVAL;
	if (strcmp(verb, "flush") == 0)
		sim_flush(sim);
	else if (strcmp(verb, "reconcile") == 0)
		sim_reconcile(sim);
	else
		(void)sim_step(sim, (struct input){ .kind = INPUT_TICK });
	return 0;
}

/* Time passes, and nobody is awake to see it. */
static int do_suspend(struct story *s, const struct words *w, unsigned int from)
{
	struct sim *sim = story_sim(s);
	usec_t span;

	if (w->n != from + 2 || parse_time(w->v[from + 1], &span) < 0 || span.us < 0 ||
	    sim->now + span.us > STORY_TIME_MAX)
		return -EINVAL;
	sim->now += span.us;
	return 0;
}

static int do_reload(struct story *s, const struct words *w, unsigned int from)
{
	struct sim *sim = story_sim(s);
	_cleanup_(free_p) struct config *cfg = malloc(sizeof(*cfg));
	int r = cfg ? story_config(s, cfg) : -ENOMEM;

	if (r < 0)
		return r;
	sim->cfg = *cfg;
	sim_flush(sim);
	return sim_step(sim, (struct input){ .kind = INPUT_CONFIG, .config = &sim->cfg });
}

static int do_restart(struct story *s, const struct words *w, unsigned int from)
{
	struct sim *sim = story_sim(s);
	bool flush = strcmp(w->v[from], "restart") == 0;
	const char *wall = words_value(w, from, "wall");
	usec_t offset = usec(0);

	if (wall && parse_time(wall, &offset) < 0)
		return -EINVAL;
	checks_release_all(story_twins(s), sim);
	if (words_have(w, from, "new-boot"))
		return sim_reboot(sim, flush, usec(30 * USEC_PER_SEC), offset);
	return sim_restart(sim, flush);
}

static const struct verb setup_verbs[] = {
	{ "page-shift", do_page_shift }, { "ram", do_ram },
	{ "machine", do_machine },       { "source", verb_source },
	{ "kernel", do_kernel },         { "frame", do_frame },
	{ "answer", do_answer },         { "memory", do_memory },
	{ "no-edac", verb_no_edac },
};

/* clang-format off */
static const struct verb timed_verbs[] = {
	{ "ce", do_event }, { "ue", do_event }, { "deferred", do_event },
	{ "fatal", do_event }, { "info", do_event }, { "storm", do_storm },
	{ "lost", do_lost }, { "malformed", do_lost }, { "poison", do_poison },
	{ "gap", verb_gap }, { "failure", do_page }, { "foreign", do_page },
	{ "unpoison", do_page }, { "soft", do_soft }, { "offline", do_page },
	{ "forget", do_page }, { "tick", do_plain }, { "flush", do_plain },
	{ "reconcile", do_plain }, { "suspend", do_suspend }, { "reload", do_reload },
	{ "restart", do_restart }, { "crash", do_restart }, { "module", do_module },
	{ "controllers", verb_controllers }, { "bystander", verb_bystander },
	{ "mce", do_check },
};
/* clang-format on */

static verb_fn find_verb(const struct verb *verbs, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(verbs[i].word, word) == 0)
			return verbs[i].fn;
	return NULL;
}

bool verb_is_setup(const char *word)
{
	return find_verb(setup_verbs, ARRAY_SIZE(setup_verbs), word) != NULL;
}

int verb_setup(struct story *s, const struct words *w)
{
	verb_fn fn = find_verb(setup_verbs, ARRAY_SIZE(setup_verbs), w->v[0]);

	return fn ? fn(s, w, 1) : -EINVAL;
}

int verb_timed(struct story *s, const struct words *w, unsigned int from)
{
	verb_fn fn = find_verb(timed_verbs, ARRAY_SIZE(timed_verbs), w->v[from]);

	if (fn)
		return fn(s, w, from);
	fn = find_verb(setup_verbs, ARRAY_SIZE(setup_verbs), w->v[from]);
	return fn ? fn(s, w, from + 1) : -EINVAL;
}
