#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside the VM: Debian's rasdaemon records a few errors, and the back-test reads its
# database: a page with two errors, a cell more in its row, an error found by the scrubber.
#
# shellcheck disable=SC2317  # functions are called through check

# shellcheck source=SCRIPTDIR/../daemon/lib.sh
. /vm/lib.sh

instance=/sys/kernel/tracing/instances/rasdaemon
db=/var/lib/rasdaemon/ras-mc_event.db

watches()
{
	[ "$(cat "$instance/events/ras/mc_event/enable" 2>/dev/null)" = 1 ]
}

rows()
{
	sql 'SELECT count(*) FROM mc_event' 2>/dev/null || echo 0
}

grew()
{
	[ "$(rows)" -gt "$rows_before" ]
}

# skx COLUMN: the text of skx_edac for a cell of row 0x1a.
skx()
{
	printf ' err_code:0x0101:0x0091 socket:1 imc:1 rank:0 bg:0 ba:1 row:0x1a col:0x%x' "$1"
}

# error ADDRESS COLUMN WORDS...: one after another, for rasdaemon 0.6.8 lost some of those
# that came at once; and again until it has recorded one.
error()
{
	error_address=$1 error_column=$2
	shift 2
	rows_before=$(rows)
	for _ in 1 2 3 4 5; do
		emit "cpu=0 addr=$error_address label=CPU1_E0 mc=3 top=1 mid=0 grain=5 $*" \
			"detail=\"$(skx "$error_column")\""
		wait_until 10 grew && return
	done
	return 1
}

# has WORD: in the back-test's JSON.
has()
{
	grep -q "$1" /tmp/backtest
}

mkdir -p /var/lib/rasdaemon "$instance"
echo 0 >"$instance/buffer_percent"
rasdaemon --foreground --record >/tmp/rasdaemon.log 2>&1 &
daemon=$!
check 'rasdaemon watches' wait_until 60 watches
sleep 2
check 'it recorded a page with two errors' error 0x20fa103f00 8 count=6 'msg="memory read error"'
check 'and its second' error 0x20fa103f00 8 'msg="memory read error"'
check 'and one that the scrubber found' error 0x20fa103100 24 'msg="memory scrubbing error"'
check 'and one in another page of the row' error 0x30fa103000 32 'msg="memory read error"'
kill "$daemon"
wait "$daemon"
sql 'SELECT * FROM mc_event'
softofflinectl policy backtest --policy default --input "$db"
check 'the back-test reads its database' sh -c \
	"softofflinectl --json policy backtest --policy default --input $db >/tmp/backtest"
check 'every error, by its count' \
	has "\"ces\": $(sql 'SELECT sum(err_count) FROM mc_event'),"
check 'every page' has '"pages": 2,'
check 'no row is refused' has '"bad_rows": 0,'
check 'two errors take the page' has '"pages_offlined": [12],'
check 'coordinates make a row' has '"class": "row"'
vm_done
