# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154,SC2317
#
# The memory controller's driver goes and comes back under the daemon: within a minute it
# says that it sees nothing, and that it sees again, once each.

# told ID: how many messages of this kind there are. Not by a cursor: the first entry that
# matches would be left out (seen with systemd 252).
told()
{
	journalctl --boot --output=cat --quiet MESSAGE_ID="$1" | wc -l
}

# told_once ID BEFORE: one more than there were.
told_once()
{
	[ "$(told "$1")" = $(($2 + 1)) ]
}

blind=c064e6aac47e44049e82a78d2aa29450
sees=fa750839a32e4f3fb7cfd90c382a7ae3

part 'a driver goes and comes'
blind_before=$(told "$blind")
sees_before=$(told "$sees")
check 'errors can be seen' same 'ok true' "$(json status '.source |
	"\(.state) \(.up)"')"
check 'so says the metric' metric_is softofflined_source_up 1
check 'the driver goes' rmmod fedac
# Nobody asks meanwhile: a question would make it look.
check 'it says within a minute that it sees nothing' wait_until 75 told_once "$blind" \
	"$blind_before"
check 'and the metric does' wait_until 20 metric_is softofflined_source_up 0
check 'by its state' metric_is 'softofflined_source{state="no-driver"}' 1
cp "$prom" "$out/blind.prom"
try softofflinectl status --exit-code
check 'status --exit-code: 10' same 10 "$status"
check 'and why' has "$said" 'Source +no-driver: '
check 'JSON' same 'no-driver false degraded' "$(json status \
	'"\(.source.state) \(.source.up) \(.verdict)"')"
check 'it can be asked about all else' sh -c 'softofflinectl pages >/dev/null &&
	softofflinectl dimms >/dev/null && softofflinectl reload'
sleep 61
check 'a minute later nothing more was said' told_once "$blind" "$blind_before"
check 'the driver comes back' insmod /usr/lib/fedac.ko
check 'it says within a minute that it sees again' wait_until 75 told_once "$sees" \
	"$sees_before"
check 'and the metric does' wait_until 20 metric_is softofflined_source_up 1
check 'status: errors can be seen' same 'ok true' "$(json status '.source |
	"\(.state) \(.up)"')"
ce_edac 'CE 1 0x10000040 0 0 0 -1 memory read error'
check 'an error of the new driver is counted' wait_until 20 counted
