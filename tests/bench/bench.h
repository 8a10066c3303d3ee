/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the benchmarks share: a stopwatch for CPU time, medians, the machine's name. They
 * assert nothing: a machine may be slow or busy, so ratios are measured side by side in
 * one run, in several rounds, and printed.
 */

#include <stdint.h>

/** CPU time of this thread in nanoseconds. */
uint64_t bench_now(void);

/** Time that passed, in nanoseconds, with that of other programs. */
uint64_t bench_wall(void);

/** The median of @n values, which it sorts. */
double bench_median(double *values, unsigned int n);

/** Prints what the figures were measured on: processor, cores, kernel. */
void bench_print_machine(void);

/** The next number of a xorshift generator; @state must not be 0. */
uint64_t bench_random(uint64_t *state);

/** Resident memory of this process now, in KiB. */
uint64_t bench_rss_kib(void);
