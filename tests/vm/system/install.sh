# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154,SC2317
#
# README.md's Install section, from what is built and installed to a service that acts:
# its lines as they stand, on a machine that has not had the daemon before.

# line_works LINE: as a shell of root takes it. "check" finds what there is to find here,
# and that the daemon does not run yet is nothing to mend.
line_works()
{
	# For the echo of check, to which a backslash means something.
	name=$(printf '%s\n' "$1" | sed 's/\\/&&/g')
	try sh -c "$1"
	case $1 in
	*'softofflinectl check'*) check "$name" same "$check_status" "$status" ;;
	*) check "$name" same 0 "$status" ;;
	esac
}

part 'as README.md installs it'
systemctl --quiet disable --now "$unit"
rm -rf /etc/softofflined "${database%/*}" "$prom" /var/lib/systemd/catalog/database
sent=0
check_status=0
[ -z "$(to_mend)" ] || check_status=1
check 'there are lines for it' [ "$(wc -l </vm/lines)" -ge 5 ]
while IFS= read -r line; do
	line_works "$line"
done </vm/lines
check 'it is enabled' same enabled "$(systemctl is-enabled "$unit")"
check 'it runs' running
check 'the catalog knows it' has "$(journalctl --boot --catalog --no-pager \
	MESSAGE_ID=d86c984534e449189baab0e4f924178b)" '-- Subject: '
check 'it watches only' has "$(softofflinectl policy show)" '^Action *= *account'
pfn10=$(victim_pfn v 10)
ce "$pfn10" 2
check 'it counts' wait_until 10 counted
check 'and does not act' sh -c "! kpage $pfn10 | grep -q hwpoison"
rm /etc/softofflined/softofflined.conf.d/watch.conf
check 'to let it act: softofflinectl reload' softofflinectl reload
# Another page: what was refused is not looked at again within the hour.
pfn11=$(victim_pfn v 11)
ce "$pfn11" 2
check 'it acts' wait_until 10 poisoned "$pfn11"
