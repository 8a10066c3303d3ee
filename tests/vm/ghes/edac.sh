#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside an arm64 VM with UEFI, whose firmware takes each memory error first and passes
# it on by ACPI: what arrives in ras:mc_event, and what the daemon makes of it.
#
# shellcheck disable=SC2317,SC2154  # functions are called through check

# shellcheck source=SCRIPTDIR/../daemon/lib.sh
. /vm/lib.sh

# shellcheck source=SCRIPTDIR/record.sh
. /vm/record.sh

mc=/sys/devices/system/edac/mc/mc0

# raw PATTERN: the newest mc_event, as the kernel prints it.
raw()
{
	has "$(grep mc_event: "$trace/trace" | tail -n 1)" "$1"
}

ctl()
{
	softofflinectl --db "$db" "$@"
}

# dimm LABEL COLUMNS
dimm()
{
	echo "SELECT $2 FROM dimm WHERE label = '$1'"
}

unattributed()
{
	comes "$1" "SELECT sum(count) FROM ce WHERE unattributed = '$2'"
}

test_driver()
{
	check 'its driver of EDAC is at work' same ghes_edac "$(cat $mc/mc_name)"
	check 'it has a DIMM for each module' same 'CHANNEL A DIMM_A0
CHANNEL B DIMM_B0' "$(cat $mc/dimm*/dimm_label)"
	check 'check says so' has "$(verdict memory-controller)" \
		'1 memory controller with 2 DIMMs, 1024 MiB, by ghes_edac'
}

# Two errors of a frame that a program holds: the path from firmware to a page in safety.
test_threshold()
{
	failing=$(victim_pfn victim 1)
	report "$failing" --module "$module_b"
	check 'the error is an mc_event' raw 'mc_event: 1 Corrected error: single-bit ECC on CHANNEL B DIMM_B0 '
	check 'with its address' raw "address:$(printf '0x%08x' $((failing * page_size + 64))) grain:1 "
	check 'one error: counted' stored_all
	check 'the page is watched' comes watched "$(page "$failing" state)"
	check 'charged to the module' comes '1|0' \
		"$(dimm 'CHANNEL B DIMM_B0' 'corrected_errors, offlined')"
	check 'nothing is poisoned' rose 0
	report "$failing" --module "$module_b"
	check 'two errors: offlined' comes 'offlined|offlined|2' \
		"$(page "$failing" 'state, result, corrected_errors')"
	check 'by the threshold' comes "page-threshold|anonymous|0|$((page_size / 1024))" "SELECT reason, page_type,
		error, poisoned_after_kib - poisoned_before_kib FROM action
		WHERE action = 'offline' AND pfn = $((failing))"
	check 'HardwareCorrupted rose by one page' rose 1
	check 'the frame is poisoned' poisoned "$failing"
	check 'charged to the module' comes '2|1' \
		"$(dimm 'CHANNEL B DIMM_B0' 'corrected_errors, offlined')"
	check 'every byte is intact' same 'verify ok' "$(victim_ask victim verify)"
	check 'the process has another page' [ "$(victim_pfn victim 1)" != "$failing" ]
}

# What must be counted, and must not lead to an action.
test_hygiene()
{
	other=$(victim_pfn victim 2)
	for _ in 1 2 3; do report "$other" --no-address --module "$module_a"; done
	check 'no address: the event has 0' raw 'on CHANNEL A DIMM_A0 .*address:0x00000000 grain:1 '
	check 'counted, with the reason' unattributed 3 no-address
	for _ in 1 2 3; do report "$other" --mask 0xffffffffffff0000 --module "$module_a"; done
	check 'more than a page: the event says how much' raw 'grain:65536 '
	check 'counted, with the reason' unattributed 3 coarse-grain
	check 'charged to the module' comes '6|6' \
		"$(dimm 'CHANNEL A DIMM_A0' 'corrected_errors, unattributed')"
	report "$other" --module 0x7777
	check 'a module that nobody knows' raw 'on unknown memory '
	check 'is charged by that name' comes '1' "$(dimm 'unknown memory' corrected_errors)"
	report "$other" --mask 0xffffffffffffffc0
	check 'two errors of one page cross, whatever the module' comes offlined \
		"$(page "$other" state)"
	check 'all are stored' stored_all
	check 'HardwareCorrupted rose by one page more' rose 2
}

# The kernel treats this one itself: on arm64 as on x86.
test_uncorrected()
{
	bad=$(victim_pfn victim 3)
	report "$bad" --recoverable --module "$module_a"
	check 'an uncorrected error is an mc_event' raw '1 Uncorrected error: multi-bit ECC on CHANNEL A DIMM_A0 '
	check 'counted for the module' comes 1 \
		"$(dimm 'CHANNEL A DIMM_A0' uncorrected_errors)"
	check 'told' logged 'uncorrected memory error.* on CHANNEL A DIMM_A0'
	check 'the kernel poisoned the frame' wait_until 20 poisoned "$bad"
	check 'no attempt of ours' comes 0 "$(attempts "$bad")"
	check 'stored' stored_all
}

# Firmware's own threshold: the kernel acts without us, and we see the page gone.
test_kernel_acts()
{
	taken=$(victim_pfn victim 4)
	report "$taken" --threshold --module "$module_b"
	check 'the kernel takes the page' wait_until 20 poisoned "$taken"
	report "$taken" --module "$module_b"
	check 'we find it gone' comes 'offlined|already|0' \
		"$(page "$taken" 'state, result, by_us')"
	check 'no attempt of ours' comes 0 "$(attempts "$taken")"
	check 'stored' stored_all
}

test_outputs()
{
	# shellcheck disable=SC2119  # none
	check 'SIGTERM ends it with 0' daemon_stop
	check 'status counts them' has "$(ctl status)" \
		'12 corrected in 13 events; 6 name no usable page'
	check 'dimms shows both' same 2 "$(ctl dimms | grep -c '^CHANNEL . DIMM_.0 ')"
	check 'the kernel has no complaint' same '' \
		"$(dmesg | grep -E 'WARNING:|BUG:|FW_BUG|Firmware Bug' | head -n 3)"
}

test_driver
fresh ghes <<END
$unlimited
END
check 'victim starts' victim_start victim 16
poison_before=$(poisoned_kib)
check 'daemon starts' daemon_start
test_threshold
test_hygiene
test_kernel_acts
test_uncorrected
test_outputs
vm_done
