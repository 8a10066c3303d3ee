#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside the VM, with two of four possible CPUs and some movable memory: CPUs
# and memory that come and go.
#
# shellcheck disable=SC2317  # functions are called through check

# shellcheck source=SCRIPTDIR/lib.sh
. /vm/lib.sh

cpu1=/sys/devices/system/cpu/cpu1/online

# The daemon's own CPU time in ticks of 1/100 s, all threads.
ticks()
{
	awk '{ print $14 + $15 }' "/proc/$daemon/stat"
}

test_idle()
{
	fresh idle </dev/null
	check 'four possible CPUs, two of them here' \
		same '0-3 0-1' "$(cat /sys/devices/system/cpu/possible /sys/devices/system/cpu/online | paste -sd' ')"
	check 'daemon starts' daemon_start
	check 'it watches the two' logged 'with the buffers of 2 CPUs'
	victim_start victim 8
	ce "$(victim_pfn victim 0)" cpu=1
	ce "$(victim_pfn victim 0)" cpu=0
	check 'both are read' stored_all
	before=$(ticks)
	sleep 5
	spent=$(($(ticks) - before))
	check "five idle seconds cost $spent ticks of 500" [ "$spent" -lt 100 ]
}

# Goes on under the daemon of test_idle.
test_cpu()
{
	echo '--- a CPU goes and comes'
	printf '[Metrics]\nInterval=2s\n' >"$conf.d/interval.conf"
	kill -HUP "$daemon"
	pfns_of victim 6 | tail -n 5 >/tmp/cpu
	ce_all 1 cpu=1 </tmp/cpu
	kill -STOP "$daemon"
	ce_all 1 cpu=1 </tmp/cpu
	echo 0 >"$cpu1"
	kill -CONT "$daemon"
	check 'cpu1 is offline' same 0 "$(cat "$cpu1")"
	ce_all 2 cpu=0 </tmp/cpu
	check 'what it left behind is read' stored_all
	before=$(ticks)
	sleep 3
	spent=$(($(ticks) - before))
	check "three idle seconds without it cost $spent ticks of 300" [ "$spent" -lt 60 ]
	echo 1 >"$cpu1"
	ce_all 2 cpu=1 </tmp/cpu
	check 'back again: read' stored_all
	check 'nothing was lost' comes 0 "$(total events_lost)"
	check 'five pages are offlined, and the first' comes 6 "$(pages offlined offlined)"

	for _ in 1 2 3 4; do
		echo 0 >"$cpu1"
		ce_all 1 </tmp/cpu
		echo 1 >"$cpu1"
		ce_all 1 cpu=1 </tmp/cpu
	done
	check 'to and fro under errors: all read' stored_all
	check 'nothing was lost' comes 0 "$(total events_lost)"
	before=$(ticks)
	sleep 3
	spent=$(($(ticks) - before))
	check "three idle seconds after it cost $spent ticks of 300" [ "$spent" -lt 60 ]
	check 'SIGTERM ends it with 0' daemon_stop

	echo 0 >"$cpu1"
	check 'starts with cpu1 offline' daemon_start
	echo 1 >"$cpu1"
	ce_all 1 cpu=1 </tmp/cpu
	check 'and hears it once it is back' stored_all
	daemon_stop
	victim_stop victim
}

set_block()
{
	echo "$1" 2>/tmp/set_block >"$block"
}

# A memory block that can go and come as it likes; its number in $block_number.
find_block()
{
	for block_number in 6 5 4 7; do
		block=/sys/devices/system/memory/memory$block_number/state
		set_block offline && set_block online_movable && return
	done
	return 1
}

# A frame of the victim in that block.
frame_in_block()
{
	size=$((0x$(cat /sys/devices/system/memory/block_size_bytes) / page_size))
	kpage_first=$(printf '0x%x' $((block_number * size)))
	kpage_last=$(printf '0x%x' $((block_number * size + size - 1)))
	awk -v first="$kpage_first" -v last="$kpage_last" '$1 == "page" &&
		length($4) == length(first) && $4 >= first && $4 <= last {
			print $4; exit }' /run/victim.out
}

# A page of a block that went away and is to come back: which of two things happens is up
# to the kernel. Either the block comes without its poison, or it does not come at all.
test_memory()
{
	fresh memory </dev/null
	check 'some memory block can go and come' find_block
	victim_start victim 80000
	pfn=$(frame_in_block)
	check "the victim has a page in block $block_number" [ -n "$pfn" ]
	check 'daemon starts' daemon_start
	ce "$pfn"
	ce "$pfn"
	check 'offlined' comes offlined "$(page "$pfn" state)"
	check 'stored' stored_all
	daemon_stop
	victim_stop victim
	check "its memory block goes: $block" wait_until 30 set_block offline
	check 'starts while it is away' daemon_start
	if set_block online_movable; then
		test_comes_back
	else
		test_stays_away
	fi
}

# Poison does not survive its block's going and coming: the frame is handed out again, and
# has to be offlined again.
test_comes_back()
{
	check 'comes back: the frame has lost its poison' not_poisoned "$pfn"
	# The minute's look at the machine finds it; nothing else wakes the daemon.
	check 'found in use again, offlined once more' wait_until 90 poisoned "$pfn"
	check 'as replayed' comes 'offlined|replayed|offlined' \
		"$(page "$pfn" 'state, reason, result')"
	check 'told' logged 'is in use again'
	check 'twice in the history' comes 2 "SELECT count(*) FROM action
		WHERE action = 'offline' AND result = 'offlined'"
	check 'the DIMM is charged for one' comes 1 'SELECT sum(offlined) FROM dimm'

	daemon_stop
	test_comes_back_at_start
}

# The same, with no daemon there to see it: the next one looks when it starts.
test_comes_back_at_start()
{
	if ! wait_until 60 set_block offline; then
		dmesg | tail -n 20
		check 'the block goes once more' false
		return
	fi
	check 'it goes and comes, with no daemon' set_block online_movable
	check 'the frame has lost its poison' not_poisoned "$pfn"
	check 'the next daemon starts' daemon_start
	check 'and offlines it once more' wait_until 30 poisoned "$pfn"
	daemon_stop
}

# The kernel keeps the whole block away for one poisoned frame: the page stays offlined,
# nothing more is asked for it, and nothing is said of it. The daemon that runs was started
# while the block was away, and so is the next one: both have looked at the frame.
test_stays_away()
{
	check 'it stays away, for its poison' has "$(cat /tmp/set_block)" \
		'Memory page has hardware error'
	check 'it is away' same offline "$(cat "$block")"
	stays_offlined
	check 'SIGTERM ends it with 0' daemon_stop
	check 'the next daemon starts' daemon_start
	stays_offlined
	check 'SIGTERM ends it with 0' daemon_stop
	check 'nothing was said of it' same 0 "$(grep -c 'in use again' "$log")"
}

stays_offlined()
{
	emit addr=0
	sent=$((sent + 1))
	check 'another error is counted' stored_all
	check 'the page is offlined, by us' comes 'offlined|offlined|1' \
		"$(page "$pfn" 'state, result, by_us')"
	check 'once' comes 1 "$(attempts "$pfn")"
	check 'the DIMM is charged for one' comes 1 'SELECT sum(offlined) FROM dimm'
	check 'so it is shown' has "$(softofflinectl --db "$db" --json pages --state=offlined)" \
		"$(printf '0x%x' $((pfn * page_size)))"
}

test_idle
test_cpu
test_memory
vm_done
