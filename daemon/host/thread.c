/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Starts the daemon's threads. It does not know what they do.
 */

#include "host/thread.h"

#include <signal.h>

/* A thread takes over the mask that it was started under. */
static int thread_create_masked(pthread_t *ret, const pthread_attr_t *attributes,
				void *(*main)(void *), void *arg)
{
	sigset_t all, old;
	int r;

	sigfillset(&all);
	r = pthread_sigmask(SIG_SETMASK, &all, &old);
	if (r != 0)
		return -r;
	r = pthread_create(ret, attributes, main, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -r;
}

int thread_start(pthread_t *ret, const char *name, size_t stack, void *(*main)(void *),
		 void *arg)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int r;

	r = pthread_attr_init(&attributes);
	if (r != 0)
		return -r;
	if (stack > 0)
		(void)pthread_attr_setstacksize(&attributes, stack);
	r = thread_create_masked(&thread, &attributes, main, arg);
	pthread_attr_destroy(&attributes);
	if (r < 0)
		return r;
	pthread_setname_np(thread, name);
	*ret = thread;
	return 0;
}
