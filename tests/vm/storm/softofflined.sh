#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside the VM: storms, as softofflined bears them: one for each line "PROGRAM STORM" of
# /vm/plan, and a daemon of its own for each.
#
# shellcheck disable=SC2317  # functions are called through check

# shellcheck source=SCRIPTDIR/storm.sh
. /vm/storm.sh

# The burst's DIMM of (a) is only counted, so that what the policy names is known.
configure()
{
	case $storm in
	a | d-a) printf '[Policy]\nPageThreshold=%s / 24h\n' "$crossing"
		printf '[Policy "%s"]\nPageThreshold=off\nRowThreshold=off\n' "$burst_dimm" ;;
	c) printf '[Policy]\nPageThreshold=%s / 24h\n' "$crossing" ;;
	esac
	echo "$unlimited"
}

# The daemon's lines are stamped as they come; its messages have no time of their own.
stamped_start()
{
	started=0
	rm -f "$log.pipe"
	mkfifo "$log.pipe"
	stamp <"$log.pipe" >"$log" &
	"softofflined-$program" --config "$conf" --db "$db" 2>"$log.pipe" &
	daemon=$!
	wait_until 30 daemon_watches
}

stored()
{
	sql "SELECT sum(value) FROM totals WHERE key IN ('events', 'events_lost')" 2>/dev/null
}

# Pages that reached the threshold by what could be counted, and are in use. On a machine
# that is too slow some errors of failing pages are lost, and counted so.
undone()
{
	of_all=
	[ "$goes" = "$burst_frames" ] ||
		of_all="AND dimm NOT IN (SELECT id FROM dimm WHERE label = '$burst_dimm')"
	echo "SELECT count(*) FROM page WHERE state <> 'offlined'
		AND corrected_errors >= $crossing $of_all"
}

offlined_of()
{
	echo "SELECT count(*) FROM page WHERE state = 'offlined' AND dimm $1
		(SELECT id FROM dimm WHERE label = '$burst_dimm')"
}

all_done()
{
	[ "$(sql "$(undone)")" = 0 ] && [ "$(sql "$(pages pending)")" = 0 ]
}

# settle: until all that was sent is stored or known to be lost, and all is done. What was
# not stored while the daemon used no CPU was counted, and would be lost with the machine.
settle()
{
	settle_from=$(cut -d. -f1 /proc/uptime)
	settled_at=
	idle_unstored=0
	cpu=
	while :; do
		cpu_was=$cpu
		cpu=$(ticks "$daemon" 12 13)
		have=$(stored)
		have=${have:-0}
		[ "$have" -lt "$sent" ] || [ -n "$settled_at" ] || settled_at=$(boot_msec)
		[ "$cpu" != "$cpu_was" ] || [ $((sent - have)) -le "$idle_unstored" ] ||
			idle_unstored=$((sent - have))
		[ -z "$settled_at" ] || ! all_done || return 0
		[ $(($(cut -d. -f1 /proc/uptime) - settle_from)) -lt 360 ] || return 1
		sleep 0.2
	done
}

