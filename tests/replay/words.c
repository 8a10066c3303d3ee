/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Cuts the lines of a story into words and reads numbers, times, errnos and frames. It
 * knows nothing of verbs, and never trusts a line: the same code is fuzzed.
 */

#include "words.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

#define BIT(n) (UINT64_C(1) << (n))

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

int words_cut(struct words *w, const char *line, size_t len)
{
	size_t out = 0;
	size_t i = 0;

	w->n = 0;
	if (len >= sizeof(w->text))
		return -EINVAL;
	for (;;) {
		bool quoted = false;

		while (i < len && is_blank(line[i]))
			i++;
		if (i == len)
			return 0;
		if (w->n == WORDS_MAX)
			return -EINVAL;
		w->v[w->n++] = w->text + out;
		for (; i < len && (quoted || !is_blank(line[i])); i++) {
			if (line[i] == '"')
				quoted = !quoted;
			else
				w->text[out++] = line[i];
		}
		if (quoted)
			return -EINVAL;
		/* Each word was followed by a blank or a quote, or by the end. */
		w->text[out++] = '\0';
	}
}

const char *words_value(const struct words *w, unsigned int from, const char *key)
{
	size_t n = strlen(key);

	for (unsigned int i = from; i < w->n; i++)
		if (strncmp(w->v[i], key, n) == 0 && w->v[i][n] == '=')
			return w->v[i] + n + 1;
	return NULL;
}

bool words_have(const struct words *w, unsigned int from, const char *word)
{
	for (unsigned int i = from; i < w->n; i++)
		if (strcmp(w->v[i], word) == 0)
			return true;
	return false;
}

int parse_u64(const char *word, uint64_t *ret)
{
	bool hex = strncmp(word, "0x", 2) == 0;
	unsigned long long n;
	char *end;

	if (hex ? !strchr("0123456789abcdefABCDEF", word[2]) || !word[2]
		: word[0] < '0' || word[0] > '9')
		return -EINVAL;
	errno = 0;
	n = strtoull(word, &end, hex ? 16 : 10);
	if (errno || *end)
		return -EINVAL;
	*ret = n;
	return 0;
}

int parse_number(const char *word, int64_t *ret)
{
	bool minus = word[0] == '-';
	uint64_t n;
	int r = parse_u64(minus || word[0] == '+' ? word + 1 : word, &n);

	if (r < 0)
		return r;
	if (n > INT64_MAX)
		return -EINVAL;
	*ret = minus ? -(int64_t)n : (int64_t)n;
	return 0;
}

static const struct {
	const char *name;
	int64_t usec;
} units[] = {
	{ "d", USEC_PER_DAY },
	{ "h", USEC_PER_HOUR },
	{ "min", USEC_PER_MINUTE },
	{ "ms", 1000 },
	{ "us", 1 },
	{ "m", USEC_PER_MINUTE },
	{ "s", USEC_PER_SEC },
};

/* One number with its unit; moves *p behind it. */
static int parse_span(const char **p, int64_t *ret)
{
	int64_t whole = 0;
	int64_t part = 0;
	int64_t scale = 1;
	const char *c = *p;

	if (*c < '0' || *c > '9')
		return -EINVAL;
	for (; *c >= '0' && *c <= '9'; c++) {
		whole = whole * 10 + (*c - '0');
		if (whole > STORY_TIME_MAX)
			return -EINVAL;
	}
	if (*c == '.')
		for (c++; *c >= '0' && *c <= '9' && scale < 1000000; c++) {
			part = part * 10 + (*c - '0');
			scale *= 10;
		}
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		size_t n = strlen(units[i].name);

		if (strncmp(c, units[i].name, n) != 0)
			continue;
		if (whole > STORY_TIME_MAX / units[i].usec)
			return -EINVAL;
		*ret = whole * units[i].usec + part * units[i].usec / scale;
		*p = c + n;
		return 0;
	}
	return -EINVAL;
}

int parse_time(const char *word, usec_t *ret)
{
	bool minus = word[0] == '-';
	const char *p = minus || word[0] == '+' ? word + 1 : word;
	int64_t sum = 0;

	if (strcmp(p, "0") == 0) {
		*ret = usec(0);
		return 0;
	}
	do {
		int64_t span;

		if (parse_span(&p, &span) < 0)
			return -EINVAL;
		sum += span;
		if (sum > STORY_TIME_MAX)
			return -EINVAL;
	} while (*p);
	*ret = usec(minus ? -sum : sum);
	return 0;
}

