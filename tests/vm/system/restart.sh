# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154,SC2317
#
# The daemon hangs, or is stopped: nothing that was counted goes away, and
# what happens in the meantime is counted afterwards.

# told: everything that must be the same again, as one line.
told()
{
	{
		json pages '.[] | "\(.pfn) \(.state) \(.reason) \(.corrected_errors)"' | sort
		json history length
		json dimms '.[] | "\(.label) \(.location) \(.corrected_errors) \(.pages
			) \(.offlined)"' | sort
	} | paste -sd' '
}

restarted()
{
	[ "$(prop NRestarts)" = 1 ] && running
}

# counted_or_told_lost: systemd lets a stopped process go on for a moment to kill
# it, and its reading thread may use that moment to take an event with it.
counted_or_told_lost()
{
	[ "$(json status '.counters | .events + .events_lost')" = "$sent" ]
}

part 'the watchdog'
mkdir -p "/etc/systemd/system/$unit.d"
printf '[Service]\nWatchdogSec=4s\n' >"/etc/systemd/system/$unit.d/watchdog.conf"
systemctl daemon-reload
before=$(told)
systemctl restart "$unit"
check 'a restart keeps everything' same "$before" "$(told)"
check 'no restart by systemd so far' same 0 "$(prop NRestarts)"
main=$(prop MainPID)
pfn8=$(victim_pfn v 8)
kill -STOP "$main"
ce "$pfn8" 1
check 'a daemon that hangs is restarted' wait_until 60 restarted
check 'by the watchdog' has "$(journalctl --boot --unit="$unit" --output=cat)" \
	'Watchdog timeout'
check 'as another process' [ "$(prop MainPID)" != "$main" ]
check 'the event of that time is counted, or told as lost' wait_until 10 \
	counted_or_told_lost
lost=$(json status .counters.events_lost)
sent=$((sent - lost))
echo "      lost: $lost"
ce "$pfn8" $((1 + lost))
check 'and so is the count of its page' wait_until 10 page_is "$pfn8" offlined
rm -r "/etc/systemd/system/$unit.d"
systemctl daemon-reload

part 'stop and start'
before=$(told)
pfn9=$(victim_pfn v 9)
systemctl stop "$unit"
check 'it stops in order' same 'inactive success 0' \
	"$(prop ActiveState) $(prop Result) $(prop ExecMainStatus)"
ce "$pfn9" 2
try softofflinectl status
check 'status: not running' same 3 "$status"
check 'and says that this is stored' has "$err" 'not running; showing what it stored'
check 'root reads the same from the database' same "$before" "$(told 2>/dev/null)"
try nobody softofflinectl status
check 'an ordinary user does not' has "$status $err" \
	'^3 softofflinectl: softofflined (is not running|does not answer)'
try nobody softofflinectl pages
check 'nor the pages' same 1 "$status"
try softofflinectl offline "$(address "$pfn9")"
check 'nothing is done' has "$status $err" '^1 softofflinectl: softofflined is not running'
systemctl start "$unit"
check 'the events of that time are counted' wait_until 10 counted
check 'and acted upon' wait_until 10 page_is "$pfn9" offlined
check 'without a loss' same "$lost" "$(json status .counters.events_lost)"
check 'poison is still ours' same "$(poisoned_kib) 0" "$(json status \
	'.poisoned | "\(.by_us_kib) \(.by_others_kib)"')"
check 'every byte is intact' same 'verify ok' "$(victim_ask v verify)"
