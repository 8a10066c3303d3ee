/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The machine checks of a story: decoded, and held until their twin comes or cannot come,
 * as the daemon does it.
 */

#include "verbs_check.h"

#include <errno.h>
#include <stdlib.h>

#include "event/mce_decode.h"

/* A corrected memory read error of channel 0, with an address. */
#define USUAL_STATUS UINT64_C(0x9c00000000000090)
#define USUAL_MISC   0x86 /* a physical address, of a line */

static void give(struct sim *sim, const struct mce_error *error)
{
	char label[MCE_LABEL_MAX];
	struct ce_event ev;

	mce_error_event(error, label, &ev);
	(void)sim_step(sim, (struct input){ .kind = INPUT_EVENT, .event = &ev });
}

static int number(const struct words *w, unsigned int from, const char *key, uint64_t max,
		  uint64_t *ret)
{
	const char *value = words_value(w, from, key);

	if (!value)
		return 0;
	return parse_u64(value, ret) < 0 || *ret > max ? -EINVAL : 0;
}

int checks_take(struct twins *t, struct sim *sim, const struct words *w,
		unsigned int from)
{
	uint64_t status = USUAL_STATUS, addr = 0, misc = USUAL_MISC, cap = 0, ipid = 0;
	uint64_t bank = 7, vendor = 0, cpuid = 0, cpu = 0, traced, socket = 0;
	struct mce_error error, pushed_out;
	struct mce_record m;

	if (number(w, from, "status", UINT64_MAX, &status) < 0 ||
	    number(w, from, "addr", UINT64_MAX, &addr) < 0 ||
	    number(w, from, "misc", UINT64_MAX, &misc) < 0 ||
	    number(w, from, "mcgcap", UINT64_MAX, &cap) < 0 ||
	    number(w, from, "ipid", UINT64_MAX, &ipid) < 0 ||
	    number(w, from, "bank", UINT8_MAX, &bank) < 0 ||
	    number(w, from, "vendor", UINT8_MAX, &vendor) < 0 ||
	    number(w, from, "cpuid", UINT32_MAX, &cpuid) < 0 ||
	    number(w, from, "socket", UINT32_MAX, &socket) < 0 ||
	    number(w, from, "cpu", UINT16_MAX, &cpu) < 0)
		return -EINVAL;
	traced = cpu;
	if (number(w, from, "traced", UINT16_MAX, &traced) < 0)
		return -EINVAL;
	m = (struct mce_record){
		.time = usec_sub(usec(sim->now), usec(sim->base)),
		.mcgcap = cap,
		.status = status,
		.addr = addr,
		.misc = misc,
		.ipid = ipid,
		.cpu = (uint32_t)cpu,
		.cpuid = (uint32_t)cpuid,
		.socketid = (uint32_t)socket,
		.traced = (uint16_t)traced,
		.bank = (uint8_t)bank,
		.cpuvendor = (uint8_t)vendor,
	};
	if (mce_decode(&m, &error) && twins_take_check(t, &error, &pushed_out))
		give(sim, &pushed_out);
	return 0;
}

void checks_release(struct twins *t, struct sim *sim, usec_t upto)
{
	usec_t when;
	struct mce_error error;

	while ((when = usec_add(twins_deadline(t), usec(sim->base))).us <= upto.us &&
	       when.us != USEC_NEVER && !sim_is_spent(sim)) {
		if (when.us > sim->now)
			sim_advance(sim, when.us);
		while (twins_take_due(t, usec_sub(when, usec(sim->base)), &error))
			give(sim, &error);
	}
}

void checks_release_all(struct twins *t, struct sim *sim)
{
	struct mce_error error;

	while (twins_take_due(t, usec(USEC_NEVER), &error))
		give(sim, &error);
}
