/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A count on stderr, for people who wait. It knows nothing of what is counted. */

#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#include "host/clock.h"
#include "output.h"

#define PROGRESS_FIRST USEC_PER_SEC
#define PROGRESS_AGAIN (USEC_PER_SEC / 5)
#define PROGRESS_LOOK  1024 /* rows between two looks at the clock */

void progress_begin(struct progress *p, const char *what)
{
	*p = (struct progress){
		.what = what,
		.next = usec_add(clock_boot(), usec(PROGRESS_FIRST)),
		.on = isatty(STDERR_FILENO),
	};
}

void progress_step(struct progress *p)
{
	char text[OUTPUT_TEXT_MAX];
	usec_t now;

	if (++p->n % PROGRESS_LOOK != 0 || !p->on)
		return;
	now = clock_boot();
	if (now.us < p->next.us)
		return;
	p->next = usec_add(now, usec(PROGRESS_AGAIN));
	p->visible = true;
	fprintf(stderr, "\r%s %s\033[K", text_count(p->n, text), p->what);
}

void progress_clear(struct progress *p)
{
	if (p->visible)
		fputs("\r\033[K", stderr);
	p->visible = false;
}
