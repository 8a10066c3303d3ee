# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154,SC2317,SC2086
#
# D-Bus, without our own tool.

part 'the bus'
interface=$(busctl --no-pager --no-legend introspect $manager)
for method in GetStatus ListPages ListHistory ListErrors ListDimms GetPolicy \
	Reload Offline Forget ForgetDimm; do
	check "introspection shows $method" has "$interface" "^\.$method +method "
done
check 'and a signal' has "$interface" '^\.Changed +signal '
check 'a property' same 's "watch"' "$(busctl get-property $manager Verdict)"
check 'one that says what happened' has "$interface" '^\.Notice +signal +a\{sv\} '
check 'a method answers' same "$sent" "$(busctl --json=short call $manager \
	GetStatus | jq '.data[0]["counters.events"].data')"
check 'an ordinary user may ask' same "$sent" "$(nobody busctl --json=short \
	call $manager GetStatus | jq '.data[0]["counters.events"].data')"
for call in "Offline t $((pfn3 * 4096))" "Forget t $((pfn3 * 4096))" \
	'ForgetDimm s DIMM_A0' Reload; do
	try nobody busctl call $manager $call
	check "but not: $call" has "$status $err" '^1 .*([Dd]enied|not permitted|root only)'
done
check 'nor set a property' sh -c "! setpriv --reuid=65534 --clear-groups busctl \
	set-property $manager Verdict s ok 2>/dev/null"
check 'none of this did anything' page_is "$pfn3" watched
