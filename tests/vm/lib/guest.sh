# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# For tests inside the VM, busybox sh or dash: . /vm/guest.sh
#
# check runs a command and prints "ok" or "FAIL" with its description;
# vm_done ends the test with 0 only if nothing failed and something ran.

vm_checks=0
vm_failures=0

# Of this machine, in bytes: arm64 has kernels with pages of 4, 16 and 64 KiB.
page_size=$(awk '$1 == "KernelPageSize:" { print $2 * 1024; exit }' /proc/self/smaps)

# shellcheck disable=SC2034  # for those who source this
page_kib=$((page_size / 1024))

# The largest range of RAM: its first and its last frame, and an address amidst it that
# belongs to no test. Where RAM begins is the machine's matter: at 1 GiB on QEMU's arm64.
ram_largest=$(while read -r ram_range ram_what; do
	[ "$ram_what" != ': System RAM' ] || echo "$((0x${ram_range%-*})) $((0x${ram_range#*-}))"
done </proc/iomem | awk '$2 - $1 > most { most = $2 - $1; range = $0 } END { print range }')
ram_first=$((${ram_largest% *} / page_size))
ram_last=$((${ram_largest#* } / page_size))
# shellcheck disable=SC2034,SC2017  # for those who source this; and a whole page is meant
ram_middle=$(printf '0x%x' $(((ram_first + ram_last) / 2 * page_size + 64)))

# check DESCRIPTION COMMAND...
check()
{
	vm_description=$1
	shift
	vm_checks=$((vm_checks + 1))
	if "$@"; then
		echo "ok    $vm_description"
	else
		echo "FAIL  $vm_description: $*"
		vm_failures=$((vm_failures + 1))
	fi
}

# same WANT HAVE: equal strings; for check.
same()
{
	[ "$1" = "$2" ] || { echo "      want '$1', have '$2'"; return 1; }
}

# has TEXT PATTERN: an extended regular expression matches; for check.
has()
{
	printf '%s\n' "$1" | grep -Eq -- "$2" ||
		{ echo "      no '$2' in: $1"; return 1; }
}

# wait_until SECONDS COMMAND...: true as soon as the command is. The seconds are
# those of an idle machine, which this one may not be: three times as many pass.
wait_until()
{
	vm_deadline=$(($(cut -d. -f1 /proc/uptime) + 3 * $1))
	shift
	until "$@"; do
		[ "$(cut -d. -f1 /proc/uptime)" -lt "$vm_deadline" ] ||
			return 1
		sleep 0.1
	done
}

vm_done()
{
	echo "$((vm_checks - vm_failures)) of $vm_checks checks passed"
	[ "$vm_checks" -gt 0 ] && [ "$vm_failures" -eq 0 ]
	exit
}

# poisoned_kib: HardwareCorrupted from /proc/meminfo.
poisoned_kib()
{
	awk '$1 == "HardwareCorrupted:" { print $2 }' /proc/meminfo
}

# soft_offline PFN: ask the kernel; the frame number is 0x and hex digits.
soft_offline()
{
	printf '0x%x\n' "$(($1 * page_size))" \
		>/sys/devices/system/memory/soft_offline_page
}

# victim_start NAME ARGUMENT...: a victim process behind /run/NAME.{in,out}.
victim_start()
{
	vm_victim=/run/$1
	shift
	: >"$vm_victim.out"
	victim --fifo="$vm_victim.in" "$@" >>"$vm_victim.out" 2>&1 &
	echo $! >"$vm_victim.pid"
	wait_until 60 grep -q ready "$vm_victim.out"
}

# victim_ask NAME COMMAND: send it and print what the victim says to it.
victim_ask()
{
	vm_lines=$(wc -l <"/run/$1.out")
	echo "$2" >"/run/$1.in"
	wait_until 60 vm_answered "/run/$1.out" "$vm_lines" || return 1
	tail -n "+$((vm_lines + 1))" "/run/$1.out"
}

vm_answered()
{
	tail -n "+$(($2 + 1))" "$1" | grep -Eq '^(ready|verify|unknown)'
}

# victim_pfn NAME INDEX: the present frame number of one of its pages.
victim_pfn()
{
	victim_ask "$1" pfns | awk -v i="$2" '$1 == "page" && $2 == i { print $4 }'
}

# victim_stop NAME: its memory is free when this returns.
victim_stop()
{
	echo quit >"/run/$1.in"
	wait "$(cat "/run/$1.pid")"
}
