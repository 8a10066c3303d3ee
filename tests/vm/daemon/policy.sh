#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside the VM: retries, budgets, reload, clock steps, and how the daemon
# refuses to start.
#
# shellcheck disable=SC2317  # functions are called through check

# shellcheck source=SCRIPTDIR/lib.sh
. /vm/lib.sh

pinner_start()
{
	: >"/run/$1.out"
	pinner "/run/$1.in" >>"/run/$1.out" 2>&1 &
	echo $! >"/run/$1.pid"
	wait_until 30 grep -q ready "/run/$1.out"
}

test_retry()
{
	fresh retry <<'END'
[Retry]
First=1s
Max=3s
Tries=20
END
	poison_before=$(poisoned_kib)
	check 'pinner starts' pinner_start pinner
	pfn=$(victim_pfn pinner 0)
	check 'daemon starts' daemon_start
	ce "$pfn"
	ce "$pfn"
	check 'a pinned page is busy' comes 'pending|busy' "$(page "$pfn" 'state, result')"
	begin=$(cut -d. -f1 /proc/uptime)
	emit addr="$(printf '0x%x' $((pfn * page_size)))" repeat=1000
	sent=$((sent + 1000))
	check 'a thousand errors more are read, or counted as lost' comes "$sent" \
		"SELECT sum(value) FROM totals WHERE key IN ('events', 'events_lost')"
	check 'it is tried again' wait_until 20 tried_more "$pfn" 2
	tried=$(sql "$(attempts "$pfn")")
	spent=$(($(cut -d. -f1 /proc/uptime) - begin + 2))
	check "by the clock: $tried attempts in $spent s" [ "$tried" -le $((spent + 1)) ]
	check 'each with the errno' comes "busy|16" \
		"SELECT DISTINCT result, error FROM action WHERE action = 'offline'
		AND result <> 'none'"
	check 'nothing is poisoned' grew 0
	check 'what was in the pipe is intact' same 'verify ok' "$(victim_ask pinner unpin)"
	check 'once it is let go, it is offlined' comes 'offlined|offlined' \
		"$(page "$pfn" 'state, result')"
	check 'one page' grew 1
	check 'that frame' poisoned "$pfn"
	check 'intact' same 'verify ok' "$(victim_ask pinner verify)"
	check 'elsewhere now' [ "$pfn" != "$(victim_pfn pinner 0)" ]
	daemon_stop
	victim_stop pinner
}

tried_more()
{
	[ "$(sql "$(attempts "$1")")" -gt "$2" ]
}

test_tries()
{
	fresh tries <<'END'
[Retry]
First=1s
Max=1s
Tries=2
END
	pinner_start pinner
	pfn=$(victim_pfn pinner 0)
	check 'daemon starts' daemon_start
	ce "$pfn"
	ce "$pfn"
	check 'after two tries it counts as failed' comes 'failed|busy|2' \
		"$(page "$pfn" 'state, result, tries')"
	ce "$pfn"
	check 'stored' stored_all
	check 'another error within the hour is no try' comes 2 "$(attempts "$pfn")"
	daemon_stop
	victim_stop pinner
}

test_hour()
{
	fresh hour <<'END'
[Budget]
PagesPerHour=3
Burst=3
END
	poison_before=$(poisoned_kib)
	victim_start victim 12
	pfns_of victim 10 >/tmp/hour
	check 'daemon starts' daemon_start --metrics /tmp/hour.prom
	ce_all 3 </tmp/hour
	check 'three pages are offlined' comes 3 "$(pages offlined offlined)"
	check 'stored' stored_all
	check 'seven wait' comes 7 "$(pages pending)"
	check 'no more are poisoned' grew 3
	check 'told' logged 'hourly budget is used up after 3 pages'
	check 'told once' same 1 "$(grep -c 'hourly budget is used up' "$log")"
	daemon_kill
	check 'a new daemon has no new budget' daemon_start --metrics /tmp/hour.prom
	ce_all 1 </tmp/hour
	check 'stored' stored_all
	check 'still three' comes '3|7' \
		"SELECT sum(state = 'offlined'), sum(state = 'pending') FROM page"
	check 'no more are poisoned' grew 3
	daemon_stop
	check 'metrics show who waits' grep -Fqx 'softofflined_pages{state="pending"} 7' \
		/tmp/hour.prom
	victim_stop victim
}

test_total()
{
	fresh total <<'END'
[Budget]
PagesPerHour=1000
Burst=1000
Total=5
END
	poison_before=$(poisoned_kib)
	victim_start victim 10
	pfns_of victim 9 >/tmp/total
	check 'daemon starts' daemon_start
	ce_all 2 </tmp/total
	check 'five are offlined' comes 5 "$(pages offlined offlined)"
	check 'four are refused' comes 4 "$(pages refused budget-total)"
	check 'no more are poisoned' grew 5
	check 'told' logged 'budget of the whole machine is used up after 5 pages'
	daemon_stop
	check 'a new daemon' daemon_start
	ce_all 2 </tmp/total
	check 'stored' stored_all
	check 'has the old budget' grew 5
	daemon_stop
	victim_stop victim
}

