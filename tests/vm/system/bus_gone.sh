# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154,SC2317
#
# The bus daemon goes away and comes back, as with an upgrade of its package. The daemon
# is on the new one within seconds, says so once, and counts all the while.

# on_the_bus: root asks, and the daemon answers.
on_the_bus()
{
	try softofflinectl status
	[ "$status$err" = 0 ] || [ "$status$err" = 10 ] || [ "$status$err" = 11 ]
}

# told_of_bus PATTERN: how many lines of the journal say so, since $cursor. Not with
# --unit: the first entry that matches would be left out (seen with systemd 252).
told_of_bus()
{
	journalctl --boot --output=cat --quiet --after-cursor="$cursor" | grep -Ec "$1"
}

told_of_bus_once()
{
	[ "$(told_of_bus "$1")" = 1 ]
}

# says_once PATTERN: in the journal, which is shown if not.
says_once()
{
	wait_until 10 told_of_bus_once "$1" && return
	journalctl --boot --output=short-monotonic --quiet --after-cursor="$cursor" |
		grep softofflined | sed 's/^/      /'
	return 1
}

# bus_daemon: its process.
bus_daemon()
{
	systemctl show --value --property=MainPID dbus.service
}

# here_it_ends: from now on the journal is looked at.
here_it_ends()
{
	cursor=$(journalctl --boot --quiet --lines=0 --show-cursor | sed -n 's/^-- cursor: //p')
	main=$(prop MainPID)
	old_bus=$(bus_daemon)
}

# comes_back HOW
comes_back()
{
	check "$1: the daemon is back on the bus" wait_until 30 on_the_bus
	check "$1: which is another one" [ "$(bus_daemon)" != "$old_bus" ]
	check "$1: root is served" softofflinectl reload
	check "$1: an ordinary user is" sh -c "setpriv --reuid=65534 --clear-groups \
		softofflinectl status >/dev/null"
	check "$1: it says once that it was gone" says_once \
		'connection to the system bus ended'
	check "$1: and once that it is back" says_once \
		'On the system bus again'
	check "$1: the same process" same "$main" "$(prop MainPID)"
	check "$1: nothing was missed" wait_until 10 counted
}

part 'the bus goes away'
here_it_ends
systemctl restart dbus.service
ce 0 1 label=DIMM_B0 top=1
comes_back 'restarted'

here_it_ends
kill -KILL "$old_bus"
ce 0 1 label=DIMM_B0 top=1
# Its socket starts it again for who comes next.
comes_back 'killed'

here_it_ends
systemctl stop dbus.socket dbus.service 2>/dev/null
check 'stopped: there is none' sh -c '! systemctl --quiet is-active dbus.service dbus.socket'
ce 0 1 label=DIMM_B0 top=1
try softofflinectl status
check 'stopped: what is stored is shown' has "$said" '^Verdict +'
check 'stopped: and why not more' has "$err" 'system bus'
systemctl start dbus.socket dbus.service
comes_back 'stopped'
