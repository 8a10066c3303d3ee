/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The door to zlib. */

#include "doctor/gunzip.h"

#define ZLIB_CONST

#include <errno.h>
#include <limits.h>
#include <zlib.h>

/* windowBits of inflateInit2() for a gzip header, and no other. */
#define GZIP_ONLY (16 + MAX_WBITS)

ssize_t gunzip(const char *in, size_t len, char *out, size_t size)
{
	z_stream z = { .next_in = (const Bytef *)in,
		       .avail_in = (uInt)len,
		       .next_out = (Bytef *)out,
		       .avail_out = (uInt)size };
	int r;

	if (len > UINT_MAX || size > UINT_MAX)
		return -EFBIG;
	if (inflateInit2(&z, GZIP_ONLY) != Z_OK)
		return -ENOMEM;
	r = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	if (r == Z_STREAM_END)
		return (ssize_t)z.total_out;
	if (r == Z_MEM_ERROR)
		return -ENOMEM;
	return r == Z_BUF_ERROR && z.avail_out == 0 ? -EFBIG : -EINVAL;
}
