#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside the VM, one round: judges what the last death has left on the disk, lets the
# daemon start from it, and sends errors until QEMU is killed. What the host must know
# afterwards goes over the serial line, one word at its beginning:
#
#	SENDING N UPTIME	at most N of this round's events, from now on
#	SENT N UPTIME		at least N
#	STORED N		the database says so
#	POISONED BOOT PFN	the kernel has taken this frame out of use
#
# What the rounds before have said comes as a disk, see ledger() in run.
#
# shellcheck disable=SC2317  # functions are called through check

# shellcheck source=SCRIPTDIR/../daemon/lib.sh
. /vm/lib.sh

uptime_now()
{
	cut -d' ' -f1 /proc/uptime
}

# drained: what was printed has left this machine; what happens next comes after it.
drained()
{
	stty opost </dev/ttyS0
}

# ledger KEY: its value.
ledger()
{
	awk -v key="$1" '$1 == key { print $2 }' /tmp/ledger
}

# at_most BOUND NUMBER: the sum of no rows is empty.
at_most()
{
	echo "      ${2:-0}"
	[ "${2:-0}" -le "$1" ]
}

# sound DATABASE: every page of it, by SQLite's own check.
sound()
{
	same ok "$(sqlite3 "$1" 'PRAGMA integrity_check' 2>&1)"
}

nothing_put_aside()
{
	same '' "$(find /disk -name '*corrupt*')"
}

# every_intent_stored: of what the kernel was seen to do in the rounds before.
every_intent_stored()
{
	sql "SELECT DISTINCT replace(boot_id, '-', '') || ' ' || printf('0x%x', pfn)
		FROM action JOIN boot ON boot.id = action.boot
		WHERE action = 'offline'" | sort >/tmp/intents
	awk '$1 == "poisoned" { print $2, $3 }' /tmp/ledger | sort -u >/tmp/done
	comm -23 /tmp/done /tmp/intents >/tmp/missing
	echo "      done: $(wc -l </tmp/done), intents: $(wc -l </tmp/intents)"
	[ ! -s /tmp/missing ] || { head -n 5 /tmp/missing; return 1; }
}

# judge: looks at a copy of the files as the kill has left them, because SQLite repairs its
# log as soon as it opens the file, and the repair is the daemon's work.
judge()
{
	disk_db=$db
	db=/tmp/copy/${disk_db##*/}
	mkdir /tmp/copy
	cp /disk/softofflined.db* /tmp/copy/
	rm -f "$db-shm"
	check 'the database is sound' sound "$db"
	[ ! -e "$db.bak" ] || check 'so is its backup' sound "$db.bak"
	stored=$(sql "$(total events)")
	shown=$(ledger stored)
	check "at least the ${shown:-0} events are there that it had shown" \
		[ "$stored" -ge "${shown:-0}" ]
	check "at most the $(ledger sent) that were sent" at_most "$(ledger sent)" "$stored"
	for count in 'SELECT sum(events) FROM ce' 'SELECT sum(count) FROM ce' \
		'SELECT sum(corrected_errors) FROM dimm' "$(total corrected_errors)" \
		'SELECT sum(corrected_errors) FROM page' \
		"SELECT sum(value) FROM totals WHERE key IN ('events', 'events_lost')"; do
		check "at most the $(ledger ever) ever sent: $count" \
			at_most "$(ledger ever)" "$(sql "$count")"
	done
	check 'what the kernel did stands there as intent' every_intent_stored
	db=$disk_db
}

# starts: the daemon, from what is there, and it finds nothing wrong with it.
starts()
{
	check 'the daemon starts' daemon_start
	check 'it has put nothing aside' nothing_put_aside
	check 'nothing is damaged, it says' sh -c "! grep -Eqi 'damaged|malformed|aside' $log"
	check 'it knows the same number' same "$stored" "$(sql "$(total events)")"
	check 'softofflinectl reads the database' \
		sh -c "softofflinectl --db $db --json pages >/dev/null"
	check 'no attempt of an earlier boot is left open' same 0 "$(sql \
		"SELECT count(*) FROM action JOIN boot ON boot.id = action.boot
		WHERE result = 'none' AND replace(boot_id, '-', '') != '$boot'")"
}

# watch: in the background, what can be seen to have happened.
watch()
{
	: >/tmp/seen
	while [ -e /tmp/watching ]; do
		echo "STORED $(sql "$(total events)")"
		kpage --poisoned | awk -v boot="$boot" '/^0x/ {
			print "POISONED", boot, $1 }' >/tmp/poisoned
		grep -vxF -f /tmp/seen /tmp/poisoned
		cp /tmp/poisoned /tmp/seen
		sleep 0.2
	done
}

# burst N: two errors of the Nth page, which is to go, and 50 that are only counted.
burst()
{
	burst_pfn=$(sed -n "$1p" /tmp/pfns)
	[ -z "$burst_pfn" ] || echo "addr=${burst_pfn}0c0 repeat=2"
	echo 'addr=0x40000000 repeat=50 step=4096 wrap=700 label=DIMM_B0'
}

# send_until COMMAND...: bursts until it is true.
send_until()
{
	turn=0
	until "$@"; do
		turn=$((turn + 1))
		burst "$turn" >/tmp/burst
		size=$(awk '{ sub("repeat=", "", $2); n += $2 } END { print n }' /tmp/burst)
		echo "SENDING $((sent + size)) $(uptime_now)"
		drained
		cat /tmp/burst >/proc/mcgen
		sent=$((sent + size))
		echo "SENT $sent $(uptime_now)"
		sleep 0.05
	done
}

fifty_turns()
{
	[ "$turn" -ge 50 ]
}

tr -d '\0' </dev/vdb >/tmp/ledger
fresh kills <<END
$unlimited
[Policy "DIMM_B*"]
Action=account
END
db=/disk/softofflined.db
boot=$(tr -d - </proc/sys/kernel/random/boot_id)
mkdir -p /disk
check 'the disk is mounted' mount -t ext4 /dev/vda /disk
echo KILLS-MOUNTED
drained
stored=0
[ ! -e "$db" ] || judge
echo "STORED $stored"
if [ -n "$(ledger stored)" ]; then
	check 'there is a database' [ -e "$db" ]
fi
starts
check 'a process with pages' victim_start victim 420
pfns_of victim 400 >/tmp/pfns
: >/tmp/watching
watch &
watcher=$!
echo KILLS-STREAM
drained
if [ "$(ledger last)" != yes ]; then
	send_until false
fi

# The last round comes to its end, and then everything must be exact.
send_until fifty_turns
rm /tmp/watching
wait "$watcher"
check 'all of this round is stored' comes $((stored + sent)) "$(total events)"
check 'nothing was lost in it' comes "$stored" \
	"SELECT $stored + value - $(sql "$(total events_lost)") FROM totals
	WHERE key = 'events_lost'"
check 'its fifty pages are out of use' comes 50 "SELECT count(DISTINCT pfn) FROM action
	JOIN boot ON boot.id = action.boot WHERE result = 'offlined'
	AND replace(boot_id, '-', '') = '$boot'" 60
check 'the process has every byte' same 'verify ok' "$(victim_ask victim verify)"
check 'SIGTERM ends it with 0' daemon_stop
check 'the database is sound' sound "$db"
vm_done
