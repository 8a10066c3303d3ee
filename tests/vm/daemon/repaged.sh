#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside the VM: the database of a kernel that had pages of another size. It is booted on
# one kernel after the other, with the same disk: what lies there is the database that the
# kernel before left behind, and what was true of it.
#
# shellcheck disable=SC2317,SC2154  # functions are called through check; facts are sourced

# shellcheck source=SCRIPTDIR/lib.sh
. /vm/lib.sh

# The address of the one attempt, as people are shown it.
shown_address()
{
	softofflinectl --db "$db" --json history |
		sed -n 's/.*"address": "\(0x[0-9a-f]*\)".*/\1/p' | head -n 1
}

# A page that the next kernel must not take for one that had errors: its number there is
# that of a page which has had one error here, and of one that is offlined here.
test_other_memory()
{
	# shellcheck disable=SC1091  # only there inside the VM
	. /tmp/before/facts
	fresh repaged </dev/null
	cp /tmp/before/repaged.db "$db"
	poison_before=$(poisoned_kib)
	check 'before the daemon runs: a reader has the address' \
		same "$address_before" "$(shown_address)"
	check 'daemon starts' daemon_start
	check 'it says that pages have another size' logged \
		"this kernel has pages of $page_kib KiB, the one before had pages of $kib_before KiB"
	check 'no page is known' comes 0 'SELECT count(*) FROM page'
	check 'nothing is offlined again' grew 0
	check 'every error is in the history, still' comes "$events_before" \
		'SELECT sum(events) FROM ce'
	check 'the DIMM has them all' comes "$events_before" \
		"SELECT corrected_errors FROM dimm WHERE label = 'DIMM_P0'"
	check 'the attempt has the address that it had' \
		same "$((address_before / page_size * page_size))" "$(($(shown_address)))"
	sent=$events_before
	test_same_number "$watched_before"
	test_same_number "$offlined_before"
	daemon_stop
	check 'a second start' daemon_start
	check 'says nothing of it' same 1 "$(grep -c 'the one before had' "$log")"
	daemon_stop
}

# One error of the page with that number counts as the first, whether or not it is memory.
test_same_number()
{
	ce "$1" label=DIMM_Q0
	check "an error of page $1: counted" stored_all
	check 'it is not the second one' comes 0 "$(pages offlined)"
	check 'not poisoned' not_poisoned "$1"
}

test_leave_behind()
{
	fresh left <<END
[Replay]
AtBoot=yes
END
	victim_start victim 4
	watched=$(victim_pfn victim 0)
	offlined=$(victim_pfn victim 1)
	check 'daemon starts' daemon_start
	ce "$watched" label=DIMM_P0
	ce "$offlined" label=DIMM_P0
	ce "$offlined" label=DIMM_P0
	check 'a page is offlined' comes offlined "$(page "$offlined" state)"
	check 'another has had one error' comes watched "$(page "$watched" state)"
	check 'stored' stored_all
	daemon_stop
	victim_stop victim
	mkdir -p /tmp/after
	cp "$db" /tmp/after/repaged.db
	cat >/tmp/after/facts <<END
kib_before=$page_kib
watched_before=$watched
offlined_before=$offlined
address_before=$(shown_address)
events_before=$sent
END
	tar -C /tmp/after -cf /dev/vda .
	sync
}

mkdir -p /tmp/before
if tar -C /tmp/before -xf /dev/vda 2>/dev/null && [ -e /tmp/before/facts ]; then
	test_other_memory
else
	echo '      the disk is empty: this is the first of the kernels'
fi
test_leave_behind
vm_done
