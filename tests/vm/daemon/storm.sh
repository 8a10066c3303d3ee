#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside the VM: more errors than anybody can want to read. All are counted, or
# lost and counted as lost; reading never waits for the database; memory and
# log stay bounded.
#
# shellcheck disable=SC2317  # functions are called through check

# shellcheck source=SCRIPTDIR/lib.sh
. /vm/lib.sh

# The errors of the storm itself name pages that nobody is to touch. The trace instance is
# looked at each second, with the metrics.
stormy()
{
	fresh "$1" <<END
[Policy]
PageThreshold=10 / 24h
[Policy "NOISE"]
PageThreshold=off
$unlimited
END
	printf '[Metrics]\nInterval=1s\nFile=/tmp/storm.prom\n' >"$conf.d/interval.conf"
}

# noise EVENTS [WORDS...]: over 5,000 pages, one write, at the kernel's own speed.
noise()
{
	noise_n=$1
	shift
	emit "addr=$ram_middle label=NOISE repeat=$noise_n step=$page_size wrap=5000 $*"
	sent=$((sent + noise_n))
}

counted_or_lost="SELECT sum(value) FROM totals WHERE key IN ('events', 'events_lost')"

rss_kib()
{
	awk '/^VmHWM/ { print $2 }' "/proc/$daemon/status"
}

verify_bounds()
{
	hwm=$(rss_kib)
	check "resident memory never above 24 MiB: $hwm KiB" [ "$hwm" -lt 24576 ]
	check 'none of it in huge pages' same 0 \
		"$(awk '/^AnonHugePages/ { print $2 }' "/proc/$daemon/smaps_rollup")"
	check 'the kernel counted as the daemon did: no gap' same 0 "$(sql "$(total gaps)")"
	check 'and nobody else is blamed' same 0 "$(grep -c 'Another program' "$log")"
	lines=$(wc -l <"$log")
	check "a bounded number of log lines: $lines" [ "$lines" -lt 400 ]
}

test_burst()
{
	stormy burst
	check 'daemon starts' daemon_start
	noise 1000000 cpu=1
	check '1,000,000 events on one CPU: counted + lost = sent' \
		comes 1000000 "$counted_or_lost" 120
	echo "      lost: $(sql "$(total events_lost)")"
	check 'the DIMM was charged for all, what was lost included' comes 1000000 \
		"SELECT corrected_errors FROM dimm WHERE label = 'NOISE'"
	verify_bounds
	check 'SIGTERM ends it with 0' daemon_stop
	check 'and nothing is forgotten' comes 1000000 "$counted_or_lost"
}

# The 200 pages of a process that fail in the midst of it.
test_storm()
{
	stormy storm
	victim_start victim 200
	pfns_of victim 200 >/tmp/storm
	poison_before=$(poisoned_kib)
	check 'daemon starts' daemon_start
	addresses </tmp/storm | awk -v step="$page_size" -v noise="$ram_middle" '
		{ for (i = 0; i < 12; i++) print "addr=" $1 " label=VICTIM"
		print "addr=" noise " label=NOISE repeat=500 step=" step " wrap=5000" }' \
		>/tmp/storm.lines
	# At most 64 KiB a write; each page's lines stay together.
	total_lines=$(wc -l </tmp/storm.lines)
	for first in $(seq 1 520 "$total_lines"); do
		tail -n "+$first" /tmp/storm.lines | head -n 520 >/tmp/storm.part
		dd if=/tmp/storm.part of=/proc/mcgen bs=64k 2>/dev/null || return 1
	done
	sent=$((sent + 102400))
	check '102,400 events: counted + lost = sent' comes 102400 "$counted_or_lost" 120
	echo "      lost: $(sql "$(total events_lost)")"
	# What was overwritten unread cannot be counted, on a machine that is too slow:
	# what the policy names is what it names by the counts.
	check 'every page that reached its threshold is offlined' comes 0 \
		"SELECT count(*) FROM page WHERE state <> 'offlined' AND corrected_errors >= 10
		AND dimm = (SELECT id FROM dimm WHERE label = 'VICTIM')" 120
	# A page whose last errors are not stored yet is none of those above.
	[ "$(sql "$(total events_lost)")" != 0 ] || check 'none lost: all 200' comes 200 \
		"SELECT count(*) FROM page WHERE state = 'offlined'" 120
	sql "SELECT printf('0x%x', pfn) FROM page WHERE state = 'offlined'" >/tmp/storm.done
	echo "      offlined: $(wc -l </tmp/storm.done) of 200"
	check 'each exactly once' offlined_once /tmp/storm.done
	check 'each frame is poisoned' each_poisoned /tmp/storm.done
	check 'the process has every byte' same 'verify ok' "$(victim_ask victim verify)"
	verify_bounds
	check 'SIGTERM ends it with 0' daemon_stop
	victim_stop victim
}

# Somebody keeps the database locked for longer than a buffer of the kernel lasts.
test_locked()
{
	stormy locked
	check 'daemon starts' daemon_start
	noise 10
	check 'it counts' comes 10 "$(total events)"
	mkfifo /tmp/lock
	sqlite3 "$db" </tmp/lock >/dev/null &
	exec 7>/tmp/lock
	echo 'BEGIN IMMEDIATE;' >&7
	for turn in 1 2 3 4 5 6; do
		noise 2000 "cpu=$((turn % 2)) delay_us=100"
		sleep 1
	done
	echo 'ROLLBACK;' >&7
	exec 7>&-
	# On a busy machine the lock outlasts a second try, and the third is a minute later.
	check 'events under a locked database: counted + lost = sent' \
		comes "$sent" "$counted_or_lost" 150
	echo "      lost: $(sql "$(total events_lost)")"
	check 'SIGTERM ends it with 0' daemon_stop
}

# Another size of the queue makes another queue: it must wake the daemon as well.
test_resize()
{
	stormy resize
	check 'daemon starts' daemon_start
	noise 10
	check 'it counts' comes 10 "$(total events)"
	printf '[Source]\nMaxBufferSize=4M\n' >"$conf.d/size.conf"
	kill -HUP "$daemon"
	check 'the configuration is taken over' logged 'Configuration reloaded'
	noise 10
	check 'and it counts on' comes 20 "$(total events)" 20
	check 'SIGTERM ends it with 0' daemon_stop
}

test_burst
test_storm
test_locked
test_resize
vm_done
