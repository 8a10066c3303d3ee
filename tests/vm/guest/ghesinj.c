// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ghesinj - the firmware's part in a memory error.
 *
 *	ghesinj [OPTION...] ADDRESS	one error at this physical address
 *	  --threshold		firmware's own threshold is exceeded: the kernel
 *				shall take the page out of use
 *	  --no-address		the record names no address (ADDRESS is not told)
 *	  --mask MASK		which bits of the address count, as the record has it
 *	  --recoverable		not corrected: an uncorrected error, page poisoned
 *	  --block ADDRESS	where the reserved memory is; default 0x30000000
 *
 * Writes an ACPI error status block with one memory error section into the
 * memory that tests/vm/kernel/firmware/hest named to the kernel (and that
 * memmap= keeps out of its hands), and waits until the kernel has taken it.
 * It knows nothing of what the kernel makes of it. Numbers are C's: 0x is hex.
 * Exit status: 0 taken, 1 not within 20 s, 2 cannot be written.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "pagemap.h"

#define DEFAULT_BLOCK 0x30000000
#define STATUS_OFFSET 0x1000
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

struct order {
	uint64_t block;
	uint64_t address;
	uint64_t mask;
	bool has_mask, no_address, threshold, recoverable;
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
	return b;
}

static void put(int fd, uint64_t address, const void *data, size_t size)
{
	if (pwrite(fd, data, size, (off_t)address) != (ssize_t)size)
		err(2, "writing to /dev/mem at 0x%" PRIx64, address);
}

static uint32_t block_status(int fd, uint64_t address)
{
	uint32_t status;

	if (pread(fd, &status, sizeof(status), (off_t)address) != sizeof(status))
		err(2, "reading /dev/mem at 0x%" PRIx64, address);
	return status;
}

/* The kernel writes 0 to the block status when it has copied the rest. */
static bool wait_taken(int fd, uint64_t address)
{
	const struct timespec pause = { .tv_nsec = TRY_NSEC };

	for (int i = 0; i < TRIES; i++) {
		if (block_status(fd, address) == 0)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static int inject(const struct order *order)
{
	uint64_t status = order->block + STATUS_OFFSET;
	struct block block = make_block(order);
	const size_t first = sizeof(block.status.block_status);
	int fd = open("/dev/mem", O_RDWR | O_SYNC | O_CLOEXEC);

	if (fd < 0)
		err(2, "/dev/mem");
	if (!wait_taken(fd, status))
		errx(1, "the kernel has not taken the error before this one");
	/* The kernel may look at any moment: what makes it valid comes last. */
	put(fd, status + first, (const char *)&block + first, sizeof(block) - first);
	put(fd, order->block, &status, sizeof(status));
	put(fd, status, &block.status.block_status, first);
	if (!wait_taken(fd, status))
		errx(1, "the kernel does not take the error");
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "threshold", no_argument, NULL, 't' },
		{ "no-address", no_argument, NULL, 'n' },
		{ "mask", required_argument, NULL, 'm' },
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
