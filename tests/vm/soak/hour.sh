#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside the VM: one hour as a machine in the field has it, only that the errors of months
# come in it: a trickle, a cell, a row, a burst each ten minutes, more pages than the
# hour's budget. All is counted, nothing else is taken out of use, nothing grows.
#
# shellcheck disable=SC2317  # functions are called through check

# shellcheck source=SCRIPTDIR/../daemon/lib.sh
. /vm/lib.sh

seconds=$(cat /vm/seconds)
burst_events=10000
burst_pages=500
# A DIMM whose pages nobody is to touch; the victim has none of these frames.
burst_first=$((0x3e000))

dbus-daemon --config-file=/vm/bus.conf --nofork --nosyslog \
	--address=unix:path=/run/bus &
echo $! >/run/dbus.pid
trap 'kill $(cat /run/dbus.pid)' EXIT
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/bus
wait_until 20 test -S /run/bus || exit 1

uptime_s()
{
	cut -d. -f1 /proc/uptime
}

# error PFN [WORDS...]: one, and the generator's own note of it.
error()
{
	ce "$@" && echo "$1 1" >>/tmp/generated
}

# row_error PFN COLUMN: of the row that fails.
row_error()
{
	error "$1" label=ROW "detail=\"rank:0x1 row:0x2a column:$2 bank:0x3\""
}

# take N FILE: the next N frames of the victim, which no other errors have.
take()
{
	tail -n "+$next_frame" /tmp/frames | head -n "$1" >"$2"
	next_frame=$((next_frame + $1))
}

burst()
{
	emit "addr=$(printf '0x%x' $((burst_first * 4096 + 64))) label=BURST cpu=1" \
		"repeat=$burst_events step=4096 wrap=$burst_pages delay_us=50" || return 1
	sent=$((sent + burst_events))
	bursts=$((bursts + 1))
}

# What the minute brings.
minute()
{
	take 3 /tmp/trickle
	while read -r pfn; do
		error "$pfn" label=TRICKLE "cpu=$(($1 % 2))"
	done </tmp/trickle
	error "$cell" label=CELL
	case $1 in
	3) row_error "$(sed -n 1p /tmp/row)" 0x10 ;;
	5) row_error "$(sed -n 2p /tmp/row)" 0x80 ;;
	8) row_error "$(sed -n 3p /tmp/row)" 0x100 ;;
	12) while read -r pfn; do
		error "$pfn" label=BANK
		error "$pfn" label=BANK
	done </tmp/bank ;;
	esac
	[ $(($1 % 10)) != 0 ] || burst
	[ $(($1 % 10)) != 5 ] || kill -HUP "$daemon"
	softofflinectl --json status >/tmp/status || status_failed=y
}

# sizes: resident KiB, open files, KiB of database and of its log, lines in the log.
sizes()
{
	echo "$(awk '/^VmRSS/ { print $2 }' "/proc/$daemon/status")" \
		"$(find "/proc/$daemon/fd" -mindepth 1 | wc -l)" \
		"$(($(stat -c %s "$db") / 1024))" "$(($(stat -c %s "$db-wal") / 1024))" \
		"$(wc -l <"$log")"
}

table_line()
{
	# shellcheck disable=SC2046,SC2183  # sizes is five numbers
	printf '%6s %8s %6s %6s %8s %6s %6s %8s\n' "$1" "$sent" $(sizes) \
		"$(awk '{ print ($14 + $15) / 100 }' "/proc/$daemon/stat")"
}

# The hour, and at its end the sizes of its first quarter and its last minute.
live()
{
	begin=$(uptime_s)
	minutes=$((seconds / 60))
	printf '%6s %8s %6s %6s %8s %6s %6s %8s\n' minute events KiB files database log lines cpu_s
	for m in $(seq 1 "$minutes"); do
		while [ "$(uptime_s)" -lt $((begin + m * 60)) ]; do
			sleep 1
		done
		minute "$m"
		daemon_runs || return 1
		[ "$m" != $((minutes / 4)) ] || sizes >/tmp/early
		case $m in
		*[05] | "$minutes") table_line "$m" ;;
		esac
	done
}

