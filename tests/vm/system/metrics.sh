# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154,SC2317
#
# The end of what Prometheus sees of a run: an uncorrected error, and a stop.

part 'the first uncorrected error'
uncorrected()
{
	grep -F 'softofflined_uncorrected_errors_total{' "$prom" | grep -F 'label="DIMM_B1"' |
		grep -q " $1\$"
}

check 'it was 0 before' uncorrected 0
ce_edac 'UE 1 0x2345678c0 0 1 1 -1 memory read error'
check 'it is counted' wait_until 20 counted
check 'the metrics have it' wait_until 30 uncorrected 1
check 'node_exporter is scraped' scrape

part 'the metrics after a stop'
systemctl stop "$unit"
check 'they say so' metric_is softofflined_up 0
check 'node_exporter is scraped' scrape
systemctl start "$unit"
check 'it is up again' wait_until 30 metric_is softofflined_up 1
systemctl stop prometheus-node-exporter
