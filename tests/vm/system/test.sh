#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside the full-system VM: the package as installed, part by part. The order
# matters, each part goes on with what the one before has left.
#
# shellcheck disable=SC1091,SC2154  # they are there inside the VM

. /vm/guest.sh
. /vm/common.sh

mkdir -p "$out" "$drop_ins"
run_part()
{
	# shellcheck disable=SC1090
	. "/vm/$1.sh"
}

run_part unit
run_part silence
part 'asked nothing since it was started'
silent_since "$(($(prop ActiveEnterTimestampMonotonic) / 1000000))"
root_is_served 'first question'
# The sandbox is tested without a question to the daemon, and most of the time passes.
run_part sandbox
part 'asked nothing for long'
silent_since "$asked"
root_is_served 'after a silence'
# What Prometheus would see of this run, for tests/monitoring/vm.recording.
check 'node_exporter is scraped' scrape
for script in pages journal bus cli users operator notify reload neighbours; do
	run_part "$script"
	check 'node_exporter is scraped' scrape
done
notices_dealt_with
for script in restart flood bus_gone; do
	run_part "$script"
	check 'node_exporter is scraped' scrape
done
notices_after 'the bus was gone' 24
for script in sight refused; do
	run_part "$script"
	check 'node_exporter is scraped' scrape
done
run_part metrics

cp "$prom" "$out/last.prom"
journalctl --boot --no-pager --output=short-monotonic >"$out/journal.txt"
softofflinectl history >"$out/history.txt" 2>&1
# Last, because it begins by throwing away what the daemon knows.
run_part install
[ ! -e /vm/package ] || run_part package
tar -cf /dev/vdb -C "$out" .
vm_done
