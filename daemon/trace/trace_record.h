/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A recording of raw pages, as trace_reader.h describes it. Internal to trace_reader.c.
 */

#include <stddef.h>
#include <stdint.h>

#include "trace/trace_instance.h"

struct trace_record {
	int fd;    /* of the file pages; -1: nothing is recorded, or no more */
	int error; /* negative errno that ended the recording */
};

/**
 * Makes the folder @path if it is missing, writes the format texts of @in and begins the file
 * pages. Returns 0; -EEXIST if there is a file pages; other negative errno.
 */
int trace_record_open(struct trace_record *r, const char *path,
		      const struct trace_instance *in);

/** Appends a page; after a failure the recording ends before it, and r->error says why. */
void trace_record_put(struct trace_record *r, uint16_t cpu, const void *page,
		      size_t size);

/** Ends the recording, if there is one. */
void trace_record_close(struct trace_record *r);
