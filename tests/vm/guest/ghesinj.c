// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ghesinj - the firmware's part in a memory error.
 *
 *	ghesinj [OPTION...] ADDRESS	one error at this physical address
 *	  --threshold		firmware's own threshold is exceeded: the kernel
 *				shall take the page out of use
 *	  --no-address		the record names no address (ADDRESS is not told)
 *	  --mask MASK		which bits of the address count, as the record has it
 *	  --module HANDLE	the module is the one with this SMBIOS handle
 *	  --recoverable		not corrected: an uncorrected error, page poisoned
 *	  --block ADDRESS	where the reserved memory is; default 0x30000000
 *
 * Writes an ACPI error status block with one memory error section into the
 * memory that tests/vm/kernel/firmware/hest named to the kernel (and that the
 * kernel does not use as its own), and waits until the kernel has taken it.
 * It knows nothing of what the kernel makes of it. Numbers are C's: 0x is hex.
 * Exit status: 0 taken, 1 not within 20 s, 2 cannot be written.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "pagemap.h"

#define DEFAULT_BLOCK 0x30000000
#define STATUS_OFFSET 0x1000
#define BLOCK_SIZE    0x2000
#define TRIES         200
#define TRY_NSEC      100000000

/* ACPI 6.4, table 18.11: Generic Error Status Block, block status. */
#define STATUS_UNCORRECTABLE (1U << 0)
#define STATUS_CORRECTABLE   (1U << 1)
#define STATUS_ONE_ENTRY     (1U << 4)

/* ACPI 6.4, table 18.12, error severity; the same numbers in UEFI's N.2.1. */
#define SEVERITY_RECOVERABLE 0
#define SEVERITY_CORRECTED   2

/* UEFI 2.9, N.2.2, section descriptor flags, which ACPI 18.3.2.7.1 takes over. */
#define FLAG_THRESHOLD_EXCEEDED (1U << 3)
#define REVISION_3              0x0300

/* UEFI 2.9, N.2.5, memory error section, validation bits. */
#define VALID_PHYSICAL_ADDRESS (1ULL << 1)
#define VALID_ADDRESS_MASK     (1ULL << 2)
#define VALID_ERROR_TYPE       (1ULL << 14)
#define VALID_MODULE_HANDLE    (1ULL << 17)
#define TYPE_SINGLE_BIT_ECC    2
#define TYPE_MULTI_BIT_ECC     3

/* UEFI 2.9, N.2.5: A5BC1114-6F64-4EDE-B863-3E83ED7C83B1, mixed-endian. */
static const uint8_t memory_error_section[16] = {
	0x14, 0x11, 0xbc, 0xa5, 0x64, 0x6f, 0xde, 0x4e,
	0xb8, 0x63, 0x3e, 0x83, 0xed, 0x7c, 0x83, 0xb1,
};

struct status_block {
	uint32_t block_status;
	uint32_t raw_data_offset;
	uint32_t raw_data_length;
	uint32_t data_length;
	uint32_t error_severity;
} __attribute__((packed));

struct data_entry {
	uint8_t section_type[16];
	uint32_t error_severity;
	uint16_t revision;
	uint8_t validation_bits;
	uint8_t flags;
	uint32_t error_data_length;
	uint8_t fru_id[16];
	char fru_text[20];
	uint64_t timestamp;
} __attribute__((packed));

/* UEFI 2.9, table N.31, up to the fields of its version 2.4. */
struct memory_error {
	uint64_t validation_bits;
	uint64_t error_status;
	uint64_t physical_address;
	uint64_t physical_address_mask;
	uint16_t node, card, module, bank, device, row, column, bit_position;
	uint64_t requestor_id, responder_id, target_id;
	uint8_t error_type;
	uint8_t extended;
	uint16_t rank, card_handle, module_handle;
} __attribute__((packed));

struct block {
	struct status_block status;
	struct data_entry entry;
	struct memory_error error;
} __attribute__((packed));

_Static_assert(sizeof(struct status_block) == 20, "ACPI table 18.11");
_Static_assert(sizeof(struct data_entry) == 72, "ACPI table 18.12");
_Static_assert(sizeof(struct memory_error) == 80, "UEFI table N.31");
_Static_assert(sizeof(struct block) % sizeof(uint32_t) == 0, "written by words");

struct order {
	uint64_t block;
	uint64_t address;
	uint64_t mask;
	uint16_t module;
	bool has_mask, has_module, no_address, threshold, recoverable;
};

