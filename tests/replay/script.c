/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Looks up what a story says of a frame. It does not know what follows from it.
 */

#include "script.h"

struct frame script_frame(const struct script *script, pfn_t p)
{
	struct frame f = { .readable = true,
			   .flags = UINT64_C(1) << KPF_LRU | UINT64_C(1) << KPF_ANON };

	for (unsigned int i = 0; i < script->n_frames; i++)
		if (script->frames[i].any_page || script->frames[i].pfn == p.n)
			f = script->frames[i].frame;
	return f;
}

struct sim_answer script_answer(struct script *script, pfn_t p)
{
	for (unsigned int i = 0; i < script->n_answers; i++) {
		struct script_answer *a = &script->answers[i];

		if (a->left > 0 && (a->any_page || a->pfn == p.n)) {
			a->left--;
			return a->answer;
		}
	}
	return (struct sim_answer){ 0 };
}
