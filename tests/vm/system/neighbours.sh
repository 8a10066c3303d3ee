# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154,SC2317
#
# node_exporter serves our metrics; rasdaemon beside us takes nothing away.

# scraped: what the exporter serves of us.
scraped()
{
	bash -c 'exec 3<>/dev/tcp/127.0.0.1/9100 &&
		printf "GET /metrics HTTP/1.0\r\n\r\n" >&3 &&
		tr -d "\r" <&3' 2>/dev/null |
		grep -E '^(softofflined_|node_textfile_scrape_error)' >/run/scraped
}

# served SERIES: its value; numbers of the exporter may have an exponent.
served()
{
	metric /run/scraped "$1" | awk '{ printf "%.0f\n", $1 }'
}

# rasdaemon_has N: N events of DIMM_A1 in its database.
rasdaemon_has()
{
	[ "$(sqlite3 -readonly /var/lib/rasdaemon/ras-mc_event.db \
		"select count(*) from mc_event where label = 'DIMM_A1'" \
		2>/dev/null)" = "$1" ]
}

part 'node_exporter'
systemctl start prometheus-node-exporter
check 'it serves us' wait_until 30 scraped
check 'without an error of its own' same 0 "$(served node_textfile_scrape_error)"
check 'events' same "$sent" "$(served softofflined_events_total)"
check 'errors of a DIMM' same 2 "$(served \
	'softofflined_corrected_errors_total{controller="0",dimm_label="DIMM_B1",label="DIMM_B1",location="1:1",mc="0"}')"
check 'pages' same "$(json status .pages.offlined)" \
	"$(served 'softofflined_pages{state="offlined"}')"
systemctl stop prometheus-node-exporter

part 'rasdaemon beside us'
sed -i '/^PAGE_CE_ACTION/d' /etc/default/rasdaemon
# On this kernel its reader sleeps until half of a buffer is full.
mkdir -p /sys/kernel/tracing/instances/rasdaemon
echo 0 >/sys/kernel/tracing/instances/rasdaemon/buffer_percent
systemctl start rasdaemon
check 'it runs' systemctl is-active --quiet rasdaemon
check 'it watches' wait_until 30 grep -q 1 \
	/sys/kernel/tracing/instances/rasdaemon/events/ras/mc_event/enable
check 'softofflinectl check warns of it' has "$(softofflinectl check)" \
	'rasdaemon +rasdaemon runs and offlines pages too'
pfn6=$(victim_pfn v 6)
pfn7=$(victim_pfn v 7)
ce "$pfn6" 1 label=DIMM_A1 mid=1
ce "$pfn7" 2 label=DIMM_A1 mid=1
check 'we see all events' wait_until 10 counted
check 'and act' wait_until 10 page_is "$pfn7" offlined
check 'so does rasdaemon' wait_until 30 rasdaemon_has 3
systemctl stop rasdaemon
check 'its stop leaves our instance alone' same '1 1' "$(cat \
	"$instance/tracing_on" "$instance/events/ras/mc_event/enable" | paste -sd' ')"
ce "$pfn6" 1 label=DIMM_A1 mid=1
check 'we go on counting' wait_until 10 counted
check 'and acting' wait_until 10 page_is "$pfn6" offlined
check 'exactly' same 4 "$(json dimms '.[] | select(.label == "DIMM_A1").corrected_errors')"
