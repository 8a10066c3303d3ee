/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Which form a file has, and its rows through the reader of that form. What holds for all
 * forms is here: a time that cannot be is refused.
 */

#include "imports/imports.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backtest/backtest_csv.h"
#include "base/mem.h"
#include "imports/history.h"
#include "imports/klog.h"
#include "imports/lines.h"
#include "imports/mcelog.h"
#include "imports/ras_db.h"
#include "imports/recording.h"

#define PEEK_MAX 65536

enum import_form {
	FORM_TABLE,
	FORM_HISTORY, /* of softofflinectl export */
	FORM_DATABASE,
	FORM_KERNEL,
	FORM_MCELOG,
	FORM_RECORDING,
};

struct import {
	enum import_form form;
	int fd; /* -1: of a database */
	int64_t tomorrow;
	bool ended; /* mcelog's last block is read */
	size_t peek_at;
	size_t peek_len;
	char peek[PEEK_MAX];
	struct ras_db *ras;
	struct recording *recording;
	struct klog klog;
	struct mcelog mcelog;
	struct history_reader history;
	struct lines lines;
	struct csv csv;
};

static ssize_t import_read_fd(int fd, char *buf, size_t size)
{
	ssize_t n;

	do {
		n = read(fd, buf, size);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* First what was looked at, then the rest. */
static ssize_t import_read(void *userdata, char *buf, size_t size)
{
	struct import *im = userdata;
	size_t n = im->peek_len - im->peek_at;

	if (n == 0)
		return import_read_fd(im->fd, buf, size);
	n = n < size ? n : size;
	memcpy(buf, im->peek + im->peek_at, n);
	im->peek_at += n;
	return (ssize_t)n;
}

/* Only what was looked at. */
static ssize_t import_read_peek(void *userdata, char *buf, size_t size)
{
	struct import *im = userdata;

	return im->peek_at < im->peek_len ? import_read(userdata, buf, size) : 0;
}

static int import_fill_peek(struct import *im)
{
	while (im->peek_len < sizeof(im->peek)) {
		ssize_t n = import_read_fd(im->fd, im->peek + im->peek_len,
					   sizeof(im->peek) - im->peek_len);

		if (n < 0)
			return (int)n;
		if (n == 0)
			return 0;
		im->peek_len += (size_t)n;
	}
	return 0;
}

static bool import_is_database(const struct import *im)
{
	static const char magic[] = "SQLite format 3";

	return im->peek_len >= sizeof(magic) &&
	       memcmp(im->peek, magic, sizeof(magic)) == 0;
}

/* As softofflinectl export writes it, column by column, or an object a line. */
static bool import_is_history(struct import *im)
{
	struct history_row row;
	struct backtest_text line;
	const char *why;
	int r;

	im->history = (struct history_reader){ .tomorrow = im->tomorrow };
	lines_init(&im->lines, import_read_peek, im);
	r = lines_next(&im->lines, &line);
	if (r > 0)
		r = history_read_line(&im->history, line, &row, &why) < 0 ? -EINVAL : 1;
	im->history.begun = false;
	im->peek_at = 0;
	return r > 0;
}

static bool import_is_table(struct import *im)
{
	const char *why;
	int r = csv_open(&im->csv, import_read_peek, im, &why);

	im->peek_at = 0;
	return r == 0;
}

/* What a line of the kernel's log has, and no table. */
static bool import_is_kernel_line(struct backtest_text line)
{
	static const char *const marks[] = { " kernel: ", "EDAC MC" };
	struct log_stamp stamp;
	struct log_time time;

	log_time_init(&time, INT64_MAX / 2);
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		if (memmem(line.s, line.len, marks[i], strlen(marks[i])))
			return true;
	/* dmesg, which may have lost its first lines */
	return line.len > 0 && (line.s[0] == '[' || line.s[0] == '<') &&
	       log_time_read(&time, line, &stamp) == 0;
}

/* The form of a log; FORM_TABLE if no line looks like one. */
static enum import_form import_log_form(struct import *im)
{
	enum import_form form = FORM_TABLE;
	struct backtest_text line;

	lines_init(&im->lines, import_read_peek, im);
	while (lines_next(&im->lines, &line) > 0) {
		if (memmem(line.s, line.len, "EDAC MC", 7)) {
			form = FORM_KERNEL;
			break;
		}
		if (mcelog_is_line(line))
			form = FORM_MCELOG;
		else if (form == FORM_TABLE && import_is_kernel_line(line))
			form = FORM_KERNEL;
	}
	im->peek_at = 0;
	return form;
}

static int import_start(struct import *im, const char *path, int64_t now,
			unsigned int page_shift, const char **ret_why)
{
	struct stat st;
	int r;

	if (fstat(im->fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		im->form = FORM_RECORDING;
		return recording_open(&im->recording, im->fd, ret_why);
	}
	r = import_fill_peek(im);
	if (r < 0) {
		*ret_why = strerror(-r);
		return r;
	}
	if (import_is_database(im)) {
		im->form = FORM_DATABASE;
		*ret_why = "a database cannot be read from a pipe; name the file";
		return strcmp(path, "-") == 0 ? -EINVAL
					      : ras_db_open(&im->ras, path, ret_why);
	}
	im->form = import_is_history(im) ? FORM_HISTORY
		   : import_is_table(im) ? FORM_TABLE
					 : import_log_form(im);
	if (im->form == FORM_TABLE) {
		r = csv_open(&im->csv, import_read, im, ret_why);
		im->csv.tomorrow = im->tomorrow;
		return r;
	}
	klog_init(&im->klog, now, page_shift);
	mcelog_init(&im->mcelog, now);
	lines_init(&im->lines, import_read, im);
	return 0;
}

int import_open(struct import **ret, const char *path, int64_t now,
		unsigned int page_shift, const char **ret_why)
{
	struct import *im = malloc(sizeof(*im));
	int r;

	*ret_why = "out of memory";
	if (!im)
		return -ENOMEM;
	im->ras = NULL;
	im->recording = NULL;
	im->ended = false;
	im->peek_at = im->peek_len = 0;
	im->tomorrow = now + USEC_PER_DAY;
	im->fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
					: open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (im->fd < 0) {
		r = -errno;
		*ret_why = strerror(-r);
	} else
		r = import_start(im, path, now, page_shift, ret_why);
	if (r < 0)
		(void)import_free(im);
	else
		*ret = im;
	return r;
}

struct import *import_free(struct import *im)
{
	if (im) {
		(void)ras_db_close(im->ras);
		(void)recording_free(im->recording);
		close_p(&im->fd);
		free(im);
	}
	return NULL;
}

/* The next error of a log. */
static int import_next_line(struct import *im, struct backtest_row *ret,
			    const char **ret_why)
{
	for (;;) {
		struct backtest_text line;
		int r = lines_next(&im->lines, &line);

		if (r < 0)
			*ret_why = strerror(-r);
		if (r < 0 || im->ended)
			return r;
		if (r == 0) {
			im->ended = true;
			return im->form == FORM_MCELOG
				       ? mcelog_end(&im->mcelog, ret, ret_why)
				       : 0;
		}
		r = im->form == FORM_MCELOG ? mcelog_line(&im->mcelog, line, ret, ret_why)
					    : klog_line(&im->klog, line, ret, ret_why);
		if (r != 0)
			return r;
	}
}

/* The next row of an export; its texts are valid until the next call. */
static int import_next_history(struct import *im, struct backtest_row *ret,
			       const char **ret_why)
{
	struct history_row row;
	struct backtest_text line;
	int r;

	do {
		r = lines_next(&im->lines, &line);
		if (r < 0)
			*ret_why = strerror(-r);
		if (r <= 0)
			return r;
		r = history_read_line(&im->history, line, &row, ret_why);
	} while (r == 0);
	if (r < 0)
		return r == -EINVAL ? -EBADMSG : r;
	history_to_backtest(&row, ret);
	return 1;
}

/* A log whose lines count from the start of the machine is in 1970. */
static const char *import_refuse_time(const struct import *im,
				      const struct backtest_row *row)
{
	if (row->time > im->tomorrow)
		return "its time is in the future";
	if (row->time < CSV_YEAR_2000 && im->form == FORM_DATABASE)
		return "its time is before the year 2000";
	return NULL;
}

int import_next(struct import *im, struct backtest_row *ret, const char **ret_why)
{
	int r = 0;

	switch (im->form) {
	case FORM_TABLE:
		r = csv_next(&im->csv, ret, ret_why);
		if (r < 0 && r != -EBADMSG)
			*ret_why = strerror(-r);
		break;
	case FORM_HISTORY:
		r = import_next_history(im, ret, ret_why);
		break;
	case FORM_DATABASE:
		r = ras_db_next(im->ras, ret, ret_why);
		break;
	case FORM_RECORDING:
		r = recording_next(im->recording, ret, ret_why);
		break;
	case FORM_KERNEL:
	case FORM_MCELOG:
		r = import_next_line(im, ret, ret_why);
		break;
	}
	if (r <= 0)
		return r;
	*ret_why = import_refuse_time(im, ret);
	return *ret_why ? -EBADMSG : 1;
}

uint64_t import_line(const struct import *im)
{
	switch (im->form) {
	case FORM_TABLE:
		return im->csv.line;
	case FORM_DATABASE:
		return ras_db_row(im->ras);
	case FORM_RECORDING:
		return recording_page(im->recording);
	case FORM_HISTORY:
	case FORM_KERNEL:
	case FORM_MCELOG:
		break;
	}
	return im->lines.line;
}

static const char *import_doubt_table(const struct import *im, unsigned int i,
				      bool *ret_refused)
{
	static char text[128];

	if (csv_is_decimal(&im->csv)) {
		*ret_refused = i == 0;
		if (i == 0)
			return "no address has a letter or 0x: they may be decimal, and "
			       "pages would be wrong; write them with 0x";
		i--;
	}
	if (im->csv.odd_times == 0 || i > 0)
		return NULL;
	snprintf(text, sizeof(text), "%" PRIu64 " rows are dated before 2000",
		 im->csv.odd_times);
	return text;
}

static const char *import_doubt_recording(const struct recording *rec, unsigned int i)
{
	static char text[128];
	uint64_t lost = recording_lost(rec);

	if (i == 0)
		return "a recording has the time since the start of the machine: dates "
		       "count from 1970";
	if (i > 1 || lost == 0)
		return NULL;
	snprintf(text, sizeof(text),
		 "%" PRIu64 " events were lost before they were recorded", lost);
	return text;
}

static const char *import_doubt_log(const struct log_time *t, unsigned int i)
{
	if (t->since_boot > 0) {
		if (i == 0)
			return "lines have only the time since the start of the machine: "
			       "dates count from 1970";
		i--;
	}
	if (t->turned > 0 && i == 0)
		return "lines without a year go back in time: if the log is longer than "
		       "a year, write it with journalctl -o short-iso";
	return NULL;
}

const char *import_doubt(const struct import *im, unsigned int i, bool *ret_refused)
{
	*ret_refused = false;
	switch (im->form) {
	case FORM_TABLE:
		return import_doubt_table(im, i, ret_refused);
	case FORM_DATABASE:
		return i == 0 && ras_db_is_low(im->ras)
			       ? "no address is above 2 GiB: a rasdaemon that cuts them to "
				 "32 bits may have written them"
			       : NULL;
	case FORM_RECORDING:
		return import_doubt_recording(im->recording, i);
	case FORM_KERNEL:
		return import_doubt_log(&im->klog.time, i);
	case FORM_HISTORY:
	case FORM_MCELOG:
		break;
	}
	return NULL;
}
