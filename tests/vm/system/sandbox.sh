# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154,SC2317
#
# The sandbox holds: seen through the eyes of its mount namespace, which is
# what /proc/PID/root shows. Whatever is refused in there must work out here,
# or the check would prove nothing.

main=$(prop MainPID)
inside=/proc/$main/root

# opens PATH: for writing; nothing is written.
opens()
{
	err=$({ : >>"$1"; } 2>&1)
}

refused_inside()
{
	opens "$1" || { echo "      not even outside: $err"; return 1; }
	if opens "$inside$1"; then
		return 1
	fi
	has "$err" 'Read-only file system|Permission denied'
}

# mounts PATTERN: mount points in there whose options match.
mounts()
{
	awk -v pattern="$1" '$6 ~ pattern { print $5 }' "/proc/$main/mountinfo" |
		LC_ALL=C sort -u
}

# of_process FIELD: from /proc/PID/status.
of_process()
{
	awk -v key="$1:" '$1 == key { print $2 }' "/proc/$main/status"
}

not_executed()
{
	nsenter --target $$ --mount "$1" || return 1
	err=$(nsenter --target "$main" --mount "$1" 2>&1) && return 1
	has "$err" 'Permission denied'
}

# exposed TENTHS: at most so much, says systemd.
exposed()
{
	systemd-analyze security --no-pager --threshold="$1" "$unit" \
		>/run/security.txt 2>&1 || { tail -n 3 /run/security.txt; return 1; }
}

part 'the sandbox'
for file in /sys/devices/system/memory/hard_offline_page \
	/sys/devices/system/memory/memory0/state \
	/sys/kernel/tracing/tracing_on /sys/kernel/tracing/kprobe_events \
	/proc/sys/kernel/core_pattern /proc/sysrq-trigger \
	/etc/hostname /usr/bin/softofflinectl \
	/var/lib/dpkg/status; do
	check "read-only in there: $file" refused_inside "$file"
done
for file in /sys/devices/system/memory/soft_offline_page \
	"$instance/tracing_on" "$database"; do
	check "open in there: $file" opens "$inside$file"
done
check 'nothing else can be written' same "$(printf '%s\n' /dev/hugepages \
	/dev/mqueue /dev/pts /dev/shm /proc \
	/sys/devices/system/memory/soft_offline_page \
	/sys/kernel/tracing/instances /tmp /var/lib/prometheus/node-exporter \
	/var/lib/softofflined /var/tmp)" "$(mounts '^rw')"
check 'nothing that can be written can be executed' same /dev/hugepages \
	"$(mounts '^rw' >/run/rw; mounts noexec >/run/noexec;
	LC_ALL=C comm -23 /run/rw /run/noexec)"
touch /tmp/outside
check 'its /tmp is its own' [ ! -e "$inside/tmp/outside" ]
check 'no disks in its /dev' [ -e /dev/vda -a ! -e "$inside/dev/vda" ]
check 'no /etc/shadow' [ -s /etc/shadow -a ! -s "$inside/etc/shadow" ]
check 'no debugfs' [ -e /sys/kernel/debug/sched -a \
	! -e "$inside/sys/kernel/debug/sched" ]
check 'no network' [ "$(readlink "/proc/$main/ns/net")" != \
	"$(readlink /proc/1/ns/net)" ]
check 'nothing can be executed' not_executed /usr/bin/true
check 'but softofflinectl, for the reload' nsenter --target "$main" --mount \
	/usr/bin/softofflinectl --version
check 'CAP_SYS_ADMIN is all it has' same \
	'0000000000200000 0000000000200000 0000000000000000' \
	"$(of_process CapBnd) $(of_process CapEff) $(of_process CapAmb)"
check 'no new privileges, and system calls filtered' same '1 2' \
	"$(of_process NoNewPrivs) $(of_process Seccomp)"
check 'exposure of at most 1.5' exposed 15
check 'the threshold is heeded' sh -c "! systemd-analyze security --no-pager \
	--threshold=1 $unit >/dev/null 2>&1"