boot_msec()
{
	awk '{ print $1 * 1000 }' /proc/uptime
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
	[ -s /tmp/reactions ] || return
	for part in median:50 p99:99 max:100; do
		figure "reaction_$1_${part%:*}_msec" \
			"$(awk -v p="${part#*:}" '{ v[NR] = $1 }
			END { i = int((NR * p + 99) / 100); print v[i < 1 ? 1 : i] }' \
			/tmp/reactions)"
	done
}

# The thread that writes to the kernel: its system time is almost all the kernel's own.
writer_cost()
{
	for task in "/proc/$daemon/task/"*; do
		[ "$(cat "$task/comm")" = soft-offline ] || continue
		figure writer_user_msec "$(ticks "$daemon/task/${task##*/}" 12)"
		figure writer_system_msec "$(ticks "$daemon/task/${task##*/}" 13)"
	done
}

# How long after the burst's first error the DIMM was to be replaced. The evidence came
# between the two, so it was said sooner than this.
said_replace()
{
	said=$(awk -v dimm="$burst_dimm" 'index($0, dimm) && /replace the DIMM/ {
		print $1; exit }' "$log")
	[ -n "$said" ] && figure replace_msec $(((said - burst_began) / 1000))
}

# Every attempt on a page was one, and there are as many as the policy names.
offlined_once_each()
{
	same "$1|$1" "$(sql "SELECT count(*), count(DISTINCT pfn) FROM action
		WHERE action = 'offline' AND result = 'offlined'")"
}

check_counts()
{
	events=$(sql "$(total events)")
	lost=$(sql "$(total events_lost)")
	figure recorded "$events"
	figure lost "$lost"
	check 'recorded + lost = sent' same "$sent" $((events + lost))
	check 'the history has every recorded event' comes "$events" 'SELECT sum(events) FROM ce'
	check 'no gap' same 0 "$(sql "$(total gaps)")"
	[ "$lost" = 0 ] || [ -z "$strict" ] || [ "$storm" != "${storm#d}" ] ||
		check 'nothing is lost' same 0 "$lost"
	check_dimms
}

# Each DIMM has its own events and what was lost of them; what several may have lost is
# charged to none of them.
check_dimms()
{
	of_a=$((failing_n * errors_each))
	of_burst=$burst_events
	[ "$burst_dimm" != DIMM_A0 ] || of_burst=$sent
	charge="SELECT coalesce(sum(corrected_errors), 0) FROM dimm"
	check 'the DIMMs are charged for all' same "$sent" "$(sql "$charge")"
	if [ "$lost" = 0 ] || [ "$burst_dimm" = DIMM_A0 ] || [ "$failing_n" = 0 ]; then
		check "$burst_dimm for its own, with what was lost" same "$of_burst" \
			"$(sql "$charge WHERE label = '$burst_dimm'")"
	fi
	[ "$lost" != 0 ] || [ "$burst_dimm" = DIMM_A0 ] ||
		check 'and DIMM_A0 for its own' same "$of_a" \
			"$(sql "$charge WHERE label = 'DIMM_A0'")"
	figure charged "$(sql "$charge WHERE label = '$burst_dimm'")"
}

check_pages()
{
	check 'every page that reached its threshold is out of use' comes 0 "$(undone)"
	if [ "$goes" != "$burst_frames" ]; then
		# A page that is judged before it has its sixteen errors is not looked at again
		# within the hour.
		gone=$(sql "$(offlined_of IN)")
		check "of the burst's pages at most $goes are out of use: $gone" [ "$gone" -le "$goes" ]
		goes=$gone
	fi
	# On a machine that is too slow some errors of failing pages are lost, and counted so.
	want=$((failing_n + goes))
	[ "$lost" = 0 ] || want=$(sql "$(pages offlined)")
	figure offlined "$want"
	check 'once each, and none other' offlined_once_each "$want"
	check 'by the kernel as well' same \
		$((poison_before + want * page_kib)) "$(poisoned_kib)"
	if ! same "$want" "$(sql "$(pages offlined)")"; then
		sql 'SELECT state, reason, result, count(*) FROM page GROUP BY 1, 2, 3'
		tail -n 20 "$log"
	fi
	check 'the process has every byte' same 'verify ok' "$(victim_ask victim verify)"
}

check_bounds()
{
	figure log_lines "$(grep -c . "$log")"
	figure database_bytes "$(cat "$db" "$db-wal" 2>/dev/null | wc -c)"
	# So many a minute and kind: a slow machine takes more minutes.
	lines=$(grep -c . "$log")
	check "a bounded number of lines in the log: $lines" \
		[ "$lines" -le "$([ -n "$strict" ] && echo 80 || echo 400)" ]
	check "resident memory below 24 MiB: $(max_rss_kib "$daemon") KiB" \
		[ "$(max_rss_kib "$daemon")" -lt $((24 * 1024)) ]
	[ "$crossing" != 2 ] || check '"replace" is said' said_replace
}

# one_storm PROGRAM STORM
one_storm()
{
	program=$1
	who=$1
	use_storm "$2"
	rm -f /tmp/storm.db* /tmp/storm.log*
	configure >/tmp/storm.new
	fresh storm </tmp/storm.new
	sent=$((failing_n * errors_each + burst_events))
	echo "    storm ($storm), softofflined-$program"
	prepare_victim
	poison_before=$(poisoned_kib)
	check 'daemon starts' stamped_start
	run_storm "$daemon"
	storm_ended=$(boot_msec)
	check 'recorded and lost are what was sent, and all is done' settle
	cost "$daemon"
	writer_cost
	figure stored_msec "$(awk "BEGIN { print ${settled_at:-0} - $storm_ended }")"
	figure idle_unstored "$idle_unstored"
	check_counts
	check_pages
	retired
	check_bounds
	reaction burst
	reaction tail
	check 'SIGTERM ends it with 0' daemon_stop
	victim_stop victim
}

strict=$(cat /vm/strict)
while read -r next_program next_storm <&9; do
	one_storm "$next_program" "$next_storm"
done 9</vm/plan
vm_done
