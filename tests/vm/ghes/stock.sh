#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The same machine with Debian's own arm64 kernel, which has no driver of EDAC for it: the
# error is a line in the kernel's log, and check must say why nothing is counted.
#
# shellcheck disable=SC2317,SC2154  # functions are called through check

# shellcheck source=SCRIPTDIR/../daemon/lib.sh
. /vm/lib.sh
# shellcheck source=SCRIPTDIR/record.sh
. /vm/record.sh

kernel_logs()
{
	dmesg | grep -q "Hardware Error.*physical_address: 0x0*$(printf '%x' \
		$((failing * page_size + 64)))"
}

if [ -e /sys/devices/system/edac/mc/mc0 ]; then
	echo 'This kernel has EDAC_GHES by now: kernel/README.md and this test are to change.'
fi
fresh stock </dev/null
check 'victim starts' victim_start victim 4
failing=$(victim_pfn victim 1)
poison_before=$(poisoned_kib)
check 'daemon starts' daemon_start
check 'the firmware reports an error' report "$failing" --module "$module_b"
check 'and another' report "$failing" --module "$module_b"
check 'the kernel logs the record' wait_until 20 kernel_logs
check 'no mc_event tells of it' same 0 "$(grep -c mc_event: "$trace/trace")"
check 'the daemon counts nothing' comes '0' "$(total events)"
check 'and takes nothing' rose 0
check 'check says what is missing' has "$(verdict memory-controller)" \
	'memory errors go to the firmware first, and this kernel does not pass'
check 'SIGTERM ends it with 0' daemon_stop
vm_done
