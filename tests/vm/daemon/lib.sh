# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# What the daemon's tests share, inside the VM: the daemon under a database,
# a configuration and a log of its own for each test, errors to feed it, and
# questions to its database. Nothing waits for a span of time where it can
# wait for a row in the database or a line in the log.

# shellcheck source=SCRIPTDIR/../lib/guest.sh
. /vm/guest.sh

trace_instance=/sys/kernel/tracing/instances/softofflined

# Budgets that never stand in the way.
# shellcheck disable=SC2034  # for those who source this
unlimited='
[Budget]
PagesPerHour=100000
Burst=100000
PagesPerDimm=1000000
Total=50%'

# fresh NAME: everything new: database, log, configuration from stdin, and a trace
# instance that holds nothing. Metrics are written by the hour, for with them
# the daemon looks at every CPU, and that would hide a wakeup that never came.
fresh()
{
	echo "--- $1 ($(cut -d. -f1 /proc/uptime) s)"
	db=/tmp/$1.db
	conf=/tmp/$1.conf
	log=/tmp/$1.log
	sent=0
	daemon=
	: >"$log"
	cat >"$conf"
	mkdir -p "$conf.d"
	printf '[Metrics]\nInterval=1h\n' >"$conf.d/interval.conf"
	[ ! -d "$trace_instance" ] || rmdir "$trace_instance"
}

# daemon_start ARGUMENT...: returns when it watches.
daemon_start()
{
	started=$(grep -c 'watching .* pages known' "$log")
	softofflined --config "$conf" --db "$db" "$@" 2>>"$log" &
	daemon=$!
	wait_until 30 daemon_watches
}

daemon_watches()
{
	[ "$(grep -c 'watching .* pages known' "$log")" -gt "$started" ]
}

# daemon_stop: the status of a daemon that was asked to end.
daemon_stop()
{
	kill -TERM "$daemon"
	wait "$daemon"
}

# daemon_kill: what it held in memory is gone.
daemon_kill()
{
	kill -KILL "$daemon"
	wait "$daemon" 2>/dev/null
	true
}

daemon_runs()
{
	[ -d "/proc/$daemon" ] && ! grep -q '^State:.*Z' "/proc/$daemon/status"
}

# exits STATUS ARGUMENT...: a daemon that does not come up.
exits()
{
	want_status=$1
	shift
	timeout 20 softofflined --config "$conf" --db "$db" "$@" 2>>"$log"
	same "$want_status" "$?"
}

# emit WORDS...: one line to mcgen; emit_lines takes them from stdin.
emit()
{
	echo "$*" >/proc/mcgen
}

# ce PFN [WORDS...]: one corrected error of one page.
ce()
{
	ce_pfn=$1
	shift
	emit "addr=$(printf '0x%x' $((ce_pfn * page_size + 64))) $*" || return 1
	sent=$((sent + 1))
}

# addresses: of a byte in each page whose frame number is a line of stdin.
addresses()
{
	while read -r address_pfn; do
		printf '0x%x\n' $((address_pfn * page_size + 192))
	done
}

# ce_all COUNT WORDS...: COUNT errors on each page of the list on stdin, one
# page after the other, as one write.
ce_all()
{
	ce_times=$1
	shift
	addresses | awk -v times="$ce_times" -v words="$*" '
		{ address[NR] = $1 }
		END { for (t = 0; t < times; t++) for (i = 1; i <= NR; i++)
			print "addr=" address[i], words }' >/tmp/ce_all
	cat /tmp/ce_all >/proc/mcgen || return 1
	sent=$((sent + $(wc -l </tmp/ce_all)))
}

# sql QUERY: from the database, also under a running daemon.
sql()
{
	sqlite3 -readonly -cmd '.timeout 10000' "$db" "$1"
}

sql_same()
{
	[ "$1" = "$(sql "$2" 2>/dev/null)" ]
}

# comes WANT QUERY [SECONDS]: the database will say so; for check.
comes()
{
	wait_until "${3:-30}" sql_same "$1" "$2" || same "$1" "$(sql "$2")"
}

# logged PATTERN: the daemon will say so; for check.
logged()
{
	wait_until 20 grep -Eq -- "$1" "$log" && return
	echo "      no '$1' in the log:"
	tail -n 12 "$log"
	return 1
}

total()
{
	echo "SELECT value FROM totals WHERE key = '$1'"
}

# stored_all: every event that was sent is in every table that counts events.
stored_all()
{
	comes "$sent" "$(total events)" &&
		comes "$sent" 'SELECT sum(events) FROM ce'
}

# pages STATE [RESULT]: how many there are, as a query.
pages()
{
	# shellcheck disable=SC2016  # the quotes are SQL's
	echo "SELECT count(*) FROM page WHERE state = '$1'${2:+ AND result = '$2'}"
}

# page PFN COLUMNS
page()
{
	echo "SELECT $2 FROM page WHERE pfn = $(($1))"
}

# attempts PFN: how often the kernel was asked.
attempts()
{
	echo "SELECT count(*) FROM action WHERE action = 'offline' AND pfn = $(($1))"
}

# pfns_of VICTIM COUNT: frame numbers, 0x and hex digits.
pfns_of()
{
	victim_ask "$1" pfns | awk -v n="$2" '$1 == "page" && $2 < n { print $4 }'
}

# poisoned PFN / not_poisoned PFN: by the kernel's own flags.
poisoned()
{
	kpage "$1" | grep -q hwpoison
}

not_poisoned()
{
	! poisoned "$1"
}

# each_poisoned FILE: every frame listed is.
each_poisoned()
{
	# shellcheck disable=SC2046  # a list of numbers
	same "$(wc -l <"$1")" "$(kpage $(cat "$1") | grep -c hwpoison)"
}

# offlined_once FILE: one successful attempt for each frame listed.
offlined_once()
{
	sql "SELECT pfn, count(*) FROM action
		WHERE action = 'offline' AND result = 'offlined'
		GROUP BY pfn" | sort >/tmp/once.have
	while read -r once_pfn; do
		echo "$((once_pfn))|1"
	done <"$1" | sort >/tmp/once.want
	cmp -s /tmp/once.want /tmp/once.have || {
		diff /tmp/once.want /tmp/once.have | head -n 20
		return 1
	}
}

# grew PAGES: HardwareCorrupted since $poison_before.
grew()
{
	# shellcheck disable=SC2154  # each test sets it
	same "$((poison_before + $1 * page_kib))" "$(poisoned_kib)"
}

# frame_with FLAG: some frame that has it.
frame_with()
{
	# shellcheck disable=SC2046  # a list of numbers
	kpage $(seq $((ram_first + 11)) 13 "$ram_last") |
		awk -v flag="$1" 'index("," substr($3, 7) ",", "," flag ",") {
			print $1; exit }'
}

# A machine whose errors come from elsewhere has no such module.
[ ! -e /vm/mcgen.ko ] || insmod /vm/mcgen.ko || exit 1
