#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside the VM: how soon the daemon is ready with a large database, what it
# does if that is damaged, and that with nothing to do it sleeps. Figures are
# printed as "figure NAME VALUE".
#
# shellcheck disable=SC2317  # functions are called through check

# shellcheck source=SCRIPTDIR/lib.sh
. /vm/lib.sh

# A million pages, each with a row of history, beside none.
test_ready()
{
	echo "--- ready ($(cut -d. -f1 /proc/uptime) s)"
	cd /tmp || return 1
	cat /dev/vda >/tmp/million.db
	for name in empty million; do
		msec=$(bench_start ready /usr/sbin/softofflined "$name.db")
		check "$name database: ready" [ -n "$msec" ]
		echo "figure start_msec_$name $msec"
	done
	check 'it knows as many as it can hold' grep -q ' 65536 pages known' daemon.log
	rm -f /tmp/million.db* /tmp/empty.db*
}

# damage TABLE: the first page of the file that holds rows of it is no more.
damage()
{
	page=$(sqlite3 "$db" "SELECT min(pageno) FROM dbstat
		WHERE pagetype = 'leaf' AND name = '$1'") || return 1
	tr '\0' '\377' </dev/zero | head -c 4096 |
		dd of="$db" bs=4096 seek=$((page - 1)) conv=notrunc 2>/dev/null
}

put_aside()
{
	find /tmp -name "$(basename "$db").corrupt-*" | grep -c -v -e -wal -e -shm
}

# The history is of no use to a decision: the daemon starts, finds out beside
# its work, and what it knows goes into a new file.
test_damaged_history()
{
	fresh damaged <<'END2'
[Policy]
Action=account
END2
	check 'daemon starts' daemon_start
	emit addr=0x10000040 repeat=1000 step="$page_size" delay_us=500
	sent=1000
	check '1,000 errors are stored' stored_all
	check 'SIGTERM ends it with 0' daemon_stop
	check 'its history is damaged' damage ce
	check 'daemon starts' daemon_start
	check 'it finds out' logged 'damaged .*started a new one'
	check 'the damaged one is kept' same 1 "$(put_aside)"
	emit addr=0x10000040 repeat=10 step="$page_size"
	check 'and it goes on counting from where it was' comes 1010 "$(total events)"
	check 'each page keeps its count' comes '1000|1010' \
		'SELECT count(*), sum(corrected_errors) FROM page'
	check 'so does the DIMM' comes 1010 'SELECT sum(corrected_errors) FROM dimm'
	check 'nothing counts as lost' comes 0 "$(total events_lost)"
	check 'SIGTERM ends it with 0' daemon_stop
	check 'daemon starts' daemon_start
	check 'nothing is forgotten' comes 1010 "$(total events)"
	check 'the new file is sound' same ok "$(sqlite3 -readonly "$db" 'PRAGMA integrity_check')"
	check 'SIGTERM ends it with 0' daemon_stop
	check 'nothing more was put aside' same 1 "$(put_aside)"
}

# Pages are what decisions are about: no start on a file that holds no more of
# them than luck would have it.
test_damaged_pages()
{
	check 'its pages are damaged' damage page
	check 'daemon starts' daemon_start
	check 'it has found out before' same 2 "$(grep -c 'started a new one' "$log")"
	check 'before it was ready' grep -q ' 0 pages known' "$log"
	emit addr=0x10000040 repeat=10 step="$page_size"
	check 'and it counts' comes 10 "$(total events)"
	check 'SIGTERM ends it with 0' daemon_stop
}

# What was spent before is not known then: no page goes before the hour's budget
# has filled again.
test_no_database()
{
	fresh without </dev/null
	mkdir -p /tmp/ro
	mount -t tmpfs -o ro none /tmp/ro
	db=/tmp/ro/none.db
	victim_start victim 1
	pfn=$(victim_pfn victim 0)
	check 'daemon starts' daemon_start
	check 'it says what it lacks' logged 'Continuing without a database'
	ce "$pfn"
	ce "$pfn"
	check 'an empty budget holds the page' logged 'hourly budget is empty after the start'
	check 'it is still in use' not_poisoned "$pfn"
	check 'SIGTERM ends it with 0' daemon_stop
	victim_stop victim
	umount /tmp/ro
}

# wakeups: of each thread since it began: its name, how often it went to sleep,
# how often it was put off.
wakeups()
{
	for task in /proc/"$daemon"/task/*; do
		awk '$1 == "Name:" { name = $2 }
			/^voluntary/ { slept = $2 }
			/^nonvoluntary/ { print name, slept, $2 }' "$task/status"
	done
}

sum()
{
	awk -v only="$1" '$1 == only { n += $2 } END { print n + 0 }'
}

# With the intervals of the configuration and of the unit as they come: every
# 15 s the metrics, every minute the sample, the watchdog of 30 s at least each
# half of it. That is nine at most, and each may sleep once more on its way.
test_idle()
{
	fresh idle </dev/null
	rm "$conf.d/interval.conf"
	WATCHDOG_USEC=30000000
	export WATCHDOG_USEC
	check 'daemon starts' daemon_start --metrics /tmp/idle.prom
	emit addr=0x10000040 repeat=100 step="$page_size" label=NOISE
	sent=100
	check 'it counts' stored_all
	sleep 3
	wakeups >/tmp/before
	sleep 60
	wakeups >/tmp/after
	awk 'NR == FNR { slept[$1] = $2; put_off[$1] = $3; next }
		{ print $1, $2 - slept[$1], $3 - put_off[$1] }' /tmp/before /tmp/after >/tmp/spent
	while read -r name slept put_off; do
		echo "      $name: slept $slept times, was put off $put_off times"
	done </tmp/spent
	echo "figure idle_wakeups_a_minute $(awk '{ n += $2 } END { print n }' /tmp/spent)"
	check 'the main thread: what its intervals explain' \
		[ "$(sum softofflined </tmp/spent)" -le 18 ]
	check 'the reading thread sleeps on' same 0 "$(sum trace-reader </tmp/spent)"
	check 'the offline thread sleeps on' same 0 "$(sum soft-offline </tmp/spent)"
	check 'there is no other thread' same 3 "$(grep -c . /tmp/spent)"
	check 'none was busy' [ "$(awk '{ n += $3 } END { print n }' /tmp/spent)" -le 60 ]
	check 'the metrics are there' grep -q softofflined_ /tmp/idle.prom
	unset WATCHDOG_USEC
	check 'SIGTERM ends it with 0' daemon_stop
}

test_ready
test_damaged_history
test_damaged_pages
test_no_database
test_idle
vm_done
