# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154,SC2317
#
# softofflinectl for an ordinary user: everything to read, but no page address
# and no serial number; nothing to do.

denied()
{
	try nobody softofflinectl "$@"
	has "$status $err" '^1 softofflinectl: .*for root'
}

part 'softofflinectl, for an ordinary user'
check 'who is somebody else' same 65534 "$(nobody id -u)"
check 'status' has "$(nobody softofflinectl status)" '^Verdict +WATCH '
check 'pages without addresses' same 'null null DIMM_A0 offlined' \
	"$(nobody softofflinectl pages --json | jq -r '.[] | select(.dimm ==
	"DIMM_A0" and .state == "offlined") | "\(.pfn) \(.address) \(.dimm) \(.state)"')"
check 'history without addresses' same 'null null' "$(nobody softofflinectl \
	history --json | jq -r '.[].address' | paste -sd' ')"
check 'dimms without serial numbers' same 'null PART-DIMM_B1' "$(nobody \
	softofflinectl dimms --json | jq -r '.[] | select(.label == "DIMM_B1") |
	"\(.serial) \(.part)"')"
{
	nobody softofflinectl status
	nobody softofflinectl pages
	nobody softofflinectl history
	nobody softofflinectl dimms
	for method in ListPages ListHistory ListErrors; do
		# shellcheck disable=SC2086
		nobody busctl --json=short call $manager $method 'a{sv}' 0
	done
	# shellcheck disable=SC2086
	nobody busctl --json=short call $manager ListDimms
	cat "$prom"
} >/run/public.txt
check 'all of that is something' [ "$(wc -l </run/public.txt)" -gt 30 ]
for secret in "$(hex "$pfn1")" "$(address "$pfn1")" "\"data\":$pfn1" \
	"\"data\":$((pfn1 * 4096))" SERIAL-; do
	check "nowhere in it: $secret" sh -c "! grep -F -- '$secret' /run/public.txt"
done
check 'the database is closed' sh -c "! setpriv --reuid=65534 --clear-groups \
	cat $database 2>/dev/null"
check 'no show' denied show "$(address "$pfn1")"
check 'no offline' denied offline "$(address "$pfn3")"
check 'no forget' denied forget "$(address "$pfn3")"
check 'no forget of a DIMM' denied forget DIMM_A0
check 'no reload' denied reload
check 'none of this did anything' page_is "$pfn3" watched
