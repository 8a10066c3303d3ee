/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Blocks of mcelog to machine checks, which event/mce_decode.h reads as the daemon does.
 * mcelog's own words for an error are left alone: the registers say the same.
 */

#include "imports/mcelog.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

void mcelog_init(struct mcelog *m, int64_t now)
{
	memset(m, 0, sizeof(*m));
	log_time_init(&m->time, now);
	m->at = BACKTEST_NO_TIME;
}

static bool mcelog_begins(struct backtest_text text, const char *word)
{
	size_t len = strlen(word);

	return text.len >= len && memcmp(text.s, word, len) == 0;
}

static bool mcelog_is(struct backtest_text text, const char *word)
{
	return text.len == strlen(word) && mcelog_begins(text, word);
}

/* The word at the start of *@text, which moves behind it; empty at the end. */
static struct backtest_text mcelog_word(struct backtest_text *text)
{
	struct backtest_text word;

	while (text->len > 0 && (*text->s == ' ' || *text->s == '\r')) {
		text->s++;
		text->len--;
	}
	word = (struct backtest_text){ text->s, 0 };
	while (word.len < text->len && word.s[word.len] != ' ' &&
	       word.s[word.len] != '\r')
		word.len++;
	text->s += word.len;
	text->len -= word.len;
	return word;
}

