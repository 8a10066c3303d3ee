#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside the VM, on a kernel with the bundled series and two NUMA nodes: what
# it tells of everybody's soft offlines, and SoftOfflineControl=own. Who asks
# beside the daemon: this shell (sysfs), a victim (madvise) and the kernel
# itself (mfqueue).
#
# shellcheck disable=SC2317  # functions are called through check

# shellcheck source=SCRIPTDIR/lib.sh
. /vm/lib.sh

sysctl=/proc/sys/vm/enable_soft_offline
trap 'kill $(cat /run/dbus.pid)' EXIT

insmod /vm/mfqueue.ko || exit 1
dbus-daemon --config-file=/vm/bus.conf --nofork --nosyslog \
	--address=unix:path=/run/bus &
echo $! >/run/dbus.pid
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/bus
wait_until 20 test -S /run/bus || exit 1

pinner_start()
{
	: >"/run/$1.out"
	pinner "/run/$1.in" >>"/run/$1.out" 2>&1 &
	echo $! >"/run/$1.pid"
	wait_until 30 grep -q ready "/run/$1.out"
}

# kernel_asks PFN: as for a report of firmware.
kernel_asks()
{
	echo "$1" >/proc/mfqueue
}

# foreign PFN: what is recorded of others' requests, newest last, as a query.
foreign()
{
	echo "SELECT group_concat(reason || ' ' || result || ' ' || error, ', ')
		FROM (SELECT * FROM action WHERE action = 'foreign'
		AND pfn = $(($1)) ORDER BY id)"
}

# cause PFN: as what the counter's move for it is recorded.
cause()
{
	echo "SELECT cause FROM poison WHERE pfn = $(($1)) AND delta_kib = $page_kib"
}

# status_says PATTERN: a line of the JSON.
status_says()
{
	softofflinectl status --json >/tmp/status.json
	grep -Eq -- "$1" /tmp/status.json && return
	echo "      no '$1' in:"
	cat /tmp/status.json
	return 1
}

control_is()
{
	softofflinectl status --json | grep -q "\"soft_offline_control\": \"$1\""
}

test_own_requests()
{
	fresh own </dev/null
	poison_before=$(poisoned_kib)
	victim_start victim 8
	pfn=$(victim_pfn victim 0)
	check 'daemon starts' daemon_start
	ce "$pfn"
	ce "$pfn"
	check 'a page is offlined' comes 'offlined|offlined|1' \
		"$(page "$pfn" 'state, result, by_us')"
	check "with the kernel's own word" logged \
		'Took page 0x[0-9a-f]+ .*, anonymous \(migrated\), out of use after 2'
	check 'the move of the counter is ours' comes offlined "$(cause "$pfn")"
	check 'once' grew 1
	check 'nothing of it is put down to others' comes 0 \
		"SELECT count(*) FROM action WHERE action = 'foreign'"
	check 'nor told as such' same 0 "$(grep -c 'not by softofflined' "$log")"

	check 'pinner starts' pinner_start pinner
	pfn=$(victim_pfn pinner 0)
	ce "$pfn"
	ce "$pfn"
	check "a failure has the kernel's word, too" logged \
		'could not be taken out of use: busy .*Device or resource busy \(not-migrated\)'
	check 'and is ours' comes '' "$(foreign "$pfn")"
	daemon_stop
	victim_stop pinner
	victim_stop victim
}

test_others()
{
	fresh others </dev/null
	poison_before=$(poisoned_kib)
	victim_start victim 8
	check 'daemon starts' daemon_start

	pfn=$(victim_pfn victim 1)
	check 'a program writes' soft_offline "$pfn"
	check 'recorded with its origin' comes 'program-request offlined 0' \
		"$(foreign "$pfn")"
	check 'and the move as its doing' comes program "$(cause "$pfn")"
	check 'the page is offlined, not by us' comes 'offlined|already|program-request|0' \
		"$(page "$pfn" 'state, result, reason, by_us')"

	pfn=$(victim_pfn victim 2)
	check 'a program asks by madvise' has "$(victim_ask victim 'soften 2')" ready
	check 'recorded with its origin' comes 'madvise-request offlined 0' \
		"$(foreign "$pfn")"
	check 'and the move as its doing' comes madvise "$(cause "$pfn")"

	pfn=$(victim_pfn victim 3)
	check 'the kernel asks' kernel_asks "$pfn"
	check 'recorded with its origin' comes 'kernel-request offlined 0' \
		"$(foreign "$pfn")"
	check 'and the move as its doing' comes kernel "$(cause "$pfn")"
	check 'told' logged 'anonymous \(migrated\), was taken out of use, but not by softofflined'

	check 'three pages' grew 3
	check 'none of our budget' comes 0 'SELECT sum(by_us) FROM page'
	check 'no guess beside' comes 0 \
		"SELECT count(*) FROM poison WHERE delta_kib <> 0 AND pfn IS NULL"
	check 'status: all is there' status_says '"patched": true'
	check 'status: by others' status_says '"by_others_kib": [1-9]'
	check 'history shows who' has "$(softofflinectl history)" 'foreign +madvise-request'
	check 'intact' same 'verify ok' "$(victim_ask victim verify)"

	daemon_stop
	pfn=$(victim_pfn victim 4)
	check 'a program writes while no daemon runs' soft_offline "$pfn"
	check 'daemon starts' daemon_start
	check 'it learns of it' comes 'program-request offlined 0' "$(foreign "$pfn")"
	daemon_stop
	victim_stop victim
}

