# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154,SC2317
#
# softofflinectl as root: the reading verbs, and the keys that scripts rely on.

# The keys that are promised (softofflinectl(1)).
status_keys='["schema","daemon.running","daemon.version","daemon.started",
	"kernel.mc_event","kernel.soft_offline","kernel.enable_soft_offline",
	"kernel.ras_cec","kernel.ras_cec_threshold","kernel.ras_cec_acts",
	"kernel.patched","counters.events",
	"counters.corrected_errors","counters.uncorrected_errors",
	"counters.unattributed","counters.events_lost","counters.gaps","pages.tracked",
	"pages.offlined","pages.pending","pages.failed","pages.refused",
	"budget.limit_pages","budget.used_pages","budget.hour_limit",
	"budget.hour_used","poisoned.kib","poisoned.by_us_kib",
	"poisoned.by_others_kib","source.reading","source.delivers",
	"source.other_machine_checks","source.state","source.up","source.cause",
	"source.why","source.remedy","verdict"]'
pages_keys='["pfn","address","dimm","corrected_errors","first_seen",
	"last_seen","state","reason","result","attempts"]'
history_keys='["time","pfn","address","action","reason","result","errno",
	"page_type","duration_usec","poisoned_before_kib","poisoned_after_kib",
	"outcome"]'
dimms_keys='["label","location","size_mib","part","serial",
	"corrected_errors","pages","fault","verdict","slot","slot_match",
	"likely_part","likely_serial","missing"]'

# What may come in addition; anything else is a surprise.
status_more='["daemon.dry_run","daemon.action","database.last_commit","counters.malformed","database.ok",
	"database.bytes","database.errors","database.lost_rows","hold",
	"hold_why","verdict_why","budget.burst","kernel.soft_offline_event",
	"kernel.soft_offline_counters","kernel.memory_failure_event","kernel.sources",
	"kernel.soft_offline_control","nodes"]'
dimms_more='["uncorrected_errors","unattributed","offlined","verdict_why",
	"cells","rows","banks","identity","former","controller","since",
	"last_uncorrected","last_uncorrected_address"]'

# keys_of WANT MORE: of the objects on stdin, "[missing,surprising]", each once.
keys_of()
{
	jq -c --argjson want "$1" --argjson more "$2" '
		[paths(type != "object") | join(".")] |
		[$want - ., . - $want - $more]' | sort -u
}

all_fit='[[],[]]'

part 'softofflinectl, for root'
try softofflinectl
check 'status on one screen' has "$status $said" '^0 Verdict +WATCH '
check 'status --exit-code: pages offlined with success need nobody' sh -c \
	'softofflinectl status --exit-code >/dev/null; test $? = 0'
check 'keys of status' same "$all_fit" "$(json status . |
	keys_of "$status_keys" "$status_more")"
check 'keys of pages' same "$all_fit" "$(json pages '.[]' |
	keys_of "$pages_keys" '[]')"
check 'keys of history' same "$all_fit" "$(json history '.[]' |
	keys_of "$history_keys" '[]')"
check 'keys of dimms' same "$all_fit" "$(json dimms '.[]' |
	keys_of "$dimms_keys" "$dimms_more")"
check 'show has the same keys' same "$all_fit $all_fit" "$(
	json show "$(address "$pfn1")" .page | keys_of "$pages_keys" '[]'
) $(json show "$(address "$pfn1")" '.history[]' | keys_of "$history_keys" '[]')"

check 'pages: one each' same "$(printf '%s\n' \
	"$(hex "$pfn1") offlined page-threshold offlined 2 1" \
	"$(hex "$pfn2") offlined page-threshold offlined 2 1" \
	"$(hex "$pfn3") watched none none 1 0" | sort)" "$(json pages '.[] |
	"\(.pfn) \(.state) \(.reason) \(.result) \(.corrected_errors) \(.attempts)"' |
	sort)"
check 'pages --state' same "$(hex "$pfn3")" "$(json pages --state=watched '.[].pfn')"
check 'history: two offlined' same "$(printf '%s\n' \
	"offline page-threshold offlined 0 anonymous $(address "$pfn1")" \
	"offline page-threshold offlined 0 anonymous $(address "$pfn2")")" \
	"$(json history '.[] | "\(.action) \(.reason) \(.result) \(.errno
	) \(.page_type) \(.address)"')"
check 'history: the poisoned-page counter' same '4 4' "$(json history '.[] |
	.poisoned_after_kib - .poisoned_before_kib' | paste -sd' ')"
check 'history: times of today' same 2 "$(json history --since=1h length)"
check 'show as a story' has "$(softofflinectl show "$(address "$pfn1")")" \
	'^Result +offlined: '
check 'show knows the errors' same 2 "$(json show "pfn:$(hex "$pfn1")" \
	'[.errors[].count] | add')"
check 'dimms: all modules, also the healthy one' same \
	'DIMM_A0 3 2 DIMM_A1 0 0 DIMM_B0 9 0 DIMM_B1 2 1' \
	"$(json dimms '[.[] | "\(.label) \(.corrected_errors) \(.pages)"] |
	sort | join(" ")')"
check 'dimms: each in its slot, and none is missing' same \
	'DIMM_A0 exact false DIMM_A1 exact false DIMM_B0 exact false DIMM_B1 exact false' \
	"$(json dimms '[.[] | "\(.slot) \(.slot_match) \(.missing)"] |
	sort | join(" ")')"
check 'dimms: where, and what is printed on it' same \
	'mc0 1:1 1024 PART-DIMM_B1 SERIAL-DIMM_B1' "$(json dimms '.[] |
	select(.label == "DIMM_B1") |
	"\(.location) \(.size_mib) \(.part) \(.serial)"')"
check 'policy show' has "$(softofflinectl policy show)" '^PageThreshold *= *2 / (24h|1d)'
mend=$(to_mend)
try softofflinectl policy verify
check 'policy verify' same '0 configuration: fine' "$status $said"
check "check has nothing to mend here${mend:+ but }$mend" check_finds "$mend"
check 'and knows the daemon' has "$said" 'daemon +softofflined runs'
check 'and that rasdaemon sleeps' has "$said" 'rasdaemon +rasdaemon neither runs nor'
check 'check --json' same 'ok ok' "$(json check 'map(select(.id == "daemon" or
	.id == "soft-offline").status) | join(" ")')"
check 'a verb that is none' sh -c 'softofflinectl frobnicate 2>/dev/null; test $? = 2'
