# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154,SC2317
#
# From events to offlined pages under a live process.

# The first event of a CPU wakes a reader in any case, later ones only if it
# listens rightly. Writing the metrics looks, too, so none are written meanwhile.
part 'wake-ups'
printf '[Metrics]\nInterval=1h\n' >"$drop_ins/60-seldom.conf"
check 'metrics are written seldom' softofflinectl reload
for cpu in 0 1 0 1 0 1; do
	ce 0 1 "cpu=$cpu" label=DIMM_B0 top=1
	check "an event of CPU $cpu is read at once" wait_until 20 counted
done
rm "$drop_ins/60-seldom.conf"
check 'and as before again' softofflinectl reload

part 'pages'
check 'victim starts' victim_start v 32
pfn1=$(victim_pfn v 1)
pfn2=$(victim_pfn v 2)
pfn3=$(victim_pfn v 3)
kib=$(poisoned_kib)

ce "$pfn1" 1
check 'one error is counted' wait_until 10 counted
check 'and watched' page_is "$pfn1" watched
ce "$pfn1" 1
check 'the second one has the page offlined' wait_until 10 page_is "$pfn1" offlined
check 'the frame is poisoned' poisoned "$pfn1"
check 'HardwareCorrupted +4 kB' same $((kib + 4)) "$(poisoned_kib)"
check 'the page has moved' [ "$(victim_pfn v 1)" != "$pfn1" ]
ce "$pfn2" 2 label=DIMM_B1 top=1 mid=1
ce "$pfn3" 1
check 'a page of another DIMM' wait_until 10 page_is "$pfn2" offlined
check 'one page is left alone' page_is "$pfn3" watched
check 'and is in use' sh -c "! kpage $pfn3 | grep -q hwpoison"
check 'every byte is intact' same 'verify ok' "$(victim_ask v verify)"

# Through the EDAC core: three errors in one event, where no RAM is.
ce_edac 'CE 3 0x2345678c0 0x55 1 0 -1 memory scrubbing error'
check 'an event of the EDAC core' wait_until 10 counted
check 'all errors are counted' same 14 "$(json status .counters.corrected_errors)"
check 'those that name no page apart' same 9 "$(json status .counters.unattributed)"
check 'nothing was lost' same 0 "$(json status .counters.events_lost)"
check 'poisoned by us' same '8 8 0' "$(json status \
	'.poisoned | "\(.kib) \(.by_us_kib) \(.by_others_kib)"')"
check 'the budget' same 2 "$(json status .budget.used_pages)"