static uint64_t mcelog_number(struct backtest_text word, unsigned int base)
{
	uint64_t value = 0;

	for (size_t i = 0; i < word.len; i++) {
		char small = (char)(word.s[i] | 0x20);
		unsigned int digit = base;

		if (word.s[i] >= '0' && word.s[i] <= '9')
			digit = (unsigned int)(word.s[i] - '0');
		else if (small >= 'a' && small <= 'f')
			digit = (unsigned int)(small - 'a') + 10;
		if (digit >= base || __builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return 0;
	}
	return value;
}

/* "Vendor Intel Family 6 Model 85" to the number that CPUID leaf 1 has in EAX. */
static void mcelog_cpuid(struct mce_record *record, struct backtest_text text)
{
	uint32_t family = 0, model = 0;
	struct backtest_text word;

	while ((word = mcelog_word(&text)).len > 0) {
		if (mcelog_is(word, "AMD"))
			record->cpuvendor = MCE_VENDOR_AMD;
		else if (mcelog_is(word, "Hygon"))
			record->cpuvendor = MCE_VENDOR_HYGON;
		else if (mcelog_is(word, "Family"))
			family = mcelog_number(mcelog_word(&text), 10) & 0xff;
		else if (mcelog_is(word, "Model"))
			model = mcelog_number(mcelog_word(&text), 10) & 0xff;
	}
	record->cpuid = (model & 0xf) << 4 | (model >> 4) << 16;
	if (family < 0xf)
		record->cpuid |= family << 8;
	else
		record->cpuid |= 0xf << 8 | (family - 0xf) << 20;
}

/* "CPU 0 BANK 7 TSC ..." or, on AMD before Zen, "CPU 0 4 northbridge TSC ...". */
static void mcelog_cpu(struct mce_record *record, struct backtest_text text)
{
	struct backtest_text word = mcelog_word(&text);

	record->cpu = (uint32_t)(mcelog_number(word, 10) & UINT32_MAX);
	word = mcelog_word(&text);
	if (mcelog_is(word, "BANK"))
		word = mcelog_word(&text);
	record->bank = (uint8_t)(mcelog_number(word, 10) & UINT8_MAX);
}

/* Registers, in pairs of name and number. */
static void mcelog_registers(struct mcelog *m, struct backtest_text text)
{
	struct backtest_text name;

	while ((name = mcelog_word(&text)).len > 0) {
		uint64_t value = mcelog_number(mcelog_word(&text), 16);

		if (mcelog_is(name, "STATUS")) {
			m->record.status = value;
			m->status = true;
		} else if (mcelog_is(name, "MISC"))
			m->record.misc = value;
		else if (mcelog_is(name, "ADDR"))
			m->record.addr = value;
		else if (mcelog_is(name, "IPID"))
			m->record.ipid = value;
		else if (mcelog_is(name, "MCGCAP"))
			m->record.mcgcap = value;
		else if (mcelog_is(name, "SOCKETID"))
			m->record.socketid = (uint32_t)(value & UINT32_MAX);
	}
}

static void mcelog_time(struct mcelog *m, struct backtest_text word)
{
	uint64_t seconds = mcelog_number(word, 10);

	if (seconds > 0 && seconds < UINT32_MAX)
		m->at = (int64_t)seconds * USEC_PER_SEC;
}

/* What stands before the program's name in syslog is a time, if the block has no other. */
static void mcelog_strip(struct mcelog *m, struct backtest_text *line)
{
	static const char name[] = "mcelog";
	struct log_stamp stamp;

	for (size_t i = 1; i + sizeof(name) <= line->len; i++) {
		struct backtest_text rest = { line->s + i, line->len - i };
		struct backtest_text before = { line->s, i };
		const char *colon;

		if (line->s[i - 1] != ' ' || !mcelog_begins(rest, name))
			continue;
		colon = memchr(rest.s, ':', rest.len);
		if (!colon)
			return;
		if (m->at == BACKTEST_NO_TIME &&
		    log_time_read(&m->time, before, &stamp) == 0)
			m->at = stamp.time;
		line->len -= (size_t)(colon + 1 - line->s);
		line->s = colon + 1;
		return;
	}
}

bool mcelog_make_row(const struct mce_record *check, int64_t time,
		     char label[MCE_LABEL_MAX], struct backtest_row *ret)
{
	static const char one[] = "this machine";
	struct mce_error error;
	struct ce_event ev;

	if (!mce_decode(check, &error))
		return false;
	mce_error_event(&error, label, &ev);
	*ret = (struct backtest_row){
		.time = time,
		.ue_time = BACKTEST_NO_TIME,
		.address = error.address.addr,
		.has_address = error.has_address,
		.count = error.count ? error.count : 1,
		.events = 1,
		.kind = BACKTEST_UNCORRECTED,
		.grain_bits = error.grain_bits,
		.socket = error.socket <= INT8_MAX ? error.socket : (int16_t)-1,
		.channel = error.channel,
		.slot = -1,
		.dimm = { ev.label.s, ev.label.len },
		.server = { one, sizeof(one) - 1 },
	};
	if (error.severity == CE_CORRECTED)
		ret->kind = error.access == MCE_ACCESS_SCRUB ? BACKTEST_CE_SCRUB
							     : BACKTEST_CE;
	return true;
}

int mcelog_end(struct mcelog *m, struct backtest_row *ret, const char **ret_why)
{
	const struct mcelog block = *m;
	int r = 0;

	m->record = (struct mce_record){ 0 };
	m->at = BACKTEST_NO_TIME;
	m->any = m->status = false;
	*ret_why = NULL;
	if (!block.any || !block.status ||
	    !mcelog_make_row(&block.record, block.at, m->label, ret))
		return 0;
	r = 1;
	if (block.at == BACKTEST_NO_TIME) {
		*ret_why = "a memory error without a time";
		r = -EBADMSG;
	}
	return r;
}

static bool mcelog_is_start(struct backtest_text text)
{
	struct backtest_text word = mcelog_word(&text);

	if (mcelog_is(word, "Hardware"))
		return mcelog_begins(text, " event. This is not a software error");
	word = mcelog_is(word, "MCE") ? mcelog_word(&text) : (struct backtest_text){ 0 };
	return word.len > 0 && word.s[0] >= '0' && word.s[0] <= '9';
}

bool mcelog_is_line(struct backtest_text line)
{
	static const char mark[] = "Hardware event. This is not a software error";

	for (size_t i = 0; i + sizeof(mark) - 1 <= line.len; i++)
		if (memcmp(line.s + i, mark, sizeof(mark) - 1) == 0)
			return true;
	return mcelog_is_start(line);
}

int mcelog_line(struct mcelog *m, struct backtest_text line, struct backtest_row *ret,
		const char **ret_why)
{
	struct backtest_text rest, word, whole = line;
	int r = 0;

	*ret_why = NULL;
	mcelog_strip(m, &line);
	rest = line;
	word = mcelog_word(&rest);
	/* Old versions write no "MCE 0" between blocks of one run. */
	if (mcelog_is_start(line) || (mcelog_is(word, "CPU") && m->status)) {
		r = mcelog_end(m, ret, ret_why);
		line = whole;
		mcelog_strip(m, &line);
	}
	if (mcelog_is(word, "CPU")) {
		m->any = true;
		mcelog_cpu(&m->record, rest);
	} else if (mcelog_is(word, "TIME"))
		mcelog_time(m, mcelog_word(&rest));
	else if (mcelog_is(word, "CPUID"))
		mcelog_cpuid(&m->record, rest);
	else if (mcelog_is(word, "MISC") || mcelog_is(word, "ADDR") ||
		 mcelog_is(word, "STATUS") || mcelog_is(word, "MCGCAP") ||
		 mcelog_is(word, "IPID"))
		mcelog_registers(m, line);
	return r;
}
