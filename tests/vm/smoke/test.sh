#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside the VM: does everything that other tests stand on work?
#
# shellcheck disable=SC2317  # functions are called through check

# shellcheck source=SCRIPTDIR/../lib/guest.sh
. /vm/guest.sh

tracing=/sys/kernel/tracing
instance=$tracing/instances/smoke

# traced: the events since the last call, as text.
traced()
{
	grep mc_event: "$instance/trace"
	: >"$instance/trace"
}

test_instance()
{
	mkdir "$instance"
	echo 1 >"$instance/events/ras/mc_event/enable"
	check 'own trace instance watches ras:mc_event' \
		same 1 "$(cat "$instance/events/ras/mc_event/enable")"
	# README.md, "A fault of the emulator".
	check 'which leaves the scheduler as it is' \
		same norecord-cmd "$(grep -x '.*record-cmd' "$instance/trace_options")"
}

test_mcgen()
{
	echo 'emitting with mcgen:'
	check 'mcgen loads' insmod /vm/mcgen.ko
	echo 'type=ce count=7 addr=0x12345678 grain=6 mc=1 top=2 mid=3 low=-1 syndrome=0xabcd label="DIMM B 1" msg="read error" detail="rank:1 \"q\""' >/proc/mcgen
	check 'all fields arrive' has "$(traced)" \
		'mc_event: 7 Corrected errors: read error on DIMM B 1 \(mc:1 location:2:3:-1 address:0x12345678 grain:64 syndrome:0x0000abcd rank:1 "q"\)'

	printf 'addr=0x1000 repeat=5 step=0x40 wrap=2 cpu=1\ntype=ue addr=0x2000\n' >/proc/mcgen
	events=$(traced)
	check 'repeat and lines add up' same 6 "$(printf '%s\n' "$events" | wc -l)"
	check 'step and wrap' same 00001000,00001040,00001000,00001040,00001000,00002000 \
		"$(printf '%s\n' "$events" | sed 's/.*address:0x\([0-9a-f]*\) .*/\1/' | paste -sd,)"
	check 'cpu=1 is cpu 1' same 5 "$(printf '%s\n' "$events" | grep -c '\[001\].*Corrected')"
	check 'an uncorrected one' has "$events" '1 Uncorrected error: .*0x00002000'

	for bad in count=70000 type=xx addr=zz foo=1 'msg="open' cpu=99 nokey; do
		check "refused: $bad" refused "$bad"
	done
	check 'a bad line stops the whole write' refused "addr=0x1
addr=bad"
	check 'nothing of that was emitted' same '' "$(traced)"
	check 'the total is right' same 'emitted 7' "$(cat /proc/mcgen)"

	for where in '' cpu=1; do
		check "an endless emission can be killed $where" killable "$where"
	done
	echo 0 >/sys/devices/system/cpu/cpu1/online
	check 'refused: a cpu that is offline' refused cpu=1
	echo 1 >/sys/devices/system/cpu/cpu1/online

	: >"$instance/trace"
	start=$(cut -d' ' -f1 /proc/uptime)
	echo 'repeat=200000' >/proc/mcgen
	end=$(cut -d' ' -f1 /proc/uptime)
	awk -v s="$start" -v e="$end" 'BEGIN {
		printf "      200000 events in %.2f s, %d a second\n",
			e - s, 200000 / (e - s + 0.001) }'
	: >"$instance/trace"
}

killable()
{
	! timeout 1 sh -c \
		"echo 'repeat=1000000000 delay_us=1000 $1' >/proc/mcgen" \
		2>/dev/null &&
		[ "$(awk '{ print $2 }' /proc/mcgen)" -lt 100000 ]
}

refused()
{
	! printf '%s\n' "$1" 2>/dev/null >/proc/mcgen
}

test_soft_offline()
{
	echo 'soft offline under a victim:'
	check 'victim starts' victim_start victim 8
	pfn=$(victim_pfn victim 3)
	before=$(poisoned_kib)
	check "offline frame $pfn" soft_offline "$pfn"
	check 'every byte is intact' same 'verify ok' "$(victim_ask victim verify)"
	now=$(victim_pfn victim 3)
	check "the page moved, to $now" [ "$now" != "$pfn" ]
	check 'kpage shows hwpoison' has "$(kpage "$pfn")" 'hwpoison'
	check 'kpage --poisoned lists it' same "$pfn
poisoned 1" "$(kpage --poisoned)"
	check 'HardwareCorrupted +4 kB' same "$((before + 4))" "$(poisoned_kib)"
	check 'never handed out again' memhog "$pfn"
	# The same tool must be able to fail.
	check 'memhog finds frames that are free' finds_free_frames
	victim_stop victim
}

# The frames of a process that has ended are free: nearly all must be found, or
# memhog proves nothing.
finds_free_frames()
{
	victim_start bait 4096 || return 1
	awk '$1 == "page" { print $4 }' /run/bait.out >/run/bait.pfns
	victim_stop bait
	memhog --file=/run/bait.pfns >/run/memhog.out && return 1
	found=$(grep -c '^memhog [MF]' /run/memhog.out)
	echo "      $found of 4096"
	[ "$found" -gt 3900 ]
}

test_thp()
{
	echo 'a huge victim:'
	check 'victim starts' victim_start huge --kind=thp 512
	pfn=$(victim_pfn huge 100)
	check 'it is a huge page' has "$(kpage "$pfn")" 'thp'
	check "offline frame $pfn" soft_offline "$pfn"
	check 'every byte is intact' same 'verify ok' "$(victim_ask huge verify)"
	victim_stop huge
}

test_fedac()
{
	mc=/sys/devices/system/edac/mc/mc0
	echo 'the EDAC core with fedac:'
	check 'fedac loads' insmod /vm/fedac.ko
	check 'mc0 is there' [ -d "$mc" ]
	check 'labels' same 'DIMM_A0 DIMM_A1 DIMM_B0 DIMM_B1' \
		"$(cat "$mc"/dimm*/dimm_label | tr '\n' ' ' | sed 's/ $//')"
	echo 'CE 3 0x2345678c0 0x55 1 0 -1 memory scrubbing error' >/proc/fedac
	check 'a labelled error' has "$(traced)" \
		'mc_event: 3 Corrected errors: memory scrubbing error on DIMM_B0 \(mc:0 location:1:0:-1 address:0x2345678c0 grain:64 syndrome:0x00000055\)'
	check 'the counter of that DIMM' same 3 "$(cat "$mc/dimm2/dimm_ce_count")"
	echo 'grain=2097152 CE 1 0x40000000 0 0 -1 -1 coarse' >/proc/fedac
	check 'a coarse one, slot unknown' has "$(traced)" \
		'coarse on DIMM_A0 or DIMM_A1 \(mc:0 location:0:-1:-1 address:0x40000000 grain:2097152'
	echo 'UE 1 0x1000 0 0 1 -1 bus error' >/proc/fedac
	check 'an uncorrected one' has "$(traced)" '1 Uncorrected error: bus error on DIMM_A1'
	check 'fedac unloads' rmmod fedac
	check 'mc0 is gone' [ ! -e "$mc" ]
	check 'mcgen unloads' rmmod mcgen
}

test_instance
test_mcgen
test_soft_offline
test_thp
test_fedac
vm_done
