#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside the full-system VM: memory runs out. First somebody else takes all of it, then
# the daemon's own cgroup has no more. Both under errors, and both with pages on their way
# out of use.
#
# shellcheck disable=SC1091,SC2154,SC2317  # functions are called through check

. /vm/guest.sh
. /vm/common.sh

# send: in one write, which the kernel takes its time over and no further memory: sixteen
# further pages of the victim get their two errors each, and between them come 2,000 that
# are only counted, two milliseconds apart.
send()
{
	victim_ask v pfns | awk -v from="$crossed" '$1 == "page" &&
		$2 >= from && $2 < from + 16 { print $4 }' >/run/pfns
	cat /run/pfns >>/run/all
	crossed=$((crossed + 16))
	sent=$((sent + 2032))
	while read -r send_pfn; do
		echo "addr=$(address "$send_pfn") repeat=2"
		echo "addr=0x40000000 repeat=125 step=4096 wrap=500 delay_us=2000" \
			"label=DIMM_B1"
	done </run/pfns >/run/lines
	cat /run/lines >/proc/mcgen &
	sender=$!
}

# all_sent: every event has been raised.
all_sent()
{
	wait "$sender"
}

counted_or_told_lost()
{
	[ "$(json status '.counters | .events + .events_lost')" = "$sent" ]
}

sql()
{
	sqlite3 -readonly -cmd '.timeout 10000' "$database" "$1"
}

# offlined_once: the pages that crossed, each by one attempt.
offlined_once()
{
	same "$crossed" "$(sql "SELECT count(*) FROM page WHERE state = 'offlined'
		AND result = 'offlined'")" &&
		same "$crossed $crossed 1" "$(sql "SELECT count(*) || ' ' || sum(n) || ' ' ||
			max(n) FROM (SELECT count(*) AS n FROM action
			WHERE action = 'offline' AND result = 'offlined' GROUP BY pfn)")"
}

all_offlined()
{
	[ "$(json status .pages.offlined)" = "$crossed" ]
}

each_poisoned()
{
	# shellcheck disable=SC2046  # a list of numbers
	same "$crossed" "$(kpage $(cat /run/all) | grep -c hwpoison)"
}

# all_offlined_soon: if not, what else became of the pages, and what the daemon says.
all_offlined_soon()
{
	wait_until 60 all_offlined && return
	json pages '.[] | select(.dimm != "DIMM_B1" and .state != "offlined") |
		"      \(.pfn): \(.corrected_errors) errors, \(.state), \(.reason
		), \(.result), \(.attempts) attempts"'
	journalctl --boot --unit="$unit" --output=cat --quiet --lines=20 | sed 's/^/      /'
	return 1
}

settled()
{
	check 'every page that crossed is offlined' all_offlined_soon
	check 'each by one attempt' offlined_once
	check 'each frame is poisoned' each_poisoned
	check 'HardwareCorrupted says as many' same $((4 * crossed)) "$(poisoned_kib)"
	check 'every byte is intact' same 'verify ok' "$(victim_ask v verify)"
}

result_is()
{
	[ "$(systemctl show --value --property=Result "$1")" = "$2" ]
}

available_kib()
{
	awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo
}

taken()
{
	[ "$(available_kib)" -lt 49152 ]
}

# somebody_else N: takes all memory but a little, and is killed when the last of it is
# wanted. The kernel's own way there takes minutes without swap, in which it throws
# programs out of memory and reads them again; asked for by its key, it chooses in the
# same way at once.
somebody_else()
{
	part "somebody else takes the memory, $1"
	main=$(prop MainPID)
	systemd-run --quiet --unit="hog$1" sh -c "dd if=/dev/zero \
		bs=$(($(available_kib) - 32768))K count=1 2>/dev/null | sleep 10000"
	check 'it is taken' wait_until 60 taken
	send
	echo f >/proc/sysrq-trigger
	check 'the kernel kills who did' wait_until 60 result_is "hog$1" oom-kill
	check 'for want of memory' sh -c "dmesg | grep -q 'Out of memory: Killed .*(dd)'"
	all_sent
	check 'the daemon lives' same "$main 0" "$(prop MainPID) $(prop NRestarts)"
	check 'all errors are counted' wait_until 60 counted
	check 'none was lost' same 0 "$(json status .counters.events_lost)"
	settled
}

killed()
{
	[ "$(prop MainPID)" != "$main" ] && result_is "$unit" oom-kill
}

# itself N: the daemon's cgroup gets less than it needs, in the midst of its work.
itself()
{
	part "the daemon has no memory, $1"
	main=$(prop MainPID)
	send
	systemctl set-property --runtime "$unit" MemoryMax=1M
	check 'the kernel kills it' wait_until 60 killed
	systemctl set-property --runtime "$unit" MemoryMax=256M
	check 'systemd starts it again' wait_until 60 running
	check 'as another process' [ "$(prop MainPID)" != "$main" ]
	all_sent
	check 'what is counted and what is told as lost is all that was sent' \
		wait_until 60 counted_or_told_lost
	echo "      lost: $(json status .counters.events_lost) of $sent"
	settled
}

rounds=$(cat /vm/rounds)
crossed=0
: >/run/all
check 'the daemon runs since boot' running
check 'it is spared when memory runs out' same -500 \
	"$(cat "/proc/$(prop MainPID)/oom_score_adj")"
check 'victim starts' victim_start v $((32 * rounds + 20))
for turn in $(seq "$rounds"); do
	somebody_else "$turn"
done
for turn in $(seq $((rounds + 1))); do
	itself "$turn"
done

part 'afterwards'
check 'the database is sound' same ok "$(sql 'PRAGMA integrity_check')"
check 'nothing was put aside' same '' "$(find "${database%/*}" -name '*corrupt*')"
check 'no attempt is left open' same 0 \
	"$(sql "SELECT count(*) FROM action WHERE result = 'none'")"
check 'all poison is by us' same "$(poisoned_kib) 0" "$(json status \
	'.poisoned | "\(.kib) \(.by_others_kib)"')"
lost=$(json status .counters.events_lost)
[ "$lost" = 0 ] || check 'the loss is in the journal' has "$(journalctl --boot \
	--unit="$unit" --output=cat)" 'Lost [0-9]+ memory error events?'
vm_done
