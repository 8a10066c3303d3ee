# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154,SC2317
#
# What the journal knows of the first page.

# message ID FILTER: of the messages on that page, as jq sees them.
message()
{
	journalctl --boot "SOFTOFFLINE_PFN=$(hex "$pfn1")" --output=json |
		jq -r "select(.MESSAGE_ID == \"$1\") | $2"
}

first=3a258f5f08094394a5a47fc39530b096
offlined=4dfe03459f6f4f2797787aa386e7e9ff

part 'the journal'
check 'two messages are found by the frame' same 2 "$(journalctl --boot \
	"SOFTOFFLINE_PFN=$(hex "$pfn1")" --output=cat | wc -l)"
check 'first error' same 'DIMM_A0 1' "$(message $first \
	'"\(.SOFTOFFLINE_DIMM_LABEL) \(.SOFTOFFLINE_COUNT)"')"
check 'threshold and outcome are one' same '2 2 86400' "$(message $offlined '"\(.SOFTOFFLINE_IN_WINDOW
	) \(.SOFTOFFLINE_THRESHOLD) \(.SOFTOFFLINE_WINDOW_SEC)"')"
check 'reason and result' same 'page-threshold offlined DIMM_A0 2 anonymous' \
	"$(message $offlined '"\(.SOFTOFFLINE_REASON) \(.SOFTOFFLINE_RESULT
	) \(.SOFTOFFLINE_DIMM_LABEL) \(.SOFTOFFLINE_COUNT) \(.SOFTOFFLINE_PAGE_TYPE)"')"
check 'address, priority, who' same "$(address "$pfn1") 5 softofflined $unit" \
	"$(message $offlined '"\(.SOFTOFFLINE_ADDRESS) \(.PRIORITY
	) \(.SYSLOG_IDENTIFIER) \(._SYSTEMD_UNIT)"')"
check 'a sentence for people' has "$(message $offlined .MESSAGE)" \
	"^Took page $(address "$pfn1") on DIMM_A0, .*\(page-threshold\); no data was lost\.\$"

# A package's installation does this.
journalctl --update-catalog
text=$(journalctl --boot --catalog --no-pager "MESSAGE_ID=$offlined" \
	"SOFTOFFLINE_PFN=$(hex "$pfn1")")
check 'the catalog explains it' has "$text" \
	'-- Subject: A failing memory page was taken out of use'
check 'and fills in the page' has "$text" \
	"soft-offline the page at $(address "$pfn1") on DIMM"
check 'and points to the manual' has "$text" 'Documentation: man:softofflined\(8\)'
