/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Writes ring-buffer pages byte by byte. It does not use the decoder's constants or code:
 * a mistake there must not be repeated here.
 */

#include "page_builder.h"

#include <string.h>

#define HEADER_SIZE 16
#define DELTA_MAX   ((UINT64_C(1) << 27) - 1)
#define FIXED_SIZE  60

const char page_builder_header_page[] =
	"\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
	"\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
	"\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n"
	"\tfield: char data;\toffset:16;\tsize:4080;\tsigned:1;\n";

const char page_builder_mc_format[] =
	"name: mc_event\n"
	"ID: 1227\n"
	"format:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n"
	"\n"
	"\tfield:unsigned int error_type;\toffset:8;\tsize:4;\tsigned:0;\n"
	"\tfield:__data_loc char[] msg;\toffset:12;\tsize:4;\tsigned:1;\n"
	"\tfield:__data_loc char[] label;\toffset:16;\tsize:4;\tsigned:1;\n"
	"\tfield:u16 error_count;\toffset:20;\tsize:2;\tsigned:0;\n"
	"\tfield:u8 mc_index;\toffset:22;\tsize:1;\tsigned:0;\n"
	"\tfield:s8 top_layer;\toffset:23;\tsize:1;\tsigned:1;\n"
	"\tfield:s8 middle_layer;\toffset:24;\tsize:1;\tsigned:1;\n"
	"\tfield:s8 lower_layer;\toffset:25;\tsize:1;\tsigned:1;\n"
	"\tfield:long address;\toffset:32;\tsize:8;\tsigned:1;\n"
	"\tfield:u8 grain_bits;\toffset:40;\tsize:1;\tsigned:0;\n"
	"\tfield:long syndrome;\toffset:48;\tsize:8;\tsigned:1;\n"
	"\tfield:__data_loc char[] driver_detail;\toffset:56;\tsize:4;\tsigned:1;\n"
	"\n"
	"print fmt: \"%d\", REC->error_count\n";

const char page_builder_failure_format[] =
	"name: memory_failure_event\n"
	"ID: 1223\n"
	"format:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n"
	"\n"
	"\tfield:unsigned long pfn;\toffset:8;\tsize:8;\tsigned:0;\n"
	"\tfield:int type;\toffset:16;\tsize:4;\tsigned:1;\n"
	"\tfield:int result;\toffset:20;\tsize:4;\tsigned:1;\n"
	"\n"
	"print fmt: \"%d\", REC->pfn\n";

const char page_builder_soft_format[] =
	"name: soft_offline_event\n"
	"ID: 1224\n"
	"format:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n"
	"\n"
	"\tfield:unsigned long pfn;\toffset:8;\tsize:8;\tsigned:0;\n"
	"\tfield:int origin;\toffset:16;\tsize:4;\tsigned:1;\n"
	"\tfield:int kind;\toffset:20;\tsize:4;\tsigned:1;\n"
	"\tfield:int outcome;\toffset:24;\tsize:4;\tsigned:1;\n"
	"\tfield:int error;\toffset:28;\tsize:4;\tsigned:1;\n"
	"\tfield:u64 usecs;\toffset:32;\tsize:8;\tsigned:0;\n"
	"\n"
	"print fmt: \"pfn=%#lx origin=%s kind=%s outcome=%s error=%d usecs=%llu\", "
	"REC->pfn, __print_symbolic(REC->origin, { 0, \"sysfs\" }, { 1, \"madvise\" }, "
	"{ 2, \"kernel\" }), __print_symbolic(REC->kind, { 0, \"unknown\" }, "
	"{ 1, \"none\" }, { 2, \"free\" }, { 3, \"page-cache\" }, { 4, \"shmem\" }, "
	"{ 5, \"anon\" }, { 6, \"ksm\" }, { 7, \"thp\" }, { 8, \"hugetlb\" }, "
	"{ 9, \"movable\" }, { 10, \"slab\" }, { 11, \"page-table\" }, "
	"{ 12, \"reserved\" }, { 13, \"zero-page\" }, { 14, \"kernel\" }, "
	"{ 15, \"poisoned\" }), __print_symbolic(REC->outcome, "
	"{ 1, \"taken-from-free\" }, { 2, \"dropped\" }, { 3, \"migrated\" }, "
	"{ 4, \"already-poisoned\" }, { 5, \"invalid-pfn\" }, { 6, \"not-online\" }, "
	"{ 7, \"unhandlable\" }, { 8, \"thp-not-split\" }, { 9, \"not-isolated\" }, "
	"{ 10, \"not-migrated\" }, { 11, \"no-memory\" }, { 12, \"not-dissolved\" }, "
	"{ 13, \"lost-race\" }, { 14, \"filtered\" }), REC->error, REC->usecs\n";

