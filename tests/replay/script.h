/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What a story says of the machine: how frames look, and how the kernel answers. And how
 * effects are written in stories.
 */

#include "sim/sim.h"
#include "words.h"

#define SCRIPT_MAX 512

/** How the kernel answers some attempts. */
struct script_answer {
	uint64_t pfn;
	bool any_page;
	unsigned int left; /* attempts that it stands for */
	struct sim_answer answer;
};

struct script_frame {
	uint64_t pfn;
	bool any_page;
	struct frame frame;
};

struct script {
	struct script_frame frames[SCRIPT_MAX]; /* the last one that fits counts */
	unsigned int n_frames;
	struct script_answer answers[SCRIPT_MAX]; /* the first one with attempts left */
	unsigned int n_answers;
};

/** How the frame @p looks; an anonymous page if the story does not say. */
struct frame script_frame(const struct script *script, pfn_t p);

/** The answer to the next attempt on @p, which is counted; success without one. */
struct sim_answer script_answer(struct script *script, pfn_t p);

/* describe.c */

/** Writes @f as words, for @s; false for effects that no story expects. */
bool describe_effect(const struct sim *s, const struct effect *f, char *buf, size_t size);

/** True if an effect described by @line must not happen unless the story says so. */
bool describe_must_be_expected(const char *line);
