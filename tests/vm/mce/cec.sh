#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside the VM, the kernel's own collector (RAS_CEC) on, as Debian 13 boots: what is
# counted, whose doing an offline is, and the threshold taken over.
#
# shellcheck disable=SC2154,SC2317

# shellcheck source=SCRIPTDIR/lib.sh
. /vm/mce.sh

# Every error counts although no driver sees it, and what the kernel does is the kernel's.
test_beside()
{
	fresh beside </dev/null
	victim_start v 16
	first=$(victim_pfn v 1)
	second=$(victim_pfn v 2)
	poison_before=$(poisoned_kib)
	check 'daemon starts' daemon_start
	check 'status: the collector runs' status_comes ras_cec '"active"'
	check 'and acts' status_comes ras_cec_acts true
	check 'from the second error on' status_comes ras_cec_threshold 2
	check 'it says so in words' has "$(softofflinectl status)" \
		'whatever Action= and the budgets say'
	check 'one error each of two pages' both "$first" "$second"
	check 'both are counted' counted
	check 'the kernel has taken nothing' kernel_took_is 0
	check 'the second error of one' mce "$first"
	check 'the kernel takes the page' wait_until 20 kernel_took_is 1
	check 'its frame is poisoned' wait_until 20 poisoned "$first"
	check 'every error is counted' stays_counted
	check 'the page is the collector'"'"'s, and we asked for nothing' \
		comes 'offlined|already|collector|0' "$(who_took "$first")"
	check 'a row of the history' comes 'foreign|collector|offlined' \
		"SELECT action, reason, result FROM action WHERE pfn = $((first))"
	check 'that softofflinectl shows' has "$(softofflinectl history)" 'collector'
	check 'the counter'"'"'s move is explained' comes 1 "SELECT count(*) FROM poison
		WHERE cause = 'collector' AND pfn = $((first))"
	check 'it costs no budget' status_comes used_pages 0
	check 'the other page stays' not_poisoned "$second"
	check 'HardwareCorrupted: one page' grew 1
	check 'the process has every byte' same 'verify ok' "$(victim_ask v verify)"
	check 'source: by mce_record' status_comes delivers '"mce_record"'
}

# A driver on the chain: the collector hides a page's first error from it, not the second.
test_driver()
{
	third=$(victim_pfn v 3)
	check 'the driver is loaded' insmod "$driver"
	check 'a first error, which the collector takes' mce "$third"
	check 'counts once' stays_counted
	check 'a second, which reaches the driver too' mce "$third"
	check 'the kernel takes the page' wait_until 20 kernel_took_is 2
	check 'it counts once' stays_counted
	check 'the page is the collector'"'"'s' \
		comes 'offlined|already|collector|0' "$(who_took "$third")"
	check 'the driver is unloaded' rmmod mcedac
	check 'SIGTERM ends the daemon with 0' daemon_stop
}

# SoftOfflineControl=own, as the unit does it.
test_own()
{
	fresh own <<-'END'
		[Kernel]
		SoftOfflineControl=own
	END
	fourth=$(victim_pfn v 4)
	took=$(kernel_took)
	check 'softofflined-cec takes the threshold' softofflined-cec --config "$conf" start
	check 'it is the maximum' same 1023 "$(cat $collector/action_threshold)"
	check 'daemon starts' daemon_start
	check 'status: the collector does not act' status_comes ras_cec_acts false
	check 'the first error' mce "$fourth"
	check 'the second' mce "$fourth"
	check 'both are counted' counted
	check 'the daemon takes the page, once' \
		comes 'offlined|offlined|page-threshold|1' "$(who_took "$fourth")"
	check 'the kernel has taken nothing' kernel_took_is "$took"
	check 'ends' daemon_stop
	check 'softofflined-cec gives it back' softofflined-cec --config "$conf" stop
	check 'the threshold is as before' same 2 "$(cat $collector/action_threshold)"
	check 'nothing to give back any more' softofflined-cec --config "$conf" stop
	check 'it is still so' same 2 "$(cat $collector/action_threshold)"
}

# Action=account and no budget: the kernel heeds neither, and the minute's look finds it.
test_account()
{
	fresh account <<-'END'
		[Policy]
		Action=account
	END
	fifth=$(victim_pfn v 5)
	took=$(kernel_took)
	check 'daemon starts' daemon_start
	check 'two errors' both "$fifth" "$fifth"
	check 'the kernel takes the page' wait_until 20 kernel_took_is "$((took + 1))"
	check 'both are counted' counted
	check 'it is known within the minute' wait_until 70 sql_same \
		'offlined|already|collector|0' "$(who_took "$fifth")"
	check 'ends' daemon_stop
}

test_beside
test_driver
test_own
test_account
vm_done
