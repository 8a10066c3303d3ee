# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154,SC2317
#
# The unit after a boot: started by itself, notified, quiet.

part 'the unit'
check 'nothing was installed in /etc/softofflined' same '' "$(ls "$drop_ins/.." |
	grep -vx "${drop_ins##*/}")"
check 'the sample is where it can be read' \
	[ -s /usr/share/doc/softofflined/softofflined.conf ]
check 'it is enabled' same enabled "$(systemctl is-enabled "$unit")"
check 'it runs since boot' running
check 'no unit has failed' same '' "$(systemctl --failed --no-legend --plain)"
check 'no restart' same 0 "$(prop NRestarts)"
check 'it notifies' same notify "$(prop Type)"
check 'with a watchdog' same 30s "$(prop WatchdogUSec)"
check 'its status in words' has "$(prop StatusText)" \
	'^watching memory, 0 pages tracked, 0 offlined, 0 pending: '
check 'one message says that it started' same 1 "$(journalctl --boot \
	MESSAGE_ID=d86c984534e449189baab0e4f924178b --output=cat | wc -l)"
check 'no warning from it' same '' "$(journalctl --boot --unit="$unit" \
	--priority=warning --output=cat --quiet)"
check 'the database is for root only' same '600 0 750 0' \
	"$(stat -c '%a %u' "$database" "${database%/*}" | paste -sd' ')"
check 'the trace instance is set up' same '1 1' "$(cat \
	"$instance/tracing_on" "$instance/events/ras/mc_event/enable" | paste -sd' ')"
for file in /usr/share/man/man8/softofflined.8 \
	/usr/share/man/man1/softofflinectl.1 \
	/usr/share/man/man5/softofflined.conf.5; do
	# A package has it compressed.
	check "there is $file" [ -s "$file" -o -s "$file.gz" ]
done
check 'the metrics come within their interval' wait_until 20 [ -s "$prom" ]
check 'and say that it is up' metric_is softofflined_up 1
cp "$prom" "$out/boot.prom"