test_adopt()
{
	fresh adopt <<'END'
[Retry]
First=1s
Max=2s
Tries=30
END
	poison_before=$(poisoned_kib)
	pinner_start pinner
	pfn=$(victim_pfn pinner 0)
	check 'daemon starts' daemon_start
	check 'a program asks for a pinned page' not soft_offline "$pfn"
	check 'recorded' comes 'program-request busy 16' "$(foreign "$pfn")"
	check 'but its word is no cause' comes '' "$(page "$pfn" state)"
	check 'the kernel asks for it' kernel_asks "$pfn"
	check 'recorded' comes 'program-request busy 16, kernel-request busy 16' \
		"$(foreign "$pfn")"
	check 'taken over' comes 'pending|kernel-request|0' \
		"$(page "$pfn" 'state, reason, corrected_errors')"
	check 'and tried again by us' wait_until 20 tried_more "$pfn" 1
	check 'let go' same 'verify ok' "$(victim_ask pinner unpin)"
	check 'it is offlined, by us' comes 'offlined|offlined|1' \
		"$(page "$pfn" 'state, result, by_us')"
	check 'one page' grew 1
	check 'that frame' poisoned "$pfn"
	check 'intact' same 'verify ok' "$(victim_ask pinner verify)"
	daemon_stop
	victim_stop pinner

	pinner_start pinner
	pfn=$(victim_pfn pinner 0)
	check 'daemon starts' daemon_start
	ce "$pfn"
	check 'an error below the threshold' comes 'watched|1' \
		"$(page "$pfn" 'state, corrected_errors')"
	check 'a program asks for it' not soft_offline "$pfn"
	check 'taken over for its error' comes 'pending|program-request' \
		"$(page "$pfn" 'state, reason')"
	daemon_stop
	victim_stop pinner
}

not()
{
	! "$@" 2>/dev/null
}

tried_more()
{
	[ "$(sql "$(attempts "$1")")" -gt "$2" ]
}

# sum_of OUTCOME: over the nodes, as the kernel counts.
sum_of()
{
	cat /sys/devices/system/node/node*/soft_offline/"$1" |
		awk '{ n += $1 } END { print n }'
}

test_counters()
{
	fresh counters </dev/null
	check 'daemon starts' daemon_start --metrics /tmp/counters.prom
	check 'two nodes' same 2 "$(softofflinectl status | grep -c ' node[01]:\|^Requests')"
	want=$(sum_of migrated)
	check 'status shows what the kernel counts' has "$(softofflinectl status)" \
		'^Requests +node0: .*[0-9]+ migrated'
	have=$(softofflinectl status --json | awk -F'[:, ]+' '
		$2 == "\"migrated\"" { n += $3 } END { print n }')
	check 'all of it' same "$want" "$have"
	daemon_stop
	have=$(awk '/^softofflined_kernel.*outcome="migrated"/ { n += $2 }
		END { print n }' /tmp/counters.prom)
	check 'and so do the metrics' same "$want" "$have"
}

test_control()
{
	fresh control <<'END'
[Kernel]
SoftOfflineControl=own
END
	victim_start victim 8
	check 'it begins as every kernel does' same 1 "$(cat $sysctl)"
	check 'daemon starts' daemon_start
	check 'bit 2 is set' same 5 "$(cat $sysctl)"
	check 'status says so' status_says '"soft_offline_control": "own"'
	check 'and check' has "$(softofflinectl check)" "not on the kernel's own initiative"
	pfn=$(victim_pfn victim 0)
	poison_before=$(poisoned_kib)
	check 'the kernel asks' kernel_asks "$pfn"
	check 'it was refused, and that is recorded' comes 'kernel-request unsupported 95' \
		"$(foreign "$pfn")"
	check 'nothing is poisoned' grew 0
	check 'nothing is taken over' comes '' "$(page "$pfn" state)"
	check 'nothing is on hold' status_says '"hold": "none"'
	ce "$pfn"
	ce "$pfn"
	check 'by our policy it is offlined' comes 'offlined|offlined|1' \
		"$(page "$pfn" 'state, result, by_us')"
	check 'at the end the former value is back' daemon_stop
	check '1' same 1 "$(cat $sysctl)"

	check 'daemon starts' daemon_start
	daemon_kill
	check 'killed: it stays' same 5 "$(cat $sysctl)"
	check 'daemon starts' daemon_start
	daemon_stop
	check 'the successor knows what it was' same 1 "$(cat $sysctl)"

	check 'daemon starts' daemon_start
	echo 3 >$sysctl
	check 'a change by others is noticed' wait_until 90 \
		grep -q 'changed by another program, from 5 to 3' "$log"
	check 'and shown' status_says '"soft_offline_control": "overruled"'
	daemon_stop
	check 'and not undone' same 3 "$(cat $sysctl)"
	echo 0 >$sysctl
	check 'daemon starts' daemon_start
	check 'what is off is not turned on' same 0 "$(cat $sysctl)"
	check 'all is on hold, and why' status_says \
		'"hold_why": "vm.enable_soft_offline is off"'
	printf '[Kernel]\nSoftOfflineControl=leave\n' >"$conf"
	kill -HUP "$daemon"
	check 'a reload gives up waiting' wait_until 20 control_is leave
	daemon_stop
	echo 1 >$sysctl
	victim_stop victim
}

test_own_requests
test_others
test_adopt
test_counters
test_control
vm_done
