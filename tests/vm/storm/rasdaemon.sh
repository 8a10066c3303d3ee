#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside the VM: the same storms, as Debian's rasdaemon bears them: one for each line of
# /vm/plan. Where it has a policy for pages it is on, with the threshold that our policy
# has in the storm. It knows no policy for one DIMM.
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

# settled: nothing has been added for five seconds, and no page went.
settled()
{
	before="$(rows) $(poisoned_kib)"
	sleep 5
	[ "${before%% *}" -gt 0 ] && [ "$(rows) $(poisoned_kib)" = "$before" ]
}

one_storm()
{
	use_storm "$1"
	echo "--- storm ($storm), rasdaemon ($(cut -d. -f1 /proc/uptime) s)"
	prepare_victim
	rm -f "$db"*
	ROW_CE_ACTION=off PAGE_CE_REFRESH_CYCLE=24h PAGE_CE_THRESHOLD=$crossing PAGE_CE_ACTION=soft \
		rasdaemon --foreground --record >/tmp/rasdaemon.log 2>&1 &
	daemon=$!
	check 'rasdaemon watches' wait_until 60 watches
	sleep 2
	run_storm "$daemon"
	check 'it has come to rest' wait_until 240 settled
	cost "$daemon"
	recorded=$(rows)
	figure recorded "$recorded"
	figure lost $((sent - recorded))
	retired
	figure database_bytes "$(wc -c <"$db")"
	figure log_lines "$(grep -c . /tmp/rasdaemon.log)"
	check 'it recorded something' [ "$recorded" -gt 0 ]
	grep -iE 'page|offlin' /tmp/rasdaemon.log | head -n 3
	kill "$daemon"
	wait "$daemon"
	victim_stop victim
}

who=rasdaemon
mkdir -p /var/lib/rasdaemon "$instance"
while read -r _ next_storm <&9; do
	one_storm "$next_storm"
done 9</vm/plan
vm_done
