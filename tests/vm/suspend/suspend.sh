#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside the full-system VM, which sleeps (S3) and is woken by the host: what was counted
# before goes on counting, the window counts the time asleep, and nobody takes the daemon
# for dead.
#
# shellcheck disable=SC1091,SC2154,SC2317  # functions are called through check

. /vm/guest.sh
. /vm/common.sh

# Milliseconds: of a clock that counts sleep, and of one that does not.
boottime()
{
	awk '{ printf "%d\n", $1 * 1000 }' /proc/uptime
}

monotonic()
{
	awk '/^now at/ { printf "%d\n", $3 / 1000000; exit }' /proc/timer_list
}

# sleep_deeply: returns when the machine is awake again. What it slept is in $slept, in
# milliseconds.
sleep_deeply()
{
	slept=$(($(boottime) - $(monotonic)))
	echo mem >/sys/power/state || return 1
	slept=$(($(boottime) - $(monotonic) - slept))
}

# fed: the watchdog was fed since $before.
fed()
{
	[ "$(prop WatchdogTimestampMonotonic)" != "$before" ]
}

# apart_more_than MSEC PFN: the first and the last error of that page, as they are stored.
apart_more_than()
{
	apart=$(sqlite3 -readonly -cmd '.timeout 10000' "$database" \
		"SELECT (max(last) - min(first)) / 1000 FROM ce
		WHERE address / 4096 = $(($2))")
	[ "${apart:-0}" -gt "$1" ]
}

# cycle N: page 2N has one error on each side of the sleep and a window of a day; page
# 2N+1 the same, and a window shorter than the sleep.
cycle()
{
	part "sleep $1"
	long=$(victim_pfn v $((2 * $1)))
	short=$(victim_pfn v $((2 * $1 + 1)))
	awake=$(monotonic)
	ce "$short" 1 label=DIMM_B0
	ce "$long" 1
	check 'errors before it are counted' wait_until 30 counted
	# These are counted and not yet stored, or not even read, when it goes to sleep.
	ce 0x40000 500 label=DIMM_B1 step=4096 wrap=100
	touch /run/asleep
	check 'it sleeps' sleep_deeply
	echo "      by its own clocks: $slept ms"
	check 'for longer than the short window and the watchdog' [ "$slept" -gt 10000 ]
	check 'what came right before is counted' wait_until 30 counted
	ce "$short" 1 label=DIMM_B0
	awake=$(($(monotonic) - awake))
	ce "$long" 1
	check 'errors after it are counted' wait_until 30 counted
	check 'a page whose errors lie across the sleep crosses' \
		wait_until 30 page_is "$long" offlined
	check 'the frame is poisoned' poisoned "$long"
	check 'a page does not whose window has passed in its sleep' page_is "$short" watched
	# A busy machine may need longer than the window awake: this shows it in any case.
	check 'its errors are further apart than the time awake' \
		wait_until 30 apart_more_than "$awake" "$short"
	echo "      $apart ms apart, $awake ms awake"
	ce "$short" 2 label=DIMM_B0
	check 'it does when both come afterwards' wait_until 30 page_is "$short" offlined
	check 'timers go on: the metrics are written' wait_until 30 [ "$prom" -nt /run/asleep ]
	before=$(prop WatchdogTimestampMonotonic)
	check 'and the watchdog is fed' wait_until 30 fed
	check 'every byte is intact' same 'verify ok' "$(victim_ask v verify)"
	check 'the same process runs' same "$main 0" "$(prop MainPID) $(prop NRestarts)"
}

# Once it has slept, QEMU does not end when this machine is switched off; with a reset it does.
touch /run/vm-reset
check 'the machine can sleep' grep -q deep /sys/power/mem_sleep
echo deep >/sys/power/mem_sleep
check 'the daemon runs since boot' running
main=$(prop MainPID)
check 'with a watchdog' same 10s "$(prop WatchdogUSec)"
cycles=$(cat /vm/cycles)
check 'victim starts' victim_start v $((2 * cycles + 4))
for turn in $(seq "$cycles"); do
	cycle "$turn"
done

part 'afterwards'
pfn=$(victim_pfn v 0)
try softofflinectl offline "$(address "$pfn")"
check 'an operator offlines a page' has "$status $said" "^0 $(address "$pfn"): offlined: "
check 'nothing was lost' same 0 "$(json status .counters.events_lost)"
check 'all poison is by us' same "$(poisoned_kib) 0" "$(json status \
	'.poisoned | "\(.by_us_kib) \(.by_others_kib)"')"
check 'no page was offlined twice' same $((2 * cycles + 1)) \
	"$(json history '[.[] | select(.action == "offline")] | length')"
check 'nothing is wrong, it says' same '' "$(journalctl --boot --unit="$unit" \
	--priority=err --output=cat --quiet)"
systemctl stop "$unit"
check 'it stops in order' same 'inactive success 0' \
	"$(prop ActiveState) $(prop Result) $(prop ExecMainStatus)"
check 'the sum is stored' same "$sent" "$(sqlite3 -readonly "$database" \
	"SELECT value FROM totals WHERE key = 'events'")"
vm_done
