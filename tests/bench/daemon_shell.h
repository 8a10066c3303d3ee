/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The real daemon, started as systemd starts it and listened to on a notify socket. Where
 * the kernel has no tracefs, one is made up in a mount namespace of its own.
 */

#include <stdint.h>

/**
 * Starts @program on the database @db, waits for READY=1 and ends it with SIGTERM, all
 * below the present folder. Returns 0 and the nanoseconds from before the fork until
 * READY=1 in *ret_ns, those of CPU time in *ret_cpu_ns; -EPERM: there is no tracefs and
 * none may be made up; -ECHILD: the daemon ended without, its last words are in
 * daemon.log; other negative errno.
 */
int daemon_shell_start(const char *program, const char *db, uint64_t *ret_ns,
		       uint64_t *ret_cpu_ns);
