# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034,SC2154
#
# The firmware of this machine: where its records are, the modules that SMBIOS names, and
# how a record gets to the kernel. After lib.sh.

block=0x80000000
module_a=0x1100
module_b=0x1101
trace=/sys/kernel/tracing/instances/raw

# report PFN OPTION...: firmware tells of an error, 0x40 into the frame.
report()
{
	report_pfn=$1
	shift
	ghesinj --block "$block" "$@" "$(printf '0x%x' $((report_pfn * page_size + 64)))" || return
	sent=$((sent + 1))
}

# rose PAGES: HardwareCorrupted, since $poison_before.
rose()
{
	same "$((poison_before + $1 * page_size / 1024))" "$(poisoned_kib)"
}

# verdict NAME: a row of check's output, with what it advises.
verdict()
{
	softofflinectl check 2>/dev/null | grep -A 1 "$1"
}

test_firmware()
{
	check 'the firmware is UEFI' [ -d /sys/firmware/efi ]
	check 'the kernel took the table from the initramfs' \
		has "$(dmesg)" 'ACPI: Table Upgrade: install \[HEST-SOFTOF-TESTHEST\]'
	check 'and found the error source' [ -e /sys/bus/platform/drivers/GHES/GHES.0 ]
}

mkdir "$trace" || exit 1
echo 1 >"$trace/events/ras/enable"
test_firmware
