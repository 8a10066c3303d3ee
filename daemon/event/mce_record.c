/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * mce_record: one machine check as the x86 kernel took it from the registers, or made it
 * of what firmware reported. Fields are found by name: their places changed with 6.10 and
 * again when the event gained a dynamic array (v_data), which is not read. Status, bank
 * and vendor are needed: without them it cannot be known what the record is. This file
 * does not know what a number means.
 */

#include "event/decoder_internal.h"

struct mce_fields {
	struct number_field mcgcap;
	struct number_field status;
	struct number_field addr;
	struct number_field misc;
	struct number_field ipid;
	struct number_field cpu;
	struct number_field cpuid;
	struct number_field socketid;
	struct number_field bank;
	struct number_field cpuvendor;
};

static const struct number_name mce_numbers[] = {
	{ "mcgcap", offsetof(struct mce_fields, mcgcap), false },
	{ "status", offsetof(struct mce_fields, status), true },
	{ "addr", offsetof(struct mce_fields, addr), false },
	{ "misc", offsetof(struct mce_fields, misc), false },
	{ "ipid", offsetof(struct mce_fields, ipid), false },
	{ "cpu", offsetof(struct mce_fields, cpu), false },
	{ "cpuid", offsetof(struct mce_fields, cpuid), false },
	{ "socketid", offsetof(struct mce_fields, socketid), false },
	{ "bank", offsetof(struct mce_fields, bank), true },
	{ "cpuvendor", offsetof(struct mce_fields, cpuvendor), true },
};

/* A number that does not fit its place becomes the largest, which stands for nothing. */
static uint32_t mce_load_u32(const uint8_t *base, const struct number_field *n)
{
	uint64_t v = load_number(base, n);

	return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

static uint8_t mce_load_u8(const uint8_t *base, const struct number_field *n)
{
	return (uint8_t)load_number(base, n);
}

static void mce_decode_record(const void *fields, const struct raw_event *raw,
			      struct event *ret)
{
	const struct mce_fields *f = fields;
	const uint8_t *base = raw->data;

	ret->kind = EVENT_KIND_CHECK;
	ret->check = (struct mce_record){
		.time = usec((int64_t)(raw->time_ns / 1000)),
		.mcgcap = load_number(base, &f->mcgcap),
		.status = load_number(base, &f->status),
		.addr = f->addr.size ? load_number(base, &f->addr) : 0,
		.misc = load_number(base, &f->misc),
		.ipid = load_number(base, &f->ipid),
		/* Without the field it is the CPU that wrote the event. */
		.cpu = f->cpu.size ? mce_load_u32(base, &f->cpu) : raw->cpu,
		.cpuid = mce_load_u32(base, &f->cpuid),
		.socketid =
			f->socketid.size ? mce_load_u32(base, &f->socketid) : UINT32_MAX,
		.traced = raw->cpu,
		.bank = mce_load_u8(base, &f->bank),
		.cpuvendor = mce_load_u8(base, &f->cpuvendor),
	};
}

const struct source_decoder mce_record_decoder = {
	.fields_size = sizeof(struct mce_fields),
	.numbers = mce_numbers,
	.n_numbers = ARRAY_SIZE(mce_numbers),
	.decode = mce_decode_record,
};
