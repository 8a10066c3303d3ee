/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Starts worker threads with every signal blocked: only the main thread handles signals.
 */

#include <pthread.h>
#include <stddef.h>

/**
 * Starts @main(@arg) in a thread that tools show as @name (at most 15 characters), with
 * @stack bytes of stack, 0 for the system's default.
 *
 * Returns 0 and *ret, to be joined by the caller; negative errno. The caller's signal
 * mask is as before.
 */
int thread_start(pthread_t *ret, const char *name, size_t stack, void *(*main)(void *),
		 void *arg);
