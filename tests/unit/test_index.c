/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The index against a plain array: random keys that are put, found and removed, in a
 * small index that is often full and whose keys often share a home.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/index.h"
#include "random.h"

#define BITS   4
#define PLACES (1 << BITS)
#define MOST   (PLACES - 1) /* one place is always free */

/* Numbers 0 to MOST - 1; @used says which have a key. */
struct table {
	uint64_t keys[MOST];
	bool used[MOST];
	unsigned int n;
};

static uint64_t key_of(const void *owner, uint32_t number)
{
	const struct table *t = owner;

	assert_true(number < MOST && t->used[number]);
	return t->keys[number];
}

static uint32_t plain_find(const struct table *t, uint64_t key)
{
	for (uint32_t i = 0; i < MOST; i++)
		if (t->used[i] && t->keys[i] == key)
			return i;
	return INDEX_NONE;
}

static void compare(const struct index *x, const struct table *t, const uint64_t *keys,
		    unsigned int n)
{
	unsigned int taken = 0;

	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(index_find(x, keys[i], key_of, t),
				 plain_find(t, keys[i]));
	for (uint32_t i = 0; i < PLACES; i++)
		taken += index_at(x, i) != INDEX_NONE;
	assert_int_equal(taken, t->n);
}

static void put(struct index *x, struct table *t, uint64_t key)
{
	uint32_t number = 0;

	while (t->used[number])
		number++;
	index_set(x, index_place(x, key, key_of, t), number);
	t->keys[number] = key;
	t->used[number] = true;
	t->n++;
}

static void test_against_array(void **state)
{
	uint64_t random = 7;
	uint32_t entries[PLACES] = { 0 };
	struct index x = index_in(entries, BITS);
	struct table t = { .n = 0 };
	uint64_t keys[3 * PLACES];
	unsigned int removed = 0, full = 0;

	/* A third each: small, such as frames in a row; random; of one home. */
	for (unsigned int i = 0; i < 3 * PLACES; i++) {
		keys[i] = i % 3 ? next_random(&random) : i;
		while (i % 3 == 2 && index_home(keys[i], x.shift) != PLACES - 2)
			keys[i] = next_random(&random);
	}
	for (unsigned int round = 0; round < 20000; round++) {
		uint64_t key = keys[next_random(&random) % (3 * PLACES)];
		uint32_t number = plain_find(&t, key);

		if (number != INDEX_NONE) {
			index_remove(&x, key, key_of, &t);
			t.used[number] = false;
			t.n--;
			removed++;
		} else if (t.n < MOST) {
			put(&x, &t, key);
		}
		full += t.n == MOST;
		compare(&x, &t, keys, 3 * PLACES);
	}
	assert_true(removed > 1000);
	assert_true(full > 100);
}

/* Places at the end continue at the beginning, and are shifted back across it. */
static void test_wraps(void **state)
{
	uint32_t entries[PLACES] = { 0 };
	struct index x = index_in(entries, BITS);
	struct table t = { .n = 0 };
	uint64_t keys[4], key = 0;

	for (unsigned int i = 0; i < 4; key++)
		if (index_home(key, x.shift) == PLACES - 1)
			keys[i++] = key;
	for (unsigned int i = 0; i < 4; i++)
		put(&x, &t, keys[i]);
	assert_int_equal(index_at(&x, PLACES - 1), 0);
	assert_int_equal(index_at(&x, 0), 1);
	assert_int_equal(index_at(&x, 2), 3);
	index_remove(&x, keys[0], key_of, &t);
	t.used[0] = false;
	t.n--;
	assert_int_equal(index_at(&x, PLACES - 1), 1);
	assert_int_equal(index_at(&x, 1), 3);
	assert_int_equal(index_at(&x, 2), INDEX_NONE);
	compare(&x, &t, keys, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_array),
		cmocka_unit_test(test_wraps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
