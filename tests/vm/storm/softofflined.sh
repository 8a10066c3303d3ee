#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside the VM: the storm, as softofflined bears it.
#
# shellcheck disable=SC2317  # functions are called through check

# shellcheck source=SCRIPTDIR/storm.sh
. /vm/storm.sh

# The burst's DIMM is only counted, so that what the policy names is known.
fresh storm <<END
[Policy]
PageThreshold=$crossing / 24h
[Policy "DIMM_B0"]
PageThreshold=off
RowThreshold=off
$unlimited
END

# Failing pages that reached the threshold by what could be counted, and are in use.
undone="SELECT count(*) FROM page WHERE state <> 'offlined'
	AND corrected_errors >= $crossing
	AND dimm NOT IN (SELECT id FROM dimm WHERE label = 'DIMM_B0')"

# settled: all that was sent is stored or known to be lost, and all is done.
settled()
{
	[ "$(sql "SELECT sum(value) FROM totals
		WHERE key IN ('events', 'events_lost')" 2>/dev/null)" -ge "$sent" ] &&
		[ "$(sql "$undone")" = 0 ]
}

# reaction WHEN: milliseconds from the error that crosses the threshold to the
# end of the write: how many, median, 99th of a hundred, longest.
reaction()
{
	awk -v when="$1" '$1 == "crossed" && $2 == when { print $3 "," $4 }' \
		/tmp/storm.out >/tmp/crossed.csv
	sqlite3 -readonly -cmd '.timeout 10000' -cmd 'CREATE TEMP TABLE crossed(pfn, time)' \
		-cmd '.mode csv' -cmd '.import --schema temp /tmp/crossed.csv crossed' "$db" \
		"SELECT (action.time + duration_usec - crossed.time) / 1000.0
		FROM crossed JOIN action ON action.pfn = CAST(crossed.pfn AS INTEGER)
		WHERE result = 'offlined' ORDER BY 1" >/tmp/reactions
	figure "reaction_$1_n" "$(grep -c . /tmp/reactions)"
	for part in median:50 p99:99 max:100; do
		figure "reaction_$1_${part%:*}_msec" \
			"$(awk -v p="${part#*:}" '{ v[NR] = $1 }
			END { i = int((NR * p + 99) / 100); print v[i < 1 ? 1 : i] }' \
			/tmp/reactions)"
	done
}

prepare_victim
check 'daemon starts' daemon_start
run_storm "$daemon"
check 'recorded and lost are what was sent, and all is done' wait_until 120 settled
cost "$daemon"
recorded=$(sql "$(total events)")
lost=$(sql "$(total events_lost)")
figure recorded "$recorded"
figure lost "$lost"
figure retired "$(retired)"
check 'recorded + lost = sent' same "$sent" "$((recorded + lost))"
check 'the history has every recorded event' comes "$recorded" 'SELECT sum(events) FROM ce'
check 'every page that reached its threshold is out of use' comes 0 "$undone"
# On a machine that is too slow some errors of failing pages are lost, and counted so.
[ "$lost" != 0 ] ||
	check 'none lost: every failing frame is out of use' same "$failing" "$(retired)"
[ "$(retired)" = "$failing" ] || {
	sql 'SELECT state, reason, result, count(*) FROM page GROUP BY 1, 2, 3'
	tail -n 20 "$log"
}
sql "SELECT printf('0x%x', pfn) FROM page WHERE state = 'offlined'" >/tmp/offlined
check 'once each' offlined_once /tmp/offlined
check 'the process has every byte' same 'verify ok' "$(victim_ask victim verify)"
check 'RSS is below 24 MiB' [ "$(max_rss_kib "$daemon")" -lt $((24 * 1024)) ]
reaction burst
reaction tail
[ "$lost" != 0 ] ||
	check 'every reaction was measured' same 100 "$(grep -c . /tmp/reactions)"
# What is the kernel's own share, and how long one page takes when the next waits.
figure write_median_msec "$(sql "SELECT duration_usec / 1000.0 FROM action
	WHERE result = 'offlined' ORDER BY duration_usec LIMIT 1 OFFSET 99")"
figure turn_msec "$(sql "SELECT (max(time) - min(time)) / 99000.0 FROM
	(SELECT time FROM action WHERE result = 'offlined' ORDER BY id LIMIT 100)")"
figure database_bytes "$(cat "$db" "$db-wal" 2>/dev/null | wc -c)"
figure log_lines "$(grep -c . "$log")"
check 'the log is short' [ "$(grep -c . "$log")" -lt 400 ]
check 'SIGTERM ends it with 0' daemon_stop
vm_done
