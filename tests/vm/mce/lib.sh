# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154,SC2034
#
# What the machine-check tests share, inside the small VM, after daemon/lib.sh: errors by
# mce-inject, what the kernel's own collector does, and a bus to ask the daemon on.

# shellcheck source=SCRIPTDIR/../daemon/lib.sh
. /vm/lib.sh

injector=/sys/kernel/debug/mce-inject
collector=/sys/kernel/debug/ras/cec
driver=/vm/mcedac.ko

# A corrected memory read error, one of them, with address and MISC valid (Intel's manual,
# volume 3B: MCACOD 0x0090, channel 0). MISC: a physical address that is exact to 64 bytes.
mce_status=0x8c00004000010090
mce_misc=0x86

# mce PFN: one corrected machine check of a page, as software injection makes it.
mce()
{
	for mce_word in flags=sw cpu=0 "status=$mce_status" "misc=$mce_misc" \
		"addr=$(printf '0x%x' $(($1 * page_size + 64)))" bank=7; do
		echo "${mce_word#*=}" >"$injector/${mce_word%%=*}" || return 1
	done
	sent=$((sent + 1))
}

# both PFN PFN: one of each.
both()
{
	mce "$1" && mce "$2"
}

# counted: every error that was sent, once.
counted()
{
	comes "$sent" "$(total events)" && comes "$sent" "$(total corrected_errors)"
}

# stays_counted: and no second time a little later, by another way.
stays_counted()
{
	counted && sleep 2 && comes "$sent" "$(total events)"
}

# kernel_took: how many pages the collector has offlined, by the kernel's messages.
kernel_took()
{
	dmesg | grep -c 'RAS: Soft-offlining pfn'
}

kernel_took_is()
{
	[ "$(kernel_took)" = "$1" ]
}

# who_took PFN: the page's state, result and reason, and how often we asked the kernel.
who_took()
{
	echo "SELECT state, result, reason, (SELECT count(*) FROM action
		WHERE action = 'offline' AND action.pfn = page.pfn) FROM page WHERE pfn = $(($1))"
}

# A line of the JSON of status: a key that is there once.
status_has()
{
	softofflinectl --json status >/tmp/status.json 2>&1
	grep -Eq "\"$1\": $2,?\$" /tmp/status.json
}

# status_comes KEY VALUE [SECONDS]; for check.
status_comes()
{
	wait_until "${3:-20}" status_has "$1" "$2" && return
	grep "\"$1\"" /tmp/status.json || cat /tmp/status.json
	return 1
}

# exit_code_is STATUS: of status --exit-code.
exit_code_is()
{
	softofflinectl status --exit-code >/tmp/status.txt 2>&1
	[ $? = "$1" ]
}

# exit_code_comes STATUS SECONDS; for check.
exit_code_comes()
{
	wait_until "$2" exit_code_is "$1" || { cat /tmp/status.txt; return 1; }
}

trace_reset()
{
	trace-cmd reset -a -t
}

# The bus must be there before the daemon. All that follows asks on it.
dbus-daemon --config-file=/vm/bus.conf --nofork --nosyslog --address=unix:path=/run/bus &
echo $! >/run/dbus.pid
trap 'kill $(cat /run/dbus.pid)' EXIT
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/bus
wait_until 20 test -S /run/bus || exit 1
grep -q '^vendor_id.*GenuineIntel' /proc/cpuinfo || { echo 'not an Intel model'; exit 1; }
