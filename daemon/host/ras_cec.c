/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What can be seen of the kernel's own collector. It writes nothing, and does not know
 * what the daemon makes of it.
 */

#include "host/ras_cec.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cmdline.h"
#include "base/mem.h"
#include "host/small_file.h"

static const char *const words[] = {
	[RAS_CEC_UNKNOWN] = "unknown",
	[RAS_CEC_NO] = "no",
	[RAS_CEC_DISABLED] = "disabled",
	[RAS_CEC_ACTIVE] = "active",
};

const char *ras_cec_state_to_string(enum ras_cec_state state)
{
	return state < ARRAY_SIZE(words) ? words[state] : "";
}

bool ras_cec_acts(const struct ras_cec *cec)
{
	return cec->state == RAS_CEC_ACTIVE && cec->threshold < RAS_CEC_MAX;
}

static bool cec_is_threshold(int64_t value)
{
	return value == RAS_CEC_UNSEEN || (value >= 0 && value <= RAS_CEC_MAX);
}

int ras_cec_parse_word(const char *text, const char *boot_id, struct ras_cec *ret)
{
	struct ras_cec cec = { .state = RAS_CEC_UNKNOWN };
	char boot[64], word[16];

	if (sscanf(text, "%63s %15s %9" SCNd64 " %9" SCNd64, boot, word, &cec.threshold,
		   &cec.former) != 4)
		return -EBADMSG;
	while (cec.state < RAS_CEC_STATE_MAX_ && strcmp(word, words[cec.state]) != 0)
		cec.state++;
	if (cec.state == RAS_CEC_STATE_MAX_ || !cec_is_threshold(cec.threshold) ||
	    !cec_is_threshold(cec.former))
		return -EBADMSG;
	if (boot_id[0] == '\0' || strcmp(boot, boot_id) != 0)
		return -ESTALE;
	*ret = cec;
	return 0;
}

size_t ras_cec_format_word(char *ret, size_t size, const char *boot_id,
			   const struct ras_cec *cec)
{
	int len = snprintf(ret, size, "%s %s %" PRId64 " %" PRId64 "\n", boot_id,
			   words[cec->state], cec->threshold, cec->former);

	return len > 0 ? (size_t)len : 0;
}

/* access() and not a look at the folder's entries: the sandbox closes what is above. */
static int cec_is_there(const char *root, const char *path)
{
	char full[PATH_MAX];
	int r = small_file_path(full, sizeof(full), root, path);

	if (r < 0)
		return r;
	return access(full, F_OK) == 0 ? 0 : -errno;
}

static int64_t cec_read_threshold(const char *root)
{
	int64_t value;

	if (small_file_read_number(root, RAS_CEC_THRESHOLD, &value) < 0 ||
	    !cec_is_threshold(value))
		return RAS_CEC_UNSEEN;
	return value;
}

/* Each ras=cec_disable turns it off, whatever another ras= says. */
static bool cec_disabled_at_boot(const char *root)
{
	char text[4096], *at = text;
	struct cmdline_param p;

	if (small_file_read_below(root, "/proc/cmdline", text, sizeof(text)) <= 0)
		return false;
	while (cmdline_next(&at, &p))
		if (strcmp(p.name, "ras") == 0 && p.value &&
		    strcmp(p.value, "cec_disable") == 0)
			return true;
	return false;
}

static int cec_read_word(const char *root, const char *boot_id, struct ras_cec *ret)
{
	char text[128];

	if (small_file_read_below(root, RAS_CEC_WORD, text, sizeof(text)) <= 0)
		return -ENODATA;
	return ras_cec_parse_word(text, boot_id, ret);
}

void ras_cec_look(const char *root, const char *boot_id, struct ras_cec *ret)
{
	*ret = (struct ras_cec){
		.state = RAS_CEC_UNKNOWN,
		.threshold = RAS_CEC_UNSEEN,
		.former = RAS_CEC_UNSEEN,
	};
	if (cec_is_there(root, RAS_CEC_FOLDER) == 0) {
		/* The word alone knows what was there before us. */
		if (cec_read_word(root, boot_id, ret) < 0 || ret->state != RAS_CEC_ACTIVE)
			ret->former = RAS_CEC_UNSEEN;
		ret->state = RAS_CEC_ACTIVE;
		ret->threshold = cec_read_threshold(root);
	} else if (cec_disabled_at_boot(root)) {
		ret->state = RAS_CEC_DISABLED;
	} else if (cec_is_there(root, "/sys/kernel/debug/ras") == 0) {
		ret->state = RAS_CEC_NO;
	} else if (cec_read_word(root, boot_id, ret) < 0) {
#if !defined(__x86_64__) && !defined(__i386__)
		/* A made-up machine may be any. */
		if (root[0] == '\0')
			ret->state = RAS_CEC_NO;
#endif
	}
}