test_dimm()
{
	fresh dimm <<'END'
[Budget]
PagesPerDimm=2
END
	poison_before=$(poisoned_kib)
	victim_start victim 8
	pfns_of victim 4 >/tmp/dimm.a
	pfns_of victim 7 | tail -n 3 >/tmp/dimm.b
	check 'daemon starts' daemon_start --metrics /tmp/dimm.prom
	ce_all 2 label=DIMM_A0 top=0 </tmp/dimm.a
	ce_all 2 label=DIMM_B0 top=1 </tmp/dimm.b
	check 'two of each DIMM' comes 'DIMM_A0|2|2
DIMM_B0|2|1' "SELECT label, sum(state = 'offlined'),
		sum(state = 'refused' AND result = 'budget-dimm')
		FROM page JOIN dimm ON dimm.id = page.dimm GROUP BY label ORDER BY label"
	check 'four are poisoned' grew 4
	check 'told: replace it' logged 'DIMM_B0 has used up its budget of 2 pages: replace'
	daemon_stop
	check 'metrics say replace, both' same 2 \
		"$(grep -c '^softofflined_dimm_replace_recommended{.*} 1$' /tmp/dimm.prom)"
	victim_stop victim
}

threshold_is()
{
	victim_start reloaded 1
	pfn=$(victim_pfn reloaded 0)
	i=0
	while [ "$i" -lt $(($1 - 1)) ]; do
		ce "$pfn"
		i=$((i + 1))
	done
	check "$((i)) errors: stored" stored_all
	check 'not enough' comes watched "$(page "$pfn" state)"
	ce "$pfn"
	check 'one more is' comes offlined "$(page "$pfn" state)"
	victim_stop reloaded
}

test_reload()
{
	fresh reload </dev/null
	check 'daemon starts' daemon_start
	threshold_is 2
	printf '[Policy]\nPageThreshold=4 / 24h\n' >"$conf"
	kill -HUP "$daemon"
	check 'reloaded' logged 'Configuration reloaded'
	threshold_is 4
	printf '[Policy]\nPageThreshold=3 / 24h\nRowThreshold=lots\n' >"$conf"
	kill -HUP "$daemon"
	check 'a bad file is refused' logged 'Configuration refused; the old one stays'
	check 'by file and line' logged 'reload.conf:3: \[Policy\] RowThreshold: '
	check 'it still runs' daemon_runs
	threshold_is 4
	check 'SIGTERM ends it with 0' daemon_stop
}

# What waits must go on by the new rules: the reload itself sets it going.
test_reload_while_waiting()
{
	fresh waiting <<'END'
[Budget]
PagesPerHour=1
Burst=1
END
	poison_before=$(poisoned_kib)
	victim_start victim 6
	pfns_of victim 5 >/tmp/waiting
	check 'daemon starts' daemon_start
	ce_all 2 </tmp/waiting
	check 'one is offlined' comes 1 "$(pages offlined offlined)"
	check 'four wait' comes 4 "$(pages pending)"
	printf '[Budget]\nPagesPerHour=100000\nBurst=100000\n' >"$conf"
	kill -HUP "$daemon"
	check 'reloaded: all are offlined' comes 5 "$(pages offlined offlined)"
	check 'and poisoned' grew 5
	check 'the data is intact' same 'verify ok' "$(victim_ask victim verify)"
	daemon_stop
	victim_stop victim
}

risen()
{
	[ "$((poison_before + $1 * page_kib))" = "$(poisoned_kib)" ]
}

# Somebody holds the database for longer than the daemon waits: it goes on from
# memory, says so once, and stores all it knows when the lock is gone.
test_locked()
{
	fresh locked <<END
$unlimited
END
	poison_before=$(poisoned_kib)
	victim_start victim 6
	pfns_of victim 4 >/tmp/locked
	check 'daemon starts' daemon_start
	{
		echo '.timeout 10000'
		echo 'BEGIN IMMEDIATE;'
		echo '.shell touch /tmp/locked.now'
		sleep 15
		echo 'ROLLBACK;'
	} | sqlite3 "$db" &
	locker=$!
	check 'somebody has the lock' wait_until 20 [ -e /tmp/locked.now ]
	ce_all 2 </tmp/locked
	check 'it goes on without' wait_until 60 risen 4
	check 'and says so' logged 'Decisions continue from memory'
	wait "$locker"
	# Another page: the four do not err again, and yet must be there.
	ce "$(victim_pfn victim 5)"
	check 'it works again' logged 'Database: works again'
	check 'said once' same 1 "$(grep -c 'works again' "$log")"
	check 'the pages are there' comes 4 "$(pages offlined offlined)"
	check 'with all they had' comes "$sent" 'SELECT sum(corrected_errors) FROM page'
	check 'and the totals' comes "$sent" "$(total events)"
	check 'and what the DIMM is charged with' comes 4 'SELECT sum(offlined) FROM dimm'
	daemon_stop
	check 'a new daemon takes nothing for lost' daemon_start
	check 'none' comes 0 "$(total events_lost)"
	daemon_stop
	victim_stop victim
}

