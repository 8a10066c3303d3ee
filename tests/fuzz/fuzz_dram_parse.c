/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Any bytes as an event's three texts, cut at newlines. The parser must stay inside them,
 * and a part that the texts do not name must be zero and not claimed.
 */

#include <stdlib.h>
#include <string.h>

#include "event/ce_event.h"
#include "event/ce_registers.h"
#include "event/dram_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool fine)
{
	if (!fine)
		abort();
}

static struct ce_text cut(const uint8_t **data, size_t *size)
{
	const uint8_t *end = *size ? memchr(*data, '\n', *size) : NULL;
	size_t n = end ? (size_t)(end - *data) : *size;
	struct ce_text text = { (const char *)*data, (uint32_t)n };

	*data += n + (end != NULL);
	*size -= n + (end != NULL);
	return text;
}

/* Only plain words get out, and never more than fit. */
static void check_registers(const struct ce_text *detail)
{
	char words[CE_REGISTERS_MAX];

	memset(words, 0x55, sizeof(words));
	ce_registers_copy(detail, words);
	check(memchr(words, 0, sizeof(words)) != NULL);
	check(strspn(words, "retry_rd_err_log[corrrrcnt0123456789abcdefABCDEF] ") ==
	      strlen(words));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ce_event ev = { .layer = { -1, -1, -1 } };
	struct dram_coord c, again;

	if (size > UINT32_MAX)
		return 0;
	ev.detail = cut(&data, &size);
	ev.msg = cut(&data, &size);
	ev.label = cut(&data, &size);
	memset(&c, 0x55, sizeof(c));
	memset(&again, 0xaa, sizeof(again));
	dram_coord_parse(&ev, &c);
	dram_coord_parse(&ev, &again);
	check_registers(&ev.detail);
	check(c.have == again.have && c.row == again.row && c.column == again.column);
	check(c.have & DRAM_RANK || c.rank == 0);
	check(c.have & DRAM_DEVICE || c.device == 0);
	check(c.have & DRAM_BANK_GROUP || c.bank_group == 0);
	check(c.have & DRAM_BANK || c.bank == 0);
	check(c.have & DRAM_ROW || c.row == 0);
	check(c.have & DRAM_COLUMN || c.column == 0);
	check(c.have & DRAM_SUB_CHANNEL || c.sub_channel == 0);
	check(c.have & DRAM_CHIP || c.chip == 0);
	return 0;
}
