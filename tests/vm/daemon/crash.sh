#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside the VM: the daemon dies, is stopped, comes too late. Nothing may be
# done twice, and nothing may be lost that is not counted as lost.
#
# shellcheck disable=SC2317  # functions are called through check

# shellcheck source=SCRIPTDIR/lib.sh
. /vm/lib.sh

fresh_unlimited()
{
	fresh "$1" <<END
$unlimited
END
}

# verify_all FILE COUNT: what must be true once all is done.
verify_all()
{
	check 'every page is offlined' comes "$2" "$(pages offlined offlined)" 60
	check 'each exactly once' offlined_once "$1"
	check 'each frame is poisoned' each_poisoned "$1"
	check 'HardwareCorrupted rose by each page' grew "$2"
	check 'the process has every byte' same 'verify ok' "$(victim_ask victim verify)"
	check 'no attempt is left open' comes 0 \
		"SELECT count(*) FROM action WHERE result = 'none'"
	check 'the DIMM was charged for each' comes "$2" 'SELECT sum(offlined) FROM dimm'
}

# Killed five times, each time once all it was sent is in its tables; some of
# it is sent while it is down. Then the sums are exact.
test_exact()
{
	fresh_unlimited exact
	victim_start victim 48
	pfns_of victim 40 >/tmp/exact
	poison_before=$(poisoned_kib)
	check 'daemon starts' daemon_start
	for turn in 1 2 3 4 5; do
		tail -n "+$((turn * 8 - 7))" /tmp/exact | head -n 8 >/tmp/turn
		ce_all 1 </tmp/turn
		check "turn $turn: read" stored_all
		daemon_kill
		ce_all 1 cpu=1 </tmp/turn
		check "turn $turn: successor starts" daemon_start
		check "turn $turn: reads what it was not there for" stored_all
		check "turn $turn: eight pages more" comes $((turn * 8)) \
			"$(pages offlined offlined)"
		check "turn $turn: pages know of all" comes "$sent" \
			'SELECT sum(corrected_errors) FROM page'
	done
	check 'SIGTERM ends it with 0' daemon_stop
	verify_all /tmp/exact 40
	for count in 'SELECT sum(count) FROM ce' 'SELECT sum(events) FROM ce' \
		'SELECT sum(corrected_errors) FROM dimm' "$(total corrected_errors)" \
		"$(total events)" 'SELECT sum(corrected_errors) FROM page'; do
		check "$sent sent: $count" comes "$sent" "$count"
	done
	check 'nothing was lost' comes 0 "$(total events_lost)"
	victim_stop victim
}

# Errors without a pause, from another process, until the file goes away.
stream()
{
	while [ -e /tmp/streaming ]; do
		cat /tmp/ce_round >/proc/mcgen
		wc -l </tmp/ce_round >>/tmp/streamed
		sleep 0.05
	done
}

# Killed at any moment under a stream of errors.
test_random()
{
	fresh_unlimited random
	victim_start victim 48
	pfns_of victim 40 >/tmp/random
	poison_before=$(poisoned_kib)
	addresses </tmp/random | sed 's/^/addr=/' >/tmp/ce_round
	: >/tmp/streaming
	: >/tmp/streamed
	kills=0
	# The instance must be there first: what nobody records nobody can count.
	check 'daemon starts' daemon_start
	daemon_kill
	stream &
	streamer=$!
	while [ "$kills" -lt 8 ]; do
		# shellcheck disable=SC2119  # no further arguments
		daemon_start || break
		sleep "0.$(($(od -An -N2 -tu2 /dev/urandom) % 60 + 10))"
		daemon_kill
		kills=$((kills + 1))
	done
	check 'killed eight times' same 8 "$kills"
	rm /tmp/streaming
	wait "$streamer"
	check 'the last one starts' daemon_start
	sent=$(awk '{ n += $1 } END { print n }' /tmp/streamed)
	ce_all 2 </tmp/random
	verify_all /tmp/random 40
	check 'SIGTERM ends it with 0' daemon_stop
	for count in 'SELECT sum(count) FROM ce' 'SELECT sum(events) FROM ce' \
		'SELECT sum(corrected_errors) FROM dimm' "$(total corrected_errors)" \
		"$(total events)" 'SELECT sum(corrected_errors) FROM page'; do
		check "never more than the $sent sent: $count" between 80 "$sent" "$(sql "$count")"
	done
	# What was read and not yet stored when it was killed is gone, but known to be.
	check "$sent sent: counted and lost" comes "$sent" \
		"SELECT sum(value) FROM totals WHERE key IN ('events', 'events_lost')"
	check 'actions have ids of their own' comes 0 \
		'SELECT count(*) - count(DISTINCT id) FROM action'
	victim_stop victim
}

between()
{
	echo "      $3"
	[ "$1" -le "$3" ] && [ "$3" -le "$2" ]
}

# More than the buffers hold while nobody reads.
test_lost()
{
	fresh lost <<'END'
[Source]
BufferSize=64K
[Policy]
Action=account
END
	check 'daemon starts' daemon_start
	emit addr="$ram_middle" repeat=5
	sent=5
	check 'five are read' stored_all
	daemon_kill
	emit addr="$ram_middle" repeat=6000 step="$page_size" wrap=16 cpu=0
	emit addr="$ram_middle" repeat=40 step="$page_size" wrap=16 cpu=1
	sent=6045
	check 'successor starts' daemon_start
	check 'counted + lost = sent' comes "$sent" \
		"SELECT sum(value) FROM totals WHERE key IN ('events', 'events_lost')"
	check 'something was lost' [ "$(sql "$(total events_lost)")" -gt 1000 ]
	check 'something was not' [ "$(sql "$(total events)")" -gt 100 ]
	check 'it is told' logged 'Lost [0-9]+ memory error events?'

	kill -STOP "$daemon"
	emit addr="$ram_middle" repeat=7000 step="$page_size" wrap=16 cpu=1
	sent=$((sent + 7000))
	kill -CONT "$daemon"
	check 'stopped for a while: counted + lost = sent' comes "$sent" \
		"SELECT sum(value) FROM totals WHERE key IN ('events', 'events_lost')"
	before=$(sql "$(total events_lost)")
	emit addr="$ram_middle" repeat=100 delay_us=1000
	sent=$((sent + 100))
	check 'awake it loses none' comes "$sent" \
		"SELECT sum(value) FROM totals WHERE key IN ('events', 'events_lost')"
	check 'none at all' comes "$before" "$(total events_lost)"
	check 'the history holds what was counted' comes "$(sql "$(total events)")" \
		'SELECT sum(events) FROM ce'
	check 'SIGTERM ends it with 0' daemon_stop
	check 'the sum is stored' comes "$sent" \
		"SELECT sum(value) FROM totals WHERE key IN ('events', 'events_lost')"
}

test_exact
test_random
test_lost
vm_done
