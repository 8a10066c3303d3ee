# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154,SC2317
#
# What root can ask for.

part 'by hand'
pfn4=$(victim_pfn v 4)
try softofflinectl offline "$(address "$pfn4")"
check 'offline a page' has "$status $said" "^0 $(address "$pfn4"): offlined: "
check 'the frame is poisoned' poisoned "$pfn4"
check 'every byte is intact' same 'verify ok' "$(victim_ask v verify)"
check 'the reason is the operator' same 'operator offlined' \
	"$(page "$pfn4" reason) $(page "$pfn4" result)"
try softofflinectl offline "pfn:$(hex "$pfn4")"
check 'once more: already' has "$status $said" '^0 .*: already: '
try softofflinectl offline 0x2345678000
check 'not where no RAM is' has "$status $said" '^1 .*: not-ram: '
try softofflinectl offline 4096
check 'not without 0x' has "$status $err" '^2 softofflinectl: "4096" is not an address'

try softofflinectl forget "$(address "$pfn3")"
check 'forget a page' same "0 $said$err" "$status "
try softofflinectl show "$(address "$pfn3")"
check 'its errors stay on record' same null "$(json show "$(address "$pfn3")" .page)"
check 'its history says so' same forgotten \
	"$(json show "$(address "$pfn3")" '.history[-1].result')"
try softofflinectl forget 0x777000
check 'forget what nobody knows' same 1 "$status"
ce "$pfn3" 1
check 'its next error is the first one' wait_until 10 page_is "$pfn3" watched
