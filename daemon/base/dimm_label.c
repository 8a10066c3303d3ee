/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Tells labels that the kernel made from names that people gave. It knows no DIMM.
 */

#include "base/dimm_label.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"

/* One "word#12" at @s, with what joins it to the next; NULL if it is something else. */
static const char *label_part(const char *s)
{
	const char *word = s;

	while (isalpha((unsigned char)*s) || *s == '_')
		s++;
	if (s == word || *s != '#' || !isdigit((unsigned char)s[1]))
		return NULL;
	for (s++; isdigit((unsigned char)*s); s++)
		;
	return *s == '_' || *s == ' ' ? s + 1 : s;
}

/* A single part, as "DIMM#1", may be the board's own name. */
static bool label_is_made(const char *label)
{
	const char *s = label;
	unsigned int n = 0;

	while (*s) {
		s = label_part(s);
		if (!s)
			return false;
		n++;
	}
	return n > 1 || (n == 1 && (strncmp(label, "mc#", 3) == 0 ||
				    strncmp(label, "MC#", 3) == 0));
}

bool dimm_label_names_several(const char *label)
{
	return strstr(label, " or ") != NULL;
}

bool dimm_label_is_registered(const char *label)
{
	static const char *const none[] = { "",
					    "unknown memory",
					    "any memory",
					    "unknown label",
					    "other memory",
					    "N/A N/A",
					    "Not Specified" };

	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		if (strcmp(label, none[i]) == 0)
			return false;
	/* "socket 0", "socket 1 channel 2": as far as a machine check tells. */
	if (strncmp(label, "socket ", strlen("socket ")) == 0)
		return false;
	return !label_is_made(label) && !dimm_label_names_several(label);
}

bool dimm_labels_contradict(const char *a, const char *b)
{
	return strncmp(a, "CPU", 3) == 0 && strncmp(b, "CPU", 3) == 0 &&
	       strcmp(a, b) != 0 && label_is_made(a) && label_is_made(b);
}