switch=/proc/sys/vm/enable_soft_offline

# Somebody turns soft offlining off, for as long as a page takes to cross its threshold: it
# goes soon after the switch is on again, and not with the next try of a kernel that has
# no switch, which is after an hour.
test_switch()
{
	if [ ! -e "$switch" ]; then
		echo '--- switch: this kernel has no vm.enable_soft_offline'
		return
	fi
	fresh switch </dev/null
	poison_before=$(poisoned_kib)
	victim_start victim 2
	pfn=$(victim_pfn victim 0)
	check 'daemon starts' daemon_start
	echo 0 >"$switch"
	ce "$pfn"
	ce "$pfn"
	check 'switched off: the kernel refuses' comes 'pending|unsupported|95' \
		"SELECT state, page.result, error FROM page JOIN action USING (pfn)
		WHERE pfn = $((pfn))"
	check 'told' logged 'vm.enable_soft_offline is off'
	sleep 5
	check 'nothing is poisoned' grew 0
	echo 1 >"$switch"
	check 'switched on: offlined, within the hour' comes 'offlined|offlined' \
		"$(page "$pfn" 'state, result')"
	check 'one page' grew 1
	check 'intact' same 'verify ok' "$(victim_ask victim verify)"
	check 'SIGTERM ends it with 0' daemon_stop
	victim_stop victim
}

# SoftOfflineControl=own asks for a bit that not every kernel has: without it the daemon
# says so once, and works as ever.
test_own()
{
	fresh own <<'END'
[Kernel]
SoftOfflineControl=own
END
	has_bit=
	if [ -e "$switch" ] && echo 5 2>/dev/null >"$switch"; then
		has_bit=yes
		echo 1 >"$switch"
	fi
	victim_start victim 2
	pfn=$(victim_pfn victim 0)
	check 'daemon starts' daemon_start
	if [ -n "$has_bit" ]; then
		check 'the bit is set' same 5 "$(cat "$switch")"
	else
		check 'no such bit: told' logged 'SoftOfflineControl=own is not possible'
	fi
	ce "$pfn"
	ce "$pfn"
	check 'a page is offlined' comes 'offlined|offlined' "$(page "$pfn" 'state, result')"
	check 'SIGTERM ends it with 0' daemon_stop
	[ -n "$has_bit" ] ||
		check 'told once' same 1 "$(grep -c 'SoftOfflineControl=own' "$log")"
	[ ! -e "$switch" ] || check 'the switch is on' same 1 "$(cat "$switch")"
	victim_stop victim
}

test_clock()
{
	fresh clock <<'END'
[Policy]
PageThreshold=3 / 1h
END
	now=$(date +%s)
	victim_start victim 2
	pfn=$(victim_pfn victim 0)
	check 'daemon starts' daemon_start
	ce "$pfn"
	check 'one' stored_all
	date -s "@$((now + 31536000))" >/dev/null
	ce "$pfn"
	check 'a year ahead: two' stored_all
	check 'watched' comes watched "$(page "$pfn" state)"
	date -s "@$((now - 31536000))" >/dev/null
	ce "$pfn"
	check 'a year back: the third in the hour' comes 'offlined|3' \
		"$(page "$pfn" 'state, corrected_errors')"
	date -s "@$now" >/dev/null
	daemon_stop
	victim_stop victim
}

test_refusals()
{
	fresh refusals </dev/null
	check 'daemon starts' daemon_start
	db=/tmp/second.db
	check 'a second one does not' exits 1
	check 'it says why' logged 'Another softofflined reads the trace instance'
	check 'the first one runs on' daemon_runs
	db=/tmp/refusals.db
	check 'SIGTERM ends it with 0' daemon_stop

	echo '[Budget' >"$conf"
	check 'a bad configuration: 78' exits 78
	printf '[Budget]\nTotal=7 apples\n' >"$conf"
	check 'a bad value: 78' exits 78
	check 'by file and line' logged 'refusals.conf:2: \[Budget\] Total: '
	: >"$conf"
	umount /sys/kernel/debug/tracing 2>/dev/null
	umount /sys/kernel/tracing
	check 'without tracefs it runs' daemon_start
	check 'and says that it sees nothing' logged \
		'No memory error can be seen.*tracefs.* is not mounted; systemctl start'
	emit 'addr=0x10000040'
	mount -t tracefs tracefs /sys/kernel/tracing
	check 'it reads within a minute of the mount' comes 1 "$(total events)" 90
	check 'an event from before is no proof' sh -c "! grep -q 'can be seen again' $log"
	kill -INT "$daemon"
	wait "$daemon"
	check 'SIGINT ends it with 0' same 0 $?
	check 'an unknown argument: 2' exits 2 --hard-offline
	check 'no folder for the database: 1' exits 1 --db /tmp/none/x.db
}

test_retry
test_tries
test_hour
test_total
test_dimm
test_reload
test_reload_while_waiting
test_locked
test_switch
test_own
test_clock
test_refusals
vm_done
