# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154,SC2317
#
# Reloading: a good file takes effect, a bad one changes nothing and is shown.

file=$drop_ins/50-test.conf
success=softofflined_config_last_reload_successful

# conf LINE...: our drop-in.
conf()
{
	printf '%s\n' "$@" >"$file"
}

part 'reload'
main=$(prop MainPID)
pfn5=$(victim_pfn v 5)
conf '[Policy]' 'PageThreshold=4 / 1h' '[Metrics]' 'Interval=1s'
try softofflinectl reload
check 'a good file' same '0  ' "$status $said $err"
check 'is in force' has "$(softofflinectl policy show)" '^PageThreshold *= *4 / 1h'
ce "$pfn5" 3
check 'three errors' wait_until 10 counted
check 'are not enough now' page_is "$pfn5" watched
ce "$pfn5" 1
check 'the fourth is' wait_until 10 page_is "$pfn5" offlined
check 'the message is in the journal' wait_until 20 sh -c 'journalctl --boot \
	--quiet MESSAGE_ID=33963239df5941108b7e42527dfb1444 | grep -q .'

# A second name keeps the old file, and with it its inode, from being used again.
ln "$prom" "$prom.before"
conf '[Policy]' 'PageThreshold=banana'
try softofflinectl reload
check 'a bad file fails' same 1 "$status"
check 'with file, line and key' has "$err" \
	"^$file:2: \[Policy\] PageThreshold: "
check 'and is not in force' has "$(softofflinectl policy show)" \
	'^PageThreshold *= *4 / 1h'
check 'the metrics say so' metric_is $success 0
check 'they were replaced, not written over' [ ! "$prom" -ef "$prom.before" ]
check 'the old ones are whole' metric_in "$prom.before" $success 1
rm "$prom.before"
cp "$prom" "$out/refused.prom"
try systemctl reload "$unit"
check 'systemctl reload fails, too' [ "$status" != 0 ]
check 'its line is in the journal' has "$(journalctl --boot --unit="$unit" \
	--output=cat)" "$file:2: \[Policy\] PageThreshold: "
check 'the daemon runs on' running
check 'it is the same process' same "$main" "$(prop MainPID)"

conf '[Policy]' 'PageThreshold=2 / 24h' '[Metrics]' 'Interval=1s'
try systemctl reload "$unit"
check 'systemctl reload of a good one' same 0 "$status"
check 'the metrics say so' metric_is $success 1
conf '[Policy]' 'PageTreshold=3 / 24h' '[Metrics]' 'Interval=1s'
try softofflinectl reload
check 'an unknown key below [Policy] fails' same 1 "$status"
check 'with the nearest one' has "$err" \
	"^$file:2: \[Policy\] PageTreshold: unknown key; .* PageThreshold"
check 'the daemon runs on' running
check 'with the old policy' has "$(softofflinectl policy show)" \
	'^PageThreshold *= *2 / (24h|1d)'
conf '[Metrics]' 'Interval=1s' 'Intervall=2s'
try softofflinectl reload
check 'an unknown key below [Metrics] only warns' has "$status $said" '^0 .*Interval'
conf '[Metrics]' 'Interval=1s'
try softofflinectl reload
check 'back to the default' has "$status $(softofflinectl policy show)" \
	'^PageThreshold *= *2 / (24h|1d)'
