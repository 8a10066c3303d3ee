/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The ring of pages. One index belongs to each side; positions only grow, and are
 * multiples of 8. It neither waits nor wakes, and does not look into a page.
 */

#include "trace/trace_queue.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* Before each page. */
struct head {
	uint32_t size; /* of the page; SKIP: the rest of the ring is unused */
	uint16_t cpu;
	uint16_t zero;
};

#define SKIP UINT32_MAX

static uint64_t queue_space(size_t size)
{
	return sizeof(struct head) + (size + 7U) / 8 * 8;
}

/* Anonymous memory: the kernel provides a page at its first use. */
int trace_queue_init(struct trace_queue *q, uint64_t bytes, size_t page_size,
		     unsigned int least)
{
	uint64_t smallest = (least ? least : 2) * queue_space(page_size);
	void *memory;

	memset(q, 0, sizeof(*q));
	q->page_size = page_size;
	bytes &= ~UINT64_C(7);
	if (bytes < smallest)
		bytes = least ? smallest : 0;
	if (bytes == 0)
		return 0;
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return -ENOMEM;
	/* One small page would take a whole huge page of memory. */
	(void)madvise(memory, bytes, MADV_NOHUGEPAGE);
	q->ring = memory;
	q->bytes = bytes;
	return 0;
}

void trace_queue_done(struct trace_queue *q)
{
	if (q->ring)
		munmap(q->ring, q->bytes);
	memset(q, 0, sizeof(*q));
}

uint64_t trace_queue_bytes(const struct trace_queue *q)
{
	return atomic_load(&q->filled) - atomic_load(&q->taken);
}

unsigned int trace_queue_pages(const struct trace_queue *q)
{
	return (unsigned int)(atomic_load(&q->pages_in) - atomic_load(&q->pages_out));
}

/* One of them may be lost to the ring's end. */
unsigned int trace_queue_room(const struct trace_queue *q)
{
	uint64_t pages = (q->bytes - trace_queue_bytes(q)) / queue_space(q->page_size);

	return pages > 1 ? (unsigned int)pages - 1 : 0;
}

bool trace_queue_put(struct trace_queue *q, uint16_t cpu, const void *page, size_t size)
{
	struct head head = { .cpu = cpu, .size = (uint32_t)size };
	uint64_t at = atomic_load(&q->filled);
	uint64_t left = q->bytes - at % q->bytes;
	uint64_t need = queue_space(size);

	assert(trace_queue_bytes(q) + (left < need ? left : 0) + need <= q->bytes);
	if (left < need) {
		memcpy(q->ring + at % q->bytes, &(struct head){ .size = SKIP },
		       sizeof(head));
		at += left;
	}
	memcpy(q->ring + at % q->bytes, &head, sizeof(head));
	memcpy(q->ring + at % q->bytes + sizeof(head), page, size);
	atomic_fetch_add(&q->pages_in, 1);
	if (at + need > atomic_load(&q->touched))
		atomic_store(&q->touched, at + need);
	left = atomic_exchange(&q->filled, at + need);
	return atomic_load(&q->taken) == left;
}

/* The queue must not be empty. Returns the position of the oldest page, behind the
 * unused end of the ring if it lies there. */
static uint64_t queue_oldest(const struct trace_queue *q, struct head *ret)
{
	uint64_t at = atomic_load(&q->taken);

	memcpy(ret, q->ring + at % q->bytes, sizeof(*ret));
	if (ret->size != SKIP)
		return at;
	memcpy(ret, q->ring, sizeof(*ret));
	return at + q->bytes - at % q->bytes;
}

int trace_queue_next_cpu(const struct trace_queue *q)
{
	struct head head;

	if (trace_queue_bytes(q) == 0)
		return -1;
	(void)queue_oldest(q, &head);
	return head.cpu;
}

int trace_queue_take(struct trace_queue *q, trace_page_fn fn, void *userdata)
{
	struct head head;
	uint64_t at;

	if (trace_queue_bytes(q) == 0)
		return -1;
	at = queue_oldest(q, &head);
	fn(userdata, head.cpu, q->ring + at % q->bytes + sizeof(head), head.size);
	atomic_fetch_add(&q->pages_out, 1);
	atomic_store(&q->taken, at + queue_space(head.size));
	return head.cpu;
}

void trace_queue_start_over(struct trace_queue *q)
{
	if (trace_queue_bytes(q) > 0)
		return;
	atomic_store(&q->filled, 0);
	atomic_store(&q->taken, 0);
}

uint64_t trace_queue_touched(const struct trace_queue *q)
{
	return atomic_load(&q->touched);
}

void trace_queue_give_back(struct trace_queue *q)
{
	if (!q->ring || trace_queue_bytes(q) > 0)
		return;
	(void)madvise(q->ring, q->bytes, MADV_DONTNEED);
	atomic_store(&q->touched, 0);
}