const char *format_time(usec_t t, char *buf)
{
	uint64_t left = t.us < 0 ? 0 - (uint64_t)t.us : (uint64_t)t.us;
	int64_t parts[] = { USEC_PER_DAY, USEC_PER_HOUR, USEC_PER_MINUTE };
	const char *names = "dhm";
	int n = 0;

	if (t.us < 0)
		buf[n++] = '-';
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		uint64_t many = left / (uint64_t)parts[i];

		left %= (uint64_t)parts[i];
		if (many)
			n += snprintf(buf + n, TIME_TEXT_MAX - (size_t)n, "%llu%c",
				      (unsigned long long)many, names[i]);
	}
	if (left % 1000000)
		snprintf(buf + n, TIME_TEXT_MAX - (size_t)n, "%llu.%06llus",
			 (unsigned long long)left / 1000000,
			 (unsigned long long)left % 1000000);
	else if (left || n == 0)
		snprintf(buf + n, TIME_TEXT_MAX - (size_t)n, "%llus",
			 (unsigned long long)left / 1000000);
	return buf;
}

/* clang-format off */
static const struct {
	const char *name;
	int error;
} errnos[] = {
	{ "ok", 0 }, { "EPERM", EPERM }, { "ENOENT", ENOENT }, { "EINTR", EINTR },
	{ "EIO", EIO }, { "ENXIO", ENXIO }, { "EAGAIN", EAGAIN }, { "ENOMEM", ENOMEM },
	{ "EACCES", EACCES }, { "EBUSY", EBUSY }, { "EINVAL", EINVAL },
	{ "EROFS", EROFS }, { "ENOSYS", ENOSYS }, { "EOPNOTSUPP", EOPNOTSUPP },
	{ "EDOM", EDOM }, { "ENOTRECOVERABLE", ENOTRECOVERABLE },
};
/* clang-format on */

int parse_errno(const char *word, int *ret)
{
	uint64_t n;

	for (size_t i = 0; i < ARRAY_SIZE(errnos); i++) {
		if (strcmp(word, errnos[i].name) == 0) {
			*ret = errnos[i].error;
			return 0;
		}
	}
	if (parse_u64(word, &n) < 0 || n > 4095)
		return -EINVAL;
	*ret = (int)n;
	return 0;
}

const char *errno_name(int error)
{
	for (size_t i = 0; i < ARRAY_SIZE(errnos); i++)
		if (errnos[i].error == error)
			return errnos[i].name;
	return "other";
}

static const struct {
	const char *word;
	uint64_t flags;
} looks[] = {
	{ "free", BIT(KPF_BUDDY) },
	{ "anonymous", BIT(KPF_ANON) | BIT(KPF_LRU) | BIT(KPF_MMAP) },
	{ "page-cache", BIT(KPF_LRU) },
	{ "ksm", BIT(KPF_KSM) | BIT(KPF_ANON) },
	{ "thp", BIT(KPF_THP) | BIT(KPF_ANON) },
	{ "hugetlb", BIT(KPF_HUGE) | BIT(KPF_COMPOUND_HEAD) },
	{ "slab", BIT(KPF_SLAB) },
	{ "page-table", BIT(KPF_PGTABLE) },
	{ "reserved", BIT(KPF_RESERVED) },
	{ "kernel", BIT(KPF_OFFLINE) },
	{ "poisoned", BIT(KPF_HWPOISON) },
};

static int parse_look(const char *word, struct frame *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(looks); i++) {
		if (strcmp(word, looks[i].word) == 0) {
			f->flags |= looks[i].flags;
			return 0;
		}
	}
	if (strcmp(word, "absent") == 0)
		f->absent = true;
	else if (strcmp(word, "unreadable") == 0)
		f->readable = false;
	else if (strncmp(word, "flags=", 6) == 0)
		return parse_u64(word + 6, &f->flags);
	else if (strcmp(word, "large-folio") == 0) {
		f->flags |= BIT(KPF_THP) | BIT(KPF_LRU);
		f->folio_kib = 64;
		f->thp_kib = 2048;
	} else if (strncmp(word, "kib=", 4) == 0)
		return parse_u64(word + 4, &f->huge_kib);
	else
		return -EINVAL;
	return 0;
}

int parse_frame(const struct words *w, unsigned int from, struct frame *ret)
{
	struct frame f = { .readable = true, .in_ram = true };

	for (unsigned int i = from; i < w->n; i++)
		if (parse_look(w->v[i], &f) < 0)
			return -EINVAL;
	if (!f.readable)
		f.flags = 0;
	*ret = f;
	return 0;
}

int words_number(const struct words *w, unsigned int from, const char *key, uint64_t *ret)
{
	const char *value = words_value(w, from, key);

	return value ? parse_u64(value, ret) : 0;
}
