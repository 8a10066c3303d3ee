#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Firmware reports corrected errors with its threshold exceeded, and the kernel
# takes the pages out of use on its own initiative. On a stock kernel that
# leaves no trace but HardwareCorrupted; on a patched one it can be seen, and
# forbidden to the kernel without being forbidden to root.
#
# shellcheck disable=SC2317  # functions are called through check

# shellcheck source=SCRIPTDIR/../../lib/guest.sh
. /vm/guest.sh
# shellcheck source=SCRIPTDIR/../splats.sh
. /vm/splats.sh
# Says PATCHED=yes or no.
# shellcheck disable=SC1091  # only there inside the VM
. /vm/firmware.conf

trace=/sys/kernel/tracing/instances/firmware
sysctl=/proc/sys/vm/enable_soft_offline
counters=/sys/devices/system/node/node0/soft_offline

poisoned()
{
	kpage "$1" | grep -q hwpoison
}

not_poisoned()
{
	! poisoned "$1"
}

# report PFN OPTION...: firmware tells of a corrected error, 0x40 into the frame.
report()
{
	report_pfn=$1
	shift
	ghesinj "$@" "$(printf '0x%x' $((report_pfn * 4096 + 64)))"
}

fails()
{
	! "$@" 2>/dev/null
}

grew()
{
	same "$(($1 + $2))" "$(poisoned_kib)"
}

# events PFN: what the trace has of requests for this frame.
events()
{
	grep "soft_offline_event: pfn=$1 " "$trace/trace" | sed 's/.*soft_offline_event: //'
}

count_is()
{
	same "$1" "$(events "$2" | wc -l)"
}

one_event()
{
	# Only when the request ends is there an event; the frame's flag comes before.
	wait_until 20 count_is 1 "$1" >/dev/null
	count_is 1 "$1" && has "$(events "$1")" "$2"
}

counter()
{
	cat "$counters/$1"
}

no_event_at_all()
{
	same 0 "$(grep -c -v '^#' "$trace/trace")"
}

# edac_told PFN...: the errors themselves, beside the request that followed.
edac_told()
{
	for told; do
		has "$(grep mc_event: "$trace/trace")" \
			"$(printf 'address:0x%08x ' $((told * 4096 + 64)))" || return
	done
}

intact()
{
	same 'verify ok' "$(victim_ask v verify)"
}

# What a stock kernel has to say of it.
unseen()
{
	check 'no event tells of it' [ ! -e "$trace/events/ras/soft_offline_event" ]
	check 'nor does any other event of ras' no_event_at_all
	check 'nothing forbids it' [ ! -e "$sysctl" ]
}

seen()
{
	check 'the event says that the kernel asked' \
		one_event "$first" 'origin=kernel kind=anon outcome=migrated error=0 '
	check 'none for the page below the threshold' count_is 0 "$second"
	check 'EDAC tells of both errors, with their addresses' \
		edac_told "$first" "$second"
	check 'the counter is at 1' same 1 "$(counter migrated)"
}

# Bit 2: not on the kernel's own initiative.
forbidden_to_the_kernel()
{
	echo 5 >"$sysctl"
	check 'the kernel is not to act by itself' same 5 "$(cat "$sysctl")"
	before=$(poisoned_kib)
	disabled=$(counter disabled)
	check 'an error above the threshold is taken' report "$third" --threshold
	check 'the event says that the kernel may not' \
		one_event "$third" 'origin=kernel .*outcome=disabled error=-95 '
	check 'the page stays' not_poisoned "$third"
	check 'HardwareCorrupted stays' grew "$before" 0
	check 'the refusal is counted' same "$((disabled + 1))" "$(counter disabled)"
	check 'root may still' soft_offline "$third"
	check 'the page is out of use' poisoned "$third"
	check 'the event says that root asked' \
		has "$(events "$third")" 'origin=sysfs kind=anon outcome=migrated error=0 '
}

off_and_on()
{
	echo 0 >"$sysctl"
	check 'at 0 not even root may' fails soft_offline "$fourth"
	check 'the event says so' one_event "$fourth" 'origin=sysfs .*outcome=disabled error=-95 '
	echo 1 >"$sysctl"
	check 'at 1 the kernel may again' report "$fourth" --threshold
	check 'and does' wait_until 20 poisoned "$fourth"
	check 'no byte is lost in all of that' intact
	victim_stop v
	check 'none of the frames is handed out again' memhog "$first" "$third" "$fourth"
}

mkdir "$trace" || exit 1
echo 1 >"$trace/events/ras/enable"
check 'the kernel has found the error source' [ -e /sys/bus/platform/drivers/GHES/GHES.0 ]
victim_start v 16
first=$(victim_pfn v 1)
second=$(victim_pfn v 2)
third=$(victim_pfn v 3)
fourth=$(victim_pfn v 4)

before=$(poisoned_kib)
check 'an error below the threshold is taken' report "$second"
check 'an error above it is taken' report "$first" --threshold
check 'the kernel takes the page out of use' wait_until 20 poisoned "$first"
check 'HardwareCorrupted grows by 4 kB' wait_until 20 grew "$before" 4
check 'not the page below the threshold' not_poisoned "$second"
check 'no byte is lost' intact
check 'and the process has another page' [ "$(victim_pfn v 1)" != "$first" ]

if [ "$PATCHED" = no ]; then
	unseen
else
	seen
	forbidden_to_the_kernel
	off_and_on
fi
check 'the kernel has nothing to complain of' kernel_quiet
vm_done
