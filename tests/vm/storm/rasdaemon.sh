#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside the VM: the same storm, as rasdaemon bears it that Debian packages. It
# has no policy for pages there; what it records can be compared.
#
# shellcheck disable=SC2317  # functions are called through check

# shellcheck source=SCRIPTDIR/storm.sh
. /vm/storm.sh

instance=/sys/kernel/tracing/instances/rasdaemon
db=/var/lib/rasdaemon/ras-mc_event.db

watches()
{
	[ "$(cat "$instance/events/ras/mc_event/enable" 2>/dev/null)" = 1 ]
}

rows()
{
	sql 'SELECT count(*) FROM mc_event' 2>/dev/null || echo 0
}

# settled: nothing has been added for five seconds.
settled()
{
	before=$(rows)
	sleep 5
	[ "$before" -gt 0 ] && [ "$(rows)" = "$before" ]
}

mkdir -p /var/lib/rasdaemon "$instance"
prepare_victim
rasdaemon --foreground --record >/tmp/rasdaemon.log 2>&1 &
daemon=$!
check 'rasdaemon watches' wait_until 30 watches
sleep 2
run_storm "$daemon"
check 'it has come to rest' wait_until 240 settled
cost "$daemon"
recorded=$(rows)
figure recorded "$recorded"
figure lost $((sent - recorded))
figure retired "$(retired)"
figure database_bytes "$(wc -c <"$db")"
check 'it recorded something' [ "$recorded" -gt 0 ]
cat "$instance"/per_cpu/cpu[01]/stats | grep -E 'overrun|entries|read' | tr '\n' ' '
echo
kill "$daemon"
vm_done
