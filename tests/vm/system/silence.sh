# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154,SC2317
#
# Root is served however long nobody asked: longer than every time-out of the bus, which
# gives a connection 30 s (auth_timeout) to introduce itself. Before the first question,
# and once more between two; what needs no bus is tested meanwhile, see test.sh.

silence=36

# Seconds since boot: this machine does not sleep.
now()
{
	cut -d. -f1 /proc/uptime
}

# silent_since SECONDS: waits until nobody has asked for longer than that.
silent_since()
{
	until [ "$(now)" -ge $(($1 + silence)) ]; do
		sleep 1
	done
}

# root_is_served WHEN
root_is_served()
{
	try softofflinectl status
	check "$1: status" same '0 ' "$status $err"
	check "$1: from the daemon" has "$said" '^Daemon +.*running since'
	try softofflinectl show 0x3000
	check "$1: show" has "$status $err" '^(0|1 .*nothing is known of the page)'
	try softofflinectl forget 0x3000
	check "$1: forget, of what is not known" sh -c "[ $status = 1 ] &&
		! grep -i root /run/try.err"
	try softofflinectl reload
	check "$1: reload" same '0  ' "$status $said $err"
	try systemctl reload "$unit"
	check "$1: systemctl reload" same '0 ' "$status $err"
	asked=$(now)
}
