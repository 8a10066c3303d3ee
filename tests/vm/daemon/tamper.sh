#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside the VM: other programs change the daemon's trace instance, in each way that hides
# events, under the running daemon and while it does not run. It is undone and said once, the
# time is a gap, and what comes after is counted. Process numbers are left out: for them the
# kernel patches its scheduler, and QEMU without KVM crashes when it runs code being patched.
#
# shellcheck disable=SC2317  # functions are called through check

# shellcheck source=SCRIPTDIR/lib.sh
. /vm/lib.sh

event=events/ras/mc_event
gaps=0

# said: how often the daemon has said so, gaps or not.
said()
{
	grep -c 'Another program changed the trace instance' "$log"
}

# one_gap_more NAME [CPU]: it is counted and said, and the next error is counted.
one_gap_more()
{
	gaps=$((gaps + 1))
	check "$1: a gap" comes "$gaps" "$(total gaps)"
	ce "$(victim_pfn victim $((gaps % 8)))" cpu="${2:-0}"
	check "$1: the next error is counted" stored_all
	check "$1: said once" same "$gaps" "$(said)"
}

# write FILE TEXT: as another program would; not every kernel has every file.
write()
{
	[ ! -e "$trace_instance/$1" ] || echo "$2" >"$trace_instance/$1"
}

# changed FILE TEXT [CPU]
changed()
{
	[ -e "$trace_instance/$1" ] || {
		echo "      no $1 here"
		return
	}
	check "$1 takes '$2'" write "$1" "$2"
	one_gap_more "$1 '$2'" "${3:-0}"
}

# shows FILE PATTERN: for check.
shows()
{
	has "$(cat "$trace_instance/$1")" "$2"
}

# emptied: two errors that nobody has read are taken away; nothing shows their number.
emptied()
{
	kill -STOP "$daemon"
	ce "$(victim_pfn victim 0)" cpu=0
	ce "$(victim_pfn victim 0)" cpu=0
	sent=$((sent - 2))
	sh -c "$1"
	kill -CONT "$daemon"
}

test_running()
{
	check 'daemon starts' daemon_start
	for cpu in 0 1; do
		ce "$(victim_pfn victim 0)" cpu=$cpu
	done
	check 'two errors are counted' stored_all
	sleep 2
	check 'looking changes nothing' same 0 "$(sql "$(total gaps)")"
	check 'and says nothing' same 0 "$(said)"
	changed tracing_on 0
	changed events/enable 0
	changed set_event '!ras:mc_event'
	changed $event/filter 'error_count > 5'
	changed tracing_cpumask 1 1
	kill -STOP "$daemon" # or a look between two of them would make two gaps
	write events/ras/filter 'cpu == 77'
	write $event/trigger 'traceoff:5 if error_count > 5'
	write $event/trigger 'disable_event:ras:mc_event'
	write $event/trigger 'hist:keys=mc_index'
	kill -CONT "$daemon"
	one_gap_more 'a filter and triggers'
	check 'no trigger is left' eval "! grep -v '^#' $trace_instance/$event/trigger"
	changed trace_clock x86-tsc
	check 'the clock is as it was' shows trace_clock '\[boot\]'
	kill -STOP "$daemon"
	write buffer_size_kb 8
	write options/pause-on-trace 1
	kill -CONT "$daemon"
	one_gap_more 'a small buffer'
	check 'the size is as it was' shows buffer_size_kb '^10'
	changed per_cpu/cpu1/buffer_size_kb 8 1
	changed buffer_subbuf_size_kb 16
	changed free_buffer 1
	changed trace '' 1
	changed per_cpu/cpu1/trace '' 1
	changed snapshot 1
	kill -STOP "$daemon" # it writes many files
	check 'trace-cmd resets every instance' trace-cmd reset -a
	kill -CONT "$daemon"
	one_gap_more 'trace-cmd reset -a' 1
}

test_unread()
{
	emptied "echo >$trace_instance/trace"
	one_gap_more 'emptied unread'
	kill -STOP "$daemon"
	ce "$(victim_pfn victim 1)" cpu=0
	ce "$(victim_pfn victim 1)" cpu=0
	ce "$(victim_pfn victim 1)" cpu=1
	sent=$((sent - 3))
	timeout 2 cat $trace_instance/trace_pipe >/tmp/stolen
	kill -CONT "$daemon"
	check 'what another program reads is lost, and the number is known' \
		comes 3 "$(total events_lost)"
	check 'that is said' logged 'Another program reads the pipes'
	ce "$(victim_pfn victim 2)" cpu=1
	check 'the next error is counted' stored_all
	check 'it is no gap' same "$gaps" "$(sql "$(total gaps)")"
	echo 0 >$trace_instance/options/overwrite
	check 'what hides nothing is said' logged 'no error was missed'
	check 'and is no gap either' same "$gaps" "$(sql "$(total gaps)")"
	check 'under the reader it cannot be removed' eval "! rmdir $trace_instance 2>/dev/null"
}

test_shown()
{
	softofflinectl --db "$db" status | tr -s '\n ' ' ' >/tmp/status.txt # on one line
	check 'status says so' grep -q 'gaps in the recording.*lower bounds' /tmp/status.txt
	check 'the number is in JSON' \
		has "$(softofflinectl --db "$db" --json status)" "\"gaps\": $gaps"
	check 'the metrics have it' \
		wait_until 5 grep -q "^softofflined_trace_gaps_total $gaps\$" /tmp/tamper.prom
}

# What is left behind while no daemon runs.
test_stopped()
{
	log_lines=$(said)
	daemon_stop
	check 'daemon starts again' daemon_start
	check 'nothing was changed: no gap' same "$gaps" "$(sql "$(total gaps)")"
	daemon_stop
	echo 'error_count > 5' >$trace_instance/$event/filter
	echo 1 >$trace_instance/tracing_cpumask
	check 'daemon starts on a filter and a mask' daemon_start
	gaps=$((gaps + 1))
	check 'a gap' comes "$gaps" "$(total gaps)"
	ce "$(victim_pfn victim 1)" cpu=1
	check 'the next error is counted' stored_all
	check 'said once' same $((log_lines + 1)) "$(said)"
	daemon_stop
	rmdir $trace_instance
	check 'daemon starts on a new instance' daemon_start
	gaps=$((gaps + 1))
	check 'a gap, too' comes "$gaps" "$(total gaps)"
	ce "$(victim_pfn victim 1)" cpu=1
	check 'the error after it is counted' stored_all
	daemon_stop
	check 'the daemon never failed' same 0 "$(grep -c 'failed' "$log")"
}

fresh tamper </dev/null
printf '[Metrics]\nInterval=1s\nFile=/tmp/tamper.prom\n' >"$conf.d/interval.conf"
printf '[Policy]\nAction=account\n[Source]\nBufferSize=1M\n' >"$conf"
victim_start victim 8
test_running
test_unread
test_shown
test_stopped
vm_done