const char page_builder_mce_format[] =
	"name: mce_record\n"
	"ID: 123\n"
	"format:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n"
	"\n"
	"\tfield:u64 mcgcap;\toffset:8;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 mcgstatus;\toffset:16;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 status;\toffset:24;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 addr;\toffset:32;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 misc;\toffset:40;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 synd;\toffset:48;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 ipid;\toffset:56;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 ip;\toffset:64;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 tsc;\toffset:72;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 ppin;\toffset:80;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 walltime;\toffset:88;\tsize:8;\tsigned:0;\n"
	"\tfield:u32 cpu;\toffset:96;\tsize:4;\tsigned:0;\n"
	"\tfield:u32 cpuid;\toffset:100;\tsize:4;\tsigned:0;\n"
	"\tfield:u32 apicid;\toffset:104;\tsize:4;\tsigned:0;\n"
	"\tfield:u32 socketid;\toffset:108;\tsize:4;\tsigned:0;\n"
	"\tfield:u8 cs;\toffset:112;\tsize:1;\tsigned:0;\n"
	"\tfield:u8 bank;\toffset:113;\tsize:1;\tsigned:0;\n"
	"\tfield:u8 cpuvendor;\toffset:114;\tsize:1;\tsigned:0;\n"
	"\tfield:u32 microcode;\toffset:116;\tsize:4;\tsigned:0;\n"
	"\n"
	"print fmt: \"CPU: %d\", REC->cpu\n";

const char page_builder_mce_array_format[] =
	"name: mce_record\n"
	"ID: 123\n"
	"format:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n"
	"\n"
	"\tfield:u64 mcgcap;\toffset:8;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 mcgstatus;\toffset:16;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 status;\toffset:24;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 addr;\toffset:32;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 misc;\toffset:40;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 synd;\toffset:48;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 ipid;\toffset:56;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 ip;\toffset:64;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 tsc;\toffset:72;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 ppin;\toffset:80;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 walltime;\toffset:88;\tsize:8;\tsigned:0;\n"
	"\tfield:u32 cpu;\toffset:96;\tsize:4;\tsigned:0;\n"
	"\tfield:u32 cpuid;\toffset:100;\tsize:4;\tsigned:0;\n"
	"\tfield:u32 apicid;\toffset:104;\tsize:4;\tsigned:0;\n"
	"\tfield:u32 socketid;\toffset:108;\tsize:4;\tsigned:0;\n"
	"\tfield:u8 cs;\toffset:112;\tsize:1;\tsigned:0;\n"
	"\tfield:u8 bank;\toffset:113;\tsize:1;\tsigned:0;\n"
	"\tfield:u8 cpuvendor;\toffset:114;\tsize:1;\tsigned:0;\n"
	"\tfield:u32 microcode;\toffset:116;\tsize:4;\tsigned:0;\n"
	"\tfield:__data_loc u8[] v_data;\toffset:120;\tsize:4;\tsigned:0;\n"
	"\n"
	"print fmt: \"CPU: %d\", REC->cpu\n";

const char *const page_builder_formats[EVENT_SOURCE_MAX_] = {
	[EVENT_SOURCE_MC] = page_builder_mc_format,
	[EVENT_SOURCE_MCE] = page_builder_mce_format,
	[EVENT_SOURCE_MEMORY_FAILURE] = page_builder_failure_format,
	[EVENT_SOURCE_SOFT_OFFLINE] = page_builder_soft_format,
};

