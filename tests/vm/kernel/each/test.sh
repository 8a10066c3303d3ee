#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# After patch number $PATCH: the kernel boots, soft offline does what it always
# did, and what the patches brought so far is there, and nothing else.
#
# shellcheck disable=SC2317  # functions are called through check

# shellcheck source=SCRIPTDIR/../../lib/guest.sh
. /vm/guest.sh
# shellcheck source=SCRIPTDIR/../splats.sh
. /vm/splats.sh
# shellcheck disable=SC1091  # only there inside the VM
. /vm/each.conf

event=/sys/kernel/tracing/events/ras/soft_offline_event
counters=/sys/devices/system/node/node0/soft_offline
sysctl=/proc/sys/vm/enable_soft_offline

# since NUMBER PATH: there with this patch, not before.
since()
{
	if [ "$PATCH" -ge "$1" ]; then [ -e "$2" ]; else [ ! -e "$2" ]; fi
}

poisoned()
{
	kpage "$1" | grep -q hwpoison
}

check 'the event is there from patch 1 on' since 1 "$event"
check 'the counters are there from patch 2 on' since 2 "$counters"
check 'the sysctl is there from patch 3 on' since 3 "$sysctl"
[ ! -e "$event" ] || echo 1 >"$event/enable"

victim_start v 4
pfn=$(victim_pfn v 2)
before=$(poisoned_kib)
check 'a page in use is offlined' soft_offline "$pfn"
check 'it is poisoned' poisoned "$pfn"
check 'it is counted' same $((before + 4)) "$(poisoned_kib)"
check 'its contents are whole' same 'verify ok' "$(victim_ask v verify)"
if [ "$PATCH" -ge 1 ]; then
	check 'one event' same 1 \
		"$(grep -c "soft_offline_event: pfn=$pfn .* error=0 " /sys/kernel/tracing/trace)"
fi
if [ "$PATCH" -ge 2 ]; then
	check 'one counted' same 1 "$(cat "$counters/migrated")"
fi
if [ "$PATCH" -ge 3 ]; then
	check 'nobody forbids it' same 1 "$(cat "$sysctl")"
fi
check 'the kernel has nothing to complain of' kernel_quiet
vm_done