static struct block make_block(const struct order *order)
{
	struct block b = { 0 };
	uint32_t severity =
		order->recoverable ? SEVERITY_RECOVERABLE : SEVERITY_CORRECTED;

	b.status.block_status =
		STATUS_ONE_ENTRY |
		(order->recoverable ? STATUS_UNCORRECTABLE : STATUS_CORRECTABLE);
	b.status.data_length = sizeof(b.entry) + sizeof(b.error);
	b.status.error_severity = severity;

	memcpy(b.entry.section_type, memory_error_section, sizeof(memory_error_section));
	b.entry.error_severity = severity;
	b.entry.revision = REVISION_3;
	b.entry.flags = order->threshold ? FLAG_THRESHOLD_EXCEEDED : 0;
	b.entry.error_data_length = sizeof(b.error);

	b.error.validation_bits = VALID_ERROR_TYPE;
	b.error.error_type =
		order->recoverable ? TYPE_MULTI_BIT_ECC : TYPE_SINGLE_BIT_ECC;
	if (!order->no_address) {
		b.error.validation_bits |= VALID_PHYSICAL_ADDRESS;
		b.error.physical_address = order->address;
	}
	if (order->has_mask) {
		b.error.validation_bits |= VALID_ADDRESS_MASK;
		b.error.physical_address_mask = order->mask;
	}
	if (order->has_module) {
		b.error.validation_bits |= VALID_MODULE_HANDLE;
		b.error.module_handle = order->module;
	}
	return b;
}

/*
 * The reserved memory, mapped: arm64 lets no write(2) to /dev/mem get at what is not the
 * kernel's own memory, and maps such memory like a device's. So it is read and written by
 * aligned words, never by memcpy().
 */
static volatile uint32_t *map_block(uint64_t address)
{
	int fd = open("/dev/mem", O_RDWR | O_CLOEXEC);
	void *p;

	if (fd < 0)
		err(2, "/dev/mem");
	p = mmap(NULL, BLOCK_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		 (off_t)address);
	if (p == MAP_FAILED)
		err(2, "mapping /dev/mem at 0x%" PRIx64, address);
	close(fd);
	return p;
}

static void put(volatile uint32_t *to, const void *data, size_t size)
{
	uint32_t word;

	for (size_t i = 0; i < size / sizeof(word); i++) {
		memcpy(&word, (const char *)data + i * sizeof(word), sizeof(word));
		to[i] = word;
	}
}

/* The kernel writes 0 to the block status when it has copied the rest. */
static bool wait_taken(const volatile uint32_t *block_status)
{
	const struct timespec pause = { .tv_nsec = TRY_NSEC };

	for (int i = 0; i < TRIES; i++) {
		if (*block_status == 0)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static int inject(const struct order *order)
{
	uint64_t address = order->block + STATUS_OFFSET;
	volatile uint32_t *pointer = map_block(order->block);
	volatile uint32_t *status = pointer + STATUS_OFFSET / sizeof(*pointer);
	struct block block = make_block(order);

	if (!wait_taken(status))
		errx(1, "the kernel has not taken the error before this one");
	/* The kernel may look at any moment: what makes it valid comes last. */
	put(status + 1, (const char *)&block + sizeof(*status),
	    sizeof(block) - sizeof(*status));
	put(pointer, &address, sizeof(address));
	__sync_synchronize();
	put(status, &block, sizeof(*status));
	if (!wait_taken(status))
		errx(1, "the kernel does not take the error");
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "threshold", no_argument, NULL, 't' },
		{ "no-address", no_argument, NULL, 'n' },
		{ "mask", required_argument, NULL, 'm' },
		{ "module", required_argument, NULL, 'h' },
		{ "recoverable", no_argument, NULL, 'r' },
		{ "block", required_argument, NULL, 'b' },
		{ 0 },
	};
	struct order order = { .block = DEFAULT_BLOCK };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (option) {
		case 't':
			order.threshold = true;
			break;
		case 'n':
			order.no_address = true;
			break;
		case 'm':
			order.mask = parse_number(optarg);
			order.has_mask = true;
			break;
		case 'h':
			order.module = (uint16_t)parse_number(optarg);
			order.has_module = true;
			break;
		case 'r':
			order.recoverable = true;
			break;
		case 'b':
			order.block = parse_number(optarg);
			break;
		default:
			return 2;
		}
	}
	if (optind != argc - 1)
		errx(2, "usage: ghesinj [OPTION...] ADDRESS");
	order.address = parse_number(argv[optind]);
	return inject(&order);
}
