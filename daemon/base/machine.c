/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Questions to the memory map. It reads no file. */

#include "base/machine.h"

#include "base/fingerprint.h"

uint64_t ram_map_bytes(const struct ram_map *map)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < map->n; i++)
		sum += map->ranges[i].end.addr - map->ranges[i].start.addr + 1;
	return sum;
}

int64_t ram_map_print(const struct ram_map *map)
{
	uint64_t h = FINGERPRINT_START;

	if (!map->known)
		return 0;
	for (unsigned int i = 0; i < map->n; i++) {
		h = fingerprint_add(h, &map->ranges[i].start.addr, sizeof(uint64_t));
		h = fingerprint_add(h, &map->ranges[i].end.addr, sizeof(uint64_t));
	}
	return fingerprint_done(h);
}

bool ram_map_contains(const struct ram_map *map, paddr_t a)
{
	unsigned int lo = 0;
	unsigned int hi = map->n;

	if (!map->known)
		return true;
	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (a.addr > map->ranges[mid].end.addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < map->n && a.addr >= map->ranges[lo].start.addr;
}

bool ram_map_passes_32_bits(const struct ram_map *map)
{
	return !map->known ||
	       (map->n > 0 && map->ranges[map->n - 1].end.addr > UINT32_MAX);
}