# The first quarter has touched all that a daemon touches: what comes after is flat.
verify_flat()
{
	sizes >/tmp/late
	read -r early_rss early_files _ _ early_lines </tmp/early
	read -r late_rss late_files late_db late_wal late_lines </tmp/late
	check "resident memory is flat: $early_rss KiB, then $late_rss" \
		[ "$late_rss" -le $((early_rss * 11 / 10)) ]
	check "open files: $early_files, then $late_files" same "$early_files" "$late_files"
	rows=$(sql 'SELECT count(*) FROM ce')
	check "database: $late_db KiB for $rows rows of history" \
		[ "$late_db" -le $((1024 + rows / 4)) ]
	check "its log: $late_wal KiB of at most 16 MiB" [ "$late_wal" -le 16384 ]
	check "the journal is not flooded: $early_lines lines, then $late_lines" \
		[ "$late_lines" -le $((early_lines + seconds / 10)) ]
}

# counts_of_generator: "PFN ERRORS" of each page that was named.
counts_of_generator()
{
	while read -r pfn n; do
		echo "$((pfn)) $n"
	done </tmp/generated
	seq 0 $((burst_pages - 1)) | awk -v first="$burst_first" \
		-v n=$((burst_events * bursts / burst_pages)) '{ print first + $1, n }'
}

verify_counts()
{
	check 'every event is stored' stored_all
	check 'none is lost' comes 0 "$(total events_lost)"
	counts_of_generator | awk '{ n[$1] += $2 } END { for (p in n) print p "|" n[p] }' |
		sort >/tmp/counts.want
	sql 'SELECT pfn, corrected_errors FROM page' | sort >/tmp/counts.have
	check "each of $(wc -l </tmp/counts.want) pages has its count" \
		cmp -s /tmp/counts.want /tmp/counts.have
	check 'each DIMM' same \
		"BANK|80 BURST|$((burst_events * bursts)) CELL|$minutes ROW|3 TRICKLE|$((3 * minutes))" \
		"$(sql "SELECT label, corrected_errors FROM dimm WHERE corrected_errors > 0
			ORDER BY label" | paste -sd ' ' -)"
}

# Nothing but the cell, the row and the bank; the bank as fast as the budget lets.
verify_pages()
{
	(echo "$cell"; cat /tmp/row /tmp/bank) | while read -r pfn; do
		echo $((pfn))
	done | sort >/tmp/may
	sql "SELECT pfn FROM action WHERE result = 'offlined'" | sort >/tmp/done
	kpage --poisoned | awk '/^0x/ { print $1 }' | while read -r pfn; do
		echo $((pfn))
	done | sort >/tmp/poisoned
	taken=$(wc -l <"/tmp/done")
	allowed=$((20 + ($(uptime_s) - begin) / 360))
	check "$taken pages are offlined, each once" same '' "$(uniq -d /tmp/done)"
	check "not more than the budget: $allowed" [ "$taken" -le "$allowed" ]
	check 'not fewer' [ "$taken" -ge $((allowed - 2)) ]
	check 'none that is not to be' same '' "$(sort -m /tmp/done /tmp/may | uniq -u |
		sort - /tmp/done | uniq -d)"
	check 'the kernel says the same' cmp -s /tmp/done /tmp/poisoned
	check 'the cell and the row are among them' same 4 "$( (echo "$cell"; cat /tmp/row) |
		while read -r pfn; do echo $((pfn)); done | sort - /tmp/done | uniq -d | wc -l)"
	check 'the rest waits' comes "$((44 - taken))" "$(pages pending)"
	check 'what the pages held is intact' same 'verify ok' "$(victim_ask field verify)"
}

fresh hour </dev/null
cat >"$conf" <<'END'
[Policy "BURST"]
Action=account
END
rm "$conf.d/interval.conf"
bursts=0
status_failed=
next_frame=1
: >/tmp/generated
victim_start field 1000
pfns_of field 1000 | while read -r pfn; do
	[ $((pfn)) -ge "$burst_first" ] || echo "$pfn"
done >/tmp/frames
check 'the victim has frames enough' [ "$(wc -l </tmp/frames)" -ge 250 ]
take 1 /tmp/cell
take 3 /tmp/row
take 40 /tmp/bank
cell=$(cat /tmp/cell)
check 'daemon starts' daemon_start --metrics /tmp/hour.prom
check "the daemon lives for $seconds s" live
check 'it answers over the bus each minute' same '' "$status_failed"
verify_counts
verify_flat
verify_pages
check 'metrics say so' grep -Fqx "softofflined_pages{state=\"offlined\"} $taken" /tmp/hour.prom
check 'SIGTERM ends it with 0' daemon_stop
check 'the file is sound' same ok "$(sql 'PRAGMA integrity_check')"
vm_done
