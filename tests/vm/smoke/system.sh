#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside the full-system VM: is this a Debian that a service can be tested on?
#
# shellcheck disable=SC2317  # functions are called through check

# shellcheck source=SCRIPTDIR/../lib/guest.sh
. /vm/guest.sh

metrics_served()
{
	bash -c 'exec 3<>/dev/tcp/127.0.0.1/9100 &&
		printf "GET /metrics HTTP/1.0\r\n\r\n" >&3 &&
		grep -q "^node_memory_HardwareCorrupted_bytes" <&3' 2>/dev/null
}

systemd-analyze
check 'the system is running' same running "$(systemctl is-system-running)"
check 'no failed unit' same '' "$(systemctl --failed --no-legend --plain)"
check 'PID 1 is systemd' same systemd "$(cat /proc/1/comm)"
check 'D-Bus answers' has "$(busctl list --no-pager)" 'org\.freedesktop\.systemd1'
logger 'hello from the smoke test' 2>/dev/null ||
	echo 'hello from the smoke test' | systemd-cat
check 'the journal takes and gives' wait_until 10 \
	sh -c 'journalctl -b --no-pager | grep -q "hello from the smoke test"'
check 'tracefs is mounted' [ -e /sys/kernel/tracing/events/ras/mc_event/format ]
check 'the install tree arrived' same yes "$(cat /etc/vm-smoke)"
check 'fedac is there' [ -d /sys/devices/system/edac/mc/mc0 ]
check 'a transient unit runs' systemd-run --quiet --wait true

systemctl start prometheus-node-exporter
check 'node_exporter serves' wait_until 30 metrics_served
# The unit's two processes race to make the instance, and the daemon may lose
# and end (rasdaemon 0.6.8); so it is there before them.
mkdir /sys/kernel/tracing/instances/rasdaemon
systemctl start rasdaemon
check 'rasdaemon starts' wait_until 30 systemctl is-active --quiet rasdaemon
check 'it watches in its trace instance' wait_until 20 grep -q 1 \
	/sys/kernel/tracing/instances/rasdaemon/events/ras/mc_event/enable

check 'victim starts' victim_start victim 4
pfn=$(victim_pfn victim 1)
check "offline frame $pfn" soft_offline "$pfn"
check 'every byte is intact' same 'verify ok' "$(victim_ask victim verify)"
check 'kpage shows hwpoison' has "$(kpage "$pfn")" hwpoison
victim_stop victim
vm_done
