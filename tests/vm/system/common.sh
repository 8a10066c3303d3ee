# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2034
#
# What the parts of the full-system test share, after guest.sh.

unit=softofflined.service
manager='org.softofflined1 /org/softofflined1 org.softofflined1.Manager'
drop_ins=/etc/softofflined/softofflined.conf.d
prom=/var/lib/prometheus/node-exporter/softofflined.prom
database=/var/lib/softofflined/softofflined.db
instance=/sys/kernel/tracing/instances/softofflined
out=/run/out

# Events raised so far, to be compared with what the daemon says.
sent=0

part()
{
	echo "$1:"
}

# try COMMAND...: its status, output and errors into $status, $said, $err.
try()
{
	status=0
	"$@" >/run/try.out 2>/run/try.err || status=$?
	said=$(cat /run/try.out)
	err=$(cat /run/try.err)
}

# nobody COMMAND...: as an ordinary user without any group.
nobody()
{
	setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

# prop NAME: a property of our unit.
prop()
{
	systemctl show --value --property="$1" "$unit"
}

# json VERB [ARGUMENT] FILTER: what jq makes of the verb's answer.
json()
{
	case $# in
	2) softofflinectl --json "$1" | jq -r "$2" ;;
	3) softofflinectl --json "$1" "$2" | jq -r "$3" ;;
	esac
}

hex()
{
	printf '0x%x\n' "$1"
}

address()
{
	hex "$(($1 * 4096))"
}

# ce PFN TIMES [KEY=VALUE...]: corrected errors of a page.
ce()
{
	ce_pfn=$1
	ce_times=$2
	shift 2
	echo "addr=$(address "$ce_pfn") repeat=$ce_times $*" >/proc/mcgen
	sent=$((sent + ce_times))
}

# ce_edac LINE: one error that takes the way of a real driver.
ce_edac()
{
	echo "$1" >/proc/fedac
	sent=$((sent + 1))
}

counted()
{
	[ "$(json status .counters.events)" = "$sent" ]
}

# page PFN FIELD
page()
{
	json show "pfn:$(hex "$1")" ".page.$2"
}

page_is()
{
	[ "$(page "$1" state 2>/dev/null)" = "$2" ]
}

poisoned()
{
	kpage "$1" | grep -q hwpoison
}

# metric FILE SERIES: the value of exactly that series.
metric()
{
	awk -v series="$2" 'index($0, series " ") == 1 {
		print substr($0, length(series) + 2) }' "$1"
}

metric_in()
{
	[ "$(metric "$1" "$2")" = "$3" ]
}

metric_is()
{
	metric_in "$prom" "$1" "$2"
}

running()
{
	systemctl is-active --quiet "$unit" && [ "$(prop SubState)" = running ]
}

# to_mend: what softofflinectl check must find on a machine like this one: the rows that
# fail. Debian 13's kernel has a collector of its own, which acts if the processor is Intel's.
to_mend()
{
	to_mend_cec=/sys/kernel/debug/ras/cec/action_threshold
	[ ! -e $to_mend_cec ] || [ "$(cat $to_mend_cec)" = 1023 ] || echo ras-cec
}

# check_finds ROWS: softofflinectl check fails by these rows only, and says so in $said.
check_finds()
{
	try softofflinectl check
	same "$([ -z "$1" ] && echo 0 || echo 1) $1" "$status $(json check \
		'[.[] | select(.status == "failed").id] | join(" ")')" && return
	printf '%s\n' "$said"
	return 1
}

# scrape: what Prometheus would get of node_exporter now, into $out/scrapes, by the time.
# tests/monitoring/recording.py makes a recording of these.
scrape()
{
	mkdir -p "$out/scrapes"
	systemctl start prometheus-node-exporter
	wait_until 30 scrape_once || return 1
	mv /run/scrape "$out/scrapes/$(date +%s)"
}

scrape_once()
{
	bash -c 'exec 3<>/dev/tcp/127.0.0.1/9100 &&
		printf "GET /metrics?collect[]=textfile&collect[]=edac HTTP/1.0\r\n\r\n" >&3 &&
		tr -d "\r" <&3' 2>/dev/null |
		grep -E '^(# TYPE )?(softofflined_|node_edac_|node_textfile_)' >/run/scrape
}