static void put(struct page_builder *b, size_t at, const void *value, size_t len)
{
	memcpy(b->bytes + at, value, len);
}

static void put_word(struct page_builder *b, uint32_t word)
{
	put(b, HEADER_SIZE + b->used, &word, sizeof(word));
	b->used += sizeof(word);
}

static void put_head(struct page_builder *b, uint32_t type_len, uint64_t delta)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	put_word(b, type_len << 27 | (uint32_t)delta);
#else
	put_word(b, type_len | (uint32_t)delta << 5);
#endif
}

static bool fits(const struct page_builder *b, size_t len)
{
	return HEADER_SIZE + b->used + len <= b->size;
}

void page_builder_init(struct page_builder *b, size_t size, uint64_t time_ns)
{
	*b = (struct page_builder){ .size = size, .time_ns = time_ns };
	put(b, 0, &time_ns, sizeof(time_ns));
}

/* Leaves in *ret what of the distance is still to be put into the next head. */
static void put_time(struct page_builder *b, uint64_t time_ns, uint64_t *ret)
{
	uint64_t delta = time_ns - b->time_ns;

	b->time_ns = time_ns;
	if (delta > DELTA_MAX) {
		put_head(b, 30, delta & DELTA_MAX);
		put_word(b, (uint32_t)(delta >> 27));
		delta = 0;
	}
	*ret = delta;
}

static size_t time_size(const struct page_builder *b, uint64_t time_ns)
{
	return time_ns - b->time_ns > DELTA_MAX ? 8 : 0;
}

bool page_builder_event(struct page_builder *b, uint64_t time_ns, const void *data,
			size_t len)
{
	const size_t padded = (len + 3) / 4 * 4;
	const bool is_long = padded > 28 * 4 || padded == 0;
	uint64_t delta;

	if (!fits(b, time_size(b, time_ns) + 4 + (is_long ? 4 : 0) + padded))
		return false;
	put_time(b, time_ns, &delta);
	put_head(b, is_long ? 0 : (uint32_t)(padded / 4), delta);
	if (is_long)
		put_word(b, (uint32_t)padded + 4);
	put(b, HEADER_SIZE + b->used, data, len);
	b->used += padded;
	return true;
}

/* Appends the text to the event and fills in its __data_loc field at @field. */
static size_t put_text(uint8_t *event, size_t used, size_t field, const char *text)
{
	const size_t len = strlen(text ? text : "") + 1;
	const uint32_t loc = (uint32_t)(len << 16 | used);

	memcpy(event + field, &loc, sizeof(loc));
	memcpy(event + used, text ? text : "", len);
	return used + len;
}

bool page_builder_mc(struct page_builder *b, uint64_t time_ns, const struct mc_sample *s)
{
	uint8_t event[4096] = { 0 };
	const uint16_t id = PAGE_BUILDER_MC_ID;
	size_t used = FIXED_SIZE;

	if (strlen(s->msg ? s->msg : "") + strlen(s->label ? s->label : "") +
		    strlen(s->detail ? s->detail : "") + FIXED_SIZE + 3 >
	    sizeof(event))
		return false;
	memcpy(event, &id, sizeof(id));
	memcpy(event + 8, &s->error_type, sizeof(s->error_type));
	memcpy(event + 20, &s->count, sizeof(s->count));
	event[22] = s->mc;
	memcpy(event + 23, s->layer, sizeof(s->layer));
	memcpy(event + 32, &s->address, sizeof(s->address));
	event[40] = s->grain_bits;
	memcpy(event + 48, &s->syndrome, sizeof(s->syndrome));
	used = put_text(event, used, 12, s->msg);
	used = put_text(event, used, 16, s->label);
	used = put_text(event, used, 56, s->detail);
	return page_builder_event(b, time_ns, event, used);
}

