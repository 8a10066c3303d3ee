#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside the VM, ras=cec_disable: the policy alone acts; each error counts once, whether a
# driver tells of it too, is silent or is not there; and what is noticed when tracing is
# reset or the driver goes.
#
# shellcheck disable=SC2154,SC2317

# shellcheck source=SCRIPTDIR/lib.sh
. /vm/mce.sh

silent()
{
	echo "$1" >/sys/module/mcedac/parameters/silent
}

test_policy()
{
	fresh policy </dev/null
	victim_start v 16
	first=$(victim_pfn v 1)
	poison_before=$(poisoned_kib)
	check 'no collector' test ! -e $collector
	check 'daemon starts' daemon_start
	check 'status: it is disabled' status_comes ras_cec '"disabled"'
	check 'one error' mce "$first"
	check 'is counted' counted
	check 'nothing is taken' grew 0
	check 'the second' mce "$first"
	check 'the policy takes the page, once' \
		comes 'offlined|offlined|page-threshold|1' "$(who_took "$first")"
	check 'its frame is poisoned' poisoned "$first"
	check 'one page' grew 1
	check 'counted once' stays_counted
	check 'the kernel took nothing by itself' kernel_took_is 0
	check 'the process has every byte' same 'verify ok' "$(victim_ask v verify)"
	check 'source: by mce_record' status_comes delivers '"mce_record"'
}

# some_errors COUNT: each of another page, so that none is taken.
some_errors()
{
	for _ in $(seq "$1"); do
		next=$((next + 1))
		mce "$(victim_pfn v "$next")" || return 1
	done
}

test_driver()
{
	next=4
	check 'a driver on the chain, silent' insmod "$driver" silent=1
	check 'three errors' some_errors 3
	check 'are counted all the same' stays_counted
	check 'source: still by mce_record' status_comes delivers '"mce_record"'
	silent 0
	check 'the driver speaks: three errors, told twice each' some_errors 3
	check 'each counts once' stays_counted
	check 'source: by the driver' status_comes delivers '"mc_event"'
	check 'the DIMM is the driver'"'"'s' comes 1 \
		"SELECT count(*) FROM dimm WHERE label = 'DIMM_A0' AND corrected_errors > 0"
	silent 1
	check 'silent again: two errors' some_errors 2
	check 'are counted' stays_counted
	silent 0
}

# test_reset and the driver's way out share a minute.
test_reset()
{
	check 'tracing is reset under the daemon' trace_reset
	check 'the driver is unloaded' rmmod mcedac
	check 'the events are on again within a minute' wait_until 70 \
		grep -qx 1 "$trace_instance/events/mce/mce_record/enable"
	check 'with the clock of the daemon' grep -q '\[boot\]' "$trace_instance/trace_clock"
	check 'the gap is counted' status_comes gaps '[1-9][0-9]*' 70
	check 'an error after it' some_errors 1
	check 'is counted' stays_counted
}

# The only source is a driver's event, and the driver is not there: not OK, and back.
test_sight()
{
	check 'ends' daemon_stop
	fresh sight <<-'END'
		[Source]
		Events=mc_event
	END
	check 'daemon starts without any driver' daemon_start
	check 'status --exit-code: 10' exit_code_comes 10 70
	check 'the source: no driver' status_comes state '"no-driver"'
	check 'the driver comes' insmod "$driver"
	check 'status --exit-code: 0 within a minute' exit_code_comes 0 70
	check 'the source: ok' status_comes state '"ok"'
	check 'the driver goes' rmmod mcedac
	check 'status --exit-code: 10 within a minute' exit_code_comes 10 70
	check 'ends' daemon_stop
}

test_policy
test_driver
test_reset
test_sight
vm_done
