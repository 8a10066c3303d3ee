/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A recording through the daemon's own decoder. Nothing in the folder is trusted.
 */

#include "imports/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "event/decoder.h"
#include "host/small_file.h"
#include "imports/mc_row.h"
#include "imports/mcelog.h"

#define TEXT_MAX 65536
#define PAGE_MAX 65536 /* a sub-buffer is a page of the kernel, 64 KiB at most */

/** Before each page: as trace_record.c writes it. */
struct recording_head {
	uint16_t cpu;
	uint16_t zero;
	uint32_t size;
};

struct recording {
	struct event_format *format;
	int fd;        /* of the file pages */
	bool checks;   /* no page has an error of EDAC: machine checks count */
	bool in_page;  /* the decoder has a page */
	uint64_t page; /* number of it, from 1 */
	uint64_t lost;
	struct event_decoder decoder;
	char name[MC_ROW_NAME_MAX];
	char label[MCE_LABEL_MAX];
	uint8_t bytes[PAGE_MAX];
};

/* The text of the file @name in @dir; NULL if there is none. */
static int recording_text(int dir, const char *name, char **ret)
{
	_cleanup_(close_p) int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n;

	*ret = NULL;
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	n = small_file_load(fd, TEXT_MAX, ret);
	return n < 0 ? (int)n : 0;
}

static int recording_read_formats(struct recording *rec, int dir, const char **ret_why)
{
	_cleanup_(free_p) char *header = NULL;
	int r = recording_text(dir, "header_page", &header);

	*ret_why = "it has no file header_page: no recording of softofflined --record";
	if (r == 0 && !header)
		return -EINVAL;
	*ret_why = "its file header_page makes no sense";
	if (r == 0)
		r = event_format_new(&rec->format, header);
	for (enum event_source_id id = 0; r == 0 && id < EVENT_SOURCE_MAX_; id++) {
		_cleanup_(free_p) char *text = NULL;
		char name[64];

		snprintf(name, sizeof(name), "%s.format", event_sources[id].event);
		*ret_why = "a file with the format of a tracepoint makes no sense";
		r = recording_text(dir, name, &text);
		if (r == 0 && text)
			r = event_format_add(rec->format, id, text);
	}
	return r == -EBADMSG || r == -EEXIST || r == -EFBIG ? -EINVAL : r;
}

/* Exactly @size bytes. 1; 0 at the end or in the midst of a frame that is cut; errno. */
static int recording_read(int fd, void *to, size_t size)
{
	size_t n = 0;

	while (n < size) {
		ssize_t got = read(fd, (char *)to + n, size - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return 0;
		n += (size_t)got;
	}
	return 1;
}

/* The next page into the decoder. 1; 0 at the end; -EBADMSG; other negative errno. */
static int recording_next_page(struct recording *rec, const char **ret_why)
{
	struct recording_head head;
	int r = recording_read(rec->fd, &head, sizeof(head));

	if (r <= 0)
		return r;
	rec->page++;
	*ret_why = "a page of more than 64 KiB: the rest cannot be read";
	if (head.zero != 0 || head.size == 0 || head.size > sizeof(rec->bytes))
		return -EPROTO;
	r = recording_read(rec->fd, rec->bytes, head.size);
	if (r <= 0)
		return r;
	*ret_why = "a page makes no sense";
	if (event_decoder_init(&rec->decoder, rec->format, head.cpu, rec->bytes,
			       head.size) < 0)
		return -EBADMSG;
	rec->in_page = true;
	rec->lost += rec->decoder.lost;
	return 1;
}

static struct backtest_text recording_text_of(struct ce_text text)
{
	return (struct backtest_text){ text.s, text.len };
}

static int recording_error(struct recording *rec, const struct ce_event *ev,
			   struct backtest_row *ret)
{
	struct mc_report report = {
		.time = ev->time.us,
		.address = ev->has_address && !ev->narrow_address ? ev->address.addr : 0,
		.count = ev->count,
		.grain_bits = ev->grain_bits < 64 ? ev->grain_bits : 63,
		.mc = ev->mc <= INT8_MAX ? ev->mc : -1,
		.layer = { ev->layer[0], ev->layer[1], ev->layer[2] },
		.msg = recording_text_of(ev->msg),
		.label = recording_text_of(ev->label),
		.detail = recording_text_of(ev->detail),
	};

	switch (ev->severity) {
	case CE_CORRECTED:
		report.kind = BACKTEST_CE;
		break;
	case CE_INFO:
		report.kind = BACKTEST_OTHER;
		break;
	case CE_UNCORRECTED:
	case CE_DEFERRED:
	case CE_FATAL:
		report.kind = BACKTEST_UNCORRECTED;
		break;
	}
	mc_row_fill(&report, rec->name, ret);
	return 1;
}

/* 1 and *ret if @event is an error that counts. */
static int recording_event(struct recording *rec, const struct event *event,
			   struct backtest_row *ret)
{
	switch (event->kind) {
	case EVENT_KIND_ERROR:
		return recording_error(rec, &event->ce, ret);
	case EVENT_KIND_CHECK:
		return rec->checks && mcelog_make_row(&event->check, event->check.time.us,
						      rec->label, ret);
	case EVENT_KIND_OTHER:
	case EVENT_KIND_FAILURE:
	case EVENT_KIND_SOFT:
		break;
	}
	return 0;
}

int recording_next(struct recording *rec, struct backtest_row *ret, const char **ret_why)
{
	for (;;) {
		int r;

		if (!rec->in_page) {
			r = recording_next_page(rec, ret_why);
			if (r < 0 && r != -EBADMSG && r != -EPROTO)
				*ret_why = strerror(-r);
			if (r <= 0)
				return r;
		}
		r = event_decoder_next(&rec->decoder);
		rec->in_page = r > 0;
		*ret_why = "the rest of a page makes no sense";
		if (r < 0)
			return r;
		if (r > 0 && recording_event(rec, &rec->decoder.event, ret))
			return 1;
	}
}

/* Whether EDAC reported anything; then to the first page again. */
static int recording_look(struct recording *rec)
{
	struct backtest_row row;
	const char *why;
	int r;

	do {
		r = recording_next(rec, &row, &why);
	} while (r == -EBADMSG);
	rec->checks = r == 0;
	rec->in_page = false;
	rec->page = rec->lost = 0;
	return lseek(rec->fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

int recording_open(struct recording **ret, int dir, const char **ret_why)
{
	struct recording *rec = calloc(1, sizeof(*rec));
	int r;

	*ret_why = "out of memory";
	if (!rec)
		return -ENOMEM;
	rec->fd = -1;
	r = recording_read_formats(rec, dir, ret_why);
	if (r == 0) {
		rec->fd = openat(dir, "pages", O_RDONLY | O_CLOEXEC | O_NOCTTY);
		*ret_why = "it has no file pages";
		r = rec->fd < 0 ? -EINVAL : recording_look(rec);
	}
	if (r < 0)
		(void)recording_free(rec);
	else
		*ret = rec;
	return r;
}

struct recording *recording_free(struct recording *rec)
{
	if (rec) {
		close_p(&rec->fd);
		event_format_free(rec->format);
		free(rec);
	}
	return NULL;
}

uint64_t recording_page(const struct recording *rec)
{
	return rec->page;
}

uint64_t recording_lost(const struct recording *rec)
{
	return rec->lost;
}
