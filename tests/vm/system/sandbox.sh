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

# What may be written in there, and on which mounts a program may be executed, as reach
# prints it: this and nothing else. A line that begins with ? need not be there: not every
# kernel or systemd has it. What may be written and executed would be KIND+exec: nothing.
# A dot is the reason above.
intent='
own /proc/PID				its own process
? other /proc/PID			hidepid= spares the group root, which it has; no memory
file /sys/devices/system/memory/soft_offline_page	what it is for
? file /proc/sys/vm/enable_soft_offline	SoftOfflineControl=own
dir /sys/kernel/tracing/instances	its trace instance
dir /var/lib/softofflined		its database
dir /var/lib/prometheus/node-exporter	its metrics
dir /tmp				its own, of PrivateTmp=
dir /var/tmp				its own, of PrivateTmp=
dir /dev/shm				of PrivateDevices=, for libraries; shared
dir /dev/pts				of PrivateDevices=
device /dev/full			of PrivateDevices=: these seven lead nowhere
device /dev/null			.
device /dev/ptmx			.
device /dev/random			.
device /dev/tty				.
device /dev/urandom			.
device /dev/zero			.
? device /sys/kernel/security/apparmor/.null	leads nowhere, either
? file /proc/pressure/cpu		a trigger that it could set for itself
? file /proc/pressure/io		.
? file /proc/pressure/irq		.
? file /proc/pressure/memory		.
? file /sys/fs/cgroup/system.slice/softofflined.service/memory.pressure	the same, by MemoryPressureWatch=
file /proc/mcgen			of this test
file /proc/mcgen_frames		of this test
file /proc/fedac			of this test
socket /run/dbus/system_bus_socket	how it is asked; who is asked decides who may what
socket /run/systemd/notify		READY and the watchdog
socket /run/systemd/journal/dev-log	its messages
socket /run/systemd/journal/socket	.
socket /run/systemd/journal/stdout	.
? socket /run/systemd/journal/io.systemd.journal	what listens here asks who it is: root, as on the bus
? socket /run/systemd/private		.
? socket /run/systemd/io.system.ManagedOOM	. (systemd 252)
? socket /run/systemd/io.systemd.ManagedOOM	. (257, and the next three)
? socket /run/systemd/io.systemd.Credentials	.
? socket /run/systemd/io.systemd.Hostname	.
? socket /run/systemd/io.systemd.sysext	.
? socket /run/systemd/userdb/io.systemd.DynamicUser	.
? socket /run/udev/control		.
exec /usr/sbin/softofflined		ExecPaths=
exec /usr/bin/softofflinectl		ExecPaths=, for the reload
exec /usr/lib				ExecPaths=, libraries
? exec /usr/lib64			ExecPaths=
exec /run/systemd/incoming		read-only and empty: for systemctl bind
'

# intended FILE: FILE, of reach, has every line that must be there, and no other.
intended()
{
	printf '%s' "$intent" | awk -v have="$1" '
		NF { need = $1 != "?"; sub(/^\? /, ""); want[$1 " " $2] = need + 1 }
		END {
			while ((getline line <have) > 0) {
				if (!want[line])
					bad = bad "\n      open, and not meant to be: " line
				want[line] = 1
			}
			for (line in want)
				if (want[line] == 2)
					bad = bad "\n      meant to be open: " line
			print substr(bad, 2)
			exit bad != ""
		}'
}

# closed_inside DIR: nothing of it can be seen in there.
closed_inside()
{
	[ "$(stat -c %a "$inside$1")" = 0 ] && [ -z "$(ls -A "$inside$1")" ]
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

# exposed TENTHS UNIT: at most so much, says systemd.
exposed()
{
	systemd-analyze security --no-pager --threshold="$1" "$2" \
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
check 'all that can be reached is listed' sh -c "reach $main >/run/reach.out"
LC_ALL=C sort -u /run/reach.out >"$out/reach.txt"
check 'as much as the unit means can be written or executed, and no more' \
	intended "$out/reach.txt"

# A hole is seen: what is mounted out here after the start, which the unit cannot hinder.
mount -t tmpfs none /opt
check 'a hole would be seen' same 'dir+exec /opt exec /opt' \
	"$(reach "$main" /opt | LC_ALL=C sort | paste -sd' ')"
umount /opt
check 'and its end, too' same '' "$(reach "$main" /opt)"

# A program that is registered there is one that the kernel starts, out here.
binfmt=/proc/sys/fs/binfmt_misc
if grep -qw binfmt_misc /proc/filesystems; then
	check 'binfmt_misc is not mounted for the sandbox' sh -c \
		"! systemctl --quiet is-active proc-sys-fs-binfmt_misc.mount"
	check 'it is when somebody looks' [ -w "$binfmt/register" ]
	check 'and is closed in there all the same' closed_inside "$binfmt"
	check 'no way round' same '' "$(reach "$main" "${binfmt%/*}")"
else
	echo '      this kernel has no binfmt_misc'
fi
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
check 'exposure of at most 1.0' exposed 10 "$unit"
check 'the threshold is heeded' sh -c "! systemd-analyze security --no-pager \
	--threshold=1 $unit >/dev/null 2>&1"
