/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A story: a text of configuration, timed events and expected effects, played on a simulation.
 *
 * One statement a line; # begins a comment line. Addresses are bytes, in hexadecimal with
 * 0x. Times are since the story's start (1.5s, 2h, 1d3h), or with a + since the last one.
 *
 *   config: LINE                 a line of the configuration file, before the first time
 *   page-shift N    ram A-B    machine [ram=PAGES] [available=KIB] [pressure=PERCENT|no]
 *   kernel [soft_offline=yes|no] [enabled=yes|no] [supported=yes|no] [collector=yes|no]
 *   @TIME source [mc_event=yes|no|off] [mce_record=...] [controllers=yes|no|unreadable]
 *         [collector=absent|passive|acts] [guest=yes] [tracefs=no] [machine_checks=yes]
 *         [ignore_ce=yes] [cmdline=PARAMETER]    what the daemon finds of the source
 *   no-edac                      EDAC knows none of the controllers that events name
 *   memory [map=N] [modules=N]   fingerprints from the next start on; 0: not known
 *   frame ADDR|* LOOKS...        how the frame looks; words.h has the words
 *   answer ADDR|* ERRNO[*TIMES] [silent] [poison] [spoil] [dry-run] [kib=+N] [took=TIME]
 *
 *   @TIME ce|ue|deferred|fatal|info [addr=A] [count=N] [grain=BITS] [label=L] [mc=N]
 *         [layers=T.M.L] [cpu=N] [overflow] [at=TIME] [no-address-field]
 *         [narrow]              the address field has 32 bits
 *         [subch=N] [rank=N] [chip=N] [device=N] [bg=N] [bank=N] [row=N] [col=N], or the
 *         driver's texts that say so: [msg="..."] [detail="..."]
 *   @TIME mce [status=N] [addr=A] [misc=N] [bank=N] [vendor=N] [cpuid=N] [ipid=N]
 *         [mcgcap=N] [cpu=N] [traced=N] [socket=N]    a mce_record; it counts once the time
 *         of its mc_event has passed without one
 *   @TIME storm pages=N first=A events=N over=TIME
 *   @TIME lost N | malformed N | failure ADDR | poison KIB | foreign ADDR | unpoison ADDR
 *   @TIME gap FILE... [ago=SECONDS] [errno=N]    FILE as trace_change.h has it
 *   @TIME bystander kernel|program|other
 *   @TIME offline ADDR | forget ADDR | tick | flush | reconcile | suspend TIME
 *   @TIME reload                 followed by config: lines, which are all there is then
 *   @TIME restart | crash [new-boot] [wall=TIME]
 *
 *   => [@TIME] WORDS...          the next effect; all of WORDS, in this order, are in it
 *   quiet                        from here on effects that nobody expects are fine
 *   expect WHAT ...              expect.c
 */

#include <stdio.h>

#include "base/mem.h"
#include "script.h"
#include "track/twins.h"

struct story;
struct words;

/** What a story may cost, for one that nobody wrote. 0: no limit. */
struct story_limits {
	uint32_t default_pages; /* MaxTrackedPages where the story says none */
	uint32_t max_pages;     /* it is cut to this */
	uint64_t max_steps;     /* inputs to the engine; then the story ends */
};

/**
 * Plays the @len bytes at @text. @name is the file's name in messages, which go to @out
 * (NULL: nowhere); with @verbose every effect does. @limits: NULL for none.
 *
 * Returns the number of failures: effects that were not expected or did not come, lines
 * that make no sense; -ENOMEM; -ETIME: the engine wants to be woken at the same moment
 * for ever.
 */
int story_play(const char *name, const char *text, size_t len, FILE *out, bool verbose,
	       const struct story_limits *limits);

/* For verbs and expectations. */

/** One failure, with file and line. */
_printf_(2, 3) void story_fail(struct story *s, const char *format, ...);
struct sim *story_sim(struct story *s);
struct script *story_script(struct story *s);

/** The verb "source". Returns 0; -EINVAL for words that make no sense. */
int verb_source(struct story *s, const struct words *w, unsigned int from);
int verb_no_edac(struct story *s, const struct words *w, unsigned int from);
int verb_controllers(struct story *s, const struct words *w, unsigned int from);
int verb_gap(struct story *s, const struct words *w, unsigned int from);
int verb_bystander(struct story *s, const struct words *w, unsigned int from);
/** The machine checks that wait for their mc_event. */
struct twins *story_twins(struct story *s);
/** A number for an operator's request: another one with each call. */
uint64_t story_cookie(struct story *s);
/** The configuration of the config: lines from the present line up to the next time. */
int story_config(struct story *s, struct config *ret);

/* verbs.c: performs the words from @from on. 0, -EINVAL: makes no sense, -ENOMEM. */
int verb_setup(struct story *s, const struct words *w);
int verb_timed(struct story *s, const struct words *w, unsigned int from);
bool verb_is_setup(const char *word);

/* expect.c: checks what "expect" says. 0, or -EINVAL: makes no sense. */
int expect_check(struct story *s, const struct words *w);