bool page_builder_failure(struct page_builder *b, uint64_t time_ns, uint64_t pfn,
			  int32_t type, int32_t result)
{
	uint8_t event[24] = { 0 };
	const uint16_t id = PAGE_BUILDER_FAILURE_ID;

	memcpy(event, &id, sizeof(id));
	memcpy(event + 8, &pfn, sizeof(pfn));
	memcpy(event + 16, &type, sizeof(type));
	memcpy(event + 20, &result, sizeof(result));
	return page_builder_event(b, time_ns, event, sizeof(event));
}

bool page_builder_soft(struct page_builder *b, uint64_t time_ns,
		       const struct soft_sample *s)
{
	uint8_t event[40] = { 0 };
	const uint16_t id = PAGE_BUILDER_SOFT_ID;

	memcpy(event, &id, sizeof(id));
	memcpy(event + 4, &s->pid, sizeof(s->pid));
	memcpy(event + 8, &s->pfn, sizeof(s->pfn));
	memcpy(event + 16, &s->origin, sizeof(s->origin));
	memcpy(event + 20, &s->kind, sizeof(s->kind));
	memcpy(event + 24, &s->outcome, sizeof(s->outcome));
	memcpy(event + 28, &s->error, sizeof(s->error));
	memcpy(event + 32, &s->usecs, sizeof(s->usecs));
	return page_builder_event(b, time_ns, event, sizeof(event));
}

bool page_builder_mce(struct page_builder *b, uint64_t time_ns,
		      const struct mce_sample *s, bool array)
{
	uint8_t event[140] = { 0 };
	const uint16_t id = PAGE_BUILDER_MCE_ID;
	const uint32_t loc = 16 << 16 | 124;

	memcpy(event, &id, sizeof(id));
	memcpy(event + 8, &s->mcgcap, sizeof(s->mcgcap));
	memcpy(event + 24, &s->status, sizeof(s->status));
	memcpy(event + 32, &s->addr, sizeof(s->addr));
	memcpy(event + 40, &s->misc, sizeof(s->misc));
	memcpy(event + 56, &s->ipid, sizeof(s->ipid));
	memcpy(event + 96, &s->cpu, sizeof(s->cpu));
	memcpy(event + 100, &s->cpuid, sizeof(s->cpuid));
	memcpy(event + 108, &s->socketid, sizeof(s->socketid));
	event[113] = s->bank;
	event[114] = s->cpuvendor;
	if (array)
		memcpy(event + 120, &loc, sizeof(loc));
	return page_builder_event(b, time_ns, event, array ? 140 : 120);
}

bool page_builder_discarded(struct page_builder *b, uint64_t time_ns, size_t len)
{
	uint64_t delta;

	if (!fits(b, time_size(b, time_ns) + len))
		return false;
	put_time(b, time_ns, &delta);
	/* The kernel never leaves 0 here: that would be the end of the page. */
	if (delta == 0) {
		delta = 1;
		b->time_ns++;
	}
	put_head(b, 29, delta);
	put_word(b, (uint32_t)len - 4);
	b->used += len - 8;
	return true;
}

bool page_builder_time_stamp(struct page_builder *b, uint64_t time_ns)
{
	if (!fits(b, 8))
		return false;
	put_head(b, 31, time_ns & DELTA_MAX);
	put_word(b, (uint32_t)(time_ns >> 27));
	b->time_ns = time_ns;
	return true;
}

bool page_builder_end_padding(struct page_builder *b)
{
	if (!fits(b, 4))
		return false;
	put_head(b, 29, 0);
	return true;
}

void page_builder_finish(struct page_builder *b)
{
	const uint64_t commit = b->used;

	put(b, 8, &commit, sizeof(commit));
}

void page_builder_finish_lost(struct page_builder *b, uint64_t lost)
{
	uint64_t commit = b->used | UINT64_C(1) << 31;

	if (lost && fits(b, sizeof(lost))) {
		put(b, HEADER_SIZE + b->used, &lost, sizeof(lost));
		commit |= UINT64_C(1) << 30;
	}
	put(b, 8, &commit, sizeof(commit));
}
